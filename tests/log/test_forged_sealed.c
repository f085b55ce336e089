/*
 * test_forged_sealed.c - sealed files whose every check holds, and which are not as flume writes
 * them: check says what is wrong, and repair makes the very file that was there.
 */
#include "sealed_damage.h"

#include <xxhash.h>

#include "merkle.h"
#include "repair_expect.h"

enum { SOME = 1, UNKNOWN_ID = 99 };

struct forgery {
    struct damage_fixture *fx;
    size_t index;
    struct sealed_parts sound, parts; /* As it was, and as it is to be. */
};

static void forgery_begin(struct forgery *forgery, struct damage_fixture *fx, size_t index)
{
    *forgery = (struct forgery){.fx = fx, .index = index};
    sealed_parts_read(fx, index, &forgery->sound);
    sealed_parts_read(fx, index, &forgery->parts);
}

/* Put back what was there. */
static void forgery_end(struct forgery *forgery)
{
    sealed_parts_write(forgery->fx, forgery->index, &forgery->sound);
    expect_sound(forgery->fx);
    sealed_parts_release(&forgery->sound);
    sealed_parts_release(&forgery->parts);
}

static struct sealed_section *section_of(struct forgery *forgery, uint32_t id)
{
    struct sealed_footer *footer = &forgery->parts.footer;

    for (uint32_t i = 0; i < footer->section_count; i++) {
        if (footer->sections[i].id == id)
            return &footer->sections[i];
    }
    fail_msg("no section %u", id);
    return NULL;
}

static void fit_check(struct forgery *forgery, struct sealed_section *section)
{
    section->check = XXH3_64bits_withSeed(forgery->parts.bytes + section->offset,
                                          (size_t)section->bytes,
                                          forgery->parts.footer.salt + section->offset);
}

static bool is_told(const struct damage_fixture *fx, const char *words)
{
    for (size_t i = 0; i < fx->found_count; i++) {
        if (strstr(fx->found[i].message, words) != NULL)
            return true;
    }
    return false;
}

static void expect_told(struct forgery *forgery, const char *words)
{
    sealed_parts_forge(&forgery->parts);
    sealed_parts_write(forgery->fx, forgery->index, &forgery->parts);
    expect_status(forgery->fx, check(forgery->fx), FLUME_ERR_DAMAGED);
    if (is_told(forgery->fx, words))
        return;
    print_findings(forgery->fx);
    fail_msg("nobody says: %s", words);
}

/* A repair makes of the forgery what was there before it, byte for byte. */
static void expect_made_right(struct forgery *forgery)
{
    struct damage_fixture *fx = forgery->fx;
    struct sealed_parts now;

    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    assert_true(fx->report.sound);
    sealed_parts_read(fx, forgery->index, &now);
    assert_int_equal(now.count, forgery->sound.count);
    assert_memory_equal(now.bytes, forgery->sound.bytes, (size_t)now.count);
    sealed_parts_release(&now);
    expect_nothing_lost(fx);
}

/* --- Sections --------------------------------------------------------------------------------- */

static void a_section_that_is_left_out_is_missed(void **state)
{
    static const struct {
        uint32_t id;
        const char *words;
    } sections[] = {{SEALED_SECTION_GRAINS, "there is no grain index"},
                    {SEALED_SECTION_LABELS, "there are no labels"}};

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct forgery forgery;

        forgery_begin(&forgery, *state, SOME);
        section_of(&forgery, sections[i].id)->id = UNKNOWN_ID;
        expect_told(&forgery, sections[i].words);
        assert_int_equal(forgery.fx->report.records, forgery.fx->head);
        expect_made_right(&forgery);
        forgery_end(&forgery);
    }
}

static void a_section_that_nobody_knows_is_verified_too(void **state)
{
    struct forgery forgery;
    struct sealed_section *section;

    forgery_begin(&forgery, *state, SOME);
    section = section_of(&forgery, SEALED_SECTION_LABELS);
    section->id = UNKNOWN_ID;
    section->check ^= 1;
    expect_told(&forgery, "a section is damaged");
    expect_made_right(&forgery);
    forgery_end(&forgery);
}

/* --- Pages ------------------------------------------------------------------------------------ */

static void a_header_that_counts_other_records_is_told(void **state)
{
    struct forgery forgery;

    forgery_begin(&forgery, *state, SOME);
    forgery.parts.header.durable--;
    expect_told(&forgery, "counts other records than there are");
    assert_int_equal(forgery.fx->report.records, forgery.fx->head);
    expect_made_right(&forgery);
    forgery_end(&forgery);
}

