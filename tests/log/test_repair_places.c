/*
 * test_repair_places.c - damage in places where one changed bit does not come to: whole pages that
 * are gone or do not read, headers lost together with what they head, side files that are short.
 */
#include "repair_expect.h"

#include <errno.h>

#include "faultio.h"
#include "head.h"

enum { PAGE_BYTES = 4096, FILE_BYTES_AT = 96 };

/* --- A basin of its own ----------------------------------------------------------------------- */

/* Leave the fixture's basin for an empty one in the same directory. */
static flume_log *begin_basin(struct damage_fixture *fx, uint64_t strata_bytes)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = strata_bytes};
    flume_log *log = NULL;

    (void)snprintf(fx->basin, sizeof fx->basin, "%s/own.flume", fx->root);
    if (flume_log_open(&log, fx->basin, &options, &fx->error) != FLUME_OK)
        fail_msg("open: %s", fx->error.message);
    return log;
}

static void end_basin(struct damage_fixture *fx, flume_log *log)
{
    remember_records(fx, log);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)find_strata(fx);
}

static void append_at(flume_log *log, size_t bytes, uint64_t time_ns)
{
    static uint8_t body[64 << 10];
    flume_entry entry = {.body = body, .body_bytes = bytes, .time_ns = time_ns};

    assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
}

static void zero_bytes(const char *path, uint64_t from, uint64_t to)
{
    uint8_t *zeros = calloc(1, (size_t)(to - from));

    assert_non_null(zeros);
    write_bytes(path, zeros, (size_t)(to - from), from);
    free(zeros);
}

static uint64_t bytes_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}

/* A header page, changed and made to fit its check again. */
static void forge_header(struct damage_fixture *fx, size_t index, size_t at, uint64_t value)
{
    uint8_t page[STRATA_PAGE_BYTES];
    char path[FIXTURE_PATH_BYTES];

    read_bytes(strata_path(fx, index, "strata", path), page, sizeof page, 0);
    put_le64(page + at, value);
    put_le64(page + sizeof page - 8, hash_bytes(page, sizeof page - 8, 0));
    write_bytes(path, page, sizeof page, 0);
}

static void expect_repaired(struct damage_fixture *fx, uint64_t lost_from, uint64_t lost_to)
{
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    assert_int_equal(fx->report.lost, lost_to - lost_from);
    expect_lost(fx, lost_from, lost_to);
}

/* --- Whole pages that are gone ---------------------------------------------------------------- */

static void behind_a_thousand_lost_records_the_next_is_found(void **state)
{
    struct damage_fixture *fx = *state;
    flume_log *log = begin_basin(fx, STRATA_BYTES);
    char path[FIXTURE_PATH_BYTES];
    const struct found *found;
    size_t index;
    uint64_t to;

    for (unsigned i = 0; i < 1600; i++)
        append_at(log, 0, 1);
    end_basin(fx, log);
    to = offset_of(fx, 1300, &index);
    assert_int_equal(index, 0);
    zero_bytes(strata_path(fx, 0, "strata", path), STRATA_DATA_AT, to);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, NULL);
    assert_int_equal(found->first_seq, 0);
    assert_int_equal(found->last_seq, 1299);
    assert_int_equal(found->offset, STRATA_DATA_AT);
    assert_int_equal(found->bytes, to - STRATA_DATA_AT);
    expect_repaired(fx, 0, 1300);
}

/* The salt went with it: no grain can be proved. */
static void with_its_header_page_a_strata_is_lost(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    const struct found *found;

    zero_bytes(strata_path(fx, 1, "strata", path), 0, PAGE_BYTES);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, NULL);
    assert_int_equal(found->first_seq, fx->strata[1]);
    assert_int_equal(found->last_seq, fx->strata[2] - 1);
    expect_repaired(fx, fx->strata[1], fx->strata[2]);
}

static void a_strata_of_megabytes_is_written_anew(void **state)
{
    struct damage_fixture *fx = *state;
    flume_log *log = begin_basin(fx, (uint64_t)4 << 20);

    for (unsigned i = 0; i < 100; i++)
        append_at(log, 60000, i + 1);
    end_basin(fx, log);
    damage_record(fx, fx->strata[1] + 3);
    expect_repaired(fx, fx->strata[1] + 3, fx->strata[1] + 4);
}

