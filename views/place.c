/*
 * place.c - the directory of a view in one version, and the small files in it (place.h).
 */
#include "place.h"

#include <blake3.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "little.h"

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

/* No generation has such a number: there is always a next one. */
#define GENERATION_END (UINT64_C(1) << 62)

enum { CURRENT_TEXT_BYTES = 64, HASH_CHUNK_BYTES = 1 << 20 };

/* ---- paths ---- */

static int join(char target[PLACE_PATH_BYTES], const char *directory, const char *name)
{
    int length = snprintf(target, PLACE_PATH_BYTES, "%s/%s", directory, name);

    return length < 0 || length >= PLACE_PATH_BYTES ? ENAMETOOLONG : 0;
}

int place_init(struct place *place, const char *root, const char *name, uint32_t version)
{
    char path[PLACE_PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/views/%s/%" PRIu32, root, name, version);

    *place = (struct place){.lock_file = -1};
    (void)pthread_mutex_init(&place->mutex, NULL);
    if (length < 0 || (size_t)length >= sizeof path - 64) /* What is in it must fit too. */
        return ENAMETOOLONG;
    place->path = strdup(path);
    return place->path == NULL ? ENOMEM : 0;
}

void place_deinit(struct place *place)
{
    if (place->lock_file >= 0)
        (void)close(place->lock_file); /* Nothing was written through it. */
    (void)pthread_mutex_destroy(&place->mutex);
    free(place->path);
}

void place_abandon(struct place *place)
{
    if (place->lock_file >= 0)
        (void)close(place->lock_file); /* Nothing was written through it. */
    place->lock_file = -1;
}

int place_path(const struct place *place, uint64_t generation, const char *file,
               char target[PLACE_PATH_BYTES])
{
    int length = file == NULL
                     ? snprintf(target, PLACE_PATH_BYTES, "%s/%" PRIu64, place->path, generation)
                     : snprintf(target, PLACE_PATH_BYTES, "%s/%" PRIu64 "/%s", place->path,
                                generation, file);

    return length < 0 || length >= PLACE_PATH_BYTES ? ENAMETOOLONG : 0;
}

int place_make_directory(const char *path)
{
    char parent[PLACE_PATH_BYTES];
    size_t length = strlen(path);

    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT || length >= sizeof parent)
        return errno;
    memcpy(parent, path, length + 1);
    while (length > 1 && parent[length - 1] != '/')
        length--;
    if (length <= 1)
        return ENOENT;
    parent[length - 1] = '\0';
    /* views/ and views/NAME/ may be missing, the basin itself not. */
    if (mkdir(parent, 0777) != 0 && errno != EEXIST) {
        char *slash = strrchr(parent, '/');

        if (errno != ENOENT || slash == NULL)
            return errno;
        *slash = '\0';
        if (mkdir(parent, 0777) != 0 && errno != EEXIST)
            return errno;
        *slash = '/';
        if (mkdir(parent, 0777) != 0 && errno != EEXIST)
            return errno;
    }
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : errno;
}

static int set_lock(int file, enum place_lock byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};

    while (fcntl(file, F_OFD_SETLK, &lock) != 0)
        if (errno != EINTR)
            return errno == EACCES ? EAGAIN : errno;
    return 0;
}

/* Whether the LOCK that is open is still the one that others find. */
static bool is_lock_current(const struct place *place, const char *path)
{
    struct stat named, open_one;

    return stat(path, &named) == 0 && fstat(place->lock_file, &open_one) == 0 &&
           named.st_dev == open_one.st_dev && named.st_ino == open_one.st_ino;
}

static bool is_forbidden(int error)
{
    return error == EACCES || error == EPERM || error == EROFS;
}

static int open_locked(struct place *place)
{
    char path[PLACE_PATH_BYTES];
    int error = join(path, place->path, "LOCK");
    int file;

    if (error != 0)
        return error;
    if (place->lock_file >= 0 &&
        (place->held[PLACE_ADVANCE] || place->held[PLACE_REBUILD] || is_lock_current(place, path)))
        return 0;
    error = place_make_directory(place->path);
    if (error != 0 && !is_forbidden(error))
        return error;
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0 && is_forbidden(errno) && access(path, F_OK) == 0) {
        place->read_only = true; /* Who may only look takes no lock. */
        return 0;
    }
    if (file < 0)
        return errno;
    /* Whoever removes a view needs the users' byte alone. */
    error = set_lock(file, PLACE_USERS, F_RDLCK);
    if (error != 0) {
        (void)close(file); /* Nothing was written through it. */
        return error;
    }
    if (place->lock_file >= 0)
        (void)close(place->lock_file); /* Of a directory that is gone. */
    place->lock_file = file;
    place->read_only = false;
    return 0;
}

