/*
 * recover_death.c - after the processes died and the machine went on.
 *
 * HEAD is of this boot, so its words are right: what was appended is in the page cache. Only what
 * the dead were in the middle of is finished or undone. The grains of the active strata are all
 * read: a bad one below head is damage, for nothing can have torn it - except where a sync
 * had failed, after which the page cache may have been replaced by what the disk had.
 */
#include "append.h"
#include "recover.h"
#include "rescue.h"
#include "sealed.h"
#include "strata.h"
#include "wait.h"

/* Write the slots as walking shows them, where the file says otherwise. */
static int slots_correct(flume_log *log, const struct strata *strata, const uint32_t *slots,
                         uint64_t count)
{
    char name[STRATA_NAME_BYTES];
    struct path path;
    size_t bytes = (size_t)(count + 1) * sizeof(uint32_t);
    uint64_t file_bytes = bytes; /* What the file must hold: more will be appended, or not. */
    int file, error;

    if ((strata->flags & STRATA_CLOSED) == 0)
        file_bytes = strata_slot_count(strata->file_bytes) * sizeof(uint32_t);
    if (strata->slots_map_bytes >= file_bytes && memcmp(strata->slots_map, slots, bytes) == 0)
        return FLUME_OK;
    strata_slots_name(name, strata->first_seq);
    log_path(log, "log", name, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (file < 0)
        return log_fail_io(log, file, "open", path.text);
    error = io_reserve(log->io, file, file_bytes);
    if (error == 0)
        error = io_write_all(log->io, file, slots, bytes, 0);
    log->io->close(log->io->ctx, file);
    if (error != 0)
        return log_fail_io(log, error, "write", path.text);
    log_tell(log, FLUME_LOG_WARNING, "%s did not agree with its strata and was written anew",
             path.text);
    return FLUME_OK;
}

/* Walk the active strata; *out_count is how many grains read, of `count` that there should be. */
static int walk_active(flume_log *log, const struct strata *strata, uint64_t count,
                       uint64_t *out_count)
{
    uint32_t *slots = memory_allocate_zeroed(&log->allocator, count + 1, sizeof *slots);
    uint64_t offset = STRATA_DATA_AT;
    uint64_t ordinal = 0;
    struct grain grain;
    int status = FLUME_OK;

    if (slots == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to recover %s",
                        log->path);
    while (ordinal < count && offset < strata->limit &&
           grain_decode(strata->data + offset, strata->limit - offset, (uint32_t)ordinal,
                        strata->salt, offset, &grain)) {
        slots[ordinal++] = htole32((uint32_t)(offset / GRAIN_ALIGN));
        offset += grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
    slots[ordinal] = htole32((uint32_t)(offset / GRAIN_ALIGN));
    if (ordinal == count)
        status = slots_correct(log, strata, slots, count);
    *out_count = ordinal;
    memory_release(&log->allocator, slots);
    return status;
}

/* A bad grain below head: damage, unless a failed sync may have taken it and nobody was told. */
static int damaged_or_taken(flume_log *log, uint64_t bad_seq, bool was_poisoned)
{
    struct head *head = log->head;

    if (was_poisoned && bad_seq >= atomic_load(&head->durable))
        return FLUME_ERR_NOT_FOUND; /* Recover as after a machine stop: that is what it amounts to. */
    (void)atomic_fetch_or(&head->refusal, HEAD_DAMAGED);
    log->recovery.damaged = true;
    log->recovery.damaged_seq = bad_seq;
    log_tell(log, FLUME_LOG_ERROR, "%s is damaged at seq %llu; run 'flume check'", log->path,
             (unsigned long long)bad_seq);
    return FLUME_OK;
}

static struct strata *active_strata(flume_log *log)
{
    const struct table *table = atomic_load(&log->table);
    uint64_t first_seq = atomic_load(&log->head->active_first);
    size_t index = table_find(table, first_seq);
    struct strata *strata;

    if (index == SIZE_MAX || table->rows[index].first_seq != first_seq)
        return NULL;
    strata = table->rows[index].strata;
    return strata_open(log, strata) == FLUME_OK ? strata : NULL;
}

/* The strata that was appended to last has been sealed: it is closed, and was durable as a
 * whole. */
static int recover_sealed_end(flume_log *log, const struct strata *strata, uint64_t end)
{
    uint64_t count = strata->sealed->count;

    if ((count != 0 && strata->first_seq + count != end) ||
        (atomic_load(&log->head->refusal) & HEAD_ACTIVE_CLOSED) == 0)
        return FLUME_ERR_NOT_FOUND;
    (void)atomic_fetch_and(&log->head->refusal, ~(uint32_t)HEAD_POISONED);
    log->recovery.head = end;
    return append_restore_locked(log);
}

int recover_process_death(flume_log *log)
{
    struct head *head = log->head;
    bool was_poisoned = (atomic_load(&head->refusal) & HEAD_POISONED) != 0;
    uint64_t end = atomic_load(&head->head);
    uint64_t first_seq = atomic_load(&head->active_first);
    struct strata *strata;
    uint64_t count = 0;
    uint64_t used;
    int status = table_refresh(log);

    log->recovery.damaged_seq = FLUME_SEQ_NONE;
    if (status != FLUME_OK)
        return status;
    if (was_poisoned && atomic_load(&head->durable) < first_seq)
        return FLUME_ERR_NOT_FOUND; /* The sync may have taken what lies before the active one. */
    if (was_poisoned && atomic_load(&head->needs) > atomic_load(&head->needs_settled))
        return FLUME_ERR_NOT_FOUND; /* It may have been the second log's. */
    if (atomic_load(&head->active_bytes) != 0) {
        strata = active_strata(log);
        if (strata != NULL && strata->form == STRATA_SEALED)
            return recover_sealed_end(log, strata, end);
        if (strata == NULL || end < first_seq || atomic_load(&head->durable) > end ||
            end - first_seq >= strata_slot_count(strata->file_bytes))
            return FLUME_ERR_NOT_FOUND;
        status = rescue_probe(log, strata, &used);
        if (status == FLUME_OK)
            status = walk_active(log, strata, end - first_seq, &count);
        if (status != FLUME_OK)
            return status;
        if (count < end - first_seq) {
            status = damaged_or_taken(log, first_seq + count, was_poisoned);
            if (status != FLUME_OK)
                return status;
        }
    }
    (void)atomic_fetch_and(&head->refusal, ~(uint32_t)HEAD_POISONED);
    log->recovery.head = end;
    if (log->recovery.damaged)
        return FLUME_OK; /* Nothing is appended to it until repair. */
    return append_restore_locked(log);
}
