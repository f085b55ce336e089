/*
 * test_observe.c - reading without permission to write.
 *
 * The table of these tests refuses to open for writing, as the kernel does for another user or on a
 * read-only file system; test_process_readers.c has real other users.
 */
#include "log_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "faultio.h"
#include "flume/seal.h"
#include "handle.h"

/* The POSIX table, of which nothing opens for writing. */
struct denied {
    flume_io io;
    int error;
    const char *word; /* Only paths that contain it; NULL: all. */
};

static int open_denied(void *ctx, const char *path, unsigned flags)
{
    const struct denied *denied = ctx;

    if ((flags & FLUME_IO_WRITE) != 0 &&
        (denied->word == NULL || strstr(path, denied->word) != NULL))
        return denied->error;
    return flume_io_posix()->open(flume_io_posix()->ctx, path, flags);
}

static void deny(struct log_fixture *fx, struct denied *denied, int error, const char *word)
{
    *denied = (struct denied){.io = *flume_io_posix(), .error = error, .word = word};
    denied->io.ctx = denied;
    denied->io.open = open_denied;
    fx->options.io = &denied->io;
}

static flume_log *observe(struct log_fixture *fx)
{
    flume_log *log = open_other(fx, FLUME_OPEN_READ_ONLY);

    assert_true(stat_of(log).observer);
    assert_true(stat_of(log).read_only);
    return log;
}

static void an_observer_reads_and_follows_a_writer(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options live = {.flags = FLUME_CURSOR_LIVE};
    flume_cursor_options durable = {.flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_DURABLE};
    struct denied denied;
    flume_cursor *cursor, *durable_cursor;
    flume_log *log;

    (void)append_text(fx->log, "one");
    deny(fx, &denied, -EACCES, NULL);
    log = observe(fx);
    cursor = open_cursor(log, &live);
    durable_cursor = open_cursor(log, &durable);
    expect_next(cursor, "one");
    expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    for (unsigned i = 0; i < 3; i++) {
        (void)append_bytes(fx->log, 600000, i); /* Also new strata. */
        (void)append_text(fx->log, "more");
    }
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    expect_text(log, flume_log_head(fx->log) - 1, "more");
    assert_int_equal(flume_log_durable(log), flume_log_durable(fx->log));
    expect_next(durable_cursor, "one");
    assert_int_equal(fingerprint(log), fingerprint(fx->log));
    flume_cursor_close(cursor);
    flume_cursor_close(durable_cursor);
    close_handle(log);
}

/* The word of HEAD that tells the last record of a kind is ahead of the head while one is appended,
 * and stays so where its process dies. */
static void the_last_of_a_kind_is_exact_while_one_is_appended(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.body = "x", .body_bytes = 1, .kind = FLUME_KIND_BLOB};
    struct denied denied;
    flume_log *observer, *reader;
    uint64_t seq, last;

    reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    deny(fx, &denied, -EACCES, NULL);
    observer = observe(fx);
    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    assert_int_equal(flume_log_last(observer, FLUME_KIND_BLOB, &last), FLUME_OK);
    assert_int_equal(last, seq);
    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    (void)append_text(fx->log, "more");
    atomic_store(&fx->log->head->last_of_kind[FLUME_KIND_BLOB], flume_log_head(fx->log));
    assert_int_equal(flume_log_last(observer, FLUME_KIND_BLOB, &last), FLUME_OK);
    assert_int_equal(last, seq);
    assert_int_equal(flume_log_last(reader, FLUME_KIND_BLOB, &last), FLUME_OK);
    assert_int_equal(last, seq);
    atomic_store(&fx->log->head->last_of_kind[FLUME_KIND_BLOB], seq);
    atomic_store(&fx->log->head->last_of_kind[FLUME_KIND_LINK], flume_log_head(fx->log));
    assert_int_equal(flume_log_last(reader, FLUME_KIND_LINK, &last), FLUME_OK);
    assert_int_equal(last, FLUME_SEQ_NONE); /* The first of its kind, and not there yet. */
    atomic_store(&fx->log->head->last_of_kind[FLUME_KIND_LINK], FLUME_SEQ_NONE);
    close_handle(reader);
    close_handle(observer);
}

