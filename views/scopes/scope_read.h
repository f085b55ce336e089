/*
 * scope_read.h - why a scope cannot be read back.
 */
#ifndef VIEWS_SCOPES_SCOPE_READ_H
#define VIEWS_SCOPES_SCOPE_READ_H

#include "inside.h"
#include "scope_record.h"

/** Tell on the handle why scope_record_read() has failed; where what a scope is stored by cannot be
 * read, which record that is. @return the status to go on with. */
int scope_read_fail(flume *handle, int status, uint64_t seq, const struct scope_record *record);

#endif
