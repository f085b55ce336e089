/*
 * rows.c - how records are written out (rows.h).
 *
 * What always holds: outside raw mode a row contains no control bytes of a body or label.
 */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flume/find.h"
#include "json_scan.h"
#include "object.h"
#include "utf8.h"

enum {
    SEQ_CELLS = 8,
    TIME_CELLS = 23,
    YEAR_CELLS = 5, /* "2026-", left out where the terminal is narrow. */
    NARROW_CELLS = 100,
    LABEL_CELLS = 12,
    BYTES_CELLS = 8,
    GAP_CELLS = 2,
    PAYLOAD_CELLS_LEAST = 10,
    HEX_BYTES_PER_LINE = 16
};

void rows_init(struct rows *rows, struct session *session)
{
    const struct option_use *delimiter = invocation_option(session->invocation, OPTION_DELIMITER);

    *rows = (struct rows){.session = session, .delimiter = "\n", .delimiter_bytes = 1};
    rows->mode = session->mode;
    if (delimiter != NULL) {
        rows->delimiter = delimiter->text;
        rows->delimiter_bytes = strlen(delimiter->text);
    }
    if (invocation_has(session->invocation, OPTION_NUL)) {
        rows->delimiter = "\0";
        rows->delimiter_bytes = 1;
    }
}

void rows_add_kind(struct text *text, unsigned kind)
{
    const char *name = flume_kind_name(kind);

    if (name != NULL)
        text_string(text, name);
    else
        text_format(text, "%u", kind);
}

void rows_add_codec(struct text *text, unsigned codec)
{
    const char *name = flume_codec_name(codec);

    if (name != NULL)
        text_string(text, name);
    else
        text_format(text, "%u", codec);
}

