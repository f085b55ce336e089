/*
 * complete_scopes.c - candidates for KEY=VALUE: the keys of the newest scopes (complete_data.h).
 */
#include <stdio.h>
#include <string.h>

#include "complete_data.h"
#include "flume/recorder.h"

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
