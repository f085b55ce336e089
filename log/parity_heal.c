/*
 * parity_heal.c - compares a file with its parity, and works out what is damaged.
 *
 * Three steps: every cell against its check; every stripe that is not all good; the pages of
 * checks, of which one copy may be left, or none, and the cells known all the same. What was found
 * is told at the end, in the files' order.
 */
#include "parity.h"

#include <assert.h>
#include <string.h>

#include "memory.h"
#include "parity_handle.h"
#include "parity_stripe.h"

enum { COMPARE_CELLS = 64 };
enum writing { WRITING_NOTHING, WRITING_HEALED };

struct healing {
    const struct parity *parity;
    const struct parity_layout *layout;
    const struct parity_file *strata, *section;
    enum writing writing;
    uint8_t *states; /* enum parity_state, of every cell. */
    uint8_t *cells;  /* COMPARE_CELLS of them. */
    struct parity_stripe *stripe;
    /* What is told. */
    parity_on_span on_span;
    void *ctx;
    struct parity_span span; /* Of 0 bytes: none is pending. */
    struct parity_report report;
};

static const struct parity_file *file_of(const struct healing *healing, uint64_t cell)
{
    return cell < healing->layout->data_count ? healing->strata : healing->section;
}

/* --- Every cell against its check --- */

/* Read neighbouring cells: zeros where nothing is. out_there: which are whole. */
static void run_read(const struct healing *healing, uint64_t cell, uint64_t count, uint8_t *target,
                     bool out_there[])
{
    const struct parity_file *file = file_of(healing, cell);
    uint64_t bytes = parity_layout_run_bytes(healing->layout, cell, count);
    int64_t got =
        file->read(file->ctx, target, (size_t)bytes, parity_layout_cell_at(healing->layout, cell));

    if (got < 0 && count > 1) { /* Some cell of it cannot be read; which one? */
        for (uint64_t i = 0; i < count; i++)
            run_read(healing, cell + i, 1, target + i * PARITY_CELL_BYTES, &out_there[i]);
        return;
    }
    if (got < 0)
        got = 0;
    assert((uint64_t)got <= bytes);
    memset(target + got, 0, (size_t)(count * PARITY_CELL_BYTES - (uint64_t)got));
    for (uint64_t i = 0; i < count; i++) {
        uint64_t end = (i + 1) * PARITY_CELL_BYTES;

        out_there[i] = (uint64_t)got >= (end < bytes ? end : bytes);
    }
}

static enum parity_state state_of(const struct healing *healing, uint64_t cell,
                                  const uint8_t *bytes, bool there)
{
    if (!there)
        return PARITY_STATE_BAD;
    if (!parity_check_is_known(healing->parity, cell))
        return PARITY_STATE_UNKNOWN;
    return parity_cell_check(healing->layout, cell, bytes) == healing->parity->checks[cell]
               ? PARITY_STATE_GOOD
               : PARITY_STATE_BAD;
}

static void compare_cells(struct healing *healing)
{
    uint64_t cell = 0;

    while (cell < healing->layout->cell_count) {
        uint64_t run = parity_layout_run(healing->layout, cell, COMPARE_CELLS);
        bool there[COMPARE_CELLS];

        run_read(healing, cell, run, healing->cells, there);
        for (uint64_t i = 0; i < run; i++)
            healing->states[cell + i] = (uint8_t)state_of(
                healing, cell + i, healing->cells + i * PARITY_CELL_BYTES, there[i]);
        cell += run;
    }
}

/* --- Every stripe that is not all good --- */

static unsigned row_count(const struct healing *healing)
{
    return healing->layout->data_rows + healing->layout->settings.parity_cells;
}

static bool stripe_is_good(const struct healing *healing, uint64_t stripe)
{
    for (unsigned row = 0; row < row_count(healing); row++) {
        uint64_t cell = parity_layout_cell(healing->layout, stripe, row);

        if (cell != PARITY_CELL_NONE && healing->states[cell] != PARITY_STATE_GOOD)
            return false;
    }
    return true;
}

static void row_load(struct healing *healing, uint64_t stripe_number, unsigned row)
{
    struct parity_stripe *stripe = healing->stripe;
    uint64_t cell = parity_layout_cell(healing->layout, stripe_number, row);
    bool there;

    stripe->rows[row] = (struct parity_row){.cell = cell, .state = PARITY_STATE_GOOD};
    if (cell == PARITY_CELL_NONE) {
        memset(stripe->found[row], 0, PARITY_CELL_BYTES);
        return;
    }
    stripe->rows[row].check_known = parity_check_is_known(healing->parity, cell);
    stripe->rows[row].check = healing->parity->checks[cell];
    /* Looked at again: it was read before, and may have been read otherwise. */
    run_read(healing, cell, 1, stripe->found[row], &there);
    stripe->rows[row].state = state_of(healing, cell, stripe->found[row], there);
}

