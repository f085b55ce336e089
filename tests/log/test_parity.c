/*
 * test_parity.c - what parity allows to heal is healed bit for bit; what it does not is named and
 * left alone.
 *
 *   FLUME_TEST_LONG=1  1,000 places of damage instead of 100
 */
#include "parity_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "parity_layout.h"

enum { MIB = 1 << 20, KIB = 1 << 10 };

static unsigned places(void)
{
    return getenv("FLUME_TEST_LONG") != NULL ? 1000 : 100;
}

/* --- The section --- */

static void a_section_is_what_the_format_says(void **state)
{
    static const uint64_t cells[] = {2, 3, 32, 33, 100, 501};
    struct parity_fixture *fx = *state;

    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        make_files(fx, cells[i] * CELL, PLACE_WITHIN, 32, 2);
        expect_section_by_the_rules(fx);
        expect_clean(fx);
        make_files(fx, cells[i] * CELL - i, PLACE_BESIDE, 32, 2);
        expect_section_by_the_rules(fx);
        expect_clean(fx);
    }
}

static void the_smallest_and_the_widest_stripes_are_as_the_format_says(void **state)
{
    static const unsigned shapes[][2] = {{1, 1},   {1, 32}, {128, 1}, {128, 32},
                                         {127, 3}, {5, 7},  {2, 2},   {128, 31}};
    struct parity_fixture *fx = *state;

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        make_files(fx, 135 * CELL, PLACE_WITHIN, shapes[i][0], shapes[i][1]);
        expect_section_by_the_rules(fx);
        expect_clean(fx);
        damage(fx, &fx->strata, 17 * CELL + 5, CELL);
        (void)expect_what_the_format_allows(fx);
    }
}

/* The parity of one byte, worked out by hand: 0x61 / 32 and 0x61 / 33 in the field, then zeros. */
static void the_parity_of_one_byte_is_that_of_the_worked_example(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity_file strata, section;

    make_files(fx, 1, PLACE_BESIDE, 32, 2);
    fx->strata_was.data[0] = 'a';
    strata = file_for(&fx->strata_was, NULL);
    section = file_for(&fx->section_was, &fx->section_was);
    assert_int_equal(parity_encode(&fx->settings, &fx->memory.table, &strata, &section), FLUME_OK);
    assert_int_equal(fx->section_was.bytes, 4 * CELL);
    assert_int_equal(fx->section_was.data[CELL], 0x6f);
    assert_int_equal(fx->section_was.data[2 * CELL], 0xc4);
    undo_damage(fx);
    expect_clean(fx);
    damage(fx, &fx->strata, 0, 1);
    expect_healed(fx);
    cut_file(&fx->strata, 0);
    expect_healed(fx);
}

static void nothing_has_a_section_too(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity *parity;

    make_files(fx, 0, PLACE_BESIDE, 32, 2);
    expect_section_by_the_rules(fx);
    expect_clean(fx);
    damage(fx, &fx->section, 100, 1);
    expect_healed(fx);
    make_files(fx, 0, PLACE_WITHIN, 32, 2);
    expect_section_by_the_rules(fx);
    damage(fx, &fx->strata, CELL + 100, 1);
    parity = load(fx);
    assert_int_equal(parity_strata_bytes(parity), 2 * CELL);
    parity_release(parity);
    expect_healed(fx);
}

static void ranges_of_any_length_are_healed(void **state)
{
    static const uint64_t lengths[] = {2,         4095,          4096,          4097,     8191,
                                       32 * CELL, 32 * CELL + 1, 64 * CELL - 1, 33 * CELL};
    struct parity_fixture *fx = *state;

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        make_files(fx, lengths[i], PLACE_BESIDE, 32, 2);
        expect_section_by_the_rules(fx);
        damage(fx, &fx->strata, lengths[i] - 1, 1);
        expect_healed(fx);
        cut_file(&fx->strata, lengths[i] - 1);
        expect_healed(fx);
    }
}

/* A page whose check holds, with one number of it changed. */
static int decode_page_with(size_t at, uint16_t value)
{
    static const struct parity_settings settings = {
        .range_bytes = 4 * CELL, .section_at = PARITY_BESIDE, .data_cells = 2, .parity_cells = 1};
    uint8_t bytes[PARITY_PAGE_BYTES];
    struct parity_layout layout;
    struct parity_page page;
    uint64_t checks[16] = {0};

    assert_true(parity_layout_init(&layout, &settings));
    assert_true(layout.cell_count <= sizeof checks / sizeof checks[0]);
    parity_page_encode(bytes, &layout, 0, 0, checks);
    put_le16(bytes + at, value);
    put_le64(bytes + sizeof bytes - 8, hash_bytes(bytes, sizeof bytes - 8, 0));
    return parity_page_decode(bytes, &page);
}

