/*
 * mark.h - a bookmark: the record that sets it, and the row in which the view "label" keeps it.
 *
 * The record is of kind bookmark, codec json:
 *
 *   {"name":"before-upgrade","seq":1234,"check":"0011223344556677","note":"..."}
 *   {"name":"before-upgrade","drop":true}
 *
 * `check` is the check of the record named, so that a seq which a power cut took and gave again is
 * noticed; it is absent where the record could not be read. `note` may be absent. A record of this
 * kind with any other body is not a bookmark and sets nothing.
 */
#ifndef VIEWS_MARK_H
#define VIEWS_MARK_H

#include "flume/find.h"

enum mark_flags { MARK_DROPPED = 1, MARK_CHECKED = 2 };

/* A bookmark as its record tells it, without what only the log can tell. */
struct mark {
    unsigned flags; /* enum mark_flags. */
    uint64_t seq;   /* FLUME_SEQ_NONE where dropped. */
    uint64_t check; /* With MARK_CHECKED. */
    uint64_t record_seq;
    uint64_t time_ns;
    const char *name, *note, *labels; /* NUL-terminated. */
};

/** Whether a name may be given: see flume_bookmark_set(). */
bool mark_name_is_sound(const char *name);

/** The body of a bookmark's record, of which name, seq, flags, check and note ("": none) count.
 * Freed with free().
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int mark_body_encode(const struct mark *mark, char **out_body, size_t *out_bytes);

/** Put the rows of a bookmark's record: the newest of a name, and one of its history. */
int mark_apply(flume_batch *batch, size_t mark_table, size_t history_table,
               const flume_record *record);

/** A row's value. Pointers lead into it; name is left NULL.
 * @return false if it is not such a value. */
bool mark_row_decode(flume_bytes value, struct mark *out_mark);

#endif
