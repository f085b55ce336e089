/*
 * attach.c - becoming one of the processes that share a basin, and leaving.
 *
 * LOCK has a gate byte (held exclusively while a process attaches or leaves) and a members byte
 * (shared by everyone who trusts HEAD). Whoever gets members exclusively under the gate is alone:
 * it recovers and rebuilds HEAD in place, READY last. A lock is never converted upwards, and LOCK
 * and HEAD are never unlinked, renamed or shortened.
 */
#include "attach.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "basin.h"
#include "identity.h"
#include "observe.h"
#include "recover.h"
#include "sealed.h"
#include "strata.h"
#include "sync.h"
#include "wait.h"
#include "writer.h"

enum { GATE_POLL_NS = 1000000 };

void time_text(uint64_t time_ns, char target[32])
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm parts;
    const struct tm *made = gmtime_r(&seconds, &parts);
    size_t bytes = strftime(target, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);

    assert(made != NULL); /* 2^64 ns end in the year 2554, */
    assert(bytes > 0);    /* which takes 20 characters. */
    (void)made;
    (void)bytes;
}

static int try_lock(flume_log *log, uint64_t at, enum flume_io_lock how)
{
    return log->io->lock(log->io->ctx, log->lock_file, at, how);
}

static void unlock(flume_log *log, uint64_t at)
{
    (void)try_lock(log, at, FLUME_IO_UNLOCK); /* Closing the file would do the same. */
}

static bool entry_lives(flume_log *log, size_t index)
{
    if (log->attached && index == log->attach_index)
        return true;
    return log->io->lock_test(log->io->ctx, log->lock_file, LOCK_ATTACH_AT + index) == 1;
}

unsigned attach_list(flume_log *log, attach_visit visit, void *ctx)
{
    const struct head *head = log->shared != NULL ? log->shared : log->head;
    unsigned count = 0;

    if (log->lock_file < 0)
        return 0;
    for (size_t i = 0; i < HEAD_ATTACH_MAX; i++) {
        const struct head_attach *entry = &head->attach[i];

        if (atomic_load(&entry->pid) == 0 || !entry_lives(log, i))
            continue;
        count++;
        if (visit != NULL)
            visit(ctx, entry, log->attached && i == log->attach_index);
    }
    return count;
}

/* The first one found, for a message. */
struct somebody {
    struct head_attach entry;
    bool found;
};

static void take_first(void *ctx, const struct head_attach *entry, bool self)
{
    struct somebody *somebody = ctx;

    assert(!self); /* Who asks is not attached yet. */
    (void)self;
    if (somebody->found)
        return;
    somebody->entry = *entry;
    somebody->found = true;
}

static int busy_with_somebody(flume_log *log, const char *why)
{
    struct somebody somebody = {.found = false};
    char started[32];

    (void)attach_list(log, take_first, &somebody);
    if (!somebody.found)
        return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                        "%s is in use by another process, %s", log->path, why);
    time_text(somebody.entry.started_ns, started);
    return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                    "%s is in use by process %llu (%.*s, on %.*s, since %s), %s", log->path,
                    (unsigned long long)atomic_load(&somebody.entry.pid), HEAD_PROGRAM_BYTES,
                    somebody.entry.program, HEAD_HOST_BYTES, somebody.entry.host, started, why);
}

/* Who holds the gate, read from the file: HEAD is only mapped under the gate. 0: not known. */
static uint64_t gate_holder(flume_log *log)
{
    const flume_io *io = log->io;
    uint64_t pid = 0;
    struct path path;
    int file;

    log_path(log, "", "HEAD", &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file < 0)
        return 0;
    if (io_read_all(io, file, &pid, sizeof pid, offsetof(struct head, gate_pid)) != 0)
        pid = 0;
    io->close(io->ctx, file);
    return pid;
}

static int gate_busy(flume_log *log)
{
    uint64_t pid = gate_holder(log);
    char holder[32] = "another process";

    if (pid != 0)
        (void)snprintf(holder, sizeof holder, "process %llu", (unsigned long long)pid);
    return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                    "%s: %s has been attaching or recovering for %llu ms; it may be stopped: "
                    "continue it or end it",
                    log->path, holder, (unsigned long long)(log->lock_timeout_ns / 1000000));
}

static int gate_take(flume_log *log)
{
    const flume_io *io = log->io;
    uint64_t until_ns = io->monotonic_ns(io->ctx) + log->lock_timeout_ns;

    for (;;) {
        int error = try_lock(log, LOCK_GATE_AT, FLUME_IO_LOCK_EXCLUSIVE);

        if (error == 0)
            return FLUME_OK;
        if (error != -EAGAIN)
            return log_fail_io(log, error, "lock", log->path);
        if (io->monotonic_ns(io->ctx) >= until_ns)
            break;
        io->sleep(io->ctx, GATE_POLL_NS);
    }
    return gate_busy(log);
}

