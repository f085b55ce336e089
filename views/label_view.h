/*
 * label_view.h - the tables of the view "label", for the questions that read them.
 */
#ifndef VIEWS_LABEL_VIEW_H
#define VIEWS_LABEL_VIEW_H

#include "builtin.h"

enum label_table {
    LABEL_TABLE_LABEL = 0,   /* A row for each record and label of it. */
    LABEL_TABLE_COUNT = 1,   /* A row for each label. */
    LABEL_TABLE_MARK = 2,    /* A row for each bookmark's name (mark.h). */
    LABEL_TABLE_HISTORY = 3, /* A row for each bookmark's record. */
    LABEL_TABLES = 4
};

enum { LABEL_PREFIX_BYTES_MAX = FLUME_LABEL_BYTES_MAX + 1 };

/** What the rows of a label begin with: label and NUL. @return its length; 0: no label is so. */
size_t label_prefix(const char *label, uint8_t out_prefix[LABEL_PREFIX_BYTES_MAX]);

/** The row of a label in a snapshot. @return FLUME_OK, FLUME_ERR_NOT_FOUND, FLUME_ERR_VIEW. */
int label_info(flume *handle, flume_rows *rows, const char *label, flume_label_info *out_info);

#endif
