/*
 * helpers.c - the threads of a handle that work off the append path.
 *
 * "fl:sync" makes durable what has been appended, by whichever process: within a second in every
 * profile but forgetful, and at each roll. "fl:prepare" makes the next strata and the appender's
 * next window ahead. "fl:seal" (seal_thread.c) seals. They sleep while there is nothing to do, and
 * run with all signals blocked: those are the program's.
 */
#include <signal.h>

#include "seal.h"
#include "strata.h"
#include "sync.h"
#include "wait.h"

enum {
    SYNC_DELAY_NS = 500000000, /* With the sync itself well within a second. */
    HELPER_WAIT_NS = 2000000000
};

static void helper_wake(flume_log *log, struct helper *helper)
{
    (void)atomic_fetch_add(&helper->word, 1);
    log->io->wake(log->io->ctx, (const uint32_t *)&helper->word);
}

void sync_soon(flume_log *log)
{
    helper_wake(log, &log->syncer);
}

void preparer_wake(flume_log *log)
{
    helper_wake(log, &log->preparer);
}

void prepare_soon(flume_log *log)
{
    atomic_store_explicit(&log->prepare_at, UINT64_MAX, memory_order_relaxed);
    atomic_store(&log->prepare_wanted, true);
    preparer_wake(log);
}

static bool is_stopping(const flume_log *log)
{
    return atomic_load(&log->stopping) != 0;
}

/* Until there is something to sync: a roll, or (unless forgetful) any record. */
static void sync_wait(flume_log *log, uint32_t seen)
{
    struct waiter waiter = {0};
    const flume_io *io = log->io;

    if (log->profile == FLUME_PROFILE_FORGETFUL) {
        io->wait(io->ctx, (const uint32_t *)&log->syncer.word, seen, HELPER_WAIT_NS);
        return;
    }
    if (wait_beyond(log, WAIT_HEAD, atomic_load(&log->head->durable), HELPER_WAIT_NS,
                    &log->stopping, &waiter) == FLUME_OK)
        io->wait(io->ctx, (const uint32_t *)&log->syncer.word, seen, SYNC_DELAY_NS);
}

/* What others have sealed: the table is read again, mappings go with it, and files are closed. */
static void let_go_of_raw(flume_log *log)
{
    int status;

    (void)table_current(log, &status); /* A failure comes back where the table is used. */
    if (atomic_exchange(&log->raw_files_left, false))
        sync_close_raw(log);
}

static void *sync_loop(void *ctx)
{
    flume_log *log = ctx;
    uint32_t seen = 0;

    (void)pthread_setname_np(pthread_self(), "fl:sync");
    while (!is_stopping(log)) {
        bool rolled;

        sync_wait(log, seen);
        rolled = atomic_load(&log->syncer.word) != seen;
        seen = atomic_load(&log->syncer.word);
        let_go_of_raw(log);
        if (is_stopping(log))
            break;
        if (log->profile != FLUME_PROFILE_FORGETFUL || rolled) {
            if ((atomic_load(&log->head->refusal) & HEAD_POISONED) != 0)
                break;
            (void)sync_to(log, atomic_load(&log->head->head)); /* A failure poisons, and is told. */
        }
        seal_consider(log);
    }
    return NULL;
}

static void *prepare_loop(void *ctx)
{
    flume_log *log = ctx;
    uint32_t seen = 0;

    (void)pthread_setname_np(pthread_self(), "fl:prepare");
    while (!is_stopping(log)) {
        if (atomic_load(&log->preparer.word) == seen)
            log->io->wait(log->io->ctx, (const uint32_t *)&log->preparer.word, seen,
                          HELPER_WAIT_NS);
        if (atomic_load(&log->preparer.word) == seen)
            continue;
        seen = atomic_load(&log->preparer.word);
        if (is_stopping(log))
            break;
        windows_work(log);
        if (atomic_exchange(&log->prepare_wanted, false))
            prepare_next(log);
    }
    return NULL;
}

int thread_start(pthread_t *out_thread, void *(*loop)(void *), void *ctx)
{
    sigset_t all, before;
    int error;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(out_thread, NULL, loop, ctx);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? FLUME_OK : FLUME_ERR_NO_MEMORY;
}

static int helper_start(flume_log *log, struct helper *helper, void *(*loop)(void *))
{
    int status = thread_start(&helper->thread, loop, log);

    if (status != FLUME_OK)
        return log_fail(log, status, 0, FLUME_SEQ_NONE, "%s: cannot start a thread", log->path);
    helper->running = true;
    return FLUME_OK;
}

int helpers_start(flume_log *log)
{
    int status = helper_start(log, &log->syncer, sync_loop);

    if (status == FLUME_OK)
        status = helper_start(log, &log->preparer, prepare_loop);
    return status;
}

static void helper_stop(flume_log *log, struct helper *helper)
{
    if (!helper->running)
        return;
    helper_wake(log, helper);
    (void)pthread_join(helper->thread, NULL);
    helper->running = false;
}

void helpers_stop(flume_log *log)
{
    atomic_store(&log->stopping, 1);
    if (log->syncer.running)
        wake_all(log);
    helper_stop(log, &log->syncer);
    helper_stop(log, &log->preparer);
    helper_stop(log, &log->sealer);
}
