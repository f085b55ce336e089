/*
 * invocation_value.c - the values of options, checked by their types (invocation_parse.h).
 */
#include <stdio.h>
#include <string.h>

#include "flume/flume.h"
#include "invocation_parse.h"
#include "utf8.h"

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
    parse_fill(parse, list);
    return parse_refuse_value(parse, item, ERROR_NO_CHOICE);
}

static bool take_kind(struct parse *parse, const struct item *item, struct option_use *use)
{
    struct suggestion *suggestion = &parse->error->suggestion;
    bool is_new = option_table[item->id].type == OPTION_TYPE_NEW_KIND;

    if (is_new && strcmp(item->value, "message") != 0 &&
        !(value_parse_uint(item->value, UINT8_MAX, &use->number) && use->number >= FLUME_KIND_USER))
        return parse_refuse_value(parse, item, ERROR_KIND_RESERVED);
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
    return parse_refuse_value(parse, item, ERROR_NO_KIND);
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
    return parse_refuse_value(parse, item, ERROR_NO_CODEC);
}

static bool take_label(struct parse *parse, const struct item *item)
{
    size_t bytes = strlen(item->value);

    if (bytes == 0 || bytes > FLUME_LABEL_BYTES_MAX || !utf8_valid(item->value, bytes))
        return parse_refuse_value(parse, item, ERROR_BAD_LABEL);
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)item->value[i] < 0x20 || item->value[i] == 0x7F)
            return parse_refuse_value(parse, item, ERROR_BAD_LABEL);
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
    return parse_refuse_fault(parse, item->value_token, item->value_at, &fault);
}

static bool take_measure(struct parse *parse, const struct item *item, struct option_use *use)
{
    switch (option_table[item->id].type) {
    case OPTION_TYPE_UINT:
        if (value_parse_uint(item->value, UINT64_MAX - 1, &use->number))
            return true;
        return parse_refuse_value(parse, item, ERROR_NOT_A_NUMBER);
    case OPTION_TYPE_SIZE:
        if (value_parse_size(item->value, &use->number))
            return true;
        return parse_refuse_value(parse, item, ERROR_NOT_A_SIZE);
    case OPTION_TYPE_SPAN:
        if (value_parse_span(item->value, &use->number))
            return true;
        return parse_refuse_value(parse, item, ERROR_NOT_A_SPAN);
    default:
        if (value_parse_time(item->value, &use->time))
            return true;
        return parse_refuse_value(parse, item, ERROR_NOT_A_TIME);
    }
}

bool parse_take_value(struct parse *parse, const struct item *item, struct option_use *use)
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
