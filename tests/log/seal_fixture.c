/*
 * seal_fixture.c - a basin with full strata, and a sealed file taken apart.
 */
#include "seal_fixture.h"

#include <dirent.h>
#include <zstd.h>

const flume_seal_options seal_on_request = {.mode = FLUME_SEAL_ON_REQUEST};

void open_for_sealing(struct log_fixture *fx)
{
    fx->options.strata_bytes = SEAL_STRATA_BYTES;
    if (fx->options.seal == NULL)
        fx->options.seal = &seal_on_request;
    open_log(fx);
}

static int by_seq(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

size_t list_strata(struct log_fixture *fx, uint64_t firsts[SEAL_STRATA_MAX])
{
    DIR *directory = opendir(fixture_path(fx, "basin.flume/log"));
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (!strata_name_parse(entry->d_name, &firsts[count]))
            continue;
        assert_true(count + 1 < SEAL_STRATA_MAX);
        count++;
    }
    (void)closedir(directory);
    qsort(firsts, count, sizeof firsts[0], by_seq);
    return count;
}

static void fill_compressible(uint8_t *target, size_t bytes, unsigned seed)
{
    char line[96];
    size_t at = 0;

    for (unsigned i = 0; at < bytes; i++) {
        int length = snprintf(line, sizeof line,
                              "{\"sensor\":%u,\"value\":%u,\"state\":\"well\"}\n", seed % 17,
                              (seed * 31 + i) % 1000);
        size_t piece = bytes - at < (size_t)length ? bytes - at : (size_t)length;

        memcpy(target + at, line, piece);
        at += piece;
    }
}

uint64_t append_compressible(flume_log *log, size_t body_bytes, unsigned seed)
{
    uint8_t *body = malloc(body_bytes + 1);
    uint64_t seq = 0;

    assert_non_null(body);
    fill_compressible(body, body_bytes, seed);
    assert_int_equal(flume_log_append(log, body, body_bytes, &seq), FLUME_OK);
    free(body);
    return seq;
}

static void append_special(flume_log *log, unsigned seed)
{
    static const char *const labels[] = {"even", "a longer label", "Grüße"};
    static const uint8_t zeros[3000];
    flume_entry entry = {.body = zeros,
                         .body_bytes = seed % 3000,
                         .kind = (uint8_t)(64 + seed % 5),
                         .codec = seed % 2 == 0 ? FLUME_CODEC_JSON : FLUME_CODEC_RAW,
                         .time_ns = UINT64_C(1600000000000000000) + seed * UINT64_C(1000003) % 977,
                         .labels = labels,
                         .label_count = seed % 4};

    assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
}

void fill_strata(struct log_fixture *fx, size_t strata_count)
{
    uint64_t firsts[SEAL_STRATA_MAX];

    for (unsigned i = 0; list_strata(fx, firsts) < strata_count; i++) {
        (void)append_text(fx->log, "");
        (void)append_compressible(fx->log, 10 + i * 37 % 2000, i);
        (void)append_bytes(fx->log, i * 53 % 5000, i);
        append_special(fx->log, i);
        (void)append_numbered(fx->log, 1 + i % 20);
        if (i % 16 == 0)
            assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
        if (i % 50 == 49)
            (void)append_bytes(fx->log, 60000, i);
    }
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
}

struct whole_file read_whole(const char *path)
{
    struct whole_file file = {.count = file_bytes(path)};

    file.bytes = malloc(file.count + 1);
    assert_non_null(file.bytes);
    read_file(path, 0, file.bytes, file.count);
    return file;
}

