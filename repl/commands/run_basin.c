/*
 * run_basin.c - `flume init`, `flume info` and `flume stat`: a basin as a whole.
 */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "glyphs.h"
#include "grid.h"
#include "object.h"
#include "run.h"
#include "view_name.h"

enum { ATTACHED_MAX = 256 };

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

static void add_id(struct text *text, const uint8_t id[16])
{
    for (size_t i = 0; i < 16; i++)
        text_format(text, "%02x", id[i]);
}

static void put_id(struct grid *grid, const uint8_t id[16])
{
    struct text text = {0};

    add_id(&text, id);
    grid_bytes(grid, text.data, text.bytes);
    text_deinit(&text);
}

/* ---- init ---- */

static int report_exists(struct session *session)
{
    return report(session, ERROR_BASIN_EXISTS, session->db);
}

static const struct grid_column init_columns[] = {
    {"path", 0, false}, {"basin", 0, false}, {"format", 0, true}, {"strata_bytes", 0, true}};

static int print_made(struct session *session, flume_log *log)
{
    flume_log_stat_info stat;
    struct grid grid;
    int status = flume_log_stat(log, &stat);

    if (status != FLUME_OK)
        return report_log_error(session, log, status);
    if (session->quiet && !session->json)
        return CODE_OK;
    grid_init(&grid, session, "basin", init_columns, COLUMN_COUNT(init_columns));
    grid_make_card(&grid);
    grid_string(&grid, session->db);
    put_id(&grid, stat.basin_id);
    grid_count(&grid, FLUME_FORMAT_VERSION);
    grid_size(&grid, stat.strata_bytes);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

int run_init(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    flume_log_options create = {.flags = FLUME_OPEN_CREATE};
    flume_log_options look = {.flags = FLUME_OPEN_READ_ONLY};
    flume_log *log = NULL;
    int code;

    if (invocation->operand_count == 1) {
        if (invocation->db != NULL)
            return report_at(session,
                             (struct reference_place){.token = invocation->operands[0].token},
                             ERROR_PATH_TWICE);
        session->db = invocation->operands[0].text;
    }
    if (session->db != NULL && flume_log_open(&log, session->db, &look, NULL) == FLUME_OK) {
        (void)flume_log_close(log); /* It was only looked at. */
        return report_exists(session);
    }
    create.strata_bytes = invocation_number(invocation, OPTION_STRATA, 0);
    code = session_open(session, &create, &log);
    if (code != CODE_OK)
        return code;
    code = print_made(session, log);
    if (session_close(session) != FLUME_OK)
        code = report(session, ERROR_NOT_CLOSED, session->db);
    return code;
}

/* ---- info ---- */

static const struct grid_column info_columns[] = {
    {"path", 0, false},           {"basin", 0, false},
    {"format", 0, true},          {"head", 0, true},
    {"durable", 0, true},         {"used_bytes", 0, true},
    {"allocated_bytes", 0, true}, {"strata", 0, true},
    {"sealed", 0, true},          {"strata_bytes", 0, true},
    {"created", 0, false},        {"first", 0, false},
    {"last", 0, false},           {"attached", 0, true},
    {"damaged", 0, false}};

static void print_info(struct session *session, const flume_log_stat_info *stat)
{
    struct grid grid;

    grid_init(&grid, session, "info", info_columns, COLUMN_COUNT(info_columns));
    grid_make_card(&grid);
    grid_string(&grid, session->db);
    put_id(&grid, stat->basin_id);
    grid_count(&grid, FLUME_FORMAT_VERSION);
    grid_count(&grid, stat->head);
    grid_count(&grid, stat->durable);
    grid_size(&grid, stat->used_bytes);
    grid_size(&grid, stat->allocated_bytes);
    grid_count(&grid, stat->strata_count);
    grid_count(&grid, stat->sealed_count);
    grid_size(&grid, stat->strata_bytes);
    grid_time_or_absent(&grid, stat->created_ns);
    grid_time_or_absent(&grid, stat->first_time_ns);
    grid_time_or_absent(&grid, stat->last_time_ns);
    grid_count(&grid, stat->attached);
    grid_truth(&grid, stat->recovery.damaged);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

/* Open, look at the numbers, close. */
static int with_stat(struct session *session, flume_log **out_log, flume_log_stat_info *out_stat)
{
    int code = session_open_to_read(session, out_log), status;

    if (code != CODE_OK)
        return code;
    status = flume_log_stat(*out_log, out_stat);
    return status == FLUME_OK ? CODE_OK : report_log_error(session, *out_log, status);
}

int run_info(struct session *session)
{
    flume_log_stat_info stat;
    flume_log *log = NULL;
    int code = with_stat(session, &log, &stat);

    if (code == CODE_OK)
        print_info(session, &stat);
    (void)session_close(session); /* Nothing was written. */
    return code;
}

/* ---- stat, once ---- */

static const char *profile_name(enum flume_profile profile)
{
    static const char *const names[] = {"casual", "forgetful", "casual", "safe", "paranoid"};

    return (unsigned)profile < sizeof(names) / sizeof(names[0]) ? names[profile] : "unknown";
}

static const char *io_mode_name(enum flume_io_mode mode)
{
    static const char *const names[] = {"auto", "mapped", "pwrite"};

    return (unsigned)mode < sizeof(names) / sizeof(names[0]) ? names[mode] : "unknown";
}

static void add_attached_json(struct text *text, const flume_attached *attached)
{
    text_string(text, "{\"pid\":");
    object_put_uint(text, attached->pid);
    object_string(text, "program", attached->program);
    object_string(text, "host", attached->host);
    object_key(text, "since");
    text_char(text, '"');
    value_show_time(text, attached->started_ns);
    text_char(text, '"');
    object_bool(text, "read_only", attached->read_only);
    object_bool(text, "exclusive", attached->exclusive);
    object_bool(text, "self", attached->self);
    text_char(text, '}');
}

static void add_attached_line(struct text *text, const flume_attached *attached)
{
    text_format(text, "%" PRIu64 " %s on %s since ", attached->pid, attached->program,
                attached->host);
    value_show_time_short(text, attached->started_ns);
    text_format(text, "%s%s%s\n", attached->read_only ? ", reading" : ", writing",
                attached->exclusive ? ", exclusive" : "", attached->self ? " (this one)" : "");
}

static void put_attached(struct grid *grid, const flume_attached *attached, size_t count)
{
    struct text json = {0}, lines = {0};

    text_char(&json, '[');
    for (size_t i = 0; i < count; i++) {
        text_string(&json, i == 0 ? "" : ",");
        add_attached_json(&json, &attached[i]);
        add_attached_line(&lines, &attached[i]);
    }
    text_char(&json, ']');
    grid_list(grid, &json, &lines);
    text_deinit(&json);
    text_deinit(&lines);
}

static const struct grid_column stat_columns[] = {{"head", 0, true},
                                                  {"durable", 0, true},
                                                  {"strata", 0, true},
                                                  {"sealed", 0, true},
                                                  {"strata_bytes", 0, true},
                                                  {"used_bytes", 0, true},
                                                  {"allocated_bytes", 0, true},
                                                  {"first", 0, false},
                                                  {"last", 0, false},
                                                  {"profile", 0, false},
                                                  {"io", 0, false},
                                                  {"poisoned", 0, false},
                                                  {"observer", 0, false},
                                                  {"torn", 0, false},
                                                  {"cut_bytes", 0, true},
                                                  {"cut_strata", 0, true},
                                                  {"damaged", 0, false},
                                                  {"damaged_seq", 0, true},
                                                  {"attached", 0, false}};

static void print_stat(struct session *session, const flume_log_stat_info *stat,
                       const flume_attached *attached, size_t attached_count)
{
    const flume_recovery *recovery = &stat->recovery;
    struct grid grid;

    grid_init(&grid, session, "stat", stat_columns, COLUMN_COUNT(stat_columns));
    grid_make_card(&grid);
    grid_count(&grid, stat->head);
    grid_count(&grid, stat->durable);
    grid_count(&grid, stat->strata_count);
    grid_count(&grid, stat->sealed_count);
    grid_size(&grid, stat->strata_bytes);
    grid_size(&grid, stat->used_bytes);
    grid_size(&grid, stat->allocated_bytes);
    grid_time_or_absent(&grid, stat->first_time_ns);
    grid_time_or_absent(&grid, stat->last_time_ns);
    grid_string(&grid, profile_name(stat->profile));
    grid_string(&grid, io_mode_name(stat->io_mode));
    grid_truth(&grid, stat->poisoned);
    grid_truth(&grid, stat->observer);
    grid_truth(&grid, recovery->torn);
    grid_size(&grid, recovery->cut_bytes);
    grid_count(&grid, recovery->cut_strata);
    grid_truth(&grid, recovery->damaged);
    grid_seq(&grid, recovery->damaged ? recovery->damaged_seq : FLUME_SEQ_NONE);
    put_attached(&grid, attached, attached_count);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

static int stat_once(struct session *session, flume_log *log, const flume_log_stat_info *stat)
{
    flume_attached attached[ATTACHED_MAX];
    int count = flume_log_attached(log, attached, ATTACHED_MAX);

    if (count < 0)
        return report_log_error(session, log, count);
    if (count > ATTACHED_MAX)
        count = ATTACHED_MAX;
    print_stat(session, stat, attached, (size_t)count);
    return CODE_OK;
}

/* ---- stat, rolling ---- */

/* False: Ctrl-C came first. */
static bool wait_until(struct session *session, uint64_t monotonic_ns)
{
    struct pollfd stop = {.fd = session->stop->descriptor, .events = POLLIN};
    uint64_t now;

    while (session_stopped(session) == 0 && (now = value_monotonic_ns()) < monotonic_ns) {
        uint64_t milliseconds = (monotonic_ns - now) / NS_PER_MILLISECOND + 1;

        (void)poll(&stop, 1, milliseconds < INT_MAX ? (int)milliseconds : INT_MAX);
    }
    return session_stopped(session) == 0;
}

static const struct grid_column rate_columns[] = {
    {"time", 23, false}, {"rec_s", 10, true},       {"mb_s", 8, true},
    {"head", 10, true},  {"not_durable", 11, true}, {"lag_max", 7, true},
};

/* What a summary draws: the newest rows. */
enum { SUMMARY_ROWS = 60 };

struct rolling {
    struct session *session;
    flume_log *log;
    struct grid grid;
    flume_log_stat_info before;
    uint64_t before_ns; /* Monotonic. */
    double rates[SUMMARY_ROWS], lags[SUMMARY_ROWS];
    size_t row_count; /* Of them. */
};

/* How far the view that is furthest behind is; false where no view has been built. */
static bool find_lag_max(struct session *session, uint64_t *out_lag)
{
    flume_view_status *list = NULL;
    size_t count = 0;
    bool found = false;

    if (view_name_list(session, &list, &count) != CODE_OK)
        return false;
    *out_lag = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].generation == 0 || list[i].state == FLUME_VIEW_FOREIGN)
            continue; /* Nobody has asked it: that it is behind means nothing. */
        found = true;
        *out_lag = list[i].lag_records > *out_lag ? list[i].lag_records : *out_lag;
    }
    free(list);
    return found;
}

