/*
 * leave.c - how a child process ends at once.
 */
#include "leave.h"

#include <unistd.h>

#if defined(FLUME_COVERAGE)
void __gcov_dump(void); /* Of libgcov; it would run at exit. */
#endif

void leave_coverage(void)
{
#if defined(FLUME_COVERAGE)
    __gcov_dump();
#endif
}

_Noreturn void leave(int status)
{
    leave_coverage();
    _exit(status);
}
