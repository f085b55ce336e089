/*
 * grain.h - grains as they lie in the files of a log, read by the program itself as log/FORMAT.md
 * describes them: for looking into a log byte by byte, damaged or not.
 */
#ifndef REPL_GRAIN_H
#define REPL_GRAIN_H

#include "session.h"

enum { GRAIN_HEADER_BYTES = 32, STRATA_HEADER_BYTES = 4096 };

/* One file of the log, open for reading. All zero: none. */
struct strata_file {
    char *path;
    int descriptor;
    bool is_open;
    uint64_t first_seq;
    uint64_t file_bytes;
    uint8_t header[STRATA_HEADER_BYTES];
};

struct grain {
    uint64_t offset;
    uint8_t *data; /* Header, meta, body and padding. Owned. */
    size_t bytes;
    uint32_t body_bytes;
    uint16_t meta_bytes;
};

/* What a call found. */
enum grain_answer {
    GRAIN_OK,
    GRAIN_UNREADABLE, /* errno says why. */
    GRAIN_NO_STRATA,  /* The header is not that of a strata. */
    GRAIN_SEALED,     /* Grains lie packed in blocks: there are no bytes of a grain to show. */
    GRAIN_NEW_FORM,   /* It is of a form or version that this program does not know. */
    GRAIN_TOO_LONG    /* Its sizes lead beyond the file: the header alone was read. */
};

uint64_t grain_get(const uint8_t *source, unsigned bytes); /* Little-endian. */

/** Open the strata that begins with a seq; the same one again costs nothing. */
enum grain_answer strata_file_open(struct strata_file *file, const char *basin, uint64_t first_seq);
void strata_file_close(struct strata_file *file);

/** Where a grain is said to lie by the names in log/ and by a file of slots: for one that the
 * library does not give. False if they do not say. */
bool grain_find(const char *basin, uint64_t seq, uint64_t *out_first_seq, uint64_t *out_offset);

/** Read the grain at an offset. grain_release() in every case. */
enum grain_answer grain_read(const struct strata_file *file, uint64_t offset, struct grain *grain);
void grain_release(struct grain *grain);

#endif
