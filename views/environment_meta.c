/*
 * environment_meta.c - the row "state" of an environment, from and to its bytes (FORMAT.md).
 *
 * What always holds:
 *   - What decodes has as many parts as it has room for, and bytes for exactly those.
 */
#include <string.h>

#include "environment_inside.h"
#include "little.h"

/* Meta's bytes. */
enum {
    META_FORMAT_AT = 0,
    META_VERSION_AT = 4,
    META_COMPLETE_AT = 8,
    META_SYNCED_AT = 16,
    META_CHECK_AT = 24,
    META_PASSED_OVER_AT = 32,
    META_PART_COUNT_AT = 40,
    META_PARTS_AT = 48,
    META_BYTES_COMPLETE = META_PARTS_AT, /* A complete build has no parts. */

    PART_FROM_AT = 0,
    PART_TO_AT = 8,
    PART_SYNCED_AT = 16,
    PART_CHECK_AT = 24,
    PART_PASSED_OVER_AT = 32,
    PART_RUNS_AT = 40,
    PART_BYTES = PART_RUNS_AT + 4 * FLUME_VIEW_TABLES_MAX,
    META_BYTES_MAX = META_PARTS_AT + META_PARTS_MAX * PART_BYTES
};

static void part_encode(const struct view_part *part, uint8_t target[PART_BYTES])
{
    little_put64(target + PART_FROM_AT, part->from_seq);
    little_put64(target + PART_TO_AT, part->to_seq);
    little_put64(target + PART_SYNCED_AT, part->synced_seq);
    little_put64(target + PART_CHECK_AT, part->check);
    little_put64(target + PART_PASSED_OVER_AT, part->passed_over);
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        little_put32(target + PART_RUNS_AT + 4 * i, part->runs[i]);
}

static void part_decode(const uint8_t source[PART_BYTES], struct view_part *out)
{
    out->from_seq = little_get64(source + PART_FROM_AT);
    out->to_seq = little_get64(source + PART_TO_AT);
    out->synced_seq = little_get64(source + PART_SYNCED_AT);
    out->check = little_get64(source + PART_CHECK_AT);
    out->passed_over = little_get64(source + PART_PASSED_OVER_AT);
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        out->runs[i] = little_get32(source + PART_RUNS_AT + 4 * i);
}

/* Returns how many bytes it takes. */
static size_t meta_encode(const struct view_meta *meta, uint8_t target[META_BYTES_MAX])
{
    memset(target, 0, META_BYTES_COMPLETE);
    little_put32(target + META_FORMAT_AT, META_FORMAT);
    little_put32(target + META_VERSION_AT, meta->version);
    target[META_COMPLETE_AT] = meta->complete ? 1 : 0;
    little_put64(target + META_SYNCED_AT, meta->synced_seq);
    little_put64(target + META_CHECK_AT, meta->check);
    little_put64(target + META_PASSED_OVER_AT, meta->passed_over);
    little_put32(target + META_PART_COUNT_AT, meta->part_count);
    for (size_t i = 0; i < meta->part_count; i++)
        part_encode(&meta->parts[i], target + META_PARTS_AT + i * PART_BYTES);
    return META_PARTS_AT + meta->part_count * PART_BYTES;
}

static int meta_decode(const uint8_t *source, size_t source_bytes, struct view_meta *out)
{
    *out = (struct view_meta){0};
    if (source_bytes < META_BYTES_COMPLETE || little_get32(source + META_FORMAT_AT) != META_FORMAT)
        return MDB_VERSION_MISMATCH;
    out->version = little_get32(source + META_VERSION_AT);
    out->complete = source[META_COMPLETE_AT] != 0;
    out->synced_seq = little_get64(source + META_SYNCED_AT);
    out->check = little_get64(source + META_CHECK_AT);
    out->passed_over = little_get64(source + META_PASSED_OVER_AT);
    out->part_count = little_get32(source + META_PART_COUNT_AT);
    if (out->part_count > META_PARTS_MAX ||
        source_bytes != META_PARTS_AT + out->part_count * (size_t)PART_BYTES)
        return MDB_VERSION_MISMATCH;
    for (size_t i = 0; i < out->part_count; i++)
        part_decode(source + META_PARTS_AT + i * PART_BYTES, &out->parts[i]);
    return 0;
}

static MDB_val meta_key(void)
{
    return (MDB_val){.mv_size = 5, .mv_data = (void *)(uintptr_t) "state"};
}

int meta_get(const struct environment *env, MDB_txn *txn, struct view_meta *out)
{
    MDB_val key = meta_key(), value;
    int code = mdb_get(txn, env->main, &key, &value);

    if (code == MDB_NOTFOUND) {
        *out = (struct view_meta){0}; /* Just made. */
        return 0;
    }
    return code != 0 ? code : meta_decode(value.mv_data, value.mv_size, out);
}

int meta_put(const struct environment *env, MDB_txn *txn, const struct view_meta *meta)
{
    uint8_t bytes[META_BYTES_MAX];
    MDB_val key = meta_key(), value = {.mv_data = bytes};

    value.mv_size = meta_encode(meta, bytes);
    return mdb_put(txn, env->main, &key, &value, 0);
}
