/*
 * chunk_code.c - see chunk_code.h.
 */
#include "chunk_code.h"

#include <assert.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "little.h"

enum {
    MAGIC_AT = 0,
    FORMAT_AT = 4,
    CODEC_AT = 5,
    ZERO_AT = 6, /* Two bytes. */
    CONTENT_BYTES_AT = 8,
    STORED_BYTES_AT = 12,
    HASH_AT = 16
};
static_assert((int)HASH_AT + (int)FLUME_HASH_BYTES == (int)CHUNK_HEADER_BYTES, "no gap");

enum {
    FORMAT = 1,
    SAVING = 16,             /* Compressed if that saves one part in so many. */
    CONTENT_MIN = 64,        /* Fewer bytes are stored as they are: nothing would be saved. */
    SAMPLES = 4,             /* Places at which a content is tried, */
    SAMPLE_BYTES = 16 << 10, /* so many bytes at each, */
    SAMPLED_MIN = 256 << 10, /* if it is at least so large. */
    SAMPLE_SAVING = 32,      /* What the samples must save: short ones save less. */
    SAMPLE_LEVEL = 1,
    ZSTD_MAGIC_BYTES = 4,

    /* Above this level a window of all of a chunk of 4 MiB takes 25 to 66 MiB; one of a MiB takes
     * 17 at most, and 4 MiB of text shrink as much (0.5388 of their size at level 19 either
     * way). */
    LEAN_LEVEL_MAX = 8,
    WINDOW_LOG_MAX = 20
};

static const char magic[4] = "chnk";

void chunk_coder_init(struct chunk_coder *coder, int level)
{
    if (level == 0)
        level = CHUNK_LEVEL_DEFAULT;
    if (level > CHUNK_LEVEL_MAX)
        level = CHUNK_LEVEL_MAX;
    if (level < CHUNK_LEVEL_MIN && level != CHUNK_LEVEL_NONE)
        level = CHUNK_LEVEL_MIN;
    *coder = (struct chunk_coder){.level = level};
}

void chunk_coder_deinit(struct chunk_coder *coder)
{
    (void)ZSTD_freeCCtx(coder->compressor); /* It frees or, given NULL, does nothing. */
    (void)ZSTD_freeDCtx(coder->decompressor);
    coder->compressor = NULL;
    coder->decompressor = NULL;
}

/* --- storing ---------------------------------------------------------------------------------- */

/* The most bytes that `bytes` may take compressed to count as saving one part in `parts`. */
static size_t shrunk_bytes_max(size_t bytes, size_t parts)
{
    return bytes - (bytes + parts - 1) / parts;
}

/*
 * Compress into at most target_bytes. zstd gives up where it would need more, so what does not
 * shrink costs no room.
 *
 * @param out_bytes  0: it takes more.
 */
static int compress(struct chunk_coder *coder, int level, const uint8_t *source,
                    size_t source_bytes, uint8_t *target, size_t target_bytes, size_t *out_bytes)
{
    int window_log = level > LEAN_LEVEL_MAX ? WINDOW_LOG_MAX : 0;
    size_t result;

    /* They fail for values out of bounds, which these are not. */
    (void)ZSTD_CCtx_setParameter(coder->compressor, ZSTD_c_compressionLevel, level);
    (void)ZSTD_CCtx_setParameter(coder->compressor, ZSTD_c_windowLog, window_log);
    result = ZSTD_compress2(coder->compressor, target, target_bytes, source, source_bytes);
    if (ZSTD_isError(result)) {
        if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
            return FLUME_ERR_NO_MEMORY;
        result = 0; /* No room. Whatever else it were, the content can be stored as it is. */
    }
    *out_bytes = result;
    return FLUME_OK;
}

/* Whether samples of a content shrink. What has been compressed already, or encrypted, is known at
 * a twentieth of the cost of compressing it in vain. The target is scratch. */
