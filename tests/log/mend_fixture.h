/*
 * mend_fixture.h - a closed basin whose full strata are sealed with parity, and damage to their
 * files.
 */
#ifndef FLUME_MEND_FIXTURE_H
#define FLUME_MEND_FIXTURE_H

#include "seal_fixture.h"

enum { MEND_STRATA_MAX = 8, MEND_FINDINGS_MAX = 64 };

struct mend_file {
    char path[LOG_FIXTURE_PATH_BYTES];
    struct whole_file was;
};

struct mend_finding {
    enum flume_finding_kind kind;
    uint64_t offset, bytes;
    char file[64], action[128], message[256];
};

struct mend_basin {
    struct log_fixture *fx;
    struct mend_file files[2 * MEND_STRATA_MAX]; /* Sealed strata, and the files beside them. */
    size_t file_count;
    struct mend_finding findings[MEND_FINDINGS_MAX];
    size_t finding_count, findings_told;
    uint64_t seed;
    flume_io io; /* Whose syncs do nothing: no power is lost here. */
};

/* Stripes are of data_cells and parity_cells; 0: as usual. The log is closed at the end. */
void mend_make(struct log_fixture *fx, unsigned parity, unsigned data_cells, unsigned parity_cells,
               struct mend_basin *out_basin);
void mend_release(struct mend_basin *basin);

/* The file of the first sealed strata, and the one beside it. */
struct mend_file *mend_first(struct mend_basin *basin);
struct mend_file *mend_first_side(struct mend_basin *basin);

uint64_t mend_chance(struct mend_basin *basin, uint64_t below);

/* Change every one of these bytes; those behind the end are not there. */
void mend_damage(struct mend_basin *basin, struct mend_file *file, uint64_t offset, uint64_t bytes);
void mend_cut(struct mend_file *file, uint64_t bytes);
void mend_undo(struct mend_basin *basin);

/* Whether a file's bytes are what they were. */
bool mend_is_as_it_was(const struct mend_file *file);

/* Take findings into the basin: a flume_check_options.finding. */
int mend_on_finding(void *ctx, const flume_finding *finding);

#endif
