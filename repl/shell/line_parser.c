/*
 * line_parser.c - a line of flume's command language, read piece by piece (line_parser.h).
 */
#include "line_parser.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the parser does ---- */

void line_parser_refuse(struct line_parser *parser, size_t at, size_t bytes, int code,
                        const char *name, const char *cause, const char *remedy)
{
    if (parser->is_refused)
        return;
    parser->is_refused = true;
    parser->fault_place = (struct line_word){at, bytes};
    parser->fault = (struct error_message){code, name, cause, remedy};
}

static size_t here(const struct line_parser *parser)
{
    return parser->base + parser->at;
}

static bool more(const struct line_parser *parser)
{
    return parser->at < parser->bytes;
}

/* Whether the next byte separates words; a carriage return does at the end of the line. */
static bool is_blank(const struct line_parser *parser)
{
    char c = parser->piece[parser->at];

    return c == ' ' || c == '\t' || (c == '\r' && parser->at + 1 == parser->bytes);
}

/* A byte of the word, for `bytes` of the source at `at`. */
static void put(struct line_parser *parser, char c, size_t at, size_t bytes)
{
    if (parser->memory.bytes == parser->watched)
        parser->watched_at = at;
    parser->word_end = at + bytes;
    text_char(&parser->memory, c);
}

/* `bytes` of the source as they are. */
static void put_run(struct line_parser *parser, size_t bytes)
{
    size_t begins = parser->memory.bytes;

    if (parser->watched >= begins && parser->watched - begins < bytes)
        parser->watched_at = here(parser) + (parser->watched - begins);
    text_add(&parser->memory, parser->piece + parser->at, bytes);
    parser->at += bytes;
    if (bytes > 0)
        parser->word_end = here(parser);
}

static void begin_word(struct line_parser *parser)
{
    if (parser->target == TARGET_FILE || parser->target == TARGET_FILE_APPEND) {
        if (!parser->expects_file)
            line_parser_refuse(parser, here(parser), parser->bytes - parser->at, ERROR_TARGET_LAST);
        parser->target_word.place.at = here(parser);
        parser->target_word.begins = parser->memory.bytes;
        return;
    }
    if (parser->count == LINE_WORDS_MAX) {
        line_parser_refuse(parser, here(parser), 1, ERROR_LINE_WORDS);
        return;
    }
    if (parser->count == parser->capacity) {
        size_t capacity = parser->capacity == 0 ? 16 : parser->capacity * 2;
        struct parsed_word *words = realloc(parser->words, capacity * sizeof(words[0]));

        if (words == NULL) {
            line_parser_refuse(parser, here(parser), 1, ERROR_NO_MEMORY);
            return;
        }
        parser->words = words;
        parser->capacity = capacity;
    }
    parser->words[parser->count++] = (struct parsed_word){{here(parser), 0}, parser->memory.bytes};
}

static void end_word(struct line_parser *parser)
{
    struct parsed_word *word = parser->expects_file ? &parser->target_word
                                                    : &parser->words[parser->count - 1];

    word->place.bytes = here(parser) - word->place.at;
    text_char(&parser->memory, '\0');
    parser->expects_file = false;
    parser->where = AT_BLANK;
}

/* ---- between words ---- */

/* The rest of the line, behind the character at the place, is the shell's. */
static void read_command(struct line_parser *parser)
{
    size_t bytes;

    parser->at++;
    while (more(parser) && is_blank(parser))
        parser->at++;
    bytes = parser->bytes - parser->at;
    if (bytes > 0 && parser->piece[parser->bytes - 1] == '\r')
        bytes--;
    parser->target_word = (struct parsed_word){{here(parser), bytes}, parser->memory.bytes};
    put_run(parser, bytes);
    text_char(&parser->memory, '\0');
    parser->at = parser->bytes;
}

static void read_pipe(struct line_parser *parser)
{
    size_t at = here(parser);

    read_command(parser);
    parser->target = TARGET_PIPE;
    if (parser->target_word.place.bytes == 0)
        line_parser_refuse(parser, at, 1, ERROR_PIPE_EMPTY);
}

static void read_arrow(struct line_parser *parser)
{
    size_t at = parser->at;

    parser->target = TARGET_FILE;
    parser->at++;
    if (more(parser) && parser->piece[parser->at] == '>') {
        parser->target = TARGET_FILE_APPEND;
        parser->at++;
    }
    parser->expects_file = true;
    parser->target_word.place = (struct line_word){parser->base + at, parser->at - at};
}

/* '|' or '>' where no word is. */
static void read_target(struct line_parser *parser)
{
    if (parser->target != TARGET_SCREEN)
        line_parser_refuse(parser, here(parser), 1, ERROR_TARGET_LAST);
    else if (parser->count == 0)
        line_parser_refuse(parser, here(parser), 1, ERROR_COMMAND_BEFORE);
    else if (parser->piece[parser->at] == '|')
        read_pipe(parser);
    else
        read_arrow(parser);
}

