/*
 * sorter_inside.h - what the files of the sorter share.
 *
 *   sorter.c         the public calls: a sorter's life, its runs, reading
 *   sorter_memory.c  rows in memory: chunks, the budget, putting
 *   sorter_order.c   brings rows in memory into order
 *   sorter_run.c     one run: a file of sorted rows
 *   sorter_merge.c   many runs and memory as one sequence
 *
 * A row lies in memory and in a file the same way: ROW_HEADER_BYTES with the sizes, the key, the
 * value.
 */
#ifndef FLUME_SORTER_INSIDE_H
#define FLUME_SORTER_INSIDE_H

#include <endian.h>
#include <string.h>

#include "sorter.h"

enum {
    ROW_KEY_BYTES_AT = 0,   /* 2 bytes, little-endian, like all of them. */
    ROW_WHAT_AT = 2,        /* 2 bytes, enum row_what. */
    ROW_VALUE_BYTES_AT = 4, /* 4 bytes. */
    ROW_HEADER_BYTES = 8,
    ROW_BYTES_MAX = ROW_HEADER_BYTES + FLUME_VIEW_KEY_BYTES_MAX + FLUME_VIEW_VALUE_BYTES_MAX,
    /* Beyond the last row of any piece of memory: a key is looked at 8 bytes at a time. */
    ROW_SLACK_BYTES = 8
};

enum row_what {
    ROW_PUT = 0,     /* Replaces what is older, or is merged with it. */
    ROW_DELETE = 1,  /* Nothing is left of what is older. No value. */
    ROW_REPLACE = 2, /* A delete, then puts: with a merge not the same as a put. */
    ROW_WHAT_COUNT = 3
};

/* One row, wherever it lies. */
struct row {
    const uint8_t *key;
    const uint8_t *value;
    size_t key_bytes;
    size_t value_bytes;
    enum row_what what;
};

/* A row in memory and the part of its key that it is sorted by at the moment: key_part(). */
struct entry {
    uint64_t part;
    const uint8_t *row;
};

struct chunk {
    uint8_t *memory;
    size_t capacity; /* Without the slack. */
    size_t used;
};

/* A complete run. */
struct run {
    uint32_t number;
    bool is_merged; /* Made of others by a merge pass: removed when it has been read. */
    uint64_t blocks;
    uint64_t rows;
    uint64_t end; /* Offset of its last block, the one that says all this. */
    uint32_t block_bytes_max;
};

/* Where merged values are made. The two sides take turns: one holds what was made last. */
struct combiner {
    unsigned side; /* The next target. */
    uint8_t sides[2][FLUME_MERGE_BYTES_MAX];
};

enum sorter_phase { SORTER_FILLING, SORTER_READING, SORTER_BROKEN };

struct merger;

struct sorter {
    flume_allocator allocator;
    flume_merge merge;
    void *merge_ctx;
    char *path;             /* Of the run last spoken of; NULL: no directory. */
    size_t directory_bytes; /* Of it: the directory. */
    size_t path_stem;       /* Of it: what is the same for all runs. */
    size_t total_bytes;     /* The budget. */
    size_t budget_bytes;    /* The part of it that is for rows and their index. */
    size_t block_bytes;     /* A block of a run, unless one row is larger. */
    int system_errno;
    bool keep_runs;
    enum sorter_phase phase;

    /* Rows in memory, in order of insertion: chunks[0 .. chunk_at], the others are spare. */
    struct chunk *chunks;
    size_t chunk_count, chunk_capacity, chunk_at;
    size_t chunk_bytes;    /* Sum of all capacities with slack. */
    size_t rows, rows_max; /* In memory; what the budget allows beside these chunks (0: none). */
    size_t row_bytes;
    const uint8_t *last_row;            /* NULL: none. */
    bool is_sorted;                     /* As they were put. */
    uint64_t least_part, greatest_part; /* key_part() of the keys at 0. */

    /* Their order. Not used if they came sorted. */
    struct entry *entries;
    size_t entry_capacity;
    struct entry *spare_entries; /* For passes that move entries. */
    size_t spare_capacity;
    uint32_t *counts; /* ORDER_DIGITS_MAX of them, made with the first sort that needs them. */

    /* Reading memory. */
    size_t entry_at;
    size_t read_chunk, read_offset;
    const uint8_t *next_row; /* NULL: none left. */
    struct combiner memory_combiner;

    /* Runs. */
    struct run *runs;
    size_t run_count, run_capacity;
    uint64_t run_rows;
    struct merger *merger; /* While reading with runs; NULL: memory alone. */
    uint8_t *block;        /* Of the run being written: block_bytes of it, or one larger row. */
    size_t block_capacity;
};

/* ---- rows ---- */

static inline uint64_t row_header(size_t key_bytes, enum row_what what, size_t value_bytes)
{
    return (uint64_t)key_bytes | (uint64_t)what << 16 | (uint64_t)value_bytes << 32;
}

static inline uint64_t row_header_load(const uint8_t *at)
{
    uint64_t header;

    memcpy(&header, at, sizeof header);
    return le64toh(header);
}

static inline void row_header_store(uint8_t *at, uint64_t header)
{
    header = htole64(header);
    memcpy(at, &header, sizeof header);
}

static inline size_t row_key_bytes(uint64_t header)
{
    return header & 0xffff;
}

static inline size_t row_total_bytes(uint64_t header)
{
    return ROW_HEADER_BYTES + row_key_bytes(header) + (size_t)(header >> 32);
}

