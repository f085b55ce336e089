/*
 * test_fault_damaged.c - every call of the io table fails once, and so does every request for
 * memory, while a basin that is not in order is opened, checked or repaired.
 *
 * Two basins of some strata are made once in memory: one closed in order, and one as it is while in
 * use, of which nothing is durable yet. Each case is a fresh copy of one of them, damaged in one
 * way, on which one act is done with one failure. The answer must be a status with a message and
 * nothing may leak; the same act in health must then end as it does where nothing had failed.
 *
 *   FLUME_TEST_LONG=1     every place, not some of those of the frequent calls
 *   FLUME_FAULTS_EVERY=N  only every Nth of the places, 1 by default
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "fault_world.h"
#include "flume/flume.h"
#include "grain.h"
#include "hash.h"
#include "head.h"
#include "io_memory.h"
#include "strata_file.h"

enum { STRATA_BYTES = 64 << 10, FAILURES_SHOWN_MAX = 6 };

/* Of a strata's header. */
enum {
    READ_ONLY_COMPATIBLE_AT = 24,
    INCOMPATIBLE_AT = 32,
    WORLD_BASIN_ID_AT = 40,
    FIRST_SEQ_AT = 80,
    DURABLE_AT = 88,
    FILE_BYTES_AT = 96,
    PREVIOUS_FIRST_SEQ_AT = 120
};

/* --- The basin as it is before it is damaged -------------------------------------------------- */

struct basin {
    struct model model;
    uint64_t batch_last; /* The end of a batch in the first strata. */
    uint64_t head;       /* Another batch ends before it. */
};

enum use { CLOSED, IN_USE, USES };
static struct basin basins[USES];
static const struct basin *basin; /* That of the case at hand. */

static int on_record(void *ctx, const flume_record *record)
{
    (void)ctx;
    return record->seq >= 8 ? 1 : 0;
}

/* A named subscription that has seen a few records, so that subs/ has a file. */
static void subscribe_for_a_while(flume_log *log)
{
    static const flume_subscribe_options options = {.name = "reader"};
    flume_subscription *subscription;

    assert_int_equal(flume_subscribe(log, &options, on_record, NULL, &subscription), FLUME_OK);
    while (flume_subscription_position(subscription) <= 8)
        flume_io_posix()->sleep(flume_io_posix()->ctx, 100000);
    flume_unsubscribe(subscription);
}

static uint64_t append_batch(flume_log *log)
{
    flume_entry batch[3] = {{.body = "one", .body_bytes = 3},
                            {.body = "two", .body_bytes = 3},
                            {.body = "three", .body_bytes = 5}};
    uint64_t first;

    assert_int_equal(flume_log_append_many(log, batch, 3, NULL, &first), FLUME_OK);
    return first + 2;
}

static void fill(struct basin *made, flume_log *log, enum use use)
{
    static uint8_t body[2000];

    for (unsigned i = 0; i < 220; i++) {
        memset(body, (int)('a' + i % 26), sizeof body);
        assert_int_equal(flume_log_append(log, body, i * 37 % 1900, NULL), FLUME_OK);
        if (i == 20)
            made->batch_last = append_batch(log);
        if (use == CLOSED && i % 50 == 0)
            assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    }
    (void)append_batch(log);
    made->head = flume_log_head(log);
    if (use == CLOSED)
        subscribe_for_a_while(log);
}

