/*
 * test_seal_place.c - sealed strata on another path: they are read as any, may be away, and come
 * back.
 */
#include "log_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS = 300, BODY_BYTES = 1000 };

static const flume_seal_options elsewhere = {
    .mode = FLUME_SEAL_ON_REQUEST, .path = "../other", .block_bytes = FLUME_BLOCK_BYTES_MIN};

/* A log of several strata of 64 KiB, whose full ones are sealed in root/other. */
static void seal_elsewhere_with(struct log_fixture *fx, const flume_seal_options *options)
{
    flume_seal_report report;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    fx->options.seal = options;
    assert_int_equal(mkdir(fixture_path(fx, "other"), 0777), 0);
    open_log(fx);
    for (unsigned i = 0; i < RECORDS; i++)
        append_bytes(fx->log, BODY_BYTES, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(fx->log, NULL, &report), FLUME_OK);
    assert_true(report.strata >= 3);
    fx->options.seal = &elsewhere; /* What was lent was borrowed. */
}

static void seal_elsewhere(struct log_fixture *fx)
{
    seal_elsewhere_with(fx, &elsewhere);
}

static void expect_all(struct log_fixture *fx)
{
    flume_cursor *cursor = open_cursor(fx->log, NULL);
    flume_record record;
    uint8_t body[BODY_BYTES];

    for (unsigned i = 0; i < RECORDS; i++) {
        fill_bytes(body, sizeof body, i);
        assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
        assert_int_equal(record.body_bytes, sizeof body);
        assert_memory_equal(record.body, body, sizeof body);
    }
    assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_END);
    flume_cursor_close(cursor);
}

