/*
 * place_state.c - STATE: what a generation was when it was last left, and whether it still is.
 *
 * What always holds:
 *   - A STATE whose seal does not fit its bytes is none.
 */
#include <blake3.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "little.h"
#include "place_inside.h"

/* STATE, as FORMAT.md has it. */
enum {
    STATE_MAGIC_AT = 0,
    STATE_FORMAT_AT = 8,
    STATE_FLAGS_AT = 12,
    STATE_BOOT_AT = 16,
    STATE_BASIN_AT = 32,
    STATE_SYNCED_AT = 48,
    STATE_CHECK_AT = 56,
    STATE_DATA_BYTES_AT = 64,
    STATE_HASH_AT = 72,
    STATE_SEAL_AT = 88,
    STATE_BYTES = 96,
    STATE_FORMAT = 1
};

static const char state_magic[8] = "flumview";

enum { HASH_CHUNK_BYTES = 1 << 20 };

static void seal(const uint8_t bytes[STATE_BYTES], uint8_t out_seal[8])
{
    blake3_hasher hasher;

    blake3_hasher_init(&hasher);
    blake3_hasher_update(&hasher, bytes, STATE_SEAL_AT);
    blake3_hasher_finalize(&hasher, out_seal, 8);
}

int place_state_read(const struct place *place, uint64_t generation, struct place_state *out)
{
    char path[PLACE_PATH_BYTES];
    uint8_t bytes[STATE_BYTES + 1], expected[8];
    int error = place_path(place, generation, "STATE", path);
    ssize_t count;

    if (error != 0)
        return error;
    count = place_file_read(path, bytes, sizeof bytes);
    if (count < 0)
        return (int)-count;
    if (count != STATE_BYTES || memcmp(bytes, state_magic, sizeof state_magic) != 0 ||
        little_get32(bytes + STATE_FORMAT_AT) != STATE_FORMAT)
        return ENOENT;
    seal(bytes, expected);
    if (memcmp(bytes + STATE_SEAL_AT, expected, sizeof expected) != 0)
        return ENOENT;
    out->flags = little_get32(bytes + STATE_FLAGS_AT);
    memcpy(out->boot_id, bytes + STATE_BOOT_AT, sizeof out->boot_id);
    memcpy(out->basin_id, bytes + STATE_BASIN_AT, sizeof out->basin_id);
    out->synced_seq = little_get64(bytes + STATE_SYNCED_AT);
    out->check = little_get64(bytes + STATE_CHECK_AT);
    out->data_bytes = little_get64(bytes + STATE_DATA_BYTES_AT);
    memcpy(out->hash, bytes + STATE_HASH_AT, sizeof out->hash);
    return 0;
}

int place_state_write(const struct place *place, uint64_t generation,
                      const struct place_state *state)
{
    char path[PLACE_PATH_BYTES];
    uint8_t bytes[STATE_BYTES];
    int error = place_path(place, generation, "STATE", path);

    if (error != 0)
        return error;
    memcpy(bytes + STATE_MAGIC_AT, state_magic, sizeof state_magic);
    little_put32(bytes + STATE_FORMAT_AT, STATE_FORMAT);
    little_put32(bytes + STATE_FLAGS_AT, state->flags);
    memcpy(bytes + STATE_BOOT_AT, state->boot_id, sizeof state->boot_id);
    memcpy(bytes + STATE_BASIN_AT, state->basin_id, sizeof state->basin_id);
    little_put64(bytes + STATE_SYNCED_AT, state->synced_seq);
    little_put64(bytes + STATE_CHECK_AT, state->check);
    little_put64(bytes + STATE_DATA_BYTES_AT, state->data_bytes);
    memcpy(bytes + STATE_HASH_AT, state->hash, sizeof state->hash);
    seal(bytes, bytes + STATE_SEAL_AT);
    error = place_file_replace(path, bytes, sizeof bytes);
    return error != 0 ? error : place_file_sync_directory(path);
}

int place_state_sync(const struct place *place, uint64_t generation)
{
    char path[PLACE_PATH_BYTES];
    int error = place_path(place, generation, "STATE", path);

    return error != 0 ? error : place_file_sync_directory(path);
}

/* BLAKE3 of a file; 0 or an errno. */
static int hash_file(int file, uint8_t out_hash[16])
{
    blake3_hasher *hasher = malloc(sizeof *hasher);
    uint8_t *chunk = malloc(HASH_CHUNK_BYTES);
    int error = hasher == NULL || chunk == NULL ? ENOMEM : 0;
    off_t at = 0;

    if (error == 0)
        blake3_hasher_init(hasher);
    while (error == 0) {
        ssize_t bytes = pread(file, chunk, HASH_CHUNK_BYTES, at);

        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0)
            error = errno;
        if (bytes <= 0)
            break;
        blake3_hasher_update(hasher, chunk, (size_t)bytes);
        at += bytes;
    }
    if (error == 0)
        blake3_hasher_finalize(hasher, out_hash, 16);
    free(chunk);
    free(hasher);
    return error;
}

int place_state_measure(const struct place *place, uint64_t generation, uint64_t hash_bytes_max,
                        struct place_state *io_state)
{
    char path[PLACE_PATH_BYTES];
    struct stat stat_now;
    int error = place_path(place, generation, "data.mdb", path);
    int file;

    if (error != 0)
        return error;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    if (fstat(file, &stat_now) != 0)
        error = errno;
    io_state->data_bytes = (uint64_t)stat_now.st_size;
    io_state->flags &= ~(uint32_t)STATE_HASHED;
    memset(io_state->hash, 0, sizeof io_state->hash);
    if (error == 0 && io_state->data_bytes <= hash_bytes_max) {
        error = hash_file(file, io_state->hash);
        io_state->flags |= STATE_HASHED;
    }
    (void)close(file); /* Only read. */
    return error;
}
