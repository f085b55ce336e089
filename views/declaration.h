/*
 * declaration.h - a declared view in its three forms: the struct, the record that declares it, and
 * the row in which the catalog keeps it.
 *
 * The record is of kind view, codec json. Members that a declaration does not need are absent:
 *
 *   {"name":"price","what":"field","path":".price","type":"number","unique":true,"label":"shop"}
 *   {"name":"sold","what":"reduce","reduce":"sum","path":".price","by":".shop"}
 *   {"name":"seen","what":"reduce","reduce":"count","by_label":true}
 *   {"name":"price","drop":true}
 *
 * A record of this kind with any other body declares nothing.
 */
#ifndef VIEWS_DECLARATION_H
#define VIEWS_DECLARATION_H

#include <jansson.h>

#include "flume/find.h"

/* A row of the catalog. */
struct declaration_row {
    flume_declaration declaration; /* With version and record_seq. */
    bool dropped;                  /* Then only name, version and record_seq tell something. */
};

enum { DECLARATION_ROW_BYTES_MAX = 1024 };

/** Whether a view may have this name. */
bool declaration_name_is_sound(const char *name);

/**
 * Whether a declaration can be in force.
 *
 * @param out_reason  Receives static text on FLUME_ERR_INVALID.
 * @return FLUME_OK, FLUME_ERR_INVALID, FLUME_ERR_NO_MEMORY.
 */
int declaration_check(const flume_declaration *declaration, const char **out_reason);

/** A copy without what a declaration of its sort does not need: two that mean the same are equal
 * byte for byte. Version and record seq become 0. */
void declaration_normalise(const flume_declaration *declaration, flume_declaration *out_normal);

/** Whether two declarations mean the same. */
bool declaration_same(const flume_declaration *one, const flume_declaration *other);

/** The body of the record that declares a view, or ends it. Freed with free(). */
int declaration_body_encode(const flume_declaration *declaration, char **out_body);
int declaration_drop_encode(const char *name, char **out_body);

/** What a body declares.
 * @return FLUME_OK; FLUME_ERR_INVALID: nothing; FLUME_ERR_NO_MEMORY. */
int declaration_body_decode(const json_t *body, struct declaration_row *out_row);

/** A row's value. @return its size. */
size_t declaration_row_encode(const struct declaration_row *row,
                              uint8_t target[DECLARATION_ROW_BYTES_MAX]);
/** @return false if it is not a row. */
bool declaration_row_decode(flume_bytes name, flume_bytes value, struct declaration_row *out_row);

/** The value of two rows of one name: the newer one, its version raised by the older one's.
 * @return its size; 0 if one of them is not a row. */
size_t declaration_row_merge(flume_bytes older, flume_bytes newer,
                             uint8_t target[DECLARATION_ROW_BYTES_MAX]);

#endif
