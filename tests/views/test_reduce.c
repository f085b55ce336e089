/*
 * test_reduce.c - counts, sums, ends and last values, by group, however records were batched.
 */
#include "find_fixture.h"

#include <inttypes.h>

enum { LISTED_BYTES = 8192 };

static int add_group(void *ctx, const flume_group *group)
{
    char *listed = ctx;
    size_t used = strlen(listed);
    int length = snprintf(listed + used, LISTED_BYTES - used, "%.*s=%" PRIu64 ":",
                          (int)group->key.bytes, (const char *)group->key.data, group->count);

    used += (size_t)length;
    if (group->is_number)
        length = snprintf(listed + used, LISTED_BYTES - used, "%.17g", group->number);
    else
        length = snprintf(listed + used, LISTED_BYTES - used, "'%.*s'", (int)group->text.bytes,
                          (const char *)group->text.data);
    used += (size_t)length;
    if (group->seq != FLUME_SEQ_NONE)
        (void)snprintf(listed + used, LISTED_BYTES - used, "@%" PRIu64, group->seq);
    (void)strncat(listed, " ", LISTED_BYTES - strlen(listed) - 1);
    return 0;
}

static void expect_groups(flume *handle, const char *name, const char *prefix, const char *expected)
{
    char listed[LISTED_BYTES] = "";

    assert_int_equal(flume_reduce_list(handle, NULL, name, prefix, add_group, listed), FLUME_OK);
    assert_string_equal(listed, expected);
}

static void declare_grouped(flume *handle, const char *name, enum flume_reduce_what what,
                            const char *path, const char *by_path)
{
    flume_declaration declaration = {.what = FLUME_DECLARED_REDUCE, .reduce = what};

    (void)snprintf(declaration.name, sizeof declaration.name, "%s", name);
    (void)snprintf(declaration.path, sizeof declaration.path, "%s", path);
    if (by_path != NULL)
        (void)snprintf(declaration.by_path, sizeof declaration.by_path, "%s", by_path);
    else
        declaration.by_label = true;
    assert_int_equal(flume_view_declare(handle, &declaration, NULL), FLUME_OK);
}

static void append_sales(struct find_fixture *fx)
{
    (void)append_json_with(fx->log, "{\"p\":1.5,\"s\":\"a\"}", "x", NULL); /* 1 */
    (void)append_json_with(fx->log, "{\"p\":-2,\"s\":\"b\"}", "x", "y");   /* 2 */
    (void)append_json(fx->log, "{\"p\":7,\"s\":\"a\"}");                   /* 3 */
    (void)append_json(fx->log, "{\"p\":\"word\",\"s\":5}");                /* 4 */
    (void)append_json(fx->log, "{\"p\":7,\"s\":\"b\"}");                   /* 5 */
    (void)append_json(fx->log, "{\"p\":-2}");                              /* 6 */
    (void)append_json(fx->log, "{\"p\":null,\"s\":\"a\"}");                /* 7 */
    (void)append_text(fx->log, "text");                                    /* 8 */
}

static void all_records_are_one_group_if_none_are_named(void **state)
{
    struct find_fixture *fx = *state;

    append_sales(fx);
    (void)declare_reduce(fx->handle, "count", FLUME_REDUCE_COUNT, ".p");
    (void)declare_reduce(fx->handle, "sum", FLUME_REDUCE_SUM, ".p");
    (void)declare_reduce(fx->handle, "min", FLUME_REDUCE_MIN, ".p");
    (void)declare_reduce(fx->handle, "max", FLUME_REDUCE_MAX, ".p");
    (void)declare_reduce(fx->handle, "last", FLUME_REDUCE_LAST, ".p");
    expect_groups(fx->handle, "count", NULL, "=7:7 ");
    expect_groups(fx->handle, "sum", NULL, "=5:11.5 ");
    expect_groups(fx->handle, "min", NULL, "=6:-2@2 ");
    expect_groups(fx->handle, "max", NULL, "=6:'word'@4 ");
    expect_groups(fx->handle, "last", NULL, "=6:-2@6 ");
}

static void a_count_without_a_path_counts_records(void **state)
{
    struct find_fixture *fx = *state;

    (void)declare_reduce(fx->handle, "all", FLUME_REDUCE_COUNT, ""); /* Counts its own record. */
    expect_groups(fx->handle, "all", NULL, "=1:1 ");
    append_sales(fx);
    expect_groups(fx->handle, "all", NULL, "=9:9 ");
}

