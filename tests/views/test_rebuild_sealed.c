/*
 * test_rebuild_sealed.c - views that take sealed strata whole, by their indexes: the rows are those
 * that the records give, whatever is damaged, killed or sealed meanwhile.
 */
#include "flume/seal.h"
#include "hash_lookup.h"
#include "view_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STRATA = 6, STRATA_BYTES = 256 << 10, SMALL_BUDGET = 1 << 20 };
enum { BLOCKS_AT = 4096, TIME_AT = 8 /* In a record's header. */ };

static const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST};

static const uint8_t zeros[1000];

/* ---- a view like hash, that is counted and can be told to fail ---- */

enum failing { FAILS_NOT, FAILS_AT_ONCE, FAILS_AFTER_ROWS, DIES };

struct counting {
    flume_view_definition definition;
    flume_view_table table;
    _Atomic uint64_t applied, taken; /* Records, and strata. */
    enum failing failing;
    uint64_t fails_from_seq; /* From this strata on. */
    size_t value_bytes;      /* In each row, zeros. */
};

static int counting_open(void *ctx, void **out_state)
{
    *out_state = ctx;
    return FLUME_OK;
}

static int counting_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct counting *counting = state;
    uint8_t hash[FLUME_HASH_BYTES], key[HASH_KEY_BYTES];

    (void)atomic_fetch_add(&counting->applied, 1);
    flume_hash(record->body, record->body_bytes, hash);
    hash_key(key, hash, record->seq);
    return flume_batch_put(batch, 0, key, sizeof key, zeros, counting->value_bytes);
}

static int put_entry(const struct counting *counting, flume_batch *batch, uint64_t prefix,
                     uint64_t seq)
{
    uint8_t bytes[HASH_PREFIX_BYTES], key[HASH_KEY_BYTES];

    for (unsigned i = 0; i < HASH_PREFIX_BYTES; i++)
        bytes[i] = (uint8_t)(prefix >> (8 * (HASH_PREFIX_BYTES - 1 - i)));
    hash_key(key, bytes, seq);
    return flume_batch_put(batch, 0, key, sizeof key, zeros, counting->value_bytes);
}

static int counting_sealed(void *state, flume_batch *batch, flume_log *log, uint64_t first_seq,
                           uint64_t end_seq, uint64_t *out_passed_over)
{
    struct counting *counting = state;
    enum failing failing = first_seq >= counting->fails_from_seq ? counting->failing : FAILS_NOT;
    flume_grain_index *index;
    uint64_t index_first, index_end, prefix, seq, count = 0;
    int status;

    if (failing == FAILS_AT_ONCE)
        return FLUME_ERR_INVALID;
    status = flume_grain_index_open(log, first_seq, &index, &index_first, &index_end);
    if (status != FLUME_OK)
        return status;
    while (status == FLUME_OK) {
        status = flume_grain_index_next(index, &prefix, &seq);
        if (status == FLUME_OK)
            status = put_entry(counting, batch, prefix, seq);
        if (++count == 100 && failing == FAILS_AFTER_ROWS)
            status = FLUME_ERR_INVALID;
        if (count == 100 && failing == DIES)
            (void)raise(SIGKILL);
    }
    flume_grain_index_close(index);
    if (status != FLUME_END)
        return status;
    (void)atomic_fetch_add(&counting->taken, 1);
    *out_passed_over = end_seq - first_seq - (count - 1);
    return FLUME_OK;
}

static const uint8_t all_kinds[] = {FLUME_KIND_ANY};

static struct counting *counting_create(void)
{
    struct counting *counting = calloc(1, sizeof *counting);

    assert_non_null(counting);
    counting->table = (flume_view_table){"hash", FLUME_TABLE_COLLECT, NULL, NULL};
    counting->definition = (flume_view_definition){
        .name = "counting",
        .version = 1,
        .tables = &counting->table,
        .table_count = 1,
        .flags = FLUME_VIEW_PARALLEL,
        .apply = counting_apply,
        .open = counting_open,
        .ctx = counting,
        .sealed = counting_sealed,
        .kinds = all_kinds,
        .kind_count = 1,
    };
    return counting;
}

static void forget_counts(struct counting *counting)
{
    atomic_store(&counting->applied, 0);
    atomic_store(&counting->taken, 0);
}

/* ---- basins ---- */

static flume_log *log_of(struct view_fixture *fx)
{
    return flume_log_of(fx->flume);
}

/* No workers: views move when they are asked. Strata are sealed on request alone. */
static struct counting *begin(struct view_fixture *fx)
{
    struct counting *counting = counting_create();

    fx->options.views = FLUME_VIEWS_NO_WORKERS;
    fx->options.log.seal = &on_request;
    fx->options.log.strata_bytes = STRATA_BYTES;
    define_view(fx, &counting->definition);
    open_views(fx);
    return counting;
}

