/*
 * test_repair_sealed.c - flume_repair() rebuilds sealed strata: what follows from the records bit
 * for bit, stand-ins for the rest, and what was proven by the Merkle tree stays so.
 */
#include "sealed_damage.h"

#include <errno.h>

#include "faultio.h"
#include "merkle.h"
#include "repair_expect.h"

enum { SOME = 1 };

static bool is_long(void)
{
    return getenv("FLUME_TEST_LONG") != NULL;
}

/* --- What is to hold afterwards --------------------------------------------------------------- */

/* The file of a strata is what it was. */
static void expect_same_file(struct damage_fixture *fx, size_t index,
                             const struct sealed_parts *parts)
{
    char path[FIXTURE_PATH_BYTES];
    struct stat file_stat;
    uint8_t *bytes = malloc((size_t)parts->count);

    assert_non_null(bytes);
    assert_int_equal(stat(strata_path(fx, index, "strata", path), &file_stat), 0);
    assert_int_equal(file_stat.st_size, parts->count);
    read_bytes(path, bytes, (size_t)parts->count, 0);
    for (uint64_t i = 0; i < parts->count; i++) {
        if (bytes[i] != parts->bytes[i])
            fail_msg("byte %" PRIu64 " is %u instead of %u", i, bytes[i], parts->bytes[i]);
    }
    free(bytes);
}

/* The stored nodes of the Merkle tree are what they were. */
static void expect_same_nodes(const struct sealed_parts *now, const struct sealed_parts *parts)
{
    const struct sealed_section *old = sealed_section_find(&parts->footer, SEALED_SECTION_MERKLE);
    const struct sealed_section *new = sealed_section_find(&now->footer, SEALED_SECTION_MERKLE);

    assert_int_equal(new->bytes, old->bytes);
    assert_memory_equal(now->bytes + new->offset, parts->bytes + old->offset, (size_t)old->bytes);
}

/* Header and footer say the same. */
static void expect_same_pages(const struct sealed_parts *one, const struct sealed_parts *two)
{
    uint8_t left[STRATA_PAGE_BYTES], right[STRATA_PAGE_BYTES];

    strata_header_encode(left, &one->header);
    strata_header_encode(right, &two->header);
    assert_memory_equal(left, right, sizeof left);
    sealed_footer_encode(left, &one->footer);
    sealed_footer_encode(right, &two->footer);
    assert_memory_equal(left, right, sizeof left);
}

/* Nothing in lost+found/ is replaced, and of one name there may be 1,000. */
static void forget_kept(struct damage_fixture *fx)
{
    char path[FIXTURE_PATH_BYTES], name[2 * FIXTURE_PATH_BYTES];
    struct dirent **names;
    int count;

    file_path(fx, "lost+found", path);
    count = scandir(path, &names, NULL, NULL);
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            assert_int_equal(unlink(name), 0);
        free(names[i]);
    }
    free(names);
}

/* Repair; what it calls done is sound, and a second repair changes nothing. */
static void expect_repaired(struct damage_fixture *fx)
{
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    assert_true(fx->report.sound);
    expect_sound(fx);
    expect_left_alone(fx, "once");
}

/* --- Bit for bit ------------------------------------------------------------------------------ */

static void a_sound_basin_is_left_alone(void **state)
{
    struct damage_fixture *fx = *state;

    expect_left_alone(fx, "before");
    assert_int_equal(fx->found_count, 0);
}

static void damaged_sections_are_rebuilt_bit_for_bit(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    for (size_t index = 0; index < SEALED_COUNT; index++) {
        sealed_parts_read(fx, index, &parts);
        (void)strata_path(fx, index, "strata", path);
        for (uint32_t i = 0; i < parts.footer.section_count; i++) {
            flip_bit(path, parts.footer.sections[i].offset + parts.footer.sections[i].bytes / 2);
            expect_repaired(fx);
            expect_same_file(fx, index, &parts);
        }
        for (uint32_t i = 0; i < parts.footer.section_count; i++)
            flip_bit(path, parts.footer.sections[i].offset + 1);
        expect_repaired(fx);
        expect_same_file(fx, index, &parts);
        sealed_parts_release(&parts);
    }
    expect_nothing_lost(fx);
    expect_appends(fx);
}

