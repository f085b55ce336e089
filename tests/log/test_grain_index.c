/*
 * test_grain_index.c - the grain index of a sealed strata: the hash prefixes of its bodies, in
 * order, each with its seq; nothing of a section that is not as it was written.
 */
#include <errno.h>

#include "faultio.h"
#include "handle.h"
#include "seal_fixture.h"

enum { PREFIX_BYTES = 8, EQUAL_BODIES = 1500 };

struct entry {
    uint64_t prefix, seq;
};

static uint64_t prefix_of(const void *body, size_t body_bytes)
{
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t prefix = 0;

    flume_hash(body, body_bytes, hash);
    for (unsigned i = 0; i < PREFIX_BYTES; i++)
        prefix = prefix << 8 | hash[i];
    return prefix;
}

static int order(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    if (left->prefix != right->prefix)
        return left->prefix < right->prefix ? -1 : 1;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

/* What the index of first .. end should hold, told by the bodies. Freed by the caller. */
static struct entry *expect_entries(flume_log *log, uint64_t first_seq, uint64_t end_seq)
{
    struct entry *entries = calloc((size_t)(end_seq - first_seq), sizeof *entries);

    assert_non_null(entries);
    for (uint64_t seq = first_seq; seq < end_seq; seq++) {
        flume_record record;

        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        entries[seq - first_seq] = (struct entry){prefix_of(record.body, record.body_bytes), seq};
        flume_record_release(&record);
    }
    qsort(entries, (size_t)(end_seq - first_seq), sizeof *entries, order);
    return entries;
}

static void seal(struct log_fixture *fx)
{
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(fx->log, NULL, NULL), FLUME_OK);
}

static flume_grain_index *open_index(struct log_fixture *fx, uint64_t seq, uint64_t *out_first,
                                     uint64_t *out_end)
{
    flume_grain_index *index = NULL;

    assert_int_equal(flume_grain_index_open(fx->log, seq, &index, out_first, out_end), FLUME_OK);
    assert_non_null(index);
    assert_true(*out_first <= seq && seq < *out_end);
    return index;
}

static void expect_rest(flume_grain_index *index, const struct entry *entries, uint64_t count)
{
    uint64_t prefix = 0, seq = 0;

    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_OK);
        assert_true(prefix == entries[i].prefix);
        assert_int_equal(seq, entries[i].seq);
    }
    assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_END);
    assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_END);
}

/* Strata with bodies of all sorts, one of them many times; and one more that stays raw. */
static void begin(struct log_fixture *fx)
{
    open_for_sealing(fx);
    for (unsigned i = 0; i < EQUAL_BODIES; i++)
        (void)append_text(fx->log, "the same");
    fill_strata(fx, 4);
    seal(fx);
}

static void entries_are_the_hashes_of_the_bodies_in_order(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq = 0, first, end;

    begin(fx);
    for (unsigned i = 0; i < 3; i++, seq = end) {
        flume_grain_index *index = open_index(fx, seq, &first, &end);
        struct entry *entries = expect_entries(fx->log, first, end);

        assert_int_equal(first, seq);
        expect_rest(index, entries, end - first);
        flume_grain_index_close(index);
        index = open_index(fx, end - 1, &first, &end); /* By its last record. */
        expect_rest(index, entries, end - first);
        flume_grain_index_close(index);
        free(entries);
    }
}

static void a_seek_finds_the_first_entry_that_is_not_below(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t first, end, same = prefix_of("the same", 8);
    flume_grain_index *index;
    struct entry *entries;
    uint64_t prefix, seq, equal = 0;

    begin(fx);
    index = open_index(fx, 0, &first, &end);
    entries = expect_entries(fx->log, first, end);
    for (uint64_t i = 0; i < end - first; i += i % 13 + 1) {
        uint64_t lowest = i;

        while (lowest > 0 && entries[lowest - 1].prefix == entries[i].prefix)
            lowest--;
        assert_int_equal(flume_grain_index_seek(index, entries[i].prefix), FLUME_OK);
        assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_OK);
        assert_true(prefix == entries[i].prefix);
        assert_int_equal(seq, entries[lowest].seq);
        if (i > 0 && entries[i - 1].prefix + 1 < entries[i].prefix) { /* Between two. */
            assert_int_equal(flume_grain_index_seek(index, entries[i - 1].prefix + 1), FLUME_OK);
            assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_OK);
            assert_true(prefix == entries[i].prefix);
        }
    }
    assert_int_equal(flume_grain_index_seek(index, same), FLUME_OK);
    while (flume_grain_index_next(index, &prefix, &seq) == FLUME_OK && prefix == same)
        equal++;
    assert_int_equal(equal, EQUAL_BODIES);
    assert_int_equal(flume_grain_index_seek(index, same + 1), FLUME_OK); /* Behind them all. */
    assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_OK);
    assert_true(prefix > same);
    assert_int_equal(flume_grain_index_seek(index, 0), FLUME_OK);
    expect_rest(index, entries, end - first);
    assert_int_equal(flume_grain_index_seek(index, UINT64_MAX), FLUME_OK);
    assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_END);
    flume_grain_index_close(index);
    free(entries);
}

