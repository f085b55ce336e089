/*
 * session.c - one run of a command: streams, the basin (session.h).
 */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shell.h"
#include "utf8.h"

enum { WIDTH_DEFAULT = 80, WIDTH_LEAST = 20, WIDTH_MOST = 1000 };

/* .width, COLUMNS, or the terminal as it is now. */
static void look_at_width(struct session *session, int screen)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    uint64_t width = session->shell != NULL ? session->shell->settings.width : 0;

    if (width == 0 && columns != NULL)
        (void)value_parse_uint(columns, WIDTH_MOST, &width); /* What is no number counts as none. */
    if (width == 0 && session->out_terminal && ioctl(screen, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    session->width_is_known = width != 0 || session->out_terminal;
    session->width = width == 0 ? WIDTH_DEFAULT : (size_t)width;
    if (session->width < WIDTH_LEAST)
        session->width = WIDTH_LEAST;
}

/* --color, else the shell's setting; where neither decides: terminals, unless somebody objects. */
static bool color_wanted(const struct session *session, bool terminal)
{
    enum when when = session->shell != NULL ? session->shell->settings.color : WHEN_AUTO;
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    when = (enum when)invocation_number(session->invocation, OPTION_COLOR, when);
    switch (when) {
    case WHEN_ALWAYS:
        return true;
    case WHEN_NEVER:
        return false;
    default:
        return terminal && (no_color == NULL || *no_color == '\0') && term != NULL &&
               strcmp(term, "dumb") != 0;
    }
}

/* --mode or --json, whichever came last; else the shell's; else by where stdout goes. */
static void choose_mode(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    const struct settings *settings = session->shell != NULL ? &session->shell->settings : NULL;

    session->json_errors = invocation->wants_json ||
                           (session->shell != NULL && session->shell->invocation->wants_json);
    session->mode = session->out_terminal ? MODE_TABLE : MODE_PLAIN;
    if (settings != NULL && settings->has_mode) {
        session->mode = settings->mode;
        session->mode_is_chosen = true;
    }
    if (invocation->wants_json) { /* Also when the rest does not parse. */
        session->mode = MODE_NDJSON;
        session->mode_is_chosen = true;
    }
    for (size_t i = 0; i < invocation->option_count; i++) {
        if (invocation->options[i].id == OPTION_MODE)
            session->mode = (enum output_mode)invocation->options[i].number;
        else if (invocation->options[i].id == OPTION_JSON)
            session->mode = MODE_NDJSON;
        else
            continue;
        session->mode_is_chosen = true;
    }
    session->json = mode_is_json(session->mode);
}

void session_init(struct session *session, const struct invocation *invocation, struct shell *shell)
{
    const char *environment = getenv("FLUME_DB");
    /* What is captured to be shown on a terminal (.watch) is to look as it would there. */
    int screen = shell != NULL && shell->screen != -1 ? shell->screen : STDOUT_FILENO;

    *session = (struct session){.invocation = invocation, .shell = shell, .db = invocation->db};
    session->stop = shell != NULL ? &shell->stop : &session->own_stop;
    if (session->db == NULL && shell != NULL)
        session->db = shell->db;
    else if (session->db == NULL && environment != NULL && *environment != '\0')
        session->db = environment;
    session->quiet = invocation_has(invocation, OPTION_QUIET);
    session->verbose = invocation_has(invocation, OPTION_VERBOSE);
    session->out_terminal = isatty(screen) == 1;
    session->error_terminal = isatty(STDERR_FILENO) == 1;
    session->out_color = color_wanted(session, session->out_terminal);
    session->error_color = color_wanted(session, session->error_terminal);
    choose_mode(session);
    session->needs_views = invocation->needs_views || invocation_has(invocation, OPTION_LOAD);
    if (invocation_has(invocation, OPTION_AS_OF))
        session->as_of_state = AS_OF_ASKED;
    look_at_width(session, screen);
}

void session_deinit(struct session *session)
{
    (void)session_close(session); /* Only where opening failed half-way is there anything left. */
    if (session->takes_signals)
        stop_end(&session->own_stop);
    text_deinit(&session->line);
    sheet_deinit(&session->sheet);
    emit_deinit(&session->emit);
}

void session_on_library_message(void *log_ctx, enum flume_log_level level, const char *message)
{
    struct session *session = log_ctx;

    if (level >= FLUME_LOG_WARNING)
        warn(session, "%s", message);
    else if (session->verbose)
        note(session, "%s", message);
}

void session_take_signals(struct session *session)
{
    if (session->shell != NULL || session->takes_signals)
        return;
    stop_begin(&session->own_stop, STOP_ENDS_PROCESS);
    session->takes_signals = true;
}

int session_stopped(struct session *session)
{
    if (emit_tick(session))
        return SIGPIPE; /* Nobody looks at it any more. */
    return stop_asked(session->stop);
}

/* The basin with its views, which advance only when they are asked: a command that asks none is not
 * to work for them. */
static int open_with_views(struct session *session, const flume_log_options *options)
{
    flume_options with_views = {.log = *options, .views = FLUME_VIEWS_NO_WORKERS};
    const struct loaded *loaded = &session->loaded;
    flume_error error = {.seq = FLUME_SEQ_NONE};
    int code, status;

    if (session->shell != NULL && !invocation_has(session->invocation, OPTION_LOAD)) {
        loaded = &session->shell->loaded;
        code = shell_load(session->shell);
    } else {
        code = loaded_open(&session->loaded, session);
    }
    if (code != CODE_OK)
        return code;
    with_views.definitions = loaded->definitions;
    with_views.definition_count = loaded->definition_count;
    session_take_signals(session);
    status = flume_open(&session->flume, session->db, &with_views, &error);
    if (status != FLUME_OK)
        return report_status(session, status, &error);
    session->log = flume_log_of(session->flume);
    return CODE_OK;
}

static int open_log(struct session *session, const flume_log_options *options)
{
    flume_error error = {.seq = FLUME_SEQ_NONE};
    int status = flume_log_open(&session->log, session->db, options, &error);

    return status == FLUME_OK ? CODE_OK : report_status(session, status, &error);
}

int session_report_no_db(struct session *session)
{
    if (session->shell != NULL && session->shell->interactive)
        return report(session, ERROR_NO_BASIN_OPEN);
    return report(session, ERROR_NO_BASIN_NAMED);
}

void session_fill_options(struct session *session, flume_log_options *io_options)
{
    io_options->lock_timeout_ns = invocation_number(session->invocation, OPTION_TIMEOUT, 0);
    if (io_options->lock_timeout_ns == 0 && invocation_has(session->invocation, OPTION_TIMEOUT))
        io_options->lock_timeout_ns = 1; /* 0 is the library's word for its default. */
    io_options->program = "flume";
    io_options->build = FLUME_VERSION;
    io_options->log = session_on_library_message;
    io_options->log_ctx = session;
}

int session_open(struct session *session, const flume_log_options *options, flume_log **out_log)
{
    flume_log_options filled = *options;
    int code;

    if (session->db == NULL)
        return session_report_no_db(session);
    if (emit_may_page(session))
        session_take_signals(session);
    session_fill_options(session, &filled);
    code = session->needs_views ? open_with_views(session, &filled) : open_log(session, &filled);
    if (code == CODE_OK)
        *out_log = session->log;
    return code;
}

int session_close(struct session *session)
{
    int status;

    if (session->borrows) {
        session->borrows = false;
        session->flume = NULL;
        session->log = NULL;
        return FLUME_OK;
    }
    status = session->flume != NULL ? flume_close(session->flume) : flume_log_close(session->log);

    session->flume = NULL;
    session->log = NULL;
    loaded_close(&session->loaded); /* Only now: the views' code was in use until here. */
    return status;
}

int session_open_to_read(struct session *session, flume_log **out_log)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
    bool is_shells = session->shell != NULL && session->shell->db != NULL && session->db != NULL &&
                     strcmp(session->db, session->shell->db) == 0 &&
                     !invocation_has(session->invocation, OPTION_LOAD);
    int code;

    if (!is_shells)
        return session_open(session, &options, out_log);
    code = shell_open(session->shell, session, &session->flume);
    if (code == CODE_OK) {
        session->borrows = true;
        session->log = flume_log_of(session->flume);
        *out_log = session->log;
    }
    return code;
}

const struct option_use *session_output_file(const struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_OUTPUT);

    return use != NULL && strcmp(use->text, "-") != 0 ? use : NULL;
}

enum flume_profile session_profile(const struct session *session)
{
    enum flume_profile profile = FLUME_PROFILE_DEFAULT;

    /* The last one given counts. */
    for (size_t i = 0; i < session->invocation->option_count; i++) {
        switch (session->invocation->options[i].id) {
        case OPTION_PARANOID:
            profile = FLUME_PROFILE_PARANOID;
            break;
        case OPTION_SAFE:
            profile = FLUME_PROFILE_SAFE;
            break;
        case OPTION_CASUAL:
            profile = FLUME_PROFILE_CASUAL;
            break;
        case OPTION_FORGETFUL:
            profile = FLUME_PROFILE_FORGETFUL;
            break;
        default:
            break;
        }
    }
    return profile;
}

void session_printed(struct session *session, uint64_t seq)
{
    if (session->shell == NULL)
        return;
    session->shell->last_seq = seq;
    session->shell->has_last = true;
}
