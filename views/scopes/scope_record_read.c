/*
 * scope_record_read.c - a scope's record with what it names in the log: a link's scope, and the
 * full one that a shadowed scope is a part of, or to which a delta adds.
 *
 * Two steps at most: a link names a scope, a shadowed scope or a delta a full one. Whatever the log
 * says, none is followed further.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "scope_inside.h"
#include "scope_record_bytes.h"

static int read_one(flume_log *log, uint64_t seq, struct scope_record *record)
{
    struct scope_record_memory *memory = scope_record_memory(record);
    int status;

    if (memory == NULL)
        return FLUME_ERR_NO_MEMORY;
    flume_record_release(&memory->record);
    memory->record = (flume_record){0};
    status = flume_log_get(log, seq, &memory->record);
    if (status < 0)
        return status;
    return scope_record_decode(&memory->record, record);
}

/* What a record names, which comes before it. */
static int read_target(flume_log *log, struct scope_record *record)
{
    struct scope_record_memory *memory = record->memory;
    int status;

    if (record->target_seq >= memory->record.seq)
        return FLUME_ERR_DAMAGED;
    if (memory->inner == NULL)
        memory->inner = calloc(1, sizeof *memory->inner);
    if (memory->inner == NULL)
        return FLUME_ERR_NO_MEMORY;
    status = read_one(log, record->target_seq, memory->inner);
    if (status == FLUME_ERR_NOT_FOUND || status == FLUME_ERR_INVALID)
        return FLUME_ERR_DAMAGED; /* There is nothing, or something else. */
    return status;
}

/* The full record that a shadowed scope is a part of, or a delta adds to. */
static int read_full(flume_log *log, struct scope_record *record)
{
    int status = read_target(log, record);

    if (status == FLUME_OK && record->memory->inner->form != SCOPE_RECORD_FULL)
        status = FLUME_ERR_DAMAGED;
    if (status != FLUME_OK && status != FLUME_ERR_NO_MEMORY)
        record->lost_seq = record->target_seq;
    return status;
}

/* ---- a part of another scope ---- */

static bool is_missing(const struct scope_pairs *missing, size_t next,
                       const struct scope_pair *pair)
{
    return next < missing->count &&
           scope_key_compare(missing->pairs[next].key, missing->pairs[next].key_bytes, pair->key,
                             pair->key_bytes) == 0;
}

/* The pairs that are not missing. @return how many of the missing ones were met. */
static size_t subtract(const struct scope_pairs *all, const struct scope_pairs *missing,
                       struct scope_pairs *out)
{
    size_t next = 0;

    out->count = 0;
    for (size_t i = 0; i < all->count; i++) {
        while (next < missing->count &&
               scope_key_compare(missing->pairs[next].key, missing->pairs[next].key_bytes,
                                 all->pairs[i].key, all->pairs[i].key_bytes) < 0)
            next++; /* A label, where variables are subtracted. */
        if (is_missing(missing, next, &all->pairs[i]))
            continue;
        out->pairs[out->count++] = all->pairs[i];
    }
    return all->count - out->count;
}

static bool is_label_of(const struct scope_record *record, size_t index, size_t end,
                        const struct scope_pair *pair)
{
    size_t bytes = pair->key_bytes - SCOPE_LABEL_PREFIX_BYTES;

    return index < end && record->labels[index].bytes == bytes &&
           memcmp(record->labels[index].text, pair->key + SCOPE_LABEL_PREFIX_BYTES, bytes) == 0;
}

/* The labels that are left are those that the record has: of its two lists in order the next
 * one. */
static bool has_labels(const struct scope_record *record)
{
    size_t own = 0, inherited = record->own_labels;

    for (size_t i = 0; i < record->identity.count; i++) {
        const struct scope_pair *pair = &record->identity.pairs[i];

        if (!scope_pair_is_label(pair))
            continue;
        if (is_label_of(record, own, record->own_labels, pair))
            own++;
        else if (is_label_of(record, inherited, record->label_count, pair))
            inherited++;
        else
            return false;
    }
    return own == record->own_labels && inherited == record->label_count;
}

static int take_part(struct scope_record *record, const struct scope_record *full)
{
    struct scope_record_memory *memory = record->memory;
    size_t kept = 0;

    if (!pair_room_reserve(&memory->identity, full->identity.count) ||
        !pair_room_reserve(&memory->variables, full->variables.count) ||
        !scope_reserve((void **)&memory->bytes, &memory->bytes_capacity, full->variables.count, 1))
        return FLUME_ERR_NO_MEMORY;
    record->identity.pairs = memory->identity.pairs;
    record->variables.pairs = memory->variables.pairs;
    if (subtract(&full->identity, &record->missing, &record->identity) != record->missing.count)
        return FLUME_ERR_DAMAGED;
    (void)subtract(&full->variables, &record->missing, &record->variables);
    for (size_t i = 0; i < full->variables.count && kept < record->variables.count; i++) {
        if (record->variables.pairs[kept].data == full->variables.pairs[i].data)
            memory->bytes[kept++] = full->attributes[i];
    }
    record->attributes = memory->bytes;
    return has_labels(record) ? FLUME_OK : FLUME_ERR_DAMAGED;
}

