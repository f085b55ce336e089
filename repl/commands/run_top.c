/*
 * run_top.c - `flume top`: the largest records, the busiest labels.
 *
 * What always holds: memory is bounded by -n (and by LABELS_MAX), whatever the log holds.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "grid.h"
#include "label_table.h"
#include "rows.h"
#include "run.h"
#include "scan.h"

enum { ROWS_DEFAULT = 10, ROWS_MOST = 65536, LABELS_MAX = 65536 };
enum { BY_BYTES, BY_COUNT };

static const struct grid_column record_columns[] = {
    {"seq", 10, true}, {"bytes", 10, true}, {"time", 23, false}, {"labels", 0, false}};
static const struct grid_column label_columns[] = {
    {"label", 20, false}, {"count", 10, true}, {"bytes", 10, true},
    {"first", 10, true},  {"last", 10, true},
};

/* One that is among the largest so far. */
struct best {
    uint64_t weight;
    uint64_t seq; /* Of equals, the smaller one is larger. */
    uint64_t time_ns;
    flume_label_info *label; /* Owned. NULL: a record. */
};

/* A heap: the least of the best is at 0. */
struct top {
    struct session *session;
    struct asking *asking;
    struct best *best;
    size_t count, max;
};

/* ---- the heap ---- */

static bool is_less(const struct best *a, const struct best *b)
{
    if (a->weight != b->weight)
        return a->weight < b->weight;
    if (a->label != NULL && b->label != NULL)
        return strcmp(a->label->label, b->label->label) > 0;
    return a->seq > b->seq;
}

static void swap(struct best *a, struct best *b)
{
    struct best kept = *a;

    *a = *b;
    *b = kept;
}

static void sink(struct top *top, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= top->count)
            return;
        if (child + 1 < top->count && is_less(&top->best[child + 1], &top->best[child]))
            child++;
        if (!is_less(&top->best[child], &top->best[at]))
            return;
        swap(&top->best[child], &top->best[at]);
        at = child;
    }
}

