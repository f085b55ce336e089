/*
 * inside.h - what the modules of the view framework share.
 *
 * What always holds:
 *   - A view's synced seq is stored in the transaction that stores its rows: they cannot disagree.
 *     Every other copy of it (environment.synced, the board's word) is a hint that is never ahead.
 *   - Rows are written only by who holds the environment's advance_mutex (in this process) and the
 *     advance byte of LOCK (among processes), after comparing the generation under both.
 *   - A view in a handle is not freed before the handle is closed.
 *
 * Lock order: flume.grains_mutex (and behind it all of the second log's); flume.reconcile_mutex,
 * LOCK's REBUILD byte, view.batch_mutex, environment.advance_mutex, LOCK's ADVANCE byte,
 * view.mutex, flume.mutex, the environment table's mutex, environment.idle_mutex.
 * environment.map_lock is held for reading by whoever has a transaction open. No lock is held while
 * a `when` callback or an observer runs; apply and merge run under advance_mutex.
 */
#ifndef VIEWS_INSIDE_H
#define VIEWS_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "flume/board.h"
#include "flume/view.h"
#include "place.h"

struct environment;
struct grains;

/* The words of a view's board. */
enum board_word {
    BOARD_GENERATION = 0, /* The build that answers; 0: not known, CURRENT tells. */
    BOARD_SYNCED = 1,     /* Of that build; never ahead of it. */
    BOARD_DIRTY = 2,      /* The build whose STATE was made dirty on this boot; 0: not known. */
    BOARD_WANTED = 3,     /* Somebody waits for this synced seq: batches are short until then. */
    BOARD_DONE = 4,       /* Of a running rebuild; and */
    BOARD_TOTAL = 5,      /* its denominator; 0: none runs. */
    BOARD_CHANGES = 6     /* Raised when a request or a pause was left on disk, or taken back. */
};

/* Why a build cannot be used, or is to be replaced. */
enum rebuild_need {
    NEED_NONE = 0,
    NEED_BUILD,  /* There is nothing to answer from: the view answers when the rebuild is done. */
    NEED_REPLACE /* The old build goes on answering meanwhile. */
};

enum view_origin { VIEW_REGISTERED, VIEW_BUILT_IN, VIEW_DECLARED };

struct waiter {
    struct waiter *next;
    uint64_t seq;
    void (*callback)(void *ctx, int status);
    void *ctx;
};

struct flume_view {
    flume *flume;
    flume_view *next; /* In flume.views. Fixed before the view is put there. */
    const flume_view_definition *definition;
    enum view_origin origin;
    uint64_t kind_mask[4];
    struct place place;
    flume_board *board;   /* NULL: nothing is shared (no write permission, or the board is full). */
    _Atomic bool retired; /* Its declaration changed or was dropped. Becomes true once. */

    pthread_mutex_t mutex;
    pthread_cond_t moved;   /* With mutex: synced, state, stopping, waiting changed. */
    pthread_cond_t stirred; /* With mutex: kicked, has_news, stopping changed. For the worker alone,
                                which a view that moves without it need not wake. */
    struct environment *env; /* Of `generation`; NULL: none is open. */
    uint64_t generation;
    enum rebuild_need need;
    char why[96]; /* Of the need, or of the last rebuild. */
    bool paused;
    uint64_t seen_changes; /* BOARD_CHANGES when REQUEST and PAUSED were last looked for, */
    uint64_t looked_ns;    /* and when that was. */
    flume_error error;     /* status FLUME_OK: none. */
    bool failed_for_good;  /* apply refused: only a rebuild helps. */
    struct waiter *waiters;
    unsigned waiting; /* Threads inside flume_view_wait(). */
    bool asked;       /* One was, since the worker last looked. */
    bool kicked;      /* The worker has something to look at, */
    bool has_news;    /* or there are records, for which it takes its time. */
    /* Read without the mutex by who has a transaction open, which goes after it. */
    _Atomic bool stopping;       /* Becomes true once, under mutex. */
    _Atomic bool cancel_rebuild; /* Ends the running or next rebuild. Written under mutex. */
    uint64_t asks;     /* Calls of flume_view_rebuild(): one that comes during a rebuild is obeyed
                            after it. */
    bool by_request;   /* The need to replace is a REQUEST's, which another may obey first. */
    bool rebuilding;   /* By this handle. */
    uint64_t retry_ns; /* After a failed rebuild: not before. */
    int descriptor;    /* eventfd, or -1. Guarded by mutex. */
    _Atomic bool has_descriptor; /* Becomes true once. */
    uint64_t drained_synced;     /* What flume_view_synced() told last. Guarded by mutex. */
    _Atomic bool has_worker;
    pthread_t worker; /* "fl:NAME". */

