/*
 * test_query.c - what a query gives is what a scan with the same test gives.
 *
 * The test on a record is written here a second time, on what the records were made of, without
 * JSON, keys or indexes.
 */
#include "find_fixture.h"

#include <inttypes.h>

#include "query.h"

/* ---- records of which everything is known ---- */

enum made_type { MADE_NONE, MADE_NULL, MADE_FALSE, MADE_TRUE, MADE_NUMBER, MADE_TEXT };

/* A value: as JSON, as people write it in a term, and as what it is. */
struct made_value {
    enum made_type type;
    const char *json;
    const char *written;
    long double number;
};

#define XS50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define XS450 XS50 XS50 XS50 XS50 XS50 XS50 XS50 XS50 XS50

/* In their order within a type. */
static const struct made_value values[] = {
    {MADE_NULL, "null", "null", 0},
    {MADE_FALSE, "false", "false", 0},
    {MADE_TRUE, "true", "true", 0},
    {MADE_NUMBER, "-7", "-7", -7},
    {MADE_NUMBER, "-1.5", "-1.5", -1.5L},
    {MADE_NUMBER, "0", "0", 0},
    {MADE_NUMBER, "3", "3.0", 3},
    {MADE_NUMBER, "9007199254740992", "9007199254740992", 9007199254740992.0L},
    {MADE_NUMBER, "9007199254740993", "9007199254740993", 9007199254740993.0L},
    {MADE_NUMBER, "1e300", "1e300", 1e300L},
    {MADE_TEXT, "\"a\"", "a", 0},
    {MADE_TEXT, "\"aa\"", "aa", 0},
    {MADE_TEXT, "\"ab\"", "ab", 0},
    {MADE_TEXT, "\"b\"", "b", 0},
    {MADE_TEXT, "\"" XS450 "\"", XS450, 0},
    {MADE_TEXT, "\"" XS450 "a\"", XS450 "a", 0},
    {MADE_TEXT, "\"" XS450 "b\"", XS450 "b", 0},
    {MADE_TEXT, "\"\\u00fc\"", "\xc3\xbc", 0},
};

enum {
    VALUES = sizeof values / sizeof values[0],
    LABELS = 5,
    TAGS_MAX = 3,
    RECORDS_MAX = 4000,
    BODY_BYTES = 4000
};

static const char *const labels[LABELS] = {"l0", "l1", "l2", "l3", "rare"};

struct made_record {
    uint64_t seq;
    unsigned labels;        /* Bits. */
    size_t any, number, id; /* Indexes of values; SIZE_MAX: none. */
    size_t tags[TAGS_MAX];
    size_t tag_count;
};

struct model {
    struct made_record records[RECORDS_MAX];
    size_t count;
    uint64_t random;
};

/* The fields: "any" at .any, "number" at .number (numbers only), "tag" at .tags[] (texts only),
 * "id" at .id (unique), "in" at .any of records labelled l0. */
static void declare_fields(flume *handle)
{
    flume_declaration id = {
        .name = "id", .what = FLUME_DECLARED_FIELD, .path = ".id", .unique = true};
    flume_declaration in = {
        .name = "in", .what = FLUME_DECLARED_FIELD, .path = ".any", .label = "l0"};

    (void)declare_field(handle, "any", ".any", FLUME_FIELD_ANY);
    (void)declare_field(handle, "number", ".number", FLUME_FIELD_NUMBER);
    (void)declare_field(handle, "tag", ".tags[]", FLUME_FIELD_TEXT);
    assert_int_equal(flume_view_declare(handle, &id, NULL), FLUME_OK);
    assert_int_equal(flume_view_declare(handle, &in, NULL), FLUME_OK);
}

static size_t random_value(struct model *model)
{
    return random_below(&model->random, 4) == 0 ? SIZE_MAX : random_below(&model->random, VALUES);
}

static void put_member(char *body, const char *name, size_t value)
{
    size_t used = strlen(body);

    if (value != SIZE_MAX)
        (void)snprintf(body + used, BODY_BYTES - used, "%s\"%s\":%s", used > 1 ? "," : "", name,
                       values[value].json);
}

