/*
 * loaded.h - views of the user's own, from shared objects named by --load.
 *
 * Such an object has, under the name flume_views, an array of pointers to definitions that ends in
 * NULL:
 *
 *     const flume_view_definition *const flume_views[] = {&mine, NULL};
 */
#ifndef REPL_LOADED_H
#define REPL_LOADED_H

#include "flume/view.h"

struct session;

/* All zero: nothing is loaded. */
struct loaded {
    void **objects; /* As dlopen() gave them. */
    size_t object_count;
    const flume_view_definition **definitions; /* Of all of them. */
    size_t definition_count;
};

/** Load what the command line names. CODE_OK, or the code of what was reported. */
int loaded_open(struct loaded *loaded, struct session *session);

/** The definitions are gone with it. Harmless if nothing is loaded. */
void loaded_close(struct loaded *loaded);

#endif
