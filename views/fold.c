/*
 * fold.c - folds of the program's own: a state of a fixed size, in one row of one view, and streams
 * that follow it.
 *
 * What always holds:
 *   - Each step starts from the row, never from memory: another process may have advanced the view
 *     since this one's last step.
 *   - A stream's memory stays until its last reference is gone: one is the user's, until close; one
 *     belongs to the waiter that the view holds, or to the callback that is running.
 *   - A stream's callback runs on the worker, never twice at once, and not after close has
 *     returned.
 */
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "flume/find.h"
#include "inside.h"
#include "lookup.h"

enum { FOLD_STATE_BYTES_MAX = 64 << 10 };

static const char state_key[] = "state";
enum { STATE_KEY_BYTES = sizeof state_key - 1 };

/* What is behind a definition. */
struct folding {
    flume_view_definition definition; /* First: a pointer to it is one to the whole. */
    flume_view_table table;
    char name[FLUME_VIEW_NAME_BYTES_MAX + 1];
    flume_fold fold;
    uint8_t initial[]; /* The definition's own copy. */
};

/* A folding on one handle: two handles may step at once. */
struct fold_run {
    const struct folding *folding;
    alignas(max_align_t) uint8_t state[]; /* Between the row and the step; the program's struct. */
};

/* ---- the view ---- */

static int run_open(void *ctx, void **out_state)
{
    const struct folding *folding = ctx;
    struct fold_run *run = malloc(sizeof *run + folding->fold.state_bytes);

    if (run == NULL)
        return FLUME_ERR_NO_MEMORY;
    run->folding = folding;
    *out_state = run;
    return FLUME_OK;
}

static void run_close(void *state)
{
    free(state);
}

static int fold_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct fold_run *run = state;
    const flume_fold *fold = &run->folding->fold;
    flume_bytes before = {fold->initial, fold->state_bytes};
    int status = flume_batch_get(batch, 0, state_key, STATE_KEY_BYTES, &before);

    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    if (before.bytes != fold->state_bytes)
        return FLUME_ERR_VIEW; /* The size of a state changed without the version. */
    memcpy(run->state, before.data, fold->state_bytes);
    status = fold->step(fold->ctx, run->state, record);
    if (status != FLUME_OK)
        return status < 0 ? status : FLUME_ERR_INVALID;
    if (memcmp(run->state, before.data, fold->state_bytes) == 0)
        return FLUME_OK;
    return flume_batch_put(batch, 0, state_key, STATE_KEY_BYTES, run->state, fold->state_bytes);
}

int flume_fold_create(const flume_fold *fold, flume_view_definition **out_definition)
{
    struct folding *folding;

    if (fold == NULL || out_definition == NULL || fold->name == NULL || fold->initial == NULL ||
        fold->step == NULL || fold->state_bytes == 0 || fold->state_bytes > FOLD_STATE_BYTES_MAX ||
        strnlen(fold->name, FLUME_VIEW_NAME_BYTES_MAX + 1) > FLUME_VIEW_NAME_BYTES_MAX)
        return FLUME_ERR_INVALID;
    folding = calloc(1, sizeof *folding + fold->state_bytes);
    if (folding == NULL)
        return FLUME_ERR_NO_MEMORY;
    memcpy(folding->name, fold->name, strlen(fold->name));
    memcpy(folding->initial, fold->initial, fold->state_bytes);
    folding->fold = *fold;
    folding->fold.name = folding->name;
    folding->fold.initial = folding->initial;
    folding->table.name = "state"; /* Without COLLECT: a step reads what the one before it put. */
    folding->definition = (flume_view_definition){
        .name = folding->name,
        .version = fold->version,
        .tables = &folding->table,
        .table_count = 1,
        .apply = fold_apply,
        .open = run_open,
        .close = run_close,
        .ctx = folding,
    };
    *out_definition = &folding->definition;
    return FLUME_OK;
}

void flume_fold_destroy(flume_view_definition *definition)
{
    if (definition != NULL)
        free(definition->ctx);
}

/* What is behind a view; NULL: it is no fold. */
static const struct folding *folding_of(const flume_view *view)
{
    const flume_view_definition *definition = flume_view_definition_of(view);

    return definition->apply == fold_apply ? definition->ctx : NULL;
}

static int state_read(flume_view *view, const struct folding *folding, const flume_ask *ask,
                      void *out_state, uint64_t *out_as_of)
{
    const flume_fold *fold = &folding->fold;
    flume_bytes value = {fold->initial, fold->state_bytes};
    flume_rows *rows = NULL;
    int status = flume_view_read(view, ask, &rows);

    if (status != FLUME_OK)
        return status;
    status = flume_rows_get(rows, 0, state_key, STATE_KEY_BYTES, &value);
    if (status == FLUME_ERR_NOT_FOUND)
        status = FLUME_OK; /* Nothing has changed it so far. */
    if (status == FLUME_OK && value.bytes != fold->state_bytes)
        status = lookup_bad_row(flume_of_view(view), folding->name);
    if (status == FLUME_OK) {
        memcpy(out_state, value.data, fold->state_bytes);
        if (out_as_of != NULL)
            *out_as_of = flume_rows_as_of(rows);
    }
    flume_rows_end(rows);
    return status;
}

int flume_fold_state(flume_view *view, const flume_ask *ask, void *out_state, uint64_t *out_as_of)
{
    const struct folding *folding = view != NULL ? folding_of(view) : NULL;

    if (folding == NULL || out_state == NULL)
        return FLUME_ERR_INVALID;
    return state_read(view, folding, ask, out_state, out_as_of);
}

