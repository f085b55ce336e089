/*
 * bench_blob.c - blob_put/DATA/..., blob_put_known/..., blob_get/..., blob_memory/...: content in
 * and out by hash.
 *
 * One blob, streamed from memory in pieces of a MiB, as `flume blob put` reads it. DATA: json,
 * lines of a log, which shrink to a quarter; random, which does not shrink. flume: fixed chunks;
 * flume_cdc: content-defined ones. Each round puts another content, so that nothing of it is known;
 * then the same again; then reads it.
 *
 * Limits, on one thread, a MiB at a time, from memory to memory: zstd (level 3) and BLAKE3 together
 * for what is new; BLAKE3 alone for what is known; unpacking and BLAKE3 for what is read. flume
 * hashes twice what is new: each chunk, and the whole.
 */
#include "store_bench.h"
#include "watch.h"

#include <errno.h>
#include <stdlib.h>

#include <zstd.h>

enum {
    BYTES_FACTOR = 128, /* Of a blob, for each record of other benchmarks. */
    PIECE_BYTES = 1 << 20,
    LIMIT_PIECE_BYTES = 1 << 20,
    LIMIT_LEVEL = 3,
    FIXED = 0,
    CONTENT_DEFINED = 1,
    WAYS = 2
};
#define MEMORY_MAX ((double)(32 << 20))

enum data_kind { DATA_JSON, DATA_RANDOM, DATA_KINDS };
static const char *const data_names[DATA_KINDS] = {"json", "random"};
static const char *const way_names[WAYS] = {"flume", "flume_cdc"};

struct blob_run {
    struct bench *bench;
    enum data_kind kind;
    uint8_t *content;
    size_t bytes;
    double put_bytes, get_bytes; /* The most memory. */
};

/* --- content ---------------------------------------------------------------------------------- */

static void make_json(struct blob_run *run, const struct records *records, unsigned round)
{
    uint64_t number = (uint64_t)round << 32;
    uint8_t line[RECORD_BYTES_MAX];

    for (size_t at = 0; at < run->bytes;) {
        size_t bytes = record_make(records, number++, line);

        line[bytes++] = '\n';
        if (bytes > run->bytes - at)
            bytes = run->bytes - at;
        memcpy(run->content + at, line, bytes);
        at += bytes;
    }
}

static int make_content(struct blob_run *run, unsigned round)
{
    uint64_t state = run->bench->seed + ((uint64_t)round << 32);
    struct records records;
    int status = 0;

    if (run->kind == DATA_JSON) {
        status = records_create(&records, RECORDS_JSON_200, state);
        if (status == 0)
            make_json(run, &records, round);
        records_destroy(&records);
        return status;
    }
    for (size_t at = 0; at + sizeof(uint64_t) <= run->bytes; at += sizeof(uint64_t)) {
        uint64_t word = random_next(&state);

        memcpy(run->content + at, &word, sizeof(word));
    }
    return 0;
}

/* --- time ------------------------------------------------------------------------------------- */

/* By the clock, and of this thread's processor time: on a machine that others use, the latter alone
 * says what something costs. Second threads' time is not in it. */
struct spent {
    uint64_t ns, cpu_ns;
};

static struct spent spent_now(void)
{
    return (struct spent){.ns = clock_ns(), .cpu_ns = thread_cpu_ns()};
}

/* Add what was spent since, and begin anew. */
static void spend(struct spent *io_sum, struct spent *io_since)
{
    struct spent now = spent_now();

    io_sum->ns += now.ns - io_since->ns;
    io_sum->cpu_ns += now.cpu_ns - io_since->cpu_ns;
    *io_since = now;
}

static struct spent together(struct spent one, struct spent other)
{
    return (struct spent){.ns = one.ns + other.ns, .cpu_ns = one.cpu_ns + other.cpu_ns};
}

/* --- limits ----------------------------------------------------------------------------------- */

