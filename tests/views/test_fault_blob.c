/*
 * test_fault_blob.c - blobs where something is wrong: damage, an absent second log, a full disk,
 * puts that are given up, killed, or made by two processes at once.
 */
#include "blob_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leave.h"

enum { MIB = 1 << 20, SMALL_CHUNK = 16 << 10 };

static const flume_blob_options small_chunks = {.chunk_bytes = SMALL_CHUNK};

static flume_blob_totals totals_of(struct blob_fixture *fx)
{
    flume_blob_totals totals;

    expect_flume(fx, flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, &totals), FLUME_OK);
    return totals;
}

static void expect_word(struct blob_fixture *fx, const char *word)
{
    if (strstr(last_error(fx), word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", last_error(fx), word);
}

/* ---- damage ---- */

/* Turn a byte of the chunk that begins with these bytes, in whichever strata of the second log it
 * is. */
static void damage_chunk(struct blob_fixture *fx, const uint8_t *content)
{
    char path[LOG_FIXTURE_PATH_BYTES];
    uint64_t bytes;
    uint8_t *data, *at = NULL;

    (void)snprintf(path, sizeof path, "%s", strata_path(fx->base, "basin.flume/grains", 0));
    bytes = file_bytes(path);
    data = malloc(bytes);
    assert_non_null(data);
    read_file(path, 0, data, bytes);
    for (uint64_t i = 0; i + 64 < bytes && at == NULL; i += 8)
        if (memcmp(data + i, content, 64) == 0)
            at = data + i;
    assert_non_null(at); /* It is stored as it is, behind a header of 48 bytes: a multiple of 8. */
    at[100] ^= 1;
    write_file(path, (uint64_t)(at - data) + 100, at + 100, 1);
    free(data);
}

static void a_damaged_chunk_is_named_and_the_rest_reads(void **state)
{
    struct blob_fixture *fx = *state;
    size_t bytes = 2 * MIB, got;
    uint8_t *content = made(bytes, 1), *target = malloc(bytes);
    flume_blob_result result;
    flume_blob_reader *reader = NULL;
    flume_blob_report report;

    assert_non_null(target);
    result = put(fx, content, bytes, &small_chunks);
    reopen_blobs(fx, 0);
    damage_chunk(fx, content + 3 * SMALL_CHUNK);
    expect_flume(fx, flume_blob_reader_open(fx->flume, NULL, result.hash, &reader), FLUME_OK);
    expect_flume(fx, flume_blob_reader_read(reader, 0, target, bytes, &got), FLUME_ERR_DAMAGED);
    expect_word(fx, "chunk 4 of 128");
    expect_word(fx, "strata 00000000000000000000");
    expect_flume(fx, flume_blob_reader_read(reader, 0, target, 3 * SMALL_CHUNK, &got), FLUME_OK);
    assert_memory_equal(target, content, 3 * SMALL_CHUNK);
    expect_flume(fx, flume_blob_reader_read(reader, 4 * SMALL_CHUNK, target, bytes, &got),
                 FLUME_OK);
    assert_int_equal(got, bytes - 4 * SMALL_CHUNK);
    assert_memory_equal(target, content + 4 * SMALL_CHUNK, got);
    flume_blob_reader_close(reader);
    expect_flume(fx, flume_blob_verify(fx->flume, NULL, result.seq, NULL, NULL, &report),
                 FLUME_ERR_DAMAGED);
    expect_word(fx, "chunk 4 of 128");
    assert_int_equal(report.chunks, 128);
    assert_int_equal(report.chunks_bad, 1);
    assert_int_equal(report.first_bad, 3 * SMALL_CHUNK);
    assert_int_equal(report.bytes, bytes - SMALL_CHUNK);
    assert_false(report.sound);
    free(content);
    free(target);
}

static void a_put_that_proves_stores_a_damaged_chunk_again(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_options proving = {.chunk_bytes = SMALL_CHUNK, .flags = FLUME_BLOB_PROVE};
    uint8_t *content = made(2 * MIB, 1);
    flume_blob_result first = put(fx, content, 2 * MIB, &small_chunks), again;

    reopen_blobs(fx, 0);
    damage_chunk(fx, content + 3 * SMALL_CHUNK);
    again = put(fx, content, 2 * MIB, &small_chunks); /* Known by the hash alone: no help. */
    assert_int_equal(again.chunks_new, 0);
    expect_flume(fx, flume_blob_verify(fx->flume, NULL, first.seq, NULL, NULL, NULL),
                 FLUME_ERR_DAMAGED);
    again = put(fx, content, 2 * MIB, &proving);
    assert_int_equal(again.chunks_new, 1);
    expect_sound(fx, first.seq, 2 * MIB);
    expect_content(fx, first.hash, content, 2 * MIB);
    assert_int_equal(totals_of(fx).duplicates, 1);
    free(content);
}

static int stop_half_way(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    return done * 2 > total;
}

static void a_verification_can_be_cancelled(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result result = put_made(fx, 3 * MIB, 1, NULL);
    flume_blob_report report = {.chunks = 77};

    expect_flume(fx, flume_blob_verify(fx->flume, NULL, result.seq, stop_half_way, NULL, &report),
                 FLUME_ERR_CANCELLED);
    assert_int_equal(report.chunks, 77);
}

/* ---- the second log is away ---- */

static void take_grains_away(struct blob_fixture *fx)
{
    run_command("mv '%s/grains' '%s/away'", fx->base->path, fx->base->root);
}

static void bring_grains_back(struct blob_fixture *fx)
{
    run_command("mv '%s/away' '%s/grains'", fx->base->root, fx->base->path);
}

static void without_the_second_log_all_that_needs_none_of_it_goes_on(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result small = put_made(fx, 100, 1, NULL), large = put_made(fx, 3 * MIB, 2, NULL);
    flume_blob_reader *reader = NULL;
    flume_blob_writer *writer = NULL;
    char text[FLUME_HASH_TEXT_BYTES + 1];
    uint8_t *content = made(3 * MIB, 3);
    flume_blob_info info;
    flume_blob_result result;
    uint64_t seq;

    reopen_blobs(fx, 0);
    take_grains_away(fx);
    assert_int_equal(place_of(fx).state, FLUME_GRAINS_ABSENT);
    expect_made(fx, small.seq, 100, 1);
    expect_flume(fx, flume_blob_stat(fx->flume, large.seq, &info), FLUME_OK);
    assert_int_equal(info.bytes, 3 * MIB);
    expect_flume(fx, flume_blob_find(fx->flume, NULL, large.hash, &seq), FLUME_OK);
    assert_int_equal(newest(fx).seq, large.seq);
    expect_flume(fx, flume_blob_reader_open_seq(fx->flume, NULL, large.seq, &reader),
                 FLUME_ERR_ABSENT);
    flume_hash_text(large.hash, text);
    expect_word(fx, text);
    expect_word(fx, "grains");
    expect_flume(fx, flume_blob_verify(fx->flume, NULL, large.seq, NULL, NULL, NULL),
                 FLUME_ERR_ABSENT);
    expect_flume(fx, flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, NULL), FLUME_ERR_ABSENT);
    (void)put_made(fx, MIB, 4, NULL);
    expect_flume(fx, flume_blob_writer_open(fx->flume, NULL, &writer), FLUME_OK);
    expect_flume(fx, flume_blob_writer_write(writer, content, MIB), FLUME_OK);
    expect_flume(fx, flume_blob_writer_write(writer, content, 1), FLUME_ERR_ABSENT);
    expect_word(fx, "1 MiB");
    expect_flume(fx, flume_blob_writer_write(writer, content, 1), FLUME_ERR_ABSENT);
    expect_flume(fx, flume_blob_writer_finish(writer, &result), FLUME_ERR_ABSENT);
    assert_false(
        file_exists(fixture_path(fx->base, "basin.flume/grains"))); /* None in its place. */
    bring_grains_back(fx);
    expect_made(fx, large.seq, 3 * MIB, 2); /* On the same handle. */
    (void)put_made(fx, 3 * MIB, 3, NULL);
    free(content);
}

static void an_empty_mount_point_is_no_second_log(void **state)
{
    struct blob_fixture *fx = *state;
    uint8_t *content = made(2 * MIB, 3);
    flume_blob_result result = put_made(fx, 3 * MIB, 2, NULL);

    reopen_blobs(fx, 0);
    take_grains_away(fx);
    run_command("mkdir '%s/grains'", fx->base->path);
    expect_flume(fx, flume_blob_put(fx->flume, content, 2 * MIB, NULL, &result), FLUME_ERR_ABSENT);
    run_command("rmdir '%s/grains'", fx->base->path); /* Nothing was made in it. */
    bring_grains_back(fx);
    free(content);
}

static void the_second_log_may_lie_elsewhere(void **state)
{
    struct blob_fixture *fx = *state;
    char path[LOG_FIXTURE_PATH_BYTES];
    flume_blob_result result;

    (void)snprintf(path, sizeof path, "%s/elsewhere", fx->base->root);
    expect_flume(fx, flume_blob_place_set(fx->flume, path, 8 * MIB), FLUME_OK);
    result = put_made(fx, 3 * MIB, 2, NULL);
    assert_string_equal(place_of(fx).path, path);
    assert_false(file_exists(fixture_path(fx->base, "basin.flume/grains")));
    reopen_blobs(fx, 0);
    expect_made(fx, result.seq, 3 * MIB, 2);
    reopen_blobs(fx, 0);
    run_command("mv '%s' '%s/grains'", path, fx->base->path); /* And be moved. */
    expect_flume(fx, flume_blob_place_set(fx->flume, "grains", 0), FLUME_OK);
    expect_made(fx, result.seq, 3 * MIB, 2);
    expect_flume(fx, flume_blob_place_set(fx->flume, NULL, MIB), FLUME_ERR_INVALID);
}

/* ---- puts that do not come to their end ---- */

static void put_half(struct blob_fixture *fx, size_t bytes, unsigned seed)
{
    flume_blob_writer *writer = NULL;
    uint8_t *content = made(bytes, seed);

    expect_flume(fx, flume_blob_writer_open(fx->flume, NULL, &writer), FLUME_OK);
    expect_flume(fx, flume_blob_writer_write(writer, content, bytes), FLUME_OK);
    flume_blob_writer_abort(writer);
    free(content);
}

struct orphans {
    uint64_t count, bytes;
    uint8_t hash[FLUME_HASH_BYTES];
};

static int take_orphan(void *ctx, const flume_blob_orphan *orphan)
{
    struct orphans *orphans = ctx;

    orphans->count++;
    orphans->bytes += orphan->bytes;
    memcpy(orphans->hash, orphan->hash, FLUME_HASH_BYTES);
    return 0;
}

static void an_abandoned_put_leaves_chunks_that_are_found(void **state)
{
    struct blob_fixture *fx = *state;
    enum { BYTES = 8 * MIB + 77 };
    struct orphans orphans = {.count = 0};
    uint64_t head = flume_log_head(flume_log_of(fx->flume));
    flume_blob_totals totals;
    flume_blob_result result;

    put_half(fx, BYTES, 1);
    assert_int_equal(flume_log_head(flume_log_of(fx->flume)), head);
    expect_flume(fx, flume_blob_unreferenced(fx->flume, NULL, take_orphan, &orphans, &totals),
                 FLUME_OK);
    assert_int_equal(totals.orphans, 8); /* What is gathered in memory was not stored. */
    assert_int_equal(orphans.count, 8);
    assert_int_equal(orphans.bytes, 8 * MIB);
    assert_int_equal(totals.blobs, 0);
    result = put_made(fx, BYTES, 1, NULL); /* It resumes by itself. */
    assert_false(result.was_known);
    assert_int_equal(result.chunks, 9);
    assert_int_equal(result.chunks_new, 1);
    assert_int_equal(result.bytes_new, 77);
    assert_int_equal(totals_of(fx).orphans, 0);
    assert_int_equal(totals_of(fx).chunks, 9);
    expect_made(fx, result.seq, BYTES, 1);
}

static void an_aborted_small_put_leaves_nothing(void **state)
{
    struct blob_fixture *fx = *state;

    put_half(fx, MIB, 1);
    flume_blob_writer_abort(NULL);
    assert_int_equal(place_of(fx).state, FLUME_GRAINS_NONE);
}

/* A table whose disk has room for so many bytes. (The POSIX functions have no use for a ctx.) */
struct full_disk {
    flume_io table;
    const flume_io *inner;
    uint64_t left;
};

static int allocate_or_full(void *ctx, int file, uint64_t bytes)
{
    struct full_disk *disk = ctx;

    if (bytes > disk->left)
        return -ENOSPC;
    disk->left -= bytes;
    return disk->inner->allocate(disk->inner->ctx, file, bytes);
}

static void full_disk_init(struct full_disk *disk, uint64_t left)
{
    disk->inner = flume_io_posix();
    disk->table = *disk->inner;
    disk->left = left;
    disk->table.allocate = allocate_or_full;
    disk->table.ctx = disk;
}

static void a_full_disk_ends_a_put_that_then_resumes(void **state)
{
    struct blob_fixture *fx = *state;
    struct full_disk disk;
    uint8_t *content = made(40 * MIB, 1);
    flume_blob_result result = {.chunks = 77}, again;
    flume_blob_totals totals;

    full_disk_init(&disk, 24 * MIB);
    fx->options.log.io = &disk.table;
    expect_flume(fx, flume_blob_place_set(fx->flume, NULL, 4 * MIB), FLUME_OK);
    reopen_blobs(fx, 0);
    expect_flume(fx, flume_blob_put(fx->flume, content, 40 * MIB, NULL, &result), FLUME_ERR_FULL);
    assert_int_equal(result.chunks, 77); /* Untouched. */
    totals = totals_of(fx);
    assert_in_range(totals.orphans, 4, 30);
    disk.left = UINT64_MAX;
    again = put(fx, content, 40 * MIB, NULL);
    assert_int_equal(again.chunks, 40);
    assert_int_equal(again.chunks_new, 40 - totals.orphans);
    expect_content(fx, again.hash, content, 40 * MIB);
    assert_int_equal(totals_of(fx).chunks, 40);
    free(content);
    reopen_blobs(fx, 0);
    fx->options.log.io = NULL;
    reopen_blobs(fx, 0);
}

/* ---- several processes ---- */

static pid_t start_putting(struct blob_fixture *fx, size_t bytes, unsigned seed, int tell)
{
    pid_t pid;

    assert_null(fx->flume);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        flume_options options = {.log.profile = FLUME_PROFILE_CASUAL};
        uint8_t *content = made(bytes, seed);
        flume_blob_writer *writer = NULL;
        flume *handle = NULL;
        int status = flume_open(&handle, fx->base->path, &options, NULL);

        if (status == FLUME_OK)
            status = flume_blob_writer_open(handle, &small_chunks, &writer);
        for (size_t done = 0; done < bytes && status == FLUME_OK; done += SMALL_CHUNK) {
            status = flume_blob_writer_write(writer, content + done, SMALL_CHUNK);
            if (tell >= 0)
                (void)!write(tell, "", 1);
        }
        if (status == FLUME_OK)
            status = flume_blob_writer_finish(writer, NULL);
        free(content);
        (void)flume_close(handle);
        leave(status == FLUME_OK ? 0 : 1);
    }
    return pid;
}