static void without_memory_to_look_for_the_last_of_a_kind_it_is_not_told(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.body = "x", .body_bytes = 1, .kind = FLUME_KIND_BLOB};
    struct fault_memory memory;
    bool has_failed = true;
    unsigned refused = 0;
    flume_log *reader;
    uint64_t seq;

    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    (void)append_text(fx->log, "more");
    atomic_store(&fx->log->head->last_of_kind[FLUME_KIND_BLOB], flume_log_head(fx->log));
    for (uint64_t nth = 1; has_failed; nth++) {
        uint64_t last = 7;
        int status;

        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = flume_log_last(reader, FLUME_KIND_BLOB, &last);
        has_failed = memory.failed > 0;
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        assert_true(status == FLUME_OK || (status == FLUME_ERR_NO_MEMORY && has_failed));
        assert_int_equal(last, status == FLUME_OK ? seq : 7);
        refused += status != FLUME_OK;
    }
    assert_true(refused > 0);
    atomic_store(&fx->log->head->last_of_kind[FLUME_KIND_BLOB], seq);
    close_handle(reader);
    assert_int_equal(memory.live_blocks, 0);
    fault_memory_deinit(&memory);
    fx->options.allocator = NULL;
}

struct late_writer {
    flume_log *log;
    pthread_t thread;
};

static void *append_late(void *ctx)
{
    struct late_writer *late = ctx;

    (void)usleep(80000); /* Its looks have grown apart by then. */
    (void)flume_log_append(late->log, "late", 4, NULL);
    return NULL;
}

static void an_observer_that_waits_finds_what_is_appended(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options live = {.flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_NEW_ONLY};
    struct late_writer late = {.log = fx->log};
    struct denied denied;
    flume_record record;
    flume_cursor *cursor;
    flume_log *log;

    (void)append_text(fx->log, "one");
    deny(fx, &denied, -EACCES, NULL);
    log = observe(fx);
    cursor = open_cursor(log, &live);
    assert_int_equal(flume_cursor_next(cursor, 5000000, &record), FLUME_ERR_TIMEOUT);
    assert_int_equal(pthread_create(&late.thread, NULL, append_late, &late), 0);
    expect_next(cursor, "late");
    assert_int_equal(pthread_join(late.thread, NULL), 0);
    flume_cursor_cancel(cursor);
    expect_no_next(cursor, FLUME_ERR_CANCELLED);
    flume_cursor_close(cursor);
    close_handle(log);
}

static int end_at_once(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 1;
}

static void an_observer_is_refused_whatever_writes(void **state)
{
    struct log_fixture *fx = *state;
    flume_subscribe_options named = {.name = "watcher"};
    flume_subscription *subscription = NULL;
    struct denied denied;
    flume_log *log;

    (void)append_text(fx->log, "one");
    assert_int_equal(flume_subscribe(fx->log, &named, end_at_once, NULL, &subscription), FLUME_OK);
    flume_unsubscribe(subscription);
    deny(fx, &denied, -EACCES, NULL);
    log = observe(fx);
    assert_int_equal(flume_log_append(log, "x", 1, NULL), FLUME_ERR_READ_ONLY);
    expect_error(log, FLUME_ERR_READ_ONLY, "was opened to read only");
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_ERR_READ_ONLY);
    expect_error(log, FLUME_ERR_READ_ONLY, "cannot be written by this user");
    assert_int_equal(flume_subscribe(log, &named, end_at_once, NULL, &subscription),
                     FLUME_ERR_READ_ONLY);
    expect_error(log, FLUME_ERR_READ_ONLY, "cannot keep its position");
    assert_int_equal(flume_subscription_forget(log, "watcher"), FLUME_ERR_READ_ONLY);
    close_handle(log);
    fx->options.flags = 0;
    expect_open_fails(fx, FLUME_ERR_ACCESS, "check the permissions, or open read-only");
    denied.error = -EROFS;
    expect_open_fails(fx, FLUME_ERR_READ_ONLY, "open read-only");
}

static void a_read_only_file_system_or_one_file_makes_an_observer_too(void **state)
{
    static const char *const words[] = {"/LOCK", "/TAIL", "/HEAD"};
    struct log_fixture *fx = *state;
    struct denied denied;
    flume_log *log;

    (void)append_text(fx->log, "one");
    deny(fx, &denied, -EROFS, NULL);
    log = observe(fx);
    expect_text(log, 1, "one");
    close_handle(log);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        deny(fx, &denied, -EACCES, words[i]);
        log = observe(fx);
        expect_text(log, 1, "one");
        assert_int_equal(flume_log_attached(log, NULL, 0), 1); /* Only the writer. */
        close_handle(log);
    }
    (void)append_text(fx->log, "two"); /* The locks that were taken on the way are free again. */
    fx->options.io = NULL;
    close_handle(open_other(fx, 0));
}

