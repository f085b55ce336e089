/*
 * test_scope_record.c - scopes and links as records: their bytes, what is read back, and what is
 * none.
 */
#include "log_fixture.h"

#include "format_dump.h"
#include "scope_inside.h"
#include "scope_rebuild.h"

enum {
    FORMAT_AT = 0,
    FORM_AT = 1,
    OWN_AT = 2,
    FLAGS_AT = 4,
    ID_AT = 8,
    EXTENDS_AT = 72,
    PAIRS_AT = 96
};

/* ---- scopes and their records ---- */

/* A scope with a variable of each type and class, and labels of both sorts. */
static flume_scope *make_scope(void)
{
    static const uint8_t bytes[] = {0, 1, 2, 255};
    flume_value natural = {.type = FLUME_VALUE_UINT, .natural = UINT64_MAX - 1};
    flume_value map = {.type = FLUME_VALUE_EMPTY_MAP}, list = {.type = FLUME_VALUE_EMPTY_LIST};
    flume_variable global = {.key = "planck",
                             .type = "double",
                             .flags = FLUME_VARIABLE_GLOBAL,
                             .value = {.type = FLUME_VALUE_F64, .real = 6.62607015e-34}};
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    (void)flume_scope_set_null(scope, "Nothing");
    (void)flume_scope_set_bool(scope, "0", true);
    (void)flume_scope_set_int(scope, "n", -100);
    (void)flume_scope_set(scope, "u", &natural);
    (void)flume_scope_set_f64(scope, "eps", 0.1);
    (void)flume_scope_set_text(scope, "name/0", "caf\xc3\xa9");
    (void)flume_scope_set_bytes(scope, "raw", bytes, sizeof bytes);
    (void)flume_scope_set_symbol(scope, "s", "left");
    (void)flume_scope_set_time(scope, "since", 1700000000000000000);
    (void)flume_scope_set_content(scope, "state", "double[]", "content", 7);
    (void)flume_scope_set_content(scope, "big", "double[]", "CONTENT", 7);
    (void)flume_scope_classify(scope, "big", FLUME_CLASS_HASH);
    (void)flume_scope_set(scope, "map", &map);
    (void)flume_scope_set(scope, "list", &list);
    (void)flume_scope_set_variable(scope, &global);
    (void)flume_scope_set_time(scope, "now", 5);
    (void)flume_scope_classify(scope, "now", FLUME_CLASS_VOLATILE);
    (void)flume_scope_set_text(scope, "host", "here");
    (void)flume_scope_classify(scope, "host", FLUME_CLASS_VOLATILE);
    (void)flume_scope_set_text(scope, "junk", "x");
    (void)flume_scope_classify(scope, "junk", FLUME_CLASS_IGNORE);
    (void)flume_scope_label(scope, "sweep");
    (void)flume_scope_label(scope, "b");
    (void)scope_label_inherit(scope, "a");
    return scope;
}

/* A record in memory, as the log would give it. */
struct made {
    struct scope_buffer body;
    uint8_t meta[1024];
    flume_record record;
};

static void make_record(struct made *made, flume_scope *scope, const struct scope_stamp *stamp)
{
    const char *const *labels;
    size_t count, own;

    assert_int_equal(scope_record_encode(scope, stamp, &made->body), FLUME_OK);
    assert_int_equal(scope_record_labels(scope, &labels, &count, &own), FLUME_OK);
    made->record = (flume_record){.seq = 100, .meta = made->meta, .kind = FLUME_KIND_SCOPE};
    if (stamp->form == SCOPE_RECORD_LINK) {
        made->record.kind = FLUME_KIND_LINK;
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t *item = made->meta + made->record.meta_bytes;

        item[0] = 1; /* A label. */
        item[1] = (uint8_t)strlen(labels[i]);
        memcpy(item + 2, labels[i], item[1]);
        made->record.meta_bytes += 2u + item[1];
    }
    made->record.body = made->body.data;
    made->record.body_bytes = made->body.bytes;
}

static void expect_equal_scopes(flume_scope *one, flume_scope *other)
{
    uint8_t id[FLUME_HASH_BYTES], other_id[FLUME_HASH_BYTES];
    struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL};
    struct scope_buffer body = {.data = NULL}, other_body = {.data = NULL};

    assert_int_equal(flume_scope_id(one, id), FLUME_OK);
    assert_int_equal(flume_scope_id(other, other_id), FLUME_OK);
    assert_memory_equal(id, other_id, sizeof id);
    assert_int_equal(flume_scope_local_id(one, id), FLUME_OK);
    assert_int_equal(flume_scope_local_id(other, other_id), FLUME_OK);
    assert_memory_equal(id, other_id, sizeof id);
    assert_int_equal(scope_record_encode(one, &stamp, &body), FLUME_OK); /* Volatile ones, too. */
    assert_int_equal(scope_record_encode(other, &stamp, &other_body), FLUME_OK);
    assert_int_equal(body.bytes, other_body.bytes);
    assert_memory_equal(body.data, other_body.data, body.bytes);
    scope_buffer_deinit(&body);
    scope_buffer_deinit(&other_body);
}

/* What is told by the bytes of a record without taking it apart. */
static bool is_told_to_be(struct made *made, flume_scope *scope)
{
    const struct scope_pairs *pairs;

    assert_int_equal(scope_pairs_of(scope, &pairs), FLUME_OK);
    return scope_record_has_pairs(&made->record, pairs);
}

