/*
 * json_pick.c - the values at a path in a JSON text (json_pick.h).
 *
 * What always holds: the text was found to be JSON before it is walked, so the walk looks for the
 * ends of values only, and never beyond the end of the text; it recurses once for each step.
 */
#include "json_pick.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

enum { INDEX_DIGITS_MAX = 9 };

/* ---- reading a path ---- */

struct reading {
    struct json_pick *pick;
    const char *at;
};

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' ||
           ((unsigned char)byte & 0x80) != 0;
}

static const char *keep_name(struct reading *reading, struct json_pick_step *step, const char *name,
                             size_t bytes)
{
    struct json_pick *pick = reading->pick;

    if (bytes > sizeof(pick->names) - pick->name_bytes)
        return "this path is too long";
    memcpy(pick->names + pick->name_bytes, name, bytes);
    *step = (struct json_pick_step){
        .what = JSON_PICK_MEMBER, .name_at = pick->name_bytes, .name_bytes = bytes};
    pick->name_bytes += bytes;
    return NULL;
}

static const char *read_plain_name(struct reading *reading, struct json_pick_step *step)
{
    const char *begin = reading->at;

    while (is_name_byte(*reading->at))
        reading->at++;
    if (reading->at == begin)
        return "a name is missing here; odd names stand in quotes";
    return keep_name(reading, step, begin, (size_t)(reading->at - begin));
}

static const char *read_quoted_name(struct reading *reading, struct json_pick_step *step)
{
    const char *end = reading->at + 1, *reason;
    struct text name = {0};

    while (*end != '\0' && *end != '"')
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    if (*end == '\0')
        return "a quoted name does not end";
    end++;
    if (!json_pick_unquote(&name, reading->at, (size_t)(end - reading->at))) {
        text_deinit(&name);
        return "a quoted name is not a JSON string";
    }
    reason = keep_name(reading, step, text_c_string(&name), name.bytes);
    text_deinit(&name);
    if (reason == NULL)
        reading->at = end;
    return reason;
}

static const char *read_brackets(struct reading *reading, struct json_pick_step *step)
{
    size_t digits = strspn(reading->at + 1, "0123456789");

    if (reading->at[1 + digits] != ']')
        return "between '[' and ']' stands a number or nothing";
    if (digits > INDEX_DIGITS_MAX)
        return "this index is too large";
    *step = (struct json_pick_step){.what = digits > 0 ? JSON_PICK_INDEX : JSON_PICK_EACH};
    if (digits > 0)
        step->index = (size_t)strtoul(reading->at + 1, NULL, 10);
    reading->at += digits + 2;
    return NULL;
}

static const char *read_step(struct reading *reading)
{
    struct json_pick *pick = reading->pick;
    struct json_pick_step *step = &pick->steps[pick->step_count];
    const char *reason;

    if (pick->step_count == JSON_PICK_STEPS_MAX)
        return "this path is too long";
    if (*reading->at == '[') {
        reason = read_brackets(reading, step);
    } else {
        reading->at += *reading->at == '.' ? 1 : 0;
        reason = *reading->at == '"' ? read_quoted_name(reading, step)
                                     : read_plain_name(reading, step);
    }
    if (reason == NULL)
        pick->step_count++;
    return reason;
}

const char *json_pick_parse(struct json_pick *pick, const char *text, size_t *out_bytes)
{
    struct reading reading = {.pick = pick, .at = text};
    const char *reason = NULL;
    bool is_whole = text[0] == '.' && !is_name_byte(text[1]) && text[1] != '"' && text[1] != '.';

    pick->step_count = pick->name_bytes = 0;
    if (is_whole)
        reading.at++; /* This '.' is the value itself; [ ] may follow. */
    else
        reason = read_step(&reading);
    while (reason == NULL && (*reading.at == '.' || *reading.at == '['))
        reason = read_step(&reading);
    *out_bytes = (size_t)(reading.at - text);
    return reason;
}

/* ---- walking ---- */

/* What is left of a text. */
struct rest {
    const char *at, *end;
};

struct slice {
    const char *at;
    size_t bytes;
};

static void skip_space(struct rest *rest)
{
    while (rest->at < rest->end && strchr(" \t\r\n", *rest->at) != NULL && *rest->at != '\0')
        rest->at++;
}

static void skip_string(struct rest *rest)
{
    rest->at++;
    while (rest->at < rest->end && *rest->at != '"')
        rest->at += *rest->at == '\\' && rest->at + 1 < rest->end ? 2 : 1;
    if (rest->at < rest->end)
        rest->at++;
}