static void an_observer_of_a_closed_log_sees_all_of_it_and_changes_nothing(void **state)
{
    struct log_fixture *fx = *state;
    struct denied denied;
    uint64_t print;
    flume_log *log;

    (void)append_numbered(fx->log, 100);
    print = fingerprint(fx->log);
    close_log(fx);
    run_command("cd '%s' && ls -lR --time-style=full-iso | cksum > '%s/before'", fx->path,
                fx->root);
    deny(fx, &denied, -EACCES, NULL);
    log = observe(fx);
    assert_int_equal(fingerprint(log), print);
    close_handle(log);
    run_command("cd '%s' && ls -lR --time-style=full-iso | cksum | cmp - '%s/before'", fx->path,
                fx->root);
}

static void without_head_an_observer_sees_what_recovery_would_leave(void **state)
{
    struct log_fixture *fx = *state;
    struct denied denied;
    flume_log *log;

    (void)append_numbered(fx->log, 100);
    close_log(fx);
    run_command("rm '%s/HEAD'", fx->path);
    deny(fx, &denied, -EACCES, NULL);
    log = observe(fx);
    assert_int_equal(flume_log_head(log), 101);
    expect_text(log, 100, "99");
    assert_int_equal(flume_log_attached(log, NULL, 0), 0);
    assert_false(file_exists(fixture_path(fx, "basin.flume/HEAD")));
    fx->options.io = NULL;
    open_log(fx); /* From now on there is one, and the observer finds it. */
    assert_int_equal(append_text(fx->log, "new"), 102);
    for (unsigned i = 0; i < 1000 && flume_log_head(log) < 103; i++)
        (void)usleep(10000);
    expect_text(log, 102, "new");
    close_handle(log);
}

static void a_head_that_is_too_short_counts_for_nothing(void **state)
{
    struct log_fixture *fx = *state;
    struct denied denied;
    flume_log *log;

    (void)append_numbered(fx->log, 100);
    close_log(fx);
    run_command("truncate -s 4096 '%s/HEAD'", fx->path);
    deny(fx, &denied, -EACCES, NULL);
    log = observe(fx);
    assert_int_equal(flume_log_head(log), 101);
    close_handle(log);
}

static void a_copy_of_a_basin_in_use_is_known_as_one(void **state)
{
    struct log_fixture *fx = *state;
    struct denied denied;
    char copy[sizeof fx->path + 8];
    flume_log *log;

    (void)append_numbered(fx->log, 100);
    (void)snprintf(copy, sizeof copy, "%s.copy", fx->path);
    copy_in_use(fx->path, copy);
    (void)snprintf(fx->path, sizeof fx->path, "%s/basin.flume.copy", fx->root);
    deny(fx, &denied, -EACCES, NULL);
    log = observe(fx);
    assert_int_equal(flume_log_head(log), 101);
    assert_false(stat_of(log).recovery.damaged);
    close_handle(log);
}

/* Records that were seen stay seen. */
static void a_head_that_counts_no_more_changes_nothing(void **state)
{
    static const uint32_t no_state = 77;
    struct log_fixture *fx = *state;
    struct head *head = fx->log->head;
    struct denied denied;
    flume_log *observer;
    uint64_t seen;

    (void)append_text(fx->log, "one");
    deny(fx, &denied, -EACCES, NULL);
    observer = observe(fx);
    seen = flume_log_head(observer);
    assert_int_equal(seen, flume_log_head(fx->log));
    (void)append_text(fx->log, "two");
    atomic_store(&head->state, no_state);
    assert_int_equal(flume_log_head(observer), seen);
    atomic_store(&head->state, HEAD_READY);
    head->boot_id[0] ^= 1;
    assert_int_equal(flume_log_head(observer), seen);
    head->boot_id[0] ^= 1;
    assert_int_equal(flume_log_head(observer), seen + 1);
    (void)append_text(fx->log, "three");
    fx->options.io = NULL;
    close_log(fx); /* In order: what HEAD says then counts. */
    assert_int_equal(flume_log_head(observer), seen + 2);
    expect_text(observer, seen + 1, "three");
    close_handle(observer);
}

