/*
 * table.c - the handle's table of all strata of its log.
 */
#include <errno.h>
#include <stdlib.h>

#include "strata.h"

enum { CAPACITY_MIN = 32 };

/* Names collected from log/. */
struct listing {
    flume_log *log;
    uint64_t *seqs;
    size_t count, capacity;
};

static int take_name(void *ctx, const char *name)
{
    struct listing *listing = ctx;
    uint64_t first_seq;

    if (!strata_name_parse(name, &first_seq))
        return 0;
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity == 0 ? 64 : listing->capacity * 2;
        uint64_t *seqs = memory_resize(&listing->log->allocator, listing->seqs,
                                       capacity * sizeof *listing->seqs);

        if (seqs == NULL)
            return -ENOMEM;
        listing->seqs = seqs;
        listing->capacity = capacity;
    }
    listing->seqs[listing->count++] = first_seq;
    return 0;
}

static int by_seq(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* Under table_mutex. It lives until close, in a table or not. */
static struct strata *strata_create(flume_log *log, uint64_t first_seq)
{
    struct strata *strata = memory_allocate_zeroed(&log->allocator, 1, sizeof *strata);

    if (strata == NULL)
        return NULL;
    strata->first_seq = first_seq;
    strata->next_made = log->strata_made;
    log->strata_made = strata;
    strata->log = log;
    /* A :memory: table ends with its handle; its mappings are ordinary ones. */
    strata->unmap_io = log->in_memory ? flume_io_posix() : log->io;
    strata->allocator = log->allocator;
    strata->write_file = -1;
    return strata;
}

static struct strata *find_exact(const struct table *table, uint64_t first_seq)
{
    size_t index;

    if (table == NULL || table->count == 0)
        return NULL;
    index = table_find(table, first_seq);
    if (index == SIZE_MAX || table->rows[index].first_seq != first_seq)
        return NULL;
    return table->rows[index].strata;
}

/* Whether a strata that the handle has mapped was sealed since: the file of its name is another
 * one. */
static bool is_superseded(const flume_log *log, const struct strata *strata)
{
    return strata->first_seq < atomic_load(&log->head->sealed_to) &&
           atomic_load_explicit(&strata->state, memory_order_acquire) == STRATA_OPEN &&
           strata->form == STRATA_RAW;
}

/* Whether the names listed are those of the table, and perhaps more behind them, for which there is
 * room. */
static bool goes_on(const struct table *table, const struct listing *listing)
{
    if (table == NULL || listing->count < table->count || listing->count > table->capacity)
        return false;
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].first_seq != listing->seqs[i])
            return false;
    }
    return true;
}

/* Exchange what was sealed since: who finds a mapping gone looks at the row again. */
static int exchange_sealed(flume_log *log, struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        struct strata *raw = table->rows[i].strata;
        struct strata *sealed;

        if (!is_superseded(log, raw))
            continue;
        sealed = strata_create(log, raw->first_seq);
        if (sealed == NULL)
            return FLUME_ERR_NO_MEMORY;
        atomic_store(&table->rows[i].strata, sealed);
        strata_drop_locked(raw);
    }
    return FLUME_OK;
}

/* Append the names behind those that the table has. */
static int append_new(flume_log *log, struct table *table, const struct listing *listing)
{
    for (size_t i = table->count; i < listing->count; i++) {
        struct strata *strata = strata_create(log, listing->seqs[i]);

        if (strata == NULL)
            return FLUME_ERR_NO_MEMORY;
        table->rows[i].first_seq = listing->seqs[i];
        atomic_store(&table->rows[i].strata, strata);
        atomic_store_explicit(&table->count, i + 1, memory_order_release);
    }
    return FLUME_OK;
}

/* A table with room to grow; what the old one knows of the names listed is kept. NULL: no
 * memory. */
