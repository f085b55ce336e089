/*
 * scope_json_read.c - a scope from a JSON object.
 *
 * The object is read into a scope of its own, where a name that comes twice shows, and set when all
 * of it was read: what is refused sets nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "json_text.h"
#include "scope_inside.h"
#include "scope_json.h"

enum { INTEGER_DIGITS_MAX = 20, TIME_DIGITS_MAX = 24, REAL_BYTES_MAX = 4096 };

struct import {
    flume_scope *scope;   /* Whose error it is. */
    flume_scope *staging; /* Objects and lists stand in it, too: null, class ignore. */
    char path[FLUME_SCOPE_KEY_BYTES_MAX + 1];
    size_t path_bytes;
    char *text; /* A string, as it says. */
    size_t text_capacity;
};

static int fail(struct import *import, int status, const char *why)
{
    char shown[SCOPE_SHOWN_BYTES];

    return scope_fail(import->scope, status, "JSON at '%s': %s",
                      scope_show(import->path, import->path_bytes, shown), why);
}

/* What the staging says of a key or value is the scope's error. */
static int pass_on(struct import *import, int status)
{
    if (import->staging->error.status != FLUME_OK && import->scope->error.status == FLUME_OK)
        import->scope->error = import->staging->error;
    return status;
}

/* ---- the path ---- */

static int append_byte(struct import *import, char byte)
{
    if (import->path_bytes == FLUME_SCOPE_KEY_BYTES_MAX)
        return fail(import, FLUME_ERR_TOO_LARGE,
                    "the names down to here have more than 1024 bytes: shorten them");
    import->path[import->path_bytes++] = byte;
    return FLUME_OK;
}

static int append_name(struct import *import, const char *name, size_t bytes, bool is_first)
{
    int status = is_first ? FLUME_OK : append_byte(import, '/');

    for (size_t i = 0; status == FLUME_OK && i < bytes; i++) {
        bool is_escaped = name[i] == '~' || name[i] == '/';

        status = append_byte(import, is_escaped ? '~' : name[i]);
        if (status == FLUME_OK && is_escaped)
            status = append_byte(import, name[i] == '~' ? '0' : '1');
    }
    return status;
}

static int decode_text(struct import *import, struct json_slice string, size_t *out_bytes)
{
    if (!scope_reserve((void **)&import->text, &import->text_capacity, string.bytes, 1))
        return fail(import, FLUME_ERR_NO_MEMORY, "no memory for a text");
    *out_bytes = json_string_decode(string, import->text);
    return FLUME_OK;
}

/* ---- values ---- */

static int put_setting(struct import *import, const struct scope_setting *setting)
{
    uint32_t index;

    if (scope_search(import->staging, import->path, import->path_bytes, &index))
        return fail(import, FLUME_ERR_INVALID, "this name comes twice");
    return pass_on(import, scope_put(import->staging, import->path, import->path_bytes, setting));
}

static int put(struct import *import, const flume_value *value)
{
    struct scope_setting setting = {.value = *value, .has_value = true, .is_unlimited = true};

    if (value->type == FLUME_VALUE_BLOB)
        setting.class_ = FLUME_CLASS_BLOB;
    if (value->type == FLUME_VALUE_HASH)
        setting.class_ = FLUME_CLASS_HASH;
    return put_setting(import, &setting);
}

/* An object or a list: so that its name cannot come again. */
static int note_container(struct import *import)
{
    struct scope_setting setting = {.class_ = FLUME_CLASS_IGNORE, .is_unlimited = true};

    if (import->path_bytes == 0)
        return FLUME_OK;
    return put_setting(import, &setting);
}

/* Digits with a sign before them, maybe. @return false: more than 64 bits. */
static bool read_integer(const char *text, size_t bytes, flume_value *out_value)
{
    bool is_negative = text[0] == '-';
    uint64_t number = 0;

    for (size_t i = is_negative; i < bytes; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = 10 * number + digit;
    }
    if (!is_negative) {
        *out_value = (flume_value){.type = FLUME_VALUE_UINT, .natural = number};
        return true;
    }
    if (number > (uint64_t)INT64_MAX + 1)
        return false;
    *out_value = (flume_value){.type = FLUME_VALUE_INT, .integer = (int64_t)(0 - number)};
    return true;
}

