/*
 * term.c - see term.h.
 */
#include "term.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "label_view.h"
#include "little.h"
#include "lookup.h"

static_assert((int)LABEL_PREFIX_BYTES_MAX <= (int)FIELD_KEY_BYTES_MAX,
              "a label's rows are a range like a field's");

/* ---- compiling ---- */

static int refuse(struct term *term, const char *reason)
{
    return flume_fail(term->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE, "the query: %s", reason);
}

/* The place of a view among the term's; a new one has no snapshot. */
static int take_view(struct term *term, flume_view *view, const struct declared *declared,
                     size_t *out_index)
{
    size_t i = 0;

    while (i < term->view_count && term->views[i].view != view)
        i++;
    if (i == TERM_VIEWS_MAX)
        return refuse(term, "it speaks of too many fields");
    if (i == term->view_count) {
        term->views[i] = (struct term_view){.view = view, .declared = declared};
        term->view_count++;
    }
    *out_index = i;
    return FLUME_OK;
}

static int find_view(struct term *term, const flume_term *source, size_t *out_index)
{
    const struct declared *declared = NULL;
    flume_view *view = NULL;
    int status;

    if (source->what == FLUME_TERM_LABEL) {
        status = flume_view_find(term->handle, view_label.name, &view);
    } else {
        if (source->field == NULL)
            return refuse(term, "a term lacks the name of a field");
        status = declared_find(term->handle, source->field, FLUME_DECLARED_FIELD, &view, &declared);
    }
    return status == FLUME_OK ? take_view(term, view, declared, out_index) : status;
}

static int copy_text(const char *text, char **out_copy)
{
    *out_copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out_copy != NULL ? FLUME_OK : FLUME_ERR_NO_MEMORY;
}

static int parse_end(struct term *term, const struct term_node *node, const char *text,
                     struct value *out_value)
{
    enum flume_field_type type = term->views[node->view].declared->declaration.type;
    int status;

    if (text == NULL)
        return FLUME_OK;
    status = value_parse(text, type, out_value);
    if (status == FLUME_ERR_INVALID)
        return flume_fail(term->handle, status, FLUME_SEQ_NONE,
                          "the query: field %s holds numbers, and %.40s is none",
                          term->views[node->view].declared->declaration.name, text);
    return status;
}

/* What is compared with what: false and true with each other, the rest with its own type. */
static enum value_type type_class(enum value_type type)
{
    return type == VALUE_FALSE ? VALUE_TRUE : type;
}

static int check_ends(struct term *term, const struct term_node *node)
{
    enum flume_field_type type = term->views[node->view].declared->declaration.type;

    if (node->what == FLUME_TERM_RANGE && node->from_text != NULL && node->to_text != NULL &&
        type_class(node->from.type) != type_class(node->to.type))
        return refuse(term, "the two ends of a range are of different types");
    if (node->what == FLUME_TERM_PREFIX && type == FLUME_FIELD_NUMBER)
        return refuse(term, "a number has no prefix");
    return FLUME_OK;
}

static int compile_field(struct term *term, const flume_term *source, struct term_node *node)
{
    const char *from = source->from, *to = NULL;
    int status;

    if (node->what == FLUME_TERM_RANGE) {
        from = from != NULL && from[0] != '\0' ? from : NULL;
        to = source->to != NULL && source->to[0] != '\0' ? source->to : NULL;
    } else if (from == NULL) {
        return refuse(term, "a term lacks its value");
    }
    status = copy_text(from, &node->from_text);
    if (status == FLUME_OK)
        status = copy_text(to, &node->to_text);
    if (status == FLUME_OK && node->what == FLUME_TERM_PREFIX)
        node->from = (struct value){
            .type = VALUE_TEXT, .text = node->from_text, .text_bytes = strlen(node->from_text)};
    else if (status == FLUME_OK)
        status = parse_end(term, node, node->from_text, &node->from);
    if (status == FLUME_OK)
        status = parse_end(term, node, node->to_text, &node->to);
    return status == FLUME_OK ? check_ends(term, node) : status;
}

static int compile_leaf(struct term *term, const flume_term *source, struct term_node *node)
{
    int status = find_view(term, source, &node->view);

    if (status != FLUME_OK)
        return status;
    if (source->what != FLUME_TERM_LABEL)
        return compile_field(term, source, node);
    if (source->from == NULL || source->from[0] == '\0' ||
        strnlen(source->from, FLUME_LABEL_BYTES_MAX + 1) > FLUME_LABEL_BYTES_MAX)
        return refuse(term, "a label has 1 to 255 bytes");
    return copy_text(source->from, &node->from_text);
}

