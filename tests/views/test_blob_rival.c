/*
 * test_blob_rival.c - somebody puts the same content between the look at which chunks are stored
 * and the append of those that are not.
 *
 * flume_log_append_many() is wrapped by the linker: the rival comes in within the call, so that no
 * test has to wait for a coincidence.
 */
#include "blob_fixture.h"

enum { SMALL_CHUNK = 16 << 10, BYTES = (1 << 20) + 5 * SMALL_CHUNK, SEED = 7 };

static const flume_blob_options small_chunks = {.chunk_bytes = SMALL_CHUNK};

int __real_flume_log_append_many(flume_log *log, const flume_entry *entries, size_t count,
                                 const flume_condition *condition, uint64_t *out_first_seq);
int __wrap_flume_log_append_many(flume_log *log, const flume_entry *entries, size_t count,
                                 const flume_condition *condition, uint64_t *out_first_seq);

/* Who comes in between, once; one thread at a time. */
static struct {
    struct blob_fixture *fx; /* NULL: nobody, or no more. */
    flume_blob_result result;
} rival;

int __wrap_flume_log_append_many(flume_log *log, const flume_entry *entries, size_t count,
                                 const flume_condition *condition, uint64_t *out_first_seq)
{
    if (rival.fx != NULL && count > 0 && entries[0].kind == FLUME_KIND_CHUNK) {
        struct blob_fixture *fx = rival.fx;

        rival.fx = NULL; /* Its own append is nobody's moment. */
        rival.result = put_made(fx, BYTES, SEED, &small_chunks);
    }
    return __real_flume_log_append_many(log, entries, count, condition, out_first_seq);
}

static void chunks_that_a_rival_has_just_stored_are_not_stored_again(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_totals totals;
    flume_blob_result result;

    rival.fx = fx;
    result = put_made(fx, BYTES, SEED, &small_chunks);
    assert_null(rival.fx);
    assert_int_equal(rival.result.chunks_new, BYTES / SMALL_CHUNK);
    assert_int_equal(result.chunks_new, 0);
    assert_int_equal(result.seq, rival.result.seq);
    assert_true(result.was_known);
    expect_flume(fx, flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, &totals), FLUME_OK);
    assert_int_equal(totals.chunks, BYTES / SMALL_CHUNK);
    assert_int_equal(totals.duplicates, 0);
    expect_made(fx, result.seq, BYTES, SEED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(chunks_that_a_rival_has_just_stored_are_not_stored_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
