/*
 * test_check_sealed.c - flume_check() sees every byte of a sealed strata, and names what is wrong.
 */
#include "sealed_damage.h"

#include <xxhash.h>
#include <zstd.h>

#include "merkle.h"
#include "seal_file.h"

enum { SOME = 1 }; /* The strata that is damaged: it has one before it and one behind. */
enum { SKIPPABLE_HEADER_BYTES = 8 };

static bool is_long(void)
{
    return getenv("FLUME_TEST_LONG") != NULL;
}

/* --- Sound ------------------------------------------------------------------------------------ */

static void sealed_strata_are_sound_and_their_records_count(void **state)
{
    struct damage_fixture *fx = *state;

    expect_sound(fx);
    assert_int_equal(fx->found_count, 0);
    assert_int_equal(fx->report.records, fx->head);
    assert_int_equal(fx->report.strata, fx->strata_count);
    assert_int_equal(fx->report.head, fx->head);
}

static void after_a_machine_stop_nothing_is_found(void **state)
{
    struct damage_fixture *fx = *state;

    forget_head(fx);
    expect_sound(fx);
    assert_int_equal(fx->found_count, 0);
    assert_int_equal(fx->report.records, fx->head);
}

static int count_progress(void *ctx, uint64_t done, uint64_t total)
{
    uint64_t *last = ctx;

    assert_true(done >= *last);
    assert_true(done <= total);
    *last = done;
    return 0;
}

static void progress_comes_to_all_bytes(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t last = 0;
    flume_check_options options = {.progress = count_progress, .ctx = &last};
    flume_check_report report;

    assert_int_equal(flume_check(fx->basin, &options, &report, NULL), FLUME_OK);
    assert_int_equal(last, report.bytes);
}

static unsigned count_findings(const struct damage_fixture *fx, enum flume_finding_kind kind)
{
    unsigned count = 0;

    for (size_t i = 0; i < fx->found_count; i++)
        count += fx->found[i].kind == kind;
    return count;
}

/* --- Beside a writer -------------------------------------------------------------------------- */

/* Exchanges a raw strata for its sealed form when a file is opened: as another process may. */
struct exchange {
    flume_io table;
    const struct damage_fixture *fx;
    const char *ending; /* Of the file whose opening sets it off. */
    unsigned nth;       /* So many openings of it from now. */
    char from[FIXTURE_PATH_BYTES], to[FIXTURE_PATH_BYTES], slots[FIXTURE_PATH_BYTES];
};

static int exchange_open(void *ctx, const char *path, unsigned flags)
{
    struct exchange *exchange = ctx;
    const flume_io *io = flume_io_posix();

    if (exchange->nth > 0 && strstr(path, exchange->ending) != NULL && --exchange->nth == 0) {
        assert_int_equal(rename(exchange->from, exchange->to), 0);
        assert_int_equal(unlink(exchange->slots), 0);
    }
    return io->open(io->ctx, path, flags);
}

