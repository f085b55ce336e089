/*
 * parity_strata.c - parity.h's files as files of the io table, and the name of the one beside a
 * strata.
 */
#include "parity_strata.h"

#include <stdio.h>

static int64_t read_some(void *ctx, void *target, size_t bytes, uint64_t offset)
{
    struct parity_io *parity_io = ctx;
    size_t filled = 0;

    while (filled < bytes) {
        int64_t got = parity_io->io->pread(parity_io->io->ctx, parity_io->file,
                                           (uint8_t *)target + filled, bytes - filled,
                                           offset + filled);

        if (got < 0) {
            if (parity_io->error == 0)
                parity_io->error = (int)got;
            return status_of_errno(got);
        }
        if (got == 0)
            break;
        filled += (size_t)got;
    }
    return (int64_t)filled;
}

static int write_all(void *ctx, const void *source, size_t bytes, uint64_t offset)
{
    struct parity_io *parity_io = ctx;
    int error = io_write_all(parity_io->io, parity_io->file, source, bytes, offset);

    if (error == 0)
        return FLUME_OK;
    if (parity_io->error == 0)
        parity_io->error = error;
    return status_of_errno(error);
}

struct parity_file parity_io_file(struct parity_io *parity_io, uint64_t bytes)
{
    return (struct parity_file){
        .read = read_some, .write = write_all, .ctx = parity_io, .bytes = bytes};
}

void parity_name(char target[STRATA_NAME_BYTES], uint64_t first_seq)
{
    (void)snprintf(target, STRATA_NAME_BYTES, "%020llu.parity", (unsigned long long)first_seq);
}
