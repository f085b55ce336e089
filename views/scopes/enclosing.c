/*
 * enclosing.c - scopes within scopes: what is inherited, and which scope encloses which on the
 * tape.
 *
 * A frame is a number for an enclosing scope as it is between two commits: what it encloses names
 * it, and so does its own record. Who commits it before what it encloses, and who commits it after,
 * both get the same number into both; once it is changed after a commit, it gets another one.
 */
#include "recorder_inside.h"

#include <string.h>

int flume_scope_enter(flume_recorder *recorder, flume_scope *scope)
{
    struct enclosing *enclosing;

    if (recorder == NULL || scope == NULL)
        return FLUME_ERR_INVALID;
    for (size_t i = 0; i < recorder->stack_depth; i++)
        if (recorder->stack[i].scope == scope)
            return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                              "this scope was entered already: leave it first");
    if (recorder->stack_depth == FLUME_SCOPE_STACK_MAX)
        return flume_fail(recorder->handle, FLUME_ERR_TOO_LARGE, FLUME_SEQ_NONE,
                          "scopes can stand within each other %d deep", FLUME_SCOPE_STACK_MAX);
    enclosing = &recorder->stack[recorder->stack_depth++];
    *enclosing = (struct enclosing){.scope = scope, .frame = recorder->next_frame++};
    return FLUME_OK;
}

int flume_scope_leave(flume_recorder *recorder, flume_scope *scope)
{
    if (recorder == NULL || scope == NULL)
        return FLUME_ERR_INVALID;
    if (recorder->stack_depth == 0 || recorder->stack[recorder->stack_depth - 1].scope != scope)
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "this is not the scope that was entered last");
    recorder->stack_depth--;
    return FLUME_OK;
}

size_t enclosing_depth(const flume_recorder *recorder, const flume_scope *scope)
{
    for (size_t i = 0; i < recorder->stack_depth; i++)
        if (recorder->stack[i].scope == scope)
            return i;
    return recorder->stack_depth;
}

static int take_over(flume_scope *target, const flume_scope *source, bool is_inherited)
{
    int status = source->error.status;

    target->error = source->error; /* What it lacks, the two of them lack. */
    for (uint32_t i = 0; status == FLUME_OK && i < source->count; i++) {
        const struct scope_slot *slot = scope_slot_at(source, i);

        if (!slot->is_label && slot->class_ != FLUME_CLASS_IGNORE &&
            !(is_inherited && scope_key_is_chain(slot->key, slot->key_bytes)))
            status = scope_copy_slot(slot, is_inherited ? FLUME_VARIABLE_GLOBAL : 0, target);
    }
    for (size_t i = 0; status == FLUME_OK && i < flume_scope_label_count(source); i++)
        status = is_inherited ? scope_label_inherit(target, flume_scope_label_at(source, i))
                              : flume_scope_label(target, flume_scope_label_at(source, i));
    return status;
}

int enclosing_apply(flume_recorder *recorder, flume_scope *scope, flume_scope **out_effective)
{
    size_t depth = enclosing_depth(recorder, scope);
    flume_scope *effective = recorder->effective;
    int status = FLUME_OK;

    if (depth == 0) {
        *out_effective = scope;
        return FLUME_OK;
    }
    flume_scope_clear(effective);
    effective->is_loose = false; /* What is taken over stays what it is. */
    for (size_t i = 0; status == FLUME_OK && i < depth; i++)
        status = take_over(effective, recorder->stack[i].scope, true);
    if (status == FLUME_OK)
        status = take_over(effective, scope, false);
    effective->is_loose = scope->is_loose;
    for (size_t i = 0; i < depth; i++)
        effective->is_loose = effective->is_loose || recorder->stack[i].scope->is_loose;
    if (status != FLUME_OK) {
        flume_error error;

        flume_scope_error(effective, &error);
        return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "%s",
                          error.status != FLUME_OK ? error.message : flume_strerror(status));
    }
    *out_effective = effective;
    return FLUME_OK;
}

/* ---- the chain ---- */

static int put_chain(flume_recorder *recorder, flume_scope *effective,
                     const uint8_t id[FLUME_HASH_BYTES])
{
    flume_value value = {.type = FLUME_VALUE_HASH};
    flume_error error;
    int status;

    memcpy(value.content.hash, id, FLUME_HASH_BYTES);
    status = flume_scope_set(effective, SCOPE_CHAIN_KEY, &value);
    if (status == FLUME_OK)
        return FLUME_OK;
    flume_scope_error(effective, &error);
    return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "%s", error.message);
}

