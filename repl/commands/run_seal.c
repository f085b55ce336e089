/*
 * run_seal.c - `flume seal` and `flume strata`.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "grid.h"
#include "progress.h"
#include "run.h"
#include "typed_path.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

enum { ROOT_SHORT_DIGITS = 12 };

/* ---- seal ---- */

struct sealing {
    struct session *session;
    struct progress progress;
};

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct sealing *sealing = ctx;

    progress_update(&sealing->progress, done, total);
    return session_stopped(sealing->session) != 0;
}

/* By the choices of --parity. */
static unsigned parity_of(const struct session *session)
{
    static const unsigned parities[] = {FLUME_PARITY_FILE, FLUME_PARITY_SOFT,
                                        FLUME_PARITY_FILE | FLUME_PARITY_SOFT};
    uint64_t choice = invocation_number(session->invocation, OPTION_PARITY, COLUMN_COUNT(parities));

    return choice < COLUMN_COUNT(parities) ? parities[choice] : FLUME_PARITY_NONE;
}

/* What the library would cut to fewer bits is left for it to refuse. */
static uint32_t narrow(uint64_t number)
{
    return number < INT32_MAX ? (uint32_t)number : INT32_MAX;
}

static flume_seal_options seal_options(const struct session *session)
{
    const struct invocation *invocation = session->invocation;

    return (flume_seal_options){
        .mode = FLUME_SEAL_ON_REQUEST,
        .block_bytes = narrow(invocation_number(invocation, OPTION_BLOCK, 0)),
        .level = (int)narrow(invocation_number(invocation, OPTION_LEVEL, 0)),
        .dictionary = invocation_has(invocation, OPTION_DICTIONARY),
        .parity = parity_of(session),
    };
}

static double ratio(uint64_t bytes, uint64_t of_bytes)
{
    return of_bytes == 0 ? 0 : (double)bytes / (double)of_bytes;
}

static const struct grid_column sealed_columns[] = {
    {"strata", 0, true}, {"records", 0, true},   {"raw_bytes", 0, true}, {"sealed_bytes", 0, true},
    {"ratio", 0, true},  {"sealed_to", 0, true}, {"seconds", 0, true}};

static void print_sealed(struct sealing *sealing, const flume_seal_report *sealed)
{
    struct grid grid;

    grid_init(&grid, sealing->session, "sealed", sealed_columns, COLUMN_COUNT(sealed_columns));
    grid_make_card(&grid);
    grid_count(&grid, sealed->strata);
    grid_count(&grid, sealed->records);
    grid_size(&grid, sealed->raw_bytes);
    grid_size(&grid, sealed->sealed_bytes);
    if (sealed->strata > 0)
        grid_real(&grid, ratio(sealed->sealed_bytes, sealed->raw_bytes), 3);
    else
        grid_absent(&grid);
    grid_seq(&grid, sealed->sealed_to > 0 ? sealed->sealed_to : FLUME_SEQ_NONE);
    grid_real(&grid, progress_seconds(&sealing->progress), 3);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

static int finish(struct sealing *sealing, flume_log *log, int status,
                  const flume_seal_report *sealed)
{
    struct session *session = sealing->session;

    if (status == FLUME_ERR_CANCELLED && session_stopped(session) != 0)
        return cancel_say(session, "what is sealed stays so; seal again to go on",
                          "%" PRIu64 " strata sealed", sealed->strata);
    if (status != FLUME_OK && sealed->strata == 0)
        return report_log_error(session, log, status);
    print_sealed(sealing, sealed);
    if (status != FLUME_OK)
        return report_log_error(session, log, status);
    if (sealed->strata == 0)
        note(session, invocation_has(session->invocation, OPTION_ACTIVE)
                          ? "there is nothing to seal"
                          : "no strata is full and not sealed; --active seals the one in use too");
    return CODE_OK;
}

static int seal(struct session *session, const flume_seal_options *options)
{
    struct sealing sealing = {.session = session};
    flume_log_options log_options = {.seal = options};
    flume_seal_call call = {.active = invocation_has(session->invocation, OPTION_ACTIVE),
                            .progress = on_progress,
                            .progress_ctx = &sealing};
    flume_seal_report sealed = {0};
    flume_log *log = NULL;
    int code = session_open(session, &log_options, &log), status;

    if (code != CODE_OK)
        return code;
    cancel_begin(session);
    progress_begin(&sealing.progress, session, "seal", PROGRESS_BYTES);
    status = flume_log_sync(log, FLUME_SEQ_NONE); /* Only what is durable can be sealed. */
    if (status == FLUME_OK)
        status = flume_log_seal(log, &call, &sealed);
    progress_end(&sealing.progress);
    code = finish(&sealing, log, status, &sealed);
    cancel_end(session);
    if (session_close(session) != FLUME_OK && code == CODE_OK)
        code = report(session, ERROR_NOT_CLOSED, session->db);
    return code;
}

int run_seal(struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_SEAL_PATH);
    flume_seal_options options = seal_options(session);
    char *path;
    int code;

    if (use == NULL || session->db == NULL)
        return seal(session, &options);
    path = typed_path(session->db, use->text);
    if (path == NULL)
        return report(session, ERROR_NO_MEMORY);
    options.path = path;
    code = seal(session, &options);
    free(path);
    return code;
}

