/*
 * test_process_disk.c - copies of a basin in use, and disks that run full.
 *
 * The full disk is a small tmpfs, and a small ext4 in a file on it; both need root. Where they
 * cannot be mounted, those tests are skipped and say so.
 */
#include "process_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COPIES = 20,
    STRATA_BYTES = 256 << 10,
    BATCH_RECORDS = 20,
    BATCH_FILLER_BYTES = 20000,
    LARGE_RECORDS = 100
};

/* --- Copies ------------------------------------------------------------------------------------*/

static void write_at_full_speed(struct role *role)
{
    flume_log_options options = {
        .flags = FLUME_OPEN_CREATE,
        .strata_bytes = STRATA_BYTES,
        .profile = *(const enum flume_profile *)role->ctx,
    };
    flume_log *log = role_open(role, &options);

    for (;;) {
        role_append(role, log, 1, 300);
        role_append(role, log, 1 + chance_below(&role->chance, 10), 1000);
    }
}

/* The copy holds a prefix of what the writer wrote, not shorter than what it had said before. */
static void expect_prefix(flume_log *log, const struct process *writer, size_t said_count)
{
    struct expectation expectation = {.processes = writer, .process_count = 1, .is_prefix = true};

    expect_history(log, &expectation);
    if (expectation.counts[writer->writer] < said_count)
        fail_msg("%zu records were acknowledged before the copying began, %" PRIu64 " are in it",
                 said_count, expectation.counts[writer->writer]);
}

static void copy_once(struct fixture *fx, struct process *writer, unsigned number)
{
    char copy[PATH_MAX];
    size_t said_count;
    flume_log *log;

    (void)snprintf(copy, sizeof copy, "%s/copy-%u.flume", fx->root, number);
    processes_overhear(writer, 1, 2 * MS);
    said_count = writer->seq_count;
    /* A file that is renamed meanwhile is one that the copy can do without. */
    shell("cp -r '%s' '%s' 2>/dev/null; test -f '%s/flume.conf'", fx->basin, copy, copy);
    shell("cp -r '%s' '%s.read-only'", copy, copy);
    processes_overhear(writer, 1, 0);
    log = open_with(copy, NULL);
    expect_prefix(log, writer, said_count);
    expect_ok(log, flume_log_append(log, "", 0, NULL));
    process_close_log(log);
    expect_checked(copy);
    (void)snprintf(copy, sizeof copy, "%s/copy-%u.flume.read-only", fx->root, number);
    log = open_with(copy, &(flume_log_options){.flags = FLUME_OPEN_READ_ONLY});
    expect_prefix(log, writer, said_count);
    process_close_log(log);
    expect_checked(copy);
    shell("rm -rf '%s'/copy-*", fx->root);
}

static void copy_beside(struct fixture *fx, enum flume_profile profile)
{
    struct process writer = {0};

    for (unsigned i = 0; i < COPIES; i++) {
        if (i % 5 == 0) { /* Copies of a log that is young, and of one that has grown. */
            process_free(&writer);
            forget_basin(fx);
            process_start(fx, &writer, 1, write_at_full_speed, &profile);
            assert_true(process_hear(&writer, 1));
        }
        copy_once(fx, &writer, i);
    }
    process_kill(&writer);
    expect_sound(fx, &writer, 1);
    process_free(&writer);
}

static void a_copy_beside_a_casual_writer_is_a_prefix(void **state)
{
    copy_beside(*state, FLUME_PROFILE_CASUAL);
}

static void a_copy_beside_a_safe_writer_is_a_prefix(void **state)
{
    copy_beside(*state, FLUME_PROFILE_SAFE);
}

static void a_copy_beside_a_forgetful_writer_is_a_prefix(void **state)
{
    copy_beside(*state, FLUME_PROFILE_FORGETFUL);
}

/* --- Full disks --------------------------------------------------------------------------------*/

static int run(const char *format, const char *first, const char *second)
{
    char command[PATH_MAX];

    (void)snprintf(command, sizeof command, format, first, second);
    return system(command);
}

/* A file system of 12 MiB at root/disk; the basin goes there. */
static void mount_tmpfs(struct fixture *fx)
{
    shell("mkdir '%s/disk'", fx->root);
    if (run("mount -t tmpfs -o size=12m flume-test '%s/disk' %s", fx->root, "2>/dev/null") != 0) {
        print_message("skipped: a tmpfs cannot be mounted here (not root?)\n");
        skip();
    }
    (void)snprintf(fx->basin, sizeof fx->basin, "%s/disk/b.flume", fx->root);
}

static void mount_ext4(struct fixture *fx)
{
    shell("mkdir '%s/disk' && truncate -s 16M '%s/image'", fx->root, fx->root);
    if (run("mkfs.ext4 -q -m 0 '%s/image' %s", fx->root, "2>/dev/null") != 0 ||
        run("mount -o loop '%s/image' '%s/disk' 2>/dev/null", fx->root, fx->root) != 0) {
        print_message("skipped: an ext4 in a file cannot be mounted here (not root?)\n");
        skip();
    }
    (void)snprintf(fx->basin, sizeof fx->basin, "%s/disk/b.flume", fx->root);
}

static int teardown_disk(void **state)
{
    struct fixture *fx = *state;

    (void)run("mountpoint -q '%s/disk' && umount -l '%s/disk'", fx->root, fx->root);
    return teardown(state);
}

/* Take all the space but so many KiB. */
static void fill_disk(struct fixture *fx, unsigned left_kib)
{
    shell("head -c %uk /dev/zero >'%s/disk/last' && sync -f '%s/disk'", left_kib + 1, fx->root,
          fx->root);
    (void)run("cat /dev/zero >'%s/disk/filler' %s", fx->root, "2>/dev/null");
    shell("rm '%s/disk/last'", fx->root);
}