static inline struct row row_decode(const uint8_t *at)
{
    uint64_t header = row_header_load(at);
    struct row row = {
        .key = at + ROW_HEADER_BYTES,
        .value = at + ROW_HEADER_BYTES + row_key_bytes(header),
        .key_bytes = row_key_bytes(header),
        .value_bytes = (size_t)(header >> 32),
        .what = (enum row_what)(header >> 16 & 0xffff),
    };

    return row;
}

enum { KEY_PART_BYTES = 7, KEY_PART_GOES_ON = 8 };

/*
 * Seven bytes of a key from an offset on (not beyond its end) and, below them, how many bytes there
 * are: 0 .. 7, or KEY_PART_GOES_ON. Parts compare as what they stand for; equal ones that do not go
 * on are of equal keys, if all before them is equal. Zero bytes that a key has and zeros that stand
 * for its end are told apart by the count.
 */
static inline uint64_t key_part(const uint8_t *key, size_t key_bytes, size_t offset)
{
    size_t rest = key_bytes - offset;
    uint64_t part;

    memcpy(&part, key + offset, sizeof part); /* Beyond the key there is the slack. */
    part = be64toh(part) & ~(uint64_t)0xff;
    if (rest > KEY_PART_BYTES)
        return part | KEY_PART_GOES_ON;
    return (part & ~(UINT64_MAX >> 8 * rest)) | rest;
}

static inline uint64_t row_key_part(const uint8_t *at, size_t offset)
{
    return key_part(at + ROW_HEADER_BYTES, row_key_bytes(row_header_load(at)), offset);
}

/* As memcmp, for keys that are equal before an offset. */
static inline int key_compare(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes,
                              size_t offset)
{
    size_t common = a_bytes < b_bytes ? a_bytes : b_bytes;
    int order = common > offset ? memcmp(a + offset, b + offset, common - offset) : 0;

    if (order != 0)
        return order;
    return (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

/* ---- sorter.c ---- */

/* The flume status of an errno, which is remembered. */
int sorter_fail(struct sorter *sorter, int system_errno);

void *sorter_allocate(const struct sorter *sorter, size_t bytes);
void sorter_release(const struct sorter *sorter, void *memory);

/* ---- sorter_memory.c ---- */

enum { ENTRY_BYTES_PER_ROW = 2 * sizeof(struct entry) }; /* Of the budget. */

/* Forget all rows. Memory is kept for what comes, but not a chunk that a very large row has asked
 * for. */
void sorter_memory_empty(struct sorter *sorter);

/* Give back all memory of rows and their order, for good. */
void sorter_memory_release(struct sorter *sorter);

/* Add a newer row of the same key to an older one. *io_row may come to point into combiner.
 * FLUME_OK, or what merge answers. */
int sorter_combine(const struct sorter *sorter, struct combiner *combiner, struct row *io_row,
                   const struct row *newer);

/* Begin to read memory, which is in order. */
void sorter_memory_begin(struct sorter *sorter);

/* The next distinct key in memory. FLUME_OK, FLUME_END, or what merge answers. */
int sorter_memory_next(struct sorter *sorter, struct row *out_row);

/* Give back memory that no row is in. */
void sorter_memory_trim(struct sorter *sorter);

/* What memory takes with its order, at most. */
size_t sorter_memory_bytes(const struct sorter *sorter);

/* ---- sorter_order.c ---- */

/* Bring the rows in memory into order: entries, unless they are sorted as they are. FLUME_OK,
 * FLUME_ERR_NO_MEMORY. */
int sorter_order(struct sorter *sorter);

/* ---- sorter_run.c ---- */

struct run_writer {
    struct sorter *sorter;
    int fd;
    struct run run; /* As far as it has come. */
    size_t used;    /* In sorter->block. */
    uint32_t block_rows;
};

struct run_reader {
    struct sorter *sorter;
    int fd;
    struct run run;
    uint8_t *block;
    size_t block_bytes, at;
    uint64_t offset;       /* Of the next block. */
    uint64_t blocks, rows; /* Read so far. */
};

/* Write a run: begin, add in order, end. After an error of any of them, abandon, which removes the
 * file. Statuses as sorter_spill(). */
int run_writer_begin(struct run_writer *writer, struct sorter *sorter, uint32_t number,
                     bool is_merged);
int run_writer_add(struct run_writer *writer, const struct row *row);
int run_writer_end(struct run_writer *writer, struct run *out_run);
void run_writer_abandon(struct run_writer *writer);

/* Read a run. reader is closed after an error, too. */
int run_reader_open(struct run_reader *reader, struct sorter *sorter, const struct run *run);
int run_reader_next(struct run_reader *reader, struct row *out_row);
void run_reader_close(struct run_reader *reader);

/* Look at a run that another process left. FLUME_OK, FLUME_ERR_NOT_FOUND, FLUME_ERR_DAMAGED, ... */
int run_examine(struct sorter *sorter, uint32_t number, struct run *out_run);

/* Remove a run's file, if there is one. A failure leaves a file that sorter_adopt() will remove. */
void run_remove(struct sorter *sorter, uint32_t number, bool is_merged);

/* Remove all runs of this name but 0 .. keep_count - 1. FLUME_OK, FLUME_ERR_IO, ... */
int run_remove_others(struct sorter *sorter, uint32_t keep_count);

/* ---- sorter_merge.c ---- */

/* Begin to read all runs and, as the newest, memory, if it has rows. On error there is no
 * merger. */
int merger_begin(struct sorter *sorter);
int merger_next(struct merger *merger, struct row *out_row);

/* NULL is harmless. Removes what merge passes have made. */
void merger_end(struct merger *merger);

#endif
