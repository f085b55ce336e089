/*
 * reference.c - naming records: the grammar (reference.h). Looks at no log.
 */
#include "reference.h"

#include <string.h>

#define REFERENCE_REMEDY "a record is @17, 17, first, last or last~2 (flume help refs)"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number of `bytes` characters. FLUME_SEQ_NONE is not a seq. */
static bool parse_number(const char *source, size_t bytes, uint64_t *out_number)
{
    uint64_t number = 0;

    if (bytes == 0)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        uint64_t digit = (uint64_t)(source[i] - '0');

        if (!is_digit(source[i]) || number > (UINT64_MAX - 1 - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out_number = number;
    return true;
}

static bool refuse(struct fault *out_fault, size_t at, size_t bytes, const char *cause)
{
    *out_fault = (struct fault){at, bytes, cause, REFERENCE_REMEDY};
    return false;
}

static bool parse_seq(const char *source, size_t bytes, struct reference *out,
                      struct fault *out_fault)
{
    size_t skip = source[0] == '@' ? 1 : 0;

    if (!parse_number(source + skip, bytes - skip, &out->number))
        return refuse(out_fault, 0, bytes,
                      strspn(source + skip, "0123456789") >= bytes - skip && bytes > skip
                          ? "this seq is larger than any seq can be"
                          : "a seq is @ and decimal digits");
    out->form = REFERENCE_SEQ;
    return true;
}

static bool parse_bytes(const char *source, size_t bytes, struct reference *out,
                        struct fault *out_fault)
{
    if (bytes == 0)
        return refuse(out_fault, 0, 0, "a reference is missing");
    if (source[0] == '@' || is_digit(source[0]))
        return parse_seq(source, bytes, out, out_fault);
    if (bytes == 5 && memcmp(source, "first", 5) == 0) {
        *out = (struct reference){.form = REFERENCE_FIRST};
        return true;
    }
    if (bytes >= 4 && memcmp(source, "last", 4) == 0 && (bytes == 4 || source[4] == '~')) {
        *out = (struct reference){.form = REFERENCE_LAST};
        if (bytes > 4 && !parse_number(source + 5, bytes - 5, &out->number))
            return refuse(out_fault, 5, bytes - 5, "after last~ comes a number");
        return true;
    }
    return refuse(out_fault, 0, bytes, "this is not a reference to a record");
}

bool reference_parse(const char *source, struct reference *out, struct fault *out_fault)
{
    if (strstr(source, "..") != NULL) {
        *out_fault = (struct fault){0, strlen(source), "this is a range; one record is wanted",
                                    "to read a range: flume log A..B"};
        return false;
    }
    return parse_bytes(source, strlen(source), out, out_fault);
}

bool reference_parse_range(const char *source, struct reference_range *out, struct fault *out_fault)
{
    const char *dots = strstr(source, "..");
    struct reference_range range = {0};
    size_t to_at;

    if (dots == NULL) {
        *out_fault = (struct fault){0, strlen(source), "this is not a range",
                                    "a range is A..B, A.. or ..B; one record: flume get A"};
        return false;
    }
    to_at = (size_t)(dots - source) + 2;
    range.has_from = dots != source;
    range.has_to = source[to_at] != '\0';
    if (range.has_from && !parse_bytes(source, to_at - 2, &range.from, out_fault))
        return false;
    if (range.has_to &&
        !parse_bytes(source + to_at, strlen(source + to_at), &range.to, out_fault)) {
        out_fault->at += to_at;
        return false;
    }
    *out = range;
    return true;
}
