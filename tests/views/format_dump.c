/*
 * format_dump.c - see format_dump.h.
 */
#include "format_dump.h"

#include "find_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "format_example.h"

enum { TEXT_BYTES_MAX = 1 << 20 };

static char *read_format(void)
{
    const char *source = getenv("FLUME_SOURCE_DIR");
    char path[1024];
    FILE *file;
    char *text;
    size_t bytes;

    if (source == NULL)
        skip();
    (void)snprintf(path, sizeof path, "%s/views/FORMAT.md", source);
    file = fopen(path, "r");
    assert_non_null(file);
    text = malloc(TEXT_BYTES_MAX);
    assert_non_null(text);
    bytes = fread(text, 1, TEXT_BYTES_MAX - 1, file);
    assert_in_range(bytes, 1, TEXT_BYTES_MAX - 2);
    text[bytes] = '\0';
    (void)fclose(file);
    return text;
}

void expect_dump(const char *name, const void *data, size_t bytes)
{
    char *format = read_format();
    char *dump = NULL;
    char line[EXAMPLE_LINE_BYTES];
    const char *found;
    size_t dump_bytes = 0;
    FILE *out = open_memstream(&dump, &dump_bytes);

    assert_non_null(out);
    (void)fprintf(out, "    %s:\n", name);
    for (size_t at = 0; at < bytes; at += EXAMPLE_ROW_BYTES) {
        example_format_row(line, data, at,
                           bytes - at < EXAMPLE_ROW_BYTES ? bytes - at : EXAMPLE_ROW_BYTES);
        (void)fprintf(out, "%s\n", line);
    }
    assert_int_equal(fclose(out), 0);
    if (getenv("FLUME_SHOW_EXAMPLE") != NULL)
        (void)fputs(dump, stdout);
    found = strstr(format, dump);
    /* Behind it an empty line or nothing: the page has no byte more. */
    if (found == NULL || (found[dump_bytes] != '\n' && found[dump_bytes] != '\0'))
        fail_msg("views/FORMAT.md does not have this dump:\n%s", dump);
    free(dump);
    free(format);
}
