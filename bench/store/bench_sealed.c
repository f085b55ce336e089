/*
 * bench_sealed.c - get_sealed/RECORDS/..., scan_sealed/RECORDS/...: reading what is sealed.
 *
 * not_cached: gets at random, one of each block, so that each opens a block that the cache (16 MiB,
 * the default) does not have; the files are in the page cache. Its limit is what zstd alone takes
 * to unpack the very same blocks, in the same order, from a mapping of the files:
 * one_block_unpacked. A get also reads the block with pread, verifies it, and finds each grain in
 * it.
 *
 * cached: gets at random among the records of a few blocks, all of them in the cache.
 *
 * scan: a cursor over everything, each byte of each body gone through. Its limit: zstd alone, block
 * after block.
 */
#include "store_bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

/* From log/FORMAT.md: a block's header, and where the first one is. */
enum {
    BLOCK_FIRST_AT = 4096,
    BLOCK_FIRST_ORDINAL_AT = 12,
    BLOCK_STORED_AT = 16,
    BLOCK_RAW_AT = 20,
    BLOCK_CODEC_AT = 28,
    BLOCK_HEADER_BYTES = 32,
    CODEC_ZSTD = 1
};
enum {
    UNPACKED_MAX = 1 << 21,
    CACHE_BYTES = 16 << 20, /* The handle's, by default. */
    CACHE_TIMES = 4,        /* Of that, so that what is got at random is rarely in it. */
    CACHED_BYTES = 4 << 20,
    CACHED_GETS = 200000
};

struct block {
    const uint8_t *stored;
    uint32_t stored_bytes, raw_bytes;
    bool is_packed;
    uint64_t seq; /* Of its first record. */
};

struct mapping {
    void *data;
    size_t bytes;
};

struct sealed {
    struct bench *bench;
    const struct records *records;
    struct store store;
    struct mapping *mappings;
    size_t mapping_count;
    struct block *blocks;
    size_t block_count;
    uint32_t *order; /* Of the blocks, shuffled. */
    uint64_t total_sum;
    double total_bytes;
};

/* --- blocks, by the format -------------------------------------------------------------------- */

static uint32_t read_le32(const uint8_t *source)
{
    return (uint32_t)source[0] | (uint32_t)source[1] << 8 | (uint32_t)source[2] << 16 |
           (uint32_t)source[3] << 24;
}

