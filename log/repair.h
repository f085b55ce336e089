/*
 * repair.h - a repair under way: what it has found, and what it is to do. Part of repair.
 */
#ifndef FLUME_REPAIR_H
#define FLUME_REPAIR_H

#include "examination.h"
#include "mend.h"
#include "replacement_sealed.h"
#include "sidefiles.h"
#include "survey.h"

/* What is to be done with one row of the survey. */
struct plan {
    unsigned needs; /* enum examination_needs. */
    unsigned findings;
    uint64_t total; /* Records it will have; 0: its file only leaves the log. */
    uint8_t strata_id[16];
    struct path *copy; /* Where its original was copied to; NULL: nowhere. */
    bool is_written;   /* Its replacement is there under a temporary name. */
};

/* What a strata's header tells of all that comes before it. */
struct history {
    uint64_t running_time_ns;
    uint64_t last_of_kind[STRATA_KINDS];
    struct chain_before chain; /* Of the sealed strata up to here. */
};

struct repair {
    struct inspection inspection;
    struct survey survey;
    struct sidefiles sidefiles;
    struct plan *plans; /* One a row. */
    struct mended mended;
    enum flume_repair_policy policy;
    uint64_t gate_seq;   /* What TAIL is to say ... */
    uint64_t gate_check; /* ... with the check of the grain before it; 0: not known. */
    bool gate_changes, log_changes;
};

static inline bool plan_replaces(const struct plan *plan)
{
    return (plan->needs & NEEDS_REPLACEMENT) != 0;
}

/* The stray of that name which is still there, or NULL. */
struct survey_stray *repair_find_stray(struct repair *repair, const char *name);

/* Write everything that takes space, under temporary names. On error all of it is gone again. */
int repair_build(struct repair *repair);

/* Put it in place. */
int repair_apply(struct repair *repair);

/* Remove what repair_build() made, where it is not in place yet. */
void repair_drop(struct repair *repair);

#endif
