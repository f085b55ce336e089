/*
 * fuzz_strata.c - libFuzzer on the files of a basin: whatever is in them, the library answers.
 *
 * A basin is made once, in memory. Each input is a list of changes to its files; the basin so
 * damaged is checked, read, written to, repaired and opened again. Checked besides not crashing:
 *   - No more memory is taken than ALLOCATION_MAX, and no file is made longer than FUZZ_FILE_MAX.
 *   - A record that reads back is the one that was written at its seq.
 *   - What a repair calls done is sound, opens, and takes records.
 * The last two do not hold of forgeries: of an input whose checks were made to fit again; that
 * changes HEAD, which is the memory of living processes and believed as such; or that puts a copy
 * of one strata in the place of another and then damages what tells the two apart.
 *
 * The input:  byte 0: enum fix, whose checks are made to fit
 *             byte 1: enum world and enum life: how the basin is found, what is done with it
 *             then changes, see forged_basin.h
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flume/flume.h"
#include "forged_basin.h"
#include "fuzz_world.h"
#include "head.h"
#include "steady_io.h"

enum { PATH_BYTES = 128, READS_MAX = 400, STRATA_BYTES = 64 << 10 };
#define ALLOCATION_MAX ((size_t)256 << 20)

enum world {
    WORLD_KILLED = 1,       /* HEAD is as a killed process left it. */
    WORLD_MACHINE_STOP = 2, /* There is no HEAD of this boot. */
    WORLD_PWRITE = 4,
    WORLD_SAFE = 8, /* Else forgetful. */
    WORLD_ACCEPT_LOSS = 16,
    WORLD_DRY_RUN = 128 /* Before a repair. */
};

/* What is done with it: byte 1 / 32 % 4. Not everything each time, for speed. */
enum life { LIFE_READ, LIFE_WRITE, LIFE_REPAIR, LIFE_WRITE_REPAIR };

/* What every input starts from. Made once. */
static struct {
    struct basin closed, killed;
    struct fuzz_written written;
    bool made;
} template;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* --- The template --- */

static flume_log_options log_options(const flume_io *io, unsigned world)
{
    return (flume_log_options){
        .profile = (world & WORLD_SAFE) != 0 ? FLUME_PROFILE_SAFE : FLUME_PROFILE_FORGETFUL,
        .io_mode = (world & WORLD_PWRITE) != 0 ? FLUME_IO_PWRITE : FLUME_IO_AUTO,
        .lock_timeout_ns = 200000000,
        .allocator = fuzz_allocator(),
        .io = io,
    };
}

static void append_sized(flume_log *log, size_t body_bytes, const char *label)
{
    static const uint8_t body[STRATA_BYTES];
    flume_entry entry = {.body = body,
                         .body_bytes = body_bytes,
                         .labels = &label,
                         .label_count = label != NULL ? 1 : 0,
                         .codec = label != NULL ? FLUME_CODEC_JSON : FLUME_CODEC_RAW,
                         .time_ns = STEADY_WALL_NS + body_bytes * 1000000000};

    require(flume_log_append_entry(log, &entry, NULL) == FLUME_OK, "template: append");
}

static void append_batch(flume_log *log, size_t body_bytes)
{
    static const uint8_t body[STRATA_BYTES];
    flume_entry entries[3] = {{.body = body, .body_bytes = body_bytes, .kind = FLUME_KIND_USER},
                              {.body = "two", .body_bytes = 3},
                              {.body = body, .body_bytes = body_bytes}};

    require(flume_log_append_many(log, entries, 3, NULL, NULL) == FLUME_OK, "template: batch");
}

static int take_record(void *ctx, const flume_record *record)
{
    (void)ctx;
    return record->seq >= 5 ? 1 : 0;
}

