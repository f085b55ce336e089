/*
 * test_views_fault_damage.c - files of closed views are damaged.
 *
 * Each round damages one file of one view and lets a child open it: it never crashes and never
 * answers wrongly; the view is built again, and says why, unless the damage changed nothing. Where
 * a file is beyond verify_bytes LMDB trusts its pages, and only flume_view_verify() names what
 * differs.
 *
 *   FLUME_DAMAGES  how many files are damaged (default 1000)
 *   FLUME_SEED     where chance begins
 */
#include "views_trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DAMAGES = 1000,
    UNCHECKED_PART = 5, /* Of those, beyond verify_bytes. */
    RECORDS = 400,
    PAGE_BYTES = 4096,
    NO_WHY = 20, /* Exit code: built again, and nobody says why. */
    NO_OPEN = 21
};

/* ---- damage ---- */

static void flip_bits(uint64_t *io_chance, uint8_t *data, size_t bytes)
{
    for (uint64_t i = 1 + trial_below(io_chance, 8); i > 0; i--) {
        size_t at = (size_t)trial_below(io_chance, bytes);

        data[at] = (uint8_t)(data[at] ^ 1u << trial_below(io_chance, 8));
    }
}

static void exchange_pages(uint64_t *io_chance, uint8_t *data, size_t bytes)
{
    uint8_t *a = data + trial_below(io_chance, bytes / PAGE_BYTES) * PAGE_BYTES;
    uint8_t *b = data + trial_below(io_chance, bytes / PAGE_BYTES) * PAGE_BYTES;
    uint8_t page[PAGE_BYTES];

    memcpy(page, a, PAGE_BYTES);
    memmove(a, b, PAGE_BYTES);
    memcpy(b, page, PAGE_BYTES);
}

static void put_garbage(uint64_t *io_chance, uint8_t *data, size_t bytes)
{
    size_t from = (size_t)trial_below(io_chance, bytes);
    size_t until = from + (size_t)trial_below(io_chance, bytes - from) + 1;

    for (size_t i = from; i < until && i < bytes; i++)
        data[i] = (uint8_t)trial_chance(io_chance);
}

/* Damage bytes in place, so that there are as many. */
static void damage_bytes(uint64_t *io_chance, uint8_t *data, size_t bytes)
{
    switch (trial_below(io_chance, 4)) {
    case 0:
        put_garbage(io_chance, data, bytes);
        break;
    case 1:
        if (bytes >= 2 * PAGE_BYTES) {
            exchange_pages(io_chance, data, bytes);
            break;
        }
        flip_bits(io_chance, data, bytes);
        break;
    case 2:
        if (bytes >= PAGE_BYTES) {
            memset(data + trial_below(io_chance, bytes / PAGE_BYTES) * PAGE_BYTES, 0, PAGE_BYTES);
            break;
        }
        flip_bits(io_chance, data, bytes);
        break;
    default:
        flip_bits(io_chance, data, bytes);
        break;
    }
}

/* Returns whether the file is another one now. */
static bool damage_file(uint64_t *io_chance, const char *path)
{
    size_t bytes, kept;
    uint8_t *data = trial_read(path, &bytes);
    uint8_t *once = trial_read(path, &bytes);
    bool changed = true;

    switch (trial_below(io_chance, 6)) {
    case 0:
        assert_int_equal(unlink(path), 0);
        break;
    case 1:
        kept = bytes == 0 ? 0 : (size_t)trial_below(io_chance, bytes);
        trial_write(path, data, kept);
        break;
    case 2: {
        uint8_t *longer = calloc(1, bytes + PAGE_BYTES);

        assert_non_null(longer);
        memcpy(longer, data, bytes);
        trial_write(path, longer, bytes + 1 + (size_t)trial_below(io_chance, PAGE_BYTES));
        free(longer);
        break;
    }
    default:
        if (bytes > 0)
            damage_bytes(io_chance, data, bytes);
        trial_write(path, data, bytes);
        changed = memcmp(data, once, bytes) != 0;
        break;
    }
    free(data);
    free(once);
    return changed;
}

/* ---- a round ---- */

static void keep_master(const struct trial *trial)
{
    trial_shell("rm -rf '%s/master' && cp -a '%s/views' '%s/master'", trial->root, trial->path,
                trial->root);
}

static void restore_master(const struct trial *trial, const char *view)
{
    trial_shell("rm -rf '%s/views/%s' && cp -a '%s/master/%s' '%s/views/%s'", trial->path, view,
                trial->root, view, trial->path, view);
}

