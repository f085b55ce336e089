/*
 * test_fault_blob_memory.c - every request for memory that a call of blob.h makes is refused once.
 *
 * The linker leads the requests through this file (tests/CMakeLists.txt has the list), those of the
 * two logs and of the views among them. Each deed is done on a basin that was just opened, so that
 * the second log is opened by it; once for each request that it makes, with that one refused. It
 * answers that there is no memory, and says so; or it does without. The next try, on the same
 * handle, works. When the handle is closed, nothing is left of what was requested.
 */
#include "blob_fixture.h"

#include <inttypes.h>

#include "faultio.h"

enum { SMALL_CHUNK = 16 << 10, CONTENT_BYTES = (1 << 20) + 5 * SMALL_CHUNK, PLACES = 1 << 16 };

/* ---- memory ---- */

static struct {
    pthread_mutex_t mutex;
    bool follows;       /* What is requested from now on is noted in `live`. */
    void *live[PLACES]; /* By a hash of the address; what is beside it is searched, too. */
    size_t live_count;
} memory = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local uint64_t requests, refuses_at; /* Of this thread; 0: none is refused. */

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_realloc(void *data, size_t bytes);
void *__wrap_realloc(void *data, size_t bytes);
char *__wrap_strdup(const char *text);
void __real_free(void *data);
void __wrap_free(void *data);

static bool is_refused(void)
{
    return refuses_at != 0 && ++requests == refuses_at;
}

/* Where an address stands, or the free place where it may. */
static size_t place_of_address(const void *data)
{
    size_t place = ((uintptr_t)data / 16 * UINT64_C(0x9e3779b97f4a7c15)) >> 48;

    while (memory.live[place] != NULL && memory.live[place] != data)
        place = (place + 1) % PLACES;
    return place;
}

static void *note_requested(void *data)
{
    (void)pthread_mutex_lock(&memory.mutex);
    if (data != NULL && memory.follows && memory.live_count < PLACES / 2) {
        memory.live[place_of_address(data)] = data;
        memory.live_count++;
    }
    (void)pthread_mutex_unlock(&memory.mutex);
    return data;
}

/* What stood behind it moves up, so that it is found. */
static void note_released(const void *data)
{
    size_t place;

    if (data == NULL)
        return;
    (void)pthread_mutex_lock(&memory.mutex);
    place = place_of_address(data);
    if (memory.live[place] != NULL) {
        memory.live[place] = NULL;
        memory.live_count--;
        for (place = (place + 1) % PLACES; memory.live[place] != NULL;
             place = (place + 1) % PLACES) {
            void *other = memory.live[place];

            memory.live[place] = NULL;
            memory.live[place_of_address(other)] = other;
        }
    }
    (void)pthread_mutex_unlock(&memory.mutex);
}

