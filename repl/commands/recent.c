/*
 * recent.c - how fast a log has grown lately (recent.h).
 */
#include "recent.h"

/* Places on the line of time: before all buckets, in one of them, behind them (in the future). */
enum { BEFORE = 0, BEHIND = RECENT_BUCKETS + 1, PLACES = RECENT_BUCKETS + 2, NEIGHBOURS = 8 };

struct search {
    flume_log *log;
    uint64_t from_ns;
    uint64_t counts[PLACES];
    bool failed;
};

static unsigned place_of(const struct search *search, uint64_t time_ns)
{
    uint64_t bucket;

    if (time_ns < search->from_ns)
        return BEFORE;
    bucket = (time_ns - search->from_ns) / RECENT_BUCKET_NS;
    return bucket >= RECENT_BUCKETS ? BEHIND : (unsigned)bucket + 1;
}

/* The place of a record; where it cannot be read, of the next one that can (below `end`). */
static unsigned look(struct search *search, uint64_t seq, uint64_t end)
{
    flume_record record;

    for (uint64_t i = 0; i < NEIGHBOURS && seq + i < end; i++) {
        if (flume_log_get(search->log, seq + i, &record) == FLUME_OK) {
            unsigned place = place_of(search, record.time_ns);

            flume_record_release(&record);
            return place;
        }
    }
    search->failed = true;
    return BEFORE;
}

/* Count the records between two whose places are known. Clocks of several writers may differ a
 * little, so one place is no disorder. The depth is at most 64. */
static void divide(struct search *search, uint64_t low, unsigned low_place, uint64_t high,
                   unsigned high_place)
{
    uint64_t middle = low + (high - low) / 2;
    unsigned place;

    if (search->failed || high - low < 2)
        return;
    if (low_place == high_place) {
        search->counts[low_place] += high - low - 1;
        return;
    }
    place = look(search, middle, high);
    if (place + 1 < low_place || place > high_place + 1) {
        search->failed = true;
        return;
    }
    search->counts[place]++;
    divide(search, low, low_place, middle, place);
    divide(search, middle, place, high, high_place);
}

void recent_look(flume_log *log, uint64_t now_ns, struct recent *out_recent)
{
    uint64_t all_ns = RECENT_BUCKETS * RECENT_BUCKET_NS, head = flume_log_head(log);
    struct search search = {.log = log, .from_ns = now_ns < all_ns ? 0 : now_ns - all_ns};
    unsigned first, last;

    *out_recent = (struct recent){.is_known = true, .from_ns = search.from_ns};
    if (head == 0)
        return;
    first = look(&search, 0, head);
    last = look(&search, head - 1, head);
    search.counts[first]++;
    search.counts[last] += head > 1 ? 1 : 0;
    if (first > last + 1)
        search.failed = true;
    divide(&search, 0, first, head - 1, last);
    out_recent->is_known = !search.failed;
    for (unsigned i = 0; i < RECENT_BUCKETS && !search.failed; i++) {
        out_recent->counts[i] = search.counts[i + 1];
        out_recent->total += search.counts[i + 1];
    }
}

double recent_rate(const struct recent *recent)
{
    return (double)recent->total / ((double)(RECENT_BUCKETS * RECENT_BUCKET_NS) / 1e9);
}
