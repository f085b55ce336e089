/*
 * scope_record.c - taking a scope's record, or a link, apart. See scope_record.h.
 *
 * All that is read lies between two pointers, the one that moves never beyond the other. A count is
 * believed only as far as there are bytes for it, before memory is taken.
 */
#include "scope_record.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "labels.h"
#include "little.h"
#include "scope_inside.h"
#include "scope_record_bytes.h"
#include "text.h"

enum { PAIR_BYTES_MIN = 3, KEY_BYTES_MIN = 2 }; /* With the varint. */

struct reader {
    const uint8_t *at, *end;
};

struct scope_record_memory *scope_record_memory(struct scope_record *record)
{
    if (record->memory == NULL)
        record->memory = calloc(1, sizeof *record->memory);
    return record->memory;
}

bool pair_room_reserve(struct pair_room *room, size_t count)
{
    return scope_reserve((void **)&room->pairs, &room->capacity, count, sizeof *room->pairs);
}

bool scope_pairs_share_key(const struct scope_pairs *one, const struct scope_pairs *other)
{
    size_t i = 0, j = 0;

    while (i < one->count && j < other->count) {
        const struct scope_pair *left = &one->pairs[i], *right = &other->pairs[j];
        int order = scope_key_compare(left->key, left->key_bytes, right->key, right->key_bytes);

        if (order == 0)
            return true;
        i += order < 0;
        j += order > 0;
    }
    return false;
}

/* ---- keys and pairs ---- */

static bool is_label_key(const uint8_t *key, uint32_t bytes)
{
    const char *text = (const char *)key + SCOPE_LABEL_PREFIX_BYTES;

    return bytes > SCOPE_LABEL_PREFIX_BYTES &&
           bytes <= SCOPE_LABEL_PREFIX_BYTES + FLUME_LABEL_BYTES_MAX &&
           memcmp(key, SCOPE_LABEL_PREFIX, SCOPE_LABEL_PREFIX_BYTES) == 0 && text[0] != '@' &&
           text_is_line(text, bytes - SCOPE_LABEL_PREFIX_BYTES);
}

static bool is_variable_key(const uint8_t *key, uint32_t bytes)
{
    return (key[0] != '@' || scope_key_is_chain(key, bytes)) && memchr(key, '\0', bytes) == NULL &&
           text_is_utf8((const char *)key, bytes);
}

static bool read_key(struct reader *reader, struct scope_pair *pair)
{
    uint32_t bytes;

    pair->data = reader->at;
    if (!varint_read(&reader->at, reader->end, &bytes) || bytes == 0 ||
        bytes > FLUME_SCOPE_KEY_BYTES_MAX || (size_t)(reader->end - reader->at) < bytes)
        return false;
    pair->key = reader->at;
    pair->key_bytes = bytes;
    reader->at += bytes;
    return true;
}

/* Whether the next key is the one that stood at this index before, and so did all before it. */
static bool read_seen_key(struct reader *reader, struct seen_keys *seen, uint32_t index,
                          struct scope_pair *pair)
{
    uint32_t begin, bytes;

    if (index >= seen->count)
        return false;
    begin = index == 0 ? 0 : seen->ends[index - 1];
    bytes = seen->ends[index] - begin;
    if ((size_t)(reader->end - reader->at) < bytes ||
        memcmp(reader->at, seen->bytes + begin, bytes) != 0) {
        seen->count = index;
        return false;
    }
    pair->data = reader->at;
    pair->key = reader->at + 1;
    pair->key_bytes = bytes - 1;
    reader->at += bytes;
    return true;
}

static void note_key(struct seen_keys *seen, uint32_t index, const struct scope_pair *pair)
{
    uint32_t begin, bytes = pair->key_bytes + 1;

    if (index != seen->count || index == SEEN_KEYS_MAX || pair->key_bytes > SEEN_KEY_BYTES_MAX)
        return;
    begin = index == 0 ? 0 : seen->ends[index - 1];
    if (begin + bytes > SEEN_BYTES_MAX)
        return;
    memcpy(seen->bytes + begin, pair->data, bytes);
    seen->ends[index] = (uint16_t)(begin + bytes);
    seen->count++;
}

static bool is_behind(const struct scope_pair *pair, const struct scope_pair *before)
{
    return before == NULL ||
           scope_key_compare(before->key, before->key_bytes, pair->key, pair->key_bytes) < 0;
}

