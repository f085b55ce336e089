/*
 * ambiguous.c - see ambiguous.h.
 */
#include "ambiguous.h"

#include <inttypes.h>

#include "object.h"

#define HASH_DIGITS_SHOWN 16

void ambiguous_gather(struct ambiguous *ambiguous, struct session *session,
                      struct reference_place place, const flume_hash_candidate *candidates,
                      size_t count, ambiguous_add *add)
{
    for (size_t i = 0; i < count && i < AMBIGUOUS_MAX; i++)
        add(session, &candidates[i], ambiguous);
    if (count > AMBIGUOUS_MAX)
        text_string(&ambiguous->lines, "  ...\n");
    ambiguous->detail = (struct report_detail){
        .place = place, .candidate_lines = &ambiguous->lines, .candidate_json = &ambiguous->json};
}

void ambiguous_begin(struct ambiguous *ambiguous, const flume_hash_candidate *candidate,
                     const char *time)
{
    struct text *json = &ambiguous->json;
    char digits[FLUME_HASH_TEXT_BYTES + 1];

    flume_hash_text(candidate->hash, digits);
    text_format(&ambiguous->lines, "  %.*s  @%" PRIu64 "  %s  ", HASH_DIGITS_SHOWN, digits,
                candidate->seq, time);
    text_format(json, "%s{\"hash\":\"%s\",\"seq\":", json->bytes == 0 ? "" : ",", digits);
    object_put_uint(json, candidate->seq);
    object_string(json, "time", time);
}

void ambiguous_end(struct ambiguous *ambiguous)
{
    text_char(&ambiguous->lines, '\n');
    text_char(&ambiguous->json, '}');
}

void ambiguous_deinit(struct ambiguous *ambiguous)
{
    text_deinit(&ambiguous->lines);
    text_deinit(&ambiguous->json);
}
