/*
 * run_check.c - `flume check` and `flume repair`.
 *
 * A check goes on to the chunks of blobs, which lie in a second log, a basin of its own. Where that
 * is away it says so, and how many records refer to what was not looked at: it never passes for
 * a check of everything. A repair is of one basin.
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
    const char *folder;   /* Of the second log while that is checked; "": it is the first. */
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

/* One log's check, or the repair of one. */
struct outcome {
    int status;
    flume_check_report report;
    flume_error error;
};

/* The second log of a basin that is checked. */
struct chunks {
    int found; /* FLUME_OK: `place` is known; else what `error` says. */
    flume_error error;
    flume_grains_place place;
    bool is_checked;
    struct outcome outcome;
};

/* It came to its end. */
static bool came_through(const struct outcome *outcome)
{
    return outcome->status == FLUME_OK || outcome->status == FLUME_ERR_DAMAGED ||
           outcome->status == FLUME_ERR_TAIL_LOST;
}

static void put_string(struct grid *grid, const char *string)
{
    grid_string(grid, string == NULL ? "" : string);
}

/* A file of the basin, or what begins with its name, as seen from the first log. */
static void put_inside(const struct checking *checking, struct grid *grid, const char *string)
{
    struct text text = {0};

    if (*checking->folder != '\0')
        text_format(&text, "%s/", checking->folder);
    text_string(&text, string);
    put_string(grid, text_c_string(&text));
    text_deinit(&text);
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
    if (finding->file == NULL)
        put_string(grid, NULL);
    else
        put_inside(checking, grid, finding->file);
    grid_count(grid, finding->offset);
    grid_count(grid, finding->bytes);
    put_string(grid, finding->action);
    if (finding->file != NULL && finding->message != NULL &&
        strncmp(finding->message, finding->file, strlen(finding->file)) == 0)
        put_inside(checking, grid, finding->message);
    else
        put_string(grid, finding->message);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
    return answer(checking);
}

