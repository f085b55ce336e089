/*
 * board.h - a few words that all processes attached to a basin share, found by name.
 *
 * For what is built on the log and runs in several processes: views say here how far they are.
 * The words live in HEAD: they are zero when nobody was attached before, and again when all have
 * closed the basin in order; they survive the death of processes, but not a stop of the machine.
 * They are only hints: what must be right is kept elsewhere and looked up there.
 *
 * A word that is not below FLUME_BOARD_WORDS, and in a forked child each word of the parent's
 * boards, reads as 0, and writing it or waiting for it does nothing.
 */
#ifndef FLUME_BOARD_H
#define FLUME_BOARD_H

#include "flume/log.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FLUME_BOARD_WORDS = 8, FLUME_BOARD_NAME_BYTES_MAX = 55, FLUME_BOARDS_MAX = 64 };

typedef struct flume_board flume_board;

/**
 * The words of a name, made (all zero) by the first who asks.
 *
 * @param name       1 .. FLUME_BOARD_NAME_BYTES_MAX bytes.
 * @param out_board  Valid until the log is closed.
 * @return FLUME_OK; FLUME_ERR_FULL (FLUME_BOARDS_MAX names exist), FLUME_ERR_READ_ONLY (an observer
 *         without write permission shares nothing), FLUME_ERR_INVALID, FLUME_ERR_BUSY,
 *         FLUME_ERR_FORKED.
 */
FLUME_API int flume_log_board(flume_log *log, const char *name, flume_board **out_board);

/** A word, with acquire order. Threads: any. */
FLUME_API uint64_t flume_board_read(const flume_board *board, unsigned word);

/** Store a word with release order, and wake who waits on this board; if nobody does, nothing of
 * the system is called. */
FLUME_API void flume_board_write(flume_board *board, unsigned word, uint64_t value);

/** Raise a word to value if it is lower, and wake who waits if it was. Likewise. */
FLUME_API void flume_board_raise(flume_board *board, unsigned word, uint64_t value);

/** Sleep until some word of the board is written, or the time is up, or for no reason; returns at
 * once if the word no longer has the expected value. */
FLUME_API void flume_board_wait(flume_board *board, unsigned word, uint64_t expected,
                                uint64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
