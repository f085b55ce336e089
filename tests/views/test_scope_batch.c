/*
 * test_scope_batch.c - batches of scopes: what belongs to one, when the next begins, and finding
 * them.
 */
#include "rules_fixture.h"

#include "flume/blob.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../log/leave.h"

enum { LISTED_MAX = 64, COMMITS = 400, RECORDERS = 3, ROLLS = 40 };

/* ---- verbs ---- */

static void begin_batches(struct rules_fixture *fx, flume_scope_batch_options options)
{
    if (options.tag == NULL)
        options.tag = "sweep";
    assert_int_equal(flume_recorder_batch(fx->recorder, &options), FLUME_OK);
}

/* Commit, and tell the batch. Valid until the next one. */
static const char *batch_of(struct rules_fixture *fx, const char *text)
{
    (void)commit(fx, text);
    return flume_recorder_batch_id(fx->recorder);
}

struct listed {
    flume_scope_batch_info infos[LISTED_MAX];
    size_t count;
};

static int keep_listed(void *ctx, const flume_scope_batch_info *info)
{
    struct listed *listed = ctx;

    assert_true(listed->count < LISTED_MAX);
    listed->infos[listed->count++] = *info;
    return 0;
}

/* Links that wait are written first. */
static void list(struct rules_fixture *fx, const char *tag, struct listed *listed)
{
    listed->count = 0;
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(flume_scope_batch_list(fx->views->flume, NULL, tag, keep_listed, listed),
                     FLUME_OK);
}

/* Commits on the tape of a batch; each is of this batch. */
static size_t commits_of(struct rules_fixture *fx, const char *id)
{
    flume_tape_entry entry;
    flume_tape *tape;
    size_t count = 0;
    int status;

    assert_int_equal(flume_scope_batch_tape(fx->views->flume, NULL, id, &tape), FLUME_OK);
    while ((status = flume_tape_next(tape, 0, &entry, NULL)) == FLUME_OK) {
        assert_string_equal(flume_tape_batch(tape), id);
        count++;
    }
    assert_int_equal(status, FLUME_END);
    flume_tape_close(tape);
    return count;
}

static void expect_batches(struct rules_fixture *fx, size_t count, const size_t commits[])
{
    struct listed listed;

    list(fx, NULL, &listed);
    assert_int_equal(listed.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(commits_of(fx, listed.infos[i].id), commits[i]);
}

#define sizes(...)                                                     \
    sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), (const size_t[]) \
    {                                                                  \
        __VA_ARGS__                                                    \
    }

/* ---- a clock of the test's ---- */

struct clock {
    flume_io io;
    uint64_t wall_ns, monotonic_ns;
};

static uint64_t stopped_wall(void *ctx)
{
    return ((struct clock *)ctx)->wall_ns;
}

static uint64_t stopped_monotonic(void *ctx)
{
    return ((struct clock *)ctx)->monotonic_ns;
}

static int drawn(void *ctx, void *target, size_t bytes)
{
    (void)ctx;
    return flume_io_posix()->random(flume_io_posix()->ctx, target, bytes);
}

/* A recorder on a basin in memory, whose time the test moves. The handle's io has the clock
 * alone. */
static void stop_clock(struct rules_fixture *fx, struct clock *clock)
{
    *clock = (struct clock){.io = *flume_io_posix(),
                            .wall_ns = UINT64_C(1748387319974000000), /* 2025-05-27 23:08:39.974 */
                            .monotonic_ns = 1};
    assert_null(clock->io.ctx); /* What is not replaced does not look at it. */
    clock->io.ctx = clock;
    clock->io.wall_ns = stopped_wall;
    clock->io.monotonic_ns = stopped_monotonic;
    clock->io.random = drawn;
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
    close_views(fx->views);
    fx->views->options.log.io = &clock->io;
    open_views(fx->views);
    assert_int_equal(flume_recorder_open(&fx->recorder, fx->views->flume, NULL), FLUME_OK);
}

/* ---- what belongs to a batch ---- */