    pthread_mutex_t batch_mutex; /* Only ever tried. */
    flume_batch *batch;          /* Guarded by batch_mutex. */
    uint64_t settled_ns;         /* When the view last moved, or was settled. Guarded by mutex. */
    bool unsettled;              /* This handle wrote since. Guarded by mutex. */

    _Atomic uint64_t applied;
    _Atomic uint64_t applied_before; /* At rate_ns, for the rate. */
    _Atomic uint64_t rate_ns;
};

/* The last error of a thread: what one failed with must not be told of another's view. */
enum { KEPT_ERRORS = 16 };
struct kept_error {
    pthread_t thread;
    uint64_t number; /* Among those of the handle, from 1; 0: none. */
    flume_error error;
};

struct flume {
    flume_log *log;
    flume_options options;     /* With pointers that live as long as the handle. */
    flume_allocator allocator; /* A copy, where options.log has one. Fixed. */
    const flume_io *io;
    uint64_t sealed_from_bytes; /* Strata of so much are sealed in the background; UINT64_MAX: not
                                   by this handle. Fixed. */
    char *path;                 /* Of the directory that has views/. */
    bool temporary;             /* path is ours and goes at close: a basin in memory. */
    _Atomic bool told_wild;     /* That sets of keys are too many. Becomes true once. */
    uint8_t basin_id[16];

    pthread_mutex_t mutex;
    struct kept_error errors[KEPT_ERRORS]; /* Guarded by mutex. */
    uint64_t error_count;                  /* Guarded by mutex. */
    flume_view *views;                     /* Newest first. Guarded by mutex. */
    _Atomic bool closing;
    _Atomic uint64_t batch_ms; /* When the last batch of scopes began. Only rises. */

    pthread_mutex_t grains_mutex;
    struct grains *grains; /* grains.h; NULL: not opened. Guarded by grains_mutex. */

    pthread_mutex_t reconcile_mutex;
    uint64_t reconciled; /* Declarations below this seq are known. Guarded by reconcile_mutex. */

    bool has_follower;
    pthread_t follower; /* "fl:views". */
    flume_cursor *follower_cursor;
    pthread_mutex_t follower_mutex;
    pthread_cond_t follower_moved;
    bool follower_stopping; /* Guarded by follower_mutex. */
};

/* ---- errors (failure.c) ---- */

/** Whether this is a forked child, to which nothing of the handle belongs. Takes no lock: those of
 * the parent's other threads are never let go here. */
bool flume_is_forked(const flume *handle);