static void put_tags(char *body, const struct made_record *made)
{
    size_t used = strlen(body);

    used += (size_t)snprintf(body + used, BODY_BYTES - used, "%s\"tags\":[", used > 1 ? "," : "");
    for (size_t i = 0; i < made->tag_count; i++)
        used += (size_t)snprintf(body + used, BODY_BYTES - used, "%s%s", i > 0 ? "," : "",
                                 values[made->tags[i]].json);
    (void)snprintf(body + used, BODY_BYTES - used, "]}");
}

/* Make a record up, and append it. */
static void append_made(struct model *model, flume_log *log)
{
    struct made_record *made = &model->records[model->count];
    const char *carried[LABELS];
    char body[BODY_BYTES] = "{";
    flume_entry entry = {.body = body, .labels = carried, .codec = FLUME_CODEC_JSON};

    assert_true(model->count < RECORDS_MAX);
    *made = (struct made_record){.any = random_value(model),
                                 .number = random_value(model),
                                 .id = random_value(model),
                                 .tag_count = random_below(&model->random, TAGS_MAX + 1)};
    for (size_t i = 0; i < made->tag_count; i++)
        made->tags[i] = random_below(&model->random, VALUES);
    for (unsigned i = 0; i < LABELS; i++) {
        if (random_below(&model->random, i == LABELS - 1 ? 50 : 3) == 0) {
            made->labels |= 1u << i;
            carried[entry.label_count++] = labels[i];
        }
    }
    put_member(body, "any", made->any);
    put_member(body, "number", made->number);
    put_member(body, "id", made->id);
    put_tags(body, made);
    if (random_below(&model->random, 10) == 0) { /* Not JSON at all. */
        body[strlen(body) - 1] = '\0';
        made->any = made->number = made->id = SIZE_MAX;
        made->tag_count = 0;
    }
    entry.body_bytes = strlen(body);
    assert_int_equal(flume_log_append_entry(log, &entry, &made->seq), FLUME_OK);
    model->count++;
}

/* ---- terms, and the test written a second time ---- */

enum { TERMS_MAX = 15 };

struct made_term {
    flume_term terms[TERMS_MAX];
    size_t from[TERMS_MAX], to[TERMS_MAX]; /* Indexes of values; SIZE_MAX: none. */
    unsigned label[TERMS_MAX];
    unsigned prefix_bytes[TERMS_MAX];
    char prefix[TERMS_MAX][512];
    size_t count;
};

static int class_of(size_t value)
{
    return values[value].type == MADE_FALSE ? MADE_TRUE : (int)values[value].type;
}

static int compare_made(size_t one, size_t other)
{
    if (values[one].type == MADE_NUMBER)
        return (values[one].number > values[other].number) -
               (values[one].number < values[other].number);
    if (values[one].type == MADE_TEXT)
        return strcmp(values[one].written, values[other].written);
    return (int)values[one].type - (int)values[other].type;
}

/* A value that a term of this field may have. */
static size_t value_for(struct model *model, const char *field)
{
    size_t value;

    do
        value = random_below(&model->random, VALUES);
    while ((strcmp(field, "number") == 0 && values[value].type != MADE_NUMBER) ||
           (strcmp(field, "tag") == 0 && values[value].type != MADE_TEXT));
    return value;
}

static void make_leaf(struct model *model, struct made_term *made, size_t index)
{
    static const char *const fields[] = {"any", "number", "tag", "id", "in"};
    flume_term *term = &made->terms[index];
    unsigned sort = random_below(&model->random, 10);

    term->field = fields[random_below(&model->random, 5)];
    if (sort < 3) {
        made->label[index] = random_below(&model->random, LABELS);
        *term = (flume_term){.what = FLUME_TERM_LABEL, .from = labels[made->label[index]]};
    } else if (sort < 6) {
        made->from[index] = value_for(model, term->field);
        term->what = FLUME_TERM_EQUAL;
        term->from = values[made->from[index]].written;
    } else if (sort < 9 || strcmp(term->field, "number") == 0) {
        term->what = FLUME_TERM_RANGE;
        made->from[index] = value_for(model, term->field);
        do
            made->to[index] = value_for(model, term->field);
        while (class_of(made->from[index]) != class_of(made->to[index]));
        if (random_below(&model->random, 3) == 0)
            made->from[index] = SIZE_MAX;
        if (random_below(&model->random, 3) == 0)
            made->to[index] = SIZE_MAX;
        term->from = made->from[index] != SIZE_MAX ? values[made->from[index]].written : "";
        term->to = made->to[index] != SIZE_MAX ? values[made->to[index]].written : NULL;
    } else {
        const char *written = values[VALUES - 1 - random_below(&model->random, 8)].written;

        term->what = FLUME_TERM_PREFIX;
        made->prefix_bytes[index] = random_below(&model->random, (unsigned)strlen(written) + 1);
        memcpy(made->prefix[index], written, made->prefix_bytes[index]);
        made->prefix[index][made->prefix_bytes[index]] = '\0';
        term->from = made->prefix[index];
    }
}

