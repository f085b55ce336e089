/*
 * test_sorter.c - rows come out of a sorter in order, each key once, whatever went in.
 *
 * The oracle is an array of all that was put, sorted with qsort and folded row by row. Budgets are
 * tiny, so that most tests meet dozens of runs and several merge passes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sorter.h"

enum {
    PATH_BYTES = 512,
    FILE_BYTES = 768,
    ROWS_MAX = 40000,
    FIXED_BYTES = 24 << 10, /* What a sorter takes beside its budget, at most, ... */
    RUN_BYTES = 160         /* ... and to remember a run, twice while merging. */
};

/* --- an allocator that counts, and refuses one call ------------------------------------------- */

struct counting {
    size_t calls, refuse_call; /* The call to refuse, from 1; 0: none. */
    size_t held_bytes, peak_bytes;
    size_t blocks;
};

union block {
    size_t bytes;
    max_align_t alignment;
};

static bool refuses(struct counting *counting)
{
    return ++counting->calls == counting->refuse_call;
}

static void hold(struct counting *counting, size_t bytes)
{
    counting->held_bytes += bytes;
    if (counting->held_bytes > counting->peak_bytes)
        counting->peak_bytes = counting->held_bytes;
}

static void *counting_resize(void *ctx, void *memory, size_t bytes)
{
    struct counting *counting = ctx;
    union block *block = memory == NULL ? NULL : (union block *)memory - 1;
    size_t old_bytes = block == NULL ? 0 : block->bytes;

    if (refuses(counting))
        return NULL;
    counting->blocks += block == NULL;
    block = realloc(block, sizeof *block + bytes);
    assert_non_null(block);
    block->bytes = bytes;
    counting->held_bytes -= old_bytes;
    hold(counting, bytes);
    return block + 1;
}

static void *counting_allocate(void *ctx, size_t bytes)
{
    return counting_resize(ctx, NULL, bytes);
}

static void counting_release(void *ctx, void *memory)
{
    struct counting *counting = ctx;

    if (memory == NULL)
        return;
    counting->held_bytes -= ((union block *)memory - 1)->bytes;
    counting->blocks--;
    free((union block *)memory - 1);
}

/* --- fixture ---------------------------------------------------------------------------------- */

struct put {
    uint8_t *key;
    uint8_t *value;
    size_t key_bytes, value_bytes;
    size_t number; /* Order of insertion. */
    bool is_delete;
};

struct sorter_fixture {
    char directory[PATH_BYTES];
    char text[FILE_BYTES];
    struct counting counting;
    flume_allocator allocator;
    struct sorter_options options;
    struct sorter *sorter;
    struct put *puts; /* The oracle. */
    size_t put_count;
    uint64_t seed, random;
};

static int setup(void **state)
{
    struct sorter_fixture *fx = calloc(1, sizeof *fx);
    const char *base = getenv("TMPDIR");

    assert_non_null(fx);
    (void)snprintf(fx->directory, sizeof fx->directory, "%s/flume-sorter-XXXXXX",
                   base != NULL ? base : ".");
    assert_non_null(mkdtemp(fx->directory));
    fx->allocator =
        (flume_allocator){counting_allocate, counting_resize, counting_release, &fx->counting};
    fx->options = (struct sorter_options){.budget_bytes = 1 << 20,
                                          .spill_directory = fx->directory,
                                          .name = "rows",
                                          .allocator = &fx->allocator};
    fx->puts = calloc(ROWS_MAX, sizeof *fx->puts);
    assert_non_null(fx->puts);
    *state = fx;
    return 0;
}

static void forget_puts(struct sorter_fixture *fx)
{
    for (size_t i = 0; i < fx->put_count; i++) {
        free(fx->puts[i].key);
        free(fx->puts[i].value);
    }
    fx->put_count = 0;
}

static void close_sorter(struct sorter_fixture *fx)
{
    sorter_destroy(fx->sorter);
    fx->sorter = NULL;
}

static size_t files(const struct sorter_fixture *fx)
{
    DIR *directory = opendir(fx->directory);
    size_t count = 0;

    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    assert_int_equal(closedir(directory), 0);
    return count;
}

