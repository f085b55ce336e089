/*
 * run_prove.c - `flume prove`: head roots, and proofs that lead to them.
 *
 * What always holds: a proof is checked without opening any basin, so that it means the same to who
 * has none.
 */
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "object.h"
#include "output_file.h"
#include "prove_check.h"
#include "resolve.h"
#include "run.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* What is proved: one of the two, and how it becomes text. */
struct proving {
    struct session *session;
    flume_log *log;
    flume_proof proof;
    flume_consistency consistency;
    bool is_of_roots;
};

/* ---- rows ---- */

void prove_put_hash(struct grid *grid, const uint8_t hash[FLUME_ROOT_BYTES])
{
    char text[FLUME_HASH_TEXT_BYTES + 1];

    flume_hash_text(hash, text);
    grid_string(grid, text);
}

static const struct grid_column root_columns[] = {
    {"root", 0, false}, {"end", 0, true}, {"basin", 0, false}};

static int show_root(struct session *session, flume_log *log)
{
    flume_log_stat_info stat;
    struct text basin = {0};
    struct grid grid;
    flume_root root;
    int status = flume_log_root(log, &root);

    if (status == FLUME_OK)
        status = flume_log_stat(log, &stat);
    if (status != FLUME_OK)
        return report_log_error(session, log, status);
    for (size_t i = 0; i < sizeof(stat.basin_id); i++)
        text_format(&basin, "%02x", stat.basin_id[i]);
    grid_init(&grid, session, "root", root_columns, COLUMN_COUNT(root_columns));
    grid_make_card(&grid);
    prove_put_hash(&grid, root.hash);
    grid_seq(&grid, root.end_seq);
    grid_bytes(&grid, basin.data, basin.bytes);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    text_deinit(&basin);
    return CODE_OK;
}

static const struct grid_column proof_columns[] = {
    {"hash", 0, false},        {"seq", 0, true},    {"root", 0, false},   {"end", 0, true},
    {"strata_root", 0, false}, {"strata", 0, true}, {"records", 0, true}, {"index", 0, true},
    {"body", 0, false},        {"path", 0, false}};

static void put_path(struct grid *grid, const flume_proof *proof)
{
    struct text json = {0}, lines = {0};

    text_char(&json, '[');
    for (size_t i = 0; i < proof->path_count; i++) {
        char text[FLUME_HASH_TEXT_BYTES + 1];

        flume_hash_text(proof->path[i], text);
        text_string(&json, i == 0 ? "" : ",");
        object_put_string(&json, text, FLUME_HASH_TEXT_BYTES);
        text_format(&lines, "%s\n", text);
    }
    text_char(&json, ']');
    grid_list(grid, &json, &lines);
    text_deinit(&json);
    text_deinit(&lines);
}

