/*
 * editor.c - a person's line at a terminal, with libedit (editor.h).
 *
 * libedit asks for each character by our own function, next_character(), which waits for keys,
 * signals, a changed window and lines of subscriptions at once. Everything else that is drawn
 * (hints, lines above) is drawn from there, while libedit itself does nothing; where it moves the
 * cursor, libedit is then told to draw its line anew.
 *
 * What always holds: a hint is wiped off before libedit gets the next character.
 */
#include "editor.h"

#ifdef FLUME_HAS_LIBEDIT

#include <errno.h>
#include <histedit.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "cells.h"
#include "complete.h"
#include "editor_screen.h"
#include "history.h"
#include "keys.h"
#include "subscriptions.h"
#include "utf8.h"

enum { HINT_LINE_BYTES_MAX = 1024, HINT_CELLS_LEAST = 2, CATCH_UP_RECORDS_MAX = 4096 };
#define KEY_INTERRUPT L'\x03'
#define KEY_SUSPEND L'\x1A'
#define CATCH_UP_NS_MAX (UINT64_C(50) * 1000 * 1000)

struct editor {
    struct shell *shell;
    EditLine *libedit;
    History *recalled; /* libedit's form of history. */
    struct history *history;
    const char *prompt;
    const flume *prepared; /* The handle whose views completion has opened, */
    bool is_prepared;      /* and that they were looked at for this line. */
    struct keys keys;
    int window_descriptor; /* A signalfd: the window has changed, or we go on after a stop. */
    bool is_able;          /* The terminal knows escape sequences. */
    bool discards, ends;   /* Why the character function gave up. */
    bool has_hint;
    struct text line; /* What was given out last. */
};

/* ---- where the cursor is ---- */

/* The line as it is being edited, and on which row of the screen what stands. */
struct layout {
    const LineInfoW *line;
    size_t columns;
    struct place_on_screen cursor, end;
};

static void look_at_layout(const struct editor *editor, struct layout *layout)
{
    struct place_on_screen place = {0};
    size_t rows;

    cells_of_screen(&layout->columns, &rows);
    layout->line = el_wline(editor->libedit);
    for (const char *c = editor->prompt; *c != '\0'; c++) /* ASCII. */
        cells_advance(&place, &(wchar_t){(wchar_t)*c}, 1, layout->columns);
    cells_advance(&place, layout->line->buffer,
                  (size_t)(layout->line->cursor - layout->line->buffer), layout->columns);
    layout->cursor = place;
    cells_advance(&place, layout->line->cursor,
                  (size_t)(layout->line->lastchar - layout->line->cursor), layout->columns);
    layout->end = place;
}

/* To the beginning of the prompt, everything behind it wiped off. */
static void add_wipe(const struct editor *editor, struct text *text)
{
    struct layout layout;

    look_at_layout(editor, &layout);
    if (!editor->is_able) {
        text_char(text, '\n');
        return;
    }
    text_char(text, '\r');
    if (layout.cursor.row > 0)
        text_format(text, "\x1b[%zuA", layout.cursor.row);
    text_string(text, "\x1b[J");
}

/* To the row below the line. */
static void leave_line(const struct editor *editor, const char *mark)
{
    struct layout layout;
    struct text text = {0};

    look_at_layout(editor, &layout);
    if (editor->is_able) {
        text_char(&text, '\r');
        if (layout.end.row > layout.cursor.row)
            text_format(&text, "\x1b[%zuB", layout.end.row - layout.cursor.row);
        if (layout.end.column > 0)
            text_format(&text, "\x1b[%zuC", layout.end.column);
    }
    text_format(&text, "%s\r\n", mark);
    screen_write(&text);
    text_deinit(&text);
}

/* ---- hints ---- */

static bool wants_hints(const struct editor *editor)
{
    const char *no_color = getenv("NO_COLOR");

    return editor->is_able && editor->shell->settings.hints &&
           editor->shell->settings.color != WHEN_NEVER && (no_color == NULL || *no_color == '\0');
}

