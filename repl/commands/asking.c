/*
 * asking.c - asking views (asking.h).
 *
 * What always holds: the library asks give_up() on the thread that asked, so nothing here needs a
 * lock.
 */
#include "asking.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cancel.h"
#include "resolve.h"

#define LOOK_EACH_NS (NS_PER_SECOND / 10)

bool asking_look(struct session *session, const char *view, flume_view_status *out_status)
{
    flume_view *found;

    return flume_view_find(session->flume, view, &found) == FLUME_OK &&
           flume_view_status_of(found, out_status) == FLUME_OK;
}

/* The view that is furthest behind; false if none is known. */
static bool find_slowest(const struct asking *asking, flume_view_status *out_status)
{
    flume_view_status status;
    bool found = false;

    for (size_t i = 0; i < asking->view_count; i++) {
        if (!asking_look(asking->session, asking->views[i], &status))
            continue;
        if (!found || status.lag_records > out_status->lag_records)
            *out_status = status;
        found = true;
    }
    return found;
}

/* ---- while the library waits ---- */

static void show_progress(struct asking *asking)
{
    flume_view_status status;

    if (!find_slowest(asking, &status))
        return;
    if (!asking->is_shown) {
        asking->from = status.synced_seq;
        asking->head = status.head;
        asking->is_shown = true;
    }
    memcpy(asking->shown, status.name, sizeof(asking->shown));
    asking->progress.fresh = status.head - asking->head;
    asking->why[0] = '\0';
    if (status.state == FLUME_VIEW_REBUILDING)
        memcpy(asking->why, status.why, sizeof(asking->why));
    if (status.state == FLUME_VIEW_REBUILDING) {
        asking->rebuild_done = status.rebuild_done;
        asking->rebuild_total = status.rebuild_total;
        /* Before its first record it does not know yet how many there are. */
        progress_update(&asking->progress, status.rebuild_done,
                        status.rebuild_total != 0 ? status.rebuild_total : asking->head);
    } else if (status.synced_seq >= asking->from) {
        progress_update(&asking->progress, status.synced_seq - asking->from,
                        asking->head - asking->from);
    }
}

static bool give_up(void *give_up_ctx)
{
    struct asking *asking = give_up_ctx;
    uint64_t now = value_monotonic_ns();

    bool stopped = asking_stopped(asking);

    if (stopped || now - asking->looked_ns >= LOOK_EACH_NS) {
        asking->looked_ns = now;
        show_progress(asking);
    }
    return stopped;
}

bool asking_stopped(const struct asking *asking)
{
    return session_stopped(asking->session) != 0;
}

/* ---- --as-of ---- */

/* The record of --as-of as a seq, once. What its own reference asks of views it does not bound. */
static int resolve_as_of(struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_AS_OF);
    struct reference_place place;
    int code;

    if (session->as_of_state != AS_OF_ASKED)
        return CODE_OK;
    place = (struct reference_place){use->token, use->text_at, 0};
    session->as_of_state = AS_OF_RESOLVING;
    code = resolve(session, session->log, &use->reference, place, &session->as_of);
    session->as_of_state = code == CODE_OK ? AS_OF_KNOWN : AS_OF_ASKED;
    return code;
}

/* ---- asking ---- */

int asking_begin(struct asking *asking, struct session *session, const char *view)
{
    const struct invocation *invocation = session->invocation;
    int code;

    *asking = (struct asking){.session = session};
    code = resolve_as_of(session);
    if (code != CODE_OK)
        return code;
    if (view != NULL)
        asking_add(asking, view);
    asking->ask.timeout_ns = invocation_number(invocation, OPTION_TIMEOUT, 0);
    if (asking->ask.timeout_ns == 0 && invocation_has(invocation, OPTION_TIMEOUT))
        asking->ask.timeout_ns = 1; /* 0 is the library's word for no limit. */
    if (invocation_has(invocation, OPTION_STALE_OK))
        asking->ask.flags |= FLUME_ASK_STALE_OK;
    if (session->as_of_state == AS_OF_KNOWN) {
        asking->ask.flags |= FLUME_ASK_AS_OF;
        asking->ask.as_of = session->as_of + 1; /* The record itself is meant too. */
    }
    asking->ask.give_up = give_up;
    asking->ask.give_up_ctx = asking;
    progress_begin(&asking->progress, session, asking->shown, PROGRESS_COUNT);
    asking->progress.why = asking->why;
    stop_hold(session->stop);
    asking->holds = true;
    return CODE_OK;
}

