/*
 * fuzz_proof.c - libFuzzer on texts of proofs: what is read is read in one way, and what holds is
 * true.
 *
 * Each input is read as it is, and once more with the check that it needs, as who forges one would
 * give it. Checked besides not crashing:
 *   - Reading takes no more memory than the text is long, and a little.
 *   - What reads is written again as it was; what is refused names a line.
 *   - What holds up to the head root of a log is a record of that log, at its seq; and what holds
 *     between two roots begins with a root of that log.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forged_proof.h"
#include "hash.h"

enum { MEMORY_BESIDES = 256, CHECK_LINE_BYTES = 23 };

/* What holds is compared with this. Made once. */
static struct forged_log *forged;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_proof: %s\n", what);
    abort();
}

/* --- Memory --- */

static void *allocate(void *ctx, size_t bytes)
{
    const size_t *limit = ctx;

    require(bytes <= *limit, "more memory than the text is long");
    return malloc(bytes);
}

static void *resize(void *ctx, void *memory, size_t bytes)
{
    const size_t *limit = ctx;

    require(bytes <= *limit, "more memory than the text is long");
    return realloc(memory, bytes);
}

static void release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

/* --- What is read --- */

static void require_refused(int status, const flume_error *error)
{
    require(status == FLUME_ERR_INVALID || status == FLUME_ERR_VERSION, "a status of another kind");
    require(error->status == status, "the detail is of another status");
    require(strncmp(error->message, "line ", 5) == 0, "a refusal without a line");
}

static void require_same(const char *again, size_t again_bytes, const char *text, size_t bytes)
{
    require(again_bytes == bytes && memcmp(again, text, bytes) == 0,
            "what was read has another text");
}

/* Labels of anything end. */
static void read_record(const flume_proof *proof)
{
    flume_record record;
    flume_label label;
    size_t position = 0, count = 0;

    if (flume_proof_record(proof, &record, NULL) != FLUME_OK)
        return;
    while (flume_record_label(&record, &position, &label))
        require(++count <= record.meta_bytes, "labels without end");
}

static void try_record(const char *text, size_t bytes, const flume_allocator *allocator,
                       char *again)
{
    const uint8_t *head = forged->chains[FORGED_STRATA - 1].bytes;
    flume_error error;
    flume_proof proof;
    int status = flume_proof_parse(text, bytes, allocator, &proof, &error);

    if (status != FLUME_OK) {
        require_refused(status, &error);
        return;
    }
    require_same(again, flume_proof_text(&proof, again, bytes), text, bytes);
    read_record(&proof);
    if (flume_proof_verify(&proof, head, NULL, 0, &error) == FLUME_OK)
        require(proof.seq < FORGED_RECORDS &&
                    memcmp(proof.leaf, forged->leaves[proof.seq].bytes, sizeof proof.leaf) == 0,
                "a record holds that was never there");
    flume_proof_release(&proof);
}

static bool is_root_of_log(const flume_root *root)
{
    for (size_t i = 0; i < FORGED_STRATA; i++) {
        if (memcmp(root->hash, forged->chains[i].bytes, sizeof root->hash) == 0)
            return root->end_seq == forged->links[i].first_seq + forged->links[i].count;
    }
    return false;
}

static void try_consistency(const char *text, size_t bytes, const flume_allocator *allocator,
                            char *again)
{
    const uint8_t *head = forged->chains[FORGED_STRATA - 1].bytes;
    flume_error error;
    flume_consistency made;
    int status = flume_consistency_parse(text, bytes, allocator, &made, &error);

    if (status != FLUME_OK) {
        require_refused(status, &error);
        return;
    }
    require_same(again, flume_consistency_text(&made, again, bytes), text, bytes);
    if (flume_consistency_verify(&made, NULL, head, &error) == FLUME_OK)
        require(is_root_of_log(&made.from), "a root holds that was never there");
    flume_consistency_release(&made);
}

static void try_text(const char *text, size_t bytes)
{
    size_t limit = bytes + MEMORY_BESIDES;
    flume_allocator allocator = {
        .allocate = allocate, .resize = resize, .release = release, .ctx = &limit};
    char *again = malloc(bytes + 1);

    require(again != NULL, "no memory");
    try_record(text, bytes, &allocator, again);
    try_consistency(text, bytes, &allocator, again);
    free(again);
}

/* The check in the last line, as it has to be. */
static bool mend_check(char *text, size_t bytes)
{
    char line[CHECK_LINE_BYTES + 1];
    size_t checked;

    if (bytes < CHECK_LINE_BYTES)
        return false;
    checked = bytes - CHECK_LINE_BYTES;
    (void)snprintf(line, sizeof line, "check %016" PRIx64 "\n", hash_bytes(text, checked, 0));
    memcpy(text + checked, line, CHECK_LINE_BYTES);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = malloc(bytes + 1); /* Of its size, so that reading behind its end shows. */

    if (forged == NULL)
        forged = forged_log_create();
    require(text != NULL, "no memory");
    memcpy(text + 1, data, bytes);
    try_text(text + 1, bytes);
    if (mend_check(text + 1, bytes))
        try_text(text + 1, bytes);
    free(text);
    return 0;
}
