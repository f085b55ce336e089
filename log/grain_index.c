/*
 * grain_index.c - walking the grain index of a sealed strata: hash prefixes in order, with their
 * seqs.
 *
 * log/FORMAT.md, "Grain index", has the bytes. The section is read in windows that grow while
 * entries are taken one after the other: who seeks reads little, who walks reads long stretches.
 *
 * What always holds:
 *   - No entry is given before the check of the whole section was found right, once, by reading it
 *     through; nor one that breaks the order, or names a record that the strata does not have.
 *   - Whatever the file says, no more than WINDOW_BYTES are allocated.
 *   - No block is read.
 */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "flume/seal.h"
#include "sealed.h"
#include "wait.h"

enum {
    PREFIX_BYTES = 8,
    ORDINAL_BYTES = 4,
    ENTRY_BYTES = PREFIX_BYTES + ORDINAL_BYTES,
    WINDOW_ENTRIES_MAX = 1 << 16,
    WINDOW_ENTRIES_FIRST = 256, /* After a seek, mostly a few are wanted. */
    WINDOW_BYTES = WINDOW_ENTRIES_MAX * ENTRY_BYTES,
    BISECT_ENTRIES = 512 /* So many are read and looked through at once. */
};

static_assert(WINDOW_BYTES <= 1 << 20, "what an index takes is bounded");
static_assert(BISECT_ENTRIES <= WINDOW_ENTRIES_MAX, "they are read into the window");

struct flume_grain_index {
    flume_log *log;
    struct strata *strata; /* Lives until the log is closed. */
    struct sealed_section section;
    uint64_t record_count;
    bool is_verified; /* Then what follows is set. Becomes true once. */
    unsigned fan_bits;
    uint32_t entry_count;
    struct sealed_index_shape shape;

    uint32_t at;           /* The entry that comes next. */
    uint64_t least_prefix; /* It has this one, or a larger. */
    uint32_t window_from, window_count;
    uint32_t window_wanted; /* How many the next window is to have. */
    uint8_t *ordinals;      /* In the window, behind its prefixes. */
    uint8_t window[WINDOW_BYTES];
};

static uint64_t get_prefix(const uint8_t *source)
{
    uint64_t prefix;

    memcpy(&prefix, source, sizeof prefix);
    return be64toh(prefix);
}

static int fail_damaged(const struct flume_grain_index *index, const char *what)
{
    return log_fail(index->log, FLUME_ERR_DAMAGED, 0, index->strata->first_seq,
                    "strata %020llu of %s: its grain index %s (offset %llu, %llu bytes); run "
                    "'flume check', then 'flume repair'",
                    (unsigned long long)index->strata->first_seq, index->log->path, what,
                    (unsigned long long)index->section.offset,
                    (unsigned long long)index->section.bytes);
}

/* Bytes of the section, which it has. */
static int read_section(struct flume_grain_index *index, void *target, size_t bytes, uint64_t at)
{
    assert(at <= index->section.bytes && bytes <= index->section.bytes - at);
    return sealed_read(index->log, index->strata, target, bytes, index->section.offset + at);
}

/* --- Verifying -------------------------------------------------------------------------------- */

static int verify_check(struct flume_grain_index *index)
{
    const struct sealed_section *section = &index->section;
    XXH3_state_t state;
    uint64_t at = 0;

    XXH3_INITSTATE(&state);
    (void)XXH3_64bits_reset_withSeed(&state, index->strata->salt + section->offset);
    while (at < section->bytes) {
        size_t bytes = section->bytes - at < WINDOW_BYTES ? (size_t)(section->bytes - at)
                                                          : WINDOW_BYTES;
        int status = read_section(index, index->window, bytes, at);

        if (status != FLUME_OK)
            return status;
        (void)XXH3_64bits_update(&state, index->window, bytes);
        at += bytes;
    }
    if (XXH3_64bits_digest(&state) != section->check)
        return fail_damaged(index, "is damaged");
    return FLUME_OK;
}

