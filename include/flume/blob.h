/*
 * blob.h - content-addressed data: bytes of any size go in, and come out verified, by their BLAKE3.
 *
 * A blob is a record of kind "blob" in the log: hash, size and media type of a content, its name
 * and labels as labels of the record, and the content itself up to 1 MiB. A larger content is cut
 * into chunks, which lie in a second log (grains.h), each stored once whatever blobs it is part of;
 * the record then holds the list of them (clasts). views/FORMAT.md has the bytes.
 *
 * Nothing of this is opened or started before it is first used. The second log is made by the first
 * put that needs it. Its strata are sealed on request only: chunks are compressed already.
 *
 * Where there are several processors, a writer of more than 8 MiB has a thread of its own for the
 * hash of the whole, and a reader of as much that reads in order has one that loads every second
 * chunk. They end with it. FLUME_VIEWS_NO_WORKERS: there are none, everything is done by who calls.
 *
 * What always holds:
 *   - What a reader gives is what was put: of each chunk, or of an inline content, the hash has
 *     been compared before a byte of it is given, also of what was loaded ahead. What binds the
 *     chunks to the hash of the whole is the list in the record. Its checksum finds damage; that
 *     nobody wrote another list under that hash is known once the hash of the whole was compared
 *     (flume_blob_verify()), or the record proven (proof.h).
 *   - A blob is durable only after all of its chunks are.
 *   - A put that was abandoned, killed or refused leaves at most chunks that no blob refers to.
 *     Putting the same again finds them: no chunk is written twice.
 *   - No call needs more than 32 MiB of memory, whatever the size of the blob. Files that are
 *     mapped are the page cache's.
 *
 * Which function on which thread:
 *
 *   function                                          | may be called
 *   --------------------------------------------------|------------------------------------------
 *   flume_blob_*(flume, ...)                          | any thread, also at once
 *   flume_blob_writer_*, flume_blob_reader_*          | one thread at a time for each; all of them are
 *                                                     |   ended before their handle is closed
 *
 * Where the second log is away (a volume that is not mounted), finding, stat, list, reading inline
 * contents and putting small ones go on; what needs chunks answers FLUME_ERR_ABSENT, until it is
 * back.
 */
#ifndef FLUME_BLOB_H
#define FLUME_BLOB_H

#include "flume/find.h"
#include "flume/grains.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FLUME_BLOB_INLINE_BYTES_MAX = 1 << 20, /* More is cut into chunks. */
    FLUME_BLOB_CHUNK_BYTES_MIN = 4096,
    FLUME_BLOB_CHUNK_BYTES_MAX = 4 << 20,
    FLUME_BLOB_MEDIA_TYPE_BYTES_MAX = 127,
    FLUME_BLOB_NAME_BYTES_MAX = 250 /* The label FLUME_BLOB_NAME_LABEL and it have 255. */
};

/* The name of a blob is a label that begins so: `name=report.pdf`. */
#define FLUME_BLOB_NAME_LABEL "name="

/* ---- putting ---- */

enum flume_blob_chunking {
    FLUME_BLOB_FIXED = 0,          /* Pieces of one size. */
    FLUME_BLOB_CONTENT_DEFINED = 1 /* FastCDC: an insertion changes the chunks around it alone. */
};

enum flume_blob_put_flags {
    /* Chunks that are there are read and compared before they are relied on; one that is damaged is
     * stored again. Without it they are known by their hash alone. */
    FLUME_BLOB_PROVE = 1
};

/* zstd's level for chunks; 0 is the default. */
enum { FLUME_BLOB_NOT_COMPRESSED = -100 };