/* A place for a node, all zero. */
static int add_node(struct term *term, size_t *out_index)
{
    if (term->node_count == TERM_NODES_MAX)
        return refuse(term, "it has too many terms");
    if (term->node_count == term->node_capacity) {
        size_t capacity = 2 * term->node_capacity + 4;
        struct term_node *nodes = realloc(term->nodes, capacity * sizeof *nodes);

        if (nodes == NULL)
            return FLUME_ERR_NO_MEMORY;
        term->nodes = nodes;
        term->node_capacity = capacity;
    }
    memset(&term->nodes[term->node_count], 0, sizeof *term->nodes);
    *out_index = term->node_count++;
    return FLUME_OK;
}

static int compile(struct term *term, const flume_term *source, unsigned depth, size_t *out_index)
{
    size_t left = 0, right = 0, index = 0;
    bool is_leaf;
    int status;

    if (source == NULL)
        return refuse(term, "a side of it is missing");
    if (depth > TERM_DEPTH_MAX)
        return refuse(term, "its terms are nested too deep");
    if (source->what < FLUME_TERM_LABEL || source->what > FLUME_TERM_OR)
        return refuse(term, "a term is of no known sort");
    is_leaf = source->what != FLUME_TERM_AND && source->what != FLUME_TERM_OR;
    if (!is_leaf) {
        status = compile(term, source->left, depth + 1, &left);
        if (status == FLUME_OK)
            status = compile(term, source->right, depth + 1, &right);
        if (status != FLUME_OK)
            return status;
    }
    status = add_node(term, &index);
    if (status != FLUME_OK)
        return status;
    term->nodes[index].what = source->what;
    term->nodes[index].left = left;
    term->nodes[index].right = right;
    *out_index = index;
    return is_leaf ? compile_leaf(term, source, &term->nodes[index]) : FLUME_OK;
}

int term_init(struct term *term, flume *handle, const flume_term *source)
{
    size_t root = 0;

    *term = (struct term){.handle = handle};
    return compile(term, source, 1, &root);
}

void term_end_rows(struct term *term)
{
    for (size_t i = 0; i < term->view_count; i++) {
        if (term->views[i].rows != NULL)
            flume_rows_end(term->views[i].rows);
        term->views[i].rows = NULL;
    }
}

void term_deinit(struct term *term)
{
    term_end_rows(term);
    for (size_t i = 0; i < term->node_count; i++) {
        free(term->nodes[i].from_text);
        free(term->nodes[i].to_text);
    }
    free(term->nodes);
    *term = (struct term){.handle = NULL};
}

/* ---- the rows of a leaf ---- */

static void label_range(const struct term_node *node, struct term_range *range)
{
    range->table = LABEL_TABLE_LABEL;
    range->is_ordered = true;
    range->from.bytes = label_prefix(node->from_text, range->from.data);
    range->behind = range->from;
}

/* Values are null, false and true, numbers, texts: the least and largest type of a range. */
static void open_ends(const struct term_node *node, enum value_type *out_least,
                      enum value_type *out_largest)
{
    const struct value *end = node->from_text != NULL ? &node->from : &node->to;

    *out_least = VALUE_NULL;
    *out_largest = VALUE_TEXT;
    if (node->from_text == NULL && node->to_text == NULL)
        return;
    *out_largest = type_class(end->type);
    *out_least = *out_largest == VALUE_TRUE ? VALUE_FALSE : *out_largest;
}

static void field_range(const struct term_node *node, struct term_range *range)
{
    enum value_type least, largest;

    if (node->what == FLUME_TERM_PREFIX) {
        field_key_encode_prefix(node->from.text, node->from.text_bytes, &range->from);
        range->behind = range->from;
        return;
    }
    if (node->what == FLUME_TERM_EQUAL) {
        field_key_encode(&node->from, &range->from);
        range->behind = range->from;
        range->is_ordered = true;
        return;
    }
    open_ends(node, &least, &largest);
    if (node->from_text != NULL)
        field_key_encode_bound(&node->from, &range->from);
    else
        field_key_encode_type(least, &range->from);
    if (node->to_text != NULL)
        field_key_encode_bound(&node->to, &range->behind);
    else
        field_key_encode_type(largest, &range->behind);
}

void term_range_of(const struct term *term, const struct term_node *node,
                   struct term_range *out_range)
{
    const struct declared *declared = term->views[node->view].declared;

