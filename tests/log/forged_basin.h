/*
 * forged_basin.h - the files of a basin in memory, to be changed as an input of fuzz_strata.c says.
 *
 * A change is 4 bytes and what follows them: file and verb (1), offset (2), count (1), count bytes
 * where the verb takes any. verb = byte / 32, file = byte % 32 of the basin's.
 */
#ifndef FLUME_FORGED_BASIN_H
#define FLUME_FORGED_BASIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FORGED_FILES_MAX = 32, FORGED_NAME_BYTES = 64 };

/* Whose checks are made to fit again after the changes. */
enum fix {
    FIX_HEADERS = 1,
    FIX_GRAINS = 2,
    FIX_FOOTERS = 4,
    FIX_GATE = 8,
    FIX_CONF = 16,
    FIX_POSITIONS = 32,
    FIX_ANY = 63
};

enum verb {
    VERB_PATCH,     /* Bytes at an offset. */
    VERB_PATCH_END, /* The offset counts back from the file's end. */
    VERB_FLIP,      /* As PATCH, in units of 8 bytes, with xor. */
    VERB_CUT,       /* The file ends at the offset. */
    VERB_DELETE,
    VERB_COPY, /* The whole content of file `count`. */
    VERB_ZERO, /* count * 256 bytes. */
    VERB_MOVE  /* count * 8 bytes, from 2 KiB further on. */
};

/* data has a byte to spare behind it. */
struct file {
    char name[FORGED_NAME_BYTES];
    uint8_t *data;
    size_t bytes;
    bool deleted, copied;
};

struct basin {
    struct file files[FORGED_FILES_MAX];
    size_t count;
    bool forged; /* More than bytes were changed: what is read may be anything. */
};

/* A copy that can be changed; forged_release() frees it. */
void forged_copy(struct basin *target, const struct basin *source);
void forged_release(struct basin *basin);

/* Change the files as the input says. With FLUME_SHOW_CHANGES in the environment it says how. */
void forged_change(struct basin *basin, const uint8_t *input, size_t bytes);

/* Make checks fit again, of what enum fix names. */
void forged_fix(struct basin *basin, unsigned fix);

#endif
