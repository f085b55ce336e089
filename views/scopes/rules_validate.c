/*
 * rules_validate.c - validators: what variables must be, and all that is wrong at once.
 */
#include "rules.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAILURE_BYTES_MAX = 512,                      /* Of one line. */
    TOLD_BYTES_MAX = FLUME_ERROR_TEXT_BYTES - 160 /* Of what the error's message has. */
};

static const char *const TYPE_NAMES[] = {[FLUME_VALUE_NULL] = "null",
                                         [FLUME_VALUE_BOOL] = "bool",
                                         [FLUME_VALUE_INT] = "int",
                                         [FLUME_VALUE_UINT] = "uint",
                                         [FLUME_VALUE_F64] = "f64",
                                         [FLUME_VALUE_TEXT] = "text",
                                         [FLUME_VALUE_BYTES] = "bytes",
                                         [FLUME_VALUE_SYMBOL] = "symbol",
                                         [FLUME_VALUE_TIME] = "time",
                                         [FLUME_VALUE_BLOB] = "blob",
                                         [FLUME_VALUE_HASH] = "hash",
                                         [FLUME_VALUE_EMPTY_MAP] = "empty map",
                                         [FLUME_VALUE_EMPTY_LIST] = "empty list"};

enum { TYPES = sizeof TYPE_NAMES / sizeof *TYPE_NAMES };

const char *value_type_name(enum flume_value_type type)
{
    return TYPE_NAMES[type];
}

void value_type_names(unsigned types, char out_text[VALUE_TYPES_BYTES])
{
    size_t used = 0;

    out_text[0] = '\0';
    for (unsigned i = 0; i < TYPES; i++)
        if ((types >> i & 1) != 0)
            used += (size_t)snprintf(out_text + used, VALUE_TYPES_BYTES - used, "%s%s",
                                     used > 0 ? " or " : "", TYPE_NAMES[i]);
}

/* ---- adding ---- */

static void deinit(struct validator *validator)
{
    if (validator->has_pattern)
        regfree(&validator->pattern);
    free(validator->pattern_text);
    free(validator->key);
    flume_scope_destroy(validator->values);
}

void validators_deinit(struct recorder_rules *rules)
{
    for (size_t i = 0; i < rules->validator_count; i++)
        deinit(&rules->validators[i]);
    free(rules->validators);
    scope_buffer_deinit(&rules->failures);
}

static bool is_ordered(const flume_value *value)
{
    int order;

    return value == NULL || values_compare(value, value, &order);
}

static int check(flume_recorder *recorder, const flume_validator *validator)
{
    const char *why = NULL;

    if (validator->key == NULL)
        why = "it names no key";
    else if (validator->types >> TYPES != 0)
        why = "there are no such types";
    else if (!is_ordered(validator->least) || !is_ordered(validator->greatest))
        why = "a bound is neither a number nor a time";
    else if (validator->one_of == NULL && validator->one_of_count > 0)
        why = "the values that it allows are at NULL";
    if (why == NULL)
        return FLUME_OK;
    return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE, "a validator: %s", why);
}

static int copy_values(const flume_validator *source, flume_scope *values)
{
    static const flume_value null = {.type = FLUME_VALUE_NULL};
    char name[30];
    int status = flume_scope_set(values, source->key, &null); /* Only to see whether it is a key. */

    if (status == FLUME_OK)
        status = flume_scope_unset(values, source->key);
    if (status == FLUME_OK && source->least != NULL)
        status = flume_scope_set(values, "least", source->least);
    if (status == FLUME_OK && source->greatest != NULL)
        status = flume_scope_set(values, "greatest", source->greatest);
    for (size_t i = 0; status == FLUME_OK && i < source->one_of_count; i++) {
        (void)snprintf(name, sizeof name, "one/%zu", i);
        status = flume_scope_set(values, name, &source->one_of[i]);
    }
    return status;
}

