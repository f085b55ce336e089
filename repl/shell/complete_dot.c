/*
 * complete_dot.c - what may come next in a dot-command (complete_dot.h): from their table.
 */
#include "complete_dot.h"

#include <stdio.h>
#include <string.h>

#include "complete_data.h"
#include "dot.h"
#include "syntax.h"

/* Names that .set takes: of what the start-up file may set, too. */
static bool is_setting(const struct dot *dot)
{
    return dot->in_rc && *dot->operands != '\0' && strcmp(dot->name, ".help") != 0 &&
           strcmp(dot->name, ".set") != 0;
}

static void add_names(struct candidates *candidates, bool only_settings, size_t skipped)
{
    for (size_t i = 0; dot_row(i) != NULL; i++)
        if (!only_settings || is_setting(dot_row(i)))
            candidates_add(candidates, dot_row(i)->name + skipped, dot_row(i)->summary,
                           CANDIDATE_WHOLE);
}

static void add_operand(struct candidates *candidates, const struct dot *dot, size_t index)
{
    struct syntax_place place;
    const char *name;
    size_t bytes, at = 0;
    char word[64];

    for (size_t i = 0; index == 0 && dot->choices != NULL && dot->choices[i] != NULL; i++)
        candidates_add(candidates, dot->choices[i], NULL, CANDIDATE_WHOLE);
    if (dot->choices != NULL || !syntax_find(dot->operands, index, &place))
        return;
    while (syntax_next(&place, &at, &name, &bytes)) {
        if (syntax_is_literal(name, bytes) && bytes < sizeof(word)) {
            snprintf(word, sizeof(word), "%.*s", (int)bytes, name);
            candidates_add(candidates, word, NULL, CANDIDATE_WHOLE);
        } else if (bytes == 4 && (memcmp(name, "FILE", 4) == 0 || memcmp(name, "PATH", 4) == 0)) {
            complete_files(candidates);
        }
    }
}

/* `.set NAME VALUE` is `.NAME VALUE`. */
static void add_set(struct candidates *candidates)
{
    const struct typed *typed = candidates->typed;
    const struct dot *dot;
    char name[64];

    if (typed->argc == 2) {
        add_names(candidates, true, 1);
        return;
    }
    snprintf(name, sizeof(name), ".%s", typed->argv[2]);
    dot = dot_find(name);
    if (typed->argc == 3 && dot != NULL && is_setting(dot))
        add_operand(candidates, dot, 0);
}

void complete_dot(struct candidates *candidates)
{
    const struct typed *typed = candidates->typed;
    const struct dot *dot;

    if (typed->argc == 1) {
        add_names(candidates, false, 0);
        return;
    }
    dot = dot_find(typed->argv[1]);
    if (dot == NULL)
        return;
    if (strcmp(dot->name, ".set") == 0)
        add_set(candidates);
    else if (strcmp(dot->name, ".help") == 0 && typed->argc == 2)
        add_names(candidates, false, 1);
    else
        add_operand(candidates, dot, (size_t)typed->argc - 2);
}

bool complete_dot_command(const struct typed *typed, struct typed *out)
{
    int before = 2; /* Words up to the seconds. */

    if (typed->argc < 2 || strcmp(typed->argv[1], ".watch") != 0)
        return false;
    if (typed->argc > 2 && strcmp(typed->argv[2], "-n") == 0)
        before += 2;
    if (typed->argc <= before)
        return false;
    *out = *typed;
    out->place = TYPED_COMMAND;
    out->argv = typed->argv + before; /* The seconds stand where the program's name does. */
    out->argc = typed->argc - before;
    return true;
}

void complete_dot_hint(const struct typed *typed, struct text *hint)
{
    const struct dot *dot = typed->argc < 2 ? NULL : dot_find(typed->argv[1]);
    const char *word = typed->word;
    struct syntax_place place;

    if (typed->argc == 1) {
        const struct dot *found = NULL;
        size_t count = 0;

        for (size_t i = 0; dot_row(i) != NULL; i++) {
            bool is_exact = strcmp(dot_row(i)->name, word) == 0;

            if (strncmp(dot_row(i)->name, word, typed->word_bytes) != 0)
                continue;
            count = is_exact ? 1 : count + 1;
            found = dot_row(i);
            if (is_exact)
                break;
        }
        if (count == 1)
            text_format(hint, "%s%s%s", found->name + typed->word_bytes,
                        *found->operands == '\0' ? "" : " ", found->operands);
        return;
    }
    if (dot == NULL || *word != '\0')
        return;
    for (size_t i = (size_t)typed->argc - 2; syntax_find(dot->operands, i, &place); i++) {
        text_format(hint, "%s%.*s", hint->bytes == 0 ? "" : " ", (int)place.text_bytes, place.text);
        if (place.repeats)
            return;
    }
}
