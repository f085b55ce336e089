/*
 * test_view.c - what a view is: registering one, what apply gets and may do, and what is read.
 */
#include "view_fixture.h"

#include <inttypes.h>

/* ---- a view whose records say what to do ----
 *
 * "put TABLE KEY VALUE", "delete TABLE KEY", "add TABLE KEY NUMBER" (a sum), "copy TABLE KEY TO"
 * (get, then put; "none" if it is not there), "key TABLE BYTES", "value TABLE BYTES", "sumvalue
 * TABLE BYTES". What the call in the batch answered is kept, and apply goes on.
 */
enum { PLAIN = 0, COLLECTED = 1, SUMMED = 2, SCRIPT_TABLES = 3, BIG = (1 << 20) + 16 };

static const flume_view_table script_tables[SCRIPT_TABLES] = {
    {.name = "plain"},
    {.name = "collected", .flags = FLUME_TABLE_COLLECT},
    {.name = "summed", .flags = FLUME_TABLE_COLLECT, .merge = flume_merge_sum},
};

struct script {
    _Atomic int answered; /* By the last call. */
    uint8_t bytes[BIG];
};

static int play(struct script *script, flume_batch *batch, const char *verb, size_t table,
                const char *key, const char *rest)
{
    size_t number = strtoul(rest, NULL, 10);
    size_t bytes = strtoul(key, NULL, 10);
    uint64_t value = number;
    flume_bytes found;
    int status;

    if (strcmp(verb, "put") == 0)
        return flume_batch_put(batch, table, key, strlen(key), rest, strlen(rest));
    if (strcmp(verb, "delete") == 0)
        return flume_batch_delete(batch, table, key, strlen(key));
    if (strcmp(verb, "add") == 0)
        return flume_batch_put(batch, table, key, strlen(key), &value, sizeof value);
    if (strcmp(verb, "key") == 0)
        return flume_batch_put(batch, table, script->bytes, bytes, "v", 1);
    if (strcmp(verb, "value") == 0)
        return flume_batch_put(batch, table, "k", 1, script->bytes, bytes);
    if (strcmp(verb, "getkey") == 0)
        return flume_batch_get(batch, table, script->bytes, bytes, &found);
    if (strcmp(verb, "copy") != 0)
        return FLUME_OK;
    status = flume_batch_get(batch, table, key, strlen(key), &found);
    if (status == FLUME_OK)
        return flume_batch_put(batch, table, rest, strlen(rest), found.data, found.bytes);
    if (status == FLUME_ERR_NOT_FOUND)
        (void)flume_batch_put(batch, table, rest, strlen(rest), "none", 4);
    return status;
}

static int script_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct script *script = state;
    char text[256], verb[16] = "", key[64] = "", rest[160] = "";
    unsigned table = 0;

    if (record->body_bytes >= sizeof text)
        return FLUME_OK;
    memcpy(text, record->body, record->body_bytes);
    text[record->body_bytes] = '\0';
    (void)sscanf(text, "%15s %u %63s %159s", verb, &table, key, rest);
    atomic_store(&script->answered, play(script, batch, verb, table, key, rest));
    return FLUME_OK;
}

static struct script script_state;
static const flume_view_definition script_view = {
    .name = "script",
    .version = 1,
    .tables = script_tables,
    .table_count = SCRIPT_TABLES,
    .apply = script_apply,
    .ctx = &script_state,
};

static flume_view *open_script(struct view_fixture *fx)
{
    memset(&script_state, 0, sizeof script_state);
    define_view(fx, &script_view);
    open_views(fx);
    return view_named(fx->flume, "script");
}

/* What the call that a record asks for answers. */
static int answer_to(flume_view *view, const char *text)
{
    (void)append_to(flume_of_view(view), text);
    assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
    return atomic_load(&script_state.answered);
}

/* ---- registering ---- */

static void spoil_name(flume_view_definition *definition)
{
    definition->name = "Nope";
}

static void spoil_long_name(flume_view_definition *definition)
{
    definition->name = "a123456789012345678901234567890123456789x";
}

static void spoil_empty_name(flume_view_definition *definition)
{
    definition->name = "";
}

static void spoil_dotted_name(flume_view_definition *definition)
{
    definition->name = ".hidden";
}

static void spoil_path_name(flume_view_definition *definition)
{
    definition->name = "a/b";
}

static void spoil_version(flume_view_definition *definition)
{
    definition->version = 0;
}

static void spoil_apply(flume_view_definition *definition)
{
    definition->apply = NULL;
}

static void spoil_tables(flume_view_definition *definition)
{
    definition->tables = NULL;
}

static void spoil_no_tables(flume_view_definition *definition)
{
    definition->table_count = 0;
}

static void spoil_too_many_tables(flume_view_definition *definition)
{
    static const flume_view_table nine[FLUME_VIEW_TABLES_MAX + 1] = {
        {.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}, {.name = "e"},
        {.name = "f"}, {.name = "g"}, {.name = "h"}, {.name = "i"}};

    definition->tables = nine;
    definition->table_count = FLUME_VIEW_TABLES_MAX + 1;
}

static void spoil_table_name(flume_view_definition *definition)
{
    static const flume_view_table table = {.name = "with-dash"};

    definition->tables = &table;
    definition->table_count = 1;
}

static void spoil_long_table_name(flume_view_definition *definition)
{
    static const flume_view_table table = {.name = "a123456789012345678901234"};

    definition->tables = &table;
    definition->table_count = 1;
}

static void spoil_null_table_name(flume_view_definition *definition)
{
    static const flume_view_table table = {.name = NULL};

    definition->tables = &table;
    definition->table_count = 1;
}

