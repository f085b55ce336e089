/*
 * survey.h - which strata a log consists of, which of them are there, and what else lies in log/.
 *
 * A strata is known by its header, not by its file's name: one that lies under a wrong name is
 * found. The headers form a chain (each names its predecessor), so what is missing and what does
 * not belong shows even where no record of it is left.
 *
 * What always holds after survey_take(): the rows are in order, each ends where the next begins,
 * the first begins at 0, and the last ends where the log ends - except rows from the log's end on,
 * which are empty.
 */
#ifndef FLUME_SURVEY_H
#define FLUME_SURVEY_H

#include "inspection.h"
#include "sealed_file.h"

enum { SURVEY_NAME_BYTES = 256 };

enum row_state {
    ROW_SOUND,      /* Its header is what it should be. */
    ROW_MISNAMED,   /* The header is sound; the file has another name. */
    ROW_BAD_HEADER, /* Known by its name only. */
    ROW_MISSING     /* No file has it. */
};

/* What the pages of a sealed strata tell. */
struct survey_seal {
    bool has_footer; /* The footer page holds, and is this strata's. */
    uint64_t count;  /* Records; 0: neither page says. */
    uint8_t chain_before[SEALED_HASH_BYTES], chain[SEALED_HASH_BYTES]; /* With has_footer. */
    /* What its neighbours say that these should be. */
    bool has_wanted_before, has_wanted_chain;
    uint8_t wanted_before[SEALED_HASH_BYTES], wanted_chain[SEALED_HASH_BYTES];
};

/* One strata, of which the records first_seq .. end_seq - 1 should be there. */
struct survey_row {
    uint64_t first_seq, end_seq;
    enum row_state state;
    char file[SURVEY_NAME_BYTES]; /* In log/; "": missing. */
    uint64_t data_bytes;          /* Of the file. */
    enum strata_form form;
    struct survey_seal seal; /* With STRATA_SEALED. */
    bool has_wanted_id;      /* The next header says what this strata's id is. */
    uint8_t wanted_id[16];
    /* As the header says, or the footer of a sealed strata. With ROW_BAD_HEADER and no such footer
     * only the salt counts, and only if grains prove it. */
    uint64_t salt, file_bytes, durable, created_ns, previous_first_seq;
    uint8_t strata_id[16], previous_id[16], basin_id[16];
    uint32_t flags;
};

/* A file in log/ that is not part of the log. */
struct survey_stray {
    char file[SURVEY_NAME_BYTES];
    uint64_t bytes;
    uint64_t first_seq; /* FLUME_SEQ_NONE: no strata. */
    const char *why;    /* Static; goes on after "log/NAME". */
    bool is_gone;       /* Repair only: it lies in lost+found/ by now. */
};

struct survey {
    struct survey_row *rows;
    size_t row_count, row_room;
    struct survey_stray *strays;
    size_t stray_count, stray_room;
    uint64_t *slots; /* First seqs of all slot files, rising. */
    size_t slots_count, slots_room;
    bool is_read_only; /* A strata has a feature that forbids writing. */
};

/* Look at HEAD, list log/, read the headers, find the log's end. Tells what is newer than this
 * program; all else is for the caller to tell. */
int survey_take(struct inspection *inspection, struct survey *out_survey);

void survey_release(struct inspection *inspection, struct survey *survey);

/* Know a row by its header page, which holds. */
void survey_take_header(struct survey_row *row, const struct strata_header *header);

/* Look at the footer page of what is, or may be, a sealed strata. Where the header page does not
 * hold, the row is known by its footer, or only as sealed. */
int survey_look_sealed(struct inspection *inspection, struct survey_row *row);

/* Whether a row's file says which strata it is. */
static inline bool survey_is_known(const struct survey_row *row)
{
    return row->state == ROW_SOUND || row->state == ROW_MISNAMED ||
           (row->state == ROW_BAD_HEADER && row->seal.has_footer);
}

/* Read the footer of a raw row's file. false: there is no sound one of this strata. */
bool survey_footer(struct inspection *inspection, const struct survey_row *row,
                   struct strata_footer *out_footer);

/* A name as findings have it: "log/NAME". */
struct survey_file {
    char text[SURVEY_NAME_BYTES + 8];
};
void survey_file(const char *name, struct survey_file *out_file);

/* The name that a row's strata should have, or has if it is there. */
void survey_row_file(const struct survey_row *row, struct survey_file *out_file);

#endif
