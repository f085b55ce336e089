/*
 * sync.c - making what was appended durable.
 *
 * What always holds:
 *   - `durable` rises only after every strata from the one that holds it to the one that holds the
 *     new value has been fdatasynced through a descriptor older than the bytes it proves, and after
 *     the directory has been synced if one of them is new.
 *   - A failed sync poisons HEAD before sync_mutex is released: no process acknowledges after it.
 *   - `durable` never passes a record whose needs of the second log are not durable (companion.c).
 *   - The gate is written after the data's sync and before the acknowledgement that it covers.
 */
#include "sync.h"

#include <errno.h>
#include <sched.h>

#include "append.h"
#include "companion.h"
#include "strata.h"
#include "wait.h"

enum {
    FOLLOW_SLICE_NS = 100000000,
    GATHER_NS = 50000,
    GATHER_RECORDS_MAX = 256,
    GATHER_MORE_NS = 10000,
    GATHER_MORE_EVERY = 4 /* Syncs. */
};
#define GATE_INTERVAL_NS UINT64_C(1000000000)

static int poisoned(flume_log *log)
{
    return log_fail(log, FLUME_ERR_POISONED, 0, FLUME_SEQ_NONE,
                    "%s: a sync failed; records from seq %llu on may not survive a power cut: "
                    "close the basin everywhere, check the disk, open it again",
                    log->path, (unsigned long long)atomic_load(&log->head->durable));
}

int sync_failed(flume_log *log, int error, const char *what, const char *path)
{
    (void)atomic_fetch_or(&log->head->refusal, HEAD_POISONED);
    log_tell(log, FLUME_LOG_ERROR, "%s: a sync failed; nothing more is accepted", log->path);
    return log_fail_io(log, error, what, path);
}

/*
 * A sync through a descriptor proves nothing of bytes written before it was opened: a failure may
 * have been reported to somebody else, and the pages are clean now. So those not yet durable are
 * written once more, the same bytes. Published bytes never change, so no mutex is needed.
 */
static int prove_bytes(flume_log *log, struct strata *strata, uint64_t from_seq, uint64_t to_seq)
{
    uint64_t from = STRATA_DATA_AT;
    uint64_t to;
    int error, status;

    if (strata->write_file_proven)
        return FLUME_OK;
    status = strata_settle(log, strata, to_seq - strata->first_seq);
    if (status != FLUME_OK)
        return status;
    if (from_seq > strata->first_seq)
        from = strata_slot(strata, from_seq - strata->first_seq);
    else
        from = 0; /* The header page too. */
    to = strata_slot(strata, to_seq - strata->first_seq);
    if (to == 0)
        to = strata->limit; /* Its end lies right behind the last grain that fits. */
    if (from < to) {
        error = io_write_all(log->io, strata->write_file, strata->data + from, (size_t)(to - from),
                             from);
        if (error != 0)
            return log_fail_io(log, error, "write again to a strata in", log->path);
    }
    strata->write_file_proven = true;
    return FLUME_OK;
}

/* Sync the strata that hold from_seq .. to_seq - 1, oldest first. */
static int sync_strata(flume_log *log, const struct table *table, uint64_t from_seq,
                       uint64_t to_seq)
{
    size_t index = table_find(table, from_seq);

    for (index = index == SIZE_MAX ? 0 : index;
         index < table->count && table->rows[index].first_seq <= to_seq; index++) {
        struct strata *strata = table->rows[index].strata;
        uint64_t end_seq = to_seq;
        int error, status;

        if (index + 1 < table->count && table->rows[index + 1].first_seq < to_seq)
            end_seq = table->rows[index + 1].first_seq;
        status = strata_open(log, strata);
        if (status == FLUME_OK) {
            int file = strata_write_file(log, strata);

            status = file < 0 ? file : FLUME_OK;
        }
        if (status == FLUME_OK)
            status = prove_bytes(log, strata, from_seq, end_seq);
        if (status != FLUME_OK)
            return status;
        error = log->io->sync(log->io->ctx, strata->write_file);
        if (error != 0)
            return sync_failed(log, error, "sync a strata in", log->path);
    }
    return FLUME_OK;
}

