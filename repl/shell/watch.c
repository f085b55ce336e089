/*
 * watch.c - `.watch 1 status` (watch.h).
 *
 * On a terminal each run writes into a file in memory, from which a frame of lines is made; only
 * the lines that differ from those on the screen are written, all by one call. The command believes
 * that it writes to the terminal: shell.screen.
 */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "cells.h"
#include "dot.h"
#include "editor_screen.h"
#include "session.h"
#include "shell.h"
#include "utf8.h"

enum { FRAME_BYTES_MAX = 1 << 20, KEYS_AT_ONCE = 64, TITLE_ROWS = 2 };

#define ENTER "\x1b[?1049h\x1b[?25l\x1b[?7l"
#define LEAVE "\x1b[?7h\x1b[?25h\x1b[?1049l"

struct watch {
    const struct dot_call *call;
    const char *const *words; /* Those of the command, one unused place before them. */
    int word_count;
    uint64_t every_ns;
    uint64_t runs_max; /* UINT64_MAX: until Ctrl-C. */
    uint64_t run_count;
    struct text frame, shown; /* What the last run wrote; what is on the screen. */
    size_t columns, rows;     /* Of the screen that `shown` is on. */
    struct termios modes;     /* Of the terminal before. */
    bool has_modes;
};

/* ---- the words ---- */

static struct reference_place place_of(int i)
{
    return (struct reference_place){.token = i + 1};
}

static int take_words(struct watch *watch, const struct dot_call *call)
{
    int at = 1;

    *watch = (struct watch){.call = call, .runs_max = UINT64_MAX};
    if (strcmp(call->argv[at], "-n") == 0) {
        if (!value_parse_uint(call->argv[at + 1], UINT32_MAX, &watch->runs_max) ||
            watch->runs_max == 0)
            return report_at(call->session, place_of(at + 1), ERROR_WATCH_COUNT);
        at += 2;
    }
    if (at + 1 >= call->argc)
        return report_with(call->session,
                           &(struct report_detail){.fill = ".watch [-n N] SEC COMMAND..."},
                           ERROR_DOT_OPERANDS, "an operand is missing");
    if (!value_parse_span(call->argv[at], &watch->every_ns) ||
        watch->every_ns < 10 * NS_PER_MILLISECOND)
        return report_at(call->session, place_of(at), ERROR_WATCH_SPAN);
    if (strcmp(call->argv[at + 1], ".watch") == 0)
        return report_at(call->session, place_of(at + 1), ERROR_WATCH_WATCH);
    if (watch->runs_max == UINT64_MAX && !call->session->out_terminal)
        return report_at(call->session, place_of(0), ERROR_WATCH_ENDLESS);
    watch->words = call->argv + at;
    watch->word_count = call->argc - at;
    return CODE_OK;
}

static int run_once(struct watch *watch)
{
    const char **argv = calloc((size_t)watch->word_count + 1, sizeof(argv[0]));
    int code;

    if (argv == NULL)
        return report_status(watch->call->session, FLUME_ERR_NO_MEMORY, NULL);
    argv[0] = "flume";
    for (int i = 1; i < watch->word_count; i++)
        argv[i] = watch->words[i];
    watch->run_count++;
    code = shell_run_words(watch->call->shell, watch->word_count, argv);
    free(argv);
    return code;
}

/* ---- a run whose output is caught ---- */

static int read_frame(struct watch *watch, int file)
{
    char data[4096];
    ssize_t bytes;
    off_t at = 0;

    text_clear(&watch->frame);
    while (watch->frame.bytes < FRAME_BYTES_MAX &&
           (bytes = pread(file, data, sizeof(data), at)) > 0) {
        text_add(&watch->frame, data, (size_t)bytes);
        at += bytes;
    }
    return watch->frame.failed ? -ENOMEM : 0;
}

/* Standard output and error go to the file during a run. What it writes, or -errno. */
static int run_caught(struct watch *watch, int *out_code)
{
    struct shell *shell = watch->call->shell;
    int file = memfd_create("flume-watch", MFD_CLOEXEC);
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int status = 0;

    fflush(stdout);
    if (file == -1 || out == -1 || error == -1 || dup2(file, STDOUT_FILENO) == -1 ||
        dup2(file, STDERR_FILENO) == -1) {
        status = -errno;
    } else {
        shell->screen = out;
        *out_code = run_once(watch);
        fflush(stdout);
        shell->screen = -1;
    }
    if (out != -1 && error != -1) { /* Both were kept, so both can come back. */
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(error, STDERR_FILENO);
    }
    if (status == 0)
        status = read_frame(watch, file);
    for (size_t i = 0; i < 3; i++)
        if ((const int[]){file, out, error}[i] != -1)
            (void)close((const int[]){file, out, error}[i]); /* Copies, and a file in memory. */
    return status;
}

/* ---- drawing ---- */

static void add_title(const struct watch *watch, struct text *text)
{
    struct text span = {0}, now = {0};

    value_show_span(&span, watch->every_ns);
    value_show_time_short(&now, value_wall_ns());
    text_format(text, "each %s:", text_c_string(&span));
    for (int i = 1; i < watch->word_count; i++) {
        text_char(text, ' ');
        utf8_show(text, watch->words[i], strlen(watch->words[i]), 40);
    }
    text_format(text, "   %s   Ctrl-C returns\n\n", text_c_string(&now));
    text_deinit(&span);
    text_deinit(&now);
}

