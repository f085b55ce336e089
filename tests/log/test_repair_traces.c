/*
 * test_repair_traces.c - flume_repair() writes a sealed strata anew of which little is left to go
 * by: a page that the disk does not give, a footer that counts other records, neighbours that know
 * nothing of the chain, no page at all.
 */
#include "sealed_damage.h"

#include <errno.h>

#include "flume/seal.h"
#include "repair_expect.h"

enum { SOME = 1, LAST = SEALED_COUNT - 1 };

static void expect_same_file(struct damage_fixture *fx, size_t index,
                             const struct sealed_parts *parts)
{
    struct sealed_parts now;

    sealed_parts_read(fx, index, &now);
    assert_int_equal(now.count, parts->count);
    assert_memory_equal(now.bytes, parts->bytes, (size_t)now.count);
    sealed_parts_release(&now);
}

static void expect_repaired(struct damage_fixture *fx)
{
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    assert_true(fx->report.sound);
    expect_sound(fx);
    expect_left_alone(fx, "once");
}

static bool is_zero(const uint8_t hash[SEALED_HASH_BYTES])
{
    static const uint8_t zero[SEALED_HASH_BYTES];

    return memcmp(hash, zero, sizeof zero) == 0;
}

/* --- Pages ------------------------------------------------------------------------------------ */

/* When a strata was begun, when it was sealed and with which size of blocks stands nowhere else. */
static void a_bit_of_what_one_page_alone_tells_is_turned_back(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];
    uint64_t footer_at;

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    footer_at = parts.count - STRATA_PAGE_BYTES;
    for (size_t i = 0; i < 5; i++) {
        const uint64_t places[] = {STRATA_CREATED_AT + 2, STRATA_PAGE_BYTES - 3,
                                   footer_at + SEALED_FOOTER_SEALED_AT + 1,
                                   footer_at + SEALED_FOOTER_BLOCK_BYTES_AT + 1, parts.count - 2};

        flip_bit(path, places[i]);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        expect_repaired(fx);
        expect_same_file(fx, SOME, &parts);
    }
    sealed_parts_release(&parts);
}

/* Some bytes of one file, which the disk does not give, as often as is said. */
struct bad_sector {
    flume_io io;
    ino_t inode;
    uint64_t at, bytes;
    unsigned times_left;
};

static int64_t sector_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    struct bad_sector *sector = ctx;
    struct stat file_stat;

    if (offset < sector->at + sector->bytes && sector->at < offset + bytes &&
        sector->times_left > 0 && fstat(file, &file_stat) == 0 &&
        file_stat.st_ino == sector->inode) {
        sector->times_left--;
        return -EIO;
    }
    return flume_io_posix()->pread(NULL, file, target, bytes, offset);
}

static void sector_use(struct damage_fixture *fx, struct bad_sector *sector, size_t index,
                       uint64_t at, uint64_t bytes)
{
    struct stat file_stat;
    char path[FIXTURE_PATH_BYTES];

    assert_int_equal(stat(strata_path(fx, index, "strata", path), &file_stat), 0);
    *sector = (struct bad_sector){.io = *flume_io_posix(),
                                  .inode = file_stat.st_ino,
                                  .at = at,
                                  .bytes = bytes,
                                  .times_left = UINT_MAX};
    sector->io.ctx = sector; /* The POSIX functions do not look at it. */
    sector->io.pread = sector_pread;
    fx->io = &sector->io;
}

static void a_page_that_the_disk_does_not_give_is_made_anew(void **state)
{
    struct damage_fixture *fx = *state;
    struct bad_sector sector;
    struct sealed_parts parts, now;

    sealed_parts_read(fx, SOME, &parts);
    for (unsigned way = 0; way < 2; way++) {
        sector_use(fx, &sector, SOME, way == 0 ? 0 : parts.count - STRATA_PAGE_BYTES,
                   STRATA_PAGE_BYTES);
        expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        fx->io = NULL;
        expect_sound(fx);
        expect_nothing_lost(fx);
        sealed_parts_read(fx, SOME, &now);
        now.header.created_ns = parts.header.created_ns;
        now.footer.sealed_ns = parts.footer.sealed_ns;
        now.footer.block_bytes = parts.footer.block_bytes;
        sealed_parts_forge(&now);
        assert_int_equal(now.count, parts.count);
        assert_memory_equal(now.bytes, parts.bytes, (size_t)now.count);
        sealed_parts_release(&now);
    }
    sealed_parts_release(&parts);
    expect_appends(fx);
}

