/*
 * test_needs_recovery.c - after a machine stop a record is kept if the second log has what it
 * needs.
 */
#include "needs_fixture.h"

#include <errno.h>

#include "faultio.h"

/* Open a copy of the basin as a power cut may leave it. */
static flume_log *open_copy(struct log_fixture *fx, const char *name)
{
    const char *copy = copy_after_power_cut(fx, name);

    run_command("rm -f '%s/grains/HEAD'", copy);
    return open_at(copy);
}

/* The second log of copy.flume is durable so far: who had it opened, for its HEAD was taken away,
 * has made HEAD again. */
static void expect_copy_grains_durable(struct log_fixture *fx, uint64_t durable)
{
    flume_log *grains;

    assert_true(file_exists(fixture_path(fx, "copy.flume/grains/HEAD")));
    grains = open_at(fixture_path(fx, "copy.flume/grains"));
    assert_int_equal(flume_log_durable(grains), durable);
    close_grains(grains);
}

static void what_lacks_its_needs_is_cut_for_good(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t blob = append_needing(fx->log, "blob", 100, 0);
    flume_log *copy = open_copy(fx, "copy.flume");

    assert_int_equal(flume_log_head(copy), blob);
    assert_true(stat_of(copy).recovery.torn);
    assert_true(stat_of(copy).recovery.cut_bytes > 0);
    assert_int_equal(count_files(fixture_path(fx, "copy.flume/lost+found"), ".torn"), 1);
    close_grains(copy);
    /* Where the second log is away nothing is doubted, but what was cut stays away too. */
    run_command("cd '%s/copy.flume' && rm HEAD && mv grains away", fx->root);
    copy = open_at(fixture_path(fx, "copy.flume"));
    assert_int_equal(flume_log_head(copy), blob);
    close_grains(copy);
    close_grains(grains);
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED); /* It needs what never was. */
    fx->log = NULL;
}

enum step { NO_OPEN, NO_WRITE, NO_SYNC, STEPS };

/* A table on which one step of changing a strata fails. */
struct unwritable {
    flume_io io;
    enum step step;
    int file; /* The latest strata that is open for writing; -1: none. */
};

static int unwritable_open(void *ctx, const char *path, unsigned flags)
{
    struct unwritable *unwritable = ctx;
    bool writes = (flags & FLUME_IO_WRITE) != 0 && strstr(path, ".strata") != NULL;
    int file;

    if (writes && unwritable->step == NO_OPEN)
        return -EMFILE;
    file = flume_io_posix()->open(NULL, path, flags);
    if (writes)
        unwritable->file = file;
    return file;
}

static int64_t unwritable_pwrite(void *ctx, int file, const void *source, size_t bytes,
                                 uint64_t offset)
{
    const struct unwritable *unwritable = ctx;

    if (file == unwritable->file && unwritable->step == NO_WRITE)
        return -EIO;
    return flume_io_posix()->pwrite(NULL, file, source, bytes, offset);
}

static int unwritable_sync(void *ctx, int file)
{
    const struct unwritable *unwritable = ctx;

    if (file == unwritable->file && unwritable->step == NO_SYNC)
        return -EIO;
    return flume_io_posix()->sync(NULL, file);
}

/* Else it might come back, once the second log has as many records again. */
static void what_cannot_be_cut_for_good_keeps_the_log_closed(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t blob = append_needing(fx->log, "blob", 100, 0);
    char name[32];

    for (enum step step = NO_OPEN; step < STEPS; step++) {
        struct unwritable unwritable = {.io = *flume_io_posix(), .step = step, .file = -1};
        flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL, .io = &unwritable.io};
        flume_log *copy = NULL;
        const char *path;

        (void)snprintf(name, sizeof name, "copy%u.flume", (unsigned)step);
        path = copy_after_power_cut(fx, name);
        unwritable.io.ctx = &unwritable; /* The POSIX functions do not look at it. */
        unwritable.io.open = unwritable_open;
        unwritable.io.pwrite = unwritable_pwrite;
        unwritable.io.sync = unwritable_sync;
        assert_int_equal(flume_log_open(&copy, path, &options, &fx->error), FLUME_ERR_IO);
        copy = open_at(path);
        assert_int_equal(flume_log_head(copy), blob);
        close_grains(copy);
    }
    close_grains(grains);
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED); /* It needs what never was. */
    fx->log = NULL;
}

static void what_has_its_needs_is_kept_and_settled_at_the_next_sync(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    flume_log *copy = open_copy(fx, "copy.flume");

    assert_int_equal(flume_log_head(copy), blob + 1);
    assert_int_equal(flume_log_sync(copy, blob), FLUME_OK);
    expect_copy_grains_durable(fx, chunk + 1);
    close_grains(copy);
    close_grains(grains);
}

