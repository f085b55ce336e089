/*
 * wait.h - taking HEAD's mutexes, and waiting for its words to move.
 */
#ifndef FLUME_WAIT_H
#define FLUME_WAIT_H

#include "handle.h"

/* mutex_take(): the owner died holding it; what it guards is to be put in order, then
 * mutex_inherit(). */
enum { MUTEX_INHERITED = 2 };

/*
 * Take a robust mutex of HEAD, waiting at most the handle's lock timeout.
 *
 * @return FLUME_OK, MUTEX_INHERITED, or FLUME_ERR_BUSY with a detail that names the owner.
 */
int mutex_take(flume_log *log, pthread_mutex_t *mutex, _Atomic uint32_t *owner, const char *what);

/* FLUME_ERR_BUSY with a detail that names who has it. */
int mutex_busy(flume_log *log, const _Atomic uint32_t *owner, const char *what);

/* Take it if nobody has it. FLUME_ERR_BUSY without a detail otherwise. */
int mutex_try(flume_log *log, pthread_mutex_t *mutex, _Atomic uint32_t *owner);

/* After MUTEX_INHERITED: the guarded state is sound again. */
void mutex_inherit(pthread_mutex_t *mutex);

void mutex_drop(pthread_mutex_t *mutex);

/* Which of HEAD's two ends is waited for. */
enum wait_end { WAIT_HEAD, WAIT_DURABLE };

/* A waiter's state: when it last found something, and whether that was a lot. Starts out zero. */
struct waiter {
    uint64_t found_ns;
    bool busy;
};

/*
 * Wait until an end lies beyond seq, for at most timeout_ns, or until *cancelled is not 0.
 *
 * @return FLUME_OK, FLUME_ERR_TIMEOUT, FLUME_ERR_CANCELLED.
 */
int wait_beyond(flume_log *log, enum wait_end end, uint64_t seq, uint64_t timeout_ns,
                const _Atomic uint32_t *cancelled, struct waiter *waiter);

/* The two ends, as this handle sees them (an observer looks first). */
uint64_t head_seen(flume_log *log);
uint64_t durable_seen(flume_log *log);

/* After publishing and unlocking: wake who waits for head. Cheap if nobody does. */
static inline void wake_head(flume_log *log)
{
    struct head *head = log->head;

#if defined(__x86_64__)
    /* The unlock was a locked instruction, which orders the store of head before this load. */
    atomic_signal_fence(memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
    if (atomic_load_explicit(&head->wake_wanted, memory_order_relaxed) != 0 &&
        atomic_exchange(&head->wake_wanted, 0) != 0) {
        (void)atomic_fetch_add(&head->wake_word, 1);
        log->io->wake(log->io->ctx, (const uint32_t *)&head->wake_word);
    }
}

/* Wake everybody who waits for anything: to make them look again (cancel, close, cleanup). */
void wake_all(flume_log *log);

#endif