/* Earlier records may have later times: what the header says of them is kept. */
static void a_footer_made_anew_knows_the_times_before_it(void **state)
{
    struct damage_fixture *fx = *state;
    flume_log *log = begin_basin(fx, STRATA_BYTES);
    struct strata_footer footer;
    uint8_t page[STRATA_PAGE_BYTES];
    char path[FIXTURE_PATH_BYTES];
    uint64_t late_ns = (uint64_t)1 << 62;

    append_at(log, 100, late_ns);
    for (unsigned i = 0; i < 10; i++)
        append_at(log, 20000, 1000);
    end_basin(fx, log);
    assert_true(fx->strata_count >= 3);
    flip_bit(strata_path(fx, 1, "strata", path), strata_limit(STRATA_BYTES) + 40);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    read_bytes(path, page, sizeof page, strata_limit(STRATA_BYTES));
    assert_true(strata_footer_decode(page, &footer));
    assert_true(footer.running_time_ns == late_ns);
    assert_true(footer.least_time_ns == 1000);
    expect_sound(fx);
    expect_nothing_lost(fx);
}

/* --- Progress --------------------------------------------------------------------------------- */

struct heard {
    uint64_t last;
    unsigned calls, standing; /* Calls that told no byte more than the one before. */
    bool cancels;             /* At the first of these. */
};

static int hear(void *ctx, uint64_t done, uint64_t total)
{
    struct heard *heard = ctx;

    assert_true(done <= total && done >= heard->last);
    heard->standing += heard->calls++ > 0 && done == heard->last;
    heard->last = done;
    return heard->cancels && heard->standing > 0;
}

/* The newest strata has 9 MiB of records, which are read and then hashed. */
static void progress_is_told_while_records_are_examined(void **state)
{
    struct damage_fixture *fx = *state;
    struct heard heard = {.cancels = false};
    flume_check_options options = {.progress = hear, .ctx = &heard};
    flume_log *log = begin_basin(fx, (uint64_t)16 << 20);
    uint64_t offset = 0;

    /* Strata grow to their full size; how soon depends on when the next one is ready. */
    for (unsigned i = 0; i < 2000 && offset < (uint64_t)9 << 20; i++) {
        flume_record record;

        append_at(log, 60000, i + 1);
        assert_int_equal(flume_log_get(log, flume_log_head(log) - 1, &record), FLUME_OK);
        offset = record.offset;
        flume_record_release(&record);
    }
    assert_true(offset >= (uint64_t)9 << 20);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    assert_int_equal(flume_check(fx->basin, &options, NULL, &fx->error), FLUME_OK);
    assert_true(heard.standing > 0);
    heard = (struct heard){.cancels = true};
    assert_int_equal(flume_check(fx->basin, &options, NULL, &fx->error), FLUME_ERR_CANCELLED);
    assert_int_equal(heard.standing, 1); /* It was not asked again. */
}

/* --- Footers that lie ------------------------------------------------------------------------- */

/* Its footer, made to fit its check, says that the strata has so many records. */
static void forge_footer(struct damage_fixture *fx, size_t index, uint64_t count)
{
    struct strata_header header;
    struct strata_footer footer;
    uint8_t page[STRATA_PAGE_BYTES];
    char path[FIXTURE_PATH_BYTES];
    uint32_t slots[2];

    read_bytes(strata_path(fx, index, "slots", path), slots, sizeof slots, count * sizeof *slots);
    read_bytes(strata_path(fx, index, "strata", path), page, sizeof page, 0);
    assert_int_equal(strata_header_decode(page, &header), FLUME_OK);
    read_bytes(path, page, sizeof page, strata_limit(header.file_bytes));
    if (!strata_footer_decode(page, &footer)) {
        memset(&footer, 0, sizeof footer);
        footer.first_seq = header.first_seq;
        memcpy(footer.strata_id, header.strata_id, sizeof footer.strata_id);
    }
    footer.count = count;
    footer.end_offset = (uint64_t)slots[0] * GRAIN_ALIGN;
    strata_footer_encode(page, &footer);
    write_bytes(path, page, sizeof page, strata_limit(header.file_bytes));
}

