/*
 * test_threads_log.c - many threads on one handle and on several: made to be run under TSan.
 *
 * Threads count what goes wrong; the test's own thread asserts. L5 and L8 of the list in
 * test_cursor.c are here.
 */
#include "log_fixture.h"

#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 8, ROUNDS = 400 };

struct shared {
    flume_log *logs[THREADS]; /* The handle of each thread; may all be the same. */
    const char *path;
    _Atomic unsigned wrong;   /* Anything that should not be. */
    _Atomic unsigned running; /* Appenders still at it. */
    _Atomic uint64_t appended;
    pthread_barrier_t start;
};

struct worker {
    struct shared *shared;
    unsigned index;
    pthread_t thread;
};

static void expect(struct shared *shared, bool right)
{
    if (!right)
        (void)atomic_fetch_add(&shared->wrong, 1);
}

/* The body says who wrote it as its how many-th, and how long it is. */
struct mark {
    uint32_t index, count;
};

static size_t mark_bytes(unsigned count)
{
    return sizeof(struct mark) + count * 37 % 700;
}

static void make_body(uint8_t *body, unsigned index, unsigned count)
{
    struct mark mark = {index, count};

    fill_bytes(body, mark_bytes(count), index);
    memcpy(body, &mark, sizeof mark);
}

static bool body_is_sound(const flume_record *record)
{
    static _Thread_local uint8_t body[1024];
    struct mark mark;

    if (record->body_bytes < sizeof mark)
        return false;
    memcpy(&mark, record->body, sizeof mark);
    if (record->body_bytes != mark_bytes(mark.count))
        return false;
    make_body(body, mark.index, mark.count);
    return memcmp(body, record->body, record->body_bytes) == 0;
}

static void append_marks(struct worker *worker, unsigned rounds)
{
    flume_log *log = worker->shared->logs[worker->index];
    uint8_t body[1024];
    uint64_t last = 0;

    for (unsigned i = 0; i < rounds; i++) {
        uint64_t seq = 0;

        make_body(body, worker->index, i);
        expect(worker->shared,
               flume_log_append(log, body, mark_bytes(i), &seq) == FLUME_OK && seq > last);
        (void)atomic_fetch_add(&worker->shared->appended, 1);
        last = seq;
    }
}

/* --- One role a thread --- */

static void *appender(void *ctx)
{
    struct worker *worker = ctx;

    (void)pthread_barrier_wait(&worker->shared->start);
    append_marks(worker, ROUNDS);
    (void)atomic_fetch_sub(&worker->shared->running, 1);
    return NULL;
}

static void *batch_appender(void *ctx)
{
    struct worker *worker = ctx;
    struct shared *shared = worker->shared;
    uint8_t bodies[5][1024];
    flume_entry entries[5];

    (void)pthread_barrier_wait(&shared->start);
    for (unsigned i = 0; i + 5 <= ROUNDS; i += 5) {
        for (unsigned k = 0; k < 5; k++) {
            make_body(bodies[k], worker->index, i + k);
            entries[k] = (flume_entry){.body = bodies[k], .body_bytes = mark_bytes(i + k)};
        }
        expect(shared, flume_log_append_many(shared->logs[worker->index], entries, 5, NULL, NULL) ==
                           FLUME_OK);
        (void)atomic_fetch_add(&shared->appended, 5);
    }
    (void)atomic_fetch_sub(&shared->running, 1);
    return NULL;
}

static void *reader(void *ctx)
{
    struct worker *worker = ctx;
    struct shared *shared = worker->shared;
    flume_log *log = shared->logs[worker->index];
    uint64_t random = worker->index + 1;

    (void)pthread_barrier_wait(&shared->start);
    while (atomic_load(&shared->running) > 0) {
        uint64_t head = flume_log_head(log);
        flume_record record, kept;

        random = random * UINT64_C(6364136223846793005) + 1;
        if (head == 0 || flume_log_get(log, (random >> 20) % head, &record) != FLUME_OK) {
            expect(shared, head == 0);
            continue;
        }
        flume_record_keep(&record, &kept);
        flume_record_release(&record);
        expect(shared, kept.kind == FLUME_KIND_MANIFEST || body_is_sound(&kept));
        flume_record_release(&kept);
    }
    return NULL;
}

