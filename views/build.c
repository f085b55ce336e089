/*
 * build.c - filling an empty environment from the log: collect, sort, append.
 *
 * Rows of collected tables go to sorters; each time these are full they are written as sorted runs,
 * and meta is committed with the number of runs, so that who is interrupted goes on from there. At
 * the end the rows of each table come out sorted and are appended, page after full page.
 *
 * A view that allows it is collected in several parts at once: part i has the records before those
 * of part i + 1, a thread, and sorters of its own, and where parts have a key in common the later
 * part is the newer one.
 *
 * What always holds:
 *   - A build that was interrupted and one that was not end with the same tables.
 *   - Parts are fixed when a build begins; who takes it up takes up the same ones.
 */
#include <stdio.h>
#include <unistd.h>

#include "build_inside.h"
#include "sorter.h"

enum { PART_RECORDS_MIN = 1 << 16 };

/* ---- for all of it ---- */

void build_show(const struct build *build, uint64_t appended, uint64_t rows)
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

int build_ask_to_stop(const struct build *build)
{
    const struct building *building = build->building;

    return building->stop == NULL ? FLUME_OK : building->stop(building->stop_ctx);
}

int build_fail_code(struct build *build, int code)
{
    if (code == MDB_MAP_FULL)
        atomic_store(&build->is_map_full, true);
    return view_fail_mdb(build->building->view, code, "write a rebuild");
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
    part->batch->sealing.stop = part_ask_to_stop;
    part->batch->sealing.stop_ctx = part;
    if (build->direct)
        code = batch_begin(part->batch, building->env);
    if (code != 0)
        return build_fail_code(build, code);
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
        return build_fail_code(build, code);
    for (size_t i = 0; code == 0 && i < env->table_count; i++)
        code = mdb_drop(txn, env->tables[i], 0);
    build->meta = (struct view_meta){.version = build->building->view->definition->version};
    if (code == 0)
        code = environment_commit(env, txn, &build->meta);
    else
        environment_abort(env, txn);
    return code == 0 ? FLUME_OK : build_fail_code(build, code);
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
        return build_fail_code(&build, code);
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
        status = build_collect(&build);
    if (status == FLUME_OK)
        status = build_append(&build);
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
