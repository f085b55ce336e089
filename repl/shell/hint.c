/*
 * hint.c - the rest of a command's syntax while it is typed (complete.h).
 */
#include <stdio.h>
#include <string.h>

#include "complete.h"
#include "complete_dot.h"
#include "spot.h"
#include "syntax.h"

enum { HINT_CELLS_MAX = 72 };

/* Options that one need not be reminded of at every command. */
static bool is_seldom(enum option_id id)
{
    static const enum option_id seldom[] = {
        OPTION_NUL,      OPTION_DELIMITER, OPTION_AS_OF,     OPTION_STALE_OK, OPTION_NO_FAIL_EMPTY,
        OPTION_PARANOID, OPTION_SAFE,      OPTION_FORGETFUL, OPTION_CASUAL,   OPTION_LIVE};

    for (size_t i = 0; i < sizeof(seldom) / sizeof(seldom[0]); i++)
        if (seldom[i] == id)
            return true;
    return id < OPTION_STRATA; /* Every command has it. */
}

static void add_word(struct text *hint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_word(struct text *hint, const char *format, ...)
{
    va_list arguments;

    if (hint->bytes > 0)
        text_char(hint, ' ');
    va_start(arguments, format);
    text_format_list(hint, format, arguments);
    va_end(arguments);
}

/* False where it would get too long. */
static bool add_option(struct text *hint, const struct option *option)
{
    size_t before = hint->bytes;

    if (option->letter != 0)
        add_word(hint, "[-%c%s%s]", option->letter, option->value == NULL ? "" : " ",
                 option->value == NULL ? "" : option->value);
    else
        add_word(hint, "[--%s%s%s]", option->name, option->value == NULL ? "" : " ",
                 option->value == NULL ? "" : option->value);
    if (hint->bytes + 4 <= HINT_CELLS_MAX)
        return true;
    hint->bytes = before;
    add_word(hint, "...");
    return false;
}

static void add_options(struct text *hint, const struct spot *spot)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (!is_seldom((enum option_id)i) && spot_may_give(spot, (enum option_id)i) &&
            !option_set_has(&spot->given, (enum option_id)i) && !add_option(hint, &option_table[i]))
            return;
}

/* Operands that are still to come: index is the next one's. */
static void add_operands(struct text *hint, const char *operands, size_t index)
{
    struct syntax_place place, before = {0};

    for (; syntax_find(operands, index, &place) && place.text != before.text; index++) {
        bool is_next = index > 0 && place.repeats; /* One was given: more are not wanted. */

        if (is_next && *place.text != '[')
            add_word(hint, "[%.*s]", (int)place.text_bytes, place.text);
        else
            add_word(hint, "%.*s", (int)place.text_bytes, place.text);
        before = place;
    }
}

static void add_rest(struct text *hint, const struct spot *spot, size_t given)
{
    if (spot->command->subs != NULL && spot->sub == NULL)
        add_word(hint, "%s", spot->command->operands);
    else
        add_operands(hint, spot_operands(spot), given);
    add_options(hint, spot);
}

static void add_value(struct text *hint, const struct spot *spot)
{
    const enum option_id given[] = {spot->option, OPTION_COUNT};
    struct spot behind = *spot;

    add_word(hint, "%s", option_table[spot->option].value);
    option_set_add(&behind.given, given);
    if (spot->command != NULL)
        add_rest(hint, &behind, spot->operand_count);
}

/* The only one among names that begins so. */
struct unique {
    const char *typed;
    const char *name;
    size_t count;
    bool is_exact;
};

static void offer(struct unique *unique, const char *name)
{
    if (strncmp(name, unique->typed, strlen(unique->typed)) != 0)
        return;
    unique->is_exact = unique->is_exact || strcmp(name, unique->typed) == 0;
    if (unique->count++ == 0 || strcmp(name, unique->typed) == 0)
        unique->name = name;
}

