/*
 * sorter_run.c - one run: a file of sorted rows, of which each key is there once.
 *
 *   block: check (8), bytes of its rows (4), number of its rows (4), rows
 *   ...
 *   end:   check (8), "flumerun" (8), number of the run (4), greatest block (4), blocks (8), rows (8)
 *
 * All little-endian. A check is XXH3-64 of what follows it in its block, seeded with the number of
 * the run and of the block. A run without its end is not complete; it is read by the process that
 * wrote it or the next one, never by another version, and never repaired: a damaged one means that
 * the rows are made again.
 */
#include "sorter_inside.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "little.h"

#define XXH_INLINE_ALL
#define XXH_NAMESPACE flume_sorter_
#include <xxhash.h>

enum {
    BLOCK_CHECK_AT = 0,
    BLOCK_BYTES_AT = 8,
    BLOCK_ROWS_AT = 12,
    BLOCK_HEADER_BYTES = 16,

    END_CHECK_AT = 0,
    END_MAGIC_AT = 8,
    END_NUMBER_AT = 16,
    END_BLOCK_BYTES_AT = 20,
    END_BLOCKS_AT = 24,
    END_ROWS_AT = 32,
    END_BYTES = 40
};

#define END_SEED UINT32_MAX /* In place of the number of a block. */

static const char end_magic[8] = {'f', 'l', 'u', 'm', 'e', 'r', 'u', 'n'};

/* Of a block or an end of so many bytes, its check included. */
static uint64_t block_check(const uint8_t *block, size_t bytes, uint32_t number, uint64_t index)
{
    return XXH3_64bits_withSeed(block + 8, bytes - 8, (uint64_t)number << 32 ^ index);
}

/* The path of a run; valid until the next one is asked for. */
static const char *run_path(struct sorter *sorter, uint32_t number, bool is_merged)
{
    (void)sprintf(sorter->path + sorter->path_stem,
                  is_merged ? ".merged-%04" PRIu32 : ".run-%04" PRIu32, number);
    return sorter->path;
}

void run_remove(struct sorter *sorter, uint32_t number, bool is_merged)
{
    (void)unlink(run_path(sorter, number, is_merged));
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_all(struct run_writer *writer, const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(writer->fd, data, bytes);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return sorter_fail(writer->sorter, written == 0 ? EIO : errno);
        data += written;
        bytes -= (size_t)written;
        writer->run.end += (uint64_t)written;
    }
    return FLUME_OK;
}

/* Make room for a block of so many bytes. What was in it is gone. */
static int reserve_block(struct sorter *sorter, size_t bytes)
{
    if (bytes <= sorter->block_capacity)
        return FLUME_OK;
    sorter_release(sorter, sorter->block);
    sorter->block_capacity = 0;
    sorter->block = sorter_allocate(sorter, bytes);
    if (sorter->block == NULL)
        return FLUME_ERR_NO_MEMORY;
    sorter->block_capacity = bytes;
    return FLUME_OK;
}

/* Large rows are rare: do not keep what one of them took. */
static void shrink_block(struct sorter *sorter)
{
    if (sorter->block_capacity <= sorter->block_bytes)
        return;
    sorter_release(sorter, sorter->block);
    sorter->block = NULL;
    sorter->block_capacity = 0;
}

