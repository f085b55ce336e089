/*
 * test_scope_stage.c - staged scopes: when they are written, as what, and that nothing else is left
 * of them.
 */
#include "rules_fixture.h"

#include "flume/blob.h"
#include "flume/lane.h"
#include "flume/scope_batch.h"
#include "flume/scope_find.h"
#include "flume/scope_stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOLD_MAX = 64, REPEATS = 5000, STEPS = 25, RANDOM_COMMITS = 600 };

/* ---- verbs ---- */

struct told {
    uint64_t id, count;
    flume_verdict verdict;
};

struct notes {
    struct told told[TOLD_MAX];
    size_t count;
    flume_recorder *used; /* By who is told. NULL: nobody. */
    flume_scope *scope;
    int used_status;
    flume_log *entered; /* Its lane is entered when so many were told. */
    size_t enter_at;
};

static void note(void *ctx, uint64_t staged_id, uint64_t count, const flume_verdict *verdict)
{
    struct notes *notes = ctx;

    assert_true(notes->count < TOLD_MAX);
    notes->told[notes->count++] = (struct told){staged_id, count, *verdict};
    if (notes->used != NULL)
        notes->used_status = flume_commit(notes->used, notes->scope, NULL);
    if (notes->entered != NULL && notes->count == notes->enter_at)
        assert_int_equal(flume_lane_enter(notes->entered, FLUME_LANE_SCOPE), FLUME_OK);
}

/* Stage from here on; *notes is told what is written. */
static struct notes *begin_stage(struct rules_fixture *fx, uint64_t flush_every)
{
    struct notes *notes = calloc(1, sizeof *notes);
    flume_stage_options options = {.flush_every = flush_every, .written = note, .ctx = notes};

    assert_non_null(notes);
    free(fx->own);
    fx->own = notes;
    assert_int_equal(flume_recorder_stage(fx->recorder, &options), FLUME_OK);
    return notes;
}

static uint64_t head_of(struct rules_fixture *fx)
{
    return flume_log_head(flume_log_of(fx->views->flume));
}

static void flush(struct rules_fixture *fx)
{
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(flume_recorder_staged(fx->recorder), 0);
}

static void expect_told(const struct told *told, uint64_t id, enum flume_verdict_kind kind)
{
    assert_int_equal(told->id, id);
    assert_int_equal(told->count, 1);
    assert_int_equal(told->verdict.kind, kind);
    assert_int_equal(told->verdict.staged_id, id);
}

/* What stands on the tape, as "new:1 dup:1 ...": verdicts, and the variable n. */
static void expect_tape(struct rules_fixture *fx, const char *expected)
{
    static const char *const names[] = {"", "new", "dup", "subset", "superset"};
    char text[4000] = "";
    flume_tape_entry entry;
    flume_variable n;
    flume_tape *tape;
    int status;

    assert_int_equal(flume_tape_open(fx->views->flume, NULL, &tape), FLUME_OK);
    while ((status = flume_tape_next(tape, 0, &entry, fx->scope)) == FLUME_OK) {
        assert_true(flume_scope_get(fx->scope, "n", &n));
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s:%d",
                       text[0] == '\0' ? "" : " ", names[entry.kind], (int)n.value.integer);
    }
    assert_int_equal(status, FLUME_END);
    flume_tape_close(tape);
    assert_string_equal(text, expected);
}

/* ---- when they are written ---- */

static void a_staged_scope_is_not_in_the_log_until_it_is_flushed(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    uint64_t head = head_of(fx);
    flume_verdict verdict = commit(fx, "n=1");

    assert_int_equal(verdict.kind, FLUME_STAGED);
    assert_int_equal(verdict.staged_id, 1);
    assert_int_equal(verdict.seq, FLUME_SEQ_NONE);
    assert_int_equal(verdict.record_seq, FLUME_SEQ_NONE);
    assert_int_equal(commit(fx, "n=2").staged_id, 2);
    assert_int_equal(flume_recorder_staged(fx->recorder), 2);
    assert_int_equal(head_of(fx), head);
    flush(fx);
    assert_int_equal(notes->count, 2);
    expect_told(&notes->told[0], 1, FLUME_NEW);
    assert_memory_equal(notes->told[0].verdict.id, verdict.id, sizeof verdict.id);
    expect_told(&notes->told[1], 2, FLUME_NEW);
    assert_int_equal(notes->told[1].verdict.record_seq, notes->told[0].verdict.record_seq + 1);
    expect_tape(fx, "new:1 new:2");
}

