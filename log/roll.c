/*
 * roll.c - opening a new active strata, and making the next one ahead.
 *
 * A roll is two renames under the append mutex: slots first, then the strata, whose name is what
 * makes it part of the log. A process that dies in between leaves either nothing that has a name,
 * or a strata named by head that append_restore_locked() takes into use.
 *
 * The file made ahead is written with zeros, so that neither the appender meets first-touch page
 * faults (measured: 7.8 us a page on merely allocated space, 0.13 us on space written before) nor a
 * later sync has to convert extents.
 */
#include <errno.h>

#include "append.h"
#include "sync.h"
#include "wait.h"

enum { ZERO_STEP_BYTES = 1 << 20 }; /* Between two looks at whether the log is being closed. */

static const char next_strata[] = "next.strata.tmp";
static const char next_slots[] = "next.slots.tmp";

uint64_t roll_next_bytes(const flume_log *log, uint64_t active_bytes, uint64_t need_bytes)
{
    uint64_t least_bytes = round_up(need_bytes + 2 * STRATA_PAGE_BYTES, STRATA_PAGE_BYTES);
    uint64_t bytes = active_bytes == 0 ? STRATA_FIRST_BYTES : active_bytes * 2;

    if (bytes > log->strata_bytes)
        bytes = log->strata_bytes;
    while (bytes < least_bytes && bytes < log->strata_bytes)
        bytes = bytes * 2 < log->strata_bytes ? bytes * 2 : log->strata_bytes;
    return bytes;
}

/* A new file with space for `bytes`; an old one of that name goes. Returns it, or an error. */
static int make_file(flume_log *log, const char *name, uint64_t bytes)
{
    const flume_io *io = log->io;
    struct path path;
    int file, error;

    log_path(log, "log", name, &path);
    error = io->unlink(io->ctx, path.text);
    if (error != 0 && error != -ENOENT)
        return log_fail_io(log, error, "replace", path.text);
    file = io->open(io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    if (file < 0)
        return log_fail_io(log, file, "create", path.text);
    error = io_reserve(io, file, bytes);
    if (error == 0)
        return file;
    io->close(io->ctx, file);
    (void)io->unlink(io->ctx, path.text); /* It is of no use; recovery would remove it too. */
    return log_fail_io(log, error, "allocate", path.text);
}

static void remove_file(flume_log *log, const char *name)
{
    struct path path;

    log_path(log, "log", name, &path);
    (void)log->io->unlink(log->io->ctx, path.text); /* Not part of the log, with or without it. */
}

static int rename_in_log(flume_log *log, const char *from, const char *to)
{
    struct path from_path, to_path;
    int error;

    log_path(log, "log", from, &from_path);
    log_path(log, "log", to, &to_path);
    error = log->io->rename(log->io->ctx, from_path.text, to_path.text);
    if (error != 0)
        return log_fail_io(log, error, "rename", from_path.text);
    return FLUME_OK;
}

/* Both files of a strata of this size, under temporary names. */
static int make_strata(flume_log *log, uint64_t bytes, const char *strata, const char *slots)
{
    int file = make_file(log, slots, strata_slot_count(bytes) * sizeof(uint32_t));

    if (file < 0)
        return file;
    log->io->close(log->io->ctx, file);
    return make_file(log, strata, bytes);
}

/* Chunks fill whole pages: writing those twice only costs. */
static bool gains_by_zeros(const flume_log *log)
{
    return !atomic_load(&log->is_companion);
}

/* Write zeros ahead. A failure only costs speed. */
static void zero_ahead(flume_log *log, int file, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes && atomic_load(&log->stopping) == 0; at += ZERO_STEP_BYTES) {
        uint64_t to = bytes - at < ZERO_STEP_BYTES ? bytes : at + ZERO_STEP_BYTES;

        windows_work(log); /* The appender goes on meanwhile. */
        if (io_write_zeros(log->io, file, at, to) != 0)
            break;
    }
    log->io->close(log->io->ctx, file);
}

/* Zeros for as many slots as the next strata will need if it goes on as this one began. A failure
 * only costs speed. */
static void zero_slots_ahead(flume_log *log, const char *name, uint64_t bytes)
{
    const struct head *head = log->head;
    uint64_t records = atomic_load(&head->head) - atomic_load(&head->active_first);
    uint64_t begun_bytes = writer_prepare_from(atomic_load(&head->active_bytes));
    uint64_t slots = begun_bytes == 0 ? 0 : (records + 1) * (bytes / begun_bytes + 1);
    struct path path;
    int file;

    if (slots > strata_slot_count(bytes))
        slots = strata_slot_count(bytes);
    log_path(log, "log", name, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE);
    if (file >= 0)
        zero_ahead(log, file, slots * sizeof(uint32_t));
}

