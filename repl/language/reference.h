/*
 * reference.h - naming records: @17, 17, first, last, last~2, _, run/1~2, :bookmark, 64b4b2, and
 * ranges A..B.
 *
 * What a reference is follows from its characters alone, never from what a log holds: what looks
 * like a number is a seq, what looks like a hash (4 to 64 hexadecimal digits, a letter among them)
 * is one, all else is a label. seq:, hash:, label: and mark: say it where the looks deceive.
 */
#ifndef REPL_REFERENCE_H
#define REPL_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errors.h"

enum reference_form {
    REFERENCE_SEQ,      /* number is the seq. */
    REFERENCE_FIRST,    /* The oldest record. */
    REFERENCE_LAST,     /* number records before the newest. */
    REFERENCE_PRINTED,  /* `_`: the one that a shell printed last. */
    REFERENCE_LABEL,    /* number records before the newest that carries the label `text`. */
    REFERENCE_BOOKMARK, /* The one that the bookmark `text` names. */
    REFERENCE_HASH      /* The one whose body's hash begins with the digits `text`. */
};

struct reference {
    enum reference_form form;
    uint64_t number;
    const char *text; /* In the text that was parsed; not NUL-terminated. */
    size_t bytes;
};

/* From `from` up to, not including, `to`; an end that is not there is open. */
struct reference_range {
    bool has_from, has_to;
    struct reference from, to;
};

/* What is wrong with a piece of text, and where. */
struct fault {
    size_t at;                    /* Byte in the text. */
    size_t bytes;                 /* 0: to its end. */
    struct error_message message; /* Its format takes nothing. */
};

/** Whether the text (ending in NUL) is a reference; *out_fault only if not. */
bool reference_parse(const char *source, struct reference *out, struct fault *out_fault);

/** The same for a range: it contains "..". */
bool reference_parse_range(const char *source, struct reference_range *out,
                           struct fault *out_fault);

/** Whether only a view knows which record is meant. */
bool reference_needs_views(const struct reference *reference);
bool reference_range_needs_views(const struct reference_range *range);

#endif
