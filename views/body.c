/*
 * body.c - see body.h.
 */
#include "body.h"

#include "flume/status.h"
#include "json_text.h"

enum { PARSE_FLAGS = JSON_DECODE_ANY | JSON_ALLOW_NUL };

/* Whether jansson refuses by a rule of its own what is JSON. */
static int is_beyond(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);

    return code == json_error_numeric_overflow || code == json_error_stack_overflow ||
           code == json_error_null_byte_in_key;
}

int body_parse(const void *data, size_t data_bytes, json_t **out_json)
{
    json_error_t error = {.line = 0};
    json_t *json;

    *out_json = NULL;
    if (!json_text_is_sound(data, data_bytes))
        return FLUME_OK;
    json = json_loadb(data, data_bytes, PARSE_FLAGS, &error);
    if (json == NULL && json_error_code(&error) == json_error_numeric_overflow)
        json = json_loadb(data, data_bytes, PARSE_FLAGS | JSON_DECODE_INT_AS_REAL, &error);
    if (json == NULL && !is_beyond(&error))
        return FLUME_ERR_NO_MEMORY; /* The text is sound: nothing else was lacking. */
    *out_json = json;
    return FLUME_OK;
}
