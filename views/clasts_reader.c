/*
 * clasts_reader.c - from an offset in a blob to its chunk. See clasts.h.
 *
 * What always holds:
 *   - One body of each level is kept, those of the path to the chunk found last. Where the content
 *     of a body begins says which one of its level it is.
 *   - A body is copied before it is hashed: what lends it may be a mapping that changes.
 */
#include "clasts.h"

#include <string.h>

#include "allocator.h"
#include "clasts_inside.h"

struct step {
    uint8_t *body; /* A copy, room_bytes large. */
    size_t room_bytes;
    bool is_loaded; /* The rest counts. */
    bool is_last;   /* Of its level: it ends where the blob ends. */
    struct clasts clasts;
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t first_chunk;  /* Index of the first chunk below it. */
    uint64_t offset_bytes; /* Where its content begins in the blob. */
};

struct clasts_reader {
    clasts_load load;
    void *load_ctx;
    flume_allocator allocator;
    unsigned root_level;
    struct step path[CLASTS_LEVELS_MAX]; /* By level; the root is loaded from the first. */
};

/* --- loading ---------------------------------------------------------------------------------- */

static int make_room(struct clasts_reader *reader, struct step *step, size_t bytes)
{
    uint8_t *body;

    if (bytes <= step->room_bytes)
        return FLUME_OK;
    body = reader->allocator.resize(reader->allocator.ctx, step->body, bytes);
    if (body == NULL)
        return FLUME_ERR_NO_MEMORY;
    step->body = body;
    step->room_bytes = bytes;
    return FLUME_OK;
}

/* Bring the body of a hash into a step; its place in the blob is the caller's to say. */
static int load_body(struct clasts_reader *reader, struct step *step,
                     const uint8_t hash[FLUME_HASH_BYTES])
{
    const uint8_t *lent = NULL;
    size_t bytes = 0;
    int status;

    step->is_loaded = false;
    status = reader->load(reader->load_ctx, hash, &lent, &bytes);
    if (status < 0)
        return status;
    if (bytes < CLASTS_HEADER_BYTES || bytes > CLASTS_BODY_BYTES_MAX)
        return FLUME_ERR_DAMAGED;
    status = make_room(reader, step, bytes);
    if (status < 0)
        return status;
    memcpy(step->body, lent, bytes);
    flume_hash(step->body, bytes, step->hash);
    if (memcmp(step->hash, hash, FLUME_HASH_BYTES) != 0)
        return FLUME_ERR_DAMAGED;
    return clasts_decode(step->body, bytes, &step->clasts);
}

/* Whether each chunk below is one that others may follow. */
static bool is_full(const struct clasts *clasts)
{
    struct clasts_entry last = clasts_entry(clasts, clasts->count - 1);

    return clasts->count == UINT32_C(1) << clasts->spread &&
           last.bytes >= clasts_entry_bytes_min(clasts);
}

/* Whether a body is the one that its parent lists as so many bytes. */
static bool is_child(const struct step *parent, const struct step *child, uint64_t bytes)
{
    const struct clasts *above = &parent->clasts, *below = &child->clasts;

    return below->level + 1 == above->level && below->spread == above->spread &&
           chunking_is_same(&below->chunking, &above->chunking) && below->total_bytes == bytes &&
           (child->is_last || is_full(below));
}

/* Make the step below be that of the entry. */
static int go_down(struct clasts_reader *reader, const struct step *parent, uint32_t index)
{
    unsigned level = parent->clasts.level - 1;
    struct clasts_entry entry = clasts_entry(&parent->clasts, index);
    struct step *child = &reader->path[level];
    uint64_t offset_bytes = parent->offset_bytes + entry.offset_bytes;
    int status;

    if (child->is_loaded && child->offset_bytes == offset_bytes)
        return FLUME_OK;
    status = load_body(reader, child, entry.hash);
    if (status < 0)
        return status;
    child->is_last = parent->is_last && index + 1 == parent->clasts.count;
    child->offset_bytes = offset_bytes;
    child->first_chunk = parent->first_chunk +
                         ((uint64_t)index << (parent->clasts.spread * parent->clasts.level));
    if (!is_child(parent, child, entry.bytes))
        return FLUME_ERR_DAMAGED;
    child->is_loaded = true;
    return FLUME_OK;
}

