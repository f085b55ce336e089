/*
 * test_lane.c - lanes: who looks before he appends is alone, over all processes; names that one
 * holds.
 */
#include "process_fixture.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faultio.h"

enum { PROCESSES = 4, CLAIMS = 200, CLAIM_BYTES = 8 };

static void expect_refusal(flume_log *log, int status, int expected, const char *word)
{
    flume_error error;

    assert_int_equal(status, expected);
    flume_log_error(log, &error);
    assert_int_equal(error.status, expected);
    if (strstr(error.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, word);
}

/* In a child: append the numbers 0, 1, 2 ... by looking at the newest one; each of all once. */
static void play_claimer(struct role *role)
{
    flume_log *log = role_open(role, NULL);
    uint64_t number = 0;

    while (number < CLAIMS) {
        uint64_t last;
        flume_record record;

        role_require(flume_lane_enter(log, FLUME_LANE_SCOPE) == FLUME_OK, "enter");
        role_require(flume_log_last(log, FLUME_KIND_USER, &last) == FLUME_OK, "last");
        number = 0;
        if (last != FLUME_SEQ_NONE) {
            role_require(flume_log_get(log, last, &record) == FLUME_OK, "get %llu",
                         (unsigned long long)last);
            memcpy(&number, record.body, sizeof number);
            number++;
            flume_record_release(&record);
        }
        if (number < CLAIMS) {
            flume_entry entry = {
                .kind = FLUME_KIND_USER, .body = &number, .body_bytes = sizeof number};

            role_require(flume_log_append_entry(log, &entry, NULL) == FLUME_OK, "append");
        }
        flume_lane_leave(log, FLUME_LANE_SCOPE);
    }
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void of_several_that_look_and_append_each_finds_what_was_before(void **state)
{
    static const uint8_t kinds[] = {FLUME_KIND_USER};
    struct fixture *fx = *state;
    struct process processes[PROCESSES] = {0};
    flume_cursor_options options = {.kinds = kinds, .kind_count = 1};
    flume_cursor *cursor;
    flume_record record;
    flume_log *log;
    uint64_t expected = 0;

    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    for (size_t i = 0; i < PROCESSES; i++)
        process_start(fx, &processes[i], i, play_claimer, NULL);
    for (size_t i = 0; i < PROCESSES; i++) {
        process_join_well(&processes[i]);
        process_free(&processes[i]);
    }
    log = process_open_log(fx, 0);
    expect_ok(log, flume_cursor_open(log, &options, &cursor));
    while (flume_cursor_next(cursor, 0, &record) == FLUME_OK) {
        uint64_t number;

        assert_int_equal(record.body_bytes, CLAIM_BYTES);
        memcpy(&number, record.body, sizeof number);
        assert_int_equal(number, expected++);
    }
    assert_int_equal(expected, CLAIMS);
    flume_cursor_close(cursor);
    process_close_log(log);
}

/* In a child: enter, say so, and stay. */
static void play_occupant(struct role *role)
{
    flume_log_options options = {.program = "occupant"};
    flume_log *log = role_open(role, &options);

    role_require(flume_lane_enter(log, FLUME_LANE_SCOPE) == FLUME_OK, "enter");
    role_report(role, 0, 0);
    role_await(role);
}

static flume_log *open_impatient(struct fixture *fx)
{
    return open_with(fx->basin, &(flume_log_options){.lock_timeout_ns = SECOND / 10});
}

static void who_stays_inside_is_named_and_the_other_lane_is_free(void **state)
{
    struct fixture *fx = *state;
    struct process process = {0};
    flume_log *log;

    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    process_start(fx, &process, 0, play_occupant, NULL);
    (void)process_hear_word(&process);
    log = open_impatient(fx);
    expect_refusal(log, flume_lane_enter(log, FLUME_LANE_SCOPE), FLUME_ERR_BUSY, "occupant");
    expect_ok(log, flume_lane_enter(log, FLUME_LANE_KEY));
    flume_lane_leave(log, FLUME_LANE_KEY);
    expect_ok(log, flume_log_append(log, "x", 1, NULL)); /* It is no lock of the log. */
    process_kill(&process);
    expect_ok(log, flume_lane_enter(log, FLUME_LANE_SCOPE)); /* Free at once. */
    flume_lane_leave(log, FLUME_LANE_SCOPE);
    expect_ok(log, flume_lane_enter(log, FLUME_LANE_SCOPE)); /* And for good. */
    flume_lane_leave(log, FLUME_LANE_SCOPE);
    process_close_log(log);
    process_free(&process);
}

static void only_who_may_append_enters_a_lane_that_there_is(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    pid_t child;
    int how;

    expect_refusal(log, flume_lane_enter(log, (enum flume_lane)FLUME_LANES), FLUME_ERR_INVALID,
                   "no lane 2");
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(flume_lane_enter(log, FLUME_LANE_SCOPE) == FLUME_ERR_FORKED ? 0 : ROLE_FAILED);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    process_close_log(log);
    log = process_open_log(fx, FLUME_OPEN_READ_ONLY);
    expect_refusal(log, flume_lane_enter(log, FLUME_LANE_SCOPE), FLUME_ERR_READ_ONLY, "read only");
    process_close_log(log);
    assert_int_equal(flume_lane_enter(NULL, FLUME_LANE_SCOPE), FLUME_ERR_INVALID);
}

/* In a child: hold a name, say so, and stay. */
static void play_holder(struct role *role)
{
    flume_log *log = role_open(role, NULL);
    flume_hold *hold;

    role_require(flume_hold_begin(log, "name", 4, 0, NULL, NULL, &hold) == FLUME_OK, "hold");
    role_report(role, 0, 0);
    role_await(role);
}

static void a_name_is_held_by_one_until_it_lets_go_or_dies(void **state)
{
    struct fixture *fx = *state;
    struct process process = {0};
    flume_hold *hold = NULL, *other = NULL;
    flume_log *log;

    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    process_start(fx, &process, 0, play_holder, NULL);
    (void)process_hear_word(&process);
    log = process_open_log(fx, 0);
    expect_refusal(log, flume_hold_begin(log, "name", 4, 1, NULL, NULL, &hold), FLUME_ERR_BUSY,
                   "another holds this name");
    expect_refusal(log, flume_hold_begin(log, "name", 4, SECOND / 50, NULL, NULL, &hold),
                   FLUME_ERR_BUSY, "another holds this name");
    expect_ok(log, flume_hold_begin(log, "game", 4, 1, NULL, NULL, &other)); /* Another one. */
    process_kill(&process);
    expect_ok(log, flume_hold_begin(log, "name", 4, 0, NULL, NULL, &hold));
    flume_hold_end(other);
    /* The same process is no exception. */
    expect_refusal(log, flume_hold_begin(log, "name", 4, 1, NULL, NULL, &other), FLUME_ERR_BUSY,
                   "another holds this name");
    flume_hold_end(hold);
    expect_ok(log, flume_hold_begin(log, "name", 4, 1, NULL, NULL, &hold));
    flume_hold_end(hold);
    process_close_log(log);
    process_free(&process);
}

static bool give_up_at_third(void *ctx)
{
    int *asked = ctx;

    return ++*asked == 3;
}

static void waiting_for_a_name_can_be_given_up(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_hold *hold, *other;
    int asked = 0;

    expect_ok(log, flume_hold_begin(log, "x", 1, 0, give_up_at_third, &asked, &hold));
    assert_int_equal(asked, 0);
    expect_refusal(log, flume_hold_begin(log, "x", 1, 0, give_up_at_third, &asked, &other),
                   FLUME_ERR_CANCELLED, "given up");
    assert_int_equal(asked, 3);
    flume_hold_end(hold);
    flume_hold_end(NULL);
    process_close_log(log);
}

static void only_who_may_append_holds_a_name_that_is_one(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_hold *hold;
    pid_t child;
    int how;

    expect_refusal(log, flume_hold_begin(log, "", 0, 0, NULL, NULL, &hold), FLUME_ERR_INVALID,
                   "at least one byte");
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(flume_hold_begin(log, "x", 1, 0, NULL, NULL, &hold) == FLUME_ERR_FORKED
                  ? 0
                  : ROLE_FAILED);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    process_close_log(log);
    log = process_open_log(fx, FLUME_OPEN_READ_ONLY);
    expect_refusal(log, flume_hold_begin(log, "x", 1, 0, NULL, NULL, &hold), FLUME_ERR_READ_ONLY,
                   "read only");
    process_close_log(log);
    assert_int_equal(flume_hold_begin(NULL, "x", 1, 0, NULL, NULL, &hold), FLUME_ERR_INVALID);
}

/* Nothing is held then, and nothing leaks. */
static void a_name_that_cannot_be_held_is_told_and_can_be_held_later(void **state)
{
    static const struct {
        struct fault_plan plan;
        const char *word;
    } failures[] = {{{FAULT_OPEN, 1, -EMFILE, FAULT_ONCE}, "open"},
                    {{FAULT_LOCK, 1, -ENOLCK, FAULT_ONCE}, "lock a name"}};
    struct fixture *fx = *state;
    struct fault_memory memory;
    struct faultio fault;
    flume_log_options options = {
        .flags = FLUME_OPEN_CREATE, .io = &fault.table, .allocator = &memory.table};
    flume_hold *hold = NULL;
    flume_log *log;
    int files;

    faultio_init(&fault, flume_io_posix());
    fault_memory_init(&memory);
    log = open_with(fx->basin, &options);
    files = fault.open_files;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        faultio_plan(&fault, failures[i].plan);
        expect_refusal(log, flume_hold_begin(log, "x", 1, 1, NULL, NULL, &hold), FLUME_ERR_IO,
                       failures[i].word);
        assert_int_equal(faultio_heal(&fault), 1);
        assert_null(hold);
        assert_int_equal(fault.open_files, files);
    }
    fault_memory_plan(&memory, 1, FAULT_ONCE);
    expect_refusal(log, flume_hold_begin(log, "x", 1, 1, NULL, NULL, &hold), FLUME_ERR_NO_MEMORY,
                   "no memory");
    fault_memory_plan(&memory, 0, FAULT_ONCE);
    assert_int_equal(flume_hold_begin(log, "x", 1, 1, NULL, NULL, NULL), FLUME_ERR_INVALID);
    expect_ok(log, flume_hold_begin(log, "x", 1, 1, NULL, NULL, &hold));
    flume_hold_end(hold);
    process_close_log(log);
    assert_int_equal(fault.open_files, 0);
    assert_int_equal(memory.live_blocks, 0);
    faultio_deinit(&fault);
    fault_memory_deinit(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_several_that_look_and_append_each_finds_what_was_before,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(who_stays_inside_is_named_and_the_other_lane_is_free, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_who_may_append_enters_a_lane_that_there_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_name_is_held_by_one_until_it_lets_go_or_dies, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(waiting_for_a_name_can_be_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(only_who_may_append_holds_a_name_that_is_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_name_that_cannot_be_held_is_told_and_can_be_held_later,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
