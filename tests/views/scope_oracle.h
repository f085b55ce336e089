/*
 * scope_oracle.h - what brute force says of scopes: nested loops over texts "k=v".
 *
 * It shares no code with what it judges: neither encodings nor hashes nor the notion of a shape.
 */
#ifndef FLUME_SCOPE_ORACLE_H
#define FLUME_SCOPE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORACLE_PAIRS_MAX = 128, ORACLE_TEXT_BYTES = 16 };
#define ORACLE_NONE UINT64_MAX

/* Pairs as texts "k=v", and labels as "@l". No key twice. */
struct text_scope {
    size_t count;
    char texts[ORACLE_PAIRS_MAX][ORACLE_TEXT_BYTES];
};

void text_scope_add(struct text_scope *scope, const char *key, unsigned value);
void text_scope_add_label(struct text_scope *scope, const char *label);
void text_scope_remove(struct text_scope *scope, size_t index);

struct oracle;
struct oracle *oracle_create(void);
void oracle_destroy(struct oracle *oracle);
/* A scope was stored at seq. */
void oracle_add(struct oracle *oracle, const struct text_scope *scope, uint64_t seq);

struct oracle_answer {
    uint64_t dup_seq;      /* The first that is the same; then nothing else is told. */
    uint64_t superset_seq; /* The oldest that strictly contains it. */
    uint64_t subset_seq;   /* The largest that it strictly contains, of equal ones the newest. */
};
struct oracle_answer oracle_ask(const struct oracle *oracle, const struct text_scope *scope);

/* Of stored scopes that have variables, each by the seq of its first record: whether the lower one
 * lies strictly within the upper one; and whether none of those from first_seq up to last_seq lies
 * between. */
bool oracle_is_within(const struct oracle *oracle, uint64_t lower_seq, uint64_t upper_seq);
bool oracle_is_cover(const struct oracle *oracle, uint64_t lower_seq, uint64_t upper_seq,
                     uint64_t first_seq, uint64_t last_seq);
/* How many there are; the seq of one, by its index. */
size_t oracle_count(const struct oracle *oracle);
uint64_t oracle_seq(const struct oracle *oracle, size_t index);

#endif