/* All zero: no name, the defaults. Everything is copied. */
typedef struct flume_blob_options {
    unsigned flags;   /* enum flume_blob_put_flags. */
    const char *name; /* 1 .. FLUME_BLOB_NAME_BYTES_MAX bytes that can stand in a label. */
    /* "image/png": up to FLUME_BLOB_MEDIA_TYPE_BYTES_MAX printable ASCII. */
    const char *media_type;
    const char *const *labels;
    size_t label_count;
    uint64_t time_ns; /* Of the record, since 1970 UTC; 0: when the put ends. */
    enum flume_blob_chunking chunking;
    uint32_t chunk_bytes; /* Fixed: each chunk's; content-defined: on average, a power of two. 0: 1
                             MiB. 4 KiB .. 4 MiB; content-defined 16 KiB .. 1 MiB. */
    int level;            /* zstd's, -7 .. 19; 0: the default. */
} flume_blob_options;

/* What a put has done. */
typedef struct flume_blob_result {
    uint8_t hash[FLUME_HASH_BYTES]; /* Of the content. */
    uint64_t seq;                   /* Its record: the new one, or one that says the same. */
    bool was_known;                 /* The content was in the basin before. */
    /* A record was appended: the content, its name, media type or a label is new. */
    bool is_recorded;
    uint64_t bytes;        /* Of the content. */
    uint64_t bytes_new;    /* Of those, in chunks that were not there, or inline. */
    uint64_t chunks;       /* 0: inline. */
    uint64_t chunks_new;   /* Stored by this put. */
    uint64_t stored_bytes; /* What new chunks, or an inline content, take: compressed. */
} flume_blob_result;

typedef struct flume_blob_writer flume_blob_writer;

/**
 * Begin to put a content whose length need not be known.
 *
 * @param options     NULL: all defaults.
 * @param out_writer  Ended by flume_blob_writer_finish() or flume_blob_writer_abort().
 * @return FLUME_OK; FLUME_ERR_INVALID (an option; the detail says which), FLUME_ERR_TOO_LARGE,
 *         FLUME_ERR_READ_ONLY, FLUME_ERR_NO_MEMORY, FLUME_ERR_FORKED.
 */
FLUME_API int flume_blob_writer_open(flume *flume, const flume_blob_options *options,
                                     flume_blob_writer **out_writer);

/**
 * The next bytes of the content. Copied, or used up before this returns: of pieces of 1 MiB or
 * more, chunks are looked up and stored from where they lie, which is fastest.
 *
 * @return FLUME_OK; FLUME_ERR_ABSENT (more than 1 MiB, and the second log is away), FLUME_ERR_FULL,
 *         and as flume_log_append(). After an error the writer can only be ended, and answers the
 *         same; what it has stored is found by the next put of the same content.
 */
FLUME_API int flume_blob_writer_write(flume_blob_writer *writer, const void *data,
                                      size_t data_bytes);

/**
 * The content is complete: record it.
 *
 * Where the basin has a blob of this content with this name, media type (none fits any) and these
 * labels, nothing is recorded. Where it has the content otherwise, the new record refers to it.
 *
 * @param writer      Freed, whatever is answered.
 * @param out_result  Untouched on error. May be NULL.
 * @return as flume_blob_writer_write() and flume_log_append_entry(). Durable as the profile says.
 */
FLUME_API int flume_blob_writer_finish(flume_blob_writer *writer, flume_blob_result *out_result);

/** Give it up. NULL is harmless. Chunks stay (flume_blob_unreferenced()). */
FLUME_API void flume_blob_writer_abort(flume_blob_writer *writer);

/** Put a content that is in memory, at once. As opening, writing and finishing. */
FLUME_API int flume_blob_put(flume *flume, const void *data, size_t data_bytes,
                             const flume_blob_options *options, flume_blob_result *out_result);

/* ---- finding ---- */

enum flume_blob_form {
    FLUME_BLOB_INLINE = 1,  /* The record holds the content. */
    FLUME_BLOB_CHUNKED = 2, /* The record holds the list of its chunks. */
    /* Another record has the content; this one has another name, type or label. */
    FLUME_BLOB_AGAIN = 3
};

