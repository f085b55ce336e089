/*
 * invocation.c - a command line, taken apart and checked (invocation.h).
 *
 * Two passes: the first finds the basin and the command among the operands, the second takes the
 * options that this command has.
 */
#include "invocation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flume/flume.h"

#include "suggest.h"
#include "utf8.h"
#include "walker.h"

/* What the passes share. */
struct parse {
    struct invocation *invocation;
    struct parse_error *error;
    int command_token, sub_token, explain_token; /* 0: none. */
    size_t option_capacity;
    struct option_set set; /* Options of the command. */
    char fill[200];
};

/* For the word in braces of the next refusal's remedy; NULL: it has none. */
static void fill(struct parse *parse, const char *words)
{
    snprintf(parse->fill, sizeof(parse->fill), "%s", words);
}

/* With a message of errors.h and what it takes. */
__attribute__((format(printf, 7, 9))) static bool refuse(struct parse *parse, int token, size_t at,
                                                         size_t bytes, int code, const char *name,
                                                         const char *format, const char *remedy,
                                                         ...)
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

static bool refuse_fault(struct parse *parse, int token, size_t at, const struct fault *fault)
{
    const struct error_message *message = &fault->message;

    return refuse(parse, token, at + fault->at, fault->bytes, message->code, message->name, "%s",
                  message->remedy, message->format);
}

/* ---- first pass: which basin, which command ---- */

static bool refuse_command(struct parse *parse, int token)
{
    const char *word = parse->invocation->argv[token];
    struct suggestion *suggestion = &parse->error->suggestion;

    suggest_begin(suggestion, "", word, strlen(word));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!command_table[i].is_hidden)
            suggest_offer(suggestion, command_table[i].name);
    if (suggestion->count > 0 || parse->invocation->db != NULL || strlen(word) > 60)
        return refuse(parse, token, 0, 0, ERROR_NO_COMMAND, word);
    fill(parse, word);
    return refuse(parse, token, 0, 0, ERROR_NO_COMMAND_NOR_BASIN, word);
}

static bool refuse_sub(struct parse *parse, int token)
{
    const struct command *command = parse->invocation->command;
    const char *word = parse->invocation->argv[token];
    struct suggestion *suggestion = &parse->error->suggestion;

    suggest_begin(suggestion, "", word, strlen(word));
    for (const struct subcommand *sub = command->subs; sub->name != NULL; sub++)
        suggest_offer(suggestion, sub->name);
    snprintf(parse->fill, sizeof(parse->fill), "%s %s", command->name, command->operands);
    return refuse(parse, token, 0, 0, ERROR_NO_FORM, command->name, word);
}

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
    if (command == &command_table[COMMAND_EXPLAIN] && parse->explain_token == 0) {
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
        invocation->command = &command_table[COMMAND_EXPLAIN];
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
        return parse->command_token != 0 ? refuse_sub(parse, refused_token)
                                         : refuse_command(parse, refused_token);
    settle_command(parse);
    return true;
}

/* ---- second pass: values ---- */

/* A value is not what it must be: a message that takes nothing. */
static bool refuse_value(struct parse *parse, const struct item *item, int code, const char *name,
                         const char *cause, const char *remedy)
{
    return refuse(parse, item->value_token, item->value_at, 0, code, name, "%s", remedy, cause);
}

static bool take_choice(struct parse *parse, const struct item *item, struct option_use *use)
{
    const char *const *choices = option_table[item->id].choices;
    struct suggestion *suggestion = &parse->error->suggestion;
    char list[120] = "";
    size_t used = 0;

    suggest_begin(suggestion, "", item->value, strlen(item->value));
    for (size_t i = 0; choices[i] != NULL; i++) {
        use->number = i;
        if (strcmp(item->value, choices[i]) == 0)
            return true;
        suggest_offer(suggestion, choices[i]);
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : " ",
                                 choices[i]);
    }
    fill(parse, list);
    return refuse_value(parse, item, ERROR_NO_CHOICE);
}