static void every_bit_outside_the_blocks_is_healed_bit_for_bit(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t step = is_long() ? 13 : 1409;
    struct sealed_parts parts;
    uint64_t blocks_end;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    blocks_end = sealed_blocks_end(&parts.footer);
    for (uint64_t bit = 0; bit < parts.count * 8; bit += step) {
        uint8_t byte = parts.bytes[bit / 8] ^ (uint8_t)(1u << bit % 8);

        if (bit / 8 >= STRATA_PAGE_BYTES && bit / 8 < blocks_end)
            continue;
        write_bytes(strata_path(fx, SOME, "strata", path), &byte, 1, bit / 8);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        expect_same_file(fx, SOME, &parts);
        forget_kept(fx);
    }
    sealed_parts_release(&parts);
    expect_sound(fx);
}

static void zeroed_pages_are_made_from_each_other_and_the_records(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, now;

    sealed_parts_read(fx, SOME, &parts);
    memset(parts.bytes, 0, STRATA_PAGE_BYTES);
    sealed_parts_write(fx, SOME, &parts);
    expect_repaired(fx);
    sealed_parts_read(fx, SOME, &now);
    now.header.created_ns = parts.header.created_ns; /* Stood nowhere else. */
    expect_same_pages(&now, &parts);
    sealed_parts_release(&parts);
    sealed_parts_release(&now);
    sealed_parts_read(fx, SOME, &parts);
    memset(parts.bytes + parts.count - STRATA_PAGE_BYTES, 0, STRATA_PAGE_BYTES);
    sealed_parts_write(fx, SOME, &parts);
    expect_repaired(fx);
    sealed_parts_read(fx, SOME, &now);
    now.footer.sealed_ns = parts.footer.sealed_ns; /* Nor did these. */
    now.footer.block_bytes = parts.footer.block_bytes;
    expect_same_pages(&now, &parts);
    sealed_parts_release(&parts);
    sealed_parts_release(&now);
    expect_nothing_lost(fx);
    expect_appends(fx);
}

/* The rest of the page stands, and its check bears it out. */
static void what_only_a_damaged_page_tells_is_taken_from_there(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, sound;

    sealed_parts_read(fx, SOME, &parts);
    sealed_parts_read(fx, SOME, &sound);
    memset(parts.bytes + 200, 0, 1000);
    memset(parts.bytes + parts.count - STRATA_PAGE_BYTES + 128, 0xff, 2000);
    sealed_parts_write(fx, SOME, &parts);
    expect_repaired(fx);
    expect_same_file(fx, SOME, &sound);
    sealed_parts_release(&parts);
    sealed_parts_release(&sound);
}

static void a_file_of_which_the_end_is_cut_off_is_made_whole(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, now;
    uint64_t whole;

    sealed_parts_read(fx, SOME, &parts);
    whole = parts.count;
    parts.count = sealed_blocks_end(&parts.footer) + 100;
    sealed_parts_write(fx, SOME, &parts);
    expect_repaired(fx);
    sealed_parts_read(fx, SOME, &now);
    assert_int_equal(now.count, whole);
    assert_memory_equal(now.bytes, parts.bytes, whole - STRATA_PAGE_BYTES);
    assert_memory_equal(now.footer.chain, parts.footer.chain, sizeof now.footer.chain);
    sealed_parts_release(&parts);
    sealed_parts_release(&now);
    expect_nothing_lost(fx);
}

/* --- Lost records ----------------------------------------------------------------------------- */

