/*
 * stage.h - commits that wait to be written (flume/scope_stage.h).
 *
 * A commit is staged as it would be recorded: with what it inherits, as the rules have made it. One
 * that is known to be a duplicate is "again"; of those that are the same and follow one another
 * there is one entry, which counts them. Entries lie in one spool, contents of blobs in another;
 * the last entry is kept in memory, where it can still count.
 *
 * What always holds:
 *   - commits is the sum of the counts of all entries that are not written yet.
 *   - Entries below read_at are written, and are never written again.
 */
#ifndef VIEWS_SCOPES_STAGE_H
#define VIEWS_SCOPES_STAGE_H

#include "flume/scope_stage.h"
#include "overlay_map.h"
#include "scope_record.h"
#include "spool.h"

/* What stands before an entry in the spool, which only this process reads. */
struct stage_entry {
    uint64_t payload_bytes;
    uint64_t staged_id; /* Of the first. */
    uint64_t count;
    uint64_t first_time_ns, last_time_ns;
    uint64_t frame, enclosing_frame;
    uint32_t slots, contents; /* In the payload, in this order. */
    bool is_again;
    bool is_loose; /* Its numbers. */
    uint8_t id[FLUME_HASH_BYTES];
    uint8_t tare_id[FLUME_HASH_BYTES]; /* As it was when it was staged. */
};

/* A content that is to be stored before the scope. */
struct stage_content {
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t at, bytes; /* In the spool of contents. */
};

struct stage {
    bool is_on; /* flume_recorder_stage(). */
    flume_stage_options options;
    uint64_t last_id; /* Given to a commit. */
    uint64_t commits;
    /* Commits since the last flush, of those that options.flush_every is about. */
    uint64_t counted;
    struct spool entries, contents;
    struct pairs_map ids; /* The first half of a scope_id -> staged id, place of the entry. */
    /* The first half of a content's hash -> its place in contents, its bytes. */
    struct pairs_map known;
    bool has_last;
    struct stage_entry last; /* It will stand at entries.bytes. */
    struct scope_buffer last_payload;
    uint64_t read_at, read_done; /* Of the entry there so many commits are written. */
    bool is_flushing;
    flume_scope *scope; /* Of an entry that was read. NULL: none was, yet. */
    struct scope_buffer payload;
};

/* How often a scope is written. */
struct stage_turn {
    bool is_staged;
    uint64_t every;    /* 0: on request. */
    uint64_t *counter; /* Of those that share it. */
};

/* ---- stage.c ---- */

/** Whether a scope is staged when it is committed as it stands now. @return FLUME_OK,
 * FLUME_ERR_NO_MEMORY. */
int stage_turn_of(flume_recorder *recorder, const flume_scope *scope, struct stage_turn *out_turn);
/** Whether this is the value of FLUME_SETTING_FLUSH_EVERY. @param out_every  1: at once; 0: on
 * request. */
bool stage_every_read(const char *value, uint64_t *out_every);
/** Whether a scope is staged: the first commit of it. @return FLUME_OK, FLUME_ERR_NOT_FOUND, an
 * error. */
int stage_find(flume_recorder *recorder, const uint8_t id[FLUME_HASH_BYTES],
               uint64_t *out_staged_id);
/** Stage a commit. @param entry  What is known of it: frames, is_again, ids. On an error nothing is
 * staged. */
int stage_add(flume_recorder *recorder, flume_scope *effective, const struct stage_entry *entry,
              uint64_t *out_staged_id);
/** The entry at a place, and where the next one stands; its scope is stage.scope until the next
 * call.
 * @return FLUME_OK; FLUME_END: no more; an error. */
int stage_read(flume_recorder *recorder, uint64_t at, struct stage_entry *out_entry,
               uint64_t *out_next);
/** The contents of the entry that was read last. */
struct stage_content stage_content_at(const struct stage *stage, const struct stage_entry *entry,
                                      uint32_t index);
/** Nothing is staged any more. */
void stage_clear(flume_recorder *recorder);
void stage_deinit(struct stage *stage);

/* ---- stage_find.c ---- */

/** Whether a staged scope has all of these pairs, and more. @return FLUME_OK, an error. */
int stage_find_larger(flume_recorder *recorder, const struct scope_pairs *pairs, bool *out_found);
/** Whether these pairs have all of a staged scope, and besides it neutral keys of the recorder
 * alone.
 * @return FLUME_OK, an error. */
int stage_find_extended(flume_recorder *recorder, const struct scope_pairs *pairs, bool *out_found);

/* ---- stage_flush.c ---- */

/** Write what is staged. @return FLUME_OK, or why it stopped. */
int stage_flush(flume_recorder *recorder);
/** @return FLUME_OK; FLUME_ERR_INVALID: it is being written. */
int stage_check_idle(flume_recorder *recorder);

/* ---- commit.c ---- */

/** Commit what was staged. @param scope  As it is to be recorded. @param stamp  Frames, count and
 * times. */
int commit_staged(flume_recorder *recorder, flume_scope *scope, const struct scope_stamp *stamp,
                  flume_verdict *out_verdict);

#endif
