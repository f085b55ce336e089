/*
 * progress.c - how far long work has come, on stderr (progress.h).
 */
#include "progress.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "object.h"
#include "utf8.h"

enum { BAR_CELLS = 24, BAR_CELLS_LEAST = 8, WIDTH_DEFAULT = 80, EIGHTHS = 8 };
#define APPEARS_AFTER_NS (NS_PER_SECOND / 2)
#define RATE_AFTER_NS (2 * NS_PER_SECOND)
#define LOOK_EACH_NS (NS_PER_SECOND / 50)

static const uint64_t pause_ns[] = {
    [PROGRESS_NONE] = UINT64_MAX,
    [PROGRESS_BAR] = NS_PER_SECOND / 10,
    [PROGRESS_PLAIN] = 10 * NS_PER_SECOND,
    [PROGRESS_JSON] = NS_PER_SECOND,
};

/* One look: how much of how much, after how long. */
struct look {
    uint64_t done, total;
    uint64_t passed_ns;
};

static enum progress_form choose_form(const struct session *session)
{
    enum { AUTO, PLAIN, NONE };
    const char *term = getenv("TERM");

    switch (invocation_number(session->invocation, OPTION_PROGRESS, AUTO)) {
    case NONE:
        return PROGRESS_NONE;
    case PLAIN:
        return PROGRESS_PLAIN;
    default:
        if (session->quiet)
            return PROGRESS_NONE;
        if (session->json)
            return PROGRESS_JSON;
        /* A bar is taken away again, which a dumb terminal cannot do. */
        return session->error_terminal && term != NULL && strcmp(term, "dumb") != 0 ? PROGRESS_BAR
                                                                                    : PROGRESS_NONE;
    }
}

void progress_begin(struct progress *progress, struct session *session, const char *what,
                    enum progress_unit unit)
{
    *progress = (struct progress){.session = session, .what = what, .unit = unit};
    progress->form = choose_form(session);
    progress->has_blocks = utf8_locale();
    progress->begun_ns = value_monotonic_ns();
}

void progress_count(struct progress *progress, size_t number, size_t count)
{
    progress->number = number;
    progress->count = count > 1 ? count : 0;
}

double progress_seconds(const struct progress *progress)
{
    return (double)(value_monotonic_ns() - progress->begun_ns) / (double)NS_PER_SECOND;
}

/* ---- parts of a line ---- */

static void add_amount(struct text *text, const struct progress *progress, uint64_t amount)
{
    if (progress->unit == PROGRESS_BYTES)
        value_show_size(text, amount);
    else
        value_show_count(text, amount);
}

/* Minutes and seconds. */
static void add_span(struct text *text, uint64_t seconds)
{
    text_format(text, "%llu:%02llu", (unsigned long long)(seconds / 60),
                (unsigned long long)(seconds % 60));
}

static double share_of(const struct look *look)
{
    return look->total == 0 ? 0 : (double)look->done / (double)look->total;
}

static void add_bar(struct text *text, const struct progress *progress, const struct look *look,
                    size_t cells)
{
    static const char *const parts[EIGHTHS] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    size_t eighths = (size_t)(share_of(look) * (double)(cells * EIGHTHS));

    if (!progress->has_blocks)
        text_char(text, '[');
    for (size_t i = 0; i < cells; i++) {
        size_t here = eighths > i * EIGHTHS ? eighths - i * EIGHTHS : 0;

        if (!progress->has_blocks)
            text_char(text, here >= EIGHTHS ? '#' : '.');
        else
            text_string(text, here >= EIGHTHS ? "█" : parts[here]);
    }
    if (!progress->has_blocks)
        text_char(text, ']');
    text_char(text, ' ');
}

static void add_amounts(struct text *text, const struct progress *progress, const struct look *look)
{
    if (look->total == 0 && look->done == 0) { /* How far it is nobody knows; only how long. */
        add_span(text, look->passed_ns / NS_PER_SECOND);
        return;
    }
    if (look->total != 0)
        text_format(text, "%3u%%  ", (unsigned)(share_of(look) * 100));
    add_amount(text, progress, look->done);
    text_string(text, " / ");
    if (look->total != 0)
        add_amount(text, progress, look->total);
    else
        text_char(text, '-');
    if (progress->fresh != 0) {
        text_string(text, "  +");
        add_amount(text, progress, progress->fresh);
        text_string(text, " new");
    }
}

/* 0 while it is too early to say. */
static double rate_of(const struct progress *progress, const struct look *look)
{
    if (look->passed_ns < RATE_AFTER_NS || look->done < progress->first)
        return 0;
    return (double)(look->done - progress->first) /
           ((double)look->passed_ns / (double)NS_PER_SECOND);
}

static void add_rate(struct text *text, const struct progress *progress, const struct look *look)
{
    double rate = rate_of(progress, look);

    if (rate <= 0)
        return;
    text_string(text, "   ");
    add_amount(text, progress, (uint64_t)rate);
    text_string(text, "/s");
    if (look->total > look->done && rate >= 1) {
        text_string(text, "   ETA ");
        add_span(text, (uint64_t)((double)(look->total - look->done) / rate));
    }
}

static void add_why(struct text *text, const struct progress *progress)
{
    if (progress->why == NULL || *progress->why == '\0')
        return;
    text_string(text, "   ");
    utf8_show(text, progress->why, strlen(progress->why), 0);
}

static void add_name(struct text *text, const struct progress *progress)
{
    utf8_show(text, progress->what, strlen(progress->what), 0);
    if (progress->count != 0)
        text_format(text, " (%zu of %zu)", progress->number, progress->count);
    text_string(text, "  ");
}

