/*
 * leave.h - how a child process ends at once: without the parent's buffers and handlers, but what
 * it ran counts in a coverage build.
 */
#ifndef FLUME_LEAVE_H
#define FLUME_LEAVE_H

_Noreturn void leave(int status);

/* The same for a process that is about to kill itself. */
void leave_coverage(void);

#endif
