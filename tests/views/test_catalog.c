/*
 * test_catalog.c - declaring views: what is refused, what is kept, and who wins.
 */
#include "find_fixture.h"

#include "builtin.h"

enum { LISTED_BYTES = 4096 };

static flume_declaration a_field(const char *name, const char *path)
{
    flume_declaration declaration = {.what = FLUME_DECLARED_FIELD};

    (void)snprintf(declaration.name, sizeof declaration.name, "%s", name);
    (void)snprintf(declaration.path, sizeof declaration.path, "%s", path);
    return declaration;
}

static int add_declared(void *ctx, const flume_declaration *declaration)
{
    char *listed = ctx;
    size_t used = strlen(listed);

    (void)snprintf(listed + used, LISTED_BYTES - used, "%s.%u ", declaration->name,
                   (unsigned)declaration->version);
    return 0;
}

static void expect_declared(flume *handle, const char *expected)
{
    char listed[LISTED_BYTES] = "";

    assert_int_equal(catalog_each(handle, NULL, add_declared, listed), FLUME_OK);
    assert_string_equal(listed, expected);
}

static void a_declaration_is_kept_with_version_and_record(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration declaration = a_field("price", ".a.\"odd \\\" name\"[]"), kept;
    uint64_t seq = FLUME_SEQ_NONE;

    declaration.type = FLUME_FIELD_NUMBER;
    declaration.unique = true;
    (void)snprintf(declaration.label, sizeof declaration.label, "shop \"1\" \\");
    assert_int_equal(flume_view_declare(fx->handle, &declaration, &seq), FLUME_OK);
    assert_int_equal(flume_view_declaration(fx->handle, NULL, "price", &kept), FLUME_OK);
    assert_string_equal(kept.name, "price");
    assert_string_equal(kept.path, declaration.path);
    assert_string_equal(kept.label, declaration.label);
    assert_int_equal(kept.what, FLUME_DECLARED_FIELD);
    assert_int_equal(kept.type, FLUME_FIELD_NUMBER);
    assert_true(kept.unique);
    assert_int_equal(kept.version, 1);
    assert_int_equal(kept.record_seq, seq);
    find_reopen(fx);
    assert_int_equal(flume_view_declaration(fx->handle, NULL, "price", &kept), FLUME_OK);
    assert_int_equal(kept.record_seq, seq);
}

static void a_reduction_is_kept_as_declared(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration declaration = a_field("sold", ".price"), kept;

    declaration.what = FLUME_DECLARED_REDUCE;
    declaration.reduce = FLUME_REDUCE_SUM;
    (void)snprintf(declaration.by_path, sizeof declaration.by_path, ".shop");
    assert_int_equal(flume_view_declare(fx->handle, &declaration, NULL), FLUME_OK);
    assert_int_equal(flume_view_declaration(fx->handle, NULL, "sold", &kept), FLUME_OK);
    assert_int_equal(kept.what, FLUME_DECLARED_REDUCE);
    assert_int_equal(kept.reduce, FLUME_REDUCE_SUM);
    assert_string_equal(kept.by_path, ".shop");
    assert_false(kept.by_label);
}

static void the_longest_declaration_is_kept(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration declaration = {.what = FLUME_DECLARED_REDUCE, .reduce = FLUME_REDUCE_LAST};
    flume_declaration kept;

    memset(declaration.name, 'n', FLUME_VIEW_NAME_BYTES_MAX);
    memset(declaration.path, 'p', FLUME_PATH_BYTES_MAX);
    declaration.path[0] = '.';
    memset(declaration.by_path, '"', FLUME_PATH_BYTES_MAX);
    declaration.by_path[0] = '.';
    memset(declaration.by_path + 2, '/', FLUME_PATH_BYTES_MAX - 3);
    memset(declaration.label, '"', FLUME_LABEL_BYTES_MAX);
    assert_int_equal(flume_view_declare(fx->handle, &declaration, NULL), FLUME_OK);
    declaration.reduce = FLUME_REDUCE_MIN; /* And merged with another. */
    assert_int_equal(flume_view_declare(fx->handle, &declaration, NULL), FLUME_OK);
    assert_int_equal(flume_view_declaration(fx->handle, NULL, declaration.name, &kept), FLUME_OK);
    assert_string_equal(kept.path, declaration.path);
    assert_string_equal(kept.by_path, declaration.by_path);
    assert_string_equal(kept.label, declaration.label);
    assert_int_equal(kept.version, 2);
}

