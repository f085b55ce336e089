/*
 * test_fault_sealed_check.c - a check of sealed strata, and a repair that only tells, are stopped
 * or meet a failure at every place there is.
 *
 * In health each basin has its findings. Then the same is asked again and stopped at each finding
 * and each report of progress, and with each call and each request for memory failing once: the
 * answer is an error with words, or not better than in health; nothing leaks; and in the end the
 * findings are the same again.
 */
#include "sealed_damage.h"

#include <errno.h>

#include "faultio.h"

/* What happens to it; all zero: nothing. */
struct trouble {
    uint64_t stop_at_finding, stop_at_step, fail_memory;
    struct fault_plan plan;
};

struct answer {
    int status;
    uint64_t findings, steps; /* Told before the answer. */
    uint64_t checked, damaged, lost;
    uint64_t findings_hash;
    bool failed; /* Something did, on demand. */
};

enum act { CHECK, TELL_REPAIR, ACTS };

struct listener {
    const struct trouble *trouble;
    struct answer answer;
};

static int on_finding(void *ctx, const flume_finding *finding)
{
    struct listener *listener = ctx;
    struct answer *answer = &listener->answer;

    assert_true(finding->message[0] != '\0');
    answer->findings_hash =
        hash_bytes(finding->message, strlen(finding->message), answer->findings_hash);
    return ++answer->findings == listener->trouble->stop_at_finding;
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct listener *listener = ctx;

    assert_true(done <= total);
    return ++listener->answer.steps == listener->trouble->stop_at_step;
}

static struct answer ask(const struct damage_fixture *fx, enum act act,
                         const struct trouble *trouble)
{
    struct listener listener = {.trouble = trouble};
    struct fault_memory memory;
    struct faultio fault;
    flume_check_options options = {.finding = on_finding,
                                   .progress = on_progress,
                                   .ctx = &listener,
                                   .allocator = &memory.table,
                                   .io = &fault.table};
    flume_check_report report = {0};
    flume_error error = {0};
    struct answer *answer = &listener.answer;

    faultio_init(&fault, fx->io != NULL ? fx->io : flume_io_posix());
    fault_memory_init(&memory);
    faultio_plan(&fault, trouble->plan);
    fault_memory_plan(&memory, trouble->fail_memory, FAULT_ONCE);
    answer->status = act == CHECK
                         ? flume_check(fx->basin, &options, &report, &error)
                         : flume_repair(fx->basin, FLUME_REPAIR_DRY_RUN, &options, &report, &error);
    answer->failed = faultio_heal(&fault) > 0 || memory.failed > 0;
    answer->checked = report.records;
    answer->damaged = report.damaged;
    answer->lost = report.lost;
    assert_true(answer->status == FLUME_OK || error.message[0] != '\0');
    assert_int_equal(fault.open_files, 0);
    assert_int_equal(fault.open_maps, 0);
    assert_int_equal(memory.live_blocks, 0);
    faultio_deinit(&fault);
    fault_memory_deinit(&memory);
    return *answer;
}

static bool is_same(const struct answer *one, const struct answer *two)
{
    return one->status == two->status && one->findings == two->findings &&
           one->findings_hash == two->findings_hash && one->checked == two->checked &&
           one->damaged == two->damaged && one->lost == two->lost;
}

static void stop_everywhere(const struct damage_fixture *fx, enum act act,
                            const struct answer *healthy)
{
    for (uint64_t nth = 1; nth <= healthy->findings; nth++) {
        struct answer answer = ask(fx, act, &(struct trouble){.stop_at_finding = nth});

        assert_int_equal(answer.status, FLUME_ERR_CANCELLED);
        assert_int_equal(answer.findings, nth);
    }
    for (uint64_t nth = 1; nth <= healthy->steps; nth++) {
        struct answer answer = ask(fx, act, &(struct trouble){.stop_at_step = nth});

        assert_int_equal(answer.status, FLUME_ERR_CANCELLED);
        assert_int_equal(answer.steps, nth);
    }
}

static void fail_memory_everywhere(const struct damage_fixture *fx, enum act act,
                                   const struct answer *healthy)
{
    struct answer answer = {.failed = true};

    for (uint64_t nth = 1; answer.failed; nth++) {
        answer = ask(fx, act, &(struct trouble){.fail_memory = nth});
        assert_true(answer.status == FLUME_ERR_NO_MEMORY || is_same(&answer, healthy));
    }
}

