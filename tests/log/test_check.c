/*
 * test_check.c - flume_check() finds every kind of damage, names it, and changes nothing.
 */
#include "damage_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "head.h"

static char *strata_name_of(const struct damage_fixture *fx, size_t index, const char *ending,
                            char target[64])
{
    (void)snprintf(target, 64, "log/%020" PRIu64 ".%s", fx->strata[index], ending);
    return target;
}

static void a_healthy_basin_is_sound(void **state)
{
    struct damage_fixture *fx = *state;

    expect_sound(fx);
    assert_int_equal(fx->found_count, 0);
    assert_int_equal(fx->report.records, fx->head);
    assert_int_equal(fx->report.head, fx->head);
    assert_int_equal(fx->report.strata, fx->strata_count);
    forget_head(fx);
    expect_sound(fx);
    assert_int_equal(fx->found_count, 0);
    assert_int_equal(fx->report.head, fx->head);
}

static void a_path_without_a_basin_is_none(void **state)
{
    struct damage_fixture *fx = *state;

    assert_int_equal(flume_check(fx->root, NULL, NULL, &fx->error), FLUME_ERR_NO_BASIN);
    assert_int_equal(fx->error.status, FLUME_ERR_NO_BASIN);
    assert_true(fx->error.message[0] != '\0');
    assert_int_equal(flume_check("/nowhere/at/all", NULL, NULL, NULL), FLUME_ERR_NO_BASIN);
    assert_int_equal(flume_check(NULL, NULL, NULL, NULL), FLUME_ERR_INVALID);
}

static void a_damaged_record_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t seq = fx->strata[1] + 7;
    const struct found *found;
    char name[64];
    size_t index;

    damage_record(fx, seq);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, strata_name_of(fx, 1, "strata", name));
    assert_int_equal(found->first_seq, seq);
    assert_int_equal(found->last_seq, seq);
    assert_int_equal(found->offset, offset_of(fx, seq, &index));
    assert_int_equal(fx->report.damaged, 1);
    assert_int_equal(fx->report.records, fx->head - 1);
    assert_int_equal(fx->error.seq, seq);
    assert_false(fx->report.sound);
}

static void all_of_many_damaged_records_are_found(void **state)
{
    struct damage_fixture *fx = *state;

    for (uint64_t seq = 5; seq < fx->head; seq += 40)
        damage_record(fx, seq);
    forget_head(fx);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.damaged, (fx->head - 5 + 39) / 40);
    assert_int_equal(fx->report.records + fx->report.damaged, fx->head);
}

static void what_is_left_of_a_batch_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    const struct found *found;

    damage_record(fx, fx->batch_first + 2);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_BROKEN_BATCH, NULL);
    assert_int_equal(found->first_seq, fx->batch_first);
    assert_int_equal(found->last_seq, fx->batch_first + 1);
    assert_int_equal(fx->found[2].kind, FLUME_FINDING_BROKEN_BATCH);
    assert_int_equal(fx->found[2].first_seq, fx->batch_last);
}

/* Whatever is told of records of one strata lies exactly where they do. */
static void findings_of_records_say_where_they_lie(void **state)
{
    struct damage_fixture *fx = *state;
    unsigned told = 0;

    damage_record(fx, fx->batch_first + 1);
    damage_record(fx, fx->strata[1] + 3);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    for (size_t i = 0; i < fx->found_count; i++) {
        const struct found *found = &fx->found[i];
        size_t index;
        uint64_t begin = offset_of(fx, found->first_seq, &index);
        uint64_t end = offset_of(fx, found->last_seq + 1, &index);

        assert_int_equal(found->offset, begin);
        assert_true(found->bytes > 0 && found->bytes <= end - begin); /* Without the padding. */
        assert_true(end - begin - found->bytes < GRAIN_ALIGN);
        told++;
    }
    assert_int_equal(told, 4); /* Two bad ones, and what is left of the batch on both sides. */
}

static void a_missing_strata_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES], name[64];
    const struct found *found;

    assert_int_equal(unlink(strata_path(fx, 1, "strata", path)), 0);
    for (unsigned i = 0; i < 2; i++) {
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        found =
            expect_finding(fx, FLUME_FINDING_MISSING_STRATA, strata_name_of(fx, 1, "strata", name));
        assert_int_equal(found->first_seq, fx->strata[1]);
        assert_int_equal(found->last_seq, fx->strata[2] - 1);
        assert_int_equal(fx->report.damaged, fx->strata[2] - fx->strata[1]);
        forget_head(fx);
    }
}

static void a_missing_first_strata_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    const struct found *found;

    assert_int_equal(unlink(strata_path(fx, 0, "strata", path)), 0);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_MISSING_STRATA, NULL);
    assert_int_equal(found->first_seq, 0);
    assert_int_equal(found->last_seq, fx->strata[1] - 1);
}

