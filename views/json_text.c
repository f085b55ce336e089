/*
 * json_text.c - see json_text.h.
 *
 * One pass over the bytes. What is open is kept as a bit each, so nesting takes no recursion.
 */
#include "json_text.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

/* What may stand at the place that has been reached. */
enum expected {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* Behind '['. */
    EXPECT_NAME,
    EXPECT_NAME_OR_END, /* Behind '{'. */
    EXPECT_MORE         /* Behind a value. */
};

struct scan {
    const char *at, *end;
    size_t depth;
    uint8_t objects[JSON_TEXT_DEPTH_MAX / 8]; /* A bit for each open container: an object. */
};

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool take(struct scan *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

static bool take_word(struct scan *scan, const char *word)
{
    size_t bytes = strlen(word);

    if ((size_t)(scan->end - scan->at) < bytes || memcmp(scan->at, word, bytes) != 0)
        return false;
    scan->at += bytes;
    return true;
}

/* ---- strings ---- */

/* Four hexadecimal digits; less than 0: they are not. */
static int32_t take_digits(const char **io_at, const char *end)
{
    int32_t number = 0;

    if (end - *io_at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char digit = *(*io_at)++;

        number <<= 4;
        if (digit >= '0' && digit <= '9')
            number |= digit - '0';
        else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
            number |= (digit | 0x20) - 'a' + 10;
        else
            return -1;
    }
    return number;
}

/* What follows a backslash. */
static bool take_escape(struct scan *scan)
{
    int32_t first, second;

    if (scan->at == scan->end)
        return false;
    if (*scan->at != 'u')
        return *scan->at != '\0' && strchr("\"\\/bfnrt", *scan->at++) != NULL;
    scan->at++;
    first = take_digits(&scan->at, scan->end);
    if (first < 0xd800 || first > 0xdfff)
        return first >= 0;
    if (first > 0xdbff || !take_word(scan, "\\u"))
        return false;
    second = take_digits(&scan->at, scan->end);
    return second >= 0xdc00 && second <= 0xdfff;
}

static bool take_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return false;
    while (scan->at < scan->end) {
        char byte = *scan->at++;

        if (byte == '"')
            return true;
        if ((unsigned char)byte < 0x20 || (byte == '\\' && !take_escape(scan)))
            return false;
    }
    return false;
}

/* ---- numbers ---- */

static bool take_count(struct scan *scan)
{
    const char *begin = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > begin;
}

static bool take_number(struct scan *scan)
{
    (void)take(scan, '-'); /* It may be absent. */
    if (!take(scan, '0') && !take_count(scan))
        return false;
    if (take(scan, '.') && !take_count(scan))
        return false;
    if (!take(scan, 'e') && !take(scan, 'E'))
        return true;
    if (!take(scan, '+'))
        (void)take(scan, '-');
    return take_count(scan);
}

static bool take_scalar(struct scan *scan)
{
    switch (*scan->at) {
    case '"':
        return take_string(scan);
    case 't':
        return take_word(scan, "true");
    case 'f':
        return take_word(scan, "false");
    case 'n':
        return take_word(scan, "null");
    default:
        return take_number(scan);
    }
}

/* ---- containers ---- */

static bool is_in_object(const struct scan *scan)
{
    size_t top = scan->depth - 1;

    return (scan->objects[top / 8] >> (top % 8) & 1) != 0;
}

static bool open_container(struct scan *scan, bool is_object)
{
    size_t top = scan->depth;
    uint8_t bit = (uint8_t)(1u << (top % 8));

    if (top == JSON_TEXT_DEPTH_MAX)
        return false;
    scan->objects[top / 8] =
        (uint8_t)(is_object ? scan->objects[top / 8] | bit : scan->objects[top / 8] & ~bit);
    scan->depth++;
    return true;
}

static bool take_value(struct scan *scan, enum expected *io_expected)
{
    if (*io_expected == EXPECT_VALUE_OR_END && take(scan, ']')) {
        scan->depth--;
        *io_expected = EXPECT_MORE;
        return true;
    }
    if (take(scan, '{')) {
        *io_expected = EXPECT_NAME_OR_END;
        return open_container(scan, true);
    }
    if (take(scan, '[')) {
        *io_expected = EXPECT_VALUE_OR_END;
        return open_container(scan, false);
    }
    *io_expected = EXPECT_MORE;
    return take_scalar(scan);
}

static bool take_name(struct scan *scan, enum expected *io_expected)
{
    if (*io_expected == EXPECT_NAME_OR_END && take(scan, '}')) {
        scan->depth--;
        *io_expected = EXPECT_MORE;
        return true;
    }
    *io_expected = EXPECT_VALUE;
    if (!take_string(scan))
        return false;
    skip_space(scan);
    return take(scan, ':');
}

