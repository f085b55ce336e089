/*
 * report.h - figures, how they compare, and which targets they meet.
 *
 * A row is one benchmark, named operation/size/setting; its samples come from interleaved rounds.
 * A row may name another one as its base: the ratio is taken round by round, where both were
 * measured, and its median and spread are shown, so what slowed a whole round cancels out.
 *
 * Targets are printed and never asserted: a machine may be busy or odd. What fails the program is a
 * wrong result or an engine that answers with an error.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdint.h>
#include <stdio.h>

enum unit {
    UNIT_RECORDS_PER_SECOND,
    UNIT_BYTES_PER_SECOND, /* Of bodies. */
    UNIT_SECONDS,
    UNIT_BYTES,
    UNIT_RECORDS,
    UNIT_SHARE /* Of a whole that the row names; shown in per cent. */
};

enum target_sense { TARGET_AT_LEAST, TARGET_AT_MOST };

struct report;

/** NULL without memory. */
struct report *report_create(void);
void report_destroy(struct report *report);

/**
 * Make a row known, in the order of the table. Again: nothing happens.
 *
 * @param base  Name of the row it is compared with; NULL: none. Need not be known yet.
 */
void report_row(struct report *report, const char *name, enum unit unit, const char *base);

/** A sample of a known row, taken in a round. */
void report_sample(struct report *report, const char *name, unsigned round, double value);

/** A few words beside a row, such as why it is empty. Copied. */
void report_note(struct report *report, const char *name, const char *note);

/** What is hoped for: the row's median, or where base is not NULL its ratio to that row. */
void report_target(struct report *report, const char *name, const char *base,
                   enum target_sense sense, double bound);

/** Print rows not printed yet, under a heading. */
void report_print(struct report *report, FILE *stream, const char *heading);

/** Print all targets, with met or missed. */
void report_print_targets(struct report *report, FILE *stream);

/** Write everything as one JSON object. header holds ready-made members ("seed":1,...). */
int report_write_json(struct report *report, const char *path, const char *header);

/** A name put together as printf does; static, valid until the eighth call after it. */
const char *report_name(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
