/*
 * superset_view.c - the view "superset": the index of containment, kept from the log.
 *
 * What is kept of shapes in memory is that of the rows: compared whenever a batch begins, for
 * another process may have applied records, and what was put may not have been kept.
 *
 * Rows by fingerprint come in no order. They are kept back until a batch ends, or there are many,
 * and put in the order of their keys: each page of the table is then written to once.
 */
#include <stdlib.h>

#include "overlay_map.h"
#include "scope_log.h"
#include "superset_rows.h"

enum { KEPT_BACK_MAX = 1 << 18 };

struct applying {
    struct containment containment;
    struct scope_log scopes;
    struct scope_record record; /* Of the scope in hand. */
    flume_batch *batch;
    uint64_t begun;             /* flume_batch_begun() when the shapes were compared. */
    struct pairs_map kept_back; /* Goes before the rows. */
};

static int put_kept_back(struct applying *applying)
{
    struct pairs_slot *list;
    size_t count;
    int status = FLUME_OK;

    if (applying->kept_back.count == 0 && !applying->kept_back.has_zero)
        return FLUME_OK;
    list = pairs_map_sorted(&applying->kept_back, &count);
    if (list == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (size_t i = 0; status == FLUME_OK && i < count; i++)
        status = superset_put(applying->batch, list[i].key, &list[i].entry);
    free(list);
    pairs_map_clear(&applying->kept_back);
    return status;
}

/* ---- the store ---- */

static int store_get(void *ctx, struct fingerprint key, struct containment_entry *out_entry)
{
    struct applying *applying = ctx;
    const struct containment_entry *kept = pairs_map_find(&applying->kept_back, key);
    struct superset_reader reader;

    if (kept != NULL) {
        *out_entry = *kept;
        return FLUME_OK;
    }
    superset_reader_of_batch(&reader, applying->batch);
    return superset_get(&reader, key, out_entry);
}

static int store_put(void *ctx, struct fingerprint key, const struct containment_entry *entry)
{
    struct applying *applying = ctx;
    int status = pairs_map_put(&applying->kept_back, key, entry);

    if (status != FLUME_OK || applying->kept_back.count < KEPT_BACK_MAX)
        return status;
    return put_kept_back(applying);
}

static int store_put_shape(void *ctx, uint32_t number, const struct shape *shape)
{
    const struct applying *applying = ctx;

    return superset_put_shape(applying->batch, number, shape);
}

static int store_has_wild_shape(void *ctx, struct fingerprint shape, bool *out_has)
{
    const struct applying *applying = ctx;
    struct superset_reader reader;

    superset_reader_of_batch(&reader, applying->batch);
    return superset_has_wild_shape(&reader, shape, out_has);
}

static int store_put_wild_shape(void *ctx, struct fingerprint shape, uint64_t seq)
{
    const struct applying *applying = ctx;

    return superset_put_wild_shape(applying->batch, shape, seq);
}

static int store_put_info(void *ctx, const struct containment_info *info)
{
    const struct applying *applying = ctx;

    return superset_put_info(applying->batch, info);
}

static int store_add(void *ctx, enum wild_list list, uint64_t token, const struct wild_entry *entry)
{
    const struct applying *applying = ctx;

    return superset_add(applying->batch, list, token, entry);
}

static int store_count(void *ctx, uint64_t token, uint64_t *out_postings)
{
    const struct applying *applying = ctx;
    struct superset_reader reader;

    superset_reader_of_batch(&reader, applying->batch);
    return superset_count(&reader, token, out_postings);
}

static int store_each(void *ctx, enum wild_list list, uint64_t token,
                      int (*visit)(void *visit_ctx, const struct wild_entry *entry),
                      void *visit_ctx)
{
    const struct applying *applying = ctx;
    struct superset_reader reader;

    superset_reader_of_batch(&reader, applying->batch);
    return superset_each(&reader, list, token, visit, visit_ctx);
}

/* ---- applying ---- */

static int superset_open(void *ctx, void **out_state)
{
    struct applying *applying = calloc(1, sizeof *applying);

    (void)ctx;
    if (applying == NULL)
        return FLUME_ERR_NO_MEMORY;
    *out_state = applying;
    return FLUME_OK;
}

static void superset_close(void *state)
{
    struct applying *applying = state;

    containment_deinit(&applying->containment);
    pairs_map_deinit(&applying->kept_back);
    scope_log_deinit(&applying->scopes);
    scope_record_release(&applying->record);
    free(applying);
}

static void superset_reset(void *state)
{
    struct applying *applying = state;

    containment_forget(&applying->containment);
    pairs_map_clear(&applying->kept_back);
    applying->begun = 0;
}

/* The basin's id is known with the first batch. */
static int begin(struct applying *applying, flume_batch *batch)
{
    const struct containment_store store = {
        .ctx = applying,
        .scopes = &applying->scopes,
        .get = store_get,
        .put = store_put,
        .put_shape = store_put_shape,
        .has_wild_shape = store_has_wild_shape,
        .put_wild_shape = store_put_wild_shape,
        .put_info = store_put_info,
        .add = store_add,
        .count = store_count,
        .each = store_each,
        .is_same = scope_log_is_same,
        .read = scope_log_read,
        .scan = scope_log_scan,
    };
    flume_log_stat_info stat;
    int status;

    if (applying->scopes.log != NULL)
        return FLUME_OK;
    status = flume_log_stat(flume_batch_log(batch), &stat);
    if (status != FLUME_OK)
        return status;
    applying->scopes.log = flume_batch_log(batch);
    containment_init(&applying->containment, &store, tokens_seed(stat.basin_id));
    return FLUME_OK;
}

static int superset_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct applying *applying = state;
    struct superset_reader reader;
    int status = begin(applying, batch);

    applying->batch = batch;
    if (status == FLUME_OK && flume_batch_begun(batch) != applying->begun) {
        pairs_map_clear(&applying->kept_back); /* Of a batch that was given up. */
        superset_reader_of_batch(&reader, batch);
        status = superset_restore(&reader, &applying->containment);
        if (status == FLUME_OK)
            applying->begun = flume_batch_begun(batch);
    }
    if (status != FLUME_OK)
        return status;
    status = scope_log_take(applying->scopes.log, record, &applying->record);
    if (status == FLUME_ERR_NOT_FOUND)
        return FLUME_OK;
    if (status == FLUME_OK)
        status = containment_add(&applying->containment, &applying->record.identity, record->seq);
    if (status != FLUME_OK)
        applying->begun = 0; /* What is kept of shapes may be ahead of the rows. */
    return status;
}

