/*
 * head.h - HEAD: what the processes attached to a basin share in memory.
 *
 * HEAD is a file in the basin, mapped by every attached process and rebuilt in place by the first
 * one (attach.c). After a machine stop nothing in it counts; after a process death everything does.
 *
 * What always holds:
 *   - `head` is the only word that publishes records. Everything a reader needs for seq < head
 *     (bytes, slots, layout_count) is stored before it, with release.
 *   - `intent_from .. intent_to` covers every byte that the holder of append_mutex may have written
 *     behind the end; it is stored before the first of them.
 *   - `durable` only rises, and only after the sync that proves it.
 *   - `sealed_to` only rises while anybody is attached, after the sealed file has its name and
 *     before layout_count, with which it is read.
 *
 * Lock order: the lanes, seal_mutex, sync_mutex, append_mutex; prepare_mutex is only ever tried,
 * holding neither; board_mutex is taken holding none of them, and for a few stores only. seal_mutex
 * is held while a strata is rewritten, which takes as long as it takes: nobody waits for it while
 * holding another.
 * sync_mutex is held across fdatasync; append_mutex only when a large batch commits.
 */
#ifndef FLUME_HEAD_H
#define FLUME_HEAD_H

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flume/board.h"
#include "flume/lane.h"
#include "strata_file.h"

enum {
    HEAD_ATTACH_MAX = 256,
    HEAD_PROGRAM_BYTES = 32,
    HEAD_HOST_BYTES = 64,
    HEAD_FILE_BYTES = 64 << 10,
    HEAD_FORMAT = 4,
    HEAD_BOARD_NAME_BYTES = FLUME_BOARD_NAME_BYTES_MAX + 1,

    /* Bytes of LOCK. */
    LOCK_GATE_AT = 0,
    LOCK_MEMBERS_AT = 1,
    LOCK_ATTACH_AT = 16
};

/* Bytes of LOCK for names that are held (lane.h): from here on, as many again. */
#define LOCK_HOLDS_AT (UINT64_C(1) << 61)

enum head_state {
    HEAD_EMPTY = 0,
    HEAD_READY = 1,  /* In use, or left so by processes that died. */
    HEAD_CLOSED = 2, /* The last one left in order; closed_check holds. */
    HEAD_COPY = 3    /* Of a copy made while in use, whose recovery has not come to its end. */
};

/* Why appends cannot simply go on; all zero in the ordinary case. */
enum head_refusal {
    HEAD_POISONED = 1,      /* A sync failed. */
    HEAD_DAMAGED = 2,       /* The active strata is damaged. */
    HEAD_DIRTY = 4,         /* Bytes behind the end must be zeroed first. */
    HEAD_ACTIVE_CLOSED = 8, /* The next append opens a new strata. */
    HEAD_TAIL_LOST = 16,    /* The log is shorter than its gate. */
    HEAD_REFUSALS = 31
};

enum head_role { HEAD_ROLE_READ_ONLY = 1, HEAD_ROLE_EXCLUSIVE = 2 };

/* Who is attached. Entry i counts while byte LOCK_ATTACH_AT + i of LOCK is held. */
struct head_attach {
    _Atomic uint64_t pid; /* 0: free. */
    uint64_t started_ns;
    uint64_t pinned_seq; /* FLUME_SEQ_NONE: none. */
    uint32_t role;       /* enum head_role. */
    uint32_t reserved;
    char program[HEAD_PROGRAM_BYTES];
    char host[HEAD_HOST_BYTES];
};
static_assert(sizeof(struct head_attach) == 128, "two cache lines");

/* A lane (lane.c). */
struct head_lane {
    alignas(64) pthread_mutex_t mutex;
    _Atomic uint32_t owner;
};

/* A board: words shared under a name (board.c). */
struct head_board {
    char name[HEAD_BOARD_NAME_BYTES]; /* Zeros behind the text. Fixed once board_count counts it. */
    _Atomic uint32_t wanted;          /* A waiter stores 1, who wakes it 0. */
    _Atomic uint32_t woken;           /* Raised with each wake. */
    _Atomic uint64_t words[FLUME_BOARD_WORDS];
};
static_assert(sizeof(struct head_board) == 128, "two cache lines");