static void a_record_is_told_to_be_its_scope_and_no_other(void **state)
{
    struct scope_stamp full = {.form = SCOPE_RECORD_FULL};
    struct scope_stamp within = {.form = SCOPE_RECORD_FULL, .is_within = true, .target_seq = 7};
    struct scope_stamp tared = {.form = SCOPE_RECORD_FULL, .tare_id = {1}};
    struct made made = {.body = {.data = NULL}};
    flume_scope *scope;

    (void)state;
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    (void)flume_scope_set_int(scope, "0", 1);
    (void)flume_scope_set_int(scope, "n", 2);
    (void)flume_scope_set_text(scope, "text", "abc");
    (void)flume_scope_label(scope, "sweep");
    (void)scope_label_inherit(scope, "a");
    make_record(&made, scope, &within);
    assert_true(is_told_to_be(&made, scope));
    make_record(&made, scope, &tared);
    assert_true(is_told_to_be(&made, scope));
    make_record(&made, scope, &full);
    assert_true(is_told_to_be(&made, scope));
    (void)flume_scope_set(scope, "@enclosing", &(flume_value){.type = FLUME_VALUE_HASH});
    assert_false(is_told_to_be(&made, scope));
    make_record(&made, scope, &full);
    assert_true(is_told_to_be(&made, scope));
    (void)flume_scope_unset(scope, "@enclosing");
    assert_false(is_told_to_be(&made, scope));
    make_record(&made, scope, &full);
    (void)flume_scope_set_int(scope, "n", 3);
    assert_false(is_told_to_be(&made, scope));
    (void)flume_scope_set_int(scope, "n", 2);
    assert_true(is_told_to_be(&made, scope));
    (void)flume_scope_set_f64(scope, "n", 2);
    assert_false(is_told_to_be(&made, scope));
    (void)flume_scope_set_int(scope, "n", 2);
    (void)flume_scope_set_int(scope, "z", 2);
    assert_false(is_told_to_be(&made, scope));
    (void)flume_scope_unset(scope, "z");
    (void)flume_scope_unset(scope, "text");
    assert_false(is_told_to_be(&made, scope));
    (void)flume_scope_set_text(scope, "text", "abc");
    assert_true(is_told_to_be(&made, scope));
    (void)flume_scope_label(scope, "b");
    assert_false(is_told_to_be(&made, scope));
    flume_scope_destroy(scope);
    scope_buffer_deinit(&made.body);
}

static void labels_of_a_record_are_told_one_by_one(void **state)
{
    struct scope_stamp full = {.form = SCOPE_RECORD_FULL};
    struct made made = {.body = {.data = NULL}};
    flume_scope *scope, *other;

    (void)state;
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_create(&other), FLUME_OK);
    (void)flume_scope_label(scope, "a");
    (void)flume_scope_label(scope, "b");
    (void)flume_scope_set_int(scope, "number", 1);
    (void)flume_scope_label(other, "a");
    (void)flume_scope_label(other, "c");
    (void)flume_scope_set_int(other, "number", 1);
    make_record(&made, scope, &full);
    assert_true(is_told_to_be(&made, scope));
    assert_false(is_told_to_be(&made, other));
    (void)flume_scope_clear(other);
    (void)flume_scope_label(other, "a");
    (void)flume_scope_set_int(other, "number", 1);
    assert_false(is_told_to_be(&made, other));
    made.meta[5] = 'a'; /* The second label: the first one again. */
    assert_false(is_told_to_be(&made, scope));
    assert_false(is_told_to_be(&made, other));
    flume_scope_destroy(scope);
    flume_scope_destroy(other);
    scope_buffer_deinit(&made.body);
}

static void ids_that_are_left_out_are_made_by_who_reads(void **state)
{
    struct scope_stamp unnamed = {.form = SCOPE_RECORD_FULL, .is_unnamed = true};
    uint8_t id[FLUME_HASH_BYTES], local_id[FLUME_HASH_BYTES], stated[FLUME_HASH_BYTES];
    struct scope_record record = {.memory = NULL};
    struct made made = {.body = {.data = NULL}};
    flume_scope *scope = make_scope();
    struct rebuilt body;

    (void)state;
    make_record(&made, scope, &unnamed);
    assert_false(scope_record_id(&made.record, stated));
    assert_int_equal(scope_record_decode(&made.record, &record), FLUME_OK);
    assert_true(record.is_unnamed);
    body = rebuild_body(&record, made.body.bytes);
    assert_int_equal(body.bytes, made.body.bytes);
    assert_memory_equal(body.data, made.body.data, body.bytes);
    free(body.data);
    assert_int_equal(scope_record_verify(&record), FLUME_OK);
    assert_int_equal(scope_record_name(&record), FLUME_OK);
    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    assert_int_equal(flume_scope_local_id(scope, local_id), FLUME_OK);
    assert_memory_equal(record.id, id, sizeof id);
    assert_memory_equal(record.local_id, local_id, sizeof local_id);
    assert_int_equal(scope_record_verify(&record), FLUME_OK);
    for (size_t at = ID_AT; at < EXTENDS_AT; at += 21) { /* There is no other form of it. */
        made.body.data[at] = 1;
        assert_int_equal(scope_record_decode(&made.record, &record), FLUME_ERR_DAMAGED);
        made.body.data[at] = 0;
    }
    scope_record_release(&record);
    flume_scope_destroy(scope);
    scope_buffer_deinit(&made.body);
}

