/*
 * recorder.h - recording scopes on the tape, and knowing what was there before.
 *
 * A recorder commits scopes to a basin's log and gives a verdict on each: new, a duplicate, a
 * subset or a superset of an earlier one, exact, against the whole history, including what another
 * thread or process committed a microsecond ago. What was there before becomes a link, not a copy.
 *
 *   flume_recorder *recorder;
 *   flume_verdict verdict;
 *   flume_recorder_open(&recorder, flume, NULL);
 *   ...
 *   if (flume_scope_seen(recorder, scope, FLUME_SEEN_EXACT, &seq) == FLUME_ERR_NOT_FOUND) {
 *       compute();
 *       flume_commit(recorder, scope, &verdict);
 *   }
 *
 * What always holds:
 *   - Of two that commit the same new scope at once, in whatever threads or processes, one is told
 *     NEW and the other DUP with the first one's seq.
 *   - A scope that is refused leaves nothing behind.
 *   - Links wait in memory to be counted together (flume_recorder_flush()); scopes never do, unless
 *     they are staged (scope_stage.h).
 *
 * Threads: a recorder is used by one thread at a time; open one for each thread.
 */
#ifndef FLUME_RECORDER_H
#define FLUME_RECORDER_H

#include "flume/scope.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume_recorder flume_recorder;

enum flume_verdict_kind {
    FLUME_NEW = 1,    /* No stored scope is related. */
    FLUME_DUP = 2,    /* The same as scope seq. */
    FLUME_SUBSET = 3, /* Scope seq has all of it, and more: verdict.keys is what is missing. */
    /* It has all of scope seq (the largest such; of equals the newest), and keys besides:
     * verdict.keys. */
    FLUME_SUPERSET = 4,
    FLUME_UNASKED = 5, /* Fast mode; the views will tell. */
    /* It waits (scope_stage.h), and is none of the staged ones: the verdict is given when it is
     * written. */
    FLUME_STAGED = 6,
    /* It could not be known in time (FLUME_RECORDER_PENDING); the views will tell. */
    FLUME_PENDING = 7
};

typedef struct flume_verdict {
    enum flume_verdict_kind kind; /* Both may hold: SUBSET then, and extends_seq is set, too. */
    uint64_t seq;         /* DUP: the scope it is the same as. SUBSET: the one that has all of it.
                             SUPERSET: as extends_seq. FLUME_SEQ_NONE: none. */
    uint64_t extends_seq; /* The largest scope that this one has all of; NONE: there is none. */
    uint64_t record_seq;  /* Where the commit stands; NONE: a link that waits to be counted. */
    uint8_t id[FLUME_HASH_BYTES]; /* flume_scope_id(). UNASKED: 0; who wants it asks the scope. */
    /* SUBSET: what is missing; SUPERSET: what is added. In byte order, labels as "@label/TEXT".
     * Valid until the next call on the recorder. */
    const char *const *keys;
    size_t key_count;
    /* It is staged, under this number, of the recorder's, from 1 on; 0: it is not. */
    uint64_t staged_id;
    uint64_t pending_seq; /* PENDING: scopes from here on were not known. Else FLUME_SEQ_NONE. */
    uint64_t staged_of;   /* DUP of a staged scope, which has no seq yet: of this one; 0: no. */
} flume_verdict;

typedef struct flume_recorder_options {
    unsigned flags; /* enum flume_recorder_flags. */
    /* Links that wait are written at the next commit after this. 0: 1 s. */
    uint64_t link_interval_ns;
    flume_ask ask; /* How long a commit may wait for the views. Zero: without limit. */
    /* Of the program that records, as it knows it (copied; NULL: it does not), and whether its tree
     * differed from the commit. CMake: flume_stamp_git(TARGET) makes both. */
    const char *git_commit;
    bool git_dirty;
    /* How much memory scopes may take that the view superset is still to take in: 64 bytes each,
     * and for each smaller set of keys that was committed, too. It is taken as it is needed, for a
     * moment twice, and let go of as the view follows; where it does not suffice, a commit waits
     * for the view. So a burst of a million scopes waits for nothing. A set of keys that is new,
     * and smaller than those of a long history, is looked for there each time, until the first
     * scope of it has come and the view knows it. 0: 128 MiB; at least 256 KiB. */
    uint64_t memory_bytes;
} flume_recorder_options;

