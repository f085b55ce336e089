/*
 * scope_inside.h - a scope as its modules share it.
 *
 * A variable is a slot: its key, and its pair as it stands in a record. Slots are in order by key
 * through `order`; those behind `count` are free, with their memory, for the next ones. A label is
 * a variable, too: key "@label/TEXT", null; all labels stand together, as the only other key that
 * begins with '@', SCOPE_CHAIN_KEY, stands before them.
 *
 * The image is the identity pairs, one after the other, behind the words that say what is hashed:
 * so the id is the hash of one piece of memory, and setting a value of the same size changes it in
 * place.
 *
 * What always holds:
 *   - Every pair in a slot below `count` is sound, whatever its class.
 *   - While laid_out, image and pairs are what the variables say; while id_known, id is their hash.
 */
#ifndef VIEWS_SCOPES_SCOPE_INSIDE_H
#define VIEWS_SCOPES_SCOPE_INSIDE_H

#include "pairs.h"
#include "scope_value.h"
#include "tokens.h"

#define SCOPE_ID_DOMAIN "flume scope 1" /* Hashed with its NUL. */

enum {
    SCOPE_ID_DOMAIN_BYTES = sizeof SCOPE_ID_DOMAIN,
    SCOPE_FOUND_PLACES = 256, /* A power of 2. */
    SCOPE_FOUND_BITS = 8,
    SCOPE_CLASSES = 6
};

struct scope_slot {
    char *key; /* NUL-terminated. */
    uint32_t key_bytes, key_capacity;
    uint8_t *pair; /* A blob has its length. */
    uint32_t pair_bytes, pair_capacity;
    uint32_t value_at; /* Of its tag, in pair. */
    /* While laid out, if it is part of the identity: */
    uint32_t image_at;   /* Of the pair, in the image. */
    uint32_t pair_index; /* Of the pair, in pairs. */
    char *type;          /* NULL: not stated. */
    uint32_t type_capacity;
    uint8_t class_;     /* enum flume_variable_class. */
    uint8_t flags;      /* enum flume_variable_flags. */
    uint8_t plain_type; /* What the content is when it stands inline. */
    bool has_value;     /* False: captured, of a type that flume does not know. */
    bool is_label;
    bool is_inherited;   /* A label of an enclosing scope. */
    const void *content; /* Of a blob or hash. NULL: only the hash is known. */
    size_t content_bytes;
    uint8_t *kept; /* Where the content stands if it is the scope's own. */
    size_t kept_capacity;
};

struct flume_scope {
    struct scope_slot *slots;
    uint32_t *order; /* Numbers of slots: count of them by key, then the free ones. */
    uint32_t count, capacity;
    uint32_t first_label, label_count; /* In order. */
    uint32_t label_meta_bytes;         /* What they take in a record. */
    uint32_t class_count[SCOPE_CLASSES];

    /* Where keys were found, by where the caller's text of them lies: a guess, always compared. */
    uint16_t found[SCOPE_FOUND_PLACES];

    bool laid_out, id_known;
    uint32_t beyond_local; /* Variables of the identity that are not of the local one. */
    struct scope_pairs pairs;
    size_t pairs_capacity;
    struct tokens_kept kept; /* Of the pairs. */
    uint8_t *image;
    size_t image_bytes, image_capacity;
    uint8_t *local_image;
    size_t local_capacity;
    uint8_t id[FLUME_HASH_BYTES];

    bool is_loose; /* flume_scope_numbers(). */

    const char **label_list; /* scope_record_labels(). */
    size_t label_list_capacity;

    flume_error error;   /* The first one; stays. */
    flume_error refusal; /* Why there is no id, for the time being. */
};

/* What is known of a variable that is to be set. */
struct scope_setting {
    flume_value value;
    const char *type; /* "" or NULL: not stated. */
    enum flume_variable_class class_;
    unsigned flags;
    bool has_value;
    bool is_label;
    bool is_inherited;
    bool is_unlimited; /* The number of variables is not looked at. */
    const void *content;
    size_t content_bytes;
};

