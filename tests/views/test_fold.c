/*
 * test_fold.c - a program's own fold: its state, and streams that follow it.
 */
#include "find_fixture.h"

#include <errno.h>

/* How many records and bytes there were, and the last seq. */
struct tally {
    uint64_t records, bytes, last_seq;
};

/* A basin opened with the fold "tally". */
struct folded {
    struct find_fixture *fx;
    flume_view_definition *definition;
    flume *handle;
    flume_log *log;
    flume_view *view;
};

static int count_record(void *ctx, void *io_state, const flume_record *record)
{
    struct tally *tally = io_state;

    if (ctx != NULL && record_is(record, "bad"))
        return FLUME_ERR_INVALID;
    if (record_is(record, "ignored"))
        return FLUME_OK;
    tally->records++;
    tally->bytes += record->body_bytes;
    tally->last_seq = record->seq;
    return FLUME_OK;
}

static const struct tally initial = {.records = 1000};

static flume_fold tally_fold(void)
{
    return (flume_fold){.name = "tally",
                        .version = 1,
                        .initial = &initial,
                        .state_bytes = sizeof initial,
                        .step = count_record};
}

static void open_folded(struct folded *folded)
{
    const flume_view_definition *definitions[] = {folded->definition};
    flume_options options = {
        .log = folded->fx->files->options, .definitions = definitions, .definition_count = 1};

    assert_int_equal(flume_open(&folded->handle, folded->fx->files->path, &options, NULL),
                     FLUME_OK);
    folded->log = flume_log_of(folded->handle);
    assert_int_equal(flume_view_find(folded->handle, "tally", &folded->view), FLUME_OK);
}

static struct folded fold_basin(struct find_fixture *fx, const flume_fold *fold)
{
    struct folded folded = {.fx = fx};

    assert_int_equal(flume_fold_create(fold, &folded.definition), FLUME_OK);
    open_folded(&folded);
    return folded;
}

static void unfold(struct folded *folded)
{
    close_flume(folded->handle);
    flume_fold_destroy(folded->definition);
}

static void expect_tally(flume_view *view, uint64_t records, uint64_t bytes)
{
    struct tally tally;
    uint64_t as_of = 0;

    assert_int_equal(flume_fold_state(view, NULL, &tally, &as_of), FLUME_OK);
    assert_int_equal(tally.records, initial.records + records);
    assert_int_equal(tally.bytes, bytes);
    assert_int_equal(as_of, flume_log_head(flume_log_of(flume_of_view(view))));
}

static void the_state_is_the_initial_one_before_the_first_record(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);

    expect_tally(folded.view, 0, 0);
    unfold(&folded);
}

static void each_record_is_a_step(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);

    (void)append_text(folded.log, "one");
    expect_tally(folded.view, 1, 3);
    (void)append_text(folded.log, "ignored");
    (void)append_text(folded.log, "four");
    expect_tally(folded.view, 2, 7);
    unfold(&folded);
}

static void the_state_outlives_the_handle(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);

    (void)append_text(folded.log, "one");
    expect_tally(folded.view, 1, 3);
    close_flume(folded.handle);
    open_folded(&folded);
    expect_tally(folded.view, 1, 3);
    (void)append_text(folded.log, "four");
    expect_tally(folded.view, 2, 7);
    unfold(&folded);
}

static void handles_take_turns_in_stepping(void **state)
{
    flume_fold fold = tally_fold();
    struct folded one = fold_basin(*state, &fold), other = {.fx = *state};

    other.definition = one.definition; /* One definition may serve two handles. */
    open_folded(&other);
    for (unsigned i = 1; i <= 200; i++) {
        (void)append_text(i % 2 == 0 ? one.log : other.log, "x");
        expect_tally(i % 3 == 0 ? one.view : other.view, i, i);
    }
    close_flume(other.handle);
    unfold(&one);
}

static void a_rebuild_gives_the_same_state(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);
    flume_view_difference difference;

    (void)append_numbered(folded.log, 1000);
    expect_tally(folded.view, 1000, 2890);
    assert_int_equal(flume_view_verify(folded.view, NULL, &difference), FLUME_OK);
    assert_false(difference.different);
    assert_int_equal(flume_view_rebuild(folded.view, NULL), FLUME_OK);
    expect_tally(folded.view, 1000, 2890);
    unfold(&folded);
}

