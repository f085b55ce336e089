/*
 * rows.c - how records are written out (rows.h).
 *
 * What always holds: outside raw mode a row contains no control bytes of a body or label.
 */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "flume/find.h"
#include "json_scan.h"
#include "object.h"
#include "utf8.h"

enum { HEX_BYTES_PER_LINE = 16, PLACE_COLUMNS = 3 };

void rows_init(struct rows *rows, struct session *session)
{
    *rows = (struct rows){.session = session};
    grid_init(&rows->grid, session, "record", NULL, 0); /* For its delimiter. */
}

void rows_add_kind(struct text *text, unsigned kind)
{
    const char *name = flume_kind_name(kind);

    if (name != NULL)
        text_string(text, name);
    else
        text_format(text, "%u", kind);
}

/* "json", or "17". */
static void add_codec(struct text *text, unsigned codec)
{
    const char *name = flume_codec_name(codec);

    if (name != NULL)
        text_string(text, name);
    else
        text_format(text, "%u", codec);
}

static void add_label(struct text *text, bool is_first, const char *label, size_t bytes)
{
    text_string(text, is_first ? "" : ",");
    for (size_t i = 0; i < bytes; i++) {
        text_string(text, label[i] == ',' || label[i] == '\\' ? "\\" : "");
        text_char(text, label[i]);
    }
}

void rows_join_labels_of(struct text *text, const flume_record *record)
{
    size_t position = 0;
    flume_label label;
    bool is_first = true;

    while (flume_record_label(record, &position, &label)) {
        add_label(text, is_first, label.text, label.bytes);
        is_first = false;
    }
}

size_t rows_add_labels(struct text *text, const flume_record *record, size_t cells_max)
{
    struct text joined = {0};
    size_t cells;

    rows_join_labels_of(&joined, record);
    cells = utf8_show(text, joined.data, joined.bytes, cells_max);
    text->failed = text->failed || joined.failed;
    text_deinit(&joined);
    return cells;
}

void rows_join_labels(struct text *text, const char *const *labels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_label(text, i == 0, labels[i], strlen(labels[i]));
}

/* ---- JSON ---- */

static void add_json_labels(struct text *text, const flume_record *record)
{
    size_t position = 0;
    flume_label label;
    bool first = true;

    object_key(text, "labels");
    text_char(text, '[');
    while (flume_record_label(record, &position, &label)) {
        if (!first)
            text_char(text, ',');
        first = false;
        object_put_string(text, label.text, label.bytes);
    }
    text_char(text, ']');
}

static bool is_json_value(const flume_record *record)
{
    return record->codec == FLUME_CODEC_JSON && json_scan_valid(record->body, record->body_bytes);
}

static void add_json_payload(struct text *text, const flume_record *record, enum payload_form form)
{
    if (form == PAYLOAD_VALUE && is_json_value(record)) {
        object_string(text, "enc", "json");
        object_key(text, "payload");
        object_put_json(text, record->body, record->body_bytes);
    } else if (utf8_valid(record->body, record->body_bytes)) {
        object_string(text, "enc", "utf8");
        object_bytes(text, "payload", record->body, record->body_bytes);
    } else {
        object_string(text, "enc", "b64");
        object_base64(text, "payload", record->body, record->body_bytes);
    }
}

/* A name as a string, a number without a name as a number. */
static void add_json_name(struct text *text, const char *key, const char *name, unsigned number)
{
    if (name != NULL)
        object_string(text, key, name);
    else
        object_uint(text, key, number);
}

void rows_add_json(struct text *text, const flume_record *record, enum payload_form form)
{
    object_begin(text, "record");
    object_uint(text, "seq", record->seq);
    object_key(text, "time");
    text_char(text, '"');
    value_show_time(text, record->time_ns);
    text_char(text, '"');
    add_json_labels(text, record);
    add_json_name(text, "kind", flume_kind_name(record->kind), record->kind);
    add_json_name(text, "codec", flume_codec_name(record->codec), record->codec);
    object_uint(text, "bytes", record->body_bytes);
    add_json_payload(text, record, form);
}

static void add_hash(struct text *text, const flume_record *record)
{
    uint8_t hash[FLUME_HASH_BYTES];
    char digits[FLUME_HASH_TEXT_BYTES + 1];

    flume_hash(record->body, record->body_bytes, hash);
    flume_hash_text(hash, digits);
    text_string(text, digits);
}

