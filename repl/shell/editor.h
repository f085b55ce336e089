/*
 * editor.h - a person's line at a terminal: editing, history, Tab, hints, and lines that come by
 * themselves above it.
 *
 * With libedit (FLUME_HAS_LIBEDIT) all of that; without it a plain reader of lines.
 */
#ifndef REPL_EDITOR_H
#define REPL_EDITOR_H

#include <signal.h>
#include <stddef.h>

#include "shell.h"

/* That of a new line. Others say what is still wanted: "quote> ". */
#define PROMPT "flume> "

enum editor_answer {
    EDITOR_LINE,      /* A line, without its newline. */
    EDITOR_DISCARDED, /* Ctrl-C: everything typed so far is dropped, continued lines too. */
    EDITOR_END        /* Ctrl-D on an empty line, or the terminal is gone. */
};

struct editor;

/** The signals that the editor takes: they must be blocked before there is a second thread, or that
 * one gets them. */
static inline void editor_signals(sigset_t *out_signals)
{
    sigemptyset(out_signals);
    sigaddset(out_signals, SIGWINCH);
    sigaddset(out_signals, SIGCONT);
}

/** NULL without memory. History is read from its file. */
struct editor *editor_open(struct shell *shell);
void editor_close(struct editor *editor);

/**
 * Wait for a line. What subscriptions bring meanwhile is printed above it.
 *
 * @param prompt    "flume> ", or "quote> " where a line goes on.
 * @param out_line  NUL-terminated; valid until the next call.
 */
enum editor_answer editor_read(struct editor *editor, const char *prompt, const char **out_line,
                               size_t *out_bytes);

/** Keep a whole line (all its physical lines) in the history, unless it begins with a blank,
 * repeats the newest, or FLUME_HISTORY is empty. */
void editor_remember(struct editor *editor, const char *line, size_t bytes);

#endif
