/*
 * process_survivor.h - the test's own process as the one that goes on after another one has died.
 */
#ifndef FLUME_PROCESS_SURVIVOR_H
#define FLUME_PROCESS_SURVIVOR_H

#include "process_fixture.h"

enum {
    SURVIVOR = 0, /* The writer number of this process. */
    VICTIM = 1
};

/* Whether the survivor is attached while the victim dies, or comes after it. */
enum company { ATTACHED, ALONE };

struct survivor {
    flume_log *log;
    uint64_t next_number;
    flume_log_options options;
};

/* Open, or open again; the victim is started before the first time. */
void survivor_open(struct survivor *survivor, struct fixture *fx);
void survivor_append(struct survivor *survivor, uint32_t filler_bytes);

/* Before the victim is let go: a basin with a record in it, and who is to be attached attached. */
void survivor_begin(struct survivor *survivor, struct fixture *fx, enum company company);

/* After the victim has ended: all is there, appending and syncing go on, also through handles
 * opened later. Closes. */
void survivor_goes_on(struct survivor *survivor, struct fixture *fx, enum company company,
                      const struct process *victim);

#endif
