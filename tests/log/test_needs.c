/*
 * test_needs.c - records that depend on a second log: durable after it, wherever it lies.
 */
#include "needs_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "faultio.h"
#include "flume/seal.h"
#include "grain.h"
#include "handle.h"
#include "head.h"
#include "page_trap.h"
#include "settings.h"

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

/* Of another length, or longer than what there is, it is for who knows more. */
static void needs_that_are_not_as_they_should_be_are_none(void **state)
{
    static const uint8_t kind = GRAIN_META_NEEDS;
    uint8_t meta[2 + GRAIN_NEEDS_BYTES] = {kind, GRAIN_NEEDS_BYTES, 77};
    flume_record record = {.meta = meta, .meta_bytes = sizeof meta};
    uint64_t check = 1;

    (void)state;
    assert_int_equal(flume_record_needs(&record, NULL), 77);
    record.meta_bytes--;
    assert_int_equal(flume_record_needs(&record, &check), 0);
    assert_int_equal(check, 0);
    record.meta_bytes = 1;
    assert_int_equal(flume_record_needs(&record, NULL), 0);
    record.meta_bytes = sizeof meta;
    meta[1]--;
    assert_int_equal(flume_record_needs(&record, NULL), 0);
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
    assert_int_equal(flume_grains_make(fx->log, moved, 0), FLUME_OK); /* As it was said before. */
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

/* Its check holds. */
static void expect_setting_refused(struct log_fixture *fx, const char *text)
{
    struct settings settings = {.bytes = 0};
    flume_grains_place place;

    settings_add(&settings, "flume grains\nformat 1\n%s", text);
    assert_int_equal(settings_write(fx->log, "GRAINS", &settings), FLUME_OK);
    if (flume_grains_find(fx->log, &place) != FLUME_ERR_DAMAGED)
        fail_msg("taken: %.80s", text);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "GRAINS is damaged");
}

static void a_setting_that_is_whole_and_cannot_be_is_refused(void **state)
{
    static const char other[] = "basin 0123456789abcdef0123456789abcdef\n";
    struct log_fixture *fx = *state;
    char text[FLUME_GRAINS_PATH_BYTES + 256];
    size_t bytes;

    open_log(fx);
    (void)snprintf(text, sizeof text, "%spath away\n", other);
    expect_setting_refused(fx, text + strlen(other)); /* Of which basin? */
    expect_setting_refused(fx, other);                /* Where? */
    (void)snprintf(text, sizeof text, "%spath \n", other);
    expect_setting_refused(fx, text);
    expect_setting_refused(fx, "basin 0123456789abcdef0123456789abcdeg\npath away\n");
    bytes = (size_t)snprintf(text, sizeof text, "%spath ", other);
    memset(text + bytes, 'a', sizeof text - bytes - 2);
    memcpy(text + sizeof text - 2, "\n", 2);
    expect_setting_refused(fx, text); /* If it takes so much. */
    bytes = (size_t)snprintf(text, sizeof text, "basin ");
    for (size_t i = 0; i < sizeof fx->log->basin_id; i++)
        bytes += (size_t)snprintf(text + bytes, 3, "%02x", fx->log->basin_id[i]);
    (void)snprintf(text + bytes, sizeof text - bytes, "\npath .\n");
    expect_setting_refused(fx, text); /* Itself. */
    assert_int_equal(unlink(fixture_path(fx, "basin.flume/GRAINS")), 0);
    assert_int_equal(place_of(fx->log).state, FLUME_GRAINS_NONE);
}

static void bad_paths_are_refused(void **state)
{
    struct log_fixture *fx = *state;
    static char longest[5000];

    memset(longest, 'a', sizeof longest - 1);
    open_log(fx);
    assert_int_equal(flume_grains_make(fx->log, "", 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_grains_make(fx->log, "with\nline", 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_grains_make(fx->log, "with\x7f", 0), FLUME_ERR_INVALID);
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

/* It does not come to the strata that another handle has begun: it says why, and nothing is
 * lost. */
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
    faultio_plan(&fault, (struct fault_plan){FAULT_LIST, 1, -EMFILE, FAULT_LASTING});
    assert_int_equal(flume_log_seal(grains, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
    wait_until_durable(grains, append_chunk(grains, "begins it")); /* What begins one is synced. */
    chunk = append_chunk(grains, "chunk");
    seq = append_needing(fx->log, "blob", chunk + 1, 0);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_ERR_IO);
    assert_true(faultio_heal(&fault) > 0);
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

static void where_another_basin_is_nothing_becomes_durable(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx), *stranger;
    uint64_t chunk = append_chunk(grains, "chunk");
    flume_log_options options = {.flags = FLUME_OPEN_CREATE};
    uint64_t seq = append_needing(fx->log, "blob", chunk + 1, 0);

    close_grains(grains);
    take_grains_away(fx);
    assert_int_equal(
        flume_log_open(&stranger, fixture_path(fx, "basin.flume/grains"), &options, &fx->error),
        FLUME_OK);
    close_grains(stranger);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_ERR_ABSENT);
    expect_error(fx->log, FLUME_ERR_ABSENT, "another basin is");
    run_command("rm -r '%s/grains'", fx->path);
    bring_grains_back(fx);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
}

/* What it may have of such records it has made durable without asking anybody. */
static void a_second_log_needs_nobody(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *grains = begin(fx);
    uint64_t seq;

    assert_int_equal(flume_grains_lend(fx->log, grains), FLUME_OK);
    seq = append_needing(grains, "needs", 1000, 0);
    assert_int_equal(flume_log_sync(grains, seq), FLUME_OK);
    assert_true(flume_log_durable(grains) > seq);
    assert_int_equal(flume_grains_lend(fx->log, NULL), FLUME_OK);
    close_grains(grains);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(needs_are_read_as_they_were_written),
        cmocka_unit_test(needs_that_are_not_as_they_should_be_are_none),
        closed_log_test(an_ordinary_record_needs_nothing),
        closed_log_test(there_is_none_until_it_is_made),
        closed_log_test(it_may_lie_elsewhere_and_be_moved),
        closed_log_test(another_basin_in_its_place_is_not_it),
        closed_log_test(one_that_was_made_and_not_yet_named_is_taken),
        closed_log_test(a_basin_with_records_of_its_own_is_not_taken),
        closed_log_test(a_damaged_setting_is_refused),
        closed_log_test(a_setting_that_is_whole_and_cannot_be_is_refused),
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
        closed_log_test(where_another_basin_is_nothing_becomes_durable),
        closed_log_test(a_second_log_needs_nobody),
        closed_log_test(what_is_durable_needs_nobody_any_more),
        closed_log_test(a_second_log_that_became_shorter_poisons_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
