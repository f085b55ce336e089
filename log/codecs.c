/*
 * codec.c - the codecs of a handle: values into bodies and back.
 */
#include <stdio.h>
#include <string.h>

#include "codecs.h"

static bool name_is_sound(const char *name)
{
    size_t bytes = name != NULL ? strnlen(name, FLUME_CODEC_NAME_BYTES_MAX + 1) : 0;

    return bytes > 0 && bytes <= FLUME_CODEC_NAME_BYTES_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == bytes;
}

static const flume_codec *find(const flume_log *log, unsigned number)
{
    for (size_t i = 0; i < log->codec_count; i++) {
        if (log->codecs[i].number == number)
            return &log->codecs[i];
    }
    return NULL;
}

int codecs_take(flume_log *log, const flume_codec *codecs, size_t codec_count)
{
    if (codec_count > FLUME_CODECS_MAX || (codecs == NULL && codec_count > 0))
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "%zu codecs: at most %d can be registered", codec_count, FLUME_CODECS_MAX);
    for (size_t i = 0; i < codec_count; i++) {
        if (!name_is_sound(codecs[i].name) || codecs[i].number < FLUME_CODEC_USER)
            return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                            "codec %zu: its number must be %d or more, its name 1 to %d of "
                            "[a-z0-9._-]",
                            i, FLUME_CODEC_USER, FLUME_CODEC_NAME_BYTES_MAX);
        if (find(log, codecs[i].number) != NULL)
            return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                            "two codecs have the number %u", (unsigned)codecs[i].number);
        log->codecs[i] = codecs[i];
        (void)snprintf(log->codec_names[i], sizeof log->codec_names[i], "%s", codecs[i].name);
        log->codecs[i].name = log->codec_names[i];
        log->codec_count = i + 1;
    }
    return FLUME_OK;
}

const char *flume_log_codec_name(flume_log *log, unsigned number)
{
    const flume_codec *codec;

    if (log_guard(log) != FLUME_OK)
        return NULL;
    codec = find(log, number);
    return codec != NULL ? codec->name : flume_codec_name(number);
}

/* What an encoder writes, gathered. */
struct gathered {
    flume_log *log;
    uint8_t *bytes;
    size_t used, capacity;
};

static int gather(void *ctx, const void *data, size_t data_bytes)
{
    struct gathered *gathered = ctx;

    if (data_bytes > FLUME_BODY_BYTES_MAX - gathered->used)
        return FLUME_ERR_TOO_LARGE;
    if (gathered->used + data_bytes > gathered->capacity) {
        size_t capacity = gathered->capacity * 2 + data_bytes + 256;
        uint8_t *bytes = memory_resize(&gathered->log->allocator, gathered->bytes, capacity);

        if (bytes == NULL)
            return FLUME_ERR_NO_MEMORY;
        gathered->bytes = bytes;
        gathered->capacity = capacity;
    }
    if (data_bytes > 0)
        memcpy(gathered->bytes + gathered->used, data, data_bytes);
    gathered->used += data_bytes;
    return FLUME_OK;
}

int flume_log_append_value(flume_log *log, const flume_entry *entry, const void *value,
                           uint64_t *out_seq)
{
    struct gathered gathered = {.log = log};
    int status = log_guard(log);
    const flume_codec *codec;
    flume_entry encoded;

    if (status != FLUME_OK)
        return status;
    if (entry == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "the entry is NULL");
    codec = find(log, entry->codec);
    if (codec == NULL || codec->encode == NULL)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, FLUME_SEQ_NONE,
                        "codec %u is not registered on this handle, or cannot encode",
                        (unsigned)entry->codec);
    status = codec->encode(codec->ctx, value, gather, &gathered);
    if (status != FLUME_OK) {
        (void)log_fail(log, status, 0, FLUME_SEQ_NONE, "codec %s could not encode the value: %s",
                       codec->name, flume_strerror(status));
    } else {
        encoded = *entry;
        encoded.body = gathered.bytes;
        encoded.body_bytes = gathered.used;
        status = flume_log_append_entry(log, &encoded, out_seq);
    }
    memory_release(&log->allocator, gathered.bytes);
    return status;
}

int flume_record_decode(flume_log *log, const flume_record *record, void **out_value)
{
    int status = log_guard(log);
    const flume_codec *codec;

    if (status != FLUME_OK)
        return status;
    codec = find(log, record->codec);
    if (codec == NULL || codec->decode == NULL)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, record->seq,
                        "codec %u of seq %llu is not registered on this handle, or cannot decode",
                        (unsigned)record->codec, (unsigned long long)record->seq);
    status = codec->decode(codec->ctx, record->body, record->body_bytes, out_value);
    if (status != FLUME_OK)
        (void)log_fail(log, status, 0, record->seq, "codec %s could not decode seq %llu: %s",
                       codec->name, (unsigned long long)record->seq, flume_strerror(status));
    return status;
}

void flume_value_release(flume_log *log, unsigned codec_number, void *value)
{
    const flume_codec *codec;

    if (log_guard(log) != FLUME_OK)
        return;
    codec = find(log, codec_number);
    if (codec != NULL && codec->release != NULL)
        codec->release(codec->ctx, value);
}
