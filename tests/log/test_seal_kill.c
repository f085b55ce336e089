/*
 * test_seal_kill.c - processes that append, seal, read, check and copy one basin at once, and are
 * killed with SIGKILL at random moments.
 *
 * After each round every acknowledged record reads at its seq, a check of the basin in use finds
 * nothing, and log/ has one form of each strata. At the end of a basin's life all are killed at
 * once; who comes next seals all of it, and then nothing is left over of any sealer that died.
 *
 *   FLUME_KILLS      how many kills each test does (default 4; 600 with FLUME_TEST_LONG=1)
 *   FLUME_SEED       where chance begins
 */
#include "process_fixture.h"

#include <dirent.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flume/seal.h"
#include "strata_file.h"

enum {
    KILLS = 4,
    KILLS_LONG = 600,
    ROUNDS_PER_BASIN = 10,
    REPORTED_MIN = 150,
    APPENDERS = 2,
    OTHERS = 3, /* A sealer, a reader, a checker. */
    NOBODY = 65534,
    HELD_MAX = 16,
    SMALL_FILLER_BYTES = 400
};

/* --- Handles -----------------------------------------------------------------------------------*/

/* Any way of sealing: processes with different wishes seal in turn. */
static flume_seal_options seal_somehow(struct role *role)
{
    return (flume_seal_options){
        .mode = chance_below(&role->chance, 4) == 0 ? FLUME_SEAL_ON_REQUEST : FLUME_SEAL_BACKGROUND,
        .block_bytes = chance_below(&role->chance, 2) == 0 ? FLUME_BLOCK_BYTES_MIN : 0,
        .dictionary = chance_below(&role->chance, 4) == 0,
        .parity = (unsigned)chance_below(&role->chance, 4),
        .parity_data = 8,
        .parity_cells = 1,
        .strata_bytes_min = 1,
    };
}

static flume_log *open_somehow(struct role *role)
{
    flume_seal_options seal = seal_somehow(role);
    flume_log_options options = {
        .flags = FLUME_OPEN_CREATE,
        .strata_bytes = FLUME_STRATA_BYTES_MIN,
        .profile = chance_below(&role->chance, 4) == 0 ? FLUME_PROFILE_PARANOID
                                                       : FLUME_PROFILE_CASUAL,
        .seal = &seal,
        .cache_bytes = 1 << 20,
    };

    return role_open(role, &options);
}

static void require_ok(flume_log *log, int status, const char *call)
{
    flume_error error = {.message = ""};

    if (status == FLUME_OK)
        return;
    flume_log_error(log, &error);
    role_require(false, "%s: %s: %s", call, flume_status_name(status), error.message);
}

/* --- Who appends, and who seals ----------------------------------------------------------------*/

static void append_until_killed(struct role *role)
{
    flume_log *log = open_somehow(role);

    for (;;) {
        uint64_t choice = chance_below(&role->chance, 400);

        if (choice == 0)
            role_append(role, log, 10, FILLER_BYTES_MAX / 4); /* More than a strata. */
        else if (choice < 10)
            require_ok(log, flume_log_sync(log, FLUME_SEQ_NONE), "sync");
        else if (choice < 60)
            role_append(role, log, 1 + chance_below(&role->chance, 20), SMALL_FILLER_BYTES);
        else
            role_append(role, log, 1, SMALL_FILLER_BYTES);
    }
}

/* As `flume seal` does, again and again. */
static void seal_until_killed(struct role *role)
{
    for (;;) {
        flume_log *log = open_somehow(role);
        flume_seal_call call = {.active = chance_below(&role->chance, 3) == 0};

        require_ok(log, flume_log_seal(log, &call, NULL), "seal");
        require_ok(log, flume_log_close(log), "close");
        pause_ns(chance_below(&role->chance, 20) * MS);
    }
}

/* --- Who reads ---------------------------------------------------------------------------------*/

/* Records that are held while the files that they came from are exchanged. */
struct held_records {
    flume_record records[HELD_MAX];
    size_t next;
};

static void require_whole(const flume_record *record)
{
    struct stamp stamp;

    role_require(record->kind == FLUME_KIND_MANIFEST ||
                     body_read(record->body, record->body_bytes, &stamp),
                 "the body of seq %" PRIu64 " is not whole", record->seq);
}

/* The one held longest is looked at once more, and makes room. */
static void hold_on(struct held_records *held, const flume_record *record)
{
    flume_record *place = &held->records[held->next++ % HELD_MAX];

    if (place->body != NULL)
        require_whole(place);
    flume_record_release(place);
    flume_record_keep(record, place);
}

