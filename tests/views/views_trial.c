/*
 * views_trial.c - a basin whose views are put through something, and judged afterwards.
 */
#include "views_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "builtin.h"

enum { BODY_BYTES_MAX = 64, BODY_BYTES_MIN = 16, BATCH_MAX = 12, MESSAGE_ROOM = 400 };

const char *const trial_views[TRIAL_VIEWS] = {"hash", "label", "catalog", "tally", "chain"};

/* ---- chance, time, commands ---- */

/* Splitmix64. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

uint64_t trial_chance(uint64_t *io_chance)
{
    return mix(*io_chance += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t trial_below(uint64_t *io_chance, uint64_t limit)
{
    return trial_chance(io_chance) % limit;
}

uint64_t trial_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 * TRIAL_MS + (uint64_t)now.tv_nsec;
}

void trial_pause(uint64_t ns)
{
    struct timespec left = {.tv_sec = (time_t)(ns / (1000 * TRIAL_MS)),
                            .tv_nsec = (long)(ns % (1000 * TRIAL_MS))};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

uint64_t trial_number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

void trial_shell(const char *format, ...)
{
    char command[4 * TRIAL_PATH_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

/* ---- the views ---- */

/* What a body says: its class, and whether it takes the class's row back. */
static unsigned class_of(const flume_record *record)
{
    return record->body_bytes == 0 ? 0 : ((const uint8_t *)record->body)[0] % TRIAL_CLASSES;
}

static bool takes_back(const flume_record *record)
{
    return record->body_bytes > 1 && ((const uint8_t *)record->body)[1] % 16 == 0;
}

static uint64_t sum_of(const flume_record *record)
{
    uint64_t sum = record->seq;

    for (size_t i = 0; i < record->body_bytes; i++)
        sum = sum * 257 + ((const uint8_t *)record->body)[i];
    return sum;
}

enum { TALLY_COUNT = 0, TALLY_LAST = 1, TALLY_TAIL = 2, CHAIN_STEP = 0, CHAIN_SEQ = 1 };
enum { TAIL_BYTES = 16 };

static uint8_t tail_of(const flume_record *record)
{
    return record->body_bytes > 2 ? ((const uint8_t *)record->body)[2] : 0;
}

/* What the newest TAIL_BYTES records say, in their order: a merge that tells older from newer. */
static int merge_tail(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                      void *target, size_t *out_bytes)
{
    size_t newer_bytes = newer.bytes < TAIL_BYTES ? newer.bytes : TAIL_BYTES;
    size_t room = TAIL_BYTES - newer_bytes;
    size_t older_bytes = older.bytes < room ? older.bytes : room;

    (void)ctx;
    (void)key;
    memcpy(target, (const uint8_t *)older.data + older.bytes - older_bytes, older_bytes);
    memcpy((uint8_t *)target + older_bytes, (const uint8_t *)newer.data + newer.bytes - newer_bytes,
           newer_bytes);
    *out_bytes = older_bytes + newer_bytes;
    return FLUME_OK;
}

static int tally_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t key = (uint8_t)class_of(record), tail;
    uint64_t one = 1;
    int status = flume_batch_put(batch, TALLY_COUNT, &key, 1, &one, sizeof one);

    (void)state;
    if (status != FLUME_OK)
        return status;
    tail = tail_of(record);
    status = flume_batch_put(batch, TALLY_TAIL, &key, 1, &tail, 1);
    if (status != FLUME_OK)
        return status;
    if (takes_back(record))
        return flume_batch_delete(batch, TALLY_LAST, &key, 1);
    return flume_batch_put(batch, TALLY_LAST, &key, 1, &record->seq, sizeof record->seq);
}

struct link {
    uint64_t steps;
    uint64_t value;
};

static void put_big_endian(uint8_t target[8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        target[i] = (uint8_t)(value >> (56 - 8 * i));
}

static int chain_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t key = (uint8_t)class_of(record), seq[8];
    struct link link = {0, 0};
    flume_bytes found;
    int status = flume_batch_get(batch, CHAIN_STEP, &key, 1, &found);

    (void)state;
    if (status == FLUME_OK)
        memcpy(&link, found.data, sizeof link);
    else if (status != FLUME_ERR_NOT_FOUND)
        return status;
    link.steps++;
    link.value = mix(link.value ^ sum_of(record));
    put_big_endian(seq, record->seq);
    status = flume_batch_put(batch, CHAIN_STEP, &key, 1, &link, sizeof link);
    return status != FLUME_OK ? status
                              : flume_batch_put(batch, CHAIN_SEQ, seq, sizeof seq, &key, 1);
}