static void take_files(struct model *model, const flume_io *io, enum use use)
{
    static const char *const others[] = {"flume.conf", "LOCK", "HEAD", "TAIL"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        model_take_file(model, io, others[i]);
    if (use == CLOSED)
        model_take_file(model, io, "subs/reader");
    model_take_log(model, io);
    assert_true(model->strata_count >= 4);
}

/* While held, no thread but the holder comes out of a wait: nobody syncs what is full. */
static _Atomic uint32_t held;
static pthread_t holder;

static void wait_unless_held(void *ctx, const uint32_t *word, uint32_t expected,
                             uint64_t timeout_ns)
{
    const flume_io *posix = flume_io_posix();

    (void)ctx;
    while (atomic_load(&held) != 0 && !pthread_equal(pthread_self(), holder))
        posix->sleep(posix->ctx, 1000000);
    posix->wait(posix->ctx, word, expected, timeout_ns);
}

static void make_basin(enum use use)
{
    struct basin *made = &basins[use];
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = STRATA_BYTES};
    flume_log *log = NULL;
    flume_io io;

    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    io.wait = wait_unless_held;
    options.io = &io;
    holder = pthread_self();
    atomic_store(&held, use == IN_USE);
    assert_int_equal(flume_log_open(&log, WORLD_BASIN, &options, NULL), FLUME_OK);
    fill(made, log, use);
    if (use == IN_USE)
        take_files(&made->model, &io, use);
    atomic_store(&held, 0);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    if (use == CLOSED)
        take_files(&made->model, &io, use);
    io_memory_destroy(&io);
}

static int make_basins(void **state)
{
    (void)state;
    make_basin(CLOSED);
    make_basin(IN_USE);
    return 0;
}

static int forget_basins(void **state)
{
    (void)state;
    for (size_t use = 0; use < USES; use++)
        model_forget(&basins[use].model);
    return 0;
}

/* --- One case --------------------------------------------------------------------------------- */

/* Change HEAD as `change` does, so that it is of this LOCK and, if closed, vouches for its
 * words. */
static void set_head(struct world *world, void (*change)(struct head *head))
{
    struct head *head = aligned_alloc(alignof(struct head), HEAD_FILE_BYTES);
    flume_io_stat file_stat;
    int lock = world->io.open(world->io.ctx, WORLD_BASIN "/LOCK", FLUME_IO_READ);

    assert_non_null(head);
    assert_int_equal(world->io.stat(world->io.ctx, lock, &file_stat), 0);
    world->io.close(world->io.ctx, lock);
    memcpy(head, model_file(&basin->model, "HEAD")->data, HEAD_FILE_BYTES);
    head->lock_device = file_stat.device;
    head->lock_inode = file_stat.inode;
    if (change != NULL)
        change(head);
    head->closed_check = head_closed_check(head);
    world_put(world, "HEAD", head, HEAD_FILE_BYTES);
    free(head);
}

static void begin(struct world *world, enum use use)
{
    basin = &basins[use];
    world_begin(world, &basin->model);
    set_head(world, NULL);
}

/* --- Ways to damage it ------------------------------------------------------------------------ */

static const struct model_file *strata(size_t index)
{
    return model_strata(&basin->model, index, "strata");
}

static const char *strata_file(size_t index, const char *ending)
{
    return model_strata(&basin->model, index, ending)->name;
}

static size_t newest(void)
{
    return basin->model.strata_count - 1;
}

static void flip(struct world *world, const char *name, uint64_t at)
{
    uint8_t byte;

    world_read(world, name, at, &byte, 1);
    byte ^= 4;
    world_write(world, name, at, &byte, 1);
}

static uint64_t offset_of(size_t index, uint64_t ordinal)
{
    return (uint64_t)get_le32(model_strata(&basin->model, index, "slots")->data + 4 * ordinal) * 8;
}

static void damage_grain(struct world *world, size_t index, uint64_t ordinal)
{
    flip(world, strata_file(index, "strata"), offset_of(index, ordinal) + GRAIN_TIME_AT);
}

static void cut_file(struct world *world, const char *name, size_t bytes)
{
    world_put(world, name, model_file(&basin->model, name)->data, bytes);
}

static void nothing(struct world *world)
{
    (void)world;
}

static void machine_stopped(struct world *world)
{
    world_remove(world, "HEAD");
}

static void die(struct head *head)
{
    atomic_store(&head->state, HEAD_READY);
}

static void all_died(struct world *world)
{
    set_head(world, die);
}

static void all_died_and_slots_are_gone(struct world *world)
{
    world_remove(world, strata_file(newest(), "slots"));
    set_head(world, die);
}

static void die_poisoned(struct head *head)
{
    die(head);
    atomic_store(&head->refusal, HEAD_POISONED);
    atomic_store(&head->durable, atomic_load(&head->active_first) + 2);
}

