/*
 * line_parser.h - a line of flume's command language, read piece by piece. Only for line.c, whose
 * header has the rules.
 *
 * The source comes in pieces, which are its physical lines without their newlines. Between two of
 * them the parser is in one of the places below; what it has read it never looks at again.
 *
 * What always holds: each word has a NUL behind it in `memory`, and the next one begins there.
 */
#ifndef REPL_LINE_PARSER_H
#define REPL_LINE_PARSER_H

#include "errors.h"
#include "line.h"
#include "text.h"

enum line_where {
    AT_BLANK,
    IN_WORD,
    IN_SINGLE,
    IN_DOUBLE,
    IN_JSON,
    IN_JSON_TEXT,
    IN_HEREDOC,
    AT_END /* Behind a heredoc. */
};

struct parsed_word {
    struct line_word place;
    size_t begins; /* In memory. */
};

/* All zero but `watched` at the beginning. */
struct line_parser {
    enum line_where where;
    const char *piece;    /* The piece being read, */
    size_t bytes, at;     /* its length, the next byte, */
    size_t base;          /* and where in the source it stands. */
    size_t newlines;      /* So many pieces came before it. */
    bool is_part;         /* The source is a word of a line: '!' is nothing special. */
    struct text memory;   /* Words as they are meant. */
    struct text brackets; /* Those that are open. */
    struct parsed_word *words;
    size_t count, capacity;
    enum line_target target;
    bool expects_file; /* Behind '>'. */
    bool is_shell;     /* Behind '!'. */
    struct parsed_word target_word;
    size_t opened_at; /* What the source goes on for: the quote, the bracket, <<END. */
    char end[LINE_END_BYTES_MAX + 1];
    size_t heredoc_lines;
    bool is_refused;
    struct line_word fault_place;
    struct error_message fault;
    size_t watched, watched_at; /* Where in the source byte `watched` of memory came from. */
    size_t word_end;            /* Behind what the last byte came from. */
};

/** The next piece. Only while the parser wants one, and for the first. */
void line_parser_add(struct line_parser *parser, const char *piece, size_t bytes, size_t base);

/** Whether the line goes on in the next piece. */
bool line_parser_wants(const struct line_parser *parser);

/** Refuse the line with a message whose format takes nothing. The first refusal counts. */
void line_parser_refuse(struct line_parser *parser, size_t at, size_t bytes, int code,
                        const char *name, const char *cause, const char *remedy);

#endif