static void the_same_declaration_again_appends_nothing(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration declaration = a_field("f", ".f");
    uint64_t seq = declare_field(fx->handle, "f", ".f", FLUME_FIELD_ANY), again = 0;
    uint64_t head = flume_log_head(fx->log);

    declaration.by_label = true; /* Says nothing in a field. */
    declaration.version = 9;
    assert_int_equal(flume_view_declare(fx->handle, &declaration, &again), FLUME_OK);
    assert_int_equal(again, seq);
    assert_int_equal(flume_log_head(fx->log), head);
    expect_declared(fx->handle, "f.1 ");
}

static void each_change_is_another_version(void **state)
{
    struct find_fixture *fx = *state;

    (void)declare_field(fx->handle, "f", ".f", FLUME_FIELD_ANY);
    (void)declare_field(fx->handle, "f", ".g", FLUME_FIELD_ANY);
    (void)declare_field(fx->handle, "f", ".g", FLUME_FIELD_TEXT);
    (void)declare_field(fx->handle, "e", ".e", FLUME_FIELD_ANY);
    expect_declared(fx->handle, "e.1 f.3 ");
}

static void a_dropped_view_is_gone_and_comes_back_as_another_version(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration kept;
    flume_view *view = NULL;

    (void)declare_field(fx->handle, "f", ".f", FLUME_FIELD_ANY);
    assert_int_equal(flume_view_find(fx->handle, "f", &view), FLUME_OK);
    assert_int_equal(flume_view_drop(fx->handle, "f"), FLUME_OK);
    assert_int_equal(flume_view_find(fx->handle, "f", &view), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_view_declaration(fx->handle, NULL, "f", &kept), FLUME_ERR_NOT_FOUND);
    expect_declared(fx->handle, "");
    assert_int_equal(flume_view_drop(fx->handle, "f"), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_view_drop(fx->handle, "No name"), FLUME_ERR_NOT_FOUND);
    (void)declare_field(fx->handle, "f", ".f", FLUME_FIELD_ANY);
    expect_declared(fx->handle, "f.2 ");
}

static void names_of_built_in_and_registered_views_are_refused(void **state)
{
    struct find_fixture *fx = *state;
    static const char *const names[] = {"hash",  "label",    "catalog", "blob",
                                        "scope", "superset", "address"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        flume_declaration declaration = a_field(names[i], ".f");

        assert_int_equal(flume_view_declare(fx->handle, &declaration, NULL), FLUME_ERR_INVALID);
        expect_detail(fx->handle, FLUME_ERR_INVALID, names[i]);
        assert_int_equal(flume_view_drop(fx->handle, names[i]), FLUME_ERR_NOT_FOUND);
    }
}

static int apply_nothing(void *context, flume_batch *batch, const flume_record *record)
{
    (void)context;
    (void)batch;
    (void)record;
    return FLUME_OK;
}

static void the_name_of_a_view_of_the_program_is_refused(void **state)
{
    struct find_fixture *fx = *state;
    static const flume_view_table tables[] = {{"t", 0, NULL, NULL}};
    static const flume_view_definition own = {
        .name = "own", .version = 1, .tables = tables, .table_count = 1, .apply = apply_nothing};
    static const flume_view_definition *const definitions[] = {&own};
    flume_options options = {.definitions = definitions, .definition_count = 1};
    flume_declaration declaration = a_field("own", ".f");
    flume *handle = NULL;

    assert_int_equal(flume_open(&handle, fx->files->path, &options, NULL), FLUME_OK);
    assert_int_equal(flume_view_declare(handle, &declaration, NULL), FLUME_ERR_INVALID);
    close_flume(handle);
}

static void expect_refused(struct find_fixture *fx, const flume_declaration *declaration,
                           const char *word)
{
    uint64_t head = flume_log_head(fx->log);

    assert_int_equal(flume_view_declare(fx->handle, declaration, NULL), FLUME_ERR_INVALID);
    expect_detail(fx->handle, FLUME_ERR_INVALID, word);
    assert_int_equal(flume_log_head(fx->log), head);
}

