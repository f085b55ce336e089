/*
 * test_seal_dictionary.c - a strata whose blocks need a dictionary survives the loss of one copy of
 * it, and of the page that says where it is.
 */
#include "seal_fixture.h"

enum { RUN_BYTES = 4096, DAMAGE_MAX = 3 };

static const flume_seal_options with_dictionary = {
    .mode = FLUME_SEAL_ON_REQUEST, .block_bytes = FLUME_BLOCK_BYTES_MIN, .dictionary = true};

/* Words that recur, but seldom within one small block. */
static void append_words(flume_log *log, unsigned seed)
{
    char text[200];
    size_t at = 0;

    while (at + 10 <= sizeof text) {
        uint64_t word = hash_bytes(&seed, sizeof seed, at) % 900;

        at += (size_t)snprintf(text + at, sizeof text - at, "%08x ",
                               (unsigned)hash_bytes(&word, sizeof word, 7));
    }
    assert_int_equal(flume_log_append(log, text, at, NULL), FLUME_OK);
}

struct basin {
    struct log_fixture *fx;
    struct taken_apart parts; /* Of its first strata. */
    char path[LOG_FIXTURE_PATH_BYTES];
};

static void basin_make(struct log_fixture *fx, struct basin *out_basin)
{
    uint64_t firsts[SEAL_STRATA_MAX];

    fx->options.strata_bytes = 1 << 20;
    fx->options.seal = &with_dictionary;
    open_log(fx);
    for (unsigned i = 0; list_strata(fx, firsts) < 2; i++)
        append_words(fx->log, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(fx->log, NULL, NULL), FLUME_OK);
    close_log(fx);
    out_basin->fx = fx;
    (void)snprintf(out_basin->path, sizeof out_basin->path, "%s",
                   strata_path(fx, "basin.flume", 0));
    take_apart(out_basin->path, &out_basin->parts);
    assert_true(out_basin->parts.with_dictionary > 0);
}

static uint64_t place_of(const struct basin *basin, uint32_t id)
{
    const struct sealed_section *section = sealed_section_find(&basin->parts.footer, id);

    assert_non_null(section);
    return section->offset + section->bytes / 2;
}

static void damage(const struct basin *basin, uint64_t at)
{
    uint8_t byte = basin->parts.file.bytes[at] ^ 1;

    write_file((void *)basin->path, at, &byte, 1);
}

static void expect_readable(const struct basin *basin)
{
    struct log_fixture *fx = basin->fx;
    flume_record record;

    open_log(fx);
    for (uint64_t seq = 0; seq < basin->parts.footer.count; seq++) {
        int status = flume_log_get(fx->log, seq, &record);

        if (status != FLUME_OK)
            fail_msg("seq %llu: %s", (unsigned long long)seq, flume_status_name(status));
        flume_record_release(&record);
    }
    close_log(fx);
}

static void expect_damaged_and_repaired(const struct basin *basin)
{
    flume_check_report report;
    flume_error error;
    struct whole_file now;

    assert_int_equal(flume_check(basin->fx->path, NULL, &report, NULL), FLUME_ERR_DAMAGED);
    assert_int_equal(report.damaged, 0);
    if (flume_repair(basin->fx->path, FLUME_REPAIR_SALVAGE, NULL, &report, &error) != FLUME_OK)
        fail_msg("repair: %s", error.message);
    now = read_whole(basin->path);
    assert_int_equal(now.count, basin->parts.file.count);
    assert_memory_equal(now.bytes, basin->parts.file.bytes, (size_t)now.count);
    whole_file_release(&now);
    assert_int_equal(flume_check(basin->fx->path, NULL, &report, NULL), FLUME_OK);
    assert_int_equal(report.findings, 0);
}

/* Each set of places, damaged at once. */
static void no_record_is_lost_with_one_dictionary_or_one_page(void **state)
{
    struct basin basin;
    uint64_t header = 200, footer, first, copy;

    basin_make(*state, &basin);
    footer = basin.parts.file.count - RUN_BYTES + 100;
    first = place_of(&basin, SEALED_SECTION_DICTIONARY);
    copy = place_of(&basin, SEALED_SECTION_DICTIONARY_COPY);
    const uint64_t damages[][DAMAGE_MAX] = {
        {first}, {copy}, {footer}, {header}, {first, footer}, {first, header}, {copy, header},
    };

    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        for (size_t k = 0; k < DAMAGE_MAX && damages[i][k] != 0; k++)
            damage(&basin, damages[i][k]);
        expect_readable(&basin);
        expect_damaged_and_repaired(&basin);
    }
    parts_release(&basin.parts);
}

static void a_copy_that_is_none_is_told(void **state)
{
    struct basin basin;
    struct sealed_footer forged;
    uint8_t page[STRATA_PAGE_BYTES];
    flume_check_report report;
    struct sealed_section *section = NULL;
    uint8_t *bytes;

    basin_make(*state, &basin);
    forged = basin.parts.footer;
    for (uint32_t i = 0; i < forged.section_count; i++) {
        if (forged.sections[i].id == SEALED_SECTION_DICTIONARY_COPY)
            section = &forged.sections[i];
    }
    assert_non_null(section);
    bytes = basin.parts.file.bytes + section->offset;
    bytes[section->bytes / 2] ^= 1;
    section->check =
        hash_bytes(bytes, (size_t)section->bytes, basin.parts.header.salt + section->offset);
    write_file(basin.path, section->offset, bytes, (size_t)section->bytes);
    sealed_footer_encode(page, &forged);
    write_file(basin.path, basin.parts.file.count - sizeof page, page, sizeof page);
    assert_int_equal(flume_check(basin.fx->path, NULL, &report, NULL), FLUME_ERR_DAMAGED);
    parts_release(&basin.parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(no_record_is_lost_with_one_dictionary_or_one_page),
        closed_log_test(a_copy_that_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
