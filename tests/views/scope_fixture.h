/*
 * scope_fixture.h - an empty scope for each test, which ends with it, and what its error says.
 */
#ifndef FLUME_SCOPE_FIXTURE_H
#define FLUME_SCOPE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flume/scope.h"

/* cmocka's setup and teardown; *state is a flume_scope. */
int scope_setup(void **state);
int scope_teardown(void **state);
#define scope_test(function) cmocka_unit_test_setup_teardown(function, scope_setup, scope_teardown)

/* The scope's error has this status, and this in its words. */
void expect_scope_error(const flume_scope *scope, int status, const char *part);

#endif
