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
    LEDGER_BROKEN = 4,  /* Member of a batch of which another member is not there. */
    LEDGER_NEEDS = 8    /* It refers to a second log. No finding. */
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

/* A ledger under construction. */
struct ledger_maker {
    struct inspection *inspection;
    struct ledger *ledger;
    uint64_t batch_from; /* Where the batch began that is still open. */
    bool may_continue;   /* What comes next may belong to a batch that lost a member. */
};

/* An empty ledger. The inspection and the ledger are borrowed. */
void ledger_begin(struct inspection *inspection, struct ledger *ledger,
                  struct ledger_maker *out_maker);

/* Enter a grain that reads, whose bytes are at source; ordinals rise. offset: anything but 0. */
int ledger_add(struct ledger_maker *maker, const struct grain *grain, const uint8_t *source,
               uint64_t offset);

/* Here something is missing, or the strata ends: an open batch is not whole. may_continue: what
 * comes next may be of the same batch as what is missing. */
void ledger_break(struct ledger_maker *maker, bool may_continue);

/* Walk a row's grains. *out_ledger is to be released, also on error. */
int ledger_make(struct inspection *inspection, const struct survey_row *row,
                const struct image *image, struct ledger *out_ledger);

void ledger_release(struct inspection *inspection, struct ledger *ledger);

/* Add to the report what reads and what does not. */
void ledger_count(struct inspection *inspection, const struct ledger *ledger);

/* What an entry amounts to. */
enum ledger_entry {
    LEDGER_ENTRY_GOOD,
    LEDGER_ENTRY_BAD,
    LEDGER_ENTRY_LOST,
    LEDGER_ENTRY_FLAGGED,
    LEDGER_ENTRY_BROKEN
};

/* The entries from .. *out_to - 1 are alike. from < total. */
enum ledger_entry ledger_run(const struct ledger *ledger, uint64_t from, uint64_t *out_to);

/* Tell what a run amounts to: nothing where it is good. */
int ledger_tell_run(struct inspection *inspection, const struct ledger *ledger,
                    enum ledger_entry entry, const struct finding_place *place);

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
