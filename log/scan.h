/*
 * scan.h - walking the grains of a strata without its slots.
 *
 * Used where slots cannot be trusted: recovery, check, repair, rebuilding slots.
 */
#ifndef FLUME_SCAN_H
#define FLUME_SCAN_H

#include "grain.h"

/* The bytes of a strata from its beginning: mapped, or read into memory. Borrowed. */
struct scan_source {
    const uint8_t *data;
    uint64_t limit; /* Grains end here or before. */
    uint64_t salt;
};

struct scan_budget {
    uint64_t hash_bytes; /* How much may still be hashed while looking for grains. */
};

/*
 * Look for the first valid grain at or behind an offset, at 8-byte positions, with an ordinal of
 * at least ordinal_min and below ordinal_max.
 *
 * @return true and where, or false: none, or the budget ran out (then it is 0, and *out_offset says
 *         where the search stopped).
 */
bool scan_resync(const struct scan_source *source, uint64_t offset, uint32_t ordinal_min,
                 uint32_t ordinal_max, struct scan_budget *budget, uint64_t *out_offset,
                 struct grain *out_grain);

/* Eight times the file: enough for any honest one, and a bound for a forged one. */
static inline struct scan_budget scan_budget_for(uint64_t file_bytes)
{
    return (struct scan_budget){.hash_bytes = 8 * file_bytes};
}

/* Offset behind the last byte that is not zero in from .. limit; `from` if all are zero. */
uint64_t scan_last_nonzero(const uint8_t *data, uint64_t from, uint64_t limit);

#endif
