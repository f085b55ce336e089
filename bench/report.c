/*
 * report.c - samples, medians, ratios, tables, JSON. See report.h.
 */
#include "report.h"
#include "measure.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

enum { ROWS_MAX = 192, TARGETS_MAX = 64, SAMPLES_MAX = 64, NAME_BYTES = 64, NOTE_BYTES = 96 };

struct sample {
    unsigned round;
    double value;
};

struct row {
    char name[NAME_BYTES];
    char base[NAME_BYTES]; /* "": none. */
    char note[NOTE_BYTES];
    enum unit unit;
    struct sample samples[SAMPLES_MAX];
    unsigned sample_count;
};

struct target {
    char name[NAME_BYTES];
    char base[NAME_BYTES]; /* "": the row's own median counts. */
    enum target_sense sense;
    double bound;
};

struct report {
    struct row rows[ROWS_MAX];
    unsigned row_count;
    unsigned printed_count;
    struct target targets[TARGETS_MAX];
    unsigned target_count;
};

struct spread {
    unsigned count;
    double median, least, most;
};

struct report *report_create(void)
{
    return calloc(1, sizeof(struct report));
}

void report_destroy(struct report *report)
{
    free(report);
}

const char *report_name(const char *format, ...)
{
    static char names[8][NAME_BYTES];
    static unsigned next;
    char *name = names[next++ % 8];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(name, NAME_BYTES, format, arguments);
    va_end(arguments);
    return name;
}

static struct row *find_row(struct report *report, const char *name)
{
    for (unsigned i = 0; i < report->row_count; i++) {
        if (strcmp(report->rows[i].name, name) == 0)
            return &report->rows[i];
    }
    return NULL;
}

void report_row(struct report *report, const char *name, enum unit unit, const char *base)
{
    struct row *row;

    if (find_row(report, name) != NULL)
        return;
    assert(report->row_count < ROWS_MAX);
    row = &report->rows[report->row_count++];
    row->unit = unit;
    (void)snprintf(row->name, sizeof(row->name), "%s", name);
    (void)snprintf(row->base, sizeof(row->base), "%s", base == NULL ? "" : base);
}

void report_sample(struct report *report, const char *name, unsigned round, double value)
{
    struct row *row = find_row(report, name);

    assert(row != NULL);
    if (row->sample_count < SAMPLES_MAX)
        row->samples[row->sample_count++] = (struct sample){.round = round, .value = value};
}

void report_note(struct report *report, const char *name, const char *note)
{
    struct row *row = find_row(report, name);

    assert(row != NULL);
    (void)snprintf(row->note, sizeof(row->note), "%s", note);
}

void report_target(struct report *report, const char *name, const char *base,
                   enum target_sense sense, double bound)
{
    struct target *target;

    assert(report->target_count < TARGETS_MAX);
    target = &report->targets[report->target_count++];
    target->sense = sense;
    target->bound = bound;
    (void)snprintf(target->name, sizeof(target->name), "%s", name);
    (void)snprintf(target->base, sizeof(target->base), "%s", base == NULL ? "" : base);
}

/* --- Statistics ------------------------------------------------------------------------------- */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

static struct spread spread_of(double *values, unsigned count)
{
    struct spread spread = {.count = count};

    if (count == 0)
        return spread;
    qsort(values, count, sizeof(*values), by_value);
    spread.least = values[0];
    spread.most = values[count - 1];
    spread.median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    return spread;
}

static struct spread row_spread(const struct row *row)
{
    double values[SAMPLES_MAX];

    for (unsigned i = 0; i < row->sample_count; i++)
        values[i] = row->samples[i].value;
    return spread_of(values, row->sample_count);
}

/* Round by round, where both were measured in the same one. */
static struct spread ratio_spread(const struct row *row, const struct row *base)
{
    double values[SAMPLES_MAX];
    unsigned count = 0;

    for (unsigned i = 0; row != NULL && base != NULL && i < row->sample_count; i++) {
        for (unsigned k = 0; k < base->sample_count; k++) {
            if (base->samples[k].round == row->samples[i].round && base->samples[k].value > 0) {
                values[count++] = row->samples[i].value / base->samples[k].value;
                break;
            }
        }
    }
    return spread_of(values, count);
}