static void a_page_of_a_newer_version_is_told_from_a_bad_one(void **state)
{
    enum { VERSION_AT = 8, DATA_CELLS_AT = 10, CELL_BYTES_AT = 16, NUMBER_AT = 64, COPY_AT = 72 };

    (void)state;
    assert_int_equal(decode_page_with(DATA_CELLS_AT, 2), FLUME_OK);
    assert_int_equal(decode_page_with(VERSION_AT, UINT16_MAX), FLUME_ERR_VERSION);
    assert_int_equal(decode_page_with(DATA_CELLS_AT, 0), FLUME_ERR_DAMAGED);
    assert_int_equal(decode_page_with(CELL_BYTES_AT, 512), FLUME_ERR_DAMAGED);
    assert_int_equal(decode_page_with(NUMBER_AT, 1), FLUME_ERR_DAMAGED);
    assert_int_equal(decode_page_with(COPY_AT, PARITY_COPIES), FLUME_ERR_DAMAGED);
}

static void settings_that_are_not_sound_are_refused(void **state)
{
    static const struct parity_settings settings[] = {
        {.range_bytes = CELL, .section_at = PARITY_BESIDE, .data_cells = 0, .parity_cells = 1},
        {.range_bytes = CELL, .section_at = PARITY_BESIDE, .data_cells = 1, .parity_cells = 0},
        {.range_bytes = CELL, .section_at = PARITY_BESIDE, .data_cells = 129, .parity_cells = 1},
        {.range_bytes = CELL, .section_at = PARITY_BESIDE, .data_cells = 1, .parity_cells = 33},
        {.range_bytes = PARITY_RANGE_BYTES_MAX + 1,
         .section_at = PARITY_BESIDE,
         .data_cells = 1,
         .parity_cells = 1},
        {.range_bytes = CELL + 1, .section_at = CELL, .data_cells = 1, .parity_cells = 1},
        {.range_bytes = 2 * CELL, .section_at = CELL + 8, .data_cells = 1, .parity_cells = 1},
        {.range_bytes = CELL, .section_at = 2 * CELL, .data_cells = 1, .parity_cells = 1}};
    struct parity_fixture *fx = *state;

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct parity_file file = file_for(&fx->strata, &fx->strata);

        assert_int_equal(parity_section_bytes(&settings[i]), 0);
        assert_int_equal(parity_encode(&settings[i], &fx->memory.table, &file, &file),
                         FLUME_ERR_INVALID);
    }
}

/* --- Damage at random --- */

/* Damage of one length anywhere in both files, one place at a time. Returns how often the parity
 * did not allow it. */
static unsigned damage_anywhere(struct parity_fixture *fx, uint64_t bytes)
{
    unsigned lost = 0;

    for (unsigned i = 0; i < places(); i++) {
        uint64_t all = fx->strata.bytes + fx->section.bytes;
        uint64_t offset = chance(fx, all);

        undo_damage(fx);
        if (offset < fx->strata.bytes)
            damage(fx, &fx->strata, offset, bytes);
        else
            damage(fx, &fx->section, offset - fx->strata.bytes, bytes);
        lost += expect_what_the_format_allows(fx) > 0;
    }
    return lost;
}

static void one_byte_is_healed_anywhere(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 1 * MIB, PLACE_WITHIN, 32, 2);
    assert_int_equal(damage_anywhere(fx, 1), 0);
    make_files(fx, 1 * MIB + 77, PLACE_BESIDE, 32, 2);
    assert_int_equal(damage_anywhere(fx, 1), 0);
    make_files(fx, 40 * KIB, PLACE_WITHIN, 32, 2);
    assert_int_equal(damage_anywhere(fx, 1), 0);
    make_files(fx, 1 * MIB, PLACE_WITHIN, 128, 1);
    assert_int_equal(damage_anywhere(fx, 1), 0);
}

static void four_kib_are_healed_anywhere(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 1 * MIB, PLACE_WITHIN, 32, 2);
    assert_int_equal(damage_anywhere(fx, 4 * KIB), 0);
    make_files(fx, 1 * MIB + 77, PLACE_BESIDE, 32, 2);
    assert_int_equal(damage_anywhere(fx, 4 * KIB), 0);
}

