/*
 * time_buckets.c - sums by time (time_buckets.h).
 *
 * What always holds: each length that cells take while times come divides the next one, so adding
 * cells together is exact.
 */
#include "time_buckets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define US UINT64_C(1000)
#define MS (1000 * US)
#define SEC (1000 * MS)
#define DAY (86400 * SEC)

/* While times come. */
static const uint64_t growing[] = {
    1,           2,           10,        20,        100,        200,        US,
    2 * US,      10 * US,     20 * US,   100 * US,  200 * US,   MS,         2 * MS,
    10 * MS,     20 * MS,     100 * MS,  200 * MS,  SEC,        2 * SEC,    10 * SEC,
    30 * SEC,    60 * SEC,    120 * SEC, 600 * SEC, 1800 * SEC, 3600 * SEC, 7200 * SEC,
    21600 * SEC, 43200 * SEC, DAY,       10 * DAY,  100 * DAY,  1000 * DAY, 10000 * DAY};

/* At the end: of these the ones that the cells' length divides. */
static const uint64_t known[] = {
    1,           2,           5,           10,          20,         50,         100,
    200,         500,         US,          2 * US,      5 * US,     10 * US,    20 * US,
    50 * US,     100 * US,    200 * US,    500 * US,    MS,         2 * MS,     5 * MS,
    10 * MS,     20 * MS,     50 * MS,     100 * MS,    200 * MS,   500 * MS,   SEC,
    2 * SEC,     5 * SEC,     10 * SEC,    15 * SEC,    30 * SEC,   60 * SEC,   120 * SEC,
    300 * SEC,   600 * SEC,   900 * SEC,   1800 * SEC,  3600 * SEC, 7200 * SEC, 10800 * SEC,
    21600 * SEC, 43200 * SEC, DAY,         2 * DAY,     5 * DAY,    10 * DAY,   20 * DAY,
    50 * DAY,    100 * DAY,   200 * DAY,   500 * DAY,   1000 * DAY, 2000 * DAY, 5000 * DAY,
    10000 * DAY, 20000 * DAY, 50000 * DAY, 100000 * DAY};

enum { GROWING = sizeof(growing) / sizeof(growing[0]), KNOWN = sizeof(known) / sizeof(known[0]) };

void time_buckets_init(struct time_buckets *buckets)
{
    *buckets = (struct time_buckets){.width_ns = growing[0], .cells = TIME_BUCKETS_CELLS};
}

void time_buckets_deinit(struct time_buckets *buckets)
{
    for (size_t i = 0; i < buckets->lane_count; i++)
        free(buckets->lanes[i]);
    free(buckets->lanes);
    time_buckets_init(buckets);
}

bool time_buckets_add_lane(struct time_buckets *buckets, size_t *out_lane)
{
    if (buckets->lane_count == buckets->lane_room) {
        size_t room = buckets->lane_room == 0 ? 16 : 2 * buckets->lane_room;
        uint64_t **lanes = realloc(buckets->lanes, room * sizeof(lanes[0]));

        if (lanes == NULL)
            return false;
        buckets->lanes = lanes;
        buckets->lane_room = room;
    }
    buckets->lanes[buckets->lane_count] = calloc(TIME_BUCKETS_CELLS, sizeof(uint64_t));
    if (buckets->lanes[buckets->lane_count] == NULL)
        return false;
    *out_lane = buckets->lane_count++;
    return true;
}

/* How many cells of a length the times so far need. */
static uint64_t cells_for(const struct time_buckets *buckets, uint64_t width_ns)
{
    return buckets->most_ns / width_ns - buckets->least_ns / width_ns + 1;
}

/* Cells of another length, or at another place; all that is used lies there. */
static bool move(struct time_buckets *buckets, uint64_t width_ns, uint64_t base)
{
    uint64_t *fresh = malloc(TIME_BUCKETS_CELLS * sizeof(fresh[0]));

    if (fresh == NULL)
        return false;
    for (size_t lane = 0; lane < buckets->lane_count; lane++) {
        memset(fresh, 0, TIME_BUCKETS_CELLS * sizeof(fresh[0]));
        for (size_t i = 0; i < buckets->cells; i++) {
            uint64_t sum = buckets->lanes[lane][i], cell;

            if (sum == 0)
                continue;
            cell = (buckets->base + i) * buckets->width_ns / width_ns - base;
            assert(cell < TIME_BUCKETS_CELLS);
            fresh[cell] += sum;
        }
        memcpy(buckets->lanes[lane], fresh, TIME_BUCKETS_CELLS * sizeof(fresh[0]));
    }
    free(fresh);
    buckets->width_ns = width_ns;
    buckets->base = base;
    return true;
}

