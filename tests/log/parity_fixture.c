/*
 * parity_fixture.c - files in memory with parity over them, damage to them, and what ought to come
 * of it.
 */
#include "parity_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

enum { PAGE_CHECKS = 500, STRIPE_ROWS_MAX = 255 };
static const uint64_t salt = UINT64_C(0x4746454443424140);

/* --- Files --- */

static void file_grow(struct memory_file *file, uint64_t bytes)
{
    if (bytes > file->capacity) {
        file->data = realloc(file->data, bytes);
        assert_non_null(file->data);
        memset(file->data + file->capacity, 0, bytes - file->capacity);
        file->capacity = bytes;
    }
    if (bytes > file->bytes)
        file->bytes = bytes;
}

void cut_file(struct memory_file *file, uint64_t bytes)
{
    memset(file->data + bytes, 0, file->bytes - bytes);
    file->bytes = bytes;
}

static void file_copy(struct memory_file *target, const struct memory_file *source)
{
    target->bytes = 0;
    file_grow(target, source->bytes);
    if (source->bytes > 0)
        memcpy(target->data, source->data, source->bytes);
    target->unreadable_bytes = target->writes = target->fail_write = 0;
}

static int64_t file_read(void *ctx, void *target, size_t bytes, uint64_t offset)
{
    const struct memory_file *file = ctx;

    if (offset >= file->bytes)
        return 0;
    if (bytes > file->bytes - offset)
        bytes = (size_t)(file->bytes - offset);
    if (file->unreadable_bytes > 0 && offset < file->unreadable_at + file->unreadable_bytes &&
        offset + bytes > file->unreadable_at)
        return FLUME_ERR_IO;
    memcpy(target, file->data + offset, bytes);
    return (int64_t)bytes;
}

static int file_write(void *ctx, const void *source, size_t bytes, uint64_t offset)
{
    struct memory_file *file = ((struct memory_file *)ctx)->target;

    if (++file->writes == file->fail_write)
        return FLUME_ERR_FULL;
    file_grow(file, offset + bytes);
    memcpy(file->data + offset, source, bytes);
    return FLUME_OK;
}

struct parity_file file_for(struct memory_file *file, struct memory_file *target)
{
    file->target = target;
    return (struct parity_file){
        .read = file_read, .write = file_write, .ctx = file, .bytes = file->bytes};
}

/* --- The fixture --- */

int parity_setup(void **state)
{
    struct parity_fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    fault_memory_init(&fx->memory);
    fx->seed = 1;
    *state = fx;
    return 0;
}

int parity_teardown(void **state)
{
    struct parity_fixture *fx = *state;

    assert_int_equal(fx->memory.live_blocks, 0);
    fault_memory_deinit(&fx->memory);
    free(fx->strata_was.data);
    free(fx->section_was.data);
    free(fx->strata.data);
    free(fx->section.data);
    free(fx->strata_copy.data);
    free(fx->section_copy.data);
    free(fx);
    return 0;
}

uint64_t chance(struct parity_fixture *fx, uint64_t below)
{
    fx->seed = fx->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (fx->seed >> 11) % below;
}

struct memory_file *section_file(struct parity_fixture *fx)
{
    return fx->place == PLACE_BESIDE ? &fx->section : &fx->strata;
}

uint64_t section_offset(const struct parity_fixture *fx)
{
    return fx->place == PLACE_BESIDE ? 0 : fx->settings.section_at;
}

