/*
 * help_shell.c - the topics `shell` and `keys`: the prompt's own commands, and what keys do there.
 */
#include "help.h"

#include "dot.h"

enum { DOT_CELLS = 30 };

void help_shell(struct text *text)
{
    text_string(
        text, "flume DB, on a terminal, is a prompt for commands: each as on a shell's command\n"
              "line, but without `flume DB` (what a line may hold: flume help lines). Commands\n"
              "that read borrow one open basin; one that writes opens it for as long as it takes,\n"
              "so a prompt stands in nobody's way. _ is the record that was printed last.\n\n"
              "Settings, and what only a prompt can do, begin with a dot:\n\n");
    for (size_t i = 0; dot_row(i) != NULL; i++) {
        const struct dot *dot = dot_row(i);
        struct text left = {0};

        text_format(&left, "%s %s", dot->name, dot->operands);
        text_format(text, "  %-*s%s\n", DOT_CELLS, text_c_string(&left), dot->summary);
        text_deinit(&left);
    }
    text_string(
        text,
        "\nA start-up file, ~/.config/flume/rc (or under XDG_CONFIG_HOME), may hold settings,\n"
        "one a line; --no-rc leaves it out. subscribe LABEL prints what is appended above\n"
        "the line that is being typed, until .cancel.\n\n"
        "for example:\n"
        "  flume demo.flume -c '.mode csv' -c 'log -n 3'\n"
        "  flume demo.flume -c '.set limit 5' -c 'label list'\n");
}

void help_keys(struct text *text)
{
    text_string(
        text,
        "At the prompt (with libedit; ~/.editrc may bind others, also vi's):\n\n"
        "  Tab              complete: commands, options, values, labels, :bookmarks, views, hashes\n"
        "                   from 4 digits on, files. Twice: what there is\n"
        "  Enter            run the line; between quotes or brackets it goes on\n"
        "  Ctrl-C           discard the line; while a command runs: end that\n"
        "  Ctrl-D           leave, on an empty line\n"
        "  Up, Down         lines of the history;  Ctrl-R  look for one\n"
        "  Left, Right      move;  Ctrl-Left, Ctrl-Right  by words;  Ctrl-A, Ctrl-E  to the ends\n"
        "  Ctrl-W           delete the word before the cursor;  Ctrl-U  the line;  Ctrl-K  its rest\n"
        "  Ctrl-L           clear the screen\n\n"
        "Grey text behind the cursor is what may follow (.hints off, or FLUME_HINTS=0). The\n"
        "history is kept in ~/.local/state/flume/history (or under XDG_STATE_HOME; FLUME_HISTORY\n"
        "names another file, and none if it is empty); a line that begins with a blank is not.\n");
}
