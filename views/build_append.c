/*
 * build_append.c - the second half of a build: the rows of all parts become tables.
 *
 * The sorters of the parts give a table's rows in order; where parts have a key in common the later
 * part's row is the newer one. What they come to is appended, page after full page.
 *
 * What always holds:
 *   - Tables are emptied first: what an interrupted attempt appended is made again.
 *   - Meta says that the build is complete only in the transaction that ends the last table.
 */
#include <stdlib.h>
#include <string.h>

#include "build_inside.h"
#include "sorter.h"

enum {
    APPEND_CHECK_ROWS = 1 << 15,
    APPEND_BYTES_MAX = 4 << 20 /* In one transaction: its pages stay in a cache of the processor. */
};

/* ---- the rows of one table, over all parts ---- */

struct source {
    struct sorter *sorter;
    flume_bytes key, value;
    bool is_deleted;
    bool is_over;
};

struct rows_of_table {
    struct source sources[META_PARTS_MAX];
    size_t source_count;
    const flume_view_table *table;
    uint8_t room[2][FLUME_MERGE_BYTES_MAX];
};

static int order_keys(flume_bytes a, flume_bytes b)
{
    int difference = memcmp(a.data, b.data, a.bytes < b.bytes ? a.bytes : b.bytes);

    return difference != 0 ? difference : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static int advance_source(struct source *source)
{
    int status = sorter_next(source->sorter, &source->key, &source->value, &source->is_deleted);

    source->is_over = status != FLUME_OK;
    return status == FLUME_END ? FLUME_OK : status;
}

static int begin_rows(const struct build *build, size_t table, struct rows_of_table *rows)
{
    int status = FLUME_OK;

    rows->source_count = build->meta.part_count;
    rows->table = &build->building->view->definition->tables[table];
    for (size_t i = 0; status == FLUME_OK && i < rows->source_count; i++) {
        rows->sources[i].sorter = build->parts[i].batch->sorters[table];
        status = advance_source(&rows->sources[i]);
    }
    return status;
}

/* Fold a later part's row into what the earlier ones gave. */
static int fold_row(struct rows_of_table *rows, size_t *io_room, flume_bytes key,
                    const struct source *source, flume_bytes *io_value, bool *io_deleted)
{
    size_t bytes = 0;
    int status;

    if (rows->table->merge == NULL || source->is_deleted || *io_deleted) {
        *io_value = source->value;
        *io_deleted = source->is_deleted;
        return FLUME_OK;
    }
    status = rows->table->merge(rows->table->merge_ctx, key, *io_value, source->value,
                                rows->room[*io_room], &bytes);
    if (status != FLUME_OK || bytes > FLUME_MERGE_BYTES_MAX)
        return status != FLUME_OK ? status : FLUME_ERR_TOO_LARGE;
    *io_value = (flume_bytes){rows->room[*io_room], bytes};
    *io_room = 1 - *io_room;
    return FLUME_OK;
}

/* The least key, and the sources that stand at it, as bits; 0: all are over. */
static unsigned find_least(const struct rows_of_table *rows, flume_bytes *out_key)
{
    unsigned at_key = 0;

    for (size_t i = 0; i < rows->source_count; i++) {
        const struct source *source = &rows->sources[i];
        int difference;

        if (source->is_over)
            continue;
        difference = at_key == 0 ? -1 : order_keys(source->key, *out_key);
        if (difference < 0) {
            *out_key = source->key;
            at_key = 0;
        }
        if (difference <= 0)
            at_key |= 1u << i;
    }
    return at_key;
}

/* ---- appending ---- */

struct appending {
    struct build *build;
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint64_t rows, done;
    size_t bytes; /* In this transaction. */
};

static int begin_transaction(struct appending *appending)
{
    struct view_meta stored;

    appending->bytes = 0;
    return environment_begin(appending->build->building->env, &appending->txn, &stored);
}

static int end_transaction(struct appending *appending)
{
    int code;

    if (appending->cursor != NULL)
        mdb_cursor_close(appending->cursor);
    appending->cursor = NULL;
    code = environment_commit(appending->build->building->env, appending->txn,
                              &appending->build->meta);
    appending->txn = NULL;
    return code;
}

static int append_row(struct appending *appending, size_t table, flume_bytes key, flume_bytes value)
{
    struct environment *env = appending->build->building->env;
    int code = 0;

    if (appending->bytes >= APPEND_BYTES_MAX) {
        code = end_transaction(appending);
        if (code == 0)
            code = begin_transaction(appending);
    }
    if (code == 0 && appending->cursor == NULL)
        code = mdb_cursor_open(appending->txn, env->tables[table], &appending->cursor);
    if (code != 0)
        return code;
    appending->bytes += key.bytes + value.bytes;
    return mdb_cursor_put(appending->cursor, &(MDB_val){key.bytes, (void *)(uintptr_t)key.data},
                          &(MDB_val){value.bytes, (void *)(uintptr_t)value.data}, MDB_APPEND);
}

/* Take the rows at the least key, and append what they come to. FLUME_END: there are no more. */
static int append_least(struct appending *appending, size_t table, struct rows_of_table *rows)
{
    flume_bytes key, value;
    unsigned at_key = find_least(rows, &key);
    bool is_deleted = true; /* The table is empty. */
    size_t room = 0;
    int status = FLUME_OK, code = 0;

    if (at_key == 0)
        return FLUME_END;
    for (size_t i = 0; status == FLUME_OK && i < rows->source_count; i++)
        if ((at_key >> i & 1) != 0)
            status = fold_row(rows, &room, key, &rows->sources[i], &value, &is_deleted);
    if (status == FLUME_OK && !is_deleted)
        code = append_row(appending, table, key, value);
    if (code != 0)
        return build_fail_code(appending->build, code);
    for (size_t i = 0; status == FLUME_OK && i < rows->source_count; i++) {
        if ((at_key >> i & 1) == 0)
            continue;
        status = advance_source(&rows->sources[i]);
        appending->done++;
    }
    return status;
}

static int append_table(struct appending *appending, size_t table)
{
    struct build *build = appending->build;
    struct rows_of_table *rows = calloc(1, sizeof *rows);
    uint64_t shown = appending->done;
    int status = rows == NULL ? FLUME_ERR_NO_MEMORY : begin_rows(build, table, rows);

    while (status == FLUME_OK) {
        status = append_least(appending, table, rows);
        if (status != FLUME_OK || appending->done - shown < APPEND_CHECK_ROWS)
            continue;
        shown = appending->done;
        build_show(build, appending->done, appending->rows);
        status = build_ask_to_stop(build);
    }
    if (appending->cursor != NULL)
        mdb_cursor_close(appending->cursor);
    appending->cursor = NULL;
    free(rows);
    if (status == FLUME_OK || status == FLUME_END || status == FLUME_ERR_VIEW ||
        status == FLUME_ERR_NO_MEMORY || status == FLUME_ERR_CANCELLED ||
        status == FLUME_ERR_TIMEOUT)
        return status == FLUME_END ? FLUME_OK : status;
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_IO || status == FLUME_ERR_FULL ||
        status == FLUME_ERR_ACCESS)
        return flume_fail(build->building->view->flume, status, FLUME_SEQ_NONE,
                          "view '%s' cannot read its sorted rows back from %s: %s",
                          build->building->view->definition->name, build->building->directory,
                          flume_strerror(status));
    atomic_store(&build->building->merge_refused, true);
    return batch_fail_merge(build->building->view, table, status);
}

