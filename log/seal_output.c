/*
 * seal_output.c - a sealed file being written.
 */
#include "seal_output.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"

enum { OUTPUT_BYTES = 1 << 20, PADDING_BYTES = 4096 };

int seal_output_begin(flume_log *log, int file, const char *path, uint64_t at,
                      struct seal_output *out_output)
{
    *out_output = (struct seal_output){
        .log = log, .file = file, .path = path, .at = at, .capacity = OUTPUT_BYTES};
    out_output->buffer = memory_large_allocate(&log->allocator, OUTPUT_BYTES + PADDING_BYTES);
    if (out_output->buffer == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to write %s", path);
    return FLUME_OK;
}

void seal_output_end(struct seal_output *output)
{
    if (output->log != NULL)
        memory_large_release(&output->log->allocator, output->buffer,
                             output->capacity + PADDING_BYTES);
    output->buffer = NULL;
}

int seal_output_flush(struct seal_output *output)
{
    int status = FLUME_OK;
    int error = 0;

    if (output->sink != NULL)
        status = output->sink(output->sink_ctx, output->buffer, output->used, output->at);
    else
        error =
            io_write_all(output->log->io, output->file, output->buffer, output->used, output->at);
    if (error != 0)
        status = log_fail_io(output->log, error, "write", output->path);
    if (status != FLUME_OK)
        return status;
    output->at += output->used;
    output->used = 0;
    return FLUME_OK;
}

uint8_t *seal_output_space(struct seal_output *output, size_t bytes, int *out_status)
{
    *out_status = FLUME_OK;
    if (output->used + bytes > output->capacity)
        *out_status = seal_output_flush(output);
    if (*out_status != FLUME_OK)
        return NULL;
    if (output->capacity < bytes) {
        uint8_t *buffer = memory_large_resize(&output->log->allocator, output->buffer,
                                              output->capacity + PADDING_BYTES,
                                              bytes + PADDING_BYTES);

        if (buffer == NULL) {
            *out_status = log_fail(output->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                                   "no memory to write %s", output->path);
            return NULL;
        }
        output->buffer = buffer;
        output->capacity = bytes;
    }
    return output->buffer + output->used;
}

void seal_output_take(struct seal_output *output, size_t bytes)
{
    assert(bytes <= output->capacity - output->used);
    output->used += bytes;
}

int seal_output_put(struct seal_output *output, const void *source, size_t bytes)
{
    const uint8_t *from = source;

    if (output->check != NULL)
        (void)XXH3_64bits_update(output->check, source, bytes); /* Fails only for NULL. */
    while (bytes > 0) {
        size_t piece;

        if (output->used >= output->capacity) {
            int status = seal_output_flush(output);

            if (status != FLUME_OK)
                return status;
        }
        piece = output->capacity - output->used;
        if (piece > bytes)
            piece = bytes;
        memcpy(output->buffer + output->used, from, piece);
        output->used += piece;
        from += piece;
        bytes -= piece;
    }
    return FLUME_OK;
}

void seal_output_align(struct seal_output *output, uint64_t unit)
{
    uint64_t offset = seal_output_offset(output);
    size_t bytes = (size_t)(round_up(offset, unit) - offset);

    assert(output->check == NULL);
    assert(unit <= PADDING_BYTES);
    /* However often it is aligned behind the last byte that was put: no further than to a page. */
    assert(output->used + bytes <= output->capacity + PADDING_BYTES);
    memset(output->buffer + output->used, 0, bytes);
    output->used += bytes;
}

int seal_output_skip(struct seal_output *output, uint64_t bytes)
{
    int status = seal_output_flush(output);

    assert(output->check == NULL);
    if (status == FLUME_OK)
        output->at += bytes;
    return status;
}
