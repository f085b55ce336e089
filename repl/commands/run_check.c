/*
 * run_check.c - `flume check` and `flume repair`.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "grid.h"
#include "object.h"
#include "progress.h"
#include "run.h"
#include "shell.h"

struct checking {
    struct session *session;
    struct grid grid;
    struct progress progress;
    bool changes;         /* A repair, which changes files once it has told its findings. */
    uint64_t findings;    /* Told so far. */
    uint64_t done, total; /* Bytes. */
};

static const char *finding_name(enum flume_finding_kind kind)
{
    switch (kind) {
    case FLUME_FINDING_TORN_TAIL:
        return "torn_tail";
    case FLUME_FINDING_DAMAGED_RECORD:
        return "damaged_record";
    case FLUME_FINDING_MISSING_STRATA:
        return "missing_strata";
    case FLUME_FINDING_WRONG_STRATA:
        return "wrong_strata";
    case FLUME_FINDING_TAIL_LOST:
        return "tail_lost";
    case FLUME_FINDING_BROKEN_BATCH:
        return "broken_batch";
    case FLUME_FINDING_LOST_RECORD:
        return "lost_record";
    case FLUME_FINDING_SIDE_FILE:
        return "side_file";
    case FLUME_FINDING_VERSION:
        return "version";
    case FLUME_FINDING_PARITY:
        return "parity";
    }
    return "unknown";
}

/* ---- findings ---- */

static const struct grid_column finding_columns[] = {
    {"kind", 14, false}, {"first", 0, true}, {"last", 0, true},    {"file", 0, false},
    {"offset", 0, true}, {"bytes", 0, true}, {"action", 0, false}, {"message", 0, false}};

static void put_string(struct grid *grid, const char *string)
{
    grid_string(grid, string == NULL ? "" : string);
}

/* What the library's callbacks answer: a repair is only cancelled while nothing was changed, which
 * begins behind its first finding. */
static int answer(const struct checking *checking)
{
    bool is_too_late = checking->changes && checking->findings != 0;

    return session_stopped(checking->session) != 0 && !is_too_late;
}

static int on_finding(void *ctx, const flume_finding *finding)
{
    struct checking *checking = ctx;
    struct grid *grid = &checking->grid;

    if (answer(checking) != 0)
        return 1;
    checking->findings++;
    progress_end(&checking->progress); /* The row takes the bar's place on the screen. */
    grid_string(grid, finding_name(finding->kind));
    grid_seq(grid, finding->first_seq);
    grid_seq(grid, finding->last_seq);
    put_string(grid, finding->file);
    grid_count(grid, finding->offset);
    grid_count(grid, finding->bytes);
    put_string(grid, finding->action);
    put_string(grid, finding->message);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
    return answer(checking);
}

static void begin_findings(struct checking *checking, struct session *session)
{
    *checking = (struct checking){.session = session};
    grid_init(&checking->grid, session, "finding", finding_columns,
              sizeof(finding_columns) / sizeof(finding_columns[0]));
    grid_keep_whole(&checking->grid); /* What is damaged is not cut. */
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct checking *checking = ctx;

    checking->done = done;
    checking->total = total;
    progress_update(&checking->progress, done, total);
    return answer(checking);
}

/* ---- the end ---- */

static void summary_json(struct session *session, const flume_check_report *report_,
                         const char *what, double seconds)
{
    struct text *text = &session->line;

    object_begin(text, "summary");
    object_string(text, "what", what);
    object_bool(text, "sound", report_->sound);
    object_uint(text, "records", report_->records);
    object_uint(text, "bytes", report_->bytes);
    object_uint(text, "strata", report_->strata);
    object_uint(text, "head", report_->head);
    object_uint(text, "findings", report_->findings);
    object_uint(text, "damaged", report_->damaged);
    object_uint(text, "lost", report_->lost);
    object_uint(text, "torn_bytes", report_->torn_bytes);
    object_real(text, "seconds", seconds, 3);
    object_end(text);
    (void)session_emit(session); /* A failure shows when stdout is flushed. */
}

