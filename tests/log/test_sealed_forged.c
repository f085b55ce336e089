/*
 * test_sealed_forged.c - sealed strata whose numbers lead too far, written by who can make all
 * checks fit, and strata of very many blocks: what can be read is, and memory is asked for within
 * bounds.
 */
#include "seal_fixture.h"

#include <stdatomic.h>

#include "bytes.h"
#include "faultio.h"
#include "hash.h"

enum { STRATA = 3, LABELS_MORE = 512 << 10 };
#define BLOCK_MORE ((uint64_t)24 << 20)

static const flume_seal_options small_blocks = {.mode = FLUME_SEAL_ON_REQUEST,
                                                .block_bytes = FLUME_BLOCK_BYTES_MIN};

static void seal_all(struct log_fixture *fx)
{
    flume_seal_call call = {.active = true};

    assert_int_equal(flume_log_seal(fx->log, &call, NULL), FLUME_OK);
}

/* --- Forging ---------------------------------------------------------------------------------- */

struct forged {
    char path[LOG_FIXTURE_PATH_BYTES];
    struct whole_file file;
    struct strata_header header;
    struct sealed_footer footer;
};

static void forge_begin(struct log_fixture *fx, uint64_t first_seq, struct forged *out_forged)
{
    struct forged *forged = out_forged;

    (void)snprintf(forged->path, sizeof forged->path, "%s",
                   strata_path(fx, "basin.flume", first_seq));
    forged->file = read_whole(forged->path);
    assert_int_equal(strata_header_decode(forged->file.bytes, &forged->header), FLUME_OK);
    assert_int_equal(
        sealed_footer_decode(forged->file.bytes + forged->file.count - STRATA_PAGE_BYTES,
                             &forged->footer),
        FLUME_OK);
}

/* So many zeros at an offset: what lies behind it moves. */
static void forge_insert(struct forged *forged, uint64_t at, uint64_t bytes)
{
    struct whole_file file = {.count = forged->file.count + bytes};

    file.bytes = calloc(1, file.count);
    assert_non_null(file.bytes);
    memcpy(file.bytes, forged->file.bytes, at);
    memcpy(file.bytes + at + bytes, forged->file.bytes + at, forged->file.count - at);
    whole_file_release(&forged->file);
    forged->file = file;
    for (uint32_t i = 0; i < forged->footer.section_count; i++) {
        if (forged->footer.sections[i].offset >= at)
            forged->footer.sections[i].offset += bytes;
    }
}

static struct sealed_section *forge_section(struct forged *forged, uint32_t id)
{
    for (uint32_t i = 0; i < forged->footer.section_count; i++) {
        if (forged->footer.sections[i].id == id)
            return &forged->footer.sections[i];
    }
    fail_msg("no section %u", id);
    return NULL;
}

/* All checks fit again. */
static void forge_end(struct forged *forged)
{
    uint8_t *bytes = forged->file.bytes;

    for (uint32_t i = 0; i < forged->footer.section_count; i++) {
        struct sealed_section *section = &forged->footer.sections[i];

        section->check = hash_bytes(bytes + section->offset, (size_t)section->bytes,
                                    forged->footer.salt + section->offset);
    }
    forged->footer.file_bytes = forged->header.file_bytes = forged->file.count;
    strata_header_encode(bytes, &forged->header);
    sealed_footer_encode(bytes + forged->file.count - STRATA_PAGE_BYTES, &forged->footer);
    write_file(forged->path, 0, bytes, forged->file.count);
    whole_file_release(&forged->file);
}

/* --- Numbers that lead too far ---------------------------------------------------------------- */

/* An allocator that remembers the most that was asked of it at once. */
struct measured {
    flume_allocator table;
    const flume_allocator *inner;
    _Atomic size_t most;
};

static void measure(struct measured *measured, size_t bytes)
{
    size_t most = atomic_load(&measured->most);

    while (bytes > most && !atomic_compare_exchange_weak(&measured->most, &most, bytes))
        continue;
}

static void *measured_allocate(void *ctx, size_t bytes)
{
    struct measured *measured = ctx;

    measure(measured, bytes);
    return measured->inner->allocate(measured->inner->ctx, bytes);
}

