/*
 * status_screen.c - `flume status` as one screen (status.h).
 *
 * What always holds: no more lines than the screen has, less a prompt and what .watch writes above;
 * views that are furthest behind are seen first where not all are.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "glyphs.h"
#include "status.h"
#include "utf8.h"
#include "view_name.h"

enum {
    KEY_CELLS = 10,
    NAME_CELLS = 16,
    KEPT_PATH_CELLS = 40,
    STATE_CELLS = 11,
    BAR_CELLS_MAX = 30,
    ATTACHED_ROWS_LEAST = 2,
    VIEW_ROWS_LEAST = 3,
    ROWS_OF_OTHERS = 3, /* A prompt, and a line and a blank of .watch. */
    FIXED_ROWS = 7      /* Basin, head, rate, disk in two, two headings. */
};

struct screen {
    struct session *session;
    const struct status *status;
    struct text *text;
    size_t rows_left;
};

/* ---- lines ---- */

static void end_line(struct screen *screen)
{
    text_char(screen->text, '\n');
    if (screen->rows_left > 0)
        screen->rows_left--;
}

static void add_key(struct screen *screen, const char *key)
{
    bool color = screen->session->out_color;

    text_format(screen->text, "%s%-*s%s", color ? "\x1b[1m" : "", KEY_CELLS, key,
                color ? "\x1b[0m" : "");
}

static void add_count(struct screen *screen, uint64_t count)
{
    value_show_count(screen->text, count);
}

/* Bytes of others, in so many cells exactly. */
static void add_cells(struct screen *screen, const char *string, size_t cells)
{
    size_t used = utf8_show(screen->text, string, strlen(string), cells);

    for (; used < cells; used++)
        text_char(screen->text, ' ');
}

static void add_warning(struct screen *screen, const char *words)
{
    bool color = screen->session->out_color;

    text_format(screen->text, "%s%s%s", color ? "\x1b[31m" : "", words, color ? "\x1b[0m" : "");
}

static const char *more_sign(void)
{
    return utf8_locale() ? "…" : "...";
}

/* ---- basin, head, rate ---- */

static void draw_basin(struct screen *screen)
{
    const flume_log_stat_info *log = &screen->status->log;
    size_t room = screen->session->width > 60 ? screen->session->width - KEY_CELLS - 36 : 20;

    add_key(screen, "basin");
    utf8_show(screen->text, screen->session->db, strlen(screen->session->db), room);
    text_string(screen->text, "  ");
    for (size_t i = 0; i < 16; i++)
        text_format(screen->text, "%02x", log->basin_id[i]);
    end_line(screen);
}

static void draw_head(struct screen *screen)
{
    const flume_log_stat_info *log = &screen->status->log;

    add_key(screen, "head");
    text_char(screen->text, '@');
    add_count(screen, log->head);
    text_string(screen->text, "   durable @");
    add_count(screen, log->durable);
    if (log->head > log->durable) {
        text_string(screen->text, ", ");
        add_count(screen, log->head - log->durable);
        text_string(screen->text, " not yet");
    }
    text_string(screen->text, "   ");
    value_show_size(screen->text, log->used_bytes);
    text_string(screen->text, " used");
    end_line(screen);
    if (!log->recovery.damaged && !log->poisoned)
        return;
    add_key(screen, "");
    add_warning(screen, log->recovery.damaged ? "damaged: flume DB check says where"
                                              : "a sync failed: nothing more is accepted");
    end_line(screen);
}

/* "3 d", "2 h", "5 min", "12 s". */
static void add_age(struct text *text, uint64_t ns)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    uint64_t seconds = ns / NS_PER_SECOND;
    size_t i = 0;

    while (i < 3 && seconds < units[i].seconds)
        i++;
    text_format(text, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].name);
}

static void draw_last(struct screen *screen)
{
    const struct status *status = screen->status;
    uint64_t last = status->log.last_time_ns;

    if (last == 0) {
        text_string(screen->text, "no records yet: flume DB append");
        return;
    }
    text_string(screen->text, "newest ");
    add_age(screen->text, last > status->now_ns ? last - status->now_ns : status->now_ns - last);
    /* A time that was stated may lie ahead. */
    text_string(screen->text, last > status->now_ns ? " ahead" : " ago");
}

static void add_rate(struct text *text, double rate)
{
    if (rate >= 100)
        value_show_count(text, (uint64_t)rate);
    else
        text_format(text, "%.1f", rate);
}

static void draw_rate(struct screen *screen)
{
    const struct recent *recent = &screen->status->recent;
    double values[RECENT_BUCKETS];

    add_key(screen, "last min");
    if (recent->is_known) {
        for (size_t i = 0; i < RECENT_BUCKETS; i++)
            values[i] = (double)recent->counts[i];
        glyphs_sparkline(screen->text, values, RECENT_BUCKETS);
        text_string(screen->text, "  ");
        add_rate(screen->text, recent_rate(recent));
        text_string(screen->text, " rec/s   ");
    } else {
        text_string(screen->text, "not known: the times are not in order   ");
    }
    draw_last(screen);
    end_line(screen);
}

/* ---- views ---- */

static int compare_lag(const void *a, const void *b)
{
    const flume_view_status *left = a, *right = b;

    if (left->lag_records != right->lag_records)
        return left->lag_records > right->lag_records ? -1 : 1;
    return strcmp(left->name, right->name);
}

static size_t bar_cells(const struct screen *screen)
{
    size_t used = 2 + NAME_CELLS + 1 + STATE_CELLS + 1 + 30, width = screen->session->width;
    size_t cells = width > used ? width - used : 0;

    return cells > BAR_CELLS_MAX ? BAR_CELLS_MAX : cells;
}

