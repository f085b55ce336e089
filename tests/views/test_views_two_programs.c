/*
 * test_views_two_programs.c - programs that do not agree on a view share a basin.
 *
 * Two versions of a view stand side by side: neither program touches the other's, and nothing is
 * built again. The same version with other tables is an error for who comes second; where the file
 * of a view is opened to be listed, that does not stand in the way of who uses it.
 */
#include "views_trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS = 200, ROUNDS = 60 };

/* Counts records as `tally` does, by twos: what version 2 answers is not what version 1 does. */
static int count_twice(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t key = record->body_bytes == 0 ? 0 : ((const uint8_t *)record->body)[0] % TRIAL_CLASSES;
    uint64_t two = 2;

    (void)state;
    return flume_batch_put(batch, 0, &key, 1, &two, sizeof two);
}

static const flume_view_table doubled_tables[] = {
    {"count", FLUME_TABLE_COLLECT, flume_merge_sum, NULL}};
static const flume_view_definition doubled = {.name = "tally",
                                              .version = 2,
                                              .tables = doubled_tables,
                                              .table_count = 1,
                                              .apply = count_twice};

/* Version 1 again, but other tables: fewer, more, of other names, in another order. */
static const flume_view_table other_names[] = {
    {"count", FLUME_TABLE_COLLECT, flume_merge_sum, NULL},
    {"latest", FLUME_TABLE_COLLECT, NULL, NULL}};
static const flume_view_table more_tables[] = {
    {"count", FLUME_TABLE_COLLECT, flume_merge_sum, NULL},
    {"last", FLUME_TABLE_COLLECT, NULL, NULL},
    {"more", FLUME_TABLE_COLLECT, NULL, NULL}};
static const flume_view_definition others[] = {
    {.name = "tally",
     .version = 1,
     .tables = doubled_tables,
     .table_count = 1,
     .apply = count_twice},
    {.name = "tally", .version = 1, .tables = other_names, .table_count = 2, .apply = count_twice},
    {.name = "tally", .version = 1, .tables = more_tables, .table_count = 3, .apply = count_twice},
};

static uint64_t sum_of_counts(flume *handle)
{
    uint64_t sum = 0, count;
    flume_bytes key, value;
    flume_rows *rows;

    assert_int_equal(flume_view_read(trial_view(handle, "tally"), NULL, &rows), FLUME_OK);
    assert_int_equal(flume_rows_seek(rows, 0, NULL, 0), FLUME_OK);
    while (flume_rows_next(rows, &key, &value) == FLUME_OK) {
        memcpy(&count, value.data, sizeof count);
        sum += count;
    }
    flume_rows_end(rows);
    return sum;
}

/* Another program: the views of `trial`, but for the definition of tally. */
static flume *open_other(struct trial *trial, const flume_view_definition *definition)
{
    flume_options options = trial->options;
    flume *handle;

    options.definitions = &definition;
    options.definition_count = 1;
    assert_int_equal(flume_open(&handle, trial->path, &options, NULL), FLUME_OK);
    return handle;
}

static void expect_refused(flume *handle)
{
    flume_error error;

    assert_int_equal(flume_view_wait(trial_view(handle, "tally"), NULL), FLUME_ERR_VIEW);
    flume_last_error(handle, &error);
    assert_non_null(strstr(error.message, "view 'tally'"));
    assert_non_null(strstr(error.message, "other tables"));
}

static void two_versions_stand_side_by_side(void **state)
{
    struct trial *trial = *state;
    flume *other;

    trial_open(trial);
    other = open_other(trial, &doubled);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t once, twice;

        assert_int_equal(trial_append(i % 2 == 0 ? trial->flume : other, &trial->chance, 10),
                         FLUME_OK);
        once = sum_of_counts(trial->flume);
        twice = sum_of_counts(other);
        assert_int_equal(2 * once, twice);
        assert_int_equal(trial_status(trial->flume, "tally").generation, 1);
        assert_int_equal(trial_status(other, "tally").generation, 1);
    }
    trial_expect_right(trial);
    assert_int_equal(flume_close(other), FLUME_OK);
    trial_close(trial);
}

/* In another process, for a while. */
static int play_version_two(struct trial *trial, void *ctx)
{
    const flume_view_definition *definition = &doubled;
    uint64_t chance = trial->chance;
    flume *handle;
    int status;

    (void)ctx;
    chance = ~trial_chance(&chance);
    trial->options.definitions = &definition;
    trial->options.definition_count = 1;
    status = trial_try_open(trial, &handle, NULL);
    for (int i = 0; status == FLUME_OK && i < ROUNDS; i++) {
        flume_view *view;

        status = trial_append(handle, &chance, 10);
        if (status == FLUME_OK)
            status = flume_view_find(handle, "tally", &view);
        if (status == FLUME_OK)
            status = flume_view_wait(view, NULL);
        trial_pause(2 * TRIAL_MS);
    }
    return status == FLUME_OK && flume_close(handle) == FLUME_OK ? 0 : 1;
}

static void two_versions_in_two_processes_leave_each_other_alone(void **state)
{
    struct trial *trial = *state;
    pid_t pid;

    trial_make(trial, RECORDS);
    pid = trial_start(trial, play_version_two, NULL);
    trial_open(trial);
    for (int i = 0; i < ROUNDS; i++) {
        trial_append_well(trial, 10);
        assert_true(sum_of_counts(trial->flume) > 0);
        for (size_t k = 0; k < TRIAL_VIEWS; k++)
            trial_expect_generation(trial, trial_views[k], 1);
    }
    assert_int_equal(trial_join(pid), 0);
    trial_expect_right(trial);
    for (size_t k = 0; k < TRIAL_VIEWS; k++)
        trial_expect_generation(trial, trial_views[k], 1);
    trial_close(trial);
}

