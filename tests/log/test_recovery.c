/*
 * test_recovery.c - opening what a power cut, a dead process or a bad disk left, on real files.
 *
 * O1 to O3 and A6 of the flume family's list (test_cursor.c has the rest), and the damage table on
 * which its members fail: what each does is in the comments, what must happen is in the names. A
 * file is never shortened here: what is cut lies in lost+found/, and the next append opens a new
 * strata behind the last record.
 */
#include "log_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "leave.h"

enum {
    SECOND_MANIFEST = 2,
    RECORDS = 5000,
    LAST = RECORDS + 1,
    RECORD_BYTES = 100,
    GRAIN_BYTES = 136,
    PAGE = 4096
};

/* A machine that has been started again: HEAD of before does not count. */
static int another_boot(void *ctx, uint8_t out_id[16])
{
    (void)ctx;
    memset(out_id, 0x5a, 16);
    return 0;
}

static flume_io io_after_reboot(void)
{
    flume_io io = *flume_io_posix();

    io.boot_id = another_boot;
    return io;
}

/* Append in a process that dies without closing anything. */
static void append_and_die(struct log_fixture *fx, unsigned count, enum flume_profile profile)
{
    pid_t child = fork();
    int how = 0;

    if (child == 0) {
        flume_log_options options = {.flags = FLUME_OPEN_CREATE, .profile = profile};
        flume_log *log = NULL;
        int status = flume_log_open(&log, fx->path, &options, NULL);

        for (unsigned i = 0; i < count && status == FLUME_OK; i++)
            status = flume_log_append(log, "from the dead", 13, NULL);
        leave(status == FLUME_OK ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
}

/* --- O1: intact --- */

static void reopening_an_intact_log_changes_nothing(void **state)
{
    struct log_fixture *fx = *state;
    flume_io io = io_after_reboot();
    uint64_t before, head;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned i = 0; i < 100; i++)
        (void)append_bytes(fx->log, i * 50, i);
    before = fingerprint(fx->log);
    head = flume_log_head(fx->log);
    close_log(fx);
    for (unsigned round = 0; round < 4; round++) {
        flume_log_stat_info info;

        if (round == 1)
            zero_file(fixture_path(fx, "basin.flume/HEAD"), 0, PAGE);
        if (round == 2)
            run_command("rm '%s/HEAD' '%s/LOCK'", fx->path, fx->path);
        if (round == 3)
            fx->options.io = &io;
        open_log(fx);
        info = stat_of(fx->log);
        assert_int_equal(info.head, head);
        assert_true(fingerprint(fx->log) == before);
        assert_false(info.recovery.torn || info.recovery.damaged);
        assert_int_equal(info.recovery.cut_bytes, 0);
        assert_int_equal(count_files(fixture_path(fx, "basin.flume/lost+found"), ""), 0);
        close_log(fx);
    }
}

static void slots_files_that_are_gone_or_wrong_are_made_again(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t before;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned i = 0; i < 300; i++)
        (void)append_bytes(fx->log, i * 10, i);
    before = fingerprint(fx->log);
    close_log(fx);
    for (unsigned round = 0; round < 4; round++) {
        const char *folder = fixture_path(fx, "basin.flume/log");

        if (round % 2 == 0)
            run_command("rm '%s'/*.slots", folder);
        else
            run_command("for f in '%s'/*.slots; do head -c 600 /dev/urandom | "
                        "dd of=\"$f\" conv=notrunc status=none; done",
                        folder);
        if (round >= 2)
            run_command("rm '%s/HEAD'", fx->path);
        open_log(fx);
        assert_true(fingerprint(fx->log) == before);
        (void)append_text(fx->log, "goes on");
        before = fingerprint(fx->log);
        close_log(fx);
    }
}

/* --- O2, O3: a cut into the last record --- */

enum damage { CUT_ZEROS, CUT_JUNK, CUT_SHORT, CUT_KINDS };

static void cut_file(const char *path, uint64_t offset, uint64_t end, enum damage how)
{
    uint8_t *junk = malloc((size_t)(end - offset) + 1);

    assert_non_null(junk);
    fill_bytes(junk, (size_t)(end - offset), 5);
    if (how == CUT_SHORT)
        assert_int_equal(truncate(path, (off_t)offset), 0);
    else if (how == CUT_ZEROS)
        zero_file(path, offset, (size_t)(end - offset));
    else
        write_file(path, offset, junk, (size_t)(end - offset));
    free(junk);
}

