/*
 * test_board.c - boards: words that all processes attached to a basin share, found by name.
 */
#include "process_fixture.h"

#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handle.h"

enum { NOBODY = 65534, ROUNDS = 2000, RAISERS = 4, RAISES = 20000 };

/* --- Verbs -------------------------------------------------------------------------------------*/

static flume_board *board_of(flume_log *log, const char *name)
{
    flume_board *board = NULL;

    expect_ok(log, flume_log_board(log, name, &board));
    assert_non_null(board);
    return board;
}

/* In a child. */
static flume_board *role_board(flume_log *log, const char *name)
{
    flume_board *board = NULL;
    int status = flume_log_board(log, name, &board);

    role_require(status == FLUME_OK, "board %s: %s", name, flume_status_name(status));
    return board;
}

static void expect_words(const flume_board *board, uint64_t value)
{
    for (unsigned word = 0; word < FLUME_BOARD_WORDS; word++)
        assert_int_equal(flume_board_read(board, word), value);
}

static void expect_refused(flume_log *log, const char *name, int status, const char *word)
{
    flume_board *untouched = (flume_board *)&status;
    flume_board *board = untouched;
    flume_error error;

    assert_int_equal(flume_log_board(log, name, &board), status);
    assert_ptr_equal(board, untouched);
    flume_log_error(log, &error);
    assert_int_equal(error.status, status);
    assert_non_null(strstr(error.message, word));
}

/* The POSIX table, counting waits and wakes; a deaf one wakes nobody. */
struct counted {
    flume_io io;
    _Atomic unsigned waits, wakes;
    bool is_deaf;
};

static void count_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct counted *counted = ctx;

    (void)atomic_fetch_add(&counted->waits, 1);
    flume_io_posix()->wait(flume_io_posix()->ctx, word, expected, timeout_ns);
}

static void count_wake(void *ctx, const uint32_t *word)
{
    struct counted *counted = ctx;

    (void)atomic_fetch_add(&counted->wakes, 1);
    if (!counted->is_deaf)
        flume_io_posix()->wake(flume_io_posix()->ctx, word);
}

/* Read-only, so that no helper of the handle waits or wakes. */
static flume_log *open_counted(struct fixture *fx, struct counted *counted)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .io = &counted->io};

    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    counted->io = *flume_io_posix();
    counted->io.ctx = counted;
    counted->io.wait = count_wait;
    counted->io.wake = count_wake;
    return open_with(fx->basin, &options);
}

/* A thread that waits until word 0 has left a value, as any caller would: in a loop. */
struct waiter_thread {
    pthread_t thread;
    flume_board *board;
    uint64_t left, found;
    _Atomic unsigned returns;
};

static void *wait_loop(void *ctx)
{
    struct waiter_thread *waiter = ctx;

    while ((waiter->found = flume_board_read(waiter->board, 0)) == waiter->left) {
        flume_board_wait(waiter->board, 0, waiter->left, FLUME_WAIT_FOREVER);
        (void)atomic_fetch_add(&waiter->returns, 1);
    }
    return NULL;
}

static void start_waiter(struct waiter_thread *waiter, flume_board *board)
{
    waiter->board = board;
    waiter->left = flume_board_read(board, 0);
    atomic_store(&waiter->returns, 0);
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_loop, waiter), 0);
}

/* Until it sleeps, which the table has counted. */
static void await_waits(struct counted *counted, unsigned waits)
{
    uint64_t until_ns = process_now_ns() + 20 * SECOND;

    while (atomic_load(&counted->waits) < waits && process_now_ns() < until_ns)
        pause_ns(MS);
    assert_true(atomic_load(&counted->waits) >= waits);
}

/* --- Names and words ---------------------------------------------------------------------------*/

