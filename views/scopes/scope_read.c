/*
 * scope_read.c - scopes read back from the log (flume/recorder.h), and why one cannot be.
 */
#include "scope_read.h"

#include "flume/recorder.h"

int scope_read_fail(flume *handle, int status, uint64_t seq, const struct scope_record *record)
{
    unsigned long long at = (unsigned long long)seq;

    if (status == FLUME_ERR_NO_MEMORY)
        return flume_fail(handle, status, seq, "no memory to read the scope at %llu", at);
    if (status == FLUME_ERR_INVALID)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, seq,
                          "record %llu is no scope and no link to one", at);
    if (record->lost_seq != FLUME_SEQ_NONE) /* This one is there; it is not to be had whole. */
        return flume_fail(handle, status == FLUME_ERR_IO ? status : FLUME_ERR_DAMAGED, seq,
                          "the scope at %llu is stored as how it differs from the scope at %llu, "
                          "which cannot be read",
                          at, (unsigned long long)record->lost_seq);
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_VERSION)
        return flume_fail(handle, status, seq,
                          status == FLUME_ERR_VERSION
                              ? "the scope at %llu was written by a newer flume"
                              : "the scope at %llu is not what a scope's record is",
                          at);
    return flume_fail_log(handle, status);
}

/* A scope of what was read. */
static int restore(const struct scope_record *record, flume_scope **out_scope)
{
    flume_scope *scope = NULL;
    int status = flume_scope_create(&scope);

    if (status == FLUME_OK)
        status = scope_record_restore(record, scope);
    if (status != FLUME_OK) {
        flume_scope_destroy(scope);
        return status;
    }
    *out_scope = scope;
    return FLUME_OK;
}

int flume_scope_read(flume *handle, uint64_t seq, flume_scope **out_scope)
{
    struct scope_record record = {0};
    int status;

    if (handle == NULL || out_scope == NULL)
        return FLUME_ERR_INVALID;
    status = scope_record_read(handle->log, seq, &record);
    status = status == FLUME_OK ? restore(&record, out_scope)
                                : scope_read_fail(handle, status, seq, &record);
    scope_record_release(&record);
    return status;
}

int flume_scope_read_added(flume *handle, uint64_t seq, flume_scope **out_scope,
                           uint64_t *out_base_seq)
{
    struct scope_record record = {0}, added;
    flume_record source;
    int status;

    if (handle == NULL || out_scope == NULL || out_base_seq == NULL)
        return FLUME_ERR_INVALID;
    status = flume_log_get(handle->log, seq, &source);
    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    record.lost_seq = FLUME_SEQ_NONE;
    status = scope_record_decode(&source, &record);
    if (status != FLUME_OK) {
        status = scope_read_fail(handle, status, seq, &record);
    } else if (record.form != SCOPE_RECORD_DELTA) {
        status = flume_fail(handle, FLUME_ERR_NOT_FOUND, seq,
                            "the scope at %llu is not stored as what it adds to another one",
                            (unsigned long long)seq);
    } else {
        added = scope_record_of_added(&record);
        status = restore(&added, out_scope);
        if (status == FLUME_OK)
            *out_base_seq = record.target_seq;
    }
    scope_record_release(&record);
    flume_record_release(&source);
    return status;
}
