/*
 * scope_oracle.c - what brute force says of scopes (scope_oracle.h).
 */
#include "scope_oracle.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each text gets a number once, so that loops compare numbers. */
struct stored {
    uint64_t seq;
    size_t count, variables;
    uint32_t *texts;
};

struct oracle {
    char (*names)[ORACLE_TEXT_BYTES];
    size_t name_count;
    struct stored *stored; /* Distinct ones. */
    size_t stored_count;
};

void text_scope_add(struct text_scope *scope, const char *key, unsigned value)
{
    assert(scope->count < ORACLE_PAIRS_MAX);
    (void)snprintf(scope->texts[scope->count++], ORACLE_TEXT_BYTES, "%.8s=%u", key, value);
}

void text_scope_add_label(struct text_scope *scope, const char *label)
{
    assert(scope->count < ORACLE_PAIRS_MAX);
    (void)snprintf(scope->texts[scope->count++], ORACLE_TEXT_BYTES, "@%.8s", label);
}

void text_scope_remove(struct text_scope *scope, size_t index)
{
    scope->count--;
    memmove(scope->texts[index], scope->texts[index + 1],
            (scope->count - index) * sizeof scope->texts[0]);
}

struct oracle *oracle_create(void)
{
    return calloc(1, sizeof(struct oracle));
}

void oracle_destroy(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->stored_count; i++)
        free(oracle->stored[i].texts);
    free(oracle->stored);
    free(oracle->names);
    free(oracle);
}

static uint32_t number_of(struct oracle *oracle, const char *text)
{
    size_t i;

    for (i = 0; i < oracle->name_count; i++)
        if (strcmp(oracle->names[i], text) == 0)
            return (uint32_t)i;
    oracle->names = realloc(oracle->names, (i + 1) * sizeof oracle->names[0]);
    assert(oracle->names != NULL);
    (void)snprintf(oracle->names[i], ORACLE_TEXT_BYTES, "%s", text);
    oracle->name_count++;
    return (uint32_t)i;
}

static struct stored to_numbers(struct oracle *oracle, const struct text_scope *scope)
{
    struct stored stored = {.count = scope->count};

    stored.texts = malloc((scope->count + 1) * sizeof *stored.texts);
    assert(stored.texts != NULL);
    for (size_t i = 0; i < scope->count; i++) {
        stored.texts[i] = number_of(oracle, scope->texts[i]);
        stored.variables += scope->texts[i][0] != '@';
    }
    return stored;
}

static bool has(const struct stored *scope, uint32_t text)
{
    for (size_t i = 0; i < scope->count; i++)
        if (scope->texts[i] == text)
            return true;
    return false;
}

static bool contains(const struct stored *large, const struct stored *small)
{
    if (large->count < small->count)
        return false;
    for (size_t i = 0; i < small->count; i++)
        if (!has(large, small->texts[i]))
            return false;
    return true;
}

struct oracle_answer oracle_ask(const struct oracle *oracle, const struct text_scope *scope)
{
    /* Numbers of new texts are of no consequence for what is stored. */
    struct stored asked = to_numbers((struct oracle *)(uintptr_t)oracle, scope);
    struct oracle_answer answer = {ORACLE_NONE, ORACLE_NONE, ORACLE_NONE};
    size_t largest = 0;

    for (size_t i = 0; i < oracle->stored_count; i++) {
        const struct stored *stored = &oracle->stored[i];

        if (stored->count == asked.count && contains(stored, &asked))
            answer = (struct oracle_answer){stored->seq, ORACLE_NONE, ORACLE_NONE};
        if (answer.dup_seq != ORACLE_NONE)
            break;
        if (asked.variables == 0 || stored->variables == 0)
            continue;
        if (stored->count > asked.count && answer.superset_seq == ORACLE_NONE &&
            contains(stored, &asked))
            answer.superset_seq = stored->seq;
        if (stored->count < asked.count && stored->count >= largest && contains(&asked, stored)) {
            answer.subset_seq = stored->seq;
            largest = stored->count;
        }
    }
    free(asked.texts);
    return answer;
}

void oracle_add(struct oracle *oracle, const struct text_scope *scope, uint64_t seq)
{
    struct stored stored = to_numbers(oracle, scope);

    for (size_t i = 0; i < oracle->stored_count; i++)
        if (oracle->stored[i].count == stored.count && contains(&oracle->stored[i], &stored)) {
            free(stored.texts);
            return; /* Its first record stands for it. */
        }
    if ((oracle->stored_count & (oracle->stored_count - 1)) == 0) {
        size_t capacity = oracle->stored_count == 0 ? 1 : oracle->stored_count * 2;

        oracle->stored = realloc(oracle->stored, capacity * sizeof *oracle->stored);
        assert(oracle->stored != NULL);
    }
    stored.seq = seq;
    oracle->stored[oracle->stored_count++] = stored;
}

static const struct stored *find_stored(const struct oracle *oracle, uint64_t seq)
{
    for (size_t i = 0; i < oracle->stored_count; i++)
        if (oracle->stored[i].seq == seq)
            return &oracle->stored[i];
    return NULL;
}

static bool is_within(const struct stored *lower, const struct stored *upper)
{
    return lower->variables > 0 && upper->variables > 0 && lower->count < upper->count &&
           contains(upper, lower);
}

bool oracle_is_within(const struct oracle *oracle, uint64_t lower_seq, uint64_t upper_seq)
{
    const struct stored *lower = find_stored(oracle, lower_seq),
                        *upper = find_stored(oracle, upper_seq);

    assert(lower != NULL && upper != NULL);
    return is_within(lower, upper);
}

bool oracle_is_cover(const struct oracle *oracle, uint64_t lower_seq, uint64_t upper_seq,
                     uint64_t first_seq, uint64_t last_seq)
{
    const struct stored *lower = find_stored(oracle, lower_seq),
                        *upper = find_stored(oracle, upper_seq);

    assert(lower != NULL && upper != NULL);
    if (!is_within(lower, upper))
        return false;
    for (size_t i = 0; i < oracle->stored_count; i++) {
        const struct stored *between = &oracle->stored[i];

        if (between->seq >= first_seq && between->seq <= last_seq && is_within(lower, between) &&
            is_within(between, upper))
            return false;
    }
    return true;
}

size_t oracle_count(const struct oracle *oracle)
{
    return oracle->stored_count;
}

uint64_t oracle_seq(const struct oracle *oracle, size_t index)
{
    return oracle->stored[index].seq;
}
