/*
 * sections.c - what the sections of a sealed strata must say, gathered from its records.
 */
#include "sections.h"

#include <string.h>

enum { ROOM_FIRST = 256, LOST_HEADER_BYTES = 8, LOST_RANGE_BYTES = 8 };

static int no_memory(struct inspection *inspection)
{
    return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                    "no memory to look at %s", inspection->log->path);
}

/* Room for one more of `bytes` each. NULL: no memory. */
static void *with_room(struct inspection *inspection, void *array, size_t count, size_t *io_room,
                       size_t bytes)
{
    size_t room = *io_room == 0 ? ROOM_FIRST : *io_room * 2;
    void *memory;

    if (count < *io_room)
        return array;
    memory = memory_resize(inspection->options.allocator, array, room * bytes);
    if (memory != NULL)
        *io_room = room;
    return memory;
}

static void block_begin(struct sections *sections)
{
    sections->block_least_ns = UINT64_MAX;
    sections->block_greatest_ns = 0;
}

int sections_begin(struct inspection *inspection, uint64_t first_seq, uint64_t salt,
                   struct sections *out_sections)
{
    memset(out_sections, 0, sizeof *out_sections);
    out_sections->inspection = inspection;
    out_sections->first_seq = first_seq;
    out_sections->salt = salt;
    out_sections->raw_end = STRATA_DATA_AT;
    out_sections->least_time_ns = UINT64_MAX;
    for (size_t i = 0; i < STRATA_KINDS; i++)
        out_sections->last_of_kind[i] = FLUME_SEQ_NONE;
    block_begin(out_sections);
    seal_labels_begin(inspection->options.allocator, &out_sections->labels);
    out_sections->leaves = memory_allocate(inspection->options.allocator,
                                           MERKLE_GROUP * sizeof out_sections->leaves[0]);
    if (out_sections->leaves == NULL ||
        !seal_index_begin(inspection->options.allocator, ROOM_FIRST, &out_sections->index))
        return no_memory(inspection);
    return FLUME_OK;
}

void sections_end(struct sections *sections)
{
    const flume_allocator *allocator;

    if (sections->inspection == NULL)
        return;
    allocator = sections->inspection->options.allocator;
    memory_release(allocator, sections->entries);
    seal_index_end(allocator, &sections->index);
    seal_labels_end(&sections->labels);
    memory_release(allocator, sections->leaves);
    memory_release(allocator, sections->nodes);
    lost_release(sections->inspection, &sections->lost);
    memset(sections, 0, sizeof *sections);
}

/* --- Merkle nodes ----------------------------------------------------------------------------- */

static int add_node(struct sections *sections, const struct merkle_hash *hash)
{
    struct known_node *nodes = with_room(sections->inspection, sections->nodes,
                                         sections->node_count, &sections->node_room,
                                         sizeof sections->nodes[0]);

    if (nodes == NULL)
        return no_memory(sections->inspection);
    sections->nodes = nodes;
    nodes[sections->node_count++] = (struct known_node){sections->group, *hash};
    return FLUME_OK;
}

/* Groups of which a leaf is missing are never completed, and so not known. */
static int add_leaf(struct sections *sections, const uint8_t *source, const struct grain *grain,
                    const struct merkle_hash *body)
{
    uint64_t group = grain->ordinal / MERKLE_GROUP;
    struct merkle_hash node;

    if (group != sections->group) {
        sections->group = group;
        sections->leaf_count = 0;
    }
    if (sections->leaf_count != grain->ordinal % MERKLE_GROUP)
        return FLUME_OK;
    merkle_leaf(source, source + GRAIN_HEADER_BYTES, grain->meta_bytes, body,
                &sections->leaves[sections->leaf_count++]);
    if (sections->leaf_count < MERKLE_GROUP)
        return FLUME_OK;
    merkle_root(sections->leaves, MERKLE_GROUP, &node);
    sections->leaf_count = 0;
    return add_node(sections, &node);
}

int sections_settle(struct sections *sections, uint64_t count)
{
    struct merkle_hash node;

    if (count % MERKLE_GROUP == 0 || sections->group != count / MERKLE_GROUP ||
        sections->leaf_count != count % MERKLE_GROUP)
        return FLUME_OK;
    merkle_root(sections->leaves, sections->leaf_count, &node);
    return add_node(sections, &node);
}

const struct merkle_hash *sections_node(const struct sections *sections, uint64_t group)
{
    size_t low = 0;
    size_t high = sections->node_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sections->nodes[middle].group < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sections->node_count && sections->nodes[low].group == group
               ? &sections->nodes[low].hash
               : NULL;
}

/* --- Grains and blocks ------------------------------------------------------------------------ */

static void count_grain(struct sections *sections, const struct grain *grain, uint64_t offset)
{
    if (grain->time_ns < sections->least_time_ns)
        sections->least_time_ns = grain->time_ns;
    if (grain->time_ns > sections->greatest_time_ns)
        sections->greatest_time_ns = grain->time_ns;
    if (grain->time_ns < sections->block_least_ns)
        sections->block_least_ns = grain->time_ns;
    if (grain->time_ns > sections->block_greatest_ns)
        sections->block_greatest_ns = grain->time_ns;
    sections->kind_counts[grain->kind]++;
    sections->last_of_kind[grain->kind] = sections->first_seq + grain->ordinal;
    sections->raw_end = offset + grain_bytes(grain->meta_bytes, grain->body_bytes);
}

