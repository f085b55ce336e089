/*
 * damage_fixture.h - a basin of small strata, the ways to damage it, and what check finds.
 *
 * The basin lies in a directory of its own below $TMPDIR or the current directory. It has records
 * of several kinds and sizes, a batch, and four strata of 64 KiB; reopen_elsewhere() makes a HEAD
 * of this boot count for nothing, as a machine stop does.
 */
#ifndef FLUME_DAMAGE_FIXTURE_H
#define FLUME_DAMAGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "flume/flume.h"
#include "grain.h"
#include "hash.h"
#include "strata_file.h"

enum {
    STRATA_BYTES = 64 << 10,
    RECORDS_MAX = 4096,
    FINDINGS_MAX = 256,
    FIXTURE_PATH_BYTES = 1024,
    STRATA_MAX = 16
};

/* A finding, kept. */
struct found {
    enum flume_finding_kind kind;
    uint64_t first_seq, last_seq, offset, bytes;
    char file[128], message[256], action[128];
};

struct damage_fixture {
    char root[FIXTURE_PATH_BYTES / 2];
    char basin[FIXTURE_PATH_BYTES / 2 + 32];
    uint64_t head;
    uint64_t digests[RECORDS_MAX]; /* By seq: what was recorded there. */
    uint64_t strata[STRATA_MAX];   /* First seqs. */
    size_t strata_count;
    uint64_t batch_first, batch_last;

    /* What the last check or repair said. */
    struct found found[FINDINGS_MAX];
    size_t found_count;
    flume_check_report report;
    flume_error error;
    const flume_io *io; /* NULL: POSIX. */
};

static inline void file_path(const struct damage_fixture *fx, const char *name,
                             char target[FIXTURE_PATH_BYTES])
{
    (void)snprintf(target, FIXTURE_PATH_BYTES, "%s/%s", fx->basin, name);
}

static inline const char *strata_path(const struct damage_fixture *fx, size_t index,
                                      const char *ending, char target[FIXTURE_PATH_BYTES])
{
    (void)snprintf(target, FIXTURE_PATH_BYTES, "%s/log/%020" PRIu64 ".%s", fx->basin,
                   fx->strata[index], ending);
    return target;
}

/* --- The basin -------------------------------------------------------------------------------- */

static inline uint64_t record_digest(const flume_record *record)
{
    uint64_t digest = hash_bytes(record->body, record->body_bytes, record->kind);

    digest = hash_bytes(record->meta, record->meta_bytes, digest);
    return hash_bytes(&record->time_ns, sizeof record->time_ns, digest);
}

static inline flume_log *open_log(struct damage_fixture *fx, unsigned flags)
{
    flume_log_options options = {.flags = flags,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = (flags & FLUME_OPEN_CREATE) ? STRATA_BYTES : 0};
    flume_log *log = NULL;
    flume_error error;
    int status = flume_log_open(&log, fx->basin, &options, &error);

    if (status != FLUME_OK)
        fail_msg("open: %s", error.message);
    return log;
}

static inline int find_strata(struct damage_fixture *fx)
{
    char path[FIXTURE_PATH_BYTES];
    struct dirent **names;
    int count;

    file_path(fx, "log", path);
    count = scandir(path, &names, NULL, alphasort);
    fx->strata_count = 0;
    for (int i = 0; i < count; i++) {
        uint64_t first_seq;

        if (strata_name_parse(names[i]->d_name, &first_seq) && fx->strata_count < STRATA_MAX)
            fx->strata[fx->strata_count++] = first_seq;
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return count;
}

static inline void remember_records(struct damage_fixture *fx, flume_log *log)
{
    fx->head = flume_log_head(log);
    assert_true(fx->head < RECORDS_MAX);
    for (uint64_t seq = 0; seq < fx->head; seq++) {
        flume_record record;

        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        fx->digests[seq] = record_digest(&record);
        flume_record_release(&record);
    }
}

static inline void append_records(flume_log *log, unsigned count)
{
    static uint8_t body[2000];

    for (unsigned i = 0; i < count; i++) {
        const char *labels[] = {"label"};
        flume_entry entry = {.body = body, .body_bytes = i * 37 % 1500};

        memset(body, (int)('a' + i % 26), sizeof body);
        if (i % 5 == 0) {
            entry.labels = labels;
            entry.label_count = 1;
        }
        assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
    }
}

static inline void append_batch(struct damage_fixture *fx, flume_log *log)
{
    flume_entry batch[4] = {{.body = "one", .body_bytes = 3},
                            {.body = "two", .body_bytes = 3},
                            {.body = "three", .body_bytes = 5},
                            {.body = "four", .body_bytes = 4}};

    assert_int_equal(flume_log_append_many(log, batch, 4, NULL, &fx->batch_first), FLUME_OK);
    fx->batch_last = fx->batch_first + 3;
}

static inline int damage_setup(void **state)
{
    struct damage_fixture *fx = calloc(1, sizeof *fx);
    const char *base = getenv("TMPDIR");
    flume_log *log;

    assert_non_null(fx);
    (void)snprintf(fx->root, sizeof fx->root, "%s/flume-damage-XXXXXX", base != NULL ? base : ".");
    assert_non_null(mkdtemp(fx->root));
    (void)snprintf(fx->basin, sizeof fx->basin, "%s/b.flume", fx->root);
    log = open_log(fx, FLUME_OPEN_CREATE);
    append_records(log, 20);
    append_batch(fx, log);
    append_records(log, 280);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    remember_records(fx, log);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)find_strata(fx);
    assert_true(fx->strata_count >= 4);
    *state = fx;
    return 0;
}