/* A block that goes on behind the end that the footer page says is none of its blocks. */
static void a_footer_that_counts_fewer_records_is_told(void **state)
{
    struct forgery forgery;
    uint32_t last;

    forgery_begin(&forgery, *state, SOME);
    last = forgery.sound.footer.block_count - 1;
    forgery.parts.footer.count--;
    expect_told(&forgery, "counts other records than there are");
    assert_int_equal(forgery.fx->report.records,
                     forgery.fx->head - (forgery.sound.footer.count -
                                         sealed_parts_block(&forgery.sound, last).first_ordinal));
    forgery_end(&forgery);
}

/* With its own chain made to fit, and that of all behind it: only that it is the first tells. */
static void the_first_strata_goes_on_from_no_chain(void **state)
{
    struct damage_fixture *fx = *state;
    struct forgery forgeries[SEALED_COUNT];
    struct merkle_hash before = {{1}}, root, chain;

    for (size_t i = 0; i < SEALED_COUNT; i++) {
        struct sealed_footer *footer = &forgeries[i].parts.footer;

        forgery_begin(&forgeries[i], fx, i);
        memcpy(footer->chain_before, before.bytes, sizeof footer->chain_before);
        memcpy(root.bytes, footer->root, sizeof root);
        merkle_chain(&before, &root, footer->first_seq, footer->count, &chain);
        memcpy(footer->chain, chain.bytes, sizeof footer->chain);
        before = chain;
        if (i + 1 < SEALED_COUNT) {
            sealed_parts_forge(&forgeries[i].parts);
            sealed_parts_write(fx, i, &forgeries[i].parts);
        }
    }
    expect_told(&forgeries[SEALED_COUNT - 1], "though nothing was before it");
    assert_int_equal(fx->found_count, 1);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    assert_true(fx->report.sound);
    expect_nothing_lost(fx);
    for (size_t i = 0; i < SEALED_COUNT; i++)
        sealed_parts_write(fx, i, &forgeries[i].sound);
    for (size_t i = 0; i < SEALED_COUNT; i++)
        forgery_end(&forgeries[i]);
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static struct sealed_block_entry entry_at(const struct sealed_parts *parts, uint32_t number)
{
    return sealed_parts_block(parts, number);
}

/* A block's header anew, for where it lies now; and its row. */
static void settle_block(struct forgery *forgery, uint32_t number, uint64_t offset)
{
    struct sealed_parts *parts = &forgery->parts;
    const struct sealed_section *section = section_of(forgery, SEALED_SECTION_BLOCKS);
    struct sealed_block_entry entry = entry_at(parts, number);
    struct sealed_block block;

    assert_true(sealed_block_peek(parts->bytes + offset, &block));
    sealed_block_encode(parts->bytes + offset, &block, parts->footer.salt, offset);
    entry.file_offset = offset;
    sealed_block_entry_encode(
        parts->bytes + section->offset + (uint64_t)number * SEALED_BLOCK_ENTRY_BYTES, &entry);
}

/* A page of junk, and what lies behind it moved on. */
static void insert_page(struct forgery *forgery, uint64_t at)
{
    struct sealed_parts *parts = &forgery->parts;

    parts->bytes = realloc(parts->bytes, (size_t)parts->count + STRATA_PAGE_BYTES);
    assert_non_null(parts->bytes);
    memmove(parts->bytes + at + STRATA_PAGE_BYTES, parts->bytes + at, (size_t)(parts->count - at));
    memset(parts->bytes + at, 0xa5, STRATA_PAGE_BYTES);
    parts->count += STRATA_PAGE_BYTES;
    parts->header.file_bytes += STRATA_PAGE_BYTES;
    parts->footer.file_bytes += STRATA_PAGE_BYTES;
    for (uint32_t i = 0; i < parts->footer.section_count; i++)
        parts->footer.sections[i].offset += STRATA_PAGE_BYTES;
    for (uint32_t i = 0; i < parts->footer.block_count; i++) {
        struct sealed_block_entry entry = entry_at(parts, i);

        if (entry.file_offset >= at)
            settle_block(forgery, i, entry.file_offset + STRATA_PAGE_BYTES);
    }
    for (uint32_t i = 0; i < parts->footer.section_count; i++)
        fit_check(forgery, &parts->footer.sections[i]);
}

static void bytes_between_blocks_are_told_and_all_records_read(void **state)
{
    struct forgery forgery;

    forgery_begin(&forgery, *state, SOME);
    insert_page(&forgery, entry_at(&forgery.parts, 1).file_offset);
    expect_told(&forgery, "bytes that are no block");
    assert_int_equal(forgery.fx->report.records, forgery.fx->head);
    expect_made_right(&forgery);
    forgery_end(&forgery);
}

static void bytes_behind_the_last_block_are_told_and_all_records_read(void **state)
{
    struct forgery forgery;

    forgery_begin(&forgery, *state, SOME);
    insert_page(&forgery, sealed_blocks_end(&forgery.parts.footer));
    expect_told(&forgery, "bytes behind the last block are not zero");
    assert_int_equal(forgery.fx->report.records, forgery.fx->head);
    expect_made_right(&forgery);
    forgery_end(&forgery);
}

/* A block is not there, and the next one begins where it should. */
static void where_a_block_is_left_out_the_next_one_reads(void **state)
{
    enum { GONE = 2 };
    struct damage_fixture *fx = *state;
    struct forgery forgery;
    struct sealed_block_entry gone, next, behind;
    uint64_t first, count, bytes;
    const struct found *found;

    forgery_begin(&forgery, fx, SOME);
    gone = entry_at(&forgery.parts, GONE);
    next = entry_at(&forgery.parts, GONE + 1);
    behind = entry_at(&forgery.parts, GONE + 2);
    first = fx->strata[SOME] + gone.first_ordinal;
    count = next.first_ordinal - gone.first_ordinal;
    bytes = behind.file_offset - next.file_offset;
    memmove(forgery.parts.bytes + gone.file_offset, forgery.parts.bytes + next.file_offset,
            (size_t)bytes);
    memset(forgery.parts.bytes + gone.file_offset + bytes, 0,
           (size_t)(behind.file_offset - gone.file_offset - bytes));
    settle_block(&forgery, GONE + 1, gone.file_offset);
    fit_check(&forgery, section_of(&forgery, SEALED_SECTION_BLOCKS));
    expect_told(&forgery, "bytes that are no block");
    found = expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, NULL);
    assert_int_equal(found->first_seq, first);
    assert_int_equal(found->last_seq, first + count - 1);
    assert_int_equal(fx->report.damaged, count);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    expect_lost(fx, first, first + count);
    forgery_end(&forgery);
}

