/*
 * clasts_builder.c - a stream of chunks becomes clasts. See clasts.h.
 *
 * What always holds:
 *   - A body is completed when one more entry comes to its level, or at the end; so a level above
 *     is begun only when it is needed.
 *   - Hashes and ends of a body being filled lie each at a place of its own; the ends move up
 *     behind the hashes when it is complete.
 */
#include "clasts.h"

#include <string.h>

#include "allocator.h"
#include "clasts_inside.h"
#include "little.h"

struct filling {
    uint8_t *body; /* NULL: the level is not in use. */
    uint32_t count;
    uint64_t total_bytes;
    uint8_t hash[FLUME_HASH_BYTES]; /* Of the body completed last. */
};

enum builder_phase { BUILDER_FILLING, BUILDER_ENDED, BUILDER_FAILED };

struct clasts_builder {
    struct clasts_builder_options options;
    flume_allocator allocator;
    struct filling levels[CLASTS_LEVELS_MAX];
    uint64_t chunks, chunks_max;
    uint64_t total_bytes;
    bool last_is_here; /* A chunk was smaller than any but the last can be. */
    enum builder_phase phase;
};

int clasts_builder_create(const struct clasts_builder_options *options,
                          struct clasts_builder **out_builder)
{
    flume_allocator memory = allocator_or_malloc(options->allocator);
    unsigned spread = options->spread == 0 ? (unsigned)CLASTS_SPREAD_DEFAULT : options->spread;
    struct clasts_builder *builder;

    if (!chunking_is_valid(&options->chunking) || spread > CLASTS_SPREAD_MAX)
        return FLUME_ERR_INVALID;
    builder = memory.allocate(memory.ctx, sizeof *builder);
    if (builder == NULL)
        return FLUME_ERR_NO_MEMORY;
    memset(builder, 0, sizeof *builder);
    builder->options = *options;
    builder->options.spread = spread;
    builder->allocator = memory;
    builder->chunks_max = UINT64_C(1) << (spread * CLASTS_LEVELS_MAX);
    *out_builder = builder;
    return FLUME_OK;
}

void clasts_builder_destroy(struct clasts_builder *builder)
{
    if (builder == NULL)
        return;
    for (unsigned level = 0; level < CLASTS_LEVELS_MAX; level++)
        builder->allocator.release(builder->allocator.ctx, builder->levels[level].body);
    builder->allocator.release(builder->allocator.ctx, builder);
}

uint64_t clasts_builder_chunks(const struct clasts_builder *builder)
{
    return builder->chunks;
}

uint64_t clasts_builder_bytes(const struct clasts_builder *builder)
{
    return builder->total_bytes;
}

/* --- bodies ----------------------------------------------------------------------------------- */

static size_t entries_max(const struct clasts_builder *builder)
{
    return (size_t)1 << builder->options.spread;
}

/* Ends of a body being filled lie behind room for all hashes. */
static uint8_t *ends_of(const struct clasts_builder *builder, const struct filling *filling)
{
    return filling->body + CLASTS_HASHES_AT + entries_max(builder) * FLUME_HASH_BYTES;
}

static int begin_level(struct clasts_builder *builder, struct filling *filling)
{
    size_t entry_bytes = FLUME_HASH_BYTES;

    if (clasts_has_ends(&builder->options.chunking))
        entry_bytes += CLASTS_END_BYTES;
    filling->body = builder->allocator.allocate(
        builder->allocator.ctx, CLASTS_HEADER_BYTES + entries_max(builder) * entry_bytes);
    return filling->body != NULL ? FLUME_OK : FLUME_ERR_NO_MEMORY;
}

/* The body of a level, complete. */
static struct clasts_body complete(struct clasts_builder *builder, unsigned level)
{
    struct filling *filling = &builder->levels[level];
    size_t hashes_bytes = (size_t)filling->count * FLUME_HASH_BYTES;
    size_t ends_bytes = 0;
    struct clasts clasts = {.chunking = builder->options.chunking,
                            .level = level,
                            .spread = builder->options.spread,
                            .count = filling->count,
                            .total_bytes = filling->total_bytes};
    struct clasts_body body = {.data = filling->body,
                               .hash = filling->hash,
                               .level = level,
                               .content_bytes = filling->total_bytes};

