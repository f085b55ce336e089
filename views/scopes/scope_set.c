/*
 * scope_set.c - setting a variable.
 *
 * The way of a value that was there before and has the same size is the one that counts: a sweep
 * sets the same variables again and again. It takes no memory, and image and pairs stay laid out.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "little.h"
#include "scope_inside.h"
#include "text.h"

/* ---- what may be set ---- */

/* The one key with '@' that is no label's is that of a hash. */
static bool is_chain(const char *key, size_t key_bytes, const struct scope_setting *setting)
{
    return scope_key_is_chain(key, key_bytes) && setting->class_ == FLUME_CLASS_HASH &&
           setting->value.type == FLUME_VALUE_HASH && setting->flags == 0;
}

static int check_key(flume_scope *scope, const char *key, size_t key_bytes,
                     const struct scope_setting *setting)
{
    char shown[SCOPE_SHOWN_BYTES];

    /* Looked at where it was made. */
    if (setting->is_label || is_chain(key, key_bytes, setting))
        return FLUME_OK;
    if (key_bytes == 0)
        return scope_fail(scope, FLUME_ERR_INVALID,
                          "a variable has no name: a key has 1 to %d bytes",
                          FLUME_SCOPE_KEY_BYTES_MAX);
    if (key_bytes > FLUME_SCOPE_KEY_BYTES_MAX)
        return scope_fail(scope, FLUME_ERR_TOO_LARGE,
                          "key '%s' has %zu bytes, and at most %d are allowed: shorten it",
                          scope_show(key, key_bytes, shown), key_bytes, FLUME_SCOPE_KEY_BYTES_MAX);
    if (key[0] == '@')
        return scope_fail(scope, FLUME_ERR_INVALID,
                          "key '%s' begins with '@', which is kept for flume: name it otherwise",
                          scope_show(key, key_bytes, shown));
    if (memchr(key, '\0', key_bytes) != NULL)
        return scope_fail(scope, FLUME_ERR_INVALID, "key '%s' has a zero byte in it",
                          scope_show(key, key_bytes, shown));
    if (!text_is_utf8(key, key_bytes))
        return scope_fail(scope, FLUME_ERR_INVALID, "key '%s' is not UTF-8",
                          scope_show(key, key_bytes, shown));
    return FLUME_OK;
}

static int check_size(flume_scope *scope, const char *key, size_t key_bytes,
                      const flume_value *value)
{
    char shown[SCOPE_SHOWN_BYTES];

    if ((unsigned)value->type > FLUME_VALUE_EMPTY_LIST)
        return scope_fail(scope, FLUME_ERR_INVALID, "variable '%s': there is no type %d",
                          scope_show(key, key_bytes, shown), (int)value->type);
    if (!scope_type_is_bytes(value->type))
        return FLUME_OK;
    if (value->bytes.bytes > FLUME_SCOPE_VALUE_BYTES_MAX)
        return scope_fail(scope, FLUME_ERR_TOO_LARGE,
                          "variable '%s' has %zu bytes, and at most %d stand in a scope: make it a "
                          "blob (flume_scope_set_content(), FLUME_CAPTURE_ARRAY())",
                          scope_show(key, key_bytes, shown), value->bytes.bytes,
                          FLUME_SCOPE_VALUE_BYTES_MAX);
    if (value->bytes.data == NULL && value->bytes.bytes > 0)
        return scope_fail(scope, FLUME_ERR_INVALID, "variable '%s' has bytes at NULL",
                          scope_show(key, key_bytes, shown));
    return FLUME_OK;
}

static int check_text(flume_scope *scope, const char *key, size_t key_bytes,
                      const flume_value *value)
{
    char shown[SCOPE_SHOWN_BYTES];

    if ((value->type != FLUME_VALUE_TEXT && value->type != FLUME_VALUE_SYMBOL) ||
        text_is_utf8(value->bytes.data, value->bytes.bytes))
        return FLUME_OK;
    return scope_fail(scope, FLUME_ERR_INVALID,
                      "variable '%s': its %zu bytes are not UTF-8: set them as bytes "
                      "(flume_scope_set_bytes())",
                      scope_show(key, key_bytes, shown), value->bytes.bytes);
}

