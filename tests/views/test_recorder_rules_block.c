/*
 * test_recorder_rules_block.c - blocks, what a recorder's policy refuses, and all rules at once.
 */
#include "rules_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char COMMIT[] = "0123456789abcdef0123456789abcdef01234567";

/* The text or number that the record at seq has. */
static void expect_told(struct rules_fixture *fx, uint64_t seq, const char *key, const char *text)
{
    flume_variable variable;
    flume_scope *scope;

    assert_int_equal(flume_scope_read(fx->views->flume, seq, &scope), FLUME_OK);
    assert_true(flume_scope_get(scope, key, &variable));
    assert_int_equal(variable.value.type, FLUME_VALUE_TEXT);
    assert_int_equal(variable.value.bytes.bytes, strlen(text));
    assert_memory_equal(variable.value.bytes.data, text, strlen(text));
    flume_scope_destroy(scope);
}

static void expect_number(struct rules_fixture *fx, uint64_t seq, const char *key, int64_t number)
{
    flume_variable variable;
    flume_scope *scope;

    assert_int_equal(flume_scope_read(fx->views->flume, seq, &scope), FLUME_OK);
    assert_true(flume_scope_get(scope, key, &variable));
    if (variable.value.type == FLUME_VALUE_BOOL)
        assert_int_equal(variable.value.boolean, number);
    else
        assert_int_equal(variable.value.integer, number);
    flume_scope_destroy(scope);
}

static void a_block_says_what_where_and_from_which_commit(void **state)
{
    struct rules_fixture *fx = *state;
    char commit_text[sizeof COMMIT];
    flume_recorder_options options = {.git_commit = commit_text, .git_dirty = true};
    flume_verdict block, moved, newer;

    strcpy(commit_text, COMMIT);
    reopen_recorder(fx, &options);
    memset(commit_text, 'x', sizeof commit_text - 1); /* It was copied. */
    assert_int_equal(flume_init_block(fx->recorder, "sweep", "2", "a/b.c", 17, &block), FLUME_OK);
    assert_int_equal(block.kind, FLUME_NEW);
    expect_told(fx, block.record_seq, "block_version", "2");
    expect_told(fx, block.record_seq, "file", "a/b.c");
    expect_told(fx, block.record_seq, "git_commit", COMMIT);
    expect_number(fx, block.record_seq, "line", 17);
    expect_number(fx, block.record_seq, "git_dirty", 1);
    assert_int_equal(class_at(fx, block.record_seq, "block_version"), FLUME_CLASS_INLINE);
    assert_int_equal(class_at(fx, block.record_seq, "line"), FLUME_CLASS_VOLATILE);
    /* Elsewhere, and from another commit, it is the same block; of another version it is not. */
    reopen_recorder(fx, NULL);
    assert_int_equal(flume_init_block(fx->recorder, "sweep", "2", "c.c", 18, &moved), FLUME_OK);
    assert_int_equal(moved.kind, FLUME_DUP);
    assert_int_equal(moved.seq, block.record_seq);
    assert_int_equal(flume_init_block(fx->recorder, "sweep", "3", "c.c", 18, &newer), FLUME_OK);
    assert_int_equal(newer.kind, FLUME_NEW);
    assert_int_equal(class_at(fx, newer.record_seq, "git_commit"), FLUME_CLASS_IGNORE);
    assert_int_equal(class_at(fx, newer.record_seq, "git_dirty"), FLUME_CLASS_IGNORE);
}

static void the_macro_tells_its_own_place(void **state)
{
    struct rules_fixture *fx = *state;
    flume_log *log = flume_log_of(fx->views->flume);
    int line = __LINE__ + 3;
    uint64_t seq;

    assert_int_equal(FLUME_INIT_BLOCK(fx->recorder, "sweep", "1"), FLUME_OK);

    assert_int_equal(flume_log_last(log, FLUME_KIND_SCOPE, &seq), FLUME_OK);
    expect_number(fx, seq, "line", line);
    expect_told(fx, seq, "file", __FILE__);
}

