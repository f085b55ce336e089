/*
 * test_seal.c - sealing on request and in the background: every record is the same before and
 * after, however it is read, and whoever reads while files are exchanged.
 */
#include "seal_fixture.h"
#include "head.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

enum { SNAPSHOT_MAX = 20000, TRAFFIC_RECORDS = 60000 };

/* What each record of a log is, in one number. */
struct snapshot {
    uint64_t head;
    uint64_t records[SNAPSHOT_MAX];
};

static uint64_t fold_record(flume_log *log, const flume_record *record)
{
    uint64_t words[] = {record->seq,        record->time_ns, record->body_bytes,
                        record->writer_seq, record->check,   record->codec,
                        record->kind,       record->flags,   record->meta_bytes,
                        record->strata_seq, record->offset};
    uint64_t fold = hash_bytes(words, sizeof words, 0);
    flume_manifest manifest;

    fold = hash_bytes(record->body, record->body_bytes, fold);
    fold = hash_bytes(record->meta, record->meta_bytes, fold);
    if (record->seq % 16 != 0)
        return fold;
    assert_int_equal(flume_log_envelope(log, record->seq, &manifest), FLUME_OK);
    fold += manifest.seq + manifest.pid;
    flume_manifest_release(&manifest);
    return fold;
}

static struct snapshot *take_snapshot(flume_log *log)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    assert_non_null(snapshot);
    snapshot->head = flume_log_head(log);
    assert_true(snapshot->head <= SNAPSHOT_MAX);
    for (uint64_t seq = 0; seq < snapshot->head; seq++) {
        flume_record record;
        int status = flume_log_get(log, seq, &record);

        if (status != FLUME_OK) {
            snapshot->records[seq] = (uint64_t)status;
            continue;
        }
        snapshot->records[seq] = fold_record(log, &record);
        flume_record_release(&record);
    }
    return snapshot;
}

static void expect_walk(flume_log *log, const struct snapshot *snapshot, unsigned flags)
{
    static const uint8_t all = FLUME_KIND_ANY;
    flume_cursor_options options = {.flags = flags, .kinds = &all, .kind_count = 1};
    flume_cursor *cursor = open_cursor(log, &options);

    for (uint64_t i = 0; i < snapshot->head; i++) {
        uint64_t seq = (flags & FLUME_CURSOR_REVERSE) != 0 ? snapshot->head - 1 - i : i;
        flume_record record;
        int status = flume_cursor_next(cursor, 0, &record);

        if (status != FLUME_OK)
            assert_true(snapshot->records[seq] == (uint64_t)status);
        else
            assert_true(fold_record(log, &record) == snapshot->records[seq]);
    }
    flume_cursor_close(cursor);
}

/* By seq, forwards, backwards and live. */
static void expect_snapshot(flume_log *log, const struct snapshot *snapshot)
{
    struct snapshot *now = take_snapshot(log);

    assert_true(now->head >= snapshot->head);
    for (uint64_t seq = 0; seq < snapshot->head; seq++)
        assert_true(now->records[seq] == snapshot->records[seq]);
    free(now);
    if (flume_log_head(log) != snapshot->head)
        return;
    expect_walk(log, snapshot, 0);
    expect_walk(log, snapshot, FLUME_CURSOR_REVERSE);
    expect_walk(log, snapshot, FLUME_CURSOR_LIVE);
}

static flume_seal_report seal_now(flume_log *log, bool active)
{
    flume_seal_call call = {.active = active};
    flume_seal_report report;
    int status = flume_log_seal(log, &call, &report);

    if (status != FLUME_OK) {
        flume_error error;

        flume_log_error(log, &error);
        print_error("%s\n", error.message);
    }
    assert_int_equal(status, FLUME_OK);
    return report;
}

static bool is_sealed_file(struct log_fixture *fx, uint64_t first_seq)
{
    struct strata_header header;
    uint8_t page[STRATA_PAGE_BYTES];

    read_file(strata_path(fx, "basin.flume", first_seq), 0, page, sizeof page);
    assert_int_equal(strata_header_decode(page, &header), FLUME_OK);
    return header.form == STRATA_SEALED;
}

