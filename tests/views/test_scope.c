/*
 * test_scope.c - scopes as values: what may be set, what they are the same as, what they say when
 * not.
 *
 * The ids were computed apart from this library: BLAKE3 after its specification and the encoding
 * after views/FORMAT.md, in a page of another language.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope_fixture.h"
#include "scope_inside.h"

static void expect_id(flume_scope *scope, const char *expected)
{
    uint8_t id[FLUME_HASH_BYTES];
    char text[FLUME_HASH_TEXT_BYTES + 1];

    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    flume_hash_text(id, text);
    assert_string_equal(text, expected);
}

static void expect_same(flume_scope *one, flume_scope *other, bool is_same)
{
    uint8_t id[FLUME_HASH_BYTES], other_id[FLUME_HASH_BYTES];

    assert_int_equal(flume_scope_id(one, id), FLUME_OK);
    assert_int_equal(flume_scope_id(other, other_id), FLUME_OK);
    assert_int_equal(memcmp(id, other_id, sizeof id) == 0, is_same);
}

/* An error of this status that has both in its words; the scope is clear behind it. */
static void expect_refused(flume_scope *scope, int answer, int status, const char *key,
                           const char *part)
{
    uint8_t id[FLUME_HASH_BYTES];

    assert_int_equal(answer, status);
    expect_scope_error(scope, status, key);
    expect_scope_error(scope, status, part);
    assert_int_equal(flume_scope_id(scope, id), status);
    flume_scope_clear(scope);
    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
}

/* ---- ids that were computed elsewhere ---- */

static void ids_are_those_of_the_format(void **state)
{
    flume_scope *scope = *state;

    expect_id(scope, "775111d2dc863432c10f00c65ca3afead4ae7d7ad2ae1aae11b36f0b6616db3a");
    assert_int_equal(flume_scope_label(scope, "sweep"), FLUME_OK);
    expect_id(scope, "9e1b6d4860421331de1d1e9c9f5b9046f5ce482a3e42f0210e28ce98d5c633c8");
    assert_int_equal(flume_scope_set_int(scope, "n", 100), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "eps", 0.1), FLUME_OK);
    expect_id(scope, "abfbd852a8867ba13604542c68093c03348c7f7957c4058c6b662e612716ad57");
}

