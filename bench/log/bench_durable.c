/*
 * bench_durable.c - durable/SIZE/SETTING: appends a second, each on the disk before it returns.
 *
 * flume runs under the profile safe. Its limit is pwrite and fdatasync into space that was written
 * to beforehand, with one thread alone and with eight in one group commit. Engines stay open over
 * all rounds; a sample is what the threads get done in one slice of time.
 */
#include "bench.h"
#include "measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { CASES_MAX = 12, THREADS_MANY = 8, SLOW_EVERY = 2 };

struct durable_case {
    const char *setting;
    const struct engine_type *type;
    unsigned thread_count;
    const char *base; /* Setting it is compared with. */
    unsigned every;   /* Takes part in every so many-th round; 0: it has failed. */
    struct engine *engine;
    char *dir_path;
};

struct slice {
    struct engine *engine;
    const struct bodies *bodies;
    atomic_int begun;
    atomic_int stopped;
    atomic_int failed;
    atomic_uint_fast64_t done;
};

static void *append_until_stopped(void *ctx)
{
    struct slice *slice = ctx;
    uint64_t done = 0;

    while (!atomic_load_explicit(&slice->begun, memory_order_acquire))
        sleep_ns(100000);
    while (!atomic_load_explicit(&slice->stopped, memory_order_relaxed)) {
        if (slice->engine->type->append(slice->engine, bodies_at(slice->bodies, done),
                                        slice->bodies->body_bytes) != 0) {
            atomic_store(&slice->failed, 1);
            break;
        }
        done++;
    }
    atomic_fetch_add(&slice->done, done);
    return NULL;
}

static int run_slice(struct slice *slice, unsigned thread_count, uint64_t slice_ns,
                     uint64_t *out_ns)
{
    pthread_t threads[THREADS_MANY];
    unsigned started = 0;
    uint64_t begun_ns;

    while (started < thread_count &&
           pthread_create(&threads[started], NULL, append_until_stopped, slice) == 0)
        started++;
    begun_ns = clock_ns();
    atomic_store_explicit(&slice->begun, 1, memory_order_release);
    sleep_ns(slice_ns);
    atomic_store(&slice->stopped, 1);
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    *out_ns = clock_ns() - begun_ns;
    if (started < thread_count)
        return bench_fail("cannot start %u threads", thread_count);
    return atomic_load(&slice->failed) ? -1 : 0;
}

static int take_sample(struct bench *bench, const struct durable_case *this_case,
                       const struct bodies *bodies, const char *row, unsigned round)
{
    struct slice slice = {.engine = this_case->engine, .bodies = bodies};
    uint64_t used_ns;

    if (run_slice(&slice, this_case->thread_count, bench->slice_ns, &used_ns) != 0) {
        report_note(bench->report, row, "failed");
        return -1;
    }
    report_sample(bench->report, row, round,
                  (double)atomic_load(&slice.done) * 1e9 / (double)used_ns);
    return 0;
}

static const char *row_of(const struct durable_case *this_case, const struct bodies *bodies)
{
    return report_name("durable/%zuB/%s", bodies->body_bytes, this_case->setting);
}

static int case_open(struct bench *bench, struct durable_case *this_case,
                     const struct bodies *bodies)
{
    struct engine_setting setting = {.body_bytes = bodies->body_bytes,
                                     .records_max = bench->records,
                                     .durability = ENGINE_DURABLE_EACH,
                                     .space = ENGINE_SPACE_STEADY};
    const char *base = report_name("durable/%zuB/%s", bodies->body_bytes, this_case->base);

    report_row(bench->report, row_of(this_case, bodies), UNIT_RECORDS_PER_SECOND, base);
    if (!engine_is_there(this_case->type)) {
        bench_note_missing(bench, row_of(this_case, bodies), this_case->type);
        return 0;
    }
    this_case->dir_path = bench_directory(bench);
    setting.dir_path = this_case->dir_path;
    if (setting.dir_path != NULL && this_case->type->open(&setting, &this_case->engine) == 0)
        return 0;
    report_note(bench->report, row_of(this_case, bodies), "failed");
    return -1;
}

static int run_size(struct bench *bench, const struct durable_case *template, unsigned case_count,
                    size_t body_bytes)
{
    struct durable_case cases[CASES_MAX];
    struct bodies bodies;
    int status = bodies_create(&bodies, body_bytes, bench->seed);

    if (status != 0)
        return status;
    for (unsigned i = 0; i < case_count; i++) {
        cases[i] = template[i];
        status |= case_open(bench, &cases[i], &bodies);
    }
    settle_file_system(bench->dir_path);
    for (unsigned round = 0; round < bench->rounds; round++) {
        for (unsigned i = 0; i < case_count; i++) {
            if (cases[i].engine != NULL && cases[i].every > 0 && round % cases[i].every == 0 &&
                take_sample(bench, &cases[i], &bodies, row_of(&cases[i], &bodies), round) != 0) {
                cases[i].every = 0;
                status = -1;
            }
        }
    }
    for (unsigned i = 0; i < case_count; i++) {
        if (cases[i].engine != NULL)
            cases[i].type->close(cases[i].engine);
        bench_directory_remove(cases[i].dir_path);
    }
    bodies_destroy(&bodies);
    return status;
}

static void set_targets(struct report *report)
{
    static const char *const sizes[] = {"100B", "1000B"};

    for (unsigned i = 0; i < 2; i++) {
        report_target(report, report_name("durable/%s/flume_safe_1_thread", sizes[i]),
                      report_name("durable/%s/raw_1_thread", sizes[i]), TARGET_AT_LEAST, 0.9);
        report_target(report, report_name("durable/%s/flume_safe_8_threads", sizes[i]),
                      report_name("durable/%s/raw_group_8_threads", sizes[i]), TARGET_AT_LEAST,
                      0.95);
    }
}

int bench_durable(struct bench *bench)
{
    const char *one = "raw_1_thread";
    const char *many = "raw_group_8_threads";
    /* A sync takes about 25 us into written space, 50 us where metadata changes, so: */
    const struct durable_case cases[] = {
        {one, &engine_pwrite, 1, one, 1, NULL, NULL},                               /* 40 k. */
        {"flume_safe_1_thread", &engine_flume, 1, one, 1, NULL, NULL},              /* 38 k. */
        {many, &engine_group, THREADS_MANY, many, 1, NULL, NULL},                   /* 160 k. */
        {"flume_safe_8_threads", &engine_flume, THREADS_MANY, many, 1, NULL, NULL}, /* 160 k. */
        {"leveldb_1_thread", engine_leveldb, 1, one, SLOW_EVERY, NULL, NULL},       /* 18 k. */
        {"leveldb_8_threads", engine_leveldb, THREADS_MANY, many, SLOW_EVERY, NULL,
         NULL},                                                               /* 80 k. */
        {"rocksdb_1_thread", engine_rocksdb, 1, one, SLOW_EVERY, NULL, NULL}, /* 18 k. */
        {"rocksdb_8_threads", engine_rocksdb, THREADS_MANY, many, SLOW_EVERY, NULL,
         NULL},                                                             /* 70 k. */
        {"lmdb_1_thread", engine_lmdb, 1, one, SLOW_EVERY, NULL, NULL},     /* 12 k. */
        {"sqlite_1_thread", engine_sqlite, 1, one, SLOW_EVERY, NULL, NULL}, /* 10 k. */
    };
    const unsigned case_count = sizeof(cases) / sizeof(cases[0]);
    int status = 0;

    set_targets(bench->report);
    status |= run_size(bench, cases, case_count, 100);
    status |= run_size(bench, cases, case_count, 1000);
    return status;
}