/* Check names it, and nothing is lost by the repair. */
static void expect_footer_put_right(struct damage_fixture *fx, size_t index, uint64_t count)
{
    char name[64];

    forge_footer(fx, index, count);
    (void)snprintf(name, sizeof name, "log/%020" PRIu64 ".strata", fx->strata[index]);
    (void)check(fx);
    (void)expect_finding(fx, FLUME_FINDING_SIDE_FILE, name);
    expect_repaired(fx, 0, 0);
    (void)check(fx);
    assert_int_equal(fx->found_count, 0);
}

static void expect_footers_put_right(struct damage_fixture *fx)
{
    for (size_t i = 0; i < fx->strata_count; i++) {
        uint64_t end = i + 1 < fx->strata_count ? fx->strata[i + 1] : fx->head;

        expect_footer_put_right(fx, i, 0);
        expect_footer_put_right(fx, i, 2);
        forget_head(fx);
        expect_footer_put_right(fx, i, 2);
        forget_head(fx);
        expect_footer_put_right(fx, i, end - fx->strata[i] - 1);
    }
}

static void a_footer_that_counts_too_few_of_a_rolled_strata_is_put_right(void **state)
{
    expect_footers_put_right(*state);
}

/* Repair has written them anew, so they are closed from birth. */
static void a_footer_that_counts_too_few_of_a_closed_strata_is_put_right(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    for (size_t i = 0; i < fx->strata_count; i++)
        flip_bit(strata_path(fx, i, "strata", path), 100);
    expect_repaired(fx, 0, 0);
    expect_footers_put_right(fx);
}

/* What the footer says is all there is to know where the next one begins. */
static void behind_a_footer_that_counts_too_few_a_strata_may_be_missing(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    forge_footer(fx, 1, 2);
    assert_int_equal(unlink(strata_path(fx, 2, "strata", path)), 0);
    (void)check(fx);
    (void)expect_finding(fx, FLUME_FINDING_MISSING_STRATA, NULL);
    expect_repaired(fx, fx->strata[2], fx->strata[3]);
}

/* --- Batches ---------------------------------------------------------------------------------- */

/* A batch of four at the log's end that nobody has synced, as a power cut leaves it; its seq. */
static uint64_t leave_batch(struct damage_fixture *fx)
{
    char command[3 * FIXTURE_PATH_BYTES];
    flume_log *log = open_log(fx, 0);

    append_batch(fx, log);
    (void)snprintf(command, sizeof command,
                   "cp -a '%s' '%s/cut.flume' && rm '%s/cut.flume/HEAD' '%s/cut.flume/LOCK'",
                   fx->basin, fx->root, fx->root, fx->root);
    assert_int_equal(system(command), 0);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)find_strata(fx);
    return fx->batch_first;
}

static void use_copy(struct damage_fixture *fx)
{
    (void)snprintf(fx->basin, sizeof fx->basin, "%s/cut.flume", fx->root);
    (void)find_strata(fx);
}