static void rise(struct top *top, size_t at)
{
    for (; at > 0 && is_less(&top->best[at], &top->best[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&top->best[at], &top->best[(at - 1) / 2]);
}

/* Whether it belongs among the best; then it is there. */
static bool offer(struct top *top, const struct best *candidate)
{
    if (top->count < top->max) {
        top->best[top->count++] = *candidate;
        rise(top, top->count - 1);
        return true;
    }
    if (top->count == 0 || !is_less(&top->best[0], candidate))
        return false;
    free(top->best[0].label);
    top->best[0] = *candidate;
    sink(top, 0);
    return true;
}

static int compare_best(const void *a, const void *b)
{
    return is_less(b, a) ? -1 : is_less(a, b);
}

/* ---- largest records ---- */

static void print_record(struct grid *grid, const struct best *best)
{
    struct text labels = {0};
    flume_record record;

    grid_seq(grid, best->seq);
    grid_size(grid, best->weight);
    grid_time(grid, best->time_ns);
    if (flume_log_get(grid->session->log, best->seq, &record) == FLUME_OK) {
        rows_join_labels_of(&labels, &record);
        flume_record_release(&record);
    }
    grid_bytes(grid, labels.data == NULL ? "" : labels.data, labels.bytes);
    text_deinit(&labels);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
}

static int find_largest(struct top *top)
{
    struct scan scan;
    flume_record record;
    int status = FLUME_OK, code = scan_begin(&scan, top->session, "top");

    if (code != CODE_OK) {
        (void)scan_end(&scan, FLUME_OK); /* Reported. */
        return code;
    }
    while ((status = scan_next(&scan, &record)) == FLUME_OK) {
        struct best candidate = {record.body_bytes, record.seq, record.time_ns, NULL};

        (void)offer(top, &candidate);
    }
    return scan_end(&scan, status);
}

/* ---- busiest labels ---- */

static int offer_label(struct top *top, const flume_label_info *info)
{
    struct best candidate = {.weight = info->count, .seq = info->first_seq};

    if (!scan_asks_label(top->session->invocation, info->label, strlen(info->label)))
        return FLUME_OK;
    candidate.label = malloc(sizeof(*candidate.label));
    if (candidate.label == NULL)
        return FLUME_ERR_NO_MEMORY;
    *candidate.label = *info;
    if (!offer(top, &candidate))
        free(candidate.label);
    return FLUME_OK;
}

static int on_label(void *ctx, const flume_label_info *info)
{
    struct top *top = ctx;

    return asking_stopped(top->asking) ? FLUME_ERR_CANCELLED : offer_label(top, info);
}

/* The label view has counted already. */
static int ask_for_labels(struct top *top)
{
    struct asking asking;
    int status, code = asking_begin(&asking, top->session, "label");

    top->asking = &asking;
    if (code == CODE_OK) {
        asking_note_stale(&asking);
        status = flume_label_list(top->session->flume, &asking.ask, NULL, NULL, on_label, top);
        code = status == FLUME_OK ? CODE_OK : asking_report(&asking, status);
    }
    asking_end(&asking);
    return code;
}

static int count_labels(struct scan *scan, struct label_table *table)
{
    flume_record record;
    int status;

    while ((status = scan_next(scan, &record)) == FLUME_OK) {
        size_t position = 0;
        flume_label label;

        while (flume_record_label(&record, &position, &label))
            if (label_table_meet(table, &label, &record) == NULL)
                return FLUME_ERR_NO_MEMORY;
    }
    return status;
}

/* Between two times only the log itself knows. */
static int scan_for_labels(struct top *top)
{
    struct label_table table;
    struct scan scan;
    int status = FLUME_OK, code = scan_begin(&scan, top->session, "top");

    label_table_init(&table, LABELS_MAX);
    if (code == CODE_OK)
        status = count_labels(&scan, &table);
    code = exit_code_worse(code, scan_end(&scan, status));
    for (size_t i = 0; i < table.count && status == FLUME_END; i++) {
        const struct label_entry *entry = &table.entries[i];
        flume_label_info info = {.count = entry->count,
                                 .body_bytes = entry->body_bytes,
                                 .first_seq = entry->first_seq,
                                 .last_seq = entry->last_seq};

        memcpy(info.label, entry->text, entry->bytes);
        if (offer_label(top, &info) != FLUME_OK)
            code = report_status(top->session, FLUME_ERR_NO_MEMORY, NULL);
    }
    if (table.dropped != 0)
        warn(top->session, "over %d labels: counts are at least what is shown", LABELS_MAX);
    label_table_deinit(&table);
    return code;
}

static void print_label(struct grid *grid, const flume_label_info *info)
{
    grid_string(grid, info->label);
    grid_count(grid, info->count);
    grid_size(grid, info->body_bytes);
    grid_seq(grid, info->first_seq);
    grid_seq(grid, info->last_seq);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
}

/* ---- the command ---- */

static int prepare(struct top *top)
{
    struct session *session = top->session;
    const struct option_use *rows = invocation_option(session->invocation, OPTION_ROWS_MAX);

    top->max = rows == NULL ? ROWS_DEFAULT : (size_t)rows->number;
    if (rows != NULL && rows->number > ROWS_MOST)
        return report_at(session, (struct reference_place){rows->token, rows->text_at, 0},
                         ERROR_TOP_ROWS);
    top->best = calloc(top->max + 1, sizeof(top->best[0]));
    return top->best == NULL ? report_status(session, FLUME_ERR_NO_MEMORY, NULL) : CODE_OK;
}

static void print(struct top *top, bool by_count)
{
    struct grid grid;

    qsort(top->best, top->count, sizeof(top->best[0]), compare_best);
    if (by_count)
        grid_init(&grid, top->session, "label", label_columns,
                  sizeof(label_columns) / sizeof(label_columns[0]));
    else
        grid_init(&grid, top->session, "record", record_columns,
                  sizeof(record_columns) / sizeof(record_columns[0]));
    for (size_t i = 0; i < top->count; i++) {
        if (by_count)
            print_label(&grid, top->best[i].label);
        else
            print_record(&grid, &top->best[i]);
    }
}

int run_top(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    bool by_count = invocation_number(invocation, OPTION_TOP_BY, BY_BYTES) == BY_COUNT;
    bool has_times = invocation_has(invocation, OPTION_SINCE) ||
                     invocation_has(invocation, OPTION_UNTIL);
    struct top top = {.session = session};
    flume_log *log;
    int code = prepare(&top);

    session->needs_views = session->needs_views || (by_count && !has_times);
    if (code == CODE_OK) {
        session_take_signals(session);
        code = session_open_to_read(session, &log);
    }
    if (code == CODE_OK)
        code = !by_count   ? find_largest(&top)
               : has_times ? scan_for_labels(&top)
                           : ask_for_labels(&top);
    if (scan_counts(code))
        print(&top, by_count);
    for (size_t i = 0; i < top.count; i++)
        free(top.best[i].label);
    free(top.best);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
