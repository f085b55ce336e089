/*
 * parity_strata.h - parity.h's files as files of the io table, and the name of the one beside a
 * strata.
 */
#ifndef FLUME_PARITY_STRATA_H
#define FLUME_PARITY_STRATA_H

#include "handle.h"
#include "parity.h"
#include "strata_file.h"

/* An open file. What parity reads and writes of it fails with its first errno. */
struct parity_io {
    const flume_io *io;
    int file;
    int error; /* Negative; 0: none. */
};

/* As parity.h takes it: of so many bytes. The parity_io is borrowed. */
struct parity_file parity_io_file(struct parity_io *parity_io, uint64_t bytes);

/* "%020llu.parity" into a buffer of STRATA_NAME_BYTES. */
void parity_name(char target[STRATA_NAME_BYTES], uint64_t first_seq);

#endif
