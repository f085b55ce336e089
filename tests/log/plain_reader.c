/*
 * plain_reader.c - strata, grains, footers, slots and the gate, as log/FORMAT.md describes them.
 */
#include "plain_reader.h"

#include <string.h>

#include <xxhash.h>

enum {
    FLAG_WITNESS = 2,
    BODY_BYTES_MAX = 16 << 20,
    GATE_SLOT_BYTES = 4096,
    GATE_SLOTS = 2,
    CONF_CHECK_LINE_BYTES = 23
};

static uint64_t little_endian(const uint8_t *source, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | source[bytes];
    return value;
}

static void put_little_endian(uint8_t *target, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        target[i] = (uint8_t)(value >> 8 * i);
}

uint64_t plain_u64(const uint8_t *source)
{
    return little_endian(source, 8);
}

uint32_t plain_u32(const uint8_t *source)
{
    return (uint32_t)little_endian(source, 4);
}

uint16_t plain_u16(const uint8_t *source)
{
    return (uint16_t)little_endian(source, 2);
}

void plain_put_u64(uint8_t *target, uint64_t value)
{
    put_little_endian(target, value, 8);
}

static uint64_t xxh3(const void *data, size_t bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, bytes, seed);
}

uint64_t plain_page_check(const uint8_t *page)
{
    return xxh3(page, PLAIN_PAGE_BYTES - 8, 0);
}

static bool page_is(const uint8_t *page, const char *magic)
{
    return memcmp(page, magic, 8) == 0 &&
           plain_u64(page + PLAIN_PAGE_BYTES - 8) == plain_page_check(page);
}

bool plain_strata_read(const uint8_t *file, size_t file_bytes, struct plain_strata *out_strata)
{
    if (file_bytes < 3 * PLAIN_PAGE_BYTES || !page_is(file, "flumestr"))
        return false;
    if (plain_u16(file + 8) != 1 || plain_u16(file + 10) != 1 ||
        plain_u32(file + 12) != PLAIN_PAGE_BYTES || plain_u64(file + 32) != 0)
        return false;
    memcpy(out_strata->basin_id, file + 40, 16);
    memcpy(out_strata->strata_id, file + 56, 16);
    out_strata->salt = plain_u64(file + 72);
    out_strata->first_seq = plain_u64(file + 80);
    out_strata->durable = plain_u64(file + 88);
    out_strata->file_bytes = plain_u64(file + 96);
    out_strata->created = plain_u64(file + 104);
    out_strata->running_time = plain_u64(file + 112);
    out_strata->previous_first_seq = plain_u64(file + 120);
    memcpy(out_strata->previous_id, file + 128, 16);
    out_strata->flags = plain_u32(file + 200);
    return out_strata->file_bytes == file_bytes;
}

bool plain_grain_fields(const uint8_t *file, uint64_t limit, uint64_t offset,
                        struct plain_grain *out_grain)
{
    const uint8_t *at = file + offset;
    size_t witness_bytes;

    if (offset % 8 != 0 || offset + PLAIN_GRAIN_HEADER_BYTES > limit)
        return false;
    out_grain->check = plain_u64(at);
    out_grain->time = plain_u64(at + 8);
    out_grain->ordinal = plain_u32(at + 16);
    out_grain->body_bytes = plain_u32(at + 20);
    out_grain->writer = plain_u32(at + 24);
    out_grain->meta_bytes = plain_u16(at + 28);
    out_grain->kind = at[30];
    out_grain->flags = at[31];
    witness_bytes = (out_grain->flags & FLAG_WITNESS) != 0 ? 8 : 0;
    out_grain->end = offset + PLAIN_GRAIN_HEADER_BYTES + out_grain->meta_bytes;
    out_grain->end = (out_grain->end + out_grain->body_bytes + 7) / 8 * 8;
    if (out_grain->body_bytes > BODY_BYTES_MAX || out_grain->end > limit ||
        out_grain->meta_bytes < witness_bytes)
        return false;
    out_grain->witness = witness_bytes > 0 ? plain_u64(at + PLAIN_GRAIN_HEADER_BYTES) : 0;
    out_grain->meta = at + PLAIN_GRAIN_HEADER_BYTES + witness_bytes;
    out_grain->rest_bytes = out_grain->meta_bytes - witness_bytes;
    out_grain->body = out_grain->meta + out_grain->rest_bytes;
    return true;
}

