/*
 * test_forged_blocks.c - block indexes, blocks and footer pages whose checks hold and that say what
 * cannot be: no other record is ever read for the one that was asked for, check tells it, and
 * repair keeps all that reads.
 */
#include "sealed_damage.h"

#include <xxhash.h>

#include "repair_expect.h"

enum { SOME = 1, NUMBER = 2 };

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
    assert_true(forgery->sound.footer.block_count > NUMBER + 2);
}

/* All checks fit. */
static void forgery_put(struct forgery *forgery)
{
    struct sealed_footer *footer = &forgery->parts.footer;

    for (uint32_t i = 0; i < footer->section_count; i++)
        footer->sections[i].check = XXH3_64bits_withSeed(
            forgery->parts.bytes + footer->sections[i].offset, (size_t)footer->sections[i].bytes,
            footer->salt + footer->sections[i].offset);
    sealed_parts_forge(&forgery->parts);
    sealed_parts_write(forgery->fx, forgery->index, &forgery->parts);
}

static void forgery_end(struct forgery *forgery)
{
    sealed_parts_write(forgery->fx, forgery->index, &forgery->sound);
    expect_sound(forgery->fx);
    sealed_parts_release(&forgery->sound);
    sealed_parts_release(&forgery->parts);
}

static struct sealed_block_entry entry_at(const struct forgery *forgery, uint32_t number)
{
    return sealed_parts_block(&forgery->sound, number);
}

static void put_entry(struct forgery *forgery, uint32_t number,
                      const struct sealed_block_entry *entry)
{
    const struct sealed_section *section =
        sealed_section_find(&forgery->parts.footer, SEALED_SECTION_BLOCKS);

    sealed_block_entry_encode(forgery->parts.bytes + section->offset +
                                  (uint64_t)number * SEALED_BLOCK_ENTRY_BYTES,
                              entry);
}

/* Every record of the strata is what was written, or refused as damaged. How many are refused. */
static uint64_t count_refused(struct forgery *forgery)
{
    struct damage_fixture *fx = forgery->fx;
    flume_log *log = open_log(fx, FLUME_OPEN_READ_ONLY);
    uint64_t first = forgery->sound.footer.first_seq;
    uint64_t refused = 0;

    for (uint64_t seq = first; seq < first + forgery->sound.footer.count; seq++) {
        flume_record record;
        int status = flume_log_get(log, seq, &record);

        if (status == FLUME_ERR_DAMAGED) {
            refused++;
            continue;
        }
        assert_int_equal(status, FLUME_OK);
        assert_int_equal(record_digest(&record), fx->digests[seq]);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
    return refused;
}

/* Check tells it; a repair makes the very file that was there. */
static void expect_made_right(struct forgery *forgery)
{
    struct damage_fixture *fx = forgery->fx;
    struct sealed_parts now;

    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.records, fx->head);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    assert_true(fx->report.sound);
    sealed_parts_read(fx, forgery->index, &now);
    assert_int_equal(now.count, forgery->sound.count);
    assert_memory_equal(now.bytes, forgery->sound.bytes, (size_t)now.count);
    sealed_parts_release(&now);
}

/* --- The block index -------------------------------------------------------------------------- */

static void an_index_that_cannot_be_hides_no_record(void **state)
{
    for (unsigned way = 0; way < 6; way++) {
        struct sealed_block_entry entry, before;
        struct forgery forgery;
        uint32_t number = way < 2 ? 0 : NUMBER;

        forgery_begin(&forgery, *state, SOME);
        entry = entry_at(&forgery, number);
        before = entry_at(&forgery, NUMBER - 1);
        if (way == 0)
            entry.first_ordinal++;
        else if (way == 1 || way == 2)
            entry.raw_offset = way == 1 ? entry.raw_offset + 8 : before.raw_offset;
        else if (way == 3)
            entry.file_offset += 8;
        else
            entry.first_ordinal = way == 4 ? before.first_ordinal
                                           : (uint32_t)forgery.sound.footer.count;
        put_entry(&forgery, number, &entry);
        forgery_put(&forgery);
        assert_int_equal(count_refused(&forgery), 0);
        expect_made_right(&forgery);
        forgery_end(&forgery);
    }
}