static void expect_cut_before(struct damage_fixture *fx, uint64_t batch)
{
    flume_log *log;

    expect_status(fx, check(fx), FLUME_ERR_DAMAGED); /* The header. */
    for (size_t i = 0; i < fx->found_count; i++)
        assert_int_not_equal(fx->found[i].kind, FLUME_FINDING_BROKEN_BATCH);
    assert_int_equal(fx->report.head, batch);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    log = open_log(fx, FLUME_OPEN_READ_ONLY);
    assert_int_equal(flume_log_head(log), batch);
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

/* The file ends between two members. */
static void a_batch_cut_together_with_the_newest_header_is_not_there(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t batch = leave_batch(fx);
    char path[FIXTURE_PATH_BYTES];
    size_t index;
    uint64_t offset = offset_of(fx, batch + 2, &index);

    use_copy(fx);
    flip_bit(strata_path(fx, index, "strata", path), 100);
    assert_int_equal(truncate(path, (off_t)offset), 0);
    expect_cut_before(fx, batch);
}

/* The file is whole, and the later members are zeros. */
static void a_batch_torn_together_with_the_newest_header_is_not_there(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t batch = leave_batch(fx);
    char path[FIXTURE_PATH_BYTES];
    size_t index;
    uint64_t offset = offset_of(fx, batch + 2, &index);

    use_copy(fx);
    flip_bit(strata_path(fx, index, "strata", path), 100);
    zero_bytes(path, offset, offset + 512);
    expect_cut_before(fx, batch);
}

/* What was durable is not taken back: what is left of the batch is marked. */
static void what_is_left_of_a_durable_batch_is_broken_without_a_header_too(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t batch = leave_batch(fx);
    char path[FIXTURE_PATH_BYTES];
    const struct found *found;
    flume_record record;
    flume_log *log;
    size_t index;
    uint64_t offset = offset_of(fx, batch + 2, &index);

    flip_bit(strata_path(fx, index, "strata", path), 100);
    zero_bytes(path, offset, strata_limit(STRATA_BYTES));
    forget_head(fx);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_BROKEN_BATCH, NULL);
    assert_int_equal(found->first_seq, batch);
    assert_int_equal(found->last_seq, batch + 1);
    assert_int_equal(fx->report.head, batch + 4);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    assert_int_equal(fx->report.lost, 2);
    log = open_log(fx, FLUME_OPEN_READ_ONLY);
    assert_int_equal(flume_log_get(log, batch, &record), FLUME_OK);
    assert_true((record.flags & FLUME_RECORD_BROKEN) != 0);
    flume_record_release(&record);
    assert_int_equal(flume_log_get(log, batch + 2, &record), FLUME_ERR_LOST);
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

/* By its footer the newest strata ends inside a batch: nothing follows there that could end it. */
static void a_batch_that_its_strata_does_not_end_is_ended_and_marked(void **state)
{
    struct damage_fixture *fx = *state;
    size_t newest = fx->strata_count - 1;
    flume_log *log = open_log(fx, 0);
    struct strata_footer footer = {.first_seq = fx->strata[newest]};
    struct strata_header header;
    uint8_t page[STRATA_PAGE_BYTES];
    char path[FIXTURE_PATH_BYTES];
    flume_record record;
    uint64_t from;

    append_batch(fx, log);
    remember_records(fx, log);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)find_strata(fx);
    assert_int_equal(fx->strata_count, newest + 1);
    from = fx->batch_first + 2;
    read_bytes(strata_path(fx, newest, "strata", path), page, sizeof page, 0);
    assert_int_equal(strata_header_decode(page, &header), FLUME_OK);
    memcpy(footer.strata_id, header.strata_id, sizeof footer.strata_id);
    footer.count = from - footer.first_seq;
    strata_footer_encode(page, &footer);
    write_bytes(path, page, sizeof page, strata_limit(header.file_bytes));
    zero_bytes(path, offset_of(fx, from, &newest), strata_limit(header.file_bytes));
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    (void)expect_finding(fx, FLUME_FINDING_BROKEN_BATCH, NULL);
    expect_status(fx, repair(fx, FLUME_REPAIR_ACCEPT_LOSS), FLUME_OK);
    expect_sound(fx);
    assert_int_equal(fx->report.lost, 2);
    log = open_log(fx, FLUME_OPEN_READ_ONLY);
    for (uint64_t seq = fx->batch_first; seq < from; seq++) {
        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        assert_true((record.flags & FLUME_RECORD_BROKEN) != 0);
        assert_int_equal((record.flags & FLUME_RECORD_BATCH) != 0, seq + 1 < from);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_get(log, from, &record), FLUME_ERR_LOST);
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

/* --- A medium that does not give what was written --------------------------------------------- */

/* The POSIX table, where one page of one file does not read. */
struct bad_medium {
    flume_io io;
    const char *part; /* Of the file's path. */
    int file;
    uint64_t at;
    int again;     /* What the second and later attempts answer. */
    unsigned only; /* The one attempt that fails; 0: all do. */
    unsigned attempts;
};

static int medium_open(void *ctx, const char *path, unsigned flags)
{
    struct bad_medium *medium = ctx;
    int file = flume_io_posix()->open(NULL, path, flags);

    if (file == medium->file)
        medium->file = -1;
    if (file >= 0 && strstr(path, medium->part) != NULL && strstr(path, "lost+found") == NULL)
        medium->file = file;
    return file;
}

static int64_t medium_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    struct bad_medium *medium = ctx;

    if (file == medium->file && offset < medium->at + PAGE_BYTES && medium->at < offset + bytes) {
        medium->attempts++;
        if (medium->only == 0 || medium->attempts == medium->only)
            return medium->attempts == 1 ? -EIO : medium->again;
    }
    return flume_io_posix()->pread(NULL, file, target, bytes, offset);
}