void make_files(struct parity_fixture *fx, uint64_t bytes, enum place place, unsigned data_cells,
                unsigned parity_cells)
{
    struct memory_file *was = &fx->strata_was;
    struct parity_file strata, section;
    uint64_t behind = place == PLACE_WITHIN && bytes > 0 ? CELL : 0;
    uint64_t gap;

    fx->place = place;
    fx->settings = (struct parity_settings){
        .range_bytes = bytes,
        .section_at = place == PLACE_BESIDE ? PARITY_BESIDE : bytes - behind,
        .data_cells = (uint16_t)data_cells,
        .parity_cells = (uint16_t)parity_cells,
        .salt = salt,
    };
    for (unsigned i = 0; i < 16; i++)
        fx->settings.strata_id[i] = (uint8_t)(0x30 + i);
    gap = place == PLACE_WITHIN ? parity_section_bytes(&fx->settings) : 0;
    was->bytes = fx->section_was.bytes = 0;
    file_grow(was, bytes + gap);
    for (uint64_t i = 0; i < bytes; i++) /* Some of it zeros, as in any file. */
        was->data[i + (i >= bytes - behind ? gap : 0)] =
            i / CELL % 7 == 3 ? 0 : (uint8_t)chance(fx, 256);
    strata = file_for(was, NULL);
    section = place == PLACE_BESIDE ? file_for(&fx->section_was, &fx->section_was)
                                    : file_for(was, was);
    assert_int_equal(parity_encode(&fx->settings, &fx->memory.table, &strata, &section), FLUME_OK);
    undo_damage(fx);
}

void undo_damage(struct parity_fixture *fx)
{
    file_copy(&fx->strata, &fx->strata_was);
    file_copy(&fx->section, &fx->section_was);
}

void damage(struct parity_fixture *fx, struct memory_file *file, uint64_t offset, uint64_t bytes)
{
    for (uint64_t at = offset; at < offset + bytes && at < file->bytes; at++)
        file->data[at] ^= (uint8_t)(1 + chance(fx, 255));
}

/* --- Loading and healing --- */

int try_load_at(struct parity_fixture *fx, uint64_t hint_at, struct parity **out_parity)
{
    struct parity_file file = file_for(section_file(fx), NULL);

    return parity_load(&file, hint_at, fx->settings.strata_id, &fx->memory.table, out_parity);
}

struct parity *load(struct parity_fixture *fx)
{
    struct parity *parity = NULL;

    assert_int_equal(try_load_at(fx, fx->settings.section_at, &parity), FLUME_OK);
    return parity;
}

static int on_span(void *ctx, const struct parity_span *span)
{
    struct parity_fixture *fx = ctx;

    assert_true(fx->span_count < SPANS_MAX);
    fx->spans[fx->span_count++] = *span;
    return 0;
}

static void copy_up_to(struct memory_file *target, const struct memory_file *source, uint64_t bytes)
{
    file_copy(target, source);
    if (target->bytes > bytes)
        cut_file(target, bytes);
}

void heal(struct parity_fixture *fx)
{
    struct parity *parity = load(fx);
    bool beside = fx->place == PLACE_BESIDE;
    struct parity_file strata, section;

    copy_up_to(&fx->strata_copy, &fx->strata, parity_strata_bytes(parity));
    copy_up_to(&fx->section_copy, &fx->section, parity_section_file_bytes(parity));
    strata = file_for(&fx->strata, &fx->strata_copy);
    section = file_for(section_file(fx), beside ? &fx->section_copy : &fx->strata_copy);
    fx->span_count = 0;
    assert_int_equal(parity_heal(parity, &strata, &section, on_span, fx, &fx->report), FLUME_OK);
    parity_release(parity);
}

void verify(struct parity_fixture *fx)
{
    struct parity *parity = load(fx);
    struct parity_file strata = file_for(&fx->strata, NULL);
    struct parity_file section = file_for(section_file(fx), NULL);

    fx->span_count = 0;
    assert_int_equal(parity_verify(parity, &strata, &section, on_span, fx, &fx->report), FLUME_OK);
    parity_release(parity);
}

void expect_clean(struct parity_fixture *fx)
{
    verify(fx);
    assert_true(parity_report_is_clean(&fx->report));
    assert_int_equal(fx->span_count, 0);
}