static size_t files_in(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;

    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

static void sealed_strata_lie_in_another_directory_and_read_as_any(void **state)
{
    struct log_fixture *fx = *state;
    struct stat info;
    char name[2 * LOG_FIXTURE_PATH_BYTES];

    seal_elsewhere(fx);
    assert_true(files_in(fixture_path(fx, "other")) >= 3);
    (void)snprintf(name, sizeof name, "%s/log/%020d.strata", fx->path, 0);
    assert_int_equal(lstat(name, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    expect_all(fx);
    reopen_log(fx);
    expect_all(fx);
}

static void an_absent_directory_is_named_and_the_rest_goes_on(void **state)
{
    struct log_fixture *fx = *state;
    char away[2 * LOG_FIXTURE_PATH_BYTES];
    uint64_t head;
    flume_error error;

    seal_elsewhere(fx);
    (void)snprintf(away, sizeof away, "%s", fixture_path(fx, "away"));
    close_log(fx);
    assert_int_equal(rename(fixture_path(fx, "other"), away), 0);
    open_log(fx);
    expect_get(fx->log, 1, FLUME_ERR_ABSENT);
    flume_log_error(fx->log, &error);
    assert_non_null(strstr(error.message, "other/"));
    assert_non_null(strstr(error.message, "mount"));
    head = append_text(fx->log, "on and on"); /* Behind a manifest, or not. */
    expect_text(fx->log, head, "on and on");
    assert_int_equal(rename(away, fixture_path(fx, "other")), 0);
    expect_bytes(fx->log, 1, BODY_BYTES, 0); /* The same handle: it has come back. */
}

static void a_directory_that_is_not_there_leaves_strata_raw(void **state)
{
    struct log_fixture *fx = *state;
    flume_seal_options options = elsewhere;
    flume_seal_report report;

    options.path = "../nowhere";
    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    fx->options.seal = &options;
    open_log(fx);
    for (unsigned i = 0; i < RECORDS; i++)
        append_bytes(fx->log, BODY_BYTES, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_not_equal(flume_log_seal(fx->log, NULL, &report), FLUME_OK);
    assert_int_equal(report.strata, 0);
    expect_all(fx);
    assert_int_equal(mkdir(fixture_path(fx, "nowhere"), 0777), 0);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(fx->log, NULL, &report), FLUME_OK);
    assert_true(report.strata >= 3);
    expect_all(fx);
}

static void make_half_a_strata(const char *path)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_true(fputs("half a strata", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Where the first strata's link leads, from log/. */
static void read_first_link(struct log_fixture *fx, char target[LOG_FIXTURE_PATH_BYTES])
{
    char name[2 * LOG_FIXTURE_PATH_BYTES];
    ssize_t bytes;

    (void)snprintf(name, sizeof name, "%s/log/%020d.strata", fx->path, 0);
    bytes = readlink(name, target, LOG_FIXTURE_PATH_BYTES - 1);
    assert_true(bytes > 0);
    target[bytes] = '\0';
}

static void append_and_seal(struct log_fixture *fx, flume_seal_report *out_report)
{
    for (unsigned i = 0; i < 3 * RECORDS; i++)
        append_bytes(fx->log, BODY_BYTES, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(fx->log, NULL, out_report), FLUME_OK);
}

static void what_a_dead_sealer_left_elsewhere_is_replaced(void **state)
{
    struct log_fixture *fx = *state;
    flume_seal_report report;
    char link[2 * LOG_FIXTURE_PATH_BYTES], target[LOG_FIXTURE_PATH_BYTES];
    char half[3 * LOG_FIXTURE_PATH_BYTES];
    size_t files;

    seal_elsewhere(fx);
    files = files_in(fixture_path(fx, "other"));
    (void)snprintf(link, sizeof link, "%s/log/seal.strata.tmp", fx->path);
    read_first_link(fx, target);
    memset(strstr(target, "00000000000000000000"), '9', 20);
    assert_int_equal(symlink(target, link), 0);
    (void)snprintf(half, sizeof half, "%s/log/%s", fx->path, target);
    make_half_a_strata(half);
    append_and_seal(fx, &report);
    assert_int_equal(files_in(fixture_path(fx, "other")), files + report.strata);
    assert_int_not_equal(access(half, F_OK), 0);
    assert_int_not_equal(access(link, F_OK), 0);
}

static void a_file_elsewhere_that_is_none_of_ours_stays(void **state)
{
    struct log_fixture *fx = *state;
    flume_seal_report report;
    char link[2 * LOG_FIXTURE_PATH_BYTES];

    seal_elsewhere(fx);
    (void)snprintf(link, sizeof link, "%s/log/seal.strata.tmp", fx->path);
    assert_int_equal(symlink("../../other/half", link), 0);
    make_half_a_strata(fixture_path(fx, "other/half"));
    append_and_seal(fx, &report);
    assert_int_equal(access(fixture_path(fx, "other/half"), F_OK), 0);
    assert_int_not_equal(access(link, F_OK), 0);
}

/* Both have the same id, and seal strata of the same seqs into the same directory. */
static void a_copy_takes_nothing_from_its_original(void **state)
{
    struct log_fixture *fx = *state;
    char copy[2 * LOG_FIXTURE_PATH_BYTES], link[3 * LOG_FIXTURE_PATH_BYTES];
    char target[LOG_FIXTURE_PATH_BYTES];
    flume_seal_report report, copy_report;
    flume_log *copy_log = NULL;
    flume_record record;
    size_t files;

    seal_elsewhere(fx);
    (void)snprintf(copy, sizeof copy, "%s", fixture_path(fx, "copy.flume"));
    for (unsigned i = 0; i < RECORDS; i++)
        append_bytes(fx->log, BODY_BYTES, i);
    copy_in_use(fx->path, copy);
    append_and_seal(fx, &report);
    files = files_in(fixture_path(fx, "other"));
    /* As if it had been made while the original sealed this one. */
    read_first_link(fx, target);
    (void)snprintf(link, sizeof link, "%s/log/seal.strata.tmp", copy);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(flume_log_open(&copy_log, copy, &fx->options, NULL), FLUME_OK);
    assert_int_equal(flume_log_sync(copy_log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(copy_log, NULL, &copy_report), FLUME_OK);
    assert_true(copy_report.strata > 0);
    assert_int_equal(files_in(fixture_path(fx, "other")), files + copy_report.strata);
    assert_int_equal(flume_log_close(copy_log), FLUME_OK);
    reopen_log(fx);
    for (uint64_t seq = 0; seq < flume_log_head(fx->log); seq++) {
        assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
        flume_record_release(&record);
    }
}

/* A sealed strata never changes, so somebody may move it and leave a link by hand. */
static void a_strata_moved_by_hand_behind_a_link_is_read(void **state)
{
    struct log_fixture *fx = *state;
    flume_seal_options options = {.mode = FLUME_SEAL_ON_REQUEST};
    char name[2 * LOG_FIXTURE_PATH_BYTES], target[2 * LOG_FIXTURE_PATH_BYTES];

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    fx->options.seal = &options;
    open_log(fx);
    for (unsigned i = 0; i < RECORDS; i++)
        append_bytes(fx->log, BODY_BYTES, i);
    assert_int_equal(flume_log_seal(fx->log, NULL, NULL), FLUME_OK);
    close_log(fx);
    (void)snprintf(name, sizeof name, "%s/log/%020d.strata", fx->path, 0);
    (void)snprintf(target, sizeof target, "%s", fixture_path(fx, "moved"));
    assert_int_equal(rename(name, target), 0);
    assert_int_equal(symlink("../../moved", name), 0);
    open_log(fx);
    expect_all(fx);
}

/* --- Repair ----------------------------------------------------------------------------------- */

static void first_name(struct log_fixture *fx, char target[2 * LOG_FIXTURE_PATH_BYTES])
{
    (void)snprintf(target, (size_t)2 * LOG_FIXTURE_PATH_BYTES, "%s/log/%020d.strata", fx->path, 0);
}

static bool first_is_link(struct log_fixture *fx)
{
    char name[2 * LOG_FIXTURE_PATH_BYTES];
    struct stat info;

    first_name(fx, name);
    assert_int_equal(lstat(name, &info), 0);
    return S_ISLNK(info.st_mode);
}

static size_t count_sealed_links(struct log_fixture *fx)
{
    char path[2 * LOG_FIXTURE_PATH_BYTES], name[4 * LOG_FIXTURE_PATH_BYTES];
    const struct dirent *entry;
    struct stat info;
    size_t count = 0;
    DIR *folder;

    (void)snprintf(path, sizeof path, "%s/log", fx->path);
    folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        count += lstat(name, &info) == 0 && S_ISLNK(info.st_mode);
    }
    (void)closedir(folder);
    return count;
}

/* One byte of a block, through the link. */
static void damage_first(struct log_fixture *fx)
{
    char name[2 * LOG_FIXTURE_PATH_BYTES];
    FILE *file;
    int byte;

    first_name(fx, name);
    file = fopen(name, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
}

static int count_links_told(void *ctx, const flume_finding *finding)
{
    unsigned *count = ctx;

    *count += strstr(finding->message, "takes no file") != NULL;
    return 0;
}

/* Damage a record, or what parity can restore, and repair on this disk; links that were told. */
static unsigned damage_and_repair(struct log_fixture *fx, unsigned parity, const flume_io *io)
{
    unsigned told = 0;
    flume_check_options options = {.finding = count_links_told, .ctx = &told, .io = io};
    flume_seal_options seal = elsewhere;
    flume_check_report report;
    flume_error error;

    seal.parity = parity;
    seal_elsewhere_with(fx, &seal);
    close_log(fx);
    damage_first(fx);
    if (flume_repair(fx->path, FLUME_REPAIR_SALVAGE, &options, &report, &error) != FLUME_OK)
        fail_msg("repair: %s", error.message);
    assert_int_equal(flume_check(fx->path, NULL, &report, NULL), FLUME_OK);
    assert_int_equal(report.lost > 0, parity == 0);
    return told;
}

static void a_repaired_strata_stays_where_its_link_leads(void **state)
{
    static const unsigned parities[] = {0, FLUME_PARITY_FILE};

    for (size_t i = 0; i < sizeof parities / sizeof parities[0]; i++) {
        struct log_fixture *fx = *state;

        assert_int_equal(damage_and_repair(fx, parities[i], NULL), 0);
        assert_true(first_is_link(fx));
        open_log(fx);
        expect_get(fx->log, 0, parities[i] != 0 ? FLUME_OK : FLUME_ERR_LOST);
        assert_int_equal(files_in(fixture_path(fx, "other")), count_sealed_links(fx));
        if (parities[i] != 0)
            expect_all(fx);
        close_log(fx);
        run_command("rm -rf '%s' '%s'", fx->path, fixture_path(fx, "other"));
    }
}

static int refuse_open(void *ctx, const char *path, unsigned flags)
{
    const flume_io *io = flume_io_posix();
    const int *error = ctx;

    return (flags & FLUME_IO_CREATE) != 0 && strstr(path, "/other/") != NULL
               ? *error
               : io->open(io->ctx, path, flags);
}

static void where_the_link_leads_to_takes_no_file_log_does_and_it_is_told(void **state)
{
    int errors[] = {-EROFS, -EACCES, -EPERM, -ENOENT};
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        flume_io io = *flume_io_posix();

        io.ctx = &errors[i]; /* The POSIX functions do not look at it. */
        io.open = refuse_open;
        assert_int_equal(damage_and_repair(fx, FLUME_PARITY_FILE, &io), 1);
        assert_false(first_is_link(fx));
        open_log(fx);
        expect_all(fx);
        close_log(fx);
        run_command("rm -rf '%s' '%s'", fx->path, fixture_path(fx, "other"));
    }
}

/* What sealing answers on this table, to this place, where there is something to seal. */
static int seal_with(struct log_fixture *fx, const flume_io *io, const char *path)
{
    flume_seal_options options = elsewhere;
    int status;

    options.path = path;
    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    fx->options.seal = &options;
    fx->options.io = io;
    open_log(fx);
    for (unsigned i = 0; i < RECORDS; i++)
        append_bytes(fx->log, BODY_BYTES, i);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    status = flume_log_seal(fx->log, NULL, NULL);
    fx->options.seal = &elsewhere; /* What was lent was borrowed. */
    return status;
}

static void a_table_without_links_seals_nothing_elsewhere(void **state)
{
    struct log_fixture *fx = *state;
    flume_io io = *flume_io_posix();

    io.make_link = NULL;
    io.read_link = NULL;
    assert_int_equal(mkdir(fixture_path(fx, "other"), 0777), 0);
    assert_int_equal(seal_with(fx, &io, "../other"), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "no links");
    expect_all(fx);
    close_log(fx);
}

static int refuse_link(void *ctx, const char *target, const char *path)
{
    (void)ctx;
    (void)target;
    (void)path;
    return -EIO;
}

static void a_link_that_is_refused_leaves_no_file_elsewhere(void **state)
{
    struct log_fixture *fx = *state;
    flume_io io = *flume_io_posix();

    io.make_link = refuse_link;
    assert_int_equal(mkdir(fixture_path(fx, "other"), 0777), 0);
    assert_int_equal(seal_with(fx, &io, "../other"), FLUME_ERR_IO);
    expect_error(fx->log, FLUME_ERR_IO, "link");
    assert_int_equal(files_in(fixture_path(fx, "other")), 0);
    expect_all(fx);
    close_log(fx);
}

/* What a path may take with its end; with the names in the directory it may be too long sooner. */
static void a_path_that_is_too_long_is_refused_in_words(void **state)
{
    enum { PATH_BYTES_MAX = 4096 };
    static const size_t lengths[] = {PATH_BYTES_MAX - 60, PATH_BYTES_MAX - 2};
    static char path[PATH_BYTES_MAX + 1];
    struct log_fixture *fx = *state;
    flume_seal_options options = elsewhere;

    memset(path, 'x', PATH_BYTES_MAX);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        path[lengths[i]] = '\0';
        assert_int_equal(seal_with(fx, NULL, path), FLUME_ERR_INVALID);
        expect_error(fx->log, FLUME_ERR_INVALID, "too long");
        close_log(fx);
        path[lengths[i]] = 'x';
    }
    options.path = path;
    fx->options.seal = &options;
    expect_open_fails(fx, FLUME_ERR_INVALID, "too long");
}

static void a_link_to_a_name_beside_it_is_none_of_ours(void **state)
{
    struct log_fixture *fx = *state;
    char path[2 * LOG_FIXTURE_PATH_BYTES];

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    close_log(fx);
    (void)snprintf(path, sizeof path, "%s/log/seal.strata.tmp", fx->path);
    assert_int_equal(symlink("nothing", path), 0);
    seal_elsewhere(fx);
    expect_all(fx);
}

static void a_link_to_a_path_that_is_too_long_is_none_of_ours(void **state)
{
    struct log_fixture *fx = *state;
    char path[2 * LOG_FIXTURE_PATH_BYTES], target[4095];

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    close_log(fx);
    memset(target, 'x', sizeof target - 1); /* With log/ before it, it is longer than a path. */
    target[10] = '/';
    target[sizeof target - 1] = '\0';
    (void)snprintf(path, sizeof path, "%s/log/seal.strata.tmp", fx->path);
    assert_int_equal(symlink(target, path), 0);
    seal_elsewhere(fx);
    expect_all(fx);
}

/* --- A directory that is not synced ----------------------------------------------------------- */

static int refuse_sync_there(void *ctx, const char *path)
{
    const char *end = strrchr(path, '/');

    (void)ctx;
    return end != NULL && strcmp(end, "/other") == 0 ? -EIO
                                                     : flume_io_posix()->sync_directory(NULL, path);
}

static void what_is_not_durable_elsewhere_is_not_named_in_log(void **state)
{
    struct log_fixture *fx = *state;
    flume_io io = *flume_io_posix();

    io.sync_directory = refuse_sync_there;
    assert_int_equal(mkdir(fixture_path(fx, "other"), 0777), 0);
    assert_int_equal(seal_with(fx, &io, "../other"), FLUME_ERR_IO);
    expect_error(fx->log, FLUME_ERR_IO, "sync the directory");
    assert_int_equal(count_sealed_links(fx), 0);
    expect_all(fx);
    close_log(fx);
    fx->options.io = NULL;
}

static void a_repair_that_is_not_durable_elsewhere_replaces_nothing(void **state)
{
    struct log_fixture *fx = *state;
    flume_io io = *flume_io_posix();
    flume_check_options options = {.io = &io};
    flume_error error;
    size_t links;

    seal_elsewhere(fx);
    close_log(fx);
    links = count_sealed_links(fx);
    damage_first(fx);
    io.sync_directory = refuse_sync_there;
    assert_int_equal(flume_repair(fx->path, FLUME_REPAIR_SALVAGE, &options, NULL, &error),
                     FLUME_ERR_IO);
    assert_non_null(strstr(error.message, "sync the directory"));
    assert_int_equal(flume_check(fx->path, NULL, NULL, &error), FLUME_ERR_DAMAGED);
    assert_int_equal(flume_repair(fx->path, FLUME_REPAIR_SALVAGE, NULL, NULL, &error), FLUME_OK);
    assert_int_equal(flume_check(fx->path, NULL, NULL, &error), FLUME_OK);
    assert_int_equal(count_sealed_links(fx), links);
    assert_true(first_is_link(fx));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(sealed_strata_lie_in_another_directory_and_read_as_any),
        closed_log_test(an_absent_directory_is_named_and_the_rest_goes_on),
        closed_log_test(a_directory_that_is_not_there_leaves_strata_raw),
        closed_log_test(what_a_dead_sealer_left_elsewhere_is_replaced),
        closed_log_test(a_file_elsewhere_that_is_none_of_ours_stays),
        closed_log_test(a_copy_takes_nothing_from_its_original),
        closed_log_test(a_strata_moved_by_hand_behind_a_link_is_read),
        closed_log_test(a_repaired_strata_stays_where_its_link_leads),
        closed_log_test(where_the_link_leads_to_takes_no_file_log_does_and_it_is_told),
        closed_log_test(a_table_without_links_seals_nothing_elsewhere),
        closed_log_test(a_link_that_is_refused_leaves_no_file_elsewhere),
        closed_log_test(a_path_that_is_too_long_is_refused_in_words),
        closed_log_test(a_link_to_a_name_beside_it_is_none_of_ours),
        closed_log_test(a_link_to_a_path_that_is_too_long_is_none_of_ours),
        closed_log_test(what_is_not_durable_elsewhere_is_not_named_in_log),
        closed_log_test(a_repair_that_is_not_durable_elsewhere_replaces_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
