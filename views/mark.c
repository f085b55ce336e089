/*
 * mark.c - see mark.h.
 */
#include "mark.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "little.h"
#include "text.h"

/* A row's value: flags, numbers, then note and labels, each with its NUL. */
enum {
    ROW_FLAGS_AT = 0,
    ROW_SEQ_AT = 1,
    ROW_CHECK_AT = 9,
    ROW_RECORD_SEQ_AT = 17,
    ROW_TIME_AT = 25,
    ROW_TEXTS_AT = 33,
    CHECK_TEXT_BYTES = 16
};

bool mark_name_is_sound(const char *name)
{
    size_t bytes = strnlen(name, FLUME_BOOKMARK_NAME_BYTES_MAX + 1);

    return bytes > 0 && bytes <= FLUME_BOOKMARK_NAME_BYTES_MAX && text_is_line(name, bytes) &&
           strpbrk(name, " :~") == NULL;
}

/* ---- the record ---- */

int mark_body_encode(const struct mark *mark, char **out_body, size_t *out_bytes)
{
    char check[CHECK_TEXT_BYTES + 1];
    json_t *body = json_object();
    char *text = NULL;
    int failed = body == NULL;

    (void)snprintf(check, sizeof check, "%016" PRIx64, mark->check);
    if (!failed)
        failed = json_object_set_new(body, "name", json_string(mark->name)) != 0;
    if (!failed && (mark->flags & MARK_DROPPED) != 0)
        failed = json_object_set_new(body, "drop", json_true()) != 0;
    if (!failed && (mark->flags & MARK_DROPPED) == 0)
        failed = json_object_set_new(body, "seq", json_integer((json_int_t)mark->seq)) != 0;
    if (!failed && (mark->flags & MARK_CHECKED) != 0)
        failed = json_object_set_new(body, "check", json_string(check)) != 0;
    if (!failed && mark->note[0] != '\0')
        failed = json_object_set_new(body, "note", json_string(mark->note)) != 0;
    if (!failed)
        text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL)
        return FLUME_ERR_NO_MEMORY;
    *out_body = text;
    *out_bytes = strlen(text);
    return FLUME_OK;
}

static bool check_parse(const char *text, uint64_t *out_check)
{
    char *end = NULL;

    if (strlen(text) != CHECK_TEXT_BYTES || strspn(text, "0123456789abcdef") != CHECK_TEXT_BYTES)
        return false;
    *out_check = strtoull(text, &end, 16);
    return true;
}

/* A member that is text without a zero byte inside; NULL: it is not. */
static const char *text_of(const json_t *body, const char *member)
{
    const json_t *value = json_object_get(body, member);
    const char *text = json_string_value(value);

    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

/* What a body says; strings lead into it. false: it is not a bookmark. */
static bool body_decode(const json_t *body, struct mark *out_mark)
{
    const json_t *seq = json_object_get(body, "seq");
    const char *note = text_of(body, "note");
    const char *check = text_of(body, "check");
    struct mark mark = {.seq = FLUME_SEQ_NONE, .note = "", .labels = ""};

    mark.name = text_of(body, "name");
    if (mark.name == NULL || !mark_name_is_sound(mark.name))
        return false;
    if (json_is_true(json_object_get(body, "drop"))) {
        mark.flags |= MARK_DROPPED;
    } else if (json_is_integer(seq) && json_integer_value(seq) >= 0) {
        mark.seq = (uint64_t)json_integer_value(seq);
    } else {
        return false;
    }
    if (check != NULL && check_parse(check, &mark.check))
        mark.flags |= MARK_CHECKED;
    if (note != NULL && strlen(note) <= FLUME_BOOKMARK_NOTE_BYTES_MAX)
        mark.note = note;
    *out_mark = mark;
    return true;
}

/* ---- rows ---- */

/* Write the labels of a record with commas between; NULL: only count. */
static size_t put_labels(const flume_record *record, uint8_t *target)
{
    flume_label label;
    size_t position = 0, bytes = 0;

    while (flume_record_label(record, &position, &label)) {
        if (bytes > 0) {
            if (target != NULL)
                target[bytes] = ',';
            bytes++;
        }
        if (target != NULL)
            memcpy(target + bytes, label.text, label.bytes);
        bytes += label.bytes;
    }
    return bytes;
}

static int put_rows(flume_batch *batch, size_t mark_table, size_t history_table,
                    const struct mark *mark, const flume_record *record)
{
    size_t note_bytes = strlen(mark->note), name_bytes = strlen(mark->name);
    size_t label_bytes = put_labels(record, NULL);
    size_t value_bytes = ROW_TEXTS_AT + note_bytes + 1 + label_bytes + 1;
    uint8_t key[FLUME_BOOKMARK_NAME_BYTES_MAX + 1 + sizeof(uint64_t)];
    uint8_t *value = malloc(value_bytes);
    int status;

    if (value == NULL)
        return FLUME_ERR_NO_MEMORY;
    value[ROW_FLAGS_AT] = (uint8_t)mark->flags;
    little_put64(value + ROW_SEQ_AT, mark->seq);
    little_put64(value + ROW_CHECK_AT, mark->check);
    little_put64(value + ROW_RECORD_SEQ_AT, record->seq);
    little_put64(value + ROW_TIME_AT, record->time_ns);
    memcpy(value + ROW_TEXTS_AT, mark->note, note_bytes + 1);
    (void)put_labels(record, value + ROW_TEXTS_AT + note_bytes + 1);
    value[value_bytes - 1] = '\0';
    memcpy(key, mark->name, name_bytes + 1);
    big_put64(key + name_bytes + 1, record->seq);
    status = flume_batch_put(batch, mark_table, key, name_bytes, value, value_bytes);
    if (status == FLUME_OK)
        status = flume_batch_put(batch, history_table, key, name_bytes + 1 + sizeof(uint64_t),
                                 value, value_bytes);
    free(value);
    return status;
}

int mark_apply(flume_batch *batch, size_t mark_table, size_t history_table,
               const flume_record *record)
{
    json_t *body = NULL;
    struct mark mark;
    int status = body_parse(record->body, record->body_bytes, &body);

    if (status == FLUME_OK && body != NULL && body_decode(body, &mark))
        status = put_rows(batch, mark_table, history_table, &mark, record);
    json_decref(body);
    return status;
}

bool mark_row_decode(flume_bytes value, struct mark *out_mark)
{
    const uint8_t *data = value.data;
    struct mark mark = {.flags = 0};
    size_t note_bytes;

    if (value.bytes < ROW_TEXTS_AT + 2 || data[value.bytes - 1] != '\0')
        return false;
    mark.flags = data[ROW_FLAGS_AT];
    mark.seq = little_get64(data + ROW_SEQ_AT);
    mark.check = little_get64(data + ROW_CHECK_AT);
    mark.record_seq = little_get64(data + ROW_RECORD_SEQ_AT);
    mark.time_ns = little_get64(data + ROW_TIME_AT);
    mark.note = (const char *)data + ROW_TEXTS_AT;
    note_bytes = strlen(mark.note);
    if (ROW_TEXTS_AT + note_bytes + 1 >= value.bytes)
        return false;
    mark.labels = mark.note + note_bytes + 1;
    *out_mark = mark;
    return true;
}
