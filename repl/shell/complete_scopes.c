/*
 * complete_scopes.c - candidates for KEY=VALUE: the keys of the newest scopes; for batches: their
 * ids and tags (complete_data.h).
 */
#include <stdio.h>
#include <string.h>

#include "complete_data.h"
#include "flume/scope_batch.h"

enum { SCOPES_LOOKED_AT = 64 };

static void offer(struct candidates *candidates, const flume_scope *keys)
{
    char word[FLUME_SCOPE_KEY_BYTES_MAX + 2];
    flume_variable variable;

    for (size_t i = 0; flume_scope_at(keys, i, &variable) && !candidates_late(candidates); i++) {
        snprintf(word, sizeof(word), "%s=", variable.key);
        candidates_add(candidates, word, NULL, CANDIDATE_OPEN);
    }
}

/* The keys of several scopes, each once. Failure means fewer candidates; nobody is to be told of it
 * while typing. */
static void gather(struct candidates *candidates, flume_tape *tape, flume_scope *scope,
                   flume_scope *keys)
{
    flume_tape_entry entry;
    flume_variable variable;

    for (size_t n = 0; n < SCOPES_LOOKED_AT && !candidates_late(candidates); n++) {
        flume_tape_skip(tape);
        if (flume_tape_next(tape, 0, &entry, scope) != FLUME_OK)
            break;
        for (size_t i = 0; flume_scope_at(scope, i, &variable); i++)
            (void)flume_scope_set_null(keys, variable.key);
    }
}

void complete_keys(struct candidates *candidates, flume *handle)
{
    const flume_cursor_options options = {.flags = FLUME_CURSOR_REVERSE};
    flume_scope *scope = NULL, *keys = NULL;
    flume_tape *tape = NULL;

    if (handle != NULL && flume_scope_create(&scope) == FLUME_OK &&
        flume_scope_create(&keys) == FLUME_OK &&
        flume_tape_open(handle, &options, &tape) == FLUME_OK) {
        gather(candidates, tape, scope, keys);
        offer(candidates, keys);
    }
    flume_tape_close(tape);
    flume_scope_destroy(keys);
    flume_scope_destroy(scope);
}

/* ---- batches ---- */

struct offering {
    struct candidates *candidates;
    char last_tag[FLUME_SCOPE_BATCH_TAG_BYTES_MAX + 1];
};

static int offer_batch(void *ctx, const flume_scope_batch_info *info)
{
    struct candidates *candidates = ((struct offering *)ctx)->candidates;
    char help[64];

    snprintf(help, sizeof(help), "%llu record%s, last @%llu", (unsigned long long)info->records,
             info->records == 1 ? "" : "s", (unsigned long long)info->last_seq);
    candidates_add(candidates, info->id, help, CANDIDATE_WHOLE);
    return candidates_late(candidates);
}

/* Batches of one tag follow one another. */
static int offer_tag(void *ctx, const flume_scope_batch_info *info)
{
    struct offering *offering = ctx;
    char tag[FLUME_SCOPE_BATCH_TAG_BYTES_MAX + 1];

    snprintf(tag, sizeof(tag), "%.*s", (int)info->tag_bytes, info->id);
    if (strcmp(tag, offering->last_tag) != 0)
        candidates_add(offering->candidates, tag, NULL, CANDIDATE_WHOLE);
    strcpy(offering->last_tag, tag);
    return candidates_late(offering->candidates);
}

static void list_batches(struct candidates *candidates, flume *handle,
                         int (*give)(void *ctx, const flume_scope_batch_info *info))
{
    static const flume_ask as_it_is = {.flags = FLUME_ASK_STALE_OK};
    struct offering offering = {.candidates = candidates};

    /* Failure means no candidates; nobody is to be told of it while typing. */
    if (complete_may_ask(handle, "label"))
        (void)flume_scope_batch_list(handle, &as_it_is, NULL, give, &offering);
}

void complete_batches(struct candidates *candidates, flume *handle)
{
    list_batches(candidates, handle, offer_batch);
}

void complete_batch_tags(struct candidates *candidates, flume *handle)
{
    list_batches(candidates, handle, offer_tag);
}