static void every_nth_commit_writes_the_stage(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 3);
    char text[20];

    for (int i = 1; i <= 8; i++) {
        (void)snprintf(text, sizeof text, "n=%d", i);
        (void)commit(fx, text);
        assert_int_equal(flume_recorder_staged(fx->recorder), i % 3);
        assert_int_equal(notes->count, i / 3 * 3);
    }
}

static void a_setting_says_how_often_scopes_of_a_label_are_written(void **state)
{
    struct rules_fixture *fx = *state;
    char text[20];

    assert_int_equal(
        flume_recorder_configure(fx->recorder, "^step$", FLUME_SETTING_FLUSH_EVERY, "10"),
        FLUME_OK);
    assert_int_equal(
        flume_recorder_configure(fx->recorder, "^rare$", FLUME_SETTING_FLUSH_EVERY, "never"),
        FLUME_OK);
    for (int i = 1; i <= STEPS; i++) {
        (void)snprintf(text, sizeof text, "n=%d @step", i);
        (void)commit(fx, text);
        (void)snprintf(text, sizeof text, "n=%d @rare", i);
        assert_int_equal(commit(fx, text).kind, FLUME_STAGED);
        /* The tenth step writes what is staged; scopes that are rare do not count. */
        assert_int_equal(flume_recorder_staged(fx->recorder), i < 10 ? 2 * i : 1 + 2 * (i % 10));
    }
    assert_int_equal(commit(fx, "n=0").kind,
                     FLUME_NEW); /* Not staged; what was before is written. */
    assert_int_equal(flume_recorder_staged(fx->recorder), 0);
}

static void the_tape_has_commits_in_order_staged_or_not(void **state)
{
    struct rules_fixture *fx = *state;

    assert_int_equal(
        flume_recorder_configure(fx->recorder, "^step$", FLUME_SETTING_FLUSH_EVERY, "never"),
        FLUME_OK);
    (void)commit(fx, "n=1");
    (void)commit(fx, "n=2 @step");
    (void)commit(fx, "n=1");
    (void)commit(fx, "n=2 @step");
    (void)commit(fx, "n=3 @step");
    flush(fx);
    expect_tape(fx, "new:1 new:2 dup:1 dup:2 new:3");
}

static void a_setting_goes_before_what_holds_for_all(void **state)
{
    struct rules_fixture *fx = *state;

    (void)begin_stage(fx, 0);
    assert_int_equal(
        flume_recorder_configure(fx->recorder, "^now$", FLUME_SETTING_FLUSH_EVERY, "1"), FLUME_OK);
    assert_int_equal(commit(fx, "n=1").kind, FLUME_STAGED);
    assert_int_equal(commit(fx, "n=2 @now").kind, FLUME_NEW);
    assert_int_equal(flume_recorder_staged(fx->recorder), 0);
}

static void a_setting_that_says_nothing_is_refused(void **state)
{
    static const char *const bad[] = {"", "0", "01", "-1", "ten", "10 ", "1000000000000000000"};
    struct rules_fixture *fx = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(
            flume_recorder_configure(fx->recorder, "", FLUME_SETTING_FLUSH_EVERY, bad[i]),
            FLUME_ERR_INVALID);
        expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "flush every");
    }
    assert_int_equal(commit(fx, "n=1").kind, FLUME_NEW);
}

static void who_stages_no_more_has_written_what_was_staged(void **state)
{
    struct rules_fixture *fx = *state;

    (void)begin_stage(fx, 0);
    (void)commit(fx, "n=1");
    assert_int_equal(flume_recorder_stage(fx->recorder, NULL), FLUME_OK);
    assert_int_equal(commit(fx, "n=2").kind, FLUME_NEW);
    expect_tape(fx, "new:1 new:2");
}

static void closing_writes_what_is_staged(void **state)
{
    struct rules_fixture *fx = *state;

    (void)begin_stage(fx, 0);
    (void)commit(fx, "n=1");
    reopen_recorder(fx, NULL);
    expect_tape(fx, "new:1");
}

/* ---- verdicts ---- */

