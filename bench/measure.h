/*
 * measure.h - what every benchmark needs: a clock, records to write, chance, and quiet.
 *
 * What always holds:
 *   - Every engine is given the same bodies: number i is bodies_at(i), whoever asks.
 *   - Whoever reads a body reads all of it, with body_sum(); the sums must come out right, so no
 *     engine can be quick by leaving records or bytes out.
 *   - Chance comes from the seed that the report prints.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BODIES_COUNT = 1024 }; /* A power of two: together they fit a second-level cache. */

struct bodies {
    uint8_t *pool;
    size_t body_bytes;
    size_t stride_bytes;
    uint64_t sums[BODIES_COUNT]; /* body_sum() of each. */
};

/** Nanoseconds of CLOCK_MONOTONIC: comparable between processes of one machine. */
uint64_t clock_ns(void);

/** Processor time that the calling thread has used, and that all threads of the process have. */
uint64_t thread_cpu_ns(void);
uint64_t process_cpu_ns(void);

void sleep_ns(uint64_t duration_ns);

/** The next number of a splitmix64 sequence. */
uint64_t random_next(uint64_t *io_state);

/** Random bodies of one size. 0, or -1 without memory. */
int bodies_create(struct bodies *out_bodies, size_t body_bytes, uint64_t seed);
void bodies_destroy(struct bodies *bodies);

/** The sum of the sums of bodies 0 .. count - 1. */
uint64_t bodies_sum(const struct bodies *bodies, uint64_t count);

/** Wait until no thread of this process computes any more (compactions, preparations), but no
 * longer than limit_ns. */
void wait_until_quiet(uint64_t limit_ns);

/** Write everything out that the file system of a path still holds in memory. */
void settle_file_system(const char *path);

/** Say on stderr what went wrong, with errno if it is set. Always -1. */
int bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline const void *bodies_at(const struct bodies *bodies, uint64_t index)
{
    return bodies->pool + (index % BODIES_COUNT) * bodies->stride_bytes;
}

/* Four sums side by side, so that loading the bytes is what takes the time, not adding them. */
static inline uint64_t body_sum(const void *body, size_t body_bytes)
{
    const uint8_t *at = body;
    uint64_t lane[4] = {0, 0, 0, 0};
    uint64_t word[4];

    for (; body_bytes >= sizeof(word); body_bytes -= sizeof(word), at += sizeof(word)) {
        memcpy(word, at, sizeof(word));
        for (int i = 0; i < 4; i++)
            lane[i] += word[i];
    }
    for (; body_bytes > 0; body_bytes--, at++)
        lane[0] += *at;
    return lane[0] + lane[1] + lane[2] + lane[3];
}

#endif
