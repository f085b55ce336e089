/*
 * parity_code.h - the Reed-Solomon code of a stripe: bytes in memory, no files.
 *
 * A stripe has data rows and parity rows. Byte i of parity row r is the sum over the data rows c of
 * coefficient(r, c) times byte i of row c, in the field of 256 elements with polynomial 0x11d;
 * coefficient(r, c) = 1 / ((data_cells + r) xor c), a Cauchy matrix: whichever rows are missing, as
 * many as there are parity rows can be told from the rest.
 */
#ifndef FLUME_PARITY_CODE_H
#define FLUME_PARITY_CODE_H

#include "parity_layout.h"

enum { PARITY_TABLE_BYTES = 32 }; /* What ISA-L makes of one coefficient. */

/* Large: belongs on the heap. */
struct parity_code {
    unsigned data_rows, parity_rows;
    uint8_t coefficients[PARITY_CELLS_MAX * PARITY_DATA_CELLS_MAX];
    uint8_t tables[PARITY_CELLS_MAX * PARITY_DATA_CELLS_MAX * PARITY_TABLE_BYTES];
    /* For one pattern of missing rows, made when it is needed. */
    uint8_t recovery[PARITY_CELLS_MAX * PARITY_DATA_CELLS_MAX];
    uint8_t recovery_tables[PARITY_CELLS_MAX * PARITY_DATA_CELLS_MAX * PARITY_TABLE_BYTES];
};

/* At least one data row. */
void parity_code_init(struct parity_code *out_code, const struct parity_layout *layout);

/* Parity rows of so many bytes each, from data rows as long. */
void parity_code_encode(struct parity_code *code, size_t bytes, uint8_t *const data[],
                        uint8_t *const parity[]);

/*
 * Work out the data rows that are missing and write them where they belong.
 *
 * @param rows     Data rows, then parity rows, one cell each. Of the missing ones only the data
 *                 rows are written, and the parity rows not looked at.
 * @param missing  For each row. No more than there are parity rows.
 */
void parity_code_recover(struct parity_code *code, uint8_t *const rows[], const bool missing[]);

#endif
