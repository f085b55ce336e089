/*
 * test_sync_files.c - a handle lets go of the files that it synced and another handle has sealed
 * since, whoever syncs meanwhile or died doing so.
 *
 * One handle has synced a strata while that was active, so its file stays open. Another fills it
 * and seals it. The first one's own thread is held back until what is to be in its way is there.
 *
 * Files are opened and closed meanwhile, and numbers are given again. So what is waited for is the
 * close of a descriptor of that very file, which is known by its inode: it has no name any more,
 * and nobody can open it again.
 */
#include "seal_fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faultio.h"
#include "leave.h"

enum { FILL_BYTES = 3000, ROUND_NS = 2000000 };

/* --- Two handles ------------------------------------------------------------------------------ */

struct pair {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool is_held;         /* Guarded by mutex: no thread of the first handle comes out of a wait, */
    bool is_waiting;      /* Guarded by mutex: and the one that closes files is held. */
    uint64_t wait_count;  /* Guarded by mutex: how often that one has waited. */
    struct stat raw;      /* The file that is sealed; fixed while a thread may look. */
    unsigned raw_closes;  /* Guarded by mutex: its descriptors that the first handle closed. */
    struct faultio files; /* Of the first handle. */
    void (*inner_close)(void *ctx, int file);
    flume_io io;     /* Of the second one. */
    bool is_shut;    /* Guarded by mutex: the second one's syncs do not end, */
    bool is_syncing; /* Guarded by mutex: and one is under way. */
    flume_log *other;
};

static struct pair *pair_of(void *files)
{
    return (struct pair *)((uint8_t *)files - offsetof(struct pair, files));
}

static void held_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t limit_ns)
{
    struct pair *pair = pair_of(ctx);
    char name[16] = "";
    bool closes_files;

    (void)pthread_getname_np(pthread_self(), name, sizeof name);
    closes_files = strcmp(name, "fl:sync") == 0;
    (void)pthread_mutex_lock(&pair->mutex);
    pair->wait_count += closes_files;
    while (pair->is_held) {
        pair->is_waiting = pair->is_waiting || closes_files;
        (void)pthread_cond_broadcast(&pair->moved);
        (void)pthread_cond_wait(&pair->moved, &pair->mutex);
    }
    (void)pthread_cond_broadcast(&pair->moved);
    (void)pthread_mutex_unlock(&pair->mutex);
    flume_io_posix()->wait(flume_io_posix()->ctx, word, expected,
                           limit_ns < ROUND_NS ? limit_ns : ROUND_NS);
}

static void counted_close(void *ctx, int file)
{
    struct pair *pair = pair_of(ctx);
    struct stat now;

    (void)pthread_mutex_lock(&pair->mutex);
    if (fstat(file, &now) == 0 && now.st_dev == pair->raw.st_dev &&
        now.st_ino == pair->raw.st_ino) {
        pair->raw_closes++;
        (void)pthread_cond_broadcast(&pair->moved);
    }
    (void)pthread_mutex_unlock(&pair->mutex);
    pair->inner_close(ctx, file);
}

static int shut_sync(void *ctx, int file)
{
    struct pair *pair = ctx;

    (void)pthread_mutex_lock(&pair->mutex);
    pair->is_syncing = pair->is_shut;
    (void)pthread_cond_broadcast(&pair->moved);
    while (pair->is_shut)
        (void)pthread_cond_wait(&pair->moved, &pair->mutex);
    (void)pthread_mutex_unlock(&pair->mutex);
    return flume_io_posix()->sync(flume_io_posix()->ctx, file);
}

static void set(struct pair *pair, bool *flag, bool value)
{
    (void)pthread_mutex_lock(&pair->mutex);
    *flag = value;
    (void)pthread_cond_broadcast(&pair->moved);
    (void)pthread_mutex_unlock(&pair->mutex);
}

/* Nothing of the first handle moves from here on. */
static void hold_back(struct pair *pair)
{
    (void)pthread_mutex_lock(&pair->mutex);
    pair->is_held = true;
    while (!pair->is_waiting)
        (void)pthread_cond_wait(&pair->moved, &pair->mutex);
    (void)pthread_mutex_unlock(&pair->mutex);
}

/* So many more rounds of the thread that closes files. */
static void await_rounds(struct pair *pair, uint64_t rounds)
{
    uint64_t wanted;

    (void)pthread_mutex_lock(&pair->mutex);
    wanted = pair->wait_count + rounds;
    while (pair->wait_count < wanted)
        (void)pthread_cond_wait(&pair->moved, &pair->mutex);
    (void)pthread_mutex_unlock(&pair->mutex);
}

