/*
 * blob_get.c - `flume blob get`: a content, or a range of it, byte for byte.
 *
 * What always holds:
 *   - No byte is written that was not verified with the chunk it lies in.
 *   - A file has its name only when all of it is there, and what was asked for as a whole has the
 *     hash of the whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "blob_forms.h"
#include "cancel.h"
#include "object.h"
#include "output_file.h"
#include "utf8.h"

struct range {
    uint64_t from, to; /* to: not included. UINT64_MAX: the end. */
};

struct getting {
    struct blobbing *blobbing;
    struct session *session;
    flume_blob_info info;
    flume_blob_reader *reader;
    struct range range;
    flume_hasher *hasher; /* NULL: a part was asked for. */
    FILE *stream;
    const char *path; /* Of the file; NULL: stdout. */
    uint8_t *buffer;  /* Of BLOB_PIECE_BYTES. */
    struct progress progress;
    uint64_t written;
    bool shows_text; /* It goes to a terminal, escaped. */
    bool failed;     /* The stream takes no more; */
    int cause;       /* errno of that. */
};

/* ---- what was asked for ---- */

/* "A..B", "A..", "..B", with sizes as ends. */
static bool parse_range(const char *text, struct range *out_range)
{
    const char *dots = strstr(text, "..");
    struct range range = {0, UINT64_MAX};
    char from[32];
    size_t bytes = dots == NULL ? sizeof(from) : (size_t)(dots - text);

    if (bytes >= sizeof(from))
        return false;
    memcpy(from, text, bytes);
    from[bytes] = '\0';
    if (bytes > 0 && !value_parse_size(from, &range.from))
        return false;
    if (dots[2] != '\0' && !value_parse_size(dots + 2, &range.to))
        return false;
    if (range.from > range.to)
        return false;
    *out_range = range;
    return true;
}

static struct reference_place place_of(const struct option_use *use)
{
    return (struct reference_place){use->token, use->text_at, 0};
}

int blob_form_check_get(struct session *session)
{
    const struct option_use *range_use = invocation_option(session->invocation, OPTION_BYTE_RANGE);
    const struct option_use *mode = invocation_option(session->invocation, OPTION_MODE);
    const struct option_use *json = invocation_option(session->invocation, OPTION_JSON);
    bool to_file = session_output_file(session) != NULL;
    struct range range;

    if (range_use != NULL && !parse_range(range_use->text, &range))
        return report_at(session, place_of(range_use), ERROR_BAD_BYTE_RANGE);
    if (to_file)
        return CODE_OK;
    if (mode != NULL && mode->number != MODE_RAW)
        return report_at(session, place_of(mode), ERROR_BLOB_IS_BYTES);
    if (json != NULL)
        return report_at(session, (struct reference_place){.token = json->token},
                         ERROR_BLOB_IS_BYTES);
    return CODE_OK;
}

static int take_range(struct getting *getting)
{
    const struct option_use *use =
        invocation_option(getting->session->invocation, OPTION_BYTE_RANGE);
    struct text size = {0};
    int code = CODE_OK;

    getting->range = (struct range){0, UINT64_MAX};
    if (use != NULL)
        (void)parse_range(use->text, &getting->range); /* It was checked before. */
    if (getting->range.from > getting->info.bytes) {
        value_show_count(&size, getting->info.bytes);
        code = report_at(getting->session, place_of(use), ERROR_BEHIND_BLOB, text_c_string(&size));
    }
    if (getting->range.to > getting->info.bytes)
        getting->range.to = getting->info.bytes;
    text_deinit(&size);
    if (code != CODE_OK || getting->range.from != 0 || getting->range.to < getting->info.bytes)
        return code;
    getting->hasher = flume_hasher_create();
    return getting->hasher == NULL ? report(getting->session, ERROR_NO_MEMORY) : CODE_OK;
}

/* ---- on a terminal ---- */

/* How many of these bytes are whole characters: all but what may go on in the next piece. */
static size_t whole_characters(const uint8_t *data, size_t bytes, bool is_last)
{
    for (size_t back = 1; !is_last && back <= 3 && back <= bytes; back++) {
        uint8_t byte = data[bytes - back];
        size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;

        if (byte < 0x80 || byte >= 0xC0)
            return length > back ? bytes - back : bytes;
    }
    return bytes;
}

static bool is_text(const uint8_t *data, size_t bytes, bool is_last)
{
    size_t whole = whole_characters(data, bytes, is_last);

    return memchr(data, '\0', bytes) == NULL && utf8_valid(data, whole);
}

/* ---- writing ---- */

static bool write_piece(struct getting *getting, const uint8_t *data, size_t bytes)
{
    struct session *session = getting->session;

    if (getting->hasher != NULL)
        flume_hasher_add(getting->hasher, data, bytes);
    getting->written += bytes;
    if (!getting->shows_text)
        return fwrite(data, 1, bytes, getting->stream) == bytes;
    utf8_show_lines(&session->line, data, bytes);
    if (getting->written == getting->range.to - getting->range.from && bytes > 0 &&
        data[bytes - 1] != '\n')
        text_char(&session->line, '\n');
    return session_emit(session);
}

static int report_cancelled(struct getting *getting)
{
    struct text remedy = {0};
    int code;

    progress_end(&getting->progress);
    if (getting->path != NULL)
        text_format(&remedy, "%s was not written", getting->path);
    else
        text_format(&remedy, "the rest: --range %" PRIu64 "..",
                    getting->range.from + getting->written);
    code = cancel_report(getting->session,
                         &(struct cancelled){.done = getting->written,
                                             .total = getting->range.to - getting->range.from,
                                             .units = "bytes",
                                             .did = "read",
                                             .remedy = text_c_string(&remedy)});
    text_deinit(&remedy);
    return code;
}

