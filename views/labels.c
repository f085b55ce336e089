/*
 * labels.c - see labels.h.
 */
#include "labels.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    const flume_label *one = left, *other = right;
    size_t bytes = one->bytes < other->bytes ? one->bytes : other->bytes;
    int order = memcmp(one->text, other->text, bytes);

    if (order != 0)
        return order;
    return (one->bytes > other->bytes) - (one->bytes < other->bytes);
}

static size_t count_all(const flume_record *record)
{
    flume_label label;
    size_t position = 0, count = 0;

    while (flume_record_label(record, &position, &label))
        count++;
    return count;
}

int labels_init(struct labels *labels, const flume_record *record)
{
    flume_label label;
    size_t position = 0;
    size_t capacity = count_all(record);
    size_t count = 0;

    labels->list = labels->inside;
    labels->count = 0;
    if (capacity > LABELS_INLINE)
        labels->list = malloc(capacity * sizeof *labels->list);
    if (labels->list == NULL)
        return FLUME_ERR_NO_MEMORY;
    while (count < capacity && flume_record_label(record, &position, &label))
        labels->list[count++] = label;
    if (count > 1)
        qsort(labels->list, count, sizeof *labels->list, compare);
    for (size_t i = 0; i < count; i++) {
        if (labels->count == 0 || compare(&labels->list[labels->count - 1], &labels->list[i]) != 0)
            labels->list[labels->count++] = labels->list[i];
    }
    return FLUME_OK;
}

void labels_deinit(struct labels *labels)
{
    if (labels->list != labels->inside)
        free(labels->list);
    labels->list = NULL;
    labels->count = 0;
}