static void nothing_is_listed_where_nothing_was_reduced(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "{\"p\":\"word\"}");
    (void)declare_reduce(fx->handle, "sum", FLUME_REDUCE_SUM, ".p");
    expect_groups(fx->handle, "sum", NULL, "");
}

static void groups_are_made_by_a_field(void **state)
{
    struct find_fixture *fx = *state;

    append_sales(fx);
    declare_grouped(fx->handle, "sum", FLUME_REDUCE_SUM, ".p", ".s");
    declare_grouped(fx->handle, "max", FLUME_REDUCE_MAX, ".p", ".s");
    declare_grouped(fx->handle, "count", FLUME_REDUCE_COUNT, "", ".s");
    expect_groups(fx->handle, "sum", NULL, "a=2:8.5 b=2:5 ");
    expect_groups(fx->handle, "max", NULL, "5=1:'word'@4 a=2:7@3 b=2:7@5 ");
    expect_groups(fx->handle, "count", NULL, "5=1:1 a=3:3 b=2:2 ");
    expect_groups(fx->handle, "count", "a", "a=3:3 ");
    expect_groups(fx->handle, "count", "c", "");
}

static void a_record_is_in_each_of_its_groups_once(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "{\"g\":[\"a\",\"b\",\"a\",5,5.0,\"5\",\"\",null,true]}");
    (void)append_json(fx->log, "{\"g\":[\"b\",[],{}]}");
    declare_grouped(fx->handle, "count", FLUME_REDUCE_COUNT, "", ".g[]");
    expect_groups(fx->handle, "count", NULL, "=1:1 5=1:1 a=1:1 b=2:2 null=1:1 true=1:1 ");
}

static void groups_are_made_by_label(void **state)
{
    struct find_fixture *fx = *state;

    append_sales(fx);
    (void)append_json_with(fx->log, "{\"p\":100}", "z", "z");
    declare_grouped(fx->handle, "sum", FLUME_REDUCE_SUM, ".p", NULL);
    expect_groups(fx->handle, "sum", NULL, "x=2:-0.5 y=1:-2 z=1:100 ");
}

static void only_records_with_the_declared_label_are_reduced(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration declaration = {.name = "sum",
                                     .what = FLUME_DECLARED_REDUCE,
                                     .reduce = FLUME_REDUCE_SUM,
                                     .path = ".p",
                                     .label = "x"};

    append_sales(fx);
    assert_int_equal(flume_view_declare(fx->handle, &declaration, NULL), FLUME_OK);
    expect_groups(fx->handle, "sum", NULL, "=2:-0.5 ");
}

static void every_value_at_a_path_is_reduced(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "[3,1,\"x\",2]");
    (void)append_json(fx->log, "[1]");
    (void)declare_reduce(fx->handle, "sum", FLUME_REDUCE_SUM, ".[]");
    (void)declare_reduce(fx->handle, "min", FLUME_REDUCE_MIN, ".[]");
    (void)declare_reduce(fx->handle, "max", FLUME_REDUCE_MAX, ".[]");
    (void)declare_reduce(fx->handle, "last", FLUME_REDUCE_LAST, ".[]");
    (void)declare_reduce(fx->handle, "count", FLUME_REDUCE_COUNT, ".[]");
    expect_groups(fx->handle, "sum", NULL, "=2:7 ");
    expect_groups(fx->handle, "min", NULL, "=2:1@1 ");
    expect_groups(fx->handle, "max", NULL, "=2:'x'@1 ");
    expect_groups(fx->handle, "last", NULL, "=2:1@2 ");
    expect_groups(fx->handle, "count", NULL, "=2:2 ");
}

static void long_texts_and_group_names_are_cut_but_not_confused(void **state)
{
    enum { BYTES = 1000 };
    struct find_fixture *fx = *state;
    char text[BYTES + 1], body[3 * BYTES], listed[LISTED_BYTES] = "";

    memset(text, 'k', BYTES);
    text[BYTES] = '\0';
    for (char last = 'a'; last <= 'b'; last++) {
        text[BYTES - 1] = last;
        (void)snprintf(body, sizeof body, "{\"g\":\"%s\",\"v\":\"%s\"}", text, text);
        (void)append_json(fx->log, body);
    }
    declare_grouped(fx->handle, "last", FLUME_REDUCE_LAST, ".v", ".g");
    assert_int_equal(flume_reduce_list(fx->handle, NULL, "last", "kkk", add_group, listed),
                     FLUME_OK);
    assert_non_null(strstr(listed, "@1 "));
    assert_non_null(strstr(listed, "@2 "));
    assert_null(strstr(listed, "=2:"));
    assert_int_equal(strspn(listed, "k"), 400);
    assert_int_equal(strspn(strchr(listed, '\'') + 1, "k"), 768);
}