    assert(filling->count > 0);
    clasts_header_encode(&clasts, filling->body);
    if (clasts_has_ends(&clasts.chunking)) {
        ends_bytes = (size_t)filling->count * CLASTS_END_BYTES;
        memmove(filling->body + CLASTS_HASHES_AT + hashes_bytes, ends_of(builder, filling),
                ends_bytes);
    }
    body.bytes = CLASTS_HEADER_BYTES + hashes_bytes + ends_bytes;
    flume_hash(body.data, body.bytes, filling->hash);
    return body;
}

static int add_entry(struct clasts_builder *builder, unsigned level,
                     const uint8_t hash[FLUME_HASH_BYTES], uint64_t bytes);

/* Complete the body of a level and enter it in the level above. */
static int hand_up(struct clasts_builder *builder, unsigned level)
{
    struct filling *filling = &builder->levels[level];
    struct clasts_body body = complete(builder, level);
    int status = builder->options.emit(builder->options.emit_ctx, &body);

    if (status < 0)
        return status;
    filling->count = 0;
    filling->total_bytes = 0;
    return add_entry(builder, level + 1, body.hash, body.content_bytes);
}

static int add_entry(struct clasts_builder *builder, unsigned level,
                     const uint8_t hash[FLUME_HASH_BYTES], uint64_t bytes)
{
    struct filling *filling = &builder->levels[level];
    int status = FLUME_OK;

    assert(level < CLASTS_LEVELS_MAX); /* chunks_max has been checked. */
    if (filling->body == NULL)
        status = begin_level(builder, filling);
    else if (filling->count == entries_max(builder))
        status = hand_up(builder, level);
    if (status < 0)
        return status;
    filling->total_bytes += bytes;
    memcpy(filling->body + CLASTS_HASHES_AT + (size_t)filling->count * FLUME_HASH_BYTES, hash,
           FLUME_HASH_BYTES);
    if (clasts_has_ends(&builder->options.chunking))
        little_put64(ends_of(builder, filling) + (size_t)filling->count * CLASTS_END_BYTES,
                     filling->total_bytes);
    filling->count++;
    return FLUME_OK;
}

/* --- building --------------------------------------------------------------------------------- */

static int check_chunk(const struct clasts_builder *builder, uint32_t bytes)
{
    if (builder->phase != BUILDER_FILLING || builder->last_is_here)
        return FLUME_ERR_INVALID;
    if (bytes == 0 || bytes > builder->options.chunking.bytes_max)
        return FLUME_ERR_INVALID;
    if (builder->chunks == builder->chunks_max || bytes > UINT64_MAX - builder->total_bytes)
        return FLUME_ERR_TOO_LARGE;
    return FLUME_OK;
}

int clasts_builder_add(struct clasts_builder *builder, const uint8_t hash[FLUME_HASH_BYTES],
                       uint32_t bytes)
{
    int status = check_chunk(builder, bytes);

    if (status == FLUME_OK)
        status = add_entry(builder, 0, hash, bytes);
    if (status < 0) {
        builder->phase = BUILDER_FAILED;
        return status;
    }
    builder->last_is_here = bytes < builder->options.chunking.bytes_min;
    builder->chunks++;
    builder->total_bytes += bytes;
    return FLUME_OK;
}

static unsigned highest_level(const struct clasts_builder *builder)
{
    unsigned level = CLASTS_LEVELS_MAX - 1;

    while (level > 0 && builder->levels[level].count == 0)
        level--;
    return level;
}

int clasts_builder_end(struct clasts_builder *builder, struct clasts_body *out_root)
{
    if (builder->phase != BUILDER_FILLING || builder->chunks == 0) {
        builder->phase = BUILDER_FAILED;
        return FLUME_ERR_INVALID;
    }
    /* Handing up may begin a further level: which one is the highest is asked each time. */
    for (unsigned level = 0; level < highest_level(builder); level++) {
        int status = hand_up(builder, level);

        if (status < 0) {
            builder->phase = BUILDER_FAILED;
            return status;
        }
    }
    builder->phase = BUILDER_ENDED;
    *out_root = complete(builder, highest_level(builder));
    return FLUME_OK;
}
