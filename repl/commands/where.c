/*
 * where.c - conditions on fields of JSON bodies (where.h).
 *
 * A condition holds for a record if it holds for one of the values at its path; without a value it
 * does not hold, whatever it says. What is compared: a number with VALUE where that is a number, by
 * its size; a string with VALUE by bytes; true, false and null by name. "VALUE" in double quotes is
 * a string only.
 */
#include "where.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "json_pick.h"
#include "json_scan.h"

enum comparison { IS_THERE, EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, MATCHES };

struct condition {
    struct json_pick pick;
    enum comparison comparison;
    struct text value;
    bool is_string; /* VALUE was in quotes. */
    bool is_number;
    double number;
    regex_t regex;
    bool has_regex;
};

/* ---- from the command line ---- */

static const struct {
    const char *sign;
    enum comparison comparison;
} signs[] = {
    /* A longer one before what it begins with. */
    {"==", EQUAL}, {"!=", NOT_EQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL},
    {"=", EQUAL},  {"<", LESS},       {">", GREATER},     {"~", MATCHES},
};

static int refuse(struct session *session, const struct option_use *use, size_t at,
                  const char *cause)
{
    return report_at(session, (struct reference_place){use->token, use->text_at + at, 0},
                     ERROR_BAD_WHERE, cause);
}

/* A JSON number from its first to its last byte. */
static bool read_number(const char *text, size_t bytes, double *out_number)
{
    char first = bytes > 0 ? text[0] : '\0';

    if (first != '-' && (first < '0' || first > '9'))
        return false;
    if (!json_scan_valid(text, bytes))
        return false;
    *out_number = strtod(text, NULL); /* It ends where the JSON number does. */
    return true;
}

static int take_value(struct condition *condition, struct session *session,
                      const struct option_use *use, size_t at)
{
    const char *text = use->text + at;
    size_t bytes = strlen(text);
    char why[120];
    int status;

    if (condition->comparison == MATCHES) {
        status = regcomp(&condition->regex, text, REG_EXTENDED | REG_NOSUB);
        condition->has_regex = status == 0;
        if (status == 0)
            return CODE_OK;
        regerror(status, &condition->regex, why, sizeof(why));
        return refuse(session, use, at, why);
    }
    condition->is_string = bytes >= 2 && text[0] == '"' &&
                           json_pick_unquote(&condition->value, text, bytes);
    if (!condition->is_string) {
        text_add(&condition->value, text, bytes);
        condition->is_number = read_number(text, bytes, &condition->number);
    }
    return CODE_OK;
}

static int take_condition(struct condition *condition, struct session *session,
                          const struct option_use *use)
{
    size_t at;
    const char *reason = json_pick_parse(&condition->pick, use->text, &at);

    if (reason != NULL)
        return refuse(session, use, at, reason);
    if (use->text[at] == '\0') {
        condition->comparison = IS_THERE;
        return CODE_OK;
    }
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        size_t bytes = strlen(signs[i].sign);

        if (strncmp(use->text + at, signs[i].sign, bytes) == 0) {
            condition->comparison = signs[i].comparison;
            return take_value(condition, session, use, at + bytes);
        }
    }
    return refuse(session, use, at, "a comparison is missing here");
}

int where_init(struct where *where, struct session *session)
{
    const struct invocation *invocation = session->invocation;
    int code = CODE_OK;

    *where = (struct where){.count = 0};
    if (!invocation_has(invocation, OPTION_WHERE))
        return CODE_OK;
    where->conditions = calloc(invocation->option_count, sizeof(where->conditions[0]));
    if (where->conditions == NULL)
        return report_status(session, FLUME_ERR_NO_MEMORY, NULL);
    for (size_t i = 0; i < invocation->option_count && code == CODE_OK; i++)
        if (invocation->options[i].id == OPTION_WHERE)
            code = take_condition(&where->conditions[where->count++], session,
                                  &invocation->options[i]);
    return code;
}

/* ---- a record ---- */

static bool compare(enum comparison comparison, int order)
{
    switch (comparison) {
    case EQUAL:
        return order == 0;
    case NOT_EQUAL:
        return order != 0;
    case LESS:
        return order < 0;
    case LESS_EQUAL:
        return order <= 0;
    case GREATER:
        return order > 0;
    case GREATER_EQUAL:
        return order >= 0;
    default:
        return false;
    }
}

static int order_of_texts(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t shorter = a_bytes < b_bytes ? a_bytes : b_bytes;
    int order = shorter == 0 ? 0 : memcmp(a, b, shorter);

    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static bool string_holds(const struct condition *condition, struct text *string)
{
    regmatch_t whole = {.rm_so = 0, .rm_eo = (regoff_t)string->bytes};

    if (condition->comparison == MATCHES)
        return regexec(&condition->regex, text_c_string(string), 1, &whole, REG_STARTEND) == 0;
    return compare(condition->comparison,
                   order_of_texts(text_c_string(string), string->bytes, condition->value.data,
                                  condition->value.bytes));
}

static bool number_holds(const struct condition *condition, const char *value, size_t bytes,
                         double number)
{
    bool is_same_text = bytes == condition->value.bytes &&
                        memcmp(value, condition->value.data, bytes) == 0;

    if (!condition->is_number)
        return condition->comparison == NOT_EQUAL;
    /* Digits beyond what a double holds are the same only if they are all the same. */
    if (!is_same_text && number == condition->number && memchr(value, '.', bytes) == NULL &&
        (number > 9007199254740992.0 || number < -9007199254740992.0))
        return condition->comparison == NOT_EQUAL;
    return compare(condition->comparison,
                   (number > condition->number) - (number < condition->number));
}

/* true, false, null; an object or an array is equal to nothing. */
static bool other_holds(const struct condition *condition, const char *value, size_t bytes)
{
    bool is_same = !condition->is_string && value[0] != '{' && value[0] != '[' &&
                   order_of_texts(value, bytes, condition->value.data, condition->value.bytes) == 0;

    return condition->comparison == (is_same ? EQUAL : NOT_EQUAL);
}

struct testing {
    const struct condition *condition;
    bool holds;
};

static bool test_value(void *ctx, const char *value, size_t bytes)
{
    struct testing *testing = ctx;
    const struct condition *condition = testing->condition;
    struct text string = {0};
    double number;

    if (condition->comparison == IS_THERE) {
        testing->holds = true;
    } else if (json_pick_unquote(&string, value, bytes)) {
        testing->holds = string_holds(condition, &string);
    } else if (condition->comparison == MATCHES) {
        text_add(&string, value, bytes);
        testing->holds = string_holds(condition, &string);
    } else if (read_number(value, bytes, &number)) {
        testing->holds = number_holds(condition, value, bytes, number);
    } else {
        testing->holds = other_holds(condition, value, bytes);
    }
    text_deinit(&string);
    return !testing->holds;
}

bool where_passes(const struct where *where, const flume_record *record)
{
    if (where->count == 0)
        return true;
    if (!json_scan_valid(record->body, record->body_bytes))
        return false;
    for (size_t i = 0; i < where->count; i++) {
        struct testing testing = {.condition = &where->conditions[i]};

        json_pick_each(&where->conditions[i].pick, record->body, record->body_bytes, test_value,
                       &testing);
        if (!testing.holds)
            return false;
    }
    return true;
}

void where_deinit(struct where *where)
{
    for (size_t i = 0; i < where->count; i++) {
        text_deinit(&where->conditions[i].value);
        if (where->conditions[i].has_regex)
            regfree(&where->conditions[i].regex);
    }
    free(where->conditions);
    *where = (struct where){.count = 0};
}
