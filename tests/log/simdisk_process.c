/*
 * simdisk_process.c - the simulated processes, and how they are killed.
 *
 * A killed process's threads end at their next call of the table. One that waits for a lock of its
 * own process, which a thread that is gone holds, never gets there: it is ended where it sleeps,
 * by the bare system call, so that the kernel frees its robust mutexes as it does for the killed.
 */
#include "simdisk_inside.h"

#include <assert.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { REAP_MS_MAX = 20000, STUCK_MS = 20, REAP_SIGNAL = SIGUSR2 };

/* Which process this thread was last seen in. */
static _Thread_local const struct sim_process *thread_process;

static void thread_enter(struct sim_process *process)
{
    pid_t thread = (pid_t)syscall(SYS_gettid);
    size_t i = 0;
    sigset_t signals;

    thread_process = process;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, REAP_SIGNAL);
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL); /* A library's threads block all. */
    (void)pthread_mutex_lock(&process->disk->mutex);
    while (i < process->thread_count && process->threads[i] != thread)
        i++;
    assert(i < SIM_THREADS_MAX);
    process->threads[i] = thread;
    if (i == process->thread_count)
        process->thread_count++;
    (void)pthread_mutex_unlock(&process->disk->mutex);
}

void sim_die_if_killed(struct sim_process *process)
{
    if (atomic_load(&process->killed))
        pthread_exit(NULL);
    if (thread_process != process)
        thread_enter(process);
}

void sim_enter(struct sim_process *process)
{
    sim_die_if_killed(process);
    (void)pthread_mutex_lock(&process->disk->mutex);
    if (!atomic_load(&process->killed))
        return;
    (void)pthread_mutex_unlock(&process->disk->mutex); /* Killed while this thread waited. */
    pthread_exit(NULL);
}

void sim_kill_locked(struct sim_process *process)
{
    atomic_store(&process->killed, true);
    sim_release_files(process->disk, process);
}

const flume_io *simdisk_process(struct simdisk *disk)
{
    struct sim_process *process;

    (void)pthread_mutex_lock(&disk->mutex);
    assert(disk->process_count < SIMDISK_PROCESSES_MAX);
    process = &disk->processes[disk->process_count++];
    process->disk = disk;
    process->table.ctx = process;
    sim_fill_table(&process->table);
    sim_fill_time(&process->table);
    (void)pthread_mutex_unlock(&disk->mutex);
    return &process->table;
}

void simdisk_kill(const flume_io *process)
{
    struct sim_process *victim = process->ctx;

    (void)pthread_mutex_lock(&victim->disk->mutex);
    sim_kill_locked(victim);
    (void)pthread_mutex_unlock(&victim->disk->mutex);
}

void simdisk_kill_after(const flume_io *process, uint64_t calls)
{
    struct sim_process *victim = process->ctx;

    (void)pthread_mutex_lock(&victim->disk->mutex);
    victim->kill_after = calls;
    (void)pthread_mutex_unlock(&victim->disk->mutex);
}

/* --- Ending a process's threads --------------------------------------------------------------- */

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&time, NULL);
}

/* Whether a thread of this program lives, and whether it sleeps on a futex. */
static bool thread_lives(pid_t thread, bool *out_sleeps)
{
    char path[64];
    char line[32] = "";
    FILE *stream;

    (void)snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)thread);
    stream = fopen(path, "r");
    if (stream == NULL)
        return false;
    *out_sleeps = fgets(line, sizeof line, stream) != NULL && atol(line) == SYS_futex &&
                  line[0] >= '0' && line[0] <= '9';
    (void)fclose(stream);
    return true;
}

static void end_thread(int signal_number)
{
    (void)signal_number;
    (void)syscall(SYS_exit, 0);
}

static void end_sleeper(pid_t thread)
{
    struct sigaction action = {.sa_handler = end_thread};

    (void)sigaction(REAP_SIGNAL, &action, NULL);
    (void)syscall(SYS_tgkill, getpid(), thread, REAP_SIGNAL);
}

/* Wait for one thread; end it if it sleeps without an end. */
static bool thread_reap(pid_t thread)
{
    long slept_ms = 0;
    bool sleeps;

    for (long ms = 0; ms < REAP_MS_MAX && thread_lives(thread, &sleeps); ms++) {
        slept_ms = sleeps ? slept_ms + 1 : 0;
        if (slept_ms == STUCK_MS) {
            end_sleeper(thread);
            slept_ms = 0;
        }
        pause_ms(1);
    }
    return !thread_lives(thread, &sleeps);
}

/* --- Threads that have not called yet --------------------------------------------------------- */

static size_t list_threads(pid_t threads[SIM_THREADS_MAX])
{
    DIR *tasks = opendir("/proc/self/task");
    size_t count = 0;

    assert(tasks != NULL);
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        if (task->d_name[0] != '.' && count < SIM_THREADS_MAX)
            threads[count++] = (pid_t)atol(task->d_name);
    }
    (void)closedir(tasks);
    return count;
}

void sim_remember_threads(struct simdisk *disk)
{
    disk->bystander_count = list_threads(disk->bystanders);
}

static bool is_among(const pid_t *threads, size_t count, pid_t thread)
{
    for (size_t i = 0; i < count; i++) {
        if (threads[i] == thread)
            return true;
    }
    return false;
}

static bool is_known(struct simdisk *disk, pid_t thread)
{
    bool known = is_among(disk->bystanders, disk->bystander_count, thread);

    (void)pthread_mutex_lock(&disk->mutex);
    for (size_t i = 0; i < disk->process_count && !known; i++)
        known = is_among(disk->processes[i].threads, disk->processes[i].thread_count, thread);
    (void)pthread_mutex_unlock(&disk->mutex);
    return known;
}

/* A thread that was just started belongs to somebody, but only its first call tells to whom. */
static bool all_are_known(struct simdisk *disk)
{
    pid_t threads[SIM_THREADS_MAX];
    size_t count = list_threads(threads);

    for (size_t i = 0; i < count; i++) {
        if (!is_known(disk, threads[i]))
            return false;
    }
    return true;
}

bool simdisk_killed(const flume_io *process)
{
    struct sim_process *victim = process->ctx;

    return atomic_load(&victim->killed);
}

bool simdisk_reap(const flume_io *process)
{
    struct sim_process *victim = process->ctx;
    bool all = true;

    assert(atomic_load(&victim->killed));
    for (long ms = 0; ms < REAP_MS_MAX && !all_are_known(victim->disk); ms++)
        pause_ms(1);
    for (size_t i = 0; i < victim->thread_count; i++) {
        if (victim->threads[i] != (pid_t)syscall(SYS_gettid)) /* Who opened it for the victim. */
            all = thread_reap(victim->threads[i]) && all;
    }
    return all;
}