/* Whoever finds the gate taken from now on must not be told of this process. */
static void gate_leave(flume_log *log)
{
    if (log->head != NULL)
        log->head->gate_pid = 0;
    unlock(log, LOCK_GATE_AT);
}

static int head_map(flume_log *log)
{
    const flume_io *io = log->io;
    flume_io_stat file_stat;
    struct path path;
    void *data;
    int error;

    log_path(log, "", "HEAD", &path);
    log->head_file = io->open(io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (log->head_file < 0)
        return log_fail_io(log, log->head_file, "open", path.text);
    error = io->stat(io->ctx, log->head_file, &file_stat);
    if (error == 0 && file_stat.bytes < HEAD_FILE_BYTES)
        error = io_reserve(io, log->head_file, HEAD_FILE_BYTES);
    if (error == 0)
        error = io->map(io->ctx, log->head_file, 0, HEAD_FILE_BYTES, true, &data);
    if (error != 0)
        return log_fail_io(log, error, "map", path.text);
    log->head = data;
    /* What was cut off counted as well. (A new file has no state yet.) */
    if (file_stat.bytes < HEAD_FILE_BYTES)
        atomic_store(&log->head->state, HEAD_EMPTY);
    return FLUME_OK;
}

/* HEAD counts only for this boot and this LOCK: not for a copy, not for another host. */
static bool head_is_ours(const flume_log *log, const struct head *head)
{
    return head_is_readable(head) &&
           memcmp(head->boot_id, log->boot_id, sizeof log->boot_id) == 0 &&
           memcmp(head->basin_id, log->basin_id, sizeof log->basin_id) == 0 &&
           head->lock_device == log->lock_device && head->lock_inode == log->lock_inode;
}

/* Where the grain of a record ends, from the record alone. */
static uint64_t record_end(const struct strata *strata, const flume_record *record)
{
    const uint8_t *body_end = (const uint8_t *)record->body + record->body_bytes;

    return round_up((uint64_t)(body_end - strata->data), GRAIN_ALIGN);
}

/* The writer maps all slots that the active strata may need. */
static bool slots_suffice(const flume_log *log, const struct strata *strata)
{
    return (atomic_load(&log->head->refusal) & HEAD_ACTIVE_CLOSED) != 0 ||
           (strata->flags & STRATA_CLOSED) != 0 ||
           strata->slots_map_bytes >= strata_slot_count(strata->file_bytes) * sizeof(uint32_t);
}

/* Whether the strata that a record lies in ends with it, as far as its files tell. */
static bool ends_with(const flume_log *log, const struct strata *strata, const flume_record *record)
{
    uint64_t count = record->seq + 1 - strata->first_seq;

    if (strata->form == STRATA_SEALED)
        return strata->sealed->count == count;
    return strata->data_bytes >= strata->file_bytes &&
           atomic_load(&strata->slots_state) == SLOTS_SETTLED && slots_suffice(log, strata) &&
           strata_slot(strata, count) == record_end(strata, record);
}

/* After a clean close the last grain tells whether HEAD and the files still agree. */
static bool closed_agrees(flume_log *log)
{
    const struct head *head = log->head;
    uint64_t end = atomic_load(&head->head);
    const struct table *table;
    flume_record record;
    bool agrees;
    size_t index;

    if (table_refresh(log) != FLUME_OK)
        return false;
    if (atomic_load(&head->active_bytes) == 0 || end == atomic_load(&head->active_first))
        return false; /* Nothing to look at: scanning costs nothing either. */
    if (flume_log_get(log, end - 1, &record) != FLUME_OK)
        return false;
    table = atomic_load(&log->table);
    index = table_find(table, end - 1);
    assert(index != SIZE_MAX); /* It was read a moment ago. */
    agrees = record.strata_seq == atomic_load(&head->active_first) &&
             ends_with(log, table->rows[index].strata, &record);
    flume_record_release(&record);
    return agrees;
}

static int recover_ours(flume_log *log)
{
    struct head *head = log->head;
    bool was_closed = atomic_load(&head->state) == HEAD_CLOSED;
    int status = head_take_over(head);

    if (status != FLUME_OK)
        return log_fail(log, status, 0, FLUME_SEQ_NONE, "cannot make the locks of %s", log->path);
    /* Boards outlive a death: their words are what the dead went by, and of this boot. Who left in
     * order took leave of them: what they spoke of may have changed since without anybody
     * attached. */
    if (was_closed)
        head_clear_boards(head);
    log->recovery.damaged_seq = FLUME_SEQ_NONE;
    log->recovery.head = atomic_load(&head->head);
    if (was_closed && closed_agrees(log))
        return FLUME_OK;
    return recover_process_death(log);
}

static void head_claim(flume_log *log)
{
    struct head *head = log->head;

    memcpy(head->boot_id, log->boot_id, sizeof log->boot_id);
    memcpy(head->basin_id, log->basin_id, sizeof log->basin_id);
    head->lock_device = log->lock_device;
    head->lock_inode = log->lock_inode;
    atomic_store_explicit(&head->state, HEAD_READY, memory_order_release);
}

/* Whether HEAD's words are those that its last users left. Who left in order has put a check beside
 * them; where that does not hold, somebody else has been at the file. */
static bool head_holds(const flume_log *log, const struct head *head)
{
    uint32_t state = atomic_load(&head->state);

    if (!head_is_ours(log, head))
        return false;
    return state == HEAD_READY ||
           (state == HEAD_CLOSED && head->closed_check == head_closed_check(head));
}

/* Alone under the gate: make HEAD say what is so. */
static int recover(flume_log *log)
{
    struct head *head = log->head;
    bool is_copy = head_is_of_copy(head, log->lock_inode);
    int status = FLUME_ERR_NOT_FOUND;
    uint64_t durable = 0;

    if (head_holds(log, head)) {
        durable = atomic_load(&head->durable);
        status = recover_ours(log);
    }
    if (status == FLUME_ERR_NOT_FOUND) {
        status = head_init(head);
        if (status != FLUME_OK)
            return log_fail(log, status, 0, FLUME_SEQ_NONE, "cannot make the locks of %s",
                            log->path);
        if (is_copy) /* So that it is known if this recovery fails and the next one begins. */
            atomic_store(&head->state, HEAD_COPY);
        status = recover_machine_stop(log, RECOVER_CHANGING, is_copy, durable);
    }
    writer_tear_down(log); /* It was set up before the io mode was known. */
    if (status != FLUME_OK)
        return status;
    basin_sweep(log);
    head_claim(log);
    return FLUME_OK;
}

static int enter_table(flume_log *log)
{
    for (size_t i = 0; i < HEAD_ATTACH_MAX; i++) {
        struct head_attach *entry = &log->head->attach[i];

        if (try_lock(log, LOCK_ATTACH_AT + i, FLUME_IO_LOCK_EXCLUSIVE) != 0)
            continue;
        memset(entry, 0, sizeof *entry); /* Sweeps what a dead one left. */
        entry->started_ns = log->started_ns;
        entry->pinned_seq = FLUME_SEQ_NONE;
        entry->role = (log->read_only ? HEAD_ROLE_READ_ONLY : 0) |
                      ((log->flags & FLUME_OPEN_EXCLUSIVE) != 0 ? HEAD_ROLE_EXCLUSIVE : 0);
        (void)snprintf(entry->program, sizeof entry->program, "%s", log->program);
        identity_host(entry->host, sizeof entry->host);
        atomic_store(&entry->pid, log->pid);
        log->attach_index = (unsigned)i;
        log->attached = true;
        return FLUME_OK;
    }
    return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                    "%s already has %d processes attached, which is the limit", log->path,
                    HEAD_ATTACH_MAX);
}