/* So many strata from the first on are sealed, and have no slots; the others are raw. */
static void expect_sealed(struct log_fixture *fx, size_t count)
{
    uint64_t firsts[SEAL_STRATA_MAX];
    size_t strata_count = list_strata(fx, firsts);

    assert_true(count <= strata_count);
    for (size_t i = 0; i < strata_count; i++) {
        char name[64];

        assert_int_equal(is_sealed_file(fx, firsts[i]), i < count);
        (void)snprintf(name, sizeof name, "basin.flume/log/%020llu.slots",
                       (unsigned long long)firsts[i]);
        assert_int_equal(file_exists(fixture_path(fx, name)), i >= count);
    }
    assert_false(file_exists(fixture_path(fx, "basin.flume/log/seal.strata.tmp")));
}

/* --- The same before and after ---------------------------------------------------------------- */

static void records_are_the_same_after_sealing(void **state)
{
    struct log_fixture *fx = *state;
    struct snapshot *before;
    flume_seal_report report;
    uint64_t firsts[SEAL_STRATA_MAX];

    open_for_sealing(fx);
    fill_strata(fx, 5);
    before = take_snapshot(fx->log);
    report = seal_now(fx->log, false);
    (void)list_strata(fx, firsts);
    assert_int_equal(report.strata, 4);
    assert_int_equal(report.records, firsts[4]);
    assert_int_equal(report.sealed_to, firsts[4]);
    assert_true(report.sealed_bytes > 0 && report.raw_bytes > 3 * SEAL_STRATA_BYTES / 2);
    expect_sealed(fx, 4);
    expect_snapshot(fx->log, before);
    reopen_log(fx);
    expect_snapshot(fx->log, before);
    free(before);
}

static void sealing_again_does_nothing(void **state)
{
    struct log_fixture *fx = *state;
    struct whole_file first, second;
    flume_seal_report report;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    (void)seal_now(fx->log, false);
    first = read_whole(strata_path(fx, "basin.flume", 0));
    report = seal_now(fx->log, false);
    assert_int_equal(report.strata, 0);
    reopen_log(fx);
    report = seal_now(fx->log, false);
    assert_int_equal(report.strata, 0);
    assert_true(report.sealed_to > 0);
    second = read_whole(strata_path(fx, "basin.flume", 0));
    assert_int_equal(first.count, second.count);
    assert_memory_equal(first.bytes, second.bytes, first.count);
    whole_file_release(&first);
    whole_file_release(&second);
}

static void every_block_size_and_a_dictionary_give_the_same_records(void **state)
{
    static const flume_seal_options choices[] = {
        {.mode = FLUME_SEAL_ON_REQUEST, .block_bytes = FLUME_BLOCK_BYTES_MIN},
        {.mode = FLUME_SEAL_ON_REQUEST, .block_bytes = FLUME_BLOCK_BYTES_MAX, .level = 3},
        {.mode = FLUME_SEAL_ON_REQUEST, .block_bytes = 5000, .dictionary = true},
        {.mode = FLUME_SEAL_ON_REQUEST, .block_bytes = 64 << 10, .level = 5, .dictionary = true},
    };
    struct log_fixture *fx = *state;
    struct snapshot *before;

    open_for_sealing(fx);
    fill_strata(fx, 5);
    before = take_snapshot(fx->log);
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) { /* One strata by each. */
        close_log(fx);
        fx->options.seal = &choices[i];
        open_log(fx);
        (void)append_text(fx->log, "later");
        if (i == 0)
            assert_int_equal(seal_now(fx->log, true).strata, 5);
        else
            assert_int_equal(seal_now(fx->log, true).strata, 1);
        expect_snapshot(fx->log, before);
    }
    free(before);
}

static void the_largest_bodies_go_in_and_come_out(void **state)
{
    enum { STRATA_BYTES = 64 << 20, TAIL = 77 };
    struct log_fixture *fx = *state;
    uint8_t *zeros = calloc(1, FLUME_BODY_BYTES_MAX);
    struct snapshot *before;

    assert_non_null(zeros);
    fx->options.strata_bytes = STRATA_BYTES;
    fx->options.seal = &seal_on_request;
    open_log(fx);
    (void)append_text(fx->log, "before");
    (void)append_bytes(fx->log, FLUME_BODY_BYTES_MAX, 1);
    assert_int_equal(flume_log_append(fx->log, zeros, FLUME_BODY_BYTES_MAX, NULL), FLUME_OK);
    (void)append_text(fx->log, "");
    (void)append_bytes(fx->log, FLUME_BODY_BYTES_MAX - TAIL, 2);
    free(zeros);
    before = take_snapshot(fx->log);
    assert_true(seal_now(fx->log, true).strata > 0);
    expect_snapshot(fx->log, before);
    free(before);
}