static int check_room(flume_scope *scope, const char *key, size_t key_bytes,
                      const struct scope_setting *setting)
{
    char shown[SCOPE_SHOWN_BYTES];

    if (scope->count < FLUME_SCOPE_VARIABLES_MAX || setting->is_unlimited)
        return FLUME_OK;
    return scope_fail(scope, FLUME_ERR_TOO_LARGE,
                      "no room for '%s': a scope has at most %d variables and labels: make one "
                      "variable of many (FLUME_CAPTURE_ARRAY())",
                      scope_show(key, key_bytes, shown), FLUME_SCOPE_VARIABLES_MAX);
}

static int fail_memory(flume_scope *scope, const char *key, size_t key_bytes)
{
    char shown[SCOPE_SHOWN_BYTES];

    return scope_fail(scope, FLUME_ERR_NO_MEMORY, "no memory for variable '%s'",
                      scope_show(key, key_bytes, shown));
}

/* ---- putting it there ---- */

static bool has_bytes(const struct scope_slot *slot, const struct scope_encoded *encoded)
{
    const uint8_t *value = slot->pair + slot->value_at;

    return slot->pair_bytes - slot->value_at == encoded->head_bytes + encoded->tail_bytes &&
           memcmp(value, encoded->head, encoded->head_bytes) == 0 &&
           (encoded->tail_bytes == 0 ||
            memcmp(value + encoded->head_bytes, encoded->tail, encoded->tail_bytes) == 0);
}

static bool has_type(const struct scope_slot *slot, const char *type)
{
    if (slot->type == NULL || type == NULL)
        return (slot->type == NULL || slot->type[0] == '\0') && (type == NULL || type[0] == '\0');
    return strcmp(slot->type, type) == 0;
}

static bool has_attributes(const struct scope_slot *slot, const struct scope_setting *setting)
{
    return slot->class_ == setting->class_ && slot->flags == setting->flags &&
           slot->has_value == setting->has_value && slot->is_inherited == setting->is_inherited;
}

static int put_type(struct scope_slot *slot, const char *type)
{
    size_t bytes = type == NULL ? 0 : strlen(type);

    if (bytes >= slot->type_capacity) {
        uint32_t capacity = (uint32_t)bytes + 16;
        char *memory = malloc(capacity); /* The text may be what stands there now. */

        if (memory == NULL)
            return FLUME_ERR_NO_MEMORY;
        memory[0] = '\0';
        free(slot->type);
        slot->type = memory;
        slot->type_capacity = capacity;
    }
    if (bytes > 0)
        memmove(slot->type, type, bytes);
    slot->type[bytes] = '\0';
    return FLUME_OK;
}

/* What is put may lie in the pair itself, or in the memory that it had until now. */
static int put_bytes(struct scope_slot *slot, const struct scope_encoded *encoded)
{
    uint32_t tail_at = slot->value_at + encoded->head_bytes;
    uint32_t bytes = tail_at + encoded->tail_bytes;
    uint8_t *pair = slot->pair;

    if (bytes > slot->pair_capacity) {
        pair = malloc(2 * (size_t)bytes);
        if (pair == NULL)
            return FLUME_ERR_NO_MEMORY;
        memcpy(pair, slot->pair, slot->value_at);
    }
    if (encoded->tail_bytes > 0)
        memmove(pair + tail_at, encoded->tail, encoded->tail_bytes);
    memcpy(pair + slot->value_at, encoded->head, encoded->head_bytes);
    if (pair != slot->pair) {
        free(slot->pair);
        slot->pair = pair;
        slot->pair_capacity = 2 * bytes;
    }
    slot->pair_bytes = bytes;
    return FLUME_OK;
}

/* The pair in the image as it is now; its size is what it was. */
static void patch_image(flume_scope *scope, const struct scope_slot *slot)
{
    uint8_t *value = scope->image + slot->image_at + slot->value_at;

    memcpy(value, slot->pair + slot->value_at, scope_identity_bytes(slot) - slot->value_at);
    if (value[0] == FLUME_VALUE_BLOB)
        value[0] = FLUME_VALUE_HASH;
    tokens_note(&scope->kept, slot->pair_index);
}

