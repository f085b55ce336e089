/*
 * test_seal_file.c - the sealed file of a strata, byte for byte, before it takes the raw one's
 * place.
 */
#include "seal_fixture.h"

#include <unistd.h>

#include "seal_file.h"

enum { LABELS_MANY = 3000 };

static const char temporary[] = "basin.flume/log/" SEAL_TEMPORARY_NAME;

/* What the first strata of the log is sealed with, all defaults. */
static struct seal_plan first_plan(struct log_fixture *fx)
{
    uint64_t firsts[SEAL_STRATA_MAX];

    assert_true(list_strata(fx, firsts) >= 2);
    return (struct seal_plan){.first_seq = firsts[0],
                              .count = firsts[1] - firsts[0],
                              .block_bytes = SEALED_BLOCK_BYTES_DEFAULT,
                              .level = 1};
}

static void write_sealed(struct log_fixture *fx, const struct seal_plan *plan,
                         struct taken_apart *out_parts)
{
    struct sealed_footer footer;

    assert_int_equal(seal_file_write(fx->log, plan, &footer), FLUME_OK);
    take_apart(fixture_path(fx, temporary), out_parts);
    assert_memory_equal(out_parts->footer.chain, footer.chain, sizeof footer.chain);
}

/* The blocks hold the raw strata's bytes, from the first grain to the end of the last. */
static void expect_raw_bytes(struct log_fixture *fx, const struct taken_apart *parts)
{
    struct whole_file raw = read_whole(strata_path(fx, "basin.flume", parts->footer.first_seq));

    assert_true(raw.count >= parts->footer.raw_end);
    assert_memory_equal(raw.bytes + STRATA_DATA_AT, parts->raw, parts->raw_bytes);
    whole_file_release(&raw);
}

static void blocks_hold_the_bytes_of_the_raw_strata(void **state)
{
    struct log_fixture *fx = *state;
    struct taken_apart parts;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    expect_raw_bytes(fx, &parts);
    assert_int_equal(parts.footer.count, plan.count);
    assert_true(parts.packed > 0 && parts.stored > 0); /* Both sorts of data were there. */
    assert_int_equal(parts.with_dictionary, 0);
    parts_release(&parts);
}

static void every_block_size_and_level_gives_a_sound_file(void **state)
{
    static const uint32_t sizes[] = {SEALED_BLOCK_BYTES_MIN, 8 << 10, 64 << 10, 100000,
                                     SEALED_BLOCK_BYTES_MAX};
    static const int levels[] = {1, 3, 9, FLUME_SEAL_LEVEL_MAX, 2};
    struct log_fixture *fx = *state;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct seal_plan plan = first_plan(fx);
        struct taken_apart parts;

        plan.block_bytes = sizes[i];
        plan.level = levels[i];
        write_sealed(fx, &plan, &parts);
        expect_raw_bytes(fx, &parts);
        assert_int_equal(parts.footer.block_bytes, sizes[i]);
        parts_release(&parts);
    }
}

/* --- The grain index -------------------------------------------------------------------------- */

struct index_view {
    const uint8_t *starts, *prefixes, *ordinals;
    unsigned fan_bits;
    uint32_t count;
};

static struct index_view view_index(const struct taken_apart *parts)
{
    const struct sealed_section *section =
        sealed_section_find(&parts->footer, SEALED_SECTION_GRAINS);
    const uint8_t *bytes;
    struct sealed_index_shape shape;
    struct index_view view;

    assert_non_null(section);
    bytes = parts->file.bytes + section->offset;
    assert_true(sealed_index_header_decode(bytes, section->bytes, &view.fan_bits, &view.count));
    sealed_index_shape(view.fan_bits, view.count, &shape);
    view.starts = bytes + shape.starts_at;
    view.prefixes = bytes + shape.prefixes_at;
    view.ordinals = bytes + shape.ordinals_at;
    return view;
}

/* Which bucket a prefix belongs to. */
static uint32_t bucket_of(const struct index_view *view, const uint8_t *prefix)
{
    uint32_t high = (uint32_t)prefix[0] << 24 | (uint32_t)prefix[1] << 16 |
                    (uint32_t)prefix[2] << 8 | prefix[3];

    return view->fan_bits == 0 ? 0 : high >> (32 - view->fan_bits);
}

