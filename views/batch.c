/*
 * batch.c - rows on their way into a view (batch.h).
 */
#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sorter.h"

enum { CLOCK_EVERY_RECORDS = 64, RUN_NAME_BYTES = 48, ROW_BYTES = 16 };

/* ---- making ---- */

int batch_create(flume_view *view, const char *spill_directory, const char *prefix,
                 size_t budget_bytes, flume_batch **out_batch)
{
    const flume_view_definition *definition = view->definition;
    flume_batch *batch = calloc(1, sizeof *batch);
    int status = FLUME_OK;

    if (batch == NULL)
        return FLUME_ERR_NO_MEMORY;
    batch->view = view;
    batch->failed_seq = FLUME_SEQ_NONE;
    batch->state = definition->ctx;
    for (size_t i = 0; status == FLUME_OK && i < definition->table_count; i++) {
        const flume_view_table *table = &definition->tables[i];
        char name[RUN_NAME_BYTES];
        struct sorter_options options = {
            .budget_bytes = budget_bytes / definition->table_count,
            .spill_directory = spill_directory,
            .name = name,
            .merge = table->merge,
            .merge_ctx = table->merge_ctx,
        };

        (void)snprintf(name, sizeof name, "%s%s", prefix, table->name);
        if ((table->flags & FLUME_TABLE_COLLECT) != 0)
            status = sorter_create(&options, &batch->sorters[i]);
    }
    if (status == FLUME_OK && definition->open != NULL) {
        status = definition->open(definition->ctx, &batch->state);
        batch->state_open = status == FLUME_OK;
        if (status != FLUME_OK)
            (void)flume_fail(view->flume, status, FLUME_SEQ_NONE,
                             "view '%s': its open function answered \"%s\"", definition->name,
                             flume_strerror(status));
    }
    if (status != FLUME_OK) {
        batch_destroy(batch, BATCH_DROP_RUNS);
        return status;
    }
    *out_batch = batch;
    return FLUME_OK;
}

void batch_destroy(flume_batch *batch, enum batch_runs runs)
{
    if (batch == NULL)
        return;
    batch_close_cursors(batch);
    if (batch->txn != NULL)
        environment_abort(batch->env, batch->txn);
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++) {
        if (batch->sorters[i] != NULL && runs == BATCH_KEEP_RUNS)
            sorter_keep_runs(batch->sorters[i]);
        sorter_destroy(batch->sorters[i]);
    }
    flume_cursor_close(batch->cursor);
    if (batch->state_open && batch->view->definition->close != NULL)
        batch->view->definition->close(batch->state);
    free(batch);
}

int batch_begin(flume_batch *batch, struct environment *env)
{
    int code = environment_begin(env, &batch->txn, &batch->meta);

    batch->env = env;
    batch->begun++;
    batch->direct_bytes = 0;
    batch->mdb_code = 0;
    batch->system_status = FLUME_OK;
    batch->merge_status = FLUME_OK;
    batch->failed_seq = FLUME_SEQ_NONE;
    return code;
}

void batch_close_cursors(flume_batch *batch)
{
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++) {
        if (batch->cursors[i] != NULL)
            mdb_cursor_close(batch->cursors[i]);
        if (batch->writers[i] != NULL)
            mdb_cursor_close(batch->writers[i]);
        batch->cursors[i] = NULL;
        batch->writers[i] = NULL;
    }
    batch->stands = false;
}

void batch_give_up(flume_batch *batch)
{
    batch_close_cursors(batch);
    environment_abort(batch->env, batch->txn);
    batch->txn = NULL;
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        if (batch->sorters[i] != NULL)
            sorter_clear(batch->sorters[i]);
}

size_t batch_bytes(const flume_batch *batch)
{
    size_t bytes = batch->direct_bytes;

    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        if (batch->sorters[i] != NULL)
            bytes += sorter_bytes(batch->sorters[i]);
    return bytes;
}

/* ---- what apply calls ---- */

static int check_row(flume_batch *batch, size_t table, size_t key_bytes, size_t value_bytes)
{
    const flume_view_definition *definition = batch->view->definition;
    size_t value_max = FLUME_VIEW_VALUE_BYTES_MAX;

    if (table >= definition->table_count)
        return flume_fail(batch->view->flume, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "view '%s' has no table %zu", definition->name, table);
    if (definition->tables[table].merge != NULL)
        value_max = FLUME_MERGE_BYTES_MAX;
    if (key_bytes < 1 || key_bytes > FLUME_VIEW_KEY_BYTES_MAX)
        return flume_fail(batch->view->flume, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "view '%s', table '%s': a key has 1 to %d bytes, not %zu",
                          definition->name, definition->tables[table].name,
                          FLUME_VIEW_KEY_BYTES_MAX, key_bytes);
    if (value_bytes > value_max)
        return flume_fail(batch->view->flume, FLUME_ERR_TOO_LARGE, FLUME_SEQ_NONE,
                          "view '%s', table '%s': a value has at most %zu bytes, not %zu",
                          definition->name, definition->tables[table].name, value_max, value_bytes);
    return FLUME_OK;
}

