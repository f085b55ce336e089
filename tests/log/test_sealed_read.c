/*
 * test_sealed_read.c - a record of a sealed strata is the one that was written, or an error.
 */
#include "seal_fixture.h"

#include <errno.h>

#include "faultio.h"

enum { STRATA = 3 };

static void seal_all(struct log_fixture *fx)
{
    flume_seal_call call = {.active = true};

    assert_int_equal(flume_log_seal(fx->log, &call, NULL), FLUME_OK);
}

/* How many of the records first_seq .. end_seq - 1 are not to be had. */
static unsigned count_errors(struct log_fixture *fx, uint64_t first_seq, uint64_t end_seq)
{
    unsigned errors = 0;

    for (uint64_t seq = first_seq; seq < end_seq; seq++) {
        flume_record record;
        int status = flume_log_get(fx->log, seq, &record);

        if (status == FLUME_OK)
            flume_record_release(&record);
        else
            assert_int_equal(status, FLUME_ERR_DAMAGED);
        errors += status != FLUME_OK;
    }
    return errors;
}

/* Every block in turn has one byte changed, the same share of the way through each time. */
static void a_changed_byte_of_a_block_costs_the_records_of_that_block_and_no_others(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t firsts[SEAL_STRATA_MAX];
    struct taken_apart parts;
    const struct sealed_section *index;
    unsigned stored_blocks = 0;
    char path[LOG_FIXTURE_PATH_BYTES];

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    seal_all(fx);
    assert_true(list_strata(fx, firsts) >= 2);
    (void)snprintf(path, sizeof path, "%s", strata_path(fx, "basin.flume", firsts[0]));
    take_apart(path, &parts);
    index = sealed_section_find(&parts.footer, SEALED_SECTION_BLOCKS);
    for (uint32_t i = 0; i < parts.footer.block_count; i++) {
        const uint8_t *rows = parts.file.bytes + index->offset;
        struct sealed_block_entry entry, next = {.first_ordinal = (uint32_t)parts.footer.count};
        struct sealed_block block;
        uint8_t byte;
        uint64_t at;

        sealed_block_entry_decode(rows + (size_t)i * SEALED_BLOCK_ENTRY_BYTES, &entry);
        if (i + 1 < parts.footer.block_count)
            sealed_block_entry_decode(rows + ((size_t)i + 1) * SEALED_BLOCK_ENTRY_BYTES, &next);
        assert_true(sealed_block_peek(parts.file.bytes + entry.file_offset, &block));
        stored_blocks += block.codec == SEALED_STORED;
        at = entry.file_offset + SEALED_BLOCK_HEADER_BYTES + entry.stored_bytes - 1;
        byte = (uint8_t)(parts.file.bytes[at] ^ 0x10);
        write_file(path, at, &byte, 1);
        reopen_log(fx); /* The cache goes with the handle. */
        assert_int_equal(count_errors(fx, firsts[0], firsts[1]),
                         next.first_ordinal - entry.first_ordinal);
        expect_get(fx->log, firsts[0] + entry.first_ordinal, FLUME_ERR_DAMAGED);
        write_file(path, at, &parts.file.bytes[at], 1);
    }
    assert_true(stored_blocks > 0 && stored_blocks < parts.footer.block_count);
    reopen_log(fx);
    assert_int_equal(count_errors(fx, firsts[0], firsts[1]), 0);
    parts_release(&parts);
}

/* A few large records, each with a block of its own, then many in one block, and so on: where a
 * record would be if all blocks held equally many is far from where it is. */
static void records_are_found_in_blocks_of_very_different_sizes(void **state)
{
    enum { COUNT = 1300, ROUND = 130, LARGE = 6, LARGE_BYTES = 20000 };
    struct log_fixture *fx = *state;
    uint64_t seqs[COUNT];
    size_t sizes[COUNT];

    open_for_sealing(fx);
    for (unsigned i = 0; i < COUNT; i++) {
        sizes[i] = i % ROUND < LARGE ? LARGE_BYTES + i : i % 3;
        seqs[i] = append_bytes(fx->log, sizes[i], i);
    }
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    seal_all(fx);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned at = i * 7 % COUNT; /* 7 does not divide it: each one once. */

        expect_bytes(fx->log, seqs[at], sizes[at], at);
    }
}

/* What is not damage but an error of the system is told as one: nothing is taken for lost, and the
 * next who opens finds all there is. */
static void a_read_that_fails_in_recovery_is_told_and_costs_nothing(void **state)
{
    struct log_fixture *fx = *state;
    const flume_seal_call call = {.active = true};
    struct faultio fault;
    uint64_t head, injected = 1;
    unsigned refused = 0;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    assert_int_equal(flume_log_seal(fx->log, &call, NULL), FLUME_OK);
    head = flume_log_head(fx->log);
    close_log(fx);
    faultio_init(&fault, flume_io_posix());
    fx->options.io = &fault.table;
    for (uint64_t nth = 1; injected > 0; nth++) {
        int status;

        run_command("rm -f '%s/HEAD'", fx->path); /* As a machine stop does. */
        faultio_plan(&fault, (struct fault_plan){FAULT_PREAD, nth, -ENXIO, FAULT_ONCE});
        status = try_open(fx);
        injected = faultio_heal(&fault);
        assert_true(status == FLUME_OK || (status == FLUME_ERR_IO && injected > 0));
        refused += status != FLUME_OK;
        assert_int_equal(fault.open_files, 0);
    }
    assert_true(refused > 2);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), head);
    close_log(fx);
    faultio_deinit(&fault);
    fx->options.io = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(a_changed_byte_of_a_block_costs_the_records_of_that_block_and_no_others),
        closed_log_test(records_are_found_in_blocks_of_very_different_sizes),
        closed_log_test(a_read_that_fails_in_recovery_is_told_and_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
