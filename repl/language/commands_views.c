/*
 * commands_views.c - the commands of views, and what a command would ask of them (command_table.h).
 */
#include "command_table.h"

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

const struct command commands_views[] = {
    {
        .id = COMMAND_VIEW,
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
    {
        .id = COMMAND_EXPLAIN,
        .name = "explain",
        .operands = "COMMAND ...",
        .operand_type = OPERAND_TEXT,
        .operand_min = 1,
        .operand_max = SIZE_MAX,
        .summary = "how a command would be answered",
        .description =
            "Says of get, log, tail, label, find, mark, blob and scope which view answers, where "
            "it stands and what it costs, without waiting for any view. Nothing is changed.",
        .examples =
            {
                "flume demo.flume explain get run/1~1",
                "flume demo.flume explain find temp 20..30 and label run/1",
            },
    },
    {.name = NULL},
};
