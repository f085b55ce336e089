/*
 * test_fault_sealed_read.c - sealed strata are read where anything may fail: each call of the io
 * table, each request for memory, and bytes that are not as they were written.
 *
 * One basin is made in memory: sealed strata with labels and dictionaries, and a raw one. Each case
 * damages it in one way and asks one thing of it, on a handle of its own that only reads: once in
 * health, then with a failure at the Nth place, for every N. Each answer is right, or is an error
 * with words; nothing is left out in silence, nothing leaks, and in health the answers are the same
 * again.
 *
 *   FLUME_TEST_LONG=1  every place, not ever fewer of them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faultio.h"
#include "flume/flume.h"
#include "flume/proof.h"
#include "flume/seal.h"
#include "hash.h"
#include "io_memory.h"
#include "sealed_file.h"
#include "strata_file.h"

#define BASIN "b.flume"

enum {
    STRATA_BYTES = 320 << 10, /* Less, and no dictionary pays. */
    SEALED = 3,
    RECORDS_MAX = 3000,
    FILES_MAX = 24,
    NAME_BYTES = 64,
    PLACES_MAX = 20000,
    PLACES_ALL = 8
};

/* --- The basin -------------------------------------------------------------------------------- */

struct file {
    char path[2 * NAME_BYTES];
    uint8_t *bytes;
    size_t count;
};

struct known {
    uint64_t check, body; /* body: a hash of it. */
    uint64_t time_ns;
    bool is_red, is_manifest;
};

struct basin {
    flume_io io;
    struct file files[FILES_MAX];
    size_t file_count;
    struct known known[RECORDS_MAX];
    uint64_t firsts[SEALED + 1]; /* Of the strata. */
    size_t sealed;               /* All but the last one, or all. */
    size_t damaged;              /* The strata that is asked about most. */
    uint64_t head, late_ns;      /* late_ns: the time of the last strata's first record. */
};

static struct basin basin;

static void take_file(const char *path)
{
    const flume_io *io = &basin.io;
    struct file *file = &basin.files[basin.file_count++];
    int number = io->open(io->ctx, path, FLUME_IO_READ);
    flume_io_stat file_stat;

    assert_true(basin.file_count < FILES_MAX);
    assert_true(number >= 0);
    assert_int_equal(io->stat(io->ctx, number, &file_stat), 0);
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    file->count = (size_t)file_stat.bytes;
    file->bytes = malloc(file->count + 1);
    assert_non_null(file->bytes);
    if (file->count > 0)
        assert_int_equal(io->pread(io->ctx, number, file->bytes, file->count, 0), file->count);
    io->close(io->ctx, number);
}

static int take_name(void *ctx, const char *name)
{
    char(*names)[NAME_BYTES] = ctx;

    for (size_t i = 0; i < FILES_MAX; i++) {
        if (names[i][0] == '\0') {
            (void)snprintf(names[i], NAME_BYTES, "%s", name);
            return 0;
        }
    }
    return -ENOSPC;
}

static void take_files(void)
{
    char names[FILES_MAX][NAME_BYTES] = {""};
    char path[2 * NAME_BYTES];

    take_file(BASIN "/HEAD");
    assert_int_equal(basin.io.list(basin.io.ctx, BASIN "/log", take_name, names), 0);
    for (size_t i = 0; i < FILES_MAX && names[i][0] != '\0'; i++) {
        (void)snprintf(path, sizeof path, BASIN "/log/%.60s", names[i]);
        if (strstr(path, ".tmp") == NULL)
            take_file(path);
    }
}

static void put_bytes(const char *path, uint64_t at, const void *bytes, size_t count)
{
    const flume_io *io = &basin.io;
    int file = io->open(io->ctx, path, FLUME_IO_WRITE | FLUME_IO_CREATE);

    assert_true(file >= 0);
    if (count > 0)
        assert_int_equal(io->pwrite(io->ctx, file, bytes, count, at), count);
    io->close(io->ctx, file);
}

/* All files as they were taken. */
static void restore(void)
{
    for (size_t i = 0; i < basin.file_count; i++)
        put_bytes(basin.files[i].path, 0, basin.files[i].bytes, basin.files[i].count);
}