void whole_file_release(struct whole_file *file)
{
    free(file->bytes);
    file->bytes = NULL;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static void unpack(struct taken_apart *parts, const struct sealed_block *block,
                   const uint8_t *stored, uint8_t *target)
{
    const struct sealed_section *section =
        sealed_section_find(&parts->footer, SEALED_SECTION_DICTIONARY);
    size_t bytes;

    if (block->codec == SEALED_STORED) {
        memcpy(target, stored, block->raw_bytes);
        parts->stored++;
        return;
    }
    if (block->codec == SEALED_ZSTD) {
        bytes = ZSTD_decompress(target, block->raw_bytes, stored, block->stored_bytes);
        parts->packed++;
    } else {
        ZSTD_DCtx *context = ZSTD_createDCtx();

        assert_non_null(section);
        bytes = ZSTD_decompress_usingDict(context, target, block->raw_bytes, stored,
                                          block->stored_bytes, parts->file.bytes + section->offset,
                                          section->bytes);
        (void)ZSTD_freeDCtx(context);
        parts->with_dictionary++;
    }
    assert_int_equal(bytes, block->raw_bytes);
}

/* Put back what a packed block leaves out of its grains: ordinals, and checks by log/FORMAT.md. */
static void restore_grains(const struct taken_apart *parts, const struct sealed_block *block,
                           uint8_t *target)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < block->count; i++) {
        uint8_t *source = target + at;
        const uint8_t *meta;
        struct grain grain = {0};
        size_t meta_bytes;

        assert_true(block->raw_bytes - at >= GRAIN_HEADER_BYTES);
        grain_fields(source, &grain);
        assert_int_equal(grain.check, 0);
        assert_int_equal(grain.ordinal, 0);
        assert_true(grain_bytes(grain.meta_bytes, grain.body_bytes) <= block->raw_bytes - at);
        grain.ordinal = block->first_ordinal + i;
        meta = grain_meta(source, &grain, &meta_bytes);
        if ((grain.flags & FLUME_RECORD_WITNESS) != 0)
            grain.witness = get_le64(source + GRAIN_HEADER_BYTES);
        grain_header_encode(
            source, &grain,
            grain_payload_hash(meta, meta_bytes, grain_body(source, &grain), grain.body_bytes),
            parts->header.salt, block->raw_offset + at);
        at += grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
    assert_int_equal(at, block->raw_bytes);
}

/* The grains of a block, which end where it ends; their times are within those of its entry. */
static void take_grains(struct taken_apart *parts, const struct sealed_block *block,
                        const struct sealed_block_entry *entry)
{
    uint64_t offset = block->raw_offset;
    uint64_t least = UINT64_MAX, greatest = 0;

    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t ordinal = block->first_ordinal + i;
        const uint8_t *source = parts->raw + (offset - STRATA_DATA_AT);
        struct grain grain = {0};

        assert_true(grain_decode(source, block->raw_offset + block->raw_bytes - offset, ordinal,
                                 parts->header.salt, offset, &grain));
        parts->offsets[ordinal] = offset;
        offset += grain_bytes(grain.meta_bytes, grain.body_bytes);
        if (grain.time_ns < least)
            least = grain.time_ns;
        if (grain.time_ns > greatest)
            greatest = grain.time_ns;
    }
    assert_true(offset == block->raw_offset + block->raw_bytes);
    assert_true(entry->least_time_ns == least && entry->greatest_time_ns == greatest);
    assert_true(block->count == 1 || block->raw_bytes <= parts->footer.block_bytes);
}

static void take_blocks(struct taken_apart *parts)
{
    const struct sealed_footer *footer = &parts->footer;
    const uint8_t *index = parts->file.bytes +
                           sealed_section_find(footer, SEALED_SECTION_BLOCKS)->offset;
    uint64_t at = STRATA_DATA_AT;
    uint64_t raw_offset = STRATA_DATA_AT;
    uint32_t ordinal = 0;

    for (uint32_t i = 0; i < footer->block_count; i++) {
        struct sealed_block_entry entry;
        struct sealed_block block;

        sealed_block_entry_decode(index + (size_t)i * SEALED_BLOCK_ENTRY_BYTES, &entry);
        assert_int_equal(entry.file_offset, at);
        assert_true(sealed_block_decode(parts->file.bytes + at, parts->file.count - at,
                                        parts->header.salt, at, &block));
        assert_int_equal(block.raw_offset, raw_offset);
        assert_int_equal(entry.raw_offset, raw_offset);
        assert_int_equal(block.first_ordinal, ordinal);
        assert_int_equal(entry.first_ordinal, ordinal);
        assert_int_equal(block.stored_bytes, entry.stored_bytes);
        assert_true(raw_offset + block.raw_bytes <= footer->raw_end);
        unpack(parts, &block, parts->file.bytes + at + SEALED_BLOCK_HEADER_BYTES,
               parts->raw + (raw_offset - STRATA_DATA_AT));
        if (block.codec != SEALED_STORED)
            restore_grains(parts, &block, parts->raw + (raw_offset - STRATA_DATA_AT));
        take_grains(parts, &block, &entry);
        at += sealed_block_bytes(block.stored_bytes);
        raw_offset += block.raw_bytes;
        ordinal += block.count;
    }
    assert_int_equal(at, sealed_blocks_end(footer));
    assert_int_equal(raw_offset, footer->raw_end);
    assert_int_equal(ordinal, footer->count);
}

