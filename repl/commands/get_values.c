/*
 * get_values.c - `get --path` (get_values.h).
 */
#include "get_values.h"

#include <inttypes.h>
#include <string.h>

#include "grid.h"
#include "json_scan.h"
#include "object.h"

static const struct grid_column value_columns[] = {
    {"seq", 9, true}, {"path", 16, false}, {"value", 0, false}};

struct giving {
    struct session *session;
    const struct rows *rows;
    const char *path;
    uint64_t seq;
    struct grid grid;
    bool has_columns;
    struct text text; /* What goes to the stream. */
    size_t count;
};

int get_values_parse(struct session *session, struct json_pick *out_pick)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_PATH);
    size_t at = 0;
    const char *reason = json_pick_parse(out_pick, use->text, &at);

    if (reason == NULL && use->text[at] != '\0')
        reason = "a step begins with '.' or '['";
    if (reason == NULL)
        return CODE_OK;
    return report_at(session, (struct reference_place){use->token, use->text_at + at, 0},
                     ERROR_BAD_PATH, reason);
}

static void give_row(struct giving *giving, const char *value, size_t bytes)
{
    struct text shown = {0};

    json_pick_show(&shown, value, bytes);
    grid_seq(&giving->grid, giving->seq);
    grid_string(&giving->grid, giving->path);
    if (giving->session->json)
        grid_list(&giving->grid, &shown, &shown);
    else
        grid_bytes(&giving->grid, shown.data, shown.bytes);
    (void)grid_end_row(&giving->grid); /* A failure shows when stdout is flushed. */
    text_deinit(&shown);
}

static bool give(void *ctx, const char *value, size_t bytes)
{
    struct giving *giving = ctx;
    const struct rows *rows = giving->rows;

    giving->count++;
    if (giving->has_columns || giving->session->json) {
        give_row(giving, value, bytes);
    } else if (giving->session->mode == MODE_RAW) {
        if (!json_pick_unquote(&giving->text, value, bytes))
            text_add(&giving->text, value, bytes);
        text_add(&giving->text, rows->grid.delimiter, rows->grid.delimiter_bytes);
    } else {
        json_pick_show(&giving->text, value, bytes);
        text_char(&giving->text, '\n');
    }
    return true;
}

/* A failure shows when the stream is flushed. */
static void write_text(struct giving *giving, FILE *stream)
{
    if (giving->text.bytes == 0)
        return;
    if (stream != stdout) {
        (void)fwrite(giving->text.data, 1, giving->text.bytes, stream);
        return;
    }
    text_add(&giving->session->line, giving->text.data, giving->text.bytes);
    (void)session_emit(giving->session);
}

int get_values(struct session *session, const struct rows *rows, const struct json_pick *pick,
               const flume_record *record, FILE *stream)
{
    struct giving giving = {.session = session, .rows = rows, .seq = record->seq};
    bool is_json = json_scan_valid(record->body, record->body_bytes);

    giving.path = invocation_option(session->invocation, OPTION_PATH)->text;
    giving.has_columns = session->mode_is_chosen && session->mode != MODE_RAW && !session->json;
    grid_init(&giving.grid, session, "value", value_columns,
              sizeof(value_columns) / sizeof(value_columns[0]));
    if (is_json)
        json_pick_each(pick, record->body, record->body_bytes, give, &giving);
    write_text(&giving, stream);
    text_deinit(&giving.text);
    if (!is_json)
        return report(session, ERROR_BODY_NOT_JSON, record->seq);
    if (giving.count == 0)
        return report(session, ERROR_NO_VALUE, giving.path, record->seq);
    return CODE_OK;
}