/* Small ones that resemble each other, and now and then one that does not shrink. */
static size_t fill_body(uint8_t *target, unsigned seed)
{
    enum { SMALL = 700, ALIKE = 600, LARGE = 3000 };
    bool is_large = seed % 40 == 7;
    size_t bytes = is_large ? LARGE : SMALL;
    unsigned state = 1;

    for (unsigned i = 0; i < bytes; i++) {
        if (is_large ? i == 0 : i == ALIKE)
            state = seed;
        state = state * 1103515245 + 12345;
        target[i] = (uint8_t)(state >> 16);
    }
    return bytes;
}

/* Only the second strata has red ones. */
static void append_next(flume_log *log, unsigned seed, bool is_red)
{
    static uint8_t body[4096];
    static const char *const red = "red", *const plain = "plain";
    flume_entry entry = {.body = body,
                         .body_bytes = fill_body(body, seed),
                         .labels = is_red ? &red : &plain,
                         .label_count = seed % 3 == 0};
    uint64_t seq;

    assert_int_equal(flume_log_append_entry(log, &entry, &seq), FLUME_OK);
    assert_true(seq < RECORDS_MAX);
    basin.known[seq].is_red = is_red && entry.label_count > 0;
}

static void fill(flume_log *log)
{
    flume_log_stat_info info = {.strata_count = 0};

    for (unsigned seed = 0; info.strata_count <= SEALED; seed++) {
        append_next(log, seed, info.strata_count == 2);
        assert_int_equal(flume_log_stat(log, &info), FLUME_OK);
    }
    for (unsigned seed = 0; seed < 9; seed++)
        append_next(log, seed, false);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
}

static void learn_records(flume_log *log)
{
    flume_record record;
    size_t strata = 0;

    basin.head = flume_log_head(log);
    for (uint64_t seq = 0; seq < basin.head; seq++) {
        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        basin.known[seq].check = record.check;
        basin.known[seq].body = hash_bytes(record.body, record.body_bytes, 1);
        basin.known[seq].time_ns = record.time_ns;
        basin.known[seq].is_manifest = record.kind == FLUME_KIND_MANIFEST;
        if (record.strata_seq == seq) {
            basin.firsts[strata++] = seq;
            basin.late_ns = record.time_ns;
        }
        flume_record_release(&record);
    }
    assert_int_equal(strata, SEALED + 1);
}

static void make_basin(bool is_whole)
{
    static const flume_seal_options sealing = {
        .mode = FLUME_SEAL_ON_REQUEST, .block_bytes = FLUME_BLOCK_BYTES_MIN, .dictionary = true};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = STRATA_BYTES,
                                 .seal = &sealing,
                                 .io = &basin.io};
    flume_seal_call call = {.active = is_whole};
    flume_log *log = NULL;
    flume_seal_report report;

    memset(&basin, 0, sizeof basin);
    basin.sealed = is_whole ? SEALED + 1 : SEALED;
    basin.damaged = is_whole ? SEALED : 1;
    assert_int_equal(io_memory_create(NULL, &basin.io), FLUME_OK);
    assert_int_equal(flume_log_open(&log, BASIN, &options, NULL), FLUME_OK);
    fill(log);
    learn_records(log);
    assert_int_equal(flume_log_seal(log, &call, &report), FLUME_OK);
    assert_int_equal(report.strata, basin.sealed);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    take_files();
}

static int make_open_basin(void **state)
{
    (void)state;
    make_basin(false);
    return 0;
}

static int make_sealed_basin(void **state)
{
    (void)state;
    make_basin(true);
    return 0;
}

static int forget_basin(void **state)
{
    (void)state;
    for (size_t i = 0; i < basin.file_count; i++)
        free(basin.files[i].bytes);
    io_memory_destroy(&basin.io);
    return 0;
}

/* --- Ways to damage it ------------------------------------------------------------------------ */

static const struct file *strata_file(size_t index)
{
    char name[STRATA_NAME_BYTES];

    strata_name(name, basin.firsts[index]);
    for (size_t i = 0; i < basin.file_count; i++) {
        if (strcmp(basin.files[i].path + strlen(BASIN "/log/"), name) == 0)
            return &basin.files[i];
    }
    fail_msg("no strata %zu", index);
    return NULL;
}

static const struct file *damaged(void)
{
    return strata_file(basin.damaged);
}

static void footer_of(const struct file *file, struct sealed_footer *out_footer)
{
    assert_int_equal(
        sealed_footer_decode(file->bytes + file->count - STRATA_PAGE_BYTES, out_footer), FLUME_OK);
}

