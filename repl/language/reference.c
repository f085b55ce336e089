/*
 * reference.c - naming records: the grammar (reference.h). Looks at no log.
 */
#include "reference.h"

#include <string.h>

#include "flume/find.h"
#include "utf8.h"

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

static bool refuse(struct fault *out_fault, size_t at, size_t bytes, int code, const char *name,
                   const char *cause, const char *remedy)
{
    *out_fault = (struct fault){at, bytes, {code, name, cause, remedy}};
    return false;
}

static bool parse_seq(const char *source, size_t bytes, struct reference *out,
                      struct fault *out_fault)
{
    size_t digits = strspn(source, "0123456789");

    if (!parse_number(source, bytes, &out->number) && digits >= bytes && bytes > 0)
        return refuse(out_fault, 0, bytes, ERROR_SEQ_TOO_LARGE);
    if (!parse_number(source, bytes, &out->number))
        return refuse(out_fault, 0, bytes, ERROR_BAD_SEQ);
    out->form = REFERENCE_SEQ;
    return true;
}

/* What must hold of a label or the name of a bookmark. */
static bool is_name(const char *source, size_t bytes)
{
    if (bytes == 0 || !utf8_valid(source, bytes))
        return false;
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)source[i] < 0x20 || source[i] == 0x7F)
            return false;
    return true;
}

static bool parse_label(const char *source, size_t bytes, struct reference *out,
                        struct fault *out_fault)
{
    if (bytes > FLUME_LABEL_BYTES_MAX || !is_name(source, bytes))
        return refuse(out_fault, 0, bytes, ERROR_BAD_REFERENCE);
    out->form = REFERENCE_LABEL;
    out->text = source;
    out->bytes = bytes;
    return true;
}

/* LABEL or LABEL~N behind "label:", where a '~' that no number follows belongs to the label. */
static bool parse_any_label(const char *source, size_t bytes, struct reference *out,
                            struct fault *out_fault)
{
    const char *tilde = memrchr(source, '~', bytes);
    size_t before = tilde == NULL ? bytes : (size_t)(tilde - source);

    if (tilde != NULL && parse_number(tilde + 1, bytes - before - 1, &out->number))
        bytes = before;
    return parse_label(source, bytes, out, out_fault);
}

static bool parse_bookmark(const char *source, size_t bytes, struct reference *out,
                           struct fault *out_fault)
{
    if (bytes > FLUME_BOOKMARK_NAME_BYTES_MAX || !is_name(source, bytes) ||
        memchr(source, ' ', bytes) != NULL || memchr(source, ':', bytes) != NULL ||
        memchr(source, '~', bytes) != NULL)
        return refuse(out_fault, 0, bytes, ERROR_BAD_BOOKMARK);
    out->form = REFERENCE_BOOKMARK;
    out->text = source;
    out->bytes = bytes;
    return true;
}

static size_t count_hex(const char *source, size_t bytes)
{
    size_t count = 0;

    while (count < bytes && strchr("0123456789abcdefABCDEF", source[count]) != NULL)
        count++;
    return count;
}

static bool parse_hash(const char *source, size_t bytes, struct reference *out,
                       struct fault *out_fault)
{
    if (count_hex(source, bytes) != bytes || bytes < FLUME_HASH_PREFIX_MIN ||
        bytes > FLUME_HASH_TEXT_BYTES)
        return refuse(out_fault, 0, bytes, ERROR_BAD_HASH);
    out->form = REFERENCE_HASH;
    out->text = source;
    out->bytes = bytes;
    return true;
}

/* "hash:", "label:" and their like say the form. *out_skip: 0 if there is none of them. */
static bool parse_explicit(const char *source, size_t bytes, struct reference *out,
                           struct fault *out_fault, size_t *out_skip)
{
    static const struct {
        const char *word;
        bool (*parse)(const char *, size_t, struct reference *, struct fault *);
    } forms[] = {{"@", parse_seq},          {"seq:", parse_seq},   {":", parse_bookmark},
                 {"mark:", parse_bookmark}, {"hash:", parse_hash}, {"label:", parse_any_label}};

