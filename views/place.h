/*
 * place.h - the directory of a view in one version, and the small files in it.
 *
 *   views/NAME/VERSION/
 *     LOCK       bytes that are locked, never written
 *     CURRENT    which generation answers
 *     REQUEST    a rebuild was asked for, and why
 *     PAUSED     the view is to be left as it is
 *     N/         generation N: data.mdb, lock.mdb, STATE, and runs while it is built
 *
 * views/FORMAT.md has the bytes. This module knows paths and files, not views.
 *
 * What always holds:
 *   - CURRENT and STATE are replaced by rename, whole or not at all; one that does not verify
 *     counts as absent.
 *   - A lock is held through the place's own descriptor, so two handles of one process exclude each
 *     other too, and the kernel frees it when the process dies. The threads of one handle exclude
 *     each other by `held`.
 */
#ifndef VIEWS_PLACE_H
#define VIEWS_PLACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { PLACE_PATH_BYTES = 4096 };

/* Bytes of LOCK. */
enum place_lock { PLACE_ADVANCE = 0, PLACE_REBUILD = 1, PLACE_USERS = 2, PLACE_LOCKS = 3 };
enum { PLACE_ASIDE_AT = 3 }; /* Locked through other descriptors (aside.h). */

struct place {
    char *path; /* views/NAME/VERSION */
    pthread_mutex_t mutex;
    int lock_file;          /* -1: not open. Guarded by mutex. */
    bool read_only;         /* LOCK may only be read: nothing can be locked. Guarded by mutex. */
    bool held[PLACE_LOCKS]; /* By some thread of this handle. Guarded by mutex. */
};

enum place_state_flags { STATE_CLEAN = 1, STATE_HASHED = 2 };

/* What STATE says of a generation. */
struct place_state {
    uint32_t flags; /* enum place_state_flags. */
    uint8_t boot_id[16];
    uint8_t basin_id[16];
    uint64_t synced_seq;
    uint64_t check;      /* Of the grain before synced_seq. */
    uint64_t data_bytes; /* Of data.mdb, where clean. */
    uint8_t hash[16];    /* BLAKE3 of data.mdb, where hashed. */
};

/** Take a place; nothing is made yet. 0, or a positive errno. */
int place_init(struct place *place, const char *root, const char *name, uint32_t version);
void place_deinit(struct place *place);
/** In a forked child: let go of the descriptor, and touch nothing else. */
void place_abandon(struct place *place);

/** Make the directory and open LOCK, marking the place as used. 0, or an errno. */
int place_open(struct place *place);

/** Lock a byte without waiting. 0; EAGAIN or EACCES where another holds it; another errno. */
int place_lock(struct place *place, enum place_lock byte);
void place_unlock(struct place *place, enum place_lock byte);

/** Whether a thread of this handle holds a byte. */
bool place_holds(struct place *place, enum place_lock byte);

/** Whether any handle, this one included, holds a byte alone. */
bool place_is_locked(const struct place *place, enum place_lock byte);

/** The current generation; 0: there is none, or it cannot be read. */
uint64_t place_current(const struct place *place);
/** The same, with 0 or the errno of reading it. What is not a generation's number counts as
 * none. */
int place_read_current(const struct place *place, uint64_t *out_generation);
int place_set_current(const struct place *place, uint64_t generation);

/** The highest generation of which there is a directory; 0: none. */
uint64_t place_highest(const struct place *place);

/** Path of a generation, or of a file in it (NULL: the directory). 0 or ENAMETOOLONG. */
int place_path(const struct place *place, uint64_t generation, const char *file,
               char target[PLACE_PATH_BYTES]);

/** The highest other version of the view that has a build; 0: none. */
uint64_t place_other_version(const struct place *place);

/** Remove a generation with all that is in it, or with generation 0 every one but `keep`. */
void place_remove(const struct place *place, uint64_t generation);
void place_remove_others(const struct place *place, uint64_t keep);

/** STATE of a generation. 0; ENOENT: there is none that verifies; another errno. */
int place_state_read(const struct place *place, uint64_t generation, struct place_state *out);
/** Replace it, synced before this returns. After an error the new one may be there, not synced. */
int place_state_write(const struct place *place, uint64_t generation,
                      const struct place_state *state);
/** Make the one that is there survive a power cut, where nobody can tell whether it does. */
int place_state_sync(const struct place *place, uint64_t generation);

/** Size of data.mdb, and its hash if it is not over a limit. Sets flags, data_bytes and hash. */
int place_state_measure(const struct place *place, uint64_t generation, uint64_t hash_bytes_max,
                        struct place_state *io_state);

/** Small files that say something by being there. */
bool place_has(const struct place *place, const char *file);
int place_put(const struct place *place, const char *file, const char *text);
void place_take(const struct place *place, const char *file);

/** Bytes on disk of a generation. */
uint64_t place_disk_bytes(const struct place *place, uint64_t generation);

/** Call back for each name in a directory that is a directory itself; false stops. */
void place_each(const char *path, bool (*callback)(void *ctx, const char *name), void *ctx);

/** Make a directory and its parents' last part; 0 or an errno. EEXIST is fine. */
int place_make_directory(const char *path);

/** Remove a directory that has only files and such directories in it. */
void place_remove_tree(const char *path);

#endif
