/*
 * test_fault_damaged.c - every call of the io table fails once, and so does every request for
 * memory, while a basin that is not in order is opened, checked or repaired.
 *
 * A basin of some strata is made once in memory. Each case is a fresh copy of it, damaged in one
 * way, on which one act is done with one failure. The answer must be a status with a message and
 * nothing may leak; the same act in health must then end as it does where nothing had failed.
 *
 *   FLUME_LONG=1   every place, not some of those of the frequent calls
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
#include "faultio.h"
#include "flume/flume.h"
#include "grain.h"
#include "head.h"
#include "io_memory.h"

#define BASIN "b.flume"

enum { STRATA_BYTES = 64 << 10, FILES_MAX = 32, NAME_BYTES = 64, FAILURES_SHOWN_MAX = 6 };

/* --- The basin as it is before it is damaged ------------------------------------------------------ */

struct file {
    char name[NAME_BYTES]; /* Below the basin. */
    uint8_t *data;
    size_t bytes;
};

static struct template
{
    struct file files[FILES_MAX];
    size_t count;
    uint64_t strata[FILES_MAX]; /* First seqs. */
    size_t strata_count;
    uint64_t batch_last;
}
template;

static void path_of(const char *name, char target[2 * NAME_BYTES])
{
    (void)snprintf(target, 2 * NAME_BYTES, "%s/%s", BASIN, name);
}

static void take_file(const flume_io *io, const char *name)
{
    struct file *file = &template.files[template.count++];
    char path[2 * NAME_BYTES];
    flume_io_stat file_stat;
    int number;

    assert_true(template.count < FILES_MAX);
    path_of(name, path);
    number = io->open(io->ctx, path, FLUME_IO_READ);
    assert_true(number >= 0);
    assert_int_equal(io->stat(io->ctx, number, &file_stat), 0);
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    file->bytes = (size_t)file_stat.bytes;
    file->data = malloc(file->bytes + 1);
    assert_non_null(file->data);
    if (file->bytes > 0)
        assert_int_equal(io->pread(io->ctx, number, file->data, file->bytes, 0), file->bytes);
    io->close(io->ctx, number);
}

struct listing {
    const flume_io *io;
    char names[FILES_MAX][NAME_BYTES];
    size_t count;
};

static int take_name(void *ctx, const char *name)
{
    struct listing *listing = ctx;

    (void)snprintf(listing->names[listing->count++], NAME_BYTES, "log/%.50s", name);
    return 0;
}

static int on_record(void *ctx, const flume_record *record)
{
    (void)ctx;
    return record->seq >= 8 ? 1 : 0;
}

static void fill(flume_log *log)
{
    static uint8_t body[2000];
    static const flume_subscribe_options options = {.name = "reader"};
    flume_entry batch[3] = {{.body = "one", .body_bytes = 3},
                            {.body = "two", .body_bytes = 3},
                            {.body = "three", .body_bytes = 5}};
    flume_subscription *subscription;
    uint64_t first;

    for (unsigned i = 0; i < 220; i++) {
        memset(body, (int)('a' + i % 26), sizeof body);
        assert_int_equal(flume_log_append(log, body, i * 37 % 1900, NULL), FLUME_OK);
        if (i == 20)
            assert_int_equal(flume_log_append_many(log, batch, 3, NULL, &first), FLUME_OK);
        if (i % 50 == 0)
            assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    }
    template.batch_last = first + 2;
    assert_int_equal(flume_subscribe(log, &options, on_record, NULL, &subscription), FLUME_OK);
    while (flume_subscription_position(subscription) <= 8)
        flume_io_posix()->sleep(flume_io_posix()->ctx, 100000);
    flume_unsubscribe(subscription);
}

