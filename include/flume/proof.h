/*
 * proof.h - showing that a record is in a log to somebody who has no log: 32 bytes decide.
 *
 * Each sealed strata has a root, a hash over all of its records, and adds a link to a chain of
 * hashes. The end of that chain is the *head root*: one hash that stands for every sealed record,
 * in its place, with its time, labels and bytes. Whoever keeps a head root elsewhere can later be
 * shown, by a proof of some kilobytes:
 *
 *   - flume_proof: that a record is one of those;
 *   - flume_consistency: that a younger head root is of the same log, which has only grown.
 *
 * A proof is checked without the log, and is worth what the root is worth that it is compared with:
 * it must have come another way than the proof. What a proof says of the basin's identity is not
 * proved; it only tells where to look.
 *
 * A proof has a form as text, lines of a word and its values, which has one spelling only.
 */
#ifndef FLUME_PROOF_H
#define FLUME_PROOF_H

#include "flume/seal.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FLUME_PROOF_HEADER_BYTES = 32,
    FLUME_PROOF_PATH_MAX = 64,
    FLUME_PROOF_TEXT_BYTES_MAX = 64 << 20 /* Links of half a million strata. */
};

/* A head root: what stood at the end of the chain when the newest sealed strata ended there. */
typedef struct flume_root {
    uint8_t hash[FLUME_ROOT_BYTES];
    uint64_t end_seq; /* It stands for all records below. */
} flume_root;

/* What a sealed strata adds to the chain. */
typedef struct flume_root_link {
    uint64_t first_seq, count;
    uint8_t root[FLUME_ROOT_BYTES];
} flume_root_link;

/* Two head roots, and the links between: the first link leads to `from`, the last one to `head`. */
typedef struct flume_consistency {
    uint8_t basin_id[16];
    uint8_t before[FLUME_ROOT_BYTES]; /* The chain before the first link. */
    const flume_root_link *links;     /* At least one, each beginning where the one before ends. */
    size_t link_count;
    flume_root from, head;
    void *memory; /* Internal. */
} flume_consistency;

/* A record, the path from it to the root of its strata, and from there on to a head root. */
typedef struct flume_proof {
    uint64_t seq;
    uint8_t header[FLUME_PROOF_HEADER_BYTES]; /* Of the grain, as stored: log/FORMAT.md. */
    const uint8_t *meta;                      /* As stored: labels, codec, witness. */
    size_t meta_bytes;
    uint8_t body_hash[FLUME_ROOT_BYTES]; /* BLAKE3 of the body, which is not in the proof. */
    uint8_t leaf[FLUME_ROOT_BYTES];      /* The record's hash: of all of these. */
    uint8_t path[FLUME_PROOF_PATH_MAX][FLUME_ROOT_BYTES]; /* The lowest first. */
    size_t path_count;
    flume_consistency chain; /* The first link is the strata that holds the record. */
} flume_proof;

/* --- From a log --- */

/**
 * The head root: of the newest sealed strata.
 *
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (nothing is sealed); else as flume_log_strata().
 * Threads: any. Reads no record.
 */
FLUME_API int flume_log_root(flume_log *log, flume_root *out_root);

/**
 * The root that is or was the head root and has this hash.
 *
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND: it never was one of this log, as it is now; else as
 *         flume_log_strata().
 */
FLUME_API int flume_log_root_find(flume_log *log, const uint8_t hash[FLUME_ROOT_BYTES],
                                  flume_root *out_root);

/**
 * Prove that a record is in the log, up to the head root.
 *
 * @param out_proof  To be released with flume_proof_release(); verified already. Outlives the log.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (no such record, or its strata is not sealed yet);
 *         FLUME_ERR_DAMAGED (what is stored does not lead to the root: flume_check() says more; or
 *         a repair lost one of the 256 records whose hashes the path begins with);
 *         FLUME_ERR_TOO_LARGE (more strata than a proof may have); FLUME_ERR_NO_MEMORY;
 *         FLUME_ERR_IO.
 * Threads: any. Reads the records of one group, at most 256, and the footer of each later strata.
 */
FLUME_API int flume_log_prove(flume_log *log, uint64_t seq, flume_proof *out_proof);

/**
 * Prove that the head root is of the log that an older one was of.
 *
 * @param old_end_seq       The older root's end_seq.
 * @param out_consistency   To be released with flume_consistency_release(). Outlives the log.
 * @return As flume_log_prove(); FLUME_ERR_NOT_FOUND: no sealed strata ends there.
 */