static int map_strata(struct sealed *sealed, uint64_t first_seq, struct mapping *out_mapping)
{
    char *path = engine_path(sealed->store.path,
                             report_name("log/%020llu.strata", (unsigned long long)first_seq));
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct stat stat;

    *out_mapping = (struct mapping){.data = MAP_FAILED};
    if (fd >= 0 && fstat(fd, &stat) == 0) {
        out_mapping->bytes = (size_t)stat.st_size;
        out_mapping->data =
            mmap(NULL, out_mapping->bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    }
    if (fd >= 0)
        (void)close(fd);
    free(path);
    return out_mapping->data != MAP_FAILED ? 0 : bench_fail("cannot map a sealed strata");
}

static int list_blocks(struct sealed *sealed, const struct mapping *mapping,
                       const flume_strata_info *info)
{
    size_t count = sealed->block_count + info->block_count;
    struct block *blocks = realloc(sealed->blocks, (count + 1) * sizeof(*blocks));
    const uint8_t *data = mapping->data;
    size_t at = BLOCK_FIRST_AT;

    if (blocks == NULL)
        return bench_fail("no memory for blocks");
    sealed->blocks = blocks;
    while (sealed->block_count < count) {
        const uint8_t *header = data + at;
        struct block *block = &blocks[sealed->block_count++];

        if (at + BLOCK_HEADER_BYTES > mapping->bytes)
            return bench_fail("the blocks are not where they should be");
        block->stored = header + BLOCK_HEADER_BYTES;
        block->stored_bytes = read_le32(header + BLOCK_STORED_AT);
        block->raw_bytes = read_le32(header + BLOCK_RAW_AT);
        block->is_packed = header[BLOCK_CODEC_AT] == CODEC_ZSTD;
        block->seq = info->first_seq + read_le32(header + BLOCK_FIRST_ORDINAL_AT);
        at += (BLOCK_HEADER_BYTES + (size_t)block->stored_bytes + 7) / 8 * 8;
        if (at > mapping->bytes || block->raw_bytes > UNPACKED_MAX)
            return bench_fail("a block is larger than it can be");
    }
    return 0;
}

static int map_all(struct sealed *sealed)
{
    flume_log *log = sealed->store.log;
    flume_strata_info info;
    int status = 0;

    for (uint64_t seq = 0; status == 0 && seq < flume_log_head(log);
         seq = info.first_seq + info.records) {
        struct mapping *mappings =
            realloc(sealed->mappings, (sealed->mapping_count + 1) * sizeof(*mappings));

        if (mappings == NULL)
            return bench_fail("no memory for mappings");
        sealed->mappings = mappings;
        status = flume_log_strata(log, seq, &info);
        if (status != FLUME_OK)
            return store_fail(&sealed->store, "strata", status);
        status = map_strata(sealed, info.first_seq, &mappings[sealed->mapping_count]);
        if (status == 0)
            status = list_blocks(sealed, &mappings[sealed->mapping_count++], &info);
    }
    return status;
}

static int shuffle(struct sealed *sealed)
{
    uint64_t state = sealed->bench->seed;

    sealed->order = malloc(sealed->block_count * sizeof(*sealed->order));
    if (sealed->order == NULL)
        return bench_fail("no memory for an order");
    for (size_t i = 0; i < sealed->block_count; i++) {
        size_t j = (size_t)(random_next(&state) % (i + 1));

        sealed->order[i] = sealed->order[j];
        sealed->order[j] = (uint32_t)i;
    }
    return 0;
}

static int sealed_open(struct sealed *sealed)
{
    uint64_t count = sealed->bench->records;
    int status = store_create(sealed->bench, sealed->records, &sealed->store);

    if (sealed->records->kind != RECORDS_JSON_200)
        count /= 4;
    if (status == 0)
        status = store_fill_sealed(&sealed->store, NULL, count, NULL, NULL);
    for (uint64_t i = 0; status == 0 && i < count; i++)
        sealed->total_sum += sealed->store.sums[i];
    sealed->total_bytes = (double)records_bytes(sealed->records, count);
    if (status == 0)
        status = map_all(sealed);
    if (status == 0)
        status = shuffle(sealed);
    return status;
}

static void sealed_close(struct sealed *sealed)
{
    for (size_t i = 0; i < sealed->mapping_count; i++)
        (void)munmap(sealed->mappings[i].data, sealed->mappings[i].bytes);
    free(sealed->mappings);
    free(sealed->blocks);
    free(sealed->order);
    store_destroy(&sealed->store);
}

/* --- limits ----------------------------------------------------------------------------------- */

/* Unpack all blocks, in their order or shuffled, with zstd alone. */
static int unpack_all(const struct sealed *sealed, bool shuffled, uint64_t *out_ns)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    uint8_t *target = malloc(UNPACKED_MAX);
    uint64_t begun_ns = clock_ns();
    int status = context != NULL && target != NULL ? 0 : bench_fail("no memory");

    for (size_t i = 0; status == 0 && i < sealed->block_count; i++) {
        const struct block *block = &sealed->blocks[shuffled ? sealed->order[i] : i];

        if (!block->is_packed)
            memcpy(target, block->stored, block->raw_bytes);
        else if (ZSTD_decompressDCtx(context, target, UNPACKED_MAX, block->stored,
                                     block->stored_bytes) != block->raw_bytes)
            status = bench_fail("a block does not unpack");
    }
    *out_ns = clock_ns() - begun_ns;
    (void)ZSTD_freeDCtx(context);
    free(target);
    return status;
}

/* --- flume ------------------------------------------------------------------------------------ */

static int get_one(const struct sealed *sealed, uint64_t seq, uint64_t *io_sum)
{
    flume_record record;
    int status = flume_log_get(sealed->store.log, seq, &record);

    if (status != FLUME_OK)
        return store_fail(&sealed->store, "get", status);
    *io_sum += body_sum(record.body, record.body_bytes);
    flume_record_release(&record);
    return 0;
}

/* One record of each block. What they are is not compared here: the scan has compared them all. */
static int get_not_cached(const struct sealed *sealed, uint64_t *out_ns)
{
    uint64_t sum = 0, begun_ns = clock_ns();

    for (size_t i = 0; i < sealed->block_count; i++) {
        if (get_one(sealed, sealed->blocks[sealed->order[i]].seq, &sum) != 0)
            return -1;
    }
    *out_ns = clock_ns() - begun_ns;
    return 0;
}

static int get_cached(const struct sealed *sealed, uint64_t *io_state, uint64_t *out_ns)
{
    uint64_t count = CACHED_BYTES * sealed->store.count / (uint64_t)sealed->total_bytes;
    uint64_t sum = 0, expected = 0, begun_ns;
    uint32_t *places = malloc(CACHED_GETS * sizeof(*places));
    int status = places != NULL ? 0 : bench_fail("no memory for places");

    if (count > sealed->store.count)
        count = sealed->store.count;
    for (unsigned i = 0; status == 0 && i < CACHED_GETS; i++) {
        places[i] = (uint32_t)(random_next(io_state) % count);
        expected += sealed->store.sums[places[i]];
    }
    for (uint64_t i = 0; status == 0 && i < count; i++) /* Now they are in the cache. */
        status = get_one(sealed, sealed->store.seqs[i], &sum);
    sum = 0;
    begun_ns = clock_ns();
    for (unsigned i = 0; status == 0 && i < CACHED_GETS; i++)
        status = get_one(sealed, sealed->store.seqs[places[i]], &sum);
    *out_ns = clock_ns() - begun_ns;
    free(places);
    if (status == 0 && sum != expected)
        status = bench_fail("gets gave other bytes than were written");
    return status;
}