/* Follows live; batches must be seen whole: the head never stands inside one. */
static void *follower(void *ctx)
{
    struct worker *worker = ctx;
    struct shared *shared = worker->shared;
    flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_MANIFESTS};
    flume_cursor *cursor = NULL;
    flume_record record;
    uint64_t next = 0;

    expect(shared, flume_cursor_open(shared->logs[worker->index], &options, &cursor) == FLUME_OK);
    (void)pthread_barrier_wait(&shared->start);
    while (cursor != NULL) {
        bool last_look = atomic_load(&shared->running) == 0;
        int status = flume_cursor_next(cursor, last_look ? 0 : 10000000, &record);

        if (status == FLUME_ERR_TIMEOUT && last_look)
            break;
        if (status == FLUME_ERR_TIMEOUT)
            continue;
        expect(shared, status == FLUME_OK && record.seq == next++);
        expect(shared, record.kind == FLUME_KIND_MANIFEST || body_is_sound(&record));
    }
    flume_cursor_close(cursor);
    return NULL;
}

static void *head_watcher(void *ctx)
{
    struct worker *worker = ctx;
    struct shared *shared = worker->shared;
    flume_log *log = shared->logs[worker->index];

    (void)pthread_barrier_wait(&shared->start);
    while (atomic_load(&shared->running) > 0) {
        uint64_t durable = flume_log_durable(log);
        uint64_t head = flume_log_head(log);
        flume_record record;

        expect(shared, durable <= head);
        if (head == 0 || flume_log_get(log, head - 1, &record) != FLUME_OK)
            continue;
        expect(shared, (record.flags & FLUME_RECORD_BATCH) == 0); /* L5: one step. */
        flume_record_release(&record);
    }
    return NULL;
}

static int count_record(void *ctx, const flume_record *record)
{
    struct worker *worker = ctx;

    expect(worker->shared, body_is_sound(record));
    return 0;
}

static void *subscriber(void *ctx)
{
    struct worker *worker = ctx;
    struct shared *shared = worker->shared;

    (void)pthread_barrier_wait(&shared->start);
    while (atomic_load(&shared->running) > 0) {
        flume_subscription *subscription = NULL;

        expect(shared, flume_subscribe(shared->logs[worker->index], NULL, count_record, worker,
                                       &subscription) == FLUME_OK);
        (void)sched_yield();
        flume_unsubscribe(subscription);
    }
    return NULL;
}

static void *syncer(void *ctx)
{
    struct worker *worker = ctx;
    struct shared *shared = worker->shared;
    flume_log *log = shared->logs[worker->index];
    flume_log_stat_info info;
    flume_error error;

    (void)pthread_barrier_wait(&shared->start);
    while (atomic_load(&shared->running) > 0) {
        uint64_t head = flume_log_head(log);

        expect(shared, flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK);
        expect(shared, flume_log_durable(log) >= head);
        expect(shared, flume_log_stat(log, &info) == FLUME_OK);
        expect(shared, flume_log_sync(log, UINT64_MAX - 1) == FLUME_ERR_NOT_FOUND);
        flume_log_error(log, &error);
    }
    return NULL;
}

static void *opener(void *ctx)
{
    struct worker *worker = ctx;
    struct shared *shared = worker->shared;

    (void)pthread_barrier_wait(&shared->start);
    while (atomic_load(&shared->running) > 0) {
        flume_log *log = NULL;
        flume_record record;

        if (flume_log_open(&log, shared->path, NULL, NULL) != FLUME_OK) {
            expect(shared, false);
            continue;
        }
        if (flume_log_head(log) > 0)
            expect(shared, flume_log_get(log, 0, &record) == FLUME_OK);
        expect(shared, flume_log_close(log) == FLUME_OK);
    }
    return NULL;
}

/* --- Running them --- */