static int teardown(void **state)
{
    struct sorter_fixture *fx = *state;
    DIR *directory;

    close_sorter(fx);
    forget_puts(fx);
    directory = opendir(fx->directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    (void)closedir(directory);
    (void)rmdir(fx->directory);
    free(fx->puts);
    free(fx);
    return 0;
}

static void open_sorter(struct sorter_fixture *fx)
{
    assert_null(fx->sorter);
    assert_int_equal(sorter_create(&fx->options, &fx->sorter), FLUME_OK);
}

static const char *run_file(struct sorter_fixture *fx, unsigned number)
{
    (void)snprintf(fx->text, sizeof fx->text, "%s/rows.run-%04u", fx->directory, number);
    return fx->text;
}

/* Destroy, and see that nothing is left: no memory, no file, no descriptor. */
static void expect_nothing_left(struct sorter_fixture *fx)
{
    int fd;

    close_sorter(fx);
    assert_int_equal(fx->counting.blocks, 0);
    assert_int_equal(fx->counting.held_bytes, 0);
    assert_int_equal(files(fx), 0);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_in_range(fd, 3, 15); /* cmocka and ctest hold a few of their own. */
    (void)close(fd);
}

static void seed_with(struct sorter_fixture *fx, uint64_t seed)
{
    fx->seed = seed;
    fx->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static uint64_t random_below(struct sorter_fixture *fx, uint64_t bound)
{
    uint64_t z = fx->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % bound;
}

/* --- putting, here and in the oracle ---------------------------------------------------------- */

static void *copy_of(const void *data, size_t bytes)
{
    void *copy = malloc(bytes + 1);

    assert_non_null(copy);
    memcpy(copy, data, bytes);
    return copy;
}

static void remember(struct sorter_fixture *fx, const void *key, size_t key_bytes,
                     const void *value, size_t value_bytes, bool is_delete)
{
    assert_true(fx->put_count < ROWS_MAX);
    fx->puts[fx->put_count] = (struct put){copy_of(key, key_bytes),
                                           copy_of(value, value_bytes),
                                           key_bytes,
                                           value_bytes,
                                           fx->put_count,
                                           is_delete};
    fx->put_count++;
}

static void put(struct sorter_fixture *fx, const void *key, size_t key_bytes, const void *value,
                size_t value_bytes)
{
    int status = sorter_put(fx->sorter, key, key_bytes, value, value_bytes);

    if (status != FLUME_OK)
        fail_msg("put: %d, seed %" PRIu64, status, fx->seed);
    remember(fx, key, key_bytes, value, value_bytes, false);
}

static void delete (struct sorter_fixture *fx, const void *key, size_t key_bytes)
{
    assert_int_equal(sorter_delete(fx->sorter, key, key_bytes), FLUME_OK);
    remember(fx, key, key_bytes, "", 0, true);
}

static void put_text(struct sorter_fixture *fx, const char *key, const char *value)
{
    put(fx, key, strlen(key), value, strlen(value));
}

static void put_number(struct sorter_fixture *fx, uint32_t number)
{
    uint8_t key[8] = {0,
                      0,
                      0,
                      0,
                      (uint8_t)(number >> 24),
                      (uint8_t)(number >> 16),
                      (uint8_t)(number >> 8),
                      (uint8_t)number};

    put(fx, key, sizeof key, &number, sizeof number);
}

static int compare_puts(const void *a, const void *b)
{
    const struct put *left = a;
    const struct put *right = b;
    size_t common = left->key_bytes < right->key_bytes ? left->key_bytes : right->key_bytes;
    int order = memcmp(left->key, right->key, common);

    if (order != 0)
        return order;
    if (left->key_bytes != right->key_bytes)
        return left->key_bytes < right->key_bytes ? -1 : 1;
    return left->number < right->number ? -1 : 1;
}

/* Joins values with a comma, so that order and grouping of what was merged show. */
static int merge_join(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                      void *target, size_t *out_bytes)
{
    (void)key;
    if (ctx != NULL && ++*(size_t *)ctx == 100)
        return FLUME_ERR_VIEW;
    *out_bytes = older.bytes + 1 + newer.bytes;
    if (*out_bytes > FLUME_MERGE_BYTES_MAX)
        return FLUME_ERR_TOO_LARGE;
    memcpy(target, older.data, older.bytes);
    ((char *)target)[older.bytes] = ',';
    memcpy((char *)target + older.bytes + 1, newer.data, newer.bytes);
    return FLUME_OK;
}

/* What is to come of puts[begin .. end), which are of one key. */
struct expected {
    uint8_t value[FLUME_VIEW_VALUE_BYTES_MAX];
    size_t value_bytes;
    bool has_value, is_deleted;
};

static void fold(const struct sorter_fixture *fx, size_t begin, size_t end, struct expected *out)
{
    out->has_value = false;
    out->is_deleted = false;
    out->value_bytes = 0;
    for (size_t i = begin; i < end; i++) {
        const struct put *put = &fx->puts[i];

        if (put->is_delete) {
            out->is_deleted = true;
            out->has_value = false;
            out->value_bytes = 0;
            continue;
        }
        if (fx->options.merge != NULL && out->has_value)
            out->value[out->value_bytes++] = ',';
        else
            out->value_bytes = 0;
        memcpy(out->value + out->value_bytes, put->value, put->value_bytes);
        out->value_bytes += put->value_bytes;
        out->has_value = true;
        if (fx->options.merge == NULL)
            out->is_deleted = false;
    }
}

/* Read to the end and compare with the oracle. */
static void expect_all(struct sorter_fixture *fx)
{
    struct expected *expected = calloc(1, sizeof *expected);
    flume_bytes key, value;
    bool is_deleted;
    size_t end;

    assert_non_null(expected);
    qsort(fx->puts, fx->put_count, sizeof *fx->puts, compare_puts);
    for (size_t begin = 0; begin < fx->put_count; begin = end) {
        const struct put *put = &fx->puts[begin];
        int status = sorter_next(fx->sorter, &key, &value, &is_deleted);

        end = begin + 1;
        while (end < fx->put_count && fx->puts[end].key_bytes == put->key_bytes &&
               memcmp(fx->puts[end].key, put->key, put->key_bytes) == 0)
            end++;
        fold(fx, begin, end, expected);
        if (status != FLUME_OK || key.bytes != put->key_bytes ||
            memcmp(key.data, put->key, key.bytes) != 0 || is_deleted != expected->is_deleted ||
            (value.data != NULL) != expected->has_value || value.bytes != expected->value_bytes ||
            (value.bytes > 0 && memcmp(value.data, expected->value, value.bytes) != 0))
            fail_msg("row %zu of %zu differs: status %d, seed %" PRIu64, begin, fx->put_count,
                     status, fx->seed);
    }
    assert_int_equal(sorter_next(fx->sorter, &key, &value, &is_deleted), FLUME_END);
    assert_int_equal(sorter_next(fx->sorter, &key, &value, &is_deleted), FLUME_END);
    free(expected);
}

static void sort_and_expect_all(struct sorter_fixture *fx)
{
    assert_int_equal(sorter_sort(fx->sorter), FLUME_OK);
    expect_all(fx);
}

static int drain(struct sorter_fixture *fx)
{
    flume_bytes key, value;
    bool is_deleted;
    int status;

    do
        status = sorter_next(fx->sorter, &key, &value, &is_deleted);
    while (status == FLUME_OK);
    return status;
}

/* --- random rows ------------------------------------------------------------------------------ */

enum shape {
    SHAPE_HASHES,   /* Random bytes and a number, no values. */
    SHAPE_LABELS,   /* A few texts, a zero byte, a number. */
    SHAPE_ZEROS,    /* Zero bytes and ones: keys that differ by their length alone. */
    SHAPE_FEW,      /* A handful of keys, many times. */
    SHAPE_PREFIXES, /* Long, and equal for hundreds of bytes. */
    SHAPE_NUMBERS,  /* Small numbers, eight bytes each, about sorted. */
    SHAPE_COUNT
};

static size_t make_key(struct sorter_fixture *fx, enum shape shape, size_t i, uint8_t key[600])
{
    size_t bytes;

    switch (shape) {
    case SHAPE_HASHES:
        for (size_t k = 0; k < 32; k++)
            key[k] = (uint8_t)random_below(fx, 256);
        memcpy(key + 32, &i, 8);
        return 40;
    case SHAPE_LABELS:
        bytes = (size_t)sprintf((char *)key, "run/%u", (unsigned)random_below(fx, 12)) + 1;
        for (size_t k = 0; k < 8; k++)
            key[bytes + k] = (uint8_t)(i >> 8 * (7 - k));
        return bytes + 8;
    case SHAPE_ZEROS:
        bytes = 1 + (size_t)random_below(fx, random_below(fx, 20) == 0 ? 511 : 20);
        for (size_t k = 0; k < bytes; k++)
            key[k] = random_below(fx, 30) == 0;
        return bytes;
    case SHAPE_FEW:
        return (size_t)sprintf((char *)key, "kind %u of few",
                               1u << random_below(fx, 5)); /* Of different lengths. */
    case SHAPE_PREFIXES:
        bytes = 500 - (size_t)random_below(fx, 3) * 70;
        memset(key, 'x', bytes);
        for (size_t k = 0; k < 11; k++)
            key[bytes++] = (uint8_t)('a' + random_below(fx, 3));
        return bytes;
    case SHAPE_NUMBERS:
    default:
        memset(key, 0, 8);
        i += random_below(fx, 300);
        key[6] = (uint8_t)(i >> 8);
        key[7] = (uint8_t)i;
        return 8;
    }
}

static void put_random(struct sorter_fixture *fx, enum shape shape, size_t count, bool with_deletes)
{
    uint8_t key[600];
    char value[16];

    for (size_t i = 0; i < count; i++) {
        size_t key_bytes = make_key(fx, shape, i, key);

        if (with_deletes && random_below(fx, 5) == 0) {
            delete (fx, key, key_bytes);
            continue;
        }
        (void)sprintf(value, "%zu", i % 100);
        put(fx, key, key_bytes, value, shape == SHAPE_HASHES ? 0 : strlen(value));
    }
}

/* Every shape with every budget: all in memory, some runs, dozens of runs and merge passes. */
static void sort_random(struct sorter_fixture *fx, uint64_t seed)
{
    static const size_t budgets[] = {16 << 20, 256 << 10, 64 << 10, 4 << 10};
    static const size_t counts[] = {1, 2, 5, 31, 33, 100, 700, 3000};

    for (unsigned i = 0; i < SHAPE_COUNT * 4; i++) {
        enum shape shape = (enum shape)(i % SHAPE_COUNT);
        size_t count, held_max;

        seed_with(fx, seed * 1000 + i);
        count = counts[random_below(fx, 8)];
        if (fx->options.merge != NULL && shape == SHAPE_FEW && count > 700)
            count = 700; /* What is merged stays within FLUME_MERGE_BYTES_MAX. */
        fx->options.budget_bytes = budgets[i / SHAPE_COUNT];
        fx->counting.peak_bytes = 0;
        open_sorter(fx);
        put_random(fx, shape, count, i % 3 == 0);
        sort_and_expect_all(fx);
        held_max = fx->options.budget_bytes + FIXED_BYTES + sorter_runs(fx->sorter) * RUN_BYTES;
        if (fx->counting.peak_bytes > held_max)
            fail_msg("%zu bytes at a budget of %zu, seed %" PRIu64, fx->counting.peak_bytes,
                     fx->options.budget_bytes, fx->seed);
        forget_puts(fx);
        expect_nothing_left(fx);
    }
}

static void random_rows_come_out_as_the_oracle_says(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        sort_random(*state, seed);
}

static void random_rows_are_merged_in_order_of_insertion(void **state)
{
    struct sorter_fixture *fx = *state;

    fx->options.merge = merge_join;
    for (uint64_t seed = 1; seed <= 40; seed++)
        sort_random(fx, seed);
}

static void many_rows_in_memory_come_out_as_the_oracle_says(void **state)
{
    struct sorter_fixture *fx = *state;

    fx->options.budget_bytes = 64 << 20;
    for (unsigned shape = 0; shape < SHAPE_COUNT; shape++) {
        seed_with(fx, shape);
        open_sorter(fx);
        put_random(fx, (enum shape)shape, ROWS_MAX, shape % 2 == 0);
        assert_int_equal(sorter_runs(fx->sorter), 0);
        sort_and_expect_all(fx);
        forget_puts(fx);
        expect_nothing_left(fx);
    }
}

/* --- small things ----------------------------------------------------------------------------- */

static void an_empty_sorter_is_at_its_end(void **state)
{
    struct sorter_fixture *fx = *state;

    open_sorter(fx);
    assert_int_equal(sorter_count(fx->sorter), 0);
    assert_int_equal(sorter_bytes(fx->sorter), 0);
    assert_int_equal(sorter_spill(fx->sorter), FLUME_OK);
    assert_int_equal(sorter_runs(fx->sorter), 0);
    sort_and_expect_all(fx);
    expect_nothing_left(fx);
}

static void rules_that_are_broken_are_named(void **state)
{
    static uint8_t key[FLUME_VIEW_KEY_BYTES_MAX + 1];
    static uint8_t value[FLUME_VIEW_VALUE_BYTES_MAX + 1];
    struct sorter_fixture *fx = *state;
    flume_bytes out_key, out_value;
    bool is_deleted;

    fx->options.name = "a/b";
    assert_int_equal(sorter_create(&fx->options, &fx->sorter), FLUME_ERR_INVALID);
    fx->options.name = "";
    assert_int_equal(sorter_create(&fx->options, &fx->sorter), FLUME_ERR_INVALID);
    fx->options.name = "rows";
    open_sorter(fx);
    assert_int_equal(sorter_put(fx->sorter, key, 0, value, 0), FLUME_ERR_INVALID);
    assert_int_equal(sorter_delete(fx->sorter, key, 0), FLUME_ERR_INVALID);
    assert_int_equal(sorter_put(fx->sorter, key, sizeof key, value, 0), FLUME_ERR_INVALID);
    assert_int_equal(sorter_put(fx->sorter, key, 1, value, sizeof value), FLUME_ERR_TOO_LARGE);
    assert_int_equal(sorter_next(fx->sorter, &out_key, &out_value, &is_deleted), FLUME_ERR_INVALID);
    assert_int_equal(sorter_sort(fx->sorter), FLUME_OK);
    assert_int_equal(sorter_put(fx->sorter, key, 1, value, 0), FLUME_ERR_INVALID);
    assert_int_equal(sorter_spill(fx->sorter), FLUME_ERR_INVALID);
    assert_int_equal(sorter_adopt(fx->sorter, 0), FLUME_ERR_INVALID);
    close_sorter(fx);
    fx->options.merge = merge_join;
    open_sorter(fx);
    assert_int_equal(sorter_put(fx->sorter, key, 1, value, FLUME_MERGE_BYTES_MAX + 1),
                     FLUME_ERR_TOO_LARGE);
    expect_nothing_left(fx);
}

static void the_greatest_keys_and_values_fit(void **state)
{
    struct sorter_fixture *fx = *state;
    uint8_t *value = calloc(1, FLUME_VIEW_VALUE_BYTES_MAX);
    uint8_t key[FLUME_VIEW_KEY_BYTES_MAX];

    assert_non_null(value);
    fx->options.budget_bytes = 16 << 10; /* Less than one of the values. */
    open_sorter(fx);
    for (uint8_t i = 0; i < 12; i++) {
        memset(key, 5 - i % 6, sizeof key);
        key[sizeof key - 1] = i;
        memset(value, i, FLUME_VIEW_VALUE_BYTES_MAX);
        put(fx, key, sizeof key, value, FLUME_VIEW_VALUE_BYTES_MAX - i);
        put(fx, key, sizeof key - 1, "", 0);
        put_number(fx, i);
    }
    assert_true(sorter_runs(fx->sorter) > 5);
    sort_and_expect_all(fx);
    /* While merging: two runs and what is written, a row each. */
    assert_true(fx->counting.peak_bytes < 4 * (FLUME_VIEW_VALUE_BYTES_MAX + 4096));
    free(value);
    expect_nothing_left(fx);
}

static void deletes_are_told_and_keep_apart_what_was_before(void **state)
{
    struct sorter_fixture *fx = *state;

    fx->options.merge = merge_join;
    for (unsigned spills = 0; spills < 2; spills++) {
        open_sorter(fx);
        put_text(fx, "a", "1");
        delete (fx, "b", 1);
        put_text(fx, "c", "1");
        put_text(fx, "d", "1");
        if (spills > 0)
            assert_int_equal(sorter_spill(fx->sorter), FLUME_OK);
        put_text(fx, "a", "2");
        delete (fx, "c", 1);
        delete (fx, "d", 1);
        put_text(fx, "d", "2");
        if (spills > 0)
            assert_int_equal(sorter_spill(fx->sorter), FLUME_OK);
        put_text(fx, "d", "3");
        sort_and_expect_all(fx); /* a: 1,2; b, c: deleted; d: deleted, then 2,3. */
        forget_puts(fx);
        expect_nothing_left(fx);
    }
}

static void rows_that_are_in_order_are_left_as_they_are(void **state)
{
    struct sorter_fixture *fx = *state;
    size_t blocks;

    open_sorter(fx);
    for (uint32_t i = 0; i < 5000; i++)
        put_number(fx, i / 2);
    blocks = fx->counting.calls;
    assert_int_equal(sorter_sort(fx->sorter), FLUME_OK);
    assert_int_equal(fx->counting.calls, blocks); /* No index was made. */
    expect_all(fx);
    expect_nothing_left(fx);
}

static void what_is_cleared_is_filled_again_without_allocating(void **state)
{
    struct sorter_fixture *fx = *state;
    size_t calls = 0;

    open_sorter(fx);
    for (unsigned round = 0; round < 50; round++) {
        seed_with(fx, round);
        if (round == 1)
            calls = fx->counting.calls;
        put_random(fx, SHAPE_HASHES, 100, false);
        assert_int_equal(sorter_count(fx->sorter), 100);
        assert_true(sorter_bytes(fx->sorter) >= 100 * 40);
        sort_and_expect_all(fx);
        forget_puts(fx);
        sorter_clear(fx->sorter);
        assert_int_equal(sorter_bytes(fx->sorter), 0);
    }
    /* Which rows lie in the largest heap differs: its memory may grow once or twice. */
    assert_in_range(fx->counting.calls - calls, 0, 2);
    expect_nothing_left(fx);
}

static void clearing_removes_runs(void **state)
{
    struct sorter_fixture *fx = *state;

    fx->options.budget_bytes = 16 << 10;
    open_sorter(fx);
    for (unsigned round = 0; round < 3; round++) {
        seed_with(fx, round);
        put_random(fx, SHAPE_LABELS, 4000, false);
        assert_true(sorter_runs(fx->sorter) > 3);
        assert_true(files(fx) == sorter_runs(fx->sorter));
        if (round != 1) /* Also without having been read. */
            sort_and_expect_all(fx);
        forget_puts(fx);
        sorter_clear(fx->sorter);
        assert_int_equal(files(fx), 0);
        assert_int_equal(sorter_count(fx->sorter), 0);
    }
    expect_nothing_left(fx);
}

static void large_and_small_rows_may_take_turns(void **state)
{
    static uint8_t value[40000];
    struct sorter_fixture *fx = *state;

    fx->options.budget_bytes = 64 << 10;
    open_sorter(fx);
    for (unsigned round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 3000; i++)
            put_number(fx, (i * 7919 + round) % 4001);
        put(fx, "large", 5, value, sizeof value);
    }
    /* After a large row the budget is again what small rows need, not a run for each. */
    assert_in_range(sorter_runs(fx->sorter), 4, 40);
    sort_and_expect_all(fx);
    assert_true(fx->counting.peak_bytes <
                fx->options.budget_bytes + FIXED_BYTES + 2 * sizeof value);
    expect_nothing_left(fx);
}

static void sorting_may_be_repeated(void **state)
{
    struct sorter_fixture *fx = *state;

    fx->options.budget_bytes = 8 << 10;
    seed_with(fx, 1);
    open_sorter(fx);
    put_random(fx, SHAPE_HASHES, 10000, false);
    assert_true(sorter_runs(fx->sorter) > SORTER_MERGE_RUNS_MAX);
    sort_and_expect_all(fx);
    sort_and_expect_all(fx);
    expect_nothing_left(fx);
}

/* --- runs left behind ------------------------------------------------------------------------- */

/* Leave runs as a process does that stops in the middle. The oracle knows what is in them. */
static unsigned leave_runs(struct sorter_fixture *fx)
{
    unsigned runs;

    fx->options.budget_bytes = 16 << 10;
    open_sorter(fx);
    put_random(fx, SHAPE_LABELS, 2000, true);
    assert_int_equal(sorter_spill(fx->sorter), FLUME_OK);
    runs = sorter_runs(fx->sorter);
    assert_true(runs > 3);
    sorter_keep_runs(fx->sorter);
    close_sorter(fx);
    assert_int_equal(files(fx), runs);
    return runs;
}

static void runs_of_an_earlier_process_are_adopted(void **state)
{
    struct sorter_fixture *fx = *state;
    unsigned runs;

    seed_with(fx, 5);
    runs = leave_runs(fx);
    open_sorter(fx);
    assert_int_equal(sorter_adopt(fx->sorter, runs), FLUME_OK);
    assert_int_equal(sorter_runs(fx->sorter), runs);
    put_random(fx, SHAPE_LABELS, 2000, true);
    sort_and_expect_all(fx);
    expect_nothing_left(fx);
}

static void what_is_beyond_the_adopted_runs_is_removed(void **state)
{
    struct sorter_fixture *fx = *state;
    static const char *const strangers[] = {"rows.run-0099", "rows.run-12345", "rows.merged-0007",
                                            "rows.run-9x",   "rows.run-",      "rows2.run-0099",
                                            "data.mdb"};

    seed_with(fx, 6);
    (void)leave_runs(fx);
    for (size_t i = 0; i < 7; i++) {
        FILE *file;

        (void)snprintf(fx->text, sizeof fx->text, "%s/%s", fx->directory, strangers[i]);
        file = fopen(fx->text, "w");
        assert_non_null(file);
        (void)fclose(file);
    }
    open_sorter(fx);
    assert_int_equal(sorter_adopt(fx->sorter, 2), FLUME_OK);
    assert_int_equal(sorter_runs(fx->sorter), 2);
    assert_int_equal(files(fx), 2 + 4); /* The last four are not runs of this sorter. */
    close_sorter(fx);
    assert_int_equal(files(fx), 4);
}

static void a_missing_run_is_not_adopted(void **state)
{
    struct sorter_fixture *fx = *state;
    unsigned runs;

    seed_with(fx, 7);
    runs = leave_runs(fx);
    open_sorter(fx);
    assert_int_equal(sorter_adopt(fx->sorter, runs + 1), FLUME_ERR_NOT_FOUND);
    assert_int_equal(sorter_runs(fx->sorter), 0);
    assert_int_equal(files(fx), runs);
    assert_int_equal(sorter_adopt(fx->sorter, 0), FLUME_OK);
    assert_int_equal(files(fx), 0);
    forget_puts(fx);
    sort_and_expect_all(fx);
    expect_nothing_left(fx);
}

static void flip_bit(const char *path, off_t at, unsigned bit)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1 << bit);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