static int judge_in_child(struct trial *trial, void *ctx)
{
    const char *name = ctx;
    uint64_t generation = trial_current(trial, name);
    char message[TRIAL_MESSAGE_BYTES];
    enum trial_verdict verdict;
    flume_view_status status;
    flume_view *view;
    flume *handle;

    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    if (trial_try_open(trial, &handle, NULL) != FLUME_OK)
        return NO_OPEN;
    verdict = trial_judge_view(handle, name, message);
    if (verdict != TRIAL_RIGHT)
        (void)fprintf(stderr, "%s\n", message);
    if (flume_view_find(handle, name, &view) != FLUME_OK ||
        flume_view_status_of(view, &status) != FLUME_OK)
        return NO_OPEN;
    (void)flume_close(handle); /* Judged is what was answered. */
    if (verdict == TRIAL_RIGHT && status.generation != generation && status.why[0] == '\0')
        return NO_WHY;
    return (int)verdict;
}

/* Run a round; what changed is to be noticed. */
static void damage_one(struct trial *trial, const char *view, const char *file, uint64_t round)
{
    uint64_t generation = trial_current(trial, view);
    char path[2 * TRIAL_PATH_BYTES];
    bool in_generation = strcmp(file, "data.mdb") == 0 || strcmp(file, "STATE") == 0;
    bool changed;
    int result;

    (void)snprintf(path, sizeof path, "%s",
                   in_generation || strcmp(file, "lock.mdb") == 0 ? trial_file_in(trial, view, file)
                                                                  : trial_file(trial, view, file));
    changed = damage_file(&trial->chance, path);
    result = trial_join(trial_start(trial, judge_in_child, (void *)(uintptr_t)view));
    if (result != TRIAL_RIGHT)
        fail_msg("round %" PRIu64 ", %s of %s: %d (seed %" PRIu64 ")", round, file, view, result,
                 trial->seed);
    if (changed && in_generation && trial_current(trial, view) == generation)
        fail_msg("round %" PRIu64 ": nobody noticed the damage to %s of %s (seed %" PRIu64 ")",
                 round, file, view, trial->seed);
}

static void damage_is_noticed_or_harmless(void **state)
{
    static const char *const files[] = {"data.mdb", "data.mdb", "data.mdb", "data.mdb",
                                        "STATE",    "CURRENT",  "lock.mdb", "LOCK"};
    struct trial *trial = *state;
    uint64_t damages = trial_number("FLUME_DAMAGES", DAMAGES);

    trial_make(trial, RECORDS);
    keep_master(trial);
    for (uint64_t i = 0; i < damages - damages / UNCHECKED_PART; i++) {
        const char *view = trial_views[trial_below(&trial->chance, TRIAL_VIEWS)];

        damage_one(trial, view, files[trial_below(&trial->chance, 8)], i);
        restore_master(trial, view);
    }
}

static void a_build_that_is_gone_is_made_again(void **state)
{
    struct trial *trial = *state;

    trial_make(trial, RECORDS);
    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        trial_shell("rm -rf '%s'/*", trial_file_in(trial, trial_views[i], ""));
        assert_int_equal(
            trial_join(trial_start(trial, judge_in_child, (void *)(uintptr_t)trial_views[i])),
            TRIAL_RIGHT);
    }
    trial_shell("rm -rf '%s/views'", trial->path);
    trial_open(trial);
    trial_expect_right(trial);
    trial_close(trial);
}

/* Numbers that nobody ever gave. */
static void a_current_that_leads_nowhere_is_overcome(void **state)
{
    static const char *const texts[] = {"generation 0\n", "generation 2\n",
                                        "generation 18446744073709551615\n",
                                        "generation 99999999999999999999999\n", "generation -1\n"};
    struct trial *trial = *state;
    uint64_t generation = 0;

    trial_make(trial, RECORDS);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        trial_write(trial_file(trial, "tally", "CURRENT"), texts[i], strlen(texts[i]));
        assert_int_equal(
            trial_join(trial_start(trial, judge_in_child, (void *)(uintptr_t) "tally")),
            TRIAL_RIGHT);
    }
    trial_shell("mkdir '%s'", trial_file(trial, "tally", "18446744073709551615"));
    (void)unlink(trial_file(trial, "tally", "CURRENT"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            trial_join(trial_start(trial, judge_in_child, (void *)(uintptr_t) "tally")),
            TRIAL_RIGHT);
        if (i == 0)
            generation = trial_current(trial, "tally");
    }
    assert_true(generation != 0);
    assert_int_equal(trial_current(trial, "tally"), generation);
}

/* ---- views whose code is not here ---- */