static void remember(struct rolling *rolling, double rate, double lag)
{
    size_t kept = rolling->row_count < SUMMARY_ROWS ? rolling->row_count : SUMMARY_ROWS - 1;

    if (rolling->row_count == SUMMARY_ROWS) {
        memmove(rolling->rates, rolling->rates + 1, kept * sizeof(double));
        memmove(rolling->lags, rolling->lags + 1, kept * sizeof(double));
    }
    rolling->rates[kept] = rate;
    rolling->lags[kept] = lag;
    rolling->row_count = kept + 1;
}

static void print_rates(struct rolling *rolling, const flume_log_stat_info *after, double seconds)
{
    const flume_log_stat_info *before = &rolling->before;
    struct grid *grid = &rolling->grid;
    double records = (double)(after->head - before->head) / seconds;
    uint64_t lag = 0;
    bool has_lag = find_lag_max(rolling->session, &lag);

    grid_time(grid, value_wall_ns());
    grid_real(grid, records, 1);
    grid_real(grid, (double)(after->used_bytes - before->used_bytes) / seconds / 1e6, 3);
    grid_count(grid, after->head);
    grid_count(grid, after->head > after->durable ? after->head - after->durable : 0);
    if (has_lag)
        grid_count(grid, lag);
    else
        grid_absent(grid);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
    remember(rolling, records, (double)lag);
}