static void put_footer(const struct file *file, const struct sealed_footer *footer)
{
    uint8_t page[STRATA_PAGE_BYTES];

    sealed_footer_encode(page, footer);
    put_bytes(file->path, file->count - sizeof page, page, sizeof page);
}

static struct sealed_section *section_of(struct sealed_footer *footer, uint32_t id)
{
    for (uint32_t i = 0; i < footer->section_count; i++) {
        if (footer->sections[i].id == id)
            return &footer->sections[i];
    }
    fail_msg("no section %u", id);
    return NULL;
}

static void flip(const struct file *file, uint64_t at)
{
    uint8_t byte = file->bytes[at] ^ 4;

    put_bytes(file->path, at, &byte, 1);
}

static void flip_section(uint32_t id)
{
    struct sealed_footer footer;

    footer_of(damaged(), &footer);
    flip(damaged(), section_of(&footer, id)->offset + 5);
}

/* Bytes of a section, changed by who had the right to: its check is theirs. */
static void forge_section(uint32_t id, uint64_t at, const void *bytes, size_t count)
{
    struct sealed_footer footer;
    struct sealed_section *section;
    uint8_t *content;

    footer_of(damaged(), &footer);
    section = section_of(&footer, id);
    content = malloc((size_t)section->bytes);
    assert_non_null(content);
    assert_true(at + count <= section->bytes);
    memcpy(content, damaged()->bytes + section->offset, (size_t)section->bytes);
    memcpy(content + at, bytes, count);
    section->check = hash_bytes(content, (size_t)section->bytes, footer.salt + section->offset);
    put_bytes(damaged()->path, section->offset, content, (size_t)section->bytes);
    put_footer(damaged(), &footer);
    free(content);
}

/* The section is of an id that nobody knows. */
static void hide_section(uint32_t id)
{
    struct sealed_footer footer;

    footer_of(damaged(), &footer);
    section_of(&footer, id)->id = 99;
    put_footer(damaged(), &footer);
}

static void nothing(void)
{
}

static void the_machine_stopped(void)
{
    (void)basin.io.unlink(basin.io.ctx, BASIN "/HEAD");
}

static void a_block_is_damaged(void)
{
    flip(damaged(), STRATA_DATA_AT + SEALED_BLOCK_HEADER_BYTES + 9);
}

static void the_block_index_is_damaged(void)
{
    flip_section(SEALED_SECTION_BLOCKS);
}

static void the_footer_page_is_lost(void)
{
    static const uint8_t zeros[STRATA_PAGE_BYTES];

    put_bytes(damaged()->path, damaged()->count - sizeof zeros, zeros, sizeof zeros);
}

static void the_footer_page_and_a_block_are_lost(void)
{
    the_footer_page_is_lost();
    a_block_is_damaged();
}

static void the_header_page_is_lost(void)
{
    flip(damaged(), 100);
}

static void both_pages_are_lost(void)
{
    the_header_page_is_lost();
    the_footer_page_is_lost();
}

static void the_footer_page_is_of_another_strata(void)
{
    struct sealed_footer footer;

    footer_of(damaged(), &footer);
    footer.strata_id[3] ^= 1;
    put_footer(damaged(), &footer);
}

static void the_footer_page_has_another_seq(void)
{
    struct sealed_footer footer;

    footer_of(damaged(), &footer);
    footer.first_seq++;
    put_footer(damaged(), &footer);
}

static void the_machine_stopped_and_the_footer_page_is_lost(void)
{
    the_machine_stopped();
    the_footer_page_is_lost();
}

static void the_machine_stopped_and_a_block_is_lost_too(void)
{
    the_machine_stopped_and_the_footer_page_is_lost();
    a_block_is_damaged();
}

static void the_header_page_is_lost_and_the_footer_page_is_foreign(void)
{
    the_footer_page_has_another_seq();
    the_header_page_is_lost();
}

static void a_block_index_leads_astray(void)
{
    static const uint8_t far[4] = {0xf0, 0xff, 0xff, 0x00};

    forge_section(SEALED_SECTION_BLOCKS, SEALED_BLOCK_ENTRY_BYTES, far, sizeof far);
}

/* The length of the last block is not that of the part of the file where blocks are. */
static void a_block_index_leads_behind_the_blocks(void)
{
    struct sealed_footer footer;
    uint8_t much[4] = {0x00, 0x00, 0x10, 0x00};

    footer_of(damaged(), &footer);
    forge_section(SEALED_SECTION_BLOCKS,
                  (uint64_t)footer.block_count * SEALED_BLOCK_ENTRY_BYTES - 20, much, sizeof much);
}

