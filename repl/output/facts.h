/*
 * facts.h - many numbers about one thing: one JSON object, or a row of key and value for each.
 *
 * Facts are given once and in order; where there are groups the object nests, and the keys of the
 * rows are joined by dots: "views.label.lag".
 */
#ifndef REPL_FACTS_H
#define REPL_FACTS_H

#include "grid.h"

enum { FACTS_DEPTH_MAX = 8 };

struct facts {
    struct session *session;
    struct grid grid;   /* Of the rows. */
    struct text prefix; /* "views.label." */
    size_t prefix_bytes[FACTS_DEPTH_MAX];
    char closing[FACTS_DEPTH_MAX]; /* What ends each open group: '}' or ']'. */
    size_t depth;
    bool is_first; /* Nothing stands in the innermost array yet. */
};

void facts_begin(struct facts *facts, struct session *session, const char *type);
/** Write what is left. A failure shows when stdout is flushed. */
void facts_end(struct facts *facts);

void facts_string(struct facts *facts, const char *key, const char *value);
void facts_uint(struct facts *facts, const char *key, uint64_t value);
void facts_real(struct facts *facts, const char *key, double value, int decimals);
void facts_bool(struct facts *facts, const char *key, bool value);
void facts_time(struct facts *facts, const char *key, uint64_t time_ns); /* 0: null, or empty. */
void facts_absent(struct facts *facts, const char *key);
void facts_counts(struct facts *facts, const char *key, const uint64_t *counts, size_t count);

/* A group of facts under a key. */
void facts_open(struct facts *facts, const char *key);
/* A list of groups: each is opened by facts_open_item(), which names it in the keys of the rows. */
void facts_open_list(struct facts *facts, const char *key);
void facts_open_item(struct facts *facts, const char *name);
void facts_close(struct facts *facts);

#endif
