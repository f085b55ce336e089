/*
 * rules_filter.c - filters: which variables are recorded, by their keys.
 */
#include "rules.h"

#include <string.h>

int flume_recorder_filter(flume_recorder *recorder, const char *labels, const char *keys,
                          enum flume_filter_mode mode)
{
    struct filter filter = {.mode = mode};
    struct recorder_rules *rules;
    int status;

    if (recorder == NULL)
        return FLUME_ERR_INVALID;
    if (mode != FLUME_FILTER_INCLUDE && mode != FLUME_FILTER_EXCLUDE)
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a filter has no mode %d", (int)mode);
    status = rules_to_change(recorder, &rules);
    if (status == FLUME_OK)
        status = rules_reserve(recorder, (void **)&rules->filters, &rules->filter_capacity,
                               rules->filter_count, sizeof *rules->filters);
    if (status == FLUME_OK)
        status = rules_add_pattern(recorder, &rules->labels, labels, &filter.labels);
    if (status == FLUME_OK)
        status = rules_add_pattern(recorder, &rules->keys, keys, &filter.keys);
    if (status != FLUME_OK)
        return status;
    rules->filters[rules->filter_count++] = filter;
    return FLUME_OK;
}

/* The last filter that fits; NULL: none does. */
static const struct filter *filter_of(const struct rules_question *question, const uint8_t *bits)
{
    const struct recorder_rules *rules = question->rules;

    for (size_t i = rules->filter_count; i > 0; i--)
        if (pattern_bit(question->bits, rules->filters[i - 1].labels) &&
            pattern_bit(bits, rules->filters[i - 1].keys))
            return &rules->filters[i - 1];
    return NULL;
}

int filters_decide(const struct rules_question *question)
{
    flume_variable variable;

    if (question->rules->filter_count == 0)
        return FLUME_OK;
    for (size_t i = 0; flume_scope_at(question->source, i, &variable); i++) {
        const struct filter *filter;
        const uint8_t *bits;

        if (patterns_match(&question->rules->keys, variable.key, strlen(variable.key) + 1, &bits) !=
            FLUME_OK)
            return rules_fail_memory(question->recorder);
        filter = filter_of(question, bits);
        if (filter == NULL || filter->mode == FLUME_FILTER_INCLUDE)
            continue;
        question->excluded[i] = 1;
        question->classes[i] = FLUME_CLASS_IGNORE;
    }
    return FLUME_OK;
}