/* --- Tables ----------------------------------------------------------------------------------- */

static void scaled(char *text, size_t text_bytes, double value, double step,
                   const char *const *suffixes, int last)
{
    int i = 0;

    for (; i < last && value >= step * 0.9995; i++)
        value /= step;
    (void)snprintf(text, text_bytes, "%.*f%s", value < 10 ? 2 : (value < 100 ? 1 : 0), value,
                   suffixes[i]);
}

static const char *value_text(enum unit unit, double value)
{
    static const char *const rates[] = {" /s", " k/s", " M/s", " G/s"};
    static const char *const speeds[] = {" B/s", " kB/s", " MB/s", " GB/s"};
    static const char *const times[] = {" ns", " us", " ms", " s"};
    static const char *const sizes[] = {" B", " KiB", " MiB", " GiB"};
    static const char *const counts[] = {"", " k", " M", " G"};
    static char texts[4][32];
    static unsigned next;
    char *text = texts[next++ % 4];

    switch (unit) {
    case UNIT_RECORDS_PER_SECOND:
        scaled(text, sizeof(texts[0]), value, 1000, rates, 3);
        break;
    case UNIT_BYTES_PER_SECOND:
        scaled(text, sizeof(texts[0]), value, 1000, speeds, 3);
        break;
    case UNIT_SECONDS:
        scaled(text, sizeof(texts[0]), value * 1e9, 1000, times, 3);
        break;
    case UNIT_BYTES:
        scaled(text, sizeof(texts[0]), value, 1024, sizes, 3);
        break;
    case UNIT_RECORDS:
        scaled(text, sizeof(texts[0]), value, 1000, counts, 3);
        break;
    case UNIT_SHARE:
        (void)snprintf(text, sizeof(texts[0]), "%.3f %%", value * 100);
        break;
    }
    return text;
}

static void print_row(struct report *report, FILE *stream, const struct row *row)
{
    struct spread own = row_spread(row);
    struct spread ratio = ratio_spread(row, find_row(report, row->base));

    if (own.count == 0) {
        fprintf(stream, "%-40s %11s %25s %3s  %s\n", row->name, "-", "", "", row->note);
        return;
    }
    fprintf(stream, "%-40s %11s %11s ..%11s %4u", row->name, value_text(row->unit, own.median),
            value_text(row->unit, own.least), value_text(row->unit, own.most), own.count);
    if (ratio.count > 0)
        fprintf(stream, "  %6.2f of %s", ratio.median, strrchr(row->base, '/') + 1);
    fprintf(stream, "%s%s\n", row->note[0] != '\0' ? "  " : "", row->note);
}

void report_print(struct report *report, FILE *stream, const char *heading)
{
    if (report->printed_count == report->row_count)
        return;
    fprintf(stream, "\n%s\n%-40s %11s %25s %4s  %s\n", heading, "benchmark", "median",
            "least .. most", "runs", "ratio");
    for (; report->printed_count < report->row_count; report->printed_count++)
        print_row(report, stream, &report->rows[report->printed_count]);
    fflush(stream);
}

static struct spread target_figure(struct report *report, const struct target *target)
{
    const struct row *row = find_row(report, target->name);

    if (row == NULL)
        return (struct spread){0};
    if (target->base[0] == '\0')
        return row_spread(row);
    return ratio_spread(row, find_row(report, target->base));
}

static const char *verdict(const struct target *target, const struct spread *figure)
{
    if (figure->count == 0)
        return "not measured";
    if (target->sense == TARGET_AT_LEAST)
        return figure->median >= target->bound ? "met" : "missed";
    return figure->median <= target->bound ? "met" : "missed";
}

