/*
 * address_view.h - the view "address": what was put at which address, oldest first.
 */
#ifndef VIEWS_SCOPES_ADDRESS_VIEW_H
#define VIEWS_SCOPES_ADDRESS_VIEW_H

#include "stored_record.h"

/* The newest record at an address, as the view knows it. */
struct address_row {
    uint64_t seq;
    uint64_t time_ns;
    uint64_t bytes;
    enum stored_form form;
    unsigned flags;
    uint8_t scope_id[FLUME_HASH_BYTES];
};

/**
 * The newest row of an address as of an ask, an end too.
 *
 * @return FLUME_OK, FLUME_ERR_NOT_FOUND, or as flume_view_wait().
 */
int address_find(flume *handle, const flume_ask *ask, const uint8_t address[FLUME_ADDRESS_BYTES],
                 struct address_row *out_row);

#endif