static const flume_view_table tally_tables[] = {
    {"count", FLUME_TABLE_COLLECT, flume_merge_sum, NULL},
    {"last", FLUME_TABLE_COLLECT, NULL, NULL},
    {"tail", FLUME_TABLE_COLLECT, merge_tail, NULL},
};
static const flume_view_table chain_tables[] = {
    {"step", 0, NULL, NULL},
    {"seq", 0, NULL, NULL},
};
const flume_view_definition trial_tally = {
    .name = "tally", .version = 1, .tables = tally_tables, .table_count = 3, .apply = tally_apply};
const flume_view_definition trial_chain = {
    .name = "chain", .version = 1, .tables = chain_tables, .table_count = 2, .apply = chain_apply};

/* ---- the basin ---- */

/* Of the machine until it is stopped, then one for each stop. */
static int boot_id(void *ctx, uint8_t out_id[16])
{
    const struct trial *trial = ctx;
    const flume_io *posix = flume_io_posix();
    int error = posix->boot_id(posix->ctx, out_id);

    if (error == 0)
        out_id[0] = (uint8_t)(out_id[0] + trial->stops);
    return error;
}

static int setup_below(void **state, const char *base)
{
    struct trial *trial = calloc(1, sizeof *trial);

    assert_non_null(trial);
    (void)snprintf(trial->root, sizeof trial->root, "%s/flume-trial-XXXXXX", base);
    assert_non_null(mkdtemp(trial->root));
    (void)snprintf(trial->path, sizeof trial->path, "%s/b.flume", trial->root);
    trial->seed = trial_number("FLUME_SEED", (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32);
    trial->chance = trial->seed;
    print_message("FLUME_SEED=%" PRIu64 "\n", trial->seed);
    trial->io = *flume_io_posix();
    trial->io.ctx = trial;
    trial->io.boot_id = boot_id;
    trial->definitions[0] = &trial_tally;
    trial->definitions[1] = &trial_chain;
    trial->options = (flume_options){
        .log = {.flags = FLUME_OPEN_CREATE, .strata_bytes = 1 << 20, .io = &trial->io},
        .definitions = trial->definitions,
        .definition_count = 2,
        .map_bytes = UINT64_C(64) << 20,
        .rebuild_bytes = 8 << 20,
    };
    *state = trial;
    return 0;
}

int trial_setup_on_disk(void **state)
{
    const char *base = getenv("TMPDIR");

    return setup_below(state, base != NULL ? base : ".");
}

int trial_setup(void **state)
{
    static const char memory[] = "/dev/shm";

    return access(memory, W_OK | X_OK) == 0 ? setup_below(state, memory)
                                            : trial_setup_on_disk(state);
}

int trial_teardown(void **state)
{
    struct trial *trial = *state;

    (void)flume_close(trial->flume); /* A test that failed may have left it open. */
    trial_shell("rm -rf '%s'", trial->root);
    free(trial);
    return 0;
}

int trial_try_open(struct trial *trial, flume **out_flume, flume_error *out_error)
{
    return flume_open(out_flume, trial->path, &trial->options, out_error);
}

void trial_open(struct trial *trial)
{
    flume_error error = {.status = FLUME_OK};
    int status = trial_try_open(trial, &trial->flume, &error);

    if (status != FLUME_OK)
        fail_msg("open: %s: %s", flume_status_name(status), error.message);
}

void trial_close(struct trial *trial)
{
    flume *handle = trial->flume;

    trial->flume = NULL;
    assert_int_equal(flume_close(handle), FLUME_OK);
}

void trial_stop_machine(struct trial *trial)
{
    assert_null(trial->flume);
    trial->stops++;
}

void trial_forget(struct trial *trial)
{
    assert_null(trial->flume);
    trial_shell("rm -rf '%s'", trial->path);
}

int trial_append(flume *handle, uint64_t *io_chance, size_t count)
{
    static const char *const label_texts[] = {"red", "green", "blue"};

    while (count > 0) {
        uint8_t bodies[BATCH_MAX][BODY_BYTES_MAX];
        flume_entry entries[BATCH_MAX];
        const char *labels[BATCH_MAX];
        size_t batch = trial_below(io_chance, 3) == 0 ? 1 + trial_below(io_chance, BATCH_MAX) : 1;
        int status;

        if (batch > count)
            batch = count;
        memset(entries, 0, sizeof entries);
        for (size_t i = 0; i < batch; i++) {
            size_t bytes = BODY_BYTES_MIN + trial_below(io_chance, BODY_BYTES_MAX - BODY_BYTES_MIN);

            for (size_t k = 0; k < bytes; k++)
                bodies[i][k] = (uint8_t)trial_chance(io_chance);
            labels[i] = label_texts[trial_below(io_chance, 3)];
            entries[i].body = bodies[i];
            entries[i].body_bytes = bytes;
            entries[i].labels = &labels[i];
            entries[i].label_count = trial_below(io_chance, 4) == 0 ? 1 : 0;
        }
        status = flume_log_append_many(flume_log_of(handle), entries, batch, NULL, NULL);
        if (status != FLUME_OK)
            return status;
        count -= batch;
    }
    return FLUME_OK;
}

void trial_append_well(struct trial *trial, size_t count)
{
    assert_int_equal(trial_append(trial->flume, &trial->chance, count), FLUME_OK);
}

void trial_make(struct trial *trial, size_t count)
{
    trial_open(trial);
    trial_append_well(trial, count);
    trial_expect_right(trial);
    trial_close(trial);
}

/* ---- files ---- */

const char *trial_file(const struct trial *trial, const char *view, const char *file)
{
    static char path[2 * TRIAL_PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s/views/%s/%u/%s", trial->path, view,
                   strcmp(view, view_hash.name) == 0 ? view_hash.version : 1, file);
    return path;
}

uint64_t trial_current(const struct trial *trial, const char *view)
{
    FILE *file = fopen(trial_file(trial, view, "CURRENT"), "re");
    uint64_t generation = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "generation %" SCNu64, &generation) != 1)
        generation = 0;
    (void)fclose(file); /* Only read. */
    return generation;
}

