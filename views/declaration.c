/*
 * declaration.c - see declaration.h.
 */
#include "declaration.h"

#include <assert.h>
#include <string.h>

#include "json_path.h"
#include "little.h"
#include "text.h"

/* A row's value: numbers, then path, by_path and label, each with its NUL. */
enum {
    ROW_VERSION_AT = 0,
    ROW_RECORD_SEQ_AT = 4,
    ROW_DROPPED_AT = 12,
    ROW_WHAT_AT = 13,
    ROW_TYPE_AT = 14,
    ROW_UNIQUE_AT = 15,
    ROW_REDUCE_AT = 16,
    ROW_BY_LABEL_AT = 17,
    ROW_TEXTS_AT = 18
};

static_assert(ROW_TEXTS_AT + 2 * (FLUME_PATH_BYTES_MAX + 1) + FLUME_LABEL_BYTES_MAX + 1 <=
                  DECLARATION_ROW_BYTES_MAX,
              "every row fits");
static_assert((int)DECLARATION_ROW_BYTES_MAX <= (int)FLUME_MERGE_BYTES_MAX, "and can be merged");

/* The words of a record for the numbers of an enum, from 0; NULL where there is none. */
static const char *const what_words[] = {NULL, "field", "reduce"};
static const char *const type_words[] = {NULL, "text", "number"};
static const char *const reduce_words[] = {NULL, "count", "sum", "min", "max", "last"};

enum {
    WHAT_WORDS = sizeof what_words / sizeof what_words[0],
    TYPE_WORDS = sizeof type_words / sizeof type_words[0],
    REDUCE_WORDS = sizeof reduce_words / sizeof reduce_words[0]
};

/* ---- what may be declared ---- */

bool declaration_name_is_sound(const char *name)
{
    size_t bytes = strnlen(name, FLUME_VIEW_NAME_BYTES_MAX + 1);

    return bytes > 0 && bytes <= FLUME_VIEW_NAME_BYTES_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == bytes &&
           strchr("._-", name[0]) == NULL;
}

static bool is_terminated(const char *text, size_t bytes_max)
{
    return strnlen(text, bytes_max + 1) <= bytes_max;
}

static int path_check(const char *text, const char **out_reason)
{
    struct json_path *path = NULL;
    int status;

    if (!text_is_line(text, strlen(text))) {
        *out_reason = "a path is UTF-8 without control bytes";
        return FLUME_ERR_INVALID;
    }
    status = json_path_create(text, &path, out_reason);
    json_path_destroy(path);
    return status;
}

static const char *reduce_fault(const flume_declaration *declaration)
{
    if (declaration->reduce < FLUME_REDUCE_COUNT || declaration->reduce > FLUME_REDUCE_LAST)
        return "what it reduces to is not known";
    if (declaration->reduce != FLUME_REDUCE_COUNT && declaration->path[0] == '\0')
        return "only a count does without a path";
    if (declaration->by_path[0] != '\0' && declaration->by_label)
        return "groups are made by a field or by label, not by both";
    return NULL;
}

/* What is wrong apart from the paths; NULL: nothing. */
static const char *fault(const flume_declaration *declaration)
{
    if (!declaration_name_is_sound(declaration->name))
        return "a name is 1 to 40 of [a-z0-9._-] and begins with a letter or a digit";
    if (!is_terminated(declaration->path, FLUME_PATH_BYTES_MAX) ||
        !is_terminated(declaration->by_path, FLUME_PATH_BYTES_MAX) ||
        !is_terminated(declaration->label, FLUME_LABEL_BYTES_MAX))
        return "a path or the label is too long";
    if (!text_is_line(declaration->label, strlen(declaration->label)))
        return "the label is UTF-8 without control bytes";
    if (declaration->what == FLUME_DECLARED_REDUCE)
        return reduce_fault(declaration);
    if (declaration->what != FLUME_DECLARED_FIELD)
        return "what it declares is not known";
    if (declaration->path[0] == '\0')
        return "a field has a path";
    if ((unsigned)declaration->type > FLUME_FIELD_NUMBER)
        return "the type is not known";
    return NULL;
}

int declaration_check(const flume_declaration *declaration, const char **out_reason)
{
    const char *reason = fault(declaration);
    int status = FLUME_OK;

    if (reason != NULL) {
        *out_reason = reason;
        return FLUME_ERR_INVALID;
    }
    if (declaration->path[0] != '\0')
        status = path_check(declaration->path, out_reason);
    if (status == FLUME_OK && declaration->what == FLUME_DECLARED_REDUCE &&
        declaration->by_path[0] != '\0')
        status = path_check(declaration->by_path, out_reason);
    return status;
}