/* From anywhere on, with a pause in between. */
static void read_with_cursor(struct role *role, flume_log *log, struct held_records *held)
{
    uint64_t head = flume_log_head(log);
    flume_cursor_options options = {
        .flags = FLUME_CURSOR_MANIFESTS |
                 (chance_below(&role->chance, 2) == 0 ? (unsigned)FLUME_CURSOR_REVERSE : 0u),
        .limit = 1 + chance_below(&role->chance, 2000),
    };
    bool is_reverse = (options.flags & FLUME_CURSOR_REVERSE) != 0;
    uint64_t next = chance_below(&role->chance, head + 1);
    flume_cursor *cursor;
    flume_record record;
    int status;

    options.bounds = is_reverse ? FLUME_LT : FLUME_GTE;
    options.lt = options.gte = next;
    require_ok(log, flume_cursor_open(log, &options, &cursor), "cursor");
    while ((status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK) {
        next -= is_reverse ? 1 : 0;
        role_require(record.seq == next, "seq %" PRIu64 " where %" PRIu64 " was due", record.seq,
                     next);
        next += is_reverse ? 0 : 1;
        require_whole(&record);
        if (chance_below(&role->chance, 100) == 0)
            hold_on(held, &record);
        if (chance_below(&role->chance, 500) == 0)
            pause_ns(chance_below(&role->chance, 30) * MS);
    }
    if (status != FLUME_END)
        require_ok(log, status, "next");
    flume_cursor_close(cursor);
}

static void read_with_gets(struct role *role, flume_log *log, struct held_records *held)
{
    uint64_t head = flume_log_head(log);

    for (unsigned i = 0; i < 500 && head > 0; i++) {
        uint64_t seq = chance_below(&role->chance, head);
        flume_record record;

        require_ok(log, flume_log_get(log, seq, &record), "get");
        role_require(record.seq == seq, "another seq");
        require_whole(&record);
        if (chance_below(&role->chance, 100) == 0)
            hold_on(held, &record);
        flume_record_release(&record);
    }
}

static void read_through(struct role *role, const flume_log_options *options)
{
    struct held_records held = {.next = 0};

    for (;;) {
        flume_log *log = options != NULL ? role_open(role, options) : open_somehow(role);

        for (unsigned i = 0; i < 20; i++) {
            read_with_gets(role, log, &held);
            read_with_cursor(role, log, &held);
        }
        require_ok(log, flume_log_close(log), "close");
    }
}

static void read_until_killed(struct role *role)
{
    read_through(role, NULL);
}

static void observe_until_killed(struct role *role)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .cache_bytes = 1 << 20};

    role_require(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0,
                 "cannot become another user");
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* Changing the user had cleared it. */
    read_through(role, &options);
}

/* --- Who checks --------------------------------------------------------------------------------*/

static int tell_finding(void *ctx, const flume_finding *finding)
{
    (void)ctx;
    (void)fprintf(stderr, "%s: %s\n", finding->file, finding->message);
    return 0;
}

static void check_until_killed(struct role *role)
{
    flume_check_options options = {.finding = tell_finding};

    for (;;) {
        flume_check_report report = {.sound = false};
        flume_error error = {.message = ""};
        int status = flume_check(role->basin, &options, &report, &error);

        role_require(status == FLUME_OK && report.sound, "check: %s: %s", flume_status_name(status),
                     error.message);
        pause_ns(chance_below(&role->chance, 20) * MS);
    }
}

/* --- What is in log/ ---------------------------------------------------------------------------*/

struct folder {
    size_t sealed, raw, slots, parity, temporary;
    uint64_t last_sealed, first_raw;
};

static bool ends_in(const char *name, const char *ending)
{
    size_t bytes = strlen(name);

    return bytes > strlen(ending) && strcmp(name + bytes - strlen(ending), ending) == 0;
}

static void note_strata(const char *path, uint64_t first_seq, struct folder *folder)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header header;
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    assert_int_equal(fread(page, sizeof page, 1, file), 1);
    (void)fclose(file);
    assert_int_equal(strata_header_decode(page, &header), FLUME_OK);
    assert_int_equal(header.first_seq, first_seq);
    if (header.form == STRATA_SEALED) {
        folder->sealed++;
        if (first_seq > folder->last_sealed)
            folder->last_sealed = first_seq;
    } else {
        folder->raw++;
        if (first_seq < folder->first_raw)
            folder->first_raw = first_seq;
    }
}

/* Whether slots lie beside a strata; a large batch that was not committed may have left others. */
static bool has_strata(const char *basin, const char *slots)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/log/%.20s.strata", basin, slots);
    return access(path, F_OK) == 0;
}

