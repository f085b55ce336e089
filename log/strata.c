/*
 * strata.c - one strata as a handle reads it: mapping, header, slots.
 */
#include "strata.h"

#include <errno.h>
#include <stddef.h>

#include "flume/version.h"
#include "scan.h"
#include "sealed.h"

enum { GUESS_COUNT_MIN = 1024, GUESS_TRIES = 8, GUESS_BYTES = 128 };

/* Private slots; older ones may still be read by others and go with the strata. */
struct rebuilt_slots {
    struct rebuilt_slots *older;
    _Atomic uint32_t slots[];
};

static void mapping_release(struct held *held)
{
    struct mapping *mapping = (struct mapping *)held;
    flume_allocator allocator = mapping->allocator;

    if (mapping->data != NULL)
        mapping->io->unmap(mapping->io->ctx, mapping->data, mapping->data_bytes);
    if (mapping->slots != NULL)
        mapping->io->unmap(mapping->io->ctx, mapping->slots, mapping->slots_bytes);
    memory_release(&allocator, mapping);
}

struct mapping *strata_lend(flume_log *log, struct strata *strata)
{
    struct mapping *mapping = NULL;

    assert(strata->form == STRATA_RAW);
    (void)pthread_mutex_lock(&log->table_mutex);
    if (atomic_load(&strata->use) != STRATA_DROPPED) {
        mapping = strata->mapping;
        hold(&mapping->held);
    }
    (void)pthread_mutex_unlock(&log->table_mutex);
    return mapping;
}

void strata_drop_locked(struct strata *strata)
{
    int untouched = STRATA_UNTOUCHED;

    if (strata->mapping != NULL &&
        atomic_compare_exchange_strong(&strata->use, &untouched, STRATA_DROPPED))
        let_go(&strata->mapping->held);
    if (atomic_load(&strata->write_file) >= 0)
        atomic_store(&strata->log->raw_files_left, true);
}

void strata_destroy(struct strata *strata)
{
    flume_allocator allocator = strata->allocator;

    sealed_close(strata);
    if (strata->mapping != NULL && atomic_load(&strata->use) != STRATA_DROPPED)
        let_go(&strata->mapping->held);
    while (strata->rebuilt != NULL) {
        struct rebuilt_slots *older = strata->rebuilt->older;

        memory_release(&allocator, strata->rebuilt);
        strata->rebuilt = older;
    }
    memory_release(&allocator, strata);
}

static int broken(struct strata *strata, int status)
{
    strata->broken_status = status;
    atomic_store_explicit(&strata->state, STRATA_BROKEN, memory_order_release);
    return status;
}

static int header_take(flume_log *log, struct strata *strata, const char *name)
{
    struct strata_header header;
    int status = strata_header_decode(strata->data, &header);

    if (status == FLUME_ERR_VERSION)
        return log_fail(log, status, 0, strata->first_seq,
                        "%s/log/%s needs a feature that flume %s does not know; open it with a "
                        "newer one",
                        log->path, name, flume_version());
    if (status != FLUME_OK)
        return log_fail(log, status, 0, strata->first_seq,
                        "%s/log/%s: its header is damaged; run 'flume check', then 'flume repair'",
                        log->path, name);
    if (header.first_seq != strata->first_seq ||
        memcmp(header.basin_id, log->basin_id, sizeof log->basin_id) != 0)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, strata->first_seq,
                        "%s/log/%s holds the strata of seq %llu%s; files were exchanged", log->path,
                        name, (unsigned long long)header.first_seq,
                        header.first_seq == strata->first_seq ? " of another basin" : "");
    strata->form = header.form;
    strata->file_bytes = header.file_bytes;
    if (strata->form == STRATA_RAW) {
        strata->limit = strata_limit(header.file_bytes);
        if (strata->limit > strata->data_bytes)
            strata->limit = strata->data_bytes / GRAIN_ALIGN * GRAIN_ALIGN;
    }
    strata->salt = header.salt;
    strata->created_ns = header.created_ns;
    strata->running_time_ns = header.running_time_ns;
    strata->durable = header.durable;
    strata->previous_first_seq = header.previous_first_seq;
    strata->flags = header.flags;
    strata->dictionary_offset = header.dictionary_offset;
    strata->dictionary_bytes = header.dictionary_bytes;
    strata->dictionary_check = header.dictionary_check;
    strata->forbids_writing = header.read_only_compatible != 0;
    memcpy(strata->strata_id, header.strata_id, sizeof strata->strata_id);
    return FLUME_OK;
}

