/*
 * batch.c - the batch that a recorder's commits belong to, and when the next one begins (batch.h).
 */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder_inside.h"
#include "text.h"

enum {
    DATE_DIGITS = 8,
    TIME_DIGITS = 9,
    RANDOM_DIGITS = 8,
    ID_TAIL_BYTES = 1 + DATE_DIGITS + 1 + TIME_DIGITS + 1 + RANDOM_DIGITS
};
static_assert(FLUME_SCOPE_BATCH_TAG_BYTES_MAX + ID_TAIL_BYTES == FLUME_SCOPE_BATCH_ID_BYTES_MAX,
              "an id is a tag, a time and chance");

enum { NS_PER_MS = 1000000, MS_PER_S = 1000 };

/* ---- ids ---- */

/* "-YYYYMMDD-HHMMSSmmm", UTC. */
static void write_time(uint64_t ms, char target[ID_TAIL_BYTES + 1])
{
    time_t seconds = (time_t)(ms / MS_PER_S);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(target, ID_TAIL_BYTES + 1, "-%Y%m%d-%H%M%S", &parts);
    (void)snprintf(target + strlen(target), 4, "%03u", (unsigned)(ms % MS_PER_S));
}

static bool read_digits(const char **io_at, size_t count, int *out_value)
{
    int value = 0;

    for (size_t i = 0; i < count; i++, (*io_at)++) {
        if (**io_at < '0' || **io_at > '9')
            return false;
        value = value * 10 + (**io_at - '0');
    }
    *out_value = value;
    return true;
}

/* What write_time() has written, and nothing else. */
static bool read_time(const char *tail, uint64_t *out_ms)
{
    struct tm parts = {0};
    const char *at = tail;
    char again[ID_TAIL_BYTES + 1];
    int ms;
    time_t seconds;

    if (*at++ != '-' || !read_digits(&at, 4, &parts.tm_year) ||
        !read_digits(&at, 2, &parts.tm_mon) || !read_digits(&at, 2, &parts.tm_mday) ||
        *at++ != '-' || !read_digits(&at, 2, &parts.tm_hour) ||
        !read_digits(&at, 2, &parts.tm_min) || !read_digits(&at, 2, &parts.tm_sec) ||
        !read_digits(&at, 3, &ms))
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    seconds = timegm(&parts);
    if (seconds < 0)
        return false;
    *out_ms = (uint64_t)seconds * MS_PER_S + (uint64_t)ms;
    write_time(*out_ms, again);
    return memcmp(again, tail, (size_t)(at - tail)) == 0; /* No 31st of February. */
}

bool batch_id_read(const char *id, size_t bytes, size_t *out_tag_bytes, uint64_t *out_time_ns)
{
    char tail[ID_TAIL_BYTES + 1] = "";
    uint64_t ms;

    if (bytes <= ID_TAIL_BYTES || bytes > FLUME_SCOPE_BATCH_ID_BYTES_MAX)
        return false;
    memcpy(tail, id + bytes - ID_TAIL_BYTES, ID_TAIL_BYTES);
    if (!read_time(tail, &ms) || tail[ID_TAIL_BYTES - RANDOM_DIGITS - 1] != '-' ||
        strspn(tail + ID_TAIL_BYTES - RANDOM_DIGITS, "0123456789abcdef") != RANDOM_DIGITS)
        return false;
    *out_tag_bytes = bytes - ID_TAIL_BYTES;
    *out_time_ns = ms * NS_PER_MS;
    return true;
}

bool batch_label_is(const flume_label *label)
{
    size_t tag_bytes;
    uint64_t time_ns;

    return label->bytes > BATCH_LABEL_PREFIX_BYTES &&
           memcmp(label->text, FLUME_SCOPE_BATCH_LABEL, BATCH_LABEL_PREFIX_BYTES) == 0 &&
           batch_id_read(label->text + BATCH_LABEL_PREFIX_BYTES,
                         label->bytes - BATCH_LABEL_PREFIX_BYTES, &tag_bytes, &time_ns);
}

/* Later than that of any batch that this handle has begun. */
static uint64_t next_ms(flume *handle)
{
    uint64_t now = handle->io->wall_ns(handle->io->ctx) / NS_PER_MS;
    uint64_t last = atomic_load(&handle->batch_ms), next;

    do
        next = now > last ? now : last + 1;
    while (!atomic_compare_exchange_weak(&handle->batch_ms, &last, next));
    return next;
}

/* ---- beginning ---- */

