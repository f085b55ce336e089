/*
 * grain.h - one record as it lies in a strata file.
 *
 * log/FORMAT.md has the bytes. This module turns grains into bytes and back; it owns no memory,
 * opens no file and takes no lock.
 *
 * What always holds:
 *   - A grain whose check holds was written by flume at this offset of this strata: the check is
 *     seeded by the strata's salt and the offset, and covers the ordinal and all sizes.
 *   - The witness is no part of the payload hash: it is only known under the append mutex, and the
 *     payload is hashed before.
 */
#ifndef FLUME_GRAIN_H
#define FLUME_GRAIN_H

#include <assert.h>
#include <stdbool.h>

#include "bytes.h"
#include "flume/record.h"
#include "hash.h"

enum {
    GRAIN_CHECK_AT = 0,
    GRAIN_TIME_AT = 8,
    GRAIN_ORDINAL_AT = 16,
    GRAIN_BODY_BYTES_AT = 20,
    GRAIN_WRITER_AT = 24,
    GRAIN_META_BYTES_AT = 28,
    GRAIN_KIND_AT = 30,
    GRAIN_FLAGS_AT = 31,
    GRAIN_HEADER_BYTES = 32,
    GRAIN_WITNESS_BYTES = 8,
    GRAIN_ALIGN = 8
};
static_assert(GRAIN_FLAGS_AT + 1 == GRAIN_HEADER_BYTES, "the header has no gap");

#define GRAIN_WRITER_NONE UINT32_MAX

enum grain_meta_tag {
    GRAIN_META_LABEL = 1,
    GRAIN_META_CODEC = 2,
    GRAIN_META_NEEDS = 3,
    GRAIN_META_CLOCK_STEP = 4
};

enum { GRAIN_NEEDS_BYTES = 16 }; /* Value of the needs item: head, check. */

/* The header's fields, and what its meta begins with. */
struct grain {
    uint64_t check;
    uint64_t time_ns;
    uint64_t witness; /* Durable as known then; 0 if the flag is not set. */
    uint32_t ordinal;
    uint32_t body_bytes;
    uint32_t writer;
    uint16_t meta_bytes; /* Witness included. */
    uint8_t kind;
    uint8_t flags;
};

/* Bytes of a grain on disk, padding included. */
static inline uint64_t grain_bytes(uint64_t meta_bytes, uint64_t body_bytes)
{
    return round_up(GRAIN_HEADER_BYTES + meta_bytes + body_bytes, GRAIN_ALIGN);
}

/* Hash of meta (without witness) and body. */
static inline uint64_t grain_payload_hash(const void *meta, size_t meta_bytes, const void *body,
                                          size_t body_bytes)
{
    if (meta_bytes == 0)
        return hash_unseeded(body, body_bytes);
    return hash_bytes(body, body_bytes, hash_unseeded(meta, meta_bytes));
}

/* Header bytes 8..31 as three little-endian words: built and taken apart in registers, because a
 * load that spans smaller stores just made waits for them. */
struct grain_words {
    uint64_t time;
    uint64_t sizes; /* ordinal, body bytes */
    uint64_t kinds; /* writer, meta bytes, kind, flags */
};

static inline struct grain_words grain_pack(const struct grain *grain)
{
    return (struct grain_words){
        .time = grain->time_ns,
        .sizes = grain->ordinal | (uint64_t)grain->body_bytes << 32,
        .kinds = grain->writer | (uint64_t)grain->meta_bytes << 32 | (uint64_t)grain->kind << 48 |
                 (uint64_t)grain->flags << 56,
    };
}

/* The check of a grain at an offset. */
static inline uint64_t grain_check(const struct grain_words *words, uint64_t payload_hash,
                                   uint64_t witness, uint64_t salt, uint64_t offset)
{
    uint64_t input[5] = {htole64(words->time), htole64(words->sizes), htole64(words->kinds),
                         htole64(payload_hash), htole64(witness)};

    return hash_bytes(input, sizeof input, salt + offset);
}