/* --- The chain -------------------------------------------------------------------------------- */

static void lose_block(struct sealed_parts *parts, uint32_t number)
{
    struct sealed_block_entry entry = sealed_parts_block(parts, number);

    memset(parts->bytes + entry.file_offset, 0, entry.stored_bytes);
}

/* Of a tree over other records nothing is believed; of the chain nobody else knows. */
static void a_footer_that_counts_more_records_keeps_its_chain_and_loses_its_root(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, now;
    uint64_t first = fx->strata[LAST];

    sealed_parts_read(fx, LAST, &parts);
    lose_block(&parts, 1);
    parts.footer.count++;
    sealed_parts_forge(&parts);
    sealed_parts_write(fx, LAST, &parts);
    expect_repaired(fx);
    expect_lost(fx, first + sealed_parts_block(&parts, 1).first_ordinal,
                sealed_parts_block_end(&parts, 1));
    sealed_parts_read(fx, LAST, &now);
    assert_int_equal(now.footer.count, parts.footer.count - 1);
    assert_true(is_zero(now.footer.root));
    assert_memory_equal(now.footer.chain, parts.footer.chain, sizeof now.footer.chain);
    assert_memory_equal(now.footer.chain_before, parts.footer.chain_before,
                        sizeof now.footer.chain_before);
    sealed_parts_release(&now);
    sealed_parts_release(&parts);
}

static void a_footer_that_counts_more_records_than_read_is_put_right(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, sound;

    sealed_parts_read(fx, LAST, &sound);
    sealed_parts_read(fx, LAST, &parts);
    parts.footer.count++;
    sealed_parts_forge(&parts);
    sealed_parts_write(fx, LAST, &parts);
    expect_repaired(fx);
    expect_same_file(fx, LAST, &sound);
    sealed_parts_release(&sound);
    sealed_parts_release(&parts);
}

/* A strata is gone and so is the footer of the next one, which alone knew the chain between them:
 * that it is not known stays as it is in all repairs to come. */
static void a_chain_that_nobody_knows_stays_unknown(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, LAST, &parts);
    assert_int_equal(unlink(strata_path(fx, SOME, "strata", path)), 0);
    memset(parts.bytes + parts.count - STRATA_PAGE_BYTES, 0, STRATA_PAGE_BYTES);
    sealed_parts_write(fx, LAST, &parts);
    sealed_parts_release(&parts);
    expect_repaired(fx);
    expect_lost(fx, fx->strata[SOME], fx->strata[SOME + 1]);
    sealed_parts_read(fx, SOME, &parts);
    assert_true(is_zero(parts.footer.chain));
    sealed_parts_release(&parts);
    sealed_parts_read(fx, LAST, &parts);
    assert_true(is_zero(parts.footer.chain_before));
    assert_false(is_zero(parts.footer.chain)); /* It begins anew. */
    flip_bit(strata_path(fx, LAST, "strata", path),
             sealed_section_find(&parts.footer, SEALED_SECTION_GRAINS)->offset);
    expect_repaired(fx);
    expect_same_file(fx, LAST, &parts);
    sealed_parts_release(&parts);
}

/* --- Records ---------------------------------------------------------------------------------- */