/* A named subscription that has seen a few records, so that subs/ has a file. */
static void subscribe_for_a_while(const flume_io *io, flume_log *log)
{
    flume_subscribe_options options = {.name = "watch"};
    flume_subscription *subscription = NULL;

    require(flume_subscribe(log, &options, take_record, NULL, &subscription) == FLUME_OK,
            "template: subscribe");
    while (flume_subscription_position(subscription) < 5)
        io->sleep(io->ctx, 1000000);
    flume_unsubscribe(subscription);
}

/* Several strata with footers, one of them a large batch; labels, batches, witnesses. */
static void fill_template(flume_log *log)
{
    append_sized(log, 13, "first");
    append_batch(log, 20);
    require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "template: sync");
    for (size_t i = 0; i < 12; i++)
        append_sized(log, i * 1000, i % 3 == 0 ? "third" : NULL);
    require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "template: sync");
    append_batch(log, 30000);
    append_sized(log, 200, "after");
    append_batch(log, 100);
    require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "template: sync");
    append_sized(log, 0, NULL);
}

struct listing {
    const flume_io *io;
    const char *folder;
    struct basin *basin;
};

static int take_file(void *ctx, const char *name)
{
    const struct listing *listing = ctx;
    struct file *file = &listing->basin->files[listing->basin->count];
    char path[PATH_BYTES];

    if (strstr(name, ".tmp") != NULL || listing->basin->count == FORGED_FILES_MAX)
        return 0;
    (void)snprintf(file->name, sizeof file->name, "%.20s%.40s", listing->folder, name);
    (void)snprintf(path, sizeof path, "b/%s", file->name);
    if (steady_io_read(listing->io, path, &file->data, &file->bytes) == 0)
        listing->basin->count++;
    return 0;
}

static void take_basin(const flume_io *io, struct basin *out_basin)
{
    static const char *const folders[] = {"", "log/", "subs/"};
    char path[PATH_BYTES];

    out_basin->count = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        struct listing listing = {io, folders[i], out_basin};

        (void)snprintf(path, sizeof path, "b/%s", folders[i]);
        path[strlen(path) - 1] = '\0';
        (void)io->list(io->ctx, path, take_file, &listing);
    }
}

static void template_make(void)
{
    flume_io io;
    flume_log_options options;
    flume_log *log = NULL;

    if (template.made)
        return;
    fuzz_world_create(&io, ALLOCATION_MAX);
    options = log_options(&io, 0);
    options.flags = FLUME_OPEN_CREATE;
    options.strata_bytes = STRATA_BYTES;
    steady_io_hold_helpers();
    require(flume_log_open(&log, "b", &options, NULL) == FLUME_OK, "template: open");
    fill_template(log);
    take_basin(&io, &template.killed);
    steady_io_release_helpers();
    subscribe_for_a_while(&io, log);
    fuzz_remember(log, &template.written);
    require(flume_log_close(log) == FLUME_OK, "template: close");
    take_basin(&io, &template.closed);
    steady_io_destroy(&io);
    template.made = true;
}

/* --- A basin of its own for each input --- */

/* HEAD names the LOCK it belongs to; this world's has another number. */
static void adopt_head(const flume_io *io, struct file *file)
{
    int lock = io->open(io->ctx, "b/LOCK", FLUME_IO_WRITE | FLUME_IO_CREATE);
    flume_io_stat lock_stat = {0};

    if (lock >= 0) {
        (void)io->stat(io->ctx, lock, &lock_stat);
        io->close(io->ctx, lock);
    }
    if (file->bytes < sizeof(struct head))
        return;
    memcpy(file->data + offsetof(struct head, lock_device), &lock_stat.device, 8);
    memcpy(file->data + offsetof(struct head, lock_inode), &lock_stat.inode, 8);
}

static void basin_put(const flume_io *io, struct basin *basin, unsigned world)
{
    char path[PATH_BYTES];

    fuzz_world_make_folders(io);
    for (size_t i = 0; i < basin->count; i++) {
        struct file *file = &basin->files[i];

        if (file->deleted || strcmp(file->name, "LOCK") == 0)
            continue;
        if (strcmp(file->name, "HEAD") == 0) {
            if ((world & WORLD_MACHINE_STOP) != 0)
                continue;
            adopt_head(io, file);
        }
        (void)snprintf(path, sizeof path, "b/%s", file->name);
        require(steady_io_write(io, path, file->data, file->bytes) == 0, "cannot make a file");
    }
}