static void print_target(struct report *report, FILE *stream, const struct target *target)
{
    const struct row *row = find_row(report, target->name);
    struct spread figure = target_figure(report, target);
    const char *sign = target->sense == TARGET_AT_LEAST ? ">=" : "<=";
    const char *word = verdict(target, &figure);

    if (row == NULL)
        return; /* Its group was not run. */
    if (figure.count == 0) {
        fprintf(stream, "%-40s %9s %s\n", target->name, "-", word);
        return;
    }
    if (target->base[0] != '\0')
        fprintf(stream, "%-40s %9.2f %9.2f ..%9.2f  %s %9.2f  %-12s of %s\n", target->name,
                figure.median, figure.least, figure.most, sign, target->bound, word,
                strrchr(target->base, '/') + 1);
    else
        fprintf(stream, "%-40s %9s %9s ..%9s  %s %9s  %s\n", target->name,
                value_text(row->unit, figure.median), value_text(row->unit, figure.least),
                value_text(row->unit, figure.most), sign, value_text(row->unit, target->bound),
                word);
}

void report_print_targets(struct report *report, FILE *stream)
{
    fprintf(stream, "\nTargets\n%-40s %9s %20s  %12s\n", "benchmark", "median", "least .. most",
            "target");
    for (unsigned i = 0; i < report->target_count; i++)
        print_target(report, stream, &report->targets[i]);
    fflush(stream);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static const char *const unit_words[] = {
    [UNIT_RECORDS_PER_SECOND] = "records/s",
    [UNIT_BYTES_PER_SECOND] = "bytes/s",
    [UNIT_SECONDS] = "s",
    [UNIT_BYTES] = "bytes",
    [UNIT_RECORDS] = "records",
    [UNIT_SHARE] = "share",
};

static void json_spread(FILE *stream, const char *prefix, const struct spread *spread)
{
    if (spread->count == 0)
        fprintf(stream, ",\"%smedian\":null", prefix);
    else
        fprintf(stream, ",\"%smedian\":%.9g,\"%sleast\":%.9g,\"%smost\":%.9g", prefix,
                spread->median, prefix, spread->least, prefix, spread->most);
}

static void json_row(struct report *report, FILE *stream, const struct row *row)
{
    struct spread own = row_spread(row);
    struct spread ratio = ratio_spread(row, find_row(report, row->base));

    fprintf(stream, "{\"name\":\"%s\",\"unit\":\"%s\",\"runs\":%u", row->name,
            unit_words[row->unit], own.count);
    json_spread(stream, "", &own);
    if (row->base[0] != '\0') {
        fprintf(stream, ",\"base\":\"%s\"", row->base);
        json_spread(stream, "ratio_", &ratio);
    }
    fputs(",\"samples\":[", stream);
    for (unsigned i = 0; i < row->sample_count; i++)
        fprintf(stream, "%s{\"round\":%u,\"value\":%.9g}", i == 0 ? "" : ",", row->samples[i].round,
                row->samples[i].value);
    fprintf(stream, "],\"note\":\"%s\"}", row->note);
}

static void json_target(struct report *report, FILE *stream, const struct target *target)
{
    struct spread figure = target_figure(report, target);

    fprintf(stream, "{\"name\":\"%s\"", target->name);
    if (target->base[0] != '\0')
        fprintf(stream, ",\"base\":\"%s\"", target->base);
    json_spread(stream, "", &figure);
    fprintf(stream, ",\"%s\":%.9g,\"verdict\":\"%s\"}",
            target->sense == TARGET_AT_LEAST ? "at_least" : "at_most", target->bound,
            verdict(target, &figure));
}

int report_write_json(struct report *report, const char *path, const char *header)
{
    FILE *stream = fopen(path, "w");
    bool failed;

    if (stream == NULL)
        return bench_fail("cannot write %s", path);
    fprintf(stream, "{%s,\n\"rows\":[", header);
    for (unsigned i = 0; i < report->row_count; i++) {
        fputs(i == 0 ? "\n" : ",\n", stream);
        json_row(report, stream, &report->rows[i]);
    }
    fputs("\n],\n\"targets\":[", stream);
    for (unsigned i = 0; i < report->target_count; i++) {
        fputs(i == 0 ? "\n" : ",\n", stream);
        json_target(report, stream, &report->targets[i]);
    }
    fputs("\n]}\n", stream);
    failed = ferror(stream) != 0;
    failed |= fclose(stream) != 0;
    return failed ? bench_fail("cannot write %s", path) : 0;
}
