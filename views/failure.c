/*
 * failure.c - the details behind what the view framework answers.
 */
#include <errno.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "inside.h"

bool flume_is_forked(const flume *handle)
{
    return flume_log_head(handle->log) == 0 &&
           flume_log_append_many(handle->log, NULL, 0, NULL, NULL) == FLUME_ERR_FORKED;
}

/* This thread's place, or the one that was written longest ago. */
static struct kept_error *find_place_locked(flume *handle)
{
    struct kept_error *oldest = &handle->errors[0];

    for (size_t i = 0; i < KEPT_ERRORS; i++) {
        struct kept_error *kept = &handle->errors[i];

        if (kept->number != 0 && pthread_equal(kept->thread, pthread_self()))
            return kept;
        if (kept->number < oldest->number)
            oldest = kept;
    }
    return oldest;
}

static void keep(flume *handle, int status, int system_errno, uint64_t seq, const char *message)
{
    struct kept_error *kept;

    (void)pthread_mutex_lock(&handle->mutex);
    kept = find_place_locked(handle);
    kept->thread = pthread_self();
    kept->number = ++handle->error_count;
    kept->error = (flume_error){.status = status, .system_errno = system_errno, .seq = seq};
    (void)snprintf(kept->error.message, sizeof kept->error.message, "%s", message);
    (void)pthread_mutex_unlock(&handle->mutex);
}

int flume_fail(flume *handle, int status, uint64_t seq, const char *format, ...)
{
    char message[FLUME_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments); /* A long one is cut. */
    va_end(arguments);
    keep(handle, status, 0, seq, message);
    return status;
}

static int status_of_errno(int system_errno)
{
    switch (system_errno) {
    case ENOMEM:
        return FLUME_ERR_NO_MEMORY;
    case ENOSPC:
    case EDQUOT:
        return FLUME_ERR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return FLUME_ERR_ACCESS;
    default:
        return FLUME_ERR_IO;
    }
}

int flume_fail_errno(flume *handle, int system_errno, const char *what, const char *path)
{
    char message[FLUME_ERROR_TEXT_BYTES], reason[96];
    int status = status_of_errno(system_errno);

    (void)snprintf(message, sizeof message, "cannot %s %s: %s%s", what, path,
                   strerror_r(system_errno, reason, sizeof reason),
                   status == FLUME_ERR_ACCESS ? "; make it writable for this user" : "");
    keep(handle, status, system_errno, FLUME_SEQ_NONE, message);
    return status;
}

int flume_fail_log(flume *handle, int status)
{
    flume_error error;

    flume_log_error(handle->log, &error);
    if (error.status != status)
        (void)snprintf(error.message, sizeof error.message, "%s", flume_strerror(status));
    keep(handle, status, error.system_errno, error.seq, error.message);
    return status;
}

int view_fail_mdb(flume_view *view, int code, const char *what)
{
    char message[FLUME_ERROR_TEXT_BYTES], reason[96];
    const char *text = code > 0 ? strerror_r(code, reason, sizeof reason) : mdb_strerror(code);
    int status = code == ENOMEM ? FLUME_ERR_NO_MEMORY : FLUME_ERR_VIEW;
    const char *remedy = "";

    if (code == ENOSPC || code == EDQUOT)
        remedy = "; free some space: it goes on by itself";
    else if (code == EIO) /* LMDB's word also for a write that was cut short. */
        remedy = "; the disk failed, or had no space for all of it: free some, and it goes on";
    else if (code == EACCES || code == EPERM || code == EROFS)
        remedy = "; make the files there writable for this user";
    else if (code == EBUSY)
        remedy = "; it must grow, or is being closed, and somebody has a snapshot of it: end that "
                 "first (flume_rows_end(), flume_query_close()), also where the same thread asks "
                 "for more, or open with larger map_bytes";
    else if (code < 0)
        remedy = "; rebuild it";
    (void)snprintf(message, sizeof message, "view '%s' cannot %s in %s: %s%s",
                   view->definition->name, what, view->place.path, text, remedy);
    keep(view->flume, status, code > 0 ? code : 0, FLUME_SEQ_NONE, message);
    return status;
}

int view_keep_failure(flume_view *view, enum failure_kind kind, uint64_t seq)
{
    flume_error error;

    flume_last_error(view->flume, &error);
    (void)pthread_mutex_lock(&view->mutex);
    view->error = error;
    if (strncmp(error.message, "view '", 6) != 0)
        (void)snprintf(view->error.message, sizeof view->error.message, "view '%s': %.*s",
                       view->definition->name, (int)sizeof error.message - 64, error.message);
    if (seq != FLUME_SEQ_NONE)
        view->error.seq = seq;
    view->error.status = FLUME_ERR_VIEW;
    view->failed_for_good = kind == FAILURE_STAYS;
    (void)pthread_mutex_unlock(&view->mutex);
    view_announce(view);
    return view_give_failure(view);
}

int view_give_failure(flume_view *view)
{
    flume_error error;

    (void)pthread_mutex_lock(&view->mutex);
    error = view->error;
    (void)pthread_mutex_unlock(&view->mutex);
    keep(view->flume, FLUME_ERR_VIEW, error.system_errno, error.seq, error.message);
    return FLUME_ERR_VIEW;
}

void flume_last_error(flume *handle, flume_error *out_error)
{
    const struct kept_error *newest = &handle->errors[0];

    if (flume_is_forked(handle)) {
        *out_error = (flume_error){.status = FLUME_ERR_FORKED, .seq = FLUME_SEQ_NONE};
        (void)snprintf(out_error->message, sizeof out_error->message,
                       "this handle belongs to the parent process: open the basin again");
        return;
    }
    (void)pthread_mutex_lock(&handle->mutex);
    for (size_t i = 0; i < KEPT_ERRORS; i++) {
        const struct kept_error *kept = &handle->errors[i];

        if (kept->number != 0 && pthread_equal(kept->thread, pthread_self())) {
            newest = kept; /* This thread's own, whatever others met since. */
            break;
        }
        if (kept->number > newest->number)
            newest = kept;
    }
    *out_error = newest->error;
    (void)pthread_mutex_unlock(&handle->mutex);
}