/* From the newest on: whatever is sealed meanwhile comes behind what was seen. */
static struct folder look_into_log(const char *basin)
{
    struct folder folder = {.first_raw = UINT64_MAX};
    char path[PATH_MAX];
    struct dirent **entries;
    uint64_t first_seq;
    int count;

    (void)snprintf(path, sizeof path, "%s/log", basin);
    count = scandir(path, &entries, NULL, alphasort);
    assert_true(count >= 0);
    for (int i = count; i-- > 0;) {
        const char *name = entries[i]->d_name;

        (void)snprintf(path, sizeof path, "%s/log/%s", basin, name);
        if (strata_name_parse(name, &first_seq))
            note_strata(path, first_seq, &folder);
        folder.slots += ends_in(name, ".slots") && has_strata(basin, name);
        folder.parity += ends_in(name, ".parity");
        folder.temporary += ends_in(name, ".tmp");
        free(entries[i]);
    }
    free(entries);
    return folder;
}

/* Each strata has one file, known by its name; sealed ones come first, whenever one looks. */
static void expect_one_form(struct fixture *fx)
{
    struct folder folder = look_into_log(fx->basin);

    assert_true(folder.sealed + folder.raw > 0);
    if (folder.sealed > 0 && folder.last_sealed > folder.first_raw)
        fail_msg("the strata of seq %" PRIu64 " is sealed, that of %" PRIu64 " before it is not",
                 folder.last_sealed, folder.first_raw);
}

/* Sealed strata in lost+found/. A large batch that was never committed may be there. */
static size_t count_lost_sealed(const char *basin)
{
    struct folder folder = {.first_raw = UINT64_MAX};
    char path[PATH_MAX];
    struct dirent *entry;
    uint64_t first_seq;
    DIR *directory;

    (void)snprintf(path, sizeof path, "%s/lost+found", basin);
    directory = opendir(path);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/lost+found/%s", basin, entry->d_name);
        if (strata_name_parse(entry->d_name, &first_seq))
            note_strata(path, first_seq, &folder);
    }
    (void)closedir(directory);
    return folder.sealed;
}

/* All are dead: seal the rest. Nothing is left of those who were at it, but for a strata without a
 * record where one died between a roll and the first. */
static void seal_the_rest(struct fixture *fx)
{
    flume_seal_options seal = {.mode = FLUME_SEAL_ON_REQUEST};
    flume_log *log = open_with(fx->basin, &(flume_log_options){.seal = &seal});
    uint64_t head = flume_log_head(log);
    struct folder folder;
    size_t empty;

    expect_ok(log, flume_log_seal(log, &(flume_seal_call){.active = true}, NULL));
    expect_ok(log, flume_log_seal(log, NULL, NULL)); /* It tidies what the last one could not. */
    process_close_log(log);
    folder = look_into_log(fx->basin);
    empty = folder.first_raw == head;
    assert_int_equal(folder.raw, empty);
    assert_int_equal(folder.temporary, 0);
    assert_int_equal(folder.slots, empty);
    assert_true(folder.parity <= folder.sealed);
    assert_int_equal(count_lost_sealed(fx->basin), 0);
}

/* --- Copies ------------------------------------------------------------------------------------*/

/* A copy made while strata are sealed holds a prefix of what was appended. */
static void copy_and_judge(struct fixture *fx, const struct process *writers, size_t writer_count)
{
    struct expectation expectation = {
        .processes = writers, .process_count = writer_count, .is_prefix = true};
    char copy[PATH_MAX];
    flume_log *log;

    (void)snprintf(copy, sizeof copy, "%s/copy.flume", fx->root);
    /* A file that is renamed or removed meanwhile is one that the copy can do without. */
    shell("cp -r '%s' '%s' 2>/dev/null; test -f '%s/flume.conf'", fx->basin, copy, copy);
    log = open_with(copy, NULL);
    expect_history(log, &expectation);
    expect_ok(log, flume_log_append(log, "", 0, NULL));
    expect_ok(log, flume_log_seal(log, &(flume_seal_call){.active = true}, NULL));
    process_close_log(log);
    expect_checked(copy);
    shell("rm -rf '%s'", copy);
}

/* --- The tests ---------------------------------------------------------------------------------*/

/* Everybody who lives, or lived, on one basin. */
struct company {
    struct process writers[APPENDERS + ROUNDS_PER_BASIN];
    size_t writer_count;
    struct process others[OTHERS];
    role_play plays[OTHERS];
    uint64_t next_number;
};

static void start_writer(struct fixture *fx, struct company *company)
{
    process_start(fx, &company->writers[company->writer_count++], company->next_number++,
                  append_until_killed, NULL);
}