/* ---- whole lines ---- */

static size_t cells_of(const struct text *text)
{
    struct text shown = {0};
    size_t cells = utf8_show(&shown, text->data, text->bytes, 0);

    text_deinit(&shown);
    return cells;
}

/* The terminal's width at this moment. */
static size_t measure_width(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col
                                                                            : WIDTH_DEFAULT;
}

/* As much as fits in so many cells: the name and the amounts always (cut where they must be), then
 * the bar, as wide as there is room, then rate and time left, then why. */
static void add_fitting(struct text *target, const struct progress *progress,
                        const struct look *look, size_t cells_max)
{
    struct text name = {0}, amounts = {0}, rate = {0}, why = {0}, whole = {0};
    size_t used, frame = progress->has_blocks ? 1 : 3, bar = 0;

    add_name(&name, progress);
    add_amounts(&amounts, progress, look);
    add_rate(&rate, progress, look);
    used = cells_of(&name) + cells_of(&amounts);
    if (look->total != 0 && used + BAR_CELLS_LEAST + frame <= cells_max) {
        size_t behind = cells_of(&rate);
        size_t room = cells_max - used - frame;

        bar = room >= behind + BAR_CELLS_LEAST ? room - behind : room;
        if (bar > BAR_CELLS)
            bar = BAR_CELLS;
        used += bar + frame;
    }
    text_add(&whole, name.data, name.bytes);
    if (bar != 0)
        add_bar(&whole, progress, look, bar);
    text_add(&whole, amounts.data, amounts.bytes);
    if (used + cells_of(&rate) <= cells_max) {
        text_add(&whole, rate.data, rate.bytes);
        used += cells_of(&rate);
    }
    add_why(&why, progress);
    if (used + cells_of(&why) <= cells_max)
        text_add(&whole, why.data, why.bytes);
    if (used <= cells_max)
        text_add(target, whole.data, whole.bytes);
    else
        utf8_show(target, whole.data, whole.bytes, cells_max);
    text_deinit(&name);
    text_deinit(&amounts);
    text_deinit(&rate);
    text_deinit(&why);
    text_deinit(&whole);
}

static void write_out(struct text *text)
{
    if (!text->failed)
        (void)fwrite(text->data, 1, text->bytes, stderr); /* Progress may get lost. */
    text_deinit(text);
}

static void write_bar(struct progress *progress, const struct look *look)
{
    size_t width = measure_width();
    struct text text = {0};

    /* Without wrapping: the terminal may have got narrower since it was measured, and what went on
     * to another row would leave the cursor, and so a piece of the bar, there. */
    text_string(&text, "\r\x1b[?7l\x1b[J");
    add_fitting(&text, progress, look, width > 1 ? width - 1 : 1);
    text_string(&text, "\r\x1b[?7h");
    progress->is_drawn = true;
    write_out(&text);
}

static void write_line(struct progress *progress, const struct look *look)
{
    struct text text = {0};

    add_name(&text, progress);
    add_amounts(&text, progress, look);
    add_rate(&text, progress, look);
    add_why(&text, progress);
    text_char(&text, '\n');
    progress_end(progress); /* Below the line it will come again. */
    write_out(&text);
}

static void write_object(struct progress *progress, const struct look *look)
{
    struct text text = {0};

    object_begin(&text, "progress");
    object_string(&text, "what", progress->what);
    if (progress->count != 0) {
        object_uint(&text, "number", progress->number);
        object_uint(&text, "count", progress->count);
    }
    object_string(&text, "unit", progress->unit == PROGRESS_BYTES ? "bytes" : "records");
    object_uint(&text, "done", look->done);
    if (look->total != 0)
        object_uint(&text, "total", look->total);
    if (progress->fresh != 0)
        object_uint(&text, "new", progress->fresh);
    if (progress->why != NULL && *progress->why != '\0')
        object_string(&text, "why", progress->why);
    object_real(&text, "seconds", (double)look->passed_ns / (double)NS_PER_SECOND, 1);
    object_end(&text);
    write_out(&text);
}

/* ---- when ---- */

/* Whether SIGUSR1 came since it was last asked. */
static bool is_line_wanted(void)
{
    const struct timespec at_once = {0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return sigtimedwait(&set, NULL, &at_once) == SIGUSR1;
}

static bool is_due(const struct progress *progress, uint64_t now, uint64_t passed_ns)
{
    return progress->form != PROGRESS_NONE && passed_ns >= APPEARS_AFTER_NS &&
           (progress->shown_ns == 0 || now - progress->shown_ns >= pause_ns[progress->form]);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total)
{
    uint64_t now = value_monotonic_ns();
    struct look look = {.done = done, .total = total, .passed_ns = now - progress->begun_ns};
    bool is_wanted;

    if (progress->looked_ns == 0)
        progress->first = done;
    else if (now - progress->looked_ns < LOOK_EACH_NS)
        return;
    progress->looked_ns = now;
    is_wanted = is_line_wanted();
    if (total != 0 && done > total)
        look.done = total;
    if (is_wanted && progress->form != PROGRESS_JSON) {
        write_line(progress, &look);
    } else if (is_wanted || is_due(progress, now, look.passed_ns)) {
        progress->shown_ns = now;
        if (progress->form == PROGRESS_JSON)
            write_object(progress, &look);
        else if (progress->form == PROGRESS_BAR)
            write_bar(progress, &look);
        else
            write_line(progress, &look);
    }
}

void progress_end(struct progress *progress)
{
    if (progress->is_drawn)
        (void)fputs("\r\x1b[J", stderr); /* Progress may get lost. */
    progress->is_drawn = false;
}
