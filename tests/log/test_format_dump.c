/*
 * test_format_dump.c - the worked example of log/FORMAT.md is what the library writes.
 *
 * The example's basin is made again in a world that stands still (steady_io.h). Then every dumped
 * byte of FORMAT.md is compared with the byte of that name and offset, and every computed number
 * with one computed from FORMAT.md's own rules (plain_reader.h).
 *
 * With FLUME_SHOW_EXAMPLE in the environment it prints the section as it should be.
 */
#include "log_fixture.h"

#include "format_example.h"
#include "plain_reader.h"
#include "steady_io.h"

enum {
    FILL_BYTES = 50000,
    STRATA_BYTES = 64 << 10,
    FLAG_WITNESS = 2,
    KIND_MESSAGE = 1,
    KIND_MANIFEST = 2
};
static const char first_strata[] = "log/00000000000000000000.strata";
static const char first_slots[] = "log/00000000000000000000.slots";
static const char second_strata[] = "log/00000000000000000004.strata";
static const char check_input[] = "check input of seq 1";

/* --- The basin of the example --- */

static void append_at(flume_log *log, const char *body, size_t bytes, unsigned second)
{
    flume_entry entry = {
        .body = body, .body_bytes = bytes, .time_ns = STEADY_WALL_NS + second * SECOND_NS};

    assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
}

/*
 * seq 0 the writer's manifest; 1 a JSON message with a label; a sync; 2 a message that so carries a
 * witness; 3 one that fills the strata; 4 the manifest again, in the next strata; 5 a message.
 */
static void write_example(flume_log *log)
{
    const char *label = "greeting";
    flume_entry entry = {.body = "{\"answer\":42}",
                         .body_bytes = 13,
                         .labels = &label,
                         .label_count = 1,
                         .codec = FLUME_CODEC_JSON,
                         .time_ns = STEADY_WALL_NS + 1 * SECOND_NS};
    char *fill = calloc(1, FILL_BYTES);

    assert_non_null(fill);
    assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    append_at(log, "hello", 5, 2);
    append_at(log, fill, FILL_BYTES, 3);
    append_at(log, fill, FILL_BYTES / 5, 4);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_head(log), 6);
    free(fill);
}

static void make_basin(struct example *example)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .strata_bytes = STRATA_BYTES,
                                 .build = "1.0",
                                 .io = &example->io};
    flume_log *log = NULL;

    assert_int_equal(steady_io_create(&example->io), FLUME_OK);
    steady_io_hold_helpers();
    assert_int_equal(flume_log_open(&log, "example.flume", &options, NULL), FLUME_OK);
    write_example(log);
    steady_io_release_helpers();
    close_handle(log);
}

/* The grain of an ordinal, found by walking from the first one. */
static uint64_t find_grain(const struct example_file *file, uint32_t ordinal,
                           struct plain_grain *out_grain)
{
    uint64_t offset = PLAIN_PAGE_BYTES;
    struct plain_strata strata;

    assert_true(plain_strata_read(file->data, file->bytes, &strata));
    for (uint32_t i = 0;; i++) {
        assert_true(plain_grain_read(file->data, &strata, i, offset, out_grain));
        if (i == ordinal)
            return offset;
        offset = out_grain->end;
    }
}

static void add_check_input(struct example *example)
{
    struct example_file *file = example_add(example, check_input);
    struct plain_grain grain;

    (void)find_grain(example_file_of(example, first_strata), 1, &grain);
    file->data = malloc(PLAIN_INPUT_BYTES);
    assert_non_null(file->data);
    plain_check_input(&grain, file->data);
    file->bytes = PLAIN_INPUT_BYTES;
}

static int example_setup(void **state)
{
    struct example *example = calloc(1, sizeof *example);

    assert_non_null(example);
    make_basin(example);
    example_take(example, "flume.conf", "flume.conf");
    example_take(example, "TAIL", "TAIL");
    example_take(example, first_strata, first_strata);
    example_take(example, first_slots, first_slots);
    example_take(example, second_strata, second_strata);
    add_check_input(example);
    example_read_format(example, "log/FORMAT.md", "## A worked example\n");
    *state = example;
    return 0;
}

static int example_teardown(void **state)
{
    struct example *example = *state;

    example_release(example);
    steady_io_destroy(&example->io);
    free(example);
    return 0;
}

/* --- The dump --- */

static void every_dumped_byte_is_the_byte_written(void **state)
{
    assert_true(example_compare(*state) >= 0x100 + 0x60 + 0x50 + 56 + PLAIN_INPUT_BYTES);
}