static void expect_same(const struct memory_file *file, const struct memory_file *was)
{
    assert_int_equal(file->bytes, was->bytes);
    /* assert_memory_equal() compares byte by byte, which takes longer than all else here. */
    if (was->bytes > 0 && memcmp(file->data, was->data, was->bytes) != 0)
        assert_memory_equal(file->data, was->data, was->bytes);
}

void expect_healed(struct parity_fixture *fx)
{
    heal(fx);
    expect_same(&fx->strata_copy, &fx->strata_was);
    expect_same(&fx->section_copy, &fx->section_was);
    assert_false(parity_report_is_clean(&fx->report));
    assert_int_equal(fx->report.data_lost + fx->report.data_unknown + fx->report.section_lost, 0);
    file_copy(&fx->strata, &fx->strata_copy);
    file_copy(&fx->section, &fx->section_copy);
    expect_clean(fx);
}

/* --- By the rules of log/FORMAT.md --- */

struct rules {
    uint64_t data_cells, stripes, all_cells, pages, before;
};

static struct rules rules_of(const struct parity_fixture *fx)
{
    const struct parity_settings *settings = &fx->settings;
    struct rules rules;

    rules.data_cells = (settings->range_bytes + CELL - 1) / CELL;
    rules.stripes = (rules.data_cells + settings->data_cells - 1) / settings->data_cells;
    rules.all_cells = rules.data_cells + rules.stripes * settings->parity_cells;
    rules.pages = (rules.all_cells + PAGE_CHECKS - 1) / PAGE_CHECKS;
    if (rules.pages == 0)
        rules.pages = 1;
    rules.before = fx->place == PLACE_BESIDE ? rules.data_cells : settings->section_at / CELL;
    return rules;
}

static uint64_t stripe_of(const struct rules *rules, uint64_t cell)
{
    if (cell < rules->data_cells)
        return cell % rules->stripes;
    return (rules->before + cell - rules->data_cells) % rules->stripes;
}

static uint64_t offset_of(const struct parity_fixture *fx, const struct rules *rules, uint64_t cell)
{
    if (cell >= rules->data_cells)
        return section_offset(fx) + (rules->pages + cell - rules->data_cells) * CELL;
    return cell * CELL +
           (cell < rules->before ? 0 : fx->strata_was.bytes - fx->settings.range_bytes);
}

static bool same_at(const struct memory_file *one, const struct memory_file *other, uint64_t offset,
                    uint64_t bytes)
{
    return offset + bytes <= one->bytes && offset + bytes <= other->bytes &&
           memcmp(one->data + offset, other->data + offset, bytes) == 0;
}

/* Whether a file's readable bytes at an offset are those of another. */
static bool reads_the_same(const struct memory_file *file, const struct memory_file *was,
                           uint64_t offset, uint64_t bytes)
{
    if (file->unreadable_bytes > 0 && offset < file->unreadable_at + file->unreadable_bytes &&
        offset + bytes > file->unreadable_at)
        return false;
    return same_at(file, was, offset, bytes);
}

struct kind_of_file {
    const struct memory_file *is, *was, *copy;
};

static struct kind_of_file file_of(const struct parity_fixture *fx, const struct rules *rules,
                                   uint64_t cell)
{
    if (cell < rules->data_cells || fx->place == PLACE_WITHIN)
        return (struct kind_of_file){&fx->strata, &fx->strata_was, &fx->strata_copy};
    return (struct kind_of_file){&fx->section, &fx->section_was, &fx->section_copy};
}

static uint64_t length_of(const struct parity_fixture *fx, const struct rules *rules, uint64_t cell)
{
    uint64_t end = (cell + 1) * CELL;

    if (cell < rules->data_cells && end > fx->settings.range_bytes)
        end = fx->settings.range_bytes;
    return end - cell * CELL;
}

