/*
 * report.c - what goes to stderr: errors with their place, warnings, notes (session.h).
 *
 * What always holds: a message is written by one call, so messages of two threads do not mix; with
 * --json each is one object on one line.
 */
#include <errno.h>
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
    int code;
    const char *name;
    const char *cause;
    const char *remedy;
    const char *suggestion;
    const char *dashes; /* Before the suggestion, as it would be typed. */
    int token;
    size_t at, bytes;
    int system_errno;
    uint64_t seq;
    const struct text *candidate_lines, *candidate_json; /* NULL: none. */
};

static void complain_json(struct session *session, const struct complaint *complaint,
                          struct place *place)
{
    struct text text = {0};

    object_begin(&text, "error");
    object_uint(&text, "code", (uint64_t)complaint->code);
    object_string(&text, "name", complaint->name);
    object_string(&text, "message", complaint->cause);
    if (complaint->token > 0) {
        object_string(&text, "arg", session->invocation->argv[complaint->token]);
        object_uint(&text, "col", place->cells + 1);
    }
    object_seq(&text, "seq", complaint->seq);
    if (complaint->system_errno != 0) {
        object_uint(&text, "errno", (uint64_t)complaint->system_errno);
        object_string(&text, "system", strerror(complaint->system_errno));
    }
    if (complaint->remedy != NULL && *complaint->remedy != '\0')
        object_string(&text, "remedy", complaint->remedy);
    if (complaint->suggestion != NULL) {
        struct text whole = {0};

        text_format(&whole, "%s%s", complaint->dashes, complaint->suggestion);
        object_key(&text, "suggest");
        text_char(&text, '[');
        object_put_string(&text, whole.data, whole.bytes);
        text_char(&text, ']');
        text_deinit(&whole);
    }
    if (complaint->candidate_json != NULL) {
        object_key(&text, "candidates");
        text_char(&text, '[');
        text_add(&text, complaint->candidate_json->data, complaint->candidate_json->bytes);
        text_char(&text, ']');
    }
    object_end(&text);
    write_error(&text);
}

static void complain_plain(struct session *session, const struct complaint *complaint,
                           struct place *place)
{
    struct text text = {0};

    text_string(&text, session->error_color ? "\x1b[1;31merror:\x1b[0m " : "error: ");
    utf8_show(&text, complaint->cause, strlen(complaint->cause), 0);
    if (complaint->system_errno != 0 &&
        strstr(complaint->cause, strerror(complaint->system_errno)) == NULL)
        text_format(&text, ": %s", strerror(complaint->system_errno));
    text_char(&text, '\n');
    if (complaint->token > 0) {
        text_string(&text, "  ");
        text_add(&text, place->line.data, place->line.bytes);
        text_format(&text, "\n  %*s", (int)place->cells, "");
        text_char(&text, '^');
        for (size_t i = 1; i < place->marked; i++)
            text_char(&text, '~');
        text_char(&text, '\n');
    }
    if (complaint->suggestion != NULL)
        text_format(&text, "  did you mean %s%s?\n", complaint->dashes, complaint->suggestion);
    if (complaint->candidate_lines != NULL)
        text_add(&text, complaint->candidate_lines->data, complaint->candidate_lines->bytes);
    if (complaint->remedy != NULL && *complaint->remedy != '\0') {
        text_string(&text, "  ");
        utf8_show(&text, complaint->remedy, strlen(complaint->remedy), 0);
        text_char(&text, '\n');
    }
    write_error(&text);
}

static int complain(struct session *session, const struct complaint *complaint)
{
    struct place place = {0};

    fflush(stdout); /* Rows that came before the error are seen before it. */
    if (complaint->token > 0)
        show_command_line(&place, session->invocation, complaint->token, complaint->at,
                          complaint->bytes);
    if (session->json_errors)
        complain_json(session, complaint, &place);
    else
        complain_plain(session, complaint, &place);
    text_deinit(&place.line);
    return complaint->code;
}

