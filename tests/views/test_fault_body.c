/*
 * test_fault_body.c - a lack of memory is told as such: it never passes for a body that is not
 * JSON, which would leave a record out of an index for good.
 */
#include "find_fixture.h"

#include "body.h"
#include "declaration.h"
#include "mark.h"

/* jansson's allocations, of which one is refused. */
static long allocations_left = -1; /* Less than 0: none is refused. */

static void *refusing_malloc(size_t bytes)
{
    return allocations_left == 0 || allocations_left-- == 0 ? NULL : malloc(bytes);
}

/* No token is longer than jansson's first buffer: where that cannot grow, jansson itself aborts. */
static const char *const bodies[] = {
    "5",
    "1.5",
    "true",
    "{\"a\":{\"b\":[1,2.5,\"x\",null,[],{}]}}",
    "{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"10\":0,\"11\":0}",
    "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33]",
};

static void a_lack_of_memory_is_no_lack_of_json(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        json_t *json = NULL;
        int status = FLUME_ERR_NO_MEMORY;

        for (long allowed = 0; status != FLUME_OK; allowed++) {
            allocations_left = allowed;
            status = body_parse(bodies[i], strlen(bodies[i]), &json);
            allocations_left = -1;
            if (status != FLUME_OK) {
                assert_int_equal(status, FLUME_ERR_NO_MEMORY);
                assert_null(json);
                refused++;
            }
        }
        if (json == NULL)
            fail_msg("%s is taken for no JSON", bodies[i]);
        json_decref(json);
    }
    assert_true(refused > 40);
}

static void a_record_that_cannot_be_made_is_not_made_by_half(void **state)
{
    flume_declaration declaration = {.name = "n",
                                     .what = FLUME_DECLARED_REDUCE,
                                     .reduce = FLUME_REDUCE_SUM,
                                     .path = ".\"a\"",
                                     .by_path = ".b",
                                     .label = "l"};
    struct mark mark = {.flags = MARK_CHECKED, .seq = 5, .name = "n", .note = "note"};
    char *body = NULL;
    size_t bytes = 0;
    int status = FLUME_ERR_NO_MEMORY;

    (void)state;
    for (long allowed = 0; status != FLUME_OK; allowed++) {
        allocations_left = allowed;
        status = declaration_body_encode(&declaration, &body);
        allocations_left = -1;
        assert_true(status == FLUME_OK || status == FLUME_ERR_NO_MEMORY);
    }
    assert_string_equal(body, "{\"name\":\"n\",\"what\":\"reduce\",\"reduce\":\"sum\","
                              "\"path\":\".\\\"a\\\"\",\"by\":\".b\",\"label\":\"l\"}");
    free(body);
    status = FLUME_ERR_NO_MEMORY;
    for (long allowed = 0; status != FLUME_OK; allowed++) {
        allocations_left = allowed;
        status = mark_body_encode(&mark, &body, &bytes);
        allocations_left = -1;
        assert_true(status == FLUME_OK || status == FLUME_ERR_NO_MEMORY);
    }
    assert_string_equal(body, "{\"name\":\"n\",\"seq\":5,\"check\":\"0000000000000000\","
                              "\"note\":\"note\"}");
    free(body);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lack_of_memory_is_no_lack_of_json),
        cmocka_unit_test(a_record_that_cannot_be_made_is_not_made_by_half),
    };

    json_set_alloc_funcs(refusing_malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
