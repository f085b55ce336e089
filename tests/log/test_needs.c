/*
 * test_needs.c - records that depend on a second log: durable after it, wherever it lies.
 */
#include "log_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "faultio.h"
#include "flume/seal.h"
#include "handle.h"
#include "head.h"
#include "page_trap.h"

/* Append a record to the second log, and one to the first that needs it. */
static uint64_t append_chunk(flume_log *grains, const char *text)
{
    flume_entry entry = {.body = text, .body_bytes = strlen(text), .kind = FLUME_KIND_CHUNK};
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_log_append_entry(grains, &entry, &seq), FLUME_OK);
    return seq;
}

static uint64_t check_of(flume_log *log, uint64_t seq)
{
    flume_record record;

    assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
    return record.check;
}

static uint64_t append_needing(flume_log *log, const char *text, uint64_t needs, uint64_t check)
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

static flume_grains_place place_of(flume_log *log)
{
    flume_grains_place place;

    assert_int_equal(flume_grains_find(log, &place), FLUME_OK);
    return place;
}

/* A log under forgetful: it syncs nothing unless asked. */
static flume_log *open_at(const char *path)
{
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL};
    flume_log *log = NULL;
    flume_error error;

    if (flume_log_open(&log, path, &options, &error) != FLUME_OK)
        fail_msg("open %s: %s", path, error.message);
    return log;
}

/* The second log by a handle of its own. */
static flume_log *open_grains(struct log_fixture *fx)
{
    return open_at(place_of(fx->log).path);
}

static void take_grains_away(struct log_fixture *fx)
{
    run_command("mv '%s/grains' '%s/away'", fx->path, fx->root);
}

static void bring_grains_back(struct log_fixture *fx)
{
    run_command("mv '%s/away' '%s/grains'", fx->root, fx->path);
}

/* The first log under forgetful, with a second one. What is synced with a new strata is behind
 * both. */
static flume_log *begin(struct log_fixture *fx)
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

static void close_grains(flume_log *grains)
{
    assert_int_equal(flume_log_close(grains), FLUME_OK);
}

/* ---- what a record says ---- */

static void needs_are_read_as_they_were_written(void **state)
{
    struct log_fixture *fx = *state;
    const char *labels[] = {"one", "two"};
    flume_entry entry = {.body = "body",
                         .body_bytes = 4,
                         .labels = labels,
                         .label_count = 2,
                         .codec = FLUME_CODEC_TEXT,
                         .needs = 1,
                         .needs_check = 0x0123456789abcdef};
    flume_log *grains = begin(fx);
    flume_record record;
    uint64_t seq, check = 0;

    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    assert_int_equal(flume_record_needs(&record, &check), 1);
    assert_true(check == 0x0123456789abcdef);
    assert_int_equal(record.codec, FLUME_CODEC_TEXT);
    assert_true(flume_record_has_label(&record, "two"));
    (void)append_chunk(grains, "so that it can be synced"); /* 0 is the manifest. */
    close_grains(grains);
}

static void an_ordinary_record_needs_nothing(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;
    uint64_t seq, check = 77;

    open_log(fx);
    seq = append_labelled(fx->log, "text", "label");
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    assert_int_equal(flume_record_needs(&record, &check), 0);
    assert_int_equal(check, 0);
}

/* ---- where the second log is ---- */

static void there_is_none_until_it_is_made(void **state)
{
    struct log_fixture *fx = *state;
    flume_grains_place place;

    open_log(fx);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
    assert_false(file_exists(fixture_path(fx, "basin.flume/grains")));
    assert_int_equal(flume_grains_make(fx->log, NULL, 1 << 20), FLUME_OK);
    place = place_of(fx->log);
    assert_int_equal(place.state, FLUME_GRAINS_HERE);
    assert_true(file_exists(fixture_path(fx, "basin.flume/grains/flume.conf")));
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_OK); /* Once. */
    assert_memory_equal(place.basin_id, place_of(fx->log).basin_id, 16);
    reopen_log(fx);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_HERE);
}

