/*
 * status.h - what `flume status` knows of a basin, and how it is put on a screen.
 */
#ifndef REPL_STATUS_H
#define REPL_STATUS_H

#include "disk_use.h"
#include "recent.h"
#include "session.h"

struct status {
    flume_log_stat_info log;
    flume_view_status *views; /* Owned. */
    size_t view_count;
    struct recent recent;
    struct disk_use disk;
    bool has_disk;             /* Not of a basin in memory. */
    flume_grains_place grains; /* Where chunks of blobs are. */
    flume_attached *attached;  /* Owned. */
    size_t attached_count;
    uint64_t now_ns;
};

/** The screen, as wide as the session's and `rows` high. */
void status_draw(struct session *session, const struct status *status, size_t rows);

#endif