/* 64 KiB at any offset are 17 cells; the least file of which so many can go has 9 stripes. */
static void sixty_four_kib_are_healed_anywhere_where_there_are_stripes_enough(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 9 * 32 * CELL, PLACE_WITHIN, 32, 2);
    assert_int_equal(damage_anywhere(fx, 64 * KIB), 0);
    make_files(fx, 2 * MIB + 77, PLACE_BESIDE, 32, 2);
    assert_int_equal(damage_anywhere(fx, 64 * KIB), 0);
    make_files(fx, 2 * MIB, PLACE_WITHIN, 16, 3);
    assert_int_equal(damage_anywhere(fx, 64 * KIB), 0);
}

static void sixty_four_kib_in_a_small_file_are_named_and_left_alone(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 512 * KIB, PLACE_BESIDE, 32, 2); /* 4 stripes, of which 8 cells may go. */
    for (unsigned i = 0; i < places(); i++) {
        undo_damage(fx);
        damage(fx, &fx->strata, chance(fx, fx->strata.bytes - 64 * KIB), 64 * KIB);
        assert_true(expect_what_the_format_allows(fx) > 8);
    }
}

static void several_places_at_once_are_judged_each_for_itself(void **state)
{
    struct parity_fixture *fx = *state;
    unsigned lost = 0;

    make_files(fx, 1 * MIB, PLACE_BESIDE, 32, 2);
    for (unsigned i = 0; i < places(); i++) {
        undo_damage(fx);
        for (unsigned n = 0; n < 7; n++)
            damage(fx, &fx->strata, chance(fx, fx->strata.bytes), 1 + chance(fx, CELL));
        lost += expect_what_the_format_allows(fx) > 0;
    }
    assert_true(lost > 0 && lost < places()); /* Both happened. */
}

/* --- Damage in the least convenient places --- */

static void any_neighbours_of_as_many_cells_as_there_are_parity_cells_can_be_lost(void **state)
{
    static const uint64_t cells[] = {256, 250, 257};
    uint64_t step = places() >= 1000 ? 1 : 3;
    struct parity_fixture *fx = *state;

    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        uint64_t stripes = (cells[i] + 31) / 32;

        make_files(fx, cells[i] * CELL, PLACE_WITHIN, 32, 2);
        for (uint64_t at = 0; at + 2 * stripes <= fx->strata.bytes / CELL; at += step) {
            undo_damage(fx);
            damage(fx, &fx->strata, at * CELL, 2 * stripes * CELL);
            assert_int_equal(expect_what_the_format_allows(fx), 0);
        }
    }
}

static void one_neighbour_more_loses_one_stripe(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 256 * CELL, PLACE_WITHIN, 32, 2);
    damage(fx, &fx->strata, 40 * CELL, 17 * CELL);
    assert_int_equal(expect_what_the_format_allows(fx), 3);
    assert_int_equal(fx->report.data_lost, 3);
    assert_int_equal(fx->report.data_healable, 14);
    assert_int_equal(fx->spans[0].part, PARITY_PART_DATA);
    assert_int_equal(fx->spans[0].fate, PARITY_LOST);
    assert_int_equal(fx->spans[0].offset, 40 * CELL);
    assert_int_equal(fx->spans[0].bytes, CELL);
    assert_int_equal(fx->spans[1].fate, PARITY_HEALABLE);
    assert_int_equal(fx->spans[1].bytes, 7 * CELL);
}

static void the_border_of_data_and_section_may_be_damaged(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 2 * MIB, PLACE_WITHIN, 32, 2);
    damage(fx, &fx->strata, fx->settings.section_at - 30 * KIB, 64 * KIB);
    expect_healed(fx);
    undo_damage(fx);
    damage(fx, &fx->strata, fx->strata.bytes - 64 * KIB, 64 * KIB); /* And the footer. */
    expect_healed(fx);
}

