/*
 * commands_program.c - the commands about flume itself (command_table.h).
 */
#include "command_table.h"

const struct command commands_program[] = {
    {
        .id = COMMAND_COMPLETION,
        .name = "completion",
        .operands = "bash|zsh|fish",
        .operand_type = OPERAND_TEXT,
        .operand_min = 1,
        .operand_max = 1,
        .summary = "completion for a shell",
        .description =
            "Writes the script that makes a shell complete flume's command line; it asks flume "
            "itself, and so fits every version. An installed flume brings the scripts along. "
            "By hand: source it, or put it where the shell looks: bash "
            "~/.local/share/bash-completion/completions/flume, zsh _flume in a directory of "
            "fpath, fish ~/.config/fish/completions/flume.fish.",
        .examples =
            {
                "flume completion bash > flume.bash",
                "flume completion zsh > _flume",
            },
    },
    {
        .id = COMMAND_VERSION,
        .name = "version",
        .operands = "",
        .summary = "which flume this is",
        .description = "Shows the versions of program, library and format, and how it was built.",
        .examples =
            {
                "flume version",
                "flume version --json",
            },
    },
    {
        .id = COMMAND_HELP,
        .name = "help",
        .operands = "[TOPIC]",
        .operand_type = OPERAND_TEXT,
        .operand_max = 1,
        .summary = "help for a command or topic",
        .description =
            "A topic is a command, or one of those that help without a topic names: refs, "
            "views, modes, shell ... man and man-commands write the manual pages.",
        .examples =
            {
                "flume help append",
                "flume help refs",
                "flume help man | man -l -",
            },
    },
    {
        .id = COMMAND_COMPLETE,
        .name = "__complete",
        .operands = "words|line|time -- WORD...",
        .operand_type = OPERAND_TEXT,
        .operand_min = 1,
        .operand_max = SIZE_MAX,
        .summary = "what completion scripts ask",
        .description = "",
        .is_hidden = true,
    },
    {.name = NULL},
};