static int begin(flume_recorder *recorder)
{
    struct scope_batch *batch = &recorder->batch;
    const flume_io *io = recorder->handle->io;
    char tail[ID_TAIL_BYTES + 1];
    uint32_t chance;
    int error, status = links_flush(recorder);

    if (status != FLUME_OK)
        return status;
    error = -io->random(io->ctx, &chance, sizeof chance);
    if (error != 0)
        return flume_fail_errno(recorder->handle, error, "get random bytes for",
                                recorder->handle->path);
    write_time(next_ms(recorder->handle), tail);
    (void)snprintf(batch->label, sizeof batch->label, "%s%s%s-%08x", FLUME_SCOPE_BATCH_LABEL,
                   batch->tag, tail, (unsigned)chance);
    batch->commits = batch->blobs = batch->bytes = 0;
    batch->began_ns = io->monotonic_ns(io->ctx);
    return FLUME_OK;
}

static bool reaches(uint64_t count, uint64_t bound)
{
    return bound != 0 && count >= bound;
}

static bool is_full(const flume_recorder *recorder)
{
    const struct scope_batch *batch = &recorder->batch;
    const flume_io *io = recorder->handle->io;

    return reaches(batch->commits, batch->bounds.commits) ||
           reaches(batch->blobs, batch->bounds.blobs) ||
           reaches(batch->bytes, batch->bounds.bytes) ||
           (batch->bounds.age_ns != 0 &&
            reaches(io->monotonic_ns(io->ctx) - batch->began_ns, batch->bounds.age_ns));
}

int batch_prepare(flume_recorder *recorder)
{
    const struct scope_batch *batch = &recorder->batch;

    /* One that has no commit yet begins with the next. */
    if (!batch->is_on || (batch->commits > 0 && !is_full(recorder)))
        return FLUME_OK;
    return begin(recorder);
}

uint64_t batch_room(const flume_recorder *recorder)
{
    const struct scope_batch *batch = &recorder->batch;

    if (!batch->is_on || batch->bounds.commits == 0)
        return UINT64_MAX;
    assert(batch->commits < batch->bounds.commits);
    return batch->bounds.commits - batch->commits;
}

/* ---- counting ---- */

void batch_count(flume_recorder *recorder, uint64_t commits, uint64_t bytes)
{
    recorder->batch.commits += commits;
    recorder->batch.bytes += bytes;
}

void batch_count_blob(flume_recorder *recorder, uint64_t bytes)
{
    recorder->batch.blobs++;
    recorder->batch.bytes += bytes;
}

int batch_labels(flume_recorder *recorder, const char *const **io_labels, size_t *io_count)
{
    struct scope_batch *batch = &recorder->batch;
    size_t count = *io_count;

    if (!batch->is_on)
        return FLUME_OK;
    if (!scope_reserve((void **)&batch->labels, &batch->labels_capacity, count + 1,
                       sizeof *batch->labels))
        return flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no memory for the labels of a scope");
    if (count > 0)
        memcpy(batch->labels, *io_labels, count * sizeof *batch->labels);
    batch->labels[count] = batch->label;
    *io_labels = batch->labels;
    *io_count = count + 1;
    return FLUME_OK;
}

void batch_deinit(struct scope_batch *batch)
{
    free(batch->labels);
}

/* ---- the recorder's ---- */

static int check_tag(flume_recorder *recorder, const char *tag)
{
    size_t bytes = tag == NULL ? 0 : strlen(tag);

    if (bytes > FLUME_SCOPE_BATCH_TAG_BYTES_MAX)
        return flume_fail(recorder->handle, FLUME_ERR_TOO_LARGE, FLUME_SEQ_NONE,
                          "the tag of a batch has %zu bytes, and at most %d are allowed", bytes,
                          FLUME_SCOPE_BATCH_TAG_BYTES_MAX);
    if (bytes == 0 || tag[0] == '@' || !text_is_line(tag, bytes))
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "the tag of a batch is a text that can stand in a label, and does not "
                          "begin with '@'");
    return FLUME_OK;
}

int flume_recorder_batch(flume_recorder *recorder, const flume_scope_batch_options *options)
{
    struct scope_batch *batch;
    int status;

    if (recorder == NULL)
        return FLUME_ERR_INVALID;
    status = rules_check_idle(recorder);
    if (status == FLUME_OK && options != NULL)
        status = check_tag(recorder, options->tag);
    if (status == FLUME_OK)
        status = links_flush(recorder);
    if (status != FLUME_OK)
        return status;
    batch = &recorder->batch;
    batch->is_on = options != NULL;
    batch->label[0] = '\0';
    batch->commits = 0;
    if (options == NULL)
        return FLUME_OK;
    batch->bounds = *options;
    batch->bounds.tag = NULL;
    memcpy(batch->tag, options->tag, strlen(options->tag) + 1);
    return FLUME_OK;
}

const char *flume_recorder_batch_id(const flume_recorder *recorder)
{
    if (recorder == NULL || !recorder->batch.is_on || recorder->batch.commits == 0)
        return "";
    return recorder->batch.label + BATCH_LABEL_PREFIX_BYTES;
}