enum flume_recorder_flags {
    FLUME_RECORDER_FAST = 1,         /* Append without asking; verdicts are FLUME_UNASKED. */
    FLUME_RECORDER_STORE_FULL = 2,   /* SUBSET: the whole scope, not a link. */
    FLUME_RECORDER_NO_OWN_LABEL = 4, /* A scope without a label is committed all the same. */
    FLUME_RECORDER_REFUSE_DIRTY = 8, /* Nothing is committed from a dirty or an unknown tree. */
    FLUME_RECORDER_NEEDS_BLOCK = 16, /* Nothing is committed before a block: FLUME_INIT_BLOCK(). */
    /* Where the verdict takes longer than options.ask.timeout_ns, a view that is made or goes over
     * its scopes again, or where nobody can bring the view on, the scope is appended whole, as in
     * fast mode, and the verdict is FLUME_PENDING; without this it is an error. */
    FLUME_RECORDER_PENDING = 32,
    /* SUPERSET: what it adds, not the whole scope. It is added to the scope that it extends, or to
     * what that one is added to: whoever reads it reads two records, and compares the id. Stored
     * whole all the same: what is stored otherwise there (inherited, as a blob), and what extends a
     * subset that is a link. */
    FLUME_RECORDER_STORE_DELTA = 64,
    /* What a scope is enclosed by (flume_scope_enter()) is part of what it is: the same scope
     * within two different ones is two, within the same one it is one. It has a variable
     * "@enclosing" then, of class hash: the id that the enclosing scope would have if it were
     * committed now, by the rules, which has that of the one around it in it in turn. Not in what
     * is recalled by named keys. Without this only what is inherited counts. */
    FLUME_RECORDER_CHAIN = 128
};

/**
 * A recorder on an open basin.
 *
 * @param flume    Must outlive it. Opened to write.
 * @param options  NULL: defaults. Copied.
 * @return FLUME_OK; FLUME_ERR_READ_ONLY, FLUME_ERR_NO_MEMORY, FLUME_ERR_INVALID.
 */
FLUME_API int flume_recorder_open(flume_recorder **out_recorder, flume *flume,
                                  const flume_recorder_options *options);

/** Write what waits, and end, whatever is returned. NULL is harmless. @return as
 * flume_recorder_flush(). */
FLUME_API int flume_recorder_close(flume_recorder *recorder);

/** Write what is staged, links that wait to be counted, and what was counted of recalls
 * (flume_recall_count_all()): each, whatever became of the others.
 * @return FLUME_OK, or the first error, as flume_commit(). */
FLUME_API int flume_recorder_flush(flume_recorder *recorder);

/**
 * Commit a scope: give the verdict, and append what it asks for: NEW and SUPERSET the whole scope
 * (or FLUME_RECORDER_STORE_DELTA), SUBSET and DUP a link; equal links one after the other are
 * counted in one record. Contents of class blob are stored before.
 *
 * The scope may be changed and committed again. Nothing is appended on an error.
 *
 * @param out_verdict  May be NULL.
 * @return FLUME_OK; FLUME_ERR_INVALID (the scope's own error; unknown variables, all of them
 *         listed; no label of its own), FLUME_ERR_TIMEOUT, FLUME_ERR_VIEW (the view superset
 *         failed), or as flume_log_append().
 */
FLUME_API int flume_commit(flume_recorder *recorder, flume_scope *scope,
                           flume_verdict *out_verdict);

/** A key that makes no difference to what was computed: FLUME_SEEN_EXTENDED takes an earlier scope
 * without it for this one. Again is harmless. FLUME_ERR_INVALID: no key. */
FLUME_API int flume_recorder_neutral(flume_recorder *recorder, const char *key);

enum flume_seen_mode {
    FLUME_SEEN_EXACT = 0,    /* The same scope. */
    FLUME_SEEN_SHADOWED = 1, /* Or one that has all of it, and more. */
    /* Or the largest one that it has all of, and besides it neutral keys alone
     * (flume_recorder_neutral()); of equal ones the newest. */
    FLUME_SEEN_EXTENDED = 2
};

/**
 * Whether a scope was computed before. Appends nothing.
 *
 * @param out_seq  The scope that says so; FLUME_SEQ_NONE: a staged one, which has no seq yet. May
 *                 be NULL.
 * @return FLUME_OK: yes; FLUME_ERR_NOT_FOUND: no; or as flume_commit().
 */
FLUME_API int flume_scope_seen(flume_recorder *recorder, flume_scope *scope,
                               enum flume_seen_mode mode, uint64_t *out_seq);

/* ---- scopes within scopes ---- */

enum { FLUME_SCOPE_STACK_MAX = 64 };

