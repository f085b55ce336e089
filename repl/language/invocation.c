/*
 * invocation.c - a command line, taken apart and checked (invocation.h).
 *
 * Two passes: the first finds the basin and the command among the operands, the second takes the
 * options that this command has.
 */
#include "invocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flume/flume.h"

#include "invocation_parse.h"

/* ---- first pass: which basin, which command ---- */

/* The operand behind a command that has forms. What it means if it names none, the table says. */
static bool take_sub(struct parse *parse, int token)
{
    struct invocation *invocation = parse->invocation;
    const struct command *command = invocation->command;

    invocation->sub = command_find_sub(command, invocation->argv[token]);
    if (invocation->sub != NULL)
        parse->sub_token = token;
    else if (command->sub_implied != 0)
        invocation->sub = &command->subs[command->sub_implied];
    return invocation->sub != NULL;
}

/* One operand of the first pass; false where its word cannot be what stands there. */
static bool place_operand(struct parse *parse, const struct item *item)
{
    struct invocation *invocation = parse->invocation;
    const char *word = invocation->argv[item->token];
    const struct command *command;

    if (parse->command_token != 0)
        return invocation->command->subs == NULL || invocation->sub != NULL ||
               take_sub(parse, item->token);
    if (invocation->db_token == 0 && parse->explain_token == 0 && command_is_path(word)) {
        invocation->db_token = item->token;
        invocation->db = word;
        return true;
    }
    command = command_find(word, item->bytes);
    if (command == command_of(COMMAND_EXPLAIN) && parse->explain_token == 0) {
        parse->explain_token = item->token; /* Which command it explains comes next. */
        return true;
    }
    invocation->command = command;
    parse->command_token = command != NULL ? item->token : 0;
    return command != NULL;
}

/* Without a command: options that hold for every line of the shell. */
static const enum option_id shell_options[] = {OPTION_STALE_OK, OPTION_COUNT};

/* What the words left open. */
static void settle_command(struct parse *parse)
{
    struct invocation *invocation = parse->invocation;

    invocation->explains = parse->explain_token != 0 && invocation->command != NULL;
    if (parse->explain_token != 0 && invocation->command == NULL) {
        invocation->command = command_of(COMMAND_EXPLAIN);
        parse->command_token = parse->explain_token;
    }
    if (invocation->command != NULL && invocation->sub == NULL)
        invocation->sub = invocation->command->subs;
    parse->set = option_set_for_all();
    if (invocation->command == NULL)
        option_set_add(&parse->set, shell_options);
    if (invocation->command != NULL)
        option_set_add(&parse->set, invocation->command->options);
    if (invocation->sub != NULL)
        option_set_add(&parse->set, invocation->sub->options);
}

static bool find_command(struct parse *parse)
{
    const struct option_set every = option_set_every();
    struct invocation *invocation = parse->invocation;
    int refused_token = 0;
    struct walker walker;
    struct item item;

    walker_begin(&walker, invocation->argc, invocation->argv);
    while (walker_next(&walker, &every, &item)) {
        if (item.form == ITEM_OPTION && item.id == OPTION_JSON)
            invocation->wants_json = true;
        if (item.form == ITEM_OPERAND && refused_token == 0 && !place_operand(parse, &item))
            refused_token = item.token;
    }
    if (refused_token != 0)
        return parse->command_token != 0 ? parse_refuse_sub(parse, refused_token)
                                         : parse_refuse_command(parse, refused_token);
    settle_command(parse);
    return true;
}

/* ---- second pass: options and operands ---- */

static bool add_option(struct parse *parse, const struct item *item)
{
    struct invocation *invocation = parse->invocation;
    struct option_use use = {.id = item->id, .text = item->value};

    use.token = item->value != NULL ? item->value_token : item->token;
    use.text_at = item->value_at;
    if (!parse_take_value(parse, item, &use))
        return false;
    parse->error->suggestion.count = 0; /* It is what it seemed not to be at first. */
    if (use.id == OPTION_DB && invocation->db_token != 0)
        return parse_refuse_value(parse, item, ERROR_TWO_BASINS);
    if (invocation->option_count == parse->option_capacity) {
        size_t capacity = parse->option_capacity == 0 ? 16 : parse->option_capacity * 2;
        struct option_use *options =
            realloc(invocation->options, capacity * sizeof(invocation->options[0]));

        if (options == NULL)
            return parse_refuse(parse, 0, 0, 0, ERROR_NO_MEMORY);
        invocation->options = options;
        parse->option_capacity = capacity;
    }
    invocation->options[invocation->option_count++] = use;
    if (use.id == OPTION_DB)
        invocation->db = use.text;
    return true;
}

/* "mark set NAME [R]", as an error's remedy shows it; "" before any command. */
static const char *usage(const struct invocation *invocation, char target[120])
{
    const struct command *command = invocation->command;
    const struct subcommand *sub = invocation->sub;

    if (command == NULL)
        snprintf(target, 120, "COMMAND");
    else if (sub == NULL)
        snprintf(target, 120, "%s%s%s", command->name, *command->operands == '\0' ? "" : " ",
                 command->operands);
    else
        snprintf(target, 120, "%s %s%s%s", command->name, sub->name,
                 *sub->operands == '\0' ? "" : " ", sub->operands);
    return target;
}

static size_t operand_max(const struct invocation *invocation)
{
    if (invocation->command == NULL)
        return 0;
    return invocation->sub != NULL ? invocation->sub->operand_max
                                   : invocation->command->operand_max;
}