/* What it has is freed by the caller, however far it came. */
static int copy(flume_recorder *recorder, const flume_validator *source, struct validator *copy)
{
    char why[PATTERN_WHY_BYTES];
    flume_error error;
    int status = flume_scope_create(&copy->values);

    if (status != FLUME_OK)
        return rules_fail_memory(recorder);
    status = copy_values(source, copy->values);
    if (status != FLUME_OK) {
        flume_scope_error(copy->values, &error);
        return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "a validator: %s",
                          error.message);
    }
    copy->key = strdup(source->key);
    if (copy->key == NULL)
        return rules_fail_memory(recorder);
    if (source->pattern == NULL)
        return FLUME_OK;
    copy->pattern_text = strdup(source->pattern);
    if (copy->pattern_text == NULL)
        return rules_fail_memory(recorder);
    status = pattern_compile(source->pattern, &copy->pattern, why);
    if (status != FLUME_OK)
        return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "%s", why);
    copy->has_pattern = true;
    return FLUME_OK;
}

int flume_recorder_validate(flume_recorder *recorder, const flume_validator *validator)
{
    struct validator made = {0};
    struct recorder_rules *rules;
    int status;

    if (recorder == NULL || validator == NULL)
        return FLUME_ERR_INVALID;
    status = rules_to_change(recorder, &rules);
    if (status == FLUME_OK)
        status = check(recorder, validator);
    if (status == FLUME_OK)
        status = rules_reserve(recorder, (void **)&rules->validators, &rules->validator_capacity,
                               rules->validator_count, sizeof *rules->validators);
    if (status == FLUME_OK)
        status = rules_add_pattern(recorder, &rules->labels, validator->labels, &made.labels);
    if (status == FLUME_OK)
        status = copy(recorder, validator, &made);
    if (status != FLUME_OK) {
        deinit(&made);
        return status;
    }
    made.is_required = validator->is_required;
    made.types = validator->types;
    made.one_of_count = validator->one_of_count;
    made.hook = validator->hook;
    made.context = validator->context;
    rules->validators[rules->validator_count++] = made;
    return FLUME_OK;
}

/* ---- one value ---- */

static bool is_in_range(const struct validator *validator, const flume_value *value)
{
    flume_variable bound;
    int order;

    if (flume_scope_get(validator->values, "least", &bound) &&
        (!values_compare(value, &bound.value, &order) || order < 0))
        return false;
    if (flume_scope_get(validator->values, "greatest", &bound) &&
        (!values_compare(value, &bound.value, &order) || order > 0))
        return false;
    return true;
}

static bool is_one_of(const struct validator *validator, const flume_value *value)
{
    flume_variable allowed;
    char name[30];

    for (size_t i = 0; i < validator->one_of_count; i++) {
        (void)snprintf(name, sizeof name, "one/%zu", i);
        if (flume_scope_get(validator->values, name, &allowed) &&
            values_are_same(value, &allowed.value))
            return true;
    }
    return validator->one_of_count == 0;
}

/* A text with a zero byte in it is searched up to there. */
static bool fits_pattern(const struct validator *validator, const flume_value *value)
{
    char text[FLUME_SCOPE_VALUE_BYTES_MAX + 1];

    if (!validator->has_pattern)
        return true;
    if ((value->type != FLUME_VALUE_TEXT && value->type != FLUME_VALUE_SYMBOL) ||
        value->bytes.bytes >= sizeof text)
        return false;
    if (value->bytes.bytes > 0)
        memcpy(text, value->bytes.data, value->bytes.bytes);
    text[value->bytes.bytes] = '\0';
    return regexec(&validator->pattern, text, 0, NULL, 0) == 0;
}

/* Why a variable is wrong; "" if it is right. */
static void judge(const struct rules_question *question, const struct validator *validator,
                  const flume_variable *variable, char why[FLUME_REASON_BYTES])
{
    char types[VALUE_TYPES_BYTES], shown[SCOPE_SHOWN_BYTES];

    why[0] = '\0';
    if (validator->types != 0 && (validator->types >> variable->value.type & 1) == 0) {
        value_type_names(validator->types, types);
        (void)snprintf(why, FLUME_REASON_BYTES, "is %s, and must be %s",
                       value_type_name(variable->value.type), types);
    } else if (!is_in_range(validator, &variable->value)) {
        (void)snprintf(why, FLUME_REASON_BYTES, "is out of range");
    } else if (!is_one_of(validator, &variable->value)) {
        (void)snprintf(why, FLUME_REASON_BYTES, "is none of the %zu values that are allowed",
                       validator->one_of_count);
    } else if (!fits_pattern(validator, &variable->value)) {
        (void)snprintf(why, FLUME_REASON_BYTES, "does not fit the pattern '%s'",
                       scope_show(validator->pattern_text, strlen(validator->pattern_text), shown));
    } else if (validator->hook != NULL &&
               validator->hook(validator->context, question->source, variable, why) == FLUME_OK) {
        why[0] = '\0';
    } else if (validator->hook != NULL) {
        why[FLUME_REASON_BYTES - 1] = '\0';
        if (why[0] == '\0')
            (void)snprintf(why, FLUME_REASON_BYTES, "is not what it must be");
    }
}