static int cell_write(const struct healing *healing, uint64_t cell, const uint8_t *bytes)
{
    const struct parity_file *file = file_of(healing, cell);

    if (healing->writing == WRITING_NOTHING)
        return FLUME_OK;
    return file->write(file->ctx, bytes, (size_t)parity_layout_run_bytes(healing->layout, cell, 1),
                       parity_layout_cell_at(healing->layout, cell));
}

static int stripe_heal(struct healing *healing, uint64_t stripe_number)
{
    struct parity_stripe *stripe = healing->stripe;
    bool resolved;

    for (unsigned row = 0; row < row_count(healing); row++)
        row_load(healing, stripe_number, row);
    resolved = parity_stripe_resolve(stripe);
    for (unsigned row = 0; row < row_count(healing); row++) {
        const struct parity_row *known = &stripe->rows[row];
        int status = FLUME_OK;

        if (known->cell == PARITY_CELL_NONE)
            continue;
        healing->states[known->cell] = (uint8_t)known->state;
        if (resolved && !known->check_known) /* For the page that has lost it. */
            healing->parity->checks[known->cell] =
                parity_cell_check(healing->layout, known->cell, parity_stripe_bytes(stripe, row));
        if (known->state == PARITY_STATE_HEALED)
            status = cell_write(healing, known->cell, stripe->right[row]);
        if (status < 0)
            return status;
    }
    return FLUME_OK;
}

static int heal_stripes(struct healing *healing)
{
    for (uint64_t stripe = 0; stripe < healing->layout->stripe_count; stripe++) {
        int status = stripe_is_good(healing, stripe) ? FLUME_OK : stripe_heal(healing, stripe);

        if (status < 0)
            return status;
    }
    return FLUME_OK;
}

/* --- The pages of checks --- */

/* Whether every check that belongs into a page is known. */
static bool page_can_be_told(const struct healing *healing, uint64_t number)
{
    uint64_t first = number * PARITY_PAGE_CHECKS;

    if (parity_page_is_known(healing->parity, number))
        return true;
    for (size_t i = 0; i < parity_layout_page_checks(healing->layout, number); i++) {
        if (healing->states[first + i] != PARITY_STATE_GOOD &&
            healing->states[first + i] != PARITY_STATE_HEALED)
            return false;
    }
    return true;
}

static bool page_is_good(const struct healing *healing, unsigned copy, uint64_t number)
{
    return healing->parity->page_good[copy * healing->layout->page_count + number];
}

static int heal_pages(struct healing *healing, unsigned copy)
{
    uint8_t page[PARITY_PAGE_BYTES];

    if (healing->writing == WRITING_NOTHING)
        return FLUME_OK;
    for (uint64_t number = 0; number < healing->layout->page_count; number++) {
        int status;

        if (page_is_good(healing, copy, number) || !page_can_be_told(healing, number))
            continue;
        parity_page_encode(page, healing->layout, copy, number, healing->parity->checks);
        status = healing->section->write(healing->section->ctx, page, sizeof page,
                                         parity_layout_page_at(healing->layout, copy, number));
        if (status < 0)
            return status;
    }
    return FLUME_OK;
}

/* --- What is told --- */

static void count_span(struct parity_report *report, const struct parity_span *span)
{
    uint64_t cells = (span->bytes + PARITY_CELL_BYTES - 1) / PARITY_CELL_BYTES;

    if (span->part != PARITY_PART_DATA) {
        *(span->fate == PARITY_HEALABLE ? &report->section_healable : &report->section_lost) +=
            cells;
        return;
    }
    switch (span->fate) {
    case PARITY_HEALABLE:
        report->data_healable += cells;
        break;
    case PARITY_LOST:
        report->data_lost += cells;
        break;
    case PARITY_UNKNOWN:
        report->data_unknown += cells;
        break;
    }
}

static int span_end(struct healing *healing)
{
    struct parity_span span = healing->span;

    healing->span.bytes = 0;
    if (span.bytes == 0)
        return 0;
    count_span(&healing->report, &span);
    return healing->on_span == NULL ? 0 : healing->on_span(healing->ctx, &span);
}

static int span_add(struct healing *healing, const struct parity_span *piece)
{
    struct parity_span *span = &healing->span;
    int status = 0;

    if (span->bytes > 0 && span->part == piece->part && span->fate == piece->fate &&
        span->offset + span->bytes == piece->offset) {
        span->bytes += piece->bytes;
        return 0;
    }
    status = span_end(healing);
    *span = *piece;
    return status;
}

