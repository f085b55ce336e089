/*
 * parity.c - finding a parity section in a file, whatever became of the file.
 *
 * Each page says all that is needed to find the others. So one valid page is enough: the first or
 * the last one where the section is said to be, or any that a search over the whole file finds.
 */
#include "parity.h"

#include <string.h>

#include "memory.h"
#include "parity_handle.h"

enum { SEARCH_PAGES = 64 };

struct search {
    const struct parity_file *file;
    const uint8_t *strata_id;
    const flume_allocator *allocator;
    bool beside;
    bool newer; /* A page of a newer version was seen. */
    struct parity_layout layout;
};

/* Whether these bytes are a page of the section looked for, in its place: a record may hold a copy
 * of some other file. */
static bool is_our_page(struct search *search, const uint8_t *bytes, uint64_t offset)
{
    struct parity_page page;
    int status = parity_page_decode(bytes, &page);

    if (status == FLUME_ERR_VERSION)
        search->newer = true;
    if (status != FLUME_OK || (page.settings.section_at == PARITY_BESIDE) != search->beside)
        return false;
    if (search->strata_id != NULL &&
        memcmp(search->strata_id, page.settings.strata_id, sizeof page.settings.strata_id) != 0)
        return false;
    return parity_layout_init(&search->layout, &page.settings) &&
           search->layout.page_count <= search->file->bytes / PARITY_PAGE_BYTES &&
           parity_layout_page_at(&search->layout, page.copy, page.number) == offset;
}

static bool page_read(const struct parity_file *file, uint64_t offset,
                      uint8_t target[PARITY_PAGE_BYTES])
{
    return file->read(file->ctx, target, PARITY_PAGE_BYTES, offset) == PARITY_PAGE_BYTES;
}

static bool try_page(struct search *search, uint64_t offset)
{
    uint8_t bytes[PARITY_PAGE_BYTES];

    return page_read(search->file, offset, bytes) && is_our_page(search, bytes, offset);
}

/* Search count pages from an offset on; one by one where they cannot be read together. */
static bool search_pages(struct search *search, uint64_t offset, size_t count, uint8_t *buffer)
{
    size_t bytes = count * PARITY_PAGE_BYTES;
    bool whole = search->file->read(search->file->ctx, buffer, bytes, offset) == (int64_t)bytes;

    for (size_t i = 0; i < count; i++) {
        uint64_t at = offset + i * PARITY_PAGE_BYTES;

        if (whole ? is_our_page(search, buffer + i * PARITY_PAGE_BYTES, at) : try_page(search, at))
            return true;
    }
    return false;
}

/* From the end on: there the section is. FLUME_OK, FLUME_END (none), FLUME_ERR_NO_MEMORY. */
static int search_file(struct search *search)
{
    uint64_t left = search->file->bytes / PARITY_PAGE_BYTES;
    uint8_t *buffer = memory_allocate(search->allocator, SEARCH_PAGES * PARITY_PAGE_BYTES);
    int status = FLUME_END;

    if (buffer == NULL)
        return FLUME_ERR_NO_MEMORY;
    while (left > 0 && status == FLUME_END) {
        size_t count = left < SEARCH_PAGES ? (size_t)left : SEARCH_PAGES;

        left -= count;
        if (search_pages(search, left * PARITY_PAGE_BYTES, count, buffer))
            status = FLUME_OK;
    }
    memory_release(search->allocator, buffer);
    return status;
}

static int section_find(struct search *search, uint64_t hint_at)
{
    uint64_t pages = search->file->bytes / PARITY_PAGE_BYTES;
    uint64_t pages_behind = search->beside ? 1 : 2; /* The last page, and the strata's footer. */
    int status;

    if (try_page(search, search->beside ? 0 : hint_at))
        return FLUME_OK;
    if (pages >= pages_behind && try_page(search, (pages - pages_behind) * PARITY_PAGE_BYTES))
        return FLUME_OK;
    status = search_file(search);
    if (status == FLUME_END)
        return search->newer ? FLUME_ERR_VERSION : FLUME_ERR_NOT_FOUND;
    return status;
}

static void page_load(struct parity *parity, const struct parity_file *file, unsigned copy,
                      uint64_t number)
{
    const struct parity_layout *layout = &parity->layout;
    uint8_t bytes[PARITY_PAGE_BYTES];
    struct parity_page page;

    if (!page_read(file, parity_layout_page_at(layout, copy, number), bytes) ||
        parity_page_decode(bytes, &page) != FLUME_OK || page.copy != copy ||
        page.number != number || !parity_settings_equal(&page.settings, &layout->settings))
        return;
    parity->page_good[copy * layout->page_count + number] = true;
    parity_page_checks(bytes, parity->checks + number * PARITY_PAGE_CHECKS,
                       parity_layout_page_checks(layout, number));
}

int parity_load(const struct parity_file *file, uint64_t hint_at, const uint8_t *strata_id,
                const flume_allocator *allocator, struct parity **out_parity)
{
    struct search search = {.file = file,
                            .strata_id = strata_id,
                            .allocator = allocator,
                            .beside = hint_at == PARITY_BESIDE};
    struct parity *parity;
    int status = section_find(&search, hint_at);

    if (status != FLUME_OK)
        return status;
    parity = memory_allocate_zeroed(allocator, 1, sizeof *parity);
    if (parity == NULL)
        return FLUME_ERR_NO_MEMORY;
    parity->allocator = allocator;
    parity->layout = search.layout;
    parity->checks = memory_allocate_zeroed(allocator, (size_t)search.layout.page_count,
                                            PARITY_PAGE_CHECKS * sizeof parity->checks[0]);
    parity->page_good = memory_allocate_zeroed(
        allocator, PARITY_COPIES * (size_t)search.layout.page_count, sizeof parity->page_good[0]);
    if (parity->checks == NULL || parity->page_good == NULL) {
        parity_release(parity);
        return FLUME_ERR_NO_MEMORY;
    }
    for (unsigned copy = 0; copy < PARITY_COPIES; copy++) {
        for (uint64_t number = 0; number < parity->layout.page_count; number++)
            page_load(parity, file, copy, number);
    }
    *out_parity = parity;
    return FLUME_OK;
}

void parity_release(struct parity *parity)
{
    if (parity == NULL)
        return;
    memory_release(parity->allocator, parity->page_good);
    memory_release(parity->allocator, parity->checks);
    memory_release(parity->allocator, parity);
}

const struct parity_settings *parity_settings_of(const struct parity *parity)
{
    return &parity->layout.settings;
}

uint64_t parity_strata_bytes(const struct parity *parity)
{
    const struct parity_layout *layout = &parity->layout;
    bool beside = layout->settings.section_at == PARITY_BESIDE;

    return layout->settings.range_bytes + (beside ? 0 : layout->section_bytes);
}

uint64_t parity_section_file_bytes(const struct parity *parity)
{
    bool beside = parity->layout.settings.section_at == PARITY_BESIDE;

    return beside ? parity->layout.section_bytes : parity_strata_bytes(parity);
}