/* Encode a grain's header, its check included. */
static inline void grain_header_encode(uint8_t target[GRAIN_HEADER_BYTES],
                                       const struct grain *grain, uint64_t payload_hash,
                                       uint64_t salt, uint64_t offset)
{
    struct grain_words words = grain_pack(grain);

    put_le64(target + GRAIN_CHECK_AT,
             grain_check(&words, payload_hash, grain->witness, salt, offset));
    put_le64(target + GRAIN_TIME_AT, words.time);
    put_le64(target + GRAIN_ORDINAL_AT, words.sizes);
    put_le64(target + GRAIN_WRITER_AT, words.kinds);
}

/* A grain's fields from its header, unverified; the witness is left out. */
static inline void grain_fields(const uint8_t *source, struct grain *out_grain)
{
    uint64_t sizes = get_le64(source + GRAIN_ORDINAL_AT);
    uint64_t kinds = get_le64(source + GRAIN_WRITER_AT);

    out_grain->check = get_le64(source + GRAIN_CHECK_AT);
    out_grain->time_ns = get_le64(source + GRAIN_TIME_AT);
    out_grain->witness = 0;
    out_grain->ordinal = (uint32_t)sizes;
    out_grain->body_bytes = (uint32_t)(sizes >> 32);
    out_grain->writer = (uint32_t)kinds;
    out_grain->meta_bytes = (uint16_t)(kinds >> 32);
    out_grain->kind = (uint8_t)(kinds >> 48);
    out_grain->flags = (uint8_t)(kinds >> 56);
}

/*
 * Read a grain's fields from its bytes and verify it.
 *
 * @param source   The grain; available_bytes are readable from here.
 * @param ordinal  What its ordinal must be.
 * @return true and *out_grain if it is valid. Reads nothing beyond available_bytes.
 */
static inline bool grain_decode(const uint8_t *source, uint64_t available_bytes, uint32_t ordinal,
                                uint64_t salt, uint64_t offset, struct grain *out_grain)
{
    const uint8_t *meta = source + GRAIN_HEADER_BYTES;
    struct grain_words words;
    struct grain grain;
    size_t witness_bytes = 0;
    uint64_t payload_hash;

    if (available_bytes < GRAIN_HEADER_BYTES)
        return false;
    words.sizes = get_le64(source + GRAIN_ORDINAL_AT);
    if ((uint32_t)words.sizes != ordinal)
        return false;
    words.time = get_le64(source + GRAIN_TIME_AT);
    words.kinds = get_le64(source + GRAIN_WRITER_AT);
    grain_fields(source, &grain);
    if (grain.body_bytes > FLUME_BODY_BYTES_MAX ||
        grain_bytes(grain.meta_bytes, grain.body_bytes) > available_bytes)
        return false;
    if ((grain.flags & FLUME_RECORD_WITNESS) != 0) {
        if (grain.meta_bytes < GRAIN_WITNESS_BYTES)
            return false;
        grain.witness = get_le64(meta);
        witness_bytes = GRAIN_WITNESS_BYTES;
    }
    payload_hash = grain_payload_hash(meta + witness_bytes, grain.meta_bytes - witness_bytes,
                                      meta + grain.meta_bytes, grain.body_bytes);
    if (grain.check != grain_check(&words, payload_hash, grain.witness, salt, offset))
        return false;
    *out_grain = grain;
    return true;
}

/* Where meta' (without witness) and body lie in a decoded grain's bytes. */
static inline const uint8_t *grain_meta(const uint8_t *source, const struct grain *grain,
                                        size_t *out_bytes)
{
    size_t skipped = (grain->flags & FLUME_RECORD_WITNESS) != 0 ? GRAIN_WITNESS_BYTES : 0;

    *out_bytes = grain->meta_bytes - skipped;
    return source + GRAIN_HEADER_BYTES + skipped;
}

static inline const uint8_t *grain_body(const uint8_t *source, const struct grain *grain)
{
    return source + GRAIN_HEADER_BYTES + grain->meta_bytes;
}

#endif