/* --- a reader --------------------------------------------------------------------------------- */

/* The root is loaded before its level is known, into the lowest step, and moved to its own. */
static int load_root(struct clasts_reader *reader, const uint8_t root_hash[FLUME_HASH_BYTES])
{
    struct step *lowest = &reader->path[0];
    struct step root;
    int status = load_body(reader, lowest, root_hash);

    if (status < 0)
        return status;
    /* With one entry it would have one level more than it takes. */
    if (lowest->clasts.level > 0 && lowest->clasts.count < 2)
        return FLUME_ERR_DAMAGED;
    root = *lowest;
    root.is_last = true;
    root.is_loaded = true;
    *lowest = (struct step){.body = NULL};
    reader->root_level = root.clasts.level;
    reader->path[root.clasts.level] = root;
    return FLUME_OK;
}

int clasts_reader_open(const struct clasts_reader_options *options,
                       const uint8_t root_hash[FLUME_HASH_BYTES], struct clasts_reader **out_reader)
{
    flume_allocator memory = allocator_or_malloc(options->allocator);
    struct clasts_reader *reader = memory.allocate(memory.ctx, sizeof *reader);
    int status;

    if (reader == NULL)
        return FLUME_ERR_NO_MEMORY;
    memset(reader, 0, sizeof *reader);
    reader->load = options->load;
    reader->load_ctx = options->load_ctx;
    reader->allocator = memory;
    status = load_root(reader, root_hash);
    if (status < 0) {
        clasts_reader_close(reader);
        return status;
    }
    *out_reader = reader;
    return FLUME_OK;
}

void clasts_reader_close(struct clasts_reader *reader)
{
    if (reader == NULL)
        return;
    for (unsigned level = 0; level < CLASTS_LEVELS_MAX; level++)
        reader->allocator.release(reader->allocator.ctx, reader->path[level].body);
    reader->allocator.release(reader->allocator.ctx, reader);
}

uint64_t clasts_reader_bytes(const struct clasts_reader *reader)
{
    return reader->path[reader->root_level].clasts.total_bytes;
}

struct chunking clasts_reader_chunking(const struct clasts_reader *reader)
{
    return reader->path[reader->root_level].clasts.chunking;
}

int clasts_reader_seek(struct clasts_reader *reader, uint64_t offset_bytes,
                       struct clasts_chunk *out_chunk)
{
    const struct step *step = &reader->path[reader->root_level];
    struct clasts_entry entry;
    uint32_t index;

    if (offset_bytes >= step->clasts.total_bytes)
        return FLUME_END;
    index = clasts_find(&step->clasts, offset_bytes);
    while (step->clasts.level > 0) {
        int status = go_down(reader, step, index);

        if (status < 0)
            return status;
        step = &reader->path[step->clasts.level - 1];
        index = clasts_find(&step->clasts, offset_bytes - step->offset_bytes);
    }
    entry = clasts_entry(&step->clasts, index);
    out_chunk->index = step->first_chunk + index;
    out_chunk->offset_bytes = step->offset_bytes + entry.offset_bytes;
    out_chunk->bytes = (uint32_t)entry.bytes;
    memcpy(out_chunk->hash, entry.hash, FLUME_HASH_BYTES);
    return FLUME_OK;
}

const uint8_t *clasts_reader_path(const struct clasts_reader *reader, unsigned level)
{
    if (level >= reader->root_level || !reader->path[level].is_loaded)
        return NULL;
    return reader->path[level].hash;
}
