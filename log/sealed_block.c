/*
 * sealed_block.c - from an ordinal to the unpacked block with its grain.
 */
#include <assert.h>

#define ZSTD_DISABLE_DEPRECATE_WARNINGS
#include <zstd.h>

#include "read.h"
#include "seal_pack.h"
#include "sealed_inside.h"

enum {
    SMALL_BYTES = 8 << 10, /* As many stored bytes are read without memory of their own. */
    PREFETCH_BYTES_MAX = 64 << 10,
    CACHE_LINE_BYTES = 64
};

/* A dictionary in the cache, made ready for unpacking. */
struct dictionary {
    struct cache_item item;
    flume_allocator allocator;
    ZSTD_DDict *ready;
};

/* --- The block index -------------------------------------------------------------------------- */

static void index_release(struct held *held)
{
    struct block_index *index = (struct block_index *)held;
    flume_allocator allocator = index->allocator;

    memory_release(&allocator, index);
}

struct block_index *block_index_create(flume_log *log, const struct strata *strata, size_t room)
{
    size_t bytes = sizeof(struct block_index) + room * sizeof(struct sealed_block_entry);
    struct block_index *index = memory_allocate(&log->allocator, bytes);

    if (index == NULL) {
        (void)log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                       "no memory to read a sealed strata of %s", log->path);
        return NULL;
    }
    memset(index, 0, sizeof *index);
    held_init(&index->item.held, index_release);
    index->item.key = (struct cache_key){strata->sealed->number, SEALED_ITEM_INDEX, 0};
    index->item.bytes = bytes;
    index->allocator = log->allocator;
    return index;
}

/* Whether the entries lead on from each other within the blocks' part of the file. */
static bool index_is_sound(const struct sealed *sealed, const struct block_index *index)
{
    uint64_t file_offset = STRATA_DATA_AT;

    for (uint32_t i = 0; i < index->count; i++) {
        const struct sealed_block_entry *entry = &index->entries[i];
        const struct sealed_block_entry *before = i > 0 ? &index->entries[i - 1] : NULL;

        if (entry->file_offset != file_offset || entry->first_ordinal >= sealed->count ||
            (before == NULL ? entry->first_ordinal != 0 || entry->raw_offset != STRATA_DATA_AT
                            : entry->first_ordinal <= before->first_ordinal ||
                                  entry->raw_offset <= before->raw_offset))
            return false;
        file_offset += sealed_block_bytes(entry->stored_bytes);
        if (file_offset > sealed->blocks_end)
            return false;
    }
    return index->count > 0;
}

static int index_read(flume_log *log, struct strata *strata, struct block_index **out_index)
{
    const struct sealed_section *section = &strata->sealed->index;
    size_t count = (size_t)(section->bytes / SEALED_BLOCK_ENTRY_BYTES);
    struct block_index *index = NULL;
    uint8_t *bytes = NULL;
    int status;

    if (section->id == SEALED_SECTION_NONE)
        return FLUME_ERR_DAMAGED;
    status = sealed_section_read(log, strata, section, &bytes);
    if (status != FLUME_OK)
        return status;
    index = block_index_create(log, strata, count);
    status = index != NULL ? FLUME_OK : FLUME_ERR_NO_MEMORY;
    for (size_t i = 0; i < count && status == FLUME_OK; i++) {
        sealed_block_entry_decode(bytes + i * SEALED_BLOCK_ENTRY_BYTES, &index->entries[i]);
        index->count++;
    }
    memory_release(&log->allocator, bytes);
    if (status == FLUME_OK && !index_is_sound(strata->sealed, index)) {
        let_go(&index->item.held);
        status = FLUME_ERR_DAMAGED;
    }
    if (status == FLUME_OK)
        *out_index = index;
    return status;
}