int strata_missing(flume_log *log, uint64_t first_seq, const char *path)
{
    char target[FLUME_ERROR_TEXT_BYTES / 2];
    int64_t bytes = -EINVAL;

    if (log->io->read_link != NULL)
        bytes = log->io->read_link(log->io->ctx, path, target, sizeof target);
    if (bytes <= 0)
        return log_fail(log, FLUME_ERR_DAMAGED, ENOENT, first_seq,
                        "%s is missing; run 'flume check'", path);
    return log_fail(log, FLUME_ERR_ABSENT, ENOENT, first_seq,
                    "a sealed strata is not here: %s links to %.*s; mount the volume, or put the "
                    "file back",
                    path, (int)bytes, target);
}

static int data_map(flume_log *log, struct strata *strata, const char *name)
{
    const flume_io *io = log->io;
    flume_io_stat file_stat;
    struct mapping *mapping;
    struct path path;
    void *data;
    int file, error;

    log_path(log, "log", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file == -ENOENT)
        return strata_missing(log, strata->first_seq, path.text);
    if (file < 0)
        return log_fail_io(log, file, "open", path.text);
    error = io->stat(io->ctx, file, &file_stat);
    if (error == 0 && file_stat.bytes < STRATA_PAGE_BYTES) {
        io->close(io->ctx, file);
        return log_fail(log, FLUME_ERR_DAMAGED, 0, strata->first_seq,
                        "%s is cut short at %llu bytes; run 'flume check', then 'flume repair'",
                        path.text, (unsigned long long)file_stat.bytes);
    }
    mapping = memory_allocate_zeroed(&log->allocator, 1, sizeof *mapping);
    if (mapping == NULL)
        error = -ENOMEM;
    if (error == 0)
        error = io->map(io->ctx, file, 0, (size_t)file_stat.bytes, false, &data);
    io->close(io->ctx, file);
    if (error != 0) {
        memory_release(&log->allocator, mapping);
        return log_fail_io(log, error, "map", path.text);
    }
    held_init(&mapping->held, mapping_release);
    mapping->allocator = log->allocator;
    mapping->io = strata->unmap_io;
    mapping->data = data;
    mapping->data_bytes = (size_t)file_stat.bytes;
    strata->mapping = mapping;
    strata->data = data;
    strata->data_bytes = file_stat.bytes;
    return FLUME_OK;
}

static void data_unmap(struct strata *strata)
{
    let_go(&strata->mapping->held);
    strata->mapping = NULL;
    strata->data = NULL;
}

/* Slots are hints: where their file cannot be had, they are rebuilt on first use. */
static void slots_map(flume_log *log, struct strata *strata)
{
    const flume_io *io = log->io;
    char name[STRATA_NAME_BYTES];
    flume_io_stat file_stat;
    struct path path;
    void *data;
    int file;

    strata_slots_name(name, strata->first_seq);
    log_path(log, "log", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file < 0)
        return;
    if (io->stat(io->ctx, file, &file_stat) == 0 && file_stat.bytes >= sizeof(uint32_t) &&
        io->map(io->ctx, file, 0, (size_t)file_stat.bytes, false, &data) == 0) {
        strata->mapping->slots = strata->slots_map = data;
        strata->mapping->slots_bytes = strata->slots_map_bytes = (size_t)file_stat.bytes;
        atomic_store(&strata->slot_count, file_stat.bytes / sizeof(uint32_t));
        atomic_store_explicit(&strata->slots, data, memory_order_release);
    }
    io->close(io->ctx, file);
}