static void every_type_has_the_id_of_the_format(void **state)
{
    static const struct {
        flume_value value;
        const char *id;
    } rows[] = {
        {{.type = FLUME_VALUE_NULL},
         "f9056d3742de17b81cfb541d2f122fb8cef0680dd64fba4efb7aa3ccea2a4267"},
        {{.type = FLUME_VALUE_BOOL, .boolean = true},
         "a1fd0b2c0b8bc40c4903995839809feb26c97947caa0adf59138587dbaa718b4"},
        {{.type = FLUME_VALUE_INT, .integer = 1},
         "f11e7ebc6f27d429d3eb55136001a3ef3a34ae7ebacabe90727629dda8de1730"},
        {{.type = FLUME_VALUE_UINT, .natural = 1},
         "f11e7ebc6f27d429d3eb55136001a3ef3a34ae7ebacabe90727629dda8de1730"},
        {{.type = FLUME_VALUE_INT, .integer = -1},
         "83c0a663f118115215bc9d26ea01e952c697b1cf59e59b60cf329d9a7046c78d"},
        {{.type = FLUME_VALUE_INT, .integer = INT64_MIN},
         "5c8c388a015b3d83ab58dc07f384558ea5dc24491a30aeeaa3af64bd10873e24"},
        {{.type = FLUME_VALUE_UINT, .natural = UINT64_MAX},
         "f47fc7ba3f6f36d35d3b86af37117204e21638f853c097aa61093c3fcc3acad9"},
        {{.type = FLUME_VALUE_F64, .real = 1.0},
         "030599fe27797c07f44ba7964aae7e97263ec13e7927121c8683d7b1be2550d0"},
        {{.type = FLUME_VALUE_F64, .real = 0.0},
         "d66319234261947b86a4a5c1e551c0abb475eb6aedd673a2daa432d89d7846c1"},
        {{.type = FLUME_VALUE_F64, .real = -0.0},
         "e176991e7a8a38f18de73cab62e6acec199f44246c9e3cf9ef1a2e6d7953bc29"},
        {{.type = FLUME_VALUE_F64, .real = (double)NAN},
         "f709ca99ca6977406c9c1d81d6e91cbddb3a4ba2babbde02f299b79af30a46bc"},
        {{.type = FLUME_VALUE_F64, .real = -(double)INFINITY},
         "0938a14e966889103ebcb819dc582d2e345f95b7995d2dee93305c0ad3db48fb"},
        {{.type = FLUME_VALUE_TEXT, .bytes = {"1", 1}},
         "9ce600d2348a835b311b6567eff31e46eab676fbeedde36667a59a02cdad46ab"},
        {{.type = FLUME_VALUE_BYTES, .bytes = {"1", 1}},
         "6cbb8474c868a6d5e38adc0053e832922a3070116c0c239c5dd32b71a2f6b7e0"},
        {{.type = FLUME_VALUE_SYMBOL, .bytes = {"1", 1}},
         "3a8d86c3250234fe289b1425fb88757de06f1486101e4159149e1d0f9ab20ec4"},
        {{.type = FLUME_VALUE_TIME, .integer = 1},
         "40daa83b5a7bfb94381cd93e983fd4748ca40538fdf9f62945ccbfff01b77d19"},
        {{.type = FLUME_VALUE_EMPTY_MAP},
         "931eff7b34220f388f6ebd85543f5ee0b8bb95c160f4a441b5f3cb04b4ddc660"},
        {{.type = FLUME_VALUE_EMPTY_LIST},
         "abe14ee9eaa101d00b68a0a584a88f6ffc351441954e8c5829e137c175775735"},
    };
    flume_scope *scope = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) { /* Each in the place of the last. */
        assert_int_equal(flume_scope_set(scope, "x", &rows[i].value), FLUME_OK);
        expect_id(scope, rows[i].id);
    }
    assert_int_equal(flume_scope_set_content(scope, "x", "char", "1", 1), FLUME_OK);
    expect_id(scope, "be7cc594a072ca882f101f5bae6cc2174553d249958d8e3258953be6ce8f9d85");
}

static void many_and_odd_variables_have_the_id_of_the_format(void **state)
{
    flume_scope *scope = *state;
    char key[16], long_text[FLUME_SCOPE_VALUE_BYTES_MAX + 1], content[3001];
    uint8_t bytes[256];

    for (int i = 299; i >= 0; i--) {
        (void)snprintf(key, sizeof key, "key%05d", i);
        assert_int_equal(flume_scope_set_int(scope, key, i), FLUME_OK);
    }
    expect_id(scope, "a5bef2a3fdf4cbd5f531cec96224434672dfdbcee5d032401ce19348229dcd9a");
    flume_scope_clear(scope);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (size_t i = 0; i < sizeof content - 1; i++)
        content[i] = "abc"[i % 3];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(flume_scope_set_content(scope, "c", "char", content, 3000), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "\xc3\xbc"), FLUME_OK);
    assert_int_equal(flume_scope_set_text(scope, "z/0", long_text), FLUME_OK);
    assert_int_equal(flume_scope_set_bool(scope, "\xc3\x84", false), FLUME_OK);
    assert_int_equal(flume_scope_set_null(scope, "0"), FLUME_OK);
    assert_int_equal(flume_scope_set_bytes(scope, "b", bytes, sizeof bytes), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "a"), FLUME_OK);
    expect_id(scope, "e28e6ef0abcac7f5a4bb02d811c3354a22c4d9f7371abe917293b23127c44a14");
    assert_int_equal(flume_scope_count(scope), 5);
    assert_int_equal(flume_scope_label_count(scope), 2);
}

static void an_id_is_told_with_its_algorithm(void **state)
{
    char text[FLUME_SCOPE_ID_TEXT_BYTES + 1];
    uint8_t id[FLUME_HASH_BYTES];

    assert_int_equal(flume_scope_id(*state, id), FLUME_OK);
    flume_scope_id_text(id, text);
    assert_string_equal(
        text, "blake3-1:775111d2dc863432c10f00c65ca3afead4ae7d7ad2ae1aae11b36f0b6616db3a");
}

