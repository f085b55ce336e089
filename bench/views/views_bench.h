/*
 * views_bench.h - basins with views, as the benchmarks of views use them.
 *
 * What always holds:
 *   - Bodies differ from record to record: number i is body_make(i), whoever asks.
 *   - Every record has one label of LABEL_COUNT, in turn.
 *   - Seqs of messages rise by one but for the writers' manifests between them.
 */
#ifndef BENCH_VIEWS_BENCH_H
#define BENCH_VIEWS_BENCH_H

#include "bench.h"
#include "flume/flume.h"
#include "measure.h"

enum { VIEWS_BODY_BYTES = 100, LABEL_COUNT = 16, LABEL_TEXT_BYTES = 16, USER_VIEW_COUNT = 2 };

/* A program's own views: "kinds" counts records by kind in a table with a merge; "starts" has a row
 * for each record, of the first bytes of its body, the seq and the body's size. */
extern const flume_view_definition *const user_views[USER_VIEW_COUNT];

/* What four views are. */
enum { FOUR_VIEWS = 4 };
extern const char *const four_views[FOUR_VIEWS]; /* hash, label and the program's own. */

/* A directory with a basin in it, not open. */
struct basin {
    char *dir_path;
    char *path;
};

/** An empty basin, not made yet. 0, or -1 after bench_fail(). */
int basin_create(struct bench *bench, struct basin *out_basin);
void basin_destroy(struct basin *basin);

/** Open with the program's own views. views: enum flume_open_views. */
int basin_open(const struct basin *basin, unsigned views, uint64_t rebuild_bytes,
               flume **out_handle);

/** Open without views. */
int basin_open_log(const struct basin *basin, flume_log **out_log);

/** Append records number first .. first + count - 1, many at a time. */
int log_fill(flume_log *log, const struct bodies *bodies, uint64_t first, uint64_t count);

/** Body number i: bodies->body_bytes of them. */
void body_make(const struct bodies *bodies, uint64_t number, uint8_t *target);

/** Append record number i alone. */
int log_append(flume_log *log, const struct bodies *bodies, uint64_t number);

/** Label number i; static. */
const char *label_at(uint64_t number);

int view_named(flume *handle, const char *name, flume_view **out_view);

/** Wait until a view has all of the log. */
int view_wait(flume *handle, flume_view *view);

/** Rows of a table. Waits. */
int view_count(flume *handle, flume_view *view, size_t table, uint64_t *out_count);

/** bench_fail() with what flume says. */
int handle_fail(flume *handle, const char *what, int status);

#endif
