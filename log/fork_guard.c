/*
 * fork_guard.c - a page that a forked child sees as zeros.
 *
 * It asks the system itself: a page that is wiped is no matter of files, and a table for tests has
 * nothing to add to it.
 */
#include "fork_guard.h"

#include <stddef.h>
#include <sys/mman.h>

enum { GUARD_BYTES = 4096 };

struct fork_guard *fork_guard_create(void)
{
    struct fork_guard *guard =
        mmap(NULL, GUARD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (guard == MAP_FAILED)
        return NULL;
    if (madvise(guard, GUARD_BYTES, MADV_WIPEONFORK) != 0) {
        (void)munmap(guard, GUARD_BYTES);
        return NULL;
    }
    atomic_store(&guard->alive, 1);
    return guard;
}

void fork_guard_destroy(struct fork_guard *guard)
{
    if (guard != NULL)
        (void)munmap(guard, GUARD_BYTES);
}
