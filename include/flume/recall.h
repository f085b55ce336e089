/*
 * recall.h - values under addresses, and the cache of computations that are repeated.
 *
 * An address is 32 bytes made from a scope, or from data, and a space of names. What is put at an
 * address is found by whoever has the same scope, or the same data, again: the newest value wins,
 * and the earlier ones are found as of when they were the newest.
 *
 *   flume_address_of_scope(scope, "notes", address);
 *   flume_put_at(flume, address, "diverges", 8, NULL, NULL);
 *
 * What was computed from a scope is remembered, and recalled instead of being computed again:
 *
 *   status = flume_recall(recorder, scope, NULL, &stored);
 *   if (status == FLUME_ERR_NOT_FOUND) {
 *       energy = compute(n, eps);
 *       status = flume_remember(recorder, scope, &energy, sizeof energy, NULL, &stored);
 *   }
 *
 * What always holds:
 *   - Of several that remember under one key at once, in whatever threads or processes, one stores
 *     its value, and all others are told that value: FLUME_ERR_CONFLICT, the race is lost.
 *   - What is remembered and what is put never meet: their addresses are made with different words.
 *   - A value of any size is a value: beyond 1 MiB it becomes a blob (blob.h), and is read in
 *     pieces.
 *
 * Threads: any for what takes a flume; a recorder, and a flume_stored, are used by one at a time.
 */
#ifndef FLUME_RECALL_H
#define FLUME_RECALL_H

#include "flume/recorder.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FLUME_ADDRESS_BYTES = 32,
    FLUME_SPACE_BYTES_MAX = 255, /* Of the name of a space, or of a computation: UTF-8. */
    FLUME_STORED_INLINE_BYTES_MAX = 1 << 20 /* Larger: a blob. */
};

/* ---- addresses ---- */

/** The address of a scope (its flume_scope_id()) in a space of names.
 * @param space  UTF-8 of at most FLUME_SPACE_BYTES_MAX bytes. NULL: "".
 * @return FLUME_OK, FLUME_ERR_INVALID (space), or as flume_scope_id(). */
FLUME_API int flume_address_of_scope(flume_scope *scope, const char *space,
                                     uint8_t out_address[FLUME_ADDRESS_BYTES]);
/** The address of data (their flume_hash()). @return FLUME_OK, FLUME_ERR_INVALID (space). */
FLUME_API int flume_address_of_data(const void *data, size_t data_bytes, const char *space,
                                    uint8_t out_address[FLUME_ADDRESS_BYTES]);
/** The same by the hash alone: of a file, of a blob that is stored, of what comes piece by
 * piece. */
FLUME_API int flume_address_of_hash(const uint8_t hash[FLUME_HASH_BYTES], const char *space,
                                    uint8_t out_address[FLUME_ADDRESS_BYTES]);

/* ---- values at addresses ---- */

/* All zero: no labels, now. */
typedef struct flume_put_options {
    const char *const *labels; /* Of the record. */
    size_t label_count;
    uint64_t time_ns; /* Since 1970 UTC; 0: now. */
} flume_put_options;

/* A value that was found. Ended by flume_stored_release(), before its handle is closed. */
typedef struct flume_stored {
    uint64_t seq; /* Its record; flume_log_get() has its labels. */
    uint64_t time_ns;
    uint64_t bytes; /* Of the value. */
    /* All of it, unless it is a blob: NULL then, and flume_stored_read() gives it. */
    const void *data;
    uint8_t hash[FLUME_HASH_BYTES]; /* Of a blob. */
    void *inside;                   /* Internal. */
} flume_stored;

/**
 * Put a value at an address. What was there before is found as of before. The lane of scopes is
 * entered for the append (flume/lane.h), as by all that puts, ends, remembers and forgets: not to
 * be called inside.
 *
 * @param data     Borrowed for the call.
 * @param options  NULL: all defaults.
 * @param out_seq  The record. May be NULL.
 * @return FLUME_OK; as flume_log_append_entry() and flume_lane_enter(); beyond 1 MiB as
 *         flume_blob_put().
 */
FLUME_API int flume_put_at(flume *flume, const uint8_t address[FLUME_ADDRESS_BYTES],
                           const void *data, size_t data_bytes, const flume_put_options *options,
                           uint64_t *out_seq);

/**
 * The newest value at an address, as of an ask.
 *
 * @param ask  NULL: defaults.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (nothing was put there, or the address was ended);
 *         FLUME_ERR_DAMAGED or _LOST (its record cannot be read: the seq in the detail),
 *         FLUME_ERR_VERSION (a newer flume wrote it), or as flume_view_wait().
 */
FLUME_API int flume_get_at(flume *flume, const flume_ask *ask,
                           const uint8_t address[FLUME_ADDRESS_BYTES], flume_stored *out_stored);

/** End an address: from here on there is nothing at it, until something is put again.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (there was nothing; nothing is appended); as append. */
FLUME_API int flume_end_at(flume *flume, const flume_ask *ask,
                           const uint8_t address[FLUME_ADDRESS_BYTES], uint64_t *out_seq);

