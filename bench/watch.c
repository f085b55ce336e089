/*
 * watch.c - see watch.h.
 */
#include "watch.h"

#include <malloc.h>
#include <stdio.h>

#include "measure.h"

enum { WATCH_NS = 2000000 };

static double anonymous_bytes(void)
{
    FILE *stream = fopen("/proc/self/status", "re");
    char line[256];
    unsigned long kibibytes = 0;

    while (stream != NULL && fgets(line, sizeof(line), stream) != NULL) {
        if (sscanf(line, "RssAnon: %lu", &kibibytes) == 1)
            break;
    }
    if (stream != NULL)
        (void)fclose(stream);
    return (double)kibibytes * 1024;
}

static void *watch_memory(void *argument)
{
    struct watch *watch = argument;

    while (!atomic_load(&watch->stop)) {
        double bytes = anonymous_bytes();

        if (bytes > watch->most_bytes)
            watch->most_bytes = bytes;
        sleep_ns(WATCH_NS);
    }
    return NULL;
}

int watch_begin(struct watch *watch)
{
#ifdef __GLIBC__
    (void)malloc_trim(0); /* What earlier benchmarks have freed would be used again, unseen. */
#endif
    *watch = (struct watch){.before_bytes = anonymous_bytes()};
    return pthread_create(&watch->thread, NULL, watch_memory, watch) == 0
               ? 0
               : bench_fail("cannot start a thread");
}

double watch_end(struct watch *watch)
{
    atomic_store(&watch->stop, 1);
    (void)pthread_join(watch->thread, NULL);
    return watch->most_bytes > watch->before_bytes ? watch->most_bytes - watch->before_bytes : 0;
}
