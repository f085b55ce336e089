/*
 * test_blob_record.c - the body of a blob's record: its bytes, and bodies that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "blob_record.h"

static const char content[] = "42 grains of sand";
enum { CONTENT_BYTES = sizeof content - 1 };

/* views/FORMAT.md shows these bytes. */
static const uint8_t example[] = {
    0x01, 0x01, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xeb, 0x8e, 0x72, 0x96,
    0x4a, 0xba, 0xd0, 0x9b, 0x6b, 0x4f, 0x31, 0xcf, 0x3b, 0xe2, 0x65, 0xb7, 0x93, 0xb0,
    0x88, 0x50, 0x0b, 0xeb, 0x80, 0x63, 0x36, 0x91, 0x46, 0xb7, 0xa6, 0xf1, 0x04, 0x9c,
    0x74, 0x65, 0x78, 0x74, 0x2f, 0x70, 0x6c, 0x61, 0x69, 0x6e, 0x34, 0x32, 0x20, 0x67,
    0x72, 0x61, 0x69, 0x6e, 0x73, 0x20, 0x6f, 0x66, 0x20, 0x73, 0x61, 0x6e, 0x64,
};
enum { FORM_AT = 1, MEDIA_AT = 2, RESERVED_AT = 3, BYTES_AT = 8, CHUNKS_AT = 16 };

static void the_example_of_the_format_is_what_is_written_and_read(void **state)
{
    uint8_t prefix[BLOB_RECORD_PREFIX_BYTES_MAX], hash[FLUME_HASH_BYTES];
    struct blob_record record = {.form = FLUME_BLOB_INLINE,
                                 .bytes = CONTENT_BYTES,
                                 .hash = hash,
                                 .media_type = "text/plain",
                                 .media_type_bytes = 10};
    struct blob_record decoded;
    size_t bytes;

    (void)state;
    flume_hash(content, CONTENT_BYTES, hash);
    bytes = blob_record_encode(&record, prefix);
    assert_int_equal(bytes, sizeof example - CONTENT_BYTES);
    assert_memory_equal(prefix, example, bytes);
    assert_int_equal(blob_record_decode(example, sizeof example, &decoded), FLUME_OK);
    assert_int_equal(decoded.form, FLUME_BLOB_INLINE);
    assert_int_equal(decoded.bytes, CONTENT_BYTES);
    assert_int_equal(decoded.chunks, 0);
    assert_memory_equal(decoded.hash, hash, sizeof hash);
    assert_int_equal(decoded.media_type_bytes, 10);
    assert_memory_equal(decoded.media_type, "text/plain", 10);
    assert_int_equal(decoded.rest_bytes, CONTENT_BYTES);
    assert_memory_equal(decoded.rest, content, CONTENT_BYTES);
}

/* The example with one byte changed. */
static void expect_changed(size_t at, uint8_t value, int status)
{
    uint8_t body[sizeof example];
    struct blob_record decoded;

    memcpy(body, example, sizeof body);
    body[at] = value;
    assert_int_equal(blob_record_decode(body, sizeof body, &decoded), status);
}

static void a_body_cut_anywhere_is_none(void **state)
{
    struct blob_record decoded;

    (void)state;
    for (size_t bytes = 0; bytes < sizeof example; bytes++) {
        uint8_t *body = malloc(bytes + 1); /* So that reading beyond it shows. */

        assert_non_null(body);
        memcpy(body, example, bytes);
        assert_int_equal(blob_record_decode(body, bytes, &decoded), FLUME_ERR_DAMAGED);
        free(body);
    }
}

static void bytes_beyond_are_refused(void **state)
{
    uint8_t body[sizeof example + 1] = {0};
    struct blob_record decoded;

    (void)state;
    memcpy(body, example, sizeof example);
    assert_int_equal(blob_record_decode(body, sizeof body, &decoded), FLUME_ERR_DAMAGED);
}

static void numbers_that_disagree_are_refused(void **state)
{
    (void)state;
    expect_changed(0, 0, FLUME_ERR_DAMAGED);
    expect_changed(0, 2, FLUME_ERR_VERSION);
    expect_changed(FORM_AT, 0, FLUME_ERR_DAMAGED);
    expect_changed(FORM_AT, 4, FLUME_ERR_VERSION);
    expect_changed(FORM_AT, FLUME_BLOB_AGAIN, FLUME_ERR_DAMAGED);   /* It has a content. */
    expect_changed(FORM_AT, FLUME_BLOB_CHUNKED, FLUME_ERR_DAMAGED); /* It has no chunks. */
    expect_changed(MEDIA_AT, 128, FLUME_ERR_DAMAGED);
    expect_changed(MEDIA_AT, 255, FLUME_ERR_DAMAGED);
    expect_changed(MEDIA_AT, 9, FLUME_ERR_DAMAGED);
    expect_changed(BYTES_AT, CONTENT_BYTES - 1, FLUME_ERR_DAMAGED);
    expect_changed(BYTES_AT, CONTENT_BYTES + 1, FLUME_ERR_DAMAGED);
    expect_changed(BYTES_AT + 7, 0xff, FLUME_ERR_DAMAGED);
    expect_changed(CHUNKS_AT, 1, FLUME_ERR_DAMAGED);
    expect_changed(BLOB_RECORD_HEADER_BYTES + 3, '\n', FLUME_ERR_DAMAGED);
    expect_changed(BLOB_RECORD_HEADER_BYTES + 3, 0x80, FLUME_ERR_DAMAGED);
    for (size_t at = RESERVED_AT; at < BYTES_AT; at++)
        expect_changed(at, 1, FLUME_ERR_DAMAGED);
}

static void more_chunks_than_bytes_are_refused(void **state)
{
    uint8_t body[BLOB_RECORD_HEADER_BYTES + 40] = {1, FLUME_BLOB_CHUNKED};
    struct blob_record decoded;

    (void)state;
    body[BYTES_AT] = 5;
    body[CHUNKS_AT] = 5;
    assert_int_equal(blob_record_decode(body, sizeof body, &decoded), FLUME_OK);
    body[CHUNKS_AT] = 6;
    assert_int_equal(blob_record_decode(body, sizeof body, &decoded), FLUME_ERR_DAMAGED);
    body[CHUNKS_AT] = 0;
    assert_int_equal(blob_record_decode(body, sizeof body, &decoded), FLUME_ERR_DAMAGED);
}

static void an_inline_content_is_at_most_a_mebibyte(void **state)
{
    size_t bytes = BLOB_RECORD_HEADER_BYTES + FLUME_BLOB_INLINE_BYTES_MAX;
    uint8_t *body = calloc(1, bytes + 1);
    struct blob_record decoded;

    (void)state;
    assert_non_null(body);
    body[0] = 1;
    body[FORM_AT] = FLUME_BLOB_INLINE;
    body[BYTES_AT + 2] = 0x10;
    assert_int_equal(blob_record_decode(body, bytes, &decoded), FLUME_OK);
    body[BYTES_AT] = 1;
    assert_int_equal(blob_record_decode(body, bytes + 1, &decoded), FLUME_ERR_DAMAGED);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_format_is_what_is_written_and_read),
        cmocka_unit_test(a_body_cut_anywhere_is_none),
        cmocka_unit_test(bytes_beyond_are_refused),
        cmocka_unit_test(numbers_that_disagree_are_refused),
        cmocka_unit_test(more_chunks_than_bytes_are_refused),
        cmocka_unit_test(an_inline_content_is_at_most_a_mebibyte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
