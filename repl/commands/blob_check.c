/*
 * blob_check.c - `flume blob has`, `verify` and `unreferenced`: whether contents are there, whether
 * they are what was put, and which chunks are nobody's (blob_forms.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob_forms.h"
#include "cancel.h"
#include "limit.h"
#include "object.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* ---- has ---- */

static const struct grid_column has_columns[] = {{"hash", 16, false},
                                                 {"known", 5, false},
                                                 {"seq", 4, false},
                                                 {"bytes", 9, true},
                                                 {"what", 0, false}};

struct having {
    struct blobbing *blobbing;
    struct session *session;
    struct grid grid;
};

/* Hash a file, or standard input, to its end. */
static int hash_file(struct having *having, const char *path, uint8_t out_hash[FLUME_HASH_BYTES],
                     uint64_t *out_bytes)
{
    struct session *session = having->session;
    bool is_input = strcmp(path, "-") == 0;
    int descriptor = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    flume_hasher *hasher = flume_hasher_create();
    uint8_t *buffer = malloc(BLOB_PIECE_BYTES);
    int code = CODE_OK, cause = descriptor < 0 ? errno : 0;
    ssize_t got = -1;

    *out_bytes = 0;
    if (hasher == NULL || buffer == NULL)
        code = report(session, ERROR_NO_MEMORY);
    while (code == CODE_OK && cause == 0 && got != 0) {
        if (session_stopped(session) != 0) {
            code = cancel_say(session, NULL, "%s was not read to its end", path);
            break;
        }
        got = read(descriptor, buffer, BLOB_PIECE_BYTES);
        if (got < 0 && errno != EINTR)
            cause = errno;
        if (got > 0) {
            flume_hasher_add(hasher, buffer, (size_t)got);
            *out_bytes += (uint64_t)got;
        }
    }
    if (cause != 0)
        code = report(session, ERROR_FILE_UNREADABLE, is_input ? "standard input" : path,
                      strerror(cause));
    else if (code == CODE_OK)
        flume_hasher_get(hasher, out_hash);
    if (descriptor > STDIN_FILENO)
        (void)close(descriptor); /* Only read. */
    flume_hasher_destroy(hasher);
    free(buffer);
    return code;
}

static void put_has(struct having *having, const char *digits, bool is_known, uint64_t seq,
                    uint64_t bytes, const char *what)
{
    struct grid *grid = &having->grid;

    if (having->session->quiet)
        return;
    grid_string(grid, digits);
    grid_truth(grid, is_known);
    grid_seq(grid, seq);
    if (bytes == UINT64_MAX)
        grid_absent(grid);
    else
        grid_size(grid, bytes);
    grid_string(grid, what);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
}

static int has_hash(struct having *having, const char *digits, const struct operand *operand)
{
    flume *handle = having->session->flume;
    flume_hash_candidate candidate;
    char whole[FLUME_HASH_TEXT_BYTES + 1];
    flume_blob_info info;
    size_t count = 0;
    int status = flume_blob_find_prefix(handle, &having->blobbing->asking.ask, digits, &candidate,
                                        1, &count);

    if (status == FLUME_ERR_NOT_FOUND) {
        put_has(having, digits, false, FLUME_SEQ_NONE, UINT64_MAX, operand->text);
        return CODE_NO;
    }
    if (status == FLUME_ERR_AMBIGUOUS) /* Which they are, that says. */
        return blob_name_find(having->blobbing, operand, &info);
    if (status == FLUME_OK)
        status = flume_blob_stat(handle, candidate.seq, &info);
    if (status != FLUME_OK)
        return blob_name_report(having->blobbing, status);
    flume_hash_text(candidate.hash, whole);
    put_has(having, whole, true, candidate.seq, info.bytes, operand->text);
    return CODE_OK;
}

static int has_file(struct having *having, const struct operand *operand)
{
    uint8_t hash[FLUME_HASH_BYTES];
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    uint64_t bytes, seq = FLUME_SEQ_NONE;
    int code = hash_file(having, operand->text, hash, &bytes);
    int status;

    if (code != CODE_OK)
        return code;
    status = flume_blob_find(having->session->flume, &having->blobbing->asking.ask, hash, &seq);
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return blob_name_report(having->blobbing, status);
    flume_hash_text(hash, digits);
    put_has(having, digits, status == FLUME_OK, seq, bytes, operand->text);
    return status == FLUME_OK ? CODE_OK : CODE_NO;
}