static void a_damaged_header_is_named_and_its_records_read(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES], name[64];
    const uint64_t places[] = {0, 72, 77, 90, 300};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        flip_bit(strata_path(fx, 1, "strata", path), places[i]);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        expect_finding(fx, FLUME_FINDING_WRONG_STRATA, strata_name_of(fx, 1, "strata", name));
        assert_int_equal(fx->report.damaged, 0);
        flip_bit(path, places[i]);
    }
    expect_sound(fx);
}

static void exchanged_strata_are_named(void **state)
{
    struct damage_fixture *fx = *state;
    char one[FIXTURE_PATH_BYTES], two[FIXTURE_PATH_BYTES], aside[FIXTURE_PATH_BYTES];

    file_path(fx, "aside", aside);
    assert_int_equal(rename(strata_path(fx, 1, "strata", one), aside), 0);
    assert_int_equal(rename(strata_path(fx, 2, "strata", two), one), 0);
    assert_int_equal(rename(aside, two), 0);
    for (unsigned i = 0; i < 2; i++) {
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        expect_finding(fx, FLUME_FINDING_WRONG_STRATA, one + strlen(fx->basin) + 1);
        expect_finding(fx, FLUME_FINDING_WRONG_STRATA, two + strlen(fx->basin) + 1);
        assert_int_equal(fx->report.damaged, 0);
        forget_head(fx);
    }
}

static void a_file_cut_short_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES], name[64];

    assert_int_equal(truncate(strata_path(fx, 1, "strata", path), STRATA_BYTES / 2), 0);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    expect_finding(fx, FLUME_FINDING_WRONG_STRATA, strata_name_of(fx, 1, "strata", name));
    expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, strata_name_of(fx, 1, "strata", name));
    assert_true(fx->report.damaged > 10);
    assert_int_equal(truncate(path, 100), 0);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.damaged, fx->strata[2] - fx->strata[1]);
}

static void foreign_files_are_named(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "log/notes.txt", path);
    write_bytes(path, "hello", 5, 0);
    file_path(fx, "log/ahead.tmp", path);
    write_bytes(path, "hello", 5, 0);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->found_count, 1);
    expect_finding(fx, FLUME_FINDING_WRONG_STRATA, "log/notes.txt");
}

/* A strata of this size and first seq, of another basin or a newer program. */
static void forge_header(struct damage_fixture *fx, size_t index, uint64_t at, uint8_t byte)
{
    uint8_t page[STRATA_PAGE_BYTES];
    char path[FIXTURE_PATH_BYTES];

    read_bytes(strata_path(fx, index, "strata", path), page, sizeof page, 0);
    page[at] = byte;
    put_le64(page + 4088, hash_bytes(page, 4088, 0));
    write_bytes(path, page, sizeof page, 0);
}

static void a_strata_of_another_basin_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    const struct found *found;
    uint8_t byte;
    char path[FIXTURE_PATH_BYTES];

    read_bytes(strata_path(fx, 1, "strata", path), &byte, 1, 40);
    forge_header(fx, 1, 40, (uint8_t)(byte + 1));
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_WRONG_STRATA, NULL);
    assert_non_null(strstr(found->message, "another basin"));
    expect_finding(fx, FLUME_FINDING_MISSING_STRATA, NULL);
}

static void a_strata_of_another_history_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    const struct found *found;
    uint8_t byte;
    char path[FIXTURE_PATH_BYTES];

    read_bytes(strata_path(fx, 1, "strata", path), &byte, 1, 56);
    forge_header(fx, 1, 56, (uint8_t)(byte + 1));
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_WRONG_STRATA, NULL);
    assert_non_null(strstr(found->message, "predecessor"));
}

static void a_newer_strata_is_a_version_error(void **state)
{
    struct damage_fixture *fx = *state;

    forge_header(fx, 1, 32, 1);
    expect_status(fx, check(fx), FLUME_ERR_VERSION);
    expect_finding(fx, FLUME_FINDING_VERSION, NULL);
}

static void a_torn_tail_is_normal(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    uint64_t offset;
    uint32_t slot;
    size_t newest = fx->strata_count - 1;

    read_bytes(strata_path(fx, newest, "slots", path), &slot, sizeof slot,
               (fx->head - fx->strata[newest]) * sizeof slot);
    offset = (uint64_t)slot * 8;
    write_bytes(strata_path(fx, newest, "strata", path), "half a record", 13, offset);
    forget_head(fx);
    expect_sound(fx);
    assert_int_equal(expect_finding(fx, FLUME_FINDING_TORN_TAIL, NULL)->offset, offset);
    assert_int_equal(fx->report.torn_bytes, 13);
    assert_int_equal(fx->report.head, fx->head);
}

