/*
 * tare_set.c - which tares are in force, and telling of them before the first scope that has their
 * id (tare_set.h).
 *
 * A scope may be written long after it was committed, when its tares are undone: what has to be
 * told of them is kept until it is in the log.
 *
 * What always holds:
 *   - Of the sets in rules, those with a body are not in the log, as far as this recorder knows.
 */
#include "tare_set.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Sets that were told are remembered up to here: one that is forgotten is told again. */
enum { SETS_KEPT = 64 };

/* Of a record, besides what the tares are. */
enum { BODY_BYTES_BESIDES = 64 + FLUME_HASH_TEXT_BYTES + FLUME_TARES_MAX };

/* ---- images ---- */

bool tare_image_begin(struct scope_buffer *image, enum flume_tare_mode mode, size_t count)
{
    uint8_t head[1 + VARINT_BYTES_MAX] = {(uint8_t)mode};

    return scope_buffer_add(image, head, 1 + varint_write(head + 1, (uint32_t)count));
}

bool tare_image_add(struct scope_buffer *image, const char *key,
                    const uint8_t value[FLUME_HASH_BYTES])
{
    uint8_t head[VARINT_BYTES_MAX];
    size_t key_bytes = strlen(key);

    return scope_buffer_add(image, head, varint_write(head, (uint32_t)key_bytes)) &&
           scope_buffer_add(image, key, key_bytes) &&
           (value == NULL || scope_buffer_add(image, value, FLUME_HASH_BYTES));
}

const char *tare_mode_name(enum flume_tare_mode mode)
{
    return mode == FLUME_TARE_KEYS ? "keys" : "values";
}

/* ---- a tare ---- */

/* Of a value as identity has it: a blob is its hash. */
static void hash_value(const flume_value *value, uint8_t out_hash[FLUME_HASH_BYTES])
{
    uint8_t bytes[SCOPE_VALUE_HEAD_BYTES + FLUME_SCOPE_VALUE_BYTES_MAX];
    flume_value counted = *value;
    struct scope_encoded encoded;

    if (counted.type == FLUME_VALUE_BLOB)
        counted.type = FLUME_VALUE_HASH;
    scope_value_encode(&counted, &encoded);
    memcpy(bytes, encoded.head, encoded.head_bytes);
    if (encoded.tail_bytes > 0)
        memcpy(bytes + encoded.head_bytes, encoded.tail, encoded.tail_bytes);
    flume_hash(bytes, encoded.head_bytes + encoded.tail_bytes, out_hash);
}

/* The next variable that the tare can leave out. False: there is none. */
static bool next_variable(const struct tare *tare, size_t *io_index, flume_variable *out_variable)
{
    while (flume_scope_at(tare->scope, (*io_index)++, out_variable))
        if (tare->mode == FLUME_TARE_KEYS || variable_is_valued(tare->scope, out_variable->key))
            return true;
    return false;
}

static bool make_image(struct tare *tare)
{
    uint8_t hash[FLUME_HASH_BYTES];
    flume_variable variable;
    size_t count = 0, index = 0;

    while (next_variable(tare, &index, &variable))
        count++;
    if (!tare_image_begin(&tare->image, tare->mode, count))
        return false;
    for (index = 0; next_variable(tare, &index, &variable);) {
        if (tare->mode == FLUME_TARE_VALUES)
            hash_value(&variable.value, hash);
        if (!tare_image_add(&tare->image, variable.key,
                            tare->mode == FLUME_TARE_VALUES ? hash : NULL))
            return false;
    }
    return true;
}

static bool make_text(struct tare *tare)
{
    json_t *keys = json_array(), *hashes = json_array(), *object = NULL;
    flume_variable variable;
    bool good = true;

    for (size_t index = 0; good && next_variable(tare, &index, &variable);) {
        char digits[FLUME_HASH_TEXT_BYTES + 1];
        uint8_t hash[FLUME_HASH_BYTES];

        good = json_array_append_new(keys, json_string(variable.key)) == 0;
        if (!good || tare->mode == FLUME_TARE_KEYS)
            continue;
        hash_value(&variable.value, hash);
        flume_hash_text(hash, digits);
        good = json_array_append_new(hashes, json_string(digits)) == 0;
    }
    if (good)
        object = json_pack("{s:s, s:O}", "mode", tare_mode_name(tare->mode), "keys", keys);
    if (good && tare->mode == FLUME_TARE_VALUES && json_object_set(object, "hashes", hashes) != 0)
        good = false;
    if (good)
        tare->text = json_dumps(object, JSON_COMPACT);
    json_decref(keys);
    json_decref(hashes);
    json_decref(object);
    return tare->text != NULL;
}

static bool make_stack_id(const struct recorder_rules *rules, struct tare *tare)
{
    flume_hasher *hasher = flume_hasher_create();

    if (hasher == NULL)
        return false;
    flume_hasher_add(hasher, TARE_ID_DOMAIN, sizeof TARE_ID_DOMAIN);
    for (size_t i = 0; i < rules->tare_count; i++)
        flume_hasher_add(hasher, rules->tares[i].image.data, rules->tares[i].image.bytes);
    flume_hasher_add(hasher, tare->image.data, tare->image.bytes);
    flume_hasher_get(hasher, tare->stack_id);
    flume_hasher_destroy(hasher);
    return true;
}

