/*
 * run.c - running the command of an invocation, whichever it is (run.h).
 */
#include "run.h"

static int (*const runs[COMMAND_COUNT])(struct session *session) = {
    [COMMAND_INIT] = run_init,         [COMMAND_INFO] = run_info,
    [COMMAND_APPEND] = run_append,     [COMMAND_GET] = run_get,
    [COMMAND_LOG] = run_log,           [COMMAND_TAIL] = run_tail,
    [COMMAND_CHECK] = run_check,       [COMMAND_REPAIR] = run_repair,
    [COMMAND_STAT] = run_stat,         [COMMAND_EXPORT] = run_export,
    [COMMAND_IMPORT] = run_import,     [COMMAND_BENCH] = run_bench,
    [COMMAND_VERSION] = run_version,   [COMMAND_HELP] = run_help,
    [COMMAND_LABEL] = run_label,       [COMMAND_FIND] = run_find,
    [COMMAND_MARK] = run_mark,         [COMMAND_VIEW] = run_view,
    [COMMAND_EXPLAIN] = run_explain,   [COMMAND_SUBSCRIBE] = run_subscribe,
    [COMMAND_STATUS] = run_status,     [COMMAND_TOP] = run_top,
    [COMMAND_HIST] = run_hist,         [COMMAND_PLOT] = run_plot,
    [COMMAND_DUMP] = run_dump,         [COMMAND_COMPLETION] = run_completion,
    [COMMAND_SEAL] = run_seal,         [COMMAND_STRATA] = run_strata,
    [COMMAND_COMPLETE] = run_complete, [COMMAND_PROVE] = run_prove,
    [COMMAND_BLOB] = run_blob,         [COMMAND_SCOPE] = run_scope,
    [COMMAND_TAPE] = run_tape,         [COMMAND_DUP] = run_dup,
    [COMMAND_SUPER] = run_super,       [COMMAND_SUB] = run_sub,
    [COMMAND_CACHE] = run_cache,       [COMMAND_RUN] = run_once,
    [COMMAND_BATCH] = run_batch,       [COMMAND_GRAPH] = run_graph,
};

static int dispatch(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    const struct option_use *lines = invocation_option(invocation, OPTION_COMMAND);

    if (invocation_has(invocation, OPTION_HELP) || invocation_has(invocation, OPTION_USAGE))
        return run_help(session);
    if (invocation_has(invocation, OPTION_VERSION))
        return run_version(session);
    lines = lines != NULL ? lines : invocation_option(invocation, OPTION_SCRIPT);
    if (lines != NULL)
        return report_at(session, (struct reference_place){lines->token, lines->text_at, 0},
                         ERROR_LINES_AND_COMMAND);
    if (invocation->explains)
        return run_explain(session);
    return runs[invocation->command->id](session);
}

int run_command(struct session *session)
{
    return session_finish(session, dispatch(session));
}