int sealed_index(flume_log *log, struct strata *strata, struct block_index **out_index)
{
    struct cache_key key = {strata->sealed->number, SEALED_ITEM_INDEX, 0};
    struct cache *cache = sealed_cache_made(log);
    struct cache_item *item = cache_get(cache, &key);
    struct block_index *index = NULL;
    int status;

    if (item != NULL) {
        *out_index = (struct block_index *)item;
        return FLUME_OK;
    }
    status = index_read(log, strata, &index);
    if (status == FLUME_ERR_DAMAGED)
        status = sealed_scan(log, strata, &index);
    if (status == FLUME_OK)
        *out_index = (struct block_index *)cache_put(cache, &index->item, CACHE_KEEP);
    return status;
}

/*
 * The block that holds an ordinal, if any does. Blocks hold more or less equally many records, so
 * it is looked for around where it would be then, in steps that double: two or three lines of
 * memory are touched instead of the ten that bisecting a large index takes.
 */
static size_t index_find(const struct block_index *index, uint64_t ordinal)
{
    const struct sealed_block_entry *entries = index->entries;
    size_t low, high, step = 1;

    if (index->count == 0 || ordinal < entries[0].first_ordinal)
        return SIZE_MAX;
    low = index->count - 1;
    if (ordinal < entries[low].first_ordinal)
        low = (size_t)(ordinal * low / entries[low].first_ordinal);
    high = low + 1;
    while (high < index->count && entries[high].first_ordinal <= ordinal) {
        low = high;
        high = index->count - high > step ? high + step : index->count;
        step *= 2;
    }
    while (entries[low].first_ordinal > ordinal) {
        high = low;
        low = low > step ? low - step : 0;
        step *= 2;
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (entries[middle].first_ordinal <= ordinal)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* --- Unpacking -------------------------------------------------------------------------------- */

static ZSTD_DCtx *context_take(flume_log *log)
{
    for (size_t i = 0; i < UNPACKERS; i++) {
        ZSTD_DCtx *context = atomic_exchange(&log->unpackers[i], NULL);

        if (context != NULL)
            return context;
    }
    return ZSTD_createDCtx();
}

static void context_give(flume_log *log, ZSTD_DCtx *context)
{
    /* Each place gets it in turn, and gives what it had. */
    for (size_t i = 0; context != NULL && i < UNPACKERS; i++)
        context = atomic_exchange(&log->unpackers[i], context);
    (void)ZSTD_freeDCtx(context); /* NULL is harmless. */
}

static void dictionary_release(struct held *held)
{
    struct dictionary *dictionary = (struct dictionary *)held;
    flume_allocator allocator = dictionary->allocator;

    (void)ZSTD_freeDDict(dictionary->ready);
    memory_release(&allocator, dictionary);
}

/* The dictionary's bytes, of which the strata has two. */
static int dictionary_bytes(flume_log *log, struct strata *strata, uint8_t **out_bytes,
                            size_t *out_count)
{
    const struct sealed_section *const sections[] = {&strata->sealed->dictionary,
                                                     &strata->sealed->dictionary_copy};
    int status = FLUME_ERR_NOT_FOUND;

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (sections[i]->id == SEALED_SECTION_NONE ||
            sections[i]->bytes > SEALED_DICTIONARY_BYTES_MAX)
            continue;
        status = sealed_section_read(log, strata, sections[i], out_bytes);
        *out_count = (size_t)sections[i]->bytes;
        if (status != FLUME_ERR_DAMAGED)
            return status;
    }
    if (status != FLUME_ERR_NOT_FOUND)
        return status;
    return log_fail(log, FLUME_ERR_DAMAGED, 0, strata->first_seq,
                    "strata %020llu of %s: a block needs a dictionary that is not there; run "
                    "'flume check'",
                    (unsigned long long)strata->first_seq, log->path);
}

static int dictionary_read(flume_log *log, struct strata *strata, const struct cache_key *key,
                           struct dictionary **out_dictionary)
{
    struct dictionary *dictionary;
    uint8_t *bytes = NULL;
    size_t count = 0;
    int status = dictionary_bytes(log, strata, &bytes, &count);

    if (status != FLUME_OK)
        return status;
    dictionary = memory_allocate_zeroed(&log->allocator, 1, sizeof *dictionary);
    if (dictionary != NULL)
        dictionary->ready = ZSTD_createDDict(bytes, count);
    memory_release(&log->allocator, bytes);
    if (dictionary == NULL || dictionary->ready == NULL) {
        memory_release(&log->allocator, dictionary);
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                        "no memory for the dictionary of a sealed strata of %s", log->path);
    }
    held_init(&dictionary->item.held, dictionary_release);
    dictionary->allocator = log->allocator;
    dictionary->item.key = *key;
    dictionary->item.bytes = sizeof *dictionary + ZSTD_sizeof_DDict(dictionary->ready);
    *out_dictionary = dictionary;
    return FLUME_OK;
}

