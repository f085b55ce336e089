/*
 * scope_inside.h - a scope as its modules share it.
 */
#ifndef VIEWS_SCOPES_SCOPE_INSIDE_H
#define VIEWS_SCOPES_SCOPE_INSIDE_H

#include "pairs.h"

/** A label that an enclosing scope has: part of the identity, but not the scope's own. One that is its
 * own stays so. As flume_scope_label(). */
int scope_label_inherit(flume_scope *scope, const char *label);

#endif
