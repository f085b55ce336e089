/*
 * strata_file.h - header page, footer page and names of a strata file.
 *
 * log/FORMAT.md has the bytes. Pure functions over buffers.
 */
#ifndef FLUME_STRATA_FILE_H
#define FLUME_STRATA_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/status.h"

enum {
    STRATA_PAGE_BYTES = 4096,
    STRATA_DATA_AT = STRATA_PAGE_BYTES, /* The first grain. */
    STRATA_CREATED_AT = 104,            /* As the salt, below. */
    STRATA_SALT_AT = 72,          /* In the header: also one that does not hold may tell it. */
    STRATA_FIRST_BYTES = 1 << 20, /* Size of a basin's first strata, unless full size is less. */
    STRATA_KINDS = 256,
    STRATA_NAME_BYTES = 32, /* "NNNNNNNNNNNNNNNNNNNN.strata" and NUL. */
    STRATA_CLOSED = 1       /* Header flag: nothing is appended after its birth. */
};

enum strata_form {
    STRATA_RAW = 1,   /* Grains as they were appended, slots beside it. */
    STRATA_SEALED = 2 /* Blocks and indexes: sealed_file.h. Always STRATA_CLOSED too. */
};

#define STRATA_BYTES_MAX ((uint64_t)32 << 30) /* Slots count in units of 8 bytes. */

struct strata_header {
    enum strata_form form;
    uint64_t compatible, read_only_compatible, incompatible;
    uint8_t basin_id[16];
    uint8_t strata_id[16];
    uint64_t salt;
    uint64_t first_seq;
    uint64_t durable;
    uint64_t file_bytes;
    uint64_t created_ns;
    uint64_t running_time_ns;
    uint64_t previous_first_seq; /* FLUME_SEQ_NONE: none. */
    uint8_t previous_id[16];
    uint32_t flags;
    /* Of a sealed one: where the copy of its dictionary is, as its footer page says. 0: none. */
    uint64_t dictionary_offset, dictionary_bytes, dictionary_check;
    uint64_t last_of_kind[STRATA_KINDS]; /* FLUME_SEQ_NONE: none. */
};

struct strata_footer {
    uint8_t strata_id[16];
    uint64_t first_seq;
    uint64_t count;
    uint64_t end_offset;
    uint64_t least_time_ns;
    uint64_t running_time_ns;
    uint64_t slots_check;
};

void strata_header_encode(uint8_t target[STRATA_PAGE_BYTES], const struct strata_header *header);

/* FLUME_OK; FLUME_ERR_DAMAGED (magic, check, sizes); FLUME_ERR_VERSION (a newer version or an
 * unknown incompatible feature). */
int strata_header_decode(const uint8_t source[STRATA_PAGE_BYTES], struct strata_header *out_header);

void strata_footer_encode(uint8_t target[STRATA_PAGE_BYTES], const struct strata_footer *footer);

/* false: there is no valid footer. */
bool strata_footer_decode(const uint8_t source[STRATA_PAGE_BYTES],
                          struct strata_footer *out_footer);

/* Where the footer begins and grains must end. */
static inline uint64_t strata_limit(uint64_t file_bytes)
{
    return file_bytes - STRATA_PAGE_BYTES;
}

/* Slots that a strata file of this size may need, the one behind the last grain included. */
static inline uint64_t strata_slot_count(uint64_t file_bytes)
{
    return (file_bytes - 2 * (uint64_t)STRATA_PAGE_BYTES) / 32 + 1;
}

/* "%020llu.strata" and ".slots" into a buffer of STRATA_NAME_BYTES. */
void strata_name(char target[STRATA_NAME_BYTES], uint64_t first_seq);
void strata_slots_name(char target[STRATA_NAME_BYTES], uint64_t first_seq);

/* Whether a name is that of a strata, and of which. */
bool strata_name_parse(const char *name, uint64_t *out_first_seq);
bool strata_slots_name_parse(const char *name, uint64_t *out_first_seq);

#endif
