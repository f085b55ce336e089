/*
 * report.c - what goes to stderr: errors with their place, warnings, notes (report.h).
 *
 * What always holds: a message is written by one call, so messages of two threads do not mix; with
 * --json each is one object on one line.
 */
#include "report.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "caret.h"
#include "line.h"
#include "object.h"
#include "session.h"
#include "shell.h"
#include "utf8.h"

enum {
    WINDOW_CELLS = 76,
    INDENT_CELLS = 2,
    WIDTH_LEAST = 20,
    MESSAGE_CELLS = 600,
    MESSAGE_BYTES_MAX = 1000
};

/* Where an error is, as far as that is known. */
struct spot {
    bool is_shown;    /* With the line and a caret. */
    const char *file; /* Of the script; NULL: none. */
    size_t line_number;
    struct caret caret;
};

/* Characters that a shell would not take as they are; line_quote() knows flume's own, and those
 * that single quotes do not hold on one line. */
static bool needs_quotes(const char *word)
{
    return strpbrk(word, "$`&;()*?") != NULL && strpbrk(word, "'\t\r\n") == NULL;
}

/* A word of the command line as it may have been typed. */
static void add_word(struct text *line, const char *word)
{
    if (!needs_quotes(word)) {
        line_quote(line, word, strlen(word));
        return;
    }
    text_char(line, '\'');
    text_string(line, word);
    text_char(line, '\'');
}

/* The command line, without the program and the basin. */
static void find_in_words(struct spot *spot, const struct invocation *invocation,
                          const struct reference_place *place, size_t cells_max)
{
    struct line_word word = {0, 0};
    const struct line one_word = {.words = &word};
    struct text line = {0};
    size_t at;

    for (int i = 1; i < invocation->argc; i++) {
        if (i == invocation->db_token && i != place->token)
            continue;
        if (line.bytes != 0)
            text_char(&line, ' ');
        at = line.bytes;
        add_word(&line, invocation->argv[i]);
        if (i == place->token)
            word = (struct line_word){at, line.bytes - at};
    }
    if (!line.failed) {
        size_t end = place->at + place->bytes;

        at = place->at == 0 ? word.at : line_place(line.data, &one_word, 0, place->at);
        end = place->bytes == 0 ? word.at + word.bytes : line_place(line.data, &one_word, 0, end);
        caret_init(&spot->caret, line.data, line.bytes, at, end - at, cells_max);
        spot->is_shown = true;
    }
    text_deinit(&line);
}

/* Which word of the shell's line this one is; 0: none, as where a line runs another command. */
static int find_word(const struct line *line, const char *word)
{
    for (int i = 1; i < line->argc; i++)
        if (line->argv[i] == word)
            return i;
    return 0;
}

/* In the line that was typed. */
static void find_in_line(struct spot *spot, const struct shell *shell, int index,
                         const struct reference_place *place, size_t cells_max)
{
    const struct line *line = shell->line;
    const struct line_word *word = &line->words[index];
    size_t at = place->at == 0 ? word->at : line_place(shell->source, line, index, place->at);
    size_t end = place->bytes == 0
                     ? word->at + word->bytes
                     : line_place(shell->source, line, index, place->at + place->bytes);

    caret_init(&spot->caret, shell->source, line->source_bytes, at, end - at, cells_max);
    spot->is_shown = true;
}

/* At the command as a whole, or what there is of it. */
static void find_beginning(struct spot *spot, const struct shell *shell)
{
    const struct line *line = shell->line;
    size_t at = line->argc > 1 ? line->words[1].at : strspn(shell->source, " \t");

    caret_init(&spot->caret, shell->source, line->source_bytes, at, 1, WINDOW_CELLS);
}

/* What fits a row beside the indent, on a narrow terminal too. */
static size_t window_cells(const struct session *session)
{
    size_t width = session->width < WIDTH_LEAST ? WIDTH_LEAST : session->width;
    bool is_narrow = session->error_terminal && width < WINDOW_CELLS + INDENT_CELLS;

    return is_narrow ? width - INDENT_CELLS : WINDOW_CELLS;
}