static int make_template(void **state)
{
    static const char *const others[] = {"flume.conf", "LOCK", "HEAD", "TAIL", "subs/reader"};
    flume_log_options options = {
        .flags = FLUME_OPEN_CREATE, .io_mode = FLUME_IO_PWRITE, .strata_bytes = STRATA_BYTES};
    struct listing listing = {.count = 0};
    flume_log *log = NULL;
    flume_io io;

    (void)state;
    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    options.io = &io;
    assert_int_equal(flume_log_open(&log, BASIN, &options, NULL), FLUME_OK);
    fill(log);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        take_file(&io, others[i]);
    assert_int_equal(io.list(io.ctx, BASIN "/log", take_name, &listing), 0);
    for (size_t i = 0; i < listing.count; i++) {
        take_file(&io, listing.names[i]);
        if (strata_name_parse(listing.names[i] + 4, &template.strata[template.strata_count]))
            template.strata_count++;
    }
    assert_true(template.strata_count >= 4);
    io_memory_destroy(&io);
    return 0;
}

static int forget_template(void **state)
{
    (void)state;
    for (size_t i = 0; i < template.count; i++)
        free(template.files[i].data);
    return 0;
}

/* --- One case -------------------------------------------------------------------------------------- */

struct world {
    flume_io io;
    struct faultio fault;
    struct fault_memory memory;
    char complaint[512];
};

