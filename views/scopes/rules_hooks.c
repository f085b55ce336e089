/*
 * rules_hooks.c - hooks: who classifies variables, and who is called.
 */
#include "rules.h"

#include <string.h>

static int add(flume_recorder *recorder, const char *labels, const struct hook *hook)
{
    struct recorder_rules *rules;
    size_t index;
    int status = rules_to_change(recorder, &rules);

    if (status == FLUME_OK)
        status = rules_reserve(recorder, (void **)&rules->hooks, &rules->hook_capacity,
                               rules->hook_count, sizeof *rules->hooks);
    if (status == FLUME_OK)
        status = rules_add_pattern(recorder, &rules->labels, labels, &index);
    if (status != FLUME_OK)
        return status;
    rules->hooks[rules->hook_count] = *hook;
    rules->hooks[rules->hook_count++].labels = index;
    return FLUME_OK;
}

int flume_recorder_classify(flume_recorder *recorder, const char *labels, flume_classify_hook *hook,
                            void *context)
{
    if (recorder == NULL || hook == NULL)
        return FLUME_ERR_INVALID;
    return add(recorder, labels, &(struct hook){.classify = hook, .context = context});
}

int flume_recorder_call(flume_recorder *recorder, const char *labels, enum flume_call_mode mode,
                        flume_call_hook *hook, void *context)
{
    if (recorder == NULL || hook == NULL)
        return FLUME_ERR_INVALID;
    if (mode != FLUME_CALL_ALL && mode != FLUME_CALL_FIRST)
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a call hook has no mode %d", (int)mode);
    return add(recorder, labels, &(struct hook){.call = hook, .mode = mode, .context = context});
}

/* The reason is the hook's text: it may lack its end, and may be anything. */
static int veto(const struct rules_question *question, size_t number, const char *key,
                char reason[FLUME_REASON_BYTES])
{
    const char *pattern = question->rules->labels.items[question->rules->hooks[number].labels].text;
    char shown_pattern[SCOPE_SHOWN_BYTES], shown_key[SCOPE_SHOWN_BYTES];

    reason[FLUME_REASON_BYTES - 1] = '\0';
    return flume_fail(question->recorder->handle, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE,
                      "hook %zu (labels '%s') vetoes the commit%s%s%s: %s", number + 1,
                      scope_show(pattern, strlen(pattern), shown_pattern),
                      key == NULL ? "" : " for variable '",
                      key == NULL ? "" : scope_show(key, strlen(key), shown_key),
                      key == NULL ? "" : "'", reason[0] == '\0' ? "it gives no reason" : reason);
}

static int fail_answer(const struct rules_question *question, size_t number, int answer)
{
    return flume_fail(question->recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                      "hook %zu answers %d, which is neither a class nor FLUME_HOOK_PASS nor "
                      "FLUME_HOOK_VETO",
                      number + 1, answer);
}

/* One hook, for all variables. */
static int classify(const struct rules_question *question, size_t number)
{
    const struct hook *hook = &question->rules->hooks[number];
    char reason[FLUME_REASON_BYTES];
    flume_variable variable;

    for (size_t i = 0; flume_scope_at(question->source, i, &variable); i++) {
        int answer;

        if (question->excluded[i])
            continue;
        reason[0] = '\0';
        answer = hook->classify(hook->context, question->source, &variable, reason);
        if (answer == FLUME_HOOK_VETO)
            return veto(question, number, variable.key, reason);
        if (answer < FLUME_HOOK_PASS || answer > FLUME_CLASS_UNKNOWN)
            return fail_answer(question, number, answer);
        if (answer != FLUME_HOOK_PASS)
            question->classes[i] = (uint8_t)answer;
    }
    return FLUME_OK;
}

int hooks_classify(const struct rules_question *question)
{
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < question->rules->hook_count; i++)
        if (question->rules->hooks[i].classify != NULL &&
            pattern_bit(question->bits, question->rules->hooks[i].labels))
            status = classify(question, i);
    return status;
}

int hooks_call(const struct rules_question *question, const flume_scope *effective)
{
    char reason[FLUME_REASON_BYTES];
    bool had_first = false;

    for (size_t i = 0; i < question->rules->hook_count; i++) {
        const struct hook *hook = &question->rules->hooks[i];
        int answer;

        if (hook->call == NULL || !pattern_bit(question->bits, hook->labels) ||
            (hook->mode == FLUME_CALL_FIRST && had_first))
            continue;
        had_first = had_first || hook->mode == FLUME_CALL_FIRST;
        reason[0] = '\0';
        answer = hook->call(hook->context, effective, reason);
        if (answer == FLUME_HOOK_VETO)
            return veto(question, i, NULL, reason);
        if (answer != FLUME_OK)
            return fail_answer(question, i, answer);
    }
    return FLUME_OK;
}
