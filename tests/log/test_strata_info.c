/*
 * test_strata_info.c - what a log says of its strata is what their files hold.
 */
#include "seal_fixture.h"

#include <errno.h>

#include "faultio.h"
#include "head.h"

enum { STRATA = 3 };

/* All strata of a log, walked; the count. */
static size_t walk(flume_log *log, flume_strata_info infos[SEAL_STRATA_MAX])
{
    uint64_t head = flume_log_head(log);
    size_t count = 0;

    for (uint64_t seq = 0; seq < head; count++) {
        assert_true(count < SEAL_STRATA_MAX);
        assert_int_equal(flume_log_strata(log, seq, &infos[count]), FLUME_OK);
        assert_int_equal(infos[count].first_seq, seq);
        assert_true(infos[count].records > 0);
        seq += infos[count].records;
        assert_true(seq <= head);
    }
    return count;
}

static void seal_all(flume_log *log)
{
    flume_seal_call call = {.active = true};

    assert_int_equal(flume_log_seal(log, &call, NULL), FLUME_OK);
}

static void raw_strata_are_told_by_their_records_and_files(void **state)
{
    struct log_fixture *fx = *state;
    static flume_strata_info infos[SEAL_STRATA_MAX];
    flume_log_stat_info stat;
    uint64_t grain_bytes = 0;
    size_t count;

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    count = walk(fx->log, infos);
    assert_true(count >= STRATA);
    for (size_t i = 0; i < count; i++) {
        assert_false(infos[i].sealed);
        assert_int_equal(infos[i].block_count, 0);
        assert_true(infos[i].grain_bytes <= infos[i].file_bytes);
        grain_bytes += infos[i].grain_bytes;
    }
    assert_int_equal(flume_log_stat(fx->log, &stat), FLUME_OK);
    assert_int_equal(grain_bytes, stat.used_bytes);
}

static void sealed_strata_are_told_by_their_footers(void **state)
{
    struct log_fixture *fx = *state;
    static flume_strata_info before[SEAL_STRATA_MAX], after[SEAL_STRATA_MAX];
    size_t count;

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    count = walk(fx->log, before);
    seal_all(fx->log);
    assert_int_equal(walk(fx->log, after), count);
    for (size_t i = 0; i < count; i++) {
        const flume_strata_info *info = &after[i];
        uint64_t parts = info->block_bytes + info->block_index_bytes + info->grain_index_bytes +
                         info->label_bytes + info->merkle_bytes + info->dictionary_bytes +
                         info->parity_bytes;

        assert_true(info->sealed);
        assert_int_equal(info->first_seq, before[i].first_seq);
        assert_int_equal(info->records, before[i].records);
        assert_int_equal(info->grain_bytes, before[i].grain_bytes);
        /* Besides, the two pages, and less than a page before the last one. */
        assert_in_range(info->file_bytes - parts, 2 * STRATA_PAGE_BYTES, 3 * STRATA_PAGE_BYTES);
        assert_true(info->merkle_bytes >= FLUME_ROOT_BYTES);
        assert_true(info->least_time_ns <= info->greatest_time_ns);
        assert_int_equal(info->block_target_bytes, SEALED_BLOCK_BYTES_DEFAULT);
    }
}

static void roots_are_those_of_the_file(void **state)
{
    struct log_fixture *fx = *state;
    struct sealed_footer footer;
    struct whole_file file;
    flume_strata_info info;

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    seal_all(fx->log);
    assert_int_equal(flume_log_strata(fx->log, 0, &info), FLUME_OK);
    file = read_whole(strata_path(fx, "basin.flume", 0));
    assert_int_equal(sealed_footer_decode(file.bytes + file.count - STRATA_PAGE_BYTES, &footer),
                     FLUME_OK);
    assert_memory_equal(info.root, footer.root, FLUME_ROOT_BYTES);
    assert_memory_equal(info.chain, footer.chain, FLUME_ROOT_BYTES);
    assert_int_equal(info.block_count, footer.block_count);
    assert_int_equal(info.file_bytes, file.count);
    whole_file_release(&file);
}

static void any_seq_of_a_strata_finds_it(void **state)
{
    struct log_fixture *fx = *state;
    flume_strata_info first, other;

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    seal_all(fx->log);
    assert_int_equal(flume_log_strata(fx->log, 0, &first), FLUME_OK);
    assert_int_equal(flume_log_strata(fx->log, first.records - 1, &other), FLUME_OK);
    assert_int_equal(other.first_seq, 0);
    assert_int_equal(flume_log_strata(fx->log, first.records, &other), FLUME_OK);
    assert_int_equal(other.first_seq, first.records);
}

