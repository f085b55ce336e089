/*
 * faultio.c - calls that fail on demand.
 */
#include "faultio.h"

#include <errno.h>
#include <string.h>

static const char *const call_names[] = {
    [FAULT_OPEN] = "open",
    [FAULT_PREAD] = "pread",
    [FAULT_PWRITE] = "pwrite",
    [FAULT_ALLOCATE] = "allocate",
    [FAULT_PUNCH] = "punch",
    [FAULT_SYNC] = "sync",
    [FAULT_STAT] = "stat",
    [FAULT_MAP] = "map",
    [FAULT_LOCK] = "lock",
    [FAULT_LOCK_TEST] = "lock_test",
    [FAULT_RENAME] = "rename",
    [FAULT_UNLINK] = "unlink",
    [FAULT_MAKE_DIRECTORY] = "make_directory",
    [FAULT_SYNC_DIRECTORY] = "sync_directory",
    [FAULT_LIST] = "list",
    [FAULT_FILE_SYSTEM] = "file_system",
    [FAULT_RANDOM] = "random",
    [FAULT_BOOT_ID] = "boot_id",
    [FAULT_CLOSE] = "close",
    [FAULT_UNMAP] = "unmap",
    [FAULT_ANY] = "any",
};

const char *fault_call_name(enum fault_call call)
{
    return call_names[call];
}

/* What a call is about, for the plan and the trace. */
struct about {
    enum fault_call call;
    const char *path;
    int file; /* -1: none. */
    uint64_t offset, bytes;
};

static bool plan_means(const struct faultio *fault, enum fault_call call)
{
    if (fault->plan.nth == 0 || call >= FAULT_CALLS)
        return false;
    return fault->plan.call == FAULT_ANY || fault->plan.call == call;
}

/* Count a call and decide: 0, a negative errno, or FAULT_SHORT. */
static int decide(struct faultio *fault, enum fault_call call)
{
    int result = 0;

    (void)pthread_mutex_lock(&fault->mutex);
    fault->counts[call]++;
    fault->counts[FAULT_ANY]++;
    if (plan_means(fault, call)) {
        fault->seen++;
        if (fault->seen == fault->plan.nth ||
            (fault->seen > fault->plan.nth && fault->plan.duration == FAULT_LASTING)) {
            result = fault->plan.result;
            fault->injected++;
        }
    }
    (void)pthread_mutex_unlock(&fault->mutex);
    return result;
}

static void record(struct faultio *fault, const struct about *about, int64_t result, bool injected)
{
    struct fault_trace *trace;
    const char *path = about->path;

    (void)pthread_mutex_lock(&fault->mutex);
    trace = &fault->trace[fault->trace_count++ % FAULT_TRACE_CALLS];
    if (path == NULL && about->file >= 0 && about->file < FAULT_FILES_MAX)
        path = fault->paths[about->file];
    memset(trace->path, 0, sizeof trace->path);
    if (path != NULL)
        (void)strncpy(trace->path, path, sizeof trace->path - 1);
    trace->call = about->call;
    trace->offset = about->offset;
    trace->bytes = about->bytes;
    trace->result = result;
    trace->injected = injected;
    if (about->call == FAULT_OPEN && result >= 0) {
        fault->open_files++;
        if (result < FAULT_FILES_MAX)
            memcpy(fault->paths[result], trace->path, sizeof trace->path);
    }
    if (about->call == FAULT_CLOSE) {
        fault->open_files--;
        if (about->file < FAULT_FILES_MAX)
            fault->paths[about->file][0] = '\0';
    }
    if (about->call == FAULT_MAP && result >= 0)
        fault->open_maps++;
    if (about->call == FAULT_UNMAP)
        fault->open_maps--;
    (void)pthread_mutex_unlock(&fault->mutex);
}

/* A fault for a call that moves no bytes. */
static int refuse(struct faultio *fault, const struct about *about)
{
    int result = decide(fault, about->call);

    if (result == FAULT_SHORT)
        result = -EIO;
    if (result != 0)
        record(fault, about, result, true);
    return result;
}

static int fault_open(void *ctx, const char *path, unsigned flags)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_OPEN, .path = path, .file = -1, .bytes = flags};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->open(fault->inner->ctx, path, flags);
    record(fault, &about, result, false);
    return result;
}