static void check_beside_a_sealer(struct damage_fixture *fx, const char *ending, unsigned nth)
{
    struct exchange exchange = {.table = *flume_io_posix(), .fx = fx, .ending = ending, .nth = nth};
    struct sealed_footer footer;
    flume_log *log = open_log(fx, 0);
    struct seal_plan plan = {.first_seq = fx->strata[0],
                             .count = fx->strata[1] - fx->strata[0],
                             .block_bytes = SEALED_BLOCK_BYTES_MIN,
                             .level = 1};

    assert_int_equal(seal_file_write(log, &plan, &footer), FLUME_OK);
    file_path(fx, "log/" SEAL_TEMPORARY_NAME, exchange.from);
    (void)strata_path(fx, 0, "strata", exchange.to);
    (void)strata_path(fx, 0, "slots", exchange.slots);
    exchange.table.ctx = &exchange; /* The POSIX functions do not look at it. */
    exchange.table.open = exchange_open;
    fx->io = &exchange.table;
    expect_sound(fx);
    fx->io = NULL;
    assert_int_equal(exchange.nth, 0);
    assert_int_equal(fx->found_count, 0);
    assert_int_equal(fx->report.records, fx->head);
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

static void a_strata_that_is_sealed_after_the_survey_is_sound(void **state)
{
    check_beside_a_sealer(*state, "00000000000000000000.strata", 2);
}

static void a_strata_that_is_sealed_before_its_slots_are_looked_at_is_sound(void **state)
{
    check_beside_a_sealer(*state, "00000000000000000000.slots", 1);
}

static void a_strata_that_is_sealed_before_its_footer_is_looked_at_is_sound(void **state)
{
    check_beside_a_sealer(*state, "00000000000000000000.strata", 3);
}

/* A writer that rolls between a check's look at HEAD and its look at log/, and seals all of it when
 * the newest strata is opened to be examined. */
struct advance {
    flume_io table;
    flume_log *log;
    char newest[FIXTURE_PATH_BYTES];
    unsigned openings;
    bool is_over;
};

static int advance_list(void *ctx, const char *path, flume_io_name name, void *name_ctx)
{
    struct advance *advance = ctx;
    const flume_io *io = flume_io_posix();
    static const uint8_t body[8192];

    if (advance->newest[0] == '\0' && strstr(path, "/log") != NULL) {
        flume_record record;

        for (unsigned i = 0; i < 3 * STRATA_BYTES / sizeof body; i++)
            assert_int_equal(flume_log_append(advance->log, body, sizeof body, NULL), FLUME_OK);
        assert_int_equal(flume_log_get(advance->log, flume_log_head(advance->log) - 1, &record),
                         FLUME_OK);
        (void)snprintf(advance->newest, sizeof advance->newest, "%020" PRIu64 ".strata",
                       record.strata_seq);
        flume_record_release(&record);
    }
    return io->list(io->ctx, path, name, name_ctx);
}

static int advance_open(void *ctx, const char *path, unsigned flags)
{
    struct advance *advance = ctx;
    const flume_io *io = flume_io_posix();

    if (advance->newest[0] != '\0' && strstr(path, advance->newest) != NULL &&
        ++advance->openings == 2) {
        assert_int_equal(flume_log_seal(advance->log, &(flume_seal_call){.active = true}, NULL),
                         FLUME_OK);
        advance->is_over = true;
    }
    return io->open(io->ctx, path, flags);
}

static void strata_that_are_opened_and_sealed_while_a_check_runs_are_sound(void **state)
{
    struct damage_fixture *fx = *state;
    struct advance advance = {.table = *flume_io_posix(), .log = open_log(fx, 0)};

    advance.table.ctx = &advance; /* The POSIX functions do not look at it. */
    advance.table.open = advance_open;
    advance.table.list = advance_list;
    fx->io = &advance.table;
    expect_sound(fx);
    fx->io = NULL;
    assert_true(advance.is_over);
    assert_int_equal(fx->found_count, 0);
    assert_int_equal(flume_log_close(advance.log), FLUME_OK);
}

/* A writer that appends to the newest strata and seals it between a check's look at HEAD and its
 * look at log/. */
struct hurry {
    flume_io table;
    flume_log *log;
    bool is_over;
};

static int hurry_list(void *ctx, const char *path, flume_io_name name, void *name_ctx)
{
    struct hurry *hurry = ctx;

    if (!hurry->is_over && strstr(path, "/log") != NULL) {
        hurry->is_over = true;
        assert_int_equal(flume_log_append(hurry->log, "more", 4, NULL), FLUME_OK);
        assert_int_equal(flume_log_seal(hurry->log, &(flume_seal_call){.active = true}, NULL),
                         FLUME_OK);
    }
    return flume_io_posix()->list(NULL, path, name, name_ctx);
}

static void a_newest_strata_that_grows_and_is_sealed_while_a_check_runs_is_sound(void **state)
{
    struct damage_fixture *fx = *state;
    struct hurry hurry = {.table = *flume_io_posix(), .log = open_log(fx, 0)};

    assert_int_equal(flume_log_append(hurry.log, "first", 5, NULL), FLUME_OK);
    hurry.table.ctx = &hurry; /* The POSIX functions do not look at it. */
    hurry.table.list = hurry_list;
    fx->io = &hurry.table;
    expect_sound(fx);
    fx->io = NULL;
    assert_true(hurry.is_over);
    assert_int_equal(fx->found_count, 0);
    assert_int_equal(flume_log_close(hurry.log), FLUME_OK);
}

static void a_strata_whose_volume_is_not_here_is_no_damage(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES], away[FIXTURE_PATH_BYTES];

    (void)snprintf(away, sizeof away, "%s/away.strata", fx->root);
    assert_int_equal(rename(strata_path(fx, SOME, "strata", path), away), 0);
    /* A link's target counts from where the link is: root/b.flume/log/. */
    assert_int_equal(symlink("../../away.strata", path), 0);
    expect_sound(fx); /* Through the link. */
    assert_int_equal(unlink(away), 0);
    expect_status(fx, check(fx), FLUME_ERR_ABSENT);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_ERR_ABSENT);
    assert_int_equal(readlink(path, away, sizeof away) > 0, 1);
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static void a_damaged_block_is_named_by_strata_block_and_seqs(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    struct sealed_block_entry entry;
    const struct found *found;
    char path[FIXTURE_PATH_BYTES], words[128];

    sealed_parts_read(fx, SOME, &parts);
    assert_true(parts.footer.block_count > 4);
    entry = sealed_parts_block(&parts, 2);
    flip_bit(strata_path(fx, SOME, "strata", path), entry.file_offset + 50);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(count_findings(fx, FLUME_FINDING_DAMAGED_RECORD), 1);
    found = expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, NULL);
    assert_int_equal(found->first_seq, fx->strata[SOME] + entry.first_ordinal);
    assert_int_equal(found->last_seq, sealed_parts_block_end(&parts, 2) - 1);
    assert_int_equal(found->offset, entry.file_offset);
    assert_int_equal(found->bytes, sealed_block_bytes(entry.stored_bytes));
    (void)snprintf(words, sizeof words, "block 2 (offset %" PRIu64, entry.file_offset);
    assert_non_null(strstr(found->message, words));
    assert_int_equal(fx->report.damaged, found->last_seq - found->first_seq + 1);
    assert_int_equal(fx->report.records, fx->head - fx->report.damaged);
    sealed_parts_release(&parts);
}

