/*
 * scope_numbers.c - numbers whose spelling makes no difference (flume_scope_numbers()).
 */
#include <math.h>

#include "scope_inside.h"

/* Whole numbers up to here are what they are in a double, too. */
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

int flume_scope_numbers(flume_scope *scope, enum flume_number_mode mode)
{
    if (scope == NULL || (mode != FLUME_NUMBERS_STRICT && mode != FLUME_NUMBERS_LOOSE))
        return FLUME_ERR_INVALID;
    scope->is_loose = mode == FLUME_NUMBERS_LOOSE;
    return FLUME_OK;
}

enum flume_number_mode flume_scope_number_mode(const flume_scope *scope)
{
    return scope->is_loose ? FLUME_NUMBERS_LOOSE : FLUME_NUMBERS_STRICT;
}

void scope_loosen(flume_value *io_value)
{
    double real = io_value->real;

    if (io_value->type != FLUME_VALUE_F64 || !(fabs(real) <= WHOLE_MAX) || real != floor(real))
        return;
    *io_value = (flume_value){.type = FLUME_VALUE_INT, .integer = (int64_t)real};
}