static bool is_end_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static void read_heredoc(struct line_parser *parser)
{
    size_t at = here(parser), bytes = 0;
    const char *name = parser->piece + parser->at + 2;

    if (parser->target != TARGET_SCREEN) {
        line_parser_refuse(parser, at, 2, ERROR_TARGET_LAST);
        return;
    }
    while (parser->at + 2 + bytes < parser->bytes && is_end_character(name[bytes]))
        bytes++;
    if (bytes == 0 || bytes > LINE_END_BYTES_MAX) {
        line_parser_refuse(parser, at, 2 + bytes, ERROR_HEREDOC_NAME);
        return;
    }
    begin_word(parser);
    memcpy(parser->end, name, bytes);
    parser->end[bytes] = '\0';
    parser->at += 2 + bytes;
    if (!parser->is_refused)
        parser->words[parser->count - 1].place.bytes = 2 + bytes;
    while (more(parser) && is_blank(parser))
        parser->at++;
    if (more(parser))
        line_parser_refuse(parser, here(parser), parser->bytes - parser->at, ERROR_HEREDOC_LAST);
    parser->opened_at = at;
    parser->where = IN_HEREDOC;
}

static void read_blank(struct line_parser *parser)
{
    char c = parser->piece[parser->at];
    bool is_doubled = parser->at + 1 < parser->bytes && parser->piece[parser->at + 1] == c;

    if (is_blank(parser)) {
        parser->at++;
    } else if (c == '#') {
        parser->at = parser->bytes;
    } else if (c == '|' || c == '>') {
        read_target(parser);
    } else if (c == '<' && is_doubled) {
        read_heredoc(parser);
    } else if (c == '<') {
        line_parser_refuse(parser, here(parser), 1, ERROR_NO_INPUT_FILE);
    } else {
        begin_word(parser);
        parser->where = IN_WORD;
        if (c == '{' || c == '[') {
            parser->where = IN_JSON;
            parser->opened_at = here(parser);
        }
    }
}

/* ---- in words ---- */

static void read_backslash(struct line_parser *parser)
{
    size_t at = here(parser);

    parser->at++;
    if (!more(parser) || (is_blank(parser) && parser->piece[parser->at] == '\r'))
        line_parser_refuse(parser, at, 1, ERROR_BACKSLASH_LAST);
    else
        put(parser, parser->piece[parser->at++], at, 2);
}

static void read_word(struct line_parser *parser)
{
    size_t run = 0;
    char c;

    while (parser->at + run < parser->bytes &&
           strchr(" \t\r\\'\"|>", parser->piece[parser->at + run]) == NULL)
        run++;
    put_run(parser, run);
    if (!more(parser))
        return;
    c = parser->piece[parser->at];
    if (is_blank(parser) || c == '|' || c == '>') {
        end_word(parser);
    } else if (c == '\\') {
        read_backslash(parser);
    } else if (c == '\r') {
        put_run(parser, 1);
    } else {
        parser->opened_at = here(parser);
        parser->where = c == '\'' ? IN_SINGLE : IN_DOUBLE;
        parser->at++;
    }
}

/* Up to the quote that ends it, or the end of the piece. */
static void read_single(struct line_parser *parser)
{
    const char *from = parser->piece + parser->at;
    const char *quote = memchr(from, '\'', parser->bytes - parser->at);

    put_run(parser, quote == NULL ? parser->bytes - parser->at : (size_t)(quote - from));
    if (quote != NULL) {
        parser->at++;
        parser->where = IN_WORD;
    }
}

static void read_double(struct line_parser *parser)
{
    static const char escapes[] = "\"\\ntr", meanings[] = "\"\\\n\t\r";
    size_t run = 0, at;
    const char *found;

    while (parser->at + run < parser->bytes && parser->piece[parser->at + run] != '"' &&
           parser->piece[parser->at + run] != '\\')
        run++;
    put_run(parser, run);
    if (!more(parser))
        return;
    at = here(parser);
    if (parser->piece[parser->at++] == '"') {
        parser->where = IN_WORD;
        return;
    }
    found = more(parser) ? strchr(escapes, parser->piece[parser->at]) : NULL;
    put(parser, found == NULL ? '\\' : meanings[found - escapes], at, found == NULL ? 1 : 2);
    parser->at += found == NULL ? 0 : 1;
}

