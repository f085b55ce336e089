/*
 * rows.c - reading the rows of a snapshot.
 */
#include "environment.h"
#include "inside.h"

static int check_table(flume_rows *rows, size_t table)
{
    if (table < rows->env->table_count)
        return FLUME_OK;
    return flume_fail(rows->view->flume, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                      "view '%s' has no table %zu", rows->view->definition->name, table);
}

uint64_t flume_rows_as_of(flume_rows *rows)
{
    struct view_meta meta;

    return environment_meta_of(rows, &meta) == 0 ? meta.synced_seq : 0;
}

int flume_rows_get(flume_rows *rows, size_t table, const void *key, size_t key_bytes,
                   flume_bytes *out_value)
{
    MDB_val mdb_key = {key_bytes, (void *)(uintptr_t)key}, value;
    int status = check_table(rows, table);
    int code;

    if (status != FLUME_OK)
        return status;
    if (key_bytes == 0 || key_bytes > FLUME_VIEW_KEY_BYTES_MAX)
        return FLUME_ERR_NOT_FOUND; /* No row has such a key. */
    code = mdb_get(rows->txn, rows->env->tables[table], &mdb_key, &value);
    if (code == MDB_NOTFOUND)
        return FLUME_ERR_NOT_FOUND;
    if (code != 0)
        return view_fail_mdb(rows->view, code, "read a row");
    *out_value = (flume_bytes){value.mv_data, value.mv_size};
    return FLUME_OK;
}

/* ---- standing ---- */

static int take_cursor(flume_rows *rows, size_t table)
{
    int status = check_table(rows, table);
    int code = 0;

    if (status != FLUME_OK)
        return status;
    if (rows->cursors[table] == NULL)
        code = mdb_cursor_open(rows->txn, rows->env->tables[table], &rows->cursors[table]);
    if (code != 0)
        return view_fail_mdb(rows->view, code, "open a cursor");
    rows->table = table;
    return FLUME_OK;
}

static int stand(flume_rows *rows, int code)
{
    rows->stands = code == 0;
    rows->at_end = code != 0;
    if (code != 0 && code != MDB_NOTFOUND)
        return view_fail_mdb(rows->view, code, "find a row");
    return FLUME_OK;
}

int flume_rows_seek(flume_rows *rows, size_t table, const void *key, size_t key_bytes)
{
    MDB_val mdb_key = {key_bytes, (void *)(uintptr_t)key}, value;
    int status = take_cursor(rows, table);

    if (status != FLUME_OK)
        return status;
    return stand(rows, mdb_cursor_get(rows->cursors[table], &mdb_key, &value,
                                      key_bytes == 0 ? MDB_FIRST : MDB_SET_RANGE));
}

int flume_rows_seek_last(flume_rows *rows, size_t table, const void *key, size_t key_bytes)
{
    MDB_val mdb_key = {key_bytes, (void *)(uintptr_t)key}, value;
    int status = take_cursor(rows, table);
    int code = MDB_NOTFOUND;

    if (status != FLUME_OK)
        return status;
    if (key != NULL && key_bytes != 0)
        code = mdb_cursor_get(rows->cursors[table], &mdb_key, &value, MDB_SET_RANGE);
    if (code == 0)
        code = mdb_cursor_get(rows->cursors[table], &mdb_key, &value, MDB_PREV);
    else if (code == MDB_NOTFOUND)
        code = mdb_cursor_get(rows->cursors[table], &mdb_key, &value, MDB_LAST);
    return stand(rows, code);
}

static int step(flume_rows *rows, MDB_cursor_op move, flume_bytes *out_key, flume_bytes *out_value)
{
    MDB_val key, value;
    int code;

    if (rows->at_end)
        return FLUME_END;
    code = mdb_cursor_get(rows->cursors[rows->table], &key, &value,
                          rows->stands ? MDB_GET_CURRENT : move);
    rows->stands = false;
    if (code == MDB_NOTFOUND) {
        rows->at_end = true;
        return FLUME_END;
    }
    if (code != 0)
        return view_fail_mdb(rows->view, code, "read a row");
    *out_key = (flume_bytes){key.mv_data, key.mv_size};
    if (out_value != NULL)
        *out_value = (flume_bytes){value.mv_data, value.mv_size};
    return FLUME_OK;
}

int flume_rows_next(flume_rows *rows, flume_bytes *out_key, flume_bytes *out_value)
{
    return step(rows, MDB_NEXT, out_key, out_value);
}

int flume_rows_previous(flume_rows *rows, flume_bytes *out_key, flume_bytes *out_value)
{
    return step(rows, MDB_PREV, out_key, out_value);
}

int flume_rows_count(flume_rows *rows, size_t table, uint64_t *out_count)
{
    int status = check_table(rows, table);
    MDB_stat stat;
    int code;

    if (status != FLUME_OK)
        return status;
    code = mdb_stat(rows->txn, rows->env->tables[table], &stat);
    if (code != 0)
        return view_fail_mdb(rows->view, code, "count rows");
    *out_count = stat.ms_entries;
    return FLUME_OK;
}
