/*
 * machine.h - where the figures come from: processor, memory, kernel, file system, versions.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdio.h>

struct machine {
    char processor[128];
    char kernel[128];
    char file_system[32];
    char compiler[64];
    char engines[256]; /* Versions of flume and the peers. */
    long processors;
    double memory_bytes;
};

/** Look around; path tells the file system that counts. */
void machine_describe(struct machine *out_machine, const char *path);

/** Whether a file system keeps its files in memory only, so that syncs mean nothing. */
int machine_is_volatile(const struct machine *machine);

void machine_print(const struct machine *machine, FILE *stream);

/** As a JSON member, "machine":{...}; malloc'd, NULL without memory. */
char *machine_json(const struct machine *machine);

#endif