static void what_is_not_sealed_or_not_there_has_no_index(void **state)
{
    struct log_fixture *fx = *state;
    flume_grain_index *index = NULL;
    uint64_t head, first = 77, end = 77;

    begin(fx);
    head = flume_log_head(fx->log);
    assert_int_equal(flume_grain_index_open(fx->log, head - 1, &index, &first, &end),
                     FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "not sealed");
    assert_int_equal(flume_grain_index_open(fx->log, head, &index, &first, &end),
                     FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "head");
    assert_null(index);
    assert_int_equal(first, 77);
    assert_int_equal(end, 77);
    flume_grain_index_close(NULL);
    assert_int_equal(flume_grain_index_next(NULL, &first, &end), FLUME_ERR_INVALID);
    assert_int_equal(flume_grain_index_seek(NULL, 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_grain_index_open(NULL, 0, &index, &first, &end), FLUME_ERR_INVALID);
}

/* ---- damage ---- */

/* A walk from the beginning, and a seek: whatever entries they give. */
static int walk(struct log_fixture *fx, uint64_t *out_count)
{
    flume_grain_index *index = NULL;
    uint64_t first, end, prefix, seq;
    int status = flume_grain_index_open(fx->log, 0, &index, &first, &end);

    *out_count = 0;
    while (status == FLUME_OK) {
        status = flume_grain_index_next(index, &prefix, &seq);
        *out_count += status == FLUME_OK;
    }
    flume_grain_index_close(index);
    return status;
}

static void of_a_damaged_index_no_entry_is_given(void **state)
{
    struct log_fixture *fx = *state;
    const struct sealed_section *section;
    struct sealed_footer footer;
    uint8_t page[STRATA_PAGE_BYTES];
    uint64_t count = 0;
    const char *path;

    begin(fx);
    path = strata_path(fx, "basin.flume", 0);
    read_file(path, file_bytes(path) - sizeof page, page, sizeof page);
    assert_int_equal(sealed_footer_decode(page, &footer), FLUME_OK);
    section = sealed_section_find(&footer, SEALED_SECTION_GRAINS);
    assert_non_null(section);
    for (uint64_t i = 0; i < 200; i++) {
        /* The header and its neighbours bit by bit, then all over the section. */
        uint64_t at = section->offset + (i < 128 ? i / 8 : i * 7919 % section->bytes);
        flume_grain_index *index = NULL;
        uint64_t first, end;
        uint8_t byte, damaged;

        read_file(path, at, &byte, 1);
        damaged = byte ^ (uint8_t)(1u << i % 8);
        write_file(path, at, &damaged, 1);
        assert_int_equal(walk(fx, &count), FLUME_ERR_DAMAGED);
        expect_error(fx->log, FLUME_ERR_DAMAGED, "grain index");
        assert_int_equal(count, 0);
        assert_int_equal(flume_grain_index_open(fx->log, 0, &index, &first, &end), FLUME_OK);
        assert_int_equal(flume_grain_index_seek(index, 12345), FLUME_ERR_DAMAGED);
        flume_grain_index_close(index);
        write_file(path, at, &byte, 1);
    }
    assert_int_equal(walk(fx, &count), FLUME_END);
    assert_int_equal(count, footer.count);
}

static void without_a_footer_page_there_is_no_index(void **state)
{
    struct log_fixture *fx = *state;
    const char *path;
    uint64_t count;

    begin(fx);
    path = strata_path(fx, "basin.flume", 0);
    zero_file(path, file_bytes(path) - STRATA_PAGE_BYTES, STRATA_PAGE_BYTES);
    assert_int_equal(walk(fx, &count), FLUME_ERR_DAMAGED);
    reopen_log(fx);
    assert_int_equal(walk(fx, &count), FLUME_ERR_DAMAGED);
}

/* Among equal bodies a seek reads in several places. */
static void a_seek_whose_reads_fail_says_so_and_the_next_one_finds(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t first, end, prefix, seq, same = prefix_of("the same", 8);
    struct fault_plan plan = {.call = FAULT_PREAD, .nth = 1, .result = -EIO};
    struct faultio fault;
    flume_grain_index *index;

    faultio_init(&fault, flume_io_posix());
    fx->options.io = &fault.table;
    begin(fx);
    index = open_index(fx, 0, &first, &end);
    assert_int_equal(flume_grain_index_seek(index, same), FLUME_OK);
    for (;; plan.nth++) {
        int status;

        faultio_plan(&fault, plan);
        status = flume_grain_index_seek(index, same);
        if (faultio_heal(&fault) == 0)
            break;
        assert_int_equal(status, FLUME_ERR_DAMAGED);
        expect_error(fx->log, FLUME_ERR_DAMAGED, "cannot be read from the disk");
        assert_int_equal(flume_grain_index_seek(index, same), FLUME_OK);
        assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_OK);
        assert_true(prefix == same);
    }
    assert_true(plan.nth > 4); /* Where to look, twice in the middle, and what is left. */
    flume_grain_index_close(index);
    close_log(fx);
    faultio_deinit(&fault);
}

