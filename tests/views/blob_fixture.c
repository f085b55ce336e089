/*
 * blob_fixture.c - the verbs of blob_fixture.h.
 */
#include "blob_fixture.h"

#include <unistd.h>

int blob_setup(void **state)
{
    struct blob_fixture *fx = calloc(1, sizeof *fx);
    void *base = NULL;

    /* In memory where that is possible: megabytes are written, and no test is about the disk. */
    if (access("/dev/shm", W_OK | X_OK) == 0)
        assert_int_equal(setenv("TMPDIR", "/dev/shm", 1), 0);
    assert_non_null(fx);
    assert_int_equal(log_setup_closed(&base), 0);
    fx->base = base;
    fx->options.log.flags = FLUME_OPEN_CREATE;
    fx->options.log.profile = FLUME_PROFILE_FORGETFUL; /* Most tests are not about durability. */
    *state = fx;
    reopen_blobs(fx, FLUME_OPEN_CREATE);
    return 0;
}

int blob_teardown(void **state)
{
    struct blob_fixture *fx = *state;
    void *base = fx->base;

    (void)flume_close(fx->flume); /* A test that failed may leave it in any state. */
    free(fx);
    return log_teardown(&base);
}

void reopen_blobs(struct blob_fixture *fx, unsigned flags)
{
    flume *handle = fx->flume;
    flume_error error;

    fx->flume = NULL;
    assert_int_equal(flume_close(handle), FLUME_OK);
    fx->options.log.flags = flags;
    if (flume_open(&fx->flume, fx->base->path, &fx->options, &error) != FLUME_OK)
        fail_msg("open: %s", error.message);
}

const char *last_error(struct blob_fixture *fx)
{
    static flume_error error;

    flume_last_error(fx->flume, &error);
    return error.message;
}

void expect_answer(struct blob_fixture *fx, int answer, int status, const char *file, int line)
{
    if (answer != status)
        print_error("%s, not %s: %s\n", flume_status_name(answer), flume_status_name(status),
                    last_error(fx));
    _assert_int_equal((uint64_t)(int64_t)answer, (uint64_t)(int64_t)status, file, line);
}

uint8_t *made(size_t bytes, unsigned seed)
{
    uint8_t *content = malloc(bytes + 8);
    uint64_t chance = 0x9e3779b97f4a7c15u * (seed + 1);

    assert_non_null(content);
    for (size_t i = 0; i < bytes; i += 8) {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        memcpy(content + i, &chance, 8);
    }
    return content;
}

flume_blob_result put(struct blob_fixture *fx, const void *content, size_t bytes,
                      const flume_blob_options *options)
{
    flume_blob_result result;

    expect_flume(fx, flume_blob_put(fx->flume, content, bytes, options, &result), FLUME_OK);
    return result;
}

flume_blob_result put_made(struct blob_fixture *fx, size_t bytes, unsigned seed,
                           const flume_blob_options *options)
{
    uint8_t *content = made(bytes, seed);
    flume_blob_result result = put(fx, content, bytes, options);

    free(content);
    return result;
}

static void expect_read(struct blob_fixture *fx, flume_blob_reader *reader, const uint8_t *content,
                        size_t bytes)
{
    uint8_t *target = malloc(bytes + 1);
    size_t got = 0;

    assert_non_null(target);
    assert_int_equal(flume_blob_reader_info(reader)->bytes, bytes);
    expect_flume(fx, flume_blob_reader_read(reader, 0, target, bytes + 1, &got), FLUME_OK);
    assert_int_equal(got, bytes);
    if (memcmp(target, content, bytes) != 0)
        fail_msg("the content differs");
    flume_blob_reader_close(reader);
    free(target);
}

void expect_content(struct blob_fixture *fx, const uint8_t hash[FLUME_HASH_BYTES],
                    const uint8_t *content, size_t bytes)
{
    flume_blob_reader *reader = NULL;

    expect_flume(fx, flume_blob_reader_open(fx->flume, NULL, hash, &reader), FLUME_OK);
    expect_read(fx, reader, content, bytes);
}

void expect_made(struct blob_fixture *fx, uint64_t seq, size_t bytes, unsigned seed)
{
    flume_blob_reader *reader = NULL;
    uint8_t *content = made(bytes, seed);

    expect_flume(fx, flume_blob_reader_open_seq(fx->flume, NULL, seq, &reader), FLUME_OK);
    expect_read(fx, reader, content, bytes);
    free(content);
}

void expect_sound(struct blob_fixture *fx, uint64_t seq, size_t bytes)
{
    flume_blob_report report = {.sound = false};

    expect_flume(fx, flume_blob_verify(fx->flume, NULL, seq, NULL, NULL, &report), FLUME_OK);
    assert_true(report.sound);
    assert_int_equal(report.bytes, bytes);
    assert_int_equal(report.chunks_bad, 0);
}

static int take_first(void *ctx, const flume_blob_info *info)
{
    *(flume_blob_info *)ctx = *info;
    return 0;
}

flume_blob_info newest(struct blob_fixture *fx)
{
    flume_blob_list_options options = {.flags = FLUME_BLOB_REVERSE, .limit = 1};
    flume_blob_info info = {.seq = FLUME_SEQ_NONE};

    expect_flume(fx, flume_blob_list(fx->flume, NULL, &options, take_first, &info), FLUME_OK);
    assert_true(info.seq != FLUME_SEQ_NONE);
    return info;
}

flume_grains_place place_of(struct blob_fixture *fx)
{
    flume_grains_place place;

    expect_flume(fx, flume_blob_place(fx->flume, &place), FLUME_OK);
    return place;
}