static int judge(struct chunk_coder *coder, const uint8_t *content, size_t content_bytes,
                 uint8_t *target, bool *out_shrinks)
{
    size_t step = (content_bytes - SAMPLE_BYTES) / (SAMPLES - 1);
    size_t total = 0;

    for (size_t i = 0; i < SAMPLES; i++) {
        size_t bytes;
        int status = compress(coder, SAMPLE_LEVEL, content + i * step, SAMPLE_BYTES, target,
                              SAMPLE_BYTES, &bytes);

        if (status < 0)
            return status;
        total += bytes > 0 ? bytes : (size_t)SAMPLE_BYTES;
    }
    *out_shrinks = total <= shrunk_bytes_max((size_t)SAMPLES * SAMPLE_BYTES, SAMPLE_SAVING);
    return FLUME_OK;
}

/* @param out_bytes  0: it is to be stored as it is. */
static int compress_if_it_pays(struct chunk_coder *coder, const uint8_t *content,
                               size_t content_bytes, uint8_t *target, size_t *out_bytes)
{
    bool shrinks = true;

    *out_bytes = 0;
    if (coder->level == CHUNK_LEVEL_NONE || content_bytes < CONTENT_MIN)
        return FLUME_OK;
    if (coder->compressor == NULL)
        coder->compressor = ZSTD_createCCtx();
    if (coder->compressor == NULL)
        return FLUME_ERR_NO_MEMORY;
    if (content_bytes >= SAMPLED_MIN) {
        int status = judge(coder, content, content_bytes, target, &shrinks);

        if (status < 0 || !shrinks)
            return status;
    }
    return compress(coder, coder->level, content, content_bytes, target,
                    shrunk_bytes_max(content_bytes, SAVING), out_bytes);
}

static void header_encode(uint8_t target[CHUNK_HEADER_BYTES], enum chunk_codec codec,
                          size_t content_bytes, size_t stored_bytes,
                          const uint8_t hash[FLUME_HASH_BYTES])
{
    assert(stored_bytes <= content_bytes);
    memcpy(target + MAGIC_AT, magic, sizeof magic);
    target[FORMAT_AT] = FORMAT;
    target[CODEC_AT] = (uint8_t)codec;
    memset(target + ZERO_AT, 0, CONTENT_BYTES_AT - ZERO_AT);
    little_put32(target + CONTENT_BYTES_AT, (uint32_t)content_bytes);
    little_put32(target + STORED_BYTES_AT, (uint32_t)stored_bytes);
    memcpy(target + HASH_AT, hash, FLUME_HASH_BYTES);
}

int chunk_encode_where_it_lies(struct chunk_coder *coder, uint8_t *room, size_t content_bytes,
                               const uint8_t hash[FLUME_HASH_BYTES], uint8_t *target,
                               const uint8_t **out_body, size_t *out_body_bytes)
{
    uint8_t *body = target;
    size_t stored_bytes;
    int status;

    if (content_bytes == 0 || content_bytes > CHUNK_BYTES_MAX)
        return FLUME_ERR_INVALID;
    status = compress_if_it_pays(coder, room + CHUNK_HEADER_BYTES, content_bytes,
                                 target + CHUNK_HEADER_BYTES, &stored_bytes);
    if (status < 0)
        return status;
    if (stored_bytes > 0) {
        header_encode(body, CHUNK_ZSTD, content_bytes, stored_bytes, hash);
    } else {
        body = room;
        stored_bytes = content_bytes;
        header_encode(body, CHUNK_RAW, content_bytes, stored_bytes, hash);
    }
    *out_body = body;
    *out_body_bytes = CHUNK_HEADER_BYTES + stored_bytes;
    return FLUME_OK;
}

