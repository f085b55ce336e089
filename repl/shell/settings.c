/*
 * settings.c - what the dot-commands of a shell set (settings.h).
 */
#include "settings.h"

void settings_init(struct settings *settings)
{
    *settings = (struct settings){.hints = true};
}
