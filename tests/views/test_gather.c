/*
 * test_gather.c - when a worker holds a view back until a strata can be taken whole.
 */
#include "flume/seal.h"
#include "gather.h"
#include "view_fixture.h"

#include <string.h>

enum { STRATA_BYTES = 1 << 20, HOLD_RECORDS_MAX = 1 << 18, BODY_BYTES = 1000 };
#define QUIET_NS UINT64_C(150000000)

/* A view that could take a strata whole; that it does is not asked of it here. */
static int taking_sealed(void *state, flume_batch *batch, flume_log *log, uint64_t first_seq,
                         uint64_t end_seq, uint64_t *out_passed_over)
{
    (void)state;
    (void)batch;
    (void)log;
    (void)first_seq;
    (void)end_seq;
    (void)out_passed_over;
    return FLUME_ERR_NOT_FOUND;
}

/* A basin of two strata and a part of one, a view in it, and where its second strata begins. */
struct setting {
    struct view_fixture *fx;
    struct recorder *recorder;
    flume_view *view;
    uint64_t border;
    struct holding holding;
};

static flume_log *log_of(const struct setting *setting)
{
    return flume_log_of(setting->fx->flume);
}

static uint64_t append(const struct setting *setting)
{
    static const char body[BODY_BYTES];
    uint64_t seq;

    assert_int_equal(flume_log_append(log_of(setting), body, sizeof body, &seq), FLUME_OK);
    return seq;
}

static flume_strata_info strata_of(const struct setting *setting, uint64_t seq)
{
    flume_strata_info info;

    assert_int_equal(flume_log_strata(log_of(setting), seq, &info), FLUME_OK);
    return info;
}

static void open_setting(struct setting *setting, struct view_fixture *fx)
{
    flume_strata_info first;

    open_views(fx);
    setting->fx = fx;
    setting->view = view_named(fx->flume, "taker");
    while (strata_of(setting, append(setting)).first_seq == 0)
        continue;
    first = strata_of(setting, 0);
    setting->border = first.records;
    while (strata_of(setting, append(setting)).first_seq == setting->border)
        continue;
}

static struct setting begin(struct view_fixture *fx, const flume_seal_options *seal)
{
    struct setting setting = {.recorder = recorder_create("taker", 1)};

    setting.recorder->definition.sealed = taking_sealed;
    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    fx->options.log.strata_bytes = STRATA_BYTES;
    fx->options.log.seal = seal;
    define_view(fx, &setting.recorder->definition);
    open_setting(&setting, fx);
    return setting;
}

static void end(struct setting *setting)
{
    close_views(setting->fx);
    recorder_destroy(setting->recorder);
}

static bool holds_at(struct setting *setting, uint64_t seq)
{
    return gather_holds(setting->view, seq, flume_log_head(log_of(setting)), &setting->holding);
}

static const flume_seal_options in_background = {.strata_bytes_min = STRATA_BYTES};

/* The newest strata stays raw, whatever the sealing thread does meanwhile. */
static uint64_t newest_border(const struct setting *setting)
{
    return strata_of(setting, flume_log_head(log_of(setting)) - 1).first_seq;
}

static void a_view_before_a_raw_strata_is_held_back(void **state)
{
    struct setting setting = begin(*state, &in_background);

    assert_true(holds_at(&setting, newest_border(&setting)));
    end(&setting);
}

static void a_view_within_a_strata_is_not(void **state)
{
    struct setting setting = begin(*state, &in_background);

    (void)append(&setting);
    assert_false(holds_at(&setting, newest_border(&setting) + 1));
    assert_false(holds_at(&setting, newest_border(&setting) - 1));
    end(&setting);
}

static void what_is_sealed_is_waited_for_no_longer(void **state)
{
    struct setting setting = begin(*state, &in_background);
    flume_seal_report report;

    assert_int_equal(flume_log_sync(log_of(&setting), FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(log_of(&setting), NULL, &report), FLUME_OK);
    assert_true(strata_of(&setting, setting.border).sealed);
    assert_false(holds_at(&setting, setting.border));
    end(&setting);
}

static void what_is_not_going_to_be_sealed_is_not_waited_for(void **state)
{
    static const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST};
    static const flume_seal_options larger = {.strata_bytes_min = 2 * STRATA_BYTES};
    struct setting setting = begin(*state, &on_request);

    assert_false(holds_at(&setting, setting.border));
    close_views(setting.fx);
    setting.fx->options.log.seal = &larger;
    open_views(setting.fx);
    setting.view = view_named(setting.fx->flume, "taker");
    assert_false(holds_at(&setting, setting.border));
    end(&setting);
}

static void a_view_that_was_asked_is_not_held_back(void **state)
{
    struct setting setting = begin(*state, &in_background);
    uint64_t border = newest_border(&setting);

    assert_true(holds_at(&setting, border));
    assert_int_equal(flume_view_wait(setting.view, NULL), FLUME_OK);
    assert_false(holds_at(&setting, border));
    assert_false(holds_at(&setting, border)); /* Nor is it at the next look. */
    end(&setting);
}

static void a_view_that_is_far_behind_is_not_held_back(void **state)
{
    struct setting setting = begin(*state, &in_background);
    uint64_t border = newest_border(&setting);

    assert_true(
        gather_holds(setting.view, border, border + HOLD_RECORDS_MAX - 1, &setting.holding));
    assert_false(gather_holds(setting.view, border, border + HOLD_RECORDS_MAX, &setting.holding));
    end(&setting);
}

static void a_view_is_held_back_only_while_the_log_grows(void **state)
{
    struct setting setting = begin(*state, &in_background);
    uint64_t border = newest_border(&setting);

    assert_true(holds_at(&setting, border));
    sleep_ns(QUIET_NS); /* What is looked at is that nothing happens. */
    assert_false(holds_at(&setting, border));
    (void)append(&setting);
    assert_true(holds_at(&setting, border));
    end(&setting);
}

static void a_view_that_takes_records_alone_is_not_held_back(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = {.recorder = recorder_create("taker", 1)};

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    fx->options.log.strata_bytes = STRATA_BYTES;
    define_view(fx, &setting.recorder->definition);
    open_setting(&setting, fx);
    assert_false(holds_at(&setting, newest_border(&setting)));
    end(&setting);
}

/* A worker that holds its view back lets it go by itself. */
static void a_view_follows_once_the_log_is_quiet(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = {.recorder = recorder_create("taker", 1)};
    uint64_t until_ns = clock_ns() + UINT64_C(20000000000);

    setting.recorder->definition.sealed = taking_sealed;
    fx->options.log.strata_bytes = STRATA_BYTES;
    define_view(fx, &setting.recorder->definition);
    open_setting(&setting, fx);
    while (status_now(setting.view).lag_records != 0 && clock_ns() < until_ns)
        sleep_ns(5000000);
    assert_int_equal(status_now(setting.view).lag_records, 0);
    expect_recorded_all(setting.recorder, fx->flume);
    end(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(a_view_before_a_raw_strata_is_held_back),
        views_test(a_view_within_a_strata_is_not),
        views_test(what_is_sealed_is_waited_for_no_longer),
        views_test(what_is_not_going_to_be_sealed_is_not_waited_for),
        views_test(a_view_that_was_asked_is_not_held_back),
        views_test(a_view_that_is_far_behind_is_not_held_back),
        views_test(a_view_is_held_back_only_while_the_log_grows),
        views_test(a_view_that_takes_records_alone_is_not_held_back),
        views_test(a_view_follows_once_the_log_is_quiet),
    };

    return cmocka_run_group_tests_name("letting records gather", tests, NULL, NULL);
}
