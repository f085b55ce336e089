/*
 * seen.c - whether a scope is there already, in one sense or another; nothing is appended.
 */
#include "commit.h"

int flume_recorder_neutral(flume_recorder *recorder, const char *key)
{
    static const flume_value null = {.type = FLUME_VALUE_NULL};

    if (recorder == NULL || key == NULL)
        return FLUME_ERR_INVALID;
    if (recorder->neutral == NULL && flume_scope_create(&recorder->neutral) != FLUME_OK)
        return flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no memory for a neutral key");
    return flume_scope_set(recorder->neutral, key, &null);
}

/* What must be there: all but the neutral variables. *out_core: NULL if there are none. */
static int make_core(const struct commit *commit, flume_scope **out_core)
{
    const flume_scope *neutral = commit->recorder->neutral;
    flume_variable variable, other;
    flume_scope *core = NULL;
    int status = FLUME_OK;

    *out_core = NULL;
    for (size_t i = 0; neutral != NULL && flume_scope_at(neutral, i, &variable); i++) {
        if (!flume_scope_get(commit->effective, variable.key, &other))
            continue;
        if (core == NULL)
            status = flume_scope_copy(commit->effective, &core);
        if (status != FLUME_OK)
            return status;
        (void)flume_scope_unset(core, variable.key); /* It is there. */
    }
    *out_core = core;
    return FLUME_OK;
}

/* The largest stored scope that lacks of this one neutral keys alone; NONE: there is none. */
static int find_extended(struct commit *commit, uint64_t *out_seq)
{
    const struct scope_pairs *pairs;
    flume_scope *core;
    int status = make_core(commit, &core);

    if (status == FLUME_OK && core != NULL)
        status = scope_pairs_of(core, &pairs);
    if (status == FLUME_OK && core != NULL)
        status = overlay_ask_between(commit->recorder->overlay, pairs, commit->pairs, out_seq);
    else if (status != FLUME_OK)
        status = commit_refuse(commit->recorder, commit->effective, status);
    flume_scope_destroy(core);
    return status;
}

/* Whether what is staged has the scope, in the same sense. */
static int find_staged(struct commit *commit, enum flume_seen_mode mode, bool *out_is_staged)
{
    flume_recorder *recorder = commit->recorder;
    uint8_t id[FLUME_HASH_BYTES];
    uint64_t staged_id;
    int status = flume_scope_id(commit->effective, id);

    if (status == FLUME_OK)
        status = stage_find(recorder, id, &staged_id);
    *out_is_staged = status == FLUME_OK;
    if (status != FLUME_ERR_NOT_FOUND)
        return status;
    if (mode == FLUME_SEEN_SHADOWED)
        return stage_find_larger(recorder, commit->pairs, out_is_staged);
    if (mode == FLUME_SEEN_EXTENDED)
        return stage_find_extended(recorder, commit->pairs, out_is_staged);
    return FLUME_OK;
}

int flume_scope_seen(flume_recorder *recorder, flume_scope *scope, enum flume_seen_mode mode,
                     uint64_t *out_seq)
{
    struct commit commit;
    uint64_t seq, last;
    bool is_staged = false;
    int status;

    if (recorder == NULL || scope == NULL)
        return FLUME_ERR_INVALID;
    status = commit_begin(&commit, recorder, scope, RULES_FOR_QUESTION);
    if (status != FLUME_OK)
        return status;
    if (recorder->overlay == NULL)
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a recorder in fast mode does not ask");
    commit.succession = &recorder->asked;
    if (commit_find_next(&commit, &seq)) {
        if (out_seq != NULL)
            *out_seq = seq;
        return FLUME_OK;
    }
    status = commit_ask(&commit, &last);
    if (status != FLUME_OK)
        return status;
    seq = commit.answer.dup_seq;
    if (seq == FLUME_SEQ_NONE && mode == FLUME_SEEN_SHADOWED)
        seq = commit.answer.superset_seq;
    if (seq == FLUME_SEQ_NONE && mode == FLUME_SEEN_EXTENDED)
        status = find_extended(&commit, &seq);
    if (status == FLUME_OK && seq == FLUME_SEQ_NONE && recorder->stage.commits > 0)
        status = find_staged(&commit, mode, &is_staged);
    if (status != FLUME_OK)
        return status;
    if (seq == FLUME_SEQ_NONE && !is_staged)
        return FLUME_ERR_NOT_FOUND;
    if (out_seq != NULL)
        *out_seq = seq;
    return FLUME_OK;
}
