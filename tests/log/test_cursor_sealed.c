/*
 * test_cursor_sealed.c - a cursor that asks for kinds, labels and times passes over whole strata,
 * sealed and raw, and gives what one gives that looks at every record.
 */
#include "seal_fixture.h"

enum {
    SEALED_STRATA = 4,
    STRATA = 7, /* Behind the sealed ones, raw ones that are full, and the newest. */
    RECORDS_MAX = 4000,
    STRATA_TIME_NS = 1000000,
    KIND_OF_ALL = 100,
    KIND_OF_FIRST = 64, /* Of the first strata; the next one has the next. */
    NOBODYS_KIND = 99,
    NEWEST_RECORDS = 20
};

struct known {
    uint64_t time_ns;
    uint8_t kind;
    bool is_red;
};

struct content {
    struct known records[RECORDS_MAX];
    uint64_t head;
};

/* Each strata has a kind of its own, its times, and the third one alone has red records. */
static void append_one(flume_log *log, size_t strata, unsigned i)
{
    static const char *const red = "red", *const plain = "plain";
    uint8_t body[700];
    flume_entry entry = {.body = body,
                         .body_bytes = sizeof body,
                         .kind = i % 3 == 0 ? KIND_OF_ALL : (uint8_t)(KIND_OF_FIRST + strata),
                         .time_ns = 1 + strata * STRATA_TIME_NS + i,
                         .labels = strata == 2 && i % 5 == 0 ? &red : &plain,
                         .label_count = i % 2};

    fill_bytes(body, sizeof body, (unsigned)strata * 1000 + i);
    assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
}

/* All but the newest until the next one is begun. */
static void fill_from_to(struct log_fixture *fx, size_t from, size_t to)
{
    uint64_t firsts[SEAL_STRATA_MAX];

    for (size_t strata = from; strata < to; strata++) {
        size_t wanted = strata + 1 < STRATA ? strata + 2 : STRATA;

        for (unsigned i = 0; i < NEWEST_RECORDS || list_strata(fx, firsts) < wanted; i++)
            append_one(fx->log, strata, i);
        assert_int_equal(list_strata(fx, firsts), wanted);
    }
}

static void learn(flume_log *log, struct content *content)
{
    content->head = flume_log_head(log);
    assert_true(content->head < RECORDS_MAX);
    for (uint64_t seq = 0; seq < content->head; seq++) {
        flume_record record;

        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        content->records[seq] =
            (struct known){record.time_ns, record.kind, flume_record_has_label(&record, "red")};
        flume_record_release(&record);
    }
}

static bool is_wanted(const struct known *known, const flume_cursor_options *options)
{
    bool kind_is = options->kind_count == 0 && known->kind != FLUME_KIND_MANIFEST;

    for (size_t i = 0; i < options->kind_count; i++)
        kind_is = kind_is || known->kind == options->kinds[i];
    return kind_is && known->time_ns >= options->since_ns &&
           (options->until_ns == 0 || known->time_ns < options->until_ns) &&
           (options->label == NULL || known->is_red);
}

static void expect_walk(flume_log *log, const struct content *content,
                        const flume_cursor_options *options)
{
    bool reverse = (options->flags & FLUME_CURSOR_REVERSE) != 0;
    flume_cursor *cursor = open_cursor(log, options);

    for (uint64_t i = 0; i < content->head; i++) {
        uint64_t seq = reverse ? content->head - 1 - i : i;
        flume_record record;

        if (!is_wanted(&content->records[seq], options))
            continue;
        assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
        assert_int_equal(record.seq, seq);
    }
    expect_no_next(cursor, FLUME_END);
    flume_cursor_close(cursor);
}

/* Between strata, and in the middle of each. */
static void expect_walks_by_time(flume_log *log, const struct content *content,
                                 flume_cursor_options options)
{
    for (uint64_t since = 0; since <= STRATA; since += 2) {
        for (uint64_t until = 0; until <= STRATA + 1; until += 3) {
            options.since_ns = since * STRATA_TIME_NS + 50;
            options.until_ns = until == 0 ? 0 : until * STRATA_TIME_NS - STRATA_TIME_NS / 2;
            expect_walk(log, content, &options);
        }
    }
    options.since_ns = options.until_ns = 0;
    expect_walk(log, content, &options);
}

static void what_is_asked_for_is_given_whatever_is_passed_over(void **state)
{
    static const uint8_t kinds[][2] = {{KIND_OF_FIRST, KIND_OF_FIRST + 3},
                                       {KIND_OF_FIRST + STRATA - 1, NOBODYS_KIND},
                                       {NOBODYS_KIND, NOBODYS_KIND},
                                       {KIND_OF_ALL, FLUME_KIND_MANIFEST}};
    struct log_fixture *fx = *state;
    static struct content content;

    open_for_sealing(fx);
    fill_from_to(fx, 0, SEALED_STRATA);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(fx->log, NULL, NULL), FLUME_OK);
    fill_from_to(fx, SEALED_STRATA, STRATA);
    learn(fx->log, &content);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned flags = 0; flags <= FLUME_CURSOR_REVERSE; flags += FLUME_CURSOR_REVERSE) {
            flume_cursor_options options = {.flags = flags};

            expect_walks_by_time(fx->log, &content, options);
            options.label = "red";
            expect_walk(fx->log, &content, &options);
            options.label = NULL;
            options.kind_count = 2;
            for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
                options.kinds = kinds[i];
                expect_walks_by_time(fx->log, &content, options);
            }
        }
        reopen_log(fx); /* No strata is open then. */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(what_is_asked_for_is_given_whatever_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