static void other_tables_are_refused_while_the_view_is_open(void **state)
{
    struct trial *trial = *state;

    trial_open(trial);
    trial_append_well(trial, RECORDS);
    trial_expect_right(trial);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        flume *other = open_other(trial, &others[i]);

        expect_refused(other);
        assert_int_equal(flume_close(other), FLUME_OK);
    }
    trial_append_well(trial, RECORDS);
    trial_expect_right(trial);
    trial_expect_generation(trial, "tally", 1);
    trial_close(trial);
}

static void other_tables_are_refused_of_a_closed_view(void **state)
{
    struct trial *trial = *state;

    trial_make(trial, RECORDS);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        flume *other = open_other(trial, &others[i]);

        expect_refused(other);
        assert_int_equal(trial_append(other, &trial->chance, 10), FLUME_OK);
        assert_int_equal(flume_close(other), FLUME_OK);
    }
    trial_open(trial);
    trial_expect_right(trial);
    trial_expect_generation(trial, "tally", 1);
    trial_close(trial);
}

static void who_asks_for_a_rebuild_gets_its_own_tables(void **state)
{
    struct trial *trial = *state;
    flume *other;

    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    trial_make(trial, RECORDS);
    other = open_other(trial, &others[0]);
    assert_int_equal(flume_view_rebuild(trial_view(other, "tally"), NULL), FLUME_OK);
    assert_true(sum_of_counts(other) > 0);
    trial_open(trial);
    expect_refused(trial->flume); /* Now it is this one that does not know the tables. */
    trial_expect_view_right(trial, "chain");
    assert_int_equal(flume_close(other), FLUME_OK);
    trial_close(trial);
}

static void one_name_twice_in_a_handle_is_refused(void **state)
{
    struct trial *trial = *state;
    flume_error error;
    flume *handle;

    trial->definitions[2] = &doubled;
    trial->options.definition_count = 3;
    assert_int_equal(trial_try_open(trial, &handle, &error), FLUME_ERR_INVALID);
    assert_non_null(strstr(error.message, "two views named 'tally'"));
}

/* A program without its code lists it, while others begin to use it and end. */
static void a_list_is_in_nobodys_way(void **state)
{
    struct trial *trial = *state;
    flume_view_status rows[TRIAL_VIEWS_ON_DISK];
    flume_options options = trial->options;
    flume *stranger;

    trial_make(trial, RECORDS);
    options.definition_count = 0;
    options.views = FLUME_VIEWS_NO_WORKERS | FLUME_VIEWS_NOT_BUILT_IN;
    assert_int_equal(flume_open(&stranger, trial->path, &options, NULL), FLUME_OK);
    for (int i = 0; i < ROUNDS / 4; i++) {
        trial_open(trial);
        assert_int_equal(flume_view_list(stranger, rows, TRIAL_VIEWS_ON_DISK), TRIAL_VIEWS_ON_DISK);
        trial_append_well(trial, 10);
        trial_expect_view_right(trial, "tally");
        assert_int_equal(flume_view_list(stranger, rows, TRIAL_VIEWS_ON_DISK), TRIAL_VIEWS_ON_DISK);
        trial_close(trial);
        trial_open(trial);
        for (size_t k = 0; k < TRIAL_VIEWS; k++)
            trial_expect_generation(trial, trial_views[k], 1);
        trial_close(trial);
    }
    assert_int_equal(flume_close(stranger), FLUME_OK);
}

/* One program appends many records as one; the other asks as of their midst. */
static void a_batch_of_the_log_is_whole_for_who_asks_as_of_its_midst(void **state)
{
    enum { BATCH_RECORDS = 20000 };
    struct trial *trial = *state;
    flume_entry *entries = calloc(BATCH_RECORDS, sizeof *entries);
    flume_ask ask = {.flags = FLUME_ASK_AS_OF};
    flume_rows *rows;
    uint64_t first;

    assert_non_null(entries);
    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    trial_make(trial, RECORDS);
    trial_open(trial);
    for (size_t i = 0; i < BATCH_RECORDS; i++) {
        entries[i].body = &entries[i];
        entries[i].body_bytes = 8;
    }
    assert_int_equal(
        flume_log_append_many(flume_log_of(trial->flume), entries, BATCH_RECORDS, NULL, &first),
        FLUME_OK);
    free(entries);
    ask.as_of = first + 100;
    assert_int_equal(flume_view_read(trial_view(trial->flume, "tally"), &ask, &rows), FLUME_OK);
    assert_int_equal(flume_rows_as_of(rows), first + BATCH_RECORDS);
    flume_rows_end(rows);
    trial_close(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        trial_test(two_versions_stand_side_by_side),
        trial_test(two_versions_in_two_processes_leave_each_other_alone),
        trial_test(other_tables_are_refused_while_the_view_is_open),
        trial_test(other_tables_are_refused_of_a_closed_view),
        trial_test(who_asks_for_a_rebuild_gets_its_own_tables),
        trial_test(one_name_twice_in_a_handle_is_refused),
        trial_test(a_list_is_in_nobodys_way),
        trial_test(a_batch_of_the_log_is_whole_for_who_asks_as_of_its_midst),
    };

    return cmocka_run_group_tests_name("views_two_programs", tests, NULL, NULL);
}
