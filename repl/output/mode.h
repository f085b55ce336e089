/*
 * mode.h - the forms that rows are written in. Every command that writes rows takes each of them.
 */
#ifndef REPL_MODE_H
#define REPL_MODE_H

#include <stdbool.h>

enum output_mode {
    MODE_TABLE,  /* Columns under a header; the form on a terminal. */
    MODE_PLAIN,  /* Tab-separated, no header, control bytes escaped; the form elsewhere. */
    MODE_JSON,   /* One array of objects; not for what has no end (-f). */
    MODE_NDJSON, /* An object a line: --json. */
    MODE_CSV,    /* RFC 4180, with a header. */
    MODE_TSV,    /* Tab-separated with a header; \t \n \r \\ escaped. */
    MODE_RAW,    /* Bodies alone, as they are; of rows that are no records the first column. */
    MODE_HEX,    /* Bodies as hexadecimal digits. */
    MODE_LINE,   /* A field a line. */
    MODE_MD,     /* A Markdown table. */
    MODE_COUNT
};

/** "table", "plain", ...; NULL for others. */
const char *mode_name(enum output_mode mode);

/** The names in order, NULL behind the last: the choices of --mode. */
extern const char *const mode_names[MODE_COUNT + 1];

/** Objects with keys, not cells: json and ndjson. */
bool mode_is_json(enum output_mode mode);

#endif