static void it_may_lie_elsewhere_and_be_moved(void **state)
{
    struct log_fixture *fx = *state;
    char elsewhere[LOG_FIXTURE_PATH_BYTES], moved[LOG_FIXTURE_PATH_BYTES];
    uint8_t id[16];

    open_log(fx);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", fx->root);
    (void)snprintf(moved, sizeof moved, "%s/moved", fx->root);
    assert_int_equal(flume_grains_make(fx->log, elsewhere, 0), FLUME_OK);
    assert_string_equal(place_of(fx->log).path, elsewhere);
    memcpy(id, place_of(fx->log).basin_id, sizeof id);
    assert_int_equal(rename(elsewhere, moved), 0);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_ABSENT);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_ERR_ABSENT);
    expect_error(fx->log, FLUME_ERR_ABSENT, elsewhere);
    assert_false(file_exists(elsewhere));
    assert_int_equal(flume_grains_make(fx->log, moved, 0), FLUME_OK);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_HERE);
    assert_memory_equal(place_of(fx->log).basin_id, id, sizeof id);
}

static void another_basin_in_its_place_is_not_it(void **state)
{
    struct log_fixture *fx = *state;
    flume_log_options options = {.flags = FLUME_OPEN_CREATE};
    flume_log *stranger;

    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_OK);
    take_grains_away(fx);
    assert_int_equal(
        flume_log_open(&stranger, fixture_path(fx, "basin.flume/grains"), &options, &fx->error),
        FLUME_OK);
    close_grains(stranger);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_ABSENT);
    assert_true(place_of(fx->log).is_taken);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_ERR_ABSENT);
    run_command("rm -r '%s/grains'", fx->path);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_ABSENT);
    assert_false(place_of(fx->log).is_taken);
}

static void one_that_was_made_and_not_yet_named_is_taken(void **state)
{
    struct log_fixture *fx = *state;
    uint8_t id[16];

    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_OK);
    memcpy(id, place_of(fx->log).basin_id, sizeof id);
    assert_int_equal(unlink(fixture_path(fx, "basin.flume/GRAINS")), 0);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_OK);
    assert_memory_equal(place_of(fx->log).basin_id, id, sizeof id);
}

/* A basin beside this one, with a chunk, and before it a text, unless that is NULL. */
static void make_stranger(struct log_fixture *fx, char path[LOG_FIXTURE_PATH_BYTES],
                          const char *text)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE};
    flume_log *stranger;

    (void)snprintf(path, LOG_FIXTURE_PATH_BYTES, "%s/other", fx->root);
    assert_int_equal(flume_log_open(&stranger, path, &options, &fx->error), FLUME_OK);
    if (text != NULL)
        (void)append_text(stranger, text);
    (void)append_chunk(stranger, "a chunk");
    close_grains(stranger);
}

static void a_basin_with_records_of_its_own_is_not_taken(void **state)
{
    struct log_fixture *fx = *state;
    char other[LOG_FIXTURE_PATH_BYTES];

    open_log(fx);
    make_stranger(fx, other, "somebody's");
    assert_int_equal(flume_grains_make(fx->log, other, 0), FLUME_ERR_INVALID);
    flume_log_error(fx->log, &fx->error);
    assert_non_null(strstr(fx->error.message, "records of its own"));
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
    run_command("rm -r '%s'", other);
    make_stranger(fx, other, NULL);
    assert_int_equal(flume_grains_make(fx->log, other, 0), FLUME_OK);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_HERE);
}

static void a_damaged_setting_is_refused(void **state)
{
    struct log_fixture *fx = *state;
    flume_grains_place place = {.state = FLUME_GRAINS_NONE};

    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_OK);
    write_file(fixture_path(fx, "basin.flume/GRAINS"), 30, "x", 1);
    assert_int_equal(flume_grains_find(fx->log, &place), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "GRAINS");
    assert_int_equal(flume_grains_make(fx->log, NULL, 0), FLUME_ERR_DAMAGED);
}

