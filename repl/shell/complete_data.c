/*
 * complete_data.c - candidates from a basin's views: labels, bookmarks, hashes (complete_data.h).
 */
#include "complete_data.h"

#include <stdio.h>
#include <string.h>

#include "reference.h"

enum {
    NAME_ROOM = FLUME_LABEL_BYTES_MAX + 64, /* A label or name with what is put around it. */
    HASH_DIGITS_SHOWN = 10,
    BACK_MAX = 9 /* label~1 .. label~9. */
};

static const flume_ask as_it_is = {.flags = FLUME_ASK_STALE_OK};

/* What the callbacks of a listing share. */
struct asking {
    struct candidates *candidates;
    const char *before; /* "label:", ":", "" - what stands before each name; */
    const char *suffix; /* and what behind. */
    bool is_reference;
};

bool complete_may_ask(flume *handle, const char *view)
{
    flume_view_status status;
    flume_view *found;

    return handle != NULL && flume_view_find(handle, view, &found) == FLUME_OK &&
           flume_view_status_of(found, &status) == FLUME_OK &&
           status.state != FLUME_VIEW_REBUILDING && status.usable;
}

static void add_named(const struct asking *asking, const char *before, const char *name,
                      const char *help)
{
    char word[NAME_ROOM];

    snprintf(word, sizeof(word), "%s%s%s", before, name, asking->suffix);
    candidates_add(asking->candidates, word, help,
                   *asking->suffix == '\0' ? CANDIDATE_WHOLE : CANDIDATE_OPEN);
}

/* ---- labels ---- */

/* Whether this text, as a reference, means just that label. */
static bool means_label(const char *text, const char *label)
{
    struct reference reference;
    struct fault fault;

    return reference_parse(text, &reference, &fault) && reference.form == REFERENCE_LABEL &&
           reference.number == 0 && reference.bytes == strlen(label) &&
           memcmp(reference.text, label, reference.bytes) == 0;
}

static void add_label_reference(const struct asking *asking, const flume_label_info *info,
                                const char *help)
{
    const char *before = asking->before;
    char word[NAME_ROOM];

    if (*asking->suffix != '\0' && strstr(info->label, "..") != NULL)
        return; /* A range cannot begin with it. */
    snprintf(word, sizeof(word), "%s%s", before, info->label);
    if (!means_label(word, info->label)) {
        before = "label:";
        snprintf(word, sizeof(word), "%s%s", before, info->label);
        if (!means_label(word, info->label))
            return;
    }
    add_named(asking, before, info->label, help);
    if (info->count > 1 && strcmp(word, candidates_typed(asking->candidates)) == 0) {
        snprintf(word, sizeof(word), "%s%s~", before, info->label);
        candidates_add(asking->candidates, word, "earlier ones: label~1", CANDIDATE_OPEN);
    }
}

static int offer_label(void *ctx, const flume_label_info *info)
{
    const struct asking *asking = ctx;
    char help[64];

    snprintf(help, sizeof(help), "%llu record%s, last @%llu", (unsigned long long)info->count,
             info->count == 1 ? "" : "s", (unsigned long long)info->last_seq);
    if (asking->is_reference)
        add_label_reference(asking, info, help);
    else
        add_named(asking, "", info->label, help);
    return candidates_late(asking->candidates);
}

static void list_labels(const struct asking *asking, flume *handle, const char *prefix)
{
    /* Failure means no candidates; nobody is to be told of it while typing. */
    if (complete_may_ask(handle, "label"))
        (void)flume_label_list(handle, &as_it_is, prefix, NULL, offer_label,
                               (void *)(uintptr_t)asking);
}

void complete_labels(struct candidates *candidates, flume *handle)
{
    const struct asking asking = {.candidates = candidates, .suffix = ""};

    list_labels(&asking, handle, candidates_typed(candidates));
}

/* ---- bookmarks ---- */

static int offer_bookmark(void *ctx, const flume_bookmark *bookmark)
{
    const struct asking *asking = ctx;
    char help[120];

    if (*asking->suffix != '\0' && strstr(bookmark->name, "..") != NULL)
        return 0;
    snprintf(help, sizeof(help), "@%llu%s%.60s", (unsigned long long)bookmark->seq,
             *bookmark->note == '\0' ? "" : "  ", bookmark->note);
    add_named(asking, asking->before, bookmark->name, help);
    return candidates_late(asking->candidates);
}

static void list_bookmarks(const struct asking *asking, flume *handle, const char *prefix)
{
    if (complete_may_ask(handle, "label"))
        (void)flume_bookmark_list(handle, &as_it_is, prefix, offer_bookmark,
                                  (void *)(uintptr_t)asking);
}

void complete_bookmarks(struct candidates *candidates, flume *handle)
{
    const struct asking asking = {.candidates = candidates, .before = "", .suffix = ""};

    list_bookmarks(&asking, handle, candidates_typed(candidates));
}

/* ---- hashes ---- */

/* Digits that tell it from all others, and enough to be recognised. */
static size_t digits_wanted(flume *handle, const uint8_t *hash)
{
    size_t digits = 0;

    if (flume_hash_abbreviate(handle, &as_it_is, hash, &digits) != FLUME_OK)
        return FLUME_HASH_TEXT_BYTES;
    return digits < HASH_DIGITS_SHOWN ? HASH_DIGITS_SHOWN : digits;
}

