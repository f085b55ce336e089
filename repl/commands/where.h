/*
 * where.h - conditions on fields of JSON bodies: --where PATH=VALUE and its sisters.
 */
#ifndef REPL_WHERE_H
#define REPL_WHERE_H

#include "session.h"

struct condition;

struct where {
    struct condition *conditions;
    size_t count;
};

/** Take every --where of the command line. CODE_OK, or what was reported. Always deinit. */
int where_init(struct where *where, struct session *session);

/** Whether the body is JSON for which all of them hold. */
bool where_passes(const struct where *where, const flume_record *record);

void where_deinit(struct where *where);

#endif