__attribute__((format(printf, 2, 3))) static void complain(struct world *world, const char *format,
                                                           ...)
{
    va_list arguments;

    if (world->complaint[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(world->complaint, sizeof world->complaint, format, arguments);
    va_end(arguments);
}

static void remove_file(struct world *world, const char *name)
{
    char path[2 * NAME_BYTES];

    path_of(name, path);
    (void)world->io.unlink(world->io.ctx, path);
}

static void put_file(struct world *world, const char *name, const void *data, size_t bytes)
{
    const flume_io *io = &world->io;
    char path[2 * NAME_BYTES];
    int file;

    remove_file(world, name);
    path_of(name, path);
    file = io->open(io->ctx, path, FLUME_IO_WRITE | FLUME_IO_CREATE);
    assert_true(file >= 0);
    if (bytes > 0)
        assert_int_equal(io->pwrite(io->ctx, file, data, bytes, 0), bytes);
    io->close(io->ctx, file);
}

static void read_at(struct world *world, const char *name, uint64_t at, void *target, size_t bytes)
{
    char path[2 * NAME_BYTES];
    int file;

    path_of(name, path);
    file = world->io.open(world->io.ctx, path, FLUME_IO_READ);
    assert_true(file >= 0);
    assert_int_equal(world->io.pread(world->io.ctx, file, target, bytes, at), bytes);
    world->io.close(world->io.ctx, file);
}

static void write_at(struct world *world, const char *name, uint64_t at, const void *source,
                     size_t bytes)
{
    char path[2 * NAME_BYTES];
    int file;

    path_of(name, path);
    file = world->io.open(world->io.ctx, path, FLUME_IO_WRITE);
    assert_true(file >= 0);
    assert_int_equal(world->io.pwrite(world->io.ctx, file, source, bytes, at), bytes);
    world->io.close(world->io.ctx, file);
}

static const struct file *original(const char *name)
{
    for (size_t i = 0; i < template.count; i++) {
        if (strcmp(template.files[i].name, name) == 0)
            return &template.files[i];
    }
    fail_msg("no %s", name);
    return NULL;
}

/* Change HEAD as `change` does, so that it is of this LOCK and, if closed, vouches for its words. */
static void set_head(struct world *world, void (*change)(struct head *head))
{
    struct head *head = aligned_alloc(alignof(struct head), HEAD_FILE_BYTES);
    flume_io_stat file_stat;
    int lock = world->io.open(world->io.ctx, BASIN "/LOCK", FLUME_IO_READ);

    assert_non_null(head);
    assert_int_equal(world->io.stat(world->io.ctx, lock, &file_stat), 0);
    world->io.close(world->io.ctx, lock);
    memcpy(head, original("HEAD")->data, HEAD_FILE_BYTES);
    head->lock_device = file_stat.device;
    head->lock_inode = file_stat.inode;
    if (change != NULL)
        change(head);
    head->closed_check = head_closed_check(head);
    put_file(world, "HEAD", head, HEAD_FILE_BYTES);
    free(head);
}

static void world_begin(struct world *world)
{
    static const char *const folders[] = {"", "log", "subs", "txn", "lost+found"};

    memset(world, 0, sizeof *world);
    assert_int_equal(io_memory_create(NULL, &world->io), FLUME_OK);
    faultio_init(&world->fault, &world->io);
    fault_memory_init(&world->memory);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[2 * NAME_BYTES];

        path_of(folders[i], path);
        if (folders[i][0] == '\0')
            path[strlen(path) - 1] = '\0';
        assert_int_equal(world->io.make_directory(world->io.ctx, path), 0);
    }
    for (size_t i = 0; i < template.count; i++)
        put_file(world, template.files[i].name, template.files[i].data, template.files[i].bytes);
    set_head(world, NULL);
}

static void world_end(struct world *world)
{
    if (world->fault.open_files != 0)
        complain(world, "%d descriptors are left, of %s", world->fault.open_files,
                 faultio_left_open(&world->fault));
    if (world->fault.open_maps != 0)
        complain(world, "%d mappings are left", world->fault.open_maps);
    if (world->memory.live_blocks != 0)
        complain(world, "%lld blocks of memory are left", (long long)world->memory.live_blocks);
    faultio_deinit(&world->fault);
    fault_memory_deinit(&world->memory);
    io_memory_destroy(&world->io);
}

/* --- Ways to damage it ----------------------------------------------------------------------------- */

static const char *strata_file(size_t index, const char *ending)
{
    static char name[NAME_BYTES];

    (void)snprintf(name, sizeof name, "log/%020" PRIu64 ".%s", template.strata[index], ending);
    return name;
}

static size_t newest(void)
{
    return template.strata_count - 1;
}

static void flip(struct world *world, const char *name, uint64_t at)
{
    uint8_t byte;

    read_at(world, name, at, &byte, 1);
    byte ^= 4;
    write_at(world, name, at, &byte, 1);
}

static uint64_t offset_of(size_t index, uint64_t ordinal)
{
    return (uint64_t)get_le32(original(strata_file(index, "slots"))->data + 4 * ordinal) * 8;
}

static void damage_grain(struct world *world, size_t index, uint64_t ordinal)
{
    flip(world, strata_file(index, "strata"), offset_of(index, ordinal) + GRAIN_TIME_AT);
}

static void cut_file(struct world *world, const char *name, size_t bytes)
{
    put_file(world, name, original(name)->data, bytes);
}

static void nothing(struct world *world)
{
    (void)world;
}

static void machine_stopped(struct world *world)
{
    remove_file(world, "HEAD");
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
    remove_file(world, strata_file(newest(), "slots"));
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
    put_file(world, "LOCK", "", 0); /* Another inode. */
    write_at(world, strata_file(newest(), "strata"), offset_of(newest(), 4) + 3, "torn", 4);
}

static void torn(struct world *world)
{
    write_at(world, strata_file(newest(), "strata"), STRATA_BYTES - 4096 - 64, "torn", 4);
    remove_file(world, "HEAD");
}

static void a_record_is_damaged(struct world *world)
{
    damage_grain(world, 1, 5);
}

static void a_batch_is_broken(struct world *world)
{
    damage_grain(world, 0, template.batch_last);
    remove_file(world, "HEAD");
}

static void a_header_is_damaged(struct world *world)
{
    flip(world, strata_file(1, "strata"), 73); /* In the salt. */
}

static void the_newest_header_is_damaged(struct world *world)
{
    flip(world, strata_file(newest(), "strata"), 100);
    remove_file(world, "HEAD");
}

static void a_strata_is_missing(struct world *world)
{
    remove_file(world, strata_file(1, "strata"));
}

static void two_strata_are_missing(struct world *world)
{
    remove_file(world, strata_file(1, "strata"));
    remove_file(world, strata_file(2, "strata"));
    remove_file(world, "HEAD");
}

static void strata_are_exchanged(struct world *world)
{
    const struct file *one = original(strata_file(1, "strata"));
    const struct file *two = original(strata_file(2, "strata"));

    put_file(world, strata_file(1, "strata"), two->data, two->bytes);
    put_file(world, strata_file(2, "strata"), one->data, one->bytes);
}

static void a_strata_is_there_twice(struct world *world)
{
    const struct file *one = original(strata_file(1, "strata"));

    put_file(world, "log/copy", one->data, one->bytes);
    put_file(world, "log/notes.txt", "hello", 5);
}

static void a_strata_is_cut_short(struct world *world)
{
    cut_file(world, strata_file(1, "strata"), 20000);
}

static void a_strata_is_too_long(struct world *world)
{
    const struct file *file = original(strata_file(1, "strata"));
    uint8_t *data = calloc(1, file->bytes + 4096);

    assert_non_null(data);
    memcpy(data, file->data, file->bytes);
    put_file(world, strata_file(1, "strata"), data, file->bytes + 4096);
    free(data);
}

static void the_tail_is_lost(struct world *world)
{
    remove_file(world, strata_file(newest(), "strata"));
    remove_file(world, strata_file(newest(), "slots"));
    remove_file(world, "HEAD");
}

static void settings_are_lost(struct world *world)
{
    remove_file(world, "flume.conf");
    remove_file(world, "HEAD");
}

static void side_files_are_damaged(struct world *world)
{
    static const uint8_t zeros[4096];

    flip(world, "TAIL", 16);
    flip(world, "TAIL", 4096 + 16);
    flip(world, "subs/reader", 16);
    flip(world, strata_file(1, "slots"), 8);
    remove_file(world, strata_file(2, "slots"));
    write_at(world, strata_file(1, "strata"), STRATA_BYTES - 4096 + 40, zeros, 8);
    put_file(world, "log/00000000000000099999.slots", zeros, 16);
    remove_file(world, "HEAD");
}

/* --- Acts ------------------------------------------------------------------------------------------ */

/* What an act has come to. */
struct outcome {
    int status;
    uint64_t head, intact, lost;
};

struct act {
    const char *name;
    void (*damage)(struct world *world);
    struct outcome (*play)(struct world *world);
};

static void judge(struct world *world, const char *what, int status, const flume_error *error)
{
    if (status == FLUME_OK)
        return;
    if (strstr(flume_strerror(status), "unknown") != NULL)
        complain(world, "%s answers %d, which is no status", what, status);
    if (error->message[0] == '\0')
        complain(world, "%s fails (%s) without a message", what, flume_status_name(status));
}

static struct outcome check(struct world *world)
{
    flume_check_options options = {.allocator = &world->memory.table, .io = &world->fault.table};
    flume_check_report report = {0};
    flume_error error = {0};
    struct outcome outcome = {.status = flume_check(BASIN, &options, &report, &error)};

    judge(world, "check", outcome.status, &error);
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
    int status = flume_repair(BASIN, policy, &options, &report, &error);

    judge(world, "repair", status, &error);
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
    struct outcome outcome = {.status = flume_log_open(&log, BASIN, options, &error)};
    flume_log_stat_info info;

    judge(world, "open", outcome.status, &error);
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
        complain(world, "stat tells another head");
    (void)flume_log_close(log); /* What it could not make durable is not asked for here. */
    return outcome;
}

static struct outcome open_to_write(struct world *world)
{
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .lock_timeout_ns = 1000000000,
                                 .allocator = &world->memory.table,
                                 .io = &world->fault.table};

    return open_as(world, &options);
}

