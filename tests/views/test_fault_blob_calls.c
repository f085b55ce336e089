/*
 * test_fault_blob_calls.c - each call that the two logs make of the system fails once, or from then
 * on, while blobs are put and read.
 *
 * A tour opens the basin, puts a small content, a large one (which makes the second log) and the
 * large one again, reads it, and closes. It is made once for each call of io.h that it makes, with
 * that one failing. What is answered is FLUME_OK or an error with a message; nothing stays open.
 * Afterwards, on a healthy disk, what was acknowledged is there and sound, what was not can be put,
 * and no chunk is there twice.
 *
 *   FLUME_TEST_LONG  every call in every way, not some of them in one
 */
#include "blob_fixture.h"

#include <errno.h>
#include <inttypes.h>

#include "faultio.h"

enum {
    SMALL_CHUNK = 16 << 10,
    SMALL_BYTES = 3000,
    LARGE_BYTES = (1 << 20) + 40 * SMALL_CHUNK,
    STRATA_BYTES = 4 << 20,
    SHORT_STEP = 5, /* Prime to the number of ways, so that all come. */
    CONTENTS = 2
};

static const size_t sizes[CONTENTS] = {SMALL_BYTES, LARGE_BYTES};

/* One way in which a call fails. */
static const struct way {
    int result;
    enum fault_duration duration;
} ways[] = {
    {-EIO, FAULT_ONCE},        {-ENOSPC, FAULT_ONCE}, {-ENOSPC, FAULT_LASTING},
    {FAULT_SHORT, FAULT_ONCE}, {-EIO, FAULT_LASTING}, {-EACCES, FAULT_ONCE},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

struct tour {
    struct blob_fixture *fx;
    struct faultio fault;
    uint8_t *contents[CONTENTS];
    bool is_put[CONTENTS]; /* It was acknowledged. */
    flume_blob_result results[CONTENTS];
    char words[80]; /* Which call fails, and how. */
};

static struct tour tour;

static void expect_told(int status, const char *what)
{
    flume_error error = {.message = ""};

    if (status == FLUME_OK)
        return;
    flume_last_error(tour.fx->flume, &error);
    if (error.message[0] == '\0' || error.status != status)
        fail_msg("%s: %s answers %s without a word of its own: %s", tour.words, what,
                 flume_status_name(status), error.message);
}

/* ---- the tour ---- */

static bool open_tour(void)
{
    flume_error error = {.message = ""};
    int status;

    tour.fx->flume = NULL;
    status = flume_open(&tour.fx->flume, tour.fx->base->path, &tour.fx->options, &error);
    if (status != FLUME_OK && error.message[0] == '\0')
        fail_msg("%s: opening answers %s without a word", tour.words, flume_status_name(status));
    return status == FLUME_OK;
}

static void put_one(size_t which)
{
    static const flume_blob_options options = {.chunk_bytes = SMALL_CHUNK};
    flume_blob_result result;
    int status =
        flume_blob_put(tour.fx->flume, tour.contents[which], sizes[which], &options, &result);

    expect_told(status, "put");
    if (status != FLUME_OK)
        return;
    if (tour.is_put[which] && memcmp(result.hash, tour.results[which].hash, FLUME_HASH_BYTES) != 0)
        fail_msg("%s: the same has another hash", tour.words);
    tour.is_put[which] = true;
    tour.results[which] = result;
}

static void get_large(void)
{
    flume_blob_reader *reader = NULL;
    uint8_t *target = malloc(LARGE_BYTES);
    size_t bytes = 0;
    int status;

    assert_non_null(target);
    status = flume_blob_reader_open(tour.fx->flume, NULL, tour.results[1].hash, &reader);
    if (status == FLUME_OK)
        status = flume_blob_reader_read(reader, 0, target, LARGE_BYTES, &bytes);
    expect_told(status, "get");
    if (status == FLUME_OK &&
        (bytes != LARGE_BYTES || memcmp(target, tour.contents[1], bytes) != 0))
        fail_msg("%s: another content was read", tour.words);
    flume_blob_reader_close(reader);
    free(target);
}

static void make_tour(void)
{
    bool was_put;

    if (!open_tour())
        return;
    put_one(0);
    put_one(1);
    was_put = tour.is_put[1];
    if (was_put)
        get_large();
    put_one(1);                        /* It is there, or goes on. */
    (void)flume_close(tour.fx->flume); /* Whoever could not sync says so. */
    tour.fx->flume = NULL;
}

/* ---- afterwards ---- */

static int count_sound(void *ctx, const flume_blob_info *info)
{
    expect_sound(tour.fx, info->seq, info->bytes);
    ++*(unsigned *)ctx;
    return 0;
}

static void judge(void)
{
    struct blob_fixture *fx = tour.fx;
    flume_blob_totals totals;
    unsigned sound = 0;

    if (tour.fault.open_files != 0 || tour.fault.open_maps != 0)
        fail_msg("%s: %d files and %d maps are left open, such as %s", tour.words,
                 tour.fault.open_files, tour.fault.open_maps, faultio_left_open(&tour.fault));
    if (!open_tour())
        fail_msg("%s: the basin cannot be opened any more", tour.words);
    expect_flume(fx, flume_blob_list(fx->flume, NULL, NULL, count_sound, &sound), FLUME_OK);
    for (size_t i = 0; i < CONTENTS; i++) {
        bool was_put = tour.is_put[i];

        if (was_put)
            expect_content(fx, tour.results[i].hash, tour.contents[i], sizes[i]);
        put_one(i);
        if (!tour.is_put[i] || (was_put && !tour.results[i].was_known))
            fail_msg("%s: content %zu %s", tour.words, i,
                     was_put ? "was not known again" : "cannot be put");
        expect_content(fx, tour.results[i].hash, tour.contents[i], sizes[i]);
    }
    expect_flume(fx, flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, &totals), FLUME_OK);
    if (totals.duplicates != 0 || totals.blobs_bad != 0 || totals.orphans != 0)
        fail_msg("%s: %" PRIu64 " chunks are there twice, %" PRIu64 " lists bad, %" PRIu64
                 " chunks nobody's",
                 tour.words, totals.duplicates, totals.blobs_bad, totals.orphans);
    assert_int_equal(flume_close(fx->flume), FLUME_OK);
    fx->flume = NULL;
}

