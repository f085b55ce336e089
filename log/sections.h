/*
 * sections.h - what the sections of a sealed strata must say, gathered from its records.
 *
 * Check compares it with what they say, repair writes it.
 *
 * What always holds:
 *   - Nothing in here was read from a section, but for which records are lost (see FORMAT.md).
 *   - Memory is bounded by what was added: 12 bytes a record for the grain index, a row a block.
 */
#ifndef FLUME_SECTIONS_H
#define FLUME_SECTIONS_H

#include "inspection.h"
#include "merkle.h"
#include "seal_index.h"
#include "seal_labels.h"
#include "sealed_file.h"

/* Records that are not what they were when the strata was sealed: rising, apart. */
struct lost_range {
    uint32_t first_ordinal, count;
};
struct lost_list {
    struct lost_range *ranges;
    size_t count, room;
};

/* A stored node of the Merkle tree, worked out from all its leaves. */
struct known_node {
    uint64_t group;
    struct merkle_hash hash;
};

struct sections {
    struct inspection *inspection;
    uint64_t salt;
    uint64_t first_seq;
    uint8_t *entries; /* The block index as stored. */
    uint32_t block_count;
    size_t entry_room;
    struct seal_index index;
    struct seal_labels labels;

    struct merkle_hash *leaves; /* Of the group that is being filled. */
    uint64_t group, leaf_count;
    struct known_node *nodes;
    size_t node_count, node_room;
    struct lost_list lost;

    uint64_t raw_end;
    uint64_t least_time_ns, greatest_time_ns;
    uint32_t kind_counts[STRATA_KINDS];
    uint64_t last_of_kind[STRATA_KINDS]; /* FLUME_SEQ_NONE: none in this strata. */
    /* Of the block that is being filled. */
    uint64_t block_least_ns, block_greatest_ns;
};

int sections_begin(struct inspection *inspection, uint64_t first_seq, uint64_t salt,
                   struct sections *out_sections);
void sections_end(struct sections *sections);

/* Add the next grain, which is valid: `source` is its bytes. is_lost: it is not what was sealed. */
int sections_add_grain(struct sections *sections, const uint8_t *source, const struct grain *grain,
                       uint64_t offset, bool is_lost);

/* The grains since the last block make up this one. */
int sections_add_block(struct sections *sections, const struct sealed_block *block,
                       uint64_t file_offset);

/* All is added, of so many records. */
int sections_settle(struct sections *sections, uint64_t count);

/* The node of a group, if all its leaves were added and are what was sealed. NULL: not known. */
const struct merkle_hash *sections_node(const struct sections *sections, uint64_t group);

/* What the records say of the footer's numbers: counts, kinds, times. The rest stays. `header`
 * tells of what came before. */
void sections_fill_footer(const struct sections *sections, const struct strata_header *header,
                          struct sealed_footer *io_footer);

/* --- Lost records --- */

int lost_add(struct inspection *inspection, struct lost_list *list, uint32_t first_ordinal,
             uint32_t count);
/* Whether an ordinal is in there. *io_at goes up with the ordinals asked for; 0 at first. */
bool lost_has(const struct lost_list *list, uint64_t ordinal, size_t *io_at);
/* The section: u32 number of ranges, u32 reserved; first ordinal u32, records u32 each. */
int lost_write(const struct lost_list *list, struct seal_output *output);
/* false: it is no such list for so many records. *out_status tells of memory. */
bool lost_read(struct inspection *inspection, const uint8_t *source, uint64_t bytes,
               uint64_t record_count, struct lost_list *out_list, int *out_status);
void lost_release(struct inspection *inspection, struct lost_list *list);

#endif