/* A key that may stand here, behind the one before it. */
static bool read_next_key(struct reader *reader, struct seen_keys *seen, uint32_t index,
                          struct scope_pair *pair)
{
    if (seen != NULL && read_seen_key(reader, seen, index, pair))
        return true;
    if (!read_key(reader, pair) || !is_variable_key(pair->key, pair->key_bytes) ||
        !is_behind(pair, index == 0 ? NULL : pair - 1))
        return false;
    if (seen != NULL)
        note_key(seen, index, pair);
    return true;
}

/* Pairs in order, and as many attributes, which are checked by who knows what they must be.
 * seen: NULL: nothing is kept of keys. */
static int read_pairs(struct reader *reader, struct pair_room *room, struct seen_keys *seen,
                      struct scope_pairs *out, const uint8_t **out_attributes)
{
    uint32_t count;

    if (!varint_read(&reader->at, reader->end, &count) || count > FLUME_SCOPE_VARIABLES_MAX ||
        (size_t)(reader->end - reader->at) / (PAIR_BYTES_MIN + 1) < count)
        return FLUME_ERR_DAMAGED;
    if (!pair_room_reserve(room, count))
        return FLUME_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct scope_pair *pair = &room->pairs[i];
        flume_value value;

        if (!read_next_key(reader, seen, i, pair) ||
            !scope_value_read(&reader->at, reader->end, &value))
            return FLUME_ERR_DAMAGED;
        pair->bytes = (uint32_t)(reader->at - pair->data);
    }
    if ((size_t)(reader->end - reader->at) < count)
        return FLUME_ERR_DAMAGED;
    *out = (struct scope_pairs){.pairs = room->pairs, .count = count};
    *out_attributes = reader->at;
    reader->at += count;
    return FLUME_OK;
}

static enum flume_value_type type_of(const struct scope_pair *pair)
{
    return (enum flume_value_type)pair->key[pair->key_bytes];
}

/* Whether each has the class that goes with its type. */
static bool have_their_classes(const struct scope_pairs *pairs, const uint8_t *attributes)
{
    for (size_t i = 0; i < pairs->count; i++) {
        enum flume_value_type type = type_of(&pairs->pairs[i]);
        unsigned class_ = type == FLUME_VALUE_BLOB   ? FLUME_CLASS_BLOB
                          : type == FLUME_VALUE_HASH ? FLUME_CLASS_HASH
                                                     : FLUME_CLASS_INLINE;

        if ((attributes[i] & ~SCOPE_ATTRIBUTE_GLOBAL) != class_)
            return false;
        if (!scope_pair_is_variable(&pairs->pairs[i]) && attributes[i] != FLUME_CLASS_HASH)
            return false;
    }
    return true;
}

static int read_variables(struct reader *reader, struct scope_record *record)
{
    int status = read_pairs(reader, &record->memory->variables, &record->memory->seen,
                            &record->variables, &record->attributes);

    if (status == FLUME_OK && !have_their_classes(&record->variables, record->attributes))
        return FLUME_ERR_DAMAGED;
    return status;
}

static int read_added(struct reader *reader, struct scope_record *record)
{
    int status =
        read_pairs(reader, &record->memory->added, NULL, &record->added, &record->added_attributes);

    if (status == FLUME_OK && !have_their_classes(&record->added, record->added_attributes))
        return FLUME_ERR_DAMAGED;
    return status;
}

static int read_volatiles(struct reader *reader, struct scope_record *record)
{
    int status = read_pairs(reader, &record->memory->volatiles, NULL, &record->volatiles,
                            &record->volatile_attributes);

    for (size_t i = 0; status == FLUME_OK && i < record->volatiles.count; i++) {
        if ((record->volatile_attributes[i] & ~SCOPE_ATTRIBUTE_GLOBAL) != FLUME_CLASS_VOLATILE ||
            !scope_pair_is_variable(&record->volatiles.pairs[i]))
            return FLUME_ERR_DAMAGED;
    }
    if (status == FLUME_OK && reader->at != reader->end)
        return FLUME_ERR_DAMAGED;
    return status;
}

static int read_missing(struct reader *reader, struct scope_record *record)
{
    struct pair_room *room = &record->memory->missing;
    uint32_t count;

    if (!varint_read(&reader->at, reader->end, &count) || count == 0 ||
        count > FLUME_SCOPE_VARIABLES_MAX ||
        (size_t)(reader->end - reader->at) / KEY_BYTES_MIN < count)
        return FLUME_ERR_DAMAGED;
    if (!pair_room_reserve(room, count))
        return FLUME_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct scope_pair *pair = &room->pairs[i];

        if (!read_key(reader, pair) || !is_behind(pair, i == 0 ? NULL : pair - 1) ||
            (!is_variable_key(pair->key, pair->key_bytes) &&
             !is_label_key(pair->key, pair->key_bytes)))
            return FLUME_ERR_DAMAGED;
        pair->data = NULL;
        pair->bytes = 0;
    }
    record->missing = (struct scope_pairs){.pairs = room->pairs, .count = count};
    return FLUME_OK;
}

