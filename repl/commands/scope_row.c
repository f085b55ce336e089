/*
 * scope_row.c - a scope as a row: its verdict, labels and variables (scope_forms.h).
 */
#include <string.h>

#include "object.h"
#include "scope_forms.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* What people are shown of one key or value, and of how many. */
enum { VALUE_BYTES = 40, VARIABLES_SHOWN = 64 };

static const struct grid_column columns[] = {
    {"seq", 6, false},     {"time", 18, false}, {"verdict", 8, false}, {"of", 6, false},
    {"extends", 7, false}, {"count", 6, true},  {"labels", 10, false}, {"variables", 0, false}};

const char *scope_row_verdict(enum flume_verdict_kind kind)
{
    switch (kind) {
    case FLUME_NEW:
        return "new";
    case FLUME_DUP:
        return "dup";
    case FLUME_SUBSET:
        return "subset";
    case FLUME_SUPERSET:
        return "superset";
    case FLUME_PENDING:
        return "pending";
    default:
        return "unasked";
    }
}

void scope_row_related(struct grid *grid, const flume_tape_entry *entry)
{
    grid_seq(grid, entry->kind == FLUME_SUPERSET ? entry->extends_seq : entry->target_seq);
    grid_seq(grid, entry->extends_seq);
}

void scope_row_labels(struct grid *grid, const flume_scope *scope)
{
    struct text json = {0}, shown = {0};

    text_char(&json, '[');
    for (size_t i = 0; i < flume_scope_label_count(scope); i++) {
        const char *label = flume_scope_label_at(scope, i);

        text_string(&json, i == 0 ? "" : ",");
        object_put_string(&json, label, strlen(label));
        text_string(&shown, i == 0 ? "" : ",");
        text_string(&shown, label);
    }
    text_char(&json, ']');
    if (grid->session->json)
        grid_list(grid, &json, &shown);
    else
        grid_bytes(grid, shown.data, shown.bytes);
    text_deinit(&json);
    text_deinit(&shown);
}

/* ---- variables ---- */

/* What the library writes of a scope with this variable alone: {"v":VALUE}. */
bool scope_row_value(struct scoping *scoping, struct text *target, const flume_variable *variable)
{
    static const char before[] = "{\"v\":";
    flume_variable alone = *variable;
    size_t at = sizeof(before) - 1;
    char *json = NULL;

    alone.key = "v";
    if (scoping->one == NULL && flume_scope_create(&scoping->one) != FLUME_OK)
        return false;
    flume_scope_clear(scoping->one);
    if (flume_scope_set_variable(scoping->one, &alone) != FLUME_OK ||
        flume_scope_to_json(scoping->one, &json) != FLUME_OK)
        return false;
    if (strncmp(json, before, at) == 0)
        object_put_json(target, json + at, strlen(json) - at - 1);
    else
        text_string(target, "null"); /* Of a class that is not recorded. */
    flume_scope_free(json);
    return !target->failed;
}

/* Cut between characters; the grid escapes what has to be. */
static void add_cut(struct text *shown, const char *data, size_t bytes)
{
    size_t kept = bytes;

    if (bytes > VALUE_BYTES)
        for (kept = VALUE_BYTES; kept > 0 && (data[kept] & 0xc0) == 0x80;)
            kept--;
    text_add(shown, data, kept);
    text_string(shown, kept < bytes ? "..." : "");
}

static bool put_shown(struct scoping *scoping, struct text *shown, const flume_scope *scope)
{
    struct text value = {0};
    flume_variable variable;
    size_t i = 0;
    bool good = true;

    for (; good && i < VARIABLES_SHOWN && flume_scope_at(scope, i, &variable); i++) {
        text_clear(&value);
        good = scope_row_value(scoping, &value, &variable);
        text_string(shown, i == 0 ? "" : " ");
        add_cut(shown, variable.key, strlen(variable.key));
        text_char(shown, '=');
        add_cut(shown, value.data, value.bytes);
    }
    if (good && flume_scope_count(scope) > i)
        text_format(shown, " and %zu more", flume_scope_count(scope) - i);
    text_deinit(&value);
    return good && !shown->failed;
}

bool scope_row_variables(struct scoping *scoping, struct grid *grid, const flume_scope *scope)
{
    struct text json = {0}, shown = {0};
    char *written = NULL;
    bool good = flume_scope_to_json(scope, &written) == FLUME_OK &&
                put_shown(scoping, &shown, scope);

    if (good) {
        object_put_json(&json, written, strlen(written));
        grid_list(grid, &json, &shown);
    }
    flume_scope_free(written);
    text_deinit(&json);
    text_deinit(&shown);
    return good;
}

/* ---- a row ---- */

void scope_row_begin(struct grid *grid, struct scoping *scoping)
{
    grid_init(grid, scoping->session, "scope", columns, COLUMN_COUNT(columns));
    grid_spare(grid, "extends time labels of");
}

int scope_row(struct scoping *scoping, struct grid *grid, const flume_tape_entry *entry,
              uint64_t count, const flume_scope *scope)
{
    scoping->asking.given++;
    progress_end(&scoping->asking.progress);
    grid_seq(grid, entry->record_seq);
    grid_time(grid, entry->last_time_ns);
    grid_string(grid, scope_row_verdict(entry->kind));
    scope_row_related(grid, entry);
    grid_count(grid, count);
    scope_row_labels(grid, scope);
    if (!scope_row_variables(scoping, grid, scope))
        return FLUME_ERR_NO_MEMORY;
    session_printed(scoping->session, entry->record_seq);
    return grid_end_row(grid) ? FLUME_OK : FLUME_ERR_IO;
}
