/*
 * process_fixture.c - directories, chance and processes of the tests with real processes.
 */
#include "process_fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leave.h"

enum { REPORTS_PER_READ = 256, PATIENCE_MS = 60000, FAST_STRATA_BYTES = 1 << 20 };

/* --- Chance ------------------------------------------------------------------------------------*/

/* Splitmix64. */
uint64_t chance_next(uint64_t *io_state)
{
    uint64_t value = (*io_state += UINT64_C(0x9e3779b97f4a7c15));

    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

uint64_t chance_below(uint64_t *io_state, uint64_t limit)
{
    return chance_next(io_state) % limit;
}

uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

uint64_t process_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void pause_ns(uint64_t ns)
{
    struct timespec left = {.tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND)};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* --- The test's directory ----------------------------------------------------------------------*/

void shell(const char *format, ...)
{
    char command[PATH_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static int setup_below(void **state, const char *base)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    (void)snprintf(fx->root, sizeof fx->root, "%s/flume-process-XXXXXX", base);
    assert_non_null(mkdtemp(fx->root));
    (void)snprintf(fx->basin, sizeof fx->basin, "%s/b.flume", fx->root);
    fx->seed = number_from("FLUME_SEED", (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32);
    fx->chance = fx->seed;
    print_message("FLUME_SEED=%" PRIu64 "\n", fx->seed);
    *state = fx;
    return 0;
}

int setup(void **state)
{
    const char *base = getenv("TMPDIR");

    return setup_below(state, base != NULL ? base : ".");
}

int setup_in_memory(void **state)
{
    static const char memory[] = "/dev/shm";

    return access(memory, W_OK | X_OK) == 0 ? setup_below(state, memory) : setup(state);
}

int setup_for_all(void **state)
{
    int result = setup_below(state, P_tmpdir);
    struct fixture *fx = *state;

    assert_int_equal(chmod(fx->root, 0755), 0);
    return result;
}

int teardown(void **state)
{
    struct fixture *fx = *state;

    shell("rm -rf '%s'", fx->root);
    free(fx);
    return 0;
}

void forget_basin(struct fixture *fx)
{
    shell("rm -rf '%s'", fx->basin);
}

flume_log *open_with(const char *path, const flume_log_options *options)
{
    flume_log *log = NULL;
    flume_error error;
    int status = flume_log_open(&log, path, options, &error);

    if (status != FLUME_OK)
        fail_msg("open %s: %s: %s", path, flume_status_name(status), error.message);
    return log;
}

flume_log *process_open_log(struct fixture *fx, unsigned flags)
{
    flume_log_options options = {.flags = flags, .strata_bytes = FAST_STRATA_BYTES};

    return open_with(fx->basin, &options);
}

void process_close_log(flume_log *log)
{
    int status = flume_log_close(log);

    if (status != FLUME_OK)
        fail_msg("close: %s", flume_status_name(status));
}

int process_try_open(const char *path, const flume_log_options *options, flume_error *out_error)
{
    flume_log *log = NULL;
    int status = flume_log_open(&log, path, options, out_error);

    if (status == FLUME_OK)
        (void)flume_log_close(log); /* Only the opening is asked about. */
    return status;
}

void expect_ok(flume_log *log, int status)
{
    flume_error error = {.message = ""};

    if (status == FLUME_OK)
        return;
    flume_log_error(log, &error);
    fail_msg("%s: %s", flume_status_name(status), error.message);
}

/* --- Processes: the parent's side --------------------------------------------------------------*/

static void play(struct fixture *fx, struct process *process, role_play role_plays, const void *ctx,
                 int reports, int orders)
{
    struct role role = {
        .basin = fx->basin,
        .writer = process->writer,
        .chance = fx->chance ^ process->writer << 40,
        .ctx = ctx,
        .reports = reports,
        .orders = orders,
    };

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    role_plays(&role);
    leave(0);
}

void process_start(struct fixture *fx, struct process *process, uint64_t writer, role_play role,
                   const void *ctx)
{
    int reports[2], orders[2];

    assert_true(writer < WRITERS_MAX);
    assert_int_equal(pipe(reports), 0);
    assert_int_equal(pipe(orders), 0);
    (void)chance_next(&fx->chance);
    process->writer = writer;
    process->pid = fork();
    assert_true(process->pid >= 0);
    if (process->pid == 0) {
        (void)close(reports[0]);
        (void)close(orders[1]);
        play(fx, process, role, ctx, reports[1], orders[0]);
    }
    (void)close(reports[1]);
    (void)close(orders[0]);
    process->reports = reports[0];
    process->orders = orders[1];
    process->running = true;
}

void process_order(struct process *process)
{
    assert_int_equal(write(process->orders, "g", 1), 1);
}

static void take_report(struct process *process, struct report report)
{
    if (process->seq_count == process->seq_room) {
        process->seq_room = process->seq_room == 0 ? 1024 : process->seq_room * 2;
        process->seqs = realloc(process->seqs, process->seq_room * sizeof *process->seqs);
        assert_non_null(process->seqs);
    }
    assert_int_equal(report.number, process->seq_count);
    process->seqs[process->seq_count++] = report.seq;
}

/* One read of what is in the pipe. false: nobody writes any more, or nothing came in time. */
static bool read_reports(struct process *process, int timeout_ms)
{
    struct report reports[REPORTS_PER_READ];
    struct pollfd waits = {.fd = process->reports, .events = POLLIN};
    ssize_t bytes;

    if (poll(&waits, 1, timeout_ms) <= 0)
        return false;
    bytes = read(process->reports, reports, sizeof reports);
    if (bytes <= 0)
        return false;
    assert_int_equal((size_t)bytes % sizeof *reports, 0); /* Written whole, below PIPE_BUF. */
    for (size_t i = 0; i < (size_t)bytes / sizeof *reports; i++)
        take_report(process, reports[i]);
    return true;
}

bool process_hear(struct process *process, size_t seq_count)
{
    while (process->seq_count < seq_count) {
        if (!read_reports(process, PATIENCE_MS))
            return false;
    }
    return true;
}

uint64_t process_hear_word(struct process *process)
{
    size_t count = process->seq_count;

    if (!process_hear(process, count + 1))
        fail_msg("process %d has nothing more to say", (int)process->pid);
    return process->seqs[count];
}

void processes_overhear(struct process *processes, size_t count, uint64_t ns)
{
    uint64_t until_ns = process_now_ns() + ns;

    do {
        for (size_t i = 0; i < count; i++) {
            if (processes[i].running)
                (void)read_reports(&processes[i], 0);
        }
    } while (process_now_ns() < until_ns);
}

void processes_hear_each(struct process *processes, size_t count, size_t more)
{
    size_t wanted[WRITERS_MAX];
    struct pollfd waits[WRITERS_MAX];
    bool all_heard = false;

    for (size_t i = 0; i < count; i++) {
        wanted[i] = processes[i].seq_count + more;
        waits[i] = (struct pollfd){.fd = processes[i].running ? processes[i].reports : -1,
                                   .events = POLLIN};
    }
    while (!all_heard && more > 0) {
        assert_true(poll(waits, (nfds_t)count, PATIENCE_MS) > 0);
        all_heard = true;
        for (size_t i = 0; i < count; i++) {
            if (processes[i].running && waits[i].revents != 0 &&
                !read_reports(&processes[i], PATIENCE_MS))
                fail_msg("writer %" PRIu64 " died", processes[i].writer);
            if (processes[i].running && processes[i].seq_count < wanted[i])
                all_heard = false;
            else
                waits[i].fd = -1; /* Its full pipe holds it back until the others have come on. */
        }
    }
}

void process_signal(struct process *process, int signal)
{
    assert_int_equal(kill(process->pid, signal), 0);
}

void process_await_stop(struct process *process)
{
    int status = 0;

    assert_int_equal(waitpid(process->pid, &status, WUNTRACED), process->pid);
    if (!WIFSTOPPED(status))
        fail_msg("process %d ended (status 0x%x) instead of stopping", (int)process->pid, status);
}

bool process_has_ended(const struct process *process)
{
    siginfo_t info = {.si_pid = 0};

    assert_int_equal(waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid != 0;
}

int process_join(struct process *process)
{
    int status = 0;

    while (read_reports(process, PATIENCE_MS))
        continue;
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    process->running = false;
    (void)close(process->reports);
    (void)close(process->orders);
    return status;
}

void process_kill(struct process *process)
{
    process_signal(process, SIGKILL);
    (void)process_join(process); /* It may have ended by itself just before. */
}

void process_join_well(struct process *process)
{
    int status = process_join(process);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("process %d ended with status 0x%x", (int)process->pid, status);
}

void process_free(struct process *process)
{
    if (process->running)
        process_kill(process);
    free(process->seqs);
    memset(process, 0, sizeof *process);
}

/* --- Processes: the child's side ---------------------------------------------------------------*/

void role_require(bool condition, const char *format, ...)
{
    va_list arguments;

    if (condition)
        return;
    va_start(arguments, format);
    (void)fprintf(stderr, "process %d: ", (int)getpid());
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    leave(ROLE_FAILED);
}

void role_await(struct role *role)
{
    char order;

    role_require(read(role->orders, &order, 1) == 1, "no order came");
}

void role_report(struct role *role, uint64_t seq, uint64_t number)
{
    struct report report = {seq, number};

    role_require(write(role->reports, &report, sizeof report) == sizeof report, "cannot report");
}

flume_log *role_open(struct role *role, const flume_log_options *options)
{
    flume_log *log = NULL;
    flume_error error;
    int status = flume_log_open(&log, role->basin, options, &error);

    role_require(status == FLUME_OK, "open: %s: %s", flume_status_name(status), error.message);
    return log;
}

static void report_batch(struct role *role, uint64_t first_seq, size_t count)
{
    struct report reports[BATCH_RECORDS_MAX];

    for (size_t i = 0; i < count; i++)
        reports[i] = (struct report){first_seq + i, role->next_number + i};
    role_require(write(role->reports, reports, count * sizeof *reports) ==
                     (ssize_t)(count * sizeof *reports),
                 "cannot report");
}

int role_try_append(struct role *role, flume_log *log, size_t count, size_t filler_bytes_max)
{
    static uint8_t memory[BATCH_RECORDS_MAX][STAMP_BYTES + FILLER_BYTES_MAX];
    flume_entry entries[BATCH_RECORDS_MAX];
    uint64_t first_seq;
    int status;

    role_require(count <= BATCH_RECORDS_MAX && filler_bytes_max <= FILLER_BYTES_MAX, "too much");
    memset(entries, 0, sizeof entries);
    for (size_t i = 0; i < count; i++) {
        struct stamp stamp = {
            .writer = role->writer,
            .number = role->next_number + i,
            .index = (uint32_t)i,
            .count = (uint32_t)count,
            .filler_bytes = (uint32_t)chance_below(&role->chance, filler_bytes_max + 1),
        };

        body_make(&stamp, memory[i]);
        entries[i].body = memory[i];
        entries[i].body_bytes = STAMP_BYTES + stamp.filler_bytes;
    }
    status = flume_log_append_many(log, entries, count, NULL, &first_seq);
    if (status == FLUME_OK) {
        report_batch(role, first_seq, count);
        role->next_number += count;
    }
    return status;
}

void role_append(struct role *role, flume_log *log, size_t count, size_t filler_bytes_max)
{
    flume_error error = {.message = ""};
    int status = role_try_append(role, log, count, filler_bytes_max);

    if (status != FLUME_OK)
        flume_log_error(log, &error);
    role_require(status == FLUME_OK, "append: %s: %s", flume_status_name(status), error.message);
}