const char *trial_file_in(const struct trial *trial, const char *view, const char *file)
{
    char inside[64];

    (void)snprintf(inside, sizeof inside, "%" PRIu64 "/%s", trial_current(trial, view), file);
    return trial_file(trial, view, inside);
}

bool trial_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

uint64_t trial_file_bytes(const char *path)
{
    struct stat stat_now;

    assert_int_equal(stat(path, &stat_now), 0);
    return (uint64_t)stat_now.st_size;
}

uint8_t *trial_read(const char *path, size_t *out_bytes)
{
    size_t bytes = (size_t)trial_file_bytes(path);
    uint8_t *data = malloc(bytes + 1);
    FILE *file = fopen(path, "re");

    assert_non_null(data);
    assert_non_null(file);
    assert_int_equal(fread(data, 1, bytes, file), bytes);
    (void)fclose(file); /* Only read. */
    *out_bytes = bytes;
    return data;
}

void trial_write(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* ---- judging ---- */

/* What the log says, gone through record by record. */
struct oracle {
    uint64_t head, messages;
    uint64_t counts[TRIAL_CLASSES];
    uint64_t lasts[TRIAL_CLASSES]; /* FLUME_SEQ_NONE: none. */
    uint8_t tails[TRIAL_CLASSES][TAIL_BYTES];
    struct link links[TRIAL_CLASSES];
    uint64_t reds;
};

static void oracle_take(struct oracle *oracle, const flume_record *record)
{
    unsigned class = class_of(record);

    if (record->kind == FLUME_KIND_MANIFEST)
        return;
    oracle->messages++;
    if (oracle->counts[class] >= TAIL_BYTES)
        memmove(oracle->tails[class], oracle->tails[class] + 1, TAIL_BYTES - 1);
    oracle->tails[class][oracle->counts[class] < TAIL_BYTES ? oracle->counts[class]
                                                            : TAIL_BYTES - 1] = tail_of(record);
    oracle->counts[class]++;
    oracle->lasts[class] = takes_back(record) ? FLUME_SEQ_NONE : record->seq;
    oracle->links[class].steps++;
    oracle->links[class].value = mix(oracle->links[class].value ^ sum_of(record));
    oracle->reds += flume_record_has_label(record, "red") ? 1 : 0;
}

static int oracle_make(flume_log *log, struct oracle *oracle)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_SKIP_DAMAGED};
    flume_cursor *cursor;
    flume_record record;
    int status;

    memset(oracle, 0, sizeof *oracle);
    for (size_t i = 0; i < TRIAL_CLASSES; i++)
        oracle->lasts[i] = FLUME_SEQ_NONE;
    status = flume_cursor_open(log, &options, &cursor);
    if (status != FLUME_OK)
        return status;
    while ((status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK)
        oracle_take(oracle, &record);
    flume_cursor_close(cursor);
    oracle->head = flume_log_head(log);
    return status == FLUME_END || status == FLUME_ERR_TIMEOUT ? FLUME_OK : status;
}

