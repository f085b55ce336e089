/*
 * json_path.h - which values of a JSON body a path names.
 *
 *   .              the body itself
 *   .name          a member of an object; a name is letters, digits, '_', '-' and bytes beyond ASCII
 *   ."odd name"    the same for any name, written as a JSON string
 *   [3]            an element of an array, counted from 0
 *   []             every element of an array
 *
 * A path begins with '.': ".a.b", ".a[0].b", ".[]", ".\"a b\"[]". It names no value where the body
 * has another shape.
 */
#ifndef VIEWS_JSON_PATH_H
#define VIEWS_JSON_PATH_H

#include "json_text.h"

struct json_path;

/**
 * Compile a path.
 *
 * @param out_path    Freed by json_path_destroy().
 * @param out_reason  Receives static text on FLUME_ERR_INVALID. May be NULL.
 * @return FLUME_OK, FLUME_ERR_INVALID, FLUME_ERR_NO_MEMORY.
 */
int json_path_create(const char *text, struct json_path **out_path, const char **out_reason);
/** NULL is harmless. */
void json_path_destroy(struct json_path *path);

/** Call back for every value that a path names in a body whose text is sound, in its order. Of
 * members with one name the last counts.
 * @param visit  Returns 0 to go on; what else it returns ends the walk and is returned.
 * @return 0, or what visit returned. */
int json_path_each(const struct json_path *path, const void *body, size_t body_bytes,
                   int (*visit)(void *ctx, struct json_slice value), void *ctx);

#endif
