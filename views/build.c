/*
 * build.c - filling an empty environment from the log: collect, sort, append.
 *
 * Rows of collected tables go to sorters; each time these are full they are written as sorted runs,
 * and meta is committed with the number of runs, so that who is interrupted goes on from there. At
 * the end the rows of each table come out sorted and are appended, page after full page.
 *
 * What always holds:
 *   - meta.runs and meta.synced_seq are committed together: runs 0 .. runs-1 hold exactly the rows
 *     of the records below synced_seq. Runs beyond are of a later, uncommitted part and are removed.
 */
#include <errno.h>

#include "batch.h"
#include "environment.h"
#include "inside.h"
#include "sorter.h"

enum {
    FILL_RECORDS_MAX = 1 << 16,
    FILL_NS_MAX = 20000000,
    APPEND_CHECK_ROWS = 1 << 15,
    APPEND_BYTES_MAX = 64 << 20 /* In one transaction: what it changed is kept in memory. */
};

static void show(const struct building *building, uint64_t collected, uint64_t appended,
                 uint64_t rows)
{
    flume_board *board = building->view->board;
    uint64_t done = collected / 2;

    if (board == NULL || building->total == 0)
        return;
    if (rows != 0)
        done += (uint64_t)((double)building->total * ((double)appended / (double)rows) / 2);
    flume_board_write(board, BOARD_DONE, done < building->total ? done : building->total - 1);
}

/* Everything collected so far on disk, and meta with it. */
static int checkpoint(const struct building *building, flume_batch *batch)
{
    int code, status;

    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++) {
        if (batch->sorters[i] == NULL)
            continue;
        status = sorter_count(batch->sorters[i]) == 0 ? FLUME_OK : sorter_spill(batch->sorters[i]);
        if (status != FLUME_OK)
            return flume_fail(building->view->flume, status, FLUME_SEQ_NONE,
                              "view '%s' cannot write sorted rows to %s: %s",
                              building->view->definition->name, building->directory,
                              flume_strerror(status));
        batch->meta.runs[i] = sorter_runs(batch->sorters[i]);
    }
    code = environment_commit(batch->env, batch->txn, &batch->meta);
    batch->txn = NULL;
    if (code == 0)
        code = batch_begin(batch, building->env);
    return code == 0 ? FLUME_OK : view_fail_mdb(building->view, code, "write a rebuild");
}

static int collect(const struct building *building, flume_batch *batch, size_t spill_bytes)
{
    struct batch_limits limits = {
        .until_seq = building->target_seq,
        .records_max = FILL_RECORDS_MAX,
        .ns_max = FILL_NS_MAX,
        .urgent_ns_max = FILL_NS_MAX,
        .bytes_max = spill_bytes,
    };

    while (batch->meta.synced_seq < building->target_seq) {
        uint64_t count, before = batch->meta.synced_seq;
        int status = building->stop == NULL ? FLUME_OK : building->stop(building->stop_ctx);

        if (status != FLUME_OK) {
            (void)checkpoint(building, batch); /* What cannot be kept is made again. */
            return status;
        }
        status = batch_fill(batch, &limits, &count);
        if (status != FLUME_OK)
            return status;
        show(building, batch->meta.synced_seq, 0, 0);
        if (batch->meta.synced_seq == before)
            break; /* The log ends here. */
        if (batch_collected_bytes(batch) >= spill_bytes) {
            status = checkpoint(building, batch);
            if (status != FLUME_OK)
                return status;
        }
    }
    return FLUME_OK;
}

/* Where the rows of one environment go, in as many transactions as they need. */
struct appending {
    const struct building *building;
    flume_batch *batch;
    uint64_t rows, done;
    size_t bytes; /* In this transaction. */
};

static int next_transaction(struct appending *appending)
{
    flume_batch *batch = appending->batch;
    int code = environment_commit(batch->env, batch->txn, &batch->meta);

    batch->txn = NULL;
    appending->bytes = 0;
    return code != 0 ? code : batch_begin(batch, appending->building->env);
}