/* ---- the same, and not the same ---- */

static void set_one(flume_scope *scope, unsigned which)
{
    static const char *const names[] = {"alpha", "beta", "gamma", "delta", "epsilon"};

    assert_int_equal(flume_scope_set_int(scope, names[which], 7 * which), FLUME_OK);
}

static void the_order_of_setting_does_not_matter(void **state)
{
    static const unsigned orders[][5] = {
        {0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}, {1, 3, 0, 4, 2}};
    flume_scope *other;

    for (unsigned i = 0; i < 5; i++)
        set_one(*state, orders[0][i]);
    assert_int_equal(flume_scope_label(*state, "one"), FLUME_OK);
    assert_int_equal(flume_scope_label(*state, "two"), FLUME_OK);
    for (unsigned order = 1; order < 4; order++) {
        assert_int_equal(flume_scope_create(&other), FLUME_OK);
        assert_int_equal(flume_scope_label(other, "two"), FLUME_OK);
        for (unsigned i = 0; i < 5; i++) {
            set_one(other, orders[order][i]);
            if (i == 2)
                assert_int_equal(flume_scope_label(other, "one"), FLUME_OK);
        }
        expect_same(*state, other, true);
        flume_scope_destroy(other);
    }
}

static void concatenation_is_not_ambiguous(void **state)
{
    flume_scope *other;

    assert_int_equal(flume_scope_create(&other), FLUME_OK);
    assert_int_equal(flume_scope_set_text(*state, "a", "bc"), FLUME_OK);
    assert_int_equal(flume_scope_set_text(other, "ab", "c"), FLUME_OK);
    expect_same(*state, other, false);
    assert_int_equal(flume_scope_unset(*state, "a"), FLUME_OK);
    assert_int_equal(flume_scope_unset(other, "ab"), FLUME_OK);
    expect_same(*state, other, true);
    assert_int_equal(flume_scope_set_text(*state, "a", "x"), FLUME_OK);
    assert_int_equal(flume_scope_set_text(*state, "b", "y"), FLUME_OK);
    assert_int_equal(flume_scope_set_text(other, "a", "y"), FLUME_OK);
    assert_int_equal(flume_scope_set_text(other, "b", "x"), FLUME_OK);
    expect_same(*state, other, false);
    flume_scope_destroy(other);
}

static void texts_around_forty_bytes_are_told_apart(void **state)
{
    char text[48];
    flume_scope *other;

    assert_int_equal(flume_scope_create(&other), FLUME_OK);
    for (int bytes = 39; bytes <= 41; bytes++) {
        (void)snprintf(text, sizeof text, "%.*s", bytes,
                       "0123456789012345678901234567890123456789012345");
        assert_int_equal(flume_scope_set_text(*state, "x", text), FLUME_OK);
        assert_int_equal(flume_scope_set_text(other, "x", text), FLUME_OK);
        expect_same(*state, other, true);
        text[bytes - 1] = '!';
        assert_int_equal(flume_scope_set_text(other, "x", text), FLUME_OK);
        expect_same(*state, other, false);
    }
    flume_scope_destroy(other);
}

static void every_nan_is_the_same(void **state)
{
    static const uint64_t bits[] = {0x7ff8000000000000, 0xfff8000000000000, 0x7ff8000000000001,
                                    0x7ff0000000000001, 0xffffffffffffffff};

    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        double real;

        memcpy(&real, &bits[i], sizeof real);
        assert_int_equal(flume_scope_set_f64(*state, "x", real), FLUME_OK);
        expect_id(*state, "f709ca99ca6977406c9c1d81d6e91cbddb3a4ba2babbde02f299b79af30a46bc");
    }
}