static void the_examples_of_the_format_are_what_is_written(void **state)
{
    struct scope_stamp stamp = {
        .form = SCOPE_RECORD_FULL, .extends_seq = FLUME_SEQ_NONE, .frame = 1};
    struct scope_stamp link = {.form = SCOPE_RECORD_LINK,
                               .target_seq = 42,
                               .count = 1000,
                               .first_time_ns = UINT64_C(1700000000000000000),
                               .last_time_ns = UINT64_C(1700000001000000000),
                               .frame = 1};
    struct scope_stamp part = {
        .form = SCOPE_RECORD_SHADOWED, .extends_seq = FLUME_SEQ_NONE, .target_seq = 42, .frame = 2};
    const struct scope_pairs *pairs;
    struct scope_stamp more = {
        .form = SCOPE_RECORD_DELTA, .extends_seq = 42, .target_seq = 42, .frame = 3};
    struct scope_buffer body = {.data = NULL};
    flume_scope *scope, *smaller, *larger;

    (void)state;
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "sweep"), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "n", 100), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "eps", 0.1), FLUME_OK);
    assert_int_equal(flume_scope_set_time(scope, "at", 5), FLUME_OK);
    assert_int_equal(flume_scope_classify(scope, "at", FLUME_CLASS_VOLATILE), FLUME_OK);
    assert_int_equal(scope_record_encode(scope, &stamp, &body), FLUME_OK);
    expect_dump("scope", body.data, body.bytes);
    assert_int_equal(scope_record_encode(scope, &link, &body), FLUME_OK);
    expect_dump("link", body.data, body.bytes);
    assert_int_equal(flume_scope_copy(scope, &smaller), FLUME_OK);
    assert_int_equal(flume_scope_unset(smaller, "eps"), FLUME_OK);
    assert_int_equal(scope_pairs_of(scope, &pairs), FLUME_OK);
    part.target_pairs = pairs;
    assert_int_equal(scope_record_encode(smaller, &part, &body), FLUME_OK);
    expect_dump("shadowed", body.data, body.bytes);
    assert_int_equal(flume_scope_copy(scope, &larger), FLUME_OK);
    assert_int_equal(flume_scope_set_int(larger, "z", 7), FLUME_OK);
    more.target_pairs = pairs;
    assert_int_equal(scope_record_encode(larger, &more, &body), FLUME_OK);
    expect_dump("delta", body.data, body.bytes);
    flume_scope_destroy(larger);
    flume_scope_destroy(smaller);
    flume_scope_destroy(scope);
    scope_buffer_deinit(&body);
}

static void what_is_written_is_read(void **state)
{
    struct scope_stamp stamp = {
        .form = SCOPE_RECORD_FULL, .extends_seq = 7, .frame = 3, .enclosing_frame = 2};
    flume_scope *scope = make_scope(), *again;
    const struct scope_pairs *pairs;
    struct made made = {.body = {.data = NULL}};
    struct scope_record record = {.memory = NULL};

    (void)state;
    make_record(&made, scope, &stamp);
    assert_int_equal(scope_record_decode(&made.record, &record), FLUME_OK);
    assert_int_equal(scope_record_verify(&record), FLUME_OK);
    assert_int_equal(record.extends_seq, 7);
    assert_int_equal(record.frame, 3);
    assert_int_equal(record.enclosing_frame, 2);
    assert_int_equal(record.own_labels, 2);
    assert_int_equal(record.label_count, 3);
    assert_int_equal(record.volatiles.count, 2);
    assert_int_equal(scope_pairs_of(scope, &pairs), FLUME_OK);
    assert_int_equal(record.identity.count, pairs->count);
    for (size_t i = 0; i < pairs->count; i++) {
        assert_int_equal(record.identity.pairs[i].bytes, pairs->pairs[i].bytes);
        assert_memory_equal(record.identity.pairs[i].data, pairs->pairs[i].data,
                            pairs->pairs[i].bytes);
        assert_int_equal(scope_key_compare(record.identity.pairs[i].key,
                                           record.identity.pairs[i].key_bytes, pairs->pairs[i].key,
                                           pairs->pairs[i].key_bytes),
                         0);
    }
    assert_int_equal(flume_scope_create(&again), FLUME_OK);
    assert_int_equal(scope_record_restore(&record, again), FLUME_OK);
    expect_equal_scopes(scope, again);
    flume_scope_destroy(again);
    flume_scope_destroy(scope);
    scope_record_release(&record);
    scope_buffer_deinit(&made.body);
}

static void a_scope_that_is_too_large_for_a_record_is_refused(void **state)
{
    static char text[FLUME_SCOPE_VALUE_BYTES_MAX + 1];
    struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL};
    struct scope_buffer body = {.data = NULL};
    flume_scope *scope;
    flume_error error;
    char key[16];

    (void)state;
    memset(text, 't', sizeof text - 1);
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    for (int i = 0; i < 4096; i++) {
        (void)snprintf(key, sizeof key, "%04d", i);
        assert_int_equal(flume_scope_set_text(scope, key, text), FLUME_OK);
    }
    assert_int_equal(scope_record_encode(scope, &stamp, &body), FLUME_ERR_TOO_LARGE);
    flume_scope_error(scope, &error);
    assert_non_null(strstr(error.message, "16777216"));
    assert_int_equal(flume_scope_unset(scope, "0000"), FLUME_OK);
    for (int i = 1; i < 20; i++) {
        (void)snprintf(key, sizeof key, "%04d", i);
        assert_int_equal(flume_scope_unset(scope, key), FLUME_OK);
    }
    assert_int_equal(scope_record_encode(scope, &stamp, &body), FLUME_OK);
    flume_scope_error(scope, &error);
    assert_int_equal(error.status, FLUME_OK);
    flume_scope_destroy(scope);
    scope_buffer_deinit(&body);
}

