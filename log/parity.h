/*
 * parity.h - Reed-Solomon parity over a sealed strata file: written once, and damage healed with
 * it.
 *
 * log/FORMAT.md, "Parity", has the bytes. The protected range is cut into cells of 4 KiB; so many
 * data cells and so many parity cells make a stripe, and the cells of a stripe lie far apart. A
 * section holds the check of every cell, twice, and the parity cells. It lies within the strata
 * file in front of the footer page, or is a file of its own beside it.
 *
 * What always holds:
 *   - Nothing is healed by guessing: a cell that is written again holds its check, or follows from
 *     cells that all hold theirs, or from cells of which more agree than are needed.
 *   - No byte is asked for or written but through the caller's functions; what is damaged is never
 *     written over: writes go to a copy.
 *   - Whatever a section says, memory is bounded by the length of the file that it was found in.
 *   - No key is needed, and no other strata.
 *
 * Nothing here is shared between handles. A handle is used by one thread at a time.
 */
#ifndef FLUME_PARITY_H
#define FLUME_PARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/io.h"
#include "flume/status.h"

enum {
    PARITY_CELL_BYTES = 4096,
    PARITY_DATA_CELLS = 32, /* Of a stripe, unless the caller wants otherwise. */
    PARITY_CELLS = 2,
    PARITY_DATA_CELLS_MAX = 128,
    PARITY_CELLS_MAX = 32
};
#define PARITY_RANGE_BYTES_MAX ((uint64_t)1 << 40)

/* Instead of an offset: the section is a file of its own. */
#define PARITY_BESIDE UINT64_MAX

/* What a section says of itself. */
struct parity_settings {
    /* Of what is protected: all of the strata file, less the section if that lies within it. */
    uint64_t range_bytes;
    /* Where the section lies in the strata file, a multiple of the cell; range_bytes is then one,
     * too. Or PARITY_BESIDE. */
    uint64_t section_at;
    uint16_t data_cells;   /* Of a stripe: 1 .. PARITY_DATA_CELLS_MAX. */
    uint16_t parity_cells; /* Of a stripe: 1 .. PARITY_CELLS_MAX. */
    uint8_t strata_id[16];
    uint64_t salt; /* Of the strata: seeds the cells' checks. */
};

/*
 * A file as this module sees it. read gives the number of bytes, fewer than asked for only where
 * the file ends, or a negative status: these bytes cannot be read. write writes them all and
 * returns FLUME_OK, or a negative status; files grow by it.
 */
struct parity_file {
    int64_t (*read)(void *ctx, void *target, size_t bytes, uint64_t offset);
    int (*write)(void *ctx, const void *source, size_t bytes, uint64_t offset);
    void *ctx;
    uint64_t bytes; /* Its length, where it is read. */
};

/* Length of the section for these settings; 0: they are not sound. */
uint64_t parity_section_bytes(const struct parity_settings *settings);

/*
 * Write the section of a file: at settings->section_at into the file that `section` writes, or from
 * its beginning on if the section is to be a file of its own.
 *
 * @param strata   Read once: the strata file as it will be. The place of a section within it is not
 *                 read. Borrowed, as is all else.
 * @param section  Written only, every byte of the section once, in no particular order.
 * @return FLUME_OK; FLUME_ERR_INVALID (settings); FLUME_ERR_NO_MEMORY; FLUME_ERR_IO if the range
 *         ends early; what read or write said.
 *
 * Takes memory of 1/500 of the range and some MiB.
 */
int parity_encode(const struct parity_settings *settings, const flume_allocator *allocator,
                  const struct parity_file *strata, const struct parity_file *section);

/* A section that was found: its settings, and the checks that it holds. */
struct parity;

/*
 * Find a section and load its checks.
 *
 * @param file       Where it may lie: the strata file, or the file beside it. Borrowed.
 * @param hint_at    Offset where it is said to begin: looked at first, not believed. PARITY_BESIDE:
 *                   a file of its own.
 * @param strata_id  16 bytes: another strata's section is none. NULL: any.
 * @param out_parity Owned by the caller: parity_release().
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND: no page of it is valid, or it says more than a file of
 *         this length can hold; FLUME_ERR_VERSION: a newer one; FLUME_ERR_NO_MEMORY.
 */
int parity_load(const struct parity_file *file, uint64_t hint_at, const uint8_t *strata_id,
                const flume_allocator *allocator, struct parity **out_parity);

/* NULL is harmless. */
void parity_release(struct parity *parity);

/* Valid until the release. */
const struct parity_settings *parity_settings_of(const struct parity *parity);

/* How long the strata file is when it is whole, and how long the file with the section is: the same
 * where the section lies within the strata file. What is behind is not part of either. */
uint64_t parity_strata_bytes(const struct parity *parity);
uint64_t parity_section_file_bytes(const struct parity *parity);

/* What a span of bytes is. */
enum parity_part {
    PARITY_PART_DATA,  /* Of the strata file's own; also bytes that the file ends before. */
    PARITY_PART_CELLS, /* Of the section: parity cells. */
    PARITY_PART_HEAD   /* Of the section: pages of checks. */
};

/* How it stands with it. */
enum parity_fate {
    PARITY_HEALABLE, /* Damaged: the right bytes are known (and were written, if that was asked). */
    PARITY_LOST,     /* Damaged: more than the parity allows. */
    PARITY_UNKNOWN   /* Its check is lost, and no parity is left to tell. */
};

/* Neighbouring cells of one part and fate. Offsets are of the file that the part lies in. */
struct parity_span {
    enum parity_part part;
    enum parity_fate fate;
    uint64_t offset;
    uint64_t bytes;
};

/* Anything but 0 stops. */
typedef int (*parity_on_span)(void *ctx, const struct parity_span *span);

/* In cells, which are pages too. */
struct parity_report {
    uint64_t data_healable, data_lost, data_unknown;
    uint64_t section_healable, section_lost; /* Of the section; pages and cells. */
};

/* Whether there is nothing to report. */
bool parity_report_is_clean(const struct parity_report *report);

/*
 * Compare every cell with its check and say what is damaged, and whether the parity allows to heal
 * it: it is really worked out, though nothing is written.
 *
 * @param strata      Read. A file that is too short lacks cells; what is too much is not looked at.
 * @param section     Read: the file that the section was found in. May be the same as strata.
 * @param on_span     Called for each span, those of data first, in rising order; NULL: nobody asks.
 * @param out_report  Written if all was looked at.
 * @return FLUME_OK, whatever was found; FLUME_ERR_NO_MEMORY; what on_span said, if not 0.
 */
int parity_verify(struct parity *parity, const struct parity_file *strata,
                  const struct parity_file *section, parity_on_span on_span, void *ctx,
                  struct parity_report *out_report);

/*
 * The same, and write what was found healable through strata->write and section->write, which are
 * to go to copies of the files that are read: as long as parity_strata_bytes() and
 * parity_section_file_bytes() say, or shorter. What is lost is not written.
 *
 * @return Besides: what write said; some spans may have been written then.
 */
int parity_heal(struct parity *parity, const struct parity_file *strata,
                const struct parity_file *section, parity_on_span on_span, void *ctx,
                struct parity_report *out_report);

#endif