static void spoil_table_twice(flume_view_definition *definition)
{
    static const flume_view_table tables[] = {{.name = "same"}, {.name = "same"}};

    definition->tables = tables;
    definition->table_count = 2;
}

static void spoil_merge(flume_view_definition *definition)
{
    static const flume_view_table table = {.name = "sum", .merge = flume_merge_sum};

    definition->tables = &table;
    definition->table_count = 1;
}

static void spoil_flags(flume_view_definition *definition)
{
    static const flume_view_table table = {.name = "odd", .flags = 1u << 7};

    definition->tables = &table;
    definition->table_count = 1;
}

static void a_definition_that_breaks_a_rule_is_refused_by_name(void **state)
{
    static const struct {
        void (*spoil)(flume_view_definition *definition);
        const char *says;
    } rules[] = {
        {spoil_name, "Nope"},
        {spoil_long_name, "a123456789012345678901234567890123456789x"},
        {spoil_empty_name, "name"},
        {spoil_dotted_name, ".hidden"},
        {spoil_path_name, "a/b"},
        {spoil_version, "script"},
        {spoil_apply, "script"},
        {spoil_tables, "script"},
        {spoil_no_tables, "script"},
        {spoil_too_many_tables, "script"},
        {spoil_table_name, "script"},
        {spoil_long_table_name, "script"},
        {spoil_null_table_name, "script"},
        {spoil_table_twice, "same"},
        {spoil_merge, "script"},
        {spoil_flags, "script"},
    };
    struct view_fixture *fx = *state;

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        flume_view_definition spoiled = script_view;

        rules[i].spoil(&spoiled);
        forget_definitions(fx);
        define_view(fx, &spoiled);
        if (try_open_views(fx) != FLUME_ERR_INVALID)
            fail_msg("rule %zu is not kept up", i);
        if (strstr(fx->error.message, rules[i].says) == NULL)
            fail_msg("rule %zu: \"%s\" does not say \"%s\"", i, fx->error.message, rules[i].says);
    }
}

static void a_definition_that_is_not_there_is_refused(void **state)
{
    struct view_fixture *fx = *state;

    define_view(fx, NULL);
    assert_int_equal(try_open_views(fx), FLUME_ERR_INVALID);
    fx->options.definitions = NULL;
    assert_int_equal(try_open_views(fx), FLUME_ERR_INVALID);
}

static void unknown_options_are_refused(void **state)
{
    struct view_fixture *fx = *state;

    fx->options.views |= 1u << 9;
    assert_int_equal(try_open_views(fx), FLUME_ERR_INVALID);
}

static void a_name_at_its_limits_is_taken(void **state)
{
    struct view_fixture *fx = *state;
    flume_view_definition named = script_view;
    static const flume_view_table table = {.name = "a12345678901234567890123"};

    named.name = "0.b_c-d890123456789012345678901234567890";
    named.version = UINT32_MAX;
    named.tables = &table;
    named.table_count = 1;
    define_view(fx, &named);
    open_views(fx);
    (void)append_to(fx->flume, "put 0 a b");
    expect_row(view_named(fx->flume, named.name), 0, "a", "b");
    close_views(fx);
}

static void a_name_that_is_taken_twice_is_refused(void **state)
{
    struct view_fixture *fx = *state;
    flume_view_definition another = script_view;

    another.version = 2; /* The name counts. */
    define_view(fx, &script_view);
    define_view(fx, &another);
    assert_int_equal(try_open_views(fx), FLUME_ERR_INVALID);
    assert_non_null(strstr(fx->error.message, "script"));
}

static void the_name_of_a_built_in_view_is_taken(void **state)
{
    struct view_fixture *fx = *state;
    flume_view_definition another = script_view;

    another.name = "hash";
    define_view(fx, &another);
    fx->options.views = 0;
    assert_int_equal(try_open_views(fx), FLUME_ERR_INVALID);
    assert_non_null(strstr(fx->error.message, "hash"));
    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN;
    assert_int_equal(try_open_views(fx), FLUME_OK);
}

static void the_views_of_a_handle_are_listed_in_order(void **state)
{
    struct view_fixture *fx = *state;
    flume_view_definition another = script_view;
    flume_view_status rows[8];

    another.name = "another";
    define_view(fx, &script_view);
    define_view(fx, &another);
    open_views(fx);
    assert_int_equal(flume_view_list(fx->flume, rows, 8), 2);
    assert_string_equal(rows[0].name, "script");
    assert_string_equal(rows[1].name, "another");
    assert_false(rows[0].built_in);
    assert_int_equal(flume_view_list(fx->flume, rows, 1), 2); /* Counted beyond what fits. */
    assert_int_equal(flume_view_list(fx->flume, NULL, 0), 2);
    close_views(fx);
    fx->options.views = 0;
    open_views(fx);
    assert_true(flume_view_list(fx->flume, rows, 8) > 2);
    assert_true(rows[0].built_in);
    close_views(fx);
}

static void a_view_that_nobody_registered_is_not_found(void **state)
{
    struct view_fixture *fx = *state;
    flume_view *view = NULL;

    define_view(fx, &script_view);
    open_views(fx);
    assert_int_equal(flume_view_find(fx->flume, "nobody", &view), FLUME_ERR_NOT_FOUND);
    assert_null(view);
    expect_view_error(fx->flume, FLUME_ERR_NOT_FOUND, "nobody");
    assert_int_equal(flume_view_find(fx->flume, "hash", &view), FLUME_ERR_NOT_FOUND);
    assert_ptr_equal(flume_view_definition_of(view_named(fx->flume, "script")), &script_view);
    assert_ptr_equal(flume_of_view(view_named(fx->flume, "script")), fx->flume);
    close_views(fx);
}

