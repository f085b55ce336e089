/*
 * fork_guard.h - a page that a forked child sees as zeros: one load tells parent from child.
 */
#ifndef FLUME_FORK_GUARD_H
#define FLUME_FORK_GUARD_H

#include <stdatomic.h>
#include <stdint.h>

struct fork_guard {
    _Atomic uint32_t alive; /* 1 in the process that made it, 0 in its children. */
};

/* NULL: no memory. */
struct fork_guard *fork_guard_create(void);

/* NULL is harmless. */
void fork_guard_destroy(struct fork_guard *guard);

#endif