/* ---- labels ---- */

static bool is_label(const flume_label *label)
{
    return label->bytes > 0 && label->bytes <= FLUME_LABEL_BYTES_MAX && label->text[0] != '@' &&
           text_is_line(label->text, label->bytes);
}

/* Own ones in order, then inherited ones in order, none twice; behind them at most that of a
 * batch. */
static int read_labels(const flume_record *source, struct scope_record *record)
{
    struct scope_record_memory *memory = record->memory;
    size_t position = 0;
    bool has_batch = false;
    flume_label label;

    while (flume_record_label(source, &position, &label)) {
        if (!has_batch && batch_label_is(&label)) {
            has_batch = true;
            continue;
        }
        if (has_batch || !is_label(&label))
            return FLUME_ERR_DAMAGED;
        if (record->label_count != 0 && record->label_count != record->own_labels) {
            const flume_label *before = &memory->labels[record->label_count - 1];

            if (scope_key_compare(before->text, before->bytes, label.text, label.bytes) >= 0)
                return FLUME_ERR_DAMAGED;
        }
        if (!scope_reserve((void **)&memory->labels, &memory->label_capacity,
                           record->label_count + 1, sizeof *memory->labels))
            return FLUME_ERR_NO_MEMORY;
        memory->labels[record->label_count++] = label;
    }
    if (record->own_labels > record->label_count)
        return FLUME_ERR_DAMAGED;
    record->labels = memory->labels;
    return FLUME_OK;
}

/* ---- the identity ---- */

static size_t identity_bytes(const struct scope_record *record, const struct labels *labels)
{
    size_t bytes = 0;

    for (size_t i = 0; i < labels->count; i++)
        bytes += VARINT_BYTES_MAX + SCOPE_LABEL_PREFIX_BYTES + labels->list[i].bytes + 1;
    for (size_t i = 0; i < record->variables.count; i++) {
        if (type_of(&record->variables.pairs[i]) == FLUME_VALUE_BLOB)
            bytes += record->variables.pairs[i].bytes;
    }
    return bytes;
}

static uint8_t *make_label_pair(const flume_label *label, uint8_t *at, struct scope_pair *pair)
{
    uint32_t key_bytes = SCOPE_LABEL_PREFIX_BYTES + (uint32_t)label->bytes;

    pair->data = at;
    at += varint_write(at, key_bytes);
    pair->key = at;
    pair->key_bytes = key_bytes;
    memcpy(at, SCOPE_LABEL_PREFIX, SCOPE_LABEL_PREFIX_BYTES);
    memcpy(at + SCOPE_LABEL_PREFIX_BYTES, label->text, label->bytes);
    at += key_bytes;
    *at++ = FLUME_VALUE_NULL;
    pair->bytes = (uint32_t)(at - pair->data);
    return at;
}

/* A pair as hashed: a blob without its length. */
static uint8_t *make_identity_pair(const struct scope_pair *variable, uint8_t *at,
                                   struct scope_pair *pair)
{
    size_t value_at = (size_t)(variable->key - variable->data) + variable->key_bytes;

    *pair = *variable;
    if (type_of(variable) != FLUME_VALUE_BLOB)
        return at;
    pair->bytes -= SCOPE_BLOB_LENGTH_BYTES;
    memcpy(at, variable->data, pair->bytes);
    at[value_at] = FLUME_VALUE_HASH;
    pair->key = at + (variable->key - variable->data);
    pair->data = at;
    return at + pair->bytes;
}

/* Variables and labels in one order: only that of what encloses a scope begins with '@', too, and
 * stands before them. */
static int make_identity(struct scope_record *record, const struct labels *labels)
{
    struct scope_record_memory *memory = record->memory;
    size_t count = record->variables.count + labels->count;
    size_t next_label = 0, used = 0;
    uint8_t *at;

    if (labels->count != record->label_count || count > FLUME_SCOPE_VARIABLES_MAX)
        return FLUME_ERR_DAMAGED;
    if (!pair_room_reserve(&memory->identity, count) ||
        !scope_reserve((void **)&memory->bytes, &memory->bytes_capacity,
                       identity_bytes(record, labels), 1))
        return FLUME_ERR_NO_MEMORY;
    at = memory->bytes;
    for (size_t i = 0; i <= record->variables.count; i++) {
        bool is_last = i == record->variables.count;

        if (is_last || record->variables.pairs[i].key[0] > '@') {
            while (next_label < labels->count)
                at = make_label_pair(&labels->list[next_label++], at,
                                     &memory->identity.pairs[used++]);
        }
        if (!is_last)
            at = make_identity_pair(&record->variables.pairs[i], at,
                                    &memory->identity.pairs[used++]);
    }
    record->identity = (struct scope_pairs){.pairs = memory->identity.pairs, .count = used};
    return FLUME_OK;
}

