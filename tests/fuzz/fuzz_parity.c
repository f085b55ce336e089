/*
 * fuzz_parity.c - libFuzzer on a strata file with a parity section: whatever is in both, loading,
 * verifying and healing answer, and no more memory is taken than the file's length allows.
 *
 * The input:  byte 0: enum world
 *             then changes of 5 bytes each: what (1), offset (2), value (2); see change_apply().
 * The page checks are made to fit again, if the world says so, so that lying settings get through.
 * Where they are not, what is healed without loss is what was written.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "parity.h"

enum {
    PAGE_BYTES = 4096,
    CELLS = 20,
    FILE_MAX = 60 * PAGE_BYTES,
    WRITTEN_MAX = 64 << 20,
    CHANGE_BYTES = 5,
    ALLOCATION_MAX = 8 << 20
};

enum world {
    WORLD_BESIDE = 1,
    WORLD_FITTED = 2, /* Checks of pages are made to fit. */
    WORLD_LOST_HINT = 4,
    WORLD_WIDE = 8, /* Stripes of 128 and 32. */
    WORLD_KINDS = 16
};

enum change { CHANGE_XOR, CHANGE_SECTION_XOR, CHANGE_PAGE_FIELD, CHANGE_CUT, CHANGE_KINDS };

/* Whether what is healed can be compared with what was written. */
enum forgery { FORGERY_NONE, FORGERY_PAGES };

struct file {
    uint8_t data[FILE_MAX];
    uint64_t bytes;
};

struct world_files {
    struct file strata, section; /* As they were written. */
    struct file damaged_strata, damaged_section;
    struct parity_settings settings;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_parity: %s\n", what);
    abort();
}

static void *limited_allocate(void *ctx, size_t bytes)
{
    (void)ctx;
    require(bytes <= ALLOCATION_MAX, "more memory than the file's length allows");
    return malloc(bytes);
}

static void *limited_resize(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    require(bytes <= ALLOCATION_MAX, "more memory than the file's length allows");
    return realloc(memory, bytes);
}

static void limited_release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static const flume_allocator limited = {
    .allocate = limited_allocate, .resize = limited_resize, .release = limited_release};

/* Where reads come from and writes go to. Writes that leave the target are counted, no more: where
 * the settings lie, what is healed may lie anywhere. */
struct stream {
    const struct file *source;
    struct file *target;
    uint64_t written;
};

static int64_t stream_read(void *ctx, void *target, size_t bytes, uint64_t offset)
{
    const struct file *file = ((const struct stream *)ctx)->source;

    if (offset >= file->bytes)
        return 0;
    if (bytes > file->bytes - offset)
        bytes = (size_t)(file->bytes - offset);
    memcpy(target, file->data + offset, bytes);
    return (int64_t)bytes;
}

static int stream_write(void *ctx, const void *source, size_t bytes, uint64_t offset)
{
    struct stream *stream = ctx;

    stream->written += bytes;
    require(stream->written <= WRITTEN_MAX, "more is written than there can be");
    if (offset > FILE_MAX || bytes > FILE_MAX - offset)
        return FLUME_OK;
    memcpy(stream->target->data + offset, source, bytes);
    if (offset + bytes > stream->target->bytes)
        stream->target->bytes = offset + bytes;
    return FLUME_OK;
}

static struct parity_file stream_file(struct stream *stream)
{
    return (struct parity_file){
        .read = stream_read, .write = stream_write, .ctx = stream, .bytes = stream->source->bytes};
}

static bool is_beside(const struct world_files *files)
{
    return files->settings.section_at == PARITY_BESIDE;
}

static struct file *section_of(const struct world_files *files, struct file *strata,
                               struct file *section)
{
    return is_beside(files) ? section : strata;
}

static void files_make(struct world_files *files, unsigned world)
{
    bool beside = (world & WORLD_BESIDE) != 0;
    struct stream strata = {.source = &files->strata};
    struct stream section = {.source = &files->strata,
                             .target = beside ? &files->section : &files->strata};
    struct parity_file from, to;

    files->settings = (struct parity_settings){
        .range_bytes = CELLS * PAGE_BYTES,
        .section_at = beside ? PARITY_BESIDE : (CELLS - 1) * PAGE_BYTES,
        .data_cells = (world & WORLD_WIDE) != 0 ? 128 : 8,
        .parity_cells = (world & WORLD_WIDE) != 0 ? 32 : 2,
        .salt = 77,
    };
    files->strata.bytes = CELLS * PAGE_BYTES +
                          (beside ? 0 : parity_section_bytes(&files->settings));
    for (uint64_t i = 0; i < files->strata.bytes; i++)
        files->strata.data[i] = (uint8_t)((i * 2654435761u) >> 13);
    from = stream_file(&strata);
    to = stream_file(&section);
    require(parity_encode(&files->settings, &limited, &from, &to) == FLUME_OK, "encode");
}

