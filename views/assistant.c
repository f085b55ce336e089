/*
 * assistant.c - see assistant.h.
 *
 * A ring of jobs under a mutex. Who takes a job, the thread or the caller, is `busy` until it is
 * done, and nobody takes another meanwhile: that keeps them in order.
 */
#include "assistant.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct assistant {
    enum assistant_mode mode; /* Falls to ASSISTANT_NO_THREAD if none is to be had. The caller's. */
    const char *name;
    bool has_thread; /* Becomes true once. The caller's. */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t given; /* With mutex: there is a job, or it is stopping. For the thread. */
    pthread_cond_t done;  /* With mutex: nobody is busy. For the caller. */
    struct assistant_job jobs[ASSISTANT_JOBS_MAX]; /* A ring. Guarded by mutex, as are: */
    size_t first, count;                           /* Those that nobody has begun. */
    bool busy;                                     /* One is under way. */
    bool stopping;                                 /* Becomes true once. */
};

static void do_job(const struct assistant_job *job)
{
    job->work(job->ctx, job->data, job->bytes);
}

/* Take the oldest job and do it, without the mutex. */
static void do_next_locked(struct assistant *assistant)
{
    struct assistant_job job = assistant->jobs[assistant->first];

    assert(assistant->count > 0);
    assert(!assistant->busy);
    assistant->first = (assistant->first + 1) % ASSISTANT_JOBS_MAX;
    assistant->count--;
    assistant->busy = true;
    (void)pthread_mutex_unlock(&assistant->mutex);
    do_job(&job);
    (void)pthread_mutex_lock(&assistant->mutex);
    assistant->busy = false;
}

static void *run(void *ctx)
{
    struct assistant *assistant = ctx;

    (void)pthread_setname_np(pthread_self(), assistant->name); /* Only for people. */
    (void)pthread_mutex_lock(&assistant->mutex);
    while (!assistant->stopping) {
        if (assistant->count == 0 || assistant->busy) {
            (void)pthread_cond_wait(&assistant->given, &assistant->mutex);
            continue;
        }
        do_next_locked(assistant);
        (void)pthread_cond_signal(&assistant->done);
    }
    (void)pthread_mutex_unlock(&assistant->mutex);
    return NULL;
}

/* ---- beginning and ending ---- */

struct assistant *assistant_create(enum assistant_mode mode, const char *name)
{
    struct assistant *assistant = calloc(1, sizeof *assistant);

    if (assistant == NULL)
        return NULL;
    assistant->mode = mode;
    assistant->name = name;
    (void)pthread_mutex_init(&assistant->mutex, NULL); /* Cannot fail with default attributes. */
    (void)pthread_cond_init(&assistant->given, NULL);
    (void)pthread_cond_init(&assistant->done, NULL);
    return assistant;
}

/* With all signals blocked: they are the program's. */
static void start(struct assistant *assistant)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    assistant->has_thread = pthread_create(&assistant->thread, NULL, run, assistant) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!assistant->has_thread)
        assistant->mode = ASSISTANT_NO_THREAD;
}

void assistant_destroy(struct assistant *assistant)
{
    if (assistant == NULL)
        return;
    if (assistant->has_thread) {
        (void)pthread_mutex_lock(&assistant->mutex);
        assistant->stopping = true;
        (void)pthread_cond_signal(&assistant->given);
        (void)pthread_mutex_unlock(&assistant->mutex);
        (void)pthread_join(assistant->thread, NULL);
    }
    (void)pthread_cond_destroy(&assistant->done);
    (void)pthread_cond_destroy(&assistant->given);
    (void)pthread_mutex_destroy(&assistant->mutex);
    free(assistant);
}

void assistant_abandon(struct assistant *assistant)
{
    if (assistant != NULL && !assistant->has_thread)
        assistant_destroy(assistant);
    /* Else the mutex may be held by a thread that is not there: nothing is touched. */
}

bool assistant_has_thread(const struct assistant *assistant)
{
    return assistant->has_thread;
}

/* ---- jobs ---- */

/* Wait until nobody is busy, doing what nobody has begun, until so few jobs are left. */
static void help_locked(struct assistant *assistant, size_t left)
{
    while (assistant->count > left) {
        if (assistant->busy)
            (void)pthread_cond_wait(&assistant->done, &assistant->mutex);
        else
            do_next_locked(assistant);
    }
}

void assistant_give(struct assistant *assistant, const struct assistant_job *job)
{
    if (assistant->mode == ASSISTANT_THREAD && !assistant->has_thread)
        start(assistant);
    if (!assistant->has_thread) {
        do_job(job);
        return;
    }
    (void)pthread_mutex_lock(&assistant->mutex);
    help_locked(assistant, ASSISTANT_JOBS_MAX - 1);
    assistant->jobs[(assistant->first + assistant->count++) % ASSISTANT_JOBS_MAX] = *job;
    (void)pthread_cond_signal(&assistant->given);
    (void)pthread_mutex_unlock(&assistant->mutex);
}

void assistant_settle(struct assistant *assistant)
{
    if (!assistant->has_thread)
        return;
    (void)pthread_mutex_lock(&assistant->mutex);
    help_locked(assistant, 0);
    while (assistant->busy)
        (void)pthread_cond_wait(&assistant->done, &assistant->mutex);
    (void)pthread_mutex_unlock(&assistant->mutex);
}
