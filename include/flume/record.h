/*
 * record.h - one record: what it is when it goes in, and what it looks like when read.
 */
#ifndef FLUME_RECORD_H
#define FLUME_RECORD_H

#include <stdbool.h>

#include "flume/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FLUME_BODY_BYTES_MAX = 16 << 20, /* A larger body belongs in a blob. */
    FLUME_META_BYTES_MAX = 65535,    /* All labels of one record, encoded (2 bytes each more). */
    FLUME_LABEL_BYTES_MAX = 255      /* One label: 1 .. 255 bytes of UTF-8 without control bytes. */
};

/* What a record is. A kind is also the *class* of a conditional append. */
enum flume_kind {
    FLUME_KIND_ANY = 0,      /* Only where kinds are asked for; appending 0 means a message. */
    FLUME_KIND_MESSAGE = 1,  /* Bytes with a codec: the log itself. */
    FLUME_KIND_MANIFEST = 2, /* Who wrote: appended by the library before a writer's records. */
    FLUME_KIND_LOST = 3,     /* Stand-in that a repair put where a record was damaged. */
    FLUME_KIND_BOOKMARK = 4, /* 4 .. 63 belong to flume. */
    FLUME_KIND_SCOPE = 5,
    FLUME_KIND_LINK = 6,
    FLUME_KIND_BLOB = 7,
    FLUME_KIND_PUT = 8,
    FLUME_KIND_DELETE = 9,
    FLUME_KIND_RECYCLE = 10,
    FLUME_KIND_ERASE = 11,
    FLUME_KIND_PRUNE = 12,
    FLUME_KIND_COMMIT = 13,
    FLUME_KIND_VIEW = 14,   /* The definition of a declared view, or its end. */
    FLUME_KIND_CHUNK = 15,  /* A chunk of blobs, in the second log (grains.h). */
    FLUME_KIND_VALUE = 16,  /* What was put at an address (recall.h). */
    FLUME_KIND_SCHEMA = 17, /* Settings and defaults of a recorder (schema.h). */
    FLUME_KIND_USER = 64    /* 64 .. 255 belong to the program. */
};

/** "message", "manifest", ...; "kind-N" is not made here: NULL for a number without a name. */
FLUME_API const char *flume_kind_name(unsigned kind);

enum flume_record_flags {
    FLUME_RECORD_BATCH = 1,   /* The next record belongs to the same batch. */
    FLUME_RECORD_WITNESS = 2, /* First record after a sync (informative). */
    FLUME_RECORD_REPEAT = 4,  /* A manifest repeated for a new strata. */
    FLUME_RECORD_SEALED = 8,  /* Reserved: encrypted payload. */
    FLUME_RECORD_BROKEN = 16  /* Member of a batch of which a repair lost another member. */
};

/*
 * A record to append. Zero everywhere but body is an ordinary message, stamped now.
 * All pointers are borrowed for the call.
 */
typedef struct flume_entry {
    const void *body;          /* May be NULL if body_bytes is 0. */
    size_t body_bytes;         /* 0 .. FLUME_BODY_BYTES_MAX. */
    const char *const *labels; /* NUL-terminated; NULL if label_count is 0. */
    size_t label_count;
    uint64_t time_ns; /* Since 1970 UTC; 0: now. */
    uint16_t codec;   /* Number of the body's codec (codec.h); 0: raw bytes. */
    uint8_t kind;     /* enum flume_kind; 0: message. Not manifest, not lost. */
    uint64_t needs;   /* The second log (grains.h) must reach to this head: this record refers to
                         records there. Never durable before they are. 0: to none. */
    uint64_t needs_check; /* flume_record.check of the record needs - 1 there; 0: not stated. */
} flume_entry;

/*
 * A record as read: a view of the log's own bytes, verified.
 *
 * From flume_log_get() it is valid until flume_record_release(), at the latest until the log is
 * closed; from a cursor or a subscription until the next call on that cursor or the callback's
 * return. flume_record_keep() makes either last until it is released, also after the log is closed.
 */
typedef struct flume_record {
    uint64_t seq;
    uint64_t time_ns; /* Wall clock of the writer, or what it stated. */
    const void *body; /* Never NULL; aligned to 1. */
    size_t body_bytes;
    uint64_t writer_seq; /* Its writer's manifest: flume_log_envelope(). */
    uint64_t check;      /* The grain's checksum: with seq it identifies the record for good. */
    uint16_t codec;
    uint8_t kind;
    uint8_t flags;       /* enum flume_record_flags. */
    const uint8_t *meta; /* Encoded labels, for flume_record_label(). */
    size_t meta_bytes;
    uint64_t strata_seq; /* Where it lies: first seq of its strata ... */
    uint64_t offset;     /* ... and byte offset in that file. */
    void *place;         /* The mapping it points into. Internal. */
    void *hold;          /* What it keeps in memory; NULL: borrowed. Internal. */
} flume_record;

/* A label inside a record: not NUL-terminated, valid as long as the record. */
typedef struct flume_label {
    const char *text;
    size_t bytes;
} flume_label;

/**
 * The next label of a record.
 *
 * @param io_position  Start with 0; advanced.
 * @return true and *out_label, or false at the end (out_label untouched).
 * Threads: any.
 */
FLUME_API bool flume_record_label(const flume_record *record, size_t *io_position,
                                  flume_label *out_label);

/** Whether a record carries a label, byte for byte. Threads: any. */
FLUME_API bool flume_record_has_label(const flume_record *record, const char *label);

/** How far the second log must reach for this record, as flume_entry.needs; 0: it refers to nothing
 * there.
 * @param out_check  flume_entry.needs_check. May be NULL. Threads: any. */
FLUME_API uint64_t flume_record_needs(const flume_record *record, uint64_t *out_check);

/** Let a record outlive its cursor or its log: *out_kept is to be released. Nothing is copied. The
 * source must still be valid. Threads: any. */
FLUME_API void flume_record_keep(const flume_record *record, flume_record *out_kept);

/** Let go of what a record holds. Harmless on a borrowed, zeroed or released record.
 * Threads: any; each record once. */
FLUME_API void flume_record_release(flume_record *record);

#ifdef __cplusplus
}
#endif
#endif
