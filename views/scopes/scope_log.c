/*
 * scope_log.c - stored scopes, read back from the log (scope_log.h).
 */
#include "scope_log.h"

#include <string.h>

#include "flume/cursor.h"
#include "scope_record_bytes.h"

void scope_log_deinit(struct scope_log *scopes)
{
    scope_record_release(&scopes->compared);
    scope_record_release(&scopes->scanned);
}

/* What cannot be read any more, or never was a scope, is in no relation to others. (Another format
 * is somebody's bytes under this kind: a newer flume says in the basin's header what it needs.) */
static int passed_over(int status)
{
    switch (status) {
    case FLUME_ERR_DAMAGED:
    case FLUME_ERR_LOST:
    case FLUME_ERR_GONE:
    case FLUME_ERR_INVALID:
    case FLUME_ERR_VERSION:
        return FLUME_ERR_NOT_FOUND;
    default:
        return status;
    }
}

int scope_log_take(flume_log *log, const flume_record *record, struct scope_record *io_scope)
{
    int status = record->kind == FLUME_KIND_SCOPE ? scope_record_decode(record, io_scope)
                                                  : FLUME_ERR_NOT_FOUND;

    if (status == FLUME_OK && io_scope->form != SCOPE_RECORD_FULL)
        status = scope_record_read(log, record->seq, io_scope);
    return passed_over(status);
}

int scope_log_open(struct scope_log *scopes, uint64_t seq, const struct scope_record **out_record)
{
    int status = FLUME_OK;

    if (scopes->compared_seq != seq + 1) {
        scopes->compared_seq = 0;
        status = scope_record_read(scopes->log, seq, &scopes->compared);
    }
    if (status != FLUME_OK)
        return status;
    scopes->compared_seq = seq + 1;
    *out_record = &scopes->compared;
    return FLUME_OK;
}

int scope_log_read(void *ctx, uint64_t seq, containment_visit visit, void *visit_ctx)
{
    const struct scope_record *record;
    int status = passed_over(scope_log_open(ctx, seq, &record));

    return status == FLUME_OK ? visit(visit_ctx, seq, &record->identity) : status;
}

/* What cannot be told by the bytes is taken apart. */
static int is_same_apart(struct scope_log *scopes, uint64_t seq, const struct scope_pairs *pairs,
                         bool *out_same)
{
    const struct scope_record *record;
    int status = passed_over(scope_log_open(scopes, seq, &record));

    if (status != FLUME_OK)
        return status == FLUME_ERR_NOT_FOUND ? FLUME_OK : status;
    *out_same = scope_pairs_equal(&record->identity, pairs);
    memcpy(scopes->same_id, record->id, FLUME_HASH_BYTES);
    scopes->has_same_id = *out_same && !record->is_unnamed;
    return FLUME_OK;
}

int scope_log_is_same(void *ctx, uint64_t seq, const struct scope_pairs *pairs, bool *out_same)
{
    struct scope_log *scopes = ctx;
    flume_record record;
    int status = flume_log_get(scopes->log, seq, &record);

    *out_same = false;
    scopes->has_same_id = false;
    if (status != FLUME_OK)
        return passed_over(status) == FLUME_ERR_NOT_FOUND ? FLUME_OK : status;
    if (scope_record_has_pairs(&record, pairs)) {
        *out_same = true;
        scopes->has_same_id = scope_record_id(&record, scopes->same_id);
    }
    flume_record_release(&record);
    return *out_same ? FLUME_OK : is_same_apart(scopes, seq, pairs, out_same);
}

int scope_log_scan(void *ctx, uint64_t from_seq, uint64_t below_seq, containment_visit visit,
                   void *visit_ctx)
{
    static const uint8_t kinds[] = {FLUME_KIND_SCOPE};
    struct scope_log *scopes = ctx;
    flume_cursor_options options = {
        .flags = FLUME_CURSOR_SKIP_DAMAGED,
        .bounds = FLUME_GTE | FLUME_LT,
        .gte = from_seq,
        .lt = below_seq,
        .kinds = kinds,
        .kind_count = 1,
    };
    flume_cursor *cursor;
    int status = flume_cursor_open(scopes->log, &options, &cursor);

    while (status == FLUME_OK) {
        flume_record record;

        status = flume_cursor_next(cursor, 0, &record);
        if (status == FLUME_OK)
            status = scope_log_take(scopes->log, &record, &scopes->scanned);
        if (status == FLUME_OK)
            status = visit(visit_ctx, record.seq, &scopes->scanned.identity);
        else if (status == FLUME_ERR_NOT_FOUND)
            status = FLUME_OK;
    }
    flume_cursor_close(cursor);
    return status > 0 ? FLUME_OK : status; /* The end, or the visitor has seen enough. */
}