/* The strata's dictionary, held for the caller. */
static int dictionary_get(flume_log *log, struct strata *strata, struct dictionary **out_dictionary)
{
    struct cache_key key = {strata->sealed->number, SEALED_ITEM_DICTIONARY, 0};
    struct cache *cache = sealed_cache_made(log);
    struct cache_item *item = cache_get(cache, &key);
    int status;

    if (item != NULL) {
        *out_dictionary = (struct dictionary *)item;
        return FLUME_OK;
    }
    status = dictionary_read(log, strata, &key, out_dictionary);
    if (status == FLUME_OK)
        *out_dictionary =
            (struct dictionary *)cache_put(cache, &(*out_dictionary)->item, CACHE_KEEP);
    return status;
}

/* Unpack a block's stored bytes into exactly block->raw_bytes. *out_fits is false: they are not
 * that. */
static int unpack(flume_log *log, struct strata *strata, const struct sealed_block *block,
                  const uint8_t *stored, uint8_t *target, bool *out_fits)
{
    struct dictionary *dictionary = NULL;
    ZSTD_DCtx *context;
    size_t bytes;
    int status = FLUME_OK;

    if (block->codec == SEALED_STORED) {
        memcpy(target, stored, block->raw_bytes);
        *out_fits = true;
        return FLUME_OK;
    }
    if (!seal_is_one_frame(stored, block->stored_bytes, block->raw_bytes)) {
        *out_fits = false;
        return FLUME_OK;
    }
    if (block->codec == SEALED_ZSTD_DICTIONARY)
        status = dictionary_get(log, strata, &dictionary);
    if (status != FLUME_OK)
        return status;
    context = context_take(log);
    if (context == NULL) {
        if (dictionary != NULL)
            let_go(&dictionary->item.held);
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                        "no memory to unpack a block of %s", log->path);
    }
    if (dictionary != NULL)
        bytes = ZSTD_decompress_usingDDict(context, target, block->raw_bytes, stored,
                                           block->stored_bytes, dictionary->ready);
    else
        bytes = ZSTD_decompressDCtx(context, target, block->raw_bytes, stored, block->stored_bytes);
    context_give(log, context);
    if (dictionary != NULL)
        let_go(&dictionary->item.held);
    *out_fits = bytes == block->raw_bytes; /* No error is so small a number. */
    return FLUME_OK;
}