/* Whatever a repair leaves: what it calls a record is what was written. The count of lost ones. */
static uint64_t expect_no_other_records(struct damage_fixture *fx)
{
    flume_log *log = open_log(fx, FLUME_OPEN_READ_ONLY);
    uint64_t lost = 0;

    assert_int_equal(flume_log_head(log), fx->head);
    for (uint64_t seq = 0; seq < fx->head; seq++) {
        flume_record record;
        int status = flume_log_get(log, seq, &record);

        if (status == FLUME_ERR_LOST) {
            lost++;
            continue;
        }
        assert_int_equal(status, FLUME_OK);
        assert_int_equal(record_digest(&record), fx->digests[seq]);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
    return lost;
}

/* A repair on a disk that gives a block's bytes only after so many tries. The count of lost
 * records: none, or all those that were told as damaged. */
static uint64_t lost_after(struct damage_fixture *fx, const struct sealed_parts *parts,
                           uint32_t number, unsigned tries)
{
    struct sealed_block_entry entry = sealed_parts_block(parts, number);
    struct bad_sector sector;
    uint64_t told, lost;

    sector_use(fx, &sector, SOME, entry.file_offset, entry.stored_bytes);
    sector.times_left = tries;
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    told = fx->report.damaged;
    fx->io = NULL;
    expect_sound(fx);
    lost = expect_no_other_records(fx);
    assert_int_equal(lost, fx->report.lost);
    assert_true(lost == 0 || lost == told);
    sealed_parts_write(fx, SOME, parts);
    return lost;
}

/* With as few tries as it takes to lose it, a block reads when the strata is written anew. */
static void a_block_that_reads_after_it_was_given_up_is_lost_as_it_was_told(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;

    sealed_parts_read(fx, SOME, &parts);
    for (unsigned way = 0; way < 2; way++) {
        uint32_t number = way == 0 ? 1 : parts.footer.block_count - 1;
        unsigned few = 0, many = 256;

        assert_true(lost_after(fx, &parts, number, many) > 0);
        while (many - few > 1) {
            unsigned middle = few + (many - few) / 2;

            if (lost_after(fx, &parts, number, middle) > 0)
                many = middle;
            else
                few = middle;
        }
        assert_true(many > 1);
    }
    sealed_parts_release(&parts);
}

/* --- Any page, or a page and more ------------------------------------------------------------- */

enum { HEADER_BAD = 1, FOOTER_BAD = 2, WAYS = 4 };

static void expect_readable_part(struct damage_fixture *fx, const struct sealed_parts *parts,
                                 uint64_t page_at, unsigned tries)
{
    struct bad_sector sector;

    sector_use(fx, &sector, SOME, page_at, STRATA_PAGE_BYTES);
    sector.times_left = tries;
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    fx->io = NULL;
    expect_sound(fx);
    (void)expect_no_other_records(fx);
    sealed_parts_write(fx, SOME, parts);
}

/* Also where the header page or the footer page, or both, do not hold, and where the disk gives
 * later what it did not give at first. */
static void whichever_page_the_disk_does_not_give_all_else_is_kept(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts, bad;
    unsigned turn = 0;

    sealed_parts_read(fx, SOME, &parts);
    sealed_parts_read(fx, SOME, &bad);
    for (unsigned way = 0; way < WAYS; way++) {
        memcpy(bad.bytes, parts.bytes, (size_t)parts.count);
        if ((way & HEADER_BAD) != 0)
            bad.bytes[100] ^= 1;
        if ((way & FOOTER_BAD) != 0)
            bad.bytes[parts.count - 100] ^= 1;
        for (uint64_t at = 0; at < parts.count; at += STRATA_PAGE_BYTES, turn++) {
            sealed_parts_write(fx, SOME, &bad);
            expect_readable_part(fx, &parts, at, turn % 2 == 0 ? UINT_MAX : 1 + turn % 12);
        }
    }
    sealed_parts_release(&parts);
    sealed_parts_release(&bad);
}

/* --- The newest strata ------------------------------------------------------------------------ */

/* The log ends in a strata that is sealed, and in a batch of more than one block. */
static int newest_setup(void **state)
{
    static const flume_seal_options seal = {.mode = FLUME_SEAL_ON_REQUEST,
                                            .block_bytes = FLUME_BLOCK_BYTES_MIN};
    enum { MEMBERS = 8, MEMBER_BYTES = 1500 };
    static uint8_t bodies[MEMBERS][MEMBER_BYTES];
    flume_log_options options = {.io_mode = FLUME_IO_PWRITE, .seal = &seal};
    flume_entry batch[MEMBERS];
    struct damage_fixture *fx;
    flume_log *log = NULL;

    if (damage_setup(state) != 0)
        return -1;
    fx = *state;
    assert_int_equal(flume_log_open(&log, fx->basin, &options, &fx->error), FLUME_OK);
    for (unsigned i = 0; i < MEMBERS; i++) {
        memset(bodies[i], (int)i, MEMBER_BYTES);
        batch[i] = (flume_entry){.body = bodies[i], .body_bytes = MEMBER_BYTES};
    }
    assert_int_equal(flume_log_append_many(log, batch, MEMBERS, NULL, &fx->batch_first), FLUME_OK);
    fx->batch_last = fx->batch_first + MEMBERS - 1;
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    remember_records(fx, log);
    assert_int_equal(flume_log_seal(log, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)find_strata(fx);
    return 0;
}

#define newest_test(function) \
    cmocka_unit_test_setup_teardown(function, newest_setup, damage_teardown)

static void lose_pages(struct sealed_parts *parts)
{
    parts->bytes[100] ^= 1;
    parts->bytes[parts->count - 100] ^= 1;
}

static void the_newest_strata_without_its_pages_is_made_whole(void **state)
{
    struct damage_fixture *fx = *state;
    size_t newest = fx->strata_count - 1;
    struct sealed_parts parts, sound;

    expect_sound(fx);
    sealed_parts_read(fx, newest, &sound);
    sealed_parts_read(fx, newest, &parts);
    lose_pages(&parts);
    sealed_parts_write(fx, newest, &parts);
    expect_repaired(fx);
    expect_nothing_lost(fx);
    sealed_parts_release(&parts);
    sealed_parts_read(fx, newest, &parts);
    assert_int_equal(parts.footer.count, sound.footer.count);
    assert_memory_equal(parts.footer.root, sound.footer.root, sizeof parts.footer.root);
    assert_memory_equal(parts.footer.chain, sound.footer.chain, sizeof parts.footer.chain);
    sealed_parts_release(&sound);
    sealed_parts_release(&parts);
    expect_appends(fx);
}

/* Nothing says how many there were but the gate. */
static void what_is_left_of_a_batch_at_the_end_does_not_pass_for_whole(void **state)
{
    struct damage_fixture *fx = *state;
    size_t newest = fx->strata_count - 1;
    struct sealed_parts parts;
    uint64_t first_lost;
    flume_log *log;

    sealed_parts_read(fx, newest, &parts);
    assert_true(parts.footer.block_count > 2);
    first_lost = parts.footer.first_seq +
                 sealed_parts_block(&parts, parts.footer.block_count - 1).first_ordinal;
    assert_true(fx->batch_first < first_lost && first_lost <= fx->batch_last);
    lose_pages(&parts);
    lose_block(&parts, parts.footer.block_count - 1);
    sealed_parts_write(fx, newest, &parts);
    expect_repaired(fx);
    expect_lost(fx, first_lost, fx->head);
    log = open_log(fx, FLUME_OPEN_READ_ONLY);
    for (uint64_t seq = fx->batch_first; seq < first_lost; seq++) {
        flume_record record;

        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        assert_true((record.flags & FLUME_RECORD_BROKEN) != 0);
        assert_int_equal((record.flags & FLUME_RECORD_BATCH) != 0, seq + 1 < first_lost);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
    sealed_parts_release(&parts);
    expect_appends(fx);
}

/* --- What lies beside ------------------------------------------------------------------------- */

/* Without its footer page a strata does not say whether it has parity beside it. */
static void what_has_the_name_of_parity_and_is_none_tells_nothing(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    parts.bytes[parts.count - 100] ^= 1;
    for (unsigned way = 0; way < 2; way++) {
        (void)strata_path(fx, SOME, "parity", path);
        if (way == 0)
            write_bytes(path, "no parity", 9, 0);
        else
            assert_int_equal(mkdir(path, 0777), 0);
        sealed_parts_write(fx, SOME, &parts);
        expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
        (void)(way == 0 ? unlink(path) : rmdir(path)); /* Or it is in lost+found/. */
        expect_sound(fx);
        expect_nothing_lost(fx);
    }
    sealed_parts_release(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sealed_test(a_bit_of_what_one_page_alone_tells_is_turned_back),
        sealed_test(a_page_that_the_disk_does_not_give_is_made_anew),
        sealed_test(a_footer_that_counts_more_records_keeps_its_chain_and_loses_its_root),
        sealed_test(a_footer_that_counts_more_records_than_read_is_put_right),
        sealed_test(a_chain_that_nobody_knows_stays_unknown),
        sealed_test(a_block_that_reads_after_it_was_given_up_is_lost_as_it_was_told),
        sealed_test(whichever_page_the_disk_does_not_give_all_else_is_kept),
        newest_test(the_newest_strata_without_its_pages_is_made_whole),
        newest_test(what_is_left_of_a_batch_at_the_end_does_not_pass_for_whole),
        sealed_test(what_has_the_name_of_parity_and_is_none_tells_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