/* What cannot be read makes nothing sound; but there is nothing damaged in a file that has gone. */
static void fail_calls_everywhere(const struct damage_fixture *fx, enum act act,
                                  const struct answer *healthy, enum fault_call call, int result)
{
    struct answer answer = {.failed = true};

    for (uint64_t nth = 1; answer.failed; nth++) {
        struct trouble trouble = {.plan = {.call = call, .nth = nth, .result = result}};

        answer = ask(fx, act, &trouble);
        if (answer.status == FLUME_OK && healthy->status != FLUME_OK && result != -ENOENT)
            fail_msg("%s %" PRIu64 " failed with %d and all is well", fault_call_name(call), nth,
                     result);
        assert_true(answer.failed || is_same(&answer, healthy));
    }
}

static void trouble(const struct damage_fixture *fx, enum act act, const enum fault_call *calls,
                    size_t call_count)
{
    struct answer healthy = ask(fx, act, &(struct trouble){0});
    struct answer after;

    stop_everywhere(fx, act, &healthy);
    fail_memory_everywhere(fx, act, &healthy);
    for (size_t i = 0; i < call_count; i++)
        fail_calls_everywhere(fx, act, &healthy, calls[i], -EMFILE);
    fail_calls_everywhere(fx, act, &healthy, FAULT_PREAD, -EIO);
    fail_calls_everywhere(fx, act, &healthy, FAULT_OPEN, -ENOENT);
    after = ask(fx, act, &(struct trouble){0});
    assert_true(is_same(&after, &healthy));
}

static void trouble_everywhere(const struct damage_fixture *fx)
{
    static const enum fault_call calls[] = {FAULT_PREAD, FAULT_OPEN, FAULT_STAT,   FAULT_MAP,
                                            FAULT_LOCK,  FAULT_LIST, FAULT_BOOT_ID};

    for (int act = CHECK; act < ACTS; act++)
        trouble(fx, (enum act)act, calls, sizeof calls / sizeof calls[0]);
}

/* What takes long is asked about what is different in it: reading, piece by piece. */
static void trouble_with_reading(const struct damage_fixture *fx)
{
    static const enum fault_call reading = FAULT_PREAD;

    trouble(fx, CHECK, &reading, 1);
}

/* --- The basins ------------------------------------------------------------------------------- */

static void flip_section(struct damage_fixture *fx, size_t index, const struct sealed_parts *parts,
                         uint32_t id)
{
    const struct sealed_section *section = sealed_section_find(&parts->footer, id);
    char path[FIXTURE_PATH_BYTES];

    assert_non_null(section);
    flip_bit(strata_path(fx, index, "strata", path), section->offset + section->bytes / 2);
}

static void flip_block(struct damage_fixture *fx, size_t index, const struct sealed_parts *parts,
                       uint32_t number)
{
    char path[FIXTURE_PATH_BYTES];

    flip_bit(strata_path(fx, index, "strata", path),
             sealed_parts_block(parts, number).file_offset + SEALED_BLOCK_HEADER_BYTES + 3);
}

/* Blocks, sections and pages of several strata at once. */
static void small_strata_with_damage_of_all_sorts(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts[SEALED_COUNT];
    char path[FIXTURE_PATH_BYTES];

    for (size_t i = 0; i < SEALED_COUNT; i++)
        sealed_parts_read(fx, i, &parts[i]);
    for (uint32_t id = SEALED_SECTION_BLOCKS; id <= SEALED_SECTION_MERKLE; id++)
        flip_section(fx, 0, &parts[0], id);
    flip_block(fx, 1, &parts[1], 0);
    flip_block(fx, 1, &parts[1], 3);
    flip_section(fx, 1, &parts[1], SEALED_SECTION_LABELS);
    flip_block(fx, 2, &parts[2], 1);
    flip_bit(strata_path(fx, 2, "strata", path), parts[2].count - 100); /* The footer page. */
    trouble_everywhere(fx);
    flip_bit(strata_path(fx, 1, "strata", path), 100); /* The header page. */
    flip_bit(strata_path(fx, 2, "strata", path), 100);
    trouble_everywhere(fx);
    for (size_t i = 0; i < SEALED_COUNT; i++)
        sealed_parts_release(&parts[i]);
}

static void strata_with_parity_that_suffices_or_not(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts[SEALED_COUNT];

    for (size_t i = 0; i < SEALED_COUNT; i++)
        sealed_parts_read(fx, i, &parts[i]);
    flip_block(fx, 0, &parts[0], 0);
    flip_section(fx, 1, &parts[1], SEALED_SECTION_PARITY);
    for (uint32_t i = 0; i < parts[2].footer.block_count; i += 2)
        flip_block(fx, 2, &parts[2], i);
    trouble_everywhere(fx);
    for (size_t i = 0; i < SEALED_COUNT; i++)
        sealed_parts_release(&parts[i]);
}

static void a_large_strata_that_is_sound(void **state)
{
    trouble_with_reading(*state);
}