static void a_duplicate_of_a_staged_scope_is_told_at_once(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict verdict;

    (void)begin_stage(fx, 0);
    (void)commit(fx, "n=1");
    (void)commit(fx, "n=2");
    verdict = commit(fx, "n=1");
    assert_int_equal(verdict.kind, FLUME_DUP);
    assert_int_equal(verdict.seq, FLUME_SEQ_NONE);
    assert_int_equal(verdict.staged_id, 3);
    assert_int_equal(verdict.staged_of, 1);
    flush(fx);
    expect_tape(fx, "new:1 new:2 dup:1");
}

static void a_duplicate_of_a_stored_scope_is_told_at_once(void **state)
{
    struct rules_fixture *fx = *state;
    uint64_t seq = commit(fx, "n=1").record_seq;
    flume_verdict verdict;

    (void)begin_stage(fx, 0);
    verdict = commit(fx, "n=1");
    assert_int_equal(verdict.kind, FLUME_DUP);
    assert_int_equal(verdict.seq, seq);
    assert_int_equal(verdict.staged_of, 0);
    assert_int_equal(verdict.staged_id, 1);
}

static void subsets_and_supersets_are_told_when_they_are_written(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);

    assert_int_equal(commit(fx, "n=1 b=2").kind, FLUME_STAGED);
    assert_int_equal(commit(fx, "n=1 b=2 c=3").kind, FLUME_STAGED);
    assert_int_equal(commit(fx, "n=1").kind, FLUME_STAGED);
    flush(fx);
    expect_told(&notes->told[0], 1, FLUME_NEW);
    expect_told(&notes->told[1], 2, FLUME_SUPERSET);
    assert_int_equal(notes->told[1].verdict.extends_seq, notes->told[0].verdict.record_seq);
    expect_told(&notes->told[2], 3, FLUME_SUBSET);
}

static void what_others_commit_meanwhile_counts_when_it_is_written(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    flume_recorder *other;
    flume_verdict verdict;

    (void)commit(fx, "n=1");
    assert_int_equal(flume_recorder_open(&other, fx->views->flume, NULL), FLUME_OK);
    assert_int_equal(flume_commit(other, fx->scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_NEW);
    assert_int_equal(flume_recorder_close(other), FLUME_OK);
    flush(fx);
    expect_told(&notes->told[0], 1, FLUME_DUP);
    assert_int_equal(notes->told[0].verdict.seq, verdict.record_seq);
}

static void equal_commits_are_counted_in_one_place(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    flume_scope_info info;
    uint64_t head;

    for (int i = 0; i < REPEATS; i++)
        (void)commit(fx, "n=1");
    assert_int_equal(flume_recorder_staged(fx->recorder), REPEATS);
    head = head_of(fx);
    flush(fx);
    assert_true(head_of(fx) - head <= 3); /* A manifest, the scope, a link. */
    assert_int_equal(notes->count, 2);
    assert_int_equal(notes->told[1].id, 2);
    assert_int_equal(notes->told[1].count, REPEATS - 1);
    assert_int_equal(notes->told[1].verdict.kind, FLUME_DUP);
    assert_int_equal(flume_scope_find_id(fx->views->flume, NULL, notes->told[0].verdict.id, &info),
                     FLUME_OK);
    assert_int_equal(info.count, REPEATS);
}

static void volatile_variables_are_those_of_the_first_and_the_last(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    flume_variable at = {.key = "at", .class_ = FLUME_CLASS_VOLATILE};
    uint64_t seqs[2];

    for (int i = 1; i <= 4; i++) {
        describe(fx->scope, "n=1");
        at.value = (flume_value){.type = FLUME_VALUE_INT, .integer = i};
        assert_int_equal(flume_scope_set_variable(fx->scope, &at), FLUME_OK);
        (void)commit_as_it_is(fx, fx->scope);
    }
    flush(fx);
    seqs[0] = notes->told[0].verdict.record_seq;
    seqs[1] = head_of(fx) - 1;
    for (int i = 0; i < 2; i++) {
        flume_scope *read;

        assert_int_equal(flume_scope_read(fx->views->flume, seqs[i], &read), FLUME_OK);
        assert_true(flume_scope_get(read, "at", &at));
        assert_int_equal(at.value.integer, i == 0 ? 1 : 4);
        flume_scope_destroy(read);
    }
}

static void a_recorder_that_does_not_ask_can_stage_too(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recorder_options options = {.flags = FLUME_RECORDER_FAST};
    struct notes *notes;

    reopen_recorder(fx, &options);
    notes = begin_stage(fx, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(commit(fx, "n=1").kind, FLUME_UNASKED);
    flush(fx);
    assert_int_equal(notes->count, 3);
    expect_told(&notes->told[2], 3, FLUME_UNASKED);
    expect_tape(fx, "new:1 new:1 new:1");
}

static void a_staged_scope_was_seen(void **state)
{
    struct rules_fixture *fx = *state;
    uint64_t seq = 0;

    (void)begin_stage(fx, 0);
    (void)commit(fx, "n=1 b=2");
    describe(fx->scope, "n=1 b=2");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, &seq), FLUME_OK);
    assert_int_equal(seq, FLUME_SEQ_NONE);
    describe(fx->scope, "n=1");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, &seq),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_SHADOWED, &seq),
                     FLUME_OK);
    describe(fx->scope, "n=1 b=2 c=3");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXTENDED, &seq),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_recorder_neutral(fx->recorder, "c"), FLUME_OK);
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXTENDED, &seq),
                     FLUME_OK);
    describe(fx->scope, "n=1 b=3 c=3");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXTENDED, &seq),
                     FLUME_ERR_NOT_FOUND);
}

