/*
 * scope_capture.c - what FLUME_CAPTURE() calls, and rounding.
 *
 * Errors are remembered by the scope, so nothing is returned.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope_inside.h"

enum { DIGITS_MAX = 17 };

static void capture(flume_scope *scope, const char *key, const char *type, const flume_value *value)
{
    struct scope_setting setting = {.value = *value, .type = type, .has_value = true};

    (void)scope_put(scope, key, strlen(key), &setting);
}

void flume_capture_bool(flume_scope *scope, const char *key, const char *type, bool v)
{
    capture(scope, key, type, &(flume_value){.type = FLUME_VALUE_BOOL, .boolean = v});
}

void flume_capture_int(flume_scope *scope, const char *key, const char *type, int64_t v)
{
    if (!scope_put_number(scope, key, type, FLUME_VALUE_INT, scope_bits_of_integer(v)))
        capture(scope, key, type, &(flume_value){.type = FLUME_VALUE_INT, .integer = v});
}

void flume_capture_uint(flume_scope *scope, const char *key, const char *type, uint64_t v)
{
    if (v <= INT64_MAX)
        flume_capture_int(scope, key, type, (int64_t)v);
    else
        capture(scope, key, type, &(flume_value){.type = FLUME_VALUE_UINT, .natural = v});
}

void flume_capture_f64(flume_scope *scope, const char *key, const char *type, double v)
{
    if (!scope_put_number(scope, key, type, FLUME_VALUE_F64, scope_bits_of_real(v)))
        capture(scope, key, type, &(flume_value){.type = FLUME_VALUE_F64, .real = v});
}

void flume_capture_text(flume_scope *scope, const char *key, const char *type, const char *v)
{
    flume_value value = {.type = FLUME_VALUE_NULL};

    if (v != NULL) {
        value.type = FLUME_VALUE_TEXT;
        value.bytes = (flume_bytes){v, strlen(v)};
    }
    capture(scope, key, type, &value);
}

void flume_capture_unknown(flume_scope *scope, const char *key, const char *type, ...)
{
    struct scope_setting setting = {.type = type, .class_ = FLUME_CLASS_UNKNOWN};

    (void)scope_put(scope, key, strlen(key), &setting);
}

void flume_capture_array(flume_scope *scope, const char *key, const char *type, const void *data,
                         size_t count, size_t element_bytes)
{
    char shown[SCOPE_SHOWN_BYTES], name[SCOPE_SHOWN_BYTES];

    if (count > SIZE_MAX / element_bytes) {
        (void)scope_fail(scope, FLUME_ERR_TOO_LARGE,
                         "array '%s': %zu elements of %zu bytes are more than memory has",
                         scope_show(key, strlen(key), shown), count, element_bytes);
        return;
    }
    (void)snprintf(name, sizeof name, type[0] == '\0' ? "%s" : "%s[]",
                   type); /* A long one is cut. */
    (void)flume_scope_set_content(scope, key, name, data, count * element_bytes);
}

double flume_round_digits(double value, unsigned digits)
{
    char text[64];
    double rounded;

    if (!isfinite(value) || digits >= DIGITS_MAX)
        return value;
    /* Written and read by the same library in the same locale, so its decimal point does not
     * matter. */
    (void)snprintf(text, sizeof text, "%.*e", digits == 0 ? 0 : (int)digits - 1, value);
    rounded = strtod(text, NULL);
    return isfinite(rounded) ? rounded : value; /* The largest ones may have no round neighbour. */
}
