/*
 * test_query_give_up.c - who has asked a query may give it up, also while nothing fits.
 */
#include "find_fixture.h"

enum { RECORDS = 400000 };
#define SECOND UINT64_C(1000000000)

struct patience {
    bool is_over;
    unsigned asked;
};

static bool is_over(void *ctx)
{
    struct patience *patience = ctx;

    patience->asked++;
    return patience->is_over;
}

/* Half of the records have the label, the others the value. */
static void append_halves(struct find_fixture *fx)
{
    for (unsigned i = 0; i < RECORDS; i++)
        (void)append_json_with(fx->log, i % 2 == 0 ? "{\"n\":1}" : "{\"n\":2}",
                               i % 2 == 0 ? "other" : "wanted", NULL);
}

static void a_query_that_passes_over_records_asks_whether_to_go_on(void **state)
{
    struct find_fixture *fx = *state;
    struct patience patience = {.is_over = false};
    flume_ask ask = {.give_up = is_over, .give_up_ctx = &patience};
    flume_term label = {.what = FLUME_TERM_LABEL, .from = "wanted"};
    flume_term value = {.what = FLUME_TERM_EQUAL, .field = "n", .from = "1"};
    flume_term both = {.what = FLUME_TERM_AND, .left = &label, .right = &value};
    flume_explanation explanation;
    flume_query *query = NULL;
    flume_record record;

    (void)declare_field(fx->handle, "n", ".n", FLUME_FIELD_NUMBER);
    append_halves(fx);
    assert_int_equal(flume_query_open(fx->handle, &ask, &both, &query), FLUME_OK);
    patience = (struct patience){.is_over = true};
    expect_detail(fx->handle, flume_query_next(query, &record), "given up");
    assert_int_equal(patience.asked, 1);
    flume_query_explain(query, &explanation);
    assert_true(explanation.records_read > 0 && explanation.records_read < RECORDS / 2);
    patience = (struct patience){.is_over = false};
    assert_int_equal(flume_query_next(query, &record), FLUME_END);
    assert_true(patience.asked > 0);
    flume_query_close(query);
}

static void a_query_that_waits_for_records_asks_whether_to_go_on(void **state)
{
    struct find_fixture *fx = *state;
    struct patience patience = {.is_over = false};
    flume_ask ask = {.give_up = is_over, .give_up_ctx = &patience};
    flume_term label = {.what = FLUME_TERM_LABEL, .from = "wanted"};
    flume_query *query = NULL;
    flume_record record;

    assert_int_equal(flume_query_open(fx->handle, &ask, &label, &query), FLUME_OK);
    assert_int_equal(flume_query_live(query, SECOND / 5), FLUME_OK);
    assert_int_equal(flume_query_next(query, &record), FLUME_ERR_TIMEOUT);
    assert_true(patience.asked >= 2); /* Of twenty times that it should be. */
    patience = (struct patience){.is_over = true};
    assert_int_equal(flume_query_live(query, FLUME_WAIT_FOREVER), FLUME_OK);
    assert_int_equal(flume_query_next(query, &record), FLUME_ERR_CANCELLED);
    flume_query_close(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        find_test(a_query_that_passes_over_records_asks_whether_to_go_on),
        find_test(a_query_that_waits_for_records_asks_whether_to_go_on),
    };

    return cmocka_run_group_tests_name("giving up a query", tests, NULL, NULL);
}
