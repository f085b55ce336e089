/*
 * proof.c - proofs out of a log: the path of a record, and the links up to the head root.
 *
 * Sealed strata come before raw ones, so that the last of them is found by halving. Of each strata
 * from the record's on the footer page is read, of the record's own besides the Merkle nodes and
 * the grains of one group.
 *
 * What always holds: a proof that is handed out was verified, so what is damaged is told here and
 * not to whoever the proof is for.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "merkle.h"
#include "proof_memory.h"
#include "sealed.h"
#include "wait.h"

static_assert((int)MERKLE_GROUP == SEALED_GROUP_RECORDS, "what is stored is what is asked for");

/* Bytes of a strata's line in the text, at most; and of all other lines. */
enum { LINK_LINE_BYTES = 114, OTHER_LINES_BYTES = 256 << 10 };
#define LINKS_MAX \
    ((size_t)(FLUME_PROOF_TEXT_BYTES_MAX - OTHER_LINES_BYTES) / (size_t)LINK_LINE_BYTES)

/* What is asked of: the strata as they were at the call, of which the first so many are sealed. */
struct asked {
    flume_log *log;
    const struct table *table;
    size_t sealed_count;
};

static int find_sealed_count(struct asked *asked)
{
    size_t low = 0, high = asked->table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct strata *strata = asked->table->rows[middle].strata;
        int status = strata_open(asked->log, strata);

        if (status != FLUME_OK)
            return status;
        if (strata->form == STRATA_SEALED)
            low = middle + 1;
        else
            high = middle;
    }
    asked->sealed_count = low;
    return FLUME_OK;
}

static int ask(struct asked *asked, flume_log *log)
{
    int status = log_guard(log);

    *asked = (struct asked){.log = log};
    if (status != FLUME_OK)
        return status;
    asked->table = table_current(log, &status);
    return asked->table != NULL ? find_sealed_count(asked) : status;
}

/* The same, with FLUME_ERR_NOT_FOUND if nothing is sealed. */
static int ask_sealed(struct asked *asked, flume_log *log)
{
    int status = ask(asked, log);

    if (status != FLUME_OK || asked->sealed_count > 0)
        return status;
    return log_fail(log, FLUME_ERR_NOT_FOUND, 0, FLUME_SEQ_NONE,
                    "%s has no root: nothing of it is sealed yet; run 'flume seal'", log->path);
}

/* Open one of the sealed strata: halving has not opened them all. */
static int open_sealed(const struct asked *asked, size_t index)
{
    struct strata *strata = asked->table->rows[index].strata;
    int status = strata_open(asked->log, strata);

    assert(index < asked->sealed_count);
    if (status == FLUME_OK && strata->form != STRATA_SEALED)
        return log_fail(asked->log, FLUME_ERR_DAMAGED, 0, strata->first_seq,
                        "strata %020" PRIu64 " of %s is not sealed, and a later one is; run "
                        "'flume check'",
                        strata->first_seq, asked->log->path);
    return status;
}

static int read_footer(const struct asked *asked, size_t index, struct sealed_footer *out_footer)
{
    int status = open_sealed(asked, index);

    if (status != FLUME_OK)
        return status;
    return sealed_footer_read(asked->log, asked->table->rows[index].strata, out_footer);
}

static void set_root(flume_root *root, const struct sealed_footer *footer)
{
    memcpy(root->hash, footer->chain, sizeof root->hash);
    root->end_seq = footer->first_seq + footer->count;
}

/* --- Roots --- */

int flume_log_root(flume_log *log, flume_root *out_root)
{
    struct sealed_footer footer;
    struct asked asked;
    int status = ask_sealed(&asked, log);

    if (status == FLUME_OK)
        status = read_footer(&asked, asked.sealed_count - 1, &footer);
    if (status == FLUME_OK)
        set_root(out_root, &footer);
    return status;
}

