/*
 * test_repair.c - flume_repair() makes a damaged basin whole, keeps every record that reads at its
 * seq, and may be interrupted anywhere.
 */
#include "repair_expect.h"

#include <errno.h>
#include <sys/wait.h>

#include "faultio.h"

/* --- What is to hold afterwards --------------------------------------------------------------- */

/* Repair, and see that all is well and a second repair has nothing to do. */
static void expect_repaired(struct damage_fixture *fx, const uint64_t *lost, size_t lost_count)
{
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    assert_true(fx->report.sound);
    for (size_t i = 0; i < fx->found_count; i++)
        assert_true(fx->found[i].action[0] != '\0');
    expect_sound(fx);
    assert_int_equal(fx->report.lost, lost_count);
    expect_left_alone(fx, "once");
    expect_lost_seqs(fx, &(struct lost_seqs){lost, lost_count, 0, 0});
    expect_sound(fx);
    expect_appends(fx);
}

/* --- Damage and repair ------------------------------------------------------------------------ */

static void a_sound_basin_is_left_alone(void **state)
{
    struct damage_fixture *fx = *state;

    expect_left_alone(fx, "before");
    assert_int_equal(fx->found_count, 0);
}

static void salvage_keeps_every_other_record(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t lost[] = {3, fx->strata[1], fx->strata[1] + 1, fx->strata[2] - 1, fx->head - 2};

    for (size_t i = 0; i < 5; i++)
        damage_record(fx, lost[i]);
    expect_repaired(fx, lost, 5);
    assert_int_equal(count_in_lost_found(fx), 6); /* Three strata and their slots. */
}

static void salvage_works_without_head(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t lost[] = {3, fx->head - 1};

    damage_record(fx, lost[0]);
    damage_record(fx, lost[1]);
    forget_head(fx);
    expect_repaired(fx, lost, 2);
}