typedef struct flume_blob_info {
    uint64_t seq; /* The record; flume_log_get() has its labels. */
    uint64_t time_ns;
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t bytes;
    uint64_t chunks; /* 0: inline. */
    enum flume_blob_form form;
    char media_type[FLUME_BLOB_MEDIA_TYPE_BYTES_MAX + 1]; /* "": none was given. */
    char name[FLUME_BLOB_NAME_BYTES_MAX + 1];             /* "": none; else the first one. */
} flume_blob_info;

/** Whether a content is in the basin: the newest record of it.
 * @param out_seq  May be NULL.
 * @return FLUME_OK, FLUME_ERR_NOT_FOUND, or as flume_view_wait(). */
FLUME_API int flume_blob_find(flume *flume, const flume_ask *ask,
                              const uint8_t hash[FLUME_HASH_BYTES], uint64_t *out_seq);

/** The content hashes that begin with so many hexadecimal digits. As flume_hash_find_prefix(), with
 * the oldest record of each as seq. */
FLUME_API int flume_blob_find_prefix(flume *flume, const flume_ask *ask, const char *digits,
                                     flume_hash_candidate *out_candidates, size_t max,
                                     size_t *out_count);

/** The newest record with this name. FLUME_ERR_NOT_FOUND. */
FLUME_API int flume_blob_find_name(flume *flume, const flume_ask *ask, const char *name,
                                   uint64_t *out_seq);

/** What a record says of its blob. @return FLUME_OK; FLUME_ERR_NOT_FOUND (no record, or one of
 * another kind), FLUME_ERR_DAMAGED, FLUME_ERR_VERSION; as flume_log_get(). */
FLUME_API int flume_blob_stat(flume *flume, uint64_t seq, flume_blob_info *out_info);

enum flume_blob_order { FLUME_BLOB_BY_SEQ = 0, FLUME_BLOB_BY_HASH = 1 };
enum flume_blob_list_flags {
    FLUME_BLOB_REVERSE = 1, /* Newest, or largest hash, first. */
    FLUME_BLOB_CONTENTS = 2 /* Each content once: its oldest record. */
};

typedef struct flume_blob_list_options {
    enum flume_blob_order order;
    unsigned flags; /* enum flume_blob_list_flags. */
    uint64_t limit; /* At most so many. 0: no limit. */
    bool has_after; /* Begin behind `after`: by seq, or by hash and seq. So a listing goes on. */
    uint64_t after_seq;
    uint8_t after_hash[FLUME_HASH_BYTES]; /* BY_HASH. */
} flume_blob_list_options;

/** Blobs, one after the other. No snapshot is held during the callback; what is put meanwhile may
 * be given or not. Records that cannot be read are given with what the view knows: hash, bytes,
 * form.
 * @param options   NULL: all, oldest first.
 * @param callback  Returns 0 to go on; what else it returns ends the listing and is returned. */
FLUME_API int flume_blob_list(flume *flume, const flume_ask *ask,
                              const flume_blob_list_options *options,
                              int (*callback)(void *ctx, const flume_blob_info *info), void *ctx);

/* ---- reading ---- */

typedef struct flume_blob_reader flume_blob_reader;

/**
 * Open a content to read.
 *
 * @param hash        Of the content.
 * @param out_reader  Ended by flume_blob_reader_close().
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND; FLUME_ERR_DAMAGED; FLUME_ERR_ABSENT (it has chunks, and
 *         they are away: the detail names the blob and the place); as flume_view_wait().
 */
FLUME_API int flume_blob_reader_open(flume *flume, const flume_ask *ask,
                                     const uint8_t hash[FLUME_HASH_BYTES],
                                     flume_blob_reader **out_reader);

/** The same by a record of it. FLUME_ERR_NOT_FOUND also for a record of another kind. */
FLUME_API int flume_blob_reader_open_seq(flume *flume, const flume_ask *ask, uint64_t seq,
                                         flume_blob_reader **out_reader);

/** What is read. Valid until close. */
FLUME_API const flume_blob_info *flume_blob_reader_info(const flume_blob_reader *reader);

