/*
 * parity_code.c - the Reed-Solomon code of a stripe.
 *
 * With e data rows missing and e parity rows at hand, the parity rows less what the known data rows
 * put into them are e equations for the missing ones. Their matrix is a part of a Cauchy matrix and
 * can always be inverted. Both steps are one multiplication by a matrix of e rows.
 */
#include "parity_code.h"

#include <assert.h>
#include <string.h>

#include <isa-l/erasure_code.h>

/* Which data rows are missing, and which parity rows take their places. */
struct pattern {
    unsigned count;
    unsigned data[PARITY_CELLS_MAX];
    unsigned parity[PARITY_CELLS_MAX];
};

void parity_code_init(struct parity_code *out_code, const struct parity_layout *layout)
{
    uint8_t *at = out_code->coefficients;

    assert(layout->data_rows > 0);
    out_code->data_rows = layout->data_rows;
    out_code->parity_rows = layout->settings.parity_cells;
    for (unsigned r = 0; r < out_code->parity_rows; r++) {
        for (unsigned c = 0; c < out_code->data_rows; c++)
            *at++ = gf_inv((unsigned char)((layout->settings.data_cells + r) ^ c));
    }
    ec_init_tables((int)out_code->data_rows, (int)out_code->parity_rows, out_code->coefficients,
                   out_code->tables);
}

void parity_code_encode(struct parity_code *code, size_t bytes, uint8_t *const data[],
                        uint8_t *const parity[])
{
    /* ISA-L asks for pointers that it may change, and changes none. */
    uint8_t *sources[PARITY_DATA_CELLS_MAX], *targets[PARITY_CELLS_MAX];

    memcpy(sources, data, code->data_rows * sizeof sources[0]);
    memcpy(targets, parity, code->parity_rows * sizeof targets[0]);
    ec_encode_data((int)bytes, (int)code->data_rows, (int)code->parity_rows, code->tables, sources,
                   targets);
}

static void pattern_find(const struct parity_code *code, const bool missing[],
                         struct pattern *out_pattern)
{
    unsigned parity = 0;

    out_pattern->count = 0;
    for (unsigned c = 0; c < code->data_rows; c++) {
        if (!missing[c])
            continue;
        while (parity < code->parity_rows && missing[code->data_rows + parity])
            parity++;
        assert(parity < code->parity_rows);
        out_pattern->data[out_pattern->count] = c;
        out_pattern->parity[out_pattern->count++] = parity++;
    }
}

static uint8_t coefficient(const struct parity_code *code, unsigned parity, unsigned data)
{
    return code->coefficients[parity * code->data_rows + data];
}

/* One coefficient of the recovery: what input row c puts into the missing row number i. */
static uint8_t recovery_coefficient(const struct parity_code *code, const struct pattern *pattern,
                                    const uint8_t *inverse_row, unsigned c)
{
    uint8_t sum = 0;

    for (unsigned j = 0; j < pattern->count; j++) {
        if (pattern->data[j] == c) /* Its place is taken by a parity row. */
            return inverse_row[j];
    }
    for (unsigned j = 0; j < pattern->count; j++)
        sum ^= gf_mul(inverse_row[j], coefficient(code, pattern->parity[j], c));
    return sum;
}

static void recovery_make(struct parity_code *code, const struct pattern *pattern)
{
    uint8_t matrix[PARITY_CELLS_MAX * PARITY_CELLS_MAX];
    uint8_t inverse[PARITY_CELLS_MAX * PARITY_CELLS_MAX];
    unsigned count = pattern->count;
    int singular;

    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < count; j++)
            matrix[i * count + j] = coefficient(code, pattern->parity[i], pattern->data[j]);
    }
    singular = gf_invert_matrix(matrix, inverse, (int)count);
    assert(singular == 0);
    (void)singular; /* Without assertions nobody looks. */
    for (unsigned i = 0; i < count; i++) {
        for (unsigned c = 0; c < code->data_rows; c++)
            code->recovery[i * code->data_rows + c] =
                recovery_coefficient(code, pattern, inverse + i * count, c);
    }
    ec_init_tables((int)code->data_rows, (int)count, code->recovery, code->recovery_tables);
}

void parity_code_recover(struct parity_code *code, uint8_t *const rows[], const bool missing[])
{
    uint8_t *sources[PARITY_DATA_CELLS_MAX], *targets[PARITY_CELLS_MAX];
    struct pattern pattern;

    pattern_find(code, missing, &pattern);
    if (pattern.count == 0)
        return;
    recovery_make(code, &pattern);
    memcpy(sources, rows, code->data_rows * sizeof sources[0]);
    for (unsigned i = 0; i < pattern.count; i++) {
        targets[i] = rows[pattern.data[i]];
        sources[pattern.data[i]] = rows[code->data_rows + pattern.parity[i]];
    }
    ec_encode_data(PARITY_CELL_BYTES, (int)code->data_rows, (int)pattern.count,
                   code->recovery_tables, sources, targets);
}
