/*
 * blob_options.c - what is asked of a put, checked before anything is stored.
 */
#include <stdlib.h>
#include <string.h>

#include "blob_writer.h"
#include "text.h"

/* Of all labels together, with room for what else stands beside them. */
enum { LABEL_BYTES_SUM_MAX = 65000 };

int blob_put_fail(flume *handle, int status, const char *why)
{
    return flume_fail(handle, status, FLUME_SEQ_NONE, "a blob cannot be put: %s", why);
}

static int take_chunking(flume_blob_writer *writer, const flume_blob_options *options)
{
    uint32_t bytes = options->chunk_bytes;
    struct chunking chunking = chunking_fixed();

    if (options->chunking == FLUME_BLOB_CONTENT_DEFINED) {
        chunking = chunking_content_defined();
        if (bytes > FLUME_BLOB_CHUNK_BYTES_MAX / 4)
            chunking.bytes_min = 0; /* Which no chunking may have. */
        else if (bytes != 0)
            chunking = (struct chunking){CHUNKING_FASTCDC, bytes / 4, bytes, bytes * 4};
    } else if (bytes != 0) {
        chunking = (struct chunking){CHUNKING_FIXED, bytes, bytes, bytes};
    }
    if ((unsigned)options->chunking > FLUME_BLOB_CONTENT_DEFINED || !chunking_is_valid(&chunking))
        return blob_put_fail(writer->handle, FLUME_ERR_INVALID,
                             "chunks have 4 KiB to 4 MiB; content-defined ones 16 KiB to 1 MiB on "
                             "average, a power of two");
    writer->chunking = chunking;
    return FLUME_OK;
}

static int take_media_type(flume_blob_writer *writer, const char *media_type)
{
    size_t bytes;

    if (media_type == NULL)
        return FLUME_OK;
    bytes = strnlen(media_type, FLUME_BLOB_MEDIA_TYPE_BYTES_MAX + 1);
    if (bytes > FLUME_BLOB_MEDIA_TYPE_BYTES_MAX)
        return blob_put_fail(writer->handle, FLUME_ERR_TOO_LARGE,
                             "a media type has at most 127 characters");
    for (size_t i = 0; i < bytes; i++) {
        if (media_type[i] < 0x20 || media_type[i] > 0x7e)
            return blob_put_fail(writer->handle, FLUME_ERR_INVALID,
                                 "a media type is printable ASCII, such as image/png");
    }
    memcpy(writer->media_type, media_type, bytes);
    return FLUME_OK;
}

/* Labels are checked here: an append that refuses them would come behind all the storing. */
static int add_label(flume_blob_writer *writer, const char *prefix, const char *label)
{
    size_t prefix_bytes = strlen(prefix);
    size_t bytes = label == NULL ? 0 : strnlen(label, FLUME_LABEL_BYTES_MAX + 1);
    char *copy;

    if (bytes == 0 || prefix_bytes + bytes > FLUME_LABEL_BYTES_MAX)
        return blob_put_fail(writer->handle, bytes == 0 ? FLUME_ERR_INVALID : FLUME_ERR_TOO_LARGE,
                             "a label has 1 to 255 bytes, a name 1 to 250");
    if (!text_is_line(label, bytes))
        return blob_put_fail(writer->handle, FLUME_ERR_INVALID,
                             "a name or label is UTF-8 without control bytes");
    writer->label_bytes += 2 + prefix_bytes + bytes;
    if (writer->label_count == BLOB_LABELS_MAX || writer->label_bytes > LABEL_BYTES_SUM_MAX)
        return blob_put_fail(writer->handle, FLUME_ERR_TOO_LARGE,
                             "it has more than 256 labels, or they are over 65,000 bytes together");
    copy = malloc(prefix_bytes + bytes + 1);
    if (copy == NULL)
        return blob_put_fail(writer->handle, FLUME_ERR_NO_MEMORY, "out of memory");
    memcpy(copy, prefix, prefix_bytes);
    memcpy(copy + prefix_bytes, label, bytes + 1);
    writer->labels[writer->label_count++] = copy;
    return FLUME_OK;
}

int blob_writer_take_options(flume_blob_writer *writer, const flume_blob_options *options)
{
    int status = take_chunking(writer, options);

    if (status == FLUME_OK && (options->flags & ~(unsigned)FLUME_BLOB_PROVE) != 0)
        status = blob_put_fail(writer->handle, FLUME_ERR_INVALID, "unknown flags");
    if (status == FLUME_OK && options->labels == NULL && options->label_count > 0)
        status = blob_put_fail(writer->handle, FLUME_ERR_INVALID, "labels are NULL but not empty");
    if (status == FLUME_OK)
        status = take_media_type(writer, options->media_type);
    if (status == FLUME_OK && options->name != NULL)
        status = add_label(writer, FLUME_BLOB_NAME_LABEL, options->name);
    for (size_t i = 0; i < options->label_count && status == FLUME_OK; i++)
        status = add_label(writer, "", options->labels[i]);
    writer->time_ns = options->time_ns;
    writer->workshop.proves = (options->flags & FLUME_BLOB_PROVE) != 0;
    chunk_coder_init(&writer->workshop.coder, options->level);
    return status;
}
