/*
 * run_import.c - `flume import`: appending what export wrote.
 *
 * What always holds: the lines of a batch are appended together, when the last of them was read
 * without fault; at the first fault nothing more is appended.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cancel.h"
#include "exported.h"
#include "grid.h"
#include "input.h"
#include "progress.h"
#include "renumber.h"
#include "run.h"

/* Every byte of a body and of its labels may need six in JSON. */
#define LINE_BYTES_MAX (6 * ((size_t)FLUME_BODY_BYTES_MAX + FLUME_META_BYTES_MAX) + 4096)
/* A batch is in memory as a whole before it is appended. */
#define BATCH_BYTES_MAX ((size_t)1 << 30)

#define STANDARD_INPUT "standard input"

struct importing {
    struct session *session;
    flume_log *log;
    const char *name; /* Of the input, for messages. */
    struct input input;
    struct progress progress;
    struct exported *batch; /* Lines that wait for the end of their batch. */
    size_t batch_count, batch_capacity, batch_bytes;
    uint64_t batch_line; /* Where it began. */
    uint64_t records, bytes, batches, skipped;
    struct renumber renumber;
    uint64_t astray; /* Bookmarks that name a record which was not imported. */
    uint64_t read_bytes, total_bytes;
};

/* A fault in the input: what was appended before it stays. */
static int refuse(struct importing *importing, uint64_t line, const char *cause)
{
    const struct report_detail detail = {.code = importing->records == 0 ? CODE_USAGE
                                                                         : CODE_PARTIAL};

    progress_end(&importing->progress);
    return report_with(importing->session, &detail, ERROR_IMPORT_LINE, importing->name, line, cause,
                       importing->batch_count != 0 ? importing->batch_line : line,
                       importing->records);
}

static int refuse_size(struct importing *importing, const char *cause)
{
    const struct report_detail detail = {.code = importing->records == 0 ? CODE_USAGE
                                                                         : CODE_PARTIAL};
    uint64_t line = importing->input.number;

    progress_end(&importing->progress);
    return report_with(importing->session, &detail, ERROR_IMPORT_LARGE, importing->name, line,
                       cause, importing->batch_count != 0 ? importing->batch_line : line,
                       importing->records);
}

static void drop_batch(struct importing *importing)
{
    for (size_t i = 0; i < importing->batch_count; i++)
        exported_release(&importing->batch[i]);
    importing->batch_count = importing->batch_bytes = 0;
}

static int refuse_append(struct importing *importing, int status)
{
    flume_error error = {.seq = FLUME_SEQ_NONE};
    int code;

    progress_end(&importing->progress);
    flume_log_error(importing->log, &error);
    note(importing->session, "%s:%" PRIu64 ": %" PRIu64 " records were appended before it",
         importing->name, importing->batch_line, importing->records);
    code = report_status(importing->session, status, error.status == status ? &error : NULL);
    return importing->records != 0 ? exit_code_worse(code, CODE_PARTIAL) : code;
}

/* A bookmark is to name the record that it named, by the seq that this has got here. */
static int redirect(struct importing *importing, struct exported *exported)
{
    char *body;
    int status = renumber_bookmark(&importing->renumber, importing->log, exported->entry.body,
                                   exported->entry.body_bytes, &body);

    if (status == FLUME_ERR_NOT_FOUND) {
        importing->astray++;
        return FLUME_OK;
    }
    if (status != FLUME_OK || body == NULL)
        return status;
    free(exported->body);
    exported->body = body;
    exported->entry.body = body;
    exported->entry.body_bytes = strlen(body);
    return FLUME_OK;
}

static int remember_seqs(struct importing *importing, uint64_t first_seq)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < importing->batch_count && status == FLUME_OK; i++)
        if (importing->batch[i].seq != FLUME_SEQ_NONE)
            status = renumber_add(&importing->renumber, importing->batch[i].seq, first_seq + i);
    return status;
}