static void end(struct view_fixture *fx, struct counting *counting)
{
    if (fx->flume != NULL)
        close_views(fx);
    forget_definitions(fx);
    free(counting);
}

/* Bodies of all sizes, many of them equal, until so many more strata have begun. */
static void fill(struct view_fixture *fx, unsigned strata_count)
{
    flume_record record;
    uint64_t strata_seq = FLUME_SEQ_NONE;

    for (unsigned i = 0;; i++) {
        uint64_t seq = append_bytes(log_of(fx), i % 7 * 40, i % 1000);

        assert_int_equal(flume_log_get(log_of(fx), seq, &record), FLUME_OK);
        flume_record_release(&record);
        if (record.strata_seq == strata_seq)
            continue;
        if (strata_seq != FLUME_SEQ_NONE && --strata_count == 0)
            return;
        strata_seq = record.strata_seq;
    }
}

/* How many strata are sealed then. */
static uint64_t seal(struct view_fixture *fx)
{
    flume_seal_report report;

    assert_int_equal(flume_log_sync(log_of(fx), flume_log_head(log_of(fx)) - 1), FLUME_OK);
    assert_int_equal(flume_log_seal(log_of(fx), NULL, &report), FLUME_OK);
    return report.strata;
}

static void verify(struct view_fixture *fx, const char *name)
{
    flume_view_difference difference;
    int status = flume_view_verify(view_named(fx->flume, name), NULL, &difference);

    if (status != FLUME_OK) {
        flume_error error;

        flume_last_error(fx->flume, &error);
        fail_msg("view %s: %s", name, error.message);
    }
    if (difference.different)
        fail_msg("view %s, table %s: %s", name, difference.table, difference.text);
}

static void rebuild(struct view_fixture *fx, const char *name)
{
    assert_int_equal(flume_view_rebuild(view_named(fx->flume, name), NULL), FLUME_OK);
}

static uint64_t rows_of(struct view_fixture *fx, const char *name)
{
    flume_rows *rows = read_view(view_named(fx->flume, name));
    uint64_t count = rows_in(rows, 0);

    flume_rows_end(rows);
    return count;
}

/* The file of the sealed strata that holds seq. */
static const char *sealed_file(struct view_fixture *fx, uint64_t seq, flume_strata_info *out_info)
{
    assert_int_equal(flume_log_strata(log_of(fx), seq, out_info), FLUME_OK);
    assert_true(out_info->sealed);
    return strata_path(fx->base, "basin.flume", out_info->first_seq);
}

static void flip(const char *path, uint64_t offset)
{
    uint8_t byte;

    read_file(path, offset, &byte, 1);
    byte ^= 0x10;
    write_file(path, offset, &byte, 1);
}

/* ---- the same rows ---- */

static void rows_from_grain_indexes_are_those_from_bodies(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    uint64_t head, strata, rows;

    fill(fx, STRATA);
    head = flume_log_head(log_of(fx));
    assert_int_equal(rows_of(fx, "hash"), head); /* From bodies: nothing is sealed yet. */
    assert_int_equal(rows_of(fx, "counting"), head);
    assert_int_equal(atomic_load(&counting->applied), head);
    strata = seal(fx);
    assert_true(strata >= STRATA - 1);
    verify(fx, "hash"); /* Derives it afresh, from the indexes, and compares. */
    forget_counts(counting);
    verify(fx, "counting");
    assert_int_equal(atomic_load(&counting->taken), strata);
    assert_true(atomic_load(&counting->applied) > 0); /* The newest strata is raw. */
    assert_true(atomic_load(&counting->applied) < head / strata * 2);
    rebuild(fx, "hash");
    rows = rows_of(fx, "hash");
    assert_int_equal(rows, head);
    verify(fx, "hash");
    end(fx, counting);
}

static void a_view_may_stand_within_a_sealed_strata(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    flume_view_difference difference;
    flume_ask stale = {.flags = FLUME_ASK_STALE_OK};
    uint64_t strata;

    fill(fx, 2);
    (void)append_numbered(log_of(fx), 100);
    (void)rows_of(fx, "counting");
    fill(fx, 3);
    strata = seal(fx);
    forget_counts(counting);
    assert_int_equal(flume_view_verify(view_named(fx->flume, "counting"), &stale, &difference),
                     FLUME_OK);
    assert_false(difference.different);
    assert_true(atomic_load(&counting->taken) > 0 && atomic_load(&counting->taken) < strata);
    assert_true(atomic_load(&counting->applied) > 0);
    verify(fx, "counting"); /* And after it has gone on from there. */
    end(fx, counting);
}