static const flume_term *make_term(struct model *model, struct made_term *made, unsigned depth)
{
    size_t index = made->count++;
    flume_term *term = &made->terms[index];

    *term = (flume_term){.what = FLUME_TERM_AND};
    made->from[index] = made->to[index] = SIZE_MAX;
    if (depth == 1 || random_below(&model->random, 4) == 0) {
        make_leaf(model, made, index);
        return term;
    }
    if (random_below(&model->random, 2) == 0)
        term->what = FLUME_TERM_OR;
    term->left = make_term(model, made, depth - 1);
    term->right = make_term(model, made, depth - 1);
    return term;
}

static bool value_fits(const struct made_term *made, size_t index, size_t value)
{
    size_t from = made->from[index], to = made->to[index];
    size_t end = from != SIZE_MAX ? from : to;

    switch (made->terms[index].what) {
    case FLUME_TERM_EQUAL:
        return class_of(value) == class_of(from) && compare_made(value, from) == 0;
    case FLUME_TERM_RANGE:
        return end == SIZE_MAX || (class_of(value) == class_of(end) &&
                                   (from == SIZE_MAX || compare_made(value, from) >= 0) &&
                                   (to == SIZE_MAX || compare_made(value, to) <= 0));
    default:
        return values[value].type == MADE_TEXT &&
               strncmp(values[value].written, made->prefix[index], made->prefix_bytes[index]) == 0;
    }
}

/* Whether a later record of those as of now has the same id. */
static bool is_superseded(const struct model *model, const struct made_record *record)
{
    for (const struct made_record *later = record + 1; later < model->records + model->count;
         later++) {
        if (later->id != SIZE_MAX && class_of(later->id) == class_of(record->id) &&
            compare_made(later->id, record->id) == 0)
            return true;
    }
    return false;
}

static bool field_fits(const struct model *model, const struct made_term *made, size_t index,
                       const struct made_record *record)
{
    const char *field = made->terms[index].field;
    bool fits = false;

    if (strcmp(field, "any") == 0)
        return record->any != SIZE_MAX && value_fits(made, index, record->any);
    if (strcmp(field, "in") == 0)
        return (record->labels & 1) != 0 && record->any != SIZE_MAX &&
               value_fits(made, index, record->any);
    if (strcmp(field, "number") == 0)
        return record->number != SIZE_MAX && values[record->number].type == MADE_NUMBER &&
               value_fits(made, index, record->number);
    if (strcmp(field, "id") == 0)
        return record->id != SIZE_MAX && value_fits(made, index, record->id) &&
               !is_superseded(model, record);
    for (size_t i = 0; i < record->tag_count; i++)
        fits = fits || (values[record->tags[i]].type == MADE_TEXT &&
                        value_fits(made, index, record->tags[i]));
    return fits;
}

static bool record_fits(const struct model *model, const struct made_term *made,
                        const flume_term *term, const struct made_record *record)
{
    size_t index = (size_t)(term - made->terms);

    if (term->what == FLUME_TERM_AND)
        return record_fits(model, made, term->left, record) &&
               record_fits(model, made, term->right, record);
    if (term->what == FLUME_TERM_OR)
        return record_fits(model, made, term->left, record) ||
               record_fits(model, made, term->right, record);
    if (term->what == FLUME_TERM_LABEL)
        return (record->labels & 1u << made->label[index]) != 0;
    return field_fits(model, made, index, record);
}