static void the_settings_are_dumped_whole(void **state)
{
    const struct example *example = *state;
    const struct example_file *conf = example_file_of(example, "flume.conf");
    const char *rest = (const char *)conf->data;
    char line[EXAMPLE_LINE_BYTES], shown[EXAMPLE_LINE_BYTES + 8];
    uint64_t check;
    size_t at;

    assert_non_null(example->format);
    while ((rest = example_next_line(rest, line)) != NULL) {
        (void)snprintf(shown, sizeof shown, "\n    %s\n", line);
        if (strstr(example->format, shown) == NULL)
            fail_msg("FORMAT.md does not say \"%s\"", line);
    }
    assert_true(plain_conf_check((const char *)conf->data, &check, &at));
    assert_int_equal(strtoull((const char *)conf->data + at + 6, NULL, 16), check);
}

/* --- The numbers --- */

static void each_step_to_a_check_is_as_computed(void **state)
{
    const struct example *example = *state;
    const struct example_file *file = example_file_of(example, first_strata);
    struct plain_strata strata;
    struct plain_grain grain, bare;
    uint64_t offset = find_grain(file, 1, &grain);

    assert_true(plain_strata_read(file->data, file->bytes, &strata));
    bare = grain;
    bare.body = grain.meta; /* XXH3(meta', 0) is the payload of a body of these bytes. */
    bare.body_bytes = (uint32_t)grain.rest_bytes;
    bare.rest_bytes = 0;
    example_expect_line(example, "meta'   = %zu bytes at 0x%llx    XXH3(meta', 0) = %016llx",
                        grain.rest_bytes, (unsigned long long)offset + PLAIN_GRAIN_HEADER_BYTES,
                        (unsigned long long)plain_payload(&bare));
    example_expect_line(example, "payload = XXH3(body, the above)      = %016llx",
                        (unsigned long long)plain_payload(&grain));
    example_expect_line(example, "seed    = %016llx + 0x%llx  = %016llx",
                        (unsigned long long)strata.salt, (unsigned long long)offset,
                        (unsigned long long)(strata.salt + offset));
    example_expect_line(example, "check   = XXH3(check input, seed)    = %016llx",
                        (unsigned long long)grain.check);
    assert_int_equal(grain.check, plain_grain_check(&grain, strata.salt, offset));
}

static void the_example_grain_says_what_was_appended(void **state)
{
    const struct example *example = *state;
    const uint8_t *value;
    struct plain_grain grain;
    size_t at = 0;
    uint8_t tag, bytes;

    (void)find_grain(example_file_of(example, first_strata), 1, &grain);
    assert_int_equal(grain.kind, KIND_MESSAGE);
    assert_int_equal(grain.writer, 0);
    assert_int_equal(grain.time, STEADY_WALL_NS + SECOND_NS);
    assert_int_equal(grain.body_bytes, 13);
    assert_memory_equal(grain.body, "{\"answer\":42}", 13);
    assert_true(plain_item(&grain, &at, &tag, &value, &bytes));
    assert_int_equal(tag, 2);
    assert_int_equal(bytes, 2);
    assert_int_equal(plain_u16(value), FLUME_CODEC_JSON);
    assert_true(plain_item(&grain, &at, &tag, &value, &bytes));
    assert_int_equal(tag, 1);
    assert_int_equal(bytes, 8);
    assert_memory_equal(value, "greeting", 8);
    assert_false(plain_item(&grain, &at, &tag, &value, &bytes));
}

static void the_first_grain_after_a_sync_tells_what_was_durable(void **state)
{
    const struct example *example = *state;
    struct plain_grain grain;

    (void)find_grain(example_file_of(example, first_strata), 2, &grain);
    assert_int_equal(grain.flags & FLAG_WITNESS, FLAG_WITNESS);
    assert_int_equal(grain.witness, 2);
    assert_int_equal(grain.rest_bytes, 0);
}

/* --- Files beside each other --- */

