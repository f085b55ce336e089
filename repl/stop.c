/*
 * stop.c - being asked to stop (stop.h).
 */
#include "stop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "value.h"

#define SAME_REQUEST_NS (100 * NS_PER_MILLISECOND)
#define GRACE_NS (3 * NS_PER_SECOND)
#define NUDGE_NS (300 * NS_PER_MILLISECOND)
#define NUDGE SIGUSR2

/* A signal: cancel what waits. */
static void ask_to_stop(struct stop *stop, int signal)
{
    uint64_t one = 1;

    pthread_mutex_lock(&stop->mutex);
    if (stop->cursor == NULL && stop->held == 0 && stop->manner == STOP_ENDS_PROCESS)
        _exit(128 + signal); /* There is nothing to finish. */
    if (stop->cursor != NULL)
        flume_cursor_cancel(stop->cursor);
    pthread_mutex_unlock(&stop->mutex);
    if (stop->descriptor != -1)
        (void)!write(stop->descriptor, &one, sizeof(one)); /* Full: it is readable anyway. */
}

/* It was asked before, and has not been done yet. */
static void ask_again(struct stop *stop, int signal)
{
    static const char message[] = "still cancelling; SIGTERM ends the program\n";

    /* The main thread may hang in a write to a reader that has stopped. */
    if (stop->manner == STOP_ENDS_PROCESS || signal != SIGINT)
        _exit(128 + signal);
    (void)!write(STDERR_FILENO, message,
                 sizeof(message) - 1); /* There is nowhere else to say it. */
}

/* What the main thread waits for in a system call (a fifo, a reader that has stopped) is
 * interrupted by a signal without effect. */
static void nudge(const struct stop *stop)
{
    if (stop->manner == STOP_IS_NOTED)
        (void)pthread_kill(stop->main_thread, NUDGE); /* It runs as long as this thread does. */
}

static void take_nudge(int signal)
{
    (void)signal;
}

/* The system calls are to end: no SA_RESTART. */
static void accept_nudges(struct stop *stop)
{
    struct sigaction action = {.sa_handler = take_nudge};

    stop->main_thread = pthread_self();
    sigemptyset(&action.sa_mask);
    (void)sigaction(NUDGE, &action, NULL); /* Fails for no valid signal. */
}

/* The child's turn: whether there is one, which decides what becomes of the signal. */
static bool send_on(struct stop *stop, const siginfo_t *info)
{
    bool is_there;

    pthread_mutex_lock(&stop->mutex);
    is_there = stop->child != 0;
    if (is_there && info->si_code != SI_KERNEL)
        (void)kill(stop->child, info->si_signo); /* It may have ended, and is not waited for yet. */
    pthread_mutex_unlock(&stop->mutex);
    return is_there;
}

static bool has_child(struct stop *stop)
{
    bool has;

    pthread_mutex_lock(&stop->mutex);
    has = stop->child != 0;
    pthread_mutex_unlock(&stop->mutex);
    return has;
}

/* The next signal until then, or -1. */
static int wait_for_signal_until(const struct stop *stop, uint64_t until_ns, siginfo_t *out_info)
{
    uint64_t now = value_monotonic_ns(), left_ns = until_ns > now ? until_ns - now : 0;
    struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_SECOND),
                            .tv_nsec = (long)(left_ns % NS_PER_SECOND)};

    return sigtimedwait(&stop->signals, out_info, &left);
}

/* The next signal. Whoever asks the process to end may ask only once, and what runs may hang: in a
 * write to a reader that has stopped, in waiting for another program. A basin is always safe. */
static int wait_for_signal(struct stop *stop, uint64_t asked_ns, siginfo_t *out_info)
{
    int asked = stop_asked(stop), signal = -1;
    uint64_t nudge_ns = asked_ns + NUDGE_NS;

    while (signal == -1) {
        uint64_t now = value_monotonic_ns();

        if (asked == 0 || stop_asked(stop) == 0) {
            signal = sigwaitinfo(&stop->signals, out_info);
        } else if (has_child(stop)) { /* It has been told; that it ends is waited for elsewhere. */
            signal = wait_for_signal_until(stop, now + GRACE_NS, out_info);
        } else if (asked != SIGINT && now - asked_ns >= GRACE_NS) {
            _exit(128 + asked);
        } else if (now < nudge_ns) {
            signal = wait_for_signal_until(stop, nudge_ns, out_info);
        } else {
            nudge(stop);
            nudge_ns = now + NUDGE_NS;
        }
    }
    return signal;
}

