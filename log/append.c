/*
 * append.c - the append path.
 *
 * What always holds:
 *   - Under the append mutex only header checks, copies and the publishing store are done; payloads
 *     are hashed before, and nothing is allocated, opened or synced unless the strata changes.
 *   - HEAD's intent is stored before the first byte behind the end is, and `head` after the last.
 *   - A failed append leaves HEAD as it was and zeros behind the end, so that no later append can
 *     make bytes of it look like records.
 */
#include "append.h"

#include "companion.h"
#include "flume/cursor.h"
#include "sync.h"
#include "wait.h"

enum { META_STACK_BYTES = 512, ITEMS_STACK = 4 };

static int refused(flume_log *log, uint32_t refusal)
{
    if ((refusal & HEAD_POISONED) != 0)
        return log_fail(log, FLUME_ERR_POISONED, 0, FLUME_SEQ_NONE,
                        "%s: a sync failed, so nothing more is accepted; records up to seq %llu "
                        "are safe: close the basin everywhere, check the disk, open it again",
                        log->path, (unsigned long long)atomic_load(&log->head->durable));
    if ((refusal & HEAD_TAIL_LOST) != 0)
        return log_fail(log, FLUME_ERR_TAIL_LOST, 0, atomic_load(&log->head->head),
                        "%s ends at seq %llu, but records up to %llu were acknowledged as durable; "
                        "restore the missing strata, or accept the loss with 'flume repair "
                        "--accept-loss'",
                        log->path, (unsigned long long)atomic_load(&log->head->head),
                        (unsigned long long)atomic_load(&log->head->gate_seq));
    return log_fail(log, FLUME_ERR_DAMAGED, 0, FLUME_SEQ_NONE,
                    "%s: the active strata (seq %llu) is damaged; reading goes on, appending "
                    "needs 'flume repair'",
                    log->path, (unsigned long long)atomic_load(&log->head->active_first));
}

int append_lock(flume_log *log)
{
    struct head *head = log->head;
    int status = mutex_take(log, &head->append_mutex, &head->append_owner, "append");
    uint32_t refusal;

    if (status < 0)
        return status;
    if (status == MUTEX_INHERITED) {
        log->writer.scratch_used = 0;
        status = append_restore_locked(log);
        if (status != FLUME_OK)
            (void)atomic_fetch_or(&head->refusal, HEAD_POISONED);
        mutex_inherit(&head->append_mutex);
    }
    refusal = atomic_load_explicit(&head->refusal, memory_order_relaxed);
    if (refusal == 0 || refusal == HEAD_ACTIVE_CLOSED)
        return FLUME_OK;
    status = FLUME_OK;
    if ((refusal & (HEAD_POISONED | HEAD_DAMAGED | HEAD_TAIL_LOST)) != 0)
        status = refused(log, refusal);
    else
        status = append_restore_locked(log); /* HEAD_DIRTY: a failed append was not taken back. */
    if (status != FLUME_OK)
        mutex_drop(&head->append_mutex);
    return status;
}

void append_unlock(flume_log *log)
{
    mutex_drop(&log->head->append_mutex);
}

int condition_check_locked(flume_log *log, const flume_condition *condition)
{
    uint64_t head = atomic_load(&log->head->head);
    uint64_t last;

    if (condition == NULL)
        return FLUME_OK;
    if ((condition->check & FLUME_IF_HEAD) != 0 && condition->head != head)
        return log_fail(log, FLUME_ERR_CONFLICT, 0, head,
                        "the log's head is %llu, not %llu: somebody has appended since",
                        (unsigned long long)head, (unsigned long long)condition->head);
    if ((condition->check & FLUME_IF_LAST) == 0)
        return FLUME_OK;
    last = atomic_load(&log->head->last_of_kind[condition->kind]);
    if (condition->last == last)
        return FLUME_OK;
    return log_fail(log, FLUME_ERR_CONFLICT, 0, last,
                    "the last record of kind %u is %lld, not %lld: somebody has appended one since",
                    (unsigned)condition->kind, (long long)last, (long long)condition->last);
}

/* Where the next grain goes, while a batch is being written. */
struct place {
    uint64_t seq;
    uint64_t offset;
};

static int put_locked(flume_log *log, const struct item *item, uint32_t writer_ordinal,
                      struct place *place)
{
    struct head *head = log->head;
    uint64_t durable = atomic_load_explicit(&head->durable, memory_order_relaxed);
    uint64_t witness = durable != head->witnessed ? durable : 0;
    uint32_t ordinal = (uint32_t)(place->seq - log->writer.strata->first_seq);
    uint64_t end = place->offset + grain_bytes(item->meta_bytes, item->body_bytes);

