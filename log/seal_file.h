/*
 * seal_file.h - writing the sealed form of one raw strata under a temporary name.
 *
 * What always holds:
 *   - Every grain was verified before it went into a block, and each block was read back from the
 *     file after its sync, unpacked, and compared with the raw bytes. A file that differs is never
 *     given to the caller.
 *   - The raw file is only read. Until the caller renames the new one over it, nothing has changed.
 */
#ifndef FLUME_SEAL_FILE_H
#define FLUME_SEAL_FILE_H

#include "flume/seal.h"
#include "handle.h"
#include "merkle.h"
#include "sealed_file.h"

#define SEAL_TEMPORARY_NAME "seal.strata.tmp" /* In log/. Recovery removes it. */

/* What a strata is sealed with. */
struct seal_plan {
    uint64_t first_seq, count;
    uint32_t block_bytes;
    int level;
    bool dictionary;
    unsigned parity;                      /* enum flume_parity. */
    uint16_t parity_data, parity_cells;   /* Of a stripe; 0: as usual. */
    const struct sealed_footer *previous; /* Of the strata before it; NULL: it is the first. */
    /* Asked after each block, with the raw bytes that are done; anything but 0 gives up. */
    int (*proceed)(void *proceed_ctx, uint64_t done_bytes);
    void *proceed_ctx;
};

/* What was written, beside the blocks: reading back compares with it. */
struct seal_made {
    uint8_t header[STRATA_PAGE_BYTES];
    struct sealed_footer footer;
    uint8_t *entries; /* The block index as stored. */
    uint8_t *dictionary;
    size_t dictionary_bytes;
    uint32_t raw_bytes_max; /* Of the largest block. */
};

/*
 * Write log/seal.strata.tmp, sync it and verify it.
 *
 * @param out_footer  Receives what it says of itself.
 * @return FLUME_OK; FLUME_ERR_DAMAGED (a grain does not read, seq and offset in the detail; or the
 *         strata is not what the plan says; or the file did not read back the same);
 *         FLUME_ERR_CANCELLED (proceed() said so); FLUME_ERR_VERSION, FLUME_ERR_FULL, FLUME_ERR_IO,
 *         FLUME_ERR_NO_MEMORY. After an error the temporary file is gone.
 */
int seal_file_write(flume_log *log, const struct seal_plan *plan, struct sealed_footer *out_footer);

/* Remove a temporary file that somebody left, and what it links to. */
void seal_file_drop(flume_log *log);

/* --- seal_place.c: where sealed files lie ----------------------------------------------------- */

/*
 * Make the temporary name a link into the directory for sealed files, if there is one: what is
 * written under it, and renamed, then lies there.
 */
int seal_place_link(flume_log *log, uint64_t first_seq);

/* The same for any directory, as a link in log/ has it. An exclusive name there is found. */
int seal_place_make(flume_log *log, const char *directory, uint64_t first_seq,
                    const struct path *link);

/* Where a link in log/ leads. */
struct seal_place {
    char file[PATH_BYTES];      /* As the io table takes it. */
    char directory[PATH_BYTES]; /* As the link has it. */
    bool is_ours;               /* This basin has made the file; not one that this is a copy of. */
};

/* false: it is no link. */
bool seal_place_read(flume_log *log, const struct path *link, struct seal_place *out_place);

/* Remove a temporary name in log/, and what it links to, if that is ours. */
void seal_place_drop(flume_log *log, const struct path *path);

/*
 * Where `original` in log/ is a link, make `copy` one that leads to a new file in the same
 * directory.
 *
 * @param out_is_link  Whether that was done: not where `original` is none, nor where the directory
 *                     takes no file (FLUME_OK all the same).
 */
int seal_place_beside(flume_log *log, const struct path *original, const struct path *copy,
                      uint64_t first_seq, bool *out_is_link);

/* Rename within log/, durably, links or not; a file of ours that `to` was a link to goes then. */
int seal_place_exchange(flume_log *log, const struct path *from, const struct path *to);

/* Sync the directory that the file lies in, if it is another than log/. */
int seal_place_sync(flume_log *log);

/* seal_verify.c: compare the file with what it was made of. `source` is the raw strata. */
struct seal_source;
int seal_verify(const struct seal_plan *plan, const struct seal_made *made,
                struct seal_source *source, int file);

#endif