static void damaged_blocks_side_by_side_are_named_one_by_one(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    for (uint32_t i = 0; i < 3; i++)
        flip_bit(strata_path(fx, SOME, "strata", path),
                 sealed_parts_block(&parts, i).file_offset + 9);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(count_findings(fx, FLUME_FINDING_DAMAGED_RECORD), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(fx->found[i].offset, sealed_parts_block(&parts, i).file_offset);
    sealed_parts_release(&parts);
}

static void with_the_index_damaged_too_the_gap_is_named(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    const struct found *found;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    flip_bit(path, sealed_parts_block(&parts, 2).file_offset + 40);
    flip_bit(path, sealed_section_find(&parts.footer, SEALED_SECTION_BLOCKS)->offset + 3);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(count_findings(fx, FLUME_FINDING_DAMAGED_RECORD), 1);
    found = expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, NULL);
    assert_int_equal(found->first_seq,
                     fx->strata[SOME] + sealed_parts_block(&parts, 2).first_ordinal);
    assert_int_equal(found->last_seq, sealed_parts_block_end(&parts, 2) - 1);
    assert_int_equal(found->offset, sealed_parts_block(&parts, 2).file_offset);
    found = expect_finding(fx, FLUME_FINDING_SIDE_FILE, NULL);
    assert_non_null(strstr(found->message, "the block index"));
    sealed_parts_release(&parts);
}

/* --- Everything else -------------------------------------------------------------------------- */

