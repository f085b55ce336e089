/*
 * run_complete.c - `flume complete`.
 */
#include "run.h"

int run_complete(struct session *session)
{
    return report(session, CODE_INTERNAL, "internal", NULL, "complete is not built yet");
}