static void use_bad_medium(struct damage_fixture *fx, struct bad_medium *medium)
{
    medium->io = *flume_io_posix(); /* It has no use for a ctx. */
    medium->io.ctx = medium;
    medium->io.open = medium_open;
    medium->io.pread = medium_pread;
    medium->file = -1;
    medium->attempts = 0;
    fx->io = &medium->io;
}

static void strata_part(const struct damage_fixture *fx, size_t index, char target[64])
{
    (void)snprintf(target, 64, "%020" PRIu64 ".strata", fx->strata[index]);
}

static void a_page_that_fails_in_another_way_when_read_again_is_an_io_error(void **state)
{
    struct damage_fixture *fx = *state;
    struct bad_medium medium = {.at = 5 * PAGE_BYTES, .again = -ENXIO};
    char part[64];

    strata_part(fx, 1, part);
    medium.part = part;
    use_bad_medium(fx, &medium);
    expect_status(fx, check(fx), FLUME_ERR_IO);
    assert_int_equal(fx->error.system_errno, ENXIO);
    assert_non_null(strstr(fx->error.message, part));
    assert_int_equal(medium.attempts, 2);
    fx->io = NULL;
    expect_sound(fx);
}

static void without_memory_for_a_copy_of_what_fails_the_check_ends(void **state)
{
    struct damage_fixture *fx = *state;
    struct bad_medium medium = {.at = 5 * PAGE_BYTES, .again = -EIO};
    struct fault_memory memory;
    unsigned refused = 0;
    char part[64];

    strata_part(fx, 1, part);
    medium.part = part;
    fault_memory_init(&memory);
    for (uint64_t nth = 1, failed = 1; failed != 0; nth++) {
        flume_check_options options = {.io = &medium.io, .allocator = &memory.table};
        int status;

        use_bad_medium(fx, &medium);
        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = flume_check(fx->basin, &options, NULL, &fx->error);
        failed = atomic_load(&memory.failed);
        if (failed != 0)
            assert_int_equal(status, FLUME_ERR_NO_MEMORY);
        else
            assert_int_equal(status, FLUME_ERR_DAMAGED);
        refused += failed != 0 && medium.attempts > 0;
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        assert_int_equal(atomic_load(&memory.live_blocks), 0);
    }
    assert_true(refused > 0);
    fault_memory_deinit(&memory);
    fx->io = NULL;
}

static void a_page_that_does_not_read_is_zeros_in_what_is_kept(void **state)
{
    static const uint8_t zeros[PAGE_BYTES];
    struct damage_fixture *fx = *state;
    struct bad_medium medium = {.at = 5 * PAGE_BYTES, .again = -EIO};
    uint8_t before[PAGE_BYTES], after[PAGE_BYTES];
    char part[64], path[FIXTURE_PATH_BYTES], kept[2 * FIXTURE_PATH_BYTES];

    strata_part(fx, 1, part);
    medium.part = part;
    read_bytes(strata_path(fx, 1, "strata", path), before, sizeof before, 4 * PAGE_BYTES);
    use_bad_medium(fx, &medium);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    fx->io = NULL;
    (void)snprintf(kept, sizeof kept, "%s/lost+found/%s", fx->basin, part);
    assert_int_equal(bytes_of(kept), STRATA_BYTES);
    read_bytes(kept, after, sizeof after, 4 * PAGE_BYTES);
    assert_memory_equal(after, before, sizeof after);
    read_bytes(kept, after, sizeof after, 5 * PAGE_BYTES);
    assert_memory_equal(after, zeros, sizeof after);
    expect_sound(fx);
    assert_true(fx->report.lost > 0);
}

