/*
 * child.h - a second process of a benchmark: this program again, in another role.
 *
 * Parent and child share a page of memory, the board. The child says that it is ready, the parent
 * says go and stop; figures come back on the board. A child ends with its parent, whatever ends it.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum { BOARD_SAMPLES_MAX = 65536, BOARD_PATH_BYTES = 1024 };

enum child_role {
    CHILD_APPENDER,     /* Appends `records` of `body_bytes` from go on. */
    CHILD_COUNTER,      /* Subscribes; position is what it has been given. */
    CHILD_STAMP_READER, /* Subscribes; samples are ns since the stamp in each body. */
    CHILD_WORD_READER,  /* Waits on `word` instead; samples are ns since `stamp`. */
    CHILD_RECORDER,     /* Records; position is a head it has reached. To be killed. */
    CHILD_OPENER,       /* Opens, reads, appends; figures: RssAnon in bytes, before, open, used. */
    CHILD_IDLER,        /* Opens, subscribes, idles; figures: the share of a processor it used. */
    CHILD_ROLE_COUNT
};

/* What the parent tells is written before the child starts; everything else is atomic. */
struct board {
    char basin_path[BOARD_PATH_BYTES];
    uint64_t records;
    uint64_t extra;     /* Recorder: records after the last sync. Idler: ns of idleness. */
    uint64_t settle_ns; /* Idler: before it measures. */
    uint64_t idle_ns;   /* Idler: while it does. */
    uint64_t endless;   /* Recorder: non-zero to go on appending until it is killed. */
    uint64_t body_bytes;
    uint64_t seed;
    _Atomic uint32_t ready;
    _Atomic uint32_t go;
    _Atomic uint32_t stop; /* A futex. */
    _Atomic uint32_t word; /* A futex. */
    _Atomic uint64_t stamp;
    _Atomic uint64_t position;
    _Atomic uint64_t begun_ns, ended_ns;
    _Atomic uint32_t sample_count;
    uint32_t samples_ns[BOARD_SAMPLES_MAX]; /* Those below sample_count are written. */
    double figures[4];                      /* Written before ready, or before the child ends. */
};

struct child {
    pid_t pid; /* 0: none. */
    struct board *board;
    int board_fd;
};

/** An empty board. 0, or -1 after bench_fail(). */
int child_prepare(struct child *out_child, const char *basin_path);

/** Start the prepared child and wait until it is ready. */
int child_start(struct child *child, enum child_role role);

/** Let it stop and wait for its end; the board stays. 0 if it ended well. */
int child_stop(struct child *child);

/** Kill it with SIGKILL and wait for its end; the board stays. */
void child_kill(struct child *child);

/** Kill it if it lives, and free the board. Harmless on a zeroed child. */
void child_discard(struct child *child);

/** Whether the program was started as a child (--child ROLE FD): then its exit status, else -1. */
int child_main(int argc, char **argv);

/** Sleep, without waking up in between, until stop; -1 if it does not come. */
int board_wait_for_stop(struct board *board);

/** What each role does. 0, or -1 after bench_fail(). Defined beside the benchmark that uses it. */
int role_appender(struct board *board);
int role_counter(struct board *board);
int role_stamp_reader(struct board *board);
int role_word_reader(struct board *board);
int role_recorder(struct board *board);
int role_opener(struct board *board);
int role_idler(struct board *board);

#endif