static void the_merkle_nodes_are_damaged(void)
{
    flip_section(SEALED_SECTION_MERKLE);
}

static void one_dictionary_is_damaged(void)
{
    flip_section(SEALED_SECTION_DICTIONARY);
}

static void both_dictionaries_are_damaged(void)
{
    flip_section(SEALED_SECTION_DICTIONARY);
    flip_section(SEALED_SECTION_DICTIONARY_COPY);
}

static void there_is_no_dictionary(void)
{
    struct sealed_footer footer;

    footer_of(damaged(), &footer);
    section_of(&footer, SEALED_SECTION_DICTIONARY)->id = 98;
    section_of(&footer, SEALED_SECTION_DICTIONARY_COPY)->id = 99;
    put_footer(damaged(), &footer);
}

static void the_labels_are_damaged(void)
{
    flip_section(SEALED_SECTION_LABELS);
}

static void the_labels_are_not_there(void)
{
    hide_section(SEALED_SECTION_LABELS);
}

static void there_are_fewer_labels_than_are_counted(void)
{
    static const uint8_t many[4] = {200};

    forge_section(SEALED_SECTION_LABELS, 0, many, sizeof many);
}

static void a_label_is_longer_than_the_list(void)
{
    static const uint8_t longest = UINT8_MAX;

    forge_section(SEALED_SECTION_LABELS, 8, &longest, sizeof longest);
}

static void the_label_list_is_cut_short(void)
{
    struct sealed_footer footer;
    struct sealed_section *section;

    footer_of(damaged(), &footer);
    section = section_of(&footer, SEALED_SECTION_LABELS);
    section->bytes = 3;
    section->check =
        hash_bytes(damaged()->bytes + section->offset, 3, footer.salt + section->offset);
    put_footer(damaged(), &footer);
}

static void the_grain_index_is_not_there(void)
{
    hide_section(SEALED_SECTION_GRAINS);
}

static void the_grain_index_is_cut_short(void)
{
    struct sealed_footer footer;
    struct sealed_section *section;

    footer_of(damaged(), &footer);
    section = section_of(&footer, SEALED_SECTION_GRAINS);
    section->bytes = 3;
    section->check =
        hash_bytes(damaged()->bytes + section->offset, 3, footer.salt + section->offset);
    put_footer(damaged(), &footer);
}

static const uint8_t all_ones[12] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void the_grain_index_has_a_size_that_cannot_be(void)
{
    forge_section(SEALED_SECTION_GRAINS, 0, all_ones, 8);
}

static void the_grain_index_has_starts_that_cannot_be(void)
{
    forge_section(SEALED_SECTION_GRAINS, SEALED_INDEX_HEADER_BYTES, all_ones, sizeof all_ones);
}

static void the_grain_index_ends_in_a_record_that_cannot_be(void)
{
    struct sealed_footer footer;

    footer_of(damaged(), &footer);
    forge_section(SEALED_SECTION_GRAINS, section_of(&footer, SEALED_SECTION_GRAINS)->bytes - 4,
                  all_ones, 4);
}

static void the_strata_has_fewer_records_than_it_should(void)
{
    struct sealed_footer footer;

    footer_of(damaged(), &footer);
    footer.count -= 100;
    section_of(&footer, SEALED_SECTION_MERKLE)->bytes = (footer.count + SEALED_GROUP_RECORDS - 1) /
                                                        SEALED_GROUP_RECORDS * SEALED_HASH_BYTES;
    put_footer(damaged(), &footer);
}

static void the_first_strata_is_missing(void)
{
    (void)basin.io.unlink(basin.io.ctx, strata_file(0)->path);
}

static void a_strata_is_missing(void)
{
    (void)basin.io.unlink(basin.io.ctx, damaged()->path);
}

/* --- What is asked ---------------------------------------------------------------------------- */

/* What a case has come to: how much was answered, and how often not. */
struct outcome {
    unsigned right, refused;
    int opened, last;
};

struct world {
    struct faultio fault;
    struct fault_memory memory;
    flume_log *log;
    struct outcome outcome;
};

/* An answer, or an error with words. */
static bool judge(struct world *world, int status)
{
    flume_error error;

    world->outcome.last = status;
    if (status == FLUME_OK)
        world->outcome.right++;
    if (status == FLUME_OK || status == FLUME_END)
        return status == FLUME_OK;
    world->outcome.refused++;
    flume_log_error(world->log, &error);
    assert_int_equal(error.status, status);
    assert_true(error.message[0] != '\0');
    return false;
}