    out_range->table = FIELD_TABLE_VALUE;
    out_range->is_ordered = false;
    out_range->seq_is_value = declared != NULL && declared->declaration.unique;
    if (declared == NULL)
        label_range(node, out_range);
    else
        field_range(node, out_range);
    field_key_step_behind(&out_range->behind);
}

/* ---- the test ---- */

/* A record under test; its body is judged when a field asks for it. */
struct test {
    const struct term *term;
    const flume_record *record;
    uint64_t as_of;
    struct value_buffer buffer;
    bool is_judged, is_json;      /* The body. */
    const struct term_node *node; /* Of the leaf whose values are being visited. */
};

enum { VISIT_FITS = 1 };

static bool fits_leaf(const struct term_node *node, const struct value *value)
{
    const struct value *end = node->from_text != NULL ? &node->from : &node->to;

    if (node->what == FLUME_TERM_EQUAL)
        return value_compare(value, &node->from) == 0;
    if (node->what == FLUME_TERM_PREFIX)
        return value->type == VALUE_TEXT && value->text_bytes >= node->from.text_bytes &&
               memcmp(value->text, node->from.text, node->from.text_bytes) == 0;
    if (node->from_text == NULL && node->to_text == NULL)
        return true;
    return type_class(value->type) == type_class(end->type) &&
           (node->from_text == NULL || value_compare(value, &node->from) >= 0) &&
           (node->to_text == NULL || value_compare(value, &node->to) <= 0);
}

/* Whether the index of a unique field names this record for a value. FLUME_OK or VISIT_FITS. */
static int test_newest(const struct test *test, const struct value *value)
{
    flume_rows *rows = test->term->views[test->node->view].rows;
    struct field_key key;
    flume_bytes seq;
    int status;

    if (test->record->seq >= test->as_of)
        return VISIT_FITS;
    field_key_encode(value, &key);
    status = flume_rows_get(rows, FIELD_TABLE_VALUE, key.data, key.bytes, &seq);
    if (status == FLUME_ERR_NOT_FOUND)
        return FLUME_OK;
    if (status != FLUME_OK)
        return status;
    if (seq.bytes != LOOKUP_SEQ_BYTES)
        return lookup_bad_row(test->term->handle,
                              test->term->views[test->node->view].declared->declaration.name);
    return big_get64(seq.data) == test->record->seq ? VISIT_FITS : FLUME_OK;
}

static int test_value(void *ctx, struct json_slice json)
{
    struct test *test = ctx;
    const struct declared *declared = test->term->views[test->node->view].declared;
    struct value value;
    int status = field_value_of(declared, json, &test->buffer, &value);

    if (status != FLUME_OK || value.type == VALUE_NONE || !fits_leaf(test->node, &value))
        return status;
    return declared->declaration.unique ? test_newest(test, &value) : VISIT_FITS;
}

static int test_field(struct test *test, const struct term_node *node, bool *out_fits)
{
    const struct declared *declared = test->term->views[node->view].declared;
    const flume_record *record = test->record;
    int status;

    *out_fits = false;
    if (!declared_takes(declared, record))
        return FLUME_OK;
    if (!test->is_judged)
        test->is_json = json_text_is_sound(record->body, record->body_bytes);
    test->is_judged = true;
    if (!test->is_json)
        return FLUME_OK;
    test->node = node;
    status = json_path_each(declared->path, record->body, record->body_bytes, test_value, test);
    *out_fits = status == VISIT_FITS;
    return status < 0 ? status : FLUME_OK;
}

static int test_node(struct test *test, size_t index, bool *out_fits)
{
    const struct term_node *node = &test->term->nodes[index];
    int status;

    if (node->what == FLUME_TERM_LABEL) {
        *out_fits = flume_record_has_label(test->record, node->from_text);
        return FLUME_OK;
    }
    if (node->what != FLUME_TERM_AND && node->what != FLUME_TERM_OR)
        return test_field(test, node, out_fits);
    status = test_node(test, node->left, out_fits);
    if (status == FLUME_OK && *out_fits == (node->what == FLUME_TERM_AND))
        status = test_node(test, node->right, out_fits);
    return status;
}

int term_test(const struct term *term, const flume_record *record, uint64_t as_of, bool *out_fits)
{
    struct test test = {.term = term, .record = record, .as_of = as_of};
    bool fits = false;
    int status = test_node(&test, term->node_count - 1, &fits);

    value_buffer_deinit(&test.buffer);
    if (status == FLUME_OK)
        *out_fits = fits;
    return status;
}
