/*
 * test_cache.c - the cache of sealed strata: what is found, what is dropped, and who frees it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

enum { ITEM_BYTES = 1000, THREADS = 4, ROUNDS = 20000, KEYS = 64 };

/* An item that counts how many of its kind live. */
struct thing {
    struct cache_item item;
    _Atomic uint32_t *living;
    uint32_t value;
};

static void thing_release(struct held *held)
{
    struct thing *thing = (struct thing *)held;

    (void)atomic_fetch_sub(thing->living, 1);
    free(thing);
}

static struct thing *thing_make(_Atomic uint32_t *living, uint32_t index, size_t bytes)
{
    struct thing *thing = calloc(1, sizeof *thing);

    assert_non_null(thing);
    held_init(&thing->item.held, thing_release);
    thing->item.key = (struct cache_key){1, 1, index};
    thing->item.bytes = bytes;
    thing->living = living;
    thing->value = index;
    (void)atomic_fetch_add(living, 1);
    return thing;
}

static void put(struct cache *cache, _Atomic uint32_t *living, uint32_t index, enum cache_end end)
{
    struct thing *thing = thing_make(living, index, ITEM_BYTES);

    let_go(&cache_put(cache, &thing->item, end)->held);
}

static bool has(struct cache *cache, uint32_t index)
{
    struct cache_key key = {1, 1, index};
    struct cache_item *item = cache_get(cache, &key);

    if (item == NULL)
        return false;
    assert_int_equal(((struct thing *)item)->value, index);
    let_go(&item->held);
    return true;
}

static void what_is_put_in_is_found_until_there_is_no_room(void **state)
{
    struct cache *cache = cache_create(memory_default(), (size_t)CACHE_SHARDS * 8 * ITEM_BYTES);
    _Atomic uint32_t living = 0;
    uint32_t found = 0;

    (void)state;
    assert_non_null(cache);
    assert_false(has(cache, 0));
    for (uint32_t i = 0; i < 1000; i++) {
        put(cache, &living, i, CACHE_KEEP);
        assert_true(has(cache, i));
        assert_true(atomic_load(&living) <= CACHE_SHARDS * 8);
    }
    for (uint32_t i = 0; i < 1000; i++)
        found += has(cache, i);
    assert_int_equal(found, atomic_load(&living));
    assert_true(found >= CACHE_SHARDS * 4); /* However the keys fell on the shards. */
    cache_destroy(memory_default(), cache);
    assert_int_equal(atomic_load(&living), 0);
}

static void what_is_used_stays_and_what_passes_by_goes_first(void **state)
{
    struct cache *cache = cache_create(memory_default(), (size_t)CACHE_SHARDS * 8 * ITEM_BYTES);
    _Atomic uint32_t living = 0;

    (void)state;
    put(cache, &living, 7, CACHE_KEEP);
    for (uint32_t i = 100; i < 1100; i++) {
        put(cache, &living, i, CACHE_KEEP);
        assert_true(has(cache, 7));
    }
    for (uint32_t i = 2000; i < 3000; i++) /* A scan comes by; nothing is asked for meanwhile. */
        put(cache, &living, i, CACHE_PASSING);
    assert_true(has(cache, 7));
    cache_destroy(memory_default(), cache);
}

/* Each fills its shard alone. */
static void what_fills_a_shard_makes_room_for_the_next_one(void **state)
{
    struct cache *cache = cache_create(memory_default(), (size_t)CACHE_SHARDS * ITEM_BYTES);
    _Atomic uint32_t living = 0;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        put(cache, &living, i, i % 2 == 0 ? CACHE_KEEP : CACHE_PASSING);
        assert_true(has(cache, i));
        assert_true(atomic_load(&living) <= CACHE_SHARDS);
    }
    cache_destroy(memory_default(), cache);
    assert_int_equal(atomic_load(&living), 0);
}

