/*
 * run.h - the commands: each gets a session and answers with the code to exit with.
 */
#ifndef REPL_RUN_H
#define REPL_RUN_H

#include "session.h"

int run_init(struct session *session);
int run_info(struct session *session);
int run_append(struct session *session);
int run_get(struct session *session);
int run_log(struct session *session);
int run_tail(struct session *session);
int run_subscribe(struct session *session);
int run_label(struct session *session);
int run_find(struct session *session);
int run_mark(struct session *session);
int run_blob(struct session *session);
int run_scope(struct session *session);
int run_batch(struct session *session);
int run_tape(struct session *session);
int run_dup(struct session *session);
int run_super(struct session *session);
int run_sub(struct session *session);
int run_graph(struct session *session);
int run_cache(struct session *session);
int run_once(struct session *session);
int run_view(struct session *session);
int run_explain(struct session *session);
int run_check(struct session *session);
int run_repair(struct session *session);
int run_seal(struct session *session);
int run_strata(struct session *session);
int run_prove(struct session *session);
int run_status(struct session *session);
int run_stat(struct session *session);
int run_top(struct session *session);
int run_hist(struct session *session);
int run_plot(struct session *session);
int run_dump(struct session *session);
int run_export(struct session *session);
int run_import(struct session *session);
int run_bench(struct session *session);
int run_completion(struct session *session);
int run_complete(struct session *session);
int run_version(struct session *session);
int run_help(struct session *session);

/** Run the command that session->invocation holds, whichever it is, and flush. */
int run_command(struct session *session);

#endif