FLUME_API int flume_consistency_prove(flume_log *log, uint64_t old_end_seq,
                                      flume_consistency *out_consistency);

/* --- Without one --- */

/**
 * Whether a proof holds: everything in it agrees, and leads from the record to the head root.
 *
 * @param proof       Input from anywhere.
 * @param known_root  A head root that is known from elsewhere; any that the proof passes will do,
 *                    not only its last. NULL: then a proof that holds says only which root it is
 *                    about.
 * @param body        The record's body, to be compared too. NULL: not compared.
 * @param out_error   Says which step fails. May be NULL.
 * @return FLUME_OK; FLUME_ERR_CONFLICT: it does not hold; FLUME_ERR_INVALID (NULL).
 * Threads: any.
 */
FLUME_API int flume_proof_verify(const flume_proof *proof, const uint8_t *known_root,
                                 const void *body, size_t body_bytes, flume_error *out_error);

/**
 * The record that a proof is about: time, kind, codec, writer, labels, as its grain says.
 *
 * The body is not in a proof: out_record's is empty.
 *
 * @param out_record      Points into the proof, and is valid as long as that; needs no release.
 * @param out_body_bytes  Receives how long the body is. May be NULL.
 * @return FLUME_OK; FLUME_ERR_INVALID (NULL, or a grain that cannot be; one that is verified can).
 */
FLUME_API int flume_proof_record(const flume_proof *proof, flume_record *out_record,
                                 size_t *out_body_bytes);

/**
 * Whether two head roots are of one log.
 *
 * @param old_root, new_root  FLUME_ROOT_BYTES each, as known from elsewhere: they must be those
 *                            that the links begin and end with. NULL: not compared.
 * @return As flume_proof_verify().
 */
FLUME_API int flume_consistency_verify(const flume_consistency *consistency,
                                       const uint8_t *old_root, const uint8_t *new_root,
                                       flume_error *out_error);

/** Which of the head roots that the links pass has this hash: with its end_seq.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND; as flume_consistency_verify() where the proof fails. */
FLUME_API int flume_consistency_find(const flume_consistency *consistency,
                                     const uint8_t hash[FLUME_ROOT_BYTES], flume_root *out_root);

/** NULL, zeroed and released ones are harmless. */
FLUME_API void flume_proof_release(flume_proof *proof);
FLUME_API void flume_consistency_release(flume_consistency *consistency);

/* --- As text --- */

enum flume_proof_form {
    FLUME_PROOF_FORM_NONE = 0, /* Not a proof. */
    FLUME_PROOF_FORM_RECORD = 1,
    FLUME_PROOF_FORM_CONSISTENCY = 2
};

/** Which of the two a text is, by its first words. */
FLUME_API enum flume_proof_form flume_proof_text_form(const char *text, size_t text_bytes);

/**
 * Write a proof as text.
 *
 * @param target      May be NULL if target_bytes is 0.
 * @return The bytes of the whole text (no NUL is written). If that is over target_bytes, what
 *         stands in target is of no use.
 */
FLUME_API size_t flume_proof_text(const flume_proof *proof, char *target, size_t target_bytes);
FLUME_API size_t flume_consistency_text(const flume_consistency *consistency, char *target,
                                        size_t target_bytes);

/**
 * Read the text of a proof. Strict: what is read has exactly this text. Nothing is verified yet.
 *
 * @param text       From anywhere; need not end in NUL.
 * @param allocator  NULL: malloc. Copied. No more is taken than the text is long, and a little.
 * @param out_proof  To be released with flume_proof_release(). Untouched on error.
 * @param out_error  Line and cause. May be NULL.
 * @return FLUME_OK; FLUME_ERR_INVALID; FLUME_ERR_VERSION (a newer text); FLUME_ERR_TOO_LARGE (over
 *         FLUME_PROOF_TEXT_BYTES_MAX); FLUME_ERR_NO_MEMORY.
 * Threads: any.
 */
FLUME_API int flume_proof_parse(const char *text, size_t text_bytes,
                                const flume_allocator *allocator, flume_proof *out_proof,
                                flume_error *out_error);
FLUME_API int flume_consistency_parse(const char *text, size_t text_bytes,
                                      const flume_allocator *allocator,
                                      flume_consistency *out_consistency, flume_error *out_error);

#ifdef __cplusplus
}
#endif
#endif
