/*
 * test_process_roll.c - a strata made ahead that turns up at any instruction of a roll.
 *
 * Whoever rolls asks HEAD whether a strata lies ready, and a preparer of any process may say so at
 * that very moment. So the roller is traced: this process hides what its preparer has made, lets
 * the append go so many instructions far, and gives it back; then the roller must find its record.
 *
 *   FLUME_STEPS  how many instructions, counted from where the append reads the clock (default
 *   1000)
 */
#include "process_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include "grain.h"
#include "head.h"

enum {
    SMALL_STRATA_BYTES = 64 << 10,
    BODY_BYTES = 1000,
    FULL_BYTES = 300, /* So much is left free: less than the append that rolls needs. */
    STEPS = 1000,
    UNTRACEABLE = 71 /* Exit code: the system does not let it be traced. */
};

/* --- The roller --------------------------------------------------------------------------------*/

/* The table of POSIX, but that it stops where the append reads the clock, and says where the roll
 * begins to make a strata of its own. */
struct telling_io {
    flume_io io;
    pid_t thread; /* Only this one tells. */
    bool armed;
};

static uint64_t tell_wall_ns(void *ctx)
{
    struct telling_io *telling = ctx;

    if (telling->armed && gettid() == telling->thread)
        (void)raise(SIGSTOP);
    return flume_io_posix()->wall_ns(NULL);
}

static int tell_unlink(void *ctx, const char *path)
{
    struct telling_io *telling = ctx;

    if (telling->armed && gettid() == telling->thread)
        (void)raise(SIGUSR2);
    return flume_io_posix()->unlink(NULL, path);
}

static uint64_t end_of(const flume_record *record)
{
    return record->offset + grain_bytes(record->meta_bytes, record->body_bytes);
}

/* Append until a record more no longer fits. */
static void fill_strata(flume_log *log)
{
    static uint8_t body[SMALL_STRATA_BYTES];
    uint64_t limit = SMALL_STRATA_BYTES - STRATA_PAGE_BYTES;
    flume_record record;
    uint64_t seq, left;

    role_require(flume_log_append(log, body, 1, &seq) == FLUME_OK, "append");
    role_require(flume_log_get(log, seq, &record) == FLUME_OK, "get");
    left = limit - end_of(&record);
    flume_record_release(&record);
    if (left > FULL_BYTES)
        role_require(flume_log_append(log, body, left - FULL_BYTES, &seq) == FLUME_OK, "append");
}

static void roll_under_trace(struct role *role)
{
    static uint8_t body[BODY_BYTES];
    struct telling_io telling = {.io = *flume_io_posix(), .thread = gettid()};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_MAPPED,
                                 .strata_bytes = SMALL_STRATA_BYTES,
                                 .io = &telling.io};
    flume_record record;
    flume_log *log;
    uint64_t seq;

    telling.io.ctx = &telling; /* POSIX has no use for it. */
    telling.io.wall_ns = tell_wall_ns;
    telling.io.unlink = tell_unlink;
    log = role_open(role, &options);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(UNTRACEABLE);
    for (;;) {
        fill_strata(log);
        telling.armed = true;
        role_require(flume_log_append(log, body, sizeof body, &seq) == FLUME_OK, "append");
        telling.armed = false;
        role_require(flume_log_get(log, seq - 1, &record) == FLUME_OK, "get the manifest");
        flume_record_release(&record);
        role_require(flume_log_get(log, seq, &record) == FLUME_OK, "get");
        role_require(record.body_bytes == sizeof body, "another record");
        flume_record_release(&record);
        (void)raise(SIGUSR1); /* The roll is over. */
    }
}

/* --- The tracer --------------------------------------------------------------------------------*/

/* The signal that it stops with; fails the test if it has ended. */
static int await_signal(const struct process *roller)
{
    int status = 0;

    assert_int_equal(waitpid(roller->pid, &status, 0), roller->pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == UNTRACEABLE) {
        print_message("skipped: processes cannot be traced here\n");
        skip();
    }
    assert_true(WIFSTOPPED(status));
    return WSTOPSIG(status);
}

static void go_on_to(const struct process *roller, int wanted)
{
    int signal;

    do {
        assert_int_equal(ptrace(PTRACE_CONT, roller->pid, NULL, NULL), 0);
        signal = await_signal(roller);
        assert_true(signal == wanted || signal == SIGUSR2 || signal == SIGSTOP);
    } while (signal != wanted);
}

static struct head *map_head(const struct fixture *fx)
{
    char path[sizeof fx->basin + 8];
    struct head *head;
    int file;

    (void)snprintf(path, sizeof path, "%s/HEAD", fx->basin);
    file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    head = mmap(NULL, HEAD_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    (void)close(file);
    assert_ptr_not_equal(head, MAP_FAILED);
    return head;
}

/* Once the preparer has made a strata: its size, and HEAD says that there is none. */
static uint64_t hide_prepared(struct head *head)
{
    uint64_t until_ns = process_now_ns() + 30 * SECOND;
    uint64_t bytes;

    while ((bytes = atomic_exchange(&head->prepared_bytes, 0)) == 0) {
        assert_true(process_now_ns() < until_ns);
        pause_ns(MS / 10);
    }
    return bytes;
}

/* One roll, in which the strata turns up after so many steps; false: it had made its own by
 * then. */
static bool roll_once(const struct process *roller, struct head *head, uint64_t step_count)
{
    uint64_t bytes;
    bool is_early = true;

    go_on_to(roller, SIGSTOP); /* The roll itself reads the clock too, but later. */
    bytes = hide_prepared(head);
    for (uint64_t i = 0; i < step_count && is_early; i++) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, roller->pid, NULL, NULL), 0);
        is_early = await_signal(roller) != SIGUSR2;
    }
    atomic_store(&head->prepared_bytes, bytes);
    go_on_to(roller, SIGUSR1);
    return is_early;
}

static void a_strata_made_ahead_may_turn_up_at_any_instruction_of_a_roll(void **state)
{
    struct fixture *fx = *state;
    struct process roller = {0};
    struct head *head;
    uint64_t most = number_from("FLUME_STEPS", STEPS);
    uint64_t steps = 0;

    process_start(fx, &roller, 1, roll_under_trace, NULL);
    assert_int_equal(await_signal(&roller), SIGSTOP);
    head = map_head(fx);
    /* The first stop is the first roll's: let it pass. */
    go_on_to(&roller, SIGUSR1);
    while (steps < most && roll_once(&roller, head, steps))
        steps++;
    print_message("%" PRIu64 " steps\n", steps);
    assert_true(steps > 10);
    (void)munmap(head, HEAD_FILE_BYTES);
    process_kill(&roller);
    process_free(&roller);
    expect_checked(fx->basin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_strata_made_ahead_may_turn_up_at_any_instruction_of_a_roll, setup_in_memory,
            teardown),
    };

    return cmocka_run_group_tests_name("a roll step by step", tests, NULL, NULL);
}