static void find_spot(struct spot *spot, const struct session *session,
                      const struct report_detail *detail)
{
    const struct reference_place *place = &detail->place;
    const struct shell *shell = session->shell;
    const struct invocation *invocation = session->invocation;
    bool is_typed = shell != NULL && shell->source != NULL;
    size_t cells_max = window_cells(session);
    int index = 0;

    if (is_typed && place->token > 0)
        index = find_word(shell->line, invocation->argv[place->token]);
    if (is_typed && shell->line->form >= LINE_WANTING) {
        caret_init(&spot->caret, shell->source, shell->line->source_bytes, shell->line->fault.at,
                   shell->line->fault.bytes, cells_max);
        spot->is_shown = true;
    } else if (is_typed && detail->target != NULL && detail->target == shell->line->target_text) {
        caret_init(&spot->caret, shell->source, shell->line->source_bytes,
                   shell->line->target_word.at, shell->line->target_word.bytes, cells_max);
        spot->is_shown = true;
    } else if (index > 0) {
        find_in_line(spot, shell, index, place, cells_max);
    } else if (place->token > 0) {
        find_in_words(spot, invocation, place, cells_max);
    } else if (is_typed) {
        find_beginning(spot, shell);
    }
    if (is_typed) {
        spot->file = shell->origin.file;
        spot->line_number = shell->origin.line_number +
                            (index > 0 || place->token == 0 ? spot->caret.newlines : 0);
    }
}

static void write_error(struct session *session, struct text *text)
{
    emit_message(session, text);
    text_deinit(text);
}

static void show(struct text *text, const char *words)
{
    size_t cells, bytes = strlen(words);

    if (caret_show(text, words, bytes, MESSAGE_CELLS, &cells) < bytes)
        text_string(text, "...");
}

/* A string of an object, cut where it is as long as nobody reads. */
static void put_words(struct text *text, const char *key, const char *words)
{
    object_bytes(text, key, words, utf8_fitting(words, strlen(words), MESSAGE_BYTES_MAX));
}

static void show_caret(struct text *text, const struct caret *caret)
{
    text_string(text, "  ");
    text_add(text, caret->line.data, caret->line.bytes);
    text_format(text, "\n  %*s^", (int)caret->cells, "");
    for (size_t i = 1; i < caret->marked; i++)
        text_char(text, '~');
    text_char(text, '\n');
}

/* Everything that can be said about an error; what is absent is NULL or 0. */
struct complaint {
    struct report_detail detail;
    int code;
    const char *name;
    const char *cause;
    const char *remedy; /* Whole: nothing is to be filled in any more. */
    int system_errno;
    uint64_t seq;
};

static void suggest_json(struct text *text, const struct suggestion *suggestion)
{
    object_key(text, "suggest");
    for (size_t i = 0; i < suggestion->count; i++) {
        struct text whole = {0};

        text_format(&whole, "%s%s", suggestion->prefix, suggestion->words[i]);
        text_char(text, i == 0 ? '[' : ',');
        object_put_string(text, whole.data, whole.bytes);
        text_deinit(&whole);
    }
    text_char(text, ']');
}

/* "  did you mean a, b or c?  (remedy)". */
static void suggest_plain(struct text *text, const struct suggestion *suggestion,
                          const char *remedy)
{
    text_string(text, "  did you mean ");
    for (size_t i = 0; i < suggestion->count; i++) {
        text_string(text, i == 0 ? "" : i + 1 == suggestion->count ? " or " : ", ");
        text_string(text, suggestion->prefix);
        utf8_show(text, suggestion->words[i], strlen(suggestion->words[i]), 0);
    }
    text_char(text, '?');
    if (*remedy != '\0') {
        text_string(text, "  (");
        show(text, remedy);
        text_char(text, ')');
    }
    text_char(text, '\n');
}

static void complain_json(struct session *session, const struct complaint *complaint,
                          const struct spot *spot)
{
    const struct report_detail *detail = &complaint->detail;
    struct text text = {0};

    object_begin(&text, "error");
    object_uint(&text, "code", (uint64_t)complaint->code);
    object_string(&text, "name", complaint->name);
    put_words(&text, "message", complaint->cause);
    if (detail->place.token > 0)
        put_words(&text, "arg", session->invocation->argv[detail->place.token]);
    if (spot->file != NULL) {
        object_string(&text, "file", spot->file);
        object_uint(&text, "line", spot->line_number);
    }
    if (spot->is_shown || spot->file != NULL)
        object_uint(&text, "col", spot->caret.column);
    object_seq(&text, "seq", complaint->seq);
    if (complaint->system_errno != 0) {
        object_uint(&text, "errno", (uint64_t)complaint->system_errno);
        object_string(&text, "system", strerror(complaint->system_errno));
    }
    if (*complaint->remedy != '\0')
        object_string(&text, "remedy", complaint->remedy);
    if (detail->suggestion != NULL && detail->suggestion->count > 0)
        suggest_json(&text, detail->suggestion);
    if (detail->candidate_json != NULL) {
        object_key(&text, "candidates");
        text_char(&text, '[');
        text_add(&text, detail->candidate_json->data, detail->candidate_json->bytes);
        text_char(&text, ']');
    }
    object_end(&text);
    write_error(session, &text);
}

