/*
 * strata.h - one strata as a handle reads it, and the handle's table of all of them.
 *
 * A raw strata is mapped; of a sealed one the handle keeps but a few numbers (sealed.h), and data,
 * limit and slots stay empty.
 *
 * What always holds:
 *   - A table only grows at its end, and a row only exchanges its raw strata for the sealed one,
 *     each by one store; where rows must go, or there is no room, a newer table replaces it, and
 *     the old one lives until close, as every strata does. So lookups take no lock, and what a
 *     handle holds of a log grows with the number of its strata, not of its changes.
 *   - A raw strata's mapping lives as long as somebody holds it: the strata, a cursor in it, a kept
 *     record. Its limit lies within the file as it was when it was mapped, so no access of ours
 *     goes beyond the end.
 *   - A strata that was sealed since lets its mapping go, so that the disk space of the raw form is
 *     free, unless a record was got from it by seq: such a record is valid until the log is closed
 *     without being counted. Who touches a mapping has it lent (strata_lend), or has said that it
 *     is got from (strata_touch).
 *   - Slots are hints: a grain found through them is verified, and where they lie they are rebuilt
 *     privately by walking the grains.
 */
#ifndef FLUME_STRATA_H
#define FLUME_STRATA_H

#include "grain.h"
#include "handle.h"
#include "held.h"

enum slots_state {
    SLOTS_UNKNOWN = 0,
    SLOTS_SETTLED = 1, /* Of this boot, or proven by a footer. */
    SLOTS_REBUILT = 2  /* Privately; slot_count is how far. */
};
enum strata_state { STRATA_UNOPENED = 0, STRATA_OPEN = 1, STRATA_BROKEN = 2 };

/* What a raw strata has mapped. */
struct mapping {
    struct held held; /* First: records point at it. */
    flume_allocator allocator;
    const flume_io *io; /* What outlives the log. */
    void *data;
    size_t data_bytes;
    void *slots; /* NULL: there is no slots file. */
    size_t slots_bytes;
};

/* What stands against letting a mapping go. */
enum strata_use {
    STRATA_UNTOUCHED = 0,
    STRATA_GOT = 1,    /* A record was got from it: it stays until the log is closed. */
    STRATA_DROPPED = 2 /* It was sealed, and the handle has let the mapping go. */
};

struct sealed;

struct strata {
    struct strata *next_made; /* In log->strata_made. Fixed. */
    uint64_t first_seq;
    _Atomic int state;        /* Guarded by table_mutex for change. */
    int broken_status;        /* Set before state becomes STRATA_BROKEN. */
    flume_log *log;           /* Only valid while the log is open. */
    const flume_io *unmap_io; /* For the mapping. */
    flume_allocator allocator;

    /* Set before state becomes STRATA_OPEN. */
    enum strata_form form;
    struct sealed *sealed;   /* With STRATA_SEALED. */
    struct mapping *mapping; /* With STRATA_RAW. */
    _Atomic int use;         /* enum strata_use. Becomes DROPPED under table_mutex only. */
    uint8_t *data;
    uint64_t data_bytes; /* Of the file, mapped or not. */
    uint64_t limit;      /* Grains end at or before this offset. */
    uint64_t file_bytes; /* As the header says; the file may be shorter (damage). */
    uint64_t salt;
    uint64_t created_ns, running_time_ns, durable;
    uint64_t previous_first_seq;
    uint8_t strata_id[16];
    uint32_t flags;
    /* Of a sealed one: where its header says that the copy of its dictionary is. */
    uint64_t dictionary_offset, dictionary_bytes, dictionary_check;
    bool forbids_writing; /* It has a read-only compatible feature that is unknown here. */

    _Atomic(const _Atomic uint32_t *) slots; /* slot_count of them; NULL: not there yet. */
    _Atomic uint64_t slot_count;
    void *slots_map; /* In the mapping. */
    size_t slots_map_bytes;
    struct rebuilt_slots *rebuilt; /* Private slots, newest first. Guarded by table_mutex. */
    _Atomic int slots_state;       /* enum slots_state. */
    uint64_t guess_step;           /* 2^32 times the bytes of a grain where they are alike; 0: they
                                      are not. Set before slots_state. */
    uint64_t guess_base;           /* Offset of the grain with ordinal 1. */

    _Atomic int write_file; /* -1: not open. Opened under table_mutex, closed under sync_mutex once
                               the strata is neither active nor undurable. */
    _Atomic bool write_file_proven; /* All not yet durable was written after it was opened. */
    bool footer_done;               /* Guarded by sync_mutex. */
};

