/*
 * run_subscribe.c - `flume subscribe`: at a prompt lines that come by themselves, elsewhere
 * tail -f -n 0.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "resolve.h"
#include "run.h"
#include "shell.h"
#include "subscriptions.h"

/* The labels are operands here; to tail they are -l. */
static int follow(struct session *session)
{
    struct invocation *tail = calloc(1, sizeof(*tail));
    const struct invocation *own = session->invocation;
    bool good = tail != NULL;
    int code;

    if (good)
        *tail = (struct invocation){
            .argc = own->argc, .argv = own->argv, .command = own->command, .outer = own->outer};
    for (size_t i = 0; good && i < own->option_count; i++) {
        good = invocation_add_option(tail, own->options[i].id, NULL, 0);
        if (good)
            tail->options[i] = own->options[i];
    }
    for (size_t i = 0; good && i < own->operand_count; i++)
        good = invocation_add_option(tail, OPTION_WITH_LABEL, own->operands[i].text, 0);
    good = good && invocation_add_option(tail, OPTION_FOLLOW, NULL, 0) &&
           invocation_add_option(tail, OPTION_LINES, NULL, 0);
    if (good) {
        session->invocation = tail;
        code = run_tail(session);
        session->invocation = own;
    } else {
        code = report_status(session, FLUME_ERR_NO_MEMORY, NULL);
    }
    if (tail != NULL)
        free(tail->options);
    free(tail);
    return code;
}

static int begin(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    struct shell *shell = session->shell;
    const char **labels = calloc(invocation->operand_count + 1, sizeof(labels[0]));
    flume *handle;
    unsigned id = 0;
    int status, code = shell_open(shell, session, &handle);

    session_writes_text(session); /* Rows come later, and above the line. */
    for (size_t i = 0; labels != NULL && i < invocation->operand_count; i++)
        labels[i] = invocation->operands[i].text;
    if (code == CODE_OK) {
        status = labels == NULL ? FLUME_ERR_NO_MEMORY
                                : subscriptions_add(&shell->subscriptions, handle, labels,
                                                    invocation->operand_count, &id);
        code = status == FLUME_OK ? CODE_OK : report_status(session, status, NULL);
    }
    if (code == CODE_OK)
        note(session, "subscription %u: new records appear above the line; .cancel %u ends it", id,
             id);
    free(labels);
    return code;
}

/* Another basin than the shell's is followed as any other program would. */
int run_subscribe(struct session *session)
{
    if (session->shell == NULL || !session->shell->interactive || session->invocation->db != NULL)
        return follow(session);
    return begin(session);
}