void declaration_normalise(const flume_declaration *declaration, flume_declaration *out_normal)
{
    memset(out_normal, 0, sizeof *out_normal);
    memcpy(out_normal->name, declaration->name, strlen(declaration->name));
    memcpy(out_normal->path, declaration->path, strlen(declaration->path));
    memcpy(out_normal->label, declaration->label, strlen(declaration->label));
    out_normal->what = declaration->what;
    if (declaration->what == FLUME_DECLARED_FIELD) {
        out_normal->type = declaration->type;
        out_normal->unique = declaration->unique;
    } else {
        memcpy(out_normal->by_path, declaration->by_path, strlen(declaration->by_path));
        out_normal->reduce = declaration->reduce;
        out_normal->by_label = declaration->by_label;
    }
}

bool declaration_same(const flume_declaration *one, const flume_declaration *other)
{
    flume_declaration normal_one, normal_other;

    declaration_normalise(one, &normal_one);
    declaration_normalise(other, &normal_other);
    return memcmp(&normal_one, &normal_other, sizeof normal_one) == 0;
}

/* ---- the record ---- */

/* Collects whether any of several steps has failed. */
static void set(json_t *body, const char *member, json_t *value, bool *io_failed)
{
    if (json_object_set_new(body, member, value) != 0)
        *io_failed = true;
}

static void set_text(json_t *body, const char *member, const char *text, bool *io_failed)
{
    if (text != NULL && text[0] != '\0')
        set(body, member, json_string(text), io_failed);
}

static int dump(json_t *body, bool failed, char **out_body)
{
    char *text = failed ? NULL : json_dumps(body, JSON_COMPACT);

    json_decref(body);
    if (text == NULL)
        return FLUME_ERR_NO_MEMORY;
    *out_body = text;
    return FLUME_OK;
}

int declaration_body_encode(const flume_declaration *declaration, char **out_body)
{
    flume_declaration normal;
    json_t *body = json_object();
    bool failed = body == NULL;

    declaration_normalise(declaration, &normal);
    set_text(body, "name", normal.name, &failed);
    set_text(body, "what", what_words[normal.what], &failed);
    set_text(body, "reduce", reduce_words[normal.reduce], &failed);
    set_text(body, "path", normal.path, &failed);
    set_text(body, "type", type_words[normal.type], &failed);
    if (normal.unique)
        set(body, "unique", json_true(), &failed);
    set_text(body, "by", normal.by_path, &failed);
    if (normal.by_label)
        set(body, "by_label", json_true(), &failed);
    set_text(body, "label", normal.label, &failed);
    return dump(body, failed, out_body);
}

int declaration_drop_encode(const char *name, char **out_body)
{
    json_t *body = json_object();
    bool failed = body == NULL;

    set_text(body, "name", name, &failed);
    set(body, "drop", json_true(), &failed);
    return dump(body, failed, out_body);
}

/* A member that is text, or absent. false: it is something else, or too long. */
static bool take_text(const json_t *body, const char *member, char *target, size_t bytes_max)
{
    const json_t *value = json_object_get(body, member);
    size_t bytes = json_string_length(value);

    if (value == NULL)
        return true;
    /* A zero byte inside would make two names of one. */
    if (!json_is_string(value) || bytes > bytes_max || strlen(json_string_value(value)) != bytes)
        return false;
    memcpy(target, json_string_value(value), bytes + 1);
    return true;
}

/* A member that is one of some words, or absent (0). */
static bool take_word(const json_t *body, const char *member, const char *const *words,
                      unsigned word_count, unsigned *out_number)
{
    const json_t *value = json_object_get(body, member);
    const char *text = json_string_value(value);

    *out_number = 0;
    if (value == NULL)
        return true;
    for (unsigned i = 1; text != NULL && i < word_count; i++) {
        if (strcmp(text, words[i]) == 0)
            *out_number = i;
    }
    return *out_number != 0;
}

static bool take_members(const json_t *body, flume_declaration *declaration)
{
    unsigned what = 0, type = 0, reduce = 0;

    if (!take_text(body, "path", declaration->path, FLUME_PATH_BYTES_MAX) ||
        !take_text(body, "by", declaration->by_path, FLUME_PATH_BYTES_MAX) ||
        !take_text(body, "label", declaration->label, FLUME_LABEL_BYTES_MAX) ||
        !take_word(body, "what", what_words, WHAT_WORDS, &what) ||
        !take_word(body, "type", type_words, TYPE_WORDS, &type) ||
        !take_word(body, "reduce", reduce_words, REDUCE_WORDS, &reduce))
        return false;
    declaration->what = (enum flume_declared_what)what;
    declaration->type = (enum flume_field_type)type;
    declaration->reduce = (enum flume_reduce_what)reduce;
    declaration->unique = json_is_true(json_object_get(body, "unique"));
    declaration->by_label = json_is_true(json_object_get(body, "by_label"));
    return true;
}

