/*
 * test_merkle.c - the tree is the one that RFC 9162 defines, and its proofs prove.
 *
 * The definition stands here once more as the RFC writes it, recursively over a list of leaves,
 * with the program's own hash of bytes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "flume/find.h"
#include "grain.h"
#include "merkle.h"

enum { LEAF_COUNT_MAX = 1100, GROUP_COUNT_MAX = LEAF_COUNT_MAX / MERKLE_GROUP + 1 };

/* As many leaves as a test may want, and room for the nodes of their groups. */
struct forest {
    struct merkle_hash leaves[LEAF_COUNT_MAX];
    struct merkle_hash groups[GROUP_COUNT_MAX];
    size_t group_count;
};

static int forest_setup(void **state)
{
    struct forest *forest = calloc(1, sizeof *forest);

    assert_non_null(forest);
    for (unsigned i = 0; i < LEAF_COUNT_MAX; i++) {
        uint8_t number[4];

        put_le32(number, i);
        flume_hash(number, sizeof number, forest->leaves[i].bytes);
    }
    *state = forest;
    return 0;
}

static int forest_teardown(void **state)
{
    free(*state);
    return 0;
}

/* --- The definition --- */

static struct merkle_hash naive_inner(const struct merkle_hash *left,
                                      const struct merkle_hash *right)
{
    uint8_t input[65] = {1};
    struct merkle_hash node;

    memcpy(input + 1, left, 32);
    memcpy(input + 33, right, 32);
    flume_hash(input, sizeof input, node.bytes);
    return node;
}

/* k, "the largest power of two smaller than n". */
static size_t naive_split(size_t count)
{
    size_t split = 1;

    while (split * 2 < count)
        split *= 2;
    return split;
}

static struct merkle_hash naive_root(const struct merkle_hash *leaves, size_t count)
{
    struct merkle_hash left, right;
    size_t split = naive_split(count);

    if (count == 0)
        flume_hash("", 0, left.bytes);
    if (count == 0)
        return left;
    if (count == 1)
        return leaves[0];
    left = naive_root(leaves, split);
    right = naive_root(leaves + split, count - split);
    return naive_inner(&left, &right);
}

static void naive_path(const struct merkle_hash *leaves, size_t count, size_t index,
                       struct merkle_path *path)
{
    size_t split = naive_split(count);

    if (count == 1)
        return;
    if (index < split) {
        naive_path(leaves, split, index, path);
        path->hashes[path->count++] = naive_root(leaves + split, count - split);
    } else {
        naive_path(leaves + split, count - split, index - split, path);
        path->hashes[path->count++] = naive_root(leaves, split);
    }
}

/* --- What the tests say --- */

static void expect_same(const struct merkle_hash *left, const struct merkle_hash *right)
{
    assert_memory_equal(left->bytes, right->bytes, MERKLE_HASH_BYTES);
}

static bool is_same(const struct merkle_hash *left, const struct merkle_hash *right)
{
    return memcmp(left->bytes, right->bytes, MERKLE_HASH_BYTES) == 0;
}

static void expect_text(const struct merkle_hash *hash, const char *text)
{
    char found[FLUME_HASH_TEXT_BYTES + 1];

    flume_hash_text(hash->bytes, found);
    assert_string_equal(found, text);
}

/* Build a tree of the first leaves; its group nodes are then the forest's. */
static struct merkle_hash build(struct forest *forest, size_t count)
{
    struct merkle_builder builder;
    struct merkle_hash root;

    forest->group_count = 0;
    merkle_builder_init(&builder);
    for (size_t i = 0; i < count; i++) {
        if (merkle_builder_add(&builder, &forest->leaves[i], &forest->groups[forest->group_count]))
            forest->group_count++;
    }
    if (merkle_builder_end(&builder, &root, &forest->groups[forest->group_count]))
        forest->group_count++;
    return root;
}

/* The path of a leaf, from the nodes that build() left and the leaves of its group alone. */
static struct merkle_path find_path(const struct forest *forest, size_t count, size_t index)
{
    struct merkle_hash own[MERKLE_GROUP];
    struct merkle_path path;
    size_t group = index / MERKLE_GROUP;

