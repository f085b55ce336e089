/*
 * test_blob_race.c - the same content put by two threads at the same moment.
 */
#include "blob_fixture.h"

#include <pthread.h>

enum { ROUNDS = 6000, PUTTERS = 2, BYTES = 100 };

struct race {
    flume *flume;
    pthread_barrier_t start;
};

struct putter {
    struct race *race;
    pthread_t thread;
    flume_blob_result results[ROUNDS];
    int failed; /* How many puts. */
};

/* A content of its own for each round. */
static void content_of(unsigned round, uint8_t out_content[BYTES])
{
    memset(out_content, (int)(round % 251), BYTES);
    memcpy(out_content, &round, sizeof round);
}

static void *put_all(void *arg)
{
    struct putter *putter = arg;
    uint8_t content[BYTES];

    for (unsigned round = 0; round < ROUNDS; round++) {
        content_of(round, content);
        (void)pthread_barrier_wait(&putter->race->start);
        putter->failed += flume_blob_put(putter->race->flume, content, BYTES, NULL,
                                         &putter->results[round]) != FLUME_OK;
    }
    return NULL;
}

static void one_of_two_at_once_records_and_both_are_told_of_it(void **state)
{
    struct blob_fixture *fx = *state;
    struct race race = {.flume = fx->flume};
    struct putter *putters = calloc(PUTTERS, sizeof *putters);

    assert_non_null(putters);
    assert_int_equal(pthread_barrier_init(&race.start, NULL, PUTTERS), 0);
    for (size_t i = 0; i < PUTTERS; i++) {
        putters[i].race = &race;
        assert_int_equal(pthread_create(&putters[i].thread, NULL, put_all, &putters[i]), 0);
    }
    for (size_t i = 0; i < PUTTERS; i++)
        assert_int_equal(pthread_join(putters[i].thread, NULL), 0);
    assert_int_equal(pthread_barrier_destroy(&race.start), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const flume_blob_result *one = &putters[0].results[round];
        const flume_blob_result *other = &putters[1].results[round];

        assert_int_not_equal(one->is_recorded, other->is_recorded);
        assert_int_equal(one->seq, other->seq);
    }
    assert_int_equal(putters[0].failed + putters[1].failed, 0);
    free(putters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(one_of_two_at_once_records_and_both_are_told_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
