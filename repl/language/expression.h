/*
 * expression.h - what `flume find` is asked: words, made into the terms of a query.
 *
 *     temp 20..30 and label run/1 or name foo*
 *
 * A term is two words: a view and a value, or "label" and a label, or "hash" and hexadecimal
 * digits. "and" binds tighter than "or". A value is A..B (both ends belong to it, either may be
 * left out), PREFIX*, =TEXT for just these characters, or else what it says.
 */
#ifndef REPL_EXPRESSION_H
#define REPL_EXPRESSION_H

#include "flume/find.h"
#include "invocation.h"

struct expression {
    const flume_term *term;     /* The whole; NULL: only a hash is asked for. */
    const struct operand *hash; /* Digits that every record's hash begins with; NULL: none. */
    flume_term *terms;          /* All of them; */
    size_t term_count;          /* terms of fields have their operand in the same place of: */
    const struct operand **operands;
    char **copies; /* Parts of words. */
    size_t copy_count;
};

/** Take the operands of an invocation apart.
 * @param out_error  What is wrong, if false is returned.
 * @return whether they are an expression. expression_release() in either case. */
bool expression_parse(const struct invocation *invocation, struct expression *out,
                      struct parse_error *out_error);

void expression_release(struct expression *expression);

#endif
