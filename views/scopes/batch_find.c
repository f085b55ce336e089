/*
 * batch_find.c - asking for batches of scopes: their labels, as the view "label" has them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "inside.h"

static bool read_info(const flume_label_info *label, flume_scope_batch_info *info)
{
    const char *id = label->label + BATCH_LABEL_PREFIX_BYTES;
    size_t bytes = strlen(id);

    if (!batch_id_read(id, bytes, &info->tag_bytes, &info->time_ns))
        return false; /* Somebody else's label. */
    memcpy(info->id, id, bytes + 1);
    info->records = label->count;
    info->body_bytes = label->body_bytes;
    info->first_seq = label->first_seq;
    info->last_seq = label->last_seq;
    return true;
}

struct listing {
    const char *tag; /* NULL: any. */
    int (*callback)(void *ctx, const flume_scope_batch_info *info);
    void *ctx;
};

static int list_one(void *ctx, const flume_label_info *label)
{
    const struct listing *listing = ctx;
    flume_scope_batch_info info;

    if (!read_info(label, &info))
        return 0;
    /* A tag may have the id of a batch within it: "a" is not the tag of "a-b-...". */
    if (listing->tag != NULL && (strlen(listing->tag) != info.tag_bytes ||
                                 memcmp(listing->tag, info.id, info.tag_bytes) != 0))
        return 0;
    return listing->callback(listing->ctx, &info);
}

/* Ids that begin with a text; one too long for an id has none. */
static int list(flume *handle, const flume_ask *ask, const char *beginning, struct listing *listing)
{
    char prefix[FLUME_LABEL_BYTES_MAX + 1];

    if (strlen(beginning) > FLUME_SCOPE_BATCH_ID_BYTES_MAX)
        return FLUME_OK;
    (void)snprintf(prefix, sizeof prefix, "%s%s", FLUME_SCOPE_BATCH_LABEL, beginning);
    return flume_label_list(handle, ask, prefix, NULL, list_one, listing);
}

int flume_scope_batch_list(flume *handle, const flume_ask *ask, const char *tag,
                           int (*callback)(void *ctx, const flume_scope_batch_info *info),
                           void *ctx)
{
    struct listing listing = {.tag = tag, .callback = callback, .ctx = ctx};

    if (handle == NULL || callback == NULL)
        return FLUME_ERR_INVALID;
    return list(handle, ask, tag == NULL ? "" : tag, &listing);
}

/* ---- one of them ---- */

struct finding {
    const char *prefix;
    unsigned count;
    flume_scope_batch_info first;
    char second[FLUME_SCOPE_BATCH_ID_BYTES_MAX + 1];
};

/* In byte order an id that is the prefix itself comes before those that only begin so. */
static int find_one(void *ctx, const flume_scope_batch_info *info)
{
    struct finding *finding = ctx;

    if (finding->count++ == 0) {
        finding->first = *info;
        return strcmp(info->id, finding->prefix) == 0 ? FLUME_END : 0;
    }
    memcpy(finding->second, info->id, sizeof finding->second);
    return FLUME_END;
}

int flume_scope_batch_find(flume *handle, const flume_ask *ask, const char *prefix,
                           flume_scope_batch_info *out_info)
{
    struct finding finding = {.prefix = prefix};
    struct listing listing = {.callback = find_one, .ctx = &finding};
    int status;

    if (handle == NULL || prefix == NULL || out_info == NULL)
        return FLUME_ERR_INVALID;
    status = list(handle, ask, prefix, &listing);
    if (status != FLUME_OK && status != FLUME_END)
        return status;
    if (finding.count == 0)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                          "there is no batch whose id begins with %.*s",
                          FLUME_SCOPE_BATCH_ID_BYTES_MAX, prefix);
    if (finding.count > 1)
        return flume_fail(
            handle, FLUME_ERR_AMBIGUOUS, FLUME_SEQ_NONE,
            "several batches have an id that begins with \"%s\", among them %s and %s", prefix,
            finding.first.id, finding.second);
    *out_info = finding.first;
    return FLUME_OK;
}

int flume_scope_batch_tape(flume *handle, const flume_ask *ask, const char *id,
                           flume_tape **out_tape)
{
    char label[FLUME_LABEL_BYTES_MAX + 1];
    /* Beyond the head: the tape of what is not there. */
    flume_cursor_options options = {
        .bounds = FLUME_GTE | FLUME_LTE, .gte = 1, .lte = 0, .label = label};
    flume_label_info info;
    size_t tag_bytes;
    uint64_t time_ns;
    int status;

    if (handle == NULL || id == NULL || out_tape == NULL)
        return FLUME_ERR_INVALID;
    if (!batch_id_read(id, strlen(id), &tag_bytes, &time_ns))
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "%.*s is not the id of a batch: TAG-YYYYMMDD-HHMMSSmmm-xxxxxxxx",
                          FLUME_SCOPE_BATCH_ID_BYTES_MAX, id);
    (void)snprintf(label, sizeof label, "%s%s", FLUME_SCOPE_BATCH_LABEL, id);
    status = flume_label_get(handle, ask, label, &info);
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    if (status == FLUME_OK) {
        options.gte = info.first_seq;
        options.lte = info.last_seq;
    }
    return flume_tape_open(handle, &options, out_tape);
}
