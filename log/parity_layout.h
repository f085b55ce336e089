/*
 * parity_layout.h - where the cells and pages of a parity section lie, and what a page says.
 *
 * log/FORMAT.md, "Parity", has the bytes. Pure functions over numbers and buffers.
 *
 * Cells are counted through: first the data cells of the range, then the parity cells. A stripe has
 * rows: first its data cells, then its parity cells.
 */
#ifndef FLUME_PARITY_LAYOUT_H
#define FLUME_PARITY_LAYOUT_H

#include "parity.h"

enum {
    PARITY_PAGE_BYTES = PARITY_CELL_BYTES,
    PARITY_PAGE_CHECKS = 500, /* Checks of cells that a page holds. */
    PARITY_COPIES = 2,        /* Of the pages. */
    PARITY_ROWS_MAX = PARITY_DATA_CELLS_MAX + PARITY_CELLS_MAX
};

/* Row of a stripe that has no cell, because the range ends before it: all zeros. */
#define PARITY_CELL_NONE UINT64_MAX

struct parity_layout {
    struct parity_settings settings;
    uint64_t data_count;    /* Data cells. */
    uint64_t before_count;  /* Of them in front of the section, if that lies within the file. */
    uint64_t stripe_count;  /* 0: there is nothing to protect. */
    uint64_t cell_count;    /* Data and parity cells. */
    uint64_t page_count;    /* Of one copy; at least 1. */
    uint64_t section_bytes; /* Pages, parity cells, pages. */
    unsigned data_rows;     /* Of a stripe, at most settings.data_cells. */
};

/* false: the settings are not sound. */
bool parity_layout_init(struct parity_layout *out_layout, const struct parity_settings *settings);

/* Number of the cell in a row of a stripe, or PARITY_CELL_NONE. */
uint64_t parity_layout_cell(const struct parity_layout *layout, uint64_t stripe, unsigned row);

/* The first stripe behind this one whose parity cells do not lie just behind this one's. */
uint64_t parity_layout_turn(const struct parity_layout *layout, uint64_t stripe);

/* Offset of a cell in the file that it lies in. */
uint64_t parity_layout_cell_at(const struct parity_layout *layout, uint64_t cell);

/* How many of count cells lie behind each other in one file, from this one on. */
uint64_t parity_layout_run(const struct parity_layout *layout, uint64_t cell, uint64_t count);

/* Bytes of the range or the section in so many neighbouring cells. */
uint64_t parity_layout_run_bytes(const struct parity_layout *layout, uint64_t cell, uint64_t count);

/* Offset of a page in the file with the section. */
uint64_t parity_layout_page_at(const struct parity_layout *layout, unsigned copy, uint64_t number);

/* The check of a cell's 4 KiB. */
uint64_t parity_cell_check(const struct parity_layout *layout, uint64_t cell, const uint8_t *bytes);

/* One page; checks: those of all cells. */
void parity_page_encode(uint8_t target[PARITY_PAGE_BYTES], const struct parity_layout *layout,
                        unsigned copy, uint64_t number, const uint64_t *checks);

struct parity_page {
    struct parity_settings settings;
    uint64_t number;
    unsigned copy;
};

/* FLUME_OK; FLUME_ERR_DAMAGED (magic, check, settings that are not sound, no such page);
 * FLUME_ERR_VERSION (a newer one). */
int parity_page_decode(const uint8_t source[PARITY_PAGE_BYTES], struct parity_page *out_page);

/* The checks of a page that decoded. */
void parity_page_checks(const uint8_t source[PARITY_PAGE_BYTES], uint64_t *out_checks,
                        size_t count);

/* How many checks a page holds. */
size_t parity_layout_page_checks(const struct parity_layout *layout, uint64_t number);

bool parity_settings_equal(const struct parity_settings *one, const struct parity_settings *other);

#endif