static void a_block_that_cannot_be_told_is_refused(void **state)
{
    struct rules_fixture *fx = *state;

    assert_int_equal(flume_init_block(fx->recorder, "", "1", "f.c", 1, NULL), FLUME_ERR_INVALID);
    expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "a label is empty");
    assert_int_equal(flume_init_block(fx->recorder, "a", "\xff", "f.c", 1, NULL),
                     FLUME_ERR_INVALID);
    assert_int_equal(flume_init_block(fx->recorder, "a", NULL, "f.c", 1, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_init_block(fx->recorder, "a", "1", "\xff.c", 1, NULL), FLUME_OK);
}

static void a_recorder_that_needs_a_block_commits_nothing_before_it(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recorder_options options = {.flags = FLUME_RECORDER_NEEDS_BLOCK};

    reopen_recorder(fx, &options);
    describe(fx->scope, "a=1");
    expect_refused(fx, FLUME_ERR_INVALID, "FLUME_INIT_BLOCK");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, NULL),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(FLUME_INIT_BLOCK(fx->recorder, "", "1"), FLUME_ERR_INVALID);
    expect_refused(fx, FLUME_ERR_INVALID, "FLUME_INIT_BLOCK");
    assert_int_equal(FLUME_INIT_BLOCK(fx->recorder, "sweep", "1"), FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
    assert_int_equal(FLUME_INIT_BLOCK(fx->recorder, "", "1"), FLUME_ERR_INVALID);
    (void)commit(fx, "a=2"); /* The block before holds. */
}

