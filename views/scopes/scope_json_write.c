/*
 * scope_json_write.c - a scope as a JSON object.
 *
 * Keys are in order, so what begins with the same name and '/' stands together: a level is a run of
 * variables. A key that nesting would not give back stands as it is in "@keys".
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope_inside.h"
#include "scope_json.h"

enum { NUMBER_TEXT_BYTES = 40, DIGITS_LEAST = 15, DIGITS_MOST = 17 };

struct export
{
    const flume_scope *scope;
    bool *is_flat; /* For each index: left out of the nesting. */
    char *text;
    size_t bytes, capacity;
    bool has_failed; /* No memory; nothing more is written. */
};

/* ---- pieces ---- */

static void write_data(struct export *export, const char *data, size_t bytes)
{
    if (export->has_failed ||
        !scope_reserve((void **)&export->text, &export->capacity, export->bytes + bytes, 1)) {
        export->has_failed = true;
        return;
    }
    memcpy(export->text + export->bytes, data, bytes);
    export->bytes += bytes;
}

static void write_text(struct export *export, const char *text)
{
    write_data(export, text, strlen(text));
}

static void write_string_byte(struct export *export, char byte)
{
    static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = byte == '\0' ? NULL : strchr(named, byte);
    char escape[8];

    if (found != NULL)
        (void)snprintf(escape, sizeof escape, "\\%c", names[found - named]);
    else if ((unsigned char)byte < 0x20 || byte == 0x7f)
        (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)byte);
    else
        (void)snprintf(escape, sizeof escape, "%c", byte);
    write_text(export, escape);
}

static void write_string(struct export *export, const char *text, size_t bytes)
{
    write_text(export, "\"");
    for (size_t i = 0; i < bytes; i++)
        write_string_byte(export, text[i]);
    write_text(export, "\"");
}

/* A part of a key, with what is escaped in it as it was. */
static void write_name(struct export *export, const char *name, size_t bytes)
{
    write_text(export, "\"");
    for (size_t i = 0; i < bytes; i++) {
        if (name[i] == '~') /* '0' or '1' follows. */
            write_string_byte(export, name[++i] == '0' ? '~' : '/');
        else
            write_string_byte(export, name[i]);
    }
    write_text(export, "\":");
}

/* ---- values ---- */

static void write_base64(struct export *export, const uint8_t *data, size_t bytes)
{
    write_text(export, "\"");
    for (size_t i = 0; i < bytes; i += 3) {
        size_t left = bytes - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0u);
        char digits[5] = "====";

        for (size_t j = 0; j < 4 && j <= left; j++)
            digits[j] = JSON_BASE64_DIGITS[bits >> (18 - 6 * j) & 63];
        write_text(export, digits);
    }
    write_text(export, "\"");
}

