/*
 * test_process_readers.c - those who read beside others: users without write permission, waiters in
 * other processes, readers that are killed, and as many as the attach table holds.
 */
#include "process_fixture.h"
#include "process_trap.h"

#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "head.h"

enum {
    STRATA_BYTES = 128 << 10,
    NOBODY = 65534,
    READER_KILLS = 40,
    READERS = 3,
    LIVE_RECORDS = 200,
    HASH_BASIS = 17
};

/* --- Verbs -------------------------------------------------------------------------------------*/

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    return chance_next(&hash);
}

/* What a log shows, in two words. In the child, so nothing of cmocka. */
struct view {
    uint64_t head, hash;
};

static struct view look(flume_log *log)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_MANIFESTS};
    struct view view = {.head = 0, .hash = HASH_BASIS};
    flume_cursor *cursor;
    flume_record record;
    struct stamp stamp;
    int status = flume_cursor_open(log, &options, &cursor);

    role_require(status == FLUME_OK, "cursor: %s", flume_status_name(status));
    while ((status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK) {
        role_require(record.seq == view.head, "seq %" PRIu64 " is missing", view.head);
        role_require(record.kind == FLUME_KIND_MANIFEST ||
                         body_read(record.body, record.body_bytes, &stamp),
                     "the body of seq %" PRIu64 " is not whole", record.seq);
        view.head = record.seq + 1;
        view.hash = mix(mix(view.hash, record.seq), record.check);
    }
    role_require(status == FLUME_END, "next: %s", flume_status_name(status));
    flume_cursor_close(cursor);
    return view;
}

static void append_own(flume_log *log, uint64_t number)
{
    uint8_t body[STAMP_BYTES + 100];
    struct stamp stamp = {.number = number, .count = 1, .filler_bytes = 100};

    body_make(&stamp, body);
    expect_ok(log, flume_log_append(log, body, sizeof body, NULL));
}

/* --- Users without write permission ------------------------------------------------------------*/

static void become_nobody(void)
{
    role_require(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0,
                 "cannot become another user");
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* Changing the user had cleared it. */
}

static void skip_unless_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("skipped: only root can become another user\n");
    skip();
}

enum boot { SAME_BOOT, ANOTHER_BOOT };

static flume_log *observe(struct role *role, struct trap *trap, enum boot boot)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .io = &trap->io};
    flume_log_stat_info info;
    flume_log *log;

    trap_init(trap, TRAP_NONE, TRAP_BEFORE, 0, 0);
    trap->of_another_boot = boot == ANOTHER_BOOT;
    log = role_open(role, &options);
    role_require(flume_log_stat(log, &info) == FLUME_OK, "stat");
    role_require(info.observer && info.read_only, "it is not an observer");
    return log;
}

static int end_at_once(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 1;
}

static void must_be(int status, int expected, const char *call)
{
    role_require(status == expected, "%s: %s", call, flume_status_name(status));
}

static void try_to_write(struct role *role, flume_log *log)
{
    flume_subscribe_options named = {.name = "watcher"};
    flume_subscription *subscription;
    flume_log *other = NULL;
    flume_error error;

    must_be(flume_log_append(log, "x", 1, NULL), FLUME_ERR_READ_ONLY, "append");
    must_be(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_ERR_READ_ONLY, "sync");
    must_be(flume_subscribe(log, &named, end_at_once, NULL, &subscription), FLUME_ERR_READ_ONLY,
            "subscribe by name");
    must_be(flume_log_open(&other, role->basin, NULL, &error), FLUME_ERR_ACCESS, "open to write");
    role_require(strlen(error.message) > 0, "no detail");
}