static void check_index_order(const struct index_view *view)
{
    assert_int_equal(get_le32(view->starts), 0);
    assert_int_equal(get_le32(view->starts + ((size_t)4 << view->fan_bits)), view->count);
    for (uint32_t i = 0; i < view->count; i++) {
        const uint8_t *prefix = view->prefixes + (size_t)i * 8;
        uint32_t bucket = bucket_of(view, prefix);

        assert_true(get_le32(view->starts + (size_t)bucket * 4) <= i);
        assert_true(get_le32(view->starts + ((size_t)bucket + 1) * 4) > i);
        if (i > 0) {
            int order = memcmp(prefix - 8, prefix, 8);

            assert_true(order < 0 || (order == 0 && get_le32(view->ordinals + ((size_t)i - 1) * 4) <
                                                        get_le32(view->ordinals + (size_t)i * 4)));
        }
    }
}

static void the_grain_index_has_each_body_once_and_in_order(void **state)
{
    struct log_fixture *fx = *state;
    struct taken_apart parts;
    struct index_view view;
    struct seal_plan plan;
    bool *seen;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    view = view_index(&parts);
    assert_int_equal(view.count, plan.count);
    check_index_order(&view);
    seen = calloc(plan.count, sizeof *seen);
    assert_non_null(seen);
    for (uint32_t i = 0; i < view.count; i++) {
        uint32_t ordinal = get_le32(view.ordinals + (size_t)i * 4);
        struct merkle_hash hash;
        const uint8_t *source;
        struct grain grain;

        assert_true(ordinal < plan.count && !seen[ordinal]);
        seen[ordinal] = true;
        source = part_grain(&parts, ordinal, &grain);
        merkle_hash_bytes(grain_body(source, &grain), grain.body_bytes, &hash);
        assert_memory_equal(hash.bytes, view.prefixes + (size_t)i * 8, 8);
    }
    free(seen);
    parts_release(&parts);
}

static void equal_bodies_are_indexed_in_order_of_their_seq(void **state)
{
    struct log_fixture *fx = *state;
    struct taken_apart parts;
    struct index_view view;
    struct seal_plan plan;
    uint64_t firsts[SEAL_STRATA_MAX];

    open_for_sealing(fx);
    while (list_strata(fx, firsts) < 2) {
        for (unsigned i = 0; i < 500; i++)
            (void)append_text(fx->log, "always the same");
    }
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    view = view_index(&parts);
    assert_int_equal(view.count, plan.count);
    check_index_order(&view);
    parts_release(&parts);
}

/* --- Labels, tree, times, kinds --------------------------------------------------------------- */

/* How many records of a strata carry a label, counted by reading them. */
static uint32_t count_label(struct log_fixture *fx, const struct seal_plan *plan,
                            const uint8_t *text, size_t bytes)
{
    uint32_t count = 0;

    for (uint64_t seq = plan->first_seq; seq < plan->first_seq + plan->count; seq++) {
        char label[FLUME_LABEL_BYTES_MAX + 1] = {0};
        flume_record record;

        memcpy(label, text, bytes);
        assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
        count += flume_record_has_label(&record, label);
        flume_record_release(&record);
    }
    return count;
}

static void labels_are_told_in_order_with_their_records(void **state)
{
    struct log_fixture *fx = *state;
    const struct sealed_section *section;
    struct taken_apart parts;
    struct seal_plan plan;
    const uint8_t *at, *before = NULL;

    open_for_sealing(fx);
    (void)append_labelled(fx->log, "one of a kind", "a");
    fill_strata(fx, 2);
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    section = sealed_section_find(&parts.footer, SEALED_SECTION_LABELS);
    assert_non_null(section);
    at = parts.file.bytes + section->offset;
    assert_int_equal(get_le32(at), 4);
    at += 4;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(get_le32(at), count_label(fx, &plan, at + 5, at[4]));
        if (before != NULL)
            assert_true(memcmp(before + 5, at + 5, before[4] < at[4] ? before[4] : at[4]) < 0 ||
                        before[4] < at[4]);
        before = at;
        at += 5 + at[4];
    }
    assert_true(at == parts.file.bytes + section->offset + section->bytes);
    parts_release(&parts);
}

static void a_label_that_a_record_repeats_counts_once(void **state)
{
    static const char *const twice[] = {"twice", "twice"};
    struct log_fixture *fx = *state;
    flume_entry entry = {.body = "x", .body_bytes = 1, .labels = twice, .label_count = 2};
    const struct sealed_section *section;
    struct taken_apart parts;
    struct seal_plan plan;

    open_for_sealing(fx);
    assert_int_equal(flume_log_append_entry(fx->log, &entry, NULL), FLUME_OK);
    while (append_bytes(fx->log, 20000, 1) < 30) {
    }
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    section = sealed_section_find(&parts.footer, SEALED_SECTION_LABELS);
    assert_int_equal(get_le32(parts.file.bytes + section->offset), 1);
    assert_int_equal(get_le32(parts.file.bytes + section->offset + 4), 1);
    parts_release(&parts);
}