static bool take_more(struct scan *scan, enum expected *io_expected)
{
    bool in_object;

    if (scan->depth == 0)
        return false; /* Something follows the value. */
    in_object = is_in_object(scan);
    if (take(scan, ',')) {
        *io_expected = in_object ? EXPECT_NAME : EXPECT_VALUE;
        return true;
    }
    scan->depth--;
    return take(scan, in_object ? '}' : ']');
}

static bool take_next(struct scan *scan, enum expected *io_expected)
{
    if (*io_expected == EXPECT_VALUE || *io_expected == EXPECT_VALUE_OR_END)
        return take_value(scan, io_expected);
    if (*io_expected == EXPECT_NAME || *io_expected == EXPECT_NAME_OR_END)
        return take_name(scan, io_expected);
    return take_more(scan, io_expected);
}

bool json_text_is_sound(const char *text, size_t bytes)
{
    struct scan scan = {.at = text, .end = text + bytes};
    enum expected expected = EXPECT_VALUE;

    skip_space(&scan);
    while (scan.at < scan.end) {
        if (!take_next(&scan, &expected))
            return false;
        skip_space(&scan);
    }
    return expected == EXPECT_MORE && scan.depth == 0 && text_is_utf8(text, bytes);
}

/* ---- reading a text that is sound ---- */

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static const char *behind_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

static const char *behind_string(const char *at)
{
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

/* Containers are passed over by counting them: that they match is known. */
static const char *behind_container(const char *at)
{
    size_t depth = 0;

    do {
        if (*at == '"') {
            at = behind_string(at);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
    } while (depth > 0);
    return at;
}

static const char *behind_value(const char *at, const char *end)
{
    if (*at == '"')
        return behind_string(at);
    if (*at == '{' || *at == '[')
        return behind_container(at);
    while (at < end && !is_space(*at) && *at != ',' && *at != ']' && *at != '}')
        at++;
    return at;
}

struct json_slice json_text_root(const char *text, size_t bytes)
{
    const char *end = text + bytes;
    const char *at = behind_space(text, end);

    return (struct json_slice){at, (size_t)(behind_value(at, end) - at)};
}

bool json_walk_begin(struct json_walk *walk, struct json_slice value)
{
    if (*value.at != '{' && *value.at != '[')
        return false;
    walk->is_object = *value.at == '{';
    walk->at = value.at + 1;
    walk->end = value.at + value.bytes - 1; /* The bracket that closes it. */
    return true;
}

bool json_walk_next(struct json_walk *walk, struct json_slice *out_name,
                    struct json_slice *out_value)
{
    const char *at = behind_space(walk->at, walk->end);

    if (at == walk->end)
        return false;
    if (*at == ',')
        at = behind_space(at + 1, walk->end);
    if (walk->is_object) {
        *out_name = (struct json_slice){at, (size_t)(behind_string(at) - at)};
        at = behind_space(at + out_name->bytes, walk->end);
        at = behind_space(at + 1, walk->end); /* A colon stands there. */
    }
    walk->at = behind_value(at, walk->end);
    *out_value = (struct json_slice){at, (size_t)(walk->at - at)};
    return true;
}

static size_t put_utf8(uint32_t character, char target[4])
{
    static const uint8_t first_bits[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t bytes = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

    for (size_t i = bytes - 1; i > 0; i--) {
        target[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    target[0] = (char)(first_bits[bytes] | character);
    return bytes;
}

/* What stands for one escape, of which the backslash has been read. */
static size_t decode_escape(const char **io_at, const char *end, char target[4])
{
    static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    const char *letter = strchr(letters, **io_at);
    int32_t first, second;

    if (**io_at != 'u') {
        target[0] = letter != NULL ? bytes[letter - letters] : **io_at;
        (*io_at)++;
        return 1;
    }
    (*io_at)++;
    first = take_digits(io_at, end);
    if (first >= 0xd800 && first <= 0xdbff) {
        *io_at += 2; /* Its other half follows. */
        second = take_digits(io_at, end);
        first = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    }
    return put_utf8((uint32_t)first, target);
}

size_t json_string_decode(struct json_slice string, char *target)
{
    const char *at = string.at + 1, *end = string.at + string.bytes - 1;
    size_t used = 0;

    while (at < end) {
        if (*at != '\\') {
            target[used++] = *at++;
        } else {
            char decoded[4];
            size_t bytes;

            at++;
            bytes = decode_escape(&at, end, decoded);
            memcpy(target + used, decoded, bytes);
            used += bytes;
        }
    }
    return used;
}

bool json_string_is(struct json_slice string, const char *text, size_t bytes)
{
    const char *at = string.at + 1, *end = string.at + string.bytes - 1;
    size_t done = 0;

    while (at < end) {
        char decoded[4];
        size_t count = 1;

        decoded[0] = *at++;
        if (decoded[0] == '\\')
            count = decode_escape(&at, end, decoded);
        if (count > bytes - done || memcmp(text + done, decoded, count) != 0)
            return false;
        done += count;
    }
    return done == bytes;
}
