/*
 * view_declare.h - `flume view add` and `flume view drop`: declaring views, and ending them.
 */
#ifndef REPL_VIEW_DECLARE_H
#define REPL_VIEW_DECLARE_H

#include "session.h"

/** Whether the options make a declaration, before the basin is opened. CODE_OK or CODE_USAGE. */
int view_declare_check(struct session *session);

/** Declare the view that the command line describes. The code to end with. */
int view_declare_add(struct session *session);

/** End a declared view, by a record; of one whose code is unknown here remove the files. */
int view_declare_drop(struct session *session);

#endif
