/*
 * settings.c - what the dot-commands of a shell set (settings.h).
 */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "invocation.h"

const char *const when_names[] = {
    [WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never", NULL};

void settings_init(struct settings *settings, const struct invocation *invocation)
{
    const char *hints = getenv("FLUME_HINTS");

    *settings = (struct settings){.hints = hints == NULL || strcmp(hints, "0") != 0};
    settings->color = (enum when)invocation_number(invocation, OPTION_COLOR, WHEN_AUTO);
    for (size_t i = 0; i < invocation->option_count; i++) {
        const struct option_use *use = &invocation->options[i];

        if (use->id != OPTION_MODE && use->id != OPTION_JSON)
            continue;
        settings->has_mode = true;
        settings->mode = use->id == OPTION_JSON ? MODE_NDJSON : (enum output_mode)use->number;
    }
}
