/*
 * file_window.h - bytes of a file that may be damaged, read through a window that moves.
 *
 * For who looks at every byte of a file: memory is bounded by the window, and what the medium does
 * not give is an answer, not a failure.
 */
#ifndef FLUME_FILE_WINDOW_H
#define FLUME_FILE_WINDOW_H

#include "inspection.h"

struct file_window {
    struct inspection *inspection;
    struct path path;
    int file;       /* -1: not open. */
    uint64_t bytes; /* Length of the file. */
    uint8_t *window;
    size_t room;
    uint64_t from; /* Offset of the window's first byte. */
    size_t filled;
};

/* Open log/name. FLUME_OK, FLUME_ERR_NOT_FOUND (no such file), another error with detail. To be
 * closed in any case. */
int file_window_open(struct inspection *inspection, const char *name,
                     struct file_window *out_window);
void file_window_close(struct file_window *window);

/*
 * The bytes at .. at + bytes, in one piece.
 *
 * @param out_bytes  Receives where they are, valid until the next call; NULL: the file ends before,
 *                   or the medium does not give them.
 * @return FLUME_OK, also with NULL; FLUME_ERR_NO_MEMORY, FLUME_ERR_IO with detail.
 */
int file_window_look(struct file_window *window, uint64_t at, uint64_t bytes,
                     const uint8_t **out_bytes);

#endif
