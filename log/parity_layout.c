/*
 * parity_layout.c - where the cells and pages of a parity section lie, and what a page says.
 */
#include "parity_layout.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"

enum {
    PAGE_MAGIC_AT = 0,
    PAGE_VERSION_AT = 8,
    PAGE_DATA_CELLS_AT = 10,
    PAGE_PARITY_CELLS_AT = 12,
    PAGE_CELL_BYTES_AT = 16,
    PAGE_RANGE_BYTES_AT = 24,
    PAGE_SECTION_AT = 32,
    PAGE_STRATA_ID_AT = 40,
    PAGE_SALT_AT = 56,
    PAGE_NUMBER_AT = 64,
    PAGE_COPY_AT = 72,
    PAGE_CHECKS_AT = 88,
    PAGE_CHECK_AT = PARITY_PAGE_BYTES - 8,

    PARITY_VERSION = 1
};
static_assert(PAGE_CHECKS_AT + 8 * PARITY_PAGE_CHECKS == PAGE_CHECK_AT, "a page has no gap");

static const char page_magic[8] = {'f', 'l', 'u', 'm', 'e', 'p', 'a', 'r'};

static uint64_t divide_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit;
}

static bool settings_are_sound(const struct parity_settings *settings)
{
    if (settings->data_cells == 0 || settings->data_cells > PARITY_DATA_CELLS_MAX ||
        settings->parity_cells == 0 || settings->parity_cells > PARITY_CELLS_MAX ||
        settings->range_bytes > PARITY_RANGE_BYTES_MAX)
        return false;
    return settings->section_at == PARITY_BESIDE ||
           (settings->section_at % PARITY_CELL_BYTES == 0 &&
            settings->range_bytes % PARITY_CELL_BYTES == 0 &&
            settings->section_at <= settings->range_bytes);
}

bool parity_layout_init(struct parity_layout *out_layout, const struct parity_settings *settings)
{
    uint64_t data_count, stripe_count, cell_count, page_count;

    if (!settings_are_sound(settings))
        return false;
    data_count = divide_up(settings->range_bytes, PARITY_CELL_BYTES);
    stripe_count = divide_up(data_count, settings->data_cells);
    cell_count = data_count + stripe_count * settings->parity_cells;
    page_count = cell_count == 0 ? 1 : divide_up(cell_count, PARITY_PAGE_CHECKS);
    *out_layout = (struct parity_layout){
        .settings = *settings,
        .data_count = data_count,
        .before_count = settings->section_at == PARITY_BESIDE
                            ? data_count
                            : settings->section_at / PARITY_CELL_BYTES,
        .stripe_count = stripe_count,
        .cell_count = cell_count,
        .page_count = page_count,
        .section_bytes = PARITY_COPIES * page_count * PARITY_PAGE_BYTES +
                         (cell_count - data_count) * PARITY_CELL_BYTES,
        .data_rows = stripe_count == 0 ? 0 : (unsigned)divide_up(data_count, stripe_count),
    };
    assert(out_layout->data_rows <= settings->data_cells);
    return true;
}

/* How far a stripe's parity cell lies behind the first one of its row: the cells of the file, in
 * its order, belong to the stripes in turn, so parity goes on where the data in front of it
 * ended. */
static uint64_t parity_lane(const struct parity_layout *layout, uint64_t stripe)
{
    uint64_t first = layout->before_count % layout->stripe_count;

    return stripe >= first ? stripe - first : stripe + layout->stripe_count - first;
}

uint64_t parity_layout_cell(const struct parity_layout *layout, uint64_t stripe, unsigned row)
{
    uint64_t cell;

    assert(stripe < layout->stripe_count);
    assert(row < layout->data_rows + layout->settings.parity_cells);
    if (row >= layout->data_rows)
        return layout->data_count + (row - layout->data_rows) * layout->stripe_count +
               parity_lane(layout, stripe);
    cell = row * layout->stripe_count + stripe;
    return cell < layout->data_count ? cell : PARITY_CELL_NONE;
}

uint64_t parity_layout_turn(const struct parity_layout *layout, uint64_t stripe)
{
    uint64_t first = layout->before_count % layout->stripe_count;

    return stripe < first ? first : layout->stripe_count;
}

uint64_t parity_layout_cell_at(const struct parity_layout *layout, uint64_t cell)
{
    uint64_t section_at =
        layout->settings.section_at == PARITY_BESIDE ? 0 : layout->settings.section_at;

    assert(cell < layout->cell_count);
    if (cell >= layout->data_count)
        return section_at + layout->page_count * PARITY_PAGE_BYTES +
               (cell - layout->data_count) * PARITY_CELL_BYTES;
    return cell * PARITY_CELL_BYTES + (cell < layout->before_count ? 0 : layout->section_bytes);
}

uint64_t parity_layout_run(const struct parity_layout *layout, uint64_t cell, uint64_t count)
{
    uint64_t end = layout->cell_count;

    if (cell < layout->before_count)
        end = layout->before_count;
    else if (cell < layout->data_count)
        end = layout->data_count;
    return count < end - cell ? count : end - cell;
}

