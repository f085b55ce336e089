/*
 * seal.h - which strata is sealed next, and how its sealed form takes the place of the raw one.
 *
 * What always holds:
 *   - Only what is durable as a whole and will never be appended to is sealed, and only behind
 *     sealed ones: the chain of roots has no gap.
 *   - The name is exchanged by one rename, after the new file was synced, read back and compared.
 *     The slots go after the directory's sync. So whatever ends this process or the machine, log/
 *     has one form of each strata.
 *   - Who seals holds HEAD's seal_mutex. A sealer that died leaves a temporary file and nothing
 *     else, or a sealed file that HEAD does not know of yet: its heir looks.
 */
#ifndef FLUME_SEALING_H
#define FLUME_SEALING_H

#include "flume/seal.h"
#include "handle.h"
#include "seal_file.h"
#include "strata.h"

/* Copy what the caller chose, with its defaults filled in; NULL: all of them. FLUME_OK or
 * FLUME_ERR_INVALID. */
int seal_options_take(flume_log *log, const flume_seal_options *options);
void seal_options_release(flume_log *log);

/* What is to be sealed. */
struct seal_wish {
    uint64_t to_seq;        /* Only strata that end at or before this. */
    uint64_t raw_bytes_min; /* Where no full strata has a file as large as this: none. */
    /* The active strata, if it was closed for this: no table tells where it ends. */
    uint64_t closed_first, closed_end; /* FLUME_SEQ_NONE: it was not. */
    int (*proceed)(void *proceed_ctx, uint64_t done_bytes);
    void *proceed_ctx;
};

/* The strata that is next. */
struct seal_target {
    uint64_t first_seq, end_seq;
    bool has_previous;
    struct sealed_footer previous; /* Of the strata before it. */
};

/*
 * Which strata is next, under seal_mutex. On the way HEAD learns what it does not know yet.
 *
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND: nothing is to be done (no detail); FLUME_ERR_DAMAGED (the
 *         strata before it does not read), FLUME_ERR_IO, ...
 */
int seal_next_locked(flume_log *log, const struct seal_wish *wish, struct seal_target *out_target);

/* The sealed form has taken its name, and everything up to `end_seq` is sealed: tell everybody. */
void seal_told_locked(flume_log *log, uint64_t end_seq);

/* Bytes of grains in a full strata, as its footer or the size of its file tells. An estimate. */
uint64_t seal_raw_bytes(flume_log *log, uint64_t first_seq);

/* Remove the slots of a strata whose sealed form has its name for good. */
void seal_drop_slots(flume_log *log, uint64_t first_seq);

/* One strata, under seal_mutex: find it, write its sealed form, exchange. FLUME_ERR_NOT_FOUND:
 * there is none. *out_footer is what was made. */
int seal_one_locked(flume_log *log, const struct seal_wish *wish, struct sealed_footer *out_footer);

/* seal_thread.c: look whether there is something for "fl:seal" to do, and wake it. On the thread
 * that syncs. */
void seal_consider(flume_log *log);

#endif