static void show_proof(struct session *session, const flume_proof *proof)
{
    const flume_root_link *strata = &proof->chain.links[0];
    struct grid grid;

    grid_init(&grid, session, "proof", proof_columns, COLUMN_COUNT(proof_columns));
    grid_make_card(&grid);
    prove_put_hash(&grid, proof->leaf);
    grid_seq(&grid, proof->seq);
    prove_put_hash(&grid, proof->chain.head.hash);
    grid_seq(&grid, proof->chain.head.end_seq);
    prove_put_hash(&grid, strata->root);
    grid_seq(&grid, strata->first_seq);
    grid_count(&grid, strata->count);
    grid_count(&grid, proof->seq - strata->first_seq);
    prove_put_hash(&grid, proof->body_hash);
    put_path(&grid, proof);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

static const struct grid_column consistency_columns[] = {{"root", 0, false},
                                                         {"end", 0, true},
                                                         {"old_root", 0, false},
                                                         {"old_end", 0, true},
                                                         {"strata", 0, true}};

static void show_consistency(struct session *session, const flume_consistency *consistency)
{
    struct grid grid;

    grid_init(&grid, session, "consistency", consistency_columns,
              COLUMN_COUNT(consistency_columns));
    grid_make_card(&grid);
    prove_put_hash(&grid, consistency->head.hash);
    grid_seq(&grid, consistency->head.end_seq);
    prove_put_hash(&grid, consistency->from.hash);
    grid_seq(&grid, consistency->from.end_seq);
    grid_count(&grid, consistency->link_count - 1);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

/* ---- the text ---- */

static size_t write_text(const struct proving *proving, char *target, size_t bytes)
{
    return proving->is_of_roots ? flume_consistency_text(&proving->consistency, target, bytes)
                                : flume_proof_text(&proving->proof, target, bytes);
}

static int put_file(struct session *session, const char *path, const char *text, size_t bytes)
{
    struct output_file file;
    int status = output_file_begin(&file, path);

    if (status == 0) {
        (void)fwrite(text, 1, bytes, file.stream); /* A failure shows when it is committed. */
        status = output_file_commit(&file);
    }
    return status == 0 ? CODE_OK : report(session, ERROR_FILE_UNWRITABLE, path, strerror(-status));
}

static int put_text(const struct proving *proving, const char *path)
{
    size_t bytes = write_text(proving, NULL, 0);
    char *text = malloc(bytes);
    int code = CODE_OK;

    if (text == NULL)
        return report_status(proving->session, FLUME_ERR_NO_MEMORY, NULL);
    (void)write_text(proving, text, bytes);
    if (strcmp(path, "-") != 0)
        code = put_file(proving->session, path, text, bytes);
    else
        (void)fwrite(text, 1, bytes, stdout); /* A failure shows when it is flushed. */
    free(text);
    return code;
}

/* ---- proving ---- */

static int prove_record(struct proving *proving)
{
    const struct operand *operand = &proving->session->invocation->operands[0];
    uint64_t seq;
    int code = resolve(proving->session, proving->log, &operand->reference,
                       (struct reference_place){.token = operand->token}, &seq);
    int status;

    if (code != CODE_OK)
        return code;
    status = flume_log_prove(proving->log, seq, &proving->proof);
    return status == FLUME_OK ? CODE_OK : report_log_error(proving->session, proving->log, status);
}

/* An older root, or where it ends. */
static int prove_roots(struct proving *proving, const struct option_use *from)
{
    const char *text = from->text + (from->text[0] == '@' ? 1 : 0);
    flume_root old = {.end_seq = 0};
    int status = FLUME_OK;

    if (prove_parse_root(from->text, old.hash))
        status = flume_log_root_find(proving->log, old.hash, &old);
    else if (!value_parse_uint(text, UINT64_MAX, &old.end_seq))
        return report_at(proving->session, (struct reference_place){from->token, from->text_at, 0},
                         ERROR_NOT_A_ROOT_NOR_END);
    if (status == FLUME_OK)
        status = flume_consistency_prove(proving->log, old.end_seq, &proving->consistency);
    return status == FLUME_OK ? CODE_OK : report_log_error(proving->session, proving->log, status);
}

static int prove(struct session *session, flume_log *log)
{
    const struct option_use *output = invocation_option(session->invocation, OPTION_OUTPUT);
    const struct option_use *from = invocation_option(session->invocation, OPTION_OLD_ROOT);
    struct proving proving = {.session = session, .log = log, .is_of_roots = from != NULL};
    bool is_text = output != NULL && session_output_file(session) == NULL;
    int code;

    if (is_text)
        session_writes_text(session);
    code = from != NULL ? prove_roots(&proving, from) : prove_record(&proving);
    if (code == CODE_OK && output != NULL)
        code = put_text(&proving, output->text);
    if (code == CODE_OK && !is_text && from != NULL)
        show_consistency(session, &proving.consistency);
    else if (code == CODE_OK && !is_text)
        show_proof(session, &proving.proof);
    flume_proof_release(&proving.proof);
    flume_consistency_release(&proving.consistency);
    return code;
}

/* ---- the command ---- */

/* Which options go together. */
static int check_usage(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    const struct option_use *check = invocation_option(invocation, OPTION_CHECK_PROOF);
    const struct option_use *root = invocation_option(invocation, OPTION_KNOWN_ROOT);
    const struct option_use *body = invocation_option(invocation, OPTION_KNOWN_BODY);
    const struct option_use *from = invocation_option(invocation, OPTION_OLD_ROOT);
    const struct option_use *output = invocation_option(invocation, OPTION_OUTPUT);
    bool has_record = invocation->operand_count > 0;

    if (check != NULL && (has_record || from != NULL || output != NULL || invocation->db != NULL))
        return report_at(session, (struct reference_place){.token = check->token},
                         ERROR_CHECKED_ALONE);
    if (check == NULL && (root != NULL || body != NULL))
        return report_at(
            session, (struct reference_place){.token = root != NULL ? root->token : body->token},
            ERROR_NOTHING_CHECKED);
    if (has_record && from != NULL)
        return report_at(session, (struct reference_place){.token = from->token},
                         ERROR_RECORD_AND_ROOT);
    if (output != NULL && !has_record && from == NULL)
        return report_at(session, (struct reference_place){.token = output->token},
                         ERROR_NOTHING_PROVED);
    return CODE_OK;
}

int run_prove(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    flume_log *log = NULL;
    int code = check_usage(session);

    if (code != CODE_OK)
        return code;
    if (invocation_has(invocation, OPTION_CHECK_PROOF))
        return prove_check(session);
    code = session_open_to_read(session, &log);
    if (code != CODE_OK)
        return code;
    if (invocation->operand_count == 0 && !invocation_has(invocation, OPTION_OLD_ROOT))
        code = show_root(session, log);
    else
        code = prove(session, log);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
