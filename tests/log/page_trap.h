/*
 * page_trap.h - something is done between two instructions of the library.
 *
 * A trap is set on memory that the library is about to use. The first access to it, on whatever
 * thread, is held up while an action of the test's is done; then the instruction is carried out as
 * if nothing had been. So a test makes happen at one certain place what another thread, or another
 * process, does there once in a million times.
 *
 * The action may call the library, for it is done between two instructions and not in the middle of
 * one; but whoever was held up may hold locks. One trap at a time.
 */
#ifndef FLUME_PAGE_TRAP_H
#define FLUME_PAGE_TRAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "flume/io.h"

/* Which accesses spring it. */
enum page_trap_on { PAGE_TRAP_ON_WRITE, PAGE_TRAP_ON_ANY };

/* Whether traps work here: ThreadSanitizer holds locks of its own in the middle of an access. */
bool page_trap_works(void);

/* On the pages that hold these bytes, which stay the caller's. The action is done once. */
void page_trap_set(void *bytes, size_t count, enum page_trap_on on, void (*action)(void *ctx),
                   void *ctx);

/* Whether it has sprung, and at these very bytes; it is taken away. */
bool page_trap_end(void);

enum { PAGE_OBJECTS_MAX = 256 };

/* An allocator that gives objects of one size pages of their own, so that a trap on one of them is
 * sprung by nothing else. */
struct page_objects {
    flume_allocator table; /* Give this to the library. */
    size_t object_bytes;
    pthread_mutex_t mutex;
    void *objects[PAGE_OBJECTS_MAX]; /* Those that live, and NULL. Guarded by mutex. */
};

void page_objects_init(struct page_objects *objects, size_t object_bytes);

/* All of them must have been released. */
void page_objects_deinit(struct page_objects *objects);

#endif
