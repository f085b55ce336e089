/*
 * json_scan.c - where does a JSON value end, and is it one? (json_scan.h)
 */
#include "json_scan.h"

#include <string.h>

#include "utf8.h"

enum scan_state {
    AT_VALUE,        /* A value must come. */
    AT_ARRAY_FIRST,  /* A value or ]. */
    AT_OBJECT_FIRST, /* A key or }. */
    AT_KEY,
    AT_COLON,
    AT_NEXT, /* A comma or the closing bracket. */
    IN_STRING,
    IN_ESCAPE,
    IN_HEX,
    IN_LITERAL,
    IN_MINUS,
    IN_ZERO,
    IN_INTEGER,
    IN_POINT,
    IN_FRACTION,
    IN_EXPONENT_MARK,
    IN_EXPONENT_SIGN,
    IN_EXPONENT
};

void json_scan_begin(struct json_scanner *scanner)
{
    scanner->state = AT_VALUE;
    scanner->depth = 0;
    scanner->is_key = false;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(uint8_t byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static enum json_scan_answer go(struct json_scanner *scanner, enum scan_state state)
{
    scanner->state = (uint8_t)state;
    return JSON_SCAN_MORE;
}

/* A value is complete: either the whole, or an element of what surrounds it. */
static enum json_scan_answer value_ends(struct json_scanner *scanner)
{
    scanner->state = AT_NEXT;
    return scanner->depth == 0 ? JSON_SCAN_DONE : JSON_SCAN_MORE;
}

static enum json_scan_answer open_bracket(struct json_scanner *scanner, bool is_object)
{
    if (scanner->depth == JSON_DEPTH_MAX)
        return JSON_SCAN_ERROR;
    scanner->in_object[scanner->depth++] = is_object;
    return go(scanner, is_object ? AT_OBJECT_FIRST : AT_ARRAY_FIRST);
}

static enum json_scan_answer close_bracket(struct json_scanner *scanner, uint8_t byte)
{
    if (scanner->depth == 0 || scanner->in_object[scanner->depth - 1] != (byte == '}'))
        return JSON_SCAN_ERROR;
    scanner->depth--;
    return value_ends(scanner);
}

static enum json_scan_answer begin_literal(struct json_scanner *scanner, const char *rest)
{
    scanner->literal = rest;
    return go(scanner, IN_LITERAL);
}

static enum json_scan_answer begin_value(struct json_scanner *scanner, uint8_t byte)
{
    switch (byte) {
    case '{':
        return open_bracket(scanner, true);
    case '[':
        return open_bracket(scanner, false);
    case '"':
        scanner->is_key = false;
        return go(scanner, IN_STRING);
    case 't':
        return begin_literal(scanner, "rue");
    case 'f':
        return begin_literal(scanner, "alse");
    case 'n':
        return begin_literal(scanner, "ull");
    case '-':
        return go(scanner, IN_MINUS);
    case '0':
        return go(scanner, IN_ZERO);
    default:
        return is_digit(byte) ? go(scanner, IN_INTEGER) : JSON_SCAN_ERROR;
    }
}

static enum json_scan_answer begin_key(struct json_scanner *scanner, uint8_t byte)
{
    if (byte != '"')
        return JSON_SCAN_ERROR;
    scanner->is_key = true;
    return go(scanner, IN_STRING);
}

/* A byte between values. */
static enum json_scan_answer feed_structure(struct json_scanner *scanner, uint8_t byte)
{
    if (is_space(byte))
        return JSON_SCAN_MORE;
    switch (scanner->state) {
    case AT_ARRAY_FIRST:
        return byte == ']' ? close_bracket(scanner, byte) : begin_value(scanner, byte);
    case AT_OBJECT_FIRST:
        return byte == '}' ? close_bracket(scanner, byte) : begin_key(scanner, byte);
    case AT_KEY:
        return begin_key(scanner, byte);
    case AT_COLON:
        return byte == ':' ? go(scanner, AT_VALUE) : JSON_SCAN_ERROR;
    case AT_NEXT:
        if (byte == ',' && scanner->depth > 0)
            return go(scanner, scanner->in_object[scanner->depth - 1] ? AT_KEY : AT_VALUE);
        return byte == ']' || byte == '}' ? close_bracket(scanner, byte) : JSON_SCAN_ERROR;
    default:
        return begin_value(scanner, byte);
    }
}

static enum json_scan_answer feed_string(struct json_scanner *scanner, uint8_t byte)
{
    switch (scanner->state) {
    case IN_ESCAPE:
        if (byte == 'u') {
            scanner->hex_left = 4;
            return go(scanner, IN_HEX);
        }
        return byte != '\0' && strchr("\"\\/bfnrt", byte) != NULL ? go(scanner, IN_STRING)
                                                                  : JSON_SCAN_ERROR;
    case IN_HEX:
        if (!is_hex(byte))
            return JSON_SCAN_ERROR;
        return --scanner->hex_left == 0 ? go(scanner, IN_STRING) : JSON_SCAN_MORE;
    default:
        if (byte == '\\')
            return go(scanner, IN_ESCAPE);
        if (byte == '"')
            return scanner->is_key ? go(scanner, AT_COLON) : value_ends(scanner);
        return byte < 0x20 ? JSON_SCAN_ERROR : JSON_SCAN_MORE;
    }
}

bool json_scan_may_end(const struct json_scanner *scanner)
{
    return scanner->depth == 0 && (scanner->state == IN_ZERO || scanner->state == IN_INTEGER ||
                                   scanner->state == IN_FRACTION || scanner->state == IN_EXPONENT);
}

/* A number ends at the first byte that cannot belong to it; inside brackets that byte counts. */
static enum json_scan_answer number_ends(struct json_scanner *scanner, uint8_t byte)
{
    if (byte != ',' && byte != ']' && byte != '}' && !is_space(byte))
        return JSON_SCAN_ERROR;
    if (scanner->depth == 0)
        return byte == ',' || byte == ']' || byte == '}' ? JSON_SCAN_ERROR : JSON_SCAN_BEFORE;
    scanner->state = AT_NEXT;
    return feed_structure(scanner, byte);
}

static enum json_scan_answer feed_number(struct json_scanner *scanner, uint8_t byte)
{
    bool is_exponent = byte == 'e' || byte == 'E';

    switch (scanner->state) {
    case IN_MINUS:
        if (byte == '0')
            return go(scanner, IN_ZERO);
        return is_digit(byte) ? go(scanner, IN_INTEGER) : JSON_SCAN_ERROR;
    case IN_ZERO:
    case IN_INTEGER:
        if (is_digit(byte))
            return scanner->state == IN_INTEGER ? JSON_SCAN_MORE : JSON_SCAN_ERROR;
        if (byte == '.')
            return go(scanner, IN_POINT);
        return is_exponent ? go(scanner, IN_EXPONENT_MARK) : number_ends(scanner, byte);
    case IN_POINT:
        return is_digit(byte) ? go(scanner, IN_FRACTION) : JSON_SCAN_ERROR;
    case IN_FRACTION:
        if (is_digit(byte))
            return JSON_SCAN_MORE;
        return is_exponent ? go(scanner, IN_EXPONENT_MARK) : number_ends(scanner, byte);
    case IN_EXPONENT_MARK:
        if (byte == '+' || byte == '-')
            return go(scanner, IN_EXPONENT_SIGN);
        return is_digit(byte) ? go(scanner, IN_EXPONENT) : JSON_SCAN_ERROR;
    case IN_EXPONENT_SIGN:
        return is_digit(byte) ? go(scanner, IN_EXPONENT) : JSON_SCAN_ERROR;
    default:
        return is_digit(byte) ? JSON_SCAN_MORE : number_ends(scanner, byte);
    }
}

enum json_scan_answer json_scan_feed(struct json_scanner *scanner, uint8_t byte)
{
    if (scanner->state < IN_STRING)
        return feed_structure(scanner, byte);
    if (scanner->state <= IN_HEX)
        return feed_string(scanner, byte);
    if (scanner->state > IN_LITERAL)
        return feed_number(scanner, byte);
    if (byte != (uint8_t)*scanner->literal)
        return JSON_SCAN_ERROR;
    scanner->literal++;
    return *scanner->literal == '\0' ? value_ends(scanner) : JSON_SCAN_MORE;
}

static bool only_space(const uint8_t *source, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (!is_space(source[i]))
            return false;
    return true;
}

bool json_scan_valid(const void *data, size_t bytes)
{
    const uint8_t *source = data;
    struct json_scanner scanner;

    if (!utf8_valid(data, bytes))
        return false;
    json_scan_begin(&scanner);
    for (size_t i = 0; i < bytes; i++) {
        switch (json_scan_feed(&scanner, source[i])) {
        case JSON_SCAN_MORE:
            continue;
        case JSON_SCAN_DONE:
        case JSON_SCAN_BEFORE:
            return only_space(source + i + 1, bytes - i - 1);
        default:
            return false;
        }
    }
    return json_scan_may_end(&scanner);
}