static void a_sync_failed_and_took_records(struct world *world)
{
    damage_grain(world, newest(), 3);
    set_head(world, die_poisoned);
}

static void die_dirty(struct head *head)
{
    die(head);
    atomic_store(&head->refusal, HEAD_DIRTY);
    atomic_store(&head->intent_from, 0);
    atomic_store(&head->intent_to, STRATA_BYTES - 2 * 4096);
}

static void died_in_an_append(struct world *world)
{
    set_head(world, die_dirty);
}

static void active_is_damaged(struct world *world)
{
    damage_grain(world, newest(), 3);
    set_head(world, die);
}

static void copied_while_in_use(struct world *world)
{
    set_head(world, die);
    world_put(world, "LOCK", "", 0); /* Another inode. */
    world_write(world, strata_file(newest(), "strata"), offset_of(newest(), 4) + 3, "torn", 4);
}

static void torn(struct world *world)
{
    world_write(world, strata_file(newest(), "strata"), STRATA_BYTES - 4096 - 64, "torn", 4);
    world_remove(world, "HEAD");
}

static void a_record_is_damaged(struct world *world)
{
    damage_grain(world, 1, 5);
}

static void a_batch_is_broken(struct world *world)
{
    damage_grain(world, 0, basin->batch_last);
    world_remove(world, "HEAD");
}

static void a_header_is_damaged(struct world *world)
{
    flip(world, strata_file(1, "strata"), 73); /* In the salt. */
}

static void the_newest_header_is_damaged(struct world *world)
{
    flip(world, strata_file(newest(), "strata"), 100);
    world_remove(world, "HEAD");
}

static void a_strata_is_missing(struct world *world)
{
    world_remove(world, strata_file(1, "strata"));
}

static void two_strata_are_missing(struct world *world)
{
    world_remove(world, strata_file(1, "strata"));
    world_remove(world, strata_file(2, "strata"));
    world_remove(world, "HEAD");
}

static void strata_are_exchanged(struct world *world)
{
    const struct model_file *one = strata(1);
    const struct model_file *two = strata(2);

    world_put(world, strata_file(1, "strata"), two->data, two->bytes);
    world_put(world, strata_file(2, "strata"), one->data, one->bytes);
}

static void a_strata_is_there_twice(struct world *world)
{
    const struct model_file *one = strata(1);

    world_put(world, "log/copy", one->data, one->bytes);
    world_put(world, "log/notes.txt", "hello", 5);
}

static void a_strata_is_cut_short(struct world *world)
{
    cut_file(world, strata_file(1, "strata"), 20000);
}

static void a_strata_is_too_long(struct world *world)
{
    const struct model_file *file = strata(1);
    uint8_t *data = calloc(1, file->bytes + 4096);

    assert_non_null(data);
    memcpy(data, file->data, file->bytes);
    world_put(world, strata_file(1, "strata"), data, file->bytes + 4096);
    free(data);
}

static void the_tail_is_lost(struct world *world)
{
    world_remove(world, strata_file(newest(), "strata"));
    world_remove(world, strata_file(newest(), "slots"));
    world_remove(world, "HEAD");
}

static void settings_are_lost(struct world *world)
{
    world_remove(world, "flume.conf");
    world_remove(world, "HEAD");
}

static void side_files_are_damaged(struct world *world)
{
    static const uint8_t zeros[4096];

    flip(world, "TAIL", 16);
    flip(world, "TAIL", 4096 + 16);
    flip(world, "subs/reader", 16);
    flip(world, strata_file(1, "slots"), 8);
    world_remove(world, strata_file(2, "slots"));
    world_write(world, strata_file(1, "strata"), STRATA_BYTES - 4096 + 40, zeros, 8);
    world_put(world, "log/00000000000000099999.slots", zeros, 16);
    world_remove(world, "HEAD");
}

static void zero_grains(struct world *world, size_t index, uint64_t ordinal)
{
    static const uint8_t zeros[STRATA_BYTES];
    uint64_t at = offset_of(index, ordinal);

    world_write(world, strata_file(index, "strata"), at, zeros, (size_t)(STRATA_BYTES - at));
}

