/*
 * body.h - the body of a record of flume's own (a bookmark, a declaration) as a tree.
 *
 * What views look up in bodies of any size is read from their text: json_text.h.
 */
#ifndef VIEWS_BODY_H
#define VIEWS_BODY_H

#include <jansson.h>
#include <stddef.h>

/**
 * Parse bytes as one JSON value of any type.
 *
 * Integers beyond 64 bits are taken as the nearest double, and so are then all other numbers of the
 * same body. What jansson refuses (nesting beyond 2,048, numbers beyond a double, names with a zero
 * byte) does not count as JSON.
 *
 * @param out_json  To be given to json_decref(); NULL if the bytes are not JSON.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY.
 */
int body_parse(const void *data, size_t data_bytes, json_t **out_json);

#endif
