/*
 * strata_info.c - what one strata is, raw or sealed, in numbers.
 */
#include <string.h>

#include "sealed.h"
#include "strata.h"
#include "wait.h"

static_assert((int)FLUME_ROOT_BYTES == (int)SEALED_HASH_BYTES, "roots are hashes");

static uint64_t section_bytes(const struct sealed_footer *footer, enum sealed_section_id id)
{
    const struct sealed_section *section = sealed_section_find(footer, id);

    return section != NULL ? section->bytes : 0;
}

static int missing(flume_log *log, uint64_t seq)
{
    return log_fail(log, FLUME_ERR_DAMAGED, 0, seq,
                    "%s: the strata of seq %llu is missing from log/; run 'flume check'", log->path,
                    (unsigned long long)seq);
}

static int describe_sealed(flume_log *log, struct strata *strata, flume_strata_info *info)
{
    struct sealed_footer footer;
    int status = sealed_footer_read(log, strata, &footer);

    if (status != FLUME_OK)
        return status;
    info->sealed = true;
    info->records = footer.count;
    info->file_bytes = footer.file_bytes;
    info->grain_bytes = footer.raw_end - STRATA_DATA_AT;
    info->block_count = footer.block_count;
    info->block_target_bytes = footer.block_bytes;
    info->block_bytes = sealed_blocks_end(&footer) - STRATA_DATA_AT;
    info->block_index_bytes = section_bytes(&footer, SEALED_SECTION_BLOCKS);
    info->grain_index_bytes = section_bytes(&footer, SEALED_SECTION_GRAINS);
    info->label_bytes = section_bytes(&footer, SEALED_SECTION_LABELS);
    info->merkle_bytes = section_bytes(&footer, SEALED_SECTION_MERKLE);
    info->dictionary_bytes = section_bytes(&footer, SEALED_SECTION_DICTIONARY) +
                             section_bytes(&footer, SEALED_SECTION_DICTIONARY_COPY);
    info->parity_bytes = section_bytes(&footer, SEALED_SECTION_PARITY);
    info->least_time_ns = footer.least_time_ns;
    info->greatest_time_ns = footer.greatest_time_ns;
    info->sealed_ns = footer.sealed_ns;
    memcpy(info->root, footer.root, sizeof info->root);
    memcpy(info->chain, footer.chain, sizeof info->chain);
    return FLUME_OK;
}

/* Where the last of so many grains ends, which was found by walking. */
static uint64_t end_of_last(const struct strata *strata, uint64_t count)
{
    uint64_t offset = count > 0 ? strata_slot(strata, count - 1) : 0;

    return offset == 0
               ? STRATA_DATA_AT
               : offset + grain_bytes(get_le16(strata->data + offset + GRAIN_META_BYTES_AT),
                                      get_le32(strata->data + offset + GRAIN_BODY_BYTES_AT));
}

/* Count the records of a raw strata that has no footer, and their bytes. There may be fewer than
 * the table says, which knows the next strata only: those between may be gone. */
static int count_raw(flume_log *log, struct strata *strata, flume_strata_info *info)
{
    uint64_t count_max = strata_slot_count(strata->file_bytes) - 1;
    uint64_t count = info->records < count_max ? info->records : count_max;
    uint64_t end;
    int status = strata_settle(log, strata, count);

    if (status == FLUME_OK && strata_slot(strata, info->records) == 0)
        status = strata_rebuild_slots(log, strata, count); /* Or it is full to the last byte. */
    if (status != FLUME_OK)
        return status;
    while (count > 0 && strata_slot(strata, count - 1) == 0)
        count--;
    end = strata_slot(strata, count);
    if (end == 0)
        end = count == info->records ? strata->limit : end_of_last(strata, count);
    info->records = count;
    info->grain_bytes = end - STRATA_DATA_AT;
    return FLUME_OK;
}

/* FLUME_END: it was sealed at this moment, and a newer table has it. */
static int describe_raw(flume_log *log, struct strata *strata, flume_strata_info *info)
{
    struct mapping *mapping = strata_lend(log, strata);
    struct strata_footer footer;
    int status = FLUME_OK;

    if (mapping == NULL)
        return FLUME_END;
    info->file_bytes = strata->data_bytes;
    if (strata_footer_find(strata, &footer) && footer.count <= info->records &&
        footer.end_offset >= STRATA_DATA_AT) {
        info->records = footer.count;
        info->grain_bytes = footer.end_offset - STRATA_DATA_AT;
    } else {
        status = count_raw(log, strata, info);
    }
    let_go(&mapping->held);
    return status;
}

static int describe(flume_log *log, uint64_t seq, uint64_t head, flume_strata_info *info)
{
    int status = FLUME_OK;
    const struct table *table = table_current(log, &status);
    size_t index = table != NULL && table->count > 0 ? table_find(table, seq) : SIZE_MAX;
    struct strata *strata;

    if (table == NULL)
        return status;
    if (index == SIZE_MAX)
        return missing(log, seq);
    strata = table->rows[index].strata;
    status = strata_open(log, strata);
    if (status != FLUME_OK)
        return status;
    *info = (flume_strata_info){.first_seq = strata->first_seq,
                                .records = table_grain_count(table, index, head)};
    status = strata->form == STRATA_SEALED ? describe_sealed(log, strata, info)
                                           : describe_raw(log, strata, info);
    if (status == FLUME_OK && seq - info->first_seq >= info->records)
        return missing(log, seq);
    return status;
}

int flume_log_strata(flume_log *log, uint64_t seq, flume_strata_info *out_info)
{
    int status = log_guard(log);
    flume_strata_info info;
    uint64_t head;

    if (status != FLUME_OK)
        return status;
    if (out_info == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, seq, "there is no place for what a strata is");
    head = head_seen(log);
    if (seq >= head)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, seq, "%s has no seq %llu; its head is %llu",
                        log->path, (unsigned long long)seq, (unsigned long long)head);
    do {
        status = describe(log, seq, head, &info);
    } while (status == FLUME_END);
    if (status == FLUME_OK)
        *out_info = info;
    return status;
}
