/*
 * json_scan.h - where does a JSON value end, and is it one?
 *
 * A scanner is fed a byte at a time, so a value may arrive in any pieces and is looked at once. It
 * accepts what RFC 8259 calls JSON, numbers of any size included, nested up to a bound.
 */
#ifndef REPL_JSON_SCAN_H
#define REPL_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 512 };

enum json_scan_answer {
    JSON_SCAN_MORE,   /* The value goes on. */
    JSON_SCAN_DONE,   /* This byte was its last. */
    JSON_SCAN_BEFORE, /* It ended before this byte (only a number ends so). */
    JSON_SCAN_ERROR   /* Not JSON. */
};

struct json_scanner {
    uint8_t state;
    uint8_t hex_left;
    const char *literal; /* What is still to come of true, false, null. */
    size_t depth;
    bool in_object[JSON_DEPTH_MAX];
    bool is_key;
};

void json_scan_begin(struct json_scanner *scanner);
enum json_scan_answer json_scan_feed(struct json_scanner *scanner, uint8_t byte);

/** Whether a number that began may end here (for the end of the input). */
bool json_scan_may_end(const struct json_scanner *scanner);

/** Whether the bytes are exactly one JSON value, with white space around it or not, in UTF-8. */
bool json_scan_valid(const void *data, size_t bytes);

#endif