/* c and d make no difference, e and g do. */
static void what_is_extended_may_be_stored_or_staged(void **state)
{
    struct rules_fixture *fx = *state;

    (void)commit(fx, "n=1 b=2");
    assert_int_equal(flume_recorder_neutral(fx->recorder, "c"), FLUME_OK);
    assert_int_equal(flume_recorder_neutral(fx->recorder, "d"), FLUME_OK);
    (void)begin_stage(fx, 0);
    (void)commit(fx, "n=1 b=2 e=5");
    describe(fx->scope, "n=1 b=2 c=3 d=4");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXTENDED, NULL),
                     FLUME_OK);
    describe(fx->scope, "n=1 b=2 c=3 e=5");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXTENDED, NULL),
                     FLUME_OK);
    (void)commit(fx, "n=1 b=2 f=6");
    describe(fx->scope, "n=1 b=2 d=4 g=7");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXTENDED, NULL),
                     FLUME_ERR_NOT_FOUND);
}

static void numbers_that_were_set_loosely_stay_so(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    flume_scope *read;

    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_numbers(fx->scope, FLUME_NUMBERS_LOOSE), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(fx->scope, "n", 2.0), FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
    assert_int_equal(flume_scope_numbers(fx->scope, FLUME_NUMBERS_STRICT), FLUME_OK);
    flush(fx);
    expect_told(&notes->told[0], 1, FLUME_NEW);
    assert_int_equal(flume_scope_read(fx->views->flume, notes->told[0].verdict.record_seq, &read),
                     FLUME_OK);
    assert_int_equal(flume_scope_number_mode(read), FLUME_NUMBERS_LOOSE);
    flume_scope_destroy(read);
}

/* ---- contents ---- */

static void set_content(struct rules_fixture *fx, int n, const void *data, size_t bytes)
{
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set_int(fx->scope, "n", n), FLUME_OK);
    assert_int_equal(flume_scope_set_content(fx->scope, "x", "char", data, bytes), FLUME_OK);
}

static void contents_are_what_they_were_when_they_were_staged(void **state)
{
    enum { BYTES = 3 << 20 };
    struct rules_fixture *fx = *state;
    uint8_t *data = malloc(BYTES), *read = malloc(BYTES), hashes[4][FLUME_HASH_BYTES];

    assert_true(data != NULL && read != NULL);
    (void)begin_stage(fx, 0);
    for (int i = 0; i < 4; i++) {
        memset(data, 'a' + i, BYTES);
        set_content(fx, i, data, i == 0 ? 0 : (size_t)BYTES / 4 * (size_t)i);
        flume_hash(data, i == 0 ? 0 : (size_t)BYTES / 4 * (size_t)i, hashes[i]);
        (void)commit_as_it_is(fx, fx->scope);
    }
    memset(data, 'z', BYTES);
    flush(fx);
    for (int i = 0; i < 4; i++) {
        flume_blob_reader *reader;
        size_t bytes;

        assert_int_equal(flume_blob_reader_open(fx->views->flume, NULL, hashes[i], &reader),
                         FLUME_OK);
        assert_int_equal(flume_blob_reader_read(reader, 0, read, BYTES, &bytes), FLUME_OK);
        assert_int_equal(bytes, (size_t)BYTES / 4 * (size_t)i);
        for (size_t j = 0; j < bytes; j++)
            assert_true(read[j] == 'a' + i);
        flume_blob_reader_close(reader);
    }
    free(data);
    free(read);
}

