/*
 * scope_ask.c - `flume scope find`, explain and diff, super and sub: scopes compared with each
 * other (scope_forms.h). They are read one by one, newest first; no more than two are in memory.
 */
#include <string.h>

#include "scope_forms.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* ---- find, super, sub ---- */

typedef bool is_wanted(const flume_scope *asked, const flume_scope *stored);

static bool has_all_of(const flume_scope *asked, const flume_scope *stored)
{
    struct scope_differences found = scope_compare(asked, stored, NULL, NULL);

    return found.differing == 0 && found.left == 0;
}

static bool is_above(const flume_scope *asked, const flume_scope *stored)
{
    struct scope_differences found = scope_compare(asked, stored, NULL, NULL);

    return found.differing == 0 && found.left == 0 && found.right != 0;
}

static bool is_below(const flume_scope *asked, const flume_scope *stored)
{
    struct scope_differences found = scope_compare(asked, stored, NULL, NULL);

    return found.differing == 0 && found.left != 0 && found.right == 0;
}

/* A row for each scope that is wanted: a link is a scope that was there before. */
static int show_wanted(struct scoping *scoping, const flume_scope *asked, is_wanted *wants)
{
    const flume_cursor_options options = {.flags = FLUME_CURSOR_REVERSE};
    flume_scope_info info;
    struct scope_walk walk;
    struct grid grid;
    int status = scope_walk_begin(&walk, scoping, &options);

    scope_row_begin(&grid, scoping);
    while (status == FLUME_OK && limit_wants_more(&scoping->limit)) {
        status = scope_walk_next(&walk);
        if (status != FLUME_OK || walk.entry.kind == FLUME_DUP || !wants(asked, walk.scope) ||
            !limit_take(&scoping->limit))
            continue;
        info.count = 1;
        status = flume_scope_find_id(scoping->session->flume, &scoping->asking.ask, walk.entry.id,
                                     &info);
        if (status == FLUME_OK || status == FLUME_ERR_NOT_FOUND)
            status = scope_row(scoping, &grid, &walk.entry, info.count, walk.scope);
    }
    scope_walk_end(&walk);
    return scope_walk_finish(scoping, status, grid.rows);
}

int scope_form_find(struct scoping *scoping)
{
    flume_scope *asked;
    int code = scope_words_read(scoping->session, OPTION_COUNT, &asked);

    if (code == CODE_OK)
        code = show_wanted(scoping, asked, has_all_of);
    flume_scope_destroy(asked);
    return code;
}

static int show_related(struct scoping *scoping, is_wanted *wants)
{
    flume_scope *asked;
    uint64_t seq;
    int code =
        scope_words_resolve(scoping, &scoping->session->invocation->operands[0], &seq, &asked);

    if (code == CODE_OK)
        code = show_wanted(scoping, asked, wants);
    flume_scope_destroy(asked);
    return code;
}

int scope_form_super(struct scoping *scoping)
{
    return show_related(scoping, is_above);
}

int scope_form_sub(struct scoping *scoping)
{
    return show_related(scoping, is_below);
}

/* ---- diff ---- */

static const struct grid_column explain_columns[] = {{"seq", 6, false},
                                                     {"key", 12, false},
                                                     {"state", 7, false},
                                                     {"value", 12, false},
                                                     {"other", 0, false}};
static const struct grid_column *const diff_columns = explain_columns + 1;

struct differing {
    struct scoping *scoping;
    struct grid grid;
    const char *const *states; /* By enum scope_side. */
    uint64_t seq;              /* Of explain; FLUME_SEQ_NONE: diff has no such column. */
    int status;
};

static bool put_value(struct differing *differing, const flume_variable *variable)
{
    struct text json = {0};
    bool good = true;

    if (variable == NULL) {
        grid_absent(&differing->grid);
        return true;
    }
    good = scope_row_value(differing->scoping, &json, variable);
    if (good && differing->scoping->session->json)
        grid_list(&differing->grid, &json, &json);
    else if (good)
        grid_bytes(&differing->grid, json.data, json.bytes);
    text_deinit(&json);
    return good;
}

static bool put_difference(void *ctx, enum scope_side side, const char *key,
                           const flume_variable *left, const flume_variable *right)
{
    struct differing *differing = ctx;
    struct grid *grid = &differing->grid;

    if (differing->seq != FLUME_SEQ_NONE)
        grid_seq(grid, differing->seq);
    grid_string(grid, key);
    grid_string(grid, differing->states[side]);
    if (!put_value(differing, left) || !put_value(differing, right))
        differing->status = FLUME_ERR_NO_MEMORY;
    else if (!grid_end_row(grid))
        differing->status = FLUME_ERR_IO;
    return differing->status == FLUME_OK;
}

int scope_form_diff(struct scoping *scoping)
{
    static const char *const states[] = {"differs", "left", "right"};
    const struct operand *operands = scoping->session->invocation->operands;
    struct differing differing = {.scoping = scoping, .states = states, .seq = FLUME_SEQ_NONE};
    flume_scope *left = NULL, *right = NULL;
    uint64_t left_seq, right_seq;
    int code = scope_words_resolve(scoping, &operands[0], &left_seq, &left);

    if (code == CODE_OK)
        code = scope_words_resolve(scoping, &operands[1], &right_seq, &right);
    if (code == CODE_OK) {
        grid_init(&differing.grid, scoping->session, "difference", diff_columns,
                  COLUMN_COUNT(explain_columns) - 1);
        (void)scope_compare(left, right, put_difference, &differing);
        if (differing.grid.rows == 0 && differing.status == FLUME_OK)
            note(scoping->session, "@%llu and @%llu are the same scope",
                 (unsigned long long)left_seq, (unsigned long long)right_seq);
        code = scope_walk_finish(scoping, differing.status, 1);
    }
    flume_scope_destroy(left);
    flume_scope_destroy(right);
    return code;
}

