/*
 * walker.c - cutting a command line into options and operands (walker.h).
 */
#include "walker.h"

#include <string.h>

void walker_begin(struct walker *walker, int argc, const char *const *argv)
{
    *walker = (struct walker){.argc = argc, .argv = argv, .token = 1};
}

/* The value of an option that needs one and has none attached: the next word. */
static void take_next_word(struct walker *walker, struct item *item)
{
    if (walker->token >= walker->argc) {
        item->form = ITEM_VALUE_MISSING;
        return;
    }
    item->value_token = walker->token;
    item->value_at = 0;
    item->value = walker->argv[walker->token++];
}

static void take_name(struct walker *walker, const struct option_set *set, struct item *item)
{
    const char *word = walker->argv[item->token];
    const char *equals = strchr(word, '=');

    item->at = 2;
    item->bytes = equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    item->id = option_find(set, word + 2, item->bytes);
    item->form = item->id == OPTION_COUNT ? ITEM_UNKNOWN_NAME : ITEM_OPTION;
    if (item->form == ITEM_UNKNOWN_NAME)
        return;
    if (equals != NULL) {
        item->value = equals + 1;
        item->value_token = item->token;
        item->value_at = (size_t)(equals + 1 - word);
        if (option_table[item->id].type == OPTION_TYPE_FLAG)
            item->form = ITEM_VALUE_UNWANTED;
    } else if (option_table[item->id].type != OPTION_TYPE_FLAG) {
        take_next_word(walker, item);
    }
}

static void take_letter(struct walker *walker, const struct option_set *set, struct item *item,
                        size_t at)
{
    const char *word = walker->argv[item->token];

    item->at = at;
    item->bytes = 1;
    item->id = option_find_letter(set, word[at]);
    item->form = item->id == OPTION_COUNT ? ITEM_UNKNOWN_LETTER : ITEM_OPTION;
    walker->group_at = word[at + 1] != '\0' ? at + 1 : 0;
    if (item->form == ITEM_OPTION && option_table[item->id].type != OPTION_TYPE_FLAG) {
        if (walker->group_at != 0) { /* -n5: the rest of the word. */
            item->value = word + walker->group_at;
            item->value_token = item->token;
            item->value_at = walker->group_at;
            walker->group_at = 0;
            walker->token++;
            return;
        }
        walker->token++;
        take_next_word(walker, item);
        return;
    }
    if (walker->group_at == 0)
        walker->token++;
}

/* Which command it is decides the first operand that names one. */
static void note_operand(struct walker *walker, const char *word)
{
    const struct command *command;

    if (walker->runs_another)
        walker->only_operands = true;
    if (walker->knows_command)
        return;
    command = command_find(word, strlen(word));
    if (command == NULL || command == command_of(COMMAND_EXPLAIN))
        return;
    walker->knows_command = true;
    walker->runs_another = command->runs_another;
}

bool walker_next(struct walker *walker, const struct option_set *set, struct item *out_item)
{
    const char *word;

    if (walker->token >= walker->argc)
        return false;
    *out_item = (struct item){.form = ITEM_OPERAND, .token = walker->token, .id = OPTION_COUNT};
    word = walker->argv[walker->token];
    if (walker->group_at != 0) {
        take_letter(walker, set, out_item, walker->group_at);
        return true;
    }
    if (!walker->only_operands && strcmp(word, "--") == 0) {
        walker->only_operands = true;
        walker->token++;
        return walker_next(walker, set, out_item);
    }
    if (walker->only_operands || word[0] != '-' || word[1] == '\0') {
        out_item->bytes = strlen(word);
        walker->token++;
        note_operand(walker, word);
        return true;
    }
    if (word[1] == '-') {
        walker->token++;
        take_name(walker, set, out_item);
    } else {
        take_letter(walker, set, out_item, 1);
    }
    return true;
}
