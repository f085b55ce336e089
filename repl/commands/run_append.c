/*
 * run_append.c - `flume append`.
 *
 * What always holds: a record is printed only after it was appended (under --safe and --paranoid:
 * after it was made durable), and stdout is flushed before stdin is waited for. So whoever reads
 * the output may rely on every line of it, also when this process is killed in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "input.h"
#include "json_scan.h"
#include "object.h"
#include "resolve.h"
#include "rows.h"
#include "run.h"
#include "utf8.h"

enum { CONFLICT_TRIES_MAX = 100, ROWS_ON_TERMINAL_MAX = 10 };

struct appending {
    struct session *session;
    flume_log *log;
    flume_entry entry; /* All but the body, as the options say. */
    const char **labels;
    const struct option_use *codec; /* NULL: by the bytes. */
    struct grid grid;
    uint64_t record_count, byte_count;
};

/* ---- what goes in ---- */

static int take_options(struct appending *appending)
{
    const struct invocation *invocation = appending->session->invocation;
    const struct option_use *time = invocation_option(invocation, OPTION_TIME);

    appending->codec = invocation_option(invocation, OPTION_CODEC);
    appending->labels = calloc(invocation->option_count + 1, sizeof(appending->labels[0]));
    if (appending->labels == NULL)
        return report_status(appending->session, FLUME_ERR_NO_MEMORY, NULL);
    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == OPTION_LABEL)
            appending->labels[appending->entry.label_count++] = invocation->options[i].text;
    appending->entry.labels = appending->labels;
    appending->entry.kind = (uint8_t)invocation_number(invocation, OPTION_KIND, 0);
    if (time != NULL)
        appending->entry.time_ns = value_time_ns(time->time);
    return CODE_OK;
}

/* An entry for a body; the codec is the one named, or what the bytes are. */
static int make_entry(struct appending *appending, const char *body, size_t bytes,
                      flume_entry *out_entry)
{
    bool json_stream = invocation_number(appending->session->invocation, OPTION_EACH, 0) ==
                       INPUT_JSON;

    *out_entry = appending->entry;
    out_entry->body = body;
    out_entry->body_bytes = bytes;
    if (appending->codec != NULL)
        out_entry->codec = (uint16_t)appending->codec->number;
    else if (json_stream)
        out_entry->codec = FLUME_CODEC_JSON;
    else
        out_entry->codec = utf8_valid(body, bytes) ? FLUME_CODEC_TEXT : FLUME_CODEC_RAW;
    if (out_entry->codec == FLUME_CODEC_JSON && !json_stream && !json_scan_valid(body, bytes))
        return report(appending->session, ERROR_RECORD_NOT_JSON);
    if (out_entry->codec == FLUME_CODEC_TEXT && appending->codec != NULL &&
        !utf8_valid(body, bytes))
        return report(appending->session, ERROR_RECORD_NOT_TEXT);
    return CODE_OK;
}

/* ---- what comes out ---- */

static const struct grid_column appended_columns[] = {
    {"seq", 4, false}, {"bytes", 6, true}, {"labels", 0, false}};

static void put_labels(struct grid *grid, const flume_entry *entry)
{
    struct text json = {0}, shown = {0};

    for (size_t i = 0; i < entry->label_count; i++) {
        text_string(&json, i == 0 ? "[" : ",");
        object_put_string(&json, entry->labels[i], strlen(entry->labels[i]));
    }
    text_string(&json, entry->label_count == 0 ? "[]" : "]");
    rows_join_labels(&shown, entry->labels, entry->label_count);
    if (grid->session->json)
        grid_list(grid, &json, &shown);
    else
        grid_bytes(grid, shown.data, shown.bytes);
    text_deinit(&json);
    text_deinit(&shown);
}

static void print_appended(struct appending *appending, uint64_t seq, size_t bytes)
{
    struct session *session = appending->session;
    struct grid *grid = &appending->grid;

    appending->record_count++;
    appending->byte_count += bytes;
    session_printed(session, seq);
    if (!session->json &&
        (session->quiet || (session->mode == MODE_TABLE && session->out_terminal &&
                            appending->record_count > ROWS_ON_TERMINAL_MAX)))
        return;
    grid_seq(grid, seq);
    grid_size(grid, bytes);
    put_labels(grid, &appending->entry);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
}

