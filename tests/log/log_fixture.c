/*
 * log_fixture.c - the verbs of log_fixture.h.
 */
#include "log_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_BYTES = 8192, NUMBERED_MAX = 65536 };

int log_setup_closed(void **state)
{
    struct log_fixture *fx = calloc(1, sizeof *fx);
    const char *base = getenv("TMPDIR");
    char here[256];

    assert_non_null(fx);
    /* An absolute path: what is run in another directory must find it too. */
    if (base == NULL)
        base = getcwd(here, sizeof here);
    assert_non_null(base);
    (void)snprintf(fx->root, sizeof fx->root, "%s/flume-log-XXXXXX", base);
    assert_non_null(mkdtemp(fx->root));
    (void)snprintf(fx->path, sizeof fx->path, "%s/basin.flume", fx->root);
    fx->options.flags = FLUME_OPEN_CREATE;
    *state = fx;
    return 0;
}

int log_setup(void **state)
{
    int result = log_setup_closed(state);

    open_log(*state);
    return result;
}

int log_teardown(void **state)
{
    struct log_fixture *fx = *state;

    (void)flume_log_close(fx->log); /* A test that failed may leave it in any state. */
    run_command("rm -rf '%s'", fx->root);
    free(fx);
    return 0;
}

const char *fixture_path(struct log_fixture *fx, const char *name)
{
    (void)snprintf(fx->text, sizeof fx->text, "%s/%s", fx->root, name);
    return fx->text;
}

/* --- Open and close --- */

int try_open(struct log_fixture *fx)
{
    flume_log *log = NULL;
    int status = flume_log_open(&log, fx->path, &fx->options, &fx->error);

    if (status != FLUME_OK) {
        assert_null(log); /* Untouched on error. */
        assert_int_equal(fx->error.status, status);
        assert_true(strlen(fx->error.message) > 0);
        return status;
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
    return status;
}

void expect_open_fails(struct log_fixture *fx, int status, const char *word)
{
    assert_int_equal(try_open(fx), status);
    if (strstr(fx->error.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fx->error.message, word);
}

void open_log(struct log_fixture *fx)
{
    assert_null(fx->log);
    if (flume_log_open(&fx->log, fx->path, &fx->options, &fx->error) != FLUME_OK)
        fail_msg("open: %s", fx->error.message);
    assert_non_null(fx->log);
}

void close_handle(flume_log *log)
{
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

void close_log(struct log_fixture *fx)
{
    flume_log *log = fx->log;

    fx->log = NULL;
    close_handle(log);
}

void reopen_log(struct log_fixture *fx)
{
    close_log(fx);
    open_log(fx);
}

void open_forgetful(struct log_fixture *fx)
{
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    assert_int_equal(append_bytes(fx->log, 100, 1), 1);
    reopen_log(fx);
}

flume_log *open_other(struct log_fixture *fx, unsigned flags)
{
    flume_log_options options = fx->options;
    flume_log *log = NULL;

    options.flags = flags;
    if (flume_log_open(&log, fx->path, &options, &fx->error) != FLUME_OK)
        fail_msg("open another: %s", fx->error.message);
    return log;
}

/* --- Append --- */

void fill_bytes(uint8_t *target, size_t bytes, unsigned seed)
{
    uint64_t word = bytes * UINT64_C(0x9e3779b97f4a7c15) + seed + 1;

    for (size_t i = 0; i < bytes; i++) {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        target[i] = (uint8_t)word;
    }
}

uint64_t append_text(flume_log *log, const char *text)
{
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_log_append(log, text, strlen(text), &seq), FLUME_OK);
    return seq;
}

uint64_t append_bytes(flume_log *log, size_t bytes, unsigned seed)
{
    uint8_t *body = malloc(bytes + 1);
    uint64_t seq = FLUME_SEQ_NONE;

    assert_non_null(body);
    fill_bytes(body, bytes, seed);
    assert_int_equal(flume_log_append(log, body, bytes, &seq), FLUME_OK);
    free(body);
    return seq;
}

uint64_t append_labelled(flume_log *log, const char *text, const char *label)
{
    flume_entry entry = {
        .body = text, .body_bytes = strlen(text), .labels = &label, .label_count = 1};
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_log_append_entry(log, &entry, &seq), FLUME_OK);
    return seq;
}

uint64_t append_numbered(flume_log *log, size_t count)
{
    flume_entry *entries = calloc(count, sizeof *entries);
    char(*numbers)[24] = calloc(count, sizeof *numbers);
    uint64_t first_seq = FLUME_SEQ_NONE;

    assert_true(count <= NUMBERED_MAX);
    assert_non_null(entries);
    assert_non_null(numbers);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(numbers[i], sizeof numbers[i], "%zu", i);
        entries[i].body = numbers[i];
        entries[i].body_bytes = strlen(numbers[i]);
    }
    assert_int_equal(flume_log_append_many(log, entries, count, NULL, &first_seq), FLUME_OK);
    free(entries);
    free(numbers);
    return first_seq;
}

