/*
 * view_fixture.c - the verbs of view_fixture.h.
 */
#include "view_fixture.h"

#include <inttypes.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int views_setup(void **state)
{
    struct view_fixture *fx = calloc(1, sizeof *fx);
    void *base = NULL;

    assert_non_null(fx);
    assert_int_equal(log_setup_closed(&base), 0);
    fx->base = base;
    fx->options.log.flags = FLUME_OPEN_CREATE;
    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN;
    fx->options.definitions = fx->definitions;
    *state = fx;
    return 0;
}

int views_teardown(void **state)
{
    struct view_fixture *fx = *state;
    void *base = fx->base;

    (void)flume_close(fx->flume); /* A test that failed may leave it in any state. */
    free(fx);
    return log_teardown(&base);
}

/* ---- open and close ---- */

void define_view(struct view_fixture *fx, const flume_view_definition *definition)
{
    assert_true(fx->options.definition_count < DEFINITIONS_MAX);
    fx->definitions[fx->options.definition_count++] = definition;
}

void forget_definitions(struct view_fixture *fx)
{
    fx->options.definition_count = 0;
}

int try_open_views(struct view_fixture *fx)
{
    flume *handle = NULL;
    int status = flume_open(&handle, fx->base->path, &fx->options, &fx->error);

    if (status != FLUME_OK) {
        assert_null(handle); /* Untouched on error. */
        assert_int_equal(fx->error.status, status);
        assert_true(strlen(fx->error.message) > 0);
        return status;
    }
    close_another(handle);
    return status;
}

flume *open_another(struct view_fixture *fx)
{
    flume *handle = NULL;

    if (flume_open(&handle, fx->base->path, &fx->options, &fx->error) != FLUME_OK)
        fail_msg("open: %s", fx->error.message);
    return handle;
}

void close_another(flume *handle)
{
    assert_int_equal(flume_close(handle), FLUME_OK);
}

void open_views(struct view_fixture *fx)
{
    assert_null(fx->flume);
    fx->flume = open_another(fx);
}

void close_views(struct view_fixture *fx)
{
    flume *handle = fx->flume;

    fx->flume = NULL;
    close_another(handle);
}

void reopen_views(struct view_fixture *fx)
{
    close_views(fx);
    open_views(fx);
}

flume_view *view_named(flume *handle, const char *name)
{
    flume_view *view = NULL;
    flume_error error;

    if (flume_view_find(handle, name, &view) != FLUME_OK) {
        flume_last_error(handle, &error);
        fail_msg("find '%s': %s", name, error.message);
    }
    return view;
}

const char *views_path(struct view_fixture *fx, const char *below)
{
    char name[LOG_FIXTURE_PATH_BYTES];

    (void)snprintf(name, sizeof name, "basin.flume/views/%s", below);
    return fixture_path(fx->base, name);
}

/* ---- ask ---- */

uint64_t append_to(flume *handle, const char *text)
{
    return append_text(flume_log_of(handle), text);
}

static flume_rows *read_with(flume_view *view, const flume_ask *ask)
{
    flume_rows *rows = NULL;
    flume_error error;

    if (flume_view_read(view, ask, &rows) != FLUME_OK) {
        flume_last_error(flume_of_view(view), &error);
        fail_msg("read: %s", error.message);
    }
    return rows;
}

flume_rows *read_view(flume_view *view)
{
    return read_with(view, NULL);
}

flume_rows *read_stale(flume_view *view)
{
    return read_with(view, &(flume_ask){.flags = FLUME_ASK_STALE_OK});
}

const char *row_text(flume_rows *rows, size_t table, const char *key)
{
    static char text[1024];
    flume_bytes value;
    int status = flume_rows_get(rows, table, key, strlen(key), &value);

    if (status == FLUME_ERR_NOT_FOUND)
        return NULL;
    assert_int_equal(status, FLUME_OK);
    assert_true(value.bytes < sizeof text);
    memcpy(text, value.data, value.bytes);
    text[value.bytes] = '\0';
    return text;
}

void expect_row(flume_view *view, size_t table, const char *key, const char *value)
{
    flume_rows *rows = read_view(view);
    const char *found = row_text(rows, table, key);

    if (found == NULL || strcmp(found, value) != 0)
        fail_msg("'%s' is '%s', not '%s'", key, found == NULL ? "(nothing)" : found, value);
    flume_rows_end(rows);
}

void expect_no_row(flume_view *view, size_t table, const char *key)
{
    flume_rows *rows = read_view(view);

    assert_null(row_text(rows, table, key));
    flume_rows_end(rows);
}

