/*
 * command_table.c - the commands: operands, options, texts and examples (command.h).
 */
#include "command.h"

/* A list in static storage, with its end. */
#define OPTIONS(...) ((const enum option_id[]){__VA_ARGS__, OPTION_COUNT})

#define PROFILES OPTION_PARANOID, OPTION_SAFE, OPTION_CASUAL, OPTION_FORGETFUL
#define FILTERS \
    OPTION_WITH_LABEL, OPTION_OF_KIND, OPTION_SINCE, OPTION_UNTIL, OPTION_GREP, OPTION_WHERE
#define ASKS OPTION_AS_OF, OPTION_STALE_OK
#define SHAPES OPTION_NUL, OPTION_DELIMITER
#define RECORDS SHAPES, OPTION_LIMIT, OPTION_NO_FAIL_EMPTY

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

static const struct subcommand blob_subs[] = {
    {"list", "", 0, 0,
     OPTIONS(OPTION_WITH_LABEL, OPTION_SINCE, OPTION_UNTIL, OPTION_ROWS_MAX, OPTION_REVERSE),
     "blobs, oldest first"},
    {"put", "[FILE...|-]", 0, SIZE_MAX,
     OPTIONS(OPTION_BLOB_NAME, OPTION_LABEL, OPTION_MEDIA_TYPE, OPTION_TIME, OPTION_CHUNKING,
             OPTION_CHUNK_BYTES, OPTION_RESUME, OPTION_PROVE_CHUNKS, OPTION_CREATE, PROFILES),
     "files, or standard input, go in"},
    {"get", "BLOB", 1, 1, OPTIONS(OPTION_OUTPUT, OPTION_BYTE_RANGE), "its bytes, verified"},
    {"stat", "BLOB...", 1, SIZE_MAX, NULL, "all about one"},
    {"has", "HASH|FILE...", 1, SIZE_MAX, NULL, "whether it is there (exit code 1: not)"},
    {"verify", "[BLOB...]", 0, SIZE_MAX, OPTIONS(OPTION_EVERY_BLOB), "read it all, and compare"},
    {"unreferenced", "", 0, 0, OPTIONS(OPTION_ROWS_MAX), "chunks that no blob refers to"},
    {"grains", "", 0, 0, OPTIONS(OPTION_GRAINS_PATH, OPTION_STRATA), "where chunks are kept"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

static const struct subcommand batch_subs[] = {
    {"list", "", 0, 0, OPTIONS(OPTION_TAG, OPTION_ROWS_MAX), "batches, by tag and time"},
    {"show", "BATCH", 1, 1, OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_REVERSE),
     "what was committed in one"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

static const struct subcommand scope_subs[] = {
    {"list", "", 0, 0, OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_REVERSE),
     "what was committed"},
    {"add", "KEY=VALUE...", 1, SIZE_MAX, OPTIONS(OPTION_LABEL, OPTION_CREATE, PROFILES),
     "commit one, say if it is new"},
    {"show", "R", 1, 1, NULL, "all about one"},
    {"diff", "R R", 2, 2, NULL, "in which variables two differ"},
    {"find", "KEY=VALUE...", 1, SIZE_MAX,
     OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_NO_FAIL_EMPTY), "those that have these"},
    {"explain", "KEY=VALUE...", 1, SIZE_MAX, OPTIONS(OPTION_LABEL), "why it is new"},
    {"put", "KEY=VALUE...", 1, SIZE_MAX,
     OPTIONS(OPTION_VALUE, OPTION_VALUE_FILE, OPTION_LABEL, OPTION_SPACE, OPTION_CREATE, PROFILES),
     "put a value at its address"},
    {"get", "KEY=VALUE...", 1, SIZE_MAX, OPTIONS(OPTION_LABEL, OPTION_SPACE, OPTION_OUTPUT),
     "the newest value there"},
    {"stat", "", 0, 0, NULL, "how many, and sets of keys"},
    {"config", "[LABEL...]", 0, SIZE_MAX, OPTIONS(OPTION_ROWS_MAX),
     "settings by labels, and defaults"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

static const struct subcommand cache_subs[] = {
    {"list", "", 0, 0, OPTIONS(OPTION_ROWS_MAX), "every address that has a value"},
    {"put", "KEY [VALUE]", 1, 2,
     OPTIONS(OPTION_SPACE, OPTION_VALUE_FILE, OPTION_LABEL, OPTION_CREATE, PROFILES),
     "put a value, or --file FILE"},
    {"get", "KEY", 1, 1, OPTIONS(OPTION_SPACE, OPTION_OUTPUT), "the newest value, byte for byte"},
    {"forget", "KEY", 1, 1, OPTIONS(OPTION_SPACE, PROFILES), "from here on there is nothing"},
    {"stat", "", 0, 0, NULL, "how many there are, and hits and misses"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

static const struct subcommand view_subs[] = {
    {"status", "[NAME...]", 0, SIZE_MAX, NULL, "how views stand (-v: more)"},
    {"list", "", 0, 0, NULL, "which views there are"},
    {"add", "NAME", 1, 1,
     OPTIONS(OPTION_JSON_PATH, OPTION_FIELD_TYPE, OPTION_UNIQUE, OPTION_REDUCE, OPTION_BY,
             OPTION_ONLY_LABEL),
     "declare a field view, or a fold"},
    {"drop", "NAME", 1, 1, NULL, "end a declared view, or a foreign"},
    {"rows", "NAME [PREFIX]", 1, 2, OPTIONS(OPTION_ROWS_MAX, OPTION_TABLE), "what it holds"},
    {"sync", "[NAME...]", 0, SIZE_MAX, NULL, "wait until they have met the log"},
    {"rebuild", "NAME...", 0, SIZE_MAX, OPTIONS(OPTION_EVERY_VIEW), "make it again from the log"},
    {"pause", "NAME", 1, 1, NULL, "leave it as it is, in every process"},
    {"resume", "NAME", 1, 1, NULL, "end that"},
    {"verify", "[NAME...]", 0, SIZE_MAX, NULL, "derive it afresh, and compare"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

const struct command command_table[COMMAND_COUNT] = {
    [COMMAND_INIT] =
        {
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
    [COMMAND_INFO] =
        {
            .name = "info",
            .operands = "",
            .summary = "what a basin is and holds",
            .description =
                "Shows a basin's path, identity, format, size, number of records and times.",
            .examples =
                {
                    "flume demo.flume info",
                    "flume demo.flume info --json | jq .head",
                },
        },
    [COMMAND_APPEND] =
        {
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
    [COMMAND_GET] =
        {
            .name = "get",
            .operands = "R...",
            .operand_type = OPERAND_REFERENCE,
            .operand_min = 1,
            .operand_max = SIZE_MAX,
            .options = OPTIONS(SHAPES, OPTION_META, OPTION_PATH, OPTION_OUTPUT, ASKS),
            .summary = "show records by reference",
            .description =
                "Writes the bodies of records, byte for byte; on a terminal control bytes are "
                "escaped (not with --mode raw) and a newline follows. "
                "With --json the whole record; with --meta also where it lies: hash, strata and "
                "offset; with --path only values out of a JSON body, one a line, as JSON "
                "(--mode raw: strings without their quotes). Records that are not there are reported, the others shown. R may be a "
                "seq, a hash, a label, a bookmark: flume help refs.",
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
    [COMMAND_LOG] =
        {
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
    [COMMAND_TAIL] =
        {
            .name = "tail",
            .operands = "",
            .options = OPTIONS(FILTERS, SHAPES, OPTION_LINES, OPTION_FOLLOW, OPTION_FROM,
                               OPTION_AFTER, OPTION_CURSOR_FILE, OPTION_EXIT_AT_END, OPTION_IDLE,
                               OPTION_MAX_COUNT, OPTION_EXEC, ASKS),
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
    [COMMAND_SUBSCRIBE] =
        {
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
    [COMMAND_LABEL] =
        {
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
    [COMMAND_FIND] =
        {
            .name = "find",
            .operands = "NAME VALUE|A..B|PREFIX* [and|or ...]",
            .operand_type = OPERAND_TEXT,
            .operand_min = 1,
            .operand_max = SIZE_MAX,
            .options = OPTIONS(SHAPES, OPTION_LIMIT, OPTION_FOLLOW, OPTION_LIVE,
                               OPTION_NO_FAIL_EMPTY, ASKS),
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
    [COMMAND_MARK] =
        {
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
    [COMMAND_BLOB] =
        {
            .name = "blob",
            .operands = "list|put|get|stat|has|verify|unreferenced|grains ...",
            .operand_type = OPERAND_TEXT,
            .operand_max = SIZE_MAX,
            .options = OPTIONS(ASKS),
            .subs = blob_subs,
            .summary = "data of any size, by its content",
            .description =
                "A content goes in once, whatever its names: its BLAKE3 says which it is, as b3sum "
                "prints it. Over 1 MiB it is cut into chunks, kept in grains/ and stored once each, "
                "whatever blobs they are part of. A put that was killed is put again: chunks that "
                "are there are not written twice (--resume says how many). What comes out is "
                "verified. BLOB is the content's hash or its beginning, a name, or any reference "
                "to its record (flume help refs). --range takes sizes: 1M..2M. grains --path says "
                "where chunks are to be kept, or where they have gone; without them all but their "
                "bytes goes on working.",
            .examples =
                {
                    "flume demo.flume blob put report.pdf --name report --type application/pdf",
                    "seq 200000 | flume demo.flume blob put --name numbers --resume",
                    "flume demo.flume blob get report -o copy.pdf",
                    "flume demo.flume blob get numbers --range 0..64 | head -n 3",
                    "flume demo.flume blob list --json | jq -r .hash",
                    "flume demo.flume blob has report.pdf",
                    "flume demo.flume blob verify --all",
                    "flume demo.flume blob grains",
                },
        },
    [COMMAND_SCOPE] =
        {
            .name = "scope",
            .operands = "list|add|show|diff|find|explain|put|get|stat|config ...",
            .operand_type = OPERAND_TEXT,
            .operand_max = SIZE_MAX,
            .options = OPTIONS(ASKS),
            .subs = scope_subs,
            .summary = "variables by name, and whether they were there before",
            .description =
                "A scope is what a result was computed from: keys with typed values, and labels. "
                "add says whether it is new, the same as an earlier one (dup: a link is "
                "recorded, not a copy), within an earlier one (subset), or has all of one and "
                "more (superset), and in which keys. VALUE is JSON: 1, 1.5, true, null, "
                "\"text\", or a word, which is a text; types count: 1, 1.0 and \"1\" are three "
                "values. {...} is an object of variables, - an object on standard input; "
                "{\"a\":{\"b\":1}} has the key a/b. R is a reference, or the id that add prints. list "
                "has one row for a link, however many commits it counts; find and explain look at "
                "the scopes one by one, newest first, explain at the newest 10,000. put keeps a value under a scope, which need "
                "not be committed; get finds it again; -l is part of the scope (flume cache -h). stat counts "
                "scopes and shapes, sets of keys; wild ones are beyond those that can be tracked: "
                "keys made out of data. config shows the settings that recorders have recorded, as "
                "they are for a scope with all of these labels, each with the pattern and the rule "
                "that said it last, and declared defaults.",
            .examples =
                {
                    "flume demo.flume scope add -l sweep n=100 eps=0.1 solver=cg",
                    "flume demo.flume scope add -l sweep '{\"n\":100,\"grid\":{\"h\":0.5}}'",
                    "flume demo.flume scope list -l sweep -n 5 --reverse",
                    "flume demo.flume scope show sweep",
                    "flume demo.flume scope diff sweep~1 sweep",
                    "flume demo.flume scope find n=100 --json | jq -r .seq",
                    "flume demo.flume scope explain -l sweep n=100 eps=0.2 solver=cg",
                    "flume demo.flume scope put n=100 eps=0.1 --value converged",
                },
        },
    [COMMAND_TAPE] =
        {
            .name = "tape",
            .operands = "[A..B]",
            .operand_type = OPERAND_RANGE,
            .operand_max = 1,
            .options =
                OPTIONS(OPTION_TREE, OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_REVERSE, ASKS),
            .summary = "every scope as it was produced",
            .description =
                "Shows each commit of a scope from A up to, not including, B, oldest first; those "
                "that a link counts come one by one. `enclosing` is the scope within which it was "
                "committed, if that was committed too; --tree indents by these.",
            .examples =
                {
                    "flume demo.flume tape",
                    "flume demo.flume tape sweep.. --tree",
                    "flume demo.flume tape -n 2 --reverse --json | jq -c .variables",
                },
        },
    [COMMAND_DUP] =
        {
            .name = "dup",
            .operands = "[R]",
            .operand_type = OPERAND_REFERENCE,
            .operand_max = 1,
            .options = OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_REVERSE,
                               OPTION_NO_FAIL_EMPTY, ASKS),
            .summary = "scopes that were committed more than once",
            .description =
                "Shows which scopes were committed more than once, and how often; with R, all "
                "commits of that scope.",
            .examples =
                {
                    "flume demo.flume dup",
                    "flume demo.flume dup sweep",
                },
        },
    [COMMAND_SUPER] =
        {
            .name = "super",
            .operands = "R",
            .operand_type = OPERAND_REFERENCE,
            .operand_min = 1,
            .operand_max = 1,
            .options = OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_NO_FAIL_EMPTY, ASKS),
            .summary = "scopes that have all of one, and more",
            .description =
                "Shows the scopes that have every variable and label of scope R, with the same "
                "values, and others besides, newest first. It looks at every scope.",
            .examples =
                {
                    "flume demo.flume super sweep~2",
                },
        },
    [COMMAND_SUB] =
        {
            .name = "sub",
            .operands = "R",
            .operand_type = OPERAND_REFERENCE,
            .operand_min = 1,
            .operand_max = 1,
            .options = OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_NO_FAIL_EMPTY, ASKS),
            .summary = "scopes that lie within one",
            .description =
                "Shows the scopes all of whose variables and labels scope R has, with the same "
                "values, newest first. It looks at every scope.",
            .examples =
                {
                    "flume demo.flume sub sweep",
                },
        },
    [COMMAND_BATCH] =
        {
            .name = "batch",
            .operands = "list|show ...",
            .operand_type = OPERAND_TEXT,
            .operand_max = SIZE_MAX,
            .options = OPTIONS(ASKS),
            .subs = batch_subs,
            .summary = "portions in which scopes were recorded",
            .description =
                "A program that records scopes can put them into batches, which roll by count, "
                "bytes or age (flume/scope_batch.h). A batch has an id, "
                "TAG-YYYYMMDD-HHMMSSmmm-xxxxxxxx, and is no part of what a scope is. BATCH is the "
                "beginning of an id, as long as it fits one. `records` counts a link once, however "
                "many commits it stands for; show has its count.",
            .examples =
                {
                    "flume demo.flume batch list",
                    "flume demo.flume batch list --tag sweep -n 10",
                    "flume demo.flume batch show sweep-20261122-0415 -n 5",
                    "flume demo.flume batch list --json | jq -r .id",
                },
        },
    [COMMAND_GRAPH] =
        {
            .name = "graph",
            .operands = "[A..B]",
            .operand_type = OPERAND_RANGE,
            .operand_max = 1,
            .options = OPTIONS(OPTION_SINGLE_SCOPES, OPTION_AROUND, OPTION_GRAPH_FORMAT,
                               OPTION_OUTPUT, OPTION_WITH_LABEL, OPTION_NODES_MAX,
                               OPTION_NO_FAIL_EMPTY, ASKS),
            .summary = "which scopes lie within which",
            .description =
                "Shows what was recorded from A up to, not including, B as a tree: scopes with the "
                "same keys are one, and below it stands what has all of one of them and more, with "
                "none between: the keys it adds, how many scopes there are, how many of them extend "
                "one of those above, and the first one's record. What extends several stands below "
                "each of them, and goes on below the first. --scopes shows them one by one, with "
                "values; --around R those within R and those that R lies within, the nearest first. "
                "--json and --mode write a row for each, with what it covers. It looks at every "
                "scope.",
            .examples =
                {
                    "flume demo.flume graph",
                    "flume demo.flume graph -l sweep --format svg -o sweep.svg",
                    "flume demo.flume graph --around sweep",
                    "flume demo.flume graph --scopes @100.. --format dot >scopes.dot",
                    "flume demo.flume graph --json | jq -c '[.seq,.scopes,.keys]'",
                },
        },
    [COMMAND_VIEW] =
        {
            .name = "view",
            .operands = "status|list|add|drop|rows|sync|rebuild|pause|resume|verify ...",
            .operand_type = OPERAND_TEXT,
            .operand_max = SIZE_MAX,
            .options = OPTIONS(ASKS),
            .subs = view_subs,
            .summary = "views: what is derived from the log",
            .description =
                "Shows how views stand, declares views over fields of JSON bodies, rebuilds and "
                "verifies. A view answers when it has met the whole log; it can be thrown away "
                "at any time. What there is to know: flume help views.",
            .examples =
                {
                    "flume demo.flume view status -v",
                    "flume demo.flume view add temp --json-path .temp --type number",
                    "flume demo.flume view add per-host --reduce count --by .host",
                    "flume demo.flume view rows label run/ -n 5",
                    "flume demo.flume view rebuild --all",
                    "flume --load mine.so demo.flume view rows mine",
                },
        },
    [COMMAND_EXPLAIN] =
        {
            .name = "explain",
            .operands = "COMMAND ...",
            .operand_type = OPERAND_TEXT,
            .operand_min = 1,
            .operand_max = SIZE_MAX,
            .summary = "how a command would be answered",
            .description =
                "Says of get, log, tail, label, find, mark, blob and scope which view answers, where it "
                "stands and what it costs, without waiting for any view. Nothing is changed.",
            .examples =
                {
                    "flume demo.flume explain get run/1~1",
                    "flume demo.flume explain find temp 20..30 and label run/1",
                },
        },
    [COMMAND_CACHE] =
        {
            .name = "cache",
            .operands = "list|put|get|forget|stat ...",
            .operand_type = OPERAND_TEXT,
            .operand_max = SIZE_MAX,
            .options = OPTIONS(ASKS),
            .subs = cache_subs,
            .summary = "values under a scope or under data",
            .description =
                "A value is put at an address, which KEY makes: {\"n\":100} is a scope, @N the "
                "scope that record N holds, any other word is data; the same key finds it again. "
                "@N is also a value of cache list, and 64 hexadecimal digits are its address. The "
                "newest value wins; --as-of R gives the one that was the newest then. What "
                "programs remember of scopes (flume/recall.h) is listed, read and forgotten here.",
            .examples =
                {
                    "flume demo.flume cache put '{\"n\":100,\"eps\":0.1}' converged",
                    "flume demo.flume cache get '{\"eps\":0.1,\"n\":100}'",
                    "flume demo.flume cache put report.pdf --space thumbnails --file report.pdf",
                    "flume demo.flume cache list",
                    "flume demo.flume cache forget '{\"n\":100,\"eps\":0.1}'",
                },
        },
    [COMMAND_RUN] =
        {
            .name = "run",
            .operands = "[--] COMMAND [ARG...]",
            .operand_type = OPERAND_TEXT,
            .runs_another = true,
            .operand_min = 1,
            .operand_max = SIZE_MAX,
            .options = OPTIONS(OPTION_SCOPE, OPTION_LABEL, OPTION_IN, OPTION_OUT, OPTION_ENV,
                               OPTION_CWD, OPTION_FORCE, OPTION_CACHE_FAILURES, OPTION_EXPLAIN,
                               OPTION_CREATE, PROFILES),
            .summary = "run a command once, replay it from then on",
            .description =
                "Runs COMMAND, unless the same was run before: then its output, exit code and --out "
                "files come from the log. The same is: what --scope and --label say, the words of "
                "the command, the name and content of each --in FILE, each --env, and --cwd. Nothing "
                "else of the environment counts: name what the command reads. What it writes is shown "
                "as it comes, and replayed in that order, as far as two pipes can tell it. Its "
                "standard input is empty without --in -. Not recorded is what failed, was ended by a "
                "signal, was not read to its end, or may still be written to from behind. An --out "
                "that the command has not written is an error; files are given back whole, with "
                "their permissions. Of several that want the same at once one runs it, and the others "
                "wait for its result. --explain runs nothing: it shows in which keys the nearest "
                "earlier scope differs, and ends with 0 if COMMAND would be replayed, with 1 if not. "
                "stdout and exit code are COMMAND's own; -v, or --json as an object, says on "
                "stderr what was done. The scope shows in scope list, the result in cache list.",
            .examples =
                {
                    "flume demo.flume run -l sweep --scope n=100 -- sh -c 'sleep 0.1; echo 42'",
                    "flume demo.flume run --in report.pdf -v -- wc -c report.pdf",
                    "flume demo.flume run --out sum -- sh -c 'seq 9 | cksum > sum; echo done'",
                    "seq 5 | flume demo.flume run --in - -- ./analyse | tail -n 1",
                },
        },
    [COMMAND_CHECK] =
        {
            .name = "check",
            .operands = "",
            .options = OPTIONS(OPTION_QUICK, OPTION_FULL),
            .summary = "read everything and say what is damaged",
            .description =
                "Reads every byte of the log and names what is not as it was written. Changes "
                "nothing, and works beside writers. --quick only opens the basin, which looks at "
                "the end of the log, where a crash leaves traces.",
            .examples =
                {
                    "flume demo.flume check",
                    "flume demo.flume check --quick",
                    "flume demo.flume check --json | jq -c .",
                },
        },
    [COMMAND_REPAIR] =
        {
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
    [COMMAND_SEAL] =
        {
            .name = "seal",
            .operands = "",
            .options = OPTIONS(OPTION_ACTIVE, OPTION_BLOCK, OPTION_LEVEL, OPTION_DICTIONARY,
                               OPTION_PARITY),
            .summary = "pack full files of the log",
            .description =
                "Packs each full strata (file of the log) whose records are durable into "
                "compressed blocks with indexes, checks and a root to prove records by. Seqs and "
                "records stay as they are, and everybody goes on reading meanwhile. Programs that "
                "hold a basin open do so by themselves; here it is done now, with --active for "
                "all there is. Ctrl-C keeps what is sealed.",
            .examples =
                {
                    "flume demo.flume seal",
                    "flume demo.flume seal --active --level 9 --block 64k",
                    "flume demo.flume seal --active --dictionary --json",
                },
        },
    [COMMAND_STRATA] =
        {
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
    [COMMAND_PROVE] =
        {
            .name = "prove",
            .operands = "[R]",
            .operand_type = OPERAND_REFERENCE,
            .operand_max = 1,
            .options = OPTIONS(OPTION_OUTPUT, OPTION_OLD_ROOT, OPTION_CHECK_PROOF,
                               OPTION_KNOWN_ROOT, OPTION_KNOWN_BODY, ASKS),
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
    [COMMAND_STATUS] =
        {
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
    [COMMAND_STAT] =
        {
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
    [COMMAND_TOP] =
        {
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
    [COMMAND_HIST] =
        {
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
    [COMMAND_PLOT] =
        {
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
    [COMMAND_DUMP] =
        {
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
    [COMMAND_EXPORT] =
        {
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
    [COMMAND_IMPORT] =
        {
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
    [COMMAND_BENCH] =
        {
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
    [COMMAND_COMPLETION] =
        {
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
    [COMMAND_VERSION] =
        {
            .name = "version",
            .operands = "",
            .summary = "which flume this is",
            .description =
                "Shows the versions of program, library and format, and how it was built.",
            .examples =
                {
                    "flume version",
                    "flume version --json",
                },
        },
    [COMMAND_HELP] =
        {
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
    [COMMAND_COMPLETE] =
        {
            .name = "__complete",
            .operands = "words|line|time -- WORD...",
            .operand_type = OPERAND_TEXT,
            .operand_min = 1,
            .operand_max = SIZE_MAX,
            .summary = "what completion scripts ask",
            .description = "",
            .is_hidden = true,
        },
};
