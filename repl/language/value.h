/*
 * value.h - numbers, sizes, spans and points of time, as people write them and as they are shown.
 */
#ifndef REPL_VALUE_H
#define REPL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MILLISECOND UINT64_C(1000000)

/* All parse functions take text that ends in NUL, use all of it or refuse, and write only on
 * success. */

/** Decimal digits, at most `max`. */
bool value_parse_uint(const char *source, uint64_t max, uint64_t *out_value);

/** A number with k, M, G (1024 each; also KiB, MiB, GiB, kB, MB, GB) or nothing. */
bool value_parse_size(const char *source, uint64_t *out_bytes);

/** Seconds with a fraction ("0.25"), or a span ("250ms", "2h"). */
bool value_parse_span(const char *source, uint64_t *out_ns);

/* A point of time as it was written: `ago` counts back from now. */
struct time_value {
    bool ago;
    uint64_t ns;
};

/** RFC 3339 ("2026-11-20T09:00:00.5Z", also without zone: UTC, without seconds, or a date alone),
 * "@" and seconds since 1970, "now", or a span ("2h": that long ago). */
bool value_parse_time(const char *source, struct time_value *out_time);

/** Since 1970 UTC; what lies before 1970 is 0. */
uint64_t value_time_ns(struct time_value time);

uint64_t value_wall_ns(void);
uint64_t value_monotonic_ns(void);

/** "2026-11-20T09:00:00.123456789Z". */
void value_show_time(struct text *target, uint64_t time_ns);
/** "2026-11-20 09:00:00.123", for tables. */
void value_show_time_short(struct text *target, uint64_t time_ns);
/** "1,234,567". */
void value_show_count(struct text *target, uint64_t count);
/** "29 B", "6.1 GiB". */
void value_show_size(struct text *target, uint64_t bytes);
/** "420 ns", "1.25 ms". */
void value_show_span(struct text *target, uint64_t ns);

#endif