int blob_form_has(struct blobbing *blobbing)
{
    const struct invocation *invocation = blobbing->session->invocation;
    struct having having = {.blobbing = blobbing, .session = blobbing->session};
    size_t known = 0;
    int worst = CODE_OK;

    grid_init(&having.grid, having.session, "has", has_columns, COLUMN_COUNT(has_columns));
    asking_note_stale(&blobbing->asking);
    for (size_t i = 0; i < invocation->operand_count && worst <= CODE_INTERNAL; i++) {
        const struct operand *operand = &invocation->operands[i];
        const char *digits;
        int code = blob_name_is_hash(operand->text, &digits) ? has_hash(&having, digits, operand)
                                                             : has_file(&having, operand);

        known += code == CODE_OK ? 1 : 0;
        worst = exit_code_worse(worst, code);
    }
    return worst == CODE_NO && known != 0 ? CODE_PARTIAL : worst;
}

/* ---- verify ---- */

static const struct grid_column verify_columns[] = {
    {"hash", 16, false}, {"seq", 4, false},       {"result", 7, false},   {"bytes", 9, true},
    {"chunks", 6, true}, {"chunks_bad", 6, true}, {"first_bad", 9, true}, {"name", 0, false}};

struct verifying {
    struct blobbing *blobbing;
    struct session *session;
    struct grid grid;
    struct progress progress;
    uint64_t done; /* Blobs. */
    int worst;
    bool said_absent;
};

int blob_form_check_verify(struct session *session)
{
    bool all = invocation_has(session->invocation, OPTION_EVERY_BLOB);
    bool named = session->invocation->operand_count != 0;

    if (all != named)
        return CODE_OK;
    return report(session, ERROR_VERIFY_WHICH_BLOB);
}

static int on_bytes(void *ctx, uint64_t done, uint64_t total)
{
    struct verifying *verifying = ctx;

    progress_update(&verifying->progress, done, total);
    return session_stopped(verifying->session);
}

static void put_verified(struct verifying *verifying, const flume_blob_info *info,
                         const flume_blob_report *found, const char *result)
{
    struct grid *grid = &verifying->grid;

    if (verifying->session->quiet)
        return;
    blob_row_hash(grid, info->hash);
    grid_seq(grid, info->seq);
    grid_string(grid, result);
    grid_size(grid, found->bytes);
    grid_count(grid, found->chunks);
    grid_count(grid, found->chunks_bad);
    if (found->chunks_bad == 0)
        grid_absent(grid);
    else
        grid_count(grid, found->first_bad);
    grid_string(grid, info->name);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
}

/* NULL: it could not be looked at, which says nothing of it. */
static const char *result_of(int status)
{
    switch (status) {
    case FLUME_OK:
        return "sound";
    case FLUME_ERR_ABSENT:
        return "absent";
    case FLUME_ERR_DAMAGED:
    case FLUME_ERR_LOST:
    case FLUME_ERR_GONE:
        return "damaged";
    default:
        return NULL;
    }
}

/* CODE_OK, or what ends it; what is damaged or absent does not. */
static int verify_one(struct verifying *verifying, const flume_blob_info *info)
{
    struct session *session = verifying->session;
    flume_blob_report found = {.sound = false};
    const char *result;
    int status, code;

    progress_begin(&verifying->progress, session, "verify", PROGRESS_BYTES);
    status = flume_blob_verify(session->flume, &verifying->blobbing->asking.ask, info->seq,
                               on_bytes, verifying, &found);
    progress_end(&verifying->progress);
    if (session_stopped(session) != 0)
        return cancel_report(
            session,
            &(struct cancelled){.done = verifying->done, .units = "blobs", .did = "verified"});
    result = result_of(status);
    if (result == NULL)
        return blob_name_report(verifying->blobbing, status);
    verifying->done++;
    put_verified(verifying, info, &found, result);
    if (status == FLUME_OK)
        return CODE_OK;
    /* That nothing is there is said once. */
    code = status == FLUME_ERR_ABSENT && verifying->said_absent
               ? CODE_IO
               : blob_name_report(verifying->blobbing, status);
    verifying->said_absent = verifying->said_absent || status == FLUME_ERR_ABSENT;
    verifying->worst = exit_code_worse(verifying->worst, code);
    return CODE_OK;
}

static int on_content(void *ctx, const flume_blob_info *info)
{
    struct verifying *verifying = ctx;
    int code = verify_one(verifying, info);

    if (code == CODE_OK)
        return 0;
    verifying->worst = exit_code_worse(verifying->worst, code);
    return FLUME_END;
}

