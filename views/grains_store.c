/*
 * grains_store.c - storing chunks once, and loading them by their hash.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grains.h"
#include "inside.h"
#include "lookup.h"

enum {
    GRAINS_TRIES_MAX = 64, /* Each that fails means that somebody else has stored something. */
    COPIES_MAX = 16        /* Of a chunk, that are tried. */
};

void grains_workshop_deinit(struct grains_workshop *workshop)
{
    chunk_coder_deinit(&workshop->coder);
    free(workshop->bodies);
    free(workshop->proof);
    workshop->bodies = workshop->proof = NULL;
}

/* ---- looking for chunks ---- */

/* The next row of a hash, behind lookup_seek(). FLUME_END: there is no more. */
static int next_copy(flume_rows *rows, const uint8_t hash[FLUME_HASH_BYTES],
                     struct chunk_row *out_row)
{
    flume_bytes key, value;
    int status = flume_rows_next(rows, &key, &value);

    if (status != FLUME_OK)
        return status;
    if (!lookup_begins(key, hash, FLUME_HASH_BYTES))
        return FLUME_END;
    return chunk_row_decode(key, value, out_row) ? FLUME_OK : FLUME_ERR_VIEW;
}

/* The copies of a chunk, oldest first; if there are too many, the first. */
static int find_copies(flume_rows *rows, const uint8_t hash[FLUME_HASH_BYTES],
                       uint64_t seqs[COPIES_MAX], size_t *out_count)
{
    struct chunk_row row;
    size_t count = 0;
    int status = lookup_seek(rows, 0, hash, FLUME_HASH_BYTES);

    while (status == FLUME_OK && count < COPIES_MAX) {
        status = next_copy(rows, hash, &row);
        if (status == FLUME_OK)
            seqs[count++] = row.seq;
    }
    *out_count = count;
    return status == FLUME_END ? FLUME_OK : status;
}

/* ---- loading ---- */

/* Keep the first reason for which a copy could not be read: the others are no worse. */
static int load_copy(flume *handle, struct grains *grains, struct chunk_coder *coder, uint64_t seq,
                     const uint8_t hash[FLUME_HASH_BYTES], uint8_t *target, size_t target_bytes,
                     size_t *out_bytes)
{
    flume_record record;
    int status = flume_log_get(grains->log, seq, &record);

    if (status != FLUME_OK)
        return grains_fail_log(handle, grains, status);
    status =
        chunk_decode(coder, record.body, record.body_bytes, hash, target, target_bytes, out_bytes);
    if (status == FLUME_ERR_TOO_LARGE)
        status = FLUME_ERR_DAMAGED;
    if (status == FLUME_ERR_DAMAGED)
        (void)flume_fail(handle, status, seq,
                         "%s: seq %llu (strata %020llu, offset %llu) does not hold the chunk it "
                         "should",
                         flume_log_path(grains->log), (unsigned long long)seq,
                         (unsigned long long)record.strata_seq, (unsigned long long)record.offset);
    else if (status != FLUME_OK)
        (void)flume_fail(handle, status, seq, "%s: seq %llu: %s", flume_log_path(grains->log),
                         (unsigned long long)seq, flume_strerror(status));
    flume_record_release(&record);
    return status;
}

/* Copies as the view has them now, or, if it knows of none, as of head. */
static int find_to_load(flume *handle, struct grains *grains, const uint8_t hash[FLUME_HASH_BYTES],
                        uint64_t seqs[COPIES_MAX], size_t *out_count)
{
    const flume_ask stale_ok = {.flags = FLUME_ASK_STALE_OK};
    const flume_ask *asks[] = {&stale_ok, NULL};
    int status = FLUME_OK;

    *out_count = 0;
    for (size_t i = 0; i < 2 && *out_count == 0; i++) {
        flume_rows *rows = NULL;

        status = flume_view_read(grains->view, asks[i], &rows);
        if (status != FLUME_OK)
            continue;
        status = find_copies(rows, hash, seqs, out_count);
        flume_rows_end(rows);
    }
    return status == FLUME_OK ? FLUME_OK : grains_fail_view(handle, grains, status);
}