/* The blocks are where it says, and are others than it says: in their order, or in how far they
 * reach. */
static void a_block_that_is_not_the_one_of_its_row_is_refused(void **state)
{
    struct damage_fixture *fx = *state;

    for (size_t index = SOME; index < fx->strata_count - 1; index += fx->strata_count - 3) {
        for (unsigned way = 0; way < 4; way++) {
            struct sealed_block_entry entry, next;
            struct forgery forgery;

            forgery_begin(&forgery, fx, index);
            entry = entry_at(&forgery, NUMBER);
            next = entry_at(&forgery, NUMBER + 1);
            if (way < 2)
                entry.raw_offset += 8;
            if (way == 1)
                next.raw_offset += 8;
            if (way == 2)
                next.first_ordinal--;
            if (way == 3)
                forgery.parts.footer.raw_end -= 8;
            put_entry(&forgery, NUMBER, &entry);
            put_entry(&forgery, NUMBER + 1, &next);
            forgery_put(&forgery);
            assert_true(count_refused(&forgery) > 0);
            expect_made_right(&forgery);
            forgery_end(&forgery);
        }
    }
}

/* --- Blocks ----------------------------------------------------------------------------------- */

/* Another header for a block, which holds its check; the index stays as it is. */
static void put_block(struct forgery *forgery, uint32_t number, const struct sealed_block *block)
{
    uint64_t at = entry_at(forgery, number).file_offset;

    sealed_block_encode(forgery->parts.bytes + at, block, forgery->parts.footer.salt, at);
}

static void a_block_that_cannot_come_next_is_lost_alone(void **state)
{
    struct damage_fixture *fx = *state;

    for (unsigned way = 0; way < 4; way++) {
        struct sealed_block_entry entry, before;
        struct forgery forgery;
        struct sealed_block block;
        uint64_t first, count;
        char path[FIXTURE_PATH_BYTES];

        forgery_begin(&forgery, fx, SOME);
        entry = entry_at(&forgery, NUMBER);
        before = entry_at(&forgery, NUMBER - 1);
        first = forgery.sound.footer.first_seq + entry.first_ordinal;
        count = entry_at(&forgery, NUMBER + 1).first_ordinal - entry.first_ordinal;
        assert_true(sealed_block_peek(forgery.parts.bytes + entry.file_offset, &block));
        if (way == 0) /* It lies where others do. */
            block.raw_offset = before.raw_offset;
        else if (way == 1) /* Between it and the one before it is no room for those left out. */
            block.first_ordinal++;
        else if (way == 2) /* Behind all there may be. */
            block.raw_offset = ((uint64_t)UINT32_MAX - 1) * 8;
        else
            block.first_ordinal = before.first_ordinal;
        put_block(&forgery, NUMBER, &block);
        forgery_put(&forgery);
        assert_int_equal(count_refused(&forgery), count);
        flip_bit(strata_path(fx, SOME, "strata", path),
                 sealed_section_find(&forgery.parts.footer, SEALED_SECTION_BLOCKS)->offset);
        if (way == 3) /* Without the index, blocks are looked for that follow each other. */
            assert_int_equal(count_refused(&forgery), count);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        expect_sound(fx);
        expect_lost(fx, first, first + count);
        forgery_end(&forgery);
    }
}