static int put_pair(flume_scope *scope, struct scope_slot *slot,
                    const struct scope_encoded *encoded)
{
    uint32_t bytes_before = scope_identity_bytes(slot);
    int status = put_bytes(slot, encoded);

    if (status < 0 || !scope_is_identity(slot))
        return status;
    scope->id_known = false;
    if (!scope->laid_out)
        return FLUME_OK;
    if (scope_identity_bytes(slot) == bytes_before)
        patch_image(scope, slot);
    else
        scope->laid_out = false;
    return FLUME_OK;
}

static void put_attributes(flume_scope *scope, struct scope_slot *slot,
                           const struct scope_setting *setting)
{
    bool was_identity = scope_is_identity(slot);

    slot->has_value = setting->has_value;
    slot->is_label = setting->is_label;
    slot->is_inherited = setting->is_inherited;
    slot->content = setting->content;
    slot->content_bytes = setting->content_bytes;
    if (slot->class_ == setting->class_ && slot->flags == setting->flags)
        return;
    scope->class_count[slot->class_]--;
    slot->class_ = (uint8_t)setting->class_;
    scope->class_count[slot->class_]++;
    slot->flags = (uint8_t)setting->flags;
    if (was_identity || scope_is_identity(slot)) {
        scope->laid_out = false;
        scope->id_known = false;
    }
}

static int put_at(flume_scope *scope, const char *key, size_t key_bytes,
                  const struct scope_setting *setting, const struct scope_encoded *encoded,
                  uint32_t index, bool is_new)
{
    struct scope_slot *slot;
    int status = FLUME_OK;

    if (is_new)
        status = scope_insert(scope, index, key, key_bytes);
    if (status < 0)
        return fail_memory(scope, key, key_bytes);
    slot = scope_slot_at(scope, index);
    if (!has_type(slot, setting->type))
        status = put_type(slot, setting->type);
    if (status == FLUME_OK)
        status = put_pair(scope, slot, encoded);
    if (status == FLUME_OK) {
        slot->plain_type = (uint8_t)(scope_type_is_bytes(setting->value.type) ? setting->value.type
                                                                              : FLUME_VALUE_BYTES);
        put_attributes(scope, slot, setting);
        return FLUME_OK;
    }
    status = fail_memory(scope, key, key_bytes);
    if (is_new)
        scope_remove(scope, index);
    return status;
}

int scope_put(flume_scope *scope, const char *key, size_t key_bytes,
              const struct scope_setting *setting)
{
    struct scope_setting loosened;
    struct scope_encoded encoded;
    uint32_t index = 0;
    bool is_found;
    int status;

    if (scope->is_loose && setting->has_value) {
        loosened = *setting;
        scope_loosen(&loosened.value);
        setting = &loosened;
    }
    status = check_size(scope, key, key_bytes, &setting->value);
    if (status < 0)
        return status;
    is_found = scope_find(scope, key, key_bytes, &index);
    if (!is_found || key[0] == '@')
        status = check_key(scope, key, key_bytes, setting);
    if (status == FLUME_OK && !is_found)
        status = check_room(scope, key, key_bytes, setting);
    if (status < 0)
        return status;
    scope_value_encode(&setting->value, &encoded);
    if (is_found) {
        struct scope_slot *slot = scope_slot_at(scope, index);

        if (has_attributes(slot, setting) && has_bytes(slot, &encoded) &&
            has_type(slot, setting->type)) {
            slot->content = setting->content;
            slot->content_bytes = setting->content_bytes;
            return FLUME_OK;
        }
    }
    status = check_text(scope, key, key_bytes, &setting->value);
    if (status < 0)
        return status;
    return put_at(scope, key, key_bytes, setting, &encoded, index, !is_found);
}

bool scope_put_number(flume_scope *scope, const char *key, const char *type,
                      enum flume_value_type value_type, uint64_t bits)
{
    struct scope_slot *slot;
    uint8_t *number;
    uint32_t index;