static void *take_signals(void *argument)
{
    struct stop *stop = argument;
    uint64_t asked_ns = 0;

    for (;;) {
        siginfo_t info;
        int before = 0, signal = wait_for_signal(stop, asked_ns, &info);
        bool is_first, is_sent_on;

        if (atomic_load(&stop->ending))
            return NULL;
        is_first = atomic_compare_exchange_strong(&stop->signal, &before, signal);

        /* A command that is being cancelled does not keep a shell from being ended. */
        if (stop->manner == STOP_IS_NOTED && before == SIGINT && signal != SIGINT) {
            atomic_store(&stop->signal, signal);
            is_first = true;
        }
        is_sent_on = send_on(stop, &info);
        if (is_first) {
            ask_to_stop(stop, signal);
            asked_ns = value_monotonic_ns();
        } else if (!is_sent_on && value_monotonic_ns() - asked_ns >= SAME_REQUEST_NS) {
            /* What comes at once is the same request: some senders send to the process and to its
             * group. */
            ask_again(stop, signal);
        }
    }
}

/* SIGUSR1 waits, in every thread, until progress.c takes it. */
static void block_progress_signal(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* A signal that whoever started the program has had ignored (nohup) stays so. */
static void add_signal(sigset_t *set, int signal)
{
    struct sigaction action;

    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(set, signal);
}

void stop_begin(struct stop *stop, enum stop_manner manner)
{
    *stop = (struct stop){.manner = manner};
    stop->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&stop->mutex, NULL);
    sigemptyset(&stop->signals);
    sigaddset(&stop->signals, SIGINT);
    sigaddset(&stop->signals, SIGTERM);
    add_signal(&stop->signals, SIGHUP);
    block_progress_signal();
    if (manner == STOP_IS_NOTED)
        accept_nudges(stop);
    pthread_sigmask(SIG_BLOCK, &stop->signals, NULL);
    stop->running = pthread_create(&stop->thread, NULL, take_signals, stop) == 0;
    if (stop->running)
        pthread_setname_np(stop->thread, "fl:signal");
    else /* Then signals end the process as they always do. */
        pthread_sigmask(SIG_UNBLOCK, &stop->signals, NULL);
}

void stop_watch(struct stop *stop, flume_cursor *cursor)
{
    pthread_mutex_lock(&stop->mutex);
    stop->cursor = cursor;
    pthread_mutex_unlock(&stop->mutex);
}

void stop_hold(struct stop *stop)
{
    pthread_mutex_lock(&stop->mutex);
    stop->held++;
    pthread_mutex_unlock(&stop->mutex);
}

void stop_release(struct stop *stop)
{
    pthread_mutex_lock(&stop->mutex);
    stop->held--;
    pthread_mutex_unlock(&stop->mutex);
}

void stop_send_on(struct stop *stop, pid_t child)
{
    pthread_mutex_lock(&stop->mutex);
    stop->child = child;
    pthread_mutex_unlock(&stop->mutex);
}

int stop_asked(const struct stop *stop)
{
    return atomic_load(&stop->signal);
}

void stop_clear(struct stop *stop)
{
    int interrupt = SIGINT;
    uint64_t count;

    if (!atomic_compare_exchange_strong(&stop->signal, &interrupt, 0) && interrupt != 0)
        return;
    if (stop->descriptor != -1)
        (void)!read(stop->descriptor, &count, sizeof(count)); /* Empty: nobody asked. */
}

void stop_end(struct stop *stop)
{
    if (stop->running) {
        atomic_store(&stop->ending, true);
        pthread_kill(stop->thread, SIGTERM); /* Taken by its sigwait, which ends by that. */
        pthread_join(stop->thread, NULL);
    }
    stop->running = false;
    if (stop->descriptor != -1)
        (void)close(stop->descriptor); /* An eventfd has nothing to lose. */
    stop->descriptor = -1;
    pthread_mutex_destroy(&stop->mutex);
}
