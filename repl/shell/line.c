/*
 * line.c - one line of flume's command language, taken apart (line.h): what comes of the parser's
 * work.
 */
#include "line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "line_parser.h"

struct line_gather {
    struct text source;
    struct line_parser parser;
    bool is_taken;
};

/* ---- what comes of it ---- */

static const char *wanting(const struct line_parser *parser)
{
    if (parser->where == IN_HEREDOC)
        return parser->end;
    return parser->where == IN_JSON || parser->where == IN_JSON_TEXT ? "json" : "quote";
}

static void show_wanting(const struct line_parser *parser, struct line *out)
{
    const char *what = wanting(parser);

    out->form = LINE_WANTING;
    memcpy(out->wanting, what, strlen(what) + 1);
}

/* What is missing at the end of a source that is wanting. */
static void refuse_end(struct line_parser *parser)
{
    size_t at = parser->opened_at;

    if (parser->where == IN_HEREDOC)
        line_parser_refuse(parser, at, strlen(parser->end) + 2, ERROR_HEREDOC_OPEN);
    else if (parser->where == IN_JSON || parser->where == IN_JSON_TEXT)
        line_parser_refuse(parser, at, 1, ERROR_JSON_OPEN);
    else
        line_parser_refuse(parser, at, 1, ERROR_QUOTE_OPEN);
}

static void show_fault(const struct line_parser *parser, struct line *out)
{
    out->fault.at = parser->fault_place.at;
    out->fault.bytes = parser->fault_place.bytes;
    out->fault.code = parser->fault.code;
    out->fault.name = parser->fault.name;
    out->fault.cause = parser->fault.format;
    out->fault.remedy = parser->fault.remedy;
}

/* Words and target, which point into the memory that is handed over. False without memory. */
static bool hand_over(struct line_parser *parser, struct line *out)
{
    const char *memory = parser->memory.data;

    out->argv = calloc(parser->count + 2, sizeof(out->argv[0]));
    out->words = calloc(parser->count + 1, sizeof(out->words[0]));
    if (out->argv == NULL || out->words == NULL)
        return false;
    out->argv[0] = "flume";
    for (size_t i = 0; i < parser->count; i++) {
        out->argv[i + 1] = memory + parser->words[i].begins;
        out->words[i + 1] = parser->words[i].place;
    }
    out->argc = (int)parser->count + 1;
    out->target = parser->target;
    if (parser->target != TARGET_SCREEN || parser->is_shell) {
        out->target_text = memory + parser->target_word.begins;
        out->target_word = parser->target_word.place;
    }
    out->memory = parser->memory.data;
    parser->memory = (struct text){0};
    return true;
}

static enum line_form form_of(const struct line_parser *parser, const char *source)
{
    const struct line_word *first;

    if (parser->is_shell)
        return LINE_SHELL;
    if (parser->count == 0)
        return LINE_EMPTY;
    first = &parser->words[0].place;
    /* "./a.flume" is a basin. */
    return source[first->at] == '.' && (first->bytes == 1 || source[first->at + 1] != '/') &&
                   !(first->bytes > 2 && memcmp(source + first->at, "../", 3) == 0)
               ? LINE_DOT
               : LINE_COMMAND;
}

/* The end of the source is here. Nothing is left of the parser. */
static void finish(struct line_parser *parser, const char *source, size_t bytes, struct line *out)
{
    bool wanting = line_parser_wants(parser);

    *out = (struct line){.form = LINE_EMPTY, .source_bytes = bytes};
    if (parser->expects_file && !wanting)
        line_parser_refuse(parser, parser->target_word.place.at, parser->target_word.place.bytes,
                           ERROR_TARGET_EMPTY);
    if (wanting)
        refuse_end(parser);
    else if (!parser->is_refused && !hand_over(parser, out))
        line_parser_refuse(parser, 0, 1, ERROR_NO_MEMORY);
    if (wanting)
        show_wanting(parser, out);
    else
        out->form = parser->is_refused ? LINE_REFUSED : form_of(parser, source);
    if (parser->is_refused)
        show_fault(parser, out);
    text_deinit(&parser->memory);
    text_deinit(&parser->brackets);
    free(parser->words);
    *parser = (struct line_parser){.watched = SIZE_MAX};
}

