/*
 * test_views_threads.c - many threads on the views of one handle and of two: made to be run under
 * TSan.
 *
 * Threads count what goes wrong; the test's own thread asserts.
 */
#include "view_fixture.h"

#define MS_NS (SECOND_NS / 1000)

enum { THREADS_MAX = 12, RUN_MS = 1200 };

struct shared {
    struct view_fixture *fx;
    _Atomic bool stop;
    _Atomic unsigned wrong, done;
    _Atomic unsigned called, called_back;
    pthread_mutex_t mutex;
    char first_wrong[256]; /* Guarded by mutex. */
};

struct worker {
    struct shared *shared;
    flume *handle;
    flume_view *view;
    unsigned index;
    pthread_t thread;
};

static void expect(struct worker *worker, bool right, const char *what, int status)
{
    struct shared *shared = worker->shared;
    flume_error error;

    if (right)
        return;
    flume_last_error(worker->handle, &error);
    (void)pthread_mutex_lock(&shared->mutex);
    if (atomic_fetch_add(&shared->wrong, 1) == 0)
        (void)snprintf(shared->first_wrong, sizeof shared->first_wrong, "%s: %d, %.200s", what,
                       status, error.message);
    (void)pthread_mutex_unlock(&shared->mutex);
}

static bool goes_on(const struct worker *worker)
{
    return !atomic_load(&worker->shared->stop);
}

static void count_done(struct worker *worker)
{
    (void)atomic_fetch_add(&worker->shared->done, 1);
}

/* ---- roles ---- */

static void *appender(void *ctx)
{
    struct worker *worker = ctx;

    while (goes_on(worker)) {
        uint64_t seq = 0;
        int status = flume_log_append(flume_log_of(worker->handle), "thread", 6, &seq);

        expect(worker, status == FLUME_OK, "append", status);
        count_done(worker);
        sleep_ns(50000);
    }
    return NULL;
}

static void *batch_appender(void *ctx)
{
    struct worker *worker = ctx;
    flume_entry entries[7];

    for (size_t i = 0; i < 7; i++)
        entries[i] = (flume_entry){.body = "batch", .body_bytes = 5};
    while (goes_on(worker)) {
        int status = flume_log_append_many(flume_log_of(worker->handle), entries, 7, NULL, NULL);

        expect(worker, status == FLUME_OK, "append a batch", status);
        count_done(worker);
        sleep_ns(200000);
    }
    return NULL;
}

static void look_at(struct worker *worker, flume_rows *rows)
{
    flume_bytes key, value;
    uint64_t count = 0, walked = 0, summed = 0;
    int status = flume_rows_count(rows, BY_SEQ, &count);

    expect(worker, status == FLUME_OK, "count", status);
    if (flume_rows_get(rows, BY_COUNT, "all", 3, &value) == FLUME_OK)
        memcpy(&summed, value.data, sizeof summed);
    expect(worker, summed == count, "rows and their sum differ", (int)(summed - count));
    status = flume_rows_seek(rows, BY_SEQ, NULL, 0);
    while (status == FLUME_OK && walked < 200) {
        status = flume_rows_next(rows, &key, &value);
        walked += status == FLUME_OK ? 1 : 0;
    }
    expect(worker, status == FLUME_OK || (status == FLUME_END && walked == count), "walk", status);
}

/* Paused by another thread; or a build that this one was at was cancelled by another. */
static bool is_others_doing(int status)
{
    return status == FLUME_ERR_STALE || status == FLUME_ERR_CANCELLED;
}

static void *asker(void *ctx)
{
    struct worker *worker = ctx;

    while (goes_on(worker)) {
        uint64_t head = flume_log_head(flume_log_of(worker->handle));
        flume_rows *rows = NULL;
        int status = flume_view_read(worker->view, NULL, &rows);

        expect(worker, status == FLUME_OK || is_others_doing(status), "ask", status);
        if (status == FLUME_OK) {
            expect(worker, flume_rows_as_of(rows) >= head, "an old answer", 0);
            look_at(worker, rows);
        }
        flume_rows_end(rows);
        count_done(worker);
    }
    return NULL;
}

static void *stale_asker(void *ctx)
{
    struct worker *worker = ctx;
    flume_ask asks[] = {{.flags = FLUME_ASK_STALE_OK},
                        {.timeout_ns = MS_NS},
                        {.flags = FLUME_ASK_AS_OF, .as_of = 1}};

    for (unsigned i = 0; goes_on(worker); i++) {
        flume_rows *rows = NULL;
        int status = flume_view_read(worker->view, &asks[i % 3], &rows);

        expect(worker,
               status == FLUME_OK || is_others_doing(status) || status == FLUME_ERR_TIMEOUT ||
                   status == FLUME_ERR_NOT_FOUND,
               "ask somehow", status);
        if (status == FLUME_OK)
            look_at(worker, rows);
        flume_rows_end(rows);
        count_done(worker);
    }
    return NULL;
}

