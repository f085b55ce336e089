/*
 * recent.h - how fast a log has grown lately, from the times of its records.
 *
 * Nothing is scanned: buckets of time are told apart by bisection, so it costs some hundred reads
 * whatever the log's size. Each record is read at most once.
 */
#ifndef REPL_RECENT_H
#define REPL_RECENT_H

#include "flume/log.h"

enum { RECENT_BUCKETS = 30 };
#define RECENT_BUCKET_NS (2 * UINT64_C(1000000000))

struct recent {
    bool is_known;    /* Records lie in the order of their times, as far as was seen. */
    uint64_t from_ns; /* Where the first bucket begins. */
    uint64_t counts[RECENT_BUCKETS];
    uint64_t total;
};

/** Look at the last minute before now_ns. What cannot be known leaves is_known false. */
void recent_look(flume_log *log, uint64_t now_ns, struct recent *out_recent);

/** Records a second, over all of it. */
double recent_rate(const struct recent *recent);

#endif
