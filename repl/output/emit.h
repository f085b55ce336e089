/*
 * emit.h - the one way to stdout: framed where the mode wants a frame, kept back until it is known
 * whether it is taller than the screen, and given to the pager if it is.
 *
 * On a terminal rows are kept for up to half a second. What comes more slowly is shown as it comes,
 * without a pager. What goes to stderr meanwhile waits, so that it stands behind the rows it is
 * about; errors show the rows before them first.
 */
#ifndef REPL_EMIT_H
#define REPL_EMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pager.h"
#include "text.h"

struct session;

struct emit {
    enum { EMIT_NOTHING_YET, EMIT_HOLDS, EMIT_THROUGH, EMIT_PAGED } state;
    bool has_no_end;    /* Rows to come are waited for: no pager. */
    bool is_closed;     /* Who read it is gone. */
    size_t array_items; /* Of --mode json. */
    bool is_text;       /* No rows are written: without any there is no array. */
    struct text held;
    size_t held_lines, held_lines_max; /* Of the screen. */
    uint64_t held_since_ns;
    struct pager pager;
    uint64_t looked_ns; /* Whether it is still there. */
    bool pager_is_missing;
    bool pages_always;         /* .pager always: also what fits. */
    atomic_bool messages_wait; /* Changed holding the lock of stderr, as is: */
    struct text messages;
};

/** Write session->line and empty it. False if stdout does not take it. */
bool session_emit(struct session *session);

/** The same for what is no row but text (help, a script): it is framed in no mode. */
bool session_emit_text(struct session *session);

/** The command writes no rows, or not in the session's mode: without any there is no empty
 * array. */
void session_writes_text(struct session *session);

/** Everything so far is to be seen now. CODE_OK; CODE_IO, reported; or CODE_PIPE_CLOSED, in
 * silence, where who read it is gone. */
int session_flush(struct session *session);

/** The command has ended with this code: end tables, arrays and the pager. Returns the code for the
 * whole. */
int session_finish(struct session *session, int code);

/** Rows will come as long as somebody waits (-f, -i): before the first. CODE_OK, or the code of
 * what was reported if the mode has an end (json).
 * @param token  Of the option that says so; 0: unknown. */
int session_has_no_end(struct session *session, int token);

/** A line for stderr. Threads: any. */
void emit_message(struct session *session, const struct text *message);

/** A table's rows wait to be measured, and messages with them; they were written. */
void emit_rows_wait(struct session *session);
void emit_rows_shown(struct session *session);

/** Show what was written before an error. */
void emit_before_error(struct session *session);

/** Called often while something takes long: shows rows that have waited long enough. True if the
 * pager is gone. */
bool emit_tick(struct session *session);

/** Whether output may go to a pager: then Ctrl-C is to be taken before the basin is opened. */
bool emit_may_page(const struct session *session);

void emit_deinit(struct emit *emit);

#endif
