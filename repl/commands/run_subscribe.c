/*
 * run_subscribe.c - `flume subscribe`.
 */
#include "run.h"

int run_subscribe(struct session *session)
{
    return report(session, CODE_INTERNAL, "internal", NULL, "subscribe is not built yet");
}
