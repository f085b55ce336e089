/*
 * test_seal_background.c - the thread that seals in the background, with something in its way:
 * somebody who seals, somebody who died sealing, a strata that cannot be sealed, a failed sync.
 *
 * One handle has filled a strata and seals only on request. Then another is opened that seals in
 * the background; its waits are counted, and short.
 */
#include "log_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faultio.h"
#include "flume/seal.h"
#include "leave.h"

#define SLOW "slow" /* Name of the thread whose writes are held back. */

enum { SMALL_STRATA_BYTES = 64 << 10, BODY_BYTES = 1000, ROUND_NS = 1000000 };
enum { TRIES_RESTS = 100 }; /* A rest after trouble is of thirty waits: it has tried three times. */

static const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST};
static const flume_seal_options in_background = {.strata_bytes_min = SMALL_STRATA_BYTES};

/* --- A handle that seals in the background ---------------------------------------------------- */

struct scene {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    uint64_t rests;            /* Guarded by mutex: how often the thread that seals has waited. */
    uint64_t warnings;         /* Guarded by mutex: what was told. */
    bool is_shut;              /* Guarded by mutex: the slow thread's writes do not end, */
    bool is_inside;            /* Guarded by mutex: and one is under way. */
    _Atomic uint64_t ahead_ns; /* What its clock is ahead: a rest takes no time. */
    struct faultio fault;      /* Of all handles. */
    int64_t (*honest_pwrite)(void *ctx, int file, const void *source, size_t bytes,
                             uint64_t offset);
    uint64_t (*honest_monotonic)(void *ctx);
    flume_log *filler; /* Seals on request. */
};

static bool i_am(const char *name)
{
    char mine[16] = "";

    (void)pthread_getname_np(pthread_self(), mine, sizeof mine);
    return strcmp(mine, name) == 0;
}

static struct scene *scene_of(void *ctx)
{
    return (struct scene *)((uint8_t *)ctx - offsetof(struct scene, fault));
}

static void counted_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t limit_ns)
{
    struct scene *scene = scene_of(ctx);

    flume_io_posix()->wait(flume_io_posix()->ctx, word, expected,
                           limit_ns < ROUND_NS ? limit_ns : ROUND_NS);
    if (!i_am("fl:seal"))
        return;
    (void)atomic_fetch_add(&scene->ahead_ns, limit_ns);
    (void)pthread_mutex_lock(&scene->mutex);
    scene->rests++;
    (void)pthread_cond_broadcast(&scene->moved);
    (void)pthread_mutex_unlock(&scene->mutex);
}

static uint64_t monotonic_ahead(void *ctx)
{
    struct scene *scene = scene_of(ctx);

    return scene->honest_monotonic(ctx) + atomic_load(&scene->ahead_ns);
}

static int64_t shut_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct scene *scene = scene_of(ctx);

    (void)pthread_mutex_lock(&scene->mutex);
    while (scene->is_shut && i_am(SLOW)) {
        scene->is_inside = true;
        (void)pthread_cond_broadcast(&scene->moved);
        (void)pthread_cond_wait(&scene->moved, &scene->mutex);
    }
    (void)pthread_mutex_unlock(&scene->mutex);
    return scene->honest_pwrite(ctx, file, source, bytes, offset);
}

static void count_warnings(void *ctx, enum flume_log_level level, const char *message)
{
    struct scene *scene = ctx;

    if (level != FLUME_LOG_WARNING || strstr(message, "sealing rests") == NULL)
        return;
    (void)pthread_mutex_lock(&scene->mutex);
    scene->warnings++;
    (void)pthread_mutex_unlock(&scene->mutex);
}

static void set(struct scene *scene, bool *flag, bool value)
{
    (void)pthread_mutex_lock(&scene->mutex);
    *flag = value;
    (void)pthread_cond_broadcast(&scene->moved);
    (void)pthread_mutex_unlock(&scene->mutex);
}

/* The thread that seals has tried, and rested, so many times more. */
static void await_rests(struct scene *scene, uint64_t rests)
{
    uint64_t wanted;

    (void)pthread_mutex_lock(&scene->mutex);
    wanted = scene->rests + rests;
    while (scene->rests < wanted)
        (void)pthread_cond_wait(&scene->moved, &scene->mutex);
    (void)pthread_mutex_unlock(&scene->mutex);
}

