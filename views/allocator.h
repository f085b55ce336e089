/*
 * allocator.h - the memory of a module that is given an allocator or none.
 */
#ifndef VIEWS_ALLOCATOR_H
#define VIEWS_ALLOCATOR_H

#include "flume/io.h"

/* The one given; NULL: malloc, realloc and free. */
flume_allocator allocator_or_malloc(const flume_allocator *given);

#endif