/* The whole object. */
static void add_json(const struct rows *rows, struct text *text, const flume_record *record)
{
    rows_add_json(text, record, PAYLOAD_VALUE);
    object_key(text, "hash");
    text_char(text, '"');
    add_hash(text, record);
    text_char(text, '"');
    if (rows->shows_place) {
        object_uint(text, "strata", record->strata_seq);
        object_uint(text, "offset", record->offset);
        object_uint(text, "writer", record->writer_seq);
    }
    object_end(text);
}

/* ---- plain ---- */

static void add_plain(const struct rows *rows, struct text *text, const flume_record *record)
{
    text_format(text, "@%" PRIu64 "\t", record->seq);
    value_show_time(text, record->time_ns);
    text_char(text, '\t');
    rows_add_labels(text, record, 0);
    text_char(text, '\t');
    rows_add_kind(text, record->kind);
    text_char(text, '\t');
    add_codec(text, record->codec);
    text_format(text, "\t%zu\t", record->body_bytes);
    utf8_show(text, record->body, record->body_bytes, 0);
    if (rows->shows_place) {
        text_char(text, '\t');
        add_hash(text, record);
        text_format(text, "\t@%" PRIu64 "\t%" PRIu64 "\t@%" PRIu64, record->strata_seq,
                    record->offset, record->writer_seq);
    }
    text_char(text, '\n');
}

/* ---- as cells ---- */

/* With the place, and without: its columns are the last or left out. */
static const struct grid_column table_columns[] = {{"seq", 8, false},
                                                   {"time", 18, false},
                                                   {"labels", 12, false},
                                                   {"bytes", 6, true},
                                                   {"payload", 0, false}};
static const struct grid_column file_columns[] = {
    {"seq", 0, true},    {"time", 0, false},  {"labels", 0, false}, {"kind", 0, false},
    {"codec", 0, false}, {"bytes", 0, true},  {"enc", 0, false},    {"payload", 0, false},
    {"hash", 0, false},  {"strata", 0, true}, {"offset", 0, true},  {"writer", 0, true}};
static const struct grid_column md_columns[] = {
    {"seq", 0, true},    {"time", 0, false},  {"labels", 0, false},  {"kind", 0, false},
    {"codec", 0, false}, {"bytes", 0, true},  {"payload", 0, false}, {"hash", 0, false},
    {"strata", 0, true}, {"offset", 0, true}, {"writer", 0, true}};
static const struct grid_column line_columns[] = {
    {"seq", 0, false},   {"time", 0, false}, {"labels", 0, false}, {"kind", 0, false},
    {"codec", 0, false}, {"hash", 0, false}, {"bytes", 0, false},  {"payload", 0, false}};
static const struct grid_column place_columns[] = {
    {"seq", 0, false},    {"time", 0, false},  {"labels", 0, false}, {"kind", 0, false},
    {"codec", 0, false},  {"hash", 0, false},  {"strata", 0, false}, {"offset", 0, false},
    {"writer", 0, false}, {"bytes", 0, false}, {"payload", 0, false}};

#define COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

static void begin_grid(struct rows *rows)
{
    const struct grid_column *columns = rows->shows_place ? place_columns : line_columns;
    size_t count = rows->shows_place ? COUNT(place_columns) : COUNT(line_columns);

    if (rows->session->mode == MODE_TABLE) {
        columns = table_columns;
        count = COUNT(table_columns);
    } else if (rows->session->mode == MODE_CSV || rows->session->mode == MODE_TSV) {
        columns = file_columns;
        count = COUNT(file_columns) - (rows->shows_place ? 0 : PLACE_COLUMNS);
    } else if (rows->session->mode == MODE_MD) {
        columns = md_columns;
        count = COUNT(md_columns) - (rows->shows_place ? 0 : PLACE_COLUMNS);
    }
    grid_init(&rows->grid, rows->session, "record", columns, count);
    rows->has_grid = true;
}

/* A value that is put together first. */
static void put_made(struct grid *grid, const flume_record *record,
                     void (*make)(struct text *text, const flume_record *record))
{
    struct text text = {0};

    make(&text, record);
    grid_bytes(grid, text.data, text.bytes);
    text_deinit(&text);
}

static void make_kind(struct text *text, const flume_record *record)
{
    rows_add_kind(text, record->kind);
}