/* ---- comparing ---- */

static void print_term(const flume_term *term)
{
    static const char *const words[] = {"?", "label", "equal", "range", "prefix", "and", "or"};

    print_message("(%s %s %.8s %.8s", words[term->what], term->field != NULL ? term->field : "",
                  term->from != NULL ? term->from : "", term->to != NULL ? term->to : "");
    if (term->left != NULL) {
        print_term(term->left);
        print_term(term->right);
    }
    print_message(")");
}

static void fail_term(const flume_term *term, flume_query *query, const char *what, uint64_t seq)
{
    flume_explanation explanation;

    flume_query_explain(query, &explanation);
    print_term(term);
    fail_msg("\n%s\n%s %" PRIu64, explanation.text, what, seq);
}

/* A query gives what fits, of all records or of those from a seq on. */
static void expect_as_modelled(const struct model *model, const struct made_term *made,
                               const flume_term *term, flume_query *query)
{
    flume_explanation explanation;
    flume_record record;
    uint64_t given = 0;
    int status = FLUME_OK;

    for (size_t i = 0; i < model->count; i++) {
        if (!record_fits(model, made, term, &model->records[i]))
            continue;
        status = flume_query_next(query, &record);
        if (status != FLUME_OK)
            fail_term(term, query, "ends instead of giving", model->records[i].seq);
        if (record.seq < model->records[i].seq)
            fail_term(term, query, "also gives", record.seq);
        if (record.seq > model->records[i].seq)
            fail_term(term, query, "leaves out", model->records[i].seq);
        given++;
    }
    status = flume_query_next(query, &record);
    if (status == FLUME_OK)
        fail_term(term, query, "also gives", record.seq);
    assert_int_equal(status, FLUME_END);
    flume_query_explain(query, &explanation);
    assert_int_equal(explanation.records_given, given);
    assert_true(explanation.records_read >= given);
}

static void try_terms(struct model *model, flume *handle, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        static const size_t bounds[] = {QUERY_CANDIDATES_MAX, 20};
        struct made_term made = {.count = 0};
        const flume_term *term = make_term(model, &made, 1 + random_below(&model->random, 3));

        for (size_t b = 0; b < 2; b++) {
            flume_query *query = NULL;
            int status = query_open_bounded(handle, NULL, term, bounds[b], &query);

            if (status != FLUME_OK) {
                flume_error error;

                flume_last_error(handle, &error);
                print_term(term);
                fail_msg("%s", error.message);
            }
            expect_as_modelled(model, &made, term, query);
            flume_query_close(query);
        }
    }
}

static void random_terms_give_what_a_scan_gives(void **state)
{
    struct find_fixture *fx = *state;
    struct model *model = calloc(1, sizeof *model);
    flume *other;

    assert_non_null(model);
    model->random = random_seed();
    declare_fields(fx->handle);
    try_terms(model, fx->handle, 20); /* Of an empty log. */
    for (unsigned i = 0; i < 300; i++)
        append_made(model, fx->log);
    try_terms(model, fx->handle, 400);
    find_reopen(fx);
    try_terms(model, fx->handle, 50);
    other = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    for (unsigned i = 0; i < 1000; i++) {
        append_made(model, i % 2 == 0 ? fx->log : flume_log_of(other));
        if (i % 20 == 0)
            try_terms(model, i % 3 == 0 ? other : fx->handle, 3);
    }
    close_flume(other);
    rebuild_view(fx, "id");
    rebuild_view(fx, "tag");
    try_terms(model, fx->handle, 100);
    free(model);
}