static unsigned raw_closes(struct pair *pair)
{
    unsigned count;

    (void)pthread_mutex_lock(&pair->mutex);
    count = pair->raw_closes;
    (void)pthread_mutex_unlock(&pair->mutex);
    return count;
}

static void first_handle_begin(struct log_fixture *fx, struct pair *pair)
{
    (void)pthread_mutex_init(&pair->mutex, NULL);
    (void)pthread_cond_init(&pair->moved, NULL);
    faultio_init(&pair->files, flume_io_posix());
    pair->inner_close = pair->files.table.close;
    pair->files.table.wait = held_wait;
    pair->files.table.close = counted_close;
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.io_mode = FLUME_IO_PWRITE;
    fx->options.strata_bytes = SEAL_STRATA_BYTES;
    fx->options.seal = &seal_on_request;
}

static void first_handle_end(struct log_fixture *fx, struct pair *pair)
{
    close_log(fx);
    assert_int_equal(pair->files.open_files, 0);
    faultio_deinit(&pair->files);
    (void)pthread_cond_destroy(&pair->moved);
    (void)pthread_mutex_destroy(&pair->mutex);
    fx->options.io = NULL;
}

/* The first handle has the file of a strata open that the second one has sealed, and does not know
 * it yet. Appends by it go on in another strata. */
