/*
 * blob_put.c - `flume blob put`: files and streams go in, by their content.
 *
 * What always holds:
 *   - A blob's row is printed only after its record was appended (under --safe and --paranoid:
 *     after it was made durable).
 *   - A put that ends early, in whatever way, leaves chunks that the next put of the same content
 *     finds: nothing has to be remembered for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob_forms.h"
#include "cancel.h"
#include "utf8.h"

enum { LOOK_EACH_MS = 100 };

static const struct grid_column put_columns[] = {
    {"hash", 16, false},       {"seq", 4, false},       {"bytes", 9, true},
    {"chunks", 6, true},       {"chunks_new", 6, true}, {"bytes_new", 9, true},
    {"bytes_stored", 9, true}, {"state", 5, false},     {"file", 0, false}};

struct putting {
    struct blobbing *blobbing;
    struct session *session;
    flume_blob_options options;
    const char **labels; /* Owned. */
    uint8_t *buffer;     /* Of BLOB_PIECE_BYTES; owned. */
    struct grid grid;
    size_t recorded; /* Contents that are in. */
    bool is_over;    /* What happened would happen to the next one, too. */
};

/* One content on its way in. */
struct source {
    const char *name; /* "standard input", or its path. */
    int descriptor;
    bool waits;           /* It may take its time: a pipe, a terminal. */
    uint64_t bytes_total; /* 0: unknown. */
    uint64_t bytes_done;
    struct progress progress;
};

/* ---- options ---- */

static int check_chunk_bytes(struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_CHUNK_BYTES);
    bool is_cdc = invocation_number(session->invocation, OPTION_CHUNKING, FLUME_BLOB_FIXED) ==
                  FLUME_BLOB_CONTENT_DEFINED;
    struct reference_place place;

    if (use == NULL)
        return CODE_OK;
    place = (struct reference_place){use->token, use->text_at, 0};
    if (is_cdc &&
        (use->number < 16 << 10 || use->number > 1 << 20 || (use->number & (use->number - 1)) != 0))
        return report_at(session, place, ERROR_CHUNK_BYTES_CDC);
    if (!is_cdc &&
        (use->number < FLUME_BLOB_CHUNK_BYTES_MIN || use->number > FLUME_BLOB_CHUNK_BYTES_MAX))
        return report_at(session, place, ERROR_CHUNK_BYTES_FIXED);
    return CODE_OK;
}

static bool is_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            return false;
    return true;
}

static int check_name(struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_BLOB_NAME);
    size_t bytes = use == NULL ? 0 : strlen(use->text);
    struct reference_place place;

    if (use == NULL)
        return CODE_OK;
    place = (struct reference_place){use->token, use->text_at, 0};
    if (session->invocation->operand_count > 1)
        return report_at(session, place, ERROR_ONE_BLOB_NAME);
    if (bytes == 0 || bytes > FLUME_BLOB_NAME_BYTES_MAX || !utf8_valid(use->text, bytes) ||
        !is_line(use->text))
        return report_at(session, place, ERROR_BAD_BLOB_NAME);
    return CODE_OK;
}

static int check_media_type(struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_MEDIA_TYPE);
    size_t bytes = use == NULL ? 0 : strlen(use->text);
    bool is_good = bytes > 0 && bytes <= FLUME_BLOB_MEDIA_TYPE_BYTES_MAX;

    for (size_t i = 0; is_good && i < bytes; i++)
        is_good = use->text[i] >= 0x20 && use->text[i] < 0x7F;
    if (use == NULL || is_good)
        return CODE_OK;
    return report_at(session, (struct reference_place){use->token, use->text_at, 0},
                     ERROR_BAD_MEDIA_TYPE);
}

int blob_form_check_put(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    size_t from_input = invocation->operand_count == 0 ? 1 : 0;
    int code;

    for (size_t i = 0; i < invocation->operand_count; i++)
        from_input += strcmp(invocation->operands[i].text, "-") == 0 ? 1 : 0;
    if (from_input > 1)
        return report(session, ERROR_INPUT_TWICE);
    if (invocation->operand_count == 0 && isatty(STDIN_FILENO) == 1)
        return report(session, ERROR_NOTHING_TO_PUT);
    code = check_name(session);
    if (code == CODE_OK)
        code = check_media_type(session);
    return code == CODE_OK ? check_chunk_bytes(session) : code;
}

static const char *option_text(const struct session *session, enum option_id id)
{
    const struct option_use *use = invocation_option(session->invocation, id);

    return use == NULL ? NULL : use->text;
}