/* ---- streams ---- */

struct flume_fold_stream {
    flume_view *view;
    const struct folding *folding;
    int (*callback)(void *ctx, const void *state, uint64_t as_of);
    void *ctx;

    /* Of the thread whose turn it is to deliver; one waiter at a time. */
    uint64_t next_seq;  /* What is waited for. Only rises. */
    bool has_delivered; /* `delivered` is a state. Becomes true once. */
    uint8_t *state, *delivered;

    pthread_mutex_t mutex;
    pthread_cond_t moved; /* With mutex: running changed. */
    bool closed;          /* Guarded by mutex. Becomes true once. */
    bool running;         /* Guarded by mutex: the callback may be running, */
    pthread_t runner;     /* on this thread. */
    unsigned references;  /* Guarded by mutex. */
};

static void stream_free(struct flume_fold_stream *stream)
{
    (void)pthread_cond_destroy(&stream->moved);
    (void)pthread_mutex_destroy(&stream->mutex);
    free(stream->state);
    free(stream->delivered);
    free(stream);
}

static void stream_release(struct flume_fold_stream *stream)
{
    unsigned left;

    (void)pthread_mutex_lock(&stream->mutex);
    left = --stream->references;
    (void)pthread_mutex_unlock(&stream->mutex);
    if (left == 0)
        stream_free(stream);
}

/* Give the state to the program if it has changed. false: the stream is over. */
static bool deliver(struct flume_fold_stream *stream)
{
    flume_ask ask = {.flags = FLUME_ASK_STALE_OK}; /* The worker cannot wait for itself. */
    size_t bytes = stream->folding->fold.state_bytes;
    uint8_t *state = stream->state;
    uint64_t as_of = 0;

    if (state_read(stream->view, stream->folding, &ask, state, &as_of) != FLUME_OK)
        return false;
    stream->next_seq = (as_of > stream->next_seq ? as_of : stream->next_seq) + 1;
    if (stream->has_delivered && memcmp(state, stream->delivered, bytes) == 0)
        return true;
    stream->state = stream->delivered;
    stream->delivered = state;
    stream->has_delivered = true;
    return stream->callback(stream->ctx, state, as_of) == 0;
}

/* The view has applied what was waited for, or will not: a flume_view_when() callback. */
static void reached(void *ctx, int status)
{
    struct flume_fold_stream *stream = ctx;
    bool goes_on;

    (void)pthread_mutex_lock(&stream->mutex);
    goes_on = !stream->closed && status == FLUME_OK;
    stream->running = goes_on;
    stream->runner = pthread_self();
    (void)pthread_mutex_unlock(&stream->mutex);
    if (goes_on)
        goes_on = deliver(stream);
    (void)pthread_mutex_lock(&stream->mutex);
    stream->running = false;
    goes_on = goes_on && !stream->closed;
    (void)pthread_cond_broadcast(&stream->moved);
    (void)pthread_mutex_unlock(&stream->mutex);
    /* The reference goes on to the next waiter, if there is one. */
    if (!goes_on || flume_view_when(stream->view, stream->next_seq, reached, stream) != FLUME_OK)
        stream_release(stream);
}

static int stream_create(flume_view *view, const struct folding *folding,
                         struct flume_fold_stream **out_stream)
{
    struct flume_fold_stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL)
        return FLUME_ERR_NO_MEMORY;
    stream->state = malloc(folding->fold.state_bytes);
    stream->delivered = malloc(folding->fold.state_bytes);
    if (stream->state == NULL || stream->delivered == NULL)
        goto fail;
    if (pthread_mutex_init(&stream->mutex, NULL) != 0)
        goto fail;
    if (pthread_cond_init(&stream->moved, NULL) != 0) {
        (void)pthread_mutex_destroy(&stream->mutex);
        goto fail;
    }
    stream->view = view;
    stream->folding = folding;
    stream->references = 2; /* The user's, and the first waiter's. */
    *out_stream = stream;
    return FLUME_OK;
fail:
    free(stream->state);
    free(stream->delivered);
    free(stream);
    return FLUME_ERR_NO_MEMORY;
}

int flume_fold_follow(flume_view *view,
                      int (*callback)(void *ctx, const void *state, uint64_t as_of), void *ctx,
                      flume_fold_stream **out_stream)
{
    const struct folding *folding = view != NULL ? folding_of(view) : NULL;
    struct flume_fold_stream *stream = NULL;
    int status;

    if (folding == NULL || callback == NULL || out_stream == NULL)
        return FLUME_ERR_INVALID;
    status = stream_create(view, folding, &stream);
    if (status != FLUME_OK)
        return status;
    stream->callback = callback;
    stream->ctx = ctx;
    stream->next_seq = flume_log_head(flume_log_of(flume_of_view(view)));
    /* Written before the callback can run, which may close the stream. */
    *out_stream = stream;
    status = flume_view_when(view, stream->next_seq, reached, stream);
    if (status != FLUME_OK) {
        *out_stream = NULL;
        stream_free(stream);
    }
    return status;
}

void flume_fold_stream_close(flume_fold_stream *stream)
{
    if (stream == NULL)
        return;
    (void)pthread_mutex_lock(&stream->mutex);
    stream->closed = true;
    while (stream->running && !pthread_equal(stream->runner, pthread_self()))
        (void)pthread_cond_wait(&stream->moved, &stream->mutex);
    (void)pthread_mutex_unlock(&stream->mutex);
    stream_release(stream);
}
