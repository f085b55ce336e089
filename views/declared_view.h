/*
 * declared_view.h - a declared view at work: its declaration, its paths compiled, its tables.
 */
#ifndef VIEWS_DECLARED_VIEW_H
#define VIEWS_DECLARED_VIEW_H

#include "builtin.h"
#include "json_path.h"
#include "value.h"

enum { DECLARED_TABLES_MAX = 2 };

/* The definition comes first: a pointer to it is one to the whole. */
struct declared {
    flume_view_definition definition;
    flume_declaration declaration;
    flume_view_table tables[DECLARED_TABLES_MAX];
    struct json_path *path;    /* NULL: a count of records. */
    struct json_path *by_path; /* NULL: not grouped by a field. */
};

/** What is behind a definition; NULL: it is not a declared view's. */
const struct declared *declared_of(const flume_view_definition *definition);

/** A declared view of one sort by name. It stays valid until the handle is closed.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND, with the detail; as flume_view_find(). */
int declared_find(flume *handle, const char *name, enum flume_declared_what what,
                  flume_view **out_view, const struct declared **out_declared);

/** Whether a record carries the label that its view asks for. */
bool declared_takes(const struct declared *declared, const flume_record *record);

/* ---- field views (field_view.c) ---- */

enum field_table { FIELD_TABLE_VALUE = 0, FIELD_TABLE_COUNT = 1, FIELD_TABLES = 2 };

extern const flume_view_table field_tables[FIELD_TABLES];
int field_apply(void *state, flume_batch *batch, const flume_record *record);

/** What stands at a field's path: VALUE_NONE if it is not of the field's type. As
 * value_of_json(). */
int field_value_of(const struct declared *declared, struct json_slice json,
                   struct value_buffer *buffer, struct value *out_value);

/* ---- reduce views (reduce_view.c) ---- */

enum reduce_table { REDUCE_TABLE_STATE = 0, REDUCE_TABLES = 1 };

int reduce_apply(void *state, flume_batch *batch, const flume_record *record);
int reduce_merge(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer, void *target,
                 size_t *out_bytes);

#endif