static void a_damaged_block_becomes_stand_ins_and_the_rest_stays(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, now;
    uint64_t first, last;
    uint32_t numbers[3];
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    numbers[0] = 0;
    numbers[1] = parts.footer.block_count / 2;
    numbers[2] = parts.footer.block_count - 1;
    for (size_t i = 0; i < 3; i++) {
        struct sealed_block_entry entry = sealed_parts_block(&parts, numbers[i]);

        first = parts.footer.first_seq + entry.first_ordinal;
        last = sealed_parts_block_end(&parts, numbers[i]) - 1;
        flip_bit(strata_path(fx, SOME, "strata", path), entry.file_offset + 60);
        expect_repaired(fx);
        expect_lost(fx, first, last + 1);
        sealed_parts_read(fx, SOME, &now);
        assert_memory_equal(now.footer.root, parts.footer.root, sizeof now.footer.root);
        assert_memory_equal(now.footer.chain, parts.footer.chain, sizeof now.footer.chain);
        assert_int_equal(now.footer.salt, parts.footer.salt);
        assert_int_equal(now.footer.raw_end, parts.footer.raw_end);
        assert_non_null(sealed_section_find(&now.footer, SEALED_SECTION_LOST));
        expect_same_nodes(&now, &parts);
        assert_int_equal(count_in_lost_found(fx), i + 1);
        sealed_parts_release(&now);
        sealed_parts_write(fx, SOME, &parts);
    }
    sealed_parts_release(&parts);
    expect_appends(fx);
}

static void a_block_and_everything_behind_the_blocks_may_be_lost_together(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, now;
    struct sealed_block_entry entry;
    uint64_t first, last;

    sealed_parts_read(fx, SOME, &parts);
    entry = sealed_parts_block(&parts, 3);
    first = parts.footer.first_seq + entry.first_ordinal;
    last = sealed_parts_block_end(&parts, 3) - 1;
    memset(parts.bytes + entry.file_offset, 0, entry.stored_bytes);
    memset(parts.bytes + sealed_blocks_end(&parts.footer), 0,
           parts.count - sealed_blocks_end(&parts.footer));
    sealed_parts_write(fx, SOME, &parts);
    expect_repaired(fx);
    expect_lost(fx, first, last + 1);
    sealed_parts_read(fx, SOME, &now);
    /* The next strata still knows the chain; the root is gone. */
    assert_memory_equal(now.footer.chain, parts.footer.chain, sizeof now.footer.chain);
    for (size_t i = 0; i < sizeof now.footer.root; i++)
        assert_int_equal(now.footer.root[i], 0);
    sealed_parts_release(&now);
    sealed_parts_release(&parts);
    expect_appends(fx);
}

/* A second block of a strata that a repair has written anew. */
static void a_repaired_strata_may_be_damaged_again(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, now;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    flip_bit(path, sealed_parts_block(&parts, 1).file_offset + 40);
    expect_repaired(fx);
    sealed_parts_read(fx, SOME, &now);
    flip_bit(path, sealed_parts_block(&now, now.footer.block_count - 2).file_offset + 40);
    sealed_parts_release(&now);
    expect_repaired(fx);
    sealed_parts_read(fx, SOME, &now);
    for (uint32_t i = 0; i < now.footer.section_count; i++) {
        if (now.footer.sections[i].id == SEALED_SECTION_MERKLE)
            continue; /* A node over a lost record stands nowhere else. */
        flip_bit(path, now.footer.sections[i].offset);
        expect_repaired(fx);
        expect_same_file(fx, SOME, &now);
    }
    for (uint32_t i = 0; i < now.footer.section_count; i++)
        flip_bit(path, now.footer.sections[i].offset);
    expect_repaired(fx);
    sealed_parts_release(&now);
    sealed_parts_read(fx, SOME, &now);
    assert_memory_equal(now.footer.root, parts.footer.root, sizeof now.footer.root);
    assert_memory_equal(now.footer.chain, parts.footer.chain, sizeof now.footer.chain);
    sealed_parts_release(&now);
    sealed_parts_release(&parts);
    expect_appends(fx);
}

/* Beyond what its parity can restore; the file that takes its place is protected as it was. */
static void a_strata_that_is_written_anew_gets_parity_again(void **state)
{
    struct damage_fixture *fx = *state;
    const struct sealed_section *section;
    struct sealed_parts parts, now;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    section = sealed_section_find(&parts.footer, SEALED_SECTION_MERKLE);
    memset(parts.bytes, 0, (size_t)section->offset);
    sealed_parts_write(fx, SOME, &parts);
    expect_repaired(fx);
    sealed_parts_release(&parts);
    sealed_parts_read(fx, SOME, &now);
    assert_non_null(sealed_section_find(&now.footer, SEALED_SECTION_PARITY));
    assert_non_null(sealed_section_find(&now.footer, SEALED_SECTION_LOST));
    flip_bit(strata_path(fx, SOME, "strata", path),
             sealed_parts_block(&now, now.footer.block_count - 1).file_offset + 40);
    expect_repaired(fx); /* By it. */
    expect_same_file(fx, SOME, &now);
    sealed_parts_release(&now);
    expect_appends(fx);
}

