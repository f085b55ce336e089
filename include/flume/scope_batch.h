/*
 * scope_batch.h - batches of scopes: what a recorder commits, in portions that roll.
 *
 * A recorder that is given a tag puts whatever it commits into a batch, and begins the next one
 * when this one is full: by commits, blobs, bytes or age, whichever comes first. A batch is no part
 * of what a scope is: a scope that comes again in another batch is a duplicate.
 *
 *   flume_scope_batch_options hundred = {.tag = "sweep", .commits = 100};
 *   flume_recorder_batch(recorder, &hundred);
 *
 * The id of a batch is TAG-YYYYMMDD-HHMMSSmmm-xxxxxxxx: when its first commit was made, UTC to the
 * millisecond, and 8 random hexadecimal digits. The times of a basin's batches only rise within a
 * process. Two recorders never share a batch, in whatever processes they are and whatever their
 * tag.
 *
 * The records of a batch, scopes and links, carry the label FLUME_SCOPE_BATCH_LABEL and the id,
 * besides the scope's own: whoever asks for records by label finds them by it.
 */
#ifndef FLUME_SCOPE_BATCH_H
#define FLUME_SCOPE_BATCH_H

#include "flume/recorder.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FLUME_SCOPE_BATCH_LABEL "@batch/"

enum {
    FLUME_SCOPE_BATCH_TAG_BYTES_MAX = 200,
    FLUME_SCOPE_BATCH_ID_BYTES_MAX = FLUME_SCOPE_BATCH_TAG_BYTES_MAX + 28
};

/* When a batch is full: the commit that comes then begins the next one. Zero: no bound of this
 * sort. */
typedef struct flume_scope_batch_options {
    const char *tag;  /* 1 .. FLUME_SCOPE_BATCH_TAG_BYTES_MAX bytes that can stand in a label, not
                        beginning with '@'. Copied. */
    uint64_t commits; /* So many were made, duplicates too, also those that one link counts. */
    /* So many contents were stored: those that the basin had before do not count. */
    uint64_t blobs;
    uint64_t bytes;  /* So many bytes or more: of its records' bodies, and of contents stored. */
    uint64_t age_ns; /* Its first commit was made so long ago. */
} flume_scope_batch_options;

/**
 * From here on commits belong to batches of this tag. The first begins with the next commit.
 *
 * Links that wait are written before. What is staged belongs to the batch in which it is written.
 *
 * @param options  NULL: to none.
 * @return FLUME_OK; FLUME_ERR_INVALID (the tag), FLUME_ERR_TOO_LARGE; as flume_recorder_flush().
 */
FLUME_API int flume_recorder_batch(flume_recorder *recorder,
                                   const flume_scope_batch_options *options);

/** The batch of the last commit; "" before the first one, and without batches. Valid until the next
 * call on the recorder. */
FLUME_API const char *flume_recorder_batch_id(const flume_recorder *recorder);

/* ---- asking ---- */

typedef struct flume_scope_batch_info {
    char id[FLUME_SCOPE_BATCH_ID_BYTES_MAX + 1];
    size_t tag_bytes;    /* So much of the id is its tag. */
    uint64_t time_ns;    /* As the id tells it. */
    uint64_t records;    /* That carry its label; a link that counts many commits is one. */
    uint64_t body_bytes; /* Of those. */
    uint64_t first_seq, last_seq;
} flume_scope_batch_info;

/**
 * The batches of a basin, by tag and then by time. Asks the view "label".
 *
 * @param tag       Only of this one. NULL: all.
 * @param callback  Return 0 to go on; what else it returns ends the listing and is returned.
 * @return FLUME_OK, or as flume_label_list().
 */
FLUME_API int flume_scope_batch_list(flume *flume, const flume_ask *ask, const char *tag,
                                     int (*callback)(void *ctx, const flume_scope_batch_info *info),
                                     void *ctx);

/** The batch whose id begins so; one whose id this is goes before others.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND; FLUME_ERR_AMBIGUOUS (the detail names two); as
 *         flume_label_list(). */
FLUME_API int flume_scope_batch_find(flume *flume, const flume_ask *ask, const char *prefix,
                                     flume_scope_batch_info *out_info);

/** The commits of a batch as they were produced: flume_tape_open() for just these.
 * @param id  Whole. A batch that there is not has an empty tape. */
FLUME_API int flume_scope_batch_tape(flume *flume, const flume_ask *ask, const char *id,
                                     flume_tape **out_tape);

/** The batch of what flume_tape_next() gave last; "": none. Valid until the next call on the
 * tape. */
FLUME_API const char *flume_tape_batch(const flume_tape *tape);

#ifdef __cplusplus
}
#endif
#endif
