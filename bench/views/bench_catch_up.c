/*
 * bench_catch_up.c - catch_up/WHO/VIEW: records a second of views that are behind.
 *
 * A basin whose views are built has a backlog of 100 B records with a label each. "alone": one
 * thread without workers waits for one view after the other. "four": the basin is opened with
 * workers, and all four views are behind at once; a view's time ends when it has the whole log.
 */
#include "views_bench.h"

enum { BUILT_RECORDS = 1024, LOOK_NS = 1000000 };

static const uint64_t patience_ns = 120 * UINT64_C(1000000000);

static const char *row_of(const char *who, const char *view)
{
    return report_name("catch_up/%s/%s", who, view);
}

/* Built views and a backlog that none of them has seen. */
static int make_backlog(struct bench *bench, const struct bodies *bodies, struct basin *basin,
                        flume **out_handle)
{
    flume *handle = NULL;
    int status = basin_create(bench, basin);

    if (status == 0)
        status = basin_open(basin, FLUME_VIEWS_NO_WORKERS, 0, &handle);
    *out_handle = handle;
    if (status == 0)
        status = log_fill(flume_log_of(handle), bodies, 0, BUILT_RECORDS);
    for (unsigned i = 0; status == 0 && i < FOUR_VIEWS; i++) {
        flume_view *view = NULL;

        status = view_named(handle, four_views[i], &view);
        if (status == 0)
            status = view_wait(handle, view);
    }
    if (status == 0)
        status = log_fill(flume_log_of(handle), bodies, BUILT_RECORDS, bench->records);
    return status;
}

static int run_alone(struct bench *bench, flume *handle, const char *name, unsigned round)
{
    flume_view *view = NULL;
    uint64_t begun_ns;
    int status = view_named(handle, name, &view);

    if (status != 0)
        return status;
    wait_until_quiet(2000000000);
    begun_ns = clock_ns();
    status = view_wait(handle, view);
    if (status == 0)
        report_sample(bench->report, row_of("alone", name), round,
                      (double)bench->records * 1e9 / (double)(clock_ns() - begun_ns));
    return status;
}

/* Look, without helping, until every view has all; ended_ns says when each had. */
static int watch_four(flume *handle, uint64_t begun_ns, uint64_t ended_ns[FOUR_VIEWS])
{
    unsigned left = FOUR_VIEWS;
    int status = 0;

    while (status == 0 && left > 0) {
        sleep_ns(LOOK_NS);
        for (unsigned i = 0; status == 0 && i < FOUR_VIEWS; i++) {
            flume_view_status view_status;
            flume_view *view = NULL;

            status = view_named(handle, four_views[i], &view);
            if (status != 0 || ended_ns[i] != 0)
                continue;
            if (flume_view_status_of(view, &view_status) != FLUME_OK ||
                view_status.state == FLUME_VIEW_FAILED)
                status = bench_fail("view %s failed", four_views[i]);
            else if (view_status.usable && view_status.synced_seq == view_status.head) {
                ended_ns[i] = clock_ns();
                left--;
            }
        }
        if (clock_ns() - begun_ns > patience_ns)
            status = bench_fail("the views do not catch up");
    }
    return status;
}

static int run_four(struct bench *bench, const struct basin *basin, unsigned round)
{
    uint64_t ended_ns[FOUR_VIEWS] = {0};
    uint64_t begun_ns;
    flume *handle = NULL;
    int status;

    wait_until_quiet(2000000000);
    begun_ns = clock_ns();
    status = basin_open(basin, 0, 0, &handle);
    if (status == 0)
        status = watch_four(handle, begun_ns, ended_ns);
    if (flume_close(handle) != FLUME_OK && status == 0)
        status = bench_fail("flume: close failed");
    for (unsigned i = 0; status == 0 && i < FOUR_VIEWS; i++)
        report_sample(bench->report, row_of("four", four_views[i]), round,
                      (double)bench->records * 1e9 / (double)(ended_ns[i] - begun_ns));
    return status;
}

static int run_round(struct bench *bench, const struct bodies *bodies, unsigned round)
{
    struct basin basin = {0};
    flume *handle = NULL;
    int status = make_backlog(bench, bodies, &basin, &handle);

    for (unsigned i = 0; status == 0 && i < FOUR_VIEWS; i++)
        status = run_alone(bench, handle, four_views[i], round);
    /* As much again for all at once. */
    if (status == 0)
        status =
            log_fill(flume_log_of(handle), bodies, BUILT_RECORDS + bench->records, bench->records);
    if (flume_close(handle) != FLUME_OK && status == 0)
        status = bench_fail("flume: close failed");
    if (status == 0)
        status = run_four(bench, &basin, round);
    basin_destroy(&basin);
    return status;
}

static void make_rows(struct report *report)
{
    for (unsigned i = 0; i < FOUR_VIEWS; i++)
        report_row(report, row_of("alone", four_views[i]), UNIT_RECORDS_PER_SECOND, NULL);
    for (unsigned i = 0; i < FOUR_VIEWS; i++)
        report_row(report, row_of("four", four_views[i]), UNIT_RECORDS_PER_SECOND,
                   row_of("alone", four_views[i]));
    report_target(report, "catch_up/alone/hash", NULL, TARGET_AT_LEAST, 0.8e6);
    report_target(report, "catch_up/alone/label", NULL, TARGET_AT_LEAST, 0.8e6);
    for (unsigned i = 0; i < FOUR_VIEWS; i++)
        report_target(report, row_of("four", four_views[i]), NULL, TARGET_AT_LEAST, 0.4e6);
}

/*
 * Expected, in records a second: alone hash 1.3 M (three batches of a third of a million rows, each
 * of which touches every page of the tree once), label 1.5 M (rows come in order for each label,
 * the counts merge), kinds 5 M (one row), starts 1.5 M (random keys, as hash, without hashing).
 * Four at once share two cores: a half of each.
 */
int bench_catch_up(struct bench *bench)
{
    struct bodies bodies;
    int status;

    if (bodies_create(&bodies, VIEWS_BODY_BYTES, bench->seed) != 0)
        return -1;
    make_rows(bench->report);
    status = 0;
    for (unsigned round = 0; status == 0 && round < bench->rounds; round++)
        status = run_round(bench, &bodies, round);
    bodies_destroy(&bodies);
    return status;
}
