/*
 * scope_view.h - the view "scope": which scopes there are, and how often each was committed.
 */
#ifndef VIEWS_SCOPES_SCOPE_VIEW_H
#define VIEWS_SCOPES_SCOPE_VIEW_H

#include "flume/scope_find.h"
#include "flume/view.h"

enum scope_view_table {
    SCOPE_BY_ID = 0,   /* scope_id -> scope_row_decode(). */
    SCOPE_BY_FRAME = 1 /* Frame, big-endian -> seq of its first commit. */
};

extern const flume_view_definition view_scope;

/** The value of a row. False: not one that the view writes. */
bool scope_row_decode(flume_bytes value, flume_scope_info *out_info);

#endif