static void *measured_resize(void *ctx, void *memory, size_t bytes)
{
    struct measured *measured = ctx;

    measure(measured, bytes);
    return measured->inner->resize(measured->inner->ctx, memory, bytes);
}

static void measured_release(void *ctx, void *memory)
{
    struct measured *measured = ctx;

    measured->inner->release(measured->inner->ctx, memory);
}

/* Open with an allocator that measures. */
static void open_measured(struct log_fixture *fx, struct fault_memory *memory,
                          struct measured *measured)
{
    fault_memory_init(memory);
    measured->inner = &memory->table;
    measured->table = (flume_allocator){.allocate = measured_allocate,
                                        .resize = measured_resize,
                                        .release = measured_release,
                                        .ctx = measured};
    fx->options.allocator = &measured->table;
    open_log(fx);
}

static void close_measured(struct log_fixture *fx, struct fault_memory *memory)
{
    close_log(fx);
    assert_int_equal(memory->live_blocks, 0);
    fault_memory_deinit(memory);
    fx->options.allocator = NULL;
}

static void a_block_larger_than_any_is_damaged_and_never_read(void **state)
{
    struct log_fixture *fx = *state;
    struct fault_memory memory;
    struct measured measured = {.most = 0};
    uint64_t firsts[SEAL_STRATA_MAX];
    struct sealed_section *index;
    struct forged forged;

    fx->options.seal = &small_blocks;
    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    seal_all(fx);
    assert_true(list_strata(fx, firsts) >= 2);
    close_log(fx);
    forge_begin(fx, 0, &forged);
    forge_insert(&forged, sealed_blocks_end(&forged.footer), BLOCK_MORE);
    index = forge_section(&forged, SEALED_SECTION_BLOCKS);
    for (uint32_t i = 0; i < forged.footer.block_count; i++) {
        uint8_t *row = forged.file.bytes + index->offset + (size_t)i * SEALED_BLOCK_ENTRY_BYTES;
        struct sealed_block_entry entry;

        sealed_block_entry_decode(row, &entry);
        if (i == 0)
            entry.stored_bytes += (uint32_t)BLOCK_MORE;
        else
            entry.file_offset += BLOCK_MORE;
        sealed_block_entry_encode(row, &entry);
    }
    forge_end(&forged);
    open_measured(fx, &memory, &measured);
    expect_get(fx->log, 0, FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "block 0 of strata 00000000000000000000 is damaged");
    expect_get(fx->log, firsts[1], FLUME_OK);
    assert_true(measured.most > 0 && measured.most < BLOCK_MORE);
    close_measured(fx, &memory);
}

/* Messages with a label, walked from the first to the last. */
static unsigned count_labelled(flume_log *log, const char *label)
{
    flume_cursor_options options = {.label = label};
    flume_cursor *cursor = open_cursor(log, &options);
    flume_record record;
    unsigned count = 0;

    while (flume_cursor_next(cursor, 0, &record) == FLUME_OK)
        count++;
    flume_cursor_close(cursor);
    return count;
}

static void labels_longer_than_any_hide_no_record_and_are_never_read(void **state)
{
    struct log_fixture *fx = *state;
    struct fault_memory memory;
    struct measured measured = {.most = 0};
    struct sealed_section *labels;
    struct forged forged;
    unsigned count;

    open_for_sealing(fx);
    for (unsigned i = 0; i < 20; i++)
        (void)append_labelled(fx->log, "text", i % 3 == 0 ? "third" : "other");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    seal_all(fx);
    (void)append_labelled(fx->log, "behind", "third"); /* Only full strata are passed over. */
    count = count_labelled(fx->log, "third");
    assert_int_equal(count, 8);
    close_log(fx);
    forge_begin(fx, 0, &forged);
    labels = forge_section(&forged, SEALED_SECTION_LABELS);
    forge_insert(&forged, round_up(labels->offset + labels->bytes, 8), LABELS_MORE);
    labels->bytes += LABELS_MORE;
    forge_end(&forged);
    open_measured(fx, &memory, &measured);
    assert_int_equal(count_labelled(fx->log, "third"), count);
    assert_int_equal(count_labelled(fx->log, "nobody's"), 0);
    assert_true(measured.most > 0 && measured.most < LABELS_MORE);
    close_measured(fx, &memory);
}

