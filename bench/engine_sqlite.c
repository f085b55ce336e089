/*
 * engine_sqlite.c - SQLite in WAL mode, prepared statements, the rowid as the record's number.
 *
 * synchronous is OFF, or FULL where each append must be durable. A record is visible to other
 * processes when its transaction is committed; one a transaction is what compares with an append.
 * The page cache and the mapped size are large enough for everything. All gets share one snapshot.
 */
#include "engine.h"
#include "measure.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct engine_type engine_sqlite_type;

enum sqlite_statement { BEGIN, COMMIT, INSERT, GET, SCAN, STATEMENT_COUNT };

struct sqlite_engine {
    struct engine base;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    sqlite3_int64 next_id;
    uint64_t filled; /* Records in the open transaction. */
    uint64_t transaction_records;
    int reading; /* The snapshot of gets is open; closing the database ends it. */
};

static const char *const statement_texts[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN",
    [COMMIT] = "COMMIT",
    [INSERT] = "INSERT INTO record (id, body) VALUES (?1, ?2)",
    [GET] = "SELECT body FROM record WHERE id = ?1",
    [SCAN] = "SELECT body FROM record ORDER BY id",
};

static int fail(struct sqlite_engine *lite, const char *what)
{
    errno = 0;
    return bench_fail("sqlite: %s: %s", what, sqlite3_errmsg(lite->db));
}

/* Run a statement that gives no rows. */
static int run(struct sqlite_engine *lite, enum sqlite_statement which)
{
    sqlite3_stmt *statement = lite->statements[which];
    int code = sqlite3_step(statement);

    (void)sqlite3_reset(statement); /* Repeats the code of step. */
    return code == SQLITE_DONE ? 0 : fail(lite, statement_texts[which]);
}

static int commit(struct sqlite_engine *lite)
{
    if (lite->filled == 0)
        return 0;
    lite->filled = 0;
    return run(lite, COMMIT);
}

static void sqlite_close(struct engine *engine)
{
    struct sqlite_engine *lite = (struct sqlite_engine *)engine;

    if (lite == NULL)
        return;
    (void)commit(lite); /* It has said what failed, and the figure is taken already. */
    for (int i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(lite->statements[i]);
    (void)sqlite3_close(lite->db);
    free(lite);
}

static int prepare(struct sqlite_engine *lite, const struct engine_setting *setting)
{
    char settings[512];

    (void)snprintf(settings, sizeof(settings),
                   "PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; PRAGMA cache_size=-2000000;"
                   "PRAGMA mmap_size=2000000000;"
                   "CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY, body BLOB)",
                   setting->durability == ENGINE_DURABLE_EACH ? "FULL" : "OFF");
    if (sqlite3_exec(lite->db, settings, NULL, NULL, NULL) != SQLITE_OK)
        return fail(lite, "settings");
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(lite->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &lite->statements[i], NULL) != SQLITE_OK)
            return fail(lite, statement_texts[i]);
    }
    return 0;
}

static int sqlite_open(const struct engine_setting *setting, struct engine **out_engine)
{
    struct sqlite_engine *lite = calloc(1, sizeof(*lite));
    char *path = engine_path(setting->dir_path, "records.sqlite");
    int status = -1;

    if (lite == NULL || path == NULL)
        goto done;
    lite->base.type = &engine_sqlite_type;
    lite->transaction_records = setting->transaction_records;
    status = sqlite3_open(path, &lite->db) == SQLITE_OK ? 0 : fail(lite, "sqlite3_open");
    if (status == 0)
        status = prepare(lite, setting);
done:
    free(path);
    if (status == 0)
        *out_engine = &lite->base;
    else
        sqlite_close(lite == NULL ? NULL : &lite->base);
    return status;
}

static int sqlite_append(struct engine *engine, const void *body, size_t body_bytes)
{
    struct sqlite_engine *lite = (struct sqlite_engine *)engine;
    int grouped = lite->transaction_records > 1;

    if (grouped && lite->filled == 0 && run(lite, BEGIN) != 0)
        return -1;
    if (sqlite3_bind_int64(lite->statements[INSERT], 1, lite->next_id) != SQLITE_OK ||
        sqlite3_bind_blob(lite->statements[INSERT], 2, body, (int)body_bytes, SQLITE_STATIC) !=
            SQLITE_OK)
        return fail(lite, "bind");
    lite->next_id++;
    if (run(lite, INSERT) != 0)
        return -1;
    if (grouped && ++lite->filled == lite->transaction_records)
        return commit(lite);
    return 0;
}

static int sqlite_finish(struct engine *engine)
{
    return commit((struct sqlite_engine *)engine);
}

static void add_body(sqlite3_stmt *statement, uint64_t *io_sum)
{
    const void *body = sqlite3_column_blob(statement, 0);

    if (body != NULL)
        *io_sum += body_sum(body, (size_t)sqlite3_column_bytes(statement, 0));
}

static int sqlite_get(struct engine *engine, uint64_t place, uint64_t *io_sum)
{
    struct sqlite_engine *lite = (struct sqlite_engine *)engine;
    sqlite3_stmt *statement = lite->statements[GET];
    int found;

    if (!lite->reading && run(lite, BEGIN) != 0)
        return -1;
    lite->reading = 1;
    (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)place); /* Fails only out of range. */
    found = sqlite3_step(statement) == SQLITE_ROW;
    if (found)
        add_body(statement, io_sum);
    (void)sqlite3_reset(statement);
    return found ? 0 : fail(lite, statement_texts[GET]);
}

static int sqlite_scan(struct engine *engine, uint64_t *io_count, uint64_t *io_sum)
{
    struct sqlite_engine *lite = (struct sqlite_engine *)engine;
    sqlite3_stmt *statement = lite->statements[SCAN];
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        add_body(statement, io_sum);
        *io_count += 1;
    }
    (void)sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : fail(lite, statement_texts[SCAN]);
}

static const char *sqlite_version(void)
{
    static char text[32];

    (void)snprintf(text, sizeof(text), "SQLite %s", sqlite3_libversion());
    return text;
}

const struct engine_type engine_sqlite_type = {
    .name = "sqlite",
    .package = "libsqlite3-dev",
    .version = sqlite_version,
    .open = sqlite_open,
    .append = sqlite_append,
    .finish = sqlite_finish,
    .get = sqlite_get,
    .scan = sqlite_scan,
    .close = sqlite_close,
};