static void a_seq_that_was_given_again_does_not_serve(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk) ^ 1);
    flume_log *copy = open_copy(fx, "copy.flume");

    assert_int_equal(flume_log_head(copy), blob);
    close_grains(copy);
    close_grains(grains);
}

static void where_the_second_log_is_away_recovery_keeps_all_and_says_so(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    flume_log *copy;

    take_grains_away(fx);
    copy = open_copy(fx, "copy.flume");
    assert_int_equal(flume_log_head(copy), blob + 1);
    assert_int_equal(flume_log_sync(copy, blob), FLUME_OK); /* It needs nothing any more. */
    close_grains(copy);
    bring_grains_back(fx);
    close_grains(grains);
}

static void where_nothing_names_the_second_log_recovery_keeps_all(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t blob = append_needing(fx->log, "blob", append_chunk(grains, "chunk") + 1, 0);
    const char *copy_path = copy_after_power_cut(fx, "copy.flume");
    flume_log *copy;

    run_command("rm '%s/GRAINS'", copy_path);
    copy = open_at(copy_path);
    assert_int_equal(flume_log_head(copy), blob + 1);
    assert_false(stat_of(copy).recovery.torn);
    expect_text(copy, blob, "blob");
    close_grains(copy);
    close_grains(grains);
}

/* Two of which the second one needs less; and the first one's chunk does not read, which is damage
 * of the second log's own. */
static void what_needs_a_chunk_that_does_not_read_is_kept(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t less = append_chunk(grains, "a chunk"), more = append_chunk(grains, "another chunk");
    uint64_t last, more_check = check_of(grains, more);
    flume_record record;
    flume_log *copy;

    (void)append_needing(fx->log, "blob", more + 1, more_check);
    last = append_needing(fx->log, "blob", less + 1, check_of(grains, less));
    assert_int_equal(flume_log_sync(grains, more), FLUME_OK);
    /* It says that those before it are durable: without it the damaged one would be a torn tail. */
    assert_int_equal(flume_log_sync(grains, append_chunk(grains, "witness")), FLUME_OK);
    assert_int_equal(flume_log_get(grains, more, &record), FLUME_OK);
    (void)copy_after_power_cut(fx, "copy.flume");
    zero_file(strata_path(fx, "copy.flume/grains", 0), record.offset, 40);
    flume_record_release(&record);
    run_command("rm -f '%s/copy.flume/grains/HEAD'", fx->root);
    copy = open_at(fixture_path(fx, "copy.flume"));
    assert_int_equal(flume_log_head(copy), last + 1);
    assert_false(stat_of(copy).recovery.torn);
    (void)flume_log_close(copy); /* What it needs is damaged, and nothing of it is synced here. */
    close_grains(grains);
}

static void beside_another_basin_recovery_keeps_all_and_says_so(void **state)
{
    struct log_fixture *fx = *state;
    flume_log_options options = {.flags = FLUME_OPEN_CREATE};
    flume_log *grains = begin(fx), *copy, *stranger;
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk) ^ 1);
    const char *copy_path = copy_after_power_cut(fx, "copy.flume");

    run_command("rm -r '%s/grains'", copy_path);
    assert_int_equal(
        flume_log_open(&stranger, fixture_path(fx, "copy.flume/grains"), &options, NULL), FLUME_OK);
    close_grains(stranger);
    copy = open_at(fixture_path(fx, "copy.flume"));
    assert_int_equal(flume_log_head(copy), blob + 1); /* It is not asked for the check. */
    close_grains(copy);
    close_grains(grains);
}

static void a_copy_of_a_living_basin_has_what_it_keeps_durable(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    uint64_t lacking = append_needing(fx->log, "lacks", chunk + 2, 0);
    flume_log *copy;

    /* As it would be if grains/ were copied first: with HEAD and LOCK, which say that it is in use.
     * The second log's HEAD goes, so that it shows whether anybody opens it. */
    run_command("cp -r '%s' '%s/copy.flume' && rm '%s/copy.flume/grains/HEAD'", fx->path, fx->root,
                fx->root);
    (void)append_chunk(grains, "too late for the copy");
    copy = open_at(fixture_path(fx, "copy.flume"));
    assert_int_equal(flume_log_head(copy), lacking);
    assert_int_equal(flume_log_durable(copy), blob + 1);
    expect_copy_grains_durable(fx, chunk + 1);
    close_grains(copy);
    close_grains(grains);
}

/* Open the copy of a basin whose records need its second log, with each sync failing once: it is
 * refused, or all of it is there; and then it opens. */
