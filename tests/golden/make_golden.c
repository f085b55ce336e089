/*
 * make_golden.c - write the golden basins of this version (README.md says how to run it).
 *
 *   make_golden DIRECTORY    makes DIRECTORY/v1-NAME.flume/ and DIRECTORY/v1-NAME.ndjson for each
 *
 * Clock, chance and identity stand still, so the same program makes the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "flume/flume.h"
#include "golden_line.h"
#include "plain_reader.h"
#include "steady_io.h"

enum { STRATA_BYTES = 64 << 10, PATH_BYTES = 1024, DAMAGED_SEQ = 5 };
#define SECOND_NS UINT64_C(1000000000)

/* When a basin's files are taken. */
enum moment { AFTER_CLOSE, WHILE_OPEN };

struct golden {
    const char *name;
    void (*fill)(flume_log *log);
    enum moment moment;
    void (*harm)(const flume_io *io); /* What happens to the files then. NULL: nothing. */
    flume_seal_options seal;
};

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "make_golden: %s\n", what);
    exit(1);
}

/* --- What is in them --- */

static uint8_t zeros[STRATA_BYTES];

static void append_entry(flume_log *log, flume_entry entry)
{
    static unsigned second;

    entry.time_ns = STEADY_WALL_NS + ++second * SECOND_NS;
    require(flume_log_append_entry(log, &entry, NULL) == FLUME_OK, "append");
}

static void append_text(flume_log *log, const char *text)
{
    append_entry(log, (flume_entry){.body = text, .body_bytes = strlen(text)});
}

static void append_zeros(flume_log *log, size_t bytes)
{
    append_entry(log, (flume_entry){.body = zeros, .body_bytes = bytes});
}

static void sync_all(flume_log *log)
{
    require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "sync");
}

/* One of everything, over two strata; the second one begins after a sync. */
static void fill_clean(flume_log *log)
{
    static const char *const labels[] = {"red", "gr\xc3\xbcn"};

    append_text(log, "first");
    append_entry(log, (flume_entry){.body = "{\"a\":[1,2,3]}",
                                    .body_bytes = 13,
                                    .codec = FLUME_CODEC_JSON,
                                    .labels = labels,
                                    .label_count = 2});
    sync_all(log);
    append_zeros(log, 0);
    append_entry(log, (flume_entry){.body = "\0\xff\n\"", .body_bytes = 4, .codec = 16});
    append_entry(log, (flume_entry){.body = "mark", .body_bytes = 4, .kind = FLUME_KIND_BOOKMARK});
    append_entry(log, (flume_entry){.kind = FLUME_KIND_USER, .labels = labels, .label_count = 1});
    append_entry(log, (flume_entry){.body = "text", .body_bytes = 4, .codec = FLUME_CODEC_TEXT});
    append_zeros(log, 40000);
    append_zeros(log, 20000);
    append_text(log, "last");
}

static void append_batch(flume_log *log, size_t count, size_t body_bytes)
{
    flume_entry entries[16] = {{.body = NULL}};

    for (size_t i = 0; i < count; i++)
        entries[i] = (flume_entry){
            .body = zeros, .body_bytes = body_bytes + i, .time_ns = STEADY_WALL_NS + i};
    require(flume_log_append_many(log, entries, count, NULL, NULL) == FLUME_OK, "batch");
}

/* Batches of several sizes; the third does not fit the first strata and goes into the second. */
static void fill_batches(flume_log *log)
{
    append_batch(log, 2, 10);
    append_text(log, "between");
    append_batch(log, 16, 2000);
    append_batch(log, 15, 2500);
    append_batch(log, 1, 0);
}

/* A batch that no strata of 64 KiB takes has one of its own. */
static void fill_large_batch(flume_log *log)
{
    append_text(log, "before");
    append_batch(log, 5, 30000);
    append_text(log, "after");
}

