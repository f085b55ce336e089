/*
 * recover.c - where the log ends after a machine stop.
 *
 * Two passes. The first (recover_walk.c) walks the strata from the one that holds what is known
 * durable to the newest, and gathers how far each reads and the greatest `durable` that any sound
 * byte tells: gate, headers, witnesses. The second, here, decides: a grain that does not read below
 * that is damage and stays; the first one above it is the torn tail, and everything from there on
 * is taken out of the log, its bytes kept in lost+found/.
 *
 * What always holds:
 *   - No strata found here is appended to: the next append opens a new one with a new salt, so
 *     stale grains can never come back.
 *   - What is cut is in lost+found/ and synced before its name leaves log/.
 *   - Run again over what it left, recovery finds the same end.
 */
#include "recover_inside.h"
#include "rescue.h"
#include "sealed.h"

static void note_damage(struct decision *decision, uint64_t seq)
{
    if (!decision->damaged)
        decision->damaged_seq = seq;
    decision->damaged = true;
}

/* The strata that holds what is known durable is not there: its name was lost in the machine stop,
 * or its file later. */
static bool front_is_missing(const struct recovery *recovery)
{
    return table_find(recovery->table, recovery->known) == SIZE_MAX;
}

static struct decision decide(const struct recovery *recovery)
{
    size_t count = recovery->table->count - recovery->start;
    struct decision decision = {.last = SIZE_MAX, .damaged_seq = FLUME_SEQ_NONE};

    if (front_is_missing(recovery)) {
        if (recovery->known == 0) {
            decision.torn = true; /* Nothing of it was durable: the log begins anew. */
            return decision;
        }
        note_damage(&decision, 0);
    }

    for (size_t i = 0; i < count; i++) {
        const struct walk *walk = &recovery->walks[i];
        uint64_t first_seq = walk->strata->first_seq;
        uint64_t bad_seq = first_seq + walk->count;

        decision.last = i;
        decision.head = first_seq + walk->whole_count;
        if (walk->count == walk->expected)
            continue;
        if (bad_seq >= recovery->known) {
            decision.torn = i + 1 < count || walk->has_more || walk->whole_count != walk->count;
            return decision;
        }
        if (walk->expected != UINT64_MAX) { /* Below what is durable, and more comes after it. */
            note_damage(&decision, bad_seq);
            decision.head = first_seq + walk->expected;
            continue;
        }
        if (!walk->has_more) { /* It simply ends too early. */
            decision.tail_lost = true;
            return decision;
        }
        note_damage(&decision, bad_seq);
        if (walk->beyond != 0)
            decision.head = first_seq + walk->beyond;
        if (decision.head < recovery->known)
            decision.head = recovery->known;
    }
    if (decision.head < recovery->known)
        decision.tail_lost = true; /* There is no strata at all. */
    return decision;
}

/* Take what is cut out of the log: whole strata newest first, then the rest of the torn one. */
static int cut(struct recovery *recovery, struct decision *decision)
{
    size_t count = recovery->table->count - recovery->start;
    flume_log *log = recovery->log;
    int status = FLUME_OK;

    for (size_t i = count; i-- > 0 && decision->torn && status == FLUME_OK;) {
        const struct walk *walk = &recovery->walks[i];
        bool is_empty = decision->head == walk->strata->first_seq;

        if (decision->last != SIZE_MAX &&
            (i < decision->last || (i == decision->last && !is_empty)))
            break;
        log->recovery.cut_strata++;
        log->recovery.cut_bytes += walk->strata->data_bytes;
        if (recovery->mode == RECOVER_CHANGING)
            status = rescue_move_strata(log, walk->strata->first_seq);
    }
    if (status == FLUME_OK && decision->torn && decision->last != SIZE_MAX &&
        recovery->walks[decision->last].strata->form == STRATA_RAW &&
        decision->head != recovery->walks[decision->last].strata->first_seq) {
        const struct walk *walk = &recovery->walks[decision->last];

        status = rescue_save_tail(log, walk->strata, walk->end_offset,
                                  recovery->mode == RECOVER_CHANGING);
        if (status == FLUME_OK && walk->lacks && recovery->mode == RECOVER_CHANGING)
            status = rescue_void(log, walk->strata, walk->end_offset);
    }
    return status;
}

