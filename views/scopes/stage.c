/*
 * stage.c - commits that wait: putting them into the stage, finding them, throwing them away
 * (stage.h).
 */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "flume/blob.h"
#include "rules.h"

enum { EVERY_DIGITS_MAX = 18 };

/* ---- whose turn it is ---- */

bool stage_every_read(const char *value, uint64_t *out_every)
{
    size_t digits = strspn(value, "0123456789");

    if (strcmp(value, "never") == 0) {
        *out_every = 0;
        return true;
    }
    if (digits == 0 || digits > EVERY_DIGITS_MAX || value[digits] != '\0' || value[0] == '0')
        return false;
    *out_every = strtoull(value, NULL, 10);
    return true;
}

int stage_turn_of(flume_recorder *recorder, const flume_scope *scope, struct stage_turn *out_turn)
{
    struct recorder_rules *rules = recorder->rules;
    struct stage *stage = &recorder->stage;
    flume_setting setting;
    int status = FLUME_ERR_NOT_FOUND;

    *out_turn = (struct stage_turn){
        .is_staged = stage->is_on, .every = stage->options.flush_every, .counter = &stage->counted};
    if (rules != NULL && rules->has_flush_every)
        status = flume_recorder_config(recorder, scope, FLUME_SETTING_FLUSH_EVERY, &setting);
    if (status == FLUME_ERR_NOT_FOUND)
        return FLUME_OK;
    if (status != FLUME_OK)
        return status;
    (void)stage_every_read(setting.value, &out_turn->every); /* Looked at when it was given. */
    out_turn->is_staged = out_turn->every != 1;
    out_turn->counter = &rules->settings[setting.rule].staged;
    return FLUME_OK;
}

/* ---- by hash ---- */

static struct fingerprint half_of(const uint8_t hash[FLUME_HASH_BYTES])
{
    struct fingerprint half;

    memcpy(half.lanes, hash, sizeof half.lanes);
    return half;
}

static int read_head(flume_recorder *recorder, uint64_t at, struct stage_entry *out_entry)
{
    struct stage *stage = &recorder->stage;

    if (at < stage->entries.bytes)
        return spool_read(recorder->handle, &stage->entries, at, out_entry, sizeof *out_entry);
    if (!stage->has_last || at > stage->entries.bytes)
        return FLUME_END;
    *out_entry = stage->last;
    return FLUME_OK;
}

int stage_find(flume_recorder *recorder, const uint8_t id[FLUME_HASH_BYTES],
               uint64_t *out_staged_id)
{
    struct stage *stage = &recorder->stage;
    const struct containment_entry *found = pairs_map_find(&stage->ids, half_of(id));
    struct stage_entry entry;
    int status;

    if (found == NULL || found->superset_seq < stage->read_at)
        return FLUME_ERR_NOT_FOUND;
    status = read_head(recorder, found->superset_seq, &entry);
    if (status != FLUME_OK)
        return status;
    if (memcmp(entry.id, id, sizeof entry.id) != 0)
        return FLUME_ERR_NOT_FOUND; /* Half of its id is that of another one. */
    *out_staged_id = found->own_seq;
    return FLUME_OK;
}

/* Where a content is staged already; false: it is not. */
static bool find_content(flume_recorder *recorder, struct stage_content *io_content)
{
    struct stage *stage = &recorder->stage;
    const struct containment_entry *found =
        pairs_map_find(&stage->known, half_of(io_content->hash));
    uint8_t hash[FLUME_HASH_BYTES];

    if (found == NULL || found->superset_seq != io_content->bytes ||
        spool_read(recorder->handle, &stage->contents, found->own_seq, hash, sizeof hash) !=
            FLUME_OK ||
        memcmp(hash, io_content->hash, sizeof hash) != 0)
        return false;
    io_content->at = found->own_seq + sizeof hash;
    return true;
}

/* ---- an entry's payload ---- */

/* What stands before a pair. */
struct slot_head {
    uint32_t key_bytes, value_at, pair_bytes;
    uint8_t class_, flags;
    bool is_label, is_inherited, has_value;
};

static bool put_slots(const flume_scope *scope, struct scope_buffer *payload, uint32_t *out_count)
{
    uint32_t count = 0;

    payload->bytes = 0;
    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_slot *slot = scope_slot_at(scope, i);
        struct slot_head head;

        if (slot->class_ == FLUME_CLASS_IGNORE)
            continue;
        memset(&head, 0, sizeof head);
        head.key_bytes = slot->key_bytes;
        head.value_at = slot->value_at;
        head.pair_bytes = slot->pair_bytes;
        head.class_ = slot->class_;
        head.flags = slot->flags;
        head.is_label = slot->is_label;
        head.is_inherited = slot->is_inherited;
        head.has_value = slot->has_value;
        if (!scope_buffer_add(payload, &head, sizeof head) ||
            !scope_buffer_add(payload, slot->pair, slot->pair_bytes))
            return false;
        count++;
    }
    *out_count = count;
    return true;
}