/* Adopt and read all: where the damage is noticed. */
static int adopt_and_read(struct sorter_fixture *fx, unsigned runs)
{
    int status;

    open_sorter(fx);
    sorter_keep_runs(fx->sorter);
    status = sorter_adopt(fx->sorter, runs);
    if (status == FLUME_OK)
        status = sorter_sort(fx->sorter);
    if (status == FLUME_OK)
        status = drain(fx);
    close_sorter(fx);
    assert_int_equal(fx->counting.blocks, 0);
    return status;
}

static void every_flipped_bit_of_a_run_is_noticed(void **state)
{
    struct sorter_fixture *fx = *state;
    struct stat file;
    unsigned runs;

    seed_with(fx, 8);
    runs = leave_runs(fx);
    assert_int_equal(adopt_and_read(fx, runs), FLUME_END);
    assert_int_equal(stat(run_file(fx, 1), &file), 0);
    for (off_t at = 0; at < file.st_size; at++) {
        unsigned bit = (unsigned)random_below(fx, 8);

        if (at > 400 && at < file.st_size - 100 && at % 17 != 0)
            continue;
        flip_bit(run_file(fx, 1), at, bit);
        if (adopt_and_read(fx, runs) != FLUME_ERR_DAMAGED)
            fail_msg("byte %ld, bit %u: not noticed, seed %" PRIu64, (long)at, bit, fx->seed);
        flip_bit(run_file(fx, 1), at, bit);
    }
    assert_int_equal(adopt_and_read(fx, runs), FLUME_END);
}

