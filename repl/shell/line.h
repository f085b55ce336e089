/*
 * line.h - one line of flume's command language, taken apart.
 *
 * A line is what stands behind `flume DB` on a shell's command line, so the rules are a shell's, as
 * far as they go:
 *
 *   word            separated by blanks; \c is the character c
 *   'text'          as it is
 *   "text"          \" \\ \n \t inside; nothing is ever expanded
 *   {...} [...]     a word that begins so is a JSON value up to its end, blanks and quotes included
 *   # text          at the beginning of a word: a comment up to the end of the line
 *   <<END           last on the line: the following lines, up to one that is END alone, are one
 *                   more word (without the last newline)
 *   | command       what the command prints goes to a shell command (sh -c), the rest of the line
 *   > file, >> file to a file (replaced, appended to)
 *   !command        the whole line is a shell command
 *   .name words     a session setting
 *
 * Several lines of source belong together only inside quotes, brackets or a heredoc; then the line
 * is `wanting` more and says what for. Parsing opens nothing and prints nothing.
 */
#ifndef REPL_LINE_H
#define REPL_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum { LINE_BYTES_MAX = 20 << 20 }; /* A record of 16 MiB, escaped a little. */

enum line_form {
    LINE_EMPTY,   /* Nothing but blanks and comment. */
    LINE_COMMAND, /* argv: "flume" and the words. */
    LINE_DOT,     /* argv: "flume" and the words, the first with its dot. */
    LINE_SHELL,   /* target_text: the command behind '!'. */
    LINE_WANTING, /* The source ends inside quotes, brackets, a heredoc: `wanting` says which. */
    LINE_REFUSED  /* It cannot become a line: see fault. */
};

enum line_target { TARGET_SCREEN, TARGET_PIPE, TARGET_FILE, TARGET_FILE_APPEND };

/* Where in the source a word stands. */
struct line_word {
    size_t at, bytes;
};

struct line {
    enum line_form form;
    int argc;
    const char **argv;        /* argc words and NULL. argv[0] is "flume". Owned. */
    struct line_word *words;  /* argc places; words[0] is empty. Owned. */
    enum line_target target;
    const char *target_text;  /* The file, or the shell command. Owned. */
    char wanting[16];         /* "quote", "json", or the heredoc's END: for the prompt. */
    struct {
        size_t at, bytes;
        const char *cause, *remedy; /* Static. */
    } fault;
    void *memory;             /* What the owned pointers point into. */
};

/**
 * Take a line apart. NUL bytes in the source are refused.
 *
 * @param source  Borrowed only during the call.
 * @param out     Always set; line_release() in any case.
 */
void line_parse(const char *source, size_t bytes, struct line *out);

void line_release(struct line *line);

/** How a word is to be written so that line_parse() gives it back; for completion and hints. */
struct text;
void line_quote(struct text *target, const char *word, size_t bytes);

#endif
