/*
 * seal.h - sealed strata: full files of the log, rewritten compact, searchable and provable.
 *
 * A full strata whose records are all durable is *sealed*: its records are packed into compressed
 * blocks, with indexes, checks and a Merkle root behind them, and the new file takes the old one's
 * name. Seqs, records and everything that can be asked of them stay the same; so does every
 * reader's work while the files are exchanged. What is sealed never changes again.
 *
 * By default every handle that may write seals in the background, on a thread named "fl:seal", in
 * ascending order; one process of those attached does it at a time.
 */
#ifndef FLUME_SEAL_H
#define FLUME_SEAL_H

#include "flume/log.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FLUME_ROOT_BYTES = 32,
    FLUME_BLOCK_BYTES_MIN = 4 << 10,
    FLUME_BLOCK_BYTES_MAX = 1 << 20,
    FLUME_SEAL_LEVEL_MAX = 19,
    FLUME_SEAL_STRATA_BYTES_MIN_DEFAULT = 1 << 20
};

enum flume_seal_mode {
    FLUME_SEAL_BACKGROUND = 0, /* On a thread of the handle, as soon as a strata is durable. */
    FLUME_SEAL_ON_REQUEST = 1  /* Only by flume_log_seal(). */
};

enum flume_parity {
    FLUME_PARITY_NONE = 0,
    FLUME_PARITY_FILE = 1, /* In the sealed file itself. */
    FLUME_PARITY_SOFT = 2  /* In a side file, SEQ.parity. Both together: FILE | SOFT. */
};

/* How this handle seals. Zero is the documented default everywhere. */
typedef struct flume_seal_options {
    enum flume_seal_mode mode; /* 0: in the background. */
    uint32_t block_bytes;      /* What a block is filled up to before it is compressed: 4 KiB to
                                   1 MiB. 0: 16 KiB. Larger ones shrink more; a single get opens a
                                   whole one. */
    int level;                 /* zstd's, 1 .. FLUME_SEAL_LEVEL_MAX. 0: 1. */
    bool dictionary;           /* Train a dictionary for each strata: for small records. */
    unsigned parity;           /* enum flume_parity. 0: none. */
    unsigned parity_data, parity_cells; /* Cells of 4 KiB in a group, and how many of parity. 0: 32
                                   and 2. */
    const char *path; /* Another directory for sealed files, on another volume if need be: absolute,
                         or relative to the basin. In log/ a symbolic link stands for each. Copied.
                         NULL: log/ itself. */
    uint64_t strata_bytes_min; /* In the background, leave smaller files alone. 0: 1 MiB,
                                  FLUME_SEAL_STRATA_BYTES_MIN_DEFAULT. */
} flume_seal_options;

/* What flume_log_seal() did. */
typedef struct flume_seal_report {
    uint64_t strata;       /* Sealed by this call. */
    uint64_t records;      /* In them. */
    uint64_t raw_bytes;    /* Their grains, before. */
    uint64_t sealed_bytes; /* Their files, after: parity in a side file included. */
    uint64_t sealed_to;    /* Every strata that ends at or before this seq is sealed. */
} flume_seal_report;

typedef struct flume_seal_call {
    /* The strata that is being appended to as well: the next append opens a new one. */
    bool active;
    /* Told now and then; non-zero cancels. done and total are record bytes. NULL: nothing. */
    int (*progress)(void *progress_ctx, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_ctx;
} flume_seal_call;

/**
 * Seal now what is full and durable, oldest first; with `active`, everything.
 *
 * @param call        NULL: full strata only, no progress.
 * @param out_report  Set also on error: what was done before it. May be NULL.
 * @return FLUME_OK (also where there was nothing to do); FLUME_ERR_BUSY (another process seals and
 *         has not come to an end within lock_timeout_ns); FLUME_ERR_DAMAGED (a strata does not
 *         read: it and what follows stay as they are); FLUME_ERR_FULL, FLUME_ERR_IO;
 *         FLUME_ERR_CANCELLED; FLUME_ERR_READ_ONLY; FLUME_ERR_NO_MEMORY. After an error the log is
 *         as it was, but for the strata already sealed; calling again goes on.
 * Threads: any.
 */
FLUME_API int flume_log_seal(flume_log *log, const flume_seal_call *call,
                             flume_seal_report *out_report);

/* One strata, as `flume strata` shows it. Bytes in the file. */
typedef struct flume_strata_info {
    uint64_t first_seq, records;
    bool sealed;
    uint64_t file_bytes;  /* Of the file; raw: as allocated. */
    uint64_t grain_bytes; /* Of its records, headers included, uncompressed. */
    /* Sealed ones only: */
    uint64_t block_count, block_target_bytes;
    uint64_t block_bytes, block_index_bytes, grain_index_bytes, label_bytes, merkle_bytes,
        dictionary_bytes, parity_bytes;
    uint64_t least_time_ns, greatest_time_ns, sealed_ns;
    uint8_t root[FLUME_ROOT_BYTES];  /* Merkle root over its records, */
    uint8_t chain[FLUME_ROOT_BYTES]; /* and that of all records up to its end. */
} flume_strata_info;

/** The strata that holds seq. FLUME_OK, FLUME_ERR_NOT_FOUND (seq >= head), FLUME_ERR_DAMAGED, ...
 * Walk them with info.first_seq + info.records. Threads: any. */
FLUME_API int flume_log_strata(flume_log *log, uint64_t seq, flume_strata_info *out_info);

/* The grain index of one sealed strata: the first 8 bytes of the BLAKE3 of each record's body, in
 * order, with the record's seq. Records that a repair lost are not in it. */
typedef struct flume_grain_index flume_grain_index;

/**
 * Open the grain index of the sealed strata that holds seq.
 *
 * @param out_first_seq, out_end_seq  The strata's records: first_seq <= seq < end_seq.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (the strata is not sealed, or seq >= head);
 *         FLUME_ERR_DAMAGED; FLUME_ERR_NO_MEMORY; FLUME_ERR_IO.
 * Threads: any; one thread at a time per index.
 */
FLUME_API int flume_grain_index_open(flume_log *log, uint64_t seq, flume_grain_index **out_index,
                                     uint64_t *out_first_seq, uint64_t *out_end_seq);

/** The next entry: prefix is the hash's first 8 bytes as a big-endian number, so entries rise;
 * equal ones stand in order of seq. FLUME_OK, FLUME_END, FLUME_ERR_DAMAGED, FLUME_ERR_IO. */
FLUME_API int flume_grain_index_next(flume_grain_index *index, uint64_t *out_prefix,
                                     uint64_t *out_seq);

/** Go to the first entry whose prefix is not below this one. */
FLUME_API int flume_grain_index_seek(flume_grain_index *index, uint64_t prefix);

/** NULL is harmless. Before its log is closed. */
FLUME_API void flume_grain_index_close(flume_grain_index *index);

#ifdef __cplusplus
}
#endif
#endif