/* Whether there was such a call. */
static bool fail_one(uint64_t nth, const struct way *way)
{
    uint64_t injected;

    run_command("rm -rf '%s'", tour.fx->base->path);
    memset(tour.is_put, 0, sizeof tour.is_put);
    (void)snprintf(tour.words, sizeof tour.words, "call %" PRIu64 " answers %d%s", nth, way->result,
                   way->duration == FAULT_LASTING ? " from then on" : "");
    faultio_plan(&tour.fault, (struct fault_plan){.call = FAULT_ANY,
                                                  .nth = nth,
                                                  .result = way->result,
                                                  .duration = way->duration});
    make_tour();
    injected = faultio_heal(&tour.fault);
    judge();
    return injected > 0;
}

static void whatever_call_fails_a_put_is_there_or_goes_on(void **state)
{
    bool all_ways = getenv("FLUME_TEST_LONG") != NULL;
    bool was_made = true;
    uint64_t nth = 1, step = all_ways ? 1 : SHORT_STEP;

    tour.fx = *state;
    faultio_init(&tour.fault, flume_io_posix());
    for (unsigned i = 0; i < CONTENTS; i++)
        tour.contents[i] = made(sizes[i], i + 1);
    assert_int_equal(flume_close(tour.fx->flume), FLUME_OK);
    tour.fx->options.log.io = &tour.fault.table;
    tour.fx->options.log.profile = FLUME_PROFILE_SAFE;
    tour.fx->options.log.strata_bytes = STRATA_BYTES;
    tour.fx->options.views = FLUME_VIEWS_NO_WORKERS;
    for (; was_made; nth += step) {
        for (size_t i = 0; i < (all_ways ? WAYS : 1) && was_made; i++)
            was_made = fail_one(nth, &ways[all_ways ? i : nth % WAYS]);
    }
    print_message("less than %" PRIu64 " calls\n", nth - step);
    assert_true(nth > 100);
    tour.fx->options.log.io = NULL;
    for (unsigned i = 0; i < CONTENTS; i++)
        free(tour.contents[i]);
    faultio_deinit(&tour.fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(whatever_call_fails_a_put_is_there_or_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