/**
 * Bytes of the content, verified; chunks in which none of them lie are not touched, but for the
 * next one, if they are read in order. A chunk that is asked for as a whole is unpacked into
 * target.
 *
 * @param offset     From the beginning. At or beyond the end: *out_bytes is 0.
 * @param out_bytes  As many as were asked for, but at the end.
 * @return FLUME_OK; FLUME_ERR_DAMAGED (a chunk is damaged or missing: the detail names blob, chunk
 *         and place; others can still be read), FLUME_ERR_ABSENT, ... On error nothing is said of
 *         target.
 */
FLUME_API int flume_blob_reader_read(flume_blob_reader *reader, uint64_t offset, void *target,
                                     size_t target_bytes, size_t *out_bytes);

/** NULL is harmless. */
FLUME_API void flume_blob_reader_close(flume_blob_reader *reader);

/* What flume_blob_verify() found. */
typedef struct flume_blob_report {
    uint64_t bytes;      /* Read and right. */
    uint64_t chunks;     /* Looked at. */
    uint64_t chunks_bad; /* Damaged or missing. */
    uint64_t first_bad;  /* Offset in the content of the first of these. */
    bool sound;          /* The whole content has the hash that the blob says. */
} flume_blob_report;

/**
 * Read a whole content and compare its hash. Goes on behind damaged chunks, and counts them.
 *
 * @param progress    Told now and then how many bytes are done; other than 0 ends it with
 *                    FLUME_ERR_CANCELLED. NULL: nobody.
 * @param out_report  Set also with FLUME_ERR_DAMAGED.
 * @return FLUME_OK: it is sound; FLUME_ERR_DAMAGED (the detail is of the first damage); as
 *         flume_blob_reader_open_seq().
 */
FLUME_API int flume_blob_verify(flume *flume, const flume_ask *ask, uint64_t seq,
                                int (*progress)(void *ctx, uint64_t done, uint64_t total),
                                void *ctx, flume_blob_report *out_report);

/* ---- the second log ---- */

/** Where the chunks are; flume_grains_find(), for a basin in memory too. */
FLUME_API int flume_blob_place(flume *flume, flume_grains_place *out_place);

/**
 * Choose where the chunks are kept: before the first put that needs it, or after it was moved.
 *
 * @param path          As in flume_grains_make().
 * @param strata_bytes  Full size of its strata, 4 MiB or more. 0: 64 MiB.
 * @return as flume_grains_make().
 */
FLUME_API int flume_blob_place_set(flume *flume, const char *path, uint64_t strata_bytes);

/* A record of the second log to which nothing refers. */
typedef struct flume_blob_orphan {
    uint64_t seq;                   /* In the second log. */
    uint8_t hash[FLUME_HASH_BYTES]; /* Of the chunk. */
    uint64_t bytes;                 /* Of its content. */
    uint64_t stored_bytes;
    uint64_t time_ns; /* When it was stored: one of a put that is going on is young. */
} flume_blob_orphan;

typedef struct flume_blob_totals {
    uint64_t blobs;     /* Records with chunks that were followed. */
    uint64_t blobs_bad; /* Whose list of chunks could not be read: orphans may be theirs. */
    uint64_t chunks, stored_bytes;         /* In the second log. */
    uint64_t orphans, orphan_stored_bytes; /* Of those, nobody's. */
    uint64_t duplicates;                   /* Stored more than once, by puts at the same time. */
} flume_blob_totals;

/**
 * Chunks that no blob refers to: of puts that were abandoned or killed, or that go on.
 *
 * @param callback  For each of them, in order of seq; other than 0 ends it and is returned. May be
 *                  NULL.
 * @return FLUME_OK, also where there is no second log; FLUME_ERR_ABSENT; as flume_view_wait().
 */
FLUME_API int flume_blob_unreferenced(flume *flume, const flume_ask *ask,
                                      int (*callback)(void *ctx, const flume_blob_orphan *orphan),
                                      void *ctx, flume_blob_totals *out_totals);

#ifdef __cplusplus
}
#endif
#endif