/* Whether a span of this part and fate covers a cell. */
static bool is_named(const struct parity_fixture *fx, enum parity_part part, enum parity_fate fate,
                     uint64_t offset, uint64_t bytes)
{
    for (size_t i = 0; i < fx->span_count; i++) {
        const struct parity_span *span = &fx->spans[i];

        if (span->part == part && span->fate == fate && span->offset <= offset &&
            span->offset + span->bytes >= offset + bytes)
            return true;
    }
    return false;
}

static void expect_cell(const struct parity_fixture *fx, const struct rules *rules, uint64_t cell,
                        bool bad, bool allowed)
{
    struct kind_of_file file = file_of(fx, rules, cell);
    uint64_t offset = offset_of(fx, rules, cell);
    uint64_t bytes = length_of(fx, rules, cell);
    enum parity_part part = cell < rules->data_cells ? PARITY_PART_DATA : PARITY_PART_CELLS;

    assert_int_equal(is_named(fx, part, PARITY_HEALABLE, offset, bytes), bad && allowed);
    assert_int_equal(is_named(fx, part, PARITY_LOST, offset, bytes), bad && !allowed);
    assert_false(is_named(fx, part, PARITY_UNKNOWN, offset, bytes));
    if (!bad || allowed)
        assert_true(same_at(file.copy, file.was, offset, bytes));
    else if (offset + bytes <= file.is->bytes)
        assert_true(same_at(file.copy, file.is, offset, bytes)); /* Not touched. */
}

uint64_t expect_what_the_format_allows(struct parity_fixture *fx)
{
    struct rules rules = rules_of(fx);
    uint32_t *bad_cells = calloc(rules.stripes, sizeof *bad_cells);
    bool *bad = calloc(rules.all_cells, sizeof *bad);
    uint64_t lost = 0, all_lost;

    assert_non_null(bad_cells);
    assert_non_null(bad);
    heal(fx);
    for (uint64_t cell = 0; cell < rules.all_cells; cell++) {
        struct kind_of_file file = file_of(fx, &rules, cell);

        bad[cell] = !reads_the_same(file.is, file.was, offset_of(fx, &rules, cell),
                                    length_of(fx, &rules, cell));
        bad_cells[stripe_of(&rules, cell)] += bad[cell];
    }
    for (uint64_t cell = 0; cell < rules.all_cells; cell++) {
        bool allowed = bad_cells[stripe_of(&rules, cell)] <= fx->settings.parity_cells;

        expect_cell(fx, &rules, cell, bad[cell], allowed);
        lost += bad[cell] && !allowed;
    }
    all_lost = fx->report.data_lost + fx->report.section_lost;
    assert_int_equal(lost, all_lost);
    if (lost == 0) { /* The pages of checks, too. */
        expect_same(&fx->strata_copy, &fx->strata_was);
        expect_same(&fx->section_copy, &fx->section_was);
    }
    free(bad);
    free(bad_cells);
    return lost;
}

/* Multiplication in the field, bit by bit. */
static uint8_t times(uint8_t one, uint8_t other)
{
    unsigned product = 0;

    for (unsigned bit = 0; bit < 8; bit++) {
        if ((other >> bit & 1) != 0)
            product ^= (unsigned)one << bit;
    }
    for (unsigned bit = 15; bit >= 8; bit--) {
        if ((product >> bit & 1) != 0)
            product ^= 0x11du << (bit - 8);
    }
    return (uint8_t)product;
}

/* All products, so that each is worked out once. */
struct field {
    uint8_t products[256][256];
};

static struct field *field_create(void)
{
    struct field *field = malloc(sizeof *field);

    assert_non_null(field);
    for (unsigned one = 0; one < 256; one++) {
        for (unsigned other = 0; other < 256; other++)
            field->products[one][other] = times((uint8_t)one, (uint8_t)other);
    }
    return field;
}

static uint8_t inverse(const struct field *field, unsigned element)
{
    for (unsigned candidate = 1; candidate < 256; candidate++) {
        if (field->products[element][candidate] == 1)
            return (uint8_t)candidate;
    }
    fail();
    return 0;
}

