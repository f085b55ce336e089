/*
 * blob_orphans.c - chunks that no blob refers to.
 *
 * Two bits for each record of the second log, in windows of a fixed number of them: however large
 * that log is, the memory is the same, and the lists of all blobs are gone through once a window.
 *
 * What always holds:
 *   - A chunk is called an orphan only if every blob of the log as of the ask was followed; where
 *     the list of one could not be read, that is told.
 *   - All copies of a chunk that is referred to count as referred to.
 */
#include <stdlib.h>
#include <string.h>

#include "blob_reader.h"
#include "inside.h"
#include "lookup.h"

enum { WINDOW_BYTES = 4 << 20 };
#define WINDOW_SEQS ((uint64_t)WINDOW_BYTES * 8)

struct search {
    flume *handle;
    const flume_ask *ask;
    struct grains *grains;
    flume_rows *rows; /* Of the view "chunk", while blobs are followed. */
    uint8_t *marks;   /* Referred to: a bit for each seq of the window. */
    uint8_t *there;   /* Chunks: likewise. */
    int (*callback)(void *ctx, const flume_blob_orphan *orphan);
    void *ctx;
    uint64_t from_seq, to_seq;
    uint8_t last_clasts[CLASTS_LEVELS_MAX][FLUME_HASH_BYTES]; /* Marked last, a level each. */
    flume_blob_totals totals;
};

static void set_bit(const struct search *search, uint8_t *bits, uint64_t seq)
{
    uint64_t bit = seq - search->from_seq;

    if (seq >= search->from_seq && seq < search->to_seq)
        bits[bit / 8] |= (uint8_t)(1u << bit % 8);
}

/* Mark every copy of a chunk that lies in the window. */
static int mark(struct search *search, const uint8_t hash[FLUME_HASH_BYTES])
{
    struct chunk_row row;
    flume_bytes key, value;
    int status = lookup_seek(search->rows, 0, hash, FLUME_HASH_BYTES);

    while (status == FLUME_OK) {
        status = flume_rows_next(search->rows, &key, &value);
        if (status != FLUME_OK || !lookup_begins(key, hash, FLUME_HASH_BYTES) ||
            !chunk_row_decode(key, value, &row))
            break;
        set_bit(search, search->marks, row.seq);
    }
    return status == FLUME_END ? FLUME_OK : status;
}

/* The bodies of clasts on the way to a chunk lie among the chunks. */
static int mark_path(struct search *search, const flume_blob_reader *reader)
{
    int status = FLUME_OK;

    for (unsigned level = 0; level < CLASTS_LEVELS_MAX && status == FLUME_OK; level++) {
        const uint8_t *hash = clasts_reader_path(reader->clasts, level);

        if (hash == NULL)
            break;
        if (memcmp(hash, search->last_clasts[level], FLUME_HASH_BYTES) == 0)
            continue;
        status = mark(search, hash);
        memcpy(search->last_clasts[level], hash, FLUME_HASH_BYTES);
    }
    return status;
}

static int follow(struct search *search, flume_blob_reader *reader)
{
    struct clasts_chunk chunk;
    int status = FLUME_OK;

    memset(search->last_clasts, 0, sizeof search->last_clasts);
    for (uint64_t offset = 0; offset < reader->info.bytes && status == FLUME_OK;
         offset += chunk.bytes) {
        status = blob_reader_chunk(reader, offset, &chunk);
        if (status == FLUME_OK)
            status = mark(search, chunk.hash);
        if (status == FLUME_OK)
            status = mark_path(search, reader);
    }
    return status;
}

static int follow_blob(void *ctx, const flume_blob_info *info)
{
    struct search *search = ctx;
    flume_blob_reader *reader = NULL;
    bool counts = search->from_seq == 0;
    int status;

    if (info->form != FLUME_BLOB_CHUNKED)
        return FLUME_OK;
    status = flume_blob_reader_open_seq(search->handle, search->ask, info->seq, &reader);
    if (status == FLUME_OK)
        status = follow(search, reader);
    flume_blob_reader_close(reader);
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST || status == FLUME_ERR_GONE) {
        search->totals.blobs_bad += counts;
        return FLUME_OK;
    }
    if (status == FLUME_OK)
        search->totals.blobs += counts;
    return status;
}

/* ---- what is not marked ---- */

static bool has_bit(const uint8_t *bits, uint64_t bit)
{
    return (bits[bit / 8] >> bit % 8 & 1) != 0;
}

