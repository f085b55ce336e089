/*
 * reference.h - naming records: @17, 17, first, last, last~2, and ranges A..B.
 */
#ifndef REPL_REFERENCE_H
#define REPL_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reference_form {
    REFERENCE_SEQ,   /* number is the seq. */
    REFERENCE_FIRST, /* The oldest record. */
    REFERENCE_LAST   /* number records before the newest. */
};

struct reference {
    enum reference_form form;
    uint64_t number;
};

/* From `from` up to, not including, `to`; an end that is not there is open. */
struct reference_range {
    bool has_from, has_to;
    struct reference from, to;
};

/* What is wrong with a piece of text, and where. */
struct fault {
    size_t at;          /* Byte in the text. */
    size_t bytes;       /* 0: to its end. */
    const char *cause;  /* Static. */
    const char *remedy; /* Static. */
};

/** Whether the text (ending in NUL) is a reference; *out_fault only if not. */
bool reference_parse(const char *source, struct reference *out, struct fault *out_fault);

/** The same for a range: it contains "..". */
bool reference_parse_range(const char *source, struct reference_range *out,
                           struct fault *out_fault);

#endif
