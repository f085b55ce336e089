/*
 * position.c - what a named subscription remembers: subs/NAME.
 *
 * Two slots written in turn, never synced: after a power cut it may be an older position, which
 * delivers again and leaves nothing out. Cut seqs are given again, so the seq alone is not
 * believed: the check of the grain before it must be the same.
 */
#include "position.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "flume/subscribe.h"
#include "hash.h"
#include "wait.h"

enum {
    SLOT_BYTES = 64,
    SLOT_GENERATION_AT = 8,
    SLOT_SEQ_AT = 16,
    SLOT_GRAIN_CHECK_AT = 24,
    SLOT_CHECK_AT = 56,
    POSITION_LOCK_AT = 0
};

static const char position_magic[8] = {'f', 'l', 'u', 'm', 'e', 's', 'u', 'b'};

static int name_check(flume_log *log, const char *name)
{
    size_t bytes = strnlen(name, FLUME_SUBSCRIPTION_NAME_BYTES_MAX + 1);

    if (bytes == 0 || bytes > FLUME_SUBSCRIPTION_NAME_BYTES_MAX || name[0] == '.' ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != bytes)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a subscription's name is 1 to %d of [A-Za-z0-9._-] and does not begin "
                        "with a dot",
                        FLUME_SUBSCRIPTION_NAME_BYTES_MAX);
    return FLUME_OK;
}

static bool slot_read(struct position *position, uint64_t at)
{
    uint8_t slot[SLOT_BYTES];
    const flume_io *io = position->log->io;

    if (io_read_all(io, position->file, slot, sizeof slot, at) != 0 ||
        memcmp(slot, position_magic, sizeof position_magic) != 0 ||
        get_le64(slot + SLOT_CHECK_AT) != hash_bytes(slot, SLOT_CHECK_AT, 0) ||
        (!position->is_new && get_le64(slot + SLOT_GENERATION_AT) < position->generation))
        return false;
    position->generation = get_le64(slot + SLOT_GENERATION_AT);
    position->seq = get_le64(slot + SLOT_SEQ_AT);
    position->check = get_le64(slot + SLOT_GRAIN_CHECK_AT);
    position->is_new = false;
    return true;
}

int position_open(flume_log *log, const char *name, struct position *out_position)
{
    struct position position = {.log = log, .file = -1, .is_new = true};
    const flume_io *io = log->io;
    struct path path;
    int error;
    int status = name_check(log, name);

    if (status != FLUME_OK)
        return status;
    if (log->observer)
        return log_fail(log, FLUME_ERR_READ_ONLY, 0, FLUME_SEQ_NONE,
                        "%s cannot be written by this user, so a subscription cannot keep its "
                        "position there",
                        log->path);
    log_path(log, "subs", name, &path);
    position.file = io->open(io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (position.file < 0)
        return log_fail_io(log, position.file, "open", path.text);
    error = io->lock(io->ctx, position.file, POSITION_LOCK_AT, FLUME_IO_LOCK_EXCLUSIVE);
    if (error != 0) {
        io->close(io->ctx, position.file);
        if (error == -EAGAIN)
            return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                            "%s is in use by another subscription", path.text);
        return log_fail_io(log, error, "lock", path.text);
    }
    (void)slot_read(&position, 0);
    (void)slot_read(&position, SLOT_BYTES);
    *out_position = position;
    return FLUME_OK;
}

int position_look(flume_log *log, const char *name, struct position *out_position)
{
    struct position position = {.log = log, .file = -1, .is_new = true};
    struct path path;
    int status = name_check(log, name);

    if (status != FLUME_OK)
        return status;
    log_path(log, "subs", name, &path);
    position.file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (position.file < 0 && position.file != -ENOENT)
        return log_fail_io(log, position.file, "open", path.text);
    if (position.file >= 0) {
        (void)slot_read(&position, 0);
        (void)slot_read(&position, SLOT_BYTES);
    }
    position_close(&position);
    if (position.is_new)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, FLUME_SEQ_NONE,
                        "%s remembers no subscription %s", log->path, name);
    *out_position = position;
    return FLUME_OK;
}

int position_check(const struct position *position, const char *name)
{
    flume_log *log = position->log;
    flume_record record;
    uint64_t head = head_seen(log);
    uint64_t check;
    int status;

    if (position->is_new || position->seq == 0)
        return FLUME_OK;
    status = position->seq > head ? FLUME_ERR_NOT_FOUND
                                  : flume_log_get(log, position->seq - 1, &record);
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST)
        return FLUME_OK; /* It is still that record's place. */
    if (status == FLUME_OK) {
        check = record.check;
        flume_record_release(&record);
        if (check == position->check)
            return FLUME_OK;
    } else if (status != FLUME_ERR_NOT_FOUND) {
        return status;
    }
    return log_fail(log, FLUME_ERR_REWOUND, 0, position->seq,
                    "subscription %s had seen seq %llu of %s, but a power cut took that back (the "
                    "head is %llu); forget its position and subscribe again",
                    name, (unsigned long long)(position->seq - 1), log->path,
                    (unsigned long long)head);
}

int position_save(struct position *position, uint64_t seq, uint64_t check)
{
    uint64_t at = (position->generation + 1) % 2 * SLOT_BYTES;
    uint8_t slot[SLOT_BYTES] = {0};
    int error;

    if (!position->is_new && position->seq == seq && position->check == check)
        return FLUME_OK;
    memcpy(slot, position_magic, sizeof position_magic);
    put_le64(slot + SLOT_GENERATION_AT, position->generation + 1);
    put_le64(slot + SLOT_SEQ_AT, seq);
    put_le64(slot + SLOT_GRAIN_CHECK_AT, check);
    put_le64(slot + SLOT_CHECK_AT, hash_bytes(slot, SLOT_CHECK_AT, 0));
    error = io_write_all(position->log->io, position->file, slot, sizeof slot, at);
    if (error != 0)
        return log_fail_io(position->log, error, "write a position in", position->log->path);
    position->generation++;
    position->seq = seq;
    position->check = check;
    position->is_new = false;
    return FLUME_OK;
}

void position_close(struct position *position)
{
    if (position->file >= 0)
        position->log->io->close(position->log->io->ctx, position->file);
    position->file = -1;
}
