/*
 * ledger.h - every record that a strata should hold: where it lies, or that it does not read.
 *
 * Made by walking the grains, never from slots. Its size is bounded by the bytes of the file.
 */
#ifndef FLUME_LEDGER_H
#define FLUME_LEDGER_H

#include "grain.h"
#include "image.h"
#include "survey.h"

enum ledger_mark {
    LEDGER_LOST = 1,    /* A stand-in that a repair put there. */
    LEDGER_FLAGGED = 2, /* Flagged as member of a broken batch. */
    LEDGER_BROKEN = 4   /* Member of a batch of which another member is not there. */
};

struct ledger {
    uint32_t *offsets; /* By ordinal, in units of 8 bytes; 0: does not read. */
    uint8_t *marks;    /* By ordinal: enum ledger_mark. */
    uint64_t count;    /* Entries; the last one reads. */
    uint64_t room;
    uint64_t total;  /* Records there should be; what is not below count does not read. */
    uint64_t intact; /* That read, stand-ins included. */
    uint64_t limit;  /* Grains end here or before. */
    uint64_t salt;
    uint64_t end_offset; /* Behind the last grain that reads. */
    bool salt_was_guessed;
    bool gave_up;        /* The search behind a bad grain went beyond its bound ... */
    uint64_t gave_up_at; /* ... here. */
};

/* Walk a row's grains. *out_ledger is to be released, also on error. */
int ledger_make(struct inspection *inspection, const struct survey_row *row,
                const struct image *image, struct ledger *out_ledger);

void ledger_release(struct inspection *inspection, struct ledger *ledger);

/* Add to the report what reads and what does not. */
void ledger_count(struct inspection *inspection, const struct ledger *ledger);

/* Tell what does not read, is lost, is broken. */
int ledger_tell(struct inspection *inspection, const struct survey_row *row,
                const struct image *image, const struct ledger *ledger);

/* Whether every record that should be there is. */
static inline bool ledger_is_whole(const struct ledger *ledger)
{
    return ledger->intact == ledger->total;
}

/* The grain of an ordinal, which reads. */
static inline const uint8_t *ledger_grain(const struct ledger *ledger, const struct image *image,
                                          uint64_t ordinal, struct grain *out_grain)
{
    uint64_t offset = (uint64_t)ledger->offsets[ordinal] * GRAIN_ALIGN;
    bool reads = grain_decode(image->data + offset, ledger->limit - offset, (uint32_t)ordinal,
                              ledger->salt, offset, out_grain);

    return reads ? image->data + offset
                 : NULL; /* NULL: the medium gives other bytes than before. */
}

#endif