/* ---- explain ---- */

enum { EXPLAIN_SCOPES_MAX = 10000 };

/* The one that differs least; of several one with the same keys, then the newest. */
struct nearest {
    flume_scope *scope; /* NULL: none yet. */
    uint64_t seq;
    size_t distance; /* 2 for a difference, 1 more where keys differ. */
};

static bool has_same_labels(const flume_scope *asked, const flume_scope *stored)
{
    size_t count = flume_scope_label_count(asked);

    if (count == 0 || count != flume_scope_label_count(stored))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(flume_scope_label_at(asked, i), flume_scope_label_at(stored, i)) != 0)
            return false;
    return true;
}

/* Both are of one program: flume run. */
static bool is_same_program(const flume_scope *asked, const flume_scope *stored)
{
    flume_variable left, right;

    return flume_scope_get(asked, "argv/0", &left) && flume_scope_get(stored, "argv/0", &right) &&
           left.value.type == FLUME_VALUE_TEXT && right.value.type == FLUME_VALUE_TEXT &&
           left.value.bytes.bytes == right.value.bytes.bytes &&
           memcmp(left.value.bytes.data, right.value.bytes.data, left.value.bytes.bytes) == 0;
}

/* Comparable: of the same keys, of the same labels, or of the same program. */
static int consider(const struct scope_walk *walk, const flume_scope *asked,
                    struct nearest *io_nearest)
{
    struct scope_differences found = scope_compare(asked, walk->scope, NULL, NULL);
    size_t distance = 2 * (found.differing + found.left + found.right) +
                      (found.keys_apart != 0 ? 1 : 0);
    flume_scope *copy = NULL;

    if (found.keys_apart != 0 && !has_same_labels(asked, walk->scope) &&
        !is_same_program(asked, walk->scope))
        return FLUME_OK;
    if (io_nearest->scope != NULL && distance >= io_nearest->distance)
        return FLUME_OK;
    if (flume_scope_copy(walk->scope, &copy) != FLUME_OK)
        return FLUME_ERR_NO_MEMORY;
    flume_scope_destroy(io_nearest->scope);
    *io_nearest = (struct nearest){copy, walk->entry.record_seq, distance};
    return FLUME_OK;
}

static int find_nearest(struct scoping *scoping, const flume_scope *asked,
                        struct nearest *io_nearest)
{
    const flume_cursor_options options = {.flags = FLUME_CURSOR_REVERSE};
    struct scope_walk walk;
    int status = scope_walk_begin(&walk, scoping, &options);

    for (size_t i = 0; status == FLUME_OK && i < EXPLAIN_SCOPES_MAX;) {
        status = scope_walk_next(&walk);
        if (status != FLUME_OK || walk.entry.kind == FLUME_DUP)
            continue;
        i++;
        status = consider(&walk, asked, io_nearest);
        if (io_nearest->scope != NULL && io_nearest->distance <= 2)
            break; /* Less is the same one, which is known not to be there. */
    }
    scope_walk_end(&walk);
    return status == FLUME_END ? FLUME_OK : status;
}

/* Whether it is there: then there is nothing to explain. */
static int look_for_same(struct scoping *scoping, flume_scope *asked, bool *out_is_there)
{
    uint8_t id[FLUME_HASH_BYTES];
    flume_scope_info info;
    int status = flume_scope_id(asked, id);

    if (status == FLUME_OK)
        status = flume_scope_find_id(scoping->session->flume, &scoping->asking.ask, id, &info);
    *out_is_there = status == FLUME_OK;
    if (status == FLUME_OK)
        note(scoping->session, "it is not new: @%llu, committed %llu time%s",
             (unsigned long long)info.first_seq, (unsigned long long)info.count,
             info.count == 1 ? "" : "s");
    return status == FLUME_ERR_NOT_FOUND ? FLUME_OK : status;
}

int scope_explain(struct scoping *scoping, flume_scope *asked)
{
    static const char *const states[] = {"differs", "new", "missing"};
    struct differing differing = {.scoping = scoping, .states = states};
    struct nearest nearest = {.scope = NULL};
    bool is_there;
    int status = look_for_same(scoping, asked, &is_there);

    if (status == FLUME_OK && !is_there)
        status = find_nearest(scoping, asked, &nearest);
    if (status == FLUME_OK && !is_there && nearest.scope == NULL)
        note(scoping->session,
             "it is new: none of the newest %d has the same keys, its labels, or its command",
             EXPLAIN_SCOPES_MAX);
    if (status == FLUME_OK && nearest.scope != NULL) {
        grid_init(&differing.grid, scoping->session, "difference", explain_columns,
                  COLUMN_COUNT(explain_columns));
        differing.seq = nearest.seq;
        (void)scope_compare(asked, nearest.scope, put_difference, &differing);
        status = differing.status;
        session_printed(scoping->session, nearest.seq);
    }
    flume_scope_destroy(nearest.scope);
    return scope_walk_finish(scoping, status, 1);
}

int scope_form_explain(struct scoping *scoping)
{
    flume_scope *asked;
    int code = scope_words_read(scoping->session, OPTION_LABEL, &asked);

    if (code == CODE_OK)
        code = scope_explain(scoping, asked);
    flume_scope_destroy(asked);
    return code;
}