struct head {
    char magic[8];          /* "flumhead" */
    uint32_t layout;        /* head_layout(): who is built otherwise must not map this. */
    _Atomic uint32_t state; /* enum head_state; READY is stored last. */
    uint8_t boot_id[16];
    uint64_t lock_device, lock_inode;
    uint8_t basin_id[16];
    uint64_t closed_check;
    uint64_t gate_pid; /* Who holds the gate, for messages; 0: nobody, or not known. */
    uint64_t recovered_epoch;

    alignas(64) pthread_mutex_t append_mutex;
    _Atomic uint32_t append_owner; /* Attach index + 1, for messages. */

    /* Guarded by append_mutex. */
    alignas(64) _Atomic uint32_t refusal; /* enum head_refusal. Read without the mutex too. */
    uint32_t reserved;
    _Atomic uint64_t intent_from, intent_to; /* Offsets in the active strata. */
    _Atomic uint64_t active_bytes;           /* 0: there is no strata at all. */
    uint64_t active_zeroed_to; /* Up to this offset the active strata was written with zeros. */
    uint64_t running_time_ns;
    uint64_t witnessed; /* `durable` that the last witness told. */
    uint8_t active_id[16];

    alignas(64) _Atomic uint64_t head;

    alignas(64) _Atomic uint32_t wake_wanted; /* A waiter for head stores 1, an appender 0. */
    alignas(64) _Atomic uint32_t wake_word;   /* Raised with each wake. */

    alignas(64) _Atomic uint64_t durable; /* Stored under sync_mutex. */
    _Atomic uint64_t synced_layout_seq;   /* First seq of the newest strata with a synced name. */
    _Atomic uint64_t gate_seq;            /* What TAIL says. */
    _Atomic uint64_t gate_ns;             /* When it was last written, boot clock. */

    alignas(64) _Atomic uint32_t durable_wanted;
    _Atomic uint32_t durable_word;

    alignas(64) pthread_mutex_t sync_mutex;
    _Atomic uint32_t sync_owner;
    uint64_t sync_group; /* Records that the last sync covered. Guarded by sync_mutex. */

    alignas(64) pthread_mutex_t prepare_mutex;
    _Atomic uint32_t prepare_owner;
    _Atomic uint64_t prepared_bytes; /* Size of log/next.strata.tmp; 0: there is none. */

    alignas(64) pthread_mutex_t seal_mutex; /* Who rewrites strata into their sealed form. */
    _Atomic uint32_t seal_owner;

    struct head_lane lanes[FLUME_LANES];

    /* Read-mostly. */
    alignas(64) _Atomic uint64_t layout_count; /* Raised when log/ has a new or a sealed strata. */
    _Atomic uint64_t sealed_to; /* Every strata with a first seq below it is sealed; 0: not known,
                                   or none is. Stored under seal_mutex. */
    _Atomic uint64_t active_first; /* Guarded by append_mutex for writers. */
    uint64_t trusted_from;         /* Slots of strata from this seq on are of this boot. */

    alignas(64) _Atomic uint64_t last_of_kind[STRATA_KINDS]; /* Guarded by append_mutex. */
    _Atomic uint64_t needs;         /* The most that a record needs of the second log. Likewise;
                                       stored before `head`. Only rises. */
    _Atomic uint64_t needs_settled; /* So far the second log is known to be durable. Only rises. */

    struct head_attach attach[HEAD_ATTACH_MAX];

    alignas(64) pthread_mutex_t board_mutex; /* To make a board. */
    _Atomic uint32_t board_owner;
    _Atomic uint32_t board_count; /* Only rises while somebody is attached. */
    alignas(64) struct head_board boards[FLUME_BOARDS_MAX];
};
static_assert(sizeof(struct head) <= HEAD_FILE_BYTES, "HEAD fits its file");

/* What must agree between programs that share a HEAD. */
uint32_t head_layout(void);

/* Make the mutexes and set every word to a known state; state stays HEAD_EMPTY. */
int head_init(struct head *head);

/* Take over a HEAD that processes left: new mutexes, nobody attached, no waiters; the words stay,
 * those of boards too. */
int head_take_over(struct head *head);

/* Forget the boards: all who knew them have left in order. */
void head_clear_boards(struct head *head);

/* Whether the file's bytes are a HEAD that this program can read at all. */
bool head_is_readable(const struct head *head);

/* Whether it came along with a copy of the basin that was made while it was in use. */
bool head_is_of_copy(const struct head *head, uint64_t lock_inode);

/* Check over the words that a clean close vouches for. */
uint64_t head_closed_check(const struct head *head);

#endif