/* The header page, changed and made to fit its check again. */
static void forge_header(struct world *world, const char *name, size_t at, uint64_t value,
                         size_t bytes)
{
    uint8_t page[STRATA_PAGE_BYTES];

    world_read(world, name, 0, page, sizeof page);
    for (size_t i = 0; i < bytes; i++)
        page[at + i] = (uint8_t)(value >> (8 * i));
    put_le64(page + sizeof page - 8, hash_bytes(page, sizeof page - 8, 0));
    world_write(world, name, 0, page, sizeof page);
}

/* A copy of the second strata that says to begin at another seq. */
static void forge_strata(struct world *world, uint64_t first_seq)
{
    const struct model_file *one = strata(1);
    char name[MODEL_NAME_BYTES];

    (void)snprintf(name, sizeof name, "log/%020" PRIu64 ".strata", first_seq);
    world_put(world, name, one->data, one->bytes);
    forge_header(world, name, FIRST_SEQ_AT, first_seq, 8);
}

static void nothing_of_it_was_durable(struct world *world)
{
    damage_grain(world, 1, 5);
    world_remove(world, "HEAD");
}

static void the_first_strata_is_missing(struct world *world)
{
    world_remove(world, strata_file(0, "strata"));
    world_remove(world, "HEAD");
}

static void the_newest_strata_is_empty(struct world *world)
{
    zero_grains(world, newest(), 0);
    world_remove(world, "HEAD");
}

static void the_newest_strata_ends_too_early(struct world *world)
{
    zero_grains(world, newest(), 3);
    world_remove(world, "HEAD");
}

static void the_last_batch_and_the_newest_header_are_torn(struct world *world)
{
    zero_grains(world, newest(), basin->head - 1 - basin->model.strata[newest()]);
    flip(world, strata_file(newest(), "strata"), 100);
    world_remove(world, "HEAD");
}

static void head_knows_of_a_lost_tail(struct world *world)
{
    static const uint8_t zeros[2 * 4096];

    world_write(world, "TAIL", 0, zeros, sizeof zeros);
    world_remove(world, strata_file(newest(), "strata"));
}

static void only_a_header_knows_of_a_lost_tail(struct world *world)
{
    static const uint8_t zeros[2 * 4096];

    world_write(world, "TAIL", 0, zeros, sizeof zeros);
    forge_header(world, strata_file(2, "strata"), DURABLE_AT, basin->head, 8);
    world_remove(world, strata_file(newest(), "strata"));
    world_remove(world, "HEAD");
}

static void side_files_in_use_are_damaged(struct world *world)
{
    flip(world, "TAIL", 16);
    flip(world, strata_file(1, "slots"), 8);
}

static void a_strata_lies_between_two(struct world *world)
{
    forge_strata(world, basin->model.strata[1] + 1);
}

static void a_strata_lies_beyond_the_end(struct world *world)
{
    forge_strata(world, basin->head + 10);
}

static void the_newest_is_of_another_history(struct world *world)
{
    forge_header(world, strata_file(newest(), "strata"), PREVIOUS_FIRST_SEQ_AT, 1, 8);
    world_remove(world, "HEAD");
}

static void a_strata_forbids_writing(struct world *world)
{
    forge_header(world, strata_file(1, "strata"), READ_ONLY_COMPATIBLE_AT, 1, 1);
}

static void a_strata_is_of_a_newer_format(struct world *world)
{
    forge_header(world, strata_file(1, "strata"), INCOMPATIBLE_AT, 1, 1);
}

static void a_header_has_sizes_that_cannot_be(struct world *world)
{
    forge_header(world, strata_file(1, "strata"), FILE_BYTES_AT, 5000, 8);
}

static void too_many_records_are_missing(struct world *world)
{
    forge_strata(world, (uint64_t)1 << 28);
    forge_header(world, "log/00000000000268435456.strata", PREVIOUS_FIRST_SEQ_AT,
                 basin->model.strata[newest()] + 1, 8);
    world_remove(world, "HEAD");
}