static void a_view_far_behind_takes_strata_whole(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    uint64_t head, strata;

    fill(fx, 1);
    (void)rows_of(fx, "counting");
    for (unsigned i = 0; i < 10; i++)
        (void)append_numbered(log_of(fx), 8000);
    head = flume_log_head(log_of(fx));
    strata = seal(fx);
    assert_true(strata > 4);
    forget_counts(counting);
    assert_int_equal(rows_of(fx, "counting"), head);
    assert_true(atomic_load(&counting->taken) >= strata - 2); /* It stood in the midst of one. */
    assert_true(atomic_load(&counting->applied) < head / strata * 3);
    assert_int_equal(status_now(view_named(fx->flume, "counting")).generation, 1); /* No rebuild. */
    end(fx, counting);
}

/* ---- damage ---- */

static void no_body_of_a_sealed_strata_is_read(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    flume_strata_info info;
    flume_view_status status;
    const char *path;
    uint64_t head;

    fill(fx, STRATA);
    head = flume_log_head(log_of(fx));
    assert_int_equal(rows_of(fx, "hash"), head);
    (void)seal(fx);
    path = sealed_file(fx, 0, &info);
    close_views(fx);
    zero_file(path, BLOCKS_AT, (size_t)info.block_bytes); /* All of them. */
    open_views(fx);
    expect_get(log_of(fx), 1, FLUME_ERR_DAMAGED);
    rebuild(fx, "hash");
    assert_int_equal(rows_of(fx, "hash"), head);
    status = status_now(view_named(fx->flume, "hash"));
    assert_int_equal(status.generation, 2);
    assert_int_equal(status.passed_over, 0);
    end(fx, counting);
}

static void where_a_grain_index_is_damaged_bodies_are_read(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    flume_strata_info info;
    const char *path;
    uint64_t head, strata;

    fill(fx, STRATA);
    head = flume_log_head(log_of(fx));
    assert_int_equal(rows_of(fx, "hash"), head);
    assert_int_equal(rows_of(fx, "counting"), head);
    strata = seal(fx);
    path = sealed_file(fx, 0, &info);
    close_views(fx);
    flip(path, BLOCKS_AT + info.block_bytes + info.block_index_bytes + info.grain_index_bytes / 2);
    open_views(fx);
    forget_counts(counting);
    rebuild(fx, "counting");
    assert_int_equal(atomic_load(&counting->taken), strata - 1);
    assert_true(atomic_load(&counting->applied) >= info.records);
    assert_int_equal(rows_of(fx, "counting"), head);
    rebuild(fx, "hash");
    assert_int_equal(rows_of(fx, "hash"), head);
    verify(fx, "hash");
    end(fx, counting);
}

static void a_lost_record_has_no_row_and_is_counted(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    flume_check_report report;
    flume_record record;
    const char *path;
    uint64_t head, at;

    fill(fx, STRATA);
    assert_int_equal(flume_log_get(log_of(fx), 10, &record), FLUME_OK);
    path = strata_path(fx->base, "basin.flume", record.strata_seq);
    at = record.offset;
    close_views(fx);
    flip(path, at + TIME_AT);
    assert_int_equal(flume_repair(fx->base->path, FLUME_REPAIR_SALVAGE, NULL, &report, NULL),
                     FLUME_OK);
    open_views(fx);
    expect_get(log_of(fx), 10, FLUME_ERR_LOST);
    head = flume_log_head(log_of(fx));
    assert_int_equal(rows_of(fx, "hash"), head - 1);
    assert_true(seal(fx) > 0);
    rebuild(fx, "hash");
    assert_int_equal(rows_of(fx, "hash"), head - 1);
    assert_int_equal(status_now(view_named(fx->flume, "hash")).passed_over, 1);
    verify(fx, "hash");
    end(fx, counting);
}

/* ---- what sealed may answer ---- */

static void where_it_cannot_apply_gets_every_record(void **state)
{
    static const enum failing ways[] = {FAILS_AT_ONCE, FAILS_AFTER_ROWS};
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    uint64_t head;

    fill(fx, STRATA);
    (void)seal(fx);
    head = flume_log_head(log_of(fx));
    for (size_t i = 0; i < 2; i++) {
        counting->failing = ways[i];
        forget_counts(counting);
        rebuild(fx, "counting");
        assert_int_equal(atomic_load(&counting->taken), 0);
        assert_int_equal(atomic_load(&counting->applied), head);
        assert_int_equal(rows_of(fx, "counting"), head);
    }
    counting->failing = FAILS_NOT;
    verify(fx, "counting");
    end(fx, counting);
}

static int merge_nothing(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                         void *target, size_t *out_bytes)
{
    (void)ctx, (void)key, (void)older, (void)newer, (void)target;
    *out_bytes = 0;
    return FLUME_OK;
}