/* Where the header page of a sealed strata is damaged, its footer page tells the same. */
static bool ends_sealed(const struct strata *strata)
{
    struct sealed_footer footer;

    return strata->data_bytes >= 2 * STRATA_PAGE_BYTES &&
           sealed_footer_decode(strata->data + strata->data_bytes - STRATA_PAGE_BYTES, &footer) ==
               FLUME_OK;
}

/* A sealed strata is not read through a mapping. */
static int seal_take(flume_log *log, struct strata *strata, bool header_is_bad)
{
    data_unmap(strata);
    return sealed_open(log, strata, header_is_bad);
}

static int open_locked(flume_log *log, struct strata *strata)
{
    char name[STRATA_NAME_BYTES];
    bool header_is_bad;
    int status;

    strata_name(name, strata->first_seq);
    status = data_map(log, strata, name);
    if (status == FLUME_OK) {
        status = header_take(log, strata, name);
        header_is_bad = status == FLUME_ERR_DAMAGED && ends_sealed(strata);
        if (header_is_bad)
            strata->form = STRATA_SEALED;
        if (header_is_bad || (status == FLUME_OK && strata->form == STRATA_SEALED))
            status = seal_take(log, strata, header_is_bad);
    }
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_VERSION)
        return broken(strata, status);
    if (status != FLUME_OK) {
        assert(strata->data == NULL);
        return status; /* May pass: memory, descriptors. The next use tries again. */
    }
    if (strata->form == STRATA_RAW)
        slots_map(log, strata);
    else
        atomic_store_explicit(&strata->slots_state, SLOTS_SETTLED, memory_order_release);
    atomic_store_explicit(&strata->state, STRATA_OPEN, memory_order_release);
    return FLUME_OK;
}

int strata_open(flume_log *log, struct strata *strata)
{
    int state = atomic_load_explicit(&strata->state, memory_order_acquire);
    int status = FLUME_OK;

    if (state == STRATA_OPEN)
        return FLUME_OK;
    (void)pthread_mutex_lock(&log->table_mutex);
    state = atomic_load_explicit(&strata->state, memory_order_acquire);
    if (state == STRATA_UNOPENED)
        status = open_locked(log, strata);
    (void)pthread_mutex_unlock(&log->table_mutex);
    if (state != STRATA_BROKEN)
        return status;
    if (strata->broken_status == FLUME_ERR_VERSION)
        return log_fail(log, FLUME_ERR_VERSION, 0, strata->first_seq,
                        "the strata of seq %llu in %s/log needs a feature that flume %s does not "
                        "know; open it with a newer one",
                        (unsigned long long)strata->first_seq, log->path, flume_version());
    return log_fail(log, strata->broken_status, 0, strata->first_seq,
                    "the strata of seq %llu in %s/log is damaged or missing; run 'flume check', "
                    "then 'flume repair'",
                    (unsigned long long)strata->first_seq, log->path);
}

bool strata_footer_find(const struct strata *strata, struct strata_footer *out_footer)
{
    struct strata_footer footer;

    if (strata->data_bytes < strata->file_bytes ||
        !strata_footer_decode(strata->data + strata_limit(strata->file_bytes), &footer) ||
        memcmp(footer.strata_id, strata->strata_id, sizeof footer.strata_id) != 0 ||
        footer.first_seq != strata->first_seq)
        return false;
    *out_footer = footer;
    return true;
}

/* Whether the footer vouches for the slots as they are, for that many grains. */
static bool footer_proves_slots(const struct strata *strata, uint64_t count)
{
    struct strata_footer footer;
    const void *slots = (const void *)atomic_load(&strata->slots);

    return slots != NULL && strata_footer_find(strata, &footer) && footer.count == count &&
           count < atomic_load(&strata->slot_count) &&
           hash_bytes(slots, (footer.count + 1) * sizeof(uint32_t), 0) == footer.slots_check;
}