static void start_other(struct fixture *fx, struct company *company, size_t index)
{
    process_free(&company->others[index]);
    process_start(fx, &company->others[index], company->next_number++, company->plays[index], NULL);
}

static void hear_writers(struct company *company)
{
    processes_hear_each(company->writers, company->writer_count, REPORTED_MIN);
}

static void company_begin(struct fixture *fx, struct company *company, role_play reader)
{
    memset(company, 0, sizeof *company);
    company->next_number = 1;
    company->plays[0] = seal_until_killed;
    company->plays[1] = reader;
    company->plays[2] = check_until_killed;
    forget_basin(fx);
    start_writer(fx, company);
    assert_true(process_hear(&company->writers[0], 1)); /* There is a basin. */
    for (size_t i = 1; i < APPENDERS; i++)
        start_writer(fx, company);
    for (size_t i = 0; i < OTHERS; i++)
        start_other(fx, company, i);
}

/* Kill one, whoever it is, and let another one take its place. */
static void kill_anyone(struct fixture *fx, struct company *company)
{
    uint64_t victim = chance_below(&fx->chance, APPENDERS + OTHERS);
    size_t index;

    processes_overhear(company->writers, company->writer_count, chance_below(&fx->chance, 30 * MS));
    if (victim >= APPENDERS) {
        process_kill(&company->others[victim - APPENDERS]);
        start_other(fx, company, victim - APPENDERS);
        return;
    }
    do
        index = chance_below(&fx->chance, company->writer_count);
    while (!company->writers[index].running);
    process_kill(&company->writers[index]);
    start_writer(fx, company);
}

/* Nobody has ended by himself: that would be an expectation of his that did not hold. */
static void expect_alive(struct company *company)
{
    for (size_t i = 0; i < OTHERS; i++) {
        if (process_has_ended(&company->others[i]))
            fail_msg("process %d (%zu) has ended by itself", (int)company->others[i].pid, i);
    }
}

static void company_end(struct fixture *fx, struct company *company)
{
    struct expectation expectation = {.processes = company->writers,
                                      .process_count = company->writer_count};
    flume_log *log;

    for (size_t i = 0; i < OTHERS; i++)
        process_signal(&company->others[i], SIGKILL);
    for (size_t i = 0; i < company->writer_count; i++) {
        if (company->writers[i].running)
            process_signal(&company->writers[i], SIGKILL);
    }
    for (size_t i = 0; i < OTHERS; i++)
        process_free(&company->others[i]);
    for (size_t i = 0; i < company->writer_count; i++) {
        if (company->writers[i].running)
            (void)process_join(&company->writers[i]);
    }
    expect_sound(fx, company->writers, company->writer_count);
    seal_the_rest(fx);
    log = process_open_log(fx, FLUME_OPEN_READ_ONLY);
    expect_history(log, &expectation);
    process_close_log(log);
    expect_checked(fx->basin);
    for (size_t i = 0; i < company->writer_count; i++)
        process_free(&company->writers[i]);
}

static uint64_t kill_count(void)
{
    bool is_long = getenv("FLUME_TEST_LONG") != NULL;

    return number_from("FLUME_KILLS", is_long ? KILLS_LONG : KILLS);
}

static void kill_among(struct fixture *fx, role_play reader)
{
    static struct company company;
    uint64_t kills = kill_count();

    for (uint64_t i = 0; i < kills; i++) {
        if (i % ROUNDS_PER_BASIN == 0 && i > 0)
            company_end(fx, &company);
        if (i % ROUNDS_PER_BASIN == 0)
            company_begin(fx, &company, reader);
        hear_writers(&company);
        kill_anyone(fx, &company);
        expect_one_form(fx);
        expect_sound(fx, company.writers, company.writer_count);
        if (chance_below(&fx->chance, 5) == 0)
            copy_and_judge(fx, company.writers, company.writer_count);
        expect_alive(&company);
    }
    if (kills > 0)
        company_end(fx, &company);
}

static void whoever_is_killed_beside_sealing_no_record_is_lost(void **state)
{
    kill_among(*state, read_until_killed);
}

static void observers_go_on_reading_while_sealers_are_killed(void **state)
{
    if (geteuid() != 0) {
        print_message("skipped: only root can become another user\n");
        skip();
    }
    kill_among(*state, observe_until_killed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whoever_is_killed_beside_sealing_no_record_is_lost,
                                        setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(observers_go_on_reading_while_sealers_are_killed,
                                        setup_for_all, teardown),
    };

    return cmocka_run_group_tests_name("killed beside sealing", tests, NULL, NULL);
}