static void every_section_that_is_damaged_is_named(void **state)
{
    static const struct {
        uint32_t id;
        const char *name;
    } sections[] = {{SEALED_SECTION_BLOCKS, "the block index"},
                    {SEALED_SECTION_GRAINS, "the grain index"},
                    {SEALED_SECTION_LABELS, "the labels"},
                    {SEALED_SECTION_MERKLE, "the Merkle nodes"}};
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const struct sealed_section *section = sealed_section_find(&parts.footer, sections[i].id);

        flip_bit(strata_path(fx, SOME, "strata", path), section->offset + section->bytes - 1);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        assert_int_equal(fx->found_count, 1);
        assert_int_equal(fx->found[0].kind, FLUME_FINDING_SIDE_FILE);
        assert_int_equal(fx->found[0].offset, section->offset);
        assert_int_equal(fx->found[0].bytes, section->bytes);
        assert_non_null(strstr(fx->found[0].message, sections[i].name));
        assert_int_equal(fx->report.records, fx->head); /* All of them read. */
        sealed_parts_write(fx, SOME, &parts);
    }
    expect_sound(fx);
    sealed_parts_release(&parts);
}

static void a_damaged_page_is_told_and_every_record_is_found(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;

    for (size_t index = 0; index < SEALED_COUNT; index++) {
        sealed_parts_read(fx, index, &parts);
        memset(parts.bytes, 0, STRATA_PAGE_BYTES);
        sealed_parts_write(fx, index, &parts);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        (void)expect_finding(fx, FLUME_FINDING_WRONG_STRATA, NULL);
        assert_int_equal(fx->report.records, fx->head);
        strata_header_encode(parts.bytes, &parts.header);
        memset(parts.bytes + parts.count - STRATA_PAGE_BYTES, 0, STRATA_PAGE_BYTES);
        sealed_parts_write(fx, index, &parts);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        assert_non_null(
            strstr(expect_finding(fx, FLUME_FINDING_SIDE_FILE, NULL)->message, "footer page"));
        assert_int_equal(fx->report.records, fx->head);
        sealed_parts_forge(&parts);
        sealed_parts_write(fx, index, &parts);
        expect_sound(fx);
        sealed_parts_release(&parts);
    }
}

/* The first block proves no salt then. */
static void without_header_page_and_first_block_the_footer_tells(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES], other[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    memset(parts.bytes, 0, STRATA_DATA_AT + 64);
    sealed_parts_write(fx, SOME, &parts);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.damaged, sealed_parts_block(&parts, 1).first_ordinal);
    /* Whatever the file is called. */
    file_path(fx, "log/x.strata", other);
    assert_int_equal(rename(strata_path(fx, SOME, "strata", path), other), 0);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.damaged, sealed_parts_block(&parts, 1).first_ordinal);
    sealed_parts_release(&parts);
}

/* One bit of each page: the salt of neither vouches for itself. */
static void with_both_pages_damaged_the_blocks_are_found(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    flip_bit(path, STRATA_SALT_AT + 1);
    flip_bit(path, parts.count - STRATA_PAGE_BYTES + SEALED_FOOTER_SALT_AT + 2);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->report.records, fx->head);
    sealed_parts_release(&parts);
}

static void slots_beside_a_sealed_strata_are_told_as_a_stray(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    write_bytes(strata_path(fx, SOME, "slots", path), "\1\2\3\4", 4, 0);
    forget_head(fx);
    expect_status(fx, check(fx), FLUME_OK);
    assert_int_equal(fx->found_count, 1);
    assert_int_equal(fx->found[0].kind, FLUME_FINDING_SIDE_FILE);
    assert_non_null(strstr(fx->found[0].message, "is left of a strata that is sealed"));
}

/* --- Opening ---------------------------------------------------------------------------------- */

static void expect_open(struct damage_fixture *fx, enum flume_profile profile, int status)
{
    flume_log_options options = {.profile = profile};
    flume_log *log = NULL;

    assert_int_equal(flume_log_open(&log, fx->basin, &options, &fx->error), status);
    if (log != NULL)
        assert_int_equal(flume_log_close(log), FLUME_OK);
}