static void bad_paths_are_refused(void **state)
{
    struct log_fixture *fx = *state;
    static char longest[5000];

    memset(longest, 'a', sizeof longest - 1);
    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, "", 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_grains_make(fx->log, "with\nline", 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_grains_make(fx->log, longest, 0), FLUME_ERR_INVALID);
    longest[3839] = '\0'; /* Short enough by itself, but not behind the log's own path. */
    assert_int_equal(flume_grains_make(fx->log, longest, 0), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "too long");
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
}

static void who_only_reads_makes_no_second_log(void **state)
{
    struct log_fixture *fx = *state;
    flume_grains_place place;
    flume_log *reader;

    open_log(fx);
    reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    assert_int_equal(flume_grains_make(reader, NULL, 0), FLUME_ERR_READ_ONLY);
    expect_error(reader, FLUME_ERR_READ_ONLY, "read only");
    close_handle(reader);
    assert_int_equal(flume_grains_make(NULL, NULL, 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_grains_lend(NULL, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_grains_find(NULL, &place), FLUME_ERR_INVALID);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
}

/* What cannot be read is no sign that somebody keeps records of his own there. */
static void a_basin_whose_records_do_not_read_may_be_taken(void **state)
{
    struct log_fixture *fx = *state;
    char other[LOG_FIXTURE_PATH_BYTES];

    open_log(fx);
    make_stranger(fx, other, NULL);
    zero_file(strata_path(fx, "other", 0), 4096, 4096);
    assert_int_equal(flume_grains_make(fx->log, other, 0), FLUME_OK);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_HERE);
}

static void a_basin_that_does_not_open_is_not_taken(void **state)
{
    struct log_fixture *fx = *state;
    char other[LOG_FIXTURE_PATH_BYTES];

    open_log(fx);
    make_stranger(fx, other, NULL);
    run_command("rm -r '%s/log' && touch '%s/log'", other, other);
    assert_int_not_equal(flume_grains_make(fx->log, other, 0), FLUME_OK);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
}

static void a_basin_in_memory_has_none(void **state)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE};
    flume_grains_place place;
    flume_log *log;

    (void)state;
    assert_int_equal(flume_log_open(&log, ":memory:", &options, NULL), FLUME_OK);
    assert_int_equal(flume_grains_find(log, &place), FLUME_ERR_INVALID);
    assert_int_equal(flume_grains_make(log, NULL, 0), FLUME_ERR_INVALID);
    (void)append_needing(log, "needs", 12, 0);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    close_grains(log);
}

/* ---- durable before ---- */

static void a_sync_makes_what_is_needed_durable_first(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t seq = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));

    assert_int_equal(flume_log_durable(grains), chunk);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK); /* Through a handle of its own. */
    assert_true(flume_log_durable(grains) > chunk);
    close_grains(grains);
}

static void a_lent_handle_is_synced_through(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t seq = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    uint64_t syncs = stat_of(grains).sync_count;

    assert_int_equal(flume_grains_lend(fx->log, grains), FLUME_OK);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    assert_true(flume_log_durable(grains) > chunk);
    assert_int_equal(stat_of(grains).sync_count, syncs + 1);
    assert_int_equal(flume_grains_lend(fx->log, NULL), FLUME_OK);
    close_grains(grains);
}

/* It does not come to the strata that another handle has begun: it says why, and nothing is lost. */
static void a_lent_handle_that_cannot_sync_poisons_nothing(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx), *lent = NULL;
    struct faultio fault;
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL, .io = &fault.table};
    uint64_t chunk, seq;

    faultio_init(&fault, flume_io_posix());
    assert_int_equal(flume_log_open(&lent, place_of(fx->log).path, &options, NULL), FLUME_OK);
    assert_int_equal(flume_grains_lend(fx->log, lent), FLUME_OK);
    assert_int_equal(flume_log_seal(grains, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
    chunk = append_chunk(grains, "chunk");
    seq = append_needing(fx->log, "blob", chunk + 1, 0);
    faultio_plan(&fault, (struct fault_plan){FAULT_LIST, 1, -EMFILE, FAULT_ONCE});
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_ERR_IO);
    assert_int_equal(faultio_heal(&fault), 1);
    expect_error(fx->log, FLUME_ERR_IO, "grains");
    assert_false(stat_of(fx->log).poisoned);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    assert_true(flume_log_durable(grains) > chunk);
    assert_int_equal(flume_grains_lend(fx->log, NULL), FLUME_OK);
    close_grains(lent);
    close_grains(grains);
    faultio_deinit(&fault);
}

