/*
 * build.c - filling an empty environment from the log: collect, sort, append.
 *
 * Rows of collected tables go to sorters; each time these are full they are written as sorted runs,
 * and meta is committed with the number of runs, so that who is interrupted goes on from there. At
 * the end the rows of each table come out sorted and are appended, page after full page.
 *
 * A view that allows it is collected in several parts at once: part i has the records before those of
 * part i + 1, a thread, and sorters of its own, and where parts have a key in common the later part
 * is the newer one.
 *
 * What always holds:
 *   - A part's runs and synced_seq are committed together: runs 0 .. runs-1 hold exactly the rows of
 *     its records below synced_seq. Runs beyond are of an uncommitted stretch and are removed.
 *   - Tables that are not collected are filled by the only part, in the transactions that say how
 *     far it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "environment.h"
#include "inside.h"
#include "sorter.h"

enum {
    FILL_RECORDS_MAX = 1 << 16,
    FILL_NS_MAX = 20000000,
    PART_RECORDS_MIN = 1 << 16,
    APPEND_CHECK_ROWS = 1 << 15,
    APPEND_BYTES_MAX = 4 << 20 /* In one transaction: its pages stay in a cache of the processor. */
};

struct build;

struct part {
    struct build *build;
    size_t index;
    flume_batch *batch;
    int status;
    pthread_t thread;
    bool has_thread;
};

struct build {
    struct building *building;
    struct part parts[META_PARTS_MAX];
    pthread_mutex_t mutex; /* Guards meta, and transactions that store nothing else. */
    struct view_meta meta;
    bool direct;              /* Some table is not collected. */
    size_t spill_bytes;       /* Of a part's rows. */
    _Atomic int stopped;      /* The status with which every part is to end. */
    _Atomic bool is_map_full; /* It ended for want of address space. */
    _Atomic uint64_t collected;
};

/* ---- progress ---- */

static void show(const struct build *build, uint64_t appended, uint64_t rows)
{
    const struct building *building = build->building;
    flume_board *board = building->view->board;
    uint64_t done = atomic_load(&build->collected) / 2;

    if (board == NULL || building->total == 0)
        return;
    if (rows != 0)
        done += (uint64_t)((double)building->total * ((double)appended / (double)rows) / 2);
    flume_board_write(board, BOARD_DONE, done < building->total ? done : building->total - 1);
}

static int ask_to_stop(const struct build *build)
{
    const struct building *building = build->building;

    return building->stop == NULL ? FLUME_OK : building->stop(building->stop_ctx);
}

static int fail_code(struct build *build, int code)
{
    if (code == MDB_MAP_FULL)
        atomic_store(&build->is_map_full, true);
    return view_fail_mdb(build->building->view, code, "write a rebuild");
}

/* ---- a part's state on disk ---- */

/* Store meta, in the part's own transaction if it has one. */
static int store_meta_locked(struct build *build, flume_batch *batch)
{
    struct environment *env = build->building->env;
    MDB_txn *txn = batch == NULL ? NULL : batch->txn;
    bool was_open = txn != NULL;
    struct view_meta stored;
    int code = was_open ? 0 : environment_begin(env, &txn, &stored);

    if (code != 0)
        return code;
    code = environment_commit(env, txn, &build->meta);
    if (!was_open)
        return code;
    batch->txn = NULL;
    batch->direct_bytes = 0;
    return code != 0 ? code : environment_begin(env, &batch->txn, &stored);
}

/* A sorter could not do what it was to: by its merge's word, or the system's. */
static int fail_sorter(const struct build *build, const struct part *part, size_t table, int status)
{
    struct building *building = build->building;

    if (status == FLUME_ERR_NO_MEMORY)
        return status;
    if (batch_is_merge_refusal(part->batch->sorters[table], status)) {
        atomic_store(&building->merge_refused, true);
        return batch_fail_merge(building->view, table, status);
    }
    return flume_fail(building->view->flume, status, FLUME_SEQ_NONE,
                      "view '%s' cannot sort its rows in %s: %s", building->view->definition->name,
                      building->directory, flume_strerror(status));
}