static void a_declaration_that_breaks_a_rule_is_refused_with_the_reason(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration declaration = a_field("Upper", ".f");

    expect_refused(fx, &declaration, "name");
    declaration = a_field(".dot", ".f");
    expect_refused(fx, &declaration, "name");
    declaration = a_field("", ".f");
    expect_refused(fx, &declaration, "name");
    declaration = a_field("f", "f");
    expect_refused(fx, &declaration, "begins with '.'");
    declaration = a_field("f", ".f[x]");
    expect_refused(fx, &declaration, "']'");
    declaration = a_field("f", "");
    expect_refused(fx, &declaration, "path");
    declaration = a_field("f", ".\xff");
    expect_refused(fx, &declaration, "UTF-8");
    declaration = a_field("f", ".f");
    declaration.label[0] = '\n';
    expect_refused(fx, &declaration, "label");
    declaration = a_field("f", ".f");
    declaration.what = (enum flume_declared_what)3;
    expect_refused(fx, &declaration, "known");
    declaration.what = FLUME_DECLARED_FIELD;
    declaration.type = (enum flume_field_type)3;
    expect_refused(fx, &declaration, "type");
    memset(declaration.path, 'x', sizeof declaration.path);
    expect_refused(fx, &declaration, "too long");
    declaration = a_field("f", "");
    declaration.what = FLUME_DECLARED_REDUCE;
    expect_refused(fx, &declaration, "reduces");
    declaration.reduce = FLUME_REDUCE_SUM;
    expect_refused(fx, &declaration, "path");
    declaration.reduce = FLUME_REDUCE_COUNT;
    declaration.by_label = true;
    (void)snprintf(declaration.by_path, sizeof declaration.by_path, ".x");
    expect_refused(fx, &declaration, "both");
    declaration.by_label = false;
    declaration.by_path[0] = 'x';
    expect_refused(fx, &declaration, "begins with '.'");
}

static void a_record_that_declares_nothing_is_passed_over(void **state)
{
    struct find_fixture *fx = *state;
    static const char *const bodies[] = {
        "",
        "[]",
        "{\"name\":\"f\"}",
        "{\"name\":\"f\",\"what\":\"field\"}",
        "{\"name\":\"f\",\"what\":\"shield\",\"path\":\".f\"}",
        "{\"name\":\"f\",\"what\":\"field\",\"path\":\"f\"}",
        "{\"name\":\"f\",\"what\":\"field\",\"path\":5}",
        "{\"name\":\"F\",\"what\":\"field\",\"path\":\".f\"}",
        "{\"name\":\"f\",\"what\":\"field\",\"path\":\".f\\u0000\"}",
        "{\"name\":\"f\",\"what\":\"reduce\",\"reduce\":\"product\",\"path\":\".f\"}",
    };
    flume_declaration kept;

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        (void)append_kind(fx->log, FLUME_KIND_VIEW, bodies[i]);
    expect_declared(fx->handle, "");
    (void)append_kind(fx->log, FLUME_KIND_VIEW,
                      "{\"name\":\"f\",\"what\":\"field\",\"path\":\".f\",\"later\":1}");
    assert_int_equal(flume_view_declaration(fx->handle, NULL, "f", &kept), FLUME_OK);
    assert_int_equal(kept.version, 1);
}

static int stop_with(void *ctx, const flume_declaration *declaration)
{
    (void)declaration;
    return *(const int *)ctx;
}

static void a_callback_ends_the_listing_with_its_answer(void **state)
{
    struct find_fixture *fx = *state;
    int answer = 1;

    (void)declare_field(fx->handle, "f", ".f", FLUME_FIELD_ANY);
    (void)declare_field(fx->handle, "g", ".g", FLUME_FIELD_ANY);
    assert_int_equal(catalog_each(fx->handle, NULL, stop_with, &answer), 1);
}

/* ---- at once ---- */

enum { DECLARERS = 4, DECLARATIONS = 25, ALIKE = 12 };

struct declarer {
    flume *handle;
    unsigned number;
    pthread_barrier_t *together; /* NULL: each as fast as it can. */
    int status;
};

static void *declare_many(void *ctx)
{
    struct declarer *declarer = ctx;

    for (unsigned i = 0; i < DECLARATIONS && declarer->status == FLUME_OK; i++) {
        flume_declaration declaration = {
            .what = FLUME_DECLARED_REDUCE, .reduce = FLUME_REDUCE_COUNT, .name = "shared"};

        (void)snprintf(declaration.label, sizeof declaration.label, "%u-%u", declarer->number, i);
        declarer->status = flume_view_declare(declarer->handle, &declaration, NULL);
    }
    return NULL;
}