static int sync_names(flume_log *log, uint64_t newest_first_seq)
{
    struct head *head = log->head;
    struct path path;
    int error;

    if (atomic_load(&head->synced_layout_seq) == newest_first_seq + 1)
        return FLUME_OK;
    log_path(log, "log", "", &path);
    error = log->io->sync_directory(log->io->ctx, path.text);
    if (error != 0)
        return sync_failed(log, error, "sync the directory", path.text);
    atomic_store(&head->synced_layout_seq, newest_first_seq + 1);
    return FLUME_OK;
}

/* A full strata that is durable gets its footer, and gives back what it did not use. All of this is
 * best effort: without a footer, slots are rebuilt on first use. */
static void finish_strata(flume_log *log, struct strata *strata, uint64_t count)
{
    const flume_io *io = log->io;
    uint64_t footer_at = strata_limit(strata->file_bytes);
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_footer footer;
    uint64_t unused_at;

    strata->footer_done = true;
    if ((strata->flags & STRATA_CLOSED) != 0 || !strata_footer_make(strata, count, &footer))
        return;
    strata_footer_encode(page, &footer);
    unused_at = round_up(footer.end_offset, STRATA_PAGE_BYTES);
    if (io_write_all(io, strata->write_file, page, sizeof page, footer_at) == 0 &&
        unused_at < footer_at)
        (void)io->punch(io->ctx, strata->write_file, unused_at, footer_at - unused_at);
}

static void punch_slots(flume_log *log, const struct strata *strata, uint64_t count)
{
    const flume_io *io = log->io;
    char name[STRATA_NAME_BYTES];
    struct path path;
    uint64_t used = round_up((count + 1) * sizeof(uint32_t), STRATA_PAGE_BYTES);
    uint64_t bytes = strata_slot_count(strata->file_bytes) * sizeof(uint32_t);
    int file;

    strata_slots_name(name, strata->first_seq);
    log_path(log, "log", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_WRITE);
    if (file < 0)
        return;
    if (used < bytes)
        (void)io->punch(io->ctx, file, used, bytes - used); /* Only space is at stake. */
    io->close(io->ctx, file);
}

/* One that was sealed at this moment needs nothing more. */
static void finish_raw_strata(flume_log *log, struct strata *strata, uint64_t count)
{
    struct mapping *mapping = strata->form == STRATA_RAW ? strata_lend(log, strata) : NULL;

    if (mapping == NULL)
        return;
    finish_strata(log, strata, count);
    punch_slots(log, strata, count);
    let_go(&mapping->held);
}

/* Strata that are full and durable: footers, space, descriptors. */
static void finish_full_strata(flume_log *log, const struct table *table, uint64_t from_seq,
                               uint64_t durable)
{
    size_t index = table_find(table, from_seq);

    /* From the one before: it may have been durable already when the log rolled. */
    for (index = index == SIZE_MAX || index == 0 ? 0 : index - 1; index + 1 < table->count;
         index++) {
        struct strata *strata = table->rows[index].strata;
        uint64_t end_seq = table->rows[index + 1].first_seq;

        if (end_seq > durable)
            break;
        if (atomic_load(&strata->state) != STRATA_OPEN)
            continue;
        if (!strata->footer_done && strata->write_file >= 0)
            finish_raw_strata(log, strata, end_seq - strata->first_seq);
        if (strata->write_file >= 0 && strata->first_seq != atomic_load(&log->head->active_first)) {
            log->io->close(log->io->ctx, strata->write_file);
            atomic_store(&strata->write_file, -1);
        }
    }
}

void sync_close_raw(flume_log *log)
{
    struct head *head = log->head;
    int taken = mutex_try(log, &head->sync_mutex, &head->sync_owner);

    if (taken < 0) {
        atomic_store(&log->raw_files_left, true);
        return;
    }
    if (taken == MUTEX_INHERITED)
        mutex_inherit(&head->sync_mutex);
    (void)pthread_mutex_lock(&log->table_mutex);
    for (struct strata *strata = log->strata_made; strata != NULL; strata = strata->next_made) {
        int file = -1;

        if (strata->first_seq < atomic_load(&head->sealed_to) &&
            atomic_load_explicit(&strata->state, memory_order_acquire) == STRATA_OPEN &&
            strata->form == STRATA_RAW)
            file = atomic_exchange(&strata->write_file, -1);
        if (file >= 0)
            log->io->close(log->io->ctx, file);
    }
    (void)pthread_mutex_unlock(&log->table_mutex);
    mutex_drop(&head->sync_mutex);
}

