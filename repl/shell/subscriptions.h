/*
 * subscriptions.h - what `subscribe` brings while a person types: records of some labels, each as a
 * line of text, ready to be printed above the line being edited.
 *
 * Records come on the library's own threads; they are put into a bounded queue, from which the
 * editor takes them. If nobody takes them, the subscription waits: nothing is dropped, and the log
 * is not held up.
 */
#ifndef REPL_SUBSCRIPTIONS_H
#define REPL_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "flume/find.h"
#include "text.h"

struct subscriptions;

/** Readable while there is a line to take; for poll(). -1 where there are no subscriptions. */
int subscriptions_descriptor(const struct subscriptions *subscriptions);

/** The next line, with its newline, in so many cells; false if there is none. NULL is harmless. */
bool subscriptions_take(struct subscriptions *subscriptions, size_t cells, struct text *out_line);

/** Begin to follow records with one of these labels (none: all) from now on. FLUME_OK or an error
 * of the library. The handle is borrowed until the end.
 * @param out_id  The number for .cancel. */
int subscriptions_add(struct subscriptions **io_subscriptions, flume *handle,
                      const char *const *labels, size_t label_count, unsigned *out_id);

/** End one (0: all). False if there is none of this number. NULL is harmless. */
bool subscriptions_cancel(struct subscriptions *subscriptions, unsigned id);

/** End all and free. NULL is harmless. */
void subscriptions_destroy(struct subscriptions *subscriptions);

#endif
