/*
 * seal.c - sealing on request, and the exchange of a strata's files.
 */
#include "seal.h"

#include "append.h"
#include "parity.h"
#include "seal_parity.h"
#include "sync.h"
#include "wait.h"

enum { BLOCK_BYTES_DEFAULT = SEALED_BLOCK_BYTES_DEFAULT, LEVEL_DEFAULT = 1 };

static_assert(FLUME_BLOCK_BYTES_MIN == (int)SEALED_BLOCK_BYTES_MIN &&
                  FLUME_BLOCK_BYTES_MAX == (int)SEALED_BLOCK_BYTES_MAX,
              "the public header and the format agree");
static_assert(FLUME_ROOT_BYTES == (int)SEALED_HASH_BYTES, "so do hashes");

/* --- Options ---------------------------------------------------------------------------------- */

static int refuse(flume_log *log, const char *what, unsigned long long value, const char *range)
{
    return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "sealing: %s %llu is not %s", what,
                    value, range);
}

/* The handle's own copy, or NULL. */
static int take_path(flume_log *log)
{
    const char *path = log->seal.path;
    size_t bytes;
    char *copy;

    log->seal.path = NULL;
    if (path == NULL || *path == '\0')
        return FLUME_OK;
    bytes = strnlen(path, PATH_BYTES);
    if (bytes == PATH_BYTES)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "sealing: the path %.64s... is too long", path);
    copy = memory_allocate(&log->allocator, bytes + 1);
    if (copy == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to open %s",
                        log->path);
    memcpy(copy, path, bytes + 1);
    log->seal.path = copy;
    return FLUME_OK;
}

void seal_options_release(flume_log *log)
{
    memory_release(&log->allocator, (void *)log->seal.path);
    log->seal.path = NULL;
}

int seal_options_take(flume_log *log, const flume_seal_options *options)
{
    static const flume_seal_options defaults = {.mode = FLUME_SEAL_BACKGROUND};
    const unsigned parities = FLUME_PARITY_FILE | FLUME_PARITY_SOFT;
    int status;

    log->seal = options != NULL ? *options : defaults;
    status = take_path(log); /* First: from here on it is the handle's. */
    if (status != FLUME_OK)
        return status;
    if (log->seal.mode != FLUME_SEAL_BACKGROUND && log->seal.mode != FLUME_SEAL_ON_REQUEST)
        return refuse(log, "mode", (unsigned)log->seal.mode, "known");
    if (log->seal.block_bytes != 0 && (log->seal.block_bytes < FLUME_BLOCK_BYTES_MIN ||
                                       log->seal.block_bytes > FLUME_BLOCK_BYTES_MAX))
        return refuse(log, "a block of", log->seal.block_bytes, "from 4096 to 1048576 bytes");
    if (log->seal.level < 0 || log->seal.level > FLUME_SEAL_LEVEL_MAX)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "sealing: level %d is not from 1 to %d", log->seal.level,
                        FLUME_SEAL_LEVEL_MAX);
    if ((log->seal.parity & ~parities) != 0)
        return refuse(log, "parity", log->seal.parity, "file, soft or both");
    if (log->seal.parity_data > PARITY_DATA_CELLS_MAX)
        return refuse(log, "data cells", log->seal.parity_data, "from 1 to 128");
    if (log->seal.parity_cells > PARITY_CELLS_MAX)
        return refuse(log, "parity cells", log->seal.parity_cells, "from 1 to 32");
    if (log->seal.block_bytes == 0)
        log->seal.block_bytes = BLOCK_BYTES_DEFAULT;
    if (log->seal.level == 0)
        log->seal.level = LEVEL_DEFAULT;
    if (log->seal.strata_bytes_min == 0)
        log->seal.strata_bytes_min = FLUME_SEAL_STRATA_BYTES_MIN_DEFAULT;
    return FLUME_OK;
}

/* --- One strata ------------------------------------------------------------------------------- */

