/*
 * repair_expect.h - what is to hold of a basin after a repair, of whichever form its strata are.
 */
#ifndef FLUME_REPAIR_EXPECT_H
#define FLUME_REPAIR_EXPECT_H

#include "damage_fixture.h"

/* --- Records ---------------------------------------------------------------------------------- */

/* Seqs that are to be lost: those listed, and from .. to - 1. All zero: none. */
struct lost_seqs {
    const uint64_t *list;
    size_t count;
    uint64_t from, to;
};

static inline bool is_to_be_lost(const struct lost_seqs *lost, uint64_t seq)
{
    for (size_t i = 0; i < lost->count; i++) {
        if (lost->list[i] == seq)
            return true;
    }
    return seq >= lost->from && seq < lost->to;
}

/* The log ends where it did; these are lost, every other record reads as it was written. */
static inline void expect_lost_seqs(struct damage_fixture *fx, const struct lost_seqs *lost)
{
    flume_log *log = open_log(fx, FLUME_OPEN_READ_ONLY);

    assert_int_equal(flume_log_head(log), fx->head);
    for (uint64_t seq = 0; seq < fx->head; seq++) {
        flume_record record;
        int status = flume_log_get(log, seq, &record);

        if (is_to_be_lost(lost, seq)) {
            assert_int_equal(status, FLUME_ERR_LOST);
            continue;
        }
        if (status != FLUME_OK)
            fail_msg("seq %" PRIu64 ": %s", seq, flume_strerror(status));
        assert_int_equal(record_digest(&record), fx->digests[seq]);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

/* from .. to - 1 are lost, and no others. */
static inline void expect_lost(struct damage_fixture *fx, uint64_t from, uint64_t to)
{
    expect_lost_seqs(fx, &(struct lost_seqs){.from = from, .to = to});
}

static inline void expect_nothing_lost(struct damage_fixture *fx)
{
    expect_lost(fx, 0, 0);
}

/* The basin takes records again, behind those it had. */
static inline void expect_appends(struct damage_fixture *fx)
{
    flume_log *log = open_log(fx, 0);
    uint64_t seq;

    assert_int_equal(flume_log_append(log, "afterwards", 10, &seq), FLUME_OK);
    assert_true(seq >= fx->head);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    expect_sound(fx);
}

/* --- Files ------------------------------------------------------------------------------------ */

static inline void copy_basin(struct damage_fixture *fx, const char *from, const char *to)
{
    char command[FIXTURE_PATH_BYTES * 3];

    (void)snprintf(command, sizeof command, "rm -rf '%s/%s' && cp -a '%s/%s' '%s/%s'", fx->root, to,
                   fx->root, from, fx->root, to);
    assert_int_equal(system(command), 0);
}

static inline void expect_same_basin(struct damage_fixture *fx, const char *one, const char *two)
{
    char command[FIXTURE_PATH_BYTES * 3];

    (void)snprintf(command, sizeof command, "diff -r '%s/%s' '%s/%s'", fx->root, one, fx->root,
                   two);
    assert_int_equal(system(command), 0);
}

/* Repair finds nothing to do: no byte of the basin changes. */
static inline void expect_left_alone(struct damage_fixture *fx, const char *copy)
{
    copy_basin(fx, "b.flume", copy);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_same_basin(fx, "b.flume", copy);
}

/* Files in lost+found/; 0 also where that is not there. */
static inline unsigned count_in_lost_found(struct damage_fixture *fx)
{
    char path[FIXTURE_PATH_BYTES];
    struct dirent **names;
    int count;

    file_path(fx, "lost+found", path);
    count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++)
        free(names[i]);
    if (count >= 0)
        free(names);
    return count > 2 ? (unsigned)count - 2 : 0; /* Without . and .. */
}

#endif
