/*
 * mend_files.h - a strata file and the parity that it has. Part of mend.
 */
#ifndef FLUME_MEND_FILES_H
#define FLUME_MEND_FILES_H

#include "inspection.h"
#include "parity_strata.h"

enum mend_place { MEND_WITHIN, MEND_BESIDE, MEND_PLACES };

/* What becomes of the two places. */
enum mend_presence {
    MEND_ABSENT,  /* There is no parity there, and none is expected. */
    MEND_USELESS, /* There should be, and it does not read, or is another strata's. */
    MEND_PRESENT
};

/* A strata file and the file beside it, open. */
struct mend_files {
    struct inspection *inspection;
    uint64_t first_seq;
    char name[STRATA_NAME_BYTES], side_name[STRATA_NAME_BYTES]; /* As the log has them. */
    struct parity_io strata, side;                              /* file -1: not there. */
    uint64_t strata_bytes, side_bytes;

    /* What its pages say. */
    bool is_sealed; /* Or might be: neither page holds. */
    bool is_known;  /* One of them holds: the next three count. */
    uint8_t strata_id[16];
    uint64_t salt, file_bytes;
    uint64_t section_at; /* 0: nobody says. */
    bool has_section;    /* Or might have. */
    /* As the footer page has them; 0: no file beside it is spoken of. */
    uint16_t side_data_cells, side_parity_cells;

    enum mend_presence presence[MEND_PLACES];
    struct parity *parity[MEND_PLACES]; /* NULL unless present. */
};

/*
 * Open the two files at these paths, which are those of the strata `first_seq` or copies of them,
 * and load what parity there is.
 *
 * @return FLUME_OK, also where there is no such file, or no parity; FLUME_ERR_NO_MEMORY,
 *         FLUME_ERR_IO with detail. To be closed in any case.
 */
int mend_files_open(struct inspection *inspection, uint64_t first_seq, const struct path *strata,
                    const struct path *side, unsigned io_flags, struct mend_files *out_files);
void mend_files_close(struct mend_files *files);

/* Whether the file beside it should be there, and is not. */
static inline bool mend_lacks_side(const struct mend_files *files)
{
    return files->is_sealed && files->side_data_cells != 0 && files->side.file < 0;
}

/* As parity.h takes them: the strata file, and the one with the section of a place. */
struct parity_file mend_strata_file(struct mend_files *files);
struct parity_file mend_section_file(struct mend_files *files, enum mend_place place);

/* Verify or heal, in the files themselves. FLUME_OK, what on_span said, or an error with detail. */
int mend_verify(struct mend_files *files, enum mend_place place, parity_on_span on_span, void *ctx,
                struct parity_report *out_report);
int mend_heal(struct mend_files *files, enum mend_place place, struct parity_report *out_report);

#endif