void asking_add(struct asking *asking, const char *view)
{
    for (size_t i = 0; i < asking->view_count; i++)
        if (strcmp(asking->views[i], view) == 0)
            return;
    if (asking->view_count < ASKING_VIEWS_MAX)
        asking->views[asking->view_count++] = view;
}

void asking_end(struct asking *asking)
{
    progress_end(&asking->progress);
    if (asking->holds)
        stop_release(asking->session->stop);
    asking->holds = false;
}

/* ---- what is said ---- */

static void add_count(struct text *text, uint64_t count)
{
    value_show_count(text, count);
    text_string(text, count == 1 ? " record" : " records");
}

/* The snapshot is taken before the question is put, so the answer knows at least as much. */
static void note_one(struct asking *asking, const char *name)
{
    flume_ask ask = {.flags = FLUME_ASK_STALE_OK};
    uint64_t head = flume_log_head(asking->session->log), as_of;
    struct text behind = {0};
    flume_rows *rows = NULL;
    flume_view *view;

    if (flume_view_find(asking->session->flume, name, &view) != FLUME_OK ||
        flume_view_read(view, &ask, &rows) != FLUME_OK)
        return; /* The question itself will say why. */
    as_of = flume_rows_as_of(rows);
    flume_rows_end(rows);
    add_count(&behind, head > as_of ? head - as_of : 0);
    note(asking->session, "view %s answers as of @%" PRIu64 ": %s behind", name, as_of,
         text_c_string(&behind));
    text_deinit(&behind);
}

void asking_note_stale(struct asking *asking)
{
    if ((asking->ask.flags & FLUME_ASK_STALE_OK) == 0)
        return;
    for (size_t i = 0; i < asking->view_count; i++)
        note_one(asking, asking->views[i]);
}

static int report_waiting(struct asking *asking)
{
    struct session *session = asking->session;
    flume_view_status slowest;
    struct text behind = {0};
    int code;

    if (!find_slowest(asking, &slowest))
        return report(session, ERROR_VIEWS_BEHIND);
    add_count(&behind, slowest.lag_records);
    code = report(session, ERROR_VIEW_BEHIND, slowest.name, text_c_string(&behind),
                  slowest.synced_seq, slowest.head);
    text_deinit(&behind);
    return code;
}

/* While it was waited for, or while what it knows was shown. */
static int report_cancelled(struct asking *asking)
{
    struct session *session = asking->session;
    flume_view_status slowest;
    struct text behind = {0};
    int code;

    if (asking->given != 0 || !find_slowest(asking, &slowest) || slowest.lag_records == 0)
        return cancel_report(
            session, &(struct cancelled){.done = asking->given, .units = "rows", .did = "shown"});
    add_count(&behind, slowest.lag_records);
    code = cancel_say(session, "what it has done so far is kept",
                      "view %s is %s behind: at @%" PRIu64 " of @%" PRIu64, slowest.name,
                      text_c_string(&behind), slowest.synced_seq, slowest.head);
    text_deinit(&behind);
    return code;
}

int asking_report(struct asking *asking, int status)
{
    struct session *session = asking->session;

    progress_end(&asking->progress);
    if (status == FLUME_ERR_CANCELLED && session_stopped(session) != 0)
        return report_cancelled(asking);
    if (status == FLUME_ERR_CANCELLED && asking->view_count == 1) /* By nobody here. */
        return report(session, ERROR_VIEW_REPLACED, asking->views[0]);
    if (status == FLUME_ERR_TIMEOUT)
        return report_waiting(asking);
    return report_flume_error(session, status);
}