static inline int damage_teardown(void **state)
{
    struct damage_fixture *fx = *state;
    char command[FIXTURE_PATH_BYTES + 16];
    int result;

    (void)snprintf(command, sizeof command, "rm -rf '%s'", fx->root);
    result = system(command);
    free(fx);
    return result;
}

/* --- Damage ----------------------------------------------------------------------------------- */

static inline void read_bytes(const char *path, void *target, size_t bytes, uint64_t offset)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(pread(file, target, bytes, (off_t)offset), bytes);
    (void)close(file);
}

static inline void write_bytes(const char *path, const void *source, size_t bytes, uint64_t offset)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    assert_true(file >= 0);
    assert_int_equal(pwrite(file, source, bytes, (off_t)offset), bytes);
    (void)close(file);
}

static inline void flip_bit(const char *path, uint64_t offset)
{
    uint8_t byte;

    read_bytes(path, &byte, 1, offset);
    byte ^= 4;
    write_bytes(path, &byte, 1, offset);
}

/* Where a record lies. */
static inline uint64_t offset_of(struct damage_fixture *fx, uint64_t seq, size_t *out_index)
{
    char path[FIXTURE_PATH_BYTES];
    uint32_t slot;
    size_t index = fx->strata_count - 1;

    while (fx->strata[index] > seq)
        index--;
    *out_index = index;
    read_bytes(strata_path(fx, index, "slots", path), &slot, sizeof slot,
               (seq - fx->strata[index]) * sizeof slot);
    return (uint64_t)slot * 8;
}

/* One bit of a record's header. */
static inline void damage_record(struct damage_fixture *fx, uint64_t seq)
{
    char path[FIXTURE_PATH_BYTES];
    size_t index;
    uint64_t offset = offset_of(fx, seq, &index);

    flip_bit(strata_path(fx, index, "strata", path), offset + GRAIN_TIME_AT);
}

/* HEAD of this boot counts for nothing, as after a machine stop. */
static inline void forget_head(struct damage_fixture *fx)
{
    char path[FIXTURE_PATH_BYTES];

    file_path(fx, "HEAD", path);
    (void)unlink(path);
}

/* --- Check and repair ------------------------------------------------------------------------- */

static inline int keep_finding(void *ctx, const flume_finding *finding)
{
    struct damage_fixture *fx = ctx;
    struct found *found = &fx->found[fx->found_count];

    assert_non_null(finding->file);
    assert_non_null(finding->message);
    assert_true(finding->message[0] != '\0');
    if (fx->found_count == FINDINGS_MAX)
        return 0;
    fx->found_count++;
    found->kind = finding->kind;
    found->first_seq = finding->first_seq;
    found->last_seq = finding->last_seq;
    found->offset = finding->offset;
    found->bytes = finding->bytes;
    (void)snprintf(found->file, sizeof found->file, "%s", finding->file);
    (void)snprintf(found->message, sizeof found->message, "%s", finding->message);
    (void)snprintf(found->action, sizeof found->action, "%s", finding->action);
    return 0;
}

static inline int check(struct damage_fixture *fx)
{
    flume_check_options options = {.finding = keep_finding, .ctx = fx, .io = fx->io};

    fx->found_count = 0;
    return flume_check(fx->basin, &options, &fx->report, &fx->error);
}

static inline int repair(struct damage_fixture *fx, enum flume_repair_policy policy)
{
    flume_check_options options = {.finding = keep_finding, .ctx = fx, .io = fx->io};

    fx->found_count = 0;
    return flume_repair(fx->basin, policy, &options, &fx->report, &fx->error);
}

static inline void print_findings(const struct damage_fixture *fx)
{
    for (size_t i = 0; i < fx->found_count; i++)
        print_message(
            "  kind %d seq %" PRIu64 "..%" PRIu64 " at %" PRIu64 "+%" PRIu64 " %s: %s -> %s\n",
            fx->found[i].kind, fx->found[i].first_seq, fx->found[i].last_seq, fx->found[i].offset,
            fx->found[i].bytes, fx->found[i].file, fx->found[i].message, fx->found[i].action);
}

/* The one finding of a kind; there may be others of other kinds. */
static inline const struct found *expect_finding(const struct damage_fixture *fx,
                                                 enum flume_finding_kind kind, const char *file)
{
    for (size_t i = 0; i < fx->found_count; i++) {
        if (fx->found[i].kind == kind && (file == NULL || strcmp(fx->found[i].file, file) == 0))
            return &fx->found[i];
    }
    print_findings(fx);
    fail_msg("no finding of kind %d in %s", kind, file != NULL ? file : "any file");
    return NULL;
}

static inline void expect_status(const struct damage_fixture *fx, int status, int expected)
{
    if (status != expected) {
        print_findings(fx);
        fail_msg("%s (%s) instead of %s", flume_status_name(status), fx->error.message,
                 flume_status_name(expected));
    }
}

static inline void expect_sound(struct damage_fixture *fx)
{
    expect_status(fx, check(fx), FLUME_OK);
    assert_true(fx->report.sound);
}

#endif
