/*
 * format_dump.h - the dumps of views/FORMAT.md, compared with what the library writes.
 */
#ifndef FLUME_FORMAT_DUMP_H
#define FLUME_FORMAT_DUMP_H

#include <stddef.h>

/*
 * views/FORMAT.md has a dump of this name with exactly these bytes. With FLUME_SHOW_EXAMPLE in the
 * environment the dump is printed as it should be. Without FLUME_SOURCE_DIR the test is skipped.
 */
void expect_dump(const char *name, const void *data, size_t bytes);

#endif