int flume_log_root_find(flume_log *log, const uint8_t hash[FLUME_ROOT_BYTES], flume_root *out_root)
{
    struct sealed_footer footer;
    struct asked asked;
    int status = ask_sealed(&asked, log);

    for (size_t i = asked.sealed_count; status == FLUME_OK && i > 0; i--) {
        status = read_footer(&asked, i - 1, &footer);
        if (status != FLUME_OK || memcmp(footer.chain, hash, sizeof footer.chain) != 0)
            continue;
        set_root(out_root, &footer);
        return FLUME_OK;
    }
    if (status == FLUME_OK)
        status = log_fail(log, FLUME_ERR_NOT_FOUND, 0, FLUME_SEQ_NONE,
                          "%s has had no head root like this one", log->path);
    return status;
}

/* --- The links --- */

/* Fill links and roots from strata `first` on; memory has room for them. */
static int read_links(const struct asked *asked, size_t first, struct proof_memory *memory,
                      flume_consistency *chain)
{
    struct sealed_footer footer;

    for (size_t i = first; i < asked->sealed_count; i++) {
        flume_root_link *link = &memory->links[i - first];
        int status = read_footer(asked, i, &footer);

        if (status != FLUME_OK)
            return status;
        link->first_seq = footer.first_seq;
        link->count = footer.count;
        memcpy(link->root, footer.root, sizeof link->root);
        if (i == first) {
            memcpy(chain->before, footer.chain_before, sizeof chain->before);
            set_root(&chain->from, &footer);
        }
        set_root(&chain->head, &footer);
    }
    memcpy(chain->basin_id, asked->log->basin_id, sizeof chain->basin_id);
    chain->links = memory->links;
    chain->link_count = asked->sealed_count - first;
    chain->memory = memory;
    return FLUME_OK;
}

static int make_memory(const struct asked *asked, size_t first, size_t meta_bytes,
                       struct proof_memory **out_memory)
{
    size_t count = asked->sealed_count - first;

    if (count > LINKS_MAX)
        return log_fail(asked->log, FLUME_ERR_TOO_LARGE, 0, FLUME_SEQ_NONE,
                        "%s: a proof over %zu strata is too large; it may have %zu",
                        asked->log->path, count, LINKS_MAX);
    *out_memory = proof_memory_create(&asked->log->allocator, count, meta_bytes);
    if (*out_memory == NULL)
        return log_fail(asked->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory for a proof");
    return FLUME_OK;
}

/* Which strata ends there. */
static int find_end(const struct asked *asked, uint64_t end_seq, size_t *out_index)
{
    const struct table *table = asked->table;
    size_t index = end_seq == 0 ? SIZE_MAX : table_find(table, end_seq - 1);
    struct sealed_footer footer;
    int status;

    if (index == SIZE_MAX || index >= asked->sealed_count)
        return log_fail(asked->log, FLUME_ERR_NOT_FOUND, 0, end_seq,
                        "no sealed strata of %s ends at seq %" PRIu64, asked->log->path, end_seq);
    status = read_footer(asked, index, &footer);
    if (status != FLUME_OK)
        return status;
    if (footer.first_seq + footer.count != end_seq)
        return log_fail(asked->log, FLUME_ERR_NOT_FOUND, 0, end_seq,
                        "no sealed strata of %s ends at seq %" PRIu64 "; one begins at %" PRIu64
                        " and ends at %" PRIu64,
                        asked->log->path, end_seq, footer.first_seq,
                        footer.first_seq + footer.count);
    *out_index = index;
    return FLUME_OK;
}

/* What was made does not hold: what is stored does not agree. */
static int fail_stored(const struct asked *asked, uint64_t seq, const flume_error *error)
{
    return log_fail(asked->log, FLUME_ERR_DAMAGED, 0, seq,
                    "%s: what is stored gives no proof (%s); run 'flume check'", asked->log->path,
                    error->message);
}

int flume_consistency_prove(flume_log *log, uint64_t old_end_seq,
                            flume_consistency *out_consistency)
{
    flume_consistency made = {.link_count = 0};
    struct proof_memory *memory = NULL;
    flume_error error;
    struct asked asked;
    size_t first = 0;
    int status = ask_sealed(&asked, log);

    if (status == FLUME_OK)
        status = find_end(&asked, old_end_seq, &first);
    if (status == FLUME_OK)
        status = make_memory(&asked, first, 0, &memory);
    if (status == FLUME_OK)
        status = read_links(&asked, first, memory, &made);
    if (status == FLUME_OK && flume_consistency_verify(&made, NULL, NULL, &error) != FLUME_OK)
        status = fail_stored(&asked, error.seq, &error);
    if (status != FLUME_OK)
        goto fail;
    *out_consistency = made;
    return FLUME_OK;
fail:
    proof_memory_destroy(memory);
    return status;
}

/* --- The record --- */

/* Hash a grain that a block has. */
static void hash_grain(const uint8_t header[GRAIN_HEADER_BYTES], const uint8_t *meta,
                       struct merkle_hash *out_body_hash, struct merkle_hash *out_leaf)
{
    uint16_t meta_bytes = get_le16(header + GRAIN_META_BYTES_AT);