/* Bytes of the files of this process that have no name, in the basin. */
static uint64_t nameless_bytes(struct rules_fixture *fx)
{
    DIR *directory = opendir("/proc/self/fd");
    uint64_t bytes = 0;
    struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        char path[300], target[4096];
        ssize_t length;

        (void)snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        length = readlink(path, target, sizeof target - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        if (strncmp(target, fx->views->base->path, strlen(fx->views->base->path)) == 0 &&
            strstr(target, "(deleted)") != NULL) {
            struct stat file;

            assert_int_equal(stat(path, &file), 0);
            bytes += (uint64_t)file.st_size;
        }
    }
    (void)closedir(directory);
    return bytes;
}

static void a_content_is_staged_once_and_not_if_it_is_stored(void **state)
{
    struct rules_fixture *fx = *state;
    static char data[100000], stored[100000];

    memset(stored, 's', sizeof stored);
    set_content(fx, 0, stored, sizeof stored);
    (void)commit_as_it_is(fx, fx->scope);
    (void)begin_stage(fx, 0);
    for (int i = 1; i < 5; i++) {
        set_content(fx, i, i % 2 == 0 ? stored : data, sizeof data);
        (void)commit_as_it_is(fx, fx->scope);
    }
    assert_in_range(nameless_bytes(fx), sizeof data, sizeof data + 5000);
    flush(fx);
    assert_int_equal(nameless_bytes(fx), 0);
}

/* ---- nothing is left ---- */

static void what_is_discarded_was_never_there(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    static const char data[3000] = "x";
    uint64_t head = head_of(fx);

    set_content(fx, 1, data, sizeof data);
    assert_int_equal(commit_as_it_is(fx, fx->scope).kind, FLUME_STAGED);
    assert_true(nameless_bytes(fx) > 0);
    assert_int_equal(flume_recorder_discard(fx->recorder), FLUME_OK);
    assert_int_equal(flume_recorder_staged(fx->recorder), 0);
    assert_int_equal(nameless_bytes(fx), 0);
    flush(fx);
    assert_int_equal(head_of(fx), head);
    assert_int_equal(notes->count, 0);
    set_content(fx, 1, data, sizeof data);
    assert_int_equal(commit_as_it_is(fx, fx->scope).kind, FLUME_STAGED); /* No duplicate. */
    flush(fx);
    expect_told(&notes->told[0], 2, FLUME_NEW);
}

/* ---- scopes within scopes ---- */

static uint64_t encloser_of(struct rules_fixture *fx, uint64_t seq)
{
    const flume_cursor_options options = {.bounds = FLUME_GTE | FLUME_LTE, .gte = seq, .lte = seq};
    flume_tape_entry entry;
    flume_tape *tape;
    uint64_t found = FLUME_SEQ_NONE;
    int status;

    assert_int_equal(flume_tape_open(fx->views->flume, &options, &tape), FLUME_OK);
    assert_int_equal(flume_tape_next(tape, 0, &entry, NULL), FLUME_OK);
    flume_tape_close(tape);
    assert_true(entry.enclosing_frame != 0);
    status = flume_scope_of_frame(fx->views->flume, NULL, entry.enclosing_frame, &found);
    assert_true(status == FLUME_OK || status == FLUME_ERR_NOT_FOUND);
    return found;
}

/* A scope {m} that encloses what is committed from here on. */
static flume_scope *enter_outer(struct rules_fixture *fx)
{
    flume_scope *outer;

    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "m=1 @outer");
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    return outer;
}

