/*
 * log2_bins.c - bins of powers of two (log2_bins.h).
 */
#include "log2_bins.h"

void log2_bins_init(struct log2_bins *bins)
{
    *bins = (struct log2_bins){.first = 0};
}

static unsigned bin_of(uint64_t value)
{
    unsigned bin = 0;

    for (; value != 0; value >>= 1)
        bin++;
    return bin;
}

void log2_bins_add(struct log2_bins *bins, uint64_t value)
{
    unsigned bin = bin_of(value);

    if (bins->total == 0)
        bins->first = bins->end = bin;
    bins->first = bin < bins->first ? bin : bins->first;
    bins->end = bin + 1 > bins->end ? bin + 1 : bins->end;
    bins->counts[bin]++;
    bins->total++;
}

uint64_t log2_bins_most(const struct log2_bins *bins)
{
    uint64_t most = 0;

    for (unsigned i = bins->first; i < bins->end; i++)
        most = bins->counts[i] > most ? bins->counts[i] : most;
    return most;
}

uint64_t log2_bins_from(unsigned bin)
{
    return bin == 0 ? 0 : UINT64_C(1) << (bin - 1);
}

uint64_t log2_bins_to(unsigned bin)
{
    return bin == 0 ? 0 : bin == 64 ? UINT64_MAX : (UINT64_C(1) << bin) - 1;
}
