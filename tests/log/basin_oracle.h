/*
 * basin_oracle.h - what a log must hold, remembered beside it.
 *
 * The bytes of every record follow from the oracle's seed, the number of its append and its place
 * in the batch, and most bodies name both. So the oracle knows a record also where an append was
 * under way when the machine stopped, and tells "never written" from "written, never confirmed".
 *
 * What always holds:
 *   - An append is begun before the library sees it, and ended with what the library answered.
 *   - oracle_check() compares everything below head and then takes head as the truth: what lies
 *     beyond was cut, and may never come back.
 */
#ifndef BASIN_ORACLE_H
#define BASIN_ORACLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/flume.h"

enum { ORACLE_BODY_BYTES_MAX = 12 << 10, ORACLE_COMPLAINT_BYTES = 512 };

/* What became of an append. */
enum oracle_outcome {
    ORACLE_PENDING,  /* Not answered yet, or not known: all of it may be there, or nothing. */
    ORACLE_APPENDED, /* At first_seq. */
    ORACLE_REFUSED   /* It failed, or was cut: nothing of it may be there. */
};

struct oracle_append {
    enum oracle_outcome outcome;
    size_t count;
    uint64_t first_seq;
    void *memory; /* Of an append under way, so that one whose thread is killed leaks nothing. */
};

/* Which record a seq holds. */
struct oracle_place {
    size_t append; /* SIZE_MAX: none of the oracle's; a manifest. */
    size_t member;
};

struct oracle {
    pthread_mutex_t mutex;
    uint64_t seed;
    struct oracle_append *appends;
    size_t append_count, append_room;
    struct oracle_place *places;
    uint64_t place_count, place_room;
    uint64_t durable; /* Acknowledged: everything below must survive. */
    /* Sums over all checks. */
    uint64_t checked, lost, invented, torn_batches;
    char complaint[ORACLE_COMPLAINT_BYTES]; /* The first. "" : none. */
};

/* One record's bytes, made by oracle_record(). */
struct oracle_record {
    flume_entry entry; /* Points into this struct. */
    char label_text[32];
    const char *labels[1];
    uint8_t body[ORACLE_BODY_BYTES_MAX];
};

void oracle_init(struct oracle *oracle, uint64_t seed);
void oracle_deinit(struct oracle *oracle);

/* The bytes of a record, one of `count` of its append. */
void oracle_record(const struct oracle *oracle, size_t append, size_t member, size_t count,
                   struct oracle_record *out_record);

/* An append of `count` records begins: its number. */
size_t oracle_begin(struct oracle *oracle, size_t count);

/* It ended. `first_seq` counts only if it was appended. */
void oracle_end(struct oracle *oracle, size_t append, enum oracle_outcome outcome,
                uint64_t first_seq);

/* Everything below `head` was acknowledged as durable. */
void oracle_durable(struct oracle *oracle, uint64_t head);

/* Append `count` records through a handle and keep the books.
 *
 * @param on_error  What an error makes of it: ORACLE_PENDING or ORACLE_REFUSED.
 * @param out_end   Receives the seq behind the last one, on success. May be NULL. */
int oracle_append_to(struct oracle *oracle, flume_log *log, size_t count,
                     enum oracle_outcome on_error, uint64_t *out_end);

/* Compare the whole log; see above. @return whether everything so far was as it must be. */
bool oracle_check(struct oracle *oracle, flume_log *log);

/* Hash of all that a reader can see: order, bytes, labels, times, kinds. By get, and by cursor:
 * both must agree, else 0. */
uint64_t oracle_digest(flume_log *log);

#endif