uint64_t plain_payload(const struct plain_grain *grain)
{
    uint64_t seed = grain->rest_bytes == 0 ? 0 : xxh3(grain->meta, grain->rest_bytes, 0);

    return xxh3(grain->body, grain->body_bytes, seed);
}

void plain_check_input(const struct plain_grain *grain, uint8_t out_input[PLAIN_INPUT_BYTES])
{
    put_little_endian(out_input, grain->time, 8);
    put_little_endian(out_input + 8, grain->ordinal, 4);
    put_little_endian(out_input + 12, grain->body_bytes, 4);
    put_little_endian(out_input + 16, grain->writer, 4);
    put_little_endian(out_input + 20, grain->meta_bytes, 2);
    out_input[22] = grain->kind;
    out_input[23] = grain->flags;
    put_little_endian(out_input + 24, plain_payload(grain), 8);
    put_little_endian(out_input + 32, grain->witness, 8);
}

uint64_t plain_grain_check(const struct plain_grain *grain, uint64_t salt, uint64_t offset)
{
    uint8_t input[PLAIN_INPUT_BYTES];

    plain_check_input(grain, input);
    return xxh3(input, sizeof input, salt + offset);
}

bool plain_grain_read(const uint8_t *file, const struct plain_strata *strata, uint32_t ordinal,
                      uint64_t offset, struct plain_grain *out_grain)
{
    return plain_grain_fields(file, strata->file_bytes - PLAIN_PAGE_BYTES, offset, out_grain) &&
           out_grain->ordinal == ordinal &&
           out_grain->check == plain_grain_check(out_grain, strata->salt, offset);
}

bool plain_item(const struct plain_grain *grain, size_t *io_at, uint8_t *out_tag,
                const uint8_t **out_value, uint8_t *out_bytes)
{
    size_t at = *io_at;

    if (at + 2 > grain->rest_bytes || at + 2 + grain->meta[at + 1] > grain->rest_bytes)
        return false;
    *out_tag = grain->meta[at];
    *out_bytes = grain->meta[at + 1];
    *out_value = grain->meta + at + 2;
    *io_at = at + 2 + *out_bytes;
    return true;
}

bool plain_footer_read(const uint8_t *page, struct plain_footer *out_footer)
{
    if (!page_is(page, "flumeend"))
        return false;
    memcpy(out_footer->strata_id, page + 16, 16);
    out_footer->first_seq = plain_u64(page + 32);
    out_footer->count = plain_u64(page + 40);
    out_footer->end = plain_u64(page + 48);
    out_footer->least_time = plain_u64(page + 56);
    out_footer->running_time = plain_u64(page + 64);
    out_footer->slots_check = plain_u64(page + 72);
    return true;
}

uint64_t plain_slots_check(const uint8_t *slots, uint64_t count)
{
    return xxh3(slots, (size_t)(count + 1) * 4, 0);
}

bool plain_gate_read(const uint8_t *tail, size_t tail_bytes, struct plain_gate *out_gate)
{
    bool found = false;

    if (tail_bytes < GATE_SLOTS * GATE_SLOT_BYTES)
        return false;
    for (unsigned i = 0; i < GATE_SLOTS; i++, tail += GATE_SLOT_BYTES) {
        if (memcmp(tail, "flumegat", 8) != 0 || plain_u64(tail + 48) != xxh3(tail, 48, 0) ||
            (found && plain_u64(tail + 8) < out_gate->generation))
            continue;
        found = true;
        out_gate->generation = plain_u64(tail + 8);
        out_gate->seq = plain_u64(tail + 16);
        out_gate->check = plain_u64(tail + 24);
        memcpy(out_gate->basin_id, tail + 32, 16);
    }
    return found;
}

bool plain_conf_check(const char *text, uint64_t *out_check, size_t *out_line_at)
{
    size_t bytes = strlen(text);

    if (bytes < CONF_CHECK_LINE_BYTES)
        return false;
    *out_line_at = bytes - CONF_CHECK_LINE_BYTES;
    if (strncmp(text + *out_line_at, "check ", 6) != 0 || text[bytes - 1] != '\n')
        return false;
    *out_check = xxh3(text, *out_line_at, 0);
    return true;
}