static void a_file_that_was_cut_short_is_healed_as_far_as_it_goes(void **state)
{
    struct parity_fixture *fx = *state;
    unsigned healed = 0;

    make_files(fx, 128 * CELL, PLACE_WITHIN, 32, 2);
    for (uint64_t cut = 1; cut <= 9; cut++) {
        undo_damage(fx);
        cut_file(&fx->strata, fx->strata.bytes - cut * CELL + (cut % 2 == 0 ? 100 : 0));
        healed += expect_what_the_format_allows(fx) == 0;
    }
    assert_int_equal(healed, 9); /* The footer, a page, and 7 of 8 parity cells. */
    make_files(fx, 128 * CELL, PLACE_BESIDE, 32, 2);
    cut_file(&fx->strata, 120 * CELL + 1);
    expect_healed(fx);
    undo_damage(fx);
    cut_file(&fx->strata, 119 * CELL + 1);
    assert_int_equal(expect_what_the_format_allows(fx), 3);
}

/* A missing cell is a bad cell, although zeros would hold its check. */
static void a_missing_cell_of_zeros_is_missed(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 4 * CELL, PLACE_BESIDE, 32, 2); /* Cell 3 is zeros. */
    assert_int_equal(fx->strata.data[3 * CELL], 0);
    cut_file(&fx->strata, 3 * CELL + 1);
    expect_healed(fx);
}

static void what_is_behind_the_end_is_no_part_of_it(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 300 * CELL, PLACE_WITHIN, 32, 2);
    fx->strata.data = realloc(fx->strata.data, fx->strata.bytes + 10000);
    assert_non_null(fx->strata.data);
    memset(fx->strata.data + fx->strata.bytes, 'x', 10000);
    fx->strata.capacity = fx->strata.bytes += 10000;
    expect_clean(fx);
    damage(fx, &fx->strata, 7, 1);
    damage(fx, &fx->strata, fx->settings.section_at, 1); /* Where the footer points to. */
    expect_healed(fx);
}

static void what_cannot_be_read_is_healed_like_any_damage(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 2 * MIB, PLACE_WITHIN, 32, 2);
    for (unsigned i = 0; i < 20; i++) {
        undo_damage(fx);
        fx->strata.unreadable_at = chance(fx, fx->strata.bytes);
        fx->strata.unreadable_bytes = 1 + chance(fx, 60 * KIB);
        assert_int_equal(expect_what_the_format_allows(fx), 0);
    }
}

/* --- The pages of checks --- */

/* A file whose copies have four pages each, and are found although the hint leads nowhere. */
static void make_many_pages(struct parity_fixture *fx)
{
    make_files(fx, 1800 * CELL, PLACE_WITHIN, 32, 2);
}

static uint64_t second_copy(const struct parity_fixture *fx)
{
    return fx->strata_was.bytes - CELL - 4 * CELL;
}

static void either_copy_is_enough(void **state)
{
    struct parity_fixture *fx = *state;

    make_many_pages(fx);
    damage(fx, &fx->strata, fx->settings.section_at, 4 * CELL);
    damage(fx, &fx->strata, 5 * CELL, 1);
    expect_healed(fx);
    undo_damage(fx);
    damage(fx, &fx->strata, second_copy(fx), 4 * CELL);
    damage(fx, &fx->strata, 5 * CELL, 1);
    expect_healed(fx);
}

static void each_page_may_be_lost_in_another_copy(void **state)
{
    struct parity_fixture *fx = *state;

    make_many_pages(fx);
    for (uint64_t page = 0; page < 4; page++)
        damage(fx, &fx->strata,
               (page % 2 == 0 ? fx->settings.section_at : second_copy(fx)) + page * CELL + 99, 1);
    damage(fx, &fx->strata, 1234 * CELL, 64 * KIB);
    expect_healed(fx);
}

static void one_page_of_all_is_enough_to_find_the_section(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity *parity;

    make_many_pages(fx);
    for (uint64_t page = 0; page < 4; page++) {
        damage(fx, &fx->strata, fx->settings.section_at + page * CELL, 1);
        if (page != 2)
            damage(fx, &fx->strata, second_copy(fx) + page * CELL, 1);
    }
    assert_int_equal(try_load_at(fx, 0, &parity), FLUME_OK);
    assert_int_equal(parity_settings_of(parity)->section_at, fx->settings.section_at);
    assert_int_equal(parity_settings_of(parity)->range_bytes, fx->settings.range_bytes);
    parity_release(parity);
}

/* No check of the cells 500 .. 999 is left, but all parity cells agree with them. */
static void a_page_lost_in_both_copies_is_told_from_the_cells(void **state)
{
    struct parity_fixture *fx = *state;

    make_many_pages(fx);
    damage(fx, &fx->strata, fx->settings.section_at + CELL + 7, 1);
    damage(fx, &fx->strata, second_copy(fx) + CELL + 2000, 1);
    expect_healed(fx);
    undo_damage(fx); /* The same with damage that leaves a witness. */
    damage(fx, &fx->strata, fx->settings.section_at + CELL + 7, 1);
    damage(fx, &fx->strata, second_copy(fx) + CELL + 2000, 1);
    damage(fx, &fx->strata, 20 * CELL, CELL);
    damage(fx, &fx->strata, 1500 * CELL, CELL);
    expect_healed(fx);
}

