/*
 * scope_walk.c - over the scopes of a basin, in the order of the tape (scope_forms.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scope_forms.h"

enum { DAMAGE_REPORTS_MAX = 10 };

int scope_walk_begin(struct scope_walk *walk, struct scoping *scoping,
                     const flume_cursor_options *options)
{
    int status;

    *walk = (struct scope_walk){.scoping = scoping};
    status = flume_scope_create(&walk->scope);
    if (status == FLUME_OK)
        status = flume_tape_open(scoping->session->flume, options, &walk->tape);
    return status;
}

void scope_walk_end(struct scope_walk *walk)
{
    flume_tape_close(walk->tape);
    flume_scope_destroy(walk->scope);
}

static bool has_label(const flume_scope *scope, const char *label)
{
    for (size_t i = 0; i < flume_scope_label_count(scope); i++)
        if (strcmp(flume_scope_label_at(scope, i), label) == 0)
            return true;
    return false;
}

/* One of those that were asked for. */
static bool is_wanted(const struct scope_walk *walk)
{
    const struct invocation *invocation = walk->scoping->session->invocation;
    bool asked = false;

    for (size_t i = 0; i < invocation->option_count; i++) {
        if (invocation->options[i].id != OPTION_WITH_LABEL)
            continue;
        if (has_label(walk->scope, invocation->options[i].text))
            return true;
        asked = true;
    }
    return !asked;
}

/* It cannot be read, or not whole; the walk goes on behind it. */
static bool is_passed_over(struct scope_walk *walk, int status)
{
    struct scoping *scoping = walk->scoping;

    if (status == FLUME_ERR_LOST)
        scoping->lost++;
    if (status == FLUME_ERR_DAMAGED && ++scoping->damaged <= DAMAGE_REPORTS_MAX)
        (void)report_flume_error(scoping->session, status); /* The code comes in the end. */
    return status == FLUME_ERR_LOST || status == FLUME_ERR_DAMAGED;
}

int scope_walk_next(struct scope_walk *walk)
{
    int status;

    do {
        if (asking_stopped(&walk->scoping->asking))
            return FLUME_ERR_CANCELLED;
        if (!walk->every_commit)
            flume_tape_skip(walk->tape);
        status = flume_tape_next(walk->tape, 0, &walk->entry, walk->scope);
    } while (status == FLUME_OK ? !is_wanted(walk) : is_passed_over(walk, status));
    return status;
}

/* What was passed over. */
static int finish_damage(struct scoping *scoping, int code)
{
    if (scoping->lost != 0)
        note(scoping->session, "%" PRIu64 " records were lost to earlier damage (flume DB check)",
             scoping->lost);
    if (scoping->damaged > DAMAGE_REPORTS_MAX)
        warn(scoping->session, "%" PRIu64 " scopes cannot be read, %d of them named above",
             scoping->damaged, DAMAGE_REPORTS_MAX);
    return scoping->damaged == 0 ? code : exit_code_worse(code, CODE_DAMAGED);
}

int scope_walk_finish(struct scoping *scoping, int status, uint64_t rows)
{
    struct session *session = scoping->session;
    bool is_empty = rows == 0 && !invocation_has(session->invocation, OPTION_NO_FAIL_EMPTY);

    limit_note(&scoping->limit, session);
    if (status == FLUME_OK || status == FLUME_END)
        return finish_damage(scoping, is_empty ? CODE_NO : CODE_OK);
    return status == FLUME_ERR_IO && ferror(stdout) != 0 ? session_flush(session)
                                                         : asking_report(&scoping->asking, status);
}
