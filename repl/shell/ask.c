/*
 * ask.c - a question at the terminal (ask.h).
 */
#include "ask.h"

#include <poll.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "stop.h"

bool ask_yes(struct stop *stop, const char *question)
{
    struct pollfd waits[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = stop->descriptor, .events = POLLIN}};
    char answer[256];
    ssize_t bytes = 0;

    fputs(question, stdout);
    fflush(stdout);
    stop_clear(stop);
    while (poll(waits, 2, -1) < 0)
        continue; /* EINTR */
    if (waits[1].revents == 0)
        bytes = read(STDIN_FILENO, answer, sizeof(answer)); /* A line: the terminal edits it. */
    else
        tcflush(STDIN_FILENO, TCIFLUSH);
    if (bytes <= 0 || answer[bytes - 1] != '\n')
        (void)!write(STDOUT_FILENO, "\n", 1); /* Only for the looks. */
    return bytes > 0 && answer[0] != 'n' && answer[0] != 'N';
}
