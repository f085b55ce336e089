/*
 * session.h - one run of a command: what was asked, where output goes, how it is to look.
 */
#ifndef REPL_SESSION_H
#define REPL_SESSION_H

#include "emit.h"
#include "exit_code.h"
#include "flume/flume.h"
#include "flume/find.h"
#include "invocation.h"
#include "loaded.h"
#include "mode.h"
#include "report.h"
#include "sheet.h"
#include "stop.h"
#include "text.h"

struct shell;

struct session {
    const struct invocation *invocation;
    struct shell *shell;   /* The shell that runs the command; NULL: there is but this one. */
    const char *db;        /* The basin's path, or NULL. */
    enum output_mode mode; /* --mode, --json, the shell's setting, or by where stdout goes. */
    bool mode_is_chosen;   /* Not by where stdout goes. */
    bool json;             /* mode_is_json(mode). */
    bool json_errors;      /* --json: what goes to stderr is JSON as well. */
    bool quiet;
    bool verbose;
    bool out_terminal, error_terminal;
    bool out_color, error_color;
    size_t width; /* Cells of the terminal on stdout, or 80. */
    bool width_is_known;
    struct text line; /* What goes to stdout next: session_emit(). */
    struct emit emit;
    struct sheet sheet;    /* The table that is being written (grid.h), */
    const void *header_of; /* and the columns whose header was written last. */

    bool needs_views; /* session_open() is to open the views too. May be set before. */
    flume *flume;     /* The open basin with its views; NULL: without. */
    flume_log *log;   /* The open log; NULL: none. */
    bool borrows;     /* They are the shell's, and stay open. */
    struct loaded loaded;
    struct stop *stop; /* The shell's, or own_stop. */
    struct stop own_stop;
    bool takes_signals;                /* own_stop has begun. */
    uint64_t records_read, bytes_read; /* By readers, for .timer. */
    uint64_t as_of;                    /* --as-of as a seq; see asking.c. */
    enum { AS_OF_NOT_ASKED, AS_OF_ASKED, AS_OF_RESOLVING, AS_OF_KNOWN } as_of_state;
};

/** Look at environment, streams and the shell's settings. The session is placed by the caller.
 * @param shell  NULL: none. */
void session_init(struct session *session, const struct invocation *invocation,
                  struct shell *shell);
void session_deinit(struct session *session);

/** Open the basin that was named, reporting why not.
 * @param options  flags and profile; the rest is filled in.
 * @return CODE_OK, or the code to end with. */
int session_open(struct session *session, const flume_log_options *options, flume_log **out_log);

/** The same for reading only, which never stands in a writer's way. In a shell its handle is
 * lent. */
int session_open_to_read(struct session *session, flume_log **out_log);

/** Report that there is no basin to open. CODE_USAGE. */
int session_report_no_db(struct session *session);

/** What is the same for every handle: --timeout, the program's name, where messages go. */
void session_fill_options(struct session *session, flume_log_options *io_options);

/** The library's own messages: what recovery cut, what it waits for. log_ctx is a session. Called
 * on any thread. */
void session_on_library_message(void *log_ctx, enum flume_log_level level, const char *message);

/** Close what was opened, if anything was. FLUME_OK, or what flume_log_close() answers. */
int session_close(struct session *session);

/** Let struct stop take the signals from now on. Before the basin is opened. */
void session_take_signals(struct session *session);

/** The signal that asked the command to stop, or 0. Whatever takes long looks at it at least ten
 * times a second, says what was done, and ends with 128 + the signal. */
int session_stopped(struct session *session);

/** The file that -o names; NULL: standard output, which is what "-" means as well. */
const struct option_use *session_output_file(const struct session *session);

/** The profile that --safe and its sisters choose. */
enum flume_profile session_profile(const struct session *session);

/** A record was printed: in a shell `_` means it from now on. */
void session_printed(struct session *session, uint64_t seq);

#endif
