/*
 * companion_take.c - whether a basin that is there may become the second log of one that has none.
 *
 * Chunks are found by their hash, so a stranger's would do as well as one's own, until its owner
 * cleans them. What is taken unasked is therefore empty: made by a process that died before GRAINS
 * could say so. Whoever asks for it gets one with chunks, but none that lacks what a record of the
 * log refers to.
 */
#include "companion.h"
#include "flume/cursor.h"

enum { MANIFESTS_LOOKED_AT = 1000 }; /* Before the first record that is none. */

/* What a basin has been used for. */
enum use { USE_NONE, USE_CHUNKS, USE_OTHER, USE_UNKNOWN };

static enum use use_of(flume_log *grains)
{
    uint64_t head = flume_log_head(grains);

    for (uint64_t seq = 0; seq < head; seq++) {
        flume_record record;
        uint8_t kind;

        if (seq == MANIFESTS_LOOKED_AT || flume_log_get(grains, seq, &record) != FLUME_OK)
            return USE_UNKNOWN;
        kind = record.kind;
        flume_record_release(&record);
        if (kind != FLUME_KIND_MANIFEST)
            return kind == FLUME_KIND_CHUNK ? USE_CHUNKS : USE_OTHER;
    }
    return USE_NONE;
}

/* The first record that refers to a second log. FLUME_END: none does. */
static int find_needing(flume_log *log, uint64_t *out_seq, struct grain_needs *out_needs)
{
    static const uint8_t kind = FLUME_KIND_BLOB;
    const flume_cursor_options options = {
        .flags = FLUME_CURSOR_SKIP_DAMAGED, .kinds = &kind, .kind_count = 1};
    flume_cursor *cursor = NULL;
    flume_record record;
    int status = flume_cursor_open(log, &options, &cursor);

    out_needs->head = 0;
    while (status == FLUME_OK && out_needs->head == 0) {
        status = flume_cursor_next(cursor, 0, &record);
        if (status != FLUME_OK)
            break;
        out_needs->head = flume_record_needs(&record, &out_needs->check);
        *out_seq = record.seq;
    }
    flume_cursor_close(cursor);
    return status;
}

/* Whether it can have what is needed; what cannot be read decides nothing. */
static bool may_have(flume_log *grains, const struct grain_needs *needs)
{
    flume_record record;
    bool is_equal;

    if (needs->head > flume_log_head(grains))
        return false;
    if (needs->check == 0 || flume_log_get(grains, needs->head - 1, &record) != FLUME_OK)
        return true;
    is_equal = record.check == needs->check;
    flume_record_release(&record);
    return is_equal;
}

static int take_asked(flume_log *log, const char *path, flume_log *grains)
{
    struct grain_needs needs;
    uint64_t seq = FLUME_SEQ_NONE;
    int status = find_needing(log, &seq, &needs);

    if (status == FLUME_END || (status == FLUME_OK && may_have(grains, &needs)))
        return FLUME_OK;
    if (status != FLUME_OK)
        return status;
    return log_fail(log, FLUME_ERR_INVALID, 0, seq,
                    "%.1500s is not the second log of %s: it does not have what seq %llu refers "
                    "to; choose another path",
                    path, log->path, (unsigned long long)seq);
}

static int take_unasked(flume_log *log, const char *path)
{
    struct grains_setting now;
    int status = companion_setting(log, &now);

    if (status != FLUME_ERR_NOT_FOUND)
        return status; /* Somebody has made it meanwhile, and used it at once. */
    return log_fail(log, FLUME_ERR_ABSENT, 0, FLUME_SEQ_NONE,
                    "%.1500s has chunks, but %s/GRAINS, which would say whose they are, is not "
                    "there; if they are of this basin, say that the second log is there",
                    path, log->path);
}

int companion_take(flume_log *log, const char *path, bool is_asked_for)
{
    flume_log *grains;
    enum use use;
    int status = companion_open(log, path, FLUME_OPEN_READ_ONLY, 0, &grains);

    if (status != FLUME_OK)
        return status;
    use = use_of(grains);
    if (use == USE_OTHER)
        status = log_fail(
            log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
            "%.1500s is a basin with records of its own, and cannot become the second log of "
            "%s; choose another path",
            path, log->path);
    else if (use != USE_NONE)
        status = is_asked_for ? take_asked(log, path, grains) : take_unasked(log, path);
    (void)flume_log_close(grains); /* It was only read. */
    return status;
}