    merkle_hash_bytes(meta + meta_bytes, get_le32(header + GRAIN_BODY_BYTES_AT), out_body_hash);
    merkle_leaf(header, meta, meta_bytes, out_body_hash, out_leaf);
}

/* Header, meta, hashes of the record; its memory is made here, as its meta's size is known here. */
static int read_grain(const struct asked *asked, size_t index, uint64_t seq,
                      struct proof_memory **out_memory, flume_proof *proof)
{
    struct strata *strata = asked->table->rows[index].strata;
    uint64_t ordinal = seq - strata->first_seq;
    struct merkle_hash body_hash, leaf;
    struct block *block;
    const uint8_t *meta;
    int status = sealed_block_of(asked->log, strata, ordinal, CACHE_KEEP, &block);

    if (status != FLUME_OK)
        return status;
    meta = block_raw_grain(block, seq, proof->header);
    proof->seq = seq;
    proof->meta_bytes = get_le16(proof->header + GRAIN_META_BYTES_AT);
    status = make_memory(asked, index, proof->meta_bytes, out_memory);
    if (status == FLUME_OK) {
        proof->meta = (*out_memory)->meta;
        memcpy((*out_memory)->meta, meta, proof->meta_bytes);
        hash_grain(proof->header, meta, &body_hash, &leaf);
        memcpy(proof->body_hash, body_hash.bytes, sizeof proof->body_hash);
        memcpy(proof->leaf, leaf.bytes, sizeof proof->leaf);
    }
    let_go(&block->item.held);
    return status;
}

/* The leaves of a group, from its grains. */
static int read_leaves(flume_log *log, struct strata *strata, uint64_t count, uint64_t group,
                       struct merkle_hash leaves[MERKLE_GROUP])
{
    uint64_t leaf_count = merkle_group_leaves(count, group);
    struct block *block = NULL;
    int status = FLUME_OK;

    for (uint64_t i = 0; i < leaf_count; i++) {
        uint64_t ordinal = group * MERKLE_GROUP + i;
        uint8_t header[GRAIN_HEADER_BYTES];
        struct merkle_hash body_hash;
        const uint8_t *meta;

        if (block == NULL || !block_has(block, strata->first_seq + ordinal)) {
            if (block != NULL)
                let_go(&block->item.held);
            block = NULL;
            status = sealed_block_of(log, strata, ordinal, CACHE_PASSING, &block);
            if (status != FLUME_OK)
                return status;
        }
        meta = block_raw_grain(block, strata->first_seq + ordinal, header);
        hash_grain(header, meta, &body_hash, &leaves[i]);
    }
    if (block != NULL)
        let_go(&block->item.held);
    return status;
}

/* The nodes of a strata's groups, in memory of the handle's allocator. */
static int read_groups(flume_log *log, struct strata *strata, const struct sealed_footer *footer,
                       struct merkle_hash **out_groups)
{
    const struct sealed_section *section = sealed_section_find(footer, SEALED_SECTION_MERKLE);
    uint8_t *bytes;
    int status;

