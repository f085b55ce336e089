/*
 * test_proof_log.c - what a log proves of its records is what it says of them, and stays so.
 */
#include "seal_fixture.h"

#include "faultio.h"
#include "flume/find.h"
#include "flume/proof.h"
#include "seal_file.h"

enum { STRATA = 5, STEP = 37 };

static const char temporary[] = "basin.flume/log/" SEAL_TEMPORARY_NAME;

struct proof_log {
    struct log_fixture *fx;
    uint64_t firsts[SEAL_STRATA_MAX]; /* Of the strata, and where the last one ended when filled. */
    struct sealed_footer footers[STRATA]; /* Of the sealed ones. */
    size_t sealed;
};

/* Seal the next strata: the log is closed and opened again. */
static void seal_next(struct proof_log *log)
{
    struct log_fixture *fx = log->fx;
    struct seal_plan plan = {.first_seq = log->firsts[log->sealed],
                             .count = log->firsts[log->sealed + 1] - log->firsts[log->sealed],
                             .block_bytes = SEALED_BLOCK_BYTES_DEFAULT,
                             .level = 1};
    char made[LOG_FIXTURE_PATH_BYTES];

    if (log->sealed > 0)
        plan.previous = &log->footers[log->sealed - 1];
    assert_int_equal(seal_file_write(fx->log, &plan, &log->footers[log->sealed]), FLUME_OK);
    (void)snprintf(made, sizeof made, "%s", fixture_path(fx, temporary));
    assert_int_equal(rename(made, strata_path(fx, "basin.flume", plan.first_seq)), 0);
    log->sealed++;
    close_log(fx);
    open_for_sealing(fx);
}

/* A basin of at least STRATA strata, of which so many are sealed. */
static struct proof_log open_sealed(struct log_fixture *fx, size_t sealed)
{
    struct proof_log log = {.fx = fx};

    open_for_sealing(fx);
    fill_strata(fx, STRATA);
    assert_true(list_strata(fx, log.firsts) >= STRATA);
    for (size_t i = 0; i < sealed; i++)
        seal_next(&log);
    return log;
}

static uint64_t end_of(const struct proof_log *log, size_t strata)
{
    return log->firsts[strata + 1];
}

/* What a proof says of a record is what the log says. */
static void expect_same_record(const flume_proof *proof, const flume_record *record)
{
    flume_record said;
    size_t body_bytes;

    assert_int_equal(flume_proof_record(proof, &said, &body_bytes), FLUME_OK);
    assert_int_equal(said.seq, record->seq);
    assert_int_equal(said.time_ns, record->time_ns);
    assert_int_equal(said.kind, record->kind);
    assert_int_equal(said.flags, record->flags);
    assert_int_equal(said.codec, record->codec);
    assert_int_equal(said.check, record->check);
    assert_int_equal(said.writer_seq, record->writer_seq);
    assert_int_equal(said.strata_seq, record->strata_seq);
    assert_int_equal(said.meta_bytes, record->meta_bytes);
    assert_memory_equal(said.meta, record->meta, record->meta_bytes);
    assert_int_equal(said.body_bytes, 0);
    assert_int_equal(body_bytes, record->body_bytes);
}

static void expect_proof(flume_log *log, uint64_t seq, const uint8_t *root)
{
    flume_record record;
    flume_proof proof;

    assert_int_equal(flume_log_prove(log, seq, &proof), FLUME_OK);
    assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
    assert_int_equal(proof.seq, seq);
    assert_int_equal(flume_proof_verify(&proof, root, record.body, record.body_bytes, NULL),
                     FLUME_OK);
    assert_true(proof.meta_bytes >= record.meta_bytes); /* A witness stands before it. */
    assert_memory_equal(proof.meta + proof.meta_bytes - record.meta_bytes, record.meta,
                        record.meta_bytes);
    expect_same_record(&proof, &record);
    flume_record_release(&record);
    flume_proof_release(&proof);
}

