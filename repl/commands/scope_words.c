/*
 * scope_words.c - the scope that words of a command line say (scope_forms.h).
 *
 * A value is read by the library as JSON, as the only member of an object: {"v":VALUE}. What it is
 * nested in becomes part of the key then.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "input.h"
#include "resolve.h"
#include "scope_forms.h"

struct reading {
    struct session *session;
    flume_scope *scope; /* What was read so far, */
    flume_scope *piece; /* and of one word. */
    bool has_read_input;
};

static struct reference_place place_of(const struct operand *operand)
{
    return (struct reference_place){.token = operand->token};
}

static int refuse(struct reading *reading, const struct operand *operand, const flume_scope *scope)
{
    flume_error error;

    flume_scope_error(scope, &error);
    if (error.status == FLUME_ERR_NO_MEMORY)
        return report(reading->session, ERROR_NO_MEMORY);
    return report_at(reading->session, place_of(operand), ERROR_BAD_VARIABLE, error.message);
}

/* One variable more. A key is set once. */
static int take(struct reading *reading, const struct operand *operand,
                const flume_variable *variable)
{
    flume_variable before;

    if (flume_scope_get(reading->scope, variable->key, &before))
        return report_at(reading->session, place_of(operand), ERROR_KEY_TWICE, variable->key);
    if (flume_scope_set_variable(reading->scope, variable) != FLUME_OK)
        return refuse(reading, operand, reading->scope);
    return CODE_OK;
}

/* ---- an object ---- */

static int take_object(struct reading *reading, const struct operand *operand, const char *json,
                       size_t json_bytes)
{
    flume_variable variable;
    int code = CODE_OK;

    flume_scope_clear(reading->piece);
    if (flume_scope_from_json(reading->piece, json, json_bytes) != FLUME_OK)
        return refuse(reading, operand, reading->piece);
    for (size_t i = 0; code == CODE_OK && flume_scope_at(reading->piece, i, &variable); i++)
        code = take(reading, operand, &variable);
    return code;
}

static int take_input(struct reading *reading, const struct operand *operand)
{
    struct session *session = reading->session;
    enum input_answer answer;
    struct input input;
    const char *json = NULL;
    size_t json_bytes = 0;
    int code = CODE_OK, status = 0;

    if (reading->has_read_input)
        return report_at(session, place_of(operand), ERROR_INPUT_TWICE);
    reading->has_read_input = true;
    input_init(&input, STDIN_FILENO, INPUT_WHOLE, FLUME_BODY_BYTES_MAX);
    input.stop_descriptor = session->stop->descriptor;
    while ((answer = input_next(&input, &json, &json_bytes)) == INPUT_EMPTY && status == 0)
        status = input_fill(&input);
    if (session_stopped(session) != 0)
        code = cancel_say(session, NULL, "nothing was done");
    else if (status != 0)
        code = report(session, ERROR_FILE_UNREADABLE, "-", strerror(-status));
    else if (answer != INPUT_RECORD)
        code = report_at(session, place_of(operand), ERROR_SCOPE_INPUT);
    else
        code = take_object(reading, operand, json, json_bytes);
    input_deinit(&input);
    return code;
}

/* ---- KEY=VALUE ---- */

/* Whether it is meant as JSON. What may be a number is tried: 2026-11-20 is none, and a text. */
static bool looks_like_json(const char *value, bool *out_must_be)
{
    *out_must_be = *value == '"' || *value == '{' || *value == '[';
    return *out_must_be || strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
           strcmp(value, "null") == 0 ||
           (*value != '\0' && strspn(value, "0123456789+-.eE") == strlen(value));
}

/* Into reading->piece, under "v" and below. Or the library's status. */
static int read_json(struct reading *reading, const char *value)
{
    struct text json = {0};
    int status;

    text_string(&json, "{\"v\":");
    text_string(&json, value);
    text_char(&json, '}');
    flume_scope_clear(reading->piece);
    status = json.failed ? FLUME_ERR_NO_MEMORY
                         : flume_scope_from_json(reading->piece, json.data, json.bytes);
    text_deinit(&json);
    return status;
}

/* All that was read of a value, with its key before what is nested: "v/a" is KEY/a. */
static int take_all(struct reading *reading, const struct operand *operand, const char *key)
{
    struct text name = {0};
    flume_variable variable;
    int code = CODE_OK;

    for (size_t i = 0; code == CODE_OK && flume_scope_at(reading->piece, i, &variable); i++) {
        /* It was more than one value: 1,"w":2. */
        if (variable.key[0] != 'v' || (variable.key[1] != '\0' && variable.key[1] != '/')) {
            code = report_at(reading->session, place_of(operand), ERROR_NOT_A_VARIABLE);
            break;
        }
        text_clear(&name);
        text_string(&name, key);
        text_string(&name, variable.key + 1);
        variable.key = text_c_string(&name);
        code = take(reading, operand, &variable);
    }
    text_deinit(&name);
    return code;
}

static int take_text(struct reading *reading, const struct operand *operand, const char *key,
                     const char *value)
{
    flume_variable before;

    if (flume_scope_get(reading->scope, key, &before))
        return report_at(reading->session, place_of(operand), ERROR_KEY_TWICE, key);
    if (flume_scope_set_text(reading->scope, key, value) != FLUME_OK)
        return refuse(reading, operand, reading->scope);
    return CODE_OK;
}