static void staged_scopes_know_what_encloses_them(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    flume_scope *outer = enter_outer(fx);

    (void)commit(fx, "n=1");
    (void)commit_as_it_is(fx, outer);
    assert_int_equal(flume_scope_set_int(outer, "m", 2), FLUME_OK);
    (void)commit(fx, "n=2");
    (void)commit_as_it_is(fx, outer);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flush(fx);
    assert_int_equal(notes->count, 4);
    for (size_t i = 0; i < 4; i += 2)
        assert_int_equal(encloser_of(fx, notes->told[i].verdict.record_seq),
                         notes->told[i + 1].verdict.record_seq);
    flume_scope_destroy(outer);
}

/* What encloses was only staged, and discarded: its next commit is the one that encloses. */
static void what_was_discarded_encloses_nothing(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    flume_scope *outer = enter_outer(fx);

    (void)commit_as_it_is(fx, outer);
    assert_int_equal(flume_recorder_discard(fx->recorder), FLUME_OK);
    (void)commit(fx, "n=1");
    assert_int_equal(flume_scope_set_int(outer, "m", 2), FLUME_OK);
    (void)commit_as_it_is(fx, outer);
    flush(fx);
    assert_int_equal(encloser_of(fx, notes->told[0].verdict.record_seq),
                     notes->told[1].verdict.record_seq);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
}

/* ---- when writing fails ---- */

static void what_was_written_before_an_error_is_not_written_again(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes;
    flume *other;

    (void)flume_recorder_close(fx->recorder);
    fx->recorder = NULL;
    close_views(fx->views);
    fx->views->options.log.lock_timeout_ns = 20000000;
    open_views(fx->views);
    assert_int_equal(flume_recorder_open(&fx->recorder, fx->views->flume, NULL), FLUME_OK);
    other = open_another(fx->views);
    notes = begin_stage(fx, 0);
    notes->entered = flume_log_of(other);
    notes->enter_at = 2;
    for (int i = 1; i <= 4; i++)
        (void)commit(fx, i == 1 ? "n=1" : i == 2 ? "n=2" : i == 3 ? "n=3" : "n=1");
    assert_true(flume_recorder_flush(fx->recorder) < 0);
    assert_int_equal(notes->count, 2);
    assert_int_equal(flume_recorder_staged(fx->recorder), 2);
    flume_lane_leave(notes->entered, FLUME_LANE_SCOPE);
    (void)commit(fx, "n=4");
    flush(fx);
    expect_tape(fx, "new:1 new:2 new:3 dup:1 new:4");
    close_another(other);
}

static void who_is_told_must_not_use_the_recorder(void **state)
{
    struct rules_fixture *fx = *state;
    struct notes *notes = begin_stage(fx, 0);
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    describe(scope, "n=9");
    (void)commit(fx, "n=1");
    notes->used = fx->recorder;
    notes->scope = scope;
    flush(fx);
    assert_int_equal(notes->used_status, FLUME_ERR_INVALID);
    expect_tape(fx, "new:1");
    flume_scope_destroy(scope);
}

/* ---- batches ---- */

static void commits_of_one_entry_are_parted_between_batches(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope_batch_options options = {.tag = "t", .commits = 4};
    struct notes *notes = begin_stage(fx, 0);

    assert_int_equal(flume_recorder_batch(fx->recorder, &options), FLUME_OK);
    for (int i = 0; i < 10; i++)
        (void)commit(fx, "n=1");
    flush(fx);
    assert_int_equal(notes->count, 4);
    assert_int_equal(notes->told[0].count, 1);
    assert_int_equal(notes->told[1].count, 3);
    assert_int_equal(notes->told[2].count, 4);
    assert_int_equal(notes->told[3].count, 2);
    assert_int_equal(notes->told[3].id, 9);
}

/* ---- staged or not, the tape is the same ---- */

static void describe_at_random(flume_scope *scope, unsigned *seed)
{
    flume_scope_clear(scope);
    assert_int_equal(flume_scope_label(scope, rand_r(seed) % 2 == 0 ? "one" : "two"), FLUME_OK);
    for (int i = 0; i < 4; i++) {
        const char key[] = {(char)('a' + i), '\0'};

        if (rand_r(seed) % 3 != 0)
            assert_int_equal(flume_scope_set_int(scope, key, rand_r(seed) % 2), FLUME_OK);
    }
}