static void read_json(struct line_parser *parser)
{
    struct text *open = &parser->brackets;
    size_t run = 0;
    char c;

    while (parser->at + run < parser->bytes &&
           strchr("{}[]\"", parser->piece[parser->at + run]) == NULL)
        run++;
    put_run(parser, run);
    if (!more(parser))
        return;
    c = parser->piece[parser->at];
    if (c == '"') {
        parser->where = IN_JSON_TEXT;
    } else if (c == '{' || c == '[') {
        text_char(open, c);
    } else if (open->bytes > 0 && open->data[open->bytes - 1] != (c == '}' ? '{' : '[')) {
        line_parser_refuse(parser, here(parser), 1, ERROR_JSON_CLOSER);
        return;
    } else if (open->bytes > 0) {
        open->bytes--;
    }
    put_run(parser, 1);
    if (open->bytes == 0 && parser->where == IN_JSON)
        parser->where = IN_WORD; /* What touches it belongs to the word. */
}

static void read_json_text(struct line_parser *parser)
{
    size_t run = 0;

    while (parser->at + run < parser->bytes && parser->piece[parser->at + run] != '"' &&
           parser->piece[parser->at + run] != '\\')
        run++;
    if (parser->at + run < parser->bytes) {
        bool ends = parser->piece[parser->at + run] == '"';

        run += !ends && parser->at + run + 1 < parser->bytes ? 2 : 1;
        if (ends)
            parser->where = IN_JSON;
    }
    put_run(parser, run);
}

/* ---- pieces ---- */

/* Lines that end in carriage returns lose them. */
static void drop_returns(struct line_parser *parser, size_t begins)
{
    char *data = parser->memory.data;
    size_t kept = begins;

    for (size_t i = begins; i < parser->memory.bytes; i++) {
        bool last = i + 1 == parser->memory.bytes || data[i + 1] == '\n';

        if (data[i] != '\r' || !last)
            data[kept++] = data[i];
    }
    parser->memory.bytes = kept;
}

static void read_heredoc_line(struct line_parser *parser)
{
    size_t bytes = strlen(parser->end), begins = parser->words[parser->count - 1].begins;
    bool has_return = parser->bytes == bytes + 1 && parser->piece[bytes] == '\r';

    if ((parser->bytes == bytes || has_return) && memcmp(parser->piece, parser->end, bytes) == 0) {
        if (has_return && !parser->memory.failed)
            drop_returns(parser, begins);
        text_char(&parser->memory, '\0');
        parser->at = parser->bytes;
        parser->where = AT_END;
        return;
    }
    if (parser->heredoc_lines++ > 0)
        text_char(&parser->memory, '\n');
    put_run(parser, parser->bytes);
}

/* The whole line is the shell's. */
static void read_shell(struct line_parser *parser)
{
    size_t at = here(parser);

    read_command(parser);
    parser->is_shell = true;
    if (parser->target_word.place.bytes == 0)
        line_parser_refuse(parser, at, 1, ERROR_SHELL_EMPTY);
}

static void read_first(struct line_parser *parser)
{
    while (more(parser) && is_blank(parser))
        parser->at++;
    if (more(parser) && parser->piece[parser->at] == '!')
        read_shell(parser);
}

static void read_piece(struct line_parser *parser)
{
    static void (*const read[])(struct line_parser *) = {
        [AT_BLANK] = read_blank,         [IN_WORD] = read_word, [IN_SINGLE] = read_single,
        [IN_DOUBLE] = read_double,       [IN_JSON] = read_json, [IN_JSON_TEXT] = read_json_text,
        [IN_HEREDOC] = read_heredoc_line};
    bool was_heredoc = parser->where == IN_HEREDOC;

    if (parser->newlines == 0 && !parser->is_part)
        read_first(parser);
    else if (parser->newlines > 0 && !was_heredoc)
        put(parser, '\n', here(parser) - 1, 1);
    if (was_heredoc && parser->bytes == 0)
        read_heredoc_line(parser); /* An empty line of it. */
    while (more(parser) && !parser->is_refused && !parser->is_shell)
        read[parser->where](parser);
    if (parser->where == IN_WORD && !parser->is_refused)
        end_word(parser);
}

void line_parser_add(struct line_parser *parser, const char *piece, size_t bytes, size_t base)
{
    const char *zero = memchr(piece, '\0', bytes);

    parser->piece = piece;
    parser->bytes = bytes;
    parser->at = 0;
    parser->base = base;
    if (zero != NULL)
        line_parser_refuse(parser, base + (size_t)(zero - piece), 1, ERROR_LINE_NUL);
    else if (base + bytes > LINE_BYTES_MAX)
        line_parser_refuse(parser, base, 1, ERROR_LINE_TOO_LONG);
    else
        read_piece(parser);
    parser->newlines++;
    if (parser->memory.failed || parser->brackets.failed)
        line_parser_refuse(parser, base, 1, ERROR_NO_MEMORY);
}

bool line_parser_wants(const struct line_parser *parser)
{
    return !parser->is_refused && parser->where != AT_BLANK && parser->where != IN_WORD &&
           parser->where != AT_END;
}