static bool take_operand(struct parse *parse, struct operand *operand, struct fault *out_fault)
{
    struct invocation *invocation = parse->invocation;
    enum operand_type type = invocation->command->operand_type;
    bool needs_views = false, good = true;

    if (type == OPERAND_EITHER)
        type = strstr(operand->text, "..") != NULL ? OPERAND_RANGE : OPERAND_REFERENCE;
    if (type == OPERAND_REFERENCE) {
        good = reference_parse(operand->text, &operand->reference, out_fault);
        needs_views = good && reference_needs_views(&operand->reference);
    } else if (type == OPERAND_RANGE) {
        good = reference_parse_range(operand->text, &operand->range, out_fault);
        needs_views = good && reference_range_needs_views(&operand->range);
    }
    invocation->needs_views = invocation->needs_views || needs_views;
    return good;
}

static bool add_operand(struct parse *parse, int token)
{
    struct invocation *invocation = parse->invocation;
    struct operand *operand = &invocation->operands[invocation->operand_count];
    struct fault fault = {0};
    char line[120];

    if (token == invocation->db_token || token == parse->command_token ||
        token == parse->sub_token || token == parse->explain_token)
        return true;
    if (invocation->operand_count >= operand_max(invocation)) {
        parse_fill(parse, usage(invocation, line));
        return parse_refuse(parse, token, 0, 0, ERROR_TOO_MANY_OPERANDS);
    }
    *operand = (struct operand){.text = invocation->argv[token], .token = token};
    if (!take_operand(parse, operand, &fault))
        return parse_refuse_fault(parse, token, 0, &fault);
    invocation->operand_count++;
    return true;
}

static bool take_item(struct parse *parse, const struct item *item)
{
    const struct option *option = item->id < OPTION_COUNT ? &option_table[item->id] : NULL;

    switch (item->form) {
    case ITEM_OPERAND:
        return add_operand(parse, item->token);
    case ITEM_OPTION:
        return add_option(parse, item);
    case ITEM_VALUE_MISSING:
        return parse_refuse_missing(parse, item);
    case ITEM_VALUE_UNWANTED:
        return parse_refuse(parse, item->value_token, item->value_at, 0, ERROR_VALUE_UNWANTED,
                            option->name);
    default:
        return parse_refuse_unknown(parse, item);
    }
}

static bool has_enough(struct parse *parse)
{
    struct invocation *invocation = parse->invocation;
    bool asks_help = invocation_has(invocation, OPTION_HELP) ||
                     invocation_has(invocation, OPTION_USAGE);
    size_t least;
    char line[120], name[80];

    if (invocation->command == NULL || asks_help)
        return true;
    least = invocation->sub != NULL ? invocation->sub->operand_min
                                    : invocation->command->operand_min;
    if (invocation->operand_count >= least)
        return true;
    parse_fill(parse, usage(invocation, line));
    snprintf(name, sizeof(name), "%s%s%s", invocation->command->name,
             invocation->sub == NULL ? "" : " ",
             invocation->sub == NULL ? "" : invocation->sub->name);
    return parse_refuse(parse, 0, 0, 0, ERROR_OPERAND_MISSING, name);
}

static bool take_all(struct parse *parse)
{
    struct walker walker;
    struct item item;

    walker_begin(&walker, parse->invocation->argc, parse->invocation->argv);
    while (walker_next(&walker, &parse->set, &item))
        if (!take_item(parse, &item))
            return false;
    return has_enough(parse);
}

bool invocation_parse(int argc, const char *const *argv, struct invocation *out,
                      struct parse_error *out_error)
{
    struct parse parse = {.invocation = out, .error = out_error};

    *out = (struct invocation){.argc = argc, .argv = argv};
    *out_error = (struct parse_error){0};
    out->operands = calloc((size_t)argc + 1, sizeof(out->operands[0]));
    if (out->operands == NULL)
        return parse_refuse(&parse, 0, 0, 0, ERROR_NO_MEMORY);
    return find_command(&parse) && take_all(&parse);
}

void invocation_release(struct invocation *invocation)
{
    free(invocation->options);
    free(invocation->operands);
    *invocation = (struct invocation){0};
}

/* Given to the program, it holds for each line of its shell. What a shell has a setting for
 * (--mode, --color), or does once (--load), is not among them. */
static bool holds_for_lines(enum option_id id)
{
    return id == OPTION_TIMEOUT || id == OPTION_PROGRESS || id == OPTION_QUIET ||
           id == OPTION_VERBOSE || id == OPTION_STALE_OK;
}

const struct option_use *invocation_option(const struct invocation *invocation, enum option_id id)
{
    for (size_t i = invocation->option_count; i-- > 0;)
        if (invocation->options[i].id == id)
            return &invocation->options[i];
    if (invocation->outer == NULL || !holds_for_lines(id))
        return NULL;
    return invocation_option(invocation->outer, id);
}

bool invocation_has(const struct invocation *invocation, enum option_id id)
{
    return invocation_option(invocation, id) != NULL;
}

uint64_t invocation_number(const struct invocation *invocation, enum option_id id, uint64_t absent)
{
    const struct option_use *use = invocation_option(invocation, id);

    return use == NULL ? absent : use->number;
}

bool invocation_add_option(struct invocation *invocation, enum option_id id, const char *text,
                           uint64_t number)
{
    size_t count = invocation->option_count;
    struct option_use *options = realloc(invocation->options, (count + 1) * sizeof(options[0]));

    if (options == NULL)
        return false;
    options[count] = (struct option_use){.id = id, .text = text, .number = number};
    invocation->options = options;
    invocation->option_count = count + 1;
    return true;
}
