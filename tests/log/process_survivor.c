/*
 * process_survivor.c - the test's own process as the one that goes on after another one has died.
 */
#include "process_survivor.h"

enum { RECORDS = 5, SHORT_FILLER_BYTES = 100, LONG_FILLER_BYTES = 25000 };

void survivor_open(struct survivor *survivor, struct fixture *fx)
{
    survivor->log = open_with(fx->basin, &survivor->options);
}

void survivor_append(struct survivor *survivor, uint32_t filler_bytes)
{
    static uint8_t body[STAMP_BYTES + FILLER_BYTES_MAX];
    struct stamp stamp = {.writer = SURVIVOR,
                          .number = survivor->next_number++,
                          .count = 1,
                          .filler_bytes = filler_bytes};

    body_make(&stamp, body);
    expect_ok(survivor->log,
              flume_log_append(survivor->log, body, STAMP_BYTES + filler_bytes, NULL));
}

void survivor_begin(struct survivor *survivor, struct fixture *fx, enum company company)
{
    survivor_open(survivor, fx);
    survivor_append(survivor, SHORT_FILLER_BYTES);
    if (company == ALONE)
        process_close_log(survivor->log);
}

/* Judge, append, and judge again. */
static void go_on(struct survivor *survivor, const struct process *victim)
{
    struct expectation expectation = {.processes = victim, .process_count = 1};

    expect_history(survivor->log, &expectation);
    assert_int_equal(expectation.counts[SURVIVOR], survivor->next_number);
    for (unsigned i = 0; i < RECORDS; i++)
        survivor_append(survivor, i % 2 == 0 ? SHORT_FILLER_BYTES : LONG_FILLER_BYTES);
    expect_ok(survivor->log, flume_log_sync(survivor->log, FLUME_SEQ_NONE));
    expect_history(survivor->log, &expectation);
    assert_int_equal(expectation.counts[SURVIVOR], survivor->next_number);
}

void survivor_goes_on(struct survivor *survivor, struct fixture *fx, enum company company,
                      const struct process *victim)
{
    if (company == ALONE)
        survivor_open(survivor, fx);
    go_on(survivor, victim);
    process_close_log(survivor->log);
    expect_sound(fx, victim, 1);
    survivor_open(survivor, fx);
    go_on(survivor, victim);
    process_close_log(survivor->log);
}
