/*
 * declared_view.c - see declared_view.h: from a declaration to a definition.
 */
#include "declared_view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "declaration.h"
#include "inside.h"

static void define_field(struct declared *declared)
{
    memcpy(declared->tables, field_tables, sizeof field_tables);
    declared->definition.table_count = FIELD_TABLES;
    declared->definition.apply = field_apply;
}

static void define_reduce(struct declared *declared)
{
    declared->tables[REDUCE_TABLE_STATE] =
        (flume_view_table){"state", FLUME_TABLE_COLLECT, reduce_merge, declared};
    declared->definition.table_count = REDUCE_TABLES;
    declared->definition.apply = reduce_apply;
}

static int compile_paths(struct declared *declared)
{
    const flume_declaration *declaration = &declared->declaration;
    int status = FLUME_OK;

    if (declaration->path[0] != '\0')
        status = json_path_create(declaration->path, &declared->path, NULL);
    if (status == FLUME_OK && declaration->by_path[0] != '\0')
        status = json_path_create(declaration->by_path, &declared->by_path, NULL);
    return status;
}

int declared_definition_create(const flume_declaration *declaration,
                               flume_view_definition **out_definition)
{
    struct declared *declared = NULL;
    const char *reason = NULL;
    int status = declaration_check(declaration, &reason);

    if (status != FLUME_OK)
        return status;
    declared = calloc(1, sizeof *declared);
    if (declared == NULL)
        return FLUME_ERR_NO_MEMORY;
    declaration_normalise(declaration, &declared->declaration);
    declared->declaration.version = declaration->version;
    declared->declaration.record_seq = declaration->record_seq;
    declared->definition.name = declared->declaration.name;
    declared->definition.version = declaration->version;
    declared->definition.tables = declared->tables;
    declared->definition.flags = FLUME_VIEW_PARALLEL;
    declared->definition.ctx = declared;
    if (declaration->what == FLUME_DECLARED_FIELD)
        define_field(declared);
    else
        define_reduce(declared);
    status = compile_paths(declared);
    if (status != FLUME_OK) {
        declared_definition_destroy(&declared->definition);
        return status;
    }
    *out_definition = &declared->definition;
    return FLUME_OK;
}

void declared_definition_destroy(flume_view_definition *definition)
{
    struct declared *declared = definition != NULL ? definition->ctx : NULL;

    if (declared == NULL)
        return;
    assert(definition == &declared->definition);
    json_path_destroy(declared->path);
    json_path_destroy(declared->by_path);
    free(declared);
}

bool declared_definition_is(const flume_view_definition *definition)
{
    return declared_of(definition) != NULL;
}

const struct declared *declared_of(const flume_view_definition *definition)
{
    if (definition->apply != field_apply && definition->apply != reduce_apply)
        return NULL;
    return definition->ctx;
}

int declared_find(flume *handle, const char *name, enum flume_declared_what what,
                  flume_view **out_view, const struct declared **out_declared)
{
    const struct declared *declared = NULL;
    flume_view *view = NULL;
    int status = flume_view_find(handle, name, &view);

    if (status == FLUME_OK)
        declared = declared_of(flume_view_definition_of(view));
    if (status == FLUME_OK && (declared == NULL || declared->declaration.what != what))
        status = FLUME_ERR_NOT_FOUND;
    if (status == FLUME_ERR_NOT_FOUND)
        return flume_fail(handle, status, FLUME_SEQ_NONE, "there is no %s view %.*s",
                          what == FLUME_DECLARED_FIELD ? "field" : "reduce",
                          FLUME_VIEW_NAME_BYTES_MAX, name);
    if (status != FLUME_OK)
        return status;
    *out_view = view;
    *out_declared = declared;
    return FLUME_OK;
}

bool declared_takes(const struct declared *declared, const flume_record *record)
{
    const char *label = declared->declaration.label;

    return label[0] == '\0' || flume_record_has_label(record, label);
}