void prepare_next(flume_log *log)
{
    struct head *head = log->head;
    uint64_t bytes = roll_next_bytes(log, atomic_load(&head->active_bytes), 0);
    int file = -1;
    int status;

    if (atomic_load(&head->prepared_bytes) != 0)
        return;
    status = mutex_try(log, &head->prepare_mutex, &head->prepare_owner);
    if (status < 0)
        return;
    if (atomic_load(&head->prepared_bytes) == 0)
        file = make_strata(log, bytes, "prepare.strata.tmp", "prepare.slots.tmp");
    if (file >= 0) {
        zero_slots_ahead(log, "prepare.slots.tmp", bytes);
        zero_ahead(log, file, gains_by_zeros(log) ? bytes : 0);
        if (rename_in_log(log, "prepare.slots.tmp", next_slots) == FLUME_OK &&
            rename_in_log(log, "prepare.strata.tmp", next_strata) == FLUME_OK)
            atomic_store(&head->prepared_bytes, bytes);
    }
    if (status == MUTEX_INHERITED)
        mutex_inherit(&head->prepare_mutex); /* The other's files were just replaced. */
    mutex_drop(&head->prepare_mutex);
}

int roll_header_locked(flume_log *log, uint64_t first_seq, uint64_t file_bytes,
                       struct strata_header *out_header)
{
    const struct head *head = log->head;
    const flume_io *io = log->io;
    int error;

    memset(out_header, 0, sizeof *out_header);
    out_header->form = STRATA_RAW;
    memcpy(out_header->basin_id, log->basin_id, sizeof log->basin_id);
    error = io->random(io->ctx, out_header->strata_id, sizeof out_header->strata_id);
    if (error == 0)
        error = io->random(io->ctx, &out_header->salt, sizeof out_header->salt);
    if (error != 0)
        return log_fail_io(log, error, "get random bytes for", log->path);
    out_header->first_seq = first_seq;
    out_header->durable = atomic_load(&head->durable);
    out_header->file_bytes = file_bytes;
    out_header->created_ns = io->wall_ns(io->ctx);
    out_header->running_time_ns = head->running_time_ns;
    out_header->previous_first_seq = FLUME_SEQ_NONE;
    if (atomic_load(&head->active_bytes) != 0) {
        out_header->previous_first_seq = atomic_load(&head->active_first);
        memcpy(out_header->previous_id, head->active_id, sizeof head->active_id);
    }
    for (size_t i = 0; i < STRATA_KINDS; i++)
        out_header->last_of_kind[i] = atomic_load(&head->last_of_kind[i]);
    return FLUME_OK;
}

void roll_publish_locked(flume_log *log, uint64_t first_seq, const struct strata_header *header)
{
    struct head *head = log->head;

    memcpy(head->active_id, header->strata_id, sizeof head->active_id);
    atomic_store(&head->active_bytes, header->file_bytes);
    head->active_zeroed_to = 0;
    atomic_store(&head->intent_from, 0);
    atomic_store(&head->intent_to, 0);
    if ((header->flags & STRATA_CLOSED) != 0)
        (void)atomic_fetch_or(&head->refusal, HEAD_ACTIVE_CLOSED);
    else
        (void)atomic_fetch_and(&head->refusal, ~(uint32_t)HEAD_ACTIVE_CLOSED);
    (void)atomic_fetch_add_explicit(&head->layout_count, 1, memory_order_release);
    atomic_store(&head->active_first, first_seq); /* Last: it says that the rest is done. */
}

/* Write what an empty strata holds: its header, and the slot of its first grain. */
static int write_empty(flume_log *log, int file, const char *slots_name_now,
                       const struct strata_header *header)
{
    uint8_t page[STRATA_PAGE_BYTES];
    uint8_t slot[sizeof(uint32_t)];
    struct path path;
    int slots_file;
    int error;

    strata_header_encode(page, header);
    error = io_write_all(log->io, file, page, sizeof page, 0);
    if (error != 0)
        return log_fail_io(log, error, "write the header of the next strata in", log->path);
    log_path(log, "log", slots_name_now, &path);
    slots_file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE);
    if (slots_file < 0)
        return log_fail_io(log, slots_file, "open", path.text);
    put_le32(slot, STRATA_DATA_AT / GRAIN_ALIGN);
    error = io_write_all(log->io, slots_file, slot, sizeof slot, 0);
    log->io->close(log->io->ctx, slots_file);
    if (error != 0)
        return log_fail_io(log, error, "write", path.text);
    return FLUME_OK;
}