static void a_batch_larger_than_a_strata_is_sealed(void **state)
{
    enum { COUNT = 40, BYTES = 20000 };
    static uint8_t bodies[COUNT][BYTES];
    struct log_fixture *fx = *state;
    flume_entry entries[COUNT] = {{0}};
    struct snapshot *before;

    open_for_sealing(fx);
    (void)append_text(fx->log, "first");
    for (unsigned i = 0; i < COUNT; i++) {
        fill_bytes(bodies[i], BYTES, i);
        entries[i].body = bodies[i];
        entries[i].body_bytes = BYTES;
    }
    assert_int_equal(flume_log_append_many(fx->log, entries, COUNT, NULL, NULL), FLUME_OK);
    (void)append_text(fx->log, "last");
    before = take_snapshot(fx->log);
    assert_int_equal(seal_now(fx->log, true).strata, 3);
    expect_snapshot(fx->log, before);
    free(before);
}

static void stand_ins_of_a_repair_are_sealed_but_not_indexed(void **state)
{
    struct log_fixture *fx = *state;
    const struct sealed_section *section;
    struct taken_apart parts;
    struct snapshot *before;
    unsigned fan_bits;
    uint32_t entries;
    flume_record record;
    uint64_t offset;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    assert_int_equal(flume_log_get(fx->log, 40, &record), FLUME_OK);
    offset = record.offset;
    flume_record_release(&record);
    close_log(fx);
    zero_file(strata_path(fx, "basin.flume", 0), offset, 24);
    assert_int_equal(flume_repair(fx->path, FLUME_REPAIR_SALVAGE, NULL, NULL, NULL), FLUME_OK);
    open_log(fx);
    expect_get(fx->log, 40, FLUME_ERR_LOST);
    before = take_snapshot(fx->log);
    assert_int_equal(seal_now(fx->log, true).strata, 3);
    expect_get(fx->log, 40, FLUME_ERR_LOST);
    expect_snapshot(fx->log, before);
    take_apart(strata_path(fx, "basin.flume", 0), &parts);
    section = sealed_section_find(&parts.footer, SEALED_SECTION_GRAINS);
    assert_true(sealed_index_header_decode(parts.file.bytes + section->offset, section->bytes,
                                           &fan_bits, &entries));
    assert_int_equal(entries, parts.footer.count - 1);
    parts_release(&parts);
    free(before);
}

/* --- The active strata ------------------------------------------------------------------------ */

static void the_active_strata_is_sealed_and_the_next_append_opens_another(void **state)
{
    struct log_fixture *fx = *state;
    struct snapshot *before;
    uint64_t firsts[SEAL_STRATA_MAX];
    uint64_t seq;

    open_for_sealing(fx);
    (void)append_text(fx->log, "one");
    (void)append_text(fx->log, "two");
    before = take_snapshot(fx->log);
    assert_int_equal(seal_now(fx->log, true).strata, 1);
    expect_sealed(fx, 1);
    assert_int_equal(flume_log_durable(fx->log), before->head);
    expect_snapshot(fx->log, before);
    seq = append_text(fx->log, "three");
    assert_int_equal(list_strata(fx, firsts), 2);
    assert_int_equal(firsts[1], before->head);
    expect_text(fx->log, seq, "three");
    expect_snapshot(fx->log, before);
    free(before);
}

static void an_empty_log_has_nothing_to_seal(void **state)
{
    struct log_fixture *fx = *state;

    open_for_sealing(fx);
    assert_int_equal(seal_now(fx->log, true).strata, 0);
    assert_int_equal(seal_now(fx->log, false).strata, 0);
    (void)append_text(fx->log, "one");
    assert_int_equal(seal_now(fx->log, true).strata, 1);
    assert_int_equal(seal_now(fx->log, true).strata, 0);
    reopen_log(fx);
    assert_int_equal(seal_now(fx->log, true).strata, 0);
    expect_text(fx->log, 1, "one");
}

static void a_log_whose_end_is_sealed_opens_and_goes_on(void **state)
{
    struct log_fixture *fx = *state;
    struct snapshot *before;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    before = take_snapshot(fx->log);
    assert_int_equal(seal_now(fx->log, true).strata, 2);
    for (unsigned i = 0; i < 3; i++) {
        reopen_log(fx);
        expect_snapshot(fx->log, before);
        assert_int_equal(append_text(fx->log, "more"), before->head + 1 + 2 * i);
        assert_int_equal(seal_now(fx->log, true).strata, 1);
    }
    free(before);
}