static int spill_part(const struct part *part, struct view_part *io_part)
{
    flume_batch *batch = part->batch;

    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++) {
        int status;

        if (batch->sorters[i] == NULL)
            continue;
        status = sorter_count(batch->sorters[i]) == 0 ? FLUME_OK : sorter_spill(batch->sorters[i]);
        if (status != FLUME_OK)
            return fail_sorter(part->build, part, i, status);
        io_part->runs[i] = sorter_runs(batch->sorters[i]);
    }
    return FLUME_OK;
}

/* Everything the part has collected on disk, and meta with it. */
static int checkpoint(const struct part *part)
{
    struct build *build = part->build;
    flume_batch *batch = part->batch;
    struct view_part *kept = &build->meta.parts[part->index];
    struct view_part now = *kept;
    int status = spill_part(part, &now);
    int code;

    if (status != FLUME_OK)
        return status;
    now.synced_seq = batch->meta.synced_seq;
    now.check = batch->meta.check;
    now.passed_over = batch->meta.passed_over;
    /* A part that is alone may have a transaction open, which the mutex goes before. */
    if (build->meta.part_count > 1)
        (void)pthread_mutex_lock(&build->mutex);
    *kept = now;
    code = store_meta_locked(build, batch);
    if (build->meta.part_count > 1)
        (void)pthread_mutex_unlock(&build->mutex);
    return code == 0 ? FLUME_OK : fail_code(build, code);
}

/* ---- collecting ---- */

/* Whether a part is to go on. */
static int ask_part_to_stop(void *ctx)
{
    const struct part *part = ctx;
    const struct build *build = part->build;
    /* The caller's patience is the caller's thread's to ask. */
    int status = part->index == 0 ? ask_to_stop(build) : FLUME_OK;

    return status == FLUME_OK ? atomic_load(&build->stopped) : status;
}

/* Whether what was collected is to be kept. A sealed strata may have had more rows than there is room
 * for; then some are on disk already. */
static bool is_checkpoint_due(const struct part *part)
{
    const struct view_part *kept = &part->build->meta.parts[part->index];

    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        if (part->batch->sorters[i] != NULL && sorter_runs(part->batch->sorters[i]) > kept->runs[i])
            return true;
    return batch_bytes(part->batch) >= part->build->spill_bytes;
}

static int collect_step(struct part *part, const struct batch_limits *limits)
{
    struct build *build = part->build;
    flume_batch *batch = part->batch;
    uint64_t count, before = batch->meta.synced_seq;
    int status = ask_part_to_stop(part);

    if (status != FLUME_OK) {
        (void)checkpoint(part); /* What cannot be kept is made again. */
        return status;
    }
    /* Stopped in the midst of a sealed strata, it begins with it again: there is no checkpoint. */
    status = batch_fill(batch, limits, &count);
    if (status != FLUME_OK)
        return batch->mdb_code == 0 ? status : fail_code(build, batch->mdb_code);
    (void)atomic_fetch_add(&build->collected, batch->meta.synced_seq - before);
    show(build, 0, 0);
    if (batch->meta.synced_seq == before)
        return FLUME_END; /* The log ends here. */
    return is_checkpoint_due(part) ? checkpoint(part) : FLUME_OK;
}

static bool has_runs(const flume_batch *batch)
{
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        if (batch->sorters[i] != NULL && sorter_runs(batch->sorters[i]) > 0)
            return true;
    return false;
}

static int collect(struct part *part)
{
    const struct build *build = part->build;
    struct batch_limits limits = {
        .until_seq = build->meta.parts[part->index].to_seq,
        .records_max = FILL_RECORDS_MAX,
        .ns_max = FILL_NS_MAX,
        .splits_batches = true,
        .takes_sealed = true,
        .bytes_max = build->spill_bytes,
    };
    int status = FLUME_OK;

    while (status == FLUME_OK && part->batch->meta.synced_seq < limits.until_seq)
        status = collect_step(part, &limits);
    if (status == FLUME_END)
        status = FLUME_OK;
    /* A large part can be taken up again while it is appended, too. */
    if (status == FLUME_OK && has_runs(part->batch))
        status = checkpoint(part);
    for (size_t i = 0; status == FLUME_OK && i < FLUME_VIEW_TABLES_MAX; i++)
        if (part->batch->sorters[i] != NULL) {
            status = sorter_sort(part->batch->sorters[i]);
            if (status != FLUME_OK)
                status = fail_sorter(build, part, i, status);
        }
    return status;
}

