/*
 * verify.c - deriving a view afresh, aside, and comparing row by row.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "aside.h"
#include "environment.h"
#include "inside.h"

enum { SHOWN_BYTES = 48 };

struct verifying {
    flume_view *view;
    const flume_ask *ask;
    uint64_t deadline_ns; /* 0: none. */
    flume_rows *rows;     /* The view as it stands. */
    flume_rows *fresh;    /* As it should be. */
    flume_view_difference *out;
};

static int patience(void *ctx)
{
    const struct verifying *verifying = ctx;
    const flume_ask *ask = verifying->ask;

    if (view_is_ending(verifying->view) ||
        (ask != NULL && ask->give_up != NULL && ask->give_up(ask->give_up_ctx)))
        return flume_fail(verifying->view->flume, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE,
                          "verifying view '%s' was given up", verifying->view->definition->name);
    if (verifying->deadline_ns != 0 && now_ns() >= verifying->deadline_ns)
        return flume_fail(verifying->view->flume, FLUME_ERR_TIMEOUT, FLUME_SEQ_NONE,
                          "the time for verifying view '%s' is up",
                          verifying->view->definition->name);
    return FLUME_OK;
}

/* Bytes as text where they are, else as hexadecimal digits; cut where they are many. */
static void show_bytes(char *target, size_t target_bytes, flume_bytes source)
{
    const uint8_t *bytes = source.data;
    size_t count = source.bytes < SHOWN_BYTES ? source.bytes : SHOWN_BYTES;
    bool text = true;
    size_t at = 0;

    for (size_t i = 0; i < count; i++)
        text = text && isprint(bytes[i]);
    for (size_t i = 0; i < count && at + 3 < target_bytes; i++)
        at += (size_t)snprintf(target + at, target_bytes - at, text ? "%c" : "%02x", bytes[i]);
    (void)snprintf(target + at, target_bytes - at, "%s", count < source.bytes ? ".." : "");
}

static void tell(const struct verifying *verifying, size_t table, flume_bytes key, const char *what)
{
    flume_view_difference *out = verifying->out;
    char shown[2 * SHOWN_BYTES + 8];

    show_bytes(shown, sizeof shown, key);
    out->different = true;
    (void)snprintf(out->table, sizeof out->table, "%s",
                   verifying->view->definition->tables[table].name);
    (void)snprintf(out->text, sizeof out->text, "key %s %s", shown, what);
}

static int order(flume_bytes a, flume_bytes b)
{
    size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
    int difference = bytes == 0 ? 0 : memcmp(a.data, b.data, bytes);

    return difference != 0 ? difference : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static int compare_table(const struct verifying *verifying, size_t table)
{
    int status = flume_rows_seek(verifying->rows, table, NULL, 0);
    int fresh_status = flume_rows_seek(verifying->fresh, table, NULL, 0);

    while (status == FLUME_OK && fresh_status == FLUME_OK) {
        flume_bytes key, value, fresh_key, fresh_value;
        int difference;

        status = flume_rows_next(verifying->rows, &key, &value);
        fresh_status = flume_rows_next(verifying->fresh, &fresh_key, &fresh_value);
        if (status < 0 || fresh_status < 0 || (status == FLUME_END && fresh_status == FLUME_END))
            break;
        difference = status == FLUME_END         ? 1
                     : fresh_status == FLUME_END ? -1
                                                 : order(key, fresh_key);
        if (difference != 0)
            tell(verifying, table, difference > 0 ? fresh_key : key,
                 difference > 0 ? "is missing" : "should not be there");
        else if (order(value, fresh_value) != 0)
            tell(verifying, table, key, "has another value");
        if (verifying->out->different)
            return FLUME_OK;
        verifying->out->rows++;
    }
    return status < 0 ? status : fresh_status < 0 ? fresh_status : FLUME_OK;
}

/* Build what the view should be as of the snapshot, and compare. */
static int verify_in(struct verifying *verifying, const char *directory)
{
    flume_view *view = verifying->view;
    struct building building = {
        .view = view,
        .directory = directory,
        .stop = patience,
        .stop_ctx = verifying,
    };
    struct view_meta meta = {.synced_seq = 0};
    int code = environment_meta_of(verifying->rows, &meta);
    int status;

    building.target_seq = meta.synced_seq;
    if (code == 0)
        code = environment_acquire(directory, 0, view->definition, view->flume->options.map_bytes,
                                   ENVIRONMENT_CREATE, &building.env);

    if (code != 0)
        return view_fail_mdb(view, code, "be derived afresh");
    status = build_environment(&building);
    if (status == FLUME_OK) {
        code = environment_read(building.env, &verifying->fresh);
        if (code != 0)
            status = view_fail_mdb(view, code, "be derived afresh");
    }
    if (status == FLUME_OK) {
        verifying->fresh->view = view;
        for (size_t i = 0;
             status == FLUME_OK && !verifying->out->different && i < view->definition->table_count;
             i++)
            status = compare_table(verifying, i);
        flume_rows_end(verifying->fresh);
    }
    environment_release(building.env);
    return status;
}

int flume_view_verify(flume_view *view, const flume_ask *ask, flume_view_difference *out_difference)
{
    struct verifying verifying = {.view = view, .ask = ask, .out = out_difference};
    struct aside aside;
    int status, error;

    memset(out_difference, 0, sizeof *out_difference);
    if (ask != NULL && ask->timeout_ns != 0)
        verifying.deadline_ns = now_ns() + ask->timeout_ns;
    status = flume_view_read(view, ask, &verifying.rows);
    if (status != FLUME_OK)
        return status;
    error = aside_begin(&view->place, &aside);
    if (error != 0) {
        status = flume_fail_errno(view->flume, error, "derive a view in", view->place.path);
        flume_rows_end(verifying.rows);
        return status;
    }
    status = verify_in(&verifying, aside.path);
    flume_rows_end(verifying.rows);
    aside_end(&aside);
    return status;
}