int run_writer_begin(struct run_writer *writer, struct sorter *sorter, uint32_t number,
                     bool is_merged)
{
    int status = reserve_block(sorter, sorter->block_bytes);

    if (status < 0)
        return status;
    *writer = (struct run_writer){.sorter = sorter,
                                  .run = {.number = number, .is_merged = is_merged},
                                  .used = BLOCK_HEADER_BYTES};
    writer->fd =
        open(run_path(sorter, number, is_merged), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return writer->fd < 0 ? sorter_fail(sorter, errno) : FLUME_OK;
}

static int flush_block(struct run_writer *writer)
{
    uint8_t *block = writer->sorter->block;
    size_t bytes = writer->used;

    little_put32(block + BLOCK_BYTES_AT, (uint32_t)(bytes - BLOCK_HEADER_BYTES));
    little_put32(block + BLOCK_ROWS_AT, writer->block_rows);
    little_put64(block + BLOCK_CHECK_AT,
                 block_check(block, bytes, writer->run.number, writer->run.blocks));
    if (bytes > writer->run.block_bytes_max)
        writer->run.block_bytes_max = (uint32_t)bytes;
    writer->run.blocks++;
    writer->run.rows += writer->block_rows;
    writer->used = BLOCK_HEADER_BYTES;
    writer->block_rows = 0;
    return write_all(writer, block, bytes);
}

int run_writer_add(struct run_writer *writer, const struct row *row)
{
    struct sorter *sorter = writer->sorter;
    size_t bytes = ROW_HEADER_BYTES + row->key_bytes + row->value_bytes;
    uint8_t *at;
    int status;

    if (sorter->block_capacity - writer->used < bytes) {
        if (writer->block_rows > 0) {
            status = flush_block(writer);
            if (status < 0)
                return status;
        }
        status = reserve_block(sorter, BLOCK_HEADER_BYTES + bytes);
        if (status < 0)
            return status;
    }
    at = sorter->block + writer->used;
    row_header_store(at, row_header(row->key_bytes, row->what, row->value_bytes));
    memcpy(at + ROW_HEADER_BYTES, row->key, row->key_bytes);
    if (row->value_bytes > 0)
        memcpy(at + ROW_HEADER_BYTES + row->key_bytes, row->value, row->value_bytes);
    writer->used += bytes;
    writer->block_rows++;
    return FLUME_OK;
}

int run_writer_end(struct run_writer *writer, struct run *out_run)
{
    struct sorter *sorter = writer->sorter;
    uint8_t end[END_BYTES];
    uint64_t end_at;
    int status = writer->block_rows > 0 ? flush_block(writer) : FLUME_OK;
    int fd = writer->fd;

    shrink_block(sorter);
    if (status < 0)
        return status;
    end_at = writer->run.end;
    memcpy(end + END_MAGIC_AT, end_magic, sizeof end_magic);
    little_put32(end + END_NUMBER_AT, writer->run.number);
    little_put32(end + END_BLOCK_BYTES_AT, writer->run.block_bytes_max);
    little_put64(end + END_BLOCKS_AT, writer->run.blocks);
    little_put64(end + END_ROWS_AT, writer->run.rows);
    little_put64(end + END_CHECK_AT, block_check(end, END_BYTES, writer->run.number, END_SEED));
    status = write_all(writer, end, END_BYTES);
    if (status < 0)
        return status;
    writer->fd = -1;
    if (close(fd) != 0) /* Some file systems say only here that the disk is full. */
        return sorter_fail(sorter, errno);
    writer->run.end = end_at;
    *out_run = writer->run;
    return FLUME_OK;
}

void run_writer_abandon(struct run_writer *writer)
{
    if (writer->fd >= 0)
        (void)close(writer->fd); /* The file goes in any case. */
    writer->fd = -1;
    run_remove(writer->sorter, writer->run.number, writer->run.is_merged);
    shrink_block(writer->sorter);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Exactly so many bytes. A file that ends before is damaged. */
static int read_all(struct sorter *sorter, int fd, uint64_t offset, uint8_t *target, size_t bytes)
{
    while (bytes > 0) {
        ssize_t got = pread(fd, target, bytes, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sorter_fail(sorter, errno);
        if (got == 0)
            return FLUME_ERR_DAMAGED;
        target += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return FLUME_OK;
}

/* What the end of a run says. */
static int read_end(struct sorter *sorter, int fd, struct run *io_run)
{
    uint8_t end[END_BYTES];
    struct stat file;
    int status;

    if (fstat(fd, &file) != 0)
        return sorter_fail(sorter, errno);
    if (!S_ISREG(file.st_mode) || file.st_size < END_BYTES)
        return FLUME_ERR_DAMAGED;
    io_run->end = (uint64_t)file.st_size - END_BYTES;
    status = read_all(sorter, fd, io_run->end, end, END_BYTES);
    if (status < 0)
        return status;
    io_run->block_bytes_max = little_get32(end + END_BLOCK_BYTES_AT);
    io_run->blocks = little_get64(end + END_BLOCKS_AT);
    io_run->rows = little_get64(end + END_ROWS_AT);
    if (memcmp(end + END_MAGIC_AT, end_magic, sizeof end_magic) != 0 ||
        little_get32(end + END_NUMBER_AT) != io_run->number ||
        little_get64(end + END_CHECK_AT) != block_check(end, END_BYTES, io_run->number, END_SEED) ||
        io_run->block_bytes_max > BLOCK_HEADER_BYTES + ROW_BYTES_MAX)
        return FLUME_ERR_DAMAGED;
    return FLUME_OK;
}

/* Open the file of a run and read its end. */
static int open_run(struct sorter *sorter, struct run *io_run, int *out_fd)
{
    int fd = open(run_path(sorter, io_run->number, io_run->is_merged), O_RDONLY | O_CLOEXEC);
    int status;

    if (fd < 0)
        return errno == ENOENT ? FLUME_ERR_NOT_FOUND : sorter_fail(sorter, errno);
    status = read_end(sorter, fd, io_run);
    if (status < 0) {
        (void)close(fd); /* Only read from. */
        return status;
    }
    *out_fd = fd;
    return FLUME_OK;
}

int run_examine(struct sorter *sorter, uint32_t number, struct run *out_run)
{
    struct run run = {.number = number};
    int fd;
    int status = open_run(sorter, &run, &fd);

    if (status < 0)
        return status;
    (void)close(fd); /* Only read from. */
    *out_run = run;
    return FLUME_OK;
}

int run_reader_open(struct run_reader *reader, struct sorter *sorter, const struct run *run)
{
    int status;

    *reader = (struct run_reader){.sorter = sorter, .fd = -1, .run = *run};
    status = open_run(sorter, &reader->run, &reader->fd);
    if (status == FLUME_ERR_NOT_FOUND)
        return FLUME_ERR_DAMAGED; /* It was here. */
    if (status < 0)
        return status;
    if (reader->run.blocks != run->blocks || reader->run.rows != run->rows ||
        reader->run.end != run->end || reader->run.block_bytes_max != run->block_bytes_max) {
        status = FLUME_ERR_DAMAGED;
        goto fail;
    }
    reader->block = sorter_allocate(sorter, reader->run.block_bytes_max + ROW_SLACK_BYTES);
    if (reader->block == NULL) {
        status = FLUME_ERR_NO_MEMORY;
        goto fail;
    }
    return FLUME_OK;
fail:
    run_reader_close(reader);
    return status;
}

void run_reader_close(struct run_reader *reader)
{
    if (reader->fd >= 0)
        (void)close(reader->fd); /* Only read from. */
    reader->fd = -1;
    sorter_release(reader->sorter, reader->block);
    reader->block = NULL;
}

/* FLUME_END: that was the last one. */
static int read_block(struct run_reader *reader)
{
    const struct run *run = &reader->run;
    uint64_t left = run->end - reader->offset;
    size_t bytes;
    int status;

    if (reader->blocks == run->blocks)
        return left == 0 && reader->rows == run->rows ? FLUME_END : FLUME_ERR_DAMAGED;
    if (left < BLOCK_HEADER_BYTES || run->block_bytes_max < BLOCK_HEADER_BYTES)
        return FLUME_ERR_DAMAGED;
    status =
        read_all(reader->sorter, reader->fd, reader->offset, reader->block, BLOCK_HEADER_BYTES);
    if (status < 0)
        return status;
    bytes = little_get32(reader->block + BLOCK_BYTES_AT);
    if (bytes > run->block_bytes_max - BLOCK_HEADER_BYTES || bytes > left - BLOCK_HEADER_BYTES)
        return FLUME_ERR_DAMAGED;
    bytes += BLOCK_HEADER_BYTES;
    status = read_all(reader->sorter, reader->fd, reader->offset + BLOCK_HEADER_BYTES,
                      reader->block + BLOCK_HEADER_BYTES, bytes - BLOCK_HEADER_BYTES);
    if (status < 0)
        return status;
    if (little_get64(reader->block + BLOCK_CHECK_AT) !=
        block_check(reader->block, bytes, run->number, reader->blocks))
        return FLUME_ERR_DAMAGED;
    reader->rows += little_get32(reader->block + BLOCK_ROWS_AT);
    reader->blocks++;
    reader->offset += bytes;
    reader->block_bytes = bytes;
    reader->at = BLOCK_HEADER_BYTES;
    return FLUME_OK;
}

int run_reader_next(struct run_reader *reader, struct row *out_row)
{
    size_t left;
    struct row row;

    while (reader->at == reader->block_bytes) {
        int status = read_block(reader);

        if (status != FLUME_OK)
            return status;
    }
    left = reader->block_bytes - reader->at;
    if (left < ROW_HEADER_BYTES)
        return FLUME_ERR_DAMAGED;
    row = row_decode(reader->block + reader->at);
    left -= ROW_HEADER_BYTES;
    if (row.key_bytes == 0 || row.key_bytes > FLUME_VIEW_KEY_BYTES_MAX || row.key_bytes > left ||
        row.value_bytes > left - row.key_bytes || row.what >= ROW_WHAT_COUNT)
        return FLUME_ERR_DAMAGED;
    reader->at += ROW_HEADER_BYTES + row.key_bytes + row.value_bytes;
    *out_row = row;
    return FLUME_OK;
}

/* --- what others left ------------------------------------------------------------------------- */

/* Whether a file of the directory is a run of this sorter that is not to be kept. */
static bool is_other_run(const struct sorter *sorter, const char *file, uint32_t keep_count)
{
    static const char run[] = ".run-";
    static const char merged[] = ".merged-";
    const char *name = sorter->path + sorter->directory_bytes + 1;
    size_t name_bytes = sorter->path_stem - sorter->directory_bytes - 1;
    const char *digits;
    char *end;
    unsigned long number;

    if (strncmp(file, name, name_bytes) != 0)
        return false;
    file += name_bytes;
    digits = file + (strncmp(file, run, sizeof run - 1) == 0         ? sizeof run - 1
                     : strncmp(file, merged, sizeof merged - 1) == 0 ? sizeof merged - 1
                                                                     : strlen(file));
    if (*digits < '0' || *digits > '9')
        return false;
    number = strtoul(digits, &end, 10);
    return *end == '\0' && (file[1] == 'm' || number >= keep_count);
}

int run_remove_others(struct sorter *sorter, uint32_t keep_count)
{
    DIR *directory;
    const struct dirent *entry;
    int status = FLUME_OK;

    sorter->path[sorter->directory_bytes] = '\0';
    directory = opendir(sorter->path);
    sorter->path[sorter->directory_bytes] = '/';
    if (directory == NULL)
        return errno == ENOENT && keep_count == 0 ? FLUME_OK : sorter_fail(sorter, errno);
    while (status == FLUME_OK && (entry = readdir(directory)) != NULL) {
        if (is_other_run(sorter, entry->d_name, keep_count) &&
            unlinkat(dirfd(directory), entry->d_name, 0) != 0 && errno != ENOENT)
            status = sorter_fail(sorter, errno);
    }
    (void)closedir(directory); /* Only read from. */
    return status;
}