static void print_summary(struct appending *appending)
{
    struct text size = {0};

    if (appending->session->json || !appending->session->error_terminal ||
        appending->record_count < 2)
        return;
    value_show_count(&size, appending->record_count);
    text_string(&size, " records, ");
    value_show_size(&size, appending->byte_count);
    (void)fflush(stdout); /* The rows come first; a failure shows when it is flushed again. */
    note(appending->session, "%s", text_c_string(&size));
    text_deinit(&size);
}

/* ---- appending ---- */

static int append_one(struct appending *appending, const char *body, size_t bytes)
{
    flume_entry entry;
    uint64_t seq;
    int code = make_entry(appending, body, bytes, &entry);
    int status;

    if (code != CODE_OK)
        return code;
    status = flume_log_append_entry(appending->log, &entry, &seq);
    if (status != FLUME_OK)
        return report_log_error(appending->session, appending->log, status);
    print_appended(appending, seq, bytes);
    return CODE_OK;
}

static int report_input(struct appending *appending, const struct input *input, const char *name,
                        enum input_answer answer)
{
    struct session *session = appending->session;
    /* What went in before stays in. */
    const struct report_detail detail = {.code = appending->record_count == 0 ? CODE_USAGE
                                                                              : CODE_PARTIAL};

    if (answer == INPUT_TOO_LARGE)
        return report_with(session, &detail, ERROR_RECORD_TOO_LARGE, name, input->line,
                           input->number);
    return report_with(session, &detail, ERROR_VALUE_NOT_JSON, name, input->line, input->number);
}

/* What was appended stays. */
static int report_cancelled(struct appending *appending)
{
    return cancel_report(appending->session, &(struct cancelled){.done = appending->record_count,
                                                                 .units = "records",
                                                                 .did = "appended"});
}

/* Everything of a stream, as it comes. */
static int append_stream(struct appending *appending, int descriptor, const char *name,
                         enum input_split split)
{
    struct input input;
    enum input_answer answer;
    const char *data = NULL;
    size_t bytes = 0;
    int code = CODE_OK, status;

    input_init(&input, descriptor, split, FLUME_BODY_BYTES_MAX);
    input.stop_descriptor = appending->session->stop->descriptor;
    do {
        if (session_stopped(appending->session) != 0) {
            code = report_cancelled(appending);
            break;
        }
        answer = input_next(&input, &data, &bytes);
        if (answer == INPUT_RECORD) {
            code = append_one(appending, bytes == 0 ? "" : data, bytes);
        } else if (answer == INPUT_EMPTY) {
            code = session_flush(appending->session);
            status = code == CODE_OK ? input_fill(&input) : 0;
            if (status != 0 && status != -ECANCELED)
                code = report(appending->session, ERROR_FILE_UNREADABLE, name, strerror(-status));
        } else if (answer != INPUT_END) {
            code = report_input(appending, &input, name, answer);
        }
    } while (code == CODE_OK && answer != INPUT_END);
    input_deinit(&input);
    return code;
}

static int append_file(struct appending *appending, const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    int code;

    if (descriptor < 0)
        return report(appending->session, ERROR_FILE_UNREADABLE, path, strerror(errno));
    code = append_stream(appending, descriptor, path, INPUT_WHOLE);
    close(descriptor);
    return code;
}

/* Everything named on the command line, in its order. A piece that fails does not stop the others,
 * except where nothing more can be appended. */
static int append_pieces(struct appending *appending)
{
    const struct invocation *invocation = appending->session->invocation;
    size_t option = 0, operand = 0;
    int worst = CODE_OK;

    while (worst <= CODE_INTERNAL &&
           (option < invocation->option_count || operand < invocation->operand_count)) {
        const struct option_use *use =
            option < invocation->option_count ? &invocation->options[option] : NULL;
        const struct operand *text =
            operand < invocation->operand_count ? &invocation->operands[operand] : NULL;
        int code = CODE_OK;

        if (use != NULL && (text == NULL || use->token < text->token)) {
            option++;
            if (use->id == OPTION_FILE)
                code = append_file(appending, use->text);
        } else {
            operand++;
            code = strcmp(text->text, "-") == 0
                       ? append_stream(appending, STDIN_FILENO, "standard input", INPUT_WHOLE)
                       : append_one(appending, text->text, strlen(text->text));
        }
        worst = exit_code_worse(worst, code);
    }
    if (worst != CODE_OK && appending->record_count != 0 && worst < CODE_DAMAGED)
        worst = CODE_PARTIAL;
    return worst;
}

/* ---- appending on a condition ---- */

