/*
 * run_once.c - `flume run`: a command that is run unless this was computed already (once.h).
 *
 * Of several that want the same at once one runs it, and holds a name (flume/lane.h) until its
 * result is there; the others wait, and replay it, or run it themselves where there is none.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "flume/lane.h"
#include "object.h"
#include "once.h"
#include "run.h"

/* What has become of it. */
struct outcome {
    const char *what; /* "ran", "replayed". */
    const char *why;  /* It was not recorded; NULL: it was. */
    bool has_ended;   /* exit_code is the command's. */
    int exit_code;
    uint64_t ns;
    uint64_t seq;       /* Of the record of the result. FLUME_SEQ_NONE: it was not recorded. */
    uint64_t scope_seq; /* Likewise, of the scope. */
};

static const flume_recall_options recalling = {.name = ONCE_NAME};

/* ---- what is there ---- */

static bool may_replay(const struct once *once, const struct once_result *result)
{
    return result->exit_code == 0 ||
           invocation_has(once->session->invocation, OPTION_CACHE_FAILURES);
}

/* A run counts once among those that asked for a result (flume cache stat), however often it
 * looks. */
enum counting { COUNTED, NOT_COUNTED };

static int find(struct once *once, enum counting counting, flume_stored *out_stored)
{
    flume_recall_options options = recalling;
    uint8_t address[FLUME_ADDRESS_BYTES];
    int status;

    options.ask = once->scoping.asking.ask;
    if (counting == COUNTED)
        return flume_recall(once->recorder, once->scope, &options, out_stored);
    status = flume_recall_address(once->recorder, once->scope, &options, address);
    return status == FLUME_OK
               ? flume_get_at(once->session->flume, &options.ask, address, out_stored)
               : status;
}

/* The result that is recorded. CODE_OK, CODE_NO: there is none, or the code of what was
 * reported. */
static int look(struct once *once, enum counting counting, struct once_result *out_result,
                struct outcome *outcome, uint64_t *out_time_ns)
{
    flume_stored stored;
    void *json = NULL;
    bool good;
    int status;

    status = find(once, counting, &stored);
    if (status == FLUME_ERR_NOT_FOUND)
        return CODE_NO;
    if (status != FLUME_OK)
        return asking_report(&once->scoping.asking, status);
    if (stored.bytes <= ONCE_RESULT_BYTES_MAX)
        status = flume_stored_copy(&stored, &json);
    good = status == FLUME_OK && json != NULL &&
           once_result_read(json, (size_t)stored.bytes, out_result);
    outcome->seq = stored.seq;
    *out_time_ns = stored.time_ns;
    flume_stored_free(json);
    flume_stored_release(&stored);
    if (status != FLUME_OK)
        return asking_report(&once->scoping.asking, status);
    return good ? CODE_OK : report(once->session, ERROR_RUN_RESULT);
}

/* As look(), and gives it. */
static int look_and_replay(struct once *once, enum counting counting, struct outcome *outcome)
{
    struct once_result *result = calloc(1, sizeof(*result));
    uint64_t time_ns;
    int code = result == NULL ? report(once->session, ERROR_NO_MEMORY)
                              : look(once, counting, result, outcome, &time_ns);

    if (code == CODE_OK && !may_replay(once, result))
        code = CODE_NO;
    else if (code == CODE_OK)
        code = once_replay(once, result);
    if (code == CODE_OK) {
        outcome->what = "replayed";
        outcome->has_ended = true;
        outcome->exit_code = result->exit_code;
        outcome->ns = result->ns;
    } else {
        outcome->seq = FLUME_SEQ_NONE;
    }
    if (result != NULL)
        once_result_deinit(result);
    free(result);
    return code;
}

/* ---- one of several ---- */

static bool is_stopped(void *ctx)
{
    return session_stopped(ctx) != 0;
}

/* Whether the command that runs this flume is of a flume run that holds the same: they would wait
 * for each other. */
static bool is_held_outside(const struct once *once)
{
    const char *outer = getenv(ONCE_VARIABLE);

    return outer != NULL && strstr(outer, once->held) != NULL;
}

static int hold(struct once *once, flume_hold **out_hold)
{
    struct session *session = once->session;
    uint64_t limit_ns = invocation_number(session->invocation, OPTION_TIMEOUT, 0);
    uint8_t address[FLUME_ADDRESS_BYTES];
    int status = flume_recall_address(once->recorder, once->scope, &recalling, address);

    if (status != FLUME_OK)
        return report_flume_error(session, status);
    flume_hash_text(address, once->held);
    if (is_held_outside(once))
        return report(session, ERROR_RUN_ITSELF);
    status = flume_hold_begin(session->log, address, sizeof(address), 1, NULL, NULL, out_hold);
    if (status == FLUME_ERR_BUSY) {
        if (session->verbose || session->error_terminal)
            note(session, "another flume run is at it: waiting for its result");
        status = flume_hold_begin(session->log, address, sizeof(address), limit_ns, is_stopped,
                                  session, out_hold);
    }
    if (status == FLUME_ERR_CANCELLED)
        return cancel_say(session, NULL, "it waited for another flume run, and nothing was run");
    if (status == FLUME_ERR_BUSY)
        return report(session, ERROR_RUN_BUSY);
    return status == FLUME_OK ? CODE_OK : report_log_error(session, session->log, status);
}