/* Append what waits, as one. */
static int append_batch(struct importing *importing)
{
    size_t count = importing->batch_count;
    flume_entry *entries = calloc(count + 1, sizeof(*entries));
    uint64_t first_seq = 0;
    int status = entries == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK;

    for (size_t i = 0; i < count && status == FLUME_OK; i++) {
        if (importing->batch[i].entry.kind == FLUME_KIND_BOOKMARK)
            status = redirect(importing, &importing->batch[i]);
        entries[i] = importing->batch[i].entry;
    }
    if (status == FLUME_OK)
        status = count == 1
                     ? flume_log_append_entry(importing->log, &entries[0], &first_seq)
                     : flume_log_append_many(importing->log, entries, count, NULL, &first_seq);
    free(entries);
    if (status == FLUME_OK)
        status = remember_seqs(importing, first_seq);
    if (status != FLUME_OK)
        return refuse_append(importing, status);
    importing->records += count;
    importing->bytes += importing->batch_bytes;
    importing->batches += count > 1 ? 1 : 0;
    drop_batch(importing);
    return CODE_OK;
}

static struct exported *next_place(struct importing *importing)
{
    size_t capacity = importing->batch_capacity == 0 ? 16 : importing->batch_capacity * 2;
    struct exported *batch = importing->batch;

    if (importing->batch_count == importing->batch_capacity) {
        batch = realloc(batch, capacity * sizeof(*batch));
        if (batch == NULL)
            return NULL;
        importing->batch = batch;
        importing->batch_capacity = capacity;
    }
    return &batch[importing->batch_count];
}