static void free_disk(struct fixture *fx)
{
    shell("rm -f '%s/disk/filler' '%s/disk/last' && sync -f '%s/disk'", fx->root, fx->root,
          fx->root);
}

struct appender {
    flume_log *log;
    uint64_t next_number;
};

static int append_stamped(struct appender *appender, size_t count, uint32_t filler_bytes)
{
    uint8_t *memory = malloc(count * (STAMP_BYTES + filler_bytes));
    flume_entry *entries = calloc(count, sizeof *entries);
    int status;

    assert_true(memory != NULL && entries != NULL);
    for (size_t i = 0; i < count; i++) {
        struct stamp stamp = {.number = appender->next_number + i,
                              .index = (uint32_t)i,
                              .count = (uint32_t)count,
                              .filler_bytes = filler_bytes};
        uint8_t *body = memory + i * (STAMP_BYTES + filler_bytes);

        body_make(&stamp, body);
        entries[i].body = body;
        entries[i].body_bytes = STAMP_BYTES + filler_bytes;
    }
    status = flume_log_append_many(appender->log, entries, count, NULL, NULL);
    if (status == FLUME_OK)
        appender->next_number += count;
    free(entries);
    free(memory);
    return status;
}

static void expect_all(struct appender *appender)
{
    struct expectation expectation = {.process_count = 0};

    expect_history(appender->log, &expectation);
    assert_int_equal(expectation.counts[0], appender->next_number);
}

/* Append until it does not fit; whole or not at all, and nothing else is lost. A little later it
 * may fit after all: full strata give space back when they are synced. */
static void append_until_full(struct appender *appender, size_t count, uint32_t filler_bytes)
{
    flume_error error;
    uint64_t head;
    int status;

    for (unsigned i = 0; i < 3; i++) {
        do {
            head = flume_log_head(appender->log);
            status = append_stamped(appender, count, filler_bytes);
        } while (status == FLUME_OK);
        if (status != FLUME_ERR_FULL)
            expect_ok(appender->log, status);
        flume_log_error(appender->log, &error);
        assert_int_equal(error.status, FLUME_ERR_FULL);
        assert_true(flume_log_head(appender->log) - head <= 1); /* A manifest may go in alone. */
        expect_all(appender);
    }
}

static void fill_and_free(struct fixture *fx, enum flume_profile profile,
                          enum flume_io_mode io_mode)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .strata_bytes = STRATA_BYTES,
                                 .profile = profile,
                                 .io_mode = io_mode};
    struct appender appender = {.log = open_with(fx->basin, &options)};

    for (unsigned left_kib = 0; left_kib < 1000; left_kib += 190) {
        for (unsigned i = 0; i < 5; i++)
            expect_ok(appender.log, append_stamped(&appender, 1, 1000));
        fill_disk(fx, left_kib);
        append_until_full(&appender, 1, 5000);
        append_until_full(&appender, BATCH_RECORDS / 2, BATCH_FILLER_BYTES);
        append_until_full(&appender, LARGE_RECORDS, BATCH_FILLER_BYTES);
        free_disk(fx);
        expect_ok(appender.log, append_stamped(&appender, 1, 5000));
        expect_ok(appender.log, append_stamped(&appender, BATCH_RECORDS / 2, BATCH_FILLER_BYTES));
        expect_ok(appender.log, append_stamped(&appender, LARGE_RECORDS / 5, BATCH_FILLER_BYTES));
        expect_ok(appender.log, flume_log_sync(appender.log, FLUME_SEQ_NONE));
        expect_all(&appender);
    }
    process_close_log(appender.log);
    expect_checked(fx->basin);
    appender.log = process_open_log(fx, 0);
    expect_all(&appender);
    process_close_log(appender.log);
}

static void a_full_tmpfs_takes_mapped_appends_again_once_there_is_space(void **state)
{
    mount_tmpfs(*state);
    fill_and_free(*state, FLUME_PROFILE_CASUAL, FLUME_IO_MAPPED);
}

static void a_full_tmpfs_takes_pwrite_appends_again_once_there_is_space(void **state)
{
    mount_tmpfs(*state);
    fill_and_free(*state, FLUME_PROFILE_SAFE, FLUME_IO_PWRITE);
}

static void a_full_ext4_takes_mapped_appends_again_once_there_is_space(void **state)
{
    mount_ext4(*state);
    fill_and_free(*state, FLUME_PROFILE_CASUAL, FLUME_IO_MAPPED);
}

static void a_full_ext4_takes_pwrite_appends_again_once_there_is_space(void **state)
{
    mount_ext4(*state);
    fill_and_free(*state, FLUME_PROFILE_SAFE, FLUME_IO_PWRITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_beside_a_casual_writer_is_a_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_beside_a_safe_writer_is_a_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_beside_a_forgetful_writer_is_a_prefix, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_tmpfs_takes_mapped_appends_again_once_there_is_space,
                                        setup, teardown_disk),
        cmocka_unit_test_setup_teardown(a_full_tmpfs_takes_pwrite_appends_again_once_there_is_space,
                                        setup, teardown_disk),
        cmocka_unit_test_setup_teardown(a_full_ext4_takes_mapped_appends_again_once_there_is_space,
                                        setup, teardown_disk),
        cmocka_unit_test_setup_teardown(a_full_ext4_takes_pwrite_appends_again_once_there_is_space,
                                        setup, teardown_disk),
    };

    return cmocka_run_group_tests_name("disks", tests, NULL, NULL);
}
