/*
 * boards.h - what a flume_board is: an entry of HEAD as one handle sees it.
 */
#ifndef FLUME_BOARDS_H
#define FLUME_BOARDS_H

#include "flume/board.h"
#include "head.h"

struct flume_board {
    flume_log *log;
    struct head_board *entry;
};

/* Once HEAD is mapped: let each of the handle's boards point at its entry. */
void boards_init(flume_log *log);

#endif