static void what_is_left_of_a_batch_is_marked(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t lost[] = {fx->batch_first + 2};
    flume_log *log;

    damage_record(fx, lost[0]);
    expect_repaired(fx, lost, 1);
    log = open_log(fx, FLUME_OPEN_READ_ONLY);
    for (uint64_t seq = fx->batch_first - 1; seq <= fx->batch_last + 1; seq++) {
        flume_record record;
        bool is_member = seq >= fx->batch_first && seq <= fx->batch_last;

        if (seq == lost[0])
            continue;
        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        assert_int_equal((record.flags & FLUME_RECORD_BROKEN) != 0, is_member);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

static void a_missing_strata_becomes_stand_ins(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t lost[RECORDS_MAX];
    size_t count = 0;
    char path[FIXTURE_PATH_BYTES];

    for (uint64_t seq = fx->strata[1]; seq < fx->strata[3]; seq++)
        lost[count++] = seq;
    assert_int_equal(unlink(strata_path(fx, 1, "strata", path)), 0);
    assert_int_equal(unlink(strata_path(fx, 2, "strata", path)), 0);
    expect_repaired(fx, lost, count);
}

static void a_missing_first_strata_becomes_stand_ins(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t lost[RECORDS_MAX];
    char path[FIXTURE_PATH_BYTES];

    for (uint64_t seq = 0; seq < fx->strata[1]; seq++)
        lost[seq] = seq;
    assert_int_equal(unlink(strata_path(fx, 0, "strata", path)), 0);
    forget_head(fx);
    expect_repaired(fx, lost, fx->strata[1]);
}

static void damaged_headers_lose_nothing(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    flip_bit(strata_path(fx, 0, "strata", path), 90);
    flip_bit(strata_path(fx, 1, "strata", path), 73);
    flip_bit(strata_path(fx, 2, "strata", path), 2);
    flip_bit(strata_path(fx, fx->strata_count - 1, "strata", path), 300);
    expect_repaired(fx, NULL, 0);
}

static void a_newest_header_damaged_after_a_stop_loses_nothing(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    flip_bit(strata_path(fx, fx->strata_count - 1, "strata", path), 300);
    forget_head(fx);
    expect_repaired(fx, NULL, 0);
}

static void exchanged_strata_are_put_back(void **state)
{
    struct damage_fixture *fx = *state;
    char one[FIXTURE_PATH_BYTES], two[FIXTURE_PATH_BYTES], aside[FIXTURE_PATH_BYTES];
    uint64_t lost[] = {fx->strata[2] + 4};

    damage_record(fx, lost[0]);
    file_path(fx, "aside", aside);
    assert_int_equal(rename(strata_path(fx, 1, "strata", one), aside), 0);
    assert_int_equal(rename(strata_path(fx, 2, "strata", two), one), 0);
    assert_int_equal(rename(aside, two), 0);
    expect_repaired(fx, lost, 1);
}

static void a_strata_under_any_name_is_found(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES], other[FIXTURE_PATH_BYTES];

    file_path(fx, "log/copy of something", other);
    assert_int_equal(rename(strata_path(fx, 2, "strata", path), other), 0);
    expect_repaired(fx, NULL, 0);
}

static void a_file_cut_short_keeps_its_beginning(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    uint64_t lost[RECORDS_MAX];
    size_t count = 0, index;

    for (uint64_t seq = fx->strata[1]; seq < fx->strata[2]; seq++) {
        if (seq + 1 == fx->strata[2] || offset_of(fx, seq + 1, &index) > STRATA_BYTES / 2)
            lost[count++] = seq;
    }
    assert_int_equal(truncate(strata_path(fx, 1, "strata", path), STRATA_BYTES / 2), 0);
    expect_repaired(fx, lost, count);
}

static void side_files_are_written_anew(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "flume.conf", path);
    flip_bit(path, 30);
    file_path(fx, "TAIL", path);
    flip_bit(path, 17);
    flip_bit(strata_path(fx, 1, "slots", path), 41);
    flip_bit(strata_path(fx, 2, "strata", path), STRATA_BYTES - 4096 + 41);
    file_path(fx, "log/notes.txt", path);
    write_bytes(path, "hello", 5, 0);
    file_path(fx, "log/00000000000000009999.slots", path);
    write_bytes(path, "hello", 5, 0);
    file_path(fx, "subs/reader", path);
    write_bytes(path, "not a position", 14, 0);
    assert_int_equal(truncate(path, 128), 0);
    expect_repaired(fx, NULL, 0);
    file_path(fx, "lost+found/notes.txt", path);
    assert_int_equal(access(path, F_OK), 0);
}

static void lost_settings_are_written_anew(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "flume.conf", path);
    assert_int_equal(unlink(path), 0);
    expect_repaired(fx, NULL, 0);
}

static void a_torn_tail_is_left_to_the_next_open(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    uint64_t lost[] = {7};
    uint32_t slot;
    size_t newest = fx->strata_count - 1;

    read_bytes(strata_path(fx, newest, "slots", path), &slot, sizeof slot,
               (fx->head - fx->strata[newest]) * sizeof slot);
    write_bytes(strata_path(fx, newest, "strata", path), "half a record", 13, (uint64_t)slot * 8);
    damage_record(fx, lost[0]);
    forget_head(fx);
    expect_repaired(fx, lost, 1);
}

static void a_lost_tail_must_be_accepted(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    size_t newest = fx->strata_count - 1;

    assert_int_equal(unlink(strata_path(fx, newest, "strata", path)), 0);
    forget_head(fx);
    copy_basin(fx, "b.flume", "before");
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_ERR_TAIL_LOST);
    assert_non_null(strstr(fx->error.message, "seq"));
    expect_finding(fx, FLUME_FINDING_TAIL_LOST, NULL);
    expect_status(fx, repair(fx, FLUME_REPAIR_DRY_RUN), FLUME_ERR_TAIL_LOST);
    (void)unlink(strata_path(fx, newest, "none", path));
    expect_status(fx, repair(fx, FLUME_REPAIR_ACCEPT_LOSS), FLUME_OK);
    fx->head = fx->strata[newest];
    expect_sound(fx);
    expect_nothing_lost(fx);
    expect_appends(fx);
}