/* On a terminal, what the rows were as a whole. */
static void print_summary(const struct rolling *rolling)
{
    struct text *text = &rolling->session->line;

    if (!rolling->session->out_terminal || rolling->session->mode != MODE_TABLE ||
        rolling->row_count < 2)
        return;
    /* The terminal has written ^C, which is shorter than what takes its place. */
    text_string(text, session_stopped(rolling->session) != 0 ? "\rrec_s " : "rec_s ");
    glyphs_sparkline(text, rolling->rates, rolling->row_count);
    if (rolling->row_count <= SUMMARY_ROWS / 3)
        text_string(text, "   lag_max ");
    else
        text_string(text, "\nlag_max ");
    glyphs_sparkline(text, rolling->lags, rolling->row_count);
    text_char(text, '\n');
    (void)session_emit_text(rolling->session); /* A failure shows when stdout is flushed. */
}

static int stat_rolling(struct session *session, flume_log *log, const flume_log_stat_info *first,
                        uint64_t interval_ns)
{
    uint64_t rows = invocation_number(session->invocation, OPTION_ROWS, UINT64_MAX);
    const struct option_use *interval = invocation_option(session->invocation, OPTION_INTERVAL);
    struct rolling rolling = {.session = session, .log = log, .before = *first};
    int code = CODE_OK;

    if (rows == UINT64_MAX)
        code = session_has_no_end(session, interval->token);
    grid_init(&rolling.grid, session, "rate", rate_columns, COLUMN_COUNT(rate_columns));
    rolling.before_ns = value_monotonic_ns();
    for (uint64_t i = 0; i < rows && code == CODE_OK; i++) {
        flume_log_stat_info after;
        uint64_t now;
        int status;

        if (!wait_until(session, rolling.before_ns + interval_ns)) {
            print_summary(&rolling);
            return cancel_report(session,
                                 &(struct cancelled){.done = i, .units = "rows", .did = "shown"});
        }
        now = value_monotonic_ns();
        status = flume_log_stat(log, &after);
        if (status != FLUME_OK)
            return report_log_error(session, log, status);
        print_rates(&rolling, &after, (double)(now - rolling.before_ns) / (double)NS_PER_SECOND);
        code = session_flush(session);
        rolling.before_ns = now;
        rolling.before = after;
    }
    print_summary(&rolling);
    return code;
}

int run_stat(struct session *session)
{
    uint64_t interval_ns = invocation_number(session->invocation, OPTION_INTERVAL, 0);
    flume_log_stat_info stat;
    flume_log *log = NULL;
    int code;

    if (interval_ns == 0 && invocation_has(session->invocation, OPTION_ROWS))
        interval_ns = NS_PER_SECOND;
    session_take_signals(session);
    session->needs_views = session->needs_views || interval_ns != 0;
    code = with_stat(session, &log, &stat);
    cancel_begin(session);
    if (code == CODE_OK)
        code = interval_ns == 0 ? stat_once(session, log, &stat)
                                : stat_rolling(session, log, &stat, interval_ns);
    cancel_end(session);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
