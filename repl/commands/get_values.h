/*
 * get_values.h - `get --path`: values out of a record's JSON body.
 */
#ifndef REPL_GET_VALUES_H
#define REPL_GET_VALUES_H

#include <stdio.h>

#include "json_pick.h"
#include "rows.h"

/** Read --path. CODE_OK, or what was reported. */
int get_values_parse(struct session *session, struct json_pick *out_pick);

/** Write the values at the path, one a line: as JSON, in raw mode strings without their quotes;
 * with --json, or in a mode of columns, as rows. CODE_OK, or CODE_NO where the body is no JSON or
 * has no such value, which is reported. A stream that takes no more shows it when it is flushed. */
int get_values(struct session *session, const struct rows *rows, const struct json_pick *pick,
               const flume_record *record, FILE *stream);

#endif
