/*
 * peer_sqlite.c - SQLite: a table of scopes as JSON with the BLAKE3 of the text, unique.
 */
#include "scopes_bench.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

struct peer {
    sqlite3 *db;
    sqlite3_stmt *insert;
};

static int fail(struct peer *peer, const char *what)
{
    errno = 0;
    return bench_fail("sqlite: %s: %s", what, sqlite3_errmsg(peer->db));
}

int peer_close(struct peer *peer)
{
    int status = 0;

    if (peer == NULL)
        return 0;
    (void)sqlite3_finalize(peer->insert);
    if (peer->db != NULL && sqlite3_get_autocommit(peer->db) == 0 &&
        sqlite3_exec(peer->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        status = fail(peer, "COMMIT");
    (void)sqlite3_close(peer->db);
    free(peer);
    return status;
}

int peer_open(const char *dir_path, struct peer **out_peer)
{
    static const char setting[] =
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-2000000;"
        "PRAGMA locking_mode=EXCLUSIVE;"
        "CREATE TABLE scope (seq INTEGER PRIMARY KEY, hash BLOB UNIQUE, body TEXT); BEGIN";
    static const char insert[] = "INSERT OR IGNORE INTO scope (hash, body) VALUES (?1, ?2)";
    struct peer *peer = calloc(1, sizeof *peer);
    char path[4096];
    int status = peer != NULL ? 0 : bench_fail("no memory");

    if (status == 0)
        (void)snprintf(path, sizeof path, "%s/scopes.sqlite", dir_path);
    if (status == 0 && (sqlite3_open(path, &peer->db) != SQLITE_OK ||
                        sqlite3_exec(peer->db, setting, NULL, NULL, NULL) != SQLITE_OK ||
                        sqlite3_prepare_v3(peer->db, insert, -1, SQLITE_PREPARE_PERSISTENT,
                                           &peer->insert, NULL) != SQLITE_OK))
        status = fail(peer, "open");
    if (status != 0) {
        (void)peer_close(peer);
        return status;
    }
    *out_peer = peer;
    return 0;
}

int peer_commit(struct peer *peer, const char *text, size_t bytes)
{
    uint8_t hash[FLUME_HASH_BYTES];

    flume_hash(text, bytes, hash);
    if (sqlite3_bind_blob(peer->insert, 1, hash, sizeof hash, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_text(peer->insert, 2, text, (int)bytes, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_step(peer->insert) != SQLITE_DONE)
        return fail(peer, "INSERT");
    (void)sqlite3_reset(peer->insert);
    return sqlite3_changes(peer->db) > 0 ? 1 : 0;
}
