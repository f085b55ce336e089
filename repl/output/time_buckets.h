/*
 * time_buckets.h - sums by time, of records whose times are known only as they come.
 *
 * A lane is a row of cells, each for as long a time. When a time lies outside, the cells are moved,
 * or become longer and are added together; so memory is bounded whatever the times are, and the
 * sums are the same in whatever order they came. At the end the cells are given a length that
 * people know.
 */
#ifndef REPL_TIME_BUCKETS_H
#define REPL_TIME_BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIME_BUCKETS_CELLS = 2048 };

struct time_buckets {
    uint64_t width_ns; /* Of a cell. */
    uint64_t base;     /* Cell i begins at (base + i) * width_ns. */
    size_t cells;      /* TIME_BUCKETS_CELLS; once settled, those that are used. */
    bool has_times;
    uint64_t least_ns, most_ns;
    uint64_t **lanes; /* Each of TIME_BUCKETS_CELLS. */
    size_t lane_count, lane_room;
};

void time_buckets_init(struct time_buckets *buckets);
void time_buckets_deinit(struct time_buckets *buckets);

/** Another lane, all zero. False if there is no memory. */
bool time_buckets_add_lane(struct time_buckets *buckets, size_t *out_lane);

/** The cell of a time, in every lane until the next call. False if there is no memory. */
bool time_buckets_place(struct time_buckets *buckets, uint64_t time_ns, size_t *out_cell);

/** No more times come: choose the shortest length that people know, not below least_ns, with which
 * there are at most `wanted` cells (2 .. TIME_BUCKETS_CELLS), and begin with the first that is
 * used. False if there is no memory. */
bool time_buckets_settle(struct time_buckets *buckets, size_t wanted, uint64_t least_ns);

/** Of cells that are settled: add empty ones on both sides until there are `least`, so that what
 * stands alone is seen to do so. */
void time_buckets_widen(struct time_buckets *buckets, size_t least);

/** Where a cell begins; UINT64_MAX: behind what can be told. */
uint64_t time_buckets_time(const struct time_buckets *buckets, size_t cell);

/** Largest sum of a lane. */
uint64_t time_buckets_most(const struct time_buckets *buckets, size_t lane);

/** The longest run of cells that are empty in a lane, beginning at or behind *io_cell: its first
 * cell and its cells. 0: none. */
size_t time_buckets_gap(const struct time_buckets *buckets, size_t lane, size_t *io_cell);

#endif
