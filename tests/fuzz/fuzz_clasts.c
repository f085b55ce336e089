/*
 * fuzz_clasts.c - libFuzzer on clasts: whatever a body says, it is read within its bytes, and what
 * is found in it is what it says.
 *
 * The input is a list of bodies, each with two bytes of length before it; the last is the root. So
 * that trees get past their hashes, each entry of a body of a level above 0 is given the hash of a
 * body before it: the one whose number is the first byte that stands there.
 *
 * Checked besides not crashing:
 *   - A body that decodes is canonical: its entries follow each other without a gap, none is empty,
 *     they sum up to its total, and each byte is found in its entry.
 *   - A reader gives chunks that follow each other without a gap, up to the blob's size, and no
 *     memory beyond a body for each level.
 *   - What a reader has read through is built again, to the same root.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clasts.h"

enum {
    BODIES_MAX = 16,
    CHUNKS_MAX = 512,
    LENGTH_BYTES = 2,
    LEVEL_AT = 5,
    COUNT_AT = 20,
    HASHES_AT = 32
};

struct input {
    uint8_t *bodies[BODIES_MAX];
    size_t bytes[BODIES_MAX];
    uint8_t hashes[BODIES_MAX][FLUME_HASH_BYTES];
    size_t count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_clasts: %s\n", what);
    abort();
}

static void give_hashes(struct input *input, uint8_t *body, size_t bytes)
{
    uint32_t count;

    if (bytes < HASHES_AT || body[LEVEL_AT] == 0 || input->count == 0)
        return;
    count = (uint32_t)body[COUNT_AT] | (uint32_t)body[COUNT_AT + 1] << 8; /* More do not fit. */
    for (size_t i = 0; i < count && HASHES_AT + (i + 1) * FLUME_HASH_BYTES <= bytes; i++) {
        uint8_t *hash = body + HASHES_AT + i * FLUME_HASH_BYTES;

        memcpy(hash, input->hashes[hash[0] % input->count], FLUME_HASH_BYTES);
    }
}

static void split(const uint8_t *data, size_t bytes, struct input *out_input)
{
    memset(out_input, 0, sizeof *out_input);
    while (bytes >= LENGTH_BYTES && out_input->count < BODIES_MAX) {
        size_t length = (size_t)data[0] | (size_t)data[1] << 8;
        size_t i = out_input->count;
        uint8_t *body;

        data += LENGTH_BYTES;
        bytes -= LENGTH_BYTES;
        if (length > bytes)
            length = bytes;
        body =
            malloc(length > 0 ? length : 1); /* Of its own: what is behind it is not to be read. */
        require(body != NULL, "no memory");
        memcpy(body, data, length);
        give_hashes(out_input, body, length);
        flume_hash(body, length, out_input->hashes[i]);
        out_input->bodies[i] = body;
        out_input->bytes[i] = length;
        out_input->count++;
        data += length;
        bytes -= length;
    }
}

static int load(void *ctx, const uint8_t hash[FLUME_HASH_BYTES], const uint8_t **out_body,
                size_t *out_body_bytes)
{
    struct input *input = ctx;

    for (size_t i = 0; i < input->count; i++) {
        if (memcmp(hash, input->hashes[i], FLUME_HASH_BYTES) != 0)
            continue;
        *out_body = input->bodies[i];
        *out_body_bytes = input->bytes[i];
        return FLUME_OK;
    }
    return FLUME_ERR_NOT_FOUND;
}

static int forget(void *ctx, const struct clasts_body *body)
{
    (void)ctx;
    require(body->bytes <= CLASTS_BODY_BYTES_MAX, "a body beyond its bound");
    return FLUME_OK;
}

static void examine_body(const uint8_t *body, size_t bytes)
{
    struct clasts clasts;
    uint64_t offset = 0;

    if (clasts_decode(body, bytes, &clasts) < 0)
        return;
    for (uint32_t i = 0; i < clasts.count; i++) {
        struct clasts_entry entry = clasts_entry(&clasts, i);

        require(entry.bytes > 0 && entry.offset_bytes == offset, "a gap between entries");
        require(entry.hash >= body && entry.hash + FLUME_HASH_BYTES <= body + bytes,
                "a hash outside of the body");
        require(clasts_find(&clasts, offset) == i, "the first byte of another entry");
        offset += entry.bytes;
        require(clasts_find(&clasts, offset - 1) == i, "the last byte of another entry");
    }
    require(offset == clasts.total_bytes, "a total that is no sum");
}

/* Walk a blob of not too many chunks, and build its list again. */
static void walk(struct clasts_reader *reader, unsigned spread,
                 const uint8_t root_hash[FLUME_HASH_BYTES])
{
    struct clasts_builder_options options = {
        .chunking = clasts_reader_chunking(reader), .spread = spread, .emit = forget};
    struct clasts_builder *builder = NULL;
    struct clasts_chunk chunk;
    struct clasts_body root;
    uint64_t offset = 0, index = 0;
    int status;

    require(clasts_builder_create(&options, &builder) == FLUME_OK, "no builder for what was read");
    while ((status = clasts_reader_seek(reader, offset, &chunk)) == FLUME_OK) {
        require(chunk.offset_bytes == offset && chunk.index == index, "a gap between chunks");
        require(chunk.bytes > 0 && chunk.bytes <= options.chunking.bytes_max, "no size of a chunk");
        require(clasts_builder_add(builder, chunk.hash, chunk.bytes) == FLUME_OK,
                "a chunk that is not taken again");
        offset += chunk.bytes;
        index++;
        if (index == CHUNKS_MAX)
            break;
    }
    if (status == FLUME_END) {
        require(offset == clasts_reader_bytes(reader), "another size than the root says");
        require(clasts_builder_end(builder, &root) == FLUME_OK, "no root of what was read");
        require(memcmp(root.hash, root_hash, FLUME_HASH_BYTES) == 0, "a second encoding");
    }
    clasts_builder_destroy(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct clasts_reader_options options = {.load = load};
    struct clasts_reader *reader = NULL;
    struct input input;
    struct clasts root;
    size_t last;

    split(data, bytes, &input);
    options.load_ctx = &input;
    for (size_t i = 0; i < input.count; i++)
        examine_body(input.bodies[i], input.bytes[i]);
    last = input.count > 0 ? input.count - 1 : 0;
    if (input.count > 0 && clasts_reader_open(&options, input.hashes[last], &reader) == FLUME_OK) {
        struct clasts_chunk chunk;

        require(clasts_decode(input.bodies[last], input.bytes[last], &root) == FLUME_OK,
                "a root that does not decode");
        (void)clasts_reader_seek(reader, root.total_bytes - 1, &chunk); /* Any status will do. */
        (void)clasts_reader_seek(reader, root.total_bytes / 2, &chunk);
        walk(reader, root.spread, input.hashes[last]);
    }
    clasts_reader_close(reader);
    for (size_t i = 0; i < input.count; i++)
        free(input.bodies[i]);
    return 0;
}