static void the_same_scope_in_a_new_batch_is_a_duplicate(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict first;

    begin_batches(fx, (flume_scope_batch_options){0});
    first = commit(fx, "a=1");
    assert_int_equal(first.kind, FLUME_NEW);
    reopen_recorder(fx, NULL);
    begin_batches(fx, (flume_scope_batch_options){0});
    expect_dup(fx, "a=1", first.record_seq);
    assert_int_equal(flume_recorder_batch(fx->recorder, NULL), FLUME_OK);
    expect_dup(fx, "a=1", first.record_seq);
    expect_batches(fx, sizes(1, 1));
}

static void a_scope_read_back_has_no_label_of_its_batch(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t id[FLUME_HASH_BYTES], again[FLUME_HASH_BYTES];
    flume_verdict verdict;
    flume_scope *scope;

    begin_batches(fx, (flume_scope_batch_options){0});
    verdict = commit(fx, "a=1 @one @two");
    assert_int_equal(flume_scope_id(fx->scope, id), FLUME_OK);
    assert_int_equal(flume_scope_read(fx->views->flume, verdict.record_seq, &scope), FLUME_OK);
    assert_int_equal(flume_scope_label_count(scope), 2);
    assert_int_equal(flume_scope_id(scope, again), FLUME_OK);
    assert_memory_equal(again, id, sizeof id);
    flume_scope_destroy(scope);
}

static void subsets_and_supersets_have_a_batch_like_others(void **state)
{
    struct rules_fixture *fx = *state;

    begin_batches(fx, (flume_scope_batch_options){0});
    assert_int_equal(commit(fx, "a=1 b=2").kind, FLUME_NEW);
    assert_int_equal(commit(fx, "a=1 b=2 c=3").kind, FLUME_SUPERSET);
    assert_int_equal(commit(fx, "b=2 c=3").kind, FLUME_SUBSET);
    assert_int_equal(commit(fx, "b=2 c=3").kind, FLUME_DUP);
    expect_batches(fx, sizes(4));
}

static void what_is_committed_without_a_batch_belongs_to_none(void **state)
{
    struct rules_fixture *fx = *state;

    (void)commit(fx, "a=1");
    begin_batches(fx, (flume_scope_batch_options){0});
    assert_string_equal(flume_recorder_batch_id(fx->recorder), "");
    assert_string_not_equal(batch_of(fx, "a=2"), "");
    assert_int_equal(flume_recorder_batch(fx->recorder, NULL), FLUME_OK);
    assert_string_equal(batch_of(fx, "a=3"), "");
    expect_batches(fx, sizes(1));
}

static void a_recorder_that_does_not_ask_has_batches_too(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recorder_options options = {.flags = FLUME_RECORDER_FAST};

    reopen_recorder(fx, &options);
    begin_batches(fx, (flume_scope_batch_options){.commits = 2});
    for (int i = 0; i < 3; i++)
        assert_int_equal(commit(fx, "a=1").kind, FLUME_UNASKED);
    expect_batches(fx, sizes(2, 1));
}

/* ---- rolling ---- */

static void a_batch_has_as_many_commits_as_it_may(void **state)
{
    struct rules_fixture *fx = *state;
    char text[20];

    begin_batches(fx, (flume_scope_batch_options){.commits = 3});
    for (int i = 0; i < 7; i++) {
        (void)snprintf(text, sizeof text, "a=%d", i);
        (void)commit(fx, text);
    }
    expect_batches(fx, sizes(3, 3, 1));
}

static void duplicates_count_and_no_link_spans_two_batches(void **state)
{
    struct rules_fixture *fx = *state;
    struct listed listed;

    begin_batches(fx, (flume_scope_batch_options){.commits = 4});
    for (int i = 0; i < 10; i++)
        (void)commit(fx, "a=1");
    expect_batches(fx, sizes(4, 4, 2));
    list(fx, NULL, &listed);
    assert_int_equal(listed.infos[0].records, 2); /* The scope, and a link for three. */
    assert_int_equal(listed.infos[1].records, 1);
    assert_int_equal(listed.infos[2].records, 1);
}