void *__wrap_malloc(size_t bytes)
{
    return is_refused() ? NULL : note_requested(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : note_requested(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *data, size_t bytes)
{
    if (is_refused())
        return NULL;
    note_released(data);
    return note_requested(__real_realloc(data, bytes));
}

char *__wrap_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = __wrap_malloc(bytes);

    return copy == NULL ? NULL : memcpy(copy, text, bytes);
}

void __wrap_free(void *data)
{
    note_released(data);
    __real_free(data);
}

static void follow_memory(bool follows)
{
    (void)pthread_mutex_lock(&memory.mutex);
    memory.follows = follows;
    if (follows) {
        memset(memory.live, 0, sizeof memory.live);
        memory.live_count = 0;
    }
    (void)pthread_mutex_unlock(&memory.mutex);
}

/* ---- deeds ---- */

struct deed {
    const char *name;
    int (*act)(struct blob_fixture *fx, unsigned round);
};

static uint8_t *content; /* Of CONTENT_BYTES; each round has another beginning. */
static flume_blob_result held;

static const uint8_t *content_of(unsigned round)
{
    memcpy(content, &round, sizeof round);
    return content;
}

static int put_with(struct blob_fixture *fx, unsigned round, size_t bytes, unsigned flags)
{
    static const char *const labels[] = {"a label", "another"};
    const flume_blob_options options = {.name = "a name",
                                        .media_type = "text/plain",
                                        .labels = labels,
                                        .label_count = 2,
                                        .chunk_bytes = SMALL_CHUNK,
                                        .flags = flags};

    return flume_blob_put(fx->flume, content_of(round), bytes, &options, NULL);
}

static int put_small(struct blob_fixture *fx, unsigned round)
{
    return put_with(fx, round + 1, 5000, 0);
}

static int put_large(struct blob_fixture *fx, unsigned round)
{
    return put_with(fx, round + 1, CONTENT_BYTES, 0);
}

static int put_known_and_prove(struct blob_fixture *fx, unsigned round)
{
    (void)round;
    return put_with(fx, 0, CONTENT_BYTES, FLUME_BLOB_PROVE);
}

static int put_content_defined(struct blob_fixture *fx, unsigned round)
{
    const flume_blob_options options = {.chunking = FLUME_BLOB_CONTENT_DEFINED,
                                        .chunk_bytes = SMALL_CHUNK};

    return flume_blob_put(fx->flume, content_of(round + 1), CONTENT_BYTES, &options, NULL);
}

static int read_at(flume_blob_reader *reader, uint64_t offset)
{
    uint8_t piece[100];
    size_t bytes = 0;
    int status = flume_blob_reader_read(reader, offset, piece, sizeof piece, &bytes);

    if (status == FLUME_OK && memcmp(piece, content_of(0) + offset, bytes) != 0)
        fail_msg("another content was read");
    return status;
}

static int get_parts(struct blob_fixture *fx, unsigned round)
{
    flume_blob_reader *reader = NULL;
    int status = flume_blob_reader_open(fx->flume, NULL, held.hash, &reader);

    (void)round;
    if (status == FLUME_OK)
        status = read_at(reader, CONTENT_BYTES / 2);
    if (status == FLUME_OK)
        status = read_at(reader, SMALL_CHUNK - 50);
    flume_blob_reader_close(reader);
    return status;
}

static int find_and_stat(struct blob_fixture *fx, unsigned round)
{
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    flume_hash_candidate candidate;
    flume_blob_info info;
    size_t count;
    uint64_t seq;
    int status = flume_blob_find(fx->flume, NULL, held.hash, &seq);

    (void)round;
    flume_hash_text(held.hash, digits);
    digits[9] = '\0';
    if (status == FLUME_OK)
        status = flume_blob_find_prefix(fx->flume, NULL, digits, &candidate, 1, &count);
    if (status == FLUME_OK)
        status = flume_blob_find_name(fx->flume, NULL, "a name", &seq);
    return status == FLUME_OK ? flume_blob_stat(fx->flume, seq, &info) : status;
}

static int count_blob(void *ctx, const flume_blob_info *info)
{
    (void)info;
    ++*(unsigned *)ctx;
    return 0;
}

static int list_all(struct blob_fixture *fx, unsigned round)
{
    unsigned count = 0;
    int status = flume_blob_list(fx->flume, NULL, NULL, count_blob, &count);

    (void)round;
    if (status == FLUME_OK && count == 0)
        fail_msg("nothing was listed");
    return status;
}

static int verify_held(struct blob_fixture *fx, unsigned round)
{
    flume_blob_report report = {.sound = false};
    int status = flume_blob_verify(fx->flume, NULL, held.seq, NULL, NULL, &report);

    (void)round;
    if (status == FLUME_OK && !report.sound)
        fail_msg("it is not sound");
    return status;
}

static int look_for_orphans(struct blob_fixture *fx, unsigned round)
{
    flume_blob_totals totals = {.blobs_bad = 0};
    int status = flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, &totals);

    (void)round;
    if (status == FLUME_OK && (totals.blobs_bad != 0 || totals.duplicates != 0))
        fail_msg("%" PRIu64 " bad, %" PRIu64 " twice", totals.blobs_bad, totals.duplicates);
    return status;
}

static int say_where(struct blob_fixture *fx, unsigned round)
{
    flume_grains_place place;
    int status = flume_blob_place_set(fx->flume, "grains", 0);

    (void)round;
    return status == FLUME_OK ? flume_blob_place(fx->flume, &place) : status;
}

/* ---- each request refused once ---- */

static void reopen_followed(struct blob_fixture *fx)
{
    reopen_blobs(fx, FLUME_OPEN_CREATE);
    assert_int_equal(flume_close(fx->flume), FLUME_OK);
    follow_memory(true);
    fx->flume = NULL;
    reopen_blobs(fx, FLUME_OPEN_CREATE);
}

static void close_followed(struct blob_fixture *fx, const char *name, uint64_t nth)
{
    int status = flume_close(fx->flume);

    fx->flume = NULL;
    assert_int_equal(status, FLUME_OK);
    follow_memory(false);
    if (memory.live_count != 0)
        fail_msg("%s: with request %" PRIu64 " refused, %zu are left", name, nth,
                 memory.live_count);
}

