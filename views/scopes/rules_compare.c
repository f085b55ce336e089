/*
 * rules_compare.c - values against each other, without any rounding.
 */
#include "rules.h"

#include <math.h>
#include <string.h>

/* The first numbers that are no int64_t and no uint64_t any more: both are exact in a double. */
static const double BEYOND_INT64 = 9223372036854775808.0;
static const double BEYOND_UINT64 = 18446744073709551616.0;

bool values_are_same(const flume_value *one, const flume_value *other)
{
    struct scope_encoded a, b;

    if (scope_type_is_content(one->type) && scope_type_is_content(other->type))
        return memcmp(one->content.hash, other->content.hash, FLUME_HASH_BYTES) == 0;
    scope_value_encode(one, &a);
    scope_value_encode(other, &b);
    return a.head_bytes == b.head_bytes && a.tail_bytes == b.tail_bytes &&
           memcmp(a.head, b.head, a.head_bytes) == 0 &&
           (a.tail_bytes == 0 || memcmp(a.tail, b.tail, a.tail_bytes) == 0);
}

/* A whole number: its sign, and how far it is from 0. */
struct whole {
    bool is_negative;
    uint64_t distance;
};

static bool whole_of(const flume_value *value, struct whole *out_whole)
{
    if (value->type == FLUME_VALUE_INT) {
        out_whole->is_negative = value->integer < 0;
        out_whole->distance = value->integer < 0 ? 0 - (uint64_t)value->integer
                                                 : (uint64_t)value->integer;
        return true;
    }
    *out_whole = (struct whole){false, value->natural};
    return value->type == FLUME_VALUE_UINT;
}

static int compare_wholes(struct whole one, struct whole other)
{
    int order;

    if (one.is_negative != other.is_negative)
        return one.is_negative ? -1 : 1;
    order = (one.distance > other.distance) - (one.distance < other.distance);
    return one.is_negative ? -order : order;
}

/* A number against one that may have a fraction. */
static int compare_with_real(struct whole one, double other)
{
    double below = floor(other);
    struct whole floor_of = {below < 0, 0};
    int order;

    if (below >= BEYOND_UINT64)
        return -1;
    if (below < -BEYOND_INT64)
        return 1;
    floor_of.distance = (uint64_t)fabs(below);
    order = compare_wholes(one, floor_of);
    return order == 0 && other > below ? -1 : order;
}

bool values_compare(const flume_value *one, const flume_value *other, int *out_order)
{
    struct whole a, b;
    bool is_whole = whole_of(one, &a), other_is_whole = whole_of(other, &b);
    bool is_real = one->type == FLUME_VALUE_F64, other_is_real = other->type == FLUME_VALUE_F64;

    if (one->type == FLUME_VALUE_TIME && other->type == FLUME_VALUE_TIME)
        *out_order = (one->integer > other->integer) - (one->integer < other->integer);
    else if ((!is_whole && !is_real) || (!other_is_whole && !other_is_real) ||
             (is_real && isnan(one->real)) || (other_is_real && isnan(other->real)))
        return false;
    else if (is_whole && other_is_whole)
        *out_order = compare_wholes(a, b);
    else if (is_whole)
        *out_order = compare_with_real(a, other->real);
    else if (other_is_whole)
        *out_order = -compare_with_real(b, one->real);
    else
        *out_order = (one->real > other->real) - (one->real < other->real);
    return true;
}