/* ---- running ---- */

/* Why nothing is recorded; NULL: it is. */
static const char *why_not(struct once *once, const struct once_result *result, enum once_gap gap)
{
    const char *changed;

    if (gap == ONCE_NOT_READ)
        return "nobody read all that it wrote";
    if (gap == ONCE_LEFT_OPEN) {
        warn(once->session, "nothing is recorded: what the command has left behind may go on "
                            "writing; send its output elsewhere");
        return "a process that it left behind has its output open";
    }
    if (result->exit_code != 0 && !may_replay(once, result))
        return "it failed";
    changed = once_scope_changed(once);
    if (changed != NULL)
        warn(once->session, "nothing is recorded: %s has changed since the command began", changed);
    return changed == NULL ? NULL : "a file of --in has changed";
}

/* The result, once all that it refers to is there. Labels are the scope's: the newest record with
 * one of them is to be a scope. */
static int remember(struct once *once, const struct once_result *result)
{
    flume_recall_options options = recalling;
    struct text json = {0};
    int status = FLUME_OK, code = CODE_OK;

    options.flags = FLUME_RECALL_REPLACE; /* Whoever got here has looked, or means to. */
    options.ask = once->scoping.asking.ask;
    if (once_result_write(result, &json))
        status = flume_remember(once->recorder, once->scope, json.data, json.bytes, &options, NULL);
    else
        code = report(once->session, ERROR_NO_MEMORY);
    if (status != FLUME_OK)
        code = asking_report(&once->scoping.asking, status);
    text_deinit(&json);
    return code;
}

static int record(struct once *once, struct once_result *io_result, struct outcome *outcome)
{
    flume_verdict verdict;
    flume_stored stored;
    int code = once_files_store(once, io_result), status;

    if (code != CODE_OK)
        return code;
    status = flume_commit(once->recorder, once->scope, &verdict);
    if (status == FLUME_OK)
        status = flume_recorder_flush(once->recorder);
    if (status != FLUME_OK)
        return asking_report(&once->scoping.asking, status);
    outcome->scope_seq = verdict.record_seq != FLUME_SEQ_NONE ? verdict.record_seq : verdict.seq;
    code = remember(once, io_result);
    if (code == CODE_OK && find(once, NOT_COUNTED, &stored) == FLUME_OK) {
        outcome->seq = stored.seq;
        flume_stored_release(&stored);
    }
    return code;
}

static int report_unrecorded(struct once *once, int exit_code, int code)
{
    note(once->session, "the command itself ended with %d; its result was not recorded", exit_code);
    return code;
}

static int judge(struct once *once, struct once_result *result, enum once_gap gap,
                 struct outcome *outcome)
{
    int code;

    if (session_stopped(once->session) != 0)
        return cancel_say(once->session, NULL, "nothing was recorded");
    if (gap == ONCE_NOT_SHOWN || gap == ONCE_NOT_STORED) /* It was said why. */
        return report_unrecorded(once, result->exit_code, CODE_RUN);
    outcome->has_ended = true;
    outcome->exit_code = result->exit_code;
    outcome->ns = result->ns;
    outcome->what = "ran";
    outcome->why = why_not(once, result, gap);
    if (outcome->why != NULL)
        return CODE_OK;
    code = record(once, result, outcome);
    if (code == CODE_OK)
        return CODE_OK;
    outcome->has_ended = false;
    return code > CODE_SIGNAL ? code : report_unrecorded(once, result->exit_code, code);
}

static int run_now(struct once *once, struct outcome *outcome)
{
    struct once_result *result = calloc(1, sizeof(*result));
    enum once_gap gap = ONCE_WHOLE;
    int code = result == NULL ? report(once->session, ERROR_NO_MEMORY) : once_files_look(once);

    if (code == CODE_OK)
        code = once_tee(once, result, &gap);
    if (code == CODE_OK)
        code = judge(once, result, gap, outcome);
    if (result != NULL)
        once_result_deinit(result);
    free(result);
    return code;
}

static int run_or_replay(struct once *once, struct outcome *outcome)
{
    bool forces = invocation_has(once->session->invocation, OPTION_FORCE);
    flume_hold *held = NULL;
    int code = forces ? CODE_NO : look_and_replay(once, COUNTED, outcome);

    if (code != CODE_NO)
        return code;
    code = hold(once, &held);
    if (code != CODE_OK)
        return code;
    /* Somebody may have been faster. */
    code = forces ? CODE_NO : look_and_replay(once, NOT_COUNTED, outcome);
    if (code == CODE_NO)
        code = run_now(once, outcome);
    flume_hold_end(held);
    return code;
}

/* ---- --explain ---- */