/* Make room for least_ns and most_ns, as much before them as behind: then times that come from both
 * ends in turn move the cells rarely. */
static bool make_room(struct time_buckets *buckets)
{
    uint64_t first, slack;
    size_t step = 0;

    while (growing[step] < buckets->width_ns ||
           cells_for(buckets, growing[step]) > TIME_BUCKETS_CELLS)
        step++;
    assert(step < GROWING);
    first = buckets->least_ns / growing[step];
    slack = (TIME_BUCKETS_CELLS - cells_for(buckets, growing[step])) / 2;
    return move(buckets, growing[step], first > slack ? first - slack : 0);
}

bool time_buckets_place(struct time_buckets *buckets, uint64_t time_ns, size_t *out_cell)
{
    uint64_t index = time_ns / buckets->width_ns;

    if (!buckets->has_times)
        buckets->least_ns = buckets->most_ns = time_ns;
    buckets->least_ns = time_ns < buckets->least_ns ? time_ns : buckets->least_ns;
    buckets->most_ns = time_ns > buckets->most_ns ? time_ns : buckets->most_ns;
    if (!buckets->has_times || index < buckets->base ||
        index - buckets->base >= TIME_BUCKETS_CELLS) {
        buckets->has_times = true;
        if (!make_room(buckets))
            return false;
        index = time_ns / buckets->width_ns;
    }
    *out_cell = (size_t)(index - buckets->base);
    return true;
}

bool time_buckets_settle(struct time_buckets *buckets, size_t wanted, uint64_t least_ns)
{
    size_t step = 0;
    uint64_t cells;

    if (!buckets->has_times) {
        buckets->cells = 0;
        return true;
    }
    while (step + 1 < KNOWN && (known[step] < least_ns || known[step] % buckets->width_ns != 0 ||
                                cells_for(buckets, known[step]) > wanted))
        step++;
    cells = cells_for(buckets, known[step]);
    if (!move(buckets, known[step], buckets->least_ns / known[step]))
        return false;
    buckets->cells = (size_t)cells;
    return true;
}

void time_buckets_widen(struct time_buckets *buckets, size_t least)
{
    uint64_t before = buckets->cells >= least ? 0 : (least - buckets->cells) / 2;

    assert(least <= TIME_BUCKETS_CELLS);
    if (buckets->cells == 0 || buckets->cells >= least)
        return;
    before = before > buckets->base ? buckets->base : before;
    for (size_t lane = 0; lane < buckets->lane_count; lane++) {
        uint64_t *sums = buckets->lanes[lane];

        memmove(sums + before, sums, buckets->cells * sizeof(sums[0]));
        memset(sums, 0, before * sizeof(sums[0]));
        memset(sums + before + buckets->cells, 0,
               (least - before - buckets->cells) * sizeof(sums[0]));
    }
    buckets->base -= before;
    buckets->cells = least;
}

uint64_t time_buckets_time(const struct time_buckets *buckets, size_t cell)
{
    uint64_t index = buckets->base + cell;

    return index > UINT64_MAX / buckets->width_ns ? UINT64_MAX : index * buckets->width_ns;
}

uint64_t time_buckets_most(const struct time_buckets *buckets, size_t lane)
{
    uint64_t most = 0;

    for (size_t i = 0; i < buckets->cells; i++)
        most = buckets->lanes[lane][i] > most ? buckets->lanes[lane][i] : most;
    return most;
}

size_t time_buckets_gap(const struct time_buckets *buckets, size_t lane, size_t *io_cell)
{
    size_t longest = 0, at = *io_cell, run = 0;

    for (size_t i = *io_cell; i < buckets->cells; i++) {
        run = buckets->lanes[lane][i] == 0 ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            at = i + 1 - run;
        }
    }
    *io_cell = at;
    return longest;
}