static int take_pair(struct reading *reading, const struct operand *operand)
{
    const char *equals = strchr(operand->text, '=');
    bool must_be_json, is_json;
    char *key;
    int code;

    if (equals == NULL || equals == operand->text)
        return report_at(reading->session, place_of(operand), ERROR_NOT_A_VARIABLE);
    key = strndup(operand->text, (size_t)(equals - operand->text));
    if (key == NULL)
        return report(reading->session, ERROR_NO_MEMORY);
    is_json = looks_like_json(equals + 1, &must_be_json);
    if (is_json) {
        int status = read_json(reading, equals + 1);

        if (status == FLUME_ERR_INVALID && !must_be_json)
            is_json = false;
        else if (status != FLUME_OK)
            code = refuse(reading, operand, reading->piece);
        else
            code = take_all(reading, operand, key);
    }
    if (!is_json)
        code = take_text(reading, operand, key, equals + 1);
    free(key);
    return code;
}

/* ---- all ---- */

static int read_labels(struct reading *reading, enum option_id label_option)
{
    const struct invocation *invocation = reading->session->invocation;

    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == label_option &&
            flume_scope_label(reading->scope, invocation->options[i].text) != FLUME_OK) {
            flume_error error;

            flume_scope_error(reading->scope, &error);
            return report_at(reading->session,
                             (struct reference_place){invocation->options[i].token,
                                                      invocation->options[i].text_at, 0},
                             ERROR_BAD_VARIABLE, error.message);
        }
    return CODE_OK;
}

static int read_operand(struct reading *reading, const struct operand *operand)
{
    if (strcmp(operand->text, "-") == 0)
        return take_input(reading, operand);
    if (operand->text[0] == '{')
        return take_object(reading, operand, operand->text, strlen(operand->text));
    return take_pair(reading, operand);
}

static int read_operands(struct reading *reading)
{
    const struct invocation *invocation = reading->session->invocation;
    int code = CODE_OK;

    for (size_t i = 0; code == CODE_OK && i < invocation->operand_count; i++)
        code = read_operand(reading, &invocation->operands[i]);
    return code;
}

static int read_options(struct reading *reading, enum option_id word_option)
{
    const struct invocation *invocation = reading->session->invocation;
    int code = CODE_OK;

    for (size_t i = 0; code == CODE_OK && i < invocation->option_count; i++) {
        const struct option_use *use = &invocation->options[i];
        const struct operand operand = {.text = use->text, .token = use->token};

        if (use->id == word_option)
            code = read_operand(reading, &operand);
    }
    return code;
}

/* What words: OPTION_COUNT: the operands. */
static int read_words(struct session *session, enum option_id word_option,
                      enum option_id label_option, flume_scope **out_scope)
{
    struct reading reading = {.session = session};
    int code = CODE_OK;

    *out_scope = NULL;
    if (flume_scope_create(&reading.scope) != FLUME_OK ||
        flume_scope_create(&reading.piece) != FLUME_OK)
        code = report(session, ERROR_NO_MEMORY);
    if (code == CODE_OK)
        code = read_labels(&reading, label_option);
    if (code == CODE_OK)
        code = word_option == OPTION_COUNT ? read_operands(&reading)
                                           : read_options(&reading, word_option);
    flume_scope_destroy(reading.piece);
    *out_scope = reading.scope;
    return code;
}

int scope_words_read(struct session *session, enum option_id label_option, flume_scope **out_scope)
{
    return read_words(session, OPTION_COUNT, label_option, out_scope);
}

int scope_words_read_options(struct session *session, enum option_id word_option,
                             enum option_id label_option, flume_scope **out_scope)
{
    return read_words(session, word_option, label_option, out_scope);
}

/* "blake3-1:" and the digits, as flume_scope_id_text() writes them. */
static bool is_id(const char *word, uint8_t out_id[FLUME_HASH_BYTES])
{
    char again[FLUME_SCOPE_ID_TEXT_BYTES + 1];
    const char *digits = word + FLUME_SCOPE_ID_TEXT_BYTES - 2 * FLUME_HASH_BYTES;

    if (strlen(word) != FLUME_SCOPE_ID_TEXT_BYTES)
        return false;
    for (size_t i = 0; i < FLUME_HASH_BYTES; i++) {
        char pair[] = {digits[2 * i], digits[2 * i + 1], '\0'};

        out_id[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    flume_scope_id_text(out_id, again);
    return strcmp(again, word) == 0;
}

/* The first commit of the scope with this id. */
static int find_id(struct scoping *scoping, const struct operand *operand,
                   const uint8_t id[FLUME_HASH_BYTES], uint64_t *out_seq)
{
    flume_scope_info info;
    int status = flume_scope_find_id(scoping->session->flume, &scoping->asking.ask, id, &info);

    if (status == FLUME_ERR_NOT_FOUND)
        return report_at(scoping->session, place_of(operand), ERROR_NO_SCOPE_ID);
    if (status != FLUME_OK)
        return asking_report(&scoping->asking, status);
    *out_seq = info.first_seq;
    return CODE_OK;
}

int scope_words_resolve(struct scoping *scoping, const struct operand *operand, uint64_t *out_seq,
                        flume_scope **out_scope)
{
    struct session *session = scoping->session;
    uint8_t id[FLUME_HASH_BYTES];
    int code, status;

    *out_scope = NULL;
    if (is_id(operand->text, id))
        code = find_id(scoping, operand, id, out_seq);
    else if (session->invocation->command->operand_type == OPERAND_REFERENCE)
        code = resolve(session, session->log, &operand->reference, place_of(operand), out_seq);
    else
        code = resolve_word(session, operand, out_seq);
    if (code != CODE_OK)
        return code;
    status = flume_scope_read(session->flume, *out_seq, out_scope);
    if (status == FLUME_ERR_NOT_FOUND)
        return report_at(session, place_of(operand), ERROR_NOT_A_SCOPE, *out_seq);
    return status == FLUME_OK ? CODE_OK : asking_report(&scoping->asking, status);
}
