/*
 * test_window.c - windows of the active strata: made ready ahead of who appends fast, and each
 * unmapped once.
 */
#include "log_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "handle.h"

enum {
    LIVE_MAX = 1024,
    RECORD_BYTES = 60001, /* Windows end in the middle of one. */
    SOME_RECORDS = 600,   /* 36 MB: more than two strata. */
    RECORDS_MAX = 4096
};

/* The POSIX table; what it maps is written down. */
struct watch {
    flume_io io;
    pthread_mutex_t mutex;
    struct {
        uint8_t *data;
        size_t bytes;
    } live[LIVE_MAX];
    size_t live_count;
    unsigned touches, strangers; /* Strangers: calls about what is not mapped. */
    uint64_t begun_ns, skew_ns;
    uint64_t skew_each_ns; /* By how much the clock moves with each window. */
    uint64_t refuse_at;    /* The last place of which the first map was refused; 0: none. */
    unsigned refused;
    bool refusing;
    int slots_file; /* That of the strata being made ahead; -1: none. */
    uint64_t slots_bytes;
};

static size_t find_live(const struct watch *watch, const uint8_t *data, size_t bytes)
{
    size_t i = 0;

    while (i < watch->live_count && (data < watch->live[i].data ||
                                     data + bytes > watch->live[i].data + watch->live[i].bytes))
        i++;
    return i;
}

static bool refuses(struct watch *watch, uint64_t offset, bool writable)
{
    bool refused = false;

    (void)pthread_mutex_lock(&watch->mutex);
    if (writable && offset > 0) {
        refused = watch->refusing && offset != watch->refuse_at;
        watch->refuse_at = offset;
        watch->refused += refused;
    }
    if (writable)
        watch->skew_ns += watch->skew_each_ns;
    (void)pthread_mutex_unlock(&watch->mutex);
    return refused;
}

static int watch_map(void *ctx, int file, uint64_t offset, size_t bytes, bool writable,
                     void **out_data)
{
    struct watch *watch = ctx;
    int error = refuses(watch, offset, writable) ? -ENOMEM : 0;

    if (error == 0)
        error = flume_io_posix()->map(NULL, file, offset, bytes, writable, out_data);
    (void)pthread_mutex_lock(&watch->mutex);
    if (error == 0 && watch->live_count < LIVE_MAX) {
        watch->live[watch->live_count].data = *out_data;
        watch->live[watch->live_count++].bytes = bytes;
    }
    (void)pthread_mutex_unlock(&watch->mutex);
    return error;
}

static void watch_unmap(void *ctx, void *data, size_t bytes)
{
    struct watch *watch = ctx;
    size_t i;

    (void)pthread_mutex_lock(&watch->mutex);
    i = find_live(watch, data, bytes);
    if (i == watch->live_count || watch->live[i].data != data || watch->live[i].bytes != bytes)
        watch->strangers++;
    else
        watch->live[i] = watch->live[--watch->live_count];
    (void)pthread_mutex_unlock(&watch->mutex);
    flume_io_posix()->unmap(NULL, data, bytes);
}

static void watch_touch(void *ctx, void *data, size_t bytes)
{
    struct watch *watch = ctx;

    (void)pthread_mutex_lock(&watch->mutex);
    watch->strangers += find_live(watch, data, bytes) == watch->live_count;
    watch->touches++;
    (void)pthread_mutex_unlock(&watch->mutex);
    flume_io_posix()->touch(NULL, data, bytes);
}

/* A thousandth of the time that passes, so that a busy machine appends fast, too. */
static uint64_t watch_monotonic_ns(void *ctx)
{
    struct watch *watch = ctx;
    uint64_t now_ns = flume_io_posix()->monotonic_ns(NULL) - watch->begun_ns;

    (void)pthread_mutex_lock(&watch->mutex);
    now_ns = now_ns / 1000 + watch->skew_ns;
    (void)pthread_mutex_unlock(&watch->mutex);
    return now_ns;
}

static int watch_open(void *ctx, const char *path, unsigned flags)
{
    struct watch *watch = ctx;
    int file = flume_io_posix()->open(NULL, path, flags);

    (void)pthread_mutex_lock(&watch->mutex);
    if (watch->slots_file == file)
        watch->slots_file = -1;
    if (strstr(path, "prepare.slots.tmp") != NULL)
        watch->slots_file = file;
    (void)pthread_mutex_unlock(&watch->mutex);
    return file;
}

static int64_t watch_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct watch *watch = ctx;

    (void)pthread_mutex_lock(&watch->mutex);
    if (file == watch->slots_file && offset + bytes > watch->slots_bytes)
        watch->slots_bytes = offset + bytes;
    (void)pthread_mutex_unlock(&watch->mutex);
    return flume_io_posix()->pwrite(NULL, file, source, bytes, offset);
}

static struct watch *watch_begin(struct log_fixture *fx)
{
    struct watch *watch = calloc(1, sizeof *watch);

