/*
 * recover.c - where the log ends after a machine stop.
 *
 * Two passes. The first walks the strata from the one that holds what is known durable to the
 * newest, and gathers how far each reads and the greatest `durable` that any sound byte tells:
 * gate, headers, witnesses. The second decides: a grain that does not read below that is damage and
 * stays; the first one above it is the torn tail, and everything from there on is taken out of the
 * log, its bytes kept in lost+found/.
 *
 * What always holds:
 *   - No strata found here is appended to: the next append opens a new one with a new salt, so
 *     stale grains can never come back.
 *   - What is cut is in lost+found/ and synced before its name leaves log/.
 *   - Run again over what it left, recovery finds the same end.
 */
#include "recover.h"

#include "companion.h"
#include "rescue.h"
#include "scan.h"
#include "sealed.h"
#include "strata.h"
#include "sync.h"

/* What walking one strata has shown. */
struct walk {
    struct strata *strata; /* Sound header, or state STRATA_BROKEN. */
    uint64_t count;        /* Grains that read from the first one on. */
    uint64_t whole_count;  /* The same, without a batch that is not complete. */
    uint64_t end_offset;   /* Behind whole_count grains. */
    uint64_t bad_offset;   /* Behind count grains. */
    uint64_t expected;     /* As the next strata says; UINT64_MAX: this is the newest. */
    uint64_t beyond; /* 1 + the greatest ordinal behind a bad one that ends a batch; 0: none. */
    bool has_more;   /* Bytes that are not zero behind count grains. */
    bool lacks;      /* The grain behind them reads, but the second log lacks what it needs. */
};

struct recovery {
    flume_log *log;
    enum recover_mode mode;
    bool is_copy;
    bool has_gate;
    struct gate gate;
    const struct table *table;
    size_t start;       /* Index of the first strata walked. */
    struct walk *walks; /* One a strata from start on. */
    uint64_t known;     /* The greatest durable that anything sound tells. */
    uint64_t running_time_ns;
    uint64_t last_of_kind[STRATA_KINDS];
    struct companion_look companion;
};

static void take_known(struct recovery *recovery, uint64_t durable)
{
    if (!recovery->is_copy && durable > recovery->known)
        recovery->known = durable;
}

/* Where to start: the strata that holds the last seq known durable. */
static int find_start(struct recovery *recovery)
{
    const struct table *table = recovery->table;
    size_t newest = table->count;
    size_t index;

    while (newest > 0) {
        struct strata *strata = table->rows[newest - 1].strata;
        int status = strata_open(recovery->log, strata);

        if (status == FLUME_ERR_VERSION || (status < 0 && status != FLUME_ERR_DAMAGED))
            return status;
        newest--;
        if (status == FLUME_OK) {
            take_known(recovery, strata->durable);
            break;
        }
    }
    if (recovery->is_copy) {
        recovery->start = 0;
        return FLUME_OK;
    }
    index = table_find(table, recovery->known);
    recovery->start = index == SIZE_MAX ? 0 : index;
    if (recovery->start > newest)
        recovery->start = newest; /* From one whose header reads: it has the kinds. */
    return FLUME_OK;
}

static void take_grain(struct recovery *recovery, const struct grain *grain)
{
    if ((grain->flags & FLUME_RECORD_WITNESS) != 0)
        take_known(recovery, grain->witness);
}