static void add_hash(struct candidates *candidates, flume *handle,
                     const flume_hash_candidate *candidate, size_t least, const char *prefix,
                     const char *suffix)
{
    size_t digits = digits_wanted(handle, candidate->hash);
    char text[FLUME_HASH_TEXT_BYTES + 1], word[NAME_ROOM], help[32];

    flume_hash_text(candidate->hash, text);
    text[digits < least ? least : digits] = '\0';
    if (*prefix == '\0' && strspn(text, "0123456789") == strlen(text))
        prefix = "hash:"; /* It looks like a seq. */
    snprintf(word, sizeof(word), "%s%s%s", prefix, text, suffix);
    snprintf(help, sizeof(help), "@%llu", (unsigned long long)candidate->seq);
    /* Digits may have been typed in upper case. */
    candidates_put(candidates, word, help, *suffix == '\0' ? CANDIDATE_WHOLE : CANDIDATE_OPEN);
}

size_t complete_find_hashes(struct candidates *candidates, flume *handle, const char *view,
                            hash_finder *find, const char *digits,
                            flume_hash_candidate out_found[COMPLETE_CANDIDATES_MAX])
{
    size_t bytes = strlen(digits), count = 0;
    int status;

    if (bytes < FLUME_HASH_PREFIX_MIN || bytes > FLUME_HASH_TEXT_BYTES ||
        strspn(digits, "0123456789abcdefABCDEF") != bytes || !complete_may_ask(handle, view))
        return 0;
    status = find(handle, &as_it_is, digits, out_found, COMPLETE_CANDIDATES_MAX, &count);
    if (status != FLUME_OK && status != FLUME_ERR_AMBIGUOUS)
        return 0;
    if (count <= COMPLETE_CANDIDATES_MAX)
        return count;
    candidates->out->more += count - COMPLETE_CANDIDATES_MAX;
    return COMPLETE_CANDIDATES_MAX;
}

void complete_hashes(struct candidates *candidates, flume *handle, const char *digits,
                     const char *prefix, const char *suffix)
{
    flume_hash_candidate found[COMPLETE_CANDIDATES_MAX];
    size_t count =
        complete_find_hashes(candidates, handle, "hash", flume_hash_find_prefix, digits, found);

    for (size_t i = 0; i < count && !candidates_late(candidates); i++)
        add_hash(candidates, handle, &found[i], strlen(digits), prefix, suffix);
}

/* ---- references ---- */

/* label~ and last~: how far back. */
static void count_back(const struct asking *asking, flume *handle, const char *tilde)
{
    const char *typed = candidates_typed(asking->candidates);
    char base[NAME_ROOM - 16], label[FLUME_LABEL_BYTES_MAX + 1] = "";
    struct reference reference;
    struct fault fault;

    snprintf(base, sizeof(base), "%.*s", (int)(tilde - typed), typed);
    if (!reference_parse(base, &reference, &fault) ||
        (reference.form != REFERENCE_LABEL && reference.form != REFERENCE_LAST) ||
        reference.bytes > FLUME_LABEL_BYTES_MAX)
        return;
    if (reference.form == REFERENCE_LABEL) {
        memcpy(label, reference.text, reference.bytes);
        if (!complete_may_ask(handle, "label"))
            return;
    }
    for (unsigned back = 1; back <= BACK_MAX; back++) {
        char word[NAME_ROOM - 3], help[32] = "";
        uint64_t seq;

        if (*label != '\0' &&
            flume_label_from_end(handle, &as_it_is, label, back, &seq) != FLUME_OK)
            return;
        if (*label != '\0')
            snprintf(help, sizeof(help), "@%llu", (unsigned long long)seq);
        snprintf(word, sizeof(word), "%s~%u", base, back);
        add_named(asking, "", word, *help == '\0' ? NULL : help);
    }
}

/* "label:", "mark:" and their like say what is behind them. True if one was typed. */
static bool complete_explicit(struct asking *asking, flume *handle, const char *typed)
{
    if (*typed == ':' || strncmp(typed, "mark:", 5) == 0) {
        asking->before = *typed == ':' ? ":" : "mark:";
        list_bookmarks(asking, handle, typed + strlen(asking->before));
    } else if (strncmp(typed, "label:", 6) == 0) {
        asking->before = "label:";
        list_labels(asking, handle, typed + 6);
    } else if (strncmp(typed, "hash:", 5) == 0) {
        complete_hashes(asking->candidates, handle, typed + 5, "hash:", asking->suffix);
    } else {
        return *typed == '@' || strncmp(typed, "seq:", 4) == 0;
    }
    return true;
}

void complete_references(struct candidates *candidates, flume *handle, const char *suffix)
{
    struct asking asking = {
        .candidates = candidates, .before = "", .suffix = suffix, .is_reference = true};
    const char *typed = candidates_typed(candidates);
    const char *tilde = strrchr(typed, '~');

    if (tilde != NULL && strncmp(typed, "mark:", 5) != 0 && *typed != ':')
        count_back(&asking, handle, tilde);
    if (complete_explicit(&asking, handle, typed))
        return;
    add_named(&asking, "", "last", "the newest record");
    add_named(&asking, "", "first", "the oldest record");
    if (*typed == '\0') {
        asking.before = ":";
        list_bookmarks(&asking, handle, "");
        asking.before = "";
    }
    complete_hashes(candidates, handle, typed, "", suffix);
    list_labels(&asking, handle, typed);
}

void complete_range(struct candidates *candidates, flume *handle)
{
    const char *typed = candidates_typed(candidates);
    const char *dots = strstr(typed, "..");

    if (dots == NULL) {
        complete_references(candidates, handle, "..");
        return;
    }
    candidates->fixed_bytes += (size_t)(dots - typed) + 2;
    complete_references(candidates, handle, "");
}
