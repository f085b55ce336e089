/*
 * invocation_parse.h - what the parts of the command line's parser share: invocation.c,
 * invocation_value.c, invocation_refuse.c. Nobody else includes it.
 */
#ifndef REPL_INVOCATION_PARSE_H
#define REPL_INVOCATION_PARSE_H

#include "invocation.h"
#include "walker.h"

/* What the passes share. */
struct parse {
    struct invocation *invocation;
    struct parse_error *error;
    int command_token, sub_token, explain_token; /* 0: none. */
    size_t option_capacity;
    struct option_set set; /* Options of the command. */
    char fill[350];        /* For the word in braces of a remedy. */
};

/** Check the value of an option by its type, and keep what it means. */
bool parse_take_value(struct parse *parse, const struct item *item, struct option_use *use);

/** Say what the next refusal puts in the place of the word in braces of its remedy. */
void parse_fill(struct parse *parse, const char *words);

/* All of these set parse->error and return false. */

/** With a message of errors.h and what it takes. */
bool parse_refuse(struct parse *parse, int token, size_t at, size_t bytes, int code,
                  const char *name, const char *format, const char *remedy, ...)
    __attribute__((format(printf, 7, 9)));
/** The value of an option, with a message that takes nothing. */
bool parse_refuse_value(struct parse *parse, const struct item *item, int code, const char *name,
                        const char *cause, const char *remedy);
/** A part of the word, which begins at `at`. */
bool parse_refuse_fault(struct parse *parse, int token, size_t at, const struct fault *fault);
/** A word that is no command; no form of the command. */
bool parse_refuse_command(struct parse *parse, int token);
bool parse_refuse_sub(struct parse *parse, int token);
/** An option that the command does not have; one whose value is missing. */
bool parse_refuse_unknown(struct parse *parse, const struct item *item);
bool parse_refuse_missing(struct parse *parse, const struct item *item);

#endif