static int fail_enclosing(flume_recorder *recorder, const flume_scope *effective, int status)
{
    flume_error error;

    flume_scope_error(effective, &error);
    return flume_fail(recorder->handle, status, FLUME_SEQ_NONE,
                      "the scope that encloses this one has no id: %s",
                      error.status != FLUME_OK ? error.message : flume_strerror(status));
}

int enclosing_as_recorded(flume_recorder *recorder, enum rules_purpose purpose, flume_scope *scope,
                          flume_scope **out_effective)
{
    bool is_chained = (recorder->options.flags & FLUME_RECORDER_CHAIN) != 0;
    size_t depth = enclosing_depth(recorder, scope);
    uint8_t id[FLUME_HASH_BYTES];
    int status = FLUME_OK;

    /* From the outermost one on: each has the id of the one around it in its own. */
    for (size_t i = is_chained ? 0 : depth; status == FLUME_OK && i <= depth; i++) {
        bool is_last = i == depth;

        status =
            enclosing_apply(recorder, is_last ? scope : recorder->stack[i].scope, out_effective);
        if (status == FLUME_OK)
            status = rules_apply(recorder, is_last ? purpose : RULES_FOR_QUESTION, out_effective);
        if (status == FLUME_OK && is_chained && i > 0) /* It is a copy then. */
            status = put_chain(recorder, *out_effective, id);
        if (status != FLUME_OK || is_last)
            continue;
        status = flume_scope_id(*out_effective, id);
        if (status != FLUME_OK)
            status = fail_enclosing(recorder, *out_effective, status);
    }
    return status;
}

/* ---- frames ---- */

/* Whether a scope is as it was: its id; of one with unknown variables, which rules may tell what
 * they are, the id that it has with their values, so far as there are any. */
static int state_of(flume_scope *scope, uint8_t out_id[FLUME_HASH_BYTES])
{
    flume_variable variable;
    flume_scope *copy;
    int status;

    if (scope->class_count[FLUME_CLASS_UNKNOWN] == 0)
        return flume_scope_id(scope, out_id);
    status = flume_scope_copy(scope, &copy);
    if (status != FLUME_OK)
        return status;
    for (size_t i = 0; flume_scope_at(scope, i, &variable); i++) {
        if (variable.class_ == FLUME_CLASS_UNKNOWN &&
            flume_scope_classify(copy, variable.key,
                                 variable.content != NULL ? FLUME_CLASS_HASH
                                                          : FLUME_CLASS_INLINE) != FLUME_OK)
            (void)flume_scope_unset(copy, variable.key);
    }
    copy->error = scope->error;
    status = flume_scope_id(copy, out_id);
    flume_scope_destroy(copy);
    return status;
}

/* The number under which what it encloses now finds it. */
static int frame_of(flume_recorder *recorder, struct enclosing *enclosing, uint64_t *out_frame)
{
    uint8_t id[FLUME_HASH_BYTES];
    int status = FLUME_OK;

    if (enclosing->is_committed) {
        status = state_of(enclosing->scope, id);
        if (status == FLUME_OK && memcmp(id, enclosing->committed_id, sizeof id) != 0) {
            enclosing->is_committed = false;
            enclosing->frame = recorder->next_frame++;
        }
    }
    *out_frame = enclosing->frame;
    return status;
}

int enclosing_frames(flume_recorder *recorder, flume_scope *scope, uint64_t *out_frame,
                     uint64_t *out_around)
{
    size_t depth = enclosing_depth(recorder, scope);
    int status = FLUME_OK;

    *out_frame = 0;
    *out_around = 0;
    if (depth < recorder->stack_depth)
        status = frame_of(recorder, &recorder->stack[depth], out_frame);
    if (status == FLUME_OK && depth > 0)
        status = frame_of(recorder, &recorder->stack[depth - 1], out_around);
    return status;
}

void enclosing_written(flume_recorder *recorder)
{
    for (size_t i = 0; i < recorder->stack_depth; i++)
        recorder->stack[i].is_staged = false;
}

void enclosing_discarded(flume_recorder *recorder)
{
    for (size_t i = 0; i < recorder->stack_depth; i++) {
        struct enclosing *enclosing = &recorder->stack[i];

        enclosing->is_committed = enclosing->is_committed && !enclosing->is_staged;
        enclosing->is_staged = false;
    }
}

void enclosing_committed(flume_recorder *recorder, const flume_scope *scope, bool is_staged)
{
    size_t depth = enclosing_depth(recorder, scope);
    struct enclosing *enclosing = &recorder->stack[depth];

    if (depth == recorder->stack_depth)
        return;
    /* What is in the log already stays so, whatever becomes of the stage. */
    enclosing->is_staged = is_staged && (!enclosing->is_committed || enclosing->is_staged);
    enclosing->is_committed = state_of(enclosing->scope, enclosing->committed_id) == FLUME_OK;
}