static void a_basin_in_memory_has_views_too(void **state)
{
    struct view_fixture *fx = *state;
    flume *handle = NULL;

    memset(&script_state, 0, sizeof script_state);
    define_view(fx, &script_view);
    assert_int_equal(flume_open(&handle, ":memory:", &fx->options, &fx->error), FLUME_OK);
    (void)append_to(handle, "put 0 a b");
    expect_row(view_named(handle, "script"), PLAIN, "a", "b");
    close_another(handle);
}

/* ---- what apply gets ---- */

static struct recorder *open_recorder(struct view_fixture *fx)
{
    struct recorder *recorder = recorder_create("record", 1);

    define_view(fx, &recorder->definition);
    open_views(fx);
    return recorder;
}

static void close_recorder(struct view_fixture *fx, struct recorder *recorder)
{
    if (fx->flume != NULL)
        close_views(fx);
    recorder_destroy(recorder);
}

static void apply_gets_each_record_once_and_in_order(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = open_recorder(fx);
    flume_view *view = view_named(fx->flume, "record");

    for (unsigned i = 0; i < 20; i++) {
        for (unsigned j = 0; j < i * 7; j++)
            (void)append_to(fx->flume, "one");
        (void)append_numbered(flume_log_of(fx->flume), 100);
        if (i % 3 == 0)
            assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
    }
    expect_complete(view);
    expect_recorded(recorder, 1, (size_t)flume_log_head(flume_log_of(fx->flume)) - 1);
    close_recorder(fx, recorder);
}

static void what_was_applied_is_not_applied_again_after_reopening(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = open_recorder(fx);

    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(counted(view_named(fx->flume, "record")), 100);
    close_views(fx);
    forget_recorded(recorder);
    open_views(fx);
    assert_int_equal(counted(view_named(fx->flume, "record")), 100);
    assert_int_equal(recorded_count(recorder), 0);
    assert_string_equal(status_now(view_named(fx->flume, "record")).why, "");
    (void)append_to(fx->flume, "more"); /* Behind the manifest of this handle. */
    assert_int_equal(counted(view_named(fx->flume, "record")), 101);
    expect_recorded(recorder, 102, 1);
    close_recorder(fx, recorder);
}

static void a_view_of_all_but_manifests_passes_them_over(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = open_recorder(fx);
    flume_view *view = view_named(fx->flume, "record");
    flume_rows *rows;

    assert_int_equal(append_to(fx->flume, "text"), 1); /* 0 is the manifest. */
    expect_recorded(recorder, 1, counted(view));
    rows = read_view(view);
    assert_int_equal(flume_rows_as_of(rows), 2);
    assert_null(row_text(rows, BY_COUNT, "kind-2"));
    flume_rows_end(rows);
    close_recorder(fx, recorder);
}

static void append_kind(flume *handle, uint8_t kind)
{
    flume_entry entry = {.body = "x", .body_bytes = 1, .kind = kind};

    assert_int_equal(flume_log_append_entry(flume_log_of(handle), &entry, NULL), FLUME_OK);
}

static void expect_kinds(struct view_fixture *fx, struct recorder *recorder, uint64_t expected)
{
    open_views(fx);
    for (unsigned i = 0; i < 3; i++) {
        append_kind(fx->flume, FLUME_KIND_MESSAGE);
        append_kind(fx->flume, FLUME_KIND_USER);
        append_kind(fx->flume, 255);
    }
    assert_int_equal(counted(view_named(fx->flume, "record")), expected);
    close_recorder(fx, recorder);
    forget_definitions(fx);
}

static void only_the_kinds_asked_for_are_applied(void **state)
{
    static const uint8_t two[] = {FLUME_KIND_USER, 255};
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("record", 1);

    recorder->definition.kinds = two;
    recorder->definition.kind_count = 2;
    define_view(fx, &recorder->definition);
    expect_kinds(fx, recorder, 6);
}

static void any_kind_means_manifests_too(void **state)
{
    static const uint8_t any[] = {FLUME_KIND_ANY};
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("record", 1);

    recorder->definition.kinds = any;
    recorder->definition.kind_count = 1;
    define_view(fx, &recorder->definition);
    expect_kinds(fx, recorder, 10);
}

static void a_view_moves_on_past_records_it_does_not_take(void **state)
{
    static const uint8_t rare[] = {200};
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("record", 1);
    flume_rows *rows;

    recorder->definition.kinds = rare;
    recorder->definition.kind_count = 1;
    define_view(fx, &recorder->definition);
    open_views(fx);
    (void)append_numbered(flume_log_of(fx->flume), 1000);
    rows = read_view(view_named(fx->flume, "record"));
    assert_int_equal(flume_rows_as_of(rows), 1001);
    assert_int_equal(rows_in(rows, BY_SEQ), 0);
    flume_rows_end(rows);
    close_recorder(fx, recorder);
}

static void without_workers_a_view_moves_when_it_is_asked(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder;
    flume_view *view;

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    recorder = open_recorder(fx);
    view = view_named(fx->flume, "record");
    (void)append_numbered(flume_log_of(fx->flume), 100);
    sleep_ns(SECOND_NS / 20);
    assert_int_equal(recorded_count(recorder), 0);
    assert_int_equal(counted(view), 100);
    (void)append_to(fx->flume, "more");
    sleep_ns(SECOND_NS / 20);
    assert_int_equal(recorded_count(recorder), 100);
    expect_complete(view);
    expect_recorded(recorder, 1, 101);
    close_recorder(fx, recorder);
}

