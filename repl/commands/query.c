/*
 * query.c - the records that labels, fields and hashes lead to (query.h).
 *
 * What always holds: nothing is waited for while output is unflushed.
 */
#include "query.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "limit.h"

enum { DAMAGE_REPORTS_MAX = 10, SEQS_FIRST = 1024 };
/* A signal is noticed as late as this. */
#define LIVE_WAIT_NS (NS_PER_SECOND / 10)

struct printing {
    const struct query *query;
    struct session *session;
    struct rows rows;
    flume_query *records;
    struct limit limit;
    uint64_t damaged;
};

static bool has_hash(const flume_record *record, const uint8_t *hash)
{
    uint8_t found[FLUME_HASH_BYTES];

    flume_hash(record->body, record->body_bytes, found);
    return memcmp(found, hash, sizeof(found)) == 0;
}

static int show(struct printing *printing, const flume_record *record)
{
    if (printing->query->hash != NULL && !has_hash(record, printing->query->hash))
        return CODE_OK;
    if (!limit_take(&printing->limit))
        return CODE_OK; /* The loop ends by it. */
    printing->query->asking->given++;
    return rows_record(&printing->rows, record) ? CODE_OK : session_flush(printing->session);
}

/* One that cannot be read hides no other. */
static void meet_damage(struct printing *printing, int status)
{
    if (++printing->damaged <= DAMAGE_REPORTS_MAX)
        (void)report_log_error(printing->session, printing->session->log, status);
    else if (printing->damaged == DAMAGE_REPORTS_MAX + 1)
        warn(printing->session, "more records are damaged; they are passed over in silence");
}

/* What a question answered other than with a record; *out_ended: there will be no more. */
static int meet(struct printing *printing, int status, bool *out_ended)
{
    switch (status) {
    case FLUME_END:
        *out_ended = true;
        return CODE_OK;
    case FLUME_ERR_DAMAGED:
    case FLUME_ERR_LOST:
        meet_damage(printing, status);
        return CODE_OK;
    case FLUME_ERR_TIMEOUT:
        return printing->query->is_live ? CODE_OK : asking_report(printing->query->asking, status);
    default:
        return asking_report(printing->query->asking, status);
    }
}

/* Who follows ends so in the ordinary way. */
static int report_cancelled(const struct printing *printing)
{
    return cancel_report(
        printing->session,
        &(struct cancelled){.done = printing->limit.rows, .units = "records", .did = "shown"});
}

/* The records there are; and with -f, where they end, those to come. */
static int print_query(struct printing *printing)
{
    flume_record record;
    bool ended = false, waits = false;
    int code = CODE_OK, status;

    while (code == CODE_OK && !ended && limit_wants_more(&printing->limit)) {
        if (asking_stopped(printing->query->asking))
            return report_cancelled(printing);
        status = flume_query_next(printing->records, &record);
        if (status == FLUME_OK)
            code = show(printing, &record);
        else
            code = meet(printing, status, &ended);
        /* Where nothing is left at the moment, what was found is written out, then waited. */
        if (printing->query->is_live && waits != (status == FLUME_ERR_TIMEOUT)) {
            waits = !waits;
            if (code == CODE_OK && waits)
                code = session_flush(printing->session);
            if (flume_query_live(printing->records, waits ? LIVE_WAIT_NS : 0) != FLUME_OK)
                return asking_report(printing->query->asking, FLUME_ERR_NO_MEMORY);
        }
    }
    return code;
}

static int ask_query(struct printing *printing)
{
    const struct query *query = printing->query;
    struct session *session = printing->session;
    int status =
        flume_query_open(session->flume, &query->asking->ask, query->term, &printing->records);
    int code;

    if (status == FLUME_OK && query->is_live)
        status = flume_query_live(printing->records, 0);
    if (status != FLUME_OK)
        return asking_report(query->asking, status);
    progress_end(&query->asking->progress);
    code = print_query(printing);
    flume_query_close(printing->records);
    return code;
}

/* ---- a hash alone ---- */

static int print_seqs(struct printing *printing, const uint64_t *seqs, uint64_t count)
{
    flume_log *log = printing->session->log;
    int code = CODE_OK;

    for (uint64_t i = 0; i < count && code == CODE_OK && limit_wants_more(&printing->limit); i++) {
        flume_record record;
        int status = flume_log_get(log, seqs[i], &record);

        if (asking_stopped(printing->query->asking))
            return report_cancelled(printing);
        if (status != FLUME_OK) {
            meet_damage(printing, status);
            continue;
        }
        code = show(printing, &record);
        flume_record_release(&record);
    }
    return code;
}

/* All records with a hash, in memory of *io_seqs, which has room for so many. */
static int find_seqs(const struct query *query, uint64_t **io_seqs, uint64_t room,
                     uint64_t *out_count)
{
    struct session *session = query->asking->session;
    uint64_t count = 0;
    int status;

    for (;;) {
        uint64_t *seqs = realloc(*io_seqs, room * sizeof(seqs[0]));

        if (seqs == NULL)
            return FLUME_ERR_NO_MEMORY;
        *io_seqs = seqs;
        status = flume_hash_find_all(session->flume, &query->asking->ask, query->hash, seqs, room,
                                     &count);
        if (count <= room)
            break;
        room = count;
    }
    *out_count = count;
    return status;
}

static int ask_hash(struct printing *printing)
{
    const struct query *query = printing->query;
    uint64_t count = 0;
    uint64_t *seqs = NULL;
    int status = find_seqs(query, &seqs, SEQS_FIRST, &count);
    int code = CODE_OK;

    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST) {
        /* Of a record that may have the hash, too, the body cannot be read. */
        (void)report_flume_error(printing->session, status);
        printing->damaged++;
        status = FLUME_OK;
    }
    if (status == FLUME_OK)
        code = print_seqs(printing, seqs, count);
    else if (status != FLUME_ERR_NOT_FOUND)
        code = asking_report(query->asking, status);
    free(seqs);
    return code;
}

int query_print(const struct query *query)
{
    struct session *session = query->asking->session;
    struct printing printing = {.query = query, .session = session};
    int code;

    limit_init(&printing.limit, session, OPTION_LIMIT);
    rows_init(&printing.rows, session);
    asking_note_stale(query->asking);
    code = query->term == NULL ? ask_hash(&printing) : ask_query(&printing);
    limit_note(&printing.limit, session);
    if (printing.damaged != 0)
        code = exit_code_worse(code, CODE_DAMAGED);
    if (code == CODE_OK && printing.limit.rows == 0 &&
        !invocation_has(session->invocation, OPTION_NO_FAIL_EMPTY))
        code = CODE_NO; /* As grep does: no message, only the code. */
    return code;
}