    /* Else its page would not have been decoded. */
    assert(section != NULL);
    assert(section->bytes == merkle_group_count(footer->count) * MERKLE_HASH_BYTES);
    status = sealed_section_read(log, strata, section, &bytes);
    if (status == FLUME_OK)
        *out_groups = (struct merkle_hash *)bytes; /* An array of bytes, as merkle.h says. */
    return status;
}

static int read_path(const struct asked *asked, size_t index, flume_proof *proof)
{
    struct strata *strata = asked->table->rows[index].strata;
    uint64_t ordinal = proof->seq - strata->first_seq;
    struct merkle_hash leaves[MERKLE_GROUP], *groups = NULL;
    struct sealed_footer footer;
    struct merkle_path path;
    int status = read_footer(asked, index, &footer);

    if (status == FLUME_OK && ordinal >= footer.count)
        status = log_fail(asked->log, FLUME_ERR_DAMAGED, 0, proof->seq,
                          "strata %020" PRIu64 " of %s ends before seq %" PRIu64
                          "; run 'flume check'",
                          strata->first_seq, asked->log->path, proof->seq);
    if (status == FLUME_OK)
        status = read_leaves(asked->log, strata, footer.count, ordinal / MERKLE_GROUP, leaves);
    if (status == FLUME_OK)
        status = read_groups(asked->log, strata, &footer, &groups);
    if (status != FLUME_OK)
        return status;
    merkle_path_find(groups, leaves, footer.count, ordinal, &path);
    memory_release(&asked->log->allocator, groups);
    memcpy(proof->path, path.hashes, path.count * sizeof *path.hashes);
    proof->path_count = path.count;
    return FLUME_OK;
}

/* Which strata holds a record that can be proved; it is open then. */
static int find_record(const struct asked *asked, uint64_t seq, size_t *out_index)
{
    flume_log *log = asked->log;
    uint64_t head = head_seen(log);

    if (seq >= head)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, seq,
                        "%s has no seq %" PRIu64 "; its head is %" PRIu64, log->path, seq, head);
    *out_index = table_find(asked->table, seq);
    if (*out_index == SIZE_MAX)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, seq,
                        "%s: the strata of seq %" PRIu64 " is missing from log/; run 'flume check'",
                        log->path, seq);
    if (*out_index >= asked->sealed_count)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, seq,
                        "%s: seq %" PRIu64 " is not sealed yet; run 'flume seal'", log->path, seq);
    return open_sealed(asked, *out_index);
}

int flume_log_prove(flume_log *log, uint64_t seq, flume_proof *out_proof)
{
    struct proof_memory *memory = NULL;
    flume_proof proof = {.seq = 0};
    flume_error error;
    struct asked asked;
    size_t index = 0;
    int status = ask(&asked, log);

    if (status == FLUME_OK)
        status = find_record(&asked, seq, &index);
    if (status == FLUME_OK)
        status = read_grain(&asked, index, seq, &memory, &proof);
    if (status == FLUME_OK)
        status = read_path(&asked, index, &proof);
    if (status == FLUME_OK)
        status = read_links(&asked, index, memory, &proof.chain);
    if (status == FLUME_OK && flume_proof_verify(&proof, NULL, NULL, 0, &error) != FLUME_OK)
        status = fail_stored(&asked, seq, &error);
    if (status != FLUME_OK)
        goto fail;
    *out_proof = proof;
    return FLUME_OK;
fail:
    proof_memory_destroy(memory);
    return status;
}
