/*
 * spot.c - what the cursor's word is in the command that is being typed (spot.h).
 */
#include "spot.h"

#include <stdlib.h>
#include <string.h>

#include "walker.h"

static void add_given(struct spot *spot, enum option_id id)
{
    const enum option_id list[] = {id, OPTION_COUNT};

    option_set_add(&spot->given, list);
}

/* An operand says which basin, which command, which form, or is one. */
static void take_operand(struct spot *spot, const char *word)
{
    const struct command *command;

    if (spot->command == NULL) {
        command = command_find(word, strlen(word));
        if (command == NULL && spot->db == NULL && !spot->explains && command_is_path(word))
            spot->db = word;
        else if (command == command_of(COMMAND_EXPLAIN) && !spot->explains)
            spot->explains = true;
        else
            spot->command = command;
        spot->is_lost = command == NULL && spot->db != word;
        return;
    }
    if (spot->command->subs != NULL && !spot->sub_is_named && spot->operand_count == 0) {
        spot->sub = command_find_sub(spot->command, word);
        spot->sub_is_named = spot->sub != NULL;
        if (spot->sub_is_named)
            return;
        if (spot->command->sub_implied != 0)
            spot->sub = &spot->command->subs[spot->command->sub_implied];
    }
    spot->operands[spot->operand_count++] = word;
}

/* Which options there are is known when the command is. */
static void settle_set(struct spot *spot)
{
    spot->set = option_set_for_all();
    if (spot->command == NULL)
        return;
    option_set_add(&spot->set, spot->command->options);
    if (spot->sub != NULL)
        option_set_add(&spot->set, spot->sub->options);
    else if (spot->command->subs != NULL) /* The first is meant, as long as none is named. */
        option_set_add(&spot->set, spot->command->subs[0].options);
}

/* Letters, of which the last may have its value in the same word: -fl, -lrun. */
static void look_at_letters(struct spot *spot, const char *word)
{
    for (size_t i = 1; word[i] != '\0'; i++) {
        enum option_id id = option_find_letter(&spot->set, word[i]);

        if (id == OPTION_COUNT)
            return;
        if (option_table[id].type == OPTION_TYPE_FLAG)
            continue;
        if (word[i + 1] != '\0') {
            spot->form = SPOT_VALUE;
            spot->option = id;
            spot->value_at = i + 1;
        }
        return;
    }
}

static void look_at_word(struct spot *spot, const char *word)
{
    const char *equals = strchr(word, '=');

    spot->form = spot->is_lost ? SPOT_LOST : spot->command == NULL ? SPOT_COMMAND : SPOT_OPERAND;
    if (word[0] != '-' || spot->only_operands)
        return;
    spot->form = SPOT_OPTION;
    if (word[1] != '-') {
        look_at_letters(spot, word);
    } else if (equals != NULL) {
        spot->option = option_find(&spot->set, word + 2, (size_t)(equals - word) - 2);
        if (spot->option == OPTION_COUNT || option_table[spot->option].type == OPTION_TYPE_FLAG)
            return;
        spot->form = SPOT_VALUE;
        spot->value_at = (size_t)(equals - word) + 1;
    }
}

/* The walk that cuts words: options take values by the table alone, so any set will do. */
static void walk(struct spot *spot, const struct typed *typed, bool names_options)
{
    const struct option_set every = option_set_every();
    struct walker walker;
    struct item item;

    walker_begin(&walker, typed->argc, typed->argv);
    while (walker_next(&walker, names_options ? &spot->set : &every, &item)) {
        if (item.form == ITEM_OPERAND && !names_options)
            take_operand(spot, typed->argv[item.token]);
        if (item.form == ITEM_OPTION && names_options)
            add_given(spot, item.id);
        if (item.form == ITEM_OPTION && item.id == OPTION_DB)
            spot->db = item.value;
        if (item.form == ITEM_VALUE_MISSING)
            spot->option = item.id;
    }
    spot->only_operands = walker.only_operands;
}

bool spot_find(const struct typed *typed, struct spot *out)
{
    *out = (struct spot){.option = OPTION_COUNT};
    out->operands = calloc((size_t)typed->argc + 1, sizeof(out->operands[0]));
    if (out->operands == NULL)
        return false;
    walk(out, typed, false);
    settle_set(out);
    out->option = OPTION_COUNT;
    walk(out, typed, true);
    if (out->option != OPTION_COUNT)
        out->form = SPOT_VALUE;
    else
        look_at_word(out, typed->word);
    return true;
}

void spot_release(struct spot *spot)
{
    free(spot->operands);
    *spot = (struct spot){.option = OPTION_COUNT};
}

bool spot_may_give(const struct spot *spot, enum option_id id)
{
    return option_set_has(&spot->set, id) &&
           (!option_set_has(&spot->given, id) || option_table[id].repeats);
}

const char *spot_operands(const struct spot *spot)
{
    if (spot->command == NULL)
        return "";
    return spot->sub != NULL ? spot->sub->operands : spot->command->operands;
}