    memset(own, 0xee, sizeof own);
    memcpy(own, &forest->leaves[group * MERKLE_GROUP],
           (size_t)merkle_group_leaves(count, group) * sizeof *own);
    merkle_path_find(forest->groups, own, count, index, &path);
    return path;
}

static void expect_leads_to(const struct merkle_hash *leaf, size_t index, size_t count,
                            const struct merkle_path *path, const struct merkle_hash *root)
{
    struct merkle_hash found;

    assert_true(merkle_path_root(leaf, index, count, path, &found));
    expect_same(&found, root);
}

static void expect_leads_elsewhere(const struct merkle_hash *leaf, uint64_t index, uint64_t count,
                                   const struct merkle_path *path, const struct merkle_hash *root)
{
    struct merkle_hash found;

    if (merkle_path_root(leaf, index, count, path, &found))
        assert_false(is_same(&found, root));
}

/* --- The tests --- */

static void a_root_is_that_of_the_definition_after_each_leaf(void **state)
{
    struct forest *forest = *state;
    struct merkle_hash root, group, expected;
    struct merkle_builder builder;

    merkle_builder_init(&builder);
    for (size_t count = 0; count <= LEAF_COUNT_MAX; count++) {
        (void)merkle_builder_end(&builder, &root, &group);
        expected = naive_root(forest->leaves, count);
        expect_same(&root, &expected);
        if (count < LEAF_COUNT_MAX)
            (void)merkle_builder_add(&builder, &forest->leaves[count], &group);
    }
}

static void each_group_gives_its_own_root(void **state)
{
    struct forest *forest = *state;

    for (size_t count = 0; count <= LEAF_COUNT_MAX; count += count < 530 ? 1 : 19) {
        struct merkle_hash root = build(forest, count), expected;

        assert_int_equal(forest->group_count, merkle_group_count(count));
        for (size_t i = 0; i < forest->group_count; i++) {
            expected = naive_root(&forest->leaves[i * MERKLE_GROUP],
                                  (size_t)merkle_group_leaves(count, i));
            expect_same(&forest->groups[i], &expected);
        }
        merkle_root(forest->groups, forest->group_count, &expected);
        expect_same(&root, &expected);
    }
}

static void expect_every_path(struct forest *forest, size_t count)
{
    struct merkle_hash root = build(forest, count);

    for (size_t index = 0; index < count; index++) {
        struct merkle_path path = find_path(forest, count, index), expected = {.count = 0};

        expect_leads_to(&forest->leaves[index], index, count, &path, &root);
        naive_path(forest->leaves, count, index, &expected);
        assert_int_equal(path.count, expected.count);
        assert_memory_equal(path.hashes, expected.hashes, path.count * sizeof *path.hashes);
    }
}

static void every_path_is_the_definitions_and_leads_to_the_root(void **state)
{
    static const size_t counts[] = {127, 128, 129, 255, 256, 257, 512, 513, 1100};

    for (size_t count = 1; count <= 66; count++)
        expect_every_path(*state, count);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        expect_every_path(*state, counts[i]);
}

