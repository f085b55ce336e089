/*
 * blob_fixture.h - a basin with its views, and the verbs in which tests of blobs speak.
 *
 * Stands on log_fixture.h. A content is made from its size and a seed, and cannot be compressed.
 */
#ifndef FLUME_BLOB_FIXTURE_H
#define FLUME_BLOB_FIXTURE_H

#include "log_fixture.h"

struct blob_fixture {
    struct log_fixture *base;
    flume_options options; /* For reopen_blobs(). */
    flume *flume;
};

int blob_setup(void **state);
int blob_teardown(void **state);
#define blob_test(function) cmocka_unit_test_setup_teardown(function, blob_setup, blob_teardown)

/* Close and open again. */
void reopen_blobs(struct blob_fixture *fx, unsigned flags);

/* Freed by the caller. */
uint8_t *made(size_t bytes, unsigned seed);

flume_blob_result put(struct blob_fixture *fx, const void *content, size_t bytes,
                      const flume_blob_options *options);
flume_blob_result put_made(struct blob_fixture *fx, size_t bytes, unsigned seed,
                           const flume_blob_options *options);

/* The content of a hash, or of a record, is this. */
void expect_content(struct blob_fixture *fx, const uint8_t hash[FLUME_HASH_BYTES],
                    const uint8_t *content, size_t bytes);
void expect_made(struct blob_fixture *fx, uint64_t seq, size_t bytes, unsigned seed);
void expect_sound(struct blob_fixture *fx, uint64_t seq, size_t bytes);

/* Of the newest blob. */
flume_blob_info newest(struct blob_fixture *fx);
flume_grains_place place_of(struct blob_fixture *fx);

/* What a call answered; the detail is printed if it is something else. */
#define expect_flume(fx, call, status) expect_answer(fx, call, status, __FILE__, __LINE__)
void expect_answer(struct blob_fixture *fx, int answer, int status, const char *file, int line);
/* The detail of the last error; valid until the next call. */
const char *last_error(struct blob_fixture *fx);

#endif