static void with_workers_a_view_moves_by_itself(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = open_recorder(fx);
    uint64_t until = clock_ns() + PATIENCE_NS;

    (void)append_numbered(flume_log_of(fx->flume), 100);
    while (recorded_count(recorder) < 100 && clock_ns() < until)
        sleep_ns(SECOND_NS / 1000);
    expect_recorded(recorder, 1, 100);
    close_recorder(fx, recorder);
}

/* ---- open, reset, close ---- */

static int refuse_to_open(void *ctx, void **out_state)
{
    (void)ctx;
    (void)out_state;
    return FLUME_ERR_ACCESS;
}

static void an_open_that_fails_fails_the_view_alone(void **state)
{
    struct view_fixture *fx = *state;
    flume_view_definition closed = script_view;
    struct recorder *recorder;

    closed.name = "closed";
    closed.open = refuse_to_open;
    define_view(fx, &closed);
    recorder = open_recorder(fx);
    (void)append_to(fx->flume, "text");
    expect_wait(view_named(fx->flume, "closed"), NULL, FLUME_ERR_VIEW, "closed");
    assert_int_equal(status_now(view_named(fx->flume, "closed")).state, FLUME_VIEW_FAILED);
    assert_int_equal(counted(view_named(fx->flume, "record")), 1);
    close_recorder(fx, recorder);
}

static void a_view_that_begins_from_nothing_is_reset_first(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = open_recorder(fx);

    (void)append_to(fx->flume, "text");
    assert_int_equal(counted(view_named(fx->flume, "record")), 1);
    assert_int_equal(atomic_load(&recorder->resets), 1);
    assert_true(atomic_load(&recorder->opens) > 0);
    reopen_views(fx);
    assert_int_equal(counted(view_named(fx->flume, "record")), 1);
    assert_int_equal(atomic_load(&recorder->resets), 1);
    close_recorder(fx, recorder); /* Expects as many closes as opens. */
}

/* ---- what apply may put ---- */

static void keys_have_one_to_511_bytes(void **state)
{
    flume_view *view = open_script(*state);

    for (unsigned table = 0; table < SUMMED; table++) {
        static const struct {
            unsigned bytes;
            int status;
        } keys[] = {{0, FLUME_ERR_INVALID},
                    {1, FLUME_OK},
                    {FLUME_VIEW_KEY_BYTES_MAX, FLUME_OK},
                    {FLUME_VIEW_KEY_BYTES_MAX + 1, FLUME_ERR_INVALID}};
        flume_rows *rows;

        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            char text[64];

            (void)snprintf(text, sizeof text, "key %u %u", table, keys[i].bytes);
            assert_int_equal(answer_to(view, text), keys[i].status);
        }
        rows = read_view(view);
        assert_int_equal(rows_in(rows, table), 2);
        flume_rows_end(rows);
    }
    assert_int_equal(answer_to(view, "getkey 0 0"), FLUME_ERR_INVALID);
    assert_int_equal(answer_to(view, "getkey 0 512"), FLUME_ERR_INVALID);
    close_views(*state);
}

static void values_have_at_most_a_mebibyte_or_a_kibibyte_where_merged(void **state)
{
    flume_view *view = open_script(*state);
    flume_rows *rows;
    flume_bytes value;

    for (unsigned table = 0; table < SCRIPT_TABLES; table++) {
        unsigned max = table == SUMMED ? FLUME_MERGE_BYTES_MAX : FLUME_VIEW_VALUE_BYTES_MAX;
        char text[64];

        (void)snprintf(text, sizeof text, "value %u %u", table, max + 1);
        assert_int_equal(answer_to(view, text), FLUME_ERR_TOO_LARGE);
        (void)snprintf(text, sizeof text, "value %u %u", table, max);
        assert_int_equal(answer_to(view, text), FLUME_OK);
        rows = read_view(view);
        assert_int_equal(flume_rows_get(rows, table, "k", 1, &value), FLUME_OK);
        assert_int_equal(value.bytes, max);
        flume_rows_end(rows);
    }
    assert_int_equal(answer_to(view, "value 0 0"), FLUME_OK);
    rows = read_view(view);
    assert_int_equal(flume_rows_get(rows, 0, "k", 1, &value), FLUME_OK);
    assert_int_equal(value.bytes, 0);
    flume_rows_end(rows);
    close_views(*state);
}

static void a_table_that_is_not_there_is_refused(void **state)
{
    flume_view *view = open_script(*state);
    flume_rows *rows;
    flume_bytes value;
    uint64_t count;

    assert_int_equal(answer_to(view, "put 3 a b"), FLUME_ERR_INVALID);
    assert_int_equal(answer_to(view, "delete 3 a"), FLUME_ERR_INVALID);
    assert_int_equal(answer_to(view, "copy 3 a b"), FLUME_ERR_INVALID);
    rows = read_view(view);
    assert_int_equal(flume_rows_get(rows, 3, "a", 1, &value), FLUME_ERR_INVALID);
    assert_int_equal(flume_rows_seek(rows, 3, "a", 1), FLUME_ERR_INVALID);
    assert_int_equal(flume_rows_seek_last(rows, 3, "a", 1), FLUME_ERR_INVALID);
    assert_int_equal(flume_rows_count(rows, 3, &count), FLUME_ERR_INVALID);
    expect_view_error(flume_of_view(view), FLUME_ERR_INVALID, "script");
    flume_rows_end(rows);
    close_views(*state);
}