static void fault_close(void *ctx, int file)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_CLOSE, .file = file};

    (void)decide(fault, FAULT_CLOSE);
    record(fault, &about, 0, false);
    fault->inner->close(fault->inner->ctx, file);
}

static int64_t fault_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_PREAD, .file = file, .offset = offset, .bytes = bytes};
    int64_t result = decide(fault, FAULT_PREAD);
    bool injected = result != 0;

    if (result >= 0)
        result = fault->inner->pread(fault->inner->ctx, file, target,
                                     injected ? (bytes + 1) / 2 : bytes, offset);
    record(fault, &about, result, injected);
    return result;
}

static int64_t fault_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_PWRITE, .file = file, .offset = offset, .bytes = bytes};
    int64_t result = decide(fault, FAULT_PWRITE);
    bool injected = result != 0;

    if (result >= 0)
        result = fault->inner->pwrite(fault->inner->ctx, file, source,
                                      injected ? (bytes + 1) / 2 : bytes, offset);
    record(fault, &about, result, injected);
    return result;
}

static int fault_allocate(void *ctx, int file, uint64_t bytes)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_ALLOCATE, .file = file, .bytes = bytes};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->allocate(fault->inner->ctx, file, bytes);
    record(fault, &about, result, false);
    return result;
}

static int fault_punch(void *ctx, int file, uint64_t offset, uint64_t bytes)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_PUNCH, .file = file, .offset = offset, .bytes = bytes};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->punch(fault->inner->ctx, file, offset, bytes);
    record(fault, &about, result, false);
    return result;
}

static int fault_sync(void *ctx, int file)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_SYNC, .file = file};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->sync(fault->inner->ctx, file);
    record(fault, &about, result, false);
    return result;
}

static int fault_stat(void *ctx, int file, flume_io_stat *out_stat)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_STAT, .file = file};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->stat(fault->inner->ctx, file, out_stat);
    record(fault, &about, result, false);
    return result;
}

static int fault_map(void *ctx, int file, uint64_t offset, size_t bytes, bool writable,
                     void **out_data)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_MAP, .file = file, .offset = offset, .bytes = bytes};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->map(fault->inner->ctx, file, offset, bytes, writable, out_data);
    record(fault, &about, result, false);
    return result;
}

static void fault_unmap(void *ctx, void *data, size_t bytes)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_UNMAP, .file = -1, .bytes = bytes};

    (void)decide(fault, FAULT_UNMAP);
    record(fault, &about, 0, false);
    fault->inner->unmap(fault->inner->ctx, data, bytes);
}

/* Giving a lock back cannot fail: a kernel does not refuse it. */
static int fault_lock(void *ctx, int file, uint64_t offset, enum flume_io_lock how)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_LOCK, .file = file, .offset = offset, .bytes = how};
    int result = how == FLUME_IO_UNLOCK ? 0 : refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->lock(fault->inner->ctx, file, offset, how);
    record(fault, &about, result, false);
    return result;
}

static int fault_lock_test(void *ctx, int file, uint64_t offset)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_LOCK_TEST, .file = file, .offset = offset};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->lock_test(fault->inner->ctx, file, offset);
    record(fault, &about, result, false);
    return result;
}

static int fault_rename(void *ctx, const char *from, const char *to)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_RENAME, .path = to, .file = -1};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->rename(fault->inner->ctx, from, to);
    record(fault, &about, result, false);
    return result;
}

static int fault_unlink(void *ctx, const char *path)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_UNLINK, .path = path, .file = -1};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->unlink(fault->inner->ctx, path);
    record(fault, &about, result, false);
    return result;
}

static int fault_make_directory(void *ctx, const char *path)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_MAKE_DIRECTORY, .path = path, .file = -1};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->make_directory(fault->inner->ctx, path);
    record(fault, &about, result, false);
    return result;
}

static int fault_sync_directory(void *ctx, const char *path)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_SYNC_DIRECTORY, .path = path, .file = -1};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->sync_directory(fault->inner->ctx, path);
    record(fault, &about, result, false);
    return result;
}

static int fault_list(void *ctx, const char *path, flume_io_name name, void *name_ctx)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_LIST, .path = path, .file = -1};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->list(fault->inner->ctx, path, name, name_ctx);
    record(fault, &about, result, false);
    return result;
}

static int fault_file_system(void *ctx, const char *path)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_FILE_SYSTEM, .path = path, .file = -1};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->file_system(fault->inner->ctx, path);
    record(fault, &about, result, false);
    return result;
}

