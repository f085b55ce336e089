/*
 * scope_fixture.c - an empty scope for each test (scope_fixture.h).
 */
#include "scope_fixture.h"

#include <string.h>

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

void expect_scope_error(const flume_scope *scope, int status, const char *part)
{
    flume_error error;

    flume_scope_error(scope, &error);
    assert_int_equal(error.status, status);
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' is not in: %s", part, error.message);
}