static void a_step_that_refuses_fails_the_view(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded;
    struct tally tally;

    fold.ctx = &fold; /* Refuse "bad". */
    folded = fold_basin(*state, &fold);
    (void)append_text(folded.log, "bad");
    assert_int_equal(flume_fold_state(folded.view, NULL, &tally, NULL), FLUME_ERR_VIEW);
    unfold(&folded);
}

static void a_fold_that_breaks_a_rule_is_refused(void **state)
{
    flume_view_definition *definition = NULL;
    flume_fold fold = tally_fold();

    (void)state;
    fold.state_bytes = 0;
    assert_int_equal(flume_fold_create(&fold, &definition), FLUME_ERR_INVALID);
    fold.state_bytes = (64 << 10) + 1;
    assert_int_equal(flume_fold_create(&fold, &definition), FLUME_ERR_INVALID);
    fold = tally_fold();
    fold.step = NULL;
    assert_int_equal(flume_fold_create(&fold, &definition), FLUME_ERR_INVALID);
    fold = tally_fold();
    fold.name = "a-name-that-is-longer-than-the-forty-bytes-there-are";
    assert_int_equal(flume_fold_create(&fold, &definition), FLUME_ERR_INVALID);
    assert_null(definition);
    flume_fold_destroy(NULL); /* Harmless. */
}

static void a_view_that_is_no_fold_has_no_state(void **state)
{
    struct find_fixture *fx = *state;
    struct tally tally;
    flume_view *view = NULL;

    assert_int_equal(flume_view_find(fx->handle, "hash", &view), FLUME_OK);
    assert_int_equal(flume_fold_state(view, NULL, &tally, NULL), FLUME_ERR_INVALID);
}

/* ---- streams ---- */

/* What a stream delivered. Written under the mutex; tests wait for it to move. */
struct follower {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    struct tally last;
    uint64_t as_of;
    unsigned deliveries, stop_after;
    bool rises;
    flume_fold_stream *close_within; /* To be closed by the callback itself. */
};

static void follower_init(struct follower *follower)
{
    *follower = (struct follower){.rises = true};
    assert_int_equal(pthread_mutex_init(&follower->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&follower->moved, NULL), 0);
}

static void follower_deinit(struct follower *follower)
{
    (void)pthread_cond_destroy(&follower->moved);
    (void)pthread_mutex_destroy(&follower->mutex);
}

static int follow(void *ctx, const void *state, uint64_t as_of)
{
    struct follower *follower = ctx;
    struct tally tally;
    int answer;

    memcpy(&tally, state, sizeof tally);
    (void)pthread_mutex_lock(&follower->mutex);
    follower->rises = follower->rises &&
                      (follower->deliveries == 0 ||
                       (tally.records > follower->last.records && as_of > follower->as_of));
    follower->last = tally;
    follower->as_of = as_of;
    follower->deliveries++;
    answer = follower->deliveries == follower->stop_after;
    if (follower->close_within != NULL)
        flume_fold_stream_close(follower->close_within);
    follower->close_within = NULL;
    (void)pthread_cond_broadcast(&follower->moved);
    (void)pthread_mutex_unlock(&follower->mutex);
    return answer;
}

static void wait_for_records(struct follower *follower, uint64_t records)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    (void)pthread_mutex_lock(&follower->mutex);
    while (follower->deliveries == 0 || follower->last.records < initial.records + records)
        assert_int_equal(pthread_cond_timedwait(&follower->moved, &follower->mutex, &until), 0);
    assert_int_equal(follower->last.records, initial.records + records);
    (void)pthread_mutex_unlock(&follower->mutex);
}

/* ---- until the worker has told everybody what was asked for before ---- */

struct told {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool is_told;
};

static void tell(void *ctx, int status)
{
    struct told *told = ctx;

    (void)status;
    (void)pthread_mutex_lock(&told->mutex);
    told->is_told = true;
    (void)pthread_cond_signal(&told->moved);
    (void)pthread_mutex_unlock(&told->mutex);
}