static int resolve_shadowed(flume_log *log, struct scope_record *record)
{
    int status = read_full(log, record);

    if (status == FLUME_OK)
        status = take_part(record, record->memory->inner);
    if (status == FLUME_OK && scope_pairs_share_key(&record->variables, &record->volatiles))
        return FLUME_ERR_DAMAGED;
    return status;
}

/* ---- more than another scope ---- */

static int compare_keys(const struct scope_pair *one, const struct scope_pair *other)
{
    return scope_key_compare(one->key, one->key_bytes, other->key, other->key_bytes);
}

/* Both in one order. No key is in both. */
static int add_to(struct scope_record *record, const struct scope_record *full)
{
    struct scope_record_memory *memory = record->memory;
    size_t count = full->variables.count + record->added.count, i = 0, j = 0;

    if (count > FLUME_SCOPE_VARIABLES_MAX)
        return FLUME_ERR_DAMAGED;
    if (!pair_room_reserve(&memory->variables, count) ||
        !scope_reserve((void **)&memory->attributes, &memory->attributes_capacity, count, 1))
        return FLUME_ERR_NO_MEMORY;
    while (i + j < count) {
        int order = i == full->variables.count ? 1 : -1;

        if (order < 0 && j < record->added.count)
            order = compare_keys(&full->variables.pairs[i], &record->added.pairs[j]);
        if (order == 0)
            return FLUME_ERR_DAMAGED;
        memory->variables.pairs[i + j] = order < 0 ? full->variables.pairs[i]
                                                   : record->added.pairs[j];
        memory->attributes[i + j] = order < 0 ? full->attributes[i] : record->added_attributes[j];
        i += order < 0;
        j += order > 0;
    }
    record->variables = (struct scope_pairs){.pairs = memory->variables.pairs, .count = count};
    record->attributes = memory->attributes;
    return FLUME_OK;
}

static int resolve_delta(flume_log *log, struct scope_record *record)
{
    const struct scope_record *full;
    int status = read_full(log, record);

    if (status < 0)
        return status;
    full = record->memory->inner;
    status = add_to(record, full);
    if (status == FLUME_OK && scope_pairs_share_key(&record->variables, &record->volatiles))
        return FLUME_ERR_DAMAGED;
    if (status == FLUME_OK)
        status = scope_record_identify(&record->memory->record, record);
    if (status == FLUME_OK && !scope_pairs_are_within(&full->identity, &record->identity))
        return FLUME_ERR_DAMAGED;
    return status == FLUME_OK ? scope_record_verify(record) : status;
}

struct scope_record scope_record_of_added(const struct scope_record *delta)
{
    struct scope_record added = *delta;

    added.variables = delta->added;
    added.attributes = delta->added_attributes;
    return added;
}

/* ---- links ---- */

/* A scope, whatever its form. */
static int resolve_scope(flume_log *log, struct scope_record *record)
{
    switch (record->form) {
    case SCOPE_RECORD_SHADOWED:
        return resolve_shadowed(log, record);
    case SCOPE_RECORD_DELTA:
        return resolve_delta(log, record);
    default:
        return FLUME_OK;
    }
}

static int resolve_link(flume_log *log, struct scope_record *record)
{
    struct scope_record *scope;
    int status = read_target(log, record);

    if (status < 0)
        return status;
    scope = record->memory->inner;
    status = scope_record_name(scope);
    if (status < 0)
        return status;
    if (scope->form == SCOPE_RECORD_LINK || memcmp(scope->id, record->id, FLUME_HASH_BYTES) != 0)
        return FLUME_ERR_DAMAGED;
    status = resolve_scope(log, scope);
    record->lost_seq = scope->lost_seq;
    if (status < 0)
        return status;
    if (scope_pairs_share_key(&scope->variables, &record->volatiles))
        return FLUME_ERR_DAMAGED;
    memcpy(record->local_id, scope->local_id, FLUME_HASH_BYTES);
    record->is_loose = scope->is_loose;
    record->identity = scope->identity;
    record->variables = scope->variables;
    record->attributes = scope->attributes;
    record->labels = scope->labels;
    record->label_count = scope->label_count;
    record->own_labels = scope->own_labels;
    return FLUME_OK;
}

