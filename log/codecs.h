/*
 * codecs.h - the codecs of a handle.
 */
#ifndef FLUME_CODECS_H
#define FLUME_CODECS_H

#include "handle.h"

/* Register a program's codecs, once, at open. FLUME_ERR_INVALID with detail. */
int codecs_take(flume_log *log, const flume_codec *codecs, size_t codec_count);

#endif