static int explain(struct once *once)
{
    struct session *session = once->session;
    struct once_result *result = calloc(1, sizeof(*result));
    struct outcome outcome = {.seq = FLUME_SEQ_NONE};
    struct text when = {0};
    uint64_t time_ns = 0;
    int code = result == NULL ? report(session, ERROR_NO_MEMORY)
                              : look(once, NOT_COUNTED, result, &outcome, &time_ns);

    if (code == CODE_OK) {
        bool replays = may_replay(once, result);

        value_show_time(&when, time_ns);
        note(session, "%s: @%" PRIu64 " of %s has exit code %d, and took %.3f s",
             replays ? "it would be replayed" : "it would run: it failed", outcome.seq,
             text_c_string(&when), result->exit_code, (double)result->ns / 1e9);
        code = replays ? CODE_OK : CODE_NO;
    } else if (code == CODE_NO) {
        int explained;

        note(session, "it would run: no result of it is recorded");
        explained = scope_explain(&once->scoping, once->scope);
        code = explained != CODE_OK ? explained : CODE_NO;
    }
    if (result != NULL)
        once_result_deinit(result);
    free(result);
    text_deinit(&when);
    return code;
}

/* ---- the command ---- */

static void say_json(struct once *once, const struct outcome *outcome)
{
    struct text line = {0};

    object_begin(&line, "run");
    object_string(&line, "what", outcome->what);
    object_bool(&line, "recorded", outcome->why == NULL);
    if (outcome->why != NULL)
        object_string(&line, "why", outcome->why);
    object_seq(&line, "seq", outcome->seq);
    object_seq(&line, "scope", outcome->scope_seq);
    object_uint(&line, "exit", (uint64_t)outcome->exit_code);
    object_real(&line, "seconds", (double)outcome->ns / 1e9, 6);
    object_end(&line);
    emit_message(once->session, &line);
    text_deinit(&line);
}

/* On stderr, for who asked. */
static void say(struct once *once, const struct outcome *outcome)
{
    struct session *session = once->session;
    double seconds = (double)outcome->ns / 1e9;

    if (!outcome->has_ended)
        return;
    if (session->json && !session->quiet)
        say_json(once, outcome);
    else if (session->verbose && outcome->why == NULL)
        note(session, "%s: @%" PRIu64 ", exit code %d, %.3f s", outcome->what, outcome->seq,
             outcome->exit_code, seconds);
    else if (session->verbose)
        note(session, "%s, not recorded: %s; exit code %d, %.3f s", outcome->what, outcome->why,
             outcome->exit_code, seconds);
}

static int open_basin(struct once *once)
{
    struct session *session = once->session;
    flume_log_options log_options = {.profile = session_profile(session)};
    flume_recorder_options options = {.flags = FLUME_RECORDER_NO_OWN_LABEL};
    flume_log *log;
    int code, status;

    if (invocation_has(session->invocation, OPTION_CREATE))
        log_options.flags |= FLUME_OPEN_CREATE;
    session->needs_views = true;
    limit_init(&once->scoping.limit, session, OPTION_ROWS_MAX);
    code = session_open(session, &log_options, &log);
    if (code == CODE_OK)
        code = asking_begin(&once->scoping.asking, session, "address");
    if (code != CODE_OK)
        return code;
    asking_add(&once->scoping.asking, "superset");
    options.ask = once->scoping.asking.ask;
    status = flume_recorder_open(&once->recorder, session->flume, &options);
    return status == FLUME_OK ? CODE_OK : report_flume_error(session, status);
}

static int close_basin(struct once *once, int code)
{
    int status;

    (void)flume_recorder_close(once->recorder); /* All that waited was written. */
    flume_scope_destroy(once->scoping.one);
    if (once->scoping.asking.session != NULL)
        asking_end(&once->scoping.asking);
    status = session_close(once->session);
    return status == FLUME_OK ? code
                              : exit_code_worse(code, report_status(once->session, status, NULL));
}

int run_once(struct session *session)
{
    struct once once = {.session = session, .scoping = {.session = session}, .input_file = -1};
    struct outcome outcome = {.seq = FLUME_SEQ_NONE, .scope_seq = FLUME_SEQ_NONE};
    bool explains = invocation_has(session->invocation, OPTION_EXPLAIN);
    int code;

    if (!explains)
        session_writes_text(session);
    session_take_signals(session);
    code = once_scope_make(&once);
    if (code == CODE_OK) {
        code = open_basin(&once);
        if (code == CODE_OK)
            code = explains ? explain(&once) : run_or_replay(&once, &outcome);
        if (outcome.seq != FLUME_SEQ_NONE)
            session_printed(session, outcome.seq);
        code = close_basin(&once, code);
        say(&once, &outcome);
    }
    flume_scope_destroy(once.scope);
    if (once.input_file != -1)
        (void)close(once.input_file); /* It has no name. */
    free(once.outputs);
    free(once.inputs);
    free(once.argv);
    return code == CODE_OK && outcome.has_ended ? outcome.exit_code : code;
}
