/*
 * axis.h - where the ticks of an axis stand and what is written at them: round numbers, round
 * times.
 */
#ifndef REPL_AXIS_H
#define REPL_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum axis_unit { AXIS_COUNT, AXIS_BYTES };

enum { AXIS_TICKS_MAX = 16, AXIS_LABEL_BYTES = 32 };

struct axis_tick {
    double part; /* 0 .. 1: where on the axis. */
    char label[AXIS_LABEL_BYTES];
    char context[AXIS_LABEL_BYTES]; /* A line below: the day of an hour, ... "": as before. */
};

struct axis {
    double top; /* Of numbers: where the axis ends; not below the largest value. */
    size_t count;
    struct axis_tick ticks[AXIS_TICKS_MAX];
};

/** From 0 to at least `most`, with about `wanted` (2 .. 10) steps. */
void axis_of_numbers(struct axis *axis, double most, enum axis_unit unit, size_t wanted);

/** From one time to a later one, UTC, with at most `wanted` (2 .. 10) steps. */
void axis_of_times(struct axis *axis, uint64_t from_ns, uint64_t to_ns, size_t wanted);

/** "1.5k", "2M"; "20 MiB": as at a tick. */
void axis_show_number(struct text *target, double value, enum axis_unit unit);

/** A length of time in its largest unit: "10 min", "1 d", "250 ms", "1.5 h". */
void axis_show_span(struct text *target, uint64_t ns);

/** A time as exact as a length of time needs: "2026-11-20 09:00". */
void axis_show_time(struct text *target, uint64_t time_ns, uint64_t exact_ns);

#endif
