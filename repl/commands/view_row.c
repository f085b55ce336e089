/*
 * view_row.c - `flume view rows` (view_row.h).
 *
 * The tables of the built-in and field views are decoded by what views/FORMAT.md says of them; a
 * row that is otherwise, and every row of another view, is shown as text where it is that, else in
 * hexadecimal digits behind "0x".
 */
#include "view_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "grid.h"
#include "utf8.h"
#include "view_name.h"

enum { SEQ_BYTES = 8, LABEL_NUMBERS = 4 };

/* What a field's key begins with: the type of the value. */
enum { FIELD_NULL = 1, FIELD_FALSE = 2, FIELD_TRUE = 3, FIELD_NUMBER = 4, FIELD_TEXT = 5 };
enum { FIELD_NUMBER_BYTES = 10, FIELD_CUT_BYTES = 16 /* Behind a text that was cut: its hash. */ };

enum row_shape {
    SHAPE_BYTES,
    SHAPE_HASH,        /* Hash, seq. */
    SHAPE_LABEL,       /* Label, NUL, seq. */
    SHAPE_LABEL_COUNT, /* Label -> count, bytes, first, last. */
    SHAPE_FIELD,       /* Value, seq; or value -> seq. */
    SHAPE_SUM          /* Anything -> numbers of 64 bits. */
};

static const struct grid_column row_columns[] = {
    {"key", 40, false}, {"seq", 9, true}, {"value", 0, false}};

/* One row, made readable. */
struct shown_row {
    struct text key, value;
    uint64_t seq; /* FLUME_SEQ_NONE: the row has none. */
};

struct showing {
    struct session *session;
    flume_view *view;
    size_t table;
    enum row_shape shape;
    struct text prefix; /* What the keys begin with, as they are stored. */
};

static uint64_t get_big(const uint8_t *source)
{
    uint64_t value = 0;

    for (size_t i = 0; i < SEQ_BYTES; i++)
        value = value << 8 | source[i];
    return value;
}

static uint64_t get_little(const uint8_t *source)
{
    uint64_t value = 0;

    for (size_t i = SEQ_BYTES; i-- > 0;)
        value = value << 8 | source[i];
    return value;
}

static void add_hex(struct text *text, const uint8_t *source, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text_format(text, "%02x", source[i]);
}

static bool is_printable(const uint8_t *source, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (source[i] < 0x20 || source[i] == 0x7F)
            return false;
    return utf8_valid(source, bytes);
}

static void add_bytes(struct text *text, const uint8_t *source, size_t bytes)
{
    if (is_printable(source, bytes)) {
        text_add(text, source, bytes);
        return;
    }
    text_string(text, "0x");
    add_hex(text, source, bytes);
}

/* ---- decoding ---- */

static bool decode_hash(const uint8_t *key, size_t bytes, struct shown_row *row)
{
    if (bytes != FLUME_HASH_BYTES + SEQ_BYTES)
        return false;
    add_hex(&row->key, key, FLUME_HASH_BYTES);
    row->seq = get_big(key + FLUME_HASH_BYTES);
    return true;
}

static bool decode_label(const uint8_t *key, size_t bytes, struct shown_row *row)
{
    if (bytes < SEQ_BYTES + 2 || key[bytes - SEQ_BYTES - 1] != '\0')
        return false;
    text_add(&row->key, key, bytes - SEQ_BYTES - 1);
    row->seq = get_big(key + bytes - SEQ_BYTES);
    return true;
}

static bool decode_label_count(const uint8_t *key, size_t bytes, const flume_bytes *value,
                               struct shown_row *row)
{
    const uint8_t *numbers = value->data;

    if (value->bytes != LABEL_NUMBERS * SEQ_BYTES)
        return false;
    text_add(&row->key, key, bytes);
    text_format(&row->value, "%" PRIu64 " records, %" PRIu64 " bytes, @%" PRIu64 " to @%" PRIu64,
                get_little(numbers), get_little(numbers + SEQ_BYTES),
                get_little(numbers + 2 * SEQ_BYTES), get_little(numbers + 3 * SEQ_BYTES));
    return true;
}

/* A text of a field's key, where a zero byte is followed by 0xff, and two that differ end it.
 * Returns the bytes taken, 0 if it has no end. */
static size_t decode_field_text(const uint8_t *key, size_t bytes, struct text *target)
{
    for (size_t at = 0; at + 1 < bytes; at++) {
        if (key[at] != 0) {
            text_add(target, key + at, 1);
        } else if (key[at + 1] == 0xFF) {
            text_char(target, '\0');
            at++;
        } else {
            bool was_cut = key[at + 1] != 0;

            text_string(target, was_cut ? "..." : "");
            return at + 2 + (was_cut ? FIELD_CUT_BYTES : 0);
        }
    }
    return 0;
}

/* The bits of a double, turned so that they sort. */
static double decode_number(const uint8_t *key)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t bits = get_big(key);
    double number;

    bits = (bits & sign) != 0 ? bits & ~sign : ~bits;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