static void a_large_strata_with_damage_of_all_sorts(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;

    sealed_parts_read(fx, 0, &parts);
    flip_block(fx, 0, &parts, 1);
    flip_block(fx, 0, &parts, parts.footer.block_count - 1);
    flip_section(fx, 0, &parts, SEALED_SECTION_DICTIONARY);
    flip_section(fx, 0, &parts, SEALED_SECTION_GRAINS);
    trouble_with_reading(fx);
    sealed_parts_release(&parts);
}

/* What is read in large pieces elsewhere is read bit by bit around a page that does not read: each
 * of the many reads may fail besides. */
static void a_large_strata_with_a_page_that_does_not_read(void **state)
{
    struct damage_fixture *fx = *state;
    const struct sealed_section *parity;
    struct sealed_parts parts;
    struct bad_medium medium;
    struct answer healthy;

    sealed_parts_read(fx, 0, &parts);
    parity = sealed_section_find(&parts.footer, SEALED_SECTION_PARITY);
    assert_non_null(parity);
    bad_medium_use(fx, &medium, 0, parity->offset);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.records, fx->head); /* Nothing but parity lies there. */
    healthy = ask(fx, CHECK, &(struct trouble){0});
    fail_calls_everywhere(fx, CHECK, &healthy, FAULT_PREAD, -EMFILE);
    sealed_parts_release(&parts);
}

/* Where a block does not read the next one is looked for in small steps. */
static void small_strata_with_a_page_that_does_not_read(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    struct bad_medium medium;
    struct answer healthy;

    sealed_parts_read(fx, 1, &parts);
    flip_block(fx, 1, &parts, 1);
    flip_section(fx, 1, &parts, SEALED_SECTION_LABELS);
    bad_medium_use(fx, &medium, 1,
                   sealed_section_find(&parts.footer, SEALED_SECTION_PARITY)->offset);
    healthy = ask(fx, CHECK, &(struct trouble){0});
    assert_int_equal(healthy.status, FLUME_ERR_DAMAGED);
    fail_calls_everywhere(fx, CHECK, &healthy, FAULT_PREAD, -EMFILE);
    sealed_parts_release(&parts);
}

/* What only who makes all checks fit leaves: told one by one, and a caller may end it at each. */
static void a_forged_strata_beside_a_raw_one_without_header(void **state)
{
    struct damage_fixture *fx = *state;
    const struct sealed_section *labels;
    struct sealed_block_entry entry;
    struct bad_medium medium;
    struct sealed_parts parts;
    struct answer healthy;
    char path[FIXTURE_PATH_BYTES];
    uint64_t end;

    sealed_parts_read(fx, 1, &parts);
    for (uint32_t number = 0;; number++) { /* The first one with zeros behind it. */
        assert_true(number < parts.footer.block_count);
        entry = sealed_parts_block(&parts, number);
        if (entry.stored_bytes % 8 != 0)
            break;
    }
    parts.bytes[entry.file_offset + SEALED_BLOCK_HEADER_BYTES + entry.stored_bytes] = 1;
    labels = sealed_section_find(&parts.footer, SEALED_SECTION_LABELS);
    end = labels->offset + labels->bytes;
    assert_true(end % 8 != 0);
    parts.bytes[end] = 1;
    parts.footer.chain[3] ^= 1;
    sealed_parts_forge(&parts);
    sealed_parts_write(fx, 1, &parts);
    flip_bit(strata_path(fx, SEALED_COUNT, "strata", path), 100);
    bad_medium_use(fx, &medium, SEALED_COUNT, 2 * STRATA_PAGE_BYTES);
    healthy = ask(fx, CHECK, &(struct trouble){0});
    assert_int_equal(healthy.status, FLUME_ERR_DAMAGED);
    assert_true(healthy.findings >= 5);
    stop_everywhere(fx, CHECK, &healthy);
    sealed_parts_release(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sealed_test(small_strata_with_damage_of_all_sorts),
        sealed_test(a_forged_strata_beside_a_raw_one_without_header),
        cmocka_unit_test_setup_teardown(strata_with_parity_that_suffices_or_not,
                                        sealed_parity_setup, damage_teardown),
        cmocka_unit_test_setup_teardown(a_large_strata_that_is_sound, sealed_dictionary_setup,
                                        damage_teardown),
        cmocka_unit_test_setup_teardown(a_large_strata_with_damage_of_all_sorts,
                                        sealed_dictionary_setup, damage_teardown),
        cmocka_unit_test_setup_teardown(a_large_strata_with_a_page_that_does_not_read,
                                        sealed_dictionary_parity_setup, damage_teardown),
        cmocka_unit_test_setup_teardown(small_strata_with_a_page_that_does_not_read,
                                        sealed_parity_setup, damage_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