static int keep_code(flume_batch *batch, int code)
{
    if (code == 0)
        return FLUME_OK;
    if (batch->mdb_code == 0)
        batch->mdb_code = code;
    return view_fail_mdb(batch->view, code, "write a row");
}

/* What a sorter could not keep is no fault of the record. */
static int keep_sorter_status(flume_batch *batch, size_t table, int status)
{
    const flume_view_definition *definition = batch->view->definition;

    if (status != FLUME_ERR_FULL && status != FLUME_ERR_IO && status != FLUME_ERR_ACCESS)
        return status;
    if (batch->system_status == FLUME_OK)
        batch->system_status = status;
    return flume_fail(batch->view->flume, status, FLUME_SEQ_NONE,
                      "view '%s', table '%s': sorted rows cannot be written: %s", definition->name,
                      definition->tables[table].name, flume_strerror(status));
}

/* Rows that come in order are put where the one before them was, without being looked for from the
 * root. */
static int put_direct(flume_batch *batch, size_t table, MDB_val *key, MDB_val *value)
{
    int code = 0;

    if (batch->writers[table] == NULL)
        code = mdb_cursor_open(batch->txn, batch->env->tables[table], &batch->writers[table]);
    return code == 0 ? mdb_cursor_put(batch->writers[table], key, value, 0) : code;
}

static int put_row(flume_batch *batch, size_t table, const void *key, size_t key_bytes,
                   const void *value, size_t value_bytes)
{
    MDB_val mdb_key = {key_bytes, (void *)(uintptr_t)key};
    MDB_val mdb_value = {value_bytes, (void *)(uintptr_t)value};

    if (batch->sorters[table] != NULL)
        return keep_sorter_status(
            batch, table, sorter_put(batch->sorters[table], key, key_bytes, value, value_bytes));
    batch->direct_bytes += key_bytes + value_bytes + ROW_BYTES;
    return keep_code(batch, put_direct(batch, table, &mdb_key, &mdb_value));
}

int flume_batch_put(flume_batch *batch, size_t table, const void *key, size_t key_bytes,
                    const void *value, size_t value_bytes)
{
    int status = check_row(batch, table, key_bytes, value_bytes);

    if (status != FLUME_OK)
        return status;
    status = put_row(batch, table, key, key_bytes, value, value_bytes);
    return batch->sealing.is_going_on ? batch_note_sealed(batch, table, status) : status;
}

static int delete_row(flume_batch *batch, size_t table, const void *key, size_t key_bytes)
{
    MDB_val mdb_key = {key_bytes, (void *)(uintptr_t)key};
    int code;

    if (batch->sorters[table] != NULL)
        return keep_sorter_status(batch, table,
                                  sorter_delete(batch->sorters[table], key, key_bytes));
    code = mdb_del(batch->txn, batch->env->tables[table], &mdb_key, NULL);
    return keep_code(batch, code == MDB_NOTFOUND ? 0 : code);
}

int flume_batch_delete(flume_batch *batch, size_t table, const void *key, size_t key_bytes)
{
    int status = check_row(batch, table, key_bytes, 0);

    if (status != FLUME_OK)
        return status;
    if (batch->view->definition->tables[table].merge != NULL)
        return flume_fail(batch->view->flume, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "view '%s': rows of a table with a merge are not deleted",
                          batch->view->definition->name);
    status = delete_row(batch, table, key, key_bytes);
    return batch->sealing.is_going_on ? batch_note_sealed(batch, table, status) : status;
}

static int check_read(flume_batch *batch, size_t table, size_t key_bytes)
{
    int status = check_row(batch, table, key_bytes, 0);

    if (status != FLUME_OK || batch->sorters[table] == NULL)
        return status;
    return flume_fail(batch->view->flume, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                      "view '%s': apply does not read a table that is collected",
                      batch->view->definition->name);
}

