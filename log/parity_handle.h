/*
 * parity_handle.h - a parity section that was found, as parity.c loads it and parity_heal.c uses
 * it.
 */
#ifndef FLUME_PARITY_HANDLE_H
#define FLUME_PARITY_HANDLE_H

#include "parity_layout.h"

struct parity {
    const flume_allocator *allocator;
    struct parity_layout layout;
    uint64_t *checks; /* Of every cell; means nothing where no copy of the page is valid. */
    bool *page_good;  /* Of copy 0, then of copy 1. Written once, by parity_load(). */
};

/* Whether a page is valid in one copy at least. */
static inline bool parity_page_is_known(const struct parity *parity, uint64_t number)
{
    return parity->page_good[number] || parity->page_good[parity->layout.page_count + number];
}

/* Whether the check of a cell is known. */
static inline bool parity_check_is_known(const struct parity *parity, uint64_t cell)
{
    return parity_page_is_known(parity, cell / PARITY_PAGE_CHECKS);
}

#endif