static int verify(struct flume_grain_index *index)
{
    uint8_t header[SEALED_INDEX_HEADER_BYTES];
    int status = verify_check(index);

    if (status != FLUME_OK)
        return status;
    if (index->section.bytes < sizeof header)
        return fail_damaged(index, "is too short");
    status = read_section(index, header, sizeof header, 0);
    if (status != FLUME_OK)
        return status;
    if (!sealed_index_header_decode(header, index->section.bytes, &index->fan_bits,
                                    &index->entry_count) ||
        index->entry_count > index->record_count)
        return fail_damaged(index, "has sizes that cannot be");
    sealed_index_shape(index->fan_bits, index->entry_count, &index->shape);
    index->is_verified = true;
    return FLUME_OK;
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* The sealed strata that holds seq, open. */
static int find_strata(flume_log *log, uint64_t seq, struct strata **out_strata)
{
    uint64_t head = head_seen(log);
    const struct table *table;
    struct strata *strata;
    int status = FLUME_OK;
    size_t row;

    if (seq >= head)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, seq, "%s has no seq %llu; its head is %llu",
                        log->path, (unsigned long long)seq, (unsigned long long)head);
    table = table_current(log, &status);
    if (table == NULL)
        return status;
    row = table_find(table, seq);
    if (row == SIZE_MAX)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, seq,
                        "%s: the strata of seq %llu is missing from log/; run 'flume check'",
                        log->path, (unsigned long long)seq);
    strata = table->rows[row].strata;
    status = strata_open(log, strata);
    if (status != FLUME_OK)
        return status;
    if (strata->form != STRATA_SEALED)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, seq,
                        "the strata of seq %llu in %s is not sealed yet", (unsigned long long)seq,
                        log->path);
    *out_strata = strata;
    return FLUME_OK;
}

/* What the footer page says of the strata and its index. */
static int take_footer(struct flume_grain_index *index, uint64_t seq)
{
    struct sealed_footer *footer = memory_allocate(&index->log->allocator, sizeof *footer);
    const struct sealed_section *section;
    int status;

    if (footer == NULL)
        return log_fail(index->log, FLUME_ERR_NO_MEMORY, 0, seq,
                        "no memory to read a sealed strata of %s", index->log->path);
    status = sealed_footer_read(index->log, index->strata, footer);
    if (status == FLUME_OK) {
        section = sealed_section_find(footer, SEALED_SECTION_GRAINS);
        if (section != NULL)
            index->section = *section;
        index->record_count = footer->count;
        if (section == NULL)
            status = fail_damaged(index, "is not there");
        else if (seq - index->strata->first_seq >= footer->count)
            status = fail_damaged(index, "is of fewer records than the strata should have");
    }
    memory_release(&index->log->allocator, footer);
    return status;
}

int flume_grain_index_open(flume_log *log, uint64_t seq, flume_grain_index **out_index,
                           uint64_t *out_first_seq, uint64_t *out_end_seq)
{
    struct flume_grain_index *index;
    struct strata *strata = NULL;
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    status = find_strata(log, seq, &strata);
    if (status != FLUME_OK)
        return status;
    index = memory_allocate(&log->allocator, sizeof *index);
    if (index == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, seq,
                        "no memory to read the grain index of a strata of %s", log->path);
    memset(index, 0, offsetof(struct flume_grain_index, window));
    index->log = log;
    index->strata = strata;
    index->window_wanted = WINDOW_ENTRIES_FIRST;
    status = take_footer(index, seq);
    if (status != FLUME_OK) {
        memory_release(&log->allocator, index);
        return status;
    }
    *out_index = index;
    *out_first_seq = strata->first_seq;
    *out_end_seq = strata->first_seq + index->record_count;
    return FLUME_OK;
}

void flume_grain_index_close(flume_grain_index *index)
{
    if (index != NULL && log_guard(index->log) == FLUME_OK)
        memory_release(&index->log->allocator, index);
}

/* --- Walking ---------------------------------------------------------------------------------- */

/* The next stretch of entries into the window. */
static int fill_window(struct flume_grain_index *index)
{
    uint32_t left = index->entry_count - index->at;
    uint32_t count = left < index->window_wanted ? left : index->window_wanted;
    int status;

    index->window_count = 0;
    index->ordinals = index->window + (size_t)count * PREFIX_BYTES;
    status = read_section(index, index->window, (size_t)count * PREFIX_BYTES,
                          index->shape.prefixes_at + (uint64_t)index->at * PREFIX_BYTES);
    if (status == FLUME_OK)
        status = read_section(index, index->ordinals, (size_t)count * ORDINAL_BYTES,
                              index->shape.ordinals_at + (uint64_t)index->at * ORDINAL_BYTES);
    if (status != FLUME_OK)
        return status;
    index->window_from = index->at;
    index->window_count = count;
    if (index->window_wanted < WINDOW_ENTRIES_MAX)
        index->window_wanted *= 2;
    return FLUME_OK;
}

