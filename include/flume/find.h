/*
 * find.h - what the built-in views answer: by content hash, by label, by bookmark, by a field of a
 * JSON body, and folds.
 *
 * Every question takes a flume_ask (view.h): by default it is answered as of the log's head at the
 * call. What is found is a seq; flume_log_get() reads it. Iterators are used by one thread at a
 * time and ended soon: they hold a snapshot.
 */
#ifndef FLUME_FIND_H
#define FLUME_FIND_H

#include "flume/view.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * ---- view "hash": BLAKE3 of the body of every record (not of lost ones) -> seqs ----
 *
 * The view remembers the first 8 bytes of each hash. What is found by it is read and hashed again
 * before it is given: what is found has that hash. Where the body of a record that may be meant
 * cannot be read any more, the answer says so: FLUME_ERR_DAMAGED or FLUME_ERR_LOST, with the seq of
 * the oldest such record in flume_last_error(). ask->give_up is asked while bodies are read, too.
 */

enum { FLUME_HASH_BYTES = 32, FLUME_HASH_TEXT_BYTES = 64, FLUME_HASH_PREFIX_MIN = 4 };

/** BLAKE3-256 of bytes, as `b3sum` prints it. */
FLUME_API void flume_hash(const void *data, size_t data_bytes, uint8_t out_hash[FLUME_HASH_BYTES]);

/** The same of bytes that come piece by piece. Ended by flume_hasher_destroy(). NULL: no memory. A
 * hasher is used by one thread at a time. */
typedef struct flume_hasher flume_hasher;
FLUME_API flume_hasher *flume_hasher_create(void);
FLUME_API void flume_hasher_add(flume_hasher *hasher, const void *data, size_t data_bytes);
/** Of what was added so far. More may be added. */
FLUME_API void flume_hasher_get(const flume_hasher *hasher, uint8_t out_hash[FLUME_HASH_BYTES]);
/** NULL is harmless. */
FLUME_API void flume_hasher_destroy(flume_hasher *hasher);

/** Lower-case hexadecimal, NUL-terminated. */
FLUME_API void flume_hash_text(const uint8_t hash[FLUME_HASH_BYTES],
                               char out_text[FLUME_HASH_TEXT_BYTES + 1]);

/** The oldest record with this body hash, of those that can be read. @return FLUME_OK,
 * FLUME_ERR_NOT_FOUND, FLUME_ERR_DAMAGED or _LOST (none was found, but one may be meant that cannot
 * be read), or as flume_view_wait(). */
FLUME_API int flume_hash_find(flume *flume, const flume_ask *ask,
                              const uint8_t hash[FLUME_HASH_BYTES], uint64_t *out_seq);

/** All records with this body hash, oldest first, at most max. *out_count: how many there are. Each
 * body is read. @return as flume_hash_find(); FLUME_ERR_DAMAGED or _LOST (out_* are set: these were
 * found, and another that cannot be read may belong to them). */
FLUME_API int flume_hash_find_all(flume *flume, const flume_ask *ask,
                                  const uint8_t hash[FLUME_HASH_BYTES], uint64_t *out_seqs,
                                  size_t max, uint64_t *out_count);

typedef struct flume_hash_candidate {
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seq; /* The oldest record with it that can be read. */
} flume_hash_candidate;

/** The body hashes that begin with so many hexadecimal digits (1 .. 64, upper or lower case).
 *
 * Of records whose hashes share the first 16 digits, mostly equal bodies, a record that cannot be
 * read is passed over where another one can. Once a hash has been found there, 256 more of them
 * (or as many as have 64 MiB) are looked at for another one.
 *
 * @param out_candidates  The first max in order of hash. May be NULL if max is 0.
 * @param out_count       How many distinct hashes fit, counted up to 1,000.
 * @return FLUME_OK (one fits), FLUME_ERR_NOT_FOUND, FLUME_ERR_AMBIGUOUS (out_* are set),
 *         FLUME_ERR_INVALID (not hexadecimal), FLUME_ERR_DAMAGED or _LOST (at most one fits that
 *         can be read, and one that cannot), or as flume_view_wait(). */