static void a_basin_without_any_strata_can_be_accepted(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    for (size_t i = 0; i < fx->strata_count; i++)
        assert_int_equal(unlink(strata_path(fx, i, "strata", path)), 0);
    forget_head(fx);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_ERR_TAIL_LOST);
    expect_status(fx, repair(fx, FLUME_REPAIR_ACCEPT_LOSS), FLUME_OK);
    fx->head = 0;
    expect_nothing_lost(fx);
    fx->head = 1;
    expect_appends(fx);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void a_basin_in_use_is_busy(void **state)
{
    struct damage_fixture *fx = *state;
    flume_log *log = open_log(fx, 0);
    char pid[32];

    damage_record(fx, 3);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_ERR_BUSY);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_non_null(strstr(fx->error.message, pid));
    assert_int_equal(flume_log_close(log), FLUME_OK);
    expect_repaired(fx, (const uint64_t[]){3}, 1);
}

static void a_dry_run_changes_no_byte(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    damage_record(fx, 3);
    flip_bit(strata_path(fx, 1, "strata", path), 72);
    assert_int_equal(unlink(strata_path(fx, 2, "strata", path)), 0);
    file_path(fx, "TAIL", path);
    flip_bit(path, 17);
    copy_basin(fx, "b.flume", "before");
    expect_status(fx, repair(fx, FLUME_REPAIR_DRY_RUN), FLUME_ERR_DAMAGED);
    expect_same_basin(fx, "b.flume", "before");
    expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, NULL);
    expect_finding(fx, FLUME_FINDING_WRONG_STRATA, NULL);
    expect_finding(fx, FLUME_FINDING_MISSING_STRATA, NULL);
    expect_finding(fx, FLUME_FINDING_SIDE_FILE, NULL);
    for (size_t i = 0; i < fx->found_count; i++)
        assert_non_null(strstr(fx->found[i].action, "would"));
}

static void a_full_disk_refuses_before_anything_changes(void **state)
{
    struct damage_fixture *fx = *state;
    static const enum fault_call calls[] = {FAULT_ALLOCATE, FAULT_PWRITE};

    damage_record(fx, 3);
    damage_record(fx, fx->strata[2] + 2);
    copy_basin(fx, "b.flume", "before");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (uint64_t nth = 1; nth <= 4; nth++) {
            struct faultio *fault = calloc(1, sizeof *fault);

            assert_non_null(fault);
            faultio_init(fault, flume_io_posix());
            faultio_plan(fault, (struct fault_plan){calls[i], nth, -ENOSPC, FAULT_ONCE});
            fx->io = &fault->table;
            expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_ERR_FULL);
            fx->io = NULL;
            faultio_deinit(fault);
            free(fault);
            expect_same_basin(fx, "b.flume", "before");
        }
    }
    expect_repaired(fx, (const uint64_t[]){3, fx->strata[2] + 2}, 2);
}

static void bad_arguments_are_refused(void **state)
{
    struct damage_fixture *fx = *state;

    expect_status(fx, repair(fx, (enum flume_repair_policy)9), FLUME_ERR_INVALID);
    assert_int_equal(flume_repair(fx->root, FLUME_REPAIR_SALVAGE, NULL, NULL, &fx->error),
                     FLUME_ERR_NO_BASIN);
    assert_int_equal(flume_repair(NULL, FLUME_REPAIR_SALVAGE, NULL, NULL, NULL), FLUME_ERR_INVALID);
}

/* --- Interrupted ------------------------------------------------------------------------------ */

/* An io table of which every call that changes something fails from the nth on: as if killed. */
struct mortal {
    flume_io table;
    uint64_t calls, last;
};

static bool is_dead(struct mortal *mortal)
{
    return ++mortal->calls > mortal->last;
}

static int64_t mortal_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    const flume_io *io = flume_io_posix();

    return is_dead(ctx) ? -EIO : io->pwrite(io->ctx, file, source, bytes, offset);
}

static int mortal_allocate(void *ctx, int file, uint64_t bytes)
{
    const flume_io *io = flume_io_posix();

    return is_dead(ctx) ? -EIO : io->allocate(io->ctx, file, bytes);
}