    *out_skip = 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t skip = strlen(forms[i].word);

        if (bytes < skip || memcmp(source, forms[i].word, skip) != 0)
            continue;
        *out_skip = skip;
        if (forms[i].parse(source + skip, bytes - skip, out, out_fault))
            return true;
        out_fault->at = 0; /* The whole word, with what says its form. */
        out_fault->bytes = bytes;
        return false;
    }
    return false;
}

/* What the looks of a word say; out->number says how many records back, if it counts back. */
static bool parse_by_looks(const char *source, size_t bytes, bool counts_back,
                           struct reference *out, struct fault *out_fault)
{
    bool is_number = strspn(source, "0123456789") >= bytes;
    bool is_hash = count_hex(source, bytes) == bytes && bytes >= FLUME_HASH_PREFIX_MIN &&
                   bytes <= FLUME_HASH_TEXT_BYTES;
    bool is_first = bytes == 5 && memcmp(source, "first", 5) == 0;
    bool is_printed = bytes == 1 && *source == '_';

    if (bytes == 4 && memcmp(source, "last", 4) == 0) {
        out->form = REFERENCE_LAST;
        return true;
    }
    if (counts_back && (is_number || is_hash || is_first || is_printed))
        return refuse(out_fault, 0, bytes, ERROR_COUNTS_BACK);
    if (is_number)
        return parse_seq(source, bytes, out, out_fault);
    if (is_first)
        out->form = REFERENCE_FIRST;
    if (is_printed)
        out->form = REFERENCE_PRINTED;
    if (is_hash)
        return parse_hash(source, bytes, out, out_fault);
    return is_first || is_printed || parse_label(source, bytes, out, out_fault);
}

static bool parse_bytes(const char *source, size_t bytes, struct reference *out,
                        struct fault *out_fault)
{
    const char *tilde;
    size_t skip, before;

    *out = (struct reference){.form = REFERENCE_SEQ};
    if (bytes == 0)
        return refuse(out_fault, 0, 0, ERROR_REFERENCE_MISSING);
    if (parse_explicit(source, bytes, out, out_fault, &skip))
        return true;
    if (skip != 0)
        return false;
    tilde = memrchr(source, '~', bytes);
    before = tilde == NULL ? bytes : (size_t)(tilde - source);
    if (tilde != NULL && !parse_number(tilde + 1, bytes - before - 1, &out->number))
        return refuse(out_fault, before + 1, bytes - before - 1, ERROR_NO_COUNT);
    return parse_by_looks(source, before, tilde != NULL, out, out_fault);
}

/* Behind these a name may hold "..". */
static bool says_its_form(const char *source)
{
    return strncmp(source, "label:", 6) == 0 || strncmp(source, "mark:", 5) == 0;
}

bool reference_parse(const char *source, struct reference *out, struct fault *out_fault)
{
    if (strstr(source, "..") != NULL && !says_its_form(source))
        return refuse(out_fault, 0, strlen(source), ERROR_RANGE_UNWANTED);
    return parse_bytes(source, strlen(source), out, out_fault);
}

bool reference_needs_views(const struct reference *reference)
{
    return reference->form >= REFERENCE_LABEL;
}

bool reference_range_needs_views(const struct reference_range *range)
{
    return (range->has_from && reference_needs_views(&range->from)) ||
           (range->has_to && reference_needs_views(&range->to));
}

bool reference_parse_range(const char *source, struct reference_range *out, struct fault *out_fault)
{
    const char *dots = strstr(source, "..");
    struct reference_range range = {0};
    size_t to_at;

    if (dots == NULL)
        return refuse(out_fault, 0, strlen(source), ERROR_NOT_A_RANGE);
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