static bool take_kind(struct parse *parse, const struct item *item, struct option_use *use)
{
    struct suggestion *suggestion = &parse->error->suggestion;
    bool is_new = option_table[item->id].type == OPTION_TYPE_NEW_KIND;

    if (is_new && strcmp(item->value, "message") != 0 &&
        !(value_parse_uint(item->value, UINT8_MAX, &use->number) && use->number >= FLUME_KIND_USER))
        return refuse_value(parse, item, ERROR_KIND_RESERVED);
    suggest_begin(suggestion, "", item->value, strlen(item->value));
    for (unsigned kind = 1; kind <= UINT8_MAX; kind++) {
        const char *name = flume_kind_name(kind);

        if (name != NULL && strcmp(name, item->value) == 0) {
            use->number = kind;
            return true;
        }
        if (name != NULL)
            suggest_offer(suggestion, name);
    }
    if (value_parse_uint(item->value, UINT8_MAX, &use->number) && use->number != 0)
        return true;
    return refuse_value(parse, item, ERROR_NO_KIND);
}

static bool take_codec(struct parse *parse, const struct item *item, struct option_use *use)
{
    struct suggestion *suggestion = &parse->error->suggestion;

    suggest_begin(suggestion, "", item->value, strlen(item->value));
    for (unsigned number = 0; number < FLUME_CODEC_USER; number++) {
        const char *name = flume_codec_name(number);

        if (name != NULL && strcmp(name, item->value) == 0) {
            use->number = number;
            return true;
        }
        if (name != NULL)
            suggest_offer(suggestion, name);
    }
    if (value_parse_uint(item->value, UINT16_MAX, &use->number))
        return true;
    return refuse_value(parse, item, ERROR_NO_CODEC);
}

static bool take_label(struct parse *parse, const struct item *item)
{
    size_t bytes = strlen(item->value);

    if (bytes == 0 || bytes > FLUME_LABEL_BYTES_MAX || !utf8_valid(item->value, bytes))
        return refuse_value(parse, item, ERROR_BAD_LABEL);
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)item->value[i] < 0x20 || item->value[i] == 0x7F)
            return refuse_value(parse, item, ERROR_BAD_LABEL);
    return true;
}

static bool take_reference(struct parse *parse, const struct item *item, struct option_use *use)
{
    struct fault fault;

    if (reference_parse(item->value, &use->reference, &fault)) {
        if (reference_needs_views(&use->reference))
            parse->invocation->needs_views = true;
        return true;
    }
    return refuse_fault(parse, item->value_token, item->value_at, &fault);
}

static bool take_measure(struct parse *parse, const struct item *item, struct option_use *use)
{
    switch (option_table[item->id].type) {
    case OPTION_TYPE_UINT:
        if (value_parse_uint(item->value, UINT64_MAX - 1, &use->number))
            return true;
        return refuse_value(parse, item, ERROR_NOT_A_NUMBER);
    case OPTION_TYPE_SIZE:
        if (value_parse_size(item->value, &use->number))
            return true;
        return refuse_value(parse, item, ERROR_NOT_A_SIZE);
    case OPTION_TYPE_SPAN:
        if (value_parse_span(item->value, &use->number))
            return true;
        return refuse_value(parse, item, ERROR_NOT_A_SPAN);
    default:
        if (value_parse_time(item->value, &use->time))
            return true;
        return refuse_value(parse, item, ERROR_NOT_A_TIME);
    }
}

static bool take_value(struct parse *parse, const struct item *item, struct option_use *use)
{
    switch (option_table[item->id].type) {
    case OPTION_TYPE_FLAG:
    case OPTION_TYPE_TEXT:
        return true;
    case OPTION_TYPE_LABEL:
        return take_label(parse, item);
    case OPTION_TYPE_NEW_KIND:
    case OPTION_TYPE_KIND:
        return take_kind(parse, item, use);
    case OPTION_TYPE_CODEC:
        return take_codec(parse, item, use);
    case OPTION_TYPE_CHOICE:
        return take_choice(parse, item, use);
    case OPTION_TYPE_REFERENCE:
        return take_reference(parse, item, use);
    default:
        return take_measure(parse, item, use);
    }
}

/* ---- second pass: options and operands ---- */

static bool add_option(struct parse *parse, const struct item *item)
{
    struct invocation *invocation = parse->invocation;
    struct option_use use = {.id = item->id, .text = item->value};

    use.token = item->value != NULL ? item->value_token : item->token;
    use.text_at = item->value_at;
    if (!take_value(parse, item, &use))
        return false;
    parse->error->suggestion.count = 0; /* It is what it seemed not to be at first. */
    if (use.id == OPTION_DB && invocation->db_token != 0)
        return refuse_value(parse, item, ERROR_TWO_BASINS);
    if (invocation->option_count == parse->option_capacity) {
        size_t capacity = parse->option_capacity == 0 ? 16 : parse->option_capacity * 2;
        struct option_use *options =
            realloc(invocation->options, capacity * sizeof(invocation->options[0]));

        if (options == NULL)
            return refuse(parse, 0, 0, 0, ERROR_NO_MEMORY);
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
        snprintf(target, 120, "%s %s", command->name, command->operands);
    else
        snprintf(target, 120, "%s %s %s", command->name, sub->name, sub->operands);
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
        fill(parse, usage(invocation, line));
        return refuse(parse, token, 0, 0, ERROR_TOO_MANY_OPERANDS);
    }
    *operand = (struct operand){.text = invocation->argv[token], .token = token};
    if (!take_operand(parse, operand, &fault))
        return refuse_fault(parse, token, 0, &fault);
    invocation->operand_count++;
    return true;
}