static void every_sealed_record_is_proved_with_its_body(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 3);
    flume_root root;

    assert_int_equal(flume_log_root(fx->log, &root), FLUME_OK);
    assert_int_equal(root.end_seq, end_of(&log, 2));
    assert_memory_equal(root.hash, log.footers[2].chain, sizeof root.hash);
    for (uint64_t seq = 0; seq < root.end_seq; seq += STEP)
        expect_proof(fx->log, seq, root.hash);
    for (size_t i = 0; i < 3; i++) { /* The ends of strata and of groups. */
        expect_proof(fx->log, log.firsts[i], root.hash);
        expect_proof(fx->log, log.firsts[i] + MERKLE_GROUP - 1, root.hash);
        expect_proof(fx->log, log.firsts[i] + MERKLE_GROUP, root.hash);
        expect_proof(fx->log, end_of(&log, i) - 1, root.hash);
    }
}

/* By the words of the format, from the bytes of the file. */
static void a_proof_says_what_lies_in_the_file(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 1);
    uint8_t input[1 + GRAIN_HEADER_BYTES + UINT16_MAX + FLUME_ROOT_BYTES] = {0};
    struct taken_apart parts;

    take_apart(strata_path(fx, "basin.flume", 0), &parts);
    for (uint32_t ordinal = 0; ordinal < log.firsts[1]; ordinal += STEP) {
        struct grain grain;
        const uint8_t *bytes = part_grain(&parts, ordinal, &grain);
        uint8_t leaf[FLUME_HASH_BYTES];
        flume_proof proof;

        assert_int_equal(flume_log_prove(fx->log, ordinal, &proof), FLUME_OK);
        memcpy(input + 1, bytes, GRAIN_HEADER_BYTES + (size_t)grain.meta_bytes);
        flume_hash(grain_body(bytes, &grain), grain.body_bytes,
                   input + 1 + GRAIN_HEADER_BYTES + grain.meta_bytes);
        flume_hash(input, 1 + GRAIN_HEADER_BYTES + (size_t)grain.meta_bytes + FLUME_ROOT_BYTES,
                   leaf);
        assert_memory_equal(proof.leaf, leaf, sizeof leaf);
        assert_memory_equal(proof.header, bytes, sizeof proof.header);
        assert_memory_equal(proof.chain.links[0].root, parts.footer.root, FLUME_ROOT_BYTES);
        flume_proof_release(&proof);
    }
    parts_release(&parts);
}

static void what_is_not_sealed_is_not_proved_and_told_so(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 0);
    flume_consistency none;
    flume_proof proof;
    flume_root root;

    assert_int_equal(flume_log_root(fx->log, &root), FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "flume seal");
    assert_int_equal(flume_log_prove(fx->log, 3, &proof), FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "seq 3 is not sealed yet");
    assert_int_equal(flume_consistency_prove(fx->log, 3, &none), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_root_find(fx->log, (const uint8_t[FLUME_ROOT_BYTES]){0}, &root),
                     FLUME_ERR_NOT_FOUND);
    seal_next(&log);
    assert_int_equal(flume_log_prove(fx->log, end_of(&log, 0), &proof), FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "not sealed yet");
    assert_int_equal(flume_log_prove(fx->log, flume_log_head(fx->log), &proof),
                     FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "its head is");
}

static void an_empty_log_has_no_root(void **state)
{
    struct log_fixture *fx = *state;
    flume_consistency none;
    flume_proof proof;
    flume_root root;

    assert_int_equal(flume_log_root(fx->log, &root), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_prove(fx->log, 0, &proof), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_consistency_prove(fx->log, 0, &none), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_root(NULL, &root), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_prove(NULL, 0, &proof), FLUME_ERR_INVALID);
    assert_int_equal(flume_consistency_prove(NULL, 0, &none), FLUME_ERR_INVALID);
}

static void every_root_there_was_is_found_and_shown_to_be_of_the_log(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 4);
    flume_root head, found;

    assert_int_equal(flume_log_root(fx->log, &head), FLUME_OK);
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *old = log.footers[i].chain;
        flume_consistency made;

        assert_int_equal(flume_log_root_find(fx->log, old, &found), FLUME_OK);
        assert_int_equal(found.end_seq, end_of(&log, i));
        assert_int_equal(flume_consistency_prove(fx->log, found.end_seq, &made), FLUME_OK);
        assert_int_equal(flume_consistency_verify(&made, old, head.hash, NULL), FLUME_OK);
        assert_int_equal(made.link_count, 4 - i);
        flume_consistency_release(&made);
    }
    assert_int_equal(flume_log_root_find(fx->log, log.footers[0].root, &found),
                     FLUME_ERR_NOT_FOUND);
}