/* A whole that hashes otherwise, though each of its chunks is right. */
static int check_whole(struct getting *getting)
{
    uint8_t hash[FLUME_HASH_BYTES];
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    struct text message = {0};
    int code;

    if (getting->hasher == NULL)
        return CODE_OK;
    flume_hasher_get(getting->hasher, hash);
    if (memcmp(hash, getting->info.hash, sizeof(hash)) == 0)
        return CODE_OK;
    flume_hash_text(getting->info.hash, digits);
    text_format(&message, "what the chunks of blob %.16s make is another content", digits);
    code = report(getting->session, ERROR_BLOB_DAMAGED, text_c_string(&message));
    text_deinit(&message);
    return code;
}

/* One piece. *out_is_over: there is no more, or what was reported ends it. */
static int copy_piece(struct getting *getting, bool *out_is_over)
{
    uint64_t at = getting->range.from + getting->written;
    uint64_t left = getting->range.to - at;
    size_t wanted = left < BLOB_PIECE_BYTES ? (size_t)left : BLOB_PIECE_BYTES;
    size_t bytes = 0;
    int status;

    *out_is_over = true;
    if (session_stopped(getting->session) != 0)
        return report_cancelled(getting);
    status = flume_blob_reader_read(getting->reader, at, getting->buffer, wanted, &bytes);
    if (status != FLUME_OK) {
        progress_end(&getting->progress);
        return blob_name_report(getting->blobbing, status);
    }
    if (getting->shows_text && getting->written == 0 &&
        !is_text(getting->buffer, bytes, bytes == left))
        return report(getting->session, ERROR_BLOB_IS_BINARY);
    if (getting->shows_text)
        bytes = whole_characters(getting->buffer, bytes, bytes == left);
    if (!write_piece(getting, getting->buffer, bytes)) {
        getting->failed = true;
        getting->cause = errno;
        return CODE_OK; /* Whose stream it is says why. */
    }
    progress_update(&getting->progress, getting->written, getting->range.to - getting->range.from);
    *out_is_over = bytes == 0 || bytes == left;
    return CODE_OK;
}

static int copy(struct getting *getting)
{
    bool is_over = getting->range.from == getting->range.to;
    int code = CODE_OK;

    progress_begin(&getting->progress, getting->session, "get", PROGRESS_BYTES);
    while (!is_over && code == CODE_OK)
        code = copy_piece(getting, &is_over);
    progress_end(&getting->progress);
    return code == CODE_OK && !getting->failed ? check_whole(getting) : code;
}

/* ---- where to ---- */

static int get_to_stdout(struct getting *getting)
{
    struct session *session = getting->session;
    int code;

    session_writes_text(session);
    getting->stream = stdout;
    getting->shows_text = session->out_terminal && session->mode != MODE_RAW;
    code = copy(getting);
    return code == CODE_OK ? session_flush(session) : code;
}

static void say_written(const struct getting *getting)
{
    struct session *session = getting->session;
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    struct text size = {0};

    flume_hash_text(getting->info.hash, digits);
    if (session->json) {
        object_begin(&session->line, "got");
        object_string(&session->line, "hash", digits);
        object_uint(&session->line, "from", getting->range.from);
        object_uint(&session->line, "bytes", getting->written);
        object_string(&session->line, "file", getting->path);
        object_end(&session->line);
        (void)session_emit(session); /* A failure shows when stdout is flushed. */
    } else if (session->error_terminal) {
        value_show_size(&size, getting->written);
        note(session, "%s  %s", getting->path, text_c_string(&size));
    }
    text_deinit(&size);
}

static int get_to_file(struct getting *getting)
{
    struct output_file file;
    int status = output_file_begin(&file, getting->path);
    int code = CODE_OK;

    if (!getting->session->json)
        session_writes_text(getting->session);
    if (status == 0) {
        getting->stream = file.stream;
        code = copy(getting);
        if (code != CODE_OK) {
            output_file_abandon(&file);
            if (code < CODE_SIGNAL) /* Who cancelled was told. */
                note(getting->session, "%s was not written", getting->path);
            return code;
        }
        status = output_file_commit(&file);
        if (getting->failed && getting->cause != 0)
            status = -getting->cause; /* The stream itself has forgotten. */
    }
    if (status != 0)
        return report(getting->session, ERROR_FILE_UNWRITABLE, getting->path, strerror(-status));
    say_written(getting);
    return CODE_OK;
}

/* ---- the form ---- */

static int open_content(struct getting *getting)
{
    int status;

    getting->buffer = malloc(BLOB_PIECE_BYTES);
    if (getting->buffer == NULL)
        return report(getting->session, ERROR_NO_MEMORY);
    status = flume_blob_reader_open_seq(getting->session->flume, &getting->blobbing->asking.ask,
                                        getting->info.seq, &getting->reader);
    progress_end(&getting->blobbing->asking.progress);
    return status == FLUME_OK ? CODE_OK : blob_name_report(getting->blobbing, status);
}

int blob_form_get(struct blobbing *blobbing)
{
    struct session *session = blobbing->session;
    const struct option_use *output = session_output_file(session);
    struct getting getting = {.blobbing = blobbing, .session = session};
    int code = blob_name_find(blobbing, &session->invocation->operands[0], &getting.info);

    getting.path = output == NULL ? NULL : output->text;
    if (code == CODE_OK)
        code = take_range(&getting);
    if (code == CODE_OK)
        code = open_content(&getting);
    if (code == CODE_OK) {
        session_printed(session, getting.info.seq);
        code = output == NULL ? get_to_stdout(&getting) : get_to_file(&getting);
    }
    flume_blob_reader_close(getting.reader);
    flume_hasher_destroy(getting.hasher);
    free(getting.buffer);
    return code;
}
