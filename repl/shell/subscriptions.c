/*
 * subscriptions.c - what `subscribe` brings while a person types (subscriptions.h).
 *
 * Nothing is called with the mutex held but what is in this file and eventfd's own calls.
 */
#include "subscriptions.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "flume/subscribe.h"
#include "rows.h"
#include "utf8.h"
#include "value.h"

enum { QUEUE_MAX = 256, BODY_BYTES_KEPT = 4096, LABEL_CELLS_MAX = 24, TIME_AT = 11 };

/* A line to be: what stands before the body, and the beginning of the body. */
struct event {
    struct event *next;
    unsigned id;
    struct text head, body;
};

struct subscription {
    struct subscription *next;
    struct subscriptions *all;
    unsigned id;
    flume_subscription *handle;
    bool ending; /* Guarded by the mutex. Becomes true once. */
    size_t label_count;
    char *labels[]; /* Owned. */
};

struct subscriptions {
    pthread_mutex_t mutex;
    pthread_cond_t room;           /* With mutex: count fell, or some `ending` became true. */
    struct event *oldest, *newest; /* Guarded by mutex. */
    size_t count;                  /* Guarded by mutex. At most QUEUE_MAX, and an end for each. */
    int descriptor;                /* An eventfd, readable while there is an event. */
    struct subscription *first;    /* The editor's thread alone. */
    unsigned next_id;
};

/* ---- the queue ---- */

static void free_event(struct event *event)
{
    text_deinit(&event->head);
    text_deinit(&event->body);
    free(event);
}

static void push_locked(struct subscriptions *all, struct event *event)
{
    uint64_t one = 1;

    if (all->newest == NULL)
        all->oldest = event;
    else
        all->newest->next = event;
    all->newest = event;
    all->count++;
    (void)!write(all->descriptor, &one, sizeof(one)); /* It is readable at the latest now. */
}

static struct event *pop_locked(struct subscriptions *all)
{
    struct event *event = all->oldest;
    uint64_t count;

    if (event == NULL)
        return NULL;
    all->oldest = event->next;
    all->count--;
    if (all->oldest == NULL) {
        all->newest = NULL;
        (void)!read(all->descriptor, &count, sizeof(count)); /* Not readable any more. */
    }
    pthread_cond_broadcast(&all->room);
    return event;
}

/* ---- on the library's threads ---- */

static struct event *make_event(const struct subscription *subscription)
{
    struct event *event = calloc(1, sizeof(*event));

    if (event != NULL)
        event->id = subscription->id;
    return event;
}

static bool is_wanted(const struct subscription *subscription, const flume_record *record)
{
    for (size_t i = 0; i < subscription->label_count; i++)
        if (flume_record_has_label(record, subscription->labels[i]))
            return true;
    return subscription->label_count == 0;
}

static void describe(struct event *event, const flume_record *record)
{
    struct text time = {0};
    size_t bytes = record->body_bytes;

    value_show_time_short(&time, record->time_ns);
    text_format(&event->head, "@%" PRIu64 "  %s  ", record->seq, text_c_string(&time) + TIME_AT);
    rows_add_labels(&event->head, record, LABEL_CELLS_MAX);
    text_format(&event->head, "  %zu  ", record->body_bytes);
    if (bytes > BODY_BYTES_KEPT) { /* No half character at the end. */
        const uint8_t *body = record->body;

        bytes = BODY_BYTES_KEPT;
        while (bytes > BODY_BYTES_KEPT - 4 && (body[bytes] & 0xC0) == 0x80)
            bytes--;
    }
    text_add(&event->body, record->body, bytes);
    text_deinit(&time);
}

static int on_record(void *ctx, const flume_record *record)
{
    struct subscription *subscription = ctx;
    struct subscriptions *all = subscription->all;
    struct event *event;
    bool ending;

    if (!is_wanted(subscription, record))
        return 0;
    event = make_event(subscription);
    if (event == NULL)
        return 1; /* on_end() says so, if it can. */
    describe(event, record);
    pthread_mutex_lock(&all->mutex);
    while (all->count >= QUEUE_MAX && !subscription->ending)
        pthread_cond_wait(&all->room, &all->mutex);
    ending = subscription->ending;
    if (!ending)
        push_locked(all, event);
    pthread_mutex_unlock(&all->mutex);
    if (ending)
        free_event(event);
    return ending ? 1 : 0;
}

static void on_end(void *ctx, int status, const flume_error *error)
{
    struct subscription *subscription = ctx;
    struct event *event = make_event(subscription);
    const char *why = error != NULL && error->message[0] != '\0' ? error->message
                                                                 : flume_strerror(status);

    if (event == NULL)
        return;
    text_format(&event->head, "subscription %u has ended: %s", subscription->id, why);
    pthread_mutex_lock(&subscription->all->mutex);
    push_locked(subscription->all, event);
    pthread_mutex_unlock(&subscription->all->mutex);
}

/* ---- on the editor's thread ---- */