/* As if a process had died between the names of a sealed strata and the word of it in HEAD. */
static void a_sealed_end_that_head_does_not_know_of_is_recovered(void **state)
{
    struct log_fixture *fx = *state;
    struct head *head = aligned_alloc(alignof(struct head), HEAD_FILE_BYTES);
    const char *path;
    struct snapshot *before;

    assert_non_null(head);
    open_for_sealing(fx);
    fill_strata(fx, 2);
    before = take_snapshot(fx->log);
    assert_int_equal(seal_now(fx->log, true).strata, 2);
    close_log(fx);
    path = fixture_path(fx, "basin.flume/HEAD");
    read_file(path, 0, head, HEAD_FILE_BYTES);
    atomic_store(&head->state, HEAD_READY);
    atomic_store(&head->refusal, 0);
    write_file(path, 0, head, HEAD_FILE_BYTES);
    free(head);
    open_log(fx);
    expect_snapshot(fx->log, before);
    assert_true(append_text(fx->log, "more") >= before->head);
    expect_snapshot(fx->log, before);
    free(before);
}

static void the_active_strata_of_another_handle_is_closed_for_it(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *other;
    uint64_t seq;

    open_for_sealing(fx);
    other = open_other(fx, 0);
    (void)append_text(other, "other's first");
    (void)append_text(fx->log, "first");
    assert_int_equal(seal_now(fx->log, true).strata, 1);
    seq = append_text(other, "other's second");
    expect_text(fx->log, seq, "other's second");
    assert_int_equal(seal_now(fx->log, true).strata, 1);
    expect_text(other, seq, "other's second");
    expect_text(other, 1, "other's first");
    close_handle(other);
}

static void what_is_not_full_is_left_alone(void **state)
{
    struct log_fixture *fx = *state;

    open_for_sealing(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(fx->log, NULL, NULL), FLUME_OK);
    expect_sealed(fx, 0);
}

/* --- Chains ----------------------------------------------------------------------------------- */

static void each_chain_goes_on_from_the_one_before(void **state)
{
    struct log_fixture *fx = *state;
    uint8_t chain[SEALED_HASH_BYTES] = {0};
    uint64_t firsts[SEAL_STRATA_MAX];

    open_for_sealing(fx);
    fill_strata(fx, 3);
    (void)seal_now(fx->log, false);
    reopen_log(fx); /* The next sealer has only the files to go by. */
    (void)append_text(fx->log, "end");
    (void)seal_now(fx->log, true);
    assert_int_equal(list_strata(fx, firsts), 3);
    for (size_t i = 0; i < 3; i++) {
        struct taken_apart parts;

        take_apart(strata_path(fx, "basin.flume", firsts[i]), &parts);
        assert_memory_equal(parts.footer.chain_before, chain, sizeof chain);
        memcpy(chain, parts.footer.chain, sizeof chain);
        parts_release(&parts);
    }
}

/* --- What a strata is told to be -------------------------------------------------------------- */

static void a_strata_tells_what_it_is(void **state)
{
    struct log_fixture *fx = *state;
    flume_strata_info info;
    flume_seal_report report;
    uint64_t firsts[SEAL_STRATA_MAX];
    uint64_t raw_bytes = 0, sealed_bytes = 0;
    size_t count;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    count = list_strata(fx, firsts);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(flume_log_strata(fx->log, firsts[i], &info), FLUME_OK);
        assert_false(info.sealed);
        assert_int_equal(info.first_seq, firsts[i]);
        assert_int_equal(info.records,
                         (i + 1 < count ? firsts[i + 1] : flume_log_head(fx->log)) - firsts[i]);
        raw_bytes += i + 1 < count ? info.grain_bytes : 0;
    }
    report = seal_now(fx->log, false);
    assert_int_equal(report.raw_bytes, raw_bytes);
    for (uint64_t seq = 0; seq < report.sealed_to; seq += info.records) {
        struct taken_apart parts;

        assert_int_equal(flume_log_strata(fx->log, seq + 5, &info), FLUME_OK);
        assert_true(info.sealed);
        assert_int_equal(info.first_seq, seq);
        take_apart(strata_path(fx, "basin.flume", seq), &parts);
        assert_int_equal(info.file_bytes, parts.file.count);
        assert_int_equal(info.grain_bytes, parts.raw_bytes);
        assert_int_equal(info.block_count, parts.footer.block_count);
        assert_int_equal(info.block_bytes + info.block_index_bytes + info.grain_index_bytes +
                             info.label_bytes + info.merkle_bytes + info.dictionary_bytes +
                             info.parity_bytes + 2 * STRATA_PAGE_BYTES,
                         parts.file.count - parts.zeros);
        assert_memory_equal(info.root, parts.footer.root, sizeof info.root);
        assert_memory_equal(info.chain, parts.footer.chain, sizeof info.chain);
        sealed_bytes += info.file_bytes;
        parts_release(&parts);
    }
    assert_int_equal(report.sealed_bytes, sealed_bytes);
    assert_int_equal(flume_log_strata(fx->log, flume_log_head(fx->log), &info),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_strata(fx->log, 0, NULL), FLUME_ERR_INVALID);
}