static void close_blobs(struct blob_fixture *fx)
{
    assert_int_equal(flume_close(fx->flume), FLUME_OK);
    fx->flume = NULL;
}

static void puts_of_the_same_at_once_store_and_record_it_once(void **state)
{
    struct blob_fixture *fx = *state;
    enum { PROCESSES = 3, BYTES = 8 * MIB };
    pid_t pids[PROCESSES];
    flume_blob_totals totals;
    flume_blob_result result;

    close_blobs(fx);
    for (size_t i = 0; i < PROCESSES; i++)
        pids[i] = start_putting(fx, BYTES, 5, -1);
    for (size_t i = 0; i < PROCESSES; i++) {
        int ending = 0;

        assert_int_equal(waitpid(pids[i], &ending, 0), pids[i]);
        assert_true(WIFEXITED(ending) && WEXITSTATUS(ending) == 0);
    }
    reopen_blobs(fx, 0);
    totals = totals_of(fx);
    assert_int_equal(totals.blobs, 1);
    assert_int_equal(totals.chunks, BYTES / SMALL_CHUNK);
    assert_int_equal(totals.duplicates, 0);
    assert_int_equal(totals.orphans, 0);
    result = put_made(fx, BYTES, 5, &small_chunks);
    assert_true(result.was_known);
    assert_int_equal(result.chunks_new, 0);
}