static void *rebuilder(void *ctx)
{
    struct worker *worker = ctx;

    while (goes_on(worker)) {
        int status = flume_view_rebuild(worker->view, NULL);

        expect(worker, status == FLUME_OK || is_others_doing(status) || status == FLUME_ERR_BUSY,
               "rebuild", status);
        count_done(worker);
        sleep_ns(5 * MS_NS);
    }
    return NULL;
}

static void *canceller(void *ctx)
{
    struct worker *worker = ctx;

    while (goes_on(worker)) {
        int status = flume_view_rebuild_cancel(worker->view);

        expect(worker, status == FLUME_OK, "cancel", status);
        status = flume_view_request_rebuild(worker->handle, "record");
        expect(worker, status == FLUME_OK || status == FLUME_ERR_NOT_FOUND, "request", status);
        count_done(worker);
        sleep_ns(30 * MS_NS);
    }
    return NULL;
}

static void *pauser(void *ctx)
{
    struct worker *worker = ctx;

    while (goes_on(worker)) {
        int status = flume_view_pause(worker->view);

        expect(worker, status == FLUME_OK, "pause", status);
        sleep_ns(MS_NS);
        status = flume_view_resume(worker->view);
        expect(worker, status == FLUME_OK, "resume", status);
        count_done(worker);
        sleep_ns(20 * MS_NS);
    }
    return NULL;
}

static void *lister(void *ctx)
{
    struct worker *worker = ctx;
    flume_view_status rows[4];

    while (goes_on(worker)) {
        int count = flume_view_list(worker->handle, rows, 4);

        expect(worker, count == 2, "list", count);
        expect(worker, rows[0].synced_seq <= rows[0].head, "ahead of the log", 0);
        count = flume_view_status_of(worker->view, &rows[0]);
        expect(worker, count == FLUME_OK, "status", count);
        count = flume_view_remove(worker->handle, "record", 0);
        expect(worker, count == FLUME_OK || count == FLUME_ERR_NOT_FOUND, "remove", count);
        count_done(worker);
        sleep_ns(MS_NS);
    }
    return NULL;
}

static void note_call(void *ctx, int status)
{
    struct shared *shared = ctx;

    if (status == FLUME_OK || status == FLUME_ERR_CANCELLED)
        (void)atomic_fetch_add(&shared->called_back, 1);
}

static void *caller(void *ctx)
{
    struct worker *worker = ctx;
    int descriptor = -1;
    int status = flume_view_descriptor(worker->view, &descriptor);

    expect(worker, status == FLUME_OK, "descriptor", status);
    while (goes_on(worker)) {
        uint64_t head = flume_log_head(flume_log_of(worker->handle));

        status = flume_view_when(worker->view, head, note_call, worker->shared);
        expect(worker, status == FLUME_OK, "when", status);
        (void)atomic_fetch_add(&worker->shared->called, 1);
        (void)flume_view_synced(worker->view);
        count_done(worker);
        sleep_ns(MS_NS);
    }
    return NULL;
}

static void *verifier(void *ctx)
{
    struct worker *worker = ctx;

    while (goes_on(worker)) {
        flume_view_difference difference;
        int status = flume_view_verify(worker->view, NULL, &difference);

        expect(worker, status == FLUME_OK || is_others_doing(status), "verify", status);
        expect(worker, !difference.different, "a difference", 0);
        count_done(worker);
        sleep_ns(20 * MS_NS);
    }
    return NULL;
}

static void *opener(void *ctx)
{
    struct worker *worker = ctx;
    struct view_fixture *fx = worker->shared->fx;

    while (goes_on(worker)) {
        flume *handle = NULL;
        flume_view *view = NULL;
        flume_error error;
        int status = flume_open(&handle, fx->base->path, &fx->options, &error);

        expect(worker, status == FLUME_OK, "open", status);
        if (status != FLUME_OK)
            break;
        status = flume_view_find(handle, "record", &view);
        expect(worker, status == FLUME_OK, "find", status);
        if (atomic_load(&worker->shared->done) % 2 == 0) {
            status = flume_view_wait(view, NULL);
            expect(worker, status == FLUME_OK || is_others_doing(status), "wait", status);
        }
        status = flume_close(handle);
        expect(worker, status == FLUME_OK, "close", status);
        count_done(worker);
        sleep_ns(5 * MS_NS);
    }
    return NULL;
}

/* ---- running them ---- */

typedef void *(*role)(void *ctx);

enum handles { ONE_HANDLE, TWO_HANDLES };