/* The tables are filled only now: what an interrupted attempt left in them goes. */
static int empty_tables(struct appending *appending)
{
    const struct build *build = appending->build;
    int code = 0;

    for (size_t i = 0; code == 0 && i < FLUME_VIEW_TABLES_MAX; i++)
        if (build->parts[0].batch->sorters[i] != NULL)
            code = mdb_drop(appending->txn, build->building->env->tables[i], 0);
    return code;
}

static void complete_meta(struct build *build)
{
    const flume_batch *last = build->parts[build->meta.part_count - 1].batch;
    struct view_meta complete = {
        .version = build->meta.version,
        .complete = true,
        .synced_seq = last->meta.synced_seq,
        .check = last->meta.check,
    };

    for (size_t p = 0; p < build->meta.part_count; p++)
        complete.passed_over += build->parts[p].batch->meta.passed_over;
    build->meta = complete;
}

int build_append(struct build *build)
{
    struct appending appending = {.build = build};
    flume_batch *first = build->parts[0].batch;
    int code = 0, status = FLUME_OK;

    for (size_t p = 0; p < build->meta.part_count; p++)
        for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
            if (build->parts[p].batch->sorters[i] != NULL)
                appending.rows += sorter_count(build->parts[p].batch->sorters[i]);
    appending.txn = first->txn; /* With what was put into other tables. */
    batch_close_cursors(first);
    first->txn = NULL;
    if (appending.txn == NULL)
        code = begin_transaction(&appending);
    if (code == 0)
        code = empty_tables(&appending);
    if (code != 0)
        status = build_fail_code(build, code);
    for (size_t i = 0; status == FLUME_OK && i < FLUME_VIEW_TABLES_MAX; i++)
        if (first->sorters[i] != NULL)
            status = append_table(&appending, i);
    if (status == FLUME_OK) {
        complete_meta(build);
        code = end_transaction(&appending);
        return code == 0 ? FLUME_OK : build_fail_code(build, code);
    }
    environment_abort(build->building->env, appending.txn);
    return status;
}
