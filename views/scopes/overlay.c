/*
 * overlay.c - containment as of the log's very head (overlay.h).
 */
#include "overlay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "lookup.h"
#include "overlay_map.h"
#include "scope_log.h"
#include "superset_rows.h"
#include "wild.h"

/* How much memory it takes by default, and at least. A scope has a row of its own, and mostly not
 * more than one besides. */
enum { MEMORY_BYTES = 1 << 27, MEMORY_BYTES_MIN = 1 << 18, ROWS_OF_SCOPE = 2 };

/* How far behind a snapshot may be to begin afresh on it, as a part of the scopes it takes in; and
 * from how many records on it begins afresh rather than to read them.
 *
 * It seldom comes to that. What it takes in stands in two parts: once the newer one is large and
 * the view has what is in the older one, that is let go of for a newer snapshot, and nobody waits.
 * Where there is no more room, the view is waited for as far as the older part goes. */
enum { NEAR_PART = 16, FOLLOW_RECORDS_MAX = 1 << 16 };
enum { CURSOR_BEHIND_MAX = 16 };

/* Parts of what it takes in: how much makes a part, and how much more before it is tried again. */
enum { TURN_PART = 4, TRY_PART = 256 };

/* Shapes that are tracked because of a question alone: the view does not know them. */
enum asked_shapes { ASKED_NONE, ASKED_ONE, ASKED_MORE };

struct overlay {
    flume *handle;
    flume_log *log;
    flume_view *view;
    struct containment containment;
    struct scope_log scopes;
    struct scope_record record;
    size_t rows_max, scopes_max;

    bool is_standing;  /* What follows is of use. */
    flume_rows *rows;  /* NULL: there was no scope when it began. */
    uint64_t position; /* Every scope below it is known. */
    size_t scopes_added;
    struct pairs_map pairs; /* Goes before all else; has misses of the rows, too. */
    struct pairs_map older; /* Goes before the rows. */
    uint64_t older_below;   /* What is in it, or in the rows: scopes below this. */
    bool has_older;
    size_t older_scopes;            /* Of scopes_added. */
    size_t next_turn;               /* Of scopes_added: when the newer part becomes the older. */
    struct fingerprint asked_shape; /* Tracked for a question; no scope has it yet. */
    enum asked_shapes asked_shapes;
    struct pairs_map wild_shapes;      /* Goes before the rows. */
    struct list_map lists[WILD_LISTS]; /* Besides those of the rows. */
    size_t entries;
    flume_cursor *cursor; /* Live; at position or behind it. NULL: none. */
};

/* ---- the store ---- */

static int store_get(void *ctx, struct fingerprint key, struct containment_entry *out_entry)
{
    struct overlay *overlay = ctx;
    struct containment_entry *kept;
    struct superset_reader reader;
    int status;

    pairs_map_prefetch(&overlay->older, key); /* Both are far away. */
    kept = pairs_map_find(&overlay->pairs, key);
    if (kept == NULL)
        kept = pairs_map_find(&overlay->older, key);
    if (kept != NULL) {
        *out_entry = *kept;
        return FLUME_OK;
    }
    *out_entry = (struct containment_entry){FLUME_SEQ_NONE, FLUME_SEQ_NONE};
    if (overlay->rows == NULL)
        return FLUME_OK;
    superset_reader_of_rows(&reader, overlay->rows);
    status = superset_get(&reader, key, out_entry);
    /* Who asks for what is not there mostly puts it soon, having looked once more. */
    if (status == FLUME_OK && out_entry->own_seq == FLUME_SEQ_NONE)
        status = pairs_map_put(&overlay->pairs, key, out_entry);
    return status;
}

static int store_put(void *ctx, struct fingerprint key, const struct containment_entry *entry)
{
    struct overlay *overlay = ctx;

    return pairs_map_put(&overlay->pairs, key, entry);
}

/* Shapes and counts stand in struct containment. */
static int store_put_shape(void *ctx, uint32_t number, const struct shape *shape)
{
    (void)ctx;
    (void)number;
    (void)shape;
    return FLUME_OK;
}

static int store_put_info(void *ctx, const struct containment_info *info)
{
    (void)ctx;
    (void)info;
    return FLUME_OK;
}