/** Bytes of a value, of whatever size. As flume_blob_reader_read(). */
FLUME_API int flume_stored_read(flume_stored *stored, uint64_t offset, void *target,
                                size_t target_bytes, size_t *out_bytes);
/** All of a value in memory of its own, a blob too; NUL-terminated behind its end. It is freed by
 * flume_stored_free(), and outlives the value.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY, or as flume_blob_reader_read(). */
FLUME_API int flume_stored_copy(flume_stored *stored, void **out_data);
/** NULL is harmless. */
FLUME_API void flume_stored_free(void *data);
/** Harmless on a zeroed or released one. */
FLUME_API void flume_stored_release(flume_stored *stored);

/* ---- which there are ---- */

enum flume_stored_flags { FLUME_STORED_REMEMBERED = 1 /* By flume_remember(). */ };

typedef struct flume_stored_info {
    uint8_t address[FLUME_ADDRESS_BYTES];
    uint64_t seq; /* Of the newest value. */
    uint64_t time_ns;
    uint64_t bytes;
    uint64_t versions; /* Records at this address, ends too. */
    unsigned flags;    /* enum flume_stored_flags. */
    bool is_blob;
    uint8_t scope_id[FLUME_HASH_BYTES]; /* Remembered: of the scope that is the key. */
} flume_stored_info;

/** Every address that has a value, in byte order. A snapshot is held during the callbacks.
 * @param flags     Only those that have all of these flags. 0: all.
 * @param callback  Returns 0 to go on; what else it returns ends the listing and is returned. */
FLUME_API int flume_stored_list(flume *flume, const flume_ask *ask, unsigned flags,
                                int (*callback)(void *ctx, const flume_stored_info *info),
                                void *ctx);

/* ---- repeated computations ---- */

enum flume_recall_flags {
    FLUME_RECALL_REPLACE = 1 /* flume_remember(): even where there is a value; the newest wins. */
};

/* All zero: the whole scope is the key, as the recorder's rules make it (recorder_rules.h): a
 * variable that has its declared default is no part of it. Everything is borrowed for the call. */
typedef struct flume_recall_options {
    unsigned flags;   /* enum flume_recall_flags. */
    const char *name; /* Of what is computed: one scope can be the key of several. NULL: "". */
    /* Only these variables are the key, whatever else the scope has: its labels are no part of it.
     * No rules are asked. */
    const char *const *keys;
    size_t key_count;
    const char *const *labels; /* flume_remember(): of the record. */
    size_t label_count;
    flume_ask ask; /* How long to wait for the view; give_up. As of head always. */
} flume_recall_options;

/** The address under which a scope, with what it inherits (flume_scope_enter()), is remembered.
 * @return FLUME_OK; FLUME_ERR_INVALID: a hook runs, or the scope's own error, the name, or keys of
 *         the projection that the scope does not have, or that are no part of what it is (all are
 *         listed). */
FLUME_API int flume_recall_address(flume_recorder *recorder, flume_scope *scope,
                                   const flume_recall_options *options,
                                   uint8_t out_address[FLUME_ADDRESS_BYTES]);

/** What was remembered of a scope. Appends nothing.
 * @param options  NULL: all defaults.
 * @return FLUME_OK: a hit; FLUME_ERR_NOT_FOUND: a miss; as flume_recall_address() and
 *         flume_get_at(). */
FLUME_API int flume_recall(flume_recorder *recorder, flume_scope *scope,
                           const flume_recall_options *options, flume_stored *out_stored);

/**
 * Remember a value, unless there is one (FLUME_RECALL_REPLACE: even so).
 *
 * A value beyond 1 MiB is stored as a blob before it is known whether the race is won; of a lost
 * one the blob stays, and is found by its content.
 *
 * @param out_first  The value that was there first, with FLUME_ERR_CONFLICT alone. May be NULL.
 * @return FLUME_OK: it is stored; FLUME_ERR_CONFLICT: the race is lost; as flume_recall_address(),
 *         flume_get_at(), flume_put_at() and flume_lane_enter().
 */
FLUME_API int flume_remember(flume_recorder *recorder, flume_scope *scope, const void *data,
                             size_t data_bytes, const flume_recall_options *options,
                             flume_stored *out_first);

/** Forget what was remembered of a scope: the next recall is a miss. As flume_end_at(). */
FLUME_API int flume_forget(flume_recorder *recorder, flume_scope *scope,
                           const flume_recall_options *options);

/* How often. */
typedef struct flume_recall_counts {
    uint64_t hits, misses;
    uint64_t stored, races_lost;
} flume_recall_counts;

/** What this recorder has been told since it was opened. */
FLUME_API void flume_recall_count(const flume_recorder *recorder, flume_recall_counts *out_counts);

/** What all recorders of the basin have been told, in whatever processes, as of an ask. A recorder
 * adds its counts, in one record of the log, when it is flushed and when it is closed, if there are
 * any: those of a process that is killed since its last flush are lost.
 * @param ask  NULL: defaults.
 * @return FLUME_OK, or as flume_get_at(); all zero where nobody has recalled anything. */
FLUME_API int flume_recall_count_all(flume *flume, const flume_ask *ask,
                                     flume_recall_counts *out_counts);

#ifdef __cplusplus
}
#endif
#endif
