/*
 * run_find.c - `flume find`: records by fields, labels and hashes, and the groups of folds.
 */
#include <stdio.h>
#include <string.h>

#include "expression.h"
#include "grid.h"
#include "limit.h"
#include "query.h"
#include "resolve.h"
#include "run.h"
#include "view_name.h"

/* ---- groups ---- */

static const struct grid_column group_columns[] = {
    {"group", 20, false}, {"count", 9, true}, {"value", 14, true}, {"seq", 9, true}};

struct grouping {
    struct asking *asking;
    struct grid grid;
    const char *exactly; /* Only this group; NULL: all that are listed. */
    struct limit limit;
};

static int on_group(void *ctx, const flume_group *group)
{
    struct grouping *grouping = ctx;
    struct grid *grid = &grouping->grid;

    if (asking_stopped(grouping->asking))
        return FLUME_ERR_CANCELLED;
    if (grouping->exactly != NULL && (strlen(grouping->exactly) != group->key.bytes ||
                                      memcmp(grouping->exactly, group->key.data, group->key.bytes)))
        return 0;
    if (!limit_take(&grouping->limit))
        return FLUME_END;
    grouping->asking->given++;
    progress_end(&grouping->asking->progress);
    grid_bytes(grid, group->key.data, group->key.bytes);
    grid_count(grid, group->count);
    if (group->is_number)
        grid_number(grid, group->number);
    else
        grid_bytes(grid, group->text.data, group->text.bytes);
    grid_seq(grid, group->seq);
    return grid_end_row(grid) ? 0 : FLUME_ERR_IO;
}

static int print_groups(struct asking *asking, const char *view)
{
    struct session *session = asking->session;
    const struct invocation *invocation = session->invocation;
    const struct operand *group = invocation->operand_count < 2 ? NULL : &invocation->operands[1];
    struct grouping grouping = {.asking = asking};
    struct text prefix = {0};
    int status;

    if (invocation->operand_count > 2)
        return report_at(session, (struct reference_place){.token = invocation->operands[2].token},
                         ERROR_GROUPS_JOINED);
    if (group != NULL) {
        size_t bytes = strlen(group->text);
        bool is_prefix = bytes > 0 && group->text[bytes - 1] == '*';

        text_add(&prefix, group->text, bytes - (is_prefix ? 1 : 0));
        grouping.exactly = is_prefix ? NULL : group->text;
    }
    limit_init(&grouping.limit, session, OPTION_LIMIT);
    grid_init(&grouping.grid, session, "group", group_columns,
              sizeof(group_columns) / sizeof(group_columns[0]));
    asking_note_stale(asking);
    status = flume_reduce_list(session->flume, &asking->ask, view, text_c_string(&prefix), on_group,
                               &grouping);
    text_deinit(&prefix);
    if (status == FLUME_ERR_IO && ferror(stdout) != 0)
        return session_flush(session);
    if (status != FLUME_OK && status != FLUME_END)
        return asking_report(asking, status);
    limit_note(&grouping.limit, session);
    return grouping.limit.rows == 0 && !invocation_has(invocation, OPTION_NO_FAIL_EMPTY) ? CODE_NO
                                                                                         : CODE_OK;
}

/* ---- records ---- */

/* What the operand names must be a declared view of this kind. */
static int look_up(struct asking *asking, const struct operand *operand,
                   flume_declaration *out_declaration)
{
    struct session *session = asking->session;
    int status =
        flume_view_declaration(session->flume, &asking->ask, operand->text, out_declaration);

    if (status == FLUME_ERR_NOT_FOUND || status == FLUME_ERR_INVALID)
        return view_name_refuse(session, operand, VIEW_NAME_DECLARED);
    return status == FLUME_OK ? CODE_OK : asking_report(asking, status);
}

static int check_fields(struct asking *asking, const struct expression *expression)
{
    for (size_t i = 0; i < expression->term_count; i++) {
        const struct operand *operand = expression->operands[i];
        flume_declaration declaration;
        int code;

        if (expression->terms[i].what == FLUME_TERM_LABEL)
            asking_add(asking, "label");
        if (operand == NULL)
            continue;
        code = look_up(asking, operand, &declaration);
        if (code != CODE_OK)
            return code;
        if (declaration.what != FLUME_DECLARED_FIELD)
            return report_at(asking->session, (struct reference_place){.token = operand->token},
                             ERROR_FOLD_HAS_GROUPS);
        asking_add(asking, operand->text);
    }
    return CODE_OK;
}

static int find_records(struct asking *asking, const struct expression *expression)
{
    struct session *session = asking->session;
    const struct invocation *invocation = session->invocation;
    flume_hash_candidate candidate;
    struct query query = {.asking = asking, .term = expression->term};
    int code = check_fields(asking, expression);

    query.is_live = invocation_has(invocation, OPTION_FOLLOW) ||
                    invocation_has(invocation, OPTION_LIVE);
    if (code == CODE_OK && query.is_live)
        code = session_has_no_end(session, 0);
    if (code == CODE_OK && expression->hash != NULL) {
        code = resolve_hash(session, expression->hash->text,
                            (struct reference_place){.token = expression->hash->token}, &candidate);
        query.hash = candidate.hash;
    }
    return code == CODE_OK ? query_print(&query) : code;
}

/* One word that is a fold, or two, are a question for its groups. */
static int find(struct asking *asking)
{
    struct session *session = asking->session;
    const struct operand *first = &session->invocation->operands[0];
    struct expression expression = {.term = NULL};
    struct parse_error error;
    flume_declaration declaration;
    int code;

    if (strcmp(first->text, "label") != 0 && strcmp(first->text, "hash") != 0) {
        code = look_up(asking, first, &declaration);
        if (code != CODE_OK)
            return code;
        if (declaration.what == FLUME_DECLARED_REDUCE) {
            asking_add(asking, first->text);
            return print_groups(asking, first->text);
        }
    }
    if (!expression_parse(session->invocation, &expression, &error))
        code = report_parse_error(session, &error);
    else if (expression.term == NULL && (invocation_has(session->invocation, OPTION_FOLLOW) ||
                                         invocation_has(session->invocation, OPTION_LIVE)))
        code = report_at(session, (struct reference_place){.token = expression.hash->token},
                         ERROR_HASH_FOLLOWED);
    else
        code = find_records(asking, &expression);
    expression_release(&expression);
    return code;
}

int run_find(struct session *session)
{
    struct asking asking;
    flume_log *log;
    int code;

    session->needs_views = true;
    code = session_open_to_read(session, &log);
    if (code != CODE_OK)
        return code;
    code = asking_begin(&asking, session, NULL);
    if (code == CODE_OK)
        code = find(&asking);
    asking_end(&asking);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
