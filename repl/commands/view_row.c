/*
 * view_row.c - `flume view rows` (view_row.h).
 */
#include "view_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "grid.h"
#include "limit.h"
#include "row_decode.h"
#include "view_name.h"

/* What the keys of texts begin with in a field view, and those of groups in a fold. */
enum { KEY_OF_TEXT = 5, KEY_OF_GROUP = 1 };
enum { HASH_PREFIX_BYTES = 8 }; /* Of a hash, in a key of the view of that name. */

static const struct grid_column row_columns[] = {
    {"key", 40, false}, {"seq", 9, true}, {"value", 0, false}};

struct showing {
    struct session *session;
    flume_view *view;
    size_t table;
    enum row_shape shape;
    struct text prefix; /* What the keys begin with, as they are stored. */
};

/* ---- which rows ---- */

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef", *found;

    if (c >= 'A' && c <= 'F')
        c = (char)(c - 'A' + 'a');
    found = c == '\0' ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

/* Pairs of digits as bytes; false if there is anything else. */
static bool add_digits(struct text *target, const char *digits)
{
    for (; digits[0] != '\0'; digits += 2) {
        int high = digit_of(digits[0]), low = digit_of(digits[1]);

        if (high < 0 || low < 0)
            return false;
        text_char(target, (char)(high << 4 | low));
    }
    return true;
}

static int take_prefix(struct showing *showing)
{
    const struct invocation *invocation = showing->session->invocation;
    const struct operand *operand = invocation->operand_count < 2 ? NULL : &invocation->operands[1];

    if (operand == NULL)
        return CODE_OK;
    if (showing->shape == SHAPE_HASH || strncmp(operand->text, "0x", 2) == 0) {
        if (add_digits(&showing->prefix, operand->text + (operand->text[1] == 'x' ? 2 : 0))) {
            if (showing->shape == SHAPE_HASH && showing->prefix.bytes > HASH_PREFIX_BYTES)
                showing->prefix.bytes = HASH_PREFIX_BYTES; /* What follows is not in the rows. */
            return CODE_OK;
        }
        return report_at(showing->session, (struct reference_place){.token = operand->token},
                         ERROR_KEY_NOT_HEX);
    }
    if (showing->shape == SHAPE_FIELD)
        text_char(&showing->prefix, KEY_OF_TEXT);
    if (showing->shape == SHAPE_GROUP)
        text_char(&showing->prefix, KEY_OF_GROUP);
    text_string(&showing->prefix, operand->text);
    return CODE_OK;
}

static int choose_table(struct showing *showing)
{
    const struct option_use *use = invocation_option(showing->session->invocation, OPTION_TABLE);
    const flume_view_definition *definition = flume_view_definition_of(showing->view);
    struct suggestion suggestion;
    struct report_detail detail = {.suggestion = &suggestion};
    char list[160] = "";
    size_t used = 0;

    suggest_begin(&suggestion, "", use == NULL ? "" : use->text,
                  use == NULL ? 0 : strlen(use->text));

    for (size_t i = 0; i < definition->table_count; i++) {
        const char *name = definition->tables[i].name;

        if (use == NULL || strcmp(use->text, name) == 0) {
            showing->table = i;
            return CODE_OK;
        }
        suggest_offer(&suggestion, name);
        used +=
            (size_t)snprintf(list + used, sizeof(list) - used, "%s%.24s", i == 0 ? "" : " ", name);
        if (used >= sizeof(list))
            used = sizeof(list) - 1;
    }
    detail.place = (struct reference_place){use->token, use->text_at, 0};
    detail.fill = list;
    return report_with(showing->session, &detail, ERROR_NO_TABLE);
}

/* ---- showing ---- */

static bool begins(const struct showing *showing, const flume_bytes *key)
{
    const struct text *prefix = &showing->prefix;

    return key->bytes >= prefix->bytes &&
           (prefix->bytes == 0 || memcmp(key->data, prefix->data, prefix->bytes) == 0);
}

static bool print_row(const struct showing *showing, struct grid *grid, const flume_bytes *key,
                      const flume_bytes *value)
{
    struct shown_row row = {.seq = FLUME_SEQ_NONE};
    bool good;

    row_decode(showing->shape, key, value, &row);
    grid_bytes(grid, row.key.data, row.key.bytes);
    grid_seq(grid, row.seq);
    grid_bytes(grid, row.value.data, row.value.bytes);
    good = grid_end_row(grid);
    text_deinit(&row.key);
    text_deinit(&row.value);
    return good;
}

static int print_rows(struct showing *showing, struct asking *asking, flume_rows *rows)
{
    flume_bytes key = {0}, value = {0};
    struct limit limit;
    struct grid grid;
    int status = flume_rows_seek(rows, showing->table, showing->prefix.data, showing->prefix.bytes);

    grid_init(&grid, showing->session, "row", row_columns,
              sizeof(row_columns) / sizeof(row_columns[0]));
    limit_init(&limit, showing->session, OPTION_ROWS_MAX);
    while (limit_wants_more(&limit) && status == FLUME_OK) {
        status = flume_rows_next(rows, &key, &value);
        if (status != FLUME_OK || !begins(showing, &key) || !limit_take(&limit))
            break;
        if (asking_stopped(asking))
            return asking_report(asking, FLUME_ERR_CANCELLED);
        asking->given++;
        if (!print_row(showing, &grid, &key, &value))
            return session_flush(showing->session);
    }
    if (status != FLUME_OK && status != FLUME_END)
        return asking_report(asking, status);
    limit_note(&limit, showing->session);
    return limit.rows == 0 && showing->prefix.bytes != 0 ? CODE_NO : CODE_OK;
}

static int show(struct showing *showing, struct asking *asking)
{
    flume_rows *rows = NULL;
    int code, status;

    asking_note_stale(asking);
    status = flume_view_read(showing->view, &asking->ask, &rows);
    if (status != FLUME_OK)
        return asking_report(asking, status);
    progress_end(&asking->progress);
    showing->shape = row_shape_of(showing->session, showing->view, showing->table);
    code = take_prefix(showing);
    if (code == CODE_OK)
        code = print_rows(showing, asking, rows);
    flume_rows_end(rows);
    return code;
}

int view_row_print(struct session *session)
{
    const struct operand *operand = &session->invocation->operands[0];
    struct showing showing = {.session = session};
    struct asking asking;
    int code = view_name_find(session, operand, &showing.view);

    if (code == CODE_OK)
        code = choose_table(&showing);
    if (code != CODE_OK)
        return code;
    code = asking_begin(&asking, session, operand->text);
    if (code == CODE_OK)
        code = show(&showing, &asking);
    asking_end(&asking);
    text_deinit(&showing.prefix);
    return code;
}