int sections_add_grain(struct sections *sections, const uint8_t *source, const struct grain *grain,
                       uint64_t offset, bool is_lost)
{
    struct merkle_hash body;
    const uint8_t *meta;
    size_t meta_bytes;

    count_grain(sections, grain, offset);
    merkle_hash_bytes(grain_body(source, grain), grain->body_bytes, &body);
    if (grain->kind != FLUME_KIND_LOST) {
        if (!seal_index_grow(sections->inspection->options.allocator, &sections->index))
            return no_memory(sections->inspection);
        seal_index_add(&sections->index, body.bytes, grain->ordinal);
    }
    meta = grain_meta(source, grain, &meta_bytes);
    if (meta_bytes > 0 && !seal_labels_add(&sections->labels, grain->ordinal, meta, meta_bytes))
        return no_memory(sections->inspection);
    return is_lost ? FLUME_OK : add_leaf(sections, source, grain, &body);
}

int sections_add_block(struct sections *sections, const struct sealed_block *block,
                       uint64_t file_offset)
{
    struct sealed_block_entry entry = {
        .file_offset = file_offset,
        .raw_offset = block->raw_offset,
        .first_ordinal = block->first_ordinal,
        .stored_bytes = block->stored_bytes,
        .least_time_ns = sections->block_least_ns,
        .greatest_time_ns = sections->block_greatest_ns,
    };
    uint8_t *entries = with_room(sections->inspection, sections->entries, sections->block_count,
                                 &sections->entry_room, SEALED_BLOCK_ENTRY_BYTES);

    if (entries == NULL)
        return no_memory(sections->inspection);
    sections->entries = entries;
    sealed_block_entry_encode(entries + (size_t)sections->block_count * SEALED_BLOCK_ENTRY_BYTES,
                              &entry);
    sections->block_count++;
    block_begin(sections);
    return FLUME_OK;
}

void sections_fill_footer(const struct sections *sections, const struct strata_header *header,
                          struct sealed_footer *io_footer)
{
    memcpy(io_footer->strata_id, header->strata_id, sizeof io_footer->strata_id);
    memcpy(io_footer->basin_id, header->basin_id, sizeof io_footer->basin_id);
    io_footer->salt = header->salt;
    io_footer->first_seq = header->first_seq;
    io_footer->least_time_ns = sections->least_time_ns;
    io_footer->greatest_time_ns = sections->greatest_time_ns;
    io_footer->running_time_ns = header->running_time_ns > sections->greatest_time_ns
                                     ? header->running_time_ns
                                     : sections->greatest_time_ns;
    io_footer->block_count = sections->block_count;
    for (size_t i = 0; i < STRATA_KINDS; i++) {
        io_footer->kind_counts[i] = sections->kind_counts[i];
        io_footer->last_of_kind[i] = sections->last_of_kind[i] != FLUME_SEQ_NONE
                                         ? sections->last_of_kind[i]
                                         : header->last_of_kind[i];
    }
}

/* --- Lost records ----------------------------------------------------------------------------- */

int lost_add(struct inspection *inspection, struct lost_list *list, uint32_t first_ordinal,
             uint32_t count)
{
    struct lost_range *last = list->count > 0 ? &list->ranges[list->count - 1] : NULL;
    struct lost_range *ranges;

    if (last != NULL && (uint64_t)last->first_ordinal + last->count == first_ordinal) {
        last->count += count;
        return FLUME_OK;
    }
    ranges = with_room(inspection, list->ranges, list->count, &list->room, sizeof *ranges);
    if (ranges == NULL)
        return no_memory(inspection);
    list->ranges = ranges;
    ranges[list->count++] = (struct lost_range){first_ordinal, count};
    return FLUME_OK;
}

bool lost_has(const struct lost_list *list, uint64_t ordinal, size_t *io_at)
{
    while (*io_at < list->count &&
           (uint64_t)list->ranges[*io_at].first_ordinal + list->ranges[*io_at].count <= ordinal)
        (*io_at)++;
    return *io_at < list->count && list->ranges[*io_at].first_ordinal <= ordinal;
}

int lost_write(const struct lost_list *list, struct seal_output *output)
{
    uint8_t bytes[LOST_RANGE_BYTES] = {0};
    int status;

    put_le32(bytes, (uint32_t)list->count);
    status = seal_output_put(output, bytes, LOST_HEADER_BYTES);
    for (size_t i = 0; i < list->count && status == FLUME_OK; i++) {
        put_le32(bytes, list->ranges[i].first_ordinal);
        put_le32(bytes + sizeof(uint32_t), list->ranges[i].count);
        status = seal_output_put(output, bytes, sizeof bytes);
    }
    return status;
}

bool lost_read(struct inspection *inspection, const uint8_t *source, uint64_t bytes,
               uint64_t record_count, struct lost_list *out_list, int *out_status)
{
    struct lost_list list = {.ranges = NULL};
    uint64_t end = 0;

    *out_status = FLUME_OK;
    if (bytes < LOST_HEADER_BYTES ||
        bytes != LOST_HEADER_BYTES + (uint64_t)get_le32(source) * LOST_RANGE_BYTES)
        return false;
    for (uint64_t at = LOST_HEADER_BYTES; at < bytes && *out_status == FLUME_OK;
         at += LOST_RANGE_BYTES) {
        uint32_t first = get_le32(source + at);
        uint32_t count = get_le32(source + at + sizeof(uint32_t));

        if (count == 0 || (at > LOST_HEADER_BYTES && first <= end) ||
            (uint64_t)first + count > record_count) {
            lost_release(inspection, &list);
            return false;
        }
        end = (uint64_t)first + count;
        *out_status = lost_add(inspection, &list, first, count);
    }
    if (*out_status == FLUME_OK)
        *out_list = list;
    else
        lost_release(inspection, &list);
    return *out_status == FLUME_OK;
}

void lost_release(struct inspection *inspection, struct lost_list *list)
{
    memory_release(inspection->options.allocator, list->ranges);
    memset(list, 0, sizeof *list);
}
