/*
 * cursor_file.c - a position in a log, kept in a file outside it (cursor_file.h).
 *
 * The file is one line:  flume-cursor 1 BASIN SEQ CHECK
 * BASIN 32 hex digits, SEQ decimal, CHECK 16 hex digits; "-" where there is no record before, or
 * none that can be read.
 */
#include "cursor_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output_file.h"

enum { LINE_BYTES_MAX = 256 };

int cursor_file_init(struct cursor_file *file, struct session *session, flume_log *log,
                     const char *path)
{
    flume_log_stat_info stat;
    int status = flume_log_stat(log, &stat);

    if (status != FLUME_OK)
        return report_log_error(session, log, status);
    *file = (struct cursor_file){
        .session = session, .log = log, .path = path, .saved_seq = FLUME_SEQ_NONE};
    memcpy(file->basin_id, stat.basin_id, sizeof(file->basin_id));
    return CODE_OK;
}

static void show_basin(const struct cursor_file *file, char out_text[33])
{
    for (size_t i = 0; i < 16; i++)
        snprintf(out_text + 2 * i, 3, "%02x", file->basin_id[i]);
}

/* "-", or the check of the record before seq. */
static void show_check(const struct cursor_file *file, uint64_t seq, char out_text[17])
{
    flume_record record;

    strcpy(out_text, "-");
    if (seq == 0 || flume_log_get(file->log, seq - 1, &record) != FLUME_OK)
        return;
    snprintf(out_text, 17, "%016" PRIx64, record.check);
    flume_record_release(&record);
}

static int refuse_rewound(struct cursor_file *file, uint64_t seq)
{
    return report(file->session, ERROR_CURSOR_REWOUND, file->path, seq);
}

static int parse(struct cursor_file *file, const char *line, uint64_t *out_seq)
{
    char basin[33], seq_digits[24], check[17], own[33], now[17];
    int used = 0;
    uint64_t seq;

    if (sscanf(line, "flume-cursor 1 %32[0-9a-f] %20[0-9] %16[0-9a-f-]%n", basin, seq_digits, check,
               &used) != 3 ||
        strcmp(line + used, "\n") != 0 || !value_parse_uint(seq_digits, UINT64_MAX - 1, &seq))
        return report(file->session, ERROR_NOT_A_CURSOR_FILE, file->path);
    show_basin(file, own);
    if (strcmp(basin, own) != 0)
        return report(file->session, ERROR_CURSOR_OF_OTHER, file->path);
    show_check(file, seq, now);
    if (seq > flume_log_head(file->log) || (strcmp(check, "-") != 0 && strcmp(check, now) != 0))
        return refuse_rewound(file, seq);
    *out_seq = seq;
    return CODE_OK;
}

int cursor_file_load(struct cursor_file *file, uint64_t *out_seq)
{
    char line[LINE_BYTES_MAX] = "";
    FILE *stream = fopen(file->path, "re");
    int system_errno = 0;

    if (stream == NULL && errno == ENOENT) {
        *out_seq = 0;
        return CODE_OK;
    }
    if (stream == NULL) {
        system_errno = errno;
    } else {
        errno = 0;
        line[fread(line, 1, sizeof(line) - 1, stream)] = '\0';
        if (ferror(stream) != 0) /* A directory can be opened, but not read. */
            system_errno = errno;
        (void)fclose(stream); /* It was only read. */
    }
    if (system_errno != 0)
        return report(file->session, ERROR_FILE_UNREADABLE, file->path, strerror(system_errno));
    return parse(file, line, out_seq);
}

int cursor_file_save(struct cursor_file *file, uint64_t seq)
{
    struct output_file output;
    char basin[33], check[17];
    int status;

    if (seq == file->saved_seq)
        return CODE_OK;
    show_basin(file, basin);
    show_check(file, seq, check);
    status = output_file_begin(&output, file->path);
    if (status == 0) {
        fprintf(output.stream, "flume-cursor 1 %s %" PRIu64 " %s\n", basin, seq, check);
        status = output_file_commit(&output);
    }
    if (status != 0)
        return report(file->session, ERROR_FILE_UNWRITABLE, file->path, strerror(-status));
    file->saved_seq = seq;
    return CODE_OK;
}