static int take_slot(const struct slot_head *head, const uint8_t *data, flume_scope *scope)
{
    const struct scope_pair pair = {.key = data + head->value_at - head->key_bytes,
                                    .key_bytes = head->key_bytes,
                                    .bytes = head->pair_bytes,
                                    .data = data};
    struct scope_setting setting = {.class_ = (enum flume_variable_class)head->class_,
                                    .flags = head->flags,
                                    .has_value = head->has_value};

    if (head->is_label)
        return scope_label_add(scope, (const char *)pair.key + SCOPE_LABEL_PREFIX_BYTES,
                               pair.key_bytes - SCOPE_LABEL_PREFIX_BYTES, head->is_inherited);
    scope_pair_value(&pair, &setting.value);
    return scope_put(scope, (const char *)pair.key, pair.key_bytes, &setting);
}

static int take_slots(flume_recorder *recorder, const struct stage_entry *entry)
{
    struct stage *stage = &recorder->stage;
    const uint8_t *at = stage->payload.data;
    struct slot_head head;
    int status = FLUME_OK;

    if (stage->scope == NULL)
        status = flume_scope_create(&stage->scope);
    if (status == FLUME_OK)
        flume_scope_clear(stage->scope);
    if (status == FLUME_OK)
        stage->scope->is_loose = false; /* What is taken stays what it is. */
    for (uint32_t i = 0; status == FLUME_OK && i < entry->slots; i++) {
        memcpy(&head, at, sizeof head);
        status = take_slot(&head, at + sizeof head, stage->scope);
        at += sizeof head + head.pair_bytes;
    }
    if (status != FLUME_OK)
        return flume_fail(recorder->handle, status, FLUME_SEQ_NONE,
                          "no memory for a scope that is staged");
    stage->scope->is_loose = entry->is_loose;
    return FLUME_OK;
}

/* ---- contents ---- */

/* Those that neither the basin nor the stage has are put into the spool. */
static int stage_content(flume_recorder *recorder, const flume_variable *variable,
                         struct scope_buffer *payload, uint32_t *io_count)
{
    struct stage *stage = &recorder->stage;
    flume_ask now = {0};
    struct stage_content content;
    uint64_t seq;
    int status = flume_blob_find(recorder->handle, &now, variable->value.content.hash, &seq);

    if (status != FLUME_ERR_NOT_FOUND)
        return status;
    memset(&content, 0, sizeof content);
    memcpy(content.hash, variable->value.content.hash, sizeof content.hash);
    content.bytes = variable->content_bytes;
    status = FLUME_OK;
    if (!find_content(recorder, &content)) {
        content.at = stage->contents.bytes + sizeof content.hash;
        status = spool_add(recorder->handle, &stage->contents, content.hash, sizeof content.hash);
        if (status == FLUME_OK)
            status = spool_add(recorder->handle, &stage->contents, variable->content,
                               variable->content_bytes);
    }
    if (status == FLUME_OK && !scope_buffer_add(payload, &content, sizeof content))
        status = flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                            "no memory for a scope that is to be staged");
    (*io_count)++;
    return status;
}

static int stage_contents(flume_recorder *recorder, const flume_scope *scope,
                          struct scope_buffer *payload, uint32_t *out_count)
{
    flume_variable variable;
    int status = FLUME_OK;

    *out_count = 0;
    for (size_t i = 0; status == FLUME_OK && flume_scope_at(scope, i, &variable); i++)
        if (variable.class_ == FLUME_CLASS_BLOB && variable.content != NULL)
            status = stage_content(recorder, &variable, payload, out_count);
    return status;
}

struct stage_content stage_content_at(const struct stage *stage, const struct stage_entry *entry,
                                      uint32_t index)
{
    size_t behind = entry->contents - index;
    struct stage_content content;

    memcpy(&content, stage->payload.data + entry->payload_bytes - behind * sizeof content,
           sizeof content);
    return content;
}

/* Without memory for it, what comes again is staged again: that is all. */
static void note_contents(struct stage *stage, const struct stage_entry *entry)
{
    for (uint32_t i = 0; i < entry->contents; i++) {
        struct stage_content content = stage_content_at(stage, entry, i);
        struct containment_entry place = {content.at - sizeof content.hash, content.bytes};

        (void)pairs_map_put(&stage->known, half_of(content.hash), &place);
    }
}

/* ---- adding ---- */

/* The last entry cannot count any more: it goes where the others are. */
static int spill_last(flume_recorder *recorder)
{
    struct stage *stage = &recorder->stage;
    uint64_t at = stage->entries.bytes;
    int status = FLUME_OK;

    if (!stage->has_last)
        return FLUME_OK;
    status = spool_add(recorder->handle, &stage->entries, &stage->last, sizeof stage->last);
    if (status == FLUME_OK)
        status = spool_add(recorder->handle, &stage->entries, stage->last_payload.data,
                           stage->last_payload.bytes);
    if (status != FLUME_OK) {
        if (stage->entries.is_open)
            spool_cut(&stage->entries, at);
        return status;
    }
    stage->has_last = false;
    return FLUME_OK;
}

