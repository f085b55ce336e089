/*
 * test_grains.c - whose a second log is where GRAINS does not say it, and what a check says of it.
 */
#include "log_fixture.h"

#include <unistd.h>

#include "faultio.h"
#include "flume/seal.h"
#include "seal_fixture.h"

static flume_log *open_at(const char *path, unsigned flags)
{
    flume_log_options options = {
        .profile = FLUME_PROFILE_FORGETFUL, .flags = flags, .seal = &seal_on_request};
    flume_log *log = NULL;
    flume_error error;

    if (flume_log_open(&log, path, &options, &error) != FLUME_OK)
        fail_msg("open %s: %s", path, error.message);
    return log;
}

static uint64_t append_kind(flume_log *log, uint8_t kind, uint64_t needs, uint64_t needs_check)
{
    flume_entry entry = {
        .body = "body", .body_bytes = 4, .kind = kind, .needs = needs, .needs_check = needs_check};
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_log_append_entry(log, &entry, &seq), FLUME_OK);
    return seq;
}

/* A basin of `count` chunks, of which the check of the last is given. */
static uint64_t make_chunks(const char *path, unsigned count)
{
    flume_log *grains = open_at(path, FLUME_OPEN_CREATE);
    flume_record record = {.check = 0};

    for (unsigned i = 0; i < count; i++)
        (void)append_kind(grains, FLUME_KIND_CHUNK, 0, 0);
    if (count > 0)
        assert_int_equal(flume_log_get(grains, count, &record), FLUME_OK); /* 0: the manifest. */
    close_handle(grains);
    return record.check;
}

/* A log with a second one of three chunks, of which a blob needs the first two. */
static void begin(struct log_fixture *fx)
{
    flume_grains_place place;
    flume_log *grains;
    flume_record record;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.seal = &seal_on_request;
    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_OK);
    assert_int_equal(flume_grains_find(fx->log, &place), FLUME_OK);
    grains = open_at(place.path, 0);
    for (unsigned i = 0; i < 3; i++)
        (void)append_kind(grains, FLUME_KIND_CHUNK, 0, 0);
    assert_int_equal(flume_log_get(grains, 2, &record), FLUME_OK);
    (void)append_kind(fx->log, FLUME_KIND_BLOB, 0, 0); /* Inline: it needs nothing. */
    (void)append_kind(fx->log, FLUME_KIND_BLOB, 3, record.check);
    close_handle(grains);
}

static void lose_setting(struct log_fixture *fx)
{
    assert_int_equal(unlink(fixture_path(fx, "basin.flume/GRAINS")), 0);
}

static flume_grains_place place_of(flume_log *log)
{
    flume_grains_place place;

    assert_int_equal(flume_grains_find(log, &place), FLUME_OK);
    return place;
}

/* ---- whose it is ---- */

static void one_with_chunks_is_not_taken_unasked(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    (void)make_chunks(fixture_path(fx, "basin.flume/grains"), 1);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
    assert_true(place_of(fx->log).is_unnamed);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_ERR_ABSENT);
    expect_error(fx->log, FLUME_ERR_ABSENT, "whose they are");
    assert_false(file_exists(fixture_path(fx, "basin.flume/GRAINS")));
    assert_int_equal(flume_grains_make(fx->log, "grains", 0), FLUME_OK);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_HERE);
    assert_false(place_of(fx->log).is_unnamed);
}

static void an_empty_one_is_taken(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    (void)make_chunks(fixture_path(fx, "basin.flume/grains"), 0);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_OK);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_HERE);
}

static void ones_own_is_taken_when_asked_for(void **state)
{
    struct log_fixture *fx = *state;
    uint8_t id[16];

    begin(fx);
    memcpy(id, place_of(fx->log).basin_id, sizeof id);
    lose_setting(fx);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_ERR_ABSENT);
    assert_int_equal(flume_grains_make(fx->log, "grains", 0), FLUME_OK);
    assert_memory_equal(place_of(fx->log).basin_id, id, sizeof id);
}

/* Whether it is one's own cannot be told then. */
static void without_memory_to_compare_nothing_is_taken(void **state)
{
    struct log_fixture *fx = *state;
    struct fault_memory memory;
    bool has_failed = true;
    unsigned refused = 0;

    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    begin(fx);
    lose_setting(fx);
    for (uint64_t nth = 1; has_failed; nth++) {
        int status;

        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = flume_grains_make(fx->log, "grains", 0);
        has_failed = memory.failed > 0;
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        assert_true(status == FLUME_OK || (status == FLUME_ERR_NO_MEMORY && has_failed));
        assert_int_equal(file_exists(fixture_path(fx, "basin.flume/GRAINS")), status == FLUME_OK);
        refused += status != FLUME_OK;
        if (status == FLUME_OK)
            lose_setting(fx);
    }
    assert_true(refused > 5);
    assert_int_equal(flume_grains_make(fx->log, "grains", 0), FLUME_OK);
    close_log(fx);
    assert_int_equal(memory.live_blocks, 0);
    fault_memory_deinit(&memory);
    fx->options.allocator = NULL;
}