/* A section of nobody's, which begins where the last block does or a little behind. */
static void a_section_over_the_last_block_costs_that_block(void **state)
{
    struct damage_fixture *fx = *state;

    for (uint64_t behind = 0; behind <= 8; behind += 8) {
        struct forgery forgery;
        struct sealed_footer *footer = &forgery.parts.footer;
        struct sealed_block_entry last;
        uint64_t lost;

        forgery_begin(&forgery, fx, SOME);
        last = entry_at(&forgery.parts, footer->block_count - 1);
        lost = footer->count - last.first_ordinal;
        assert_true(footer->section_count < SEALED_SECTIONS_MAX);
        memmove(&footer->sections[1], &footer->sections[0],
                footer->section_count * sizeof footer->sections[0]);
        footer->section_count++;
        footer->sections[0] = (struct sealed_section){.id = UNKNOWN_ID,
                                                      .offset = last.file_offset + behind,
                                                      .bytes = footer->sections[1].offset -
                                                               last.file_offset - behind};
        fit_check(&forgery, &footer->sections[0]);
        expect_told(&forgery, "cannot be read");
        assert_int_equal(fx->report.damaged, lost);
        assert_int_equal(fx->report.records, fx->head - lost);
        forgery_end(&forgery);
    }
}

static void forget_pages(struct sealed_parts *parts)
{
    parts->bytes[100] ^= 1;
    parts->bytes[parts->count - 100] ^= 1;
}

static void expect_strata_lost(struct forgery *forgery)
{
    struct damage_fixture *fx = forgery->fx;

    sealed_parts_write(fx, forgery->index, &forgery->parts);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.records, fx->head - forgery->sound.footer.count);
}

/* Where no page holds, the first block proves the salt: it must be the first, and be there. */
static void without_pages_and_a_first_block_nothing_reads(void **state)
{
    struct forgery forgery;
    struct sealed_block_entry first, second;

    forgery_begin(&forgery, *state, SOME);
    first = entry_at(&forgery.parts, 0);
    second = entry_at(&forgery.parts, 1);
    forget_pages(&forgery.parts);
    memset(forgery.parts.bytes + STRATA_SALT_AT, 0, 8);
    memset(forgery.parts.bytes + forgery.parts.count - STRATA_PAGE_BYTES + SEALED_FOOTER_SALT_AT, 0,
           8);
    expect_strata_lost(&forgery); /* The block is there, and no salt is. */
    memcpy(forgery.parts.bytes, forgery.sound.bytes, (size_t)forgery.sound.count);
    forget_pages(&forgery.parts);
    memset(forgery.parts.bytes + STRATA_SALT_AT, 0, 8);
    memset(forgery.parts.bytes + forgery.parts.count - STRATA_PAGE_BYTES + SEALED_FOOTER_SALT_AT, 0,
           8);
    memset(forgery.parts.bytes + first.file_offset, 0, SEALED_BLOCK_HEADER_BYTES);
    expect_strata_lost(&forgery);
    memcpy(forgery.parts.bytes + first.file_offset, forgery.sound.bytes + second.file_offset,
           SEALED_BLOCK_HEADER_BYTES);
    expect_strata_lost(&forgery);
    forgery.parts.count = 2 * STRATA_PAGE_BYTES; /* Not even that is there. */
    expect_strata_lost(&forgery);
    forgery.parts.count = forgery.sound.count;
    forgery_end(&forgery);
}