static void a_blob_and_its_hash_are_the_same(void **state)
{
    flume_scope *other;
    flume_variable variable;

    assert_int_equal(flume_scope_create(&other), FLUME_OK);
    assert_int_equal(flume_scope_set_content(*state, "x", "double[]", "content", 7), FLUME_OK);
    assert_int_equal(flume_scope_set_content(other, "x", "", "content", 7), FLUME_OK);
    assert_int_equal(flume_scope_classify(other, "x", FLUME_CLASS_HASH), FLUME_OK);
    assert_true(flume_scope_get(other, "x", &variable));
    assert_int_equal(variable.value.type, FLUME_VALUE_HASH);
    assert_int_equal(variable.class_, FLUME_CLASS_HASH);
    expect_same(*state, other, true);
    assert_int_equal(flume_scope_classify(other, "x", FLUME_CLASS_BLOB), FLUME_OK);
    assert_true(flume_scope_get(other, "x", &variable));
    assert_int_equal(variable.value.type, FLUME_VALUE_BLOB);
    assert_int_equal(variable.value.content.bytes, 7);
    expect_same(*state, other, true);
    assert_int_equal(flume_scope_set_content(other, "x", "", "Content", 7), FLUME_OK);
    expect_same(*state, other, false);
    flume_scope_destroy(other);
}

static void a_text_made_a_blob_comes_back(void **state)
{
    flume_scope *other;
    flume_variable variable;
    uint8_t hash[FLUME_HASH_BYTES];

    assert_int_equal(flume_scope_create(&other), FLUME_OK);
    assert_int_equal(flume_scope_set_text(*state, "x", "content"), FLUME_OK);
    assert_int_equal(flume_scope_classify(*state, "x", FLUME_CLASS_BLOB), FLUME_OK);
    assert_int_equal(flume_scope_set_content(other, "x", "", "content", 7), FLUME_OK);
    expect_same(*state, other, true);
    assert_true(flume_scope_get(*state, "x", &variable));
    flume_hash("content", 7, hash);
    assert_memory_equal(variable.value.content.hash, hash, sizeof hash);
    assert_int_equal(variable.content_bytes, 7);
    assert_memory_equal(variable.content, "content", 7);
    flume_scope_destroy(other);
    assert_int_equal(flume_scope_copy(*state, &other), FLUME_OK);
    assert_int_equal(flume_scope_classify(other, "x", FLUME_CLASS_INLINE), FLUME_OK);
    flume_scope_destroy(*state);
    *state = other;
    assert_true(flume_scope_get(other, "x", &variable));
    assert_int_equal(variable.value.type, FLUME_VALUE_TEXT);
    assert_memory_equal(variable.value.bytes.data, "content", 7);
}

static void volatile_ignored_and_global_do_not_count(void **state)
{
    uint8_t id[FLUME_HASH_BYTES], local_id[FLUME_HASH_BYTES], again[FLUME_HASH_BYTES];
    flume_variable variable = {.key = "constant",
                               .type = "",
                               .flags = FLUME_VARIABLE_GLOBAL,
                               .value = {.type = FLUME_VALUE_INT, .integer = 3}};
    flume_scope *scope = *state;

    assert_int_equal(flume_scope_set_int(scope, "n", 1), FLUME_OK);
    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    assert_int_equal(flume_scope_local_id(scope, local_id), FLUME_OK);
    assert_memory_equal(id, local_id, sizeof id);
    assert_int_equal(flume_scope_set_time(scope, "at", 5), FLUME_OK);
    assert_int_equal(flume_scope_classify(scope, "at", FLUME_CLASS_VOLATILE), FLUME_OK);
    assert_int_equal(flume_scope_set_text(scope, "host", "h"), FLUME_OK);
    assert_int_equal(flume_scope_classify(scope, "host", FLUME_CLASS_IGNORE), FLUME_OK);
    assert_int_equal(flume_scope_id(scope, again), FLUME_OK);
    assert_memory_equal(id, again, sizeof id);
    assert_int_equal(flume_scope_set_variable(scope, &variable), FLUME_OK);
    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    assert_memory_not_equal(id, again, sizeof id);
    assert_int_equal(flume_scope_local_id(scope, again), FLUME_OK);
    assert_memory_equal(again, local_id, sizeof again); /* Globals are not in it. */
    variable.flags = 0;
    assert_int_equal(flume_scope_set_variable(scope, &variable), FLUME_OK);
    assert_int_equal(flume_scope_id(scope, again), FLUME_OK);
    assert_memory_equal(id, again, sizeof id); /* Whence it is does not count. */
    assert_int_equal(flume_scope_local_id(scope, again), FLUME_OK);
    assert_memory_equal(id, again, sizeof id);
}