struct table_row {
    uint64_t first_seq;
    _Atomic(struct strata *) strata;
};

/* Changed under table_mutex. */
struct table {
    struct table *older;
    _Atomic uint64_t layout_count; /* Of HEAD, when log/ was listed. */
    size_t capacity;
    _Atomic size_t count;
    struct table_row rows[];
};

/* The table as it is now, listed again if HEAD says that it is old. NULL: *out_status says why. */
const struct table *table_current(flume_log *log, int *out_status);

/* Index of the strata that would hold seq; the table must not be empty. SIZE_MAX: seq lies before
 * the first. */
size_t table_find(const struct table *table, uint64_t seq);

/* List log/ anew and publish what is there. */
int table_refresh(flume_log *log);

/* Say that records are got from a strata. false: its mapping is gone; the current table has its
 * sealed form. */
static inline bool strata_touch(struct strata *strata)
{
    int use = atomic_load_explicit(&strata->use, memory_order_relaxed);

    if (use == STRATA_UNTOUCHED && atomic_compare_exchange_strong(&strata->use, &use, STRATA_GOT))
        return true;
    return use == STRATA_GOT;
}

/* The mapping of an open raw strata, held for the caller. NULL: it is gone; as above. */
struct mapping *strata_lend(flume_log *log, struct strata *strata);

/* Let the mapping go unless records are got from it. Under table_mutex, for a strata that was
 * sealed. */
void strata_drop_locked(struct strata *strata);

/* Free a strata, and let its mapping go. At close. */
void strata_destroy(struct strata *strata);

/* Free everything; kept records keep their own mappings and blocks. */
void table_destroy(flume_log *log);

/* Open on first use: map, read the header. FLUME_ERR_DAMAGED, FLUME_ERR_VERSION, ... with
 * detail. */
int strata_open(flume_log *log, struct strata *strata);

/* Why there is no file of that path: FLUME_ERR_ABSENT if it is a link that leads nowhere, which may
 * pass; else FLUME_ERR_DAMAGED. */
int strata_missing(flume_log *log, uint64_t first_seq, const char *path);

/* FLUME_ERR_VERSION if nothing may be appended beside it. */
int strata_check_writable(flume_log *log, const struct strata *strata);

/* The slots are usable up to `count` grains, or as many as the file has room for: proven or rebuilt
 * if need be. */
int strata_settle(flume_log *log, struct strata *strata, uint64_t count);

/* Rebuild the slots privately, whatever they are now. */
int strata_rebuild_slots(flume_log *log, struct strata *strata, uint64_t count);

/* How many grains a strata has: known from the next one or from head. */
uint64_t table_grain_count(const struct table *table, size_t index, uint64_t head);

/*
 * Ask for the lines where a grain probably lies, before its slot has said so: where all grains are
 * of a size the two cache misses of a random get then pass at once instead of one after the other.
 */
static inline void strata_prefetch(const struct strata *strata, uint64_t ordinal)
{
    uint64_t offset = strata->guess_base + ((ordinal * strata->guess_step) >> 32);

    if (strata->guess_step == 0 || offset >= strata->limit)
        return;
    __builtin_prefetch(strata->data + offset, 0, 3);
    __builtin_prefetch(strata->data + offset + 64, 0, 3);
    __builtin_prefetch(strata->data + offset + 128, 0, 3);
}

/* Offset of a grain according to the slots, bounds checked; 0: the slots do not say. */
static inline uint64_t strata_slot(const struct strata *strata, uint64_t ordinal)
{
    const _Atomic uint32_t *slots = atomic_load_explicit(&strata->slots, memory_order_acquire);
    uint64_t offset;

    if (slots == NULL || ordinal >= atomic_load_explicit(&strata->slot_count, memory_order_relaxed))
        return 0;
    offset = (uint64_t)le32toh(atomic_load_explicit(&slots[ordinal], memory_order_relaxed)) *
             GRAIN_ALIGN;
    if (offset < STRATA_DATA_AT || offset >= strata->limit)
        return 0;
    return offset;
}

/* The footer of a strata that has `count` grains and will get no more. false: its slots do not tell
 * where they all are. */
bool strata_footer_make(const struct strata *strata, uint64_t count,
                        struct strata_footer *out_footer);

/* The footer that an open raw strata has by now. false: it has none, or it does not read. */
bool strata_footer_find(const struct strata *strata, struct strata_footer *out_footer);

/* Its descriptor for writing and syncing, opened on first use, or an error with detail. */
int strata_write_file(flume_log *log, struct strata *strata);

#endif
