/*
 * scope_compare.c - in what two scopes differ (scope_forms.h).
 */
#include <stdio.h>
#include <string.h>

#include "scope_forms.h"

/* As they are encoded: every NaN is one, -0.0 is not 0.0, a blob is its hash. */
static bool same_value(const flume_value *left, const flume_value *right)
{
    bool left_content = left->type == FLUME_VALUE_BLOB || left->type == FLUME_VALUE_HASH;
    bool right_content = right->type == FLUME_VALUE_BLOB || right->type == FLUME_VALUE_HASH;

    if (left_content && right_content)
        return memcmp(left->content.hash, right->content.hash, FLUME_HASH_BYTES) == 0;
    if (left->type != right->type)
        return false;
    switch (left->type) {
    case FLUME_VALUE_BOOL:
        return left->boolean == right->boolean;
    case FLUME_VALUE_INT:
    case FLUME_VALUE_TIME:
        return left->integer == right->integer;
    case FLUME_VALUE_UINT:
        return left->natural == right->natural;
    case FLUME_VALUE_F64:
        return memcmp(&left->real, &right->real, sizeof(left->real)) == 0 ||
               (left->real != left->real && right->real != right->real);
    case FLUME_VALUE_TEXT:
    case FLUME_VALUE_BYTES:
    case FLUME_VALUE_SYMBOL:
        return left->bytes.bytes == right->bytes.bytes &&
               (left->bytes.bytes == 0 ||
                memcmp(left->bytes.data, right->bytes.data, left->bytes.bytes) == 0);
    default:
        return true; /* Null, empty map, empty list. */
    }
}

struct comparing {
    const flume_scope *left, *right;
    scope_difference_visit *visit;
    void *ctx;
    struct scope_differences found;
};

/* The count first, then the visit. */
static bool tell(struct comparing *comparing, enum scope_side side, const char *key,
                 const flume_variable *left, const flume_variable *right)
{
    comparing->found.differing += side == SCOPE_DIFFERS;
    comparing->found.left += side == SCOPE_LEFT;
    comparing->found.right += side == SCOPE_RIGHT;
    return comparing->visit == NULL || comparing->visit(comparing->ctx, side, key, left, right);
}

static bool tell_label(struct comparing *comparing, enum scope_side side, const char *label)
{
    char key[sizeof("@label/") + FLUME_LABEL_BYTES_MAX];

    snprintf(key, sizeof(key), "@label/%s", label);
    return tell(comparing, side, key, NULL, NULL);
}

/* Below 0: the left one comes first; NULL comes last. */
static int order(const char *left, const char *right)
{
    if (left == NULL || right == NULL)
        return (left == NULL) - (right == NULL);
    return strcmp(left, right);
}

static bool compare_labels(struct comparing *comparing)
{
    size_t i = 0, j = 0;
    bool goes_on = true;

    while (goes_on) {
        const char *left = flume_scope_label_at(comparing->left, i);
        const char *right = flume_scope_label_at(comparing->right, j);
        int sign = order(left, right);

        if (left == NULL && right == NULL)
            break;
        if (sign != 0)
            goes_on =
                tell_label(comparing, sign < 0 ? SCOPE_LEFT : SCOPE_RIGHT, sign < 0 ? left : right);
        i += sign <= 0;
        j += sign >= 0;
    }
    return goes_on;
}

/* The next at or behind *io_at that is part of what the scope is; key NULL: none. */
static flume_variable next_of(const flume_scope *scope, size_t *io_at)
{
    flume_variable variable = {.key = NULL};

    while (flume_scope_at(scope, *io_at, &variable) && variable.class_ > FLUME_CLASS_HASH) {
        variable.key = NULL;
        (*io_at)++;
    }
    return variable;
}

static void compare_variables(struct comparing *comparing)
{
    size_t i = 0, j = 0;
    bool goes_on = true;

    while (goes_on) {
        flume_variable left = next_of(comparing->left, &i);
        flume_variable right = next_of(comparing->right, &j);
        int sign = order(left.key, right.key);

        if (left.key == NULL && right.key == NULL)
            break;
        comparing->found.keys_apart += sign != 0;
        if (sign != 0)
            goes_on = tell(comparing, sign < 0 ? SCOPE_LEFT : SCOPE_RIGHT,
                           sign < 0 ? left.key : right.key, sign < 0 ? &left : NULL,
                           sign < 0 ? NULL : &right);
        else if (!same_value(&left.value, &right.value))
            goes_on = tell(comparing, SCOPE_DIFFERS, left.key, &left, &right);
        i += sign <= 0;
        j += sign >= 0;
    }
}

struct scope_differences scope_compare(const flume_scope *left, const flume_scope *right,
                                       scope_difference_visit *visit, void *ctx)
{
    struct comparing comparing = {.left = left, .right = right, .visit = visit, .ctx = ctx};

    if (compare_labels(&comparing))
        compare_variables(&comparing);
    return comparing.found;
}