static void little_is_left_of_a_strata(struct world *world)
{
    cut_file(world, strata_file(1, "strata"), 4096 + 200);
    cut_file(world, strata_file(2, "strata"), 0);
}

static void a_search_has_no_end(struct world *world)
{
    static uint8_t junk[STRATA_BYTES];
    uint64_t at = offset_of(1, 5);

    for (size_t i = 0; i < sizeof junk; i += 16) { /* Each of them may be a grain of 4 KiB. */
        put_le32(junk + i, 7);
        put_le32(junk + i + 4, 4096);
        junk[i + 14] = FLUME_KIND_MESSAGE;
    }
    world_write(world, strata_file(1, "strata"), at, junk, (size_t)(STRATA_BYTES - 4096 - at));
}

static void directories_lie_in_the_log(struct world *world)
{
    (void)world->io.make_directory(world->io.ctx, WORLD_BASIN "/log/00000000000000000003.strata");
    (void)world->io.make_directory(world->io.ctx, WORLD_BASIN "/subs/directory");
}

static void settings_and_all_headers_are_damaged(struct world *world)
{
    for (size_t i = 0; i < basin->model.strata_count; i++)
        flip(world, strata_file(i, "strata"), 100);
    world_remove(world, "flume.conf");
    world_remove(world, "HEAD");
}

static void nothing_tells_which_basin_it_is(struct world *world)
{
    static const uint8_t zeros[2 * 4096];

    settings_and_all_headers_are_damaged(world);
    world_write(world, "TAIL", 0, zeros, sizeof zeros);
}

static void settings_are_lost_and_a_strata_is_foreign(struct world *world)
{
    settings_are_lost(world);
    forge_header(world, strata_file(2, "strata"), WORLD_BASIN_ID_AT, 0, 8);
}

static void a_position_has_one_damaged_slot(struct world *world)
{
    uint8_t slots[2 * 64] = {0};

    memcpy(slots, model_file(&basin->model, "subs/reader")->data, 64);
    slots[64] = 'x';
    world_put(world, "subs/reader", slots, sizeof slots);
    world_put(world, "subs/short", "x", 1);
}

/* --- Acts ------------------------------------------------------------------------------------- */

/* What an act has come to. */
struct outcome {
    int status;
    uint64_t head, intact, lost;
};

struct act {
    const char *name;
    void (*damage)(struct world *world);
    struct outcome (*play)(struct world *world);
    enum use use;
};

static struct outcome check(struct world *world)
{
    flume_check_options options = {.allocator = &world->memory.table, .io = &world->fault.table};
    flume_check_report report = {0};
    flume_error error = {0};
    struct outcome outcome = {.status = flume_check(WORLD_BASIN, &options, &report, &error)};

    world_judge(world, "check", outcome.status, &error);
    outcome.head = report.head;
    outcome.intact = report.records;
    outcome.lost = report.lost;
    return outcome;
}

static struct outcome repair_by(struct world *world, enum flume_repair_policy policy)
{
    flume_check_options options = {.allocator = &world->memory.table, .io = &world->fault.table};
    flume_check_report report = {0};
    flume_error error = {0};
    int status = flume_repair(WORLD_BASIN, policy, &options, &report, &error);

    world_judge(world, "repair", status, &error);
    if (status != FLUME_OK)
        return (struct outcome){.status = status};
    return check(world);
}

static struct outcome salvage(struct world *world)
{
    return repair_by(world, FLUME_REPAIR_SALVAGE);
}

static struct outcome accept_loss(struct world *world)
{
    return repair_by(world, FLUME_REPAIR_ACCEPT_LOSS);
}

static struct outcome try_it_dry(struct world *world)
{
    return repair_by(world, FLUME_REPAIR_DRY_RUN);
}

static struct outcome open_as(struct world *world, const flume_log_options *options)
{
    flume_log *log = NULL;
    flume_error error = {0};
    struct outcome outcome = {.status = flume_log_open(&log, WORLD_BASIN, options, &error)};
    flume_log_stat_info info;