static void wipe_hint(struct editor *editor)
{
    static const struct text wipe = {.data = "\x1b[K", .bytes = 3};

    if (editor->has_hint)
        screen_write(&wipe);
    editor->has_hint = false;
}

/* The line before the cursor, as bytes; false if it is too long to look at at each key. */
static bool add_line(const wchar_t *buffer, const wchar_t *end, size_t bytes_max, struct text *line)
{
    for (; buffer < end; buffer++) {
        char bytes[MB_LEN_MAX];
        mbstate_t state = {0};
        size_t count = wcrtomb(bytes, *buffer, &state);

        if (count == (size_t)-1 || *buffer == L'\n' || line->bytes + count > bytes_max)
            return false;
        text_add(line, bytes, count);
    }
    return true;
}

/* Behind the cursor, if that is at the end of the line and there is room on its row. */
static void draw_hint(struct editor *editor)
{
    struct text line = {0}, hint = {0}, text = {0};
    struct layout layout;
    size_t room;

    if (editor->has_hint || !wants_hints(editor) || strcmp(editor->prompt, PROMPT) != 0)
        return;
    look_at_layout(editor, &layout);
    room = layout.columns - layout.cursor.column;
    if (layout.line->cursor == layout.line->lastchar && room > HINT_CELLS_LEAST &&
        add_line(layout.line->buffer, layout.line->lastchar, HINT_LINE_BYTES_MAX, &line) &&
        line.bytes > 0)
        complete_hint(text_c_string(&line), line.bytes, &hint);
    if (hint.bytes > 0) {
        text_string(&text, "\x1b"
                           "7\x1b[90m");
        utf8_show(&text, hint.data, hint.bytes, room - 1);
        text_string(&text, "\x1b[0m\x1b[K\x1b"
                           "8");
        screen_write(&text);
        editor->has_hint = true;
    }
    text_deinit(&line);
    text_deinit(&hint);
    text_deinit(&text);
}

/* ---- Tab ---- */

/* What completion offers is what a view has. One that is nearly at the end is brought there; more
 * would be work that nobody has asked for. */
static void catch_up(flume *handle, const char *name)
{
    const flume_ask ask = {.timeout_ns = CATCH_UP_NS_MAX};
    flume_view_status status;
    flume_view *view;

    if (flume_view_find(handle, name, &view) == FLUME_OK &&
        flume_view_status_of(view, &status) == FLUME_OK && status.lag_records > 0 &&
        status.lag_records <= CATCH_UP_RECORDS_MAX && status.state <= FLUME_VIEW_LIVE)
        (void)flume_view_wait(view, &ask); /* A kindness. */
}

/* While nobody types. */
static void prepare_completion(struct editor *editor)
{
    flume *handle = editor->shell->flume;

    if (handle == NULL || editor->is_prepared)
        return;
    editor->is_prepared = true;
    if (handle != editor->prepared)
        complete_prepare(handle);
    editor->prepared = handle;
    catch_up(handle, "label");
    catch_up(handle, "hash");
}

/* What was typed of the word, from `from` on, becomes `bytes` of a candidate. */
static void replace(struct editor *editor, const char *typed, size_t typed_bytes, const char *text,
                    size_t bytes, bool adds_blank)
{
    struct text whole = {0};
    size_t characters = 0;

    for (size_t i = 0; i < typed_bytes; i++)
        characters += ((unsigned char)typed[i] & 0xC0) != 0x80;
    text_add(&whole, text, bytes);
    text_string(&whole, adds_blank ? " " : "");
    el_deletestr(editor->libedit, (int)characters);
    (void)el_insertstr(editor->libedit, text_c_string(&whole)); /* Without memory nothing comes. */
    text_deinit(&whole);
}

