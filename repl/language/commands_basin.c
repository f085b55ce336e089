/*
 * commands_basin.c - the commands that make, fill and show a basin (command_table.h).
 */
#include "command_table.h"

const struct command commands_basin[] = {
    {
        .id = COMMAND_INIT,
        .name = "init",
        .operands = "[PATH]",
        .operand_type = OPERAND_TEXT,
        .operand_max = 1,
        .options = OPTIONS(OPTION_STRATA),
        .summary = "make a new basin",
        .description =
            "Makes a basin, a directory by convention called NAME.flume, with an empty log. "
            "What exists already is left as it is, and the exit code is 1.",
        .examples =
            {
                "flume demo.flume init",
                "flume init demo.flume --strata 16M",
            },
    },
    {
        .id = COMMAND_INFO,
        .name = "info",
        .operands = "",
        .summary = "what a basin is and holds",
        .description = "Shows a basin's path, identity, format, size, number of records and times.",
        .examples =
            {
                "flume demo.flume info",
                "flume demo.flume info --json | jq .head",
            },
    },
    {
        .id = COMMAND_APPEND,
        .name = "append",
        .operands = "[TEXT...|-]",
        .operand_type = OPERAND_TEXT,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(OPTION_LABEL, OPTION_KIND, OPTION_CODEC, OPTION_TIME, OPTION_IF_LAST,
                           OPTION_FILE, OPTION_EACH, OPTION_CREATE, PROFILES, ASKS),
        .summary = "append records",
        .description =
            "Appends each TEXT as a record, '-' as all of standard input, each --file as one "
            "record, or with --each a record for each piece of standard input. A record is "
            "printed only when it is appended, and with --safe or --paranoid only when no "
            "power cut can take it back; with --json that is one line for each. --json and "
            "--each json are two things: what is printed, and what is read. Without --create "
            "a basin that is not there is an error. Several TEXTs with --after go in "
            "together or not at all.",
        .examples =
            {
                "flume demo.flume append -l note 'first light'",
                "seq 1000 | flume demo.flume append -l run/1 --each line",
                "journalctl -f -o json | flume demo.flume append --each json --json --safe",
                "flume demo.flume append --file report.pdf --codec raw",
            },
    },
    {
        .id = COMMAND_EXPORT,
        .name = "export",
        .operands = "[A..B]",
        .operand_type = OPERAND_RANGE,
        .operand_max = 1,
        .options = OPTIONS(OPTION_OUTPUT, OPTION_ALL, ASKS),
        .summary = "write records as JSON, without loss",
        .description =
            "Writes each record as one JSON object a line, in the order of seqs: time, "
            "labels, kind, codec and bytes exactly, \"batch\":true where the next record "
            "belongs to the same batch. Manifests and stand-ins of lost records are left "
            "out without --all.",
        .examples =
            {
                "flume demo.flume export -o demo.ndjson",
                "flume demo.flume export @1000.. | zstd > part.zst",
                "flume old.flume export | flume new.flume import --create",
            },
    },
    {
        .id = COMMAND_IMPORT,
        .name = "import",
        .operands = "[FILE|-]",
        .operand_type = OPERAND_TEXT,
        .operand_max = 1,
        .options = OPTIONS(OPTION_CREATE, PROFILES),
        .summary = "append what export wrote",
        .description =
            "Appends the records of an export in their order, with their times, labels, "
            "kinds, codecs, bytes and batches. Seqs are given anew, and bookmarks name what "
            "they named. Manifests and "
            "stand-ins are passed over. At a bad line it stops and says how far it came: "
            "nothing of that line, or of a batch that it breaks, was appended.",
        .examples =
            {
                "flume new.flume import demo.ndjson --create",
                "zstd -dc part.zst | flume new.flume import",
            },
    },
    {
        .id = COMMAND_STATUS,
        .name = "status",
        .operands = "",
        .summary = "how a basin stands, on one screen",
        .description =
            "Shows the basin, its head and what is durable, the rate of appends in the last "
            "minute (from the times of records, a character for two seconds, a dot for none), "
            "each view and how far it is behind, what takes room on disk, and who is attached. "
            "Where not all views fit, those furthest behind are shown. With --json one object "
            "with all numbers. Nothing is scanned and nothing waits: it is quick on any basin.",
        .examples =
            {
                "flume demo.flume status",
                "flume demo.flume status --json | jq '.head - .durable'",
                "flume demo.flume status --json | jq 'all(.views[]; .lag == 0)'",
            },
    },
    {
        .id = COMMAND_STAT,
        .name = "stat",
        .operands = "",
        .options = OPTIONS(OPTION_INTERVAL, OPTION_ROWS),
        .summary = "numbers of a basin, and who is attached",
        .description =
            "Shows all numbers once, or with -i a row of rates at each interval: records and "
            "megabytes a second, head, records that a power cut could take, and by how much "
            "the view that is furthest behind lags. On a terminal it ends with a sparkline.",
        .examples =
            {
                "flume demo.flume stat",
                "flume demo.flume stat -i 1 -n 3",
            },
    },
    {
        .id = COMMAND_STRATA,
        .name = "strata",
        .operands = "",
        .summary = "the files of the log, one by one",
        .description =
            "Shows each strata: its first seq and records, whether it is raw or sealed, the "
            "bytes of its records and of its file. Of sealed ones also how much smaller the "
            "file is than its records, its blocks, when it was sealed, and the root of its "
            "records' hashes. -v adds what each part of the file takes, and the chain of roots "
            "up to there, which stands for all of the log until its end.",
        .examples =
            {
                "flume demo.flume strata",
                "flume demo.flume strata -v --mode line",
                "flume demo.flume strata --json | jq -r '[.first, .form, .ratio] | @tsv'",
            },
    },
    {.name = NULL},
};
