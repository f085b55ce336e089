/*
 * bench_views_on.c - views_on/SPEED/WHO: what views cost the one who appends.
 *
 * "alone": the log is open without views. "four_views": with workers that keep four views up to
 * date. Paced: an append every 5 us, by the clock, and how long each took. Full speed: one after
 * the other; views may fall behind, appends may not fail. The basin has strata of full size.
 */
#include "views_bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { PACE_NS = 5000, PACED_SLICES = 2, ALONE = 0, FOUR = 1, WHO_COUNT = 2 };

static const char *const who_names[WHO_COUNT] = {"alone", "four_views"};

struct company {
    struct bench *bench;
    struct bodies bodies;
    uint32_t *samples_ns;
    uint64_t sample_max;
};

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static int append_paced(struct company *company, flume_log *log, uint64_t first)
{
    uint64_t due_ns = clock_ns();
    int status = 0;

    for (uint64_t i = 0; status == 0 && i < company->sample_max; i++) {
        uint64_t begun_ns;

        due_ns += PACE_NS;
        while ((begun_ns = clock_ns()) < due_ns)
            ;
        status = log_append(log, &company->bodies, first + i);
        company->samples_ns[i] = (uint32_t)(clock_ns() - begun_ns);
    }
    return status;
}

static int append_at_once(struct company *company, flume_log *log, uint64_t first, uint64_t *out_ns)
{
    uint64_t begun_ns = clock_ns();
    int status = 0;

    for (uint64_t i = 0; status == 0 && i < company->bench->records; i++)
        status = log_append(log, &company->bodies, first + i);
    *out_ns = clock_ns() - begun_ns;
    return status;
}

static int measure(struct company *company, flume_log *log, const char *who, unsigned round)
{
    struct report *report = company->bench->report;
    uint64_t used_ns = 0;
    int status;

    wait_until_quiet(2000000000);
    status = append_paced(company, log, 0);
    if (status == 0) {
        qsort(company->samples_ns, company->sample_max, sizeof(*company->samples_ns), by_value);
        report_sample(report, report_name("views_on/paced_p50/%s", who), round,
                      company->samples_ns[company->sample_max / 2] * 1e-9);
        report_sample(report, report_name("views_on/paced_p99/%s", who), round,
                      company->samples_ns[company->sample_max * 99 / 100] * 1e-9);
        wait_until_quiet(2000000000);
        status = append_at_once(company, log, company->sample_max, &used_ns);
    }
    if (status == 0)
        report_sample(report, report_name("views_on/full_speed/%s", who), round,
                      (double)company->bench->records * 1e9 / (double)used_ns);
    return status;
}

static int wait_for_four(flume *handle)
{
    int status = 0;

    for (unsigned i = 0; status == 0 && i < FOUR_VIEWS; i++) {
        flume_view *view = NULL;

        status = view_named(handle, four_views[i], &view);
        if (status == 0)
            status = view_wait(handle, view);
    }
    return status;
}

static int run_who(struct company *company, unsigned who, unsigned round)
{
    struct basin basin = {.dir_path = bench_directory(company->bench)};
    flume *handle = NULL;
    flume_log *log = NULL;
    int status;

    if (basin.dir_path == NULL)
        return -1;
    basin.path = engine_flume_basin(basin.dir_path);
    status = basin.path == NULL ? -1 : 0;
    if (status == 0 && who == FOUR) {
        status = basin_open(&basin, 0, 0, &handle);
        if (status == 0)
            status = wait_for_four(handle);
    } else if (status == 0) {
        status = basin_open_log(&basin, &log);
    }
    if (status == 0)
        status = measure(company, who == FOUR ? flume_log_of(handle) : log, who_names[who], round);
    if (status == 0 && who == FOUR)
        status = wait_for_four(handle); /* None has failed. */
    if ((who == FOUR ? flume_close(handle) : flume_log_close(log)) != FLUME_OK && status == 0)
        status = bench_fail("flume: close failed");
    basin_destroy(&basin);
    return status;
}

static void make_rows(struct report *report)
{
    static const struct {
        const char *name;
        enum unit unit;
    } figures[] = {{"paced_p50", UNIT_SECONDS},
                   {"paced_p99", UNIT_SECONDS},
                   {"full_speed", UNIT_RECORDS_PER_SECOND}};

    for (unsigned i = 0; i < 3; i++) {
        for (unsigned who = 0; who < WHO_COUNT; who++)
            report_row(report, report_name("views_on/%s/%s", figures[i].name, who_names[who]),
                       figures[i].unit, report_name("views_on/%s/alone", figures[i].name));
    }
    report_target(report, "views_on/paced_p99/four_views", "views_on/paced_p99/alone",
                  TARGET_AT_MOST, 2);
    report_target(report, "views_on/full_speed/four_views", "views_on/full_speed/alone",
                  TARGET_AT_LEAST, 0.5);
}

/*
 * Expected: paced p50 120 ns in any case, p99 0.3 us alone and 0.5 us with views, whose threads on
 * the other core take cache and memory bandwidth; full speed 7 M/s alone, 0.6 of it with views:
 * four workers and the appender on two cores.
 */
int bench_views_on(struct bench *bench)
{
    struct company company = {.bench = bench,
                              .sample_max = PACED_SLICES * bench->slice_ns / PACE_NS};
    int status;

    make_rows(bench->report);
    company.samples_ns = malloc(company.sample_max * sizeof(*company.samples_ns));
    if (company.samples_ns == NULL)
        return bench_fail("no memory for samples");
    status = bodies_create(&company.bodies, VIEWS_BODY_BYTES, bench->seed);
    for (unsigned round = 0; status == 0 && round < bench->rounds; round++) {
        for (unsigned who = 0; status == 0 && who < WHO_COUNT; who++)
            status = run_who(&company, who, round);
    }
    bodies_destroy(&company.bodies);
    free(company.samples_ns);
    return status;
}
