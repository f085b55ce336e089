/*
 * manifest.c - who wrote: a writer's manifest, and reading it back.
 *
 * Text, one "key value" a line, so that it can be read with any tool; control bytes and '%' in
 * values are written as %XX, so that a value cannot make a line.
 */
#include "manifest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "append.h"
#include "identity.h"

/* Text under construction, bounded. */
struct text {
    char bytes[MANIFEST_BYTES_MAX];
    size_t used;
    bool overflowed;
};

static void put_character(struct text *text, char character)
{
    if (text->used >= sizeof text->bytes) {
        text->overflowed = true;
        return;
    }
    text->bytes[text->used++] = character;
}

static void put_escaped(struct text *text, const char *value)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *value != '\0'; value++) {
        unsigned char byte = (unsigned char)*value;

        if (byte >= 0x20 && byte != 0x7f && byte != '%') {
            put_character(text, *value);
            continue;
        }
        put_character(text, '%');
        put_character(text, digits[byte >> 4]);
        put_character(text, digits[byte & 15]);
    }
}

static void put_line(struct text *text, const char *key, const char *value)
{
    put_escaped(text, key);
    put_character(text, ' ');
    put_escaped(text, value);
    put_character(text, '\n');
}

static void put_number(struct text *text, const char *key, uint64_t value)
{
    char digits[24];

    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    put_line(text, key, digits);
}

static void put_codecs(flume_log *log, struct text *text)
{
    char line[FLUME_CODEC_NAME_BYTES_MAX + 16];

    for (size_t i = 0; i < log->codec_count; i++) {
        (void)snprintf(line, sizeof line, "%u %s", (unsigned)log->codecs[i].number,
                       log->codec_names[i]);
        put_line(text, "codec", line);
    }
}

int manifest_make(flume_log *log)
{
    struct text *text = memory_allocate_zeroed(&log->allocator, 1, sizeof *text);
    char nonce[2 * sizeof log->nonce + 1];
    char host[HEAD_HOST_BYTES];
    char user[64];
    bool overflowed;

    if (text == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory for a manifest");
    identity_host(host, sizeof host);
    identity_user(user, sizeof user);
    for (size_t i = 0; i < sizeof log->nonce; i++)
        (void)snprintf(nonce + 2 * i, 3, "%02x", (unsigned)log->nonce[i]);
    put_line(text, "host", host);
    put_line(text, "user", user);
    put_number(text, "pid", log->pid);
    put_line(text, "program", log->program);
    if (*log->build != '\0')
        put_line(text, "build", log->build);
    put_number(text, "started", log->started_ns);
    put_line(text, "nonce", nonce);
    for (size_t i = 0; i < log->label_count; i++)
        put_line(text, "label", log->labels[i]);
    put_codecs(log, text);
    overflowed = text->overflowed;
    log->manifest = memory_allocate(&log->allocator, text->used);
    if (log->manifest != NULL)
        memcpy(log->manifest, text->bytes, text->used);
    log->manifest_bytes = text->used;
    memory_release(&log->allocator, text);
    if (overflowed)
        return log_fail(log, FLUME_ERR_TOO_LARGE, 0, FLUME_SEQ_NONE,
                        "program, build and labels of the manifest are over %d bytes together",
                        MANIFEST_BYTES_MAX);
    if (log->manifest == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory for a manifest");
    return FLUME_OK;
}

void manifest_item(flume_log *log, struct item *out_item)
{
    *out_item = (struct item){
        .meta = (const uint8_t *)"",
        .body = log->manifest,
        .body_bytes = (uint32_t)log->manifest_bytes,
        .payload_hash = grain_payload_hash("", 0, log->manifest, log->manifest_bytes),
        .time_ns = log->io->wall_ns(log->io->ctx),
        .kind = FLUME_KIND_MANIFEST,
        .flags = log->writer.announced ? FLUME_RECORD_REPEAT : 0,
    };
}

static int hex_digit(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

/* Undo %XX in place. */
static void unescape(char *value)
{
    char *target = value;

    for (; *value != '\0'; value++) {
        if (value[0] == '%' && hex_digit(value[1]) >= 0 && hex_digit(value[2]) >= 0) {
            *target++ = (char)(hex_digit(value[1]) * 16 + hex_digit(value[2]));
            value += 2;
        } else {
            *target++ = *value;
        }
    }
    *target = '\0';
}

static void take_line(flume_manifest *manifest, const char *key, char *value)
{
    unescape(value);
    if (strcmp(key, "host") == 0)
        manifest->host = value;
    else if (strcmp(key, "user") == 0)
        manifest->user = value;
    else if (strcmp(key, "program") == 0)
        manifest->program = value;
    else if (strcmp(key, "build") == 0)
        manifest->build = value;
    else if (strcmp(key, "pid") == 0)
        manifest->pid = strtoull(value, NULL, 10);
    else if (strcmp(key, "label") == 0 && manifest->label_count < FLUME_MANIFEST_LABELS_MAX)
        manifest->labels[manifest->label_count++] = value;
}

static void take_text(flume_manifest *manifest, char *text)
{
    manifest->host = manifest->user = manifest->program = manifest->build = "";
    while (*text != '\0') {
        char *end = strchr(text, '\n');
        char *space = strchr(text, ' ');

        if (end == NULL)
            return;
        *end = '\0';
        if (space != NULL && space < end) {
            *space = '\0';
            take_line(manifest, text, space + 1);
        }
        text = end + 1;
    }
}

/* The manifest's memory knows how it is to be freed. */
struct manifest_memory {
    flume_allocator allocator;
    char text[];
};

int flume_log_envelope(flume_log *log, uint64_t seq, flume_manifest *out_manifest)
{
    flume_record record;
    struct manifest_memory *memory;
    int status = flume_log_get(log, seq, &record);
    uint64_t writer_seq;

    if (status != FLUME_OK)
        return status;
    writer_seq = record.writer_seq;
    flume_record_release(&record);
    status = flume_log_get(log, writer_seq, &record);
    if (status != FLUME_OK)
        return status;
    memory = memory_allocate_zeroed(&log->allocator, 1, sizeof *memory + record.body_bytes + 1);
    if (memory == NULL) {
        flume_record_release(&record);
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, seq, "no memory for a manifest");
    }
    memory->allocator = log->allocator;
    memcpy(memory->text, record.body, record.body_bytes);
    memset(out_manifest, 0, sizeof *out_manifest);
    out_manifest->seq = writer_seq;
    out_manifest->time_ns = record.time_ns;
    out_manifest->memory = memory;
    take_text(out_manifest, memory->text);
    flume_record_release(&record);
    return FLUME_OK;
}

void flume_manifest_release(flume_manifest *manifest)
{
    struct manifest_memory *memory = manifest != NULL ? manifest->memory : NULL;

    if (memory == NULL)
        return;
    flume_allocator allocator = memory->allocator;
    memory_release(&allocator, memory);
    memset(manifest, 0, sizeof *manifest);
}