static void careful_profiles_look_at_sealed_strata(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    expect_open(fx, FLUME_PROFILE_SAFE, FLUME_OK);
    expect_open(fx, FLUME_PROFILE_PARANOID, FLUME_OK);
    flip_bit(strata_path(fx, SOME, "strata", path), STRATA_DATA_AT + 50);
    expect_open(fx, FLUME_PROFILE_SAFE, FLUME_OK); /* Its pages are sound. */
    expect_open(fx, FLUME_PROFILE_PARANOID, FLUME_ERR_DAMAGED);
    sealed_parts_write(fx, SOME, &parts);
    flip_bit(path, parts.count - 100);
    expect_open(fx, FLUME_PROFILE_SAFE, FLUME_ERR_DAMAGED);
    assert_non_null(strstr(fx->error.message, "footer page"));
    expect_open(fx, FLUME_PROFILE_CASUAL, FLUME_OK);
    sealed_parts_release(&parts);
}

/* --- Forgeries: every check holds ------------------------------------------------------------- */

static void expect_forgery_told(struct damage_fixture *fx, struct sealed_parts *parts,
                                const char *words)
{
    sealed_parts_forge(parts);
    sealed_parts_write(fx, SOME, parts);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    for (size_t i = 0; i < fx->found_count; i++) {
        if (strstr(fx->found[i].message, words) != NULL)
            return;
    }
    print_findings(fx);
    fail_msg("nobody says: %s", words);
}

/* Make a section's check fit its bytes as they are now. */
static void forge_section(struct sealed_parts *parts, uint32_t id)
{
    struct sealed_section *section =
        (struct sealed_section *)sealed_section_find(&parts->footer, id);

    section->check = XXH3_64bits_withSeed(parts->bytes + section->offset, (size_t)section->bytes,
                                          parts->footer.salt + section->offset);
}

static void forged_sections_are_not_believed(void **state)
{
    static const struct {
        uint32_t id;
        uint64_t from_end; /* The byte that is changed. */
        const char *words;
    } forgeries[] = {{SEALED_SECTION_BLOCKS, 1, "block index is not what the records say"},
                     {SEALED_SECTION_GRAINS, 4, "grain index is not what the records say"},
                     {SEALED_SECTION_LABELS, 1, "labels is not what the records say"},
                     {SEALED_SECTION_MERKLE, 7, "Merkle nodes are not those of the records"}};
    struct damage_fixture *fx = *state;

    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        const struct sealed_section *section;
        struct sealed_parts parts, sound;

        sealed_parts_read(fx, SOME, &parts);
        sealed_parts_read(fx, SOME, &sound);
        section = sealed_section_find(&parts.footer, forgeries[i].id);
        parts.bytes[section->offset + section->bytes - forgeries[i].from_end] ^= 1;
        forge_section(&parts, forgeries[i].id);
        expect_forgery_told(fx, &parts, forgeries[i].words);
        sealed_parts_write(fx, SOME, &sound);
        sealed_parts_release(&parts);
        sealed_parts_release(&sound);
    }
    expect_sound(fx);
}

/* Pack a block anew, and closer. */
static size_t pack_closer(const uint8_t *stored, const struct sealed_block *block, uint8_t *target,
                          size_t room)
{
    uint8_t *raw = malloc(block->raw_bytes);
    size_t bytes;

    assert_non_null(raw);
    assert_int_equal(ZSTD_decompress(raw, block->raw_bytes, stored, block->stored_bytes),
                     block->raw_bytes);
    bytes = ZSTD_compress(target, room, raw, block->raw_bytes, ZSTD_maxCLevel());
    assert_false(ZSTD_isError(bytes));
    free(raw);
    return bytes;
}

static void put_skippable(uint8_t *target, size_t bytes)
{
    assert_true(bytes >= SKIPPABLE_HEADER_BYTES);
    memset(target, 0, bytes);
    put_le32(target, ZSTD_MAGIC_SKIPPABLE_START);
    put_le32(target + 4, (uint32_t)(bytes - SKIPPABLE_HEADER_BYTES));
}