int grains_load(flume *handle, struct grains *grains, struct chunk_coder *coder,
                const uint8_t hash[FLUME_HASH_BYTES], uint8_t *target, size_t target_bytes,
                size_t *out_bytes)
{
    uint64_t seqs[COPIES_MAX];
    size_t count = 0;
    int status = find_to_load(handle, grains, hash, seqs, &count);

    if (status != FLUME_OK)
        return status;
    if (count == 0)
        return FLUME_ERR_NOT_FOUND;
    status = FLUME_ERR_DAMAGED;
    while (count > 0 && status != FLUME_OK) /* The newest first: it may stand for a damaged one. */
        status =
            load_copy(handle, grains, coder, seqs[--count], hash, target, target_bytes, out_bytes);
    return status == FLUME_ERR_LOST ? FLUME_ERR_DAMAGED : status;
}

/* ---- storing ---- */

/* A batch on its way in. */
struct storing {
    flume *handle;
    struct grains *grains;
    struct grains_workshop *workshop;
    struct grains_chunk *chunks;
    size_t count;
    uint64_t as_of;
    size_t bodies_used;
    flume_entry entries[GRAINS_BATCH_CHUNKS]; /* Of what is missing; `of` says which chunk it is. */
    size_t of[GRAINS_BATCH_CHUNKS];
    size_t missing;
    const uint8_t *bodies[GRAINS_BATCH_CHUNKS]; /* Of chunks encoded so far; NULL: not yet. */
    size_t body_bytes[GRAINS_BATCH_CHUNKS];
    size_t same_as[GRAINS_BATCH_CHUNKS]; /* An earlier chunk of the batch, or itself. */
};

static void find_twins(struct storing *storing)
{
    for (size_t i = 0; i < storing->count; i++) {
        storing->same_as[i] = i;
        for (size_t k = 0; k < i && storing->same_as[i] == i; k++) {
            if (storing->same_as[k] == k &&
                memcmp(storing->chunks[k].hash, storing->chunks[i].hash, FLUME_HASH_BYTES) == 0)
                storing->same_as[i] = k;
        }
    }
}

/* Whether a copy is sound; without proof each counts as that. */
static bool is_relied_on(struct storing *storing, const struct grains_chunk *chunk, uint64_t seq)
{
    struct grains_workshop *workshop = storing->workshop;
    size_t bytes;

    return !workshop->proves ||
           load_copy(storing->handle, storing->grains, &workshop->coder, seq, chunk->hash,
                     workshop->proof, CHUNK_BYTES_MAX, &bytes) == FLUME_OK;
}

static int find_one(struct storing *storing, flume_rows *rows, struct grains_chunk *chunk)
{
    uint64_t seqs[COPIES_MAX];
    size_t count = 0;
    int status = find_copies(rows, chunk->hash, seqs, &count);

    for (size_t i = 0; i < count && chunk->seq == FLUME_SEQ_NONE; i++) {
        if (is_relied_on(storing, chunk, seqs[i]))
            chunk->seq = seqs[i];
    }
    return status;
}

/* Which of them are there, as of the second log's head. */
static int find_known(struct storing *storing)
{
    flume_rows *rows = NULL;
    int status = flume_view_read(storing->grains->view, NULL, &rows);

    if (status != FLUME_OK)
        return grains_fail_view(storing->handle, storing->grains, status);
    storing->as_of = flume_rows_as_of(rows);
    for (size_t i = 0; i < storing->count && status == FLUME_OK; i++) {
        if (storing->same_as[i] == i && storing->chunks[i].seq == FLUME_SEQ_NONE)
            status = find_one(storing, rows, &storing->chunks[i]);
    }
    flume_rows_end(rows);
    return status == FLUME_OK ? FLUME_OK
                              : grains_fail_view(storing->handle, storing->grains, status);
}