static void every_cut_of_a_run_is_noticed(void **state)
{
    struct sorter_fixture *fx = *state;
    struct stat file;
    unsigned runs;

    seed_with(fx, 9);
    runs = leave_runs(fx);
    assert_int_equal(stat(run_file(fx, runs - 1), &file), 0);
    while (file.st_size > 0) {
        file.st_size -= 1 + (off_t)random_below(fx, 40);
        if (file.st_size < 0)
            file.st_size = 0;
        assert_int_equal(truncate(run_file(fx, runs - 1), file.st_size), 0);
        assert_int_equal(adopt_and_read(fx, runs), FLUME_ERR_DAMAGED);
    }
}

static void runs_that_changed_places_are_noticed(void **state)
{
    struct sorter_fixture *fx = *state;
    char other[FILE_BYTES];
    unsigned runs;

    seed_with(fx, 10);
    runs = leave_runs(fx);
    (void)snprintf(other, sizeof other, "%s/other", fx->directory);
    assert_int_equal(rename(run_file(fx, 0), other), 0);
    (void)snprintf(other, sizeof other, "%s", run_file(fx, 0));
    assert_int_equal(rename(run_file(fx, 1), other), 0);
    (void)snprintf(other, sizeof other, "%s/other", fx->directory);
    assert_int_equal(rename(other, run_file(fx, 1)), 0);
    assert_int_equal(adopt_and_read(fx, runs), FLUME_ERR_DAMAGED);
}

