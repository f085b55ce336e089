/*
 * scope_record.h - scopes and links as records: views/FORMAT.md, "Scopes", has the bytes.
 *
 * A scope's record has all of its variables (full), or names another record and what of it is
 * missing (shadowed), or what is added to it (delta). A link stands for commits of a scope that was
 * there before.
 *
 * What always holds:
 *   - A body that decodes is the one that encoding what it says would give: order, lengths, types
 *     and bounds are checked, and no other form of the same is taken.
 *   - Nothing is followed more than from a link to a scope, and from a shadowed scope or a delta to
 *     a full one.
 *   - A delta that was read is, with what it is added to, the scope whose id it states.
 */
#ifndef VIEWS_SCOPES_SCOPE_RECORD_H
#define VIEWS_SCOPES_SCOPE_RECORD_H

#include "flume/log.h"
#include "pairs.h"

enum { SCOPE_RECORD_FORMAT = 1 };

enum scope_record_form {
    SCOPE_RECORD_FULL = 0,     /* Kind scope. */
    SCOPE_RECORD_SHADOWED = 1, /* Kind scope. */
    SCOPE_RECORD_DELTA = 2,    /* Kind scope. */
    SCOPE_RECORD_LINK = 3      /* Kind link. */
};

struct scope_record;

/* ---- writing ---- */

/* What a record says besides the scope. */
struct scope_stamp {
    enum scope_record_form form;
    uint64_t extends_seq; /* Not of a link. FLUME_SEQ_NONE: none, but of a delta. */
    bool is_within;       /* Full: target_seq has all of it all the same. */
    bool is_unnamed;      /* Full: without its ids, which take most of the time that it takes. */
    /* Shadowed: the full record that has all of it. Delta: one of which it has all. Link: the
     * scope. */
    uint64_t target_seq;
    const struct scope_pairs *target_pairs;      /* Shadowed, delta: the identity of the target. */
    uint64_t frame, enclosing_frame;             /* 0: none. */
    uint64_t count, first_time_ns, last_time_ns; /* Link. */
    uint8_t tare_id[FLUME_HASH_BYTES];           /* 0: it was not tared. */
};

/* Bytes that grow and are used again. Starts as all zero. */
struct scope_buffer {
    uint8_t *data;
    size_t bytes, capacity;
};
void scope_buffer_deinit(struct scope_buffer *buffer);

/** The body of a record.
 * @param io_body  What was in it before is replaced.
 * @return FLUME_OK; as flume_scope_id(); FLUME_ERR_INVALID (shadowed: the target does not have all
 *         of it, and more; delta: it has not all of the target, and more); FLUME_ERR_TOO_LARGE
 *         (over FLUME_BODY_BYTES_MAX); FLUME_ERR_NO_MEMORY. The scope's error says which and why
 *         (flume_scope_error()), and the scope can be changed and encoded again. */
int scope_record_encode(flume_scope *scope, const struct scope_stamp *stamp,
                        struct scope_buffer *io_body);

/** Whether a scope has all that a full record has, and that just as it is stored there: class,
 * flags and length of a blob, too. Then it can be stored as a delta to it, if it has more. */
bool scope_record_is_base(flume_scope *scope, const struct scope_record *full);

/** The labels of its record, in the record's order: its own first, then inherited ones. Valid until
 * the scope is changed.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int scope_record_labels(flume_scope *scope, const char *const **out_labels, size_t *out_count,
                        size_t *out_own);

/* ---- reading ---- */

