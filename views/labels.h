/*
 * labels.h - the labels of one record, each once.
 *
 * A record may carry the same label twice; counted is the record, not the label.
 */
#ifndef VIEWS_LABELS_H
#define VIEWS_LABELS_H

#include "flume/record.h"

enum { LABELS_INLINE = 16 };

struct labels {
    flume_label *list; /* In byte order. */
    size_t count;
    flume_label inside[LABELS_INLINE]; /* Where a usual record's labels stand. */
};

/** @return FLUME_OK (ended by labels_deinit(), valid as long as the record), or
 *          FLUME_ERR_NO_MEMORY. */
int labels_init(struct labels *labels, const flume_record *record);
void labels_deinit(struct labels *labels);

#endif