static void a_name_is_the_same_words_for_every_handle(void **state)
{
    struct fixture *fx = *state;
    flume_log *one = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_log *other = process_open_log(fx, 0);
    flume_board *board = board_of(one, "view.hash");
    flume_board *same = board_of(other, "view.hash");

    assert_ptr_equal(board_of(one, "view.hash"), board);
    flume_board_write(board, 0, 17);
    flume_board_write(same, FLUME_BOARD_WORDS - 1, UINT64_MAX);
    assert_int_equal(flume_board_read(same, 0), 17);
    assert_int_equal(flume_board_read(board, FLUME_BOARD_WORDS - 1), UINT64_MAX);
    process_close_log(one);
    assert_int_equal(flume_board_read(same, 0), 17); /* Somebody is still attached. */
    process_close_log(other);
}

static void different_names_are_different_words_and_begin_at_zero(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    char longest[FLUME_BOARD_NAME_BYTES_MAX + 1], nearly[FLUME_BOARD_NAME_BYTES_MAX + 1];
    const char *names[] = {"a", "aa", "A", "a ", longest, nearly};

    memset(longest, 'x', FLUME_BOARD_NAME_BYTES_MAX);
    longest[FLUME_BOARD_NAME_BYTES_MAX] = '\0';
    memcpy(nearly, longest, sizeof nearly);
    nearly[FLUME_BOARD_NAME_BYTES_MAX - 1] = 'y';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        flume_board *board = board_of(log, names[i]);

        expect_words(board, 0);
        for (unsigned word = 0; word < FLUME_BOARD_WORDS; word++)
            flume_board_write(board, word, i + 1);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        expect_words(board_of(log, names[i]), i + 1);
    process_close_log(log);
}

static void a_raise_never_lowers(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_board *board = board_of(log, "b");

    flume_board_raise(board, 3, 10);
    flume_board_raise(board, 3, 9);
    assert_int_equal(flume_board_read(board, 3), 10);
    flume_board_raise(board, 3, UINT64_MAX);
    assert_int_equal(flume_board_read(board, 3), UINT64_MAX);
    flume_board_write(board, 3, 1); /* A write does. */
    assert_int_equal(flume_board_read(board, 3), 1);
    process_close_log(log);
}

static void a_full_table_refuses_new_names_and_finds_old_ones(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_log *other = process_open_log(fx, 0);
    char name[32];

    for (unsigned i = 0; i < FLUME_BOARDS_MAX; i++) {
        (void)snprintf(name, sizeof name, "board %u", i);
        flume_board_write(board_of(i % 2 == 0 ? log : other, name), 0, i);
    }
    expect_refused(log, "one more", FLUME_ERR_FULL, "64 boards");
    expect_refused(other, "one more", FLUME_ERR_FULL, "64 boards");
    for (unsigned i = 0; i < FLUME_BOARDS_MAX; i++) {
        (void)snprintf(name, sizeof name, "board %u", i);
        assert_int_equal(flume_board_read(board_of(log, name), 0), i);
    }
    process_close_log(other);
    process_close_log(log);
}

static void wrong_arguments_are_refused_and_change_nothing(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    char too_long[FLUME_BOARD_NAME_BYTES_MAX + 2];
    flume_board *board = NULL;

    memset(too_long, 'x', sizeof too_long);
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(flume_log_board(NULL, "b", &board), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_board(log, "b", NULL), FLUME_ERR_INVALID);
    expect_refused(log, NULL, FLUME_ERR_INVALID, "name");
    expect_refused(log, "", FLUME_ERR_INVALID, "name");
    expect_refused(log, too_long, FLUME_ERR_INVALID, "name");
    assert_int_equal(flume_board_read(NULL, 0), 0);
    flume_board_write(NULL, 0, 1);
    flume_board_raise(NULL, 0, 1);
    flume_board_wait(NULL, 0, 0, FLUME_WAIT_FOREVER);
    board = board_of(log, "b");
    flume_board_write(board, FLUME_BOARD_WORDS, 1);
    flume_board_raise(board, FLUME_BOARD_WORDS, 1);
    flume_board_wait(board, FLUME_BOARD_WORDS, 0, FLUME_WAIT_FOREVER);
    assert_int_equal(flume_board_read(board, FLUME_BOARD_WORDS), 0);
    expect_words(board, 0);
    expect_words(board_of(log, "the next in the table"), 0);
    process_close_log(log);
}