    world_judge(world, "open", outcome.status, &error);
    if (outcome.status != FLUME_OK)
        return outcome;
    outcome.head = flume_log_head(log);
    for (uint64_t seq = 0; seq < outcome.head; seq++) {
        flume_record record;
        int status = flume_log_get(log, seq, &record);

        outcome.intact += status == FLUME_OK;
        outcome.lost += status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST;
        if (status == FLUME_OK)
            flume_record_release(&record);
    }
    if (flume_log_stat(log, &info) == FLUME_OK && info.head != outcome.head)
        world_complain(world, "stat tells another head");
    (void)flume_log_close(log); /* What it could not make durable is not asked for here. */
    return outcome;
}

static struct outcome open_to_write(struct world *world)
{
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .lock_timeout_ns = 20000000000,
                                 .allocator = &world->memory.table,
                                 .io = &world->fault.table};

    return open_as(world, &options);
}

static struct outcome open_with_care(struct world *world)
{
    flume_log_options options = {.profile = FLUME_PROFILE_PARANOID,
                                 .lock_timeout_ns = 20000000000,
                                 .allocator = &world->memory.table,
                                 .io = &world->fault.table};

    return open_as(world, &options);
}

static const struct act acts[] = {
    {"open a sound one", nothing, open_with_care, CLOSED},
    {"open after a stop", machine_stopped, open_to_write, CLOSED},
    {"open after deaths", all_died, open_to_write, CLOSED},
    {"open without slots", all_died_and_slots_are_gone, open_to_write, CLOSED},
    {"open after a failed sync", a_sync_failed_and_took_records, open_to_write, CLOSED},
    {"open after a death in an append", died_in_an_append, open_to_write, CLOSED},
    {"open with damage in the newest", active_is_damaged, open_to_write, CLOSED},
    {"open a copy", copied_while_in_use, open_to_write, CLOSED},
    {"open with a torn tail", torn, open_to_write, CLOSED},
    {"open with a newest header damaged", the_newest_header_is_damaged, open_to_write, CLOSED},
    {"open with strata missing", two_strata_are_missing, open_to_write, CLOSED},
    {"open with the tail lost", the_tail_is_lost, open_to_write, CLOSED},
    {"check a copy", copied_while_in_use, check, CLOSED},
    {"check a torn tail", torn, check, CLOSED},
    {"check side files", side_files_are_damaged, check, CLOSED},
    {"check exchanged strata", strata_are_exchanged, check, CLOSED},
    {"check a broken batch", a_batch_is_broken, check, CLOSED},
    {"try to repair side files", side_files_are_damaged, try_it_dry, CLOSED},
    {"repair a sound one", nothing, salvage, CLOSED},
    {"repair a record", a_record_is_damaged, salvage, CLOSED},
    {"repair a batch", a_batch_is_broken, salvage, CLOSED},
    {"repair a header", a_header_is_damaged, salvage, CLOSED},
    {"repair the newest header", the_newest_header_is_damaged, salvage, CLOSED},
    {"repair a missing strata", a_strata_is_missing, salvage, CLOSED},
    {"repair two missing strata", two_strata_are_missing, salvage, CLOSED},
    {"repair exchanged strata", strata_are_exchanged, salvage, CLOSED},
    {"repair doubles", a_strata_is_there_twice, salvage, CLOSED},
    {"repair a short strata", a_strata_is_cut_short, salvage, CLOSED},
    {"repair a long strata", a_strata_is_too_long, salvage, CLOSED},
    {"refuse a lost tail", the_tail_is_lost, salvage, CLOSED},
    {"repair a lost tail", the_tail_is_lost, accept_loss, CLOSED},
    {"repair settings", settings_are_lost, salvage, CLOSED},
    {"repair side files", side_files_are_damaged, salvage, CLOSED},
    {"open an empty newest", the_newest_strata_is_empty, open_to_write, IN_USE},
    {"open what was never durable", nothing_of_it_was_durable, open_to_write, IN_USE},
    {"open what has no beginning", the_first_strata_is_missing, open_to_write, IN_USE},
    {"open without the first strata", the_first_strata_is_missing, open_to_write, CLOSED},
    {"open what ends too early", the_newest_strata_ends_too_early, open_to_write, CLOSED},
    {"open what is in use", nothing, open_to_write, IN_USE},
    {"check what was never durable", nothing_of_it_was_durable, check, IN_USE},
    {"repair what was never durable", nothing_of_it_was_durable, salvage, IN_USE},
    {"check a torn batch", the_last_batch_and_the_newest_header_are_torn, check, IN_USE},
    {"repair a torn batch", the_last_batch_and_the_newest_header_are_torn, salvage, IN_USE},
    {"repair a broken last batch", the_last_batch_and_the_newest_header_are_torn, accept_loss,
     CLOSED},
    {"repair side files in use", side_files_in_use_are_damaged, salvage, IN_USE},
    {"check what HEAD knows to be lost", head_knows_of_a_lost_tail, check, CLOSED},
    {"accept what HEAD knows to be lost", head_knows_of_a_lost_tail, accept_loss, CLOSED},
    {"accept what a header knows to be lost", only_a_header_knows_of_a_lost_tail, accept_loss,
     CLOSED},
    {"repair a strata between two", a_strata_lies_between_two, salvage, CLOSED},
    {"repair a strata beyond the end", a_strata_lies_beyond_the_end, salvage, CLOSED},
    {"check another history", the_newest_is_of_another_history, check, CLOSED},
    {"open what forbids writing", a_strata_forbids_writing, open_with_care, CLOSED},
    {"refuse to write", a_strata_forbids_writing, salvage, CLOSED},
    {"refuse a newer format", a_strata_is_of_a_newer_format, salvage, CLOSED},
    {"repair sizes that cannot be", a_header_has_sizes_that_cannot_be, salvage, CLOSED},
    {"refuse too many stand-ins", too_many_records_are_missing, salvage, CLOSED},
    {"repair what is little", little_is_left_of_a_strata, salvage, CLOSED},
    {"check what is little", little_is_left_of_a_strata, check, CLOSED},
    {"check without an end", a_search_has_no_end, check, CLOSED},
    {"repair directories", directories_lie_in_the_log, salvage, CLOSED},
    {"repair settings by TAIL", settings_and_all_headers_are_damaged, salvage, CLOSED},
    {"refuse a basin without a name", nothing_tells_which_basin_it_is, accept_loss, CLOSED},
    {"refuse a foreign strata", settings_are_lost_and_a_strata_is_foreign, salvage, CLOSED},
    {"repair a position", a_position_has_one_damaged_slot, salvage, CLOSED},
};
enum { ACT_COUNT = sizeof acts / sizeof acts[0] };

