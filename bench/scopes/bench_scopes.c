/*
 * bench_scopes.c - scopes/CASE: scopes of 20 variables committed a second, one thread, complete:
 * variables set, encoded, hashed, verdict given, appended.
 *
 *   new         a sweep: each scope differs from all before
 *   new/first, new/last   the first and the last tenth of it
 *   duplicate   the same sweep again: each is a duplicate of another one
 *   repeat      one scope again and again
 *   gained      the same with one variable more: each extends another one
 *   lost        the sweep with one variable less: each lies within another one
 *   nested      16 shapes within each other, of 6 base keys with 8 values and 4 optional flags
 *   fast        the sweep without asking
 *   sqlite_new, sqlite_duplicate   what a user would do otherwise: JSON and its hash in SQLite
 *   CASE_cpu    the same by processor time of the committing thread: what it would be by the clock with a
 *               processor for it alone
 *   CASE_all    by processor time of the whole process, until the views have caught up
 *
 * Verdicts are counted and must be right.
 */
#include "scopes_bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NESTED_FLAGS = 4, NESTED_KEYS = 6, VERDICTS = 6 };

static const char *const constant_keys[SCOPE_CONSTANTS] = {
    "alpha", "beta",    "charge", "delta", "density", "energy", "field",
    "gamma", "gravity", "mass",   "noise", "solver",  "tau",    "volume"};
static const char *const grid_keys[SCOPE_GRIDS] = {"g0", "g1", "g2", "g3", "g4"};

int sweep_set(flume_scope *scope, uint64_t number, unsigned dropped)
{
    int status = FLUME_OK;

    for (unsigned i = dropped; i < SCOPE_CONSTANTS; i++)
        status |= flume_scope_set_f64(scope, constant_keys[i], 0.5 + i);
    for (unsigned i = 0; i < SCOPE_GRIDS; i++)
        status |= flume_scope_set_int(scope, grid_keys[i], (int64_t)(number >> (4 * i) & 15));
    status |= flume_scope_set_int(scope, "index", (int64_t)number);
    return status == FLUME_OK ? 0 : bench_fail("a variable could not be set");
}

size_t sweep_json(uint64_t number, char target[SCOPE_TEXT_BYTES])
{
    size_t bytes = 1;

    target[0] = '{';
    for (unsigned i = 0; i < SCOPE_CONSTANTS; i++)
        bytes += (size_t)snprintf(target + bytes, SCOPE_TEXT_BYTES - bytes, "\"%s\":%.17g,",
                                  constant_keys[i], 0.5 + i);
    for (unsigned i = 0; i < SCOPE_GRIDS; i++)
        bytes += (size_t)snprintf(target + bytes, SCOPE_TEXT_BYTES - bytes, "\"%s\":%" PRIu64 ",",
                                  grid_keys[i], number >> (4 * i) & 15);
    return bytes + (size_t)snprintf(target + bytes, SCOPE_TEXT_BYTES - bytes,
                                    "\"index\":%" PRIu64 "}", number);
}

/* ---- one basin, one recorder ---- */

struct world {
    struct bench *bench;
    char *dir_path;
    flume *handle;
    flume_recorder *recorder;
    flume_scope *scope;
    uint64_t counts[VERDICTS];
};

static int fail(struct world *world, const char *what, int status)
{
    flume_error error = {0};

    if (world->handle != NULL)
        flume_last_error(world->handle, &error);
    errno = 0;
    return bench_fail("%s: %s: %s", what, flume_status_name(status), error.message);
}

static void world_destroy(struct world *world)
{
    (void)flume_recorder_close(world->recorder);
    flume_scope_destroy(world->scope);
    if (world->handle != NULL)
        (void)flume_close(world->handle);
    bench_directory_remove(world->dir_path);
    *world = (struct world){.bench = world->bench};
}

static int world_create(struct bench *bench, unsigned flags, struct world *out_world)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_CREATE}};
    flume_recorder_options recording = {.flags = flags};
    char path[4096];
    int status;

    *out_world = (struct world){.bench = bench, .dir_path = bench_directory(bench)};
    if (out_world->dir_path == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/scopes.flume", out_world->dir_path);
    status = flume_open(&out_world->handle, path, &options, NULL);
    if (status == FLUME_OK)
        status = flume_recorder_open(&out_world->recorder, out_world->handle, &recording);
    if (status == FLUME_OK)
        status = flume_scope_create(&out_world->scope);
    if (status == FLUME_OK)
        status = flume_scope_label(out_world->scope, "sweep");
    return status == FLUME_OK ? 0 : fail(out_world, "open", status);
}

static int commit(struct world *world)
{
    flume_verdict verdict;
    int status = flume_commit(world->recorder, world->scope, &verdict);

    if (status != FLUME_OK)
        return fail(world, "commit", status);
    world->counts[verdict.kind]++;
    return 0;
}

