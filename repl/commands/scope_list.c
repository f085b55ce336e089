/*
 * scope_list.c - `flume scope list`, tape and dup: what was committed, in the order of the log
 * (scope_forms.h).
 */
#include <string.h>

#include "flume/scope_batch.h"
#include "resolve.h"
#include "scope_forms.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

static unsigned direction(const struct scoping *scoping)
{
    return invocation_has(scoping->session->invocation, OPTION_REVERSE) ? FLUME_CURSOR_REVERSE : 0;
}

/* ---- list ---- */

int scope_list_rows(struct scoping *scoping, flume_cursor_options *io_options)
{
    struct scope_walk walk;
    struct grid grid;
    int status;

    io_options->flags = direction(scoping);
    status = scope_walk_begin(&walk, scoping, io_options);
    scope_row_begin(&grid, scoping);
    while (status == FLUME_OK && limit_wants_more(&scoping->limit)) {
        status = scope_walk_next(&walk);
        if (status == FLUME_OK && limit_take(&scoping->limit))
            status = scope_row(scoping, &grid, &walk.entry, walk.entry.repeats, walk.scope);
    }
    scope_walk_end(&walk);
    return scope_walk_finish(scoping, status, 1);
}

int scope_form_list(struct scoping *scoping)
{
    flume_cursor_options options = {.flags = 0};

    return scope_list_rows(scoping, &options);
}

/* ---- tape ---- */

static const struct grid_column tape_columns[] = {
    {"seq", 6, false},     {"time", 18, false},     {"verdict", 8, false}, {"of", 6, false},
    {"extends", 7, false}, {"enclosing", 9, false}, {"labels", 10, false}, {"batch", 0, false},
    {"tare", 8, false},    {"variables", 0, false}};

/* What is known of frames: the scope, and how deep it lies. Some of many are asked for again. */
enum { FRAMES_KEPT = 1024, DEPTH_UNKNOWN = 1 };
struct frame {
    uint64_t frame; /* 0: nothing is kept here. */
    uint64_t seq;   /* FLUME_SEQ_NONE: it was not committed. */
    unsigned depth; /* Of what it encloses. */
};

struct taping {
    struct scoping *scoping;
    struct frame frames[FRAMES_KEPT];
};

/* The frame that encloses a scope's record; 0: none. */
static int find_enclosing(struct scoping *scoping, uint64_t seq, uint64_t *out_frame)
{
    const flume_cursor_options options = {.bounds = FLUME_GTE | FLUME_LTE, .gte = seq, .lte = seq};
    flume_tape *tape = NULL;
    flume_tape_entry entry;
    int status = flume_tape_open(scoping->session->flume, &options, &tape);

    if (status == FLUME_OK)
        status = flume_tape_next(tape, 0, &entry, NULL);
    flume_tape_close(tape);
    *out_frame = status == FLUME_OK ? entry.enclosing_frame : 0;
    return status;
}

static int find_frame(struct taping *taping, uint64_t frame, unsigned depth_max,
                      struct frame *out_frame)
{
    struct scoping *scoping = taping->scoping;
    struct frame *kept = &taping->frames[frame % FRAMES_KEPT];
    struct frame found = {frame, FLUME_SEQ_NONE, DEPTH_UNKNOWN}, outer;
    uint64_t enclosing = 0;
    int status;

    if (kept->frame == frame) {
        *out_frame = *kept;
        return FLUME_OK;
    }
    status = flume_scope_of_frame(scoping->session->flume, &scoping->asking.ask, frame, &found.seq);
    if (status == FLUME_OK)
        status = find_enclosing(scoping, found.seq, &enclosing);
    if (status == FLUME_OK && enclosing != 0 && depth_max > 1) {
        status = find_frame(taping, enclosing, depth_max - 1, &outer);
        if (status == FLUME_OK)
            found.depth = outer.depth + 1;
    }
    if (status == FLUME_ERR_NOT_FOUND) { /* Its own commit is still to come. */
        found.seq = FLUME_SEQ_NONE;
        status = FLUME_OK;
    }
    if (status == FLUME_OK && found.seq != FLUME_SEQ_NONE)
        *kept = found;
    if (status == FLUME_OK)
        *out_frame = found;
    return status;
}

/* A table has no room for batches: batch list and show tell of them. */
static void put_batch(struct grid *grid, const char *batch)
{
    if (batch[0] == '\0' || grid->session->mode == MODE_TABLE)
        grid_absent(grid);
    else
        grid_string(grid, batch);
}

/* The verdict, which --tree indents: it is read from the left. */
static void put_verdict(struct grid *grid, const flume_tape_entry *entry, unsigned depth)
{
    struct text text = {0};

    if (invocation_has(grid->session->invocation, OPTION_TREE) && !grid->session->json)
        for (unsigned i = 0; i < depth; i++)
            text_string(&text, "  ");
    text_string(&text, scope_row_verdict(entry->kind));
    grid_bytes(grid, text.data, text.bytes);
    text_deinit(&text);
}