int chunk_encode(struct chunk_coder *coder, const void *content, size_t content_bytes,
                 const uint8_t hash[FLUME_HASH_BYTES], uint8_t *target, size_t *out_body_bytes)
{
    enum chunk_codec codec = CHUNK_ZSTD;
    size_t stored_bytes;
    int status;

    if (content_bytes == 0 || content_bytes > CHUNK_BYTES_MAX)
        return FLUME_ERR_INVALID;
    status = compress_if_it_pays(coder, content, content_bytes, target + CHUNK_HEADER_BYTES,
                                 &stored_bytes);
    if (status < 0)
        return status;
    if (stored_bytes == 0) {
        codec = CHUNK_RAW;
        stored_bytes = content_bytes;
        memcpy(target + CHUNK_HEADER_BYTES, content, content_bytes);
    }
    header_encode(target, codec, content_bytes, stored_bytes, hash);
    *out_body_bytes = CHUNK_HEADER_BYTES + stored_bytes;
    return FLUME_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Whether a header's sizes can be those of a body of so many bytes. */
static bool sizes_agree(const struct chunk_description *description, size_t body_bytes)
{
    if (description->content_bytes == 0 || description->content_bytes > CHUNK_BYTES_MAX)
        return false;
    if (description->stored_bytes != body_bytes - CHUNK_HEADER_BYTES)
        return false;
    if (description->codec == CHUNK_RAW)
        return description->stored_bytes == description->content_bytes;
    return description->stored_bytes <= shrunk_bytes_max(description->content_bytes, SAVING);
}

int chunk_describe(const void *body, size_t body_bytes, struct chunk_description *out_description)
{
    const uint8_t *bytes = body;
    struct chunk_description description;

    if (body_bytes < CHUNK_HEADER_BYTES || memcmp(bytes + MAGIC_AT, magic, sizeof magic) != 0)
        return FLUME_ERR_DAMAGED;
    if (bytes[FORMAT_AT] != FORMAT || bytes[CODEC_AT] > CHUNK_ZSTD)
        return FLUME_ERR_VERSION;
    description.codec = bytes[CODEC_AT] == CHUNK_RAW ? CHUNK_RAW : CHUNK_ZSTD;
    description.content_bytes = little_get32(bytes + CONTENT_BYTES_AT);
    description.stored_bytes = little_get32(bytes + STORED_BYTES_AT);
    memcpy(description.hash, bytes + HASH_AT, FLUME_HASH_BYTES);
    if (bytes[ZERO_AT] != 0 || bytes[ZERO_AT + 1] != 0 || !sizes_agree(&description, body_bytes))
        return FLUME_ERR_DAMAGED;
    *out_description = description;
    return FLUME_OK;
}

/*
 * One frame of today's zstd, which takes all of the source and gives all of the target. What the
 * frame says of its content's size is not asked: zstd never writes beyond the target, and to one
 * buffer it allocates nothing by the frame's word. Its decoders for formats of before 2016, its
 * skippable frames and frames one behind the other are kept out.
 */
static int decompress(struct chunk_coder *coder, const uint8_t *source, size_t source_bytes,
                      uint8_t *target, size_t target_bytes)
{
    size_t result;

    if (source_bytes < ZSTD_MAGIC_BYTES || little_get32(source) != ZSTD_MAGICNUMBER)
        return FLUME_ERR_DAMAGED;
    if (ZSTD_findFrameCompressedSize(source, source_bytes) != source_bytes)
        return FLUME_ERR_DAMAGED;
    if (coder->decompressor == NULL)
        coder->decompressor = ZSTD_createDCtx();
    if (coder->decompressor == NULL)
        return FLUME_ERR_NO_MEMORY;
    result = ZSTD_decompressDCtx(coder->decompressor, target, target_bytes, source, source_bytes);
    if (ZSTD_isError(result) && ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        return FLUME_ERR_NO_MEMORY;
    return result == target_bytes ? FLUME_OK : FLUME_ERR_DAMAGED;
}

int chunk_decode(struct chunk_coder *coder, const void *body, size_t body_bytes,
                 const uint8_t hash[FLUME_HASH_BYTES], void *target, size_t target_bytes,
                 size_t *out_bytes)
{
    const uint8_t *stored = (const uint8_t *)body + CHUNK_HEADER_BYTES;
    struct chunk_description description;
    uint8_t content_hash[FLUME_HASH_BYTES];
    int status = chunk_describe(body, body_bytes, &description);

    if (status < 0)
        return status;
    if (memcmp(description.hash, hash, FLUME_HASH_BYTES) != 0)
        return FLUME_ERR_DAMAGED;
    if (description.content_bytes > target_bytes)
        return FLUME_ERR_TOO_LARGE;
    if (description.codec == CHUNK_RAW)
        memcpy(target, stored, description.stored_bytes);
    else
        status =
            decompress(coder, stored, description.stored_bytes, target, description.content_bytes);
    if (status < 0)
        return status;
    flume_hash(target, description.content_bytes, content_hash);
    if (memcmp(content_hash, hash, FLUME_HASH_BYTES) != 0)
        return FLUME_ERR_DAMAGED;
    *out_bytes = description.content_bytes;
    return FLUME_OK;
}