static void complain_plain(struct session *session, const struct complaint *complaint,
                           const struct spot *spot)
{
    const struct report_detail *detail = &complaint->detail;
    struct text text = {0};

    if (spot->file != NULL) {
        show(&text, spot->file);
        text_format(&text, ":%zu:%zu: ", spot->line_number, spot->caret.column);
    }
    text_string(&text, session->error_color ? "\x1b[1;31merror:\x1b[0m " : "error: ");
    show(&text, complaint->cause);
    if (complaint->system_errno != 0 &&
        strstr(complaint->cause, strerror(complaint->system_errno)) == NULL)
        text_format(&text, ": %s", strerror(complaint->system_errno));
    text_char(&text, '\n');
    if (spot->is_shown)
        show_caret(&text, &spot->caret);
    if (detail->candidate_lines != NULL)
        text_add(&text, detail->candidate_lines->data, detail->candidate_lines->bytes);
    if (detail->suggestion != NULL && detail->suggestion->count > 0) {
        suggest_plain(&text, detail->suggestion, complaint->remedy);
    } else if (*complaint->remedy != '\0') {
        text_string(&text, "  ");
        show(&text, complaint->remedy);
        text_char(&text, '\n');
    }
    write_error(session, &text);
}

/* To a shell a command is said without the program and the basin. */
static void adapt_remedy(struct text *target, const char *remedy)
{
    static const char program[] = "flume ";
    const char *found;

    while ((found = strstr(remedy, program)) != NULL) {
        const char *word = found + strlen(program);
        size_t bytes;

        word += strncmp(word, "DB ", 3) == 0 ? 3 : strncmp(word, "[DB] ", 5) == 0 ? 5 : 0;
        bytes = strcspn(word, " ;,)");
        text_add(target, remedy, (size_t)(found - remedy));
        if (command_find(word, bytes) == NULL && strncmp(word, "COMMAND", 7) != 0)
            text_add(target, found, (size_t)(word - found));
        remedy = word;
    }
    text_string(target, remedy);
}

static int complain(struct session *session, const struct complaint *complaint)
{
    const struct invocation *invocation = session->invocation;
    struct complaint adapted = *complaint;
    struct spot spot = {.is_shown = false};
    struct text remedy = {0};

    if (invocation->command == command_of(COMMAND_RUN) && !invocation->explains)
        adapted.code = exit_code_of_run(complaint->code);

    emit_before_error(session); /* Rows that came before the error are seen before it. */
    if (session->shell != NULL) {
        session->shell->has_reported = true;
        adapt_remedy(&remedy, complaint->remedy);
        adapted.remedy = text_c_string(&remedy);
    }
    find_spot(&spot, session, &complaint->detail);
    if (session->json_errors)
        complain_json(session, &adapted, &spot);
    else
        complain_plain(session, &adapted, &spot);
    caret_deinit(&spot.caret);
    text_deinit(&remedy);
    return adapted.code;
}

/* A message of the catalogue. */
static int report_list(struct session *session, const struct report_detail *detail,
                       const struct error_message *message, va_list arguments)
{
    struct complaint complaint = {.detail = *detail, .seq = FLUME_SEQ_NONE};
    struct text cause = {0}, remedy = {0};
    int code;

    text_format_list(&cause, message->format, arguments);
    error_fill(&remedy, message->remedy, detail->fill);
    complaint.code = detail->code != 0 ? detail->code : message->code;
    complaint.name = message->name;
    complaint.cause = text_c_string(&cause);
    complaint.remedy = text_c_string(&remedy);
    code = complain(session, &complaint);
    text_deinit(&cause);
    text_deinit(&remedy);
    return code;
}

