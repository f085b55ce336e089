/*
 * fuzz_sealed.c - libFuzzer on sealed strata files: whatever is in one, the library answers.
 *
 * A basin of two sealed strata and a raw one is made once, in memory. Each input changes the first
 * or the second file, or is it; the basin is then read, checked, repaired and read again. Checked
 * besides not crashing:
 *   - No more memory is taken than ALLOCATION_MAX, and no file is made longer than FUZZ_FILE_MAX.
 *   - A record that reads back is the one that was written at its seq.
 *   - What a repair calls done is sound.
 * The last two do not hold of forgeries: inputs whose checks were made to fit again.
 *
 * The input:  byte 0: enum fix, whose checks are made to fit; FIX_WHOLE: the rest is the file
 *             byte 1: enum life
 *             then changes: offset u16, count; count & 31 bytes that are turned over there, unless
 *             count says to cut the file at the offset or to zero 256 bytes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "flume/flume.h"
#include "flume/seal.h"
#include "fuzz_world.h"
#include "sealed_file.h"
#include "steady_io.h"

enum {
    PATH_BYTES_MAX = 128,
    FILES_MAX = 16,
    STRATA_BYTES = 64 << 10,
    COUNT_BYTES = 31,
    COUNT_CUT = 64,
    COUNT_ZERO = 128,
    ZERO_BYTES = 256
};
#define ALLOCATION_MAX ((size_t)512 << 20)

enum fix { FIX_HEADER = 1, FIX_BLOCKS = 2, FIX_SECTIONS = 4, FIX_FOOTER = 8, FIX_WHOLE = 16 };
enum life { LIFE_SECOND = 1, LIFE_REPAIR = 2, LIFE_WRITE = 4, LIFE_MACHINE_STOP = 8 };

struct file {
    char name[64];
    uint8_t *data;
    size_t bytes;
};

/* What every input starts from. Made once. */
static struct {
    struct file files[FILES_MAX];
    size_t count;
    size_t sealed[2]; /* Indexes into files. */
    struct fuzz_written written;
    bool made;
} template;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* --- The template ----------------------------------------------------------------------------- */

static const flume_seal_options on_request = {
    .mode = FLUME_SEAL_ON_REQUEST, .block_bytes = FLUME_BLOCK_BYTES_MIN, .strata_bytes_min = 1};

static flume_log_options log_options(const flume_io *io)
{
    return (flume_log_options){
        .profile = FLUME_PROFILE_FORGETFUL,
        .io_mode = FLUME_IO_PWRITE,
        .lock_timeout_ns = 200000000,
        .allocator = fuzz_allocator(),
        .io = io,
        .seal = &on_request,
    };
}

static void fill(flume_log *log, unsigned count)
{
    static uint8_t body[4096];

    for (unsigned i = 0; i < count; i++) {
        const char *label = i % 7 == 0 ? "seventh" : "other";
        flume_entry entries[2] = {
            {.body = body, .body_bytes = i * 53 % 900, .labels = &label, .label_count = 1},
            {.body = "second of two", .body_bytes = 13, .kind = FLUME_KIND_USER}};

        memset(body, (int)i, i * 31 % 300);
        require(flume_log_append_many(log, entries, 1 + i % 2, NULL, NULL) == FLUME_OK, "append");
    }
    require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "sync");
}

static int take_file(void *ctx, const char *name)
{
    const flume_io *io = ctx;
    struct file *file = &template.files[template.count];
    char path[PATH_BYTES_MAX];

    if (template.count == FILES_MAX || strstr(name, ".tmp") != NULL)
        return 0;
    (void)snprintf(file->name, sizeof file->name, "log/%.50s", name);
    (void)snprintf(path, sizeof path, "b/log/%.50s", name);
    if (steady_io_read(io, path, &file->data, &file->bytes) == 0)
        template.count++;
    return 0;
}

static void take_file_of_basin(const flume_io *io, const char *name)
{
    struct file *file = &template.files[template.count];
    char path[PATH_BYTES_MAX];

    (void)snprintf(file->name, sizeof file->name, "%s", name);
    (void)snprintf(path, sizeof path, "b/%s", name);
    if (steady_io_read(io, path, &file->data, &file->bytes) == 0)
        template.count++;
}

static void find_sealed(void)
{
    struct strata_header header;
    size_t found = 0;

    for (size_t i = 0; i < template.count && found < 2; i++) {
        if (template.files[i].bytes >= STRATA_PAGE_BYTES &&
            strata_header_decode(template.files[i].data, &header) == FLUME_OK &&
            header.form == STRATA_SEALED)
            template.sealed[found++] = i;
    }
    require(found == 2, "template: two sealed strata");
}