/* The line at *io_at, without its newline; an empty one behind the end. */
static size_t next_line(const struct text *text, size_t *io_at, const char **out_line)
{
    const char *begin, *newline;
    size_t bytes;

    *out_line = "";
    if (*io_at >= text->bytes)
        return 0;
    begin = text->data + *io_at;
    newline = memchr(begin, '\n', text->bytes - *io_at);
    bytes = newline == NULL ? text->bytes - *io_at : (size_t)(newline - begin);
    *io_at += bytes + 1;
    *out_line = begin;
    return bytes;
}

/* Write the rows of `wanted` that the screen does not show already. */
static void draw(struct watch *watch, struct text *wanted)
{
    size_t columns, rows, at = 0, shown_at = 0;
    struct text text = {0};

    cells_of_screen(&columns, &rows);
    if (columns != watch->columns || rows != watch->rows) {
        text_clear(&watch->shown);
        text_string(&text, "\x1b[2J");
    }
    watch->columns = columns;
    watch->rows = rows;
    for (size_t row = 1; row <= rows; row++) {
        const char *line, *shown;
        size_t bytes = next_line(wanted, &at, &line);
        size_t shown_bytes = next_line(&watch->shown, &shown_at, &shown);

        if (bytes != shown_bytes || memcmp(line, shown, bytes) != 0) {
            text_format(&text, "\x1b[%zuH", row);
            text_add(&text, line, bytes);
            text_string(&text, "\x1b[0m\x1b[K");
        }
    }
    screen_write(&text);
    text_deinit(&text);
    text_clear(&watch->shown);
    text_add(&watch->shown, wanted->data, wanted->bytes);
}

/* Keys are not shown meanwhile; q is as good as Ctrl-C, which remains one. */
static void enter_screen(struct watch *watch)
{
    struct text text = {0};
    struct termios quiet;

    watch->has_modes = tcgetattr(STDIN_FILENO, &watch->modes) == 0;
    if (watch->has_modes) {
        quiet = watch->modes;
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
        quiet.c_cc[VMIN] = 1;
        quiet.c_cc[VTIME] = 0;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &quiet); /* Else keys are seen: no harm. */
    }
    text_string(&text, ENTER);
    screen_write(&text);
    text_deinit(&text);
}

/* What was on the screen of the last frame stays to be seen. */
static void leave_screen(struct watch *watch)
{
    struct text text = {0};
    size_t at = 0;

    text_string(&text, LEAVE);
    for (size_t row = TITLE_ROWS; row < watch->rows && at < watch->frame.bytes; row++) {
        const char *line;
        size_t bytes = next_line(&watch->frame, &at, &line);

        text_add(&text, line, bytes);
        text_char(&text, '\n');
    }
    screen_write(&text);
    text_deinit(&text);
    if (watch->has_modes)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &watch->modes); /* As it was found. */
}

/* ---- waiting ---- */

/* Until it is time for the next run. False: it is to end. */
static bool wait_until(struct watch *watch, uint64_t until_ns)
{
    struct stop *stop = &watch->call->shell->stop;
    bool reads = watch->has_modes;

    for (;;) {
        struct pollfd waits[] = {{.fd = stop->descriptor, .events = POLLIN},
                                 {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN}};
        uint64_t now = value_monotonic_ns();
        char keys[KEYS_AT_ONCE];
        ssize_t count = 0;

        if (stop_asked(stop) != 0)
            return false;
        if (now >= until_ns)
            return true;
        if (poll(waits, 2, (int)((until_ns - now) / NS_PER_MILLISECOND) + 1) <= 0)
            continue;
        if (waits[1].revents != 0)
            count = read(STDIN_FILENO, keys, sizeof(keys));
        if (waits[1].revents != 0 && count <= 0)
            reads = false; /* The terminal is gone; a signal says so. */
        if (count > 0 && memchr(keys, 'q', (size_t)count) != NULL)
            return false;
    }
}

static int watch_screen(struct watch *watch)
{
    uint64_t next_ns = value_monotonic_ns();
    int code = CODE_OK, status = 0;

    enter_screen(watch);
    while (status == 0 && watch->run_count < watch->runs_max && wait_until(watch, next_ns)) {
        struct text wanted = {0};
        uint64_t now;

        status = run_caught(watch, &code);
        if (stop_asked(&watch->call->shell->stop) != 0)
            break; /* Half a frame, perhaps. */
        add_title(watch, &wanted);
        text_add(&wanted, watch->frame.data, watch->frame.bytes);
        draw(watch, &wanted);
        text_deinit(&wanted);
        now = value_monotonic_ns();
        next_ns += watch->every_ns;
        next_ns = next_ns < now ? now : next_ns; /* What takes longer is not hurried after. */
    }
    leave_screen(watch);
    if (status != 0)
        return report(watch->call->session, ERROR_WATCH_FAILED, strerror(-status));
    return code == CODE_INTERRUPTED ? CODE_OK : code;
}

static int watch_elsewhere(struct watch *watch)
{
    uint64_t next_ns = value_monotonic_ns();
    int code = CODE_OK;

    while (watch->run_count < watch->runs_max && wait_until(watch, next_ns)) {
        code = run_once(watch);
        next_ns += watch->every_ns;
    }
    return code;
}

int watch_run(const struct dot_call *call)
{
    struct watch watch;
    int code = take_words(&watch, call);

    if (code == CODE_OK)
        code = call->session->out_terminal && call->shell->interactive && screen_is_able()
                   ? watch_screen(&watch)
                   : watch_elsewhere(&watch);
    text_deinit(&watch.frame);
    text_deinit(&watch.shown);
    return code;
}
