/*
 * help_command.c - what is told of one command: usage, options, columns, codes, examples (help.h).
 */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "exit_code.h"
#include "guide.h"

enum { OPTION_CELLS = 24 };

static void add_option(struct text *text, enum option_id id)
{
    const struct option *option = &option_table[id];
    char left[80];
    int used = 0;

    if (option->letter != 0)
        used = snprintf(left, sizeof(left), "  -%c%s", option->letter,
                        option->name == NULL ? "" : ", ");
    else
        used = snprintf(left, sizeof(left), "      ");
    if (option->name != NULL)
        used += snprintf(left + used, sizeof(left) - (size_t)used, "--%s", option->name);
    if (option->value != NULL)
        used += snprintf(left + used, sizeof(left) - (size_t)used, " %s%s", option->value,
                         option->repeats ? "..." : "");
    text_format(text, "%-*s  %s\n", OPTION_CELLS, left, option->help);
}

static void add_options(struct text *text, const struct option_set *set)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (option_set_has(set, (enum option_id)i))
            add_option(text, (enum option_id)i);
}

void help_common_options(struct text *text)
{
    const struct option_set set = option_set_for_all();

    add_options(text, &set);
}

/* Of the command and of all its forms. */
static void add_own_options(struct text *text, const struct command *command)
{
    const struct subcommand *sub = command->subs;
    struct option_set set = {{0}};

    option_set_add(&set, command->options);
    for (; sub != NULL && sub->name != NULL; sub++)
        option_set_add(&set, sub->options);
    if (command->options == NULL && command->subs == NULL)
        return;
    text_string(text, "\noptions:\n");
    add_options(text, &set);
}

/* "view rows NAME [PREFIX]", "mark [set] NAME [R]". */
static void show_form(struct text *form, const struct command *command,
                      const struct subcommand *sub)
{
    bool is_implied = command->sub_implied != 0 && sub == &command->subs[command->sub_implied];

    text_format(form, is_implied ? "%s [%s]%s%s" : "%s %s%s%s", command->name, sub->name,
                *sub->operands == '\0' ? "" : " ", sub->operands);
}

static size_t widest_form(const struct command *command)
{
    size_t widest = 0;

    for (const struct subcommand *sub = command->subs; sub->name != NULL; sub++) {
        struct text form = {0};

        show_form(&form, command, sub);
        widest = form.bytes > widest ? form.bytes : widest;
        text_deinit(&form);
    }
    return widest;
}

/* A line for each form of a command; one where it has but one. */
static void add_usage(struct text *text, const struct command *command)
{
    if (command->subs == NULL) {
        text_format(text, "usage: flume [DB] %s%s%s%s\n", command->name,
                    command->options == NULL ? "" : " [OPTIONS]",
                    *command->operands == '\0' ? "" : " ", command->operands);
        return;
    }
    for (const struct subcommand *sub = command->subs; sub->name != NULL; sub++) {
        struct text form = {0};

        show_form(&form, command, sub);
        text_format(text, "%s flume [DB] %-*s  %s\n", sub == command->subs ? "usage:" : "      ",
                    (int)widest_form(command), text_c_string(&form), sub->summary);
        text_deinit(&form);
    }
    if (command->alias != NULL)
        text_format(text, "%s is another name for %s\n", command->alias, command->name);
}

void help_options(struct text *text, const struct command *command)
{
    add_usage(text, command);
    text_format(text, "\n%s\n", command->summary);
    add_own_options(text, command);
    text_format(text, "\nand those of every command: flume help options; more: flume help %s\n",
                command->name);
}

static void add_columns(struct text *text, const struct command *command)
{
    const struct guide_columns *rows = guide_of(command)->rows;

    if (rows[0].columns == NULL)
        return;
    text_string(text, "\ncolumns of its rows (keys of its objects):\n");
    for (size_t i = 0; i < GUIDE_COLUMNS_MAX && rows[i].columns != NULL; i++) {
        struct text words = {0};

        text_format(&words, "%s%s", rows[i].form, *rows[i].form == '\0' ? "" : ": ");
        for (const char *c = rows[i].columns; *c != '\0'; c++) {
            text_char(&words, *c);
            if (*c == ',')
                text_char(&words, ' ');
        }
        help_wrap(text, text_c_string(&words), 2);
        text_deinit(&words);
    }
}

static void add_codes(struct text *text, const struct command *command)
{
    const struct guide_code *codes = guide_of(command)->codes;

    if (codes[0].code == 0)
        return;
    text_string(text, "\nexit codes besides those of all commands (flume help exit-codes):\n");
    for (size_t i = 0; i < GUIDE_CODES_MAX && codes[i].code != 0; i++)
        text_format(text, "  %3d  %-11s  %s\n", codes[i].code, exit_code_name(codes[i].code),
                    codes[i].when);
}

void help_command(struct text *text, const struct command *command)
{
    add_usage(text, command);
    text_char(text, '\n');
    help_wrap(text, command->description, 0);
    add_own_options(text, command);
    add_columns(text, command);
    add_codes(text, command);
    text_string(text, "\nand the options of every command: flume help options\n");
    text_string(text, "\nfor example:\n");
    for (size_t i = 0; i < COMMAND_EXAMPLES_MAX && command->examples[i] != NULL; i++)
        text_format(text, "  %s\n", command->examples[i]);
}