static void only_contents_that_are_stored_count_as_blobs(void **state)
{
    struct rules_fixture *fx = *state;
    static const char *const contents[] = {"one", "one", "two", "three"};

    begin_batches(fx, (flume_scope_batch_options){.blobs = 2});
    for (int i = 0; i < 4; i++) {
        describe(fx->scope, "a=1");
        assert_int_equal(flume_scope_set_int(fx->scope, "i", i), FLUME_OK);
        assert_int_equal(
            flume_scope_set_content(fx->scope, "x", "char", contents[i], strlen(contents[i])),
            FLUME_OK);
        (void)commit_as_it_is(fx, fx->scope);
    }
    expect_batches(fx, sizes(3, 1));
}

static void a_batch_that_has_its_bytes_is_full(void **state)
{
    struct rules_fixture *fx = *state;
    static const char content[10000];

    begin_batches(fx, (flume_scope_batch_options){.bytes = 9000});
    for (int i = 0; i < 3; i++)
        (void)commit(fx, i == 0 ? "a=1" : i == 1 ? "a=2" : "a=3");
    describe(fx->scope, "a=4");
    assert_int_equal(flume_scope_set_content(fx->scope, "x", "char", content, sizeof content),
                     FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
    (void)commit(fx, "a=5");
    expect_batches(fx, sizes(4, 1));
}

static void a_batch_ends_when_it_is_old(void **state)
{
    struct rules_fixture *fx = *state;
    struct clock clock;

    stop_clock(fx, &clock);
    begin_batches(fx, (flume_scope_batch_options){.age_ns = 1000, .commits = 3});
    (void)commit(fx, "a=1");
    clock.monotonic_ns += 999;
    (void)commit(fx, "a=2");
    clock.monotonic_ns += 1;
    (void)commit(fx, "a=3"); /* Old. */
    (void)commit(fx, "a=4");
    (void)commit(fx, "a=5");
    (void)commit(fx, "a=6"); /* Full. */
    expect_batches(fx, sizes(2, 3, 1));
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
    close_views(fx->views);
    fx->views->options.log.io = NULL;
}

static void a_scope_that_is_refused_begins_no_batch(void **state)
{
    struct rules_fixture *fx = *state;

    begin_batches(fx, (flume_scope_batch_options){.commits = 1});
    flume_scope_clear(fx->scope);
    expect_refused(fx, FLUME_ERR_INVALID, "label of its own");
    (void)commit(fx, "a=1");
    flume_scope_clear(fx->scope);
    expect_refused(fx, FLUME_ERR_INVALID, "label of its own");
    (void)commit(fx, "a=2");
    expect_batches(fx, sizes(1, 1));
}

/* ---- ids ---- */

static void an_id_is_tag_time_and_chance(void **state)
{
    struct rules_fixture *fx = *state;
    struct clock clock;
    const char *id;

    stop_clock(fx, &clock);
    begin_batches(fx, (flume_scope_batch_options){.tag = "my-tag"});
    id = batch_of(fx, "a=1");
    assert_memory_equal(id, "my-tag-20250527-230839974-", 26);
    assert_int_equal(strlen(id), 26 + 8);
    assert_int_equal(strspn(id + 26, "0123456789abcdef"), 8);
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
    close_views(fx->views);
    fx->views->options.log.io = NULL;
}

static void times_of_batches_rise_while_the_clock_stands_or_goes_back(void **state)
{
    struct rules_fixture *fx = *state;
    char before[FLUME_SCOPE_BATCH_ID_BYTES_MAX + 1] = "";
    struct clock clock;
    char text[20];

    stop_clock(fx, &clock);
    begin_batches(fx, (flume_scope_batch_options){.tag = "t", .commits = 1});
    for (int i = 0; i < ROLLS; i++) {
        const char *id;

        if (i == ROLLS / 2)
            clock.wall_ns -= UINT64_C(3600000000000);
        (void)snprintf(text, sizeof text, "a=%d", i);
        id = batch_of(fx, text);
        assert_true(strncmp(id, before, 20) > 0); /* "t-YYYYMMDD-HHMMSSmmm" */
        (void)strcpy(before, id);
    }
    assert_memory_equal(before, "t-20250527-230840013", 20);
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
    close_views(fx->views);
    fx->views->options.log.io = NULL;
}

struct racer {
    flume *flume;
    int number;
};

static void *race(void *argument)
{
    const struct racer *racer = argument;
    flume_scope_batch_options options = {.tag = "race", .commits = 1};
    flume_recorder *recorder;
    flume_scope *scope;

    assert_int_equal(flume_recorder_open(&recorder, racer->flume, NULL), FLUME_OK);
    assert_int_equal(flume_recorder_batch(recorder, &options), FLUME_OK);
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "race"), FLUME_OK);
    for (int i = 0; i < LISTED_MAX / RECORDERS; i++) {
        assert_int_equal(flume_scope_set_int(scope, "i", racer->number * 1000 + i), FLUME_OK);
        assert_int_equal(flume_commit(recorder, scope, NULL), FLUME_OK);
    }
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    return NULL;
}

