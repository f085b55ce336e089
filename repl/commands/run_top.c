/*
 * run_top.c - `flume top`.
 */
#include "run.h"

int run_top(struct session *session)
{
    return report(session, CODE_INTERNAL, "internal", NULL, "top is not built yet");
}