void expect_rows(flume_rows *rows, size_t table, const char *const expected[])
{
    flume_bytes key, value;
    char text[1024];
    int status;

    assert_int_equal(flume_rows_seek(rows, table, NULL, 0), FLUME_OK);
    while ((status = flume_rows_next(rows, &key, &value)) == FLUME_OK) {
        (void)snprintf(text, sizeof text, "%.*s=%.*s", (int)key.bytes, (const char *)key.data,
                       (int)value.bytes, (const char *)value.data);
        assert_non_null(*expected);
        assert_string_equal(text, *expected);
        expected++;
    }
    assert_int_equal(status, FLUME_END);
    assert_null(*expected);
}

uint64_t rows_in(flume_rows *rows, size_t table)
{
    uint64_t count = UINT64_MAX;

    assert_int_equal(flume_rows_count(rows, table, &count), FLUME_OK);
    return count;
}

uint64_t as_number(flume_bytes value)
{
    uint64_t number;

    assert_int_equal(value.bytes, sizeof number);
    memcpy(&number, value.data, sizeof number);
    return number;
}

flume_view_status status_now(flume_view *view)
{
    flume_view_status status;

    assert_int_equal(flume_view_status_of(view, &status), FLUME_OK);
    return status;
}

void wait_for_state(flume_view *view, enum flume_view_state state)
{
    uint64_t until = clock_ns() + PATIENCE_NS;
    flume_view_status status = status_now(view);

    while (status.state != state) {
        if (clock_ns() > until)
            fail_msg("'%s' is %s, not %s: %s", status.name, flume_view_state_name(status.state),
                     flume_view_state_name(state), status.error.message);
        sleep_ns(SECOND_NS / 1000);
        status = status_now(view);
    }
}

void expect_view_error(flume *handle, int status, const char *word)
{
    flume_error error;

    flume_last_error(handle, &error);
    assert_int_equal(error.status, status);
    if (strstr(error.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, word);
}

void expect_wait(flume_view *view, const flume_ask *ask, int status, const char *word)
{
    int answer = flume_view_wait(view, ask);
    flume_error error;

    flume_last_error(flume_of_view(view), &error);
    if (answer != status)
        fail_msg("waiting answers %d, not %d: %s", answer, status, error.message);
    if (status != FLUME_OK)
        expect_view_error(flume_of_view(view), status, word);
}

uint64_t clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

void sleep_ns(uint64_t ns)
{
    struct timespec time = {.tv_sec = (time_t)(ns / SECOND_NS), .tv_nsec = (long)(ns % SECOND_NS)};

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) != 0)
        continue;
}

/* ---- the recorder ---- */

static int recorder_open(void *ctx, void **out_state)
{
    struct recorder *recorder = ctx;

    (void)atomic_fetch_add(&recorder->opens, 1);
    *out_state = recorder;
    return FLUME_OK;
}

static void recorder_close(void *state)
{
    (void)atomic_fetch_add(&((struct recorder *)state)->closes, 1);
}

static void recorder_reset(void *state)
{
    (void)atomic_fetch_add(&((struct recorder *)state)->resets, 1);
}

static void write_down(struct recorder *recorder, uint64_t seq)
{
    (void)pthread_mutex_lock(&recorder->mutex);
    if (recorder->count < RECORDED_MAX)
        recorder->seqs[recorder->count++] = seq;
    (void)pthread_mutex_unlock(&recorder->mutex);
    (void)atomic_fetch_add(&recorder->applied, 1);
}

static void seq_key(uint64_t seq, uint8_t key[8])
{
    for (unsigned i = 0; i < 8; i++)
        key[i] = (uint8_t)(seq >> (56 - 8 * i));
}

static int put_rows(flume_batch *batch, const flume_record *record)
{
    size_t body_bytes = record->body_bytes < 512 ? record->body_bytes : 512;
    uint64_t one = 1;
    uint8_t key[8];
    char kind[24];
    int status;

    seq_key(record->seq, key);
    status = flume_batch_put(batch, BY_SEQ, key, sizeof key, record->body, body_bytes);
    if (status == FLUME_OK)
        status = flume_batch_put(batch, BY_COUNT, "all", 3, &one, sizeof one);
    (void)snprintf(kind, sizeof kind, "kind-%u", record->kind);
    if (status == FLUME_OK)
        status = flume_batch_put(batch, BY_COUNT, kind, strlen(kind), &one, sizeof one);
    if (status == FLUME_OK)
        status = flume_batch_put(batch, BY_LAST, "last", 4, record->body, body_bytes);
    return status;
}