int report_parse_error(struct session *session, const struct parse_error *error)
{
    struct complaint complaint = {.code = CODE_USAGE,
                                  .name = "usage",
                                  .cause = error->cause,
                                  .remedy = error->remedy,
                                  .suggestion = error->suggestion,
                                  .dashes = "",
                                  .token = error->token,
                                  .at = error->at,
                                  .bytes = error->bytes,
                                  .seq = FLUME_SEQ_NONE};
    const char *word = error->token > 0 ? session->invocation->argv[error->token] : "";

    if (error->at == 0 && strncmp(word, "--", 2) == 0)
        complaint.dashes = "--";
    return complain(session, &complaint);
}

int report_at(struct session *session, int code, const char *name, int token, size_t at,
              size_t bytes, const char *cause, const char *remedy)
{
    struct complaint complaint = {.code = code,
                                  .name = name,
                                  .cause = cause,
                                  .remedy = remedy,
                                  .token = token,
                                  .at = at,
                                  .bytes = bytes,
                                  .seq = FLUME_SEQ_NONE};

    return complain(session, &complaint);
}

int report_suggestion(struct session *session, int code, const char *name,
                      struct reference_place place, const char *cause, const char *remedy,
                      const char *dashes, const char *suggestion)
{
    struct complaint complaint = {.code = code,
                                  .name = name,
                                  .cause = cause,
                                  .remedy = remedy,
                                  .suggestion = suggestion,
                                  .dashes = dashes,
                                  .token = place.token,
                                  .at = place.at,
                                  .seq = FLUME_SEQ_NONE};

    return complain(session, &complaint);
}

int report_candidates(struct session *session, struct reference_place place, const char *cause,
                      const char *remedy, const struct text *lines, const struct text *json)
{
    struct complaint complaint = {.code = CODE_AMBIGUOUS,
                                  .name = flume_status_name(FLUME_ERR_AMBIGUOUS),
                                  .cause = cause,
                                  .remedy = remedy,
                                  .token = place.token,
                                  .at = place.at,
                                  .seq = FLUME_SEQ_NONE,
                                  .candidate_lines = lines,
                                  .candidate_json = json};

    return complain(session, &complaint);
}

int report(struct session *session, int code, const char *name, const char *remedy,
           const char *format, ...)
{
    struct complaint complaint = {
        .code = code, .name = name, .remedy = remedy, .seq = FLUME_SEQ_NONE};
    struct text cause = {0};
    va_list arguments;

    va_start(arguments, format);
    text_format_list(&cause, format, arguments);
    va_end(arguments);
    complaint.cause = text_c_string(&cause);
    complain(session, &complaint);
    text_deinit(&cause);
    return code;
}

static const char *remedy_for(int status)
{
    switch (status) {
    case FLUME_ERR_NO_BASIN:
        return "to make one: flume PATH init, or append --create";
    case FLUME_ERR_DAMAGED:
        return "what is damaged: flume DB check";
    case FLUME_ERR_TAIL_LOST:
        return "what is there: flume DB check; to go on without the rest: repair --accept-loss";
    case FLUME_ERR_TOO_LARGE:
        return "a record holds at most 16 MiB: --each splits, or store a part";
    case FLUME_ERR_BUSY:
        return "wait longer with --timeout SEC; who is attached: flume DB stat";
    case FLUME_ERR_VERSION:
        return "a newer flume is needed";
    default:
        return NULL;
    }
}

int report_status(struct session *session, int status, const flume_error *error)
{
    bool detailed = error != NULL && error->message[0] != '\0';
    struct complaint complaint = {
        .code = exit_code_of(status),
        .name = flume_status_name(status),
        .cause = detailed ? error->message : flume_strerror(status),
        /* The library's detail may say itself what to do. */
        .remedy = detailed && strstr(error->message, "flume ") != NULL ? NULL : remedy_for(status),
        .system_errno = error != NULL ? error->system_errno : 0,
        .seq = error != NULL ? error->seq : FLUME_SEQ_NONE};

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