/* The shortest text that is read back as this double, and as no integer. */
static void write_real(struct export *export, double real)
{
    char text[NUMBER_TEXT_BYTES];
    char *point;

    if (!isfinite(real)) {
        write_text(export, isnan(real) ? "{\"" JSON_NAME_F64 "\":\"nan\"}"
                           : real > 0  ? "{\"" JSON_NAME_F64 "\":\"inf\"}"
                                       : "{\"" JSON_NAME_F64 "\":\"-inf\"}");
        return;
    }
    for (int digits = DIGITS_LEAST; digits <= DIGITS_MOST; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    point = strchr(text, ','); /* Where the program's locale writes it so. */
    if (point != NULL)
        *point = '.';
    write_text(export, text);
    if (strpbrk(text, ".e") == NULL)
        write_text(export, ".0");
}

static void write_hash(struct export *export, const char *name, const flume_value *value)
{
    char digits[FLUME_HASH_TEXT_BYTES + 1], text[FLUME_HASH_TEXT_BYTES + 64];

    flume_hash_text(value->content.hash, digits);
    (void)snprintf(text, sizeof text, "{\"%s\":\"%s\"", name, digits);
    write_text(export, text);
    if (value->type == FLUME_VALUE_BLOB) {
        (void)snprintf(text, sizeof text, ",\"" JSON_NAME_SIZE "\":%" PRIu64, value->content.bytes);
        write_text(export, text);
    }
    write_text(export, "}");
}

static void write_value(struct export *export, const flume_value *value)
{
    char text[NUMBER_TEXT_BYTES];

    switch (value->type) {
    case FLUME_VALUE_NULL:
        write_text(export, "null");
        break;
    case FLUME_VALUE_BOOL:
        write_text(export, value->boolean ? "true" : "false");
        break;
    case FLUME_VALUE_INT:
        (void)snprintf(text, sizeof text, "%" PRId64, value->integer);
        write_text(export, text);
        break;
    case FLUME_VALUE_UINT:
        (void)snprintf(text, sizeof text, "{\"" JSON_NAME_UINT "\":\"%" PRIu64 "\"}",
                       value->natural);
        write_text(export, text);
        break;
    case FLUME_VALUE_F64:
        write_real(export, value->real);
        break;
    case FLUME_VALUE_TEXT:
        write_string(export, value->bytes.data, value->bytes.bytes);
        break;
    case FLUME_VALUE_BYTES:
        write_text(export, "{\"" JSON_NAME_BYTES "\":");
        write_base64(export, value->bytes.data, value->bytes.bytes);
        write_text(export, "}");
        break;
    case FLUME_VALUE_SYMBOL:
        write_text(export, "{\"" JSON_NAME_SYMBOL "\":");
        write_string(export, value->bytes.data, value->bytes.bytes);
        write_text(export, "}");
        break;
    case FLUME_VALUE_TIME:
        (void)snprintf(text, sizeof text, "{\"" JSON_NAME_TIME "\":%" PRId64 "}", value->integer);
        write_text(export, text);
        break;
    case FLUME_VALUE_BLOB:
        write_hash(export, JSON_NAME_BLOB, value);
        break;
    case FLUME_VALUE_HASH:
        write_hash(export, JSON_NAME_HASH, value);
        break;
    case FLUME_VALUE_EMPTY_MAP:
        write_text(export, "{}");
        break;
    case FLUME_VALUE_EMPTY_LIST:
        write_text(export, "[]");
        break;
    }
}

static void write_slot(struct export *export, uint32_t index)
{
    const struct scope_slot *slot = scope_slot_at(export->scope, index);
    flume_value value;

    scope_value_decode(slot->pair + slot->value_at, &value);
    write_value(export, &value);
}

/* ---- which keys are nested ---- */

static bool is_told(const struct scope_slot *slot)
{
    return slot->class_ != FLUME_CLASS_IGNORE && slot->class_ != FLUME_CLASS_UNKNOWN &&
           !slot->is_label;
}

/* Whether a part of a key can be a name: '~' stands before '0' or '1', '@' not in front. */
static bool is_name(const char *name, size_t bytes)
{
    if (bytes > 0 && name[0] == '@')
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (name[i] == '~' && (i + 1 == bytes || (name[i + 1] != '0' && name[i + 1] != '1')))
            return false;
    }
    return true;
}

/* Whether nesting gives this key back: its parts are names, not too many, and none of what encloses
 * it is a variable itself. */
static bool can_nest(const flume_scope *scope, const struct scope_slot *slot)
{
    const char *part = slot->key, *end = slot->key + slot->key_bytes;
    size_t depth = 1;

    for (const char *at = part; at < end; at++) {
        uint32_t index;

        if (*at != '/')
            continue;
        if (!is_name(part, (size_t)(at - part)) || ++depth > FLUME_SCOPE_DEPTH_MAX)
            return false;
        if (scope_search(scope, slot->key, (size_t)(at - slot->key), &index) &&
            is_told(scope_slot_at(scope, index)))
            return false;
        part = at + 1;
    }
    return is_name(part, (size_t)(end - part));
}

/* ---- levels ---- */

/* A run of variables whose keys begin with the same bytes, of which a level is. */
struct level {
    uint32_t begin, end; /* Indexes. */
    size_t prefix_bytes; /* Where the names begin. */
};

/* The next of a level that is not left out: a variable, or a level within, up to out_end. */
static bool next_part(const struct export *export, const struct level *level, uint32_t *io_at,
                      uint32_t *out_end, size_t *out_name_bytes)
{
    const struct scope_slot *first;
    const char *name, *slash;

    while (*io_at < level->end && export->is_flat[*io_at])
        (*io_at)++;
    if (*io_at == level->end)
        return false;
    first = scope_slot_at(export->scope, *io_at);
    name = first->key + level->prefix_bytes;
    slash = memchr(name, '/', first->key_bytes - level->prefix_bytes);
    *out_name_bytes = slash != NULL ? (size_t)(slash - name)
                                    : first->key_bytes - level->prefix_bytes;
    *out_end = *io_at + 1;
    while (slash != NULL && *out_end < level->end) {
        const struct scope_slot *slot = scope_slot_at(export->scope, *out_end);
        size_t bytes = (size_t)(slash + 1 - first->key);

        if (slot->key_bytes < bytes || memcmp(slot->key, first->key, bytes) != 0)
            break;
        (*out_end)++;
    }
    return true;
}

