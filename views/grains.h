/*
 * grains.h - the second log of a handle: chunks, stored once, found by the hash of their content.
 *
 * What always holds:
 *   - It is opened by the first who needs it, made by the first who stores in it, and closed with
 *     the handle. Where it is away nothing is kept: the next call looks again.
 *   - A chunk is appended only if no other chunk has been since it was looked for: two processes
 *     that store the same at once store it once. (But for endless quarrels: GRAINS_TRIES_MAX.)
 *   - What is loaded has the hash that was asked for.
 *
 * Threads: any, each with buffers of its own.
 */
#ifndef VIEWS_GRAINS_H
#define VIEWS_GRAINS_H

#include "blob_view.h"
#include "chunk_code.h"

enum { GRAINS_BATCH_CHUNKS = 64, GRAINS_BATCH_BYTES = CHUNK_BYTES_MAX };

struct grains {
    flume *inner; /* The second log with its view. */
    flume_log *log;
    flume_view *view; /* "chunk". */
    bool read_only;
};

enum grains_use { GRAINS_READ, GRAINS_STORE };

/**
 * The second log of a handle.
 *
 * @param what        For the detail of an error: who asks ("blob 12ab..."). Static or borrowed.
 * @param out_grains  Valid until the handle is closed.
 * @return FLUME_OK; FLUME_ERR_ABSENT; FLUME_ERR_READ_ONLY; as flume_grains_make(), flume_open().
 */
int grains_acquire(flume *handle, enum grains_use use, const char *what,
                   struct grains **out_grains);

/** Whether a blob has chunks; asks the view "blob". @return as flume_view_read(). */
int grains_are_referred_to(flume *handle, bool *out_are);

/** With the handle, while nobody uses it. */
void grains_close(flume *handle);
/** The same in a forked child. */
void grains_abandon(flume *handle);

/* A chunk to store. */
struct grains_chunk {
    const uint8_t *content;
    uint8_t *room; /* CHUNK_HEADER_BYTES before the content that may be changed. NULL: none. */
    size_t bytes;  /* 1 .. CHUNK_BYTES_MAX. */
    uint8_t hash[FLUME_HASH_BYTES];
    /* Set by grains_store(). */
    uint64_t seq;
    uint64_t stored_bytes; /* 0: it was there. */
};

/* What storing needs besides: made once, used for many batches. All zero but `coder` at first. */
struct grains_workshop {
    struct chunk_coder coder;
    uint8_t *bodies; /* GRAINS_BATCH_BYTES and a header for each chunk of a batch. */
    uint8_t *proof;  /* For chunks that are proven. */
    bool proves;     /* Chunks that are there are read before they are relied on. */
};

void grains_workshop_deinit(struct grains_workshop *workshop);

/**
 * Store those chunks that are not there.
 *
 * @param count  1 .. GRAINS_BATCH_CHUNKS, of together at most GRAINS_BATCH_BYTES.
 * @return FLUME_OK: each has its seq; FLUME_ERR_FULL, FLUME_ERR_NO_MEMORY, ... with a detail on the
 *         handle.
 */
int grains_store(flume *handle, struct grains *grains, struct grains_workshop *workshop,
                 struct grains_chunk *chunks, size_t count);

/**
 * Load a content by its hash, verified. If it is there more than once, any sound one does.
 *
 * @param target  Room for target_bytes, CHUNK_BYTES_MAX or what the content is known to have. What
 *                is larger is FLUME_ERR_DAMAGED: it cannot be what was asked for.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND; FLUME_ERR_DAMAGED, with a detail on the handle that names
 *         the place in the second log; as flume_view_wait().
 */
int grains_load(flume *handle, struct grains *grains, struct chunk_coder *coder,
                const uint8_t hash[FLUME_HASH_BYTES], uint8_t *target, size_t target_bytes,
                size_t *out_bytes);

/** Take over a detail from the second log: of its log, or of its view. Returns status. */
int grains_fail_log(flume *handle, struct grains *grains, int status);
int grains_fail_view(flume *handle, struct grains *grains, int status);

#endif