static void a_live_query_goes_on_with_what_is_appended(void **state)
{
    struct find_fixture *fx = *state;
    flume_term term = {.what = FLUME_TERM_LABEL, .from = "l"};
    flume_query *query = NULL;
    flume_record record;
    uint64_t seq = append_json_with(fx->log, "1", "l", NULL);

    assert_int_equal(flume_query_open(fx->handle, NULL, &term, &query), FLUME_OK);
    assert_int_equal(flume_query_live(query, 0), FLUME_OK);
    assert_int_equal(flume_query_next(query, &record), FLUME_OK);
    assert_int_equal(record.seq, seq);
    assert_int_equal(flume_query_next(query, &record), FLUME_ERR_TIMEOUT);
    for (unsigned i = 0; i < 20; i++) {
        (void)append_json(fx->log, "between");
        seq = append_json_with(fx->log, "2", "l", NULL);
        assert_int_equal(flume_query_next(query, &record), FLUME_OK);
        assert_int_equal(record.seq, seq);
        assert_true(record_is(&record, "2"));
        assert_int_equal(flume_query_next(query, &record), FLUME_ERR_TIMEOUT);
    }
    flume_query_close(query);
}

static void a_query_that_has_ended_can_be_made_live(void **state)
{
    struct find_fixture *fx = *state;
    flume_term term = {.what = FLUME_TERM_EQUAL, .field = "v", .from = "1"};
    flume_query *query = NULL;
    flume_record record;
    uint64_t seq;

    (void)declare_field(fx->handle, "v", ".", FLUME_FIELD_ANY);
    assert_int_equal(flume_query_open(fx->handle, NULL, &term, &query), FLUME_OK);
    assert_int_equal(flume_query_next(query, &record), FLUME_END);
    seq = append_json(fx->log, "1");
    assert_int_equal(flume_query_next(query, &record), FLUME_END);
    assert_int_equal(flume_query_live(query, SECOND_NS / 100), FLUME_OK);
    assert_int_equal(flume_query_next(query, &record), FLUME_OK);
    assert_int_equal(record.seq, seq);
    assert_int_equal(flume_query_next(query, &record), FLUME_ERR_TIMEOUT);
    flume_query_close(query);
}

static void a_live_query_of_a_unique_field_gives_each_newest_record(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration id = {
        .name = "id", .what = FLUME_DECLARED_FIELD, .path = ".", .unique = true};
    flume_term term = {.what = FLUME_TERM_EQUAL, .field = "id", .from = "1"};
    flume_query *query = NULL;
    flume_record record;
    uint64_t seq;

    assert_int_equal(flume_view_declare(fx->handle, &id, NULL), FLUME_OK);
    (void)append_json(fx->log, "1");
    seq = append_json(fx->log, "1");
    assert_int_equal(flume_query_open(fx->handle, NULL, &term, &query), FLUME_OK);
    assert_int_equal(flume_query_live(query, 0), FLUME_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(flume_query_next(query, &record), FLUME_OK);
        assert_int_equal(record.seq, seq);
        assert_int_equal(flume_query_next(query, &record), FLUME_ERR_TIMEOUT);
        (void)append_json(fx->log, "2");
        seq = append_json(fx->log, "1");
    }
    flume_query_close(query);
}

static void *append_soon(void *ctx)
{
    for (unsigned i = 0; i < 200; i++)
        (void)append_json(ctx, i == 150 ? "1" : "0");
    return NULL;
}

static void a_live_query_waits_for_what_fits(void **state)
{
    struct find_fixture *fx = *state;
    flume_term term = {.what = FLUME_TERM_EQUAL, .field = "v", .from = "1"};
    flume_query *query = NULL;
    flume_record record;
    pthread_t thread;

    (void)declare_field(fx->handle, "v", ".", FLUME_FIELD_NUMBER);
    assert_int_equal(flume_query_open(fx->handle, NULL, &term, &query), FLUME_OK);
    assert_int_equal(flume_query_live(query, PATIENCE_NS), FLUME_OK);
    assert_int_equal(pthread_create(&thread, NULL, append_soon, fx->log), 0);
    assert_int_equal(flume_query_next(query, &record), FLUME_OK);
    assert_true(record_is(&record, "1"));
    assert_int_equal(pthread_join(thread, NULL), 0);
    flume_query_close(query);
}

/* ---- how it is answered ---- */

static void explain(flume *handle, const flume_term *term, flume_explanation *out_explanation)
{
    flume_query *query = NULL;
    flume_record record;
    int status;

    assert_int_equal(flume_query_open(handle, NULL, term, &query), FLUME_OK);
    while ((status = flume_query_next(query, &record)) == FLUME_OK)
        ;
    assert_int_equal(status, FLUME_END);
    flume_query_explain(query, out_explanation);
    flume_query_close(query);
}

