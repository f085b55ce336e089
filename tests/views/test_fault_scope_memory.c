/*
 * test_fault_scope_memory.c - every request for memory that a scope makes is refused once.
 *
 * The linker leads the requests through this file (tests/CMakeLists.txt has the list). Each deed is
 * done once for each request that it makes, with that one refused. It answers that there is no
 * memory, and the scope is as it was, but for its error; tried again, it works, with the same
 * outcome. At the end nothing is left of what was requested.
 */
#include "log_fixture.h"

#include "scope_inside.h"
#include "scope_record.h"

static uint64_t requests, refuses_at; /* 0: none is refused. */
static int64_t held;
static bool is_counting;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_realloc(void *data, size_t bytes);
void *__wrap_realloc(void *data, size_t bytes);
void __real_free(void *data);
void __wrap_free(void *data);

static bool is_refused(void)
{
    return is_counting && ++requests == refuses_at;
}

static void *held_one(void *data)
{
    held += is_counting && data != NULL;
    return data;
}

void *__wrap_malloc(size_t bytes)
{
    return is_refused() ? NULL : held_one(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : held_one(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *data, size_t bytes)
{
    void *moved;

    if (is_refused())
        return NULL;
    moved = __real_realloc(data, bytes);
    held += is_counting && data == NULL && moved != NULL;
    return moved;
}

void __wrap_free(void *data)
{
    held -= is_counting && data != NULL;
    __real_free(data);
}

/* ---- deeds ---- */

static const char json[] =
    "{\"a\":{\"b\":[1,2,3],\"c\":\"text\"},\"d\":{\"@bytes\":\"AAAA\"},\"e\":1.5,\"f/g\":[]}";

static int set_many(flume_scope *scope)
{
    char key[FLUME_SCOPE_KEY_BYTES_MAX];
    int status = FLUME_OK;

    for (int i = 0; status == FLUME_OK && i < 40; i++) {
        (void)snprintf(key, sizeof key, "a_key_that_is_longer_than_most_%d", i);
        status = flume_scope_set_int(scope, key, i);
    }
    return status;
}

static int set_long(flume_scope *scope)
{
    flume_variable variable = {.key = "n",
                               .type = "a type with a name longer than most",
                               .class_ = FLUME_CLASS_BLOB,
                               .value = {.type = FLUME_VALUE_TEXT}};
    char text[200];

    memset(text, 't', sizeof text);
    variable.value.bytes = (flume_bytes){text, sizeof text};
    return flume_scope_set_variable(scope, &variable);
}

static int label(flume_scope *scope)
{
    return flume_scope_label(scope, "a label that is longer than what is kept for short keys");
}

static int read_json(flume_scope *scope)
{
    return flume_scope_from_json(scope, json, sizeof json - 1);
}

static int write_json(flume_scope *scope)
{
    char *text;
    int status = flume_scope_to_json(scope, &text);

    if (status == FLUME_OK)
        flume_scope_free(text);
    return status;
}

static int copy(flume_scope *scope)
{
    flume_scope *other;
    int status = flume_scope_copy(scope, &other);

    if (status == FLUME_OK)
        flume_scope_destroy(other);
    return status;
}

static int identify(flume_scope *scope)
{
    uint8_t id[FLUME_HASH_BYTES];
    int status = flume_scope_id(scope, id);

    if (status == FLUME_OK)
        status = flume_scope_local_id(scope, id);
    return status;
}

static int list_unknown(flume_scope *scope)
{
    char *text;
    int status = flume_scope_unknown(scope, &text);

    if (status == FLUME_OK)
        flume_scope_free(text);
    return status;
}

static int record(flume_scope *scope)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL};
    struct scope_buffer body = {.data = NULL};
    struct scope_record decoded = {.memory = NULL};
    const char *const *labels;
    size_t count, own;
    flume_record source = {.kind = FLUME_KIND_SCOPE, .meta = (const uint8_t *)"\1\3own"};
    int status = scope_record_encode(scope, &stamp, &body);

    if (status == FLUME_OK)
        status = scope_record_labels(scope, &labels, &count, &own);
    source.meta_bytes = 5;
    source.body = body.data;
    source.body_bytes = body.bytes;
    if (status == FLUME_OK)
        status = scope_record_decode(&source, &decoded);
    if (status == FLUME_OK)
        status = scope_record_verify(&decoded);
    scope_record_release(&decoded);
    scope_buffer_deinit(&body);
    return status;
}