static void run(struct log_fixture *fx, void *(*const roles[THREADS])(void *), bool one_handle)
{
    struct worker workers[THREADS];
    struct shared shared = {.path = fx->path};

    assert_int_equal(pthread_barrier_init(&shared.start, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        shared.logs[i] = one_handle || i == 0 ? fx->log : open_other(fx, 0);
        shared.running += roles[i] == appender || roles[i] == batch_appender ? 1 : 0;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.shared = &shared, .index = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, roles[i], &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (unsigned i = 1; i < THREADS && !one_handle; i++)
        close_handle(shared.logs[i]);
    (void)pthread_barrier_destroy(&shared.start);
    assert_int_equal(shared.wrong, 0);
}

/* Every appender's every record is there once, in the order in which it appended them. */
static void expect_all(struct log_fixture *fx, unsigned appenders)
{
    flume_cursor *cursor = open_cursor(fx->log, NULL);
    unsigned next[THREADS] = {0};
    unsigned complete = 0;
    flume_record record;
    int status;

    while ((status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK) {
        struct mark mark;

        assert_true(body_is_sound(&record));
        memcpy(&mark, record.body, sizeof mark);
        assert_true(mark.index < THREADS);
        assert_int_equal(mark.count, next[mark.index]);
        next[mark.index]++;
    }
    assert_int_equal(status, FLUME_END);
    flume_cursor_close(cursor);
    for (unsigned i = 0; i < THREADS; i++)
        complete += next[i] == ROUNDS ? 1 : 0;
    assert_int_equal(complete, appenders);
}

static void for_one_and_several_handles(struct log_fixture *fx,
                                        void *(*const roles[THREADS])(void *), unsigned appenders)
{
    fx->options.strata_bytes = 256 << 10; /* Rolls are part of it. */
    for (unsigned mode = FLUME_IO_MAPPED; mode <= FLUME_IO_PWRITE; mode++) {
        for (unsigned round = 0; round < 2; round++) {
            fx->options.io_mode = (enum flume_io_mode)mode;
            open_log(fx);
            run(fx, roles, round == 0);
            expect_all(fx, appenders);
            reopen_log(fx);
            expect_all(fx, appenders);
            close_log(fx);
            run_command("rm -rf '%s'", fx->path);
        }
    }
}

static void appends_of_many_threads_are_each_there_once(void **state)
{
    static void *(*const roles[THREADS])(void *) = {appender, appender, appender, appender,
                                                    appender, appender, appender, appender};

    for_one_and_several_handles(*state, roles, THREADS);
}

static void a_batch_is_seen_whole_or_not_at_all(void **state)
{
    static void *(*const roles[THREADS])(void *) = {batch_appender, batch_appender, batch_appender,
                                                    appender,       head_watcher,   head_watcher,
                                                    follower,       follower};

    for_one_and_several_handles(*state, roles, 4);
}

static void readers_followers_and_subscribers_see_only_whole_records(void **state)
{
    static void *(*const roles[THREADS])(void *) = {appender, appender, batch_appender, reader,
                                                    reader,   follower, subscriber,     subscriber};

    for_one_and_several_handles(*state, roles, 3);
}

static void everything_at_once_goes_on(void **state)
{
    static void *(*const roles[THREADS])(void *) = {appender,   batch_appender, reader, follower,
                                                    subscriber, syncer,         opener, opener};

    for_one_and_several_handles(*state, roles, 2);
}

static void everything_at_once_goes_on_under_safe(void **state)
{
    static void *(*const roles[THREADS])(void *) = {appender, batch_appender, appender, follower,
                                                    reader,   syncer,         syncer,   opener};
    struct log_fixture *fx = *state;

    fx->options.profile = FLUME_PROFILE_SAFE;
    for_one_and_several_handles(fx, roles, 3);
}

/* --- Conditional appends race for each seq; exactly one wins --- */

static void *racer(void *ctx)
{
    struct worker *worker = ctx;
    struct shared *shared = worker->shared;
    flume_log *log = shared->logs[worker->index];
    unsigned won = 0;

    (void)pthread_barrier_wait(&shared->start);
    while (won < 50) {
        flume_entry entry = {.body = "x", .body_bytes = 1, .kind = FLUME_KIND_USER};
        flume_condition condition = {.check = FLUME_IF_LAST, .kind = FLUME_KIND_USER};
        uint64_t seq = 0;
        int status = flume_log_last(log, FLUME_KIND_USER, &condition.last);

        expect(shared, status == FLUME_OK);
        status = flume_log_append_many(log, &entry, 1, &condition, &seq);
        expect(shared, status == FLUME_OK || status == FLUME_ERR_CONFLICT);
        won += status == FLUME_OK ? 1 : 0;
        if (status == FLUME_OK && condition.last != FLUME_SEQ_NONE)
            expect(shared, seq > condition.last);
    }
    return NULL;
}

static void racing_conditional_appends_have_one_winner_each(void **state)
{
    static const uint8_t kind = FLUME_KIND_USER;
    static void *(*const roles[THREADS])(void *) = {racer, racer, racer, racer,
                                                    racer, racer, racer, racer};
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.kinds = &kind, .kind_count = 1};

    for (unsigned round = 0; round < 2; round++) {
        flume_cursor *cursor;
        flume_record record;
        unsigned count = 0;

        open_log(fx);
        run(fx, roles, round == 0);
        cursor = open_cursor(fx->log, &options);
        while (flume_cursor_next(cursor, 0, &record) == FLUME_OK)
            count++;
        flume_cursor_close(cursor);
        assert_int_equal(count, THREADS * 50 * (round + 1));
        close_log(fx);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(appends_of_many_threads_are_each_there_once),
        closed_log_test(a_batch_is_seen_whole_or_not_at_all),
        closed_log_test(readers_followers_and_subscribers_see_only_whole_records),
        closed_log_test(everything_at_once_goes_on),
        closed_log_test(everything_at_once_goes_on_under_safe),
        closed_log_test(racing_conditional_appends_have_one_winner_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
