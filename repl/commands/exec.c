/*
 * exec.c - `tail --exec CMD` (exec.h).
 *
 * What always holds: a body is a file in memory before the command starts, so a command that reads
 * nothing, or only a part, neither blocks flume nor ends it by SIGPIPE.
 */
#include "exec.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "rows.h"

enum { OWN_VARIABLES = 4 };

/* 0 or -errno; *out_descriptor stands at its beginning. */
static int make_file(const flume_record *record, int *out_descriptor)
{
    const char *body = record->body;
    size_t done = 0;
    int descriptor = memfd_create("flume-record", MFD_CLOEXEC), error;

    if (descriptor < 0)
        return -errno;
    while (done < record->body_bytes) {
        ssize_t written = write(descriptor, body + done, record->body_bytes - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            goto fail;
        done += (size_t)written;
    }
    if (lseek(descriptor, 0, SEEK_SET) != 0)
        goto fail;
    *out_descriptor = descriptor;
    return 0;
fail:
    error = -errno;
    close(descriptor);
    return error;
}

/* What the command is told; texts[i] hold the strings that the list points to. */
struct environment {
    struct text texts[OWN_VARIABLES];
    char **list;
};

static int make_environment(struct environment *environment, const flume_record *record)
{
    size_t count = 0, kept = 0;

    text_format(&environment->texts[0], "FLUME_SEQ=%" PRIu64, record->seq);
    text_string(&environment->texts[1], "FLUME_TIME=");
    value_show_time(&environment->texts[1], record->time_ns);
    text_string(&environment->texts[2], "FLUME_LABELS=");
    rows_add_labels(&environment->texts[2], record, 0);
    text_string(&environment->texts[3], "FLUME_KIND=");
    rows_add_kind(&environment->texts[3], record->kind);
    while (environ[count] != NULL)
        count++;
    environment->list = calloc(count + OWN_VARIABLES + 1, sizeof(environment->list[0]));
    if (environment->list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < OWN_VARIABLES; i++)
        environment->list[kept++] = (char *)(uintptr_t)text_c_string(&environment->texts[i]);
    for (size_t i = 0; i < count; i++)
        environment->list[kept++] = environ[i]; /* Of two of a name the first is found. */
    return 0;
}

static void release_environment(struct environment *environment)
{
    for (size_t i = 0; i < OWN_VARIABLES; i++)
        text_deinit(&environment->texts[i]);
    free(environment->list);
}

/* Until it ends; where Ctrl-C comes first, it gets the signal too. */
static int wait_for(struct session *session, pid_t process)
{
    struct pollfd either[] = {{.fd = pidfd_open(process, 0), .events = POLLIN},
                              {.fd = session->stop->descriptor, .events = POLLIN}};
    int how = 0;

    while (poll(either, 2, -1) < 0 && errno == EINTR)
        ;
    if (session_stopped(session) != 0)
        (void)kill(process, session_stopped(session)); /* It may have ended meanwhile. */
    while (waitpid(process, &how, 0) < 0 && errno == EINTR)
        ;
    if (either[0].fd >= 0)
        close(either[0].fd);
    return how;
}

static int judge(struct session *session, const flume_record *record, int how)
{
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return CODE_OK;
    if (session_stopped(session) != 0)
        return CODE_PARTIAL;
    if (WIFSIGNALED(how))
        return report(session, ERROR_EXEC_KILLED, record->seq, WTERMSIG(how));
    return report(session, ERROR_EXEC_FAILED, record->seq, WEXITSTATUS(how));
}

int exec_record(struct session *session, const char *command, const flume_record *record)
{
    struct environment environment = {.list = NULL};
    int input = -1, code = CODE_OK;
    pid_t process = 0;
    int error = make_file(record, &input);

    if (error == 0)
        error = make_environment(&environment, record);
    if (error == 0)
        error = child_start(command, input, environment.list, &process);
    if (error == 0)
        code = judge(session, record, wait_for(session, process));
    else
        code = report(session, ERROR_EXEC_NOT_RUN, strerror(-error));
    if (input >= 0)
        close(input);
    release_environment(&environment);
    return code;
}
