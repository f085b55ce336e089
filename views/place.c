/*
 * place.c - the directory of a view in one version, and the small files in it (place.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place_inside.h"

enum { CURRENT_TEXT_BYTES = 64 };

/* ---- paths ---- */

int place_join(char target[PLACE_PATH_BYTES], const char *directory, const char *name)
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
    int error = place_join(path, place->path, "LOCK");
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

    if (place_join(path, place->path, "LOCK") != 0)
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

/* ---- CURRENT ---- */

int place_read_current(const struct place *place, uint64_t *out_generation)
{
    char path[PLACE_PATH_BYTES], text[CURRENT_TEXT_BYTES + 1];
    int error = place_join(path, place->path, "CURRENT");
    uint64_t generation;
    ssize_t bytes;
    int end = 0;

    *out_generation = 0;
    if (error != 0)
        return error;
    bytes = place_file_read(path, text, CURRENT_TEXT_BYTES);
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
    int error = place_join(path, place->path, "CURRENT");

    if (error == 0)
        error = place_file_replace(path, text, (size_t)length);
    if (error == 0) /* It is done; what a power cut undoes is built again. */
        (void)place_file_sync_directory(path);
    return error;
}

/* ---- marks ---- */

bool place_has(const struct place *place, const char *file)
{
    char path[PLACE_PATH_BYTES];

    return place_join(path, place->path, file) == 0 && access(path, F_OK) == 0;
}

int place_put(const struct place *place, const char *file, const char *text)
{
    char path[PLACE_PATH_BYTES];
    int error = place_join(path, place->path, file);

    return error != 0 ? error : place_file_replace(path, text, strlen(text));
}

void place_take(const struct place *place, const char *file)
{
    char path[PLACE_PATH_BYTES];

    if (place_join(path, place->path, file) == 0)
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
