/*
 * test_fault_sealed_care.c - every call of the io table fails once, and so does every request for
 * memory, while a basin with sealed strata is sealed, checked or repaired.
 *
 * Some basins are made once in memory: one that is not sealed yet, one with parity in the files and
 * beside them, one with a dictionary. Each case is a fresh copy of one of them, damaged in one way,
 * on which one act is done with one failure. The answer must be a status with a message and nothing
 * may leak; the same act in health must then come to what it comes to where nothing had failed.
 *
 *   FLUME_TEST_LONG=1     every place, not some of those of the frequent calls
 *   FLUME_FAULTS_EVERY=N  only every Nth of the places, 1 by default
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_world.h"
#include "flume/flume.h"
#include "flume/seal.h"
#include "io_memory.h"
#include "sealed_file.h"
#include "strata_file.h"

enum {
    FAILURES_SHOWN_MAX = 6,
    MEMORY = FAULT_CALLS,
    PLACES_OF_A_CALL = 2,
    PLACES_OF_MEMORY = 9,
    PHRASE_BYTES = 26
};

/* --- The basins as they are before they are damaged ------------------------------------------- */

enum use { RAW, WITH_PARITY, WITH_DICTIONARY, USES };

struct recipe {
    uint64_t strata_bytes;
    size_t strata_count; /* The last of them stays raw. */
    flume_seal_options seal;
};

static const struct recipe recipes[USES] = {
    [RAW] = {64 << 10, 3, {.mode = FLUME_SEAL_ON_REQUEST}},
    [WITH_PARITY] = {64 << 10,
                     3,
                     {.mode = FLUME_SEAL_ON_REQUEST,
                      .block_bytes = 4 << 10,
                      .parity = FLUME_PARITY_FILE | FLUME_PARITY_SOFT,
                      .parity_data = 4,
                      .parity_cells = 1}},
    [WITH_DICTIONARY] =
        {512 << 10, 2, {.mode = FLUME_SEAL_ON_REQUEST, .block_bytes = 4 << 10, .dictionary = true}},
};

static struct model models[USES];
static const struct model *model; /* That of the case at hand. */

/* Records that shrink, with labels, kinds and batches. */
static void append_some(flume_log *log, unsigned i)
{
    static const char *const labels[] = {"even", "a longer label"};
    char text[60 * PHRASE_BYTES];
    flume_entry entry = {
        .body = text, .labels = labels, .label_count = i % 3, .kind = (uint8_t)(64 + i % 3)};
    flume_entry batch[3] = {{.body = "one", .body_bytes = 3},
                            {.body = "two", .body_bytes = 3},
                            {.body = text, .body_bytes = 40}};

    for (size_t k = 0; k < sizeof text; k += PHRASE_BYTES) {
        memcpy(text + k, "{\"number\":    ,\"is\":    },", PHRASE_BYTES);
        for (unsigned digit = 0; digit < 4; digit++) {
            text[k + 10 + digit] = (char)('0' + i / (1 + 9 * digit) % 10);
            text[k + 20 + digit] = (char)('a' + (i * 2654435761U >> (k % 19 + digit)) % 26);
        }
    }
    entry.body_bytes = 600 + i * 37 % 950;
    assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
    if (i % 9 == 0)
        assert_int_equal(flume_log_append_many(log, batch, 3, NULL, NULL), FLUME_OK);
}

static uint64_t strata_count(flume_log *log)
{
    flume_log_stat_info info;

    assert_int_equal(flume_log_stat(log, &info), FLUME_OK);
    return info.strata_count;
}