/* --- Sweeps ----------------------------------------------------------------------------------- */

struct tally {
    uint64_t runs, injected, failed;
};

static struct outcome healthy[ACT_COUNT];

static void begin_act(struct world *world, size_t act)
{
    begin(world, acts[act].use);
    acts[act].damage(world);
}

static bool is_same(const struct outcome *one, const struct outcome *two)
{
    return one->status == two->status && one->head == two->head && one->intact == two->intact &&
           one->lost == two->lost;
}

/* Again, in health: it must come to what it comes to where nothing had failed before. */
static void settle(struct world *world, size_t act)
{
    struct outcome outcome;

    (void)faultio_heal(&world->fault);
    fault_memory_plan(&world->memory, 0, FAULT_ONCE);
    if (world->complaint[0] != '\0')
        return;
    outcome = acts[act].play(world);
    if (!is_same(&outcome, &healthy[act]))
        world_complain(world,
                       "afterwards %s, head %" PRIu64 ", %" PRIu64 " intact, %" PRIu64
                       " lost instead of %s, %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                       flume_status_name(outcome.status), outcome.head, outcome.intact,
                       outcome.lost, flume_status_name(healthy[act].status), healthy[act].head,
                       healthy[act].intact, healthy[act].lost);
}

static void note(struct tally *tally, struct world *world, const char *what, size_t act,
                 uint64_t nth)
{
    world_end(world);
    tally->runs++;
    if (world->complaint[0] == '\0')
        return;
    if (tally->failed++ < FAILURES_SHOWN_MAX)
        print_error("%s: %s, number %" PRIu64 ": %s\n", acts[act].name, what, nth,
                    world->complaint);
}