static void a_log_in_memory_has_boards(void **state)
{
    flume_log *log = open_with(":memory:", NULL);
    flume_log *other = open_with(":memory:", NULL);
    flume_board *board = board_of(log, "b");

    (void)state;
    flume_board_write(board, 0, 5);
    assert_int_equal(flume_board_read(board_of(log, "b"), 0), 5);
    assert_int_equal(flume_board_read(board_of(other, "b"), 0), 0);
    process_close_log(other);
    process_close_log(log);
}

struct raiser {
    pthread_t thread;
    flume_log *log;
    unsigned number;
    flume_board *board;
    int status;
};

static void *raise_loop(void *ctx)
{
    struct raiser *raiser = ctx;

    raiser->status = flume_log_board(raiser->log, "raced", &raiser->board);
    for (uint64_t i = 0; i < RAISES && raiser->status == FLUME_OK; i++)
        flume_board_raise(raiser->board, 0, i * RAISERS + raiser->number);
    return NULL;
}

static void threads_that_make_and_raise_at_once_agree(void **state)
{
    struct fixture *fx = *state;
    struct raiser raisers[RAISERS];
    flume_log *logs[2];

    logs[0] = process_open_log(fx, FLUME_OPEN_CREATE);
    logs[1] = process_open_log(fx, 0);
    for (unsigned i = 0; i < RAISERS; i++) {
        raisers[i] = (struct raiser){.log = logs[i % 2], .number = i};
        assert_int_equal(pthread_create(&raisers[i].thread, NULL, raise_loop, &raisers[i]), 0);
    }
    for (unsigned i = 0; i < RAISERS; i++) {
        assert_int_equal(pthread_join(raisers[i].thread, NULL), 0);
        assert_int_equal(raisers[i].status, FLUME_OK);
    }
    assert_int_equal(atomic_load(&logs[0]->head->board_count), 1);
    assert_int_equal(flume_board_read(raisers[0].board, 0), RAISES * RAISERS - 1);
    process_close_log(logs[1]);
    process_close_log(logs[0]);
}

/* --- Waiting -----------------------------------------------------------------------------------*/

static void a_wait_for_a_word_that_has_moved_returns_at_once(void **state)
{
    struct fixture *fx = *state;
    struct counted counted = {.is_deaf = false};
    flume_log *log = open_counted(fx, &counted);
    flume_board *board = board_of(log, "b");

    flume_board_write(board, 0, 1);
    flume_board_wait(board, 0, 0, FLUME_WAIT_FOREVER);
    assert_int_equal(atomic_load(&counted.waits), 0);
    process_close_log(log);
}

static void a_wait_ends_when_its_time_is_up(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_board *board = board_of(log, "b");
    uint64_t start_ns = process_now_ns();

    flume_board_wait(board, 0, 0, 0);
    flume_board_wait(board, 0, 0, 150 * MS); /* More than one look. */
    assert_in_range(process_now_ns() - start_ns, 149 * MS, 10 * SECOND);
    process_close_log(log);
}

static void a_write_calls_the_system_only_if_somebody_waits(void **state)
{
    struct fixture *fx = *state;
    struct counted counted = {.is_deaf = false};
    flume_log *log = open_counted(fx, &counted);
    flume_board *board = board_of(log, "b");
    struct waiter_thread waiter;

    flume_board_write(board, 0, 1);
    flume_board_raise(board, 0, 2);
    assert_int_equal(atomic_load(&counted.wakes), 0);
    start_waiter(&waiter, board);
    await_waits(&counted, 1);
    flume_board_raise(board, 0, 2); /* Nothing is raised. */
    assert_int_equal(atomic_load(&counted.wakes), 0);
    flume_board_raise(board, 0, 3);
    assert_int_equal(pthread_join(waiter.thread, NULL), 0);
    assert_int_equal(waiter.found, 3);
    assert_int_equal(atomic_load(&counted.wakes), 1);
    flume_board_write(board, 0, 4);
    assert_int_equal(atomic_load(&counted.wakes), 1);
    process_close_log(log);
}

