/*
 * exact_sum.h - a sum of doubles and integers without rounding.
 *
 * Sums are merged in batches whose borders depend on the moment; rounded sums would depend on them
 * too, and two builds of one view could differ. So the sum is kept as an integer of units of
 * 2^-1074, the smallest double, wide enough for 2^64 terms of any size, and rounded once, when it
 * is read.
 */
#ifndef VIEWS_EXACT_SUM_H
#define VIEWS_EXACT_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EXACT_SUM_WORDS = 34,
    EXACT_SUM_BYTES_MAX = 2 + EXACT_SUM_WORDS * 8 /* Encoded: most sums take 10 to 26. */
};

struct exact_sum {
    uint64_t words[EXACT_SUM_WORDS]; /* Lowest first; two's complement. Starts as zero. */
};

/** The number must be finite. */
void exact_sum_add_real(struct exact_sum *sum, double real);
void exact_sum_add_integer(struct exact_sum *sum, int64_t integer);
void exact_sum_add(struct exact_sum *sum, const struct exact_sum *other);

/** The double nearest to the sum, ties to even; infinite beyond them all. */
double exact_sum_round(const struct exact_sum *sum);

/** Equal sums have equal bytes. @return how many. */
size_t exact_sum_encode(const struct exact_sum *sum, uint8_t target[EXACT_SUM_BYTES_MAX]);
/** @return false if the bytes are not a sum. */
bool exact_sum_decode(const uint8_t *source, size_t source_bytes, struct exact_sum *out_sum);

#endif
