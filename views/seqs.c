/*
 * seqs.c - see seqs.h.
 */
#include "seqs.h"

#include <stdlib.h>

#include "flume/status.h"

enum { FIRST_CAPACITY = 256 };

void seqs_deinit(struct seqs *seqs)
{
    free(seqs->list);
    *seqs = (struct seqs){.list = NULL};
}

int seqs_add(struct seqs *seqs, uint64_t seq, size_t count_max)
{
    if (seqs->count >= count_max)
        return FLUME_ERR_FULL;
    if (seqs->count == seqs->capacity) {
        size_t capacity = seqs->capacity > 0 ? 2 * seqs->capacity : FIRST_CAPACITY;
        uint64_t *list = realloc(seqs->list, capacity * sizeof *list);

        if (list == NULL)
            return FLUME_ERR_NO_MEMORY;
        seqs->list = list;
        seqs->capacity = capacity;
    }
    seqs->list[seqs->count++] = seq;
    return FLUME_OK;
}

static int compare(const void *left, const void *right)
{
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;

    return (one > other) - (one < other);
}

void seqs_settle(struct seqs *seqs)
{
    size_t kept = 0;

    if (seqs->count < 2)
        return;
    qsort(seqs->list, seqs->count, sizeof *seqs->list, compare);
    for (size_t i = 0; i < seqs->count; i++) {
        if (kept == 0 || seqs->list[kept - 1] != seqs->list[i])
            seqs->list[kept++] = seqs->list[i];
    }
    seqs->count = kept;
}
