/*
 * history.h - the lines that a person has typed, kept in a file of their own.
 *
 * The file is $XDG_STATE_HOME/flume/history (~/.local/state/flume/history), or what FLUME_HISTORY
 * names; if that is empty, nothing is kept. It is readable by its owner alone. Each entry is a
 * line, in which \n is a newline and \\ a backslash. Several shells add to it at once: an entry is
 * appended under a lock, and the file is written anew, again under it, when it has grown far beyond
 * HISTORY_ENTRIES_MAX.
 *
 * What cannot be kept is not: history is a kindness, and never the reason for an error.
 */
#ifndef REPL_HISTORY_H
#define REPL_HISTORY_H

#include <stddef.h>

enum { HISTORY_ENTRIES_MAX = 10000, HISTORY_ENTRY_BYTES_MAX = 64 << 10 };

struct history;

/** NULL without memory. */
struct history *history_open(void);
void history_close(struct history *history);

/** Entries, oldest first, each once. */
size_t history_count(const struct history *history);
const char *history_entry(const struct history *history, size_t index);

/** Keep a line, unless it begins with a blank, holds a NUL, is longer than HISTORY_ENTRY_BYTES_MAX
 * or repeats the newest; an older equal one is forgotten. */
void history_add(struct history *history, const char *line, size_t bytes);

#endif