/* --- The whole -------------------------------------------------------------------------------- */

static void check_sections(struct taken_apart *parts)
{
    const struct sealed_footer *footer = &parts->footer;
    uint64_t at = sealed_blocks_end(footer);

    for (uint32_t i = 0; i < footer->section_count; i++) {
        const struct sealed_section *section = &footer->sections[i];

        for (; at < section->offset; at++, parts->zeros++)
            assert_int_equal(parts->file.bytes[at], 0);
        if (section->id == SEALED_SECTION_PARITY) /* It has checks of its own. */
            assert_int_equal(section->check, 0);
        else
            assert_true(section->check == hash_bytes(parts->file.bytes + section->offset,
                                                     (size_t)section->bytes,
                                                     footer->salt + section->offset));
        at += section->bytes;
    }
    for (; at < footer->file_bytes - STRATA_PAGE_BYTES; at++, parts->zeros++)
        assert_int_equal(parts->file.bytes[at], 0);
}

static void check_header(const struct taken_apart *parts)
{
    const struct strata_header *header = &parts->header;
    const struct sealed_footer *footer = &parts->footer;

    assert_int_equal(header->form, STRATA_SEALED);
    assert_true((header->flags & STRATA_CLOSED) != 0);
    assert_int_equal(header->first_seq, footer->first_seq);
    assert_int_equal(header->durable, footer->first_seq + footer->count);
    assert_int_equal(header->file_bytes, parts->file.count);
    assert_int_equal(footer->file_bytes, parts->file.count);
    assert_true(header->salt == footer->salt);
    assert_memory_equal(header->strata_id, footer->strata_id, sizeof footer->strata_id);
    assert_memory_equal(header->basin_id, footer->basin_id, sizeof footer->basin_id);
}

void take_apart(const char *path, struct taken_apart *out_parts)
{
    struct taken_apart parts = {.file = read_whole(path)};

    assert_true(parts.file.count >= 3 * STRATA_PAGE_BYTES);
    assert_int_equal(strata_header_decode(parts.file.bytes, &parts.header), FLUME_OK);
    assert_int_equal(sealed_footer_decode(parts.file.bytes + parts.file.count - STRATA_PAGE_BYTES,
                                          &parts.footer),
                     FLUME_OK);
    check_header(&parts);
    check_sections(&parts);
    parts.raw_bytes = parts.footer.raw_end - STRATA_DATA_AT;
    parts.raw = malloc(parts.raw_bytes);
    parts.offsets = malloc(parts.footer.count * sizeof *parts.offsets);
    assert_true(parts.raw != NULL && parts.offsets != NULL);
    take_blocks(&parts);
    *out_parts = parts;
}

void parts_release(struct taken_apart *parts)
{
    whole_file_release(&parts->file);
    free(parts->raw);
    free(parts->offsets);
}

const uint8_t *part_grain(const struct taken_apart *parts, uint32_t ordinal,
                          struct grain *out_grain)
{
    uint64_t offset = parts->offsets[ordinal];
    const uint8_t *source = parts->raw + (offset - STRATA_DATA_AT);

    assert_true(grain_decode(source, parts->footer.raw_end - offset, ordinal, parts->header.salt,
                             offset, out_grain));
    return source;
}