static void what_needs_nothing_new_leaves_the_second_log_alone(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t seq = append_text(fx->log, "message");

    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    assert_int_equal(flume_log_durable(grains), chunk);
    seq = append_needing(fx->log, "blob", chunk + 1, 0);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    chunk = append_chunk(grains, "another");
    seq = append_needing(fx->log, "again", chunk, 0); /* What is durable already. */
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    assert_int_equal(flume_log_durable(grains), chunk);
    close_grains(grains);
}

static void a_casual_process_syncs_both_by_itself(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    flume_log *other;

    (void)append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    fx->options.profile =
        FLUME_PROFILE_CASUAL; /* It knows of no grains, and wakes within a second. */
    other = open_other(fx, 0);
    wait_until_durable(other, flume_log_head(other) - 1);
    assert_true(flume_log_durable(grains) > chunk);
    close_grains(other);
    close_grains(grains);
}

static void a_large_batch_needs_as_well(void **state)
{
    struct log_fixture *fx = *state;
    static uint8_t body[40 << 10];
    flume_log *grains;
    flume_entry entries[3];
    uint64_t chunk, first;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    grains = begin(fx);
    chunk = append_chunk(grains, "chunk");
    for (size_t i = 0; i < 3; i++)
        entries[i] =
            (flume_entry){.body = body, .body_bytes = sizeof body, .needs = i == 1 ? chunk + 1 : 0};
    assert_int_equal(flume_log_append_many(fx->log, entries, 3, NULL, &first), FLUME_OK);
    assert_int_equal(flume_log_sync(fx->log, first), FLUME_OK);
    assert_true(flume_log_durable(grains) > chunk);
    close_grains(grains);
}

static void closing_makes_both_durable(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");

    (void)append_needing(fx->log, "blob", chunk + 1, 0);
    close_log(fx);
    assert_true(flume_log_durable(grains) > chunk);
    close_grains(grains);
}

/* Another process, which makes more of the second log durable. */
struct further {
    flume_log *log, *grains;
    uint64_t needs;
};

static void settle_further(void *ctx)
{
    struct further *further = ctx;
    uint64_t chunk = append_chunk(further->grains, "further");

    further->needs = chunk + 1;
    assert_int_equal(flume_log_sync(further->log, append_needing(further->log, "blob", chunk + 1,
                                                                 check_of(further->grains, chunk))),
                     FLUME_OK);
}

static void what_others_settle_at_that_moment_stays_settled(void **state)
{
    struct log_fixture *fx = *state;
    struct further further;
    uint64_t seq;

    if (!page_trap_works()) {
        print_message("skipped: no pages can be taken away here\n");
        skip();
    }
    further.grains = begin(fx);
    further.log = open_other(fx, 0);
    assert_int_equal(flume_log_sync(further.grains, append_chunk(further.grains, "chunk")),
                     FLUME_OK);
    assert_int_equal(flume_grains_lend(fx->log, further.grains), FLUME_OK);
    page_trap_set((void *)&fx->log->head->needs_settled, sizeof fx->log->head->needs_settled,
                  PAGE_TRAP_ON_WRITE, settle_further, &further);
    assert_int_equal(flume_grains_lend(fx->log, NULL), FLUME_OK); /* It says how far it was. */
    assert_true(page_trap_end());
    close_grains(further.grains);
    take_grains_away(fx);
    seq = append_needing(fx->log, "as far", further.needs, 0);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    close_handle(further.log);
}

/* ---- away ---- */

static void nothing_becomes_durable_while_what_is_needed_is_away(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t seq;

    close_grains(grains);
    (void)append_needing(fx->log, "blob", chunk + 1, 0);
    take_grains_away(fx);
    seq = append_text(fx->log, "message");
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_ERR_ABSENT);
    expect_error(fx->log, FLUME_ERR_ABSENT, "grains");
    assert_int_equal(flume_log_durable(fx->log), seq - 1);
    expect_text(fx->log, seq, "message"); /* Reading goes on, and so does appending. */
    (void)append_text(fx->log, "more");
    bring_grains_back(fx);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    assert_true(flume_log_durable(fx->log) > seq);
}