/* ---- damage ---- */

/* DAMAGED or of a newer flume; or sound, and then it has no other form. */
static bool is_refused_or_canonical(const flume_record *source, struct scope_record *record)
{
    int status = scope_record_decode(source, record);
    struct rebuilt body;

    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_VERSION)
        return false;
    assert_int_equal(status, FLUME_OK);
    body = rebuild_body(record, source->body_bytes);
    assert_int_equal(body.bytes, source->body_bytes);
    assert_memory_equal(body.data, source->body, body.bytes);
    free(body.data);
    return true;
}

/* Every truncation is refused, every flipped bit is refused or told back. */
static void damage(flume_scope *scope, const struct scope_stamp *stamp)
{
    struct made made = {.body = {.data = NULL}};
    struct scope_record record = {.memory = NULL};
    size_t bytes;

    make_record(&made, scope, stamp);
    bytes = made.record.body_bytes;
    for (size_t cut = 0; cut < bytes; cut++) {
        uint8_t *body = malloc(cut + 1); /* So that reading beyond it shows. */

        assert_non_null(body);
        memcpy(body, made.body.data, cut);
        made.record.body = body;
        made.record.body_bytes = cut;
        assert_int_equal(scope_record_decode(&made.record, &record), FLUME_ERR_DAMAGED);
        free(body);
    }
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        uint8_t *body = malloc(bytes);

        assert_non_null(body);
        memcpy(body, made.body.data, bytes);
        body[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        made.record.body = body;
        made.record.body_bytes = bytes;
        (void)is_refused_or_canonical(&made.record, &record); /* It asserts what must hold. */
        free(body);
    }
    scope_record_release(&record);
    scope_buffer_deinit(&made.body);
}

static void a_damaged_scope_is_refused_or_told_as_it_is(void **state)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL, .extends_seq = 7};
    flume_scope *scope = make_scope(), *empty;

    (void)state;
    damage(scope, &stamp);
    assert_int_equal(flume_scope_create(&empty), FLUME_OK);
    damage(empty, &stamp);
    flume_scope_destroy(empty);
    flume_scope_destroy(scope);
}

static void a_bit_of_a_variable_makes_another_scope(void **state)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL};
    struct made made = {.body = {.data = NULL}};
    struct scope_record record = {.memory = NULL};
    flume_scope *scope;
    size_t end, told = 0;

    (void)state;
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "n", 100), FLUME_OK);
    assert_int_equal(flume_scope_set_text(scope, "name", "text"), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "sweep"), FLUME_OK);
    make_record(&made, scope, &stamp);
    assert_int_equal(scope_record_decode(&made.record, &record), FLUME_OK);
    end = (size_t)(record.attributes - made.body.data);
    for (size_t bit = 8 * PAIRS_AT; bit < 8 * end; bit++) {
        made.body.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (is_refused_or_canonical(&made.record, &record)) {
            assert_int_equal(scope_record_verify(&record), FLUME_ERR_DAMAGED);
            told++;
        }
        made.body.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_in_range(told, 64, 8 * end); /* At least those of the number. */
    scope_record_release(&record);
    scope_buffer_deinit(&made.body);
    flume_scope_destroy(scope);
}

static void a_damaged_link_is_refused_or_told_as_it_is(void **state)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_LINK, .target_seq = 7, .count = 3};
    flume_scope *scope = make_scope();

    (void)state;
    damage(scope, &stamp);
    flume_scope_destroy(scope);
}

/* Each form of a body that ends with the id of tares. */
static void a_damaged_tared_record_is_refused_or_told_as_it_is(void **state)
{
    struct scope_stamp full = {.form = SCOPE_RECORD_FULL, .extends_seq = 7, .tare_id = {1}};
    struct scope_stamp within = {.form = SCOPE_RECORD_FULL,
                                 .is_within = true,
                                 .target_seq = 7,
                                 .tare_id = {[FLUME_HASH_BYTES - 1] = 3}};
    struct scope_stamp link = {
        .form = SCOPE_RECORD_LINK, .target_seq = 7, .count = 3, .tare_id = {1, 2}};
    flume_scope *scope = make_scope(), *empty;

    (void)state;
    assert_int_equal(flume_scope_create(&empty), FLUME_OK);
    damage(scope, &full);
    damage(scope, &link);
    damage(empty, &full);
    damage(empty, &within);
    damage(empty, &link);
    flume_scope_destroy(empty);
    flume_scope_destroy(scope);
}

static void the_id_of_tares_is_read_back_and_is_never_0(void **state)
{
    const uint8_t tare_id[FLUME_HASH_BYTES] = {9, 8, [FLUME_HASH_BYTES - 1] = 7};
    struct scope_stamp stamps[2] = {{.form = SCOPE_RECORD_FULL, .extends_seq = 7},
                                    {.form = SCOPE_RECORD_LINK, .target_seq = 7, .count = 3}};
    struct made made = {.body = {.data = NULL}};
    struct scope_record record = {.memory = NULL};
    flume_scope *scope = make_scope();

    (void)state;
    for (int i = 0; i < 2; i++) {
        memcpy(stamps[i].tare_id, tare_id, sizeof tare_id);
        make_record(&made, scope, &stamps[i]);
        assert_int_equal(scope_record_decode(&made.record, &record), FLUME_OK);
        assert_memory_equal(record.tare_id, tare_id, sizeof tare_id);
        assert_int_equal(record.volatiles.count, 2);
        memset(made.body.data + made.body.bytes - FLUME_HASH_BYTES, 0, FLUME_HASH_BYTES);
        assert_int_equal(scope_record_decode(&made.record, &record), FLUME_ERR_DAMAGED);
    }
    scope_record_release(&record);
    scope_buffer_deinit(&made.body);
    flume_scope_destroy(scope);
}

