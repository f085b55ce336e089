/*
 * measure.c - clock, bodies, chance, quiet. See measure.h.
 */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_read(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); /* Cannot fail for the clocks used here. */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_ns(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

uint64_t thread_cpu_ns(void)
{
    return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t process_cpu_ns(void)
{
    return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

void sleep_ns(uint64_t duration_ns)
{
    struct timespec left = {.tv_sec = (time_t)(duration_ns / 1000000000u),
                            .tv_nsec = (long)(duration_ns % 1000000000u)};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

uint64_t random_next(uint64_t *io_state)
{
    uint64_t mixed = *io_state += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

int bodies_create(struct bodies *out_bodies, size_t body_bytes, uint64_t seed)
{
    size_t stride_bytes = (body_bytes + 7) & ~(size_t)7;
    uint8_t *pool = malloc(BODIES_COUNT * stride_bytes);

    if (pool == NULL)
        return bench_fail("no memory for bodies of %zu bytes", body_bytes);
    for (size_t at = 0; at < BODIES_COUNT * stride_bytes; at += 8) {
        uint64_t word = random_next(&seed);
        memcpy(pool + at, &word, sizeof(word));
    }
    *out_bodies =
        (struct bodies){.pool = pool, .body_bytes = body_bytes, .stride_bytes = stride_bytes};
    for (uint64_t i = 0; i < BODIES_COUNT; i++)
        out_bodies->sums[i] = body_sum(bodies_at(out_bodies, i), body_bytes);
    return 0;
}

void bodies_destroy(struct bodies *bodies)
{
    free(bodies->pool);
    *bodies = (struct bodies){0};
}

uint64_t bodies_sum(const struct bodies *bodies, uint64_t count)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++)
        sum += bodies->sums[i % BODIES_COUNT];
    return sum;
}

void wait_until_quiet(uint64_t limit_ns)
{
    enum { LOOK_NS = 5000000, BUSY_NS = 300000, LOOKS = 3 };
    uint64_t until_ns = clock_ns() + limit_ns;
    uint64_t used_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID);

    for (int quiet = 0; quiet < LOOKS && clock_ns() < until_ns;) {
        uint64_t now_ns;

        sleep_ns(LOOK_NS);
        now_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID);
        quiet = now_ns - used_ns < BUSY_NS ? quiet + 1 : 0;
        used_ns = now_ns;
    }
}

void settle_file_system(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return; /* A figure may be noisier; nothing else depends on it. */
    (void)syncfs(fd);
    (void)close(fd);
}

int bench_fail(const char *format, ...)
{
    int system_errno = errno;
    va_list arguments;

    fputs("bench: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (system_errno != 0)
        fprintf(stderr, " (errno: %s)", strerror(system_errno));
    fputc('\n', stderr);
    errno = 0;
    return -1;
}