/* ---- strata ---- */

static const struct grid_column strata_columns[] = {
    {"first", 0, true},       {"records", 0, true},    {"form", 6, false},
    {"grain_bytes", 0, true}, {"file_bytes", 0, true}, {"ratio", 0, true},
    {"blocks", 0, true},      {"sealed", 0, false},    {"root", 0, false}};
static const struct grid_column part_columns[] = {
    {"first", 0, true},       {"records", 0, true},       {"form", 6, false},
    {"grain_bytes", 0, true}, {"file_bytes", 0, true},    {"ratio", 0, true},
    {"blocks", 0, true},      {"sealed", 0, false},       {"root", 0, false},
    {"chain", 0, false},      {"block_size", 0, true},    {"block_bytes", 0, true},
    {"block_index", 0, true}, {"grain_index", 0, true},   {"labels", 0, true},
    {"merkle", 0, true},      {"dictionary", 0, true},    {"parity", 0, true},
    {"least_time", 0, false}, {"greatest_time", 0, false}};

/* A table for people has the beginning, which tells one from another. */
static void put_hash(struct grid *grid, const uint8_t hash[FLUME_ROOT_BYTES])
{
    struct text text = {0};
    size_t digits = grid->session->mode == MODE_TABLE ? ROOT_SHORT_DIGITS : 2 * FLUME_ROOT_BYTES;

    for (size_t i = 0; 2 * i < digits; i++)
        text_format(&text, "%02x", hash[i]);
    grid_string(grid, text_c_string(&text));
    text_deinit(&text);
}

static void put_absent(struct grid *grid, size_t count)
{
    for (size_t i = 0; i < count; i++)
        grid_absent(grid);
}

static void put_parts(struct grid *grid, const flume_strata_info *info)
{
    put_hash(grid, info->chain);
    grid_size(grid, info->block_target_bytes);
    grid_size(grid, info->block_bytes);
    grid_size(grid, info->block_index_bytes);
    grid_size(grid, info->grain_index_bytes);
    grid_size(grid, info->label_bytes);
    grid_size(grid, info->merkle_bytes);
    grid_size(grid, info->dictionary_bytes);
    grid_size(grid, info->parity_bytes);
    grid_time(grid, info->least_time_ns);
    grid_time(grid, info->greatest_time_ns);
}

static bool put_strata(struct grid *grid, const flume_strata_info *info)
{
    grid_seq(grid, info->first_seq);
    grid_count(grid, info->records);
    grid_string(grid, info->sealed ? "sealed" : "raw");
    grid_size(grid, info->grain_bytes);
    grid_size(grid, info->file_bytes);
    if (info->sealed) {
        grid_real(grid, ratio(info->file_bytes, info->grain_bytes), 3);
        grid_count(grid, info->block_count);
        grid_time(grid, info->sealed_ns);
        put_hash(grid, info->root);
    } else {
        put_absent(grid, 4);
    }
    if (grid->session->verbose && info->sealed)
        put_parts(grid, info);
    else if (grid->session->verbose)
        put_absent(grid, COLUMN_COUNT(part_columns) - COLUMN_COUNT(strata_columns));
    return grid_end_row(grid);
}

/* One after the other, up to where the log ends now. */
static int print_all(struct session *session, flume_log *log)
{
    uint64_t head = flume_log_head(log);
    struct grid grid;

    if (session->verbose)
        grid_init(&grid, session, "strata", part_columns, COLUMN_COUNT(part_columns));
    else
        grid_init(&grid, session, "strata", strata_columns, COLUMN_COUNT(strata_columns));
    grid_spare(&grid, "sealed blocks root");
    for (uint64_t seq = 0; seq < head;) {
        flume_strata_info info;
        int status = flume_log_strata(log, seq, &info);

        if (status != FLUME_OK)
            return report_log_error(session, log, status);
        if (!put_strata(&grid, &info))
            break; /* A failure shows when stdout is flushed. */
        seq = info.first_seq + info.records;
        if (session_stopped(session) != 0)
            return cancel_say(session, NULL, "shown up to @%" PRIu64, seq);
    }
    return CODE_OK;
}

int run_strata(struct session *session)
{
    flume_log *log = NULL;
    int code = session_open_to_read(session, &log);

    if (code != CODE_OK)
        return code;
    cancel_begin(session);
    code = print_all(session, log);
    cancel_end(session);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