/* Whether seq is still the newest record; *out_head is the head at which that was seen. */
static int is_still_last(struct appending *appending, uint64_t seq, uint64_t *out_head)
{
    uint64_t last = FLUME_SEQ_NONE;
    int status;

    *out_head = flume_log_head(appending->log);
    status = resolve_last(appending->session, appending->log, 0, &last);
    if (status != FLUME_OK)
        return report_log_error(appending->session, appending->log, status);
    /* A record behind the head that was taken makes the append itself fail. */
    if (last == seq || last >= *out_head)
        return CODE_OK;
    return report(appending->session, ERROR_NOT_LAST, seq, last);
}

static int append_if_last(struct appending *appending, const struct option_use *use)
{
    const struct invocation *invocation = appending->session->invocation;
    size_t count = invocation->operand_count;
    flume_entry *entries = calloc(count + 1, sizeof(*entries));
    flume_condition condition = {.check = FLUME_IF_HEAD};
    struct reference_place place = {use->token, use->text_at, 0};
    int code = entries == NULL ? report_status(appending->session, FLUME_ERR_NO_MEMORY, NULL)
                               : CODE_OK;
    int status = FLUME_ERR_CONFLICT;
    uint64_t seq = 0, first = 0;

    for (size_t i = 0; i < count && code == CODE_OK; i++)
        code = make_entry(appending, invocation->operands[i].text,
                          strlen(invocation->operands[i].text), &entries[i]);
    if (code == CODE_OK)
        code = resolve(appending->session, appending->log, &use->reference, place, &seq);
    /* Another writer's manifest also moves the head: then it is looked at again. */
    for (int i = 0; i < CONFLICT_TRIES_MAX && code == CODE_OK && status == FLUME_ERR_CONFLICT;
         i++) {
        code = is_still_last(appending, seq, &condition.head);
        if (code == CODE_OK)
            status = flume_log_append_many(appending->log, entries, count, &condition, &first);
    }
    if (code == CODE_OK && status != FLUME_OK)
        code = report_log_error(appending->session, appending->log, status);
    for (size_t i = 0; i < count && code == CODE_OK; i++)
        print_appended(appending, first + i, entries[i].body_bytes);
    free(entries);
    return code;
}

/* ---- the command ---- */

static int check_usage(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    bool each = invocation_has(invocation, OPTION_EACH);
    bool file = invocation_has(invocation, OPTION_FILE);
    bool if_last = invocation_has(invocation, OPTION_IF_LAST);
    bool from_input = false;

    for (size_t i = 0; i < invocation->operand_count; i++)
        from_input = from_input || strcmp(invocation->operands[i].text, "-") == 0;
    if (!each && !file && invocation->operand_count == 0)
        return report(session, ERROR_NOTHING_TO_APPEND);
    if (each &&
        (file || invocation->operand_count > 1 || (invocation->operand_count == 1 && !from_input)))
        return report(session, ERROR_EACH_READS_INPUT);
    if (if_last && (each || file || from_input))
        return report(session, ERROR_AFTER_WITHOUT_TEXT);
    return CODE_OK;
}

static int append_all(struct appending *appending)
{
    const struct invocation *invocation = appending->session->invocation;
    const struct option_use *each = invocation_option(invocation, OPTION_EACH);
    const struct option_use *if_last = invocation_option(invocation, OPTION_IF_LAST);

    if (if_last != NULL)
        return append_if_last(appending, if_last);
    if (each != NULL)
        return append_stream(appending, STDIN_FILENO, "standard input",
                             (enum input_split)each->number);
    return append_pieces(appending);
}

int run_append(struct session *session)
{
    flume_log_options options = {.profile = session_profile(session)};
    struct appending appending = {.session = session};
    int code = check_usage(session), status;

    grid_init(&appending.grid, session, "appended", appended_columns,
              sizeof(appended_columns) / sizeof(appended_columns[0]));
    grid_make_bare(&appending.grid);
    if (invocation_has(session->invocation, OPTION_CREATE))
        options.flags |= FLUME_OPEN_CREATE;
    if (code == CODE_OK)
        code = take_options(&appending);
    session_take_signals(session);
    if (code == CODE_OK)
        code = session_open(session, &options, &appending.log);
    cancel_begin(session);
    if (code == CODE_OK)
        code = append_all(&appending);
    if (session_stopped(session) == 0)
        print_summary(&appending);
    cancel_end(session);
    status = session_close(session);
    if (status != FLUME_OK)
        code = exit_code_worse(code, report_status(session, status, NULL));
    free(appending.labels);
    return code;
}
