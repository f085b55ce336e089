/*
 * rules.c - a scope on its way through the rules of a recorder (rules.h).
 */
#include "rules.h"

#include <stdlib.h>
#include <string.h>

/* ---- rules as such ---- */

int rules_fail_memory(flume_recorder *recorder)
{
    return flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                      "no memory for the rules of a recorder");
}

int rules_to_change(flume_recorder *recorder, struct recorder_rules **out_rules)
{
    int status = rules_check_idle(recorder);

    if (status != FLUME_OK)
        return status;
    if (recorder->rules == NULL)
        recorder->rules = calloc(1, sizeof *recorder->rules);
    if (recorder->rules == NULL)
        return rules_fail_memory(recorder);
    *out_rules = recorder->rules;
    return FLUME_OK;
}

int rules_add_pattern(flume_recorder *recorder, struct patterns *patterns, const char *text,
                      size_t *out_index)
{
    char why[PATTERN_WHY_BYTES];
    int status = patterns_add(patterns, text, out_index, why);

    if (status == FLUME_OK)
        return FLUME_OK;
    return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "%s", why);
}

int rules_reserve(flume_recorder *recorder, void **io_array, size_t *io_capacity, size_t count,
                  size_t element_bytes)
{
    if (count >= FLUME_RULES_MAX)
        return flume_fail(recorder->handle, FLUME_ERR_TOO_LARGE, FLUME_SEQ_NONE,
                          "a recorder has at most %d rules of one sort", FLUME_RULES_MAX);
    if (!scope_reserve(io_array, io_capacity, count + 1, element_bytes))
        return rules_fail_memory(recorder);
    return FLUME_OK;
}

void rules_destroy(struct recorder_rules *rules)
{
    if (rules == NULL)
        return;
    patterns_deinit(&rules->labels);
    patterns_deinit(&rules->keys);
    patterns_deinit(&rules->config);
    free(rules->hooks);
    free(rules->filters);
    validators_deinit(rules);
    settings_deinit(rules);
    flume_scope_destroy(rules->working);
    flume_scope_destroy(rules->defaults);
    for (size_t i = 0; i < rules->tare_count; i++)
        tare_deinit(&rules->tares[i]);
    tare_sets_deinit(rules);
    scope_buffer_deinit(&rules->label_text);
    scope_buffer_deinit(&rules->classes);
    scope_buffer_deinit(&rules->excluded);
    free(rules);
}

int rules_check_idle(flume_recorder *recorder)
{
    if (recorder->rules == NULL || !recorder->rules->is_running)
        return FLUME_OK;
    return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                      "a hook or a validator uses the recorder that runs it: open another one");
}

/* ---- a scope ---- */

static int prepare(struct rules_question *question)
{
    struct recorder_rules *rules = question->rules;
    flume_variable variable;
    const char *label;
    uint8_t class_;

    rules->label_text.bytes = 0;
    for (size_t i = 0; (label = flume_scope_label_at(question->source, i)) != NULL; i++)
        if (!scope_buffer_add(&rules->label_text, label, strlen(label) + 1))
            return FLUME_ERR_NO_MEMORY;
    rules->classes.bytes = 0;
    rules->excluded.bytes = 0;
    for (size_t i = 0; flume_scope_at(question->source, i, &variable); i++) {
        class_ = (uint8_t)variable.class_;
        if (!scope_buffer_add(&rules->classes, &class_, 1) ||
            !scope_buffer_add(&rules->excluded, "", 1))
            return FLUME_ERR_NO_MEMORY;
    }
    question->classes = rules->classes.data;
    question->excluded = rules->excluded.data;
    return patterns_match(&rules->labels, (const char *)rules->label_text.data,
                          rules->label_text.bytes, &question->bits);
}

/* Of a scope that was read back: what enclosed it is no variable that rules are about. */
static void keep_chain(const struct rules_question *question)
{
    flume_variable variable;

    for (size_t i = 0; flume_scope_at(question->source, i, &variable); i++)
        if (variable.key[0] == '@')
            question->classes[i] = (uint8_t)variable.class_;
}

static bool is_as_captured(const struct rules_question *question)
{
    flume_variable variable;

    for (size_t i = 0; flume_scope_at(question->source, i, &variable); i++)
        if (question->classes[i] != (uint8_t)variable.class_)
            return false;
    return true;
}

/* The copy, with the classes that were decided. */
static int make_working(const struct rules_question *question)
{
    struct recorder_rules *rules = question->rules;
    flume_variable variable;
    flume_error error;
    int status = FLUME_OK;

    if (rules->working == NULL)
        status = flume_scope_create(&rules->working);
    if (status == FLUME_OK)
        status = scope_copy_into(question->source, rules->working);
    for (size_t i = 0; status == FLUME_OK && flume_scope_at(question->source, i, &variable); i++)
        if (question->classes[i] != (uint8_t)variable.class_)
            status = flume_scope_classify(rules->working, variable.key,
                                          (enum flume_variable_class)question->classes[i]);
    if (status == FLUME_OK)
        return FLUME_OK;
    if (rules->working == NULL)
        return rules_fail_memory(question->recorder);
    flume_scope_error(rules->working, &error);
    return flume_fail(question->recorder->handle, status, FLUME_SEQ_NONE, "%s",
                      error.status != FLUME_OK ? error.message : flume_strerror(status));
}

static int run(struct rules_question *question, enum rules_purpose purpose,
               flume_scope **io_effective)
{
    int status = prepare(question);

    if (status != FLUME_OK)
        return rules_fail_memory(question->recorder);
    status = filters_decide(question);
    if (status == FLUME_OK)
        status = hooks_classify(question);
    if (status == FLUME_OK && purpose == RULES_FOR_COMMIT)
        status = validators_ask(question);
    if (status != FLUME_OK)
        return status;
    defaults_decide(question);
    tares_decide(question);
    keep_chain(question);
    if (!is_as_captured(question)) {
        status = make_working(question);
        if (status != FLUME_OK)
            return status;
        *io_effective = question->rules->working;
    }
    return purpose == RULES_FOR_COMMIT ? hooks_call(question, *io_effective) : FLUME_OK;
}

/* Settings alone change nothing. */
static bool shapes_scopes(const struct recorder_rules *rules)
{
    return rules->hook_count > 0 || rules->filter_count > 0 || rules->validator_count > 0 ||
           rules->defaults != NULL || rules->tare_count > 0;
}

int rules_apply(flume_recorder *recorder, enum rules_purpose purpose, flume_scope **io_effective)
{
    struct recorder_rules *rules = recorder->rules;
    struct rules_question question = {
        .recorder = recorder, .rules = rules, .source = *io_effective};
    int status;

    /* A scope with an error is refused for it, whatever the rules say. */
    if (rules == NULL || !shapes_scopes(rules) || (*io_effective)->error.status != FLUME_OK)
        return FLUME_OK;
    rules->is_running = true;
    if (purpose == RULES_FOR_COMMIT)
        rules->failures.bytes = 0;
    rules->source = *io_effective;
    status = run(&question, purpose, io_effective);
    rules->is_running = false;
    rules->source = NULL;
    return status;
}
