/*
 * seal_thread.c - "fl:seal", which seals in the background what is full and durable.
 *
 * It is started when there is first something to do, by the thread that syncs, and gives way to
 * everything: it runs at a low priority, holds nothing but seal_mutex while it works, and looks
 * between blocks whether the handle is being closed or somebody seals on request. What it had of a
 * strata is dropped then; the next one begins that strata anew.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "seal.h"
#include "sync.h"
#include "wait.h"

enum { NICE = 10 };
#define IDLE_WAIT_NS UINT64_C(2000000000)
#define BUSY_WAIT_NS UINT64_C(200000000)    /* Another process seals. */
#define RETRY_WAIT_NS UINT64_C(60000000000) /* After an error. */

static bool is_stopping(const flume_log *log)
{
    return atomic_load(&log->stopping) != 0;
}

static int background_proceed(void *proceed_ctx, uint64_t done_bytes)
{
    const flume_log *log = proceed_ctx;

    (void)done_bytes;
    return is_stopping(log) || atomic_load(&log->seal_requests) != 0;
}

/* One strata, unless another process is at it. */
static int seal_one(flume_log *log)
{
    const struct seal_wish wish = {
        .to_seq = UINT64_MAX,
        .raw_bytes_min = log->seal.strata_bytes_min,
        .closed_first = FLUME_SEQ_NONE,
        .closed_end = FLUME_SEQ_NONE,
        .proceed = background_proceed,
        .proceed_ctx = log,
    };
    struct head *head = log->head;
    struct sealed_footer footer;
    int status = mutex_try(log, &head->seal_mutex, &head->seal_owner);

    if (status < 0)
        return status;
    if (status == MUTEX_INHERITED)
        mutex_inherit(&head->seal_mutex); /* What the dead one was at is found by looking. */
    status = seal_one_locked(log, &wish, &footer);
    mutex_drop(&head->seal_mutex);
    return status;
}

/* The same trouble is told once; after a success it would be news again. */
static void tell(flume_log *log, int status, int *io_told)
{
    flume_error error;

    if (status == *io_told)
        return;
    *io_told = status;
    flume_log_error(log, &error);
    log_tell(log, FLUME_LOG_WARNING, "%s: sealing rests, reading and appending go on: %s",
             log->path, error.status == status ? error.message : flume_strerror(status));
}

/* Seal until there is nothing to do; how long to wait then. */
static uint64_t work(flume_log *log, int *io_told)
{
    while (!is_stopping(log)) {
        int status;

        if (atomic_load(&log->seal_requests) != 0)
            return BUSY_WAIT_NS;
        if ((atomic_load(&log->head->refusal) & HEAD_POISONED) != 0)
            return IDLE_WAIT_NS;
        status = seal_one(log);
        if (status == FLUME_ERR_BUSY || status == FLUME_ERR_CANCELLED)
            return BUSY_WAIT_NS;
        if (status == FLUME_ERR_NOT_FOUND)
            return IDLE_WAIT_NS;
        if (status != FLUME_OK) {
            tell(log, status, io_told);
            return RETRY_WAIT_NS;
        }
        *io_told = FLUME_OK;
    }
    return 0;
}

static void *seal_loop(void *ctx)
{
    flume_log *log = ctx;
    const flume_io *io = log->io;
    int told = FLUME_OK;

    (void)pthread_setname_np(pthread_self(), "fl:seal");
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(),
                      NICE); /* Of this thread; only speed is at stake. */
    while (!is_stopping(log)) {
        uint32_t seen = atomic_load(&log->sealer.word);
        uint64_t wait_ns = work(log, &told);
        uint64_t until_ns = io->monotonic_ns(io->ctx) + wait_ns;
        uint64_t now_ns = until_ns - wait_ns;

        /* New strata do not cut short the rest after an error: they come behind the one that
         * erred. */
        while (!is_stopping(log) && now_ns < until_ns &&
               (wait_ns == RETRY_WAIT_NS || atomic_load(&log->sealer.word) == seen)) {
            io->wait(io->ctx, (const uint32_t *)&log->sealer.word, atomic_load(&log->sealer.word),
                     until_ns - now_ns < IDLE_WAIT_NS ? until_ns - now_ns : IDLE_WAIT_NS);
            now_ns = io->monotonic_ns(io->ctx);
        }
    }
    return NULL;
}

/* Whether a full strata behind sealed_to is durable. Its size is looked at by the thread. */
static bool is_due(flume_log *log)
{
    struct head *head = log->head;
    uint64_t sealed_to = atomic_load(&head->sealed_to);
    int status;
    const struct table *table;
    size_t index;

    if (log->seal.mode != FLUME_SEAL_BACKGROUND || log->read_only || log->in_memory ||
        log->strata_bytes < log->seal.strata_bytes_min)
        return false;
    table = table_current(log, &status);
    if (table == NULL || table->count < 2)
        return false;
    index = sealed_to > 0 ? table_find(table, sealed_to - 1) : SIZE_MAX;
    index = index == SIZE_MAX ? 0 : index + 1;
    return index + 1 < table->count &&
           table->rows[index + 1].first_seq <= atomic_load(&head->durable);
}

void seal_consider(flume_log *log)
{
    if (!is_due(log))
        return;
    if (!log->sealer.running) {
        log->sealer.running = thread_start(&log->sealer.thread, seal_loop, log) == FLUME_OK;
        return; /* No thread to be had: the next look tries again. */
    }
    (void)atomic_fetch_add(&log->sealer.word, 1);
    log->io->wake(log->io->ctx, (const uint32_t *)&log->sealer.word);
}