static void without_checks_and_witnesses_nothing_is_claimed(void **state)
{
    struct parity_fixture *fx = *state;
    uint64_t stripe_cells;

    make_many_pages(fx);
    damage(fx, &fx->strata, fx->settings.section_at + CELL + 7, 1);
    damage(fx, &fx->strata, second_copy(fx) + CELL + 2000, 1);
    damage(fx, &fx->strata, 600 * CELL, 1); /* Its check is lost. */
    heal(fx);
    /* 1,800 cells in 57 stripes: 9 of its stripe's are among the 500. */
    stripe_cells = fx->report.data_unknown;
    assert_in_range(stripe_cells, 8, 9);
    assert_int_equal(fx->report.data_lost, 0);
    assert_int_equal(fx->report.data_healable, 0);
    assert_int_equal(fx->report.section_healable, 0);
    assert_int_equal(fx->report.section_lost, 2); /* The page, in both copies. */
    assert_int_equal(fx->spans[0].fate, PARITY_UNKNOWN);
    assert_memory_equal(fx->strata_copy.data, fx->strata.data, fx->strata.bytes);
}

/* The cell that cannot be read and all others of its stripe have lost their checks, and the one
 * parity cell is needed: nothing is left that would tell whether another of them is wrong. */
static void what_only_cells_of_unknown_check_would_tell_is_not_believed(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 1800 * CELL, PLACE_BESIDE, 32, 1); /* 57 stripes. */
    damage(fx, &fx->section, CELL + 7, 1);
    damage(fx, &fx->section, fx->section.bytes - 3 * CELL + 7, 1);
    fx->strata.unreadable_at = 600 * CELL;
    fx->strata.unreadable_bytes = 1;
    damage(fx, &fx->strata, 657 * CELL, 1);
    heal(fx);
    assert_int_equal(fx->report.data_healable, 0);
    assert_int_equal(fx->report.data_lost, 1);
    assert_int_equal(fx->report.section_lost, 2);
    assert_memory_equal(fx->strata_copy.data, fx->strata.data, fx->strata.bytes);
}

/* A cell of unknown check is taken for right and is not: what is worked out from it contradicts the
 * check of the cell that is missing. */
static void what_a_check_contradicts_is_not_believed(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 1800 * CELL, PLACE_BESIDE, 32, 1); /* 57 stripes. */
    damage(fx, &fx->section, CELL + 7, 1);
    damage(fx, &fx->section, fx->section.bytes - 3 * CELL + 7, 1);
    damage(fx, &fx->strata, 600 * CELL, 1);
    damage(fx, &fx->strata, (600 + 11 * 57) * CELL, 1);
    heal(fx);
    assert_int_equal(fx->report.data_healable, 0);
    assert_int_equal(fx->report.data_lost, 1);
    assert_int_equal(fx->report.section_lost, 2);
    assert_memory_equal(fx->strata_copy.data, fx->strata.data, fx->strata.bytes);
}

/* Where no stripe has more of them than parity cells, cells of unknown check are worked out: most
 * come to what is there, and one does not. */
static void few_cells_of_unknown_check_are_worked_out_each(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity_layout layout;

    make_files(fx, 1800 * CELL, PLACE_BESIDE, 2, 2); /* 900 stripes. */
    assert_true(parity_layout_init(&layout, &fx->settings));
    for (unsigned copy = 0; copy < PARITY_COPIES; copy++)
        damage(fx, &fx->section, parity_layout_page_at(&layout, copy, 1) + 7, 1);
    damage(fx, &fx->strata, 600 * CELL, 1);
    heal(fx);
    assert_int_equal(fx->report.section_healable, PARITY_COPIES); /* The page, in both. */
    assert_int_equal(fx->report.data_healable, 1);
    assert_int_equal(fx->report.data_lost, 0);
    assert_int_equal(fx->report.data_unknown, 0);
    assert_memory_equal(fx->strata_copy.data, fx->strata_was.data, fx->strata_was.bytes);
    assert_memory_equal(fx->section_copy.data, fx->section_was.data, fx->section_was.bytes);
}

