/*
 * store_bench.c - basins that are filled and sealed. See store_bench.h.
 */
#include "store_bench.h"

#include <errno.h>
#include <stdlib.h>

enum { FILL_BATCH = 128 };

int store_fail(const struct store *store, const char *what, int status)
{
    flume_error error = {0};

    flume_log_error(store->log, &error);
    errno = 0;
    return bench_fail("flume: %s: %s: %s", what, flume_strerror(status), error.message);
}

int store_create(struct bench *bench, const struct records *records, struct store *out_store)
{
    *out_store = (struct store){.bench = bench, .records = records};
    out_store->dir_path = bench_directory(bench);
    if (out_store->dir_path == NULL)
        return -1;
    out_store->path = engine_path(out_store->dir_path, "log.flume");
    return out_store->path != NULL ? 0 : -1;
}

void store_destroy(struct store *store)
{
    (void)flume_log_close(store->log); /* What failed has been told. */
    bench_directory_remove(store->dir_path);
    free(store->path);
    free(store->seqs);
    free(store->sums);
    *store = (struct store){.bench = NULL};
}

int store_open(struct store *store, const flume_seal_options *seal)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE, .seal = seal};
    flume_error error = {0};
    int status = flume_log_open(&store->log, store->path, &options, &error);

    errno = 0;
    return status == FLUME_OK
               ? 0
               : bench_fail("flume: open: %s: %s", flume_strerror(status), error.message);
}

int store_close(struct store *store)
{
    int status = flume_log_close(store->log);

    store->log = NULL;
    return status == FLUME_OK ? 0 : bench_fail("flume: close: %s", flume_strerror(status));
}

static int make_room(struct store *store, uint64_t count)
{
    uint64_t *seqs = realloc(store->seqs, (store->count + count) * sizeof(*seqs));
    uint64_t *sums;

    if (seqs != NULL)
        store->seqs = seqs;
    sums = realloc(store->sums, (store->count + count) * sizeof(*sums));
    if (sums != NULL)
        store->sums = sums;
    return seqs != NULL && sums != NULL ? 0 : bench_fail("no memory for seqs");
}

/* Append the next records as one batch. */
static int append_batch(struct store *store, uint8_t *bodies, size_t count)
{
    const struct records *records = store->records;
    const char *labels[FILL_BATCH];
    flume_entry entries[FILL_BATCH];
    uint64_t first_seq;
    size_t at = 0;
    int status;

    for (size_t i = 0; i < count; i++) {
        size_t bytes = record_make(records, store->count + i, bodies + at);

        labels[i] = record_label(records, store->count + i);
        entries[i] = (flume_entry){.body = bodies + at,
                                   .body_bytes = bytes,
                                   .labels = &labels[i],
                                   .label_count = labels[i] != NULL};
        store->sums[store->count + i] = body_sum(bodies + at, bytes);
        at += bytes;
    }
    status = flume_log_append_many(store->log, entries, count, NULL, &first_seq);
    if (status != FLUME_OK)
        return store_fail(store, "append_many", status);
    for (size_t i = 0; i < count; i++)
        store->seqs[store->count + i] = first_seq + i;
    store->count += count;
    return 0;
}

int store_fill(struct store *store, uint64_t count)
{
    uint8_t *bodies = malloc((size_t)FILL_BATCH * RECORD_BYTES_MAX);
    int status = bodies != NULL ? make_room(store, count) : bench_fail("no memory for a batch");

    for (uint64_t left = count; status == 0 && left > 0;) {
        size_t now = left < FILL_BATCH ? (size_t)left : FILL_BATCH;

        status = append_batch(store, bodies, now);
        left -= now;
    }
    free(bodies);
    if (status == 0 && (status = flume_log_sync(store->log, FLUME_SEQ_NONE)) != FLUME_OK)
        status = store_fail(store, "sync", status);
    return status;
}

int store_fill_sealed(struct store *store, const flume_seal_options *seal, uint64_t count,
                      uint64_t *out_ns, uint64_t *out_cpu_ns)
{
    flume_seal_options options = seal != NULL ? *seal : (flume_seal_options){0};
    flume_seal_call call = {.active = true};
    uint64_t begun_ns, begun_cpu_ns;
    int status;

    options.mode = FLUME_SEAL_ON_REQUEST;
    if (store_open(store, &options) != 0 || store_fill(store, count) != 0)
        return -1;
    wait_until_quiet(2000000000);
    begun_cpu_ns = thread_cpu_ns();
    begun_ns = clock_ns();
    status = flume_log_seal(store->log, &call, NULL);
    if (out_ns != NULL)
        *out_ns = clock_ns() - begun_ns;
    if (out_cpu_ns != NULL)
        *out_cpu_ns = thread_cpu_ns() - begun_cpu_ns;
    return status == FLUME_OK ? 0 : store_fail(store, "seal", status);
}