/* --- While others are at work ----------------------------------------------------------------- */

struct traffic {
    flume_log *log;
    _Atomic uint32_t stopping;
    _Atomic uint64_t appended, failures;
};

static void *keep_appending(void *ctx)
{
    struct traffic *traffic = ctx;
    char text[64];

    for (unsigned i = 0; i < TRAFFIC_RECORDS && atomic_load(&traffic->stopping) == 0; i++) {
        uint64_t seq;
        int length = snprintf(text, sizeof text, "record number %u of the appender", i);

        if (flume_log_append(traffic->log, text, (size_t)length, &seq) != FLUME_OK)
            atomic_fetch_add(&traffic->failures, 1);
        atomic_fetch_add(&traffic->appended, 1);
    }
    return NULL;
}

static void *keep_reading(void *ctx)
{
    struct traffic *traffic = ctx;
    uint64_t seq = 0;

    while (atomic_load(&traffic->stopping) == 0) {
        uint64_t head = flume_log_head(traffic->log);
        flume_record record;

        seq = (seq * 6364136223846793005u + 1442695040888963407u) ^ head;
        if (head == 0)
            continue;
        if (flume_log_get(traffic->log, seq % head, &record) != FLUME_OK)
            atomic_fetch_add(&traffic->failures, 1);
        else
            flume_record_release(&record);
    }
    return NULL;
}

static void sealing_goes_on_while_others_append_and_read(void **state)
{
    struct log_fixture *fx = *state;
    struct traffic traffic = {.stopping = 0};
    pthread_t appender, readers[2];
    flume_seal_report report;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    traffic.log = fx->log;
    assert_int_equal(pthread_create(&appender, NULL, keep_appending, &traffic), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, keep_reading, &traffic), 0);
    for (unsigned i = 0; i < 12; i++)
        (void)seal_now(fx->log, true);
    atomic_store(&traffic.stopping, 1);
    (void)pthread_join(appender, NULL);
    for (unsigned i = 0; i < 2; i++)
        (void)pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&traffic.failures), 0);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    report = seal_now(fx->log, true);
    assert_int_equal(report.sealed_to, flume_log_head(fx->log));
    for (uint64_t seq = 0; seq < flume_log_head(fx->log); seq++) {
        flume_record record;

        assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
        flume_record_release(&record);
    }
}

static void a_kept_record_outlives_its_raw_file(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record, kept;
    uint64_t seq;

    open_for_sealing(fx);
    seq = append_text(fx->log, "kept from before");
    fill_strata(fx, 2);
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    flume_record_keep(&record, &kept);
    (void)seal_now(fx->log, true);
    assert_true(record_is(&record, "kept from before")); /* Valid until close. */
    close_log(fx);
    assert_true(record_is(&kept, "kept from before"));
    flume_record_release(&kept);
}

static void a_cursor_goes_on_through_the_exchange(void **state)
{
    static const uint8_t all = FLUME_KIND_ANY;
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE, .kinds = &all, .kind_count = 1};
    flume_log *reader;
    flume_cursor *cursor;
    uint64_t head;

    open_for_sealing(fx);
    fill_strata(fx, 4);
    head = flume_log_head(fx->log);
    reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    cursor = open_cursor(reader, &options);
    for (uint64_t seq = 0; seq < head; seq++) {
        flume_record record;

        if (seq == 100 || seq == head / 2)
            (void)seal_now(fx->log, seq != 100);
        assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
        assert_int_equal(record.seq, seq);
    }
    flume_cursor_close(cursor);
    close_handle(reader);
}

/* --- Progress --------------------------------------------------------------------------------- */

struct progress {
    uint64_t done, total;
    unsigned calls, at_most;
};

static int note_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
    struct progress *progress = ctx;

    assert_true(done_bytes >= progress->done);
    assert_true(done_bytes <= total_bytes);
    progress->done = done_bytes;
    progress->total = total_bytes;
    return ++progress->calls > progress->at_most;
}