static void an_observer_reads_on_where_strata_are_sealed(void **state)
{
    struct log_fixture *fx = *state;
    const flume_seal_call call = {.active = true};
    flume_strata_info info;
    struct denied denied;
    flume_log *observer;

    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    deny(fx, &denied, -EACCES, NULL);
    observer = observe(fx);
    expect_text(observer, 1, "one");
    assert_int_equal(flume_log_strata(observer, 1, &info), FLUME_OK);
    assert_false(info.sealed);
    assert_int_equal(flume_log_seal(fx->log, &call, NULL), FLUME_OK);
    assert_int_equal(flume_log_strata(observer, 1, &info), FLUME_OK);
    assert_true(info.sealed);
    expect_text(observer, 1, "one");
    close_handle(observer);
}

static void a_head_that_opens_but_cannot_be_mapped_is_closed_again(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    flume_log *log;

    (void)append_text(fx->log, "one");
    faultio_init(&fault, flume_io_posix());
    faultio_plan(&fault, (struct fault_plan){FAULT_MAP, 1, -EACCES, FAULT_ONCE});
    fx->options.io = &fault.table;
    log = observe(fx);
    expect_text(log, 1, "one");
    close_handle(log);
    assert_int_equal(fault.open_files, 0);
    assert_int_equal(fault.open_maps, 0);
    faultio_deinit(&fault);
    fx->options.io = NULL;
}

static void without_lock_nobody_is_seen_to_be_attached(void **state)
{
    struct log_fixture *fx = *state;
    struct denied denied;
    flume_log *log;

    (void)append_text(fx->log, "one");
    close_log(fx);
    run_command("rm '%s/LOCK'", fx->path);
    deny(fx, &denied, -EACCES, NULL);
    log = observe(fx);
    assert_int_equal(flume_log_attached(log, NULL, 0), 0);
    expect_text(log, 1, "one");
    close_handle(log);
}

static void there_must_be_a_basin_to_observe(void **state)
{
    struct log_fixture *fx = *state;
    struct denied denied;

    close_log(fx);
    run_command("rm '%s/flume.conf'", fx->path);
    deny(fx, &denied, -EACCES, NULL);
    fx->options.flags = FLUME_OPEN_READ_ONLY;
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, fx->path);
}

static void any_request_for_memory_may_fail(void **state)
{
    struct log_fixture *fx = *state;
    struct fault_memory memory;
    struct denied denied;
    uint64_t failed = 1;

    close_log(fx);
    run_command("rm '%s/HEAD'", fx->path);
    deny(fx, &denied, -EACCES, NULL);
    fault_memory_init(&memory);
    fx->options.flags = FLUME_OPEN_READ_ONLY;
    fx->options.allocator = &memory.table;
    for (uint64_t nth = 1; failed > 0; nth++) {
        int status;

        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = try_open(fx);
        failed = atomic_load(&memory.failed);
        assert_int_equal(status, failed > 0 ? FLUME_ERR_NO_MEMORY : FLUME_OK);
        assert_int_equal(atomic_load(&memory.live_blocks), 0);
    }
    fault_memory_deinit(&memory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        log_test(an_observer_reads_and_follows_a_writer),
        log_test(the_last_of_a_kind_is_exact_while_one_is_appended),
        log_test(without_memory_to_look_for_the_last_of_a_kind_it_is_not_told),
        log_test(an_observer_that_waits_finds_what_is_appended),
        log_test(an_observer_is_refused_whatever_writes),
        log_test(a_read_only_file_system_or_one_file_makes_an_observer_too),
        log_test(an_observer_of_a_closed_log_sees_all_of_it_and_changes_nothing),
        log_test(without_head_an_observer_sees_what_recovery_would_leave),
        log_test(a_head_that_is_too_short_counts_for_nothing),
        log_test(a_copy_of_a_basin_in_use_is_known_as_one),
        log_test(a_head_that_counts_no_more_changes_nothing),
        log_test(an_observer_reads_on_where_strata_are_sealed),
        log_test(a_head_that_opens_but_cannot_be_mapped_is_closed_again),
        log_test(without_lock_nobody_is_seen_to_be_attached),
        log_test(there_must_be_a_basin_to_observe),
        log_test(any_request_for_memory_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
