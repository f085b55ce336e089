/*
 * line.h - one line of flume's command language, taken apart.
 *
 * A line is what stands behind `flume DB` on a shell's command line, so the rules are a shell's, as
 * far as they go:
 *
 *   word            separated by blanks; \c is the character c
 *   'text'          as it is
 *   "text"          \" \\ \n \t \r inside, any other \ is one; nothing is ever expanded
 *   {...} [...]     a word that begins so is a JSON value up to its end, blanks and quotes included
 *   # text          at the beginning of a word: a comment up to the end of the line
 *   <<END           last on the line: the following lines, up to one that is END alone, are one
 *                   more word (without the last newline). If that line ends in a carriage return,
 *                   so do the others, and none belongs to the word
 *   | command       what the command prints goes to a shell command (sh -c), the rest of the line
 *   > file, >> file to a file (replaced, appended to); nothing follows it
 *   !command        the whole line is a shell command
 *   .name words     a session setting
 *
 * Quoted and unquoted pieces that touch are one word. A carriage return at the end of a line is a
 * blank. Several lines of source belong together only inside quotes, brackets or a heredoc; then
 * the line is `wanting` more and says what for. Parsing opens nothing and prints nothing; it takes
 * time and memory in proportion to the source.
 */
#ifndef REPL_LINE_H
#define REPL_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LINE_BYTES_MAX = 20 << 20, /* A record of 16 MiB, escaped a little. */
    LINE_WORDS_MAX = 1 << 18,
    LINE_END_BYTES_MAX = 15 /* The name of a heredoc's end. */
};

enum line_form {
    LINE_EMPTY,   /* Nothing but blanks and comment. */
    LINE_COMMAND, /* argv: "flume" and the words. */
    LINE_DOT,     /* argv: "flume" and the words, the first with its dot. */
    LINE_SHELL,   /* target_text: the command behind '!'. */
    LINE_WANTING, /* The source ends inside quotes, brackets, a heredoc: `wanting` says which. */
    LINE_REFUSED  /* It cannot become a line: see fault. */
};

enum line_target { TARGET_SCREEN, TARGET_PIPE, TARGET_FILE, TARGET_FILE_APPEND };

/* Where in the source a word stands; a heredoc stands where its <<END is. */
struct line_word {
    size_t at, bytes;
};

struct line {
    enum line_form form;
    size_t source_bytes;
    int argc;
    const char **argv;       /* argc words and NULL. argv[0] is "flume". Owned. */
    struct line_word *words; /* argc places; words[0] is empty. Owned. */
    enum line_target target;
    const char *target_text; /* The file, or the shell command. Owned. */
    struct line_word target_word;
    char wanting[LINE_END_BYTES_MAX +
                 1]; /* "quote", "json", or the heredoc's END: for the prompt. */
    struct {         /* LINE_REFUSED; LINE_WANTING: where that began, and what is missing. */
        size_t at, bytes;
        int code;
        const char *name, *cause, *remedy; /* Static: a message of errors.h. */
    } fault;
    void *memory; /* What the owned pointers point into. */
};

/**
 * Take a line apart. NUL bytes in the source are refused.
 *
 * @param source  Borrowed only during the call.
 * @param out     Always set; line_release() in any case.
 */
void line_parse(const char *source, size_t bytes, struct line *out);

void line_release(struct line *line);

/** Where in the source the byte `at` of word `index` comes from; behind the last one: where that
 * ends. */
size_t line_place(const char *source, const struct line *line, int index, size_t at);

/** How a word behind a command is to be written so that line_parse() gives it back. */
struct text;
void line_quote(struct text *target, const char *word, size_t bytes);

/* ---- a line that comes in pieces ---- */

/* Each piece is looked at once, however many there are. */
struct line_gather;

/** NULL without memory. */
struct line_gather *line_gather_create(void);
/** NULL is harmless. */
void line_gather_destroy(struct line_gather *gather);

/**
 * The next line of the source, without its newline.
 *
 * @return LINE_WANTING: the next one belongs to it. Anything else: it is whole, for
 *         line_gather_take().
 */
enum line_form line_gather_add(struct line_gather *gather, const char *source, size_t bytes);

/** Everything added since the last line was taken, ending in NUL; valid until the next one is
 * added. */
const char *line_gather_source(const struct line_gather *gather, size_t *out_bytes);

/** While the next one belongs to it: what for, as in struct line. Valid until that is added. */
const char *line_gather_wanting(const struct line_gather *gather);

/** The line, as line_parse() gives it; what is added next begins another. */
void line_gather_take(struct line_gather *gather, struct line *out);

#endif
