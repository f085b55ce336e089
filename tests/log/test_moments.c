/*
 * test_moments.c - what others do between two instructions of a call changes nothing of its answer.
 *
 * page_trap.h holds a call up at its first use of a strata, or of a word of HEAD; there the strata
 * is sealed, or the word is raised by somebody else.
 */
#include "seal_fixture.h"

#include "handle.h"
#include "head.h"
#include "page_trap.h"
#include "strata.h"

enum { STRATA = 3 };

struct moment {
    struct log_fixture *fx;
    struct page_objects objects;
    flume_log *sealer; /* Another handle: as another process would have. */
};

static void skip_without_traps(void)
{
    if (page_trap_works())
        return;
    print_message("skipped: no pages can be taken away here\n");
    skip();
}

/* A basin of full strata, opened anew: of them the handle has read nothing yet. */
static void begin(struct moment *moment, void **state)
{
    struct log_fixture *fx = *state;

    skip_without_traps();
    moment->fx = fx;
    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    close_log(fx);
    page_objects_init(&moment->objects, sizeof(struct strata));
    moment->sealer = open_other(fx, 0);
    fx->options.allocator = &moment->objects.table;
    open_log(fx);
}

static void end(struct moment *moment)
{
    close_handle(moment->sealer);
    close_log(moment->fx);
    page_objects_deinit(&moment->objects);
}

static flume_strata_info describe(flume_log *log, uint64_t seq)
{
    flume_strata_info info;

    assert_int_equal(flume_log_strata(log, seq, &info), FLUME_OK);
    return info;
}

/* All is sealed, and the handle has noticed, as another thread of its process would make it. */
static void seal_all(void *ctx)
{
    struct moment *moment = ctx;

    assert_int_equal(flume_log_seal(moment->sealer, NULL, NULL), FLUME_OK);
    assert_true(describe(moment->fx->log, 0).sealed);
}

/* From now on, who uses the first strata first finds it sealed. It is open by then. */
static void seal_at_first_use(struct moment *moment)
{
    struct strata *first = NULL;

    assert_false(describe(moment->fx->log, 0).sealed);
    for (size_t i = 0; i < PAGE_OBJECTS_MAX && first == NULL; i++) {
        struct strata *strata = moment->objects.objects[i];

        if (strata != NULL && strata->first_seq == 0)
            first = strata;
    }
    assert_non_null(first);
    page_trap_set(first, sizeof *first, PAGE_TRAP_ON_ANY, seal_all, moment);
}

static void a_record_is_got_though_its_strata_is_sealed_at_that_moment(void **state)
{
    struct moment moment;
    flume_record was, record;

    begin(&moment, state);
    assert_int_equal(flume_log_get(moment.sealer, 5, &was), FLUME_OK);
    seal_at_first_use(&moment);
    assert_int_equal(flume_log_get(moment.fx->log, 5, &record), FLUME_OK);
    assert_true(page_trap_end());
    assert_true(record.check == was.check);
    assert_int_equal(record.body_bytes, was.body_bytes);
    assert_memory_equal(record.body, was.body, was.body_bytes);
    flume_record_release(&record);
    flume_record_release(&was);
    end(&moment);
}

static void a_cursor_goes_on_though_its_strata_is_sealed_at_that_moment(void **state)
{
    struct moment moment;
    flume_cursor_options options = {.flags = 0};
    flume_cursor *cursor;
    uint64_t head;

    begin(&moment, state);
    head = flume_log_head(moment.fx->log);
    cursor = open_cursor(moment.fx->log, &options);
    seal_at_first_use(&moment);
    for (uint64_t seq = 0; seq < head; seq++) {
        flume_record was, record;

        assert_int_equal(flume_log_get(moment.sealer, seq, &was), FLUME_OK);
        if (was.kind == FLUME_KIND_MANIFEST) { /* Not given unless asked for. */
            flume_record_release(&was);
            continue;
        }
        assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
        assert_int_equal(record.seq, seq);
        assert_true(record.check == was.check);
        assert_int_equal(record.body_bytes, was.body_bytes);
        assert_memory_equal(record.body, was.body, was.body_bytes);
        flume_record_release(&was);
    }
    expect_no_next(cursor, FLUME_END);
    assert_true(page_trap_end());
    flume_cursor_close(cursor);
    end(&moment);
}

static void a_strata_that_is_sealed_at_that_moment_is_described_as_sealed(void **state)
{
    struct moment moment;
    flume_strata_info before, info;

    begin(&moment, state);
    before = describe(moment.fx->log, 0);
    seal_at_first_use(&moment);
    info = describe(moment.fx->log, 0);
    assert_true(page_trap_end());
    assert_true(info.sealed);
    assert_int_equal(info.records, before.records);
    assert_int_equal(info.grain_bytes, before.grain_bytes);
    assert_true(info.file_bytes < before.file_bytes);
    end(&moment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(a_record_is_got_though_its_strata_is_sealed_at_that_moment),
        closed_log_test(a_cursor_goes_on_though_its_strata_is_sealed_at_that_moment),
        closed_log_test(a_strata_that_is_sealed_at_that_moment_is_described_as_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
