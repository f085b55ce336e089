/*
 * status.h - what a call can answer, and the detail behind it.
 *
 * Every function that can fail returns an int: FLUME_OK, a documented positive value, or one of
 * the negative codes below. The numbers are stable. The program `flume` has exit codes of its
 * own (`flume help exit-codes`).
 */
#ifndef FLUME_STATUS_H
#define FLUME_STATUS_H

#include <stddef.h>
#include <stdint.h>

#if defined(FLUME_BUILDING) && defined(__GNUC__)
#define FLUME_API __attribute__((visibility("default")))
#else
#define FLUME_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum flume_status {
    FLUME_OK = 0,
    FLUME_END = 1,             /* An iteration is over. Not an error. */
    FLUME_ERR_INVALID = -1,    /* The caller broke a documented rule; nothing changed. */
    FLUME_ERR_NO_MEMORY = -2,  /* An allocation failed; nothing changed. */
    FLUME_ERR_IO = -3,         /* The system refused; flume_error has its errno. */
    FLUME_ERR_DAMAGED = -4,    /* Bytes on disk are not the bytes once written. */
    FLUME_ERR_BUSY = -5,       /* Somebody else holds it; the detail names pid and program. */
    FLUME_ERR_CONFLICT = -6,   /* The condition of a conditional append does not hold. */
    FLUME_ERR_NOT_FOUND = -7,  /* No record has this seq (yet), or no such thing exists. */
    FLUME_ERR_NO_BASIN = -8,   /* The path does not exist, or is not a basin. */
    FLUME_ERR_VERSION = -9,    /* Written by a newer flume: it needs a feature unknown here. */
    FLUME_ERR_FORKED = -10,    /* The handle belongs to the parent process. */
    FLUME_ERR_TAIL_LOST = -11, /* The log is shorter than what was acknowledged as durable. */
    FLUME_ERR_REWOUND = -12,   /* A remembered position lies in a part that a power cut took. */
    FLUME_ERR_TIMEOUT = -13,   /* The time given was up. Nothing is wrong. */
    FLUME_ERR_FULL = -14,      /* No space (or quota) left; nothing was appended. */
    FLUME_ERR_TOO_LARGE = -15, /* Over FLUME_BODY_BYTES_MAX, FLUME_META_BYTES_MAX, ... */
    FLUME_ERR_POISONED = -16,  /* A sync failed: nothing more is accepted until a fresh attach. */
    FLUME_ERR_READ_ONLY = -17, /* The handle, or the basin for this user, cannot be written. */
    FLUME_ERR_ACCESS = -18,    /* The system does not permit reading or opening it. */
    FLUME_ERR_CANCELLED = -19, /* A callback asked to stop. */
    FLUME_ERR_GONE = -20,      /* The record was erased or pruned on request. */
    FLUME_ERR_LOST = -21,      /* The record was damaged and a repair could not restore it. */
    FLUME_ERR_VIEW = -22,      /* A view failed; the detail names it and says why. */
    FLUME_ERR_STALE = -23,     /* A view is behind, and nobody here can bring it up to date. */
    FLUME_ERR_AMBIGUOUS = -24, /* A prefix fits more than one. */
    FLUME_ERR_ABSENT = -25     /* It lies where nothing is now: a volume that is not mounted. */
};

enum { FLUME_ERROR_TEXT_BYTES = 512 };

#define FLUME_SEQ_NONE UINT64_MAX /* "No record": where a seq may be absent. */

/* The detail of a failure: what, where, and what to do about it. */
typedef struct flume_error {
    int status;       /* One of enum flume_status. */
    int system_errno; /* errno of the system call behind it, or 0. */
    uint64_t seq;     /* The record concerned, or FLUME_SEQ_NONE. */
    char message[FLUME_ERROR_TEXT_BYTES]; /* One or two sentences, NUL-terminated, UTF-8. */
} flume_error;

/** Name of a status for people ("damaged: bytes on disk ..."). Static text, never NULL, for any
 * int. Threads: any. */
FLUME_API const char *flume_strerror(int status);

/** Short lower-case word for a status ("damaged"), stable, for programs. Static, never NULL. */
FLUME_API const char *flume_status_name(int status);

#ifdef __cplusplus
}
#endif
#endif