/* Sealed strata, and a raw one behind them. */
static void fill_sealed(flume_log *log)
{
    static const flume_seal_call everything = {.active = true};

    fill_clean(log);
    fill_batches(log);
    sync_all(log);
    require(flume_log_seal(log, &everything, NULL) == FLUME_OK, "seal");
    append_text(log, "behind what is sealed");
}

/* Everything up to "durable" is so; the rest may be taken by a power cut. */
static void fill_torn(flume_log *log)
{
    append_text(log, "one");
    append_text(log, "durable");
    sync_all(log);
    append_text(log, "not durable, but whole");
    append_zeros(log, 3000);
}

/* --- What happens to them --- */

static const char first_strata[] = "b/log/00000000000000000000.strata";

static uint64_t grain_at(const uint8_t *file, size_t bytes, uint32_t ordinal,
                         struct plain_grain *out_grain)
{
    uint64_t offset = PLAIN_PAGE_BYTES;
    struct plain_strata strata;

    require(plain_strata_read(file, bytes, &strata), "strata");
    for (uint32_t i = 0; plain_grain_read(file, &strata, i, offset, out_grain); i++) {
        if (i == ordinal)
            return offset;
        offset = out_grain->end;
    }
    require(false, "grain");
    return 0;
}

/* The last record's second half never got to the disk. */
static void tear(const flume_io *io)
{
    struct plain_grain grain;
    uint8_t *file = NULL;
    size_t bytes;
    uint64_t offset;

    require(steady_io_read(io, first_strata, &file, &bytes) == 0, "read");
    offset = grain_at(file, bytes, 4, &grain);
    file[offset + 1000] = 0x55; /* And where there was a zero, there is something. */
    memset(file + offset + 2048, 0, (size_t)(grain.end - offset - 2048));
    require(steady_io_write(io, first_strata, file, bytes) == 0, "write");
    free(file);
}

static void damage(const flume_io *io)
{
    struct plain_grain grain;
    uint8_t *file = NULL;
    size_t bytes;
    uint64_t offset;

    require(steady_io_read(io, first_strata, &file, &bytes) == 0, "read");
    offset = grain_at(file, bytes, DAMAGED_SEQ, &grain);
    file[offset + PLAIN_GRAIN_HEADER_BYTES] ^= 0x10;
    require(steady_io_write(io, first_strata, file, bytes) == 0, "write");
    free(file);
}

/* --- Files --- */

struct copying {
    const flume_io *io;
    const char *folder; /* "", "log/", ... */
    const char *target;
};

static int copy_file(void *ctx, const char *name)
{
    const struct copying *copying = ctx;
    char path[2 * PATH_BYTES];
    uint8_t *data;
    size_t bytes;
    FILE *file;

    /* HEAD and LOCK belong to the machine that has the basin open. */
    if (strstr(name, ".tmp") != NULL || strcmp(name, "HEAD") == 0 || strcmp(name, "LOCK") == 0)
        return 0;
    (void)snprintf(path, sizeof path, "b/%s%s", copying->folder, name);
    if (steady_io_read(copying->io, path, &data, &bytes) != 0)
        return 0; /* A directory. */
    (void)snprintf(path, sizeof path, "%s/%s%s", copying->target, copying->folder, name);
    file = fopen(path, "wb");
    require(file != NULL && fwrite(data, 1, bytes, file) == bytes && fclose(file) == 0, path);
    free(data);
    return 0;
}

static void copy_basin(const flume_io *io, const char *target)
{
    static const char *const folders[] = {"", "log/", "subs/", "txn/", "lost+found/"};
    char path[2 * PATH_BYTES];

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        struct copying copying = {io, folders[i], target};

        (void)snprintf(path, sizeof path, "%s/%s", target, folders[i]);
        require(mkdir(path, 0777) == 0, path);
        (void)snprintf(path, sizeof path, "b/%s", folders[i]);
        path[strlen(path) - 1] = '\0';
        require(io->list(io->ctx, path, copy_file, &copying) == 0, path);
    }
}

