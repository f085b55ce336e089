/*
 * progress.c - how far long work has come, on stderr (progress.h).
 */
#include "progress.h"

#include <stdio.h>

#include "object.h"

enum { BAR_CELLS = 24 };
#define APPEARS_AFTER_NS (NS_PER_SECOND / 2)
#define RATE_AFTER_NS (2 * NS_PER_SECOND)

static const uint64_t pause_ns[] = {
    [PROGRESS_NONE] = UINT64_MAX,
    [PROGRESS_BAR] = NS_PER_SECOND / 10,
    [PROGRESS_PLAIN] = 10 * NS_PER_SECOND,
    [PROGRESS_JSON] = NS_PER_SECOND,
};

static enum progress_form choose_form(const struct session *session)
{
    enum { AUTO, PLAIN, NONE };

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
        return session->error_terminal ? PROGRESS_BAR : PROGRESS_NONE;
    }
}

void progress_begin(struct progress *progress, struct session *session, const char *what,
                    enum progress_unit unit)
{
    *progress = (struct progress){.session = session, .what = what, .unit = unit};
    progress->form = choose_form(session);
    progress->begun_ns = value_monotonic_ns();
}

double progress_seconds(const struct progress *progress)
{
    return (double)(value_monotonic_ns() - progress->begun_ns) / (double)NS_PER_SECOND;
}

static void add_amount(struct text *text, enum progress_unit unit, uint64_t amount)
{
    if (unit == PROGRESS_BYTES)
        value_show_size(text, amount);
    else
        value_show_count(text, amount);
}

static void add_rate(struct text *text, const struct progress *progress, uint64_t done,
                     uint64_t total, uint64_t passed_ns)
{
    double rate = (double)done / ((double)passed_ns / (double)NS_PER_SECOND);

    text_string(text, "   ");
    add_amount(text, progress->unit, (uint64_t)rate);
    text_string(text, "/s");
    if (total > done && rate >= 1) {
        uint64_t left = (uint64_t)((double)(total - done) / rate);

        text_format(text, "   ETA %llu:%02llu", (unsigned long long)(left / 60),
                    (unsigned long long)(left % 60));
    }
}

static void add_line(struct text *text, const struct progress *progress, uint64_t done,
                     uint64_t total, uint64_t passed_ns)
{
    text_format(text, "%s  ", progress->what);
    if (total != 0) {
        uint64_t filled = (uint64_t)((double)done / (double)total * BAR_CELLS);

        text_char(text, '[');
        for (uint64_t i = 0; i < BAR_CELLS; i++)
            text_char(text, i < filled ? '#' : '.');
        text_format(text, "] %3u%%  ", (unsigned)((double)done / (double)total * 100));
    }
    add_amount(text, progress->unit, done);
    if (total != 0) {
        text_string(text, " / ");
        add_amount(text, progress->unit, total);
    }
    if (passed_ns >= RATE_AFTER_NS)
        add_rate(text, progress, done, total, passed_ns);
}

static void add_object(struct text *text, const struct progress *progress, uint64_t done,
                       uint64_t total, uint64_t passed_ns)
{
    object_begin(text, "progress");
    object_string(text, "what", progress->what);
    object_string(text, "unit", progress->unit == PROGRESS_BYTES ? "bytes" : "records");
    object_uint(text, "done", done);
    if (total != 0)
        object_uint(text, "total", total);
    object_real(text, "seconds", (double)passed_ns / (double)NS_PER_SECOND, 1);
    object_end(text);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total)
{
    uint64_t now = value_monotonic_ns();
    uint64_t passed_ns = now - progress->begun_ns;
    struct text text = {0};

    if (progress->form == PROGRESS_NONE || passed_ns < APPEARS_AFTER_NS ||
        (progress->shown_ns != 0 && now - progress->shown_ns < pause_ns[progress->form]))
        return;
    progress->shown_ns = now;
    if (total != 0 && done > total)
        done = total;
    if (progress->form == PROGRESS_JSON) {
        add_object(&text, progress, done, total, passed_ns);
    } else {
        add_line(&text, progress, done, total, passed_ns);
        if (progress->form == PROGRESS_BAR) {
            size_t cells = text.bytes;

            for (size_t i = cells; i < progress->cells; i++)
                text_char(&text, ' '); /* Over what was longer before. */
            text_char(&text, '\r');
            progress->cells = cells;
        } else {
            text_char(&text, '\n');
        }
    }
    if (!text.failed)
        (void)fwrite(text.data, 1, text.bytes, stderr); /* Progress may get lost. */
    text_deinit(&text);
}

void progress_end(struct progress *progress)
{
    if (progress->form == PROGRESS_BAR && progress->cells != 0)
        (void)fprintf(stderr, "%*s\r", (int)progress->cells, "");
    progress->cells = 0;
}
