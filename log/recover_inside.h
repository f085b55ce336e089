/*
 * recover_inside.h - a recovery under way: what its passes share.
 *
 *   recover_walk.c     the first pass: how far each strata reads, and what its bytes tell
 *   recover.c          the second: where the log ends, and what is cut
 *   recover_recount.c  kinds and times of what is kept
 */
#ifndef FLUME_RECOVER_INSIDE_H
#define FLUME_RECOVER_INSIDE_H

#include "companion.h"
#include "recover.h"
#include "strata.h"
#include "sync.h"

/* What walking one strata has shown. */
struct walk {
    struct strata *strata; /* Sound header, or state STRATA_BROKEN. */
    uint64_t count;        /* Grains that read from the first one on. */
    uint64_t whole_count;  /* The same, without a batch that is not complete. */
    uint64_t end_offset;   /* Behind whole_count grains. */
    uint64_t bad_offset;   /* Behind count grains. */
    uint64_t expected;     /* As the next strata says; UINT64_MAX: this is the newest. */
    uint64_t beyond; /* 1 + the greatest ordinal behind a bad one that ends a batch; 0: none. */
    uint64_t used;   /* Behind the last byte that is not zero. */
    bool has_more;   /* Bytes that are not zero behind count grains. */
    bool has_meta;   /* Grains with meta: one may say what it needs of the second log. */
    bool lacks;      /* The grain behind them reads, but the second log lacks what it needs. */
};

struct recovery {
    flume_log *log;
    enum recover_mode mode;
    bool is_copy;
    bool has_gate;
    struct gate gate;
    const struct table *table;
    size_t start;       /* Index of the first strata walked. */
    struct walk *walks; /* One a strata from start on. */
    uint64_t known;     /* The greatest durable that anything sound tells. */
    uint64_t running_time_ns;
    uint64_t last_of_kind[STRATA_KINDS];
    struct companion_look companion;
};

/* The end as decided: the log keeps walks 0 .. last, the last one up to `head`. */
struct decision {
    uint64_t head;
    size_t last; /* Index of the walk that holds the end; SIZE_MAX: no strata is left. */
    bool torn;
    bool damaged;
    bool tail_lost;
    uint64_t damaged_seq;
};

/* A seq below which something sound says that all is durable. Of a copy nothing is known. */
static inline void recovery_take_known(struct recovery *recovery, uint64_t durable)
{
    if (!recovery->is_copy && durable > recovery->known)
        recovery->known = durable;
}

/*
 * The first pass: walk the strata, from the one that holds what is known durable to the newest. The
 * table has at least one.
 *
 * @return FLUME_OK, with start, walks and known set; or why a strata cannot be read at all. walks
 *         is for the caller to release, also after an error.
 */
int recovery_walk(struct recovery *recovery);

/*
 * Set last_of_kind and running_time_ns to what the records that the log keeps amount to. The strata
 * that it ends in gets slots and a footer, if anything may be changed.
 *
 * @return FLUME_OK; FLUME_ERR_NO_MEMORY; FLUME_ERR_IO: a sealed strata could not be read.
 */
int recovery_recount(struct recovery *recovery, const struct decision *decision);

#endif
