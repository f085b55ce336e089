/*
 * settings.h - what the dot-commands of a shell set, for every command that follows.
 */
#ifndef REPL_SETTINGS_H
#define REPL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mode.h"

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

/* "auto", "always", "never", and NULL. */
extern const char *const when_names[];

/* All zero but `hints`: as settings_init() leaves it. */
struct settings {
    bool has_mode; /* .mode MODE; else by where stdout goes. */
    enum output_mode mode;
    enum when color; /* .color */
    enum when pager; /* .pager: WHEN_AUTO is a pager for what is taller than the screen. */
    size_t width;    /* .width N: cells; 0: those of the terminal. */
    uint64_t limit;  /* .limit N: rows on the screen of a command that takes -n and was given
                              none; 0: all. */
    bool timer;      /* .timer: time, bytes and records read after each command. */
    bool echo;       /* .echo: print each line before it runs. */
    bool bail;       /* .bail: end at the first error. On in scripts, off at a prompt. */
    bool hints;      /* .hints: grey argument hints. */
};

/** As the program's own options and its environment have it. */
struct invocation;
void settings_init(struct settings *settings, const struct invocation *invocation);

#endif