static int expect(struct world *world, const char *what, enum flume_verdict_kind kind,
                  uint64_t count)
{
    uint64_t found = world->counts[kind];

    errno = 0;
    memset(world->counts, 0, sizeof world->counts);
    return found == count ? 0
                          : bench_fail("%s: %" PRIu64 " verdicts of %" PRIu64 " are as expected",
                                       what, found, count);
}

/* What a case has taken since it began. */
struct spent {
    uint64_t ns, thread_ns, process_ns;
};

static struct spent begin(void)
{
    return (struct spent){clock_ns(), thread_cpu_ns(), process_cpu_ns()};
}

static void sample_part(const struct bench *bench, const char *row, unsigned round, uint64_t count,
                        const struct spent *begun)
{
    struct spent now = begin();

    report_sample(bench->report, row, round, (double)count * 1e9 / (double)(now.ns - begun->ns));
    report_sample(bench->report, report_name("%s_cpu", row), round,
                  (double)count * 1e9 / (double)(now.thread_ns - begun->thread_ns));
}

static int sample(struct world *world, const char *row, unsigned round, uint64_t count,
                  const struct spent *begun)
{
    flume_scope_counts counts;
    int status;

    sample_part(world->bench, row, round, count, begun);
    status = flume_scope_count_all(world->handle, NULL, &counts);
    if (status != FLUME_OK)
        return fail(world, row, status);
    wait_until_quiet(2000000000);
    report_sample(world->bench->report, report_name("%s_all", row), round,
                  (double)count * 1e9 / (double)(process_cpu_ns() - begun->process_ns));
    return 0;
}

static int sweep(struct world *world, const char *row, unsigned round, unsigned dropped,
                 enum flume_verdict_kind kind)
{
    uint64_t count = world->bench->records, tenth = count / 10;
    struct spent begun = begin(), part = begun;
    int status = 0;

    for (uint64_t i = 0; status == 0 && i < count; i++) {
        status = sweep_set(world->scope, i, dropped);
        if (status == 0)
            status = commit(world);
        if (i + 1 == tenth && strcmp(row, "scopes/new") == 0)
            sample_part(world->bench, "scopes/new/first", round, tenth, &begun);
        if (i + 1 == count - tenth)
            part = begin();
    }
    if (status != 0)
        return status;
    if (strcmp(row, "scopes/new") == 0)
        sample_part(world->bench, "scopes/new/last", round, tenth, &part);
    status = sample(world, row, round, count, &begun);
    return status == 0 ? expect(world, row, kind, count) : status;
}

static int run_sweeps(struct bench *bench, unsigned round)
{
    struct world world;
    int status = world_create(bench, 0, &world);

    if (status == 0)
        status = sweep(&world, "scopes/new", round, 0, FLUME_NEW);
    if (status == 0)
        status = sweep(&world, "scopes/duplicate", round, 0, FLUME_DUP);
    if (status == 0 && flume_scope_set_int(world.scope, "zeta", 7) != FLUME_OK)
        status = bench_fail("zeta");
    if (status == 0)
        status = sweep(&world, "scopes/gained", round, 0, FLUME_SUPERSET);
    if (status == 0)
        status = flume_scope_unset(world.scope, "zeta") == FLUME_OK &&
                         flume_scope_unset(world.scope, constant_keys[0]) == FLUME_OK
                     ? 0
                     : bench_fail("unset");
    if (status == 0)
        status = sweep(&world, "scopes/lost", round, 1, FLUME_SUBSET);
    world_destroy(&world);
    return status;
}

static int run_repeat(struct bench *bench, unsigned round)
{
    struct world world;
    uint64_t count = bench->records;
    struct spent begun;
    int status = world_create(bench, 0, &world);

    if (status == 0)
        status = sweep_set(world.scope, 0, 0);
    if (status == 0)
        status = commit(&world);
    if (status == 0)
        status = expect(&world, "repeat", FLUME_NEW, 1);
    begun = begin();
    for (uint64_t i = 0; status == 0 && i < count; i++) {
        status = sweep_set(world.scope, 0, 0);
        if (status == 0)
            status = commit(&world);
    }
    if (status == 0)
        status = sample(&world, "scopes/repeat", round, count, &begun);
    if (status == 0)
        status = expect(&world, "repeat", FLUME_DUP, count);
    world_destroy(&world);
    return status;
}

/* 6 base keys with 8 values and 4 optional flags: 8^6 * 16 scopes, in the order of a multiplicative
 * hash. Exact counts are for the tests; here they only must not be errors. */
