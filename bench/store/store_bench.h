/*
 * store_bench.h - records that look like real ones, and basins whose strata are sealed.
 *
 * What always holds:
 *   - Record number i of a kind and seed is the same bytes, whoever asks, and no two are equal.
 *   - Records of JSON have one label, the service that they are of; random ones have none.
 *   - Whoever fills a basin learns each record's seq and sum, so that what is read can be judged.
 */
#ifndef BENCH_STORE_BENCH_H
#define BENCH_STORE_BENCH_H

#include "bench.h"
#include "flume/flume.h"
#include "measure.h"

enum record_kind {
    RECORDS_JSON_200,    /* A line of a service's log: some 200 bytes. */
    RECORDS_JSON_1000,   /* An order with its items: some 1,000 bytes. */
    RECORDS_RANDOM_1000, /* 1,000 bytes that nothing can compress. */
    RECORD_KINDS
};

enum { RECORD_BYTES_MAX = 2048 };

struct records {
    enum record_kind kind;
    const char *name; /* "200B_json": for rows. */
    uint8_t *pool;    /* Made ahead; each record gets its number when it is asked for. */
    uint32_t *begins;
    const char **labels;  /* NULL where it has none. Static. */
    uint64_t total_bytes; /* Of the pool. */
};

/** 0, or -1 after bench_fail(). */
int records_create(struct records *out_records, enum record_kind kind, uint64_t seed);
void records_destroy(struct records *records);

/** Record number i. @return its size, at most RECORD_BYTES_MAX. */
size_t record_make(const struct records *records, uint64_t number, uint8_t *target);

/** Its label; NULL: it has none. Static. */
const char *record_label(const struct records *records, uint64_t number);

/** Body bytes of records 0 .. count - 1. */
uint64_t records_bytes(const struct records *records, uint64_t count);

/* A basin that is filled with records. */
struct store {
    struct bench *bench;
    const struct records *records;
    char *dir_path, *path;
    flume_log *log; /* NULL: closed. */
    uint64_t count; /* Records in it, numbers 0 .. count - 1. */
    uint64_t *seqs; /* Of each, */
    uint64_t *sums; /* and body_sum() of it. */
};

/** An empty basin. 0, or -1 after bench_fail(); destroyed by store_destroy() in either case. */
int store_create(struct bench *bench, const struct records *records, struct store *out_store);
void store_destroy(struct store *store);

/** @param seal  NULL: the defaults. */
int store_open(struct store *store, const flume_seal_options *seal);
int store_close(struct store *store);

/** Append the next `count` records, many at a time, and make them durable. */
int store_fill(struct store *store, uint64_t count);

/** Open, fill, seal everything. Left open. @param out_ns, out_cpu_ns  Of sealing; may be NULL. */
int store_fill_sealed(struct store *store, const flume_seal_options *seal, uint64_t count,
                      uint64_t *out_ns, uint64_t *out_cpu_ns);

/** bench_fail() with what the log says. */
int store_fail(const struct store *store, const char *what, int status);

#endif