/* Behind a bad grain: what else is there, and what does it tell? */
static void walk_beyond(struct recovery *recovery, struct walk *walk, uint64_t ordinal_max)
{
    const struct strata *strata = walk->strata;
    struct scan_source source = {strata->data, strata->limit, strata->salt};
    struct scan_budget budget = scan_budget_for(strata->data_bytes);
    uint64_t offset = walk->bad_offset + GRAIN_ALIGN;
    uint64_t ordinal = walk->count;
    struct grain grain;

    while (scan_resync(&source, offset, (uint32_t)ordinal, (uint32_t)ordinal_max, &budget, &offset,
                       &grain)) {
        take_grain(recovery, &grain);
        ordinal = (uint64_t)grain.ordinal + 1;
        if ((grain.flags & FLUME_RECORD_BATCH) == 0)
            walk->beyond = ordinal; /* A batch whose end is missing does not count. */
        offset += grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
}

/* A sealed strata was durable as a whole before it got its name: there is nothing to walk. */
static void walk_sealed(struct recovery *recovery, struct walk *walk)
{
    const struct strata *strata = walk->strata;

    walk->count = strata->sealed->count;
    if (walk->count == 0) /* Its footer page does not read. */
        walk->count = walk->expected != UINT64_MAX ? walk->expected
                                                   : strata->durable - strata->first_seq;
    walk->whole_count = walk->count;
    walk->end_offset = walk->bad_offset = strata->sealed->raw_end;
    take_known(recovery, strata->first_seq + walk->count);
}

static void walk_strata(struct recovery *recovery, struct walk *walk)
{
    const struct strata *strata = walk->strata;
    uint64_t ordinal_max = strata_slot_count(strata->file_bytes);
    uint64_t offset = STRATA_DATA_AT;
    struct grain grain;

    if (walk->expected < ordinal_max)
        ordinal_max = walk->expected;
    walk->end_offset = offset;
    while (walk->count < ordinal_max && offset < strata->limit &&
           grain_decode(strata->data + offset, strata->limit - offset, (uint32_t)walk->count,
                        strata->salt, offset, &grain)) {
        take_grain(recovery, &grain);
        offset += grain_bytes(grain.meta_bytes, grain.body_bytes);
        walk->count++;
        if ((grain.flags & FLUME_RECORD_BATCH) == 0) {
            walk->whole_count = walk->count;
            walk->end_offset = offset;
        }
    }
    walk->bad_offset = offset;
    if (walk->count == walk->expected)
        return;
    walk->has_more = scan_last_nonzero(strata->data, offset, strata->limit) > offset;
    if (walk->has_more)
        walk_beyond(recovery, walk, ordinal_max);
}

static int walk_all(struct recovery *recovery)
{
    const struct table *table = recovery->table;
    size_t count = table->count - recovery->start;

    recovery->walks =
        memory_allocate_zeroed(&recovery->log->allocator, count, sizeof *recovery->walks);
    if (recovery->walks == NULL)
        return log_fail(recovery->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to recover %s", recovery->log->path);
    for (size_t i = 0; i < count; i++) {
        struct walk *walk = &recovery->walks[i];
        size_t index = recovery->start + i;
        int status;

        walk->strata = table->rows[index].strata;
        walk->expected = index + 1 < table->count
                             ? table->rows[index + 1].first_seq - table->rows[index].first_seq
                             : UINT64_MAX;
        status = strata_open(recovery->log, walk->strata);
        if (status != FLUME_OK && status != FLUME_ERR_DAMAGED)
            return status;
        if (status != FLUME_OK) {
            walk->has_more = true;
            continue;
        }
        status = rescue_probe(recovery->log, walk->strata);
        if (status != FLUME_OK)
            return status;
        take_known(recovery, walk->strata->durable);
        if (walk->strata->form == STRATA_SEALED)
            walk_sealed(recovery, walk);
        else
            walk_strata(recovery, walk);
    }
    return FLUME_OK;
}

/* Grains that read, and are not known durable, may lack what they need of the second log. */
static int doubt_all(struct recovery *recovery)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < recovery->table->count - recovery->start && status == FLUME_OK; i++) {
        struct walk *walk = &recovery->walks[i];
        struct companion_reach reach = {.count = walk->count};

        if (atomic_load(&walk->strata->state) != STRATA_OPEN ||
            walk->strata->form == STRATA_SEALED ||
            walk->strata->first_seq + walk->count <= recovery->known)
            continue;
        status = companion_doubt(&recovery->companion, walk->strata, recovery->known, &reach,
                                 &walk->lacks);
        if (status != FLUME_OK || !walk->lacks)
            continue;
        walk->count = reach.count;
        walk->whole_count = reach.whole_count;
        walk->end_offset = reach.end_offset;
        walk->has_more = true;
        break; /* The log ends here. */
    }
    return status;
}