static int run_nested(struct bench *bench, unsigned round)
{
    static const char *const base[NESTED_KEYS] = {"b0", "b1", "b2", "b3", "b4", "b5"};
    static const char *const flags[NESTED_FLAGS] = {"f0", "f1", "f2", "f3"};
    struct world world;
    uint64_t count = bench->records / 2;
    int status = world_create(bench, 0, &world);
    struct spent begun = begin();

    for (uint64_t i = 0; status == 0 && i < count; i++) {
        uint32_t mixed = (uint32_t)i * 2654435761u >> 10; /* 22 bits. */

        flume_scope_clear(world.scope);
        (void)flume_scope_label(world.scope, "nested");
        for (unsigned k = 0; k < NESTED_KEYS; k++)
            (void)flume_scope_set_int(world.scope, base[k], mixed >> (3 * k) & 7);
        for (unsigned k = 0; k < NESTED_FLAGS; k++)
            if ((mixed >> (18 + k) & 1) != 0)
                (void)flume_scope_set_bool(world.scope, flags[k], true);
        status = commit(&world);
    }
    if (status == 0)
        status = sample(&world, "scopes/nested", round, count, &begun);
    world_destroy(&world);
    return status;
}

static int run_fast(struct bench *bench, unsigned round)
{
    struct world world;
    int status = world_create(bench, FLUME_RECORDER_FAST, &world);

    if (status == 0)
        status = sweep(&world, "scopes/fast", round, 0, FLUME_UNASKED);
    world_destroy(&world);
    return status;
}

#ifdef BENCH_HAVE_SQLITE
static int peer_sweep(struct bench *bench, struct peer *peer, const char *row, unsigned round,
                      int expected)
{
    struct spent begun = begin();
    char text[SCOPE_TEXT_BYTES];

    for (uint64_t i = 0; i < bench->records; i++) {
        int is_new = peer_commit(peer, text, sweep_json(i, text));

        errno = 0;
        if (is_new != expected)
            return is_new < 0 ? -1 : bench_fail("%s: row %" PRIu64 " is not as expected", row, i);
    }
    sample_part(bench, row, round, bench->records, &begun);
    return 0;
}

static int run_peer(struct bench *bench, unsigned round)
{
    char *dir_path = bench_directory(bench);
    struct peer *peer = NULL;
    int status = dir_path != NULL ? peer_open(dir_path, &peer) : -1;

    if (status == 0)
        status = peer_sweep(bench, peer, "scopes/sqlite_new", round, 1);
    if (status == 0)
        status = peer_sweep(bench, peer, "scopes/sqlite_duplicate", round, 0);
    if (peer_close(peer) != 0)
        status = -1;
    bench_directory_remove(dir_path);
    return status;
}
#else
static int run_peer(struct bench *bench, unsigned round)
{
    (void)round;
    report_note(bench->report, "scopes/sqlite_new", "SQLite is not installed");
    report_note(bench->report, "scopes/sqlite_duplicate", "SQLite is not installed");
    return 0;
}
#endif

int bench_scopes(struct bench *bench)
{
    static const struct {
        const char *name, *base;
        double least; /* Records a second; 0: no target. */
        bool has_all; /* Whether the views follow. */
    } rows[] = {
        {"scopes/new", "scopes/sqlite_new", 200e3, true},
        {"scopes/new/first", NULL, 0, false},
        {"scopes/new/last", "scopes/new/first", 0, false},
        {"scopes/duplicate", "scopes/sqlite_duplicate", 600e3, true},
        {"scopes/repeat", NULL, 0, true},
        {"scopes/gained", NULL, 120e3, true},
        {"scopes/lost", NULL, 80e3, true},
        {"scopes/nested", NULL, 60e3, true},
        {"scopes/fast", NULL, 1e6, true},
        {"scopes/sqlite_new", NULL, 0, false},
        {"scopes/sqlite_duplicate", NULL, 0, false},
    };
    int status = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *cpu = report_name("%s_cpu", rows[i].name);
        const char *base = rows[i].base;

        report_row(bench->report, rows[i].name, UNIT_RECORDS_PER_SECOND, base);
        report_row(bench->report, cpu, UNIT_RECORDS_PER_SECOND,
                   base != NULL ? report_name("%s_cpu", base) : NULL);
        if (rows[i].has_all)
            report_row(bench->report, report_name("%s_all", rows[i].name), UNIT_RECORDS_PER_SECOND,
                       NULL);
        if (rows[i].least > 0) {
            report_target(bench->report, rows[i].name, NULL, TARGET_AT_LEAST, rows[i].least);
            report_target(bench->report, cpu, NULL, TARGET_AT_LEAST, rows[i].least);
        }
    }
    report_target(bench->report, "scopes/new/last", "scopes/new/first", TARGET_AT_LEAST, 1 / 1.5);
    report_target(bench->report, "scopes/new/last_cpu", "scopes/new/first_cpu", TARGET_AT_LEAST,
                  1 / 1.5);
    for (unsigned round = 0; round < bench->rounds; round++)
        status |= run_sweeps(bench, round) | run_repeat(bench, round) | run_nested(bench, round) |
                  run_fast(bench, round) | run_peer(bench, round);
    return status;
}
