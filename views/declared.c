/*
 * declared.c - the views that users declare: known from the log, added when they appear there.
 *
 * A changed declaration is another version, and so another view; the one before is retired: its
 * worker ends, and who asks it is told to find it again. What is on disk of versions that the log
 * itself has replaced or dropped is removed as soon as no handle uses it.
 */
#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "inside.h"

struct declared_list {
    flume_declaration *rows;
    size_t count, room;
};

static int collect(void *ctx, const flume_declaration *declaration)
{
    struct declared_list *list = ctx;

    if (list->count == list->room) {
        size_t room = list->room == 0 ? 8 : list->room * 2;
        flume_declaration *grown = realloc(list->rows, room * sizeof *grown);

        if (grown == NULL)
            return FLUME_ERR_NO_MEMORY;
        list->rows = grown;
        list->room = room;
    }
    list->rows[list->count++] = *declaration;
    return 0;
}

static const flume_declaration *find_row(const struct declared_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->rows[i].name, name) == 0)
            return &list->rows[i];
    return NULL;
}

static void retire(flume_view *view)
{
    atomic_store(&view->retired, true);
    worker_kick(view); /* It ends; closing the handle joins it. */
    view_announce(view);
}

/* Views whose declaration changed or was dropped. */
static void retire_old(flume *handle, const struct declared_list *list)
{
    flume_view *view;

    (void)pthread_mutex_lock(&handle->mutex);
    view = handle->views;
    (void)pthread_mutex_unlock(&handle->mutex);
    for (; view != NULL; view = view->next) {
        const flume_declaration *row;

        if (view->origin != VIEW_DECLARED || atomic_load(&view->retired))
            continue;
        row = find_row(list, view->definition->name);
        if (row == NULL || row->version != view->definition->version)
            retire(view);
    }
}

static int add_new(flume *handle, const struct declared_list *list)
{
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < list->count; i++) {
        flume_view_definition *definition;

        if (flume_find_known(handle, list->rows[i].name) != NULL)
            continue; /* As it is, or a registered view that has the name by now. */
        status = declared_definition_create(&list->rows[i], &definition);
        if (status == FLUME_ERR_INVALID) {
            status = FLUME_OK; /* Declared by a flume that knows more: not a view of ours. */
            continue;
        }
        if (status == FLUME_OK)
            status = flume_add_view(handle, definition, VIEW_DECLARED);
        if (status != FLUME_OK)
            declared_definition_destroy(definition);
    }
    return status;
}

static int reconcile_locked(flume *handle, const flume_ask *ask)
{
    struct declared_list list = {0};
    flume_ask until = ask == NULL ? (flume_ask){0} : *ask;
    uint64_t last;
    int status = flume_log_last(handle->log, FLUME_KIND_VIEW, &last);

    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    if (last == FLUME_SEQ_NONE || last < handle->reconciled ||
        flume_find_known(handle, view_catalog.name) == NULL)
        return FLUME_OK;
    until.flags |= FLUME_ASK_AS_OF;
    until.as_of = last + 1;
    status = catalog_each(handle, &until, collect, &list);
    if (status == FLUME_OK) {
        retire_old(handle, &list);
        status = add_new(handle, &list);
    }
    /* What is stale may lack the last one. */
    if (status == FLUME_OK && (until.flags & FLUME_ASK_STALE_OK) == 0)
        handle->reconciled = last + 1;
    free(list.rows);
    return status;
}

int declared_reconcile(flume *handle, const flume_ask *ask)
{
    int status;

    (void)pthread_mutex_lock(&handle->reconcile_mutex);
    status = reconcile_locked(handle, ask);
    (void)pthread_mutex_unlock(&handle->reconcile_mutex);
    return status;
}

int flume_view_find(flume *handle, const char *name, flume_view **out_view)
{
    flume_view *view;
    int status;

    if (flume_is_forked(handle))
        return FLUME_ERR_FORKED;
    view = flume_find_known(handle, name);
    if (view == NULL || view->origin == VIEW_DECLARED) {
        status = declared_reconcile(handle, NULL);
        if (status != FLUME_OK)
            return status;
        view = flume_find_known(handle, name);
    }
    if (view == NULL)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                          "there is no view '%s' here; flume_view_list() has those there are",
                          name);
    *out_view = view;
    return FLUME_OK;
}
