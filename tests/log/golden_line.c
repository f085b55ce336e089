/*
 * golden_line.c - records as lines of JSON.
 */
#include "golden_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <xxhash.h>

enum { BODY_SHOWN_BYTES_MAX = 96 };

struct line {
    char *text;
    size_t used;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct line *line, const char *format, ...)
{
    size_t room = GOLDEN_LINE_BYTES - line->used;
    va_list arguments;
    int bytes;

    va_start(arguments, format);
    bytes = vsnprintf(line->text + line->used, room, format, arguments);
    va_end(arguments);
    line->used += (size_t)bytes < room ? (size_t)bytes : room - 1;
}

static void put_base64(struct line *line, const uint8_t *data, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes; i += 3) {
        uint32_t group = (uint32_t)data[i] << 16;

        group |= i + 1 < bytes ? (uint32_t)data[i + 1] << 8 : 0;
        group |= i + 2 < bytes ? data[i + 2] : 0;
        put(line, "%c%c", digits[group >> 18], digits[group >> 12 & 63]);
        put(line, "%c", i + 1 < bytes ? digits[group >> 6 & 63] : '=');
        put(line, "%c", i + 2 < bytes ? digits[group & 63] : '=');
    }
}

static void put_labels(struct line *line, const flume_record *record)
{
    const char *separator = "";
    size_t position = 0;
    flume_label label;

    put(line, ",\"labels\":[");
    while (flume_record_label(record, &position, &label)) {
        put(line, "%s\"%.*s\"", separator, (int)label.bytes, label.text);
        separator = ",";
    }
    put(line, "]");
}

/* Long bodies by their hash. */
static void put_body(struct line *line, const flume_record *record)
{
    put(line, ",\"bytes\":%zu", record->body_bytes);
    if (record->body_bytes > BODY_SHOWN_BYTES_MAX) {
        put(line, ",\"xxh3\":\"%016" PRIx64 "\"",
            (uint64_t)XXH3_64bits_withSeed(record->body, record->body_bytes, 0));
        return;
    }
    put(line, ",\"body\":\"");
    put_base64(line, record->body, record->body_bytes);
    put(line, "\"");
}

void golden_line(flume_log *log, uint64_t seq, char line_text[GOLDEN_LINE_BYTES])
{
    struct line line = {.text = line_text};
    flume_record record;
    int status = flume_log_get(log, seq, &record);

    put(&line, "{\"seq\":%" PRIu64, seq);
    if (status != FLUME_OK) {
        put(&line, ",\"status\":\"%s\"}", flume_status_name(status));
        return;
    }
    put(&line, ",\"time\":%" PRIu64 ",\"kind\":%u,\"codec\":%u,\"flags\":%u", record.time_ns,
        record.kind, record.codec, record.flags);
    put(&line, ",\"writer\":%" PRIu64 ",\"check\":\"%016" PRIx64 "\"", record.writer_seq,
        record.check);
    put_labels(&line, &record);
    put_body(&line, &record);
    put(&line, "}");
    flume_record_release(&record);
}