int flume_batch_get(flume_batch *batch, size_t table, const void *key, size_t key_bytes,
                    flume_bytes *out_value)
{
    int status = check_read(batch, table, key_bytes);
    MDB_val mdb_key = {key_bytes, (void *)(uintptr_t)key}, value;
    int code;

    if (status != FLUME_OK)
        return status;
    code = mdb_get(batch->txn, batch->env->tables[table], &mdb_key, &value);
    if (code == MDB_NOTFOUND)
        return FLUME_ERR_NOT_FOUND;
    if (code != 0)
        return keep_code(batch, code);
    *out_value = (flume_bytes){value.mv_data, value.mv_size};
    return FLUME_OK;
}

int flume_batch_seek(flume_batch *batch, size_t table, const void *key, size_t key_bytes)
{
    MDB_val mdb_key = {key_bytes, (void *)(uintptr_t)key}, value;
    int status = check_read(batch, table, key_bytes == 0 ? 1 : key_bytes);
    int code = 0;

    if (status != FLUME_OK)
        return status;
    if (batch->cursors[table] == NULL)
        code = mdb_cursor_open(batch->txn, batch->env->tables[table], &batch->cursors[table]);
    if (code == 0)
        code = mdb_cursor_get(batch->cursors[table], &mdb_key, &value,
                              key_bytes == 0 ? MDB_FIRST : MDB_SET_RANGE);
    batch->sought = table;
    batch->sought_code = code;
    batch->stands = code == 0;
    return code == MDB_NOTFOUND ? FLUME_OK : keep_code(batch, code);
}

int flume_batch_next(flume_batch *batch, flume_bytes *out_key, flume_bytes *out_value)
{
    MDB_cursor *cursor = batch->cursors[batch->sought];
    MDB_val key, value;
    int code;

    if (cursor == NULL || batch->sought_code != 0)
        return FLUME_END;
    code = mdb_cursor_get(cursor, &key, &value, batch->stands ? MDB_GET_CURRENT : MDB_NEXT);
    batch->stands = false;
    batch->sought_code = code;
    if (code == MDB_NOTFOUND)
        return FLUME_END;
    if (code != 0)
        return keep_code(batch, code);
    *out_key = (flume_bytes){key.mv_data, key.mv_size};
    *out_value = (flume_bytes){value.mv_data, value.mv_size};
    return FLUME_OK;
}

flume_log *flume_batch_log(flume_batch *batch)
{
    return batch->view->flume->log;
}

uint64_t flume_batch_begun(const flume_batch *batch)
{
    return batch->begun;
}

/* ---- filling ---- */

static int stand_at(flume_batch *batch, uint64_t seq)
{
    static const uint8_t all[] = {FLUME_KIND_ANY};
    flume_cursor_options options = {
        .flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_SKIP_DAMAGED,
        .bounds = FLUME_GTE,
        .gte = seq,
        .kinds = all,
        .kind_count = 1,
    };
    int status;

    if (batch->cursor != NULL && flume_cursor_position(batch->cursor) == seq)
        return FLUME_OK;
    flume_cursor_close(batch->cursor);
    batch->cursor = NULL;
    status = flume_cursor_open(batch->view->flume->log, &options, &batch->cursor);
    return status == FLUME_OK ? status : flume_fail_log(batch->view->flume, status);
}

static int apply_one(flume_batch *batch, const flume_record *record)
{
    flume_view *view = batch->view;
    int status;

    if (!view_takes(view, record->kind))
        return FLUME_OK;
    status = view->definition->apply(batch->state, batch, record);
    if (batch->system_status != FLUME_OK)
        return batch->system_status;
    if (status == FLUME_OK)
        return FLUME_OK;
    if (status > 0)
        status = FLUME_ERR_INVALID;
    if (batch->mdb_code == 0 && status != FLUME_ERR_NO_MEMORY)
        batch->failed_seq = record->seq;
    return status;
}

/* Whether this batch has what somebody, here or in another process, waits for. (Who waits for more
 * than that gains nothing by a short batch.) */
static bool is_awaited(const flume_batch *batch)
{
    flume_board *board = batch->view->board;
    uint64_t wanted = board != NULL ? flume_board_read(board, BOARD_WANTED) : 0;

    return wanted > atomic_load_explicit(&batch->env->synced, memory_order_relaxed) &&
           wanted <= batch->meta.synced_seq;
}

/* A batch that is being filled. */
struct filling {
    const struct batch_limits *limits;
    uint64_t started_ns;
    uint64_t count;    /* Records met. */
    uint64_t check_at; /* The count at which size and time are looked at next. */
};