static int store_has_wild_shape(void *ctx, struct fingerprint shape, bool *out_has)
{
    struct overlay *overlay = ctx;
    struct superset_reader reader;

    *out_has = pairs_map_find(&overlay->wild_shapes, shape) != NULL;
    if (*out_has || overlay->rows == NULL)
        return FLUME_OK;
    superset_reader_of_rows(&reader, overlay->rows);
    return superset_has_wild_shape(&reader, shape, out_has);
}

static int store_put_wild_shape(void *ctx, struct fingerprint shape, uint64_t seq)
{
    struct overlay *overlay = ctx;
    struct containment_entry entry = {seq, FLUME_SEQ_NONE};

    return pairs_map_put(&overlay->wild_shapes, shape, &entry);
}

static int store_add(void *ctx, enum wild_list list, uint64_t token, const struct wild_entry *entry)
{
    struct overlay *overlay = ctx;

    overlay->entries++;
    return list_map_add(&overlay->lists[list], token, entry);
}

static int store_count(void *ctx, uint64_t token, uint64_t *out_postings)
{
    const struct overlay *overlay = ctx;
    const struct list_slot *slot = list_map_find(&overlay->lists[WILD_POSTINGS], token);
    struct superset_reader reader;
    uint64_t stored = 0;
    int status = FLUME_OK;

    if (overlay->rows != NULL) {
        superset_reader_of_rows(&reader, overlay->rows);
        status = superset_count(&reader, token, &stored);
    }
    if (status == FLUME_OK)
        *out_postings = stored + (slot == NULL ? 0 : slot->count);
    return status;
}

/* Those of the rows; then those in memory, each a run of its own: who lists stored scopes later
 * than others does not keep the order of their seqs. */
static int store_each(void *ctx, enum wild_list list, uint64_t token,
                      int (*visit)(void *visit_ctx, const struct wild_entry *entry),
                      void *visit_ctx)
{
    const struct overlay *overlay = ctx;
    const struct list_slot *slot = list_map_find(&overlay->lists[list], token);
    struct superset_reader reader;
    int status = FLUME_OK;

    if (overlay->rows != NULL) {
        superset_reader_of_rows(&reader, overlay->rows);
        status = superset_each(&reader, list, token, visit, visit_ctx);
    }
    for (uint32_t i = 0; slot != NULL && status >= FLUME_OK && i < slot->count; i++)
        status = visit(visit_ctx, &slot->entries[i]);
    return status > 0 ? FLUME_OK : status;
}

/* ---- making ---- */

static size_t rows_max_of(uint64_t memory_bytes)
{
    if (memory_bytes == 0)
        memory_bytes = MEMORY_BYTES;
    if (memory_bytes < MEMORY_BYTES_MIN)
        memory_bytes = MEMORY_BYTES_MIN;
    memory_bytes /= PAIRS_ROW_BYTES_MAX;
    return memory_bytes < UINT32_MAX / 4 ? (size_t)memory_bytes : UINT32_MAX / 4;
}