/* --- Very many blocks ------------------------------------------------------------------------- */

enum { MANY = 700, MANY_BYTES = 2100, MANY_STRATA_BYTES = 1 << 20 };

/* Blocks of one record each, more than the search begins with room for; no page and no index tells
 * where they are. */
static void make_lost_blocks(struct log_fixture *fx, uint64_t seqs[MANY])
{
    struct sealed_footer footer;
    struct whole_file file;
    const char *path;

    fx->options.seal = &small_blocks;
    fx->options.strata_bytes = MANY_STRATA_BYTES;
    open_log(fx);
    for (unsigned i = 0; i < MANY; i++)
        seqs[i] = append_compressible(fx->log, MANY_BYTES, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    seal_all(fx);
    close_log(fx);
    path = strata_path(fx, "basin.flume", 0);
    file = read_whole(path);
    assert_int_equal(sealed_footer_decode(file.bytes + file.count - STRATA_PAGE_BYTES, &footer),
                     FLUME_OK);
    assert_true(footer.block_count > 300);
    zero_file(path, file.count - STRATA_PAGE_BYTES, STRATA_PAGE_BYTES);
    whole_file_release(&file);
}

static void hundreds_of_blocks_are_found_without_an_index(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seqs[MANY];
    flume_record record;

    make_lost_blocks(fx, seqs);
    open_log(fx);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(flume_log_get(fx->log, seqs[i], &record), FLUME_OK);
        assert_int_equal(record.body_bytes, MANY_BYTES);
        flume_record_release(&record);
    }
}

static void without_memory_hundreds_of_blocks_are_found_later(void **state)
{
    struct log_fixture *fx = *state;
    struct fault_memory memory;
    uint64_t seqs[MANY];
    flume_record record;
    unsigned refused = 0;
    bool has_failed = true;

    make_lost_blocks(fx, seqs);
    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    for (uint64_t nth = 1; has_failed; nth++) {
        int status;

        open_log(fx);
        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = flume_log_get(fx->log, seqs[400], &record);
        has_failed = memory.failed > 0;
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        if (status != FLUME_OK) {
            refused++;
            assert_true(has_failed);
            expect_error(fx->log, FLUME_ERR_NO_MEMORY, "memory");
            assert_int_equal(flume_log_get(fx->log, seqs[400], &record), FLUME_OK);
        }
        assert_int_equal(record.body_bytes, MANY_BYTES);
        flume_record_release(&record);
        close_log(fx);
        assert_int_equal(memory.live_blocks, 0);
    }
    assert_true(refused > 3);
    fault_memory_deinit(&memory);
    fx->options.allocator = NULL;
}

/* --- Nodes that lead elsewhere ---------------------------------------------------------------- */

static int show_finding(void *ctx, const flume_finding *finding)
{
    (void)ctx;
    print_error("%s: %s\n", finding->file, finding->message);
    return 0;
}

static void expect_sound(struct log_fixture *fx)
{
    const flume_check_options options = {.finding = show_finding};
    flume_check_report report = {.sound = false};
    flume_error error = {.status = FLUME_OK};
    int status = flume_check(fx->path, &options, &report, &error);

    if (status != FLUME_OK || !report.sound)
        fail_msg("check: %s, %s", flume_status_name(status), error.message);
}