int place_open(struct place *place)
{
    int error;

    (void)pthread_mutex_lock(&place->mutex);
    error = open_locked(place);
    (void)pthread_mutex_unlock(&place->mutex);
    return error;
}

/* ---- locks ---- */

int place_lock(struct place *place, enum place_lock byte)
{
    int error = EAGAIN;

    (void)pthread_mutex_lock(&place->mutex);
    if (place->lock_file < 0)
        error = place->read_only ? EACCES : ENOENT;
    else if (!place->held[byte])
        error = set_lock(place->lock_file, byte, F_WRLCK);
    if (error == 0)
        place->held[byte] = true;
    (void)pthread_mutex_unlock(&place->mutex);
    return error;
}

void place_unlock(struct place *place, enum place_lock byte)
{
    (void)pthread_mutex_lock(&place->mutex);
    place->held[byte] = false;
    /* The users' byte goes back to being shared. It cannot fail for a lock that is held. */
    (void)set_lock(place->lock_file, byte, byte == PLACE_USERS ? F_RDLCK : F_UNLCK);
    (void)pthread_mutex_unlock(&place->mutex);
}

bool place_holds(struct place *place, enum place_lock byte)
{
    bool held;

    (void)pthread_mutex_lock(&place->mutex);
    held = place->held[byte];
    (void)pthread_mutex_unlock(&place->mutex);
    return held;
}

bool place_is_locked(const struct place *place, enum place_lock byte)
{
    struct flock lock = {
        .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
    char path[PLACE_PATH_BYTES];
    int file;

    if (join(path, place->path, "LOCK") != 0)
        return false;
    /* Asked through a descriptor of its own, this handle's lock is told of too. */
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    if (fcntl(file, F_OFD_GETLK, &lock) != 0)
        lock.l_type = F_UNLCK;
    (void)close(file); /* It holds no lock. */
    return lock.l_type != F_UNLCK;
}

/* ---- whole small files ---- */

/* Read at most max bytes; the number read, or a negative errno. */
static ssize_t read_file(const char *path, void *target, size_t max)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t done = 0;

    if (file < 0)
        return -errno;
    while (done < max) {
        ssize_t bytes = read(file, (char *)target + done, max - done);

        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0) {
            int error = errno;

            (void)close(file); /* Only read. */
            return -error;
        }
        if (bytes == 0)
            break;
        done += (size_t)bytes;
    }
    (void)close(file); /* Only read. */
    return (ssize_t)done;
}

static int write_all(int file, const void *source, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t written = write(file, (const char *)source + done, bytes - done);

        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0)
            done += (size_t)written;
    }
    return 0;
}

/* Make what was renamed in the directory of a file survive a power cut. */
static int sync_directory_of(const char *path)
{
    char directory[PLACE_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    int error, file;

    if (length == 0 || length >= sizeof directory)
        return 0; /* Not a file of a place. */
    memcpy(directory, path, length);
    directory[length] = '\0';
    file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return errno;
    error = fsync(file) != 0 ? errno : 0;
    (void)close(file); /* Only read. */
    return error;
}

/* Replace a file by rename, its bytes synced first. */
static int replace_file(const char *path, const void *source, size_t bytes)
{
    char temporary[PLACE_PATH_BYTES];
    int length = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int error, file;

    if (length < 0 || (size_t)length >= sizeof temporary)
        return ENAMETOOLONG;
    file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return errno;
    error = write_all(file, source, bytes);
    if (error == 0 && fdatasync(file) != 0)
        error = errno;
    if (close(file) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error != 0)
        (void)unlink(temporary); /* The error that matters is the first. */
    return error;
}

/* ---- CURRENT ---- */

int place_read_current(const struct place *place, uint64_t *out_generation)
{
    char path[PLACE_PATH_BYTES], text[CURRENT_TEXT_BYTES + 1];
    int error = join(path, place->path, "CURRENT");
    uint64_t generation;
    ssize_t bytes;
    int end = 0;

    *out_generation = 0;
    if (error != 0)
        return error;
    bytes = read_file(path, text, CURRENT_TEXT_BYTES);
    if (bytes < 0)
        return bytes == -ENOENT ? 0 : (int)-bytes;
    text[bytes] = '\0';
    if (sscanf(text, "generation %" SCNu64 "\n%n", &generation, &end) == 1 && end == bytes &&
        generation < GENERATION_END)
        *out_generation = generation;
    return 0;
}

uint64_t place_current(const struct place *place)
{
    uint64_t generation;

    return place_read_current(place, &generation) == 0 ? generation : 0;
}

int place_set_current(const struct place *place, uint64_t generation)
{
    char path[PLACE_PATH_BYTES], text[CURRENT_TEXT_BYTES];
    int length = snprintf(text, sizeof text, "generation %" PRIu64 "\n", generation);
    int error = join(path, place->path, "CURRENT");

    if (error == 0)
        error = replace_file(path, text, (size_t)length);
    if (error == 0)
        (void)sync_directory_of(path); /* It is done; what a power cut undoes is built again. */
    return error;
}

/* ---- directories ---- */

void place_each(const char *path, bool (*callback)(void *ctx, const char *name), void *ctx)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL) {
        char child[PLACE_PATH_BYTES];
        struct stat stat_now;

        if (entry->d_name[0] == '.' || join(child, path, entry->d_name) != 0 ||
            lstat(child, &stat_now) != 0 || !S_ISDIR(stat_now.st_mode))
            continue;
        if (!callback(ctx, entry->d_name))
            break;
    }
    (void)closedir(directory); /* Only read. */
}