static void *run_part(void *ctx)
{
    struct part *part = ctx;
    int none = FLUME_OK;

    part->status = collect(part);
    if (part->status != FLUME_OK) /* The others need not go on. */
        (void)atomic_compare_exchange_strong(&part->build->stopped, &none, FLUME_ERR_CANCELLED);
    return NULL;
}

/* The status that says why it ended: not that of a part which only followed. */
static int join_parts(struct build *build)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < build->meta.part_count; i++) {
        struct part *part = &build->parts[i];

        if (part->has_thread)
            (void)pthread_join(part->thread, NULL);
        if (part->batch->failed_seq < build->building->failed_seq)
            build->building->failed_seq = part->batch->failed_seq;
        if (status == FLUME_OK || status == FLUME_ERR_CANCELLED)
            status = part->status == FLUME_OK ? status : part->status;
    }
    return status;
}

static int collect_all(struct build *build)
{
    for (size_t i = 1; i < build->meta.part_count; i++) {
        struct part *part = &build->parts[i];

        part->has_thread = pthread_create(&part->thread, NULL, run_part, part) == 0;
        if (part->has_thread)
            (void)pthread_setname_np(part->thread, "fl:build"); /* Only for people. */
    }
    (void)run_part(&build->parts[0]);
    for (size_t i = 1; i < build->meta.part_count; i++)
        if (!build->parts[i].has_thread) /* No thread was to be had. */
            (void)run_part(&build->parts[i]);
    return join_parts(build);
}

/* ---- the rows of one table, over all parts ---- */

struct source {
    struct sorter *sorter;
    flume_bytes key, value;
    bool is_deleted;
    bool is_over;
};

struct rows_of_table {
    struct source sources[META_PARTS_MAX];
    size_t source_count;
    const flume_view_table *table;
    uint8_t room[2][FLUME_MERGE_BYTES_MAX];
};