static void make_model(enum use use)
{
    const struct recipe *recipe = &recipes[use];
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = recipe->strata_bytes,
                                 .seal = &recipe->seal};
    flume_log *log = NULL;
    flume_io io;

    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    options.io = &io;
    assert_int_equal(flume_log_open(&log, WORLD_BASIN, &options, NULL), FLUME_OK);
    for (unsigned i = 0; strata_count(log) < recipe->strata_count; i++)
        append_some(log, i);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    if (use != RAW)
        assert_int_equal(flume_log_seal(log, NULL, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    model_take_file(&models[use], &io, "flume.conf");
    model_take_file(&models[use], &io, "LOCK");
    model_take_file(&models[use], &io, "TAIL");
    model_take_log(&models[use], &io);
    assert_int_equal(models[use].strata_count, recipe->strata_count);
    io_memory_destroy(&io);
}

static int make_models(void **state)
{
    (void)state;
    for (size_t use = 0; use < USES; use++)
        make_model((enum use)use);
    return 0;
}

static int forget_models(void **state)
{
    (void)state;
    for (size_t use = 0; use < USES; use++)
        model_forget(&models[use]);
    return 0;
}

/* --- One case --------------------------------------------------------------------------------- */

struct trial {
    struct world world;
    struct fault_plan plan; /* Made at the moment when what is tried begins. */
    uint64_t memory_nth;
    uint64_t used[FAULT_CALLS + 1]; /* Calls of each sort that were made then, and of memory. */
    bool failed;                    /* Something failed on demand. */
};

static void change(struct world *world, const char *name, uint64_t at, size_t bytes)
{
    uint8_t was[4096];

    assert_true(bytes <= sizeof was);
    world_read(world, name, at, was, bytes);
    for (size_t i = 0; i < bytes; i++)
        was[i] ^= 0x55;
    world_write(world, name, at, was, bytes);
}

static void faults_begin(struct trial *trial)
{
    const struct world *world = &trial->world;

    for (int call = 0; call < FAULT_CALLS; call++)
        trial->used[call] = world->fault.counts[call];
    faultio_plan(&trial->world.fault, trial->plan);
    fault_memory_plan(&trial->world.memory, trial->memory_nth, FAULT_ONCE);
}

static void faults_end(struct trial *trial)
{
    struct world *world = &trial->world;

    if (faultio_heal(&world->fault) > 0 || world->memory.failed > 0)
        trial->failed = true;
    for (int call = 0; call < FAULT_CALLS; call++)
        trial->used[call] = world->fault.counts[call] - trial->used[call];
    trial->used[MEMORY] = world->memory.requests;
    fault_memory_plan(&world->memory, 0, FAULT_ONCE);
    trial->plan.nth = trial->memory_nth = 0;
}

/* --- Ways to damage it ------------------------------------------------------------------------ */

static const char *file_of(size_t index, const char *ending)
{
    return model_strata(model, index, ending)->name;
}

static const struct model_file *original(size_t index)
{
    return model_strata(model, index, "strata");
}

static struct sealed_footer footer_of(size_t index)
{
    const struct model_file *file = original(index);
    struct sealed_footer footer;

    assert_int_equal(sealed_footer_decode(file->data + file->bytes - STRATA_PAGE_BYTES, &footer),
                     FLUME_OK);
    return footer;
}

/* Without parity there is nothing to restore it from. */
static void drop_parity(struct world *world, size_t index)
{
    struct sealed_footer footer = footer_of(index);
    const struct sealed_section *parity = sealed_section_find(&footer, SEALED_SECTION_PARITY);

    if (parity == NULL)
        return;
    world_remove(world, file_of(index, "parity"));
    for (uint64_t at = 0; at < parity->bytes; at += STRATA_PAGE_BYTES)
        change(world, file_of(index, "strata"), parity->offset + at, 4000);
}

static void change_strata(struct world *world, size_t index, uint64_t at, size_t bytes)
{
    change(world, file_of(index, "strata"), at, bytes);
}

static void change_header(struct world *world, size_t index)
{
    change_strata(world, index, 0, 200);
}

static void change_footer(struct world *world, size_t index)
{
    change_strata(world, index, original(index)->bytes - STRATA_PAGE_BYTES, 200);
}

static void change_section(struct world *world, size_t index, uint32_t id)
{
    struct sealed_footer footer = footer_of(index);
    const struct sealed_section *section = sealed_section_find(&footer, id);

    if (section != NULL)
        change_strata(world, index, section->offset, 16);
}

static void change_block(struct world *world, size_t index, uint32_t number)
{
    struct sealed_footer footer = footer_of(index);
    const struct sealed_section *section = sealed_section_find(&footer, SEALED_SECTION_BLOCKS);
    struct sealed_block_entry entry;

    assert_true(number < footer.block_count);
    sealed_block_entry_decode(original(index)->data + section->offset +
                                  (size_t)number * SEALED_BLOCK_ENTRY_BYTES,
                              &entry);
    change_strata(world, index, entry.file_offset + SEALED_BLOCK_HEADER_BYTES + 8, 16);
}

static void nothing(struct world *world)
{
    (void)world;
}

static void parity_can_restore(struct world *world)
{
    change_block(world, 0, 1);
    change_section(world, 0, SEALED_SECTION_LABELS);
    change(world, file_of(1, "parity"), 0, 100);
}

static void blocks_are_lost(struct world *world)
{
    drop_parity(world, 0);
    drop_parity(world, 1);
    change_block(world, 0, 0);
    change_block(world, 0, 2);
    change_block(world, 1, footer_of(1).block_count - 1);
}

static void sections_are_lost(struct world *world)
{
    drop_parity(world, 0);
    for (uint32_t id = SEALED_SECTION_BLOCKS; id <= SEALED_SECTION_MERKLE; id++)
        change_section(world, 0, id);
    drop_parity(world, 1);
    change_section(world, 1, SEALED_SECTION_MERKLE);
    change_block(world, 1, 1);
}

static void headers_are_lost(struct world *world)
{
    drop_parity(world, 0);
    drop_parity(world, 1);
    change_header(world, 0);
    change_header(world, 1);
    change_block(world, 1, 0);
}

static void footers_are_lost(struct world *world)
{
    drop_parity(world, 0);
    drop_parity(world, 1);
    change_footer(world, 0);
    change_footer(world, 1);
    change_block(world, 1, 1);
}

/* The parity beside it still reads, but not enough of it does. */
static void a_footer_is_lost_with_parity_beside(struct world *world)
{
    struct sealed_footer footer = footer_of(1);
    const struct sealed_section *parity = sealed_section_find(&footer, SEALED_SECTION_PARITY);

    for (uint64_t at = 0; at < parity->bytes; at += STRATA_PAGE_BYTES)
        change_strata(world, 1, parity->offset + at, 4000);
    for (uint64_t at = 0; at + 4000 < original(1)->bytes; at += STRATA_PAGE_BYTES)
        change_strata(world, 1, at + 4000, 8);
    change_footer(world, 1);
}

static void both_pages_are_lost(struct world *world)
{
    drop_parity(world, 1);
    change_header(world, 1);
    change_footer(world, 1);
}

static void a_strata_is_cut_short(struct world *world)
{
    drop_parity(world, 1);
    world_put(world, file_of(1, "strata"), original(1)->data, original(1)->bytes / 2);
}

static void a_strata_and_the_footer_before_are_lost(struct world *world)
{
    drop_parity(world, 0);
    change_footer(world, 0);
    world_remove(world, file_of(1, "strata"));
    world_remove(world, file_of(1, "parity"));
}

/* Nothing says where its records end but they themselves. */
static void a_strata_and_all_pages_before_are_lost(struct world *world)
{
    drop_parity(world, 0);
    change_strata(world, 0, 1000, 8); /* The salt still stands there. */
    change_strata(world, 0, original(0)->bytes - 8, 8);
    world_remove(world, file_of(1, "strata"));
    world_remove(world, file_of(1, "parity"));
}

static void a_strata_is_lost(struct world *world)
{
    world_remove(world, file_of(1, "strata"));
    world_remove(world, file_of(1, "parity"));
}

static void dictionaries_are_lost(struct world *world)
{
    change_section(world, 0, SEALED_SECTION_DICTIONARY);
    change_section(world, 0, SEALED_SECTION_DICTIONARY_COPY);
}

static void a_dictionary_is_lost(struct world *world)
{
    change_section(world, 0, SEALED_SECTION_DICTIONARY);
    change_block(world, 0, 3);
}

/* --- Acts ------------------------------------------------------------------------------------- */

/* What an act has come to. */
struct outcome {
    int status;
    uint64_t head, intact, lost, damaged;
};

struct act {
    const char *name;
    void (*damage)(struct world *world);
    struct outcome (*play)(struct trial *trial);
    enum use use;
    bool is_slow;   /* Then it is done for fewer places. */
    bool is_probed; /* Each of its requests for memory fails, also in the short form. */
};

static int on_finding(void *ctx, const flume_finding *finding)
{
    struct world *world = ctx;

    if (finding->message[0] == '\0')
        world_complain(world, "a finding has no message");
    return 0;
}

static struct outcome look(struct world *world)
{
    flume_check_options options = {.finding = on_finding,
                                   .ctx = world,
                                   .allocator = &world->memory.table,
                                   .io = &world->fault.table};
    flume_check_report report = {0};
    flume_error error = {0};
    struct outcome outcome = {.status = flume_check(WORLD_BASIN, &options, &report, &error)};

    world_judge(world, "check", outcome.status, &error);
    outcome.head = report.head;
    outcome.intact = report.records;
    outcome.lost = report.lost;
    outcome.damaged = report.damaged;
    return outcome;
}

static struct outcome check(struct trial *trial)
{
    struct outcome outcome;

    faults_begin(trial);
    outcome = look(&trial->world);
    faults_end(trial);
    return outcome;
}

static struct outcome repair_by(struct trial *trial, enum flume_repair_policy policy)
{
    flume_check_options options = {.finding = on_finding,
                                   .ctx = &trial->world,
                                   .allocator = &trial->world.memory.table,
                                   .io = &trial->world.fault.table};
    flume_check_report report = {0};
    flume_error error = {0};
    int status;

    faults_begin(trial);
    status = flume_repair(WORLD_BASIN, policy, &options, &report, &error);
    faults_end(trial);
    world_judge(&trial->world, "repair", status, &error);
    if (status != FLUME_OK)
        return (struct outcome){.status = status};
    return look(&trial->world);
}

static struct outcome repair(struct trial *trial)
{
    return repair_by(trial, FLUME_REPAIR_SALVAGE);
}

static struct outcome try_it_dry(struct trial *trial)
{
    return repair_by(trial, FLUME_REPAIR_DRY_RUN);
}

static struct outcome seal_by(struct trial *trial, const flume_seal_options *seal)
{
    flume_log_options options = {.profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .lock_timeout_ns = 20000000000,
                                 .seal = seal,
                                 .allocator = &trial->world.memory.table,
                                 .io = &trial->world.fault.table};
    const flume_seal_call call = {.active = true};
    flume_log *log = NULL;
    flume_error error = {0};
    int status = flume_log_open(&log, WORLD_BASIN, &options, &error);

    world_judge(&trial->world, "open", status, &error);
    if (status != FLUME_OK)
        return (struct outcome){.status = status};
    faults_begin(trial);
    status = flume_log_seal(log, &call, NULL);
    faults_end(trial);
    flume_log_error(log, &error);
    world_judge(&trial->world, "seal", status, &error);
    (void)flume_log_close(log); /* What a failed sync left is not asked for here. */
    if (status != FLUME_OK)
        return (struct outcome){.status = status};
    return look(&trial->world);
}

static struct outcome seal_with_parity(struct trial *trial)
{
    return seal_by(trial, &recipes[WITH_PARITY].seal);
}

static struct outcome seal_with_a_dictionary(struct trial *trial)
{
    return seal_by(trial, &recipes[WITH_DICTIONARY].seal);
}

static const struct act acts[] = {
    {"seal with parity", nothing, seal_with_parity, RAW, false, false},
    {"seal with a dictionary", nothing, seal_with_a_dictionary, WITH_DICTIONARY, true, false},
    {"check", nothing, check, WITH_PARITY, false, false},
    {"check a dictionary", nothing, check, WITH_DICTIONARY, true, false},
    {"check what parity can restore", parity_can_restore, check, WITH_PARITY, false, false},
    {"check lost blocks", blocks_are_lost, check, WITH_PARITY, false, false},
    {"check lost sections", sections_are_lost, check, WITH_PARITY, false, false},
    {"check lost pages", both_pages_are_lost, check, WITH_PARITY, false, false},
    {"try to repair lost blocks", blocks_are_lost, try_it_dry, WITH_PARITY, false, false},
    {"repair a sound one", nothing, repair, WITH_PARITY, false, false},
    {"repair by parity", parity_can_restore, repair, WITH_PARITY, false, false},
    {"repair lost blocks", blocks_are_lost, repair, WITH_PARITY, false, true},
    {"repair lost sections", sections_are_lost, repair, WITH_PARITY, false, false},
    {"repair lost headers", headers_are_lost, repair, WITH_PARITY, false, false},
    {"repair lost footers", footers_are_lost, repair, WITH_PARITY, false, false},
    {"repair a lost footer by what lies beside", a_footer_is_lost_with_parity_beside, repair,
     WITH_PARITY, false, false},
    {"repair where both pages are lost", both_pages_are_lost, repair, WITH_PARITY, false, false},
    {"repair a short strata", a_strata_is_cut_short, repair, WITH_PARITY, false, false},
    {"repair a lost strata", a_strata_is_lost, repair, WITH_PARITY, false, false},
    {"repair a lost strata behind a lost footer", a_strata_and_the_footer_before_are_lost, repair,
     WITH_PARITY, false, false},
    {"repair a lost strata behind lost pages", a_strata_and_all_pages_before_are_lost, repair,
     WITH_PARITY, false, false},
    {"repair lost dictionaries", dictionaries_are_lost, repair, WITH_DICTIONARY, true, false},
    {"repair a lost dictionary", a_dictionary_is_lost, repair, WITH_DICTIONARY, true, false},
};
enum { ACT_COUNT = sizeof acts / sizeof acts[0] };

/* --- Sweeps ----------------------------------------------------------------------------------- */

struct tally {
    uint64_t runs, injected, failed;
};

static struct outcome healthy[ACT_COUNT];
static uint64_t used[ACT_COUNT][FAULT_CALLS + 1]; /* By each in health. */

static void begin_act(struct trial *trial, size_t act)
{
    memset(trial, 0, sizeof *trial);
    model = &models[acts[act].use];
    world_begin(&trial->world, model);
    acts[act].damage(&trial->world);
}

static bool is_same(const struct outcome *one, const struct outcome *two)
{
    return one->status == two->status && one->head == two->head && one->intact == two->intact &&
           one->lost == two->lost && one->damaged == two->damaged;
}

/* Again, in health: it must come to what it comes to where nothing had failed before. */
static void settle(struct trial *trial, size_t act)
{
    const struct outcome *wanted = &healthy[act];
    struct outcome outcome;

    if (trial->world.complaint[0] != '\0')
        return;
    outcome = acts[act].play(trial);
    if (!is_same(&outcome, wanted))
        world_complain(&trial->world,
                       "afterwards %s, head %" PRIu64 ", %" PRIu64 " intact, %" PRIu64
                       " lost, %" PRIu64 " damaged instead of %s, %" PRIu64 ", %" PRIu64
                       ", %" PRIu64 ", %" PRIu64,
                       flume_status_name(outcome.status), outcome.head, outcome.intact,
                       outcome.lost, outcome.damaged, flume_status_name(wanted->status),
                       wanted->head, wanted->intact, wanted->lost, wanted->damaged);
}

static void note(struct tally *tally, struct trial *trial, const char *what, size_t act,
                 uint64_t nth)
{
    world_end(&trial->world);
    tally->runs++;
    tally->injected += trial->failed;
    if (trial->world.complaint[0] == '\0')
        return;
    if (tally->failed++ < FAILURES_SHOWN_MAX)
        print_error("%s: %s, number %" PRIu64 ": %s\n", acts[act].name, what, nth,
                    trial->world.complaint);
}

/* How far apart the places lie at which one sort of call fails. */
static uint64_t stride_of(size_t act, int call)
{
    const char *text = getenv("FLUME_FAULTS_EVERY");
    uint64_t every = text != NULL && atoi(text) > 0 ? (uint64_t)atoi(text) : 1;
    uint64_t places = call == MEMORY ? PLACES_OF_MEMORY : PLACES_OF_A_CALL;

    if (getenv("FLUME_TEST_LONG") != NULL || (acts[act].is_probed && call == MEMORY))
        return 1;
    if (acts[act].is_slow)
        places = (places + 1) / 2;
    return every * (used[act][call] / places + 1);
}

static void fail_one(struct tally *tally, size_t act, int call, uint64_t nth)
{
    struct trial trial;

    begin_act(&trial, act);
    if (call == MEMORY)
        trial.memory_nth = nth;
    else
        trial.plan = (struct fault_plan){.call = (enum fault_call)call,
                                         .nth = nth,
                                         .result = call == FAULT_PREAD ? -EINTR : -EIO};
    (void)acts[act].play(&trial);
    /* What takes long is not done for all, but in the long form. */
    if (acts[act].play != check && (nth % 2 == 0 || getenv("FLUME_TEST_LONG") != NULL))
        settle(&trial, act);
    note(tally, &trial, call == MEMORY ? "memory" : fault_call_name((enum fault_call)call), act,
         nth);
}

static void sweep(struct tally *tally, size_t act, int call)
{
    uint64_t stride = stride_of(act, call);

    /* Each act begins elsewhere: together they come to every sort of place. */
    for (uint64_t nth = 1 + act % stride; nth <= used[act][call]; nth += stride)
        fail_one(tally, act, call, nth);
}

static void expect_none_failed(const struct tally *tally)
{
    print_message("%" PRIu64 " runs, %" PRIu64 " with a failure on demand, %" PRIu64
                  " runs went wrong\n",
                  tally->runs, tally->injected, tally->failed);
    assert_int_equal(tally->failed, 0);
}

/* First of all: the others compare with what it finds. */
static void each_act_ends_the_same_when_done_again(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++) {
        struct trial trial;

        begin_act(&trial, act);
        healthy[act] = acts[act].play(&trial);
        memcpy(used[act], trial.used, sizeof used[act]);
        settle(&trial, act);
        note(&tally, &trial, "nothing", act, 0);
    }
    expect_none_failed(&tally);
}

static void any_call_may_fail_once_anywhere(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++) {
        for (int call = 0; call < FAULT_CALLS; call++)
            sweep(&tally, act, call);
    }
    expect_none_failed(&tally);
}

static void any_request_for_memory_may_fail(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t act = 0; act < ACT_COUNT; act++)
        sweep(&tally, act, MEMORY);
    expect_none_failed(&tally);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_act_ends_the_same_when_done_again),
        cmocka_unit_test(any_call_may_fail_once_anywhere),
        cmocka_unit_test(any_request_for_memory_may_fail),
    };

    return cmocka_run_group_tests(tests, make_models, forget_models);
}
