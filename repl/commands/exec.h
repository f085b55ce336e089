/*
 * exec.h - `tail --exec CMD`: a command for each record.
 */
#ifndef REPL_EXEC_H
#define REPL_EXEC_H

#include "session.h"

/**
 * Run CMD by sh, with the record's body on its standard input, FLUME_SEQ, FLUME_TIME, FLUME_LABELS
 * (commas between) and FLUME_KIND in its environment, and wait for its end. What it writes goes
 * where flume's own output goes. Where Ctrl-C comes meanwhile it is sent on.
 *
 * @return CODE_OK; CODE_PARTIAL if it ended with another code than 0, or was killed; CODE_IO if it
 *         could not be started: both reported, unless Ctrl-C ended it.
 */
int exec_record(struct session *session, const char *command, const flume_record *record);

#endif