/* Give the two files their names. The strata's comes last: it is what counts. */
static int name_strata(flume_log *log, uint64_t first_seq, const char *strata, const char *slots)
{
    char name[STRATA_NAME_BYTES];
    int status;

    strata_slots_name(name, first_seq);
    status = rename_in_log(log, slots, name);
    if (status != FLUME_OK)
        return status;
    strata_name(name, first_seq);
    return rename_in_log(log, strata, name);
}

/* The strata made ahead, if it is there and large enough; else -1. A preparer may say at any moment
 * that it is there, so HEAD is asked once: the file and its size must be of the same answer. */
static int take_prepared(flume_log *log, uint64_t need_bytes, uint64_t *out_bytes)
{
    uint64_t prepared_bytes = atomic_load(&log->head->prepared_bytes);
    struct path path;
    int file;

    if (prepared_bytes == 0)
        return -1;
    if (prepared_bytes < need_bytes + 2 * STRATA_PAGE_BYTES) {
        atomic_store(&log->head->prepared_bytes, 0); /* The next one made ahead replaces it. */
        return -1;
    }
    log_path(log, "log", next_strata, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE);
    if (file < 0) {
        atomic_store(&log->head->prepared_bytes, 0);
        return -1;
    }
    *out_bytes = prepared_bytes;
    return file;
}

/* The strata made ahead, else one made now. Returns its file. */
static int take_strata(flume_log *log, uint64_t need_bytes, uint64_t *out_bytes,
                       const char **out_strata, const char **out_slots)
{
    int file = take_prepared(log, need_bytes, out_bytes);

    if (file >= 0) {
        *out_strata = next_strata;
        *out_slots = next_slots;
        return file;
    }
    *out_bytes = roll_next_bytes(log, atomic_load(&log->head->active_bytes), need_bytes);
    *out_strata = "roll.strata.tmp";
    *out_slots = "roll.slots.tmp";
    return make_strata(log, *out_bytes, *out_strata, *out_slots);
}

/* The roller's descriptor is the oldest there is: all of the strata is written after it. Another
 * thread that needs one at this moment opens its own under table_mutex, and that one proves
 * less. */
static void keep_file(flume_log *log, uint64_t first_seq, int file)
{
    const struct table *table;
    struct strata *strata = NULL;
    int status;
    size_t index;

    table = table_current(log, &status);
    index = table != NULL ? table_find(table, first_seq) : SIZE_MAX;
    if (index != SIZE_MAX && table->rows[index].first_seq == first_seq)
        strata = table->rows[index].strata;
    (void)pthread_mutex_lock(&log->table_mutex);
    if (strata != NULL && atomic_load(&strata->write_file) < 0) {
        atomic_store(&strata->write_file_proven, true);
        atomic_store(&strata->write_file, file);
        file = -1;
    }
    (void)pthread_mutex_unlock(&log->table_mutex);
    if (file >= 0)
        log->io->close(log->io->ctx, file);
}

/* The strata that is left behind may forbid programs of this age to go on. */
static int check_active(flume_log *log)
{
    uint64_t first_seq = atomic_load(&log->head->active_first);
    const struct table *table;
    size_t index;
    struct strata *strata;
    int status;

    if (atomic_load(&log->head->active_bytes) == 0)
        return FLUME_OK;
    table = table_current(log, &status);
    if (table == NULL)
        return status;
    index = table_find(table, first_seq);
    strata = index != SIZE_MAX ? table->rows[index].strata : NULL;
    if (strata == NULL || strata_open(log, strata) != FLUME_OK)
        return FLUME_OK; /* Damaged: recovery has had its say. */
    return strata_check_writable(log, strata);
}

int roll_locked(flume_log *log, uint64_t need_bytes)
{
    struct head *head = log->head;
    uint64_t first_seq = atomic_load(&head->head);
    const char *strata, *slots;
    struct strata_header header;
    uint64_t bytes;
    int file;
    int status = check_active(log);

    if (status != FLUME_OK)
        return status;
    file = take_strata(log, need_bytes, &bytes, &strata, &slots);
    if (file < 0)
        return file;
    status = roll_header_locked(log, first_seq, bytes, &header);
    if (status == FLUME_OK)
        status = write_empty(log, file, slots, &header);
    if (status == FLUME_OK)
        status = name_strata(log, first_seq, strata, slots);
    if (status != FLUME_OK) {
        log->io->close(log->io->ctx, file);
        remove_file(log, strata);
        remove_file(log, slots);
    }
    if (strata == next_strata) /* Not before: a preparer would put others under these names. */
        atomic_store(&head->prepared_bytes, 0);
    if (status != FLUME_OK)
        return status;
    roll_publish_locked(log, first_seq, &header);
    head->active_zeroed_to = strata == next_strata && gains_by_zeros(log) ? bytes : 0;
    keep_file(log, first_seq, file);
    log->writer.rolled = true;
    return FLUME_OK;
}
