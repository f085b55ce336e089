/*
 * facts.c - many numbers about one thing (facts.h).
 */
#include "facts.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "object.h"

static const struct grid_column columns[] = {{"key", 24, false}, {"value", 0, false}};

void facts_begin(struct facts *facts, struct session *session, const char *type)
{
    *facts = (struct facts){.session = session};
    if (session->json)
        object_begin(&session->line, type);
    else
        grid_init(&facts->grid, session, type, columns, sizeof(columns) / sizeof(columns[0]));
}

void facts_end(struct facts *facts)
{
    assert(facts->depth == 0);
    if (facts->session->json) {
        object_end(&facts->session->line);
        (void)session_emit(facts->session); /* A failure shows when stdout is flushed. */
    }
    text_deinit(&facts->prefix);
}

static void add_row(struct facts *facts, const char *key, const struct text *value)
{
    struct text whole = {0};

    text_add(&whole, facts->prefix.data, facts->prefix.bytes);
    text_string(&whole, key);
    grid_bytes(&facts->grid, whole.data, whole.bytes);
    grid_bytes(&facts->grid, value->data == NULL ? "" : value->data, value->bytes);
    (void)grid_end_row(&facts->grid); /* A failure shows when stdout is flushed. */
    text_deinit(&whole);
}

/* The key, for the value that follows; the first in an item has no comma before it. */
static struct text *begin_value(struct facts *facts, const char *key)
{
    struct text *text = &facts->session->line;

    if (facts->is_first) {
        object_put_string(text, key, strlen(key));
        text_char(text, ':');
    } else {
        object_key(text, key);
    }
    facts->is_first = false;
    return text;
}

/* A value whose text is the same in all forms. */
static void add_plain(struct facts *facts, const char *key, const char *value)
{
    struct text shown = {0};

    text_string(&shown, value);
    if (facts->session->json)
        text_add(begin_value(facts, key), shown.data, shown.bytes);
    else
        add_row(facts, key, &shown);
    text_deinit(&shown);
}

void facts_string(struct facts *facts, const char *key, const char *value)
{
    struct text shown = {0};

    if (facts->session->json) {
        object_put_string(begin_value(facts, key), value, strlen(value));
        return;
    }
    text_string(&shown, value);
    add_row(facts, key, &shown);
    text_deinit(&shown);
}

void facts_uint(struct facts *facts, const char *key, uint64_t value)
{
    struct text shown = {0};

    if (facts->session->json) {
        object_put_uint(begin_value(facts, key), value);
        return;
    }
    text_format(&shown, "%" PRIu64, value);
    add_row(facts, key, &shown);
    text_deinit(&shown);
}

void facts_real(struct facts *facts, const char *key, double value, int decimals)
{
    struct text shown = {0};

    text_format(&shown, "%.*f", decimals, value);
    add_plain(facts, key, text_c_string(&shown));
    text_deinit(&shown);
}

void facts_bool(struct facts *facts, const char *key, bool value)
{
    bool json = facts->session->json;

    add_plain(facts, key, value ? json ? "true" : "yes" : json ? "false" : "no");
}

void facts_time(struct facts *facts, const char *key, uint64_t time_ns)
{
    struct text shown = {0};

    if (time_ns == 0) {
        facts_absent(facts, key);
        return;
    }
    value_show_time(&shown, time_ns);
    facts_string(facts, key, text_c_string(&shown));
    text_deinit(&shown);
}

void facts_absent(struct facts *facts, const char *key)
{
    add_plain(facts, key, facts->session->json ? "null" : "");
}

void facts_counts(struct facts *facts, const char *key, const uint64_t *counts, size_t count)
{
    bool json = facts->session->json;
    struct text shown = {0};

    text_string(&shown, json ? "[" : "");
    for (size_t i = 0; i < count; i++)
        text_format(&shown, "%s%" PRIu64, i == 0 ? "" : json ? "," : " ", counts[i]);
    text_string(&shown, json ? "]" : "");
    add_plain(facts, key, text_c_string(&shown));
    text_deinit(&shown);
}

static void go_down(struct facts *facts, const char *name, char closing)
{
    assert(facts->depth < FACTS_DEPTH_MAX);
    facts->prefix_bytes[facts->depth] = facts->prefix.bytes;
    facts->closing[facts->depth++] = closing;
    text_string(&facts->prefix, name);
    text_char(&facts->prefix, '.');
}

void facts_open(struct facts *facts, const char *key)
{
    if (facts->session->json)
        text_char(begin_value(facts, key), '{');
    facts->is_first = true;
    go_down(facts, key, '}');
}

void facts_open_list(struct facts *facts, const char *key)
{
    if (facts->session->json)
        text_char(begin_value(facts, key), '[');
    facts->is_first = true;
    go_down(facts, key, ']');
}

void facts_open_item(struct facts *facts, const char *name)
{
    if (facts->session->json)
        text_string(&facts->session->line, facts->is_first ? "{" : ",{");
    facts->is_first = true;
    go_down(facts, name, '}');
}

void facts_close(struct facts *facts)
{
    assert(facts->depth > 0);
    facts->depth--;
    facts->prefix.bytes = facts->prefix_bytes[facts->depth];
    if (facts->session->json)
        text_char(&facts->session->line, facts->closing[facts->depth]);
    facts->is_first = false;
}
