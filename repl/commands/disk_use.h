/*
 * disk_use.h - what of a basin takes how much room on disk.
 */
#ifndef REPL_DISK_USE_H
#define REPL_DISK_USE_H

#include <stdint.h>

enum disk_kind {
    DISK_STRATA, /* log/SEQ.strata */
    DISK_SLOTS,  /* log/SEQ.slots */
    DISK_SPARE,  /* log/next.*: the next strata, made ahead. */
    DISK_GRAINS, /* The second log, wherever it is: all of it. */
    DISK_VIEWS,
    DISK_LOST_FOUND,
    DISK_OTHER, /* HEAD, TAIL, subs/, txn/, ... */
    DISK_KINDS
};

struct disk_use {
    uint64_t bytes[DISK_KINDS]; /* Allocated: a hole in a file takes nothing. */
    uint64_t files[DISK_KINDS];
    uint64_t total_bytes;
};

/** The name of a kind ("strata", "lost+found"). Static. */
const char *disk_use_name(enum disk_kind kind);

/** Add up a basin's directory. What cannot be looked at, or goes meanwhile, counts nothing.
 * @param grains_path  Of the second log, which may lie elsewhere. NULL: there is none. */
void disk_use_look(const char *path, const char *grains_path, struct disk_use *out_use);

#endif