static enum trial_verdict say(char message[TRIAL_MESSAGE_BYTES], enum trial_verdict verdict,
                              const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum trial_verdict say(char message[TRIAL_MESSAGE_BYTES], enum trial_verdict verdict,
                              const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, TRIAL_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return verdict;
}

static enum trial_verdict say_refused(flume *handle, const char *name, int status,
                                      char message[TRIAL_MESSAGE_BYTES])
{
    flume_error error;

    flume_last_error(handle, &error);
    return say(message, TRIAL_REFUSED, "%s: %s: %.*s", name, flume_status_name(status),
               MESSAGE_ROOM, error.message);
}

static bool value_is(flume_bytes value, const void *expected, size_t bytes)
{
    return value.bytes == bytes && memcmp(value.data, expected, bytes) == 0;
}

/* A row must be there with this value, or (expected NULL) not at all. */
static enum trial_verdict judge_row(flume_rows *rows, size_t table, flume_bytes key,
                                    const void *expected, size_t bytes)
{
    flume_bytes value;
    int status = flume_rows_get(rows, table, key.data, key.bytes, &value);

    if (status == FLUME_ERR_NOT_FOUND)
        return expected == NULL ? TRIAL_RIGHT : TRIAL_WRONG;
    if (status != FLUME_OK)
        return TRIAL_REFUSED;
    return expected != NULL && value_is(value, expected, bytes) ? TRIAL_RIGHT : TRIAL_WRONG;
}

static enum trial_verdict judge_tally(flume_rows *rows, const struct oracle *oracle,
                                      char message[TRIAL_MESSAGE_BYTES])
{
    uint64_t expected_counts = 0, expected_lasts = 0, counts, lasts;

    for (size_t i = 0; i < TRIAL_CLASSES; i++) {
        uint8_t key = (uint8_t)i;
        enum trial_verdict verdict = judge_row(rows, TALLY_COUNT, (flume_bytes){&key, 1},
                                               oracle->counts[i] == 0 ? NULL : &oracle->counts[i],
                                               sizeof(uint64_t));

        if (verdict == TRIAL_RIGHT)
            verdict = judge_row(rows, TALLY_LAST, (flume_bytes){&key, 1},
                                oracle->lasts[i] == FLUME_SEQ_NONE ? NULL : &oracle->lasts[i],
                                sizeof(uint64_t));
        if (verdict == TRIAL_RIGHT)
            verdict =
                judge_row(rows, TALLY_TAIL, (flume_bytes){&key, 1},
                          oracle->counts[i] == 0 ? NULL : oracle->tails[i],
                          oracle->counts[i] < TAIL_BYTES ? (size_t)oracle->counts[i] : TAIL_BYTES);
        if (verdict != TRIAL_RIGHT)
            return say(message, verdict, "tally: class %zu", i);
        expected_counts += oracle->counts[i] == 0 ? 0 : 1;
        expected_lasts += oracle->lasts[i] == FLUME_SEQ_NONE ? 0 : 1;
    }
    if (flume_rows_count(rows, TALLY_COUNT, &counts) != FLUME_OK ||
        flume_rows_count(rows, TALLY_LAST, &lasts) != FLUME_OK)
        return say(message, TRIAL_REFUSED, "tally: rows cannot be counted");
    if (counts != expected_counts || lasts != expected_lasts)
        return say(message, TRIAL_WRONG, "tally: rows beyond those expected");
    return TRIAL_RIGHT;
}

static enum trial_verdict judge_chain(flume_rows *rows, const struct oracle *oracle,
                                      char message[TRIAL_MESSAGE_BYTES])
{
    uint64_t expected_steps = 0, steps, seqs;

    for (size_t i = 0; i < TRIAL_CLASSES; i++) {
        uint8_t key = (uint8_t)i;
        const struct link *link = &oracle->links[i];
        enum trial_verdict verdict = judge_row(rows, CHAIN_STEP, (flume_bytes){&key, 1},
                                               link->steps == 0 ? NULL : link, sizeof *link);

        if (verdict != TRIAL_RIGHT)
            return say(message, verdict, "chain: class %zu", i);
        expected_steps += link->steps == 0 ? 0 : 1;
    }
    if (flume_rows_count(rows, CHAIN_STEP, &steps) != FLUME_OK ||
        flume_rows_count(rows, CHAIN_SEQ, &seqs) != FLUME_OK)
        return say(message, TRIAL_REFUSED, "chain: rows cannot be counted");
    if (steps != expected_steps || seqs != oracle->messages)
        return say(message, TRIAL_WRONG, "chain: %" PRIu64 " seqs, not %" PRIu64, seqs,
                   oracle->messages);
    return TRIAL_RIGHT;
}

static enum trial_verdict judge_labels(flume *handle, const struct oracle *oracle,
                                       char message[TRIAL_MESSAGE_BYTES])
{
    flume_label_info info = {.count = 0};
    int status = flume_label_get(handle, NULL, "red", &info);

    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return say_refused(handle, "label", status, message);
    if (info.count != oracle->reds)
        return say(message, TRIAL_WRONG, "label: %" PRIu64 " red, not %" PRIu64, info.count,
                   oracle->reds);
    return TRIAL_RIGHT;
}

static bool is_same_body(flume_log *log, uint64_t seq, const flume_record *record)
{
    flume_record found;
    bool same;

    if (flume_log_get(log, seq, &found) != FLUME_OK)
        return false;
    same = found.body_bytes == record->body_bytes &&
           memcmp(found.body, record->body, found.body_bytes) == 0;
    flume_record_release(&found);
    return same;
}

/* The newest record is found by its hash, or an older one of the same bytes. */
static enum trial_verdict judge_hash(flume *handle, const struct oracle *oracle,
                                     char message[TRIAL_MESSAGE_BYTES])
{
    flume_log *log = flume_log_of(handle);
    enum trial_verdict verdict = TRIAL_RIGHT;
    uint8_t hash[FLUME_HASH_BYTES];
    flume_record record;
    uint64_t seq;
    int status;

    if (oracle->head == 0 || flume_log_get(log, oracle->head - 1, &record) != FLUME_OK)
        return TRIAL_RIGHT;
    flume_hash(record.body, record.body_bytes, hash);
    status = record.kind == FLUME_KIND_MANIFEST ? FLUME_END
                                                : flume_hash_find(handle, NULL, hash, &seq);
    if (status == FLUME_ERR_NOT_FOUND || (status == FLUME_OK && !is_same_body(log, seq, &record)))
        verdict = say(message, TRIAL_WRONG, "hash: the newest record is not found by it");
    else if (status < 0)
        verdict = say_refused(handle, "hash", status, message);
    flume_record_release(&record);
    return verdict;
}

static enum trial_verdict judge_by_oracle(flume *handle, flume_view *view, const char *name,
                                          char message[TRIAL_MESSAGE_BYTES])
{
    enum trial_verdict verdict = TRIAL_RIGHT;
    struct oracle oracle;
    flume_rows *rows;
    int status = oracle_make(flume_log_of(handle), &oracle);

    if (status != FLUME_OK)
        return say(message, TRIAL_WRONG, "the log cannot be read: %s", flume_status_name(status));
    status = flume_view_read(view, NULL, &rows);
    if (status != FLUME_OK)
        return say_refused(handle, name, status, message);
    if (flume_rows_as_of(rows) != oracle.head)
        verdict = say(message, TRIAL_WRONG, "%s: as of %" PRIu64 ", head is %" PRIu64, name,
                      flume_rows_as_of(rows), oracle.head);
    else if (strcmp(name, "tally") == 0)
        verdict = judge_tally(rows, &oracle, message);
    else if (strcmp(name, "chain") == 0)
        verdict = judge_chain(rows, &oracle, message);
    flume_rows_end(rows);
    if (verdict == TRIAL_RIGHT && strcmp(name, "label") == 0)
        verdict = judge_labels(handle, &oracle, message);
    if (verdict == TRIAL_RIGHT && strcmp(name, "hash") == 0)
        verdict = judge_hash(handle, &oracle, message);
    return verdict;
}

enum trial_verdict trial_judge_view(flume *handle, const char *name,
                                    char message[TRIAL_MESSAGE_BYTES])
{
    flume_view_difference difference;
    enum trial_verdict verdict;
    flume_view *view;
    int status = flume_view_find(handle, name, &view);

    message[0] = '\0';
    if (status != FLUME_OK)
        return say_refused(handle, name, status, message);
    verdict = judge_by_oracle(handle, view, name, message);
    if (verdict != TRIAL_RIGHT)
        return verdict;
    status = flume_view_verify(view, NULL, &difference);
    if (status != FLUME_OK)
        return say_refused(handle, name, status, message);
    if (difference.different)
        return say(message, TRIAL_WRONG, "%s: verified: %s: %s", name, difference.table,
                   difference.text);
    return TRIAL_RIGHT;
}

enum trial_verdict trial_judge(flume *handle, char message[TRIAL_MESSAGE_BYTES])
{
    enum trial_verdict worst = TRIAL_RIGHT;

    message[0] = '\0';
    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        char found[TRIAL_MESSAGE_BYTES];
        enum trial_verdict verdict = trial_judge_view(handle, trial_views[i], found);

        if (verdict > worst) {
            worst = verdict;
            memcpy(message, found, sizeof found);
        }
    }
    return worst;
}

