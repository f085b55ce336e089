/*
 * renumber.c - which seq each record of an export got (renumber.h).
 */
#include "renumber.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

int renumber_add(struct renumber *renumber, uint64_t old_seq, uint64_t new_seq)
{
    struct renumber_run *runs = renumber->runs;
    struct renumber_run *last = renumber->count == 0 ? NULL : &runs[renumber->count - 1];

    if (last != NULL && old_seq == last->old_seq + last->count &&
        new_seq == last->new_seq + last->count) {
        last->count++;
        return FLUME_OK;
    }
    if (renumber->count == renumber->capacity) {
        size_t capacity = renumber->capacity == 0 ? 16 : renumber->capacity * 2;

        runs = realloc(runs, capacity * sizeof(runs[0]));
        if (runs == NULL)
            return FLUME_ERR_NO_MEMORY;
        renumber->runs = runs;
        renumber->capacity = capacity;
    }
    runs[renumber->count++] = (struct renumber_run){old_seq, new_seq, 1};
    return FLUME_OK;
}

bool renumber_find(const struct renumber *renumber, uint64_t old_seq, uint64_t *out_new_seq)
{
    for (size_t i = renumber->count; i-- > 0;) { /* A bookmark is near what it names, as a rule. */
        const struct renumber_run *run = &renumber->runs[i];

        if (old_seq >= run->old_seq && old_seq - run->old_seq < run->count) {
            *out_new_seq = run->new_seq + (old_seq - run->old_seq);
            return true;
        }
    }
    return false;
}

void renumber_deinit(struct renumber *renumber)
{
    free(renumber->runs);
    *renumber = (struct renumber){.runs = NULL};
}

/* Put seq and check of the record into the bookmark. */
static int name_record(json_t *bookmark, flume_log *log, uint64_t seq)
{
    flume_record record;
    char check[24];

    if (json_object_set_new(bookmark, "seq", json_integer((json_int_t)seq)) != 0)
        return FLUME_ERR_NO_MEMORY;
    if (flume_log_get(log, seq, &record) != FLUME_OK)
        return FLUME_ERR_NOT_FOUND;
    snprintf(check, sizeof(check), "%016" PRIx64, record.check);
    flume_record_release(&record);
    return json_object_set_new(bookmark, "check", json_string(check)) == 0 ? FLUME_OK
                                                                           : FLUME_ERR_NO_MEMORY;
}

int renumber_bookmark(const struct renumber *renumber, flume_log *log, const void *body,
                      size_t body_bytes, char **out_body)
{
    json_t *bookmark = json_loadb(body, body_bytes, JSON_REJECT_DUPLICATES, NULL);
    const json_t *old_seq = json_object_get(bookmark, "seq");
    uint64_t new_seq;
    int status = FLUME_OK;

    *out_body = NULL;
    if (!json_is_integer(old_seq))
        goto end;
    status = FLUME_ERR_NOT_FOUND;
    if (json_integer_value(old_seq) < 0 ||
        !renumber_find(renumber, (uint64_t)json_integer_value(old_seq), &new_seq))
        goto end;
    status = name_record(bookmark, log, new_seq);
    if (status != FLUME_OK)
        goto end;
    *out_body = json_dumps(bookmark, JSON_COMPACT);
    status = *out_body == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK;
end:
    json_decref(bookmark);
    return status;
}
