/*
 * editor_plain.c - a person's line without libedit (editor.h): the terminal itself edits it, so
 * there is no history to go back to, no completion and no hint.
 */
#include "editor.h"

#ifndef FLUME_HAS_LIBEDIT

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "editor_screen.h"
#include "history.h"
#include "subscriptions.h"

enum { READ_BYTES = 4096 };

struct editor {
    struct shell *shell;
    struct history *history;
    struct text line;  /* What was given out last, */
    struct text ahead; /* and what was read behind it. */
};

struct editor *editor_open(struct shell *shell)
{
    struct editor *editor = calloc(1, sizeof(*editor));

    if (editor == NULL)
        return NULL;
    editor->shell = shell;
    editor->history = history_open();
    if (editor->history != NULL)
        return editor;
    free(editor);
    return NULL;
}

void editor_close(struct editor *editor)
{
    if (editor == NULL)
        return;
    history_close(editor->history);
    text_deinit(&editor->line);
    text_deinit(&editor->ahead);
    free(editor);
}

static void write_prompt(const char *prompt)
{
    struct text text = {0};

    text_string(&text, prompt);
    screen_write(&text);
    text_deinit(&text);
}

/* What the terminal holds of a line that is being typed stays there; only its prompt is
 * repeated. */
static void show_subscribed(struct editor *editor, const char *prompt)
{
    struct text text = {0};

    text_string(&text, screen_is_able() ? "\r\x1b[K" : "\n");
    screen_add_subscribed(editor->shell, &text);
    text_string(&text, prompt);
    screen_write(&text);
    text_deinit(&text);
}

/* A line from what was read ahead. */
static bool take_line(struct editor *editor)
{
    char *newline =
        editor->ahead.bytes == 0 ? NULL : memchr(editor->ahead.data, '\n', editor->ahead.bytes);
    size_t bytes;

    if (newline == NULL)
        return false;
    bytes = (size_t)(newline - editor->ahead.data);
    text_clear(&editor->line);
    text_add(&editor->line, editor->ahead.data, bytes);
    editor->ahead.bytes -= bytes + 1;
    memmove(editor->ahead.data, newline + 1, editor->ahead.bytes);
    return true;
}

static enum editor_answer discard(struct editor *editor)
{
    bool ends = stop_asked(&editor->shell->stop) != SIGINT;

    tcflush(STDIN_FILENO, TCIFLUSH);
    text_clear(&editor->ahead);
    stop_clear(&editor->shell->stop);
    write_prompt("\n");
    return ends ? EDITOR_END : EDITOR_DISCARDED;
}

/* Read more. False at the end of the input. */
static bool fill(struct editor *editor)
{
    char data[READ_BYTES];
    ssize_t bytes = read(STDIN_FILENO, data, sizeof(data));

    if (bytes > 0)
        text_add(&editor->ahead, data, (size_t)bytes);
    return bytes > 0 || (bytes < 0 && errno == EINTR);
}

enum editor_answer editor_read(struct editor *editor, const char *prompt, const char **out_line,
                               size_t *out_bytes)
{
    struct stop *stop = &editor->shell->stop;

    stop_clear(stop);
    write_prompt(prompt);
    while (!take_line(editor)) {
        struct pollfd waits[] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = stop->descriptor, .events = POLLIN},
            {.fd = subscriptions_descriptor(editor->shell->subscriptions), .events = POLLIN}};

        if (poll(waits, 3, -1) < 0)
            continue; /* EINTR */
        if (waits[1].revents != 0)
            return discard(editor);
        if (waits[2].revents != 0)
            show_subscribed(editor, prompt);
        if (waits[0].revents != 0 && !fill(editor)) {
            write_prompt("\n");
            return EDITOR_END;
        }
    }
    *out_line = text_c_string(&editor->line);
    *out_bytes = editor->line.bytes;
    return EDITOR_LINE;
}

void editor_remember(struct editor *editor, const char *line, size_t bytes)
{
    history_add(editor->history, line, bytes);
}

#endif