static void where_there_is_no_record_there_is_no_strata(void **state)
{
    struct log_fixture *fx = *state;
    flume_strata_info info = {.records = 7};

    open_for_sealing(fx);
    assert_int_equal(flume_log_strata(fx->log, flume_log_head(fx->log), &info),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_strata(fx->log, FLUME_SEQ_NONE, &info), FLUME_ERR_NOT_FOUND);
    assert_int_equal(info.records, 7);
    assert_int_not_equal(flume_log_strata(NULL, 0, &info), FLUME_OK);
}

/* --- Strata that are missing ------------------------------------------------------------------ */

/* The strata of these records is gone: each of them is told as missing, and the others are what
 * they were. */
static void expect_missing(struct log_fixture *fx, const flume_strata_info *gone, size_t count,
                           const flume_strata_info *before)
{
    const uint64_t seqs[] = {gone[0].first_seq, gone[0].first_seq + 1,
                             gone[0].first_seq + gone[0].records / 2,
                             gone[count - 1].first_seq + gone[count - 1].records - 1};
    flume_strata_info info = {.file_bytes = 7};

    for (size_t i = 0; i < sizeof seqs / sizeof seqs[0]; i++) {
        assert_int_equal(flume_log_strata(fx->log, seqs[i], &info), FLUME_ERR_DAMAGED);
        expect_error(fx->log, FLUME_ERR_DAMAGED, "is missing from log/; run 'flume check'");
        assert_int_equal(info.file_bytes, 7);
    }
    if (before == NULL)
        return;
    assert_int_equal(flume_log_strata(fx->log, gone[0].first_seq - 1, &info), FLUME_OK);
    assert_int_equal(info.first_seq, before->first_seq);
    assert_int_equal(info.records, before->records);
    assert_int_equal(info.grain_bytes, before->grain_bytes);
}

static void remove_strata(struct log_fixture *fx, uint64_t first_seq)
{
    run_command("rm -f '%s' '%s/log/%020llu.slots'", strata_path(fx, "basin.flume", first_seq),
                fx->path, (unsigned long long)first_seq);
}

/* Take the second and the third away. */
static void expect_two_missing_to_be_told(struct log_fixture *fx)
{
    static flume_strata_info infos[SEAL_STRATA_MAX];

    assert_true(walk(fx->log, infos) > STRATA);
    close_log(fx);
    remove_strata(fx, infos[1].first_seq);
    remove_strata(fx, infos[2].first_seq);
    open_log(fx);
    expect_missing(fx, &infos[1], 2, &infos[0]);
    assert_int_equal(flume_log_strata(fx->log, infos[3].first_seq, &infos[1]), FLUME_OK);
    assert_int_equal(infos[1].records, infos[3].records);
}

static void a_missing_strata_among_sealed_ones_is_told(void **state)
{
    struct log_fixture *fx = *state;

    open_for_sealing(fx);
    fill_strata(fx, STRATA + 2);
    seal_all(fx->log);
    expect_two_missing_to_be_told(fx);
}

static void a_missing_strata_among_raw_ones_is_told(void **state)
{
    struct log_fixture *fx = *state;

    open_for_sealing(fx);
    fill_strata(fx, STRATA + 2);
    expect_two_missing_to_be_told(fx);
}

static void a_missing_first_strata_is_told(void **state)
{
    struct log_fixture *fx = *state;
    static flume_strata_info infos[SEAL_STRATA_MAX];

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    (void)walk(fx->log, infos);
    close_log(fx);
    remove_strata(fx, 0);
    open_log(fx);
    expect_missing(fx, &infos[0], 1, NULL);
}

/* Nothing but the slots tells how many records it has, or the grains themselves. */
static void without_a_footer_a_missing_strata_is_told_too(void **state)
{
    struct log_fixture *fx = *state;
    static flume_strata_info infos[SEAL_STRATA_MAX];
    const char *footless;

    for (unsigned slots = 0; slots < 2; slots++) {
        (void)snprintf(fx->path, sizeof fx->path, "%s/basin.flume", fx->root);
        run_command("rm -rf '%s'", fx->path);
        open_for_sealing(fx);
        fill_strata(fx, STRATA);
        (void)walk(fx->log, infos);
        remove_strata(fx, infos[1].first_seq);
        footless = strata_path(fx, "basin.flume", 0);
        zero_file(footless, file_bytes(footless) - STRATA_PAGE_BYTES, STRATA_PAGE_BYTES);
        if (slots != 0)
            zero_file(fixture_path(fx, "basin.flume/log/00000000000000000000.slots"), 0, 4096);
        close_log(fx);
        open_log(fx);
        expect_missing(fx, &infos[1], 1, &infos[0]);
        close_log(fx);
    }
}