/* An end at the very beginning of a strata leaves that strata out: names are first seqs. */
static int drop_empty_newest(struct recovery *recovery, struct decision *decision)
{
    int status = FLUME_OK;

    while (decision->last != SIZE_MAX && !decision->damaged &&
           recovery->walks[decision->last].strata->first_seq == decision->head) {
        if (!decision->torn && recovery->mode == RECOVER_CHANGING)
            status = rescue_move_strata(recovery->log,
                                        recovery->walks[decision->last].strata->first_seq);
        if (status != FLUME_OK)
            return status;
        decision->last = decision->last == 0 ? SIZE_MAX : decision->last - 1;
    }
    return FLUME_OK;
}

/* The strata that the log ends in, or NULL: there is none. */
static struct strata *last_strata(const struct recovery *recovery, const struct decision *decision)
{
    if (decision->last != SIZE_MAX)
        return recovery->walks[decision->last].strata;
    if (recovery->start == 0 || recovery->start > recovery->table->count)
        return NULL;
    return recovery->table->rows[recovery->start - 1].strata;
}

/* How large the strata was as it was written: the next one's size goes by it. */
static uint64_t active_bytes(const struct strata *strata)
{
    if (strata->form == STRATA_SEALED && strata->sealed->raw_end < STRATA_BYTES_MAX)
        return round_up(strata->sealed->raw_end + STRATA_PAGE_BYTES, STRATA_PAGE_BYTES);
    return strata->file_bytes != 0 ? strata->file_bytes : STRATA_FIRST_BYTES;
}

static void publish(struct recovery *recovery, const struct decision *decision)
{
    flume_log *log = recovery->log;
    struct head *head = log->head;
    uint32_t refusal = HEAD_ACTIVE_CLOSED;
    uint64_t durable = decision->head < recovery->known ? decision->head : recovery->known;
    struct strata *strata = last_strata(recovery, decision);

    atomic_store(&head->active_bytes, 0);
    atomic_store(&head->active_first, 0);
    head->trusted_from = decision->head;
    if (strata != NULL) {
        (void)strata_open(log, strata); /* Damaged: it is closed all the same. */
        atomic_store(&head->active_first, strata->first_seq);
        atomic_store(&head->active_bytes, active_bytes(strata));
        memcpy(head->active_id, strata->strata_id, sizeof head->active_id);
    }
    if (decision->damaged)
        refusal |= HEAD_DAMAGED;
    if (decision->tail_lost)
        refusal |= HEAD_TAIL_LOST;
    atomic_store(&head->refusal, refusal);
    for (size_t i = 0; i < STRATA_KINDS; i++)
        atomic_store(&head->last_of_kind[i], recovery->last_of_kind[i]);
    head->running_time_ns = recovery->running_time_ns;
    head->witnessed = 0;
    atomic_store(&head->needs, recovery->companion.needs);
    atomic_store(&head->needs_settled, 0);
    atomic_store(&head->durable, durable);
    atomic_store(&head->gate_seq, recovery->is_copy    ? decision->head
                                  : recovery->has_gate ? recovery->gate.seq
                                                       : 0);
    atomic_store(&head->synced_layout_seq, 0);
    atomic_store(&head->head, decision->head);
    (void)atomic_fetch_add(&head->layout_count, 1);
    log->recovery.torn = decision->torn;
    log->recovery.damaged = decision->damaged;
    log->recovery.damaged_seq = decision->damaged_seq;
    log->recovery.head = decision->head;
}

static void tell(const struct recovery *recovery, const struct decision *decision)
{
    flume_log *log = recovery->log;

    if (decision->tail_lost)
        log_tell(log, FLUME_LOG_ERROR,
                 "%s ends at seq %llu, but records up to %llu were acknowledged as durable",
                 log->path, (unsigned long long)decision->head,
                 (unsigned long long)recovery->known);
    else if (decision->damaged)
        log_tell(log, FLUME_LOG_ERROR, "%s is damaged at seq %llu; run 'flume check'", log->path,
                 (unsigned long long)decision->damaged_seq);
    else if (decision->torn)
        log_tell(log, FLUME_LOG_WARNING,
                 "%s had a torn tail: the log ends at seq %llu, %llu bytes behind it are in "
                 "lost+found/",
                 log->path, (unsigned long long)decision->head,
                 (unsigned long long)log->recovery.cut_bytes);
}

