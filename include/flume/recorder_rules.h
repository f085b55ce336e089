/*
 * recorder_rules.h - what a recorder does with a scope before it gives the verdict.
 *
 * Rules are bound to labels by a pattern: a POSIX extended regular expression that is searched in
 * each label of the scope, inherited ones too; NULL or "" fits every scope, also one without
 * labels. They are told to a recorder once, in the order in which they are to count, and from then
 * on shape whatever it commits and is asked about:
 *
 *   flume_recorder_classify(recorder, "^store$", keep_solution, NULL);
 *   flume_recorder_filter(recorder, "", "^tmp_", FLUME_FILTER_EXCLUDE);
 *   flume_recorder_default(recorder, "z", &seven);
 *
 * What becomes of a variable: filters first (what is excluded is class ignore, and hooks are not
 * asked), then the hooks that classify, then declared defaults (class volatile), then tare (class
 * ignore). Validators look at what was captured, so far as it is not excluded; call hooks at what
 * would be recorded. flume_scope_seen() asks no validators and runs no call hooks.
 *
 * What always holds:
 *   - No rule changes a scope of the caller's: what differs is committed from a copy.
 *   - Whoever refuses does so before anything is appended.
 *   - A recorder without rules does nothing of this.
 *
 * Threads: as the recorder. A hook or a validator must not use the recorder that runs it, but for
 * flume_recorder_config(): commits, questions and new rules are refused with FLUME_ERR_INVALID.
 */
#ifndef FLUME_RECORDER_RULES_H
#define FLUME_RECORDER_RULES_H

#include "flume/recorder.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FLUME_PATTERN_BYTES_MAX = 1024,
    FLUME_RULES_MAX = 4096, /* Of one sort. */
    FLUME_REASON_BYTES = 256
};

/* ---- hooks ---- */

/* What a hook can answer besides a class. */
enum flume_hook_answer {
    FLUME_HOOK_PASS = -1, /* It has no opinion. */
    FLUME_HOOK_VETO = -2  /* Nothing is committed; it has said why. */
};

/**
 * Says what becomes of a variable: enum flume_variable_class, or FLUME_HOOK_PASS, or
 * FLUME_HOOK_VETO. Asked for each variable of a scope whose labels fit. Of several hooks the last
 * one that does not pass counts.
 *
 * @param scope       As captured, with what it inherits. For the call.
 * @param out_reason  Of a veto: FLUME_REASON_BYTES of room. "" at first.
 */
typedef int flume_classify_hook(void *context, const flume_scope *scope,
                                const flume_variable *variable, char *out_reason);

/**
 * @param labels  Pattern over labels. Copied.
 * @return FLUME_OK; FLUME_ERR_INVALID (the pattern: where and what), FLUME_ERR_TOO_LARGE (pattern,
 *         number of rules), FLUME_ERR_NO_MEMORY.
 */
FLUME_API int flume_recorder_classify(flume_recorder *recorder, const char *labels,
                                      flume_classify_hook *hook, void *context);

/** Runs at each commit of a scope whose labels fit, before the verdict.
 * @param scope  As it would be recorded. For the call.
 * @return FLUME_OK (0), or FLUME_HOOK_VETO: nothing is committed, and hooks behind it do not
 *         run. */
typedef int flume_call_hook(void *context, const flume_scope *scope, char *out_reason);

enum flume_call_mode {
    FLUME_CALL_ALL = 0,  /* It runs whatever else does. */
    FLUME_CALL_FIRST = 1 /* Of those that are registered so, only the first that fits runs. */
};

/** As flume_recorder_classify(). Hooks run in the order in which they were registered. */
FLUME_API int flume_recorder_call(flume_recorder *recorder, const char *labels,
                                  enum flume_call_mode mode, flume_call_hook *hook, void *context);

/* ---- filters ---- */

enum flume_filter_mode { FLUME_FILTER_INCLUDE = 0, FLUME_FILTER_EXCLUDE = 1 };

/**
 * Which variables are recorded, by a pattern searched in their keys. Of several filters that fit
 * the scope and the key the last one counts; a variable that none fits is recorded.
 *
 * @param labels, keys  Patterns. Copied.
 * @return as flume_recorder_classify().
 */
FLUME_API int flume_recorder_filter(flume_recorder *recorder, const char *labels, const char *keys,
                                    enum flume_filter_mode mode);

/* ---- validators ---- */

/** @return FLUME_OK (0): it is right; anything else: it is wrong, for this reason. */
typedef int flume_validate_hook(void *context, const flume_scope *scope,
                                const flume_variable *variable, char *out_reason);

/*
 * What a variable of a scope must be. What is not stated is not looked at. All but is_required
 * holds for variables that are there; one that is excluded by a filter, or of class ignore, is not
 * there. Values are looked at as they were captured: a text that a hook makes a hash is a text.
 */
typedef struct flume_validator {
    const char *labels; /* Pattern. */
    const char *key;    /* The variable's. */
    bool is_required;
    unsigned types; /* Bits 1u << enum flume_value_type; 0: any. */
    /* Bounds, both within the range; NULL: none. Both numbers (compared exactly, whatever their
     * types; NaN is in no range), or both times. */
    const flume_value *least;
    const flume_value *greatest;
    const flume_value *one_of; /* The same type and value as one of these. */
    size_t one_of_count;
    const char *pattern; /* Searched in a text or a symbol; another type is wrong. */
    flume_validate_hook *hook;
    void *context; /* Of the hook. */
} flume_validator;

