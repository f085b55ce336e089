/*
 * process_trap.h - an io table that sends its own process a signal at one chosen call.
 *
 * The table is POSIX underneath. It counts the calls of one function while it is armed; at the
 * chosen one, before or after it is carried out, the process gets the signal: SIGKILL for a death
 * at a marked place, SIGSTOP for an owner that does not run.
 */
#ifndef FLUME_PROCESS_TRAP_H
#define FLUME_PROCESS_TRAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flume/io.h"

enum trap_call {
    TRAP_OPEN,
    TRAP_CLOSE,
    TRAP_PREAD,
    TRAP_PWRITE,
    TRAP_ALLOCATE,
    TRAP_PUNCH,
    TRAP_SYNC,
    TRAP_STAT,
    TRAP_MAP,
    TRAP_UNMAP,
    TRAP_LOCK,
    TRAP_RENAME,
    TRAP_UNLINK,
    TRAP_MAKE_DIRECTORY,
    TRAP_SYNC_DIRECTORY,
    TRAP_LIST,
    TRAP_WALL_NS,
    TRAP_RANDOM,
    TRAP_WAIT,
    TRAP_WAKE,
    TRAP_CALLS,
    TRAP_NONE = TRAP_CALLS
};
const char *trap_call_name(enum trap_call call);

enum trap_side { TRAP_BEFORE, TRAP_AFTER };

struct trap {
    flume_io io; /* The table to give away. */
    enum trap_call call;
    enum trap_side side;
    uint64_t at; /* 0 is the first call after arming. */
    int signal;
    bool of_another_boot; /* boot_id() answers as after a reboot. */
    _Atomic uint64_t count;
    _Atomic uint32_t armed;
};

/* Not armed yet. */
void trap_init(struct trap *trap, enum trap_call call, enum trap_side side, uint64_t at,
               int signal);
void trap_arm(struct trap *trap);

#endif
