/*
 * test_batch_rows.c - what apply can do besides putting: walk the rows of a table, read earlier
 * records of the log, and learn that a batch began anew.
 */
#include "view_fixture.h"

#include <string.h>

enum { TABLE_WALKED = 0, TABLE_COLLECTED = 1 };

/* What apply has seen. */
struct walker {
    int status;      /* Of the collected table, sought in. */
    uint64_t begun;  /* flume_batch_begun() at the last record, and */
    uint64_t begins; /* how often it was another one. */
};

/* Puts the body under itself, and then under "first" and "next" the first key and the one behind
 * the body's, as they are then; under "before" the body of the record before. */
static int put_text(flume_batch *batch, const char *key, const void *value, size_t value_bytes)
{
    return flume_batch_put(batch, TABLE_WALKED, key, strlen(key), value, value_bytes);
}

static int walk(flume_batch *batch, const void *from, size_t from_bytes, const char *under)
{
    char kept[64] = "none";
    flume_bytes key, value;
    int status = flume_batch_seek(batch, TABLE_WALKED, from, from_bytes);

    if (status == FLUME_OK)
        status = flume_batch_next(batch, &key, &value);
    if (status == FLUME_OK && from_bytes != 0) /* That is the body itself. */
        status = flume_batch_next(batch, &key, &value);
    if (status == FLUME_OK && key.bytes < sizeof kept) {
        memcpy(kept, key.data, key.bytes);
        kept[key.bytes] = '\0';
    }
    if (status != FLUME_OK && status != FLUME_END)
        return status;
    return put_text(batch, under, kept, strlen(kept));
}

static int walker_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct walker *walker = state;
    flume_record before;
    int status = flume_batch_put(batch, TABLE_WALKED, record->body, record->body_bytes, "", 0);

    walker->begins += flume_batch_begun(batch) != walker->begun;
    walker->begun = flume_batch_begun(batch);
    walker->status = flume_batch_seek(batch, TABLE_COLLECTED, "a", 1);
    if (status == FLUME_OK)
        status = walk(batch, "", 0, "~first");
    if (status == FLUME_OK)
        status = walk(batch, record->body, record->body_bytes, "~next");
    if (status == FLUME_OK)
        status = flume_log_get(flume_batch_log(batch), record->seq - 1, &before);
    if (status != FLUME_OK)
        return status;
    if (before.kind == FLUME_KIND_MESSAGE)
        status = put_text(batch, "~before", before.body, before.body_bytes);
    flume_record_release(&before);
    return status;
}

static const flume_view_table walker_tables[] = {
    [TABLE_WALKED] = {.name = "walked"},
    [TABLE_COLLECTED] = {.name = "collected", .flags = FLUME_TABLE_COLLECT},
};

static flume_view_definition walker_definition(struct walker *walker)
{
    return (flume_view_definition){.name = "walker",
                                   .version = 1,
                                   .tables = walker_tables,
                                   .table_count = 2,
                                   .apply = walker_apply,
                                   .ctx = walker};
}

static void apply_walks_the_rows_that_it_has_put(void **state)
{
    struct view_fixture *fx = *state;
    struct walker walker = {.status = FLUME_OK};
    flume_view_definition definition = walker_definition(&walker);
    flume_view *view;

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    define_view(fx, &definition);
    open_views(fx);
    view = view_named(fx->flume, "walker");
    (void)append_to(fx->flume, "m");
    expect_row(view, TABLE_WALKED, "~first", "m");
    (void)append_to(fx->flume, "x");
    (void)append_to(fx->flume, "c");
    expect_row(view, TABLE_WALKED, "~first", "c");
    expect_row(view, TABLE_WALKED, "~next", "m");
    expect_row(view, TABLE_WALKED, "~before", "x");
    (void)append_to(fx->flume, "~~"); /* Behind everything. */
    expect_row(view, TABLE_WALKED, "~next", "none");
}

static void a_collected_table_is_not_walked(void **state)
{
    struct view_fixture *fx = *state;
    struct walker walker = {.status = FLUME_OK};
    flume_view_definition definition = walker_definition(&walker);

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    define_view(fx, &definition);
    open_views(fx);
    (void)append_to(fx->flume, "m");
    assert_int_equal(flume_view_wait(view_named(fx->flume, "walker"), NULL), FLUME_OK);
    assert_int_equal(walker.status, FLUME_ERR_INVALID);
}

static void apply_learns_that_a_batch_began_anew(void **state)
{
    struct view_fixture *fx = *state;
    struct walker walker = {.status = FLUME_OK};
    flume_view_definition definition = walker_definition(&walker);
    flume_view *view;

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    define_view(fx, &definition);
    open_views(fx);
    view = view_named(fx->flume, "walker");
    assert_int_equal(flume_view_wait(view, NULL),
                     FLUME_OK); /* Now there is something to advance. */
    for (uint64_t batches = 1; batches <= 3; batches++) {
        (void)append_to(fx->flume, "m");
        (void)append_to(fx->flume, "n");
        assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
        assert_int_equal(walker.begins, batches);
    }
}

static void a_lazy_view_without_kinds_is_refused(void **state)
{
    struct view_fixture *fx = *state;
    struct walker walker = {.status = FLUME_OK};
    flume_view_definition definition = walker_definition(&walker);

    definition.flags = FLUME_VIEW_LAZY;
    define_view(fx, &definition);
    assert_int_equal(try_open_views(fx), FLUME_ERR_INVALID);
    assert_non_null(strstr(fx->error.message, "lazy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(apply_walks_the_rows_that_it_has_put),
        views_test(a_collected_table_is_not_walked),
        views_test(apply_learns_that_a_batch_began_anew),
        views_test(a_lazy_view_without_kinds_is_refused),
    };

    return cmocka_run_group_tests_name("rows in a batch", tests, NULL, NULL);
}