/* One record of a block that reads otherwise: its check does not hold, as if memory had been bad
 * when it was sealed. */
static void a_bad_grain_in_a_sound_block_is_lost_alone(void **state)
{
    struct damage_fixture *fx = *state;
    size_t index = fx->strata_count - 2; /* Of bytes that do not shrink. */
    struct sealed_parts parts;
    struct sealed_block block;
    uint64_t seq = 0;

    sealed_parts_read(fx, index, &parts);
    for (uint32_t i = 1; i < parts.footer.block_count && seq == 0; i++) {
        struct sealed_block_entry entry = sealed_parts_block(&parts, i);
        uint8_t *bytes = parts.bytes + entry.file_offset;

        assert_true(sealed_block_decode(bytes, parts.count - entry.file_offset, parts.header.salt,
                                        entry.file_offset, &block));
        if (block.codec != SEALED_STORED || block.count < 2)
            continue;
        bytes[SEALED_BLOCK_HEADER_BYTES + GRAIN_TIME_AT] ^= 1;
        sealed_block_encode(bytes, &block, parts.header.salt, entry.file_offset);
        seq = parts.footer.first_seq + entry.first_ordinal;
    }
    assert_true(seq != 0);
    sealed_parts_write(fx, index, &parts);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.damaged, 1);
    expect_repaired(fx);
    expect_lost(fx, seq, seq + 1);
    sealed_parts_release(&parts);
}

static void what_is_left_of_a_batch_is_marked(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    uint32_t number = 0;
    char path[FIXTURE_PATH_BYTES];
    unsigned broken = 0;
    flume_log *log;

    sealed_parts_read(fx, 0, &parts);
    assert_true(fx->batch_last < fx->strata[1]);
    while (sealed_parts_block_end(&parts, number) <= fx->batch_first)
        number++;
    flip_bit(strata_path(fx, 0, "strata", path),
             sealed_parts_block(&parts, number).file_offset + 33);
    expect_repaired(fx);
    log = open_log(fx, FLUME_OPEN_READ_ONLY);
    for (uint64_t seq = fx->batch_first; seq <= fx->batch_last; seq++) {
        flume_record record;

        if (flume_log_get(log, seq, &record) != FLUME_OK)
            continue;
        assert_true((record.flags & FLUME_RECORD_BROKEN) != 0);
        flume_record_release(&record);
    }
    for (uint64_t seq = sealed_parts_block_end(&parts, number); seq < fx->strata[1]; seq++) {
        flume_record record;

        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        broken += (record.flags & FLUME_RECORD_BROKEN) != 0;
        assert_int_equal(record_digest(&record), fx->digests[seq]);
        flume_record_release(&record);
    }
    assert_true(broken <= 4);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    sealed_parts_release(&parts);
}

/* --- Whole files ------------------------------------------------------------------------------ */

static void a_missing_strata_among_sealed_ones_is_replaced_by_a_sealed_one(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, now;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    assert_int_equal(unlink(strata_path(fx, SOME, "strata", path)), 0);
    expect_repaired(fx);
    expect_lost(fx, fx->strata[SOME], fx->strata[SOME + 1]);
    sealed_parts_read(fx, SOME, &now);
    assert_int_equal(now.header.form, STRATA_SEALED);
    assert_memory_equal(now.footer.chain, parts.footer.chain, sizeof now.footer.chain);
    sealed_parts_release(&now);
    sealed_parts_release(&parts);
    expect_appends(fx);
}