/* Whether there was such a request. */
static bool refuse_one(struct blob_fixture *fx, const struct deed *deed, uint64_t nth)
{
    uint64_t made;
    int status;

    reopen_followed(fx);
    requests = 0;
    refuses_at = nth;
    status = deed->act(fx, (unsigned)nth);
    made = requests;
    refuses_at = 0;
    if (status != FLUME_OK &&
        (status != FLUME_ERR_NO_MEMORY || strstr(last_error(fx), "memory") == NULL))
        fail_msg("%s: request %" PRIu64 " refused, and it answers %s: %s", deed->name, nth,
                 flume_status_name(status), last_error(fx));
    status = deed->act(fx, (unsigned)nth);
    if (status != FLUME_OK)
        fail_msg("%s: after request %" PRIu64 " was refused, it answers %s: %s", deed->name, nth,
                 flume_status_name(status), last_error(fx));
    expect_flume(fx, verify_held(fx, 0), FLUME_OK);
    close_followed(fx, deed->name, nth);
    return made >= nth;
}

static void refuse_each(struct blob_fixture *fx, const struct deed *deed)
{
    uint64_t nth = 1;

    while (refuse_one(fx, deed, nth))
        nth++;
    print_message("%s: %" PRIu64 " requests\n", deed->name, nth - 1);
    assert_true(nth > 1);
}

static void without_memory_a_call_says_so_and_the_next_one_works(void **state)
{
    /* Those that put come last: what they leave makes the others long. */
    static const struct deed deeds[] = {
        {"orphans", look_for_orphans},
        {"verify", verify_held},
        {"list", list_all},
        {"find", find_and_stat},
        {"get", get_parts},
        {"place", say_where},
        {"put known", put_known_and_prove},
        {"put small", put_small},
        {"put large", put_large},
        {"put cdc", put_content_defined},
    };
    struct blob_fixture *fx = *state;
    const flume_blob_options options = {.name = "a name", .chunk_bytes = SMALL_CHUNK};

    content = made(CONTENT_BYTES, 1);
    fx->options.views = FLUME_VIEWS_NO_WORKERS; /* Who asks, asks for the memory, too. */
    held = put(fx, content_of(0), CONTENT_BYTES, &options);
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        refuse_each(fx, &deeds[i]);
    free(content);
}

static void the_first_large_put_makes_the_second_log_in_spite_of_a_refusal(void **state)
{
    struct blob_fixture *fx = *state;
    const struct deed deed = {"first put", put_large};
    uint64_t nth = 1;
    bool was_refused = true;

    content = made(CONTENT_BYTES, 1);
    fx->options.views = FLUME_VIEWS_NO_WORKERS;
    held = put_made(fx, 100, 1, NULL);
    while (was_refused) {
        assert_int_equal(flume_close(fx->flume), FLUME_OK);
        fx->flume = NULL;
        run_command("rm -rf '%s'", fx->base->path);
        reopen_blobs(fx, FLUME_OPEN_CREATE);
        held = put_made(fx, 100, 1, NULL);
        was_refused = refuse_one(fx, &deed, nth++);
    }
    print_message("%s: %" PRIu64 " requests\n", deed.name, nth - 2);
    assert_true(nth > 10);
    free(content);
}

static void the_second_log_asks_the_allocator_that_was_given_too(void **state)
{
    struct blob_fixture *fx = *state;
    static struct fault_memory given; /* It outlives the handle if the test fails. */
    flume_allocator table;
    flume_blob_info info;
    int64_t before;

    held = put_made(fx, CONTENT_BYTES, 1, NULL);
    fault_memory_init(&given);
    table = given.table;
    fx->options.log.allocator = &table;
    reopen_blobs(fx, 0);
    memset(&table, 0, sizeof table); /* It was copied. */
    expect_flume(fx, flume_blob_stat(fx->flume, held.seq, &info), FLUME_OK);
    before = given.live_bytes;
    assert_true(before > 0); /* Of the first log. */
    expect_made(fx, held.seq, CONTENT_BYTES, 1);
    assert_in_range(given.live_bytes, before + before / 2, 3 * before); /* And of another. */
    fx->options.log.allocator = NULL;
    reopen_blobs(fx, 0);
    assert_int_equal(given.live_blocks, 0);
    fault_memory_deinit(&given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(without_memory_a_call_says_so_and_the_next_one_works),
        blob_test(the_first_large_put_makes_the_second_log_in_spite_of_a_refusal),
        blob_test(the_second_log_asks_the_allocator_that_was_given_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
