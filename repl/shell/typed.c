/*
 * typed.c - a line that is still being typed (typed.h).
 */
#include "typed.h"

#include <stdlib.h>
#include <string.h>

struct lexer {
    const char *line;
    size_t bytes, at;
    char *target; /* Where the next character of a word goes. */
    struct typed *out;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
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

/* Behind a backslash. In double quotes some letters stand for characters, and a backslash before
 * anything else is one. */
static void take_escaped(struct lexer *lexer)
{
    static const char escapes[] = "\"\\ntr", meanings[] = "\"\\\n\t\r";
    char c = lexer->line[lexer->at];
    const char *found = strchr(escapes, c);

    if (lexer->out->quote == '"' && found == NULL)
        *lexer->target++ = '\\';
    *lexer->target++ = lexer->out->quote == '"' && found != NULL ? meanings[found - escapes] : c;
}

/* A word, or the rest of one, up to what ends it. */
static void take_characters(struct lexer *lexer)
{
    struct typed *out = lexer->out;

    for (; lexer->at < lexer->bytes; lexer->at++) {
        char c = lexer->line[lexer->at];

        if (out->quote == 0 && ends_word(c))
            break;
        if (c == out->quote) {
            out->quote = 0;
        } else if (out->quote == 0 && (c == '\'' || c == '"')) {
            out->quote = c;
        } else if (c == '\\' && out->quote != '\'') {
            if (++lexer->at == lexer->bytes)
                break; /* Nothing is behind the backslash yet. */
            take_escaped(lexer);
        } else {
            *lexer->target++ = c;
        }
    }
}

/* { or [ at the beginning of a word: as it is, up to the bracket that closes it. False where that
 * is not on the line. Whether the brackets are of a kind is not looked at: it is typed on, or
 * refused. */
static bool take_brackets(struct lexer *lexer)
{
    size_t depth = 0;
    bool in_text = false;

    while (lexer->at < lexer->bytes) {
        char c = lexer->line[lexer->at++];

        *lexer->target++ = c;
        if (in_text && c == '\\' && lexer->at < lexer->bytes)
            *lexer->target++ = lexer->line[lexer->at++];
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '{' || c == '['))
            depth++;
        else if (!in_text && (c == '}' || c == ']') && --depth == 0)
            return true;
    }
    return false;
}

/* True if the word ends before the line does. */
static bool take_word(struct lexer *lexer)
{
    struct typed *out = lexer->out;
    char c = lexer->at < lexer->bytes ? lexer->line[lexer->at] : '\0';

    out->from = lexer->at;
    out->word = lexer->target;
    if ((c == '{' || c == '[') && !take_brackets(lexer))
        out->place = TYPED_NOTHING;
    take_characters(lexer);
    out->word_bytes = (size_t)(lexer->target - out->word);
    *lexer->target++ = '\0';
    return lexer->at < lexer->bytes;
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
    else if (take_word(lexer)) {
        out->argv[out->argc++] = out->word;
        return true;
    }
    return false;
}

/* As line.c has it: "./a.flume" and "../a.flume" are basins. */
static bool is_dot(const char *line, size_t bytes)
{
    if (bytes == 0 || line[0] != '.')
        return false;
    return (bytes == 1 || line[1] != '/') && !(bytes > 2 && memcmp(line, "../", 3) == 0);
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
    skip_blanks(&lexer);
    if (is_dot(line + lexer.at, bytes - lexer.at))
        out->place = TYPED_DOT;
    while (take_next(&lexer))
        ;
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
