/*
 * query.h - the records that labels, fields and hashes lead to, written out as `flume log` does.
 */
#ifndef REPL_QUERY_H
#define REPL_QUERY_H

#include "asking.h"
#include "rows.h"

struct query {
    struct asking *asking;  /* Begun. */
    const flume_term *term; /* NULL: the hash is all that is asked for. */
    const uint8_t *hash;    /* FLUME_HASH_BYTES: only records whose body has it. NULL: any. */
    bool is_live;           /* Goes on with what is appended. Not without a term. */
};

/** Write the records out, at most --limit of them. CODE_OK; CODE_NO if there are none; 128 + signal
 * where one ended it; or the code of what was reported. */
int query_print(const struct query *query);

#endif
