/*
 * proof_verify.c - whether a proof holds, by itself and against what is known from elsewhere.
 *
 * What always holds:
 *   - Nothing in a proof is believed: every number and hash in it is compared with what follows
 *     from the others, so that a proof that holds can be read in one way only.
 *   - No log is needed, and no memory.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flume/proof.h"
#include "merkle.h"
#include "read.h"

static_assert((int)FLUME_ROOT_BYTES == MERKLE_HASH_BYTES, "a root is a node");
static_assert((int)FLUME_PROOF_HEADER_BYTES == GRAIN_HEADER_BYTES, "a header is a grain's");
static_assert((int)FLUME_PROOF_PATH_MAX == MERKLE_PATH_MAX, "every path fits");

__attribute__((format(printf, 4, 5))) static int refuse(flume_error *out_error, int status,
                                                        uint64_t seq, const char *format, ...)
{
    va_list arguments;

    if (out_error == NULL)
        return status;
    *out_error = (flume_error){.status = status, .seq = seq};
    va_start(arguments, format);
    (void)vsnprintf(out_error->message, sizeof out_error->message, format, arguments);
    va_end(arguments);
    return status;
}

static struct merkle_hash hash_of(const uint8_t *bytes)
{
    struct merkle_hash hash;

    memcpy(hash.bytes, bytes, sizeof hash.bytes);
    return hash;
}

static bool is_same(const struct merkle_hash *hash, const uint8_t *bytes)
{
    return memcmp(hash->bytes, bytes, sizeof hash->bytes) == 0;
}

static bool is_root(const flume_root *root, const struct merkle_hash *chain, uint64_t end_seq)
{
    return is_same(chain, root->hash) && root->end_seq == end_seq;
}

/* --- The chain --- */

/* Where a walk along the links stands: behind `done` of them. */
struct walk {
    const flume_consistency *consistency;
    size_t done;
    struct merkle_hash chain;
    uint64_t end_seq;
};

static void walk_begin(struct walk *walk, const flume_consistency *consistency)
{
    *walk = (struct walk){.consistency = consistency, .chain = hash_of(consistency->before)};
    walk->end_seq = consistency->links[0].first_seq;
}

/* Go along one more link. false: it cannot follow what is before it. */
static bool walk_step(struct walk *walk)
{
    const flume_root_link *link = &walk->consistency->links[walk->done];
    struct merkle_hash root = hash_of(link->root);

    if (link->first_seq != walk->end_seq || link->count == 0 ||
        link->count > UINT64_MAX - link->first_seq)
        return false;
    merkle_chain(&walk->chain, &root, link->first_seq, link->count, &walk->chain);
    walk->end_seq = link->first_seq + link->count;
    walk->done++;
    return true;
}

/* Before the first strata of a log there is no chain. */
static bool begins_rightly(const flume_consistency *consistency)
{
    static const uint8_t none[FLUME_ROOT_BYTES];

    return consistency->links[0].first_seq != 0 ||
           memcmp(consistency->before, none, sizeof none) == 0;
}

static int verify_chain(const flume_consistency *consistency, flume_error *out_error)
{
    struct walk walk;

    if (consistency->link_count == 0 || !begins_rightly(consistency))
        return refuse(out_error, FLUME_ERR_CONFLICT, FLUME_SEQ_NONE,
                      "the proof does not hold: its chain has no beginning");
    walk_begin(&walk, consistency);
    while (walk.done < consistency->link_count) {
        if (!walk_step(&walk))
            return refuse(out_error, FLUME_ERR_CONFLICT, consistency->links[walk.done].first_seq,
                          "the proof does not hold: the strata at seq %" PRIu64
                          " does not follow the one before it",
                          consistency->links[walk.done].first_seq);
        if (walk.done == 1 && !is_root(&consistency->from, &walk.chain, walk.end_seq))
            return refuse(out_error, FLUME_ERR_CONFLICT, FLUME_SEQ_NONE,
                          "the proof does not hold: its first strata does not lead to the root "
                          "that it begins with");
    }
    if (!is_root(&consistency->head, &walk.chain, walk.end_seq))
        return refuse(out_error, FLUME_ERR_CONFLICT, FLUME_SEQ_NONE,
                      "the proof does not hold: its strata do not lead to its head root");
    return FLUME_OK;
}