static void expect_cut(struct log_fixture *fx, const char *path, uint64_t head)
{
    flume_log *log = NULL;
    uint64_t seq, again;

    assert_int_equal(flume_log_open(&log, path, NULL, &fx->error), FLUME_OK);
    assert_int_equal(flume_log_head(log), head);
    for (uint64_t i = 1; i < head; i++) {
        if (i != SECOND_MANIFEST)
            expect_bytes(log, i, RECORD_BYTES, (unsigned)i);
    }
    assert_false(stat_of(log).recovery.damaged);
    close_handle(log);
    assert_int_equal(flume_log_open(&log, path, NULL, NULL), FLUME_OK);
    assert_int_equal(flume_log_head(log), head); /* O3: the same again. */
    seq = append_bytes(log, RECORD_BYTES, 77);   /* A6: the next one reads back right. */
    expect_bytes(log, seq, RECORD_BYTES, 77);
    close_handle(log);
    assert_int_equal(flume_log_open(&log, path, NULL, NULL), FLUME_OK);
    expect_bytes(log, seq, RECORD_BYTES, 77);
    again = append_bytes(log, RECORD_BYTES, 78);
    assert_true(again > seq);
    close_handle(log);
}

/* Seq 1 .. last (2 is a manifest), of which only the first is known to be durable. */
static void append_undurable(struct log_fixture *fx, unsigned last)
{
    open_forgetful(fx);
    for (unsigned i = SECOND_MANIFEST + 1; i <= last; i++)
        assert_int_equal(append_bytes(fx->log, RECORD_BYTES, i), i);
}

static void a_cut_anywhere_in_the_last_record_takes_that_record_and_no_other(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;

    append_undurable(fx, 20);
    assert_int_equal(flume_log_get(fx->log, 20, &record), FLUME_OK);
    for (unsigned how = 0; how < CUT_KINDS; how++) {
        for (uint64_t at = 0; at < 32 + RECORD_BYTES; at += at < 34 ? 1 : 17) {
            const char *copy = copy_after_power_cut(fx, "copy.flume");
            uint64_t end = record.offset + GRAIN_BYTES;

            cut_file(strata_path(fx, "copy.flume", 0), record.offset + at, end, (enum damage)how);
            copy = fixture_path(fx, "copy.flume");
            (void)snprintf(fx->path, sizeof fx->path, "%s", copy);
            expect_cut(fx, fx->path, 20);
            run_command("rm -rf '%s'", fx->path);
            (void)snprintf(fx->path, sizeof fx->path, "%s/basin.flume", fx->root);
        }
    }
    flume_record_release(&record);
}

static void what_is_cut_is_kept_in_lost_and_found_and_told(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;
    flume_log_stat_info info;
    flume_log *log = NULL;

    append_undurable(fx, 20);
    assert_int_equal(flume_log_get(fx->log, 20, &record), FLUME_OK);
    (void)copy_after_power_cut(fx, "copy.flume");
    zero_file(strata_path(fx, "copy.flume", 0), record.offset, 8);
    flume_record_release(&record);
    assert_int_equal(flume_log_open(&log, fixture_path(fx, "copy.flume"), NULL, NULL), FLUME_OK);
    info = stat_of(log);
    assert_true(info.recovery.torn);
    assert_int_equal(info.recovery.head, 20);
    assert_true(info.recovery.cut_bytes > 100);
    assert_int_equal(count_files(fixture_path(fx, "copy.flume/lost+found"), ".torn"), 1);
    close_handle(log);
}

static void a_batch_whose_end_is_missing_is_dropped_whole(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;
    flume_log *log = NULL;

    append_undurable(fx, 10);
    assert_int_equal(append_numbered(fx->log, 50), 11);
    for (uint64_t seq = 11; seq <= 60; seq += 7) {
        (void)copy_after_power_cut(fx, "copy.flume");
        assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
        zero_file(strata_path(fx, "copy.flume", 0), record.offset, 48);
        flume_record_release(&record);
        assert_int_equal(flume_log_open(&log, fixture_path(fx, "copy.flume"), NULL, NULL),
                         FLUME_OK);
        assert_int_equal(flume_log_head(log), 11);
        close_handle(log);
        run_command("rm -rf '%s'", fixture_path(fx, "copy.flume"));
    }
}