static unsigned char list_candidates(struct editor *editor, const struct completion *completion)
{
    struct text text = {0};

    leave_line(editor, "");
    screen_add_candidates(completion, &text);
    screen_write(&text);
    text_deinit(&text);
    return CC_REDISPLAY;
}

static unsigned char take_candidate(struct editor *editor, const struct completion *completion,
                                    const char *line, size_t cursor)
{
    const struct candidate *first = &completion->candidates[0];
    const char *typed = line + completion->from;
    size_t typed_bytes = cursor - completion->from;
    bool is_only = completion->count == 1 && completion->more == 0;
    bool adds;

    if (completion->count == 0)
        return CC_ERROR;
    adds = completion->common_bytes != typed_bytes || memcmp(first->text, typed, typed_bytes) != 0;
    if (is_only)
        replace(editor, typed, typed_bytes, first->text, strlen(first->text), !first->is_open);
    else if (completion->common_bytes > 0 && adds)
        replace(editor, typed, typed_bytes, first->text, completion->common_bytes, false);
    else
        return list_candidates(editor, completion);
    return CC_REFRESH;
}

static unsigned char on_tab(EditLine *libedit, int key)
{
    struct completion *completion = malloc(sizeof(*completion));
    const LineInfoW *info = el_wline(libedit);
    struct editor *editor = NULL;
    struct text line = {0};
    unsigned char answer = CC_ERROR;

    (void)key;
    el_get(libedit, EL_CLIENTDATA, &editor);
    if (completion != NULL &&
        add_line(info->buffer, info->cursor, HISTORY_ENTRY_BYTES_MAX, &line)) {
        const char *typed = text_c_string(&line);

        complete(editor->shell->flume, typed, line.bytes, completion);
        answer = take_candidate(editor, completion, typed, line.bytes);
        completion_release(completion);
    }
    free(completion);
    text_deinit(&line);
    return answer;
}

/* ---- what is pasted ---- */

/* The first line of what was pasted goes into the line, its newline is a key, the rest waits. */
static void insert_pasted(struct editor *editor)
{
    wchar_t *text = keys_take_pasted(&editor->keys);

    if (text != NULL && *text != L'\0')
        (void)el_winsertstr(editor->libedit, text); /* Without memory nothing comes. */
    free(text);
}

static void go_on_pasting(struct editor *editor)
{
    struct text text = {0};

    add_wipe(editor, &text);
    screen_write(&text);
    text_deinit(&text);
    insert_pasted(editor);
    el_set(editor->libedit, EL_REFRESH);
}

static unsigned char on_paste(EditLine *libedit, int key)
{
    struct editor *editor = NULL;

    (void)key;
    el_get(libedit, EL_CLIENTDATA, &editor);
    keys_read_paste(&editor->keys, editor->shell->stop.descriptor);
    insert_pasted(editor);
    return CC_REFRESH;
}

/* ---- characters ---- */

static void show_subscribed(struct editor *editor)
{
    struct text text = {0};

    add_wipe(editor, &text);
    screen_add_subscribed(editor->shell, &text);
    screen_write(&text);
    text_deinit(&text);
    el_set(editor->libedit, EL_REFRESH);
}

