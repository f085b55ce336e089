/*
 * find_fixture.c - the verbs of find_fixture.h.
 */
#include "find_fixture.h"

#include <time.h>

flume *open_flume(struct find_fixture *fx, unsigned views)
{
    flume_options options = {.log = fx->files->options, .views = views};
    flume *handle = NULL;

    if (flume_open(&handle, fx->files->path, &options, &fx->files->error) != FLUME_OK)
        fail_msg("open: %s", fx->files->error.message);
    assert_non_null(handle);
    return handle;
}

void close_flume(flume *handle)
{
    assert_int_equal(flume_close(handle), FLUME_OK);
}

static void open_own(struct find_fixture *fx)
{
    fx->handle = open_flume(fx, 0);
    fx->log = flume_log_of(fx->handle);
}

int find_setup(void **state)
{
    struct find_fixture *fx = calloc(1, sizeof *fx);
    void *files = NULL;

    assert_non_null(fx);
    assert_int_equal(log_setup_closed(&files), 0);
    fx->files = files;
    open_own(fx);
    *state = fx;
    return 0;
}

int find_teardown(void **state)
{
    struct find_fixture *fx = *state;
    void *files = fx->files;

    (void)flume_close(fx->handle); /* A test that failed may leave it in any state. */
    free(fx);
    return log_teardown(&files);
}

void find_reopen(struct find_fixture *fx)
{
    close_flume(fx->handle);
    open_own(fx);
}

void rebuild_view(struct find_fixture *fx, const char *name)
{
    flume *other = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    flume_view *view = NULL;
    int status;

    assert_int_equal(flume_view_find(other, name, &view), FLUME_OK);
    status = flume_view_rebuild(view, NULL);
    /* A worker of the fixture's handle was asked, too, and can be waited for. */
    if (status == FLUME_ERR_BUSY) {
        assert_int_equal(flume_view_find(fx->handle, name, &view), FLUME_OK);
        status = flume_view_rebuild(view, NULL);
    }
    assert_int_equal(status, FLUME_OK);
    close_flume(other);
}

void verify_view(struct find_fixture *fx, const char *name)
{
    flume_view_difference difference;
    flume_view *view = NULL;

    assert_int_equal(flume_view_find(fx->handle, name, &view), FLUME_OK);
    assert_int_equal(flume_view_verify(view, NULL, &difference), FLUME_OK);
    if (difference.different)
        fail_msg("view %s, table %s: %s", name, difference.table, difference.text);
}

uint64_t append_json_with(flume_log *log, const char *json, const char *label, const char *other)
{
    const char *const labels[] = {label, other};
    flume_entry entry = {.body = json,
                         .body_bytes = strlen(json),
                         .labels = labels,
                         .label_count = other != NULL ? 2 : label != NULL,
                         .codec = FLUME_CODEC_JSON};
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_log_append_entry(log, &entry, &seq), FLUME_OK);
    return seq;
}

uint64_t append_json(flume_log *log, const char *json)
{
    return append_json_with(log, json, NULL, NULL);
}

uint64_t append_kind(flume_log *log, unsigned kind, const char *body)
{
    flume_entry entry = {
        .body = body, .body_bytes = strlen(body), .codec = FLUME_CODEC_JSON, .kind = (uint8_t)kind};
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_log_append_entry(log, &entry, &seq), FLUME_OK);
    return seq;
}

void expect_detail(flume *handle, int status, const char *word)
{
    flume_error error;

    flume_last_error(handle, &error);
    assert_int_equal(error.status, status);
    if (strstr(error.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, word);
}

uint64_t declare_field(flume *handle, const char *name, const char *path,
                       enum flume_field_type type)
{
    flume_declaration declaration = {.what = FLUME_DECLARED_FIELD, .type = type};
    uint64_t seq = FLUME_SEQ_NONE;

    (void)snprintf(declaration.name, sizeof declaration.name, "%s", name);
    (void)snprintf(declaration.path, sizeof declaration.path, "%s", path);
    assert_int_equal(flume_view_declare(handle, &declaration, &seq), FLUME_OK);
    return seq;
}

uint64_t declare_reduce(flume *handle, const char *name, enum flume_reduce_what what,
                        const char *path)
{
    flume_declaration declaration = {.what = FLUME_DECLARED_REDUCE, .reduce = what};
    uint64_t seq = FLUME_SEQ_NONE;

    (void)snprintf(declaration.name, sizeof declaration.name, "%s", name);
    (void)snprintf(declaration.path, sizeof declaration.path, "%s", path);
    assert_int_equal(flume_view_declare(handle, &declaration, &seq), FLUME_OK);
    return seq;
}

uint64_t random_next(uint64_t *io_state)
{
    uint64_t word = *io_state += UINT64_C(0x9e3779b97f4a7c15);

    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

unsigned random_below(uint64_t *io_state, unsigned bound)
{
    return (unsigned)(random_next(io_state) % bound);
}

uint64_t random_seed(void)
{
    const char *given = getenv("FLUME_TEST_SEED");
    struct timespec now = {.tv_sec = 0};
    uint64_t seed;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    seed = given != NULL ? strtoull(given, NULL, 0)
                         : (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec;
    print_message("FLUME_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}