static void a_lost_tail_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    const struct found *found;
    size_t newest = fx->strata_count - 1;

    assert_int_equal(unlink(strata_path(fx, newest, "strata", path)), 0);
    forget_head(fx);
    expect_status(fx, check(fx), FLUME_ERR_TAIL_LOST);
    found = expect_finding(fx, FLUME_FINDING_TAIL_LOST, NULL);
    assert_int_equal(found->first_seq, fx->strata[newest]);
    assert_int_equal(found->last_seq, fx->head - 1);
    assert_non_null(strstr(fx->error.message, "acknowledged"));
}

static void damaged_side_files_are_named(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES], name[64];

    file_path(fx, "flume.conf", path);
    flip_bit(path, 30);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    expect_finding(fx, FLUME_FINDING_SIDE_FILE, "flume.conf");
    assert_int_equal(fx->report.records, fx->head);
    flip_bit(path, 30);

    file_path(fx, "TAIL", path);
    for (uint64_t at = 0; at < 8192; at += 4096) {
        flip_bit(path, at + 17);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        assert_int_equal(expect_finding(fx, FLUME_FINDING_SIDE_FILE, "TAIL")->offset, at);
        flip_bit(path, at + 17);
    }

    flip_bit(strata_path(fx, 1, "slots", path), 41);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED); /* HEAD of this boot stands for them. */
    expect_finding(fx, FLUME_FINDING_SIDE_FILE, strata_name_of(fx, 1, "slots", name));
    forget_head(fx);
    expect_sound(fx); /* They are rebuilt on first use. */
    expect_finding(fx, FLUME_FINDING_SIDE_FILE, strata_name_of(fx, 1, "slots", name));
    flip_bit(path, 41);

    flip_bit(strata_path(fx, 1, "strata", path), STRATA_BYTES - 4096 + 41);
    expect_sound(fx);
    expect_finding(fx, FLUME_FINDING_SIDE_FILE, strata_name_of(fx, 1, "strata", name));
}

static void a_gate_of_another_record_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    uint8_t slot[56];
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "TAIL", path);
    for (uint64_t at = 0; at < 8192; at += 4096) {
        read_bytes(path, slot, sizeof slot, at);
        slot[24] ^= 1;
        put_le64(slot + 48, hash_bytes(slot, 48, 0));
        write_bytes(path, slot, sizeof slot, at);
    }
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    expect_finding(fx, FLUME_FINDING_SIDE_FILE, "TAIL");
}

static void a_head_of_a_wrong_size_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "HEAD", path);
    assert_int_equal(truncate(path, 100), 0);
    expect_sound(fx);
    expect_finding(fx, FLUME_FINDING_SIDE_FILE, "HEAD");
}

static void a_damaged_position_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "subs/reader", path);
    write_bytes(path, "not a position", 14, 0);
    assert_int_equal(truncate(path, 128), 0);
    expect_sound(fx);
    expect_finding(fx, FLUME_FINDING_SIDE_FILE, "subs/reader");
}

/* --- Callbacks -------------------------------------------------------------------------------- */

static int cancel(void *ctx, const flume_finding *finding)
{
    (void)ctx;
    (void)finding;
    return 1;
}

static int progress(void *ctx, uint64_t done, uint64_t total)
{
    uint64_t *last = ctx;

    assert_true(done <= total);
    assert_true(done >= *last);
    *last = done;
    return 0;
}

static int cancel_progress(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    (void)done;
    (void)total;
    return 1;
}

static void callbacks_may_cancel(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t last = 0;
    flume_check_options options = {.progress = progress, .ctx = &last};

    assert_int_equal(flume_check(fx->basin, &options, &fx->report, &fx->error), FLUME_OK);
    assert_int_equal(last, fx->strata_count * STRATA_BYTES);
    options.progress = cancel_progress;
    assert_int_equal(flume_check(fx->basin, &options, NULL, &fx->error), FLUME_ERR_CANCELLED);
    damage_record(fx, 3);
    options = (flume_check_options){.finding = cancel};
    assert_int_equal(flume_check(fx->basin, &options, NULL, &fx->error), FLUME_ERR_CANCELLED);
}

/* --- Beside others ---------------------------------------------------------------------------- */

struct writing {
    struct damage_fixture *fx;
    _Atomic int stop;
};

enum { WRITER_PAUSE_US = 500 };