static void expect_right(const flume_record *record)
{
    const struct known *known = &basin.known[record->seq];

    assert_true(record->seq < basin.head);
    assert_true(record->check == known->check);
    assert_true(hash_bytes(record->body, record->body_bytes, 1) == known->body);
}

static void get_some(struct world *world)
{
    enum { STEP = 47 };
    flume_record record;

    for (uint64_t seq = 0; seq < basin.head; seq += STEP) {
        if (!judge(world, flume_log_get(world->log, seq, &record)))
            continue;
        assert_int_equal(record.seq, seq);
        expect_right(&record);
        flume_record_release(&record);
    }
}

/* As many as there are, or an error. */
static void walk(struct world *world, const flume_cursor_options *options, uint64_t count)
{
    flume_cursor *cursor = NULL;
    flume_record record;
    uint64_t found = 0;
    int status;

    if (!judge(world, flume_cursor_open(world->log, options, &cursor)))
        return;
    for (;;) {
        status = flume_cursor_next(cursor, 0, &record);
        if (!judge(world, status))
            break;
        expect_right(&record);
        found++;
    }
    if (status == FLUME_END)
        assert_int_equal(found, count);
    flume_cursor_close(cursor);
}

static void walk_all(struct world *world)
{
    static const uint8_t all = FLUME_KIND_ANY;
    flume_cursor_options options = {.kinds = &all, .kind_count = 1};

    walk(world, &options, basin.head);
}

static void walk_by_label(struct world *world)
{
    flume_cursor_options options = {.label = "red"};
    uint64_t red = 0, late = 0;

    for (uint64_t seq = 0; seq < basin.head; seq++) {
        red += basin.known[seq].is_red;
        late += basin.known[seq].time_ns >= basin.late_ns && !basin.known[seq].is_manifest;
    }
    walk(world, &options, red);
    options.label = "never";
    options.flags = FLUME_CURSOR_REVERSE;
    walk(world, &options, 0);
    options = (flume_cursor_options){.since_ns = basin.late_ns};
    walk(world, &options, late);
}

static void walk_grain_index(struct world *world)
{
    flume_grain_index *index = NULL;
    uint64_t first, end, seq, prefix, least = 0;
    uint64_t about = basin.firsts[2] - 1;

    if (!judge(world, flume_grain_index_open(world->log, about, &index, &first, &end)))
        return;
    assert_int_equal(first, basin.firsts[1]);
    assert_int_equal(end, basin.firsts[2]);
    for (uint64_t i = 0; judge(world, flume_grain_index_next(index, &prefix, &seq)); i++) {
        assert_true(prefix >= least && seq >= first && seq < end);
        least = prefix;
    }
    for (uint64_t from = 1; from != 0; from <<= 9) {
        if (!judge(world, flume_grain_index_seek(index, from)) ||
            !judge(world, flume_grain_index_next(index, &prefix, &seq)))
            continue;
        assert_true(prefix >= from && seq >= first && seq < end);
    }
    flume_grain_index_close(index);
}

static void walk_first_grain_index(struct world *world)
{
    flume_grain_index *index = NULL;
    uint64_t first, end;

    if (judge(world, flume_grain_index_open(world->log, 0, &index, &first, &end)))
        flume_grain_index_close(index);
}

static void describe_strata(struct world *world)
{
    for (size_t i = 0; i <= SEALED; i++) {
        flume_strata_info info;

        if (!judge(world, flume_log_strata(world->log, basin.firsts[i] + 1, &info)))
            continue;
        assert_int_equal(info.first_seq, basin.firsts[i]);
        assert_int_equal(info.sealed, i < basin.sealed);
    }
}

static void prove_some(struct world *world)
{
    flume_consistency consistency;
    flume_proof proof;
    flume_root root;
    bool has_root = judge(world, flume_log_root(world->log, &root));

    if (has_root)
        assert_int_equal(root.end_seq, basin.firsts[SEALED]);
    for (uint64_t seq = 3; seq < basin.firsts[SEALED]; seq += 1201) {
        if (!judge(world, flume_log_prove(world->log, seq, &proof)))
            continue;
        if (has_root)
            assert_int_equal(flume_proof_verify(&proof, root.hash, NULL, 0, NULL), FLUME_OK);
        flume_proof_release(&proof);
    }
    if (judge(world, flume_log_prove(world->log, basin.firsts[2] - 1, &proof)))
        flume_proof_release(&proof);
    if (!judge(world, flume_consistency_prove(world->log, basin.firsts[1], &consistency)))
        return;
    if (has_root)
        assert_int_equal(flume_consistency_verify(&consistency, NULL, root.hash, NULL), FLUME_OK);
    flume_consistency_release(&consistency);
}