/* --- Labels ----------------------------------------------------------------------------------- */

enum { LABELS = 1200, LABEL_BYTES = 250 };

/* A strata with more labels than a section takes. */
static int labels_setup(void **state)
{
    static const flume_seal_options seal = {.mode = FLUME_SEAL_ON_REQUEST};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = 1 << 20,
                                 .seal = &seal};
    struct damage_fixture *fx;
    flume_log *log = NULL;

    if (damage_setup(state) != 0)
        return -1;
    fx = *state;
    (void)snprintf(fx->basin, sizeof fx->basin, "%s/l.flume", fx->root);
    assert_int_equal(flume_log_open(&log, fx->basin, &options, &fx->error), FLUME_OK);
    for (unsigned i = 0; i < LABELS; i++) {
        char label[LABEL_BYTES + 1];
        const char *labels[] = {label};
        flume_entry entry = {.labels = labels, .label_count = 1};

        (void)snprintf(label, sizeof label, "%0*u", LABEL_BYTES, i);
        assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
    }
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    remember_records(fx, log);
    assert_int_equal(flume_log_seal(log, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)find_strata(fx);
    return 0;
}

static void labels_of_which_there_are_too_many_are_not_to_be_there(void **state)
{
    struct forgery forgery;

    forgery_begin(&forgery, *state, 0);
    expect_sound(forgery.fx);
    assert_null(sealed_section_find(&forgery.sound.footer, SEALED_SECTION_LABELS));
    section_of(&forgery, SEALED_SECTION_GRAINS)->id = SEALED_SECTION_LABELS;
    expect_told(&forgery, "the labels is not what the records say");
    expect_made_right(&forgery);
    forgery_end(&forgery);
}

/* --- Dictionaries ----------------------------------------------------------------------------- */

static void a_copy_of_the_dictionary_that_is_another_is_told(void **state)
{
    static const char words[] = "is not what it is a copy of";
    struct forgery forgery;
    struct sealed_section *copy;

    forgery_begin(&forgery, *state, 0);
    copy = section_of(&forgery, SEALED_SECTION_DICTIONARY_COPY);
    forgery.parts.bytes[copy->offset + copy->bytes / 2] ^= 1;
    fit_check(&forgery, copy);
    expect_told(&forgery, words);
    expect_made_right(&forgery);
    forgery.parts.bytes[copy->offset + copy->bytes / 2] ^= 1;
    copy->bytes--;
    fit_check(&forgery, copy);
    expect_told(&forgery, words);
    expect_made_right(&forgery);
    forgery_end(&forgery);
}

static void a_header_that_points_elsewhere_for_the_dictionary_is_told(void **state)
{
    static const char words[] = "is not what it is a copy of";
    struct forgery forgery;

    forgery_begin(&forgery, *state, 0);
    forgery.parts.header.dictionary_offset += 8;
    expect_told(&forgery, words);
    expect_made_right(&forgery);
    forgery.parts.header = forgery.sound.header;
    forgery.parts.header.dictionary_bytes--;
    expect_told(&forgery, words);
    expect_made_right(&forgery);
    forgery.parts.header = forgery.sound.header;
    forgery.parts.header.dictionary_check ^= 1;
    expect_told(&forgery, words);
    expect_made_right(&forgery);
    forgery_end(&forgery);
}

#define dictionary_test(function) \
    cmocka_unit_test_setup_teardown(function, sealed_dictionary_setup, damage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        sealed_test(a_section_that_is_left_out_is_missed),
        sealed_test(a_section_that_nobody_knows_is_verified_too),
        sealed_test(a_header_that_counts_other_records_is_told),
        sealed_test(a_footer_that_counts_fewer_records_is_told),
        sealed_test(the_first_strata_goes_on_from_no_chain),
        sealed_test(bytes_between_blocks_are_told_and_all_records_read),
        sealed_test(bytes_behind_the_last_block_are_told_and_all_records_read),
        sealed_test(where_a_block_is_left_out_the_next_one_reads),
        sealed_test(a_section_over_the_last_block_costs_that_block),
        sealed_test(without_pages_and_a_first_block_nothing_reads),
        cmocka_unit_test_setup_teardown(labels_of_which_there_are_too_many_are_not_to_be_there,
                                        labels_setup, damage_teardown),
        dictionary_test(a_copy_of_the_dictionary_that_is_another_is_told),
        dictionary_test(a_header_that_points_elsewhere_for_the_dictionary_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
