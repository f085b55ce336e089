/*
 * invocation_refuse.c - why a command line is refused, and what may have been meant
 * (invocation_parse.h).
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "invocation_parse.h"
#include "utf8.h"

void parse_fill(struct parse *parse, const char *words)
{
    snprintf(parse->fill, sizeof(parse->fill), "%s", words);
}

bool parse_refuse(struct parse *parse, int token, size_t at, size_t bytes, int code,
                  const char *name, const char *format, const char *remedy, ...)
{
    struct parse_error *error = parse->error;
    struct text text = {0};
    size_t bytes_max = sizeof(error->cause) - 1;
    va_list arguments;

    error->token = token;
    error->at = at;
    error->bytes = bytes;
    error->code = code;
    error->name = name;
    va_start(arguments, remedy);
    text_format_list(&text, format, arguments);
    va_end(arguments);
    bytes_max = utf8_fitting(text_c_string(&text), text.bytes, bytes_max);
    snprintf(error->cause, sizeof(error->cause), "%.*s", (int)bytes_max, text_c_string(&text));
    text_clear(&text);
    error_fill(&text, remedy, parse->fill);
    snprintf(error->remedy, sizeof(error->remedy), "%s", text_c_string(&text));
    text_deinit(&text);
    return false;
}

bool parse_refuse_fault(struct parse *parse, int token, size_t at, const struct fault *fault)
{
    const struct error_message *message = &fault->message;

    return parse_refuse(parse, token, at + fault->at, fault->bytes, message->code, message->name,
                        "%s", message->remedy, message->format);
}

bool parse_refuse_value(struct parse *parse, const struct item *item, int code, const char *name,
                        const char *cause, const char *remedy)
{
    return parse_refuse(parse, item->value_token, item->value_at, 0, code, name, "%s", remedy,
                        cause);
}

bool parse_refuse_command(struct parse *parse, int token)
{
    const char *word = parse->invocation->argv[token];
    struct suggestion *suggestion = &parse->error->suggestion;

    suggest_begin(suggestion, "", word, strlen(word));
    for (enum command_id id = 0; id < COMMAND_COUNT; id++)
        if (!command_of(id)->is_hidden)
            suggest_offer(suggestion, command_of(id)->name);
    if (suggestion->count > 0 || parse->invocation->db != NULL || strlen(word) > 60)
        return parse_refuse(parse, token, 0, 0, ERROR_NO_COMMAND, word);
    parse_fill(parse, word);
    return parse_refuse(parse, token, 0, 0, ERROR_NO_COMMAND_NOR_BASIN, word);
}

bool parse_refuse_sub(struct parse *parse, int token)
{
    const struct command *command = parse->invocation->command;
    const char *word = parse->invocation->argv[token];
    struct suggestion *suggestion = &parse->error->suggestion;

    suggest_begin(suggestion, "", word, strlen(word));
    for (const struct subcommand *sub = command->subs; sub->name != NULL; sub++)
        suggest_offer(suggestion, sub->name);
    snprintf(parse->fill, sizeof(parse->fill), "%s %s", command->name, command->operands);
    return parse_refuse(parse, token, 0, 0, ERROR_NO_FORM, command->name, word);
}

static bool list_has(const enum option_id *list, const struct item *item, const char *name)
{
    struct option_set set = {{0}};

    option_set_add(&set, list);
    return (item->form == ITEM_UNKNOWN_NAME ? option_find(&set, name, item->bytes)
                                            : option_find_letter(&set, *name)) != OPTION_COUNT;
}

/* With what stands before them they fit into a remedy. */
enum { OWNERS_BYTES = 340 };
static void add_owner(char owners[OWNERS_BYTES], size_t *io_used, const char *command,
                      const char *sub)
{
    int added = snprintf(owners + *io_used, OWNERS_BYTES - *io_used, "%s%s%s%s",
                         *io_used == 0 ? "" : ", ", command, sub == NULL ? "" : " ",
                         sub == NULL ? "" : sub);

    if (added > 0 && (size_t)added < OWNERS_BYTES - *io_used)
        *io_used += (size_t)added;
    owners[*io_used] = '\0'; /* An owner that does not fit is left out whole. */
}

static void add_owners(char owners[OWNERS_BYTES], size_t *io_used, const struct command *command,
                       const struct item *item, const char *name)
{
    if (list_has(command->options, item, name))
        add_owner(owners, io_used, command->name, NULL);
    for (const struct subcommand *sub = command->subs; sub != NULL && sub->name != NULL; sub++)
        if (list_has(sub->options, item, name))
            add_owner(owners, io_used, command->name, sub->name);
}

/* Commands that have an option with this name, for whoever gave it to another one; other forms of
 * the same first. */
static bool name_owners(struct parse *parse, const struct item *item, const char *name)
{
    const struct command *typed = parse->invocation->command;
    char owners[OWNERS_BYTES] = "";
    size_t used = 0;

    if (typed != NULL)
        add_owners(owners, &used, typed, item, name);
    for (enum command_id id = 0; id < COMMAND_COUNT; id++)
        if (command_of(id) != typed)
            add_owners(owners, &used, command_of(id), item, name);
    if (used != 0)
        parse_fill(parse, owners);
    return used != 0;
}

static size_t character_bytes(const char *word)
{
    uint32_t point;
    size_t length = utf8_decode(word, strlen(word), &point);

    return length == 0 ? 1 : length;
}

bool parse_refuse_unknown(struct parse *parse, const struct item *item)
{
    const char *name = parse->invocation->argv[item->token] + item->at;
    const struct command *command = parse->invocation->command;
    const char *owner = command == NULL ? "flume" : command->name;
    bool is_letter = item->form == ITEM_UNKNOWN_LETTER;
    size_t at = is_letter ? item->at : 0;
    size_t bytes = is_letter ? character_bytes(name) : item->bytes + 2;
    struct suggestion *suggestion = &parse->error->suggestion;
    char typed[50];

    if (is_letter)
        snprintf(typed, sizeof(typed), "-%.*s", (int)bytes, name);
    else
        snprintf(typed, sizeof(typed), "--%.*s", (int)(item->bytes < 40 ? item->bytes : 40), name);
    if (name_owners(parse, item, name))
        return parse_refuse(parse, item->token, at, bytes, ERROR_OPTION_OF_OTHERS, owner, typed);
    suggest_begin(suggestion, "--", name, is_letter ? 0 : item->bytes);
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (option_set_has(&parse->set, (enum option_id)i) && option_table[i].name != NULL)
            suggest_offer(suggestion, option_table[i].name);
    parse_fill(parse, command == NULL ? "" : command->name);
    return parse_refuse(parse, item->token, at, bytes, ERROR_NO_OPTION, owner, typed);
}

bool parse_refuse_missing(struct parse *parse, const struct item *item)
{
    const struct option *option = &option_table[item->id];
    const char *word = parse->invocation->argv[item->token];
    char typed[50]; /* As it was: a letter, or a name. */

    snprintf(typed, sizeof(typed), "%s%.*s", item->at == 2 ? "--" : "-",
             (int)(item->bytes < 40 ? item->bytes : 40), word + item->at);
    parse_fill(parse, option->help);
    return parse_refuse(parse, item->token, 0, 0, ERROR_VALUE_MISSING, typed, option->value);
}
