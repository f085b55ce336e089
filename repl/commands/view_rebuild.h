/*
 * view_rebuild.h - `flume view rebuild`, `sync` and `verify`: views are derived, now.
 */
#ifndef REPL_VIEW_REBUILD_H
#define REPL_VIEW_REBUILD_H

#include "session.h"

/** Whether the command line says which views, before the basin is opened. CODE_OK or CODE_USAGE. */
int view_rebuild_check(struct session *session);

/** Rebuild the views that are named, or all. The code to end with. */
int view_rebuild_run(struct session *session);

/** Wait until the views that are named, or all, have met the log as it is now. */
int view_rebuild_sync(struct session *session);

/** Compare the views that are named, or all, with the log. CODE_DAMAGED if any differs. */
int view_rebuild_verify(struct session *session);

#endif