static void wait_for_worker(struct folded *folded)
{
    struct told told = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

    assert_int_equal(flume_view_when(folded->view, flume_log_head(folded->log), tell, &told),
                     FLUME_OK);
    (void)pthread_mutex_lock(&told.mutex);
    while (!told.is_told)
        (void)pthread_cond_wait(&told.moved, &told.mutex);
    (void)pthread_mutex_unlock(&told.mutex);
}

static void a_stream_gives_the_state_now_and_each_change(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);
    flume_fold_stream *stream = NULL;
    struct follower follower;

    follower_init(&follower);
    (void)append_text(folded.log, "before");
    assert_int_equal(flume_fold_follow(folded.view, follow, &follower, &stream), FLUME_OK);
    wait_for_records(&follower, 1);
    for (unsigned i = 2; i < 50; i++) {
        (void)append_text(folded.log, "ignored"); /* Changes nothing. */
        wait_for_worker(&folded);
        (void)append_text(folded.log, "x");
        wait_for_records(&follower, i);
    }
    assert_true(follower.rises);
    assert_int_equal(follower.deliveries, 49);
    flume_fold_stream_close(stream);
    unfold(&folded);
    follower_deinit(&follower);
}

static void a_stream_follows_what_another_handle_appends(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);
    flume_fold_stream *stream = NULL;
    struct follower follower;

    follower_init(&follower);
    assert_int_equal(flume_fold_follow(folded.view, follow, &follower, &stream), FLUME_OK);
    wait_for_records(&follower, 0);
    (void)append_numbered(folded.fx->log, 500);
    wait_for_records(&follower, 500);
    flume_fold_stream_close(stream);
    unfold(&folded);
    follower_deinit(&follower);
}

static void no_callback_comes_after_close(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);
    struct tally tally;

    for (unsigned i = 0; i < 100; i++) {
        flume_fold_stream *stream = NULL;
        struct follower follower;

        follower_init(&follower);
        assert_int_equal(flume_fold_follow(folded.view, follow, &follower, &stream), FLUME_OK);
        (void)append_text(folded.log, "x");
        if (i % 2 == 0)
            wait_for_records(&follower, i + 1);
        flume_fold_stream_close(stream);
        follower_deinit(&follower); /* It is on this stack: a late callback would be seen. */
        memset(&follower, 0xa5, sizeof follower);
        assert_int_equal(flume_fold_state(folded.view, NULL, &tally, NULL), FLUME_OK);
    }
    unfold(&folded);
}

/* A callback that stays inside until it is let go. */
struct held {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool is_inside, may_leave, has_left;
    flume_fold_stream *stream;
};

static int stay_inside(void *ctx, const void *state, uint64_t as_of)
{
    struct held *held = ctx;

    (void)state;
    (void)as_of;
    (void)pthread_mutex_lock(&held->mutex);
    held->is_inside = true;
    (void)pthread_cond_broadcast(&held->moved);
    while (!held->may_leave)
        (void)pthread_cond_wait(&held->moved, &held->mutex);
    held->has_left = true;
    (void)pthread_mutex_unlock(&held->mutex);
    return 0;
}

static void *close_stream(void *ctx)
{
    struct held *held = ctx;

    flume_fold_stream_close(held->stream);
    return held;
}

static void close_waits_for_the_callback_that_runs(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);
    struct held held = {.mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct timespec soon;
    pthread_t closer;

    assert_int_equal(flume_fold_follow(folded.view, stay_inside, &held, &held.stream), FLUME_OK);
    (void)pthread_mutex_lock(&held.mutex);
    while (!held.is_inside)
        (void)pthread_cond_wait(&held.moved, &held.mutex);
    (void)pthread_mutex_unlock(&held.mutex);
    assert_int_equal(pthread_create(&closer, NULL, close_stream, &held), 0);
    (void)clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += soon.tv_nsec >= 900000000;
    soon.tv_nsec = (soon.tv_nsec + 100000000) % 1000000000;
    assert_int_equal(pthread_timedjoin_np(closer, NULL, &soon), ETIMEDOUT);
    (void)pthread_mutex_lock(&held.mutex);
    held.may_leave = true;
    (void)pthread_cond_broadcast(&held.moved);
    (void)pthread_mutex_unlock(&held.mutex);
    assert_int_equal(pthread_join(closer, NULL), 0);
    assert_true(held.has_left);
    unfold(&folded);
}

