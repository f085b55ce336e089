/*
 * table.c - the handle's table of all strata of its log.
 */
#include <errno.h>
#include <stdlib.h>

#include "strata.h"

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

static struct strata *strata_create(flume_log *log, uint64_t first_seq)
{
    struct strata *strata = memory_allocate_zeroed(&log->allocator, 1, sizeof *strata);

    if (strata == NULL)
        return NULL;
    strata->first_seq = first_seq;
    held_init(&strata->held, strata_release);
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

/* Whether a strata that the handle has mapped was sealed since: the file of its name is another one. */
static bool is_superseded(const flume_log *log, const struct strata *strata)
{
    return strata->first_seq < atomic_load(&log->head->sealed_to) &&
           atomic_load_explicit(&strata->state, memory_order_acquire) == STRATA_OPEN &&
           strata->form == STRATA_RAW;
}

/* A table of the names listed; what the old one knows is kept. NULL: no memory. */
static struct table *table_build(flume_log *log, const struct table *old,
                                 const struct listing *listing)
{
    struct table *table = memory_allocate_zeroed(
        &log->allocator, 1, sizeof *table + listing->count * sizeof table->rows[0]);
    size_t made = 0;

    if (table == NULL)
        return NULL;
    for (size_t i = 0; i < listing->count; i++) {
        struct strata *strata = find_exact(old, listing->seqs[i]);

        if (strata == NULL || is_superseded(log, strata))
            strata = strata_create(log, listing->seqs[i]);
        if (strata == NULL)
            goto fail;
        table->rows[made++] = (struct table_row){listing->seqs[i], strata};
    }
    table->count = made;
    return table;
fail:
    for (size_t i = 0; i < made; i++) {
        if (find_exact(old, table->rows[i].first_seq) != table->rows[i].strata)
            let_go(&table->rows[i].strata->held);
    }
    memory_release(&log->allocator, table);
    return NULL;
}

/* Let the mappings go of what was sealed since: the new table is there for who finds them gone. */
static void drop_raw_forms(const struct table *old, const struct table *table)
{
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        const struct strata *now = find_exact(table, old->rows[i].first_seq);

        if (now != NULL && now != old->rows[i].strata)
            strata_drop_locked(old->rows[i].strata);
    }
}

/* What a newer table no longer names is let go at close: somebody may be reading it. */
static int refresh_locked(flume_log *log)
{
    struct listing listing = {.log = log};
    struct table *old = atomic_load(&log->table);
    uint64_t layout_count = atomic_load_explicit(&log->head->layout_count, memory_order_acquire);
    struct table *table = NULL;
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
    table = table_build(log, old, &listing);
    status = table != NULL ? FLUME_OK
                           : log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                                      "no memory for the list of %zu strata", listing.count);
    if (status != FLUME_OK)
        goto out;
    table->layout_count = layout_count;
    table->older = old;
    atomic_store_explicit(&log->table, table, memory_order_release);
    drop_raw_forms(old, table);
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
    struct table *table = atomic_load(&log->table);
    const struct table *newer = NULL;

    /* Each strata is in one unbroken run of tables: it goes with the newest that names it. */
    while (table != NULL) {
        struct table *older = table->older;

        for (size_t i = 0; i < table->count; i++) {
            if (find_exact(newer, table->rows[i].first_seq) != table->rows[i].strata)
                let_go(&table->rows[i].strata->held);
        }
        if (newer != NULL)
            memory_release(&log->allocator, (void *)newer);
        newer = table;
        table = older;
    }
    memory_release(&log->allocator, (void *)newer);
    atomic_store(&log->table, NULL);
}