static void apply_reads_what_it_has_put_where_a_table_is_not_collected(void **state)
{
    flume_view *view = open_script(*state);

    assert_int_equal(answer_to(view, "put 0 a one"), FLUME_OK);
    assert_int_equal(answer_to(view, "copy 0 a b"), FLUME_OK);
    expect_row(view, PLAIN, "b", "one");
    assert_int_equal(answer_to(view, "copy 0 missing c"), FLUME_ERR_NOT_FOUND);
    expect_row(view, PLAIN, "c", "none");
    assert_int_equal(answer_to(view, "copy 1 a b"), FLUME_ERR_INVALID);
    assert_int_equal(answer_to(view, "copy 2 a b"), FLUME_ERR_INVALID);
    /* In one batch of the view too. */
    (void)append_to(flume_of_view(view), "put 0 a two");
    (void)append_to(flume_of_view(view), "copy 0 a d");
    (void)append_to(flume_of_view(view), "delete 0 a");
    (void)append_to(flume_of_view(view), "copy 0 a e");
    expect_row(view, PLAIN, "d", "two");
    expect_row(view, PLAIN, "e", "none");
    expect_no_row(view, PLAIN, "a");
    close_views(*state);
}

static void deletes_take_effect_in_the_order_of_records(void **state)
{
    flume_view *view = open_script(*state);
    flume *handle = flume_of_view(view);

    for (unsigned table = 0; table < SUMMED; table++) {
        char text[64];

        /* Within a batch: put, delete, put; put, delete; and one that was never there. */
        (void)snprintf(text, sizeof text, "put %u a 1", table);
        (void)append_to(handle, text);
        (void)snprintf(text, sizeof text, "put %u b 1", table);
        (void)append_to(handle, text);
        (void)snprintf(text, sizeof text, "delete %u a", table);
        (void)append_to(handle, text);
        (void)snprintf(text, sizeof text, "delete %u b", table);
        (void)append_to(handle, text);
        (void)snprintf(text, sizeof text, "put %u a 2", table);
        (void)append_to(handle, text);
        (void)snprintf(text, sizeof text, "delete %u never", table);
        (void)append_to(handle, text);
        expect_row(view, table, "a", "2");
        expect_no_row(view, table, "b");
        /* Across batches. */
        (void)snprintf(text, sizeof text, "delete %u a", table);
        assert_int_equal(answer_to(view, text), FLUME_OK);
        expect_no_row(view, table, "a");
        (void)snprintf(text, sizeof text, "put %u a 3", table);
        assert_int_equal(answer_to(view, text), FLUME_OK);
        expect_row(view, table, "a", "3");
    }
    assert_int_equal(answer_to(view, "delete 2 a"), FLUME_ERR_INVALID);
    expect_view_error(handle, FLUME_ERR_INVALID, "script");
    close_views(*state);
}

static void the_last_put_wins_within_and_across_batches(void **state)
{
    flume_view *view = open_script(*state);
    flume *handle = flume_of_view(view);

    for (unsigned i = 0; i < 300; i++) {
        char text[64], value[24];

        (void)snprintf(value, sizeof value, "v%u", i);
        for (unsigned table = 0; table < SUMMED; table++) {
            (void)snprintf(text, sizeof text, "put %u key %s", table, value);
            (void)append_to(handle, text);
        }
        if (i % 7 == 0)
            for (unsigned table = 0; table < SUMMED; table++)
                expect_row(view, table, "key", value);
    }
    for (unsigned table = 0; table < SUMMED; table++)
        expect_row(view, table, "key", "v299");
    close_views(*state);
}

static void sums_over_many_batches_are_what_counting_gives(void **state)
{
    enum { KEYS = 50, ROUNDS = 3000 };
    flume_view *view = open_script(*state);
    flume *handle = flume_of_view(view);
    uint64_t expected[KEYS] = {0}, chance = 1;
    flume_rows *rows;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned key, number;
        char text[64];

        chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
        key = (unsigned)(chance >> 33) % KEYS;
        number = (unsigned)(chance >> 40) % 1000;
        expected[key] += number;
        (void)snprintf(text, sizeof text, "add 2 k%u %u", key, number);
        (void)append_to(handle, text);
        if (i % 97 == 0)
            assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
    }
    rows = read_view(view);
    for (unsigned key = 0; key < KEYS; key++) {
        char text[16];
        flume_bytes value;

        (void)snprintf(text, sizeof text, "k%u", key);
        assert_int_equal(flume_rows_get(rows, SUMMED, text, strlen(text), &value), FLUME_OK);
        assert_int_equal(as_number(value), expected[key]);
    }
    flume_rows_end(rows);
    close_views(*state);
}

static void a_merge_that_fails_fails_the_view(void **state)
{
    struct view_fixture *fx = *state;
    flume_view *view = open_script(fx);
    flume_view_status status;

    assert_int_equal(answer_to(view, "add 2 fine 1"), FLUME_OK);
    assert_int_equal(answer_to(view, "add 2 k 1"), FLUME_OK);
    (void)append_to(fx->flume, "value 2 24"); /* Three numbers do not add to one. */
    expect_wait(view, NULL, FLUME_ERR_VIEW, "summed");
    expect_view_error(fx->flume, FLUME_ERR_VIEW, "script");
    status = status_now(view);
    assert_int_equal(status.state, FLUME_VIEW_FAILED);
    assert_int_equal(status.synced_seq, 3);
    close_views(fx);
}

