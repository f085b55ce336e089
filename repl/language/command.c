/*
 * command.c - finding a command and its forms in the tables (command.h).
 */
#include "command.h"

#include <assert.h>
#include <string.h>

#include "command_table.h"

static bool is_word(const char *word, const char *name, size_t bytes)
{
    return word != NULL && strlen(word) == bytes && memcmp(word, name, bytes) == 0;
}

const struct command *command_of(enum command_id id)
{
    static const struct command *const families[] = {
        commands_basin, commands_reading, commands_scopes,  commands_store,
        commands_views, commands_care,    commands_program,
    };

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        for (const struct command *command = families[i]; command->name != NULL; command++)
            if (command->id == id)
                return command;
    assert(false); /* Each id has an entry in one of these. */
    return NULL;
}

const struct command *command_find(const char *name, size_t bytes)
{
    for (enum command_id id = 0; id < COMMAND_COUNT; id++) {
        const struct command *command = command_of(id);

        if (is_word(command->name, name, bytes) || is_word(command->alias, name, bytes))
            return command;
    }
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
