/*
 * mend.h - what the parity of sealed strata tells and restores: for check, and for repair before it
 * looks at anything else.
 *
 * What always holds:
 *   - What is restored is bit for bit what was sealed, or it is not touched.
 *   - The file as it was is in lost+found/, synced, before the restored one takes its name.
 */
#ifndef FLUME_MEND_H
#define FLUME_MEND_H

#include "inspection.h"

/* Compare a strata file log/<first_seq>.strata with its parity, if it is sealed and has any, and
 * tell what differs. */
int mend_look(struct inspection *inspection, uint64_t first_seq);

/* Strata that a repair would restore wholly, or has. */
struct mended {
    uint64_t *first_seqs;
    size_t count, room;
};

enum mend_mode { MEND_TELL_ONLY, MEND_RESTORE };

/* Restore in all of log/ what parity can. Tells what it does, before it does it. *out_mended is to
 * be released, also on error. */
int mend_all(struct inspection *inspection, enum mend_mode mode, struct mended *out_mended);

bool mended_has(const struct mended *mended, uint64_t first_seq);
void mended_release(struct inspection *inspection, struct mended *mended);

/* The strata's file is about to be replaced by another: the parity beside it, which would take the
 * other for damage, leaves for lost+found/ first, durably. */
int mend_forget(struct inspection *inspection, uint64_t first_seq);

/* Side files that are no parity of the strata beside them, any more: to lost+found/. */
int mend_settle(struct inspection *inspection);

#endif