/* The footer page of the first strata, changed so that its check holds. */
static void forge_footer(struct log_fixture *fx, uint64_t count, uint64_t end_offset)
{
    const char *path = strata_path(fx, "basin.flume", 0);
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_footer footer;
    const uint64_t at = file_bytes(path) - sizeof page;

    read_file(path, at, page, sizeof page);
    assert_true(strata_footer_decode(page, &footer));
    footer.count = count;
    footer.end_offset = end_offset;
    strata_footer_encode(page, &footer);
    write_file(path, at, page, sizeof page);
}

static void a_footer_that_cannot_be_is_not_believed(void **state)
{
    struct log_fixture *fx = *state;
    static flume_strata_info infos[SEAL_STRATA_MAX];
    flume_strata_info info;

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    (void)walk(fx->log, infos);
    forge_footer(fx, infos[0].records + 5, STRATA_PAGE_BYTES + infos[0].grain_bytes);
    assert_int_equal(flume_log_strata(fx->log, 0, &info), FLUME_OK);
    assert_int_equal(info.records, infos[0].records);
    assert_int_equal(info.grain_bytes, infos[0].grain_bytes);
    forge_footer(fx, infos[0].records, STRATA_PAGE_BYTES - 8);
    assert_int_equal(flume_log_strata(fx->log, 0, &info), FLUME_OK);
    assert_int_equal(info.records, infos[0].records);
    assert_int_equal(info.grain_bytes, infos[0].grain_bytes);
}

/* Zero the footer page of the first strata, its slots and its grains from an offset on. */
static void zero_from(struct log_fixture *fx, uint64_t offset)
{
    const char *path = strata_path(fx, "basin.flume", 0);

    zero_file(path, offset, (size_t)(file_bytes(path) - offset));
    path = fixture_path(fx, "basin.flume/log/00000000000000000000.slots");
    zero_file(path, 0, (size_t)file_bytes(path));
}

static void a_strata_of_which_no_record_reads_has_none(void **state)
{
    struct log_fixture *fx = *state;
    static flume_strata_info infos[SEAL_STRATA_MAX];
    flume_strata_info info = {.file_bytes = 7};

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    (void)walk(fx->log, infos);
    close_log(fx);
    zero_from(fx, STRATA_PAGE_BYTES);
    open_log(fx);
    assert_int_equal(flume_log_strata(fx->log, 0, &info), FLUME_ERR_DAMAGED);
    assert_int_equal(flume_log_strata(fx->log, infos[0].records - 1, &info), FLUME_ERR_DAMAGED);
    assert_int_equal(info.file_bytes, 7);
    assert_int_equal(flume_log_strata(fx->log, infos[1].first_seq, &info), FLUME_OK);
    assert_int_equal(info.records, infos[1].records);
}

static void without_memory_a_strata_without_a_footer_is_told_later(void **state)
{
    struct log_fixture *fx = *state;
    static flume_strata_info infos[SEAL_STRATA_MAX];
    struct fault_memory memory;
    flume_strata_info info = {.file_bytes = 7};
    unsigned refused = 0;
    bool has_failed = true;

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    (void)walk(fx->log, infos);
    close_log(fx);
    zero_from(fx, file_bytes(strata_path(fx, "basin.flume", 0)) - STRATA_PAGE_BYTES);
    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    for (uint64_t nth = 1; has_failed; nth++) {
        int status;

        open_log(fx);
        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = flume_log_strata(fx->log, 0, &info);
        has_failed = memory.failed > 0;
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        if (status != FLUME_OK) {
            refused++;
            assert_int_equal(status, FLUME_ERR_NO_MEMORY);
            assert_int_equal(info.file_bytes, 7);
            assert_int_equal(flume_log_strata(fx->log, 0, &info), FLUME_OK);
        }
        assert_int_equal(info.records, infos[0].records);
        assert_int_equal(info.grain_bytes, infos[0].grain_bytes);
        info.file_bytes = 7;
        close_log(fx);
    }
    assert_true(refused > 0);
    assert_int_equal(memory.live_blocks, 0);
    fault_memory_deinit(&memory);
    fx->options.allocator = NULL;
}