static void the_cheaper_index_is_read(void **state)
{
    struct find_fixture *fx = *state;
    flume_term rare = {.what = FLUME_TERM_LABEL, .from = "rare"};
    flume_term often = {.what = FLUME_TERM_EQUAL, .field = "v", .from = "1"};
    flume_term all = {.what = FLUME_TERM_RANGE, .field = "v"};
    flume_term both = {.what = FLUME_TERM_AND, .left = &often, .right = &rare};
    flume_term either = {.what = FLUME_TERM_OR, .left = &both, .right = &rare};
    flume_explanation explanation;

    (void)declare_field(fx->handle, "v", ".", FLUME_FIELD_NUMBER);
    for (unsigned i = 0; i < 1500; i++)
        (void)append_json_with(fx->log, i % 2 == 0 ? "1" : "2", i % 500 == 0 ? "rare" : NULL, NULL);
    explain(fx->handle, &both, &explanation);
    assert_int_equal(explanation.candidates, 3);
    assert_int_equal(explanation.records_read, 3);
    assert_int_equal(explanation.records_given, 3);
    assert_int_equal(explanation.as_of, flume_log_head(fx->log));
    assert_non_null(strstr(explanation.text, "source: the index of label rare"));
    both.right = &all;
    explain(fx->handle, &both, &explanation);
    assert_int_equal(explanation.candidates, 750);
    assert_non_null(strstr(explanation.text, "1000 rows or more"));
    assert_non_null(strstr(explanation.text, "750 rows"));
    both.right = &rare;
    explain(fx->handle, &either, &explanation);
    assert_int_equal(explanation.candidates, 6);
    assert_int_equal(explanation.records_read, 3); /* Each once. */
    explain(fx->handle, &all, &explanation);
    assert_int_equal(explanation.records_given, 1500);
}

static void a_query_is_answered_as_of_its_opening(void **state)
{
    struct find_fixture *fx = *state;
    flume_term term = {.what = FLUME_TERM_LABEL, .from = "l"};
    flume_query *query = NULL;
    flume_explanation explanation;
    flume_record record;
    uint64_t seq = append_json_with(fx->log, "1", "l", NULL), head = flume_log_head(fx->log);

    assert_int_equal(flume_query_open(fx->handle, NULL, &term, &query), FLUME_OK);
    (void)append_json_with(fx->log, "2", "l", NULL);
    assert_int_equal(flume_query_next(query, &record), FLUME_OK);
    assert_int_equal(record.seq, seq);
    assert_int_equal(flume_query_next(query, &record), FLUME_END);
    flume_query_explain(query, &explanation);
    assert_int_equal(explanation.as_of, head);
    flume_query_close(query);
}

static void a_damaged_record_is_told_and_passed(void **state)
{
    struct find_fixture *fx = *state;
    flume_term term = {.what = FLUME_TERM_LABEL, .from = "l"};
    uint64_t first = append_json_with(fx->log, "\"first\"", "l", NULL);
    uint64_t second = append_json_with(fx->log, "\"second\"", "l", NULL);
    flume_query *query = NULL;
    flume_record record;
    uint8_t bytes[256];
    uint64_t at;
    const char *path;

    (void)append_json_with(fx->log, "\"third\"", "l", NULL);
    assert_int_equal(flume_query_open(fx->handle, NULL, &term, &query), FLUME_OK);
    assert_int_equal(flume_log_get(fx->log, second, &record), FLUME_OK);
    path = strata_path(fx->files, "basin.flume", record.strata_seq);
    at = record.offset;
    flume_record_release(&record);
    read_file(path, at, bytes, sizeof bytes);
    for (size_t i = 0; i + 8 < sizeof bytes; i++) {
        if (memcmp(bytes + i, "\"second\"", 8) == 0)
            write_file(path, at + i, "\"Second\"", 8);
    }
    assert_int_equal(flume_query_next(query, &record), FLUME_OK);
    assert_int_equal(record.seq, first);
    assert_int_equal(flume_query_next(query, &record), FLUME_ERR_DAMAGED);
    assert_int_equal(flume_query_next(query, &record), FLUME_OK);
    assert_true(record_is(&record, "\"third\""));
    assert_int_equal(flume_query_next(query, &record), FLUME_END);
    flume_query_close(query);
}