/*
 * The rename is the moment. If the directory's sync fails after it, a power cut may bring either
 * form back: both are whole, so nothing is lost and HEAD is told what is so; but the slots stay.
 */
static int exchange_locked(flume_log *log, const struct seal_target *target,
                           const struct seal_plan *plan)
{
    char name[STRATA_NAME_BYTES];
    struct path from, to;
    int status = seal_parity_publish(log, plan);
    int error;

    if (status != FLUME_OK) {
        seal_file_drop(log);
        return status;
    }
    strata_name(name, target->first_seq);
    log_path(log, "log", SEAL_TEMPORARY_NAME, &from);
    log_path(log, "log", name, &to);
    error = log->io->rename(log->io->ctx, from.text, to.text);
    if (error != 0) {
        seal_file_drop(log);
        return log_fail_io(log, error, "rename", from.text);
    }
    log_path(log, "log", "", &to);
    error = log->io->sync_directory(log->io->ctx, to.text);
    if (error == 0)
        seal_drop_slots(log, target->first_seq);
    seal_told_locked(log, target->end_seq);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "sync the directory", to.text);
}

/* What the options say of every strata. */
static struct seal_plan plan_of(const flume_log *log)
{
    return (struct seal_plan){
        .block_bytes = log->seal.block_bytes,
        .level = log->seal.level,
        .dictionary = log->seal.dictionary,
        .parity = log->seal.parity,
        .parity_data = (uint16_t)log->seal.parity_data,
        .parity_cells = (uint16_t)log->seal.parity_cells,
    };
}

int seal_one_locked(flume_log *log, const struct seal_wish *wish, struct sealed_footer *out_footer)
{
    struct seal_target *target = memory_allocate(&log->allocator, sizeof *target);
    struct seal_plan plan = plan_of(log);
    int status;

    plan.proceed = wish->proceed;
    plan.proceed_ctx = wish->proceed_ctx;
    if (target == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to seal %s",
                        log->path);
    status = seal_next_locked(log, wish, target);
    if (status == FLUME_OK) {
        plan.first_seq = target->first_seq;
        plan.count = target->end_seq - target->first_seq;
        plan.previous = target->has_previous ? &target->previous : NULL;
        status = seal_file_write(log, &plan, out_footer);
    }
    if (status == FLUME_OK)
        status = exchange_locked(log, target, &plan);
    memory_release(&log->allocator, target);
    return status;
}

/* --- On request ------------------------------------------------------------------------------- */

struct request {
    flume_log *log;
    const flume_seal_call *call;
    struct seal_wish wish;
    flume_seal_report report;
    uint64_t total_bytes;
};

static int request_proceed(void *proceed_ctx, uint64_t done_bytes)
{
    const struct request *request = proceed_ctx;
    uint64_t done = request->report.raw_bytes + done_bytes;
    uint64_t total = request->total_bytes > done ? request->total_bytes : done;

    if (request->call->progress == NULL)
        return 0;
    return request->call->progress(request->call->progress_ctx, done, total);
}

/*
 * Nothing is appended to the active strata any more: the next append, in whichever process, rolls.
 * Under the append mutex no other append is under way, and what a dead or failed one left behind
 * the end was cleared when the mutex was taken.
 */
static int close_active(struct request *request)
{
    flume_log *log = request->log;
    struct head *head = log->head;
    int status = append_lock(log);

    if (status != FLUME_OK)
        return status;
    if (atomic_load(&head->active_bytes) != 0 &&
        atomic_load(&head->active_first) < atomic_load(&head->head)) {
        (void)atomic_fetch_or(&head->refusal, HEAD_ACTIVE_CLOSED);
        request->wish.closed_first = atomic_load(&head->active_first);
        request->wish.closed_end = atomic_load(&head->head);
        request->wish.to_seq = request->wish.closed_end;
    }
    append_unlock(log);
    if (request->wish.closed_end == FLUME_SEQ_NONE)
        return FLUME_OK;
    return sync_to(log, request->wish.closed_end);
}