static int recorder_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct recorder *recorder = state;
    uint64_t ns = atomic_load(&recorder->sleep_ns);

    if (ns != 0)
        sleep_ns(ns);
    if (recorder->also != NULL)
        recorder->also(recorder, record);
    while (atomic_load(&recorder->hold_seq) == record->seq) {
        atomic_store(&recorder->holds, true);
        sleep_ns(SECOND_NS / 1000);
    }
    if (atomic_load(&recorder->refuse_seq) == record->seq)
        return atomic_load(&recorder->refuse_with);
    write_down(recorder, record->seq);
    return put_rows(batch, record);
}

struct recorder *recorder_create(const char *name, uint32_t version)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);

    assert_non_null(recorder);
    assert_int_equal(pthread_mutex_init(&recorder->mutex, NULL), 0);
    recorder->tables[BY_SEQ] = (flume_view_table){.name = "by_seq"};
    recorder->tables[BY_COUNT] = (flume_view_table){
        .name = "by_count", .flags = FLUME_TABLE_COLLECT, .merge = flume_merge_sum};
    recorder->tables[BY_LAST] = (flume_view_table){.name = "by_last", .flags = FLUME_TABLE_COLLECT};
    recorder->definition = (flume_view_definition){
        .name = name,
        .version = version,
        .tables = recorder->tables,
        .table_count = RECORDER_TABLES,
        .apply = recorder_apply,
        .open = recorder_open,
        .close = recorder_close,
        .reset = recorder_reset,
        .ctx = recorder,
    };
    atomic_store(&recorder->refuse_seq, FLUME_SEQ_NONE);
    atomic_store(&recorder->refuse_with, FLUME_ERR_INVALID);
    atomic_store(&recorder->hold_seq, FLUME_SEQ_NONE);
    return recorder;
}

void recorder_destroy(struct recorder *recorder)
{
    assert_int_equal(atomic_load(&recorder->opens), atomic_load(&recorder->closes));
    (void)pthread_mutex_destroy(&recorder->mutex);
    free(recorder);
}

void expect_recorded(struct recorder *recorder, uint64_t first, size_t count)
{
    (void)pthread_mutex_lock(&recorder->mutex);
    for (size_t i = 0; i < recorder->count && i < count; i++)
        if (recorder->seqs[i] != first + i)
            fail_msg("record %zu that was applied is seq %" PRIu64 ", not %" PRIu64, i,
                     recorder->seqs[i], first + i);
    assert_int_equal(recorder->count, count);
    (void)pthread_mutex_unlock(&recorder->mutex);
}

void expect_recorded_all(struct recorder *recorder, flume *handle)
{
    flume_cursor *cursor = open_cursor(flume_log_of(handle), NULL);
    flume_record record;
    size_t count = 0;

    (void)pthread_mutex_lock(&recorder->mutex);
    while (flume_cursor_next(cursor, 0, &record) == FLUME_OK) {
        if (count < recorder->count && recorder->seqs[count] != record.seq)
            fail_msg("record %zu that was applied is seq %" PRIu64 ", not %" PRIu64, count,
                     recorder->seqs[count], record.seq);
        count++;
    }
    assert_int_equal(recorder->count, count);
    (void)pthread_mutex_unlock(&recorder->mutex);
    flume_cursor_close(cursor);
}

void forget_recorded(struct recorder *recorder)
{
    (void)pthread_mutex_lock(&recorder->mutex);
    recorder->count = 0;
    (void)pthread_mutex_unlock(&recorder->mutex);
    atomic_store(&recorder->applied, 0);
}

size_t recorded_count(struct recorder *recorder)
{
    size_t count;

    (void)pthread_mutex_lock(&recorder->mutex);
    count = recorder->count;
    (void)pthread_mutex_unlock(&recorder->mutex);
    return count;
}

static uint64_t counted_in(flume_rows *rows)
{
    flume_bytes value;
    int status = flume_rows_get(rows, BY_COUNT, "all", 3, &value);

    if (status == FLUME_ERR_NOT_FOUND)
        return 0;
    assert_int_equal(status, FLUME_OK);
    return as_number(value);
}

uint64_t counted(flume_view *view)
{
    flume_rows *rows = read_view(view);
    uint64_t count = counted_in(rows);

    flume_rows_end(rows);
    return count;
}

void expect_complete(flume_view *view)
{
    flume_rows *rows = read_view(view);
    flume_cursor_options options = {.bounds = FLUME_LT, .lt = flume_rows_as_of(rows)};
    flume_cursor *cursor = open_cursor(flume_log_of(flume_of_view(view)), &options);
    flume_record record;
    uint64_t count = 0;
    uint8_t key[8];

    while (flume_cursor_next(cursor, 0, &record) == FLUME_OK) {
        flume_bytes value;
        size_t bytes = record.body_bytes < 512 ? record.body_bytes : 512;

        seq_key(record.seq, key);
        assert_int_equal(flume_rows_get(rows, BY_SEQ, key, sizeof key, &value), FLUME_OK);
        assert_int_equal(value.bytes, bytes);
        assert_memory_equal(value.data, record.body, bytes);
        count++;
    }
    flume_cursor_close(cursor);
    assert_int_equal(rows_in(rows, BY_SEQ), count);
    assert_int_equal(counted_in(rows), count);
    flume_rows_end(rows);
}