static void a_killed_put_resumes_and_stores_nothing_twice(void **state)
{
    struct blob_fixture *fx = *state;
    enum { KILLS = 4, BYTES = 8 * MIB, CHUNKS = BYTES / SMALL_CHUNK };
    unsigned kills = getenv("FLUME_TEST_LONG") != NULL ? 50 * KILLS : KILLS;
    uint64_t chance = 99;

    close_blobs(fx);
    for (unsigned i = 0; i < kills; i++) {
        flume_blob_totals totals;
        flume_blob_result result;
        int ending = 0, pipes[2];
        uint64_t pieces;
        char byte;
        pid_t pid;

        chance = chance * 6364136223846793005u + 1442695040888963407u;
        pieces = (chance >> 33) % CHUNKS;
        assert_int_equal(pipe(pipes), 0);
        pid = start_putting(fx, BYTES, i, pipes[1]);
        assert_int_equal(close(pipes[1]), 0);
        for (uint64_t k = 0; k < pieces; k++)
            assert_int_equal(read(pipes[0], &byte, 1), 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &ending, 0), pid);
        assert_int_equal(close(pipes[0]), 0);
        reopen_blobs(fx, 0);
        totals = totals_of(fx);
        assert_int_equal(totals.blobs_bad, 0);
        result = put_made(fx, BYTES, i, &small_chunks);
        if (!result.was_known)
            assert_int_equal(result.chunks_new, CHUNKS - totals.orphans);
        expect_made(fx, result.seq, BYTES, i);
        totals = totals_of(fx);
        assert_int_equal(totals.orphans, 0);
        assert_int_equal(totals.duplicates, 0);
        assert_int_equal(totals.chunks, (uint64_t)(i + 1) * CHUNKS);
        close_blobs(fx);
    }
    reopen_blobs(fx, 0);
}

