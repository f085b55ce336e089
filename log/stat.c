/*
 * stat.c - the numbers of a log, and who is attached to it.
 */
#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "sealed.h"
#include "strata.h"
#include "wait.h"

/* Bytes of grains in one strata: up to the slot behind the last. */
static uint64_t used_in_raw(flume_log *log, struct strata *strata, uint64_t count)
{
    struct mapping *mapping = strata_lend(log, strata);
    uint64_t end = 0;

    if (mapping == NULL)
        return 0; /* It is being sealed at this moment. */
    if (strata_settle(log, strata, count) == FLUME_OK) {
        end = strata_slot(strata, count);
        end = (end != 0 ? end : strata->limit) - STRATA_DATA_AT;
    }
    let_go(&mapping->held);
    return end;
}

static uint64_t used_in(flume_log *log, const struct table *table, size_t index, uint64_t head)
{
    struct strata *strata = table->rows[index].strata;
    uint64_t count = table_grain_count(table, index, head);

    if (count == 0 || strata_open(log, strata) != FLUME_OK)
        return 0;
    if (strata->form == STRATA_RAW)
        return used_in_raw(log, strata, count);
    /* Where the footer page does not read, what the file takes. */
    return (strata->sealed->count != 0 ? strata->sealed->raw_end : strata->data_bytes) -
           STRATA_DATA_AT;
}

static void count_strata(flume_log *log, const struct table *table, size_t index,
                         flume_log_stat_info *stat)
{
    const struct strata *strata = table->rows[index].strata;

    stat->used_bytes += used_in(log, table, index, stat->head);
    if (atomic_load_explicit(&strata->state, memory_order_acquire) == STRATA_OPEN)
        stat->sealed_count += strata->form == STRATA_SEALED;
}

static uint64_t allocated_for(flume_log *log, const char *name)
{
    flume_io_stat file_stat;
    uint64_t allocated = 0;
    struct path path;
    int file;

    log_path(log, "log", name, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (file < 0)
        return 0;
    if (log->io->stat(log->io->ctx, file, &file_stat) == 0)
        allocated = file_stat.allocated;
    log->io->close(log->io->ctx, file);
    return allocated;
}

struct sizes {
    flume_log *log;
    uint64_t allocated;
};

static int add_size(void *ctx, const char *name)
{
    struct sizes *sizes = ctx;

    if (strlen(name) < STRATA_NAME_BYTES * 2)
        sizes->allocated += allocated_for(sizes->log, name);
    return 0;
}

static uint64_t time_of(flume_log *log, uint64_t seq)
{
    flume_record record;
    uint64_t time_ns;

    if (flume_log_get(log, seq, &record) != FLUME_OK)
        return 0;
    time_ns = record.time_ns;
    flume_record_release(&record);
    return time_ns;
}

int flume_log_stat(flume_log *log, flume_log_stat_info *out_stat)
{
    int status = log_guard(log);
    const struct table *table;
    struct sizes sizes = {.log = log};
    struct path path;

    if (status != FLUME_OK)
        return status;
    memset(out_stat, 0, sizeof *out_stat);
    out_stat->head = head_seen(log);
    out_stat->durable = durable_seen(log);
    table = table_current(log, &status);
    if (table == NULL)
        return status;
    out_stat->strata_count = table->count;
    out_stat->strata_bytes = log->strata_bytes;
    for (size_t i = 0; i < table->count; i++)
        count_strata(log, table, i, out_stat);
    log_path(log, "log", "", &path);
    (void)log->io->list(log->io->ctx, path.text, add_size, &sizes); /* What there is to see. */
    out_stat->allocated_bytes = sizes.allocated;
    if (out_stat->head > 0) {
        out_stat->first_time_ns = time_of(log, table->count > 0 ? table->rows[0].first_seq : 0);
        out_stat->last_time_ns = time_of(log, out_stat->head - 1);
    }
    out_stat->created_ns = log->created_ns;
    memcpy(out_stat->basin_id, log->basin_id, sizeof log->basin_id);
    out_stat->attached = attach_list(log, NULL, NULL);
    out_stat->appended_records = atomic_load(&log->appended_records);
    out_stat->appended_bytes = atomic_load(&log->appended_bytes);
    out_stat->sync_count = atomic_load(&log->sync_count);
    out_stat->profile = log->profile;
    out_stat->io_mode = log->io_mode;
    out_stat->read_only = log->read_only;
    out_stat->observer = log->observer;
    out_stat->poisoned = (atomic_load(&log->head->refusal) & HEAD_POISONED) != 0;
    out_stat->recovery = log->recovery;
    return FLUME_OK;
}

struct attached_list {
    flume_attached *rows;
    size_t count, max;
};

static void take_attached(void *ctx, const struct head_attach *entry, bool self)
{
    struct attached_list *list = ctx;
    flume_attached *row;

    if (list->count >= list->max)
        return;
    row = &list->rows[list->count++];
    memset(row, 0, sizeof *row);
    row->pid = atomic_load(&entry->pid);
    row->started_ns = entry->started_ns;
    (void)snprintf(row->program, sizeof row->program, "%.*s", HEAD_PROGRAM_BYTES - 1,
                   entry->program);
    (void)snprintf(row->host, sizeof row->host, "%.*s", HEAD_HOST_BYTES - 1, entry->host);
    row->read_only = (entry->role & HEAD_ROLE_READ_ONLY) != 0;
    row->exclusive = (entry->role & HEAD_ROLE_EXCLUSIVE) != 0;
    row->self = self;
}

int flume_log_attached(flume_log *log, flume_attached *out_attached, size_t max)
{
    struct attached_list list = {.rows = out_attached, .max = max};
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    return (int)attach_list(log, take_attached, &list);
}
