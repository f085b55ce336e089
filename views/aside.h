/*
 * aside.h - a directory beside the generations of a view, in which it is derived afresh.
 *
 * What always holds:
 *   - Whoever uses such a directory holds a byte of LOCK with others of its kind, through a
 *     descriptor of its own. Who gets that byte alone knows that all such directories are of
 *     programs that have died, and removes them.
 */
#ifndef VIEWS_ASIDE_H
#define VIEWS_ASIDE_H

#include "place.h"

struct aside {
    int lock_file;
    char path[PLACE_PATH_BYTES];
};

/** Make one, in a place that is open. 0, or a positive errno; then there is nothing to end. */
int aside_begin(const struct place *place, struct aside *out_aside);
/** Remove it with all that is in it. */
void aside_end(struct aside *aside);

/** Remove those of the dead, unless somebody is using one. */
void aside_sweep(const struct place *place);

#endif
