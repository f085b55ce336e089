/*
 * survey_sealed.c - what the footer page tells of a sealed strata. Part of the survey.
 *
 * Header page and footer page tell much the same, so that one of them is enough. Where neither
 * holds, the first block shows whether a file is sealed, and which salt it has.
 */
#include <string.h>

#include "block_walk.h"
#include "survey.h"

static bool is_of(const struct survey_row *row, const struct sealed_footer *footer)
{
    return row->state == ROW_BAD_HEADER ||
           (footer->first_seq == row->first_seq && footer->salt == row->salt &&
            memcmp(footer->strata_id, row->strata_id, sizeof row->strata_id) == 0 &&
            memcmp(footer->basin_id, row->basin_id, sizeof row->basin_id) == 0);
}

static void take_footer(struct survey_row *row, const struct sealed_footer *footer)
{
    row->form = STRATA_SEALED;
    row->seal.has_footer = true;
    row->seal.count = footer->count;
    memcpy(row->seal.chain_before, footer->chain_before, SEALED_HASH_BYTES);
    memcpy(row->seal.chain, footer->chain, SEALED_HASH_BYTES);
    if (row->state != ROW_BAD_HEADER)
        return;
    row->first_seq = footer->first_seq;
    row->salt = footer->salt;
    row->file_bytes = footer->file_bytes;
    row->durable = footer->first_seq + footer->count;
    row->previous_first_seq = FLUME_SEQ_NONE;
    memcpy(row->strata_id, footer->strata_id, sizeof row->strata_id);
    memcpy(row->basin_id, footer->basin_id, sizeof row->basin_id);
}

/* Neither page holds; the file may be a sealed one all the same. */
static int take_blocks(struct file_window *window, struct survey_row *row)
{
    uint64_t salt = 0;
    bool found = false;
    int status = block_find_salt(window, &salt, &found);

    if (status == FLUME_OK && found) {
        row->form = STRATA_SEALED;
        row->salt = salt;
    }
    return status;
}

static int look(struct file_window *window, struct survey_row *row)
{
    uint64_t bytes = row->state == ROW_BAD_HEADER ? window->bytes : row->file_bytes;
    struct sealed_footer footer;
    const uint8_t *page = NULL;
    int status = FLUME_OK;

    if (row->state != ROW_BAD_HEADER && row->durable > row->first_seq)
        row->seal.count = row->durable - row->first_seq;
    if (bytes >= 3 * STRATA_PAGE_BYTES)
        status = file_window_look(window, bytes - STRATA_PAGE_BYTES, STRATA_PAGE_BYTES, &page);
    if (status != FLUME_OK)
        return status;
    if (page != NULL && sealed_footer_decode(page, &footer) == FLUME_OK &&
        footer.file_bytes == bytes && is_of(row, &footer)) {
        take_footer(row, &footer);
        return FLUME_OK;
    }
    return row->state == ROW_BAD_HEADER ? take_blocks(window, row) : FLUME_OK;
}

int survey_look_sealed(struct inspection *inspection, struct survey_row *row)
{
    struct file_window window = {.file = -1};
    int status;

    if (row->data_bytes < 2 * STRATA_PAGE_BYTES) /* Nor can it be a directory. */
        return FLUME_OK;
    status = file_window_open(inspection, row->file, &window);
    if (status == FLUME_OK)
        status = look(&window, row);
    file_window_close(&window);
    if (status == FLUME_ERR_NOT_FOUND)
        status = FLUME_OK; /* It has gone since: examining it will tell. */
    return status;
}