static void where_no_strata_ends_there_was_no_root(void **state)
{
    static const int64_t besides[] = {-1, 1};
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 2);
    flume_consistency made;

    for (size_t i = 0; i < 2; i++) {
        uint64_t end_seq = end_of(&log, 0) + (uint64_t)besides[i];

        assert_int_equal(flume_consistency_prove(fx->log, end_seq, &made), FLUME_ERR_NOT_FOUND);
        expect_error(fx->log, FLUME_ERR_NOT_FOUND, "no sealed strata");
    }
    assert_int_equal(flume_consistency_prove(fx->log, 0, &made), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_consistency_prove(fx->log, UINT64_MAX, &made), FLUME_ERR_NOT_FOUND);
}

/* A proof that somebody keeps goes on to hold; the log shows that its root is one of its own. */
static void an_old_proof_joins_a_younger_root(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 1);
    flume_consistency made;
    flume_proof old;
    flume_root head;

    assert_int_equal(flume_log_prove(fx->log, 5, &old), FLUME_OK);
    seal_next(&log);
    seal_next(&log);
    assert_int_equal(flume_log_root(fx->log, &head), FLUME_OK);
    assert_int_equal(flume_proof_verify(&old, head.hash, NULL, 0, NULL), FLUME_ERR_CONFLICT);
    assert_int_equal(flume_consistency_prove(fx->log, old.chain.head.end_seq, &made), FLUME_OK);
    assert_int_equal(flume_consistency_verify(&made, old.chain.head.hash, head.hash, NULL),
                     FLUME_OK);
    close_log(fx); /* Proofs outlive the log. */
    assert_int_equal(flume_proof_verify(&old, NULL, NULL, 0, NULL), FLUME_OK);
    flume_consistency_release(&made);
    flume_proof_release(&old);
}

/* Handles that were open before see the root and its records without being opened again. */
static void what_is_sealed_meanwhile_is_proved_by_every_handle(void **state)
{
    struct log_fixture *fx = *state;
    flume_seal_call all = {.active = true};
    flume_log *other, *reader;
    flume_root root;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    other = open_other(fx, 0);
    reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    expect_get(other, 3, FLUME_OK);
    assert_int_equal(flume_log_root(other, &root), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_seal(fx->log, &all, NULL), FLUME_OK);
    assert_int_equal(flume_log_root(other, &root), FLUME_OK);
    assert_int_equal(root.end_seq, flume_log_head(fx->log));
    expect_proof(fx->log, 3, root.hash);
    expect_proof(other, root.end_seq - 1, root.hash);
    expect_proof(reader, 700, root.hash);
    close_handle(other);
    close_handle(reader);
}

/* --- Damage --- */

static void flip(struct log_fixture *fx, uint64_t first_seq, uint64_t offset)
{
    const char *path = strata_path(fx, "basin.flume", first_seq);
    uint8_t byte;

    read_file(path, offset, &byte, 1);
    byte ^= 4;
    write_file(path, offset, &byte, 1);
}

static void expect_no_proof(struct log_fixture *fx, uint64_t seq)
{
    flume_proof proof;

    assert_int_equal(flume_log_prove(fx->log, seq, &proof), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "flume check");
}

static void damaged_nodes_give_no_proof(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 2);
    const struct sealed_section *nodes =
        sealed_section_find(&log.footers[0], SEALED_SECTION_MERKLE);

    assert_non_null(nodes);
    flip(fx, 0, nodes->offset + MERKLE_HASH_BYTES + 7);
    expect_no_proof(fx, 3);
    expect_proof(fx->log, end_of(&log, 0), log.footers[1].chain); /* Of the other strata. */
}

static void a_damaged_block_takes_the_proofs_of_its_group_alone(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 1);

    close_log(fx);
    flip(fx, 0, STRATA_DATA_AT + 100);
    open_for_sealing(fx);
    expect_no_proof(fx, 3);
    expect_proof(fx->log, end_of(&log, 0) - 1, log.footers[0].chain);
}

/* Write a strata's footer page with other words, and a check that fits. */
static void forge_footer(struct log_fixture *fx, const struct sealed_footer *footer)
{
    uint8_t page[STRATA_PAGE_BYTES];

    sealed_footer_encode(page, footer);
    write_file(strata_path(fx, "basin.flume", footer->first_seq),
               footer->file_bytes - STRATA_PAGE_BYTES, page, sizeof page);
}

