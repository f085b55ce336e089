/*
 * lattice.c - which of many scopes lie within which, with none between (lattice.h).
 */
#include "lattice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "scope_inside.h"

enum { MAP_FIRST = 256, LEFT_SHAPES_MAX = 1 << 20 };

/* ---- by fingerprint ---- */

static struct lattice_slot *map_place(const struct lattice_map *map, struct fingerprint key)
{
    size_t at = (size_t)key.lanes[0] & (map->capacity - 1);

    while (map->slots[at].seq != FLUME_SEQ_NONE && !fingerprint_equal(map->slots[at].key, key))
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

static const struct lattice_slot *map_find(const struct lattice_map *map, struct fingerprint key)
{
    const struct lattice_slot *slot;

    if (map->count == 0)
        return NULL;
    slot = map_place(map, key);
    return slot->seq != FLUME_SEQ_NONE ? slot : NULL;
}

static bool map_grow(struct lattice_map *map)
{
    struct lattice_map grown = {.capacity = map->capacity == 0 ? MAP_FIRST : map->capacity * 2,
                                .count = map->count};

    grown.slots = malloc(grown.capacity * sizeof *grown.slots);
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < grown.capacity; i++)
        grown.slots[i].seq = FLUME_SEQ_NONE;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].seq != FLUME_SEQ_NONE)
            *map_place(&grown, map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = grown;
    return true;
}

/* A key that is not there yet. */
static int map_add(struct lattice_map *map, struct fingerprint key, uint64_t seq, uint32_t node)
{
    assert(seq != FLUME_SEQ_NONE);
    if (map->count * 3 >= map->capacity * 2 && !map_grow(map))
        return FLUME_ERR_NO_MEMORY;
    *map_place(map, key) = (struct lattice_slot){key, seq, node};
    map->count++;
    return FLUME_OK;
}

/* ---- shapes ---- */

struct placed_key {
    uint64_t key;
    uint32_t place;
};

static int compare_placed(const void *one, const void *other)
{
    const struct placed_key *a = one, *b = other;

    return a->key < b->key ? -1 : a->key > b->key;
}

static bool sort_keys(struct lattice_shape *shape, const struct scope_tokens *tokens)
{
    struct placed_key *list = malloc(tokens->count * sizeof *list);

    shape->keys = malloc(tokens->count * sizeof *shape->keys);
    shape->places = malloc(tokens->count * sizeof *shape->places);
    if (list != NULL && shape->keys != NULL && shape->places != NULL) {
        for (size_t i = 0; i < tokens->count; i++)
            list[i] = (struct placed_key){tokens->keys[i], (uint32_t)i};
        qsort(list, tokens->count, sizeof *list, compare_placed);
        for (size_t i = 0; i < tokens->count; i++) {
            shape->keys[i] = list[i].key;
            shape->places[i] = list[i].place;
        }
    }
    free(list);
    return list != NULL && shape->keys != NULL && shape->places != NULL;
}

static bool keep_names(struct lattice_shape *shape, const struct scope_pairs *pairs)
{
    size_t bytes = 0;
    char *at;

    for (size_t i = 0; i < pairs->count; i++)
        bytes += pairs->pairs[i].key_bytes + 1;
    shape->text = malloc(bytes);
    shape->names = malloc(pairs->count * sizeof *shape->names);
    if (shape->text == NULL || shape->names == NULL)
        return false;
    at = shape->text;
    for (size_t i = 0; i < pairs->count; i++) {
        const struct scope_pair *pair = &pairs->pairs[i];

        shape->names[i] = at;
        memcpy(at, pair->key, pair->key_bytes);
        at[pair->key_bytes] = '\0';
        at += pair->key_bytes + 1;
    }
    return true;
}

static void shape_deinit(struct lattice_shape *shape)
{
    free(shape->keys);
    free(shape->places);
    free(shape->text);
    free(shape->names);
    free(shape->within);
    free(shape->covered);
}

