/*
 * bench_sort.c - sort/KEYS/WHO: rows a second put into a sorter and taken out of it in order.
 *
 * Every row that a view collects goes this way. Keys are those of the built-in views, values empty.
 * qsort is the C library's, of an array of rows of one size, with memcmp: it is given its rows and
 * asked for an array, so nothing is copied. spill: the budget holds an eighth of the rows.
 */
#include "bench.h"
#include "measure.h"
#include "sorter.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

enum { SORT_ROWS_FACTOR = 2, KEY_BYTES_MAX = 40, BATCH_ROWS = 5, BATCHES = 200000 };

enum keys { KEYS_HASHES, KEYS_LABELS, KEYS_IN_ORDER, KEYS_FEW, KEYS_COUNT };

static const char *const key_names[KEYS_COUNT] = {"hashes", "labels", "in_order", "few"};

struct sort {
    struct bench *bench;
    uint64_t rows;
    uint8_t *keys; /* KEY_BYTES_MAX apart. */
    uint8_t *key_bytes;
};

static uint8_t make_key(enum keys keys, uint64_t i, uint64_t *io_chance, uint8_t *target)
{
    uint64_t seq = htobe64(i);
    uint64_t number;
    int length;

    switch (keys) {
    case KEYS_HASHES:
        for (int word = 0; word < 4; word++) {
            number = random_next(io_chance);
            memcpy(target + 8 * word, &number, sizeof(number));
        }
        memcpy(target + 32, &seq, sizeof(seq));
        return 40;
    case KEYS_LABELS:
        length = snprintf((char *)target, KEY_BYTES_MAX - 8, "run/%u",
                          (unsigned)(random_next(io_chance) % 20));
        memcpy(target + length + 1, &seq, sizeof(seq));
        return (uint8_t)(length + 9);
    case KEYS_FEW:
        length = snprintf((char *)target, KEY_BYTES_MAX, "kind %u",
                          (unsigned)(random_next(io_chance) % 16));
        return (uint8_t)length;
    case KEYS_IN_ORDER:
    default:
        memcpy(target, &seq, sizeof(seq));
        return sizeof(seq);
    }
}

static void make_keys(struct sort *sort, enum keys keys)
{
    uint64_t chance = sort->bench->seed;

    memset(sort->keys, 0, sort->rows * KEY_BYTES_MAX);
    for (uint64_t i = 0; i < sort->rows; i++)
        sort->key_bytes[i] = make_key(keys, i, &chance, sort->keys + i * KEY_BYTES_MAX);
}

/* What comes out must be in order, each key once. */
static int take_all(struct sorter *sorter, uint64_t *out_rows)
{
    uint8_t last[KEY_BYTES_MAX];
    size_t last_bytes = 0;
    flume_bytes key, value;
    bool is_deleted;
    int status;

    *out_rows = 0;
    while ((status = sorter_next(sorter, &key, &value, &is_deleted)) == FLUME_OK) {
        size_t common = key.bytes < last_bytes ? key.bytes : last_bytes;
        int order = memcmp(last, key.data, common);

        if (*out_rows > 0 && (order > 0 || (order == 0 && last_bytes >= key.bytes)))
            return bench_fail("sorter: out of order");
        memcpy(last, key.data, key.bytes);
        last_bytes = key.bytes;
        *out_rows += 1;
    }
    return status == FLUME_END ? 0 : bench_fail("sorter: %s", flume_strerror(status));
}

static int put_rows(const struct sort *sort, struct sorter *sorter, uint64_t first, uint64_t count)
{
    int status = FLUME_OK;

    for (uint64_t i = first; status == FLUME_OK && i < first + count; i++)
        status = sorter_put(sorter, sort->keys + i * KEY_BYTES_MAX, sort->key_bytes[i], "", 0);
    if (status == FLUME_OK)
        status = sorter_sort(sorter);
    return status == FLUME_OK ? 0 : bench_fail("sorter: %s", flume_strerror(status));
}

static int run_sorter(struct sort *sort, const char *row, size_t budget_bytes, unsigned round)
{
    struct sorter_options options = {.budget_bytes = budget_bytes,
                                     .spill_directory = sort->bench->dir_path};
    struct sorter *sorter = NULL;
    uint64_t begun_ns, rows;
    int status = sorter_create(&options, &sorter);

    if (status != FLUME_OK)
        return bench_fail("sorter: %s", flume_strerror(status));
    wait_until_quiet(2000000000);
    begun_ns = clock_ns();
    status = put_rows(sort, sorter, 0, sort->rows);
    if (status == 0)
        status = take_all(sorter, &rows);
    if (status == 0)
        report_sample(sort->bench->report, row, round,
                      (double)sort->rows * 1e9 / (double)(clock_ns() - begun_ns));
    sorter_destroy(sorter);
    return status;
}

