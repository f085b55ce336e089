/*
 * scope_config.c - `flume scope config`: settings that recorders have recorded, as they are for a
 * scope with some labels, and declared defaults (scope_forms.h).
 */
#include <stdlib.h>
#include <string.h>

#include "flume/schema.h"
#include "scope_forms.h"

static const struct grid_column config_columns[] = {{"what", 7, false},   {"key", 16, false},
                                                    {"value", 12, false}, {"labels", 12, false},
                                                    {"rule", 4, true},    {"seq", 0, false}};

struct configuring {
    struct scoping *scoping;
    flume_schema *schema;
    struct grid grid;
};

static void put_setting(struct configuring *configuring, const flume_setting *setting)
{
    struct grid *grid = &configuring->grid;

    grid_string(grid, "setting");
    grid_string(grid, setting->key);
    grid_string(grid, setting->value);
    grid_string(grid, setting->labels);
    grid_count(grid, setting->rule);
    grid_seq(grid, flume_schema_seq(configuring->schema));
}

static int put_settings(struct configuring *configuring)
{
    const struct invocation *invocation = configuring->scoping->session->invocation;
    struct limit *limit = &configuring->scoping->limit;
    const char **labels = calloc(invocation->operand_count + 1, sizeof(labels[0]));
    flume_setting setting;
    int status = labels == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK;

    for (size_t i = 0; labels != NULL && i < invocation->operand_count; i++)
        labels[i] = invocation->operands[i].text;
    for (size_t i = 0; status == FLUME_OK; i++) {
        status = flume_schema_config_at(configuring->schema, labels, invocation->operand_count, i,
                                        &setting);
        if (status != FLUME_OK || !limit_take(limit))
            break;
        put_setting(configuring, &setting);
        if (!grid_end_row(&configuring->grid))
            status = FLUME_ERR_IO;
    }
    free(labels);
    return status == FLUME_END ? FLUME_OK : status;
}

/* A default holds for whatever scope has its key. */
static int put_defaults(struct configuring *configuring)
{
    struct grid *grid = &configuring->grid;
    flume_variable variable;
    int status = FLUME_OK;

    for (size_t i = 0;
         status == FLUME_OK && flume_schema_default_at(configuring->schema, i, &variable) &&
         limit_take(&configuring->scoping->limit);
         i++) {
        struct text value = {0};

        if (!scope_row_value(configuring->scoping, &value, &variable))
            status = FLUME_ERR_NO_MEMORY;
        grid_string(grid, "default");
        grid_string(grid, variable.key);
        grid_bytes(grid, value.data, value.bytes);
        grid_absent(grid);
        grid_absent(grid);
        grid_seq(grid, flume_schema_seq(configuring->schema));
        text_deinit(&value);
        if (status == FLUME_OK && !grid_end_row(grid))
            status = FLUME_ERR_IO;
    }
    return status;
}

int scope_form_config(struct scoping *scoping)
{
    struct configuring configuring = {.scoping = scoping};
    int status =
        flume_schema_open(scoping->session->flume, &scoping->asking.ask, &configuring.schema);

    if (status == FLUME_ERR_NOT_FOUND)
        return CODE_OK; /* Nothing was said: there are no rows. */
    grid_init(&configuring.grid, scoping->session, "config", config_columns,
              sizeof(config_columns) / sizeof(config_columns[0]));
    if (status == FLUME_OK)
        status = put_settings(&configuring);
    if (status == FLUME_OK)
        status = put_defaults(&configuring);
    flume_schema_close(configuring.schema);
    return scope_walk_finish(scoping, status, 1);
}
