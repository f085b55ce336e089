/*
 * test_crash_mend.c - a repair by parity that ends anywhere: the power goes, or the process dies,
 * at its Nth call, for every N. The next repair comes to the very bytes, and check finds nothing.
 */
#include "log_fixture.h"

#include "faultio.h"
#include "flume/seal.h"
#include "parity_strata.h"
#include "simdisk.h"

#define BASIN SIMDISK_ROOT "/basin.flume"
#define STRATA BASIN "/log/00000000000000000000.strata"
#define SIDE BASIN "/log/00000000000000000000.parity"

enum { STRATA_BYTES = 64 << 10, FILES_MAX = 24, PLACES_MAX = 2000, PATH_MAX_BYTES = 128 };

/* A file of the basin as it was sealed and closed. */
struct original {
    char path[PATH_MAX_BYTES];
    uint8_t *content;
    size_t bytes;
};

struct world {
    struct original files[FILES_MAX];
    size_t count;
};

enum ending { ENDING_POWER, ENDING_DEATH };

/* --- The basin --- */

static void fill(flume_log *log)
{
    static uint8_t body[1500];

    for (unsigned seed = 0; stat_of(log).strata_count < 3; seed++) {
        fill_bytes(body, sizeof body, seed);
        assert_int_equal(flume_log_append(log, body, sizeof body, NULL), FLUME_OK);
    }
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
}

static void remember_file(struct world *world, struct simdisk *disk, const char *path)
{
    struct original *file = &world->files[world->count];
    uint8_t *content = simdisk_content(disk, path, &file->bytes);

    if (content == NULL)
        return; /* A directory. */
    assert_true(world->count < FILES_MAX);
    world->count++;
    (void)snprintf(file->path, sizeof file->path, "%.100s", path);
    file->content = malloc(file->bytes + 1);
    assert_non_null(file->content);
    memcpy(file->content, content, file->bytes);
}

static int begin(void **state)
{
    static const flume_seal_options sealing = {.mode = FLUME_SEAL_ON_REQUEST,
                                               .parity = FLUME_PARITY_FILE | FLUME_PARITY_SOFT};
    struct simdisk *disk = simdisk_create(1);
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = STRATA_BYTES,
                                 .seal = &sealing,
                                 .io = simdisk_process(disk)};
    struct world *world = calloc(1, sizeof *world);
    flume_log *log = NULL;

    assert_non_null(world);
    assert_int_equal(flume_log_open(&log, BASIN, &options, NULL), FLUME_OK);
    fill(log);
    assert_int_equal(flume_log_seal(log, NULL, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    simdisk_reboot(disk);
    for (size_t i = 0; simdisk_name(disk, i) != NULL; i++)
        remember_file(world, disk, simdisk_name(disk, i));
    simdisk_destroy(disk);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < world->count; i++)
        free(world->files[i].content);
    free(world);
    return 0;
}

/* A disk with the basin on it. */
static struct simdisk *fresh_disk(const struct world *world, uint64_t seed)
{
    static const char *const folders[] = {"",       "/log",   "/subs", "/txn", "/lost+found",
                                          "/views", "/grains"};
    struct simdisk *disk = simdisk_create(seed);
    const flume_io *io = simdisk_process(disk);
    char path[PATH_MAX_BYTES];

    simdisk_set_writeback(disk, 0);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, sizeof path, BASIN "%s", folders[i]);
        (void)io->make_directory(io->ctx, path);
    }
    for (size_t i = 0; i < world->count; i++)
        simdisk_put(disk, world->files[i].path, world->files[i].content, world->files[i].bytes);
    simdisk_reboot(disk);
    return disk;
}

/* In both files of the first strata, as much as its parities can restore between them. */
static void damage_both(struct simdisk *disk)
{
    size_t bytes;
    uint8_t *content = simdisk_content(disk, STRATA, &bytes);

    assert_non_null(content);
    content[5000] ^= 1;
    content[bytes - 5000] ^= 1;
    content = simdisk_content(disk, SIDE, &bytes);
    assert_non_null(content);
    content[5000] ^= 1;
    simdisk_reboot(disk);
}

/* Who repairs, on a thread that may end in the midst of a call, with memory of its own. */
struct repairer {
    const flume_io *io;
    struct fault_memory memory;
    int status;
};

static void *repair_on_thread(void *ctx)
{
    struct repairer *repairer = ctx;
    flume_check_options options = {.io = repairer->io, .allocator = &repairer->memory.table};

    repairer->status = flume_repair(BASIN, FLUME_REPAIR_SALVAGE, &options, NULL, NULL);
    return NULL;
}

/* What the repair answers; nothing in particular if it was killed. */
static int repair(const flume_io *io)
{
    struct repairer repairer = {.io = io};
    pthread_t thread;

    fault_memory_init(&repairer.memory);
    assert_int_equal(pthread_create(&thread, NULL, repair_on_thread, &repairer), 0);
    (void)pthread_join(thread, NULL);
    if (simdisk_killed(io))
        assert_true(simdisk_reap(io));
    fault_memory_deinit(&repairer.memory);
    return repairer.status;
}