static void recorders_of_one_tag_do_not_share_batches(void **state)
{
    struct rules_fixture *fx = *state;
    struct racer racers[RECORDERS];
    pthread_t threads[RECORDERS];
    struct listed listed;

    for (int i = 0; i < RECORDERS; i++) {
        racers[i] = (struct racer){fx->views->flume, i};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < RECORDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    list(fx, "race", &listed);
    assert_int_equal(listed.count, LISTED_MAX / RECORDERS * RECORDERS);
    for (size_t i = 0; i < listed.count; i++)
        assert_int_equal(listed.infos[i].records, 1);
}

static void processes_of_one_tag_do_not_share_batches(void **state)
{
    struct rules_fixture *fx = *state;
    struct listed listed;
    pid_t child;
    int how;

    begin_batches(fx, (flume_scope_batch_options){.tag = "race"});
    (void)commit(fx, "a=1");
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        flume *handle;
        struct racer racer = {.number = 7};

        if (flume_open(&handle, fx->views->base->path, NULL, NULL) != FLUME_OK)
            leave(1);
        racer.flume = handle;
        (void)race(&racer);
        leave(flume_close(handle) != FLUME_OK);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    list(fx, "race", &listed);
    assert_int_equal(listed.count, 1 + LISTED_MAX / RECORDERS);
    for (size_t i = 0; i < listed.count; i++)
        assert_int_equal(commits_of(fx, listed.infos[i].id), 1);
}

static void a_tag_that_cannot_stand_in_a_label_is_refused(void **state)
{
    static const char *const bad[] = {"", "@batch", "a\nb", "\xff"};
    struct rules_fixture *fx = *state;
    char tag[FLUME_SCOPE_BATCH_TAG_BYTES_MAX + 2];
    flume_scope_batch_options options = {.tag = tag};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)strcpy(tag, bad[i]);
        assert_int_equal(flume_recorder_batch(fx->recorder, &options), FLUME_ERR_INVALID);
        expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "tag");
    }
    memset(tag, 'x', sizeof tag);
    tag[sizeof tag - 1] = '\0';
    assert_int_equal(flume_recorder_batch(fx->recorder, &options), FLUME_ERR_TOO_LARGE);
    tag[sizeof tag - 2] = '\0';
    assert_int_equal(flume_recorder_batch(fx->recorder, &options), FLUME_OK);
    assert_int_equal(strlen(batch_of(fx, "a=1")), FLUME_SCOPE_BATCH_ID_BYTES_MAX);
    expect_batches(fx, sizes(1));
}

/* ---- finding ---- */

