/*
 * plain_reader.h - a second reader of strata files, written from log/FORMAT.md alone.
 *
 * It uses nothing of the library: what it can read proves that FORMAT.md says enough, and what the
 * library wrote wrongly it does not read. Pure functions over buffers.
 */
#ifndef FLUME_PLAIN_READER_H
#define FLUME_PLAIN_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAIN_PAGE_BYTES = 4096, PLAIN_GRAIN_HEADER_BYTES = 32, PLAIN_INPUT_BYTES = 40 };

struct plain_strata {
    uint64_t salt, first_seq, durable, file_bytes, created, running_time, previous_first_seq;
    uint8_t basin_id[16], strata_id[16], previous_id[16];
    uint32_t flags;
};

struct plain_grain {
    uint64_t check, time, witness;
    uint32_t ordinal, body_bytes, writer;
    uint16_t meta_bytes;
    uint8_t kind, flags;
    const uint8_t *meta; /* Without the witness. */
    size_t rest_bytes;   /* Of meta. */
    const uint8_t *body;
    uint64_t end; /* Offset behind it, padding included. */
};

struct plain_footer {
    uint8_t strata_id[16];
    uint64_t first_seq, count, end, least_time, running_time, slots_check;
};

struct plain_gate {
    uint64_t generation, seq, check;
    uint8_t basin_id[16];
};

uint64_t plain_u64(const uint8_t *source);
uint32_t plain_u32(const uint8_t *source);
uint16_t plain_u16(const uint8_t *source);
void plain_put_u64(uint8_t *target, uint64_t value);

bool plain_strata_read(const uint8_t *file, size_t file_bytes, struct plain_strata *out_strata);

/* A page whose last 8 bytes are its check, as header and footer pages are. */
uint64_t plain_page_check(const uint8_t *page);

/* The fields of the grain at an offset, its check not compared. false: it does not fit. */
bool plain_grain_fields(const uint8_t *file, uint64_t limit, uint64_t offset,
                        struct plain_grain *out_grain);
uint64_t plain_payload(const struct plain_grain *grain);
/* What the check is taken of. */
void plain_check_input(const struct plain_grain *grain, uint8_t out_input[PLAIN_INPUT_BYTES]);
uint64_t plain_grain_check(const struct plain_grain *grain, uint64_t salt, uint64_t offset);
bool plain_grain_read(const uint8_t *file, const struct plain_strata *strata, uint32_t ordinal,
                      uint64_t offset, struct plain_grain *out_grain);

/* The next item of a meta; *io_at starts with 0. */
bool plain_item(const struct plain_grain *grain, size_t *io_at, uint8_t *out_tag,
                const uint8_t **out_value, uint8_t *out_bytes);

bool plain_footer_read(const uint8_t *page, struct plain_footer *out_footer);
/* Over (count + 1) slots. */
uint64_t plain_slots_check(const uint8_t *slots, uint64_t count);

/* The slot of TAIL that counts. */
bool plain_gate_read(const uint8_t *tail, size_t tail_bytes, struct plain_gate *out_gate);

/* Check of flume.conf: XXH3 of all before its last line. false: it has no such line. */
bool plain_conf_check(const char *text, uint64_t *out_check, size_t *out_line_at);

#endif