struct limits {
    struct spent hash, pack, unpack;
};

static int limits_once(const struct blob_run *run, struct limits *out_limits)
{
    size_t room = ZSTD_compressBound(LIMIT_PIECE_BYTES);
    uint8_t *packed = malloc(room), *target = malloc(LIMIT_PIECE_BYTES);
    ZSTD_CCtx *packing = ZSTD_createCCtx();
    ZSTD_DCtx *unpacking = ZSTD_createDCtx();
    struct limits limits = {.hash = {0}};
    int status = packed != NULL && target != NULL && packing != NULL && unpacking != NULL
                     ? 0
                     : bench_fail("no memory");

    for (size_t at = 0; status == 0 && at < run->bytes; at += LIMIT_PIECE_BYTES) {
        size_t left = run->bytes - at;
        size_t bytes = left < LIMIT_PIECE_BYTES ? left : LIMIT_PIECE_BYTES;
        struct spent since = spent_now();
        uint8_t hash[FLUME_HASH_BYTES];
        size_t packed_bytes;

        flume_hash(run->content + at, bytes, hash);
        spend(&limits.hash, &since);
        packed_bytes =
            ZSTD_compressCCtx(packing, packed, room, run->content + at, bytes, LIMIT_LEVEL);
        spend(&limits.pack, &since);
        if (ZSTD_isError(packed_bytes) || ZSTD_decompressDCtx(unpacking, target, LIMIT_PIECE_BYTES,
                                                              packed, packed_bytes) != bytes)
            status = bench_fail("zstd does not give back what it was given");
        spend(&limits.unpack, &since);
    }
    (void)ZSTD_freeCCtx(packing);
    (void)ZSTD_freeDCtx(unpacking);
    free(packed);
    free(target);
    *out_limits = limits;
    return status;
}

/* --- flume ------------------------------------------------------------------------------------ */

static int blob_fail(flume *handle, const char *what, int status)
{
    flume_error error = {0};

    flume_last_error(handle, &error);
    errno = 0;
    return bench_fail("flume: %s: %s: %s", what, flume_strerror(status), error.message);
}

static int put_once(const struct blob_run *run, flume *handle, unsigned way,
                    struct spent *out_spent, flume_blob_result *out_result)
{
    flume_blob_options options = {.chunking = way == FIXED ? FLUME_BLOB_FIXED
                                                           : FLUME_BLOB_CONTENT_DEFINED};
    flume_blob_writer *writer = NULL;
    struct spent since = spent_now();
    int status = flume_blob_writer_open(handle, &options, &writer);

    for (size_t at = 0; status == FLUME_OK && at < run->bytes; at += PIECE_BYTES) {
        size_t left = run->bytes - at;

        status = flume_blob_writer_write(writer, run->content + at,
                                         left < PIECE_BYTES ? left : PIECE_BYTES);
    }
    if (status == FLUME_OK)
        status = flume_blob_writer_finish(writer, out_result);
    else
        flume_blob_writer_abort(writer);
    *out_spent = (struct spent){0};
    spend(out_spent, &since);
    return status == FLUME_OK ? 0 : blob_fail(handle, "blob_put", status);
}

/* Read all, and sum it up as it was. */
static int get_once(const struct blob_run *run, flume *handle, const uint8_t hash[FLUME_HASH_BYTES],
                    struct spent *out_spent)
{
    uint8_t *target = malloc(PIECE_BYTES);
    flume_blob_reader *reader = NULL;
    struct spent since = spent_now();
    size_t bytes = 0;
    int status = target != NULL ? flume_blob_reader_open(handle, NULL, hash, &reader)
                                : FLUME_ERR_NO_MEMORY;

