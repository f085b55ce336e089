/*
 * format_example.c - see format_example.h.
 */
#include "format_example.h"

#include "log_fixture.h"

#include <ctype.h>

#include "steady_io.h"

/* --- The page --------------------------------------------------------------------------------- */

void example_read_format(struct example *example, const char *page, const char *heading)
{
    const char *source = getenv("FLUME_SOURCE_DIR");
    char path[LOG_FIXTURE_PATH_BYTES];
    char *text, *section, *end;
    uint64_t bytes;

    if (source == NULL)
        return;
    (void)snprintf(path, sizeof path, "%s/%s", source, page);
    bytes = file_bytes(path);
    text = calloc(1, (size_t)bytes + 1);
    assert_non_null(text);
    read_file(path, 0, text, (size_t)bytes);
    section = strstr(text, heading);
    if (section != NULL) {
        end = strstr(section + strlen(heading), "\n## ");
        if (end != NULL)
            end[1] = '\0';
        example->format = strdup(section);
        assert_non_null(example->format);
    }
    free(text);
}

void example_release(struct example *example)
{
    for (size_t i = 0; i < example->file_count; i++)
        free(example->files[i].data);
    free(example->format);
}

/* --- Files ------------------------------------------------------------------------------------ */

struct example_file *example_add(struct example *example, const char *name)
{
    struct example_file *file = &example->files[example->file_count++];

    assert_true(example->file_count <= EXAMPLE_FILES_MAX);
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    return file;
}

void example_take(struct example *example, const char *path, const char *name)
{
    struct example_file *file = example_add(example, name);
    char whole[2 * EXAMPLE_NAME_BYTES];

    (void)snprintf(whole, sizeof whole, "example.flume/%s", path);
    assert_int_equal(steady_io_read(&example->io, whole, &file->data, &file->bytes), 0);
}

const struct example_file *example_file_of(const struct example *example, const char *name)
{
    for (size_t i = 0; i < example->file_count; i++) {
        if (strcmp(example->files[i].name, name) == 0)
            return &example->files[i];
    }
    fail_msg("the example has no %s", name);
    return NULL;
}

/* --- Rows ------------------------------------------------------------------------------------- */

void example_format_row(char line[EXAMPLE_LINE_BYTES], const uint8_t *data, size_t offset,
                        size_t bytes)
{
    int used = snprintf(line, EXAMPLE_LINE_BYTES, "    %04zx ", offset);

    for (size_t i = 0; i < EXAMPLE_ROW_BYTES; i++) {
        if (i < bytes)
            used += snprintf(line + used, EXAMPLE_LINE_BYTES - (size_t)used, "%s%02x",
                             i == 8 ? "  " : " ", (unsigned)data[offset + i]);
        else
            used += snprintf(line + used, EXAMPLE_LINE_BYTES - (size_t)used, "%s",
                             i == 8 ? "    " : "   ");
    }
    used += snprintf(line + used, EXAMPLE_LINE_BYTES - (size_t)used, "  |");
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = data[offset + i];

        line[used++] = (byte >= 0x20 && byte < 0x7f) ? (char)byte : '.';
    }
    (void)snprintf(line + used, EXAMPLE_LINE_BYTES - (size_t)used, "|");
}

/* The file whose dump a line begins: "    NAME:". NULL: none. */
static const struct example_file *begun_by(const struct example *example, const char *line)
{
    for (size_t i = 0; i < example->file_count; i++) {
        const struct example_file *file = &example->files[i];
        size_t bytes = strlen(file->name);

        if (strncmp(line, "    ", 4) == 0 && strncmp(line + 4, file->name, bytes) == 0 &&
            strcmp(line + 4 + bytes, ":") == 0)
            return file;
    }
    return NULL;
}

/* "    OFFSET  byte byte ...": whether a line is a row of a dump, and how many bytes it has. */
static bool is_row(const char *line, size_t *out_offset, size_t *out_bytes)
{
    const char *text = strchr(line, '|');
    char *end;

    if (text == NULL || strncmp(line, "    ", 4) != 0 || !isxdigit((unsigned char)line[4]))
        return false;
    *out_offset = strtoul(line + 4, &end, 16);
    if (end != line + 8)
        return false;
    *out_bytes = strlen(text) - 2;
    return *out_bytes <= EXAMPLE_ROW_BYTES;
}

const char *example_next_line(const char *text, char line[EXAMPLE_LINE_BYTES])
{
    size_t bytes = strcspn(text, "\n");

    if (*text == '\0')
        return NULL;
    assert_true(bytes < EXAMPLE_LINE_BYTES);
    memcpy(line, text, bytes);
    line[bytes] = '\0';
    return text + bytes + (text[bytes] == '\n' ? 1 : 0);
}

static void compare_row(const struct example_file *file, const char *line, size_t offset,
                        size_t bytes)
{
    char expected[EXAMPLE_LINE_BYTES];

    assert_non_null(file);
    assert_true(offset + bytes <= file->bytes);
    example_format_row(expected, file->data, offset, bytes);
    if (strcmp(expected, line) != 0)
        fail_msg("%s:\nFORMAT.md: %s\nbytes:     %s", file->name, line, expected);
}

size_t example_compare(const struct example *example)
{
    const struct example_file *file = NULL;
    const char *rest = example->format;
    char line[EXAMPLE_LINE_BYTES];
    size_t compared = 0;

    if (rest == NULL)
        fail_msg("the page below FLUME_SOURCE_DIR has no such example");
    while (rest != NULL && (rest = example_next_line(rest, line)) != NULL) {
        const struct example_file *begun = begun_by(example, line);
        size_t offset, bytes;

        if (begun != NULL)
            file = begun;
        else if (is_row(line, &offset, &bytes)) {
            compare_row(file, line, offset, bytes);
            compared += bytes;
        }
    }
    return compared;
}

void example_expect_line(const struct example *example, const char *format, ...)
{
    char text[EXAMPLE_LINE_BYTES], line[EXAMPLE_LINE_BYTES + 8];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)snprintf(line, sizeof line, "\n    %s\n", text);
    if (getenv("FLUME_SHOW_EXAMPLE") != NULL)
        print_message("%s", line + 1);
    else if (example->format == NULL || strstr(example->format, line) == NULL)
        fail_msg("FORMAT.md does not say \"%s\"", text);
}

void example_show(const struct example *example, const char *name, size_t offset, size_t bytes)
{
    const struct example_file *file = example_file_of(example, name);
    char line[EXAMPLE_LINE_BYTES];

    print_message("    %s:\n", name);
    for (size_t i = 0; i < bytes; i += EXAMPLE_ROW_BYTES) {
        example_format_row(line, file->data, offset + i,
                           bytes - i < EXAMPLE_ROW_BYTES ? bytes - i : EXAMPLE_ROW_BYTES);
        print_message("%s\n", line);
    }
}