static void sums_do_not_depend_on_batches(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t seed = random_seed();

    declare_grouped(fx->handle, "sum", FLUME_REDUCE_SUM, ".v", ".g");
    for (unsigned i = 0; i < 3000; i++) {
        char body[100], listed[LISTED_BYTES] = "";
        double number = ((double)random_next(&seed) - 9e18) / (double)(1 + random_below(&seed, 9));

        (void)snprintf(body, sizeof body, "{\"v\":%.17g,\"g\":%u}", number, random_below(&seed, 7));
        (void)append_json(fx->log, body);
        if (random_below(&seed, 100) == 0)
            assert_int_equal(flume_reduce_list(fx->handle, NULL, "sum", NULL, add_group, listed),
                             FLUME_OK);
    }
    verify_view(fx, "sum"); /* Byte for byte what one pass gives. */
}

static int stop_with_one(void *ctx, const flume_group *group)
{
    (void)group;
    (*(unsigned *)ctx)++;
    return 1;
}

static void a_callback_ends_the_listing_with_its_answer(void **state)
{
    struct find_fixture *fx = *state;
    unsigned calls = 0;

    append_sales(fx);
    declare_grouped(fx->handle, "count", FLUME_REDUCE_COUNT, "", ".s");
    assert_int_equal(flume_reduce_list(fx->handle, NULL, "count", NULL, stop_with_one, &calls), 1);
    assert_int_equal(calls, 1);
}

static void a_reduction_that_is_none_is_not_found(void **state)
{
    struct find_fixture *fx = *state;
    char listed[LISTED_BYTES] = "";

    (void)declare_field(fx->handle, "field", ".f", FLUME_FIELD_ANY);
    assert_int_equal(flume_reduce_list(fx->handle, NULL, "none", NULL, add_group, listed),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_reduce_list(fx->handle, NULL, "field", NULL, add_group, listed),
                     FLUME_ERR_NOT_FOUND);
    expect_detail(fx->handle, FLUME_ERR_NOT_FOUND, "field");
}

static void reopening_rebuilding_and_another_handle_give_the_same(void **state)
{
    struct find_fixture *fx = *state;
    flume *other;

    append_sales(fx);
    declare_grouped(fx->handle, "min", FLUME_REDUCE_MIN, ".p", ".s");
    expect_groups(fx->handle, "min", NULL, "5=1:'word'@4 a=2:1.5@1 b=2:-2@2 ");
    find_reopen(fx);
    other = open_flume(fx, 0);
    (void)append_json(flume_log_of(other), "{\"p\":-9,\"s\":\"a\"}");
    expect_groups(fx->handle, "min", NULL, "5=1:'word'@4 a=3:-9@11 b=2:-2@2 ");
    expect_groups(other, "min", NULL, "5=1:'word'@4 a=3:-9@11 b=2:-2@2 ");
    close_flume(other);
    rebuild_view(fx, "min");
    expect_groups(fx->handle, "min", NULL, "5=1:'word'@4 a=3:-9@11 b=2:-2@2 ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        find_test(all_records_are_one_group_if_none_are_named),
        find_test(a_count_without_a_path_counts_records),
        find_test(nothing_is_listed_where_nothing_was_reduced),
        find_test(groups_are_made_by_a_field),
        find_test(a_record_is_in_each_of_its_groups_once),
        find_test(groups_are_made_by_label),
        find_test(only_records_with_the_declared_label_are_reduced),
        find_test(every_value_at_a_path_is_reduced),
        find_test(long_texts_and_group_names_are_cut_but_not_confused),
        find_test(sums_do_not_depend_on_batches),
        find_test(a_callback_ends_the_listing_with_its_answer),
        find_test(a_reduction_that_is_none_is_not_found),
        find_test(reopening_rebuilding_and_another_handle_give_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