static void sweep_call(struct tally *tally, size_t act, enum fault_call call, int result,
                       uint64_t stride)
{
    bool reached = true;

    for (uint64_t nth = 1; reached; nth += stride) {
        struct world world;

        begin_act(&world, act);
        faultio_plan(&world.fault, (struct fault_plan){.call = call, .nth = nth, .result = result});
        (void)acts[act].play(&world);
        reached = world.fault.injected > 0;
        tally->injected += world.fault.injected;
        settle(&world, act);
        note(tally, &world, fault_call_name(call), act, nth);
    }
}

/* Where every call takes long (sanitizers), fewer of them are failed. */
static uint64_t places_apart(void)
{
    const char *text = getenv("FLUME_FAULTS_EVERY");

    return text != NULL && atoi(text) > 0 ? (uint64_t)atoi(text) : 1;
}

static void sweep_memory(struct tally *tally, size_t act)
{
    bool reached = true;

    for (uint64_t nth = 1; reached; nth += places_apart()) {
        struct world world;

        begin_act(&world, act);
        fault_memory_plan(&world.memory, nth, FAULT_ONCE);
        (void)acts[act].play(&world);
        reached = world.memory.failed > 0;
        tally->injected += world.memory.failed;
        settle(&world, act);
        note(tally, &world, "memory", act, nth);
    }
}

static uint64_t stride_of(enum fault_call call)
{
    if (getenv("FLUME_TEST_LONG") != NULL)
        return 1;
    if (call == FAULT_PREAD || call == FAULT_PWRITE)
        return 3 * places_apart();
    return (call == FAULT_OPEN || call == FAULT_STAT || call == FAULT_MAP ? 2 : 1) * places_apart();
}

static void expect_none_failed(const struct tally *tally)
{
    print_message("%" PRIu64 " runs, %" PRIu64 " calls failed on demand, %" PRIu64
                  " runs went wrong\n",
                  tally->runs, tally->injected, tally->failed);
    assert_int_equal(tally->failed, 0);
}

/* First of all: the others compare with what it finds. */
static void each_act_ends_the_same_when_done_again(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++) {
        struct world world;

        begin_act(&world, act);
        healthy[act] = acts[act].play(&world);
        settle(&world, act);
        note(&tally, &world, "nothing", act, 0);
    }
    expect_none_failed(&tally);
}

/* What cannot be read once can be what alone knew: whose a file without a name is, or that the last
 * record had been durable. */
static bool needs_every_byte(size_t act)
{
    return acts[act].damage == strata_are_exchanged ||
           acts[act].damage == the_last_batch_and_the_newest_header_are_torn;
}

static void any_call_may_fail_once_anywhere(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++) {
        for (int call = 0; call < FAULT_CALLS; call++) {
            if (call != FAULT_PREAD)
                sweep_call(&tally, act, (enum fault_call)call, -EIO,
                           stride_of((enum fault_call)call));
            else if (!needs_every_byte(act))
                sweep_call(&tally, act, FAULT_PREAD, -EINTR, stride_of(FAULT_PREAD));
        }
    }
    expect_none_failed(&tally);
}

/* A page that does not read once may be lost to a repair, but not the strata that it is in. */
static void any_read_may_fail_with_a_medium_error(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++) {
        if (!needs_every_byte(act))
            sweep_call(&tally, act, FAULT_PREAD, -EIO, stride_of(FAULT_PREAD));
    }
    expect_none_failed(&tally);
}

static void any_request_for_memory_may_fail(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++)
        sweep_memory(&tally, act);
    expect_none_failed(&tally);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_act_ends_the_same_when_done_again),
        cmocka_unit_test(any_call_may_fail_once_anywhere),
        cmocka_unit_test(any_read_may_fail_with_a_medium_error),
        cmocka_unit_test(any_request_for_memory_may_fail),
    };

    return cmocka_run_group_tests(tests, make_basins, forget_basins);
}
