/*
 * once_tee.c - running the command of `flume run`: what it writes is shown at once, and recorded
 * (once.h).
 *
 * What always holds:
 *   - Whatever the command writes, memory is bounded: bytes go on to flume's own output and into a
 *     blob (blob.h) as they come, and the command waits if these are slower.
 *   - Where nobody reads flume's output any more, the command's own pipe is closed: it is ended by
 *     SIGPIPE at its next write, as it would be without flume.
 *   - A command that has ended is not waited for because of what it has left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "once.h"

/* How long what a command has left behind may keep its output open; and how much of it is read even
 * then: all that was in the pipe when the command ended. */
#define LEFT_OPEN_NS (500 * NS_PER_MILLISECOND)
enum { PIPE_BYTES = 1 << 20 };

struct tee {
    struct once *once;
    struct once_result *result;
    struct once_child child;
    flume_blob_writer *writers[ONCE_STREAMS]; /* NULL: nothing was written yet. */
    enum once_gap gap;
    int last;          /* Of which stream the last piece is. */
    uint64_t ended_ns; /* When the command has ended; 0: it has not. */
    size_t read_since; /* Bytes since then. */
    char *piece;
};

static void close_stream(struct tee *tee, int stream)
{
    (void)close(tee->child.streams[stream]); /* A pipe has nothing to lose. */
    tee->child.streams[stream] = -1;
}

/* In which order they came. The stream that goes on, as long as there is room. */
static void note_piece(struct tee *tee, int stream, size_t bytes)
{
    struct once_result *result = tee->result;

    if (result->piece_count == 0) {
        result->pieces[result->piece_count++] = 0; /* Stdout begins, with nothing perhaps. */
        tee->last = ONCE_OUT;
    }
    if (tee->last != stream) {
        if (result->piece_count == ONCE_PIECES_MAX) {
            tee->last = -1; /* From here on they are told apart only. */
            return;
        }
        result->pieces[result->piece_count++] = 0;
        tee->last = stream;
    }
    result->pieces[result->piece_count - 1] += bytes;
}

static void store(struct tee *tee, int stream, const char *data, size_t bytes)
{
    flume *handle = tee->once->session->flume;
    int status = FLUME_OK;

    if (tee->gap == ONCE_NOT_STORED)
        return;
    if (tee->writers[stream] == NULL)
        status = flume_blob_writer_open(handle, NULL, &tee->writers[stream]);
    if (status == FLUME_OK)
        status = flume_blob_writer_write(tee->writers[stream], data, bytes);
    if (status == FLUME_OK)
        return;
    /* The command goes on: what it does is not undone because it cannot be recorded. */
    (void)report_flume_error(tee->once->session, status);
    tee->gap = ONCE_NOT_STORED;
}

static void show(struct tee *tee, int stream, const char *data, size_t bytes)
{
    int status = once_write(stream == ONCE_OUT ? STDOUT_FILENO : STDERR_FILENO, data, bytes);

    if (status == 0)
        return;
    close_stream(tee, stream);
    if (tee->gap == ONCE_NOT_STORED)
        return;
    tee->gap = status == -EPIPE ? ONCE_NOT_READ : ONCE_NOT_SHOWN;
    if (tee->gap == ONCE_NOT_SHOWN)
        (void)report(tee->once->session, ERROR_FILE_UNWRITABLE,
                     stream == ONCE_OUT ? "standard output" : "standard error", strerror(-status));
}

/* What is there now, up to a piece. */
static void take(struct tee *tee, int stream)
{
    ssize_t bytes = read(tee->child.streams[stream], tee->piece, ONCE_PIECE_BYTES);

    if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (bytes <= 0) {
        close_stream(tee, stream);
        return;
    }
    if (tee->ended_ns != 0)
        tee->read_since += (size_t)bytes;
    note_piece(tee, stream, (size_t)bytes);
    store(tee, stream, tee->piece, (size_t)bytes);
    show(tee, stream, tee->piece, (size_t)bytes);
}

static bool is_open(const struct tee *tee)
{
    return tee->child.streams[ONCE_OUT] != -1 || tee->child.streams[ONCE_ERROR] != -1;
}

/* Milliseconds that may be waited; -1: without limit. */
static int time_left(const struct tee *tee)
{
    uint64_t now_ns = value_monotonic_ns();

    if (tee->ended_ns == 0)
        return -1;
    if (session_stopped(tee->once->session) != 0 || now_ns >= tee->ended_ns + LEFT_OPEN_NS)
        return 0; /* Only what is there already. */
    return (int)((tee->ended_ns + LEFT_OPEN_NS - now_ns) / NS_PER_MILLISECOND) + 1;
}