    assert_non_null(watch);
    (void)pthread_mutex_init(&watch->mutex, NULL);
    watch->begun_ns = flume_io_posix()->monotonic_ns(NULL);
    watch->slots_file = -1;
    watch->io = *flume_io_posix();
    watch->io.ctx = watch;
    watch->io.map = watch_map;
    watch->io.unmap = watch_unmap;
    watch->io.touch = watch_touch;
    watch->io.monotonic_ns = watch_monotonic_ns;
    watch->io.open = watch_open;
    watch->io.pwrite = watch_pwrite;
    fx->options.io = &watch->io;
    fx->options.io_mode = FLUME_IO_MAPPED;
    fx->options.strata_bytes = 16 << 20;
    open_log(fx);
    return watch;
}

static unsigned touches_of(struct watch *watch)
{
    unsigned touches;

    (void)pthread_mutex_lock(&watch->mutex);
    touches = watch->touches;
    (void)pthread_mutex_unlock(&watch->mutex);
    return touches;
}

/* All is read back; close the log: nothing is mapped any longer. Ends the watch. */
static void watch_end(struct log_fixture *fx, struct watch *watch, const uint64_t *seqs,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        expect_bytes(fx->log, seqs[i], RECORD_BYTES, i);
    close_log(fx);
    assert_int_equal(watch->live_count, 0);
    assert_int_equal(watch->strangers, 0);
    fx->options.io = NULL;
    (void)pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

/* A while, for one to be made ahead: the preparer may have no processor of its own. */
static void wait_for_strata(flume_log *log)
{
    for (unsigned i = 0; i < 200 && atomic_load(&log->head->prepared_bytes) == 0; i++)
        (void)usleep(1000);
}

static void who_appends_fast_finds_the_next_window_ready(void **state)
{
    struct log_fixture *fx = *state;
    struct watch *watch = watch_begin(fx);
    uint64_t seqs[RECORDS_MAX];
    unsigned count = 0, some;

    while (touches_of(watch) == 0 && count < RECORDS_MAX / 2) {
        seqs[count] = append_bytes(fx->log, RECORD_BYTES, count);
        if (++count % 64 == 0)
            wait_for_strata(fx->log);
    }
    assert_true(touches_of(watch) > 0);
    for (some = count + 600; count < some; count++) /* Two strata: ready, or not yet. */
        seqs[count] = append_bytes(fx->log, RECORD_BYTES, count);
    watch_end(fx, watch, seqs, count);
}

static void who_appends_seldom_has_one_window(void **state)
{
    struct log_fixture *fx = *state;
    struct watch *watch = watch_begin(fx);
    uint64_t seqs[SOME_RECORDS];

    watch->skew_each_ns = 2 * SECOND_NS;
    for (unsigned i = 0; i < SOME_RECORDS; i++)
        seqs[i] = append_bytes(fx->log, RECORD_BYTES, i);
    assert_int_equal(touches_of(watch), 0);
    watch_end(fx, watch, seqs, SOME_RECORDS);
}

static void a_next_window_that_cannot_be_mapped_costs_no_record(void **state)
{
    struct log_fixture *fx = *state;
    struct watch *watch = watch_begin(fx);
    const struct head *head = fx->log->head;
    uint64_t seqs[RECORDS_MAX];
    unsigned count = 0;

    while (watch->refused < 2 && count < RECORDS_MAX) {
        /* Then the first map of each place is of a next window. */
        watch->refusing = head->active_zeroed_to == atomic_load(&head->active_bytes);
        seqs[count] = append_bytes(fx->log, RECORD_BYTES, count);
        if (++count % 64 == 0)
            wait_for_strata(fx->log);
    }
    assert_true(watch->refused >= 2);
    watch_end(fx, watch, seqs, count);
}

static void the_slots_made_ahead_have_zeros_where_they_will_be_needed(void **state)
{
    struct log_fixture *fx = *state;
    struct watch *watch = watch_begin(fx);
    uint64_t seqs[SOME_RECORDS], zeros = 0;

    for (unsigned i = 0; i < SOME_RECORDS; i++)
        seqs[i] = append_bytes(fx->log, RECORD_BYTES, i);
    for (unsigned waited = 0; zeros == 0 && waited < 20000; waited++) {
        (void)usleep(1000);
        (void)pthread_mutex_lock(&watch->mutex);
        zeros = watch->slots_bytes;
        (void)pthread_mutex_unlock(&watch->mutex);
    }
    assert_true(zeros >= (16 << 20) / RECORD_BYTES / 2 * sizeof(uint32_t));
    assert_true(zeros < 65536); /* Not all that there is room for. */
    watch_end(fx, watch, seqs, SOME_RECORDS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(who_appends_fast_finds_the_next_window_ready),
        closed_log_test(who_appends_seldom_has_one_window),
        closed_log_test(a_next_window_that_cannot_be_mapped_costs_no_record),
        closed_log_test(the_slots_made_ahead_have_zeros_where_they_will_be_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