enum extra_frame {
    SKIPPABLE_BEFORE,
    SKIPPABLE_BEHIND,
    LEGACY_MAGIC,
    SIZE_NOT_STATED,
    EXTRA_FRAMES
};

/* zstd would unpack the first two to the very grains. false: there is no room for that. */
static bool put_extra_frame(uint8_t *stored, const struct sealed_block *block,
                            enum extra_frame extra)
{
    size_t room = ZSTD_compressBound(block->raw_bytes);
    uint8_t *frame = malloc(room);
    size_t bytes, left;

    assert_non_null(frame);
    bytes = pack_closer(stored, block, frame, room);
    left = block->stored_bytes - bytes;
    if (bytes + SKIPPABLE_HEADER_BYTES > block->stored_bytes) {
        free(frame);
        return false;
    }
    if (extra == SKIPPABLE_BEFORE) {
        put_skippable(stored, left);
        memcpy(stored + left, frame, bytes);
    } else if (extra == SKIPPABLE_BEHIND) {
        memcpy(stored, frame, bytes);
        put_skippable(stored + bytes, left);
    } else {
        put_le32(stored, ZSTD_MAGICNUMBER - 1);
    }
    free(frame);
    return true;
}

static void a_block_that_is_not_one_frame_is_told_and_not_read(void **state)
{
    struct damage_fixture *fx = *state;

    for (enum extra_frame extra = 0; extra < EXTRA_FRAMES; extra++) {
        struct sealed_parts parts, sound;
        struct sealed_block_entry entry = {0};
        struct sealed_block block = {0};
        flume_record record;
        uint8_t *bytes = NULL;
        uint32_t number = 0;
        flume_log *log;

        sealed_parts_read(fx, SOME, &parts);
        sealed_parts_read(fx, SOME, &sound);
        for (bool is_put = false; !is_put; number++) {
            assert_true(number < parts.footer.block_count);
            entry = sealed_parts_block(&parts, number);
            bytes = parts.bytes + entry.file_offset;
            assert_true(sealed_block_decode(bytes, sealed_block_bytes(entry.stored_bytes),
                                            parts.header.salt, entry.file_offset, &block));
            is_put = block.codec == SEALED_ZSTD &&
                     put_extra_frame(bytes + SEALED_BLOCK_HEADER_BYTES, &block, extra);
        }
        sealed_block_encode(bytes, &block, parts.header.salt, entry.file_offset);
        sealed_parts_write(fx, SOME, &parts);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        log = open_log(fx, 0);
        assert_int_equal(flume_log_get(log, fx->strata[SOME] + entry.first_ordinal, &record),
                         FLUME_ERR_DAMAGED);
        assert_int_equal(flume_log_close(log), FLUME_OK);
        sealed_parts_write(fx, SOME, &sound);
        sealed_parts_release(&parts);
        sealed_parts_release(&sound);
    }
    expect_sound(fx);
}

static void lengths_that_lie_are_told(void **state)
{
    struct damage_fixture *fx = *state;

    for (uint32_t i = 0; i < 4; i++) {
        struct sealed_parts parts, sound;

        sealed_parts_read(fx, SOME, &parts);
        sealed_parts_read(fx, SOME, &sound);
        if (parts.footer.sections[i].id == SEALED_SECTION_LABELS)
            parts.footer.sections[i].bytes -= 1;
        else if (parts.footer.sections[i].id == SEALED_SECTION_GRAINS)
            parts.footer.sections[i].bytes = UINT64_MAX / 2;
        else
            parts.footer.sections[i].bytes += 8;
        sealed_parts_forge(&parts);
        sealed_parts_write(fx, SOME, &parts);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        assert_int_equal(fx->report.records, fx->head);
        sealed_parts_write(fx, SOME, &sound);
        sealed_parts_release(&parts);
        sealed_parts_release(&sound);
    }
    expect_sound(fx);
}