static int tell_cells(struct healing *healing, enum parity_part part, uint64_t from, uint64_t to)
{
    static const enum parity_fate fates[] = {[PARITY_STATE_HEALED] = PARITY_HEALABLE,
                                             [PARITY_STATE_LOST] = PARITY_LOST,
                                             [PARITY_STATE_UNKNOWN] = PARITY_UNKNOWN};
    int status = 0;

    for (uint64_t cell = from; status == 0 && cell < to; cell++) {
        if (healing->states[cell] == PARITY_STATE_GOOD)
            continue;
        assert(healing->states[cell] != PARITY_STATE_BAD);
        status = span_add(healing, &(struct parity_span){
                                       .part = part,
                                       .fate = fates[healing->states[cell]],
                                       .offset = parity_layout_cell_at(healing->layout, cell),
                                       .bytes = parity_layout_run_bytes(healing->layout, cell, 1),
                                   });
    }
    return status == 0 ? span_end(healing) : status;
}

static int tell_pages(struct healing *healing, unsigned copy)
{
    int status = 0;

    for (uint64_t number = 0; status == 0 && number < healing->layout->page_count; number++) {
        if (page_is_good(healing, copy, number))
            continue;
        status = span_add(
            healing, &(struct parity_span){
                         .part = PARITY_PART_HEAD,
                         .fate = page_can_be_told(healing, number) ? PARITY_HEALABLE : PARITY_LOST,
                         .offset = parity_layout_page_at(healing->layout, copy, number),
                         .bytes = PARITY_PAGE_BYTES,
                     });
    }
    return status == 0 ? span_end(healing) : status;
}

static int tell_all(struct healing *healing)
{
    const struct parity_layout *layout = healing->layout;
    int status = tell_cells(healing, PARITY_PART_DATA, 0, layout->data_count);

    if (status == 0)
        status = tell_pages(healing, 0);
    if (status == 0)
        status = tell_cells(healing, PARITY_PART_CELLS, layout->data_count, layout->cell_count);
    if (status == 0)
        status = tell_pages(healing, 1);
    return status;
}

/* --- All of it --- */

static int healing_init(struct healing *healing)
{
    const flume_allocator *allocator = healing->parity->allocator;

    if (healing->layout->stripe_count == 0)
        return FLUME_OK;
    healing->states = memory_allocate(allocator, (size_t)healing->layout->cell_count);
    healing->cells = memory_allocate(allocator, COMPARE_CELLS * PARITY_CELL_BYTES);
    healing->stripe = parity_stripe_create(healing->layout, allocator);
    if (healing->states == NULL || healing->cells == NULL || healing->stripe == NULL)
        return FLUME_ERR_NO_MEMORY;
    return FLUME_OK;
}

static int healing_run(struct healing *healing, struct parity_report *out_report)
{
    const flume_allocator *allocator = healing->parity->allocator;
    int status = healing_init(healing);

    if (status == FLUME_OK) {
        compare_cells(healing);
        status = heal_stripes(healing);
    }
    for (unsigned copy = 0; status == FLUME_OK && copy < PARITY_COPIES; copy++)
        status = heal_pages(healing, copy);
    if (status == FLUME_OK)
        status = tell_all(healing);
    if (status == FLUME_OK)
        *out_report = healing->report;
    parity_stripe_release(healing->stripe, allocator);
    memory_release(allocator, healing->cells);
    memory_release(allocator, healing->states);
    return status;
}

/* As parity_verify() and parity_heal(), which differ in nothing else. */
static int run(struct parity *parity, const struct parity_file *strata,
               const struct parity_file *section, enum writing writing, parity_on_span on_span,
               void *ctx, struct parity_report *out_report)
{
    struct healing healing = {.parity = parity,
                              .layout = &parity->layout,
                              .strata = strata,
                              .section = section,
                              .writing = writing,
                              .on_span = on_span,
                              .ctx = ctx};

    return healing_run(&healing, out_report);
}

int parity_verify(struct parity *parity, const struct parity_file *strata,
                  const struct parity_file *section, parity_on_span on_span, void *ctx,
                  struct parity_report *out_report)
{
    return run(parity, strata, section, WRITING_NOTHING, on_span, ctx, out_report);
}

int parity_heal(struct parity *parity, const struct parity_file *strata,
                const struct parity_file *section, parity_on_span on_span, void *ctx,
                struct parity_report *out_report)
{
    return run(parity, strata, section, WRITING_HEALED, on_span, ctx, out_report);
}

bool parity_report_is_clean(const struct parity_report *report)
{
    return report->data_healable == 0 && report->data_lost == 0 && report->data_unknown == 0 &&
           report->section_healable == 0 && report->section_lost == 0;
}