/* The page of TAIL that counts. */
static uint64_t newest_gate_at(const struct damage_fixture *fx)
{
    char path[FIXTURE_PATH_BYTES];
    uint64_t generations[2];

    file_path(fx, "TAIL", path);
    read_bytes(path, &generations[0], sizeof generations[0], 8);
    read_bytes(path, &generations[1], sizeof generations[1], PAGE_BYTES + 8);
    return generations[0] > generations[1] ? 0 : PAGE_BYTES;
}

/* The other page tells of `seq` records, and no more. */
static void forge_older_gate(struct damage_fixture *fx, uint64_t newest_at, uint64_t seq)
{
    enum { SEQ_AT = 16, OF_GRAIN_AT = 24, CHECK_AT = 48 };
    uint8_t gate[CHECK_AT + 8];
    char path[FIXTURE_PATH_BYTES];
    uint64_t at = PAGE_BYTES - newest_at;

    file_path(fx, "TAIL", path);
    read_bytes(path, gate, sizeof gate, at);
    put_le64(gate + SEQ_AT, seq);
    put_le64(gate + OF_GRAIN_AT, 0);
    put_le64(gate + CHECK_AT, hash_bytes(gate, CHECK_AT, 0));
    write_bytes(path, gate, sizeof gate, at);
}

/* TAIL alone tells of the newest strata, and does not read. */
static void a_gate_that_does_not_read_is_told_before_anything_is_decided(void **state)
{
    struct damage_fixture *fx = *state;
    struct bad_medium medium = {.part = "TAIL", .at = newest_gate_at(fx), .again = -EIO};
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL};
    size_t newest = fx->strata_count - 1;
    char path[FIXTURE_PATH_BYTES];
    const struct found *found;
    flume_log *log = NULL;

    forge_older_gate(fx, medium.at, fx->strata[newest]);
    assert_int_equal(unlink(strata_path(fx, newest, "strata", path)), 0);
    forget_head(fx);
    use_bad_medium(fx, &medium);
    options.io = fx->io;
    assert_int_equal(flume_log_open(&log, fx->basin, &options, &fx->error), FLUME_ERR_IO);
    assert_non_null(strstr(fx->error.message, "TAIL"));
    assert_int_equal(fx->error.system_errno, EIO);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    found = expect_finding(fx, FLUME_FINDING_SIDE_FILE, "TAIL");
    assert_int_equal(found->offset, medium.at);
    assert_non_null(strstr(found->message, "cannot be told"));
    fx->io = NULL; /* The disk gives it again: nothing has been forgotten. */
    expect_status(fx, check(fx), FLUME_ERR_TAIL_LOST);
    use_bad_medium(fx, &medium);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    (void)expect_finding(fx, FLUME_FINDING_SIDE_FILE, "TAIL");
    fx->io = NULL;
    expect_sound(fx);
    fx->head = fx->strata[newest];
    expect_nothing_lost(fx);
}

/* TAIL alone tells of the records of the newest strata, whose header is damaged. */
static void a_gate_that_fails_once_costs_no_record(void **state)
{
    struct damage_fixture *fx = *state;
    struct bad_medium medium = {.part = "TAIL", .again = -EIO};
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL};
    size_t newest = fx->strata_count - 1;
    char path[FIXTURE_PATH_BYTES];
    flume_log *log = NULL;

    flip_bit(strata_path(fx, newest, "strata", path), 100);
    do {
        int status;

        medium.only++;
        medium.at = newest_gate_at(fx);
        forge_older_gate(fx, medium.at, fx->strata[newest]);
        forget_head(fx);
        use_bad_medium(fx, &medium);
        options.io = fx->io;
        status = flume_log_open(&log, fx->basin, &options, &fx->error);
        if (status == FLUME_OK)
            (void)flume_log_close(log);
        else
            assert_int_equal(status, FLUME_ERR_IO);
        forget_head(fx);
        options.io = NULL;
        assert_int_equal(flume_log_open(&log, fx->basin, &options, &fx->error), FLUME_OK);
        assert_int_equal(flume_log_head(log), fx->head);
        (void)flume_log_close(log);
    } while (medium.attempts >= medium.only);
    assert_true(medium.only > 1); /* It was asked, and failed. */
    fx->io = NULL;
}