static void run(struct view_fixture *fx, const role roles[], enum handles handles)
{
    struct recorder *first = recorder_create("record", 1), *second = recorder_create("second", 1);
    struct shared shared = {.fx = fx, .mutex = PTHREAD_MUTEX_INITIALIZER};
    struct worker workers[THREADS_MAX];
    unsigned count = 0;
    flume *another;

    define_view(fx, &first->definition);
    define_view(fx, &second->definition);
    open_views(fx);
    another = handles == TWO_HANDLES ? open_another(fx) : fx->flume;
    for (; roles[count] != NULL; count++) {
        struct worker *worker = &workers[count];

        *worker = (struct worker){.shared = &shared, .index = count};
        worker->handle = count % 2 == 0 ? fx->flume : another;
        worker->view = view_named(worker->handle, "record");
        assert_int_equal(pthread_create(&worker->thread, NULL, roles[count], worker), 0);
    }
    sleep_ns(RUN_MS * MS_NS);
    atomic_store(&shared.stop, true);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    if (atomic_load(&shared.wrong) != 0)
        fail_msg("%u things went wrong, first: %s", atomic_load(&shared.wrong), shared.first_wrong);
    assert_true(atomic_load(&shared.done) > count);
    assert_int_equal(flume_view_resume(view_named(fx->flume, "record")), FLUME_OK);
    expect_complete(view_named(fx->flume, "record"));
    expect_complete(view_named(another, "record"));
    expect_complete(view_named(another, "second"));
    if (another != fx->flume)
        close_another(another);
    close_views(fx);
    assert_int_equal(atomic_load(&shared.called), atomic_load(&shared.called_back));
    open_views(fx); /* What was left is good. */
    expect_complete(view_named(fx->flume, "record"));
    close_views(fx);
    recorder_destroy(first);
    recorder_destroy(second);
    forget_definitions(fx);
    run_command("rm -rf '%s'", fx->base->path);
}

static void askers_and_appenders_go_on_at_once(void **state)
{
    static const role roles[] = {appender, batch_appender, asker,  asker, stale_asker,
                                 caller,   lister,         caller, NULL};

    run(*state, roles, ONE_HANDLE);
    run(*state, roles, TWO_HANDLES);
}

static void so_they_do_without_workers(void **state)
{
    static const role roles[] = {appender, batch_appender, asker,  asker,
                                 asker,    stale_asker,    lister, NULL};
    struct view_fixture *fx = *state;

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    run(fx, roles, ONE_HANDLE);
    run(fx, roles, TWO_HANDLES);
}

static void rebuilds_go_on_beside_them(void **state)
{
    static const role roles[] = {appender,  asker,     batch_appender, asker,  stale_asker,
                                 rebuilder, rebuilder, lister,         caller, NULL};

    run(*state, roles, ONE_HANDLE);
    run(*state, roles, TWO_HANDLES);
}

static void rebuilds_go_on_without_workers(void **state)
{
    static const role roles[] = {appender,  asker,     batch_appender, asker, stale_asker,
                                 rebuilder, rebuilder, lister,         NULL};
    struct view_fixture *fx = *state;

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    run(fx, roles, ONE_HANDLE);
    run(fx, roles, TWO_HANDLES);
}

static void everything_at_once_goes_on(void **state)
{
    static const role roles[] = {appender,  asker,  batch_appender, asker,    rebuilder, rebuilder,
                                 canceller, pauser, lister,         verifier, opener,    NULL};

    run(*state, roles, ONE_HANDLE);
    run(*state, roles, TWO_HANDLES);
}

static void everything_at_once_goes_on_without_workers(void **state)
{
    static const role roles[] = {appender,  asker,  batch_appender, asker,    rebuilder, rebuilder,
                                 canceller, pauser, lister,         verifier, opener,    NULL};
    struct view_fixture *fx = *state;

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    run(fx, roles, ONE_HANDLE);
    run(fx, roles, TWO_HANDLES);
}

static void a_small_map_grows_under_many_threads(void **state)
{
    static const role roles[] = {appender,    batch_appender, batch_appender, asker,
                                 stale_asker, rebuilder,      lister,         NULL};
    struct view_fixture *fx = *state;

    fx->options.map_bytes = 1 << 20;
    run(fx, roles, ONE_HANDLE);
    run(fx, roles, TWO_HANDLES);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        views_test(askers_and_appenders_go_on_at_once),
        views_test(so_they_do_without_workers),
        views_test(rebuilds_go_on_beside_them),
        views_test(rebuilds_go_on_without_workers),
        views_test(everything_at_once_goes_on),
        views_test(everything_at_once_goes_on_without_workers),
        views_test(a_small_map_grows_under_many_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
