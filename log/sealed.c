/*
 * sealed.c - reading a sealed strata: its pages, its file, its sections.
 */
#include "sealed.h"

#include <assert.h>
#include <errno.h>

#include "sealed_inside.h"

enum { FILE_COUNTS_FOR_BYTES = 64 << 10, CACHE_BYTES_DEFAULT = 16 << 20 };

/* An open file in the cache. */
struct open_file {
    struct cache_item item;
    flume_allocator allocator;
    const flume_io *io;
    int file;
};

/* Labels in the cache. */
struct label_list {
    struct cache_item item;
    flume_allocator allocator;
    size_t bytes;
    uint8_t text[];
};

struct cache *sealed_cache(flume_log *log)
{
    struct cache *cache = atomic_load_explicit(&log->cache, memory_order_acquire);

    if (cache != NULL)
        return cache;
    (void)pthread_mutex_lock(&log->cache_mutex);
    cache = atomic_load(&log->cache);
    if (cache == NULL) {
        cache = cache_create(&log->allocator,
                             log->cache_bytes != 0 ? log->cache_bytes : CACHE_BYTES_DEFAULT);
        atomic_store_explicit(&log->cache, cache, memory_order_release);
    }
    (void)pthread_mutex_unlock(&log->cache_mutex);
    if (cache == NULL)
        (void)log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                       "no memory to read sealed strata of %s", log->path);
    return cache;
}

struct cache *sealed_cache_made(flume_log *log)
{
    struct cache *cache = atomic_load_explicit(&log->cache, memory_order_acquire);

    assert(cache != NULL);
    return cache;
}

/* --- The file --------------------------------------------------------------------------------- */

static void file_release(struct held *held)
{
    struct open_file *open_file = (struct open_file *)held;
    flume_allocator allocator = open_file->allocator;

    open_file->io->close(open_file->io->ctx, open_file->file);
    memory_release(&allocator, open_file);
}

static int file_open(flume_log *log, const struct strata *strata, const struct cache_key *key,
                     struct open_file **out_file)
{
    struct open_file *open_file = memory_allocate_zeroed(&log->allocator, 1, sizeof *open_file);
    char name[STRATA_NAME_BYTES];
    struct path path;
    int file;