static void byte_change(struct file *file, uint64_t at, unsigned value)
{
    if (at < file->bytes)
        file->data[at] ^= (uint8_t)value;
}

static void change_apply(struct world_files *files, const uint8_t *change)
{
    struct file *file = section_of(files, &files->damaged_strata, &files->damaged_section);
    uint64_t base = is_beside(files) ? 0 : files->settings.section_at;
    unsigned offset = change[1] | (unsigned)change[2] << 8;
    unsigned value = change[3] | (unsigned)change[4] << 8;

    switch ((enum change)(change[0] % CHANGE_KINDS)) {
    case CHANGE_XOR: /* Somewhere in the strata file. */
        byte_change(&files->damaged_strata, (uint64_t)offset * 8 + value / 256, value % 256);
        break;
    case CHANGE_SECTION_XOR:
        byte_change(file, base + (uint64_t)offset * 2, value % 256);
        break;
    case CHANGE_PAGE_FIELD: /* Within the first 96 bytes of some page of the section. */
        byte_change(file, base + (uint64_t)(offset / 96 % 128) * PAGE_BYTES + offset % 96,
                    value % 256);
        break;
    case CHANGE_CUT:
        if ((uint64_t)offset * 16 < file->bytes)
            file->bytes = (uint64_t)offset * 16;
        break;
    case CHANGE_KINDS:
        break;
    }
}

static void checks_fit(struct file *file)
{
    for (uint64_t at = 0; at + PAGE_BYTES <= file->bytes; at += PAGE_BYTES) {
        uint8_t *page = file->data + at;
        uint64_t check = XXH3_64bits(page, PAGE_BYTES - 8);

        if (memcmp(page, "flumepar", 8) != 0)
            continue;
        for (unsigned i = 0; i < 8; i++)
            page[PAGE_BYTES - 8 + i] = (uint8_t)(check >> (8 * i));
    }
}

/* What is left that was not lost is as it was written: the strata file's bytes, the section's
 * too. */
static void expect_healed(const struct world_files *files, const struct file *strata,
                          const struct file *section)
{
    require(strata->bytes >= files->strata.bytes &&
                memcmp(strata->data, files->strata.data, files->strata.bytes) == 0,
            "healed to something else");
    require(!is_beside(files) ||
                (section->bytes >= files->section.bytes &&
                 memcmp(section->data, files->section.data, files->section.bytes) == 0),
            "a section healed to something else");
}

static void heal(struct world_files *files, struct parity *parity, enum forgery forgery)
{
    static struct file healed_strata, healed_section;
    struct stream strata = {&files->damaged_strata, &healed_strata, 0};
    struct stream section = {section_of(files, &files->damaged_strata, &files->damaged_section),
                             section_of(files, &healed_strata, &healed_section), 0};
    struct parity_file strata_file = stream_file(&strata), section_file = stream_file(&section);
    struct parity_report seen = {0}, healed = {0};

    healed_strata = files->damaged_strata;
    healed_section = files->damaged_section;
    require(parity_verify(parity, &strata_file, &section_file, NULL, NULL, &seen) == FLUME_OK,
            "does not verify");
    require(strata.written + section.written == 0, "verifying writes");
    require(parity_heal(parity, &strata_file, &section_file, NULL, NULL, &healed) == FLUME_OK,
            "does not heal");
    require(memcmp(&seen, &healed, sizeof healed) == 0, "verify and heal disagree");
    if (forgery == FORGERY_NONE && healed.data_lost == 0 && healed.data_unknown == 0 &&
        healed.section_lost == 0)
        expect_healed(files, &healed_strata, &healed_section);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct world_files made[WORLD_KINDS]; /* What every input starts from. */
    static struct world_files files;
    struct stream stream = {0};
    struct parity_file file;
    struct parity *parity = NULL;
    unsigned world;

    if (bytes == 0)
        return 0;
    world = data[0];
    if (made[world % WORLD_KINDS].strata.bytes == 0)
        files_make(&made[world % WORLD_KINDS], world);
    files = made[world % WORLD_KINDS];
    files.damaged_strata = files.strata;
    files.damaged_section = files.section;
    for (size_t at = 1; at + CHANGE_BYTES <= bytes; at += CHANGE_BYTES)
        change_apply(&files, data + at);
    if ((world & WORLD_FITTED) != 0)
        checks_fit(section_of(&files, &files.damaged_strata, &files.damaged_section));
    stream.source = section_of(&files, &files.damaged_strata, &files.damaged_section);
    file = stream_file(&stream);
    if (parity_load(
            &file,
            (world & WORLD_LOST_HINT) != 0 && !is_beside(&files) ? 0 : files.settings.section_at,
            NULL, &limited, &parity) != FLUME_OK)
        return 0;
    heal(&files, parity, (world & WORLD_FITTED) != 0 ? FORGERY_PAGES : FORGERY_NONE);
    parity_release(parity);
    return 0;
}
