/*
 * item.c - a record on its way into the log: checked, its meta encoded, its payload hashed.
 */
#include "item.h"

#include <string.h>

enum { CODEC_ITEM_BYTES = 4, NEEDS_ITEM_BYTES = 2 + GRAIN_NEEDS_BYTES };
#define CLOCK_STEP_NS ((int64_t)3600 * 1000000000)

/* A label is text that can stand on a line: control bytes are refused. */
static int label_check(flume_log *log, const char *label, size_t *out_bytes)
{
    size_t bytes;

    if (label == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "a label is NULL");
    bytes = strnlen(label, FLUME_LABEL_BYTES_MAX + 1);
    if (bytes == 0 || bytes > FLUME_LABEL_BYTES_MAX)
        return log_fail(log, bytes == 0 ? FLUME_ERR_INVALID : FLUME_ERR_TOO_LARGE, 0,
                        FLUME_SEQ_NONE, "a label has 1 to %d bytes, not %s", FLUME_LABEL_BYTES_MAX,
                        bytes == 0 ? "0" : "more");
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)label[i] < 0x20 || label[i] == 0x7f)
            return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                            "label with a control byte (0x%02x) at byte %zu",
                            (unsigned)(unsigned char)label[i], i);
    }
    *out_bytes = bytes;
    return FLUME_OK;
}

static int kind_check(flume_log *log, unsigned kind)
{
    if (kind == FLUME_KIND_MANIFEST || kind == FLUME_KIND_LOST)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "records of kind %s are made by the library only", flume_kind_name(kind));
    return FLUME_OK;
}

int64_t item_meta_bytes(flume_log *log, const flume_entry *entry)
{
    size_t meta_bytes = entry->codec != FLUME_CODEC_RAW ? CODEC_ITEM_BYTES : 0;
    int status = kind_check(log, entry->kind);

    if (entry->needs != 0)
        meta_bytes += NEEDS_ITEM_BYTES;
    if (status != FLUME_OK)
        return status;
    if (entry->body_bytes > FLUME_BODY_BYTES_MAX)
        return log_fail(log, FLUME_ERR_TOO_LARGE, 0, FLUME_SEQ_NONE,
                        "a body of %zu bytes is over the limit of %d; store it as a blob "
                        "('blob put')",
                        entry->body_bytes, FLUME_BODY_BYTES_MAX);
    if ((entry->body == NULL && entry->body_bytes > 0) ||
        (entry->labels == NULL && entry->label_count > 0))
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a body or labels are NULL but not empty");
    for (size_t i = 0; i < entry->label_count; i++) {
        size_t label_bytes = 0;

        status = label_check(log, entry->labels[i], &label_bytes);
        if (status != FLUME_OK)
            return status;
        meta_bytes += 2 + label_bytes;
        if (meta_bytes > FLUME_META_BYTES_MAX - GRAIN_WITNESS_BYTES - ITEM_CLOCK_STEP_BYTES)
            return log_fail(log, FLUME_ERR_TOO_LARGE, 0, FLUME_SEQ_NONE,
                            "the labels of one record are over %d bytes together",
                            FLUME_META_BYTES_MAX);
    }
    return (int64_t)meta_bytes;
}

static uint8_t *put_item(uint8_t *target, enum grain_meta_tag tag, const void *value,
                         size_t value_bytes)
{
    target[0] = (uint8_t)tag;
    target[1] = (uint8_t)value_bytes;
    memcpy(target + 2, value, value_bytes);
    return target + 2 + value_bytes;
}

/* A jump of the wall clock shows as a long gap; whether the boot clock saw it too decides. */
static int64_t clock_step(flume_log *log, uint64_t wall_ns)
{
    uint64_t last_ns = atomic_load_explicit(&log->last_wall_ns, memory_order_relaxed);
    int64_t gap_ns = (int64_t)(wall_ns - last_ns);
    int64_t offset_ns, step_ns;

    atomic_store_explicit(&log->last_wall_ns, wall_ns, memory_order_relaxed);
    if (gap_ns < CLOCK_STEP_NS && gap_ns > -CLOCK_STEP_NS)
        return 0;
    offset_ns = (int64_t)(wall_ns - log->io->monotonic_ns(log->io->ctx));
    step_ns = offset_ns - atomic_load(&log->clock_offset_ns);
    if (step_ns < CLOCK_STEP_NS && step_ns > -CLOCK_STEP_NS)
        return 0;
    atomic_store(&log->clock_offset_ns, offset_ns);
    return step_ns;
}

void item_make(flume_log *log, const flume_entry *entry, struct item_moment *moment, uint8_t *meta,
               struct item *out_item)
{
    uint8_t *end = meta;
    uint8_t number[GRAIN_NEEDS_BYTES];
    int64_t step_ns = 0;

    out_item->time_ns = entry->time_ns;
    if (entry->time_ns == 0) {
        if (moment->wall_ns == 0) {
            moment->wall_ns = log->io->wall_ns(log->io->ctx);
            moment->step_ns = clock_step(log, moment->wall_ns);
        }
        out_item->time_ns = moment->wall_ns;
        step_ns = moment->step_ns;
        moment->step_ns = 0;
    }
    if (entry->codec != FLUME_CODEC_RAW) {
        put_le16(number, entry->codec);
        end = put_item(end, GRAIN_META_CODEC, number, sizeof(uint16_t));
    }
    for (size_t i = 0; i < entry->label_count; i++)
        end = put_item(end, GRAIN_META_LABEL, entry->labels[i], strlen(entry->labels[i]));
    if (entry->needs != 0) {
        put_le64(number, entry->needs);
        put_le64(number + sizeof(uint64_t), entry->needs_check);
        end = put_item(end, GRAIN_META_NEEDS, number, GRAIN_NEEDS_BYTES);
    }
    if (step_ns != 0) {
        put_le64(number, (uint64_t)step_ns);
        end = put_item(end, GRAIN_META_CLOCK_STEP, number, sizeof(uint64_t));
    }
    out_item->meta = meta;
    out_item->meta_bytes = (uint16_t)(end - meta);
    out_item->body = entry->body != NULL ? entry->body : "";
    out_item->body_bytes = (uint32_t)entry->body_bytes;
    out_item->kind = entry->kind != FLUME_KIND_ANY ? entry->kind : FLUME_KIND_MESSAGE;
    out_item->flags = 0;
    out_item->needs = entry->needs;
    out_item->payload_hash =
        grain_payload_hash(meta, out_item->meta_bytes, out_item->body, out_item->body_bytes);
}