static int append_table(struct appending *appending, size_t table)
{
    flume_batch *batch = appending->batch;
    struct sorter *sorter = batch->sorters[table];
    flume_view *view = appending->building->view;
    MDB_cursor *cursor = NULL;
    int status = sorter_sort(sorter);
    int code = 0;

    while (status == FLUME_OK) {
        flume_bytes key, value;
        bool is_deleted;

        status = sorter_next(sorter, &key, &value, &is_deleted);
        if (status != FLUME_OK)
            break;
        appending->done++;
        if (is_deleted)
            continue; /* The table was empty. */
        if (cursor == NULL)
            code = mdb_cursor_open(batch->txn, batch->env->tables[table], &cursor);
        if (code == 0)
            code = mdb_cursor_put(cursor, &(MDB_val){key.bytes, (void *)(uintptr_t)key.data},
                                  &(MDB_val){value.bytes, (void *)(uintptr_t)value.data},
                                  MDB_APPEND);
        if (code != 0)
            break;
        appending->bytes += key.bytes + value.bytes;
        if (appending->bytes >= APPEND_BYTES_MAX) {
            mdb_cursor_close(cursor);
            cursor = NULL;
            code = next_transaction(appending);
            if (code != 0)
                break;
        }
        if (appending->done % APPEND_CHECK_ROWS == 0) {
            show(appending->building, appending->building->target_seq, appending->done,
                 appending->rows);
            if (appending->building->stop != NULL)
                status = appending->building->stop(appending->building->stop_ctx);
        }
    }
    if (cursor != NULL && batch->txn != NULL)
        mdb_cursor_close(cursor);
    sorter_clear(sorter);
    if (code != 0)
        return view_fail_mdb(view, code, "write a rebuild");
    if (status == FLUME_END)
        return FLUME_OK;
    if (status != FLUME_ERR_CANCELLED && status != FLUME_ERR_TIMEOUT)
        (void)flume_fail(view->flume, status, FLUME_SEQ_NONE,
                         "view '%s' cannot read its sorted rows back from %s: %s",
                         view->definition->name, appending->building->directory,
                         flume_strerror(status));
    return status;
}

/* The tables are filled only now: what an interrupted attempt left in them goes. */
static int empty_tables(flume_batch *batch)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < FLUME_VIEW_TABLES_MAX; i++)
        if (batch->sorters[i] != NULL)
            code = mdb_drop(batch->txn, batch->env->tables[i], 0);
    return code;
}

static int append_all(const struct building *building, flume_batch *batch)
{
    struct appending appending = {.building = building, .batch = batch};
    int code, status = FLUME_OK;
    bool on_disk = false;

    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++) {
        if (batch->sorters[i] == NULL)
            continue;
        appending.rows += sorter_count(batch->sorters[i]);
        on_disk = on_disk || sorter_runs(batch->sorters[i]) > 0;
    }
    /* A large build can be taken up again here too. */
    if (on_disk)
        status = checkpoint(building, batch);
    if (status != FLUME_OK)
        return status;
    code = empty_tables(batch);
    if (code != 0)
        return view_fail_mdb(building->view, code, "write a rebuild");
    for (size_t i = 0; status == FLUME_OK && i < FLUME_VIEW_TABLES_MAX; i++)
        if (batch->sorters[i] != NULL)
            status = append_table(&appending, i);
    if (status != FLUME_OK)
        return status;
    batch->meta.complete = true;
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        batch->meta.runs[i] = 0;
    code = environment_commit(batch->env, batch->txn, &batch->meta);
    batch->txn = NULL;
    return code == 0 ? FLUME_OK : view_fail_mdb(building->view, code, "finish a rebuild");
}

static int take_over_runs(const struct building *building, flume_batch *batch)
{
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++) {
        int status = batch->sorters[i] == NULL
                         ? FLUME_OK
                         : sorter_adopt(batch->sorters[i], batch->meta.runs[i]);

        if (status != FLUME_OK)
            return flume_fail(building->view->flume, status, FLUME_SEQ_NONE,
                              "view '%s': the sorted rows that an interrupted rebuild left in %s "
                              "cannot be used",
                              building->view->definition->name, building->directory);
    }
    return FLUME_OK;
}

int build_environment(struct building *building)
{
    flume_view *view = building->view;
    size_t budget_bytes = (size_t)view->flume->options.rebuild_bytes;
    flume_batch *batch;
    int status = batch_create(view, building->directory, budget_bytes, &batch);
    int code;

    building->failed_seq = FLUME_SEQ_NONE;
    if (status != FLUME_OK)
        return status;
    code = batch_begin(batch, building->env);
    if (code != 0)
        status = view_fail_mdb(view, code, "begin a rebuild");
    if (status == FLUME_OK && batch->meta.complete)
        goto done;
    if (status == FLUME_OK)
        status = take_over_runs(building, batch);
    if (status == FLUME_OK && batch->meta.synced_seq == 0 && view->definition->reset != NULL)
        view->definition->reset(batch->state);
    batch->meta.version = view->definition->version;
    batch->meta.target_seq = building->target_seq;
    if (status == FLUME_OK)
        status = collect(building, batch, budget_bytes / 4 * 3);
    if (status == FLUME_OK)
        status = append_all(building, batch);
    building->failed_seq = batch->failed_seq;
done:
    /* Stopped on request, it is gone on with; after an error it may as well begin anew. */
    batch_destroy(batch, status == FLUME_ERR_CANCELLED || status == FLUME_ERR_TIMEOUT
                             ? BATCH_KEEP_RUNS
                             : BATCH_DROP_RUNS);
    return status;
}