static int add_shape(struct lattice *lattice, const struct scope_tokens *tokens,
                     const struct scope_pairs *pairs, uint64_t seq)
{
    struct lattice_shape shape = {
        .fingerprint = tokens->shape,
        .signature = tokens_key_signature(tokens->keys, tokens->count),
        .key_count = (uint32_t)tokens->count,
    };
    int status = FLUME_ERR_NO_MEMORY;

    if (sort_keys(&shape, tokens) && keep_names(&shape, pairs) &&
        scope_reserve((void **)&lattice->shapes, &lattice->shape_capacity, lattice->shape_count + 1,
                      sizeof shape))
        status = map_add(&lattice->by_shape, tokens->shape, seq, (uint32_t)lattice->shape_count);
    if (status != FLUME_OK) {
        shape_deinit(&shape);
        return status;
    }
    lattice->key_count += tokens->count;
    lattice->shapes[lattice->shape_count++] = shape;
    return FLUME_OK;
}

/* Whether the keys of one lie within those of another, larger one. */
static bool is_within(const struct lattice_shape *one, const struct lattice_shape *other)
{
    uint32_t at = 0;

    if (one->key_count >= other->key_count || (one->signature & ~other->signature) != 0)
        return false;
    for (uint32_t i = 0; i < other->key_count && at < one->key_count; i++) {
        if (other->keys[i] > one->keys[at])
            return false;
        at += other->keys[i] == one->keys[at];
    }
    return at == one->key_count;
}

/* ---- adding ---- */

static int add_node(struct lattice *lattice, uint32_t shape, uint64_t seq)
{
    if (!scope_reserve((void **)&lattice->nodes, &lattice->node_capacity, lattice->node_count + 1,
                       sizeof *lattice->nodes))
        return FLUME_ERR_NO_MEMORY;
    lattice->shapes[shape].node = (uint32_t)lattice->node_count;
    lattice->nodes[lattice->node_count++] =
        (struct lattice_node){.shape = shape, .first_seq = seq, .last_seq = seq};
    return FLUME_OK;
}

static int leave_out(struct lattice *lattice, struct fingerprint shape, bool is_new_shape)
{
    lattice->info.scopes_left_out++;
    if (lattice->by == FLUME_GRAPH_BY_SCOPE || !is_new_shape ||
        lattice->left_shapes.count == LEFT_SHAPES_MAX ||
        map_find(&lattice->left_shapes, shape) != NULL)
        return FLUME_OK;
    lattice->info.shapes_left_out++;
    return map_add(&lattice->left_shapes, shape, 0, 0);
}

int lattice_add(struct lattice *lattice, const struct scope_tokens *tokens,
                const struct scope_pairs *pairs, uint64_t seq)
{
    const struct lattice_slot *known;
    bool needs_node;
    uint32_t shape;
    int status = FLUME_OK;

    if (map_find(&lattice->scopes, tokens->sum) != NULL)
        return FLUME_OK;
    known = map_find(&lattice->by_shape, tokens->shape);
    needs_node = known == NULL || lattice->by == FLUME_GRAPH_BY_SCOPE;
    if ((needs_node && lattice->node_count == lattice->nodes_max) ||
        (known == NULL && tokens->count > FLUME_GRAPH_KEYS_MAX - lattice->key_count) ||
        lattice->scopes.count == FLUME_GRAPH_SCOPES_MAX)
        return leave_out(lattice, tokens->shape, known == NULL);
    shape = known != NULL ? known->node : (uint32_t)lattice->shape_count;
    if (known == NULL)
        status = add_shape(lattice, tokens, pairs, seq);
    if (status == FLUME_OK && needs_node)
        status = add_node(lattice, shape, seq);
    if (status == FLUME_OK)
        status = map_add(&lattice->scopes, tokens->sum, seq, lattice->shapes[shape].node);
    if (status != FLUME_OK)
        return status;
    lattice->nodes[lattice->shapes[shape].node].scopes++;
    lattice->nodes[lattice->shapes[shape].node].last_seq = seq;
    lattice->info.scopes++;
    return FLUME_OK;
}

