/*
 * parity_stripe.h - one stripe: which of its cells are right, and what the others were.
 *
 * Works on bytes in memory. Whoever reads the cells fills in what was found; the stripe says what
 * is right.
 */
#ifndef FLUME_PARITY_STRIPE_H
#define FLUME_PARITY_STRIPE_H

#include "parity_code.h"

/* Of a cell. Stored in a byte each. */
enum parity_state {
    PARITY_STATE_GOOD,
    PARITY_STATE_BAD,     /* Not there, or not what its check says. */
    PARITY_STATE_UNKNOWN, /* There, but its check is not known. */
    PARITY_STATE_HEALED,  /* Not good, and the right bytes were worked out. */
    PARITY_STATE_LOST     /* Bad, and they cannot be. */
};

struct parity_row {
    uint64_t cell; /* PARITY_CELL_NONE: zeros that are not stored. */
    bool check_known;
    uint64_t check;
    enum parity_state state;
};

struct parity_stripe {
    const struct parity_layout *layout;
    struct parity_row rows[PARITY_ROWS_MAX];
    uint8_t *found[PARITY_ROWS_MAX]; /* The cells as they were read. */
    uint8_t *right[PARITY_ROWS_MAX]; /* Rows that are HEALED, and all parity rows. */
    uint8_t *memory;
    struct parity_code code;
};

/* NULL: no memory. There is at least one stripe. The layout is borrowed until the release. */
struct parity_stripe *parity_stripe_create(const struct parity_layout *layout,
                                           const flume_allocator *allocator);
void parity_stripe_release(struct parity_stripe *stripe, const flume_allocator *allocator);

/*
 * Work out the cells that are BAD or UNKNOWN. Their states become GOOD or HEALED; or, if they
 * cannot be told, BAD becomes LOST and UNKNOWN stays.
 *
 * @return Whether all cells of the stripe are known now.
 */
bool parity_stripe_resolve(struct parity_stripe *stripe);

/* The bytes of a row whose state is GOOD or HEALED. */
const uint8_t *parity_stripe_bytes(const struct parity_stripe *stripe, unsigned row);

#endif
