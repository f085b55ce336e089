/*
 * test_seal_parity.c - a sealed file is written with the parity that was asked for, and nothing of
 * it is left where sealing fails.
 */
#include "seal_fixture.h"

#include "bytes.h"
#include "parity_strata.h"
#include "seal_parity.h"

static const char temporary[] = "basin.flume/log/" SEAL_TEMPORARY_NAME;
static const char side_temporary[] = "basin.flume/log/" SEAL_PARITY_TEMPORARY_NAME;

static struct seal_plan plan_with(struct log_fixture *fx, unsigned parity)
{
    uint64_t firsts[SEAL_STRATA_MAX];

    assert_true(list_strata(fx, firsts) >= 2);
    return (struct seal_plan){.first_seq = firsts[0],
                              .count = firsts[1] - firsts[0],
                              .block_bytes = SEALED_BLOCK_BYTES_DEFAULT,
                              .level = 1,
                              .parity = parity};
}

static void write_with(struct log_fixture *fx, const struct seal_plan *plan,
                       struct sealed_footer *out_footer)
{
    assert_int_equal(seal_file_write(fx->log, plan, out_footer), FLUME_OK);
}

static void begin_with_two_strata(struct log_fixture *fx)
{
    open_for_sealing(fx);
    fill_strata(fx, 2);
}

/* --- What is written --- */

static void parity_lies_in_front_of_the_footer_page(void **state)
{
    struct log_fixture *fx = *state;
    const struct sealed_section *section;
    struct sealed_footer footer;
    struct taken_apart parts;
    struct seal_plan plan;

    begin_with_two_strata(fx);
    plan = plan_with(fx, FLUME_PARITY_FILE);
    write_with(fx, &plan, &footer);
    take_apart(fixture_path(fx, temporary), &parts);
    section = sealed_section_find(&parts.footer, SEALED_SECTION_PARITY);
    assert_non_null(section);
    assert_int_equal(section->check, 0);
    assert_int_equal(section->offset % PARITY_CELL_BYTES, 0);
    assert_int_equal(section->offset + section->bytes + STRATA_PAGE_BYTES, footer.file_bytes);
    assert_memory_equal(parts.file.bytes + section->offset, "flumepar", 8);
    assert_false(file_exists(fixture_path(fx, side_temporary)));
    parts_release(&parts);
}

static void parity_beside_covers_the_whole_file(void **state)
{
    static const unsigned parities[] = {FLUME_PARITY_SOFT, FLUME_PARITY_FILE | FLUME_PARITY_SOFT};
    struct log_fixture *fx = *state;

    begin_with_two_strata(fx);
    for (size_t i = 0; i < 2; i++) {
        struct seal_plan plan = plan_with(fx, parities[i]);
        struct sealed_footer footer;
        struct whole_file side;

        write_with(fx, &plan, &footer);
        side = read_whole(fixture_path(fx, side_temporary));
        assert_int_equal(side.count, seal_parity_side_bytes(&plan, &footer));
        assert_memory_equal(side.bytes, "flumepar", 8);
        assert_int_equal(get_le64(side.bytes + 24), footer.file_bytes);
        assert_int_equal(get_le64(side.bytes + 56), footer.salt);
        assert_memory_equal(side.bytes + 40, footer.strata_id, sizeof footer.strata_id);
        whole_file_release(&side);
    }
}

static void without_parity_there_is_none(void **state)
{
    struct log_fixture *fx = *state;
    struct sealed_footer footer;
    struct seal_plan plan;

    begin_with_two_strata(fx);
    plan = plan_with(fx, FLUME_PARITY_NONE);
    write_with(fx, &plan, &footer);
    assert_null(sealed_section_find(&footer, SEALED_SECTION_PARITY));
    assert_int_equal(seal_parity_side_bytes(&plan, &footer), 0);
    assert_false(file_exists(fixture_path(fx, side_temporary)));
}