static void find_a_root(struct world *world)
{
    static const uint8_t nobodys[FLUME_ROOT_BYTES];
    flume_root root;

    assert_false(judge(world, flume_log_root_find(world->log, nobodys, &root)));
}

/* --- Cases ------------------------------------------------------------------------------------ */

/* Where failures begin. */
enum begin { WHEN_OPEN, TO_OPEN };

struct row {
    void (*damage)(void);
    void (*ask)(struct world *world);
    bool is_refused; /* Something of it, also in health. */
    enum begin begin;
};

static struct outcome play(const struct row *row, const struct fault_plan *plan, uint64_t memory_at,
                           bool *out_failed)
{
    static struct world world;
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
    flume_error error = {.status = FLUME_OK};

    memset(&world, 0, sizeof world);
    faultio_init(&world.fault, &basin.io);
    fault_memory_init(&world.memory);
    if (row->begin == TO_OPEN) {
        faultio_plan(&world.fault, *plan);
        fault_memory_plan(&world.memory, memory_at, FAULT_ONCE);
    }
    options.io = &world.fault.table;
    options.allocator = &world.memory.table;
    world.outcome.opened = flume_log_open(&world.log, BASIN, &options, &error);
    if (world.outcome.opened == FLUME_OK) {
        if (row->begin == WHEN_OPEN) {
            faultio_plan(&world.fault, *plan);
            fault_memory_plan(&world.memory, memory_at, FAULT_ONCE);
        }
        row->ask(&world);
        assert_int_equal(flume_log_close(world.log), FLUME_OK);
    } else {
        assert_true(error.message[0] != '\0');
    }
    *out_failed = faultio_heal(&world.fault) > 0 || world.memory.failed > 0;
    assert_int_equal(world.fault.open_files, 0);
    assert_int_equal(world.fault.open_maps, 0);
    assert_int_equal(world.memory.live_blocks, 0);
    faultio_deinit(&world.fault);
    fault_memory_deinit(&world.memory);
    return world.outcome;
}

static uint64_t next_place(uint64_t place)
{
    if (getenv("FLUME_TEST_LONG") != NULL || place < PLACES_ALL)
        return place + 1;
    return 2 * place + 1 - PLACES_ALL;
}

static const struct fault_plan in_health = {.call = FAULT_ANY};

static struct outcome play_in_health(const struct row *row)
{
    bool failed;

    return play(row, &in_health, 0, &failed);
}

static void fail_everywhere(const struct row *row, enum fault_call call, int result)
{
    struct fault_plan plan = {.call = call, .nth = 1, .result = result};
    bool failed = true;

    for (; failed; plan.nth = next_place(plan.nth)) {
        (void)play(row, &plan, 0, &failed);
        assert_true(plan.nth < PLACES_MAX);
    }
}

/* While a log is opened, every request: there are few. */
static void fail_memory_everywhere(const struct row *row)
{
    bool failed = true;

    for (uint64_t nth = 1; failed;
         nth = row->begin == TO_OPEN && nth < 400 ? nth + 1 : next_place(nth)) {
        (void)play(row, &in_health, nth, &failed);
        assert_true(nth < PLACES_MAX);
    }
}

static void ask_of(const struct row *row)
{
    struct outcome before, after;

    row->damage();
    before = play_in_health(row);
    assert_int_equal(before.opened != FLUME_OK || before.refused > 0, row->is_refused);
    fail_everywhere(row, FAULT_ANY, -EIO);
    fail_everywhere(row, FAULT_OPEN, -ENOENT);
    fail_everywhere(row, FAULT_PREAD, -EACCES);
    fail_memory_everywhere(row);
    after = play_in_health(row);
    assert_int_equal(after.opened, before.opened);
    assert_int_equal(after.right, before.right);
    assert_int_equal(after.refused, before.refused);
    restore();
}

static void ask_of_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ask_of(&rows[i]);
}