static void skip_nested(struct rest *rest)
{
    size_t depth = 0;

    do {
        if (*rest->at == '"') {
            skip_string(rest);
            continue;
        }
        if (*rest->at == '{' || *rest->at == '[')
            depth++;
        else if (*rest->at == '}' || *rest->at == ']')
            depth--;
        rest->at++;
    } while (depth > 0 && rest->at < rest->end);
}

/* Take the value that begins here, and white space before and behind it. */
static struct slice take_value(struct rest *rest)
{
    struct slice value;

    skip_space(rest);
    value.at = rest->at;
    if (rest->at < rest->end && *rest->at == '"')
        skip_string(rest);
    else if (rest->at < rest->end && (*rest->at == '{' || *rest->at == '['))
        skip_nested(rest);
    else
        while (rest->at < rest->end && strchr(",:]} \t\r\n", *rest->at) == NULL)
            rest->at++;
    value.bytes = (size_t)(rest->at - value.at);
    skip_space(rest);
    return value;
}

/* Whether another member or element follows: behind the opening bracket, or behind a comma. */
static bool has_next(struct rest *rest)
{
    skip_space(rest);
    if (rest->at < rest->end && *rest->at == ',')
        rest->at++;
    skip_space(rest);
    return rest->at < rest->end && *rest->at != ']' && *rest->at != '}';
}

struct walk {
    const struct json_pick *pick;
    bool (*visit)(void *ctx, const char *value, size_t bytes);
    void *ctx;
};

static bool walk_from(const struct walk *walk, size_t step_index, struct slice value);

static bool is_name(const struct walk *walk, const struct json_pick_step *step, struct slice key)
{
    const char *name = walk->pick->names + step->name_at;
    struct text plain = {0};
    bool is_same;

    if (memchr(key.at, '\\', key.bytes) == NULL)
        return key.bytes == step->name_bytes + 2 && memcmp(key.at + 1, name, step->name_bytes) == 0;
    is_same = json_pick_unquote(&plain, key.at, key.bytes) && plain.bytes == step->name_bytes &&
              (plain.bytes == 0 || memcmp(plain.data, name, plain.bytes) == 0);
    text_deinit(&plain);
    return is_same;
}

static bool walk_member(const struct walk *walk, size_t step_index, struct rest rest)
{
    struct slice found = {NULL, 0};

    while (has_next(&rest)) {
        struct slice key = take_value(&rest), value;

        rest.at++; /* The colon. */
        value = take_value(&rest);
        if (is_name(walk, &walk->pick->steps[step_index], key))
            found = value;
    }
    return found.at == NULL || walk_from(walk, step_index + 1, found);
}

static bool walk_elements(const struct walk *walk, size_t step_index, struct rest rest)
{
    const struct json_pick_step *step = &walk->pick->steps[step_index];
    bool goes_on = true;

    for (size_t i = 0; goes_on && has_next(&rest); i++) {
        struct slice value = take_value(&rest);

        if (step->what == JSON_PICK_EACH || step->index == i)
            goes_on = walk_from(walk, step_index + 1, value);
    }
    return goes_on;
}

static bool walk_from(const struct walk *walk, size_t step_index, struct slice value)
{
    struct rest inside = {value.at + 1, value.at + value.bytes};

    if (step_index == walk->pick->step_count)
        return walk->visit(walk->ctx, value.at, value.bytes);
    if (walk->pick->steps[step_index].what == JSON_PICK_MEMBER)
        return value.at[0] != '{' || walk_member(walk, step_index, inside);
    return value.at[0] != '[' || walk_elements(walk, step_index, inside);
}

void json_pick_each(const struct json_pick *pick, const char *json, size_t bytes,
                    bool (*visit)(void *ctx, const char *value, size_t bytes), void *ctx)
{
    const struct walk walk = {.pick = pick, .visit = visit, .ctx = ctx};
    struct rest rest = {json, json + bytes};
    struct slice whole = take_value(&rest);

    if (whole.bytes > 0)
        (void)walk_from(&walk, 0, whole); /* Whether it was enough is the visitor's knowledge. */
}

/* ---- what is done with a value ---- */

bool json_pick_unquote(struct text *target, const char *value, size_t bytes)
{
    json_t *string;

    if (bytes < 2 || value[0] != '"')
        return false;
    string = json_loadb(value, bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (string == NULL)
        return false;
    text_add(target, json_string_value(string), json_string_length(string));
    json_decref(string);
    return true;
}

void json_pick_show(struct text *target, const char *value, size_t bytes)
{
    object_put_json(target, value, bytes);
}
