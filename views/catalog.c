/*
 * catalog.c - the view "catalog": which views have been declared, and the calls that declare them.
 *
 * One table, "view": a name -> the newest declaration of it (declaration.h), with its version: how
 * many times the name has been declared so far. Dropping a name does not count, so a view that is
 * declared again never takes over the files of an older one.
 *
 * What always holds:
 *   - A declaration is appended only if no other record of its kind has been since the catalog was
 *     read: two processes that declare at once do so one after the other.
 */
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "builtin.h"
#include "declaration.h"
#include "inside.h"
#include "lookup.h"

/* Each attempt that fails means that somebody else has declared something. */
enum { DECLARE_ATTEMPTS_MAX = 1000 };

/* ---- the view ---- */

static int catalog_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t value[DECLARATION_ROW_BYTES_MAX];
    struct declaration_row row;
    json_t *body = NULL;
    int status = body_parse(record->body, record->body_bytes, &body);

    (void)state;
    if (status == FLUME_OK)
        status = body != NULL ? declaration_body_decode(body, &row) : FLUME_ERR_INVALID;
    json_decref(body);
    if (status == FLUME_ERR_INVALID)
        return FLUME_OK; /* It declares nothing. */
    if (status != FLUME_OK)
        return status;
    row.declaration.version = row.dropped ? 0 : 1;
    row.declaration.record_seq = record->seq;
    return flume_batch_put(batch, 0, row.declaration.name, strlen(row.declaration.name), value,
                           declaration_row_encode(&row, value));
}

static int catalog_merge(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                         void *target, size_t *out_bytes)
{
    size_t bytes = declaration_row_merge(older, newer, target);

    (void)ctx;
    (void)key;
    if (bytes == 0)
        return FLUME_ERR_VIEW;
    *out_bytes = bytes;
    return FLUME_OK;
}

static const flume_view_table catalog_tables[] = {
    {"view", FLUME_TABLE_COLLECT, catalog_merge, NULL}};
static const uint8_t catalog_kinds[] = {FLUME_KIND_VIEW};

const flume_view_definition view_catalog = {
    .name = "catalog",
    .version = 1,
    .tables = catalog_tables,
    .table_count = 1,
    .apply = catalog_apply,
    .kinds = catalog_kinds,
    .kind_count = 1,
};

/* ---- reading it ---- */

int catalog_each(flume *handle, const flume_ask *ask,
                 int (*callback)(void *ctx, const flume_declaration *declaration), void *ctx)
{
    struct declaration_row row;
    flume_bytes key, value;
    flume_rows *rows = NULL;
    int status = lookup_rows(handle, view_catalog.name, ask, &rows);

    if (status != FLUME_OK)
        return status;
    status = lookup_seek(rows, 0, "", 0);
    while (status == FLUME_OK) {
        status = flume_rows_next(rows, &key, &value);
        if (status == FLUME_END) {
            status = FLUME_OK;
            break;
        }
        if (status == FLUME_OK && !declaration_row_decode(key, value, &row))
            status = lookup_bad_row(handle, view_catalog.name);
        if (status == FLUME_OK && !row.dropped)
            status = callback(ctx, &row.declaration);
    }
    flume_rows_end(rows);
    return status;
}

/* A name's row, dropped or not. */
static int row_get(flume *handle, const flume_ask *ask, const char *name,
                   struct declaration_row *out_row)
{
    size_t name_bytes = strnlen(name, FLUME_VIEW_NAME_BYTES_MAX + 1);
    flume_rows *rows = NULL;
    flume_bytes value;
    int status;

    if (name_bytes == 0 || name_bytes > FLUME_VIEW_NAME_BYTES_MAX)
        return FLUME_ERR_NOT_FOUND;
    status = lookup_rows(handle, view_catalog.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = flume_rows_get(rows, 0, name, name_bytes, &value);
    if (status == FLUME_OK &&
        !declaration_row_decode((flume_bytes){name, name_bytes}, value, out_row))
        status = lookup_bad_row(handle, view_catalog.name);
    flume_rows_end(rows);
    return status;
}

int flume_view_declaration(flume *handle, const flume_ask *ask, const char *name,
                           flume_declaration *out_declaration)
{
    struct declaration_row row;
    int status;

    if (handle == NULL || name == NULL || out_declaration == NULL)
        return FLUME_ERR_INVALID;
    status = row_get(handle, ask, name, &row);
    if (status == FLUME_OK && row.dropped)
        status = FLUME_ERR_NOT_FOUND;
    if (status == FLUME_ERR_NOT_FOUND)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE, "no view %.*s is declared",
                          FLUME_VIEW_NAME_BYTES_MAX, name);
    if (status == FLUME_OK)
        *out_declaration = row.declaration;
    return status;
}