/* A record in it is another than its place says. */
static void a_block_of_other_records_is_refused(void **state)
{
    struct damage_fixture *fx = *state;
    struct forgery forgery;
    struct sealed_block_entry entry;
    struct sealed_block block;
    uint8_t *grain;

    forgery_begin(&forgery, fx, fx->strata_count - 2); /* Of bytes that do not shrink. */
    entry = entry_at(&forgery, NUMBER);
    assert_true(sealed_block_peek(forgery.parts.bytes + entry.file_offset, &block));
    assert_int_equal(block.codec, SEALED_STORED);
    grain = forgery.parts.bytes + entry.file_offset + SEALED_BLOCK_HEADER_BYTES;
    put_le32(grain + GRAIN_ORDINAL_AT, entry.first_ordinal + 7);
    put_block(&forgery, NUMBER, &block);
    forgery_put(&forgery);
    assert_int_equal(count_refused(&forgery),
                     entry_at(&forgery, NUMBER + 1).first_ordinal - entry.first_ordinal);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    forgery_end(&forgery);
}

/* A damaged block that was not packed: it is read to where it stays, and refused. */
static void a_damaged_block_of_bytes_as_they_are_is_refused(void **state)
{
    struct damage_fixture *fx = *state;
    struct forgery forgery;
    struct sealed_block_entry entry;
    char path[FIXTURE_PATH_BYTES];

    forgery_begin(&forgery, fx, fx->strata_count - 2);
    entry = entry_at(&forgery, NUMBER);
    flip_bit(strata_path(fx, forgery.index, "strata", path), entry.file_offset + 200);
    assert_int_equal(count_refused(&forgery),
                     entry_at(&forgery, NUMBER + 1).first_ordinal - entry.first_ordinal);
    forgery_end(&forgery);
}

/* --- The footer page of a strata with lost records -------------------------------------------- */

/* The strata with its last block lost, as a repair has left it. */
static void lose_last_block(struct damage_fixture *fx, struct sealed_parts *out_parts)
{
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    flip_bit(strata_path(fx, SOME, "strata", path),
             sealed_parts_block(&parts, parts.footer.block_count - 1).file_offset + 40);
    sealed_parts_release(&parts);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    sealed_parts_read(fx, SOME, out_parts);
}

/* Where raw bytes end is known of the footer page alone; but not before what there is. */
static void raw_bytes_do_not_end_before_the_last_stand_in(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, now;

    lose_last_block(fx, &parts);
    parts.footer.raw_end = STRATA_DATA_AT + parts.footer.count * GRAIN_HEADER_BYTES;
    sealed_parts_forge(&parts);
    sealed_parts_write(fx, SOME, &parts);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    sealed_parts_read(fx, SOME, &now);
    assert_true(now.footer.raw_end > parts.footer.raw_end);
    sealed_parts_release(&parts);
    sealed_parts_release(&now);
}

/* With lost records a chain may be one that the root does not tell; not where there is a root. */
static void a_chain_that_does_not_go_with_its_root_is_told_also_of_lost_records(void **state)
{
    struct damage_fixture *fx = *state;

    for (unsigned way = 0; way < 2; way++) {
        struct sealed_parts parts, forged;

        lose_last_block(fx, &parts);
        sealed_parts_read(fx, SOME, &forged);
        if (way == 0)
            forged.footer.chain[5] ^= 1;
        else
            memset(forged.footer.chain, 0, sizeof forged.footer.chain);
        sealed_parts_forge(&forged);
        sealed_parts_write(fx, SOME, &forged);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        expect_sound(fx);
        sealed_parts_release(&forged);
        sealed_parts_read(fx, SOME, &forged);
        assert_memory_equal(forged.footer.chain, parts.footer.chain, sizeof forged.footer.chain);
        sealed_parts_release(&forged);
        sealed_parts_release(&parts);
    }
}

#define random_test(function) \
    cmocka_unit_test_setup_teardown(function, sealed_random_setup, damage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        sealed_test(an_index_that_cannot_be_hides_no_record),
        random_test(a_block_that_is_not_the_one_of_its_row_is_refused),
        sealed_test(a_block_that_cannot_come_next_is_lost_alone),
        random_test(a_block_of_other_records_is_refused),
        random_test(a_damaged_block_of_bytes_as_they_are_is_refused),
        sealed_test(raw_bytes_do_not_end_before_the_last_stand_in),
        sealed_test(a_chain_that_does_not_go_with_its_root_is_told_also_of_lost_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