/* The end as decided: the log keeps walks 0 .. last, the last one up to `head`. */
struct decision {
    uint64_t head;
    size_t last; /* Index of the walk that holds the end; SIZE_MAX: no strata is left. */
    bool torn;
    bool damaged;
    bool tail_lost;
    uint64_t damaged_seq;
};

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

/* The grains that the log keeps of a strata: where each lies, its kind and time. They were verified
 * by the walk, so their headers are merely read. */
static void recount_strata(struct recovery *recovery, const struct walk *walk, uint64_t count,
                           uint32_t *slots, struct strata_footer *footer)
{
    const struct strata *strata = walk->strata;
    uint64_t offset = STRATA_DATA_AT;

    for (uint64_t ordinal = 0; ordinal < count; ordinal++) {
        const uint8_t *source = strata->data + offset;
        uint64_t time_ns = get_le64(source + GRAIN_TIME_AT);

        recovery->last_of_kind[source[GRAIN_KIND_AT]] = strata->first_seq + ordinal;
        if (time_ns > recovery->running_time_ns)
            recovery->running_time_ns = time_ns;
        if (time_ns < footer->least_time_ns)
            footer->least_time_ns = time_ns;
        if (slots != NULL)
            slots[ordinal] = htole32((uint32_t)(offset / GRAIN_ALIGN));
        offset += grain_bytes(get_le16(source + GRAIN_META_BYTES_AT),
                              get_le32(source + GRAIN_BODY_BYTES_AT));
    }
    footer->end_offset = offset;
    if (slots != NULL)
        slots[count] = htole32((uint32_t)(offset / GRAIN_ALIGN));
}

static void take_header(struct recovery *recovery, const uint8_t *page)
{
    struct strata_header header;

    if (strata_header_decode(page, &header) != FLUME_OK)
        return;
    memcpy(recovery->last_of_kind, header.last_of_kind, sizeof header.last_of_kind);
    if (header.running_time_ns > recovery->running_time_ns)
        recovery->running_time_ns = header.running_time_ns;
}

/* Of a sealed strata whose footer page does not read: its header page, then every record that does. */
static int recount_blocks(struct recovery *recovery, struct strata *strata, uint64_t count)
{
    uint8_t page[STRATA_PAGE_BYTES];
    uint64_t ordinal = 0;
    int status = sealed_read(recovery->log, strata, page, sizeof page, 0);

    if (status == FLUME_OK)
        take_header(recovery, page);
    while (ordinal < count) {
        struct block *block;

        status = sealed_block_of(recovery->log, strata, ordinal, CACHE_PASSING, &block);
        if (status == FLUME_ERR_DAMAGED) {
            ordinal++;
            continue;
        }
        if (status != FLUME_OK)
            return status;
        for (; block_has(block, strata->first_seq + ordinal); ordinal++) {
            flume_record record;

            block_record(block, strata->first_seq + ordinal, &record);
            recovery->last_of_kind[record.kind] = record.seq;
            if (record.time_ns > recovery->running_time_ns)
                recovery->running_time_ns = record.time_ns;
        }
        let_go(&block->item.held);
    }
    return FLUME_OK;
}