/* Returns the bytes that the value takes; 0 if it is none. */
static size_t decode_field_value(const uint8_t *key, size_t bytes, struct text *target)
{
    static const char *const words[] = {
        [FIELD_NULL] = "null", [FIELD_FALSE] = "false", [FIELD_TRUE] = "true"};
    size_t taken;

    switch (key[0]) {
    case FIELD_NULL:
    case FIELD_FALSE:
    case FIELD_TRUE:
        text_string(target, words[key[0]]);
        return 1;
    case FIELD_NUMBER:
        if (bytes < 1 + FIELD_NUMBER_BYTES)
            return 0;
        text_format(target, "%.17g", decode_number(key + 1));
        return 1 + FIELD_NUMBER_BYTES;
    case FIELD_TEXT:
        taken = decode_field_text(key + 1, bytes - 1, target);
        return taken == 0 ? 0 : taken + 1;
    default:
        return 0;
    }
}

static bool decode_field(const uint8_t *key, size_t bytes, const flume_bytes *value,
                         struct shown_row *row)
{
    size_t taken = decode_field_value(key, bytes, &row->key);

    if (taken != 0 && bytes == taken + SEQ_BYTES) {
        row->seq = get_big(key + taken);
        return true;
    }
    if (taken != 0 && bytes == taken && value->bytes == SEQ_BYTES) {
        row->seq = get_big(value->data);
        return true;
    }
    text_clear(&row->key);
    return false;
}

static bool decode_sum(const uint8_t *key, size_t bytes, const flume_bytes *value,
                       struct shown_row *row)
{
    uint64_t number;

    if (value->bytes % sizeof(number) != 0)
        return false;
    add_bytes(&row->key, key, bytes);
    for (size_t at = 0; at < value->bytes; at += sizeof(number)) {
        memcpy(&number, (const uint8_t *)value->data + at, sizeof(number));
        text_format(&row->value, "%s%" PRIu64, at == 0 ? "" : " ", number);
    }
    return true;
}

static void decode(const struct showing *showing, const flume_bytes *key, const flume_bytes *value,
                   struct shown_row *row)
{
    bool known = false;

    switch (showing->shape) {
    case SHAPE_HASH:
        known = decode_hash(key->data, key->bytes, row);
        break;
    case SHAPE_LABEL:
        known = decode_label(key->data, key->bytes, row);
        break;
    case SHAPE_LABEL_COUNT:
        known = decode_label_count(key->data, key->bytes, value, row);
        break;
    case SHAPE_FIELD:
        known = decode_field(key->data, key->bytes, value, row);
        break;
    case SHAPE_SUM:
        known = decode_sum(key->data, key->bytes, value, row);
        break;
    case SHAPE_BYTES:
        break;
    }
    if (known)
        return;
    add_bytes(&row->key, key->data, key->bytes);
    add_bytes(&row->value, value->data, value->bytes);
}

/* ---- which rows ---- */

static enum row_shape shape_of(const struct showing *showing)
{
    const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    const flume_view_definition *definition = flume_view_definition_of(showing->view);
    const char *table = definition->tables[showing->table].name;
    flume_view_status status = {.built_in = false};
    flume_declaration declaration;

    (void)flume_view_status_of(showing->view, &status); /* Without it rows are shown as bytes. */
    if (status.built_in && strcmp(table, "hash") == 0)
        return SHAPE_HASH;
    if (status.built_in && strcmp(table, "label") == 0)
        return SHAPE_LABEL;
    if (status.built_in && strcmp(table, "count") == 0)
        return SHAPE_LABEL_COUNT;
    if (!status.built_in && strcmp(table, "value") == 0 &&
        flume_view_declaration(showing->session->flume, &at_once, definition->name, &declaration) ==
            FLUME_OK)
        return SHAPE_FIELD;
    return definition->tables[showing->table].merge == flume_merge_sum ? SHAPE_SUM : SHAPE_BYTES;
}

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
        if (add_digits(&showing->prefix, operand->text + (operand->text[1] == 'x' ? 2 : 0)))
            return CODE_OK;
        return report_at(showing->session, (struct reference_place){.token = operand->token},
                         ERROR_KEY_NOT_HEX);
    }
    if (showing->shape == SHAPE_FIELD)
        text_char(&showing->prefix, FIELD_TEXT);
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

    decode(showing, key, value, &row);
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
    uint64_t limit = invocation_number(showing->session->invocation, OPTION_ROWS_MAX, UINT64_MAX);
    flume_bytes key = {0}, value = {0};
    uint64_t count = 0;
    struct grid grid;
    int status = flume_rows_seek(rows, showing->table, showing->prefix.data, showing->prefix.bytes);

    grid_init(&grid, showing->session, "row", row_columns,
              sizeof(row_columns) / sizeof(row_columns[0]));
    for (; count < limit && status == FLUME_OK; count++) {
        status = flume_rows_next(rows, &key, &value);
        if (status != FLUME_OK || !begins(showing, &key))
            break;
        if (asking_stopped(asking))
            return asking_report(asking, FLUME_ERR_CANCELLED);
        asking->given++;
        if (!print_row(showing, &grid, &key, &value))
            return session_flush(showing->session);
    }
    if (status != FLUME_OK && status != FLUME_END)
        return asking_report(asking, status);
    return count == 0 && showing->prefix.bytes != 0 ? CODE_NO : CODE_OK;
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
    showing->shape = shape_of(showing);
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
    int status = flume_view_find(session->flume, operand->text, &showing.view);
    int code;

    if (status == FLUME_ERR_NOT_FOUND)
        return view_name_refuse(session, operand, VIEW_NAME_ANY);
    if (status != FLUME_OK)
        return report_flume_error(session, status);
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
