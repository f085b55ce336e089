/*
 * codec.h - how a program's values become bodies and bodies become values.
 *
 * A record stores the number of its codec; number and name of every codec that a writer has
 * registered stand in its manifest, so a log says itself what its numbers mean.
 */
#ifndef FLUME_CODEC_H
#define FLUME_CODEC_H

#include "flume/record.h"

#ifdef __cplusplus
extern "C" {
#endif

enum flume_codec_number {
    FLUME_CODEC_RAW = 0,  /* Bytes. */
    FLUME_CODEC_TEXT = 1, /* UTF-8. */
    FLUME_CODEC_JSON = 2, /* One JSON value, UTF-8. */
    FLUME_CODEC_USER = 16 /* 16 .. 65535 belong to programs. */
};

enum { FLUME_CODEC_NAME_BYTES_MAX = 31, FLUME_CODECS_MAX = 64 };

/* Receives encoded bytes in any number of pieces; returns FLUME_OK or the error to pass on. */
typedef int (*flume_sink)(void *sink_ctx, const void *data, size_t data_bytes);

typedef struct flume_codec {
    const char *name; /* 1 .. 31 characters of [a-z0-9._-]; copied. */
    uint16_t number;  /* FLUME_CODEC_USER .. 65535. */
    /* Write value's bytes to the sink. NULL: the codec cannot encode. */
    int (*encode)(void *ctx, const void *value, flume_sink sink, void *sink_ctx);
    /* Make a value of bytes, to be freed by release. NULL: cannot decode. */
    int (*decode)(void *ctx, const void *data, size_t data_bytes, void **out_value);
    void (*release)(void *ctx, void *value); /* NULL: nothing to free. */
    void *ctx;                               /* Kept; must outlive the log. */
} flume_codec;

/** Name of a built-in codec number ("raw", "text", "json"), or NULL. */
FLUME_API const char *flume_codec_name(unsigned number);

#ifdef __cplusplus
}
#endif
#endif
