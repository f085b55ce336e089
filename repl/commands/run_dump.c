/*
 * run_dump.c - `flume dump`: the fields of grains, byte by byte, as log/FORMAT.md names them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cancel.h"
#include "grain.h"
#include "grid.h"
#include "resolve.h"
#include "run.h"
#include "utf8.h"

enum {
    HEX_BYTES = 16,
    BODY_BYTES_SHOWN = 48,
    WITNESS_BYTES = 8,
    TAG_LABEL = 1,
    TAG_CODEC = 2,
    TAG_NEEDS = 3,
    TAG_STEP = 4,
    STRATA_FIELDS_END = 208
};

static const struct grid_column columns[] = {{"seq", 9, true},
                                             {"at", 10, true},
                                             {"bytes", 8, true},
                                             {"field", 12, false},
                                             {"value", 0, false}};

struct dumping {
    struct session *session;
    struct grid grid;
    struct strata_file file;
    uint64_t seq;      /* Of the grain that is shown; FLUME_SEQ_NONE: a header page. */
    uint64_t headed;   /* The strata whose header page was shown last. */
    uint64_t count;    /* Grains shown. */
    struct text value; /* Of the row that is being made. */
    bool failed;       /* Something was reported: what follows would fail likewise. */
};

/* ---- rows ---- */

/* One row with dumping->value, which is emptied. */
static void add_row(struct dumping *dumping, uint64_t at, uint64_t bytes, const char *field)
{
    struct grid *grid = &dumping->grid;
    struct text hex = {0};

    grid_seq(grid, dumping->seq);
    if (dumping->session->json) {
        grid_count(grid, at);
    } else {
        text_format(&hex, "0x%04" PRIx64, at);
        grid_bytes(grid, hex.data, hex.bytes);
    }
    grid_count(grid, bytes);
    grid_string(grid, field);
    grid_bytes(grid, dumping->value.data == NULL ? "" : dumping->value.data, dumping->value.bytes);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
    text_clear(&dumping->value);
    text_deinit(&hex);
}

static void add_bytes_as_hex(struct text *text, const uint8_t *source, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text_format(text, "%02x", source[i]);
}

/* "c9 e8 32 9b c1 8f fa 62  00 ca ...  |..2....b....|" for each sixteen bytes. */
static void add_hex_rows(struct dumping *dumping, uint64_t at, const uint8_t *source, size_t bytes)
{
    for (size_t line = 0; line < bytes && session_stopped(dumping->session) == 0;
         line += HEX_BYTES) {
        size_t here = bytes - line < HEX_BYTES ? bytes - line : HEX_BYTES;
        struct text *text = &dumping->value;

        for (size_t i = 0; i < HEX_BYTES; i++) {
            text_string(text, i == 0 ? "" : i == HEX_BYTES / 2 ? "  " : " ");
            if (i < here)
                text_format(text, "%02x", source[line + i]);
            else
                text_string(text, "  ");
        }
        text_string(text, "  |");
        for (size_t i = 0; i < here; i++) {
            uint8_t byte = source[line + i];

            text_char(text, byte >= 0x20 && byte < 0x7F ? (char)byte : '.');
        }
        text_char(text, '|');
        add_row(dumping, at + line, here, "hex");
    }
}

/* ---- the header page of a strata ---- */

enum value_form { AS_NUMBER, AS_HEX, AS_TIME, AS_SEQ, AS_BYTES, AS_NAME };

struct field {
    const char *name;
    uint16_t at, bytes;
    enum value_form form;
};

static const struct field strata_fields[] = {
    {"magic", 0, 8, AS_NAME},
    {"version", 8, 2, AS_NUMBER},
    {"form", 10, 2, AS_NUMBER},
    {"header bytes", 12, 4, AS_NUMBER},
    {"compatible features", 16, 8, AS_HEX},
    {"read-only compatible features", 24, 8, AS_HEX},
    {"incompatible features", 32, 8, AS_HEX},
    {"basin id", 40, 16, AS_BYTES},
    {"strata id", 56, 16, AS_BYTES},
    {"salt", 72, 8, AS_HEX},
    {"first seq", 80, 8, AS_SEQ},
    {"durable", 88, 8, AS_SEQ},
    {"file bytes", 96, 8, AS_NUMBER},
    {"created", 104, 8, AS_TIME},
    {"maximum of times before", 112, 8, AS_TIME},
    {"previous first seq", 120, 8, AS_SEQ},
    {"previous strata id", 128, 16, AS_BYTES},
    {"flags", 200, 4, AS_NUMBER},
    {"check", 4088, 8, AS_HEX},
};