static void begin_findings(struct checking *checking, struct session *session)
{
    *checking = (struct checking){.session = session, .folder = ""};
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

static const char *grains_state(const struct chunks *chunks)
{
    if (chunks->found != FLUME_OK)
        return "unknown";
    switch (chunks->place.state) {
    case FLUME_GRAINS_HERE:
        return "here";
    case FLUME_GRAINS_ABSENT:
        return "absent";
    default:
        return "none";
    }
}

/* How many records refer to chunks that were not looked at. */
static uint64_t not_looked_at(const struct outcome *outcome, const struct chunks *chunks)
{
    return chunks->is_checked && came_through(&chunks->outcome) ? 0 : outcome->report.needing;
}

static void chunks_json(struct text *text, const struct outcome *outcome,
                        const struct chunks *chunks)
{
    const flume_check_report *report_ = &chunks->outcome.report;

    object_string(text, "grains", grains_state(chunks));
    if (chunks->found == FLUME_OK && chunks->place.state != FLUME_GRAINS_NONE)
        object_bytes(text, "grains_path", chunks->place.path, strlen(chunks->place.path));
    object_uint(text, "needing_chunks", outcome->report.needing);
    object_uint(text, "not_looked_at", not_looked_at(outcome, chunks));
    if (not_looked_at(outcome, chunks) != 0 || !chunks->is_checked)
        return;
    object_uint(text, "grains_records", report_->records);
    object_uint(text, "grains_bytes", report_->bytes);
    object_uint(text, "grains_findings", report_->findings);
    object_uint(text, "grains_damaged", report_->damaged);
}

/* chunks NULL: of a repair. */
static void summary_json(struct session *session, const struct outcome *outcome,
                         const struct chunks *chunks, const char *what, double seconds)
{
    const flume_check_report *report_ = &outcome->report;
    bool has_sound_chunks = chunks == NULL || !chunks->is_checked || chunks->outcome.report.sound;
    struct text *text = &session->line;

    object_begin(text, "summary");
    object_string(text, "what", what);
    object_bool(text, "sound", report_->sound && has_sound_chunks);
    object_uint(text, "records", report_->records);
    object_uint(text, "bytes", report_->bytes);
    object_uint(text, "strata", report_->strata);
    object_uint(text, "head", report_->head);
    object_uint(text, "findings", report_->findings);
    object_uint(text, "damaged", report_->damaged);
    object_uint(text, "lost", report_->lost);
    object_uint(text, "torn_bytes", report_->torn_bytes);
    if (chunks != NULL)
        chunks_json(text, outcome, chunks);
    object_real(text, "seconds", seconds, 3);
    object_end(text);
    (void)session_emit(session); /* A failure shows when stdout is flushed. */
}

static void summary_note(struct session *session, const char *folder,
                         const flume_check_report *report_)
{
    struct text text = {0};

    if (*folder != '\0')
        text_format(&text, "%s: ", folder);
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

/* Whether it was cancelled: then no more is said of it. */
static bool is_cancelled(const struct checking *checking, const struct outcome *outcome)
{
    return outcome->status == FLUME_ERR_CANCELLED && session_stopped(checking->session) != 0;
}

static void end_work(struct checking *checking, bool was_cancelled)
{
    struct session *session = checking->session;

    progress_end(&checking->progress);
    cancel_end(session);
    if (!was_cancelled && session_stopped(session) != 0)
        note(session, "it was too late to cancel");
}

static int report_outcome(struct session *session, const struct outcome *outcome)
{
    return outcome->status == FLUME_OK ? CODE_OK
                                       : report_status(session, outcome->status, &outcome->error);
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

static void check_one(struct checking *checking, const char *path, const char *what,
                      struct outcome *out_outcome)
{
    flume_check_options options = {.finding = on_finding, .progress = on_progress, .ctx = checking};

    *out_outcome = (struct outcome){.error = {.seq = FLUME_SEQ_NONE}};
    checking->done = checking->total = 0;
    progress_begin(&checking->progress, checking->session, what, PROGRESS_BYTES);
    out_outcome->status = flume_check(path, &options, &out_outcome->report, &out_outcome->error);
    progress_end(&checking->progress);
}

/* Its path as seen from the basin, if it is in there. */
static const char *folder_of(const char *db, const char *path)
{
    size_t bytes = strlen(db);

    while (bytes > 1 && db[bytes - 1] == '/')
        bytes--;
    return strncmp(path, db, bytes) == 0 && path[bytes] == '/' ? path + bytes + 1 : path;
}

static void check_chunks(struct checking *checking, struct chunks *chunks)
{
    const char *db = checking->session->db;

    chunks->found = flume_check_grains(db, NULL, &chunks->place, &chunks->error);
    chunks->is_checked = chunks->found == FLUME_OK && chunks->place.state == FLUME_GRAINS_HERE;
    if (!chunks->is_checked)
        return;
    checking->folder = folder_of(db, chunks->place.path);
    check_one(checking, chunks->place.path, "check chunks", &chunks->outcome);
}

/* What there is to complain of about the chunks. */
static int report_chunks(struct session *session, const struct outcome *outcome,
                         const struct chunks *chunks)
{
    uint64_t missed = not_looked_at(outcome, chunks);
    int code;

    if (chunks->found != FLUME_OK)
        return report_status(session, chunks->found, &chunks->error);
    if (chunks->is_checked) {
        code = report_outcome(session, &chunks->outcome);
        if (code == CODE_DAMAGED)
            note(session,
                 "those are chunks: whose they are, 'flume %s blob verify --all' says; 'flume %s "
                 "repair' makes the second log usable",
                 session->db, chunks->place.path);
        return code;
    }
    if (chunks->place.state == FLUME_GRAINS_NONE)
        return missed == 0 ? CODE_OK : report(session, ERROR_GRAINS_UNNAMED, missed);
    if (missed != 0)
        return report(session, ERROR_CHUNKS_AWAY, missed, chunks->place.path,
                      chunks->place.is_taken ? ", where another basin is" : "");
    note(session, "the second log is not at %s; no record refers to it", chunks->place.path);
    return CODE_OK;
}

static int finish_check(struct checking *checking, const struct outcome *outcome,
                        const struct chunks *chunks, double seconds)
{
    struct session *session = checking->session;
    int code;

    if (!came_through(outcome))
        return report_outcome(session, outcome);
    if (session->json)
        summary_json(session, outcome, chunks, "check", seconds);
    else
        summary_note(session, "", &outcome->report);
    if (!session->json && chunks->is_checked && came_through(&chunks->outcome))
        summary_note(session, checking->folder, &chunks->outcome.report);
    code = report_outcome(session, outcome);
    return exit_code_worse(code, report_chunks(session, outcome, chunks));
}

int run_check(struct session *session)
{
    uint64_t begun_ns = value_monotonic_ns();
    struct checking checking;
    struct outcome outcome;
    struct chunks chunks = {.found = FLUME_OK};
    bool was_cancelled;
    int code = require_basin(session);

    if (code != CODE_OK)
        return code;
    if (is_quick(session))
        return check_quickly(session);
    cancel_begin(session);
    begin_findings(&checking, session);
    check_one(&checking, session->db, "check", &outcome);
    if (came_through(&outcome))
        check_chunks(&checking, &chunks);
    was_cancelled = is_cancelled(&checking, &outcome) || is_cancelled(&checking, &chunks.outcome);
    end_work(&checking, was_cancelled);
    if (was_cancelled)
        return report_cancelled(&checking);
    return finish_check(&checking, &outcome, &chunks,
                        (double)(value_monotonic_ns() - begun_ns) / (double)NS_PER_SECOND);
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
    struct outcome outcome = {.error = {.seq = FLUME_SEQ_NONE}};
    bool was_cancelled;
    int code = require_basin(session);

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
    outcome.status = flume_repair(session->db, policy, &options, &outcome.report, &outcome.error);
    was_cancelled = is_cancelled(&checking, &outcome);
    end_work(&checking, was_cancelled);
    if (was_cancelled)
        return report_cancelled(&checking);
    if (came_through(&outcome) && session->json)
        summary_json(session, &outcome, NULL, policy == FLUME_REPAIR_DRY_RUN ? "dry-run" : "repair",
                     progress_seconds(&checking.progress));
    else if (came_through(&outcome))
        summary_note(session, "", &outcome.report);
    return report_outcome(session, &outcome);
}