static void a_forked_child_is_refused(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result result = put_made(fx, 3 * MIB, 2, NULL);
    int ending = 0;
    pid_t pid = fork();

    if (pid == 0) {
        flume_blob_reader *reader = NULL;
        flume_grains_place place;
        bool refused =
            flume_blob_put(fx->flume, "x", 1, NULL, &result) == FLUME_ERR_FORKED &&
            flume_blob_reader_open_seq(fx->flume, NULL, result.seq, &reader) == FLUME_ERR_FORKED &&
            flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, NULL) == FLUME_ERR_FORKED &&
            flume_blob_place(fx->flume, &place) == FLUME_ERR_FORKED &&
            flume_close(fx->flume) == FLUME_OK;

        leave(refused ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &ending, 0), pid);
    assert_true(WIFEXITED(ending) && WEXITSTATUS(ending) == 0);
    expect_made(fx, result.seq, 3 * MIB, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(a_damaged_chunk_is_named_and_the_rest_reads),
        blob_test(a_put_that_proves_stores_a_damaged_chunk_again),
        blob_test(a_verification_can_be_cancelled),
        blob_test(without_the_second_log_all_that_needs_none_of_it_goes_on),
        blob_test(an_empty_mount_point_is_no_second_log),
        blob_test(the_second_log_may_lie_elsewhere),
        blob_test(an_abandoned_put_leaves_chunks_that_are_found),
        blob_test(an_aborted_small_put_leaves_nothing),
        blob_test(a_full_disk_ends_a_put_that_then_resumes),
        blob_test(puts_of_the_same_at_once_store_and_record_it_once),
        blob_test(a_killed_put_resumes_and_stores_nothing_twice),
        blob_test(a_forked_child_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