static void *write_on(void *ctx)
{
    struct writing *writing = ctx;
    flume_log *log = open_log(writing->fx, 0);

    while (atomic_load(&writing->stop) == 0) {
        append_records(log, 20);
        (void)usleep(WRITER_PAUSE_US); /* Else the log grows faster than it can be checked. */
    }
    (void)flume_log_close(log);
    return NULL;
}

static void a_check_beside_a_writer_finds_nothing(void **state)
{
    struct damage_fixture *fx = *state;
    struct writing writing = {.fx = fx};
    pthread_t thread;
    uint64_t head = 0;

    assert_int_equal(pthread_create(&thread, NULL, write_on, &writing), 0);
    for (unsigned i = 0; i < 40; i++) {
        expect_sound(fx);
        if (fx->found_count > 0)
            print_findings(fx);
        assert_int_equal(fx->found_count, 0);
        assert_true(fx->report.head >= head);
        head = fx->report.head;
    }
    atomic_store(&writing.stop, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(head > fx->head);
}

static void a_check_needs_only_permission_to_read(void **state)
{
    struct damage_fixture *fx = *state;
    char command[FIXTURE_PATH_BYTES + 64];
    int status;
    pid_t child;

    if (getuid() != 0)
        skip();
    (void)snprintf(command, sizeof command, "chmod -R a+rX,go-w '%s'", fx->root);
    assert_int_equal(system(command), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char head[FIXTURE_PATH_BYTES];

        file_path(fx, "flume.conf", head);
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(3);
        if (access(head, R_OK) != 0)
            _exit(77); /* Some directory above is closed to others. */
        _exit(flume_check(fx->basin, NULL, NULL, NULL) == FLUME_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_check_changes_nothing(void **state)
{
    struct damage_fixture *fx = *state;
    char command[FIXTURE_PATH_BYTES * 2];
    char path[FIXTURE_PATH_BYTES];

    damage_record(fx, 3);
    forget_head(fx);
    flip_bit(strata_path(fx, 1, "strata", path), 72);
    (void)snprintf(command, sizeof command, "cp -a '%s' '%s/before'", fx->basin, fx->root);
    assert_int_equal(system(command), 0);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    (void)snprintf(command, sizeof command, "diff -r '%s' '%s/before'", fx->basin, fx->root);
    assert_int_equal(system(command), 0);
}

static void a_copy_of_a_live_basin_is_sound(void **state)
{
    struct damage_fixture *fx = *state;
    flume_log *log = open_log(fx, 0);
    char command[FIXTURE_PATH_BYTES * 2];
    char basin[sizeof fx->basin];

    append_records(log, 30);
    (void)snprintf(command, sizeof command, "cp -r '%s' '%s/copy.flume' 2>&1", fx->basin, fx->root);
    (void)!system(command); /* A file made ahead may get its name meanwhile. */
    memcpy(basin, fx->basin, sizeof basin);
    (void)snprintf(fx->basin, sizeof fx->basin, "%s/copy.flume", fx->root);
    expect_sound(fx);
    memcpy(fx->basin, basin, sizeof basin);
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

#define BASIN_TEST(name) cmocka_unit_test_setup_teardown(name, damage_setup, damage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BASIN_TEST(a_healthy_basin_is_sound),
        BASIN_TEST(a_path_without_a_basin_is_none),
        BASIN_TEST(a_damaged_record_is_named),
        BASIN_TEST(all_of_many_damaged_records_are_found),
        BASIN_TEST(what_is_left_of_a_batch_is_named),
        BASIN_TEST(findings_of_records_say_where_they_lie),
        BASIN_TEST(a_missing_strata_is_named),
        BASIN_TEST(a_missing_first_strata_is_named),
        BASIN_TEST(a_damaged_header_is_named_and_its_records_read),
        BASIN_TEST(exchanged_strata_are_named),
        BASIN_TEST(a_file_cut_short_is_named),
        BASIN_TEST(foreign_files_are_named),
        BASIN_TEST(a_strata_of_another_basin_is_named),
        BASIN_TEST(a_strata_of_another_history_is_named),
        BASIN_TEST(a_newer_strata_is_a_version_error),
        BASIN_TEST(a_torn_tail_is_normal),
        BASIN_TEST(a_lost_tail_is_named),
        BASIN_TEST(damaged_side_files_are_named),
        BASIN_TEST(a_gate_of_another_record_is_named),
        BASIN_TEST(a_head_of_a_wrong_size_is_named),
        BASIN_TEST(a_damaged_position_is_named),
        BASIN_TEST(callbacks_may_cancel),
        BASIN_TEST(a_check_beside_a_writer_finds_nothing),
        BASIN_TEST(a_check_needs_only_permission_to_read),
        BASIN_TEST(a_check_changes_nothing),
        BASIN_TEST(a_copy_of_a_live_basin_is_sound),
    };

    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