static int list_in_child(struct trial *trial, void *ctx)
{
    flume_view_status rows[TRIAL_VIEWS_ON_DISK];
    flume *handle;
    int count;

    (void)ctx;
    trial->options.definition_count = 0;
    trial->options.views = FLUME_VIEWS_NO_WORKERS | FLUME_VIEWS_NOT_BUILT_IN;
    if (trial_try_open(trial, &handle, NULL) != FLUME_OK)
        return NO_OPEN;
    count = flume_view_list(handle, rows, TRIAL_VIEWS_ON_DISK);
    for (int i = 0; i < count && i < TRIAL_VIEWS_ON_DISK; i++)
        if (rows[i].state != FLUME_VIEW_FOREIGN)
            return 1;
    return flume_close(handle) == FLUME_OK && count == TRIAL_VIEWS_ON_DISK ? 0 : 1;
}

static void a_list_survives_damage_to_foreign_views(void **state)
{
    struct trial *trial = *state;
    uint64_t rounds = trial_number("FLUME_DAMAGES", DAMAGES) / 10;

    trial_make(trial, RECORDS);
    keep_master(trial);
    for (uint64_t i = 0; i < rounds; i++) {
        const char *view = trial_views[trial_below(&trial->chance, TRIAL_VIEWS)];
        int result;

        (void)damage_file(&trial->chance, trial_file_in(trial, view, "data.mdb"));
        result = trial_join(trial_start(trial, list_in_child, NULL));
        if (result != 0)
            fail_msg("round %" PRIu64 ": %d (seed %" PRIu64 ")", i, result, trial->seed);
        restore_master(trial, view);
    }
}

/* ---- beyond verify_bytes ---- */

/* 0: nothing differs, 1: it says that it cannot be read, 2: it names a difference, 3: it answers
 * wrongly, and its verification finds nothing. */
static int verify_in_child(struct trial *trial, void *ctx)
{
    const char *name = ctx;
    char message[TRIAL_MESSAGE_BYTES];
    flume_view_difference difference;
    flume_view *view;
    flume *handle;
    int status;

    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    if (trial_try_open(trial, &handle, NULL) != FLUME_OK ||
        flume_view_find(handle, name, &view) != FLUME_OK)
        return NO_OPEN;
    status = flume_view_verify(view, NULL, &difference);
    if (status != FLUME_OK)
        return 1;
    if (difference.different)
        return 2;
    return trial_judge_view(handle, name, message) == TRIAL_WRONG ? 3 : 0;
}

static void a_verification_names_what_nobody_checked(void **state)
{
    struct trial *trial = *state;
    uint64_t damages = trial_number("FLUME_DAMAGES", DAMAGES) / UNCHECKED_PART;
    unsigned counts[4] = {0}, ended = 0;

    trial->options.verify_bytes = 1;
    trial_make(trial, RECORDS);
    keep_master(trial);
    for (uint64_t i = 0; i < damages; i++) {
        const char *view = trial_views[trial_below(&trial->chance, TRIAL_VIEWS)];
        char path[2 * TRIAL_PATH_BYTES];
        size_t bytes;
        uint8_t *data;
        int result;

        (void)snprintf(path, sizeof path, "%s", trial_file_in(trial, view, "data.mdb"));
        data = trial_read(path, &bytes);
        damage_bytes(&trial->chance, data, bytes);
        trial_write(path, data, bytes);
        free(data);
        result = trial_join(trial_start(trial, verify_in_child, (void *)(uintptr_t)view));
        if (result == 3 || result > 3)
            fail_msg("round %" PRIu64 ", %s: %d (seed %" PRIu64 ")", i, view, result, trial->seed);
        if (result >= 0)
            counts[result]++;
        else
            ended++; /* LMDB trusts its pages: it may end the process. */
        restore_master(trial, view);
    }
    print_message("harmless or built again %u, refused %u, difference named %u, LMDB ended the "
                  "process %u\n",
                  counts[0], counts[1], counts[2], ended);
    assert_true(counts[2] > 0);
}

/* What has another size is noticed however large it is. */
static void another_size_is_noticed_beyond_verify_bytes(void **state)
{
    struct trial *trial = *state;
    size_t bytes;
    uint8_t *data;

    trial->options.verify_bytes = 1;
    trial_make(trial, RECORDS);
    data = trial_read(trial_file_in(trial, "chain", "data.mdb"), &bytes);
    trial_write(trial_file_in(trial, "chain", "data.mdb"), data, bytes - PAGE_BYTES);
    free(data);
    trial_open(trial);
    trial_expect_right(trial);
    trial_expect_generation(trial, "chain", 2);
    assert_string_equal(trial_status(trial->flume, "chain").why, "its file is not as it was left");
    trial_close(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        trial_test(damage_is_noticed_or_harmless),
        trial_test(a_build_that_is_gone_is_made_again),
        trial_test(a_current_that_leads_nowhere_is_overcome),
        trial_test(a_list_survives_damage_to_foreign_views),
        trial_test(a_verification_names_what_nobody_checked),
        trial_test(another_size_is_noticed_beyond_verify_bytes),
    };

    return cmocka_run_group_tests_name("views_fault_damage", tests, NULL, NULL);
}