/* A cell as it counts: padded with zeros. */
static void cell_load(const struct parity_fixture *fx, const struct rules *rules, uint64_t cell,
                      uint8_t target[CELL])
{
    memset(target, 0, CELL);
    memcpy(target, file_of(fx, rules, cell).was->data + offset_of(fx, rules, cell),
           length_of(fx, rules, cell));
}

static void expect_parity_cell(const struct parity_fixture *fx, const struct rules *rules,
                               const struct field *field, uint64_t number)
{
    uint64_t stripe = stripe_of(rules, rules->data_cells + number);
    uint8_t sum[CELL] = {0}, cell[CELL];

    for (uint64_t i = stripe; i < rules->data_cells; i += rules->stripes) {
        uint64_t place = (fx->settings.data_cells + number / rules->stripes) ^ (i / rules->stripes);
        const uint8_t *products = field->products[inverse(field, (uint8_t)place)];

        cell_load(fx, rules, i, cell);
        for (unsigned b = 0; b < CELL; b++)
            sum[b] ^= products[cell[b]];
    }
    cell_load(fx, rules, rules->data_cells + number, cell);
    assert_memory_equal(cell, sum, CELL);
}

static uint64_t little_endian(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;

    for (unsigned i = count; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

static void expect_page(const struct parity_fixture *fx, const struct rules *rules, unsigned copy,
                        uint64_t number)
{
    const struct memory_file *file = file_of(fx, rules, rules->data_cells).was;
    uint64_t behind = copy == 0 ? 0 : rules->pages + rules->all_cells - rules->data_cells;
    const uint8_t *page = file->data + section_offset(fx) + (behind + number) * CELL;
    uint8_t cell[CELL];

    assert_memory_equal(page, "flumepar", 8);
    assert_int_equal(little_endian(page + 8, 2), 1);
    assert_int_equal(little_endian(page + 10, 2), fx->settings.data_cells);
    assert_int_equal(little_endian(page + 12, 2), fx->settings.parity_cells);
    assert_int_equal(little_endian(page + 14, 2), 0);
    assert_int_equal(little_endian(page + 16, 8), CELL);
    assert_int_equal(little_endian(page + 24, 8), fx->settings.range_bytes);
    assert_int_equal(little_endian(page + 32, 8), fx->settings.section_at);
    assert_memory_equal(page + 40, fx->settings.strata_id, 16);
    assert_int_equal(little_endian(page + 56, 8), salt);
    assert_int_equal(little_endian(page + 64, 8), number);
    assert_int_equal(little_endian(page + 72, 8), copy);
    assert_int_equal(little_endian(page + 80, 8), 0);
    for (uint64_t i = 0; i < PAGE_CHECKS; i++) {
        uint64_t index = number * PAGE_CHECKS + i;
        uint64_t check = 0;

        if (index < rules->all_cells) {
            cell_load(fx, rules, index, cell);
            check = XXH3_64bits_withSeed(cell, CELL, salt + index);
        }
        assert_int_equal(little_endian(page + 88 + 8 * i, 8), check);
    }
    assert_int_equal(little_endian(page + 4088, 8), XXH3_64bits(page, 4088));
}

void expect_section_by_the_rules(struct parity_fixture *fx)
{
    struct rules rules = rules_of(fx);
    uint64_t parity_cells = rules.all_cells - rules.data_cells;
    struct field *field = field_create();

    assert_int_equal(parity_section_bytes(&fx->settings), (2 * rules.pages + parity_cells) * CELL);
    for (uint64_t i = 0; i < parity_cells; i++)
        expect_parity_cell(fx, &rules, field, i);
    for (unsigned copy = 0; copy < 2; copy++) {
        for (uint64_t number = 0; number < rules.pages; number++)
            expect_page(fx, &rules, copy, number);
    }
    free(field);
}