static struct unique find_word(const struct spot *spot, const char *typed)
{
    struct unique unique = {.typed = typed};

    if (spot->form == SPOT_COMMAND) {
        for (enum command_id id = 0; id < COMMAND_COUNT; id++)
            if (!command_of(id)->is_hidden)
                offer(&unique, command_of(id)->name);
    } else if (spot->form == SPOT_OPERAND && spot->command->subs != NULL && !spot->sub_is_named &&
               spot->operand_count == 0) {
        for (const struct subcommand *sub = spot->command->subs; sub->name != NULL; sub++)
            offer(&unique, sub->name);
    } else if (spot->form == SPOT_OPTION && typed[0] == '-' && typed[1] == '-') {
        unique.typed = typed + 2;
        for (unsigned i = 0; *unique.typed != '\0' && i < OPTION_COUNT; i++)
            if (option_table[i].name != NULL && spot_may_give(spot, (enum option_id)i))
                offer(&unique, option_table[i].name);
    }
    return unique;
}

/* The hint behind the same words with a whole one at their end. */
static void add_behind(const struct typed *typed, const char *word, struct text *hint);

/* The cursor stands behind some characters of a word: if it can only become one, that one's
 * rest. */
static void hint_in_word(const struct typed *typed, const struct spot *spot, struct text *hint)
{
    struct unique unique = find_word(spot, typed->word);
    char word[64];

    if (unique.count == 1 || unique.is_exact) {
        text_string(hint, unique.name + strlen(unique.typed));
        snprintf(word, sizeof(word), "%s%s", spot->form == SPOT_OPTION ? "--" : "", unique.name);
        add_behind(typed, word, hint);
    } else if (unique.count == 0 && spot->form != SPOT_COMMAND) {
        add_behind(typed, typed->word, hint);
    }
}

static void hint_at_blank(const struct spot *spot, struct text *hint)
{
    if (spot->form == SPOT_VALUE)
        add_value(hint, spot);
    else if (spot->command != NULL)
        add_rest(hint, spot, spot->operand_count);
    else if (spot->explains)
        add_word(hint, "%s", command_of(COMMAND_EXPLAIN)->operands);
}

static void add_behind(const struct typed *typed, const char *word, struct text *hint)
{
    struct typed longer = *typed;
    struct text rest = {0};
    struct spot spot;

    longer.argv[longer.argc] = word; /* Where its NULL stands; there is room for one more. */
    longer.argc++;
    longer.word = "";
    longer.word_bytes = 0;
    if (spot_find(&longer, &spot))
        hint_at_blank(&spot, &rest);
    spot_release(&spot);
    longer.argv[typed->argc] = NULL;
    if (rest.bytes > 0)
        text_format(hint, " %.*s", (int)rest.bytes, rest.data);
    text_deinit(&rest);
}

static void hint_at(const struct typed *typed, struct text *hint)
{
    struct spot spot;

    if (typed->quote != 0)
        return;
    if (spot_find(typed, &spot) && *typed->word != '\0')
        hint_in_word(typed, &spot, hint);
    else
        hint_at_blank(&spot, hint);
    spot_release(&spot);
}

void complete_hint(const char *line, size_t bytes, struct text *out_hint)
{
    struct typed typed, watched;

    typed_parse(line, bytes, &typed);
    if (typed.place == TYPED_FILE && typed.word_bytes == 0)
        add_word(out_hint, "FILE");
    else if (typed.place == TYPED_SHELL && typed.word_bytes == 0)
        add_word(out_hint, "COMMAND");
    else if (typed.place == TYPED_DOT && complete_dot_command(&typed, &watched))
        hint_at(&watched, out_hint);
    else if (typed.place == TYPED_DOT)
        complete_dot_hint(&typed, out_hint);
    else if (typed.place == TYPED_COMMAND)
        hint_at(&typed, out_hint);
    typed_release(&typed);
}
