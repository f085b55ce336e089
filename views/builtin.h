/*
 * builtin.h - what the framework needs to know of the built-in views.
 *
 * The built-in views are written against include/flume/view.h like any program's own. The framework
 * registers the definitions, and asks the catalog which views the users have declared.
 */
#ifndef VIEWS_BUILTIN_H
#define VIEWS_BUILTIN_H

#include "flume/find.h"

extern const flume_view_definition view_hash, view_label, view_catalog, view_blob, view_scope,
    view_superset, view_address;

/**
 * The definition of a declared view, with its paths compiled.
 *
 * @param declaration     As the catalog gives it. Copied.
 * @param out_definition  Freed by declared_definition_destroy(), when no view uses it any more.
 * @return FLUME_OK; FLUME_ERR_INVALID (a declaration that flume_view_declare() would have refused);
 *         FLUME_ERR_NO_MEMORY.
 */
int declared_definition_create(const flume_declaration *declaration,
                               flume_view_definition **out_definition);
/** NULL is harmless. */
void declared_definition_destroy(flume_view_definition *definition);

/** Whether a definition was made by declared_definition_create(). */
bool declared_definition_is(const flume_view_definition *definition);

/**
 * Every declaration in force as of an ask, in byte order of the names.
 *
 * @param callback  Returns 0 to go on; what else it returns ends the listing and is returned. A
 *                  snapshot of the catalog is held meanwhile.
 * @return FLUME_OK, the callback's answer, or as flume_view_read().
 */
int catalog_each(flume *handle, const flume_ask *ask,
                 int (*callback)(void *ctx, const flume_declaration *declaration), void *ctx);

#endif