static void write_lines(const flume_io *io, const char *path)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .io = io};
    char line[GOLDEN_LINE_BYTES];
    flume_log *log = NULL;
    FILE *file = fopen(path, "w");

    require(file != NULL, path);
    require(flume_log_open(&log, "b", &options, NULL) == FLUME_OK, "open to read");
    for (uint64_t seq = 0; seq < flume_log_head(log); seq++) {
        golden_line(log, seq, line);
        (void)fprintf(file, "%s\n", line);
    }
    require(fclose(file) == 0, path);
    require(flume_log_close(log) == FLUME_OK, "close");
}

/* Put the files of a directory into an empty world, as another machine would find them. */
static void bring_back(const flume_io *from, const flume_io *to)
{
    static const char *const directories[] = {"b", "b/log", "b/subs", "b/txn", "b/lost+found"};
    static const char *const names[] = {"b/flume.conf", "b/TAIL"};
    static const char *const endings[] = {"strata", "slots", "parity"};
    uint8_t *data;
    size_t bytes;

    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        (void)to->make_directory(to->ctx, directories[i]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        require(steady_io_read(from, names[i], &data, &bytes) == 0, names[i]);
        require(steady_io_write(to, names[i], data, bytes) == 0, names[i]);
        free(data);
    }
    for (unsigned seq = 0; seq < 256; seq++) {
        for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
            char path[64];

            (void)snprintf(path, sizeof path, "b/log/%020u.%s", seq, endings[i]);
            if (steady_io_read(from, path, &data, &bytes) != 0)
                continue;
            require(steady_io_write(to, path, data, bytes) == 0, path);
            free(data);
        }
    }
}

static void make(const struct golden *golden, const char *directory)
{
    static const flume_codec codec = {.name = "golden", .number = 16};
    flume_io world, found;
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .strata_bytes = STRATA_BYTES,
                                 .build = "1",
                                 .codecs = &codec,
                                 .codec_count = 1,
                                 .seal = &golden->seal,
                                 .io = &world};
    char path[PATH_BYTES];
    flume_log *log = NULL;

    require(steady_io_create(&world) == FLUME_OK, "world");
    steady_io_hold_helpers();
    require(flume_log_open(&log, "b", &options, NULL) == FLUME_OK, "open");
    golden->fill(log);
    if (golden->moment == AFTER_CLOSE) {
        sync_all(log);
        steady_io_release_helpers();
        require(flume_log_close(log) == FLUME_OK, "close");
        log = NULL;
    }
    require(steady_io_create(&found) == FLUME_OK, "world");
    bring_back(&world, &found);
    steady_io_release_helpers();
    require(flume_log_close(log) == FLUME_OK, "close");
    if (golden->harm != NULL)
        golden->harm(&found);
    (void)snprintf(path, sizeof path, "%s/v1-%s.flume", directory, golden->name);
    copy_basin(&found, path);
    (void)snprintf(path, sizeof path, "%s/v1-%s.ndjson", directory, golden->name);
    write_lines(&found, path);
    steady_io_destroy(&found);
    steady_io_destroy(&world);
}

int main(int argc, char **argv)
{
    static const struct golden goldens[] = {
        {"clean", fill_clean, AFTER_CLOSE, NULL},
        {"batches", fill_batches, AFTER_CLOSE, NULL},
        {"large-batch", fill_large_batch, AFTER_CLOSE, NULL},
        {"torn-tail", fill_torn, WHILE_OPEN, tear},
        {"damaged", fill_clean, AFTER_CLOSE, damage},
        {"sealed", fill_sealed, AFTER_CLOSE, NULL},
        {"sealed-parity",
         fill_sealed,
         AFTER_CLOSE,
         NULL,
         {.parity = FLUME_PARITY_FILE | FLUME_PARITY_SOFT,
          .parity_data = 4,
          .parity_cells = 2,
          .block_bytes = FLUME_BLOCK_BYTES_MIN}},
    };

    require(argc == 2, "usage: make_golden DIRECTORY");
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++)
        make(&goldens[i], argv[1]);
    return 0;
}
