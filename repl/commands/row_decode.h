/*
 * row_decode.h - a row of a view, made readable.
 *
 * The tables of built-in and declared views are decoded by what views/FORMAT.md says of them; a row
 * that is otherwise, and every row of another view, is text where it is that, else hexadecimal
 * digits behind "0x".
 */
#ifndef REPL_ROW_DECODE_H
#define REPL_ROW_DECODE_H

#include "session.h"

enum row_shape {
    SHAPE_BYTES,
    SHAPE_HASH,           /* The first 8 bytes of a hash, seq. */
    SHAPE_LABEL,          /* Label, NUL, seq. */
    SHAPE_LABEL_COUNT,    /* Label -> count, bytes, first, last. */
    SHAPE_MARK,           /* Name -> what it names. */
    SHAPE_MARK_HISTORY,   /* Name, NUL, seq -> what it named. */
    SHAPE_CATALOG,        /* Name of a view -> its declaration. */
    SHAPE_FIELD,          /* Value, seq; or value -> seq. */
    SHAPE_FIELD_COUNT,    /* What became of records. */
    SHAPE_GROUP,          /* Group of a fold -> its state. */
    SHAPE_BLOB,           /* Hash of a content, seq -> form, bytes, chunks. */
    SHAPE_BLOB_RECORD,    /* Seq -> hash of a content, form, bytes, chunks. */
    SHAPE_SCOPE,          /* Id of a scope -> first, last, count, time. */
    SHAPE_ADDRESS,        /* Address, seq -> form, bytes, time. */
    SHAPE_SUPERSET,       /* Fingerprint -> the scope that is it, one that has it and more. */
    SHAPE_SUPERSET_SHAPE, /* Number of a set of keys -> who brought it, how many keys. */
    SHAPE_SUPERSET_ENTRY, /* Token, seq -> number of pairs. */
    SHAPE_SUPERSET_INFO,  /* Counts. */
    SHAPE_SUM             /* Anything -> numbers of 64 bits. */
};

/* One row, made readable. */
struct shown_row {
    struct text key, value;
    uint64_t seq; /* FLUME_SEQ_NONE: the row has none. */
};

/** What the rows of this table look like. */
enum row_shape row_shape_of(struct session *session, flume_view *view, size_t table);

/** Add to an empty row what can be read. */
void row_decode(enum row_shape shape, const flume_bytes *key, const flume_bytes *value,
                struct shown_row *row);

#endif
