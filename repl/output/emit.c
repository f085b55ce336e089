/*
 * emit.c - the one way to stdout (emit.h).
 */
#include "emit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "session.h"
#include "shell.h"
#include "value.h"

enum { SCREEN_LINES_LEAST = 2, HELD_BYTES_MAX = 1 << 20 };
#define HOLD_NS (500 * NS_PER_MILLISECOND)
#define LOOK_NS (50 * NS_PER_MILLISECOND)

/* ---- what goes to stderr meanwhile ---- */

static void set_messages_wait(struct session *session, bool wait)
{
    struct emit *emit = &session->emit;

    flockfile(stderr);
    atomic_store(&emit->messages_wait, wait);
    if (!wait && emit->messages.bytes != 0) {
        (void)fwrite(emit->messages.data, 1, emit->messages.bytes, stderr); /* Nowhere left to */
        text_clear(&emit->messages);                                        /* report to. */
    }
    funlockfile(stderr);
}

void emit_message(struct session *session, const struct text *message)
{
    struct emit *emit = &session->emit;

    if (message->failed || message->bytes == 0)
        return;
    flockfile(stderr);
    if (atomic_load(&emit->messages_wait)) {
        text_add(&emit->messages, message->data, message->bytes);
    } else {
        if (session->out_terminal)
            (void)fflush(stdout); /* Rows before it are seen before it. A failure shows later. */
        (void)fwrite(message->data, 1, message->bytes, stderr); /* Likewise. */
    }
    funlockfile(stderr);
}

void emit_rows_wait(struct session *session)
{
    if (session->out_terminal)
        set_messages_wait(session, true);
}

void emit_rows_shown(struct session *session)
{
    struct emit *emit = &session->emit;

    if (emit->state == EMIT_HOLDS || emit->state == EMIT_PAGED ||
        !atomic_load(&emit->messages_wait) || session->sheet.state == SHEET_WAITS)
        return;
    (void)fflush(stdout); /* A failure shows when it is flushed for good. */
    set_messages_wait(session, false);
}

/* ---- holding back ---- */

static size_t screen_lines(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

bool emit_may_page(const struct session *session)
{
    const char *term = getenv("TERM");

    if (!session->out_terminal || isatty(STDOUT_FILENO) != 1 || session->emit.has_no_end ||
        pager_command() == NULL || invocation_has(session->invocation, OPTION_NO_PAGER))
        return false;
    if (session->shell != NULL && session->shell->settings.pager == WHEN_NEVER)
        return false;
    return screen_lines() >= SCREEN_LINES_LEAST && term != NULL && strcmp(term, "dumb") != 0;
}

static bool write_out(struct session *session, const char *data, size_t bytes)
{
    if (bytes == 0 || fwrite(data, 1, bytes, stdout) == bytes)
        return true;
    session->emit.is_closed = session->emit.is_closed || errno == EPIPE;
    return false;
}

static bool release(struct session *session)
{
    struct emit *emit = &session->emit;
    bool good;

    if (emit->state != EMIT_HOLDS)
        return true;
    emit->state = EMIT_THROUGH;
    good = write_out(session, emit->held.data, emit->held.bytes);
    text_deinit(&emit->held);
    emit_rows_shown(session);
    return good;
}

/* Taller than the screen. */
static bool begin_paging(struct session *session)
{
    struct emit *emit = &session->emit;
    enum pager_answer answer = pager_begin(&emit->pager);
    bool good;

    if (answer != PAGER_RUNS) {
        emit->pager_is_missing = answer == PAGER_IS_MISSING;
        return release(session);
    }
    emit->state = EMIT_PAGED;
    session_take_signals(session); /* Ctrl-C is the pager's; here it is only noted. */
    stop_hold(session->stop);
    good = write_out(session, emit->held.data, emit->held.bytes);
    text_deinit(&emit->held);
    return good;
}

/* Lines of the screen that it takes, about: escape sequences count too. */
static size_t lines_of(const struct session *session, const char *data, size_t bytes)
{
    size_t lines = 0, cells = 0;

    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == '\n') {
            lines += 1 + (cells == 0 ? 0 : (cells - 1) / session->width);
            cells = 0;
        } else {
            cells += ((unsigned char)data[i] & 0xC0) == 0x80 ? 0 : 1;
        }
    }
    return lines + cells / session->width;
}

static bool hold(struct session *session, const char *data, size_t bytes)
{
    struct emit *emit = &session->emit;

    if (emit->held.bytes == 0)
        emit->held_since_ns = value_monotonic_ns();
    text_add(&emit->held, data, bytes);
    if (emit->held.failed) {
        session->line.failed = true;
        return false;
    }
    if (emit->held_lines <= emit->held_lines_max)
        emit->held_lines += lines_of(session, data, bytes);
    /* The last line is the next prompt's. */
    if (emit->pages_always || emit->held_lines >= emit->held_lines_max ||
        emit->held.bytes >= HELD_BYTES_MAX)
        return begin_paging(session);
    return value_monotonic_ns() - emit->held_since_ns < HOLD_NS || release(session);
}

static void begin(struct session *session)
{
    struct emit *emit = &session->emit;

    emit->state = EMIT_THROUGH;
    if (!emit_may_page(session))
        return;
    emit->state = EMIT_HOLDS;
    emit->held_lines_max = screen_lines();
    emit->pages_always = session->shell != NULL && session->shell->settings.pager == WHEN_ALWAYS;
    set_messages_wait(session, true);
}