static void two_values_in_one_batch_that_do_not_merge_fail_the_view(void **state)
{
    struct view_fixture *fx = *state;
    flume_view *view;

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    view = open_script(fx);
    assert_int_equal(answer_to(view, "add 2 fine 1"), FLUME_OK);
    (void)append_to(fx->flume, "add 2 k 1");
    (void)append_to(fx->flume, "value 2 24");
    expect_wait(view, NULL, FLUME_ERR_VIEW, "summed");
    expect_view_error(fx->flume, FLUME_ERR_VIEW, "script");
    assert_int_equal(status_now(view).state, FLUME_VIEW_FAILED);
    close_views(fx);
}

/* ---- what a snapshot shows ---- */

enum { WHOLE = 7, BATCHES = 400 };

struct looking {
    flume_view *view;
    _Atomic bool stop;
    _Atomic unsigned looks, torn, wrong;
};

static void *look_for_halves(void *ctx)
{
    struct looking *looking = ctx;
    flume_ask asks[] = {{0}, {.flags = FLUME_ASK_STALE_OK}};

    for (unsigned i = 0; !atomic_load(&looking->stop); i++) {
        flume_bytes value;
        flume_rows *rows;
        uint64_t count = 0, rows_count = 0;
        int status = flume_view_read(looking->view, &asks[i % 2], &rows);

        if (status == FLUME_ERR_STALE)
            continue; /* Not built yet. */
        if (status != FLUME_OK) {
            (void)atomic_fetch_add(&looking->wrong, 1);
            continue;
        }
        if (flume_rows_get(rows, BY_COUNT, "all", 3, &value) == FLUME_OK)
            memcpy(&count, value.data, sizeof count);
        if (flume_rows_count(rows, BY_SEQ, &rows_count) != FLUME_OK || rows_count != count ||
            flume_rows_as_of(rows) != count + (flume_rows_as_of(rows) != 0))
            (void)atomic_fetch_add(&looking->wrong, 1);
        if (count % WHOLE != 0)
            (void)atomic_fetch_add(&looking->torn, 1);
        flume_rows_end(rows);
        (void)atomic_fetch_add(&looking->looks, 1);
    }
    return NULL;
}

static void never_show_halves(struct view_fixture *fx)
{
    struct recorder *recorder = open_recorder(fx);
    struct looking looking = {.view = view_named(fx->flume, "record")};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, look_for_halves, &looking), 0);
    for (unsigned i = 0; i < BATCHES; i++) {
        (void)append_numbered(flume_log_of(fx->flume), WHOLE);
        if (i % 10 == 0)
            assert_int_equal(flume_view_wait(looking.view, NULL), FLUME_OK);
    }
    assert_int_equal(counted(looking.view), WHOLE * BATCHES);
    while (atomic_load(&looking.looks) < 100)
        sleep_ns(SECOND_NS / 1000);
    atomic_store(&looking.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&looking.torn), 0);
    assert_int_equal(atomic_load(&looking.wrong), 0);
    expect_recorded(recorder, 1, WHOLE * BATCHES);
    close_recorder(fx, recorder);
}

static void a_batch_of_the_log_is_never_half_in_a_snapshot(void **state)
{
    never_show_halves(*state);
}

static void nor_where_nobody_but_who_asks_advances(void **state)
{
    struct view_fixture *fx = *state;

    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    never_show_halves(fx);
}

static void a_batch_of_the_log_is_kept_whole_where_apply_refuses_in_its_midst(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = open_recorder(fx);
    flume_view *view = view_named(fx->flume, "record");
    flume_rows *rows;

    (void)append_numbered(flume_log_of(fx->flume), WHOLE);
    assert_int_equal(counted(view), WHOLE);
    atomic_store(&recorder->refuse_seq, 1 + 2 * WHOLE + 3); /* In the third. */
    (void)append_numbered(flume_log_of(fx->flume), WHOLE);
    (void)append_numbered(flume_log_of(fx->flume), WHOLE);
    expect_wait(view, NULL, FLUME_ERR_VIEW, "record");
    rows = read_stale(view);
    assert_int_equal(flume_rows_as_of(rows), 1 + 2 * WHOLE);
    assert_int_equal(rows_in(rows, BY_SEQ), 2 * WHOLE);
    flume_rows_end(rows);
    close_recorder(fx, recorder);
}

static void nor_half_in_a_build_where_apply_refuses_in_its_midst(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("record", 1);
    flume_rows *rows;
    flume_view *view;

    open_views(fx);
    for (unsigned i = 0; i < 3; i++)
        (void)append_numbered(flume_log_of(fx->flume), WHOLE);
    close_views(fx);
    atomic_store(&recorder->refuse_seq, 1 + 2 * WHOLE + 3);
    define_view(fx, &recorder->definition);
    open_views(fx);
    view = view_named(fx->flume, "record");
    expect_wait(view, NULL, FLUME_ERR_VIEW, "record");
    rows = read_stale(view);
    assert_int_equal(flume_rows_as_of(rows), 1 + 2 * WHOLE);
    assert_int_equal(rows_in(rows, BY_SEQ), 2 * WHOLE);
    flume_rows_end(rows);
    close_recorder(fx, recorder);
}