/* What there is to do, for progress. */
static int estimate(struct request *request)
{
    flume_log *log = request->log;
    int status;
    const struct table *table = table_current(log, &status);
    uint64_t sealed_to = atomic_load(&log->head->sealed_to);

    if (table == NULL)
        return status;
    for (size_t i = 0; request->call->progress != NULL && i < table->count; i++) {
        bool is_last = i + 1 == table->count;

        if (table->rows[i].first_seq >= sealed_to &&
            table->rows[i].first_seq < request->wish.to_seq &&
            (!is_last || table->rows[i].first_seq == request->wish.closed_first))
            request->total_bytes += seal_raw_bytes(log, table->rows[i].first_seq);
    }
    return FLUME_OK;
}

static int seal_one(struct request *request)
{
    flume_log *log = request->log;
    struct head *head = log->head;
    struct seal_plan plan = plan_of(log);
    struct sealed_footer footer;
    int status = mutex_take(log, &head->seal_mutex, &head->seal_owner, "seal");

    if (status < 0)
        return status;
    if (status == MUTEX_INHERITED)
        mutex_inherit(&head->seal_mutex); /* What the dead one was at is found by looking. */
    status = seal_one_locked(log, &request->wish, &footer);
    mutex_drop(&head->seal_mutex);
    if (status != FLUME_OK)
        return status;
    request->report.strata++;
    request->report.records += footer.count;
    request->report.raw_bytes += footer.raw_end - STRATA_DATA_AT;
    request->report.sealed_bytes += footer.file_bytes + seal_parity_side_bytes(&plan, &footer);
    return FLUME_OK;
}

static int seal_all(struct request *request)
{
    int status = FLUME_OK;

    if (request->call->active)
        status = close_active(request);
    if (status == FLUME_OK)
        status = estimate(request);
    while (status == FLUME_OK)
        status = seal_one(request);
    return status == FLUME_ERR_NOT_FOUND ? FLUME_OK : status;
}

static int check_writable(flume_log *log)
{
    uint32_t refusal = atomic_load(&log->head->refusal);

    if (log->read_only)
        return log_fail(log, FLUME_ERR_READ_ONLY, 0, FLUME_SEQ_NONE,
                        "%s was opened to read only, so nothing is sealed", log->path);
    if ((refusal & HEAD_POISONED) != 0)
        return log_fail(log, FLUME_ERR_POISONED, 0, FLUME_SEQ_NONE,
                        "%s: a sync failed, so nothing is rewritten on this disk: close the basin "
                        "everywhere, check the disk, open it again",
                        log->path);
    return FLUME_OK;
}

int flume_log_seal(flume_log *log, const flume_seal_call *call, flume_seal_report *out_report)
{
    static const flume_seal_call plain = {.active = false};
    struct request request = {
        .log = log,
        .call = call != NULL ? call : &plain,
        .wish = {.closed_first = FLUME_SEQ_NONE, .closed_end = FLUME_SEQ_NONE},
    };
    int status = log_guard(log);

    if (out_report != NULL)
        memset(out_report, 0, sizeof *out_report);
    if (status == FLUME_OK)
        status = check_writable(log);
    if (status != FLUME_OK)
        return status;
    /* What others append meanwhile is left to the next call: this one comes to an end. */
    request.wish.to_seq = head_seen(log);
    request.wish.proceed = request_proceed;
    request.wish.proceed_ctx = &request;
    /* The handle's own thread gives way: its strata is begun anew when it is next. */
    (void)atomic_fetch_add(&log->seal_requests, 1);
    status = seal_all(&request);
    (void)atomic_fetch_sub(&log->seal_requests, 1);
    request.report.sealed_to = atomic_load(&log->head->sealed_to);
    if (out_report != NULL)
        *out_report = request.report;
    if (status == FLUME_ERR_CANCELLED)
        return log_fail(log, status, 0, FLUME_SEQ_NONE, "sealing was cancelled");
    return status;
}