/* The window has another size, or the terminal comes back to us as others left it. */
static void on_window(struct editor *editor)
{
    struct signalfd_siginfo info;
    struct text text = {0};

    while (read(editor->window_descriptor, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo == SIGCONT)
            el_set(editor->libedit, EL_PREP_TERM, 1);
    add_wipe(editor, &text);
    screen_write(&text);
    text_deinit(&text);
    el_resize(editor->libedit);
    el_set(editor->libedit, EL_REFRESH);
}

static int give_up(struct editor *editor, bool discards)
{
    editor->ends = !discards;
    editor->discards = discards;
    leave_line(editor, editor->discards ? "^C" : "");
    return -1;
}

/* Ctrl-Z, as the terminal would have it. SIGCONT then says that it is over. */
static void suspend(struct editor *editor)
{
    el_set(editor->libedit, EL_PREP_TERM, 0);
    kill(0, SIGTSTP);
}

/* libedit's question for the next character: 1, 0 at the end, or -1. */
static int next_character(EditLine *libedit, wchar_t *out)
{
    struct editor *editor = NULL;
    struct stop *stop;

    el_get(libedit, EL_CLIENTDATA, &editor);
    stop = &editor->shell->stop;
    if (keys_has_pasted(&editor->keys)) /* Of a paste whose first lines have run already. */
        go_on_pasting(editor);
    for (;;) {
        struct pollfd waits[] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = stop->descriptor, .events = POLLIN},
            {.fd = editor->window_descriptor, .events = POLLIN},
            {.fd = subscriptions_descriptor(editor->shell->subscriptions), .events = POLLIN}};
        int ready;

        if (keys_next(&editor->keys, out)) {
            if (*out == KEY_INTERRUPT)
                return give_up(editor, true);
            if (*out != KEY_SUSPEND)
                return 1;
            suspend(editor);
        }
        ready = poll(waits, 4, 0);
        if (ready == 0) {
            draw_hint(editor);
            prepare_completion(editor);
            ready = poll(waits, 4, -1);
        }
        wipe_hint(editor);
        if (ready < 0)
            continue; /* EINTR */
        if (waits[1].revents != 0 && stop_asked(stop) != 0)
            return give_up(editor, stop_asked(stop) == SIGINT);
        stop_clear(stop); /* A signal that was cleared just as it came. */
        if (waits[2].revents != 0)
            on_window(editor);
        if (waits[3].revents != 0)
            show_subscribed(editor);
        if (waits[0].revents != 0 && !keys_fill(&editor->keys)) {
            editor->ends = true;
            return 0;
        }
    }
}

/* ---- opening ---- */

static char *prompt_of(EditLine *libedit)
{
    struct editor *editor = NULL;

    el_get(libedit, EL_CLIENTDATA, &editor);
    return (char *)(uintptr_t)editor->prompt; /* libedit only reads it. */
}

static void recall_all(struct editor *editor)
{
    HistEvent event;

    history(editor->recalled, &event, H_CLEAR);
    history(editor->recalled, &event, H_SETSIZE, HISTORY_ENTRIES_MAX);
    for (size_t i = 0; i < history_count(editor->history); i++)
        history(editor->recalled, &event, H_ENTER, history_entry(editor->history, i));
}