static void summary_note(struct session *session, const flume_check_report *report_)
{
    struct text text = {0};

    value_show_count(&text, report_->records);
    text_string(&text, " records, ");
    value_show_size(&text, report_->bytes);
    text_format(&text, " in %" PRIu64 " strata: ", report_->strata);
    if (report_->findings == 0) {
        text_string(&text, "nothing is damaged");
    } else {
        text_format(&text, "%" PRIu64 " findings, %" PRIu64 " records damaged, %" PRIu64 " lost",
                    report_->findings, report_->damaged, report_->lost);
        if (report_->sound)
            text_string(&text, "; the log is sound");
    }
    note(session, "%s", text_c_string(&text));
    text_deinit(&text);
}

static int report_cancelled(struct checking *checking)
{
    struct text so_far = {0};
    int code;

    if (checking->changes)
        text_string(&so_far, "nothing was changed");
    else
        text_format(&so_far, "%" PRIu64 " findings so far", checking->findings);
    code = cancel_report(checking->session, &(struct cancelled){.done = checking->done,
                                                                .total = checking->total,
                                                                .units = "bytes",
                                                                .did = "read",
                                                                .remedy = text_c_string(&so_far)});
    text_deinit(&so_far);
    return code;
}

static int finish(struct checking *checking, int status, const flume_check_report *report_,
                  const flume_error *error, const char *what)
{
    struct session *session = checking->session;
    bool came_through = status == FLUME_OK || status == FLUME_ERR_DAMAGED ||
                        status == FLUME_ERR_TAIL_LOST;

    progress_end(&checking->progress);
    cancel_end(session);
    if (status == FLUME_ERR_CANCELLED && session_stopped(session) != 0)
        return report_cancelled(checking);
    if (session_stopped(session) != 0)
        note(session, "it was too late to cancel");
    if (came_through && session->json)
        summary_json(session, report_, what, progress_seconds(&checking->progress));
    else if (came_through)
        summary_note(session, report_);
    return status == FLUME_OK ? CODE_OK : report_status(session, status, error);
}

static int require_basin(struct session *session)
{
    if (session->db != NULL)
        return CODE_OK;
    return report(session, ERROR_NO_BASIN_NAMED);
}

/* ---- quick ---- */

static void print_quick(struct session *session, const flume_log_stat_info *stat, double seconds)
{
    const flume_recovery *recovery = &stat->recovery;
    struct text *text = &session->line, shown = {0};

    if (session->json) {
        object_begin(text, "summary");
        object_string(text, "what", "quick");
        object_bool(text, "sound", !recovery->damaged);
        object_uint(text, "bytes", stat->used_bytes);
        object_uint(text, "strata", stat->strata_count);
        object_uint(text, "head", stat->head);
        object_uint(text, "torn_bytes", recovery->cut_bytes);
        object_real(text, "seconds", seconds, 3);
        object_end(text);
        (void)session_emit(session); /* A failure shows when stdout is flushed. */
        return;
    }
    text_string(&shown, "it opens, and ends at ");
    value_show_count(&shown, stat->head);
    text_format(&shown, " in %" PRIu64 " strata%s", stat->strata_count,
                recovery->torn ? ", behind which a crash left a torn tail" : "");
    note(session, "%s%s", text_c_string(&shown),
         recovery->damaged ? "" : ": no damage there; every byte: check --full");
    text_deinit(&shown);
}

/* What opening looks at is the end of the log, which is what a crash leaves in doubt. A shell's
 * handle was opened some time ago. */