static void rows_of_a_merge_are_not_put_twice(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);

    fill(fx, STRATA);
    (void)seal(fx);
    close_views(fx);
    counting->table.merge = merge_nothing;
    counting->failing = FAILS_AFTER_ROWS;
    open_views(fx);
    assert_int_equal(flume_view_rebuild(view_named(fx->flume, "counting"), NULL), FLUME_ERR_VIEW);
    expect_view_error(fx->flume, FLUME_ERR_VIEW, "table with a merge");
    assert_int_equal(atomic_load(&counting->applied), 0);
    counting->failing = FAILS_NOT;
    rebuild(fx, "counting");
    assert_int_equal(rows_of(fx, "counting"), flume_log_head(log_of(fx)));
    end(fx, counting);
}

/* ---- interrupted ---- */

static bool give_up_once_taken(void *ctx)
{
    const struct counting *counting = ctx;

    return atomic_load(&counting->taken) >= 2;
}

static void a_cancelled_rebuild_goes_on(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    flume_ask ask = {.give_up = give_up_once_taken, .give_up_ctx = counting};

    fill(fx, STRATA);
    (void)seal(fx);
    assert_int_equal(flume_view_rebuild(view_named(fx->flume, "counting"), &ask),
                     FLUME_ERR_CANCELLED);
    assert_true(atomic_load(&counting->taken) < STRATA - 1);
    rebuild(fx, "counting");
    assert_int_equal(rows_of(fx, "counting"), flume_log_head(log_of(fx)));
    verify(fx, "counting");
    end(fx, counting);
}

/* In a process of its own: rebuild, and die in the midst of a strata. */
static void die_in_a_rebuild(struct view_fixture *fx, struct counting *counting, uint64_t from_seq)
{
    pid_t pid = fork();
    int how = 0;

    if (pid == 0) {
        flume *handle = NULL;
        flume_view *view = NULL;

        counting->failing = DIES;
        counting->fails_from_seq = from_seq;
        if (flume_open(&handle, fx->base->path, &fx->options, NULL) == FLUME_OK &&
            flume_view_find(handle, "counting", &view) == FLUME_OK)
            (void)flume_view_rebuild(view, NULL);
        _exit(1); /* It should not have lived so long. */
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void a_killed_rebuild_is_gone_on_with(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    flume_strata_info info;
    uint64_t head, strata;

    fill(fx, STRATA);
    strata = seal(fx);
    head = flume_log_head(log_of(fx));
    assert_int_equal(flume_log_strata(log_of(fx), head / 2, &info), FLUME_OK);
    close_views(fx);
    fx->options.rebuild_bytes =
        SMALL_BUDGET; /* Less than one strata's rows: they are kept at once. */
    counting->value_bytes = sizeof zeros;
    fx->options.definitions = fx->definitions;
    die_in_a_rebuild(fx, counting, info.first_seq);
    open_views(fx);
    rebuild(fx, "counting");
    assert_int_equal(rows_of(fx, "counting"), head);
    assert_true(atomic_load(&counting->taken) < strata); /* What was kept was not taken again. */
    verify(fx, "counting");
    end(fx, counting);
}

/* ---- several processes ---- */

static void sealing_goes_on_while_another_process_rebuilds(void **state)
{
    struct view_fixture *fx = *state;
    struct counting *counting = begin(fx);
    int how = 0;
    pid_t pid;

    fill(fx, 2);
    close_views(fx);
    fx->options.definitions = fx->definitions;
    pid = fork();
    if (pid == 0) {
        flume *handle = NULL;
        flume_view *view = NULL;
        int status = flume_open(&handle, fx->base->path, &fx->options, NULL);

        if (status == FLUME_OK)
            status = flume_view_find(handle, "hash", &view);
        for (unsigned i = 0; i < 20 && status == FLUME_OK; i++)
            status = flume_view_rebuild(view, NULL);
        _exit(status == FLUME_OK && flume_close(handle) == FLUME_OK ? 0 : 1);
    }
    assert_true(pid > 0);
    open_views(fx);
    for (unsigned i = 0; i < STRATA; i++) {
        fill(fx, 1);
        (void)seal(fx);
        assert_int_equal(rows_of(fx, "hash"), flume_log_head(log_of(fx)));
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    verify(fx, "hash");
    end(fx, counting);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        views_test(rows_from_grain_indexes_are_those_from_bodies),
        views_test(a_view_may_stand_within_a_sealed_strata),
        views_test(a_view_far_behind_takes_strata_whole),
        views_test(no_body_of_a_sealed_strata_is_read),
        views_test(where_a_grain_index_is_damaged_bodies_are_read),
        views_test(a_lost_record_has_no_row_and_is_counted),
        views_test(where_it_cannot_apply_gets_every_record),
        views_test(rows_of_a_merge_are_not_put_twice),
        views_test(a_cancelled_rebuild_goes_on),
        views_test(a_killed_rebuild_is_gone_on_with),
        views_test(sealing_goes_on_while_another_process_rebuilds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
