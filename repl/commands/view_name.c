/*
 * view_name.c - the views there are (view_name.h).
 */
#include "view_name.h"

#include <stdlib.h>
#include <string.h>

#include "suggest.h"

enum { VIEWS_EXPECTED = 32 };

int view_name_list(struct session *session, flume_view_status **out_list, size_t *out_count)
{
    size_t room = VIEWS_EXPECTED;

    for (;;) {
        flume_view_status *list = calloc(room, sizeof(list[0]));
        int count = list == NULL ? FLUME_ERR_NO_MEMORY
                                 : flume_view_list(session->flume, list, room);

        if (count >= 0 && (size_t)count <= room) {
            *out_list = list;
            *out_count = (size_t)count;
            return CODE_OK;
        }
        free(list);
        if (count < 0)
            return report_flume_error(session, count);
        room = (size_t)count; /* Another try, with room for all. */
    }
}

int view_name_refuse(struct session *session, const struct operand *operand,
                     enum view_name_kind kind)
{
    struct suggestion suggestion;
    const struct report_detail detail = {.place = {.token = operand->token},
                                         .suggestion = &suggestion};
    flume_view_status *list = NULL;
    size_t count = 0;

    suggest_begin(&suggestion, "", operand->text, strlen(operand->text));
    if (view_name_list(session, &list, &count) == CODE_OK)
        for (size_t i = 0; i < count; i++)
            if (kind == VIEW_NAME_ANY || (!list[i].built_in && list[i].state != FLUME_VIEW_FOREIGN))
                suggest_offer(&suggestion, list[i].name);
    if (kind == VIEW_NAME_DECLARED)
        report_with(session, &detail, ERROR_NO_DECLARED_VIEW, operand->text);
    else
        report_with(session, &detail, ERROR_NO_VIEW, operand->text);
    free(list);
    return CODE_NO;
}

bool view_name_is_meant(const struct invocation *invocation, const char *name)
{
    for (size_t i = 0; i < invocation->operand_count; i++)
        if (strcmp(invocation->operands[i].text, name) == 0)
            return true;
    return invocation->operand_count == 0;
}

int view_name_refuse_unknown(struct session *session, const flume_view_status *list, size_t count)
{
    const struct invocation *invocation = session->invocation;
    int code = CODE_OK;

    for (size_t i = 0; i < invocation->operand_count; i++) {
        bool found = false;

        for (size_t k = 0; k < count && !found; k++)
            found = strcmp(invocation->operands[i].text, list[k].name) == 0;
        if (!found)
            code = view_name_refuse(session, &invocation->operands[i], VIEW_NAME_ANY);
    }
    return code;
}

/* It has files, which only the program reads that made it. */
static bool is_foreign(struct session *session, const char *name)
{
    flume_view_status *list = NULL;
    size_t count = 0;
    bool found = false;

    if (view_name_list(session, &list, &count) != CODE_OK)
        return false;
    for (size_t i = 0; i < count; i++)
        found = found || strcmp(list[i].name, name) == 0;
    free(list);
    return found;
}

int view_name_find(struct session *session, const struct operand *operand, flume_view **out_view)
{
    int status = flume_view_find(session->flume, operand->text, out_view);

    if (status == FLUME_ERR_NOT_FOUND && is_foreign(session, operand->text))
        return report_at(session, (struct reference_place){.token = operand->token},
                         ERROR_VIEW_CODE_ABSENT, operand->text, "asked");
    if (status == FLUME_ERR_NOT_FOUND)
        return view_name_refuse(session, operand, VIEW_NAME_ANY);
    return status == FLUME_OK ? CODE_OK : report_flume_error(session, status);
}

bool view_name_is_left_over(const flume_view_status *list, size_t count, size_t index)
{
    if (list[index].state != FLUME_VIEW_FOREIGN)
        return false;
    for (size_t i = 0; i < count; i++)
        if (list[i].state != FLUME_VIEW_FOREIGN && strcmp(list[i].name, list[index].name) == 0)
            return true;
    return false;
}

const char *view_name_why(const flume_view_status *status)
{
    if (status->error.status != FLUME_OK)
        return status->error.message[0] != '\0' ? status->error.message
                                                : flume_strerror(status->error.status);
    return status->why;
}

const char *view_name_why_now(const flume_view_status *status)
{
    bool is_well = status->usable && status->error.status == FLUME_OK &&
                   status->state != FLUME_VIEW_REBUILDING && status->state != FLUME_VIEW_FAILED;

    return is_well ? "" : view_name_why(status);
}
