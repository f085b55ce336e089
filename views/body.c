/*
 * body.c - see body.h.
 */
#include "body.h"

#include <string.h>

#include "flume/status.h"

enum { PARSE_FLAGS = JSON_DECODE_ANY | JSON_ALLOW_NUL };

/* Most bodies that are not JSON are told by their first byte. */
static int may_be_json(const char *data, size_t data_bytes)
{
    size_t at = 0;

    while (at < data_bytes &&
           (data[at] == ' ' || data[at] == '\t' || data[at] == '\n' || data[at] == '\r'))
        at++;
    return at < data_bytes && data[at] != '\0' && strchr("{[\"-0123456789tfn", data[at]) != NULL;
}

int body_parse(const void *data, size_t data_bytes, json_t **out_json)
{
    json_error_t error = {.line = 0};
    json_t *json;

    *out_json = NULL;
    if (!may_be_json(data, data_bytes))
        return FLUME_OK;
    json = json_loadb(data, data_bytes, PARSE_FLAGS, &error);
    if (json == NULL && json_error_code(&error) == json_error_numeric_overflow)
        json = json_loadb(data, data_bytes, PARSE_FLAGS | JSON_DECODE_INT_AS_REAL, &error);
    /* jansson says what is wrong with a text; where it says nothing, memory was lacking. */
    if (json == NULL &&
        (error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory))
        return FLUME_ERR_NO_MEMORY;
    *out_json = json;
    return FLUME_OK;
}