/* Settings first: a basin that is not there is made, under the gate. */
static int read_or_make(flume_log *log, uint64_t strata_bytes)
{
    int status = basin_read(log);

    if (status != FLUME_ERR_NO_BASIN || (log->flags & FLUME_OPEN_CREATE) == 0)
        return status;
    return basin_make(log, strata_bytes);
}

static int join_alone(flume_log *log)
{
    int status = recover(log);

    if (status != FLUME_OK || (log->flags & FLUME_OPEN_EXCLUSIVE) != 0)
        return status;
    if (try_lock(log, LOCK_MEMBERS_AT, FLUME_IO_LOCK_SHARED) != 0) /* Down: cannot be refused. */
        return log_fail(log, FLUME_ERR_IO, 0, FLUME_SEQ_NONE, "cannot share the lock of %s",
                        log->path);
    return FLUME_OK;
}

static int join_others(flume_log *log)
{
    if ((log->flags & FLUME_OPEN_EXCLUSIVE) != 0)
        return busy_with_somebody(log, "and was asked for exclusively");
    if (try_lock(log, LOCK_MEMBERS_AT, FLUME_IO_LOCK_SHARED) != 0)
        return busy_with_somebody(log, "which has it exclusively");
    if (!head_is_readable(log->head))
        return log_fail(log, FLUME_ERR_VERSION, 0, FLUME_SEQ_NONE,
                        "%s is in use by a program built differently (lock format, libc or "
                        "pointer size); use one build, or wait until it has left",
                        log->path);
    if (atomic_load(&log->head->state) != HEAD_READY || !head_is_ours(log, log->head))
        return busy_with_somebody(log, "from another machine or another boot of this one");
    return FLUME_OK;
}