    *out_spent = (struct spent){0};
    for (size_t at = 0; status == FLUME_OK && at < run->bytes; at += bytes) {
        status = flume_blob_reader_read(reader, at, target, PIECE_BYTES, &bytes);
        spend(out_spent, &since);
        if (status == FLUME_OK && (bytes == 0 || memcmp(target, run->content + at, bytes) != 0))
            status = FLUME_ERR_DAMAGED;
        since = spent_now();
    }
    flume_blob_reader_close(reader);
    free(target);
    return status == FLUME_OK ? 0 : blob_fail(handle, "blob_get", status);
}

/* --- rounds ----------------------------------------------------------------------------------- */

static const char *row_of(const struct blob_run *run, const char *what, const char *who)
{
    return report_name("%s/%s/%s", what, data_names[run->kind], who);
}

static void sample(const struct blob_run *run, const char *what, const char *who, unsigned round,
                   struct spent spent)
{
    struct report *report = run->bench->report;
    double bytes = (double)run->bytes * 1e9;

    report_sample(report, row_of(run, what, who), round, bytes / (double)spent.ns);
    report_sample(report, row_of(run, what, report_name("%s_cpu", who)), round,
                  bytes / (double)spent.cpu_ns);
}

static int sample_limits(const struct blob_run *run, unsigned round)
{
    struct limits limits;

    if (limits_once(run, &limits) != 0)
        return -1;
    sample(run, "blob_put", "limit_zstd_blake3", round, together(limits.hash, limits.pack));
    sample(run, "blob_put_known", "limit_blake3", round, limits.hash);
    sample(run, "blob_get", "limit_unzstd_blake3", round, together(limits.hash, limits.unpack));
    return 0;
}

/* Making the second log waits some 25 times for the disk, once for a basin: a first blob does
 * that. */
static int make_second_log(flume *handle)
{
    size_t bytes = FLUME_BLOB_INLINE_BYTES_MAX + 1;
    uint8_t *zeros = calloc(1, bytes);
    int status = zeros != NULL ? flume_blob_put(handle, zeros, bytes, NULL, NULL)
                               : FLUME_ERR_NO_MEMORY;

    free(zeros);
    return status == FLUME_OK ? 0 : blob_fail(handle, "the second log", status);
}

/* Put what is new, put it again, read it. */
static int use_basin(struct blob_run *run, flume *handle, unsigned way, unsigned round)
{
    const char *who = way_names[way];
    flume_blob_result first, again;
    struct watch watch;
    struct spent spent;
    double most_bytes;
    int status;

    if (watch_begin(&watch) != 0)
        return -1;
    status = put_once(run, handle, way, &spent, &first);
    most_bytes = watch_end(&watch);
    if (status != 0)
        return status;
    run->put_bytes = most_bytes > run->put_bytes ? most_bytes : run->put_bytes;
    sample(run, "blob_put", who, round, spent);
    if (put_once(run, handle, way, &spent, &again) != 0)
        return -1;
    if (again.chunks_new != 0 || memcmp(again.hash, first.hash, sizeof(first.hash)) != 0)
        return bench_fail("what was put before is not known");
    sample(run, "blob_put_known", who, round, spent);
    if (watch_begin(&watch) != 0)
        return -1;
    status = get_once(run, handle, first.hash, &spent);
    most_bytes = watch_end(&watch);
    run->get_bytes = most_bytes > run->get_bytes ? most_bytes : run->get_bytes;
    if (status == 0)
        sample(run, "blob_get", who, round, spent);
    return status;
}

static int run_way(struct blob_run *run, unsigned way, unsigned round)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_CREATE}};
    char *dir_path = bench_directory(run->bench);
    char *path = dir_path != NULL ? engine_path(dir_path, "blob.flume") : NULL;
    flume_error error = {0};
    flume *handle = NULL;
    int status = path != NULL ? 0 : -1;

    if (status == 0 && flume_open(&handle, path, &options, &error) != FLUME_OK)
        status = bench_fail("flume: open: %s", error.message);
    if (status == 0)
        status = make_second_log(handle);
    if (status == 0) {
        settle_file_system(run->bench->dir_path);
        status = use_basin(run, handle, way, round);
    }
    if (flume_close(handle) != FLUME_OK && status == 0)
        status = bench_fail("flume: close failed");
    bench_directory_remove(dir_path);
    free(path);
    return status;
}

