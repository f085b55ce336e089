/*
 * needs_fixture.h - two logs, of which the second has what records of the first need.
 */
#ifndef FLUME_NEEDS_FIXTURE_H
#define FLUME_NEEDS_FIXTURE_H

#include "log_fixture.h"

/* Append a record to the second log, and one to the first that needs it. */
static inline uint64_t append_chunk(flume_log *grains, const char *text)
{
    flume_entry entry = {.body = text, .body_bytes = strlen(text), .kind = FLUME_KIND_CHUNK};
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_log_append_entry(grains, &entry, &seq), FLUME_OK);
    return seq;
}

static inline uint64_t check_of(flume_log *log, uint64_t seq)
{
    flume_record record;

    assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
    return record.check;
}

static inline uint64_t append_needing(flume_log *log, const char *text, uint64_t needs,
                                      uint64_t check)
{
    flume_entry entry = {.body = text,
                         .body_bytes = strlen(text),
                         .kind = FLUME_KIND_BLOB,
                         .needs = needs,
                         .needs_check = check};
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_log_append_entry(log, &entry, &seq), FLUME_OK);
    return seq;
}

static inline flume_grains_place place_of(flume_log *log)
{
    flume_grains_place place;

    assert_int_equal(flume_grains_find(log, &place), FLUME_OK);
    return place;
}

/* A log under forgetful: it syncs nothing unless asked. */
static inline flume_log *open_at(const char *path)
{
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL};
    flume_log *log = NULL;
    flume_error error;

    if (flume_log_open(&log, path, &options, &error) != FLUME_OK)
        fail_msg("open %s: %s", path, error.message);
    return log;
}

/* The second log by a handle of its own. */
static inline flume_log *open_grains(struct log_fixture *fx)
{
    return open_at(place_of(fx->log).path);
}

static inline void take_grains_away(struct log_fixture *fx)
{
    run_command("mv '%s/grains' '%s/away'", fx->path, fx->root);
}

static inline void bring_grains_back(struct log_fixture *fx)
{
    run_command("mv '%s/away' '%s/grains'", fx->root, fx->path);
}

/* The first log under forgetful, with a second one. What is synced with a new strata is behind
 * both. */
static inline flume_log *begin(struct log_fixture *fx)
{
    flume_log *grains;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_OK);
    grains = open_grains(fx);
    wait_until_durable(fx->log, append_text(fx->log, "first"));
    wait_until_durable(grains, append_text(grains, "first"));
    return grains;
}

static inline void close_grains(flume_log *grains)
{
    assert_int_equal(flume_log_close(grains), FLUME_OK);
}

#endif
