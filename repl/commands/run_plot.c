/*
 * run_plot.c - `flume plot`.
 */
#include "run.h"

int run_plot(struct session *session)
{
    return report(session, CODE_INTERNAL, "internal", NULL, "plot is not built yet");
}
