/*
 * run_basin.c - `flume init`, `flume info` and `flume stat`: a basin as a whole.
 */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cancel.h"
#include "object.h"
#include "run.h"
#include "utf8.h"

enum { ATTACHED_MAX = 256 };

static void add_id(struct text *text, const uint8_t id[16])
{
    for (size_t i = 0; i < 16; i++)
        text_format(text, "%02x", id[i]);
}

static void json_id(struct text *text, const uint8_t id[16])
{
    object_key(text, "basin");
    text_char(text, '"');
    add_id(text, id);
    text_char(text, '"');
}

/* A time, or null where there is none. */
static void json_time(struct text *text, const char *key, uint64_t time_ns)
{
    object_key(text, key);
    if (time_ns == 0) {
        text_string(text, "null");
        return;
    }
    text_char(text, '"');
    value_show_time(text, time_ns);
    text_char(text, '"');
}

/* ---- init ---- */

static int report_exists(struct session *session)
{
    return report(session, ERROR_BASIN_EXISTS, session->db);
}

static int print_made(struct session *session, flume_log *log)
{
    struct text *text = &session->line;
    flume_log_stat_info stat;
    int status = flume_log_stat(log, &stat);

    if (status != FLUME_OK)
        return report_log_error(session, log, status);
    if (session->json) {
        object_begin(text, "basin");
        object_string(text, "path", session->db);
        json_id(text, stat.basin_id);
        object_uint(text, "format", FLUME_FORMAT_VERSION);
        object_uint(text, "strata_bytes", stat.strata_bytes);
        object_end(text);
    } else if (!session->quiet) {
        utf8_show(text, session->db, strlen(session->db), 0);
        text_char(text, '\t');
        add_id(text, stat.basin_id);
        text_format(text, "\t%d\n", FLUME_FORMAT_VERSION);
    }
    (void)session_emit(session); /* A failure shows when stdout is flushed. */
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

static void info_json(struct session *session, const flume_log_stat_info *stat)
{
    struct text *text = &session->line;

    object_begin(text, "info");
    object_string(text, "path", session->db);
    json_id(text, stat->basin_id);
    object_uint(text, "format", FLUME_FORMAT_VERSION);
    object_uint(text, "head", stat->head);
    object_uint(text, "durable", stat->durable);
    object_uint(text, "used_bytes", stat->used_bytes);
    object_uint(text, "allocated_bytes", stat->allocated_bytes);
    object_uint(text, "strata", stat->strata_count);
    object_uint(text, "strata_bytes", stat->strata_bytes);
    json_time(text, "created", stat->created_ns);
    json_time(text, "first", stat->first_time_ns);
    json_time(text, "last", stat->last_time_ns);
    object_uint(text, "attached", stat->attached);
    object_bool(text, "damaged", stat->recovery.damaged);
    object_end(text);
    (void)session_emit(session); /* A failure shows when stdout is flushed. */
}

static void row_time(struct session *session, const char *key, uint64_t time_ns)
{
    struct text shown = {0};

    if (time_ns != 0)
        value_show_time(&shown, time_ns);
    session_row(session, key, "%s", text_c_string(&shown));
    text_deinit(&shown);
}

/* A size: the number for programs, on a terminal for people. */
static void row_size(struct session *session, const char *key, uint64_t bytes)
{
    struct text shown = {0};

    if (session->out_terminal)
        value_show_size(&shown, bytes);
    else
        text_format(&shown, "%" PRIu64, bytes);
    session_row(session, key, "%s", text_c_string(&shown));
    text_deinit(&shown);
}

static void row_count(struct session *session, const char *key, uint64_t count)
{
    struct text shown = {0};

    if (session->out_terminal)
        value_show_count(&shown, count);
    else
        text_format(&shown, "%" PRIu64, count);
    session_row(session, key, "%s", text_c_string(&shown));
    text_deinit(&shown);
}

static void info_rows(struct session *session, const flume_log_stat_info *stat)
{
    struct text id = {0};

    add_id(&id, stat->basin_id);
    session_row(session, "path", "%s", session->db);
    session_row(session, "basin", "%s", text_c_string(&id));
    session_row(session, "format", "%d", FLUME_FORMAT_VERSION);
    row_count(session, "head", stat->head);
    row_count(session, "durable", stat->durable);
    row_size(session, "used", stat->used_bytes);
    row_size(session, "allocated", stat->allocated_bytes);
    row_count(session, "strata", stat->strata_count);
    row_size(session, "strata size", stat->strata_bytes);
    row_time(session, "created", stat->created_ns);
    row_time(session, "first", stat->first_time_ns);
    row_time(session, "last", stat->last_time_ns);
    row_count(session, "attached", stat->attached);
    session_row(session, "damaged", "%s", stat->recovery.damaged ? "yes" : "no");
    text_deinit(&id);
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

    if (code == CODE_OK && session->json)
        info_json(session, &stat);
    else if (code == CODE_OK)
        info_rows(session, &stat);
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

static void json_attached(struct text *text, const flume_attached *attached, size_t count)
{
    object_key(text, "attached");
    text_char(text, '[');
    for (size_t i = 0; i < count; i++) {
        text_string(text, i == 0 ? "{\"pid\":" : ",{\"pid\":");
        object_put_uint(text, attached[i].pid);
        object_string(text, "program", attached[i].program);
        object_string(text, "host", attached[i].host);
        json_time(text, "since", attached[i].started_ns);
        object_bool(text, "read_only", attached[i].read_only);
        object_bool(text, "exclusive", attached[i].exclusive);
        object_bool(text, "self", attached[i].self);
        text_char(text, '}');
    }
    text_char(text, ']');
}

static void stat_json(struct session *session, const flume_log_stat_info *stat,
                      const flume_attached *attached, size_t attached_count)
{
    struct text *text = &session->line;

    object_begin(text, "stat");
    object_uint(text, "head", stat->head);
    object_uint(text, "durable", stat->durable);
    object_uint(text, "strata", stat->strata_count);
    object_uint(text, "strata_bytes", stat->strata_bytes);
    object_uint(text, "used_bytes", stat->used_bytes);
    object_uint(text, "allocated_bytes", stat->allocated_bytes);
    json_time(text, "first", stat->first_time_ns);
    json_time(text, "last", stat->last_time_ns);
    object_string(text, "profile", profile_name(stat->profile));
    object_string(text, "io", io_mode_name(stat->io_mode));
    object_bool(text, "poisoned", stat->poisoned);
    object_bool(text, "observer", stat->observer);
    object_bool(text, "torn", stat->recovery.torn);
    object_uint(text, "cut_bytes", stat->recovery.cut_bytes);
    object_uint(text, "cut_strata", stat->recovery.cut_strata);
    object_bool(text, "damaged", stat->recovery.damaged);
    if (stat->recovery.damaged)
        object_seq(text, "damaged_seq", stat->recovery.damaged_seq);
    json_attached(text, attached, attached_count);
    object_end(text);
    (void)session_emit(session); /* A failure shows when stdout is flushed. */
}

static void stat_rows(struct session *session, const flume_log_stat_info *stat,
                      const flume_attached *attached, size_t attached_count)
{
    row_count(session, "head", stat->head);
    row_count(session, "durable", stat->durable);
    row_count(session, "strata", stat->strata_count);
    row_size(session, "strata size", stat->strata_bytes);
    row_size(session, "used", stat->used_bytes);
    row_size(session, "allocated", stat->allocated_bytes);
    row_time(session, "first", stat->first_time_ns);
    row_time(session, "last", stat->last_time_ns);
    session_row(session, "profile", "%s", profile_name(stat->profile));
    session_row(session, "io", "%s", io_mode_name(stat->io_mode));
    session_row(session, "poisoned", "%s", stat->poisoned ? "yes" : "no");
    session_row(session, "torn", "%s", stat->recovery.torn ? "yes" : "no");
    row_size(session, "cut", stat->recovery.cut_bytes);
    session_row(session, "damaged", "%s", stat->recovery.damaged ? "yes" : "no");
    for (size_t i = 0; i < attached_count; i++) {
        struct text since = {0};

        value_show_time_short(&since, attached[i].started_ns);
        session_row(session, "attached", "%" PRIu64 " %s on %s since %s%s%s%s", attached[i].pid,
                    attached[i].program, attached[i].host, text_c_string(&since),
                    attached[i].read_only ? ", reading" : ", writing",
                    attached[i].exclusive ? ", exclusive" : "",
                    attached[i].self ? " (this one)" : "");
        text_deinit(&since);
    }
}

static int stat_once(struct session *session, flume_log *log, const flume_log_stat_info *stat)
{
    flume_attached attached[ATTACHED_MAX];
    int count = flume_log_attached(log, attached, ATTACHED_MAX);

    if (count < 0)
        return report_log_error(session, log, count);
    if (count > ATTACHED_MAX)
        count = ATTACHED_MAX;
    if (session->json)
        stat_json(session, stat, attached, (size_t)count);
    else
        stat_rows(session, stat, attached, (size_t)count);
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

static void print_rates(struct session *session, const flume_log_stat_info *before,
                        const flume_log_stat_info *after, double seconds)
{
    struct text *text = &session->line;
    double records = (double)(after->head - before->head) / seconds;
    double megabytes = (double)(after->used_bytes - before->used_bytes) / seconds / 1e6;
    uint64_t lag = after->head > after->durable ? after->head - after->durable : 0;

    if (session->json) {
        object_begin(text, "rate");
        json_time(text, "time", value_wall_ns());
        object_real(text, "rec_s", records, 1);
        object_real(text, "mb_s", megabytes, 3);
        object_uint(text, "head", after->head);
        object_uint(text, "lag", lag);
        object_end(text);
    } else {
        value_show_time_short(text, value_wall_ns());
        text_format(text,
                    session->out_terminal ? "  %12.1f  %10.3f  %12" PRIu64 "  %10" PRIu64 "\n"
                                          : "\t%.1f\t%.3f\t%" PRIu64 "\t%" PRIu64 "\n",
                    records, megabytes, after->head, lag);
    }
    (void)session_emit(session); /* A failure shows when stdout is flushed. */
}

static int stat_rolling(struct session *session, flume_log *log, flume_log_stat_info before,
                        uint64_t interval_ns)
{
    uint64_t rows = invocation_number(session->invocation, OPTION_ROWS, UINT64_MAX);
    uint64_t last_ns = value_monotonic_ns(), now;
    int code = CODE_OK;

    if (session->out_terminal && !session->json)
        printf("%-23s  %12s  %10s  %12s  %10s\n", "time", "rec/s", "MB/s", "head", "not durable");
    for (uint64_t i = 0; i < rows && code == CODE_OK; i++) {
        flume_log_stat_info after;
        int status;

        if (!wait_until(session, last_ns + interval_ns))
            return cancel_report(session,
                                 &(struct cancelled){.done = i, .units = "rows", .did = "shown"});
        now = value_monotonic_ns();
        status = flume_log_stat(log, &after);
        if (status != FLUME_OK)
            return report_log_error(session, log, status);
        print_rates(session, &before, &after, (double)(now - last_ns) / (double)NS_PER_SECOND);
        code = session_flush(session);
        last_ns = now;
        before = after;
    }
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
    code = with_stat(session, &log, &stat);
    cancel_begin(session);
    if (code == CODE_OK)
        code = interval_ns == 0 ? stat_once(session, log, &stat)
                                : stat_rolling(session, log, stat, interval_ns);
    cancel_end(session);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