static void *declare_alike(void *ctx)
{
    struct declarer *declarer = ctx;

    for (unsigned i = 0; i < ALIKE; i++) {
        flume_declaration declaration = {.what = FLUME_DECLARED_REDUCE,
                                         .reduce = FLUME_REDUCE_COUNT};
        int status;

        (void)snprintf(declaration.name, sizeof declaration.name, "same-%u", i);
        (void)pthread_barrier_wait(declarer->together);
        status = flume_view_declare(declarer->handle, &declaration, NULL);
        declarer->status = declarer->status == FLUME_OK ? status : declarer->status;
    }
    return NULL;
}

static int expect_first_version(void *ctx, const flume_declaration *declaration)
{
    assert_int_equal(declaration->version, 1);
    (*(unsigned *)ctx)++;
    return 0;
}

static void a_view_that_many_declare_alike_at_once_is_declared_once(void **state)
{
    struct find_fixture *fx = *state;
    struct declarer declarers[DECLARERS];
    pthread_t threads[DECLARERS];
    pthread_barrier_t together;
    unsigned count = 0;

    assert_int_equal(pthread_barrier_init(&together, NULL, DECLARERS), 0);
    for (unsigned i = 0; i < DECLARERS; i++)
        declarers[i] = (struct declarer){.handle = open_flume(fx, FLUME_VIEWS_NO_WORKERS),
                                         .together = &together};
    for (unsigned i = 0; i < DECLARERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, declare_alike, &declarers[i]), 0);
    for (unsigned i = 0; i < DECLARERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(declarers[i].status, FLUME_OK);
    }
    for (unsigned i = 0; i < DECLARERS; i++)
        close_flume(declarers[i].handle);
    assert_int_equal(catalog_each(fx->handle, NULL, expect_first_version, &count), FLUME_OK);
    assert_int_equal(count, ALIKE);
    (void)pthread_barrier_destroy(&together);
}

static void declarations_at_once_each_get_a_version(void **state)
{
    struct find_fixture *fx = *state;
    struct declarer declarers[DECLARERS];
    pthread_t threads[DECLARERS];
    flume_declaration kept;

    for (unsigned i = 0; i < DECLARERS; i++) {
        declarers[i] =
            (struct declarer){.handle = open_flume(fx, FLUME_VIEWS_NO_WORKERS), .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, declare_many, &declarers[i]), 0);
    }
    for (unsigned i = 0; i < DECLARERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(declarers[i].status, FLUME_OK);
        close_flume(declarers[i].handle);
    }
    assert_int_equal(flume_view_declaration(fx->handle, NULL, "shared", &kept), FLUME_OK);
    assert_int_equal(kept.version, DECLARERS * DECLARATIONS);
    verify_view(fx, "catalog");
}

static void a_view_declared_in_one_handle_is_found_in_another(void **state)
{
    struct find_fixture *fx = *state;
    flume *other = open_flume(fx, 0);
    flume_view *view = NULL;

    (void)declare_field(other, "f", ".f", FLUME_FIELD_ANY);
    assert_int_equal(flume_view_find(fx->handle, "f", &view), FLUME_OK);
    assert_int_equal(flume_view_definition_of(view)->version, 1);
    (void)declare_field(fx->handle, "f", ".g", FLUME_FIELD_ANY);
    assert_int_equal(flume_view_find(other, "f", &view), FLUME_OK);
    assert_int_equal(flume_view_definition_of(view)->version, 2);
    close_flume(other);
    rebuild_view(fx, "catalog");
    expect_declared(fx->handle, "f.2 ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        find_test(a_declaration_is_kept_with_version_and_record),
        find_test(a_reduction_is_kept_as_declared),
        find_test(the_longest_declaration_is_kept),
        find_test(the_same_declaration_again_appends_nothing),
        find_test(each_change_is_another_version),
        find_test(a_dropped_view_is_gone_and_comes_back_as_another_version),
        find_test(names_of_built_in_and_registered_views_are_refused),
        find_test(the_name_of_a_view_of_the_program_is_refused),
        find_test(a_declaration_that_breaks_a_rule_is_refused_with_the_reason),
        find_test(a_record_that_declares_nothing_is_passed_over),
        find_test(a_callback_ends_the_listing_with_its_answer),
        find_test(a_view_that_many_declare_alike_at_once_is_declared_once),
        find_test(declarations_at_once_each_get_a_version),
        find_test(a_view_declared_in_one_handle_is_found_in_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