static void draw_view(struct screen *screen, const flume_view_status *view)
{
    bool rebuilds = view->state == FLUME_VIEW_REBUILDING && view->rebuild_total > 0;
    uint64_t done = rebuilds ? view->rebuild_done : view->synced_seq;
    uint64_t all = rebuilds ? view->rebuild_total : view->head;
    double part = all == 0 ? 1 : (double)done / (double)all;
    size_t cells = bar_cells(screen);

    text_string(screen->text, "  ");
    add_cells(screen, view->name, NAME_CELLS);
    text_char(screen->text, ' ');
    add_cells(screen, flume_view_state_name(view->state), STATE_CELLS);
    text_char(screen->text, ' ');
    if (view->state == FLUME_VIEW_FAILED) {
        const char *why = view_name_why(view);

        utf8_show(screen->text, why, strlen(why), cells + 30);
        end_line(screen);
        return;
    }
    glyphs_bar(screen->text, part, cells);
    text_format(screen->text, " %3u%%  ", (unsigned)((part > 1 ? 1 : part) * 100));
    if (view->lag_records == 0) {
        text_string(screen->text, "in step");
    } else {
        add_count(screen, view->lag_records);
        text_string(screen->text, " behind");
    }
    end_line(screen);
}

/* "views  3: 1 live, 2 closed". */
static void draw_views_head(struct screen *screen)
{
    const struct status *status = screen->status;
    size_t counts[FLUME_VIEW_FOREIGN + 1] = {0};
    const char *comma = "";

    for (size_t i = 0; i < status->view_count; i++)
        if ((unsigned)status->views[i].state <= FLUME_VIEW_FOREIGN)
            counts[status->views[i].state]++;
    add_key(screen, "views");
    text_format(screen->text, "%zu", status->view_count);
    for (unsigned state = 0; state <= FLUME_VIEW_FOREIGN; state++) {
        if (counts[state] == 0)
            continue;
        text_format(screen->text, "%s %zu %s", *comma == '\0' ? ":" : comma, counts[state],
                    flume_view_state_name((enum flume_view_state)state));
        comma = ",";
    }
    end_line(screen);
}

static void draw_views(struct screen *screen, size_t rows)
{
    const struct status *status = screen->status;
    size_t shown = status->view_count <= rows ? status->view_count : rows - 1;

    draw_views_head(screen);
    if (shown < status->view_count)
        qsort(status->views, status->view_count, sizeof(status->views[0]), compare_lag);
    for (size_t i = 0; i < shown; i++)
        draw_view(screen, &status->views[i]);
    if (shown < status->view_count) {
        text_format(screen->text, "  %s %zu more: flume DB view status", more_sign(),
                    status->view_count - shown);
        end_line(screen);
    }
}

/* ---- disk, attached ---- */

static void draw_disk(struct screen *screen)
{
    const struct disk_use *disk = &screen->status->disk;
    const char *comma = "";

    add_key(screen, "disk");
    value_show_size(screen->text, disk->total_bytes);
    if (screen->status->grains.state == FLUME_GRAINS_ABSENT) {
        const char *path = screen->status->grains.path;

        text_string(screen->text, "   grains absent: ");
        utf8_show(screen->text, path, strlen(path), KEPT_PATH_CELLS);
    }
    end_line(screen);
    text_string(screen->text, "  ");
    for (enum disk_kind kind = 0; kind < DISK_KINDS; kind++) {
        if (disk->bytes[kind] == 0)
            continue;
        text_format(screen->text, "%s%s ", comma, disk_use_name(kind));
        value_show_size(screen->text, disk->bytes[kind]);
        comma = screen->session->width < 90 ? ", " : "   ";
    }
    end_line(screen);
}

static void draw_one_attached(struct screen *screen, const flume_attached *who)
{
    text_format(screen->text, "  %-8" PRIu64, who->pid);
    add_cells(screen, who->program, NAME_CELLS);
    text_string(screen->text, who->read_only ? " reads   since " : " writes  since ");
    value_show_time_short(screen->text, who->started_ns);
    text_string(screen->text, who->exclusive ? "  exclusive" : "");
    text_string(screen->text, who->self ? "  this one" : "");
    end_line(screen);
}

static void draw_attached(struct screen *screen, size_t rows)
{
    const struct status *status = screen->status;
    size_t shown = status->attached_count <= rows ? status->attached_count : rows - 1;

    add_key(screen, "attached");
    text_format(screen->text, "%zu", status->attached_count);
    end_line(screen);
    for (size_t i = 0; i < shown; i++)
        draw_one_attached(screen, &status->attached[i]);
    if (shown < status->attached_count) {
        text_format(screen->text, "  %s %zu more: flume DB stat", more_sign(),
                    status->attached_count - shown);
        end_line(screen);
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void status_draw(struct session *session, const struct status *status, size_t rows)
{
    struct screen screen = {session, status, &session->line, rows - ROWS_OF_OTHERS};
    bool warns = status->log.recovery.damaged || status->log.poisoned;
    size_t fixed = FIXED_ROWS + (warns ? 1 : 0), room, for_views;

    room = screen.rows_left > fixed + VIEW_ROWS_LEAST + ATTACHED_ROWS_LEAST
               ? screen.rows_left - fixed
               : VIEW_ROWS_LEAST + ATTACHED_ROWS_LEAST;
    for_views = room - least(status->attached_count, ATTACHED_ROWS_LEAST);
    for_views = least(status->view_count, for_views);
    draw_basin(&screen);
    draw_head(&screen);
    draw_rate(&screen);
    draw_views(&screen, for_views);
    if (status->has_disk)
        draw_disk(&screen);
    draw_attached(&screen, room - for_views);
    (void)session_emit_text(session); /* A failure shows when stdout is flushed. */
}