static void records_are_right_or_refused(void **state)
{
    static const struct row rows[] = {
        {nothing, get_some, false, WHEN_OPEN},
        {nothing, walk_all, false, WHEN_OPEN},
        {a_block_is_damaged, walk_all, true, WHEN_OPEN},
        {one_dictionary_is_damaged, get_some, false, WHEN_OPEN},
        {both_dictionaries_are_damaged, get_some, true, WHEN_OPEN},
        {there_is_no_dictionary, get_some, true, WHEN_OPEN},
        {a_strata_is_missing, get_some, true, WHEN_OPEN},
    };

    (void)state;
    ask_of_all(rows, sizeof rows / sizeof rows[0]);
}

static void blocks_are_found_without_their_index(void **state)
{
    static const struct row rows[] = {
        {the_block_index_is_damaged, get_some, false, WHEN_OPEN},
        {a_block_index_leads_astray, get_some, false, WHEN_OPEN},
        {a_block_index_leads_behind_the_blocks, get_some, false, WHEN_OPEN},
        {the_footer_page_is_lost, walk_all, false, WHEN_OPEN},
        {the_footer_page_and_a_block_are_lost, get_some, false, WHEN_OPEN},
        {the_footer_page_is_of_another_strata, get_some, false, WHEN_OPEN},
        {the_footer_page_has_another_seq, get_some, false, WHEN_OPEN},
        {the_header_page_is_lost, get_some, false, WHEN_OPEN},
        {both_pages_are_lost, get_some, true, WHEN_OPEN},
        {the_header_page_is_lost_and_the_footer_page_is_foreign, get_some, true, WHEN_OPEN},
    };

    (void)state;
    ask_of_all(rows, sizeof rows / sizeof rows[0]);
}

static void labels_hide_no_record(void **state)
{
    static const struct row rows[] = {
        {nothing, walk_by_label, false, WHEN_OPEN},
        {the_labels_are_damaged, walk_by_label, false, WHEN_OPEN},
        {the_labels_are_not_there, walk_by_label, false, WHEN_OPEN},
        {there_are_fewer_labels_than_are_counted, walk_by_label, false, WHEN_OPEN},
        {a_label_is_longer_than_the_list, walk_by_label, false, WHEN_OPEN},
        {the_label_list_is_cut_short, walk_by_label, false, WHEN_OPEN},
        {the_footer_page_is_lost, walk_by_label, false, WHEN_OPEN},
    };

    (void)state;
    ask_of_all(rows, sizeof rows / sizeof rows[0]);
}

static void a_grain_index_gives_what_can_be_or_nothing(void **state)
{
    static const struct row rows[] = {
        {nothing, walk_grain_index, false, WHEN_OPEN},
        {the_grain_index_is_not_there, walk_grain_index, true, WHEN_OPEN},
        {the_grain_index_is_cut_short, walk_grain_index, true, WHEN_OPEN},
        {the_grain_index_has_a_size_that_cannot_be, walk_grain_index, true, WHEN_OPEN},
        {the_grain_index_has_starts_that_cannot_be, walk_grain_index, true, WHEN_OPEN},
        {the_grain_index_ends_in_a_record_that_cannot_be, walk_grain_index, true, WHEN_OPEN},
        {the_strata_has_fewer_records_than_it_should, walk_grain_index, true, WHEN_OPEN},
        {a_strata_is_missing, walk_grain_index, true, WHEN_OPEN},
        {the_first_strata_is_missing, walk_first_grain_index, true, WHEN_OPEN},
    };

    (void)state;
    ask_of_all(rows, sizeof rows / sizeof rows[0]);
}

static void strata_are_described_or_refused(void **state)
{
    static const struct row rows[] = {
        {nothing, describe_strata, false, WHEN_OPEN},
        {the_footer_page_is_lost, describe_strata, true, WHEN_OPEN},
        {both_pages_are_lost, describe_strata, true, WHEN_OPEN},
        {the_first_strata_is_missing, describe_strata, true, WHEN_OPEN},
    };

    (void)state;
    ask_of_all(rows, sizeof rows / sizeof rows[0]);
}

static void proofs_hold_or_are_refused(void **state)
{
    static const struct row rows[] = {
        {nothing, prove_some, false, WHEN_OPEN},
        {nothing, find_a_root, true, WHEN_OPEN},
        {the_merkle_nodes_are_damaged, prove_some, true, WHEN_OPEN},
        {the_footer_page_is_lost, prove_some, true, WHEN_OPEN},
        {the_first_strata_is_missing, prove_some, true, WHEN_OPEN},
        {the_strata_has_fewer_records_than_it_should, prove_some, true, WHEN_OPEN},
        {a_strata_is_missing, prove_some, true, WHEN_OPEN},
    };

    (void)state;
    ask_of_all(rows, sizeof rows / sizeof rows[0]);
}