static void forged_numbers_of_the_footer_are_told(void **state)
{
    static const char words[] = "is not what header page and records say";
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, sound;

    sealed_parts_read(fx, SOME, &parts);
    sealed_parts_read(fx, SOME, &sound);
    parts.footer.kind_counts[FLUME_KIND_MESSAGE]++;
    expect_forgery_told(fx, &parts, words);
    parts.footer = sound.footer;
    parts.footer.least_time_ns--;
    expect_forgery_told(fx, &parts, words);
    parts.footer = sound.footer;
    parts.footer.running_time_ns++;
    expect_forgery_told(fx, &parts, words);
    parts.footer = sound.footer;
    parts.footer.last_of_kind[FLUME_KIND_MESSAGE]--;
    expect_forgery_told(fx, &parts, words);
    parts.footer = sound.footer;
    parts.footer.raw_end += 8;
    expect_forgery_told(fx, &parts, words);
    parts.footer = sound.footer;
    parts.footer.root[5] ^= 1;
    expect_forgery_told(fx, &parts, "the Merkle root is not that of the nodes");
    parts.footer = sound.footer;
    parts.footer.chain[5] ^= 1;
    expect_forgery_told(fx, &parts, "the chain does not go with the root");
    sealed_parts_release(&parts);
    sealed_parts_release(&sound);
}

/* A chain of its own, which goes with the root: only the strata beside it tell. */
static void a_chain_that_is_broken_is_told(void **state)
{
    struct damage_fixture *fx = *state;
    struct merkle_hash before, root, chain;
    struct sealed_parts parts;

    sealed_parts_read(fx, SOME, &parts);
    parts.footer.chain_before[0] ^= 1;
    memcpy(before.bytes, parts.footer.chain_before, sizeof before);
    memcpy(root.bytes, parts.footer.root, sizeof root);
    merkle_chain(&before, &root, parts.footer.first_seq, parts.footer.count, &chain);
    memcpy(parts.footer.chain, chain.bytes, sizeof chain);
    expect_forgery_told(fx, &parts, "is not what the next strata's chain goes on from");
    assert_int_equal(fx->found_count, 2); /* The one before it, and itself. */
    sealed_parts_release(&parts);
}

static void bytes_where_zeros_should_be_are_told(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    uint64_t end;

    sealed_parts_read(fx, SOME, &parts);
    end = parts.footer.sections[parts.footer.section_count - 1].offset +
          parts.footer.sections[parts.footer.section_count - 1].bytes;
    assert_true(end < parts.count - STRATA_PAGE_BYTES);
    parts.bytes[end + 1] = 1;
    expect_forgery_told(fx, &parts, "bytes between sections are not zero");
    parts.bytes[end + 1] = 0;
    for (uint32_t i = 0; i < parts.footer.block_count; i++) {
        struct sealed_block_entry entry = sealed_parts_block(&parts, i);
        uint64_t used = SEALED_BLOCK_HEADER_BYTES + (uint64_t)entry.stored_bytes;

        if (used % GRAIN_ALIGN == 0)
            continue;
        parts.bytes[entry.file_offset + used] = 1;
        expect_forgery_told(fx, &parts, "are not zero");
        sealed_parts_release(&parts);
        return;
    }
    fail_msg("no block has padding");
}

static void two_strata_that_were_exchanged_are_told(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts one, two;

    sealed_parts_read(fx, 0, &one);
    sealed_parts_read(fx, 1, &two);
    sealed_parts_write(fx, 0, &two);
    sealed_parts_write(fx, 1, &one);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(fx->found_count, 2);
    assert_int_equal(fx->found[0].kind, FLUME_FINDING_WRONG_STRATA);
    assert_int_equal(fx->report.records, fx->head);
    sealed_parts_release(&one);
    sealed_parts_release(&two);
}

/* --- Loops ------------------------------------------------------------------------------------ */