    if (open_file == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                        "no memory to read a sealed strata of %s", log->path);
    strata_name(name, strata->first_seq);
    log_path(log, "log", name, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (file < 0) {
        memory_release(&log->allocator, open_file);
        if (file == -ENOENT)
            return strata_missing(log, strata->first_seq, path.text);
        return log_fail_io(log, file, "open", path.text);
    }
    held_init(&open_file->item.held, file_release);
    open_file->item.key = *key;
    open_file->item.bytes = FILE_COUNTS_FOR_BYTES;
    open_file->allocator = log->allocator;
    open_file->io = log->io; /* Nobody holds a file beyond a call. */
    open_file->file = file;
    *out_file = open_file;
    return FLUME_OK;
}

/* The strata's file, held for the caller. */
static int file_get(flume_log *log, const struct strata *strata, struct open_file **out_file)
{
    struct cache_key key = {strata->sealed->number, SEALED_ITEM_FILE, 0};
    struct cache *cache = sealed_cache(log);
    struct cache_item *item;
    int status;

    if (cache == NULL)
        return FLUME_ERR_NO_MEMORY;
    item = cache_get(cache, &key);
    if (item != NULL) {
        *out_file = (struct open_file *)item;
        return FLUME_OK;
    }
    status = file_open(log, strata, &key, out_file);
    if (status == FLUME_OK)
        *out_file = (struct open_file *)cache_put(cache, &(*out_file)->item, CACHE_KEEP);
    return status;
}

int sealed_read(flume_log *log, struct strata *strata, void *target, size_t bytes, uint64_t offset)
{
    struct open_file *open_file;
    int error;
    int status = file_get(log, strata, &open_file);

    if (status != FLUME_OK)
        return status;
    error = io_read_all(log->io, open_file->file, target, bytes, offset);
    let_go(&open_file->item.held);
    if (error == -EIO || error == -ENODATA)
        return log_fail(
            log, FLUME_ERR_DAMAGED, -error, strata->first_seq,
            "strata %020llu of %s: %zu bytes at offset %llu %s; run 'flume check', then "
            "'flume repair'",
            (unsigned long long)strata->first_seq, log->path, bytes, (unsigned long long)offset,
            error == -EIO ? "cannot be read from the disk" : "are behind its end");
    if (error != 0)
        return log_fail_io(log, error, "read a sealed strata of", log->path);
    return FLUME_OK;
}

/* --- Pages ------------------------------------------------------------------------------------ */

int sealed_footer_read(flume_log *log, struct strata *strata, struct sealed_footer *out_footer)
{
    uint8_t page[STRATA_PAGE_BYTES];
    int status =
        sealed_read(log, strata, page, sizeof page, strata->data_bytes - STRATA_PAGE_BYTES);

    if (status == FLUME_OK && sealed_footer_decode(page, out_footer) != FLUME_OK)
        status =
            log_fail(log, FLUME_ERR_DAMAGED, 0, strata->first_seq,
                     "strata %020llu of %s: its footer page is damaged; run 'flume check', then "
                     "'flume repair'",
                     (unsigned long long)strata->first_seq, log->path);
    return status;
}

static void take_footer(struct strata *strata, const struct sealed_footer *footer)
{
    struct sealed *sealed = strata->sealed;
    const struct sealed_section *section;

    sealed->count = footer->count;
    sealed->raw_end = footer->raw_end;
    sealed->blocks_end = sealed_blocks_end(footer);
    sealed->least_time_ns = footer->least_time_ns;
    sealed->greatest_time_ns = footer->greatest_time_ns;
    for (unsigned kind = 0; kind < STRATA_KINDS; kind++)
        sealed->kinds[kind / 64] |= (uint64_t)(footer->kind_counts[kind] != 0) << (kind % 64);
    sealed->index = *sealed_section_find(footer, SEALED_SECTION_BLOCKS); /* None is without it. */
    section = sealed_section_find(footer, SEALED_SECTION_LABELS);
    if (section != NULL)
        sealed->labels = *section;
    section = sealed_section_find(footer, SEALED_SECTION_DICTIONARY);
    if (section != NULL)
        sealed->dictionary = *section;
    section = sealed_section_find(footer, SEALED_SECTION_DICTIONARY_COPY);
    if (section != NULL)
        sealed->dictionary_copy = *section;
}

/* The footer page does not read: everything may be in there. */
static void take_nothing(struct strata *strata)
{
    struct sealed *sealed = strata->sealed;

    sealed->raw_end = STRATA_BYTES_MAX;
    sealed->blocks_end = strata->data_bytes - STRATA_PAGE_BYTES;
    sealed->greatest_time_ns = UINT64_MAX;
    if (strata->dictionary_offset != 0)
        sealed->dictionary_copy = (struct sealed_section){
            .id = SEALED_SECTION_DICTIONARY_COPY,
            .offset = strata->dictionary_offset,
            .bytes = strata->dictionary_bytes,
            .check = strata->dictionary_check,
        };
    memset(sealed->kinds, 0xff, sizeof sealed->kinds);
}

/* What the header page would have told. */
static void stand_in_for_header(struct strata *strata, const struct sealed_footer *footer)
{
    strata->file_bytes = footer->file_bytes;
    strata->salt = footer->salt;
    strata->durable = footer->first_seq + footer->count;
    strata->running_time_ns = UINT64_MAX; /* Not known: nothing before it is passed over. */
    strata->previous_first_seq = FLUME_SEQ_NONE;
    strata->flags = STRATA_CLOSED;
    memcpy(strata->strata_id, footer->strata_id, sizeof strata->strata_id);
}

/* Whether a footer page that decodes is this strata's. */
static bool is_of(const flume_log *log, const struct strata *strata,
                  const struct sealed_footer *footer, bool header_is_bad)
{
    if (footer->first_seq != strata->first_seq ||
        memcmp(footer->basin_id, log->basin_id, sizeof log->basin_id) != 0 ||
        footer->file_bytes != strata->data_bytes)
        return false;
    return header_is_bad ||
           (footer->salt == strata->salt &&
            memcmp(footer->strata_id, strata->strata_id, sizeof footer->strata_id) == 0);
}

int sealed_open(flume_log *log, struct strata *strata, bool header_is_bad)
{
    struct sealed_footer *footer = memory_allocate(&log->allocator, sizeof *footer);
    int status;

    strata->sealed = memory_allocate_zeroed(&log->allocator, 1, sizeof *strata->sealed);
    if (footer == NULL || strata->sealed == NULL) {
        status = log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                          "no memory to open a sealed strata of %s", log->path);
        goto out;
    }
    strata->sealed->number = atomic_fetch_add(&log->sealed_opened, 1) + 1;
    status = sealed_footer_read(log, strata, footer);
    if (status == FLUME_OK && !is_of(log, strata, footer, header_is_bad))
        status = FLUME_ERR_DAMAGED;
    if (status == FLUME_OK) {
        if (header_is_bad)
            stand_in_for_header(strata, footer);
        take_footer(strata, footer);
    } else if (status == FLUME_ERR_DAMAGED && !header_is_bad) {
        take_nothing(strata);
        status = FLUME_OK; /* The records can be found all the same. */
    }
out:
    memory_release(&log->allocator, footer);
    if (status != FLUME_OK)
        sealed_close(strata);
    return status;
}