/* ---- the two kinds ---- */

/* The label of a batch is none of the scope's; read_labels() has taken no other that begins so. */
static void leave_out_batch(struct labels *labels)
{
    size_t kept = 0;

    for (size_t i = 0; i < labels->count; i++) {
        if (labels->list[i].text[0] != '@')
            labels->list[kept++] = labels->list[i];
    }
    labels->count = kept;
}

int scope_record_identify(const flume_record *source, struct scope_record *record)
{
    struct labels labels;
    int status = labels_init(&labels, source);

    if (status < 0)
        return status;
    leave_out_batch(&labels);
    status = make_identity(record, &labels);
    labels_deinit(&labels);
    return status;
}

static int decode_full(const flume_record *source, struct reader *reader,
                       struct scope_record *record)
{
    int status = read_variables(reader, record);

    if (status == FLUME_OK)
        status = read_volatiles(reader, record);
    if (status < 0)
        return status;
    if (scope_pairs_share_key(&record->variables, &record->volatiles))
        return FLUME_ERR_DAMAGED;
    return scope_record_identify(source, record);
}

/* What it is added to is what it extends, or an older one within that. */
static int decode_delta(struct reader *reader, struct scope_record *record)
{
    int status = FLUME_ERR_DAMAGED;

    if (record->extends_seq != FLUME_SEQ_NONE && record->target_seq <= record->extends_seq)
        status = read_added(reader, record);
    if (status == FLUME_OK)
        status = read_volatiles(reader, record);
    if (status == FLUME_OK && scope_pairs_share_key(&record->added, &record->volatiles))
        return FLUME_ERR_DAMAGED;
    return status;
}

