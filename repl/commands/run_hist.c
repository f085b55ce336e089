/*
 * run_hist.c - `flume hist`: how sizes, gaps and latencies are spread, in bins of powers of two.
 */
#include <inttypes.h>
#include <string.h>

#include "glyphs.h"
#include "grid.h"
#include "latency.h"
#include "log2_bins.h"
#include "run.h"
#include "scan.h"
#include "suggest.h"

enum { BAR_CELLS_LEAST = 10, BAR_CELLS_MOST = 60, BOUND_CELLS = 10, COUNT_CELLS = 12 };

static const struct grid_column columns[] = {{"from", BOUND_CELLS, true},
                                             {"to", BOUND_CELLS, true},
                                             {"count", COUNT_CELLS, true},
                                             {"share", 0, false}};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* What can be counted. */
struct form {
    const char *name;
    bool is_time; /* ns, not bytes. */
    int (*count)(struct session *session, struct log2_bins *bins);
};

/* ---- counting ---- */

static int count_records(struct session *session, struct log2_bins *bins, bool gaps)
{
    uint64_t before = 0, backwards = 0;
    bool has_before = false;
    struct scan scan;
    flume_record record;
    int status = FLUME_OK, code = scan_begin(&scan, session, "hist");

    while (code == CODE_OK && (status = scan_next(&scan, &record)) == FLUME_OK) {
        if (!gaps)
            log2_bins_add(bins, record.body_bytes);
        else if (has_before && record.time_ns >= before)
            log2_bins_add(bins, record.time_ns - before);
        else if (has_before)
            backwards++;
        before = record.time_ns;
        has_before = true;
    }
    code = exit_code_worse(code, scan_end(&scan, status));
    if (backwards != 0 && scan_counts(code))
        note(session, "%" PRIu64 " records are older than the one before them: not counted",
             backwards);
    return code;
}

static int count_sizes(struct session *session, struct log2_bins *bins)
{
    return count_records(session, bins, false);
}

static int count_gaps(struct session *session, struct log2_bins *bins)
{
    return count_records(session, bins, true);
}

static int count_latencies(struct session *session, struct log2_bins *bins)
{
    static const enum option_id senseless[] = {OPTION_WITH_LABEL, OPTION_SINCE, OPTION_UNTIL};

    for (size_t i = 0; i < sizeof(senseless) / sizeof(senseless[0]); i++) {
        const struct option_use *use = invocation_option(session->invocation, senseless[i]);

        if (use != NULL)
            return report_at(session, (struct reference_place){.token = use->token},
                             ERROR_LATENCY_OF_RECORDS);
    }
    return latency_measure(session, bins);
}

static const struct form forms[] = {
    {"size", false, count_sizes}, {"gap", true, count_gaps}, {"latency", true, count_latencies}};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

/* ---- showing ---- */

/* "420 ns", "1.25 ms", "2.3 h", "1.6 d". */
static void show_span(struct text *text, uint64_t ns)
{
    double minutes = (double)ns / (60.0 * (double)NS_PER_SECOND);

    if (minutes < 2)
        value_show_span(text, ns);
    else if (minutes < 120)
        text_format(text, "%.1f min", minutes);
    else if (minutes < 48 * 60)
        text_format(text, "%.1f h", minutes / 60);
    else
        text_format(text, "%.1f d", minutes / (24 * 60));
}

static void add_bound(struct grid *grid, const struct form *form, uint64_t value)
{
    struct text shown = {0};

    if (!form->is_time || grid->session->mode != MODE_TABLE) {
        if (form->is_time)
            grid_count(grid, value);
        else
            grid_size(grid, value);
        return;
    }
    show_span(&shown, value);
    grid_bytes(grid, shown.data, shown.bytes);
    text_deinit(&shown);
}

static void print(struct session *session, const struct form *form, const struct log2_bins *bins)
{
    bool draws = session->mode == MODE_TABLE;
    size_t used = 2 * BOUND_CELLS + COUNT_CELLS + 8;
    size_t cells = session->width > used + BAR_CELLS_LEAST ? session->width - used
                                                           : BAR_CELLS_LEAST;
    uint64_t most = log2_bins_most(bins);
    struct grid grid;

    cells = cells > BAR_CELLS_MOST ? BAR_CELLS_MOST : cells;
    grid_init(&grid, session, "bin", columns, draws ? COLUMNS : COLUMNS - 1);
    for (unsigned i = bins->first; i < bins->end; i++) {
        add_bound(&grid, form, log2_bins_from(i));
        add_bound(&grid, form, log2_bins_to(i));
        grid_count(&grid, bins->counts[i]);
        if (draws) {
            struct text bar = {0};

            glyphs_bar(&bar, (double)bins->counts[i] / (double)most, cells);
            while (bar.bytes > 0 && bar.data[bar.bytes - 1] == ' ')
                bar.bytes--;
            grid_bytes(&grid, bar.data, bar.bytes);
            text_deinit(&bar);
        }
        (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    }
    if (bins->total == 0 && session->error_terminal)
        note(session, "there is nothing to count");
}

/* ---- the command ---- */

static const struct form *find_form(struct session *session)
{
    const struct operand *operand = &session->invocation->operands[0];
    struct suggestion suggestion;
    const struct report_detail detail = {.place = {.token = operand->token},
                                         .suggestion = &suggestion};

    suggest_begin(&suggestion, "", operand->text, strlen(operand->text));
    for (size_t i = 0; i < FORMS; i++) {
        if (strcmp(forms[i].name, operand->text) == 0)
            return &forms[i];
        suggest_offer(&suggestion, forms[i].name);
    }
    report_with(session, &detail, ERROR_NO_HIST);
    return NULL;
}

int run_hist(struct session *session)
{
    const struct form *form = find_form(session);
    struct log2_bins bins;
    flume_log *log;
    int code = CODE_OK;

    if (form == NULL)
        return CODE_USAGE;
    log2_bins_init(&bins);
    session_take_signals(session);
    if (form->count != count_latencies)
        code = session_open_to_read(session, &log);
    if (code == CODE_OK)
        code = form->count(session, &bins);
    if (scan_counts(code))
        print(session, form, &bins);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