static void more_labels_than_fit_are_left_out(void **state)
{
    struct log_fixture *fx = *state;
    struct taken_apart parts;
    struct seal_plan plan;

    fx->options.strata_bytes = 2 << 20;
    fx->options.seal = &seal_on_request;
    open_log(fx);
    for (unsigned i = 0; i < LABELS_MANY; i++) {
        char label[128];

        (void)snprintf(label, sizeof label, "%0100u", i);
        (void)append_labelled(fx->log, "", label);
    }
    while (append_bytes(fx->log, 60000, 1) < LABELS_MANY + 60) {
    }
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    assert_null(sealed_section_find(&parts.footer, SEALED_SECTION_LABELS));
    parts_release(&parts);
}

static void the_root_is_that_of_all_records_and_the_chain_goes_on(void **state)
{
    struct log_fixture *fx = *state;
    struct merkle_hash *leaves, root, chain, before = {{0}};
    const struct sealed_section *section;
    struct sealed_footer previous;
    uint64_t firsts[SEAL_STRATA_MAX];

    open_for_sealing(fx);
    fill_strata(fx, 3);
    assert_true(list_strata(fx, firsts) >= 3);
    for (unsigned i = 0; i < 2; i++) {
        struct seal_plan plan = first_plan(fx);
        struct taken_apart parts;

        plan.first_seq = firsts[i];
        plan.count = firsts[i + 1] - firsts[i];
        plan.previous = i == 0 ? NULL : &previous;
        write_sealed(fx, &plan, &parts);
        leaves = malloc(plan.count * sizeof *leaves);
        assert_non_null(leaves);
        for (uint32_t ordinal = 0; ordinal < plan.count; ordinal++) {
            struct merkle_hash body;
            struct grain grain;
            const uint8_t *source = part_grain(&parts, ordinal, &grain);

            merkle_hash_bytes(grain_body(source, &grain), grain.body_bytes, &body);
            merkle_leaf(source, source + GRAIN_HEADER_BYTES, grain.meta_bytes, &body,
                        &leaves[ordinal]);
        }
        merkle_root(leaves, plan.count, &root);
        assert_memory_equal(root.bytes, parts.footer.root, sizeof root.bytes);
        assert_memory_equal(before.bytes, parts.footer.chain_before, sizeof before.bytes);
        merkle_chain(&before, &root, plan.first_seq, plan.count, &chain);
        assert_memory_equal(chain.bytes, parts.footer.chain, sizeof chain.bytes);
        section = sealed_section_find(&parts.footer, SEALED_SECTION_MERKLE);
        for (uint64_t group = 0; group < merkle_group_count(plan.count); group++) {
            merkle_root(leaves + group * MERKLE_GROUP, merkle_group_leaves(plan.count, group),
                        &root);
            assert_memory_equal(parts.file.bytes + section->offset + group * sizeof root,
                                root.bytes, sizeof root);
        }
        before = chain;
        previous = parts.footer;
        free(leaves);
        parts_release(&parts);
    }
}

static void the_footer_tells_times_and_kinds(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t least = UINT64_MAX, greatest = 0;
    uint32_t counts[STRATA_KINDS] = {0};
    uint64_t last[STRATA_KINDS];
    struct taken_apart parts;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    for (unsigned kind = 0; kind < STRATA_KINDS; kind++)
        last[kind] = FLUME_SEQ_NONE;
    for (uint32_t ordinal = 0; ordinal < plan.count; ordinal++) {
        struct grain grain;

        (void)part_grain(&parts, ordinal, &grain);
        counts[grain.kind]++;
        last[grain.kind] = plan.first_seq + ordinal;
        least = grain.time_ns < least ? grain.time_ns : least;
        greatest = grain.time_ns > greatest ? grain.time_ns : greatest;
    }
    assert_memory_equal(counts, parts.footer.kind_counts, sizeof counts);
    assert_memory_equal(last, parts.footer.last_of_kind, sizeof last);
    assert_true(parts.footer.least_time_ns == least);
    assert_true(parts.footer.greatest_time_ns == greatest);
    assert_true(parts.footer.running_time_ns == greatest);
    parts_release(&parts);
}