/* Who made the footer page counts fewer records than the index has entries. */
static void an_index_of_more_entries_than_records_is_damaged(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t first, end, prefix, seq;
    struct sealed_footer footer;
    uint8_t page[STRATA_PAGE_BYTES];
    flume_grain_index *index;
    const char *path;

    begin(fx);
    close_log(fx);
    path = strata_path(fx, "basin.flume", 0);
    read_file(path, file_bytes(path) - sizeof page, page, sizeof page);
    assert_int_equal(sealed_footer_decode(page, &footer), FLUME_OK);
    assert_true(footer.count % SEALED_GROUP_RECORDS != 1); /* As many groups. */
    footer.count--;
    sealed_footer_encode(page, &footer);
    write_file(path, file_bytes(path) - sizeof page, page, sizeof page);
    open_log(fx);
    index = open_index(fx, 0, &first, &end);
    assert_int_equal(flume_grain_index_next(index, &prefix, &seq), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "sizes that cannot be");
    assert_int_equal(flume_grain_index_seek(index, 0), FLUME_ERR_DAMAGED);
    flume_grain_index_close(index);
    flume_grain_index_close(NULL);
}

static void where_strata_cannot_be_listed_there_is_no_index_yet(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    flume_grain_index *index = NULL;
    uint64_t first = 7, end = 7;

    faultio_init(&fault, flume_io_posix());
    fx->options.io = &fault.table;
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    begin(fx);
    (void)atomic_fetch_add(&fx->log->head->layout_count, 1); /* Another process has rolled. */
    faultio_plan(&fault, (struct fault_plan){FAULT_LIST, 1, -EIO, FAULT_LASTING});
    assert_int_equal(flume_grain_index_open(fx->log, 0, &index, &first, &end), FLUME_ERR_IO);
    expect_error(fx->log, FLUME_ERR_IO, "list");
    assert_null(index);
    assert_int_equal(end, 7);
    (void)faultio_heal(&fault);
    index = open_index(fx, 0, &first, &end);
    flume_grain_index_close(index);
    close_log(fx);
    faultio_deinit(&fault);
    fx->options.io = NULL;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(entries_are_the_hashes_of_the_bodies_in_order),
        closed_log_test(a_seek_finds_the_first_entry_that_is_not_below),
        closed_log_test(what_is_not_sealed_or_not_there_has_no_index),
        closed_log_test(of_a_damaged_index_no_entry_is_given),
        closed_log_test(without_a_footer_page_there_is_no_index),
        closed_log_test(an_index_of_more_entries_than_records_is_damaged),
        closed_log_test(where_strata_cannot_be_listed_there_is_no_index_yet),
        closed_log_test(a_seek_whose_reads_fail_says_so_and_the_next_one_finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