static void a_snapshot_stays_as_it_is_while_the_view_goes_on(void **state)
{
    struct view_fixture *fx = *state;
    flume_view *view = open_script(fx);
    flume_rows *before, *after;

    (void)append_to(fx->flume, "put 0 a old");
    (void)append_to(fx->flume, "put 0 b old");
    before = read_view(view);
    (void)append_to(fx->flume, "put 0 a new");
    (void)append_to(fx->flume, "delete 0 b");
    (void)append_to(fx->flume, "put 0 c new");
    after = read_view(view);
    expect_rows(before, PLAIN, texts("a=old", "b=old"));
    assert_int_equal(flume_rows_as_of(before), 3);
    expect_rows(after, PLAIN, texts("a=new", "c=new"));
    assert_int_equal(flume_rows_as_of(after), 6);
    assert_int_equal(rows_in(before, PLAIN), 2);
    flume_rows_end(before);
    flume_rows_end(after);
    flume_rows_end(NULL);
    close_views(fx);
}

/* ---- reading rows ---- */

static flume_view *open_letters(struct view_fixture *fx)
{
    flume_view *view = open_script(fx);
    static const char *const letters[] = {"c", "a", "e", "cc", "b", "d"};

    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        char text[32];

        (void)snprintf(text, sizeof text, "put 1 %s %zu", letters[i], i);
        (void)append_to(fx->flume, text);
    }
    return view;
}

typedef int (*step)(flume_rows *rows, flume_bytes *out_key, flume_bytes *out_value);

static void expect_step(flume_rows *rows, step go, const char *key)
{
    flume_bytes found;
    int status = go(rows, &found, NULL);

    if (key == NULL) {
        assert_int_equal(status, FLUME_END);
        return;
    }
    assert_int_equal(status, FLUME_OK);
    assert_int_equal(found.bytes, strlen(key));
    assert_memory_equal(found.data, key, found.bytes);
}

static void rows_come_in_the_order_of_keys(void **state)
{
    flume_rows *rows = read_view(open_letters(*state));

    expect_rows(rows, COLLECTED, texts("a=1", "b=4", "c=0", "cc=3", "d=5", "e=2"));
    assert_int_equal(rows_in(rows, COLLECTED), 6);
    flume_rows_end(rows);
    close_views(*state);
}

static void seek_stands_at_the_first_key_from_there_on(void **state)
{
    static const struct {
        const char *from, *first, *next;
    } seeks[] = {{"", "a", "b"},    {"a", "a", "b"},  {"bb", "c", "cc"}, {"c", "c", "cc"},
                 {"c!", "cc", "d"}, {"e", "e", NULL}, {"f", NULL, NULL}, {"e!", NULL, NULL}};
    flume_rows *rows = read_view(open_letters(*state));

    for (size_t i = 0; i < sizeof seeks / sizeof seeks[0]; i++) {
        assert_int_equal(flume_rows_seek(rows, COLLECTED, seeks[i].from, strlen(seeks[i].from)),
                         FLUME_OK);
        expect_step(rows, flume_rows_next, seeks[i].first);
        expect_step(rows, flume_rows_next, seeks[i].next);
    }
    expect_step(rows, flume_rows_next, NULL); /* It stays at the end. */
    flume_rows_end(rows);
    close_views(*state);
}

static void seek_last_stands_at_the_last_key_below(void **state)
{
    static const struct {
        const char *below, *first, *next;
    } seeks[] = {{NULL, "e", "d"}, {"f", "e", "d"},  {"e", "d", "cc"},  {"cc", "c", "b"},
                 {"c", "b", "a"},  {"b", "a", NULL}, {"a", NULL, NULL}, {"A", NULL, NULL}};
    flume_rows *rows = read_view(open_letters(*state));

    for (size_t i = 0; i < sizeof seeks / sizeof seeks[0]; i++) {
        size_t bytes = seeks[i].below == NULL ? 0 : strlen(seeks[i].below);

        assert_int_equal(flume_rows_seek_last(rows, COLLECTED, seeks[i].below, bytes), FLUME_OK);
        expect_step(rows, flume_rows_previous, seeks[i].first);
        expect_step(rows, flume_rows_previous, seeks[i].next);
    }
    expect_step(rows, flume_rows_previous, NULL);
    flume_rows_end(rows);
    close_views(*state);
}

static void one_may_turn_round_in_a_table(void **state)
{
    flume_rows *rows = read_view(open_letters(*state));

    assert_int_equal(flume_rows_seek(rows, COLLECTED, "c", 1), FLUME_OK);
    expect_step(rows, flume_rows_next, "c");
    expect_step(rows, flume_rows_next, "cc");
    expect_step(rows, flume_rows_previous, "c");
    expect_step(rows, flume_rows_previous, "b");
    expect_step(rows, flume_rows_next, "c");
    flume_rows_end(rows);
    close_views(*state);
}

static void the_end_of_a_table_is_the_end_both_ways(void **state)
{
    flume_view *view = open_letters(*state);
    flume_rows *rows = read_view(view);
    flume_bytes key, value;

    assert_int_equal(flume_rows_next(rows, &key, &value), FLUME_END); /* Stands nowhere yet. */
    assert_int_equal(flume_rows_seek(rows, COLLECTED, "e", 1), FLUME_OK);
    expect_step(rows, flume_rows_next, "e");
    expect_step(rows, flume_rows_next, NULL);
    expect_step(rows, flume_rows_next, NULL);
    expect_step(rows, flume_rows_previous, NULL); /* Seek again. */
    assert_int_equal(flume_rows_seek_last(rows, COLLECTED, NULL, 0), FLUME_OK);
    expect_step(rows, flume_rows_previous, "e");
    flume_rows_end(rows);
    rows = read_view(view); /* One that was used before stands nowhere either. */
    assert_int_equal(flume_rows_next(rows, &key, &value), FLUME_END);
    assert_int_equal(flume_rows_previous(rows, &key, &value), FLUME_END);
    flume_rows_end(rows);
    close_views(*state);
}

