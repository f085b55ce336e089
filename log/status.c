/*
 * status.c - words for statuses, and which flume this is.
 *
 * The names are stable: programs compare them. The sentences are for people and may be improved;
 * each begins with its name, spelled as people write it.
 */
#include "flume/status.h"

#include "flume/version.h"

struct status_row {
    int status;
    const char *name;
    const char *text;
};

static const struct status_row rows[] = {
    {FLUME_OK, "ok", "ok"},
    {FLUME_END, "end", "end: there is no more"},
    {FLUME_ERR_INVALID, "invalid",
     "invalid: a documented rule of the call was broken; nothing has changed"},
    {FLUME_ERR_NO_MEMORY, "no_memory", "no memory: an allocation failed; nothing has changed"},
    {FLUME_ERR_IO, "io", "io: the system refused to read, write or sync"},
    {FLUME_ERR_DAMAGED, "damaged", "damaged: bytes on disk are not the bytes once written"},
    {FLUME_ERR_BUSY, "busy", "busy: another process holds it"},
    {FLUME_ERR_CONFLICT, "conflict", "conflict: the condition of the append does not hold"},
    {FLUME_ERR_NOT_FOUND, "not_found", "not found: there is no such record or thing (yet)"},
    {FLUME_ERR_NO_BASIN, "no_basin", "no basin: the path does not exist or is not a basin"},
    {FLUME_ERR_VERSION, "version", "version: written by a newer flume than this one can read"},
    {FLUME_ERR_FORKED, "forked", "forked: the handle belongs to the parent process"},
    {FLUME_ERR_TAIL_LOST, "tail_lost",
     "tail lost: the log is shorter than what was acknowledged as durable"},
    {FLUME_ERR_REWOUND, "rewound",
     "rewound: a remembered position lies in a part that a power cut took"},
    {FLUME_ERR_TIMEOUT, "timeout", "timeout: the time given was up"},
    {FLUME_ERR_FULL, "full", "full: no space or quota is left; nothing was appended"},
    {FLUME_ERR_TOO_LARGE, "too_large", "too large: over the limit for one record"},
    {FLUME_ERR_POISONED, "poisoned",
     "poisoned: a sync failed; nothing more is accepted until a fresh attach"},
    {FLUME_ERR_READ_ONLY, "read_only", "read-only: it cannot be written through this handle"},
    {FLUME_ERR_ACCESS, "access", "access: the system does not permit reading or opening it"},
    {FLUME_ERR_CANCELLED, "cancelled", "cancelled: a callback or caller asked to stop"},
    {FLUME_ERR_GONE, "gone", "gone: the record was erased or pruned on request"},
    {FLUME_ERR_LOST, "lost", "lost: the record was damaged and a repair could not restore it"},
    {FLUME_ERR_VIEW, "view", "view: a view failed; the detail names it and says why"},
    {FLUME_ERR_STALE, "stale", "stale: a view is behind, and nobody here can bring it up to date"},
    {FLUME_ERR_AMBIGUOUS, "ambiguous", "ambiguous: a prefix fits more than one"},
    {FLUME_ERR_ABSENT, "absent", "absent: it lies where nothing is now; bring the volume back"},
};

static const struct status_row unknown = {
    0, "unknown", "unknown: a status that this version of flume does not know"};

static const struct status_row *find_row(int status)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status)
            return &rows[i];
    }
    return &unknown;
}

const char *flume_strerror(int status)
{
    return find_row(status)->text;
}

const char *flume_status_name(int status)
{
    return find_row(status)->name;
}

const char *flume_version(void)
{
    return FLUME_VERSION;
}
