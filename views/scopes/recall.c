/*
 * recall.c - the cache of repeated computations (flume/recall.h).
 *
 * What always holds:
 *   - Between the last look at an address and the append nobody else puts anything anywhere: who
 *     puts is alone in the lane, and a program that appends such a record by itself makes the
 *     conditional append fail, upon which is looked again. So there is one winner, unless somebody
 *     means to replace what is there.
 *   - What can take long, waiting for the view and storing a blob, is done before the lane.
 */
#include <stdio.h>
#include <string.h>

#include "recorder_inside.h"
#include "stored.h"

/* What is remembered or recalled, and under which key. */
struct recollection {
    flume_recorder *recorder;
    const flume_recall_options *options;
    flume_ask ask;
    uint8_t scope_id[FLUME_HASH_BYTES];
    uint8_t address[FLUME_ADDRESS_BYTES];
};

/* ---- the key ---- */

static int refuse(flume_recorder *recorder, const flume_scope *scope, int status)
{
    flume_error why;

    flume_scope_error(scope, &why);
    return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "%s",
                      why.status != FLUME_OK ? why.message : flume_strerror(status));
}

/* Keys that cannot be part of a key, for a message: "a, b" as far as they fit. */
struct key_list {
    char text[400];
    size_t bytes;
    size_t count;
};

static void list_key(struct key_list *list, const char *key)
{
    char shown[SCOPE_SHOWN_BYTES];
    int length;

    length = snprintf(list->text + list->bytes, sizeof list->text - list->bytes, "%s%s",
                      list->count++ > 0 ? ", " : "",
                      scope_show(key, strnlen(key, FLUME_SCOPE_KEY_BYTES_MAX), shown));
    if (length > 0 && (size_t)length < sizeof list->text - list->bytes)
        list->bytes += (size_t)length;
    else
        list->text[list->bytes] = '\0'; /* It does not fit: the count tells. */
}

/* The scope that has of another one these keys alone. */
static int project(const flume_recall_options *options, const flume_scope *scope,
                   flume_scope *target, struct key_list *missing, struct key_list *no_part)
{
    flume_variable variable;
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < options->key_count; i++) {
        if (options->keys[i] == NULL)
            status = FLUME_ERR_INVALID;
        else if (!flume_scope_get(scope, options->keys[i], &variable))
            list_key(missing, options->keys[i]);
        else if (variable.class_ > FLUME_CLASS_HASH)
            list_key(no_part, options->keys[i]);
        else
            status = flume_scope_set_variable(target, &variable);
    }
    return status;
}

static int fail_keys(flume *handle, const struct key_list *missing, const struct key_list *no_part)
{
    if (missing->count == 0)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "%zu of the keys are variables that are no part of what a scope is: %s",
                          no_part->count, no_part->text);
    return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                      "the scope lacks %zu of the variables that are the key: %s%s%s",
                      missing->count, missing->text,
                      no_part->count > 0 ? "; no part of what a scope is: " : "", no_part->text);
}

static int id_of_projection(flume_recorder *recorder, const flume_recall_options *options,
                            const flume_scope *scope, uint8_t out_id[FLUME_HASH_BYTES])
{
    struct key_list missing = {.count = 0}, no_part = {.count = 0};
    flume_scope *projected;
    int status = flume_scope_create(&projected);

    if (status != FLUME_OK)
        return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "no memory for a scope");
    status = project(options, scope, projected, &missing, &no_part);
    if (status == FLUME_OK && (missing.count > 0 || no_part.count > 0))
        status = fail_keys(recorder->handle, &missing, &no_part);
    else if (status == FLUME_OK)
        status = flume_scope_id(projected, out_id);
    else
        status = refuse(recorder, projected, status);
    flume_scope_destroy(projected);
    return status;
}

static int begin(struct recollection *it, flume_recorder *recorder, flume_scope *scope,
                 const flume_recall_options *options)
{
    static const flume_recall_options defaults = {0};
    flume_scope *effective;
    int status;

    *it = (struct recollection){.recorder = recorder,
                                .options = options != NULL ? options : &defaults};
    it->ask = options != NULL ? options->ask : recorder->options.ask;
    it->ask.flags = 0;
    status = rules_check_idle(recorder);
    /* The whole scope is what a commit would make of it; variables that are named are what they
     * are. */
    if (status == FLUME_OK)
        status = it->options->key_count == 0
                     ? enclosing_as_recorded(recorder, RULES_FOR_QUESTION, scope, &effective)
                     : enclosing_apply(recorder, scope, &effective);
    if (status != FLUME_OK)
        return status;
    /* An error of the scope is one of its projections, too. */
    if (effective->error.status != FLUME_OK)
        return refuse(recorder, effective, effective->error.status);
    if (it->options->key_count > 0) {
        status = id_of_projection(recorder, it->options, effective, it->scope_id);
    } else {
        status = flume_scope_id(effective, it->scope_id);
        if (status != FLUME_OK)
            return refuse(recorder, effective, status);
    }
    if (status != FLUME_OK)
        return status;
    status = address_make(ADDRESS_OF_RECALL, it->options->name, it->scope_id, it->address);
    return status == FLUME_OK
               ? FLUME_OK
               : flume_fail(recorder->handle, status, FLUME_SEQ_NONE,
                            "the name of what is computed is UTF-8 of at most %d bytes",
                            FLUME_SPACE_BYTES_MAX);
}

int flume_recall_address(flume_recorder *recorder, flume_scope *scope,
                         const flume_recall_options *options,
                         uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    struct recollection it;
    int status;

    if (recorder == NULL || scope == NULL || out_address == NULL)
        return FLUME_ERR_INVALID;
    status = begin(&it, recorder, scope, options);
    if (status == FLUME_OK)
        memcpy(out_address, it.address, sizeof it.address);
    return status;
}

