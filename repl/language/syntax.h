/*
 * syntax.h - the operands of a command as help shows them, taken apart: "NAME [R]", "R...",
 * "[TEXT...|-]", "size|gap|latency".
 *
 * So completion and hints follow from the very words that help prints. [ ] may be left out; ... may
 * be repeated; | separates alternatives, of which those in lower case are words to be typed.
 */
#ifndef REPL_SYNTAX_H
#define REPL_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

struct syntax_place {
    const char *text; /* As it stands there, with its brackets. In the string. */
    size_t text_bytes;
    const char *name; /* Without brackets: alternatives. */
    size_t name_bytes;
    bool repeats;
};

/** Where operand number `index` (from 0) stands; false if there is no place for so many. */
bool syntax_find(const char *operands, size_t index, struct syntax_place *out);

/** The alternatives, one by one, without "...": *io_at begins at 0. False behind the last. */
bool syntax_next(const struct syntax_place *place, size_t *io_at, const char **out_name,
                 size_t *out_bytes);

/** Whether an alternative is to be typed as it stands. */
bool syntax_is_literal(const char *name, size_t bytes);

#endif
