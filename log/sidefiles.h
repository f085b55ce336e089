/*
 * sidefiles.h - what lies beside the strata: flume.conf, HEAD, TAIL, subs/, strays in log/.
 */
#ifndef FLUME_SIDEFILES_H
#define FLUME_SIDEFILES_H

#include "survey.h"

/* Slots of subs/NAME. */
enum { POSITION_SLOTS = 2, POSITION_SLOT_BYTES = 64, POSITION_NAME_BYTES = 256 };

/* A file of subs/ with at least one slot that does not hold. */
struct damaged_position {
    char name[POSITION_NAME_BYTES];
    unsigned sound; /* How many slots hold. */
    bool slot_is_bad[POSITION_SLOTS];
};

/* What is wrong beside the strata, for a repair to act on. */
struct sidefiles {
    bool conf_is_bad;
    bool head_is_short;
    bool gate_is_bad; /* A slot of TAIL does not hold, or the file is too short. */
    struct damaged_position *positions;
    size_t position_count, position_room;
    uint64_t *orphans; /* First seqs of slot files without a strata. */
    size_t orphan_count;
};

/* Look, and tell what is found. *out_sidefiles is to be released, also on error. */
int sidefiles_look(struct inspection *inspection, const struct survey *survey,
                   struct sidefiles *out_sidefiles);

void sidefiles_release(struct inspection *inspection, struct sidefiles *sidefiles);

/* Tell of files in log/ that are not part of the log. */
int sidefiles_tell_strays(struct inspection *inspection, const struct survey *survey);

#endif