FLUME_API int flume_hash_find_prefix(flume *flume, const flume_ask *ask, const char *digits,
                                     flume_hash_candidate *out_candidates, size_t max,
                                     size_t *out_count);

/** How many hexadecimal digits (at least FLUME_HASH_PREFIX_MIN) tell this hash from all others. */
FLUME_API int flume_hash_abbreviate(flume *flume, const flume_ask *ask,
                                    const uint8_t hash[FLUME_HASH_BYTES], size_t *out_digits);

/* ---- view "label" ---- */

typedef struct flume_label_info {
    char label[FLUME_LABEL_BYTES_MAX + 1];
    uint64_t count;      /* Records that carry it. */
    uint64_t body_bytes; /* Of those. */
    uint64_t first_seq, last_seq;
} flume_label_info;

/** One label. FLUME_ERR_NOT_FOUND if no record carries it. */
FLUME_API int flume_label_get(flume *flume, const flume_ask *ask, const char *label,
                              flume_label_info *out_info);

/** Labels in byte order. Return 0 from the callback to go on; what else it returns ends the listing
 * and is returned.
 * @param prefix  NULL or "": all.
 * @param regex   A POSIX extended regular expression that must match; NULL: none.
 *                FLUME_ERR_INVALID with the reason in flume_last_error() if it is not one. */
FLUME_API int flume_label_list(flume *flume, const flume_ask *ask, const char *prefix,
                               const char *regex,
                               int (*callback)(void *ctx, const flume_label_info *info), void *ctx);

/** The record `back` records before the newest that carries a label (0: the newest). */
FLUME_API int flume_label_from_end(flume *flume, const flume_ask *ask, const char *label,
                                   uint64_t back, uint64_t *out_seq);

/* ---- bookmarks: a name for a seq, kept in the log; the newest of a name wins ---- */

enum { FLUME_BOOKMARK_NAME_BYTES_MAX = 128, FLUME_BOOKMARK_NOTE_BYTES_MAX = 4096 };

typedef struct flume_bookmark {
    char name[FLUME_BOOKMARK_NAME_BYTES_MAX + 1];
    uint64_t seq;        /* The record it names. */
    uint64_t record_seq; /* The bookmark's own record. */
    uint64_t time_ns;
    bool dropped;       /* Only in a history. */
    bool rewound;       /* A power cut took the record it named, and the seq was given again. */
    const char *note;   /* Never NULL. Valid during the callback, or until released. */
    const char *labels; /* Comma-separated; never NULL. Likewise. */
    void *memory;       /* Internal. */
} flume_bookmark;

/** Name a record.
 * @param name  1 .. FLUME_BOOKMARK_NAME_BYTES_MAX bytes of UTF-8 without control bytes, ' ', ':',
 *              '~'.
 * @param seq   FLUME_SEQ_NONE drops the name.
 * @param note  May be NULL.
 * @return as flume_log_append_entry(); FLUME_ERR_INVALID; FLUME_ERR_NOT_FOUND (seq >= head). */
FLUME_API int flume_bookmark_set(flume *flume, const char *name, uint64_t seq, const char *note,
                                 const char *const *labels, size_t label_count,
                                 uint64_t *out_record_seq);

/** The newest of a name; FLUME_ERR_NOT_FOUND also if it was dropped. Released by
 * flume_bookmark_release(). */
FLUME_API int flume_bookmark_get(flume *flume, const flume_ask *ask, const char *name,
                                 flume_bookmark *out_bookmark);
FLUME_API void flume_bookmark_release(flume_bookmark *bookmark);

/** Every name that is not dropped, in byte order (history: all of one name, oldest first). */
FLUME_API int flume_bookmark_list(flume *flume, const flume_ask *ask, const char *prefix,
                                  int (*callback)(void *ctx, const flume_bookmark *bookmark),
                                  void *ctx);
