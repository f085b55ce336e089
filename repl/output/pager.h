/*
 * pager.h - a program that shows long output a screen at a time; stdout goes to it while it runs.
 *
 * FLUME_PAGER, else PAGER, else "less -FRX"; empty or "cat": none. Where LESS is not set, it is
 * FRX.
 */
#ifndef REPL_PAGER_H
#define REPL_PAGER_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct pager {
    pid_t pid;    /* 0: none runs. */
    bool is_gone; /* It has ended, with: */
    int status;
    int terminal; /* What stdout was. */
    struct sigaction pipe_action;
};

enum pager_answer { PAGER_NONE, PAGER_RUNS, PAGER_IS_MISSING };

/** The command line, for messages; NULL: none is wanted. */
const char *pager_command(void);

/** Let stdout go to a pager. */
enum pager_answer pager_begin(struct pager *pager);

/** Whether it has ended already. */
bool pager_is_gone(struct pager *pager);

/** Flush stdout to it, wait until it ends, and give stdout back. What it could not take is dropped.
 * False if it could not be run after all. */
bool pager_end(struct pager *pager);

#endif