static void make_codec(struct text *text, const flume_record *record)
{
    add_codec(text, record->codec);
}

static void make_json(struct text *text, const flume_record *record)
{
    object_put_json(text, record->body, record->body_bytes);
}

static void make_base64(struct text *text, const flume_record *record)
{
    object_put_base64(text, record->body, record->body_bytes);
}

/* As in JSON; in CSV what it could not carry is base64 too. */
static void put_payload(struct grid *grid, const flume_record *record)
{
    bool exact = grid->session->mode != MODE_CSV || grid->session->out_terminal ||
                 cell_csv_is_exact(record->body, record->body_bytes);

    if (is_json_value(record)) {
        grid_string(grid, "json");
        put_made(grid, record, make_json);
    } else if (exact && utf8_valid(record->body, record->body_bytes)) {
        grid_string(grid, "utf8");
        grid_bytes(grid, record->body, record->body_bytes);
    } else {
        grid_string(grid, "b64");
        put_made(grid, record, make_base64);
    }
}

static void put_place(struct grid *grid, const flume_record *record)
{
    grid_seq(grid, record->strata_seq);
    grid_count(grid, record->offset);
    grid_seq(grid, record->writer_seq);
}

static bool put_cells(struct rows *rows, const flume_record *record)
{
    struct grid *grid = &rows->grid;
    enum output_mode mode = rows->session->mode;
    bool is_line = mode == MODE_LINE;

    if (!rows->has_grid)
        begin_grid(rows);
    grid_seq(grid, record->seq);
    grid_time(grid, record->time_ns);
    put_made(grid, record, rows_join_labels_of);
    if (mode != MODE_TABLE) {
        put_made(grid, record, make_kind);
        put_made(grid, record, make_codec);
    }
    if (is_line)
        put_made(grid, record, add_hash);
    if (is_line && rows->shows_place)
        put_place(grid, record);
    grid_count(grid, record->body_bytes);
    if (mode == MODE_CSV || mode == MODE_TSV)
        put_payload(grid, record);
    else
        grid_bytes(grid, record->body, record->body_bytes);
    if (mode != MODE_TABLE && !is_line)
        put_made(grid, record, add_hash);
    if (mode != MODE_TABLE && !is_line && rows->shows_place)
        put_place(grid, record);
    return grid_end_row(grid);
}

/* ---- bytes ---- */

/* Two digits and a blank; printf would take its time. */
static void add_digits(struct text *text, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    const char shown[3] = {digits[byte >> 4], digits[byte & 15], ' '};

    text_add(text, shown, sizeof(shown));
}

static void add_hex_line(struct text *text, const uint8_t *body, size_t at, size_t bytes)
{
    text_format(text, "%08zx ", at);
    for (size_t i = 0; i < HEX_BYTES_PER_LINE; i++) {
        if (i % 8 == 0)
            text_char(text, ' ');
        if (i < bytes)
            add_digits(text, body[at + i]);
        else
            text_string(text, "   ");
    }
    text_string(text, " |");
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = body[at + i];

        text_char(text, byte >= 0x20 && byte < 0x7F ? (char)byte : '.');
    }
    text_string(text, "|\n");
}

static void add_hex(struct text *text, const flume_record *record)
{
    text_format(text, "@%" PRIu64 "  %zu bytes\n", record->seq, record->body_bytes);
    for (size_t at = 0; at < record->body_bytes; at += HEX_BYTES_PER_LINE) {
        size_t left = record->body_bytes - at;

        add_hex_line(text, record->body, at, left < HEX_BYTES_PER_LINE ? left : HEX_BYTES_PER_LINE);
    }
}

bool rows_record(struct rows *rows, const flume_record *record)
{
    struct text *text = &rows->session->line;

    session_printed(rows->session, record->seq);
    switch (rows->session->mode) {
    case MODE_PLAIN:
        add_plain(rows, text, record);
        break;
    case MODE_JSON:
    case MODE_NDJSON:
        add_json(rows, text, record);
        break;
    case MODE_RAW:
        text_add(text, record->body, record->body_bytes);
        text_add(text, rows->grid.delimiter, rows->grid.delimiter_bytes);
        break;
    case MODE_HEX:
        add_hex(text, record);
        break;
    default:
        return put_cells(rows, record);
    }
    return session_emit(rows->session);
}