/* What was sealed before is no part of what is to do. */
static void progress_is_of_what_is_left_to_seal(void **state)
{
    struct log_fixture *fx = *state;
    struct progress progress = {.at_most = UINT32_MAX};
    flume_seal_call call = {.progress = note_progress, .progress_ctx = &progress};
    uint64_t first_total;

    open_for_sealing(fx);
    fill_strata(fx, 4);
    assert_int_equal(flume_log_seal(fx->log, &call, NULL), FLUME_OK);
    assert_true(progress.total > 0);
    first_total = progress.total;
    progress = (struct progress){.at_most = UINT32_MAX};
    fill_strata(fx, 5);
    assert_int_equal(flume_log_seal(fx->log, &call, NULL), FLUME_OK);
    assert_true(progress.total > 0 && progress.total < first_total);
    assert_int_equal(progress.done, progress.total);
}

static void progress_rises_to_what_was_sealed(void **state)
{
    struct log_fixture *fx = *state;
    struct progress progress = {.at_most = UINT32_MAX};
    flume_seal_call call = {.progress = note_progress, .progress_ctx = &progress};
    flume_seal_report report;

    open_for_sealing(fx);
    fill_strata(fx, 4);
    assert_int_equal(flume_log_seal(fx->log, &call, &report), FLUME_OK);
    assert_int_equal(report.strata, 3);
    assert_int_equal(progress.done, report.raw_bytes);
    assert_int_equal(progress.total, report.raw_bytes);
}

static void sealing_that_is_cancelled_keeps_what_was_done(void **state)
{
    struct log_fixture *fx = *state;
    struct progress progress = {.at_most = UINT32_MAX};
    flume_seal_call call = {.progress = note_progress, .progress_ctx = &progress};
    flume_seal_report report, rest;
    struct snapshot *before;

    open_for_sealing(fx);
    fill_strata(fx, 4);
    before = take_snapshot(fx->log);
    progress.at_most = 60; /* In the second or third of three. */
    assert_int_equal(flume_log_seal(fx->log, &call, &report), FLUME_ERR_CANCELLED);
    assert_true(report.strata >= 1 && report.strata < 3);
    expect_sealed(fx, report.strata);
    expect_snapshot(fx->log, before);
    rest = seal_now(fx->log, false);
    assert_int_equal(report.strata + rest.strata, 3);
    expect_snapshot(fx->log, before);
    free(before);
}

/* --- What is refused -------------------------------------------------------------------------- */

static void damage_stops_sealing_where_it_is(void **state)
{
    struct log_fixture *fx = *state;
    flume_seal_report report;
    uint64_t firsts[SEAL_STRATA_MAX];
    flume_record record;
    uint64_t offset, wrong = 0x5555;

    open_for_sealing(fx);
    fill_strata(fx, 4);
    (void)list_strata(fx, firsts);
    assert_int_equal(flume_log_get(fx->log, firsts[1] + 9, &record), FLUME_OK);
    offset = record.offset;
    flume_record_release(&record);
    write_file(strata_path(fx, "basin.flume", firsts[1]), offset, &wrong, sizeof wrong);
    assert_int_equal(flume_log_seal(fx->log, NULL, &report), FLUME_ERR_DAMAGED);
    assert_int_equal(report.strata, 1);
    expect_sealed(fx, 1);
    expect_text(fx->log, append_text(fx->log, "appending goes on"), "appending goes on");
}

/* What comes behind it would go on from a chain that nobody knows. */
static void a_footer_that_does_not_read_stops_sealing_behind_it(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t firsts[SEAL_STRATA_MAX];
    const char *path;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    (void)seal_now(fx->log, false);
    (void)list_strata(fx, firsts);
    fill_strata(fx, 4);
    path = strata_path(fx, "basin.flume", firsts[1]);
    zero_file(path, file_bytes(path) - 4096, 4096);
    assert_int_equal(flume_log_seal(fx->log, NULL, NULL), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "footer");
    expect_sealed(fx, 2);
}

static void a_reader_cannot_seal(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *reader;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    assert_int_equal(flume_log_seal(reader, NULL, NULL), FLUME_ERR_READ_ONLY);
    expect_sealed(fx, 0);
    close_handle(reader);
}

