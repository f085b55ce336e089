/*
 * once_replay.c - giving what `flume run` has recorded (once.h).
 *
 * What always holds: a piece of a content is verified before it is written.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "once.h"

int once_write(int descriptor, const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t written = write(descriptor, at, bytes);

        if (written >= 0) {
            at += written;
            bytes -= (size_t)written;
        } else if (errno == EAGAIN) { /* Whoever shares it has made it so. */
            struct pollfd one = {.fd = descriptor, .events = POLLOUT};

            (void)poll(&one, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* A stream that is given back. */
struct source {
    flume_blob_reader *reader; /* NULL: it is empty. */
    uint64_t at, bytes;
    int to; /* -1: nobody reads it. */
};

struct replay {
    struct once *once;
    struct source sources[ONCE_STREAMS];
    char *piece;
    bool is_closed; /* Nobody reads standard output. */
};

static int open_source(struct replay *replay, int stream, const struct once_content *content)
{
    struct once *once = replay->once;
    struct source *source = &replay->sources[stream];
    int status = FLUME_OK;

    *source = (struct source){.to = stream == ONCE_OUT ? STDOUT_FILENO : STDERR_FILENO};
    if (content->bytes > 0)
        status = flume_blob_reader_open(once->session->flume, &once->scoping.asking.ask,
                                        content->hash, &source->reader);
    if (status != FLUME_OK)
        return asking_report(&once->scoping.asking, status);
    source->bytes = content->bytes;
    return CODE_OK;
}

static int give_piece(struct replay *replay, struct source *source, size_t bytes)
{
    struct session *session = replay->once->session;
    size_t given = 0;
    int status = flume_blob_reader_read(source->reader, source->at, replay->piece, bytes, &given);

    if (status == FLUME_OK && given == 0)
        return report(session, ERROR_RUN_RESULT); /* The blob is shorter than was said. */
    if (status != FLUME_OK)
        return asking_report(&replay->once->scoping.asking, status);
    source->at += given;
    status = source->to == -1 ? 0 : once_write(source->to, replay->piece, given);
    if (status == 0)
        return CODE_OK;
    if (status != -EPIPE)
        return report(session, ERROR_FILE_UNWRITABLE,
                      source->to == STDOUT_FILENO ? "standard output" : "standard error",
                      strerror(-status));
    replay->is_closed = replay->is_closed || source->to == STDOUT_FILENO;
    source->to = -1;
    return CODE_OK;
}

/* So many bytes of a stream, or what is left of it. */
static int give(struct replay *replay, int stream, uint64_t bytes)
{
    struct source *source = &replay->sources[stream];
    uint64_t end = bytes < source->bytes - source->at ? source->at + bytes : source->bytes;
    int code = CODE_OK;

    while (code == CODE_OK && source->at < end && !replay->is_closed) {
        uint64_t left = end - source->at;

        if (session_stopped(replay->once->session) != 0)
            return cancel_say(replay->once->session, NULL, "not all of it was replayed");
        code = give_piece(replay, source,
                          left < ONCE_PIECE_BYTES ? (size_t)left : (size_t)ONCE_PIECE_BYTES);
    }
    return code;
}

static int give_all(struct replay *replay, const struct once_result *result)
{
    int code = CODE_OK;

    for (size_t i = 0; code == CODE_OK && i < result->piece_count; i++)
        code = give(replay, i % 2 == 0 ? ONCE_OUT : ONCE_ERROR, result->pieces[i]);
    for (int i = 0; code == CODE_OK && i < ONCE_STREAMS; i++)
        code = give(replay, i, UINT64_MAX);
    return code == CODE_OK && replay->is_closed ? CODE_PIPE_CLOSED : code;
}

int once_replay(struct once *once, const struct once_result *result)
{
    struct replay replay = {.once = once, .piece = malloc(ONCE_PIECE_BYTES)};
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    int code = replay.piece == NULL ? report(once->session, ERROR_NO_MEMORY) : CODE_OK;

    for (int i = 0; code == CODE_OK && i < ONCE_STREAMS; i++)
        code = open_source(&replay, i, &result->streams[i]);
    if (code == CODE_OK)
        code = once_files_restore(once, result);
    if (code == CODE_OK)
        code = give_all(&replay, result);
    for (int i = 0; i < ONCE_STREAMS; i++)
        flume_blob_reader_close(replay.sources[i].reader);
    (void)signal(SIGPIPE, before);
    free(replay.piece);
    return code;
}