static struct outcome open_with_care(struct world *world)
{
    flume_log_options options = {.profile = FLUME_PROFILE_PARANOID,
                                 .lock_timeout_ns = 1000000000,
                                 .allocator = &world->memory.table,
                                 .io = &world->fault.table};

    return open_as(world, &options);
}

static const struct act acts[] = {
    {"open a sound one", nothing, open_with_care},
    {"open after a stop", machine_stopped, open_to_write},
    {"open after deaths", all_died, open_to_write},
    {"open without slots", all_died_and_slots_are_gone, open_to_write},
    {"open after a failed sync", a_sync_failed_and_took_records, open_to_write},
    {"open after a death in an append", died_in_an_append, open_to_write},
    {"open with damage in the newest", active_is_damaged, open_to_write},
    {"open a copy", copied_while_in_use, open_to_write},
    {"open with a torn tail", torn, open_to_write},
    {"open with a newest header damaged", the_newest_header_is_damaged, open_to_write},
    {"open with strata missing", two_strata_are_missing, open_to_write},
    {"open with the tail lost", the_tail_is_lost, open_to_write},
    {"check a copy", copied_while_in_use, check},
    {"check a torn tail", torn, check},
    {"check side files", side_files_are_damaged, check},
    {"check exchanged strata", strata_are_exchanged, check},
    {"check a broken batch", a_batch_is_broken, check},
    {"try to repair side files", side_files_are_damaged, try_it_dry},
    {"repair a sound one", nothing, salvage},
    {"repair a record", a_record_is_damaged, salvage},
    {"repair a batch", a_batch_is_broken, salvage},
    {"repair a header", a_header_is_damaged, salvage},
    {"repair the newest header", the_newest_header_is_damaged, salvage},
    {"repair a missing strata", a_strata_is_missing, salvage},
    {"repair two missing strata", two_strata_are_missing, salvage},
    {"repair exchanged strata", strata_are_exchanged, salvage},
    {"repair doubles", a_strata_is_there_twice, salvage},
    {"repair a short strata", a_strata_is_cut_short, salvage},
    {"repair a long strata", a_strata_is_too_long, salvage},
    {"refuse a lost tail", the_tail_is_lost, salvage},
    {"repair a lost tail", the_tail_is_lost, accept_loss},
    {"repair settings", settings_are_lost, salvage},
    {"repair side files", side_files_are_damaged, salvage},
};
enum { ACT_COUNT = sizeof acts / sizeof acts[0] };