/* ---- all of them ---- */

/* A line; control bytes of a hook's reason do not get into it. */
static int add_failure(struct recorder_rules *rules, const char *key, const char *why)
{
    char line[FAILURE_BYTES_MAX], shown[SCOPE_SHOWN_BYTES];
    int bytes = snprintf(line, sizeof line, "%s: %s", scope_show(key, strlen(key), shown), why);

    for (int i = 0; i < bytes; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    if (rules->failures.bytes > 0)
        rules->failures.data[rules->failures.bytes - 1] = '\n';
    return scope_buffer_add(&rules->failures, line, (size_t)bytes + 1) ? FLUME_OK
                                                                       : FLUME_ERR_NO_MEMORY;
}

/* A variable that is there: not excluded, not ignored, and with a value. */
static bool find(const struct rules_question *question, const char *key,
                 flume_variable *out_variable, bool *out_has_value)
{
    uint32_t index;
    size_t at;

    if (!scope_search(question->source, key, strlen(key), &index))
        return false;
    at = index < question->source->first_label ? index : index - question->source->label_count;
    *out_has_value = scope_slot_at(question->source, index)->has_value;
    return flume_scope_at(question->source, at, out_variable) &&
           question->classes[at] != FLUME_CLASS_IGNORE;
}

static int ask(const struct rules_question *question, const struct validator *validator,
               size_t *io_failures)
{
    char why[FLUME_REASON_BYTES] = "";
    flume_variable variable;
    bool has_value;

    if (!find(question, validator->key, &variable, &has_value)) {
        if (validator->is_required)
            (void)snprintf(why, sizeof why, "is required, and is not there");
    } else if (has_value) {
        judge(question, validator, &variable, why);
    } else {
        (void)snprintf(why, sizeof why, "is of a type that has no value here");
    }
    if (why[0] == '\0')
        return FLUME_OK;
    ++*io_failures;
    return add_failure(question->rules, validator->key, why);
}

/* The lines, one behind the other. @return whether that is all of them. */
static bool tell(const char *all, char told[FLUME_ERROR_TEXT_BYTES])
{
    size_t bytes = text_cut(all, strlen(all), TOLD_BYTES_MAX), used = 0;

    for (size_t i = 0; i < bytes && used + 2 < FLUME_ERROR_TEXT_BYTES; i++) {
        told[used++] = all[i] == '\n' ? ';' : all[i];
        if (all[i] == '\n')
            told[used++] = ' ';
    }
    told[used] = '\0';
    return all[bytes] == '\0';
}

static int fail_all(const struct rules_question *question, size_t count)
{
    char told[FLUME_ERROR_TEXT_BYTES];
    bool is_all = tell((const char *)question->rules->failures.data, told);

    return flume_fail(question->recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                      "%zu validator%s not content: %s%s", count, count == 1 ? " is" : "s are",
                      told, is_all ? "" : "... (flume_recorder_failures() tells all)");
}

int validators_ask(const struct rules_question *question)
{
    const struct recorder_rules *rules = question->rules;
    size_t failures = 0;
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < rules->validator_count; i++)
        if (pattern_bit(question->bits, rules->validators[i].labels))
            status = ask(question, &rules->validators[i], &failures);
    if (status != FLUME_OK)
        return rules_fail_memory(question->recorder);
    return failures == 0 ? FLUME_OK : fail_all(question, failures);
}

const char *flume_recorder_failures(const flume_recorder *recorder)
{
    if (recorder == NULL || recorder->rules == NULL || recorder->rules->failures.bytes == 0)
        return "";
    return (const char *)recorder->rules->failures.data;
}
