/*
 * process_history.c - what processes left in a log, judged by the bodies themselves.
 */
#include "process_fixture.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof(struct stamp) == STAMP_BYTES, "the stamp has no gap");

static void filler_make(const struct stamp *stamp, uint8_t *target)
{
    uint64_t state = stamp->writer << 32 ^ stamp->number;

    for (size_t at = 0; at < stamp->filler_bytes; at += sizeof(uint64_t)) {
        uint64_t word = chance_next(&state);
        size_t left = stamp->filler_bytes - at;

        memcpy(target + at, &word, left < sizeof word ? left : sizeof word);
    }
}

void body_make(const struct stamp *stamp, uint8_t *target)
{
    memcpy(target, stamp, sizeof *stamp);
    filler_make(stamp, target + sizeof *stamp);
}

bool body_read(const void *body, size_t body_bytes, struct stamp *out_stamp)
{
    uint8_t filler[FILLER_BYTES_MAX + sizeof(uint64_t)];
    const uint8_t *bytes = body;

    if (body_bytes < STAMP_BYTES)
        return false;
    memcpy(out_stamp, bytes, sizeof *out_stamp);
    if (out_stamp->filler_bytes > FILLER_BYTES_MAX || out_stamp->writer >= WRITERS_MAX ||
        out_stamp->index >= out_stamp->count ||
        body_bytes != STAMP_BYTES + (size_t)out_stamp->filler_bytes)
        return false;
    filler_make(out_stamp, filler);
    return memcmp(bytes + STAMP_BYTES, filler, out_stamp->filler_bytes) == 0;
}

/* The stamp before, while the log is read. */
struct judge {
    struct expectation *expectation;
    struct stamp before; /* count 0: none, or a whole batch was before. */
    uint64_t next_seq;
};

static const struct process *process_of(const struct expectation *expectation, uint64_t writer)
{
    for (size_t i = 0; i < expectation->process_count; i++) {
        if (expectation->processes[i].writer == writer && expectation->processes[i].pid != 0)
            return &expectation->processes[i];
    }
    return NULL;
}

static void judge_batch(struct judge *judge, const flume_record *record, const struct stamp *stamp)
{
    const struct stamp *before = &judge->before;
    bool goes_on = before->count != 0 && before->index + 1 < before->count;

    if (goes_on && (stamp->writer != before->writer || stamp->number != before->number + 1 ||
                    stamp->index != before->index + 1 || stamp->count != before->count))
        fail_msg("seq %" PRIu64 ": the batch before it is cut off at %u of %u", record->seq,
                 before->index + 1, before->count);
    if (!goes_on && stamp->index != 0)
        fail_msg("seq %" PRIu64 ": a batch begins with its member %u", record->seq, stamp->index);
    judge->before = *stamp;
}

static void judge_record(struct judge *judge, const flume_record *record)
{
    struct expectation *expectation = judge->expectation;
    const struct process *process;
    struct stamp stamp;

    if (record->seq != judge->next_seq++)
        fail_msg("seq %" PRIu64 " where %" PRIu64 " was due", record->seq, judge->next_seq - 1);
    if (record->kind == FLUME_KIND_MANIFEST) {
        if (judge->before.count != 0 && judge->before.index + 1 < judge->before.count)
            fail_msg("seq %" PRIu64 ": a manifest inside a batch", record->seq);
        return;
    }
    if (!body_read(record->body, record->body_bytes, &stamp))
        fail_msg("seq %" PRIu64 ": its body is not whole", record->seq);
    judge_batch(judge, record, &stamp);
    expectation->records++;
    if (stamp.number != expectation->counts[stamp.writer])
        fail_msg("seq %" PRIu64 ": record %" PRIu64 " of writer %" PRIu64 " where %" PRIu64
                 " was due",
                 record->seq, stamp.number, stamp.writer, expectation->counts[stamp.writer]);
    expectation->counts[stamp.writer]++;
    process = process_of(expectation, stamp.writer);
    if (process == NULL)
        return;
    if (stamp.number < process->seq_count && process->seqs[stamp.number] != record->seq)
        fail_msg("record %" PRIu64 " of writer %" PRIu64 " was acknowledged as seq %" PRIu64
                 ", and is seq %" PRIu64,
                 stamp.number, stamp.writer, process->seqs[stamp.number], record->seq);
    if (!process->running && !expectation->is_prefix &&
        stamp.number - stamp.index > process->seq_count)
        fail_msg("writer %" PRIu64 " acknowledged %zu records, but record %" PRIu64 " is there",
                 stamp.writer, process->seq_count, stamp.number);
}

void expect_history(flume_log *log, struct expectation *expectation)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_MANIFESTS};
    struct judge judge = {.expectation = expectation};
    uint64_t head = flume_log_head(log);
    flume_cursor *cursor = NULL;
    flume_record record;
    int status;

    memset(expectation->counts, 0, sizeof expectation->counts);
    expectation->records = 0;
    expect_ok(log, flume_cursor_open(log, &options, &cursor));
    while ((status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK)
        judge_record(&judge, &record);
    if (status != FLUME_END)
        expect_ok(log, status);
    flume_cursor_close(cursor);
    if (judge.next_seq < head)
        fail_msg("the log ends at %" PRIu64 ", head was %" PRIu64, judge.next_seq, head);
    if (judge.before.count != 0 && judge.before.index + 1 < judge.before.count)
        fail_msg("the last batch is cut off at %u of %u", judge.before.index + 1,
                 judge.before.count);
    for (size_t i = 0; i < expectation->process_count; i++) {
        const struct process *process = &expectation->processes[i];

        if (process->pid != 0 && !expectation->is_prefix &&
            expectation->counts[process->writer] < process->seq_count)
            fail_msg("writer %" PRIu64 " had %zu records acknowledged, %" PRIu64 " are there",
                     process->writer, process->seq_count, expectation->counts[process->writer]);
    }
}

static int print_finding(void *ctx, const flume_finding *finding)
{
    (void)ctx;
    print_message("finding: kind %d, %s: %s\n", (int)finding->kind, finding->file,
                  finding->message);
    return 0;
}

void expect_checked(const char *path)
{
    flume_check_options options = {.finding = NULL};
    flume_check_report report = {.sound = false};
    flume_error error = {.message = ""};
    int status = flume_check(path, &options, &report, &error);

    if (status == FLUME_OK && report.sound)
        return;
    options.finding = print_finding;
    (void)flume_check(path, &options, &report, &error); /* Once more, to print what it says. */
    fail_msg("check %s: %s: %s", path, flume_status_name(status), error.message);
}

void expect_sound(struct fixture *fx, const struct process *processes, size_t process_count)
{
    struct expectation expectation = {.processes = processes, .process_count = process_count};
    flume_log *log = process_open_log(fx, FLUME_OPEN_READ_ONLY);

    expect_history(log, &expectation);
    process_close_log(log);
    expect_checked(fx->basin);
}