static void a_damaged_part_is_refused_or_told_as_it_is(void **state)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_SHADOWED, .target_seq = 7};
    flume_scope *scope = make_scope(), *whole = make_scope();
    const struct scope_pairs *pairs;

    (void)state;
    assert_int_equal(flume_scope_unset(scope, "n"), FLUME_OK);
    assert_int_equal(flume_scope_unset(scope, "state"), FLUME_OK);
    assert_int_equal(flume_scope_label(whole, "more"), FLUME_OK);
    assert_int_equal(scope_pairs_of(whole, &pairs), FLUME_OK);
    stamp.target_pairs = pairs;
    damage(scope, &stamp);
    flume_scope_destroy(scope);
    flume_scope_destroy(whole);
}

static void a_damaged_delta_is_refused_or_told_as_it_is(void **state)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_DELTA, .extends_seq = 7, .target_seq = 7};
    flume_scope *scope = make_scope(), *part = make_scope();
    const struct scope_pairs *pairs;

    (void)state;
    assert_int_equal(flume_scope_unset(part, "n"), FLUME_OK);
    assert_int_equal(flume_scope_unset(part, "state"), FLUME_OK);
    assert_int_equal(flume_scope_unset(part, "big"), FLUME_OK);
    assert_int_equal(flume_scope_unset(part, "planck"), FLUME_OK);
    assert_int_equal(scope_pairs_of(part, &pairs), FLUME_OK);
    stamp.target_pairs = pairs;
    damage(scope, &stamp);
    flume_scope_destroy(scope);
    flume_scope_destroy(part);
}

/* The body of a scope {a: V, b: 1} in which the bytes at an offset behind the head are others. */
static void expect_body(const void *pairs, size_t bytes, int status)
{
    uint8_t body[PAIRS_AT + 256] = {1};
    flume_record source = {.body = body, .body_bytes = PAIRS_AT + bytes, .kind = FLUME_KIND_SCOPE};
    struct scope_record record = {.memory = NULL};

    assert_in_range(bytes, 0, 256);
    memcpy(body + PAIRS_AT, pairs, bytes);
    assert_int_equal(scope_record_decode(&source, &record), status);
    scope_record_release(&record);
}

#define BODY(text, status) expect_body(text, sizeof(text) - 1, status)

#define ZEROS "\0\0\0\0\0\0\0\0"
#define CHAIN "\12@enclosing\12" ZEROS ZEROS ZEROS ZEROS

static void what_encloses_is_a_hash_and_no_other_key_is_reserved(void **state)
{
    (void)state;
    BODY("\1" CHAIN "\2\0", FLUME_OK);
    BODY("\1" CHAIN "\12\0", FLUME_ERR_DAMAGED); /* Global. */
    BODY("\1" CHAIN "\0\0", FLUME_ERR_DAMAGED);  /* Inline. */
    BODY("\1\12@enclosing\0\0\0", FLUME_ERR_DAMAGED);
    BODY("\0\1" CHAIN "\3", FLUME_ERR_DAMAGED); /* Volatile. */
    BODY("\1\12@enclosinh\12" ZEROS ZEROS ZEROS ZEROS "\2\0", FLUME_ERR_DAMAGED);
    BODY("\1\11@enclosin\12" ZEROS ZEROS ZEROS ZEROS "\2\0", FLUME_ERR_DAMAGED);
}

static void other_forms_of_the_same_are_refused(void **state)
{
    (void)state;
    BODY("\0\0", FLUME_OK);
    BODY("\1\1a\0\0\0", FLUME_OK);
    BODY("\201\0\1a\0\0\0", FLUME_ERR_DAMAGED);    /* A longer varint: of the count, */
    BODY("\1\201\0a\0\0\0", FLUME_ERR_DAMAGED);    /* of a key, */
    BODY("\1\1a\5\201\0x\0\0", FLUME_ERR_DAMAGED); /* of a text. */
    BODY("\1\1a\5\1x\0\0", FLUME_OK);
    BODY("\1\1a\5\1\377\0\0", FLUME_ERR_DAMAGED); /* Text that is none. */
    BODY("\1\1a\6\1\377\0\0", FLUME_OK);          /* Bytes. */
    BODY("\1\1a\7\1\377\0\0", FLUME_ERR_DAMAGED);
    BODY("\1\1a\1\1\0\0", FLUME_OK);
    BODY("\1\1a\1\2\0\0", FLUME_ERR_DAMAGED);               /* true is 1. */
    BODY("\1\1a\15\0\0", FLUME_ERR_DAMAGED);                /* There is no tag 13. */
    BODY("\1\1a\3\0\0\0\0\0\0\0\1\0\0", FLUME_ERR_DAMAGED); /* It would be an int. */
    BODY("\1\1a\3\200\0\0\0\0\0\0\0\0\0", FLUME_OK);
    BODY("\1\1a\3\177\377\377\377\377\377\377\377\0\0", FLUME_ERR_DAMAGED);
    BODY("\1\1a\4\377\370\0\0\0\0\0\0\0\0", FLUME_OK);
    BODY("\1\1a\4\377\370\0\0\0\0\0\1\0\0", FLUME_ERR_DAMAGED);         /* Another NaN. */
    BODY("\1\1a\4\0\7\377\377\377\377\377\377\0\0", FLUME_ERR_DAMAGED); /* A negative one. */
    BODY("\2\1a\0\1b\0\0\0\0", FLUME_OK);
    BODY("\2\1b\0\1a\0\0\0\0", FLUME_ERR_DAMAGED); /* Not in order. */
    BODY("\2\1a\0\1a\0\0\0\0", FLUME_ERR_DAMAGED); /* Twice. */
    BODY("\1\0\0\0\0", FLUME_ERR_DAMAGED);         /* No name. */
    BODY("\1\2@a\0\0\0", FLUME_ERR_DAMAGED);
    BODY("\1\2a\0\0\0\0", FLUME_ERR_DAMAGED); /* A zero byte in it. */
    BODY("\1\1\377\0\0\0", FLUME_ERR_DAMAGED);
    BODY("\1\1a\0\10\0", FLUME_OK);          /* Global. */
    BODY("\1\1a\0\1\0", FLUME_ERR_DAMAGED);  /* A blob that is null. */
    BODY("\1\1a\0\20\0", FLUME_ERR_DAMAGED); /* An attribute that is none. */
    BODY("\0\1\1a\0\3", FLUME_OK);
    BODY("\0\1\1a\0\0", FLUME_ERR_DAMAGED);        /* Not volatile. */
    BODY("\1\1a\0\0\1\1a\0\3", FLUME_ERR_DAMAGED); /* Volatile and not. */
    BODY("\0\0\0", FLUME_ERR_DAMAGED);             /* A byte more. */
    BODY("\377\377\3", FLUME_ERR_DAMAGED);         /* 65,535 that are not there. */
    BODY("\200\200\4", FLUME_ERR_DAMAGED);         /* 65,536. */
    BODY("\377\377\377\377\17", FLUME_ERR_DAMAGED);
    BODY("\377\377\377\377\377\1", FLUME_ERR_DAMAGED);
}