static void a_copy_whose_second_log_does_not_sync_is_refused(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    struct faultio fault;
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL, .io = &fault.table};
    uint64_t injected = 1, refused = 0;

    faultio_init(&fault, flume_io_posix());
    for (uint64_t nth = 1; injected > 0; nth++) {
        const char *copy_path = fixture_path(fx, "copy.flume");
        flume_log *copy = NULL;
        int status;

        run_command("rm -rf '%s' && cp -r '%s' '%s'", copy_path, fx->path, copy_path);
        faultio_plan(&fault, (struct fault_plan){FAULT_SYNC, nth, -EIO, FAULT_ONCE});
        status = flume_log_open(&copy, copy_path, &options, &fx->error);
        injected = faultio_heal(&fault);
        refused += status != FLUME_OK;
        if (status != FLUME_OK) {
            assert_true(injected > 0);
            assert_true(fx->error.message[0] != '\0');
            copy = open_at(copy_path);
        }
        assert_int_equal(flume_log_head(copy), blob + 1);
        expect_text(copy, blob, "blob");
        (void)flume_log_close(copy);
    }
    assert_true(refused > 1); /* That of the second log, and those of its own. */
    assert_int_equal(fault.open_files, 0);
    faultio_deinit(&fault);
    close_grains(grains);
}

static void without_memory_to_look_at_the_second_log_nothing_opens(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    const char *copy_path = copy_after_power_cut(fx, "copy.flume");
    struct fault_memory memory;
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .allocator = &memory.table};
    int status = FLUME_ERR_NO_MEMORY;

    fault_memory_init(&memory);
    for (uint64_t nth = 1; status == FLUME_ERR_NO_MEMORY; nth++) {
        flume_log *copy = NULL;

        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = flume_log_open(&copy, copy_path, &options, &fx->error);
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        if (status == FLUME_OK) {
            assert_true(nth > 20);
            assert_int_equal(flume_log_head(copy), blob + 1);
            close_grains(copy);
        }
        assert_int_equal(memory.live_blocks, 0);
    }
    assert_int_equal(status, FLUME_OK);
    fault_memory_deinit(&memory);
    close_grains(grains);
}

static void a_basin_is_not_its_own_second_log(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, ".", 0), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "itself");
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
}

/* Each is the other's second log, and has a record that is not durable and needs the other. */
static void two_basins_that_name_each_other_end_the_search(void **state)
{
    struct log_fixture *fx = *state;
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL, .flags = FLUME_OPEN_CREATE};
    char path[LOG_FIXTURE_PATH_BYTES];
    flume_log *other;
    uint64_t needing;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    wait_until_durable(fx->log, append_chunk(fx->log, "first"));
    (void)snprintf(path, sizeof path, "%s/other.flume", fx->root);
    assert_int_equal(flume_log_open(&other, path, &options, NULL), FLUME_OK);
    wait_until_durable(other, append_chunk(other, "first"));
    assert_int_equal(flume_grains_make(other, fx->path, 0), FLUME_OK);
    (void)append_needing(other, "needs", 1, 0);
    run_command("cp -r '%s' '%s/b' && rm '%s/b/HEAD'", path, fx->root, fx->root);
    close_grains(other);
    assert_int_equal(flume_grains_make(fx->log, path, 0), FLUME_OK);
    needing = append_needing(fx->log, "needs", 1, 0);
    run_command("cp -r '%s' '%s/a' && rm '%s/a/HEAD'", fx->path, fx->root, fx->root);
    close_log(fx);
    run_command("rm -rf '%s' '%s' && mv '%s/a' '%s' && mv '%s/b' '%s'", fx->path, path, fx->root,
                fx->path, fx->root, path);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), needing + 1);
    assert_int_equal(flume_log_sync(fx->log, needing), FLUME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(what_lacks_its_needs_is_cut_for_good),
        closed_log_test(what_cannot_be_cut_for_good_keeps_the_log_closed),
        closed_log_test(what_has_its_needs_is_kept_and_settled_at_the_next_sync),
        closed_log_test(a_seq_that_was_given_again_does_not_serve),
        closed_log_test(where_the_second_log_is_away_recovery_keeps_all_and_says_so),
        closed_log_test(where_nothing_names_the_second_log_recovery_keeps_all),
        closed_log_test(what_needs_a_chunk_that_does_not_read_is_kept),
        closed_log_test(beside_another_basin_recovery_keeps_all_and_says_so),
        closed_log_test(a_copy_of_a_living_basin_has_what_it_keeps_durable),
        closed_log_test(a_copy_whose_second_log_does_not_sync_is_refused),
        closed_log_test(without_memory_to_look_at_the_second_log_nothing_opens),
        closed_log_test(a_basin_is_not_its_own_second_log),
        closed_log_test(two_basins_that_name_each_other_end_the_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