int scope_record_read(flume_log *log, uint64_t seq, struct scope_record *io_record)
{
    int status;

    io_record->lost_seq = FLUME_SEQ_NONE; /* Of the one before, if this cannot even be got. */
    status = read_one(log, seq, io_record);
    if (status < 0)
        return status;
    return io_record->form == SCOPE_RECORD_LINK ? resolve_link(log, io_record)
                                                : resolve_scope(log, io_record);
}

/* ---- what it says ---- */

/* Pairs of what is inline and local, and labels. */
static size_t pick_local(const struct scope_record *record, struct scope_pair *target)
{
    size_t used = 0, next = 0;

    for (size_t i = 0; i < record->identity.count; i++) {
        const struct scope_pair *pair = &record->identity.pairs[i];

        if (scope_pair_is_label(pair) || record->attributes[next] == FLUME_CLASS_INLINE)
            target[used++] = *pair;
        if (!scope_pair_is_label(pair))
            next++;
    }
    return used;
}

static bool is_all_local(const struct scope_record *record)
{
    for (size_t i = 0; i < record->variables.count; i++)
        if (record->attributes[i] != FLUME_CLASS_INLINE)
            return false;
    return true;
}

static int make_ids(const struct scope_record *record, uint8_t out_id[FLUME_HASH_BYTES],
                    uint8_t out_local_id[FLUME_HASH_BYTES])
{
    struct scope_pairs local = {.pairs = NULL};
    int status = scope_pairs_id(&record->identity, out_id);

    if (status < 0)
        return status;
    if (is_all_local(record)) { /* It is the same scope. */
        memcpy(out_local_id, out_id, FLUME_HASH_BYTES);
        return FLUME_OK;
    }
    local.pairs = malloc((record->identity.count + 1) * sizeof *local.pairs);
    if (local.pairs == NULL)
        return FLUME_ERR_NO_MEMORY;
    local.count = pick_local(record, local.pairs);
    status = scope_pairs_id(&local, out_local_id);
    free(local.pairs);
    return status;
}

int scope_record_verify(const struct scope_record *record)
{
    uint8_t id[FLUME_HASH_BYTES], local_id[FLUME_HASH_BYTES];
    int status = record->is_unnamed ? FLUME_OK : make_ids(record, id, local_id);

    if (status < 0 || record->is_unnamed)
        return status;
    if (memcmp(id, record->id, sizeof id) != 0 ||
        memcmp(local_id, record->local_id, sizeof local_id) != 0)
        return FLUME_ERR_DAMAGED;
    return FLUME_OK;
}

int scope_record_name(struct scope_record *record)
{
    int status = record->is_unnamed ? make_ids(record, record->id, record->local_id) : FLUME_OK;

    if (status == FLUME_OK)
        record->is_unnamed = false;
    return status;
}

static int restore_pairs(const struct scope_pairs *pairs, const uint8_t *attributes,
                         flume_scope *scope)
{
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < pairs->count; i++) {
        const struct scope_pair *pair = &pairs->pairs[i];
        struct scope_setting setting = {.class_ = scope_attribute_class(attributes[i]),
                                        .flags = scope_attribute_flags(attributes[i]),
                                        .has_value = true};

        scope_pair_value(pair, &setting.value);
        status = scope_put(scope, (const char *)pair->key, pair->key_bytes, &setting);
    }
    return status;
}

int scope_record_restore(const struct scope_record *record, flume_scope *io_scope)
{
    int status;

    flume_scope_clear(io_scope);
    io_scope->is_loose = false; /* What stands there stays what it is. */
    status = restore_pairs(&record->variables, record->attributes, io_scope);
    if (status == FLUME_OK)
        status = restore_pairs(&record->volatiles, record->volatile_attributes, io_scope);
    for (size_t i = 0; status == FLUME_OK && i < record->label_count; i++)
        status = scope_label_add(io_scope, record->labels[i].text, record->labels[i].bytes,
                                 i >= record->own_labels);
    io_scope->is_loose = record->is_loose;
    return status;
}

bool scope_record_id(const flume_record *record, uint8_t out_id[FLUME_HASH_BYTES])
{
    const uint8_t *body = record->body;

    /* At the same place in both kinds. */
    static_assert((int)SCOPE_BODY_ID_AT == (int)LINK_BODY_ID_AT, "one place");
    if ((record->kind != FLUME_KIND_SCOPE && record->kind != FLUME_KIND_LINK) ||
        record->body_bytes < SCOPE_BODY_ID_AT + FLUME_HASH_BYTES ||
        body[SCOPE_BODY_FORMAT_AT] != SCOPE_RECORD_FORMAT ||
        (record->kind == FLUME_KIND_SCOPE && (body[SCOPE_BODY_FLAGS_AT] & SCOPE_BODY_UNNAMED) != 0))
        return false;
    memcpy(out_id, body + SCOPE_BODY_ID_AT, FLUME_HASH_BYTES);
    return true;
}