static int order_keys(flume_bytes a, flume_bytes b)
{
    int difference = memcmp(a.data, b.data, a.bytes < b.bytes ? a.bytes : b.bytes);

    return difference != 0 ? difference : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static int advance_source(struct source *source)
{
    int status = sorter_next(source->sorter, &source->key, &source->value, &source->is_deleted);

    source->is_over = status != FLUME_OK;
    return status == FLUME_END ? FLUME_OK : status;
}

static int begin_rows(const struct build *build, size_t table, struct rows_of_table *rows)
{
    int status = FLUME_OK;

    rows->source_count = build->meta.part_count;
    rows->table = &build->building->view->definition->tables[table];
    for (size_t i = 0; status == FLUME_OK && i < rows->source_count; i++) {
        rows->sources[i].sorter = build->parts[i].batch->sorters[table];
        status = advance_source(&rows->sources[i]);
    }
    return status;
}

/* Fold a later part's row into what the earlier ones gave. */
static int fold_row(struct rows_of_table *rows, size_t *io_room, flume_bytes key,
                    const struct source *source, flume_bytes *io_value, bool *io_deleted)
{
    size_t bytes = 0;
    int status;

    if (rows->table->merge == NULL || source->is_deleted || *io_deleted) {
        *io_value = source->value;
        *io_deleted = source->is_deleted;
        return FLUME_OK;
    }
    status = rows->table->merge(rows->table->merge_ctx, key, *io_value, source->value,
                                rows->room[*io_room], &bytes);
    if (status != FLUME_OK || bytes > FLUME_MERGE_BYTES_MAX)
        return status != FLUME_OK ? status : FLUME_ERR_TOO_LARGE;
    *io_value = (flume_bytes){rows->room[*io_room], bytes};
    *io_room = 1 - *io_room;
    return FLUME_OK;
}

/* The least key, and the sources that stand at it, as bits; 0: all are over. */
static unsigned find_least(const struct rows_of_table *rows, flume_bytes *out_key)
{
    unsigned at_key = 0;

    for (size_t i = 0; i < rows->source_count; i++) {
        const struct source *source = &rows->sources[i];
        int difference;

        if (source->is_over)
            continue;
        difference = at_key == 0 ? -1 : order_keys(source->key, *out_key);
        if (difference < 0) {
            *out_key = source->key;
            at_key = 0;
        }
        if (difference <= 0)
            at_key |= 1u << i;
    }
    return at_key;
}

/* ---- appending ---- */

struct appending {
    struct build *build;
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint64_t rows, done;
    size_t bytes; /* In this transaction. */
};

static int begin_transaction(struct appending *appending)
{
    struct view_meta stored;

    appending->bytes = 0;
    return environment_begin(appending->build->building->env, &appending->txn, &stored);
}

static int end_transaction(struct appending *appending)
{
    int code;

    if (appending->cursor != NULL)
        mdb_cursor_close(appending->cursor);
    appending->cursor = NULL;
    code = environment_commit(appending->build->building->env, appending->txn,
                              &appending->build->meta);
    appending->txn = NULL;
    return code;
}

static int append_row(struct appending *appending, size_t table, flume_bytes key, flume_bytes value)
{
    struct environment *env = appending->build->building->env;
    int code = 0;

    if (appending->bytes >= APPEND_BYTES_MAX) {
        code = end_transaction(appending);
        if (code == 0)
            code = begin_transaction(appending);
    }
    if (code == 0 && appending->cursor == NULL)
        code = mdb_cursor_open(appending->txn, env->tables[table], &appending->cursor);
    if (code != 0)
        return code;
    appending->bytes += key.bytes + value.bytes;
    return mdb_cursor_put(appending->cursor, &(MDB_val){key.bytes, (void *)(uintptr_t)key.data},
                          &(MDB_val){value.bytes, (void *)(uintptr_t)value.data}, MDB_APPEND);
}

/* Take the rows at the least key, and append what they come to. FLUME_END: there are no more. */
static int append_least(struct appending *appending, size_t table, struct rows_of_table *rows)
{
    flume_bytes key, value;
    unsigned at_key = find_least(rows, &key);
    bool is_deleted = true; /* The table is empty. */
    size_t room = 0;
    int status = FLUME_OK, code = 0;

    if (at_key == 0)
        return FLUME_END;
    for (size_t i = 0; status == FLUME_OK && i < rows->source_count; i++)
        if ((at_key >> i & 1) != 0)
            status = fold_row(rows, &room, key, &rows->sources[i], &value, &is_deleted);
    if (status == FLUME_OK && !is_deleted)
        code = append_row(appending, table, key, value);
    if (code != 0)
        return fail_code(appending->build, code);
    for (size_t i = 0; status == FLUME_OK && i < rows->source_count; i++) {
        if ((at_key >> i & 1) == 0)
            continue;
        status = advance_source(&rows->sources[i]);
        appending->done++;
    }
    return status;
}

static int append_table(struct appending *appending, size_t table)
{
    struct build *build = appending->build;
    struct rows_of_table *rows = calloc(1, sizeof *rows);
    uint64_t shown = appending->done;
    int status = rows == NULL ? FLUME_ERR_NO_MEMORY : begin_rows(build, table, rows);

    while (status == FLUME_OK) {
        status = append_least(appending, table, rows);
        if (status != FLUME_OK || appending->done - shown < APPEND_CHECK_ROWS)
            continue;
        shown = appending->done;
        show(build, appending->done, appending->rows);
        status = ask_to_stop(build);
    }
    if (appending->cursor != NULL)
        mdb_cursor_close(appending->cursor);
    appending->cursor = NULL;
    free(rows);
    if (status == FLUME_OK || status == FLUME_END || status == FLUME_ERR_VIEW ||
        status == FLUME_ERR_NO_MEMORY || status == FLUME_ERR_CANCELLED ||
        status == FLUME_ERR_TIMEOUT)
        return status == FLUME_END ? FLUME_OK : status;
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_IO || status == FLUME_ERR_FULL ||
        status == FLUME_ERR_ACCESS)
        return flume_fail(build->building->view->flume, status, FLUME_SEQ_NONE,
                          "view '%s' cannot read its sorted rows back from %s: %s",
                          build->building->view->definition->name, build->building->directory,
                          flume_strerror(status));
    atomic_store(&build->building->merge_refused, true);
    return batch_fail_merge(build->building->view, table, status);
}

