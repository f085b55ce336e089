/*
 * run_cache.c - `flume cache`: values under scopes and under data, and what programs have
 * remembered.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache_key.h"
#include "cache_value.h"
#include "grid.h"
#include "limit.h"
#include "output_file.h"
#include "run.h"
#include "utf8.h"

enum { PIECE_BYTES = 1 << 20 };

static const struct grid_column list_columns[] = {
    {"seq", 9, true},      {"time", 19, false},    {"bytes", 10, true}, {"how", 10, false},
    {"versions", 8, true}, {"address", 64, false}, {"scope", 0, false}};
static const struct grid_column stat_columns[] = {
    {"addresses", 9, true}, {"bytes", 10, true}, {"remembered", 10, true}, {"versions", 9, true},
    {"hits", 9, true},      {"misses", 9, true}, {"races_lost", 10, true}};
static const struct grid_column put_columns[] = {
    {"seq", 9, true}, {"bytes", 10, true}, {"address", 0, false}};

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

static void add_hash(struct grid *grid, const uint8_t hash[FLUME_HASH_BYTES])
{
    char digits[FLUME_HASH_TEXT_BYTES + 1];

    flume_hash_text(hash, digits);
    grid_string(grid, digits);
}

static int end_row(struct grid *grid)
{
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

/* ---- list, stat ---- */

struct listing {
    struct asking *asking;
    struct grid grid;
    struct limit limit;
    uint64_t addresses, bytes, remembered, versions;
};

static int list_one(void *ctx, const flume_stored_info *info)
{
    struct listing *listing = ctx;
    struct grid *grid = &listing->grid;
    bool remembered = (info->flags & FLUME_STORED_REMEMBERED) != 0;

    if (asking_stopped(listing->asking))
        return FLUME_ERR_CANCELLED;
    if (!limit_take(&listing->limit))
        return FLUME_END;
    listing->asking->given++;
    progress_end(&listing->asking->progress);
    grid_seq(grid, info->seq);
    grid_time(grid, info->time_ns);
    grid_size(grid, info->bytes);
    grid_string(grid, remembered ? "remembered" : "put");
    grid_count(grid, info->versions);
    add_hash(grid, info->address);
    if (remembered)
        add_hash(grid, info->scope_id);
    else
        grid_absent(grid);
    return grid_end_row(grid) ? 0 : FLUME_END;
}

static int count_one(void *ctx, const flume_stored_info *info)
{
    struct listing *listing = ctx;

    if (asking_stopped(listing->asking))
        return FLUME_ERR_CANCELLED;
    listing->addresses++;
    listing->bytes += info->bytes;
    listing->remembered += (info->flags & FLUME_STORED_REMEMBERED) != 0;
    listing->versions += info->versions;
    return 0;
}

static int form_list(struct asking *asking)
{
    struct session *session = asking->session;
    struct listing listing = {.asking = asking};
    int status;

    limit_init(&listing.limit, session, OPTION_ROWS_MAX);
    grid_init(&listing.grid, session, "stored", list_columns, COLUMN_COUNT(list_columns));
    asking_note_stale(asking);
    status = flume_stored_list(session->flume, &asking->ask, 0, list_one, &listing);
    limit_note(&listing.limit, session);
    return status == FLUME_OK || status == FLUME_END ? CODE_OK : asking_report(asking, status);
}

static int form_stat(struct asking *asking)
{
    struct session *session = asking->session;
    struct listing listing = {.asking = asking};
    flume_recall_counts recalls;
    int status;

    asking_note_stale(asking);
    status = flume_stored_list(session->flume, &asking->ask, 0, count_one, &listing);
    if (status == FLUME_OK)
        status = flume_recall_count_all(session->flume, &asking->ask, &recalls);
    progress_end(&asking->progress);
    if (status != FLUME_OK)
        return asking_report(asking, status);
    grid_init(&listing.grid, session, "values", stat_columns, COLUMN_COUNT(stat_columns));
    grid_make_card(&listing.grid);
    grid_count(&listing.grid, listing.addresses);
    grid_size(&listing.grid, listing.bytes);
    grid_count(&listing.grid, listing.remembered);
    grid_count(&listing.grid, listing.versions);
    grid_count(&listing.grid, recalls.hits);
    grid_count(&listing.grid, recalls.misses);
    grid_count(&listing.grid, recalls.races_lost);
    return end_row(&listing.grid);
}

/* ---- put, forget ---- */

