/*
 * rules.h - the rules of a recorder as its modules share them (flume/recorder_rules.h).
 *
 * For one scope there is a decision for each variable: the class that it is to have. Rules are
 * asked in turn and change decisions, never the scope; a copy is made at the end, and only if some
 * variable is to have another class than it has.
 *
 * What always holds:
 *   - While is_running, no rule is added or taken out, and neither source nor working changes but
 *     by rules_apply() itself.
 *   - A rule's pattern is an index into labels (or names) and stays.
 */
#ifndef VIEWS_SCOPES_RULES_H
#define VIEWS_SCOPES_RULES_H

#include "flume/recorder_rules.h"
#include "patterns.h"
#include "recorder_inside.h"

struct hook {
    size_t labels;
    flume_classify_hook *classify; /* One of the two. */
    flume_call_hook *call;
    enum flume_call_mode mode;
    void *context;
};

struct filter {
    size_t labels, keys;
    enum flume_filter_mode mode;
};

/* As told, with what it points to. */
struct validator {
    size_t labels;
    bool is_required;
    unsigned types;
    flume_scope *values; /* "least", "greatest", "one/0" ...: what there is of them. */
    size_t one_of_count;
    char *key;
    bool has_pattern;
    char *pattern_text;
    regex_t pattern;
    flume_validate_hook *hook;
    void *context;
};

/* What the scale showed. */
struct tare {
    enum flume_tare_mode mode;
    flume_scope *scope;
    struct scope_buffer image;          /* What of it counts for the id. */
    char *text;                         /* The same as JSON. */
    size_t texts_bytes;                 /* Of this one and those below it. */
    uint8_t stack_id[FLUME_HASH_BYTES]; /* Likewise. */
};

/* The tares that were in force at some commit. */
struct tare_set {
    uint8_t id[FLUME_HASH_BYTES];
    char *body; /* Of the record that tells what they are. NULL: it is in the log. */
};

struct setting {
    size_t labels;
    char *key, *value;
    uint64_t staged; /* Of FLUME_SETTING_FLUSH_EVERY: commits since the last flush. */
};

struct recorder_rules {
    struct patterns labels, keys;
    /* Over labels; apart, since a hook may ask while bits of labels are used. */
    struct patterns config;
    struct hook *hooks;
    size_t hook_count, hook_capacity;
    struct filter *filters;
    size_t filter_count, filter_capacity;
    struct validator *validators;
    size_t validator_count, validator_capacity;
    flume_scope *defaults; /* NULL: none. */
    struct tare tares[FLUME_TARES_MAX];
    size_t tare_count;
    struct tare_set *tare_sets; /* Those not told, and some that were. */
    size_t tare_set_count, tare_set_capacity;
    struct setting *settings;
    size_t setting_count, setting_capacity;
    bool has_flush_every; /* One of them is FLUME_SETTING_FLUSH_EVERY. */
    bool is_untold;       /* Settings or defaults are not in the log yet, as far as is known. */
    struct scope_buffer setting_labels; /* As label_text, of the scope that is asked about. */
    struct scope_buffer failures;       /* Text; with a NUL if it has any bytes. */

    bool is_running;
    const flume_scope *source;      /* While running: what the rules are asked about. */
    flume_scope *working;           /* The copy. */
    struct scope_buffer label_text; /* Of the scope, each label with its NUL. */
    struct scope_buffer classes;  /* Decisions: one byte for each variable, as flume_scope_at(). */
    struct scope_buffer excluded; /* 1: a filter excludes it. Likewise. */
};

/* A scope on its way through the rules. */
struct rules_question {
    flume_recorder *recorder;
    struct recorder_rules *rules;
    const flume_scope *source;
    uint8_t *classes, *excluded;
    const uint8_t *bits; /* Which patterns fit its labels. */
};

/* ---- rules.c ---- */

/** The rules of a recorder, to which one is to be added.
 * @return FLUME_OK; FLUME_ERR_INVALID (they are running), FLUME_ERR_NO_MEMORY. */
int rules_to_change(flume_recorder *recorder, struct recorder_rules **out_rules);
/** A pattern, with the error told. */
int rules_add_pattern(flume_recorder *recorder, struct patterns *patterns, const char *text,
                      size_t *out_index);
/** Room for one more rule, with the error told. */
int rules_reserve(flume_recorder *recorder, void **io_array, size_t *io_capacity, size_t count,
                  size_t element_bytes);
/** @return FLUME_ERR_NO_MEMORY, told. */
int rules_fail_memory(flume_recorder *recorder);

/* ---- rules_filter.c ---- */

/** Say which variables are excluded: they are to be ignored. */
int filters_decide(const struct rules_question *question);

/* ---- rules_validate.c ---- */

/** Ask the validators. @return FLUME_OK, or FLUME_ERR_INVALID with all failures. */
int validators_ask(const struct rules_question *question);
void validators_deinit(struct recorder_rules *rules);

enum { VALUE_TYPES_BYTES = 160 };
/** "int". Of a type that there is. */
const char *value_type_name(enum flume_value_type type);
/** "int or f64". */
void value_type_names(unsigned types, char out_text[VALUE_TYPES_BYTES]);

/* ---- rules_tare.c ---- */

/** Variables that have their default become volatile. */
void defaults_decide(const struct rules_question *question);
/** Variables that are tared are to be ignored. */
void tares_decide(const struct rules_question *question);
/** Whether a variable that is there has a value: one without shows null, which it is not. */
bool variable_is_valued(const flume_scope *scope, const char *key);

/* ---- tare_set.c ---- */

/** Make id and text of a tare, mode and scope of which are there, upon those below it.
 * @return FLUME_OK; FLUME_ERR_TOO_LARGE, FLUME_ERR_NO_MEMORY, told. */
int tare_make(flume_recorder *recorder, struct tare *tare);
void tare_deinit(struct tare *tare);
void tare_sets_deinit(struct recorder_rules *rules);

/* ---- rules_config.c ---- */

void settings_deinit(struct recorder_rules *rules);
/** One more. @return FLUME_OK; as patterns_add(). */
int rules_setting_add(struct recorder_rules *rules, const char *labels, const char *key,
                      const char *value);
/** Merged, for a scope that these patterns fit. @return FLUME_OK, FLUME_END. */
int rules_setting_at(const struct recorder_rules *rules, const uint8_t *bits, size_t index,
                     flume_setting *out_setting);

/* ---- rules_compare.c ---- */

/** Whether two values are the same, as identity has it: a blob is its hash. */
bool values_are_same(const flume_value *one, const flume_value *other);
/** Order of two numbers, or of two times: less than 0, 0, more than 0.
 * @return false: they have none (NaN; other types). */
bool values_compare(const flume_value *one, const flume_value *other, int *out_order);

/* ---- rules_hooks.c ---- */

/** Ask the hooks that classify, for variables that are not to be ignored for another reason. */
int hooks_classify(const struct rules_question *question);
/** Run call hooks on what would be recorded. */
int hooks_call(const struct rules_question *question, const flume_scope *effective);

#endif