/* A limit, and each way beside it. */
static void make_row(const struct blob_run *run, const char *what, const char *limit_name,
                     const char *clock)
{
    struct report *report = run->bench->report;
    const char *limit = row_of(run, what, report_name("%s%s", limit_name, clock));

    report_row(report, limit, UNIT_BYTES_PER_SECOND, NULL);
    for (unsigned way = 0; way < WAYS; way++)
        report_row(report, row_of(run, what, report_name("%s%s", way_names[way], clock)),
                   UNIT_BYTES_PER_SECOND, limit);
}

static void make_rows(const struct blob_run *run)
{
    static const struct {
        const char *what, *limit;
    } figures[] = {{"blob_put", "limit_zstd_blake3"},
                   {"blob_put_known", "limit_blake3"},
                   {"blob_get", "limit_unzstd_blake3"}};
    struct report *report = run->bench->report;

    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        for (unsigned by_cpu = 0; by_cpu < 2; by_cpu++)
            make_row(run, figures[i].what, figures[i].limit, by_cpu == 0 ? "" : "_cpu");
    }
    report_row(report, row_of(run, "blob_memory", "put"), UNIT_BYTES, NULL);
    report_row(report, row_of(run, "blob_memory", "get"), UNIT_BYTES, NULL);
    report_target(report, row_of(run, "blob_put", "flume"),
                  row_of(run, "blob_put", "limit_zstd_blake3"), TARGET_AT_LEAST, 0.6);
    report_target(report, row_of(run, "blob_put_known", "flume"), NULL, TARGET_AT_LEAST, 1.5e9);
    report_target(report, row_of(run, "blob_get", "flume"), NULL, TARGET_AT_LEAST, 1e9);
    report_target(report, row_of(run, "blob_memory", "put"), NULL, TARGET_AT_MOST, MEMORY_MAX);
    report_target(report, row_of(run, "blob_memory", "get"), NULL, TARGET_AT_MOST, MEMORY_MAX);
}

static int run_kind(struct bench *bench, enum data_kind kind)
{
    struct blob_run run = {.bench = bench, .kind = kind};
    int status = 0;

    run.bytes = (size_t)bench->records * BYTES_FACTOR;
    run.content = malloc(run.bytes);
    if (run.content == NULL)
        return bench_fail("no memory for %zu bytes", run.bytes);
    make_rows(&run);
    for (unsigned round = 0; status == 0 && round < bench->rounds; round++) {
        status = make_content(&run, round);
        if (status == 0)
            status = sample_limits(&run, round);
        for (unsigned way = 0; status == 0 && way < WAYS; way++)
            status = run_way(&run, way, round);
    }
    report_sample(bench->report, row_of(&run, "blob_memory", "put"), 0, run.put_bytes);
    report_sample(bench->report, row_of(&run, "blob_memory", "get"), 0, run.get_bytes);
    free(run.content);
    return status;
}

/*
 * Expected: json is put at the limit, as zstd (280 MB/s) takes most of the time and the whole is
 * hashed beside it; random at two thirds, since it is copied into new pages of the log. What is
 * known costs one hash of each chunk on this thread, 3 GB/s, and one of the whole on the other;
 * content-defined chunks roll a byte at a time, 1.5 GB/s by themselves, and make that 0.9. Reading:
 * json at 1.3 times what one thread unpacks and hashes, random at 3 GB/s. Memory: a batch and its
 * packed form, two chunks, contexts of zstd, the clasts: 14 MiB.
 */
int bench_blob(struct bench *bench)
{
    int status = 0;

    for (unsigned kind = 0; kind < DATA_KINDS; kind++)
        status |= run_kind(bench, (enum data_kind)kind);
    return status;
}
