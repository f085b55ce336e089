/*
 * axis.c - the ticks of an axis (axis.h).
 */
#include "axis.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SEC UINT64_C(1000000000)
#define MINUTE (60 * SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MONTH (30 * DAY)
#define YEAR (365 * DAY)

enum { LAST_YEAR = 2553 }; /* The last that 64 bits of nanoseconds hold as a whole. */

/* ---- numbers ---- */

struct scale {
    double unit;
    const char *name;
};

static struct scale scale_of(double value, enum axis_unit unit)
{
    static const char *const counts[] = {"", "k", "M", "G", "T"};
    static const char *const sizes[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    double factor = unit == AXIS_BYTES ? 1024 : 1000;
    struct scale scale = {1, unit == AXIS_BYTES ? sizes[0] : counts[0]};

    for (size_t i = 1; i < 5 && value >= scale.unit * factor; i++) {
        scale.unit *= factor;
        scale.name = unit == AXIS_BYTES ? sizes[i] : counts[i];
    }
    return scale;
}

void axis_show_number(struct text *target, double value, enum axis_unit unit)
{
    struct scale scale = scale_of(value, unit);
    double shown = value / scale.unit;

    text_format(target, "%.*f%s",
                shown >= 100 || shown == floor(shown) ? 0
                : shown >= 0.1                        ? 1
                                                      : 3,
                shown, scale.name);
}

void axis_of_numbers(struct axis *axis, double most, enum axis_unit unit, size_t wanted)
{
    static const double steps[] = {1, 2, 5, 10};
    struct scale scale = scale_of(most, unit);
    double rough = most / scale.unit / (double)wanted, power, step;
    size_t i = 0;

    *axis = (struct axis){.top = 1};
    if (!(most > 0))
        rough = 1;
    power = pow(10, floor(log10(rough)));
    while (i < 3 && steps[i] * power < rough * 0.999)
        i++;
    step = steps[i] * power;
    if (unit == AXIS_COUNT && scale.unit <= 1 && most >= 1 && step < 1)
        step = 1;
    axis->top = ceil(most / scale.unit / step - 1e-9) * step * scale.unit;
    if (!(axis->top > 0))
        axis->top = step * scale.unit;
    for (size_t k = 0; axis->count < AXIS_TICKS_MAX; k++) {
        double value = (double)k * step;
        struct axis_tick *tick = &axis->ticks[axis->count];
        int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);

        if (value * scale.unit > axis->top * 1.0001)
            return;
        *tick = (struct axis_tick){.part = value * scale.unit / axis->top};
        snprintf(tick->label, sizeof(tick->label), "%.*f%s", k == 0 ? 0 : decimals, value,
                 k == 0 ? "" : scale.name);
        axis->count++;
    }
}

/* ---- times ---- */

static void split(uint64_t time_ns, struct tm *out_date)
{
    time_t seconds = (time_t)(time_ns / SEC);

    gmtime_r(&seconds, out_date);
}

/* The first of a month, counted from the year 0. */
static uint64_t join(int64_t month)
{
    struct tm date = {
        .tm_year = (int)(month / 12) - 1900, .tm_mon = (int)(month % 12), .tm_mday = 1};

    return month < 1970 * 12               ? 0
           : month >= (LAST_YEAR + 1) * 12 ? UINT64_MAX
                                           : (uint64_t)timegm(&date) * SEC;
}

/* Steps of a fixed length; above a day months and years follow the calendar. */
static const uint64_t steps[] = {
    1,         2,         5,          10,         20,          50,          100,         200,
    500,       1000,      2000,       5000,       10000,       20000,       50000,       100000,
    200000,    500000,    1000000,    2000000,    5000000,     10000000,    20000000,    50000000,
    100000000, 200000000, 500000000,  SEC,        2 * SEC,     5 * SEC,     10 * SEC,    15 * SEC,
    30 * SEC,  MINUTE,    2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,
    2 * HOUR,  3 * HOUR,  6 * HOUR,   12 * HOUR,  DAY,         2 * DAY,     5 * DAY,     10 * DAY,
    MONTH,     2 * MONTH, 3 * MONTH,  6 * MONTH,  YEAR,        2 * YEAR,    5 * YEAR,    10 * YEAR,
    20 * YEAR, 50 * YEAR, 100 * YEAR, 200 * YEAR};
enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

