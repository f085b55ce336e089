/*
 * environment_inside.h - what the files of the environment share.
 *
 *   environment.c              opened once per process: the table, opening, closing
 *   environment_transaction.c  transactions, snapshots, and the map that they hold
 *   environment_meta.c         the row "state"
 */
#ifndef VIEWS_ENVIRONMENT_INSIDE_H
#define VIEWS_ENVIRONMENT_INSIDE_H

#include "environment.h"

enum { ENVIRONMENT_WAIT_SECONDS = 5 }; /* For others of this process to let go. */

/* Take back the slots of readers that died: what they looked at could never be used again. */
int environment_forget_dead_readers(struct environment *env);

/* Free a snapshot and its cursors; its transaction may be none. */
void rows_destroy(flume_rows *rows);

/* --- environment_meta.c ----------------------------------------------------------------------- */

/* What the row says in a transaction; all zero where there is none yet. MDB_VERSION_MISMATCH: its
 * bytes are not of this format. */
int meta_get(const struct environment *env, MDB_txn *txn, struct view_meta *out);

/* Store it. The transaction stays open. */
int meta_put(const struct environment *env, MDB_txn *txn, const struct view_meta *meta);

#endif