static int fault_random(void *ctx, void *target, size_t bytes)
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_RANDOM, .file = -1, .bytes = bytes};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->random(fault->inner->ctx, target, bytes);
    record(fault, &about, result, false);
    return result;
}

static int fault_boot_id(void *ctx, uint8_t out_id[16])
{
    struct faultio *fault = ctx;
    struct about about = {.call = FAULT_BOOT_ID, .file = -1};
    int result = refuse(fault, &about);

    if (result != 0)
        return result;
    result = fault->inner->boot_id(fault->inner->ctx, out_id);
    record(fault, &about, result, false);
    return result;
}

static uint64_t fault_wall_ns(void *ctx)
{
    const struct faultio *fault = ctx;

    return fault->inner->wall_ns(fault->inner->ctx);
}

static uint64_t fault_monotonic_ns(void *ctx)
{
    const struct faultio *fault = ctx;

    return fault->inner->monotonic_ns(fault->inner->ctx);
}

static void fault_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    const struct faultio *fault = ctx;

    fault->inner->wait(fault->inner->ctx, word, expected, timeout_ns);
}

static void fault_wake(void *ctx, const uint32_t *word)
{
    const struct faultio *fault = ctx;

    fault->inner->wake(fault->inner->ctx, word);
}

static void fault_sleep(void *ctx, uint64_t ns)
{
    const struct faultio *fault = ctx;

    fault->inner->sleep(fault->inner->ctx, ns);
}

void faultio_init(struct faultio *fault, const flume_io *inner)
{
    memset(fault, 0, sizeof *fault);
    fault->inner = inner;
    (void)pthread_mutex_init(&fault->mutex, NULL);
    fault->table = (flume_io){
        .ctx = fault,
        .open = fault_open,
        .close = fault_close,
        .pread = fault_pread,
        .pwrite = fault_pwrite,
        .allocate = fault_allocate,
        .punch = fault_punch,
        .sync = fault_sync,
        .stat = fault_stat,
        .map = fault_map,
        .unmap = fault_unmap,
        .lock = fault_lock,
        .lock_test = fault_lock_test,
        .rename = fault_rename,
        .unlink = fault_unlink,
        .make_directory = fault_make_directory,
        .sync_directory = fault_sync_directory,
        .list = fault_list,
        .file_system = fault_file_system,
        .wall_ns = fault_wall_ns,
        .monotonic_ns = fault_monotonic_ns,
        .random = fault_random,
        .boot_id = fault_boot_id,
        .wait = fault_wait,
        .wake = fault_wake,
        .sleep = fault_sleep,
    };
}

void faultio_deinit(struct faultio *fault)
{
    (void)pthread_mutex_destroy(&fault->mutex);
}

void faultio_plan(struct faultio *fault, struct fault_plan plan)
{
    (void)pthread_mutex_lock(&fault->mutex);
    fault->plan = plan;
    fault->seen = 0;
    fault->injected = 0;
    (void)pthread_mutex_unlock(&fault->mutex);
}

uint64_t faultio_heal(struct faultio *fault)
{
    uint64_t injected;

    (void)pthread_mutex_lock(&fault->mutex);
    injected = fault->injected;
    fault->plan = (struct fault_plan){0};
    (void)pthread_mutex_unlock(&fault->mutex);
    return injected;
}

const char *faultio_left_open(const struct faultio *fault)
{
    for (int i = 0; i < FAULT_FILES_MAX; i++) {
        if (fault->paths[i][0] != '\0')
            return fault->paths[i];
    }
    return "";
}

void faultio_print(const struct faultio *fault, FILE *stream)
{
    uint64_t from = fault->trace_count > FAULT_TRACE_CALLS ? fault->trace_count - FAULT_TRACE_CALLS
                                                           : 0;

    for (uint64_t i = from; i < fault->trace_count; i++) {
        const struct fault_trace *trace = &fault->trace[i % FAULT_TRACE_CALLS];

        (void)fprintf(stream, "%6llu %-14s %s at %llu, %llu bytes: %lld%s\n", (unsigned long long)i,
                      fault_call_name(trace->call), trace->path, (unsigned long long)trace->offset,
                      (unsigned long long)trace->bytes, (long long)trace->result,
                      trace->injected ? "  <- on demand" : "");
    }
}