/* A record taken apart. Starts as all zero; memory is used again by the next one. */
struct scope_record {
    enum scope_record_form form;
    bool is_unnamed; /* Full: both ids are 0 until scope_record_name(). */
    uint8_t id[FLUME_HASH_BYTES];
    uint8_t local_id[FLUME_HASH_BYTES]; /* Not of a link. */
    uint64_t extends_seq;               /* FLUME_SEQ_NONE: none. */
    bool is_within;                     /* Full, though target_seq has all of it. */
    bool is_loose;                      /* flume_scope_numbers(). Not of a link. */
    uint64_t target_seq;                /* Link, shadowed, delta and within; else FLUME_SEQ_NONE. */
    /* After an error of scope_record_read(): what it is shadowed by or added to, if it is that
     * which cannot be read. Else FLUME_SEQ_NONE. */
    uint64_t lost_seq;
    uint64_t count, first_time_ns, last_time_ns; /* Link; else 1 and the record's time. */
    uint64_t frame, enclosing_frame;
    uint8_t tare_id[FLUME_HASH_BYTES]; /* 0: it was not tared. */
    const flume_label *labels;         /* In the record's order. Of a link by _read() only. */
    size_t label_count;
    size_t own_labels;            /* How many of them, the first ones, are the scope's own. */
    struct scope_pairs identity;  /* Labels among them. Full; of other forms by _read() only. */
    struct scope_pairs variables; /* As stored, blobs with their lengths; no labels. Likewise. */
    const uint8_t *attributes;    /* One for each of them: scope_attribute_*(). */
    struct scope_pairs volatiles; /* As stored. */
    const uint8_t *volatile_attributes;
    struct scope_pairs missing; /* Shadowed: keys only (data and bytes are unset). */
    struct scope_pairs added;   /* Delta: of its variables those that the target has not. */
    const uint8_t *added_attributes;
    struct scope_record_memory *memory;
};

static inline enum flume_variable_class scope_attribute_class(uint8_t attribute)
{
    return (enum flume_variable_class)(attribute & 7);
}

static inline unsigned scope_attribute_flags(uint8_t attribute)
{
    return (attribute & 8) != 0 ? FLUME_VARIABLE_GLOBAL : 0;
}

/** Take a record apart. Points into the record, which must stay valid as long as what was decoded.
 * @return FLUME_OK; FLUME_ERR_INVALID (neither kind scope nor link); FLUME_ERR_DAMAGED (not
 *         canonical); FLUME_ERR_VERSION (of a newer flume); FLUME_ERR_NO_MEMORY. On an error what
 *         it held before is gone. */
int scope_record_decode(const flume_record *record, struct scope_record *io_record);

/** Whether a record stands for just these pairs, as far as its bytes say without being taken apart.
 * False: they do not say so. */
bool scope_record_has_pairs(const flume_record *record, const struct scope_pairs *pairs);

/** Make the ids of one with identity, if it does not state them. @return FLUME_OK,
 * FLUME_ERR_NO_MEMORY. */
int scope_record_name(struct scope_record *record);

/** The id that a record of kind scope or link states, which is not looked at otherwise. False:
 * none. */
bool scope_record_id(const flume_record *record, uint8_t out_id[FLUME_HASH_BYTES]);

/** Read a record, and what it names: identity and variables are set whatever its form. Keeps the
 * records until the next use, or scope_record_release().
 * @return as flume_log_get() and scope_record_decode(); FLUME_ERR_DAMAGED also if what it names is
 *         not there, is no scope, or not full, or has not what it says. */
int scope_record_read(flume_log *log, uint64_t seq, struct scope_record *io_record);

/** Whether the ids in it are those of what it says. Of one with identity. @return FLUME_OK,
 * FLUME_ERR_DAMAGED, FLUME_ERR_NO_MEMORY. */
int scope_record_verify(const struct scope_record *record);

/** The record of what a decoded delta says by itself: its variables are those that it adds. Of it
 * only scope_record_restore() may be asked. Valid as long as the delta. */
struct scope_record scope_record_of_added(const struct scope_record *delta);

/** The scope: variables, volatile ones and labels. Of one with identity. Contents of blobs are not
 * known.
 * @param io_scope  Cleared first.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int scope_record_restore(const struct scope_record *record, flume_scope *io_scope);

/** Free all that it holds. Harmless on a zeroed one. */
void scope_record_release(struct scope_record *record);

#endif