int flume_consistency_find(const flume_consistency *consistency,
                           const uint8_t hash[FLUME_ROOT_BYTES], flume_root *out_root)
{
    struct walk walk;
    int status;

    if (consistency == NULL || hash == NULL || out_root == NULL)
        return FLUME_ERR_INVALID;
    status = verify_chain(consistency, NULL);
    if (status != FLUME_OK)
        return status;
    walk_begin(&walk, consistency);
    while (walk.done < consistency->link_count) {
        if (!walk_step(&walk))
            return FLUME_ERR_CONFLICT;
        if (!is_same(&walk.chain, hash))
            continue;
        memcpy(out_root->hash, hash, FLUME_ROOT_BYTES);
        out_root->end_seq = walk.end_seq;
        return FLUME_OK;
    }
    return FLUME_ERR_NOT_FOUND;
}

static bool is_known(const flume_root *root, const uint8_t *known)
{
    return known == NULL || memcmp(root->hash, known, FLUME_ROOT_BYTES) == 0;
}

int flume_consistency_verify(const flume_consistency *consistency, const uint8_t *old_root,
                             const uint8_t *new_root, flume_error *out_error)
{
    int status;

    if (consistency == NULL)
        return refuse(out_error, FLUME_ERR_INVALID, FLUME_SEQ_NONE, "there is no proof");
    status = verify_chain(consistency, out_error);
    if (status != FLUME_OK)
        return status;
    if (!is_known(&consistency->from, old_root))
        return refuse(out_error, FLUME_ERR_CONFLICT, FLUME_SEQ_NONE,
                      "the proof holds, but begins with another root than the older one given");
    if (!is_known(&consistency->head, new_root))
        return refuse(out_error, FLUME_ERR_CONFLICT, FLUME_SEQ_NONE,
                      "the proof holds, but ends in another root than the younger one given");
    return FLUME_OK;
}

/* --- The record --- */

/* What the header of the record's grain says must be what the proof says. */
static int verify_header(const flume_proof *proof, flume_error *out_error)
{
    const flume_root_link *strata = &proof->chain.links[0];

    if (proof->seq < strata->first_seq || proof->seq - strata->first_seq >= strata->count)
        return refuse(out_error, FLUME_ERR_CONFLICT, proof->seq,
                      "the proof does not hold: seq %" PRIu64 " is not in its first strata",
                      proof->seq);
    if (get_le32(proof->header + GRAIN_ORDINAL_AT) != proof->seq - strata->first_seq)
        return refuse(out_error, FLUME_ERR_CONFLICT, proof->seq,
                      "the proof does not hold: its record is not the one of seq %" PRIu64,
                      proof->seq);
    if (get_le16(proof->header + GRAIN_META_BYTES_AT) != proof->meta_bytes)
        return refuse(out_error, FLUME_ERR_CONFLICT, proof->seq,
                      "the proof does not hold: its record's meta has another length");
    return FLUME_OK;
}

static int verify_path(const flume_proof *proof, flume_error *out_error)
{
    const flume_root_link *strata = &proof->chain.links[0];
    struct merkle_hash body_hash = hash_of(proof->body_hash), leaf, root;
    struct merkle_path path = {.count = 0};

    merkle_leaf(proof->header, proof->meta, proof->meta_bytes, &body_hash, &leaf);
    if (!is_same(&leaf, proof->leaf))
        return refuse(out_error, FLUME_ERR_CONFLICT, proof->seq,
                      "the proof does not hold: its record has another hash");
    while (path.count < proof->path_count && path.count < MERKLE_PATH_MAX) {
        path.hashes[path.count] = hash_of(proof->path[path.count]);
        path.count++;
    }
    if (path.count != proof->path_count ||
        !merkle_path_root(&leaf, proof->seq - strata->first_seq, strata->count, &path, &root) ||
        !is_same(&root, strata->root))
        return refuse(out_error, FLUME_ERR_CONFLICT, proof->seq,
                      "the proof does not hold: its path does not lead to the root of its strata");
    return FLUME_OK;
}