/* The tables are filled only now: what an interrupted attempt left in them goes. */
static int empty_tables(struct appending *appending)
{
    const struct build *build = appending->build;
    int code = 0;

    for (size_t i = 0; code == 0 && i < FLUME_VIEW_TABLES_MAX; i++)
        if (build->parts[0].batch->sorters[i] != NULL)
            code = mdb_drop(appending->txn, build->building->env->tables[i], 0);
    return code;
}

static void complete_meta(struct build *build)
{
    const flume_batch *last = build->parts[build->meta.part_count - 1].batch;
    struct view_meta complete = {
        .version = build->meta.version,
        .complete = true,
        .synced_seq = last->meta.synced_seq,
        .check = last->meta.check,
    };

    for (size_t p = 0; p < build->meta.part_count; p++)
        complete.passed_over += build->parts[p].batch->meta.passed_over;
    build->meta = complete;
}

static int append_all(struct build *build)
{
    struct appending appending = {.build = build};
    flume_batch *first = build->parts[0].batch;
    int code = 0, status = FLUME_OK;

    for (size_t p = 0; p < build->meta.part_count; p++)
        for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
            if (build->parts[p].batch->sorters[i] != NULL)
                appending.rows += sorter_count(build->parts[p].batch->sorters[i]);
    appending.txn = first->txn; /* With what was put into other tables. */
    first->txn = NULL;
    if (appending.txn == NULL)
        code = begin_transaction(&appending);
    if (code == 0)
        code = empty_tables(&appending);
    if (code != 0)
        status = fail_code(build, code);
    for (size_t i = 0; status == FLUME_OK && i < FLUME_VIEW_TABLES_MAX; i++)
        if (first->sorters[i] != NULL)
            status = append_table(&appending, i);
    if (status == FLUME_OK) {
        complete_meta(build);
        code = end_transaction(&appending);
        return code == 0 ? FLUME_OK : fail_code(build, code);
    }
    environment_abort(build->building->env, appending.txn);
    return status;
}

/* ---- beginning ---- */

static bool is_direct(const flume_view_definition *definition)
{
    for (size_t i = 0; i < definition->table_count; i++)
        if ((definition->tables[i].flags & FLUME_TABLE_COLLECT) == 0)
            return true;
    return false;
}

/* Divide the records among as many parts as there are processors. A sealed strata is not divided if
 * the view can take it whole. */
static void divide(struct build *build)
{
    const struct building *building = build->building;
    const flume_view_definition *definition = building->view->definition;
    uint64_t target = building->target_seq;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t count = processors < 1 ? 1 : (uint64_t)processors;
    uint64_t from_seq = 0;

    if ((definition->flags & FLUME_VIEW_PARALLEL) == 0 || build->direct)
        count = 1;
    if (count > META_PARTS_MAX)
        count = META_PARTS_MAX;
    if (count > target / PART_RECORDS_MIN)
        count = target / PART_RECORDS_MIN;
    if (count < 1)
        count = 1;
    build->meta = (struct view_meta){.version = definition->version, .part_count = 0};
    for (uint64_t i = 0; i < count; i++) {
        struct view_part *part = &build->meta.parts[build->meta.part_count];
        uint64_t to_seq =
            i + 1 == count ? target : batch_sealed_border(building->view, target / count * (i + 1));

        *part = (struct view_part){
            .from_seq = from_seq,
            .to_seq = to_seq < target ? to_seq : target,
            .synced_seq = from_seq,
        };
        from_seq = part->to_seq;
        /* Borders of large strata leave nothing to some of them. */
        if (part->to_seq > part->from_seq || (i + 1 == count && build->meta.part_count == 0))
            build->meta.part_count++;
    }
}

static int adopt_runs(const struct part *part, const struct view_part *kept)
{
    const struct building *building = part->build->building;

    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++) {
        int status = part->batch->sorters[i] == NULL
                         ? FLUME_OK
                         : sorter_adopt(part->batch->sorters[i], kept->runs[i]);

        if (status != FLUME_OK)
            return flume_fail(building->view->flume, status, FLUME_SEQ_NONE,
                              "view '%s': the sorted rows that an interrupted rebuild left in %s "
                              "cannot be used",
                              building->view->definition->name, building->directory);
    }
    return FLUME_OK;
}

