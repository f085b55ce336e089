/*
 * complete_blobs.c - candidates that name blobs: their names, and hashes of contents
 * (complete_data.h).
 */
#include <stdio.h>
#include <string.h>

#include "complete_data.h"
#include "flume/blob.h"
#include "reference.h"

enum { WORD_ROOM = FLUME_LABEL_BYTES_MAX + 64, HASH_DIGITS_SHOWN = 16 };

static const flume_ask as_it_is = {.flags = FLUME_ASK_STALE_OK};

/* ---- hashes ---- */

static void add_hash(struct candidates *candidates, const flume_hash_candidate *found, size_t least,
                     const char *prefix)
{
    size_t digits = least < HASH_DIGITS_SHOWN ? HASH_DIGITS_SHOWN : FLUME_HASH_TEXT_BYTES;
    char text[FLUME_HASH_TEXT_BYTES + 1], word[WORD_ROOM], help[32];

    flume_hash_text(found->hash, text);
    text[digits] = '\0';
    if (*prefix == '\0' && digits < FLUME_HASH_TEXT_BYTES &&
        strspn(text, "0123456789") == strlen(text))
        prefix = "hash:"; /* It looks like a seq. */
    snprintf(word, sizeof(word), "%s%s", prefix, text);
    snprintf(help, sizeof(help), "@%llu", (unsigned long long)found->seq);
    /* Digits may have been typed in upper case. */
    candidates_put(candidates, word, help, CANDIDATE_WHOLE);
}

void complete_blob_hashes(struct candidates *candidates, flume *handle, const char *digits,
                          const char *prefix)
{
    flume_hash_candidate found[COMPLETE_CANDIDATES_MAX];
    size_t count =
        complete_find_hashes(candidates, handle, "blob", flume_blob_find_prefix, digits, found);

    for (size_t i = 0; i < count && !candidates_late(candidates); i++)
        add_hash(candidates, &found[i], strlen(digits), prefix);
}

/* ---- names ---- */

/* A name that looks like a seq, a hash or a reference of another form means that. */
static bool means_name(const char *name)
{
    struct reference reference;
    struct fault fault;

    return reference_parse(name, &reference, &fault) && reference.form == REFERENCE_LABEL &&
           reference.number == 0 && reference.text == name && reference.bytes == strlen(name);
}

static int offer_name(void *ctx, const flume_label_info *info)
{
    struct candidates *candidates = ctx;
    const char *name = info->label + strlen(FLUME_BLOB_NAME_LABEL);
    char help[32], word[WORD_ROOM];

    snprintf(help, sizeof(help), "@%llu", (unsigned long long)info->last_seq);
    snprintf(word, sizeof(word), "label:%s", info->label);
    candidates_add(candidates, means_name(name) ? name : word, help, CANDIDATE_WHOLE);
    return candidates_late(candidates);
}

void complete_blobs(struct candidates *candidates, flume *handle)
{
    const char *typed = candidates_typed(candidates);
    char prefix[WORD_ROOM];

    if (strncmp(typed, "hash:", 5) == 0) {
        complete_blob_hashes(candidates, handle, typed + 5, "hash:");
        return;
    }
    if (*typed == ':' || strncmp(typed, "label:", 6) == 0 || strncmp(typed, "mark:", 5) == 0) {
        complete_references(candidates, handle, "");
        return;
    }
    candidates_add(candidates, "last", "the newest record", CANDIDATE_WHOLE);
    complete_blob_hashes(candidates, handle, typed, "");
    snprintf(prefix, sizeof(prefix), "%s%s", FLUME_BLOB_NAME_LABEL, typed);
    /* Failure means no candidates; nobody is to be told of it while typing. */
    if (strlen(typed) <= FLUME_BLOB_NAME_BYTES_MAX && complete_may_ask(handle, "label"))
        (void)flume_label_list(handle, &as_it_is, prefix, NULL, offer_name, candidates);
}
