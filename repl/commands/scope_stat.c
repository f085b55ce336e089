/*
 * scope_stat.c - `flume scope stat`: how many scopes there are, and sets of keys (scope_forms.h).
 */
#include "scope_forms.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

static const struct grid_column columns[] = {
    {"scopes", 8, true}, {"shapes", 8, true}, {"wild_shapes", 11, true}, {"wild_scopes", 11, true}};

int scope_form_stat(struct scoping *scoping)
{
    flume_scope_counts counts;
    struct grid grid;
    int status = flume_scope_count_all(scoping->session->flume, &scoping->asking.ask, &counts);

    progress_end(&scoping->asking.progress);
    if (status != FLUME_OK)
        return asking_report(&scoping->asking, status);
    grid_init(&grid, scoping->session, "scopes", columns, COLUMN_COUNT(columns));
    grid_make_card(&grid);
    grid_count(&grid, counts.scopes);
    grid_count(&grid, counts.shapes);
    grid_count(&grid, counts.wild_shapes);
    grid_count(&grid, counts.wild_scopes);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}
