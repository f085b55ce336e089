/*
 * input.h - cutting a stream into records: lines, NUL-ended pieces, JSON values, or the whole.
 *
 * Bytes are looked at once however they arrive. A record is never larger than a bound, so memory is
 * bounded too.
 */
#ifndef REPL_INPUT_H
#define REPL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_scan.h"

enum input_split { INPUT_LINE, INPUT_NUL, INPUT_JSON, INPUT_WHOLE };

enum input_answer {
    INPUT_RECORD, /* *out_data is one; valid until the next input_fill(). */
    INPUT_EMPTY,  /* Nothing complete is here: input_fill(). */
    INPUT_END,
    INPUT_TOO_LARGE, /* The record at input->number is over the bound. */
    INPUT_BAD_JSON   /* The record at input->number is not JSON (or ends too early). */
};

struct input {
    int descriptor;
    int stop_descriptor; /* Readable: no more is to be waited for. -1: none. */
    enum input_split split;
    size_t record_bytes_max;
    char *data;
    size_t begin, end, capacity;
    size_t looked;   /* Up to here the record has been looked at. */
    bool at_end;     /* The stream has ended. */
    uint64_t number; /* Of the record being looked at, from 1. */
    uint64_t line;   /* Where it begins, from 1. */
    uint64_t next_line;
    bool in_value;
    struct json_scanner scanner;
};

void input_init(struct input *input, int descriptor, enum input_split split,
                size_t record_bytes_max);
enum input_answer input_next(struct input *input, const char **out_data, size_t *out_bytes);

/** Read more; may wait. 0, or -errno: -ENOMEM too, and -ECANCELED where stop_descriptor, to be set
 * behind input_init(), was readable. */
int input_fill(struct input *input);

void input_deinit(struct input *input); /* Leaves the descriptor open. */

#endif