/* ---- scope_table.c: slots and their order ---- */

/** Where a key is, or where it would be. */
bool scope_find(flume_scope *scope, const char *key, size_t key_bytes, uint32_t *out_index);
/** The same of a text. */
bool scope_find_text(flume_scope *scope, const char *key, uint32_t *out_index);
/** The same without a note of it. */
bool scope_search(const flume_scope *scope, const char *key, size_t key_bytes, uint32_t *out_index);
/** A slot at an index for a key that is not there yet; its pair has no value yet. @return FLUME_OK,
 * FLUME_ERR_NO_MEMORY (nothing changed). */
int scope_insert(flume_scope *scope, uint32_t index, const char *key, size_t key_bytes);
void scope_remove(flume_scope *scope, uint32_t index);

static inline struct scope_slot *scope_slot_at(const flume_scope *scope, uint32_t index)
{
    return &scope->slots[scope->order[index]];
}

static inline enum flume_value_type scope_slot_type(const struct scope_slot *slot)
{
    return (enum flume_value_type)slot->pair[slot->value_at];
}

static inline bool scope_is_identity(const struct scope_slot *slot)
{
    return slot->class_ <= FLUME_CLASS_HASH;
}

/** Of its pair, as hashed. */
static inline uint32_t scope_identity_bytes(const struct scope_slot *slot)
{
    return slot->pair_bytes -
           (scope_slot_type(slot) == FLUME_VALUE_BLOB ? SCOPE_BLOB_LENGTH_BYTES : 0);
}

/* ---- scope_set.c ---- */

/** Set a variable, whatever it is. Errors are remembered. */
int scope_put(flume_scope *scope, const char *key, size_t key_bytes,
              const struct scope_setting *setting);

/**
 * Set a number anew, if that is all there is to it: the variable is there, inline and local, has
 * this type (of C, and of a value), and is to stay so. This is what a sweep does.
 *
 * @param bits  scope_bits_of_*().
 * @return false: nothing was done; scope_put() is to do it.
 */
bool scope_put_number(flume_scope *scope, const char *key, const char *type,
                      enum flume_value_type value_type, uint64_t bits);

/* ---- scope_numbers.c ---- */

/** An f64 as it is set loosely: an int, if it is whole. */
void scope_loosen(flume_value *io_value);

/* ---- scope.c ---- */

/** Set what a slot of another scope has, and these flags. A label must not be there yet. */
int scope_copy_slot(const struct scope_slot *source, unsigned more_flags, flume_scope *copy);
/** Make a scope what another one is, with its error: flume_scope_copy() into memory that there
 * is. */
int scope_copy_into(const flume_scope *scope, flume_scope *copy);

/* ---- scope_label.c ---- */

/** A label that an enclosing scope has: part of the identity, but not the scope's own. One that is
 * its own stays so. As flume_scope_label(). */
int scope_label_inherit(flume_scope *scope, const char *label);
/** The same of a text that need not be NUL-terminated, either way. */
int scope_label_add(flume_scope *scope, const char *text, size_t bytes, bool is_inherited);

/* ---- scope_error.c ---- */

enum { SCOPE_SHOWN_BYTES = 80 };

/** Remember what went wrong, if it is the first. @return status. */
int scope_fail(flume_scope *scope, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Why there is no id or record for now. @return status. */
int scope_refuse(flume_scope *scope, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** A key for a message: cut where it is long, and with '?' for what cannot stand on a line. */
const char *scope_show(const char *key, size_t key_bytes, char target[SCOPE_SHOWN_BYTES]);

/** Room for an array, doubled as needed. @return false: no memory; nothing changed. */
bool scope_reserve(void **io_array, size_t *io_capacity, size_t wanted, size_t element_bytes);

/** The identity laid out: image and pairs. @return as flume_scope_id(). */
int scope_lay_out(flume_scope *scope);

#endif
