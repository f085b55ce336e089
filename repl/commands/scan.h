/*
 * scan.h - one pass over the log, for what is counted and drawn: the filters of the command line,
 * a bar, and Ctrl-C.
 *
 * Labels are tested here, not by the cursor, so that the bar moves also where nothing fits.
 */
#ifndef REPL_SCAN_H
#define REPL_SCAN_H

#include "progress.h"
#include "reader.h"

struct scan {
    struct session *session;
    struct reader reader;
    struct progress progress;
    uint64_t head; /* As the scan began. */
    uint64_t met;  /* Records read, fitting or not. */
    bool is_begun; /* There is something to take away. */
};

/** Begin, the basin being open. Before it was opened session_take_signals() was called.
 * @param what  For the bar. CODE_OK, or the code of what was reported; scan_end() either way. */
int scan_begin(struct scan *scan, struct session *session, const char *what);

/** The next record that fits, borrowed until the next call. FLUME_OK, FLUME_END, or an error. */
int scan_next(struct scan *scan, flume_record *out_record);

/** Take away what was begun, and report.
 * @param status  What scan_next() answered last.
 * @return CODE_OK; CODE_DAMAGED: all that reads was seen; else what was seen counts nothing. */
int scan_end(struct scan *scan, int status);

/** Whether the code of scan_end() lets the numbers be shown. */
bool scan_counts(int code);

/** Whether a label is one of the command line's (-l), or none was given. */
bool scan_asks_label(const struct invocation *invocation, const char *label, size_t bytes);

#endif
