/*
 * view_row.h - `flume view rows`: what lies in the tables of a view, made readable.
 */
#ifndef REPL_VIEW_ROW_H
#define REPL_VIEW_ROW_H

#include "session.h"

/** Rows of the view that the first operand names, the basin being open. The code to end with. */
int view_row_print(struct session *session);

#endif