/* Where a value comes from: an operand, or a file that is mapped. */
struct source {
    const void *data;
    size_t bytes;
    void *mapped; /* NULL: it is not. */
};

static int source_open_file(struct session *session, const char *path, struct source *source)
{
    struct stat status = {.st_size = 0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    int cause = 0;

    if (file < 0 || fstat(file, &status) != 0)
        cause = errno;
    else if (S_ISDIR(status.st_mode))
        cause = EISDIR;
    else if (!S_ISREG(status.st_mode))
        cause = ESPIPE; /* What cannot be mapped. */
    if (cause == 0 && status.st_size > 0) {
        void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);

        if (mapped == MAP_FAILED)
            cause = errno;
        else
            *source = (struct source){mapped, (size_t)status.st_size, mapped};
    }
    if (file >= 0)
        (void)close(file); /* It was read only. */
    return cause == 0 ? CODE_OK : report(session, ERROR_FILE_UNREADABLE, path, strerror(cause));
}

int cache_value_put(struct asking *asking, const uint8_t address[FLUME_ADDRESS_BYTES],
                    const char *text)
{
    struct session *session = asking->session;
    const struct invocation *invocation = session->invocation;
    const struct option_use *file = invocation_option(invocation, OPTION_VALUE_FILE);
    const char **labels = calloc(invocation->option_count + 1, sizeof(labels[0]));
    flume_put_options options = {.labels = labels};
    struct source source = {.data = ""};
    struct grid grid;
    uint64_t seq;
    int status, code = CODE_OK;

    if (labels == NULL)
        return report(session, ERROR_NO_MEMORY);
    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == OPTION_LABEL)
            labels[options.label_count++] = invocation->options[i].text;
    if (text != NULL)
        source = (struct source){.data = text, .bytes = strlen(text)};
    else
        code = source_open_file(session, file->text, &source);
    if (code != CODE_OK)
        goto done;
    status = flume_put_at(session->flume, address, source.data, source.bytes, &options, &seq);
    progress_end(&asking->progress);
    if (status != FLUME_OK) {
        code = report_flume_error(session, status);
        goto done;
    }
    session_printed(session, seq);
    grid_init(&grid, session, "stored", put_columns, COLUMN_COUNT(put_columns));
    grid_make_card(&grid);
    grid_seq(&grid, seq);
    grid_size(&grid, source.bytes);
    add_hash(&grid, address);
    code = end_row(&grid);
done:
    if (source.mapped != NULL)
        (void)munmap(source.mapped, source.bytes);
    free(labels);
    return code;
}

static int form_put(struct asking *asking)
{
    const struct invocation *invocation = asking->session->invocation;
    uint8_t address[FLUME_ADDRESS_BYTES];
    int code = cache_key_find(asking, &invocation->operands[0], address);

    if (code != CODE_OK)
        return code;
    return cache_value_put(asking, address,
                           invocation->operand_count > 1 ? invocation->operands[1].text : NULL);
}

static int check_put(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    bool has_file = invocation_has(invocation, OPTION_VALUE_FILE);

    return has_file == (invocation->operand_count == 1) ? CODE_OK
                                                        : report(session, ERROR_ONE_CACHE_VALUE);
}

static int form_forget(struct asking *asking)
{
    struct session *session = asking->session;
    const struct operand *operand = &session->invocation->operands[0];
    uint8_t address[FLUME_ADDRESS_BYTES];
    struct grid grid;
    uint64_t seq;
    int status, code = cache_key_find(asking, operand, address);

    if (code != CODE_OK)
        return code;
    status = flume_end_at(session->flume, &asking->ask, address, &seq);
    progress_end(&asking->progress);
    if (status == FLUME_ERR_NOT_FOUND)
        return report_at(session, (struct reference_place){.token = operand->token},
                         ERROR_NOTHING_CACHED);
    if (status != FLUME_OK)
        return asking_report(asking, status);
    session_printed(session, seq);
    grid_init(&grid, session, "stored", put_columns, COLUMN_COUNT(put_columns));
    grid_make_card(&grid);
    grid_seq(&grid, seq);
    grid_size(&grid, 0);
    add_hash(&grid, address);
    return end_row(&grid);
}

/* ---- get ---- */

int cache_value_check_get(struct session *session)
{
    return session->json && session_output_file(session) == NULL
               ? report(session, ERROR_CACHE_IS_BYTES)
               : CODE_OK;
}