static bool is_enough(const flume_batch *batch, struct filling *filling)
{
    const struct batch_limits *limits = filling->limits;

    if (filling->count >= limits->records_max)
        return true;
    if (filling->count < filling->check_at)
        return false;
    /* Early on often: where apply is slow, a few records take long. */
    filling->check_at = filling->count + (filling->count < CLOCK_EVERY_RECORDS
                                              ? filling->count
                                              : CLOCK_EVERY_RECORDS);
    return batch_bytes(batch) >= limits->bytes_max ||
           now_ns() - filling->started_ns >= limits->ns_max || is_awaited(batch);
}

/* Apply one record after the other; the cursor's position is what was met. */
static int fill(flume_batch *batch, struct filling *filling, uint64_t *out_beyond)
{
    const struct batch_limits *limits = filling->limits;

    while (flume_cursor_position(batch->cursor) < limits->until_seq) {
        flume_record record;
        int status = flume_cursor_next(batch->cursor, 0, &record);

        if (status == FLUME_ERR_TIMEOUT || status == FLUME_END)
            return FLUME_OK; /* Only damaged records stood at the end. */
        if (status != FLUME_OK)
            return flume_fail_log(batch->view->flume, status);
        if (record.seq >= limits->until_seq) {
            *out_beyond = record.seq - limits->until_seq;
            return FLUME_OK;
        }
        status = apply_one(batch, &record);
        if (status != FLUME_OK)
            return status;
        filling->count++;
        batch->meta.synced_seq = record.seq + 1;
        batch->meta.check = record.check;
        if ((limits->splits_batches || (record.flags & FLUME_RECORD_BATCH) == 0) &&
            is_enough(batch, filling))
            return FLUME_OK;
    }
    return FLUME_OK;
}

/* Apply records one by one. */
static int fill_by_records(flume_batch *batch, const struct batch_limits *limits,
                           uint64_t *out_count)
{
    struct filling filling = {.limits = limits, .started_ns = now_ns(), .check_at = 1};
    uint64_t skipped, position, beyond = FLUME_SEQ_NONE;
    int status = stand_at(batch, batch->meta.synced_seq);

    if (status != FLUME_OK)
        return status;
    skipped = flume_cursor_skipped(batch->cursor);
    status = fill(batch, &filling, &beyond);
    if (status == FLUME_OK && filling.count > 0 && batch->view->definition->end != NULL)
        status = batch->view->definition->end(batch->state, batch);
    if (status != FLUME_OK)
        return status;
    skipped = flume_cursor_skipped(batch->cursor) - skipped;
    position = flume_cursor_position(batch->cursor);
    if (beyond != FLUME_SEQ_NONE) {
        /* Damaged records were passed over up to one that is not of this batch any more. */
        skipped -= beyond;
        position = limits->until_seq;
        flume_cursor_close(batch->cursor);
        batch->cursor = NULL; /* It stands too far. */
    }
    if (position > batch->meta.synced_seq) {
        batch->meta.synced_seq = position;
        batch->meta.check = 0; /* What stands before it cannot be read. */
    }
    batch->meta.passed_over += skipped;
    *out_count = filling.count + skipped;
    return FLUME_OK;
}

int batch_fill(flume_batch *batch, const struct batch_limits *limits, uint64_t *out_count)
{
    struct batch_limits until_border = *limits;
    int status;

    *out_count = 0;
    if (batch_pass_over_others(batch, limits, out_count))
        return FLUME_OK;
    status = batch_take_sealed(batch, &until_border, out_count);
    return status == FLUME_END ? fill_by_records(batch, &until_border, out_count) : status;
}

uint64_t batch_whole_before(flume_log *log, uint64_t seq)
{
    while (seq > 0) {
        flume_record before;
        bool belongs;

        if (flume_log_get(log, seq - 1, &before) != FLUME_OK)
            break; /* A member that cannot be read: the batch is not whole anyway. */
        belongs = (before.flags & FLUME_RECORD_BATCH) != 0;
        flume_record_release(&before);
        if (!belongs)
            break;
        seq--;
    }
    return seq;
}

/* ---- writing ---- */

int batch_fail_merge(flume_view *view, size_t table, int status)
{
    return flume_fail(
        view->flume, FLUME_ERR_VIEW, FLUME_SEQ_NONE,
        "view '%s', table '%s': merge answered \"%s\"; mend it and raise the version, "
        "or rebuild the view",
        view->definition->name, view->definition->tables[table].name, flume_status_name(status));
}

bool batch_is_merge_refusal(const struct sorter *sorter, int status)
{
    return status < 0 && status != FLUME_ERR_NO_MEMORY && status != FLUME_ERR_DAMAGED &&
           sorter_system_errno(sorter) == 0;
}