static void without_a_page_there_is_no_section(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity *parity = NULL;

    make_files(fx, 20 * CELL, PLACE_WITHIN, 32, 2);
    damage(fx, &fx->strata, fx->settings.section_at, CELL);
    damage(fx, &fx->strata, fx->strata.bytes - 2 * CELL, CELL);
    assert_int_equal(try_load_at(fx, fx->settings.section_at, &parity), FLUME_ERR_NOT_FOUND);
    cut_file(&fx->strata, 0);
    assert_int_equal(try_load_at(fx, 0, &parity), FLUME_ERR_NOT_FOUND);
    assert_int_equal(try_load_at(fx, UINT64_MAX - 1, &parity), FLUME_ERR_NOT_FOUND);
    assert_null(parity);
}

static void the_section_is_found_wherever_the_hint_points(void **state)
{
    static const uint64_t hints[] = {0, 1, CELL, UINT64_MAX - 1, UINT64_MAX - CELL};
    struct parity_fixture *fx = *state;

    make_files(fx, 200 * CELL, PLACE_WITHIN, 32, 2);
    cut_file(&fx->strata, fx->strata.bytes - CELL - 1); /* Not where the end says, either. */
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        struct parity *parity = NULL;

        assert_int_equal(try_load_at(fx, hints[i], &parity), FLUME_OK);
        parity_release(parity);
    }
}

static void a_page_in_the_wrong_place_or_of_another_strata_is_none(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity *parity = NULL;

    make_files(fx, 40 * CELL, PLACE_WITHIN, 32, 2);
    memmove(fx->strata.data + 4 * CELL, fx->strata.data, fx->strata.bytes - 4 * CELL);
    cut_file(&fx->strata, fx->strata.bytes - CELL);
    assert_int_equal(try_load_at(fx, 0, &parity), FLUME_ERR_NOT_FOUND);
    undo_damage(fx);
    fx->settings.strata_id[3] ^= 1;
    assert_int_equal(try_load_at(fx, 0, &parity), FLUME_ERR_NOT_FOUND);
    fx->settings.strata_id[3] ^= 1;
    fx->place =
        PLACE_WITHIN; /* A section of its own is none of the file, and the other way round. */
    assert_int_equal(try_load_at(fx, PARITY_BESIDE, &parity), FLUME_ERR_NOT_FOUND);
    make_files(fx, 40 * CELL, PLACE_BESIDE, 32, 2);
    assert_int_equal(try_load_at(fx, 0, &parity), FLUME_ERR_NOT_FOUND);
}

/* --- What goes wrong beside the damage --- */

/* Pages 1 of both copies, written by somebody who had the right to, for a section of other
 * settings. */
static void expect_foreign_page_refused(struct parity_fixture *fx,
                                        const struct parity_settings *settings)
{
    struct parity_layout layout, other;
    uint8_t page[PARITY_PAGE_BYTES];
    uint64_t *checks;

    assert_true(parity_layout_init(&layout, &fx->settings));
    assert_true(parity_layout_init(&other, settings));
    assert_true(layout.page_count > 1 && other.page_count > 1);
    checks = calloc((size_t)other.cell_count, sizeof *checks);
    assert_non_null(checks);
    for (unsigned copy = 0; copy < PARITY_COPIES; copy++) {
        uint64_t at = parity_layout_page_at(&layout, copy, 1) - section_offset(fx);

        parity_page_encode(page, &other, copy, 1, checks);
        memcpy(section_file(fx)->data + section_offset(fx) + at, page, sizeof page);
    }
    free(checks);
    verify(fx);
    assert_int_equal(fx->report.section_healable + fx->report.section_lost, PARITY_COPIES);
    undo_damage(fx);
}

static void a_page_of_other_settings_is_none(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity_settings settings;

    make_files(fx, 1800 * CELL, PLACE_WITHIN, 32, 2);
    settings = fx->settings;
    settings.salt ^= 1;
    expect_foreign_page_refused(fx, &settings);
    settings = fx->settings;
    settings.strata_id[15] ^= 1;
    expect_foreign_page_refused(fx, &settings);
    settings = fx->settings;
    settings.data_cells--;
    expect_foreign_page_refused(fx, &settings);
    settings = fx->settings;
    settings.parity_cells--;
    expect_foreign_page_refused(fx, &settings);
    settings = fx->settings;
    settings.section_at += CELL;
    expect_foreign_page_refused(fx, &settings);
    settings = fx->settings;
    settings.range_bytes += CELL;
    expect_foreign_page_refused(fx, &settings);
}

