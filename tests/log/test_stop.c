/*
 * test_stop.c - who is told of a finding may stop check or repair there: nothing more is told, and
 * a repair that was stopped has changed nothing of the basin.
 */
#include "sealed_damage.h"

#include <errno.h>

#include "repair_expect.h"

enum { SOME = 1, POSITIONS = 9, STEPS_MAX = 200 };

struct stopper {
    unsigned stop_at, told; /* The finding that it stops at, counted from 1; 0: none. */
};

static int stop(void *ctx, const flume_finding *finding)
{
    struct stopper *stopper = ctx;

    assert_non_null(finding->message);
    return ++stopper->told == stopper->stop_at;
}

/* --- Damage of all sorts ---------------------------------------------------------------------- */

static void damage_side_files(struct damage_fixture *fx)
{
    char path[FIXTURE_PATH_BYTES], name[32];

    file_path(fx, "flume.conf", path);
    flip_bit(path, 30);
    file_path(fx, "TAIL", path);
    flip_bit(path, 17);
    for (unsigned i = 0; i < POSITIONS; i++) {
        (void)snprintf(name, sizeof name, "subs/reader%u", i);
        file_path(fx, name, path);
        write_bytes(path, "not a position", 14, 0);
        assert_int_equal(truncate(path, 128), 0);
    }
    file_path(fx, "log/09999999999999999999.slots", path);
    write_bytes(path, "slots", 5, 0);
    file_path(fx, "log/08888888888888888888.slots", path);
    write_bytes(path, "slots", 5, 0);
    file_path(fx, "log/notes.txt", path);
    write_bytes(path, "hello", 5, 0);
    file_path(fx, "log/more.txt", path);
    write_bytes(path, "hello", 5, 0);
}

/* In raw strata: records, a header, slots, a footer. */
static void damage_strata(struct damage_fixture *fx)
{
    char path[FIXTURE_PATH_BYTES];

    damage_record(fx, fx->strata[1] + 3);
    damage_record(fx, fx->strata[2] - 2);
    flip_bit(strata_path(fx, 2, "strata", path), 73);
    flip_bit(strata_path(fx, 0, "slots", path), 41);
    flip_bit(strata_path(fx, 0, "strata", path), STRATA_BYTES - 4096 + 41);
}

/* The medium of a link does not take files. */
static int refuse_away(void *ctx, const char *path, unsigned flags)
{
    (void)ctx;
    return (flags & FLUME_IO_CREATE) != 0 && strstr(path, "/away/") != NULL
               ? -EROFS
               : flume_io_posix()->open(NULL, path, flags);
}

/* A sealed strata of which a section is damaged, behind a link; and another one is lost. */
static void damage_sealed(struct damage_fixture *fx)
{
    char path[FIXTURE_PATH_BYTES], command[4 * FIXTURE_PATH_BYTES];
    struct sealed_parts parts;

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    flip_bit(path, sealed_section_find(&parts.footer, SEALED_SECTION_GRAINS)->offset);
    flip_bit(path, sealed_parts_block(&parts, 1).file_offset + SEALED_BLOCK_HEADER_BYTES + 3);
    sealed_parts_release(&parts);
    (void)snprintf(command, sizeof command,
                   "mkdir '%s/away' && mv '%s' '%s/away/some.strata' && "
                   "ln -s ../../away/some.strata '%s'",
                   fx->root, path, fx->root, path);
    assert_int_equal(system(command), 0);
    assert_int_equal(unlink(strata_path(fx, 0, "strata", path)), 0);
}

/* --- Stopped ---------------------------------------------------------------------------------- */

static int run(struct damage_fixture *fx, bool repairs, struct stopper *stopper)
{
    const flume_check_options options = {.finding = stop, .ctx = stopper, .io = fx->io};

    return repairs ? flume_repair(fx->basin, FLUME_REPAIR_SALVAGE, &options, NULL, &fx->error)
                   : flume_check(fx->basin, &options, NULL, &fx->error);
}

/* At each finding in turn. */
static void expect_to_stop(struct damage_fixture *fx, bool repairs)
{
    int status = FLUME_ERR_CANCELLED;
    unsigned nth = 0;

    copy_basin(fx, "b.flume", "as-it-was");
    while (status == FLUME_ERR_CANCELLED) {
        struct stopper stopper = {.stop_at = ++nth};

        assert_true(nth < STEPS_MAX);
        status = run(fx, repairs, &stopper);
        if (status != FLUME_ERR_CANCELLED) {
            assert_int_equal(stopper.told, nth - 1);
            break;
        }
        assert_int_equal(stopper.told, nth);
        expect_same_basin(fx, "b.flume/log", "as-it-was/log");
    }
    expect_status(fx, status, repairs ? FLUME_OK : FLUME_ERR_DAMAGED);
    assert_true(nth > 3);
}

static void a_check_and_a_repair_stop_where_they_are_told_to(void **state)
{
    struct damage_fixture *fx = *state;

    damage_side_files(fx);
    damage_strata(fx);
    forget_head(fx);
    expect_to_stop(fx, false);
    expect_to_stop(fx, true);
    expect_sound(fx);
}

static void among_sealed_strata_they_stop_too(void **state)
{
    struct damage_fixture *fx = *state;
    flume_io io = *flume_io_posix();

    damage_sealed(fx);
    io.open = refuse_away;
    fx->io = &io;
    expect_to_stop(fx, false);
    expect_to_stop(fx, true);
    fx->io = NULL;
    expect_sound(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        damage_test(a_check_and_a_repair_stop_where_they_are_told_to),
        sealed_test(among_sealed_strata_they_stop_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
