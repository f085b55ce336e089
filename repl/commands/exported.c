/*
 * exported.c - one line of an export, read back (exported.h).
 */
#include "exported.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "value.h"

static bool bad(struct exported *exported, const char *cause)
{
    exported->cause = cause;
    return false;
}

/* A number, or the name of one. */
static bool read_name(const json_t *value, const char *(*name_of)(unsigned number), unsigned most,
                      unsigned *out_number)
{
    if (json_is_integer(value)) {
        json_int_t number = json_integer_value(value);

        *out_number = (unsigned)number;
        return number >= 0 && number <= (json_int_t)most;
    }
    if (!json_is_string(value))
        return false;
    for (unsigned number = 0; number <= most; number++) {
        const char *name = name_of(number);

        if (name != NULL && strcmp(name, json_string_value(value)) == 0) {
            *out_number = number;
            return true;
        }
    }
    return false;
}

/* Larger ones than JSON numbers can be are texts. */
static bool read_seq(struct exported *exported)
{
    const json_t *seq = json_object_get(exported->root, "seq");

    exported->seq = FLUME_SEQ_NONE;
    if (json_is_integer(seq) && json_integer_value(seq) >= 0)
        exported->seq = (uint64_t)json_integer_value(seq);
    else if (seq != NULL &&
             (!json_is_string(seq) ||
              !value_parse_uint(json_string_value(seq), UINT64_MAX - 1, &exported->seq)))
        return bad(exported, "\"seq\" is not a seq");
    return true;
}

static bool read_head(struct exported *exported)
{
    const json_t *time = json_object_get(exported->root, "time");
    const json_t *more = json_object_get(exported->root, "batch");
    struct time_value value;
    unsigned kind, codec;

    if (!json_is_string(time) || !value_parse_time(json_string_value(time), &value) || value.ago)
        return bad(exported, "\"time\" is not a time");
    if (!read_name(json_object_get(exported->root, "kind"), flume_kind_name, UINT8_MAX, &kind))
        return bad(exported, "\"kind\" is not a kind");
    if (!read_name(json_object_get(exported->root, "codec"), flume_codec_name, UINT16_MAX, &codec))
        return bad(exported, "\"codec\" is not a codec");
    if (more != NULL && !json_is_boolean(more))
        return bad(exported, "\"batch\" is not true or false");
    exported->entry.time_ns = value.ns;
    exported->entry.kind = (uint8_t)kind;
    exported->entry.codec = (uint16_t)codec;
    exported->more = json_is_true(more);
    return read_seq(exported);
}

static bool read_labels(struct exported *exported)
{
    const json_t *labels = json_object_get(exported->root, "labels");
    size_t count = json_array_size(labels);

    if (labels == NULL || count == 0)
        return labels == NULL || json_is_array(labels) || bad(exported, "\"labels\" is not a list");
    exported->labels = calloc(count, sizeof(exported->labels[0]));
    if (exported->labels == NULL)
        return bad(exported, "no memory");
    for (size_t i = 0; i < count; i++) {
        const json_t *label = json_array_get(labels, i);

        if (!json_is_string(label) || strlen(json_string_value(label)) != json_string_length(label))
            return bad(exported, "a label is not a text");
        exported->labels[i] = json_string_value(label);
    }
    exported->entry.labels = exported->labels;
    exported->entry.label_count = count;
    return true;
}

static bool decode_body(struct exported *exported, const json_t *payload)
{
    size_t digits = json_string_length(payload);

    exported->body = malloc(base64_room(digits) + 1);
    if (exported->body == NULL)
        return bad(exported, "no memory");
    exported->entry.body = exported->body;
    if (!base64_decode(json_string_value(payload), digits, exported->body,
                       &exported->entry.body_bytes))
        return bad(exported, "\"payload\" is not base64");
    return true;
}

static bool read_body(struct exported *exported)
{
    const json_t *encoding = json_object_get(exported->root, "enc");
    const json_t *payload = json_object_get(exported->root, "payload");
    const json_t *bytes = json_object_get(exported->root, "bytes");
    const char *name = json_is_string(encoding) ? json_string_value(encoding) : "";

    if (strcmp(name, "json") == 0)
        return bad(exported, "\"enc\":\"json\" does not keep the very bytes: use flume export");
    if (!json_is_string(payload))
        return bad(exported, "\"payload\" is not a text");
    if (strcmp(name, "b64") == 0) {
        if (!decode_body(exported, payload))
            return false;
    } else if (strcmp(name, "utf8") == 0) {
        exported->entry.body = json_string_value(payload);
        exported->entry.body_bytes = json_string_length(payload);
    } else {
        return bad(exported, "\"enc\" is neither utf8 nor b64");
    }
    if (bytes != NULL && (!json_is_integer(bytes) ||
                          (size_t)json_integer_value(bytes) != exported->entry.body_bytes))
        return bad(exported, "\"bytes\" is not the length of the payload");
    return true;
}

enum exported_form exported_read(struct exported *exported, const char *line, size_t bytes)
{
    json_error_t error;
    const char *type;

    *exported = (struct exported){.cause = NULL};
    exported->root = json_loadb(line, bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (exported->root == NULL) {
        snprintf(exported->why, sizeof(exported->why), "not JSON: %.120s, column %d", error.text,
                 error.column);
        exported->cause = exported->why;
        return EXPORTED_BAD;
    }
    type = json_string_value(json_object_get(exported->root, "type"));
    if (type != NULL && strcmp(type, "lost") == 0)
        return EXPORTED_SKIP;
    exported->cause = "\"type\" is not \"record\"";
    if (type == NULL || strcmp(type, "record") != 0 || !read_head(exported))
        return EXPORTED_BAD;
    if (exported->entry.kind == FLUME_KIND_MANIFEST || exported->entry.kind == FLUME_KIND_LOST)
        return EXPORTED_SKIP;
    return read_labels(exported) && read_body(exported) ? EXPORTED_RECORD : EXPORTED_BAD;
}

void exported_release(struct exported *exported)
{
    json_decref(exported->root);
    free(exported->body);
    free(exported->labels);
    *exported = (struct exported){.cause = NULL};
}