FLUME_API int flume_bookmark_history(flume *flume, const flume_ask *ask, const char *name,
                                     int (*callback)(void *ctx, const flume_bookmark *bookmark),
                                     void *ctx);

/* ---- declared views: field and reduce; the definition is a record in the log ---- */

enum flume_declared_what { FLUME_DECLARED_FIELD = 1, FLUME_DECLARED_REDUCE = 2 };
enum flume_field_type { FLUME_FIELD_ANY = 0, FLUME_FIELD_TEXT = 1, FLUME_FIELD_NUMBER = 2 };
enum flume_reduce_what {
    FLUME_REDUCE_COUNT = 1,
    FLUME_REDUCE_SUM = 2,
    FLUME_REDUCE_MIN = 3,
    FLUME_REDUCE_MAX = 4,
    FLUME_REDUCE_LAST = 5
};
enum { FLUME_PATH_BYTES_MAX = 256 };

/* A declared view. Paths are ".a.b", ".a[0]", ".a[]" (each element), ".\"odd name\"". */
typedef struct flume_declaration {
    char name[FLUME_VIEW_NAME_BYTES_MAX + 1];
    enum flume_declared_what what;
    char path[FLUME_PATH_BYTES_MAX + 1]; /* Field: what is indexed. Reduce: what is folded; "" for
                                            count: the record itself. */
    enum flume_field_type type;          /* Field: only values of this type. */
    bool unique;                         /* Field: a value names one record, the newest. */
    enum flume_reduce_what reduce;
    char by_path[FLUME_PATH_BYTES_MAX + 1]; /* Reduce: group by this field ... */
    bool by_label; /* ... or by each label of a record; neither: one group. */
    char label[FLUME_LABEL_BYTES_MAX + 1]; /* Only records that carry it; "": all. */
    uint32_t version;                      /* Given by flume_view_declare(): one more each time. */
    uint64_t record_seq;                   /* Likewise: the defining record. */
} flume_declaration;

/** Declare a view, or change its declaration: appends a record; the view is built by its workers.
 * The same declaration again changes nothing and appends nothing.
 * @return FLUME_OK; FLUME_ERR_INVALID (name taken by a built-in or registered view, bad path: the
 *         reason in flume_last_error()), or as append. */
FLUME_API int flume_view_declare(flume *flume, const flume_declaration *declaration,
                                 uint64_t *out_record_seq);

/** End a declared view: appends a record. Its files go when nobody uses them. */
FLUME_API int flume_view_drop(flume *flume, const char *name);

/** The declaration of a view as of head. FLUME_ERR_NOT_FOUND if it has none (or was dropped). */
FLUME_API int flume_view_declaration(flume *flume, const flume_ask *ask, const char *name,
                                     flume_declaration *out_declaration);

/* How many records a field view has met, and what became of them. */
typedef struct flume_field_counts {
    uint64_t indexed;    /* Records with at least one indexed value. */
    uint64_t not_json;   /* Body is not JSON. */
    uint64_t lacking;    /* No value at the path. */
    uint64_t other_type; /* A value, but not of the declared type (or an array, an object). */
} flume_field_counts;

FLUME_API int flume_field_count(flume *flume, const flume_ask *ask, const char *name,
                                flume_field_counts *out_counts);

/* ---- queries over fields and labels ---- */

enum flume_term_what {
    FLUME_TERM_LABEL = 1,  /* Carries label `from`. */
    FLUME_TERM_EQUAL = 2,  /* Field value equals `from`. */
    FLUME_TERM_RANGE = 3,  /* from <= value <= to; an empty end is open. */
    FLUME_TERM_PREFIX = 4, /* Text value begins with `from`. */
    FLUME_TERM_AND = 5,
    FLUME_TERM_OR = 6
};

/* A node of a query; left and right for AND and OR, which are borrowed. Values are given as text:
 * for a number field they must be numbers; for a field of any type, what parses as a JSON number,
 * true, false or null is that, anything else text. */
