/*
 * log2_bins.h - how often values of each order of magnitude occur: bins of powers of two.
 *
 * Bin 0 holds the value 0, bin i the values from 2^(i-1) to 2^i - 1.
 */
#ifndef REPL_LOG2_BINS_H
#define REPL_LOG2_BINS_H

#include <stdint.h>

enum { LOG2_BINS = 65 };

struct log2_bins {
    uint64_t counts[LOG2_BINS];
    uint64_t total;
    unsigned first, end; /* Used bins lie here; first == end: none. */
};

void log2_bins_init(struct log2_bins *bins);
void log2_bins_add(struct log2_bins *bins, uint64_t value);

/** The count of the fullest bin. */
uint64_t log2_bins_most(const struct log2_bins *bins);

/** The least and the largest value of a bin. */
uint64_t log2_bins_from(unsigned bin);
uint64_t log2_bins_to(unsigned bin);

#endif