static flume_scope *make(void)
{
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "n", 1), FLUME_OK);
    assert_int_equal(flume_scope_set_content(scope, "state", "double[]", "xyz", 3), FLUME_OK);
    assert_int_equal(flume_scope_set_text(scope, "name", "words"), FLUME_OK);
    assert_int_equal(flume_scope_classify(scope, "name", FLUME_CLASS_HASH), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "own"), FLUME_OK);
    return scope;
}

static void identity(flume_scope *scope, uint8_t id[FLUME_HASH_BYTES])
{
    flume_scope *other;

    assert_int_equal(flume_scope_copy(scope, &other), FLUME_OK);
    other->error.status = FLUME_OK; /* It is what is there that is compared. */
    assert_int_equal(flume_scope_id(other, id), FLUME_OK);
    flume_scope_destroy(other);
}

/* is_whole: what fails leaves nothing behind of what it did. */
static void refuse_each(int (*deed)(flume_scope *scope), bool is_whole)
{
    uint8_t before[FLUME_HASH_BYTES], after[FLUME_HASH_BYTES], done[FLUME_HASH_BYTES];
    flume_scope *scope = make();
    uint64_t refused = 0;
    int status;

    identity(scope, before);
    assert_int_equal(deed(scope), FLUME_OK);
    identity(scope, done);
    flume_scope_destroy(scope);
    do {
        is_counting = true;
        requests = refuses_at = 0;
        held = 0;
        scope = make();
        requests = 0;
        refuses_at = ++refused;
        status = deed(scope);
        refuses_at = 0;
        if (status != FLUME_OK) {
            assert_int_equal(status, FLUME_ERR_NO_MEMORY);
            identity(scope, after);
            if (is_whole)
                assert_memory_equal(before, after, sizeof before);
            scope->error.status = FLUME_OK;
            assert_int_equal(deed(scope), FLUME_OK);
        }
        identity(scope, after);
        assert_memory_equal(done, after, sizeof done);
        flume_scope_destroy(scope);
        is_counting = false;
        assert_int_equal(held, 0);
        assert_in_range(refused, 1, 10000);
    } while (status != FLUME_OK);
    assert_in_range(refused, 2, 10000); /* It asks for memory at all. */
}

static void setting_does_without_or_says_so(void **state)
{
    (void)state;
    refuse_each(set_many, false);
    refuse_each(set_long, false);
    refuse_each(label, true);
}

static void json_does_without_or_says_so(void **state)
{
    (void)state;
    refuse_each(read_json, false);
    refuse_each(write_json, true);
}

static void looking_does_without_or_says_so(void **state)
{
    (void)state;
    refuse_each(copy, true);
    refuse_each(identify, true);
    refuse_each(list_unknown, true);
}

static void records_do_without_or_say_so(void **state)
{
    (void)state;
    refuse_each(record, true);
}

/* A sweep: the same variables with other values of the same size, identified and written. */
static void setting_again_takes_no_memory(void **state)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL};
    struct scope_buffer body = {.data = NULL};
    flume_scope *scope = make();

    (void)state;
    for (int i = 0; i < 20; i++) {
        if (i == 2) {
            is_counting = true;
            requests = 0;
        }
        if (i == 10) {
            flume_scope_clear(scope); /* And the same after it was emptied. */
            (void)flume_scope_label(scope, "own");
        }
        (void)flume_scope_set_int(scope, "n", i);
        (void)flume_scope_set_f64(scope, "eps", 1.0 / (i + 1));
        (void)flume_scope_set_text(scope, "name", i % 2 == 0 ? "even" : "odds");
        (void)flume_scope_set_content(scope, "state", "double[]", &i, sizeof i);
        assert_int_equal(identify(scope), FLUME_OK);
        assert_int_equal(scope_record_encode(scope, &stamp, &body), FLUME_OK);
        if (i == 12)
            requests = 0; /* Slots may have changed places. */
        if (i != 10 && i != 11)
            assert_int_equal(is_counting ? requests : 0, 0);
    }
    is_counting = false;
    scope_buffer_deinit(&body);
    flume_scope_destroy(scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_does_without_or_says_so),
        cmocka_unit_test(json_does_without_or_says_so),
        cmocka_unit_test(looking_does_without_or_says_so),
        cmocka_unit_test(records_do_without_or_say_so),
        cmocka_unit_test(setting_again_takes_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
