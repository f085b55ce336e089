/*
 * scope_record_bytes.h - where what stands in the body of a scope or a link: views/FORMAT.md,
 * "Scopes".
 */
#ifndef VIEWS_SCOPES_SCOPE_RECORD_BYTES_H
#define VIEWS_SCOPES_SCOPE_RECORD_BYTES_H

#include <assert.h>
#include <string.h>

#include "scope_record.h"

enum {
    SCOPE_BODY_FORMAT_AT = 0,
    SCOPE_BODY_FORM_AT = 1,
    SCOPE_BODY_OWN_AT = 2,   /* 2 bytes. */
    SCOPE_BODY_FLAGS_AT = 4, /* 4 bytes: SCOPE_BODY_WITHIN, _LOOSE, _UNNAMED, _TARED. */
    SCOPE_BODY_ID_AT = 8,
    SCOPE_BODY_LOCAL_AT = 40,
    SCOPE_BODY_EXTENDS_AT = 72,
    SCOPE_BODY_FRAME_AT = 80,
    SCOPE_BODY_ENCLOSING_AT = 88,
    SCOPE_BODY_FULL_BYTES = 96,
    SCOPE_BODY_TARGET_AT = 96, /* Shadowed, delta, and with SCOPE_BODY_WITHIN. */
    SCOPE_BODY_SHADOWED_BYTES = 104
};
enum {
    SCOPE_BODY_WITHIN = 1,  /* A full record of what another one has all of. */
    SCOPE_BODY_LOOSE = 2,   /* flume_scope_numbers(). */
    SCOPE_BODY_UNNAMED = 4, /* A full record whose ids are 0: who reads makes them. */
    SCOPE_BODY_TARED = 8    /* The body ends with the id of the tares in force. */
};
static_assert(SCOPE_BODY_ID_AT + FLUME_HASH_BYTES == SCOPE_BODY_LOCAL_AT, "no gap");
static_assert(SCOPE_BODY_LOCAL_AT + FLUME_HASH_BYTES == SCOPE_BODY_EXTENDS_AT, "no gap");
static_assert(SCOPE_BODY_ENCLOSING_AT + sizeof(uint64_t) == SCOPE_BODY_FULL_BYTES, "no gap");
static_assert(SCOPE_BODY_TARGET_AT + sizeof(uint64_t) == SCOPE_BODY_SHADOWED_BYTES, "no gap");

enum {
    LINK_BODY_FLAGS_AT = 1, /* 1 byte: LINK_BODY_TARED. */
    LINK_BODY_ZERO_AT = 2,  /* 6 bytes, 0. */
    LINK_BODY_ID_AT = 8,
    LINK_BODY_TARGET_AT = 40,
    LINK_BODY_COUNT_AT = 48,
    LINK_BODY_FIRST_AT = 56,
    LINK_BODY_LAST_AT = 64,
    LINK_BODY_FRAME_AT = 72,
    LINK_BODY_ENCLOSING_AT = 80,
    LINK_BODY_BYTES = 88
};
static_assert(LINK_BODY_ID_AT + FLUME_HASH_BYTES == LINK_BODY_TARGET_AT, "no gap");
static_assert(LINK_BODY_ENCLOSING_AT + sizeof(uint64_t) == LINK_BODY_BYTES, "no gap");

enum { LINK_BODY_TARED = 1 }; /* As SCOPE_BODY_TARED. */

enum { SCOPE_ATTRIBUTE_GLOBAL = 8 };

static inline bool tare_id_is_none(const uint8_t id[FLUME_HASH_BYTES])
{
    static const uint8_t none[FLUME_HASH_BYTES];

    return memcmp(id, none, sizeof none) == 0;
}

/* An array that is used again. */
struct pair_room {
    struct scope_pair *pairs;
    size_t capacity;
};

enum { SEEN_KEYS_MAX = 64, SEEN_BYTES_MAX = 2048, SEEN_KEY_BYTES_MAX = 127 };

/* The first keys of the record before, found good and in order: where the next one has the same, as
 * records of one program mostly do, they need not be looked at again. */
struct seen_keys {
    uint32_t count;
    uint16_t ends[SEEN_KEYS_MAX];
    uint8_t bytes[SEEN_BYTES_MAX]; /* Each with its varint, of one byte. */
};

/* What a decoded record has in memory. */
struct scope_record_memory {
    struct seen_keys seen; /* Of variables. */
    struct pair_room identity, variables, volatiles, missing, added;
    flume_label *labels;
    size_t label_capacity;
    uint8_t *bytes; /* Labels as pairs, blobs as hashed, attributes that are left. */
    size_t bytes_capacity;
    uint8_t *attributes; /* Of a delta and what it is added to. */
    size_t attributes_capacity;
    flume_record record;        /* Zeroed: none is held. */
    struct scope_record *inner; /* What a link or a shadowed scope names. NULL: none yet. */
};

/** The memory of a record, made if there is none. NULL: no memory. */
struct scope_record_memory *scope_record_memory(struct scope_record *record);

/** Make the identity of the variables of a record and the labels of its source. @return FLUME_OK,
 * FLUME_ERR_DAMAGED, FLUME_ERR_NO_MEMORY. */
int scope_record_identify(const flume_record *source, struct scope_record *record);

/** Room for pairs, used again. @return false: no memory. */
bool pair_room_reserve(struct pair_room *room, size_t count);

/** Whether a key of one comes in the other, too. */
bool scope_pairs_share_key(const struct scope_pairs *one, const struct scope_pairs *other);

#endif