/* --- A dictionary ----------------------------------------------------------------------------- */

/* Words that recur, but seldom within one small block. */
static void append_words(flume_log *log, unsigned seed)
{
    char text[200];
    size_t at = 0;

    while (at + 10 <= sizeof text) {
        uint64_t word = hash_bytes(&seed, sizeof seed, at) % 900;

        at += (size_t)snprintf(text + at, sizeof text - at, "%08x ",
                               (unsigned)hash_bytes(&word, sizeof word, 7));
    }
    assert_int_equal(flume_log_append(log, text, at, NULL), FLUME_OK);
}

static void a_dictionary_is_kept_where_it_pays(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t firsts[SEAL_STRATA_MAX];
    struct taken_apart parts;
    struct seal_plan plan;
    uint64_t without;

    fx->options.strata_bytes = 1 << 20;
    fx->options.seal = &seal_on_request;
    open_log(fx);
    for (unsigned i = 0; list_strata(fx, firsts) < 2; i++)
        append_words(fx->log, i);
    plan = first_plan(fx);
    plan.block_bytes = SEALED_BLOCK_BYTES_MIN;
    write_sealed(fx, &plan, &parts);
    without = parts.file.count;
    parts_release(&parts);
    plan.dictionary = true;
    write_sealed(fx, &plan, &parts);
    expect_raw_bytes(fx, &parts);
    assert_true(parts.with_dictionary > 0 && parts.packed == 0);
    assert_true(parts.file.count < without);
    parts_release(&parts);
}

static void a_dictionary_that_saves_nothing_is_left_out(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t firsts[SEAL_STRATA_MAX];
    struct taken_apart parts;
    struct seal_plan plan;

    open_for_sealing(fx);
    for (unsigned i = 0; list_strata(fx, firsts) < 2; i++)
        (void)append_bytes(fx->log, 1000, i);
    plan = first_plan(fx);
    plan.dictionary = true;
    write_sealed(fx, &plan, &parts);
    assert_null(sealed_section_find(&parts.footer, SEALED_SECTION_DICTIONARY));
    assert_int_equal(parts.with_dictionary, 0);
    parts_release(&parts);
}

/* --- What is refused -------------------------------------------------------------------------- */

static void expect_refused(struct log_fixture *fx, const struct seal_plan *plan, int status,
                           const char *word)
{
    struct sealed_footer footer;

    assert_int_equal(seal_file_write(fx->log, plan, &footer), status);
    if (word != NULL)
        expect_error(fx->log, status, word);
    assert_false(file_exists(fixture_path(fx, temporary)));
}

static void a_grain_that_does_not_read_is_named_and_nothing_is_left(void **state)
{
    struct log_fixture *fx = *state;
    struct taken_apart parts;
    struct seal_plan plan;
    uint64_t offset;
    char word[64];
    uint8_t byte;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    offset = parts.offsets[77];
    parts_release(&parts);
    read_file(strata_path(fx, "basin.flume", 0), offset + GRAIN_TIME_AT, &byte, 1);
    byte ^= 4;
    write_file(strata_path(fx, "basin.flume", 0), offset + GRAIN_TIME_AT, &byte, 1);
    (void)snprintf(word, sizeof word, "seq 77 is damaged (strata %020d, offset %llu)", 0,
                   (unsigned long long)offset);
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, word);
}

static void lying_sizes_in_a_grain_are_damage(void **state)
{
    static const uint32_t sizes[] = {UINT32_MAX, FLUME_BODY_BYTES_MAX, FLUME_BODY_BYTES_MAX + 1};
    struct log_fixture *fx = *state;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t bytes[4];

        put_le32(bytes, sizes[i]);
        write_file(strata_path(fx, "basin.flume", 0), STRATA_DATA_AT + GRAIN_BODY_BYTES_AT, bytes,
                   sizeof bytes);
        expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "seq 0 is damaged");
    }
}

static void more_records_than_there_are_is_damage(void **state)
{
    struct log_fixture *fx = *state;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    plan.count++;
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "is damaged");
    plan.count = UINT64_MAX;
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "is damaged");
}

static void a_header_that_does_not_read_is_damage(void **state)
{
    struct log_fixture *fx = *state;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    zero_file(strata_path(fx, "basin.flume", 0), 100, 8);
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "header");
}

/* Make the header of the first strata anew, as `change` has it. */
static void forge_first_header(struct log_fixture *fx, void (*change)(struct strata_header *header))
{
    const char *path = strata_path(fx, "basin.flume", 0);
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header header;

    read_file(path, 0, page, sizeof page);
    assert_int_equal(strata_header_decode(page, &header), FLUME_OK);
    change(&header);
    strata_header_encode(page, &header);
    write_file(path, 0, page, sizeof page);
}

