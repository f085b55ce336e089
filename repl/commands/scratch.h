/*
 * scratch.h - a basin of the program's own, in a temporary directory, for measuring.
 */
#ifndef REPL_SCRATCH_H
#define REPL_SCRATCH_H

#include "session.h"

struct scratch {
    struct session *session;
    char directory[512]; /* "": there is none. */
    char path[560];      /* Where the basin may be made. */
};

/** A directory under TMPDIR, or else /tmp, with this name in its own. CODE_OK, or the code of what
 * was reported. */
int scratch_make(struct scratch *scratch, struct session *session, const char *name);

/** Take it away with all that is in it; harmless if it was not made. */
void scratch_remove(struct scratch *scratch);

#endif
