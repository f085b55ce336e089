/*
 * rules.h - the rules of a recorder as its modules share them (flume/recorder_rules.h).
 *
 * For one scope there is a decision for each variable: the class that it is to have. Rules are asked
 * in turn and change decisions, never the scope; a copy is made at the end, and only if some variable
 * is to have another class than it has.
 *
 * What always holds:
 *   - While is_running, no rule is added or taken out, and neither source nor working changes but by
 *     rules_apply() itself.
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

struct recorder_rules {
    struct patterns labels;
    struct hook *hooks;
    size_t hook_count, hook_capacity;

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
/** A pattern over labels, with the error told. */
int rules_add_labels(flume_recorder *recorder, const char *labels, size_t *out_index);
/** Room for one more rule, with the error told. */
int rules_reserve(flume_recorder *recorder, void **io_array, size_t *io_capacity, size_t count,
                  size_t element_bytes);
/** @return FLUME_ERR_NO_MEMORY, told. */
int rules_fail_memory(flume_recorder *recorder);

/* ---- rules_hooks.c ---- */

/** Ask the hooks that classify, for variables that are not to be ignored for another reason. */
int hooks_classify(const struct rules_question *question);
/** Run call hooks on what would be recorded. */
int hooks_call(const struct rules_question *question, const flume_scope *effective);

#endif