/* Kinds and times of a sealed strata stand in its footer page, those before it too. */
static int recount_sealed(struct recovery *recovery, const struct walk *walk)
{
    struct sealed_footer *footer = memory_allocate(&recovery->log->allocator, sizeof *footer);
    int status;

    if (footer == NULL)
        return log_fail(recovery->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to recover %s", recovery->log->path);
    status = sealed_footer_read(recovery->log, walk->strata, footer);
    if (status == FLUME_OK) {
        memcpy(recovery->last_of_kind, footer->last_of_kind, sizeof footer->last_of_kind);
        if (footer->running_time_ns > recovery->running_time_ns)
            recovery->running_time_ns = footer->running_time_ns;
    } else if (status == FLUME_ERR_DAMAGED) {
        status = recount_blocks(recovery, walk->strata, walk->count);
    }
    memory_release(&recovery->log->allocator, footer);
    return status;
}

/* The log ends in this strata and nothing will be appended to it: it gets slots and a footer. */
static void recount_last(struct recovery *recovery, const struct walk *walk, uint64_t count)
{
    flume_log *log = recovery->log;
    struct strata_footer footer = {
        .first_seq = walk->strata->first_seq, .count = count, .least_time_ns = UINT64_MAX};
    uint32_t *slots = NULL;

    if (recovery->mode == RECOVER_CHANGING)
        slots = memory_allocate(&log->allocator, (size_t)(count + 1) * sizeof *slots);
    recount_strata(recovery, walk, count, slots, &footer);
    if (slots != NULL) {
        memcpy(footer.strata_id, walk->strata->strata_id, sizeof footer.strata_id);
        footer.running_time_ns = recovery->running_time_ns;
        rescue_write_slots(log, walk->strata, slots, &footer);
    }
    memory_release(&log->allocator, slots);
}

/* Kinds and times: the first walked strata's header, then every grain that is kept. */
static int recount(struct recovery *recovery, const struct decision *decision)
{
    size_t count = recovery->table->count - recovery->start;
    int status = FLUME_OK;

    for (size_t i = 0; i < STRATA_KINDS; i++)
        recovery->last_of_kind[i] = FLUME_SEQ_NONE;
    for (size_t i = 0; i < count && i <= decision->last && status == FLUME_OK; i++) {
        const struct walk *walk = &recovery->walks[i];
        struct strata_footer ignored = {.least_time_ns = UINT64_MAX};
        uint64_t kept = walk->count;

        if (atomic_load(&walk->strata->state) != STRATA_OPEN)
            continue;
        if (walk->strata->form == STRATA_SEALED) {
            status = recount_sealed(recovery, walk);
            continue;
        }
        take_header(recovery, walk->strata->data);
        if (decision->head - walk->strata->first_seq < kept)
            kept = decision->head - walk->strata->first_seq;
        if (decision->head <= walk->strata->first_seq)
            break;
        if (i == decision->last && !decision->damaged)
            recount_last(recovery, walk, kept);
        else
            recount_strata(recovery, walk, kept, NULL, &ignored);
    }
    return status;
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
    int status = find_start(recovery);

    if (status == FLUME_OK)
        status = walk_all(recovery);
    if (status == FLUME_OK)
        status = doubt_all(recovery);
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
    status = recount(recovery, &decision);
    if (status == FLUME_OK)
        status = vouch_for_copy(recovery, &decision);
    if (status != FLUME_OK)
        return status;
    publish(recovery, &decision);
    tell(recovery, &decision);
    return FLUME_OK;
}

/*
 * TAIL may be all that tells of records whose strata is gone. If the medium does not give it, nothing
 * is decided: what is cut now would be cut for good. One whose bytes are wrong says nothing any more;
 * recovery goes on without it, and says so.
 */
static int take_gate(struct recovery *recovery)
{
    flume_log *log = recovery->log;
    struct path path;
    int error = 0;

    log_path(log, "", "TAIL", &path);
    for (unsigned i = 0; i < GATE_SLOTS && error == 0 && recovery->mode == RECOVER_CHANGING; i++)
        error = gate_slot_error(log, i);
    if (error != 0)
        return log_fail(log, FLUME_ERR_IO, -error, FLUME_SEQ_NONE,
                        "the disk gives an error for %s, so where the log must end is not known; "
                        "copy the basin to a sound disk, or give up what TAIL said with 'flume "
                        "repair'",
                        path.text);
    recovery->has_gate = gate_read(log, &recovery->gate);
    if (recovery->has_gate)
        take_known(recovery, recovery->gate.seq);
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
    take_known(&recovery, durable);
    status = take_gate(&recovery);
    if (status != FLUME_OK)
        return status;
    if (recovery.table->count > 0) {
        status = recover_found(&recovery);
    } else {
        struct decision decision = {
            .last = SIZE_MAX, .damaged_seq = FLUME_SEQ_NONE, .tail_lost = recovery.known > 0};

        (void)recount(&recovery, &decision); /* There is nothing to read. */
        publish(&recovery, &decision);
        tell(&recovery, &decision);
    }
    companion_look_end(&recovery.companion);
    memory_release(&log->allocator, recovery.walks);
    /* What left the log must leave the table: a new strata may get the same first seq. */
    return status == FLUME_OK ? table_refresh(log) : status;
}
