/*
 * rules_fixture.c - a recorder on a basin, and the verbs in which tests of its rules speak.
 */
#include "rules_fixture.h"

#include <stdlib.h>
#include <string.h>

void reopen_recorder(struct rules_fixture *fx, const flume_recorder_options *options)
{
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
    assert_int_equal(flume_recorder_open(&fx->recorder, fx->views->flume, options), FLUME_OK);
}

int rules_setup_views(void **state, unsigned views)
{
    struct rules_fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    assert_int_equal(views_setup(state), 0);
    fx->views = *state;
    fx->views->options.views = views;
    open_views(fx->views);
    reopen_recorder(fx, NULL);
    assert_int_equal(flume_scope_create(&fx->scope), FLUME_OK);
    *state = fx;
    return 0;
}

int rules_setup(void **state)
{
    return rules_setup_views(state, 0);
}

int rules_teardown(void **state)
{
    struct rules_fixture *fx = *state;
    void *views = fx->views;

    flume_scope_destroy(fx->scope);
    (void)flume_recorder_close(fx->recorder);
    close_views(fx->views);
    free(fx->own);
    free(fx);
    return views_teardown(&views);
}

void describe(flume_scope *scope, const char *text)
{
    char copy[300], *rest = NULL;

    flume_scope_clear(scope);
    assert_true(strlen(text) < sizeof copy);
    strcpy(copy, text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(word, '=');

        if (word[0] == '@') {
            assert_int_equal(flume_scope_label(scope, word + 1), FLUME_OK);
            continue;
        }
        assert_non_null(equals);
        *equals = '\0';
        assert_int_equal(flume_scope_set_int(scope, word, atoll(equals + 1)), FLUME_OK);
    }
    if (flume_scope_label_count(scope) == 0)
        assert_int_equal(flume_scope_label(scope, "test"), FLUME_OK);
}

flume_verdict commit_as_it_is(struct rules_fixture *fx, flume_scope *scope)
{
    flume_verdict verdict;
    flume_error error;
    int status = flume_commit(fx->recorder, scope, &verdict);

    if (status != FLUME_OK) {
        flume_last_error(fx->views->flume, &error);
        fail_msg("commit: %s: %s", flume_status_name(status), error.message);
    }
    return verdict;
}

flume_verdict commit(struct rules_fixture *fx, const char *text)
{
    describe(fx->scope, text);
    return commit_as_it_is(fx, fx->scope);
}

void expect_refused(struct rules_fixture *fx, int status, const char *word)
{
    uint64_t head;

    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    head = flume_log_head(flume_log_of(fx->views->flume));
    assert_int_equal(flume_commit(fx->recorder, fx->scope, NULL), status);
    expect_view_error(fx->views->flume, status, word);
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(flume_log_head(flume_log_of(fx->views->flume)), head);
}

void expect_new(struct rules_fixture *fx, const char *text)
{
    flume_verdict verdict = commit(fx, text);

    assert_int_equal(verdict.kind, FLUME_NEW);
}

void expect_dup(struct rules_fixture *fx, const char *text, uint64_t seq)
{
    flume_verdict verdict = commit(fx, text);

    assert_int_equal(verdict.kind, FLUME_DUP);
    assert_int_equal(verdict.seq, seq);
}

enum flume_variable_class class_at(struct rules_fixture *fx, uint64_t seq, const char *key)
{
    enum flume_variable_class class_ = FLUME_CLASS_IGNORE;
    flume_variable variable;
    flume_scope *scope;

    assert_int_equal(flume_scope_read(fx->views->flume, seq, &scope), FLUME_OK);
    if (flume_scope_get(scope, key, &variable))
        class_ = variable.class_;
    flume_scope_destroy(scope);
    return class_;
}

uint64_t newest_schema(struct rules_fixture *fx)
{
    uint64_t seq;

    assert_int_equal(flume_log_last(flume_log_of(fx->views->flume), FLUME_KIND_SCHEMA, &seq),
                     FLUME_OK);
    return seq;
}
