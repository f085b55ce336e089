/*
 * shapes.c - the sets of keys that scopes have (shapes.h).
 */
#include "shapes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_SLOTS = 4096, FIRST_CAPACITY = 16 };
static_assert(INDEX_SLOTS >= 2 * SHAPES_MAX, "the index is never more than half full");

/* ---- one shape ---- */

struct numbered {
    uint64_t key;
    uint32_t place;
};

static int by_key(const void *a, const void *b)
{
    const struct numbered *one = a, *other = b;

    return one->key < other->key ? -1 : one->key > other->key;
}

static int sort_keys(struct shape *shape)
{
    struct numbered *order = malloc((shape->key_count + 1) * sizeof *order);

    if (order == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < shape->key_count; i++)
        order[i] = (struct numbered){shape->keys[i], i};
    qsort(order, shape->key_count, sizeof *order, by_key);
    for (uint32_t i = 0; i < shape->key_count; i++) {
        shape->sorted[i] = order[i].key;
        shape->places[i] = order[i].place;
    }
    free(order);
    return FLUME_OK;
}

int shape_create(const uint64_t *keys, size_t count, uint64_t first_seq, struct shape **out_shape)
{
    struct shape *shape = calloc(1, sizeof *shape);
    int status = FLUME_ERR_NO_MEMORY;

    if (shape == NULL)
        return status;
    shape->key_count = (uint32_t)count;
    shape->first_seq = first_seq;
    shape->keys = malloc((count + 1) * sizeof *shape->keys);
    shape->sorted = malloc((count + 1) * sizeof *shape->sorted);
    shape->places = malloc((count + 1) * sizeof *shape->places);
    if (shape->keys != NULL && shape->sorted != NULL && shape->places != NULL) {
        memcpy(shape->keys, keys, count * sizeof *keys);
        status = sort_keys(shape);
    }
    if (status != FLUME_OK) {
        shape_destroy(shape);
        return status;
    }
    shape->fingerprint = tokens_shape(keys, count);
    shape->signature = tokens_key_signature(keys, count);
    *out_shape = shape;
    return FLUME_OK;
}

void shape_destroy(struct shape *shape)
{
    if (shape == NULL)
        return;
    for (uint32_t i = 0; i < shape->part_count; i++)
        free(shape->parts[i].places);
    free(shape->keys);
    free(shape->sorted);
    free(shape->places);
    free(shape);
}

bool shape_is_within(const struct shape *one, const struct shape *other)
{
    uint32_t at = 0;

    if (one->key_count > other->key_count || (one->signature & ~other->signature) != 0)
        return false;
    for (uint32_t i = 0; i < one->key_count; i++, at++) {
        while (at < other->key_count && other->sorted[at] < one->sorted[i])
            at++;
        if (at == other->key_count || other->sorted[at] != one->sorted[i])
            return false;
    }
    return true;
}

static bool is_strictly_within(const struct shape *one, const struct shape *other)
{
    return one->key_count < other->key_count && shape_is_within(one, other);
}

/* ---- parts ---- */

static int by_number(const void *a, const void *b)
{
    const uint32_t *one = a, *other = b;

    return *one < *other ? -1 : *one > *other;
}

/* How many places a part is remembered by: those that it has, or those that it has not. */
static uint32_t places_of(const struct shape *part, const struct shape *whole)
{
    uint32_t missing = whole->key_count - part->key_count;

    return missing < part->key_count ? missing : part->key_count;
}

static int make_part(const struct shape *part, uint32_t number, const struct shape *whole,
                     struct shape_part *out_part)
{
    uint32_t count = places_of(part, whole), at = 0, used = 0;

    *out_part = (struct shape_part){
        .shape = number,
        .place_count = count,
        .is_missing = count < part->key_count,
        .places = malloc((count + 1) * sizeof *out_part->places),
    };
    if (out_part->places == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < whole->key_count; i++) {
        bool has = at < part->key_count && part->sorted[at] == whole->sorted[i];

        if (has)
            at++;
        if (has != out_part->is_missing)
            out_part->places[used++] = whole->places[i];
    }
    assert(used == count);
    qsort(out_part->places, count, sizeof *out_part->places, by_number);
    return FLUME_OK;
}

/* Larger parts first; of equal ones the one tracked first. */
static void insert_part(const struct shapes *shapes, struct shape *whole, struct shape_part part,
                        uint32_t key_count)
{
    uint32_t at = whole->part_count++;

    for (; at > 0; at--) {
        uint32_t other = whole->parts[at - 1].shape;

        if (shapes->list[other]->key_count >= key_count)
            break;
        whole->parts[at] = whole->parts[at - 1];
    }
    whole->parts[at] = part;
}

struct fingerprint shape_project(const struct shape_part *part, const struct scope_tokens *tokens)
{
    struct fingerprint sum = {{0, 0}};

    if (part->is_missing) {
        sum = tokens->sum;
        for (uint32_t i = 0; i < part->place_count; i++)
            fingerprint_subtract(&sum, tokens->tokens[part->places[i]]);
    } else {
        for (uint32_t i = 0; i < part->place_count; i++)
            fingerprint_add(&sum, tokens->tokens[part->places[i]]);
    }
    return sum;
}

