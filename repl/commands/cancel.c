/*
 * cancel.c - ending a command in its midst (cancel.h).
 */
#include "cancel.h"

#include <string.h>

#include "object.h"
#include "utf8.h"

void cancel_begin(struct session *session)
{
    session_take_signals(session);
    stop_hold(session->stop);
}

void cancel_end(struct session *session)
{
    stop_release(session->stop);
}

static void add_amount(struct text *text, const struct cancelled *cancelled, uint64_t amount)
{
    if (strcmp(cancelled->units, "bytes") == 0)
        value_show_size(text, amount);
    else
        value_show_count(text, amount);
}

/* "12,480 of 100,000 records exported" */
static void add_message(struct text *text, const struct cancelled *cancelled)
{
    bool is_size = cancelled->units != NULL && strcmp(cancelled->units, "bytes") == 0;

    if (cancelled->units != NULL) {
        add_amount(text, cancelled, cancelled->done);
        if (cancelled->total > cancelled->done) {
            text_string(text, " of ");
            add_amount(text, cancelled, cancelled->total);
        }
        text_char(text, ' ');
        if (!is_size) { /* A size has its unit already. */
            size_t bytes = strlen(cancelled->units);
            bool is_one = cancelled->done == 1 && cancelled->total <= 1;

            text_add(text, cancelled->units, bytes - (is_one ? 1 : 0));
            text_char(text, ' ');
        }
    }
    text_string(text, cancelled->did);
}

static void add_object(struct text *text, const struct cancelled *cancelled,
                       const struct text *message, int code)
{
    object_begin(text, "cancelled");
    object_uint(text, "code", (uint64_t)code);
    object_bytes(text, "message", message->data, message->bytes);
    if (cancelled->units != NULL) {
        object_uint(text, "done", cancelled->done);
        if (cancelled->total != 0)
            object_uint(text, "total", cancelled->total);
        object_string(text, "unit", cancelled->units);
    }
    if (cancelled->remedy != NULL)
        object_string(text, "remedy", cancelled->remedy);
    object_end(text);
}

int cancel_report(struct session *session, const struct cancelled *cancelled)
{
    int code = 128 + session_stopped(session);
    struct text message = {0}, text = {0};

    if (code == CODE_PIPE_CLOSED)
        return code; /* Who looked at it has left: there is nothing to say. */
    add_message(&message, cancelled);
    if (session->json_errors) {
        add_object(&text, cancelled, &message, code);
    } else {
        /* The terminal has written ^C, which is shorter than what takes its place. */
        text_string(&text, session->error_terminal ? "\rcancelled: " : "cancelled: ");
        utf8_show(&text, message.data, message.bytes, 0);
        if (cancelled->remedy != NULL) {
            text_string(&text, "; ");
            utf8_show(&text, cancelled->remedy, strlen(cancelled->remedy), 0);
        }
        text_char(&text, '\n');
    }
    emit_before_error(session); /* Rows that came before it are seen before it. */
    emit_message(session, &text);
    text_deinit(&message);
    text_deinit(&text);
    return code;
}

int cancel_say(struct session *session, const char *remedy, const char *format, ...)
{
    struct cancelled cancelled = {.remedy = remedy};
    struct text words = {0};
    va_list arguments;
    int code;

    va_start(arguments, format);
    text_format_list(&words, format, arguments);
    va_end(arguments);
    cancelled.did = text_c_string(&words);
    code = cancel_report(session, &cancelled);
    text_deinit(&words);
    return code;
}