/* Blocks were found one by one, and then the last one goes bad: how many records it had is not
 * known. */
static void a_block_that_was_found_and_goes_bad_is_refused(void **state)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .io = &basin.io};
    struct sealed_footer footer;
    struct sealed_block_entry last;
    flume_record record;
    flume_log *log = NULL;

    (void)state;
    footer_of(damaged(), &footer);
    sealed_block_entry_decode(damaged()->bytes +
                                  section_of(&footer, SEALED_SECTION_BLOCKS)->offset +
                                  (uint64_t)(footer.block_count - 1) * SEALED_BLOCK_ENTRY_BYTES,
                              &last);
    the_footer_page_is_lost();
    assert_int_equal(flume_log_open(&log, BASIN, &options, NULL), FLUME_OK);
    assert_int_equal(flume_log_get(log, footer.first_seq, &record), FLUME_OK);
    flume_record_release(&record);
    flip(damaged(), last.file_offset + SEALED_BLOCK_HEADER_BYTES + 3);
    assert_int_equal(flume_log_get(log, footer.first_seq + footer.count - 1, &record),
                     FLUME_ERR_DAMAGED);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    restore();
}

/* Headers all over, each of a block that would be half as long as the file. */
static void a_search_for_blocks_has_an_end(void **state)
{
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .io = &basin.io};
    uint8_t *junk = calloc(1, damaged()->count);
    struct sealed_block block = {.raw_offset = STRATA_DATA_AT,
                                 .count = 2,
                                 .stored_bytes = (uint32_t)damaged()->count / 2,
                                 .raw_bytes = 200 << 10,
                                 .codec = SEALED_ZSTD};
    flume_record record;
    flume_log *log = NULL;

    (void)state;
    assert_non_null(junk);
    sealed_block_encode(junk, &block, 1, 1);
    for (size_t at = SEALED_BLOCK_HEADER_BYTES; at < damaged()->count / 4; at++)
        junk[at] = junk[at - SEALED_BLOCK_HEADER_BYTES];
    the_footer_page_is_lost();
    put_bytes(damaged()->path, STRATA_DATA_AT, junk, damaged()->count - 2 * STRATA_PAGE_BYTES);
    assert_int_equal(flume_log_open(&log, BASIN, &options, NULL), FLUME_OK);
    assert_int_equal(flume_log_get(log, basin.firsts[basin.damaged], &record), FLUME_ERR_DAMAGED);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    restore();
    free(junk);
}

static void after_a_machine_stop_the_same_is_answered(void **state)
{
    static const struct row rows[] = {
        {the_machine_stopped, get_some, false, TO_OPEN},
    };

    (void)state;
    ask_of_all(rows, sizeof rows / sizeof rows[0]);
}

/* Nothing but its blocks tells what the last strata has. */
static void a_log_that_ends_in_a_sealed_strata_is_recovered(void **state)
{
    static const struct row rows[] = {
        {the_machine_stopped, get_some, false, TO_OPEN},
        {the_machine_stopped_and_the_footer_page_is_lost, get_some, false, TO_OPEN},
        {the_machine_stopped_and_a_block_is_lost_too, walk_all, true, TO_OPEN},
    };

    (void)state;
    ask_of_all(rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_right_or_refused),
        cmocka_unit_test(blocks_are_found_without_their_index),
        cmocka_unit_test(labels_hide_no_record),
        cmocka_unit_test(a_grain_index_gives_what_can_be_or_nothing),
        cmocka_unit_test(strata_are_described_or_refused),
        cmocka_unit_test(proofs_hold_or_are_refused),
        cmocka_unit_test(a_block_that_was_found_and_goes_bad_is_refused),
        cmocka_unit_test(a_search_for_blocks_has_an_end),
        cmocka_unit_test(after_a_machine_stop_the_same_is_answered),
    };
    const struct CMUnitTest whole_tests[] = {
        cmocka_unit_test(a_log_that_ends_in_a_sealed_strata_is_recovered),
    };

    return cmocka_run_group_tests(tests, make_open_basin, forget_basin) +
           cmocka_run_group_tests(whole_tests, make_sealed_basin, forget_basin);
}