void trial_expect_right(struct trial *trial)
{
    char message[TRIAL_MESSAGE_BYTES];

    if (trial_judge(trial->flume, message) != TRIAL_RIGHT)
        fail_msg("%s (seed %" PRIu64 ")", message, trial->seed);
}

void trial_expect_view_right(struct trial *trial, const char *name)
{
    char message[TRIAL_MESSAGE_BYTES];

    if (trial_judge_view(trial->flume, name, message) != TRIAL_RIGHT)
        fail_msg("%s (seed %" PRIu64 ")", message, trial->seed);
}

flume_view *trial_view(flume *handle, const char *name)
{
    flume_view *view = NULL;

    assert_int_equal(flume_view_find(handle, name, &view), FLUME_OK);
    return view;
}

flume_view_status trial_status(flume *handle, const char *name)
{
    flume_view_status status;

    assert_int_equal(flume_view_status_of(trial_view(handle, name), &status), FLUME_OK);
    return status;
}

void trial_expect_generation(struct trial *trial, const char *name, uint64_t generation)
{
    flume_view_status status = trial_status(trial->flume, name);

    if (status.generation != generation)
        fail_msg("view %s: generation %" PRIu64 ", not %" PRIu64 ": rebuilt because \"%s\" (seed "
                 "%" PRIu64 ")",
                 name, status.generation, generation, status.why, trial->seed);
}

/* ---- children ---- */

pid_t trial_start(struct trial *trial, int (*play)(struct trial *trial, void *ctx), void *ctx)
{
    pid_t pid;

    assert_null(trial->flume);
    (void)fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS};

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* It does not outlive a test that failed. */
        for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
            (void)signal(crashes[i], SIG_DFL); /* Not cmocka's: that goes on with the tests. */
        _exit(play(trial, ctx));
    }
    return pid;
}

int trial_join(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void trial_kill(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    (void)trial_join(pid);
}
