/*
 * tape.c - every scope as it was produced, forward and back.
 *
 * A link that counts several commits is given so many times, in the direction in which the tape is
 * read.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "scope_inside.h"
#include "scope_read.h"

struct flume_tape {
    flume *handle;
    flume_cursor *cursor;
    bool is_reverse;
    uint64_t left; /* Repeats of `entry` that are still to be given. */
    flume_tape_entry entry;
    struct scope_record record;   /* Of which only numbers are used once the cursor has gone on. */
    struct scope_record resolved; /* With variables: read when they are wanted. */
    bool is_resolved;
    char batch[FLUME_SCOPE_BATCH_ID_BYTES_MAX + 1]; /* Of entry; "": none. */
};

int flume_tape_open(flume *handle, const flume_cursor_options *options, flume_tape **out_tape)
{
    static const uint8_t kinds[] = {FLUME_KIND_SCOPE, FLUME_KIND_LINK};
    flume_cursor_options narrowed = {0};
    flume_tape *tape;
    int status;

    if (handle == NULL || out_tape == NULL)
        return FLUME_ERR_INVALID;
    if (options != NULL)
        narrowed = *options;
    narrowed.kinds = kinds;
    narrowed.kind_count = sizeof kinds;
    narrowed.limit = 0; /* Counted in commits, not in records. */
    narrowed.flags &= ~(unsigned)FLUME_CURSOR_MANIFESTS;
    tape = calloc(1, sizeof *tape);
    if (tape == NULL)
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "no memory for a tape");
    status = flume_cursor_open(handle->log, &narrowed, &tape->cursor);
    if (status != FLUME_OK) {
        free(tape);
        return flume_fail_log(handle, status);
    }
    tape->handle = handle;
    tape->resolved.lost_seq = FLUME_SEQ_NONE;
    tape->is_reverse = (narrowed.flags & FLUME_CURSOR_REVERSE) != 0;
    *out_tape = tape;
    return FLUME_OK;
}

void flume_tape_close(flume_tape *tape)
{
    if (tape == NULL)
        return;
    scope_record_release(&tape->record);
    scope_record_release(&tape->resolved);
    flume_cursor_close(tape->cursor);
    free(tape);
}

static enum flume_verdict_kind verdict_of(const struct scope_record *record)
{
    if (record->form == SCOPE_RECORD_LINK)
        return FLUME_DUP;
    if (record->form == SCOPE_RECORD_SHADOWED || record->is_within)
        return FLUME_SUBSET;
    return record->extends_seq != FLUME_SEQ_NONE ? FLUME_SUPERSET : FLUME_NEW;
}

static int fail(flume_tape *tape, int status, uint64_t seq)
{
    if (tape->resolved.lost_seq != FLUME_SEQ_NONE)
        return scope_read_fail(tape->handle, status, seq, &tape->resolved);
    return flume_fail(tape->handle, status, seq, "the scope at %llu cannot be told: %s",
                      (unsigned long long)seq, flume_strerror(status));
}

static void note_batch(flume_tape *tape, const flume_record *record)
{
    size_t position = 0;
    flume_label label;

    tape->batch[0] = '\0';
    while (flume_record_label(record, &position, &label)) {
        if (batch_label_is(&label)) {
            size_t bytes = label.bytes - BATCH_LABEL_PREFIX_BYTES;

            memcpy(tape->batch, label.text + BATCH_LABEL_PREFIX_BYTES, bytes);
            tape->batch[bytes] = '\0';
        }
    }
}

/* The next record of the log that is a scope or a link to one. */
static int advance(flume_tape *tape, uint64_t timeout_ns)
{
    flume_tape_entry *entry = &tape->entry;
    flume_record record;
    int status = flume_cursor_next(tape->cursor, timeout_ns, &record);

    if (status == FLUME_END || status == FLUME_ERR_TIMEOUT)
        return status;
    if (status != FLUME_OK)
        return flume_fail_log(tape->handle, status);
    status = scope_record_decode(&record, &tape->record);
    if (status == FLUME_OK)
        status = scope_record_name(&tape->record);
    if (status != FLUME_OK)
        return fail(tape, status, record.seq);
    tape->is_resolved = false;
    tape->resolved.lost_seq = FLUME_SEQ_NONE;
    note_batch(tape, &record);
    *entry = (flume_tape_entry){.record_seq = record.seq,
                                .scope_seq = record.seq,
                                .kind = verdict_of(&tape->record),
                                .extends_seq = tape->record.extends_seq,
                                .target_seq = tape->record.target_seq,
                                .base_seq = FLUME_SEQ_NONE,
                                .repeats = tape->record.count,
                                .first_time_ns = tape->record.first_time_ns,
                                .last_time_ns = tape->record.last_time_ns,
                                .frame = tape->record.frame,
                                .enclosing_frame = tape->record.enclosing_frame};
    if (tape->record.form == SCOPE_RECORD_LINK)
        entry->scope_seq = tape->record.target_seq;
    if (tape->record.form == SCOPE_RECORD_DELTA) {
        entry->base_seq = tape->record.target_seq;
        entry->target_seq = FLUME_SEQ_NONE;
    }
    memcpy(entry->id, tape->record.id, sizeof entry->id);
    memcpy(entry->tare_id, tape->record.tare_id, sizeof entry->tare_id);
    tape->left = entry->repeats;
    return FLUME_OK;
}

int flume_tape_next(flume_tape *tape, uint64_t timeout_ns, flume_tape_entry *out_entry,
                    flume_scope *out_scope)
{
    flume_tape_entry entry;
    int status = FLUME_OK;

    if (tape == NULL || out_entry == NULL)
        return FLUME_ERR_INVALID;
    if (tape->left == 0)
        status = advance(tape, timeout_ns);
    if (status != FLUME_OK)
        return status;
    entry = tape->entry;
    entry.repeat = tape->is_reverse ? tape->left - 1 : entry.repeats - tape->left;
    if (out_scope != NULL && !tape->is_resolved) {
        status = scope_record_read(tape->handle->log, entry.record_seq, &tape->resolved);
        tape->is_resolved = status == FLUME_OK;
    }
    if (status == FLUME_OK && out_scope != NULL)
        status = scope_record_restore(&tape->resolved, out_scope);
    if (status != FLUME_OK) {
        tape->left = 0; /* Go on behind it. */
        return fail(tape, status, entry.record_seq);
    }
    tape->left--;
    *out_entry = entry;
    return FLUME_OK;
}

const char *flume_tape_batch(const flume_tape *tape)
{
    return tape != NULL ? tape->batch : "";
}

void flume_tape_skip(flume_tape *tape)
{
    if (tape != NULL)
        tape->left = 0;
}
