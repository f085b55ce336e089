/*
 * image.h - a whole strata file as bytes in memory that can be touched without fear.
 *
 * The file is read once with pread before it is mapped, so that a medium error is an error and no
 * signal. Where a page cannot be read, the image is a copy with zeros there.
 */
#ifndef FLUME_IMAGE_H
#define FLUME_IMAGE_H

#include "inspection.h"

struct image {
    const uint8_t *data;
    uint64_t bytes;
    uint8_t *copy;                            /* NULL: data is a mapping. */
    uint64_t unreadable_at, unreadable_bytes; /* The first page that cannot be read; all of them. */
};

/* Load log/name. FLUME_OK, FLUME_ERR_NOT_FOUND (no such file), another error with detail. */
int image_load(struct inspection *inspection, const char *name, struct image *out_image);

/* A zeroed image is harmless. */
void image_release(struct inspection *inspection, struct image *image);

#endif
