/*
 * test_crash_blob.c - whoever puts blobs is killed at random moments, or the basin is copied
 * meanwhile.
 *
 * Afterwards every blob that is recorded is whole, no chunk is there twice, and putting goes on.
 *
 *   FLUME_KILLS  how many kills, and a third as many copies (default 12; FLUME_TEST_LONG: 300)
 *   FLUME_SEED   where chance begins
 */
#include "blob_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leave.h"

enum {
    MIB = 1 << 20,
    CHUNK = 16 << 10,
    CONTENTS = 5, /* That come again and again, and share chunks. */
    STREAM_BYTES = 4 * MIB,
    CONTENT_BYTES = MIB + MIB / 4,
    KILLS = 12,
    KILLS_LONG = 300,
    PUTTERS = 2
};

static uint64_t number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t kills(void)
{
    return number("FLUME_KILLS", getenv("FLUME_TEST_LONG") != NULL ? KILLS_LONG : KILLS);
}

static uint64_t seed(void)
{
    uint64_t chance = number("FLUME_SEED", (uint64_t)time(NULL));

    print_message("FLUME_SEED=%" PRIu64 "\n", chance);
    return chance;
}

static uint64_t below(uint64_t *io_chance, uint64_t limit)
{
    *io_chance = *io_chance * 6364136223846793005u + 1442695040888963407u;
    return (*io_chance >> 33) % limit;
}

static void pause_ns(uint64_t ns)
{
    struct timespec time = {.tv_nsec = (long)ns};

    (void)nanosleep(&time, NULL);
}

/* A stretch of one stream of bytes, so that different contents have chunks in common. */
static int put_some(flume *handle, const uint8_t *stream, uint64_t *io_chance)
{
    static const char *const names[] = {"one", "two", "three"};
    flume_blob_options options = {.chunk_bytes = CHUNK, .name = names[below(io_chance, 3)]};
    size_t from = below(io_chance, 3) == 0 ? (size_t)below(io_chance, CONTENTS) * 8 * CHUNK
                                           : (size_t)below(io_chance, 2 * MIB);
    size_t bytes = below(io_chance, 4) == 0 ? 100 : CONTENT_BYTES;

    return flume_blob_put(handle, stream + from, bytes, &options, NULL);
}

/* Until it is killed. */
static pid_t start_putter(struct blob_fixture *fx, uint64_t chance)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        flume_options options = {.log = {.flags = FLUME_OPEN_CREATE,
                                         .profile = (enum flume_profile)(1 + below(&chance, 3))}};
        uint8_t *stream = made(STREAM_BYTES, 1);
        flume *handle = NULL;
        int status = flume_open(&handle, fx->base->path, &options, NULL);

        while (status == FLUME_OK)
            status = put_some(handle, stream, &chance);
        leave(1);
    }
    return pid;
}

static void end_putter(pid_t pid)
{
    int ending = 0;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &ending, 0), pid);
    assert_true(WIFSIGNALED(ending)); /* It did not end by itself: no put was refused. */
}

struct judging {
    struct blob_fixture *fx;
    uint64_t blobs;
};

static int judge(void *ctx, const flume_blob_info *info)
{
    struct judging *judging = ctx;

    expect_sound(judging->fx, info->seq, info->bytes);
    judging->blobs++;
    return 0;
}

/* Every blob is whole. */
static uint64_t expect_all_sound(struct blob_fixture *fx)
{
    struct judging judging = {.fx = fx};

    expect_flume(fx, flume_blob_list(fx->flume, NULL, NULL, judge, &judging), FLUME_OK);
    return judging.blobs;
}

static void expect_once(struct blob_fixture *fx)
{
    flume_blob_totals totals;

    expect_flume(fx, flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, &totals), FLUME_OK);
    assert_int_equal(totals.blobs_bad, 0);
    assert_int_equal(totals.duplicates, 0);
}

static void close_blobs(struct blob_fixture *fx)
{
    assert_int_equal(flume_close(fx->flume), FLUME_OK);
    fx->flume = NULL;
}

static void killed_puts_leave_whole_blobs_and_no_chunk_twice(void **state)
{
    struct blob_fixture *fx = *state;
    uint64_t chance = seed(), blobs = 0;

    close_blobs(fx);
    for (uint64_t i = 0; i < kills(); i++) {
        pid_t pids[PUTTERS];

        for (size_t k = 0; k < PUTTERS; k++)
            pids[k] = start_putter(fx, below(&chance, UINT32_MAX));
        pause_ns(below(&chance, 60000000));
        for (size_t k = 0; k < PUTTERS; k++)
            end_putter(pids[k]);
        reopen_blobs(fx, FLUME_OPEN_CREATE);
        blobs = expect_all_sound(fx);
        expect_once(fx);
        (void)put_made(fx, 2 * MIB, 1, &(flume_blob_options){.chunk_bytes = CHUNK});
        expect_once(fx);
        close_blobs(fx);
    }
    print_message("%" PRIu64 " blobs at last\n", blobs);
    reopen_blobs(fx, 0);
}

/* The two logs are copied one after the other: what the first has may lack chunks in the second. */
static void a_copy_of_a_basin_in_use_has_whole_blobs_only(void **state)
{
    struct blob_fixture *fx = *state;
    uint64_t chance = seed();

    for (uint64_t i = 0; i < kills() / 3; i++) {
        char path[LOG_FIXTURE_PATH_BYTES];
        pid_t pid;

        close_blobs(fx);
        pid = start_putter(fx, below(&chance, UINT32_MAX));
        pause_ns(10000000 + below(&chance, 60000000));
        /* Views are derived; LMDB's files cannot be copied while they are written. */
        run_command("cp -r '%s' '%s/copy.flume' 2>/dev/null; cd '%s/copy.flume' && "
                    "rm -rf views grains/views",
                    fx->base->path, fx->base->root, fx->base->root);
        end_putter(pid);
        (void)snprintf(path, sizeof path, "%s", fx->base->path);
        (void)snprintf(fx->base->path, sizeof fx->base->path, "%s/copy.flume", fx->base->root);
        if (file_exists(fixture_path(fx->base, "copy.flume/flume.conf"))) {
            reopen_blobs(fx, 0);
            (void)expect_all_sound(fx);
            close_blobs(fx);
        }
        (void)snprintf(fx->base->path, sizeof fx->base->path, "%s", path);
        run_command("rm -rf '%s/copy.flume'", fx->base->root);
        reopen_blobs(fx, FLUME_OPEN_CREATE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(killed_puts_leave_whole_blobs_and_no_chunk_twice),
        blob_test(a_copy_of_a_basin_in_use_has_whole_blobs_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
