/*
 * grain.c - grains as they lie in the files of a log (grain.h).
 *
 * What always holds: no size that a file states is believed before it is known to lie in the file.
 */
#include "grain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SEQ_DIGITS = 20,
    SLOT_UNIT = 8,
    SLOT_BYTES = 4,
    KNOWN_VERSION = 1,
    KNOWN_FORM = 1,
    SEALED_FORM = 2,
    VERSION_AT = 8,
    FORM_AT = 10,
    BODY_BYTES_AT = 20,
    META_BYTES_AT = 28,
    INCOMPATIBLE_AT = 32
};

uint64_t grain_get(const uint8_t *source, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = bytes; i > 0; i--)
        value = value << 8 | source[i - 1];
    return value;
}

/* All of it, or false: the file ends before (errno is 0 then), or it cannot be read. */
static bool read_at(int descriptor, void *target, size_t bytes, uint64_t offset)
{
    size_t done = 0;

    errno = 0;
    while (done < bytes) {
        ssize_t got =
            pread(descriptor, (uint8_t *)target + done, bytes - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* ---- a strata ---- */

static enum grain_answer judge_header(const uint8_t *header)
{
    if (memcmp(header, "flumestr", 8) != 0)
        return GRAIN_NO_STRATA;
    if (grain_get(header + VERSION_AT, 2) == KNOWN_VERSION &&
        grain_get(header + FORM_AT, 2) == SEALED_FORM)
        return GRAIN_SEALED;
    if (grain_get(header + VERSION_AT, 2) != KNOWN_VERSION ||
        grain_get(header + FORM_AT, 2) != KNOWN_FORM || grain_get(header + INCOMPATIBLE_AT, 8) != 0)
        return GRAIN_NEW_FORM;
    return GRAIN_OK;
}

enum grain_answer strata_file_open(struct strata_file *file, const char *basin, uint64_t first_seq)
{
    enum grain_answer answer;
    struct stat info;

    if (file->is_open && file->first_seq == first_seq)
        return GRAIN_OK;
    strata_file_close(file);
    if (asprintf(&file->path, "%s/log/%020" PRIu64 ".strata", basin, first_seq) < 0) {
        file->path = NULL;
        errno = ENOMEM;
        return GRAIN_UNREADABLE;
    }
    file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
    if (file->descriptor < 0)
        return GRAIN_UNREADABLE;
    file->is_open = true;
    file->first_seq = first_seq;
    if (fstat(file->descriptor, &info) != 0)
        return GRAIN_UNREADABLE;
    file->file_bytes = (uint64_t)info.st_size;
    if (!read_at(file->descriptor, file->header, sizeof(file->header), 0))
        return errno == 0 ? GRAIN_NO_STRATA : GRAIN_UNREADABLE;
    answer = judge_header(file->header);
    if (answer != GRAIN_OK)
        file->first_seq = FLUME_SEQ_NONE; /* The next one looks again. */
    return answer;
}

void strata_file_close(struct strata_file *file)
{
    if (file->is_open)
        (void)close(file->descriptor); /* It was only read. */
    free(file->path);
    file->path = NULL;
    file->is_open = false;
}

/* ---- where a grain lies ---- */

/* The seq in "SEQ20.strata"; false for other names. */
static bool seq_of_name(const char *name, uint64_t *out_seq)
{
    char digits[SEQ_DIGITS + 1];

    if (strspn(name, "0123456789") != SEQ_DIGITS || strcmp(name + SEQ_DIGITS, ".strata") != 0)
        return false;
    memcpy(digits, name, SEQ_DIGITS);
    digits[SEQ_DIGITS] = '\0';
    return value_parse_uint(digits, UINT64_MAX, out_seq);
}

/* The strata that begins last at or before a seq. */
static bool find_strata(const char *basin, uint64_t seq, uint64_t *out_first_seq)
{
    struct dirent *entry;
    char *path = NULL;
    bool found = false;
    uint64_t first;
    DIR *directory;

    if (asprintf(&path, "%s/log", basin) < 0)
        return false;
    directory = opendir(path);
    free(path);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (!seq_of_name(entry->d_name, &first) || first > seq || (found && first < *out_first_seq))
            continue;
        *out_first_seq = first;
        found = true;
    }
    if (directory != NULL)
        (void)closedir(directory); /* It was only read. */
    return found;
}

bool grain_find(const char *basin, uint64_t seq, uint64_t *out_first_seq, uint64_t *out_offset)
{
    uint8_t slot[SLOT_BYTES];
    char *path = NULL;
    bool found = false;
    int descriptor;

    if (!find_strata(basin, seq, out_first_seq) ||
        asprintf(&path, "%s/log/%020" PRIu64 ".slots", basin, *out_first_seq) < 0)
        return false;
    descriptor = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (descriptor < 0)
        return false;
    if (read_at(descriptor, slot, sizeof(slot), (seq - *out_first_seq) * SLOT_BYTES)) {
        *out_offset = grain_get(slot, SLOT_BYTES) * SLOT_UNIT;
        found = *out_offset >= STRATA_HEADER_BYTES;
    }
    (void)close(descriptor); /* It was only read. */
    return found;
}

/* ---- a grain ---- */

enum grain_answer grain_read(const struct strata_file *file, uint64_t offset, struct grain *grain)
{
    uint8_t header[GRAIN_HEADER_BYTES];
    enum grain_answer answer = GRAIN_OK;
    uint64_t bytes;

    *grain = (struct grain){.offset = offset};
    if (!read_at(file->descriptor, header, sizeof(header), offset))
        return GRAIN_UNREADABLE;
    grain->body_bytes = (uint32_t)grain_get(header + BODY_BYTES_AT, 4);
    grain->meta_bytes = (uint16_t)grain_get(header + META_BYTES_AT, 2);
    bytes = GRAIN_HEADER_BYTES + (uint64_t)grain->meta_bytes + grain->body_bytes;
    bytes = (bytes + 7) / 8 * 8;
    if (grain->body_bytes > FLUME_BODY_BYTES_MAX || bytes > file->file_bytes ||
        offset > file->file_bytes - bytes) {
        bytes = GRAIN_HEADER_BYTES;
        answer = GRAIN_TOO_LONG;
    }
    grain->data = malloc((size_t)bytes);
    if (grain->data == NULL || !read_at(file->descriptor, grain->data, (size_t)bytes, offset))
        return GRAIN_UNREADABLE;
    grain->bytes = (size_t)bytes;
    return answer;
}

void grain_release(struct grain *grain)
{
    free(grain->data);
    *grain = (struct grain){.offset = 0};
}