static void a_tail_shorter_than_the_gate_is_refused_naming_both_seqs(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;

    open_log(fx);
    for (unsigned i = 1; i <= 20; i++)
        (void)append_bytes(fx->log, RECORD_BYTES, i);
    assert_int_equal(flume_log_get(fx->log, 15, &record), FLUME_OK);
    close_log(fx); /* The gate says 21. */
    cut_file(strata_path(fx, "basin.flume", 0), record.offset, record.offset + 6 * GRAIN_BYTES,
             CUT_ZEROS);
    run_command("rm '%s/HEAD'", fx->path);
    fx->options.profile = FLUME_PROFILE_SAFE;
    expect_open_fails(fx, FLUME_ERR_TAIL_LOST, "seq 15");
    assert_non_null(strstr(fx->error.message, "21"));
    fx->options.profile = FLUME_PROFILE_CASUAL;
    open_log(fx);
    assert_int_equal(flume_log_append(fx->log, "x", 1, NULL), FLUME_ERR_TAIL_LOST);
    for (unsigned i = 1; i < 15; i++)
        expect_bytes(fx->log, i, RECORD_BYTES, i);
}

/* --- A6: processes that die --- */

static void what_a_dead_process_appended_is_there(void **state)
{
    struct log_fixture *fx = *state;

    for (int profile = FLUME_PROFILE_FORGETFUL; profile <= FLUME_PROFILE_PARANOID; profile++) {
        append_and_die(fx, 100, (enum flume_profile)profile);
        open_log(fx);
        assert_int_equal(flume_log_head(fx->log), 101);
        expect_text(fx->log, 100, "from the dead");
        expect_text(fx->log, append_text(fx->log, "alive"), "alive");
        assert_int_equal(flume_log_head(fx->log), 103);
        close_log(fx);
        run_command("rm -rf '%s'", fx->path);
    }
}

static void after_a_reboot_everything_that_reached_the_disk_is_there(void **state)
{
    struct log_fixture *fx = *state;
    flume_io io = io_after_reboot();

    append_and_die(fx, 100, FLUME_PROFILE_FORGETFUL);
    fx->options.io = &io;
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), 101);
    assert_int_equal(append_text(fx->log, "next"), 102); /* Behind a new manifest, */
    assert_int_equal(stat_of(fx->log).strata_count, 2);  /* in a new strata. */
    reopen_log(fx);
    expect_text(fx->log, 102, "next");
    close_log(fx); /* The table lives no longer than this test. */
}

static void a_copy_of_a_basin_in_use_opens_as_a_prefix(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *log = NULL;

    open_log(fx);
    for (unsigned i = 1; i <= 100; i++)
        (void)append_bytes(fx->log, RECORD_BYTES, i);
    copy_in_use(fx->path, fixture_path(fx, "copy.flume")); /* HEAD and all. */
    (void)append_text(fx->log, "after the copy");
    assert_int_equal(flume_log_open(&log, fixture_path(fx, "copy.flume"), NULL, &fx->error),
                     FLUME_OK);
    assert_int_equal(flume_log_head(log), 101);
    for (unsigned i = 1; i <= 100; i++)
        expect_bytes(log, i, RECORD_BYTES, i);
    (void)append_text(log, "only in the copy");
    assert_int_equal(flume_log_head(fx->log), 102);
    close_handle(log);
}

/* --- The damage table: 5,000 records of 100 bytes, damage, reopen, read everything --- */

struct outcome {
    unsigned good, wrong, refused;
};

static struct outcome read_everything(flume_log *log)
{
    struct outcome outcome = {0};
    flume_cursor *cursor = open_cursor(log, NULL);
    flume_record record;
    uint8_t body[RECORD_BYTES];
    int status;

    while ((status = flume_cursor_next(cursor, 0, &record)) != FLUME_END) {
        if (status != FLUME_OK) {
            outcome.refused++;
            continue;
        }
        fill_bytes(body, sizeof body, (unsigned)record.seq);
        if (record.body_bytes == sizeof body && memcmp(record.body, body, sizeof body) == 0)
            outcome.good++;
        else
            outcome.wrong++;
    }
    flume_cursor_close(cursor);
    return outcome;
}

/* 5,000 records: closed in order, or as a power cut leaves them, only the first known durable. */
static void make_5000(struct log_fixture *fx, bool closed)
{
    append_undurable(fx, LAST);
    assert_int_equal(stat_of(fx->log).strata_count, 1);
    if (!closed) {
        (void)copy_after_power_cut(fx, "copy.flume");
        close_log(fx);
        run_command("rm -rf '%s' && mv '%s' '%s'", fx->path, fixture_path(fx, "copy.flume"),
                    fx->path);
        return;
    }
    close_log(fx);
}

static uint64_t offset_of(struct log_fixture *fx, uint64_t seq)
{
    flume_record record;
    uint64_t offset;

    open_log(fx);
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    offset = record.offset;
    flume_record_release(&record);
    close_log(fx);
    return offset;
}

