/*
 * chunker.h - cuts a stream of bytes, given piece by piece, into chunks.
 *
 *   chunker_create
 *   while there is input: chunker_feed, until all of the piece is used
 *   chunker_finish                   the rest, if there is one
 *
 *     while (bytes > 0) {
 *         size_t used = chunker_feed(chunker, data, bytes, &chunk);
 *
 *         data += used;
 *         bytes -= used;
 *         if (chunk.bytes > 0)
 *             ... one chunk of the stream
 *     }
 *
 * Fixed chunks are all of one size but the last. Content-defined ones end where the content says so
 * (FastCDC: Xia and others, "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for
 * Data Deduplication", USENIX ATC 2016): after an insertion, the chunks that follow are the ones
 * from before. views/FORMAT.md says where a chunk ends, and from what the table of gears is made.
 *
 * What always holds:
 *   - The chunks, one behind the other, are the stream. None is empty; none exceeds bytes_max; only
 *     the last may fall short of bytes_min.
 *   - They depend on the stream and on the chunking alone, not on how the stream came in pieces.
 *   - One buffer of bytes_max bytes is all the memory, and it is touched only for a chunk that came
 *     in more than one piece: what lies whole in a piece is not copied.
 *
 * Threads: one at a time for each chunker; chunkers have nothing in common.
 */
#ifndef VIEWS_CHUNKER_H
#define VIEWS_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/io.h"
#include "flume/status.h"

enum {
    CHUNK_BYTES_MAX = 4 << 20, /* No chunk of any chunking is larger. */
    CHUNKING_BYTES_MIN = 4096, /* No chunking asks for smaller ones; the last is as it comes. */
    CHUNKING_FIXED_BYTES = 1 << 20
};

/* How a stream is cut. Stored (clasts.h): the numbers do not change. */
enum chunking_method {
    CHUNKING_FIXED = 1,
    CHUNKING_FASTCDC = 2 /* With the gears and masks of views/FORMAT.md. */
};

/* Equal chunkings have equal fields. */
struct chunking {
    enum chunking_method method;
    uint32_t bytes_min, bytes_average, bytes_max; /* CHUNKING_FIXED: all three the same. */
};

/* 1 MiB each. */
struct chunking chunking_fixed(void);
/* FastCDC: at least 256 KiB, some 1 MiB on average, at most 4 MiB. */
struct chunking chunking_content_defined(void);

/*
 * Whether a chunking is one: a known method, CHUNKING_BYTES_MIN <= bytes_min <= bytes_average <=
 * bytes_max <= CHUNK_BYTES_MAX; fixed: all three the same; FastCDC: bytes_average a power of two
 * and bytes_min below it.
 */
bool chunking_is_valid(const struct chunking *chunking);

bool chunking_is_same(const struct chunking *one, const struct chunking *other);

struct chunker;

struct chunk_bytes {
    const uint8_t *data;
    size_t bytes; /* 0: none. */
};

/*
 * Make a chunker, at the beginning of a stream.
 *
 * @param allocator  NULL: malloc. Copied.
 * @return FLUME_OK; FLUME_ERR_INVALID (chunking_is_valid says no), FLUME_ERR_NO_MEMORY. Owned by
 *         the caller: chunker_destroy().
 */
int chunker_create(const struct chunking *chunking, const flume_allocator *allocator,
                   struct chunker **out_chunker);

/* NULL is harmless. */
void chunker_destroy(struct chunker *chunker);

/*
 * Take bytes of the stream, up to the end of the chunk that they are of.
 *
 * @param bytes      At least 1.
 * @param out_chunk  A chunk that is complete, or none (bytes 0). Lies in `data`, in the chunker or
 *                   where it was to be assembled: valid until the next call on this chunker, and
 *                   while that memory is.
 * @return how many bytes are used, at least 1; fewer than `bytes` only together with a chunk.
 *         It cannot fail.
 */
size_t chunker_feed(struct chunker *chunker, const void *data, size_t bytes,
                    struct chunk_bytes *out_chunk);

/*
 * Assemble what comes next in this memory, where it is wanted, instead of in the chunker's own: it
 * is a copy less. Only between chunks: at the beginning of a stream, or after a chunk was given.
 *
 * @param target  Room for bytes_max, until another is given. NULL: the chunker's own again. A chunk
 *                that lies whole in a piece is given from there all the same.
 */
void chunker_assemble_in(struct chunker *chunker, uint8_t *target);

/* The stream is over: what is left of it, as a chunk (or none). Valid until the next call on this
 * chunker, which then is at the beginning of another stream. */
void chunker_finish(struct chunker *chunker, struct chunk_bytes *out_chunk);

/* Drop what is left: the chunker is at the beginning of another stream. */
void chunker_reset(struct chunker *chunker);

#endif
