/*
 * build_collect.c - the first half of a build: the records of each part become rows in order.
 *
 * Rows of collected tables go to a part's sorters; each time these are full they are written as
 * sorted runs, and meta is committed with the number of runs (checkpoint()).
 *
 * What always holds:
 *   - A checkpoint writes all runs before it commits meta.
 *   - Every part ends when one has failed; the status of the build is that of the one that failed.
 */
#include "build_inside.h"
#include "sorter.h"

enum { FILL_RECORDS_MAX = 1 << 16, FILL_NS_MAX = 20000000 };

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
    if (was_open)
        batch_close_cursors(batch);
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
    return code == 0 ? FLUME_OK : build_fail_code(build, code);
}

/* ---- collecting ---- */

/* Whether a part is to go on. */
int part_ask_to_stop(void *ctx)
{
    const struct part *part = ctx;
    const struct build *build = part->build;
    /* The caller's patience is the caller's thread's to ask. */
    int status = part->index == 0 ? build_ask_to_stop(build) : FLUME_OK;

    return status == FLUME_OK ? atomic_load(&build->stopped) : status;
}

/* Whether what was collected is to be kept. A sealed strata may have had more rows than there is
 * room for; then some are on disk already. */
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
    int status = part_ask_to_stop(part);

    if (status != FLUME_OK) {
        (void)checkpoint(part); /* What cannot be kept is made again. */
        return status;
    }
    /* Stopped in the midst of a sealed strata, it begins with it again: there is no checkpoint. */
    status = batch_fill(batch, limits, &count);
    if (status != FLUME_OK)
        return batch->mdb_code == 0 ? status : build_fail_code(build, batch->mdb_code);
    (void)atomic_fetch_add(&build->collected, batch->meta.synced_seq - before);
    build_show(build, 0, 0);
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

int build_collect(struct build *build)
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