static void expect_outcome(struct log_fixture *fx, unsigned good, unsigned refused)
{
    for (unsigned round = 0; round < 2; round++) {
        struct outcome outcome;

        open_log(fx);
        outcome = read_everything(fx->log);
        assert_int_equal(outcome.wrong, 0);
        assert_int_equal(outcome.good, good);
        assert_int_equal(outcome.refused, refused);
        close_log(fx);
        run_command("rm -f '%s/HEAD'", fx->path); /* And again with nothing but the files. */
    }
}

/* Peers: 4,999 and repaired; throws; 4,494, or hangs. */
static void a_cut_tail_costs_only_the_records_that_were_cut(void **state)
{
    static const struct {
        uint64_t bytes;
        unsigned good;
    } cuts[] = {{10, 4999}, {150, 4998}, {GRAIN_BYTES, 4999}, {4096, 4969}};
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        uint64_t end;

        make_5000(fx, true);
        end = offset_of(fx, LAST) + 32 + RECORD_BYTES;
        run_command("rm -rf '%s'", fx->path);
        make_5000(fx, false);
        zero_file(strata_path(fx, "basin.flume", 0), end - cuts[i].bytes, cuts[i].bytes);
        expect_outcome(fx, cuts[i].good, 0);
        run_command("rm -rf '%s'", fx->path);
    }
}

/* Peers: since points at padding; 16 phantom nulls; 4,534 good and 1 wrong. */
static void junk_behind_the_end_costs_nothing(void **state)
{
    static uint8_t junk[1 << 16];
    struct log_fixture *fx = *state;
    uint64_t end;

    for (unsigned round = 0; round < 4; round++) {
        make_5000(fx, true);
        end = offset_of(fx, LAST) + GRAIN_BYTES;
        if (round > 1) {
            run_command("rm -rf '%s'", fx->path);
            make_5000(fx, false);
        }
        fill_bytes(junk, sizeof junk, round);
        write_file(strata_path(fx, "basin.flume", 0), end, junk, round % 2 == 0 ? 1000 : 1 << 16);
        expect_outcome(fx, RECORDS, 0);
        run_command("rm -rf '%s'", fx->path);
    }
}

/* Peers: 3,990 good and 1 wrong, 989 unreachable; throws; 4,534 good and 1 wrong. */
static void a_page_zeroed_in_the_middle_costs_only_what_lay_in_it(void **state)
{
    struct log_fixture *fx = *state;

    make_5000(fx, true);
    zero_file(strata_path(fx, "basin.flume", 0), (uint64_t)80 * PAGE, PAGE);
    expect_outcome(fx, RECORDS - 31, 31); /* 4096 / 136, and one at each end. */
}

/* Peers: 3,262 records unreachable, or a wrong record silently. */
static void a_bit_flipped_anywhere_in_a_record_costs_that_record(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t offset;

    make_5000(fx, true);
    offset = offset_of(fx, 1700);
    for (uint64_t at = 0; at < 32 + RECORD_BYTES; at += 3) {
        uint8_t byte, flipped;

        read_file(strata_path(fx, "basin.flume", 0), offset + at, &byte, 1);
        flipped = (uint8_t)(byte ^ (1u << at % 8));
        write_file(fx->text, offset + at, &flipped, 1);
        expect_outcome(fx, RECORDS - 1, 1);
        write_file(strata_path(fx, "basin.flume", 0), offset + at, &byte, 1);
    }
    expect_outcome(fx, RECORDS, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(reopening_an_intact_log_changes_nothing),
        closed_log_test(slots_files_that_are_gone_or_wrong_are_made_again),
        closed_log_test(a_cut_anywhere_in_the_last_record_takes_that_record_and_no_other),
        closed_log_test(what_is_cut_is_kept_in_lost_and_found_and_told),
        closed_log_test(a_batch_whose_end_is_missing_is_dropped_whole),
        closed_log_test(a_tail_shorter_than_the_gate_is_refused_naming_both_seqs),
        closed_log_test(what_a_dead_process_appended_is_there),
        closed_log_test(after_a_reboot_everything_that_reached_the_disk_is_there),
        closed_log_test(a_copy_of_a_basin_in_use_opens_as_a_prefix),
        closed_log_test(a_cut_tail_costs_only_the_records_that_were_cut),
        closed_log_test(junk_behind_the_end_costs_nothing),
        closed_log_test(a_page_zeroed_in_the_middle_costs_only_what_lay_in_it),
        closed_log_test(a_bit_flipped_anywhere_in_a_record_costs_that_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
