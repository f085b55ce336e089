/*
 * held.h - counted memory that records may point into: a strata's mapping, or an unpacked block.
 *
 * What always holds: what is held is not freed; the last one to let go frees it, on whichever
 * thread, also after the log is closed.
 */
#ifndef FLUME_HELD_H
#define FLUME_HELD_H

#include <stdatomic.h>
#include <stdint.h>

/* The first member of what is counted. */
struct held {
    _Atomic uint32_t references;
    void (*release)(struct held *held); /* Frees it. Fixed before others see it. */
};

/* Begin with one reference, the caller's. */
static inline void held_init(struct held *held, void (*release)(struct held *held))
{
    atomic_store_explicit(&held->references, 1, memory_order_relaxed);
    held->release = release;
}

static inline void hold(struct held *held)
{
    (void)atomic_fetch_add_explicit(&held->references, 1, memory_order_relaxed);
}

static inline void let_go(struct held *held)
{
    if (atomic_fetch_sub_explicit(&held->references, 1, memory_order_acq_rel) == 1)
        held->release(held);
}

#endif