static bool goes_on(const struct stage *stage, const struct stage_entry *entry)
{
    const struct stage_entry *last = &stage->last;

    return stage->has_last && last->is_again && entry->is_again && last->frame == entry->frame &&
           last->enclosing_frame == entry->enclosing_frame &&
           memcmp(last->tare_id, entry->tare_id, sizeof entry->tare_id) == 0 &&
           memcmp(last->id, entry->id, sizeof entry->id) == 0;
}

static void take_payload(struct stage *stage)
{
    struct scope_buffer payload = stage->last_payload;

    stage->last_payload = stage->payload;
    stage->payload = payload;
}

/* Once more what the last entry is; with the volatile variables of this time. */
static int count_again(flume_recorder *recorder, flume_scope *effective, uint64_t now_ns)
{
    struct stage *stage = &recorder->stage;
    uint32_t slots = stage->last.slots;

    if (effective->class_count[FLUME_CLASS_VOLATILE] > 0) {
        if (!put_slots(effective, &stage->payload, &slots))
            return flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                              "no memory for a scope that is to be staged");
        take_payload(stage);
        stage->last.payload_bytes = stage->last_payload.bytes;
        stage->last.slots = slots;
    }
    stage->last.count++;
    stage->last.last_time_ns = now_ns;
    return FLUME_OK;
}

/* Everything that may fail; what it has put into the contents is told by their count. */
static int make_entry(flume_recorder *recorder, flume_scope *effective, struct stage_entry *entry)
{
    struct stage *stage = &recorder->stage;
    struct containment_entry place = {entry->staged_id, 0};
    int status = spill_last(recorder);

    if (status != FLUME_OK)
        return status;
    place.superset_seq = stage->entries.bytes;
    if (!put_slots(effective, &stage->payload, &entry->slots))
        status = flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                            "no memory for a scope that is to be staged");
    if (status == FLUME_OK && !entry->is_again)
        status = stage_contents(recorder, effective, &stage->payload, &entry->contents);
    if (status == FLUME_OK && !entry->is_again &&
        pairs_map_put(&stage->ids, half_of(entry->id), &place) != FLUME_OK)
        status = flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                            "no memory for another staged scope: flume_recorder_flush()");
    entry->payload_bytes = stage->payload.bytes;
    return status;
}

int stage_add(flume_recorder *recorder, flume_scope *effective, const struct stage_entry *entry,
              uint64_t *out_staged_id)
{
    struct stage *stage = &recorder->stage;
    const flume_io *io = recorder->handle->io;
    uint64_t now_ns = io->wall_ns(io->ctx), contents = stage->contents.bytes;
    struct stage_entry made = *entry;
    bool is_counted = goes_on(stage, entry);
    int status;

    made.staged_id = stage->last_id + 1;
    made.count = 1;
    made.is_loose = effective->is_loose;
    made.first_time_ns = made.last_time_ns = now_ns;
    if (is_counted)
        status = count_again(recorder, effective, now_ns);
    else
        status = make_entry(recorder, effective, &made);
    if (status != FLUME_OK) {
        if (stage->contents.is_open)
            spool_cut(&stage->contents, contents);
        return status;
    }
    if (!is_counted) {
        note_contents(stage, &made);
        take_payload(stage);
        stage->last = made;
        stage->has_last = true;
    }
    stage->commits++;
    *out_staged_id = ++stage->last_id;
    return FLUME_OK;
}

/* ---- reading and ending ---- */

int stage_read(flume_recorder *recorder, uint64_t at, struct stage_entry *out_entry,
               uint64_t *out_next)
{
    struct stage *stage = &recorder->stage;
    int status = read_head(recorder, at, out_entry);

    if (status != FLUME_OK)
        return status;
    if (!scope_reserve((void **)&stage->payload.data, &stage->payload.capacity,
                       out_entry->payload_bytes, 1))
        return flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no memory for a scope that is staged");
    stage->payload.bytes = out_entry->payload_bytes;
    if (at == stage->entries.bytes)
        memcpy(stage->payload.data, stage->last_payload.data, out_entry->payload_bytes);
    else
        status = spool_read(recorder->handle, &stage->entries, at + sizeof *out_entry,
                            stage->payload.data, out_entry->payload_bytes);
    if (status == FLUME_OK)
        status = take_slots(recorder, out_entry);
    *out_next = at + sizeof *out_entry + out_entry->payload_bytes;
    return status;
}

void stage_clear(flume_recorder *recorder)
{
    struct stage *stage = &recorder->stage;
    struct recorder_rules *rules = recorder->rules;

    spool_close(&stage->entries);
    spool_close(&stage->contents);
    pairs_map_deinit(&stage->ids);
    pairs_map_deinit(&stage->known);
    stage->has_last = false;
    stage->commits = stage->counted = stage->read_at = stage->read_done = 0;
    for (size_t i = 0; rules != NULL && i < rules->setting_count; i++)
        rules->settings[i].staged = 0;
}

void stage_deinit(struct stage *stage)
{
    spool_close(&stage->entries);
    spool_close(&stage->contents);
    pairs_map_deinit(&stage->ids);
    pairs_map_deinit(&stage->known);
    scope_buffer_deinit(&stage->last_payload);
    scope_buffer_deinit(&stage->payload);
    flume_scope_destroy(stage->scope);
}