static void pair_begin(struct log_fixture *fx, struct pair *pair)
{
    flume_seal_report report = {.strata = 0};

    first_handle_begin(fx, pair);
    pair->io = *flume_io_posix();
    pair->io.ctx = pair;
    pair->io.sync = shut_sync;
    fx->options.io = &pair->io;
    open_log(fx);
    pair->other = fx->log;
    fx->log = NULL;
    fx->options.io = &pair->files.table;
    open_log(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    hold_back(pair);
    assert_int_equal(stat(strata_path(fx, "basin.flume", 0), &pair->raw), 0);
    for (unsigned i = 0; stat_of(pair->other).strata_count < 2; i++)
        (void)append_bytes(pair->other, FILL_BYTES, i);
    assert_int_equal(flume_log_sync(pair->other, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(pair->other, NULL, &report), FLUME_OK);
    assert_int_equal(report.strata, 1);
    assert_int_equal(raw_closes(pair), 0);
}

static void pair_end(struct log_fixture *fx, struct pair *pair)
{
    expect_text(fx->log, 1, "one");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    close_handle(pair->other);
    first_handle_end(fx, pair);
}

/* Its threads may go on: one file after the other is closed, also that one. */
static void expect_let_go(struct pair *pair)
{
    struct timespec patience;
    int result = 0;

    (void)clock_gettime(CLOCK_REALTIME, &patience);
    patience.tv_sec += (time_t)(PATIENCE_NS / SECOND_NS);
    (void)pthread_mutex_lock(&pair->mutex);
    pair->is_held = false;
    (void)pthread_cond_broadcast(&pair->moved);
    while (pair->raw_closes == 0 && result == 0)
        result = pthread_cond_timedwait(&pair->moved, &pair->mutex, &patience);
    (void)pthread_mutex_unlock(&pair->mutex);
    if (result != 0)
        fail_msg("the file is still open");
}

/* --- What is in the way ----------------------------------------------------------------------- */

static void a_file_that_another_sealed_is_closed(void **state)
{
    struct log_fixture *fx = *state;
    struct pair pair = {.is_held = false};

    pair_begin(fx, &pair);
    expect_let_go(&pair);
    pair_end(fx, &pair);
}

static void *sync_other(void *ctx)
{
    struct pair *pair = ctx;

    return flume_log_sync(pair->other, FLUME_SEQ_NONE) == FLUME_OK ? ctx : NULL;
}

static void while_somebody_syncs_it_stays_open(void **state)
{
    struct log_fixture *fx = *state;
    struct pair pair = {.is_held = false};
    pthread_t thread;
    void *result = NULL;

    pair_begin(fx, &pair);
    (void)append_text(pair.other, "two");
    set(&pair, &pair.is_shut, true);
    assert_int_equal(pthread_create(&thread, NULL, sync_other, &pair), 0);
    (void)pthread_mutex_lock(&pair.mutex);
    while (!pair.is_syncing)
        (void)pthread_cond_wait(&pair.moved, &pair.mutex);
    (void)pthread_mutex_unlock(&pair.mutex);
    set(&pair, &pair.is_held, false);
    await_rounds(&pair, 2); /* It has tried by then. */
    assert_int_equal(raw_closes(&pair), 0);
    set(&pair, &pair.is_shut, false);
    (void)pthread_join(thread, &result);
    assert_ptr_equal(result, &pair);
    expect_let_go(&pair);
    pair_end(fx, &pair);
}

static int die_in_sync(void *ctx, int file)
{
    (void)ctx;
    (void)file;
    leave_coverage();
    (void)kill(getpid(), SIGKILL);
    return 0;
}

/* Another process appends, and dies when it makes that durable. */
static void die_syncing(struct log_fixture *fx)
{
    pid_t child = fork();
    int how = 0;

    assert_true(child >= 0);
    if (child == 0) {
        flume_io io = *flume_io_posix();
        flume_log_options options = {
            .profile = FLUME_PROFILE_FORGETFUL, .io_mode = FLUME_IO_PWRITE, .io = &io};
        flume_log *log = NULL;

        io.sync = die_in_sync;
        if (flume_log_open(&log, fx->path, &options, NULL) != FLUME_OK ||
            flume_log_append(log, "two", 3, NULL) != FLUME_OK)
            leave(1);
        (void)flume_log_sync(log, FLUME_SEQ_NONE);
        leave(2);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void where_the_last_to_sync_died_it_is_closed_too(void **state)
{
    struct log_fixture *fx = *state;
    struct pair pair = {.is_held = false};

    pair_begin(fx, &pair);
    die_syncing(fx);
    expect_let_go(&pair);
    expect_text(fx->log, flume_log_head(fx->log) - 1, "two");
    pair_end(fx, &pair);
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* An allocator that has nothing large to give, once it is armed. */
struct stingy {
    struct fault_memory memory;
    void *(*honest_allocate)(void *ctx, size_t bytes);
    _Atomic bool is_armed;
    _Atomic unsigned refused;
};

static void *stingy_allocate(void *ctx, size_t bytes)
{
    enum { LARGE_BYTES = 8 << 10 };
    struct stingy *stingy = (struct stingy *)((uint8_t *)ctx - offsetof(struct stingy, memory));

    if (bytes < LARGE_BYTES || !atomic_load(&stingy->is_armed))
        return stingy->honest_allocate(ctx, bytes);
    (void)atomic_fetch_add(&stingy->refused, 1);
    return NULL;
}

/* A copy of what a power cut left, of three strata none of which is known to be durable. */
static void leave_unproven(struct log_fixture *fx, struct pair *pair)
{
    first_handle_begin(fx, pair);
    pair->is_held = true; /* Nobody syncs but who is told to. */
    fx->options.io = &pair->files.table;
    open_log(fx);
    while (stat_of(fx->log).strata_count < 3)
        (void)append_numbered(fx->log, 1000);
    (void)snprintf(fx->path, sizeof fx->path, "%s", copy_after_power_cut(fx, "copy.flume"));
    set(pair, &pair->is_held, false);
    close_log(fx);
    set(pair, &pair->is_held, true);
}

/* It is written once more before it counts as durable. Where it lies, who did not recover it finds
 * out by walking, which takes memory. */
static void without_memory_to_prove_bytes_nothing_is_acknowledged(void **state)
{
    struct log_fixture *fx = *state;
    struct pair pair = {.is_held = true};
    struct stingy stingy = {.refused = 0};
    flume_log *recovered;
    uint64_t durable;

    leave_unproven(fx, &pair);
    fault_memory_init(&stingy.memory);
    stingy.honest_allocate = stingy.memory.table.allocate;
    stingy.memory.table.allocate = stingy_allocate;
    open_log(fx);
    recovered = fx->log;
    fx->log = NULL;
    fx->options.allocator = &stingy.memory.table;
    open_log(fx);
    durable = flume_log_durable(fx->log);
    assert_true(durable < flume_log_head(fx->log));
    atomic_store(&stingy.is_armed, true);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_ERR_NO_MEMORY);
    expect_error(fx->log, FLUME_ERR_NO_MEMORY, "no memory to rebuild the slots of seq 0 on");
    assert_int_equal(atomic_load(&stingy.refused), 1);
    assert_int_equal(flume_log_durable(fx->log), durable);
    atomic_store(&stingy.is_armed, false);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_durable(fx->log), flume_log_head(fx->log));
    expect_text(fx->log, flume_log_head(fx->log) - 1, "999");
    set(&pair, &pair.is_held, false);
    close_handle(recovered);
    first_handle_end(fx, &pair);
    assert_int_equal(stingy.memory.live_blocks, 0);
    fault_memory_deinit(&stingy.memory);
    fx->options.allocator = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(a_file_that_another_sealed_is_closed),
        closed_log_test(while_somebody_syncs_it_stays_open),
        closed_log_test(where_the_last_to_sync_died_it_is_closed_too),
        closed_log_test(without_memory_to_prove_bytes_nothing_is_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