/* --- Sweeps ---------------------------------------------------------------------------------------- */

struct tally {
    uint64_t runs, injected, failed;
};

static struct outcome healthy[ACT_COUNT];

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
        complain(world,
                 "afterwards %s, head %" PRIu64 ", %" PRIu64 " intact, %" PRIu64
                 " lost instead of %s, %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                 flume_status_name(outcome.status), outcome.head, outcome.intact, outcome.lost,
                 flume_status_name(healthy[act].status), healthy[act].head, healthy[act].intact,
                 healthy[act].lost);
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

        world_begin(&world);
        acts[act].damage(&world);
        faultio_plan(&world.fault, (struct fault_plan){.call = call, .nth = nth, .result = result});
        (void)acts[act].play(&world);
        reached = world.fault.injected > 0;
        tally->injected += world.fault.injected;
        settle(&world, act);
        note(tally, &world, fault_call_name(call), act, nth);
    }
}

static void sweep_memory(struct tally *tally, size_t act)
{
    bool reached = true;

    for (uint64_t nth = 1; reached; nth++) {
        struct world world;

        world_begin(&world);
        acts[act].damage(&world);
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
    return getenv("FLUME_LONG") == NULL && (call == FAULT_PREAD || call == FAULT_PWRITE) ? 3 : 1;
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

        world_begin(&world);
        acts[act].damage(&world);
        healthy[act] = acts[act].play(&world);
        settle(&world, act);
        note(&tally, &world, "nothing", act, 0);
    }
    expect_none_failed(&tally);
}

static void any_call_may_fail_once_anywhere(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++) {
        for (int call = 0; call < FAULT_CALLS; call++)
            sweep_call(&tally, act, (enum fault_call)call, call == FAULT_PREAD ? -EINTR : -EIO,
                       stride_of((enum fault_call)call));
    }
    expect_none_failed(&tally);
}

/* A page that does not read once may be lost to a repair, but not the strata that it is in. */
static void any_read_may_fail_with_a_medium_error(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++) {
        if (acts[act].damage != strata_are_exchanged) /* Only headers know whose files those are. */
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

    return cmocka_run_group_tests(tests, make_template, forget_template);
}