/* The nodes of a Merkle tree stand for records that are lost, but lead to another root. */
static void stored_nodes_that_do_not_lead_to_the_root_are_not_believed(void **state)
{
    static const uint8_t zero[SEALED_HASH_BYTES];
    struct log_fixture *fx = *state;
    uint8_t root[SEALED_HASH_BYTES];
    struct sealed_block_entry entry;
    struct sealed_section *section;
    struct forged forged;

    fx->options.seal = &small_blocks;
    open_for_sealing(fx);
    for (unsigned i = 0; i < 3 * SEALED_GROUP_RECORDS; i++)
        (void)append_compressible(fx->log, 200, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    seal_all(fx);
    close_log(fx);
    expect_sound(fx);
    forge_begin(fx, 0, &forged);
    memcpy(root, forged.footer.root, sizeof root);
    section = forge_section(&forged, SEALED_SECTION_MERKLE);
    assert_true(section->bytes >= 3 * SEALED_HASH_BYTES);
    forged.file.bytes[section->offset] ^= 1; /* Of the first group. */
    section = forge_section(&forged, SEALED_SECTION_BLOCKS);
    sealed_block_entry_decode(forged.file.bytes + section->offset, &entry);
    forged.file.bytes[entry.file_offset + SEALED_BLOCK_HEADER_BYTES + 3] ^= 1;
    forge_end(&forged);
    assert_int_equal(flume_repair(fx->path, FLUME_REPAIR_SALVAGE, NULL, NULL, NULL), FLUME_OK);
    expect_sound(fx);
    forge_begin(fx, 0, &forged);
    section = forge_section(&forged, SEALED_SECTION_MERKLE);
    assert_memory_equal(forged.file.bytes + section->offset, zero, sizeof zero);
    assert_memory_not_equal(forged.file.bytes + section->offset + sizeof zero, zero, sizeof zero);
    assert_memory_equal(forged.footer.root, root, sizeof root);
    whole_file_release(&forged.file);
    open_log(fx);
    expect_get(fx->log, 1, FLUME_ERR_LOST);
    expect_get(fx->log, 2 * SEALED_GROUP_RECORDS, FLUME_OK);
}

/* A list of lost records that has another length than it says or none, or a range of no records, or
 * of more than there are. */
static void a_list_of_lost_records_that_cannot_be_is_told_and_made_anew(void **state)
{
    enum { FIRST_RANGE_AT = 8 };
    struct log_fixture *fx = *state;
    struct sealed_block_entry entry;
    struct sealed_section *section;
    struct forged forged;

    fx->options.seal = &small_blocks;
    open_for_sealing(fx);
    for (unsigned i = 0; i < 2 * SEALED_GROUP_RECORDS; i++)
        (void)append_compressible(fx->log, 200, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    seal_all(fx);
    close_log(fx);
    forge_begin(fx, 0, &forged);
    section = forge_section(&forged, SEALED_SECTION_BLOCKS);
    sealed_block_entry_decode(forged.file.bytes + section->offset, &entry);
    forged.file.bytes[entry.file_offset + SEALED_BLOCK_HEADER_BYTES + 3] ^= 1;
    forge_end(&forged);
    assert_int_equal(flume_repair(fx->path, FLUME_REPAIR_SALVAGE, NULL, NULL, NULL), FLUME_OK);
    expect_sound(fx);
    for (unsigned way = 0; way < 4; way++) {
        flume_check_report report;
        uint8_t *list;

        forge_begin(fx, 0, &forged);
        list = forged.file.bytes + forge_section(&forged, SEALED_SECTION_LOST)->offset;
        assert_true(get_le32(list) > 0);
        if (way == 0)
            put_le32(list, get_le32(list) + 1);
        else if (way == 1)
            put_le32(list + FIRST_RANGE_AT + 4, 0);
        else if (way == 2)
            put_le32(list + FIRST_RANGE_AT + 4, UINT32_MAX);
        else
            forge_section(&forged, SEALED_SECTION_LOST)->bytes = FIRST_RANGE_AT - 4;
        forge_end(&forged);
        (void)flume_check(fx->path, NULL, &report, NULL);
        assert_false(report.sound);
        assert_int_equal(flume_repair(fx->path, FLUME_REPAIR_SALVAGE, NULL, NULL, NULL), FLUME_OK);
        expect_sound(fx);
        open_log(fx);
        expect_get(fx->log, 1, FLUME_ERR_LOST);
        expect_get(fx->log, SEALED_GROUP_RECORDS, FLUME_OK);
        close_log(fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(a_block_larger_than_any_is_damaged_and_never_read),
        closed_log_test(labels_longer_than_any_hide_no_record_and_are_never_read),
        closed_log_test(a_list_of_lost_records_that_cannot_be_is_told_and_made_anew),
        closed_log_test(stored_nodes_that_do_not_lead_to_the_root_are_not_believed),
        closed_log_test(hundreds_of_blocks_are_found_without_an_index),
        closed_log_test(without_memory_hundreds_of_blocks_are_found_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
