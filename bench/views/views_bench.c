/*
 * views_bench.c - basins with views. See views_bench.h.
 */
#include "views_bench.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

enum { FILL_BATCH = 256, STARTS_BYTES = 8 };

static_assert((int)FILL_BATCH % (int)LABEL_COUNT == 0, "labels go on in turn");

/* --- the program's own views ------------------------------------------------------------------ */

static int kinds_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint64_t one = 1;

    (void)state;
    return flume_batch_put(batch, 0, &record->kind, sizeof(record->kind), &one, sizeof(one));
}

static int starts_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint64_t key[2] = {0, htobe64(record->seq)};
    uint64_t body_bytes = record->body_bytes;

    (void)state;
    memcpy(key, record->body,
           record->body_bytes < STARTS_BYTES ? record->body_bytes : STARTS_BYTES);
    return flume_batch_put(batch, 0, key, sizeof(key), &body_bytes, sizeof(body_bytes));
}

static const flume_view_table kinds_table = {"kind", FLUME_TABLE_COLLECT, flume_merge_sum, NULL};
static const flume_view_table starts_table = {"start", FLUME_TABLE_COLLECT, NULL, NULL};
static const flume_view_definition kinds_view = {
    .name = "kinds", .version = 1, .tables = &kinds_table, .table_count = 1, .apply = kinds_apply};
static const flume_view_definition starts_view = {.name = "starts",
                                                  .version = 1,
                                                  .tables = &starts_table,
                                                  .table_count = 1,
                                                  .apply = starts_apply};

const flume_view_definition *const user_views[USER_VIEW_COUNT] = {&kinds_view, &starts_view};
const char *const four_views[FOUR_VIEWS] = {"hash", "label", "kinds", "starts"};

/* --- records ---------------------------------------------------------------------------------- */

void body_make(const struct bodies *bodies, uint64_t number, uint8_t *target)
{
    memcpy(target, bodies_at(bodies, number), bodies->body_bytes);
    memcpy(target + bodies->body_bytes / 2, &number, sizeof(number));
}

const char *label_at(uint64_t number)
{
    static const char labels[LABEL_COUNT][LABEL_TEXT_BYTES] = {
        "run/0",    "run/1",    "run/2",     "run/3",    "sensor/a", "sensor/b",
        "sensor/c", "sensor/d", "request",   "response", "error",    "user/someone",
        "user/x",   "user/y",   "heartbeat", "trace"};

    return labels[number % LABEL_COUNT];
}

static int log_fail(flume_log *log, const char *what, int status)
{
    flume_error error = {0};

    flume_log_error(log, &error);
    errno = 0;
    return bench_fail("flume: %s: %s: %s", what, flume_strerror(status), error.message);
}

int log_fill(flume_log *log, const struct bodies *bodies, uint64_t first, uint64_t count)
{
    uint8_t *batch = malloc(FILL_BATCH * bodies->body_bytes);
    const char *labels[FILL_BATCH];
    flume_entry entries[FILL_BATCH];
    int status = FLUME_OK;

    if (batch == NULL)
        return bench_fail("no memory for a batch");
    for (uint64_t done = 0; status == FLUME_OK && done < count;) {
        size_t now = count - done < FILL_BATCH ? (size_t)(count - done) : FILL_BATCH;

        for (size_t i = 0; i < now; i++, done++) {
            uint8_t *body = batch + i * bodies->body_bytes;

            body_make(bodies, first + done, body);
            labels[i] = label_at(first + done);
            entries[i] = (flume_entry){.body = body,
                                       .body_bytes = bodies->body_bytes,
                                       .labels = &labels[i],
                                       .label_count = 1};
        }
        status = flume_log_append_many(log, entries, now, NULL, NULL);
    }
    free(batch);
    return status == FLUME_OK ? 0 : log_fail(log, "append_many", status);
}

int log_append(flume_log *log, const struct bodies *bodies, uint64_t number)
{
    uint8_t body[VIEWS_BODY_BYTES];
    const char *label = label_at(number);
    flume_entry entry = {
        .body = body, .body_bytes = sizeof(body), .labels = &label, .label_count = 1};
    int status;

    body_make(bodies, number, body);
    status = flume_log_append_entry(log, &entry, NULL);
    return status == FLUME_OK ? 0 : log_fail(log, "append_entry", status);
}

/* --- basins ----------------------------------------------------------------------------------- */

int basin_create(struct bench *bench, struct basin *out_basin)
{
    out_basin->path = NULL;
    out_basin->dir_path = bench_directory(bench);
    if (out_basin->dir_path == NULL)
        return -1;
    out_basin->path = engine_path(out_basin->dir_path, "log.flume");
    return out_basin->path == NULL ? -1 : 0;
}

void basin_destroy(struct basin *basin)
{
    bench_directory_remove(basin->dir_path);
    free(basin->path);
    *basin = (struct basin){0};
}

/* A log that is sealed meanwhile would be another one in each round. */
static const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST};

int basin_open(const struct basin *basin, unsigned views, uint64_t rebuild_bytes,
               flume **out_handle)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_CREATE, .seal = &on_request},
                             .views = views,
                             .definitions = user_views,
                             .definition_count = USER_VIEW_COUNT,
                             .rebuild_bytes = rebuild_bytes};
    flume_error error = {0};
    int status = flume_open(out_handle, basin->path, &options, &error);

    errno = 0;
    return status == FLUME_OK
               ? 0
               : bench_fail("flume: open: %s: %s", flume_strerror(status), error.message);
}

int basin_open_log(const struct basin *basin, flume_log **out_log)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE, .seal = &on_request};
    flume_error error = {0};
    int status = flume_log_open(out_log, basin->path, &options, &error);

    errno = 0;
    return status == FLUME_OK
               ? 0
               : bench_fail("flume: open: %s: %s", flume_strerror(status), error.message);
}

int handle_fail(flume *handle, const char *what, int status)
{
    flume_error error = {0};

    flume_last_error(handle, &error);
    errno = 0;
    return bench_fail("flume: %s: %s: %s", what, flume_strerror(status), error.message);
}

int view_named(flume *handle, const char *name, flume_view **out_view)
{
    int status = flume_view_find(handle, name, out_view);

    return status == FLUME_OK ? 0 : handle_fail(handle, name, status);
}

int view_wait(flume *handle, flume_view *view)
{
    int status = flume_view_wait(view, NULL);

    return status == FLUME_OK ? 0 : handle_fail(handle, "view_wait", status);
}

int view_count(flume *handle, flume_view *view, size_t table, uint64_t *out_count)
{
    flume_rows *rows = NULL;
    int status = flume_view_read(view, NULL, &rows);

    if (status != FLUME_OK)
        return handle_fail(handle, "view_read", status);
    status = flume_rows_count(rows, table, out_count);
    flume_rows_end(rows);
    return status == FLUME_OK ? 0 : handle_fail(handle, "rows_count", status);
}
