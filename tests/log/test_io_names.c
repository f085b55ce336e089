/*
 * test_io_names.c - what the io table promises (flume/io.h) of names, for both tables.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "io_fixture.h"

static void rename_moves_and_replaces(void **state)
{
    make_file(*state, "a", "new");
    make_file(*state, "b", "old");
    make_file(*state, "z", "last");
    assert_int_equal(rename_file(*state, "a", "b"), 0);
    assert_int_equal(try_open(*state, "a", FLUME_IO_READ), -ENOENT);
    expect_file(*state, "b", "new");
    assert_int_equal(rename_file(*state, "z", "b"), 0);
    expect_file(*state, "b", "last");
    assert_int_equal(rename_file(*state, "b", "c"), 0);
    expect_file(*state, "c", "last");
}

static void rename_to_itself_changes_nothing(void **state)
{
    make_file(*state, "a", "text");
    assert_int_equal(rename_file(*state, "a", "a"), 0);
    expect_file(*state, "a", "text");
}

static void rename_refuses_what_cannot_be(void **state)
{
    make_file(*state, "a", "text");
    assert_int_equal(make_directory(*state, "d"), 0);
    assert_int_equal(rename_file(*state, "absent", "b"), -ENOENT);
    assert_int_equal(rename_file(*state, "a", "absent/a"), -ENOENT);
    assert_int_equal(rename_file(*state, "a", "d"), -EISDIR);
    expect_file(*state, "a", "text");
}

static void rename_into_another_directory(void **state)
{
    make_file(*state, "a", "text");
    assert_int_equal(make_directory(*state, "d"), 0);
    assert_int_equal(rename_file(*state, "a", "d/b"), 0);
    expect_file(*state, "d/b", "text");
}

static void a_replaced_file_stays_for_who_has_it_open(void **state)
{
    int file;

    make_file(*state, "a", "new");
    make_file(*state, "b", "old");
    file = must_open(*state, "b", FLUME_IO_READ);
    assert_int_equal(rename_file(*state, "a", "b"), 0);
    expect_text(*state, file, "old");
    close_file(*state, file);
}

static void unlink_keeps_open_files(void **state)
{
    int file;

    make_file(*state, "a", "text");
    file = must_open(*state, "a", FLUME_IO_READ);
    assert_int_equal(unlink_file(*state, "a"), 0);
    assert_int_equal(try_open(*state, "a", FLUME_IO_READ), -ENOENT);
    expect_text(*state, file, "text");
    close_file(*state, file);
    make_file(*state, "a", "another");
    expect_file(*state, "a", "another");
}

static void unlink_refuses_what_is_no_file(void **state)
{
    assert_int_equal(make_directory(*state, "d"), 0);
    assert_int_equal(unlink_file(*state, "d"), -EISDIR);
    assert_int_equal(unlink_file(*state, "absent"), -ENOENT);
}

static void a_directory_is_made_once(void **state)
{
    assert_int_equal(make_directory(*state, "d"), 0);
    assert_int_equal(make_directory(*state, "d"), -EEXIST);
    make_file(*state, "d/a", "text");
    expect_file(*state, "d/a", "text");
}

static void list_gives_each_direct_child_once(void **state)
{
    struct fixture *fx = *state;
    struct listing listing = {.count = 0};
    char name[16];

    assert_int_equal(make_directory(fx, "d"), 0);
    assert_int_equal(make_directory(fx, "d/sub"), 0);
    make_file(fx, "d/sub/inner", "");
    make_file(fx, "d-beside", "");
    make_file(fx, "e", "");
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "d/%u", i * 7919 % 40);
        make_file(fx, name, "");
    }
    assert_int_equal(list(fx, at(fx, "d"), &listing), 0);
    assert_int_equal(listing.count, 41);
    assert_true(has_name(&listing, "sub"));
    assert_true(has_name(&listing, "0"));
    assert_true(has_name(&listing, "39"));
    assert_false(has_name(&listing, "inner"));
}

static void list_of_an_empty_directory_gives_nothing(void **state)
{
    struct fixture *fx = *state;
    struct listing listing = {.count = 0};

    assert_int_equal(list(fx, fx->root, &listing), 0);
    assert_int_equal(listing.count, 0);
}

static void list_stops_when_told_and_hands_on_the_reason(void **state)
{
    struct fixture *fx = *state;
    struct listing listing = {.stop_at = 2, .stop_with = -ENOMEM};

    make_file(fx, "a", "");
    make_file(fx, "b", "");
    make_file(fx, "c", "");
    assert_int_equal(list(fx, fx->root, &listing), -ENOMEM);
    assert_int_equal(listing.count, 2);
}

static void a_listed_file_may_be_removed_meanwhile(void **state)
{
    struct fixture *fx = *state;
    struct listing listing = {.unlink_in = fx};
    struct listing rest = {.count = 0};

    make_file(fx, "a", "");
    make_file(fx, "b", "");
    make_file(fx, "c", "");
    assert_int_equal(list(fx, fx->root, &listing), 0);
    assert_int_equal(listing.count, 3);
    assert_int_equal(list(fx, fx->root, &rest), 0);
    assert_int_equal(rest.count, 0);
}

static void list_refuses_what_is_no_directory(void **state)
{
    struct fixture *fx = *state;
    struct listing listing = {.count = 0};

    make_file(fx, "a", "");
    assert_int_equal(list(fx, at(fx, "absent"), &listing), -ENOENT);
    assert_int_equal(list(fx, at(fx, "a"), &listing), -ENOTDIR);
}

static void a_link_takes_no_name_that_is_there(void **state)
{
    struct fixture *fx = *state;
    char target[16];

    if (fx->io != flume_io_posix())
        return; /* In memory there are none. */
    make_file(fx, "a", "text");
    assert_int_equal(fx->io->make_link(fx->io->ctx, "elsewhere", at(fx, "a")), -EEXIST);
    assert_int_equal(fx->io->read_link(fx->io->ctx, at(fx, "a"), target, sizeof target), -EINVAL);
    expect_file(fx, "a", "text");
    assert_int_equal(fx->io->make_link(fx->io->ctx, "elsewhere", at(fx, "b")), 0);
    assert_int_equal(fx->io->read_link(fx->io->ctx, at(fx, "b"), target, sizeof target), 9);
    assert_memory_equal(target, "elsewhere", 9);
}

int main(void)
{
    static const struct CMUnitTest both[] = {
        cmocka_unit_test(rename_moves_and_replaces),
        cmocka_unit_test(rename_to_itself_changes_nothing),
        cmocka_unit_test(rename_refuses_what_cannot_be),
        cmocka_unit_test(rename_into_another_directory),
        cmocka_unit_test(a_replaced_file_stays_for_who_has_it_open),
        cmocka_unit_test(unlink_keeps_open_files),
        cmocka_unit_test(unlink_refuses_what_is_no_file),
        cmocka_unit_test(a_directory_is_made_once),
        cmocka_unit_test(list_gives_each_direct_child_once),
        cmocka_unit_test(list_of_an_empty_directory_gives_nothing),
        cmocka_unit_test(list_stops_when_told_and_hands_on_the_reason),
        cmocka_unit_test(a_listed_file_may_be_removed_meanwhile),
        cmocka_unit_test(list_refuses_what_is_no_directory),
        cmocka_unit_test(a_link_takes_no_name_that_is_there),
    };
    int failures = run_on_both(both, sizeof both / sizeof both[0]);

    return failures;
}