static int mortal_rename(void *ctx, const char *from, const char *to)
{
    const flume_io *io = flume_io_posix();

    return is_dead(ctx) ? -EIO : io->rename(io->ctx, from, to);
}

static int mortal_unlink(void *ctx, const char *path)
{
    const flume_io *io = flume_io_posix();

    return is_dead(ctx) ? -EIO : io->unlink(io->ctx, path);
}

static int mortal_sync(void *ctx, int file)
{
    const flume_io *io = flume_io_posix();

    return is_dead(ctx) ? -EIO : io->sync(io->ctx, file);
}

static int mortal_sync_directory(void *ctx, const char *path)
{
    const flume_io *io = flume_io_posix();

    return is_dead(ctx) ? -EIO : io->sync_directory(io->ctx, path);
}

static void mortal_init(struct mortal *mortal, uint64_t last)
{
    mortal->table = *flume_io_posix();
    mortal->table.ctx = mortal;
    mortal->table.pwrite = mortal_pwrite;
    mortal->table.allocate = mortal_allocate;
    mortal->table.rename = mortal_rename;
    mortal->table.unlink = mortal_unlink;
    mortal->table.sync = mortal_sync;
    mortal->table.sync_directory = mortal_sync_directory;
    mortal->calls = 0;
    mortal->last = last;
}

enum { OPENED_BETWEEN = 1, HEAD_FORGOTTEN = 2, LOSS_ACCEPTED = 4 };

/* Die at every step, then repair in health; perhaps an ordinary open comes in between. */
static void interrupt_everywhere(struct damage_fixture *fx, unsigned how, const uint64_t *lost,
                                 size_t lost_count)
{
    enum flume_repair_policy policy = (how & LOSS_ACCEPTED) != 0 ? FLUME_REPAIR_ACCEPT_LOSS
                                                                 : FLUME_REPAIR_SALVAGE;
    int status = FLUME_ERR_IO;
    uint64_t head = fx->head;

    if ((how & HEAD_FORGOTTEN) != 0)
        forget_head(fx);
    copy_basin(fx, "b.flume", "damaged");
    for (uint64_t last = 0; status != FLUME_OK; last++) {
        struct mortal mortal;

        copy_basin(fx, "damaged", "b.flume");
        mortal_init(&mortal, last);
        fx->io = &mortal.table;
        status = repair(fx, policy);
        fx->io = NULL;
        if ((how & OPENED_BETWEEN) != 0) {
            flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
            flume_log *log = NULL;

            if (flume_log_open(&log, fx->basin, &options, NULL) == FLUME_OK)
                assert_int_equal(flume_log_close(log), FLUME_OK);
        }
        expect_status(fx, repair(fx, policy), FLUME_OK);
        expect_sound(fx);
        expect_lost_seqs(fx, &(struct lost_seqs){lost, lost_count, 0, 0});
        assert_true(last < 1000);
    }
    fx->head = head;
}

static uint64_t damage_several(struct damage_fixture *fx, uint64_t *lost)
{
    char path[FIXTURE_PATH_BYTES];

    lost[0] = 3;
    lost[1] = fx->strata[2] + 5;
    lost[2] = fx->head - 2;
    for (size_t i = 0; i < 3; i++)
        damage_record(fx, lost[i]);
    flip_bit(strata_path(fx, 1, "strata", path), 100);
    return 3;
}

static void an_interrupted_repair_is_taken_up(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t lost[3];

    interrupt_everywhere(fx, 0, lost, damage_several(fx, lost));
}

static void an_open_after_an_interrupted_repair_is_harmless(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t lost[3];

    interrupt_everywhere(fx, OPENED_BETWEEN, lost, damage_several(fx, lost));
}

static void an_interrupted_repair_without_head_is_taken_up(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t lost[3];

    interrupt_everywhere(fx, OPENED_BETWEEN | HEAD_FORGOTTEN, lost, damage_several(fx, lost));
}