/* It is not taken for damage. */
static void a_section_of_a_newer_version_is_told(void **state)
{
    enum { VERSION_AT = 8 };
    struct parity_fixture *fx = *state;
    struct parity *parity = NULL;
    struct parity_layout layout;

    make_files(fx, 40 * CELL, PLACE_BESIDE, 32, 2);
    assert_true(parity_layout_init(&layout, &fx->settings));
    for (unsigned copy = 0; copy < PARITY_COPIES; copy++) {
        uint8_t *page = fx->section.data + parity_layout_page_at(&layout, copy, 0);

        put_le16(page + VERSION_AT, UINT16_MAX);
        put_le64(page + PARITY_PAGE_BYTES - 8, hash_bytes(page, PARITY_PAGE_BYTES - 8, 0));
    }
    assert_int_equal(try_load_at(fx, PARITY_BESIDE, &parity), FLUME_ERR_VERSION);
    assert_null(parity);
}

static void no_memory_is_an_error_and_nothing_is_left(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity *parity = NULL;

    make_files(fx, 100 * CELL, PLACE_WITHIN, 32, 2);
    damage(fx, &fx->strata, fx->settings.section_at, 1);
    for (uint64_t nth = 1, status = 1; status != 0; nth++) {
        struct parity_file strata = file_for(&fx->strata_was, &fx->strata_copy);
        struct parity_report report;

        fault_memory_plan(&fx->memory, nth, FAULT_ONCE);
        status = (uint64_t)-parity_encode(&fx->settings, &fx->memory.table, &strata, &strata);
        if (status == 0)
            status = (uint64_t)-try_load_at(fx, 0, &parity);
        if (status == 0)
            status = (uint64_t)-parity_verify(parity, &strata, &strata, NULL, NULL, &report);
        assert_true(status == 0 || status == (uint64_t)-FLUME_ERR_NO_MEMORY);
        assert_int_equal(status == 0, fx->memory.failed == 0);
        parity_release(parity);
        parity = NULL;
        assert_int_equal(fx->memory.live_blocks, 0);
    }
}

static void a_read_that_fails_ends_the_encoding(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity_file file;

    make_files(fx, 100 * CELL, PLACE_BESIDE, 32, 2);
    file = file_for(&fx->strata, &fx->strata_copy);
    fx->strata.unreadable_at = 77 * CELL;
    fx->strata.unreadable_bytes = 1;
    assert_int_equal(parity_encode(&fx->settings, &fx->memory.table, &file, &file), FLUME_ERR_IO);
    undo_damage(fx);
    cut_file(&fx->strata, 100 * CELL - 1);
    file = file_for(&fx->strata, &fx->strata_copy);
    assert_int_equal(parity_encode(&fx->settings, &fx->memory.table, &file, &file), FLUME_ERR_IO);
}

static void a_write_that_fails_ends_what_was_begun(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity_report report = {.data_lost = 77};
    unsigned failures = 0;
    int status = FLUME_ERR_FULL;

    make_files(fx, 100 * CELL, PLACE_WITHIN, 32, 2);
    damage(fx, &fx->strata, fx->settings.section_at - 3 * CELL, 6 * CELL);
    for (uint64_t nth = 1; status != FLUME_OK; nth++) {
        struct parity_file file = file_for(&fx->strata, &fx->strata_copy);
        struct parity *parity = load(fx);

        file = file_for(&fx->strata, &fx->strata_copy);
        fx->strata_copy.writes = 0;
        fx->strata_copy.fail_write = nth;
        status = parity_heal(parity, &file, &file, NULL, NULL, &report);
        parity_release(parity);
        if (status != FLUME_OK) {
            assert_int_equal(status, FLUME_ERR_FULL);
            assert_int_equal(report.data_lost, 77);
            failures++;
        }
    }
    assert_int_equal(failures, 6);
    status = FLUME_ERR_FULL;
    for (uint64_t nth = 1; status != FLUME_OK; nth++) {
        struct parity_file file = file_for(&fx->strata_was, &fx->strata_copy);

        fx->strata_copy.writes = 0;
        fx->strata_copy.fail_write = nth;
        status = parity_encode(&fx->settings, &fx->memory.table, &file, &file);
        assert_true(status == FLUME_OK || status == FLUME_ERR_FULL);
    }
}