/**
 * All validators that fit a scope are asked at a commit; if any is not content, nothing is
 * appended, and the error (FLUME_ERR_INVALID) tells of all that is wrong: as many as its message
 * has room for, and flume_recorder_failures() all of them.
 *
 * @param validator  Copied, with all that it points to but the context.
 * @return as flume_recorder_classify(); FLUME_ERR_INVALID also for a key that is none, types that
 *         there are not, bounds that are neither numbers nor times.
 */
FLUME_API int flume_recorder_validate(flume_recorder *recorder, const flume_validator *validator);

/** What validators found wrong with the scope committed last: one line each, "key: why"; "" if
 * nothing. Valid until the next commit. */
FLUME_API const char *flume_recorder_failures(const flume_recorder *recorder);

/* ---- defaults ---- */

/**
 * Declare what a variable is unless it is said otherwise: one that has this type and value becomes
 * volatile, recorded, but no part of identity. So a variable that comes later leaves scopes what
 * they were as long as it has its default. A key has one default; again replaces it.
 *
 * @return FLUME_OK; as flume_scope_set(); FLUME_ERR_INVALID also while rules run.
 */
FLUME_API int flume_recorder_default(flume_recorder *recorder, const char *key,
                                     const flume_value *value);

/* ---- tare ---- */

enum { FLUME_TARES_MAX = 64 };

enum flume_tare_mode {
    FLUME_TARE_KEYS = 0,  /* Variables of these keys are not recorded, whatever they are. */
    FLUME_TARE_VALUES = 1 /* Only those that have the type and value that they had. */
};

/**
 * Set the scale to zero: what a scope has now, and what it inherits, is not recorded from now on.
 * Tares stack: a variable is left out if any of them says so. Labels are not tared. What is
 * committed has an id of the tares in force with it, by which flume_tares_open() (schema.h) tells
 * what they are; it is no part of what a scope is.
 *
 * @param scope  Copied.
 * @return FLUME_OK; FLUME_ERR_INVALID (the scope has an error; rules run), FLUME_ERR_TOO_LARGE
 *         (more than FLUME_TARES_MAX, or of more variables than one record can name),
 *         FLUME_ERR_NO_MEMORY.
 */
FLUME_API int flume_recorder_tare(flume_recorder *recorder, flume_scope *scope,
                                  enum flume_tare_mode mode);
/** Undo the last one. FLUME_ERR_NOT_FOUND: there is none. */
FLUME_API int flume_recorder_untare(flume_recorder *recorder);

/* ---- settings ---- */

enum { FLUME_SETTING_BYTES_MAX = 4096 };

/* A setting as it counts for a scope. Texts are the recorder's, until its next setting or its
 * end. */
typedef struct flume_setting {
    const char *key;
    const char *value;
    const char *labels; /* Where it comes from: the pattern of the rule that said it last, */
    size_t rule; /* and which one that was, in order of flume_recorder_configure(). From 0. */
} flume_setting;

/**
 * Give scopes whose labels fit a setting, for whoever asks for it. Settings are merged in the order
 * in which they were given: of one key the last that fits counts. NULL or "" as labels: the base.
 *
 * @param key, value  Texts of 1 .. FLUME_SCOPE_KEY_BYTES_MAX and 0 .. FLUME_SETTING_BYTES_MAX bytes
 *                    of UTF-8. Copied.
 * @return as flume_recorder_classify().
 */
FLUME_API int flume_recorder_configure(flume_recorder *recorder, const char *labels,
                                       const char *key, const char *value);

/** A setting of a scope where it stands now: with the labels that it inherits. A hook may ask, too.
 * @return FLUME_OK, FLUME_ERR_NOT_FOUND (no rule that fits has the key), FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_recorder_config(flume_recorder *recorder, const flume_scope *scope,
                                    const char *key, flume_setting *out_setting);

/** All settings of a scope, merged, in byte order of their keys: index 0, 1 ...
 * @return FLUME_OK, FLUME_END (there is none at this index), FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_recorder_config_at(flume_recorder *recorder, const flume_scope *scope,
                                       size_t index, flume_setting *out_setting);

/* ---- blocks ---- */

/*
 * FLUME_INIT_BLOCK(recorder, label, version): say what is computed from here on, and where that is
 * written. It commits a scope with the label, the label "init_block", and these variables:
 *
 *   block_version  text       Part of identity.
 *   file, line     text, int  Of the call. Volatile.
 *   git_commit     text       From the recorder's options, if it is known there. Volatile.
 *   git_dirty      bool       Likewise.
 *
 * What surrounds it is inherited, and rules hold for it, as for any scope: call hooks on
 * "^init_block$" run at the beginning of each block.
 */
#define FLUME_INIT_BLOCK(recorder, label, version) \
    flume_init_block((recorder), (label), (version), __FILE__, __LINE__, NULL)

/** @return as flume_commit(). */
FLUME_API int flume_init_block(flume_recorder *recorder, const char *label, const char *version,
                               const char *file, int line, flume_verdict *out_verdict);

#ifdef __cplusplus
}
#endif
#endif
