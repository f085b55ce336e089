/*
 * session.h - one run of a command: what was asked, where output goes, how it is to look.
 */
#ifndef REPL_SESSION_H
#define REPL_SESSION_H

#include "exit_code.h"
#include "flume/flume.h"
#include "invocation.h"
#include "text.h"

struct session {
    const struct invocation *invocation;
    const char *db; /* The basin's path, or NULL. */
    bool json;
    bool quiet;
    bool verbose;
    bool out_terminal, error_terminal;
    bool out_color, error_color;
    size_t width;     /* Cells of the terminal on stdout, or 80. */
    struct text line; /* What goes to stdout next: session_emit(). */
};

/** Look at environment and streams. The session is placed by the caller. */
void session_init(struct session *session, const struct invocation *invocation);
void session_deinit(struct session *session);

/** Open the basin that was named, reporting why not.
 * @param options  flags and profile; the rest is filled in.
 * @return CODE_OK, or the code to end with. */
int session_open(struct session *session, const flume_log_options *options, flume_log **out_log);

/** The same for reading only, which never stands in a writer's way. */
int session_open_to_read(struct session *session, flume_log **out_log);

/** The profile that --safe and its sisters choose. */
enum flume_profile session_profile(const struct session *session);

/** Write session->line to stdout and empty it. False if stdout does not take it. */
bool session_emit(struct session *session);
/** Flush stdout; CODE_OK, or CODE_IO with the reason reported. */
int session_flush(struct session *session);

/** A row for a key and its value, as `info` and `stat` show them. */
void session_row(struct session *session, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- what goes to stderr (report.c) ---- */

/** An error of the command line, with a caret under the word. Returns CODE_USAGE. */
int report_parse_error(struct session *session, const struct parse_error *error);

/** An error at a word: token and at as in struct parse_error. Returns code. */
int report_at(struct session *session, int code, const char *name, int token, size_t at,
              size_t bytes, const char *cause, const char *remedy);

/** An error without a place. `remedy` may be NULL. Returns code. */
int report(struct session *session, int code, const char *name, const char *remedy,
           const char *format, ...) __attribute__((format(printf, 5, 6)));

/** What the library answered. `error` may be NULL. Returns the exit code for the status. */
int report_status(struct session *session, int status, const flume_error *error);
/** The same, with the detail that the handle keeps. */
int report_log_error(struct session *session, flume_log *log, int status);

/** Something good to know; not under --quiet. */
void note(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Something that is not as it should be. */
void warn(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