static int verify_all(struct verifying *verifying)
{
    const flume_blob_list_options options = {.flags = FLUME_BLOB_CONTENTS};
    struct session *session = verifying->session;
    int status = flume_blob_list(session->flume, &verifying->blobbing->asking.ask, &options,
                                 on_content, verifying);

    if (status != FLUME_OK && status != FLUME_END)
        return blob_name_report(verifying->blobbing, status);
    return verifying->worst;
}

int blob_form_verify(struct blobbing *blobbing)
{
    const struct invocation *invocation = blobbing->session->invocation;
    struct verifying verifying = {.blobbing = blobbing, .session = blobbing->session};

    grid_init(&verifying.grid, verifying.session, "blob_verified", verify_columns,
              COLUMN_COUNT(verify_columns));
    grid_spare(&verifying.grid, "seq first_bad chunks");
    if (invocation_has(invocation, OPTION_EVERY_BLOB))
        return verify_all(&verifying);
    for (size_t i = 0; i < invocation->operand_count && verifying.worst <= CODE_INTERNAL; i++) {
        flume_blob_info info;
        int code = blob_name_find(blobbing, &invocation->operands[i], &info);

        if (code == CODE_OK)
            code = verify_one(&verifying, &info);
        verifying.worst = exit_code_worse(verifying.worst, code);
    }
    return verifying.worst == CODE_NO && verifying.done != 0 ? CODE_PARTIAL : verifying.worst;
}

/* ---- unreferenced ---- */

static const struct grid_column orphan_columns[] = {
    {"hash", 16, false}, {"time", 18, false}, {"bytes", 9, true}, {"bytes_stored", 9, true}};

struct orphaning {
    struct blobbing *blobbing;
    struct grid grid;
    struct limit limit;
};

/* All are counted, also those that are not shown. */
static int on_orphan(void *ctx, const flume_blob_orphan *orphan)
{
    struct orphaning *orphaning = ctx;
    struct grid *grid = &orphaning->grid;

    if (asking_stopped(&orphaning->blobbing->asking))
        return FLUME_ERR_CANCELLED;
    if (!limit_take(&orphaning->limit))
        return 0;
    progress_end(&orphaning->blobbing->asking.progress);
    blob_row_hash(grid, orphan->hash);
    grid_time(grid, orphan->time_ns);
    grid_size(grid, orphan->bytes);
    grid_size(grid, orphan->stored_bytes);
    return grid_end_row(grid) ? 0 : FLUME_ERR_IO;
}

static void say_totals(struct session *session, const flume_blob_totals *totals)
{
    struct text *text = &session->line;
    struct text words = {0};

    if (session->json) {
        object_begin(text, "summary");
        object_string(text, "what", "unreferenced");
        object_uint(text, "blobs", totals->blobs);
        object_uint(text, "blobs_bad", totals->blobs_bad);
        object_uint(text, "chunks", totals->chunks);
        object_uint(text, "bytes_stored", totals->stored_bytes);
        object_uint(text, "unreferenced", totals->orphans);
        object_uint(text, "unreferenced_stored", totals->orphan_stored_bytes);
        object_uint(text, "duplicates", totals->duplicates);
        object_end(text);
        (void)session_emit(session); /* A failure shows when stdout is flushed. */
        return;
    }
    value_show_count(&words, totals->orphans);
    text_string(&words, " of ");
    value_show_count(&words, totals->chunks);
    text_string(&words, totals->chunks == 1 ? " chunk, " : " chunks, ");
    value_show_size(&words, totals->orphan_stored_bytes);
    text_string(&words, " of ");
    value_show_size(&words, totals->stored_bytes);
    text_string(&words, ", belong to no blob");
    note(session, "%s", text_c_string(&words));
    if (totals->blobs_bad != 0)
        warn(session, "%" PRIu64 " blobs cannot be read to the end: some of these may be theirs",
             totals->blobs_bad);
    text_deinit(&words);
}

int blob_form_unreferenced(struct blobbing *blobbing)
{
    struct session *session = blobbing->session;
    struct orphaning orphaning = {.blobbing = blobbing};
    flume_blob_totals totals = {.blobs = 0};
    int status;

    limit_init(&orphaning.limit, session, OPTION_ROWS_MAX);
    grid_init(&orphaning.grid, session, "chunk", orphan_columns, COLUMN_COUNT(orphan_columns));
    asking_note_stale(&blobbing->asking);
    status = flume_blob_unreferenced(session->flume, &blobbing->asking.ask, on_orphan, &orphaning,
                                     &totals);
    if (status == FLUME_ERR_IO && ferror(stdout) != 0)
        return session_flush(session);
    if (status != FLUME_OK)
        return blob_name_report(blobbing, status);
    limit_note(&orphaning.limit, session);
    say_totals(session, &totals);
    return CODE_OK;
}