static int superset_end(void *state, flume_batch *batch)
{
    struct applying *applying = state;

    if (applying->begun != flume_batch_begun(batch))
        return FLUME_OK; /* No scope was among its records. */
    applying->batch = batch;
    return put_kept_back(applying);
}

static const flume_view_table superset_tables[SUPERSET_TABLES] = {
    [SUPERSET_PAIRS] = {"pairs", 0, NULL, NULL},
    [SUPERSET_SHAPE] = {"shape", 0, NULL, NULL},
    [SUPERSET_WILD_SHAPE] = {"wild_shape", 0, NULL, NULL},
    [SUPERSET_POSTING] = {"posting", 0, NULL, NULL},
    [SUPERSET_WATCH] = {"watch", 0, NULL, NULL},
    [SUPERSET_FREQUENCY] = {"frequency", 0, NULL, NULL},
    [SUPERSET_INFO] = {"info", 0, NULL, NULL},
};
static const uint8_t superset_kinds[] = {FLUME_KIND_SCOPE};

const flume_view_definition view_superset = {
    .name = "superset",
    .version = 1,
    .tables = superset_tables,
    .table_count = SUPERSET_TABLES,
    .flags = FLUME_VIEW_LAZY,
    .apply = superset_apply,
    .end = superset_end,
    .open = superset_open,
    .close = superset_close,
    .reset = superset_reset,
    .kinds = superset_kinds,
    .kind_count = 1,
};