static int scan_all(const struct sealed *sealed, uint64_t *out_ns)
{
    flume_cursor *cursor = NULL;
    flume_record record;
    uint64_t count = 0, sum = 0, begun_ns = clock_ns();
    int status = flume_cursor_open(sealed->store.log, NULL, &cursor);

    while (status == FLUME_OK && (status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK) {
        if (record.kind == FLUME_KIND_MESSAGE) {
            sum += body_sum(record.body, record.body_bytes);
            count++;
        }
    }
    *out_ns = clock_ns() - begun_ns;
    flume_cursor_close(cursor);
    if (status != FLUME_END)
        return store_fail(&sealed->store, "cursor_next", status);
    if (count != sealed->store.count || sum != sealed->total_sum)
        return bench_fail("a scan gave other records than were written");
    return 0;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static const char *row_of(const struct sealed *sealed, const char *what, const char *who)
{
    return report_name("%s/%s/%s", what, sealed->records->name, who);
}

static void make_rows(const struct sealed *sealed)
{
    struct report *report = sealed->bench->report;
    const char *limit = row_of(sealed, "get_sealed", "limit_one_block_unpacked");
    const char *scan_limit = row_of(sealed, "scan_sealed", "limit_blocks_unpacked");

    report_row(report, limit, UNIT_RECORDS_PER_SECOND, NULL);
    report_row(report, row_of(sealed, "get_sealed", "not_cached"), UNIT_RECORDS_PER_SECOND, limit);
    report_row(report, row_of(sealed, "get_sealed", "cached"), UNIT_RECORDS_PER_SECOND, NULL);
    report_row(report, scan_limit, UNIT_BYTES_PER_SECOND, NULL);
    report_row(report, row_of(sealed, "scan_sealed", "flume"), UNIT_BYTES_PER_SECOND, scan_limit);
    if (sealed->records->kind !=
        RECORDS_RANDOM_1000) /* Those are not packed: no limit to speak of. */
        report_target(report, row_of(sealed, "get_sealed", "not_cached"), limit, TARGET_AT_LEAST,
                      0.8);
    report_target(report, row_of(sealed, "get_sealed", "cached"), NULL, TARGET_AT_LEAST, 2e6);
    report_target(report, row_of(sealed, "scan_sealed", "flume"), NULL, TARGET_AT_LEAST, 1e9);
}

static int run_round(const struct sealed *sealed, uint64_t *io_state, unsigned round)
{
    struct report *report = sealed->bench->report;
    double blocks = (double)sealed->block_count;
    uint64_t used_ns;

    if (scan_all(sealed, &used_ns) != 0)
        return -1;
    report_sample(report, row_of(sealed, "scan_sealed", "flume"), round,
                  sealed->total_bytes * 1e9 / (double)used_ns);
    if (unpack_all(sealed, false, &used_ns) != 0)
        return -1;
    report_sample(report, row_of(sealed, "scan_sealed", "limit_blocks_unpacked"), round,
                  sealed->total_bytes * 1e9 / (double)used_ns);
    if (unpack_all(sealed, true, &used_ns) != 0)
        return -1;
    report_sample(report, row_of(sealed, "get_sealed", "limit_one_block_unpacked"), round,
                  blocks * 1e9 / (double)used_ns);
    if (sealed->total_bytes < CACHE_TIMES * CACHE_BYTES) {
        report_note(report, row_of(sealed, "get_sealed", "not_cached"), "too few records");
    } else {
        if (get_not_cached(sealed, &used_ns) != 0)
            return -1;
        report_sample(report, row_of(sealed, "get_sealed", "not_cached"), round,
                      blocks * 1e9 / (double)used_ns);
    }
    if (get_cached(sealed, io_state, &used_ns) != 0)
        return -1;
    report_sample(report, row_of(sealed, "get_sealed", "cached"), round,
                  CACHED_GETS * 1e9 / (double)used_ns);
    return 0;
}

static int run_kind(struct bench *bench, enum record_kind kind)
{
    struct sealed sealed = {.bench = bench};
    uint64_t state = bench->seed;
    struct records records;
    int status = records_create(&records, kind, bench->seed);

    sealed.records = &records;
    if (status == 0)
        status = sealed_open(&sealed);
    if (status == 0)
        make_rows(&sealed);
    for (unsigned round = 0; status == 0 && round < bench->rounds; round++)
        status = run_round(&sealed, &state, round);
    sealed_close(&sealed);
    records_destroy(&records);
    return status;
}

/*
 * Expected, JSON of 200 B in blocks of 16 KiB: a block unpacks in 10 us, so 100 k gets/s at the
 * limit and 80 k with the rest; cached 2.5 M/s, two cache misses and a lookup in the cache each;
 * scans at 1 GB/s of bodies, of which unpacking takes two thirds. Random records are not packed:
 * what is left is copying and verifying.
 */
int bench_sealed(struct bench *bench)
{
    int status = 0;

    status |= run_kind(bench, RECORDS_JSON_200);
    status |= run_kind(bench, RECORDS_RANDOM_1000);
    return status;
}
