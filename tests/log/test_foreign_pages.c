/*
 * test_foreign_pages.c - footer pages that are another strata's, though every check holds: nothing
 * that they say is believed, so that every record reads, and repair loses none.
 */
#include "sealed_damage.h"

#include "repair_expect.h"

enum { SOME = 1 };

/* The log opens as after a machine stop, and every record is what it was. */
static void expect_all_to_read(struct damage_fixture *fx)
{
    forget_head(fx);
    expect_nothing_lost(fx);
}

/* --- Sealed ----------------------------------------------------------------------------------- */

static void lie_of_seq(struct sealed_footer *footer)
{
    footer->first_seq++;
}

static void lie_of_size(struct sealed_footer *footer)
{
    footer->file_bytes += STRATA_PAGE_BYTES;
}

static void lie_of_salt(struct sealed_footer *footer)
{
    footer->salt ^= 1;
}

static void lie_of_strata(struct sealed_footer *footer)
{
    footer->strata_id[3] ^= 1;
}

static void lie_of_basin(struct sealed_footer *footer)
{
    footer->basin_id[3] ^= 1;
}

static void (*const lies[])(struct sealed_footer *footer) = {
    lie_of_seq, lie_of_size, lie_of_salt, lie_of_strata, lie_of_basin,
};

static void a_footer_page_of_another_sealed_strata_is_not_believed(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts sound, parts;

    sealed_parts_read(fx, SOME, &sound);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        sealed_parts_read(fx, SOME, &parts);
        lies[i](&parts.footer);
        parts.footer.count--; /* Who believed it would miss the last record. */
        sealed_parts_forge(&parts);
        sealed_parts_write(fx, SOME, &parts);
        sealed_parts_release(&parts);
        expect_all_to_read(fx);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        assert_int_equal(fx->report.records, fx->head);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        assert_true(fx->report.sound);
        expect_sound(fx);
        expect_nothing_lost(fx);
        sealed_parts_write(fx, SOME, &sound);
        expect_sound(fx);
    }
    sealed_parts_release(&sound);
}

/* --- Raw -------------------------------------------------------------------------------------- */

static void lie_of_raw_seq(struct strata_footer *footer)
{
    footer->first_seq++;
}

static void lie_of_raw_strata(struct strata_footer *footer)
{
    footer->strata_id[3] ^= 1;
}

static void (*const raw_lies[])(struct strata_footer *footer) = {lie_of_raw_seq, lie_of_raw_strata};

/* Two slots are exchanged, for which the footer page vouches. */
static void exchange_slots(struct damage_fixture *fx, struct strata_footer *footer)
{
    const size_t count = (size_t)footer->count + 1;
    uint32_t *slots = calloc(count, sizeof *slots);
    char path[FIXTURE_PATH_BYTES];
    uint32_t third;

    assert_non_null(slots);
    read_bytes(strata_path(fx, SOME, "slots", path), slots, count * sizeof *slots, 0);
    third = slots[3];
    slots[3] = slots[4];
    slots[4] = third;
    write_bytes(path, slots, count * sizeof *slots, 0);
    footer->slots_check = hash_bytes(slots, count * sizeof *slots, 0);
    free(slots);
}

static void a_footer_page_of_another_raw_strata_is_not_believed(void **state)
{
    struct damage_fixture *fx = *state;
    uint8_t sound[STRATA_PAGE_BYTES], page[STRATA_PAGE_BYTES];
    const uint64_t footer_at = STRATA_BYTES - STRATA_PAGE_BYTES;
    char path[FIXTURE_PATH_BYTES];

    read_bytes(strata_path(fx, SOME, "strata", path), sound, sizeof sound, footer_at);
    for (size_t i = 0; i < sizeof raw_lies / sizeof raw_lies[0]; i++) {
        struct strata_footer footer;

        assert_true(strata_footer_decode(sound, &footer));
        exchange_slots(fx, &footer);
        raw_lies[i](&footer);
        strata_footer_encode(page, &footer);
        write_bytes(path, page, sizeof page, footer_at);
        expect_all_to_read(fx);
        (void)check(fx);
        (void)expect_finding(fx, FLUME_FINDING_SIDE_FILE, NULL);
        assert_int_equal(fx->report.records, fx->head);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        read_bytes(path, page, sizeof page, footer_at);
        assert_memory_equal(page, sound, sizeof page);
        expect_sound(fx);
        assert_int_equal(fx->found_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sealed_test(a_footer_page_of_another_sealed_strata_is_not_believed),
        cmocka_unit_test_setup_teardown(a_footer_page_of_another_sealed_strata_is_not_believed,
                                        sealed_parity_setup, damage_teardown),
        damage_test(a_footer_page_of_another_raw_strata_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