static void two_strata_that_were_exchanged_get_their_names_back(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts one, two;

    sealed_parts_read(fx, 0, &one);
    sealed_parts_read(fx, 1, &two);
    sealed_parts_write(fx, 0, &two);
    sealed_parts_write(fx, 1, &one);
    expect_repaired(fx);
    expect_same_file(fx, 0, &one);
    expect_same_file(fx, 1, &two);
    sealed_parts_release(&one);
    sealed_parts_release(&two);
    expect_nothing_lost(fx);
}

static void slots_beside_a_sealed_strata_are_taken_away(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    write_bytes(strata_path(fx, SOME, "slots", path), "\1\2\3\4", 4, 0);
    expect_repaired(fx);
    assert_int_equal(access(path, F_OK), -1);
    expect_nothing_lost(fx);
}

static void a_broken_chain_is_told_and_never_again(void **state)
{
    struct damage_fixture *fx = *state;
    struct merkle_hash before, root, chain;
    struct sealed_parts parts, now;

    sealed_parts_read(fx, SOME, &parts);
    parts.footer.chain_before[0] ^= 1;
    memcpy(before.bytes, parts.footer.chain_before, sizeof before);
    memcpy(root.bytes, parts.footer.root, sizeof root);
    merkle_chain(&before, &root, parts.footer.first_seq, parts.footer.count, &chain);
    memcpy(parts.footer.chain, chain.bytes, sizeof chain);
    sealed_parts_forge(&parts);
    sealed_parts_write(fx, SOME, &parts);
    expect_repaired(fx);
    expect_nothing_lost(fx);
    sealed_parts_read(fx, SOME, &now); /* Nothing in it can be proven any more. */
    assert_non_null(sealed_section_find(&now.footer, SEALED_SECTION_LOST));
    sealed_parts_release(&now);
    sealed_parts_release(&parts);
}

/* --- Interrupted ------------------------------------------------------------------------------ */

/* From the nth call on, none succeeds: as if the process had died there. */
static bool interrupt_at(struct damage_fixture *fx, uint64_t nth)
{
    struct faultio *fault = calloc(1, sizeof *fault);
    int status;

    assert_non_null(fault);
    faultio_init(fault, flume_io_posix());
    faultio_plan(fault, (struct fault_plan){FAULT_ANY, nth, -EIO, FAULT_LASTING});
    fx->io = &fault->table;
    status = repair(fx, FLUME_REPAIR_SALVAGE);
    fx->io = NULL;
    faultio_deinit(fault);
    free(fault);
    return status != FLUME_OK;
}

static void an_interrupted_repair_is_taken_up(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    uint64_t first, last, nth = 1;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    first = parts.footer.first_seq + sealed_parts_block(&parts, 2).first_ordinal;
    last = sealed_parts_block_end(&parts, 2) - 1;
    flip_bit(strata_path(fx, SOME, "strata", path), sealed_parts_block(&parts, 2).file_offset + 40);
    flip_bit(strata_path(fx, 0, "strata", path), 100);
    copy_basin(fx, "b.flume", "damaged");
    while (interrupt_at(fx, nth)) {
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        expect_sound(fx);
        expect_lost(fx, first, last + 1);
        copy_basin(fx, "damaged", "b.flume");
        nth += is_long() ? 1 : 11;
    }
    assert_true(nth > 50);
    expect_sound(fx);
    sealed_parts_release(&parts);
}

static void a_refusal_for_lack_of_space_changes_nothing(void **state)
{
    struct damage_fixture *fx = *state;
    struct faultio *fault = calloc(1, sizeof *fault);
    char path[FIXTURE_PATH_BYTES];

    assert_non_null(fault);
    flip_bit(strata_path(fx, SOME, "strata", path), STRATA_DATA_AT + 40);
    forget_head(fx);
    (void)repair(fx, FLUME_REPAIR_DRY_RUN);
    copy_basin(fx, "b.flume", "before");
    faultio_init(fault, flume_io_posix());
    faultio_plan(fault, (struct fault_plan){FAULT_PWRITE, 1, -ENOSPC, FAULT_ONCE});
    fx->io = &fault->table;
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_ERR_FULL);
    fx->io = NULL;
    faultio_deinit(fault);
    free(fault);
    expect_same_basin(fx, "b.flume", "before");
}