static int keep_merge_status(flume_batch *batch, size_t table, int status)
{
    batch->merge_table = table;
    batch->merge_status = status;
    return EINVAL;
}

/* Fold a collected row into the stored one. */
static int merge_stored(flume_batch *batch, size_t table, MDB_cursor *cursor, MDB_val key,
                        MDB_val *io_value, uint8_t room[FLUME_MERGE_BYTES_MAX])
{
    const flume_view_table *declared = &batch->view->definition->tables[table];
    MDB_val stored_key = key, stored;
    size_t bytes = 0;
    int code = mdb_cursor_get(cursor, &stored_key, &stored, MDB_SET);
    int status;

    if (code == MDB_NOTFOUND)
        return 0;
    if (code != 0)
        return code;
    status = declared->merge(declared->merge_ctx, (flume_bytes){key.mv_data, key.mv_size},
                             (flume_bytes){stored.mv_data, stored.mv_size},
                             (flume_bytes){io_value->mv_data, io_value->mv_size}, room, &bytes);
    if (status == FLUME_OK && bytes > FLUME_MERGE_BYTES_MAX)
        status = FLUME_ERR_TOO_LARGE;
    if (status != FLUME_OK)
        return keep_merge_status(batch, table, status);
    *io_value = (MDB_val){bytes, room};
    return 0;
}

static int write_row(flume_batch *batch, size_t table, MDB_cursor *cursor, MDB_val key,
                     MDB_val value, bool is_deleted)
{
    uint8_t room[FLUME_MERGE_BYTES_MAX];
    int code;

    if (is_deleted) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_SET);
        return code == MDB_NOTFOUND ? 0 : code != 0 ? code : mdb_cursor_del(cursor, 0);
    }
    if (batch->view->definition->tables[table].merge != NULL) {
        code = merge_stored(batch, table, cursor, key, &value, room);
        if (code != 0)
            return code;
    }
    return mdb_cursor_put(cursor, &key, &value, 0);
}

/* What a sorter answered, as the code that a commit gives. */
static int sorter_code(flume_batch *batch, size_t table, int status)
{
    if (batch_is_merge_refusal(batch->sorters[table], status))
        return keep_merge_status(batch, table, status);
    return status == FLUME_ERR_NO_MEMORY ? ENOMEM : status == FLUME_ERR_FULL ? ENOSPC : EIO;
}

/* A cursor keeps its place between rows that are neighbours; separate puts would search anew. */
static int write_table(flume_batch *batch, size_t table)
{
    struct sorter *sorter = batch->sorters[table];
    MDB_cursor *cursor;
    int code, status;

    if (sorter_count(sorter) == 0)
        return 0;
    status = sorter_sort(sorter);
    if (status != FLUME_OK)
        return sorter_code(batch, table, status);
    code = mdb_cursor_open(batch->txn, batch->env->tables[table], &cursor);
    if (code != 0)
        return code;
    for (;;) {
        flume_bytes key, value;
        bool is_deleted;

        status = sorter_next(sorter, &key, &value, &is_deleted);
        if (status == FLUME_END)
            break;
        code = status != FLUME_OK
                   ? sorter_code(batch, table, status)
                   : write_row(batch, table, cursor,
                               (MDB_val){key.bytes, (void *)(uintptr_t)key.data},
                               (MDB_val){value.bytes, (void *)(uintptr_t)value.data}, is_deleted);
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    sorter_clear(sorter);
    return code;
}

int batch_commit(flume_batch *batch)
{
    int code = batch->mdb_code;

    for (size_t i = 0; code == 0 && i < FLUME_VIEW_TABLES_MAX; i++)
        if (batch->sorters[i] != NULL)
            code = write_table(batch, i);
    if (code != 0) {
        batch_give_up(batch);
        return code;
    }
    batch_close_cursors(batch);
    code = environment_commit(batch->env, batch->txn, &batch->meta);
    batch->txn = NULL;
    return code;
}

/* ---- a merge for all ---- */

int flume_merge_sum(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer, void *target,
                    size_t *out_bytes)
{
    const uint8_t *a = older.data, *b = newer.data;

    (void)ctx;
    (void)key;
    if (older.bytes != newer.bytes || older.bytes % sizeof(uint64_t) != 0)
        return FLUME_ERR_INVALID;
    for (size_t at = 0; at < older.bytes; at += sizeof(uint64_t)) {
        uint64_t x, y;

        memcpy(&x, a + at, sizeof x);
        memcpy(&y, b + at, sizeof y);
        x += y;
        memcpy((uint8_t *)target + at, &x, sizeof x);
    }
    *out_bytes = older.bytes;
    return FLUME_OK;
}