/* Small batches, one after the other, as of a view that is asked after each append. */
static int run_batches(struct sort *sort, const char *row, unsigned round)
{
    struct sorter_options options = {.budget_bytes = 1 << 20};
    struct sorter *sorter = NULL;
    uint64_t begun_ns, rows;
    int status = sorter_create(&options, &sorter);

    if (status != FLUME_OK)
        return bench_fail("sorter: %s", flume_strerror(status));
    begun_ns = clock_ns();
    for (uint64_t i = 0; status == 0 && i < BATCHES; i++) {
        status = put_rows(sort, sorter, i * BATCH_ROWS % (sort->rows - BATCH_ROWS), BATCH_ROWS);
        if (status == 0)
            status = take_all(sorter, &rows);
        sorter_clear(sorter);
    }
    if (status == 0)
        report_sample(sort->bench->report, row, round,
                      (double)(clock_ns() - begun_ns) * 1e-9 / BATCHES);
    sorter_destroy(sorter);
    return status;
}

static int by_key(const void *left, const void *right)
{
    return memcmp(left, right, KEY_BYTES_MAX);
}

static int run_qsort(struct sort *sort, const char *row, unsigned round)
{
    size_t bytes = sort->rows * KEY_BYTES_MAX;
    uint8_t *copy = malloc(bytes);
    uint64_t begun_ns;

    if (copy == NULL)
        return bench_fail("no memory for rows");
    memcpy(copy, sort->keys, bytes);
    wait_until_quiet(2000000000);
    begun_ns = clock_ns();
    qsort(copy, sort->rows, KEY_BYTES_MAX, by_key);
    report_sample(sort->bench->report, row, round,
                  (double)sort->rows * 1e9 / (double)(clock_ns() - begun_ns));
    free(copy);
    return 0;
}

static int run_keys(struct sort *sort, enum keys keys, unsigned round)
{
    const char *name = key_names[keys];
    size_t row_bytes = 80; /* A row of a hash, with its index. */
    int status;

    make_keys(sort, keys);
    status = run_qsort(sort, report_name("sort/%s/qsort", name), round);
    status |=
        run_sorter(sort, report_name("sort/%s/sorter", name), 2 * sort->rows * row_bytes, round);
    if (keys == KEYS_HASHES) {
        status |= run_sorter(sort, "sort/hashes/spill", sort->rows / 8 * row_bytes, round);
        status |= run_batches(sort, "sort/hashes/batch_of_5", round);
    }
    return status;
}

static void make_rows(struct report *report)
{
    for (unsigned keys = 0; keys < KEYS_COUNT; keys++) {
        const char *base = report_name("sort/%s/qsort", key_names[keys]);

        report_row(report, base, UNIT_RECORDS_PER_SECOND, NULL);
        report_row(report, report_name("sort/%s/sorter", key_names[keys]), UNIT_RECORDS_PER_SECOND,
                   base);
    }
    report_row(report, "sort/hashes/spill", UNIT_RECORDS_PER_SECOND, "sort/hashes/qsort");
    report_row(report, "sort/hashes/batch_of_5", UNIT_SECONDS, NULL);
    report_target(report, "sort/hashes/sorter", NULL, TARGET_AT_LEAST, 2e6 / 0.35);
}

/*
 * Expected, in rows a second: hashes 8 M (a twentieth of a microsecond each to put, to sort and to
 * fetch from where it lies), a fifth of that by qsort; labels 8 M, which come in order one label at
 * a time; in_order 14 M, looked at once and left as they are; few 13 M; spill 4 M, written and read
 * again; a batch of five 0.3 us.
 */
int bench_sort(struct bench *bench)
{
    struct sort sort = {.bench = bench, .rows = bench->records * SORT_ROWS_FACTOR};
    int status = 0;

    make_rows(bench->report);
    sort.keys = malloc(sort.rows * KEY_BYTES_MAX);
    sort.key_bytes = malloc(sort.rows);
    if (sort.keys == NULL || sort.key_bytes == NULL)
        status = bench_fail("no memory for keys");
    for (unsigned round = 0; status == 0 && round < bench->rounds; round++) {
        for (unsigned keys = 0; keys < KEYS_COUNT; keys++)
            status |= run_keys(&sort, (enum keys)keys, round);
    }
    free(sort.keys);
    free(sort.key_bytes);
    return status;
}
