/*
 * child.c - starting, stopping and killing second processes. See child.h.
 */
#include "child.h"
#include "measure.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* A child that takes longer than this to be ready or to end is taken for stuck, and killed. */
static const uint64_t patience_ns = 60000000000;

static int map_board(struct child *child)
{
    void *board =
        mmap(NULL, sizeof(*child->board), PROT_READ | PROT_WRITE, MAP_SHARED, child->board_fd, 0);

    if (board == MAP_FAILED)
        return bench_fail("cannot map the board");
    child->board = board;
    return 0;
}

int child_prepare(struct child *out_child, const char *basin_path)
{
    *out_child = (struct child){.board_fd = -1};
    /* Inherited by the child, which is told its number. */
    out_child->board_fd = memfd_create("bench-board", 0);
    if (out_child->board_fd < 0 ||
        ftruncate(out_child->board_fd, (off_t)sizeof(*out_child->board)) != 0)
        return bench_fail("cannot make a board");
    if (map_board(out_child) != 0)
        return -1;
    (void)snprintf(out_child->board->basin_path, BOARD_PATH_BYTES, "%s", basin_path);
    return 0;
}

/* Whether the child has ended; then it is no more. */
static int reap(struct child *child, int *out_status)
{
    int wait_status;

    if (waitpid(child->pid, &wait_status, WNOHANG) != child->pid)
        return 0;
    child->pid = 0;
    *out_status = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 ? 0 : -1;
    return 1;
}

int child_start(struct child *child, enum child_role role)
{
    const uint64_t until_ns = clock_ns() + patience_ns;
    char role_text[16];
    char fd_text[16];
    char *arguments[] = {"bench_log", "--child", role_text, fd_text, NULL};
    int status;

    (void)snprintf(role_text, sizeof(role_text), "%d", (int)role);
    (void)snprintf(fd_text, sizeof(fd_text), "%d", child->board_fd);
    errno = posix_spawn(&child->pid, "/proc/self/exe", NULL, NULL, arguments, environ);
    if (errno != 0) {
        child->pid = 0;
        return bench_fail("cannot start a second process");
    }
    while (!atomic_load_explicit(&child->board->ready, memory_order_acquire)) {
        if (reap(child, &status))
            return bench_fail("a second process ended before it was ready");
        if (clock_ns() > until_ns)
            return bench_fail("a second process does not get ready");
        sleep_ns(200000);
    }
    return 0;
}

int child_stop(struct child *child)
{
    const uint64_t until_ns = clock_ns() + patience_ns;
    int status = -1;

    if (child->pid == 0)
        return -1;
    atomic_store_explicit(&child->board->stop, 1, memory_order_release);
    (void)syscall(SYS_futex, &child->board->stop, FUTEX_WAKE, 1, NULL, NULL, 0);
    while (!reap(child, &status)) {
        if (clock_ns() > until_ns) {
            child_kill(child);
            return bench_fail("a second process does not end");
        }
        sleep_ns(200000);
    }
    return status;
}

void child_kill(struct child *child)
{
    if (child->pid == 0)
        return;
    (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    child->pid = 0;
}

void child_discard(struct child *child)
{
    child_kill(child);
    if (child->board != NULL) {
        (void)munmap(child->board, sizeof(*child->board));
        (void)close(child->board_fd);
    }
    *child = (struct child){.board_fd = -1};
}

int board_wait_for_stop(struct board *board)
{
    const struct timespec patience = {.tv_sec = (time_t)(patience_ns / 1000000000)};
    const uint64_t until_ns = clock_ns() + patience_ns;

    while (!atomic_load_explicit(&board->stop, memory_order_acquire)) {
        if (clock_ns() > until_ns)
            return bench_fail("nobody stops this process");
        (void)syscall(SYS_futex, &board->stop, FUTEX_WAIT, 0, &patience, NULL, 0);
    }
    return 0;
}

int child_main(int argc, char **argv)
{
    static int (*const roles[CHILD_ROLE_COUNT])(struct board *) = {
        [CHILD_APPENDER] = role_appender,
        [CHILD_COUNTER] = role_counter,
        [CHILD_STAMP_READER] = role_stamp_reader,
        [CHILD_WORD_READER] = role_word_reader,
        [CHILD_RECORDER] = role_recorder,
        [CHILD_OPENER] = role_opener,
        [CHILD_IDLER] = role_idler,
    };
    struct child self = {.board_fd = -1};
    int role;
    int status;

    if (argc != 4 || strcmp(argv[1], "--child") != 0)
        return -1;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    role = atoi(argv[2]);
    self.board_fd = atoi(argv[3]);
    if (role < 0 || role >= CHILD_ROLE_COUNT || map_board(&self) != 0)
        return EXIT_FAILURE;
    status = roles[role](self.board);
    (void)munmap(self.board, sizeof(*self.board));
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