static int begin_part(struct build *build, size_t index)
{
    const struct building *building = build->building;
    const struct view_part *kept = &build->meta.parts[index];
    size_t budget_bytes = (size_t)building->view->flume->options.rebuild_bytes;
    struct part *part = &build->parts[index];
    char prefix[16];
    int status, code = 0;

    part->build = build;
    part->index = index;
    (void)snprintf(prefix, sizeof prefix, "%zu.", index);
    status = batch_create(building->view, building->directory, prefix,
                          budget_bytes / build->meta.part_count, &part->batch);
    if (status != FLUME_OK)
        return status;
    part->batch->env = building->env;
    part->batch->sealing.stop = ask_part_to_stop;
    part->batch->sealing.stop_ctx = part;
    if (build->direct)
        code = batch_begin(part->batch, building->env);
    if (code != 0)
        return fail_code(build, code);
    part->batch->meta.synced_seq = kept->synced_seq;
    part->batch->meta.check = kept->check;
    part->batch->meta.passed_over = kept->passed_over;
    (void)atomic_fetch_add(&build->collected, kept->synced_seq - kept->from_seq);
    if (kept->synced_seq == kept->from_seq && building->view->definition->reset != NULL)
        building->view->definition->reset(part->batch->state);
    return adopt_runs(part, kept);
}

/* What was kept of an attempt that was to go further is of no use: its runs are gone. */
static int begin_anew(struct build *build)
{
    struct environment *env = build->building->env;
    MDB_txn *txn;
    int code = environment_begin(env, &txn, &build->meta);

    if (code != 0)
        return fail_code(build, code);
    for (size_t i = 0; code == 0 && i < env->table_count; i++)
        code = mdb_drop(txn, env->tables[i], 0);
    build->meta = (struct view_meta){.version = build->building->view->definition->version};
    if (code == 0)
        code = environment_commit(env, txn, &build->meta);
    else
        environment_abort(env, txn);
    return code == 0 ? FLUME_OK : fail_code(build, code);
}

/* FLUME_OK, or an error; *out_map_full: with more address space it can be gone on with. */
static int build_once(struct building *building, bool *out_map_full)
{
    size_t budget_bytes = (size_t)building->view->flume->options.rebuild_bytes;
    struct build build = {.building = building, .mutex = PTHREAD_MUTEX_INITIALIZER};
    int code = environment_meta(building->env, &build.meta);
    int status = FLUME_OK;

    building->failed_seq = FLUME_SEQ_NONE;
    if (code != 0)
        return fail_code(&build, code);
    if (build.meta.complete)
        return FLUME_OK;
    build.direct = is_direct(building->view->definition);
    if (build.meta.part_count != 0 &&
        build.meta.parts[build.meta.part_count - 1].to_seq > building->target_seq)
        status = begin_anew(&build);
    if (build.meta.part_count == 0)
        divide(&build);
    build.spill_bytes = budget_bytes / build.meta.part_count / 4 * 3;
    for (size_t i = 0; status == FLUME_OK && i < build.meta.part_count; i++)
        status = begin_part(&build, i);
    if (status == FLUME_OK)
        status = collect_all(&build);
    if (status == FLUME_OK)
        status = append_all(&build);
    *out_map_full = status != FLUME_OK && atomic_load(&build.is_map_full);
    /* Stopped on request, it is gone on with; after an error it may as well begin anew. */
    for (size_t i = 0; i < META_PARTS_MAX; i++)
        batch_destroy(build.parts[i].batch,
                      status == FLUME_ERR_CANCELLED || status == FLUME_ERR_TIMEOUT || *out_map_full
                          ? BATCH_KEEP_RUNS
                          : BATCH_DROP_RUNS);
    (void)pthread_mutex_destroy(&build.mutex);
    return status;
}

int build_environment(struct building *building)
{
    for (;;) {
        bool is_map_full = false;
        int status = build_once(building, &is_map_full);

        /* Nobody else looks at an environment that is being built. */
        if (!is_map_full || environment_grow(building->env) != 0)
            return status;
    }
}
