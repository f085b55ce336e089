/*
 * gather.c - when a worker lets records gather (gather.h).
 *
 * What always holds:
 *   - Who waits for a view, or is told when it moves, waits for nothing here.
 *   - A view is held back for seconds and for so many records at most, and only while the log
 *     grows.
 */
#include "gather.h"

#include <time.h>

#include "flume/seal.h"

#define PACE_NS_MIN UINT64_C(10000000) /* Each commit costs, whatever is in it. */
#define PACE_NS_MAX UINT64_C(500000000)
#define HOLD_NS_MAX UINT64_C(20000000000)
#define QUIET_NS UINT64_C(100000000)   /* A log that has not grown for so long is not in a burst. */
#define ASKED_NS UINT64_C(10000000000) /* Who asked will ask again, and wants it to be near. */

/* How much longer it rests than it worked; how far behind it does not, and how far it is held. */
enum { PACE_TIMES = 4, PACE_RECORDS_MAX = 1 << 16, HOLD_RECORDS_MAX = 1 << 18 };

/* ---- holding back ---- */

/* Whether the view stands before a whole strata that is raw, and will be sealed. */
static bool is_before_unsealed(const flume_view *view, uint64_t seq)
{
    flume_strata_info info;

    return !view->flume->temporary && view->flume->sealed_from_bytes != UINT64_MAX &&
           flume_log_strata(view->flume->log, seq, &info) == FLUME_OK && !info.sealed &&
           info.first_seq == seq && info.file_bytes >= view->flume->sealed_from_bytes;
}

static bool is_asked(flume_view *view, struct holding *io_holding, uint64_t now)
{
    bool asked;

    (void)pthread_mutex_lock(&view->mutex);
    asked = view->asked || view->waiting != 0 || view->waiters != NULL || view->stopping;
    view->asked = false;
    (void)pthread_mutex_unlock(&view->mutex);
    if (asked)
        io_holding->asked_ns = now;
    return atomic_load(&view->has_descriptor) ||
           (io_holding->asked_ns != 0 && now - io_holding->asked_ns < ASKED_NS);
}

bool gather_holds(flume_view *view, uint64_t synced_seq, uint64_t head, struct holding *io_holding)
{
    uint64_t now;

    if (view->definition->sealed == NULL)
        return false;
    now = now_ns();
    if (io_holding->since_ns == 0 || io_holding->synced_seq != synced_seq) {
        io_holding->synced_seq = synced_seq;
        io_holding->since_ns = io_holding->moved_ns = now;
    }
    if (io_holding->head != head) {
        io_holding->head = head;
        io_holding->moved_ns = now;
    }
    return !is_asked(view, io_holding, now) && now - io_holding->since_ns < HOLD_NS_MAX &&
           now - io_holding->moved_ns < QUIET_NS && head - synced_seq < HOLD_RECORDS_MAX &&
           is_before_unsealed(view, synced_seq);
}

/* ---- resting ---- */

static struct timespec until_after(uint64_t ns)
{
    uint64_t until = now_ns() + ns;

    return (struct timespec){.tv_sec = (time_t)(until / 1000000000),
                             .tv_nsec = (long)(until % 1000000000)};
}

static uint64_t pace_ns(uint64_t worked_ns)
{
    uint64_t ns = PACE_TIMES * worked_ns;

    return ns < PACE_NS_MIN ? PACE_NS_MIN : ns < PACE_NS_MAX ? ns : PACE_NS_MAX;
}

void gather_after_batch(flume_view *view, uint64_t worked_ns)
{
    struct timespec until = until_after(pace_ns(worked_ns));
    uint64_t synced = view_synced_now(view);

    (void)pthread_mutex_lock(&view->mutex);
    while (!view->kicked && !view->stopping && view->waiting == 0 && view->waiters == NULL &&
           !atomic_load(&view->has_descriptor) &&
           flume_log_head(view->flume->log) - synced < PACE_RECORDS_MAX)
        if (pthread_cond_timedwait(&view->stirred, &view->mutex, &until) != 0)
            break;
    view->kicked = false;
    (void)pthread_mutex_unlock(&view->mutex);
}
