/*
 * check.h - is every byte what was written, and what can be done where it is not.
 */
#ifndef FLUME_CHECK_H
#define FLUME_CHECK_H

#include "flume/grains.h"

#ifdef __cplusplus
extern "C" {
#endif

enum flume_finding_kind {
    FLUME_FINDING_TORN_TAIL = 1,  /* What a crash left behind the end. Normal; cut at open. */
    FLUME_FINDING_DAMAGED_RECORD, /* first_seq .. last_seq cannot be read. */
    FLUME_FINDING_MISSING_STRATA, /* first_seq .. last_seq: the file is not there. */
    FLUME_FINDING_WRONG_STRATA,   /* A file whose header is damaged, foreign or of another name. */
    FLUME_FINDING_TAIL_LOST,      /* The log ends at first_seq, the gate says last_seq + 1. */
    FLUME_FINDING_BROKEN_BATCH,   /* Members of a batch that lost others. */
    FLUME_FINDING_LOST_RECORD,    /* Stand-in of an earlier repair. */
    FLUME_FINDING_SIDE_FILE,      /* Slots, footer, gate slot, settings: rebuilt from the records. */
    FLUME_FINDING_VERSION,        /* A file that this program is too old to read. */
    FLUME_FINDING_PARITY          /* Bytes of a sealed strata, or of its parity, that are not what
                                     the parity knows; the message says whether they can be had. */
};

typedef struct flume_finding {
    enum flume_finding_kind kind;
    uint64_t first_seq, last_seq; /* Records concerned, or FLUME_SEQ_NONE. */
    uint64_t offset, bytes;       /* In the file. */
    const char *file;             /* Inside the basin, "log/...". Valid during the callback. */
    const char *action;           /* Repair only: what was done. Else "". */
    const char *message;          /* A sentence. Valid during the callback. */
} flume_finding;

typedef struct flume_check_options {
    /* For each finding; non-zero cancels. NULL: only the totals. */
    int (*finding)(void *ctx, const flume_finding *finding);
    /* Every few MiB read or examined: bytes read of bytes in all, more than once the same while
     * what was read is examined. Non-zero cancels. */
    int (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
    const flume_allocator *allocator;
    const flume_io *io;
} flume_check_options;

typedef struct flume_check_report {
    uint64_t records;       /* Intact. */
    uint64_t bytes;         /* Of files read. */
    uint64_t strata;
    uint64_t head;          /* Where the log ends. */
    uint64_t findings;      /* Of all kinds. */
    uint64_t damaged;       /* Records that cannot be read (lost stand-ins not counted). */
    uint64_t lost;          /* Stand-ins. */
    uint64_t torn_bytes;    /* Behind the end. */
    uint64_t needing;       /* Intact records that refer to a second log (grains.h), which is not
                               looked at: it is a basin of its own, flume_check_grains(). */
    bool sound;             /* No damage: no finding, or only a torn tail. */
} flume_check_report;

/**
 * Read everything and say what is wrong. Changes nothing; needs only read permission; works beside
 * writers (it checks up to the head at the call).
 *
 * @return FLUME_OK (sound, also with a torn tail), FLUME_ERR_DAMAGED or FLUME_ERR_TAIL_LOST (see
 *         the findings), FLUME_ERR_NO_BASIN, FLUME_ERR_VERSION, FLUME_ERR_CANCELLED, FLUME_ERR_IO.
 */
FLUME_API int flume_check(const char *path, const flume_check_options *options,
                          flume_check_report *out_report, flume_error *out_error);

/**
 * Where the second log of a basin is, for who checks or repairs it: a basin that does not open is
 * looked at, too. Opens nothing and changes nothing.
 *
 * @param options    Only allocator and io count. NULL: the defaults.
 * @param out_place  Untouched on error.
 * @return As flume_grains_find(); FLUME_ERR_NO_MEMORY.
 */
FLUME_API int flume_check_grains(const char *path, const flume_check_options *options,
                                 flume_grains_place *out_place, flume_error *out_error);

enum flume_repair_policy {
    FLUME_REPAIR_SALVAGE = 0,    /* Keep every intact record at its seq; stand-ins for the rest.
                                    Refuses (FLUME_ERR_TAIL_LOST) to shorten below the gate. */
    FLUME_REPAIR_ACCEPT_LOSS = 1, /* The same, and accept that the tail is gone. */
    FLUME_REPAIR_DRY_RUN = 2      /* Say what SALVAGE would do; change nothing. */
};

/**
 * Make a damaged basin usable again. Every file it replaces is first moved to lost+found/.
 *
 * Needs the basin for itself (FLUME_ERR_BUSY) and room for lost+found (FLUME_ERR_FULL), and refuses
 * without them before it changes a byte. May be interrupted at any point and run again.
 *
 * First of all, what the parity of sealed strata can restore is restored, bit for bit; that stays
 * also if the rest is then refused.
 *
 * @return FLUME_OK: sound now, out_report says what was found and is gone; else as flume_check().
 */
FLUME_API int flume_repair(const char *path, enum flume_repair_policy policy,
                           const flume_check_options *options, flume_check_report *out_report,
                           flume_error *out_error);

#ifdef __cplusplus
}
#endif
#endif
