/*
 * json_path.c - see json_path.h.
 *
 * What always holds:
 *   - A path has at most as many steps as its text has bytes, so walking it recurses no deeper than
 *     FLUME_PATH_BYTES_MAX.
 */
#include "json_path.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "flume/find.h"

enum { INDEX_DIGITS_MAX = 9 };

enum step_what { STEP_MEMBER, STEP_INDEX, STEP_EACH };

struct step {
    enum step_what what;
    char *name; /* A member's; owned. */
    size_t index;
};

struct json_path {
    size_t step_count;
    struct step steps[FLUME_PATH_BYTES_MAX];
};

/* Where a path is being read. */
struct reading {
    const char *at;
    const char *reason;
};

static int refuse(struct reading *reading, const char *reason)
{
    reading->reason = reason;
    return FLUME_ERR_INVALID;
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' ||
           ((unsigned char)byte & 0x80) != 0;
}

static int read_plain_name(struct reading *reading, struct step *step)
{
    const char *end = reading->at;

    while (is_name_byte(*end))
        end++;
    if (end == reading->at)
        return refuse(reading, "a name is missing after '.'; odd names stand in quotes");
    step->name = strndup(reading->at, (size_t)(end - reading->at));
    if (step->name == NULL)
        return FLUME_ERR_NO_MEMORY;
    reading->at = end;
    return FLUME_OK;
}

/* The quote that ends a JSON string, or its NUL. */
static const char *string_end(const char *at)
{
    at++;
    while (*at != '\0' && *at != '"') {
        if (*at == '\\' && at[1] != '\0')
            at++;
        at++;
    }
    return at;
}

static int read_quoted_name(struct reading *reading, struct step *step)
{
    const char *end = string_end(reading->at);
    json_error_t error = {.line = 0};
    json_t *name;

    if (*end != '"')
        return refuse(reading, "a quoted name does not end");
    end++;
    name = json_loadb(reading->at, (size_t)(end - reading->at), JSON_DECODE_ANY, &error);
    if (name == NULL)
        return error.text[0] == '\0' ? FLUME_ERR_NO_MEMORY
                                     : refuse(reading, "a quoted name is not a JSON string");
    step->name = strdup(json_string_value(name));
    json_decref(name);
    if (step->name == NULL)
        return FLUME_ERR_NO_MEMORY;
    reading->at = end;
    return FLUME_OK;
}

static int read_brackets(struct reading *reading, struct step *step)
{
    size_t digits = strspn(reading->at + 1, "0123456789");

    if (reading->at[1 + digits] != ']')
        return refuse(reading, "between '[' and ']' stands a number or nothing");
    if (digits > INDEX_DIGITS_MAX)
        return refuse(reading, "an index is too large");
    step->what = digits > 0 ? STEP_INDEX : STEP_EACH;
    step->index = digits > 0 ? (size_t)strtoul(reading->at + 1, NULL, 10) : 0;
    reading->at += digits + 2;
    return FLUME_OK;
}

static int read_step(struct reading *reading, struct step *step)
{
    if (*reading->at == '[')
        return read_brackets(reading, step);
    if (*reading->at != '.')
        return refuse(reading, "a step begins with '.' or '['");
    reading->at++;
    step->what = STEP_MEMBER;
    return *reading->at == '"' ? read_quoted_name(reading, step) : read_plain_name(reading, step);
}

static int read_path(struct reading *reading, struct json_path *path)
{
    int status = FLUME_OK;

    if (*reading->at != '.')
        return refuse(reading, "it begins with '.'");
    if (reading->at[1] == '\0' || reading->at[1] == '[')
        reading->at++; /* This '.' is the body itself. */
    while (*reading->at != '\0' && status == FLUME_OK) {
        status = read_step(reading, &path->steps[path->step_count]);
        if (status == FLUME_OK)
            path->step_count++;
    }
    return status;
}

int json_path_create(const char *text, struct json_path **out_path, const char **out_reason)
{
    struct reading reading = {.at = text, .reason = ""};
    struct json_path *path = NULL;
    int status;

    if (strnlen(text, FLUME_PATH_BYTES_MAX + 1) > FLUME_PATH_BYTES_MAX) {
        status = refuse(&reading, "it is too long");
        goto fail;
    }
    path = calloc(1, sizeof *path);
    status = path == NULL ? FLUME_ERR_NO_MEMORY : read_path(&reading, path);
    if (status != FLUME_OK)
        goto fail;
    *out_path = path;
    return FLUME_OK;
fail:
    json_path_destroy(path);
    if (out_reason != NULL && status == FLUME_ERR_INVALID)
        *out_reason = reading.reason;
    return status;
}

void json_path_destroy(struct json_path *path)
{
    if (path == NULL)
        return;
    for (size_t i = 0; i < path->step_count; i++)
        free(path->steps[i].name);
    free(path);
}

/* ---- walking ---- */

struct walk {
    const struct json_path *path;
    int (*visit)(void *ctx, struct json_slice value);
    void *ctx;
};

static int walk_from(const struct walk *walk, size_t step_index, struct json_slice value);

static int walk_member(const struct walk *walk, size_t step_index, struct json_walk *members)
{
    const struct step *step = &walk->path->steps[step_index];
    struct json_slice name = {NULL, 0}, value, found = {NULL, 0};

    while (json_walk_next(members, &name, &value)) {
        if (json_string_is(name, step->name, strlen(step->name)))
            found = value;
    }
    return found.at != NULL ? walk_from(walk, step_index + 1, found) : 0;
}

static int walk_elements(const struct walk *walk, size_t step_index, struct json_walk *elements)
{
    const struct step *step = &walk->path->steps[step_index];
    struct json_slice name, value;
    int result = 0;

    for (size_t i = 0; result == 0 && json_walk_next(elements, &name, &value); i++) {
        if (step->what == STEP_INDEX && i == step->index)
            return walk_from(walk, step_index + 1, value);
        if (step->what == STEP_EACH)
            result = walk_from(walk, step_index + 1, value);
    }
    return result;
}

static int walk_from(const struct walk *walk, size_t step_index, struct json_slice value)
{
    struct json_walk inside;

    if (step_index == walk->path->step_count)
        return walk->visit(walk->ctx, value);
    if (!json_walk_begin(&inside, value) ||
        inside.is_object != (walk->path->steps[step_index].what == STEP_MEMBER))
        return 0;
    return inside.is_object ? walk_member(walk, step_index, &inside)
                            : walk_elements(walk, step_index, &inside);
}

int json_path_each(const struct json_path *path, const void *body, size_t body_bytes,
                   int (*visit)(void *ctx, struct json_slice value), void *ctx)
{
    struct walk walk = {.path = path, .visit = visit, .ctx = ctx};

    return walk_from(&walk, 0, json_text_root(body, body_bytes));
}
