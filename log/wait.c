/*
 * wait.c - taking HEAD's mutexes, and waiting for its words to move.
 *
 * No wait trusts its waker: each lasts at most WAIT_SLICE_NS before the word is read again.
 */
#include "wait.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "observe.h"

enum {
    SPIN_ROUNDS = 8,
    SPIN_PAUSES_FIRST = 64, /* 1.4 us where a pause takes 22 ns. */
    SPIN_PAUSES_MAX = 128,  /* 2.8 us. */
    POLL_PAUSES = 24,       /* Between two looks of a lingering consumer: 0.5 us; */
    POLL_PAUSES_BUSY = 96,  /* 2 us while each finds so many records: */
    BUSY_RECORDS = 3,
    LINGER_NS = 1000000,       /* Who has just found something looks again so long. */
    WAIT_SLICE_NS = 100000000, /* No wait trusts its waker for longer. */
    OBSERVER_WAIT_MIN_NS = 1000000,
    OBSERVER_WAIT_MAX_NS = 50000000,
    NS_PER_S = 1000000000
};

static inline void pause_briefly(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        atomic_signal_fence(memory_order_seq_cst);
#endif
    }
}

int mutex_busy(flume_log *log, const _Atomic uint32_t *owner, const char *what)
{
    uint32_t index = atomic_load(owner);
    char pid[24] = "unknown";
    const char *program = "unknown program";

    if (index > 0 && index <= HEAD_ATTACH_MAX) {
        (void)snprintf(pid, sizeof pid, "%llu",
                       (unsigned long long)atomic_load(&log->head->attach[index - 1].pid));
        program = log->head->attach[index - 1].program;
    }
    return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                    "%s: process %s (%.*s) has held the %s lock for %llu ms; it may be stopped or "
                    "in a debugger: continue it or end it",
                    log->path, pid, HEAD_PROGRAM_BYTES, program, what,
                    (unsigned long long)(log->lock_timeout_ns / 1000000));
}

static int taken(flume_log *log, int error, _Atomic uint32_t *owner)
{
    if (error != 0 && error != EOWNERDEAD)
        return FLUME_ERR_BUSY;
    atomic_store_explicit(owner, log->attach_index + 1, memory_order_relaxed);
    return error == EOWNERDEAD ? MUTEX_INHERITED : FLUME_OK;
}

