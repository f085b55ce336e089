/*
 * fuzz_blob_record.c - libFuzzer on the body of a blob's record: whatever it says, it is read
 * within its bytes, and what is read of it, written again, is the same body.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_blob_record: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    uint8_t prefix[BLOB_RECORD_PREFIX_BYTES_MAX];
    struct blob_record record;
    size_t prefix_bytes;
    int status = blob_record_decode(data, bytes, &record);

    require(status == FLUME_OK || status == FLUME_ERR_DAMAGED || status == FLUME_ERR_VERSION,
            "another status");
    if (status != FLUME_OK)
        return 0;
    prefix_bytes = blob_record_encode(&record, prefix);
    require(prefix_bytes + record.rest_bytes == bytes, "bytes that nobody reads");
    require(memcmp(prefix, data, prefix_bytes) == 0, "another header");
    require(record.rest == data + prefix_bytes, "the rest lies elsewhere");
    require(record.form != FLUME_BLOB_INLINE || record.rest_bytes == record.bytes,
            "an inline content of another length");
    return 0;
}
