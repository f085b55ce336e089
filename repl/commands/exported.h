/*
 * exported.h - one line of an export, read back.
 */
#ifndef REPL_EXPORTED_H
#define REPL_EXPORTED_H

#include "flume/flume.h"

#include <jansson.h>

enum exported_form {
    EXPORTED_RECORD,
    EXPORTED_SKIP, /* A manifest or the stand-in of a lost record. */
    EXPORTED_BAD
};

struct exported {
    flume_entry entry; /* Points into the rest. */
    uint64_t seq;      /* What it had; FLUME_SEQ_NONE if the line does not say. */
    bool more;         /* The next line belongs to the same batch. */
    const char *cause; /* EXPORTED_BAD: why. Static or in `why`. */
    char why[200];
    json_t *root;
    void *body;          /* Decoded; NULL: the payload is in root. */
    const char **labels; /* In root. */
};

/** Read a line. exported_release() in every case. */
enum exported_form exported_read(struct exported *exported, const char *line, size_t bytes);

void exported_release(struct exported *exported);

#endif