static int take_options(struct putting *putting)
{
    const struct invocation *invocation = putting->session->invocation;
    const struct option_use *time = invocation_option(invocation, OPTION_TIME);
    flume_blob_options *options = &putting->options;

    putting->labels = calloc(invocation->option_count + 1, sizeof(putting->labels[0]));
    putting->buffer = malloc(BLOB_PIECE_BYTES);
    if (putting->labels == NULL || putting->buffer == NULL)
        return report(putting->session, ERROR_NO_MEMORY);
    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == OPTION_LABEL)
            putting->labels[options->label_count++] = invocation->options[i].text;
    options->labels = putting->labels;
    options->name = option_text(putting->session, OPTION_BLOB_NAME);
    options->media_type = option_text(putting->session, OPTION_MEDIA_TYPE);
    options->chunking =
        (enum flume_blob_chunking)invocation_number(invocation, OPTION_CHUNKING, FLUME_BLOB_FIXED);
    options->chunk_bytes = (uint32_t)invocation_number(invocation, OPTION_CHUNK_BYTES, 0);
    if (invocation_has(invocation, OPTION_PROVE_CHUNKS))
        options->flags |= FLUME_BLOB_PROVE;
    if (time != NULL)
        options->time_ns = value_time_ns(time->time);
    return CODE_OK;
}

/* ---- reading ---- */

static int open_source(struct putting *putting, const char *path, struct source *out_source)
{
    struct session *session = putting->session;
    bool is_input = strcmp(path, "-") == 0;
    struct stat stat;

    *out_source =
        (struct source){.name = is_input ? "standard input" : path, .descriptor = STDIN_FILENO};
    if (!is_input)
        out_source->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (out_source->descriptor < 0 || fstat(out_source->descriptor, &stat) != 0)
        return report(session, ERROR_FILE_UNREADABLE, out_source->name, strerror(errno));
    if (S_ISDIR(stat.st_mode))
        return report(session, ERROR_BLOB_DIRECTORY, out_source->name);
    out_source->waits = !S_ISREG(stat.st_mode);
    if (!out_source->waits && stat.st_size > 0 && !is_input)
        out_source->bytes_total = (uint64_t)stat.st_size;
    return CODE_OK;
}

static void close_source(struct source *source)
{
    if (source->descriptor > STDIN_FILENO)
        (void)close(source->descriptor); /* Only read. */
}

/* Wait for bytes, or for the end. False: it is asked to stop. */
static bool wait_for_bytes(struct putting *putting, const struct source *source)
{
    struct pollfd polled[] = {
        {.fd = source->descriptor, .events = POLLIN},
        {.fd = putting->session->stop->descriptor, .events = POLLIN},
    };

    while (session_stopped(putting->session) == 0) {
        if (poll(polled, sizeof(polled) / sizeof(polled[0]), LOOK_EACH_MS) < 0 && errno != EINTR)
            return true; /* The read will say why. */
        if (polled[0].revents != 0)
            return session_stopped(putting->session) == 0;
    }
    return false;
}

static int report_cancelled(struct putting *putting, struct source *source)
{
    struct cancelled cancelled = {
        .done = source->bytes_done, .total = source->bytes_total, .units = "bytes"};
    struct text did = {0};
    int code;

    progress_end(&source->progress);
    text_format(&did, "of %s read", source->name);
    cancelled.did = text_c_string(&did);
    if (source->bytes_done > FLUME_BLOB_INLINE_BYTES_MAX)
        cancelled.remedy = "putting it again goes on: chunks that are stored are found";
    code = cancel_report(putting->session, &cancelled);
    text_deinit(&did);
    return code;
}

/* What the disk has of it stays, and is worth saying where there is much of it. */
static int report_failed(struct putting *putting, struct source *source, int status)
{
    int code;

    progress_end(&source->progress);
    code = blob_name_report(putting->blobbing, status);
    if (source->bytes_done > FLUME_BLOB_INLINE_BYTES_MAX && status != FLUME_ERR_ABSENT)
        note(putting->session,
             "%s was not put; putting it again goes on: chunks that are stored "
             "are found",
             source->name);
    putting->is_over = status == FLUME_ERR_FULL || status == FLUME_ERR_POISONED ||
                       status == FLUME_ERR_READ_ONLY || status == FLUME_ERR_NO_MEMORY;
    return code;
}

/* All of a source, into a writer. *out_code other than CODE_OK: it was reported. */
static int feed(struct putting *putting, struct source *source, flume_blob_writer *writer)
{
    for (;;) {
        ssize_t got;
        int status;

        if (session_stopped(putting->session) != 0 ||
            (source->waits && !wait_for_bytes(putting, source)))
            return report_cancelled(putting, source);
        got = read(source->descriptor, putting->buffer, BLOB_PIECE_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int cause = errno;

            progress_end(&source->progress);
            return report(putting->session, ERROR_FILE_UNREADABLE, source->name, strerror(cause));
        }
        if (got == 0)
            return CODE_OK;
        status = flume_blob_writer_write(writer, putting->buffer, (size_t)got);
        if (status != FLUME_OK)
            return report_failed(putting, source, status);
        source->bytes_done += (uint64_t)got;
        if (source->bytes_total != 0 && source->bytes_done > source->bytes_total)
            source->bytes_total = source->bytes_done; /* It grows while it is read. */
        progress_update(&source->progress, source->bytes_done, source->bytes_total);
    }
}