uint64_t parity_layout_run_bytes(const struct parity_layout *layout, uint64_t cell, uint64_t count)
{
    uint64_t end = (cell + count) * PARITY_CELL_BYTES;

    if (cell < layout->data_count && end > layout->settings.range_bytes)
        end = layout->settings.range_bytes;
    return end - cell * PARITY_CELL_BYTES;
}

uint64_t parity_layout_page_at(const struct parity_layout *layout, unsigned copy, uint64_t number)
{
    uint64_t section_at =
        layout->settings.section_at == PARITY_BESIDE ? 0 : layout->settings.section_at;
    uint64_t copy_at = copy == 0 ? 0
                                 : layout->section_bytes - layout->page_count * PARITY_PAGE_BYTES;

    return section_at + copy_at + number * PARITY_PAGE_BYTES;
}

uint64_t parity_cell_check(const struct parity_layout *layout, uint64_t cell, const uint8_t *bytes)
{
    return hash_bytes(bytes, PARITY_CELL_BYTES, layout->settings.salt + cell);
}

size_t parity_layout_page_checks(const struct parity_layout *layout, uint64_t number)
{
    uint64_t left = layout->cell_count - number * PARITY_PAGE_CHECKS;

    return left < PARITY_PAGE_CHECKS ? (size_t)left : PARITY_PAGE_CHECKS;
}

void parity_page_encode(uint8_t target[PARITY_PAGE_BYTES], const struct parity_layout *layout,
                        unsigned copy, uint64_t number, const uint64_t *checks)
{
    const struct parity_settings *settings = &layout->settings;
    size_t count = parity_layout_page_checks(layout, number);

    memset(target, 0, PARITY_PAGE_BYTES);
    memcpy(target + PAGE_MAGIC_AT, page_magic, sizeof page_magic);
    put_le16(target + PAGE_VERSION_AT, PARITY_VERSION);
    put_le16(target + PAGE_DATA_CELLS_AT, settings->data_cells);
    put_le16(target + PAGE_PARITY_CELLS_AT, settings->parity_cells);
    put_le32(target + PAGE_CELL_BYTES_AT, PARITY_CELL_BYTES);
    put_le64(target + PAGE_RANGE_BYTES_AT, settings->range_bytes);
    put_le64(target + PAGE_SECTION_AT, settings->section_at);
    memcpy(target + PAGE_STRATA_ID_AT, settings->strata_id, sizeof settings->strata_id);
    put_le64(target + PAGE_SALT_AT, settings->salt);
    put_le64(target + PAGE_NUMBER_AT, number);
    put_le32(target + PAGE_COPY_AT, copy);
    for (size_t i = 0; i < count; i++)
        put_le64(target + PAGE_CHECKS_AT + 8 * i, checks[number * PARITY_PAGE_CHECKS + i]);
    put_le64(target + PAGE_CHECK_AT, hash_bytes(target, PAGE_CHECK_AT, 0));
}

int parity_page_decode(const uint8_t source[PARITY_PAGE_BYTES], struct parity_page *out_page)
{
    struct parity_page page = {0};
    struct parity_layout layout;

    if (memcmp(source + PAGE_MAGIC_AT, page_magic, sizeof page_magic) != 0 ||
        get_le64(source + PAGE_CHECK_AT) != hash_bytes(source, PAGE_CHECK_AT, 0))
        return FLUME_ERR_DAMAGED;
    if (get_le16(source + PAGE_VERSION_AT) > PARITY_VERSION)
        return FLUME_ERR_VERSION;
    page.settings.data_cells = get_le16(source + PAGE_DATA_CELLS_AT);
    page.settings.parity_cells = get_le16(source + PAGE_PARITY_CELLS_AT);
    page.settings.range_bytes = get_le64(source + PAGE_RANGE_BYTES_AT);
    page.settings.section_at = get_le64(source + PAGE_SECTION_AT);
    memcpy(page.settings.strata_id, source + PAGE_STRATA_ID_AT, sizeof page.settings.strata_id);
    page.settings.salt = get_le64(source + PAGE_SALT_AT);
    page.number = get_le64(source + PAGE_NUMBER_AT);
    page.copy = get_le32(source + PAGE_COPY_AT);
    if (get_le32(source + PAGE_CELL_BYTES_AT) != PARITY_CELL_BYTES ||
        !parity_layout_init(&layout, &page.settings) || page.number >= layout.page_count ||
        page.copy >= PARITY_COPIES)
        return FLUME_ERR_DAMAGED;
    *out_page = page;
    return FLUME_OK;
}

void parity_page_checks(const uint8_t source[PARITY_PAGE_BYTES], uint64_t *out_checks, size_t count)
{
    assert(count <= PARITY_PAGE_CHECKS);
    for (size_t i = 0; i < count; i++)
        out_checks[i] = get_le64(source + PAGE_CHECKS_AT + 8 * i);
}

bool parity_settings_equal(const struct parity_settings *one, const struct parity_settings *other)
{
    return one->range_bytes == other->range_bytes && one->section_at == other->section_at &&
           one->data_cells == other->data_cells && one->parity_cells == other->parity_cells &&
           one->salt == other->salt &&
           memcmp(one->strata_id, other->strata_id, sizeof one->strata_id) == 0;
}