void line_parse(const char *source, size_t bytes, struct line *out)
{
    struct line_parser parser = {.watched = SIZE_MAX};
    size_t at = 0;

    do {
        const char *newline = bytes == at ? NULL : memchr(source + at, '\n', bytes - at);
        size_t end = newline == NULL ? bytes : (size_t)(newline - source);

        line_parser_add(&parser, bytes == 0 ? "" : source + at, end - at, at);
        at = end + 1;
    } while (at <= bytes && line_parser_wants(&parser));
    while (at < bytes && strchr(" \t\r\n", source[at]) != NULL && source[at] != '\0')
        at++;
    if (at < bytes)
        line_parser_refuse(&parser, at, bytes - at, ERROR_ANOTHER_LINE);
    finish(&parser, source, bytes, out);
}

void line_release(struct line *line)
{
    free(line->argv);
    free(line->words);
    free(line->memory);
    *line = (struct line){.form = LINE_EMPTY};
}

size_t line_place(const char *source, const struct line *line, int index, size_t at)
{
    const struct line_word *word = &line->words[index];
    struct line_parser parser = {.watched = at, .watched_at = SIZE_MAX, .is_part = true};
    struct line parsed;
    size_t from = 0;

    if (word->bytes > 1 && memcmp(source + word->at, "<<", 2) == 0)
        return word->at;
    while (from <= word->bytes) { /* A word may go over several pieces. */
        const char *piece = source + word->at + from;
        const char *newline = memchr(piece, '\n', word->bytes - from);
        size_t bytes = newline == NULL ? word->bytes - from : (size_t)(newline - piece);

        line_parser_add(&parser, piece, bytes, from);
        from += bytes + 1;
    }
    from = parser.watched_at != SIZE_MAX ? parser.watched_at : parser.word_end;
    finish(&parser, source + word->at, word->bytes, &parsed);
    line_release(&parsed);
    return word->at + from;
}

/* ---- quoting ---- */

static bool needs_quotes(const char *word, size_t bytes)
{
    if (bytes == 0 || strchr("{[#<!", word[0]) != NULL)
        return true;
    for (size_t i = 0; i < bytes; i++)
        if (strchr(" \t\r\n\\'\"|>", word[i]) != NULL)
            return true;
    return false;
}

void line_quote(struct text *target, const char *word, size_t bytes)
{
    static const char escaped[] = "\"\\\n\t\r", letters[] = "\"\\ntr";
    bool doubles = false;

    if (!needs_quotes(word, bytes)) {
        text_add(target, word, bytes);
        return;
    }
    for (size_t i = 0; i < bytes && !doubles; i++)
        doubles = strchr("'\n\t\r", word[i]) != NULL;
    text_char(target, doubles ? '"' : '\'');
    for (size_t i = 0; i < bytes; i++) {
        const char *found = doubles ? strchr(escaped, word[i]) : NULL;

        if (found != NULL)
            text_char(target, '\\');
        text_char(target, found != NULL ? letters[found - escaped] : word[i]);
    }
    text_char(target, doubles ? '"' : '\'');
}

/* ---- a line that comes in pieces ---- */

struct line_gather *line_gather_create(void)
{
    struct line_gather *gather = calloc(1, sizeof(*gather));

    if (gather != NULL)
        gather->parser.watched = SIZE_MAX;
    return gather;
}

void line_gather_destroy(struct line_gather *gather)
{
    struct line line;

    if (gather == NULL)
        return;
    finish(&gather->parser, "", 0, &line);
    line_release(&line);
    text_deinit(&gather->source);
    free(gather);
}

enum line_form line_gather_add(struct line_gather *gather, const char *source, size_t bytes)
{
    struct line_parser *parser = &gather->parser;
    size_t base;

    if (gather->is_taken)
        text_clear(&gather->source);
    gather->is_taken = false;
    if (parser->newlines > 0)
        text_char(&gather->source, '\n');
    base = gather->source.bytes;
    text_add(&gather->source, source, bytes);
    (void)text_c_string(&gather->source); /* A failure shows below. */
    if (gather->source.failed)
        line_parser_refuse(parser, 0, 1, ERROR_NO_MEMORY);
    else
        line_parser_add(parser, bytes == 0 ? "" : gather->source.data + base, bytes, base);
    if (line_parser_wants(parser))
        return LINE_WANTING;
    return parser->is_refused || parser->expects_file ? LINE_REFUSED
                                                      : form_of(parser, gather->source.data);
}

const char *line_gather_source(const struct line_gather *gather, size_t *out_bytes)
{
    *out_bytes = gather->source.bytes;
    return gather->source.data == NULL ? "" : gather->source.data;
}

const char *line_gather_wanting(const struct line_gather *gather)
{
    return wanting(&gather->parser);
}

void line_gather_take(struct line_gather *gather, struct line *out)
{
    finish(&gather->parser, gather->source.data, gather->source.bytes, out);
    gather->is_taken = true;
}
