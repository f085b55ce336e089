/*
 * stored.h - putting and reading values at addresses, as recall.c shares it with stored.c.
 */
#ifndef VIEWS_SCOPES_STORED_H
#define VIEWS_SCOPES_STORED_H

#include "address_view.h"

/* A record in the making. */
struct stored_draft {
    struct stored_record stored;
    const flume_put_options *options; /* NULL: defaults. */
    uint8_t hash[FLUME_HASH_BYTES];   /* Of a blob. */
    uint8_t *body;
    size_t body_bytes;
};

/**
 * Make ready to be appended: a value beyond what stands in a record is stored as a blob.
 *
 * @param io_draft  stored without form and content; the rest zero. To be ended by
 *                  stored_draft_deinit(), whatever is answered.
 * @param data      The value, of data_bytes. NULL: the end of the address.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY, FLUME_ERR_INVALID, or as flume_blob_put().
 */
int stored_draft_make(struct stored_draft *io_draft, flume *handle, const void *data,
                      size_t data_bytes);
void stored_draft_deinit(struct stored_draft *draft);

/** In which all values are appended. @return FLUME_OK, or as flume_lane_enter(). */
int stored_lane_enter(flume *handle);
void stored_lane_leave(flume *handle);

/** Inside of the lane.
 * @param condition  NULL: none.
 * @return as flume_log_append_many(). */
int stored_draft_append(const struct stored_draft *draft, flume *handle,
                        const flume_condition *condition, uint64_t *out_seq);

/** The value that a row leads to. @return FLUME_OK, or as flume_get_at(). */
int stored_open(flume *handle, const struct address_row *row,
                const uint8_t address[FLUME_ADDRESS_BYTES], flume_stored *out_stored);

/** Whether a row says that there is a value. */
static inline bool address_has_value(const struct address_row *row)
{
    return row->form != STORED_END;
}

/* What an address is made of. */
enum address_of {
    ADDRESS_OF_SCOPE = 1,
    ADDRESS_OF_DATA = 2,
    ADDRESS_OF_RECALL = 3,
    ADDRESS_OF_COUNTS = 4 /* Of recalls, in the space "", of a hash of zeros. */
};

/** BLAKE3 over what it is made of (views/FORMAT.md). @return FLUME_OK; FLUME_ERR_INVALID: the
 * space. */
int address_make(enum address_of of, const char *space, const uint8_t hash[FLUME_HASH_BYTES],
                 uint8_t out_address[FLUME_ADDRESS_BYTES]);

#endif
