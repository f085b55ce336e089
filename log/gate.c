/*
 * gate.c - TAIL: what was acknowledged as durable, written after the sync that made it so.
 *
 * Two slots in separate blocks, written in turn: a torn write leaves the other.
 */
#include "sync.h"

#include <errno.h>

#include "bytes.h"
#include "hash.h"
#include "strata.h"

enum {
    GATE_FILE_BYTES = GATE_SLOTS * GATE_SLOT_BYTES,
    GATE_MAGIC_AT = 0,
    GATE_GENERATION_AT = 8,
    GATE_SEQ_AT = 16,
    GATE_GRAIN_CHECK_AT = 24,
    GATE_BASIN_ID_AT = 32,
    GATE_CHECK_AT = 48,
    GATE_BYTES = 56
};

static const char gate_magic[8] = {'f', 'l', 'u', 'm', 'e', 'g', 'a', 't'};

static bool slot_decode(const flume_log *log, const uint8_t source[GATE_BYTES],
                        struct gate *out_gate)
{
    if (memcmp(source + GATE_MAGIC_AT, gate_magic, sizeof gate_magic) != 0 ||
        get_le64(source + GATE_CHECK_AT) != hash_bytes(source, GATE_CHECK_AT, 0) ||
        memcmp(source + GATE_BASIN_ID_AT, log->basin_id, sizeof log->basin_id) != 0)
        return false;
    out_gate->generation = get_le64(source + GATE_GENERATION_AT);
    out_gate->seq = get_le64(source + GATE_SEQ_AT);
    out_gate->check = get_le64(source + GATE_GRAIN_CHECK_AT);
    return true;
}

static void slot_encode(const flume_log *log, const struct gate *gate, uint8_t target[GATE_BYTES])
{
    memcpy(target + GATE_MAGIC_AT, gate_magic, sizeof gate_magic);
    put_le64(target + GATE_GENERATION_AT, gate->generation);
    put_le64(target + GATE_SEQ_AT, gate->seq);
    put_le64(target + GATE_GRAIN_CHECK_AT, gate->check);
    memcpy(target + GATE_BASIN_ID_AT, log->basin_id, sizeof log->basin_id);
    put_le64(target + GATE_CHECK_AT, hash_bytes(target, GATE_CHECK_AT, 0));
}

/* A slot as it is read, once: what is asked a second time may have another answer. A medium that
 * fails is asked once more, for one slot may be all that tells of the newest records. */
static int slot_load(flume_log *log, unsigned index, struct gate *out_gate, bool *out_is_sound)
{
    uint8_t bytes[GATE_BYTES];
    int error = -ENODATA;

    *out_is_sound = false;
    for (unsigned tries = 0; tries < 2 && error != 0 && log->gate_file >= 0; tries++)
        error = io_read_all(log->io, log->gate_file, bytes, sizeof bytes,
                            (uint64_t)index * GATE_SLOT_BYTES);
    if (error == 0)
        *out_is_sound = slot_decode(log, bytes, out_gate);
    return error == -ENODATA ? 0 : error; /* A file that is too short is no fault of the medium. */
}

bool gate_slot(flume_log *log, unsigned index, struct gate *out_gate)
{
    bool is_sound;

    (void)slot_load(log, index, out_gate, &is_sound);
    return is_sound;
}

int gate_slot_error(flume_log *log, unsigned index)
{
    struct gate gate;
    bool is_sound;

    return slot_load(log, index, &gate, &is_sound);
}

bool gate_read(flume_log *log, struct gate *out_gate, int *out_error)
{
    bool found = false;

    if (out_error != NULL)
        *out_error = 0;
    for (unsigned i = 0; i < GATE_SLOTS; i++) {
        struct gate gate;
        bool is_sound;
        int error = slot_load(log, i, &gate, &is_sound);

        if (error != 0 && out_error != NULL)
            *out_error = error;
        if (is_sound && (!found || gate.generation > out_gate->generation))
            *out_gate = gate;
        found = found || is_sound;
    }
    return found;
}

bool gate_basin(flume_log *log, uint8_t out_id[16])
{
    for (unsigned i = 0; i < GATE_SLOTS && log->gate_file >= 0; i++) {
        uint8_t bytes[GATE_BYTES];

        if (io_read_all(log->io, log->gate_file, bytes, sizeof bytes,
                        (uint64_t)i * GATE_SLOT_BYTES) != 0 ||
            memcmp(bytes + GATE_MAGIC_AT, gate_magic, sizeof gate_magic) != 0 ||
            get_le64(bytes + GATE_CHECK_AT) != hash_bytes(bytes, GATE_CHECK_AT, 0))
            continue;
        memcpy(out_id, bytes + GATE_BASIN_ID_AT, sizeof log->basin_id);
        return true;
    }
    return false;
}

static int slot_write(flume_log *log, const struct gate *gate)
{
    const flume_io *io = log->io;
    uint64_t at = gate->generation % 2 * GATE_SLOT_BYTES;
    uint8_t bytes[GATE_BYTES];
    int error;

    slot_encode(log, gate, bytes);
    error = io_write_all(io, log->gate_file, bytes, sizeof bytes, at);
    if (error != 0)
        return log_fail_io(log, error, "write the tail gate of", log->path);
    error = io->sync(io->ctx, log->gate_file);
    return error == 0 ? FLUME_OK : sync_failed(log, error, "sync the tail gate of", log->path);
}

/* The check of the grain before seq; 0 where there is none to be had. */
static uint64_t check_before(flume_log *log, uint64_t seq)
{
    flume_record record;
    uint64_t check;

    if (seq == 0 || flume_log_get(log, seq - 1, &record) != FLUME_OK)
        return 0;
    check = record.check;
    flume_record_release(&record);
    return check;
}

int gate_write(flume_log *log, uint64_t seq)
{
    struct gate gate = {0};
    int status;

    if (!gate_read(log, &gate, NULL))
        gate.generation = 0;
    gate.generation++;
    gate.seq = seq;
    gate.check = check_before(log, seq);
    status = slot_write(log, &gate);
    if (status != FLUME_OK)
        return status;
    atomic_store(&log->head->gate_seq, seq);
    atomic_store(&log->head->gate_ns, log->io->monotonic_ns(log->io->ctx));
    return FLUME_OK;
}

int gate_create(flume_log *log, uint64_t seq, uint64_t check)
{
    struct gate gate = {0};
    int error = io_reserve(log->io, log->gate_file, GATE_FILE_BYTES);
    int status;

    if (error != 0)
        return log_fail_io(log, error, "allocate the tail gate of", log->path);
    /* Generations only rise: between the two writes the new slot must count, not the older one. */
    if (!gate_read(log, &gate, NULL))
        gate.generation = 0;
    gate.generation++;
    gate.seq = seq;
    gate.check = check;
    status = slot_write(log, &gate);
    if (status != FLUME_OK)
        return status;
    gate.generation++;
    return slot_write(log, &gate);
}
