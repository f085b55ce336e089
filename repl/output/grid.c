/*
 * grid.c - rows of named columns, in every mode (grid.h).
 *
 * What always holds: the row that is being given is in session->line, or in the session's sheet in
 * a table; outside raw mode no cell holds a control byte but what csv quotes.
 */
#include "grid.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "object.h"
#include "utf8.h"

enum { GAP_CELLS = 2 };

void grid_init(struct grid *grid, struct session *session, const char *type,
               const struct grid_column *columns, size_t column_count)
{
    const struct option_use *delimiter = invocation_option(session->invocation, OPTION_DELIMITER);

    *grid = (struct grid){.session = session,
                          .type = type,
                          .columns = columns,
                          .column_count = column_count,
                          .delimiter = "\n",
                          .delimiter_bytes = 1};
    /* One that goes on where another of its kind ended. */
    grid->has_header = session->header_of == columns;
    grid->rows = grid->has_header ? 1 : 0;
    if (delimiter != NULL) {
        grid->delimiter = delimiter->text;
        grid->delimiter_bytes = strlen(delimiter->text);
    }
    if (invocation_has(session->invocation, OPTION_NUL)) {
        grid->delimiter = "\0";
        grid->delimiter_bytes = 1;
    }
}

void grid_make_card(struct grid *grid)
{
    grid->is_card = true;
}

void grid_make_bare(struct grid *grid)
{
    grid->is_bare = true;
}

void grid_keep_whole(struct grid *grid)
{
    grid->is_whole = true;
}

void grid_spare(struct grid *grid, const char *names)
{
    grid->spare = names;
}

void grid_optional(struct grid *grid, const char *names)
{
    grid->optional = names;
}

/* Whether the next column is one of these names. */
static bool is_among(const struct grid *grid, const char *names)
{
    const char *name = grid->columns[grid->at].name;

    while (names != NULL && *names != '\0') {
        size_t bytes = strcspn(names, " ");

        if (strlen(name) == bytes && memcmp(names, name, bytes) == 0)
            return true;
        names += bytes + strspn(names + bytes, " ");
    }
    return false;
}

/* ---- one cell, whichever mode ---- */

struct value {
    const void *data;
    size_t bytes;
    enum sheet_style style;
};

/* Into a text that is not measured. */
static void add_shown(struct text *text, const struct value *value)
{
    if (value->style == SHEET_TEXT)
        utf8_show(text, value->data, value->bytes, 0);
    else
        text_add(text, value->data, value->bytes);
}

static size_t longest_name(const struct grid *grid)
{
    size_t longest = 0;

    for (size_t i = 0; i < grid->column_count; i++)
        if (strlen(grid->columns[i].name) > longest)
            longest = strlen(grid->columns[i].name);
    return longest;
}

/* "name  value". */
static void add_field_line(struct grid *grid, const struct value *value)
{
    struct session *session = grid->session;
    const char *name = grid->columns[grid->at].name;

    if (grid->at == 0 && !grid->is_card && grid->rows != 0)
        text_char(&session->line, '\n');
    text_string(&session->line, name);
    for (size_t i = strlen(name); i < longest_name(grid) + GAP_CELLS; i++)
        text_char(&session->line, ' ');
    add_shown(&session->line, value);
    text_char(&session->line, '\n');
}

static void add_csv(struct session *session, const struct value *value)
{
    struct text shown = {0};

    if (!session->out_terminal || value->style != SHEET_TEXT) {
        cell_csv(&session->line, value->data, value->bytes);
        return;
    }
    add_shown(&shown, value); /* A person looks at it: not even the end of a line is let through. */
    cell_csv(&session->line, shown.data, shown.bytes);
    text_deinit(&shown);
}

static void add_md(struct grid *grid, const struct value *value)
{
    struct text *text = &grid->session->line;

    text_string(text, grid->at == 0 || grid->is_card ? "| " : " | ");
    if (grid->is_card) {
        cell_md(text, grid->columns[grid->at].name, strlen(grid->columns[grid->at].name));
        text_string(text, " | ");
    }
    cell_md(text, value->data, value->bytes);
    text_string(text, grid->is_card ? " |\n" : "");
}

static void add_bytes_alone(struct grid *grid, const struct value *value)
{
    struct text *text = &grid->session->line;
    const uint8_t *source = value->data;

    if (grid->at != 0 && !grid->is_card)
        return;
    if (grid->session->mode == MODE_RAW) {
        text_add(text, value->data, value->bytes);
        text_add(text, grid->delimiter, grid->delimiter_bytes);
        return;
    }
    for (size_t i = 0; i < value->bytes; i++)
        text_format(text, "%02x", source[i]);
    text_char(text, '\n');
}

/* A line for each field, with its name. */
static bool shows_fields(const struct grid *grid)
{
    enum output_mode mode = grid->session->mode;

    return mode == MODE_LINE ||
           (grid->is_card && (mode == MODE_TABLE || mode == MODE_PLAIN || mode == MODE_MD));
}