static void a_recorder_that_refuses_a_dirty_tree_commits_nothing_from_one(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recorder_options options = {.flags = FLUME_RECORDER_REFUSE_DIRTY};

    reopen_recorder(fx, &options);
    describe(fx->scope, "a=1");
    expect_refused(fx, FLUME_ERR_INVALID, "has been told none");
    options.git_commit = COMMIT;
    options.git_dirty = true;
    reopen_recorder(fx, &options);
    expect_refused(fx, FLUME_ERR_INVALID, COMMIT);
    assert_int_equal(FLUME_INIT_BLOCK(fx->recorder, "sweep", "1"), FLUME_ERR_INVALID);
    options.git_dirty = false;
    reopen_recorder(fx, &options);
    assert_int_equal(FLUME_INIT_BLOCK(fx->recorder, "sweep", "1"), FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
}

/* ---- blocks within blocks, as a simulation has them ---- */

enum { MODELS = 2, CONDITIONS = 4, STEPS = 50, FLUSH_EVERY = 10 };

static int keep_solution(void *context, const flume_scope *scope, const flume_variable *variable,
                         char *out_reason)
{
    (void)context;
    (void)scope;
    (void)out_reason;
    return strcmp(variable->key, "SOL") == 0 ? FLUME_CLASS_BLOB : FLUME_HOOK_PASS;
}

static int clear_cache(void *context, const flume_scope *scope, char *out_reason)
{
    (void)scope;
    (void)out_reason;
    ++*(int *)context;
    return FLUME_OK;
}

static void step(struct rules_fixture *fx, int number, int *io_new)
{
    double solution[4] = {number, number + 1, number + 2, number + 3};
    flume_variable variable = {.key = "SOL",
                               .type = "double",
                               .class_ = FLUME_CLASS_UNKNOWN,
                               .content = solution,
                               .content_bytes = sizeof solution};
    flume_verdict verdict;
    char text[60];

    (void)snprintf(text, sizeof text, "step=%d session=%d @step%s", number, rand(),
                   number % 10 == 0 ? " @store" : "");
    describe(fx->scope, text);
    if (number % 10 == 0)
        assert_int_equal(flume_scope_set_variable(fx->scope, &variable), FLUME_OK);
    verdict = commit_as_it_is(fx, fx->scope);
    *io_new += verdict.kind == FLUME_NEW;
    if (verdict.kind == FLUME_NEW && number % 10 == 0)
        assert_int_equal(class_at(fx, verdict.record_seq, "SOL"), FLUME_CLASS_BLOB);
}

/* All steps of all conditions of all models. @return how many scopes were new. */
static int simulate(struct rules_fixture *fx)
{
    flume_scope *model, *condition;
    flume_setting setting;
    int found_new = 0;
    char text[40];

    assert_int_equal(flume_scope_create(&model), FLUME_OK);
    assert_int_equal(flume_scope_create(&condition), FLUME_OK);
    for (int i = 0; i < MODELS * CONDITIONS; i++) {
        (void)snprintf(text, sizeof text, "model=%d @model", i / CONDITIONS);
        describe(model, text);
        (void)snprintf(text, sizeof text, "condition=%d @condition", i % CONDITIONS);
        describe(condition, text);
        assert_int_equal(flume_scope_enter(fx->recorder, model), FLUME_OK);
        assert_int_equal(flume_scope_enter(fx->recorder, condition), FLUME_OK);
        for (int number = 0; number < STEPS; number++)
            step(fx, number, &found_new);
        assert_int_equal(flume_recorder_config(fx->recorder, fx->scope, "flush", &setting),
                         FLUME_OK);
        assert_int_equal(atoi(setting.value), FLUSH_EVERY);
        assert_int_equal(flume_scope_leave(fx->recorder, condition), FLUME_OK);
        assert_int_equal(flume_scope_leave(fx->recorder, model), FLUME_OK);
    }
    flume_scope_destroy(condition);
    flume_scope_destroy(model);
    return found_new;
}

static void a_simulation_of_blocks_within_blocks_runs_once(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recorder_options options = {.flags = FLUME_RECORDER_NEEDS_BLOCK};
    const char *labels = "^(model|condition)$";
    int cleared = 0;
    flume_scope *session;

    reopen_recorder(fx, &options);
    assert_int_equal(flume_recorder_classify(fx->recorder, "^store$", keep_solution, NULL),
                     FLUME_OK);
    assert_int_equal(
        flume_recorder_call(fx->recorder, "^init_block$", FLUME_CALL_FIRST, clear_cache, &cleared),
        FLUME_OK);
    assert_int_equal(flume_recorder_configure(fx->recorder, "", "flush", "1"), FLUME_OK);
    assert_int_equal(flume_recorder_configure(fx->recorder, labels, "flush", "10"), FLUME_OK);
    assert_int_equal(flume_scope_create(&session), FLUME_OK);
    describe(session, "session=1");
    assert_int_equal(flume_recorder_tare(fx->recorder, session, FLUME_TARE_KEYS), FLUME_OK);
    flume_scope_destroy(session);

    assert_int_equal(FLUME_INIT_BLOCK(fx->recorder, "dynamics", "1"), FLUME_OK);
    assert_int_equal(simulate(fx), MODELS * CONDITIONS * STEPS);
    assert_int_equal(FLUME_INIT_BLOCK(fx->recorder, "dynamics", "1"), FLUME_OK);
    assert_int_equal(simulate(fx), 0);
    assert_int_equal(cleared, 2);
    flume_scope_clear(fx->scope);
    assert_int_equal(flume_scope_set_int(fx->scope, "a", 1), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "label of its own");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(a_block_says_what_where_and_from_which_commit),
        rules_test(the_macro_tells_its_own_place),
        rules_test(a_block_that_cannot_be_told_is_refused),
        rules_test(a_recorder_that_needs_a_block_commits_nothing_before_it),
        rules_test(a_recorder_that_refuses_a_dirty_tree_commits_nothing_from_one),
        rules_test(a_simulation_of_blocks_within_blocks_runs_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