/* --- What is done with it --- */

struct run {
    flume_io io;
    unsigned world;
    bool forged;           /* See the head of this file. */
    uint64_t changed_from; /* Records from here on may be ours. */
};

static void expect_written(const struct run *run, const flume_record *record)
{
    uint64_t digest = fuzz_record_digest(record); /* Every byte can be read. */

    if (run->forged || record->seq >= run->changed_from)
        return;
    if (record->kind == FLUME_KIND_LOST || (record->flags & FLUME_RECORD_BROKEN) != 0)
        return; /* A repair's work. */
    require(record->seq < template.written.head, "a record that was never written");
    require(digest == template.written.digests[record->seq], "another record than was written");
}

static void read_labels(const flume_record *record)
{
    size_t position = 0;
    flume_label label;

    while (flume_record_label(record, &position, &label))
        require(label.text + label.bytes <= (const char *)record->meta + record->meta_bytes,
                "a label outside its record");
}

static void read_with(const struct run *run, flume_log *log, const flume_cursor_options *options)
{
    flume_cursor *cursor = NULL;
    flume_record record;

    if (flume_cursor_open(log, options, &cursor) != FLUME_OK)
        return;
    for (unsigned i = 0; i < READS_MAX; i++) {
        int status = flume_cursor_next(cursor, 0, &record);

        if (status == FLUME_OK) {
            expect_written(run, &record);
            read_labels(&record);
        } else if (status != FLUME_ERR_DAMAGED && status != FLUME_ERR_LOST) {
            break;
        }
    }
    flume_cursor_close(cursor);
}

static void get_some(const struct run *run, flume_log *log)
{
    uint64_t head = flume_log_head(log);

    for (uint64_t seq = 0; seq < head && seq < 40; seq++) {
        uint64_t from_end = head - 1 - seq;
        flume_manifest manifest;
        flume_record record;

        if (flume_log_get(log, from_end, &record) != FLUME_OK)
            continue;
        expect_written(run, &record);
        if (flume_log_envelope(log, from_end, &manifest) == FLUME_OK)
            flume_manifest_release(&manifest);
        flume_record_release(&record);
    }
}

static void read_all(const struct run *run, flume_log *log)
{
    static const uint8_t kinds[] = {FLUME_KIND_MESSAGE, FLUME_KIND_USER};
    const flume_cursor_options readings[] = {
        {.flags = FLUME_CURSOR_MANIFESTS},
        {.flags = FLUME_CURSOR_REVERSE | FLUME_CURSOR_SKIP_DAMAGED},
        {.flags = FLUME_CURSOR_SKIP_DAMAGED,
         .label = "third",
         .since_ns = STEADY_WALL_NS + 2000000000000,
         .until_ns = STEADY_WALL_NS + 9000000000000},
        {.flags = FLUME_CURSOR_DURABLE, .kinds = kinds, .kind_count = 2, .since_ns = 1}};
    uint64_t seq;

    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++)
        read_with(run, log, &readings[i]);
    get_some(run, log);
    (void)flume_log_last(log, FLUME_KIND_USER, &seq);
    (void)flume_subscription_remembered(log, "watch", &seq);
}

static void append_some(flume_log *log)
{
    static const uint8_t body[20000];
    const char *label = "new";
    flume_entry entries[3] = {{.body = body, .body_bytes = sizeof body},
                              {.labels = &label, .label_count = 1},
                              {.body = body, .body_bytes = 77}};

    (void)flume_log_append(log, body, 100, NULL);
    (void)flume_log_append_many(log, entries, 3, NULL, NULL);
    (void)flume_log_sync(log, FLUME_SEQ_NONE);
}

