/*
 * exit_code.c - how the program ends (exit_code.h).
 */
#include "exit_code.h"

#include <stddef.h>

#include "flume/status.h"

static const struct exit_code_row rows[] = {
    {CODE_OK, "ok", "done"},
    {CODE_NO, "no", "not found, nothing matches, or a condition (--after) does not hold"},
    {CODE_USAGE, "usage", "bad option, reference or value; a confirmation is needed (--yes)"},
    {CODE_PARTIAL, "partial", "some of it was done and some not; each failure was reported"},
    {CODE_DAMAGED, "damaged",
     "bytes on disk are not the bytes once written, or missing; a view differs (verify)"},
    {CODE_BUSY, "busy", "another process holds the basin longer than --timeout"},
    {CODE_IO, "io", "the system refused: read, write, sync, disk full, permission, memory"},
    {CODE_NO_BASIN, "nobasin", "the path does not exist, or is not a basin"},
    {CODE_VERSION, "version", "the files were written by a newer flume"},
    {CODE_STALE, "stale",
     "a view is behind (--timeout) or failed; a remembered position does not fit the log"},
    {CODE_AMBIGUOUS, "ambiguous", "the beginning of a hash fits several records; they are shown"},
    {CODE_INTERNAL, "internal", "a bug in flume: please report it"},
    {CODE_RUN, "run", "flume run: flume itself failed; all others are the command's, but for two:"},
    {CODE_NOT_RUN, "not_run", "flume run: the command cannot be executed"},
    {CODE_NOT_FOUND, "not_found", "flume run: the command is not there"},
    {CODE_INTERRUPTED, "interrupted", "ended by Ctrl-C (128 + signal for others)"},
    {CODE_PIPE_CLOSED, "pipe", "the reader of the output went away (| head)"},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

const struct exit_code_row *exit_code_row(unsigned index)
{
    return index < ROW_COUNT ? &rows[index] : NULL;
}

const char *exit_code_name(int code)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].code == code)
            return rows[i].name;
    return "unknown";
}

int exit_code_of(int status)
{
    switch (status) {
    case FLUME_OK:
    case FLUME_END:
        return CODE_OK;
    case FLUME_ERR_NOT_FOUND:
    case FLUME_ERR_CONFLICT:
    case FLUME_ERR_GONE:
        return CODE_NO;
    case FLUME_ERR_INVALID:
    case FLUME_ERR_TOO_LARGE:
        return CODE_USAGE;
    case FLUME_ERR_DAMAGED:
    case FLUME_ERR_TAIL_LOST:
    case FLUME_ERR_LOST:
        return CODE_DAMAGED;
    case FLUME_ERR_BUSY:
    case FLUME_ERR_TIMEOUT:
        return CODE_BUSY;
    case FLUME_ERR_IO:
    case FLUME_ERR_NO_MEMORY:
    case FLUME_ERR_FULL:
    case FLUME_ERR_POISONED:
    case FLUME_ERR_READ_ONLY:
    case FLUME_ERR_ACCESS:
    case FLUME_ERR_ABSENT:
        return CODE_IO;
    case FLUME_ERR_NO_BASIN:
        return CODE_NO_BASIN;
    case FLUME_ERR_VERSION:
        return CODE_VERSION;
    case FLUME_ERR_REWOUND:
    case FLUME_ERR_STALE:
    case FLUME_ERR_VIEW:
        return CODE_STALE;
    case FLUME_ERR_AMBIGUOUS:
        return CODE_AMBIGUOUS;
    case FLUME_ERR_CANCELLED:
        return CODE_INTERRUPTED;
    default:
        return CODE_INTERNAL;
    }
}

int exit_code_of_run(int code)
{
    return code == CODE_OK || code >= CODE_RUN ? code : CODE_RUN;
}

int exit_code_worse(int a, int b)
{
    static const int by_weight[] = {CODE_OK,        CODE_NO,    CODE_PARTIAL, CODE_USAGE,
                                    CODE_AMBIGUOUS, CODE_STALE, CODE_BUSY,    CODE_NO_BASIN,
                                    CODE_VERSION,   CODE_IO,    CODE_DAMAGED, CODE_INTERNAL};

    if (a >= CODE_SIGNAL || b >= CODE_SIGNAL)
        return a > b ? a : b;
    for (size_t i = sizeof(by_weight) / sizeof(by_weight[0]); i-- > 0;)
        if (by_weight[i] == a || by_weight[i] == b)
            return by_weight[i];
    return a != CODE_OK ? a : b; /* Codes of other programs. */
}