static bool gate_is_due(flume_log *log, bool rolled)
{
    uint64_t since_ns;

    if (rolled || log->profile == FLUME_PROFILE_PARANOID)
        return true;
    if (log->profile != FLUME_PROFILE_SAFE)
        return false;
    since_ns = log->io->monotonic_ns(log->io->ctx) - atomic_load(&log->head->gate_ns);
    return since_ns >= GATE_INTERVAL_NS;
}

/* Until head is so far, but no longer than that. */
static void await_head(flume_log *log, uint64_t seq, uint64_t limit_ns)
{
    const flume_io *io = log->io;
    uint64_t until_ns = io->monotonic_ns(io->ctx) + limit_ns;

    while (atomic_load_explicit(&log->head->head, memory_order_relaxed) < seq &&
           io->monotonic_ns(io->ctx) < until_ns)
        (void)sched_yield();
}

/*
 * Those whom the last sync woke are about to append again: a leader that goes at once takes itself
 * alone, and two half groups follow each other for ever. So it waits, briefly and at most, until as
 * many records as last time are there. A single thread never waits: its group is one.
 *
 * Once one has come late, groups would stay without it: now and then the leader waits a little for
 * one more. (Measured with eight threads: 7.1 -> 7.9 records a sync.)
 */
static void gather(flume_log *log, uint64_t from_seq)
{
    uint64_t group = log->head->sync_group;

    if (log->profile != FLUME_PROFILE_SAFE && log->profile != FLUME_PROFILE_PARANOID)
        return;
    if (group < 2 || group > GATHER_RECORDS_MAX)
        return;
    await_head(log, from_seq + group, GATHER_NS);
    if (atomic_load_explicit(&log->sync_count, memory_order_relaxed) % GATHER_MORE_EVERY == 0)
        await_head(log, from_seq + group + 1, GATHER_MORE_NS);
}

/* Under sync_mutex: make from_seq .. to_seq - 1 durable. */
static int sync_range_locked(flume_log *log, uint64_t from_seq, uint64_t to_seq)
{
    struct head *head = log->head;
    const struct table *table;
    uint64_t newest_seq;
    size_t newest;
    bool rolled;
    int status;

    head->sync_group = to_seq - from_seq;
    table = table_current(log, &status);
    if (table == NULL)
        return status;
    newest = table_find(table, to_seq - 1);
    if (newest == SIZE_MAX) /* Somebody took strata away. */
        return log_fail(log, FLUME_ERR_DAMAGED, 0, to_seq - 1,
                        "%s: the strata of seq %llu is missing from log/; run 'flume check'",
                        log->path, (unsigned long long)(to_seq - 1));
    newest_seq = table->rows[newest].first_seq;
    rolled = newest_seq > from_seq || atomic_load(&head->synced_layout_seq) != newest_seq + 1;
    status = companion_settle(log);
    if (status == FLUME_OK)
        status = sync_strata(log, table, from_seq, to_seq);
    if (status == FLUME_OK)
        status = sync_names(log, table->rows[table->count - 1].first_seq);
    if (status == FLUME_OK && log->profile == FLUME_PROFILE_PARANOID)
        status = read_back(log, table, from_seq, to_seq);
    if (status == FLUME_OK && gate_is_due(log, rolled))
        status = gate_write(log, to_seq);
    if (status == FLUME_ERR_DAMAGED)
        (void)atomic_fetch_or(&head->refusal, HEAD_POISONED); /* It did not read back the same. */
    if (status != FLUME_OK)
        return status; /* Poisoned if a sync failed; else (no space, no descriptor) try again. */
    (void)atomic_fetch_add(&log->sync_count, 1);
    atomic_store_explicit(&head->durable, to_seq, memory_order_release);
    finish_full_strata(log, table, from_seq, to_seq);
    return FLUME_OK;
}

/* Under sync_mutex: sync up to head as it is now. Another leader may have come between. */
static int lead_locked(flume_log *log)
{
    struct head *head = log->head;
    uint64_t from_seq = atomic_load(&head->durable);
    uint64_t to_seq;

    gather(log, from_seq);
    to_seq = atomic_load_explicit(&head->head, memory_order_acquire);
    return from_seq < to_seq ? sync_range_locked(log, from_seq, to_seq) : FLUME_OK;
}

