/*
 * run_status.c - `flume status`: how a basin stands. Gathers the numbers and writes them out;
 * status_screen.c draws them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "facts.h"
#include "run.h"
#include "status.h"
#include "view_name.h"

enum { ATTACHED_ROOM = 256, ROWS_DEFAULT = 24, ROWS_LEAST = 10, ROWS_MOST = 1000 };

/* ---- looking ---- */

static int look_at_attached(struct session *session, struct status *status)
{
    int count;

    status->attached = calloc(ATTACHED_ROOM, sizeof(status->attached[0]));
    if (status->attached == NULL)
        return report_status(session, FLUME_ERR_NO_MEMORY, NULL);
    count = flume_log_attached(session->log, status->attached, ATTACHED_ROOM);
    if (count < 0)
        return report_log_error(session, session->log, count);
    status->attached_count = count < ATTACHED_ROOM ? (size_t)count : ATTACHED_ROOM;
    return CODE_OK;
}

static int look(struct session *session, struct status *status)
{
    int code, answer;

    answer = flume_log_stat(session->log, &status->log);
    if (answer != FLUME_OK)
        return report_log_error(session, session->log, answer);
    code = view_name_list(session, &status->views, &status->view_count);
    if (code == CODE_OK)
        code = look_at_attached(session, status);
    if (code != CODE_OK)
        return code;
    status->now_ns = value_wall_ns();
    recent_look(session->log, status->now_ns, &status->recent);
    status->has_disk = strcmp(session->db, ":memory:") != 0;
    if (flume_blob_place(session->flume, &status->grains) != FLUME_OK)
        status->grains.state = FLUME_GRAINS_ABSENT; /* Why, `blob grains` says. */
    if (status->has_disk)
        disk_use_look(session->db,
                      status->grains.state == FLUME_GRAINS_HERE ? status->grains.path : NULL,
                      &status->disk);
    return CODE_OK;
}

/* ---- the numbers ---- */

static void add_id(struct facts *facts, const uint8_t id[16])
{
    struct text text = {0};

    for (size_t i = 0; i < 16; i++)
        text_format(&text, "%02x", id[i]);
    facts_string(facts, "basin", text_c_string(&text));
    text_deinit(&text);
}

static void add_log(struct facts *facts, const flume_log_stat_info *log)
{
    add_id(facts, log->basin_id);
    facts_uint(facts, "head", log->head);
    facts_uint(facts, "durable", log->durable);
    facts_uint(facts, "not_durable", log->head > log->durable ? log->head - log->durable : 0);
    facts_uint(facts, "used_bytes", log->used_bytes);
    facts_uint(facts, "allocated_bytes", log->allocated_bytes);
    facts_uint(facts, "strata", log->strata_count);
    facts_uint(facts, "sealed", log->sealed_count);
    facts_uint(facts, "strata_bytes", log->strata_bytes);
    facts_time(facts, "created", log->created_ns);
    facts_time(facts, "first", log->first_time_ns);
    facts_time(facts, "last", log->last_time_ns);
    facts_bool(facts, "poisoned", log->poisoned);
    facts_bool(facts, "observer", log->observer);
    facts_bool(facts, "torn", log->recovery.torn);
    facts_uint(facts, "cut_bytes", log->recovery.cut_bytes);
    facts_bool(facts, "damaged", log->recovery.damaged);
}

static void add_recent(struct facts *facts, const struct recent *recent)
{
    facts_open(facts, "rate");
    facts_time(facts, "from", recent->from_ns);
    facts_uint(facts, "bucket_ns", RECENT_BUCKET_NS);
    if (recent->is_known) {
        facts_uint(facts, "records", recent->total);
        facts_real(facts, "rec_s", recent_rate(recent), 2);
        facts_counts(facts, "counts", recent->counts, RECENT_BUCKETS);
    } else {
        facts_absent(facts, "records");
        facts_absent(facts, "rec_s");
        facts_absent(facts, "counts");
    }
    facts_close(facts);
}

static void add_views(struct facts *facts, const struct status *status)
{
    facts_open_list(facts, "views");
    for (size_t i = 0; i < status->view_count; i++) {
        const flume_view_status *view = &status->views[i];

        facts_open_item(facts, view->name);
        facts_string(facts, "view", view->name);
        facts_uint(facts, "version", view->version);
        facts_string(facts, "state", flume_view_state_name(view->state));
        facts_uint(facts, "at", view->synced_seq);
        facts_uint(facts, "lag", view->lag_records);
        facts_uint(facts, "lag_bytes", view->lag_bytes);
        facts_uint(facts, "entries", view->entries);
        facts_uint(facts, "disk", view->disk_bytes);
        facts_real(facts, "rate", view->rate, 1);
        facts_uint(facts, "rebuild_done", view->rebuild_done);
        facts_uint(facts, "rebuild_total", view->rebuild_total);
        facts_string(facts, "why", view_name_why(view));
        facts_close(facts);
    }
    facts_close(facts);
}

static void add_disk(struct facts *facts, const struct status *status)
{
    facts_open(facts, "disk");
    facts_uint(facts, "total", status->disk.total_bytes);
    for (enum disk_kind kind = 0; kind < DISK_KINDS; kind++)
        facts_uint(facts, disk_use_name(kind), status->disk.bytes[kind]);
    facts_close(facts);
}

static void add_grains(struct facts *facts, const struct status *status)
{
    static const char *const states[] = {"none", "here", "absent"};

    facts_open(facts, "grains");
    facts_string(facts, "state", states[status->grains.state]);
    facts_string(facts, "path", status->grains.path);
    facts_close(facts);
}

static void add_attached(struct facts *facts, const struct status *status)
{
    char name[24];

    facts_open_list(facts, "attached");
    for (size_t i = 0; i < status->attached_count; i++) {
        const flume_attached *who = &status->attached[i];

        snprintf(name, sizeof(name), "%zu", i);
        facts_open_item(facts, name);
        facts_uint(facts, "pid", who->pid);
        facts_string(facts, "program", who->program);
        facts_string(facts, "host", who->host);
        facts_time(facts, "since", who->started_ns);
        facts_bool(facts, "read_only", who->read_only);
        facts_bool(facts, "exclusive", who->exclusive);
        facts_bool(facts, "self", who->self);
        facts_close(facts);
    }
    facts_close(facts);
}

static void write_numbers(struct session *session, const struct status *status)
{
    struct facts facts;

    facts_begin(&facts, session, "status");
    facts_string(&facts, "path", session->db);
    add_log(&facts, &status->log);
    add_recent(&facts, &status->recent);
    add_views(&facts, status);
    if (status->has_disk)
        add_disk(&facts, status);
    add_grains(&facts, status);
    add_attached(&facts, status);
    facts_end(&facts);
}

/* ---- the command ---- */

static size_t screen_rows(void)
{
    const char *lines = getenv("LINES");
    struct winsize size;
    uint64_t rows;

    if (lines != NULL && value_parse_uint(lines, ROWS_MOST, &rows) && rows >= ROWS_LEAST)
        return (size_t)rows;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row >= ROWS_LEAST)
        return size.ws_row;
    return ROWS_DEFAULT;
}

int run_status(struct session *session)
{
    struct status status = {.views = NULL};
    flume_log *log;
    int code;

    session->needs_views = true;
    code = session_open_to_read(session, &log);
    if (code == CODE_OK)
        code = look(session, &status);
    if (code == CODE_OK && session->mode == MODE_TABLE)
        status_draw(session, &status, screen_rows());
    else if (code == CODE_OK)
        write_numbers(session, &status);
    free(status.views);
    free(status.attached);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