static void batches_are_listed_by_tag_even_within_another_tag(void **state)
{
    struct rules_fixture *fx = *state;
    struct listed listed;

    begin_batches(fx, (flume_scope_batch_options){.tag = "a"});
    (void)commit(fx, "a=1");
    begin_batches(fx, (flume_scope_batch_options){.tag = "a-b"});
    (void)commit(fx, "a=2");
    begin_batches(fx, (flume_scope_batch_options){.tag = "a-20250527-230839974-0d748c34"});
    (void)commit(fx, "a=3");
    list(fx, NULL, &listed);
    assert_int_equal(listed.count, 3);
    list(fx, "a", &listed);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.infos[0].tag_bytes, 1);
    list(fx, "a-", &listed);
    assert_int_equal(listed.count, 0);
    list(fx, "a-20250527-230839974-0d748c34", &listed);
    assert_int_equal(listed.count, 1);
}

static void a_batch_tells_its_records_and_its_time(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope_batch_info info;
    flume_verdict first, last;
    uint64_t now = flume_io_posix()->wall_ns(flume_io_posix()->ctx);

    begin_batches(fx, (flume_scope_batch_options){0});
    first = commit(fx, "a=1");
    last = commit(fx, "a=2");
    assert_int_equal(flume_scope_batch_find(fx->views->flume, NULL,
                                            flume_recorder_batch_id(fx->recorder), &info),
                     FLUME_OK);
    assert_int_equal(info.records, 2);
    assert_int_equal(info.first_seq, first.record_seq);
    assert_int_equal(info.last_seq, last.record_seq);
    assert_true(info.time_ns + 1000000 > now);
    assert_true(info.time_ns < now + UINT64_C(60000000000));
}

static void a_batch_is_found_by_the_beginning_of_its_id(void **state)
{
    struct rules_fixture *fx = *state;
    char id[FLUME_SCOPE_BATCH_ID_BYTES_MAX + 1];
    flume_scope_batch_info info;
    flume *handle = fx->views->flume;

    begin_batches(fx, (flume_scope_batch_options){.tag = "one"});
    (void)strcpy(id, batch_of(fx, "a=1"));
    begin_batches(fx, (flume_scope_batch_options){.tag = "other", .commits = 1});
    (void)commit(fx, "a=2");
    (void)commit(fx, "a=3");
    assert_int_equal(flume_scope_batch_find(handle, NULL, "on", &info), FLUME_OK);
    assert_string_equal(info.id, id);
    assert_int_equal(flume_scope_batch_find(handle, NULL, "other", &info), FLUME_ERR_AMBIGUOUS);
    expect_view_error(handle, FLUME_ERR_AMBIGUOUS, "other-");
    assert_int_equal(flume_scope_batch_find(handle, NULL, "two", &info), FLUME_ERR_NOT_FOUND);
}

/* Records of others may carry the label; the tape has scopes and links alone. */
static void labels_that_are_no_batch_are_none(void **state)
{
    static const char *const labels[] = {"@batch/a-20250230-230839974-0d748c34",
                                         "@batch/a-20250527-230839974-0D748C34",
                                         "@batch/-20250527-230839974-0d748c34x", "@batch/"};
    struct rules_fixture *fx = *state;
    flume_entry entry = {.labels = labels, .label_count = sizeof labels / sizeof labels[0]};
    struct listed listed;
    flume_tape *tape;

    assert_int_equal(flume_log_append_entry(flume_log_of(fx->views->flume), &entry, NULL),
                     FLUME_OK);
    list(fx, NULL, &listed);
    assert_int_equal(listed.count, 0);
    assert_int_equal(
        flume_scope_batch_tape(fx->views->flume, NULL, "a-20250230-230839974-0d748c34", &tape),
        FLUME_ERR_INVALID);
    assert_int_equal(commits_of(fx, "a-20250527-230839974-0d748c34"), 0);
}

/* ---- as records ---- */

/* Append a scope's record once more, with these labels behind its own. */
static int read_forged(struct rules_fixture *fx, uint64_t seq, const char *const *labels,
                       size_t count)
{
    flume_log *log = flume_log_of(fx->views->flume);
    flume_record record;
    flume_scope *scope;
    flume_entry entry = {.labels = labels, .label_count = count, .kind = FLUME_KIND_SCOPE};
    uint64_t forged;
    int status;

    assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
    entry.body = record.body;
    entry.body_bytes = record.body_bytes;
    assert_int_equal(flume_log_append_entry(log, &entry, &forged), FLUME_OK);
    flume_record_release(&record);
    status = flume_scope_read(fx->views->flume, forged, &scope);
    if (status == FLUME_OK)
        flume_scope_destroy(scope);
    return status;
}

