/*
 * rules_tare.c - what is left out of identity because it was there before: defaults and tares.
 *
 * Values are compared as they were captured: a text that a hook makes a hash still has its default.
 */
#include "rules.h"

#include <string.h>

static int fail_scope(flume_recorder *recorder, const flume_scope *scope, int status)
{
    flume_error error;

    flume_scope_error(scope, &error);
    return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "%s",
                      error.status != FLUME_OK ? error.message : flume_strerror(status));
}

/* ---- defaults ---- */

int flume_recorder_default(flume_recorder *recorder, const char *key, const flume_value *value)
{
    struct recorder_rules *rules;
    int status;

    if (recorder == NULL || key == NULL || value == NULL)
        return FLUME_ERR_INVALID;
    status = rules_to_change(recorder, &rules);
    if (status != FLUME_OK)
        return status;
    if (rules->defaults == NULL && flume_scope_create(&rules->defaults) != FLUME_OK)
        return rules_fail_memory(recorder);
    status = flume_scope_set(rules->defaults, key, value);
    rules->is_untold = true;
    if (status == FLUME_OK)
        return FLUME_OK;
    status = fail_scope(recorder, rules->defaults, status);
    rules->defaults->error.status = FLUME_OK; /* The next one may be sound. */
    return status;
}

bool variable_is_valued(const flume_scope *scope, const char *key)
{
    uint32_t index;

    return scope_search(scope, key, strlen(key), &index) && scope_slot_at(scope, index)->has_value;
}

/* Whether a variable of the scope in question has the value that it has in another one. */
static bool has_value_of(const struct rules_question *question, const flume_scope *scope,
                         const flume_variable *variable)
{
    flume_variable other;

    return flume_scope_get(scope, variable->key, &other) &&
           values_are_same(&other.value, &variable->value) &&
           variable_is_valued(scope, variable->key) &&
           variable_is_valued(question->source, variable->key);
}

void defaults_decide(const struct rules_question *question)
{
    flume_variable variable;

    if (question->rules->defaults == NULL)
        return;
    for (size_t i = 0; flume_scope_at(question->source, i, &variable); i++)
        if (question->classes[i] <= FLUME_CLASS_HASH &&
            has_value_of(question, question->rules->defaults, &variable))
            question->classes[i] = FLUME_CLASS_VOLATILE;
}

/* ---- tare ---- */

int flume_recorder_tare(flume_recorder *recorder, flume_scope *scope, enum flume_tare_mode mode)
{
    struct recorder_rules *rules;
    struct tare *tare;
    flume_scope *effective;
    int status;

    if (recorder == NULL || scope == NULL)
        return FLUME_ERR_INVALID;
    if (mode != FLUME_TARE_KEYS && mode != FLUME_TARE_VALUES)
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a tare has no mode %d", (int)mode);
    status = rules_to_change(recorder, &rules);
    if (status == FLUME_OK)
        status = enclosing_apply(recorder, scope, &effective);
    if (status != FLUME_OK)
        return status;
    if (effective->error.status != FLUME_OK)
        return fail_scope(recorder, effective, effective->error.status);
    if (rules->tare_count == FLUME_TARES_MAX)
        return flume_fail(recorder->handle, FLUME_ERR_TOO_LARGE, FLUME_SEQ_NONE,
                          "at most %d tares stack: undo some (flume_recorder_untare())",
                          FLUME_TARES_MAX);
    tare = &rules->tares[rules->tare_count];
    *tare = (struct tare){.mode = mode};
    status = flume_scope_copy(effective, &tare->scope);
    if (status != FLUME_OK)
        return rules_fail_memory(recorder);
    status = tare_make(recorder, tare);
    if (status == FLUME_OK)
        rules->tare_count++;
    else
        tare_deinit(tare);
    return status;
}

int flume_recorder_untare(flume_recorder *recorder)
{
    struct recorder_rules *rules;
    int status;

    if (recorder == NULL)
        return FLUME_ERR_INVALID;
    status = rules_to_change(recorder, &rules);
    if (status != FLUME_OK)
        return status;
    if (rules->tare_count == 0)
        return flume_fail(recorder->handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                          "there is no tare to be undone");
    tare_deinit(&rules->tares[--rules->tare_count]);
    return FLUME_OK;
}

static bool is_tared(const struct rules_question *question, const flume_variable *variable)
{
    flume_variable other;

    for (size_t i = 0; i < question->rules->tare_count; i++) {
        const struct tare *tare = &question->rules->tares[i];

        if (tare->mode == FLUME_TARE_KEYS ? flume_scope_get(tare->scope, variable->key, &other)
                                          : has_value_of(question, tare->scope, variable))
            return true;
    }
    return false;
}

void tares_decide(const struct rules_question *question)
{
    flume_variable variable;

    if (question->rules->tare_count == 0)
        return;
    for (size_t i = 0; flume_scope_at(question->source, i, &variable); i++)
        if (is_tared(question, &variable))
            question->classes[i] = FLUME_CLASS_IGNORE;
}
