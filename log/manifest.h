/*
 * manifest.h - the text in which a writer says who it is.
 */
#ifndef FLUME_MANIFEST_H
#define FLUME_MANIFEST_H

#include "handle.h"

enum { MANIFEST_BYTES_MAX = 8192 };

/* Encode the handle's manifest into log->manifest. Fixed at open. */
int manifest_make(flume_log *log);

#endif