/* ---- what is refused ---- */

static void expect_refused(flume *handle, const flume_term *term, const char *word)
{
    flume_query *query = NULL;

    assert_int_equal(flume_query_open(handle, NULL, term, &query), FLUME_ERR_INVALID);
    assert_null(query);
    expect_detail(handle, FLUME_ERR_INVALID, word);
}

static void a_term_that_means_nothing_is_refused_with_the_reason(void **state)
{
    struct find_fixture *fx = *state;
    flume_term term = {.what = FLUME_TERM_EQUAL, .field = "n", .from = "word"};

    (void)declare_field(fx->handle, "n", ".n", FLUME_FIELD_NUMBER);
    (void)declare_field(fx->handle, "a", ".a", FLUME_FIELD_ANY);
    expect_refused(fx->handle, &term, "word");
    term.from = NULL;
    expect_refused(fx->handle, &term, "value");
    term = (flume_term){.what = FLUME_TERM_PREFIX, .field = "n", .from = "1"};
    expect_refused(fx->handle, &term, "prefix");
    term = (flume_term){.what = FLUME_TERM_RANGE, .field = "a", .from = "1", .to = "word"};
    expect_refused(fx->handle, &term, "different types");
    term = (flume_term){.what = FLUME_TERM_RANGE, .from = "1"};
    expect_refused(fx->handle, &term, "name of a field");
    term = (flume_term){.what = FLUME_TERM_LABEL};
    expect_refused(fx->handle, &term, "label");
    term = (flume_term){.what = FLUME_TERM_AND};
    expect_refused(fx->handle, &term, "missing");
    term = (flume_term){.what = (enum flume_term_what)7};
    expect_refused(fx->handle, &term, "sort");
}

static void a_term_that_is_too_large_is_refused(void **state)
{
    enum { DEEP = 70, FIELDS = 40 };
    struct find_fixture *fx = *state;
    flume_term leaf = {.what = FLUME_TERM_LABEL, .from = "l"};
    flume_term deep[DEEP], wide[2 * FIELDS];
    char names[FIELDS][16];
    const flume_term *root = &leaf;

    for (unsigned i = 0; i < DEEP; i++) {
        deep[i] = (flume_term){.what = FLUME_TERM_AND, .left = root, .right = &leaf};
        root = &deep[i];
    }
    expect_refused(fx->handle, root, "deep");
    for (unsigned i = 0; i < 10; i++) {
        deep[i] = (flume_term){.what = FLUME_TERM_OR,
                               .left = i > 0 ? &deep[i - 1] : &leaf,
                               .right = i > 0 ? &deep[i - 1] : &leaf};
    }
    expect_refused(fx->handle, &deep[9], "too many terms");
    root = &leaf;
    for (unsigned i = 0; i < FIELDS; i++) {
        (void)snprintf(names[i], sizeof names[i], "f%u", i);
        (void)declare_field(fx->handle, names[i], ".f", FLUME_FIELD_ANY);
        wide[2 * i] = (flume_term){.what = FLUME_TERM_RANGE, .field = names[i]};
        wide[2 * i + 1] = (flume_term){.what = FLUME_TERM_OR, .left = root, .right = &wide[2 * i]};
        root = &wide[2 * i + 1];
    }
    expect_refused(fx->handle, root, "too many fields");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        find_test(random_terms_give_what_a_scan_gives),
        find_test(a_live_query_goes_on_with_what_is_appended),
        find_test(a_query_that_has_ended_can_be_made_live),
        find_test(a_live_query_of_a_unique_field_gives_each_newest_record),
        find_test(a_live_query_waits_for_what_fits),
        find_test(the_cheaper_index_is_read),
        find_test(a_query_is_answered_as_of_its_opening),
        find_test(a_damaged_record_is_told_and_passed),
        find_test(a_term_that_means_nothing_is_refused_with_the_reason),
        find_test(a_term_that_is_too_large_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