static bool list_has(const enum option_id *list, const struct item *item, const char *name)
{
    struct option_set set = {{0}};

    option_set_add(&set, list);
    return (item->form == ITEM_UNKNOWN_NAME ? option_find(&set, name, item->bytes)
                                            : option_find_letter(&set, *name)) != OPTION_COUNT;
}

static void add_owner(char owners[120], size_t *io_used, const char *command, const char *sub)
{
    int added = snprintf(owners + *io_used, 120 - *io_used, "%s%s%s%s", *io_used == 0 ? "" : ", ",
                         command, sub == NULL ? "" : " ", sub == NULL ? "" : sub);

    if (added > 0 && (size_t)added < 120 - *io_used)
        *io_used += (size_t)added;
    owners[*io_used] = '\0'; /* An owner that does not fit is left out whole. */
}

/* Commands that have an option with this name, for whoever gave it to another one. */
static bool name_owners(struct parse *parse, const struct item *item, const char *name)
{
    char owners[120] = "";
    size_t used = 0;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &command_table[i];
        const struct subcommand *sub = command->subs;

        if (list_has(command->options, item, name))
            add_owner(owners, &used, command->name, NULL);
        for (; sub != NULL && sub->name != NULL; sub++)
            if (list_has(sub->options, item, name))
                add_owner(owners, &used, command->name, sub->name);
    }
    if (used != 0)
        fill(parse, owners);
    return used != 0;
}

static size_t character_bytes(const char *word)
{
    uint32_t point;
    size_t length = utf8_decode(word, strlen(word), &point);

    return length == 0 ? 1 : length;
}

static bool refuse_unknown(struct parse *parse, const struct item *item)
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
        return refuse(parse, item->token, at, bytes, ERROR_OPTION_OF_OTHERS, owner, typed);
    suggest_begin(suggestion, "--", name, is_letter ? 0 : item->bytes);
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (option_set_has(&parse->set, (enum option_id)i) && option_table[i].name != NULL)
            suggest_offer(suggestion, option_table[i].name);
    fill(parse, command == NULL ? "" : command->name);
    return refuse(parse, item->token, at, bytes, ERROR_NO_OPTION, owner, typed);
}

static bool refuse_missing(struct parse *parse, const struct item *item)
{
    const struct option *option = &option_table[item->id];
    const char *word = parse->invocation->argv[item->token];
    char typed[50]; /* As it was: a letter, or a name. */

    snprintf(typed, sizeof(typed), "%s%.*s", item->at == 2 ? "--" : "-",
             (int)(item->bytes < 40 ? item->bytes : 40), word + item->at);
    fill(parse, option->help);
    return refuse(parse, item->token, 0, 0, ERROR_VALUE_MISSING, typed, option->value);
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
        return refuse_missing(parse, item);
    case ITEM_VALUE_UNWANTED:
        return refuse(parse, item->value_token, item->value_at, 0, ERROR_VALUE_UNWANTED,
                      option->name);
    default:
        return refuse_unknown(parse, item);
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
    fill(parse, usage(invocation, line));
    snprintf(name, sizeof(name), "%s%s%s", invocation->command->name,
             invocation->sub == NULL ? "" : " ",
             invocation->sub == NULL ? "" : invocation->sub->name);
    return refuse(parse, 0, 0, 0, ERROR_OPERAND_MISSING, name);
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
        return refuse(&parse, 0, 0, 0, ERROR_NO_MEMORY);
    return find_command(&parse) && take_all(&parse);
}

void invocation_release(struct invocation *invocation)
{
    free(invocation->options);
    free(invocation->operands);
    *invocation = (struct invocation){0};
}

/* Given to the program, it holds for each line of its shell. What a shell has a setting for (--mode,
 * --color), or does once (--load), is not among them. */
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