static void what_is_durable_needs_nobody_any_more(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");

    close_grains(grains);
    (void)append_needing(fx->log, "blob", chunk + 1, 0);
    reopen_log(fx);
    take_grains_away(fx);
    reopen_log(fx);
    assert_int_equal(flume_log_sync(fx->log, append_text(fx->log, "message")), FLUME_OK);
}

static void a_second_log_that_became_shorter_poisons_the_first(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t blob, message;

    message = append_text(fx->log, "message");
    assert_int_equal(flume_log_sync(fx->log, message), FLUME_OK);
    close_grains(grains);
    blob = append_needing(fx->log, "blob", 100, 0); /* It never reached so far. */
    assert_int_equal(flume_log_sync(fx->log, blob), FLUME_ERR_POISONED);
    expect_error(fx->log, FLUME_ERR_POISONED, "second log");
    assert_int_equal(flume_log_append(fx->log, "x", 1, NULL), FLUME_ERR_POISONED);
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED);
    fx->log = NULL;
    open_log(fx); /* Judged anew: what lacks what it needs is cut. */
    assert_int_equal(flume_log_head(fx->log), blob);
    assert_true(stat_of(fx->log).recovery.torn);
    assert_int_equal(flume_log_sync(fx->log, append_text(fx->log, "on")), FLUME_OK);
}

/* ---- after a machine stop ---- */

/* Open a copy of the basin as a power cut may leave it. */
static flume_log *open_copy(struct log_fixture *fx, const char *name)
{
    const char *copy = copy_after_power_cut(fx, name);

    run_command("rm -f '%s/grains/HEAD'", copy);
    return open_at(copy);
}

/* The second log of copy.flume is durable so far: who had it opened, for its HEAD was taken away,
 * has made HEAD again. */
static void expect_copy_grains_durable(struct log_fixture *fx, uint64_t durable)
{
    flume_log *grains;

    assert_true(file_exists(fixture_path(fx, "copy.flume/grains/HEAD")));
    grains = open_at(fixture_path(fx, "copy.flume/grains"));
    assert_int_equal(flume_log_durable(grains), durable);
    close_grains(grains);
}

static void what_lacks_its_needs_is_cut_for_good(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t blob = append_needing(fx->log, "blob", 100, 0);
    flume_log *copy = open_copy(fx, "copy.flume");

    assert_int_equal(flume_log_head(copy), blob);
    assert_true(stat_of(copy).recovery.torn);
    assert_true(stat_of(copy).recovery.cut_bytes > 0);
    assert_int_equal(count_files(fixture_path(fx, "copy.flume/lost+found"), ".torn"), 1);
    close_grains(copy);
    /* Where the second log is away nothing is doubted, but what was cut stays away too. */
    run_command("cd '%s/copy.flume' && rm HEAD && mv grains away", fx->root);
    copy = open_at(fixture_path(fx, "copy.flume"));
    assert_int_equal(flume_log_head(copy), blob);
    close_grains(copy);
    close_grains(grains);
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED); /* It needs what never was. */
    fx->log = NULL;
}

static void what_has_its_needs_is_kept_and_settled_at_the_next_sync(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    flume_log *copy = open_copy(fx, "copy.flume");

    assert_int_equal(flume_log_head(copy), blob + 1);
    assert_int_equal(flume_log_sync(copy, blob), FLUME_OK);
    expect_copy_grains_durable(fx, chunk + 1);
    close_grains(copy);
    close_grains(grains);
}

static void a_seq_that_was_given_again_does_not_serve(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk) ^ 1);
    flume_log *copy = open_copy(fx, "copy.flume");

    assert_int_equal(flume_log_head(copy), blob);
    close_grains(copy);
    close_grains(grains);
}