static bool put(struct session *session, const char *data, size_t bytes)
{
    struct emit *emit = &session->emit;

    if (emit->state == EMIT_NOTHING_YET)
        begin(session);
    if (emit->is_closed)
        return false;
    if (emit->state == EMIT_HOLDS)
        return hold(session, data, bytes);
    return write_out(session, data, bytes);
}

bool emit_tick(struct session *session)
{
    struct emit *emit = &session->emit;

    if (emit->state == EMIT_PAGED) {
        uint64_t now = value_monotonic_ns();

        if (now - emit->looked_ns >= LOOK_NS) {
            emit->looked_ns = now;
            emit->is_closed = emit->is_closed || pager_is_gone(&emit->pager);
        }
        return emit->is_closed;
    }
    if (session->sheet.state == SHEET_WAITS && sheet_is_due(session))
        (void)sheet_settle(session); /* A failure shows when stdout is flushed. */
    if (emit->state == EMIT_HOLDS && emit->held.bytes != 0 &&
        value_monotonic_ns() - emit->held_since_ns >= HOLD_NS)
        (void)release(session); /* Likewise. */
    return false;
}

/* ---- for commands ---- */

/* Of an array the objects are separated, not ended. */
static bool put_item(struct session *session)
{
    const struct text *line = &session->line;
    size_t bytes = line->bytes - (line->data[line->bytes - 1] == '\n' ? 1 : 0);

    return put(session, session->emit.array_items++ == 0 ? "[\n" : ",\n", 2) &&
           put(session, line->data, bytes);
}

bool session_emit(struct session *session)
{
    bool good = !session->line.failed;

    if (good && session->line.bytes > 0)
        good = session->mode == MODE_JSON ? put_item(session)
                                          : put(session, session->line.data, session->line.bytes);
    if (session->line.failed)
        errno = ENOMEM;
    session->line.bytes = 0;
    return good;
}

void session_writes_text(struct session *session)
{
    session->emit.is_text = true;
}

bool session_emit_text(struct session *session)
{
    bool good = !session->line.failed && put(session, session->line.data, session->line.bytes);

    session_writes_text(session);
    if (session->line.failed)
        errno = ENOMEM;
    session->line.bytes = 0;
    return good;
}

static int finish_flush(struct session *session)
{
    if (session->emit.is_closed)
        return CODE_PIPE_CLOSED;
    if (fflush(stdout) == 0 && ferror(stdout) == 0 && !session->line.failed)
        return CODE_OK;
    if (errno == EPIPE) {
        session->emit.is_closed = true;
        return CODE_PIPE_CLOSED;
    }
    return report(session, ERROR_OUTPUT_FAILED, strerror(session->line.failed ? ENOMEM : errno));
}

int session_flush(struct session *session)
{
    int code;

    (void)sheet_settle(session); /* A failure shows now: */
    (void)release(session);
    code = finish_flush(session);
    if (session->emit.state != EMIT_PAGED)
        set_messages_wait(session, false);
    return code;
}

static void end_array(struct session *session, int code)
{
    struct text *line = &session->line;

    if (session->mode != MODE_JSON ||
        (session->emit.array_items == 0 &&
         (session->emit.is_text || (code != CODE_OK && code != CODE_NO))))
        return;
    text_string(line, session->emit.array_items == 0 ? "[]\n" : "\n]\n");
    (void)put(session, line->data, line->bytes); /* A failure shows when stdout is flushed. */
    line->bytes = 0;
}

static int end_paging(struct session *session, int code)
{
    struct emit *emit = &session->emit;
    bool ran = pager_end(&emit->pager);

    emit->state = EMIT_THROUGH;
    emit->is_closed = false;
    session->line.failed = false;
    stop_release(session->stop);
    set_messages_wait(session, false);
    if (!ran)
        return report(session, ERROR_PAGER_FAILED, pager_command());
    return code == CODE_PIPE_CLOSED ? CODE_OK : code; /* Who left it has seen enough. */
}

int session_finish(struct session *session, int code)
{
    bool is_reported = ferror(stdout) != 0 && code == CODE_IO;
    int flushed;

    (void)sheet_end(session); /* A failure shows when stdout is flushed. */
    end_array(session, code);
    if (session->emit.pager_is_missing)
        note(session, "there is no program '%s' to show a screen at a time: see FLUME_PAGER",
             pager_command());
    if (is_reported && session->emit.state != EMIT_PAGED)
        return code;
    flushed = session_flush(session);
    code = flushed == CODE_OK ? code : exit_code_worse(code, flushed);
    if (session->emit.state == EMIT_PAGED)
        code = end_paging(session, code);
    return code;
}

int session_has_no_end(struct session *session, int token)
{
    session->emit.has_no_end = true;
    if (session->mode != MODE_JSON)
        return CODE_OK;
    return report_at(session, (struct reference_place){.token = token}, ERROR_ARRAY_WITHOUT_END);
}

void emit_before_error(struct session *session)
{
    if (session->emit.state == EMIT_PAGED)
        return;
    (void)sheet_settle(session); /* A failure shows when stdout is flushed. */
    (void)release(session);
    (void)fflush(stdout);
    set_messages_wait(session, false);
}

void emit_deinit(struct emit *emit)
{
    text_deinit(&emit->held);
    text_deinit(&emit->messages);
}
