/*
 * seal_fixture.h - a basin with full strata of all sorts of records, and a sealed file taken apart
 * by means of its own: it reads what log/FORMAT.md says, and shares nothing with the writer but the
 * decoding of single headers.
 */
#ifndef FLUME_SEAL_FIXTURE_H
#define FLUME_SEAL_FIXTURE_H

#include "log_fixture.h"

#include "flume/seal.h"
#include "merkle.h"
#include "sealed_file.h"

enum { SEAL_STRATA_BYTES = 256 << 10, SEAL_STRATA_MAX = 64 };

extern const flume_seal_options seal_on_request;

/* Strata of SEAL_STRATA_BYTES that are sealed only on request. */
void open_for_sealing(struct log_fixture *fx);

/* First seqs of the strata in log/, in order; the count. */
size_t list_strata(struct log_fixture *fx, uint64_t firsts[SEAL_STRATA_MAX]);

/* Append one record of body_bytes that compress (JSON-like) or do not. */
uint64_t append_compressible(flume_log *log, size_t body_bytes, unsigned seed);

/* Records of all sorts, until there are at least so many strata: empty bodies, zeros, text, random
 * bytes, labels, batches, kinds, codecs, times of their own, witnesses; durable at the end. */
void fill_strata(struct log_fixture *fx, size_t strata_count);

/* A file read whole. */
struct whole_file {
    uint8_t *bytes;
    uint64_t count;
};
struct whole_file read_whole(const char *path);
void whole_file_release(struct whole_file *file);

/* A sealed file, taken apart. */
struct taken_apart {
    struct whole_file file;
    struct strata_header header;
    struct sealed_footer footer;
    uint8_t *raw; /* What the blocks unpack to, from offset 4096 of the raw strata on. */
    uint64_t raw_bytes;
    uint64_t *offsets;                        /* Of each grain, in the raw strata. */
    unsigned stored, packed, with_dictionary; /* Blocks of each sort. */
    uint64_t zeros;                           /* Between and behind the sections. */
};

/* Asserts on the way everything that FORMAT.md says of the file's bytes. */
void take_apart(const char *path, struct taken_apart *out_parts);
void parts_release(struct taken_apart *parts);

/* A grain of it, verified. */
const uint8_t *part_grain(const struct taken_apart *parts, uint32_t ordinal,
                          struct grain *out_grain);

#endif