/* --- Read --- */

bool record_is(const flume_record *record, const char *text)
{
    return record->body_bytes == strlen(text) &&
           memcmp(record->body, text, record->body_bytes) == 0;
}

void expect_text(flume_log *log, uint64_t seq, const char *text)
{
    flume_record record;

    assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
    assert_int_equal(record.seq, seq);
    assert_true(record_is(&record, text));
    flume_record_release(&record);
}

void expect_bytes(flume_log *log, uint64_t seq, size_t bytes, unsigned seed)
{
    uint8_t *body = malloc(bytes + 1);
    flume_record record;

    assert_non_null(body);
    fill_bytes(body, bytes, seed);
    assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
    assert_int_equal(record.body_bytes, bytes);
    assert_int_equal(memcmp(record.body, body, bytes), 0);
    flume_record_release(&record);
    free(body);
}

void expect_get(flume_log *log, uint64_t seq, int status)
{
    flume_record record = {.seq = 77};

    assert_int_equal(flume_log_get(log, seq, &record), status);
    if (status != FLUME_OK)
        assert_int_equal(record.seq, 77); /* Untouched. */
    else
        flume_record_release(&record);
}

flume_cursor *open_cursor(flume_log *log, const flume_cursor_options *options)
{
    flume_cursor *cursor = NULL;

    assert_int_equal(flume_cursor_open(log, options, &cursor), FLUME_OK);
    assert_non_null(cursor);
    return cursor;
}

void expect_next(flume_cursor *cursor, const char *text)
{
    flume_record record;
    int status = flume_cursor_next(cursor, PATIENCE_NS, &record);

    if (status != FLUME_OK)
        fail_msg("instead of \"%s\": %s", text, flume_strerror(status));
    if (!record_is(&record, text))
        fail_msg("instead of \"%s\": \"%.*s\"", text, (int)record.body_bytes,
                 (const char *)record.body);
}

void expect_no_next(flume_cursor *cursor, int status)
{
    flume_record record;

    assert_int_equal(flume_cursor_next(cursor, 0, &record), status);
}

void expect_records(flume_log *log, const flume_cursor_options *options, const char *const list[])
{
    flume_cursor *cursor = open_cursor(log, options);

    for (size_t i = 0; list[i] != NULL; i++)
        expect_next(cursor, list[i]);
    expect_no_next(cursor, FLUME_END);
    expect_no_next(cursor, FLUME_END); /* And it stays at its end. */
    flume_cursor_close(cursor);
}

uint64_t fingerprint(flume_log *log)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_MANIFESTS};
    flume_cursor *cursor = open_cursor(log, &options);
    flume_record record;
    uint64_t folded = 0;
    int status;

    while ((status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK)
        folded = (folded ^ record.check ^ record.seq) * UINT64_C(0x9e3779b97f4a7c15);
    assert_int_equal(status, FLUME_END);
    flume_cursor_close(cursor);
    return folded;
}

void wait_until_durable(flume_log *log, uint64_t seq)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_DURABLE |
                                             FLUME_CURSOR_MANIFESTS,
                                    .bounds = FLUME_GTE,
                                    .gte = seq};
    flume_cursor *cursor = open_cursor(log, &options);
    flume_record record;

    assert_int_equal(flume_cursor_next(cursor, PATIENCE_NS, &record), FLUME_OK);
    flume_cursor_close(cursor);
}

/* --- Subscriptions --- */

struct collector *collector_create(void)
{
    struct collector *collector = calloc(1, sizeof *collector);

    assert_non_null(collector);
    assert_int_equal(pthread_mutex_init(&collector->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&collector->moved, NULL), 0);
    collector->rises = true;
    return collector;
}

void collector_destroy(struct collector *collector)
{
    assert_true(collector->rises);
    (void)pthread_cond_destroy(&collector->moved);
    (void)pthread_mutex_destroy(&collector->mutex);
    free(collector);
}

int collect(void *ctx, const flume_record *record)
{
    struct collector *collector = ctx;
    int result = 0;

    if (collector->also != NULL)
        result = collector->also(collector, record);
    (void)pthread_mutex_lock(&collector->mutex);
    if (collector->count > 0 && record->seq <= collector->seqs[collector->count - 1])
        collector->rises = false;
    if (collector->count < COLLECTED_MAX)
        collector->seqs[collector->count++] = record->seq;
    if (collector->count == collector->stop_at)
        result = 1;
    (void)pthread_cond_broadcast(&collector->moved);
    (void)pthread_mutex_unlock(&collector->mutex);
    return result;
}