void sealed_stop(flume_log *log)
{
    for (size_t i = 0; i < UNPACKERS; i++) {
        (void)ZSTD_freeDCtx(atomic_exchange(&log->unpackers[i], NULL));
    }
    cache_destroy(&log->allocator, atomic_exchange(&log->cache, NULL));
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static void block_release(struct held *held)
{
    struct block *block = (struct block *)held;
    flume_allocator allocator = block->allocator;

    memory_release(&allocator, block);
}

static int damaged(flume_log *log, const struct strata *strata, const struct block_index *index,
                   size_t at)
{
    const struct sealed_block_entry *entry = &index->entries[at];
    uint64_t first_seq = strata->first_seq + entry->first_ordinal;
    uint64_t end_seq = strata->first_seq + (at + 1 < index->count
                                                ? index->entries[at + 1].first_ordinal
                                                : strata->sealed->count);

    if (end_seq <= first_seq)
        end_seq = first_seq + 1; /* How many it had is not known. */
    return log_fail(
        log, FLUME_ERR_DAMAGED, 0, first_seq,
        "%s: block %zu of strata %020llu is damaged (offset %llu, %u bytes), so seq %llu "
        "to %llu cannot be read; run 'flume check', then 'flume repair'",
        log->path, at, (unsigned long long)strata->first_seq,
        (unsigned long long)entry->file_offset, entry->stored_bytes, (unsigned long long)first_seq,
        (unsigned long long)(end_seq - 1));
}

static int no_memory(flume_log *log, const struct strata *strata)
{
    return log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                    "no memory to read a block of %s", log->path);
}

/* Memory for a block that is as large as its row makes believe. */
struct block_room {
    struct block *block;
    uint8_t *data;
    uint32_t count;
    uint64_t raw_bytes;
};

/* Memory for a block of so many grains, with the stored header before its data; NULL: no memory. */
static struct block *block_create(flume_log *log, const struct strata *strata, uint32_t count,
                                  uint64_t raw_bytes, uint8_t **out_data)
{
    size_t front = round_up(sizeof(struct block) + (size_t)count * sizeof(uint32_t), GRAIN_ALIGN) +
                   SEALED_BLOCK_HEADER_BYTES;
    struct block *block = memory_allocate(&log->allocator, front + (size_t)raw_bytes);

    if (block == NULL) {
        (void)no_memory(log, strata);
        return NULL;
    }
    memset(block, 0, sizeof *block);
    held_init(&block->item.held, block_release);
    block->item.bytes = front + (size_t)raw_bytes;
    block->allocator = log->allocator;
    block->strata_seq = strata->first_seq;
    block->salt = strata->salt;
    *out_data = (uint8_t *)block + front;
    block->data = *out_data;
    return block;
}

/* Take over what the header says. false: the grains are not what they should be. */
static bool block_complete(struct block *block, const struct sealed_block *header)
{
    block->first_ordinal = header->first_ordinal;
    block->count = header->count;
    block->raw_offset = header->raw_offset;
    block->lacks_checks = header->codec != SEALED_STORED;
    return sealed_grains_find(header, block->data, block->offsets);
}

/* Whether a block belongs where the index says that it is. */
static bool block_is_expected(const struct strata *strata, const struct sealed_block_entry *entry,
                              const struct sealed_block *header)
{
    return header->first_ordinal == entry->first_ordinal &&
           header->raw_offset == entry->raw_offset &&
           header->raw_offset + header->raw_bytes <= strata->sealed->raw_end;
}

/* Ask for the memory of a block before it is written to: it was not used for long. */
static void prefetch_block(const uint8_t *data, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes && at < PREFETCH_BYTES_MAX; at += CACHE_LINE_BYTES)
        __builtin_prefetch(data + at, 1, 3);
}

/* Make a block of what was read, in memory that the row asked for if that is as much as it takes.
 * Takes over `room`. *out_block stays as it is where the block is not what it should be. */
static int block_make(flume_log *log, struct strata *strata, const struct sealed_block *header,
                      const uint8_t *stored, const struct block_room *room,
                      struct block **out_block)
{
    struct block *block = room->block;
    uint8_t *data = room->data;
    bool fits = false;
    int status;

    if (room->count != header->count || room->raw_bytes != header->raw_bytes) {
        memory_release(&log->allocator, block);
        block = block_create(log, strata, header->count, header->raw_bytes, &data);
    }
    if (block == NULL)
        return FLUME_ERR_NO_MEMORY;
    status = unpack(log, strata, header, stored, data, &fits);
    if (status == FLUME_OK && fits && block_complete(block, header))
        *out_block = block;
    else
        memory_release(&log->allocator, block);
    return status;
}

