/*
 * fuzz_scope.c - libFuzzer on what comes from outside into scopes: records of them, and JSON.
 *
 * The first byte says what the rest is: 0 a scope's body, 1 a link's, 2 a scope's body behind 256
 * bytes of which the first says how many are its labels; else JSON. Whatever it is, it is read
 * within its bytes. A record that decodes is, put together again by other code, the same bytes;
 * restored as a scope and written, it is the same but for the ids it states. JSON that is read is,
 * written and read again, the same scope.
 */
#include <stdbool.h>
#include <stdio.h>

#include "scope_rebuild.h"

enum { IDS_AT = 8, IDS_END = 72, BLOCK_BYTES = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_scope: %s\n", what);
    abort();
}

static void write_again(const flume_record *source, const struct scope_record *record)
{
    struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL,
                                .extends_seq = record->extends_seq,
                                .is_within = record->is_within,
                                .is_unnamed = record->is_unnamed,
                                .target_seq = record->target_seq,
                                .frame = record->frame,
                                .enclosing_frame = record->enclosing_frame};
    struct scope_buffer body = {.data = NULL};
    const uint8_t *bytes = source->body;
    flume_scope *scope;
    uint8_t id[FLUME_HASH_BYTES], id_of_pairs[FLUME_HASH_BYTES];

    memcpy(stamp.tare_id, record->tare_id, sizeof stamp.tare_id);
    require(flume_scope_create(&scope) == FLUME_OK, "memory");
    require(scope_record_restore(record, scope) == FLUME_OK, "what decodes is no scope");
    require(scope_record_encode(scope, &stamp, &body) == FLUME_OK, "it cannot be written");
    require(body.bytes == source->body_bytes, "another length");
    require(memcmp(body.data, bytes, IDS_AT) == 0, "another head");
    require(memcmp(body.data + IDS_END, bytes + IDS_END, body.bytes - IDS_END) == 0, "other pairs");
    require(flume_scope_id(scope, id) == FLUME_OK, "no id");
    require(scope_pairs_id(&record->identity, id_of_pairs) == FLUME_OK, "memory");
    require(memcmp(id, id_of_pairs, sizeof id) == 0, "another identity");
    flume_scope_destroy(scope);
    scope_buffer_deinit(&body);
}

static void take_record(flume_record *source)
{
    struct scope_record record = {.memory = NULL};
    struct rebuilt body;
    int status;

    source->seq = 1000;
    status = scope_record_decode(source, &record);
    require(status == FLUME_OK || status == FLUME_ERR_DAMAGED || status == FLUME_ERR_VERSION,
            "another status");
    if (status == FLUME_OK) {
        body = rebuild_body(&record, source->body_bytes);
        require(body.bytes == source->body_bytes, "another length");
        require(memcmp(body.data, source->body, body.bytes) == 0, "other bytes");
        free(body.data);
        if (record.form == SCOPE_RECORD_FULL)
            write_again(source, &record);
    }
    scope_record_release(&record);
}

static void take_json(const uint8_t *text, size_t bytes)
{
    uint8_t id[FLUME_HASH_BYTES], again_id[FLUME_HASH_BYTES];
    flume_scope *scope, *again;
    flume_error error;
    char *written;
    int status;

    require(flume_scope_create(&scope) == FLUME_OK, "memory");
    require(flume_scope_create(&again) == FLUME_OK, "memory");
    status = flume_scope_from_json(scope, text, bytes);
    flume_scope_error(scope, &error);
    require(error.status == status, "an error that is not remembered");
    require(status == FLUME_OK || error.message[0] != '\0', "an error without words");
    if (status == FLUME_OK) {
        require(flume_scope_to_json(scope, &written) == FLUME_OK, "it cannot be written");
        require(flume_scope_from_json(again, written, strlen(written)) == FLUME_OK,
                "what was written is not read");
        require(flume_scope_id(scope, id) == FLUME_OK, "no id");
        require(flume_scope_id(again, again_id) == FLUME_OK, "no id");
        require(memcmp(id, again_id, sizeof id) == 0, "another scope");
        flume_scope_free(written);
    } else {
        require(flume_scope_count(scope) == 0, "what was refused has set something");
    }
    flume_scope_destroy(scope);
    flume_scope_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    flume_record record = {.kind = FLUME_KIND_SCOPE};
    uint8_t what = bytes == 0 ? 3 : data[0];

    if (bytes > 0) {
        data++;
        bytes--;
    }
    if (what > 2) {
        take_json(data, bytes);
        return 0;
    }
    if (what == 1)
        record.kind = FLUME_KIND_LINK;
    if (what == 2 && bytes >= BLOCK_BYTES) {
        record.meta = data + 1;
        record.meta_bytes = data[0];
        data += BLOCK_BYTES;
        bytes -= BLOCK_BYTES;
    }
    record.body = data;
    record.body_bytes = bytes;
    take_record(&record);
    return 0;
}
