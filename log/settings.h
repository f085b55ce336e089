/*
 * settings.h - the small text files of a basin: lines of "word value", the last one a check.
 *
 * What always holds: such a file is replaced by rename, whole or not at all, and one whose check
 * does not hold is never believed.
 */
#ifndef FLUME_SETTINGS_H
#define FLUME_SETTINGS_H

#include "handle.h"

enum { SETTINGS_BYTES_MAX = 8192 };

struct settings {
    char text[SETTINGS_BYTES_MAX + 1];
    size_t bytes; /* Of the text, without the NUL. */
};

/* Read a file of the basin. FLUME_ERR_NOT_FOUND without a detail: there is none. */
int settings_read(flume_log *log, const char *name, struct settings *out_settings);

/* The value of a word: up to the end of its line, which is not the end of the string. NULL: there
 * is none. */
const char *settings_value(const struct settings *settings, const char *word);

/* Whether the last line is the check of all before it, to the letter. */
bool settings_check_holds(const struct settings *settings);

/* Add text, as printf; what does not fit is cut, and then no check will be added. */
void settings_add(struct settings *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Put the check behind the text and write it in place of what there is, through `name`.tmp. Syncs
 * no directory. */
int settings_write(flume_log *log, const char *name, struct settings *settings);

/* Pairs of hexadecimal digits. */
bool settings_hex(const char *text, uint8_t *target, size_t bytes);

#endif
