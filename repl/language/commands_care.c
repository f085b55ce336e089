/*
 * commands_care.c - the commands that check, mend, pack, prove and measure (command_table.h).
 */
#include "command_table.h"

const struct command commands_care[] = {
    {
        .id = COMMAND_CHECK,
        .name = "check",
        .operands = "",
        .options = OPTIONS(OPTION_QUICK, OPTION_FULL),
        .summary = "read everything and say what is damaged",
        .description =
            "Reads every byte of the log, and of the chunks in grains/, and names what is not as "
            "it was written. Changes nothing, and works beside writers. Where the chunks are "
            "away it says how many records refer to them, and ends with 3. --quick only opens "
            "the basin, which looks at the end of the log, where a crash leaves traces.",
        .examples =
            {
                "flume demo.flume check",
                "flume demo.flume check --quick",
                "flume demo.flume check --json | jq -c .",
            },
    },
    {
        .id = COMMAND_REPAIR,
        .name = "repair",
        .operands = "",
        .options = OPTIONS(OPTION_DRY_RUN, OPTION_ACCEPT_LOSS, OPTION_YES),
        .summary = "make a damaged basin usable again",
        .description =
            "Keeps every intact record at its seq and puts a stand-in where one is gone. "
            "Files that it replaces are kept in lost+found/. Nobody else may have the basin "
            "open.",
        .examples =
            {
                "flume demo.flume repair --dry-run",
                "flume demo.flume repair --yes",
            },
    },
    {
        .id = COMMAND_SEAL,
        .name = "seal",
        .operands = "",
        .options = OPTIONS(OPTION_ACTIVE, OPTION_BLOCK, OPTION_LEVEL, OPTION_DICTIONARY,
                           OPTION_PARITY, OPTION_SEAL_PATH),
        .summary = "pack full files of the log",
        .description =
            "Packs each full strata (file of the log) whose records are durable into "
            "compressed blocks with indexes, checks and a root to prove records by. Seqs and "
            "records stay as they are, and everybody goes on reading meanwhile. Programs that "
            "hold a basin open do so by themselves; here it is done now, with --active for "
            "all there is. --path DIRECTORY puts the files elsewhere, on another volume if "
            "need be; while that is away, reading them says so. Ctrl-C keeps what is sealed.",
        .examples =
            {
                "flume demo.flume seal",
                "flume demo.flume seal --active --level 9 --block 64k",
                "flume demo.flume seal --active --dictionary --json",
                "mkdir cold; flume demo.flume seal --active --path cold",
            },
    },
    {
        .id = COMMAND_PROVE,
        .name = "prove",
        .operands = "[R]",
        .operand_type = OPERAND_REFERENCE,
        .operand_max = 1,
        .options = OPTIONS(OPTION_OUTPUT, OPTION_OLD_ROOT, OPTION_CHECK_PROOF, OPTION_KNOWN_ROOT,
                           OPTION_KNOWN_BODY, ASKS),
        .summary = "prove that a record is in the log",
        .description =
            "Without R it shows the head root: 32 bytes that stand for every sealed record, "
            "to be kept elsewhere. With R it proves that the record is one of them, and with "
            "--from that an older head root is of the same log, which has only grown since; "
            "-o writes the proof as text, some kilobytes. --check reads that text, says "
            "whether it holds, and needs no basin: with --root whether it leads to a root you "
            "know, with --body whether these are the record's bytes, which are not in a "
            "proof. What does not hold is exit code 1. The last records are not sealed: "
            "flume seal.",
        .examples =
            {
                "flume demo.flume prove --json | jq -r .root > root",
                "flume demo.flume prove @17 -o 17.proof",
                "flume demo.flume prove --from @1001 -o grown.proof",
                "flume prove --check 17.proof --body 17.body",
            },
    },
    {
        .id = COMMAND_BENCH,
        .name = "bench",
        .operands = "",
        .options = OPTIONS(OPTION_SIZE, OPTION_RECORDS, OPTION_MEMORY, PROFILES),
        .summary = "measure this machine quickly",
        .description =
            "Appends, gets and scans records in a temporary basin, under TMPDIR or /tmp, and "
            "takes it away again. Latencies are of each sixteenth call.",
        .examples =
            {
                "flume bench",
                "flume bench --size 1000 --records 10000 --safe",
            },
    },
    {.name = NULL},
};
