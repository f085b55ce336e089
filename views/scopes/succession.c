/*
 * succession.c - duplicates in the order of earlier scopes (succession.h).
 */
#include "succession.h"

#include "scope_record.h"

/* How far it is looked; how much it takes until it is looked again where that was in vain, again
 * and again. */
enum { CLOSE_RECORDS = 8, WANTED_MAX = 1024 };

static void found(struct succession *succession, uint64_t seq)
{
    succession->behind_seq = seq + 1;
    if (succession->in_turn < WANTED_MAX)
        succession->in_turn++;
}

void succession_note(struct succession *succession, uint64_t seq)
{
    uint64_t behind_seq = succession->behind_seq;

    if (seq + 1 == behind_seq)
        return;
    if (behind_seq == 0 || seq < behind_seq || seq - behind_seq >= CLOSE_RECORDS)
        succession->in_turn = 0;
    found(succession, seq);
}

static bool is_it(const flume_record *record, const struct scope_pairs *pairs,
                  uint8_t out_id[FLUME_HASH_BYTES])
{
    return scope_record_has_pairs(record, pairs) && scope_record_id(record, out_id);
}

bool succession_find(struct succession *succession, flume_log *log, const struct scope_pairs *pairs,
                     uint64_t *out_seq, uint8_t out_id[FLUME_HASH_BYTES])
{
    uint64_t seq = succession->behind_seq, end_seq = seq + CLOSE_RECORDS;
    bool is_same = false;

    if (seq == 0 || succession->in_turn <= succession->wanted)
        return false;
    for (; !is_same && seq < end_seq; seq++) {
        flume_record record;
        int status = flume_log_get(log, seq, &record);

        if (status == FLUME_ERR_NOT_FOUND)
            break; /* The log ends here. */
        if (status != FLUME_OK)
            continue;
        is_same = is_it(&record, pairs, out_id);
        flume_record_release(&record);
        if (is_same)
            *out_seq = seq;
    }
    if (is_same) {
        found(succession, *out_seq);
        succession->wanted /= 2;
        return true;
    }
    succession->in_turn = 0;
    if (succession->wanted < WANTED_MAX / 2)
        succession->wanted = succession->wanted * 2 + 1;
    return false;
}
