/*
 * batch_others.c - passing over what a view has nothing to do with.
 *
 * Most basins have no blob, no declared view, or none since long ago. The log knows the last record
 * of each kind, so the view of such a kind moves on without reading what others append.
 *
 * What always holds:
 *   - Between where the view stood and where it comes to stand there was no record of its kinds.
 *     The log tells the last of a kind before it publishes the record, and until_seq was published
 *     before it is asked.
 *   - Whether what lies between can be read is not looked at: no row depends on it.
 */
#include "batch.h"

static bool has_none_since(const flume_view *view, uint64_t seq)
{
    const flume_view_definition *definition = view->definition;

    for (size_t i = 0; i < definition->kind_count; i++) {
        uint64_t last;

        if (definition->kinds[i] == FLUME_KIND_ANY ||
            flume_log_last(view->flume->log, definition->kinds[i], &last) != FLUME_OK ||
            (last != FLUME_SEQ_NONE && last >= seq))
            return false;
    }
    return definition->kind_count > 0;
}

bool batch_pass_over_others(flume_batch *batch, const struct batch_limits *limits,
                            uint64_t *out_count)
{
    uint64_t seq = batch->meta.synced_seq;

    if (!limits->passes_over || seq >= limits->until_seq || !has_none_since(batch->view, seq))
        return false;
    *out_count = limits->until_seq - seq;
    batch->meta.synced_seq = limits->until_seq;
    batch->meta.check = batch_check_before(batch->view->flume->log, limits->until_seq);
    return true;
}
