/*
 * parity_stripe.c - one stripe: which of its cells are right, and what the others were.
 *
 * A cell whose check is not known may well be right. First all that is not certain counts as
 * missing; if that is more than the parity allows, cells of unknown check count as right if there
 * is a witness: a parity cell that was not needed, or a healed cell whose check is known, and all
 * of them agree.
 */
#include "parity_stripe.h"

#include <assert.h>
#include <string.h>

#include "memory.h"

static unsigned rows_of(const struct parity_layout *layout)
{
    return layout->data_rows + layout->settings.parity_cells;
}

struct parity_stripe *parity_stripe_create(const struct parity_layout *layout,
                                           const flume_allocator *allocator)
{
    struct parity_stripe *stripe = memory_allocate_zeroed(allocator, 1, sizeof *stripe);
    unsigned rows = rows_of(layout);

    if (stripe == NULL)
        return NULL;
    stripe->memory = memory_allocate_zeroed(allocator, 2 * (size_t)rows, PARITY_CELL_BYTES);
    if (stripe->memory == NULL) {
        memory_release(allocator, stripe);
        return NULL;
    }
    stripe->layout = layout;
    for (unsigned row = 0; row < rows; row++) {
        stripe->found[row] = stripe->memory + (size_t)row * PARITY_CELL_BYTES;
        stripe->right[row] = stripe->memory + (size_t)(rows + row) * PARITY_CELL_BYTES;
    }
    parity_code_init(&stripe->code, layout);
    return stripe;
}

void parity_stripe_release(struct parity_stripe *stripe, const flume_allocator *allocator)
{
    if (stripe == NULL)
        return;
    memory_release(allocator, stripe->memory);
    memory_release(allocator, stripe);
}

static unsigned count_missing(const struct parity_stripe *stripe, const bool missing[])
{
    unsigned count = 0;

    for (unsigned row = 0; row < rows_of(stripe->layout); row++)
        count += missing[row];
    return count;
}

/* Whether what was worked out agrees with all that is known: the parity cells that are not missing,
 * and the checks of those cells that are. *out_witnesses: how much of that could have disagreed. */
static bool all_agree(const struct parity_stripe *stripe, const bool missing[],
                      unsigned *out_witnesses)
{
    unsigned data_rows = stripe->layout->data_rows;
    unsigned witnesses = stripe->layout->settings.parity_cells - count_missing(stripe, missing);

    for (unsigned row = 0; row < rows_of(stripe->layout); row++) {
        const struct parity_row *known = &stripe->rows[row];

        if (!missing[row]) {
            if (row >= data_rows &&
                memcmp(stripe->found[row], stripe->right[row], PARITY_CELL_BYTES) != 0)
                return false;
        } else if (known->check_known) {
            if (parity_cell_check(stripe->layout, known->cell, stripe->right[row]) != known->check)
                return false;
            witnesses++;
        }
    }
    *out_witnesses = witnesses;
    return true;
}

/* Take the missing rows for gone and the others for right. Whether that can be, and is not
 * contradicted. */
static bool work_out(struct parity_stripe *stripe, const bool missing[], unsigned *out_witnesses)
{
    unsigned data_rows = stripe->layout->data_rows;
    uint8_t *rows[PARITY_ROWS_MAX];

    if (count_missing(stripe, missing) > stripe->layout->settings.parity_cells)
        return false;
    for (unsigned row = 0; row < rows_of(stripe->layout); row++)
        rows[row] = missing[row] ? stripe->right[row] : stripe->found[row];
    parity_code_recover(&stripe->code, rows, missing);
    parity_code_encode(&stripe->code, PARITY_CELL_BYTES, rows, stripe->right + data_rows);
    return all_agree(stripe, missing, out_witnesses);
}

static void take_over(struct parity_stripe *stripe, const bool missing[])
{
    for (unsigned row = 0; row < rows_of(stripe->layout); row++) {
        struct parity_row *known = &stripe->rows[row];
        bool right = !missing[row] ||
                     (known->state == PARITY_STATE_UNKNOWN &&
                      memcmp(stripe->found[row], stripe->right[row], PARITY_CELL_BYTES) == 0);

        known->state = right ? PARITY_STATE_GOOD : PARITY_STATE_HEALED;
    }
}

static void give_up(struct parity_stripe *stripe)
{
    for (unsigned row = 0; row < rows_of(stripe->layout); row++) {
        if (stripe->rows[row].state == PARITY_STATE_BAD)
            stripe->rows[row].state = PARITY_STATE_LOST;
    }
}

bool parity_stripe_resolve(struct parity_stripe *stripe)
{
    bool uncertain[PARITY_ROWS_MAX], bad[PARITY_ROWS_MAX];
    const bool *missing = NULL;
    unsigned witnesses = 0;

    for (unsigned row = 0; row < rows_of(stripe->layout); row++) {
        enum parity_state state = stripe->rows[row].state;

        assert(state <= PARITY_STATE_UNKNOWN);
        assert(state == PARITY_STATE_GOOD || stripe->rows[row].cell != PARITY_CELL_NONE);
        bad[row] = state == PARITY_STATE_BAD;
        uncertain[row] = state != PARITY_STATE_GOOD;
    }
    if (work_out(stripe, uncertain, &witnesses))
        missing = uncertain;
    else if (work_out(stripe, bad, &witnesses) && witnesses > 0)
        missing = bad;
    if (missing != NULL)
        take_over(stripe, missing);
    else
        give_up(stripe);
    return missing != NULL;
}

const uint8_t *parity_stripe_bytes(const struct parity_stripe *stripe, unsigned row)
{
    assert(stripe->rows[row].state == PARITY_STATE_GOOD ||
           stripe->rows[row].state == PARITY_STATE_HEALED);
    return stripe->rows[row].state == PARITY_STATE_HEALED ? stripe->right[row] : stripe->found[row];
}
