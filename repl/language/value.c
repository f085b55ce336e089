/*
 * value.c - numbers, sizes, spans and points of time (value.h).
 */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- reading ---- */

/* Digits at *io_at; stops at the first other character. False without a digit or beyond max. */
static bool take_digits(const char **io_at, uint64_t max, uint64_t *out_value)
{
    const char *at = *io_at;
    uint64_t value = 0;

    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *io_at = at;
    *out_value = value;
    return true;
}

bool value_parse_uint(const char *source, uint64_t max, uint64_t *out_value)
{
    uint64_t value;

    if (!take_digits(&source, max, &value) || *source != '\0')
        return false;
    *out_value = value;
    return true;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static bool find_unit(const struct unit *units, size_t count, const char *name, uint64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i].name, name) == 0) {
            *out = units[i].factor;
            return true;
        }
    }
    return false;
}

bool value_parse_size(const char *source, uint64_t *out_bytes)
{
    static const struct unit units[] = {
        {"", 1},         {"B", 1},        {"k", 1 << 10},   {"K", 1 << 10},   {"KiB", 1 << 10},
        {"kB", 1 << 10}, {"KB", 1 << 10}, {"M", 1 << 20},   {"MiB", 1 << 20}, {"MB", 1 << 20},
        {"m", 1 << 20},  {"G", 1 << 30},  {"GiB", 1 << 30}, {"GB", 1 << 30},  {"g", 1 << 30},
    };
    uint64_t number, factor;

    if (!take_digits(&source, UINT64_MAX, &number) ||
        !find_unit(units, sizeof(units) / sizeof(units[0]), source, &factor) ||
        number > UINT64_MAX / factor)
        return false;
    *out_bytes = number * factor;
    return true;
}

/* ".25" in billionths; digits beyond the ninth are dropped. */
static bool take_fraction(const char **io_at, uint64_t *out_billionths)
{
    uint64_t value = 0, scale = NS_PER_SECOND / 10;
    const char *at = *io_at;

    *out_billionths = 0;
    if (*at != '.')
        return true;
    at++;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++, scale /= 10)
        value += scale * (uint64_t)(*at - '0');
    *io_at = at;
    *out_billionths = value;
    return true;
}

bool value_parse_span(const char *source, uint64_t *out_ns)
{
    static const struct unit units[] = {
        {"", NS_PER_SECOND},
        {"s", NS_PER_SECOND},
        {"ms", NS_PER_MILLISECOND},
        {"us", 1000},
        {"ns", 1},
        {"m", 60 * NS_PER_SECOND},
        {"min", 60 * NS_PER_SECOND},
        {"h", 3600 * NS_PER_SECOND},
        {"d", 86400 * NS_PER_SECOND},
        {"w", 604800 * NS_PER_SECOND},
    };
    uint64_t whole, billionths, factor;

    if (!take_digits(&source, UINT64_MAX, &whole) || !take_fraction(&source, &billionths) ||
        !find_unit(units, sizeof(units) / sizeof(units[0]), source, &factor) ||
        whole > (UINT64_MAX - factor) / factor)
        return false;
    *out_ns = whole * factor +
              (uint64_t)((double)billionths * ((double)factor / (double)NS_PER_SECOND));
    return true;
}