static void heads_that_are_none_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        int status;
    } rows[] = {{FORMAT_AT, 0, FLUME_ERR_DAMAGED},
                {FORMAT_AT, 2, FLUME_ERR_VERSION},
                {FORM_AT, 3, FLUME_ERR_VERSION},
                {FORM_AT, 1, FLUME_ERR_DAMAGED},
                {FORM_AT, 2, FLUME_ERR_DAMAGED},
                {OWN_AT, 1, FLUME_ERR_DAMAGED},
                {OWN_AT + 1, 1, FLUME_ERR_DAMAGED},
                {FLAGS_AT, 1, FLUME_ERR_DAMAGED},
                {FLAGS_AT + 3, 1, FLUME_ERR_DAMAGED},
                {FLAGS_AT, 2, FLUME_OK},
                {FLAGS_AT, 4, FLUME_OK},
                {FLAGS_AT, 8, FLUME_ERR_DAMAGED},
                {EXTENDS_AT, 1, FLUME_OK}};
    struct scope_record record = {.memory = NULL};
    flume_record source = {.body_bytes = PAIRS_AT + 2, .kind = FLUME_KIND_SCOPE};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t body[PAIRS_AT + 2] = {1};

        body[rows[i].at] = rows[i].value;
        source.body = body;
        assert_int_equal(scope_record_decode(&source, &record), rows[i].status);
    }
    source.kind = FLUME_KIND_MESSAGE;
    assert_int_equal(scope_record_decode(&source, &record), FLUME_ERR_INVALID);
    scope_record_release(&record);
}

/* Variables that are null, with keys of one letter each. */
static int decode_keys(struct scope_record *record, const char *keys)
{
    size_t count = strlen(keys), at = PAIRS_AT;
    uint8_t body[PAIRS_AT + 64] = {1};
    flume_record source = {.body = body, .kind = FLUME_KIND_SCOPE};

    body[at++] = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        body[at++] = 1;
        body[at++] = (uint8_t)keys[i];
        body[at++] = FLUME_VALUE_NULL;
    }
    source.body_bytes = at + count + 1; /* Attributes, and no volatile variable. */
    return scope_record_decode(&source, record);
}

static void keys_of_the_record_before_excuse_none_of_the_next(void **state)
{
    struct scope_record record = {.memory = NULL};

    (void)state;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(decode_keys(&record, "abcd"), FLUME_OK);
        assert_int_equal(record.variables.count, 4);
        assert_int_equal(decode_keys(&record, "acbd"), FLUME_ERR_DAMAGED);
        assert_int_equal(decode_keys(&record, "abdd"), FLUME_ERR_DAMAGED);
        assert_int_equal(decode_keys(&record, "abcd"), FLUME_OK);
        assert_int_equal(decode_keys(&record, "bcd"), FLUME_OK);
        assert_int_equal(decode_keys(&record, "abca"), FLUME_ERR_DAMAGED);
        assert_int_equal(decode_keys(&record, "abc\xff"), FLUME_ERR_DAMAGED);
        assert_int_equal(decode_keys(&record, "abcde"), FLUME_OK);
        assert_int_equal(decode_keys(&record, "ab"), FLUME_OK);
        assert_int_equal(decode_keys(&record, "abb"), FLUME_ERR_DAMAGED);
    }
    assert_int_equal(decode_keys(&record, "xyz"), FLUME_OK);
    assert_int_equal(record.variables.pairs[2].key_bytes, 1);
    scope_record_release(&record);
}