static int stop_at_once(void *ctx, const struct parity_span *span)
{
    (void)span;
    ++*(unsigned *)ctx;
    return FLUME_ERR_CANCELLED;
}

static void who_is_told_of_damage_may_stop(void **state)
{
    struct parity_fixture *fx = *state;
    struct parity_file file;
    struct parity_report report;
    struct parity *parity;
    unsigned calls = 0;

    make_files(fx, 100 * CELL, PLACE_WITHIN, 32, 2);
    damage(fx, &fx->strata, 5 * CELL, 1);
    damage(fx, &fx->strata, 50 * CELL, 1);
    parity = load(fx);
    file = file_for(&fx->strata, NULL);
    assert_int_equal(parity_verify(parity, &file, &file, stop_at_once, &calls, &report),
                     FLUME_ERR_CANCELLED);
    assert_int_equal(calls, 1);
    parity_release(parity);
}

static void verifying_writes_nothing(void **state)
{
    struct parity_fixture *fx = *state;

    make_files(fx, 100 * CELL, PLACE_WITHIN, 32, 2);
    damage(fx, &fx->strata, 5 * CELL, 16 * KIB);
    damage(fx, &fx->strata, fx->settings.section_at, 1);
    verify(fx); /* Its files have no target: a write would crash. */
    assert_true(fx->report.data_healable > 0);
    assert_int_equal(fx->report.section_healable, 1);
}

static void a_report_is_clean_only_if_it_reports_nothing(void **state)
{
    static const struct parity_report reports[] = {
        {.data_healable = 1},    {.data_lost = 1},    {.data_unknown = 1},
        {.section_healable = 1}, {.section_lost = 1},
    };
    static const struct parity_report nothing;

    (void)state;
    assert_true(parity_report_is_clean(&nothing));
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++)
        assert_false(parity_report_is_clean(&reports[i]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        parity_test(a_section_is_what_the_format_says),
        parity_test(the_smallest_and_the_widest_stripes_are_as_the_format_says),
        parity_test(the_parity_of_one_byte_is_that_of_the_worked_example),
        parity_test(nothing_has_a_section_too),
        parity_test(ranges_of_any_length_are_healed),
        cmocka_unit_test(a_page_of_a_newer_version_is_told_from_a_bad_one),
        parity_test(settings_that_are_not_sound_are_refused),
        parity_test(one_byte_is_healed_anywhere),
        parity_test(four_kib_are_healed_anywhere),
        parity_test(sixty_four_kib_are_healed_anywhere_where_there_are_stripes_enough),
        parity_test(sixty_four_kib_in_a_small_file_are_named_and_left_alone),
        parity_test(several_places_at_once_are_judged_each_for_itself),
        parity_test(any_neighbours_of_as_many_cells_as_there_are_parity_cells_can_be_lost),
        parity_test(one_neighbour_more_loses_one_stripe),
        parity_test(the_border_of_data_and_section_may_be_damaged),
        parity_test(a_file_that_was_cut_short_is_healed_as_far_as_it_goes),
        parity_test(a_missing_cell_of_zeros_is_missed),
        parity_test(what_is_behind_the_end_is_no_part_of_it),
        parity_test(what_cannot_be_read_is_healed_like_any_damage),
        parity_test(either_copy_is_enough),
        parity_test(each_page_may_be_lost_in_another_copy),
        parity_test(one_page_of_all_is_enough_to_find_the_section),
        parity_test(a_page_lost_in_both_copies_is_told_from_the_cells),
        parity_test(without_checks_and_witnesses_nothing_is_claimed),
        parity_test(what_only_cells_of_unknown_check_would_tell_is_not_believed),
        parity_test(what_a_check_contradicts_is_not_believed),
        parity_test(few_cells_of_unknown_check_are_worked_out_each),
        parity_test(without_a_page_there_is_no_section),
        parity_test(the_section_is_found_wherever_the_hint_points),
        parity_test(a_page_in_the_wrong_place_or_of_another_strata_is_none),
        parity_test(a_page_of_other_settings_is_none),
        parity_test(a_section_of_a_newer_version_is_told),
        parity_test(no_memory_is_an_error_and_nothing_is_left),
        parity_test(a_read_that_fails_ends_the_encoding),
        parity_test(a_write_that_fails_ends_what_was_begun),
        parity_test(who_is_told_of_damage_may_stop),
        parity_test(verifying_writes_nothing),
        cmocka_unit_test(a_report_is_clean_only_if_it_reports_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