/* Fill slots 0 .. count by walking; where no grain is found the slot stays 0. */
static void slots_walk(const struct strata *strata, uint64_t count, _Atomic uint32_t *slots)
{
    struct scan_source source = {strata->data, strata->limit, strata->salt};
    struct scan_budget budget = scan_budget_for(strata->data_bytes);
    uint64_t offset = STRATA_DATA_AT;
    uint64_t ordinal = 0;
    struct grain grain;

    while (ordinal < count) {
        uint64_t at = offset;

        if (at >= strata->limit || !grain_decode(strata->data + at, strata->limit - at,
                                                 (uint32_t)ordinal, strata->salt, at, &grain)) {
            if (!scan_resync(&source, at + GRAIN_ALIGN, (uint32_t)ordinal, (uint32_t)count, &budget,
                             &at, &grain))
                break;
            ordinal = grain.ordinal;
        }
        atomic_store_explicit(&slots[ordinal], htole32((uint32_t)(at / GRAIN_ALIGN)),
                              memory_order_relaxed);
        offset = at + grain_bytes(grain.meta_bytes, grain.body_bytes);
        ordinal++;
    }
    atomic_store_explicit(&slots[count], htole32((uint32_t)(offset / GRAIN_ALIGN)),
                          memory_order_relaxed);
}

static int rebuild_locked(flume_log *log, struct strata *strata, uint64_t count)
{
    size_t bytes = sizeof(struct rebuilt_slots) + (size_t)(count + 1) * sizeof(uint32_t);
    struct rebuilt_slots *rebuilt = memory_allocate_zeroed(&log->allocator, 1, bytes);

    if (rebuilt == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                        "no memory to rebuild the slots of seq %llu on",
                        (unsigned long long)strata->first_seq);
    slots_walk(strata, count, rebuilt->slots);
    rebuilt->older = strata->rebuilt;
    strata->rebuilt = rebuilt;
    /* A reader may see the new slots with the old count, or the other way round: while both only
     * shrink to what is there, the lesser bound is stored first. */
    if (atomic_load(&strata->slot_count) > count + 1)
        atomic_store(&strata->slot_count, count + 1);
    atomic_store_explicit(&strata->slots, rebuilt->slots, memory_order_release);
    atomic_store(&strata->slot_count, count + 1);
    atomic_store_explicit(&strata->slots_state, SLOTS_REBUILT, memory_order_release);
    return FLUME_OK;
}

int strata_rebuild_slots(flume_log *log, struct strata *strata, uint64_t count)
{
    int status = FLUME_OK;

    assert(strata->mapping != NULL); /* The caller has it lent, or has touched it. */
    (void)pthread_mutex_lock(&log->table_mutex);
    if (atomic_load(&strata->slots_state) != SLOTS_REBUILT ||
        atomic_load(&strata->slot_count) < count + 1)
        status = rebuild_locked(log, strata, count);
    (void)pthread_mutex_unlock(&log->table_mutex);
    return status;
}

/* Whether grains are so alike that an offset can be guessed: tried at a few places. */
static void guess_make(struct strata *strata, uint64_t count)
{
    uint64_t first = strata_slot(strata, 1);
    uint64_t last = strata_slot(strata, count - 1);
    uint64_t step, hits = 0;

    if (count < GUESS_COUNT_MIN || first == 0 || last <= first)
        return;
    step = ((last - first) << 16) / (count - 2) << 16;
    for (uint64_t i = 1; i <= GUESS_TRIES; i++) {
        uint64_t ordinal = 1 + (count - 2) * i / (GUESS_TRIES + 1);
        uint64_t guess = first + (((ordinal - 1) * step) >> 32);
        uint64_t offset = strata_slot(strata, ordinal);

        hits += offset - guess < GUESS_BYTES || guess - offset < GUESS_BYTES;
    }
    if (hits < GUESS_TRIES / 2)
        return;
    strata->guess_base = first - (step >> 32);
    strata->guess_step = step;
}

