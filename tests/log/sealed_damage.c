/*
 * sealed_damage.c - a damage fixture whose oldest strata are sealed.
 */
#include "sealed_damage.h"

#include <errno.h>

#include "seal_file.h"

static void seal_one(struct damage_fixture *fx, flume_log *log, size_t index, unsigned parity,
                     struct sealed_footer *io_footer)
{
    char from[FIXTURE_PATH_BYTES], to[FIXTURE_PATH_BYTES];
    struct sealed_footer previous = *io_footer;
    struct seal_plan plan = {
        .first_seq = fx->strata[index],
        .count = fx->strata[index + 1] - fx->strata[index],
        .block_bytes = SEALED_BLOCK_BYTES_MIN,
        .level = 1,
        .previous = index > 0 ? &previous : NULL,
        .parity = parity,
        .parity_data = 4,
        .parity_cells = 1,
    };

    assert_int_equal(seal_file_write(log, &plan, io_footer), FLUME_OK);
    file_path(fx, "log/" SEAL_TEMPORARY_NAME, from);
    assert_int_equal(rename(from, strata_path(fx, index, "strata", to)), 0);
    assert_int_equal(unlink(strata_path(fx, index, "slots", to)), 0);
}

static void seal_some(struct damage_fixture *fx, size_t count, unsigned parity)
{
    struct sealed_footer footer = {.count = 0};
    flume_log *log = open_log(fx, 0);

    assert_true(fx->strata_count > count);
    for (size_t i = 0; i < count; i++)
        seal_one(fx, log, i, parity, &footer);
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

int sealed_setup(void **state)
{
    if (damage_setup(state) != 0)
        return -1;
    seal_some(*state, SEALED_COUNT, FLUME_PARITY_NONE);
    return 0;
}

int sealed_parity_setup(void **state)
{
    if (damage_setup(state) != 0)
        return -1;
    seal_some(*state, SEALED_COUNT, FLUME_PARITY_FILE);
    return 0;
}

int sealed_random_setup(void **state)
{
    struct damage_fixture *fx;
    flume_log *log;
    uint64_t seed = 1;

    if (damage_setup(state) != 0)
        return -1;
    fx = *state;
    log = open_log(fx, 0);
    for (unsigned i = 0; i < 150; i++) {
        uint64_t body[120];

        for (size_t k = 0; k < sizeof body / sizeof body[0]; k++) {
            seed = hash_bytes(&seed, sizeof seed, i);
            body[k] = seed;
        }
        assert_int_equal(flume_log_append(log, body, sizeof body, NULL), FLUME_OK);
    }
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    remember_records(fx, log);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)find_strata(fx);
    seal_some(fx, fx->strata_count - 1, FLUME_PARITY_NONE);
    return 0;
}

/* Most of it is the same for all seeds, and does not shrink by itself; now and then nothing is. */
static void fill_alike(uint8_t *target, size_t bytes, unsigned seed)
{
    size_t own_from = seed % 5 == 0 ? 0 : bytes - bytes / 7;
    unsigned state = 1;

    for (size_t i = 0; i < bytes; i++) {
        if (i == own_from)
            state = seed;
        state = state * 1103515245 + 12345;
        target[i] = (uint8_t)(state >> 16);
    }
}

static void append_alike(flume_log *log, unsigned seed)
{
    static const char *const labels[] = {"even", "odd"};
    uint8_t body[1400];
    size_t bytes = seed % 5 == 0 ? sizeof body : sizeof body / 2;
    flume_entry entry = {
        .body = body, .body_bytes = bytes, .labels = &labels[seed % 2], .label_count = 1};

    fill_alike(body, bytes, seed);
    assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
}

static int dictionary_setup(void **state, unsigned parity)
{
    flume_seal_options seal = {.mode = FLUME_SEAL_ON_REQUEST, .dictionary = true, .parity = parity};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = 768 << 10,
                                 .seal = &seal};
    flume_log_stat_info info = {.strata_count = 0};
    struct damage_fixture *fx;
    flume_log *log = NULL;

    if (damage_setup(state) != 0)
        return -1;
    fx = *state;
    (void)snprintf(fx->basin, sizeof fx->basin, "%s/d.flume", fx->root);
    assert_int_equal(flume_log_open(&log, fx->basin, &options, &fx->error), FLUME_OK);
    for (unsigned seed = 1; info.strata_count < 2; seed++) {
        append_alike(log, seed);
        assert_int_equal(flume_log_stat(log, &info), FLUME_OK);
    }
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    remember_records(fx, log);
    assert_int_equal(flume_log_seal(log, NULL, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)find_strata(fx);
    return 0;
}