/* ---- threads ---- */

static void *ask_now(void *ctx)
{
    struct asking_thread *asking = ctx;
    uint64_t began = clock_ns();

    asking->status = flume_view_wait(asking->view, asking->has_ask ? &asking->ask : NULL);
    asking->took_ns = clock_ns() - began;
    if (asking->status != FLUME_ERR_CANCELLED)
        flume_last_error(flume_of_view(asking->view), &asking->error);
    return NULL;
}

void start_asking(struct asking_thread *asking, flume_view *view, const flume_ask *ask)
{
    *asking = (struct asking_thread){.view = view, .has_ask = ask != NULL};
    if (ask != NULL)
        asking->ask = *ask;
    assert_int_equal(pthread_create(&asking->thread, NULL, ask_now, asking), 0);
}

int join_asking(struct asking_thread *asking)
{
    assert_int_equal(pthread_join(asking->thread, NULL), 0);
    return asking->status;
}

/* ---- another process ---- */

static int64_t obey(flume *handle, flume_view *view, char order)
{
    flume_view_status status;
    flume_bytes value;
    flume_rows *rows;
    uint64_t number = 0;
    int answer;

    switch (order) {
    case OTHER_APPEND:
        answer = flume_log_append(flume_log_of(handle), "other", 5, &number);
        return answer != FLUME_OK ? answer : (int64_t)number;
    case OTHER_COUNT:
        answer = flume_view_read(view, NULL, &rows);
        if (answer != FLUME_OK)
            return answer;
        if (flume_rows_get(rows, BY_COUNT, "all", 3, &value) == FLUME_OK)
            memcpy(&number, value.data, sizeof number);
        flume_rows_end(rows);
        return (int64_t)number;
    case OTHER_GENERATION:
        answer = flume_view_status_of(view, &status);
        return answer != FLUME_OK ? answer : (int64_t)status.generation;
    case OTHER_REBUILD:
        return flume_view_rebuild(view, NULL);
    case OTHER_REQUEST:
        return flume_view_request_rebuild(handle, flume_view_definition_of(view)->name);
    case OTHER_PAUSE:
        return flume_view_pause(view);
    case OTHER_RESUME:
        return flume_view_resume(view);
    case OTHER_WAIT:
        return flume_view_wait(view, NULL);
    default:
        return INT64_MIN;
    }
}

static int live_as_other(struct view_fixture *fx, unsigned views, int orders, int answers)
{
    flume *handle = NULL;
    flume_view *view = NULL;
    char order;

    fx->options.views = views;
    if (flume_open(&handle, fx->base->path, &fx->options, &fx->error) != FLUME_OK ||
        flume_view_find(handle, fx->definitions[0]->name, &view) != FLUME_OK) {
        (void)fprintf(stderr, "another process: %s\n", fx->error.message);
        return 1;
    }
    while (read(orders, &order, 1) == 1 && order != OTHER_LEAVE) {
        int64_t answer = obey(handle, view, order);

        if (write(answers, &answer, sizeof answer) != sizeof answer)
            return 2;
    }
    return flume_close(handle) == FLUME_OK ? 0 : 3;
}

void start_other(struct view_fixture *fx, struct other_process *other, unsigned views)
{
    int orders[2], answers[2];

    assert_null(fx->flume);
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(answers), 0);
    other->pid = fork();
    assert_true(other->pid >= 0);
    if (other->pid == 0) {
        (void)close(orders[1]);
        (void)close(answers[0]);
        _exit(live_as_other(fx, views, orders[0], answers[1]));
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    other->orders = orders[1];
    other->answers = answers[0];
}

int64_t tell_other(struct other_process *other, enum other_order order)
{
    char byte = (char)order;
    int64_t answer;

    assert_int_equal(write(other->orders, &byte, 1), 1);
    assert_int_equal(read(other->answers, &answer, sizeof answer), sizeof answer);
    return answer;
}

void end_other(struct other_process *other)
{
    char byte = OTHER_LEAVE;
    int status;

    assert_int_equal(write(other->orders, &byte, 1), 1);
    assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
    assert_int_equal(status, 0);
    (void)close(other->orders);
    (void)close(other->answers);
}