static void wrong_options_are_refused_in_words(void **state)
{
    static const struct {
        flume_seal_options options;
        const char *word;
    } wrongs[] = {
        {{.mode = 7}, "mode 7"},
        {{.block_bytes = 4095}, "a block of 4095"},
        {{.block_bytes = FLUME_BLOCK_BYTES_MAX + 1}, "4096 to 1048576"},
        {{.level = -1}, "level -1"},
        {{.level = FLUME_SEAL_LEVEL_MAX + 1}, "level 20"},
        {{.parity = 4}, "parity 4"},
    };
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        fx->options.seal = &wrongs[i].options;
        expect_open_fails(fx, FLUME_ERR_INVALID, wrongs[i].word);
    }
}

static void a_log_in_memory_is_sealed_too(void **state)
{
    flume_log_options options = {.strata_bytes = FLUME_STRATA_BYTES_MIN};
    struct snapshot *before;
    flume_log *log;

    (void)state;
    assert_int_equal(flume_log_open(&log, ":memory:", &options, NULL), FLUME_OK);
    for (unsigned i = 0; i < 200; i++)
        (void)append_compressible(log, 1000, i);
    before = take_snapshot(log);
    assert_true(seal_now(log, true).strata > 2);
    expect_snapshot(log, before);
    free(before);
    close_handle(log);
}

/* --- In the background ------------------------------------------------------------------------ */

/* Until the strata that begins at 0 has a sealed file. */
static void wait_until_sealed(struct log_fixture *fx, uint64_t first_seq)
{
    for (unsigned i = 0; !is_sealed_file(fx, first_seq); i++) {
        assert_true(i < 10000);
        run_command("sleep 0.01");
    }
}

static void full_strata_are_sealed_in_the_background(void **state)
{
    static const flume_seal_options background = {.strata_bytes_min = SEAL_STRATA_BYTES};
    struct log_fixture *fx = *state;
    struct snapshot *before;
    uint64_t firsts[SEAL_STRATA_MAX];

    fx->options.seal = &background;
    open_for_sealing(fx);
    fill_strata(fx, 4);
    (void)list_strata(fx, firsts);
    before = take_snapshot(fx->log);
    wait_until_sealed(fx, firsts[2]);
    expect_snapshot(fx->log, before);
    close_log(fx);
    expect_sealed(fx, 3);
    free(before);
}

static void the_background_goes_on_where_another_handle_stopped(void **state)
{
    static const flume_seal_options background = {.strata_bytes_min = SEAL_STRATA_BYTES};
    struct log_fixture *fx = *state;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    close_log(fx);
    expect_sealed(fx, 0);
    fx->options.seal = &background;
    open_log(fx);
    wait_until_sealed(fx, 0);
}

/* What a handle is told, of this level. */
static void note_warning(void *ctx, enum flume_log_level level, const char *message)
{
    _Atomic unsigned *warnings = ctx;

    if (level == FLUME_LOG_WARNING && strstr(message, "sealing rests") != NULL)
        (void)atomic_fetch_add(warnings, 1);
}

static void what_the_background_cannot_seal_is_told_once(void **state)
{
    static const flume_seal_options background = {.strata_bytes_min = SEAL_STRATA_BYTES};
    struct log_fixture *fx = *state;
    _Atomic unsigned warnings = 0;
    uint64_t wrong = 0x5555;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    close_log(fx);
    write_file(strata_path(fx, "basin.flume", 0), 4096 + 100, &wrong, sizeof wrong);
    fx->options.seal = &background;
    fx->options.log = note_warning;
    fx->options.log_ctx = &warnings;
    open_log(fx);
    for (unsigned i = 0; atomic_load(&warnings) == 0; i++) {
        assert_true(i < 1000);
        run_command("sleep 0.01");
    }
    expect_text(fx->log, append_text(fx->log, "appending goes on"), "appending goes on");
    close_log(fx);
    assert_int_equal(atomic_load(&warnings), 1);
    expect_sealed(fx, 0);
}

static void small_files_are_left_to_requests(void **state)
{
    static const flume_seal_options background = {.mode = FLUME_SEAL_BACKGROUND};
    struct log_fixture *fx = *state;

    fx->options.seal = &background;
    open_for_sealing(fx);
    fill_strata(fx, 3);
    run_command("sleep 1");
    expect_sealed(fx, 0);
    assert_int_equal(seal_now(fx->log, false).strata, 2);
}

/* --- The disk behind the page cache ----------------------------------------------------------- */

/* A disk that has not what it was given: seen only by who reads past the page cache. */
struct rotten_disk {
    flume_io io;
    const char *name; /* Of the file that it has wrong. */
    int file;         /* Of it, opened to read so; -1: none. */
};