/* All of a value, verified before each piece is written. */
static int copy(struct asking *asking, flume_stored *stored, FILE *stream, bool *out_failed)
{
    uint8_t *piece = malloc(PIECE_BYTES);
    uint64_t at = 0;
    size_t bytes;
    int status = piece == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK;

    *out_failed = false;
    while (status == FLUME_OK && at < stored->bytes && !*out_failed) {
        status = asking_stopped(asking) ? FLUME_ERR_CANCELLED
                                        : flume_stored_read(stored, at, piece, PIECE_BYTES, &bytes);
        if (status != FLUME_OK)
            break;
        *out_failed = fwrite(piece, 1, bytes, stream) != bytes;
        at += bytes;
    }
    free(piece);
    return status == FLUME_OK ? CODE_OK : asking_report(asking, status);
}

static int get_to_terminal(struct session *session, flume_stored *stored)
{
    const char *text = stored->data;
    size_t bytes = (size_t)stored->bytes;

    if (text == NULL || memchr(text, '\0', bytes) != NULL || !utf8_valid(text, bytes))
        return report(session, ERROR_BLOB_IS_BINARY);
    utf8_show_lines(&session->line, text, bytes);
    if (bytes > 0 && text[bytes - 1] != '\n')
        text_char(&session->line, '\n');
    (void)session_emit(session); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

static int get_to_file(struct asking *asking, flume_stored *stored, const char *path)
{
    struct output_file file;
    int status = output_file_begin(&file, path);
    bool failed;

    if (status == 0) {
        int code = copy(asking, stored, file.stream, &failed);

        if (code != CODE_OK) {
            output_file_abandon(&file);
            return code;
        }
        status = output_file_commit(&file);
    }
    return status == 0 ? CODE_OK
                       : report(asking->session, ERROR_FILE_UNWRITABLE, path, strerror(-status));
}

int cache_value_get(struct asking *asking, const uint8_t address[FLUME_ADDRESS_BYTES],
                    const struct operand *operand)
{
    struct session *session = asking->session;
    const struct option_use *output = session_output_file(session);
    flume_stored stored;
    bool failed;
    int status, code;

    asking_note_stale(asking);
    status = flume_get_at(session->flume, &asking->ask, address, &stored);
    progress_end(&asking->progress);
    if (status == FLUME_ERR_NOT_FOUND)
        return report_at(session, (struct reference_place){.token = operand->token},
                         ERROR_NOTHING_CACHED);
    if (status != FLUME_OK)
        return asking_report(asking, status);
    session_writes_text(session);
    session_printed(session, stored.seq);
    if (output != NULL)
        code = get_to_file(asking, &stored, output->text);
    else if (session->out_terminal && session->mode != MODE_RAW)
        code = get_to_terminal(session, &stored);
    else
        code = copy(asking, &stored, stdout, &failed);
    flume_stored_release(&stored);
    return code == CODE_OK && output == NULL ? session_flush(session) : code;
}

static int form_get(struct asking *asking)
{
    const struct operand *operand = &asking->session->invocation->operands[0];
    uint8_t address[FLUME_ADDRESS_BYTES];
    int code = cache_key_find(asking, operand, address);

    return code == CODE_OK ? cache_value_get(asking, address, operand) : code;
}

/* ---- the command ---- */

static const struct form {
    const char *name;
    int (*run)(struct asking *asking);
    int (*check)(struct session *session); /* NULL: whatever the parser lets through. */
    bool writes;
} forms[] = {{"list", form_list, NULL, false},
             {"put", form_put, check_put, true},
             {"get", form_get, cache_value_check_get, false},
             {"forget", form_forget, NULL, true},
             {"stat", form_stat, NULL, false}};

int run_cache(struct session *session)
{
    flume_log_options options = {.profile = session_profile(session)};
    const struct form *form = forms;
    struct asking asking;
    flume_log *log;
    int code, status;

    while (strcmp(form->name, session->invocation->sub->name) != 0)
        form++;
    code = form->check == NULL ? CODE_OK : form->check(session);
    if (code != CODE_OK)
        return code;
    session->needs_views = true;
    session_take_signals(session);
    if (invocation_has(session->invocation, OPTION_CREATE))
        options.flags |= FLUME_OPEN_CREATE;
    code = form->writes ? session_open(session, &options, &log)
                        : session_open_to_read(session, &log);
    if (code != CODE_OK)
        return code;
    code = asking_begin(&asking, session, "address");
    if (code == CODE_OK)
        code = form->run(&asking);
    asking_end(&asking);
    status = session_close(session);
    if (status != FLUME_OK)
        code = exit_code_worse(code, report_status(session, status, NULL));
    return code;
}