static void an_empty_table_has_no_rows(void **state)
{
    flume_view *view = open_script(*state);
    flume_rows *rows = read_view(view);
    flume_bytes value;

    for (size_t table = 0; table < SCRIPT_TABLES; table++) {
        assert_int_equal(rows_in(rows, table), 0);
        expect_rows(rows, table, no_texts);
        assert_int_equal(flume_rows_seek(rows, table, "a", 1), FLUME_OK);
        expect_step(rows, flume_rows_next, NULL);
        assert_int_equal(flume_rows_seek_last(rows, table, "a", 1), FLUME_OK);
        expect_step(rows, flume_rows_previous, NULL);
        assert_int_equal(flume_rows_seek_last(rows, table, NULL, 0), FLUME_OK);
        expect_step(rows, flume_rows_previous, NULL);
        assert_int_equal(flume_rows_get(rows, table, "a", 1, &value), FLUME_ERR_NOT_FOUND);
        assert_int_equal(flume_rows_get(rows, table, "", 0, &value), FLUME_ERR_NOT_FOUND);
    }
    assert_int_equal(flume_rows_as_of(rows), 0);
    flume_rows_end(rows);
    close_views(*state);
}

static void a_key_longer_than_any_is_found_nowhere(void **state)
{
    static uint8_t key[600];
    flume_rows *rows = read_view(open_letters(*state));
    flume_bytes value;

    memset(key, 'c', sizeof key);
    assert_int_equal(flume_rows_get(rows, COLLECTED, key, sizeof key, &value), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_rows_seek(rows, COLLECTED, key, sizeof key), FLUME_OK);
    expect_step(rows, flume_rows_next, "d");
    assert_int_equal(flume_rows_seek_last(rows, COLLECTED, key, sizeof key), FLUME_OK);
    expect_step(rows, flume_rows_previous, "cc");
    flume_rows_end(rows);
    close_views(*state);
}

static void several_tables_are_read_by_turns(void **state)
{
    struct view_fixture *fx = *state;
    flume_view *view = open_letters(fx);
    flume_rows *rows;

    (void)append_to(fx->flume, "put 0 plain 1");
    (void)append_to(fx->flume, "add 2 sum 1");
    rows = read_view(view);
    assert_int_equal(flume_rows_seek(rows, COLLECTED, NULL, 0), FLUME_OK);
    expect_step(rows, flume_rows_next, "a");
    assert_int_equal(flume_rows_seek(rows, PLAIN, NULL, 0), FLUME_OK);
    expect_step(rows, flume_rows_next, "plain");
    expect_step(rows, flume_rows_next, NULL);
    assert_int_equal(flume_rows_seek(rows, SUMMED, NULL, 0), FLUME_OK);
    expect_step(rows, flume_rows_next, "sum");
    assert_int_equal(status_now(view).entries, 8);
    flume_rows_end(rows);
    close_views(fx);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        views_test(a_definition_that_breaks_a_rule_is_refused_by_name),
        views_test(a_definition_that_is_not_there_is_refused),
        views_test(unknown_options_are_refused),
        views_test(a_name_at_its_limits_is_taken),
        views_test(a_name_that_is_taken_twice_is_refused),
        views_test(the_name_of_a_built_in_view_is_taken),
        views_test(the_views_of_a_handle_are_listed_in_order),
        views_test(a_view_that_nobody_registered_is_not_found),
        views_test(a_basin_in_memory_has_views_too),
        views_test(apply_gets_each_record_once_and_in_order),
        views_test(what_was_applied_is_not_applied_again_after_reopening),
        views_test(a_view_of_all_but_manifests_passes_them_over),
        views_test(only_the_kinds_asked_for_are_applied),
        views_test(any_kind_means_manifests_too),
        views_test(a_view_moves_on_past_records_it_does_not_take),
        views_test(without_workers_a_view_moves_when_it_is_asked),
        views_test(with_workers_a_view_moves_by_itself),
        views_test(an_open_that_fails_fails_the_view_alone),
        views_test(a_view_that_begins_from_nothing_is_reset_first),
        views_test(keys_have_one_to_511_bytes),
        views_test(values_have_at_most_a_mebibyte_or_a_kibibyte_where_merged),
        views_test(a_table_that_is_not_there_is_refused),
        views_test(apply_reads_what_it_has_put_where_a_table_is_not_collected),
        views_test(deletes_take_effect_in_the_order_of_records),
        views_test(the_last_put_wins_within_and_across_batches),
        views_test(sums_over_many_batches_are_what_counting_gives),
        views_test(a_merge_that_fails_fails_the_view),
        views_test(two_values_in_one_batch_that_do_not_merge_fail_the_view),
        views_test(a_batch_of_the_log_is_never_half_in_a_snapshot),
        views_test(nor_where_nobody_but_who_asks_advances),
        views_test(a_batch_of_the_log_is_kept_whole_where_apply_refuses_in_its_midst),
        views_test(nor_half_in_a_build_where_apply_refuses_in_its_midst),
        views_test(a_snapshot_stays_as_it_is_while_the_view_goes_on),
        views_test(rows_come_in_the_order_of_keys),
        views_test(seek_stands_at_the_first_key_from_there_on),
        views_test(seek_last_stands_at_the_last_key_below),
        views_test(one_may_turn_round_in_a_table),
        views_test(the_end_of_a_table_is_the_end_both_ways),
        views_test(an_empty_table_has_no_rows),
        views_test(a_key_longer_than_any_is_found_nowhere),
        views_test(several_tables_are_read_by_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