/* Whatever reads is what was written. */
static void expect_nothing_else_reads(struct damage_fixture *fx)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
    flume_log *log = NULL;

    if (flume_log_open(&log, fx->basin, &options, NULL) != FLUME_OK)
        return;
    for (uint64_t seq = 0; seq < fx->head; seq++) {
        flume_record record;

        if (flume_log_get(log, seq, &record) != FLUME_OK)
            continue;
        assert_int_equal(record_digest(&record), fx->digests[seq]);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

static void every_bit_that_is_flipped_is_noticed(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t step = is_long() ? 1 : 211;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    for (uint64_t bit = 0; bit < parts.count * 8; bit += step) {
        uint8_t byte = parts.bytes[bit / 8] ^ (uint8_t)(1u << bit % 8);

        write_bytes(path, &byte, 1, bit / 8);
        if (check(fx) == FLUME_OK)
            fail_msg("bit %" PRIu64 " of byte %" PRIu64 " is not noticed", bit % 8, bit / 8);
        if (bit % (4 * step) == 0)
            expect_nothing_else_reads(fx);
        write_bytes(path, &parts.bytes[bit / 8], 1, bit / 8);
    }
    expect_sound(fx);
    sealed_parts_release(&parts);
}

static void every_page_that_is_zeroed_is_noticed(void **state)
{
    static const uint8_t zeros[STRATA_PAGE_BYTES];
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    for (uint64_t at = 0; at < parts.count; at += sizeof zeros) {
        write_bytes(path, zeros, sizeof zeros, at);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        expect_nothing_else_reads(fx);
        write_bytes(path, parts.bytes + at, sizeof zeros, at);
    }
    expect_sound(fx);
    sealed_parts_release(&parts);
}

static void a_file_that_is_cut_anywhere_is_noticed(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    uint64_t whole;

    sealed_parts_read(fx, SOME, &parts);
    whole = parts.count;
    for (uint64_t at = 0; at < whole; at += is_long() ? 97 : 97 * 7) {
        parts.count = at;
        sealed_parts_write(fx, SOME, &parts);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        expect_nothing_else_reads(fx);
    }
    parts.count = whole;
    sealed_parts_write(fx, SOME, &parts);
    expect_sound(fx);
    sealed_parts_release(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sealed_test(sealed_strata_are_sound_and_their_records_count),
        sealed_test(after_a_machine_stop_nothing_is_found),
        sealed_test(progress_comes_to_all_bytes),
        damage_test(a_strata_that_is_sealed_after_the_survey_is_sound),
        damage_test(a_strata_that_is_sealed_before_its_slots_are_looked_at_is_sound),
        damage_test(a_strata_that_is_sealed_before_its_footer_is_looked_at_is_sound),
        damage_test(strata_that_are_opened_and_sealed_while_a_check_runs_are_sound),
        damage_test(a_newest_strata_that_grows_and_is_sealed_while_a_check_runs_is_sound),
        sealed_test(a_strata_whose_volume_is_not_here_is_no_damage),
        sealed_test(a_damaged_block_is_named_by_strata_block_and_seqs),
        sealed_test(damaged_blocks_side_by_side_are_named_one_by_one),
        sealed_test(with_the_index_damaged_too_the_gap_is_named),
        sealed_test(every_section_that_is_damaged_is_named),
        sealed_test(a_damaged_page_is_told_and_every_record_is_found),
        sealed_test(without_header_page_and_first_block_the_footer_tells),
        sealed_test(with_both_pages_damaged_the_blocks_are_found),
        sealed_test(slots_beside_a_sealed_strata_are_told_as_a_stray),
        sealed_test(careful_profiles_look_at_sealed_strata),
        sealed_test(forged_sections_are_not_believed),
        sealed_test(lengths_that_lie_are_told),
        sealed_test(a_block_that_is_not_one_frame_is_told_and_not_read),
        sealed_test(forged_numbers_of_the_footer_are_told),
        sealed_test(a_chain_that_is_broken_is_told),
        sealed_test(bytes_where_zeros_should_be_are_told),
        sealed_test(two_strata_that_were_exchanged_are_told),
        sealed_test(every_bit_that_is_flipped_is_noticed),
        sealed_test(every_page_that_is_zeroed_is_noticed),
        sealed_test(a_file_that_is_cut_anywhere_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