    if (witness == 0 && writer_holds_locked(log, place->offset, end)) {
        writer_put_whole_locked(log, item, place->offset, ordinal, writer_ordinal, end);
        place->offset = end;
    } else {
        int status = writer_put_locked(log, item, place->offset, ordinal, writer_ordinal, witness,
                                       &place->offset);

        if (status != FLUME_OK)
            return status;
    }
    if (witness != 0)
        head->witnessed = witness;
    atomic_store_explicit(&head->last_of_kind[item->kind], place->seq, memory_order_relaxed);
    if (item->time_ns > head->running_time_ns)
        head->running_time_ns = item->time_ns;
    companion_note_locked(head, item->needs);
    place->seq++;
    return FLUME_OK;
}

/* This writer's manifest, before its first record in each strata. */
static int put_manifest_locked(flume_log *log, struct place *place)
{
    uint32_t ordinal = (uint32_t)(place->seq - log->writer.strata->first_seq);
    struct item item;
    int status;

    manifest_item(log, &item);
    status = put_locked(log, &item, ordinal, place);
    if (status == FLUME_OK)
        log->writer.manifest_ordinal = ordinal;
    return status;
}

static int put_all_locked(flume_log *log, const struct item *items, size_t count,
                          struct place *place, uint64_t *out_first_seq)
{
    bool announces = log->writer.manifest_ordinal == GRAIN_WRITER_NONE;
    int status = FLUME_OK;

    if (announces)
        status = put_manifest_locked(log, place);
    *out_first_seq = place->seq;
    for (size_t i = 0; i < count && status == FLUME_OK; i++)
        status = put_locked(log, &items[i], log->writer.manifest_ordinal, place);
    if (status == FLUME_OK && log->io_mode == FLUME_IO_PWRITE)
        status = writer_flush_locked(log);
    if (status != FLUME_OK && announces)
        log->writer.manifest_ordinal = GRAIN_WRITER_NONE;
    if (status == FLUME_OK)
        log->writer.announced = true;
    return status;
}

/* An append that failed half way: zero what it wrote. If that fails too, the next one must. */
static void take_back_locked(flume_log *log)
{
    flume_error error;

    flume_log_error(log, &error); /* The reason is the first failure, not what follows from it. */
    log->writer.scratch_used = 0;
    (void)atomic_fetch_or(&log->head->refusal, HEAD_DIRTY);
    (void)append_restore_locked(log); /* It clears HEAD_DIRTY if it succeeds. */
    (void)log_fail(log, error.status, error.system_errno, error.seq, "%s", error.message);
}