/* Exactly `width` digits. */
static bool take_fixed(const char **io_at, int width, int *out_value)
{
    int value = 0;

    for (int i = 0; i < width; i++) {
        char c = (*io_at)[i];

        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *io_at += width;
    *out_value = value;
    return true;
}

static bool take_char(const char **io_at, char wanted)
{
    if (**io_at != wanted)
        return false;
    (*io_at)++;
    return true;
}

/* "Z", "+01:00", "-0530" or nothing (UTC); seconds east of Greenwich. */
static bool take_zone(const char **io_at, int64_t *out_east)
{
    int hours, minutes;
    bool west = **io_at == '-';

    *out_east = 0;
    if (**io_at == '\0' || take_char(io_at, 'Z') || take_char(io_at, 'z'))
        return true;
    if (**io_at != '+' && !west)
        return false;
    (*io_at)++;
    if (!take_fixed(io_at, 2, &hours))
        return false;
    (void)take_char(io_at, ':'); /* The colon may be left out. */
    if (!take_fixed(io_at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_east = (west ? -60 : 60) * ((int64_t)hours * 60 + minutes);
    return true;
}

static bool take_date(const char **io_at, struct tm *out_date)
{
    static const int month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, days;

    if (!take_fixed(io_at, 4, &year) || !take_char(io_at, '-') || !take_fixed(io_at, 2, &month) ||
        !take_char(io_at, '-') || !take_fixed(io_at, 2, &day))
        return false;
    if (year < 1970 || year > 2550 || month < 1 || month > 12)
        return false;
    days = month_days[month - 1];
    if (month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0))
        days = 29;
    if (day < 1 || day > days)
        return false;
    *out_date = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return true;
}

/* "09:00", "09:00:00" or "09:00:00.5". */
static bool take_clock(const char **io_at, struct tm *io_date, uint64_t *out_fraction)
{
    *out_fraction = 0;
    if (!take_fixed(io_at, 2, &io_date->tm_hour) || !take_char(io_at, ':') ||
        !take_fixed(io_at, 2, &io_date->tm_min))
        return false;
    if (take_char(io_at, ':') &&
        (!take_fixed(io_at, 2, &io_date->tm_sec) || !take_fraction(io_at, out_fraction)))
        return false;
    return io_date->tm_hour < 24 && io_date->tm_min < 60 && io_date->tm_sec < 61;
}

static bool parse_calendar(const char *at, uint64_t *out_ns)
{
    struct tm date;
    uint64_t fraction = 0;
    int64_t east = 0, seconds;

    if (!take_date(&at, &date))
        return false;
    if (take_char(&at, 'T') || take_char(&at, 't') || take_char(&at, ' ')) {
        if (!take_clock(&at, &date, &fraction) || !take_zone(&at, &east))
            return false;
    }
    if (*at != '\0')
        return false;
    seconds = (int64_t)timegm(&date) - east;
    *out_ns = seconds < 0 ? 0 : (uint64_t)seconds * NS_PER_SECOND + fraction;
    return true;
}

bool value_parse_time(const char *source, struct time_value *out_time)
{
    uint64_t ns, whole, fraction;

    if (strcmp(source, "now") == 0) {
        *out_time = (struct time_value){.ago = true, .ns = 0};
        return true;
    }
    if (*source == '@') {
        const char *at = source + 1;

        if (!take_digits(&at, UINT64_MAX / NS_PER_SECOND - 1, &whole) ||
            !take_fraction(&at, &fraction) || *at != '\0')
            return false;
        *out_time = (struct time_value){.ns = whole * NS_PER_SECOND + fraction};
        return true;
    }
    if (parse_calendar(source, &ns)) {
        *out_time = (struct time_value){.ns = ns};
        return true;
    }
    /* A bare number would be read as seconds ago by some and as a year by others. */
    if (strspn(source, "0123456789.") == strlen(source) || !value_parse_span(source, &ns))
        return false;
    *out_time = (struct time_value){.ago = true, .ns = ns};
    return true;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t value_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

uint64_t value_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t value_time_ns(struct time_value time)
{
    uint64_t now;

    if (!time.ago)
        return time.ns;
    now = value_wall_ns();
    return time.ns > now ? 0 : now - time.ns;
}

/* ---- showing ---- */

static void split_time(uint64_t time_ns, struct tm *out_date, unsigned *out_fraction_ns)
{
    time_t seconds = (time_t)(time_ns / NS_PER_SECOND);

    gmtime_r(&seconds, out_date);
    *out_fraction_ns = (unsigned)(time_ns % NS_PER_SECOND);
}

void value_show_time(struct text *target, uint64_t time_ns)
{
    struct tm date;
    unsigned fraction;

    split_time(time_ns, &date, &fraction);
    text_format(target, "%04d-%02d-%02dT%02d:%02d:%02d.%09uZ", date.tm_year + 1900, date.tm_mon + 1,
                date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec, fraction);
}

void value_show_time_short(struct text *target, uint64_t time_ns)
{
    struct tm date;
    unsigned fraction;

    split_time(time_ns, &date, &fraction);
    text_format(target, "%04d-%02d-%02d %02d:%02d:%02d.%03u", date.tm_year + 1900, date.tm_mon + 1,
                date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
                fraction / (unsigned)NS_PER_MILLISECOND);
}

void value_show_count(struct text *target, uint64_t count)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text_char(target, ',');
        text_char(target, digits[i]);
    }
}

void value_show_size(struct text *target, uint64_t bytes)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        text_format(target, "%" PRIu64 " B", bytes);
        return;
    }
    for (; value >= 1000 && unit < 5; unit++)
        value /= 1024;
    text_format(target, "%.*f %s", value < 100 ? 1 : 0, value, names[unit]);
}

void value_show_span(struct text *target, uint64_t ns)
{
    double value = (double)ns;

    if (ns < 1000)
        text_format(target, "%" PRIu64 " ns", ns);
    else if (ns < NS_PER_MILLISECOND)
        text_format(target, "%.2f us", value / 1e3);
    else if (ns < NS_PER_SECOND)
        text_format(target, "%.2f ms", value / 1e6);
    else if (ns < 120 * NS_PER_SECOND)
        text_format(target, "%.2f s", value / 1e9);
    else
        text_format(target, "%" PRIu64 ":%02" PRIu64 " min", ns / NS_PER_SECOND / 60,
                    ns / NS_PER_SECOND % 60);
}