static void a_write_to_any_word_of_the_board_wakes_and_to_another_board_does_not(void **state)
{
    struct fixture *fx = *state;
    struct counted counted = {.is_deaf = false};
    flume_log *log = open_counted(fx, &counted);
    flume_board *board = board_of(log, "b");
    struct waiter_thread waiter;

    start_waiter(&waiter, board);
    await_waits(&counted, 1);
    flume_board_write(board_of(log, "c"), 0, 1);
    await_waits(&counted, atomic_load(&counted.waits) + 2); /* It looked, and sleeps again. */
    assert_int_equal(atomic_load(&waiter.returns), 0);
    flume_board_write(board, FLUME_BOARD_WORDS - 1, 1);
    await_waits(&counted, atomic_load(&counted.waits) + 1);
    assert_int_equal(atomic_load(&waiter.returns), 1);
    flume_board_write(board, 0, 1);
    assert_int_equal(pthread_join(waiter.thread, NULL), 0);
    process_close_log(log);
}

static void a_waiter_whose_wake_got_lost_looks_again(void **state)
{
    struct fixture *fx = *state;
    struct counted counted = {.is_deaf = true};
    flume_log *log = open_counted(fx, &counted);
    flume_board *board = board_of(log, "b");
    struct waiter_thread waiter;
    uint64_t start_ns;

    start_waiter(&waiter, board);
    await_waits(&counted, 1);
    start_ns = process_now_ns();
    flume_board_write(board, 0, 7);
    assert_int_equal(pthread_join(waiter.thread, NULL), 0);
    assert_int_equal(waiter.found, 7);
    assert_in_range(process_now_ns() - start_ns, 0, 10 * SECOND);
    process_close_log(log);
}

/* --- Processes ---------------------------------------------------------------------------------*/

/* Answer each even number in word 0 with the next odd one. */
static void play_echo(struct role *role)
{
    flume_log *log = role_open(role, NULL);
    flume_board *board = role_board(log, "ball");
    uint64_t until_ns = process_now_ns() + 60 * SECOND;

    role_report(role, 0, 0);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        while (flume_board_read(board, 0) != 2 * round + 1) {
            role_require(process_now_ns() < until_ns, "no ball in round %llu",
                         (unsigned long long)round);
            flume_board_wait(board, 0, 2 * round, SECOND);
        }
        flume_board_write(board, 0, 2 * round + 2);
    }
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

/* Each throw wakes the other side: were one in fifty found by the next look only, it would show. */
static void two_processes_wake_each_other_in_turns(void **state)
{
    struct fixture *fx = *state;
    struct process process = {0};
    uint64_t start_ns;
    flume_board *board;
    flume_log *log;

    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    process_start(fx, &process, 0, play_echo, NULL);
    (void)process_hear_word(&process);
    log = process_open_log(fx, 0);
    board = board_of(log, "ball");
    start_ns = process_now_ns();
    for (uint64_t round = 0; round < ROUNDS; round++) {
        flume_board_write(board, 0, 2 * round + 1);
        while (flume_board_read(board, 0) == 2 * round + 1) {
            assert_in_range(process_now_ns() - start_ns, 0, 60 * SECOND);
            flume_board_wait(board, 0, 2 * round + 1, SECOND);
        }
    }
    process_join_well(&process);
    assert_in_range(process_now_ns() - start_ns, 0, ROUNDS / 50 * 100 * MS);
    process_free(&process);
    process_close_log(log);
}

