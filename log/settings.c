/*
 * settings.c - the small text files of a basin: lines of "word value", the last one a check.
 */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"

enum { CHECK_LINE_BYTES = 32, NAME_BYTES = 64 };

const char *settings_value(const struct settings *settings, const char *word)
{
    size_t bytes = strlen(word);

    for (const char *line = settings->text; line != NULL && *line != '\0';) {
        if (strncmp(line, word, bytes) == 0 && line[bytes] == ' ')
            return line + bytes + 1;
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return NULL;
}

bool settings_hex(const char *text, uint8_t *target, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned byte = 0;

        if (!isxdigit((unsigned char)text[2 * i]) || !isxdigit((unsigned char)text[2 * i + 1]))
            return false;
        (void)sscanf(text + 2 * i, "%2x", &byte); /* It takes two digits. */
        target[i] = (uint8_t)byte;
    }
    return true;
}

static void check_line(const char *text, size_t bytes, char line[CHECK_LINE_BYTES])
{
    (void)snprintf(line, CHECK_LINE_BYTES, "check %016llx\n",
                   (unsigned long long)hash_bytes(text, bytes, 0));
}

bool settings_check_holds(const struct settings *settings)
{
    const char *line = strstr(settings->text, "\ncheck ");
    char expected[CHECK_LINE_BYTES];

    if (line == NULL)
        return false;
    line++;
    check_line(settings->text, (size_t)(line - settings->text), expected);
    return strcmp(line, expected) == 0;
}

/* All of a small file, NUL-terminated. */
static int read_text(flume_log *log, int file, struct settings *settings)
{
    size_t used = 0;

    while (used < SETTINGS_BYTES_MAX) {
        int64_t bytes = log->io->pread(log->io->ctx, file, settings->text + used,
                                       SETTINGS_BYTES_MAX - used, used);

        if (bytes < 0)
            return (int)bytes;
        if (bytes == 0)
            break;
        used += (size_t)bytes;
    }
    settings->text[used] = '\0';
    settings->bytes = used;
    return 0;
}

int settings_read(flume_log *log, const char *name, struct settings *out_settings)
{
    const flume_io *io = log->io;
    struct path path;
    int file, error;

    log_path(log, "", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file == -ENOENT || file == -ENOTDIR)
        return FLUME_ERR_NOT_FOUND;
    if (file < 0)
        return log_fail_io(log, file, "open", path.text);
    error = read_text(log, file, out_settings);
    io->close(io->ctx, file);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "read", path.text);
}

void settings_add(struct settings *settings, const char *format, ...)
{
    size_t room = sizeof settings->text - settings->bytes;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(settings->text + settings->bytes, room, format, arguments);
    va_end(arguments);
    settings->bytes += length < 0 || (size_t)length >= room ? room - 1 : (size_t)length;
}

int settings_write(flume_log *log, const char *name, struct settings *settings)
{
    const flume_io *io = log->io;
    char temporary[NAME_BYTES], line[CHECK_LINE_BYTES];
    struct path path, final_path;
    int file, error;

    check_line(settings->text, settings->bytes, line);
    settings_add(settings, "%s", line);
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", name);
    log_path(log, "", temporary, &path);
    log_path(log, "", name, &final_path);
    (void)io->unlink(io->ctx, path.text); /* Left by a making that was cut short. */
    file = io->open(io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (file < 0)
        return log_fail_io(log, file, "create", path.text);
    error = io_write_all(io, file, settings->text, settings->bytes, 0);
    if (error == 0)
        error = io->sync(io->ctx, file);
    io->close(io->ctx, file);
    if (error == 0)
        error = io->rename(io->ctx, path.text, final_path.text);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "write", final_path.text);
}
