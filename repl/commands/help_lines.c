/*
 * help_lines.c - the topic `lines`: what a line of the shell may hold, and scripts of them.
 */
#include "help.h"

void help_lines(struct text *text)
{
    text_string(text,
                "A line at flume>, of a script, or behind -c is a command without `flume DB`:\n\n"
                "  word             words stand between blanks; \\c is the character c\n"
                "  'text'           as it is\n"
                "  \"text\"           \\\" \\\\ \\n \\t \\r inside; nothing is ever expanded\n"
                "  {...}  [...]     a word that begins so is JSON up to its end, with its blanks\n"
                "  # text           at the beginning of a word: a comment\n"
                "  <<END            last on the line: what follows, up to a line END, is one word\n"
                "  | command        what comes out goes to the shell's command: the rest of it\n"
                "  > FILE  >> FILE  ... into a file, from its beginning or behind what it holds\n"
                "  !command         the whole line is the shell's\n"
                "  .name words      a setting of the session (.help)\n\n"
                "A line goes on in the next one only between quotes, in brackets, or behind\n"
                "<<END. | and > between quotes or in JSON are text.\n\n"
                "Scripts. -c LINE and --script FILE run in the order they stand in; --script -\n"
                "and no command at all take the lines of standard input. A script ends at the\n"
                "first command that does not end with 0, with its exit code and the place,\n"
                "FILE:LINE:COLUMN; --keep-going goes on, and ends with the worst code. Lines of\n"
                "scripts are not kept in the history. A command in a script on standard input\n"
                "finds nothing to read there: give it its text as <<END.\n\n"
                "for example:\n"
                "  flume demo.flume -c 'append -l note \"first light\"' -c 'log -n 1 --reverse'\n"
                "  flume demo.flume --script nightly.flume --keep-going\n"
                "  printf 'append <<END\\n%s\\nEND\\n' 'two lines' | flume demo.flume\n");
}