/* Whatever was changed in between, the id is that of a scope made afresh. */
static void a_scope_that_is_changed_is_the_same_as_one_made_afresh(void **state)
{
    static const char *const keys[] = {"a", "b", "@", "c", "zeta", "0", "n~1"};
    uint64_t random = 12345;
    flume_scope *scope = *state, *fresh;

    for (int round = 0; round < 4000; round++) {
        const char *key;
        uint64_t number;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        key = keys[(random >> 33) % 7];
        number = random >> 40;
        if (key[0] == '@')
            assert_int_equal(flume_scope_label(scope, number % 2 == 0 ? "l" : "m"), FLUME_OK);
        else if (number % 7 == 0)
            (void)flume_scope_unset(scope, key);
        else if (number % 7 == 1)
            assert_int_equal(flume_scope_set_text(scope, key, &"text"[number % 4]), FLUME_OK);
        else if (number % 7 == 2)
            assert_int_equal(flume_scope_set_content(scope, key, "", "0123456789", number % 10),
                             FLUME_OK);
        else if (number % 7 == 3)
            (void)flume_scope_classify(scope, key,
                                       number % 2 == 0 ? FLUME_CLASS_VOLATILE : FLUME_CLASS_IGNORE);
        else
            assert_int_equal(flume_scope_set_int(scope, key, (int64_t)(number % 3)), FLUME_OK);
        assert_int_equal(flume_scope_copy(scope, &fresh), FLUME_OK);
        expect_same(scope, fresh, true);
        flume_scope_destroy(fresh);
    }
}

/* ---- looking ---- */

static void variables_come_in_order_and_labels_apart(void **state)
{
    static const char *const sorted[] = {"!", "A", "a", "a/b", "a0", "\xc3\xa4"};
    flume_scope *scope = *state;
    flume_variable variable;

    for (size_t i = 0; i < 6; i++)
        assert_int_equal(flume_scope_set_int(scope, sorted[(i * 5 + 2) % 6], (int64_t)i), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "two"), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "one"), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "one"), FLUME_OK);
    assert_int_equal(flume_scope_count(scope), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_true(flume_scope_at(scope, i, &variable));
        assert_string_equal(variable.key, sorted[i]);
    }
    assert_false(flume_scope_at(scope, 6, &variable));
    assert_int_equal(flume_scope_label_count(scope), 2);
    assert_string_equal(flume_scope_label_at(scope, 0), "one");
    assert_string_equal(flume_scope_label_at(scope, 1), "two");
    assert_null(flume_scope_label_at(scope, 2));
    assert_false(flume_scope_get(scope, "@label/one", &variable));
    assert_int_equal(flume_scope_unset(scope, "@label/one"), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_scope_classify(scope, "b", FLUME_CLASS_IGNORE), FLUME_ERR_NOT_FOUND);
    assert_false(flume_scope_get(scope, NULL, &variable));
    assert_int_equal(flume_scope_unset(scope, NULL), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_scope_unset(scope, "!"), FLUME_OK);
    assert_string_equal(flume_scope_label_at(scope, 0), "one");
    assert_true(flume_scope_at(scope, 0, &variable));
    assert_string_equal(variable.key, "A");
    expect_scope_error(scope, FLUME_OK, "");
}

static void a_label_of_an_enclosing_scope_counts_and_is_not_its_own(void **state)
{
    flume_scope *other;

    assert_int_equal(flume_scope_create(&other), FLUME_OK);
    assert_int_equal(scope_label_inherit(*state, "outer"), FLUME_OK);
    assert_int_equal(flume_scope_label(other, "outer"), FLUME_OK);
    expect_same(*state, other, true);
    flume_scope_destroy(other);
}

