/*
 * rules_config.c - settings of scopes, by their labels.
 */
#include "rules.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

void settings_deinit(struct recorder_rules *rules)
{
    for (size_t i = 0; i < rules->setting_count; i++) {
        free(rules->settings[i].key);
        free(rules->settings[i].value);
    }
    free(rules->settings);
    scope_buffer_deinit(&rules->setting_labels);
}

/* ---- giving ---- */

static int check(flume_recorder *recorder, const char *what, const char *text, size_t least,
                 size_t greatest)
{
    size_t bytes = strlen(text);

    if (bytes < least || bytes > greatest)
        return flume_fail(recorder->handle, bytes < least ? FLUME_ERR_INVALID : FLUME_ERR_TOO_LARGE,
                          FLUME_SEQ_NONE,
                          "the %s of a setting has %zu bytes, and %zu to %zu are allowed", what,
                          bytes, least, greatest);
    if (!text_is_utf8(text, bytes))
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "the %s of a setting is not UTF-8", what);
    return FLUME_OK;
}

int rules_setting_add(struct recorder_rules *rules, const char *labels, const char *key,
                      const char *value)
{
    struct setting setting = {0};
    char why[PATTERN_WHY_BYTES];
    int status = patterns_add(&rules->config, labels, &setting.labels, why);

    if (status != FLUME_OK)
        return status;
    if (!scope_reserve((void **)&rules->settings, &rules->setting_capacity,
                       rules->setting_count + 1, sizeof *rules->settings))
        return FLUME_ERR_NO_MEMORY;
    setting.key = strdup(key);
    setting.value = strdup(value);
    if (setting.key == NULL || setting.value == NULL) {
        free(setting.key);
        free(setting.value);
        return FLUME_ERR_NO_MEMORY;
    }
    rules->settings[rules->setting_count++] = setting;
    rules->has_flush_every = rules->has_flush_every || strcmp(key, FLUME_SETTING_FLUSH_EVERY) == 0;
    return FLUME_OK;
}

int flume_recorder_configure(flume_recorder *recorder, const char *labels, const char *key,
                             const char *value)
{
    struct recorder_rules *rules;
    uint64_t every;
    size_t index;
    int status;

    if (recorder == NULL || key == NULL || value == NULL)
        return FLUME_ERR_INVALID;
    status = rules_to_change(recorder, &rules);
    if (status == FLUME_OK)
        status = check(recorder, "key", key, 1, FLUME_SCOPE_KEY_BYTES_MAX);
    if (status == FLUME_OK)
        status = check(recorder, "value", value, 0, FLUME_SETTING_BYTES_MAX);
    if (status == FLUME_OK && strcmp(key, FLUME_SETTING_FLUSH_EVERY) == 0 &&
        !stage_every_read(value, &every))
        status = flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                            "the setting \"%s\" is a number from 1 on, or \"never\"", key);
    if (status == FLUME_OK)
        status = rules_reserve(recorder, (void **)&rules->settings, &rules->setting_capacity,
                               rules->setting_count, sizeof *rules->settings);
    if (status == FLUME_OK)
        status = rules_add_pattern(recorder, &rules->config, labels, &index);
    if (status != FLUME_OK)
        return status;
    if (rules_setting_add(rules, labels, key, value) != FLUME_OK)
        return rules_fail_memory(recorder);
    rules->is_untold = true;
    return FLUME_OK;
}

/* ---- asking ---- */

static bool add_labels(struct scope_buffer *buffer, const flume_scope *scope)
{
    const char *label;

    for (size_t i = 0; (label = flume_scope_label_at(scope, i)) != NULL; i++)
        if (!scope_buffer_add(buffer, label, strlen(label) + 1))
            return false;
    return true;
}

/* What a hook is given has all labels already. */
static bool is_effective(const struct recorder_rules *rules, const flume_scope *scope)
{
    return rules->is_running && (scope == rules->source || scope == rules->working);
}

/* Which patterns fit the labels of a scope, inherited ones too. */
static int match(flume_recorder *recorder, const flume_scope *scope, const uint8_t **out_bits)
{
    struct recorder_rules *rules = recorder->rules;
    struct scope_buffer *labels = &rules->setting_labels;
    size_t depth = is_effective(rules, scope) ? 0 : enclosing_depth(recorder, scope);
    bool has_memory = true;

    labels->bytes = 0;
    for (size_t i = 0; has_memory && i < depth; i++)
        has_memory = add_labels(labels, recorder->stack[i].scope);
    if (!has_memory || !add_labels(labels, scope) ||
        patterns_match(&rules->config, (const char *)labels->data, labels->bytes, out_bits) !=
            FLUME_OK)
        return rules_fail_memory(recorder);
    return FLUME_OK;
}

static void describe(const struct recorder_rules *rules, size_t index, flume_setting *out_setting)
{
    const struct setting *setting = &rules->settings[index];

    *out_setting = (flume_setting){.key = setting->key,
                                   .value = setting->value,
                                   .labels = rules->config.items[setting->labels].text,
                                   .rule = index};
}

int flume_recorder_config(flume_recorder *recorder, const flume_scope *scope, const char *key,
                          flume_setting *out_setting)
{
    const struct recorder_rules *rules;
    const uint8_t *bits;
    int status;

    if (recorder == NULL || scope == NULL || key == NULL || out_setting == NULL)
        return FLUME_ERR_INVALID;
    rules = recorder->rules;
    if (rules == NULL)
        return FLUME_ERR_NOT_FOUND;
    status = match(recorder, scope, &bits);
    if (status != FLUME_OK)
        return status;
    for (size_t i = rules->setting_count; i > 0; i--) {
        if (strcmp(rules->settings[i - 1].key, key) == 0 &&
            pattern_bit(bits, rules->settings[i - 1].labels)) {
            describe(rules, i - 1, out_setting);
            return FLUME_OK;
        }
    }
    return FLUME_ERR_NOT_FOUND;
}

/* The last one that fits, of the smallest key behind `after` (NULL: of the smallest); count:
 * none. */
static size_t next_setting(const struct recorder_rules *rules, const uint8_t *bits,
                           const char *after)
{
    size_t best = rules->setting_count;

    for (size_t i = 0; i < rules->setting_count; i++) {
        const char *key = rules->settings[i].key;

        if (pattern_bit(bits, rules->settings[i].labels) &&
            (after == NULL || strcmp(key, after) > 0) &&
            (best == rules->setting_count || strcmp(key, rules->settings[best].key) <= 0))
            best = i;
    }
    return best;
}

int rules_setting_at(const struct recorder_rules *rules, const uint8_t *bits, size_t index,
                     flume_setting *out_setting)
{
    const char *after = NULL;
    size_t found = 0;

    for (size_t i = 0; i <= index; i++) {
        found = next_setting(rules, bits, after);
        if (found == rules->setting_count)
            return FLUME_END;
        after = rules->settings[found].key;
    }
    describe(rules, found, out_setting);
    return FLUME_OK;
}

int flume_recorder_config_at(flume_recorder *recorder, const flume_scope *scope, size_t index,
                             flume_setting *out_setting)
{
    const struct recorder_rules *rules;
    const uint8_t *bits;
    int status;

    if (recorder == NULL || scope == NULL || out_setting == NULL)
        return FLUME_ERR_INVALID;
    rules = recorder->rules;
    if (rules == NULL)
        return FLUME_END;
    status = match(recorder, scope, &bits);
    if (status != FLUME_OK)
        return status;
    return rules_setting_at(rules, bits, index, out_setting);
}
