/*
 * blobs.h - what the modules of blobs share: which record has a content, and words for messages.
 */
#ifndef VIEWS_BLOBS_H
#define VIEWS_BLOBS_H

#include "assistant.h"
#include "blob_record.h"
#include "blob_view.h"

/** "blob 1234abcd...": a blob as messages name it. */
enum { BLOB_WORDS_BYTES = 8 + FLUME_HASH_TEXT_BYTES };
void blob_words(const uint8_t hash[FLUME_HASH_BYTES], char out_words[BLOB_WORDS_BYTES]);

/* A second thread helps with contents so large, in chunks so large: to start it, and to hand it a
 * chunk, takes as long as hashing some ten KiB. */
enum { BLOB_ASSISTED_BYTES_MIN = 8 << 20, BLOB_ASSISTED_CHUNK_BYTES_MIN = 256 << 10 };

/** Whether a second thread may help: the handle may have threads, and the machine processors. */
enum assistant_mode blob_assistant_mode(const flume *handle);

/**
 * The record that has a content, inline or as clasts: the oldest one that reads.
 *
 * @param out_record  Its record; to be released with flume_record_release().
 * @param out_blob    Leads into the record.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND; FLUME_ERR_DAMAGED (there is one, but it does not read); as
 *         flume_view_wait(), flume_log_get().
 */
int blob_holder(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                flume_record *out_record, struct blob_record *out_blob);

/** Read a record and decode it as a blob. FLUME_ERR_NOT_FOUND: it is of another kind. */
int blob_get(flume *handle, uint64_t seq, flume_record *out_record, struct blob_record *out_blob);

/** What there is to say of a record that blob_get() has read. */
void blob_info_fill(const flume_record *record, const struct blob_record *blob,
                    flume_blob_info *out_info);

#endif