/* Turn each bit of leaf, index, path and count. A count is held by the chain, not by the root. */
static void expect_no_bit_is_idle(const struct forest *forest, size_t count, size_t index,
                                  const struct merkle_hash *root)
{
    struct merkle_path path = find_path(forest, count, index);
    struct merkle_hash leaf = forest->leaves[index], found, chain, expected, before = {{7}};

    expect_leads_to(&leaf, index, count, &path, root);
    merkle_chain(&before, root, 5, count, &expected);
    for (unsigned bit = 0; bit < 8 * MERKLE_HASH_BYTES; bit++) {
        leaf.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_leads_elsewhere(&leaf, index, count, &path, root);
        leaf.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        for (unsigned i = 0; i < path.count; i++) {
            path.hashes[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            expect_leads_elsewhere(&leaf, index, count, &path, root);
            path.hashes[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        expect_leads_elsewhere(&leaf, index ^ UINT64_C(1) << bit, count, &path, root);
        if (!merkle_path_root(&leaf, index, count ^ UINT64_C(1) << bit, &path, &found))
            continue;
        merkle_chain(&before, &found, 5, count ^ UINT64_C(1) << bit, &chain);
        assert_false(is_same(&chain, &expected));
    }
}

static void no_bit_of_a_proof_can_change(void **state)
{
    static const size_t counts[] = {256, 257, 300, 512, 600, LEAF_COUNT_MAX};
    struct forest *forest = *state;
    struct merkle_hash root;

    for (size_t count = 1; count <= 17; count++) {
        root = build(forest, count);
        for (size_t index = 0; index < count; index++)
            expect_no_bit_is_idle(forest, count, index, &root);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        root = build(forest, counts[i]);
        expect_no_bit_is_idle(forest, counts[i], 0, &root);
        expect_no_bit_is_idle(forest, counts[i], counts[i] / 2, &root);
        expect_no_bit_is_idle(forest, counts[i], counts[i] - 1, &root);
    }
}

static void no_other_index_has_the_path_of_a_leaf(void **state)
{
    struct forest *forest = *state;

    for (size_t count = 1; count <= 40; count++) {
        struct merkle_hash root = build(forest, count);

        for (size_t index = 0; index < count; index++) {
            struct merkle_path path = find_path(forest, count, index);

            for (size_t other = 0; other < count + 5; other++) {
                if (other != index)
                    expect_leads_elsewhere(&forest->leaves[index], other, count, &path, &root);
            }
        }
    }
}

static void a_path_that_is_too_long_or_too_short_is_refused(void **state)
{
    struct forest *forest = *state;
    struct merkle_hash unused;

    for (size_t count = 1; count <= 300; count++) {
        size_t index = count / 3;
        struct merkle_path path;

        (void)build(forest, count);
        path = find_path(forest, count, index);
        memset(&path.hashes[path.count], 0, sizeof *path.hashes);
        path.count++;
        assert_false(merkle_path_root(&forest->leaves[index], index, count, &path, &unused));
        path.count -= 2;
        if (count > 1)
            assert_false(merkle_path_root(&forest->leaves[index], index, count, &path, &unused));
    }
}

static void indexes_and_counts_of_any_size_are_judged(void **state)
{
    struct forest *forest = *state;
    struct merkle_path path = {.count = MERKLE_PATH_MAX};
    struct merkle_hash unused;

    assert_false(merkle_path_root(forest->leaves, 0, 0, &path, &unused));
    assert_false(merkle_path_root(forest->leaves, UINT64_MAX, UINT64_MAX, &path, &unused));
    assert_true(merkle_path_root(forest->leaves, 0, UINT64_MAX, &path, &unused));
    path.count = 63; /* The last leaf's way goes up once without a neighbour. */
    assert_true(merkle_path_root(forest->leaves, UINT64_MAX - 1, UINT64_MAX, &path, &unused));
    path.count = MERKLE_PATH_MAX + 1;
    assert_false(merkle_path_root(forest->leaves, 0, UINT64_MAX, &path, &unused));
    path.count = 1; /* 2^63 leaves, and one more on the right. */
    assert_true(merkle_path_root(forest->leaves, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1, &path,
                                 &unused));
}

static void a_leaf_is_the_hash_of_tag_header_meta_and_body_hash(void **state)
{
    static const char body[] = "a body";
    uint8_t input[1 + GRAIN_HEADER_BYTES + 5 + MERKLE_HASH_BYTES] = {0};
    struct merkle_hash body_hash, leaf, expected;

    (void)state;
    for (uint8_t i = 0; i < GRAIN_HEADER_BYTES + 5; i++)
        input[1 + i] = (uint8_t)(0x10 + i);
    flume_hash(body, sizeof body, input + 1 + GRAIN_HEADER_BYTES + 5);
    flume_hash(input, sizeof input, expected.bytes);

    merkle_hash_bytes(body, sizeof body, &body_hash);
    merkle_leaf(input + 1, input + 1 + GRAIN_HEADER_BYTES, 5, &body_hash, &leaf);
    expect_same(&leaf, &expected);

    memcpy(input + 1 + GRAIN_HEADER_BYTES, body_hash.bytes, MERKLE_HASH_BYTES);
    flume_hash(input, 1 + GRAIN_HEADER_BYTES + MERKLE_HASH_BYTES, expected.bytes);
    merkle_leaf(input + 1, NULL, 0, &body_hash, &leaf);
    expect_same(&leaf, &expected);
}

/* Lengths around each block's and the chunk's end, in an order that mixes them, more than are taken
 * at once; each begins at another alignment. */
static void hashes_of_many_are_those_of_each(void **state)
{
    enum { COUNT = 3 * 1300 };
    static uint8_t bytes[2 * COUNT];
    static struct merkle_input inputs[COUNT];
    static struct merkle_hash hashes[COUNT];
    struct merkle_hash expected;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 131 + i / 251);
    for (size_t i = 0; i < COUNT; i++)
        inputs[i] = (struct merkle_input){bytes + i, i * 577 % 1300};
    inputs[0].data = NULL;
    for (size_t count = 0; count <= COUNT; count = count < 40 ? count + 1 : count * 5 / 2) {
        memset(hashes, 0, sizeof hashes);
        merkle_hash_many(inputs, count, hashes);
        for (size_t i = 0; i < count; i++) {
            flume_hash(inputs[i].data, inputs[i].bytes, expected.bytes);
            expect_same(&hashes[i], &expected);
        }
        assert_true(count == COUNT || hashes[count].bytes[0] == 0);
    }
}

/* With no meta, some, and more than is taken at once. */
static void leaves_of_many_are_those_of_each(void **state)
{
    enum { COUNT = 200, GRAIN_BYTES_MAX = GRAIN_HEADER_BYTES + 600 };
    static uint8_t bytes[COUNT][GRAIN_BYTES_MAX];
    struct forest *forest = *state;
    const uint8_t *grains[COUNT];
    struct merkle_hash leaves[COUNT], expected;

    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < GRAIN_BYTES_MAX; j++)
            bytes[i][j] = (uint8_t)(i * 7 + j);
        put_le16(bytes[i] + GRAIN_META_BYTES_AT, (uint16_t)(i % 3 == 0 ? 0 : i * 3));
        grains[i] = bytes[i];
    }
    merkle_leaf_many(grains, forest->leaves, COUNT, leaves);
    for (size_t i = 0; i < COUNT; i++) {
        merkle_leaf(bytes[i], bytes[i] + GRAIN_HEADER_BYTES, i % 3 == 0 ? 0 : i * 3,
                    &forest->leaves[i], &expected);
        expect_same(&leaves[i], &expected);
    }
}

