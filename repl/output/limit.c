/*
 * limit.c - how many rows a command shows (limit.h).
 */
#include "limit.h"

#include <inttypes.h>

void limit_init(struct limit *limit, const struct session *session, enum option_id option)
{
    const struct option_use *use = invocation_option(session->invocation, option);

    *limit = (struct limit){.rows_max = UINT64_MAX};
    if (use == NULL)
        return;
    limit->rows_max = use->number;
    limit->is_setting = use->text == NULL; /* The shell has added it. */
}

bool limit_take(struct limit *limit)
{
    if (limit->rows == limit->rows_max) {
        limit->is_cut = true;
        return false;
    }
    limit->rows++;
    return true;
}

bool limit_wants_more(const struct limit *limit)
{
    return !limit->is_cut && (limit->rows < limit->rows_max || limit->is_setting);
}

void limit_note(const struct limit *limit, struct session *session)
{
    if (limit->is_setting && limit->is_cut)
        note(session, "the first %" PRIu64 " rows; there are more: -n N, or .limit 0",
             limit->rows_max);
}