/* What comes later is not seen. */
static bool leave_open(struct tee *tee)
{
    if (tee->gap == ONCE_WHOLE)
        tee->gap = ONCE_LEFT_OPEN;
    return false;
}

/* One round. False: nothing is left to be waited for. */
static bool go_on(struct tee *tee)
{
    struct pollfd any[ONCE_STREAMS + 1] = {
        {.fd = tee->child.streams[ONCE_OUT], .events = POLLIN},
        {.fd = tee->child.streams[ONCE_ERROR], .events = POLLIN},
        {.fd = tee->ended_ns == 0 ? tee->child.descriptor : -1, .events = POLLIN}};
    int ready = poll(any, ONCE_STREAMS + 1, time_left(tee));

    if (ready < 0)
        return errno == EINTR ? true : leave_open(tee);
    if (ready == 0)
        return time_left(tee) == 0 ? leave_open(tee) : true;
    for (int i = 0; i < ONCE_STREAMS; i++)
        if (any[i].revents != 0)
            take(tee, i);
    if (any[ONCE_STREAMS].revents != 0)
        tee->ended_ns = value_monotonic_ns();
    if (tee->ended_ns == 0)
        return true;
    /* All that was in the pipes when it ended has been read by then. */
    if (time_left(tee) == 0 && tee->read_since >= ONCE_STREAMS * PIPE_BYTES)
        return leave_open(tee);
    return is_open(tee);
}

/* Each stream becomes a blob, if it is wanted; what was written so far is given up if not. */
static void settle(struct tee *tee, bool is_wanted)
{
    for (int i = 0; i < ONCE_STREAMS; i++) {
        flume_blob_result blob;
        int status;

        if (tee->writers[i] == NULL)
            continue;
        if (!is_wanted || tee->gap != ONCE_WHOLE) {
            flume_blob_writer_abort(tee->writers[i]);
            continue;
        }
        status = flume_blob_writer_finish(tee->writers[i], &blob);
        if (status != FLUME_OK) {
            (void)report_flume_error(tee->once->session, status);
            tee->gap = ONCE_NOT_STORED;
            continue;
        }
        tee->result->streams[i].bytes = blob.bytes;
        memcpy(tee->result->streams[i].hash, blob.hash, sizeof(blob.hash));
    }
}

static int start(struct tee *tee)
{
    struct session *session = tee->once->session;
    int code = once_child_start(tee->once, &tee->child);

    if (code != CODE_OK)
        return code;
    for (int i = 0; i < ONCE_STREAMS; i++)
        (void)fcntl(tee->child.streams[i], F_SETPIPE_SZ, PIPE_BYTES); /* A small one will do. */
    stop_send_on(session->stop, tee->child.process);
    if (session_stopped(session) != 0) /* It came before there was anybody to send it on to. */
        (void)kill(tee->child.process, session_stopped(session));
    return CODE_OK;
}

/* Until the command has ended and has nothing left to say. */
static void follow(struct tee *tee)
{
    uint64_t began_ns = value_monotonic_ns();
    int how;

    while (go_on(tee))
        continue;
    stop_send_on(tee->once->session->stop, 0);
    how = once_child_end(&tee->child);
    tee->result->ns = (tee->ended_ns != 0 ? tee->ended_ns : value_monotonic_ns()) - began_ns;
    tee->result->exit_code = WIFSIGNALED(how) ? CODE_SIGNAL + WTERMSIG(how) : WEXITSTATUS(how);
}

int once_tee(struct once *once, struct once_result *out_result, enum once_gap *out_gap)
{
    struct tee tee = {.once = once, .result = out_result, .piece = malloc(ONCE_PIECE_BYTES)};
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    int code = CODE_OK;

    memset(out_result, 0, sizeof(*out_result));
    if (tee.piece == NULL)
        code = report(once->session, ERROR_NO_MEMORY);
    if (code == CODE_OK)
        code = start(&tee);
    if (code == CODE_OK) {
        follow(&tee);
        settle(&tee, session_stopped(once->session) == 0);
        *out_gap = tee.gap;
    }
    (void)signal(SIGPIPE, before);
    free(tee.piece);
    return code;
}
