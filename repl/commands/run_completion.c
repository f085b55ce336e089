/*
 * run_completion.c - `flume completion`.
 */
#include "run.h"

int run_completion(struct session *session)
{
    return report(session, CODE_INTERNAL, "internal", NULL, "completion is not built yet");
}