/* ---- relating ---- */

struct sized_shape {
    uint32_t key_count, number;
};

static int compare_sized(const void *one, const void *other)
{
    const struct sized_shape *a = one, *b = other;

    if (a->key_count != b->key_count)
        return a->key_count > b->key_count ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* @param list  All shapes, the largest first. @param found  As much room. */
static int find_within(struct lattice *lattice, struct lattice_shape *shape,
                       const struct sized_shape *list, uint32_t *found)
{
    uint32_t count = 0;

    for (size_t i = 0; i < lattice->shape_count; i++)
        if (is_within(&lattice->shapes[list[i].number], shape))
            found[count++] = list[i].number;
    if (count == 0)
        return FLUME_OK;
    shape->within = malloc(count * sizeof *shape->within);
    shape->covered = calloc(count, sizeof *shape->covered);
    if (shape->within == NULL || shape->covered == NULL)
        return FLUME_ERR_NO_MEMORY;
    memcpy(shape->within, found, count * sizeof *found);
    shape->within_count = count;
    return FLUME_OK;
}

int lattice_settle(struct lattice *lattice)
{
    size_t count = lattice->shape_count;
    struct sized_shape *list;
    uint32_t *found;
    int status = FLUME_OK;

    if (count == 0)
        return FLUME_OK;
    list = malloc(count * sizeof *list);
    found = malloc(count * sizeof *found);
    if (list != NULL && found != NULL) {
        for (size_t i = 0; i < count; i++)
            list[i] = (struct sized_shape){lattice->shapes[i].key_count, (uint32_t)i};
        qsort(list, count, sizeof *list, compare_sized);
        for (size_t i = 0; status == FLUME_OK && i < count; i++)
            status = find_within(lattice, &lattice->shapes[i], list, found);
    } else
        status = FLUME_ERR_NO_MEMORY;
    free(list);
    free(found);
    return status;
}

bool lattice_has_relations(const struct lattice *lattice)
{
    for (size_t i = 0; i < lattice->shape_count; i++)
        if (lattice->shapes[i].within_count > 0)
            return true;
    return false;
}

static struct fingerprint project(const struct lattice_shape *part,
                                  const struct lattice_shape *whole,
                                  const struct scope_tokens *tokens)
{
    struct fingerprint sum = {{0, 0}};
    uint32_t at = 0;

    for (uint32_t i = 0; at < part->key_count; i++)
        if (whole->keys[i] == part->keys[at]) {
            fingerprint_add(&sum, tokens->tokens[whole->places[i]]);
            at++;
        }
    return sum;
}

static int add_edge(struct lattice *lattice, size_t lower, size_t upper, uint64_t scopes)
{
    if (lattice->edge_count == FLUME_GRAPH_EDGES_MAX) {
        lattice->info.edges_left_out++;
        return FLUME_OK;
    }
    if (!scope_reserve((void **)&lattice->edges, &lattice->edge_capacity, lattice->edge_count + 1,
                       sizeof *lattice->edges))
        return FLUME_ERR_NO_MEMORY;
    lattice->edges[lattice->edge_count++] = (flume_graph_edge){lower, upper, scopes};
    return FLUME_OK;
}

int lattice_relate(struct lattice *lattice, const struct scope_tokens *tokens, uint64_t seq)
{
    const struct lattice_slot *own = map_find(&lattice->scopes, tokens->sum), *found;
    struct lattice_shape *shape;
    uint64_t stamp;
    int status = FLUME_OK;

    if (own == NULL || own->seq != seq)
        return FLUME_OK;
    shape = &lattice->shapes[lattice->nodes[own->node].shape];
    stamp = ++lattice->related;
    for (uint32_t i = 0; status == FLUME_OK && i < shape->within_count; i++) {
        struct lattice_shape *part = &lattice->shapes[shape->within[i]];

        if (part->stamp == stamp)
            continue;
        found = map_find(&lattice->scopes, project(part, shape, tokens));
        if (found == NULL)
            continue;
        for (uint32_t k = 0; k < part->within_count; k++)
            lattice->shapes[part->within[k]].stamp = stamp;
        if (lattice->by == FLUME_GRAPH_BY_SHAPE)
            shape->covered[i]++;
        else
            status = add_edge(lattice, found->node, own->node, 1);
    }
    return status;
}

/* ---- finishing ---- */

static int edges_of_shapes(struct lattice *lattice)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < lattice->shape_count; i++) {
        const struct lattice_shape *shape = &lattice->shapes[i];

        for (uint32_t k = 0; status == FLUME_OK && k < shape->within_count; k++)
            if (shape->covered[k] > 0)
                status = add_edge(lattice, lattice->shapes[shape->within[k]].node, shape->node,
                                  shape->covered[k]);
    }
    return status;
}

