/*
 * bench_views.c - the group "views": its parts, one after the other.
 */
#include "views_bench.h"

int bench_views(struct bench *bench)
{
    int status = bench_rebuild(bench);

    status |= bench_catch_up(bench);
    status |= bench_query(bench);
    status |= bench_company(bench);
    return status;
}
