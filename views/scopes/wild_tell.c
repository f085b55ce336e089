/*
 * wild_tell.c - telling the program, once, that its scopes have more sets of keys than can be
 * tracked.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "inside.h"
#include "scope_inside.h"
#include "wild.h"

static bool has_key(const struct shape *shape, uint64_t key)
{
    for (uint32_t i = 0; i < shape->key_count; i++)
        if (shape->keys[i] == key)
            return true;
    return false;
}

/* Which of its keys the fewest tracked shapes have: it comes with this scope, or with few. */
static size_t rarest_key(const struct containment *containment, const struct scope_pairs *pairs)
{
    size_t least = SIZE_MAX, rarest = 0;

    for (size_t i = 0; i < pairs->count && least > 0; i++) {
        size_t count = 0;

        if (!scope_pair_is_variable(&pairs->pairs[i]))
            continue;
        for (size_t k = 0; k < containment->shapes.count; k++)
            count += has_key(containment->shapes.list[k], containment->tokens->keys[i]);
        if (count < least) {
            least = count;
            rarest = i;
        }
    }
    return rarest;
}

/* Up to the first digit: what varies is mostly a number. All of it where that would be nothing. */
static size_t prefix_bytes(const struct scope_pair *pair)
{
    size_t bytes = 0;

    while (bytes < pair->key_bytes && (pair->key[bytes] < '0' || pair->key[bytes] > '9'))
        bytes++;
    return bytes > 0 ? bytes : pair->key_bytes;
}

void wild_tell(flume *handle, const struct containment *containment,
               const struct scope_pairs *pairs)
{
    const flume_log_options *options = &handle->options.log;
    char message[FLUME_ERROR_TEXT_BYTES], key[SCOPE_SHOWN_BYTES], prefix[SCOPE_SHOWN_BYTES];
    const struct scope_pair *pair;

    if (options->log == NULL || atomic_exchange(&handle->told_wild, true))
        return;
    pair = &pairs->pairs[rarest_key(containment, pairs)];
    (void)snprintf(message, sizeof message,
                   "scopes have more sets of keys than can be tracked: keys seem to be made out of "
                   "data, as '%s' is (prefix '%s'); verdicts stay exact, but take longer. Put what "
                   "varies into values, or make such variables volatile",
                   scope_show((const char *)pair->key, pair->key_bytes, key),
                   scope_show((const char *)pair->key, prefix_bytes(pair), prefix));
    options->log(options->log_ctx, FLUME_LOG_WARNING, message);
}
