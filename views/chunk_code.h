/*
 * chunk_code.h - a chunk as it is stored: the body of a record of grains/.
 *
 * A body is a header, with the size and the BLAKE3 of the content, and the content, compressed by
 * zstd where that pays. views/FORMAT.md, "Blobs", has the bytes.
 *
 * What always holds:
 *   - What decodes is the content of the hash that was asked for: BLAKE3 has been compared.
 *   - A body states its content's size, at most CHUNK_BYTES_MAX, and no more than that is ever
 *     written or allocated, whatever the compressed bytes say of themselves.
 *   - A body is at most CHUNK_HEADER_BYTES larger than its content.
 *   - Each body that decodes has been wholly used: nothing can be hidden behind the content.
 *   - Where one content has two forms (another level, another zstd), both decode; a chunk is known
 *     by the hash of its content, never by that of its body.
 */
#ifndef VIEWS_CHUNK_CODE_H
#define VIEWS_CHUNK_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "chunker.h"
#include "flume/find.h"
#include "flume/status.h"

enum { CHUNK_HEADER_BYTES = 48, CHUNK_BODY_BYTES_MAX = CHUNK_HEADER_BYTES + CHUNK_BYTES_MAX };

enum chunk_codec { CHUNK_RAW = 0, CHUNK_ZSTD = 1 }; /* Stored. */

/* zstd's levels, as far as they are worth their memory. */
enum {
    CHUNK_LEVEL_DEFAULT = 3,
    CHUNK_LEVEL_MIN = -7,
    CHUNK_LEVEL_MAX = 19,
    CHUNK_LEVEL_NONE = -100 /* Never compress. */
};

/* What a body says of itself. */
struct chunk_description {
    enum chunk_codec codec;
    uint32_t content_bytes;         /* 1 .. CHUNK_BYTES_MAX. */
    uint32_t stored_bytes;          /* Behind the header. */
    uint8_t hash[FLUME_HASH_BYTES]; /* BLAKE3 of the content. */
};

/*
 * The contexts of zstd, kept from one chunk to the next. Each is made when it is first needed. The
 * caller places the struct; its fields are chunk_code.c's.
 *
 * Threads: one at a time for each coder; coders have nothing in common.
 */
struct chunk_coder {
    void *compressor;
    void *decompressor;
    int level;
};

/* @param level  0: CHUNK_LEVEL_DEFAULT. CHUNK_LEVEL_NONE, or CHUNK_LEVEL_MIN .. CHUNK_LEVEL_MAX; a
 *               level beyond these counts as the nearest. */
void chunk_coder_init(struct chunk_coder *coder, int level);

/* Of a coder that is all zero, harmless. */
void chunk_coder_deinit(struct chunk_coder *coder);

/*
 * Store a content: compressed if that saves at least a sixteenth, else as it is.
 *
 * @param content        Borrowed.
 * @param content_bytes  1 .. CHUNK_BYTES_MAX.
 * @param hash           BLAKE3 of the content, as flume_hash() has it: the caller has looked it up
 *                       before, so it is not computed again.
 * @param target         Room for CHUNK_HEADER_BYTES + content_bytes; does not overlap the content.
 *                       Undefined on error.
 * @return FLUME_OK, FLUME_ERR_INVALID (a content of no or too many bytes), FLUME_ERR_NO_MEMORY.
 */
int chunk_encode(struct chunk_coder *coder, const void *content, size_t content_bytes,
                 const uint8_t hash[FLUME_HASH_BYTES], uint8_t *target, size_t *out_body_bytes);

/*
 * The same for a content that has CHUNK_HEADER_BYTES of room before it: what is stored as it is
 * stays where it lies, and gets its header there. It is a copy less.
 *
 * @param room      The content begins CHUNK_HEADER_BYTES behind it. Those bytes may be changed.
 * @param target    As of chunk_encode(): used where the content is compressed.
 * @param out_body  In target or at room.
 * @return as chunk_encode().
 */
int chunk_encode_where_it_lies(struct chunk_coder *coder, uint8_t *room, size_t content_bytes,
                               const uint8_t hash[FLUME_HASH_BYTES], uint8_t *target,
                               const uint8_t **out_body, size_t *out_body_bytes);

/*
 * Read what a body says of itself, without its content. The hash is what the body claims; only
 * chunk_decode() compares it.
 *
 * @return FLUME_OK; FLUME_ERR_DAMAGED (not a chunk's body, or cut short); FLUME_ERR_VERSION (a
 *         format or a codec of a newer flume).
 */
int chunk_describe(const void *body, size_t body_bytes, struct chunk_description *out_description);

/*
 * The content of a body, verified.
 *
 * @param hash          What is asked for. A body of another content is FLUME_ERR_DAMAGED.
 * @param target        Room for target_bytes. Undefined on error.
 * @param out_bytes     Size of the content.
 * @return FLUME_OK; FLUME_ERR_DAMAGED (not a body, cut short, of another content, or its content is
 *         not what the hash says); FLUME_ERR_VERSION; FLUME_ERR_TOO_LARGE (target_bytes is less
 *         than what chunk_describe() says); FLUME_ERR_NO_MEMORY.
 */
int chunk_decode(struct chunk_coder *coder, const void *body, size_t body_bytes,
                 const uint8_t hash[FLUME_HASH_BYTES], void *target, size_t target_bytes,
                 size_t *out_bytes);

#endif
