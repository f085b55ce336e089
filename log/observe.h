/*
 * observe.h - a reader without write permission: it looks, and changes nothing.
 */
#ifndef FLUME_OBSERVE_H
#define FLUME_OBSERVE_H

#include "handle.h"

/* Become an observer: a private HEAD, from the shared one if that is of this boot, else from a scan
 * that shows what recovery would. */
int observe_begin(flume_log *log);

/* Bring the private HEAD up to the shared one. Any thread. */
void observe(flume_log *log);

#endif