static void damage_between_writing_and_reading_is_noticed(void **state)
{
    struct sorter_fixture *fx = *state;
    flume_bytes key, value;
    bool is_deleted;

    fx->options.budget_bytes = 16 << 10;
    seed_with(fx, 11);
    open_sorter(fx);
    put_random(fx, SHAPE_HASHES, 2000, false);
    flip_bit(run_file(fx, 0), 3000, 0);
    assert_int_equal(sorter_sort(fx->sorter), FLUME_OK);
    assert_int_equal(drain(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(sorter_next(fx->sorter, &key, &value, &is_deleted), FLUME_ERR_INVALID);
    flip_bit(run_file(fx, 0), 3000, 0);
    sort_and_expect_all(fx); /* Nothing else has changed. */
    assert_int_equal(unlink(run_file(fx, 0)), 0);
    assert_int_equal(sorter_sort(fx->sorter), FLUME_ERR_DAMAGED);
    expect_nothing_left(fx);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void without_a_directory_the_budget_is_the_end(void **state)
{
    struct sorter_fixture *fx = *state;
    uint32_t i = 0;
    int status = FLUME_OK;

    fx->options.spill_directory = NULL;
    fx->options.budget_bytes = 64 << 10;
    open_sorter(fx);
    assert_int_equal(sorter_adopt(fx->sorter, 0), FLUME_OK);
    assert_int_equal(sorter_adopt(fx->sorter, 1), FLUME_ERR_NOT_FOUND);
    while (status == FLUME_OK) {
        uint32_t key = i * 2654435761u;

        status = sorter_put(fx->sorter, &key, sizeof key, &i, sizeof i);
        if (status == FLUME_OK)
            remember(fx, &key, sizeof key, &i, sizeof i, false);
        i++;
    }
    assert_int_equal(status, FLUME_ERR_NO_MEMORY);
    assert_true(i > (64 << 10) / 60); /* 16 bytes of row, 32 of index, and what a chunk has left. */
    assert_int_equal(sorter_spill(fx->sorter), FLUME_ERR_INVALID);
    sort_and_expect_all(fx); /* What was accepted is there. */
    assert_true(fx->counting.peak_bytes <= fx->options.budget_bytes + FIXED_BYTES);
    expect_nothing_left(fx);
}

static void a_directory_that_is_not_there_is_an_error(void **state)
{
    struct sorter_fixture *fx = *state;

    (void)snprintf(fx->text, sizeof fx->text, "%s/nowhere", fx->directory);
    fx->options.spill_directory = fx->text;
    open_sorter(fx);
    put_text(fx, "b", "1");
    put_text(fx, "a", "2");
    assert_int_equal(sorter_spill(fx->sorter), FLUME_ERR_IO);
    assert_int_equal(sorter_system_errno(fx->sorter), ENOENT);
    assert_int_equal(sorter_adopt(fx->sorter, 0), FLUME_ERR_INVALID);
    sort_and_expect_all(fx); /* In memory it still is. */
    expect_nothing_left(fx);
}

static void a_directory_that_may_not_be_written_is_an_error(void **state)
{
    struct sorter_fixture *fx = *state;

    if (geteuid() == 0) {
        print_message("skipped: root may write anywhere\n");
        skip();
    }
    open_sorter(fx);
    put_text(fx, "b", "1");
    assert_int_equal(chmod(fx->directory, 0500), 0);
    assert_int_equal(sorter_spill(fx->sorter), FLUME_ERR_ACCESS);
    assert_int_equal(chmod(fx->directory, 0700), 0);
    sort_and_expect_all(fx);
    expect_nothing_left(fx);
}

static void a_full_disk_loses_nothing(void **state)
{
    struct sorter_fixture *fx = *state;
    int status;

    if (access("/dev/full", W_OK) != 0) {
        print_message("skipped: no /dev/full\n");
        skip();
    }
    open_sorter(fx);
    put_text(fx, "b", "1");
    put_text(fx, "a", "2");
    assert_int_equal(symlink("/dev/full", run_file(fx, 0)), 0);
    status = sorter_spill(fx->sorter); /* The writing fails; the name, a link, is removed. */
    assert_int_equal(status, FLUME_ERR_FULL);
    assert_int_equal(sorter_system_errno(fx->sorter), ENOSPC);
    assert_int_equal(files(fx), 0);
    assert_int_equal(sorter_spill(fx->sorter), FLUME_OK);
    put_text(fx, "c", "3");
    sort_and_expect_all(fx);
    expect_nothing_left(fx);
}

static void a_file_size_limit_in_the_middle_of_a_pass_loses_nothing(void **state)
{
    struct sorter_fixture *fx = *state;
    struct rlimit limit, low;

    fx->options.budget_bytes = 8 << 10;
    seed_with(fx, 12);
    open_sorter(fx);
    put_random(fx, SHAPE_HASHES, 10000, false);
    assert_true(sorter_runs(fx->sorter) > SORTER_MERGE_RUNS_MAX);
    assert_int_equal(sorter_spill(fx->sorter), FLUME_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    low = limit;
    low.rlim_cur = 40000; /* A run fits, runs merged do not. */
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assert_int_equal(sorter_sort(fx->sorter), FLUME_ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(sorter_system_errno(fx->sorter), EFBIG);
    assert_int_equal(files(fx), sorter_runs(fx->sorter));
    sort_and_expect_all(fx);
    expect_nothing_left(fx);
}

static void an_error_of_merge_is_passed_on(void **state)
{
    struct sorter_fixture *fx = *state;

    for (size_t budget = 8 << 10; budget <= 8 << 20; budget <<= 10) {
        size_t merges = 0;
        int status = FLUME_OK;

        seed_with(fx, budget);
        fx->options.merge = merge_join;
        fx->options.merge_ctx = &merges;
        fx->options.budget_bytes = budget;
        open_sorter(fx);
        for (unsigned i = 0; i < 500 && status == FLUME_OK; i++)
            status = sorter_put(fx->sorter, &(uint8_t){(uint8_t)(i * 7 % 5)}, 1, "x", 1);
        if (status == FLUME_OK)
            status = sorter_sort(fx->sorter);
        if (status == FLUME_OK)
            status = drain(fx);
        assert_int_equal(status, FLUME_ERR_VIEW);
        expect_nothing_left(fx);
    }
}

/* Put, delete, spill, merge in passes, clear and put again; the first error ends it. */
static int work(struct sorter_fixture *fx)
{
    uint8_t key[600];
    int status = sorter_create(&fx->options, &fx->sorter);

    for (unsigned round = 0; round < 2 && status == FLUME_OK; round++) {
        for (size_t i = 0; i < 4000 && status == FLUME_OK; i++) {
            size_t key_bytes = make_key(fx, i % 100 == 0 ? SHAPE_PREFIXES : SHAPE_LABELS, i, key);

            status = i % 7 == 0 ? sorter_delete(fx->sorter, key, key_bytes)
                                : sorter_put(fx->sorter, key, key_bytes, "value", 5);
        }
        if (status == FLUME_OK)
            status = sorter_sort(fx->sorter);
        if (status == FLUME_OK && (status = drain(fx)) == FLUME_END)
            status = FLUME_OK;
        if (status == FLUME_OK)
            sorter_clear(fx->sorter);
    }
    return status;
}

static void every_refused_allocation_is_an_error_and_leaks_nothing(void **state)
{
    static const size_t budgets[] = {4 << 10, 32 << 10, 4 << 20};
    struct sorter_fixture *fx = *state;

    for (size_t i = 0; i < 3; i++) {
        int status = FLUME_ERR_NO_MEMORY;
        size_t step = 1;

        fx->options.budget_bytes = budgets[i];
        /* The first hundred and then ever fewer: most of the thousands are of one place. */
        for (size_t refuse = 1; status != FLUME_OK; refuse += step) {
            seed_with(fx, refuse);
            fx->counting.calls = 0;
            fx->counting.refuse_call = refuse;
            status = work(fx);
            fx->counting.refuse_call = 0;
            if (status != FLUME_OK && status != FLUME_ERR_NO_MEMORY)
                fail_msg("allocation %zu refused: status %d", refuse, status);
            expect_nothing_left(fx);
            step = 1 + refuse / 100;
        }
    }
}

static void after_a_refused_allocation_work_goes_on(void **state)
{
    struct sorter_fixture *fx = *state;

    fx->options.budget_bytes = 32 << 10;
    for (size_t refuse = 1; refuse <= 30; refuse++) {
        seed_with(fx, refuse);
        open_sorter(fx);
        fx->counting.calls = 0;
        fx->counting.refuse_call = refuse;
        for (uint32_t i = 0; i < 3000; i++) {
            uint32_t key = i * 2654435761u;
            int status = sorter_put(fx->sorter, &key, sizeof key, &i, sizeof i);

            if (status == FLUME_ERR_NO_MEMORY)
                status = sorter_put(fx->sorter, &key, sizeof key, &i, sizeof i);
            assert_int_equal(status, FLUME_OK);
            remember(fx, &key, sizeof key, &i, sizeof i, false);
        }
        if (sorter_sort(fx->sorter) != FLUME_OK)
            assert_int_equal(sorter_sort(fx->sorter), FLUME_OK);
        expect_all(fx);
        fx->counting.refuse_call = 0;
        forget_puts(fx);
        expect_nothing_left(fx);
    }
}

#define sorter_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        sorter_test(an_empty_sorter_is_at_its_end),
        sorter_test(rules_that_are_broken_are_named),
        sorter_test(random_rows_come_out_as_the_oracle_says),
        sorter_test(random_rows_are_merged_in_order_of_insertion),
        sorter_test(many_rows_in_memory_come_out_as_the_oracle_says),
        sorter_test(the_greatest_keys_and_values_fit),
        sorter_test(deletes_are_told_and_keep_apart_what_was_before),
        sorter_test(rows_that_are_in_order_are_left_as_they_are),
        sorter_test(what_is_cleared_is_filled_again_without_allocating),
        sorter_test(clearing_removes_runs),
        sorter_test(large_and_small_rows_may_take_turns),
        sorter_test(sorting_may_be_repeated),
        sorter_test(runs_of_an_earlier_process_are_adopted),
        sorter_test(what_is_beyond_the_adopted_runs_is_removed),
        sorter_test(a_missing_run_is_not_adopted),
        sorter_test(every_flipped_bit_of_a_run_is_noticed),
        sorter_test(every_cut_of_a_run_is_noticed),
        sorter_test(runs_that_changed_places_are_noticed),
        sorter_test(damage_between_writing_and_reading_is_noticed),
        sorter_test(without_a_directory_the_budget_is_the_end),
        sorter_test(a_directory_that_is_not_there_is_an_error),
        sorter_test(a_directory_that_may_not_be_written_is_an_error),
        sorter_test(a_full_disk_loses_nothing),
        sorter_test(a_file_size_limit_in_the_middle_of_a_pass_loses_nothing),
        sorter_test(an_error_of_merge_is_passed_on),
        sorter_test(every_refused_allocation_is_an_error_and_leaks_nothing),
        sorter_test(after_a_refused_allocation_work_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