int overlay_create(flume *handle, uint64_t memory_bytes, struct overlay **out_overlay)
{
    struct overlay *overlay = calloc(1, sizeof *overlay);
    struct containment_store store = {
        .ctx = overlay,
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
    int status;

    if (overlay == NULL)
        return FLUME_ERR_NO_MEMORY;
    overlay->handle = handle;
    overlay->log = flume_log_of(handle);
    overlay->scopes.log = overlay->log;
    store.scopes = &overlay->scopes;
    overlay->rows_max = rows_max_of(memory_bytes);
    containment_init(&overlay->containment, &store, tokens_seed(handle->basin_id));
    overlay_limit(overlay, 0);
    overlay_limit_backfill(overlay, overlay->rows_max);
    status = flume_view_find(handle, view_superset.name, &overlay->view);
    if (status != FLUME_OK) {
        overlay_destroy(overlay);
        return status;
    }
    *out_overlay = overlay;
    return FLUME_OK;
}

void overlay_rest(struct overlay *overlay)
{
    overlay->is_standing = false;
    if (overlay->rows != NULL)
        flume_rows_end(overlay->rows);
    overlay->rows = NULL;
    pairs_map_deinit(&overlay->pairs);
    pairs_map_deinit(&overlay->older);
    overlay->has_older = false;
    overlay->older_scopes = 0;
    overlay->next_turn = overlay->scopes_max / TURN_PART;
    overlay->asked_shapes = ASKED_NONE;
    pairs_map_deinit(&overlay->wild_shapes);
    for (size_t i = 0; i < WILD_LISTS; i++)
        list_map_deinit(&overlay->lists[i]);
    overlay->entries = 0;
    overlay->scopes_added = 0;
    containment_forget(&overlay->containment);
    flume_cursor_close(overlay->cursor);
    overlay->cursor = NULL;
}

void overlay_destroy(struct overlay *overlay)
{
    if (overlay == NULL)
        return;
    overlay_rest(overlay);
    containment_deinit(&overlay->containment);
    scope_log_deinit(&overlay->scopes);
    scope_record_release(&overlay->record);
    free(overlay);
}

void overlay_limit(struct overlay *overlay, size_t scopes_max)
{
    overlay->scopes_max = scopes_max == 0 ? overlay->rows_max / ROWS_OF_SCOPE : scopes_max;
    overlay->next_turn = overlay->scopes_max / TURN_PART;
}

void overlay_limit_backfill(struct overlay *overlay, uint64_t records_max)
{
    overlay->containment.backfill_max = records_max;
}

uint64_t overlay_position(const struct overlay *overlay)
{
    return overlay->is_standing ? overlay->position : 0;
}

/* ---- beginning afresh ---- */

/* A snapshot: what the view has at this moment, or, if that is not near or nothing, what it has
 * once it was waited for. */
static int take_rows(struct overlay *overlay, uint64_t below_seq, uint64_t near_records,
                     const flume_ask *ask)
{
    flume_ask patient = ask == NULL ? (flume_ask){0} : *ask;
    flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    int status = flume_view_read(overlay->view, &at_once, &overlay->rows);

    if (status == FLUME_OK) {
        overlay->position = flume_rows_as_of(overlay->rows);
        if (overlay->position + near_records >= below_seq)
            return FLUME_OK;
        flume_rows_end(overlay->rows);
        overlay->rows = NULL;
    } else if (status != FLUME_ERR_STALE) {
        overlay->rows = NULL;
        return status;
    }
    patient.flags = FLUME_ASK_AS_OF;
    patient.as_of = below_seq;
    status = flume_view_read(overlay->view, &patient, &overlay->rows);
    if (status == FLUME_OK)
        overlay->position = flume_rows_as_of(overlay->rows);
    else
        overlay->rows = NULL;
    return status;
}

/* A row that cannot be is the view's fault. Nothing that was made with it is of use. */
static int fail(struct overlay *overlay, int status)
{
    overlay_rest(overlay);
    if (status != FLUME_ERR_DAMAGED)
        return status;
    return lookup_bad_row(overlay->handle, view_superset.name);
}

static int stand(struct overlay *overlay, uint64_t below_seq, uint64_t near_records,
                 const flume_ask *ask)
{
    struct superset_reader reader;
    uint64_t last;
    int status;

    overlay_rest(overlay);
    status = flume_log_last(overlay->log, FLUME_KIND_SCOPE, &last);
    if (status != FLUME_OK)
        return status;
    if (last == FLUME_SEQ_NONE) {
        overlay->position = below_seq; /* There is no scope below the head as it was. */
        overlay->is_standing = true;
        return FLUME_OK;
    }
    status = take_rows(overlay, below_seq, near_records, ask);
    if (status != FLUME_OK)
        return status;
    superset_reader_of_rows(&reader, overlay->rows);
    status = superset_restore(&reader, &overlay->containment);
    overlay->is_standing = status == FLUME_OK;
    return status;
}

/* ---- following the log ---- */

static int open_cursor(struct overlay *overlay)
{
    static const uint8_t kinds[] = {FLUME_KIND_SCOPE};
    flume_cursor_options options = {
        .flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_SKIP_DAMAGED,
        .bounds = FLUME_GTE,
        .gte = overlay->position,
        .kinds = kinds,
        .kind_count = 1,
    };

    if (overlay->cursor != NULL &&
        flume_cursor_position(overlay->cursor) + CURSOR_BEHIND_MAX >= overlay->position)
        return FLUME_OK;
    flume_cursor_close(overlay->cursor);
    overlay->cursor = NULL;
    return flume_cursor_open(overlay->log, &options, &overlay->cursor);
}

static int take_pairs(struct overlay *overlay, const struct scope_pairs *pairs, uint64_t seq)
{
    int status = containment_add(&overlay->containment, pairs, seq);

    if (status == FLUME_OK && overlay->asked_shapes == ASKED_ONE &&
        fingerprint_equal(overlay->containment.tokens->shape, overlay->asked_shape))
        overlay->asked_shapes = ASKED_NONE; /* Now the view tracks it as well. */
    return status;
}

static int take_record(struct overlay *overlay, const flume_record *record)
{
    int status = scope_log_take(overlay->log, record, &overlay->record);

    if (status == FLUME_OK)
        status = take_pairs(overlay, &overlay->record.identity, record->seq);
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    overlay->position = record->seq + 1;
    overlay->scopes_added++;
    return FLUME_OK;
}

static bool has_many_entries(const struct overlay *overlay)
{
    return overlay->entries >= overlay->rows_max ||
           overlay->pairs.count + overlay->older.count >= overlay->rows_max;
}

static bool is_full(const struct overlay *overlay)
{
    return overlay->scopes_added >= overlay->scopes_max || has_many_entries(overlay);
}

/* Take in what was appended, unless it is too much, or a shape that only the view may take up: then
 * position tells how far that went. */
static int follow(struct overlay *overlay, uint64_t below_seq)
{
    uint64_t last;
    int status = flume_log_last(overlay->log, FLUME_KIND_SCOPE, &last);

    if (status == FLUME_OK && last != FLUME_SEQ_NONE && last >= overlay->position) {
        if (below_seq - overlay->position > FOLLOW_RECORDS_MAX)
            return FLUME_OK;
        status = open_cursor(overlay);
        while (status == FLUME_OK && overlay->position < below_seq && !is_full(overlay)) {
            flume_record record;

            status = flume_cursor_next(overlay->cursor, 0, &record);
            if (status == FLUME_OK && record.seq >= overlay->position)
                status = take_record(overlay, &record);
        }
        if (status == FLUME_OK || status == FLUME_ERR_TOO_LARGE)
            return FLUME_OK;
    }
    if (status != FLUME_OK && status != FLUME_ERR_TIMEOUT && status != FLUME_END)
        return status;
    if (overlay->position < below_seq) /* No scope is left. */
        overlay->position = below_seq;
    return FLUME_OK;
}

/* ---- turning ---- */

/* Whether all that it keeps in memory is what the view keeps, too, once it comes there. */
static bool may_turn(const struct overlay *overlay)
{
    return overlay->asked_shapes == ASKED_NONE && overlay->containment.info.wild_shapes == 0 &&
           overlay->entries == 0;
}

/* Whether rows have all of the older part, and no scope that is still to be taken in: what stands
 * there already would be taken for a duplicate. */
static bool fits(const struct overlay *overlay, flume_rows *rows)
{
    uint64_t as_of = flume_rows_as_of(rows), last;

    if (as_of < overlay->older_below)
        return false;
    return as_of <= overlay->position ||
           (flume_log_last(overlay->log, FLUME_KIND_SCOPE, &last) == FLUME_OK &&
            last != FLUME_SEQ_NONE && last < overlay->position);
}

/* Let go of the older part, if these rows have it; else everything is as it was. They are taken
 * over, or ended. */
static bool drop_older(struct overlay *overlay, flume_rows *rows)
{
    if (!fits(overlay, rows)) {
        flume_rows_end(rows);
        return false;
    }
    if (overlay->rows != NULL)
        flume_rows_end(overlay->rows);
    overlay->rows = rows;
    pairs_map_deinit(&overlay->older);
    overlay->scopes_added -= overlay->older_scopes;
    overlay->has_older = false;
    overlay->older_scopes = 0;
    return true;
}

/* The newer part becomes the older one. */
static void turn(struct overlay *overlay)
{
    overlay->has_older = true;
    overlay->older = overlay->pairs;
    overlay->pairs = (struct pairs_map){0};
    overlay->older_below = overlay->position;
    overlay->older_scopes = overlay->scopes_added;
    overlay->next_turn = overlay->scopes_added + overlay->scopes_max / TURN_PART;
}

/* The same if it can be done at once. */
static void try_turn(struct overlay *overlay)
{
    flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    flume_rows *rows;

    overlay->next_turn = overlay->scopes_added + overlay->scopes_max / TRY_PART + 1;
    if (!may_turn(overlay))
        return;
    if (overlay->has_older &&
        (flume_view_read(overlay->view, &at_once, &rows) != FLUME_OK || !drop_older(overlay, rows)))
        return;
    turn(overlay);
}

/* The same, waiting for the view as far as it must. Who waits for a view holds no snapshot of it:
 * that would be in the way of its map. So it stands no more where FLUME_OK comes of no use. */
static int make_room(struct overlay *overlay, const flume_ask *ask)
{
    flume_ask patient = ask == NULL ? (flume_ask){0} : *ask;
    flume_rows *rows;
    int status;

    if (!overlay->has_older || !may_turn(overlay))
        return FLUME_OK;
    overlay->is_standing = false;
    if (overlay->rows != NULL)
        flume_rows_end(overlay->rows);
    overlay->rows = NULL;
    patient.flags = FLUME_ASK_AS_OF;
    patient.as_of = overlay->older_below;
    status = flume_view_read(overlay->view, &patient, &rows);
    if (status != FLUME_OK || !drop_older(overlay, rows))
        return status;
    overlay->is_standing = true;
    turn(overlay);
    return FLUME_OK;
}

int overlay_bring(struct overlay *overlay, uint64_t below_seq, const flume_ask *ask)
{
    bool was_full;
    uint64_t near_records;
    int status = FLUME_OK;

    if (overlay->is_standing && overlay->scopes_added >= overlay->next_turn)
        try_turn(overlay);
    was_full = overlay->is_standing && is_full(overlay);
    near_records = was_full && has_many_entries(overlay) ? 0 : overlay->scopes_max / NEAR_PART;
    if (was_full && below_seq < overlay->position)
        below_seq = overlay->position;
    if (was_full)
        status = make_room(overlay, ask);
    if (status == FLUME_OK && (!overlay->is_standing || is_full(overlay)))
        status = stand(overlay, below_seq, near_records, ask);
    if (status == FLUME_OK && overlay->position < below_seq)
        status = follow(overlay, below_seq);
    if (status == FLUME_OK && overlay->position < below_seq) /* It was too much. */
        status = stand(overlay, below_seq, 0, ask);
    return status == FLUME_OK ? status : fail(overlay, status);
}

/* ---- asking and adding ---- */

int overlay_ask(struct overlay *overlay, const struct scope_pairs *pairs,
                struct containment_answer *out_answer)
{
    uint64_t shapes = overlay->containment.info.shapes;
    uint64_t wild_shapes = overlay->containment.info.wild_shapes;
    int status;

    assert(overlay->is_standing);
    overlay->scopes.compared_seq = 0; /* It may have been erased since. */
    status = containment_ask(&overlay->containment, pairs, overlay->position, out_answer);
    if (overlay->containment.info.wild_shapes > wild_shapes)
        wild_tell(overlay->handle, &overlay->containment, pairs);
    if (status == FLUME_OK && overlay->containment.info.shapes != shapes) {
        overlay->asked_shapes = overlay->asked_shapes == ASKED_NONE ? ASKED_ONE : ASKED_MORE;
        overlay->asked_shape = overlay->containment.tokens->shape;
    }
    return status == FLUME_OK ? status : fail(overlay, status);
}

int overlay_ask_between(struct overlay *overlay, const struct scope_pairs *core,
                        const struct scope_pairs *pairs, uint64_t *out_seq)
{
    struct containment_answer answer;
    int status;

    overlay->containment.core = core;
    status = overlay_ask(overlay, pairs, &answer);
    overlay->containment.core = NULL;
    if (status == FLUME_OK)
        *out_seq = answer.subset_seq;
    return status;
}

int overlay_read(struct overlay *overlay, uint64_t seq, const struct scope_record **out_record)
{
    return scope_log_open(&overlay->scopes, seq, out_record);
}

bool overlay_same_id(const struct overlay *overlay, uint8_t out_id[FLUME_HASH_BYTES])
{
    if (overlay->scopes.has_same_id)
        memcpy(out_id, overlay->scopes.same_id, FLUME_HASH_BYTES);
    return overlay->scopes.has_same_id;
}

int overlay_add(struct overlay *overlay, const struct scope_pairs *pairs, uint64_t seq)
{
    int status;

    assert(overlay->is_standing);
    assert(seq >= overlay->position);
    status = take_pairs(overlay, pairs, seq);
    if (status == FLUME_ERR_TOO_LARGE) {
        overlay_rest(overlay); /* The view takes it up, and is waited for. */
        return FLUME_OK;
    }
    if (status != FLUME_OK)
        return fail(overlay, status);
    overlay->position = seq + 1;
    overlay->scopes_added++;
    return FLUME_OK;
}