/* Records before a gap of so many are read, without memory for the gap. */
static void a_gap_wider_than_memory_hides_no_record(void **state)
{
    const uint64_t far = UINT64_C(1) << 44;
    struct log_fixture *fx = *state;
    static flume_strata_info infos[SEAL_STRATA_MAX];
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header header;
    flume_strata_info info;
    uint64_t head;
    size_t count;

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    count = walk(fx->log, infos);
    head = flume_log_head(fx->log);
    (void)snprintf(fx->path, sizeof fx->path, "%s", copy_after_power_cut(fx, "copy.flume"));
    close_log(fx);
    read_file(strata_path(fx, "copy.flume", infos[count - 1].first_seq), 0, page, sizeof page);
    assert_int_equal(strata_header_decode(page, &header), FLUME_OK);
    header.first_seq = far;
    header.durable = far;
    strata_header_encode(page, &header);
    run_command("cd '%s/log' && mv %020llu.strata %020llu.strata", fx->path,
                (unsigned long long)infos[count - 1].first_seq, (unsigned long long)far);
    write_file(strata_path(fx, "copy.flume", far), 0, page, sizeof page);
    open_log(fx);
    assert_true(flume_log_head(fx->log) > far);
    expect_get(fx->log, infos[count - 1].first_seq - 1, FLUME_OK);
    expect_get(fx->log, head - 1, FLUME_ERR_DAMAGED);
    expect_get(fx->log, far / 2, FLUME_ERR_DAMAGED);
    assert_int_equal(flume_log_strata(fx->log, infos[count - 2].first_seq, &info), FLUME_OK);
    assert_int_equal(info.records, infos[count - 2].records);
    assert_int_equal(flume_log_strata(fx->log, far / 2, &info), FLUME_ERR_DAMAGED);
    expect_get(fx->log, far, FLUME_OK);
}

/* All handles list log/ anew. */
static void raise_layout_count(struct log_fixture *fx)
{
    const char *path = fixture_path(fx, "basin.flume/HEAD");
    uint64_t count;

    read_file(path, offsetof(struct head, layout_count), &count, sizeof count);
    count++;
    write_file(path, offsetof(struct head, layout_count), &count, sizeof count);
}

static void rename_strata(struct log_fixture *fx, uint64_t from, uint64_t to)
{
    run_command("cd '%s/log' && mv %020llu.strata %020llu.strata", fx->path,
                (unsigned long long)from, (unsigned long long)to);
    raise_layout_count(fx);
}

/* As many names as before, but other ones. */
static void a_strata_that_was_renamed_is_missing_until_it_has_its_name_again(void **state)
{
    struct log_fixture *fx = *state;
    static flume_strata_info infos[SEAL_STRATA_MAX];
    flume_strata_info info;

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    (void)walk(fx->log, infos);
    rename_strata(fx, infos[1].first_seq, infos[1].first_seq + 1);
    assert_int_equal(flume_log_strata(fx->log, infos[1].first_seq, &info), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is missing from log/");
    assert_int_equal(flume_log_strata(fx->log, infos[1].first_seq + 1, &info), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "files were exchanged");
    assert_int_equal(flume_log_strata(fx->log, 0, &info), FLUME_OK);
    assert_int_equal(info.records, infos[0].records);
    rename_strata(fx, infos[1].first_seq + 1, infos[1].first_seq);
    assert_int_equal(flume_log_strata(fx->log, infos[1].first_seq, &info), FLUME_OK);
    assert_int_equal(info.records, infos[1].records);
}

static void a_list_that_cannot_be_had_is_an_error(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    flume_strata_info info = {.records = 7};

    faultio_init(&fault, flume_io_posix());
    fx->options.io = &fault.table;
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_for_sealing(fx);
    (void)append_text(fx->log, "one");
    faultio_plan(&fault, (struct fault_plan){FAULT_LIST, 1, -EIO, FAULT_LASTING});
    raise_layout_count(fx);
    assert_int_equal(flume_log_strata(fx->log, 0, &info), FLUME_ERR_IO);
    expect_error(fx->log, FLUME_ERR_IO, "list");
    assert_int_equal(info.records, 7);
    (void)faultio_heal(&fault);
    assert_int_equal(flume_log_strata(fx->log, 0, &info), FLUME_OK);
    assert_int_equal(info.records, 2);
    close_log(fx);
    faultio_deinit(&fault);
    fx->options.io = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(raw_strata_are_told_by_their_records_and_files),
        closed_log_test(sealed_strata_are_told_by_their_footers),
        closed_log_test(roots_are_those_of_the_file),
        closed_log_test(any_seq_of_a_strata_finds_it),
        closed_log_test(where_there_is_no_record_there_is_no_strata),
        closed_log_test(a_missing_strata_among_sealed_ones_is_told),
        closed_log_test(a_missing_strata_among_raw_ones_is_told),
        closed_log_test(a_missing_first_strata_is_told),
        closed_log_test(without_a_footer_a_missing_strata_is_told_too),
        closed_log_test(a_footer_that_cannot_be_is_not_believed),
        closed_log_test(a_strata_of_which_no_record_reads_has_none),
        closed_log_test(without_memory_a_strata_without_a_footer_is_told_later),
        closed_log_test(a_gap_wider_than_memory_hides_no_record),
        closed_log_test(a_strata_that_was_renamed_is_missing_until_it_has_its_name_again),
        closed_log_test(a_list_that_cannot_be_had_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
