/*
 * command.c - finding a command and its forms in the table (command.h).
 */
#include "command.h"

#include <string.h>

static bool is_word(const char *word, const char *name, size_t bytes)
{
    return word != NULL && strlen(word) == bytes && memcmp(word, name, bytes) == 0;
}

const struct command *command_find(const char *name, size_t bytes)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (is_word(command_table[i].name, name, bytes) ||
            is_word(command_table[i].alias, name, bytes))
            return &command_table[i];
    return NULL;
}

const struct subcommand *command_find_sub(const struct command *command, const char *name)
{
    const struct subcommand *sub = command->subs;

    while (sub != NULL && sub->name != NULL && strcmp(sub->name, name) != 0)
        sub++;
    return sub != NULL && sub->name != NULL ? sub : NULL;
}

bool command_is_path(const char *word)
{
    return strpbrk(word, "./") != NULL || strcmp(word, ":memory:") == 0;
}
