/*
 * stored_record.h - the body of a record of kind value: what was put at an address
 * (views/FORMAT.md).
 */
#ifndef VIEWS_SCOPES_STORED_RECORD_H
#define VIEWS_SCOPES_STORED_RECORD_H

#include "flume/recall.h"

enum stored_form {
    STORED_INLINE = 1, /* The value follows. */
    STORED_BLOB = 2,   /* The hash of a blob follows. */
    STORED_END = 3     /* From here on there is nothing at the address. */
};

/* A flag beside those of enum flume_stored_flags: nobody's value, but counts of recalls. */
enum { STORED_COUNTS = 2, STORED_COUNTS_BYTES = 32 };

enum { STORED_HEADER_BYTES = 80 };

struct stored_record {
    enum stored_form form;
    unsigned flags; /* enum flume_stored_flags, or STORED_COUNTS. */
    uint64_t bytes; /* Of the value. */
    uint8_t address[FLUME_ADDRESS_BYTES];
    uint8_t scope_id[FLUME_HASH_BYTES]; /* Zeros where it was not remembered. */
    const void *content;                /* Inline: the value; blob: its hash. Borrowed. */
};

/** Bytes of the content that stands in the body. */
size_t stored_content_bytes(const struct stored_record *stored);

/** STORED_HEADER_BYTES + stored_content_bytes() of them. */
void stored_record_encode(const struct stored_record *stored, uint8_t *target);

/** @return FLUME_OK; FLUME_ERR_VERSION: of a format that is not known here; FLUME_ERR_DAMAGED: it
 * is none. out_stored->content leads into body. */
int stored_record_decode(const void *body, size_t body_bytes, struct stored_record *out_stored);

#endif