/* 0, 1, 2, ...; -1: no such number. */
static int64_t number_of_name(const char *name, size_t bytes)
{
    int64_t number = 0;

    if (bytes == 0 || bytes > 6 || (name[0] == '0' && bytes > 1))
        return -1;
    for (size_t i = 0; i < bytes; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -1;
        number = 10 * number + (name[i] - '0');
    }
    return number;
}

/* How many parts, if their names are the numbers from 0 on; else 0. */
static size_t count_elements(const struct export *export, const struct level *level)
{
    uint32_t at = level->begin, end;
    size_t name_bytes, count = 0;
    int64_t largest = -1;

    while (next_part(export, level, &at, &end, &name_bytes)) {
        const char *name = scope_slot_at(export->scope, at)->key + level->prefix_bytes;
        int64_t number = number_of_name(name, name_bytes);

        if (number < 0)
            return 0;
        largest = number > largest ? number : largest;
        count++;
        at = end;
    }
    return (size_t)(largest + 1) == count ? count : 0; /* No name comes twice. */
}

static void write_level(struct export *export, const struct level *level);

static void write_part(struct export *export, const struct level *level, uint32_t at, uint32_t end,
                       size_t name_bytes)
{
    const struct scope_slot *first = scope_slot_at(export->scope, at);
    struct level inner = {at, end, level->prefix_bytes + name_bytes + 1};

    if (first->key_bytes == level->prefix_bytes + name_bytes)
        write_slot(export, at);
    else
        write_level(export, &inner);
}

struct element {
    uint32_t at, end;
    size_t name_bytes;
};

/* Keys stand as texts sort: 0, 1, 10, 2. A list is written as numbers count. */
static void write_list(struct export *export, const struct level *level, size_t count)
{
    struct element *elements = calloc(count, sizeof *elements);
    uint32_t at = level->begin, end;
    size_t name_bytes;

    if (elements == NULL) {
        export->has_failed = true;
        return;
    }
    while (next_part(export, level, &at, &end, &name_bytes)) {
        const char *name = scope_slot_at(export->scope, at)->key + level->prefix_bytes;

        elements[number_of_name(name, name_bytes)] = (struct element){at, end, name_bytes};
        at = end;
    }
    for (size_t i = 0; i < count; i++) {
        write_text(export, i == 0 ? "[" : ",");
        write_part(export, level, elements[i].at, elements[i].end, elements[i].name_bytes);
    }
    write_text(export, "]");
    free(elements);
}

/* The parts of an object, without its brackets. @return how many. */
static size_t write_members(struct export *export, const struct level *level)
{
    uint32_t at = level->begin, end;
    size_t name_bytes, count = 0;

    while (next_part(export, level, &at, &end, &name_bytes)) {
        write_text(export, count++ == 0 ? "" : ",");
        write_name(export, scope_slot_at(export->scope, at)->key + level->prefix_bytes, name_bytes);
        write_part(export, level, at, end, name_bytes);
        at = end;
    }
    return count;
}

/* Within itself at most FLUME_SCOPE_DEPTH_MAX times: of deeper keys none is nested. */
static void write_level(struct export *export, const struct level *level)
{
    size_t elements = count_elements(export, level);

    if (elements > 0) {
        write_list(export, level, elements);
        return;
    }
    write_text(export, "{");
    (void)write_members(export, level);
    write_text(export, "}");
}

static void write_keys(struct export *export, bool is_first)
{
    bool has_any = false;

    for (uint32_t i = 0; i < export->scope->count; i++) {
        const struct scope_slot *slot = scope_slot_at(export->scope, i);

        if (!export->is_flat[i] || !is_told(slot))
            continue;
        write_text(export, has_any    ? ","
                           : is_first ? "\"" JSON_NAME_KEYS "\":{"
                                      : ",\"" JSON_NAME_KEYS "\":{");
        has_any = true;
        write_string(export, slot->key, slot->key_bytes);
        write_text(export, ":");
        write_slot(export, i);
    }
    if (has_any)
        write_text(export, "}");
}

int flume_scope_to_json(const flume_scope *scope, char **out_text)
{
    struct export export = {.scope = scope};
    struct level top = {0, scope->count, 0};
    size_t members;

    export.is_flat = malloc(scope->count + 1);
    if (export.is_flat == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_slot *slot = scope_slot_at(scope, i);

        export.is_flat[i] = !is_told(slot) || !can_nest(scope, slot);
    }
    write_text(&export, "{");
    members = write_members(&export, &top);
    write_keys(&export, members == 0);
    write_data(&export, "}", 2); /* With the NUL. */
    free(export.is_flat);
    if (export.has_failed) {
        free(export.text);
        return FLUME_ERR_NO_MEMORY;
    }
    *out_text = export.text;
    return FLUME_OK;
}