/* ---- declaring ---- */

/* Whether a name belongs to the library or to the program. */
static int name_check(flume *handle, const char *name)
{
    flume_view *view = NULL;
    int status = flume_view_find(handle, name, &view);

    if (strcmp(name, view_hash.name) == 0 || strcmp(name, view_label.name) == 0 ||
        strcmp(name, view_catalog.name) == 0 ||
        (status == FLUME_OK && !declared_definition_is(flume_view_definition_of(view))))
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "%s is the name of a built-in or registered view; choose another", name);
    return status == FLUME_ERR_NOT_FOUND ? FLUME_OK : status;
}

/* A body to append, on the condition that the log's last declaration is this one. */
static int append_after(flume *handle, const char *body, uint64_t last_seq, uint64_t *out_seq)
{
    flume_condition condition = {.check = FLUME_IF_LAST, .kind = FLUME_KIND_VIEW, .last = last_seq};
    flume_entry entry = {.body = body,
                         .body_bytes = strlen(body),
                         .codec = FLUME_CODEC_JSON,
                         .kind = FLUME_KIND_VIEW};
    int status = flume_log_append_many(flume_log_of(handle), &entry, 1, &condition, out_seq);

    return status == FLUME_OK || status == FLUME_ERR_CONFLICT ? status
                                                              : flume_fail_log(handle, status);
}

/* One attempt to bring a name to a declaration (NULL: to drop it). FLUME_ERR_CONFLICT: again. */
static int declare_once(flume *handle, const char *name, const flume_declaration *declaration,
                        const char *body, uint64_t *out_seq)
{
    struct declaration_row row = {.dropped = true};
    uint64_t last_seq = FLUME_SEQ_NONE;
    int status = flume_log_last(flume_log_of(handle), FLUME_KIND_VIEW, &last_seq);

    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    /* Read after the last record was asked for: it is in the catalog, or what comes conflicts. */
    status = row_get(handle, NULL, name, &row);
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    if (declaration == NULL && row.dropped)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE, "no view %s is declared",
                          name);
    if (declaration != NULL && !row.dropped && declaration_same(declaration, &row.declaration)) {
        *out_seq = row.declaration.record_seq;
        return FLUME_OK;
    }
    return append_after(handle, body, last_seq, out_seq);
}

static int declare(flume *handle, const char *name, const flume_declaration *declaration,
                   const char *body, uint64_t *out_seq)
{
    int status = FLUME_ERR_CONFLICT;

    for (int i = 0; i < DECLARE_ATTEMPTS_MAX && status == FLUME_ERR_CONFLICT; i++)
        status = declare_once(handle, name, declaration, body, out_seq);
    if (status == FLUME_ERR_CONFLICT)
        return flume_fail(handle, FLUME_ERR_BUSY, FLUME_SEQ_NONE,
                          "others declare views without pause; view %s was not changed", name);
    return status;
}

int flume_view_declare(flume *handle, const flume_declaration *declaration,
                       uint64_t *out_record_seq)
{
    const char *reason = "";
    char *body = NULL;
    uint64_t seq = FLUME_SEQ_NONE;
    int status;

    if (handle == NULL || declaration == NULL)
        return FLUME_ERR_INVALID;
    status = declaration_check(declaration, &reason);
    if (status == FLUME_ERR_INVALID)
        return flume_fail(handle, status, FLUME_SEQ_NONE, "the view cannot be declared: %s",
                          reason);
    if (status == FLUME_OK)
        status = name_check(handle, declaration->name);
    if (status == FLUME_OK)
        status = declaration_body_encode(declaration, &body);
    if (status == FLUME_OK)
        status = declare(handle, declaration->name, declaration, body, &seq);
    free(body);
    if (status == FLUME_OK && out_record_seq != NULL)
        *out_record_seq = seq;
    return status;
}

int flume_view_drop(flume *handle, const char *name)
{
    char *body = NULL;
    uint64_t seq = FLUME_SEQ_NONE;
    int status;

    if (handle == NULL || name == NULL)
        return FLUME_ERR_INVALID;
    if (!declaration_name_is_sound(name))
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE, "no view has such a name");
    status = declaration_drop_encode(name, &body);
    if (status == FLUME_OK)
        status = declare(handle, name, NULL, body, &seq);
    free(body);
    return status;
}