static void open_and_read(struct run *run, unsigned flags)
{
    flume_log_options options = log_options(&run->io, run->world);
    flume_log_stat_info info;
    flume_log *log = NULL;

    options.flags = flags;
    if (flume_log_open(&log, "b", &options, NULL) != FLUME_OK)
        return;
    (void)flume_log_stat(log, &info);
    read_all(run, log);
    if ((flags & FLUME_OPEN_READ_ONLY) == 0) {
        if (flume_log_head(log) < run->changed_from)
            run->changed_from = flume_log_head(log);
        append_some(log);
        read_all(run, log);
    }
    (void)flume_log_close(log);
}

static int check_basin(const struct run *run, flume_check_report *out_report,
                       flume_error *out_error)
{
    flume_check_options options = {
        .finding = fuzz_see_finding, .allocator = fuzz_allocator(), .io = &run->io};

    memset(out_report, 0, sizeof *out_report);
    return flume_check("b", &options, out_report, out_error);
}

/* As require(), for what the library answers: its own words help to see why. */
static void require_ok(int status, const flume_error *error, const char *what)
{
    if (status != FLUME_OK)
        (void)fprintf(stderr, "fuzz_strata: %s\n", error->message);
    require(status == FLUME_OK, what);
}

/* What a repair calls done must be sound, open, and take a record. */
static void repair_basin(struct run *run)
{
    enum flume_repair_policy policy =
        (run->world & WORLD_ACCEPT_LOSS) != 0 ? FLUME_REPAIR_ACCEPT_LOSS : FLUME_REPAIR_SALVAGE;
    flume_check_options options = {
        .finding = fuzz_see_finding, .allocator = fuzz_allocator(), .io = &run->io};
    flume_log_options open_options = log_options(&run->io, run->world);
    flume_check_report report;
    flume_error error;
    flume_log *log = NULL;
    int status;

    if ((run->world & WORLD_DRY_RUN) != 0)
        (void)flume_repair("b", FLUME_REPAIR_DRY_RUN, &options, &report, NULL);
    if (flume_repair("b", policy, &options, &report, NULL) != FLUME_OK || run->forged)
        return;
    require_ok(check_basin(run, &report, &error), &error, "repaired, but not sound");
    require(report.sound, "repaired, but not called sound");
    require_ok(flume_log_open(&log, "b", &open_options, &error), &error,
               "repaired, but does not open");
    if (flume_log_head(log) < run->changed_from)
        run->changed_from = flume_log_head(log);
    status = flume_log_append(log, "x", 1, NULL);
    flume_log_error(log, &error);
    require_ok(status, &error, "repaired, but cannot be written");
    read_all(run, log);
    (void)flume_log_close(log);
}

static void live_through(struct run *run)
{
    flume_check_report report;
    flume_error error;

    switch ((enum life)(run->world / 32 % 4)) {
    case LIFE_READ:
        (void)check_basin(run, &report, &error);
        open_and_read(run, FLUME_OPEN_READ_ONLY);
        break;
    case LIFE_WRITE:
        open_and_read(run, 0);
        open_and_read(run, FLUME_OPEN_READ_ONLY);
        (void)check_basin(run, &report, &error);
        break;
    case LIFE_REPAIR:
        repair_basin(run);
        break;
    case LIFE_WRITE_REPAIR:
        open_and_read(run, 0);
        repair_basin(run);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct run run = {.changed_from = FLUME_SEQ_NONE};
    struct basin basin;

    if (bytes < 2)
        return 0;
    template_make();
    run.world = data[1];
    forged_copy(&basin, (run.world & WORLD_KILLED) != 0 ? &template.killed : &template.closed);
    forged_change(&basin, data + 2, bytes - 2);
    forged_fix(&basin, data[0]);
    run.forged = basin.forged || (data[0] & FIX_ANY) != 0;
    fuzz_world_create(&run.io, ALLOCATION_MAX);
    basin_put(&run.io, &basin, run.world);
    forged_release(&basin);
    live_through(&run);
    steady_io_destroy(&run.io);
    fuzz_require_released();
    return 0;
}