static void a_forged_root_gives_no_proof(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 2);

    log.footers[0].root[0] ^= 1;
    forge_footer(fx, &log.footers[0]);
    expect_no_proof(fx, 3);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "gives no proof");
    log.footers[0].root[0] ^= 1;
    log.footers[0].chain[0] ^= 1;
    forge_footer(fx, &log.footers[0]);
    expect_no_proof(fx, 3);
    log.footers[0].chain[0] ^= 1;
    forge_footer(fx, &log.footers[0]);
    log.footers[1].chain_before[0] ^= 1; /* The link between two strata is compared as well. */
    merkle_chain((const struct merkle_hash *)log.footers[1].chain_before,
                 (const struct merkle_hash *)log.footers[1].root, log.footers[1].first_seq,
                 log.footers[1].count, (struct merkle_hash *)log.footers[1].chain);
    forge_footer(fx, &log.footers[1]);
    expect_no_proof(fx, 3);
}

static void a_footer_that_does_not_read_is_named(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 2);
    flume_consistency made;
    flume_root root;

    flip(fx, log.firsts[1], log.footers[1].file_bytes - 2000);
    expect_no_proof(fx, 3);
    assert_int_equal(flume_log_root(fx->log, &root), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "footer page is damaged");
    assert_int_equal(flume_consistency_prove(fx->log, end_of(&log, 0), &made), FLUME_ERR_DAMAGED);
}

/* As where a backup's file was put back. */
static void a_raw_strata_before_sealed_ones_is_named(void **state)
{
    struct log_fixture *fx = *state;
    struct proof_log log = open_sealed(fx, 0);
    flume_consistency made;
    flume_root root;

    run_command("cp '%s' '%s/raw'", strata_path(fx, "basin.flume", 0), fx->root);
    while (log.sealed < 3)
        seal_next(&log);
    close_log(fx);
    run_command("cp '%s/raw' '%s'", fx->root, strata_path(fx, "basin.flume", 0));
    open_for_sealing(fx);
    expect_no_proof(fx, 3);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is not sealed, and a later one is");
    assert_int_equal(flume_consistency_prove(fx->log, end_of(&log, 0), &made), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is not sealed, and a later one is");
    assert_int_equal(flume_log_root(fx->log, &root), FLUME_OK);
    assert_memory_equal(root.hash, log.footers[2].chain, sizeof root.hash);
    expect_proof(fx->log, end_of(&log, 1), root.hash); /* From there on nothing lacks. */
}

/* --- Memory --- */

static void without_memory_there_is_no_proof_and_nothing_is_lost(void **state)
{
    struct log_fixture *fx = *state;
    struct fault_memory memory;
    struct proof_log log;
    int status = FLUME_ERR_NO_MEMORY;
    uint64_t fail_at = 0;

    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    log = open_sealed(fx, 2);
    while (status == FLUME_ERR_NO_MEMORY) {
        flume_proof proof;

        reopen_log(fx);
        fault_memory_plan(&memory, ++fail_at, FAULT_ONCE);
        status = flume_log_prove(fx->log, 700, &proof);
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        if (status == FLUME_OK)
            flume_proof_release(&proof);
        expect_proof(fx->log, 700, log.footers[1].chain);
    }
    assert_int_equal(status, FLUME_OK);
    assert_true(fail_at > 3);
    close_log(fx);
    assert_int_equal(atomic_load(&memory.live_blocks), 0);
    fault_memory_deinit(&memory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(every_sealed_record_is_proved_with_its_body),
        closed_log_test(a_proof_says_what_lies_in_the_file),
        closed_log_test(what_is_not_sealed_is_not_proved_and_told_so),
        log_test(an_empty_log_has_no_root),
        closed_log_test(every_root_there_was_is_found_and_shown_to_be_of_the_log),
        closed_log_test(where_no_strata_ends_there_was_no_root),
        closed_log_test(an_old_proof_joins_a_younger_root),
        closed_log_test(what_is_sealed_meanwhile_is_proved_by_every_handle),
        closed_log_test(damaged_nodes_give_no_proof),
        closed_log_test(a_damaged_block_takes_the_proofs_of_its_group_alone),
        closed_log_test(a_forged_root_gives_no_proof),
        closed_log_test(a_footer_that_does_not_read_is_named),
        closed_log_test(a_raw_strata_before_sealed_ones_is_named),
        closed_log_test(without_memory_there_is_no_proof_and_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