/** Keep a detail on the handle; returns status. */
int flume_fail(flume *handle, int status, uint64_t seq, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** The same for what the system refused. */
int flume_fail_errno(flume *handle, int system_errno, const char *what, const char *path);

/** Take over the detail of the log's last error. */
int flume_fail_log(flume *handle, int status);

/** Translate an LMDB code, once, where the call was made. FLUME_ERR_VIEW or FLUME_ERR_NO_MEMORY. */
int view_fail_mdb(flume_view *view, int code, const char *what);

/** Keep the handle's last error as the view's own: waiters get it. Returns FLUME_ERR_VIEW. */
enum failure_kind { FAILURE_PASSES, FAILURE_STAYS };
int view_keep_failure(flume_view *view, enum failure_kind kind, uint64_t seq);

/** Give a waiter the view's own error. */
int view_give_failure(flume_view *view);

/* ---- a view of a handle (view.c) ---- */

/** @param definition  Borrowed until view_destroy(), which frees a declared one. */
int view_create(flume *handle, const flume_view_definition *definition, enum view_origin origin,
                flume_view **out_view);
void view_destroy(flume_view *view);

/** Whether this view applies records of a kind. */
static inline bool view_takes(const flume_view *view, unsigned kind)
{
    return (view->kind_mask[kind / 64] >> (kind % 64) & 1) != 0;
}

/**
 * The environment that answers, referenced; opened, reopened after a swap, and judged.
 *
 * @return FLUME_OK; FLUME_END: there is none that may answer (view->need says what to do); an
 *         error.
 */
int view_acquire(flume_view *view, struct environment **out_env);

/**
 * What is wrong with a build on disk, before LMDB looks at it: it trusts what it finds.
 *
 * @param place  Open.
 * @param board    NULL: there is none.
 * @param out_bad  Receives why it is not to be opened, static; NULL: nothing is wrong.
 * @return 0, or the errno of what stood in the way of telling: the build may be good.
 */
int view_judge_state(const flume *handle, struct place *place, const flume_board *board,
                     uint64_t generation, const char **out_bad);

/** Say that the environment turned out to be unusable. */
void view_condemn(flume_view *view, struct environment *env, const char *why);

/** Look for requests and pauses that another process left on disk. */
void view_look_for_changes(flume_view *view);

/** Whether the handle or the view is about to end. */
bool view_is_ending(flume_view *view);

/** Wake who waits for the view in this process, worker included, and in others. */
void view_announce(flume_view *view);

/* ---- advancing (advance.c) ---- */

enum advance_result {
    ADVANCE_DONE = 1,   /* Something was applied, or there is nothing to apply. */
    ADVANCE_BUSY = 2,   /* Somebody else is at it. */
    ADVANCE_REBUILD = 3 /* A rebuild is needed first. */
};

/** Apply one batch.
 * @param wanted_seq  Somebody waits for every record below it, and is best served by a short batch
 *                    if that is near; 0: nobody does.
 * @return enum advance_result, or an error (kept in view->error). */
int view_advance(flume_view *view, uint64_t wanted_seq);

/** Make the data durable and STATE clean if this handle wrote, and if nobody else is at it. */
void view_settle(flume_view *view);

/** The same for what another process wrote, and was killed before it had settled it. */
void view_settle_orphan(flume_view *view);

/** Before the handle goes: settle what it wrote, and if nobody else uses the view what others
 * did. */
void view_settle_last(flume_view *view);

/** The synced seq as far as it is known; 0 where nothing can answer. */
uint64_t view_synced_now(flume_view *view);

/* ---- rebuilding (rebuild.c) ---- */

/* view.retry_ns of what was cancelled: not before somebody asks for the view. */
#define RETRY_WHEN_ASKED UINT64_MAX

/** Build a view again beside the old one and swap it in.
 * @param stop  Asked every few milliseconds; a status other than FLUME_OK ends it with that; what
 *              is done is kept.
 * @return FLUME_OK; FLUME_ERR_BUSY: another one is rebuilding it; stop's status; an error. */
int view_rebuild(flume_view *view, int (*stop)(void *stop_ctx), void *stop_ctx);

/**
 * Fill an environment from the log, sorted: what a rebuild does, and a verification.
 *
 * @param directory  Where sorted runs may go.
 */
struct building {
    flume_view *view;
    struct environment *env;
    const char *directory;
    uint64_t target_seq;
    int (*stop)(void *stop_ctx);
    void *stop_ctx;
    uint64_t total;             /* What is shown as 100 %; 0: nothing is shown. */
    uint64_t failed_seq;        /* Set: the record that apply refused, or FLUME_SEQ_NONE. */
    _Atomic bool merge_refused; /* Set: a merge answered an error. */
};
int build_environment(struct building *building);

/* ---- threads (worker.c) ---- */

int worker_start(flume_view *view);
void worker_stop(flume_view *view);
int follower_start(flume *handle);
void follower_stop(flume *handle);
/** Make the worker look again. */
void worker_kick(flume_view *view);

/* ---- declared views (declared.c) ---- */

/** Bring the declared views of the handle in line with the log. */
int declared_reconcile(flume *handle, const flume_ask *ask);

/** Check a definition, and add a view of it; its worker starts if the others run. */
int flume_add_view(flume *handle, const flume_view_definition *definition, enum view_origin origin);

/** A view of the handle by name that is not retired, or NULL. */
flume_view *flume_find_known(flume *handle, const char *name);

/** Time since boot. */
uint64_t now_ns(void);

#endif