static void keep_warning(void *ctx, enum flume_log_level level, const char *message)
{
    char *kept = ctx;

    if (level == FLUME_LOG_WARNING && strstr(message, "TAIL") != NULL)
        (void)snprintf(kept, FLUME_ERROR_TEXT_BYTES, "%s", message);
}

static void a_gate_without_a_sound_slot_is_told_by_who_recovers(void **state)
{
    struct damage_fixture *fx = *state;
    char warning[FLUME_ERROR_TEXT_BYTES] = "";
    flume_log_options options = {.log = keep_warning, .log_ctx = warning};
    char path[FIXTURE_PATH_BYTES];
    flume_log *log = NULL;

    file_path(fx, "TAIL", path);
    flip_bit(path, 16);
    forget_head(fx);
    flip_bit(path, PAGE_BYTES + 16);
    assert_int_equal(flume_log_open(&log, fx->basin, &options, &fx->error), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    assert_non_null(strstr(warning, "cannot be told"));
}

/* --- Settings, HEAD, names -------------------------------------------------------------------- */

/* The settings of an open basin, by what its strata may be. */
static uint64_t strata_bytes_of(struct damage_fixture *fx)
{
    flume_log *log = open_log(fx, FLUME_OPEN_READ_ONLY);
    flume_log_stat_info info;

    assert_int_equal(flume_log_stat(log, &info), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    return info.strata_bytes;
}

static void settings_made_anew_for_an_empty_basin_are_the_least(void **state)
{
    struct damage_fixture *fx = *state;
    flume_log *log = begin_basin(fx, (uint64_t)4 << 20);
    char path[FIXTURE_PATH_BYTES];

    assert_int_equal(flume_log_close(log), FLUME_OK);
    file_path(fx, "flume.conf", path);
    flip_bit(path, 3);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    assert_int_equal(strata_bytes_of(fx), FLUME_STRATA_BYTES_MIN);
}

static void settings_made_anew_are_within_the_limit(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    forge_header(fx, fx->strata_count - 1, FILE_BYTES_AT, (uint64_t)4 << 30);
    file_path(fx, "flume.conf", path);
    assert_int_equal(unlink(path), 0);
    expect_repaired(fx, 0, 0);
    assert_int_equal(strata_bytes_of(fx), FLUME_STRATA_BYTES_MAX);
}

/* Its first words say that all is well. */
static void a_short_head_counts_for_nothing(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "HEAD", path);
    assert_int_equal(truncate(path, offsetof(struct head, append_mutex)), 0);
    expect_nothing_lost(fx); /* Opening it makes it long enough. */
    assert_int_equal(bytes_of(path), HEAD_FILE_BYTES);
    expect_sound(fx);
}

static void a_closed_head_that_was_changed_counts_for_nothing(void **state)
{
    struct damage_fixture *fx = *state;
    uint64_t head = fx->strata[fx->strata_count - 1] + 2;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "HEAD", path);
    write_bytes(path, &head, sizeof head, offsetof(struct head, head));
    expect_nothing_lost(fx);
    expect_sound(fx);
}

static void a_short_head_is_made_long_enough(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "HEAD", path);
    assert_int_equal(truncate(path, 100), 0);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    assert_int_equal(bytes_of(path), HEAD_FILE_BYTES);
    expect_sound(fx);
    expect_nothing_lost(fx);
}

/* Of a basin in use HEAD says where the log ends: a bad record before that is damage. The HEAD of
 * another basin says nothing, and what was never durable is a torn tail. */