    if (scope->is_loose && value_type == FLUME_VALUE_F64)
        return false; /* It may become an int. */
    if (!scope_find_text(scope, key, &index))
        return false;
    slot = scope_slot_at(scope, index);
    number = slot->pair + slot->value_at + 1;
    if (slot->class_ != FLUME_CLASS_INLINE || slot->flags != 0 || number[-1] != value_type ||
        !has_type(slot, type))
        return false;
    if (big_get64(number) == bits)
        return true;
    big_put64(number, bits);
    if (scope->laid_out) {
        big_put64(scope->image + slot->image_at + slot->value_at + 1, bits);
        tokens_note(&scope->kept, slot->pair_index);
    }
    scope->id_known = false;
    return true;
}

/* ---- what becomes of it ---- */

static int fail_class(flume_scope *scope, const struct scope_slot *slot, const char *why)
{
    char shown[SCOPE_SHOWN_BYTES];

    return scope_fail(scope, FLUME_ERR_INVALID, "variable '%s' %s",
                      scope_show(slot->key, slot->key_bytes, shown), why);
}

/* From a value in the scope to its hash; what it says is kept. */
static int make_content(flume_scope *scope, struct scope_slot *slot,
                        enum flume_variable_class class_)
{
    struct scope_setting setting = {.class_ = class_, .flags = slot->flags, .has_value = true};
    struct scope_encoded encoded;
    flume_value value;

    scope_value_decode(slot->pair + slot->value_at, &value);
    if (!scope_type_is_bytes(value.type))
        return fail_class(scope, slot,
                          "is no text and no bytes: only these, and contents, are made a blob or a "
                          "hash; leave it inline");
    slot->plain_type = (uint8_t)value.type;
    if (!scope_reserve((void **)&slot->kept, &slot->kept_capacity, value.bytes.bytes, 1))
        return fail_memory(scope, slot->key, slot->key_bytes);
    memcpy(slot->kept, value.bytes.data, value.bytes.bytes);
    setting.content = slot->kept;
    setting.content_bytes = value.bytes.bytes;
    setting.value.type = class_ == FLUME_CLASS_BLOB ? FLUME_VALUE_BLOB : FLUME_VALUE_HASH;
    setting.value.content.bytes = value.bytes.bytes;
    flume_hash(slot->kept, value.bytes.bytes, setting.value.content.hash);
    scope_value_encode(&setting.value, &encoded);
    if (put_pair(scope, slot, &encoded) < 0)
        return fail_memory(scope, slot->key, slot->key_bytes);
    put_attributes(scope, slot, &setting);
    return FLUME_OK;
}

/* Between blob and hash: the length of the content comes or goes. */
static int change_content(flume_scope *scope, struct scope_slot *slot,
                          enum flume_variable_class class_)
{
    struct scope_setting setting = {.class_ = class_,
                                    .flags = slot->flags,
                                    .has_value = true,
                                    .content = slot->content,
                                    .content_bytes = slot->content_bytes};
    struct scope_encoded encoded;
    flume_value value;

    scope_value_decode(slot->pair + slot->value_at, &value);
    if (class_ == FLUME_CLASS_BLOB && value.type == FLUME_VALUE_HASH) {
        if (slot->content == NULL)
            return fail_class(scope, slot,
                              "has only the hash of its content, which cannot become a blob");
        value.content.bytes = slot->content_bytes;
    }
    value.type = class_ == FLUME_CLASS_BLOB ? FLUME_VALUE_BLOB : FLUME_VALUE_HASH;
    scope_value_encode(&value, &encoded);
    if (put_pair(scope, slot, &encoded) < 0)
        return fail_memory(scope, slot->key, slot->key_bytes);
    put_attributes(scope, slot, &setting);
    return FLUME_OK;
}

static int make_inline(flume_scope *scope, struct scope_slot *slot)
{
    struct scope_setting setting = {.flags = slot->flags, .has_value = true};
    struct scope_encoded encoded;

    if (scope_type_is_content(scope_slot_type(slot))) {
        if (slot->content == NULL)
            return fail_class(scope, slot,
                              "has only the hash of its content, which cannot stand inline");
        setting.value.type = (enum flume_value_type)slot->plain_type;
        setting.value.bytes = (flume_bytes){slot->content, slot->content_bytes};
        if (check_size(scope, slot->key, slot->key_bytes, &setting.value) < 0)
            return FLUME_ERR_TOO_LARGE;
        scope_value_encode(&setting.value, &encoded);
        if (put_pair(scope, slot, &encoded) < 0)
            return fail_memory(scope, slot->key, slot->key_bytes);
    }
    put_attributes(scope, slot, &setting);
    return FLUME_OK;
}