void collect_end(void *ctx, int status, const flume_error *error)
{
    struct collector *collector = ctx;

    (void)pthread_mutex_lock(&collector->mutex);
    collector->endings++;
    collector->end_status = status;
    collector->end_error = *error;
    (void)pthread_cond_broadcast(&collector->moved);
    (void)pthread_mutex_unlock(&collector->mutex);
}

flume_subscription *subscribe(flume_log *log, const flume_subscribe_options *options,
                              struct collector *collector)
{
    flume_subscription *subscription = NULL;

    assert_int_equal(flume_subscribe(log, options, collect, collector, &subscription), FLUME_OK);
    assert_non_null(subscription);
    return subscription;
}

/* Under the mutex: wait for the condition, at most PATIENCE_NS. false: it took too long. */
static bool wait_moved(struct collector *collector, size_t count, unsigned endings)
{
    struct timespec deadline;

    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += (time_t)(PATIENCE_NS / SECOND_NS);
    while (collector->count < count || collector->endings < endings) {
        if (pthread_cond_timedwait(&collector->moved, &collector->mutex, &deadline) != 0)
            return false;
    }
    return true;
}

void wait_for_count(struct collector *collector, size_t count)
{
    bool reached;

    (void)pthread_mutex_lock(&collector->mutex);
    reached = wait_moved(collector, count, 0);
    (void)pthread_mutex_unlock(&collector->mutex);
    if (!reached)
        fail_msg("%zu records came instead of %zu", count_now(collector), count);
}

void wait_for_end(struct collector *collector, int status)
{
    bool reached;

    (void)pthread_mutex_lock(&collector->mutex);
    reached = wait_moved(collector, 0, 1);
    (void)pthread_mutex_unlock(&collector->mutex);
    assert_true(reached);
    assert_int_equal(collector->end_status, status);
    assert_int_equal(collector->end_error.status, status);
}

size_t count_now(struct collector *collector)
{
    size_t count;

    (void)pthread_mutex_lock(&collector->mutex);
    count = collector->count;
    (void)pthread_mutex_unlock(&collector->mutex);
    return count;
}

/* --- Detail of the last error --- */

void expect_error(flume_log *log, int status, const char *word)
{
    flume_error error;

    flume_log_error(log, &error);
    assert_int_equal(error.status, status);
    if (strstr(error.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, word);
}

flume_log_stat_info stat_of(flume_log *log)
{
    flume_log_stat_info info;

    assert_int_equal(flume_log_stat(log, &info), FLUME_OK);
    return info;
}

/* --- Files --- */

void read_file(const char *path, uint64_t offset, void *target, size_t bytes)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(pread(file, target, bytes, (off_t)offset), bytes);
    (void)close(file);
}

void write_file(const char *path, uint64_t offset, const void *source, size_t bytes)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

    assert_true(file >= 0);
    assert_int_equal(pwrite(file, source, bytes, (off_t)offset), bytes);
    assert_int_equal(close(file), 0);
}

void zero_file(const char *path, uint64_t offset, size_t bytes)
{
    void *zeros = calloc(1, bytes + 1);

    assert_non_null(zeros);
    write_file(path, offset, zeros, bytes);
    free(zeros);
}

uint64_t file_bytes(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}

bool file_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

unsigned count_files(const char *directory, const char *ending)
{
    DIR *listing = opendir(directory);
    const struct dirent *entry;
    unsigned count = 0;

    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL) {
        size_t bytes = strlen(entry->d_name);

        if (entry->d_name[0] != '.' && bytes >= strlen(ending) &&
            strcmp(entry->d_name + bytes - strlen(ending), ending) == 0)
            count++;
    }
    (void)closedir(listing);
    return count;
}

void run_command(const char *format, ...)
{
    char command[COMMAND_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0)
        fail_msg("%s", command);
}

void copy_in_use(const char *basin, const char *copy)
{
    /* What is prepared, and gets its name meanwhile, is not found by cp any more. */
    run_command("cp -r '%s' '%s' 2>/dev/null; test -f '%s/flume.conf'", basin, copy, copy);
}

const char *copy_after_power_cut(struct log_fixture *fx, const char *name)
{
    const char *copy = fixture_path(fx, name);

    copy_in_use(fx->path, copy);
    run_command("rm -f '%s/HEAD' '%s/LOCK'", copy, copy);
    return copy;
}

const char *strata_path(struct log_fixture *fx, const char *basin, uint64_t first_seq)
{
    char name[LOG_FIXTURE_PATH_BYTES];

    (void)snprintf(name, sizeof name, "%s/log/%020llu.strata", basin,
                   (unsigned long long)first_seq);
    return fixture_path(fx, name);
}
