/*
 * scope_log.h - stored scopes, read back from the log for the index of containment.
 */
#ifndef VIEWS_SCOPES_SCOPE_LOG_H
#define VIEWS_SCOPES_SCOPE_LOG_H

#include "containment.h"
#include "scope_record.h"

/* Starts with log set and all else zero. */
struct scope_log {
    flume_log *log;
    struct scope_record compared; /* Memory that is used again. */
    uint64_t compared_seq;        /* What stands there, plus one. 0: nothing. */
    uint8_t same_id[FLUME_HASH_BYTES];
    bool has_same_id; /* Of what the last scope_log_is_same() found to be the same. */
    struct scope_record scanned;
};

void scope_log_deinit(struct scope_log *scopes);

/** As the functions of struct containment_store; ctx, their scopes: a struct scope_log. */
int scope_log_read(void *ctx, uint64_t seq, containment_visit visit, void *visit_ctx);
int scope_log_is_same(void *ctx, uint64_t seq, const struct scope_pairs *pairs, bool *out_same);
int scope_log_scan(void *ctx, uint64_t from_seq, uint64_t below_seq, containment_visit visit,
                   void *visit_ctx);

/** The scope at a seq, what it names resolved. Valid until the next use of the struct scope_log.
 * @return as scope_record_read(). */
int scope_log_open(struct scope_log *scopes, uint64_t seq, const struct scope_record **out_record);

/**
 * The identity of a record of kind scope, what it names resolved.
 *
 * @param io_scope  Valid as long as the record, until its next use.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND: it is none that can be read; an error.
 */
int scope_log_take(flume_log *log, const flume_record *record, struct scope_record *io_scope);

#endif