static int verify_body(const flume_proof *proof, const void *body, size_t body_bytes,
                       flume_error *out_error)
{
    struct merkle_hash hash;

    merkle_hash_bytes(body, body_bytes, &hash);
    if (get_le32(proof->header + GRAIN_BODY_BYTES_AT) == body_bytes &&
        is_same(&hash, proof->body_hash))
        return FLUME_OK;
    return refuse(out_error, FLUME_ERR_CONFLICT, proof->seq,
                  "the proof holds, but of another body: it has %" PRIu32 " bytes, this one %zu%s",
                  get_le32(proof->header + GRAIN_BODY_BYTES_AT), body_bytes,
                  get_le32(proof->header + GRAIN_BODY_BYTES_AT) == body_bytes ? " others" : "");
}

int flume_proof_verify(const flume_proof *proof, const uint8_t *known_root, const void *body,
                       size_t body_bytes, flume_error *out_error)
{
    flume_root met;
    int status;

    if (proof == NULL || (proof->meta == NULL && proof->meta_bytes > 0))
        return refuse(out_error, FLUME_ERR_INVALID, FLUME_SEQ_NONE, "there is no proof");
    status = verify_chain(&proof->chain, out_error);
    if (status == FLUME_OK)
        status = verify_header(proof, out_error);
    if (status == FLUME_OK)
        status = verify_path(proof, out_error);
    if (status == FLUME_OK && body != NULL)
        status = verify_body(proof, body, body_bytes, out_error);
    if (status != FLUME_OK || known_root == NULL)
        return status;
    if (flume_consistency_find(&proof->chain, known_root, &met) != FLUME_OK)
        return refuse(out_error, FLUME_ERR_CONFLICT, proof->seq,
                      "the proof holds, but does not pass the root given");
    return FLUME_OK;
}

/* --- What it is about --- */

int flume_proof_record(const flume_proof *proof, flume_record *out_record, size_t *out_body_bytes)
{
    static const uint8_t nothing[1];
    size_t witness_bytes = 0;
    uint32_t writer;

    if (proof == NULL || out_record == NULL || proof->chain.link_count == 0)
        return FLUME_ERR_INVALID;
    if ((proof->header[GRAIN_FLAGS_AT] & FLUME_RECORD_WITNESS) != 0)
        witness_bytes = GRAIN_WITNESS_BYTES;
    if (proof->meta_bytes < witness_bytes)
        return FLUME_ERR_INVALID;
    writer = get_le32(proof->header + GRAIN_WRITER_AT);
    *out_record = (flume_record){
        .seq = proof->seq,
        .time_ns = get_le64(proof->header + GRAIN_TIME_AT),
        .body = nothing,
        .writer_seq = writer == GRAIN_WRITER_NONE ? FLUME_SEQ_NONE
                                                  : proof->chain.links[0].first_seq + writer,
        .check = get_le64(proof->header + GRAIN_CHECK_AT),
        .kind = proof->header[GRAIN_KIND_AT],
        .flags = proof->header[GRAIN_FLAGS_AT],
        .meta = proof->meta_bytes > 0 ? proof->meta + witness_bytes : nothing,
        .meta_bytes = proof->meta_bytes - witness_bytes,
        .strata_seq = proof->chain.links[0].first_seq,
    };
    out_record->codec = record_codec(out_record->meta, out_record->meta_bytes);
    if (out_body_bytes != NULL)
        *out_body_bytes = get_le32(proof->header + GRAIN_BODY_BYTES_AT);
    return FLUME_OK;
}