int report(struct session *session, int code, const char *name, const char *format,
           const char *remedy, ...)
{
    const struct error_message message = {code, name, format, remedy};
    const struct report_detail detail = {.code = 0};
    va_list arguments;

    va_start(arguments, remedy);
    code = report_list(session, &detail, &message, arguments);
    va_end(arguments);
    return code;
}

int report_at(struct session *session, struct reference_place place, int code, const char *name,
              const char *format, const char *remedy, ...)
{
    const struct error_message message = {code, name, format, remedy};
    const struct report_detail detail = {.place = place};
    va_list arguments;

    va_start(arguments, remedy);
    code = report_list(session, &detail, &message, arguments);
    va_end(arguments);
    return code;
}

int report_with(struct session *session, const struct report_detail *detail, int code,
                const char *name, const char *format, const char *remedy, ...)
{
    const struct error_message message = {code, name, format, remedy};
    va_list arguments;

    va_start(arguments, remedy);
    code = report_list(session, detail, &message, arguments);
    va_end(arguments);
    return code;
}

int report_parse_error(struct session *session, const struct parse_error *error)
{
    struct complaint complaint = {.detail = {.place = {error->token, error->at, error->bytes},
                                             .suggestion = &error->suggestion},
                                  .code = error->code,
                                  .name = error->name,
                                  .cause = error->cause,
                                  .remedy = error->remedy,
                                  .seq = FLUME_SEQ_NONE};

    return complain(session, &complaint);
}

int report_line(struct session *session)
{
    const struct line *line = session->shell->line;
    struct complaint complaint = {.code = line->fault.code,
                                  .name = line->fault.name,
                                  .cause = line->fault.cause,
                                  .remedy = line->fault.remedy,
                                  .seq = FLUME_SEQ_NONE};

    return complain(session, &complaint);
}

int report_word_fault(struct session *session, struct reference_place place,
                      const struct fault *fault)
{
    struct complaint complaint = {.detail = {.place = place},
                                  .code = fault->message.code,
                                  .name = fault->message.name,
                                  .cause = fault->message.format,
                                  .remedy = fault->message.remedy,
                                  .seq = FLUME_SEQ_NONE};

    complaint.detail.place.at += fault->at;
    complaint.detail.place.bytes = fault->bytes;
    return complain(session, &complaint);
}

int report_status(struct session *session, int status, const flume_error *error)
{
    bool detailed = error != NULL && error->message[0] != '\0';
    const char *remedy = error_remedy_of(status);
    struct complaint complaint = {.code = exit_code_of(status),
                                  .name = flume_status_name(status),
                                  .cause = detailed ? error->message : flume_strerror(status),
                                  .remedy = remedy,
                                  .system_errno = error != NULL ? error->system_errno : 0,
                                  .seq = error != NULL ? error->seq : FLUME_SEQ_NONE};

    /* The library's detail may say itself what to do. */
    if (remedy == NULL || (detailed && strstr(error->message, "flume ") != NULL))
        complaint.remedy = "";
    return complain(session, &complaint);
}

int report_log_error(struct session *session, flume_log *log, int status)
{
    flume_error error = {.seq = FLUME_SEQ_NONE};

    flume_log_error(log, &error);
    return report_status(session, status, error.status == status ? &error : NULL);
}

int report_flume_error(struct session *session, int status)
{
    flume_error error = {.seq = FLUME_SEQ_NONE};

    flume_last_error(session->flume, &error);
    if (error.status != status)
        flume_log_error(session->log, &error);
    return report_status(session, status, error.status == status ? &error : NULL);
}

static void say(struct session *session, const char *type, const char *format, va_list arguments)
{
    struct text text = {0}, message = {0};

    text_format_list(&message, format, arguments);
    if (session->json_errors) {
        object_begin(&text, type);
        object_bytes(&text, "message", message.data, message.bytes);
        object_end(&text);
    } else {
        text_string(&text, strcmp(type, "warning") == 0 ? "warning: " : "");
        utf8_show(&text, message.data, message.bytes, 0);
        text_char(&text, '\n');
    }
    write_error(session, &text);
    text_deinit(&message);
}

void note(struct session *session, const char *format, ...)
{
    va_list arguments;

    if (session->quiet)
        return;
    va_start(arguments, format);
    say(session, "note", format, arguments);
    va_end(arguments);
}

void warn(struct session *session, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(session, "warning", format, arguments);
    va_end(arguments);
}