size_t rows_add_labels(struct text *text, const flume_record *record, size_t cells_max)
{
    struct text joined = {0};
    size_t position = 0, cells;
    flume_label label;

    while (flume_record_label(record, &position, &label)) {
        if (joined.bytes != 0)
            text_char(&joined, ',');
        text_add(&joined, label.text, label.bytes);
    }
    cells = utf8_show(text, joined.data, joined.bytes, cells_max);
    text_deinit(&joined);
    return cells;
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

/* A body that is a JSON value, on one line: between its tokens newlines are but white space. */
static void add_json_value(struct text *text, const flume_record *record)
{
    char *room = text_reserve(text, record->body_bytes);

    if (room == NULL)
        return;
    memcpy(room, record->body, record->body_bytes);
    for (size_t i = 0; i < record->body_bytes; i++)
        if (room[i] == '\n' || room[i] == '\r')
            room[i] = ' ';
    text->bytes += record->body_bytes;
}

static void add_json_payload(struct text *text, const flume_record *record, enum payload_form form)
{
    if (form == PAYLOAD_VALUE && record->codec == FLUME_CODEC_JSON &&
        json_scan_valid(record->body, record->body_bytes)) {
        object_string(text, "enc", "json");
        object_key(text, "payload");
        add_json_value(text, record);
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

/* ---- for people ---- */

static void add_plain(const struct rows *rows, struct text *text, const flume_record *record)
{
    text_format(text, "@%" PRIu64 "\t", record->seq);
    value_show_time(text, record->time_ns);
    text_char(text, '\t');
    rows_add_labels(text, record, 0);
    text_char(text, '\t');
    rows_add_kind(text, record->kind);
    text_char(text, '\t');
    rows_add_codec(text, record->codec);
    text_format(text, "\t%zu\t", record->body_bytes);
    utf8_show(text, record->body, record->body_bytes, 0);
    if (rows->shows_place) {
        text_char(text, '\t');
        add_hash(text, record);
        text_format(text, "\t@%" PRIu64 "\t%" PRIu64, record->strata_seq, record->offset);
    }
    text_char(text, '\n');
}

static void pad(struct text *text, size_t used, size_t cells)
{
    for (size_t i = used; i < cells + GAP_CELLS; i++)
        text_char(text, ' ');
}

static size_t time_cells(const struct rows *rows)
{
    return rows->session->width < NARROW_CELLS ? TIME_CELLS - YEAR_CELLS : TIME_CELLS;
}

static void add_header(struct rows *rows)
{
    struct text *text = &rows->session->line;
    const char *bold = rows->session->out_color ? "\x1b[1m" : "";
    const char *plain = rows->session->out_color ? "\x1b[0m" : "";

    text_format(text, "%s%-*s  %-*s  %-*s  %*s  %s%s\n", bold, SEQ_CELLS, "seq",
                (int)time_cells(rows), "time", LABEL_CELLS, "labels", BYTES_CELLS, "bytes",
                "payload", plain);
    rows->header_done = true;
}

static void add_table_time(struct rows *rows, uint64_t time_ns)
{
    struct text shown = {0};

    value_show_time_short(&shown, time_ns);
    if (!shown.failed)
        text_string(&rows->session->line, text_c_string(&shown) + TIME_CELLS - time_cells(rows));
    text_deinit(&shown);
}

static void add_table_row(struct rows *rows, const flume_record *record)
{
    struct text *text = &rows->session->line;
    size_t before = SEQ_CELLS + time_cells(rows) + LABEL_CELLS + BYTES_CELLS +
                    4 * (size_t)GAP_CELLS;
    size_t width = rows->session->width;
    size_t room = width > before + PAYLOAD_CELLS_LEAST ? width - before : PAYLOAD_CELLS_LEAST;

    if (!rows->header_done)
        add_header(rows);
    text_string(text, rows->session->out_color ? "\x1b[36m" : "");
    text_format(text, "@%-*" PRIu64 "  ", SEQ_CELLS - 1, record->seq);
    text_string(text, rows->session->out_color ? "\x1b[0m" : "");
    add_table_time(rows, record->time_ns);
    text_string(text, "  ");
    pad(text, rows_add_labels(text, record, LABEL_CELLS), LABEL_CELLS);
    text_format(text, "%*zu  ", BYTES_CELLS, record->body_bytes);
    utf8_show(text, record->body, record->body_bytes, room);
    text_char(text, '\n');
}

static void add_line_form(const struct rows *rows, struct text *text, const flume_record *record)
{
    text_format(text, "seq      @%" PRIu64 "\ntime     ", record->seq);
    value_show_time(text, record->time_ns);
    text_string(text, "\nlabels   ");
    rows_add_labels(text, record, 0);
    text_string(text, "\nkind     ");
    rows_add_kind(text, record->kind);
    text_string(text, "\ncodec    ");
    rows_add_codec(text, record->codec);
    text_string(text, "\nhash     ");
    add_hash(text, record);
    if (rows->shows_place)
        text_format(text, "\nstrata   @%" PRIu64 "\noffset   %" PRIu64 "\nwriter   @%" PRIu64,
                    record->strata_seq, record->offset, record->writer_seq);
    text_format(text, "\nbytes    %zu\npayload  ", record->body_bytes);
    utf8_show(text, record->body, record->body_bytes, 0);
    text_string(text, "\n\n");
}

static void add_hex_line(struct text *text, const uint8_t *body, size_t at, size_t bytes)
{
    text_format(text, "%08zx ", at);
    for (size_t i = 0; i < HEX_BYTES_PER_LINE; i++) {
        if (i % 8 == 0)
            text_char(text, ' ');
        if (i < bytes)
            text_format(text, "%02x ", body[at + i]);
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
    switch (rows->mode) {
    case MODE_TABLE:
        add_table_row(rows, record);
        break;
    case MODE_PLAIN:
        add_plain(rows, text, record);
        break;
    case MODE_JSON:
    case MODE_NDJSON:
        add_json(rows, text, record);
        break;
    case MODE_RAW:
        text_add(text, record->body, record->body_bytes);
        text_add(text, rows->delimiter, rows->delimiter_bytes);
        break;
    case MODE_HEX:
        add_hex(text, record);
        break;
    case MODE_CSV:
    case MODE_TSV:
    case MODE_MD:
    case MODE_COUNT:
    case MODE_LINE:
        add_line_form(rows, text, record);
        break;
    }
    return session_emit(rows->session);
}