int flume_grain_index_next(flume_grain_index *index, uint64_t *out_prefix, uint64_t *out_seq)
{
    uint64_t prefix;
    uint32_t place, ordinal;
    int status;

    if (index == NULL)
        return FLUME_ERR_INVALID;
    status = log_guard(index->log);
    if (status == FLUME_OK && !index->is_verified)
        status = verify(index);
    if (status != FLUME_OK)
        return status;
    if (index->at == index->entry_count)
        return FLUME_END;
    if (index->at - index->window_from >= index->window_count) {
        status = fill_window(index);
        if (status != FLUME_OK)
            return status;
    }
    place = index->at - index->window_from;
    prefix = get_prefix(index->window + (size_t)place * PREFIX_BYTES);
    ordinal = get_le32(index->ordinals + (size_t)place * ORDINAL_BYTES);
    if (prefix < index->least_prefix || ordinal >= index->record_count)
        return fail_damaged(index, "holds entries that cannot be");
    index->least_prefix = prefix;
    index->at++;
    *out_prefix = prefix;
    *out_seq = index->strata->first_seq + ordinal;
    return FLUME_OK;
}

/* --- Seeking ---------------------------------------------------------------------------------- */

/* The entries among which a prefix stands, if it stands anywhere: those that begin with the same
 * bits. */
static int find_bucket(struct flume_grain_index *index, uint64_t prefix, uint32_t *out_from,
                       uint32_t *out_to)
{
    uint8_t starts[2 * sizeof(uint32_t)];
    uint64_t bucket = index->fan_bits == 0 ? 0 : prefix >> (64 - index->fan_bits);
    int status = read_section(index, starts, sizeof starts,
                              index->shape.starts_at + bucket * sizeof(uint32_t));

    if (status != FLUME_OK)
        return status;
    *out_from = get_le32(starts);
    *out_to = get_le32(starts + sizeof(uint32_t));
    if (*out_from > *out_to || *out_to > index->entry_count)
        return fail_damaged(index, "has a fan-out that cannot be");
    return FLUME_OK;
}

/* Halve what is too much to be read at once: the first entry not below prefix is from .. to. */
static int bisect(struct flume_grain_index *index, uint64_t prefix, uint32_t *io_from,
                  uint32_t *io_to)
{
    while (*io_to - *io_from > BISECT_ENTRIES) {
        uint32_t middle = *io_from + (*io_to - *io_from) / 2;
        uint8_t found[PREFIX_BYTES];
        int status = read_section(index, found, sizeof found,
                                  index->shape.prefixes_at + (uint64_t)middle * PREFIX_BYTES);

        if (status != FLUME_OK)
            return status;
        if (get_prefix(found) < prefix)
            *io_from = middle + 1;
        else
            *io_to = middle;
    }
    return FLUME_OK;
}

int flume_grain_index_seek(flume_grain_index *index, uint64_t prefix)
{
    uint32_t from = 0, to = 0;
    int status;

    if (index == NULL)
        return FLUME_ERR_INVALID;
    status = log_guard(index->log);
    if (status == FLUME_OK && !index->is_verified)
        status = verify(index);
    if (status == FLUME_OK)
        status = find_bucket(index, prefix, &from, &to);
    if (status == FLUME_OK)
        status = bisect(index, prefix, &from, &to);
    if (status != FLUME_OK)
        return status;
    index->window_count = 0; /* It is used for what is looked through now. */
    status = read_section(index, index->window, (size_t)(to - from) * PREFIX_BYTES,
                          index->shape.prefixes_at + (uint64_t)from * PREFIX_BYTES);
    if (status != FLUME_OK)
        return status;
    for (const uint8_t *entry = index->window; from < to && get_prefix(entry) < prefix; from++)
        entry += PREFIX_BYTES;
    index->at = from;
    index->least_prefix = prefix;
    index->window_wanted = WINDOW_ENTRIES_FIRST;
    return FLUME_OK;
}
