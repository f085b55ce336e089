/*
 * ask.h - a question at the terminal.
 */
#ifndef REPL_ASK_H
#define REPL_ASK_H

#include <stdbool.h>

struct stop;

/** Print the question and read a line: yes unless it begins with n, the input ends, or Ctrl-C. Only
 * where standard input and output are a terminal. */
bool ask_yes(struct stop *stop, const char *question);

#endif
