/*
 * typed.h - a line that is still being typed, up to the cursor: its whole words, and the one that
 * the cursor stands at the end of.
 *
 * The rules are those of line.h, but nothing is refused: an open quote is a word that goes on.
 */
#ifndef REPL_TYPED_H
#define REPL_TYPED_H

#include <stdbool.h>
#include <stddef.h>

enum typed_place {
    TYPED_COMMAND, /* A word of a command. */
    TYPED_DOT,     /* A word of a dot-command. */
    TYPED_FILE,    /* The file behind > or >>. */
    TYPED_SHELL,   /* Behind | or !: a word of a shell's. */
    TYPED_NOTHING  /* In a comment, a JSON value, a heredoc. */
};

struct typed {
    enum typed_place place;
    int argc;
    const char **argv; /* "flume", the whole words before the cursor's, and NULL. Owned. */
    const char *word;  /* The cursor's, without quotes; "" if it is still to begin. Owned. */
    size_t word_bytes;
    size_t from; /* Where in the line it begins, with its quotes. */
    char quote;  /* The quote that is open, or 0. */
    void *memory;
};

/** @param line  Borrowed only during the call.
 *  @param out   Always set; typed_release() in any case. TYPED_NOTHING without memory. */
void typed_parse(const char *line, size_t bytes, struct typed *out);

/** The same for words that a shell has taken apart already; the last is the cursor's. Borrowed. */
void typed_take_words(const char *const *words, int count, struct typed *out);

void typed_release(struct typed *typed);

#endif
