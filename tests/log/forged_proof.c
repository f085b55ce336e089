/*
 * forged_proof.c - proofs of records that no log ever had.
 */
#include "forged_proof.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "grain.h"
#include "proof_memory.h"

static const uint64_t counts[FORGED_STRATA] = {300, 1, 256, 443};

size_t forged_body(uint64_t seq, uint8_t body[FORGED_BODY_MAX])
{
    size_t bytes = seq % 5 == 0 ? 0 : (size_t)(seq % FORGED_BODY_MAX);

    for (size_t i = 0; i < bytes; i++)
        body[i] = (uint8_t)(seq + i);
    return bytes;
}

/* Header, meta and body hash as proof has them; then its leaf. */
static void fill_record(const struct forged_log *forged, uint64_t seq, flume_proof *proof,
                        uint8_t meta[FORGED_META_MAX])
{
    uint8_t body[FORGED_BODY_MAX];
    size_t body_bytes = forged_body(seq, body);
    struct merkle_hash body_hash, leaf;
    uint64_t first_seq = forged->links[forged_strata_of(forged, seq)].first_seq;

    proof->seq = seq;
    proof->meta = meta;
    proof->meta_bytes = (size_t)(seq % FORGED_META_MAX);
    for (size_t i = 0; i < proof->meta_bytes; i++)
        meta[i] = (uint8_t)(seq * 3 + i);
    memset(proof->header, (int)(seq & 0x7f), sizeof proof->header);
    put_le32(proof->header + GRAIN_ORDINAL_AT, (uint32_t)(seq - first_seq));
    put_le32(proof->header + GRAIN_BODY_BYTES_AT, (uint32_t)body_bytes);
    put_le16(proof->header + GRAIN_META_BYTES_AT, (uint16_t)proof->meta_bytes);
    merkle_hash_bytes(body, body_bytes, &body_hash);
    memcpy(proof->body_hash, body_hash.bytes, sizeof body_hash.bytes);
    merkle_leaf(proof->header, meta, proof->meta_bytes, &body_hash, &leaf);
    memcpy(proof->leaf, leaf.bytes, sizeof leaf.bytes);
}

static void fill_strata(struct forged_log *forged, size_t strata)
{
    static const struct merkle_hash none;
    flume_root_link *link = &forged->links[strata];
    struct merkle_hash root;

    for (uint64_t i = 0; i < link->count; i++) {
        uint8_t meta[FORGED_META_MAX];
        flume_proof proof;

        fill_record(forged, link->first_seq + i, &proof, meta);
        memcpy(forged->leaves[link->first_seq + i].bytes, proof.leaf, sizeof proof.leaf);
    }
    merkle_root(&forged->leaves[link->first_seq], link->count, &root);
    memcpy(link->root, root.bytes, sizeof root.bytes);
    merkle_chain(strata == 0 ? &none : &forged->chains[strata - 1], &root, link->first_seq,
                 link->count, &forged->chains[strata]);
}

struct forged_log *forged_log_create(void)
{
    struct forged_log *forged = calloc(1, sizeof *forged);
    uint64_t first_seq = 0;

    assert(forged != NULL);
    for (size_t i = 0; i < FORGED_STRATA; i++) {
        forged->links[i].first_seq = first_seq;
        forged->links[i].count = counts[i];
        first_seq += counts[i];
    }
    assert(first_seq == FORGED_RECORDS);
    for (size_t i = 0; i < FORGED_STRATA; i++)
        fill_strata(forged, i);
    return forged;
}

void forged_log_destroy(struct forged_log *forged)
{
    free(forged);
}

size_t forged_strata_of(const struct forged_log *forged, uint64_t seq)
{
    size_t strata = 0;

    assert(seq < FORGED_RECORDS);
    while (seq - forged->links[strata].first_seq >= forged->links[strata].count)
        strata++;
    return strata;
}

static void set_root(const struct forged_log *forged, size_t strata, flume_root *out_root)
{
    memcpy(out_root->hash, forged->chains[strata].bytes, sizeof out_root->hash);
    out_root->end_seq = forged->links[strata].first_seq + forged->links[strata].count;
}

static struct proof_memory *fill_chain(const struct forged_log *forged, size_t from,
                                       size_t meta_bytes, flume_consistency *chain)
{
    size_t count = FORGED_STRATA - from;
    struct proof_memory *memory = proof_memory_create(memory_default(), count, meta_bytes);

    assert(memory != NULL);
    memset(chain, 0, sizeof *chain);
    memset(chain->basin_id, 0xb5, sizeof chain->basin_id);
    if (from > 0)
        memcpy(chain->before, forged->chains[from - 1].bytes, sizeof chain->before);
    memcpy(memory->links, &forged->links[from], count * sizeof *memory->links);
    chain->links = memory->links;
    chain->link_count = count;
    chain->memory = memory;
    set_root(forged, from, &chain->from);
    set_root(forged, FORGED_STRATA - 1, &chain->head);
    return memory;
}

void forged_consistency(const struct forged_log *forged, size_t from_strata,
                        flume_consistency *out_consistency)
{
    (void)fill_chain(forged, from_strata, 0, out_consistency);
}

void forged_prove(const struct forged_log *forged, uint64_t seq, flume_proof *out_proof)
{
    const flume_root_link *link = &forged->links[forged_strata_of(forged, seq)];
    struct merkle_hash groups[FORGED_RECORDS / MERKLE_GROUP + 1];
    const struct merkle_hash *leaves = &forged->leaves[link->first_seq];
    uint64_t index = seq - link->first_seq, group = index / MERKLE_GROUP;
    struct proof_memory *memory;
    struct merkle_path path;

    memset(out_proof, 0, sizeof *out_proof);
    memory = fill_chain(forged, forged_strata_of(forged, seq), FORGED_META_MAX, &out_proof->chain);
    fill_record(forged, seq, out_proof, memory->meta);
    for (uint64_t i = 0; i < merkle_group_count(link->count); i++)
        merkle_root(leaves + i * MERKLE_GROUP, merkle_group_leaves(link->count, i), &groups[i]);
    merkle_path_find(groups, leaves + group * MERKLE_GROUP, link->count, index, &path);
    out_proof->path_count = path.count;
    memcpy(out_proof->path, path.hashes, path.count * sizeof *path.hashes);
}
