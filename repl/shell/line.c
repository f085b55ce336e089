/*
 * line.c - one line of flume's command language, taken apart (line.h).
 */
#include "line.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void line_parse(const char *source, size_t bytes, struct line *out)
{
    char *copy = malloc(bytes + 1), *word, *rest = NULL;

    *out = (struct line){.form = LINE_EMPTY};
    out->argv = calloc(bytes / 2 + 3, sizeof(*out->argv));
    out->words = calloc(bytes / 2 + 3, sizeof(*out->words));
    out->memory = copy;
    if (copy == NULL || out->argv == NULL || out->words == NULL) {
        out->form = LINE_REFUSED;
        out->fault.cause = "no memory";
        return;
    }
    memcpy(copy, source, bytes);
    copy[bytes] = '\0';
    out->argv[0] = "flume";
    out->argc = 1;
    for (word = strtok_r(copy, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
        out->words[out->argc] = (struct line_word){(size_t)(word - copy), strlen(word)};
        out->argv[out->argc++] = word;
    }
    if (out->argc > 1)
        out->form = out->argv[1][0] == '.' ? LINE_DOT : LINE_COMMAND;
}

void line_release(struct line *line)
{
    free(line->argv);
    free(line->words);
    free(line->memory);
    *line = (struct line){.form = LINE_EMPTY};
}

void line_quote(struct text *target, const char *word, size_t bytes)
{
    text_add(target, word, bytes);
}