/* Under the gate. */
static int join(flume_log *log, uint64_t strata_bytes)
{
    int status = head_map(log);
    int error;

    if (status != FLUME_OK)
        return status;
    log->head->gate_pid = log->pid; /* First of all: others want to know who keeps them waiting. */
    error = try_lock(log, LOCK_MEMBERS_AT, FLUME_IO_LOCK_EXCLUSIVE);
    if (error != 0 && error != -EAGAIN)
        return log_fail_io(log, error, "lock", log->path);
    status = read_or_make(log, strata_bytes);
    if (status != FLUME_OK)
        return status;
    status = error == 0 ? join_alone(log) : join_others(log);
    if (status == FLUME_OK)
        status = enter_table(log);
    return status;
}

static int lock_open(flume_log *log)
{
    const flume_io *io = log->io;
    flume_io_stat file_stat;
    struct path path;
    int error;

    log_path(log, "", "LOCK", &path);
    log->lock_file = io->open(io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (log->lock_file < 0)
        return log_fail_io(log, log->lock_file, "open", path.text);
    error = io->stat(io->ctx, log->lock_file, &file_stat);
    if (error != 0)
        return log_fail_io(log, error, "look at", path.text);
    log->lock_device = file_stat.device;
    log->lock_inode = file_stat.inode;
    log_path(log, "", "TAIL", &path);
    log->gate_file = io->open(io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (log->gate_file < 0)
        return log_fail_io(log, log->gate_file, "open", path.text);
    return FLUME_OK;
}

/* A directory that is there but holds no basin must not get files of ours unless asked. */
static int look_first(flume_log *log)
{
    if ((log->flags & FLUME_OPEN_CREATE) != 0)
        return log->read_only ? basin_read(log) : basin_make_directories(log);
    return basin_read(log);
}

int attach_look(flume_log *log)
{
    int error = log->io->boot_id(log->io->ctx, log->boot_id);

    if (error != 0)
        return log_fail_io(log, error, "read the boot id for", log->path);
    return look_first(log);
}

int attach(flume_log *log, uint64_t strata_bytes)
{
    int status = lock_open(log);

    if (log->read_only && (status == FLUME_ERR_ACCESS || status == FLUME_ERR_READ_ONLY))
        return observe_begin(log);
    if (status == FLUME_OK)
        status = gate_take(log);
    if (status != FLUME_OK)
        return status;
    status = join(log, strata_bytes);
    if (log->read_only && (status == FLUME_ERR_ACCESS || status == FLUME_ERR_READ_ONLY)) {
        unlock(log, LOCK_MEMBERS_AT);
        gate_leave(log);
        return observe_begin(log);
    }
    if (status != FLUME_OK)
        unlock(log, LOCK_MEMBERS_AT);
    gate_leave(log);
    return status;
}

/* Nobody holds this lock of HEAD, and no one died holding it. What the dead left is given back,
 * too: the system keeps a list through the locks of a thread, and HEAD is unmapped soon. That makes
 * the lock useless, but nobody is attached, and who attaches first makes new ones. */
static bool mutex_is_at_rest(flume_log *log, pthread_mutex_t *mutex, _Atomic uint32_t *owner)
{
    int taken = mutex_try(log, mutex, owner);

    if (taken >= 0)
        mutex_drop(mutex);
    return taken == FLUME_OK;
}

static bool head_is_at_rest(flume_log *log)
{
    struct head *head = log->head;

    return mutex_is_at_rest(log, &head->append_mutex, &head->append_owner) &&
           mutex_is_at_rest(log, &head->sync_mutex, &head->sync_owner) &&
           (atomic_load(&head->refusal) & (HEAD_POISONED | HEAD_DIRTY)) == 0;
}

void detach(flume_log *log)
{
    struct head *head = log->head;

    if (!log->attached)
        return;
    if (gate_take(log) != FLUME_OK) {
        unlock(log, LOCK_ATTACH_AT + log->attach_index); /* As if this process had died. */
        unlock(log, LOCK_MEMBERS_AT);
        log->attached = false;
        return;
    }
    head->gate_pid = log->pid;
    atomic_store(&head->attach[log->attach_index].pid, 0);
    unlock(log, LOCK_ATTACH_AT + log->attach_index);
    log->attached = false;
    unlock(log, LOCK_MEMBERS_AT);
    if (try_lock(log, LOCK_MEMBERS_AT, FLUME_IO_LOCK_EXCLUSIVE) == 0) {
        if (head_is_at_rest(log)) {
            basin_sweep(log);
            atomic_store(&head->prepared_bytes, 0);
            head->closed_check = head_closed_check(head);
            atomic_store_explicit(&head->state, HEAD_CLOSED, memory_order_release);
        }
        unlock(log, LOCK_MEMBERS_AT);
    }
    gate_leave(log);
}
