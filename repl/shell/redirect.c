/*
 * redirect.c - where a command's rows go (redirect.h).
 */
#include "redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "shell.h"
#include "session.h"

/* Standard output becomes `descriptor`, which is closed. 0 or -errno. */
static int take_output(struct redirect *redirect, int descriptor)
{
    int status = 0;

    fflush(stdout);
    redirect->saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (redirect->saved == -1 || dup2(descriptor, STDOUT_FILENO) == -1)
        status = -errno;
    if (status != 0 && redirect->saved != -1) {
        (void)close(redirect->saved);
        redirect->saved = -1;
    }
    (void)close(descriptor); /* It is another descriptor's copy, or was not used. */
    return status;
}

static int begin_pipe(struct redirect *redirect)
{
    int ends[2], status;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    status = child_start(redirect->text, ends[0], NULL, &redirect->child);
    (void)close(ends[0]); /* The child has its own. */
    if (status != 0) {
        (void)close(ends[1]);
        return status;
    }
    signal(SIGPIPE, SIG_IGN); /* A reader that has seen enough ends the command, not the shell. */
    return take_output(redirect, ends[1]);
}

static int begin_file(struct redirect *redirect)
{
    int status = output_file_begin(&redirect->file, redirect->text), descriptor;

    if (status != 0)
        return status;
    descriptor = fcntl(fileno(redirect->file.stream), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    status = descriptor == -1 ? -errno : take_output(redirect, descriptor);
    if (status != 0)
        output_file_abandon(&redirect->file);
    return status;
}

static int begin_append(struct redirect *redirect)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    int descriptor = open(redirect->text, flags, 0666);

    return descriptor == -1 ? -errno : take_output(redirect, descriptor);
}

/* What the line asks for, or else the shell. */
static void choose(struct redirect *redirect, struct shell *shell, const struct line *line)
{
    redirect->target = line->target;
    redirect->text = line->target_text;
    if (line->form == LINE_COMMAND) { /* A setting's own output does not use it up. */
        redirect->once_path = shell->once_path;
        shell->once_path = NULL;
    }
    if (redirect->target != TARGET_SCREEN)
        return;
    if (redirect->once_path != NULL) {
        redirect->target = TARGET_FILE;
        redirect->text = redirect->once_path;
    } else if (shell->output_path != NULL && line->form == LINE_COMMAND) {
        redirect->target = TARGET_FILE_APPEND;
        redirect->text = shell->output_path;
    }
}

static int report_unwritable(const struct redirect *redirect, struct session *session, int status)
{
    const struct report_detail detail = {.target = redirect->text};

    return report_with(session, &detail, ERROR_FILE_UNWRITABLE, redirect->text, strerror(-status));
}

int redirect_begin(struct redirect *redirect, struct session *session, struct shell *shell,
                   const struct line *line)
{
    int status = 0;

    *redirect = (struct redirect){.saved = -1, .child = -1};
    choose(redirect, shell, line);
    if (redirect->target == TARGET_PIPE)
        status = begin_pipe(redirect);
    else if (redirect->target == TARGET_FILE)
        status = begin_file(redirect);
    else if (redirect->target == TARGET_FILE_APPEND)
        status = begin_append(redirect);
    if (status == 0)
        return CODE_OK;
    if (redirect->target == TARGET_PIPE) {
        signal(SIGPIPE, SIG_DFL);
        report(session, ERROR_NO_SHELL, strerror(-status));
    } else {
        report_unwritable(redirect, session, status);
    }
    if (redirect->child != -1)
        (void)child_wait(session, redirect->child, redirect->text);
    free(redirect->once_path);
    redirect->once_path = NULL;
    return CODE_IO;
}

/* What could not be written stays in the buffer of stdout, and must not come out later. */
static int give_back_output(struct redirect *redirect)
{
    int status = fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : -errno;

    __fpurge(stdout);
    clearerr(stdout);
    if (dup2(redirect->saved, STDOUT_FILENO) == -1 && status == 0)
        status = -errno;
    (void)close(redirect->saved); /* It has become standard output. */
    redirect->saved = -1;
    return status;
}

static int end_pipe(struct redirect *redirect, struct session *session, int code)
{
    int ended = child_wait(session, redirect->child, redirect->text);

    signal(SIGPIPE, SIG_DFL);
    if (code == CODE_PIPE_CLOSED)
        code = CODE_OK;
    return code != CODE_OK ? code : ended;
}

static int end_file(struct redirect *redirect, struct session *session, int code, bool is_complete)
{
    int status;

    if (!is_complete) {
        output_file_abandon(&redirect->file);
        note(session, "%s was not written", redirect->text);
        return code;
    }
    status = output_file_commit(&redirect->file);
    if (status == 0)
        return code;
    return report_unwritable(redirect, session, status);
}

int redirect_end(struct redirect *redirect, struct session *session, int code, bool is_complete)
{
    if (redirect->saved != -1) {
        int status = give_back_output(redirect);

        if (status != 0 && status != -EPIPE && code == CODE_OK)
            code = report_unwritable(redirect, session, status);
        is_complete = is_complete && status == 0;
    }
    if (redirect->target == TARGET_PIPE)
        code = end_pipe(redirect, session, code);
    else if (redirect->target == TARGET_FILE)
        code = end_file(redirect, session, code, is_complete);
    free(redirect->once_path);
    redirect->once_path = NULL;
    return code;
}
