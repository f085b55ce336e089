/*
 * simdisk_inside.h - the parts of the simulated disk: files, names, processes.
 *
 * simdisk.c has the machine, simdisk_process.c the processes, simdisk_files.c the table,
 * simdisk_names.c the names and what becomes of them, simdisk_image.c the sectors and the picture
 * that a machine stop leaves. All is guarded by disk->mutex.
 */
#ifndef SIMDISK_INSIDE_H
#define SIMDISK_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "simdisk.h"

enum {
    SIM_PAGE_BYTES = 4096,
    SIM_PATH_BYTES = 512,
    SIM_FILE_BYTES_MAX = 64 << 20,
    SIM_FILES_MAX = 512, /* Open at once. */
    SIM_LOCKS_MAX = 1024,
    SIM_WRITTEN_MARGIN_BYTES = 4096 /* A sync proves so much behind the last byte not 0. */
};

/* A file, whatever its names. */
struct sim_node {
    uint64_t inode;
    unsigned references; /* Names of every kind, open files, pending name changes. */
    int memory;          /* The memfd: live content. */
    uint8_t *live;       /* All of it, mapped. */
    uint64_t live_bytes;
    uint8_t *disk; /* What the disk holds; as long as the longest the file ever was. */
    uint64_t disk_bytes, disk_room;
    uint64_t written_bytes; /* The disk's bytes before here are never junk. */
    uint8_t *lost;          /* One a page: 1: clean by a failed sync, though not on the disk. */
    uint8_t *lost_content;  /* What those pages held then. */
    uint64_t lost_pages;
    uint64_t sync_errors; /* How many syncs have failed. */
    bool is_directory;
};

struct sim_name {
    char *path;
    struct sim_node *node;
};

struct sim_names {
    struct sim_name *names;
    size_t count, room;
};

enum sim_change_kind { SIM_LINK, SIM_RENAME, SIM_UNLINK };

/* A change of names that no sync_directory() has covered. */
struct sim_change {
    enum sim_change_kind kind;
    char *path; /* Rename: the old name. */
    char *to;   /* Rename only. */
    struct sim_node *node;
};

/* Names that a list() is giving out. */
struct sim_listing {
    struct sim_listing *next;
    char names[];
};

enum { SIM_THREADS_MAX = 256 }; /* That ever called as one process. */

struct sim_process {
    flume_io table;
    struct simdisk *disk;
    pid_t threads[SIM_THREADS_MAX];
    size_t thread_count;
    struct sim_listing *listings;
    uint64_t kill_after; /* 0: not armed. */
    _Atomic bool killed;
};

struct sim_file {
    struct sim_node *node; /* NULL: this number is free. */
    struct sim_process *process;
    unsigned flags;
    uint64_t sync_errors_seen;
    char path[SIM_PATH_BYTES];
};

struct sim_lock {
    struct sim_node *node;
    uint64_t offset;
    int file;
    enum flume_io_lock how; /* UNLOCK: this entry is free. */
};

struct simdisk {
    pthread_mutex_t mutex;
    uint64_t random;          /* What the disk does. */
    uint64_t identity_random; /* What io->random gives. */
    uint64_t next_inode;
    uint64_t boots;
    uint64_t calls, stop_after;
    uint64_t space;
    unsigned writeback_one_in;
    enum simdisk_names names_mode;
    bool stopped;

    const struct sim_process *fail_sync_process;
    uint64_t fail_sync_nth;
    char fail_sync_part[64];
    enum simdisk_after_failure after_failure;
    bool sync_failed;

    struct sim_names live, durable;
    struct sim_names picture; /* Between stop and restart. */
    struct sim_change *changes;
    size_t change_count, change_room;

    struct sim_file files[SIM_FILES_MAX];
    struct sim_lock locks[SIM_LOCKS_MAX];
    size_t lock_end; /* Nothing is locked here and behind. */
    size_t open_files, open_maps;
    struct sim_process processes[SIMDISK_PROCESSES_MAX];
    size_t process_count;
    pid_t bystanders[SIM_THREADS_MAX]; /* Threads that were there before the disk. */
    size_t bystander_count;

    _Atomic uint64_t clock_ns;
};

/* --- simdisk.c -------------------------------------------------------------------------------- */

/* What the caller of a table function must do. */
enum turn {
    TURN_GO,
    TURN_GO_AND_STOP, /* Do it; then the machine stops, and nobody hears of the result. */
    TURN_REFUSE
};

/* Around each call that reaches files or names; the mutex is held in between. The end gives back
 * what the caller is to answer. */
enum turn sim_call_begin(struct sim_process *process);
int64_t sim_call_end(struct sim_process *process, enum turn turn, int64_t result);

void sim_fill_time(flume_io *table);

/* --- simdisk_process.c ------------------------------------------------------------------------ */

/* A killed process's thread ends here, wherever it is: no cleanup, its mutexes stay locked. */
void sim_die_if_killed(struct sim_process *process);

/* Take the disk's mutex, as a living process. */
void sim_enter(struct sim_process *process);

/* The threads there are now belong to no process. */
void sim_remember_threads(struct simdisk *disk);

void sim_kill_locked(struct sim_process *process);

/* --- simdisk_files.c -------------------------------------------------------------------------- */

void sim_fill_table(flume_io *table);
void sim_release_files(struct simdisk *disk, const struct sim_process *process);

/* --- simdisk_names.c -------------------------------------------------------------------------- */

struct sim_node *names_find(const struct sim_names *names, const char *path);
void names_put(struct sim_names *names, const char *path, struct sim_node *node);
void names_remove(struct sim_names *names, const char *path);
void names_clear(struct sim_names *names);

/* Make a change to the live names and remember that the disk does not have it. */
void sim_change_make(struct simdisk *disk, enum sim_change_kind kind, const char *path,
                     const char *to, struct sim_node *node);

/* What sync_directory() does. */
void sim_changes_commit(struct simdisk *disk, const char *directory);

/* The names a stop leaves, into an empty set; the nodes are those of the running machine. */
void sim_names_after_stop(struct simdisk *disk, struct sim_names *out_names);

void sim_changes_clear(struct simdisk *disk);

/* --- simdisk_image.c -------------------------------------------------------------------------- */

struct sim_node *node_create(struct simdisk *disk, bool is_directory);
void node_hold(struct sim_node *node);
void node_release(struct sim_node *node);

/* Lengthen the live file. 0 or a negative errno. */
int node_grow(struct sim_node *node, uint64_t bytes);

/* A call wrote this range: pages there are dirty, also if the bytes are the same. */
void node_touch(struct sim_node *node, uint64_t offset, uint64_t bytes);

/* All dirty pages to the disk. */
void node_sync(struct sim_node *node);

/* The dirty sectors to the disk, without the promise that a sync gives. */
void node_flush(struct sim_node *node);

/* Some sectors to the disk, of those that are dirty; then all of them are called clean. */
void node_sync_fail(struct sim_node *node, uint64_t *random);

/* Some dirty sectors to the disk. */
void node_write_back(struct sim_node *node, uint64_t *random);

/* A new node with what a stop leaves of this one. */
struct sim_node *node_after_stop(struct simdisk *disk, struct sim_node *node);

#endif