static void forbid_writing(struct strata_header *header)
{
    header->read_only_compatible = 1;
}

static void a_feature_that_only_newer_ones_write_is_refused(void **state)
{
    struct log_fixture *fx = *state;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    forge_first_header(fx, forbid_writing);
    expect_refused(fx, &plan, FLUME_ERR_VERSION, "newer");
}

static void call_sealed(struct strata_header *header)
{
    header->form = STRATA_SEALED;
}

static void what_is_sealed_is_not_sealed_again(void **state)
{
    struct log_fixture *fx = *state;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    forge_first_header(fx, call_sealed);
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "already");
}

static void a_file_that_ends_too_early_is_damage(void **state)
{
    struct log_fixture *fx = *state;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    assert_int_equal(truncate(strata_path(fx, "basin.flume", 0), SEAL_STRATA_BYTES / 2), 0);
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "is damaged");
    assert_int_equal(truncate(strata_path(fx, "basin.flume", 0), 100), 0);
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "header");
}

static void a_strata_that_does_not_follow_is_refused(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t firsts[SEAL_STRATA_MAX];
    struct taken_apart parts;
    struct seal_plan plan;

    open_for_sealing(fx);
    fill_strata(fx, 3);
    (void)list_strata(fx, firsts);
    plan = first_plan(fx);
    write_sealed(fx, &plan, &parts);
    plan.first_seq = firsts[1];
    plan.count = firsts[2] - firsts[1];
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "does not follow");
    parts.footer.strata_id[3] ^= 1;
    plan.previous = &parts.footer;
    expect_refused(fx, &plan, FLUME_ERR_DAMAGED, "does not follow");
    parts_release(&parts);
}

struct patience {
    unsigned calls, at_most;
    uint64_t last;
};

static int lose_patience(void *ctx, uint64_t done_bytes)
{
    struct patience *patience = ctx;

    assert_true(done_bytes >= patience->last);
    patience->last = done_bytes;
    return ++patience->calls > patience->at_most;
}

static void it_can_be_given_up_after_each_block(void **state)
{
    struct log_fixture *fx = *state;
    struct patience patience = {.at_most = UINT32_MAX};
    struct sealed_footer footer;
    struct seal_plan plan;
    unsigned calls;

    open_for_sealing(fx);
    fill_strata(fx, 2);
    plan = first_plan(fx);
    plan.proceed = lose_patience;
    plan.proceed_ctx = &patience;
    assert_int_equal(seal_file_write(fx->log, &plan, &footer), FLUME_OK);
    assert_int_equal(patience.last, footer.raw_end - STRATA_DATA_AT);
    calls = patience.calls;
    assert_int_equal(calls, 2 * footer.block_count);
    for (unsigned i = 0; i < calls; i++) {
        patience = (struct patience){.at_most = i};
        expect_refused(fx, &plan, FLUME_ERR_CANCELLED, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(blocks_hold_the_bytes_of_the_raw_strata),
        closed_log_test(every_block_size_and_level_gives_a_sound_file),
        closed_log_test(the_grain_index_has_each_body_once_and_in_order),
        closed_log_test(equal_bodies_are_indexed_in_order_of_their_seq),
        closed_log_test(labels_are_told_in_order_with_their_records),
        closed_log_test(a_label_that_a_record_repeats_counts_once),
        closed_log_test(more_labels_than_fit_are_left_out),
        closed_log_test(the_root_is_that_of_all_records_and_the_chain_goes_on),
        closed_log_test(the_footer_tells_times_and_kinds),
        closed_log_test(a_dictionary_is_kept_where_it_pays),
        closed_log_test(a_dictionary_that_saves_nothing_is_left_out),
        closed_log_test(a_grain_that_does_not_read_is_named_and_nothing_is_left),
        closed_log_test(lying_sizes_in_a_grain_are_damage),
        closed_log_test(more_records_than_there_are_is_damage),
        closed_log_test(a_header_that_does_not_read_is_damage),
        closed_log_test(a_feature_that_only_newer_ones_write_is_refused),
        closed_log_test(what_is_sealed_is_not_sealed_again),
        closed_log_test(a_file_that_ends_too_early_is_damage),
        closed_log_test(a_strata_that_does_not_follow_is_refused),
        closed_log_test(it_can_be_given_up_after_each_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