static struct table *table_build(flume_log *log, const struct table *old,
                                 const struct listing *listing)
{
    size_t capacity = listing->count < CAPACITY_MIN / 2 ? CAPACITY_MIN : 2 * listing->count;
    struct table *table = memory_allocate_zeroed(&log->allocator, 1,
                                                 sizeof *table + capacity * sizeof table->rows[0]);

    if (table == NULL)
        return NULL;
    table->capacity = capacity;
    for (size_t i = 0; i < listing->count; i++) {
        struct strata *strata = find_exact(old, listing->seqs[i]);

        if (strata == NULL)
            strata = strata_create(log, listing->seqs[i]);
        if (strata == NULL) {
            memory_release(&log->allocator, table);
            return NULL;
        }
        table->rows[i].first_seq = listing->seqs[i];
        atomic_store(&table->rows[i].strata, strata);
        table->count = i + 1;
    }
    return table;
}

/* Bring the table up to what was listed. */
static int apply_listing(flume_log *log, const struct listing *listing)
{
    struct table *old = atomic_load(&log->table);
    struct table *table = old;
    int status;

    if (goes_on(old, listing)) {
        status = append_new(log, table, listing);
    } else {
        table = table_build(log, old, listing);
        status = table != NULL ? FLUME_OK : FLUME_ERR_NO_MEMORY;
        if (status == FLUME_OK) {
            table->older = old;
            atomic_store_explicit(&log->table, table, memory_order_release);
        }
    }
    if (status == FLUME_OK)
        status = exchange_sealed(log, table);
    return status == FLUME_OK ? status
                              : log_fail(log, status, 0, FLUME_SEQ_NONE,
                                         "no memory for the list of %zu strata", listing->count);
}

/* What a newer table no longer names is freed at close: somebody may be reading it. */
static int refresh_locked(flume_log *log)
{
    struct listing listing = {.log = log};
    uint64_t layout_count = atomic_load_explicit(&log->head->layout_count, memory_order_acquire);
    struct path path;
    int error, status;

    log_path(log, "log", "", &path);
    error = log->io->list(log->io->ctx, path.text, take_name, &listing);
    if (error != 0) {
        status = log_fail_io(log, error, "list", path.text);
        goto out;
    }
    if (listing.count > 0)
        qsort(listing.seqs, listing.count, sizeof *listing.seqs, by_seq);
    status = apply_listing(log, &listing);
    if (status == FLUME_OK)
        atomic_store_explicit(&atomic_load(&log->table)->layout_count, layout_count,
                              memory_order_release);
out:
    memory_release(&log->allocator, listing.seqs);
    return status;
}

int table_refresh(flume_log *log)
{
    int status;

    (void)pthread_mutex_lock(&log->table_mutex);
    status = refresh_locked(log);
    (void)pthread_mutex_unlock(&log->table_mutex);
    return status;
}

const struct table *table_current(flume_log *log, int *out_status)
{
    const struct table *table = atomic_load_explicit(&log->table, memory_order_acquire);
    uint64_t layout_count = atomic_load_explicit(&log->head->layout_count, memory_order_acquire);

    *out_status = FLUME_OK;
    if (table != NULL && table->layout_count == layout_count)
        return table;
    (void)pthread_mutex_lock(&log->table_mutex);
    table = atomic_load(&log->table);
    if (table == NULL || table->layout_count != atomic_load(&log->head->layout_count))
        *out_status = refresh_locked(log);
    table = atomic_load(&log->table);
    (void)pthread_mutex_unlock(&log->table_mutex);
    return *out_status == FLUME_OK ? table : NULL;
}

size_t table_find(const struct table *table, uint64_t seq)
{
    size_t low = 0;
    size_t high = table->count;

    if (high == 0 || seq < table->rows[0].first_seq)
        return SIZE_MAX;
    if (seq >= table->rows[high - 1].first_seq)
        return high - 1; /* Most of what is read is recent. */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (table->rows[middle].first_seq <= seq)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t table_grain_count(const struct table *table, size_t index, uint64_t head)
{
    uint64_t end = index + 1 < table->count ? table->rows[index + 1].first_seq : head;

    return end > table->rows[index].first_seq ? end - table->rows[index].first_seq : 0;
}

void table_destroy(flume_log *log)
{
    struct table *table = atomic_exchange(&log->table, NULL);

    while (table != NULL) {
        struct table *older = table->older;

        memory_release(&log->allocator, table);
        table = older;
    }
    while (log->strata_made != NULL) {
        struct strata *next = log->strata_made->next_made;

        strata_destroy(log->strata_made);
        log->strata_made = next;
    }
}
