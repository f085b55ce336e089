/*
 * format_example.h - the worked examples of the FORMAT.md pages, compared with what the library
 * writes.
 *
 * A dump in such a page is a line "    NAME:" and rows behind it: offset, sixteen bytes, the same as
 * text.
 */
#ifndef FLUME_FORMAT_EXAMPLE_H
#define FLUME_FORMAT_EXAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "flume/io.h"

enum {
    EXAMPLE_FILES_MAX = 8,
    EXAMPLE_NAME_BYTES = 64,
    EXAMPLE_ROW_BYTES = 16,
    EXAMPLE_LINE_BYTES = 256
};

/* Bytes that a page dumps under a name; data is freed with the example. */
struct example_file {
    char name[EXAMPLE_NAME_BYTES];
    uint8_t *data;
    size_t bytes;
};

struct example {
    flume_io io; /* The world it was written in (steady_io.h), in the basin "example.flume". */
    struct example_file files[EXAMPLE_FILES_MAX];
    size_t file_count;
    char *format; /* The section of the page; NULL: not there. */
};

/* Read the section below a heading, up to the next "## ", from a page of FLUME_SOURCE_DIR. */
void example_read_format(struct example *example, const char *page, const char *heading);
void example_release(struct example *example);

/* A file of this name, still without data. */
struct example_file *example_add(struct example *example, const char *name);
/* A file of the basin, dumped under a name of its own. */
void example_take(struct example *example, const char *path, const char *name);
const struct example_file *example_file_of(const struct example *example, const char *name);

/* Every row of the section is what its file has there. Returns how many bytes were compared. */
size_t example_compare(const struct example *example);

/* The section has this line. With FLUME_SHOW_EXAMPLE in the environment it is printed instead. */
void example_expect_line(const struct example *example, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print a dump as it should be, for the author of the page. */
void example_show(const struct example *example, const char *name, size_t offset, size_t bytes);

/* One row, without the end of its line. */
void example_format_row(char line[EXAMPLE_LINE_BYTES], const uint8_t *data, size_t offset,
                        size_t bytes);

/* The next line of a text, without its end; NULL behind the last. */
const char *example_next_line(const char *text, char line[EXAMPLE_LINE_BYTES]);

#endif
