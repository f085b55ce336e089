/*
 * scope_fixture.c - an empty scope for each test (scope_fixture.h).
 */
#include "scope_fixture.h"

int scope_setup(void **state)
{
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    *state = scope;
    return 0;
}

int scope_teardown(void **state)
{
    flume_scope_destroy(*state);
    return 0;
}