static int check_quickly(struct session *session)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
    uint64_t begun_ns = value_monotonic_ns();
    flume_log_stat_info stat;
    flume_log *log = NULL;
    int code = session_open(session, &options, &log), status;

    if (code != CODE_OK)
        return code;
    status = flume_log_stat(log, &stat);
    if (status != FLUME_OK) {
        code = report_log_error(session, log, status);
    } else {
        print_quick(session, &stat,
                    (double)(value_monotonic_ns() - begun_ns) / (double)NS_PER_SECOND);
        if (stat.recovery.damaged)
            code = report(session, ERROR_END_DAMAGED, stat.recovery.damaged_seq);
    }
    (void)session_close(session); /* Nothing was written. */
    return code;
}

/* ---- check ---- */

/* The last one given counts. */
static bool is_quick(const struct session *session)
{
    const struct option_use *quick = invocation_option(session->invocation, OPTION_QUICK);
    const struct option_use *full = invocation_option(session->invocation, OPTION_FULL);

    return quick != NULL && (full == NULL || full->token < quick->token);
}

int run_check(struct session *session)
{
    struct checking checking;
    flume_check_options options = {
        .finding = on_finding, .progress = on_progress, .ctx = &checking};
    flume_check_report report_ = {0};
    flume_error error = {.seq = FLUME_SEQ_NONE};
    int code = require_basin(session), status;

    if (code != CODE_OK)
        return code;
    if (is_quick(session))
        return check_quickly(session);
    cancel_begin(session);
    begin_findings(&checking, session);
    progress_begin(&checking.progress, session, "check", PROGRESS_BYTES);
    status = flume_check(session->db, &options, &report_, &error);
    return finish(&checking, status, &report_, &error, "check");
}

/* ---- repair ---- */

/* In a shell Ctrl-C is an answer too. */
static bool says_yes(struct session *session)
{
    struct pollfd either[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = session->stop->descriptor, .events = POLLIN}};
    char answer[8] = "";

    fputs("Repair it? What is replaced is kept in lost+found/. [y/N] ", stderr);
    while (poll(either, 2, -1) < 0 && errno == EINTR)
        ;
    if (session_stopped(session) != 0) {
        fputs("\n", stderr);
        return false;
    }
    return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* A repair moves files: somebody must have said so. */
static int confirm(struct session *session, enum flume_repair_policy policy)
{
    if (policy == FLUME_REPAIR_DRY_RUN || invocation_has(session->invocation, OPTION_YES))
        return CODE_OK;
    if (isatty(STDIN_FILENO) != 1 || !session->error_terminal || session->json)
        return report(session, ERROR_NOBODY_TO_ASK);
    if (says_yes(session))
        return CODE_OK;
    if (session_stopped(session) != 0)
        return cancel_say(session, NULL, "nothing was changed");
    note(session, "nothing was changed");
    if (session->shell != NULL)
        session->shell->has_reported = true; /* So that the prompt does not say "nothing found". */
    return CODE_NO;
}

int run_repair(struct session *session)
{
    struct checking checking;
    flume_check_options options = {
        .finding = on_finding, .progress = on_progress, .ctx = &checking};
    enum flume_repair_policy policy = FLUME_REPAIR_SALVAGE;
    flume_check_report report_ = {0};
    flume_error error = {.seq = FLUME_SEQ_NONE};
    int code = require_basin(session), status;

    if (invocation_has(session->invocation, OPTION_ACCEPT_LOSS))
        policy = FLUME_REPAIR_ACCEPT_LOSS;
    if (invocation_has(session->invocation, OPTION_DRY_RUN))
        policy = FLUME_REPAIR_DRY_RUN;
    session_take_signals(session);
    if (code == CODE_OK)
        code = confirm(session, policy);
    if (code != CODE_OK)
        return code;
    begin_findings(&checking, session);
    checking.changes = policy != FLUME_REPAIR_DRY_RUN;
    cancel_begin(session); /* Only now: at the question above Ctrl-C ends at once. */
    progress_begin(&checking.progress, session, "repair", PROGRESS_BYTES);
    status = flume_repair(session->db, policy, &options, &report_, &error);
    return finish(&checking, status, &report_, &error,
                  policy == FLUME_REPAIR_DRY_RUN ? "dry-run" : "repair");
}