/*
 * A copy that was made of a living basin: what reads is all there is, so it is made durable here,
 * and its gate is brought to its end. Else the next machine stop would miss what the original had.
 */
static int vouch_for_copy(struct recovery *recovery, const struct decision *decision)
{
    flume_log *log = recovery->log;
    struct path path;
    int error, status;

    if (!recovery->is_copy || recovery->mode != RECOVER_CHANGING)
        return FLUME_OK;
    status = companion_settle_to(log, recovery->companion.needs); /* A copy as well, it may be. */
    if (status != FLUME_OK)
        return status;
    for (size_t i = 0; decision->last != SIZE_MAX && i <= decision->last; i++) {
        int file = strata_write_file(log, recovery->walks[i].strata);

        if (file < 0)
            return file;
        error = log->io->sync(log->io->ctx, file);
        if (error != 0)
            return log_fail_io(log, error, "sync a strata of the copy", log->path);
    }
    log_path(log, "log", "", &path);
    error = log->io->sync_directory(log->io->ctx, path.text);
    if (error != 0)
        return log_fail_io(log, error, "sync the directory", path.text);
    return gate_create(log, decision->head, 0);
}

static int recover_found(struct recovery *recovery)
{
    struct decision decision;
    int status = recovery_walk(recovery);

    if (status != FLUME_OK)
        return status;
    decision = decide(recovery);
    if (recovery->is_copy)
        recovery->known = decision.head;
    status = cut(recovery, &decision);
    if (status == FLUME_OK)
        status = drop_empty_newest(recovery, &decision);
    if (status != FLUME_OK)
        return status;
    status = recovery_recount(recovery, &decision);
    if (status == FLUME_OK)
        status = vouch_for_copy(recovery, &decision);
    if (status != FLUME_OK)
        return status;
    publish(recovery, &decision);
    tell(recovery, &decision);
    return FLUME_OK;
}

/*
 * TAIL may be all that tells of records whose strata is gone. If the medium does not give it,
 * nothing is decided: what is cut now would be cut for good. One whose bytes are wrong says nothing
 * any more; recovery goes on without it, and says so.
 */
static int take_gate(struct recovery *recovery)
{
    flume_log *log = recovery->log;
    struct path path;
    int error;

    log_path(log, "", "TAIL", &path);
    recovery->has_gate = gate_read(log, &recovery->gate, &error);
    if (error != 0 && recovery->mode == RECOVER_CHANGING)
        return log_fail(log, FLUME_ERR_IO, -error, FLUME_SEQ_NONE,
                        "the disk gives an error for %s, so where the log must end is not known; "
                        "copy the basin to a sound disk, or give up what TAIL said with 'flume "
                        "repair'",
                        path.text);
    if (recovery->has_gate)
        recovery_take_known(recovery, recovery->gate.seq);
    else if (recovery->table->count > 0)
        log_tell(log, FLUME_LOG_WARNING,
                 "%s has no sound slot: whether the log ends too early cannot be told", path.text);
    return FLUME_OK;
}

int recover_machine_stop(flume_log *log, enum recover_mode mode, bool is_copy, uint64_t durable)
{
    struct recovery recovery = {
        .log = log, .mode = mode, .is_copy = is_copy, .companion = {.log = log}};
    int status = table_refresh(log);

    if (status != FLUME_OK)
        return status;
    memset(&log->recovery, 0, sizeof log->recovery);
    log->recovery.damaged_seq = FLUME_SEQ_NONE;
    recovery.table = atomic_load(&log->table);
    recovery_take_known(&recovery, durable);
    status = take_gate(&recovery);
    if (status != FLUME_OK)
        return status;
    if (recovery.table->count > 0) {
        status = recover_found(&recovery);
    } else {
        struct decision decision = {
            .last = SIZE_MAX, .damaged_seq = FLUME_SEQ_NONE, .tail_lost = recovery.known > 0};

        (void)recovery_recount(&recovery, &decision); /* There is nothing to read. */
        publish(&recovery, &decision);
        tell(&recovery, &decision);
    }
    companion_look_end(&recovery.companion);
    memory_release(&log->allocator, recovery.walks);
    /* What left the log must leave the table: a new strata may get the same first seq. */
    return status == FLUME_OK ? table_refresh(log) : status;
}