static void change_class(flume_scope *scope, struct scope_slot *slot,
                         enum flume_variable_class class_)
{
    struct scope_setting setting = {.class_ = class_,
                                    .flags = slot->flags,
                                    .has_value = slot->has_value,
                                    .content = slot->content,
                                    .content_bytes = slot->content_bytes};

    put_attributes(scope, slot, &setting);
}

int flume_scope_classify(flume_scope *scope, const char *key, enum flume_variable_class class_)
{
    struct scope_slot *slot;
    uint32_t index;

    if (key == NULL || (unsigned)class_ > FLUME_CLASS_UNKNOWN)
        return scope_fail(scope, FLUME_ERR_INVALID, "there is no class %d", (int)class_);
    if (key[0] == '@' || !scope_find(scope, key, strlen(key), &index))
        return FLUME_ERR_NOT_FOUND; /* Those with '@' are what they are. */
    slot = scope_slot_at(scope, index);
    if (class_ == FLUME_CLASS_IGNORE || class_ == FLUME_CLASS_UNKNOWN) {
        change_class(scope, slot, class_);
        return FLUME_OK;
    }
    if (!slot->has_value)
        return fail_class(scope, slot,
                          "is of a type that has no value here: capture it as an array "
                          "(FLUME_CAPTURE_ARRAY()), set it, or class it ignore");
    if (class_ == FLUME_CLASS_VOLATILE) {
        change_class(scope, slot, class_);
        return FLUME_OK;
    }
    if (class_ == FLUME_CLASS_INLINE)
        return make_inline(scope, slot);
    if (scope_type_is_content(scope_slot_type(slot)))
        return change_content(scope, slot, class_);
    return make_content(scope, slot, class_);
}

int flume_scope_set_variable(flume_scope *scope, const flume_variable *variable)
{
    struct scope_setting setting = {.value = variable->value,
                                    .type = variable->type,
                                    .class_ = variable->class_,
                                    .flags = variable->flags,
                                    .has_value = true};
    bool is_made = false; /* Its hash is to be made of a value. */
    int status;

    if (variable->key == NULL || (unsigned)variable->class_ > FLUME_CLASS_UNKNOWN ||
        (variable->flags & ~(unsigned)FLUME_VARIABLE_GLOBAL) != 0)
        return scope_fail(scope, FLUME_ERR_INVALID,
                          "a variable needs a key, a class and flags that there are");
    if (variable->content != NULL) {
        setting.content = variable->content;
        setting.content_bytes = variable->content_bytes;
        setting.value.type = FLUME_VALUE_BLOB;
        setting.value.content.bytes = variable->content_bytes;
        flume_hash(variable->content, variable->content_bytes, setting.value.content.hash);
        if (setting.class_ == FLUME_CLASS_INLINE)
            setting.class_ = FLUME_CLASS_BLOB;
    }
    if (setting.class_ == FLUME_CLASS_HASH && setting.value.type == FLUME_VALUE_BLOB)
        setting.value.type = FLUME_VALUE_HASH;
    if (setting.class_ == FLUME_CLASS_INLINE && setting.value.type == FLUME_VALUE_BLOB)
        setting.class_ = FLUME_CLASS_BLOB;
    if (setting.class_ == FLUME_CLASS_INLINE && setting.value.type == FLUME_VALUE_HASH)
        setting.class_ = FLUME_CLASS_HASH;
    if ((setting.class_ == FLUME_CLASS_BLOB && setting.value.type != FLUME_VALUE_BLOB) ||
        (setting.class_ == FLUME_CLASS_HASH && setting.value.type != FLUME_VALUE_HASH)) {
        is_made = true;
        setting.class_ = FLUME_CLASS_IGNORE; /* Until it is what it is to be. */
    }
    status = scope_put(scope, variable->key, strlen(variable->key), &setting);
    if (status < 0 || !is_made)
        return status;
    return flume_scope_classify(scope, variable->key, variable->class_);
}