static void a_tree_of_whole_groups_is_that_of_its_leaves(void **state)
{
    struct forest *forest = *state;
    struct merkle_builder builder;

    merkle_builder_init(&builder);
    for (size_t count = MERKLE_GROUP; count <= LEAF_COUNT_MAX; count += MERKLE_GROUP) {
        struct merkle_hash leaves[MERKLE_GROUP], group, root, unused, expected;
        const struct merkle_hash *own = &forest->leaves[count - MERKLE_GROUP];

        memcpy(leaves, own, sizeof leaves);
        merkle_builder_add_group(&builder, leaves, &group);
        expected = naive_root(own, MERKLE_GROUP);
        expect_same(&group, &expected);
        assert_false(merkle_builder_end(&builder, &root, &unused));
        expected = naive_root(forest->leaves, count);
        expect_same(&root, &expected);
    }
    /* Single leaves may follow. */
    for (size_t i = 0; i < 3; i++) {
        struct merkle_hash root, unused, expected;
        size_t count = LEAF_COUNT_MAX / MERKLE_GROUP * MERKLE_GROUP + i;

        (void)merkle_builder_add(&builder, &forest->leaves[count], &unused);
        (void)merkle_builder_end(&builder, &root, &unused);
        expected = naive_root(forest->leaves, count + 1);
        expect_same(&root, &expected);
    }
}

