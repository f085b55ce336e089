/*
 * test_repair_refused.c - what flume_repair() does not touch, and what it says of it.
 */
#include "damage_fixture.h"

#include <errno.h>
#include <stdatomic.h>

#include "head.h"

/* A header page, changed and made to fit its check again. */
static void forge_header(struct damage_fixture *fx, size_t index, size_t at, uint64_t value)
{
    uint8_t page[STRATA_PAGE_BYTES];
    char path[FIXTURE_PATH_BYTES];

    read_bytes(strata_path(fx, index, "strata", path), page, sizeof page, 0);
    put_le64(page + at, value);
    put_le64(page + 4088, hash_bytes(page, 4088, 0));
    write_bytes(path, page, sizeof page, 0);
}

static void run_in_root(const struct damage_fixture *fx, const char *command)
{
    char text[FIXTURE_PATH_BYTES + 256];

    (void)snprintf(text, sizeof text, "cd '%s' && { %s; }", fx->root, command);
    assert_int_equal(system(text), 0);
}

/* The repair is refused in these words, and changes no byte. */
static void expect_refused(struct damage_fixture *fx, int status, const char *word)
{
    run_in_root(fx, "rm -rf before && cp -a b.flume before");
    expect_status(fx, repair(fx, FLUME_REPAIR_ACCEPT_LOSS), status);
    assert_int_equal(fx->error.status, status);
    if (strstr(fx->error.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fx->error.message, word);
    run_in_root(fx, "diff -r b.flume before");
}

static void what_a_newer_flume_wrote_is_not_repaired(void **state)
{
    struct damage_fixture *fx = *state;

    forge_header(fx, 1, 24, 1); /* A read-only compatible feature. */
    expect_refused(fx, FLUME_ERR_VERSION, "may read but not write");
    forge_header(fx, 1, 32, 1); /* An incompatible one. */
    expect_refused(fx, FLUME_ERR_VERSION, "use a newer one");
    assert_string_equal(expect_finding(fx, FLUME_FINDING_VERSION, NULL)->action,
                        "none: a newer flume is needed");
}

static void too_many_missing_records_get_no_stand_ins(void **state)
{
    struct damage_fixture *fx = *state;
    size_t newest = fx->strata_count - 1;
    char from[FIXTURE_PATH_BYTES], to[FIXTURE_PATH_BYTES];

    (void)strata_path(fx, newest, "strata", from);
    fx->strata[newest] = (uint64_t)1 << 28;
    assert_int_equal(rename(from, strata_path(fx, newest, "strata", to)), 0);
    forge_header(fx, newest, 80, fx->strata[newest]); /* Its first seq. */
    forget_head(fx);
    expect_refused(fx, FLUME_ERR_DAMAGED, "too many for stand-ins");
}

static void without_settings_a_strata_of_another_basin_is_not_judged(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "flume.conf", path);
    assert_int_equal(unlink(path), 0);
    forge_header(fx, 1, 40, 0); /* The basin's id. */
    expect_refused(fx, FLUME_ERR_DAMAGED, "take away what does not belong there");
}

static void a_basin_of_which_nothing_tells_the_id_is_left_alone(void **state)
{
    static const uint8_t zeros[8192];
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    for (size_t i = 0; i < fx->strata_count; i++)
        flip_bit(strata_path(fx, i, "strata", path), 100);
    file_path(fx, "TAIL", path);
    write_bytes(path, zeros, sizeof zeros, 0);
    file_path(fx, "flume.conf", path);
    assert_int_equal(unlink(path), 0);
    forget_head(fx);
    expect_refused(fx, FLUME_ERR_DAMAGED, "neither a strata nor TAIL says which basin this is");
}

/* TAIL alone tells it: then it is repaired. */
static void tail_may_be_the_only_one_to_tell_the_id(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    for (size_t i = 0; i < fx->strata_count; i++)
        flip_bit(strata_path(fx, i, "strata", path), 100);
    file_path(fx, "flume.conf", path);
    assert_int_equal(unlink(path), 0);
    forget_head(fx);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    assert_int_equal(fx->report.head, fx->head);
    assert_int_equal(fx->report.records, fx->head); /* The salts were right, or nearly. */
}

/* The POSIX table where a second passes with each look at the clock. */
static uint64_t hurried_ns(void *ctx)
{
    _Atomic uint64_t *now_ns = ctx;

    return atomic_fetch_add(now_ns, UINT64_C(1000000000)) + 1;
}

static void a_basin_that_somebody_unknown_holds_is_busy(void **state)
{
    struct damage_fixture *fx = *state;
    const flume_io *posix = flume_io_posix();
    _Atomic uint64_t now_ns = 1;
    flume_io io = *posix;
    char path[FIXTURE_PATH_BYTES];

    io.ctx = &now_ns; /* The POSIX table itself has no use for it. */
    io.monotonic_ns = hurried_ns;
    fx->io = &io;
    file_path(fx, "LOCK", path);
    for (uint64_t at = LOCK_GATE_AT; at <= LOCK_MEMBERS_AT; at++) {
        int file = posix->open(posix->ctx, path, FLUME_IO_WRITE);

        assert_true(file >= 0);
        assert_int_equal(posix->lock(posix->ctx, file, at, FLUME_IO_LOCK_EXCLUSIVE), 0);
        expect_refused(fx, FLUME_ERR_BUSY, "is in use by another process; a repair needs it");
        posix->close(posix->ctx, file);
    }
    fx->io = NULL;
}

static void a_lost_and_found_full_of_one_name_is_full(void **state)
{
    struct damage_fixture *fx = *state;

    damage_record(fx, 7);
    run_in_root(fx, "cd b.flume/lost+found && touch 00000000000000000000.strata && "
                    "for i in $(seq 999); do touch 00000000000000000000.strata.$i; done");
    expect_refused(fx, FLUME_ERR_FULL, "move them away");
}

#define damage_test(function) \
    cmocka_unit_test_setup_teardown(function, damage_setup, damage_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        damage_test(what_a_newer_flume_wrote_is_not_repaired),
        damage_test(too_many_missing_records_get_no_stand_ins),
        damage_test(without_settings_a_strata_of_another_basin_is_not_judged),
        damage_test(a_basin_of_which_nothing_tells_the_id_is_left_alone),
        damage_test(tail_may_be_the_only_one_to_tell_the_id),
        damage_test(a_basin_that_somebody_unknown_holds_is_busy),
        damage_test(a_lost_and_found_full_of_one_name_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