static void stripes_are_as_the_options_say(void **state)
{
    struct log_fixture *fx = *state;
    struct sealed_footer footer;
    struct seal_plan plan;
    struct whole_file file;
    uint64_t at;

    begin_with_two_strata(fx);
    plan = plan_with(fx, FLUME_PARITY_FILE);
    plan.parity_data = 5;
    plan.parity_cells = 3;
    write_with(fx, &plan, &footer);
    file = read_whole(fixture_path(fx, temporary));
    at = sealed_section_find(&footer, SEALED_SECTION_PARITY)->offset;
    assert_int_equal(get_le16(file.bytes + at + 10), 5);
    assert_int_equal(get_le16(file.bytes + at + 12), 3);
    whole_file_release(&file);
    plan.parity_data = 129;
    assert_int_equal(seal_file_write(fx->log, &plan, &footer), FLUME_ERR_INVALID);
    assert_false(file_exists(fixture_path(fx, temporary)));
}

/* --- Names --- */

static void a_side_file_gets_its_name_and_a_stale_one_goes(void **state)
{
    struct log_fixture *fx = *state;
    char name[STRATA_NAME_BYTES], path[64];
    struct sealed_footer footer;
    struct seal_plan plan;

    begin_with_two_strata(fx);
    parity_name(name, 0);
    assert_string_equal(name, "00000000000000000000.parity");
    (void)snprintf(path, sizeof path, "basin.flume/log/%s", name);
    plan = plan_with(fx, FLUME_PARITY_SOFT);
    write_with(fx, &plan, &footer);
    assert_int_equal(seal_parity_publish(fx->log, &plan), FLUME_OK);
    assert_true(file_exists(fixture_path(fx, path)));
    assert_false(file_exists(fixture_path(fx, side_temporary)));
    plan.parity = FLUME_PARITY_FILE;
    write_with(fx, &plan, &footer);
    assert_int_equal(seal_parity_publish(fx->log, &plan), FLUME_OK);
    assert_false(file_exists(fixture_path(fx, path)));
    assert_int_equal(seal_parity_publish(fx->log, &plan), FLUME_OK);
}

/* --- By the handle's options --- */

static void sealing_writes_the_parity_that_the_options_ask_for(void **state)
{
    struct log_fixture *fx = *state;
    flume_seal_options options = {.mode = FLUME_SEAL_ON_REQUEST,
                                  .parity = FLUME_PARITY_FILE | FLUME_PARITY_SOFT,
                                  .parity_data = 16,
                                  .parity_cells = 3};
    flume_seal_report report;
    flume_strata_info info;
    uint64_t bytes = 0;

    begin_with_two_strata(fx);
    close_log(fx);
    fx->options.seal = &options;
    open_log(fx);
    assert_int_equal(flume_log_seal(fx->log, NULL, &report), FLUME_OK);
    assert_true(report.strata > 0);
    for (uint64_t seq = 0, i = 0; i < report.strata; i++) {
        char name[STRATA_NAME_BYTES], path[64];

        parity_name(name, seq);
        (void)snprintf(path, sizeof path, "basin.flume/log/%s", name);
        assert_true(file_exists(fixture_path(fx, path)));
        bytes += file_bytes(fixture_path(fx, path));
        bytes += file_bytes(strata_path(fx, "basin.flume", seq));
        assert_int_equal(flume_log_strata(fx->log, seq, &info), FLUME_OK);
        assert_true(info.sealed && info.parity_bytes > 0);
        seq += info.records;
    }
    assert_int_equal(report.sealed_bytes, bytes);
    assert_int_equal(count_files(fixture_path(fx, "basin.flume/log"), ".tmp"), 0);
}

static void stripes_beyond_the_limits_are_refused(void **state)
{
    struct log_fixture *fx = *state;
    flume_seal_options options = {.parity = FLUME_PARITY_FILE, .parity_data = 129};

    fx->options.seal = &options;
    expect_open_fails(fx, FLUME_ERR_INVALID, "129");
    options = (flume_seal_options){.parity = FLUME_PARITY_FILE, .parity_cells = 33};
    expect_open_fails(fx, FLUME_ERR_INVALID, "33");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(parity_lies_in_front_of_the_footer_page),
        closed_log_test(parity_beside_covers_the_whole_file),
        closed_log_test(without_parity_there_is_none),
        closed_log_test(stripes_are_as_the_options_say),
        closed_log_test(a_side_file_gets_its_name_and_a_stale_one_goes),
        closed_log_test(sealing_writes_the_parity_that_the_options_ask_for),
        closed_log_test(stripes_beyond_the_limits_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
