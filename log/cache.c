/*
 * cache.c - a bounded cache of what reading sealed strata needs again.
 */
#include "cache.h"

#include <assert.h>

#include "hash.h"

static uint64_t key_hash(const struct cache_key *key)
{
    return hash_bytes(key, sizeof *key, 0);
}

static struct cache_shard *shard_of(struct cache *cache, uint64_t hash)
{
    return &cache->shards[hash % CACHE_SHARDS];
}

static struct cache_item **bucket_of(struct cache_shard *shard, uint64_t hash)
{
    return &shard->buckets[hash / CACHE_SHARDS % CACHE_BUCKETS];
}

static bool is_same(const struct cache_key *one, const struct cache_key *other)
{
    return one->strata == other->strata && one->kind == other->kind && one->index == other->index;
}

struct cache *cache_create(const flume_allocator *allocator, size_t bytes_max)
{
    struct cache *cache = memory_allocate_zeroed(allocator, 1, sizeof *cache);

    if (cache == NULL)
        return NULL;
    cache->shard_bytes_max = bytes_max / CACHE_SHARDS;
    for (size_t i = 0; i < CACHE_SHARDS; i++)
        (void)pthread_mutex_init(&cache->shards[i].mutex, NULL);
    return cache;
}

void cache_destroy(const flume_allocator *allocator, struct cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        struct cache_item *item = cache->shards[i].newest;

        while (item != NULL) {
            struct cache_item *older = item->older;

            let_go(&item->held);
            item = older;
        }
        (void)pthread_mutex_destroy(&cache->shards[i].mutex);
    }
    memory_release(allocator, cache);
}

/* --- Order of use ----------------------------------------------------------------------------- */

static void unlink_item(struct cache_shard *shard, struct cache_item *item)
{
    if (item->newer != NULL)
        item->newer->older = item->older;
    else
        shard->newest = item->older;
    if (item->older != NULL)
        item->older->newer = item->newer;
    else
        shard->oldest = item->newer;
}

static void link_newest(struct cache_shard *shard, struct cache_item *item)
{
    item->newer = NULL;
    item->older = shard->newest;
    if (shard->newest != NULL)
        shard->newest->newer = item;
    else
        shard->oldest = item;
    shard->newest = item;
}

static void link_oldest(struct cache_shard *shard, struct cache_item *item)
{
    item->older = NULL;
    item->newer = shard->oldest;
    if (shard->oldest != NULL)
        shard->oldest->older = item;
    else
        shard->newest = item;
    shard->oldest = item;
}

/* --- Lookup ----------------------------------------------------------------------------------- */

static struct cache_item *find(struct cache_shard *shard, uint64_t hash,
                               const struct cache_key *key)
{
    struct cache_item *item = *bucket_of(shard, hash);

    while (item != NULL && !is_same(&item->key, key))
        item = item->next_in_bucket;
    return item;
}

struct cache_item *cache_get(struct cache *cache, const struct cache_key *key)
{
    uint64_t hash = key_hash(key);
    struct cache_shard *shard = shard_of(cache, hash);
    struct cache_item *item;

    (void)pthread_mutex_lock(&shard->mutex);
    item = find(shard, hash, key);
    if (item != NULL) {
        hold(&item->held);
        if (shard->newest != item) {
            unlink_item(shard, item);
            link_newest(shard, item);
        }
        shard->hits++;
    } else {
        shard->misses++;
    }
    (void)pthread_mutex_unlock(&shard->mutex);
    return item;
}

/* Take out what was used longest ago, until there is room. Returns what was taken out, chained by
 * next_in_bucket: it is let go without the mutex. */
static struct cache_item *make_room(struct cache *cache, struct cache_shard *shard, size_t bytes)
{
    struct cache_item *dropped = NULL;

    while (shard->oldest != NULL && shard->bytes + bytes > cache->shard_bytes_max) {
        struct cache_item *item = shard->oldest;
        struct cache_item **link = bucket_of(shard, key_hash(&item->key));

        while (*link != item)
            link = &(*link)->next_in_bucket;
        *link = item->next_in_bucket;
        unlink_item(shard, item);
        shard->bytes -= item->bytes;
        item->next_in_bucket = dropped;
        dropped = item;
    }
    return dropped;
}

struct cache_item *cache_put(struct cache *cache, struct cache_item *item, enum cache_end end)
{
    uint64_t hash = key_hash(&item->key);
    struct cache_shard *shard = shard_of(cache, hash);
    struct cache_item *dropped = NULL;
    struct cache_item *result = item;

    if (item->bytes > cache->shard_bytes_max)
        return item;
    (void)pthread_mutex_lock(&shard->mutex);
    result = find(shard, hash, &item->key);
    if (result != NULL) {
        hold(&result->held);
    } else {
        struct cache_item **bucket = bucket_of(shard, hash);

        dropped = make_room(cache, shard, item->bytes);
        assert(shard->bytes + item->bytes <= cache->shard_bytes_max);
        item->next_in_bucket = *bucket;
        *bucket = item;
        if (end == CACHE_PASSING)
            link_oldest(shard, item);
        else
            link_newest(shard, item);
        shard->bytes += item->bytes;
        hold(&item->held); /* The cache's own. */
        result = item;
    }
    (void)pthread_mutex_unlock(&shard->mutex);
    if (result != item)
        let_go(&item->held);
    while (dropped != NULL) {
        struct cache_item *next = dropped->next_in_bucket;

        let_go(&dropped->held);
        dropped = next;
    }
    return result;
}

void cache_count(struct cache *cache, uint64_t *out_hits, uint64_t *out_misses)
{
    *out_hits = 0;
    *out_misses = 0;
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        struct cache_shard *shard = &cache->shards[i];

        (void)pthread_mutex_lock(&shard->mutex);
        *out_hits += shard->hits;
        *out_misses += shard->misses;
        (void)pthread_mutex_unlock(&shard->mutex);
    }
}