/* ---- what came of it ---- */

static const char *state_of(const flume_blob_result *result)
{
    return result->was_known ? "known" : "new";
}

static void print_result(struct putting *putting, const struct source *source,
                         const flume_blob_result *result)
{
    struct grid *grid = &putting->grid;

    session_printed(putting->session, result->seq);
    if (putting->session->quiet)
        return;
    blob_row_hash(grid, result->hash);
    grid_seq(grid, result->seq);
    grid_size(grid, result->bytes);
    grid_count(grid, result->chunks);
    grid_count(grid, result->chunks_new);
    grid_size(grid, result->bytes_new);
    grid_size(grid, result->stored_bytes);
    grid_string(grid, state_of(result));
    grid_string(grid, source->descriptor == STDIN_FILENO ? "-" : source->name);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
}

static void say_resumed(struct putting *putting, const struct source *source,
                        const flume_blob_result *result)
{
    struct text text = {0};

    if (!invocation_has(putting->session->invocation, OPTION_RESUME))
        return;
    if (result->chunks == 0) { /* One record: it is there or it is not. */
        note(putting->session, "%s: it was %sthere already", source->name,
             result->was_known ? "" : "not ");
        return;
    }
    value_show_count(&text, result->chunks - result->chunks_new);
    text_string(&text, " of ");
    value_show_count(&text, result->chunks);
    text_string(&text, result->chunks == 1 ? " chunk, " : " chunks, ");
    value_show_size(&text, result->bytes - result->bytes_new);
    text_string(&text, " of ");
    value_show_size(&text, result->bytes);
    text_string(&text, ", were there already");
    note(putting->session, "%s: %s", source->name, text_c_string(&text));
    text_deinit(&text);
}

/* ---- putting ---- */

static int put_source(struct putting *putting, struct source *source, size_t number, size_t count)
{
    struct session *session = putting->session;
    flume_blob_writer *writer = NULL;
    flume_blob_result result;
    int status = flume_blob_writer_open(session->flume, &putting->options, &writer);
    int code;

    progress_begin(&source->progress, session, source->name, PROGRESS_BYTES);
    progress_count(&source->progress, number, count);
    if (status != FLUME_OK)
        return report_failed(putting, source, status);
    code = feed(putting, source, writer);
    if (code != CODE_OK) {
        flume_blob_writer_abort(writer);
        return code;
    }
    status = flume_blob_writer_finish(writer, &result);
    progress_end(&source->progress);
    if (status != FLUME_OK)
        return report_failed(putting, source, status);
    putting->recorded++;
    print_result(putting, source, &result);
    say_resumed(putting, source, &result);
    return CODE_OK;
}

static int put_one(struct putting *putting, const char *path, size_t number, size_t count)
{
    struct source source;
    int code = open_source(putting, path, &source);

    if (code == CODE_OK && source.waits)
        code = session_flush(putting->session); /* Rows so far are not held back by a pipe. */
    if (code == CODE_OK)
        code = put_source(putting, &source, number, count);
    close_source(&source);
    return code;
}

/* One that fails does not stop the others, except where nothing more can be put. */
static int put_all(struct putting *putting)
{
    const struct invocation *invocation = putting->session->invocation;
    size_t count = invocation->operand_count == 0 ? 1 : invocation->operand_count;
    int worst = CODE_OK;

    for (size_t i = 0; i < count && worst <= CODE_INTERNAL && !putting->is_over; i++) {
        const char *path = invocation->operand_count == 0 ? "-" : invocation->operands[i].text;

        worst = exit_code_worse(worst, put_one(putting, path, i + 1, count > 1 ? count : 0));
    }
    if (worst != CODE_OK && putting->recorded != 0 && worst < CODE_DAMAGED)
        worst = CODE_PARTIAL;
    return worst;
}

int blob_form_put(struct blobbing *blobbing)
{
    struct putting putting = {.blobbing = blobbing, .session = blobbing->session};
    int code = take_options(&putting);

    grid_init(&putting.grid, putting.session, "put", put_columns,
              sizeof(put_columns) / sizeof(put_columns[0]));
    grid_spare(&putting.grid, "bytes_stored seq bytes_new");
    if (code == CODE_OK)
        code = put_all(&putting);
    free(putting.labels);
    free(putting.buffer);
    return code;
}