static void an_interrupted_exchange_is_taken_up(void **state)
{
    struct damage_fixture *fx = *state;
    char one[FIXTURE_PATH_BYTES], two[FIXTURE_PATH_BYTES], aside[FIXTURE_PATH_BYTES];
    uint64_t lost[] = {fx->strata[2] + 4};

    damage_record(fx, lost[0]);
    file_path(fx, "aside", aside);
    assert_int_equal(rename(strata_path(fx, 1, "strata", one), aside), 0);
    assert_int_equal(rename(strata_path(fx, 2, "strata", two), one), 0);
    assert_int_equal(rename(aside, two), 0);
    interrupt_everywhere(fx, OPENED_BETWEEN, lost, 1);
}

/* The newest strata's header, with another first seq of the strata before it. */
static void name_another_predecessor(struct damage_fixture *fx)
{
    enum { PREVIOUS_FIRST_SEQ_AT = 120 };
    uint8_t page[STRATA_PAGE_BYTES];
    char path[FIXTURE_PATH_BYTES];

    read_bytes(strata_path(fx, fx->strata_count - 1, "strata", path), page, sizeof page, 0);
    put_le64(page + PREVIOUS_FIRST_SEQ_AT, FLUME_SEQ_NONE);
    put_le64(page + sizeof page - 8, hash_bytes(page, sizeof page - 8, 0));
    write_bytes(path, page, sizeof page, 0);
}

/* Its records become stand-ins, and the log ends where it ended, interrupted or not. */
static void an_interrupted_repair_of_another_history_ends_the_same(void **state)
{
    static const unsigned hows[] = {0, LOSS_ACCEPTED, HEAD_FORGOTTEN,
                                    HEAD_FORGOTTEN | LOSS_ACCEPTED};
    struct damage_fixture *fx = *state;
    uint64_t lost[RECORDS_MAX];
    size_t lost_count = 0;

    for (uint64_t seq = fx->strata[fx->strata_count - 1]; seq < fx->head; seq++)
        lost[lost_count++] = seq;
    name_another_predecessor(fx);
    copy_basin(fx, "b.flume", "other");
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        copy_basin(fx, "other", "b.flume");
        interrupt_everywhere(fx, hows[i], lost, lost_count);
    }
    assert_true(count_in_lost_found(fx) > 0); /* The strata is not lost with its records. */
}

#define BASIN_TEST(name) cmocka_unit_test_setup_teardown(name, damage_setup, damage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BASIN_TEST(a_sound_basin_is_left_alone),
        BASIN_TEST(salvage_keeps_every_other_record),
        BASIN_TEST(salvage_works_without_head),
        BASIN_TEST(what_is_left_of_a_batch_is_marked),
        BASIN_TEST(a_missing_strata_becomes_stand_ins),
        BASIN_TEST(a_missing_first_strata_becomes_stand_ins),
        BASIN_TEST(damaged_headers_lose_nothing),
        BASIN_TEST(a_newest_header_damaged_after_a_stop_loses_nothing),
        BASIN_TEST(exchanged_strata_are_put_back),
        BASIN_TEST(a_strata_under_any_name_is_found),
        BASIN_TEST(a_file_cut_short_keeps_its_beginning),
        BASIN_TEST(side_files_are_written_anew),
        BASIN_TEST(lost_settings_are_written_anew),
        BASIN_TEST(a_torn_tail_is_left_to_the_next_open),
        BASIN_TEST(a_lost_tail_must_be_accepted),
        BASIN_TEST(a_basin_without_any_strata_can_be_accepted),
        BASIN_TEST(a_basin_in_use_is_busy),
        BASIN_TEST(a_dry_run_changes_no_byte),
        BASIN_TEST(a_full_disk_refuses_before_anything_changes),
        BASIN_TEST(bad_arguments_are_refused),
        BASIN_TEST(an_interrupted_repair_is_taken_up),
        BASIN_TEST(an_open_after_an_interrupted_repair_is_harmless),
        BASIN_TEST(an_interrupted_repair_without_head_is_taken_up),
        BASIN_TEST(an_interrupted_exchange_is_taken_up),
        BASIN_TEST(an_interrupted_repair_of_another_history_ends_the_same),
    };

    return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