static void bind_keys(EditLine *libedit)
{
    el_set(libedit, EL_ADDFN, "flume-complete", "complete what is being typed", on_tab);
    el_set(libedit, EL_ADDFN, "flume-paste", "take what is pasted as it is", on_paste);
    el_set(libedit, EL_BIND, "^I", "flume-complete", NULL);
    el_set(libedit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(libedit, EL_BIND, "\\e[200~", "flume-paste", NULL);
    el_set(libedit, EL_BIND, "\\e[1;5C", "em-next-word", NULL);
    el_set(libedit, EL_BIND, "\\e[1;5D", "ed-prev-word", NULL);
    el_set(libedit, EL_BIND, "\\e[3~", "ed-delete-next-char", NULL);
}

/* Signals that the editor reads as it reads keys. */
static int open_window_descriptor(void)
{
    sigset_t signals;

    editor_signals(&signals);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

struct editor *editor_open(struct shell *shell)
{
    struct editor *editor = calloc(1, sizeof(*editor));

    if (editor == NULL)
        return NULL;
    editor->shell = shell;
    editor->prompt = "";
    editor->is_able = screen_is_able();
    editor->window_descriptor = open_window_descriptor();
    editor->history = history_open();
    editor->recalled = history_init();
    editor->libedit = el_init("flume", stdin, stdout, stderr);
    if (editor->history == NULL || editor->recalled == NULL || editor->libedit == NULL) {
        editor_close(editor);
        return NULL;
    }
    el_set(editor->libedit, EL_CLIENTDATA, editor);
    el_set(editor->libedit, EL_SIGNAL, 0);
    el_set(editor->libedit, EL_PROMPT, prompt_of);
    el_set(editor->libedit, EL_EDITOR, "emacs");
    el_set(editor->libedit, EL_HIST, history, editor->recalled);
    el_set(editor->libedit, EL_GETCFN, next_character);
    /* No byte of a paste is to stop the terminal, or us: Ctrl-C and Ctrl-Z are keys like others. */
    el_set(editor->libedit, EL_SETTY, "-d", "-isig", "-ixon", NULL);
    bind_keys(editor->libedit);
    (void)el_source(editor->libedit, NULL); /* ~/.editrc, if there is one. */
    recall_all(editor);
    return editor;
}

void editor_close(struct editor *editor)
{
    if (editor == NULL)
        return;
    if (editor->libedit != NULL)
        el_end(editor->libedit);
    if (editor->recalled != NULL)
        history_end(editor->recalled);
    history_close(editor->history);
    if (editor->window_descriptor != -1)
        (void)close(editor->window_descriptor); /* A signalfd has nothing to lose. */
    keys_deinit(&editor->keys);
    text_deinit(&editor->line);
    free(editor);
}

/* ---- reading a line ---- */

static void ask_for_pastes(const struct editor *editor, const char *sequence)
{
    struct text text = {0};

    if (!editor->is_able)
        return;
    text_string(&text, sequence);
    screen_write(&text);
    text_deinit(&text);
}

static void say_what_was_replaced(struct editor *editor)
{
    struct text text = {0};

    if (editor->keys.replaced == 0)
        return;
    text_format(
        &text,
        "%zu bytes are not UTF-8: each is \xEF\xBF\xBD in this line (append --file takes all)\r\n",
        editor->keys.replaced);
    screen_write(&text);
    text_deinit(&text);
    editor->keys.replaced = 0;
}

/* What libedit gave, without its newline. */
static enum editor_answer take(struct editor *editor, const char *line, int count,
                               const char **out_line, size_t *out_bytes)
{
    size_t bytes = count > 0 ? (size_t)count : 0;

    say_what_was_replaced(editor);
    if (bytes > 0 && line[bytes - 1] == '\n')
        bytes--;
    text_clear(&editor->line);
    text_add(&editor->line, line, bytes);
    *out_line = text_c_string(&editor->line);
    *out_bytes = editor->line.bytes;
    return EDITOR_LINE;
}

enum editor_answer editor_read(struct editor *editor, const char *prompt, const char **out_line,
                               size_t *out_bytes)
{
    const char *line;
    int count = 0;

    stop_clear(&editor->shell->stop);
    editor->prompt = prompt;
    editor->discards = editor->ends = editor->is_prepared = false;
    fflush(stdout);
    ask_for_pastes(editor, "\x1b[?2004h");
    el_resize(editor->libedit); /* The window may have changed during a command. */
    line = el_gets(editor->libedit, &count);
    ask_for_pastes(editor, "\x1b[?2004l");
    if (line != NULL && count > 0 && !editor->discards && !editor->ends)
        return take(editor, line, count, out_line, out_bytes);
    el_reset(editor->libedit);
    stop_clear(&editor->shell->stop);
    if (editor->discards) {
        keys_clear(&editor->keys);
        return EDITOR_DISCARDED;
    }
    if (!editor->ends)
        leave_line(editor, "");
    return EDITOR_END;
}

void editor_remember(struct editor *editor, const char *line, size_t bytes)
{
    size_t before = history_count(editor->history);
    HistEvent event;

    history_add(editor->history, line, bytes);
    if (history_count(editor->history) == before + 1) {
        history(editor->recalled, &event, H_ENTER, history_entry(editor->history, before));
    } else {
        recall_all(editor); /* An older equal one went. */
    }
}

#endif