static void a_value_may_be_set_from_the_scope_itself(void **state)
{
    char text[100];
    flume_scope *scope = *state;
    flume_variable variable;

    memset(text, 'q', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(flume_scope_set_text(scope, "from", text), FLUME_OK);
    assert_true(flume_scope_get(scope, "from", &variable));
    assert_int_equal(flume_scope_set(scope, "to", &variable.value), FLUME_OK);
    assert_true(flume_scope_get(scope, "from", &variable));
    variable.value.bytes.data = (const char *)variable.value.bytes.data + 1;
    variable.value.bytes.bytes--;
    assert_int_equal(flume_scope_set(scope, "from", &variable.value), FLUME_OK);
    assert_true(flume_scope_get(scope, "from", &variable));
    assert_int_equal(variable.value.bytes.bytes, sizeof text - 2);
    assert_memory_equal(variable.value.bytes.data, text, sizeof text - 2);
    assert_true(flume_scope_get(scope, "to", &variable));
    assert_memory_equal(variable.value.bytes.data, text, sizeof text - 1);
}

/* ---- what is refused, and how it is said ---- */

static void keys_that_cannot_be_are_refused(void **state)
{
    char key[FLUME_SCOPE_KEY_BYTES_MAX + 2];
    flume_scope *scope = *state;

    memset(key, 'k', sizeof key);
    key[FLUME_SCOPE_KEY_BYTES_MAX] = '\0';
    assert_int_equal(flume_scope_set_int(scope, key, 1), FLUME_OK);
    key[FLUME_SCOPE_KEY_BYTES_MAX] = 'k';
    key[FLUME_SCOPE_KEY_BYTES_MAX + 1] = '\0';
    expect_refused(scope, flume_scope_set_int(scope, key, 1), FLUME_ERR_TOO_LARGE, "kkkk...",
                   "1025 bytes, and at most 1024");
    expect_refused(scope, flume_scope_set_int(scope, "", 1), FLUME_ERR_INVALID, "no name",
                   "1 to 1024 bytes");
    expect_refused(scope, flume_scope_set_int(scope, NULL, 1), FLUME_ERR_INVALID, "no name",
                   "NULL");
    expect_refused(scope, flume_scope_set_int(scope, "@a", 1), FLUME_ERR_INVALID, "'@a'",
                   "begins with '@'");
    assert_int_equal(flume_scope_label(scope, "x"), FLUME_OK);
    expect_refused(scope, flume_scope_set_int(scope, "@label/x", 1), FLUME_ERR_INVALID,
                   "'@label/x'", "begins with '@'");
    expect_refused(scope, flume_scope_set_int(scope, "a\xff", 1), FLUME_ERR_INVALID, "'a?'",
                   "not UTF-8");
}

static void values_that_cannot_be_are_refused(void **state)
{
    static char data[FLUME_SCOPE_VALUE_BYTES_MAX + 1];
    flume_scope *scope = *state;
    flume_value value = {.type = FLUME_VALUE_BYTES, .bytes = {NULL, 1}};

    memset(data, 'v', sizeof data);
    assert_int_equal(flume_scope_set_bytes(scope, "x", data, FLUME_SCOPE_VALUE_BYTES_MAX),
                     FLUME_OK);
    expect_refused(scope, flume_scope_set_bytes(scope, "x", data, sizeof data), FLUME_ERR_TOO_LARGE,
                   "'x'", "4097 bytes, and at most 4096");
    expect_refused(scope, flume_scope_set_text(scope, "x", "\xc3"), FLUME_ERR_INVALID, "'x'",
                   "not UTF-8");
    expect_refused(scope, flume_scope_set_symbol(scope, "x", "\xed\xa0\x80"), FLUME_ERR_INVALID,
                   "'x'", "not UTF-8");
    expect_refused(scope, flume_scope_set_text(scope, "x", NULL), FLUME_ERR_INVALID, "'x'", "NULL");
    expect_refused(scope, flume_scope_set(scope, "x", &value), FLUME_ERR_INVALID, "'x'", "NULL");
    expect_refused(scope, flume_scope_set_content(scope, "x", "", NULL, 1), FLUME_ERR_INVALID,
                   "'x'", "NULL");
    value.type = (enum flume_value_type)13;
    expect_refused(scope, flume_scope_set(scope, "x", &value), FLUME_ERR_INVALID, "'x'",
                   "no type 13");
}

static void labels_that_cannot_be_are_refused(void **state)
{
    char label[FLUME_LABEL_BYTES_MAX + 2];
    flume_scope *scope = *state;

    memset(label, 'l', sizeof label);
    label[FLUME_LABEL_BYTES_MAX] = '\0';
    assert_int_equal(flume_scope_label(scope, label), FLUME_OK);
    label[FLUME_LABEL_BYTES_MAX] = 'l';
    label[FLUME_LABEL_BYTES_MAX + 1] = '\0';
    expect_refused(scope, flume_scope_label(scope, label), FLUME_ERR_TOO_LARGE, "llll...",
                   "256 bytes, and at most 255");
    expect_refused(scope, flume_scope_label(scope, ""), FLUME_ERR_INVALID, "label", "empty");
    expect_refused(scope, flume_scope_label(scope, NULL), FLUME_ERR_INVALID, "label", "NULL");
    expect_refused(scope, flume_scope_label(scope, "@x"), FLUME_ERR_INVALID, "'@x'", "begins");
    expect_refused(scope, flume_scope_label(scope, "a\nb"), FLUME_ERR_INVALID, "'a?b'", "control");
    for (int i = 0; i < 254; i++) {
        (void)snprintf(label, sizeof label, "%0255d", i);
        assert_int_equal(flume_scope_label(scope, label), FLUME_OK);
    }
    (void)snprintf(label, sizeof label, "one%0252d", 1);
    expect_refused(scope, flume_scope_label(scope, label), FLUME_ERR_TOO_LARGE, "'one000",
                   "254 labels the record's 65472 bytes");
}

static void a_scope_has_65535_variables_and_labels(void **state)
{
    flume_scope *scope = *state;
    char key[16];

    for (unsigned i = 0; i < FLUME_SCOPE_VARIABLES_MAX - 1; i++) {
        (void)snprintf(key, sizeof key, "%04x", i * 40503 % 65536); /* In no order. */
        assert_int_equal(flume_scope_set_int(scope, key, i), FLUME_OK);
    }
    assert_int_equal(flume_scope_label(scope, "last"), FLUME_OK);
    assert_int_equal(flume_scope_count(scope), FLUME_SCOPE_VARIABLES_MAX - 1);
    assert_int_equal(flume_scope_set_int(scope, "0000", -1), FLUME_OK); /* It is there. */
    expect_scope_error(scope, FLUME_OK, "");
    expect_refused(scope, flume_scope_set_int(scope, "one more", 1), FLUME_ERR_TOO_LARGE,
                   "'one more'", "at most 65535");
}

static void the_first_error_stays_until_it_is_cleared(void **state)
{
    flume_scope *scope = *state, *copy;
    uint8_t id[FLUME_HASH_BYTES];

    assert_int_equal(flume_scope_set_text(scope, "first", "\xff"), FLUME_ERR_INVALID);
    assert_int_equal(flume_scope_set_int(scope, "@second", 1), FLUME_ERR_INVALID);
    assert_int_equal(flume_scope_set_int(scope, "third", 1), FLUME_OK);
    expect_scope_error(scope, FLUME_ERR_INVALID, "'first'");
    assert_int_equal(flume_scope_copy(scope, &copy), FLUME_OK);
    assert_int_equal(flume_scope_id(copy, id), FLUME_ERR_INVALID); /* It lacks what that lacks. */
    flume_scope_destroy(copy);
    flume_scope_clear(scope);
    expect_scope_error(scope, FLUME_OK, "");
    assert_int_equal(flume_scope_count(scope), 0);
}

static void classes_that_cannot_be_are_refused(void **state)
{
    static const char content[5000];
    flume_scope *scope = *state;
    flume_variable variable = {
        .key = "x", .type = "", .class_ = FLUME_CLASS_HASH, .value = {.type = FLUME_VALUE_HASH}};

    assert_int_equal(flume_scope_set_int(scope, "x", 1), FLUME_OK);
    expect_refused(scope, flume_scope_classify(scope, "x", FLUME_CLASS_BLOB), FLUME_ERR_INVALID,
                   "'x'", "no text and no bytes");
    assert_int_equal(flume_scope_set_variable(scope, &variable), FLUME_OK);
    expect_refused(scope, flume_scope_classify(scope, "x", FLUME_CLASS_INLINE), FLUME_ERR_INVALID,
                   "'x'", "only the hash");
    assert_int_equal(flume_scope_set_variable(scope, &variable), FLUME_OK);
    expect_refused(scope, flume_scope_classify(scope, "x", FLUME_CLASS_BLOB), FLUME_ERR_INVALID,
                   "'x'", "only the hash");
    expect_refused(scope, flume_scope_classify(scope, "x", (enum flume_variable_class)6),
                   FLUME_ERR_INVALID, "class", "6");
    variable.flags = 2;
    expect_refused(scope, flume_scope_set_variable(scope, &variable), FLUME_ERR_INVALID, "flags",
                   "key");
    variable = (flume_variable){
        .key = "long", .type = "", .content = content, .content_bytes = sizeof content};
    assert_int_equal(flume_scope_set_variable(scope, &variable), FLUME_OK);
    expect_refused(scope, flume_scope_classify(scope, "long", FLUME_CLASS_INLINE),
                   FLUME_ERR_TOO_LARGE, "'long'", "5000 bytes");
}

/* ---- threads ---- */

static void *identify(void *out_id)
{
    flume_scope *scope;

    if (flume_scope_create(&scope) < 0)
        return NULL;
    (void)flume_scope_label(scope, "sweep");
    (void)flume_scope_set_f64(scope, "eps", 0.1);
    (void)flume_scope_set_int(scope, "n", 100);
    (void)flume_scope_id(scope, out_id);
    flume_scope_destroy(scope);
    return out_id;
}

static void the_thread_does_not_matter(void **state)
{
    uint8_t ids[4][FLUME_HASH_BYTES];
    pthread_t threads[4];

    assert_int_equal(flume_scope_label(*state, "sweep"), FLUME_OK);
    assert_int_equal(flume_scope_set_int(*state, "n", 100), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(*state, "eps", 0.1), FLUME_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, identify, ids[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result;
        uint8_t id[FLUME_HASH_BYTES];

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, ids[i]);
        assert_int_equal(flume_scope_id(*state, id), FLUME_OK);
        assert_memory_equal(id, ids[i], sizeof id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scope_test(ids_are_those_of_the_format),
        scope_test(every_type_has_the_id_of_the_format),
        scope_test(many_and_odd_variables_have_the_id_of_the_format),
        scope_test(an_id_is_told_with_its_algorithm),
        scope_test(the_order_of_setting_does_not_matter),
        scope_test(concatenation_is_not_ambiguous),
        scope_test(texts_around_forty_bytes_are_told_apart),
        scope_test(every_nan_is_the_same),
        scope_test(a_blob_and_its_hash_are_the_same),
        scope_test(a_text_made_a_blob_comes_back),
        scope_test(volatile_ignored_and_global_do_not_count),
        scope_test(a_scope_that_is_changed_is_the_same_as_one_made_afresh),
        scope_test(variables_come_in_order_and_labels_apart),
        scope_test(a_label_of_an_enclosing_scope_counts_and_is_not_its_own),
        scope_test(a_value_may_be_set_from_the_scope_itself),
        scope_test(keys_that_cannot_be_are_refused),
        scope_test(values_that_cannot_be_are_refused),
        scope_test(labels_that_cannot_be_are_refused),
        scope_test(a_scope_has_65535_variables_and_labels),
        scope_test(the_first_error_stays_until_it_is_cleared),
        scope_test(classes_that_cannot_be_are_refused),
        scope_test(the_thread_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
