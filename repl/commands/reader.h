/*
 * reader.h - the records that a command asked for: filters, and damage met on the way.
 *
 * A damaged record is reported once and passed over, so that one bad sector hides nothing else; it
 * makes the exit code CODE_DAMAGED. A record that a repair found lost is only counted.
 */
#ifndef REPL_READER_H
#define REPL_READER_H

#include <regex.h>

#include "session.h"
#include "where.h"

enum { READER_KINDS_MAX = 255 };

struct reader {
    struct session *session;
    flume_log *log;
    flume_cursor *cursor;
    flume_cursor_options options; /* Bounds and flags may be set before reader_open(). */
    uint8_t kinds[READER_KINDS_MAX];
    size_t label_count; /* More than one: any of them counts. */
    bool has_regex;
    regex_t regex;
    struct where where;
    bool is_search; /* Some filter was given. */
    uint64_t damaged, lost;
    uint64_t lost_seq; /* The one met last. */
};

/** Take the filters from the command line. CODE_OK or what was reported. Always deinit. */
int reader_init(struct reader *reader, struct session *session, flume_log *log);

/** Start, or start anew, with reader->options. From here to the deinit Ctrl-C cancels it; there is
 * one reader at a time. CODE_OK or what was reported. */
int reader_open(struct reader *reader);

/**
 * The next record that passes. It is valid until the next call.
 *
 * @return FLUME_OK, FLUME_END, FLUME_ERR_TIMEOUT (of a live one; maybe before the time is up),
 *         FLUME_ERR_CANCELLED, FLUME_ERR_LOST (a stand-in: reader->lost_seq), or an error that
 *         ends reading (not yet reported).
 */
int reader_next(struct reader *reader, uint64_t timeout_ns, flume_record *out_record);

/** Say what was passed over; the worse of `code` and CODE_DAMAGED if there was damage. */
int reader_finish(struct reader *reader, int code);

void reader_deinit(struct reader *reader);

#endif
