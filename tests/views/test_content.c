/*
 * test_content.c - the hash of bytes is BLAKE3's, and its text is what b3sum prints.
 *
 * The vectors are BLAKE3's official ones: input of so many bytes 0, 1, ... 250, 0, 1, ...
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <blake3.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flume/find.h"

enum { LENGTH_MAX = 3000, VECTOR_BYTES_MAX = 102400, VECTOR_PERIOD = 251 };

struct vector {
    size_t bytes;
    const char *text;
};

static const struct vector vectors[] = {
    {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
    {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
    {2, "7b7015bb92cf0b318037702a6cdd81dee41224f734684c2c122cd6359cb1ee63"},
    {3, "e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f"},
    {63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"},
    {64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"},
    {65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"},
    {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
    {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
    {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
    {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
    {31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"},
    {102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"},
};

static uint8_t *make_input(size_t bytes)
{
    uint8_t *input = malloc(bytes + 1);

    assert_non_null(input);
    for (size_t i = 0; i < bytes; i++)
        input[i] = (uint8_t)(i % VECTOR_PERIOD);
    return input;
}

static void expect_hash(const void *data, size_t bytes, const char *text)
{
    uint8_t hash[FLUME_HASH_BYTES];
    char found[FLUME_HASH_TEXT_BYTES + 1];

    flume_hash(data, bytes, hash);
    flume_hash_text(hash, found);
    assert_string_equal(found, text);
}

static void the_official_vectors_hold(void **state)
{
    uint8_t *input = make_input(VECTOR_BYTES_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        expect_hash(input, vectors[i].bytes, vectors[i].text);
    free(input);
}

static void no_bytes_may_be_null(void **state)
{
    (void)state;
    expect_hash(NULL, 0, vectors[0].text);
}

/* The same bytes fed one at a time go another way through BLAKE3, past all its block limits. */
static void every_length_hashes_as_its_bytes_one_by_one(void **state)
{
    uint8_t *input = make_input(LENGTH_MAX);
    blake3_hasher hasher;

    (void)state;
    blake3_hasher_init(&hasher);
    for (size_t bytes = 0; bytes <= LENGTH_MAX; bytes++) {
        uint8_t hash[FLUME_HASH_BYTES], expected[FLUME_HASH_BYTES];

        blake3_hasher_finalize(&hasher, expected, sizeof expected);
        flume_hash(input, bytes, hash);
        assert_memory_equal(hash, expected, sizeof hash);
        blake3_hasher_update(&hasher, &input[bytes], bytes < LENGTH_MAX ? 1 : 0);
    }
    free(input);
}

static void what_comes_in_pieces_hashes_as_in_one(void **state)
{
    uint8_t *input = make_input(LENGTH_MAX);
    uint8_t expected[FLUME_HASH_BYTES], hash[FLUME_HASH_BYTES];

    (void)state;
    for (size_t piece = 1; piece <= LENGTH_MAX; piece += piece / 2 + 1) {
        flume_hasher *hasher = flume_hasher_create();

        assert_non_null(hasher);
        flume_hasher_add(hasher, NULL, 0);
        for (size_t at = 0; at < LENGTH_MAX; at += piece) {
            size_t bytes = LENGTH_MAX - at < piece ? LENGTH_MAX - at : piece;

            flume_hash(input, at, expected);
            flume_hasher_get(hasher, hash); /* Which ends nothing. */
            assert_memory_equal(hash, expected, sizeof hash);
            flume_hasher_add(hasher, input + at, bytes);
        }
        flume_hash(input, LENGTH_MAX, expected);
        flume_hasher_get(hasher, hash);
        assert_memory_equal(hash, expected, sizeof hash);
        flume_hasher_destroy(hasher);
    }
    flume_hasher_destroy(NULL);
    free(input);
}

static void a_text_has_two_lower_case_digits_for_each_byte(void **state)
{
    uint8_t hash[FLUME_HASH_BYTES];
    char text[FLUME_HASH_TEXT_BYTES + 2];

    (void)state;
    for (size_t i = 0; i < sizeof hash; i++)
        hash[i] = (uint8_t)(i % 16 * 0x11 + i / 16); /* 00 11 ... ff 01 12 ... */
    memset(text, '#', sizeof text);
    flume_hash_text(hash, text);
    assert_string_equal(text, "00112233445566778899aabbccddeeff"
                              "0112233445566778899aabbccddeef00");
    assert_int_equal(text[FLUME_HASH_TEXT_BYTES + 1], '#');
}

static void b3sum_prints_the_same(void **state)
{
    char name[] = "content-XXXXXX";
    char command[64], printed[FLUME_HASH_TEXT_BYTES + 1] = "";
    uint8_t *input = make_input(LENGTH_MAX);
    int file;
    FILE *pipe;

    (void)state;
    if (system("command -v b3sum >/dev/null") != 0) {
        print_message("skipped: no b3sum\n");
        free(input);
        skip();
    }
    file = mkstemp(name);
    assert_true(file >= 0);
    assert_int_equal(write(file, input, LENGTH_MAX), LENGTH_MAX);
    (void)close(file);
    (void)snprintf(command, sizeof command, "b3sum --no-names %s", name);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fread(printed, 1, FLUME_HASH_TEXT_BYTES, pipe), FLUME_HASH_TEXT_BYTES);
    (void)pclose(pipe);
    (void)unlink(name);
    expect_hash(input, LENGTH_MAX, printed);
    free(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_official_vectors_hold),
        cmocka_unit_test(no_bytes_may_be_null),
        cmocka_unit_test(every_length_hashes_as_its_bytes_one_by_one),
        cmocka_unit_test(what_comes_in_pieces_hashes_as_in_one),
        cmocka_unit_test(a_text_has_two_lower_case_digits_for_each_byte),
        cmocka_unit_test(b3sum_prints_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
