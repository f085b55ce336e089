/*
 * test_strata_file.c - the header page of a strata and the names of its files: what is written
 * reads back, and what cannot be is refused, though its check holds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "strata_file.h"

/* Of the header page, as log/FORMAT.md says. */
enum {
    HEADER_VERSION_AT = 8,
    HEADER_BYTES_AT = 12,
    HEADER_CHECK_AT = STRATA_PAGE_BYTES - 8,
    FILE_BYTES = 16 * STRATA_PAGE_BYTES
};

static void header_make(struct strata_header *out_header)
{
    memset(out_header, 0, sizeof *out_header);
    out_header->form = STRATA_RAW;
    memset(out_header->basin_id, 1, sizeof out_header->basin_id);
    memset(out_header->strata_id, 2, sizeof out_header->strata_id);
    memset(out_header->previous_id, 3, sizeof out_header->previous_id);
    out_header->salt = 77;
    out_header->first_seq = 1000;
    out_header->durable = 999;
    out_header->file_bytes = FILE_BYTES;
    out_header->created_ns = 5;
    out_header->running_time_ns = 6;
    out_header->previous_first_seq = 500;
    out_header->flags = STRATA_CLOSED;
    out_header->dictionary_offset = FILE_BYTES - 8;
    out_header->dictionary_bytes = 8;
    out_header->dictionary_check = 9;
    for (size_t i = 0; i < STRATA_KINDS; i++)
        out_header->last_of_kind[i] = i;
}

static int decode(const struct strata_header *header)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header read;

    strata_header_encode(page, header);
    return strata_header_decode(page, &read);
}

/* A number of two bytes at a place of the page, whose check holds. */
static int decode_with(size_t at, uint16_t value)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header header, read;

    header_make(&header);
    strata_header_encode(page, &header);
    put_le16(page + at, value);
    put_le64(page + HEADER_CHECK_AT, hash_bytes(page, HEADER_CHECK_AT, 0));
    return strata_header_decode(page, &read);
}

static void a_header_page_reads_back(void **state)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header header, read;

    (void)state;
    header_make(&header);
    strata_header_encode(page, &header);
    memset(&read, 0, sizeof read);
    assert_int_equal(strata_header_decode(page, &read), FLUME_OK);
    assert_memory_equal(&read, &header, sizeof header);
}

static void a_header_page_with_impossible_sizes_is_damaged(void **state)
{
    static const uint64_t sizes[] = {0, 2 * STRATA_PAGE_BYTES, FILE_BYTES + 8,
                                     STRATA_BYTES_MAX + STRATA_PAGE_BYTES, UINT64_MAX};
    struct strata_header header;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        header_make(&header);
        header.dictionary_offset = header.dictionary_bytes = 0;
        header.file_bytes = sizes[i];
        assert_int_equal(decode(&header), FLUME_ERR_DAMAGED);
    }
    assert_int_equal(decode_with(HEADER_BYTES_AT, 2 * STRATA_PAGE_BYTES), FLUME_ERR_DAMAGED);
    assert_int_equal(decode_with(HEADER_BYTES_AT, STRATA_PAGE_BYTES), FLUME_OK);
}

static void a_header_page_with_a_dictionary_outside_of_the_file_is_damaged(void **state)
{
    struct strata_header header;

    (void)state;
    header_make(&header);
    header.dictionary_offset = FILE_BYTES + 8;
    assert_int_equal(decode(&header), FLUME_ERR_DAMAGED);
    header.dictionary_offset = UINT64_MAX;
    assert_int_equal(decode(&header), FLUME_ERR_DAMAGED);
    header_make(&header);
    header.dictionary_bytes = 9;
    assert_int_equal(decode(&header), FLUME_ERR_DAMAGED);
    header.dictionary_bytes = UINT64_MAX;
    assert_int_equal(decode(&header), FLUME_ERR_DAMAGED);
}

static void what_a_later_version_wrote_is_told_from_damage(void **state)
{
    struct strata_header header;

    (void)state;
    header_make(&header);
    header.incompatible = (uint64_t)1 << 63;
    assert_int_equal(decode(&header), FLUME_ERR_VERSION);
    header_make(&header);
    header.form = (enum strata_form)(STRATA_RAW - 1);
    assert_int_equal(decode(&header), FLUME_ERR_VERSION);
    header.form = (enum strata_form)(STRATA_SEALED + 1);
    assert_int_equal(decode(&header), FLUME_ERR_VERSION);
    assert_int_equal(decode_with(HEADER_VERSION_AT, UINT16_MAX), FLUME_ERR_VERSION);
}

static void names_read_back_and_others_are_none(void **state)
{
    static const char *const others[] = {
        "",
        "1.strata",
        "0000000000000000001x.strata",
        "00000000000000000001.strata2",
        "00000000000000000001.slots",
        "18446744073709551616.strata", /* One too many. */
        "99999999999999999999.strata",
    };
    static const uint64_t seqs[] = {0, 1, UINT64_MAX};
    char name[STRATA_NAME_BYTES];
    uint64_t seq = 7;

    (void)state;
    for (size_t i = 0; i < sizeof seqs / sizeof seqs[0]; i++) {
        strata_name(name, seqs[i]);
        assert_true(strata_name_parse(name, &seq));
        assert_int_equal(seq, seqs[i]);
        strata_slots_name(name, seqs[i]);
        assert_true(strata_slots_name_parse(name, &seq));
        assert_int_equal(seq, seqs[i]);
    }
    seq = 7;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(strata_name_parse(others[i], &seq));
        assert_int_equal(seq, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_page_reads_back),
        cmocka_unit_test(a_header_page_with_impossible_sizes_is_damaged),
        cmocka_unit_test(a_header_page_with_a_dictionary_outside_of_the_file_is_damaged),
        cmocka_unit_test(what_a_later_version_wrote_is_told_from_damage),
        cmocka_unit_test(names_read_back_and_others_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