/* Outside JSON. */
static void add_cell(struct grid *grid, const void *data, size_t bytes, enum sheet_style style)
{
    struct text *text = &grid->session->line;
    struct value value = {data, bytes, style};

    assert(grid->at < grid->column_count);
    if (bytes == 0 && shows_fields(grid) && is_among(grid, grid->optional)) {
        grid->at++;
        return;
    }
    switch (grid->session->mode) {
    case MODE_TABLE:
        if (grid->is_card) {
            add_field_line(grid, &value);
            break;
        }
        if (grid->at == 0)
            sheet_begin(grid->session, &(struct sheet_plan){.columns = grid->columns,
                                                            .column_count = grid->column_count,
                                                            .spare = grid->spare,
                                                            .optional = grid->optional,
                                                            .is_bare = grid->is_bare,
                                                            .is_whole = grid->is_whole});
        sheet_cell(grid->session, data, bytes, style);
        break;
    case MODE_PLAIN:
        if (grid->is_card)
            text_format(text, "%s\t", grid->columns[grid->at].name);
        text_string(text, grid->at == 0 || grid->is_card ? "" : "\t");
        add_shown(text, &value);
        text_string(text, grid->is_card ? "\n" : "");
        break;
    case MODE_CSV:
        text_string(text, grid->at == 0 ? "" : ",");
        add_csv(grid->session, &value);
        break;
    case MODE_TSV:
        text_string(text, grid->at == 0 ? "" : "\t");
        add_shown(text, &value);
        break;
    case MODE_MD:
        add_md(grid, &value);
        break;
    case MODE_RAW:
    case MODE_HEX:
        add_bytes_alone(grid, &value);
        break;
    case MODE_LINE:
    case MODE_JSON:
    case MODE_NDJSON:
    case MODE_COUNT:
        add_field_line(grid, &value);
        break;
    }
    grid->at++;
}

/* ---- headers ---- */

static void add_md_header(struct grid *grid)
{
    struct text *text = &grid->session->line;

    if (grid->is_card) {
        text_string(text, "| key | value |\n| --- | --- |\n");
        return;
    }
    for (size_t i = 0; i < grid->column_count; i++) {
        text_string(text, i == 0 ? "| " : " | ");
        cell_md(text, grid->columns[i].name, strlen(grid->columns[i].name));
    }
    text_string(text, " |\n");
    for (size_t i = 0; i < grid->column_count; i++)
        text_string(text, grid->columns[i].is_number ? "| ---: " : "| --- ");
    text_string(text, "|\n");
}

/* Before the first cell of the first row. */
static void add_header(struct grid *grid)
{
    struct session *session = grid->session;
    struct text *text = &session->line;

    grid->has_header = true;
    session->header_of = grid->columns;
    if (session->mode == MODE_MD)
        add_md_header(grid);
    if (session->mode != MODE_CSV && session->mode != MODE_TSV)
        return;
    for (size_t i = 0; i < grid->column_count; i++) {
        text_string(text, i == 0 ? "" : session->mode == MODE_CSV ? "," : "\t");
        text_string(text, grid->columns[i].name);
    }
    text_char(text, '\n');
}

static void put_cell(struct grid *grid, const void *data, size_t bytes, enum sheet_style style)
{
    if (!grid->has_header)
        add_header(grid);
    add_cell(grid, data, bytes, style);
}

/* The object's key, for the value that follows. */
static struct text *begin_value(struct grid *grid)
{
    struct text *text = &grid->session->line;

    assert(grid->at < grid->column_count);
    if (grid->at == 0)
        object_begin(text, grid->type);
    object_key(text, grid->columns[grid->at++].name);
    return text;
}

/* For a person at a terminal: with units, commas. */
static bool is_for_people(const struct grid *grid)
{
    return grid->session->out_terminal &&
           (grid->session->mode == MODE_TABLE || grid->session->mode == MODE_LINE);
}

static bool is_for_tables(const struct grid *grid)
{
    return grid->session->mode == MODE_CSV || grid->session->mode == MODE_TSV;
}

/* ---- cells ---- */

void grid_bytes(struct grid *grid, const void *data, size_t bytes)
{
    if (grid->session->json)
        object_put_string(begin_value(grid), data, bytes);
    else
        put_cell(grid, data, bytes, SHEET_TEXT);
}

void grid_string(struct grid *grid, const char *string)
{
    grid_bytes(grid, string, strlen(string));
}

/* A number: JSON as it is, for people with its unit or commas, else in plain digits. */
static void put_number(struct grid *grid, uint64_t number,
                       void (*for_people)(struct text *target, uint64_t number))
{
    struct text shown = {0};

    if (grid->session->json) {
        object_put_uint(begin_value(grid), number);
        return;
    }
    if (is_for_people(grid))
        for_people(&shown, number);
    else
        text_format(&shown, "%" PRIu64, number);
    put_cell(grid, shown.data, shown.bytes, SHEET_FIXED);
    text_deinit(&shown);
}

void grid_count(struct grid *grid, uint64_t count)
{
    put_number(grid, count, value_show_count);
}

void grid_size(struct grid *grid, uint64_t size_bytes)
{
    put_number(grid, size_bytes, value_show_size);
}

