/*
 * scope_stage.h - staging: scopes that wait to be recorded, and how often they are.
 *
 * A recorder writes each commit at once, unless its commits are staged: then they wait, in the
 * order in which they were made, until they are written together (flushed), or thrown away
 * (discarded).
 *
 *   flume_stage_options options = {.flush_every = 100, .written = note, .ctx = &notes};
 *   flume_recorder_stage(recorder, &options);
 *
 * or, for scopes of some labels alone: flume_recorder_configure(recorder, "^step$",
 * FLUME_SETTING_FLUSH_EVERY, "10").
 *
 * What is staged is not in the log: no other recorder sees it, it has no seq, and it ends with the
 * recorder's process. It lies in files without a name in the basin's directory, contents of blobs
 * too; in memory there are some 50 bytes for each scope that is not the same as another one. A
 * commit that is not staged writes what is staged before itself, so the order of the tape is that
 * of the commits.
 *
 * Verdicts: that a scope is a duplicate, of a stored one or of a staged one, is told when it is
 * staged, and stays true. Everything else is told as FLUME_STAGED, for others may commit meanwhile;
 * the verdict is given when it is written, against all that was committed until then.
 *
 * Threads: as the recorder.
 */
#ifndef FLUME_SCOPE_STAGE_H
#define FLUME_SCOPE_STAGE_H

#include "flume/recorder.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The setting (recorder_rules.h) that says how often scopes of its labels are written: "1": at
 * once; "N": the Nth of them that is staged writes all that is staged; "never": only on request. It
 * goes before what flume_recorder_stage() says. Another value is refused when it is given. */
#define FLUME_SETTING_FLUSH_EVERY "flush every"

typedef struct flume_stage_options {
    uint64_t flush_every; /* So many staged commits are written with the last of them. 0: only on
                             request. */
    /* Told of what was written, in order: commits that were staged as id, id + 1 ... (count of
     * them), and their verdict. It must not use the recorder. NULL: nobody. */
    void (*written)(void *ctx, uint64_t staged_id, uint64_t count, const flume_verdict *verdict);
    void *ctx;
} flume_stage_options;

/**
 * From here on commits are staged.
 *
 * flume_recorder_flush(), flume_recorder_close() and commits that are not staged write what is
 * staged. Where that fails, what was written has left the stage and the rest stays in it: flushing
 * again goes on. A commit whose staging makes it due to be written is staged also if writing fails;
 * it then answers what failed, and verdict.staged_id is set.
 *
 * @param options  NULL: what is staged is written, and commits are no longer staged.
 * @return FLUME_OK; FLUME_ERR_INVALID (a hook runs); as flume_recorder_flush().
 */
FLUME_API int flume_recorder_stage(flume_recorder *recorder, const flume_stage_options *options);

/** Throw away what is staged. Nothing of it was or will be in the log.
 * @return FLUME_OK; FLUME_ERR_INVALID (a hook runs, or the stage is being written). */
FLUME_API int flume_recorder_discard(flume_recorder *recorder);

/** How many commits are staged. */
FLUME_API uint64_t flume_recorder_staged(const flume_recorder *recorder);

#ifdef __cplusplus
}
#endif
#endif
