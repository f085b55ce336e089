/*
 * sealed_look.c - what is to be known of a sealed strata file before its blocks are walked.
 */
#include "sealed_look.h"

#include <string.h>

enum { PIECE_BYTES = 64 << 10 };

const struct sealed_section *sealed_look_section(const struct sealed_look *look, uint32_t id)
{
    return look->has_footer ? sealed_section_find(&look->footer, id) : NULL;
}

int sealed_look_verify(struct sealed_look *look, const struct sealed_section *section,
                       bool *out_holds)
{
    uint64_t end = section->offset + section->bytes;
    XXH3_state_t check;

    *out_holds = false;
    memset(&check, 0, sizeof check); /* Compilers do not see that resetting does it. */
    (void)XXH3_64bits_reset_withSeed(&check, look->row->salt + section->offset);
    for (uint64_t at = section->offset; at < end;) {
        uint64_t piece = end - at < PIECE_BYTES ? end - at : PIECE_BYTES;
        const uint8_t *bytes;
        int status = file_window_look(&look->window, at, piece, &bytes);

        if (status != FLUME_OK || bytes == NULL)
            return status;
        (void)XXH3_64bits_update(&check, bytes, (size_t)piece); /* Fails only for NULL. */
        at += piece;
    }
    *out_holds = XXH3_64bits_digest(&check) == section->check;
    return FLUME_OK;
}

int sealed_look_zeros(struct sealed_look *look, uint64_t from, uint64_t to, bool *out_are_zero)
{
    *out_are_zero = false;
    while (from < to) {
        uint64_t piece = to - from < PIECE_BYTES ? to - from : PIECE_BYTES;
        const uint8_t *bytes;
        int status = file_window_look(&look->window, from, piece, &bytes);

        if (status != FLUME_OK || bytes == NULL || scan_last_nonzero(bytes, 0, piece) != 0)
            return status;
        from += piece;
    }
    *out_are_zero = true;
    return FLUME_OK;
}

static int take_pages(struct sealed_look *look)
{
    const struct survey_row *row = look->row;
    const uint8_t *page = NULL;
    int status = file_window_look(&look->window, 0, STRATA_PAGE_BYTES, &page);

    if (status != FLUME_OK)
        return status;
    look->has_header = row->state != ROW_BAD_HEADER && page != NULL &&
                       strata_header_decode(page, &look->header) == FLUME_OK &&
                       look->header.form == STRATA_SEALED;
    look->blocks_end = look->window.bytes;
    if (!row->seal.has_footer || row->file_bytes > look->window.bytes)
        return FLUME_OK;
    status = file_window_look(&look->window, row->file_bytes - STRATA_PAGE_BYTES, STRATA_PAGE_BYTES,
                              &page);
    look->has_footer = status == FLUME_OK && page != NULL &&
                       sealed_footer_decode(page, &look->footer) == FLUME_OK;
    if (look->has_footer)
        look->blocks_end = sealed_blocks_end(&look->footer);
    return status;
}

/* A section in memory. *out_bytes stays NULL where there is none, or it does not hold. */
static int load(struct sealed_look *look, const struct sealed_section *section, uint8_t **out_bytes)
{
    const uint8_t *bytes;
    bool holds = false;
    int status;

    if (section == NULL || section->bytes == 0)
        return FLUME_OK;
    status = sealed_look_verify(look, section, &holds);
    if (status == FLUME_OK && holds)
        status = file_window_look(&look->window, section->offset, section->bytes, &bytes);
    if (status != FLUME_OK || !holds || bytes == NULL)
        return status;
    *out_bytes = memory_allocate(look->inspection->options.allocator, (size_t)section->bytes);
    if (*out_bytes == NULL)
        return log_fail(look->inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to look at %s", look->window.path.text);
    memcpy(*out_bytes, bytes, (size_t)section->bytes);
    return FLUME_OK;
}

static int take_lost(struct sealed_look *look)
{
    const struct sealed_section *section = sealed_look_section(look, SEALED_SECTION_LOST);
    uint8_t *bytes = NULL;
    int status = load(look, section, &bytes);

    look->lost_is_known = look->has_footer && section == NULL;
    if (status == FLUME_OK && bytes != NULL)
        look->lost_is_known = lost_read(look->inspection, bytes, section->bytes, look->footer.count,
                                        &look->lost, &status);
    look->lost_is_damaged = section != NULL && !look->lost_is_known;
    memory_release(look->inspection->options.allocator, bytes);
    return status;
}

static int take_dictionary(struct sealed_look *look, const struct sealed_section *section)
{
    int status;

    if (look->dictionary != NULL || section == NULL || section->bytes > SEALED_DICTIONARY_BYTES_MAX)
        return FLUME_OK;
    status = load(look, section, &look->dictionary);
    if (look->dictionary != NULL)
        look->dictionary_bytes = (size_t)section->bytes;
    return status;
}

/* Either of the two there are; of the second the header page tells as well. */
static int find_dictionary(struct sealed_look *look)
{
    const struct sealed_section told = {
        .id = SEALED_SECTION_DICTIONARY_COPY,
        .offset = look->header.dictionary_offset,
        .bytes = look->header.dictionary_bytes,
        .check = look->header.dictionary_check,
    };
    int status = take_dictionary(look, sealed_look_section(look, SEALED_SECTION_DICTIONARY));

    if (status == FLUME_OK)
        status = take_dictionary(look, sealed_look_section(look, SEALED_SECTION_DICTIONARY_COPY));
    if (status == FLUME_OK && look->has_header)
        status = take_dictionary(look, &told);
    return status;
}

static int take_sections(struct sealed_look *look)
{
    const struct sealed_section *section = sealed_look_section(look, SEALED_SECTION_BLOCKS);
    int status = find_dictionary(look);

    if (status == FLUME_OK)
        status = load(look, section, &look->entries);
    if (look->entries != NULL)
        look->entry_count = (uint32_t)(section->bytes / SEALED_BLOCK_ENTRY_BYTES);
    return status == FLUME_OK ? take_lost(look) : status;
}

int sealed_look_begin(struct inspection *inspection, const struct survey_row *row,
                      struct sealed_look *out_look)
{
    int status;

    memset(out_look, 0, sizeof *out_look);
    out_look->inspection = inspection;
    out_look->row = row;
    out_look->window.file = -1;
    out_look->total = row->end_seq - row->first_seq;
    out_look->total_is_known = row->seal.count != 0 || row->end_seq != inspection->end;
    if (!out_look->total_is_known)
        out_look->total = UINT32_MAX; /* As many as there may be. */
    status = file_window_open(inspection, row->file, &out_look->window);
    if (status == FLUME_OK)
        status = take_pages(out_look);
    return status == FLUME_OK ? take_sections(out_look) : status;
}

void sealed_look_end(struct sealed_look *look)
{
    const flume_allocator *allocator;

    if (look->inspection == NULL)
        return;
    allocator = look->inspection->options.allocator;
    file_window_close(&look->window);
    lost_release(look->inspection, &look->lost);
    memory_release(allocator, look->dictionary);
    memory_release(allocator, look->entries);
    memset(look, 0, sizeof *look);
}