static bool parse_number(const char *name, uint64_t *out)
{
    char *end;

    if (name[0] < '1' || name[0] > '9')
        return false;
    errno = 0;
    *out = strtoull(name, &end, 10);
    return errno == 0 && *end == '\0' && *out < GENERATION_END;
}

static bool keep_highest(void *ctx, const char *name)
{
    uint64_t *highest = ctx, number;

    if (parse_number(name, &number) && number > *highest)
        *highest = number;
    return true;
}

uint64_t place_highest(const struct place *place)
{
    uint64_t highest = 0;

    place_each(place->path, keep_highest, &highest);
    return highest;
}

/* The versions of a view that have a build. */
struct versions {
    const char *directory; /* Of the view. */
    uint64_t own, highest;
};

static bool keep_version(void *ctx, const char *name)
{
    struct versions *versions = ctx;
    char version[PLACE_PATH_BYTES], current[PLACE_PATH_BYTES];
    uint64_t number;

    if (parse_number(name, &number) && number != versions->own && number > versions->highest &&
        join(version, versions->directory, name) == 0 && join(current, version, "CURRENT") == 0 &&
        access(current, F_OK) == 0)
        versions->highest = number;
    return true;
}

uint64_t place_other_version(const struct place *place)
{
    char directory[PLACE_PATH_BYTES];
    struct versions versions = {.directory = directory};
    char *slash;

    (void)snprintf(directory, sizeof directory, "%s", place->path); /* It was made in such room. */
    slash = strrchr(directory, '/');
    if (slash == NULL || !parse_number(slash + 1, &versions.own))
        return 0;
    *slash = '\0';
    place_each(directory, keep_version, &versions);
    return versions.highest;
}

void place_remove_tree(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL) {
        char child[PLACE_PATH_BYTES];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            join(child, path, entry->d_name) != 0)
            continue;
        /* What cannot be removed now is tried again by whoever builds next. */
        if (unlink(child) != 0 && (errno == EISDIR || errno == EPERM))
            place_remove_tree(child);
    }
    (void)closedir(directory); /* Only read. */
    (void)rmdir(path);
}

void place_remove(const struct place *place, uint64_t generation)
{
    char path[PLACE_PATH_BYTES];

    if (place_path(place, generation, NULL, path) == 0)
        place_remove_tree(path);
}

struct removing {
    const struct place *place;
    uint64_t keep;
};

static bool remove_other(void *ctx, const char *name)
{
    const struct removing *removing = ctx;
    uint64_t number;

    if (parse_number(name, &number) && number != removing->keep)
        place_remove(removing->place, number);
    return true;
}

void place_remove_others(const struct place *place, uint64_t keep)
{
    struct removing removing = {place, keep};

    place_each(place->path, remove_other, &removing);
}

/* ---- STATE ---- */

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
    count = read_file(path, bytes, sizeof bytes);
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
    error = replace_file(path, bytes, sizeof bytes);
    return error != 0 ? error : sync_directory_of(path);
}

int place_state_sync(const struct place *place, uint64_t generation)
{
    char path[PLACE_PATH_BYTES];
    int error = place_path(place, generation, "STATE", path);

    return error != 0 ? error : sync_directory_of(path);
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

/* ---- marks ---- */

bool place_has(const struct place *place, const char *file)
{
    char path[PLACE_PATH_BYTES];

    return join(path, place->path, file) == 0 && access(path, F_OK) == 0;
}

int place_put(const struct place *place, const char *file, const char *text)
{
    char path[PLACE_PATH_BYTES];
    int error = join(path, place->path, file);

    return error != 0 ? error : replace_file(path, text, strlen(text));
}

void place_take(const struct place *place, const char *file)
{
    char path[PLACE_PATH_BYTES];

    if (join(path, place->path, file) == 0)
        (void)unlink(path); /* Gone already is as good. */
}

uint64_t place_disk_bytes(const struct place *place, uint64_t generation)
{
    char path[PLACE_PATH_BYTES];
    struct stat stat_now;

    if (place_path(place, generation, "data.mdb", path) != 0 || stat(path, &stat_now) != 0)
        return 0;
    return (uint64_t)stat_now.st_blocks * 512;
}