static int decode_shadowed(struct reader *reader, struct scope_record *record)
{
    int status = read_missing(reader, record);

    return status == FLUME_OK ? read_volatiles(reader, record) : status;
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* The id of tares, with which a body ends; behind `least` bytes. */
static bool read_tare(struct reader *reader, size_t least, struct scope_record *record)
{
    if ((size_t)(reader->end - reader->at) < least + FLUME_HASH_BYTES)
        return false;
    reader->end -= FLUME_HASH_BYTES;
    memcpy(record->tare_id, reader->end, FLUME_HASH_BYTES);
    return !tare_id_is_none(record->tare_id);
}

static int decode_scope(const flume_record *source, struct scope_record *record)
{
    const uint8_t *body = source->body;
    struct reader reader = {body, body + source->body_bytes};
    uint32_t flags;
    int status;

    if (source->body_bytes < SCOPE_BODY_FULL_BYTES)
        return FLUME_ERR_DAMAGED;
    if (body[SCOPE_BODY_FORM_AT] > SCOPE_RECORD_DELTA)
        return FLUME_ERR_VERSION;
    record->form = (enum scope_record_form)body[SCOPE_BODY_FORM_AT];
    record->own_labels = body[SCOPE_BODY_OWN_AT] | (size_t)body[SCOPE_BODY_OWN_AT + 1] << 8;
    flags = little_get32(body + SCOPE_BODY_FLAGS_AT);
    record->is_loose = (flags & SCOPE_BODY_LOOSE) != 0;
    record->is_within = (flags & SCOPE_BODY_WITHIN) != 0;
    record->is_unnamed = (flags & SCOPE_BODY_UNNAMED) != 0;
    if (flags > (SCOPE_BODY_WITHIN | SCOPE_BODY_LOOSE | SCOPE_BODY_UNNAMED | SCOPE_BODY_TARED) ||
        ((record->is_within || record->is_unnamed) && record->form != SCOPE_RECORD_FULL))
        return FLUME_ERR_DAMAGED;
    if (record->is_unnamed && !is_zero(body + SCOPE_BODY_ID_AT, 2 * FLUME_HASH_BYTES))
        return FLUME_ERR_DAMAGED;
    if ((flags & SCOPE_BODY_TARED) != 0 && !read_tare(&reader, SCOPE_BODY_FULL_BYTES, record))
        return FLUME_ERR_DAMAGED;
    memcpy(record->id, body + SCOPE_BODY_ID_AT, FLUME_HASH_BYTES);
    memcpy(record->local_id, body + SCOPE_BODY_LOCAL_AT, FLUME_HASH_BYTES);
    record->extends_seq = little_get64(body + SCOPE_BODY_EXTENDS_AT);
    record->frame = little_get64(body + SCOPE_BODY_FRAME_AT);
    record->enclosing_frame = little_get64(body + SCOPE_BODY_ENCLOSING_AT);
    record->count = 1;
    record->first_time_ns = record->last_time_ns = source->time_ns;
    status = read_labels(source, record);
    if (status < 0)
        return status;
    reader.at += SCOPE_BODY_FULL_BYTES;
    if (record->form == SCOPE_RECORD_FULL && !record->is_within)
        return decode_full(source, &reader, record);
    if ((size_t)(reader.end - body) < SCOPE_BODY_SHADOWED_BYTES)
        return FLUME_ERR_DAMAGED;
    record->target_seq = little_get64(body + SCOPE_BODY_TARGET_AT);
    reader.at = body + SCOPE_BODY_SHADOWED_BYTES;
    if (record->is_within)
        return decode_full(source, &reader, record);
    return record->form == SCOPE_RECORD_DELTA ? decode_delta(&reader, record)
                                              : decode_shadowed(&reader, record);
}

static int decode_link(const flume_record *source, struct scope_record *record)
{
    static const uint8_t zeros[LINK_BODY_ID_AT - LINK_BODY_ZERO_AT];
    const uint8_t *body = source->body;
    struct reader reader = {body, body + source->body_bytes};

    if (source->body_bytes < LINK_BODY_BYTES || body[LINK_BODY_FLAGS_AT] > LINK_BODY_TARED ||
        memcmp(body + LINK_BODY_ZERO_AT, zeros, sizeof zeros) != 0 ||
        (body[LINK_BODY_FLAGS_AT] == LINK_BODY_TARED &&
         !read_tare(&reader, LINK_BODY_BYTES, record)))
        return FLUME_ERR_DAMAGED;
    record->form = SCOPE_RECORD_LINK;
    memcpy(record->id, body + LINK_BODY_ID_AT, FLUME_HASH_BYTES);
    record->target_seq = little_get64(body + LINK_BODY_TARGET_AT);
    record->count = little_get64(body + LINK_BODY_COUNT_AT);
    record->first_time_ns = little_get64(body + LINK_BODY_FIRST_AT);
    record->last_time_ns = little_get64(body + LINK_BODY_LAST_AT);
    record->frame = little_get64(body + LINK_BODY_FRAME_AT);
    record->enclosing_frame = little_get64(body + LINK_BODY_ENCLOSING_AT);
    if (record->count == 0)
        return FLUME_ERR_DAMAGED;
    reader.at += LINK_BODY_BYTES;
    return read_volatiles(&reader, record);
}

int scope_record_decode(const flume_record *record, struct scope_record *io_record)
{
    const uint8_t *body = record->body;
    struct scope_record_memory *memory = scope_record_memory(io_record);

    if (memory == NULL)
        return FLUME_ERR_NO_MEMORY;
    *io_record = (struct scope_record){.memory = memory,
                                       .extends_seq = FLUME_SEQ_NONE,
                                       .target_seq = FLUME_SEQ_NONE,
                                       .lost_seq = FLUME_SEQ_NONE};
    if (record->kind != FLUME_KIND_SCOPE && record->kind != FLUME_KIND_LINK)
        return FLUME_ERR_INVALID;
    if (record->body_bytes == 0 || body[SCOPE_BODY_FORMAT_AT] == 0)
        return FLUME_ERR_DAMAGED;
    if (body[SCOPE_BODY_FORMAT_AT] > SCOPE_RECORD_FORMAT)
        return FLUME_ERR_VERSION;
    if (record->kind == FLUME_KIND_LINK)
        return decode_link(record, io_record);
    return decode_scope(record, io_record);
}

void scope_record_release(struct scope_record *record)
{
    struct scope_record_memory *memory = record->memory;

    if (memory == NULL)
        return;
    if (memory->inner != NULL)
        scope_record_release(memory->inner); /* A link's scope, and its full one: no deeper. */
    free(memory->inner);
    flume_record_release(&memory->record);
    free(memory->identity.pairs);
    free(memory->variables.pairs);
    free(memory->volatiles.pairs);
    free(memory->missing.pairs);
    free(memory->added.pairs);
    free(memory->labels);
    free(memory->bytes);
    free(memory->attributes);
    free(memory);
    *record = (struct scope_record){.extends_seq = 0};
}