int strata_settle(flume_log *log, struct strata *strata, uint64_t count)
{
    uint64_t count_max = strata_slot_count(strata->file_bytes) - 1;

    if (atomic_load_explicit(&strata->slots_state, memory_order_acquire) != SLOTS_UNKNOWN)
        return FLUME_OK;
    if (count > count_max)
        count = count_max; /* The strata that held the others is gone. */
    if (strata->first_seq >= log->head->trusted_from || footer_proves_slots(strata, count)) {
        (void)pthread_mutex_lock(&log->table_mutex);
        if (atomic_load(&strata->slots_state) == SLOTS_UNKNOWN) {
            guess_make(strata, count);
            atomic_store_explicit(&strata->slots_state, SLOTS_SETTLED, memory_order_release);
        }
        (void)pthread_mutex_unlock(&log->table_mutex);
        return FLUME_OK;
    }
    return strata_rebuild_slots(log, strata, count);
}

int strata_write_file(flume_log *log, struct strata *strata)
{
    char name[STRATA_NAME_BYTES];
    struct path path;
    int file = atomic_load(&strata->write_file);

    if (file >= 0)
        return file;
    (void)pthread_mutex_lock(&log->table_mutex);
    file = atomic_load(&strata->write_file);
    if (file < 0) {
        strata_name(name, strata->first_seq);
        log_path(log, "log", name, &path);
        file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE);
        atomic_store(&strata->write_file_proven, false);
        atomic_store(&strata->write_file, file < 0 ? -1 : file);
    }
    (void)pthread_mutex_unlock(&log->table_mutex);
    return file < 0 ? log_fail_io(log, file, "open", path.text) : file;
}

bool strata_footer_make(const struct strata *strata, uint64_t count,
                        struct strata_footer *out_footer)
{
    const uint8_t *slots = (const uint8_t *)atomic_load(&strata->slots);
    uint64_t end_offset;
    uint64_t last_end = STRATA_DATA_AT;

    if (slots == NULL || count >= atomic_load(&strata->slot_count))
        return false;
    end_offset = (uint64_t)get_le32(slots + count * sizeof(uint32_t)) * GRAIN_ALIGN;
    *out_footer = (struct strata_footer){
        .first_seq = strata->first_seq,
        .count = count,
        .end_offset = end_offset,
        .least_time_ns = UINT64_MAX,
        .running_time_ns = strata->running_time_ns,
        .slots_check = hash_bytes(slots, (size_t)(count + 1) * sizeof(uint32_t), 0),
    };
    memcpy(out_footer->strata_id, strata->strata_id, sizeof strata->strata_id);
    for (uint64_t ordinal = 0; ordinal < count; ordinal++) {
        uint64_t offset = strata_slot(strata, ordinal);
        uint64_t time_ns;

        if (offset == 0 || offset + GRAIN_HEADER_BYTES > strata->limit)
            return false;
        time_ns = get_le64(strata->data + offset + GRAIN_TIME_AT);
        if (time_ns < out_footer->least_time_ns)
            out_footer->least_time_ns = time_ns;
        if (time_ns > out_footer->running_time_ns)
            out_footer->running_time_ns = time_ns;
        last_end = offset + grain_bytes(get_le16(strata->data + offset + GRAIN_META_BYTES_AT),
                                        get_le32(strata->data + offset + GRAIN_BODY_BYTES_AT));
    }
    return end_offset == last_end; /* Space from there on is given back: no record may lie there. */
}

int strata_check_writable(flume_log *log, const struct strata *strata)
{
    if (!strata->forbids_writing)
        return FLUME_OK;
    return log_fail(log, FLUME_ERR_VERSION, 0, strata->first_seq,
                    "the strata of seq %llu in %s/log has a feature that flume %s may read but not "
                    "write beside; append with a newer one",
                    (unsigned long long)strata->first_seq, log->path, flume_version());
}
