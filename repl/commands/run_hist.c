/*
 * run_hist.c - `flume hist`.
 */
#include "run.h"

int run_hist(struct session *session)
{
    return report(session, CODE_INTERNAL, "internal", NULL, "hist is not built yet");
}
