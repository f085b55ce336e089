/*
 * test_seal_hashes.c - the hashes of a strata are those of its grains, however they come in
 * batches.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "seal_hashes.h"

enum { GRAINS = 3 * MERKLE_GROUP + 44, BODY_BYTES_MAX = 2100 };

struct strata_bytes {
    uint8_t *bytes;
    uint64_t offsets[GRAINS + 1];
    struct grain grains[GRAINS];
    struct merkle_hash bodies[GRAINS], leaves[GRAINS];
};

static int strata_setup(void **state)
{
    struct strata_bytes *strata = calloc(1, sizeof *strata);

    assert_non_null(strata);
    strata->bytes = calloc(GRAINS, GRAIN_HEADER_BYTES + BODY_BYTES_MAX + 64);
    assert_non_null(strata->bytes);
    for (uint32_t i = 0; i < GRAINS; i++) {
        uint8_t *target = strata->bytes + strata->offsets[i];
        struct grain grain = {.ordinal = i,
                              .time_ns = 1000 + i,
                              .body_bytes = i * 37 % BODY_BYTES_MAX,
                              .meta_bytes = (uint16_t)(i % 5 * 8),
                              .kind = FLUME_KIND_MESSAGE};

        grain_header_encode(target, &grain, i, 7, strata->offsets[i]);
        for (size_t j = 0; j < (size_t)grain.meta_bytes + grain.body_bytes; j++)
            target[GRAIN_HEADER_BYTES + j] = (uint8_t)(i * 31 + j);
        merkle_hash_bytes(grain_body(target, &grain), grain.body_bytes, &strata->bodies[i]);
        merkle_leaf(target, target + GRAIN_HEADER_BYTES, grain.meta_bytes, &strata->bodies[i],
                    &strata->leaves[i]);
        strata->grains[i] = grain;
        strata->offsets[i + 1] = strata->offsets[i] +
                                 grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
    *state = strata;
    return 0;
}

static int strata_teardown(void **state)
{
    struct strata_bytes *strata = *state;

    free(strata->bytes);
    free(strata);
    return 0;
}

/* Hash the first `count` grains in batches of `step` and compare all there is. */
static void expect_tree(const struct strata_bytes *strata, uint32_t count, uint32_t step)
{
    const flume_allocator *allocator = memory_default();
    struct seal_batch *batch = malloc(sizeof *batch);
    struct seal_tree *tree = malloc(sizeof *tree);
    struct merkle_hash root, expected;

    assert_non_null(batch);
    assert_non_null(tree);
    assert_true(seal_tree_begin(allocator, count, tree));
    for (uint32_t done = 0; done < count; done += batch->count) {
        batch->count = count - done < step ? count - done : step;
        batch->from = strata->offsets[done];
        batch->to = strata->offsets[done + batch->count];
        memcpy(batch->grains, strata->grains + done, batch->count * sizeof *batch->grains);
        memcpy(batch->offsets, strata->offsets + done, batch->count * sizeof *batch->offsets);
        seal_batch_hash(batch, strata->bytes + batch->from, tree);
        assert_memory_equal(batch->bodies, strata->bodies + done,
                            batch->count * sizeof *batch->bodies);
    }
    seal_tree_close(tree, &root);
    merkle_root(strata->leaves, count, &expected);
    assert_memory_equal(root.bytes, expected.bytes, sizeof root.bytes);
    assert_int_equal(tree->group_count, merkle_group_count(count));
    for (uint64_t group = 0; group < tree->group_count; group++) {
        merkle_root(strata->leaves + group * MERKLE_GROUP, merkle_group_leaves(count, group),
                    &expected);
        assert_memory_equal(tree->groups[group].bytes, expected.bytes, sizeof expected.bytes);
    }
    seal_tree_end(allocator, tree);
    free(batch);
    free(tree);
}

static void batches_of_any_size_give_the_same_tree(void **state)
{
    static const uint32_t steps[] = {1, 7, 100, MERKLE_GROUP - 1, MERKLE_GROUP};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        expect_tree(*state, GRAINS, steps[i]);
}

static void a_strata_may_end_anywhere_in_a_group(void **state)
{
    static const uint32_t counts[] = {1,
                                      2,
                                      255,
                                      MERKLE_GROUP,
                                      MERKLE_GROUP + 1,
                                      2 * MERKLE_GROUP - 1,
                                      2 * MERKLE_GROUP,
                                      3 * MERKLE_GROUP};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        expect_tree(*state, counts[i], 100);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_any_size_give_the_same_tree),
        cmocka_unit_test(a_strata_may_end_anywhere_in_a_group),
    };

    return cmocka_run_group_tests(tests, strata_setup, strata_teardown);
}