/* Reports what it sees as (head, 0), (hash, 1). */
static void look_as_nobody(struct role *role)
{
    enum boot boot = *(const enum boot *)role->ctx;
    struct trap trap;
    struct view view;
    flume_log *log;

    become_nobody();
    log = observe(role, &trap, boot);
    view = look(log);
    role_require(flume_log_head(log) == view.head, "head and cursor disagree");
    try_to_write(role, log);
    role_report(role, view.head, 0);
    role_report(role, view.hash, 1);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void die_in_a_batch(struct role *role)
{
    struct trap trap;
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .strata_bytes = STRATA_BYTES,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io = &trap.io};
    flume_log *log;

    trap_init(&trap, TRAP_PWRITE, TRAP_AFTER, 0, SIGKILL);
    log = role_open(role, &options);
    for (unsigned i = 0; i < 300; i++) /* Some strata. */
        role_append(role, log, 1, 3000);
    pause_ns(100 * MS); /* The next strata is being made ahead: that shall be done. */
    trap_arm(&trap);
    role_append(role, log, 20, 1000);
}

/* Names, sizes, times and contents of all the basin. */
static void note_tree(struct fixture *fx, const char *name)
{
    shell("cd '%s' && { find . -printf '%%p %%s %%m %%T@ %%C@\\n' | sort; "
          "find . -type f | sort | xargs cat | cksum; } >'%s/%s' 2>&1",
          fx->basin, realpath(fx->root, (char[PATH_MAX]){0}), name);
}

static void expect_same_tree(struct fixture *fx)
{
    note_tree(fx, "after");
    shell("diff '%s/before' '%s/after'", fx->root, fx->root);
}

static void look_first_as_nobody(struct fixture *fx, enum boot boot)
{
    struct process writer = {0};
    struct process reader = {0};
    struct trap trap;
    flume_log_options options = {.io = &trap.io};
    struct view view;
    flume_log *log;

    skip_unless_root();
    process_start(fx, &writer, 1, die_in_a_batch, NULL);
    (void)process_join(&writer);
    assert_int_equal(writer.seq_count, 300);
    note_tree(fx, "before");
    process_start(fx, &reader, 2, look_as_nobody, &boot);
    process_join_well(&reader);
    expect_same_tree(fx);
    assert_int_equal(reader.seq_count, 2);

    /* Now recovery itself, by one who may. */
    trap_init(&trap, TRAP_NONE, TRAP_BEFORE, 0, 0);
    trap.of_another_boot = boot == ANOTHER_BOOT;
    log = open_with(fx->basin, &options);
    view = look(log);
    assert_int_equal(reader.seqs[0], view.head);
    assert_int_equal(reader.seqs[1], view.hash);
    process_close_log(log);
    expect_sound(fx, &writer, 1);
    process_free(&writer);
    process_free(&reader);
}

static void another_user_sees_what_recovery_after_a_death_would_show(void **state)
{
    look_first_as_nobody(*state, SAME_BOOT);
}

static void another_user_sees_what_recovery_after_a_reboot_would_show(void **state)
{
    look_first_as_nobody(*state, ANOTHER_BOOT);
}

/* Follows from the start; reports each message's seq, numbered. */
static void follow(struct role *role, flume_log *log)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE};
    flume_cursor *cursor;
    flume_record record;
    struct stamp stamp;

    must_be(flume_cursor_open(log, &options, &cursor), FLUME_OK, "cursor");
    for (;;) {
        must_be(flume_cursor_next(cursor, FLUME_WAIT_FOREVER, &record), FLUME_OK, "next");
        role_require(body_read(record.body, record.body_bytes, &stamp), "a body is not whole");
        role_report(role, record.seq, role->next_number++);
    }
}

static void follow_as_nobody(struct role *role)
{
    struct trap trap;

    become_nobody();
    role_await(role);
    follow(role, observe(role, &trap, SAME_BOOT));
}

static void append_and_let_follow(struct fixture *fx, flume_log *log, struct process *follower)
{
    for (uint64_t i = 0; i < LIVE_RECORDS; i++) {
        append_own(log, i);
        if (i % 10 == 0 && !process_hear(follower, i + 1))
            fail_msg("the follower died");
    }
    assert_true(process_hear(follower, LIVE_RECORDS));
    assert_int_equal(follower->seq_count, LIVE_RECORDS);
    for (uint64_t i = 1; i < LIVE_RECORDS; i++)
        assert_true(follower->seqs[i] > follower->seqs[i - 1]);
    process_kill(follower);
    (void)fx;
}