static bool is_blank(const char *line, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

static int import_line(struct importing *importing, const char *line, size_t bytes)
{
    struct exported *exported = next_place(importing);
    int code;

    importing->read_bytes += bytes + 1;
    if (is_blank(line, bytes))
        return CODE_OK;
    if (exported == NULL)
        return report_status(importing->session, FLUME_ERR_NO_MEMORY, NULL);
    if (importing->batch_count == 0)
        importing->batch_line = importing->input.number;
    switch (exported_read(exported, line, bytes)) {
    case EXPORTED_RECORD:
        importing->batch_count++;
        importing->batch_bytes += exported->entry.body_bytes;
        if (importing->batch_bytes > BATCH_BYTES_MAX)
            return refuse_size(importing, "this batch is larger than 1 GiB");
        return exported->more ? CODE_OK : append_batch(importing);
    case EXPORTED_SKIP:
        importing->skipped++;
        exported_release(exported);
        return CODE_OK;
    default:
        code = refuse(importing, importing->input.number, exported->cause);
        exported_release(exported);
        return code;
    }
}

/* What was appended stays; the lines of a batch that was not complete were not appended. */
static int report_cancelled(struct importing *importing)
{
    uint64_t next = importing->batch_count != 0 ? importing->batch_line
                                                : importing->input.number + 1;
    struct text remedy = {0};
    int code;

    progress_end(&importing->progress);
    text_format(&remedy, "they stay; the rest: tail -n +%" PRIu64 " %s | flume DB import", next,
                strcmp(importing->name, STANDARD_INPUT) == 0 ? "-" : importing->name);
    code = cancel_report(importing->session, &(struct cancelled){.done = importing->records,
                                                                 .units = "records",
                                                                 .did = "imported",
                                                                 .remedy = text_c_string(&remedy)});
    text_deinit(&remedy);
    return code;
}

static int import_stream(struct importing *importing)
{
    enum input_answer answer;
    const char *line = NULL;
    size_t bytes = 0;
    int code = CODE_OK, status;

    do {
        if (session_stopped(importing->session) != 0)
            return report_cancelled(importing);
        answer = input_next(&importing->input, &line, &bytes);
        if (answer == INPUT_RECORD) {
            code = import_line(importing, line, bytes);
            if (importing->records % 256 == 0)
                progress_update(&importing->progress, importing->read_bytes,
                                importing->total_bytes);
        } else if (answer == INPUT_EMPTY) {
            status = input_fill(&importing->input);
            if (status != 0 && status != -ECANCELED)
                code = report(importing->session, ERROR_FILE_UNREADABLE, importing->name,
                              strerror(-status));
        } else if (answer == INPUT_TOO_LARGE) {
            code = refuse_size(importing, "this line is too long");
        }
    } while (code == CODE_OK && answer != INPUT_END);
    if (code == CODE_OK && importing->batch_count != 0)
        code = refuse(importing, importing->input.number, "a batch is not complete");
    progress_end(&importing->progress);
    return code;
}

static const struct grid_column imported_columns[] = {{"records", 0, true},
                                                      {"bytes", 0, true},
                                                      {"batches", 0, true},
                                                      {"skipped", 0, true},
                                                      {"seconds", 0, true}};

static void print_summary(struct importing *importing)
{
    struct grid grid;

    grid_init(&grid, importing->session, "imported", imported_columns,
              sizeof(imported_columns) / sizeof(imported_columns[0]));
    grid_make_card(&grid);
    grid_count(&grid, importing->records);
    grid_size(&grid, importing->bytes);
    grid_count(&grid, importing->batches);
    grid_count(&grid, importing->skipped);
    grid_real(&grid, progress_seconds(&importing->progress), 3);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

/* In the forms that people look at a sentence, off stdout, is enough. */
static void summary(struct importing *importing)
{
    struct session *session = importing->session;
    struct text text = {0};

    if (session->mode != MODE_TABLE && session->mode != MODE_PLAIN) {
        print_summary(importing);
        return;
    }
    value_show_count(&text, importing->records);
    text_string(&text, " records, ");
    value_show_size(&text, importing->bytes);
    if (importing->skipped != 0)
        text_format(&text, "; %" PRIu64 " manifests and stand-ins passed over", importing->skipped);
    if (session_stopped(session) == 0) /* Else it was said with how to go on. */
        note(session, "%s", text_c_string(&text));
    text_deinit(&text);
}

/* Not an error: a part was exported, and the bookmark is there for who imports the rest. */
static void note_astray(const struct importing *importing)
{
    if (importing->astray != 0)
        warn(importing->session,
             "%" PRIu64 " bookmarks name records that were not imported with them",
             importing->astray);
}

static int open_input(struct importing *importing)
{
    const struct invocation *invocation = importing->session->invocation;
    const char *path = invocation->operand_count == 0 ? "-" : invocation->operands[0].text;
    int descriptor = STDIN_FILENO;
    struct stat info;

    importing->name = STANDARD_INPUT;
    if (strcmp(path, "-") != 0) {
        importing->name = path;
        descriptor = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (descriptor < 0)
        return report(importing->session, ERROR_FILE_UNREADABLE, path, strerror(errno));
    if (fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode))
        importing->total_bytes = (uint64_t)info.st_size;
    input_init(&importing->input, descriptor, INPUT_LINE, LINE_BYTES_MAX);
    importing->input.stop_descriptor = importing->session->stop->descriptor;
    return CODE_OK;
}

int run_import(struct session *session)
{
    flume_log_options options = {.profile = session_profile(session)};
    struct importing importing = {.session = session, .input.descriptor = -1};
    int code, status;

    if (invocation_has(session->invocation, OPTION_CREATE))
        options.flags |= FLUME_OPEN_CREATE;
    session_take_signals(session);
    code = open_input(&importing); /* Before the basin: a mistyped file makes none. */
    if (code == CODE_OK)
        code = session_open(session, &options, &importing.log);
    cancel_begin(session);
    progress_begin(&importing.progress, session, "import", PROGRESS_BYTES);
    if (code == CODE_OK)
        code = import_stream(&importing);
    cancel_end(session);
    if (importing.log != NULL) {
        status = session_close(session);
        if (status != FLUME_OK)
            code = exit_code_worse(code, report_status(session, status, NULL));
        if (code == CODE_OK || code == CODE_PARTIAL || code > CODE_INTERNAL)
            summary(&importing);
        note_astray(&importing);
    }
    drop_batch(&importing);
    renumber_deinit(&importing.renumber);
    free(importing.batch);
    if (importing.input.descriptor > STDIN_FILENO)
        close(importing.input.descriptor);
    input_deinit(&importing.input);
    return code;
}
