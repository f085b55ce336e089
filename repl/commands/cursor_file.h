/*
 * cursor_file.h - a position in a log, kept in a file outside it.
 *
 * A seq alone would not do: after a power cut the log may give it to another record. So the file
 * keeps the check of the record before the position too, and the basin's identity.
 */
#ifndef REPL_CURSOR_FILE_H
#define REPL_CURSOR_FILE_H

#include "session.h"

struct cursor_file {
    struct session *session;
    flume_log *log;
    const char *path;
    uint8_t basin_id[16];
    uint64_t saved_seq; /* FLUME_SEQ_NONE: nothing yet. */
};

/** CODE_OK, or what was reported. */
int cursor_file_init(struct cursor_file *file, struct session *session, flume_log *log,
                     const char *path);

/**
 * Read it. A missing file is the start of the log.
 *
 * @return CODE_OK; CODE_STALE if the log no longer has what the file remembers; CODE_USAGE if the
 *         file is not a cursor, or of another basin; CODE_IO. All reported.
 */
int cursor_file_load(struct cursor_file *file, uint64_t *out_seq);

/** Write it, if seq is another than before. CODE_OK, or what was reported. */
int cursor_file_save(struct cursor_file *file, uint64_t seq);

#endif
