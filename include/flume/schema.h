/*
 * schema.h - what recorders were told that holds for scopes, as the log has it: settings by labels,
 * declared defaults, and tares (recorder_rules.h).
 *
 * A recorder that was given settings or defaults records them before the first scope or link that
 * it appends with them, in one record of kind schema, unless the newest such record says the same.
 * So the log tells from where on a default held, and settings can be asked for without the program
 * that gave them.
 *
 * A scope or link that is committed under tares has an id of all that are in force then
 * (flume_tape_entry.tare_id); it is no part of what the scope is. Of which variables they are is
 * told by another record of that kind, before the first that has the id.
 */
#ifndef FLUME_SCHEMA_H
#define FLUME_SCHEMA_H

#include "flume/recorder_rules.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume_schema flume_schema;

/**
 * The newest schema.
 *
 * @param ask  As of when (FLUME_ASK_AS_OF); no view is asked. NULL: now.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (no recorder has said anything); FLUME_ERR_DAMAGED (a
 *         record that is none; its seq in the detail); as flume_log_get().
 */
FLUME_API int flume_schema_open(flume *flume, const flume_ask *ask, flume_schema **out_schema);
/** NULL is harmless. */
FLUME_API void flume_schema_close(flume_schema *schema);

/** Its record: flume_log_envelope() tells who wrote it. */
FLUME_API uint64_t flume_schema_seq(const flume_schema *schema);

/** The settings of a scope that has these labels, merged, in byte order of their keys: index 0, 1
 * ... Texts are valid until close.
 * @return FLUME_OK, FLUME_END, FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_schema_config_at(flume_schema *schema, const char *const *labels,
                                     size_t label_count, size_t index, flume_setting *out_setting);

/** The declared defaults, in byte order of their keys. Valid until close. False: there is none at
 * this index. */
FLUME_API bool flume_schema_default_at(const flume_schema *schema, size_t index,
                                       flume_variable *out_default);

/* ---- tares ---- */

/* A variable that a tare leaves out. */
typedef struct flume_tared {
    size_t tare; /* By which: 0 is the one that was told first. */
    enum flume_tare_mode mode;
    const char *key;
    /* By value: the BLAKE3 of the value that is left out, as it is encoded in a scope's identity
     * (views/FORMAT.md, "Pairs": from the tag on). By key: 0. */
    uint8_t value_hash[FLUME_HASH_BYTES];
} flume_tared;

typedef struct flume_tares flume_tares;

/**
 * What the tares of an id leave out. The log is read from its end until they are found.
 *
 * @param id  As flume_tape_entry.tare_id has it.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (no record tells of them); FLUME_ERR_DAMAGED (one does, and
 *         of others than the id is made of); as flume_log_get().
 */
FLUME_API int flume_tares_open(flume *flume, const uint8_t id[FLUME_HASH_BYTES],
                               flume_tares **out_tares);
/** NULL is harmless. */
FLUME_API void flume_tares_close(flume_tares *tares);

/** Their record. */
FLUME_API uint64_t flume_tares_seq(const flume_tares *tares);

/** The variables: of the tare that was told first those in byte order of their keys, then of the
 * next. Valid until close. False: there is none at this index. */
FLUME_API bool flume_tares_at(const flume_tares *tares, size_t index, flume_tared *out_tared);

#ifdef __cplusplus
}
#endif
#endif