void grid_span(struct grid *grid, uint64_t span_ns)
{
    put_number(grid, span_ns, value_show_span);
}

/* A number whose digits are given: the same in all forms. */
static void put_digits(struct grid *grid, const struct text *digits)
{
    if (grid->session->json)
        text_add(begin_value(grid), digits->data, digits->bytes);
    else
        put_cell(grid, digits->data, digits->bytes, SHEET_FIXED);
}

void grid_real(struct grid *grid, double value, int decimals)
{
    struct text shown = {0};

    text_format(&shown, "%.*f", decimals, isfinite(value) ? value : 0.0);
    put_digits(grid, &shown);
    text_deinit(&shown);
}

void grid_number(struct grid *grid, double value)
{
    struct text shown = {0};
    int digits = 15; /* Every number that a person writes with so many comes back as written. */

    do {
        text_clear(&shown);
        text_format(&shown, "%.*g", digits, value);
    } while (strtod(text_c_string(&shown), NULL) != value && ++digits <= 17);
    if (isfinite(value))
        put_digits(grid, &shown);
    else
        grid_absent(grid);
    text_deinit(&shown);
}

void grid_seq(struct grid *grid, uint64_t seq)
{
    struct text shown = {0};

    if (seq == FLUME_SEQ_NONE) {
        grid_absent(grid);
        return;
    }
    if (grid->session->json) {
        object_put_uint(begin_value(grid), seq);
        return;
    }
    text_format(&shown, is_for_tables(grid) ? "%" PRIu64 : "@%" PRIu64, seq);
    put_cell(grid, shown.data, shown.bytes, SHEET_SEQ);
    text_deinit(&shown);
}

void grid_truth(struct grid *grid, bool value)
{
    const char *word = value ? "yes" : "no";

    if (grid->session->json || is_for_tables(grid))
        word = value ? "true" : "false";
    if (grid->session->json)
        text_string(begin_value(grid), word);
    else
        put_cell(grid, word, strlen(word), SHEET_FIXED);
}

void grid_time(struct grid *grid, uint64_t time_ns)
{
    struct text shown = {0};

    if (grid->session->mode == MODE_TABLE && !grid->is_card)
        value_show_time_short(&shown, time_ns);
    else
        value_show_time(&shown, time_ns);
    if (grid->session->json)
        object_put_string(begin_value(grid), shown.data, shown.bytes);
    else
        put_cell(grid, shown.data, shown.bytes, SHEET_TIME);
    text_deinit(&shown);
}

void grid_absent(struct grid *grid)
{
    if (grid->session->json)
        text_string(begin_value(grid), "null");
    else
        put_cell(grid, "", 0, SHEET_FIXED);
}

void grid_time_or_absent(struct grid *grid, uint64_t time_ns)
{
    if (time_ns == 0)
        grid_absent(grid);
    else
        grid_time(grid, time_ns);
}

/* The next of several lines; *io_left bytes are there. */
static size_t take_line(const char *line, size_t *io_left)
{
    const char *end = memchr(line, '\n', *io_left);
    size_t bytes = end == NULL ? *io_left : (size_t)(end - line);

    *io_left -= bytes + (end == NULL ? 0 : 1);
    return bytes;
}

void grid_list(struct grid *grid, const struct text *json, const struct text *lines)
{
    const char *line = lines->data;
    size_t left = lines->bytes, at = grid->at, before, bytes;
    struct text joined = {0};

    if (grid->session->json) {
        text_add(begin_value(grid), json->data, json->bytes);
    } else if (is_for_tables(grid) || left == 0) {
        put_cell(grid, json->data, left == 0 ? 0 : json->bytes, SHEET_TEXT);
    } else if (grid->is_card) {
        for (; left > 0; line += before - left) {
            before = left;
            bytes = take_line(line, &left);
            grid->at = at; /* Each under the same name. */
            put_cell(grid, line, bytes, SHEET_TEXT);
        }
    } else {
        for (; left > 0; line += before - left) {
            before = left;
            bytes = take_line(line, &left);
            text_string(&joined, joined.bytes == 0 ? "" : "; ");
            text_add(&joined, line, bytes);
        }
        put_cell(grid, joined.data, joined.bytes, SHEET_TEXT);
        text_deinit(&joined);
    }
}

bool grid_end_row(struct grid *grid)
{
    struct text *text = &grid->session->line;

    assert(grid->at == grid->column_count);
    grid->at = 0;
    grid->rows++;
    switch (grid->session->mode) {
    case MODE_JSON:
    case MODE_NDJSON:
        object_end(text);
        break;
    case MODE_TABLE:
        return grid->is_card ? session_emit(grid->session) : sheet_end_row(grid->session);
    case MODE_PLAIN:
        text_string(text, grid->is_card ? "" : "\n");
        break;
    case MODE_CSV:
    case MODE_TSV:
        text_char(text, '\n');
        break;
    case MODE_MD:
        text_string(text, grid->is_card ? "" : " |\n");
        break;
    default:
        break;
    }
    return session_emit(grid->session);
}
