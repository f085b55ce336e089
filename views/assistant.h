/*
 * assistant.h - a second thread for one caller: it does jobs while the caller goes on.
 *
 * What always holds:
 *   - Jobs are done one at a time, in the order in which they were given.
 *   - What the thread has not begun when the caller needs it, the caller does: on a machine that
 *     has no processor left, nobody waits for more than the job that is under way.
 *   - Without a thread (none is allowed, or to be had) each job is done when it is given: nothing
 *     depends on there being one but the time it takes.
 *   - At most ASSISTANT_JOBS_MAX jobs wait. The thread is started by the first job, sleeps while
 *     there is none, takes no signals, and has ended when assistant_destroy() returns.
 *
 * Threads: all calls come from one thread at a time.
 */
#ifndef VIEWS_ASSISTANT_H
#define VIEWS_ASSISTANT_H

#include <stdbool.h>
#include <stddef.h>

enum { ASSISTANT_JOBS_MAX = 64 };

struct assistant;

/* Everything it points to is lent until the job is settled. It cannot fail: what can go wrong, the
 * job notes where its ctx leads. */
struct assistant_job {
    void (*work)(void *ctx, const void *data, size_t bytes);
    void *ctx;
    const void *data;
    size_t bytes;
};

enum assistant_mode { ASSISTANT_NO_THREAD = 0, ASSISTANT_THREAD = 1 };

/** @param name  Of the thread, at most 15 characters. Static. @return NULL: no memory. */
struct assistant *assistant_create(enum assistant_mode mode, const char *name);

/** Jobs that were not begun are dropped; one that is under way is waited for. NULL is harmless. */
void assistant_destroy(struct assistant *assistant);
/** The same in a forked child, where there is no thread. Its memory stays. */
void assistant_abandon(struct assistant *assistant);

/** Have a job done, now or later. */
void assistant_give(struct assistant *assistant, const struct assistant_job *job);

/** Return when all jobs that were given are done. */
void assistant_settle(struct assistant *assistant);

/** Whether there is a thread that takes jobs: false before the first was given. */
bool assistant_has_thread(const struct assistant *assistant);

#endif