int sealed_dictionary_setup(void **state)
{
    return dictionary_setup(state, FLUME_PARITY_NONE);
}

int sealed_dictionary_parity_setup(void **state)
{
    return dictionary_setup(state, FLUME_PARITY_FILE);
}

static int medium_open(void *ctx, const char *path, unsigned flags)
{
    struct bad_medium *medium = ctx;
    int file = flume_io_posix()->open(NULL, path, flags);

    if (file == medium->file)
        medium->file = -1;
    if (file >= 0 && strstr(path, medium->name) != NULL)
        medium->file = file;
    return file;
}

static int64_t medium_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    const struct bad_medium *medium = ctx;

    if (file == medium->file && offset < medium->at + STRATA_PAGE_BYTES &&
        medium->at < offset + bytes)
        return -EIO;
    return flume_io_posix()->pread(NULL, file, target, bytes, offset);
}

void bad_medium_use(struct damage_fixture *fx, struct bad_medium *medium, size_t index, uint64_t at)
{
    *medium = (struct bad_medium){.io = *flume_io_posix(), .at = at, .file = -1};
    (void)snprintf(medium->name, sizeof medium->name, "%020" PRIu64 ".strata", fx->strata[index]);
    medium->io.ctx = medium; /* The POSIX functions do not look at it. */
    medium->io.open = medium_open;
    medium->io.pread = medium_pread;
    fx->io = &medium->io;
}

void sealed_parts_read(struct damage_fixture *fx, size_t index, struct sealed_parts *out_parts)
{
    char path[FIXTURE_PATH_BYTES];
    struct stat file_stat;

    assert_int_equal(stat(strata_path(fx, index, "strata", path), &file_stat), 0);
    out_parts->count = (uint64_t)file_stat.st_size;
    out_parts->bytes = malloc((size_t)out_parts->count);
    assert_non_null(out_parts->bytes);
    read_bytes(path, out_parts->bytes, (size_t)out_parts->count, 0);
    assert_int_equal(strata_header_decode(out_parts->bytes, &out_parts->header), FLUME_OK);
    assert_int_equal(sealed_footer_decode(out_parts->bytes + out_parts->count - STRATA_PAGE_BYTES,
                                          &out_parts->footer),
                     FLUME_OK);
}

void sealed_parts_release(struct sealed_parts *parts)
{
    free(parts->bytes);
    parts->bytes = NULL;
}

void sealed_parts_write(struct damage_fixture *fx, size_t index, const struct sealed_parts *parts)
{
    char path[FIXTURE_PATH_BYTES];

    (void)strata_path(fx, index, "strata", path);
    (void)unlink(path); /* It may be longer. */
    write_bytes(path, parts->bytes, (size_t)parts->count, 0);
}

struct sealed_block_entry sealed_parts_block(const struct sealed_parts *parts, uint32_t number)
{
    const struct sealed_section *section =
        sealed_section_find(&parts->footer, SEALED_SECTION_BLOCKS);
    struct sealed_block_entry entry;

    assert_true(number < parts->footer.block_count);
    sealed_block_entry_decode(
        parts->bytes + section->offset + (uint64_t)number * SEALED_BLOCK_ENTRY_BYTES, &entry);
    return entry;
}

uint64_t sealed_parts_block_end(const struct sealed_parts *parts, uint32_t number)
{
    if (number + 1 == parts->footer.block_count)
        return parts->footer.first_seq + parts->footer.count;
    return parts->footer.first_seq + sealed_parts_block(parts, number + 1).first_ordinal;
}

void sealed_parts_forge(struct sealed_parts *parts)
{
    strata_header_encode(parts->bytes, &parts->header);
    sealed_footer_encode(parts->bytes + parts->count - STRATA_PAGE_BYTES, &parts->footer);
}