/* Read a block's stored bytes, then unpack them. */
static int block_read(flume_log *log, struct strata *strata, const struct sealed_block_entry *entry,
                      uint32_t count, uint64_t raw_bytes, struct block **out_block)
{
    struct block_room room = {.count = count, .raw_bytes = raw_bytes};
    uint64_t bytes = sealed_block_bytes(entry->stored_bytes);
    uint8_t small[SMALL_BYTES];
    uint8_t *stored = bytes <= sizeof small ? small
                                            : memory_allocate(&log->allocator, (size_t)bytes);
    struct sealed_block header;
    int status;

    if (stored == NULL)
        return no_memory(log, strata);
    room.block = block_create(log, strata, count, raw_bytes, &room.data);
    status = room.block != NULL ? FLUME_OK : FLUME_ERR_NO_MEMORY;
    if (status == FLUME_OK) {
        prefetch_block(room.data, raw_bytes);
        status = sealed_read(log, strata, stored, (size_t)bytes, entry->file_offset);
    }
    if (status == FLUME_OK &&
        sealed_block_decode(stored, bytes, strata->salt, entry->file_offset, &header) &&
        block_is_expected(strata, entry, &header))
        status =
            block_make(log, strata, &header, stored + SEALED_BLOCK_HEADER_BYTES, &room, out_block);
    else
        memory_release(&log->allocator, room.block);
    if (stored != small)
        memory_release(&log->allocator, stored);
    return status;
}

/* The block of a row is as long raw as it is stored, so it is not packed: read it to where it
 * stays. If it turns out to be another, *out_block stays NULL. */
static int block_read_in_place(flume_log *log, struct strata *strata,
                               const struct sealed_block_entry *entry, uint32_t count,
                               struct block **out_block)
{
    struct sealed_block header;
    uint8_t *data, *stored;
    struct block *block = block_create(log, strata, count, entry->stored_bytes, &data);
    uint64_t bytes = sealed_block_bytes(entry->stored_bytes);
    int status;

    if (block == NULL)
        return FLUME_ERR_NO_MEMORY;
    stored = data - SEALED_BLOCK_HEADER_BYTES;
    status = sealed_read(log, strata, stored, (size_t)bytes, entry->file_offset);
    if (status == FLUME_OK &&
        sealed_block_decode(stored, bytes, strata->salt, entry->file_offset, &header) &&
        block_is_expected(strata, entry, &header) && header.codec == SEALED_STORED &&
        header.count == count && block_complete(block, &header))
        *out_block = block;
    else
        memory_release(&log->allocator, block);
    return status;
}

/* How many records and raw bytes a row stands for, if no record is lost between it and the next. */
static void row_extent(const struct strata *strata, const struct block_index *index, size_t at,
                       uint64_t *out_count, uint64_t *out_raw_bytes)
{
    const struct sealed_block_entry *entry = &index->entries[at];
    bool is_last = at + 1 == index->count;

    *out_count = (is_last ? strata->sealed->count : entry[1].first_ordinal) - entry->first_ordinal;
    *out_raw_bytes = (is_last ? strata->sealed->raw_end : entry[1].raw_offset) - entry->raw_offset;
}

static int block_load(flume_log *log, struct strata *strata, const struct block_index *index,
                      size_t at, struct block **out_block)
{
    const struct sealed_block_entry *entry = &index->entries[at];
    uint64_t bytes = sealed_block_bytes(entry->stored_bytes);
    uint64_t count, raw_bytes;
    struct block *block = NULL;
    int status = FLUME_OK;

    if (bytes > SEALED_BLOCK_RAW_MAX || bytes > strata->data_bytes)
        return damaged(log, strata, index, at);
    row_extent(strata, index, at, &count, &raw_bytes);
    if (raw_bytes > SEALED_BLOCK_RAW_MAX || raw_bytes % GRAIN_ALIGN != 0 ||
        count > raw_bytes / GRAIN_HEADER_BYTES)
        raw_bytes = count = 0; /* Records are lost behind it: its header will tell. */
    if (raw_bytes == entry->stored_bytes)
        status = block_read_in_place(log, strata, entry, (uint32_t)count, &block);
    if (block == NULL && status == FLUME_OK)
        status = block_read(log, strata, entry, (uint32_t)count, raw_bytes, &block);
    if (block == NULL)
        return status == FLUME_OK || status == FLUME_ERR_DAMAGED ? damaged(log, strata, index, at)
                                                                 : status;
    block->item.key = (struct cache_key){strata->sealed->number, SEALED_ITEM_BLOCK, (uint32_t)at};
    *out_block = block;
    return FLUME_OK;
}

