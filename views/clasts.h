/*
 * clasts.h - clasts: the list of the chunks that a large blob consists of.
 *
 * Up to 2^16 chunks are listed in one body. Beyond that clasts are a tree: bodies of level 0 list
 * chunks, bodies of level 1 list bodies of level 0, those of level 2 list those of level 1, each by
 * its BLAKE3. The root stands for the blob. views/FORMAT.md, "Blobs", has the bytes.
 *
 * Three parts, each usable without the next: struct clasts, one decoded body; the builder, which
 * takes chunks and gives bodies; the reader, which finds the chunk of an offset.
 *
 * What always holds:
 *   - A list of chunks has exactly one encoding: all bodies but the last of each level are full,
 *     and there are no more levels than it takes. So the root's hash says what the blob is.
 *   - A body that decodes is canonical in itself: its count, its sizes and its total agree, no
 *     chunk is empty or larger than the chunking allows, and there is no byte beyond.
 *   - A reader believes nothing of a child that its parent does not say as well: hash, level,
 *     chunking, total, fullness.
 *   - Memory does not depend on the blob: a builder holds at most CLASTS_LEVELS_MAX bodies being
 *     filled (2.5 MiB each at most, made when they are needed: 2.5 MiB up to 2^16 chunks, 5 MiB up
 *     to 2^32), a reader as many decoded ones.
 */
#ifndef VIEWS_CLASTS_H
#define VIEWS_CLASTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunker.h"
#include "flume/find.h"
#include "flume/io.h"
#include "flume/status.h"

enum {
    CLASTS_HEADER_BYTES = 32,
    CLASTS_SPREAD_MAX = 16,     /* A body has at most 2^spread entries, */
    CLASTS_SPREAD_DEFAULT = 16, /* in general 65,536. */
    CLASTS_LEVELS_MAX = 3,      /* 2^48 chunks: more bytes than 64 bits count, at 64 KiB each. */
    CLASTS_END_BYTES = 8,       /* Of an entry, where the chunking does not imply its size. */
    CLASTS_BODY_BYTES_MAX = CLASTS_HEADER_BYTES +
                            (1 << CLASTS_SPREAD_MAX) * (FLUME_HASH_BYTES + CLASTS_END_BYTES)
};

/* --- one body --------------------------------------------------------------------------------- */

/* A decoded body. Its pointers lie in the body, and are valid as long as that is. */
struct clasts {
    struct chunking chunking;
    unsigned level;        /* 0: entries are chunks; else bodies of the level below. */
    unsigned spread;       /* 2^spread entries make it full. */
    uint32_t count;        /* Entries, at least 1. */
    uint64_t total_bytes;  /* Of the content below, at least 1. */
    const uint8_t *hashes; /* FLUME_HASH_BYTES for each entry. */
    const uint8_t *ends;   /* Where each entry's content ends. NULL: fixed chunks, it is implied. */
};

/* One entry of a body. */
struct clasts_entry {
    const uint8_t *hash;   /* Valid as long as the body. */
    uint64_t offset_bytes; /* Where its content begins, within that of the body. */
    uint64_t bytes;        /* Of its content, at least 1. */
};

/*
 * Check a body and read it in place.
 *
 * @return FLUME_OK; FLUME_ERR_DAMAGED (not clasts, cut short, or not canonical); FLUME_ERR_VERSION
 *         (a format or a chunking of a newer flume).
 */
int clasts_decode(const void *body, size_t body_bytes, struct clasts *out_clasts);

/* @param index  Less than count. */
struct clasts_entry clasts_entry(const struct clasts *clasts, uint32_t index);

/* @param offset_bytes  Less than total_bytes. @return index of the entry whose content it is in. */
uint32_t clasts_find(const struct clasts *clasts, uint64_t offset_bytes);

/* --- builder ---------------------------------------------------------------------------------- */

struct clasts_builder;

/* A body that is complete. Everything is valid until the callback, or for the root the next call on
 * the builder, is over. */
struct clasts_body {
    const uint8_t *data;
    size_t bytes;        /* At most CLASTS_BODY_BYTES_MAX. */
    const uint8_t *hash; /* BLAKE3 of data. */
    unsigned level;
    uint64_t content_bytes; /* Of the blob, below this body. */
};

/* Store a body that is not the root. Children come before their parents. A negative status ends the
 * building with it. */
typedef int (*clasts_emit)(void *ctx, const struct clasts_body *body);

struct clasts_builder_options {
    struct chunking chunking;
    unsigned spread; /* 0: CLASTS_SPREAD_DEFAULT. Others are for tests. */
    clasts_emit emit;
    void *emit_ctx;
    const flume_allocator *allocator; /* NULL: malloc. Copied. */
};