/* Say a number on the board, and wait for the end with a waiter registered. */
static void play_writer(struct role *role)
{
    flume_log *log = role_open(role, NULL);
    flume_board *board = role_board(log, "b");

    flume_board_write(board, 0, 41);
    flume_board_raise(board, 7, 42);
    role_report(role, 0, 0);
    for (;;)
        flume_board_wait(board, 1, 0, FLUME_WAIT_FOREVER);
}

/* The child has written and waits. */
static void start_writer(struct fixture *fx, struct process *process)
{
    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    process_start(fx, process, 0, play_writer, NULL);
    (void)process_hear_word(process);
}

static void words_outlive_a_process_that_dies_beside_others(void **state)
{
    struct fixture *fx = *state;
    struct process process = {0};
    flume_log *log;

    start_writer(fx, &process);
    log = process_open_log(fx, 0);
    process_kill(&process);
    assert_int_equal(flume_board_read(board_of(log, "b"), 0), 41);
    assert_int_equal(flume_board_read(board_of(log, "b"), 7), 42);
    process_close_log(log);
    process_free(&process);
}

static void words_outlive_the_death_of_all_and_nobody_waits_then(void **state)
{
    struct fixture *fx = *state;
    struct process process = {0};
    struct head *head;
    flume_board *board;
    flume_log *log;

    start_writer(fx, &process);
    process_kill(&process);
    log = process_open_log(fx, 0);
    head = log->head;
    assert_int_equal(atomic_load(&head->board_count), 1);
    assert_int_equal(atomic_load(&head->boards[0].wanted), 0);
    board = board_of(log, "b");
    assert_int_equal(flume_board_read(board, 0), 41);
    assert_int_equal(flume_board_read(board, 7), 42);
    process_close_log(log);
    process_free(&process);
}

static void words_are_zero_when_all_had_left_in_order(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);

    expect_ok(log, flume_log_append(log, "x", 1, NULL));
    flume_board_write(board_of(log, "b"), 2, 5);
    flume_board_write(board_of(log, "c"), 2, 5);
    process_close_log(log);
    log = process_open_log(fx, 0);
    assert_int_equal(atomic_load(&log->head->board_count), 0);
    expect_words(board_of(log, "c"), 0);
    expect_words(board_of(log, "b"), 0);
    process_close_log(log);
}

/* Die while making a board: the name is half there, and the mutex is held. */
static void play_half_maker(struct role *role)
{
    flume_log *log = role_open(role, NULL);
    struct head *head = log->head;

    (void)role_board(log, "whole");
    (void)pthread_mutex_lock(&head->board_mutex);
    memset(head->boards[1].name, 'h', sizeof head->boards[1].name);
    role_report(role, 0, 0);
    role_await(role);
}

static void a_maker_that_dies_half_way_hinders_nobody(void **state)
{
    struct fixture *fx = *state;
    struct process process = {0};
    flume_log *log;

    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    process_start(fx, &process, 0, play_half_maker, NULL);
    (void)process_hear_word(&process);
    log = process_open_log(fx, 0);
    process_kill(&process);
    flume_board_write(board_of(log, "next"), 0, 3);
    expect_words(board_of(log, "whole"), 0);
    expect_words(board_of(log, "and the next"), 0); /* The mutex is as good as new. */
    assert_int_equal(atomic_load(&log->head->board_count), 3);
    assert_int_equal(flume_board_read(board_of(log, "next"), 0), 3);
    process_close_log(log);
    process_free(&process);
}

static void a_maker_that_stopped_is_named(void **state)
{
    struct fixture *fx = *state;
    flume_log_options options = {.lock_timeout_ns = 100 * MS};
    struct process process = {0};
    flume_log *log;

    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    process_start(fx, &process, 0, play_half_maker, NULL);
    (void)process_hear_word(&process);
    log = open_with(fx->basin, &options);
    expect_refused(log, "next", FLUME_ERR_BUSY, "board lock");
    expect_words(board_of(log, "whole"), 0); /* What exists is found without the lock. */
    process_kill(&process);
    process_close_log(log);
    process_free(&process);
}