static void footer_and_slots_agree_with_the_grains(void **state)
{
    const struct example *example = *state;
    const struct example_file *file = example_file_of(example, first_strata);
    const struct example_file *slots = example_file_of(example, first_slots);
    struct plain_footer footer;
    struct plain_grain grain;

    assert_true(plain_footer_read(file->data + file->bytes - PLAIN_PAGE_BYTES, &footer));
    assert_int_equal(footer.first_seq, 0);
    assert_int_equal(footer.count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(plain_u32(slots->data + 4 * i), find_grain(file, i, &grain) / 8);
        assert_int_equal(plain_u32(slots->data + 4 * i + 4), grain.end / 8);
    }
    assert_int_equal(footer.end, grain.end);
    assert_int_equal(footer.least_time, STEADY_WALL_NS);
    assert_int_equal(footer.running_time, STEADY_WALL_NS + 3 * SECOND_NS);
    assert_int_equal(footer.slots_check, plain_slots_check(slots->data, 4));
    assert_int_equal(slots->bytes, ((file->bytes - 8192) / 32 + 1) * 4);
    example_expect_line(example, "slots   = %08x %08x %08x %08x %08x    XXH3 = %016llx",
                        plain_u32(slots->data), plain_u32(slots->data + 4),
                        plain_u32(slots->data + 8), plain_u32(slots->data + 12),
                        plain_u32(slots->data + 16), (unsigned long long)footer.slots_check);
}

static void the_second_strata_names_the_first(void **state)
{
    const struct example *example = *state;
    const struct example_file *file = example_file_of(example, first_strata);
    const struct example_file *next = example_file_of(example, second_strata);
    struct plain_strata strata, second;
    struct plain_grain grain;

    assert_true(plain_strata_read(file->data, file->bytes, &strata));
    assert_true(plain_strata_read(next->data, next->bytes, &second));
    assert_int_equal(strata.previous_first_seq, UINT64_MAX);
    assert_int_equal(second.first_seq, 4);
    assert_int_equal(second.previous_first_seq, 0);
    assert_memory_equal(second.previous_id, strata.strata_id, 16);
    assert_memory_equal(second.basin_id, strata.basin_id, 16);
    assert_int_equal(second.running_time, STEADY_WALL_NS + 3 * SECOND_NS);
    (void)find_grain(next, 0, &grain);
    assert_int_equal(grain.kind, KIND_MANIFEST);
}

static void the_gate_names_the_last_grain(void **state)
{
    const struct example *example = *state;
    const struct example_file *tail = example_file_of(example, "TAIL");
    struct plain_strata strata;
    struct plain_grain grain;
    struct plain_gate gate;
    const struct example_file *next = example_file_of(example, second_strata);

    assert_true(plain_gate_read(tail->data, tail->bytes, &gate));
    assert_true(plain_strata_read(next->data, next->bytes, &strata));
    (void)find_grain(next, 1, &grain);
    assert_int_equal(gate.seq, 6);
    assert_int_equal(gate.check, grain.check);
    assert_memory_equal(gate.basin_id, strata.basin_id, 16);
}

/* --- The section, for its author --- */

static int show_example(void)
{
    void *state = NULL;
    struct example *example;
    struct plain_grain grain, next;
    uint64_t offset;

    (void)example_setup(&state);
    example = state;
    print_message("%s", (const char *)example_file_of(example, "flume.conf")->data);
    example_show(example, first_strata, 0, 0x110);
    example_show(example, first_strata, 4080, 16);
    offset = find_grain(example_file_of(example, first_strata), 0, &grain);
    example_show(example, first_strata, (size_t)offset, (size_t)(grain.end - offset));
    offset = find_grain(example_file_of(example, first_strata), 1, &grain);
    example_show(example, first_strata, (size_t)offset, (size_t)(grain.end - offset));
    example_show(example, check_input, 0, PLAIN_INPUT_BYTES);
    each_step_to_a_check_is_as_computed(&state);
    offset = find_grain(example_file_of(example, first_strata), 2, &next);
    example_show(example, first_strata, (size_t)offset, (size_t)(next.end - offset));
    example_show(example, first_strata, STRATA_BYTES - PLAIN_PAGE_BYTES, 0x50);
    example_show(example, first_strata, STRATA_BYTES - 16, 16);
    example_show(example, first_slots, 0, 20);
    footer_and_slots_agree_with_the_grains(&state);
    example_show(example, "TAIL", 0, 56);
    return example_teardown(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dumped_byte_is_the_byte_written),
        cmocka_unit_test(the_settings_are_dumped_whole),
        cmocka_unit_test(each_step_to_a_check_is_as_computed),
        cmocka_unit_test(the_example_grain_says_what_was_appended),
        cmocka_unit_test(the_first_grain_after_a_sync_tells_what_was_durable),
        cmocka_unit_test(footer_and_slots_agree_with_the_grains),
        cmocka_unit_test(the_second_strata_names_the_first),
        cmocka_unit_test(the_gate_names_the_last_grain),
    };

    if (getenv("FLUME_SHOW_EXAMPLE") != NULL)
        return show_example();
    return cmocka_run_group_tests(tests, example_setup, example_teardown);
}
