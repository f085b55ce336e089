/*
 * scope_tare.c - which variables tares have left out of a scope, as a cell of its row
 * (scope_forms.h).
 */
#include <string.h>

#include "flume/schema.h"
#include "object.h"
#include "scope_forms.h"

enum { DIGITS_IN_TABLE = 12 };

static bool is_tared(const flume_tape_entry *entry)
{
    static const uint8_t none[FLUME_HASH_BYTES];

    return memcmp(entry->tare_id, none, sizeof(none)) != 0;
}

void scope_row_tare_id(struct grid *grid, const flume_tape_entry *entry)
{
    char digits[FLUME_HASH_TEXT_BYTES + 1];

    if (!is_tared(entry)) {
        grid_absent(grid);
        return;
    }
    flume_hash_text(entry->tare_id, digits);
    if (grid->session->mode == MODE_TABLE)
        digits[DIGITS_IN_TABLE] = '\0'; /* So many tell one from another. */
    grid_string(grid, digits);
}

/* A variable in the object, and in the line of its tare. */
static void add_tared(const flume_tared *tared, bool is_first_of_tare, struct text *json,
                      struct text *lines)
{
    const char *mode = tared->mode == FLUME_TARE_KEYS ? "keys" : "values";
    char digits[FLUME_HASH_TEXT_BYTES + 1];

    text_string(json, json->data[json->bytes - 1] == '[' ? "{\"key\":" : ",{\"key\":");
    object_put_string(json, tared->key, strlen(tared->key));
    object_uint(json, "tare", tared->tare);
    object_string(json, "by", mode);
    if (tared->mode == FLUME_TARE_VALUES) {
        flume_hash_text(tared->value_hash, digits);
        object_string(json, "hash", digits);
    }
    text_char(json, '}');
    if (is_first_of_tare)
        text_format(lines, "\nleaves out, by %s: ", mode);
    else
        text_string(lines, ", ");
    for (const char *at = tared->key; *at != '\0'; at++)
        text_char(lines, *at == '\n' ? ' ' : *at); /* Each tare is one line. */
}

static void add_all(const flume_tares *tares, struct text *json, struct text *lines)
{
    size_t tare = FLUME_TARES_MAX; /* None. */
    flume_tared tared;

    object_uint(json, "seq", flume_tares_seq(tares));
    object_key(json, "tared");
    text_char(json, '[');
    for (size_t i = 0; flume_tares_at(tares, i, &tared); i++) {
        add_tared(&tared, tared.tare != tare, json, lines);
        tare = tared.tare;
    }
    text_char(json, ']');
}

void scope_row_tares(struct grid *grid, const flume_tape_entry *entry)
{
    struct text json = {0}, lines = {0};
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    flume_tares *tares = NULL;
    int status;

    if (!is_tared(entry)) {
        grid_absent(grid);
        return;
    }
    status = flume_tares_open(grid->session->flume, entry->tare_id, &tares);
    flume_hash_text(entry->tare_id, digits);
    text_string(&json, "{\"id\":");
    object_put_string(&json, digits, strlen(digits));
    text_string(&lines, digits);
    if (status == FLUME_OK)
        add_all(tares, &json, &lines);
    else /* The scope can be shown all the same. */
        text_format(&lines, "\nwhat they leave out cannot be told: %s", flume_strerror(status));
    text_char(&json, '}');
    text_char(&lines, '\n');
    grid_list(grid, &json, &lines);
    text_deinit(&json);
    text_deinit(&lines);
    flume_tares_close(tares);
}