static void a_callback_can_end_its_stream(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);
    flume_fold_stream *stream = NULL, *later_stream = NULL;
    struct follower follower, later;

    follower_init(&follower);
    follower_init(&later);
    follower.stop_after = 1;
    assert_int_equal(flume_fold_follow(folded.view, follow, &follower, &stream), FLUME_OK);
    wait_for_records(&follower, 0);
    (void)append_text(folded.log, "x");
    assert_int_equal(flume_fold_follow(folded.view, follow, &later, &later_stream), FLUME_OK);
    wait_for_records(&later, 1); /* The first would have been told before. */
    flume_fold_stream_close(later_stream);
    flume_fold_stream_close(stream);
    assert_int_equal(follower.deliveries, 1);
    unfold(&folded);
    follower_deinit(&later);
    follower_deinit(&follower);
}

static void a_callback_may_close_its_stream(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);
    flume_fold_stream *stream = NULL;
    struct follower follower;

    follower_init(&follower);
    assert_int_equal(flume_fold_follow(folded.view, follow, &follower, &stream), FLUME_OK);
    wait_for_records(&follower, 0);
    (void)pthread_mutex_lock(&follower.mutex);
    follower.close_within = stream;
    (void)pthread_mutex_unlock(&follower.mutex);
    (void)append_text(folded.log, "x");
    wait_for_records(&follower, 1);
    unfold(&folded);
    assert_null(follower.close_within);
    follower_deinit(&follower);
}

static void a_stream_may_be_closed_after_its_handle(void **state)
{
    flume_fold fold = tally_fold();
    struct folded folded = fold_basin(*state, &fold);
    flume_fold_stream *stream = NULL;
    struct follower follower;

    follower_init(&follower);
    assert_int_equal(flume_fold_follow(folded.view, follow, &follower, &stream), FLUME_OK);
    wait_for_records(&follower, 0);
    unfold(&folded);
    flume_fold_stream_close(stream);
    follower_deinit(&follower);
}

static void following_needs_workers(void **state)
{
    struct find_fixture *fx = *state;
    flume_fold fold = tally_fold();
    flume_view_definition *definition = NULL;
    const flume_view_definition *definitions[1];
    flume_options options = {
        .views = FLUME_VIEWS_NO_WORKERS, .definitions = definitions, .definition_count = 1};
    flume_fold_stream *stream = NULL;
    struct follower follower;
    flume_view *view = NULL;
    flume *handle = NULL;

    follower_init(&follower);
    assert_int_equal(flume_fold_create(&fold, &definition), FLUME_OK);
    definitions[0] = definition;
    assert_int_equal(flume_open(&handle, fx->files->path, &options, NULL), FLUME_OK);
    assert_int_equal(flume_view_find(handle, "tally", &view), FLUME_OK);
    assert_int_equal(flume_fold_follow(view, follow, &follower, &stream), FLUME_ERR_INVALID);
    assert_null(stream);
    expect_tally(view, 0, 0);
    close_flume(handle);
    flume_fold_destroy(definition);
    follower_deinit(&follower);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        find_test(the_state_is_the_initial_one_before_the_first_record),
        find_test(each_record_is_a_step),
        find_test(the_state_outlives_the_handle),
        find_test(handles_take_turns_in_stepping),
        find_test(a_rebuild_gives_the_same_state),
        find_test(a_step_that_refuses_fails_the_view),
        find_test(a_fold_that_breaks_a_rule_is_refused),
        find_test(a_view_that_is_no_fold_has_no_state),
        find_test(a_stream_gives_the_state_now_and_each_change),
        find_test(a_stream_follows_what_another_handle_appends),
        find_test(no_callback_comes_after_close),
        find_test(close_waits_for_the_callback_that_runs),
        find_test(a_callback_can_end_its_stream),
        find_test(a_callback_may_close_its_stream),
        find_test(a_stream_may_be_closed_after_its_handle),
        find_test(following_needs_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