/* A sealed strata, or the parity beside one. Space of a raw one that was never written may be
 * anything. */
static bool is_sealed(const struct original *file)
{
    bool in_log = strstr(file->path, "/log/") != NULL;

    return in_log && file->bytes > 0 &&
           (strstr(file->path, ".parity") != NULL ||
            (strstr(file->path, ".strata") != NULL && file->content[10] == STRATA_SEALED));
}

static void expect_the_very_bytes(const struct world *world, struct simdisk *disk)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct original *file = &world->files[i];
        size_t bytes = 0;
        const uint8_t *content;

        if (!is_sealed(file))
            continue;
        content = simdisk_content(disk, file->path, &bytes);
        assert_non_null(content);
        assert_int_equal(bytes, file->bytes);
        assert_int_equal(bytes, file->bytes);
        assert_memory_equal(content, file->content, bytes);
    }
}

/* false: the repair came to its end before. */
static bool end_at(const struct world *world, uint64_t calls, enum ending ending)
{
    struct simdisk *disk = fresh_disk(world, calls + 1);
    const flume_io *io = simdisk_process(disk);
    flume_check_options options = {0};
    bool ended;

    damage_both(disk);
    if (ending == ENDING_POWER)
        simdisk_stop_after(disk, calls);
    else
        simdisk_kill_after(io, calls);
    (void)repair(io);
    ended = ending == ENDING_POWER ? simdisk_stopped(disk) : simdisk_killed(io);
    if (ended && ending == ENDING_POWER)
        simdisk_restart(disk);
    else if (ending == ENDING_POWER)
        simdisk_stop_after(disk, 0);
    io = simdisk_process(disk);
    assert_int_equal(repair(io), FLUME_OK);
    expect_the_very_bytes(world, disk);
    options.io = io;
    assert_int_equal(flume_check(BASIN, &options, NULL, NULL), FLUME_OK);
    simdisk_destroy(disk);
    return ended;
}

static void ends_anywhere(const struct world *world, enum ending ending)
{
    uint64_t calls = 1;

    while (end_at(world, calls, ending)) {
        assert_true(calls < PLACES_MAX);
        calls += getenv("FLUME_TEST_LONG") != NULL ? 1 : 3;
    }
    assert_true(calls > 30);
}

static void a_power_cut_anywhere_in_a_repair_by_parity_loses_nothing(void **state)
{
    ends_anywhere(*state, ENDING_POWER);
}

static void a_death_anywhere_in_a_repair_by_parity_loses_nothing(void **state)
{
    ends_anywhere(*state, ENDING_DEATH);
}

/* --- Beyond what parity restores --- */

/* Four cells of the one stripe that the first strata has: neither parity can help. */
static void damage_beyond_parity(struct simdisk *disk)
{
    size_t bytes;
    uint8_t *content = simdisk_content(disk, STRATA, &bytes);

    for (size_t at = 5000; at < 5000 + 4 * PARITY_CELL_BYTES; at += PARITY_CELL_BYTES)
        content[at] ^= 1;
    simdisk_reboot(disk);
}

/* Whenever the strata is another file than before, the parity of that one is not beside it. */
static bool die_at(const struct world *world, uint64_t calls)
{
    struct simdisk *disk = fresh_disk(world, calls + 1);
    const flume_io *io = simdisk_process(disk);
    size_t bytes, bytes_now, side_bytes, side_bytes_now;
    uint8_t *before, *side_before;
    const uint8_t *now, *side, *side_now;
    bool was_killed;

    damage_beyond_parity(disk);
    now = simdisk_content(disk, STRATA, &bytes);
    before = malloc(bytes);
    assert_non_null(before);
    memcpy(before, now, bytes);
    side = simdisk_content(disk, SIDE, &side_bytes);
    side_before = malloc(side_bytes);
    assert_non_null(side);
    assert_non_null(side_before);
    memcpy(side_before, side, side_bytes);
    simdisk_kill_after(io, calls);
    (void)repair(io);
    was_killed = simdisk_killed(io);
    now = simdisk_content(disk, STRATA, &bytes_now);
    assert_non_null(now);
    side_now = simdisk_content(disk, SIDE, &side_bytes_now);
    /* None, or one of its own. */
    if ((bytes_now != bytes || memcmp(now, before, bytes) != 0) && side_now != NULL)
        assert_true(side_bytes_now != side_bytes || memcmp(side_now, side_before, side_bytes) != 0);
    assert_int_equal(repair(simdisk_process(disk)), FLUME_OK);
    free(side_before);
    free(before);
    simdisk_destroy(disk);
    return was_killed;
}

static void a_replaced_strata_never_has_the_parity_of_the_other(void **state)
{
    uint64_t calls = 1;

    while (die_at(*state, calls)) {
        assert_true(calls < PLACES_MAX);
        calls++;
    }
    assert_true(calls > 30);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_anywhere_in_a_repair_by_parity_loses_nothing),
        cmocka_unit_test(a_death_anywhere_in_a_repair_by_parity_loses_nothing),
        cmocka_unit_test(a_replaced_strata_never_has_the_parity_of_the_other),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