static void where_the_second_log_is_away_recovery_keeps_all_and_says_so(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    flume_log *copy;

    take_grains_away(fx);
    copy = open_copy(fx, "copy.flume");
    assert_int_equal(flume_log_head(copy), blob + 1);
    assert_int_equal(flume_log_sync(copy, blob), FLUME_OK); /* It needs nothing any more. */
    close_grains(copy);
    bring_grains_back(fx);
    close_grains(grains);
}

static void where_nothing_names_the_second_log_recovery_keeps_all(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t blob = append_needing(fx->log, "blob", append_chunk(grains, "chunk") + 1, 0);
    const char *copy_path = copy_after_power_cut(fx, "copy.flume");
    flume_log *copy;

    run_command("rm '%s/GRAINS'", copy_path);
    copy = open_at(copy_path);
    assert_int_equal(flume_log_head(copy), blob + 1);
    assert_false(stat_of(copy).recovery.torn);
    expect_text(copy, blob, "blob");
    close_grains(copy);
    close_grains(grains);
}

static void a_copy_of_a_living_basin_has_what_it_keeps_durable(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    uint64_t lacking = append_needing(fx->log, "lacks", chunk + 2, 0);
    flume_log *copy;

    /* As it would be if grains/ were copied first: with HEAD and LOCK, which say that it is in use.
     * The second log's HEAD goes, so that it shows whether anybody opens it. */
    run_command("cp -r '%s' '%s/copy.flume' && rm '%s/copy.flume/grains/HEAD'", fx->path, fx->root,
                fx->root);
    (void)append_chunk(grains, "too late for the copy");
    copy = open_at(fixture_path(fx, "copy.flume"));
    assert_int_equal(flume_log_head(copy), lacking);
    assert_int_equal(flume_log_durable(copy), blob + 1);
    expect_copy_grains_durable(fx, chunk + 1);
    close_grains(copy);
    close_grains(grains);
}

/* Open the copy of a basin whose records need its second log, with each sync failing once: it is
 * refused, or all of it is there; and then it opens. */
static void a_copy_whose_second_log_does_not_sync_is_refused(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    struct faultio fault;
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL, .io = &fault.table};
    uint64_t injected = 1, refused = 0;

    faultio_init(&fault, flume_io_posix());
    for (uint64_t nth = 1; injected > 0; nth++) {
        const char *copy_path = fixture_path(fx, "copy.flume");
        flume_log *copy = NULL;
        int status;

        run_command("rm -rf '%s' && cp -r '%s' '%s'", copy_path, fx->path, copy_path);
        faultio_plan(&fault, (struct fault_plan){FAULT_SYNC, nth, -EIO, FAULT_ONCE});
        status = flume_log_open(&copy, copy_path, &options, &fx->error);
        injected = faultio_heal(&fault);
        refused += status != FLUME_OK;
        if (status != FLUME_OK) {
            assert_true(injected > 0);
            assert_true(fx->error.message[0] != '\0');
            copy = open_at(copy_path);
        }
        assert_int_equal(flume_log_head(copy), blob + 1);
        expect_text(copy, blob, "blob");
        (void)flume_log_close(copy);
    }
    assert_true(refused > 1); /* That of the second log, and those of its own. */
    assert_int_equal(fault.open_files, 0);
    faultio_deinit(&fault);
    close_grains(grains);
}

static void without_memory_to_look_at_the_second_log_nothing_opens(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t chunk = append_chunk(grains, "chunk");
    uint64_t blob = append_needing(fx->log, "blob", chunk + 1, check_of(grains, chunk));
    const char *copy_path = copy_after_power_cut(fx, "copy.flume");
    struct fault_memory memory;
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .allocator = &memory.table};
    int status = FLUME_ERR_NO_MEMORY;

    fault_memory_init(&memory);
    for (uint64_t nth = 1; status == FLUME_ERR_NO_MEMORY; nth++) {
        flume_log *copy = NULL;

        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = flume_log_open(&copy, copy_path, &options, &fx->error);
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        if (status == FLUME_OK) {
            assert_true(nth > 20);
            assert_int_equal(flume_log_head(copy), blob + 1);
            close_grains(copy);
        }
        assert_int_equal(memory.live_blocks, 0);
    }
    assert_int_equal(status, FLUME_OK);
    fault_memory_deinit(&memory);
    close_grains(grains);
}