/**
 * Whatever is committed until flume_scope_leave() is enclosed by this scope, and by those entered
 * before: it has their labels, their variables unless it has a variable of the same key, and knows
 * on the tape which scope encloses it. Inherited variables are part of what a scope is, but not of
 * its flume_scope_local_id().
 *
 * The enclosing scope can be changed and committed at any time, before what it encloses or after:
 * what is enclosed belongs to the next commit, or to the last one if nothing has changed since.
 *
 * @param scope  Borrowed until it is left.
 * @return FLUME_OK; FLUME_ERR_INVALID (it is on the stack already), FLUME_ERR_TOO_LARGE (more than
 *         FLUME_SCOPE_STACK_MAX).
 */
FLUME_API int flume_scope_enter(flume_recorder *recorder, flume_scope *scope);
/** Leave the scope entered last. FLUME_ERR_INVALID: it is another one. */
FLUME_API int flume_scope_leave(flume_recorder *recorder, flume_scope *scope);

/* ---- reading scopes back ---- */

/** The scope that a record of kind scope or link tells of, links resolved: the variables, volatile
 * ones too, and the labels it was committed with.
 * @param out_scope  Made; to be destroyed.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (no such record, or of another kind), FLUME_ERR_DAMAGED,
 *         ...; where it is stored as how it differs from another scope, and that one cannot be
 *         read, the error says which that is. */
FLUME_API int flume_scope_read(flume *flume, uint64_t seq, flume_scope **out_scope);

/** What a scope that is stored so (FLUME_RECORDER_STORE_DELTA) adds to the one at out_base_seq,
 * whatever has become of that: the variables that it adds, volatile ones, and all of its labels.
 * @param out_scope  Made; to be destroyed.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (no such record, or it is not stored so),
 *         FLUME_ERR_DAMAGED, ... */
FLUME_API int flume_scope_read_added(flume *flume, uint64_t seq, flume_scope **out_scope,
                                     uint64_t *out_base_seq);

/* What a place on the tape is. */
typedef struct flume_tape_entry {
    uint64_t record_seq;          /* The record. */
    uint64_t scope_seq;           /* The scope: the same, or what a link leads to. */
    enum flume_verdict_kind kind; /* As it was given. */
    uint64_t extends_seq;
    uint64_t target_seq; /* DUP: what it is the same as; SUBSET: what has all of it. */
    /* The scope to which it is stored as what it adds (FLUME_RECORDER_STORE_DELTA); NONE: it is
     * not. */
    uint64_t base_seq;
    uint64_t repeat; /* 0 .. repeats - 1: which of the equal commits that one link counts. */
    uint64_t repeats;
    uint64_t first_time_ns, last_time_ns;
    uint64_t frame; /* What it encloses has it as enclosing_frame; 0: it encloses nothing. */
    uint64_t enclosing_frame; /* Of the scope that encloses it: flume_scope_of_frame(). 0: none. */
    uint8_t id[FLUME_HASH_BYTES];
    uint8_t tare_id[FLUME_HASH_BYTES]; /* Tares left variables out of it: flume_tares_open() tells
                                          which. 0: there were none. */
} flume_tape_entry;

typedef struct flume_tape flume_tape;
/** Every scope as it was produced, forward or back (cursor options: gt, gte, lt, lte, reverse,
 * label, time). */
FLUME_API int flume_tape_open(flume *flume, const flume_cursor_options *options,
                              flume_tape **out_tape);
FLUME_API void flume_tape_close(flume_tape *tape);
/** The next one; each repeat that a link counts comes by itself.
 * @param timeout_ns  As flume_cursor_next().
 * @param out_scope  Filled with variables and labels (cleared first). NULL: not wanted.
 * @return FLUME_OK, FLUME_END, or as flume_cursor_next(). */
FLUME_API int flume_tape_next(flume_tape *tape, uint64_t timeout_ns, flume_tape_entry *out_entry,
                              flume_scope *out_scope);

/** Leave out the commits that the last link counts besides the one that was given. */
FLUME_API void flume_tape_skip(flume_tape *tape);

/** The first commit of an enclosing scope, by its frame. FLUME_ERR_NOT_FOUND: it was not committed
 * (yet).
 * @return FLUME_OK, FLUME_ERR_NOT_FOUND, or as flume_view_wait(). */
FLUME_API int flume_scope_of_frame(flume *flume, const flume_ask *ask, uint64_t frame,
                                   uint64_t *out_seq);

#ifdef __cplusplus
}
#endif
#endif
