/*
 * version.h - which flume this is.
 */
#ifndef FLUME_VERSION_H
#define FLUME_VERSION_H

#include "flume/status.h"

#define FLUME_VERSION_MAJOR 0
#define FLUME_VERSION_MINOR 1
#define FLUME_VERSION_PATCH 0
#define FLUME_VERSION "0.1.0"
#define FLUME_FORMAT_VERSION 1 /* Of the files in a basin. */

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the library at run time. Static. */
FLUME_API const char *flume_version(void);

#ifdef __cplusplus
}
#endif
#endif