static void expect_labels(const char *meta, size_t bytes, uint8_t own, int status)
{
    uint8_t body[PAIRS_AT + 2] = {1, 0, own};
    flume_record source = {.body = body,
                           .body_bytes = sizeof body,
                           .kind = FLUME_KIND_SCOPE,
                           .meta = (const uint8_t *)meta,
                           .meta_bytes = bytes};
    struct scope_record record = {.memory = NULL};

    assert_int_equal(scope_record_decode(&source, &record), status);
    scope_record_release(&record);
}

static void labels_that_are_not_in_order_are_refused(void **state)
{
    (void)state;
    expect_labels("\1\1a\1\1b", 6, 2, FLUME_OK);
    expect_labels("\1\1b\1\1a", 6, 2, FLUME_ERR_DAMAGED);
    expect_labels("\1\1b\1\1a", 6, 1, FLUME_OK); /* a is inherited. */
    expect_labels("\1\1b\1\1a", 6, 0, FLUME_ERR_DAMAGED);
    expect_labels("\1\1a\1\1a", 6, 1, FLUME_ERR_DAMAGED); /* Own and inherited. */
    expect_labels("\1\1a\1\1a", 6, 2, FLUME_ERR_DAMAGED);
    expect_labels("\1\1a\1\1b", 6, 3, FLUME_ERR_DAMAGED);
    expect_labels("\1\1@\1\1b", 6, 1, FLUME_ERR_DAMAGED);
}

/* ---- in a log ---- */

static uint64_t append_scope(flume_log *log, flume_scope *scope, const struct scope_stamp *stamp)
{
    struct scope_buffer body = {.data = NULL};
    flume_entry entry = {.kind = FLUME_KIND_SCOPE};
    uint64_t seq;
    size_t own;

    assert_int_equal(scope_record_encode(scope, stamp, &body), FLUME_OK);
    entry.body = body.data;
    entry.body_bytes = body.bytes;
    if (stamp->form == SCOPE_RECORD_LINK)
        entry.kind = FLUME_KIND_LINK;
    else
        assert_int_equal(scope_record_labels(scope, &entry.labels, &entry.label_count, &own),
                         FLUME_OK);
    assert_int_equal(flume_log_append_entry(log, &entry, &seq), FLUME_OK);
    scope_buffer_deinit(&body);
    return seq;
}

static void expect_read(flume_log *log, uint64_t seq, flume_scope *expected,
                        struct scope_record *record)
{
    flume_scope *scope;

    assert_int_equal(scope_record_read(log, seq, record), FLUME_OK);
    assert_int_equal(scope_record_verify(record), FLUME_OK);
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(scope_record_restore(record, scope), FLUME_OK);
    expect_equal_scopes(expected, scope);
    flume_scope_destroy(scope);
}

static void parts_and_links_are_read_through_what_they_name(void **state)
{
    struct log_fixture *fx = *state;
    struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL, .extends_seq = FLUME_SEQ_NONE};
    struct scope_stamp link = {.form = SCOPE_RECORD_LINK, .count = 9};
    flume_scope *whole = make_scope(), *part = make_scope();
    struct scope_record record = {.memory = NULL};
    const struct scope_pairs *pairs;
    uint64_t whole_seq, part_seq;

    assert_int_equal(flume_scope_label(whole, "more"), FLUME_OK);
    assert_int_equal(flume_scope_unset(part, "n"), FLUME_OK);
    assert_int_equal(flume_scope_unset(part, "0"), FLUME_OK);
    assert_int_equal(flume_scope_unset(part, "state"), FLUME_OK);
    assert_int_equal(flume_scope_set_time(part, "now", 6), FLUME_OK);
    assert_int_equal(flume_scope_classify(part, "now", FLUME_CLASS_VOLATILE), FLUME_OK);
    whole_seq = append_scope(fx->log, whole, &stamp);
    assert_int_equal(scope_pairs_of(whole, &pairs), FLUME_OK);
    stamp = (struct scope_stamp){.form = SCOPE_RECORD_SHADOWED,
                                 .extends_seq = FLUME_SEQ_NONE,
                                 .target_seq = whole_seq,
                                 .target_pairs = pairs};
    part_seq = append_scope(fx->log, part, &stamp);
    for (int round = 0; round < 2; round++) { /* Memory is used again. */
        expect_read(fx->log, whole_seq, whole, &record);
        expect_read(fx->log, part_seq, part, &record);
        assert_int_equal(record.missing.count, 4);
        link.target_seq = whole_seq;
        expect_read(fx->log, append_scope(fx->log, whole, &link), whole, &record);
        assert_int_equal(record.count, 9);
        link.target_seq = part_seq;
        expect_read(fx->log, append_scope(fx->log, part, &link), part, &record);
    }
    scope_record_release(&record);
    flume_scope_destroy(whole);
    flume_scope_destroy(part);
}

static void only_a_true_part_is_stored_as_one(void **state)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_SHADOWED};
    flume_scope *whole = make_scope(), *part = make_scope();
    struct scope_buffer body = {.data = NULL};

    (void)state;
    assert_int_equal(scope_pairs_of(whole, &stamp.target_pairs), FLUME_OK);
    assert_int_equal(scope_record_encode(part, &stamp, &body), FLUME_ERR_INVALID); /* All of it. */
    assert_int_equal(flume_scope_unset(part, "s"), FLUME_OK);
    assert_int_equal(scope_record_encode(part, &stamp, &body), FLUME_OK);
    assert_int_equal(flume_scope_set_int(part, "n", 99), FLUME_OK);
    assert_int_equal(scope_record_encode(part, &stamp, &body), FLUME_ERR_INVALID);
    assert_int_equal(flume_scope_set_int(part, "n", -100), FLUME_OK);
    assert_int_equal(flume_scope_set_int(part, "zz", 1), FLUME_OK);
    assert_int_equal(scope_record_encode(part, &stamp, &body), FLUME_ERR_INVALID);
    scope_buffer_deinit(&body);
    flume_scope_destroy(whole);
    flume_scope_destroy(part);
}