static int put_commit(struct taping *taping, struct grid *grid, const struct scope_walk *walk)
{
    struct scoping *scoping = taping->scoping;
    const flume_tape_entry *entry = &walk->entry;
    struct frame frame = {.seq = FLUME_SEQ_NONE};
    int status = FLUME_OK;

    if (entry->enclosing_frame != 0)
        status = find_frame(taping, entry->enclosing_frame, FLUME_SCOPE_STACK_MAX, &frame);
    if (status != FLUME_OK)
        return status;
    scoping->asking.given++;
    progress_end(&scoping->asking.progress);
    grid_seq(grid, entry->record_seq);
    grid_time(grid, entry->repeat == 0 ? entry->first_time_ns : entry->last_time_ns);
    put_verdict(grid, entry, frame.depth);
    scope_row_related(grid, entry);
    grid_seq(grid, frame.seq);
    scope_row_labels(grid, walk->scope);
    put_batch(grid, flume_tape_batch(walk->tape));
    scope_row_tare_id(grid, entry);
    if (!scope_row_variables(scoping, grid, walk->scope))
        return FLUME_ERR_NO_MEMORY;
    session_printed(scoping->session, entry->record_seq);
    return grid_end_row(grid) ? FLUME_OK : FLUME_ERR_IO;
}

int scope_form_tape(struct scoping *scoping)
{
    const struct invocation *invocation = scoping->session->invocation;
    flume_cursor_options options = {.flags = direction(scoping)};
    struct taping taping = {.scoping = scoping};
    struct scope_walk walk;
    struct grid grid;
    int status;

    if (invocation->operand_count == 1) {
        int code = resolve_range(scoping->session, scoping->session->log, &invocation->operands[0],
                                 &options);

        if (code != CODE_OK)
            return code;
    }
    status = scope_walk_begin(&walk, scoping, &options);
    walk.every_commit = true;
    grid_init(&grid, scoping->session, "scope", tape_columns, COLUMN_COUNT(tape_columns));
    grid_spare(&grid, "extends time labels of tare");
    grid_optional(&grid, "batch tare");
    while (status == FLUME_OK && limit_wants_more(&scoping->limit)) {
        status = scope_walk_next(&walk);
        if (status == FLUME_OK && limit_take(&scoping->limit))
            status = put_commit(&taping, &grid, &walk);
    }
    scope_walk_end(&walk);
    return scope_walk_finish(scoping, status, 1);
}

/* ---- dup ---- */

/* The scopes with more than one commit: each where it was first. */
static int walk_repeated(struct scoping *scoping, struct scope_walk *walk, struct grid *grid)
{
    flume_scope_info info;
    int status = FLUME_OK;

    while (status == FLUME_OK && limit_wants_more(&scoping->limit)) {
        status = scope_walk_next(walk);
        if (status != FLUME_OK || walk->entry.kind == FLUME_DUP)
            continue;
        status = flume_scope_find_id(scoping->session->flume, &scoping->asking.ask, walk->entry.id,
                                     &info);
        if (status == FLUME_ERR_NOT_FOUND) /* Newer than what the view is asked for. */
            status = FLUME_OK;
        else if (status == FLUME_OK && info.count > 1 && info.first_seq == walk->entry.record_seq &&
                 limit_take(&scoping->limit))
            status = scope_row(scoping, grid, &walk->entry, info.count, walk->scope);
    }
    return status;
}

/* All commits of one. */
static int walk_commits(struct scoping *scoping, struct scope_walk *walk, struct grid *grid,
                        const uint8_t id[FLUME_HASH_BYTES])
{
    int status = FLUME_OK;

    while (status == FLUME_OK && limit_wants_more(&scoping->limit)) {
        status = scope_walk_next(walk);
        if (status == FLUME_OK && memcmp(walk->entry.id, id, FLUME_HASH_BYTES) == 0 &&
            limit_take(&scoping->limit))
            status = scope_row(scoping, grid, &walk->entry, walk->entry.repeats, walk->scope);
    }
    return status;
}

int scope_form_dup(struct scoping *scoping)
{
    const struct invocation *invocation = scoping->session->invocation;
    flume_cursor_options options = {.flags = direction(scoping)};
    uint8_t id[FLUME_HASH_BYTES];
    flume_scope *scope = NULL;
    flume_scope_info info;
    struct scope_walk walk;
    struct grid grid;
    int code = CODE_OK, status = FLUME_OK;
    uint64_t seq;

    if (invocation->operand_count == 1) {
        code = scope_words_resolve(scoping, &invocation->operands[0], &seq, &scope);
        if (code == CODE_OK)
            status = flume_scope_id(scope, id);
        if (code == CODE_OK && status == FLUME_OK)
            status = flume_scope_find_id(scoping->session->flume, &scoping->asking.ask, id, &info);
        flume_scope_destroy(scope);
        if (code == CODE_OK && status != FLUME_OK)
            code = asking_report(&scoping->asking, status);
        if (code != CODE_OK)
            return code;
        options.bounds = FLUME_GTE | FLUME_LTE;
        options.gte = info.first_seq;
        options.lte = info.last_seq;
    }
    status = scope_walk_begin(&walk, scoping, &options);
    scope_row_begin(&grid, scoping);
    if (status == FLUME_OK)
        status = invocation->operand_count == 1 ? walk_commits(scoping, &walk, &grid, id)
                                                : walk_repeated(scoping, &walk, &grid);
    scope_walk_end(&walk);
    return scope_walk_finish(scoping, status, grid.rows);
}
