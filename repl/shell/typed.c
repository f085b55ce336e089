/*
 * typed.c - a line that is still being typed (typed.h).
 */
#include "typed.h"

#include <stdlib.h>
#include <string.h>

#include "json_scan.h"

struct lexer {
    const char *line;
    size_t bytes, at;
    char *target; /* Where the next character of a word goes. */
    struct typed *out;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_word(char c)
{
    return is_blank(c) || c == '|' || c == '>';
}

static bool begin(struct typed *out, size_t word_bytes, size_t word_count)
{
    *out = (struct typed){.place = TYPED_NOTHING, .word = ""};
    out->memory = malloc(word_bytes + 2);
    out->argv = calloc(word_count + 2, sizeof(out->argv[0]));
    if (out->memory == NULL || out->argv == NULL)
        return false;
    out->argv[0] = "flume";
    out->argc = 1;
    out->place = TYPED_COMMAND;
    return true;
}

/* Behind a backslash: \n and \t are characters of their own in double quotes. */
static char unescape(char c, char quote)
{
    if (quote == '"' && (c == 'n' || c == 't'))
        return c == 'n' ? '\n' : '\t';
    return c;
}

/* A word up to what ends it. True if it ends before the line does. */
static bool take_word(struct lexer *lexer)
{
    struct typed *out = lexer->out;

    out->from = lexer->at;
    out->word = lexer->target;
    for (; lexer->at < lexer->bytes; lexer->at++) {
        char c = lexer->line[lexer->at];

        if (out->quote == 0 && ends_word(c))
            break;
        if (c == out->quote && c != '\0') {
            out->quote = 0;
        } else if (out->quote == 0 && (c == '\'' || c == '"')) {
            out->quote = c;
        } else if (c == '\\' && out->quote != '\'') {
            if (++lexer->at == lexer->bytes)
                break; /* Nothing is behind the backslash yet. */
            *lexer->target++ = unescape(lexer->line[lexer->at], out->quote);
        } else {
            *lexer->target++ = c;
        }
    }
    out->word_bytes = (size_t)(lexer->target - out->word);
    *lexer->target++ = '\0';
    return lexer->at < lexer->bytes;
}

/* A JSON value as a word. True if a blank ends it. */
static bool take_json(struct lexer *lexer)
{
    struct json_scanner scanner;
    struct typed *out = lexer->out;
    enum json_scan_answer answer = JSON_SCAN_MORE;

    json_scan_begin(&scanner);
    out->word = lexer->target;
    while (lexer->at < lexer->bytes && answer == JSON_SCAN_MORE) {
        *lexer->target++ = lexer->line[lexer->at];
        answer = json_scan_feed(&scanner, (uint8_t)lexer->line[lexer->at++]);
    }
    *lexer->target++ = '\0';
    /* Behind the value a blank has room for its NUL. */
    if (answer == JSON_SCAN_DONE && lexer->at < lexer->bytes && is_blank(lexer->line[lexer->at]))
        return true;
    out->place = TYPED_NOTHING;
    return false;
}

/* What is a shell's: only its last word counts. */
static void take_shell(struct lexer *lexer)
{
    struct typed *out = lexer->out;

    out->place = TYPED_SHELL;
    do {
        while (lexer->at < lexer->bytes && ends_word(lexer->line[lexer->at]))
            lexer->at++;
    } while (take_word(lexer));
}

static void skip_blanks(struct lexer *lexer)
{
    while (lexer->at < lexer->bytes && is_blank(lexer->line[lexer->at]))
        lexer->at++;
}

/* The file's name, and nothing behind it. */
static void take_file(struct lexer *lexer)
{
    lexer->at++;
    if (lexer->at < lexer->bytes && lexer->line[lexer->at] == '>')
        lexer->at++;
    skip_blanks(lexer);
    lexer->out->place = TYPED_FILE;
    if (take_word(lexer))
        lexer->out->place = TYPED_NOTHING;
}

/* One more word of the command; false where the line ends in it, or something else begins. */
static bool take_next(struct lexer *lexer)
{
    struct typed *out = lexer->out;
    char c;

    skip_blanks(lexer);
    c = lexer->at < lexer->bytes ? lexer->line[lexer->at] : '\0';
    if (c == '#' || (c == '<' && lexer->at + 1 < lexer->bytes && lexer->line[lexer->at + 1] == '<'))
        out->place = TYPED_NOTHING;
    else if (c == '|' || (c == '!' && out->argc == 1)) {
        lexer->at++;
        take_shell(lexer);
    } else if (c == '>')
        take_file(lexer);
    else if (c == '{' || c == '[' ? take_json(lexer) : take_word(lexer)) {
        out->argv[out->argc++] = out->word;
        return true;
    }
    return false;
}

/* "./a.flume" and "../a.flume" are basins. */
static bool is_dot(const char *word)
{
    return word[0] == '.' && word[1] != '/' && strncmp(word, "../", 3) != 0;
}

void typed_parse(const char *line, size_t bytes, struct typed *out)
{
    struct lexer lexer = {.line = line, .bytes = bytes, .out = out};

    /* Each word but the last has something behind it that ends it: its NUL's room. */
    if (!begin(out, bytes, bytes / 2 + 1))
        return;
    lexer.target = out->memory;
    if (memchr(line, '\0', bytes) != NULL) {
        out->place = TYPED_NOTHING;
        return;
    }
    while (take_next(&lexer))
        ;
    if (out->place == TYPED_COMMAND && is_dot(out->argc > 1 ? out->argv[1] : out->word))
        out->place = TYPED_DOT;
}

void typed_take_words(const char *const *words, int count, struct typed *out)
{
    if (!begin(out, 0, (size_t)count))
        return;
    for (int i = 0; i + 1 < count; i++)
        out->argv[out->argc++] = words[i];
    if (count > 0) {
        out->word = words[count - 1];
        out->word_bytes = strlen(out->word);
    }
}

void typed_release(struct typed *typed)
{
    free(typed->argv);
    free(typed->memory);
    *typed = (struct typed){.place = TYPED_NOTHING, .word = ""};
}