static void wake_followers(flume_log *log)
{
    struct head *head = log->head;

    /* After the unlock: whoever sees the new word can take the lead. */
    (void)atomic_fetch_add(&head->durable_word, 1);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_exchange(&head->durable_wanted, 0) != 0)
        log->io->wake(log->io->ctx, (const uint32_t *)&head->durable_word);
}

static int lead(flume_log *log, int taken)
{
    struct head *head = log->head;
    int status;

    if (taken == MUTEX_INHERITED)
        mutex_inherit(&head->sync_mutex); /* Everything under it only ever moves forward. */
    status = (atomic_load(&head->refusal) & HEAD_POISONED) != 0 ? poisoned(log) : lead_locked(log);
    mutex_drop(&head->sync_mutex);
    wake_followers(log);
    return status;
}

/* Sleep until the leader is done, or was never there. */
static void follow(flume_log *log, uint32_t expected, uint64_t target)
{
    struct head *head = log->head;

    atomic_store(&head->durable_wanted, 1);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&head->durable) < target)
        log->io->wait(log->io->ctx, (const uint32_t *)&head->durable_word, expected,
                      FOLLOW_SLICE_NS);
}

int sync_to(flume_log *log, uint64_t target)
{
    struct head *head = log->head;
    uint64_t until_ns = 0;

    while (atomic_load_explicit(&head->durable, memory_order_acquire) < target) {
        uint32_t expected = atomic_load(&head->durable_word);
        uint64_t now_ns;
        int taken;

        if ((atomic_load(&head->refusal) & HEAD_POISONED) != 0)
            return poisoned(log);
        taken = mutex_try(log, &head->sync_mutex, &head->sync_owner);
        if (taken >= 0) {
            int status = lead(log, taken);

            if (status != FLUME_OK)
                return status;
            continue;
        }
        follow(log, expected, target);
        now_ns = log->io->monotonic_ns(log->io->ctx);
        if (until_ns == 0 || atomic_load(&head->durable_word) != expected)
            until_ns = now_ns + log->lock_timeout_ns; /* Somebody gets on with it. */
        else if (now_ns >= until_ns)
            return mutex_busy(log, &head->sync_owner, "sync");
    }
    return FLUME_OK;
}

int gate_bring_up(flume_log *log)
{
    struct head *head = log->head;
    int status = mutex_take(log, &head->sync_mutex, &head->sync_owner, "sync");

    if (status < 0)
        return status;
    if (status == MUTEX_INHERITED)
        mutex_inherit(&head->sync_mutex);
    status = FLUME_OK;
    if ((atomic_load(&head->refusal) & HEAD_POISONED) == 0 &&
        atomic_load(&head->gate_seq) < atomic_load(&head->durable))
        status = gate_write(log, atomic_load(&head->durable));
    mutex_drop(&head->sync_mutex);
    return status;
}

int flume_log_sync(flume_log *log, uint64_t seq)
{
    int status = log_guard(log);
    uint64_t head;

    if (status != FLUME_OK)
        return status;
    if (log->observer)
        return log_fail(log, FLUME_ERR_READ_ONLY, 0, seq, "%s cannot be written by this user",
                        log->path);
    head = atomic_load_explicit(&log->head->head, memory_order_acquire);
    if (seq == FLUME_SEQ_NONE)
        return sync_to(log, head);
    if (seq >= head)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, seq,
                        "%s: there is no seq %llu to sync; the head is %llu", log->path,
                        (unsigned long long)seq, (unsigned long long)head);
    return sync_to(log, seq + 1);
}

int append_settle(flume_log *log, uint64_t seq)
{
    flume_error error;
    int status;

    if (log->profile != FLUME_PROFILE_SAFE && log->profile != FLUME_PROFILE_PARANOID)
        return FLUME_OK;
    status = sync_to(log, seq + 1);
    if (status == FLUME_OK || status == FLUME_ERR_POISONED)
        return status;
    flume_log_error(log, &error); /* The record is there: only "nothing was appended" is untrue. */
    return log_fail(log, FLUME_ERR_IO, error.system_errno, seq,
                    "seq %llu was appended, but is not durable: %s", (unsigned long long)seq,
                    error.message);
}
