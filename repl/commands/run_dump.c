/*
 * run_dump.c - `flume dump`.
 */
#include "run.h"

int run_dump(struct session *session)
{
    return report(session, CODE_INTERNAL, "internal", NULL, "dump is not built yet");
}