static void the_head_of_another_basin_does_not_count(void **state)
{
    struct damage_fixture *fx = *state;
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL, .io_mode = FLUME_IO_PWRITE};
    flume_log *log = NULL;
    char path[FIXTURE_PATH_BYTES];
    uint8_t id[16], other[16];
    uint64_t seq;

    assert_int_equal(flume_log_open(&log, fx->basin, &options, NULL), FLUME_OK);
    assert_int_equal(flume_log_append(log, "last", 4, &seq), FLUME_OK);
    (void)find_strata(fx);
    damage_record(fx, seq);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    assert_int_equal(expect_finding(fx, FLUME_FINDING_DAMAGED_RECORD, NULL)->first_seq, seq);
    file_path(fx, "HEAD", path);
    read_bytes(path, id, sizeof id, offsetof(struct head, basin_id));
    memcpy(other, id, sizeof id);
    other[3] ^= 1;
    write_bytes(path, other, sizeof other, offsetof(struct head, basin_id));
    expect_status(fx, check(fx), FLUME_OK);
    (void)expect_finding(fx, FLUME_FINDING_TORN_TAIL, NULL);
    assert_int_equal(fx->report.head, seq);
    write_bytes(path, id, sizeof id, offsetof(struct head, basin_id));
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

/* A directory with a name that no subscription can have. */
static int list_with_long_name(void *ctx, const char *path,
                               int (*each)(void *ctx, const char *name), void *each_ctx)
{
    char name[300];
    int error = flume_io_posix()->list(NULL, path, each, each_ctx);

    (void)ctx;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    return error == 0 && strstr(path, "subs") != NULL ? each(each_ctx, name) : error;
}

static void a_name_too_long_for_a_subscription_is_passed_over(void **state)
{
    struct damage_fixture *fx = *state;
    flume_io io = *flume_io_posix();

    io.list = list_with_long_name;
    fx->io = &io;
    expect_sound(fx);
    assert_int_equal(fx->found_count, 0);
    fx->io = NULL;
}

#define damage_test(function) \
    cmocka_unit_test_setup_teardown(function, damage_setup, damage_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        damage_test(behind_a_thousand_lost_records_the_next_is_found),
        damage_test(with_its_header_page_a_strata_is_lost),
        damage_test(a_strata_of_megabytes_is_written_anew),
        damage_test(a_footer_made_anew_knows_the_times_before_it),
        damage_test(progress_is_told_while_records_are_examined),
        damage_test(a_footer_that_counts_too_few_of_a_rolled_strata_is_put_right),
        damage_test(a_footer_that_counts_too_few_of_a_closed_strata_is_put_right),
        damage_test(behind_a_footer_that_counts_too_few_a_strata_may_be_missing),
        damage_test(a_batch_cut_together_with_the_newest_header_is_not_there),
        damage_test(a_batch_torn_together_with_the_newest_header_is_not_there),
        damage_test(what_is_left_of_a_durable_batch_is_broken_without_a_header_too),
        damage_test(a_batch_that_its_strata_does_not_end_is_ended_and_marked),
        damage_test(a_page_that_fails_in_another_way_when_read_again_is_an_io_error),
        damage_test(without_memory_for_a_copy_of_what_fails_the_check_ends),
        damage_test(a_page_that_does_not_read_is_zeros_in_what_is_kept),
        damage_test(a_gate_that_does_not_read_is_told_before_anything_is_decided),
        damage_test(a_gate_that_fails_once_costs_no_record),
        damage_test(a_gate_without_a_sound_slot_is_told_by_who_recovers),
        damage_test(settings_made_anew_for_an_empty_basin_are_the_least),
        damage_test(settings_made_anew_are_within_the_limit),
        damage_test(a_short_head_counts_for_nothing),
        damage_test(a_closed_head_that_was_changed_counts_for_nothing),
        damage_test(a_short_head_is_made_long_enough),
        damage_test(the_head_of_another_basin_does_not_count),
        damage_test(a_name_too_long_for_a_subscription_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
