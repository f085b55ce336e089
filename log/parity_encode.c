/*
 * parity_encode.c - writes the parity section of a file that is whole.
 *
 * Neighbouring stripes are worked out together, so that each of their rows is one read: the file is
 * read in long pieces, although the cells of a stripe lie far apart.
 */
#include "parity.h"

#include <assert.h>
#include <string.h>

#include "memory.h"
#include "parity_code.h"
#include "parity_layout.h"

enum { GROUP_STRIPES_MAX = 64, GROUP_BYTES_MAX = 4 << 20 };

struct encoder {
    const flume_allocator *allocator;
    const struct parity_file *strata, *section;
    struct parity_layout layout;
    struct parity_code *code;
    uint64_t *checks; /* Of every cell. */
    uint8_t *cells;   /* Rows of a group: group_stripes cells each. */
    uint8_t *rows[PARITY_ROWS_MAX];
    uint64_t group_stripes;
};

uint64_t parity_section_bytes(const struct parity_settings *settings)
{
    struct parity_layout layout;

    return parity_layout_init(&layout, settings) ? layout.section_bytes : 0;
}

static unsigned row_count(const struct encoder *encoder)
{
    return encoder->layout.data_rows + encoder->layout.settings.parity_cells;
}

static int encoder_init(struct encoder *encoder)
{
    uint64_t stripe_bytes = (uint64_t)row_count(encoder) * PARITY_CELL_BYTES;
    uint64_t group = GROUP_BYTES_MAX / stripe_bytes;

    if (group > GROUP_STRIPES_MAX)
        group = GROUP_STRIPES_MAX;
    if (group > encoder->layout.stripe_count)
        group = encoder->layout.stripe_count;
    encoder->group_stripes = group;
    encoder->checks = memory_allocate_zeroed(encoder->allocator, (size_t)encoder->layout.cell_count,
                                             sizeof encoder->checks[0]);
    encoder->cells = memory_allocate(encoder->allocator, (size_t)(group * stripe_bytes));
    encoder->code = memory_allocate(encoder->allocator, sizeof *encoder->code);
    if (encoder->checks == NULL || encoder->cells == NULL || encoder->code == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (unsigned row = 0; row < row_count(encoder); row++)
        encoder->rows[row] = encoder->cells + row * group * PARITY_CELL_BYTES;
    parity_code_init(encoder->code, &encoder->layout);
    return FLUME_OK;
}

/* Neighbouring data cells, and their checks. */
static int cells_read(struct encoder *encoder, uint64_t cell, uint64_t count, uint8_t *target)
{
    uint64_t bytes = parity_layout_run_bytes(&encoder->layout, cell, count);
    int64_t got = encoder->strata->read(encoder->strata->ctx, target, (size_t)bytes,
                                        parity_layout_cell_at(&encoder->layout, cell));

    if (got < 0)
        return (int)got;
    if ((uint64_t)got != bytes)
        return FLUME_ERR_IO;
    memset(target + bytes, 0, (size_t)(count * PARITY_CELL_BYTES - bytes));
    for (uint64_t i = 0; i < count; i++)
        encoder->checks[cell + i] =
            parity_cell_check(&encoder->layout, cell + i, target + i * PARITY_CELL_BYTES);
    return FLUME_OK;
}

/* One data row of a group: zeros where the range has ended. */
static int row_read(struct encoder *encoder, uint64_t stripe, uint64_t stripes, unsigned row)
{
    uint64_t cell = row * encoder->layout.stripe_count + stripe;
    uint8_t *target = encoder->rows[row];

    while (stripes > 0 && cell < encoder->layout.data_count) {
        uint64_t run = parity_layout_run(&encoder->layout, cell, stripes);
        int status = cells_read(encoder, cell, run, target);

        if (status < 0)
            return status;
        cell += run;
        stripes -= run;
        target += run * PARITY_CELL_BYTES;
    }
    memset(target, 0, (size_t)(stripes * PARITY_CELL_BYTES));
    return FLUME_OK;
}

static int row_write(struct encoder *encoder, uint64_t stripe, uint64_t stripes, unsigned row)
{
    uint64_t cell = parity_layout_cell(&encoder->layout, stripe, row);
    const uint8_t *source = encoder->rows[row];

    for (uint64_t i = 0; i < stripes; i++)
        encoder->checks[cell + i] =
            parity_cell_check(&encoder->layout, cell + i, source + i * PARITY_CELL_BYTES);
    return encoder->section->write(encoder->section->ctx, source,
                                   (size_t)(stripes * PARITY_CELL_BYTES),
                                   parity_layout_cell_at(&encoder->layout, cell));
}

static int group_encode(struct encoder *encoder, uint64_t stripe, uint64_t stripes)
{
    unsigned data_rows = encoder->layout.data_rows;
    int status = FLUME_OK;

    for (unsigned row = 0; status == FLUME_OK && row < data_rows; row++)
        status = row_read(encoder, stripe, stripes, row);
    if (status != FLUME_OK)
        return status;
    parity_code_encode(encoder->code, (size_t)(stripes * PARITY_CELL_BYTES), encoder->rows,
                       encoder->rows + data_rows);
    for (unsigned row = data_rows; status == FLUME_OK && row < row_count(encoder); row++)
        status = row_write(encoder, stripe, stripes, row);
    return status;
}

static int cells_encode(struct encoder *encoder)
{
    uint64_t stripe = 0;

    while (stripe < encoder->layout.stripe_count) {
        uint64_t left = parity_layout_turn(&encoder->layout, stripe) - stripe;
        uint64_t stripes = left < encoder->group_stripes ? left : encoder->group_stripes;
        int status = group_encode(encoder, stripe, stripes);

        if (status < 0)
            return status;
        stripe += stripes;
    }
    return FLUME_OK;
}

static int pages_write(struct encoder *encoder)
{
    const struct parity_layout *layout = &encoder->layout;
    uint8_t page[PARITY_PAGE_BYTES];

    for (unsigned copy = 0; copy < PARITY_COPIES; copy++) {
        for (uint64_t number = 0; number < layout->page_count; number++) {
            int status;

            parity_page_encode(page, layout, copy, number, encoder->checks);
            status = encoder->section->write(encoder->section->ctx, page, sizeof page,
                                             parity_layout_page_at(layout, copy, number));
            if (status < 0)
                return status;
        }
    }
    return FLUME_OK;
}

int parity_encode(const struct parity_settings *settings, const flume_allocator *allocator,
                  const struct parity_file *strata, const struct parity_file *section)
{
    struct encoder encoder = {.allocator = allocator, .strata = strata, .section = section};
    int status;

    if (!parity_layout_init(&encoder.layout, settings))
        return FLUME_ERR_INVALID;
    if (encoder.layout.stripe_count == 0)
        return pages_write(&encoder); /* Which say that there is nothing. */
    status = encoder_init(&encoder);
    if (status == FLUME_OK)
        status = cells_encode(&encoder);
    if (status == FLUME_OK)
        status = pages_write(&encoder);
    memory_release(allocator, encoder.code);
    memory_release(allocator, encoder.cells);
    memory_release(allocator, encoder.checks);
    return status;
}