/* ---- recalling ---- */

/* What is there as of the last value put, which is told for the conditional append. A view that is
 * that far need not wait for records of other kinds. */
static int look(const struct recollection *it, uint64_t *out_last, struct address_row *out_row)
{
    flume *handle = it->recorder->handle;
    flume_ask ask = it->ask;
    int status = flume_log_last(handle->log, FLUME_KIND_VALUE, out_last);

    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    if (*out_last == FLUME_SEQ_NONE)
        return FLUME_ERR_NOT_FOUND;
    ask.flags = FLUME_ASK_AS_OF;
    ask.as_of = *out_last + 1;
    status = address_find(handle, &ask, it->address, out_row);
    return status == FLUME_OK && !address_has_value(out_row) ? FLUME_ERR_NOT_FOUND : status;
}

int flume_recall(flume_recorder *recorder, flume_scope *scope, const flume_recall_options *options,
                 flume_stored *out_stored)
{
    struct recollection it;
    struct address_row row;
    uint64_t last;
    int status;

    if (recorder == NULL || scope == NULL || out_stored == NULL)
        return FLUME_ERR_INVALID;
    status = begin(&it, recorder, scope, options);
    if (status != FLUME_OK)
        return status;
    status = look(&it, &last, &row);
    if (status == FLUME_OK)
        status = stored_open(recorder->handle, &row, it.address, out_stored);
    if (status == FLUME_OK)
        recorder->recalls.hits++;
    else if (status == FLUME_ERR_NOT_FOUND)
        recorder->recalls.misses++;
    return status;
}

/* ---- remembering ---- */

/* Inside of the lane. FLUME_OK: stored. FLUME_END: there is a value, *out_row. */
static int look_and_append(const struct recollection *it, const struct stored_draft *draft,
                           struct address_row *out_row)
{
    flume_condition condition = {.check = FLUME_IF_LAST, .kind = FLUME_KIND_VALUE};
    int status;

    if ((it->options->flags & FLUME_RECALL_REPLACE) != 0)
        return stored_draft_append(draft, it->recorder->handle, NULL, NULL);
    do {
        status = look(it, &condition.last, out_row);
        if (status == FLUME_OK)
            return FLUME_END;
        if (status != FLUME_ERR_NOT_FOUND)
            return status;
        status = stored_draft_append(draft, it->recorder->handle, &condition, NULL);
    } while (status == FLUME_ERR_CONFLICT);
    return status;
}

static int store(const struct recollection *it, const void *data, size_t data_bytes,
                 struct address_row *out_row)
{
    flume *handle = it->recorder->handle;
    const flume_put_options options = {.labels = it->options->labels,
                                       .label_count = it->options->label_count};
    struct stored_draft draft = {.options = &options};
    int status;

    draft.stored.flags = FLUME_STORED_REMEMBERED;
    memcpy(draft.stored.address, it->address, sizeof it->address);
    memcpy(draft.stored.scope_id, it->scope_id, sizeof it->scope_id);
    status = stored_draft_make(&draft, handle, data, data_bytes);
    if (status != FLUME_OK)
        goto done;
    status = stored_lane_enter(handle);
    if (status != FLUME_OK)
        goto done;
    status = look_and_append(it, &draft, out_row);
    stored_lane_leave(handle);
done:
    stored_draft_deinit(&draft);
    return status;
}

/* Somebody was first. */
static int lose(const struct recollection *it, const struct address_row *row,
                flume_stored *out_first)
{
    flume *handle = it->recorder->handle;
    int status = out_first != NULL ? stored_open(handle, row, it->address, out_first) : FLUME_OK;

    if (status != FLUME_OK)
        return status;
    it->recorder->recalls.races_lost++;
    return flume_fail(handle, FLUME_ERR_CONFLICT, row->seq,
                      "record %llu remembered a value of this scope first",
                      (unsigned long long)row->seq);
}

int flume_remember(flume_recorder *recorder, flume_scope *scope, const void *data,
                   size_t data_bytes, const flume_recall_options *options, flume_stored *out_first)
{
    struct recollection it;
    struct address_row row;
    uint64_t last;
    int status;

    if (recorder == NULL || scope == NULL || (data == NULL && data_bytes > 0))
        return FLUME_ERR_INVALID;
    status = begin(&it, recorder, scope, options);
    if (status != FLUME_OK)
        return status;
    status = (it.options->flags & FLUME_RECALL_REPLACE) != 0 ? FLUME_ERR_NOT_FOUND
                                                             : look(&it, &last, &row);
    if (status == FLUME_ERR_NOT_FOUND)
        status = store(&it, data != NULL ? data : "", data_bytes, &row);
    else if (status == FLUME_OK)
        status = FLUME_END;
    if (status == FLUME_END)
        return lose(&it, &row, out_first);
    if (status == FLUME_OK)
        recorder->recalls.stored++;
    return status;
}

int flume_forget(flume_recorder *recorder, flume_scope *scope, const flume_recall_options *options)
{
    struct recollection it;
    int status;

    if (recorder == NULL || scope == NULL)
        return FLUME_ERR_INVALID;
    status = begin(&it, recorder, scope, options);
    return status == FLUME_OK ? flume_end_at(recorder->handle, &it.ask, it.address, NULL) : status;
}

void flume_recall_count(const flume_recorder *recorder, flume_recall_counts *out_counts)
{
    if (recorder != NULL && out_counts != NULL)
        *out_counts = recorder->recalls;
}