static void template_make(void)
{
    flume_log_options options;
    flume_log *log = NULL;
    flume_io io;

    if (template.made)
        return;
    fuzz_world_create(&io, ALLOCATION_MAX);
    options = log_options(&io);
    options.flags = FLUME_OPEN_CREATE;
    options.strata_bytes = STRATA_BYTES;
    require(flume_log_open(&log, "b", &options, NULL) == FLUME_OK, "template: open");
    fill(log, 300);
    require(flume_log_seal(log, NULL, NULL) == FLUME_OK, "template: seal");
    fill(log, 10);
    fuzz_remember(log, &template.written);
    require(flume_log_close(log) == FLUME_OK, "template: close");
    take_file_of_basin(&io, "flume.conf");
    take_file_of_basin(&io, "TAIL");
    (void)io.list(io.ctx, "b/log", take_file, &io);
    find_sealed();
    steady_io_destroy(&io);
    template.made = true;
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void change(struct file *file, const uint8_t *input, size_t bytes)
{
    while (bytes >= 3 && file->bytes > 0) {
        size_t at = (input[0] | (size_t)input[1] << 8) % file->bytes;
        unsigned count = input[2];
        size_t used = count & COUNT_BYTES;

        input += 3;
        bytes -= 3;
        if ((count & COUNT_CUT) != 0)
            file->bytes = at;
        if ((count & COUNT_ZERO) != 0)
            memset(file->data + at, 0,
                   file->bytes - at < ZERO_BYTES ? file->bytes - at : ZERO_BYTES);
        if (used > bytes)
            used = bytes;
        for (size_t i = 0; i < used && at + i < file->bytes; i++)
            file->data[at + i] ^= input[i];
        input += used;
        bytes -= used;
    }
}

static void fix_page(uint8_t *page)
{
    uint64_t check = XXH3_64bits(page, STRATA_PAGE_BYTES - 8);

    memcpy(page + STRATA_PAGE_BYTES - 8, &check, sizeof check);
}

/* Every block that may be one where the one before it ends. */
static void fix_blocks(struct file *file, uint64_t salt)
{
    uint64_t at = STRATA_DATA_AT;
    struct sealed_block block;

    while (at + SEALED_BLOCK_HEADER_BYTES <= file->bytes &&
           sealed_block_peek(file->data + at, &block) &&
           sealed_block_bytes(block.stored_bytes) <= file->bytes - at) {
        sealed_block_encode(file->data + at, &block, salt, at);
        at += sealed_block_bytes(block.stored_bytes);
    }
}

static void fix_sections(uint8_t *data, uint64_t bytes, struct sealed_footer *footer)
{
    for (uint32_t i = 0; i < footer->section_count; i++) {
        struct sealed_section *section = &footer->sections[i];

        if (section->offset <= bytes && section->bytes <= bytes - section->offset)
            section->check = XXH3_64bits_withSeed(data + section->offset, (size_t)section->bytes,
                                                  footer->salt + section->offset);
    }
}

static void fix(struct file *file, unsigned fixes)
{
    uint8_t *last = file->data + file->bytes - STRATA_PAGE_BYTES;
    struct sealed_footer footer;
    uint64_t salt;

    if (file->bytes < 3 * STRATA_PAGE_BYTES)
        return;
    memcpy(&salt, file->data + STRATA_SALT_AT, sizeof salt);
    if ((fixes & FIX_HEADER) != 0)
        fix_page(file->data);
    if ((fixes & FIX_BLOCKS) != 0)
        fix_blocks(file, salt);
    if ((fixes & FIX_FOOTER) != 0)
        fix_page(last);
    if ((fixes & FIX_SECTIONS) == 0 || sealed_footer_decode(last, &footer) != FLUME_OK)
        return;
    fix_sections(file->data, file->bytes, &footer);
    sealed_footer_encode(last, &footer);
}

/* --- What is done with it --------------------------------------------------------------------- */

struct run {
    flume_io io;
    bool forged;
};

static void expect_written(const struct run *run, const flume_record *record)
{
    uint64_t digest = fuzz_record_digest(record); /* Every byte can be read. */

    if (run->forged || record->seq >= template.written.head || record->kind == FLUME_KIND_LOST)
        return;
    require(digest == template.written.digests[record->seq], "another record than was written");
}

static void read_with(const struct run *run, flume_log *log, const flume_cursor_options *options)
{
    flume_cursor *cursor = NULL;
    flume_record record;

    if (flume_cursor_open(log, options, &cursor) != FLUME_OK)
        return;
    for (unsigned i = 0; i < 2 * FUZZ_RECORDS_MAX; i++) {
        int status = flume_cursor_next(cursor, 0, &record);

        if (status == FLUME_OK)
            expect_written(run, &record);
        else if (status != FLUME_ERR_DAMAGED && status != FLUME_ERR_LOST)
            break;
    }
    flume_cursor_close(cursor);
}

static void read_all(const struct run *run, unsigned life)
{
    const flume_cursor_options readings[] = {
        {.flags = FLUME_CURSOR_MANIFESTS | FLUME_CURSOR_SKIP_DAMAGED},
        {.flags = FLUME_CURSOR_REVERSE | FLUME_CURSOR_SKIP_DAMAGED, .label = "seventh"}};
    flume_log_options options = log_options(&run->io);
    flume_grain_index *index = NULL;
    uint64_t first, end, prefix, seq;
    flume_log *log = NULL;

    options.flags = (life & LIFE_WRITE) != 0 ? 0 : FLUME_OPEN_READ_ONLY;
    if (flume_log_open(&log, "b", &options, NULL) != FLUME_OK)
        return;
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++)
        read_with(run, log, &readings[i]);
    for (seq = 0; seq < template.written.head; seq += 3) {
        flume_record record;

        if (flume_log_get(log, seq, &record) == FLUME_OK) {
            expect_written(run, &record);
            flume_record_release(&record);
        }
    }
    if (flume_grain_index_open(log, 0, &index, &first, &end) == FLUME_OK) {
        for (unsigned i = 0; i < 2 * FUZZ_RECORDS_MAX; i++) {
            if (flume_grain_index_next(index, &prefix, &seq) != FLUME_OK)
                break;
        }
        flume_grain_index_close(index);
    }
    (void)flume_log_close(log);
}