static void a_link_is_the_hash_of_tag_chain_root_first_seq_and_count(void **state)
{
    struct forest *forest = *state;
    uint8_t input[81] = {2};
    struct merkle_hash chain, expected;

    memcpy(input + 1, &forest->leaves[0], 32);
    memcpy(input + 33, &forest->leaves[1], 32);
    put_le64(input + 65, UINT64_C(0x0123456789abcdef));
    put_le64(input + 73, 1000);
    flume_hash(input, sizeof input, expected.bytes);
    merkle_chain(&forest->leaves[0], &forest->leaves[1], UINT64_C(0x0123456789abcdef), 1000,
                 &chain);
    expect_same(&chain, &expected);
}

/* The bytes of old basins depend on these: they never change. Leaf i is the hash of i as u32. */
static void known_trees_have_their_known_roots(void **state)
{
    static const struct {
        size_t count;
        const char *root;
    } known[] = {
        {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
        {1, "ec2bd03bf86b935fa34d71ad7ebb049f1f10f87d343e521511d8f9e6625620cd"},
        {2, "3dfbeadd2c2943f4f5b40bacc21f4e7c051b23be3fab61185e9361954409516b"},
        {3, "947823f230cd1c84a939c294134d6ab5edc9c36ca19d32b07e1ac9e7235e93d1"},
        {7, "d9b98bae7cd65a417339dae52e2fa42fbf4a2fe0cf68f1310d489b505e52195c"},
        {256, "2951af25d1a113f0ddf02b394398dbb32a2889573aa45ad7582011bde55d1ccd"},
        {257, "340c125e4f360ec231919702c26eb5dae7a842b4016b216f4ac1f0899ad27856"},
        {1000, "c33643c8c038c52b9bdb87d409b466737ba7f4b7f4bb70d230ca75f89f7061bc"},
    };
    struct forest *forest = *state;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct merkle_hash root = build(forest, known[i].count);

        expect_text(&root, known[i].root);
        root = naive_root(forest->leaves, known[i].count);
        expect_text(&root, known[i].root);
    }
}

static void a_known_record_has_its_known_leaf_and_link(void **state)
{
    static const uint8_t meta[] = {2, 2, 2, 0};
    uint8_t header[GRAIN_HEADER_BYTES];
    struct merkle_hash hash, none = {{0}};

    (void)state;
    for (uint8_t i = 0; i < sizeof header; i++)
        header[i] = i;
    merkle_hash_bytes("hello", 5, &hash);
    merkle_leaf(header, meta, sizeof meta, &hash, &hash);
    expect_text(&hash, "c1f127cceff1bd69ffb0e0a10abb72c0590bb91388f522dfe5af5cf6c77a1edb");
    merkle_chain(&none, &hash, 0, 1, &hash);
    expect_text(&hash, "f256329449030b7e546656ce4abde6c0518803c09f5b539b2fee844942e45ca9");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_is_that_of_the_definition_after_each_leaf),
        cmocka_unit_test(each_group_gives_its_own_root),
        cmocka_unit_test(every_path_is_the_definitions_and_leads_to_the_root),
        cmocka_unit_test(no_bit_of_a_proof_can_change),
        cmocka_unit_test(no_other_index_has_the_path_of_a_leaf),
        cmocka_unit_test(a_path_that_is_too_long_or_too_short_is_refused),
        cmocka_unit_test(indexes_and_counts_of_any_size_are_judged),
        cmocka_unit_test(a_leaf_is_the_hash_of_tag_header_meta_and_body_hash),
        cmocka_unit_test(hashes_of_many_are_those_of_each),
        cmocka_unit_test(leaves_of_many_are_those_of_each),
        cmocka_unit_test(a_tree_of_whole_groups_is_that_of_its_leaves),
        cmocka_unit_test(a_link_is_the_hash_of_tag_chain_root_first_seq_and_count),
        cmocka_unit_test(known_trees_have_their_known_roots),
        cmocka_unit_test(a_known_record_has_its_known_leaf_and_link),
    };

    return cmocka_run_group_tests(tests, forest_setup, forest_teardown);
}
