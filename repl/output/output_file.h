/*
 * output_file.h - a file that appears under its name only when it is complete.
 */
#ifndef REPL_OUTPUT_FILE_H
#define REPL_OUTPUT_FILE_H

#include <stdio.h>

struct output_file {
    const char *path; /* Borrowed. */
    char *temporary;  /* Beside it. */
    FILE *stream;
};

/** 0 or -errno; then nothing is to be ended. */
int output_file_begin(struct output_file *file, const char *path);

/** Sync it and give it its name, in place of what had it. 0 or -errno; ended either way. */
int output_file_commit(struct output_file *file);

/** Take it away again. */
void output_file_abandon(struct output_file *file);

#endif