int declaration_body_decode(const json_t *body, struct declaration_row *out_row)
{
    struct declaration_row row = {.dropped = json_is_true(json_object_get(body, "drop"))};
    const char *reason = NULL;
    int status = FLUME_OK;

    if (!json_is_object(body) ||
        !take_text(body, "name", row.declaration.name, FLUME_VIEW_NAME_BYTES_MAX) ||
        !declaration_name_is_sound(row.declaration.name))
        return FLUME_ERR_INVALID;
    if (!row.dropped) {
        if (!take_members(body, &row.declaration))
            return FLUME_ERR_INVALID;
        status = declaration_check(&row.declaration, &reason);
    }
    if (status == FLUME_OK)
        *out_row = row;
    return status;
}

/* ---- the row ---- */

static size_t put_text(uint8_t *target, const char *text)
{
    size_t bytes = strlen(text) + 1;

    memcpy(target, text, bytes);
    return bytes;
}

size_t declaration_row_encode(const struct declaration_row *row,
                              uint8_t target[DECLARATION_ROW_BYTES_MAX])
{
    const flume_declaration *declaration = &row->declaration;
    size_t bytes = ROW_TEXTS_AT;

    little_put32(target + ROW_VERSION_AT, declaration->version);
    little_put64(target + ROW_RECORD_SEQ_AT, declaration->record_seq);
    target[ROW_DROPPED_AT] = row->dropped;
    target[ROW_WHAT_AT] = (uint8_t)declaration->what;
    target[ROW_TYPE_AT] = (uint8_t)declaration->type;
    target[ROW_UNIQUE_AT] = declaration->unique;
    target[ROW_REDUCE_AT] = (uint8_t)declaration->reduce;
    target[ROW_BY_LABEL_AT] = declaration->by_label;
    bytes += put_text(target + bytes, declaration->path);
    bytes += put_text(target + bytes, declaration->by_path);
    bytes += put_text(target + bytes, declaration->label);
    return bytes;
}

/* The next text of a value. false: it does not end there, or is too long. */
static bool get_text(flume_bytes value, size_t *io_at, char *target, size_t bytes_max)
{
    const char *text = (const char *)value.data + *io_at;
    size_t bytes = strnlen(text, value.bytes - *io_at);

    if (bytes == value.bytes - *io_at || bytes > bytes_max)
        return false;
    memcpy(target, text, bytes + 1);
    *io_at += bytes + 1;
    return true;
}

bool declaration_row_decode(flume_bytes name, flume_bytes value, struct declaration_row *out_row)
{
    const uint8_t *data = value.data;
    struct declaration_row row = {.dropped = false};
    flume_declaration *declaration = &row.declaration;
    size_t at = ROW_TEXTS_AT;

    if (value.bytes < ROW_TEXTS_AT || name.bytes > FLUME_VIEW_NAME_BYTES_MAX)
        return false;
    memcpy(declaration->name, name.data, name.bytes);
    declaration->version = little_get32(data + ROW_VERSION_AT);
    declaration->record_seq = little_get64(data + ROW_RECORD_SEQ_AT);
    row.dropped = data[ROW_DROPPED_AT] != 0;
    declaration->what = (enum flume_declared_what)data[ROW_WHAT_AT];
    declaration->type = (enum flume_field_type)data[ROW_TYPE_AT];
    declaration->unique = data[ROW_UNIQUE_AT] != 0;
    declaration->reduce = (enum flume_reduce_what)data[ROW_REDUCE_AT];
    declaration->by_label = data[ROW_BY_LABEL_AT] != 0;
    if (!get_text(value, &at, declaration->path, FLUME_PATH_BYTES_MAX) ||
        !get_text(value, &at, declaration->by_path, FLUME_PATH_BYTES_MAX) ||
        !get_text(value, &at, declaration->label, FLUME_LABEL_BYTES_MAX))
        return false;
    *out_row = row;
    return true;
}

size_t declaration_row_merge(flume_bytes older, flume_bytes newer,
                             uint8_t target[DECLARATION_ROW_BYTES_MAX])
{
    const uint8_t *one = older.data, *other = newer.data;

    if (older.bytes < ROW_TEXTS_AT || newer.bytes < ROW_TEXTS_AT ||
        newer.bytes > DECLARATION_ROW_BYTES_MAX)
        return 0;
    memcpy(target, newer.data, newer.bytes);
    little_put32(target + ROW_VERSION_AT,
                 little_get32(one + ROW_VERSION_AT) + little_get32(other + ROW_VERSION_AT));
    return newer.bytes;
}