/* --- Loops ------------------------------------------------------------------------------------ */

/* Whatever a repair leaves: what it calls a record is what was written. */
static void expect_no_other_records(struct damage_fixture *fx)
{
    flume_log *log = open_log(fx, FLUME_OPEN_READ_ONLY);

    for (uint64_t seq = 0; seq < fx->head; seq++) {
        flume_record record;
        int status = flume_log_get(log, seq, &record);

        if (status == FLUME_ERR_LOST)
            continue;
        assert_int_equal(status, FLUME_OK);
        assert_int_equal(record_digest(&record), fx->digests[seq]);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

static void a_strata_with_any_page_zeroed_is_repaired(void **state)
{
    static const uint8_t zeros[STRATA_PAGE_BYTES];
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    for (uint64_t at = 0; at < parts.count; at += sizeof zeros) {
        write_bytes(strata_path(fx, SOME, "strata", path), zeros, sizeof zeros, at);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        expect_sound(fx);
        expect_no_other_records(fx);
        sealed_parts_write(fx, SOME, &parts);
    }
    sealed_parts_release(&parts);
}

static void a_strata_that_is_cut_anywhere_is_repaired(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    uint64_t whole;

    sealed_parts_read(fx, SOME, &parts);
    whole = parts.count;
    for (uint64_t at = 0; at < whole; at += is_long() ? 97 : 97 * 29) {
        parts.count = at;
        sealed_parts_write(fx, SOME, &parts);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        expect_sound(fx);
        expect_no_other_records(fx);
    }
    sealed_parts_release(&parts);
}

static void every_bit_of_the_blocks_is_healed_or_named(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t step = is_long() ? 13 : 1999;
    struct sealed_parts parts;
    uint64_t end;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    end = sealed_blocks_end(&parts.footer);
    for (uint64_t bit = STRATA_DATA_AT * 8; bit < end * 8; bit += step) {
        uint8_t byte = parts.bytes[bit / 8] ^ (uint8_t)(1u << bit % 8);

        write_bytes(strata_path(fx, SOME, "strata", path), &byte, 1, bit / 8);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        assert_true(fx->found_count > 0);
        expect_sound(fx);
        expect_no_other_records(fx);
        sealed_parts_write(fx, SOME, &parts);
        forget_kept(fx);
    }
    sealed_parts_release(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sealed_test(a_sound_basin_is_left_alone),
        sealed_test(damaged_sections_are_rebuilt_bit_for_bit),
        sealed_test(every_bit_outside_the_blocks_is_healed_bit_for_bit),
        sealed_test(zeroed_pages_are_made_from_each_other_and_the_records),
        sealed_test(what_only_a_damaged_page_tells_is_taken_from_there),
        sealed_test(a_file_of_which_the_end_is_cut_off_is_made_whole),
        sealed_test(a_damaged_block_becomes_stand_ins_and_the_rest_stays),
        sealed_test(a_block_and_everything_behind_the_blocks_may_be_lost_together),
        sealed_test(a_repaired_strata_may_be_damaged_again),
        cmocka_unit_test_setup_teardown(a_strata_that_is_written_anew_gets_parity_again,
                                        sealed_parity_setup, damage_teardown),
        cmocka_unit_test_setup_teardown(a_bad_grain_in_a_sound_block_is_lost_alone,
                                        sealed_random_setup, damage_teardown),
        sealed_test(what_is_left_of_a_batch_is_marked),
        sealed_test(a_missing_strata_among_sealed_ones_is_replaced_by_a_sealed_one),
        sealed_test(two_strata_that_were_exchanged_get_their_names_back),
        sealed_test(slots_beside_a_sealed_strata_are_taken_away),
        sealed_test(a_broken_chain_is_told_and_never_again),
        sealed_test(an_interrupted_repair_is_taken_up),
        sealed_test(a_refusal_for_lack_of_space_changes_nothing),
        sealed_test(a_strata_with_any_page_zeroed_is_repaired),
        sealed_test(a_strata_that_is_cut_anywhere_is_repaired),
        sealed_test(every_bit_of_the_blocks_is_healed_or_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