struct ordered_node {
    uint32_t key_count;
    uint32_t was; /* Its index before. */
    struct lattice_node node;
};

static int compare_nodes(const void *one, const void *other)
{
    const struct ordered_node *a = one, *b = other;

    if (a->key_count != b->key_count)
        return a->key_count < b->key_count ? -1 : 1;
    return a->node.first_seq < b->node.first_seq ? -1 : a->node.first_seq > b->node.first_seq;
}

static int compare_edges(const void *one, const void *other)
{
    const flume_graph_edge *a = one, *b = other;

    if (a->lower != b->lower)
        return a->lower < b->lower ? -1 : 1;
    return a->upper < b->upper ? -1 : a->upper > b->upper;
}

static void take_order(struct lattice *lattice, const struct ordered_node *list, uint32_t *now)
{
    for (size_t i = 0; i < lattice->node_count; i++) {
        lattice->nodes[i] = list[i].node;
        now[list[i].was] = (uint32_t)i;
    }
    for (size_t i = 0; i < lattice->edge_count; i++) {
        lattice->edges[i].lower = now[lattice->edges[i].lower];
        lattice->edges[i].upper = now[lattice->edges[i].upper];
    }
    for (size_t i = 0; i < lattice->scopes.capacity; i++)
        if (lattice->scopes.slots[i].seq != FLUME_SEQ_NONE)
            lattice->scopes.slots[i].node = now[lattice->scopes.slots[i].node];
}

int lattice_finish(struct lattice *lattice)
{
    size_t count = lattice->node_count;
    struct ordered_node *list = malloc((count + 1) * sizeof *list);
    uint32_t *now = malloc((count + 1) * sizeof *now);
    int status = list != NULL && now != NULL ? FLUME_OK : FLUME_ERR_NO_MEMORY;

    if (status == FLUME_OK && lattice->by == FLUME_GRAPH_BY_SHAPE)
        status = edges_of_shapes(lattice);
    if (status == FLUME_OK) {
        for (size_t i = 0; i < count; i++)
            list[i] = (struct ordered_node){lattice->shapes[lattice->nodes[i].shape].key_count,
                                            (uint32_t)i, lattice->nodes[i]};
        qsort(list, count, sizeof *list, compare_nodes);
        take_order(lattice, list, now);
        if (lattice->edge_count > 0)
            qsort(lattice->edges, lattice->edge_count, sizeof *lattice->edges, compare_edges);
    }
    free(list);
    free(now);
    return status;
}

bool lattice_find(const struct lattice *lattice, struct fingerprint fingerprint, size_t *out_node)
{
    const struct lattice_slot *slot = map_find(&lattice->scopes, fingerprint);

    if (slot != NULL)
        *out_node = slot->node;
    return slot != NULL;
}

void lattice_deinit(struct lattice *lattice)
{
    for (size_t i = 0; i < lattice->shape_count; i++)
        shape_deinit(&lattice->shapes[i]);
    free(lattice->shapes);
    free(lattice->nodes);
    free(lattice->edges);
    free(lattice->scopes.slots);
    free(lattice->by_shape.slots);
    free(lattice->left_shapes.slots);
    *lattice = (struct lattice){.by = lattice->by, .nodes_max = lattice->nodes_max};
}