/* FLUME_OK; FLUME_ERR_INVALID (the chunking or the spread is none), FLUME_ERR_NO_MEMORY. Owned by
 * the caller: clasts_builder_destroy(). Calls nothing. */
int clasts_builder_create(const struct clasts_builder_options *options,
                          struct clasts_builder **out_builder);

/* NULL is harmless. */
void clasts_builder_destroy(struct clasts_builder *builder);

/*
 * Add the next chunk.
 *
 * @param hash   BLAKE3 of its content. Copied.
 * @param bytes  Of its content. A chunk smaller than the chunking allows is the last.
 * @return FLUME_OK; FLUME_ERR_INVALID (bytes are 0 or more than the chunking allows, or the chunk
 *         before was the last); FLUME_ERR_TOO_LARGE (more chunks than CLASTS_LEVELS_MAX levels
 *         hold); FLUME_ERR_NO_MEMORY; what emit answers. After an error the builder can only be
 *         destroyed.
 */
int clasts_builder_add(struct clasts_builder *builder, const uint8_t hash[FLUME_HASH_BYTES],
                       uint32_t bytes);

/*
 * The root, which is not given to emit: where it is stored is the caller's. What is below it has
 * been.
 *
 * @param out_root  Valid until the builder is destroyed.
 * @return FLUME_OK; FLUME_ERR_INVALID (no chunk was added, or it has failed or ended before);
 *         FLUME_ERR_NO_MEMORY; what emit answers.
 */
int clasts_builder_end(struct clasts_builder *builder, struct clasts_body *out_root);

/* So far. */
uint64_t clasts_builder_chunks(const struct clasts_builder *builder);
uint64_t clasts_builder_bytes(const struct clasts_builder *builder);

/* --- reader ----------------------------------------------------------------------------------- */

struct clasts_reader;

/*
 * Lend a body by its hash. The reader copies it at once, and compares its BLAKE3.
 *
 * @param out_body  Valid until the next call of this function, or the end of the reader's call.
 * @return FLUME_OK, or a negative status, which the reader passes on.
 */
typedef int (*clasts_load)(void *ctx, const uint8_t hash[FLUME_HASH_BYTES],
                           const uint8_t **out_body, size_t *out_body_bytes);

struct clasts_reader_options {
    clasts_load load;
    void *load_ctx;
    const flume_allocator *allocator; /* NULL: malloc. Copied. */
};

/* A chunk of a blob. */
struct clasts_chunk {
    uint64_t index;        /* Among the blob's chunks. */
    uint64_t offset_bytes; /* Where it begins in the blob. */
    uint32_t bytes;        /* Of its content, at least 1. */
    uint8_t hash[FLUME_HASH_BYTES];
};

/*
 * Read a blob's clasts.
 *
 * @param root_hash  Is loaded as any other body.
 * @return FLUME_OK; FLUME_ERR_DAMAGED (the root's bytes are not those of the hash, or no clasts, or
 *         not those of a root); FLUME_ERR_VERSION, FLUME_ERR_NO_MEMORY; what load answers. Owned by
 *         the caller: clasts_reader_close().
 */
int clasts_reader_open(const struct clasts_reader_options *options,
                       const uint8_t root_hash[FLUME_HASH_BYTES],
                       struct clasts_reader **out_reader);

/* NULL is harmless. */
void clasts_reader_close(struct clasts_reader *reader);

/* Size of the blob, as the root says. */
uint64_t clasts_reader_bytes(const struct clasts_reader *reader);

/* How the blob was cut. */
struct chunking clasts_reader_chunking(const struct clasts_reader *reader);

/*
 * The chunk that an offset is in. At most a body for each level below the root is loaded, and none
 * that the call before has used. In order, each body is loaded once:
 *
 *     for (offset = 0; offset < clasts_reader_bytes(reader); offset += chunk.bytes)
 *         status = clasts_reader_seek(reader, offset, &chunk);
 *
 * @return FLUME_OK; FLUME_END (the blob is not that long); FLUME_ERR_DAMAGED (a body is not what
 *         its parent says), FLUME_ERR_VERSION, FLUME_ERR_NO_MEMORY; what load answers. After an
 *         error the reader can be used as before.
 */
int clasts_reader_seek(struct clasts_reader *reader, uint64_t offset_bytes,
                       struct clasts_chunk *out_chunk);

/* Each body below the root that is on the path of the chunk found last, for who walks what a blob
 * consists of: the hash of the body of a level, 0 being the lowest. NULL: no such level below the
 * root. Valid until the next call on this reader. */
const uint8_t *clasts_reader_path(const struct clasts_reader *reader, unsigned level);

#endif