int tare_make(flume_recorder *recorder, struct tare *tare)
{
    const struct recorder_rules *rules = recorder->rules;

    if (!make_image(tare) || !make_text(tare) || !make_stack_id(rules, tare))
        return rules_fail_memory(recorder);
    tare->texts_bytes = strlen(tare->text);
    if (rules->tare_count > 0)
        tare->texts_bytes += rules->tares[rules->tare_count - 1].texts_bytes;
    if (tare->texts_bytes + BODY_BYTES_BESIDES > FLUME_BODY_BYTES_MAX)
        return flume_fail(recorder->handle, FLUME_ERR_TOO_LARGE, FLUME_SEQ_NONE,
                          "what the tares leave out takes %zu bytes to tell, and a record has at "
                          "most %d: tare fewer variables, or undo some (flume_recorder_untare())",
                          tare->texts_bytes + BODY_BYTES_BESIDES, FLUME_BODY_BYTES_MAX);
    return FLUME_OK;
}

void tare_deinit(struct tare *tare)
{
    flume_scope_destroy(tare->scope);
    scope_buffer_deinit(&tare->image);
    free(tare->text);
    *tare = (struct tare){.scope = NULL};
}

/* ---- those that are in force ---- */

/* {"tare":"ID","tares":[...]}; there is room for it in a record. NULL: no memory. */
static char *make_body(const struct recorder_rules *rules)
{
    const struct tare *last = &rules->tares[rules->tare_count - 1];
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    struct scope_buffer body = {.data = NULL};
    bool good = scope_buffer_add(&body, TARE_BODY_BEGIN, sizeof TARE_BODY_BEGIN - 1);

    flume_hash_text(last->stack_id, digits);
    good = good && scope_buffer_add(&body, digits, FLUME_HASH_TEXT_BYTES) &&
           scope_buffer_add(&body, "\",\"tares\":", 10);
    for (size_t i = 0; good && i < rules->tare_count; i++)
        good = scope_buffer_add(&body, i == 0 ? "[" : ",", 1) &&
               scope_buffer_add(&body, rules->tares[i].text, strlen(rules->tares[i].text));
    good = good && scope_buffer_add(&body, "]}", 3);
    if (!good)
        scope_buffer_deinit(&body);
    return (char *)body.data;
}

static struct tare_set *find(const struct recorder_rules *rules, const uint8_t *id)
{
    for (size_t i = 0; i < rules->tare_set_count; i++)
        if (memcmp(rules->tare_sets[i].id, id, FLUME_HASH_BYTES) == 0)
            return &rules->tare_sets[i];
    return NULL;
}

static void drop(struct recorder_rules *rules, size_t index)
{
    free(rules->tare_sets[index].body);
    rules->tare_sets[index] = rules->tare_sets[--rules->tare_set_count];
}

/* One that was told gives way to a new one. */
static void make_room(struct recorder_rules *rules)
{
    for (size_t i = 0; rules->tare_set_count >= SETS_KEPT && i < rules->tare_set_count; i++)
        if (rules->tare_sets[i].body == NULL) {
            drop(rules, i);
            return;
        }
}

static int add_set(flume_recorder *recorder, const uint8_t id[FLUME_HASH_BYTES])
{
    struct recorder_rules *rules = recorder->rules;
    struct tare_set *set;

    make_room(rules);
    if (!scope_reserve((void **)&rules->tare_sets, &rules->tare_set_capacity,
                       rules->tare_set_count + 1, sizeof *rules->tare_sets))
        return rules_fail_memory(recorder);
    set = &rules->tare_sets[rules->tare_set_count];
    set->body = make_body(rules);
    if (set->body == NULL)
        return rules_fail_memory(recorder);
    memcpy(set->id, id, FLUME_HASH_BYTES);
    rules->tare_set_count++;
    return FLUME_OK;
}

int tare_set_use(flume_recorder *recorder, uint8_t out_id[FLUME_HASH_BYTES])
{
    const struct recorder_rules *rules = recorder->rules;
    const struct tare *last;
    int status = FLUME_OK;

    memset(out_id, 0, FLUME_HASH_BYTES);
    if (rules == NULL || rules->tare_count == 0)
        return FLUME_OK;
    last = &rules->tares[rules->tare_count - 1];
    if (find(rules, last->stack_id) == NULL)
        status = add_set(recorder, last->stack_id);
    if (status == FLUME_OK)
        memcpy(out_id, last->stack_id, FLUME_HASH_BYTES);
    return status;
}

/* ---- telling ---- */

int tare_set_to_record(flume_recorder *recorder, const uint8_t id[FLUME_HASH_BYTES],
                       const char **out_body)
{
    struct tare_set *set = recorder->rules == NULL ? NULL : find(recorder->rules, id);
    bool is_known;
    int status;

    *out_body = NULL;
    if (set == NULL || set->body == NULL)
        return FLUME_OK;
    /* Settings that were told with it stand behind it. */
    status = schema_is_there(recorder->handle->log, set->body, 1, &is_known);
    if (status != FLUME_OK)
        return flume_fail_log(recorder->handle, status);
    if (is_known)
        tare_set_recorded(recorder, id);
    else
        *out_body = set->body;
    return FLUME_OK;
}

void tare_set_recorded(flume_recorder *recorder, const uint8_t id[FLUME_HASH_BYTES])
{
    struct tare_set *set = recorder->rules == NULL ? NULL : find(recorder->rules, id);

    if (set == NULL)
        return;
    free(set->body);
    set->body = NULL;
}

/* A link that waits still has its tares. */
void tare_sets_forget(flume_recorder *recorder)
{
    struct recorder_rules *rules = recorder->rules;

    for (size_t i = rules == NULL ? 0 : rules->tare_set_count; i-- > 0;)
        if (rules->tare_sets[i].body != NULL &&
            (!recorder->links.pending ||
             memcmp(rules->tare_sets[i].id, recorder->links.tare_id, FLUME_HASH_BYTES) != 0))
            drop(rules, i);
}

void tare_sets_deinit(struct recorder_rules *rules)
{
    while (rules->tare_set_count > 0)
        drop(rules, rules->tare_set_count - 1);
    free(rules->tare_sets);
}