static void what_lacks_the_chunks_of_a_record_is_not_ones_own(void **state)
{
    struct log_fixture *fx = *state;
    char shorter[LOG_FIXTURE_PATH_BYTES], other[LOG_FIXTURE_PATH_BYTES];

    (void)snprintf(shorter, sizeof shorter, "%s/shorter", fx->root);
    (void)snprintf(other, sizeof other, "%s/other", fx->root);
    begin(fx);
    lose_setting(fx);
    (void)make_chunks(shorter, 1);
    (void)make_chunks(other, 5);
    assert_int_equal(flume_grains_make(fx->log, shorter, 0), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "seq 2 refers");
    assert_int_equal(flume_grains_make(fx->log, other, 0), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "is not the second log of");
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
    assert_int_equal(flume_grains_make(fx->log, "grains", 0), FLUME_OK);
}

/* Its chunk is damaged: that it is another's is not known. */
static void a_chunk_that_does_not_read_decides_nothing(void **state)
{
    struct log_fixture *fx = *state;

    begin(fx);
    lose_setting(fx);
    zero_file(fixture_path(fx, "basin.flume/grains/log/00000000000000000000.strata"), 4096, 4096);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_ERR_ABSENT);
    assert_int_equal(flume_grains_make(fx->log, "grains", 0), FLUME_OK);
}

/* ---- what a check says ---- */

static flume_check_report check(struct log_fixture *fx, int expected)
{
    flume_check_report report = {.needing = 99};

    assert_int_equal(flume_check(fx->path, NULL, &report, &fx->error), expected);
    return report;
}

static void a_check_counts_what_refers_to_a_second_log(void **state)
{
    static const flume_seal_call call = {.active = true};
    struct log_fixture *fx = *state;

    begin(fx);
    (void)append_kind(fx->log, FLUME_KIND_BLOB, 2, 0);
    assert_int_equal(check(fx, FLUME_OK).needing, 2);
    assert_int_equal(check(fx, FLUME_OK).findings, 0);
    assert_int_equal(flume_log_seal(fx->log, &call, NULL), FLUME_OK);
    assert_int_equal(check(fx, FLUME_OK).needing, 2);
    (void)append_kind(fx->log, FLUME_KIND_BLOB, 3, 0);
    assert_int_equal(check(fx, FLUME_OK).needing, 3);
}

static void what_does_not_read_is_not_counted(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;

    begin(fx);
    assert_int_equal(flume_log_get(fx->log, 2, &record), FLUME_OK);
    zero_file(strata_path(fx, "basin.flume", 0), record.offset, 8);
    flume_record_release(&record);
    assert_int_equal(check(fx, FLUME_ERR_DAMAGED).needing, 0);
}

static void where_it_is_can_be_asked_of_a_basin_that_does_not_open(void **state)
{
    struct log_fixture *fx = *state;
    flume_grains_place place;

    begin(fx);
    close_log(fx);
    assert_int_equal(unlink(fixture_path(fx, "basin.flume/flume.conf")), 0);
    assert_int_equal(flume_check_grains(fx->path, NULL, &place, &fx->error), FLUME_OK);
    assert_int_equal(place.state, FLUME_GRAINS_HERE);
    run_command("mv '%s/grains' '%s/away'", fx->path, fx->root);
    assert_int_equal(flume_check_grains(fx->path, NULL, &place, NULL), FLUME_OK);
    assert_int_equal(place.state, FLUME_GRAINS_ABSENT);
    write_file(fixture_path(fx, "basin.flume/GRAINS"), 30, "x", 1);
    assert_int_equal(flume_check_grains(fx->path, NULL, &place, &fx->error), FLUME_ERR_DAMAGED);
    assert_non_null(strstr(fx->error.message, "GRAINS is damaged"));
    lose_setting(fx);
    assert_int_equal(flume_check_grains(fx->path, NULL, &place, NULL), FLUME_OK);
    assert_int_equal(place.state, FLUME_GRAINS_NONE);
    assert_int_equal(flume_check_grains(fx->path, NULL, NULL, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_check_grains("", NULL, &place, NULL), FLUME_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(one_with_chunks_is_not_taken_unasked),
        closed_log_test(an_empty_one_is_taken),
        closed_log_test(ones_own_is_taken_when_asked_for),
        closed_log_test(without_memory_to_compare_nothing_is_taken),
        closed_log_test(what_lacks_the_chunks_of_a_record_is_not_ones_own),
        closed_log_test(a_chunk_that_does_not_read_decides_nothing),
        closed_log_test(a_check_counts_what_refers_to_a_second_log),
        closed_log_test(what_does_not_read_is_not_counted),
        closed_log_test(where_it_is_can_be_asked_of_a_basin_that_does_not_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