static void another_user_follows_a_live_writer(void **state)
{
    struct fixture *fx = *state;
    struct process follower = {0};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE, .strata_bytes = 64 << 10};
    flume_log *log;

    skip_unless_root();
    process_start(fx, &follower, 1, follow_as_nobody, NULL);
    log = open_with(fx->basin, &options);
    process_order(&follower);
    append_and_let_follow(fx, log, &follower);
    process_close_log(log);
    expect_checked(fx->basin);
    process_free(&follower);
}

/* --- Waiters in other processes ----------------------------------------------------------------*/

static int report_record(void *ctx, const flume_record *record)
{
    struct role *role = ctx;

    role_report(role, record->seq, role->next_number++);
    return 0;
}

static void subscribe_until_killed(struct role *role)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
    flume_subscription *subscription;
    flume_log *log;

    role_await(role);
    log = role_open(role, &options);
    must_be(flume_subscribe(log, NULL, report_record, role, &subscription), FLUME_OK, "subscribe");
    for (;;)
        (void)pause();
}

static void an_append_wakes_a_subscriber_in_another_process(void **state)
{
    struct fixture *fx = *state;
    struct process subscriber = {0};
    flume_log *log;
    uint64_t start_ns;

    process_start(fx, &subscriber, 1, subscribe_until_killed, NULL);
    log = process_open_log(fx, FLUME_OPEN_CREATE);
    append_own(log, 0);
    process_order(&subscriber);
    (void)process_hear_word(&subscriber);
    start_ns = process_now_ns();
    for (uint64_t i = 1; i <= 100; i++) {
        pause_ns(2 * MS); /* It has stopped polling and sleeps. */
        append_own(log, i);
        (void)process_hear_word(&subscriber);
    }
    print_message("100 round trips with 2 ms of sleep each: %" PRIu64 " ms\n",
                  (process_now_ns() - start_ns) / MS);
    process_kill(&subscriber);
    append_own(log, 101);
    process_close_log(log);
    expect_checked(fx->basin);
    process_free(&subscriber);
}

/* One dies asleep on the wake word; the other, and the appender, notice nothing. */
static void a_waiter_that_is_killed_is_not_missed(void **state)
{
    struct fixture *fx = *state;
    struct process subscribers[2] = {{0}, {0}};
    flume_log *log;

    for (size_t i = 0; i < 2; i++)
        process_start(fx, &subscribers[i], i + 1, subscribe_until_killed, NULL);
    log = process_open_log(fx, FLUME_OPEN_CREATE);
    append_own(log, 0);
    for (size_t i = 0; i < 2; i++) {
        process_order(&subscribers[i]);
        (void)process_hear_word(&subscribers[i]);
    }
    pause_ns(20 * MS); /* Both sleep. */
    process_kill(&subscribers[0]);
    for (uint64_t i = 1; i <= 50; i++) {
        append_own(log, i);
        (void)process_hear_word(&subscribers[1]);
    }
    assert_int_equal(flume_log_attached(log, NULL, 0), 2);
    process_kill(&subscribers[1]);
    assert_int_equal(flume_log_attached(log, NULL, 0), 1);
    process_close_log(log);
    process_free(&subscribers[0]);
    process_free(&subscribers[1]);
}

/* --- Readers that are killed -------------------------------------------------------------------*/

static void read_until_killed(struct role *role)
{
    flume_log_options options = {.flags = role->writer % 2 == 0 ? FLUME_OPEN_READ_ONLY : 0};
    flume_subscription *subscription;
    flume_log *log = role_open(role, &options);

    must_be(flume_subscribe(log, NULL, end_at_once, NULL, &subscription), FLUME_OK, "subscribe");
    role_report(role, 0, 0);
    for (;;) {
        (void)look(log);
        flume_unsubscribe(subscription);
        must_be(flume_subscribe(log, NULL, end_at_once, NULL, &subscription), FLUME_OK,
                "subscribe");
    }
}

