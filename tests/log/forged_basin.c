/*
 * forged_basin.c - changing a basin's files and making their checks fit.
 */
#include "forged_basin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "plain_reader.h"

enum { CHANGE_BYTES = 4, CHANGES_MAX = 64 };

/* --- The changes --- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void patch(struct file *file, size_t at, const uint8_t *source, size_t bytes)
{
    if (at < file->bytes)
        memcpy(file->data + at, source, least(bytes, file->bytes - at));
}

static void move_bytes(struct file *file, size_t at, size_t bytes)
{
    size_t from = at + 2048;

    if (from < file->bytes)
        memmove(file->data + at, file->data + from, least(bytes, file->bytes - from));
}

static void copy_over(struct file *file, const struct file *source)
{
    uint8_t *data = malloc(source->bytes + 1);

    if (data == NULL)
        abort();
    memcpy(data, source->data, source->bytes);
    free(file->data);
    file->data = data;
    file->bytes = source->bytes;
}

/* With FLUME_SHOW_CHANGES in the environment: what an input is about. */
static void show_change(const struct file *file, unsigned verb, size_t at, size_t count)
{
    static const char *const verbs[] = {"patch",  "patch from the end", "flip at 8 *", "cut",
                                        "delete", "copy over it",       "zero",        "move"};

    if (getenv("FLUME_SHOW_CHANGES") != NULL)
        (void)fprintf(stderr, "%s: %s %zu, %zu\n", file->name, verbs[verb], at, count);
}

static void change(struct basin *basin, const uint8_t *source, size_t given)
{
    struct file *file = &basin->files[source[0] % 32 % basin->count];
    size_t at = plain_u16(source + 1);
    size_t count = source[3];
    const uint8_t *bytes = source + CHANGE_BYTES;

    if (file->copied || strcmp(file->name, "HEAD") == 0)
        basin->forged = true;
    show_change(file, source[0] / 32, at, count);
    switch ((enum verb)(source[0] / 32)) {
    case VERB_PATCH:
        patch(file, at, bytes, given);
        break;
    case VERB_PATCH_END:
        patch(file, at > file->bytes ? 0 : file->bytes - at, bytes, given);
        break;
    case VERB_FLIP:
        for (size_t i = 0; i < given && at * 8 + i < file->bytes; i++)
            file->data[at * 8 + i] ^= bytes[i];
        break;
    case VERB_CUT:
        file->bytes = least(at, file->bytes);
        break;
    case VERB_DELETE:
        file->deleted = true;
        break;
    case VERB_COPY:
        copy_over(file, &basin->files[count % basin->count]);
        file->copied = true;
        break;
    case VERB_ZERO:
        if (at < file->bytes)
            memset(file->data + at, 0, least(count * 256, file->bytes - at));
        break;
    case VERB_MOVE:
        move_bytes(file, at, count * 8);
        break;
    }
}

/* How many bytes of its own a change brings. */
static size_t change_payload(const uint8_t *source)
{
    unsigned verb = source[0] / 32;

    return verb <= VERB_FLIP ? source[3] : 0;
}

void forged_change(struct basin *basin, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < CHANGES_MAX && bytes >= CHANGE_BYTES; i++) {
        size_t given = least(change_payload(data), bytes - CHANGE_BYTES);

        change(basin, data, given);
        data += CHANGE_BYTES + given;
        bytes -= CHANGE_BYTES + given;
    }
}

/* --- Checks made to fit --- */

static bool name_ends(const struct file *file, const char *ending)
{
    size_t bytes = strlen(file->name);

    return bytes >= strlen(ending) && strcmp(file->name + bytes - strlen(ending), ending) == 0;
}

static void fix_page(uint8_t *page)
{
    plain_put_u64(page + PLAIN_PAGE_BYTES - 8, plain_page_check(page));
}

static void fix_grains(struct file *file)
{
    uint64_t salt = plain_u64(file->data + 72);
    uint64_t limit = file->bytes - PLAIN_PAGE_BYTES;
    uint64_t offset = PLAIN_PAGE_BYTES;
    struct plain_grain grain;

    while (plain_grain_fields(file->data, limit, offset, &grain)) {
        if (grain.check == 0 && grain.time == 0)
            return;
        plain_put_u64(file->data + offset, plain_grain_check(&grain, salt, offset));
        offset = grain.end;
    }
}

static const struct file *slots_of(const struct basin *basin, const struct file *strata)
{
    for (size_t i = 0; i < basin->count; i++) {
        if (name_ends(&basin->files[i], ".slots") &&
            strncmp(basin->files[i].name, strata->name, 24) == 0)
            return &basin->files[i];
    }
    return NULL;
}

static void fix_footer(const struct basin *basin, struct file *file)
{
    uint8_t *page = file->data + file->bytes - PLAIN_PAGE_BYTES;
    const struct file *slots = slots_of(basin, file);
    uint64_t count = plain_u64(page + 40);

    if (memcmp(page, "flumeend", 8) != 0)
        return;
    if (slots != NULL && count < slots->bytes / 4)
        plain_put_u64(page + 72, plain_slots_check(slots->data, count));
    fix_page(page);
}

static void fix_strata(const struct basin *basin, struct file *file, unsigned fix)
{
    if (file->bytes < 3 * PLAIN_PAGE_BYTES)
        return;
    if ((fix & FIX_GRAINS) != 0)
        fix_grains(file);
    if ((fix & FIX_FOOTERS) != 0)
        fix_footer(basin, file);
    if ((fix & FIX_HEADERS) != 0)
        fix_page(file->data);
}

/* Blocks whose last 8 bytes are the check of those before. */
static void fix_blocks(struct file *file, size_t step, size_t check_at)
{
    for (size_t at = 0; at + check_at + 8 <= file->bytes && at < 2 * step; at += step)
        plain_put_u64(file->data + at + check_at,
                      XXH3_64bits_withSeed(file->data + at, check_at, 0));
}

static void fix_conf(struct file *file)
{
    char line[24];
    uint64_t check;
    size_t at;

    file->data[file->bytes] = '\0'; /* Every file has a byte to spare. */
    if (!plain_conf_check((const char *)file->data, &check, &at))
        return;
    (void)snprintf(line, sizeof line, "check %016llx\n", (unsigned long long)check);
    memcpy(file->data + at, line, strlen(line));
}

void forged_fix(struct basin *basin, unsigned fix)
{
    for (size_t i = 0; i < basin->count; i++) {
        struct file *file = &basin->files[i];

        if (name_ends(file, ".strata"))
            fix_strata(basin, file, fix);
        if ((fix & FIX_GATE) != 0 && strcmp(file->name, "TAIL") == 0)
            fix_blocks(file, 4096, 48);
        if ((fix & FIX_POSITIONS) != 0 && strncmp(file->name, "subs/", 5) == 0)
            fix_blocks(file, 64, 56);
        if ((fix & FIX_CONF) != 0 && strcmp(file->name, "flume.conf") == 0)
            fix_conf(file);
    }
}

void forged_copy(struct basin *target, const struct basin *source)
{
    target->count = source->count;
    target->forged = false;
    for (size_t i = 0; i < source->count; i++) {
        target->files[i] = source->files[i];
        target->files[i].data = NULL;
        copy_over(&target->files[i], &source->files[i]);
    }
}

void forged_release(struct basin *basin)
{
    for (size_t i = 0; i < basin->count; i++)
        free(basin->files[i].data);
}