static void what_is_held_outlives_the_cache(void **state)
{
    struct cache *cache = cache_create(memory_default(), (size_t)CACHE_SHARDS * 8 * ITEM_BYTES);
    _Atomic uint32_t living = 0;
    struct thing *thing = thing_make(&living, 3, ITEM_BYTES);
    struct cache_item *item = cache_put(cache, &thing->item, CACHE_KEEP);

    (void)state;
    for (uint32_t i = 100; i < 1100; i++)
        put(cache, &living, i, CACHE_KEEP);
    assert_false(has(cache, 3));
    cache_destroy(memory_default(), cache);
    assert_int_equal(atomic_load(&living), 1);
    assert_int_equal(((struct thing *)item)->value, 3);
    let_go(&item->held);
    assert_int_equal(atomic_load(&living), 0);
}

static void the_first_of_two_that_load_the_same_wins(void **state)
{
    struct cache *cache = cache_create(memory_default(), (size_t)CACHE_SHARDS * 8 * ITEM_BYTES);
    _Atomic uint32_t living = 0;
    struct thing *first = thing_make(&living, 3, ITEM_BYTES);
    struct thing *second = thing_make(&living, 3, ITEM_BYTES);
    struct cache_item *item = cache_put(cache, &first->item, CACHE_KEEP);

    (void)state;
    assert_ptr_equal(item, &first->item);
    let_go(&item->held);
    item = cache_put(cache, &second->item, CACHE_KEEP);
    assert_ptr_equal(item, &first->item);
    assert_int_equal(atomic_load(&living), 1);
    let_go(&item->held);
    cache_destroy(memory_default(), cache);
}

static void what_is_larger_than_a_shard_stays_outside(void **state)
{
    struct cache *cache = cache_create(memory_default(), (size_t)CACHE_SHARDS * 8 * ITEM_BYTES);
    _Atomic uint32_t living = 0;
    struct thing *thing = thing_make(&living, 3, (size_t)9 * ITEM_BYTES);
    struct cache_item *item;

    (void)state;
    put(cache, &living, 4, CACHE_KEEP);
    item = cache_put(cache, &thing->item, CACHE_KEEP);
    assert_ptr_equal(item, &thing->item);
    assert_false(has(cache, 3));
    assert_true(has(cache, 4));
    let_go(&item->held);
    assert_int_equal(atomic_load(&living), 1);
    cache_destroy(memory_default(), cache);
}

struct crowd {
    struct cache *cache;
    _Atomic uint32_t living;
    _Atomic uint32_t wrong;
};

static void *use(void *ctx)
{
    struct crowd *crowd = ctx;
    uint32_t random = (uint32_t)(uintptr_t)&crowd;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct cache_key key = {1, 1, 0};
        struct cache_item *item;

        random = random * 1664525 + 1013904223;
        key.index = (random >> 16) % KEYS;
        item = cache_get(crowd->cache, &key);
        if (item == NULL)
            item = cache_put(crowd->cache, &thing_make(&crowd->living, key.index, ITEM_BYTES)->item,
                             random % 2 == 0 ? CACHE_KEEP : CACHE_PASSING);
        if (((struct thing *)item)->value != key.index)
            (void)atomic_fetch_add(&crowd->wrong, 1);
        let_go(&item->held);
    }
    return NULL;
}

static void threads_that_load_and_drop_at_once_lose_nothing(void **state)
{
    struct crowd crowd = {.living = 0};
    pthread_t threads[THREADS];
    uint64_t hits, misses;

    (void)state;
    crowd.cache = cache_create(memory_default(), (size_t)CACHE_SHARDS * 8 * ITEM_BYTES);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, &crowd), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    cache_count(crowd.cache, &hits, &misses);
    assert_int_equal(hits + misses, THREADS * ROUNDS);
    assert_true(hits > 0 && misses > KEYS);
    cache_destroy(memory_default(), crowd.cache);
    assert_int_equal(atomic_load(&crowd.wrong), 0);
    assert_int_equal(atomic_load(&crowd.living), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_in_is_found_until_there_is_no_room),
        cmocka_unit_test(what_is_used_stays_and_what_passes_by_goes_first),
        cmocka_unit_test(what_fills_a_shard_makes_room_for_the_next_one),
        cmocka_unit_test(what_is_held_outlives_the_cache),
        cmocka_unit_test(the_first_of_two_that_load_the_same_wins),
        cmocka_unit_test(what_is_larger_than_a_shard_stays_outside),
        cmocka_unit_test(threads_that_load_and_drop_at_once_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