/* One full strata and one that is not, durable, none sealed. */
static void scene_begin(struct log_fixture *fx, struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    (void)pthread_mutex_init(&scene->mutex, NULL);
    (void)pthread_cond_init(&scene->moved, NULL);
    faultio_init(&scene->fault, flume_io_posix());
    scene->honest_pwrite = scene->fault.table.pwrite;
    scene->honest_monotonic = scene->fault.table.monotonic_ns;
    scene->fault.table.pwrite = shut_pwrite;
    scene->fault.table.wait = counted_wait;
    scene->fault.table.monotonic_ns = monotonic_ahead;
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.io_mode = FLUME_IO_PWRITE;
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    fx->options.seal = &on_request;
    fx->options.io = &scene->fault.table;
    open_log(fx);
    for (unsigned i = 0; stat_of(fx->log).strata_count < 2; i++)
        (void)append_bytes(fx->log, BODY_BYTES, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    scene->filler = fx->log;
    fx->log = NULL;
    fx->options.seal = &in_background;
    fx->options.log = count_warnings;
    fx->options.log_ctx = scene;
}

static void scene_end(struct log_fixture *fx, struct scene *scene)
{
    close_log(fx);
    if (scene->filler != NULL)
        close_handle(scene->filler);
    assert_int_equal(scene->fault.open_files, 0);
    faultio_deinit(&scene->fault);
    (void)pthread_cond_destroy(&scene->moved);
    (void)pthread_mutex_destroy(&scene->mutex);
    fx->options.io = NULL;
}

static void await_sealed(struct log_fixture *fx, struct scene *scene)
{
    while (stat_of(fx->log).sealed_count == 0)
        await_rests(scene, 1);
}

/* --- What is in its way ----------------------------------------------------------------------- */

static void *seal_slowly(void *ctx)
{
    (void)pthread_setname_np(pthread_self(), SLOW);
    return flume_log_seal(ctx, NULL, NULL) == FLUME_OK ? ctx : NULL;
}

static void while_another_handle_seals_the_background_rests(void **state)
{
    struct log_fixture *fx = *state;
    struct scene scene;
    pthread_t thread;
    void *result = NULL;

    scene_begin(fx, &scene);
    set(&scene, &scene.is_shut, true);
    assert_int_equal(pthread_create(&thread, NULL, seal_slowly, scene.filler), 0);
    (void)pthread_mutex_lock(&scene.mutex);
    while (!scene.is_inside)
        (void)pthread_cond_wait(&scene.moved, &scene.mutex);
    (void)pthread_mutex_unlock(&scene.mutex);
    open_log(fx);
    await_rests(&scene, 3);
    assert_int_equal(stat_of(fx->log).sealed_count, 0);
    set(&scene, &scene.is_shut, false);
    (void)pthread_join(thread, &result);
    assert_ptr_equal(result, scene.filler);
    assert_int_equal(stat_of(fx->log).sealed_count, 1);
    assert_int_equal(scene.warnings, 0); /* That is no trouble. */
    scene_end(fx, &scene);
}

static int64_t die_writing(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    (void)ctx;
    (void)file;
    (void)source;
    (void)offset;
    leave_coverage();
    (void)kill(getpid(), SIGKILL);
    return (int64_t)bytes;
}

/* Another process dies while it writes a sealed file. */
static void die_sealing(struct log_fixture *fx)
{
    pid_t child = fork();
    int how = 0;

    assert_true(child >= 0);
    if (child == 0) {
        flume_io io = *flume_io_posix();
        flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL,
                                     .io_mode = FLUME_IO_PWRITE,
                                     .seal = &on_request,
                                     .io = &io};
        flume_log *log = NULL;

        if (flume_log_open(&log, fx->path, &options, NULL) != FLUME_OK)
            leave(1);
        io.pwrite = die_writing;
        (void)flume_log_seal(log, NULL, NULL);
        leave(2);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void what_a_dead_one_was_sealing_the_background_seals(void **state)
{
    struct log_fixture *fx = *state;
    struct scene scene;
    uint64_t before;

    scene_begin(fx, &scene);
    before = fingerprint(scene.filler);
    die_sealing(fx);
    open_log(fx);
    await_sealed(fx, &scene);
    assert_true(fingerprint(fx->log) == before);
    scene_end(fx, &scene);
}

static void the_same_trouble_is_told_once_however_often_it_is_met(void **state)
{
    static const uint8_t junk[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct log_fixture *fx = *state;
    struct scene scene;

    scene_begin(fx, &scene);
    write_file(strata_path(fx, "basin.flume", 0), 200, junk, sizeof junk); /* Of the header page. */
    open_log(fx);
    await_rests(&scene, TRIES_RESTS);
    assert_int_equal(stat_of(fx->log).sealed_count, 0);
    (void)pthread_mutex_lock(&scene.mutex);
    assert_int_equal(scene.warnings, 1);
    (void)pthread_mutex_unlock(&scene.mutex);
    scene_end(fx, &scene);
}

/* What stood in the way of sealing is gone, but a sync has failed meanwhile. */
static void after_a_failed_sync_the_background_seals_nothing(void **state)
{
    enum { HEADER_AT = 200 };
    static const uint8_t junk[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct log_fixture *fx = *state;
    struct scene scene;
    uint8_t was[sizeof junk];

    scene_begin(fx, &scene);
    read_file(strata_path(fx, "basin.flume", 0), HEADER_AT, was, sizeof was);
    write_file(strata_path(fx, "basin.flume", 0), HEADER_AT, junk, sizeof junk);
    open_log(fx);
    await_rests(&scene, 2);
    (void)append_text(scene.filler, "not durable");
    faultio_plan(&scene.fault, (struct fault_plan){FAULT_SYNC, 1, -EIO, FAULT_LASTING});
    assert_int_not_equal(flume_log_sync(scene.filler, FLUME_SEQ_NONE), FLUME_OK);
    (void)faultio_heal(&scene.fault);
    write_file(strata_path(fx, "basin.flume", 0), HEADER_AT, was, sizeof was);
    await_rests(&scene, TRIES_RESTS);
    assert_int_equal(stat_of(fx->log).sealed_count, 0);
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED);
    assert_int_equal(flume_log_close(scene.filler), FLUME_ERR_POISONED);
    scene.filler = NULL;
    fx->log = NULL;
    open_log(fx); /* As it says. */
    await_sealed(fx, &scene);
    scene_end(fx, &scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(while_another_handle_seals_the_background_rests),
        closed_log_test(what_a_dead_one_was_sealing_the_background_seals),
        closed_log_test(the_same_trouble_is_told_once_however_often_it_is_met),
        closed_log_test(after_a_failed_sync_the_background_seals_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