typedef struct flume_term {
    enum flume_term_what what;
    const char *field; /* Name of a field view. */
    const char *from, *to;
    const struct flume_term *left, *right;
} flume_term;

typedef struct flume_query flume_query;

/* How a query was, or would be, answered. */
typedef struct flume_explanation {
    char text[1024]; /* A line for each step, '\n' between: source, as of, estimate. */
    uint64_t as_of;
    uint64_t candidates; /* Index rows looked at. */
    uint64_t records_read;
    uint64_t records_given;
    uint64_t waited_ns; /* For views to catch up. */
} flume_explanation;

/** Begin: waits for every view concerned, then chooses the index. ask->give_up and its ctx are kept
 * until the query is closed.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (no such field view), FLUME_ERR_INVALID (bad value; the
 *         reason in flume_last_error()); as flume_view_wait(). */
FLUME_API int flume_query_open(flume *flume, const flume_ask *ask, const flume_term *term,
                               flume_query **out_query);

/** The next record that fits, in order of seq. Borrowed until the next call. Asks the give_up that
 * the query was opened with every 10 ms or so, also while it passes over records that do not fit.
 * @return FLUME_OK, FLUME_END, FLUME_ERR_DAMAGED, FLUME_ERR_CANCELLED (after both, the next call
 *         goes on), ... */
FLUME_API int flume_query_next(flume_query *query, flume_record *out_record);

/** Go on with records as they are appended: flume_query_next() waits for timeout_ns at the end and
 * then answers FLUME_ERR_TIMEOUT. FLUME_WAIT_FOREVER: without limit. */
FLUME_API int flume_query_live(flume_query *query, uint64_t timeout_ns);

/** How it is answered, and what it has cost so far. */
FLUME_API void flume_query_explain(flume_query *query, flume_explanation *out_explanation);
FLUME_API void flume_query_close(flume_query *query);

/* ---- folds ---- */

typedef struct flume_group {
    flume_bytes key; /* The label or the field's value, as text; empty: all. */
    uint64_t count;  /* Records in it. */
    bool is_number;  /* sum, min, max and last of numbers, and count. */
    double number;
    flume_bytes text; /* min, max, last of texts. */
    uint64_t seq;     /* The record that min, max or last came from. */
} flume_group;

/** The groups of a reduce view, in byte order of their keys. Valid during the callback.
 * @param key_prefix  NULL: all. */
FLUME_API int flume_reduce_list(flume *flume, const flume_ask *ask, const char *name,
                                const char *key_prefix,
                                int (*callback)(void *ctx, const flume_group *group), void *ctx);

/* A fold of the program's own: state is a fixed number of bytes, in one row of one view. */
typedef struct flume_fold {
    const char *name;
    uint32_t version;
    const void *initial; /* state_bytes of them. */
    size_t state_bytes;  /* 1 .. 64 KiB. */
    /* state after record; FLUME_OK or the error that fails the view. */
    int (*step)(void *ctx, void *io_state, const flume_record *record);
    void *ctx;
} flume_fold;

/** A view definition that folds; freed by flume_fold_destroy() after the handle that uses it is
 * closed. */
FLUME_API int flume_fold_create(const flume_fold *fold, flume_view_definition **out_definition);
FLUME_API void flume_fold_destroy(flume_view_definition *definition);

/** The state as of an ask. */
FLUME_API int flume_fold_state(flume_view *view, const flume_ask *ask, void *out_state,
                               uint64_t *out_as_of);

typedef struct flume_fold_stream flume_fold_stream;

/** The state now, then after each change, on the view's worker, until the stream is closed or the
 * callback returns other than 0. Needs workers. */
FLUME_API int flume_fold_follow(flume_view *view,
                                int (*callback)(void *ctx, const void *state, uint64_t as_of),
                                void *ctx, flume_fold_stream **out_stream);
FLUME_API void flume_fold_stream_close(flume_fold_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