static void a_record_has_one_batch_and_that_stands_last(void **state)
{
    struct rules_fixture *fx = *state;
    const char *batch = "@batch/a-20250527-230839974-0d748c34";
    const char *other = "@batch/b-20250527-230839974-0d748c34";
    uint64_t seq = commit(fx, "a=1").record_seq;

    assert_int_equal(read_forged(fx, seq, (const char *[]){"test", batch}, 2), FLUME_OK);
    assert_int_equal(read_forged(fx, seq, (const char *[]){batch, "test"}, 2), FLUME_ERR_DAMAGED);
    assert_int_equal(read_forged(fx, seq, (const char *[]){"test", batch, other}, 3),
                     FLUME_ERR_DAMAGED);
    assert_int_equal(read_forged(fx, seq, (const char *[]){"test", "@other"}, 2),
                     FLUME_ERR_DAMAGED);
}

/* ---- at random, against counting ---- */

static void batches_hold_what_counting_says(void **state)
{
    struct rules_fixture *fx = *state;
    unsigned seed = 20240611, most = 7;
    size_t expected[COMMITS], batches = 0, room = 0;
    struct listed listed;
    char text[20];

    begin_batches(fx, (flume_scope_batch_options){.commits = most});
    for (size_t i = 0; i < COMMITS; i++) {
        if (rand_r(&seed) % 16 == 0) { /* Another tape of batches begins. */
            most = 7 + (unsigned)rand_r(&seed) % 9;
            begin_batches(fx, (flume_scope_batch_options){.commits = most});
            room = 0;
        }
        if (rand_r(&seed) % 32 == 0)
            assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
        (void)snprintf(text, sizeof text, "a=%d", rand_r(&seed) % 5);
        (void)commit(fx, text);
        if (room == 0) {
            expected[batches++] = 0;
            room = most;
        }
        expected[batches - 1]++;
        room--;
    }
    assert_true(batches > 20 && batches <= LISTED_MAX);
    list(fx, NULL, &listed);
    assert_int_equal(listed.count, batches);
    for (size_t i = 0; i < batches; i++)
        assert_int_equal(commits_of(fx, listed.infos[i].id), expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(the_same_scope_in_a_new_batch_is_a_duplicate),
        rules_test(a_scope_read_back_has_no_label_of_its_batch),
        rules_test(subsets_and_supersets_have_a_batch_like_others),
        rules_test(what_is_committed_without_a_batch_belongs_to_none),
        rules_test(a_recorder_that_does_not_ask_has_batches_too),
        rules_test(a_batch_has_as_many_commits_as_it_may),
        rules_test(duplicates_count_and_no_link_spans_two_batches),
        rules_test(only_contents_that_are_stored_count_as_blobs),
        rules_test(a_batch_that_has_its_bytes_is_full),
        rules_test(a_batch_ends_when_it_is_old),
        rules_test(a_scope_that_is_refused_begins_no_batch),
        rules_test(an_id_is_tag_time_and_chance),
        rules_test(times_of_batches_rise_while_the_clock_stands_or_goes_back),
        rules_test(recorders_of_one_tag_do_not_share_batches),
        rules_test(processes_of_one_tag_do_not_share_batches),
        rules_test(a_tag_that_cannot_stand_in_a_label_is_refused),
        rules_test(batches_are_listed_by_tag_even_within_another_tag),
        rules_test(a_batch_tells_its_records_and_its_time),
        rules_test(a_batch_is_found_by_the_beginning_of_its_id),
        rules_test(labels_that_are_no_batch_are_none),
        rules_test(a_record_has_one_batch_and_that_stands_last),
        rules_test(batches_hold_what_counting_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