static int encode(struct storing *storing, size_t index)
{
    const struct grains_chunk *chunk = &storing->chunks[index];
    uint8_t *target = storing->workshop->bodies + storing->bodies_used;
    const uint8_t *body;
    int status;

    if (storing->bodies[index] != NULL)
        return FLUME_OK; /* By an earlier attempt. */
    body = target;
    if (chunk->room != NULL)
        status = chunk_encode_where_it_lies(&storing->workshop->coder, chunk->room, chunk->bytes,
                                            chunk->hash, target, &body,
                                            &storing->body_bytes[index]);
    else
        status = chunk_encode(&storing->workshop->coder, chunk->content, chunk->bytes, chunk->hash,
                              target, &storing->body_bytes[index]);
    if (status != FLUME_OK)
        return flume_fail(storing->handle, status, FLUME_SEQ_NONE, "cannot store a chunk: %s",
                          flume_strerror(status));
    storing->bodies[index] = body;
    if (body == target)
        storing->bodies_used += storing->body_bytes[index];
    return FLUME_OK;
}

static int gather_missing(struct storing *storing)
{
    storing->missing = 0;
    for (size_t i = 0; i < storing->count; i++) {
        int status;

        if (storing->same_as[i] != i || storing->chunks[i].seq != FLUME_SEQ_NONE)
            continue;
        status = encode(storing, i);
        if (status != FLUME_OK)
            return status;
        storing->entries[storing->missing] = (flume_entry){
            .body = storing->bodies[i],
            .body_bytes = storing->body_bytes[i],
            .kind = FLUME_KIND_CHUNK,
        };
        storing->of[storing->missing++] = i;
    }
    return FLUME_OK;
}

/* One attempt. FLUME_ERR_CONFLICT: somebody has appended since. */
static int store_once(struct storing *storing, bool insists)
{
    const flume_condition condition = {.check = FLUME_IF_HEAD, .head = storing->as_of};
    uint64_t first_seq = 0;
    int status = gather_missing(storing);

    if (status != FLUME_OK || storing->missing == 0)
        return status;
    status = flume_log_append_many(storing->grains->log, storing->entries, storing->missing,
                                   insists ? NULL : &condition, &first_seq);
    if (status == FLUME_ERR_CONFLICT)
        return status;
    if (status != FLUME_OK)
        return grains_fail_log(storing->handle, storing->grains, status);
    for (size_t i = 0; i < storing->missing; i++) {
        struct grains_chunk *chunk = &storing->chunks[storing->of[i]];

        chunk->seq = first_seq + i;
        chunk->stored_bytes = storing->body_bytes[storing->of[i]];
    }
    return FLUME_OK;
}

static int make_workshop(flume *handle, struct grains_workshop *workshop)
{
    if (workshop->bodies == NULL)
        workshop->bodies = malloc(GRAINS_BATCH_BYTES + GRAINS_BATCH_CHUNKS * CHUNK_HEADER_BYTES);
    if (workshop->proof == NULL && workshop->proves)
        workshop->proof = malloc(CHUNK_BYTES_MAX);
    if (workshop->bodies != NULL && (workshop->proof != NULL || !workshop->proves))
        return FLUME_OK;
    return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "no memory to store chunks");
}

int grains_store(flume *handle, struct grains *grains, struct grains_workshop *workshop,
                 struct grains_chunk *chunks, size_t count)
{
    struct storing storing = {
        .handle = handle, .grains = grains, .workshop = workshop, .chunks = chunks, .count = count};
    int status = make_workshop(handle, workshop);

    assert(count <= GRAINS_BATCH_CHUNKS);
    if (status != FLUME_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        chunks[i].seq = FLUME_SEQ_NONE;
        chunks[i].stored_bytes = 0;
    }
    find_twins(&storing);
    status = FLUME_ERR_CONFLICT;
    for (unsigned tries = 0; status == FLUME_ERR_CONFLICT; tries++) {
        status = find_known(&storing);
        if (status == FLUME_OK)
            status = store_once(&storing, tries >= GRAINS_TRIES_MAX);
    }
    for (size_t i = 0; i < count && status == FLUME_OK; i++)
        chunks[i].seq = chunks[storing.same_as[i]].seq;
    return status;
}
