/*
 * run_status.c - `flume status`.
 */
#include "run.h"

int run_status(struct session *session)
{
    return report(session, CODE_INTERNAL, "internal", NULL, "status is not built yet");
}