static void add_value(struct text *text, const uint8_t *source, unsigned bytes,
                      enum value_form form)
{
    uint64_t number = bytes <= 8 ? grain_get(source, bytes) : 0;

    switch (form) {
    case AS_NUMBER:
        text_format(text, "%" PRIu64, number);
        break;
    case AS_HEX:
        text_format(text, "%0*" PRIx64, (int)(2 * bytes), number);
        break;
    case AS_TIME:
        value_show_time(text, number);
        break;
    case AS_SEQ:
        if (number == FLUME_SEQ_NONE)
            text_string(text, "none");
        else
            text_format(text, "@%" PRIu64, number);
        break;
    case AS_BYTES:
        add_bytes_as_hex(text, source, bytes);
        break;
    case AS_NAME:
        text_add(text, source, bytes);
        break;
    }
}

static void show_strata(struct dumping *dumping)
{
    const struct strata_file *file = &dumping->file;

    dumping->headed = file->first_seq;
    dumping->seq = FLUME_SEQ_NONE;
    text_string(&dumping->value, file->path);
    add_row(dumping, 0, STRATA_HEADER_BYTES, "strata");
    for (size_t i = 0; i < sizeof(strata_fields) / sizeof(strata_fields[0]); i++) {
        const struct field *field = &strata_fields[i];

        add_value(&dumping->value, file->header + field->at, field->bytes, field->form);
        add_row(dumping, field->at, field->bytes, field->name);
    }
    if (invocation_has(dumping->session->invocation, OPTION_HEX))
        add_hex_rows(dumping, 0, file->header, STRATA_FIELDS_END);
}

/* ---- a grain ---- */

static const struct field grain_fields[] = {
    {"check", 0, 8, AS_HEX},       {"time", 8, 8, AS_TIME},
    {"ordinal", 16, 4, AS_NUMBER}, {"body bytes", 20, 4, AS_NUMBER},
    {"writer", 24, 4, AS_NUMBER},  {"meta bytes", 28, 2, AS_NUMBER},
    {"kind", 30, 1, AS_NUMBER},    {"flags", 31, 1, AS_NUMBER},
};
enum { CHECK_FIELD, TIME_FIELD, ORDINAL_FIELD, BODY_FIELD, WRITER_FIELD, META_FIELD, KIND_FIELD };

