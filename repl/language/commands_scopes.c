/*
 * commands_scopes.c - the commands that show and find scopes (command_table.h).
 */
#include "command_table.h"

static const struct subcommand scope_subs[] = {
    {"list", "", 0, 0, OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_REVERSE),
     "what was committed"},
    {"add", "KEY=VALUE...", 1, SIZE_MAX,
     OPTIONS(OPTION_LABEL, OPTION_STORE_DELTA, OPTION_CREATE, PROFILES),
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

static const struct subcommand batch_subs[] = {
    {"list", "", 0, 0, OPTIONS(OPTION_TAG, OPTION_ROWS_MAX), "batches, by tag and time"},
    {"show", "BATCH", 1, 1, OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_REVERSE),
     "what was committed in one"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

const struct command commands_scopes[] = {
    {
        .id = COMMAND_SCOPE,
        .name = "scope",
        .operands = "list|add|show|diff|find|explain|put|get|stat|config ...",
        .operand_type = OPERAND_TEXT,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(ASKS),
        .subs = scope_subs,
        .summary = "variables by name, and whether they were there before",
        .description =
            "A scope is what a result was computed from: keys with typed values, and labels. add "
            "says whether it is new, the same as an earlier one (dup: a link is recorded, not a "
            "copy), within an earlier one (subset), or has all of one and more (superset), and "
            "in which keys; --delta stores a superset as what it adds, which show tells even if "
            "the rest is lost. VALUE is JSON: 1, 1.5, true, null, \"text\", or a word, which is a "
            "text; types count: 1, 1.0 and \"1\" are three values. {...} is an object of "
            "variables, - an object on standard input; {\"a\":{\"b\":1}} has the key a/b. R is a "
            "reference, or the id that add prints. list has one row for a link, however many "
            "commits it counts; find and explain look at the scopes one by one, newest first, "
            "explain at the newest 10,000. put keeps a value under a scope, which need not be "
            "committed; get finds it again; -l is part of the scope (flume cache -h). stat "
            "counts scopes and shapes, sets of keys; wild ones are beyond those that can be "
            "tracked: keys made out of data. config shows the settings that recorders have "
            "recorded, as they are for a scope with all of these labels, each with the pattern "
            "and the rule that said it last, and declared defaults.",
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
    {
        .id = COMMAND_TAPE,
        .name = "tape",
        .operands = "[A..B]",
        .operand_type = OPERAND_RANGE,
        .operand_max = 1,
        .options = OPTIONS(OPTION_TREE, OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_REVERSE, ASKS),
        .summary = "every scope as it was produced",
        .description =
            "Shows each commit of a scope from A up to, not including, B, oldest first; those "
            "that a link counts come one by one. `enclosing` is the scope within which it was "
            "committed, if that was committed too; --tree indents by these. `tare` says that tares "
            "left variables out: scope show tells which.",
        .examples =
            {
                "flume demo.flume tape",
                "flume demo.flume tape sweep.. --tree",
                "flume demo.flume tape -n 2 --reverse --json | jq -c .variables",
            },
    },
    {
        .id = COMMAND_DUP,
        .name = "dup",
        .operands = "[R]",
        .operand_type = OPERAND_REFERENCE,
        .operand_max = 1,
        .options =
            OPTIONS(OPTION_WITH_LABEL, OPTION_ROWS_MAX, OPTION_REVERSE, OPTION_NO_FAIL_EMPTY, ASKS),
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
    {
        .id = COMMAND_SUPER,
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
    {
        .id = COMMAND_SUB,
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
    {
        .id = COMMAND_BATCH,
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
    {
        .id = COMMAND_GRAPH,
        .name = "graph",
        .operands = "[A..B]",
        .operand_type = OPERAND_RANGE,
        .operand_max = 1,
        .options = OPTIONS(OPTION_SINGLE_SCOPES, OPTION_AROUND, OPTION_GRAPH_FORMAT, OPTION_OUTPUT,
                           OPTION_WITH_LABEL, OPTION_NODES_MAX, OPTION_NO_FAIL_EMPTY, ASKS),
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
    {.name = NULL},
};
