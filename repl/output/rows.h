/*
 * rows.h - how records are written out.
 */
#ifndef REPL_ROWS_H
#define REPL_ROWS_H

#include "grid.h"

struct rows {
    struct session *session;
    struct grid grid;
    bool shows_place; /* Hash, strata and offset too. */
    bool has_grid;
};

/** Take -0 and -D from the command line. */
void rows_init(struct rows *rows, struct session *session);

/** Write a record. False if stdout does not take it. */
bool rows_record(struct rows *rows, const flume_record *record);

enum payload_form {
    PAYLOAD_VALUE, /* A body with codec json is a JSON value in the object. */
    PAYLOAD_EXACT  /* A string, from which the very bytes come back. */
};

/** Begin the object of a record: all its fields, without the closing brace. */
void rows_add_json(struct text *text, const flume_record *record, enum payload_form form);

/** "message", or "64". */
void rows_add_kind(struct text *text, unsigned kind);
/** The labels as they are shown, with commas between, in at most so many cells (0: no limit).
 * Returns the cells. */
size_t rows_add_labels(struct text *text, const flume_record *record, size_t cells_max);
/** Labels as one value: commas between them, and "\\," for a comma in one. */
void rows_join_labels_of(struct text *text, const flume_record *record);
void rows_join_labels(struct text *text, const char *const *labels, size_t count);

#endif