bool shape_project_any(const struct shape *part, const struct shape *whole,
                       const struct scope_tokens *tokens, struct fingerprint *out_sum)
{
    uint32_t at = 0;

    if (!is_strictly_within(part, whole))
        return false;
    *out_sum = (struct fingerprint){{0, 0}};
    for (uint32_t i = 0; i < whole->key_count && at < part->key_count; i++)
        if (whole->sorted[i] == part->sorted[at]) {
            fingerprint_add(out_sum, tokens->tokens[whole->places[i]]);
            at++;
        }
    return true;
}

/* ---- all of them ---- */

void shapes_deinit(struct shapes *shapes)
{
    for (size_t i = 0; i < shapes->count; i++)
        shape_destroy(shapes->list[i]);
    free(shapes->list);
    free(shapes->index);
    *shapes = (struct shapes){0};
}

struct shape *shapes_find(const struct shapes *shapes, struct fingerprint fingerprint)
{
    size_t slot = fingerprint.lanes[1] % INDEX_SLOTS;

    if (shapes->index == NULL)
        return NULL;
    for (; shapes->index[slot] != 0; slot = (slot + 1) % INDEX_SLOTS) {
        struct shape *shape = shapes->list[shapes->index[slot] - 1];

        if (fingerprint_equal(shape->fingerprint, fingerprint))
            return shape;
    }
    return NULL;
}

static int make_room(struct shapes *shapes)
{
    size_t capacity = shapes->capacity == 0 ? FIRST_CAPACITY : shapes->capacity * 2;
    struct shape **list;

    if (shapes->index == NULL)
        shapes->index = calloc(INDEX_SLOTS, sizeof *shapes->index);
    if (shapes->index == NULL)
        return FLUME_ERR_NO_MEMORY;
    if (shapes->count < shapes->capacity)
        return FLUME_OK;
    list = realloc(shapes->list, capacity * sizeof *list);
    if (list == NULL)
        return FLUME_ERR_NO_MEMORY;
    shapes->list = list;
    shapes->capacity = capacity;
    return FLUME_OK;
}

/* What tracking a shape would take; more than SHAPES_NUMBERS_MAX if a bound forbids it. */
static size_t measure(const struct shapes *shapes, const struct shape *shape)
{
    size_t numbers = shapes->numbers + shape->key_count, parts = 0;

    if (shapes->count == SHAPES_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i < shapes->count; i++) {
        const struct shape *other = shapes->list[i];

        if (is_strictly_within(other, shape)) {
            if (++parts > SHAPE_PARTS_MAX)
                return SIZE_MAX;
            numbers += places_of(other, shape);
        } else if (is_strictly_within(shape, other)) {
            if (other->part_count == SHAPE_PARTS_MAX)
                return SIZE_MAX;
            numbers += places_of(shape, other);
        }
    }
    return numbers;
}

/* Take a part that was added last out of a shape again. */
static void drop_part(struct shape *whole, uint32_t number)
{
    for (uint32_t i = 0; i < whole->part_count; i++)
        if (whole->parts[i].shape == number) {
            free(whole->parts[i].places);
            whole->part_count--;
            memmove(&whole->parts[i], &whole->parts[i + 1],
                    (whole->part_count - i) * sizeof whole->parts[0]);
            return;
        }
}

static int relate(struct shapes *shapes, struct shape *shape, uint32_t number)
{
    for (uint32_t i = 0; i < number; i++) {
        struct shape *other = shapes->list[i];
        struct shape_part part;
        int status = FLUME_OK;

        if (is_strictly_within(other, shape)) {
            status = make_part(other, i, shape, &part);
            if (status == FLUME_OK)
                insert_part(shapes, shape, part, other->key_count);
        } else if (is_strictly_within(shape, other)) {
            status = make_part(shape, number, other, &part);
            if (status == FLUME_OK)
                insert_part(shapes, other, part, shape->key_count);
        }
        if (status != FLUME_OK) {
            for (uint32_t k = 0; k < i; k++)
                drop_part(shapes->list[k], number);
            return status;
        }
    }
    return FLUME_OK;
}

int shapes_track(struct shapes *shapes, struct shape *shape)
{
    uint32_t number = (uint32_t)shapes->count;
    size_t numbers = measure(shapes, shape);
    size_t slot = shape->fingerprint.lanes[1] % INDEX_SLOTS;
    int status = numbers > SHAPES_NUMBERS_MAX ? FLUME_ERR_FULL : make_room(shapes);

    if (status == FLUME_OK)
        status = relate(shapes, shape, number);
    if (status != FLUME_OK)
        return status;
    shape->number = number;
    shapes->list[shapes->count++] = shape;
    shapes->numbers = numbers;
    while (shapes->index[slot] != 0)
        slot = (slot + 1) % INDEX_SLOTS;
    shapes->index[slot] = (uint16_t)shapes->count;
    return FLUME_OK;
}