/* Those of the window that are there; and, once, how many there are in all. */
static int note_chunks(struct search *search)
{
    uint8_t last[FLUME_HASH_BYTES] = {0};
    flume_blob_totals *totals = &search->totals;
    bool counts = search->from_seq == 0;
    struct chunk_row row;
    flume_bytes key, value;
    int status = lookup_seek(search->rows, 0, NULL, 0);

    while (status == FLUME_OK) {
        status = flume_rows_next(search->rows, &key, &value);
        if (status != FLUME_OK)
            break;
        if (!chunk_row_decode(key, value, &row))
            return FLUME_ERR_VIEW;
        set_bit(search, search->there, row.seq);
        if (!counts)
            continue;
        /* Rows of one hash stand together: each beyond the first is one too many. */
        totals->duplicates += totals->chunks > 0 && memcmp(last, row.hash, sizeof last) == 0;
        totals->chunks++;
        totals->stored_bytes += row.body_bytes;
        memcpy(last, row.hash, sizeof last);
    }
    return status == FLUME_END ? FLUME_OK : status;
}

static int give(struct search *search, uint64_t seq)
{
    flume_blob_orphan orphan = {.seq = seq};
    struct chunk_description chunk;
    flume_record record;
    int status = flume_log_get(search->grains->log, seq, &record);

    search->totals.orphans++;
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST || status == FLUME_ERR_GONE)
        return FLUME_OK; /* Nobody misses it. */
    if (status != FLUME_OK)
        return grains_fail_log(search->handle, search->grains, status);
    orphan.stored_bytes = record.body_bytes;
    orphan.time_ns = record.time_ns;
    if (chunk_describe(record.body, record.body_bytes, &chunk) == FLUME_OK) {
        memcpy(orphan.hash, chunk.hash, sizeof orphan.hash);
        orphan.bytes = chunk.content_bytes;
    }
    flume_record_release(&record);
    search->totals.orphan_stored_bytes += orphan.stored_bytes;
    return search->callback != NULL ? search->callback(search->ctx, &orphan) : FLUME_OK;
}

static int give_window(struct search *search)
{
    int status = FLUME_OK;

    for (uint64_t seq = search->from_seq; seq < search->to_seq && status == FLUME_OK; seq++) {
        uint64_t bit = seq - search->from_seq;

        if (has_bit(search->there, bit) && !has_bit(search->marks, bit))
            status = give(search, seq);
    }
    return status;
}

/* ---- all of it ---- */

static int search_window(struct search *search)
{
    int status = flume_view_read(search->grains->view, NULL, &search->rows);

    if (status != FLUME_OK)
        return grains_fail_view(search->handle, search->grains, status);
    memset(search->marks, 0, WINDOW_BYTES);
    memset(search->there, 0, WINDOW_BYTES);
    status = note_chunks(search);
    if (status != FLUME_OK)
        (void)grains_fail_view(search->handle, search->grains, status);
    else
        status = flume_blob_list(search->handle, search->ask, NULL, follow_blob, search);
    flume_rows_end(search->rows);
    return status == FLUME_OK ? give_window(search) : status;
}

static int make_bits(struct search *search)
{
    search->marks = malloc(WINDOW_BYTES);
    search->there = malloc(WINDOW_BYTES);
    if (search->marks != NULL && search->there != NULL)
        return FLUME_OK;
    return flume_fail(search->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                      "no memory to look for chunks");
}

static int search_all(struct search *search)
{
    int status =
        grains_acquire(search->handle, GRAINS_READ, "chunks without a blob", &search->grains);
    uint64_t end;

    if (status == FLUME_OK)
        status = make_bits(search);
    if (status != FLUME_OK)
        return status;
    end = flume_log_head(search->grains->log); /* What comes later may be of a blob that does. */
    while (status == FLUME_OK && search->from_seq < end) {
        search->to_seq = end - search->from_seq < WINDOW_SEQS ? end
                                                              : search->from_seq + WINDOW_SEQS;
        status = search_window(search);
        search->from_seq = search->to_seq;
    }
    return status;
}

int flume_blob_unreferenced(flume *handle, const flume_ask *ask,
                            int (*callback)(void *ctx, const flume_blob_orphan *orphan), void *ctx,
                            flume_blob_totals *out_totals)
{
    struct search search = {.handle = handle, .ask = ask, .callback = callback, .ctx = ctx};
    flume_grains_place place;
    bool has_chunks = true;
    int status;

    if (handle == NULL)
        return FLUME_ERR_INVALID;
    status = flume_blob_place(handle, &place);
    if (status == FLUME_OK && place.state == FLUME_GRAINS_NONE)
        status = grains_are_referred_to(handle, &has_chunks);
    if (status == FLUME_OK && has_chunks)
        status = search_all(&search);
    free(search.marks);
    free(search.there);
    if (status == FLUME_OK && out_totals != NULL)
        *out_totals = search.totals;
    return status;
}