/* Each names what is not there, or not what it says it is. */
static void what_names_something_else_is_damaged(void **state)
{
    struct log_fixture *fx = *state;
    struct scope_stamp full = {.form = SCOPE_RECORD_FULL, .extends_seq = FLUME_SEQ_NONE};
    struct scope_stamp link = {.form = SCOPE_RECORD_LINK, .count = 1};
    struct scope_stamp shadowed = {.form = SCOPE_RECORD_SHADOWED, .extends_seq = FLUME_SEQ_NONE};
    flume_scope *whole = make_scope(), *part = make_scope(), *other = make_scope();
    struct scope_record record = {.memory = NULL};
    uint64_t whole_seq, part_seq, link_seq, other_seq, text_seq = append_text(fx->log, "text");
    const struct scope_pairs *pairs;

    assert_int_equal(flume_scope_unset(part, "n"), FLUME_OK);
    assert_int_equal(flume_scope_unset(other, "n"), FLUME_OK);
    assert_int_equal(flume_scope_set_int(other, "n2", 1), FLUME_OK);
    whole_seq = append_scope(fx->log, whole, &full);
    other_seq = append_scope(fx->log, other, &full);
    assert_int_equal(scope_pairs_of(whole, &pairs), FLUME_OK);
    shadowed.target_pairs = pairs;
    shadowed.target_seq = whole_seq;
    part_seq = append_scope(fx->log, part, &shadowed);
    link.target_seq = whole_seq;
    link_seq = append_scope(fx->log, whole, &link);
    for (size_t i = 0; i < 6; i++) {
        uint64_t targets[] = {text_seq,  link_seq,       part_seq,
                              other_seq, link_seq + 100, FLUME_SEQ_NONE};

        shadowed.target_seq = targets[i];
        assert_int_equal(
            scope_record_read(fx->log, append_scope(fx->log, part, &shadowed), &record),
            FLUME_ERR_DAMAGED);
        link.target_seq = targets[i];
        assert_int_equal(scope_record_read(fx->log, append_scope(fx->log, whole, &link), &record),
                         FLUME_ERR_DAMAGED);
    }
    assert_int_equal(scope_record_read(fx->log, text_seq, &record), FLUME_ERR_INVALID);
    assert_int_equal(scope_record_read(fx->log, link_seq + 1000, &record), FLUME_ERR_NOT_FOUND);
    expect_read(fx->log, part_seq, part, &record);
    scope_record_release(&record);
    flume_scope_destroy(whole);
    flume_scope_destroy(part);
    flume_scope_destroy(other);
}

/* A thousand that each name the one before: none is followed further than to the first. */
static void a_chain_is_not_followed(void **state)
{
    struct log_fixture *fx = *state;
    struct scope_stamp full = {.form = SCOPE_RECORD_FULL, .extends_seq = FLUME_SEQ_NONE};
    struct scope_stamp shadowed = {.form = SCOPE_RECORD_SHADOWED};
    flume_scope *whole = make_scope(), *part = make_scope();
    struct scope_record record = {.memory = NULL};
    uint64_t seq = append_scope(fx->log, whole, &full);

    assert_int_equal(flume_scope_unset(part, "n"), FLUME_OK);
    assert_int_equal(scope_pairs_of(whole, &shadowed.target_pairs), FLUME_OK);
    for (int i = 0; i < 1000; i++) {
        shadowed.target_seq = seq;
        seq = append_scope(fx->log, part, &shadowed);
        assert_int_equal(scope_record_read(fx->log, seq, &record),
                         i == 0 ? FLUME_OK : FLUME_ERR_DAMAGED);
    }
    scope_record_release(&record);
    flume_scope_destroy(whole);
    flume_scope_destroy(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_format_are_what_is_written),
        cmocka_unit_test(a_record_is_told_to_be_its_scope_and_no_other),
        cmocka_unit_test(ids_that_are_left_out_are_made_by_who_reads),
        cmocka_unit_test(labels_of_a_record_are_told_one_by_one),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_scope_that_is_too_large_for_a_record_is_refused),
        cmocka_unit_test(a_damaged_scope_is_refused_or_told_as_it_is),
        cmocka_unit_test(a_bit_of_a_variable_makes_another_scope),
        cmocka_unit_test(a_damaged_link_is_refused_or_told_as_it_is),
        cmocka_unit_test(a_damaged_part_is_refused_or_told_as_it_is),
        cmocka_unit_test(a_damaged_delta_is_refused_or_told_as_it_is),
        cmocka_unit_test(a_damaged_tared_record_is_refused_or_told_as_it_is),
        cmocka_unit_test(the_id_of_tares_is_read_back_and_is_never_0),
        cmocka_unit_test(other_forms_of_the_same_are_refused),
        cmocka_unit_test(what_encloses_is_a_hash_and_no_other_key_is_reserved),
        cmocka_unit_test(heads_that_are_none_are_refused),
        cmocka_unit_test(keys_of_the_record_before_excuse_none_of_the_next),
        cmocka_unit_test(labels_that_are_not_in_order_are_refused),
        log_test(parts_and_links_are_read_through_what_they_name),
        cmocka_unit_test(only_a_true_part_is_stored_as_one),
        log_test(what_names_something_else_is_damaged),
        log_test(a_chain_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
