/*
 * block_walk.h - the blocks of a sealed strata file, one after the other, as they lie there.
 *
 * For check and repair. No index is asked: each block is found behind the one before it, and behind
 * one that does not read, wherever the next one begins.
 *
 * What always holds:
 *   - Ordinals and raw offsets only rise, and there is always room in the raw form for stand-ins in
 *     place of what is missing: a block that says otherwise does not read.
 *   - One block is in memory at a time.
 */
#ifndef FLUME_BLOCK_WALK_H
#define FLUME_BLOCK_WALK_H

#include "file_window.h"
#include "scan.h"
#include "seal_pack.h"

enum block_step_kind {
    STEP_BLOCK, /* One that reads, and unpacks into whole grains. */
    STEP_GAP,   /* Records that do not read, or bytes that are no block: one may be none. */
    STEP_END
};

struct block_step {
    enum block_step_kind kind;
    uint64_t from_ordinal, to_ordinal;
    uint64_t from, to;   /* In the file. */
    uint64_t raw_offset; /* Where the records begin, or may begin, in the raw form. */
    /* STEP_BLOCK, valid until the next step: */
    struct sealed_block block;
    const uint8_t *stored; /* Header and padding included. */
    const uint8_t *raw;
};

struct block_walk {
    struct file_window *window;
    uint64_t salt;
    uint64_t limit; /* Blocks end here or before. */
    uint64_t total; /* Records there should be; not more than UINT32_MAX. */
    bool total_is_known;

    uint64_t at, ordinal, raw_offset; /* Where the next block should begin. */
    uint64_t missing_left;            /* Records in gaps: more would be a file's invention. */
    struct scan_budget budget;
    struct seal_unpacker unpacker;
    uint8_t *raw;
    size_t raw_room;
    uint64_t told_at;
};

/* dictionary_bytes 0: none, or it does not read. Borrowed until the end, as is the window. */
int block_walk_begin(struct file_window *window, uint64_t salt, uint64_t limit, uint64_t total,
                     bool total_is_known, const uint8_t *dictionary, size_t dictionary_bytes,
                     struct block_walk *out_walk);
void block_walk_end(struct block_walk *walk);

int block_walk_next(struct block_walk *walk, struct block_step *out_step);

/* A grain of a block: its fields, where it lies in raw, and whether it is valid there. *io_at goes
 * on to the next. */
bool block_grain(const struct block_walk *walk, const struct block_step *step, uint32_t index,
                 uint64_t *io_at, struct grain *out_grain);

/* The salt of a file of which neither page holds: as one of them has it, or with one bit turned, if
 * the first block proves it. */
int block_find_salt(struct file_window *window, uint64_t *out_salt, bool *out_found);

#endif