static void a_basin_is_not_its_own_second_log(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, ".", 0), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "itself");
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
}

/* Each is the other's second log, and has a record that is not durable and needs the other. */
static void two_basins_that_name_each_other_end_the_search(void **state)
{
    struct log_fixture *fx = *state;
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL, .flags = FLUME_OPEN_CREATE};
    char path[LOG_FIXTURE_PATH_BYTES];
    flume_log *other;
    uint64_t needing;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    wait_until_durable(fx->log, append_chunk(fx->log, "first"));
    (void)snprintf(path, sizeof path, "%s/other.flume", fx->root);
    assert_int_equal(flume_log_open(&other, path, &options, NULL), FLUME_OK);
    wait_until_durable(other, append_chunk(other, "first"));
    assert_int_equal(flume_grains_make(other, fx->path, 0), FLUME_OK);
    (void)append_needing(other, "needs", 1, 0);
    run_command("cp -r '%s' '%s/b' && rm '%s/b/HEAD'", path, fx->root, fx->root);
    close_grains(other);
    assert_int_equal(flume_grains_make(fx->log, path, 0), FLUME_OK);
    needing = append_needing(fx->log, "needs", 1, 0);
    run_command("cp -r '%s' '%s/a' && rm '%s/a/HEAD'", fx->path, fx->root, fx->root);
    close_log(fx);
    run_command("rm -rf '%s' '%s' && mv '%s/a' '%s' && mv '%s/b' '%s'", fx->path, path, fx->root,
                fx->path, fx->root, path);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), needing + 1);
    assert_int_equal(flume_log_sync(fx->log, needing), FLUME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(needs_are_read_as_they_were_written),
        closed_log_test(an_ordinary_record_needs_nothing),
        closed_log_test(there_is_none_until_it_is_made),
        closed_log_test(it_may_lie_elsewhere_and_be_moved),
        closed_log_test(another_basin_in_its_place_is_not_it),
        closed_log_test(one_that_was_made_and_not_yet_named_is_taken),
        closed_log_test(a_basin_with_records_of_its_own_is_not_taken),
        closed_log_test(a_damaged_setting_is_refused),
        closed_log_test(bad_paths_are_refused),
        closed_log_test(who_only_reads_makes_no_second_log),
        closed_log_test(a_basin_whose_records_do_not_read_may_be_taken),
        closed_log_test(a_basin_that_does_not_open_is_not_taken),
        cmocka_unit_test(a_basin_in_memory_has_none),
        closed_log_test(a_sync_makes_what_is_needed_durable_first),
        closed_log_test(a_lent_handle_is_synced_through),
        closed_log_test(a_lent_handle_that_cannot_sync_poisons_nothing),
        closed_log_test(what_needs_nothing_new_leaves_the_second_log_alone),
        closed_log_test(a_casual_process_syncs_both_by_itself),
        closed_log_test(a_large_batch_needs_as_well),
        closed_log_test(closing_makes_both_durable),
        closed_log_test(what_others_settle_at_that_moment_stays_settled),
        closed_log_test(nothing_becomes_durable_while_what_is_needed_is_away),
        closed_log_test(what_is_durable_needs_nobody_any_more),
        closed_log_test(a_second_log_that_became_shorter_poisons_the_first),
        closed_log_test(what_lacks_its_needs_is_cut_for_good),
        closed_log_test(what_has_its_needs_is_kept_and_settled_at_the_next_sync),
        closed_log_test(a_seq_that_was_given_again_does_not_serve),
        closed_log_test(where_the_second_log_is_away_recovery_keeps_all_and_says_so),
        closed_log_test(where_nothing_names_the_second_log_recovery_keeps_all),
        closed_log_test(a_copy_of_a_living_basin_has_what_it_keeps_durable),
        closed_log_test(a_copy_whose_second_log_does_not_sync_is_refused),
        closed_log_test(without_memory_to_look_at_the_second_log_nothing_opens),
        closed_log_test(a_basin_is_not_its_own_second_log),
        closed_log_test(two_basins_that_name_each_other_end_the_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