/* Say what is about to be written behind the end; a dead process's stores were made in order. */
static void intend_locked(flume_log *log, uint64_t offset, uint64_t bytes)
{
    atomic_store_explicit(&log->head->intent_from, offset, memory_order_relaxed);
    atomic_store_explicit(&log->head->intent_to, offset + bytes, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

int append_manifest_locked(flume_log *log, uint64_t offset)
{
    struct place place = {.seq = atomic_load(&log->head->head), .offset = offset};
    int status;

    intend_locked(log, offset, grain_bytes(GRAIN_WITNESS_BYTES, log->manifest_bytes));
    status = put_manifest_locked(log, &place);
    if (status == FLUME_OK && log->io_mode == FLUME_IO_PWRITE)
        status = writer_flush_locked(log);
    if (status != FLUME_OK) {
        log->writer.manifest_ordinal = GRAIN_WRITER_NONE;
        take_back_locked(log);
        return status;
    }
    log->writer.announced = true;
    atomic_store_explicit(&log->head->head, place.seq, memory_order_release);
    return FLUME_OK;
}

/* Whether the active strata, of which *out_offset is the end, takes so many bytes more. */
static int has_room_locked(flume_log *log, uint64_t need_bytes, uint64_t *out_offset,
                           bool *out_has_room)
{
    struct head *head = log->head;
    int status;

    *out_has_room = false;
    if (atomic_load(&head->active_bytes) == 0 ||
        (atomic_load_explicit(&head->refusal, memory_order_relaxed) & HEAD_ACTIVE_CLOSED) != 0)
        return FLUME_OK;
    status = writer_set_up_locked(log);
    if (status != FLUME_OK)
        return status;
    *out_offset = writer_end_locked(log, atomic_load_explicit(&head->head, memory_order_relaxed));
    if (*out_offset == 0) {
        (void)atomic_fetch_or(&head->refusal, HEAD_DAMAGED);
        return refused(log, HEAD_DAMAGED);
    }
    if (log->writer.manifest_ordinal == GRAIN_WRITER_NONE)
        need_bytes += grain_bytes(0, log->manifest_bytes);
    *out_has_room = *out_offset + need_bytes <= log->writer.strata->limit;
    return FLUME_OK;
}

/*
 * The active strata has room for `bytes`, and for the manifest if it is due; *out_offset is its
 * end. A strata is named by its first seq, so an empty one is never left behind: where it is too
 * small, the manifest goes into it alone.
 */
static int make_room_locked(flume_log *log, uint64_t bytes, uint64_t *out_offset)
{
    struct head *head = log->head;
    bool has_room;
    int status;

    for (;;) {
        status = has_room_locked(log, bytes + GRAIN_WITNESS_BYTES, out_offset, &has_room);
        if (status != FLUME_OK || has_room)
            return status;
        if (atomic_load(&head->active_bytes) != 0 &&
            atomic_load(&head->active_first) == atomic_load(&head->head))
            status = append_manifest_locked(log, *out_offset);
        else
            status =
                roll_locked(log, bytes + GRAIN_WITNESS_BYTES + grain_bytes(0, log->manifest_bytes));
        if (status != FLUME_OK)
            return status;
    }
}

void append_count_locked(flume_log *log, size_t records, uint64_t bytes)
{
    /* Written under the mutex only, so no locked instruction is needed. */
    atomic_store_explicit(&log->appended_records,
                          atomic_load_explicit(&log->appended_records, memory_order_relaxed) +
                              records,
                          memory_order_relaxed);
    atomic_store_explicit(&log->appended_bytes,
                          atomic_load_explicit(&log->appended_bytes, memory_order_relaxed) + bytes,
                          memory_order_relaxed);
}

static int append_locked(flume_log *log, const struct item *items, size_t count, uint64_t bytes,
                         uint64_t *out_first_seq)
{
    struct head *head = log->head;
    struct place place;
    uint64_t manifest_bytes = grain_bytes(0, log->manifest_bytes);
    int status = make_room_locked(log, bytes, &place.offset);

    if (status != FLUME_OK)
        return status;
    place.seq = atomic_load_explicit(&head->head, memory_order_relaxed);
    intend_locked(log, place.offset, bytes + manifest_bytes + GRAIN_WITNESS_BYTES);
    status = put_all_locked(log, items, count, &place, out_first_seq);
    if (status != FLUME_OK) {
        take_back_locked(log);
        return status;
    }
    atomic_store_explicit(&head->head, place.seq, memory_order_release);
    append_count_locked(log, count, bytes);
    if (log->writer.rolled) { /* Not before head has moved: it would find nothing to sync. */
        log->writer.rolled = false;
        sync_soon(log);
    }
    if (place.offset > atomic_load_explicit(&log->prepare_at, memory_order_relaxed))
        prepare_soon(log);
    return FLUME_OK;
}

/*
 * The ordinary append, in one piece: the writer is set up and announced, its window holds the whole
 * grain, no witness is due. False, and nothing is written, where anything is out of the ordinary;
 * then append_locked() does it. (Measured on appends of 100 bytes: a third less than through the
 * general path, which asks the same questions in six functions.)
 */
static bool append_ready_locked(flume_log *log, const struct item *item, uint64_t bytes,
                                uint64_t *out_seq)
{
    struct writer *writer = &log->writer;
    struct head *head = log->head;
    uint64_t seq = atomic_load_explicit(&head->head, memory_order_relaxed);
    uint64_t offset, end;
    uint32_t ordinal;

    if (writer->strata == NULL || writer->manifest_ordinal == GRAIN_WRITER_NONE || writer->rolled ||
        item->needs != 0 ||
        writer->strata->first_seq !=
            atomic_load_explicit(&head->active_first, memory_order_relaxed) ||
        atomic_load_explicit(&head->refusal, memory_order_relaxed) != 0 ||
        atomic_load_explicit(&head->durable, memory_order_relaxed) != head->witnessed)
        return false;
    offset = writer_end_locked(log, seq);
    end = offset + bytes;
    if (offset == 0 || !writer_holds_locked(log, offset, end) ||
        end + GRAIN_WITNESS_BYTES > writer->strata->limit)
        return false;
    ordinal = (uint32_t)(seq - writer->strata->first_seq);
    intend_locked(log, offset, bytes);
    writer_put_whole_locked(log, item, offset, ordinal, writer->manifest_ordinal, end);
    atomic_store_explicit(&head->last_of_kind[item->kind], seq, memory_order_relaxed);
    if (item->time_ns > head->running_time_ns)
        head->running_time_ns = item->time_ns;
    atomic_store_explicit(&head->head, seq + 1, memory_order_release);
    append_count_locked(log, 1, bytes);
    if (end > atomic_load_explicit(&log->prepare_at, memory_order_relaxed))
        prepare_soon(log);
    *out_seq = seq;
    return true;
}

/* One record without conditions. */
static int append_item(flume_log *log, struct item *item, uint64_t *out_seq)
{
    uint64_t bytes = grain_bytes(item->meta_bytes, item->body_bytes);
    int status;

    if (STRATA_DATA_AT + bytes + grain_bytes(0, log->manifest_bytes) + GRAIN_WITNESS_BYTES * 2 >
        strata_limit(log->strata_bytes)) {
        status = append_large(log, item, 1, NULL, out_seq);
    } else {
        status = append_lock(log);
        if (status != FLUME_OK)
            return status;
        if (!append_ready_locked(log, item, bytes, out_seq))
            status = append_locked(log, item, 1, bytes, out_seq);
        append_unlock(log);
    }
    if (status != FLUME_OK)
        return status;
    wake_head(log);
    return append_settle(log, *out_seq);
}

static int append_items(flume_log *log, struct item *items, size_t count,
                        const flume_condition *condition, uint64_t *out_first_seq)
{
    uint64_t manifest_bytes = grain_bytes(0, log->manifest_bytes);
    uint64_t bytes = 0;
    int status;

    for (size_t i = 0; i < count; i++) {
        items[i].flags = i + 1 < count ? FLUME_RECORD_BATCH : 0;
        bytes += grain_bytes(items[i].meta_bytes, items[i].body_bytes);
    }
    if (STRATA_DATA_AT + bytes + manifest_bytes + GRAIN_WITNESS_BYTES * 2 >
        strata_limit(log->strata_bytes)) {
        status = append_large(log, items, count, condition, out_first_seq);
    } else {
        status = append_lock(log);
        if (status != FLUME_OK)
            return status;
        status = condition_check_locked(log, condition);
        if (status == FLUME_OK)
            status = append_locked(log, items, count, bytes, out_first_seq);
        append_unlock(log);
    }
    if (status != FLUME_OK)
        return status;
    wake_head(log);
    return append_settle(log, *out_first_seq + count - 1);
}

static int writable(flume_log *log)
{
    int status = log_guard(log);

    if (status == FLUME_ERR_INVALID)
        return status;
    if (status == FLUME_ERR_FORKED)
        return log_fail(log, status, 0, FLUME_SEQ_NONE,
                        "this handle belongs to the parent process; open the basin again here");
    if (log->read_only)
        return log_fail(log, FLUME_ERR_READ_ONLY, 0, FLUME_SEQ_NONE, "%s was opened to read only",
                        log->path);
    return FLUME_OK;
}

int flume_log_append(flume_log *log, const void *body, size_t body_bytes, uint64_t *out_seq)
{
    flume_entry entry = {.body = body, .body_bytes = body_bytes};

    return flume_log_append_entry(log, &entry, out_seq);
}

int flume_log_append_entry(flume_log *log, const flume_entry *entry, uint64_t *out_seq)
{
    uint8_t meta_stack[META_STACK_BYTES + ITEM_CLOCK_STEP_BYTES];
    uint8_t *meta = meta_stack;
    struct item_moment moment = {0};
    int64_t meta_bytes;
    struct item item;
    uint64_t seq;
    int status = writable(log);

    if (status != FLUME_OK)
        return status;
    if (entry == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "the entry is NULL");
    meta_bytes = item_meta_bytes(log, entry);
    if (meta_bytes < 0)
        return (int)meta_bytes;
    if (meta_bytes > META_STACK_BYTES)
        meta = memory_allocate(&log->allocator, (size_t)meta_bytes + ITEM_CLOCK_STEP_BYTES);
    if (meta == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory for the labels");
    item_make(log, entry, &moment, meta, &item);
    status = append_item(log, &item, &seq);
    if (meta != meta_stack)
        memory_release(&log->allocator, meta);
    if (status == FLUME_OK && out_seq != NULL)
        *out_seq = seq;
    return status;
}

/* Check every entry first: the sum of what their metas take. */
static int64_t batch_meta_bytes(flume_log *log, const flume_entry *entries, size_t entry_count)
{
    int64_t total = 0;

    for (size_t i = 0; i < entry_count; i++) {
        int64_t meta_bytes = item_meta_bytes(log, &entries[i]);

        if (meta_bytes < 0)
            return meta_bytes;
        total += meta_bytes + ITEM_CLOCK_STEP_BYTES;
    }
    return total;
}

static int append_batch(flume_log *log, const flume_entry *entries, size_t entry_count,
                        const flume_condition *condition, uint64_t *out_first_seq)
{
    int64_t meta_bytes = batch_meta_bytes(log, entries, entry_count);
    struct item_moment moment = {0};
    struct item stack[ITEMS_STACK];
    uint8_t meta_stack[META_STACK_BYTES];
    struct item *items = stack;
    uint8_t *meta = meta_stack;
    uint8_t *end;
    int status = FLUME_ERR_NO_MEMORY;

    if (meta_bytes < 0)
        return (int)meta_bytes;
    if (entry_count > ITEMS_STACK)
        items = memory_allocate_zeroed(&log->allocator, entry_count, sizeof *items);
    if (meta_bytes > META_STACK_BYTES)
        meta = memory_allocate(&log->allocator, (size_t)meta_bytes);
    if (items == NULL || meta == NULL) {
        (void)log_fail(log, status, 0, FLUME_SEQ_NONE, "no memory for a batch of %zu records",
                       entry_count);
        goto out;
    }
    end = meta;
    for (size_t i = 0; i < entry_count; i++) {
        item_make(log, &entries[i], &moment, end, &items[i]);
        end += items[i].meta_bytes;
    }
    status = append_items(log, items, entry_count, condition, out_first_seq);
out:
    if (meta != meta_stack)
        memory_release(&log->allocator, meta);
    if (items != stack)
        memory_release(&log->allocator, items);
    return status;
}

int flume_log_append_many(flume_log *log, const flume_entry *entries, size_t entry_count,
                          const flume_condition *condition, uint64_t *out_first_seq)
{
    uint64_t first_seq;
    int status = writable(log);

    if (status != FLUME_OK)
        return status;
    if (entries == NULL && entry_count > 0)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "the entries are NULL");
    if (entry_count > UINT32_MAX / 2)
        return log_fail(log, FLUME_ERR_TOO_LARGE, 0, FLUME_SEQ_NONE,
                        "a batch of %zu records is too large", entry_count);
    if (condition != NULL && (condition->check & ~(unsigned)(FLUME_IF_HEAD | FLUME_IF_LAST)) != 0)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "unknown condition bits 0x%x",
                        condition->check);
    if (entry_count == 0)
        first_seq = head_seen(log);
    else
        status = append_batch(log, entries, entry_count, condition, &first_seq);
    if (status == FLUME_OK && out_first_seq != NULL)
        *out_first_seq = first_seq;
    return status;
}

/* Who may not lock looks for it: the word may be of a record that is not published yet, and of the
 * one before that nothing else is known. */
static int find_last(flume_log *log, unsigned kind, uint64_t *out_seq)
{
    const uint8_t kinds[] = {(uint8_t)kind};
    const flume_cursor_options options = {
        .flags = FLUME_CURSOR_REVERSE | FLUME_CURSOR_SKIP_DAMAGED, .kinds = kinds, .kind_count = 1};
    flume_cursor *cursor;
    flume_record record;
    int status = flume_cursor_open(log, &options, &cursor);

    if (status != FLUME_OK)
        return status;
    status = flume_cursor_next(cursor, 0, &record);
    *out_seq = status == FLUME_OK ? record.seq : FLUME_SEQ_NONE;
    flume_cursor_close(cursor);
    return status == FLUME_END ? FLUME_OK : status;
}

int flume_log_last(flume_log *log, unsigned kind, uint64_t *out_seq)
{
    int status = log_guard(log);
    uint64_t last;

    if (status != FLUME_OK)
        return status;
    if (kind >= STRATA_KINDS || out_seq == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "no kind %u", kind);
    (void)head_seen(log); /* Who observes has copies of all these words. */
    last = atomic_load(&log->head->last_of_kind[kind]);
    if (last != FLUME_SEQ_NONE && last >= head_seen(log)) {
        /* An append is under way, or its process died in it. */
        if (log->read_only)
            return find_last(log, kind, out_seq);
        status = append_lock(log);
        if (status != FLUME_OK)
            return status;
        last = atomic_load(&log->head->last_of_kind[kind]);
        append_unlock(log);
    }
    *out_seq = last;
    return FLUME_OK;
}