static void add_tick(struct axis *axis, double part, uint64_t time_ns, uint64_t step_ns)
{
    struct axis_tick *tick = &axis->ticks[axis->count++];
    char second[AXIS_LABEL_BYTES];
    struct tm date;
    const char *label = "%Y", *context = "";

    split(time_ns, &date);
    if (step_ns < SEC) {
        int decimals = 9;

        for (uint64_t unit = 10; step_ns % unit == 0; unit *= 10)
            decimals--;
        snprintf(second, sizeof(second), "%02d.%0*" PRIu64, date.tm_sec, decimals,
                 time_ns % SEC / (uint64_t)llround(pow(10, 9 - decimals)));
        label = NULL;
        context = "%Y-%m-%d %H:%M";
    } else if (step_ns < DAY) {
        label = step_ns < MINUTE ? "%H:%M:%S" : "%H:%M";
        context = "%Y-%m-%d";
    } else if (step_ns < MONTH) {
        label = "%m-%d";
        context = "%Y";
    } else if (step_ns < YEAR) {
        label = "%Y-%m";
    }
    *tick = (struct axis_tick){.part = part};
    if (label == NULL)
        memcpy(tick->label, second, sizeof(second));
    else
        (void)strftime(tick->label, sizeof(tick->label), label, &date);
    if (*context != '\0')
        (void)strftime(tick->context, sizeof(tick->context), context, &date);
}

/* A context that the tick before has too is said once. */
static void say_contexts_once(struct axis *axis)
{
    for (size_t i = axis->count; i > 1; i--)
        if (strcmp(axis->ticks[i - 1].context, axis->ticks[i - 2].context) == 0)
            axis->ticks[i - 1].context[0] = '\0';
}

/* The first step at or behind a time, and the one after a step; UINT64_MAX: none. */
static uint64_t first_step(uint64_t from_ns, uint64_t step_ns)
{
    int64_t months = (int64_t)(step_ns >= YEAR ? step_ns / YEAR * 12 : step_ns / MONTH), month;
    struct tm date;

    if (step_ns < MONTH)
        return from_ns > UINT64_MAX - step_ns ? UINT64_MAX
                                              : (from_ns + step_ns - 1) / step_ns * step_ns;
    split(from_ns, &date);
    month = ((int64_t)(date.tm_year + 1900) * 12 + date.tm_mon) / months * months;
    while (month < 1970 * 12 || join(month) < from_ns)
        month += months;
    return join(month);
}

static uint64_t next_step(uint64_t at, uint64_t step_ns)
{
    return first_step(at + 1, step_ns);
}

void axis_of_times(struct axis *axis, uint64_t from_ns, uint64_t to_ns, size_t wanted)
{
    uint64_t span_ns = to_ns - from_ns, at;
    size_t i = 0;

    assert(to_ns > from_ns);
    *axis = (struct axis){.top = 1};
    while (i + 1 < STEPS && span_ns / steps[i] > wanted)
        i++;
    for (at = first_step(from_ns, steps[i]);
         at <= to_ns && at != UINT64_MAX && axis->count < AXIS_TICKS_MAX;
         at = next_step(at, steps[i]))
        add_tick(axis, (double)(at - from_ns) / (double)span_ns, at, steps[i]);
    say_contexts_once(axis);
}

void axis_show_span(struct text *target, uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{YEAR, "y"}, {DAY, "d"},      {HOUR, "h"},  {MINUTE, "min"},
                 {SEC, "s"},  {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    double value;
    size_t i = 0;

    while (i < 7 && ns < units[i].ns + (i == 0 ? 2 * YEAR : 0))
        i++;
    value = (double)ns / (double)units[i].ns;
    text_format(target, "%.*f %s", value >= 100 || ns % units[i].ns == 0 ? 0 : 1, value,
                units[i].name);
}

void axis_show_time(struct text *target, uint64_t time_ns, uint64_t exact_ns)
{
    char shown[AXIS_LABEL_BYTES];
    struct tm date;

    split(time_ns, &date);
    (void)strftime(shown, sizeof(shown),
                   exact_ns >= DAY      ? "%Y-%m-%d"
                   : exact_ns >= MINUTE ? "%Y-%m-%d %H:%M"
                                        : "%Y-%m-%d %H:%M:%S",
                   &date);
    text_string(target, shown);
    if (exact_ns < SEC)
        text_format(target, ".%03u", (unsigned)(time_ns % SEC / 1000000));
}
