/*
 * json_pick.h - the values at a path in a JSON text, as they are written there.
 *
 * A path is what `view add --json-path` takes: .a.b, .a[0], .a[] (each element), ."odd name"; a '.'
 * alone is the whole. Values are slices of the text, so a number keeps all of its digits. Where a
 * name is there twice, the last one counts.
 */
#ifndef REPL_JSON_PICK_H
#define REPL_JSON_PICK_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

enum { JSON_PICK_BYTES_MAX = 256, JSON_PICK_STEPS_MAX = JSON_PICK_BYTES_MAX / 2 };

struct json_pick_step {
    enum { JSON_PICK_MEMBER, JSON_PICK_INDEX, JSON_PICK_EACH } what;
    size_t name_at, name_bytes; /* In json_pick.names. */
    size_t index;
};

struct json_pick {
    struct json_pick_step steps[JSON_PICK_STEPS_MAX];
    size_t step_count;
    char names[JSON_PICK_BYTES_MAX + 1]; /* Unquoted. */
    size_t name_bytes;
};

/**
 * Read the path that `text` begins with; the '.' before a first name may be missing.
 *
 * @param out_bytes  How much of the text is the path; what follows is the caller's. On failure
 *                   where the fault is.
 * @return NULL, or why it is none (static).
 */
const char *json_pick_parse(struct json_pick *pick, const char *text, size_t *out_bytes);

/**
 * Visit each value at the path.
 *
 * @param json   A JSON value, as json_scan_valid() has it. Borrowed.
 * @param visit  False: enough.
 */
void json_pick_each(const struct json_pick *pick, const char *json, size_t bytes,
                    bool (*visit)(void *ctx, const char *value, size_t bytes), void *ctx);

/** The text that a JSON string stands for; false if the value is no string. */
bool json_pick_unquote(struct text *target, const char *value, size_t bytes);

/** Add a value on one line, with nothing in it that could steer a terminal. */
void json_pick_show(struct text *target, const char *value, size_t bytes);

#endif