static void check_and_repair(const struct run *run, unsigned life)
{
    flume_check_options options = {
        .finding = fuzz_see_finding, .allocator = fuzz_allocator(), .io = &run->io};
    flume_check_report report;
    flume_error error;

    (void)flume_check("b", &options, &report, NULL);
    if ((life & LIFE_REPAIR) == 0)
        return;
    if (flume_repair("b", FLUME_REPAIR_SALVAGE, &options, &report, NULL) != FLUME_OK || run->forged)
        return;
    if (flume_check("b", &options, &report, &error) != FLUME_OK)
        (void)fprintf(stderr, "fuzz_sealed: %s\n", error.message);
    require(report.sound, "repaired, but not sound");
}

static void basin_put(const flume_io *io, size_t changed, const struct file *file)
{
    char path[PATH_BYTES_MAX];

    fuzz_world_make_folders(io);
    for (size_t i = 0; i < template.count; i++) {
        const struct file *source = i == changed ? file : &template.files[i];

        (void)snprintf(path, sizeof path, "b/%s", source->name);
        require(steady_io_write(io, path, source->data, source->bytes) == 0, "cannot make a file");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct run run = {.forged = false};
    struct file file;
    unsigned fixes, life;
    size_t changed;

    if (bytes < 2)
        return 0;
    template_make();
    fixes = data[0];
    life = data[1];
    changed = template.sealed[life & LIFE_SECOND];
    file = template.files[changed];
    run.forged = (fixes & (FIX_WHOLE | (FIX_WHOLE - 1))) != 0;
    if ((fixes & FIX_WHOLE) != 0)
        file.bytes = bytes - 2;
    file.data = malloc(file.bytes + 1);
    require(file.data != NULL, "no memory");
    if ((fixes & FIX_WHOLE) != 0)
        memcpy(file.data, data + 2, file.bytes);
    else
        memcpy(file.data, template.files[changed].data, file.bytes);
    if ((fixes & FIX_WHOLE) == 0)
        change(&file, data + 2, bytes - 2);
    fix(&file, fixes);
    fuzz_world_create(&run.io, ALLOCATION_MAX);
    basin_put(&run.io, changed, &file);
    read_all(&run, life & ~(unsigned)LIFE_WRITE);
    check_and_repair(&run, life);
    read_all(&run, life);
    steady_io_destroy(&run.io);
    free(file.data);
    fuzz_require_released();
    return 0;
}