static void write_until_killed(struct role *role)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE, .strata_bytes = STRATA_BYTES};
    flume_log *log = role_open(role, &options);

    for (;;)
        role_append(role, log, 1 + chance_below(&role->chance, 3), 200);
}

static void killed_readers_never_disturb_a_writer(void **state)
{
    struct fixture *fx = *state;
    struct process writer = {0};
    struct process readers[READERS];

    memset(readers, 0, sizeof readers);
    process_start(fx, &writer, 1, write_until_killed, NULL);
    assert_true(process_hear(&writer, 10));
    for (unsigned i = 0; i < READER_KILLS; i++) {
        struct process *reader = &readers[i % READERS];

        process_free(reader); /* Kills it. */
        process_start(fx, reader, 2 + i, read_until_killed, NULL);
        (void)process_hear_word(reader);
        processes_overhear(&writer, 1, chance_below(&fx->chance, 5 * MS));
        assert_true(process_hear(&writer, writer.seq_count + 100));
    }
    for (size_t i = 0; i < READERS; i++)
        process_free(&readers[i]);
    process_kill(&writer);
    expect_sound(fx, &writer, 1);
    process_free(&writer);
}

/* --- The attach table --------------------------------------------------------------------------*/

static size_t open_many(const char *basin, flume_log **logs, size_t max, flume_error *out_error)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
    size_t count = 0;

    while (count < max && flume_log_open(&logs[count], basin, &options, out_error) == FLUME_OK)
        count++;
    return count;
}

static void attach_many(struct role *role)
{
    static flume_log *logs[HEAD_ATTACH_MAX];
    flume_error error;
    size_t count = open_many(role->basin, logs, HEAD_ATTACH_MAX - 6, &error);

    role_require(count == HEAD_ATTACH_MAX - 6, "only %zu: %s", count, error.message);
    role_report(role, 0, 0);
    (void)pause();
}

static void allow_many_files(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 8 * HEAD_ATTACH_MAX) {
        print_message("skipped: only %" PRIu64 " descriptors\n", (uint64_t)limit.rlim_cur);
        skip();
    }
}

static void as_many_attach_as_the_table_holds_and_the_dead_make_room(void **state)
{
    static flume_log *logs[HEAD_ATTACH_MAX + 1];
    struct fixture *fx = *state;
    struct process many = {0};
    flume_error error = {.status = FLUME_OK};
    size_t count;

    allow_many_files();
    process_close_log(process_open_log(fx, FLUME_OPEN_CREATE));
    process_start(fx, &many, 1, attach_many, NULL);
    (void)process_hear_word(&many);
    count = open_many(fx->basin, logs, HEAD_ATTACH_MAX, &error);
    assert_int_equal(count, 6);
    assert_int_equal(error.status, FLUME_ERR_BUSY);
    assert_non_null(strstr(error.message, "256"));
    assert_int_equal(flume_log_attached(logs[0], NULL, 0), HEAD_ATTACH_MAX);
    process_kill(&many);
    assert_int_equal(flume_log_attached(logs[0], NULL, 0), 6);
    count += open_many(fx->basin, logs + count, HEAD_ATTACH_MAX + 1 - count, &error);
    assert_int_equal(count, HEAD_ATTACH_MAX);
    assert_int_equal(error.status, FLUME_ERR_BUSY);
    process_close_log(logs[--count]);
    assert_int_equal(open_many(fx->basin, logs + count, 1, &error), 1);
    for (size_t i = 0; i <= count; i++)
        process_close_log(logs[i]);
    process_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_user_sees_what_recovery_after_a_death_would_show,
                                        setup_for_all, teardown),
        cmocka_unit_test_setup_teardown(another_user_sees_what_recovery_after_a_reboot_would_show,
                                        setup_for_all, teardown),
        cmocka_unit_test_setup_teardown(another_user_follows_a_live_writer, setup_for_all,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_append_wakes_a_subscriber_in_another_process, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_waiter_that_is_killed_is_not_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_readers_never_disturb_a_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(as_many_attach_as_the_table_holds_and_the_dead_make_room,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("readers", tests, NULL, NULL);
}