static int rotten_open(void *ctx, const char *path, unsigned flags)
{
    struct rotten_disk *disk = ctx;
    const flume_io *io = flume_io_posix();
    bool is_direct = (flags & FLUME_IO_DIRECT) != 0;
    int file = io->open(io->ctx, path, flags & ~(unsigned)FLUME_IO_DIRECT);

    if (is_direct && strstr(path, disk->name) != NULL)
        disk->file = file;
    return file;
}

static void rotten_close(void *ctx, int file)
{
    struct rotten_disk *disk = ctx;
    const flume_io *io = flume_io_posix();

    if (file == disk->file)
        disk->file = -1;
    io->close(io->ctx, file);
}

static int64_t rotten_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    const struct rotten_disk *disk = ctx;
    const flume_io *io = flume_io_posix();
    int64_t got = io->pread(io->ctx, file, target, bytes, offset);

    if (file == disk->file && got > 0)
        ((uint8_t *)target)[got - 1] ^= 1;
    return got;
}

/* What sealing says, on a disk that has the file of this name wrong. */
static int seal_on_rotten_disk(struct log_fixture *fx, enum flume_profile profile, const char *name)
{
    static const flume_seal_options options = {.mode = FLUME_SEAL_ON_REQUEST,
                                               .parity = FLUME_PARITY_SOFT};
    struct rotten_disk disk = {.io = *flume_io_posix(), .name = name, .file = -1};
    int status;

    disk.io.ctx = &disk;
    disk.io.open = rotten_open;
    disk.io.close = rotten_close;
    disk.io.pread = rotten_pread;
    fx->options.io = &disk.io;
    fx->options.profile = profile;
    fx->options.seal = &options;
    open_log(fx);
    status = flume_log_seal(fx->log, NULL, NULL);
    close_log(fx);
    fx->options.io = NULL;
    fx->options.profile = FLUME_PROFILE_CASUAL;
    fx->options.seal = &seal_on_request;
    return status;
}

static void paranoia_reads_what_is_sealed_past_the_page_cache(void **state)
{
    static const char *const names[] = {"seal.strata.tmp", "seal.parity.tmp"};
    struct log_fixture *fx = *state;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    close_log(fx);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(seal_on_rotten_disk(fx, FLUME_PROFILE_PARANOID, names[i]),
                         FLUME_ERR_DAMAGED);
        expect_sealed(fx, 0);
    }
    assert_int_equal(seal_on_rotten_disk(fx, FLUME_PROFILE_PARANOID, "no such file"), FLUME_OK);
    expect_sealed(fx, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(records_are_the_same_after_sealing),
        closed_log_test(sealing_again_does_nothing),
        closed_log_test(every_block_size_and_a_dictionary_give_the_same_records),
        closed_log_test(the_largest_bodies_go_in_and_come_out),
        closed_log_test(a_batch_larger_than_a_strata_is_sealed),
        closed_log_test(stand_ins_of_a_repair_are_sealed_but_not_indexed),
        closed_log_test(the_active_strata_is_sealed_and_the_next_append_opens_another),
        closed_log_test(an_empty_log_has_nothing_to_seal),
        closed_log_test(a_log_whose_end_is_sealed_opens_and_goes_on),
        closed_log_test(a_sealed_end_that_head_does_not_know_of_is_recovered),
        closed_log_test(the_active_strata_of_another_handle_is_closed_for_it),
        closed_log_test(what_is_not_full_is_left_alone),
        closed_log_test(each_chain_goes_on_from_the_one_before),
        closed_log_test(a_strata_tells_what_it_is),
        closed_log_test(sealing_goes_on_while_others_append_and_read),
        closed_log_test(a_kept_record_outlives_its_raw_file),
        closed_log_test(a_cursor_goes_on_through_the_exchange),
        closed_log_test(progress_rises_to_what_was_sealed),
        closed_log_test(progress_is_of_what_is_left_to_seal),
        closed_log_test(sealing_that_is_cancelled_keeps_what_was_done),
        closed_log_test(damage_stops_sealing_where_it_is),
        closed_log_test(a_footer_that_does_not_read_stops_sealing_behind_it),
        closed_log_test(a_reader_cannot_seal),
        closed_log_test(wrong_options_are_refused_in_words),
        cmocka_unit_test(a_log_in_memory_is_sealed_too),
        closed_log_test(full_strata_are_sealed_in_the_background),
        closed_log_test(the_background_goes_on_where_another_handle_stopped),
        closed_log_test(what_the_background_cannot_seal_is_told_once),
        closed_log_test(small_files_are_left_to_requests),
        closed_log_test(paranoia_reads_what_is_sealed_past_the_page_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