static bool is_whole(const char *text, size_t bytes)
{
    size_t first = bytes > 0 && text[0] == '-';

    for (size_t i = first; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return bytes > first;
}

static int import_real(struct import *import, struct json_slice json)
{
    locale_t locale;
    flume_value value = {.type = FLUME_VALUE_F64};

    if (json.bytes > REAL_BYTES_MAX)
        return fail(import, FLUME_ERR_TOO_LARGE, "a number of more than 4096 digits");
    if (!scope_reserve((void **)&import->text, &import->text_capacity, json.bytes + 1, 1))
        return fail(import, FLUME_ERR_NO_MEMORY, "no memory for a number");
    memcpy(import->text, json.at, json.bytes);
    import->text[json.bytes] = '\0';
    locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* Whatever the program's is. */
    value.real = strtod_l(import->text, NULL, locale);
    freelocale(locale);
    if (isinf(value.real))
        return fail(import, FLUME_ERR_TOO_LARGE, "a number too large for 64 bits (f64)");
    return put(import, &value);
}

static int import_number(struct import *import, struct json_slice json)
{
    flume_value value;

    if (!is_whole(json.at, json.bytes))
        return import_real(import, json);
    if (!read_integer(json.at, json.bytes, &value))
        return fail(import, FLUME_ERR_TOO_LARGE,
                    "a whole number that does not fit 64 bits: write it with a point (f64) or as "
                    "a text");
    return put(import, &value);
}

static int import_text(struct import *import, enum flume_value_type type, struct json_slice json)
{
    flume_value value = {.type = type};
    size_t bytes = 0;
    int status = decode_text(import, json, &bytes);

    if (status < 0)
        return status;
    value.bytes = (flume_bytes){import->text, bytes};
    return put(import, &value);
}

/* ---- what JSON has no type for ---- */

static int import_natural(struct import *import, struct json_slice json)
{
    flume_value value;

    if (json.at[0] != '"' || !is_whole(json.at + 1, json.bytes - 2) || json.at[1] == '-' ||
        !read_integer(json.at + 1, json.bytes - 2, &value))
        return fail(import, FLUME_ERR_INVALID, "@uint needs a text of digits that fit 64 bits");
    return put(import, &value);
}

static int import_odd_real(struct import *import, struct json_slice json)
{
    flume_value value = {.type = FLUME_VALUE_F64};

    if (json.at[0] == '"' && json_string_is(json, "nan", 3))
        value.real = (double)NAN;
    else if (json.at[0] == '"' && json_string_is(json, "inf", 3))
        value.real = (double)INFINITY;
    else if (json.at[0] == '"' && json_string_is(json, "-inf", 4))
        value.real = -(double)INFINITY;
    else
        return fail(import, FLUME_ERR_INVALID, "@f64 needs \"nan\", \"inf\" or \"-inf\"");
    return put(import, &value);
}

static int import_time(struct import *import, struct json_slice json)
{
    flume_value value;

    if (!is_whole(json.at, json.bytes) || !read_integer(json.at, json.bytes, &value) ||
        (value.type == FLUME_VALUE_UINT && value.natural > INT64_MAX))
        return fail(import, FLUME_ERR_INVALID,
                    "@time needs a whole number that fits 64 bits: nanoseconds since 1970");
    if (value.type == FLUME_VALUE_UINT)
        value.integer = (int64_t)value.natural;
    value.type = FLUME_VALUE_TIME;
    return put(import, &value);
}

/* Four digits to three bytes, in place. @return false: no base64. */
static bool decode_base64(char *text, size_t digits, size_t *out_bytes)
{
    size_t bytes = 0;
    uint32_t bits = 0;
    size_t padding = 0;

    if (digits % 4 != 0)
        return false;
    while (padding < 2 && padding < digits && text[digits - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < digits - padding; i++) {
        const char *found = text[i] == '\0' ? NULL : strchr(JSON_BASE64_DIGITS, text[i]);

        if (found == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(found - JSON_BASE64_DIGITS);
        if (i % 4 > 0)
            text[bytes++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    *out_bytes = bytes;
    /* The bits behind the last byte are 0. */
    return padding == 0 || (bits & (padding == 1 ? 3u : 15u)) == 0;
}

static int import_bytes(struct import *import, struct json_slice json)
{
    flume_value value = {.type = FLUME_VALUE_BYTES};
    size_t digits = 0, bytes = 0;
    int status;

    if (json.at[0] != '"')
        return fail(import, FLUME_ERR_INVALID, "@bytes needs a text in base64");
    status = decode_text(import, json, &digits);
    if (status < 0)
        return status;
    if (!decode_base64(import->text, digits, &bytes))
        return fail(import, FLUME_ERR_INVALID, "@bytes needs a text in base64");
    value.bytes = (flume_bytes){import->text, bytes};
    return put(import, &value);
}

static bool read_hash(struct json_slice json, uint8_t out_hash[FLUME_HASH_BYTES])
{
    return json.at[0] == '"' && json.bytes == FLUME_HASH_TEXT_BYTES + 2 &&
           content_hash_read(json.at + 1, out_hash);
}

static int import_hash(struct import *import, struct json_slice json)
{
    flume_value value = {.type = FLUME_VALUE_HASH};

    if (!read_hash(json, value.content.hash))
        return fail(import, FLUME_ERR_INVALID, "@hash needs 64 lower-case hexadecimal digits");
    return put(import, &value);
}

static int import_blob(struct import *import, struct json_slice json, struct json_slice size)
{
    flume_value value = {.type = FLUME_VALUE_BLOB}, number;

    if (!read_hash(json, value.content.hash) || size.at == NULL || size.at[0] == '-' ||
        !is_whole(size.at, size.bytes) || !read_integer(size.at, size.bytes, &number))
        return fail(import, FLUME_ERR_INVALID,
                    "@blob needs 64 lower-case hexadecimal digits, and then @size the bytes");
    value.content.bytes = number.natural;
    return put(import, &value);
}

static bool is_name(struct json_slice name, const char *text)
{
    return json_string_is(name, text, strlen(text));
}

static int import_typed(struct import *import, struct json_slice object)
{
    struct json_slice name = {NULL, 0}, value = {NULL, 0}, second_name = {NULL, 0},
                      second = {NULL, 0}, rest_name, rest;
    struct json_walk walk;
    bool is_blob;

    (void)json_walk_begin(&walk, object); /* It is one, and has a member. */
    (void)json_walk_next(&walk, &name, &value);
    is_blob = is_name(name, JSON_NAME_BLOB);
    if (is_blob &&
        (!json_walk_next(&walk, &second_name, &second) || !is_name(second_name, JSON_NAME_SIZE)))
        second.at = NULL;
    if (json_walk_next(&walk, &rest_name, &rest))
        return fail(import, FLUME_ERR_INVALID, "beside a name with '@' stands another");
    if (is_blob)
        return import_blob(import, value, second);
    if (is_name(name, JSON_NAME_UINT))
        return import_natural(import, value);
    if (is_name(name, JSON_NAME_F64))
        return import_odd_real(import, value);
    if (is_name(name, JSON_NAME_BYTES))
        return import_bytes(import, value);
    if (is_name(name, JSON_NAME_SYMBOL) && value.at[0] == '"')
        return import_text(import, FLUME_VALUE_SYMBOL, value);
    if (is_name(name, JSON_NAME_TIME))
        return import_time(import, value);
    if (is_name(name, JSON_NAME_HASH))
        return import_hash(import, value);
    return fail(import, FLUME_ERR_INVALID,
                "a name that begins with '@' and is none of @uint, @f64, @bytes, @symbol, @time, "
                "@blob, @hash");
}

/* ---- objects and lists ---- */

static int import_value(struct import *import, struct json_slice json, size_t depth);

static int import_member(struct import *import, const struct json_walk *walk,
                         struct json_slice name, size_t index, struct json_slice value,
                         size_t depth)
{
    size_t path_bytes = import->path_bytes, bytes = 0;
    char digits[INTEGER_DIGITS_MAX + 1];
    int status;

    if (walk->is_object) {
        status = decode_text(import, name, &bytes);
        if (status == FLUME_OK && bytes > 0 && import->text[0] == '@')
            status = fail(import, FLUME_ERR_INVALID,
                          "a name in here begins with '@', which is kept for flume");
        if (status == FLUME_OK)
            status = append_name(import, import->text, bytes, depth == 0);
    } else {
        bytes = (size_t)snprintf(digits, sizeof digits, "%zu", index);
        status = append_name(import, digits, bytes, depth == 0);
    }
    if (status == FLUME_OK)
        status = import_value(import, value, depth + 1);
    import->path_bytes = path_bytes;
    return status;
}

static int import_members(struct import *import, struct json_slice json, size_t depth)
{
    struct json_slice name = {NULL, 0}, value;
    struct json_walk walk;
    size_t index = 0;
    int status = FLUME_OK;

    if (depth == FLUME_SCOPE_DEPTH_MAX)
        return fail(import, FLUME_ERR_TOO_LARGE,
                    "nested deeper than 16 levels: make a text or a blob of what is within");
    if (depth > 0)
        status = note_container(import);
    (void)json_walk_begin(&walk, json); /* It is one. */
    while (status == FLUME_OK && json_walk_next(&walk, &name, &value))
        status = import_member(import, &walk, name, index++, value, depth);
    return status;
}

/* Recursion ends at FLUME_SCOPE_DEPTH_MAX. */
static int import_value(struct import *import, struct json_slice json, size_t depth)
{
    struct json_slice name = {NULL, 0}, value;
    struct json_walk walk;

    switch (json.at[0]) {
    case '"':
        return import_text(import, FLUME_VALUE_TEXT, json);
    case 't':
    case 'f':
        return put(import, &(flume_value){.type = FLUME_VALUE_BOOL, .boolean = json.at[0] == 't'});
    case 'n':
        return put(import, &(flume_value){.type = FLUME_VALUE_NULL});
    case '{':
    case '[':
        break;
    default:
        return import_number(import, json);
    }
    (void)json_walk_begin(&walk, json);
    if (!json_walk_next(&walk, &name, &value))
        return put(import, &(flume_value){.type = walk.is_object ? FLUME_VALUE_EMPTY_MAP
                                                                 : FLUME_VALUE_EMPTY_LIST});
    if (walk.is_object && (name.at[1] == '@' || name.at[1] == '\\')) {
        size_t bytes = 0;
        int status = decode_text(import, name, &bytes);

        if (status < 0)
            return status;
        if (bytes > 0 && import->text[0] == '@')
            return import_typed(import, json);
    }
    return import_members(import, json, depth);
}

/* The member "@keys": names that are keys as they are, and values that are not nested. */
static int import_keys(struct import *import, struct json_slice json)
{
    struct json_slice name, value;
    struct json_walk walk;
    int status = FLUME_OK;

    if (!json_walk_begin(&walk, json) || !walk.is_object)
        return fail(import, FLUME_ERR_INVALID, "@keys needs an object");
    while (status == FLUME_OK && json_walk_next(&walk, &name, &value)) {
        size_t bytes = 0;

        status = decode_text(import, name, &bytes);
        if (status == FLUME_OK && bytes > FLUME_SCOPE_KEY_BYTES_MAX)
            status = fail(import, FLUME_ERR_TOO_LARGE, "a key in @keys has more than 1024 bytes");
        if (status < 0)
            return status;
        memcpy(import->path, import->text, bytes);
        import->path_bytes = bytes;
        status = import_value(import, value, FLUME_SCOPE_DEPTH_MAX);
    }
    import->path_bytes = 0;
    return status;
}

static int import_object(struct import *import, struct json_slice json)
{
    struct json_slice name = {NULL, 0}, value;
    struct json_walk walk;
    bool has_keys = false;
    int status = FLUME_OK;

    (void)json_walk_begin(&walk, json); /* It is one. */
    while (status == FLUME_OK && json_walk_next(&walk, &name, &value)) {
        if (!is_name(name, JSON_NAME_KEYS)) {
            status = import_member(import, &walk, name, 0, value, 0);
        } else if (has_keys) {
            status = fail(import, FLUME_ERR_INVALID, "@keys comes twice");
        } else {
            has_keys = true;
            status = import_keys(import, value);
        }
    }
    return status;
}

/* ---- from outside ---- */

static int fail_syntax(flume_scope *scope, const char *text, size_t bytes)
{
    json_error_t error;
    json_t *tree = json_loadb(text, bytes, JSON_DECODE_ANY, &error);

    if (tree != NULL) {
        json_decref(tree);
        return scope_fail(scope, FLUME_ERR_INVALID, "the text is no JSON");
    }
    return scope_fail(scope, FLUME_ERR_INVALID, "the text is no JSON: line %d, column %d: %s",
                      error.line, error.column, error.text);
}

/* How many of what was read are variables, and new ones. */
static size_t count_new(const flume_scope *scope, const flume_scope *staging)
{
    size_t count = 0;

    for (uint32_t i = 0; i < staging->count; i++) {
        const struct scope_slot *slot = scope_slot_at(staging, i);
        uint32_t index;

        if (slot->class_ != FLUME_CLASS_IGNORE &&
            !scope_search(scope, slot->key, slot->key_bytes, &index))
            count++;
    }
    return count;
}

static int take_all(flume_scope *scope, const flume_scope *staging)
{
    size_t count = scope->count + count_new(scope, staging);
    int status = FLUME_OK;

    if (count > FLUME_SCOPE_VARIABLES_MAX)
        return scope_fail(scope, FLUME_ERR_TOO_LARGE,
                          "with what the JSON has, the scope would have %zu variables and labels, "
                          "and at most %d are allowed",
                          count, FLUME_SCOPE_VARIABLES_MAX);
    for (uint32_t i = 0; status == FLUME_OK && i < staging->count; i++) {
        const struct scope_slot *slot = scope_slot_at(staging, i);
        struct scope_setting setting = {.class_ = (enum flume_variable_class)slot->class_,
                                        .has_value = true};

        if (slot->class_ == FLUME_CLASS_IGNORE)
            continue;
        scope_value_decode(slot->pair + slot->value_at, &setting.value);
        status = scope_put(scope, slot->key, slot->key_bytes, &setting);
    }
    return status;
}

int flume_scope_from_json(flume_scope *scope, const void *text, size_t text_bytes)
{
    struct import *import;
    int status;

    if (text == NULL || !json_text_is_sound(text, text_bytes))
        return fail_syntax(scope, text == NULL ? "" : text, text == NULL ? 0 : text_bytes);
    if (json_text_root(text, text_bytes).at[0] != '{')
        return scope_fail(scope, FLUME_ERR_INVALID,
                          "the JSON text is no object: variables have names");
    import = calloc(1, sizeof *import);
    if (import == NULL || flume_scope_create(&import->staging) < 0) {
        free(import);
        return scope_fail(scope, FLUME_ERR_NO_MEMORY, "no memory for what the JSON says");
    }
    import->scope = scope;
    status = import_object(import, json_text_root(text, text_bytes));
    if (status == FLUME_OK)
        status = take_all(scope, import->staging);
    flume_scope_destroy(import->staging);
    free(import->text);
    free(import);
    return status;
}
