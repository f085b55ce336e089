/*
 * fuzz_chunk_code.c - libFuzzer on the bodies of chunks, and on what streams are cut into.
 *
 * The input:  byte 0: 0: a body as it is; 1: the rest is what a header that fits it is put before,
 *                     as zstd's frame, so that the frame itself is reached; 2: the rest is content
 *             bytes 1 to 4 (mode 1): what the header states as size of the content
 *
 * Checked besides not crashing: nothing is written beyond the room given; what decodes has the hash
 * that was asked for; content comes back, whole and cut into chunks in pieces of any size.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk_code.h"

enum { STREAM_BYTES = 40000, PIECE_UNIT_BYTES = 20 };
enum { CONTENT_BYTES_AT = 8, STORED_BYTES_AT = 12, HASH_AT = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_chunk_code: %s\n", what);
    abort();
}

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes > 0 ? bytes : 1);

    require(memory != NULL, "no memory");
    return memory;
}

/* Decode a body into exactly the room that it asks for; the sanitizer watches its ends. */
static void decode(struct chunk_coder *coder, const uint8_t *body, size_t bytes)
{
    struct chunk_description description;
    uint8_t hash[FLUME_HASH_BYTES];
    size_t content_bytes;
    uint8_t *target;

    if (chunk_describe(body, bytes, &description) < 0)
        return;
    require(description.content_bytes <= CHUNK_BYTES_MAX, "a content beyond its bound");
    target = allocate(description.content_bytes);
    if (chunk_decode(coder, body, bytes, description.hash, target, description.content_bytes,
                     &content_bytes) == FLUME_OK) {
        require(content_bytes == description.content_bytes, "another size than stated");
        flume_hash(target, content_bytes, hash);
        require(memcmp(hash, description.hash, sizeof hash) == 0, "not what was asked for");
    }
    free(target);
}

static void put_le32(uint8_t *target, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        target[i] = (uint8_t)(value >> (8 * i));
}

static void decode_frame(struct chunk_coder *coder, const uint8_t *data, size_t bytes)
{
    uint8_t *body;

    if (bytes < 4)
        return;
    body = allocate(CHUNK_HEADER_BYTES + bytes - 4);
    memset(body, 0, CHUNK_HEADER_BYTES);
    memcpy(body, "chnk\1\1", 6);
    memcpy(body + CONTENT_BYTES_AT, data, 4);
    put_le32(body + STORED_BYTES_AT, (uint32_t)bytes - 4);
    memcpy(body + CHUNK_HEADER_BYTES, data + 4, bytes - 4);
    decode(coder, body, CHUNK_HEADER_BYTES + bytes - 4);
    free(body);
}

static void round_trip(struct chunk_coder *coder, const uint8_t *content, size_t bytes)
{
    uint8_t *body, *target, hash[FLUME_HASH_BYTES];
    size_t body_bytes, back;

    if (bytes == 0)
        return;
    body = allocate(CHUNK_HEADER_BYTES + bytes);
    target = allocate(bytes);
    flume_hash(content, bytes, hash);
    require(chunk_encode(coder, content, bytes, hash, body, &body_bytes) == FLUME_OK, "not stored");
    require(chunk_decode(coder, body, body_bytes, hash, target, bytes, &back) == FLUME_OK,
            "does not decode");
    require(back == bytes && memcmp(target, content, bytes) == 0, "came back otherwise");
    free(body);
    free(target);
}

/* A chunk is what the stream has there. */
static void compare(const struct chunk_bytes *chunk, const uint8_t *stream, size_t *io_seen)
{
    if (chunk->bytes == 0)
        return;
    require(*io_seen + chunk->bytes <= STREAM_BYTES, "more bytes than there are");
    require(memcmp(chunk->data, stream + *io_seen, chunk->bytes) == 0, "a chunk of other bytes");
    *io_seen += chunk->bytes;
}

/* The stream is the content, over and over, in pieces whose sizes are the content's bytes. */
static void cut(const uint8_t *content, size_t bytes)
{
    struct chunking small = {CHUNKING_FASTCDC, 4096, 8192, 16384};
    struct chunker *chunker = NULL;
    struct chunk_bytes chunk;
    uint8_t *stream = allocate(STREAM_BYTES);
    size_t seen = 0;

    for (size_t at = 0; at < STREAM_BYTES; at += bytes)
        memcpy(stream + at, content, bytes < STREAM_BYTES - at ? bytes : STREAM_BYTES - at);
    require(chunker_create(&small, NULL, &chunker) == FLUME_OK, "no chunker");
    for (size_t at = 0, i = 0; at < STREAM_BYTES; i = (i + 1) % bytes) {
        size_t piece = 1 + (size_t)content[i] * PIECE_UNIT_BYTES;

        if (piece > STREAM_BYTES - at)
            piece = STREAM_BYTES - at;
        at += chunker_feed(chunker, stream + at, piece, &chunk);
        compare(&chunk, stream, &seen);
        require(chunk.bytes == 0 || seen == at, "bytes between chunks");
    }
    chunker_finish(chunker, &chunk);
    compare(&chunk, stream, &seen);
    require(seen == STREAM_BYTES, "bytes are missing");
    chunker_destroy(chunker);
    free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct chunk_coder coder;

    if (bytes < 2)
        return 0;
    chunk_coder_init(&coder, 0);
    switch (data[0] % 3) {
    case 0:
        decode(&coder, data + 1, bytes - 1);
        break;
    case 1:
        decode_frame(&coder, data + 1, bytes - 1);
        break;
    default:
        round_trip(&coder, data + 1, bytes - 1);
        cut(data + 1, bytes - 1);
        break;
    }
    chunk_coder_deinit(&coder);
    return 0;
}