void sealed_close(struct strata *strata)
{
    memory_release(&strata->allocator, strata->sealed);
    strata->sealed = NULL;
}

/* --- Sections --------------------------------------------------------------------------------- */

int sealed_section_read(flume_log *log, struct strata *strata, const struct sealed_section *section,
                        uint8_t **out_bytes)
{
    uint8_t *bytes = memory_allocate(&log->allocator, (size_t)section->bytes);
    int status;

    if (bytes == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                        "no memory to read %llu bytes of a sealed strata of %s",
                        (unsigned long long)section->bytes, log->path);
    status = sealed_read(log, strata, bytes, (size_t)section->bytes, section->offset);
    if (status == FLUME_OK &&
        hash_bytes(bytes, (size_t)section->bytes, strata->salt + section->offset) != section->check)
        status =
            log_fail(log, FLUME_ERR_DAMAGED, 0, strata->first_seq,
                     "strata %020llu of %s: section %u is damaged (offset %llu, %llu bytes); run "
                     "'flume check', then 'flume repair'",
                     (unsigned long long)strata->first_seq, log->path, section->id,
                     (unsigned long long)section->offset, (unsigned long long)section->bytes);
    if (status == FLUME_OK)
        *out_bytes = bytes;
    else
        memory_release(&log->allocator, bytes);
    return status;
}

static void labels_release(struct held *held)
{
    struct label_list *list = (struct label_list *)held;
    flume_allocator allocator = list->allocator;

    memory_release(&allocator, list);
}

/* The strata's labels, held for the caller. NULL: they cannot be had. */
static struct label_list *labels_get(flume_log *log, struct strata *strata)
{
    struct cache_key key = {strata->sealed->number, SEALED_ITEM_LABELS, 0};
    struct cache *cache = sealed_cache_made(log);
    const struct sealed_section *section = &strata->sealed->labels;
    struct cache_item *item;
    struct label_list *list;

    if (section->bytes > SEALED_LABELS_BYTES_MAX)
        return NULL;
    item = cache_get(cache, &key);
    if (item != NULL)
        return (struct label_list *)item;
    list = memory_allocate(&log->allocator, sizeof *list + (size_t)section->bytes);
    if (list == NULL)
        return NULL;
    list->bytes = (size_t)section->bytes;
    if (sealed_read(log, strata, list->text, list->bytes, section->offset) != FLUME_OK ||
        hash_bytes(list->text, list->bytes, strata->salt + section->offset) != section->check) {
        memory_release(&log->allocator, list);
        return NULL;
    }
    held_init(&list->item.held, labels_release);
    list->allocator = log->allocator;
    list->item.key = key;
    list->item.bytes = sizeof *list + list->bytes;
    return (struct label_list *)cache_put(cache, &list->item, CACHE_KEEP);
}

/* Look a label up; where the list is not as it should be, it may be there. */
static bool list_may_have(const struct label_list *list, const char *label)
{
    size_t wanted_bytes = strlen(label);
    size_t at = sizeof(uint32_t);

    if (list->bytes < at)
        return true;
    for (uint32_t left = get_le32(list->text); left > 0; left--) {
        size_t bytes;

        if (list->bytes - at < sizeof(uint32_t) + 1)
            return true;
        bytes = list->text[at + sizeof(uint32_t)];
        at += sizeof(uint32_t) + 1;
        if (list->bytes - at < bytes ||
            (bytes == wanted_bytes && memcmp(list->text + at, label, bytes) == 0))
            return true;
        at += bytes;
    }
    return false;
}

bool sealed_may_have_label(flume_log *log, struct strata *strata, const char *label)
{
    struct label_list *list;
    bool may_have;

    if (strata->sealed->labels.id == SEALED_SECTION_NONE)
        return true;
    list = labels_get(log, strata);
    if (list == NULL)
        return true;
    may_have = list_may_have(list, label);
    let_go(&list->item.held);
    return may_have;
}
