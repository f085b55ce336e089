/*
 * test_exact_sum.c - sums do not depend on the order of their terms, and are rounded once.
 */
#include "find_fixture.h"

#include <float.h>
#include <math.h>

#include "exact_sum.h"

enum { TERMS = 200, ROUNDS = 500 };

struct term_of_sum {
    bool is_integer;
    int64_t integer;
    double real;
};

static void add(struct exact_sum *sum, const struct term_of_sum *term)
{
    if (term->is_integer)
        exact_sum_add_integer(sum, term->integer);
    else
        exact_sum_add_real(sum, term->real);
}

static struct term_of_sum random_term(uint64_t *io_state)
{
    uint64_t bits = random_next(io_state);
    struct term_of_sum term = {.is_integer = random_below(io_state, 3) == 0,
                               .integer = (int64_t)bits};

    memcpy(&term.real, &bits, sizeof term.real);
    if (!isfinite(term.real))
        term.real = 1;
    return term;
}

static void expect_same(const struct exact_sum *one, const struct exact_sum *other)
{
    uint8_t one_bytes[EXACT_SUM_BYTES_MAX], other_bytes[EXACT_SUM_BYTES_MAX];
    size_t count = exact_sum_encode(one, one_bytes);

    assert_int_equal(count, exact_sum_encode(other, other_bytes));
    assert_memory_equal(one_bytes, other_bytes, count);
}

static void the_order_of_terms_does_not_matter(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct term_of_sum terms[TERMS];
        struct exact_sum forward = {{0}}, parts[4] = {{{0}}};

        for (size_t i = 0; i < TERMS; i++)
            terms[i] = random_term(&seed);
        for (size_t i = 0; i < TERMS; i++)
            add(&forward, &terms[i]);
        for (size_t i = TERMS; i-- > 0;)
            add(&parts[random_below(&seed, 4)], &terms[i]);
        for (size_t i = 1; i < 4; i++)
            exact_sum_add(&parts[0], &parts[i]);
        expect_same(&forward, &parts[0]);
    }
}

static void what_is_added_and_taken_away_leaves_nothing(void **state)
{
    uint64_t seed = random_seed();
    struct exact_sum sum = {{0}}, nothing = {{0}};
    double numbers[TERMS];

    (void)state;
    for (size_t i = 0; i < TERMS; i++) {
        struct term_of_sum term = random_term(&seed);

        numbers[i] = term.real;
        exact_sum_add_real(&sum, numbers[i]);
    }
    for (size_t i = 0; i < TERMS; i++)
        exact_sum_add_real(&sum, -numbers[i]);
    expect_same(&sum, &nothing);
}

static void a_sum_is_stored_and_read_back(void **state)
{
    uint64_t seed = random_seed();
    uint8_t bytes[EXACT_SUM_BYTES_MAX];
    struct exact_sum sum = {{0}}, back;

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct term_of_sum term = random_term(&seed);
        size_t count;

        add(&sum, &term);
        count = exact_sum_encode(&sum, bytes);
        assert_true(exact_sum_decode(bytes, count, &back));
        assert_memory_equal(&sum, &back, sizeof sum);
        assert_false(exact_sum_decode(bytes, count - 1, &back));
    }
}

static void one_number_is_read_back_as_it_is(void **state)
{
    static const double numbers[] = {0.0,     1.0,    -1.0,    0.1,      DBL_MAX, -DBL_MAX,
                                     DBL_MIN, 5e-324, -5e-324, 1.5e-310, 1e22,    3.0e-5};
    uint64_t seed = random_seed();

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct exact_sum sum = {{0}};

        exact_sum_add_real(&sum, numbers[i]);
        assert_true(exact_sum_round(&sum) == numbers[i]);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct term_of_sum term = random_term(&seed);
        struct exact_sum sum = {{0}};

        add(&sum, &term);
        assert_true(exact_sum_round(&sum) == (term.is_integer ? (double)term.integer : term.real));
    }
}

static void a_sum_is_rounded_to_the_nearest_and_ties_to_even(void **state)
{
    struct exact_sum sum = {{0}};

    (void)state;
    exact_sum_add_real(&sum, 9007199254740992.0); /* 2^53: the next double is 2 away. */
    exact_sum_add_real(&sum, 1.0);
    assert_true(exact_sum_round(&sum) == 9007199254740992.0);
    exact_sum_add_real(&sum, 5e-324); /* However little is above the middle. */
    assert_true(exact_sum_round(&sum) == 9007199254740994.0);
    exact_sum_add_real(&sum, -5e-324);
    exact_sum_add_real(&sum, 2.0);
    assert_true(exact_sum_round(&sum) == 9007199254740996.0);
}

static void a_sum_beyond_the_doubles_is_infinite_until_it_returns(void **state)
{
    struct exact_sum sum = {{0}};

    (void)state;
    exact_sum_add_real(&sum, DBL_MAX);
    exact_sum_add_real(&sum, DBL_MAX);
    assert_true(isinf(exact_sum_round(&sum)));
    exact_sum_add_real(&sum, -DBL_MAX);
    assert_true(exact_sum_round(&sum) == DBL_MAX);
}

static void tenths_add_up(void **state)
{
    struct exact_sum sum = {{0}};

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        exact_sum_add_real(&sum, 0.1);
    assert_true(exact_sum_round(&sum) == 1.0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_terms_does_not_matter),
        cmocka_unit_test(what_is_added_and_taken_away_leaves_nothing),
        cmocka_unit_test(a_sum_is_stored_and_read_back),
        cmocka_unit_test(one_number_is_read_back_as_it_is),
        cmocka_unit_test(a_sum_is_rounded_to_the_nearest_and_ties_to_even),
        cmocka_unit_test(a_sum_beyond_the_doubles_is_infinite_until_it_returns),
        cmocka_unit_test(tenths_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