static void what_another_process_overwrote_does_no_harm(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);

    atomic_store(&log->head->board_count, UINT32_MAX);
    expect_refused(log, "b", FLUME_ERR_FULL, "64 boards");
    process_close_log(log);
}

/* --- Handles that may not, or may less ---------------------------------------------------------*/

static void a_read_only_handle_shares_boards(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_log *reader = process_open_log(fx, FLUME_OPEN_READ_ONLY);

    flume_board_write(board_of(reader, "b"), 0, 6);
    assert_int_equal(flume_board_read(board_of(log, "b"), 0), 6);
    process_close_log(reader);
    process_close_log(log);
}

static void play_observer(struct role *role)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
    flume_board *board = NULL;
    flume_log *log;
    int status;

    role_require(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0,
                 "cannot become another user");
    log = role_open(role, &options);
    status = flume_log_board(log, "b", &board);
    role_require(status == FLUME_ERR_READ_ONLY, "board: %s", flume_status_name(status));
    role_require(board == NULL, "there is a board");
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void an_observer_shares_nothing(void **state)
{
    struct fixture *fx = *state;
    struct process process = {0};

    if (geteuid() != 0) {
        print_message("skipped: only root can become another user\n");
        skip();
    }
    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    process_start(fx, &process, 0, play_observer, NULL);
    process_join_well(&process);
    process_free(&process);
}

static void in_a_forked_child_nothing_is_shared(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_board *board = board_of(log, "b");
    int status = 0;
    pid_t pid;

    flume_board_write(board, 0, 9);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        flume_board *other = NULL;

        (void)alarm(20); /* A call that hangs ends the child. */
        role_require(flume_log_board(log, "b", &other) == FLUME_ERR_FORKED, "a board was given");
        role_require(flume_board_read(board, 0) == 0, "the board was read");
        flume_board_write(board, 0, 10);
        flume_board_raise(board, 0, 11);
        flume_board_wait(board, 0, 0, FLUME_WAIT_FOREVER);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(flume_board_read(board, 0), 9);
    process_close_log(log);
}

#define board_test(function) cmocka_unit_test_setup_teardown(function, setup_in_memory, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        board_test(a_name_is_the_same_words_for_every_handle),
        board_test(different_names_are_different_words_and_begin_at_zero),
        board_test(a_raise_never_lowers),
        board_test(a_full_table_refuses_new_names_and_finds_old_ones),
        board_test(wrong_arguments_are_refused_and_change_nothing),
        board_test(a_log_in_memory_has_boards),
        board_test(threads_that_make_and_raise_at_once_agree),
        board_test(a_wait_for_a_word_that_has_moved_returns_at_once),
        board_test(a_wait_ends_when_its_time_is_up),
        board_test(a_write_calls_the_system_only_if_somebody_waits),
        board_test(a_write_to_any_word_of_the_board_wakes_and_to_another_board_does_not),
        board_test(a_waiter_whose_wake_got_lost_looks_again),
        board_test(two_processes_wake_each_other_in_turns),
        board_test(words_outlive_a_process_that_dies_beside_others),
        board_test(words_outlive_the_death_of_all_and_nobody_waits_then),
        board_test(words_are_zero_when_all_had_left_in_order),
        board_test(a_maker_that_dies_half_way_hinders_nobody),
        board_test(a_maker_that_stopped_is_named),
        board_test(what_another_process_overwrote_does_no_harm),
        board_test(a_read_only_handle_shares_boards),
        cmocka_unit_test_setup_teardown(an_observer_shares_nothing, setup_for_all, teardown),
        board_test(in_a_forked_child_nothing_is_shared),
    };

    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