static void expect_same_tapes(flume *one, flume *other)
{
    flume_tape *tapes[2];
    flume_tape_entry entries[2];
    size_t count = 0;
    int status;

    assert_int_equal(flume_tape_open(one, NULL, &tapes[0]), FLUME_OK);
    assert_int_equal(flume_tape_open(other, NULL, &tapes[1]), FLUME_OK);
    while ((status = flume_tape_next(tapes[0], 0, &entries[0], NULL)) == FLUME_OK) {
        assert_int_equal(flume_tape_next(tapes[1], 0, &entries[1], NULL), FLUME_OK);
        assert_int_equal(entries[0].kind, entries[1].kind);
        assert_memory_equal(entries[0].id, entries[1].id, FLUME_HASH_BYTES);
        count++;
    }
    assert_int_equal(flume_tape_next(tapes[1], 0, &entries[1], NULL), FLUME_END);
    assert_int_equal(count, RANDOM_COMMITS);
    flume_tape_close(tapes[0]);
    flume_tape_close(tapes[1]);
}

static void the_tape_is_the_same_whether_it_was_staged_or_not(void **state)
{
    struct rules_fixture *fx = *state;
    flume_options options = {.log = {.flags = FLUME_OPEN_CREATE}};
    flume_stage_options stage = {.flush_every = 0};
    flume_recorder *staging;
    unsigned seed = 77003;
    flume *other;
    char path[600];

    (void)snprintf(path, sizeof path, "%s/staged.flume", fx->views->base->root);
    assert_int_equal(flume_open(&other, path, &options, NULL), FLUME_OK);
    assert_int_equal(flume_recorder_open(&staging, other, NULL), FLUME_OK);
    for (int i = 0; i < RANDOM_COMMITS; i++) {
        if (rand_r(&seed) % 10 == 0) {
            stage.flush_every = (uint64_t)rand_r(&seed) % 20;
            assert_int_equal(flume_recorder_stage(staging, rand_r(&seed) % 4 == 0 ? NULL : &stage),
                             FLUME_OK);
        }
        describe_at_random(fx->scope, &seed);
        for (int again = rand_r(&seed) % 3; again > 0 && i + 1 < RANDOM_COMMITS; again--, i++) {
            (void)commit_as_it_is(fx, fx->scope);
            assert_int_equal(flume_commit(staging, fx->scope, NULL), FLUME_OK);
        }
        (void)commit_as_it_is(fx, fx->scope);
        assert_int_equal(flume_commit(staging, fx->scope, NULL), FLUME_OK);
    }
    assert_int_equal(flume_recorder_close(staging), FLUME_OK);
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    expect_same_tapes(fx->views->flume, other);
    assert_int_equal(flume_close(other), FLUME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(a_staged_scope_is_not_in_the_log_until_it_is_flushed),
        rules_test(every_nth_commit_writes_the_stage),
        rules_test(a_setting_says_how_often_scopes_of_a_label_are_written),
        rules_test(the_tape_has_commits_in_order_staged_or_not),
        rules_test(a_setting_goes_before_what_holds_for_all),
        rules_test(a_setting_that_says_nothing_is_refused),
        rules_test(who_stages_no_more_has_written_what_was_staged),
        rules_test(closing_writes_what_is_staged),
        rules_test(a_duplicate_of_a_staged_scope_is_told_at_once),
        rules_test(a_duplicate_of_a_stored_scope_is_told_at_once),
        rules_test(subsets_and_supersets_are_told_when_they_are_written),
        rules_test(what_others_commit_meanwhile_counts_when_it_is_written),
        rules_test(equal_commits_are_counted_in_one_place),
        rules_test(volatile_variables_are_those_of_the_first_and_the_last),
        rules_test(a_recorder_that_does_not_ask_can_stage_too),
        rules_test(numbers_that_were_set_loosely_stay_so),
        rules_test(a_staged_scope_was_seen),
        rules_test(what_is_extended_may_be_stored_or_staged),
        rules_test(contents_are_what_they_were_when_they_were_staged),
        rules_test(a_content_is_staged_once_and_not_if_it_is_stored),
        rules_test(what_is_discarded_was_never_there),
        rules_test(staged_scopes_know_what_encloses_them),
        rules_test(what_was_discarded_encloses_nothing),
        rules_test(what_was_written_before_an_error_is_not_written_again),
        rules_test(who_is_told_must_not_use_the_recorder),
        rules_test(commits_of_one_entry_are_parted_between_batches),
        rules_test(the_tape_is_the_same_whether_it_was_staged_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
