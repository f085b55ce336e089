/*
 * commands_reading.c - the commands that read records, and count and draw them (command_table.h).
 */
#include "command_table.h"

static const struct subcommand label_subs[] = {
    {"list", "[PREFIX]", 0, 1, OPTIONS(OPTION_REGEX, OPTION_ROWS_MAX), "labels, by name"},
    {"count", "[PREFIX]", 0, 1, OPTIONS(OPTION_REGEX), "how many, and the sum of all"},
    {"show", "LABEL", 1, 1, OPTIONS(RECORDS), "the records that carry it"},
    {"all", "LABEL...", 1, SIZE_MAX, OPTIONS(RECORDS), "those that carry all"},
    {"any", "LABEL...", 1, SIZE_MAX, OPTIONS(RECORDS), "those that carry some"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

enum { MARK_SET = 1 };
static const struct subcommand mark_subs[] = {
    {"list", "[PREFIX]", 0, 1, OPTIONS(OPTION_ROWS_MAX), "bookmarks, by name"},
    [MARK_SET] = {"set", "NAME [R]", 1, 2, OPTIONS(OPTION_NOTE, OPTION_LABEL), "name a record"},
    {"show", "NAME", 1, 1, NULL, "all about one"},
    {"drop", "NAME", 1, 1, OPTIONS(OPTION_NOTE), "end a name; its history stays"},
    {"history", "NAME", 1, 1, NULL, "all that a name has named, oldest first"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

const struct command commands_reading[] = {
    {
        .id = COMMAND_GET,
        .name = "get",
        .operands = "R...",
        .operand_type = OPERAND_REFERENCE,
        .operand_min = 1,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(SHAPES, OPTION_META, OPTION_PATH, OPTION_OUTPUT, ASKS),
        .summary = "show records by reference",
        .description =
            "Writes the bodies of records, byte for byte; on a terminal control bytes are "
            "escaped (not with --mode raw) and a newline follows. With --json the whole record; "
            "with --meta also where it lies: hash, strata and offset; with --path only values "
            "out of a JSON body, one a line, as JSON (--mode raw: strings without their quotes). "
            "Records that are not there are reported, the others shown. R may be a seq, a hash, "
            "a label, a bookmark: flume help refs.",
        .examples =
            {
                "flume demo.flume get last",
                "flume demo.flume get @17 @18 --json",
                "flume demo.flume get 64b4b2 --meta",
                "flume demo.flume get run/1~2 -o body.bin",
                "flume demo.flume get run/1 --path .theta",
                "flume demo.flume get :before-retune",
            },
    },
    {
        .id = COMMAND_LOG,
        .name = "log",
        .operands = "[A..B]",
        .operand_type = OPERAND_RANGE,
        .operand_max = 1,
        .options =
            OPTIONS(FILTERS, SHAPES, OPTION_LIMIT, OPTION_REVERSE, OPTION_NO_FAIL_EMPTY, ASKS),
        .summary = "show many records",
        .description =
            "Shows the records from A up to, not including, B, oldest first, up to where the "
            "log ends at the start. Manifests are shown with --kind manifest. When a search "
            "(any filter) finds nothing, the exit code is 1. Times without a zone are UTC. --where "
            "holds for one of the values at its path: numbers by size, strings by bytes; "
            "several must all hold. It looks at every record; view add and find do not.",
        .examples =
            {
                "flume demo.flume log -l run/1 --since 2h",
                "flume demo.flume log @100..@200 --mode raw",
                "flume demo.flume log :before-retune.. -n 5",
                "flume demo.flume log -l run/1 --where 'theta>=0.2' --where .step!=0",
                "flume demo.flume log -n 5 --reverse --json | jq -r .payload",
            },
    },
    {
        .id = COMMAND_TAIL,
        .name = "tail",
        .operands = "",
        .options = OPTIONS(FILTERS, SHAPES, OPTION_LINES, OPTION_FOLLOW, OPTION_FROM, OPTION_AFTER,
                           OPTION_CURSOR_FILE, OPTION_EXIT_AT_END, OPTION_IDLE, OPTION_MAX_COUNT,
                           OPTION_EXEC, ASKS),
        .summary = "show the newest records, and follow",
        .description =
            "Shows the last records, and with -f those to come, until Ctrl-C. --from, "
            "--after and --cursor-file begin there and leave nothing out. A cursor file is "
            "written at least each second and at the end, after its records were written "
            "out: who goes on with it may see a few records again, but misses none. If a "
            "power cut took what it remembers, the exit code is 9. --exec runs a command for "
            "each record in place of writing it out, one after another, with FLUME_SEQ, "
            "FLUME_TIME, FLUME_LABELS and FLUME_KIND in its environment; where one fails, it "
            "ends with 3, and that record is the next of the cursor file.",
        .examples =
            {
                "flume demo.flume tail -n 3",
                "flume demo.flume tail -f -l run/1",
                "flume demo.flume tail -f --cursor-file pos --json | ./analyse",
                "flume demo.flume tail -n 2 --exec 'echo $FLUME_SEQ: $(wc -c) bytes'",
            },
    },
    {
        .id = COMMAND_SUBSCRIBE,
        .name = "subscribe",
        .operands = "[LABEL...]",
        .operand_type = OPERAND_TEXT,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(SHAPES),
        .summary = "records of some labels, from now on",
        .description =
            "At the prompt, each new record with one of the labels (without labels: each new "
            "record) is printed above the line being typed, until .cancel. As a program of "
            "its own it is tail -f -n 0.",
        .examples =
            {
                "flume demo.flume subscribe run/1 error",
            },
    },
    {
        .id = COMMAND_LABEL,
        .name = "label",
        .operands = "list|count|show|all|any ...",
        .operand_type = OPERAND_TEXT,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(ASKS),
        .subs = label_subs,
        .summary = "labels, and the records that carry them",
        .description =
            "Labels come in byte order, with how many records carry each, the bytes of "
            "these, and the first and last. count adds up what list would show. show, all "
            "and any show records as log does, oldest first; finding none is exit code 1.",
        .examples =
            {
                "flume demo.flume label list run/",
                "flume demo.flume label list --regex '^run/[0-9]+$' --json",
                "flume demo.flume label show run/1 -n 5",
                "flume demo.flume label all run/1 error --mode raw",
            },
    },
    {
        .id = COMMAND_FIND,
        .name = "find",
        .operands = "NAME VALUE|A..B|PREFIX* [and|or ...]",
        .operand_type = OPERAND_TEXT,
        .operand_min = 1,
        .operand_max = SIZE_MAX,
        .options =
            OPTIONS(SHAPES, OPTION_LIMIT, OPTION_FOLLOW, OPTION_LIVE, OPTION_NO_FAIL_EMPTY, ASKS),
        .summary = "records by a field, a label, a hash; groups of a fold",
        .description =
            "NAME is a field view (flume help view); its VALUE is one value, a range with "
            "both ends in it (A.. and ..B are open), the beginning of a text and '*', or "
            "=VALUE for just these characters. 'label X' and 'hash X' are terms too. 'and' "
            "binds tighter than 'or'; 'hash' goes with 'and' alone. Values that begin with - "
            "go behind --. Records are shown as log shows them. With -f it goes on with what "
            "is appended, until Ctrl-C. find NAME [GROUP|PREFIX*] of a reduce view shows "
            "its groups.",
        .examples =
            {
                "flume demo.flume find temp 20..30 and label run/1",
                "flume demo.flume find name 'lib*' or name gcc --json",
                "flume demo.flume find hash 64b4b2",
                "flume demo.flume find -f -- temp -10..0",
                "flume demo.flume find per-host",
            },
    },
    {
        .id = COMMAND_MARK,
        .name = "mark",
        .alias = "bookmark",
        .operands = "NAME [R] | list|show|drop|history ...",
        .operand_type = OPERAND_TEXT,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(ASKS),
        .subs = mark_subs,
        .sub_implied = MARK_SET,
        .summary = "bookmarks: names for records",
        .description =
            "mark NAME names a record, without R the last that is no bookmark itself; :NAME is "
            "a reference to it. "
            "Bookmarks are records themselves: the newest of a name counts, and the others "
            "are its history. 'mark set NAME' is for names that are words of the command.",
        .examples =
            {
                "flume demo.flume mark before-retune -m 'damping 0.01'",
                "flume demo.flume mark crash run/1~3",
                "flume demo.flume mark list",
                "flume demo.flume get :crash",
                "flume demo.flume mark drop crash",
            },
    },
    {
        .id = COMMAND_TOP,
        .name = "top",
        .operands = "",
        .options = OPTIONS(OPTION_TOP_BY, OPTION_WITH_LABEL, OPTION_SINCE, OPTION_UNTIL,
                           OPTION_ROWS_MAX, ASKS),
        .summary = "the largest records, the busiest labels",
        .description =
            "Shows the records with the largest bodies, reading the log once, or with --by "
            "count the labels that most records carry: those the label view has counted, and "
            "between --since and --until the log is read. Ten rows, or -n of them.",
        .examples =
            {
                "flume demo.flume top -n 5",
                "flume demo.flume top -l run/1 --since 1d",
                "flume demo.flume top --by count",
            },
    },
    {
        .id = COMMAND_HIST,
        .name = "hist",
        .operands = "size|gap|latency",
        .operand_type = OPERAND_TEXT,
        .operand_min = 1,
        .operand_max = 1,
        .options = OPTIONS(OPTION_WITH_LABEL, OPTION_SINCE, OPTION_UNTIL),
        .summary = "how sizes, gaps and latencies are spread",
        .description =
            "Counts in bins of powers of two; empty ones between others are shown. size: bytes "
            "of bodies; gap: nanoseconds between one record and the next (of those that fit); "
            "latency: nanoseconds from an append to its being seen by a follower, measured now "
            "in a basin of its own under TMPDIR or /tmp: nothing is written to yours.",
        .examples =
            {
                "flume demo.flume hist size",
                "flume demo.flume hist gap -l run/1",
                "flume hist latency --json",
            },
    },
    {
        .id = COMMAND_PLOT,
        .name = "plot",
        .operands = "rate|lag|size|timeline",
        .operand_type = OPERAND_TEXT,
        .operand_min = 1,
        .operand_max = 1,
        .options =
            OPTIONS(OPTION_OUTPUT, OPTION_TERM, OPTION_WITH_LABEL, OPTION_SINCE, OPTION_UNTIL),
        .summary = "a picture: SVG, or characters",
        .description =
            "Writes an SVG picture to -o FILE, complete or not at all; draws with characters on "
            "a terminal or with --term; else writes the numbers. rate: records and bytes over "
            "time, with the gaps; size: how body sizes are spread, for the busiest labels (or "
            "each -l); timeline: a lane for each of the 12 busiest labels, bookmarks as flags, "
            "a record once for each of its labels; lag: how far each view has come. The same "
            "log gives the same bytes, of at most 2,000 points, for light and dark screens.",
        .examples =
            {
                "flume demo.flume plot timeline --since 1d -o day.svg",
                "flume demo.flume plot rate --term",
                "flume demo.flume plot size -l run/1 -l run/2 -o sizes.svg",
                "flume demo.flume plot rate --json | jq -s 'max_by(.records).time'",
            },
    },
    {
        .id = COMMAND_DUMP,
        .name = "dump",
        .operands = "[R|A..B]",
        .operand_type = OPERAND_EITHER,
        .operand_max = 1,
        .options = OPTIONS(OPTION_HEX, OPTION_LIMIT),
        .summary = "grains as they lie in their files",
        .description =
            "Shows the fields of grains as log/FORMAT.md names them, each with its offset in "
            "the strata and its bytes, manifests too; with --hex the bytes themselves; with -v "
            "the header page of each strata first. What is damaged is shown as it lies there.",
        .examples =
            {
                "flume demo.flume dump last.. --hex",
                "flume demo.flume dump @0..@3 -v",
                "flume demo.flume dump last --json | jq -r 'select(.field == \"check\").value'",
            },
    },
    {.name = NULL},
};
