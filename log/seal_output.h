/*
 * seal_output.h - a sealed file being written: one buffer in front of it, and the check of a
 * section while it goes by.
 *
 * What always holds: bytes are written once, in rising order; nothing is read back from here.
 */
#ifndef FLUME_SEAL_OUTPUT_H
#define FLUME_SEAL_OUTPUT_H

#include "handle.h"
#include "hash.h"

struct seal_output {
    flume_log *log;
    int file;
    const char *path; /* For messages. Borrowed. */
    uint8_t *buffer;
    size_t capacity, used; /* Behind the capacity there is room for the zeros of one page. */
    uint64_t at;           /* Offset in the file of the buffer's first byte. */
    XXH3_state_t *check;   /* Of the section that is being written; NULL: none. Borrowed. */
    /* Instead of the file: whoever compares what would be written. NULL: none. Answers a status. */
    int (*sink)(void *sink_ctx, const uint8_t *bytes, size_t count, uint64_t offset);
    void *sink_ctx;
};

/* Writing goes on at `at`. Owned: seal_output_end(). */
int seal_output_begin(flume_log *log, int file, const char *path, uint64_t at,
                      struct seal_output *out_output);
void seal_output_end(struct seal_output *output);

/* Where the next byte will lie in the file. */
static inline uint64_t seal_output_offset(const struct seal_output *output)
{
    return output->at + output->used;
}

/* Space for this much in one piece, to be filled by the caller, who then says how much it took.
 * NULL: *out_status says why. */
uint8_t *seal_output_space(struct seal_output *output, size_t bytes, int *out_status);
void seal_output_take(struct seal_output *output, size_t bytes);

int seal_output_put(struct seal_output *output, const void *source, size_t bytes);

/* Zeros up to a multiple of 4,096 or less. They belong to no section; there is always room. */
void seal_output_align(struct seal_output *output, uint64_t unit);

/* Leave out so many bytes, which somebody else writes. */
int seal_output_skip(struct seal_output *output, uint64_t bytes);

/* Hand what is in the buffer to the system. */
int seal_output_flush(struct seal_output *output);

#endif
