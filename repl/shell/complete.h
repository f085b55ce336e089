/*
 * complete.h - what may come next on a line: for Tab, for grey hints, and for the completion of
 * other shells (flume __complete).
 *
 * Everything comes from the table of commands and from what views have at this moment: nothing is
 * waited for, no view is advanced, a view that is rebuilding is not touched. The time is bounded by
 * COMPLETE_NS_MAX: what is not found by then is left out and `more` says so.
 */
#ifndef REPL_COMPLETE_H
#define REPL_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/find.h"
#include "text.h"

enum { COMPLETE_CANDIDATES_MAX = 200 };
#define COMPLETE_NS_MAX (UINT64_C(5) * 1000 * 1000)

struct candidate {
    const char *text; /* As it is to stand in the line, quoted where that is needed. */
    const char *word; /* What that says, without quotes, for a list on the screen. */
    const char *help; /* A few words; NULL: none. */
    bool is_open;     /* No blank behind it: a directory, "label~", "A..". */
};

struct completion {
    size_t from; /* Byte of the line from which a candidate replaces, up to the cursor. */
    struct candidate candidates[COMPLETE_CANDIDATES_MAX];
    size_t count;
    uint64_t more; /* So many fit besides; UINT64_MAX: some, not counted. */
    /* So many bytes of the first candidate's text may stand in the place of what was typed, for all
     * that fits (listed or not) begins so. 0: they add nothing to it. */
    size_t common_bytes;
    bool wants_file; /* The names of files fit. They are listed by complete() only. */
    struct text memory;
};

/**
 * Bytes of the line behind the cursor play no part.
 *
 * @param handle  To ask for labels, bookmarks, views and hashes; NULL: only the table and files.
 * @param line    The line so far, without `flume DB`; `cursor` bytes of it count.
 * @param out     Always set; completion_release() in any case.
 */
void complete(flume *handle, const char *line, size_t cursor, struct completion *out);

/** The same for a line that another shell took apart, or quotes by its own rules: `from` is 0, and
 * each text is the whole word without quotes.
 * @param ns_max  The time it may take, in place of COMPLETE_NS_MAX. */
struct typed;
void complete_typed(flume *handle, const struct typed *typed, uint64_t ns_max,
                    struct completion *out);

void completion_release(struct completion *completion);

/** Open the views that completion asks. The first time that may take some tens of milliseconds
 * (what was closed is verified), so it is done where nobody waits: complete() is fast from then
 * on. */
void complete_prepare(flume *handle);

/** What may follow what was typed, as syntax: "[A..B] [-l LABEL]". Empty if nothing is known.
 * Begins with a blank where one is to be typed first. */
void complete_hint(const char *line, size_t bytes, struct text *out_hint);

#endif