static int block_get(flume_log *log, struct strata *strata, const struct block_index *index,
                     size_t at, enum cache_end end, struct block **out_block)
{
    struct cache_key key = {strata->sealed->number, SEALED_ITEM_BLOCK, (uint32_t)at};
    struct cache *cache = sealed_cache_made(log);
    struct cache_item *item = cache_get(cache, &key);
    int status;

    if (item != NULL) {
        *out_block = (struct block *)item;
        return FLUME_OK;
    }
    status = block_load(log, strata, index, at, out_block);
    if (status == FLUME_OK)
        *out_block = (struct block *)cache_put(cache, &(*out_block)->item, end);
    return status;
}

int sealed_block_of(flume_log *log, struct strata *strata, uint64_t ordinal, enum cache_end end,
                    struct block **out_block)
{
    struct block_index *index;
    struct block *block = NULL;
    size_t at;
    int status = sealed_index(log, strata, &index);

    if (status != FLUME_OK)
        return status;
    at = index_find(index, ordinal);
    if (at != SIZE_MAX)
        status = block_get(log, strata, index, at, end, &block);
    let_go(&index->item.held);
    if (status != FLUME_OK)
        return status;
    if (block != NULL && block_has(block, strata->first_seq + ordinal)) {
        *out_block = block;
        return FLUME_OK;
    }
    if (block != NULL)
        let_go(&block->item.held);
    return log_fail(log, FLUME_ERR_DAMAGED, 0, strata->first_seq + ordinal,
                    "%s: seq %llu is not to be found in strata %020llu; run 'flume check', then "
                    "'flume repair'",
                    log->path, (unsigned long long)(strata->first_seq + ordinal),
                    (unsigned long long)strata->first_seq);
}

/* Where a grain is, and its fields, also those that were left out of it. */
static const uint8_t *grain_of(const struct block *block, uint64_t seq, struct grain *out_grain,
                               uint64_t *out_raw_offset)
{
    uint64_t ordinal = seq - block->strata_seq;
    uint32_t at = block->offsets[ordinal - block->first_ordinal];

    assert(block_has(block, seq));
    *out_raw_offset = block->raw_offset + at;
    if (block->lacks_checks)
        sealed_grain_complete(block->data + at, (uint32_t)ordinal, block->salt, *out_raw_offset,
                              out_grain);
    else
        grain_fields(block->data + at, out_grain);
    return block->data + at;
}

void block_record(struct block *block, uint64_t seq, flume_record *out_record)
{
    struct grain grain;
    uint64_t raw_offset;
    const uint8_t *source = grain_of(block, seq, &grain, &raw_offset);

    record_fill(block->strata_seq, source, &grain, raw_offset, &block->item.held, out_record);
}

const uint8_t *block_raw_grain(const struct block *block, uint64_t seq,
                               uint8_t out_header[GRAIN_HEADER_BYTES])
{
    struct grain grain;
    uint64_t raw_offset;
    const uint8_t *source = grain_of(block, seq, &grain, &raw_offset);

    memcpy(out_header, source, GRAIN_HEADER_BYTES);
    put_le64(out_header + GRAIN_CHECK_AT, grain.check);
    put_le32(out_header + GRAIN_ORDINAL_AT, grain.ordinal);
    return source + GRAIN_HEADER_BYTES;
}
