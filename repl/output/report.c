/*
 * report.c - what goes to stderr: errors with their place, warnings, notes (report.h).
 *
 * What always holds: a message is written by one call, so messages of two threads do not mix; with
 * --json each is one object on one line.
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "object.h"
#include "session.h"
#include "utf8.h"

enum { COMMAND_LINE_CELLS_MAX = 76 };

struct place {
    struct text line; /* The command line as shown. */
    size_t cells;     /* Before the word at fault, */
    size_t marked;    /* and of it. */
};

static bool needs_quotes(const char *word)
{
    return *word == '\0' || strpbrk(word, " \t\n\"'\\$`|&;<>()*?#!") != NULL;
}

/* One word of the command line, and, if it is the one at fault, where the caret goes. */
static void show_word(struct place *place, const char *word, bool at_fault, size_t at, size_t bytes,
                      size_t cells_max)
{
    size_t word_bytes = strlen(word);
    const char *quote = needs_quotes(word) ? "'" : "";

    text_string(&place->line, quote);
    if (!at_fault) {
        place->cells += utf8_show(&place->line, word, word_bytes, cells_max) + 2 * strlen(quote);
        text_string(&place->line, quote);
        return;
    }
    if (at > word_bytes)
        at = word_bytes;
    if (bytes == 0 || bytes > word_bytes - at)
        bytes = word_bytes - at;
    place->cells += strlen(quote) + utf8_show(&place->line, word, at, cells_max);
    place->marked = utf8_show(&place->line, word + at, bytes, cells_max);
    utf8_show(&place->line, word + at + bytes, word_bytes - at - bytes, cells_max);
    text_string(&place->line, quote);
}

/* The command line, without the program and the basin. Too long a line is shown from its command
 * on as the word at fault alone. */
static void show_command_line(struct place *place, const struct invocation *invocation, int token,
                              size_t at, size_t bytes)
{
    size_t total = 0;
    bool seen = false;

    for (int i = 1; i < invocation->argc; i++)
        total += i == invocation->db_token ? 0 : strlen(invocation->argv[i]) + 1;
    for (int i = 1; i < invocation->argc; i++) {
        bool is_command = invocation->command != NULL &&
                          strcmp(invocation->argv[i], invocation->command->name) == 0;

        if ((i == invocation->db_token && i != token) ||
            (total > COMMAND_LINE_CELLS_MAX && i != token && !is_command))
            continue;
        if (place->line.bytes != 0) {
            text_char(&place->line, ' ');
            place->cells += seen ? 0 : 1;
        }
        if (seen) {
            size_t keep = place->cells;

            show_word(place, invocation->argv[i], false, 0, 0, COMMAND_LINE_CELLS_MAX);
            place->cells = keep;
        } else {
            seen = i == token;
            show_word(place, invocation->argv[i], seen, at, bytes, COMMAND_LINE_CELLS_MAX);
        }
    }
}

static void write_error(struct text *text)
{
    if (!text->failed)
        (void)fwrite(text->data, 1, text->bytes, stderr); /* Nowhere left to report to. */
    text_deinit(text);
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
        utf8_show(text, remedy, strlen(remedy), 0);
        text_char(text, ')');
    }
    text_char(text, '\n');
}

static void complain_json(struct session *session, const struct complaint *complaint,
                          struct place *place)
{
    const struct report_detail *detail = &complaint->detail;
    struct text text = {0};

    object_begin(&text, "error");
    object_uint(&text, "code", (uint64_t)complaint->code);
    object_string(&text, "name", complaint->name);
    object_string(&text, "message", complaint->cause);
    if (detail->place.token > 0) {
        object_string(&text, "arg", session->invocation->argv[detail->place.token]);
        object_uint(&text, "col", place->cells + 1);
    }
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
    write_error(&text);
}

static void complain_plain(struct session *session, const struct complaint *complaint,
                           struct place *place)
{
    const struct report_detail *detail = &complaint->detail;
    struct text text = {0};

    text_string(&text, session->error_color ? "\x1b[1;31merror:\x1b[0m " : "error: ");
    utf8_show(&text, complaint->cause, strlen(complaint->cause), 0);
    if (complaint->system_errno != 0 &&
        strstr(complaint->cause, strerror(complaint->system_errno)) == NULL)
        text_format(&text, ": %s", strerror(complaint->system_errno));
    text_char(&text, '\n');
    if (detail->place.token > 0) {
        text_string(&text, "  ");
        text_add(&text, place->line.data, place->line.bytes);
        text_format(&text, "\n  %*s", (int)place->cells, "");
        text_char(&text, '^');
        for (size_t i = 1; i < place->marked; i++)
            text_char(&text, '~');
        text_char(&text, '\n');
    }
    if (detail->candidate_lines != NULL)
        text_add(&text, detail->candidate_lines->data, detail->candidate_lines->bytes);
    if (detail->suggestion != NULL && detail->suggestion->count > 0) {
        suggest_plain(&text, detail->suggestion, complaint->remedy);
    } else if (*complaint->remedy != '\0') {
        text_string(&text, "  ");
        utf8_show(&text, complaint->remedy, strlen(complaint->remedy), 0);
        text_char(&text, '\n');
    }
    write_error(&text);
}

static int complain(struct session *session, const struct complaint *complaint)
{
    const struct reference_place *at = &complaint->detail.place;
    struct place place = {0};

    fflush(stdout); /* Rows that came before the error are seen before it. */
    if (at->token > 0)
        show_command_line(&place, session->invocation, at->token, at->at, at->bytes);
    if (session->json_errors)
        complain_json(session, complaint, &place);
    else
        complain_plain(session, complaint, &place);
    text_deinit(&place.line);
    return complaint->code;
}

/* A message of the catalogue. */
static int report_list(struct session *session, const struct report_detail *detail,
                       const struct error_message *message, va_list arguments)
{
    struct complaint complaint = {.detail = *detail, .seq = FLUME_SEQ_NONE};
    struct text cause = {0}, remedy = {0};

    text_format_list(&cause, message->format, arguments);
    error_fill(&remedy, message->remedy, detail->fill);
    complaint.code = detail->code != 0 ? detail->code : message->code;
    complaint.name = message->name;
    complaint.cause = text_c_string(&cause);
    complaint.remedy = text_c_string(&remedy);
    complain(session, &complaint);
    text_deinit(&cause);
    text_deinit(&remedy);
    return complaint.code;
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

int report_fault(struct session *session, struct reference_place place, const struct fault *fault)
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
    write_error(&text);
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