int subscriptions_descriptor(const struct subscriptions *subscriptions)
{
    return subscriptions == NULL ? -1 : subscriptions->descriptor;
}

bool subscriptions_take(struct subscriptions *subscriptions, size_t cells, struct text *out_line)
{
    struct event *event;
    size_t used;

    if (subscriptions == NULL)
        return false;
    pthread_mutex_lock(&subscriptions->mutex);
    event = pop_locked(subscriptions);
    pthread_mutex_unlock(&subscriptions->mutex);
    if (event == NULL)
        return false;
    used = utf8_show(out_line, event->head.data, event->head.bytes, 0);
    utf8_show(out_line, event->body.data, event->body.bytes, cells > used + 4 ? cells - used : 4);
    text_char(out_line, '\n');
    free_event(event);
    return true;
}

static void free_subscription(struct subscription *subscription)
{
    for (size_t i = 0; i < subscription->label_count; i++)
        free(subscription->labels[i]);
    free(subscription);
}

static struct subscription *make_subscription(struct subscriptions *all, const char *const *labels,
                                              size_t label_count)
{
    struct subscription *made = calloc(1, sizeof(*made) + label_count * sizeof(made->labels[0]));

    if (made == NULL)
        return NULL;
    made->all = all;
    made->id = all->next_id;
    for (; made->label_count < label_count; made->label_count++) {
        made->labels[made->label_count] = strdup(labels[made->label_count]);
        if (made->labels[made->label_count] == NULL) {
            free_subscription(made);
            return NULL;
        }
    }
    return made;
}

static struct subscriptions *make_all(void)
{
    struct subscriptions *all = calloc(1, sizeof(*all));

    if (all == NULL)
        return NULL;
    all->next_id = 1;
    all->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&all->mutex, NULL);
    pthread_cond_init(&all->room, NULL);
    return all;
}

int subscriptions_add(struct subscriptions **io_subscriptions, flume *handle,
                      const char *const *labels, size_t label_count, unsigned *out_id)
{
    flume_log *log = flume_log_of(handle);
    flume_subscribe_options options = {.cursor = {.bounds = FLUME_GTE, .gte = flume_log_head(log)},
                                       .on_end = on_end};
    struct subscription *made;
    int status;

    if (*io_subscriptions == NULL)
        *io_subscriptions = make_all();
    if (*io_subscriptions == NULL)
        return FLUME_ERR_NO_MEMORY;
    made = make_subscription(*io_subscriptions, labels, label_count);
    if (made == NULL)
        return FLUME_ERR_NO_MEMORY;
    if (label_count == 1)
        options.cursor.label = made->labels[0];
    status = flume_subscribe(log, &options, on_record, made, &made->handle);
    if (status != FLUME_OK) {
        free_subscription(made);
        return status;
    }
    made->next = (*io_subscriptions)->first;
    (*io_subscriptions)->first = made;
    (*io_subscriptions)->next_id++;
    *out_id = made->id;
    return FLUME_OK;
}

/* What it has brought and nobody has seen goes with it. */
static void purge(struct subscriptions *all, unsigned id)
{
    struct event *kept = NULL, **link = &kept, *event;

    pthread_mutex_lock(&all->mutex);
    while ((event = pop_locked(all)) != NULL) {
        event->next = NULL;
        if (event->id == id) {
            free_event(event);
            continue;
        }
        *link = event;
        link = &event->next;
    }
    while (kept != NULL) {
        event = kept;
        kept = event->next;
        event->next = NULL;
        push_locked(all, event);
    }
    pthread_mutex_unlock(&all->mutex);
}

static void end(struct subscription *subscription)
{
    struct subscriptions *all = subscription->all;

    pthread_mutex_lock(&all->mutex);
    subscription->ending = true;
    pthread_cond_broadcast(&all->room); /* Its callback may wait for room; nobody waits for it. */
    pthread_mutex_unlock(&all->mutex);
    flume_unsubscribe(subscription->handle);
    purge(all, subscription->id);
    free_subscription(subscription);
}

bool subscriptions_cancel(struct subscriptions *subscriptions, unsigned id)
{
    bool found = false;

    if (subscriptions == NULL)
        return false;
    for (struct subscription **link = &subscriptions->first; *link != NULL;) {
        struct subscription *subscription = *link;

        if (id != 0 && subscription->id != id) {
            link = &subscription->next;
            continue;
        }
        *link = subscription->next;
        end(subscription);
        found = true;
    }
    return found;
}

void subscriptions_destroy(struct subscriptions *subscriptions)
{
    if (subscriptions == NULL)
        return;
    (void)subscriptions_cancel(subscriptions, 0);
    if (subscriptions->descriptor != -1)
        (void)close(subscriptions->descriptor); /* An eventfd has nothing to lose. */
    pthread_cond_destroy(&subscriptions->room);
    pthread_mutex_destroy(&subscriptions->mutex);
    free(subscriptions);
}
