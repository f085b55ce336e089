/*
 * invocation.h - a command line, taken apart and checked.
 *
 * Parsing looks at the words and at the table of commands alone: it opens nothing, prints nothing
 * and asks no clock, so it may be called on anything, any number of times.
 */
#ifndef REPL_INVOCATION_H
#define REPL_INVOCATION_H

#include "command.h"
#include "reference.h"
#include "suggest.h"
#include "value.h"

/* An option as it was given. */
struct option_use {
    enum option_id id;
    const char *text; /* The value; NULL for a flag. */
    int token;        /* Index in argv of the word that holds the value (or the flag). */
    size_t text_at;   /* Where in that word the value begins. */
    uint64_t number;  /* Of a uint, size, span (ns), kind, codec; index of a choice. */
    struct time_value time;
    struct reference reference;
};

struct operand {
    const char *text;
    int token;
    struct reference reference;
    struct reference_range range;
};

/* Everything points into argv. */
struct invocation {
    int argc;
    const char *const *argv;
    const struct command *command; /* NULL: none was given. */
    const struct subcommand *sub;  /* Its form; NULL: it has none. */
    bool explains;                 /* The command is not to be run but explained. */
    bool needs_views;              /* Some reference is answered by a view. */
    const char *db;                /* The operand, or --db; NULL: neither. */
    int db_token;                  /* 0: not an operand. */
    bool wants_json;               /* Also when the rest does not parse. */
    struct option_use *options;
    size_t option_count;
    struct operand *operands;
    size_t operand_count;
    /* The program's own command line, where this is one line of a shell: options of it that hold
     * for every line are found where the line has none. NULL: none. Borrowed. */
    const struct invocation *outer;
};

/* Why a command line was refused. */
struct parse_error {
    int token;    /* Index in argv of the word; 0: none, something is missing. */
    size_t at;    /* In the word. */
    size_t bytes; /* 0: to its end. */
    int code;     /* Exit code and name of the message. */
    const char *name;
    char cause[200];
    char remedy[400];
    struct suggestion suggestion; /* What may have been meant. */
};

/**
 * @param argv     argc words, the program's name first. Borrowed until the release.
 * @param out      Always set; released by invocation_release(), also after a refusal.
 * @return whether it was accepted; if not, *out_error.
 */
bool invocation_parse(int argc, const char *const *argv, struct invocation *out,
                      struct parse_error *out_error);

void invocation_release(struct invocation *invocation);

/** The last use of an option, or NULL. If it is the outer one's, its token is not of this argv. */
const struct option_use *invocation_option(const struct invocation *invocation, enum option_id id);
bool invocation_has(const struct invocation *invocation, enum option_id id);

/** Add one as if it had been given; token 0. False without memory. */
bool invocation_add_option(struct invocation *invocation, enum option_id id, const char *text,
                           uint64_t number);

/** Its number, or `absent`. */
uint64_t invocation_number(const struct invocation *invocation, enum option_id id, uint64_t absent);

#endif