int mutex_try(flume_log *log, pthread_mutex_t *mutex, _Atomic uint32_t *owner)
{
    return taken(log, pthread_mutex_trylock(mutex), owner);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WAIT_FOR_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WAIT_FOR_TSAN 1
#endif

/* Lock with a time limit. Old thread sanitizers do not know pthread_mutex_clocklock(): for them it
 * is the limit by the wall clock, which in a program is worse: that clock jumps. */
static int lock_for(pthread_mutex_t *mutex, uint64_t timeout_ns)
{
#if defined(WAIT_FOR_TSAN)
    clockid_t clock = CLOCK_REALTIME;
#else
    clockid_t clock = CLOCK_MONOTONIC;
#endif
    struct timespec deadline;

    (void)clock_gettime(clock, &deadline);
    deadline.tv_sec += (time_t)(timeout_ns / NS_PER_S);
    deadline.tv_nsec += (long)(timeout_ns % NS_PER_S);
    if (deadline.tv_nsec >= NS_PER_S) {
        deadline.tv_nsec -= NS_PER_S;
        deadline.tv_sec++;
    }
#if defined(WAIT_FOR_TSAN)
    return pthread_mutex_timedlock(mutex, &deadline);
#else
    return pthread_mutex_clocklock(mutex, clock, &deadline);
#endif
}

/*
 * A short section is worth waiting for awake, but not next to the lock: each look takes the line
 * from the owner, and who then gets the lock takes six more. So one looks seldom, and the owner
 * gets some ten appends done in between. (Measured on two threads that append 100 bytes: 426 -> 276
 * ns a record against a first look after four pauses, and no look further apart than 64.)
 */
static int take_contended(flume_log *log, pthread_mutex_t *mutex)
{
    uint64_t left_ns = log->lock_timeout_ns;
    unsigned pauses = SPIN_PAUSES_FIRST;
    int error = EBUSY;

    for (unsigned round = 0; round < SPIN_ROUNDS && error == EBUSY; round++) {
        pause_briefly(pauses);
        if (pauses < SPIN_PAUSES_MAX)
            pauses *= 2;
        error = pthread_mutex_trylock(mutex);
    }
    /* In slices: a waiter that was woken and killed before it ran takes the wake with it. */
    while ((error == EBUSY || error == ETIMEDOUT) && left_ns > 0) {
        uint64_t slice_ns = left_ns < WAIT_SLICE_NS ? left_ns : WAIT_SLICE_NS;

        error = lock_for(mutex, slice_ns);
        left_ns -= slice_ns;
    }
    return error;
}

int mutex_take(flume_log *log, pthread_mutex_t *mutex, _Atomic uint32_t *owner, const char *what)
{
    int error = pthread_mutex_trylock(mutex);

    if (error == EBUSY)
        error = take_contended(log, mutex);
    if (error == ETIMEDOUT)
        return mutex_busy(log, owner, what);
    if (error == ENOTRECOVERABLE)
        return log_fail(log, FLUME_ERR_POISONED, 0, FLUME_SEQ_NONE,
                        "%s: the %s lock was given up by a process that could not repair what "
                        "another left; close the basin everywhere and open it again",
                        log->path, what);
    return taken(log, error, owner);
}

void mutex_inherit(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_consistent(mutex); /* Only fails if it is not inherited. */
}

void mutex_drop(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_unlock(mutex); /* Ours: cannot fail. */
}

uint64_t head_seen(flume_log *log)
{
    if (log->observer)
        observe(log);
    return atomic_load_explicit(&log->head->head, memory_order_acquire);
}

uint64_t durable_seen(flume_log *log)
{
    if (log->observer)
        observe(log);
    return atomic_load_explicit(&log->head->durable, memory_order_acquire);
}

static uint64_t seen(flume_log *log, enum wait_end end)
{
    return end == WAIT_HEAD ? head_seen(log) : durable_seen(log);
}

/* A waiter's sleep: register, look once more, then sleep. */
static void sleep_until_woken(flume_log *log, enum wait_end end, uint64_t seq, uint64_t slice_ns,
                              const _Atomic uint32_t *cancelled)
{
    struct head *head = log->head;
    _Atomic uint32_t *word = end == WAIT_HEAD ? &head->wake_word : &head->durable_word;
    _Atomic uint32_t *wanted = end == WAIT_HEAD ? &head->wake_wanted : &head->durable_wanted;
    uint32_t expected = atomic_load(word);

    atomic_store(wanted, 1);
    atomic_thread_fence(memory_order_seq_cst);
    if (seen(log, end) <= seq && atomic_load(cancelled) == 0)
        log->io->wait(log->io->ctx, (const uint32_t *)word, expected, slice_ns);
}

/*
 * Whoever has just found records looks again for a while before it asks to be woken. Where each
 * look finds several it looks less often: each takes lines from the appender, few records or many.
 * (Measured on appends of 100 bytes: 402 ns each at half a microsecond, 342 at two, 304 at four.)
 */
static bool lingers(flume_log *log, enum wait_end end, uint64_t seq, struct waiter *waiter,
                    uint64_t until_ns, const _Atomic uint32_t *cancelled)
{
    const flume_io *io = log->io;
    uint64_t linger_until_ns = waiter->found_ns + LINGER_NS;

    if (waiter->found_ns == 0 || log->observer)
        return false;
    if (linger_until_ns > until_ns)
        linger_until_ns = until_ns;
    while (io->monotonic_ns(io->ctx) < linger_until_ns &&
           atomic_load_explicit(cancelled, memory_order_relaxed) == 0) {
        uint64_t end_seq;

        pause_briefly(waiter->busy ? POLL_PAUSES_BUSY : POLL_PAUSES);
        end_seq = seen(log, end);
        if (end_seq > seq) {
            waiter->busy = end_seq - seq >= BUSY_RECORDS;
            return true;
        }
    }
    return false;
}

int wait_beyond(flume_log *log, enum wait_end end, uint64_t seq, uint64_t timeout_ns,
                const _Atomic uint32_t *cancelled, struct waiter *waiter)
{
    const flume_io *io = log->io;
    uint64_t observer_wait_ns = OBSERVER_WAIT_MIN_NS;
    uint64_t start_ns, until_ns, now_ns;

    if (atomic_load(cancelled) != 0)
        return FLUME_ERR_CANCELLED;
    if (seen(log, end) > seq)
        return FLUME_OK;
    if (timeout_ns == 0)
        return FLUME_ERR_TIMEOUT;
    start_ns = io->monotonic_ns(io->ctx);
    until_ns = timeout_ns > UINT64_MAX - start_ns ? UINT64_MAX : start_ns + timeout_ns;
    if (lingers(log, end, seq, waiter, until_ns, cancelled)) {
        waiter->found_ns = io->monotonic_ns(io->ctx);
        return FLUME_OK;
    }
    while (seen(log, end) <= seq) {
        uint64_t slice_ns = WAIT_SLICE_NS;

        now_ns = io->monotonic_ns(io->ctx);
        if (atomic_load(cancelled) != 0)
            return FLUME_ERR_CANCELLED;
        if (now_ns >= until_ns)
            return FLUME_ERR_TIMEOUT;
        if (slice_ns > until_ns - now_ns)
            slice_ns = until_ns - now_ns;
        if (!log->observer) {
            sleep_until_woken(log, end, seq, slice_ns, cancelled);
            continue;
        }
        if (slice_ns > observer_wait_ns)
            slice_ns = observer_wait_ns;
        io->sleep(io->ctx, slice_ns);
        if (observer_wait_ns < OBSERVER_WAIT_MAX_NS)
            observer_wait_ns *= 2;
    }
    waiter->found_ns = io->monotonic_ns(io->ctx);
    return FLUME_OK;
}

void wake_all(flume_log *log)
{
    struct head *head = log->head;

    if (log->observer)
        return; /* Its words are private and nobody sleeps on them. */
    (void)atomic_fetch_add(&head->wake_word, 1);
    (void)atomic_fetch_add(&head->durable_word, 1);
    log->io->wake(log->io->ctx, (const uint32_t *)&head->wake_word);
    log->io->wake(log->io->ctx, (const uint32_t *)&head->durable_word);
}
