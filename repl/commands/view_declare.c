/*
 * view_declare.c - `flume view add` and `flume view drop` (view_declare.h).
 */
#include "view_declare.h"

#include <stdio.h>
#include <string.h>

#include "asking.h"
#include "grid.h"
#include "view_name.h"

int view_declare_check(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    const char *name = invocation->operands[0].text;
    const struct option_use *path = invocation_option(invocation, OPTION_JSON_PATH);
    const struct option_use *reduce = invocation_option(invocation, OPTION_REDUCE);
    const struct option_use *by = invocation_option(invocation, OPTION_BY);
    const struct option_use *type = invocation_option(invocation, OPTION_FIELD_TYPE);
    const struct option_use *unique = invocation_option(invocation, OPTION_UNIQUE);

    if (path == NULL && reduce == NULL)
        return report(session, ERROR_DERIVE_WHAT);
    if (reduce == NULL && by != NULL)
        return report_at(session, (struct reference_place){.token = by->token},
                         ERROR_BY_WITHOUT_FOLD);
    if (reduce != NULL && unique != NULL)
        return report_at(session, (struct reference_place){.token = unique->token},
                         ERROR_UNIQUE_FOLD);
    if (reduce != NULL && type != NULL)
        return report_at(session, (struct reference_place){.token = type->token}, ERROR_TYPED_FOLD);
    if (path != NULL && strlen(path->text) > FLUME_PATH_BYTES_MAX)
        return report_at(session, (struct reference_place){.token = path->token},
                         ERROR_PATH_TOO_LONG);
    if (by != NULL && strlen(by->text) > FLUME_PATH_BYTES_MAX)
        return report_at(session, (struct reference_place){.token = by->token},
                         ERROR_PATH_TOO_LONG);
    if (strcmp(name, "and") == 0 || strcmp(name, "or") == 0)
        return report_at(session, (struct reference_place){.token = invocation->operands[0].token},
                         ERROR_VIEW_NAME_RESERVED);
    if (strlen(name) > FLUME_VIEW_NAME_BYTES_MAX)
        return report_at(session, (struct reference_place){.token = invocation->operands[0].token},
                         ERROR_VIEW_NAME_TOO_LONG);
    return CODE_OK;
}

static void make_declaration(const struct invocation *invocation, flume_declaration *out)
{
    const struct option_use *path = invocation_option(invocation, OPTION_JSON_PATH);
    const struct option_use *by = invocation_option(invocation, OPTION_BY);
    const struct option_use *label = invocation_option(invocation, OPTION_ONLY_LABEL);
    bool is_fold = invocation_has(invocation, OPTION_REDUCE);

    *out = (flume_declaration){.what = is_fold ? FLUME_DECLARED_REDUCE : FLUME_DECLARED_FIELD};
    snprintf(out->name, sizeof(out->name), "%s", invocation->operands[0].text);
    if (path != NULL)
        snprintf(out->path, sizeof(out->path), "%s", path->text);
    if (label != NULL)
        snprintf(out->label, sizeof(out->label), "%s", label->text);
    /* The choices of --type and --reduce stand in the order of these enums; those of reduce count
     * from 1. */
    out->type =
        (enum flume_field_type)invocation_number(invocation, OPTION_FIELD_TYPE, FLUME_FIELD_ANY);
    out->unique = invocation_has(invocation, OPTION_UNIQUE);
    if (is_fold)
        out->reduce = (enum flume_reduce_what)(invocation_number(invocation, OPTION_REDUCE, 0) +
                                               FLUME_REDUCE_COUNT);
    out->by_label = by != NULL && strcmp(by->text, "label") == 0;
    if (by != NULL && !out->by_label)
        snprintf(out->by_path, sizeof(out->by_path), "%s", by->text);
}

/* What was declared, or ended, and by which record. */
static void print_change(struct session *session, const char *type, uint64_t seq)
{
    static const struct grid_column columns[] = {{"view", 0, false}, {"seq", 0, true}};
    struct grid grid;

    if (session->quiet && !session->json)
        return;
    grid_init(&grid, session, type, columns, sizeof(columns) / sizeof(columns[0]));
    grid_make_bare(&grid);
    grid_string(&grid, session->invocation->operands[0].text);
    grid_seq(&grid, seq);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

int view_declare_add(struct session *session)
{
    const struct operand *operand = &session->invocation->operands[0];
    flume_error error = {.seq = FLUME_SEQ_NONE};
    flume_declaration declaration;
    uint64_t seq;
    int status;

    make_declaration(session->invocation, &declaration);
    status = flume_view_declare(session->flume, &declaration, &seq);
    if (status == FLUME_ERR_INVALID) {
        flume_last_error(session->flume, &error);
        return report_at(session, (struct reference_place){.token = operand->token},
                         ERROR_BAD_DECLARATION, error.message);
    }
    if (status != FLUME_OK)
        return report_flume_error(session, status);
    print_change(session, "declared", seq);
    return CODE_OK;
}

int view_declare_drop(struct session *session)
{
    const struct operand *operand = &session->invocation->operands[0];
    flume_view_status now;
    flume_declaration declaration;
    int status = flume_view_declaration(session->flume, NULL, operand->text, &declaration);

    if (status == FLUME_OK) {
        status = flume_view_drop(session->flume, operand->text);
        /* Its files go too, unless another process still uses them: then it is left to that. */
        (void)flume_view_remove(session->flume, operand->text, 0);
    } else if (asking_look(session, operand->text, &now) && now.built_in) {
        return report_at(session, (struct reference_place){.token = operand->token},
                         ERROR_VIEW_BUILT_IN);
    } else if (status == FLUME_ERR_NOT_FOUND || status == FLUME_ERR_INVALID) {
        status = flume_view_remove(session->flume, operand->text, 0);
    }
    if (status == FLUME_ERR_NOT_FOUND || status == FLUME_ERR_INVALID)
        return view_name_refuse(session, operand, VIEW_NAME_ANY);
    if (status != FLUME_OK)
        return report_flume_error(session, status);
    print_change(session, "dropped", FLUME_SEQ_NONE);
    return CODE_OK;
}