static void add_flags(struct text *text, unsigned flags)
{
    static const char *const names[] = {"batch goes on", "witness", "repeated", "sealed",
                                        "broken batch"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if ((flags >> i & 1) != 0)
            text_format(text, ", %s", names[i]);
}

static void show_header(struct dumping *dumping, const struct grain *grain, bool holds)
{
    for (size_t i = 0; i < sizeof(grain_fields) / sizeof(grain_fields[0]); i++) {
        const struct field *field = &grain_fields[i];
        const uint8_t *source = grain->data + field->at;
        struct text *text = &dumping->value;

        if (i == WRITER_FIELD && grain_get(source, 4) == UINT32_MAX)
            text_string(text, "none");
        else
            add_value(text, source, field->bytes, field->form);
        if (i == CHECK_FIELD)
            text_string(text, holds ? "" : ", does not hold");
        if (i == KIND_FIELD && flume_kind_name(*source) != NULL)
            text_format(text, ", %s", flume_kind_name(*source));
        if (i > KIND_FIELD)
            add_flags(text, *source);
        add_row(dumping, grain->offset + field->at, field->bytes, field->name);
    }
}

/* A value of meta: its row, by its tag. */
static void show_item(struct dumping *dumping, uint64_t at, unsigned tag, const uint8_t *source,
                      unsigned bytes)
{
    struct text *text = &dumping->value;
    const char *field = "unknown tag";

    if (tag == TAG_LABEL) {
        text_add(text, source, bytes);
        field = "label";
    } else if (tag == TAG_CODEC && bytes == 2) {
        text_format(text, "%" PRIu64, grain_get(source, 2));
        if (flume_codec_name((unsigned)grain_get(source, 2)) != NULL)
            text_format(text, ", %s", flume_codec_name((unsigned)grain_get(source, 2)));
        field = "codec";
    } else if (tag == TAG_STEP && bytes == 8) {
        text_format(text, "%" PRId64, (int64_t)grain_get(source, 8));
        field = "clock step";
    } else {
        text_format(text, "tag %u: ", tag);
        add_bytes_as_hex(text, source, bytes);
        field = tag == TAG_NEEDS ? "needs" : field;
    }
    add_row(dumping, at, 2 + (uint64_t)bytes, field);
}

static void show_meta(struct dumping *dumping, const struct grain *grain)
{
    const uint8_t *meta = grain->data + GRAIN_HEADER_BYTES;
    uint64_t at = grain->offset + GRAIN_HEADER_BYTES;
    bool has_witness = (grain->data[31] & FLUME_RECORD_WITNESS) != 0;
    size_t i = 0;

    if (has_witness && grain->meta_bytes >= WITNESS_BYTES) {
        text_format(&dumping->value, "@%" PRIu64, grain_get(meta, WITNESS_BYTES));
        add_row(dumping, at, WITNESS_BYTES, "durable");
        i = WITNESS_BYTES;
    }
    while (i + 2 <= grain->meta_bytes && i + 2 + meta[i + 1] <= grain->meta_bytes) {
        show_item(dumping, at + i, meta[i], meta + i + 2, meta[i + 1]);
        i += 2 + (size_t)meta[i + 1];
    }
    if (i < grain->meta_bytes) {
        add_bytes_as_hex(&dumping->value, meta + i, grain->meta_bytes - i);
        add_row(dumping, at + i, grain->meta_bytes - i, "broken item");
    }
}

static void show_body(struct dumping *dumping, const struct grain *grain)
{
    size_t at = GRAIN_HEADER_BYTES + (size_t)grain->meta_bytes, shown = grain->body_bytes;
    const uint8_t *body = grain->data + at;
    size_t padding = grain->bytes - at - grain->body_bytes;

    if (shown > BODY_BYTES_SHOWN) {
        shown = BODY_BYTES_SHOWN;
        while (shown > 0 && (body[shown] & 0xC0) == 0x80)
            shown--; /* Not in the midst of a character. */
    }
    if (utf8_valid(body, shown))
        text_add(&dumping->value, body, shown);
    else
        add_bytes_as_hex(&dumping->value, body, shown);
    text_string(&dumping->value, shown < grain->body_bytes ? "..." : "");
    add_row(dumping, grain->offset + at, grain->body_bytes, "body");
    if (padding != 0)
        add_row(dumping, grain->offset + at + grain->body_bytes, padding, "padding");
}

static int report_answer(struct dumping *dumping, enum grain_answer answer)
{
    const char *path = dumping->file.path == NULL ? dumping->session->db : dumping->file.path;

    dumping->failed = true;
    switch (answer) {
    case GRAIN_NO_STRATA:
        return report(dumping->session, ERROR_NOT_A_STRATA, path);
    case GRAIN_SEALED:
        return report(dumping->session, ERROR_STRATA_SEALED, path);
    case GRAIN_NEW_FORM:
        return report(dumping->session, ERROR_STRATA_FORM, path);
    default:
        return report(dumping->session, ERROR_FILE_UNREADABLE, path,
                      errno == 0 ? "it ends too early" : strerror(errno));
    }
}

/* The grain of dumping->seq in the strata that begins with first_seq. */
static int show_at(struct dumping *dumping, uint64_t first_seq, uint64_t offset, bool holds)
{
    uint64_t seq = dumping->seq;
    struct grain grain = {.data = NULL};
    enum grain_answer answer = strata_file_open(&dumping->file, dumping->session->db, first_seq);

    if (answer == GRAIN_OK && dumping->session->verbose && dumping->headed != first_seq)
        show_strata(dumping);
    dumping->seq = seq;
    if (answer == GRAIN_OK)
        answer = grain_read(&dumping->file, offset, &grain);
    if (answer != GRAIN_OK && answer != GRAIN_TOO_LONG) {
        grain_release(&grain);
        return report_answer(dumping, answer);
    }
    show_header(dumping, &grain, holds);
    if (answer == GRAIN_OK) {
        show_meta(dumping, &grain);
        show_body(dumping, &grain);
    }
    if (invocation_has(dumping->session->invocation, OPTION_HEX))
        add_hex_rows(dumping, offset, grain.data, grain.bytes);
    grain_release(&grain);
    dumping->count++;
    return answer == GRAIN_TOO_LONG ? CODE_DAMAGED : CODE_OK;
}

/* What the library gives says where it lies; of what it does not give, the files say it. */
static int show_grain(struct dumping *dumping, uint64_t seq)
{
    uint64_t first_seq, offset;
    flume_record record;
    int status = flume_log_get(dumping->session->log, seq, &record), code;

    dumping->seq = seq;
    if (status == FLUME_OK) {
        first_seq = record.strata_seq;
        offset = record.offset;
        flume_record_release(&record);
        return show_at(dumping, first_seq, offset, true);
    }
    dumping->failed = true;
    if (status != FLUME_ERR_DAMAGED && status != FLUME_ERR_LOST)
        return report_log_error(dumping->session, dumping->session->log, status);
    if (!grain_find(dumping->session->db, seq, &first_seq, &offset))
        return report(dumping->session, ERROR_GRAIN_NOWHERE, seq);
    dumping->failed = false;
    code = show_at(dumping, first_seq, offset, status == FLUME_ERR_LOST);
    return status == FLUME_ERR_LOST ? code : exit_code_worse(code, CODE_DAMAGED);
}

/* ---- the command ---- */

/* The seqs that are meant: from *out_from up to, not including, *out_to. */
static int take_range(struct session *session, uint64_t *out_from, uint64_t *out_to)
{
    const struct invocation *invocation = session->invocation;
    flume_cursor_options bounds = {.bounds = 0};
    int code = CODE_OK;

    *out_from = 0;
    *out_to = flume_log_head(session->log);
    if (invocation->operand_count == 0)
        return CODE_OK;
    if (strstr(invocation->operands[0].text, "..") == NULL) {
        struct reference_place place = {.token = invocation->operands[0].token};

        code = resolve(session, session->log, &invocation->operands[0].reference, place, out_from);
        *out_to = code == CODE_OK ? *out_from + 1 : *out_to;
        return code;
    }
    code = resolve_range(session, session->log, &invocation->operands[0], &bounds);
    if ((bounds.bounds & FLUME_GTE) != 0)
        *out_from = bounds.gte;
    if ((bounds.bounds & FLUME_LT) != 0 && bounds.lt < *out_to)
        *out_to = bounds.lt;
    return code;
}

static int show_range(struct dumping *dumping, uint64_t from, uint64_t to)
{
    uint64_t limit = invocation_number(dumping->session->invocation, OPTION_LIMIT, UINT64_MAX);
    int worst = CODE_OK;

    for (uint64_t seq = from; seq < to && dumping->count < limit; seq++) {
        int code;

        if (session_stopped(dumping->session) != 0)
            return cancel_report(dumping->session, &(struct cancelled){.done = dumping->count,
                                                                       .total = to - from,
                                                                       .units = "grains",
                                                                       .did = "shown"});
        code = show_grain(dumping, seq);
        worst = exit_code_worse(worst, code);
        if (dumping->failed)
            return worst;
        if (ferror(stdout) != 0)
            return session_flush(dumping->session);
    }
    return worst;
}

int run_dump(struct session *session)
{
    struct dumping dumping = {.session = session, .headed = FLUME_SEQ_NONE};
    uint64_t from, to;
    flume_log *log;
    int code;

    session_take_signals(session);
    code = session_open_to_read(session, &log);
    if (code == CODE_OK) {
        cancel_begin(session);
        code = take_range(session, &from, &to);
        grid_init(&dumping.grid, session, "field", columns, sizeof(columns) / sizeof(columns[0]));
        if (code == CODE_OK)
            code = show_range(&dumping, from, to);
        cancel_end(session);
    }
    strata_file_close(&dumping.file);
    text_deinit(&dumping.value);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
