/*
 * watch.h - the most anonymous memory that a piece of work needs: mapped files are the page
 * cache's.
 */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include <pthread.h>
#include <stdatomic.h>

struct watch {
    pthread_t thread;
    _Atomic int stop;
    double before_bytes, most_bytes;
};

/** Begin to watch this process. 0, or -1 after bench_fail(). */
int watch_begin(struct watch *watch);

/** Stop. @return how many bytes more there were at the most than at the beginning. */
double watch_end(struct watch *watch);

#endif
